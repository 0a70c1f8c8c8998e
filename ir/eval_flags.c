/* SPDX-License-Identifier: MIT */
/*
 * Evaluation of condition flags and of the integer ops whose further operands are positions or a carry.
 * Words of flags come out in their canonical form (ir/flags.h). Stateless.
 */
#include "ir/eval_flags.h"

#include "base/bits.h"
#include "ir/flags.h"

/* N, Z and P of a result of @w bits. */
static unsigned flags_of(uint64_t r, unsigned w)
{
        r &= bits_mask(w);
        return (r >> (w - 1) & 1 ? IR_FLAG_N : 0) | (r == 0 ? IR_FLAG_Z : 0) |
               (ir_flags_parity(r) ? IR_FLAG_P : 0);
}

static unsigned flags_sum(uint64_t a, uint64_t b, unsigned cin, unsigned w)
{
        uint64_t r, carries;

        a &= bits_mask(w);
        b &= bits_mask(w);
        r = (a + b + cin) & bits_mask(w);
        carries = (a & b) | ((a | b) & ~r); /* out of each bit */
        return flags_of(r, w) | (carries >> (w - 1) & 1 ? IR_FLAG_C : 0) |
               (carries >> 3 & 1 ? IR_FLAG_A : 0) |
               (((a ^ r) & (b ^ r)) >> (w - 1) & 1 ? IR_FLAG_V : 0);
}

static unsigned flags_difference(uint64_t a, uint64_t b, unsigned cin, unsigned w)
{
        uint64_t r, borrows;

        a &= bits_mask(w);
        b &= bits_mask(w);
        r = (a - b - cin) & bits_mask(w);
        borrows = (~a & b) | ((~a | b) & r);
        return flags_of(r, w) | (borrows >> (w - 1) & 1 ? IR_FLAG_C : 0) |
               (borrows >> 3 & 1 ? IR_FLAG_A : 0) |
               (((a ^ b) & (a ^ r)) >> (w - 1) & 1 ? IR_FLAG_V : 0);
}

bool ir_flcond_eval(enum ir_flcond cond, unsigned mask)
{
        bool n = mask & IR_FLAG_N, z = mask & IR_FLAG_Z, c = mask & IR_FLAG_C, v = mask & IR_FLAG_V, holds;

        switch (cond & ~1) {
        case IR_FL_Z: holds = z; break;
        case IR_FL_C: holds = c; break;
        case IR_FL_N: holds = n; break;
        case IR_FL_V: holds = v; break;
        case IR_FL_P: holds = mask & IR_FLAG_P; break;
        case IR_FL_A: holds = mask & IR_FLAG_A; break;
        case IR_FL_LEU: holds = c || z; break;
        case IR_FL_LTS: holds = n != v; break;
        default: holds = z || n != v; break;
        }
        return holds ^ (cond & 1);
}

unsigned ir_flcond_reads(enum ir_flcond cond)
{
        static const uint8_t reads[IR_FLCOND_COUNT / 2] = {
                IR_FLAG_Z, IR_FLAG_C, IR_FLAG_N, IR_FLAG_V, IR_FLAG_P, IR_FLAG_A,
                IR_FLAG_C | IR_FLAG_Z, IR_FLAG_N | IR_FLAG_V, IR_FLAG_Z | IR_FLAG_N | IR_FLAG_V,
        };

        return reads[cond / 2];
}

bool ir_eval_flags(const struct ir_ins *i, const uint64_t *args, uint64_t *result)
{
        unsigned w = i->aux & IR_FL_WIDTH, mask;

        switch (i->op) {
        case IR_OP_fl_add: mask = flags_sum(args[0], args[1], 0, w); break;
        case IR_OP_fl_sub: mask = flags_difference(args[0], args[1], 0, w); break;
        case IR_OP_fl_adc: mask = flags_sum(args[0], args[1], args[2] & 1, w); break;
        case IR_OP_fl_sbc: mask = flags_difference(args[0], args[1], args[2] & 1, w); break;
        case IR_OP_fl_logic: mask = flags_of(args[0], w); break;
        case IR_OP_fl_with:
                mask = ir_flags_mask(args[0]) & ~i->aux;
                *result = ir_flags_make(args[1] & 1 ? mask | i->aux : mask);
                return true;
        case IR_OP_fl_merge:
                mask = (ir_flags_mask(args[0]) & i->aux) | (ir_flags_mask(args[1]) & ~i->aux);
                *result = ir_flags_make(mask);
                return true;
        case IR_OP_fl_word:
        case IR_OP_fl_from:
                *result = (uint32_t)args[0];
                return true;
        case IR_OP_fl_test:
                *result = ir_flcond_eval(i->cond, ir_flags_mask(args[0]));
                return true;
        default:
                return false;
        }
        *result = ir_flags_make(i->aux & IR_FL_NOT_C ? mask ^ IR_FLAG_C : mask);
        return true;
}

static uint64_t funnel(uint64_t hi, uint64_t lo, unsigned n, unsigned w)
{
        return n ? lo >> n | hi << (w - n) : lo;
}

bool ir_eval_bits(const struct ir_ins *i, const uint64_t *args, uint64_t *result)
{
        unsigned w = i->type == IR_I32 ? 32 : 64, pos = ir_field_pos(i->aux), len = ir_field_len(i->aux);
        uint64_t v;

        switch (i->op) {
        case IR_OP_extu: v = bits_get(args[0], pos, len); break;
        case IR_OP_exts: v = bits_get_s(args[0], pos, len); break;
        case IR_OP_insert: v = bits_set(args[0], pos, len, args[1]); break;
        case IR_OP_extr: v = funnel(args[0], args[1], args[2] & (w - 1), w); break;
        case IR_OP_adc: v = args[0] + args[1] + (args[2] & 1); break;
        case IR_OP_sbc: v = args[0] - args[1] - (args[2] & 1); break;
        default: return false;
        }
        *result = v & bits_mask(w);
        return true;
}
