/* SPDX-License-Identifier: MIT */
/*
 * Vectors of 128 bits on SSE2 and what the host has beyond it. Each op has a lowering here or goes to C, lane by
 * lane, through slow_ops.vec; so all are right on every host, and fast where it counts. IR ops: ir/ops.def, ir/vec.h.
 * Intel SDM volume 2.
 */
#include "backend/x86_64/emit.h"

static enum ir_type arg_type(const struct x86_emit *e, const struct ir_ins *i, unsigned k)
{
        return (enum ir_type)e->r->ins[i->arg[k]].type;
}

/* ---- constants ---- */

void emit_vector_const(struct x86_emit *e, unsigned dst, uint64_t bits)
{
        if (bits == 0) {
                x86_rm(&e->a, X86_OP(0, 1, 0x28), dst, emit_pool(e, POOL_ZERO));
        } else if (bits == ~0ull) {
                x86_rm(&e->a, X86_OP(0, 1, 0x28), dst, emit_pool(e, POOL_ONES));
        } else {
                x86_mov_imm(&e->a, SCRATCH, bits);
                x86_mov_to_fp(&e->a, true, dst, SCRATCH);
                x86_rr(&e->a, X86_OP(0x66, 1, 0x6c), dst, dst); /* punpcklqdq */
        }
}

/* ---- through C ---- */

/* An operand to vector argument @n of the frame. */
static void vec_arg(struct x86_emit *e, unsigned n, const struct ra_opnd *o, enum ir_type type)
{
        if (o->kind == RA_REG && o->reg >= RA_FPR) {
                x86_vstore(&e->a, VEC_ARG(n), x86_num(o->reg));
        } else if (type == IR_V128) {
                emit_fp_opnd_to(e, RA_FPR + FSCRATCH, o, type);
                x86_vstore(&e->a, VEC_ARG(n), FSCRATCH);
        } else {
                emit_opnd_to(e, SCRATCH, o, ir_type_size(type) == 8);
                x86_store(&e->a, 3, VEC_ARG(n), SCRATCH);
        }
}

static void call_vec(struct x86_emit *e, const struct ir_ins *i, const struct ra_opnd *args)
{
        struct ra_opnd pack = {.kind = RA_IMM, .imm = slow_fp_pack(i, arg_type(e, i, 0))};
        struct ra_opnd imm = {.kind = RA_IMM, .imm = (uint64_t)i->imm};

        for (unsigned k = 0; k < ir_ops[i->op].n_args; k++)
                vec_arg(e, k, &args[k], arg_type(e, i, k));
        emit_out_arg(e, 0, &pack, IR_I64);
        emit_out_arg(e, 1, &imm, IR_I64);
        x86_call_exec(&e->a, e->h->vec);
}

static void emit_slow(struct x86_emit *e, uint32_t at, const struct ir_ins *i)
{
        struct ra_opnd args[3], result = {.kind = RA_IN_FRAME};

        for (unsigned k = 0; k < ir_ops[i->op].n_args; k++)
                args[k] = ra_where(&e->ra, i->arg[k]);
        call_vec(e, i, args);
        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        result.offset = FRAME_VECS - FRAME_SPILL;
        if (d >= RA_FPR)
                emit_fp_opnd_to(e, d, &result, (enum ir_type)i->type);
        else
                emit_opnd_to(e, d, &result, i->type == IR_I64);
        ra_def_done(&e->ra, at);
}

void emit_vector(struct x86_emit *e, uint32_t at, const struct ir_ins *i)
{
        emit_slow(e, at, i);
}

void cold_vector(struct x86_emit *e, const struct x86_cold *c)
{
}
