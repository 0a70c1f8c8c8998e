/* SPDX-License-Identifier: MIT */
/*
 * Clocks and timers (decision 20). Armed timers of each kind hang in a list sorted by deadline, under the
 * clock's lock. Outside deterministic mode a timerfd for each kind wakes the VM's context at the first
 * deadline (GLib's own timeouts are in milliseconds); in deterministic mode the run loop fires what is due at
 * exact instruction counts. Callbacks run without the lock; timer_free waits for one that runs on another
 * thread.
 */
#include "machines/core/clock.h"

#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <glib-unix.h>

#include "base/lock.h"
#include "machines/core/core.h"
#include "machines/core/vcpu.h"

enum { NS_PER_S = 1000000000 };

/* Deterministic mode's date when the machine starts: 2025-01-01 00:00:00 UTC. */
static const int64_t counted_epoch_ns = 1735689600ll * NS_PER_S;

struct timer {
        struct vm_clock *clock;
        enum clock_kind kind;
        void (*fired)(void *opaque);
        void *opaque;
        int64_t deadline; /* INT64_MAX: not in a list */
        struct timer *next;
        /* armed by ticks of the timebase, perhaps gone off since; these hang in another list */
        bool by_ticks;
        uint64_t ticks;
        struct timer *next_by_ticks;
};

struct vm_clock {
        struct vm *vm;
        GMutex lock;                  /* rank LOCK_RUN */
        GCond idle;                   /* firing became NULL */
        struct timer *first[CLOCK_KINDS];
        struct timer *first_by_ticks; /* in no order */
        struct timer *firing;
        GThread *firing_thread;
        int fd[CLOCK_KINDS];
        GSource *source[CLOCK_KINDS];
        _Atomic bool running;
        _Atomic int64_t run_base;     /* running: CLOCK_RUN is the host's monotonic time less this */
        _Atomic int64_t run_stopped;  /* standing still: CLOCK_RUN itself */
        _Atomic int64_t counted;      /* deterministic mode: CLOCK_RUN at the last slice boundary */
};

static int64_t host_ns(clockid_t id)
{
        struct timespec ts;

        clock_gettime(id, &ts);
        return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static int64_t run_now_ns(struct vm *vm)
{
        struct vm_clock *c = vm->clock;

        if (vm->deterministic) {
                const struct vcpu *v = vcpu_current();

                if (v && v->vm == vm)
                        return run_counted_ns(vm, v);
                return atomic_load(&c->counted);
        }
        if (!atomic_load_explicit(&c->running, memory_order_acquire))
                return atomic_load_explicit(&c->run_stopped, memory_order_relaxed);
        return host_ns(CLOCK_MONOTONIC) - atomic_load_explicit(&c->run_base, memory_order_relaxed);
}

int64_t clock_now_ns(struct vm *vm, enum clock_kind kind)
{
        if (kind == CLOCK_RUN)
                return run_now_ns(vm);
        return vm->deterministic ? counted_epoch_ns + run_now_ns(vm) : host_ns(CLOCK_REALTIME);
}

uint64_t clock_muldiv(uint64_t value, uint64_t mul, uint64_t div)
{
        unsigned __int128 r = (unsigned __int128)value * mul / div;

        return r > UINT64_MAX ? UINT64_MAX : (uint64_t)r;
}

/* ---- timers ---- */

/* Sets the timerfd of @kind to the first deadline, or disarms it. */
static void clock_program_locked(struct vm_clock *c, enum clock_kind kind)
{
        struct itimerspec when = {0};
        int64_t at;

        if (c->vm->deterministic || c->fd[kind] < 0)
                return;
        if (c->first[kind] && (kind == CLOCK_HOST || atomic_load(&c->running))) {
                at = c->first[kind]->deadline;
                if (kind == CLOCK_RUN && __builtin_add_overflow(at, atomic_load(&c->run_base), &at))
                        at = INT64_MAX;
                at = MAX(at, 1); /* zero would disarm */
                when.it_value.tv_sec = at / NS_PER_S;
                when.it_value.tv_nsec = at % NS_PER_S;
        }
        timerfd_settime(c->fd[kind], TFD_TIMER_ABSTIME, &when, NULL);
}

static void timer_unlink_locked(struct timer *t)
{
        struct timer **link = &t->clock->first[t->kind];

        if (t->deadline == INT64_MAX)
                return;
        while (*link != t)
                link = &(*link)->next;
        *link = t->next;
        t->next = NULL;
        t->deadline = INT64_MAX;
}

static void timer_link_locked(struct timer *t, int64_t deadline)
{
        struct timer **link = &t->clock->first[t->kind];

        /* equal deadlines fire in the order in which they were armed */
        while (*link && (*link)->deadline <= deadline)
                link = &(*link)->next;
        t->deadline = deadline;
        t->next = *link;
        *link = t;
}

static void timer_forget_ticks_locked(struct timer *t)
{
        struct timer **link = &t->clock->first_by_ticks;

        if (!t->by_ticks)
                return;
        while (*link != t)
                link = &(*link)->next_by_ticks;
        *link = t->next_by_ticks;
        t->by_ticks = false;
}

/*
 * Fires the timers of @kind that are due by @now, one by one; each may arm others. A guest that keeps arming
 * one in the past gets its turn again later, after whatever else the thread has to do.
 */
static void clock_fire(struct vm_clock *c, enum clock_kind kind, int64_t now)
{
        struct timer *t;
        unsigned limit = 256;

        lock_take(&c->lock, LOCK_RUN);
        while (limit-- && (t = c->first[kind]) && t->deadline <= now) {
                timer_unlink_locked(t);
                c->firing = t;
                c->firing_thread = g_thread_self();
                lock_drop(&c->lock, LOCK_RUN);
                t->fired(t->opaque);
                lock_take(&c->lock, LOCK_RUN);
                c->firing = NULL;
                g_cond_broadcast(&c->idle);
        }
        clock_program_locked(c, kind);
        lock_drop(&c->lock, LOCK_RUN);
}

static gboolean clock_fd_ready(gint fd, GIOCondition cond, gpointer opaque)
{
        struct vm_clock *c = opaque;
        enum clock_kind kind = fd == c->fd[CLOCK_RUN] ? CLOCK_RUN : CLOCK_HOST;
        uint64_t expirations;

        if (read(fd, &expirations, sizeof(expirations)) != sizeof(expirations))
                return G_SOURCE_CONTINUE;
        if (kind == CLOCK_HOST || atomic_load(&c->running))
                clock_fire(c, kind, clock_now_ns(c->vm, kind));
        return G_SOURCE_CONTINUE;
}

struct timer *timer_new(struct vm *vm, enum clock_kind kind, void (*fired)(void *opaque), void *opaque)
{
        struct timer *t = g_new0(struct timer, 1);

        t->clock = vm->clock;
        t->kind = kind;
        t->fired = fired;
        t->opaque = opaque;
        t->deadline = INT64_MAX;
        return t;
}

void timer_free(struct timer *t)
{
        struct vm_clock *c;

        if (!t)
                return;
        c = t->clock;
        lock_take(&c->lock, LOCK_RUN);
        timer_unlink_locked(t);
        while (c->firing == t && c->firing_thread != g_thread_self())
                lock_wait(&c->idle, &c->lock);
        timer_unlink_locked(t); /* the callback may have armed it again */
        timer_forget_ticks_locked(t);
        lock_drop(&c->lock, LOCK_RUN);
        g_free(t);
}

/* True if the first deadline is, or was, this timer's: then the clock is to be programmed. */
static bool timer_move_locked(struct timer *t, int64_t deadline_ns)
{
        struct vm_clock *c = t->clock;
        bool first = c->first[t->kind] == t;

        timer_unlink_locked(t);
        if (deadline_ns != INT64_MAX)
                timer_link_locked(t, deadline_ns);
        return first || c->first[t->kind] == t;
}

/* Deterministic mode: the slice was cut to another deadline: come out at the next poll and cut it anew. */
static void clock_cut_slice(struct vm_clock *c)
{
        struct vcpu *v = vcpu_current();

        if (!c->vm->deterministic)
                return;
        if (!v || v->vm != c->vm)
                v = c->vm->n_vcpus ? c->vm->vcpus[0] : NULL;
        if (v)
                vcpu_kick(v, VCPU_POLL_KICK);
}

void timer_arm(struct timer *t, int64_t deadline_ns)
{
        struct vm_clock *c = t->clock;
        bool first;

        lock_take(&c->lock, LOCK_RUN);
        timer_forget_ticks_locked(t);
        first = timer_move_locked(t, deadline_ns);
        if (first)
                clock_program_locked(c, t->kind);
        lock_drop(&c->lock, LOCK_RUN);
        if (first)
                clock_cut_slice(c);
}

bool timer_arm_ticks(struct timer *t, uint64_t ticks)
{
        struct vm_clock *c = t->clock;
        bool first, reached;

        lock_take(&c->lock, LOCK_RUN);
        if (!t->by_ticks) {
                t->by_ticks = true;
                t->next_by_ticks = c->first_by_ticks;
                c->first_by_ticks = t;
        }
        t->ticks = ticks;
        reached = vm_timebase_ticks(c->vm) >= ticks;
        first = timer_move_locked(t, reached ? INT64_MAX : vm_timebase_deadline_ns(c->vm, ticks));
        if (first)
                clock_program_locked(c, t->kind);
        lock_drop(&c->lock, LOCK_RUN);
        if (first)
                clock_cut_slice(c);
        return reached;
}

void timer_cancel(struct timer *t)
{
        timer_arm(t, INT64_MAX);
}

int64_t timer_deadline(const struct timer *t)
{
        int64_t deadline;

        lock_take(&t->clock->lock, LOCK_RUN);
        deadline = t->deadline;
        lock_drop(&t->clock->lock, LOCK_RUN);
        return deadline;
}

int64_t clock_next_deadline(struct vm *vm)
{
        struct vm_clock *c = vm->clock;
        int64_t next = INT64_MAX;

        lock_take(&c->lock, LOCK_RUN);
        if (c->first[CLOCK_RUN])
                next = c->first[CLOCK_RUN]->deadline;
        if (vm->deterministic && c->first[CLOCK_HOST])
                next = MIN(next, c->first[CLOCK_HOST]->deadline - counted_epoch_ns);
        lock_drop(&c->lock, LOCK_RUN);
        return next;
}

void clock_run_due(struct vm *vm, int64_t now_ns)
{
        clock_fire(vm->clock, CLOCK_RUN, now_ns);
        if (vm->deterministic)
                clock_fire(vm->clock, CLOCK_HOST, now_ns + counted_epoch_ns);
}

/* ---- the clock itself ---- */

struct vm_clock *clock_new(struct vm *vm)
{
        static const clockid_t host_clock[CLOCK_KINDS] = {[CLOCK_HOST] = CLOCK_REALTIME,
        [CLOCK_RUN] = CLOCK_MONOTONIC};
        struct vm_clock *c = g_new0(struct vm_clock, 1);

        c->vm = vm;
        g_mutex_init(&c->lock);
        g_cond_init(&c->idle);
        for (int i = 0; i < CLOCK_KINDS; i++) {
                c->fd[i] = timerfd_create(host_clock[i], TFD_CLOEXEC | TFD_NONBLOCK);
                if (c->fd[i] < 0)
                        continue;
                c->source[i] = g_unix_fd_source_new(c->fd[i], G_IO_IN);
                g_source_set_callback(c->source[i], G_SOURCE_FUNC(clock_fd_ready), c, NULL);
                g_source_attach(c->source[i], vm->context);
        }
        return c;
}

void clock_free(struct vm_clock *c)
{
        for (int i = 0; i < CLOCK_KINDS; i++) {
                if (c->source[i]) {
                        g_source_destroy(c->source[i]);
                        g_source_unref(c->source[i]);
                }
                if (c->fd[i] >= 0)
                        close(c->fd[i]);
        }
        g_cond_clear(&c->idle);
        g_mutex_clear(&c->lock);
        g_free(c);
}

void clock_run_start(struct vm *vm)
{
        struct vm_clock *c = vm->clock;

        lock_take(&c->lock, LOCK_RUN);
        if (!atomic_load(&c->running)) {
                atomic_store(&c->run_base, host_ns(CLOCK_MONOTONIC) - atomic_load(&c->run_stopped));
                atomic_store(&c->running, true);
                clock_program_locked(c, CLOCK_RUN);
        }
        lock_drop(&c->lock, LOCK_RUN);
}

void clock_run_stop(struct vm *vm)
{
        struct vm_clock *c = vm->clock;

        lock_take(&c->lock, LOCK_RUN);
        if (atomic_load(&c->running)) {
                atomic_store(&c->run_stopped, host_ns(CLOCK_MONOTONIC) - atomic_load(&c->run_base));
                atomic_store(&c->running, false);
                clock_program_locked(c, CLOCK_RUN);
        }
        lock_drop(&c->lock, LOCK_RUN);
}

void clock_counted_set(struct vm *vm, int64_t now_ns)
{
        atomic_store(&vm->clock->counted, now_ns);
}

/* ---- the guest's counter ---- */

static uint64_t timebase_raw(struct vm *vm)
{
        uint64_t now = clock_now_ns(vm, CLOCK_RUN), hz = vm->timebase.hz;

        /* nearly always a whole number of nanoseconds a tick: spares a 128-bit division on every read */
        if (hz && NS_PER_S % hz == 0)
                return now / (NS_PER_S / hz);
        return clock_muldiv(now, hz, NS_PER_S);
}

uint64_t vm_timebase_ticks(struct vm *vm)
{
        return timebase_raw(vm) + atomic_load_explicit(&vm->timebase.offset, memory_order_relaxed);
}

int64_t vm_timebase_deadline_ns(struct vm *vm, uint64_t ticks)
{
        uint64_t raw = timebase_raw(vm);
        uint64_t now = raw + atomic_load_explicit(&vm->timebase.offset, memory_order_relaxed);
        unsigned __int128 ns;

        if (ticks <= now)
                return clock_now_ns(vm, CLOCK_RUN);
        if (!vm->timebase.hz)
                return INT64_MAX;
        /* the first nanosecond at which the raw counter shows raw + (ticks - now) */
        ns = (unsigned __int128)raw + (ticks - now);
        if (ns > UINT64_MAX)
                return INT64_MAX;
        ns = (ns * NS_PER_S + vm->timebase.hz - 1) / vm->timebase.hz;
        return ns >= INT64_MAX ? INT64_MAX : (int64_t)ns;
}

void vm_timebase_set(struct vm *vm, uint64_t ticks)
{
        struct vm_clock *c = vm->clock;

        lock_take(&c->lock, LOCK_RUN);
        atomic_store(&vm->timebase.offset, (int64_t)(ticks - timebase_raw(vm)));
        for (struct timer *t = c->first_by_ticks; t; t = t->next_by_ticks) {
                if (t->deadline != INT64_MAX || t->ticks > ticks)
                        timer_move_locked(t, vm_timebase_deadline_ns(vm, t->ticks));
        }
        clock_program_locked(c, CLOCK_RUN);
        lock_drop(&c->lock, LOCK_RUN);
        clock_cut_slice(c);
}
