/* SPDX-License-Identifier: MIT */
/*
 * Evaluation of pure ops on constants, from the evaluation column of ops.def. Values are words of their type,
 * zero-extended to 64 bits; floats are bits. Stateless.
 */
#include "ir/ir.h"

#include "ir/eval.h"
#include "ir/eval_flags.h"

/* The switches return whether the op has an evaluation: all those on integers of one type have. */
#define OP(name, sig, nargs, flags, eval, doc) \
        case IR_OP_##name: \
                *result = (WORD)(eval); \
                return sig == IR_SIG_INT;

#define WORD uint32_t
#define SWORD int32_t
#define W 32
static bool eval_int32(enum ir_op op, uint32_t a, uint32_t b, uint64_t *result)
{
        switch (op) {
#include "ir/ops.def"
        default:
                return false;
        }
}
#undef WORD
#undef SWORD
#undef W

#define WORD uint64_t
#define SWORD int64_t
#define W 64
static bool eval_int64(enum ir_op op, uint64_t a, uint64_t b, uint64_t *result)
{
        switch (op) {
#include "ir/ops.def"
        default:
                return false;
        }
}
#undef WORD
#undef SWORD
#undef W
#undef OP

static bool cond_holds(enum ir_cond cond, uint64_t a, uint64_t b)
{
        switch (cond) {
        case IR_EQ: return a == b;
        case IR_NE: return a != b;
        case IR_LTU: return a < b;
        case IR_GEU: return a >= b;
        case IR_LTS: return (int64_t)a < (int64_t)b;
        case IR_GES: return (int64_t)a >= (int64_t)b;
        case IR_LEU: return a <= b;
        case IR_GTU: return a > b;
        case IR_LES: return (int64_t)a <= (int64_t)b;
        case IR_GTS: return (int64_t)a > (int64_t)b;
        case IR_TSTZ: return !(a & b);
        case IR_TSTNZ: return a & b;
        default: return false;
        }
}

bool ir_cond_eval(enum ir_cond cond, enum ir_type type, uint64_t a, uint64_t b)
{
        /* Sign extension keeps both orders, the unsigned one too. */
        if (type == IR_I32)
                return cond_holds(cond, (int64_t)(int32_t)a, (int64_t)(int32_t)b);
        return cond_holds(cond, a, b);
}

bool ir_eval(const struct ir_ins *i, const uint64_t *args, uint64_t *result)
{
        const uint64_t nan_box = 0xffffffffull << 32;

        switch (i->op) {
        case IR_OP_setcc:
                *result = ir_cond_eval(i->cond, i->aux, args[0], args[1]);
                return true;
        case IR_OP_select:
                *result = ir_cond_eval(i->cond, i->aux, args[0], args[1]) ? args[2] : args[3];
                return true;
        case IR_OP_trunc:
        case IR_OP_zext32:
                *result = (uint32_t)args[0];
                return true;
        case IR_OP_sext32:
                *result = (int64_t)(int32_t)args[0];
                return true;
        case IR_OP_bitcast:
                *result = args[0];
                return true;
        case IR_OP_fbox:
                *result = args[0] | nan_box;
                return true;
        default:
                if (ir_ops[i->op].sig == IR_SIG_FLAGS)
                        return ir_eval_flags(i, args, result);
                if (ir_ops[i->op].sig == IR_SIG_BITS)
                        return ir_eval_bits(i, args, result);
                if (i->type == IR_I32)
                        return eval_int32(i->op, args[0], args[1], result);
                if (i->type == IR_I64)
                        return eval_int64(i->op, args[0], args[1], result);
                return false;
        }
}
