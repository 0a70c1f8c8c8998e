/* SPDX-License-Identifier: MIT */
/*
 * What the guests' tables of registers have in common. On the vCPU's own thread, or while it is stopped.
 */
#include "frontend/cpu.h"

uint64_t cpu_get_pc(struct vcpu *v, unsigned index)
{
        return v->hot.pc;
}

bool cpu_put_pc(struct vcpu *v, unsigned index, uint64_t value)
{
        v->hot.pc = value;
        return true;
}
