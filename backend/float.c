/* SPDX-License-Identifier: MIT */
/* Scalar floating point as far as no host decides it: how ops round, and those that C does (slow_ops.fp). */
#include "backend/emit.h"

unsigned emit_rounding(const struct emit *e, const struct ir_ins *i)
{
        return i->cond == IR_RM_MODE ? e->r->fp.round : i->cond;
}

bool emit_rounds_here(const struct emit *e, const struct ir_ins *i)
{
        unsigned rm = emit_rounding(e, i);

        return rm == e->r->fp.round && rm != IR_RM_RMM;
}

void cold_slow_fp(struct emit *e, const struct ir_ins *i, const struct ra_opnd *args)
{
        struct ra_opnd pack = {.kind = RA_IMM, .imm = slow_fp_pack(i, arg_type(e, i))};

        emit_out_arg(e, 0, &pack, IR_I64);
        for (unsigned k = 0; k < ir_ops[i->op].n_args; k++)
                emit_out_arg(e, 1 + k, &args[k], (enum ir_type)e->r->ins[i->arg[k]].type);
        emit_call_exec(e, e->h->fp);
}

void emit_slow_fp(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        struct ra_opnd args[3];

        for (unsigned k = 0; k < ir_ops[i->op].n_args; k++)
                args[k] = ra_where(&e->ra, i->arg[k]);
        cold_slow_fp(e, i, args);
        ra_operands_done(&e->ra);
        emit_from_scratch(e, ra_def(&e->ra, at, RA_NONE, 0));
        ra_def_done(&e->ra, at);
}

void emit_bitcast(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        if (d >= RA_FPR)
                emit_fp_opnd_to(e, d, &a, i->type);
        else
                emit_opnd_to(e, d, &a, i->type == IR_I64);
        ra_def_done(&e->ra, at);
}
