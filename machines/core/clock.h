/* SPDX-License-Identifier: MIT */
/*
 * Clocks and timers. A clock is (base, multiplier, shift, offset), so that counters can be read inline; there
 * are three kinds: host time, time while the machine runs, and counted instructions (deterministic mode).
 * Timers fire on the main loop's thread; in deterministic mode, on the one vCPU thread at exact counts.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct vm;

/*
 * CLOCK_HOST: nanoseconds since 1970 by the host's clock; in deterministic mode a fixed date plus CLOCK_RUN.
 * CLOCK_RUN: nanoseconds that the machine ran.
 */
enum clock_kind { CLOCK_HOST, CLOCK_RUN, CLOCK_KINDS };

/*
 * Nanoseconds of the VM's clock: CLOCK_RUN stands still while the machine is stopped, and is the counted
 * clock in deterministic mode. Any thread.
 */
int64_t clock_now_ns(struct vm *vm, enum clock_kind kind);

/* value * mul / div without overflow, rounding down. */
uint64_t clock_muldiv(uint64_t value, uint64_t mul, uint64_t div);

struct timer;

/* A one-shot timer, not armed. The callback runs without locks held. */
struct timer *timer_new(struct vm *vm, enum clock_kind kind, void (*fired)(void *opaque), void *opaque);
void timer_free(struct timer *t);
/* Any thread. A deadline in the past fires soon. INT64_MAX never fires. */
void timer_arm(struct timer *t, int64_t deadline_ns);
void timer_cancel(struct timer *t);
/*
 * For when vm->timebase reaches @ticks (timers of CLOCK_RUN). True: it has, and the timer is not armed.
 * Either way it follows the counter from now on: when that is set anew, the timer is armed if @ticks is
 * (again) ahead, and goes off at once if it was armed and is behind. Until the timer is armed otherwise or
 * cancelled.
 */
bool timer_arm_ticks(struct timer *t, uint64_t ticks);
int64_t timer_deadline(const struct timer *t); /* INT64_MAX when not armed */

/* The earliest CLOCK_RUN deadline, for the deterministic run loop; and firing what is due by @now_ns. */
int64_t clock_next_deadline(struct vm *vm);
void clock_run_due(struct vm *vm, int64_t now_ns);

/* A counter of the guest that runs with CLOCK_RUN: RISC-V's time, ARM's generic timer. */
struct vm_counter {
        uint64_t hz;
        _Atomic int64_t offset; /* ticks, added; changed by guest writes to the counter */
};

/* vm->timebase now, in ticks. Any thread. */
uint64_t vm_timebase_ticks(struct vm *vm);

/*
 * When (CLOCK_RUN) vm->timebase reaches @ticks: now or earlier if it has, INT64_MAX if that is out of range.
 */
int64_t vm_timebase_deadline_ns(struct vm *vm, uint64_t ticks);

/*
 * Makes vm->timebase read @ticks now. Timers armed for a time by the old value are the caller's to arm again.
 */
void vm_timebase_set(struct vm *vm, uint64_t ticks);
