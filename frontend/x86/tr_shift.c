/* SPDX-License-Identifier: MIT */
/*
 * Shifts and rotates (Intel SDM volume 2, SAL/SAR/SHL/SHR, RCL/RCR/ROL/ROR, SHLD, SHRD). A count of 0
 * changes no flag. OF is defined for counts of 1 alone; the same formula serves for all. AF is 0 after
 * shifts.
 *
 * Operands of up to 32 bits are worked on as I64, where no bit gets lost.
 */
#include "frontend/x86/translate.h"

/* The masked count as an I64; whether it is a constant. */
struct count {
        ir_ref n;
        uint64_t value;
        bool is_const;
};

static struct count get_count(struct x86_tctx *t, const struct x86_insn *i, unsigned op, unsigned size)
{
        unsigned mask = size == 8 ? 63 : 31;
        struct count c;

        if (i->op[op].kind == X86_OP_IMM)
                c.n = x86_c64(t, i->imm[i->op[op].reg] & mask);
        else
                c.n = ir_and(t->b, x86_gpr(t, X86_RCX), x86_c64(t, mask));
        c.is_const = ir_is_const(t->b, c.n, &c.value);
        return c;
}

/* Flags become @f unless the count is 0. */
static void put_flags_counted(struct x86_tctx *t, const struct count *c, ir_ref f)
{
        if (c->is_const) {
                if (c->value)
                        x86_put_flags(t, f);
                return;
        }
        x86_put_flags(t, ir_select(t->b, IR_NE, c->n, x86_c64(t, 0), f, x86_flags(t)));
}

static ir_ref bit_of(struct x86_tctx *t, ir_ref v, unsigned pos)
{
        return ir_extu(t->b, v, pos, 1);
}

static ir_ref minus(struct x86_tctx *t, int64_t k, ir_ref n)
{
        return ir_sub(t->b, x86_c64(t, k), n);
}

/* 32- and 64-bit operands and a constant count, which is nearly all shifts. */
static void shift_const(struct x86_tctx *t, const struct x86_insn *i, unsigned n)
{
        unsigned size = i->op[0].size, width = 8 * size;
        ir_ref v = x86_get_old(t, i, 0), r, f, wide = size == 8 ? v : 0, carry, over, amount = x86_const(t,
                size, n);

        r = i->id == X86_SHL ? ir_shl(t->b, v, amount) : i->id == X86_SHR ? ir_shru(t->b, v, amount)
            : ir_shrs(t->b, v, amount);
        x86_put(t, i, 0, r);
        if (!n)
                return;
        if (!wide)
                wide = ir_zext32(t->b, v);
        carry = bit_of(t, wide, i->id == X86_SHL ? width - n : n - 1);
        if (i->id == X86_SHL)
                over = ir_xor(t->b, carry, bit_of(t, size == 8 ? r : ir_zext32(t->b, r), width - 1));
        else
                over = i->id == X86_SHR ? bit_of(t, wide, width - 1) : x86_c64(t, 0);
        f = x86_with(t, ir_fl_logic(t->b, width, r), IR_FLAG_C, carry);
        x86_put_flags(t, x86_with(t, f, IR_FLAG_V, over));
}

bool x86_tr_shift(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[0].size, width = 8 * size;
        struct count c = get_count(t, i, 1, size);
        ir_ref a, v, r, carry, over, f;

        if (c.is_const && size >= 4) {
                shift_const(t, i, c.value);
                return true;
        }
        a = x86_get_old(t, i, 0);
        v = i->id == X86_SAR ? x86_sext64(t, a, size) : x86_zext64(t, a, size);
        if (i->id == X86_SHL) {
                r = ir_shl(t->b, v, c.n);
                carry = size == 8 ? ir_and(t->b, ir_shru(t->b, v, minus(t, 64, c.n)), x86_c64(t,
                        1)) : bit_of(t, r, width);
                over = ir_xor(t->b, carry, bit_of(t, r, width - 1));
        } else {
                ir_ref last = ir_sub(t->b, c.n, x86_c64(t, 1));

                r = i->id == X86_SHR ? ir_shru(t->b, v, c.n) : ir_shrs(t->b, v, c.n);
                carry = ir_and(t->b, ir_shru(t->b, v, last), x86_c64(t, 1));
                over = i->id == X86_SHR ? bit_of(t, v, width - 1) : x86_c64(t, 0);
        }
        f = x86_with(t, ir_fl_logic(t->b, width, x86_low(t, r, size)), IR_FLAG_C, carry);
        f = x86_with(t, f, IR_FLAG_V, over);
        x86_put(t, i, 0, x86_low(t, r, size));
        put_flags_counted(t, &c, f);
        return true;
}

/* ROL and ROR: C is the bit that came round; of OF see above. Nothing else changes. */
bool x86_tr_rotate(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[0].size, width = 8 * size;
        struct count c = get_count(t, i, 1, size);
        bool left = i->id == X86_ROL;
        ir_ref v = x86_get_old(t, i, 0), n = x86_low(t, c.n, size), r, wide, carry, over;

        if (size == 1) /* copies side by side, so that rotating all rotates each */
                v = ir_mul(t->b, x86_zext(t, v, 1), x86_c32(t, 0x01010101));
        else if (size == 2)
                v = ir_or(t->b, x86_zext(t, v, 2), ir_shl(t->b, v, x86_c32(t, 16)));
        r = left ? ir_rotl(t->b, v, n) : ir_rotr(t->b, v, n);
        wide = x86_zext64(t, r, size);
        carry = bit_of(t, wide, left ? 0 : width - 1);
        over = ir_xor(t->b, bit_of(t, wide, width - 1), left ? carry : bit_of(t, wide, width - 2));
        x86_put(t, i, 0, r);
        put_flags_counted(t, &c, x86_with(t, x86_with(t, x86_flags(t), IR_FLAG_C, carry), IR_FLAG_V, over));
        return true;
}

/* RCL and RCR of up to 32 bits: the operand and C are one word of width + 1 bits. */
static ir_ref rotate_carry(struct x86_tctx *t, const struct x86_insn *i, ir_ref v, ir_ref n, ir_ref *carry)
{
        unsigned width = 8 * i->op[0].size;
        ir_ref whole, r;

        if (width < 32) {
                ir_ref period = x86_c64(t, width + 1);

                n = ir_remu(t->b, n, period);
        }
        whole = ir_or(t->b, v, ir_shl(t->b, x86_carry(t), x86_c64(t, width)));
        if (i->id == X86_RCL)
                r = ir_or(t->b, ir_shl(t->b, whole, n), ir_shru(t->b, whole, minus(t, width + 1, n)));
        else
                r = ir_or(t->b, ir_shru(t->b, whole, n), ir_shl(t->b, whole, minus(t, width + 1, n)));
        *carry = bit_of(t, r, width);
        return r;
}

/* Of 64 bits, where the 65th has no place. The results for a count of 0 are not used. */
static ir_ref rotate_carry64(struct x86_tctx *t, const struct x86_insn *i, ir_ref v, ir_ref n, ir_ref *carry)
{
        ir_ref one = x86_c64(t, 1), c = x86_carry(t), back = minus(t, 64, n), r;

        if (i->id == X86_RCL) {
                r = ir_or(t->b, ir_shl(t->b, v, n), ir_shl(t->b, c, ir_sub(t->b, n, one)));
                r = ir_or(t->b, r, ir_shru(t->b, ir_shru(t->b, v, one), back));
                *carry = ir_and(t->b, ir_shru(t->b, v, back), one);
        } else {
                r = ir_or(t->b, ir_shru(t->b, v, n), ir_shl(t->b, c, back));
                r = ir_or(t->b, r, ir_shl(t->b, ir_shl(t->b, v, one), back));
                *carry = ir_and(t->b, ir_shru(t->b, v, ir_sub(t->b, n, one)), one);
        }
        return r;
}

bool x86_tr_rotate_carry(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[0].size, width = 8 * size;
        struct count c = get_count(t, i, 1, size);
        ir_ref v = x86_zext64(t, x86_get_old(t, i, 0), size), r, carry, over, top;

        r = size == 8 ? rotate_carry64(t, i, v, c.n, &carry) : rotate_carry(t, i, v, c.n, &carry);
        top = bit_of(t, r, width - 1);
        over = ir_xor(t->b, top, i->id == X86_RCL ? carry : bit_of(t, r, width - 2));
        if (c.is_const && !c.value)
                r = v;
        else if (!c.is_const)
                r = ir_select(t->b, IR_NE, c.n, x86_c64(t, 0), r, v);
        x86_put(t, i, 0, x86_low(t, r, size));
        put_flags_counted(t, &c, x86_with(t, x86_with(t, x86_flags(t), IR_FLAG_C, carry), IR_FLAG_V, over));
        return true;
}

/*
 * SHLD and SHRD. Of 16 bits and counts over 16 the result is undefined; the operand's own bits follow the
 * second's then.
 */
bool x86_tr_shift_double(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[0].size, width = 8 * size;
        struct count c = get_count(t, i, 2, size);
        bool left = i->id == X86_SHLD;
        ir_ref a = x86_zext64(t, x86_get_old(t, i, 0), size), b = x86_zext64(t, x86_get(t, i, 1), size), r,
                carry, over, f;
        ir_ref last = ir_sub(t->b, c.n, x86_c64(t, 1)), zero = x86_c64(t, 0);

        if (size == 8) {
                ir_ref back = minus(t, 64, c.n);

                r = left ? ir_extr(t->b, a, b, back) : ir_extr(t->b, b, a, c.n);
                r = ir_select(t->b, IR_NE, c.n, zero, r, a);
        } else if (size == 4) {
                ir_ref word = left ? ir_insert(t->b, b, a, 32, 32) : ir_insert(t->b, a, b, 32, 32);

                r = left ? ir_shru(t->b, ir_shl(t->b, word, c.n), x86_c64(t, 32)) : ir_shru(t->b, word, c.n);
        } else {
                ir_ref word = ir_or(t->b, ir_insert(t->b, a, b, 16, 16), ir_shl(t->b, a, x86_c64(t, 32)));

                r = left ? ir_shru(t->b, ir_shl(t->b, word, c.n), x86_c64(t, 32)) : ir_shru(t->b, word, c.n);
        }
        if (left)
                carry = ir_and(t->b, ir_shru(t->b, a, minus(t, width, c.n)), x86_c64(t, 1));
        else
                carry = ir_and(t->b, ir_shru(t->b, a, last), x86_c64(t, 1));
        over = ir_xor(t->b, bit_of(t, r, width - 1), bit_of(t, a, width - 1));
        f = x86_with(t, ir_fl_logic(t->b, width, x86_low(t, r, size)), IR_FLAG_C, carry);
        x86_put(t, i, 0, x86_low(t, r, size));
        put_flags_counted(t, &c, x86_with(t, f, IR_FLAG_V, over));
        return true;
}

/* RORX, SARX, SHLX, SHRX: no flags. */
bool x86_tr_shiftx(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref v = x86_get(t, i, 1), n = i->op[2].kind == X86_OP_IMM ? x86_const(t, i->op[0].size, i->imm[0])
                   : x86_get(t, i, 2), r;

        switch (i->id) {
        case X86_RORX: r = ir_rotr(t->b, v, n); break;
        case X86_SARX: r = ir_shrs(t->b, v, n); break;
        case X86_SHLX: r = ir_shl(t->b, v, n); break;
        default: r = ir_shru(t->b, v, n); break;
        }
        x86_put(t, i, 0, r);
        return true;
}
