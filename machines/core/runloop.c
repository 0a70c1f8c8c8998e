/* SPDX-License-Identifier: MIT */
/*
 * The vCPU threads and all that makes them stand still: pause, exclusive sections, work queued from
 * elsewhere, sleep in WFI, and deterministic mode, where one thread runs all vCPUs in turn and time is
 * counted in instructions.
 *
 * A vCPU is INSIDE from before it clears its poll word until it is back from engine->run. Whoever wants it
 * out sets a bit of the poll word and then reads `where`; the vCPU stores INSIDE and then reads the poll
 * word. Both are sequentially consistent, so one of the two notices the other. Everything rare is under
 * run->lock, with one condition variable that is broadcast on each change.
 */
#include <signal.h>
#include <string.h>

#include "base/error.h"
#include "base/lock.h"
#include "machines/core/core.h"
#include "machines/core/engine.h"
#include "machines/core/vcpu.h"

enum {
        COUNTED_QUANTUM = 10000,      /* instructions before the next vCPU has its turn */
        COUNTED_POLL_NS = 1000000,    /* between looks at the host's input */
        COUNTED_IDLE_WAIT_US = 2000,  /* the same when nothing is left to execute, in host time */
};

struct run_work {
        struct vcpu *v;
        void (*fn)(struct vcpu *v, void *arg);
        void *arg;
        bool done;
};

struct run_poll {
        void (*fn)(void *opaque);
        void *opaque;
};

struct vm_run {
        GMutex lock; /* rank LOCK_RUN */
        GCond changed;
        bool started, exiting;
        bool paused;               /* threads park */
        unsigned n_threads, parked;
        GThread *owner;            /* of the exclusive section */
        _Atomic bool exclusive;    /* owner != NULL, for those who leave generated code */
        GQueue work;               /* struct run_work * */
        GThread *counted_thread;
        unsigned n_inited;         /* vCPUs that engine->vcpu_init was called for */
        bool vm_inited;

        /* deterministic mode; owned by its thread */
        uint64_t insns;            /* executed by all vCPUs in finished slices */
        int64_t skipped_ns;        /* time that passed with all vCPUs halted */
        int64_t next_poll_ns;
        unsigned turn;             /* whose turn it is, and what is left of it */
        int64_t quantum;
        GArray *polls;             /* struct run_poll; fixed before the threads start */
        uint64_t observe_at;       /* a value of insns; UINT64_MAX: nobody observes */
        vm_observe_fn observe;
        void *observer;
};

struct vm_run *run_new(struct vm *vm)
{
        struct vm_run *run = g_new0(struct vm_run, 1);

        g_mutex_init(&run->lock);
        g_cond_init(&run->changed);
        g_queue_init(&run->work);
        run->polls = g_array_new(FALSE, FALSE, sizeof(struct run_poll));
        run->observe_at = UINT64_MAX;
        return run;
}

void run_free(struct vm_run *run)
{
        g_array_unref(run->polls);
        g_cond_clear(&run->changed);
        g_mutex_clear(&run->lock);
        g_free(run);
}

static void run_kick_all(struct vm *vm, uint32_t bits)
{
        for (unsigned i = 0; i < vm->n_vcpus; i++)
                vcpu_kick(vm->vcpus[i], bits);
}

/* ---- standing still ---- */

/* Out of generated code; tells those who wait for it. */
static void vcpu_leave(struct vcpu *v)
{
        struct vm_run *run = v->vm->run;

        atomic_store(&v->where, VCPU_OUTSIDE);
        if (atomic_load(&run->exclusive)) {
                lock_take(&run->lock, LOCK_RUN);
                g_cond_broadcast(&run->changed);
                lock_drop(&run->lock, LOCK_RUN);
        }
}

/* Work for @v, or for any vCPU in deterministic mode, where one thread has them all. */
static struct run_work *run_find_work_locked(struct vm *vm, const struct vcpu *v)
{
        for (GList *l = vm->run->work.head; l; l = l->next) {
                struct run_work *w = l->data;

                if (v && (w->v == v || vm->deterministic))
                        return w;
        }
        return NULL;
}

/* Runs one piece of work queued for this thread, if there is one; the lock is dropped meanwhile. */
static bool run_do_work_locked(struct vm *vm, struct vcpu *v)
{
        struct vm_run *run = vm->run;
        struct run_work *w = run_find_work_locked(vm, v);

        if (!w)
                return false;
        g_queue_remove(&run->work, w);
        lock_drop(&run->lock, LOCK_RUN);
        vcpu_set_current(w->v);
        w->fn(w->v, w->arg);
        vcpu_set_current(v);
        lock_take(&run->lock, LOCK_RUN);
        w->done = true;
        g_cond_broadcast(&run->changed);
        return true;
}

/* Must this thread stand still? The one of deterministic mode passes over vCPUs that are held. */
static bool run_parks_locked(const struct vm *vm, const struct vcpu *v)
{
        return vm->run->paused || (v->held && !vm->deterministic);
}

/*
 * What a vCPU thread does when its poll word said KICK or EXCL: queued work, waiting for an exclusive section
 * to end, parking while the VM is paused. False when the VM goes away. The vCPU is outside.
 */
static bool run_serve(struct vm *vm, struct vcpu *v)
{
        struct vm_run *run = vm->run;
        bool alive;

        lock_take(&run->lock, LOCK_RUN);
        while (!run->exiting) {
                if (run_do_work_locked(vm, v))
                        continue;
                if (run->owner && run->owner != g_thread_self()) {
                        lock_wait(&run->changed, &run->lock);
                } else if (run_parks_locked(vm, v)) {
                        run->parked++;
                        g_cond_broadcast(&run->changed);
                        while (run_parks_locked(vm, v) && !run->exiting && !run_find_work_locked(vm, v))
                                lock_wait(&run->changed, &run->lock);
                        run->parked--;
                } else {
                        break;
                }
        }
        alive = !run->exiting;
        lock_drop(&run->lock, LOCK_RUN);
        return alive;
}

static bool run_others_inside(struct vm *vm, const struct vcpu *self)
{
        for (unsigned i = 0; i < vm->n_vcpus; i++) {
                if (vm->vcpus[i] != self && atomic_load(&vm->vcpus[i]->where) == VCPU_INSIDE)
                        return true;
        }
        return false;
}

void vm_exclusive(struct vm *vm, void (*fn)(struct vm *vm, void *arg), void *arg)
{
        struct vm_run *run = vm->run;
        struct vcpu *self = vcpu_current();

        if (self && self->vm != vm)
                self = NULL;
        lock_take(&run->lock, LOCK_RUN);
        if (run->owner == g_thread_self()) {
                /* within a section of our own */
                lock_drop(&run->lock, LOCK_RUN);
                fn(vm, arg);
                return;
        }
        while (run->owner) {
                if (!run_do_work_locked(vm, self))
                        lock_wait(&run->changed, &run->lock);
        }
        run->owner = g_thread_self();
        atomic_store(&run->exclusive, true);
        for (unsigned i = 0; i < vm->n_vcpus; i++) {
                if (vm->vcpus[i] != self)
                        vcpu_kick(vm->vcpus[i], VCPU_POLL_EXCL);
        }
        while (run_others_inside(vm, self)) {
                if (!run_do_work_locked(vm, self))
                        lock_wait(&run->changed, &run->lock);
        }
        lock_drop(&run->lock, LOCK_RUN);
        fn(vm, arg);
        lock_take(&run->lock, LOCK_RUN);
        run->owner = NULL;
        atomic_store(&run->exclusive, false);
        g_cond_broadcast(&run->changed);
        lock_drop(&run->lock, LOCK_RUN);
}

void vcpu_run_on(struct vcpu *v, void (*fn)(struct vcpu *v, void *arg), void *arg)
{
        struct vm *vm = v->vm;
        struct vm_run *run = vm->run;
        struct vcpu *self = vcpu_current();
        struct run_work work = {.v = v, .fn = fn, .arg = arg};

        if (self && self->vm != vm)
                self = NULL;
        lock_take(&run->lock, LOCK_RUN);
        if (!run->started || run->exiting || self == v || (self && vm->deterministic)) {
                /* this thread is the vCPU's, or nobody is */
                lock_drop(&run->lock, LOCK_RUN);
                vcpu_set_current(v);
                fn(v, arg);
                vcpu_set_current(self);
                return;
        }
        g_queue_push_tail(&run->work, &work);
        g_cond_broadcast(&run->changed); /* it may be parked */
        vcpu_kick(v, VCPU_POLL_KICK);
        while (!work.done) {
                if (!run_do_work_locked(vm, self))
                        lock_wait(&run->changed, &run->lock);
        }
        lock_drop(&run->lock, LOCK_RUN);
}

static void run_pause_begin(struct vm *vm)
{
        struct vm_run *run = vm->run;

        lock_take(&run->lock, LOCK_RUN);
        run->paused = true;
        lock_drop(&run->lock, LOCK_RUN);
        run_kick_all(vm, VCPU_POLL_KICK);
}

void vm_pause(struct vm *vm)
{
        struct vm_run *run = vm->run;

        run_pause_begin(vm);
        if (vcpu_current() && vcpu_current()->vm == vm)
                return; /* cannot wait for itself: stops at its next poll */
        lock_take(&run->lock, LOCK_RUN);
        while (run->started && run->parked < run->n_threads)
                lock_wait(&run->changed, &run->lock);
        lock_drop(&run->lock, LOCK_RUN);
        clock_run_stop(vm);
        atomic_store(&vm->state, VM_PAUSED);
}

void vm_resume(struct vm *vm)
{
        struct vm_run *run = vm->run;

        if (run->started) {
                clock_run_start(vm);
                atomic_store(&vm->state, VM_RUNNING);
        }
        lock_take(&run->lock, LOCK_RUN);
        run->paused = false;
        g_cond_broadcast(&run->changed);
        lock_drop(&run->lock, LOCK_RUN);
}

void vm_hold_others(struct vm *vm, const struct vcpu *only)
{
        struct vm_run *run = vm->run;

        lock_take(&run->lock, LOCK_RUN);
        for (unsigned i = 0; i < vm->n_vcpus; i++)
                vm->vcpus[i]->held = only && vm->vcpus[i] != only;
        lock_drop(&run->lock, LOCK_RUN);
}

void vm_request(struct vm *vm, enum vm_request what, int exit_code)
{
        struct vm_run *run = vm->run;

        lock_take(&run->lock, LOCK_RUN);
        if (atomic_load(&vm->request) == VM_REQ_NONE) {
                vm->exit_code = exit_code;
                atomic_store(&vm->request, what);
        }
        lock_drop(&run->lock, LOCK_RUN);
        run_pause_begin(vm);
        g_main_context_wakeup(vm->context);
}

/* ---- exits ---- */

struct run_stopped {
        struct vm *vm;
        struct vcpu *v;
};

static gboolean run_debug_stopped(gpointer opaque)
{
        struct run_stopped *s = opaque;

        lock_order_receive(s);
        vm_pause(s->vm);
        if (s->vm->debug_stopped)
                s->vm->debug_stopped(s->vm, s->v);
        return G_SOURCE_REMOVE;
}

/* A breakpoint: the VM parks, and whoever debugs hears of it on the VM's context. */
static void run_debug_stop(struct vcpu *v)
{
        struct run_stopped *s = g_new(struct run_stopped, 1);
        GSource *source = g_idle_source_new();

        *s = (struct run_stopped){v->vm, v};
        v->stopped_by_debugger = true;
        run_pause_begin(v->vm);
        lock_order_send(s);
        g_source_set_priority(source, G_PRIORITY_DEFAULT);
        g_source_set_callback(source, run_debug_stopped, s, g_free);
        g_source_attach(source, v->vm->context);
        g_source_unref(source);
}

static enum vcpu_exit run_step(struct vcpu *v)
{
        int64_t budget = v->hot.budget;
        enum vcpu_exit exit = v->vm->engine->step(v);

        /* engines need not count single steps */
        if (v->vm->deterministic && v->hot.budget == budget)
                v->hot.budget--;
        return exit;
}

static void run_step_exclusive(struct vm *vm, void *arg)
{
        struct vcpu *v = arg;

        /* inside, so that a revocation issued from another thread waits for us */
        atomic_store(&v->where, VCPU_INSIDE);
        if (vm->engine->poll)
                vm->engine->poll(v);
        v->alone = true;
        if (run_step(v) == VCPU_EXIT_HALT)
                v->halted = true;
        v->alone = false;
        atomic_store(&v->where, VCPU_OUTSIDE);
}

enum vcpu_exit vcpu_step(struct vcpu *v)
{
        struct vm *vm = v->vm;
        enum vcpu_exit exit;

        v->stopped_by_debugger = v->halted = false;
        atomic_store(&v->where, VCPU_INSIDE);
        if (vm->engine->poll)
                vm->engine->poll(v);
        exit = run_step(v);
        vcpu_leave(v);
        if (exit == VCPU_EXIT_EXCLUSIVE)
                vm_exclusive(vm, run_step_exclusive, v);
        v->halted |= exit == VCPU_EXIT_HALT;
        if (vm->deterministic) {
                v->insns += v->budget_loaded - v->hot.budget;
                vm->run->insns += v->budget_loaded - v->hot.budget;
                v->hot.budget = v->budget_loaded = 0;
        }
        return exit;
}

/* The one place that knows what an exit means. The vCPU is outside. */
static void run_handle_exit(struct vcpu *v, enum vcpu_exit exit)
{
        struct vm *vm = v->vm;

        switch (exit) {
        case VCPU_EXIT_POLL:
        case VCPU_EXIT_BUDGET:
                break;
        case VCPU_EXIT_HALT:
                v->halted = !v->single_step;
                break;
        case VCPU_EXIT_DEBUG:
                run_debug_stop(v);
                return;
        case VCPU_EXIT_EXCLUSIVE:
                vm_exclusive(vm, run_step_exclusive, v);
                break;
        case VCPU_EXIT_YIELD:
                /* for another vCPU's thread; where there is none, each turn would be a slice of a busy host's time */
                if (vm->n_vcpus > 1 && !vm->deterministic)
                        g_thread_yield();
                break;
        case VCPU_EXIT_ERROR:
                vm_request(vm, VM_REQ_EXIT_CODE, 1);
                return;
        }
        if (v->single_step)
                run_debug_stop(v);
}

/* One stay in the guest. The vCPU is inside, its poll word was looked at. */
static enum vcpu_exit run_enter(struct vcpu *v)
{
        const struct engine *engine = v->vm->engine;

        v->stopped_by_debugger = false;
        if (engine->poll)
                engine->poll(v);
        if (v->single_step)
                return run_step(v);
        v->hooks.interrupt(v);
        return engine->run(v);
}

/* ---- one thread a vCPU ---- */

static void vcpu_sleep(struct vcpu *v)
{
        atomic_store(&v->where, VCPU_HALTED);
        lock_take(&v->lock, LOCK_LEAF);
        while (!(atomic_load(&v->hot.poll) & (VCPU_POLL_KICK | VCPU_POLL_IRQ)) && !v->hooks.has_work(v))
                lock_wait(&v->wake, &v->lock);
        lock_drop(&v->lock, LOCK_LEAF);
        atomic_store(&v->where, VCPU_OUTSIDE);
}

/*
 * What is sent to the process is for threads that wait in the host, not for one that runs guest code. Faults are of the
 * thread that makes them.
 */
static void leave_signals_to_others(void)
{
        static const int own[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT};
        sigset_t others;

        sigfillset(&others);
        for (unsigned i = 0; i < G_N_ELEMENTS(own); i++)
                sigdelset(&others, own[i]);
        pthread_sigmask(SIG_BLOCK, &others, NULL);
}

static gpointer vcpu_thread(gpointer opaque)
{
        struct vcpu *v = opaque;
        enum vcpu_exit exit;

        leave_signals_to_others();
        vcpu_set_current(v);
        for (;;) {
                if (v->halted && !v->hooks.has_work(v))
                        vcpu_sleep(v);
                atomic_store(&v->where, VCPU_INSIDE);
                if (atomic_exchange(&v->hot.poll, 0) & (VCPU_POLL_KICK | VCPU_POLL_EXCL)) {
                        vcpu_leave(v);
                        if (!run_serve(v->vm, v))
                                break;
                        continue;
                }
                if (v->halted && !v->hooks.has_work(v)) {
                        vcpu_leave(v);
                        continue;
                }
                v->halted = false;
                exit = run_enter(v);
                vcpu_leave(v);
                run_handle_exit(v, exit);
        }
        vcpu_set_current(NULL);
        return NULL;
}

/* ---- deterministic mode ---- */

int64_t run_counted_ns(struct vm *vm, const struct vcpu *v)
{
        uint64_t insns = vm->run->insns + (uint64_t)(v->budget_loaded - v->hot.budget);

        return (int64_t)(insns << vm->icount_shift) + vm->run->skipped_ns;
}

static bool counted_can_run(struct vcpu *v)
{
        return !v->held && (!v->halted || v->hooks.has_work(v));
}

/* Whose turn it is: the same vCPU until its quantum is used or it halts, then the next one that can run. */
static struct vcpu *counted_pick(struct vm *vm)
{
        struct vm_run *run = vm->run;

        if (run->quantum > 0 && counted_can_run(vm->vcpus[run->turn]))
                return vm->vcpus[run->turn];
        for (unsigned i = 1; i <= vm->n_vcpus; i++) {
                unsigned next = (run->turn + i) % vm->n_vcpus;

                if (counted_can_run(vm->vcpus[next])) {
                        run->turn = next;
                        run->quantum = COUNTED_QUANTUM;
                        return vm->vcpus[next];
                }
        }
        return NULL;
}

/* Clears the requests of all vCPUs; true if there was one. */
static bool counted_requests(struct vm *vm)
{
        uint32_t bits = 0;

        for (unsigned i = 0; i < vm->n_vcpus; i++)
                bits |= atomic_fetch_and(&vm->vcpus[i]->hot.poll, ~(VCPU_POLL_KICK | VCPU_POLL_EXCL));
        return bits & (VCPU_POLL_KICK | VCPU_POLL_EXCL);
}

void vm_run_counted_polls(struct vm *vm)
{
        for (unsigned i = 0; i < vm->run->polls->len; i++) {
                struct run_poll *p = &g_array_index(vm->run->polls, struct run_poll, i);

                p->fn(p->opaque);
        }
}

/* Timers and host input that are due at this count. */
static void counted_events(struct vm *vm, int64_t now)
{
        struct vm_run *run = vm->run;

        clock_counted_set(vm, now);
        clock_run_due(vm, now);
        if (!run->polls->len || now < run->next_poll_ns)
                return;
        run->next_poll_ns = now - now % COUNTED_POLL_NS + COUNTED_POLL_NS;
        vm_run_counted_polls(vm);
}

/* The next count at which something is due. */
static int64_t counted_deadline(struct vm *vm)
{
        int64_t deadline = clock_next_deadline(vm);

        return vm->run->polls->len ? MIN(deadline, vm->run->next_poll_ns) : deadline;
}

static bool counted_woken(struct vm *vm)
{
        for (unsigned i = 0; i < vm->n_vcpus; i++) {
                struct vcpu *v = vm->vcpus[i];

                if ((atomic_load(&v->hot.poll) & (VCPU_POLL_KICK | VCPU_POLL_IRQ)) ||
                    (!v->held && v->hooks.has_work(v)))
                        return true;
        }
        return false;
}

/* All are halted: time jumps to the next deadline; without one, only the host can bring something. */
static void counted_idle(struct vm *vm, int64_t now)
{
        struct vm_run *run = vm->run;
        struct vcpu *first = vm->vcpus[0];

        if (clock_next_deadline(vm) != INT64_MAX) {
                run->skipped_ns += MAX(counted_deadline(vm) - now, 0);
                return;
        }
        for (unsigned i = 0; i < vm->n_vcpus; i++)
                atomic_store(&vm->vcpus[i]->where, VCPU_HALTED);
        lock_take(&first->lock, LOCK_LEAF);
        if (!counted_woken(vm)) {
                if (run->polls->len)
                        lock_wait_until(&first->wake, &first->lock,
                                        g_get_monotonic_time() + COUNTED_IDLE_WAIT_US);
                else
                        lock_wait(&first->wake, &first->lock);
        }
        lock_drop(&first->lock, LOCK_LEAF);
        for (unsigned i = 0; i < vm->n_vcpus; i++) {
                atomic_store(&vm->vcpus[i]->where, VCPU_OUTSIDE);
                atomic_fetch_and(&vm->vcpus[i]->hot.poll, ~VCPU_POLL_IRQ);
        }
        run->next_poll_ns = now;
}

/* What @v executed of its budget is counted. */
static int64_t counted_account(struct vm *vm, struct vcpu *v)
{
        struct vm_run *run = vm->run;
        int64_t used = v->budget_loaded - v->hot.budget;

        v->insns += used;
        v->hot.budget = v->budget_loaded = 0;
        run->insns += used;
        run->quantum -= used;
        return used;
}

/*
 * Runs @v for @slice instructions, in pieces if somebody observes: interrupts are looked at where they would
 * be without them. The last piece is not yet accounted for.
 */
static enum vcpu_exit counted_run(struct vm *vm, struct vcpu *v, int64_t slice)
{
        struct vm_run *run = vm->run;
        enum vcpu_exit exit;

        for (bool first = true;; first = false) {
                int64_t piece = slice;

                if (run->insns >= run->observe_at)
                        run->observe_at = run->observe(vm, run->insns, run->observer);
                if (run->observe_at - run->insns < (uint64_t)slice)
                        piece = run->observe_at - run->insns;
                v->hot.budget = v->budget_loaded = piece;
                exit = first ? run_enter(v) : vm->engine->run(v);
                if (exit != VCPU_EXIT_BUDGET || piece == slice || v->budget_loaded - v->hot.budget >= slice)
                        return exit;
                slice -= counted_account(vm, v);
        }
}

/* Runs @v up to the next deadline or the end of its quantum, and counts. */
static void counted_slice(struct vm *vm, struct vcpu *v, int64_t now)
{
        struct vm_run *run = vm->run;
        int64_t left = counted_deadline(vm) - now, slice = run->quantum;
        enum vcpu_exit exit;

        if (left < INT64_MAX / 2)
                slice = MIN(slice, (left + (1ll << vm->icount_shift) - 1) >> vm->icount_shift);
        slice = MAX(slice, 1);
        atomic_store(&v->where, VCPU_INSIDE);
        if (atomic_load(&v->hot.poll) & (VCPU_POLL_KICK | VCPU_POLL_EXCL)) {
                vcpu_leave(v);
                return;
        }
        atomic_store(&v->hot.poll, 0);
        v->halted = false;
        exit = counted_run(vm, v, slice);
        vcpu_leave(v);
        run_handle_exit(v, exit);
        counted_account(vm, v);
        if (exit == VCPU_EXIT_YIELD)
                run->quantum = 0;
}

static gpointer counted_thread(gpointer opaque)
{
        struct vm *vm = opaque;
        struct vcpu *v = vm->vcpus[0];

        leave_signals_to_others();
        for (;;) {
                int64_t now;

                vcpu_set_current(v);
                if (counted_requests(vm) && !run_serve(vm, v))
                        break;
                now = run_counted_ns(vm, v);
                counted_events(vm, now);
                v = counted_pick(vm);
                if (v) {
                        vcpu_set_current(v);
                        counted_slice(vm, v, now);
                } else {
                        v = vm->vcpus[0];
                        counted_idle(vm, now);
                }
        }
        vcpu_set_current(NULL);
        return NULL;
}

void vm_add_counted_poll(struct vm *vm, void (*fn)(void *opaque), void *opaque)
{
        struct run_poll p = {fn, opaque};

        g_array_append_val(vm->run->polls, p);
}

void vm_observe(struct vm *vm, uint64_t at, vm_observe_fn fn, void *opaque)
{
        vm->run->observe_at = at;
        vm->run->observe = fn;
        vm->run->observer = opaque;
}

uint64_t vm_counted_insns(const struct vm *vm)
{
        return vm->run->insns;
}

void vm_remove_counted_poll(struct vm *vm, void (*fn)(void *opaque), void *opaque)
{
        GArray *polls = vm->run->polls;

        for (unsigned i = 0; i < polls->len; i++) {
                struct run_poll *p = &g_array_index(polls, struct run_poll, i);

                if (p->fn == fn && p->opaque == opaque) {
                        g_array_remove_index(polls, i);
                        return;
                }
        }
}

/* ---- start and end ---- */

static bool run_init_engine(struct vm *vm, GError **error)
{
        struct vm_run *run = vm->run;

        if (!vm->engine || !vm->n_vcpus)
                return error_set(error, RHEA_ERROR_FAILED, "machine %s has no %s", vm->name,
                                 vm->engine ? "CPU" : "accelerator");
        if (vm->engine->vm_init && !vm->engine->vm_init(vm, error))
                return false;
        run->vm_inited = true;
        for (unsigned i = 0; i < vm->n_vcpus; i++) {
                struct vcpu *v = vm->vcpus[i];

                if (!v->hooks.interrupt || !v->hooks.has_work || !v->hooks.reset)
                        return error_set(error, RHEA_ERROR_FAILED, "CPU %u of %s was made without its hooks",
                                         i,
                                         vm->name);
                if (vm->engine->vcpu_init && !vm->engine->vcpu_init(v, error))
                        return false;
                run->n_inited++;
        }
        return true;
}

bool vm_start(struct vm *vm, bool paused, GError **error)
{
        struct vm_run *run = vm->run;

        if (!run_init_engine(vm, error))
                return false;
        run->started = true;
        run->paused = paused;
        run->n_threads = vm->deterministic ? 1 : vm->n_vcpus;
        /* the first thing that a thread does is to look whether it should park */
        for (unsigned i = 0; i < vm->n_vcpus; i++)
                atomic_fetch_or(&vm->vcpus[i]->hot.poll, VCPU_POLL_KICK);
        atomic_store(&vm->state, paused ? VM_PAUSED : VM_RUNNING);
        if (!paused)
                clock_run_start(vm);
        if (vm->deterministic) {
                run->counted_thread = g_thread_new("vcpus", counted_thread, vm);
                return true;
        }
        for (unsigned i = 0; i < vm->n_vcpus; i++) {
                char name[16];

                snprintf(name, sizeof(name), "vcpu%u", i);
                vm->vcpus[i]->thread = g_thread_new(name, vcpu_thread, vm->vcpus[i]);
        }
        return true;
}

void run_stop(struct vm *vm)
{
        struct vm_run *run = vm->run;

        lock_take(&run->lock, LOCK_RUN);
        run->exiting = true;
        g_cond_broadcast(&run->changed);
        lock_drop(&run->lock, LOCK_RUN);
        run_kick_all(vm, VCPU_POLL_KICK);
        for (unsigned i = 0; i < vm->n_vcpus; i++) {
                if (vm->vcpus[i]->thread)
                        g_thread_join(vm->vcpus[i]->thread);
                vm->vcpus[i]->thread = NULL;
        }
        if (run->counted_thread)
                g_thread_join(run->counted_thread);
        run->counted_thread = NULL;
        run->started = false;
        clock_run_stop(vm);
        atomic_store(&vm->state, VM_SHUTDOWN);
        while (run->n_inited) {
                if (vm->engine->vcpu_fini)
                        vm->engine->vcpu_fini(vm->vcpus[run->n_inited - 1]);
                run->n_inited--;
        }
        if (run->vm_inited && vm->engine->vm_fini)
                vm->engine->vm_fini(vm);
        run->vm_inited = false;
}
