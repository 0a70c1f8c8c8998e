/* SPDX-License-Identifier: MIT */
/*
 * vCPUs as machines make them: the step between a guest architecture (struct cpu_ops) and the run loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

struct cpu_ops;
struct vcpu;
struct vm;

/*
 * Makes the next vCPU of @vm, of @model ("rv64,zba=off"), with the run loop's hooks filled in; before
 * vm_start.
 */
struct vcpu *machine_add_cpu(struct vm *vm, const struct cpu_ops *ops, const char *model, GError **error);

/*
 * Registers by the name or alias that the frontend's table gives them; false if there is none. The vCPU
 * stands still.
 */
bool vcpu_set_reg(struct vcpu *v, const char *name, uint64_t value);
bool vcpu_get_reg(struct vcpu *v, const char *name, uint64_t *value);
