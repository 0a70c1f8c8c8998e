/* SPDX-License-Identifier: MIT */
/*
 * What the files of machines/core share among themselves and nobody else includes.
 */
#pragma once

#include "machines/core/vm.h"

struct vcpu;

/* clock.c */
struct vm_clock *clock_new(struct vm *vm);
void clock_free(struct vm_clock *c);
void clock_run_start(struct vm *vm); /* CLOCK_RUN goes on, or stands still */
void clock_run_stop(struct vm *vm);
void clock_counted_set(struct vm *vm, int64_t now_ns); /* deterministic mode: time as of the last slice */

/* runloop.c */
struct vm_run *run_new(struct vm *vm);
void run_free(struct vm_run *run);
bool run_start(struct vm *vm, bool paused, GError **error);
void run_stop(struct vm *vm); /* ends the threads */
int64_t run_counted_ns(struct vm *vm, const struct vcpu *v); /* deterministic mode: now, on the vCPU thread */

/* vcpu.c */
void vcpu_set_current(struct vcpu *v);
