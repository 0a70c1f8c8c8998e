/* SPDX-License-Identifier: MIT */
/*
 * Looking at and into a vCPU from outside, for gdb and the monitor. Main thread; the VM is paused. What is
 * changed is changed on the vCPU's own thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontend/cpu.h"

/* Stops the machine for as long as the caller looks; true if it ran, and so debug_release lets it go on. */
bool debug_hold(struct vm *vm);
void debug_release(struct vm *vm, bool ran);

/* Zero where a register cannot be read. */
void debug_reg_get(struct vcpu *v, const struct cpu_reg *r, uint64_t value[CPU_REG_WORDS]);
bool debug_reg_set(struct vcpu *v, const struct cpu_reg *r, const uint64_t value[CPU_REG_WORDS]);

/*
 * Memory as the vCPU's data accesses see it now, permissions aside; false if some of it is not there. Device
 * registers are read and written in naturally aligned pieces.
 */
bool debug_read(struct vcpu *v, gva_t gva, void *buf, size_t len);
bool debug_write(struct vcpu *v, gva_t gva, const void *buf, size_t len);
bool debug_read_phys(struct vm *vm, gpa_t gpa, void *buf, size_t len);
/* The same, ROM too. */
bool debug_write_phys(struct vm *vm, gpa_t gpa, const void *buf, size_t len);
bool debug_translate(struct vcpu *v, gva_t gva, gpa_t *gpa);

/* One instruction, no interrupts. */
void debug_step(struct vcpu *v);
