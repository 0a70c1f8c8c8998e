/* SPDX-License-Identifier: MIT */
/*
 * AdvSIMD: lanes, permutes, tables, immediates and shifts by immediates (Arm ARM C7).
 */
#include "a64_translate.h"

#include "frontend/arm/disas.h"
#include "frontend/arm/tr_simd.h"

static ir_ref op2(struct tctx *t, enum ir_op op, unsigned size, ir_ref x, ir_ref y)
{
        return ir_vec2(t->b, op, (enum ir_lane)size, x, y);
}

static ir_ref imm(struct tctx *t, enum ir_op op, unsigned size, ir_ref x, unsigned n)
{
        return ir_vec_imm(t->b, op, (enum ir_lane)size, x, 0, n);
}

/* ---- lanes: imm5 holds the size as its lowest one, the lane above it ---- */

static enum ir_lane lane_size(unsigned imm5)
{
        return (enum ir_lane)__builtin_ctz(imm5);
}

static unsigned lane_index(unsigned imm5)
{
        return imm5 >> (lane_size(imm5) + 1);
}

bool tr_dup_elem(struct tctx *t, const struct args_dupe *a)
{
        a64_put_vq(t, a->q, a->vd, imm(t, IR_OP_vduplane, lane_size(a->imm5), a64_get_v(t, a->vn),
                                       lane_index(a->imm5)));
        return true;
}

bool tr_dup_scalar(struct tctx *t, const struct args_dups *a)
{
        enum ir_lane lane = lane_size(a->imm5);
        ir_ref v = imm(t, IR_OP_vduplane, lane, a64_get_v(t, a->vn), lane_index(a->imm5));

        a64_put_v(t, a->vd, simd_lowest(t, lane, v));
        return true;
}

bool tr_dup_gen(struct tctx *t, const struct args_dupg *a)
{
        a64_put_vq(t, a->q, a->vd, ir_vdup(t->b, lane_size(a->imm5), a64_get_x(t, a->rn)));
        return true;
}

static ir_ref pick(struct tctx *t, unsigned imm5, unsigned vn)
{
        return ir_vpick(t->b, IR_I64, lane_size(imm5), a64_get_v(t, vn), lane_index(imm5));
}

bool tr_umov(struct tctx *t, const struct args_umov *a)
{
        a64_put_x(t, a->rd, pick(t, a->imm5, a->vn));
        return true;
}

bool tr_smov(struct tctx *t, const struct args_smov *a)
{
        ir_ref v = ir_exts(t->b, pick(t, a->imm5, a->vn), 0, 8u << lane_size(a->imm5));

        a64_put_x(t, a->rd, a->q ? v : ir_extu(t->b, v, 0, 32));
        return true;
}

bool tr_ins_gen(struct tctx *t, const struct args_insg *a)
{
        a64_put_v(t, a->vd, ir_vput(t->b, lane_size(a->imm5), a64_get_v(t, a->vd), lane_index(a->imm5),
                                    a64_get_x(t, a->rn)));
        return true;
}

bool tr_ins_elem(struct tctx *t, const struct args_inse *a)
{
        enum ir_lane lane = lane_size(a->imm5);
        ir_ref x = ir_vpick(t->b, IR_I64, lane, a64_get_v(t, a->vn), a->imm4 >> lane);

        a64_put_v(t, a->vd, ir_vput(t->b, lane, a64_get_v(t, a->vd), lane_index(a->imm5), x));
        return true;
}

/* ---- permutes ---- */

bool tr_zip1(struct tctx *t, const struct args_q3 *a)
{
        a64_put_vq(t, a->q, a->vd, op2(t, IR_OP_vziplo, a->size, a64_get_v(t, a->vn), a64_get_v(t, a->vm)));
        return true;
}

/* Of lower halves the second half of the result is the upper one of their interleaving. */
bool tr_zip2(struct tctx *t, const struct args_q3 *a)
{
        ir_ref x = a64_get_v(t, a->vn), y = a64_get_v(t, a->vm);

        if (a->q)
                a64_put_v(t, a->vd, op2(t, IR_OP_vziphi, a->size, x, y));
        else
                a64_put_vq(t, false, a->vd, imm(t, IR_OP_vduplane, IR_X64,
                                                op2(t, IR_OP_vziplo, a->size, x, y), 1));
        return true;
}

static bool unzip(struct tctx *t, const struct args_q3 *a, bool odd)
{
        ir_ref v[2];

        simd_pairs(t, a->q, (enum ir_lane)a->size, a64_get_v(t, a->vn), a64_get_v(t, a->vm), &v[0], &v[1]);
        a64_put_vq(t, a->q, a->vd, v[odd]);
        return true;
}

bool tr_uzp1(struct tctx *t, const struct args_q3 *a) { return unzip(t, a, false); }
bool tr_uzp2(struct tctx *t, const struct args_q3 *a) { return unzip(t, a, true); }

static bool transpose(struct tctx *t, const struct args_q3 *a, enum ir_op op)
{
        a64_put_vq(t, a->q, a->vd, op2(t, op, a->size, a64_get_v(t, a->vn), a64_get_v(t, a->vm)));
        return true;
}

bool tr_trn1(struct tctx *t, const struct args_q3 *a) { return transpose(t, a, IR_OP_vtrne); }
bool tr_trn2(struct tctx *t, const struct args_q3 *a) { return transpose(t, a, IR_OP_vtrno); }

/*
 * An index below a table's start wraps to a large one, for which the look-up gives 0, as it does above its
 * end.
 */
static ir_ref look_up(struct tctx *t, const struct args_tbl *a)
{
        ir_ref index = a64_get_v(t, a->vm), r = op2(t, IR_OP_vtbl, IR_X8, a64_get_v(t, a->vn), index);

        for (unsigned k = 1; k <= a->len; k++) {
                ir_ref at = op2(t, IR_OP_vsub, IR_X8, index, simd_splat(t, IR_X8, 16 * k));

                r = op2(t, IR_OP_vor, IR_X8, r, op2(t, IR_OP_vtbl, IR_X8, a64_get_v(t, (a->vn + k) & 31),
                                                    at));
        }
        return r;
}

bool tr_tbl(struct tctx *t, const struct args_tbl *a)
{
        a64_put_vq(t, a->q, a->vd, look_up(t, a));
        return true;
}

bool tr_tbx(struct tctx *t, const struct args_tbl *a)
{
        ir_ref r = look_up(t, a);
        ir_ref outside = op2(t, IR_OP_vcmpgtu, IR_X8, a64_get_v(t, a->vm),
                             simd_splat(t, IR_X8, 16 * a->len + 15));

        a64_put_vq(t, a->q, a->vd, ir_vsel(t->b, outside, a64_get_v(t, a->vd), r));
        return true;
}

bool tr_ext(struct tctx *t, const struct args_ext *a)
{
        ir_ref x = a64_get_v(t, a->vn), y = a64_get_v(t, a->vm);

        if (!a->q)
                x = y = simd_concat(t, x, y);
        a64_put_vq(t, a->q, a->vd, ir_vec_imm(t->b, IR_OP_vext, IR_X8, x, y, a->imm4));
        return true;
}

/* ---- immediates ---- */

static bool put_splat(struct tctx *t, bool q, unsigned vd, enum ir_lane lane, uint64_t value)
{
        a64_put_vq(t, q, vd, simd_splat(t, lane, value));
        return true;
}

static bool splat_with(struct tctx *t, const struct args_qimm *a, enum ir_lane lane, enum ir_op op)
{
        ir_ref m = simd_splat(t, lane, (uint64_t)a->imm << a->sh);

        a64_put_vq(t, a->q, a->vd, op2(t, op, IR_X64, a64_get_v(t, a->vd), m));
        return true;
}

bool tr_movi_s(struct tctx *t, const struct args_qimm *a)
{
        return put_splat(t, a->q, a->vd, IR_X32, (uint64_t)a->imm << a->sh);
}

bool tr_movi_hh(struct tctx *t, const struct args_qimm *a)
{
        return put_splat(t, a->q, a->vd, IR_X16, (uint64_t)a->imm << a->sh);
}

bool tr_movi_msl(struct tctx *t, const struct args_qimm *a)
{
        return put_splat(t, a->q, a->vd, IR_X32, (uint64_t)a->imm << a->sh | ((1ull << a->sh) - 1));
}

bool tr_mvni_s(struct tctx *t, const struct args_qimm *a)
{
        return put_splat(t, a->q, a->vd, IR_X32, ~((uint64_t)a->imm << a->sh));
}

bool tr_mvni_hh(struct tctx *t, const struct args_qimm *a)
{
        return put_splat(t, a->q, a->vd, IR_X16, ~((uint64_t)a->imm << a->sh));
}

bool tr_mvni_msl(struct tctx *t, const struct args_qimm *a)
{
        return put_splat(t, a->q, a->vd, IR_X32, ~((uint64_t)a->imm << a->sh | ((1ull << a->sh) - 1)));
}

bool tr_orr_s(struct tctx *t, const struct args_qimm *a) { return splat_with(t, a, IR_X32, IR_OP_vor); }
bool tr_orr_hh(struct tctx *t, const struct args_qimm *a) { return splat_with(t, a, IR_X16, IR_OP_vor); }
bool tr_bic_s(struct tctx *t, const struct args_qimm *a) { return splat_with(t, a, IR_X32, IR_OP_vandc); }
bool tr_bic_hh(struct tctx *t, const struct args_qimm *a) { return splat_with(t, a, IR_X16, IR_OP_vandc); }

bool tr_movi_b(struct tctx *t, const struct args_qimmb *a)
{
        return put_splat(t, a->q, a->vd, IR_X8, a->imm);
}

bool tr_movi_d(struct tctx *t, const struct args_qimmb *a)
{
        uint64_t v = 0;

        for (unsigned n = 0; n < 8; n++)
                v |= a->imm >> n & 1 ? 0xffull << 8 * n : 0;
        return put_splat(t, a->q, a->vd, IR_X64, v);
}

bool tr_fmov_vs(struct tctx *t, const struct args_qimmb *a)
{
        return put_splat(t, a->q, a->vd, IR_X32, a64_fp_imm32(a->imm));
}

bool tr_fmov_vd(struct tctx *t, const struct args_qimmb *a)
{
        return put_splat(t, a->q, a->vd, IR_X64, a64_fp_imm(a->imm));
}

/* ---- shifts by immediates: the upper four bits of sh hold the size as their highest one ---- */

static unsigned shift_size(unsigned sh)
{
        return 28 - __builtin_clz(sh);
}

/* A right shift goes 1 to W, a left one 0 to W - 1. */
static unsigned right_amount(unsigned sh)
{
        return (16u << shift_size(sh)) - sh;
}

static unsigned left_amount(unsigned sh)
{
        return sh - (8u << shift_size(sh));
}

/* Rounding adds the last bit that goes. */
static ir_ref shift_right(struct tctx *t, bool sign, bool round, unsigned size, ir_ref x, unsigned amount)
{
        enum ir_op op = sign ? IR_OP_vshrsi : IR_OP_vshrui;
        ir_ref r = imm(t, op, size, x, amount), last;

        if (!round)
                return r;
        last = op2(t, IR_OP_vand, IR_X64, imm(t, op, size, x, amount - 1),
                   simd_splat(t, (enum ir_lane)size, 1));
        return op2(t, IR_OP_vadd, size, r, last);
}

static bool right(struct tctx *t, bool q, unsigned sh, unsigned vn, unsigned vd, bool sign, bool round,
                  bool accumulate)
{
        unsigned size = shift_size(sh);
        ir_ref r = shift_right(t, sign, round, size, a64_get_v(t, vn), right_amount(sh));

        if (accumulate)
                r = op2(t, IR_OP_vadd, size, a64_get_v(t, vd), r);
        a64_put_vq(t, q, vd, r);
        return true;
}

#define SHIFT_RIGHT(name, sign, round, accumulate) \
        bool tr_##name##_vi(struct tctx *t, const struct args_qsh *a) \
        { return right(t, a->q, a->sh, a->vn, a->vd, sign, round, accumulate); } \
        bool tr_##name##_di(struct tctx *t, const struct args_ssh *a) \
        { return right(t, false, a->sh, a->vn, a->vd, sign, round, accumulate); }
SHIFT_RIGHT(sshr, true, false, false)
SHIFT_RIGHT(ushr, false, false, false)
SHIFT_RIGHT(ssra, true, false, true)
SHIFT_RIGHT(usra, false, false, true)
SHIFT_RIGHT(srshr, true, true, false)
SHIFT_RIGHT(urshr, false, true, false)
SHIFT_RIGHT(srsra, true, true, true)
SHIFT_RIGHT(ursra, false, true, true)

static bool left(struct tctx *t, bool q, unsigned sh, unsigned vn, unsigned vd)
{
        a64_put_vq(t, q, vd, imm(t, IR_OP_vshli, shift_size(sh), a64_get_v(t, vn), left_amount(sh)));
        return true;
}

bool tr_shl_vi(struct tctx *t, const struct args_qsh *a) { return left(t, a->q, a->sh, a->vn, a->vd); }
bool tr_shl_di(struct tctx *t, const struct args_ssh *a) { return left(t, false, a->sh, a->vn, a->vd); }

static bool insert(struct tctx *t, bool q, unsigned sh, unsigned vn, unsigned vd, bool to_left)
{
        unsigned size = shift_size(sh), w = 8u << size, n = to_left ? left_amount(sh) : right_amount(sh);
        uint64_t lane = w == 64 ? ~0ull : (1ull << w) - 1, kept;
        ir_ref x = imm(t, to_left ? IR_OP_vshli : IR_OP_vshrui, size, a64_get_v(t, vn), n);

        /* the bits of the destination that stay: below the shifted value, or above it */
        if (to_left)
                kept = n ? lane >> (w - n) : 0;
        else
                kept = n == w ? lane : lane & ~(lane >> n);
        x = op2(t, IR_OP_vor, IR_X64, x, op2(t, IR_OP_vand, IR_X64, a64_get_v(t, vd),
                                             simd_splat(t, (enum ir_lane)size, kept)));
        a64_put_vq(t, q, vd, x);
        return true;
}

bool tr_sli_vi(struct tctx *t, const struct args_qsh *a)
{
        return insert(t, a->q, a->sh, a->vn, a->vd, true);
}

bool tr_sli_di(struct tctx *t, const struct args_ssh *a)
{
        return insert(t, false, a->sh, a->vn, a->vd, true);
}

bool tr_sri_vi(struct tctx *t, const struct args_qsh *a)
{
        return insert(t, a->q, a->sh, a->vn, a->vd, false);
}

bool tr_sri_di(struct tctx *t, const struct args_ssh *a)
{
        return insert(t, false, a->sh, a->vn, a->vd, false);
}

bool tr_sshll(struct tctx *t, const struct args_qsh *a)
{
        unsigned size = shift_size(a->sh);

        a64_put_v(t, a->vd, imm(t, IR_OP_vshli, size + 1, imm(t, IR_OP_vwidens, size, a64_get_v(t, a->vn),
                                                              a->q),
                                left_amount(a->sh)));
        return true;
}

bool tr_ushll(struct tctx *t, const struct args_qsh *a)
{
        unsigned size = shift_size(a->sh);

        a64_put_v(t, a->vd, imm(t, IR_OP_vshli, size + 1, imm(t, IR_OP_vwidenu, size, a64_get_v(t, a->vn),
                                                              a->q),
                                left_amount(a->sh)));
        return true;
}

/* To half the size: IR_OP_vuzpe cuts off, the packs saturate. The shift is of the narrow size's amounts. */
static ir_ref narrow(struct tctx *t, unsigned sh, ir_ref x, bool sign, bool round, enum ir_op op)
{
        unsigned size = shift_size(sh);
        ir_ref r;

        x = shift_right(t, sign, round, size + 1, x, right_amount(sh));
        if (op == IR_OP_vuzpe)
                return op2(t, op, size, x, x);
        r = op2(t, op, size + 1, x, x);
        simd_note_saturation(t, imm(t, op == IR_OP_vpacks ? IR_OP_vwidens : IR_OP_vwidenu, size, r, 0), x);
        return r;
}

static bool shift_narrow(struct tctx *t, const struct args_qsh *a, bool sign, bool round, enum ir_op op)
{
        ir_ref r = narrow(t, a->sh, a64_get_v(t, a->vn), sign, round, op);

        if (a->q)
                a64_put_v(t, a->vd, simd_concat(t, a64_get_v(t, a->vd), r));
        else
                a64_put_vq(t, false, a->vd, r);
        return true;
}

static bool shift_narrow_scalar(struct tctx *t, const struct args_ssh *a, bool sign, bool round,
                                enum ir_op op)
{
        enum ir_lane size = (enum ir_lane)shift_size(a->sh);
        ir_ref x = simd_lowest(t, (enum ir_lane)(size + 1), a64_get_v(t, a->vn));

        a64_put_v(t, a->vd, simd_lowest(t, size, narrow(t, a->sh, x, sign, round, op)));
        return true;
}

#define NARROW_SHIFT(name, sign, round, op) \
        bool tr_##name(struct tctx *t, const struct args_qsh *a) \
        { return shift_narrow(t, a, sign, round, IR_OP_##op); }
#define NARROW_SHIFT_SC(name, sign, round, op) \
        NARROW_SHIFT(name, sign, round, op) \
        bool tr_##name##_sci(struct tctx *t, const struct args_ssh *a) \
        { return shift_narrow_scalar(t, a, sign, round, IR_OP_##op); }
NARROW_SHIFT(shrn, false, false, vuzpe)
NARROW_SHIFT(rshrn, false, true, vuzpe)
NARROW_SHIFT_SC(sqshrn, true, false, vpacks)
NARROW_SHIFT_SC(sqrshrn, true, true, vpacks)
NARROW_SHIFT_SC(sqshrun, true, false, vpacksu)
NARROW_SHIFT_SC(sqrshrun, true, true, vpacksu)
NARROW_SHIFT_SC(uqshrn, false, false, vpacku)
NARROW_SHIFT_SC(uqrshrn, false, true, vpacku)
