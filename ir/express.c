/* SPDX-License-Identifier: MIT */
/*
 * Values of the end of a block by what slots hold then, so that they can be told where the block has been
 * left: constants, what a slot holds, what was added to or subtracted from to give that, and ops on such.
 * What else there is may be left in spare slots of the guest. For the passes that let flags wait (opt_loop.c,
 * opt_flags.c). Belongs to the thread that builds.
 */
#include "ir/builder.h"
#include "ir/opt.h"

enum { EXPRESS_DEPTH = 6 };

static ir_ref express(struct express *x, ir_ref v, unsigned depth);

/* Does @holds extend @v to 64 bits? */
static bool extends(const struct express *x, ir_ref holds, ir_ref v)
{
        const struct ir_ins *i = &x->r->ins[holds];

        return x->halves && (i->op == IR_OP_zext32 || i->op == IR_OP_sext32) && i->arg[0] == v;
}

/* Where a slot holds @v, or its low half is @v: that, else 0. With @b NULL just whether. */
static ir_ref final_value(const struct express *x, struct ir_builder *b, ir_ref v)
{
        for (uint32_t s = 0; s < x->r->guest->n_slots; s++) {
                ir_ref holds = x->final[s];

                if (!holds || x->r->guest->slots[s].type == IR_FLAGS)
                        continue;
                if (x->r->ins[holds].op != IR_OP_get)
                        holds = x->r->ins[holds].arg[0];
                if (holds == v)
                        return b ? ir_get(b, s) : 1;
                if (extends(x, holds, v))
                        return b ? ir_trunc(b, ir_get(b, s)) : 1;
        }
        return 0;
}

/* What was added to or subtracted from, by the sum that a slot holds. */
static ir_ref express_inverse(struct express *x, ir_ref v, unsigned depth)
{
        for (ir_ref n = x->first; n < x->end; n++) {
                const struct ir_ins i = x->r->ins[n];
                ir_ref y;

                if ((i.flags & IR_INS_DEAD) || (i.op != IR_OP_add && i.op != IR_OP_sub) || i.arg[0] != v ||
                    i.arg[1] == v || !final_value(x, NULL, n))
                        continue;
                y = express(x, i.arg[1], depth + 1);
                if (y)
                        return ir_binary(x->b, i.op == IR_OP_add ? IR_OP_sub : IR_OP_add,
                                         final_value(x, x->b, n), y);
        }
        return 0;
}

static bool is_pure_scalar(const struct ir_ins *i)
{
        switch (ir_ops[i->op].sig) {
        case IR_SIG_INT: case IR_SIG_BITS: case IR_SIG_SETCC: return true;
        case IR_SIG_SELECT: return !ir_type_in_fpr(i->type);
        case IR_SIG_FLAGS: return i->op != IR_OP_fl_fcmp;
        case IR_SIG_CONV: return i->op == IR_OP_trunc || i->op == IR_OP_sext32 || i->op == IR_OP_zext32;
        default: return false;
        }
}

/* By a spare slot, if there is one left. */
static ir_ref express_spare(struct express *x, ir_ref v)
{
        enum ir_type type = x->r->ins[v].type;
        unsigned k = 0;
        ir_ref got;

        if ((type != IR_I32 && type != IR_I64) || v < x->first)
                return 0;
        while (k < x->n_spare && x->spare[k] != v)
                k++;
        if (k == x->n_spare) {
                if (k == x->max_spare)
                        return 0;
                x->spare[x->n_spare++] = v;
        }
        got = ir_get(x->b, x->r->guest->spare[k]);
        return type == IR_I32 ? ir_trunc(x->b, got) : got;
}

static ir_ref express(struct express *x, ir_ref v, unsigned depth)
{
        const struct ir_ins i = x->r->ins[v]; /* a copy: building may move the others */
        ir_ref arg[4] = {0}, found;

        if (i.op == IR_OP_const)
                return ir_const(x->b, i.type, i.imm);
        found = final_value(x, x->b, v);
        if (found)
                return found;
        if (depth > EXPRESS_DEPTH || v < x->first)
                return express_spare(x, v);
        found = express_inverse(x, v, depth);
        if (found)
                return found;
        if (!is_pure_scalar(&i))
                return express_spare(x, v);
        for (unsigned k = 0; k < ir_ops[i.op].n_args; k++) {
                arg[k] = express(x, i.arg[k], depth + 1);
                if (!arg[k])
                        return 0;
        }
        return ir_emit_like(x->b, &i, arg);
}

ir_ref ir_express(struct express *x, ir_ref v)
{
        return express(x, v, 0);
}
