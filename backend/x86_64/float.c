/* SPDX-License-Identifier: MIT */
#include "backend/x86_64/emit.h"
void emit_float(struct x86_emit *e, uint32_t at, const struct ir_ins *i)
{
        e->ra.failed = true;
}
void cold_float(struct x86_emit *e, const struct x86_cold *c)
{
}
