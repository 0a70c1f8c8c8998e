/* SPDX-License-Identifier: MIT */
/* See vec_gen.h. What an op may be is found by trying. */
#include "tests/ir/vec_gen.h"

static uint32_t random_aux(const struct vec_gen *g, enum ir_op op)
{
        uint32_t aux = g->pick(g->ctx, 4);

        if (ir_ops[op].sig != IR_SIG_VFP)
                return aux;
        if (op == IR_OP_vfcmp)
                return aux | g->pick(g->ctx, 3) * IR_FCMP_QUIET | (g->pick(g->ctx, 2) ? IR_VEC_LOW : 0);
        return aux | g->pick(g->ctx, 4) << IR_VEC_VARIANT | (g->pick(g->ctx, 2) ? IR_VEC_LOW : 0);
}

static enum ir_type argument_type(const struct vec_gen *g, const struct ir_ins *i, unsigned k)
{
        enum ir_type t = IR_V128;

        while (!ir_vec_arg_ok(i, k, t))
                t = IR_I32 + g->pick(g->ctx, 4);
        return t;
}

ir_ref vec_gen_op(const struct vec_gen *g, enum ir_op op)
{
        struct ir_ins i = {0};
        ir_ref args[4] = {0};

        if (op == IR_OP_nop)
                op = IR_OP_vand + g->pick(g->ctx, IR_OP_vfcvt_idown - IR_OP_vand + 1);
        i.op = op;
        do {
                i.type = g->pick(g->ctx, 2) ? IR_V128 : IR_I32 + g->pick(g->ctx, 4);
                i.aux = random_aux(g, op);
                i.imm = ir_ops[op].flags & IR_HAS_IMM ? g->pick(g->ctx, 1u << g->pick(g->ctx, 9)) : 0;
        } while (!ir_vec_form_ok(&i));
        if (ir_ops[op].flags & IR_HAS_ROUND)
                i.cond = g->pick(g->ctx, IR_RM_MODE + 1);
        else if (ir_ops[op].flags & IR_HAS_COND)
                i.cond = g->pick(g->ctx, IR_FCOND_COUNT);
        for (unsigned k = 0; k < ir_ops[op].n_args; k++)
                args[k] = g->value(g->ctx, argument_type(g, &i, k));
        return op == IR_OP_vlow ? ir_vlow(g->b, i.type, args[0]) : ir_vec_like(g->b, &i, args);
}
