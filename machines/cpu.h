/* SPDX-License-Identifier: MIT */
/*
 * vCPUs as machines make them: the step between a guest architecture (struct cpu_ops) and the run loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "frontend/cpu.h"

/*
 * Makes the next vCPU of @vm, of @model ("rv64,zba=off"), with the run loop's hooks filled in; before
 * vm_start.
 */
struct vcpu *machine_add_cpu(struct vm *vm, const struct cpu_ops *ops, const char *model, GError **error);

/*
 * Registers; the vCPU stands still. False: this one cannot be read, or not have that value. What is more than
 * its bits in a value is ignored.
 */
bool vcpu_reg_read(struct vcpu *v, const struct cpu_reg *r, uint64_t value[CPU_REG_WORDS]);
bool vcpu_reg_write(struct vcpu *v, const struct cpu_reg *r, const uint64_t value[CPU_REG_WORDS]);

/*
 * The same by the name or alias that the frontend's table gives them: the low 64 bits. A write clears what is
 * above them.
 */
const struct cpu_reg *vcpu_reg_find(const struct vcpu *v, const char *name);
bool vcpu_set_reg(struct vcpu *v, const char *name, uint64_t value);
bool vcpu_get_reg(struct vcpu *v, const char *name, uint64_t *value);
