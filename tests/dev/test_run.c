/* SPDX-License-Identifier: MIT */
/*
 * The run loop under an engine that executes nothing: pause, exclusive sections, work from elsewhere, sleep,
 * reset, and deterministic mode. An "instruction" is one turn of fake_run's loop.
 */
#include <glib.h>
#include <string.h>

#include "machines/core/engine.h"
#include "machines/core/vcpu.h"
#include "machines/core/vm.h"

struct fake {
        _Atomic uint64_t turns;
        _Atomic uint64_t wakes;
        _Atomic bool wants_halt;
        uint64_t in_exclusive; /* unprotected on purpose: only exclusive sections touch it */
        uint64_t halt_every;   /* deterministic mode: halts after so many instructions */
};

static struct fake *fake_of(const struct vcpu *v)
{
        return (struct fake *)v->state;
}

static enum vcpu_exit fake_run(struct vcpu *v)
{
        struct fake *f = fake_of(v);

        for (;;) {
                if (atomic_load(&v->hot.poll))
                        return VCPU_EXIT_POLL;
                if (v->vm->deterministic && v->hot.budget <= 0)
                        return VCPU_EXIT_BUDGET;
                v->hot.budget--;
                atomic_fetch_add(&f->turns, 1);
                if (atomic_load(&f->wants_halt) ||
                    (f->halt_every && atomic_load(&f->turns) % f->halt_every == 0))
                        return VCPU_EXIT_HALT;
        }
}

static enum vcpu_exit fake_step(struct vcpu *v)
{
        atomic_fetch_add(&fake_of(v)->turns, 1);
        return VCPU_EXIT_POLL;
}

static bool fake_interrupt(struct vcpu *v)
{
        if (!atomic_load(&v->irq_pending))
                return false;
        atomic_store(&v->irq_pending, 0);
        atomic_fetch_add(&fake_of(v)->wakes, 1);
        return true;
}

static bool fake_has_work(const struct vcpu *v)
{
        return atomic_load(&((struct vcpu *)v)->irq_pending) != 0;
}

static void fake_reset(struct vcpu *v)
{
        memset(v->state, 0, v->state_size);
}

static const struct engine fake_engine = {.name = "fake", .run = fake_run, .step = fake_step};

static struct vm *fake_vm(unsigned n)
{
        struct vm *vm = vm_new("test");

        vm->engine = &fake_engine;
        for (unsigned i = 0; i < n; i++) {
                struct vcpu *v = vcpu_new(vm, NULL, i, sizeof(struct fake));

                v->hooks = (struct vcpu_hooks){fake_interrupt, fake_has_work, fake_reset, NULL};
        }
        return vm;
}

static void start(struct vm *vm, bool paused)
{
        GError *error = NULL;

        g_assert_true(vm_start(vm, paused, &error));
        g_assert_no_error(error);
}

static uint64_t all_turns(struct vm *vm)
{
        uint64_t n = 0;

        for (unsigned i = 0; i < vm->n_vcpus; i++)
                n += atomic_load(&fake_of(vm->vcpus[i])->turns);
        return n;
}

static void test_pause(void)
{
        struct vm *vm = fake_vm(4);
        int64_t stopped;

        start(vm, true);
        g_usleep(5000);
        g_assert_cmpuint(all_turns(vm), ==, 0);
        g_assert_cmpint(clock_now_ns(vm, CLOCK_RUN), ==, 0);
        vm_resume(vm);
        for (int i = 0; i < 200; i++) {
                uint64_t turns;

                vm_pause(vm);
                turns = all_turns(vm);
                stopped = clock_now_ns(vm, CLOCK_RUN);
                if (i % 50 == 0)
                        g_usleep(1000);
                g_assert_cmpuint(all_turns(vm), ==, turns);
                g_assert_cmpint(clock_now_ns(vm, CLOCK_RUN), ==, stopped);
                vm_resume(vm);
        }
        vm_free(vm);
}

struct counter_arg {
        struct vm *vm;
        uint64_t *total;
        unsigned rounds;
};

static void count_exclusively(struct vm *vm, void *arg)
{
        struct counter_arg *c = arg;

        for (unsigned i = 0; i < vm->n_vcpus; i++)
                g_assert_cmpint(atomic_load(&vm->vcpus[i]->where), !=, VCPU_INSIDE);
        ++*c->total;
}

static void nested_exclusive(struct vm *vm, void *arg)
{
        vm_exclusive(vm, count_exclusively, arg);
}

static gpointer exclusive_thread(gpointer opaque)
{
        struct counter_arg *c = opaque;

        for (unsigned i = 0; i < c->rounds; i++)
                vm_exclusive(c->vm, i % 2 ? count_exclusively : nested_exclusive, c);
        return NULL;
}

static void exclusive_on_vcpu(struct vcpu *v, void *arg)
{
        vm_exclusive(v->vm, count_exclusively, arg);
}

/* Four threads ask at once, and vCPUs too, while the main thread pauses and resumes. */
static void test_exclusive(void)
{
        struct vm *vm = fake_vm(4);
        uint64_t total = 0;
        struct counter_arg c = {vm, &total, 200};
        GThread *t[4];

        start(vm, false);
        for (int i = 0; i < 4; i++)
                t[i] = g_thread_new("exclusive", exclusive_thread, &c);
        for (unsigned i = 0; i < 50; i++) {
                vcpu_run_on(vm->vcpus[i % 4], exclusive_on_vcpu, &c);
                if (i % 10 == 0) {
                        vm_pause(vm);
                        vm_resume(vm);
                }
        }
        for (int i = 0; i < 4; i++)
                g_thread_join(t[i]);
        vm_free(vm);
        g_assert_cmpuint(total, ==, 4 * 200 + 50);
}

static void note_current(struct vcpu *v, void *arg)
{
        g_assert_true(vcpu_current() == v);
        ++*(unsigned *)arg;
}

static void run_on_next(struct vcpu *v, void *arg)
{
        vcpu_run_on(v->vm->vcpus[(v->index + 1) % v->vm->n_vcpus], note_current, arg);
}

static void test_run_on(void)
{
        struct vm *vm = fake_vm(3);
        unsigned n = 0;

        vcpu_run_on(vm->vcpus[1], note_current, &n); /* not started: here */
        start(vm, false);
        for (int i = 0; i < 100; i++)
                vcpu_run_on(vm->vcpus[i % 3], run_on_next, &n);
        vm_pause(vm);
        vcpu_run_on(vm->vcpus[0], run_on_next, &n); /* parked threads serve their queue too */
        vm_free(vm);
        g_assert_cmpuint(n, ==, 102);
}

static void wait_where(struct vcpu *v, int where)
{
        for (int i = 0; atomic_load(&v->where) != where; i++) {
                g_assert_cmpint(i, <, 20000);
                g_usleep(100);
        }
}

static void test_halt(void)
{
        struct vm *vm = fake_vm(2);
        struct vcpu *v = vm->vcpus[1];
        uint64_t turns;
        int64_t best = INT64_MAX;

        atomic_store(&fake_of(v)->wants_halt, true);
        start(vm, false);
        wait_where(v, VCPU_HALTED);
        turns = atomic_load(&fake_of(v)->turns);
        vcpu_kick(v, VCPU_POLL_REVOKE);
        vcpu_kick(v, VCPU_POLL_IRQ); /* nothing is pending: goes back to sleep */
        g_usleep(20000);
        vm_exclusive(vm, nested_exclusive, &(struct counter_arg){vm, &(uint64_t){0}, 0});
        vm_pause(vm);
        vm_resume(vm);
        g_usleep(1000);
        g_assert_cmpuint(atomic_load(&fake_of(v)->turns), ==, turns);
        for (int i = 0; i < 50; i++) {
                uint64_t wakes = atomic_load(&fake_of(v)->wakes);
                int64_t begin;

                wait_where(v, VCPU_HALTED);
                begin = g_get_monotonic_time();
                vcpu_set_irq(v, 7, true);
                while (atomic_load(&fake_of(v)->wakes) == wakes)
                        g_thread_yield();
                best = MIN(best, g_get_monotonic_time() - begin);
        }
        g_test_message("fastest wake from halt: %" PRId64 " us", best);
        g_assert_cmpint(best, <, 5000);
        vm_free(vm);
}

static bool machine_reset(struct vm *vm, GError **error)
{
        vm->ram_size++;
        return true;
}

static void test_reset(void)
{
        struct vm *vm = fake_vm(2);

        vm->machine_reset = machine_reset;
        atomic_store(&fake_of(vm->vcpus[0])->wants_halt, true);
        start(vm, false);
        wait_where(vm->vcpus[0], VCPU_HALTED);
        vm_request(vm, VM_REQ_RESET, 0);
        g_assert_cmpint(vm_take_request(vm), ==, VM_REQ_RESET);
        g_assert_true(vm_reset(vm, NULL));
        g_assert_cmpint(vm_take_request(vm), ==, VM_REQ_NONE);
        /* it forgot that it wanted to halt */
        while (atomic_load(&fake_of(vm->vcpus[0])->turns) < 1000)
                g_thread_yield();
        vm_pause(vm);
        g_assert_true(vm_reset(vm, NULL));
        g_usleep(1000);
        g_assert_cmpuint(all_turns(vm), ==, 0);
        g_assert_cmpint(atomic_load(&vm->state), ==, VM_PAUSED);
        g_assert_cmpuint(vm->ram_size, ==, 2);
        vm_free(vm);
}

struct fired {
        struct vm *vm;
        struct timer *timer;
        GArray *counts; /* uint64_t: turns at which the timer fired */
        int64_t period;
};

static void fired_counted(void *opaque)
{
        struct fired *f = opaque;
        uint64_t n = all_turns(f->vm);

        g_array_append_val(f->counts, n);
        vcpu_set_irq(f->vm->vcpus[f->counts->len % f->vm->n_vcpus], 7, true);
        if (f->counts->len < 50)
                timer_arm(f->timer, clock_now_ns(f->vm, CLOCK_RUN) + f->period);
        else
                vm_request(f->vm, VM_REQ_SHUTDOWN, 0);
}

static GArray *counted_round(uint64_t *insns, int64_t *end_ns)
{
        struct vm *vm = fake_vm(3);
        struct fired f = {vm, NULL, g_array_new(FALSE, FALSE, sizeof(uint64_t)), 123456};

        vm->deterministic = true;
        vm->icount_shift = 2;
        fake_of(vm->vcpus[0])->halt_every = 777;
        fake_of(vm->vcpus[1])->halt_every = 40001;
        fake_of(vm->vcpus[2])->halt_every = 5;
        f.timer = timer_new(vm, CLOCK_RUN, fired_counted, &f);
        timer_arm(f.timer, 1000);
        start(vm, false);
        while (atomic_load(&vm->request) == VM_REQ_NONE)
                g_usleep(200);
        vm_pause(vm);
        *insns = 0;
        for (unsigned i = 0; i < 3; i++) {
                g_assert_cmpuint(vcpu_insn_count(vm->vcpus[i]), ==,
                                 atomic_load(&fake_of(vm->vcpus[i])->turns));
                *insns = *insns * 1000003 + vcpu_insn_count(vm->vcpus[i]);
        }
        *end_ns = clock_now_ns(vm, CLOCK_RUN);
        timer_free(f.timer);
        vm_free(vm);
        return f.counts;
}

/* Two runs fire their timers at the same counts, all vCPUs halting now and then. */
static void test_counted(void)
{
        uint64_t insns[2];
        int64_t end[2];
        GArray *a = counted_round(&insns[0], &end[0]), *b = counted_round(&insns[1], &end[1]);

        g_assert_cmpuint(a->len, ==, 50);
        g_assert_cmpmem(a->data, a->len * 8, b->data, b->len * 8);
        g_assert_cmpuint(insns[0], ==, insns[1]);
        g_assert_cmpint(end[0], ==, end[1]);
        g_assert_cmpint(end[0], ==, 1000 + 49 * 123456);
        g_array_unref(a);
        g_array_unref(b);
}

/* All halted, no timer, no input: only others can wake the thread, through any vCPU. */
static void test_counted_idle(void)
{
        struct vm *vm = fake_vm(3);
        unsigned n = 0;

        vm->deterministic = true;
        for (unsigned i = 0; i < 3; i++)
                atomic_store(&fake_of(vm->vcpus[i])->wants_halt, true);
        start(vm, false);
        for (unsigned i = 0; i < 30; i++) {
                wait_where(vm->vcpus[2], VCPU_HALTED);
                vcpu_run_on(vm->vcpus[i % 3], note_current, &n);
        }
        wait_where(vm->vcpus[2], VCPU_HALTED);
        vcpu_set_irq(vm->vcpus[2], 7, true);
        while (!atomic_load(&fake_of(vm->vcpus[2])->wakes))
                g_thread_yield();
        vm_pause(vm);
        vm_free(vm);
        g_assert_cmpuint(n, ==, 30);
}

static void fired_host(void *opaque)
{
        struct fired *f = opaque;
        int64_t now = clock_now_ns(f->vm, CLOCK_RUN);

        g_array_append_val(f->counts, now);
        if (f->counts->len < 20)
                timer_arm(f->timer, now + f->period);
}

static void test_timers(void)
{
        struct vm *vm = fake_vm(1);
        struct fired f = {vm, NULL, g_array_new(FALSE, FALSE, sizeof(int64_t)), 300000};
        struct timer *never = timer_new(vm, CLOCK_RUN, fired_host, &f);
        int64_t begin = g_get_monotonic_time();

        f.timer = timer_new(vm, CLOCK_RUN, fired_host, &f);
        timer_arm(f.timer, 0);
        timer_arm(never, INT64_MAX - 1);
        g_assert_cmpint(timer_deadline(f.timer), ==, 0);
        g_main_context_iteration(vm->context, FALSE);
        g_assert_cmpuint(f.counts->len, ==, 0); /* the machine does not run yet */
        start(vm, false);
        while (f.counts->len < 20)
                g_main_context_iteration(vm->context, TRUE);
        g_assert_cmpint(g_get_monotonic_time() - begin, <, 2000000);
        for (unsigned i = 1; i < 20; i++)
                g_assert_cmpint(g_array_index(f.counts, int64_t, i), >=,
                                g_array_index(f.counts, int64_t, i - 1) + 300000);
        timer_cancel(never);
        g_assert_cmpint(timer_deadline(never), ==, INT64_MAX);
        timer_free(never);
        timer_free(f.timer);
        vm_free(vm);
        g_array_unref(f.counts);
}

static void test_timebase(void)
{
        struct vm *vm = fake_vm(1);
        uint64_t now;

        vm->timebase.hz = 10000000;
        g_assert_cmpuint(vm_timebase_ticks(vm), ==, 0);
        g_assert_cmpint(vm_timebase_deadline_ns(vm, 5), ==, 500);
        vm_timebase_set(vm, 1000);
        g_assert_cmpuint(vm_timebase_ticks(vm), ==, 1000);
        g_assert_cmpint(vm_timebase_deadline_ns(vm, 1005), ==, 500);
        g_assert_cmpint(vm_timebase_deadline_ns(vm, 7), ==, 0);
        g_assert_cmpint(vm_timebase_deadline_ns(vm, UINT64_MAX), ==, INT64_MAX);
        g_assert_cmpint(vm_timebase_deadline_ns(vm, UINT64_MAX / 2), ==, INT64_MAX);
        vm->timebase.hz = 3; /* no whole number of nanoseconds */
        now = vm_timebase_ticks(vm);
        g_assert_cmpint(vm_timebase_deadline_ns(vm, now + 1), ==, 333333334);
        vm_free(vm);
}

static void count_up(void *opaque)
{
        ++*(unsigned *)opaque;
}

/* Timers that follow the timebase; the machine stands still, so its clock shows 0 throughout. */
static void test_timers_by_ticks(void)
{
        struct vm *vm = fake_vm(1);
        unsigned n = 0;
        struct timer *t = timer_new(vm, CLOCK_RUN, count_up, &n),
                *other = timer_new(vm, CLOCK_RUN, count_up, &n);

        vm->timebase.hz = 10000000;
        g_assert_false(timer_arm_ticks(t, 1000));
        g_assert_false(timer_arm_ticks(other, 2000));
        g_assert_cmpint(timer_deadline(t), ==, 100000);
        vm_timebase_set(vm, 500);
        g_assert_cmpint(timer_deadline(t), ==, 50000);
        g_assert_cmpint(timer_deadline(other), ==, 150000);
        /* past it: goes off at once, and only once */
        vm_timebase_set(vm, 1500);
        g_assert_cmpint(timer_deadline(t), ==, 0);
        clock_run_due(vm, 0);
        g_assert_cmpuint(n, ==, 1);
        vm_timebase_set(vm, 1600);
        g_assert_cmpint(timer_deadline(t), ==, INT64_MAX);
        g_assert_cmpint(timer_deadline(other), ==, 40000);
        /* ahead again, though it went off */
        vm_timebase_set(vm, 0);
        g_assert_cmpint(timer_deadline(t), ==, 100000);
        clock_run_due(vm, 100000);
        g_assert_cmpuint(n, ==, 2);
        /* reached when it is armed: only noted */
        vm_timebase_set(vm, 3000);
        clock_run_due(vm, 0);
        g_assert_cmpuint(n, ==, 3);
        g_assert_true(timer_arm_ticks(t, 2999));
        g_assert_cmpint(timer_deadline(t), ==, INT64_MAX);
        vm_timebase_set(vm, 2000);
        g_assert_cmpint(timer_deadline(t), ==, 99900);
        /* cancelled, or armed for a time, it no longer follows */
        timer_cancel(t);
        timer_arm(other, 7);
        vm_timebase_set(vm, 0);
        g_assert_cmpint(timer_deadline(t), ==, INT64_MAX);
        g_assert_cmpint(timer_deadline(other), ==, 7);
        g_assert_false(timer_arm_ticks(t, 10));
        timer_free(t);
        timer_free(other);
        vm_timebase_set(vm, 5);
        vm_free(vm);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/run/pause", test_pause);
        g_test_add_func("/run/exclusive", test_exclusive);
        g_test_add_func("/run/run-on", test_run_on);
        g_test_add_func("/run/halt", test_halt);
        g_test_add_func("/run/reset", test_reset);
        g_test_add_func("/run/counted", test_counted);
        g_test_add_func("/run/counted-idle", test_counted_idle);
        g_test_add_func("/run/timers", test_timers);
        g_test_add_func("/run/timebase", test_timebase);
        g_test_add_func("/run/timers-by-ticks", test_timers_by_ticks);
        return g_test_run();
}
