/* SPDX-License-Identifier: MIT */
/*
 * Data processing with general registers (Arm ARM C6).
 */
#include "a64_translate.h"

#include "base/bits.h"
#include "frontend/arm/disas.h"
#include "frontend/arm/translate.h"

/* ---- addresses, constants ---- */

bool tr_adr(struct tctx *t, const struct args_ra *a)
{
        a64_put_x(t, a->rd, ir_pcaddr(t->b, (int64_t)t->pc + a->off));
        return true;
}

bool tr_adrp(struct tctx *t, const struct args_ra *a)
{
        a64_put_x(t, a->rd, ir_pcaddr(t->b, (int64_t)a->off * 4096));
        return true;
}

bool tr_movz(struct tctx *t, const struct args_movw *a)
{
        a64_put_x(t, a->rd, a64_const64(t, (int64_t)((uint64_t)a->imm << 16 * a->hw)));
        return true;
}

bool tr_movn(struct tctx *t, const struct args_movw *a)
{
        uint64_t v = ~((uint64_t)a->imm << 16 * a->hw);

        a64_put_x(t, a->rd, a64_const64(t, a->sf ? v : (uint32_t)v));
        return true;
}

bool tr_movk(struct tctx *t, const struct args_movw *a)
{
        ir_ref x = a64_get(t, a->sf, a->rd);

        a64_put(t, a->sf, a->rd, ir_insert(t->b, x, a64_const(t, a->sf, a->imm), 16 * a->hw, 16));
        return true;
}

/* ---- sums and their flags; the result first, then the flags of the same operands ---- */

static unsigned fl_aux(bool sf, bool add)
{
        return (sf ? 64 : 32) | (add ? IR_FL_NOT_C : 0);
}

static void add_flags(struct tctx *t, bool sf, unsigned rd, ir_ref x, ir_ref y)
{
        ir_ref sum = ir_add(t->b, x, y);

        a64_put_flags(t, ir_fl_add(t->b, fl_aux(sf, true), x, y));
        a64_put(t, sf, rd, sum);
}

static void sub_flags(struct tctx *t, bool sf, unsigned rd, ir_ref x, ir_ref y)
{
        ir_ref difference = ir_sub(t->b, x, y);

        a64_put_flags(t, ir_fl_sub(t->b, fl_aux(sf, false), x, y));
        a64_put(t, sf, rd, difference);
}

static ir_ref imm12(struct tctx *t, const struct args_ri12 *a)
{
        return a64_const(t, a->sf, (int64_t)a->imm << (a->sh ? 12 : 0));
}

/* SP plus or minus a multiple of 16 stays as aligned as it was. */
static bool sp_stays_aligned(const struct tctx *t, const struct args_ri12 *a)
{
        return a->rd == 31 && a->rn == 31 && a->sf && t->sp_aligned && (a->sh || !(a->imm & 15));
}

static bool add_sub_imm(struct tctx *t, const struct args_ri12 *a, enum ir_op op)
{
        bool aligned = sp_stays_aligned(t, a);

        a64_put_sp(t, a->sf, a->rd, ir_binary(t->b, op, a64_get_sp(t, a->sf, a->rn), imm12(t, a)));
        if (a->rd == 31)
                t->sp_aligned = aligned;
        return true;
}

bool tr_add_imm(struct tctx *t, const struct args_ri12 *a) { return add_sub_imm(t, a, IR_OP_add); }
bool tr_sub_imm(struct tctx *t, const struct args_ri12 *a) { return add_sub_imm(t, a, IR_OP_sub); }

bool tr_adds_imm(struct tctx *t, const struct args_ri12 *a)
{
        add_flags(t, a->sf, a->rd, a64_get_sp(t, a->sf, a->rn), imm12(t, a));
        return true;
}

bool tr_subs_imm(struct tctx *t, const struct args_ri12 *a)
{
        sub_flags(t, a->sf, a->rd, a64_get_sp(t, a->sf, a->rn), imm12(t, a));
        return true;
}

static ir_ref shifted(struct tctx *t, const struct args_rrs *a)
{
        static const enum ir_op ops[4] = {IR_OP_shl, IR_OP_shru, IR_OP_shrs, IR_OP_rotr};
        ir_ref v = a64_get(t, a->sf, a->rm);

        return a->amount ? ir_binary(t->b, ops[a->shift & 3], v, a64_const(t, a->sf, a->amount)) : v;
}

bool tr_add_sh(struct tctx *t, const struct args_rrs *a)
{
        a64_put(t, a->sf, a->rd, ir_add(t->b, a64_get(t, a->sf, a->rn), shifted(t, a)));
        return true;
}

bool tr_sub_sh(struct tctx *t, const struct args_rrs *a)
{
        a64_put(t, a->sf, a->rd, ir_sub(t->b, a64_get(t, a->sf, a->rn), shifted(t, a)));
        return true;
}

bool tr_adds_sh(struct tctx *t, const struct args_rrs *a)
{
        add_flags(t, a->sf, a->rd, a64_get(t, a->sf, a->rn), shifted(t, a));
        return true;
}

bool tr_subs_sh(struct tctx *t, const struct args_rrs *a)
{
        sub_flags(t, a->sf, a->rd, a64_get(t, a->sf, a->rn), shifted(t, a));
        return true;
}

static ir_ref extended(struct tctx *t, const struct args_rrx *a)
{
        return a64_extend(t, a->sf, a->rm, a->option, a->amount);
}

bool tr_add_ext(struct tctx *t, const struct args_rrx *a)
{
        a64_put_sp(t, a->sf, a->rd, ir_add(t->b, a64_get_sp(t, a->sf, a->rn), extended(t, a)));
        return true;
}

bool tr_sub_ext(struct tctx *t, const struct args_rrx *a)
{
        a64_put_sp(t, a->sf, a->rd, ir_sub(t->b, a64_get_sp(t, a->sf, a->rn), extended(t, a)));
        return true;
}

bool tr_adds_ext(struct tctx *t, const struct args_rrx *a)
{
        add_flags(t, a->sf, a->rd, a64_get_sp(t, a->sf, a->rn), extended(t, a));
        return true;
}

bool tr_subs_ext(struct tctx *t, const struct args_rrx *a)
{
        sub_flags(t, a->sf, a->rd, a64_get_sp(t, a->sf, a->rn), extended(t, a));
        return true;
}

/* The word's C is a borrow: what SBC takes away, and the negation of what ADC adds. */
static bool with_carry(struct tctx *t, const struct args_rr *a, bool add, bool flags)
{
        ir_ref f = a64_get_flags(t), x = a64_get(t, a->sf, a->rn), y = a64_get(t, a->sf, a->rm), r;

        if (add) {
                ir_ref c = a64_carry(t, f);

                r = ir_adc(t->b, x, y, c);
                if (flags)
                        a64_put_flags(t, ir_fl_adc(t->b, fl_aux(a->sf, true), x, y, c));
        } else {
                ir_ref borrow = ir_fl_test(t->b, IR_FL_C, f);

                r = ir_sbc(t->b, x, y, borrow);
                if (flags)
                        a64_put_flags(t, ir_fl_sbc(t->b, fl_aux(a->sf, false), x, y, borrow));
        }
        a64_put(t, a->sf, a->rd, r);
        return true;
}

bool tr_adc(struct tctx *t, const struct args_rr *a) { return with_carry(t, a, true, false); }
bool tr_adcs(struct tctx *t, const struct args_rr *a) { return with_carry(t, a, true, true); }
bool tr_sbc(struct tctx *t, const struct args_rr *a) { return with_carry(t, a, false, false); }
bool tr_sbcs(struct tctx *t, const struct args_rr *a) { return with_carry(t, a, false, true); }

/* ---- logic ---- */

static ir_ref logical(struct tctx *t, const struct args_log *a)
{
        uint64_t v = a64_logical_imm(a->mask);

        return a64_const(t, a->sf, a->sf ? (int64_t)v : (int32_t)v);
}

static void put_logic_flags(struct tctx *t, bool sf, unsigned rd, ir_ref r)
{
        a64_put_flags(t, ir_fl_logic(t->b, fl_aux(sf, true), r));
        a64_put(t, sf, rd, r);
}

bool tr_and_imm(struct tctx *t, const struct args_log *a)
{
        a64_put_sp(t, a->sf, a->rd, ir_and(t->b, a64_get(t, a->sf, a->rn), logical(t, a)));
        return true;
}

bool tr_orr_imm(struct tctx *t, const struct args_log *a)
{
        a64_put_sp(t, a->sf, a->rd, ir_or(t->b, a64_get(t, a->sf, a->rn), logical(t, a)));
        return true;
}

bool tr_eor_imm(struct tctx *t, const struct args_log *a)
{
        a64_put_sp(t, a->sf, a->rd, ir_xor(t->b, a64_get(t, a->sf, a->rn), logical(t, a)));
        return true;
}

bool tr_ands_imm(struct tctx *t, const struct args_log *a)
{
        put_logic_flags(t, a->sf, a->rd, ir_and(t->b, a64_get(t, a->sf, a->rn), logical(t, a)));
        return true;
}

static bool logic_sh(struct tctx *t, const struct args_rrs *a, enum ir_op op)
{
        a64_put(t, a->sf, a->rd, ir_binary(t->b, op, a64_get(t, a->sf, a->rn), shifted(t, a)));
        return true;
}

bool tr_and_sh(struct tctx *t, const struct args_rrs *a) { return logic_sh(t, a, IR_OP_and); }
bool tr_bic_sh(struct tctx *t, const struct args_rrs *a) { return logic_sh(t, a, IR_OP_andc); }
bool tr_orr_sh(struct tctx *t, const struct args_rrs *a) { return logic_sh(t, a, IR_OP_or); }
bool tr_orn_sh(struct tctx *t, const struct args_rrs *a) { return logic_sh(t, a, IR_OP_orc); }
bool tr_eor_sh(struct tctx *t, const struct args_rrs *a) { return logic_sh(t, a, IR_OP_xor); }

bool tr_eon_sh(struct tctx *t, const struct args_rrs *a)
{
        a64_put(t, a->sf, a->rd, ir_not(t->b, ir_xor(t->b, a64_get(t, a->sf, a->rn), shifted(t, a))));
        return true;
}

bool tr_ands_sh(struct tctx *t, const struct args_rrs *a)
{
        put_logic_flags(t, a->sf, a->rd, ir_and(t->b, a64_get(t, a->sf, a->rn), shifted(t, a)));
        return true;
}

bool tr_bics_sh(struct tctx *t, const struct args_rrs *a)
{
        put_logic_flags(t, a->sf, a->rd, ir_andc(t->b, a64_get(t, a->sf, a->rn), shifted(t, a)));
        return true;
}

/* ---- bitfields ---- */

/*
 * imms >= immr: the field from immr to imms goes to bit 0; else the lowest imms + 1 bits go to bit W - immr.
 */
static bool bitfield(struct tctx *t, const struct args_bf *a, bool sign)
{
        unsigned w = a->sf ? 64 : 32, at = w - a->immr;
        ir_ref x = a64_get(t, a->sf, a->rn);

        if (a->imms >= a->immr) {
                unsigned len = a->imms - a->immr + 1;

                if (a->imms == w - 1)
                        x = ir_binary(t->b, sign ? IR_OP_shrs : IR_OP_shru, x, a64_const(t, a->sf, a->immr));
                else
                        x = sign ? ir_exts(t->b, x, a->immr, len) : ir_extu(t->b, x, a->immr, len);
        } else {
                if (a->imms + 1 + at < w)
                        x = sign ? ir_exts(t->b, x, 0, a->imms + 1) : ir_extu(t->b, x, 0, a->imms + 1);
                x = ir_shl(t->b, x, a64_const(t, a->sf, at));
        }
        a64_put(t, a->sf, a->rd, x);
        return true;
}

bool tr_sbfm(struct tctx *t, const struct args_bf *a) { return bitfield(t, a, true); }
bool tr_ubfm(struct tctx *t, const struct args_bf *a) { return bitfield(t, a, false); }

bool tr_bfm(struct tctx *t, const struct args_bf *a)
{
        unsigned w = a->sf ? 64 : 32;
        ir_ref x = a64_get(t, a->sf, a->rn), d = a64_get(t, a->sf, a->rd);

        if (a->imms >= a->immr) {
                if (a->immr)
                        x = ir_shru(t->b, x, a64_const(t, a->sf, a->immr));
                d = ir_insert(t->b, d, x, 0, a->imms - a->immr + 1);
        } else {
                d = ir_insert(t->b, d, x, w - a->immr, a->imms + 1);
        }
        a64_put(t, a->sf, a->rd, d);
        return true;
}

bool tr_extr(struct tctx *t, const struct args_extr *a)
{
        a64_put(t, a->sf, a->rd, ir_extr(t->b, a64_get(t, a->sf, a->rn), a64_get(t, a->sf, a->rm),
                                         a64_const(t, a->sf, a->imms)));
        return true;
}

/* ---- conditional compare and select ---- */

static void cond_compare(struct tctx *t, unsigned cond, unsigned nzcv, ir_ref compared)
{
        enum ir_flcond c;

        if (a64_condition(cond, &c))
                compared = ir_select(t->b, IR_NE, ir_fl_test(t->b, c, a64_get_flags(t)), a64_const64(t, 0),
                                     compared,
                                     a64_flags_const(t, nzcv));
        a64_put_flags(t, compared);
}

bool tr_ccmn(struct tctx *t, const struct args_ccmp *a)
{
        cond_compare(t, a->cond, a->nzcv, ir_fl_add(t->b, fl_aux(a->sf, true), a64_get(t, a->sf, a->rn),
                                                    a64_get(t, a->sf, a->rm)));
        return true;
}

bool tr_ccmp(struct tctx *t, const struct args_ccmp *a)
{
        cond_compare(t, a->cond, a->nzcv, ir_fl_sub(t->b, fl_aux(a->sf, false), a64_get(t, a->sf, a->rn),
                                                    a64_get(t, a->sf, a->rm)));
        return true;
}

bool tr_ccmn_imm(struct tctx *t, const struct args_ccmpi *a)
{
        cond_compare(t, a->cond, a->nzcv, ir_fl_add(t->b, fl_aux(a->sf, true), a64_get(t, a->sf, a->rn),
                                                    a64_const(t, a->sf, a->imm)));
        return true;
}

bool tr_ccmp_imm(struct tctx *t, const struct args_ccmpi *a)
{
        cond_compare(t, a->cond, a->nzcv, ir_fl_sub(t->b, fl_aux(a->sf, false), a64_get(t, a->sf, a->rn),
                                                    a64_const(t, a->sf, a->imm)));
        return true;
}

static bool cond_select(struct tctx *t, const struct args_csel *a, ir_ref otherwise)
{
        enum ir_flcond c;
        ir_ref x = a64_get(t, a->sf, a->rn);

        if (a64_condition(a->cond, &c))
                x = ir_select(t->b, IR_NE, ir_fl_test(t->b, c, a64_get_flags(t)), a64_const64(t, 0), x,
                              otherwise);
        a64_put(t, a->sf, a->rd, x);
        return true;
}

bool tr_csel(struct tctx *t, const struct args_csel *a)
{
        return cond_select(t, a, a64_get(t, a->sf, a->rm));
}

/* CSET and CSETM need no select. */
static bool is_cset(struct tctx *t, const struct args_csel *a, enum ir_flcond *c)
{
        return a->rn == 31 && a->rm == 31 && a64_condition(a->cond, c);
}

bool tr_csinc(struct tctx *t, const struct args_csel *a)
{
        enum ir_flcond c;

        if (is_cset(t, a, &c)) {
                a64_put_x(t, a->rd, ir_fl_test(t->b, (enum ir_flcond)(c ^ 1), a64_get_flags(t)));
                return true;
        }
        return cond_select(t, a, ir_add(t->b, a64_get(t, a->sf, a->rm), a64_const(t, a->sf, 1)));
}

bool tr_csinv(struct tctx *t, const struct args_csel *a)
{
        return cond_select(t, a, ir_not(t->b, a64_get(t, a->sf, a->rm)));
}

bool tr_csneg(struct tctx *t, const struct args_csel *a)
{
        return cond_select(t, a, ir_neg(t->b, a64_get(t, a->sf, a->rm)));
}

/* ---- multiply, divide ---- */

bool tr_madd(struct tctx *t, const struct args_rrr *a)
{
        ir_ref p = ir_mul(t->b, a64_get(t, a->sf, a->rn), a64_get(t, a->sf, a->rm));

        a64_put(t, a->sf, a->rd, ir_add(t->b, a64_get(t, a->sf, a->ra), p));
        return true;
}

bool tr_msub(struct tctx *t, const struct args_rrr *a)
{
        ir_ref p = ir_mul(t->b, a64_get(t, a->sf, a->rn), a64_get(t, a->sf, a->rm));

        a64_put(t, a->sf, a->rd, ir_sub(t->b, a64_get(t, a->sf, a->ra), p));
        return true;
}

static ir_ref widened(struct tctx *t, unsigned reg, bool sign)
{
        ir_ref w = a64_get(t, false, reg);

        return sign ? ir_sext32(t->b, w) : ir_zext32(t->b, w);
}

static bool mul_long(struct tctx *t, const struct args_mull *a, bool sign, enum ir_op op)
{
        ir_ref p = ir_mul(t->b, widened(t, a->rn, sign), widened(t, a->rm, sign));

        a64_put_x(t, a->rd, ir_binary(t->b, op, a64_get_x(t, a->ra), p));
        return true;
}

bool tr_smaddl(struct tctx *t, const struct args_mull *a) { return mul_long(t, a, true, IR_OP_add); }
bool tr_smsubl(struct tctx *t, const struct args_mull *a) { return mul_long(t, a, true, IR_OP_sub); }
bool tr_umaddl(struct tctx *t, const struct args_mull *a) { return mul_long(t, a, false, IR_OP_add); }
bool tr_umsubl(struct tctx *t, const struct args_mull *a) { return mul_long(t, a, false, IR_OP_sub); }

bool tr_smulh(struct tctx *t, const struct args_rr64 *a)
{
        a64_put_x(t, a->rd, ir_mulhs(t->b, a64_get_x(t, a->rn), a64_get_x(t, a->rm)));
        return true;
}

bool tr_umulh(struct tctx *t, const struct args_rr64 *a)
{
        a64_put_x(t, a->rd, ir_mulhu(t->b, a64_get_x(t, a->rn), a64_get_x(t, a->rm)));
        return true;
}

/* Division by zero gives 0 here, all ones in the IR; the one overflow gives the dividend in both. */
static bool divide(struct tctx *t, const struct args_rr *a, enum ir_op op)
{
        ir_ref x = a64_get(t, a->sf, a->rn), y = a64_get(t, a->sf, a->rm), zero = a64_const(t, a->sf, 0);

        a64_put(t, a->sf, a->rd, ir_select(t->b, IR_EQ, y, zero, zero, ir_binary(t->b, op, x, y)));
        return true;
}

bool tr_udiv(struct tctx *t, const struct args_rr *a) { return divide(t, a, IR_OP_divu); }
bool tr_sdiv(struct tctx *t, const struct args_rr *a) { return divide(t, a, IR_OP_divs); }

/* ---- variable shifts: amounts modulo the width, as in the IR ---- */

static bool shift_reg(struct tctx *t, const struct args_rr *a, enum ir_op op)
{
        a64_put(t, a->sf, a->rd, ir_binary(t->b, op, a64_get(t, a->sf, a->rn), a64_get(t, a->sf, a->rm)));
        return true;
}

bool tr_lslv(struct tctx *t, const struct args_rr *a) { return shift_reg(t, a, IR_OP_shl); }
bool tr_lsrv(struct tctx *t, const struct args_rr *a) { return shift_reg(t, a, IR_OP_shru); }
bool tr_asrv(struct tctx *t, const struct args_rr *a) { return shift_reg(t, a, IR_OP_shrs); }
bool tr_rorv(struct tctx *t, const struct args_rr *a) { return shift_reg(t, a, IR_OP_rotr); }

/* ---- one source ---- */

/* Bits within bytes are swapped by three exchanges of neighbours, bytes by bswap. */
bool tr_rbit(struct tctx *t, const struct args_r1 *a)
{
        static const uint64_t masks[3] = {0x5555555555555555, 0x3333333333333333, 0x0f0f0f0f0f0f0f0f};
        ir_ref x = a64_get(t, a->sf, a->rn);

        for (unsigned k = 0; k < 3; k++) {
                ir_ref m = a64_const(t, a->sf, a->sf ? (int64_t)masks[k] : (int32_t)masks[k]);
                ir_ref n = a64_const(t, a->sf, 1 << k);

                x = ir_or(t->b, ir_and(t->b, ir_shru(t->b, x, n), m), ir_shl(t->b, ir_and(t->b, x, m), n));
        }
        a64_put(t, a->sf, a->rd, ir_bswap(t->b, x));
        return true;
}

bool tr_rev16(struct tctx *t, const struct args_r1 *a)
{
        uint64_t mask = 0x00ff00ff00ff00ff;
        ir_ref x = a64_get(t, a->sf, a->rn), m = a64_const(t, a->sf, a->sf ? (int64_t)mask : (int32_t)mask);
        ir_ref eight = a64_const(t, a->sf, 8);

        a64_put(t, a->sf, a->rd, ir_or(t->b, ir_and(t->b, ir_shru(t->b, x, eight), m),
                                       ir_shl(t->b, ir_and(t->b, x, m), eight)));
        return true;
}

bool tr_rev_w(struct tctx *t, const struct args_r1x *a)
{
        a64_put(t, false, a->rd, ir_bswap(t->b, a64_get(t, false, a->rn)));
        return true;
}

bool tr_rev_x(struct tctx *t, const struct args_r1x *a)
{
        a64_put_x(t, a->rd, ir_bswap(t->b, a64_get_x(t, a->rn)));
        return true;
}

bool tr_rev32(struct tctx *t, const struct args_r1x *a)
{
        a64_put_x(t, a->rd, ir_rotl(t->b, ir_bswap(t->b, a64_get_x(t, a->rn)), a64_const64(t, 32)));
        return true;
}

bool tr_clz(struct tctx *t, const struct args_r1 *a)
{
        a64_put(t, a->sf, a->rd, ir_clz(t->b, a64_get(t, a->sf, a->rn)));
        return true;
}

/*
 * Leading bits that equal the sign, which is not counted: zeros of x ^ (x >> 1), less the one that is always
 * there.
 */
bool tr_cls(struct tctx *t, const struct args_r1 *a)
{
        ir_ref x = a64_get(t, a->sf, a->rn);

        x = ir_xor(t->b, x, ir_shrs(t->b, x, a64_const(t, a->sf, 1)));
        a64_put(t, a->sf, a->rd, ir_sub(t->b, ir_clz(t->b, x), a64_const(t, a->sf, 1)));
        return true;
}

/* ---- CRC ---- */

static bool crc(struct tctx *t, const struct args_rr64 *a, const struct ir_helper *h, unsigned size_log2)
{
        ir_ref acc = ir_zext32(t->b, a64_get(t, false, a->rn)), v = a64_get_x(t, a->rm);

        a64_put_x(t, a->rd, ir_call(t->b, h, acc, v, a64_const64(t, size_log2), 0));
        return true;
}

bool tr_crc32b(struct tctx *t, const struct args_rr64 *a) { return crc(t, a, &a64_helper_crc32, 0); }
bool tr_crc32h(struct tctx *t, const struct args_rr64 *a) { return crc(t, a, &a64_helper_crc32, 1); }
bool tr_crc32w(struct tctx *t, const struct args_rr64 *a) { return crc(t, a, &a64_helper_crc32, 2); }
bool tr_crc32x(struct tctx *t, const struct args_rr64 *a) { return crc(t, a, &a64_helper_crc32, 3); }
bool tr_crc32cb(struct tctx *t, const struct args_rr64 *a) { return crc(t, a, &a64_helper_crc32c, 0); }
bool tr_crc32ch(struct tctx *t, const struct args_rr64 *a) { return crc(t, a, &a64_helper_crc32c, 1); }
bool tr_crc32cw(struct tctx *t, const struct args_rr64 *a) { return crc(t, a, &a64_helper_crc32c, 2); }
bool tr_crc32cx(struct tctx *t, const struct args_rr64 *a) { return crc(t, a, &a64_helper_crc32c, 3); }

/* ---- flags ---- */

static ir_ref bit_of(struct tctx *t, ir_ref x, unsigned n)
{
        return ir_extu(t->b, x, n, 1);
}

static ir_ref inverted(struct tctx *t, ir_ref bit)
{
        return ir_xor(t->b, bit, a64_const64(t, 1));
}

/* Bits 3 to 0 of the rotated register are N, Z, C and V. */
bool tr_rmif(struct tctx *t, const struct args_rmif *a)
{
        ir_ref x = ir_rotr(t->b, a64_get_x(t, a->rn), a64_const64(t, a->rot)), f = a64_get_flags(t);

        if (a->nzcv & 8)
                f = ir_fl_with(t->b, f, IR_FLAG_N, bit_of(t, x, 3));
        if (a->nzcv & 4)
                f = ir_fl_with(t->b, f, IR_FLAG_Z, bit_of(t, x, 2));
        if (a->nzcv & 2)
                f = ir_fl_with(t->b, f, IR_FLAG_C, inverted(t, bit_of(t, x, 1)));
        if (a->nzcv & 1)
                f = ir_fl_with(t->b, f, IR_FLAG_V, bit_of(t, x, 0));
        a64_put_flags(t, f);
        return true;
}

static bool setf(struct tctx *t, unsigned rn, unsigned width)
{
        ir_ref x = a64_get_x(t, rn), f = a64_get_flags(t), top = bit_of(t, x, width - 1);

        f = ir_fl_with(t->b, f, IR_FLAG_N, top);
        f = ir_fl_with(t->b, f, IR_FLAG_Z, ir_setcc(t->b, IR_EQ, ir_extu(t->b, x, 0, width),
                                                    a64_const64(t, 0)));
        f = ir_fl_with(t->b, f, IR_FLAG_V, ir_xor(t->b, top, bit_of(t, x, width)));
        a64_put_flags(t, f);
        return true;
}

bool tr_setf8(struct tctx *t, const struct args_r *a) { return setf(t, a->rn, 8); }
bool tr_setf16(struct tctx *t, const struct args_r *a) { return setf(t, a->rn, 16); }

bool tr_cfinv(struct tctx *t)
{
        ir_ref f = a64_get_flags(t);

        a64_put_flags(t, ir_fl_with(t->b, f, IR_FLAG_C, ir_fl_test(t->b, IR_FL_NC, f)));
        return true;
}

/* XAFLAG, in terms of PSTATE: N = !C & !Z, Z = Z & C, C = C | Z, V = !C & Z. */
bool tr_xaflag(struct tctx *t)
{
        ir_ref f = a64_get_flags(t), c = ir_fl_test(t->b, IR_FL_NC, f), z = ir_fl_test(t->b, IR_FL_Z, f);
        ir_ref not_c = inverted(t, c), g = ir_fl_const(t->b, 0);

        g = ir_fl_with(t->b, g, IR_FLAG_N, ir_and(t->b, not_c, inverted(t, z)));
        g = ir_fl_with(t->b, g, IR_FLAG_Z, ir_and(t->b, z, c));
        g = ir_fl_with(t->b, g, IR_FLAG_C, inverted(t, ir_or(t->b, c, z)));
        g = ir_fl_with(t->b, g, IR_FLAG_V, ir_and(t->b, not_c, z));
        a64_put_flags(t, g);
        return true;
}

/* AXFLAG: Z = Z | V, C = C & !V, N = V = 0. */
bool tr_axflag(struct tctx *t)
{
        ir_ref f = a64_get_flags(t), c = ir_fl_test(t->b, IR_FL_NC, f), z = ir_fl_test(t->b, IR_FL_Z, f);
        ir_ref v = ir_fl_test(t->b, IR_FL_V, f), g = ir_fl_const(t->b, 0);

        g = ir_fl_with(t->b, g, IR_FLAG_Z, ir_or(t->b, z, v));
        g = ir_fl_with(t->b, g, IR_FLAG_C, inverted(t, ir_and(t->b, c, inverted(t, v))));
        a64_put_flags(t, g);
        return true;
}

/* ---- CSSC ---- */

static ir_ref pick_by(struct tctx *t, enum ir_cond c, ir_ref x, ir_ref y)
{
        return ir_select(t->b, c, x, y, x, y);
}

#define MINMAX(name, cond) \
        bool tr_##name##_imm(struct tctx *t, const struct args_ri *a) \
        { \
                a64_put(t, a->sf, a->rd, \
                        pick_by(t, cond, a64_get(t, a->sf, a->rn), a64_const(t, a->sf, a->imm))); \
                return true; \
        } \
        bool tr_##name##_reg(struct tctx *t, const struct args_rr *a) \
        { \
                a64_put(t, a->sf, a->rd, \
                        pick_by(t, cond, a64_get(t, a->sf, a->rn), a64_get(t, a->sf, a->rm))); \
                return true; \
        }
MINMAX(smax, IR_GTS)
MINMAX(smin, IR_LTS)
MINMAX(umax, IR_GTU)
MINMAX(umin, IR_LTU)

bool tr_ctz(struct tctx *t, const struct args_r1 *a)
{
        a64_put(t, a->sf, a->rd, ir_ctz(t->b, a64_get(t, a->sf, a->rn)));
        return true;
}

bool tr_cnt(struct tctx *t, const struct args_r1 *a)
{
        a64_put(t, a->sf, a->rd, ir_popcnt(t->b, a64_get(t, a->sf, a->rn)));
        return true;
}

bool tr_abs(struct tctx *t, const struct args_r1 *a)
{
        ir_ref x = a64_get(t, a->sf, a->rn), zero = a64_const(t, a->sf, 0);

        a64_put(t, a->sf, a->rd, ir_select(t->b, IR_LTS, x, zero, ir_neg(t->b, x), x));
        return true;
}
