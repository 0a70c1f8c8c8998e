/* SPDX-License-Identifier: MIT */
/*
 * Vectors: what NEON has an instruction or a short sequence for is done inline, all else by slow_ops.vec, whose
 * arguments and result are in the frame.
 */
#include "backend/aarch64/emit.h"

void emit_vector_const(struct a64_emit *e, unsigned d, uint64_t bits)
{
        unsigned mask = 0;

        for (unsigned k = 0; k < 8; k++) {
                unsigned byte = bits >> 8 * k & 0xff;

                if (byte == 0xff)
                        mask |= 1 << k;
                else if (byte)
                        mask = 0x100;
                if (mask & 0x100)
                        break;
        }
        if (!(mask & 0x100)) {
                a64_movi64(&e->a, d, mask);
                return;
        }
        emit_const(e, SCRATCH, bits);
        a64_dup(&e->a, 3, d, SCRATCH);
}

/* ---- slow path ---- */

static void vector_arg(struct a64_emit *e, unsigned n, ir_ref v)
{
        struct ra_opnd o = ra_where(&e->ra, v);
        enum ir_type t = (enum ir_type)e->r->ins[v].type;
        struct a64_mem m = VEC_ARG(n);

        if (t == IR_V128) {
                unsigned reg = FSCRATCH;

                if (o.kind == RA_REG)
                        reg = a64_num(o.reg);
                else
                        emit_fp_opnd_to(e, RA_FPR + FSCRATCH, &o, t);
                a64_access(&e->a, A64_FST(4), reg, m);
        } else {
                emit_opnd_to(e, SCRATCH, &o, is_wide(t));
                a64_str(&e->a, true, SCRATCH, m);
        }
}

static void emit_slow(struct a64_emit *e, uint32_t at, const struct ir_ins *i)
{
        uint64_t op = slow_fp_pack(i, i->arg[0] ? (enum ir_type)e->r->ins[i->arg[0]].type : IR_VOID);

        for (unsigned k = 0; k < ir_ops[i->op].n_args; k++)
                vector_arg(e, k, i->arg[k]);
        emit_const(e, SCRATCH, op);
        a64_str(&e->a, true, SCRATCH, OUT_ARG(0));
        emit_const(e, SCRATCH, ir_ops[i->op].flags & IR_HAS_IMM ? i->imm : 0);
        a64_str(&e->a, true, SCRATCH, OUT_ARG(1));
        a64_bl_exec(&e->a, e->h->vec);
        ra_operands_done(&e->ra);
        if (!e->ra.val[at].last_use)
                return;
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        a64_access(&e->a, a64_slot_access(i->type, d >= RA_FPR, true), a64_num(d), VEC_ARG(0));
        ra_def_done(&e->ra, at);
}

void emit_vector(struct a64_emit *e, uint32_t at, const struct ir_ins *i)
{
        emit_slow(e, at, i);
}
