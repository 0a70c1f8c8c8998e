/* SPDX-License-Identifier: MIT */
/*
 * Condition flags as values (ir/flags.h): N Z C V are where MRS leaves them, A is bit 8, the low byte is the
 * result's, whose parity is P. Subtractions leave the borrow in C, the host's flag inverted. Bit fields and sums with
 * carries are here too.
 */
#include "backend/aarch64/emit.h"

#include "ir/flags.h"

enum { BIT_N = 31, BIT_Z = 30, BIT_C = 29, BIT_V = 28, BIT_A = 8 };

static bool wide(const struct ir_ins *i)
{
        return i->type == IR_I64;
}

static void logic_imm(struct emit *e, enum a64_alu op, unsigned d, unsigned n, uint32_t v)
{
        uint32_t bits;

        if (a64_logic_imm_bits(false, v, &bits)) {
                a64_logic_imm(&e->a, op, false, d, n, bits);
                return;
        }
        a64_mov_imm(&e->a, SCRATCH2, v);
        a64_alu(&e->a, op, false, d, n, SCRATCH2);
}

static unsigned bit_of(enum ir_flag f)
{
        switch (f) {
        case IR_FLAG_N:
                return BIT_N;
        case IR_FLAG_Z:
                return BIT_Z;
        case IR_FLAG_C:
                return BIT_C;
        case IR_FLAG_V:
                return BIT_V;
        default:
                return BIT_A;
        }
}

/* ---- making flags ---- */

/* d = the host's flags, C inverted or not */
static void take_nzcv(struct emit *e, unsigned d, bool invert_c)
{
        a64_mrs(&e->a, d, A64_NZCV);
        if (invert_c)
                logic_imm(e, A64_EOR, d, d, 1u << BIT_C);
}

/*
 * A of a sum or difference @r of @n and @m: where bit 4 of it is not what it would be without a carry; and the byte
 * that P is of. Into @d; uses x17.
 */
static void add_pa(struct emit *e, unsigned d, unsigned r, unsigned n, unsigned m)
{
        a64_alu(&e->a, A64_EOR, false, SCRATCH2, n, m);
        a64_alu(&e->a, A64_EOR, false, SCRATCH2, SCRATCH2, r);
        a64_shift_imm(&e->a, SH_LSR, false, SCRATCH2, SCRATCH2, 4);
        a64_bfi(&e->a, false, d, SCRATCH2, BIT_A, 1);
        a64_bfxil(&e->a, false, d, r, 0, 8);
}

static unsigned operand(struct emit *e, ir_ref v)
{
        return ra_reg(&e->ra, v);
}

/*
 * Sums and differences. Narrow ones are moved to the top of a word, where the host's flags are theirs. With a carry
 * that will not do: then they are reckoned from the word.
 */
static void emit_fl_sum(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool carry = i->op == IR_OP_fl_adc || i->op == IR_OP_fl_sbc;
        bool sub = i->op == IR_OP_fl_sub || i->op == IR_OP_fl_sbc;
        unsigned width = i->aux & IR_FL_WIDTH, top = width < 32 ? 32 - width : 0;
        bool w = width == 64, invert = sub != !!(i->aux & IR_FL_NOT_C);
        unsigned n = operand(e, i->arg[0]), m = operand(e, i->arg[1]), c = carry ? operand(e, i->arg[2]) : XZR;

        ra_operands_done(&e->ra);
        ra_set used = RA_BIT(n) | RA_BIT(m) | (carry ? RA_BIT(c) : 0);
        unsigned d = ra_def(&e->ra, at, RA_NONE, used), r = ra_temp(&e->ra, false, RA_NONE, used | RA_BIT(d));

        if (carry && top) {
                /* r = n op m op c of the low bits; its bit @width is the carry or borrow */
                uint32_t mask = (1u << width) - 1;

                logic_imm(e, A64_AND, SCRATCH, n, mask);
                logic_imm(e, A64_AND, r, m, mask);
                a64_alu(&e->a, sub ? A64_SUB : A64_ADD, false, r, SCRATCH, r);
                a64_alu(&e->a, sub ? A64_SUB : A64_ADD, false, r, r, c);
                a64_shift_imm(&e->a, SH_LSL, false, SCRATCH, r, top);
                a64_alu(&e->a, A64_ANDS, false, XZR, SCRATCH, SCRATCH);
                a64_mrs(&e->a, d, A64_NZCV);
                a64_ubfx(&e->a, false, SCRATCH, r, width, 1);
                if (i->aux & IR_FL_NOT_C)
                        logic_imm(e, A64_EOR, SCRATCH, SCRATCH, 1);
                a64_bfi(&e->a, false, d, SCRATCH, BIT_C, 1);
                /* V: both operands (of a difference: the first and the complement of the second) differ from r */
                a64_alu(&e->a, A64_EOR, false, SCRATCH, n, r);
                a64_alu(&e->a, sub ? A64_EON : A64_EOR, false, SCRATCH2, m, r);
                a64_alu(&e->a, A64_AND, false, SCRATCH, SCRATCH, SCRATCH2);
                a64_ubfx(&e->a, false, SCRATCH, SCRATCH, width - 1, 1);
                a64_bfi(&e->a, false, d, SCRATCH, BIT_V, 1);
        } else if (carry) {
                if (sub)
                        a64_cmp(&e->a, true, XZR, c);
                else
                        a64_arith_imm(&e->a, A64_SUBS, true, XZR, c, 1);
                a64_adc(&e->a, sub, true, w, r, n, m);
                take_nzcv(e, d, invert);
        } else if (top) {
                a64_shift_imm(&e->a, SH_LSL, false, SCRATCH, n, top);
                a64_alu_shift(&e->a, sub ? A64_SUBS : A64_ADDS, false, SCRATCH, SCRATCH, m, SH_LSL, top);
                a64_alu(&e->a, sub ? A64_SUB : A64_ADD, false, r, n, m);
                take_nzcv(e, d, invert);
        } else {
                a64_alu(&e->a, sub ? A64_SUBS : A64_ADDS, w, r, n, m);
                take_nzcv(e, d, invert);
        }
        add_pa(e, d, r, n, m);
        ra_def_done(&e->ra, at);
}

static void emit_fl_logic(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned width = i->aux & IR_FL_WIDTH, n = operand(e, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, RA_BIT(n));

        if (width < 32) {
                a64_shift_imm(&e->a, SH_LSL, false, SCRATCH, n, 32 - width);
                a64_alu(&e->a, A64_ANDS, false, XZR, SCRATCH, SCRATCH);
        } else {
                a64_alu(&e->a, A64_ANDS, width == 64, XZR, n, n);
        }
        take_nzcv(e, d, i->aux & IR_FL_NOT_C);
        a64_bfxil(&e->a, false, d, n, 0, 8);
        ra_def_done(&e->ra, at);
}

static void emit_fl_with(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned mask = i->aux & IR_FLAG_ALL, f = operand(e, i->arg[0]), b = operand(e, i->arg[1]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, RA_BIT(b));

        if (d != f)
                a64_mov(&e->a, false, d, f);
        for (unsigned k = IR_FLAG_N; k <= IR_FLAG_A; k <<= 1)
                if (mask & k && k != IR_FLAG_P)
                        a64_bfi(&e->a, false, d, b, bit_of((enum ir_flag)k), 1);
        if (mask & IR_FLAG_P) {
                logic_imm(e, A64_EOR, SCRATCH, b, 1);
                a64_bfi(&e->a, false, d, SCRATCH, 0, 8);
        }
        ra_def_done(&e->ra, at);
}

static void emit_fl_merge(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        uint32_t bits = ir_flags_bits(i->aux & IR_FLAG_ALL);
        unsigned f = operand(e, i->arg[0]), g = operand(e, i->arg[1]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        a64_mov_imm(&e->a, SCRATCH, bits);
        a64_alu(&e->a, A64_AND, false, SCRATCH2, f, SCRATCH);
        a64_alu(&e->a, A64_BIC, false, SCRATCH, g, SCRATCH);
        a64_alu(&e->a, A64_ORR, false, d, SCRATCH, SCRATCH2);
        ra_def_done(&e->ra, at);
}

/* Floats: what the host's comparison leaves is the form by sign with C inverted. */
static void emit_fl_fcmp(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool f64 = e->r->ins[i->arg[0]].type == IR_F64;
        unsigned x = a64_num(operand(e, i->arg[0])), y = a64_num(operand(e, i->arg[1]));

        a64_fcmp(&e->a, i->aux & IR_FL_SIGNALS, f64, x, y);
        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        if (i->aux & IR_FL_BY_CARRY) {
                a64_cset(&e->a, CC_LT, SCRATCH); /* less or unordered */
                a64_cset(&e->a, CC_EQ, SCRATCH2);
                a64_csel(&e->a, A64_CSINC, CC_VC, true, SCRATCH2, SCRATCH2, XZR);
                a64_cset(&e->a, CC_VC, d);       /* a byte of odd parity, or 0 if unordered */
                a64_bfi(&e->a, false, d, SCRATCH, BIT_C, 1);
                a64_bfi(&e->a, false, d, SCRATCH2, BIT_Z, 1);
        } else {
                take_nzcv(e, d, true);
                logic_imm(e, A64_ORR, d, d, 1); /* odd parity: P is clear */
        }
        ra_def_done(&e->ra, at);
}

/* ---- reading flags ---- */

/* d = parity of the low byte of f: 1 if it is even */
static void parity(struct emit *e, unsigned d, unsigned f)
{
        a64_alu_shift(&e->a, A64_EOR, false, SCRATCH, f, f, SH_LSR, 4);
        a64_alu_shift(&e->a, A64_EOR, false, SCRATCH, SCRATCH, SCRATCH, SH_LSR, 2);
        a64_alu_shift(&e->a, A64_EON, false, SCRATCH, SCRATCH, SCRATCH, SH_LSR, 1);
        logic_imm(e, A64_AND, d, SCRATCH, 1);
}

static void emit_fl_test(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const uint8_t bits[] = {[IR_FL_Z] = BIT_Z, [IR_FL_C] = BIT_C, [IR_FL_N] = BIT_N, [IR_FL_V] = BIT_V,
                                       [IR_FL_A] = BIT_A};
        enum ir_flcond cond = (enum ir_flcond)(i->cond & ~1u);
        unsigned f = operand(e, i->arg[0]);
        bool negated = i->cond & 1;

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);
        enum a64_cc cc = CC_LE;

        switch (cond) {
        case IR_FL_P:
                parity(e, d, f);
                if (negated)
                        logic_imm(e, A64_EOR, d, d, 1);
                break;
        case IR_FL_LEU:
                logic_imm(e, A64_EOR, SCRATCH, f, 1u << BIT_C);
                a64_msr(&e->a, A64_NZCV, SCRATCH);
                a64_cset(&e->a, (enum a64_cc)(CC_LS ^ negated), d);
                break;
        case IR_FL_LTS:
                cc = CC_LT;
                /* fall through */
        case IR_FL_LES:
                a64_msr(&e->a, A64_NZCV, f);
                a64_cset(&e->a, (enum a64_cc)(cc ^ negated), d);
                break;
        default:
                a64_ubfx(&e->a, false, d, f, bits[cond], 1);
                if (negated)
                        logic_imm(e, A64_EOR, d, d, 1);
                break;
        }
        ra_def_done(&e->ra, at);
}

static void emit_copy(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        if (!e->ra.val[at].hint && ra_alias(&e->ra, at, i->arg[0]))
                return;
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        emit_opnd_to(e, d, &a, false);
        ra_def_done(&e->ra, at);
}

/* ---- fields, and sums with carries ---- */

static void emit_ext(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned pos = ir_field_pos(i->aux), len = ir_field_len(i->aux), n = operand(e, i->arg[0]);

        ra_operands_done(&e->ra);
        a64_bitfield(&e->a, i->op == IR_OP_exts ? A64_SBFM : A64_UBFM, wide(i), ra_def(&e->ra, at, RA_NONE, 0), n, pos,
                     pos + len - 1);
        ra_def_done(&e->ra, at);
}

static void emit_insert(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned n = operand(e, i->arg[0]), m = operand(e, i->arg[1]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, n, n == m ? 0 : RA_BIT(m));

        if (d != n)
                a64_mov(&e->a, wide(i), d, n);
        a64_bfi(&e->a, wide(i), d, m, ir_field_pos(i->aux), ir_field_len(i->aux));
        ra_def_done(&e->ra, at);
}

static void emit_extr(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i);
        unsigned top = w ? 63 : 31, hi = operand(e, i->arg[0]), lo = operand(e, i->arg[1]), n = XZR;
        uint64_t k;
        bool known = ra_is_const(&e->ra, i->arg[2], &k);

        if (!known)
                n = operand(e, i->arg[2]);
        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        if (known) {
                a64_extr(&e->a, w, d, hi, lo, k & top);
        } else {
                /* lo >> n | (hi << 1) << (W - 1 - n) */
                a64_shift(&e->a, SH_LSR, w, SCRATCH, lo, n);
                a64_alu(&e->a, A64_ORN, false, SCRATCH2, XZR, n);
                a64_shift_imm(&e->a, SH_LSL, w, d, hi, 1);
                a64_shift(&e->a, SH_LSL, w, d, d, SCRATCH2);
                a64_alu(&e->a, A64_ORR, w, d, d, SCRATCH);
        }
        ra_def_done(&e->ra, at);
}

static void emit_carry_sum(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i);
        enum a64_alu op = i->op == IR_OP_adc ? A64_ADD : A64_SUB;
        unsigned n = operand(e, i->arg[0]), m = operand(e, i->arg[1]), c = operand(e, i->arg[2]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        a64_alu(&e->a, op, w, SCRATCH, n, m);
        a64_alu(&e->a, op, w, d, SCRATCH, c);
        ra_def_done(&e->ra, at);
}

bool emit_flags(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        switch ((enum ir_op)i->op) {
        case IR_OP_extu:
        case IR_OP_exts:
                emit_ext(e, at, i);
                return true;
        case IR_OP_insert:
                emit_insert(e, at, i);
                return true;
        case IR_OP_extr:
                emit_extr(e, at, i);
                return true;
        case IR_OP_adc:
        case IR_OP_sbc:
                emit_carry_sum(e, at, i);
                return true;
        case IR_OP_fl_add:
        case IR_OP_fl_sub:
        case IR_OP_fl_adc:
        case IR_OP_fl_sbc:
                emit_fl_sum(e, at, i);
                return true;
        case IR_OP_fl_logic:
                emit_fl_logic(e, at, i);
                return true;
        case IR_OP_fl_with:
                emit_fl_with(e, at, i);
                return true;
        case IR_OP_fl_merge:
                emit_fl_merge(e, at, i);
                return true;
        case IR_OP_fl_word:
        case IR_OP_fl_from:
                emit_copy(e, at, i);
                return true;
        case IR_OP_fl_test:
                emit_fl_test(e, at, i);
                return true;
        case IR_OP_fl_fcmp:
                if (!emit_fp_native(e))
                        emit_slow_fp(e, at, i);
                else
                        emit_fl_fcmp(e, at, i);
                return true;
        default:
                return false;
        }
}
