/* SPDX-License-Identifier: MIT */
/* What the two files of vector lowering share: vector.c (bits and integers), vector_float.c. */
#pragma once

#include "backend/x86_64/emit.h"
#include "ir/vec.h"

#define P66(byte) X86_OP(0x66, 1, byte)
#define P66_38(byte) X86_OP(0x66, 2, byte)
#define P66_3A(byte) X86_OP(0x66, 3, byte)

static inline enum ir_type vec_arg_type(const struct emit *e, const struct ir_ins *i, unsigned k)
{
        return (enum ir_type)e->r->ins[i->arg[k]].type;
}

static inline unsigned vreg(struct emit *e, const struct ir_ins *i, unsigned k)
{
        return x86_num(ra_reg(&e->ra, i->arg[k]));
}

static inline ra_set fbit(unsigned n)
{
        return RA_BIT(RA_FPR + n);
}

/* The result's register: @x's if that is free, never one of @forbid. */
static inline unsigned vdef(struct emit *e, uint32_t at, unsigned x, ra_set forbid)
{
        return x86_num(ra_def(&e->ra, at, RA_FPR + x, forbid));
}

static inline unsigned vtemp(struct emit *e, ra_set forbid)
{
        return x86_num(ra_temp(&e->ra, true, RA_NONE, forbid));
}

/* d = x, unless it is */
static inline void vmove(struct emit *e, unsigned d, unsigned x)
{
        if (d != x)
                x86_movaps(&e->a, d, x);
}

static inline void op_imm(struct emit *e, uint32_t op, unsigned d, unsigned x, unsigned imm)
{
        x86_rr(&e->a, op, d, x);
        asm_u8(&e->a, imm);
}

static inline void op3_imm(struct emit *e, uint32_t op, unsigned d, unsigned x, unsigned y, unsigned imm)
{
        op3(e, op, d, x, y);
        asm_u8(&e->a, imm);
}

/* A row of a switch by op: the op is done by @call if @cond, else not here. */
#define CASE(op, cond, call) \
        case IR_OP_##op: \
                if (!(cond)) \
                        return false; \
                call; \
                return true;

/* vector.c: the op through C; args are where the operands are, the result comes back in vector argument 0. */
void emit_vec_call(struct emit *e, const struct ir_ins *i, const struct ra_opnd *args, const uint8_t *thunk);
/* d = op(x, y), one instruction; y may be in memory */
void emit_vec_direct(struct emit *e, uint32_t at, const struct ir_ins *i, uint32_t op);

/* vector_float.c: false if the op goes through C in this mode, or on this host. */
bool emit_vec_float(struct emit *e, uint32_t at, const struct ir_ins *i);
