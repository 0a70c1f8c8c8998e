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

static bool is_final(const struct express *x, ir_ref v, uint32_t *slot)
{
        for (uint32_t s = 0; s < x->r->guest->n_slots; s++) {
                const struct ir_ins *i = x->final[s] ? &x->r->ins[x->final[s]] : NULL;

                if (!i || x->r->guest->slots[s].type == IR_FLAGS)
                        continue;
                if (i->op == IR_OP_get ? x->final[s] == v : i->arg[0] == v) {
                        *slot = s;
                        return true;
                }
        }
        return false;
}

/* What was added to or subtracted from, by the sum that a slot holds. */
static ir_ref express_inverse(struct express *x, ir_ref v, unsigned depth)
{
        for (ir_ref n = x->first; n < x->end; n++) {
                const struct ir_ins i = x->r->ins[n];
                uint32_t slot;
                ir_ref y;

                if ((i.flags & IR_INS_DEAD) || (i.op != IR_OP_add && i.op != IR_OP_sub) || i.arg[0] != v ||
                    i.arg[1] == v || !is_final(x, n, &slot))
                        continue;
                y = express(x, i.arg[1], depth + 1);
                if (y)
                        return ir_binary(x->b, i.op == IR_OP_add ? IR_OP_sub : IR_OP_add, ir_get(x->b, slot),
                                         y);
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
        uint32_t slot;

        if (i.op == IR_OP_const)
                return ir_const(x->b, i.type, i.imm);
        if (is_final(x, v, &slot))
                return ir_get(x->b, slot);
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
