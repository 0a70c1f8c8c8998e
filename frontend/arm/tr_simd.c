/* SPDX-License-Identifier: MIT */
/*
 * AdvSIMD on integers (Arm ARM C7): what whole vectors of the IR can do. A 64-bit operation computes all
 * lanes and then clears the upper half. Saturation is noted in the slot QC: what differs from the result that
 * wraps.
 */
#include "a64_translate.h"

#include "frontend/arm/tr_simd.h"

/* ---- helpers of all vector translators ---- */

ir_ref simd_concat(struct tctx *t, ir_ref x, ir_ref y)
{
        return ir_vec_imm(t->b, IR_OP_vshuf, IR_X64, x, y, 0);
}

ir_ref simd_ones(struct tctx *t)
{
        return ir_const(t->b, IR_V128, -1);
}

ir_ref simd_zero(struct tctx *t)
{
        return ir_const(t->b, IR_V128, 0);
}

ir_ref simd_splat(struct tctx *t, enum ir_lane lane, uint64_t value)
{
        for (unsigned bits = 8u << lane; bits < 64; bits *= 2)
                value = (value & ((1ull << bits) - 1)) | value << bits;
        return ir_const(t->b, IR_V128, (int64_t)value);
}

ir_ref simd_sel_lane(struct tctx *t, bool q, ir_ref v)
{
        return q ? v : ir_vzext(t->b, ir_vlow(t->b, IR_F64, v));
}

void simd_note_saturation(struct tctx *t, ir_ref saturated, ir_ref wrapped)
{
        ir_ref differ = ir_vec2(t->b, IR_OP_vxor, IR_X64, saturated, wrapped);

        ir_put(t->b, A64_SLOT_QC, ir_vec2(t->b, IR_OP_vor, IR_X64, ir_get(t->b, A64_SLOT_QC), differ));
}

ir_ref simd_lowest(struct tctx *t, enum ir_lane lane, ir_ref v)
{
        if (lane == IR_X64)
                return ir_vzext(t->b, ir_vlow(t->b, IR_F64, v));
        if (lane == IR_X32)
                return ir_vzext(t->b, ir_vlow(t->b, IR_F32, v));
        return ir_vec2(t->b, IR_OP_vand, IR_X64, v, ir_vconst(t->b, lane == IR_X8 ? 0xff : 0xffff, 0));
}

static ir_ref op2(struct tctx *t, enum ir_op op, unsigned size, ir_ref x, ir_ref y)
{
        return ir_vec2(t->b, op, (enum ir_lane)size, x, y);
}

static ir_ref imm(struct tctx *t, enum ir_op op, unsigned size, ir_ref x, unsigned n)
{
        return ir_vec_imm(t->b, op, (enum ir_lane)size, x, 0, n);
}

static ir_ref vnot(struct tctx *t, ir_ref v)
{
        return op2(t, IR_OP_vxor, IR_X64, v, simd_ones(t));
}

static ir_ref get_v(struct tctx *t, unsigned reg)
{
        return a64_get_v(t, reg);
}

/* Widened lanes of the lower half, or (q) the upper one. */
static ir_ref widen(struct tctx *t, bool sign, unsigned size, bool q, ir_ref v)
{
        return imm(t, sign ? IR_OP_vwidens : IR_OP_vwidenu, size, v, q);
}

/* Narrow results in the lower half (the rest is zero), or (q) in the upper one beside what is there. */
static bool put_narrow(struct tctx *t, bool q, unsigned vd, ir_ref narrow)
{
        if (q)
                a64_put_v(t, vd, simd_concat(t, get_v(t, vd), narrow));
        else
                a64_put_vq(t, false, vd, narrow);
        return true;
}

/* ---- three registers of the same kind ---- */

static bool three(struct tctx *t, const struct args_q3 *a, enum ir_op op)
{
        a64_put_vq(t, a->q, a->vd, op2(t, op, a->size, get_v(t, a->vn), get_v(t, a->vm)));
        return true;
}

#define THREE(name, op) \
        bool tr_##name(struct tctx *t, const struct args_q3 *a) { return three(t, a, IR_OP_##op); }
THREE(add_v, vadd)
THREE(sub_v, vsub)
THREE(mul_v, vmul)
THREE(smax_v, vmaxs)
THREE(smin_v, vmins)
THREE(umax_v, vmaxu)
THREE(umin_v, vminu)
THREE(cmgt_v, vcmpgts)
THREE(cmhi_v, vcmpgtu)
THREE(cmeq_v, vcmpeq)

static bool at_least(struct tctx *t, const struct args_q3 *a, enum ir_op greater)
{
        a64_put_vq(t, a->q, a->vd, vnot(t, op2(t, greater, a->size, get_v(t, a->vm), get_v(t, a->vn))));
        return true;
}

bool tr_cmge_v(struct tctx *t, const struct args_q3 *a) { return at_least(t, a, IR_OP_vcmpgts); }
bool tr_cmhs_v(struct tctx *t, const struct args_q3 *a) { return at_least(t, a, IR_OP_vcmpgtu); }

bool tr_cmtst_v(struct tctx *t, const struct args_q3 *a)
{
        ir_ref both = op2(t, IR_OP_vand, a->size, get_v(t, a->vn), get_v(t, a->vm));

        a64_put_vq(t, a->q, a->vd, vnot(t, op2(t, IR_OP_vcmpeq, a->size, both, simd_zero(t))));
        return true;
}

/*
 * Halving without a wider sum: what both have, and half of what one has; rounding up: what either has, less
 * that half.
 */
static bool halving(struct tctx *t, const struct args_q3 *a, bool sign, enum ir_op op)
{
        ir_ref x = get_v(t, a->vn), y = get_v(t, a->vm), half;

        if (op == IR_OP_vavgu && !sign && a->size <= IR_X16) { /* hosts have these */
                a64_put_vq(t, a->q, a->vd, op2(t, op, a->size, x, y));
                return true;
        }
        half = imm(t, sign ? IR_OP_vshrsi : IR_OP_vshrui, a->size, op2(t, IR_OP_vxor, a->size, x, y), 1);
        if (op == IR_OP_vadd)
                x = op2(t, IR_OP_vadd, a->size, op2(t, IR_OP_vand, a->size, x, y), half);
        else if (op == IR_OP_vavgu)
                x = op2(t, IR_OP_vsub, a->size, op2(t, IR_OP_vor, a->size, x, y), half);
        else
                x = op2(t, IR_OP_vsub, a->size, half, op2(t, IR_OP_vandc, a->size, y, x));
        a64_put_vq(t, a->q, a->vd, x);
        return true;
}

bool tr_shadd_v(struct tctx *t, const struct args_q3 *a) { return halving(t, a, true, IR_OP_vadd); }
bool tr_uhadd_v(struct tctx *t, const struct args_q3 *a) { return halving(t, a, false, IR_OP_vadd); }
bool tr_srhadd_v(struct tctx *t, const struct args_q3 *a) { return halving(t, a, true, IR_OP_vavgu); }
bool tr_urhadd_v(struct tctx *t, const struct args_q3 *a) { return halving(t, a, false, IR_OP_vavgu); }
bool tr_shsub_v(struct tctx *t, const struct args_q3 *a) { return halving(t, a, true, IR_OP_vsub); }
bool tr_uhsub_v(struct tctx *t, const struct args_q3 *a) { return halving(t, a, false, IR_OP_vsub); }

/* Upper halves that do not count must not saturate. */
static bool saturating(struct tctx *t, const struct args_q3 *a, enum ir_op op, enum ir_op wrapping)
{
        ir_ref x = simd_sel_lane(t, a->q, get_v(t, a->vn)), y = simd_sel_lane(t, a->q, get_v(t, a->vm));
        ir_ref r = op2(t, op, a->size, x, y);

        simd_note_saturation(t, r, op2(t, wrapping, a->size, x, y));
        a64_put_v(t, a->vd, r);
        return true;
}

bool tr_sqadd_v(struct tctx *t, const struct args_q3 *a)
{
        return saturating(t, a, IR_OP_vqadds, IR_OP_vadd);
}

bool tr_uqadd_v(struct tctx *t, const struct args_q3 *a)
{
        return saturating(t, a, IR_OP_vqaddu, IR_OP_vadd);
}

bool tr_sqsub_v(struct tctx *t, const struct args_q3 *a)
{
        return saturating(t, a, IR_OP_vqsubs, IR_OP_vsub);
}

bool tr_uqsub_v(struct tctx *t, const struct args_q3 *a)
{
        return saturating(t, a, IR_OP_vqsubu, IR_OP_vsub);
}

/* By the signed low bytes of the second's lanes, to the left, or to the right if negative. */
static ir_ref shifted_by(struct tctx *t, bool sign, unsigned size, ir_ref x, ir_ref by)
{
        unsigned above = (8u << size) - 8;
        ir_ref left, right, back;

        if (above)
                by = imm(t, IR_OP_vshrsi, size, imm(t, IR_OP_vshli, size, by, above), above);
        back = op2(t, IR_OP_vsub, size, simd_zero(t), by);
        left = op2(t, IR_OP_vshl, size, x, by);
        right = op2(t, sign ? IR_OP_vshrs : IR_OP_vshru, size, x, back);
        if (!sign)
                return op2(t, IR_OP_vor, size, left, right);
        return ir_vsel(t->b, op2(t, IR_OP_vcmpgts, size, simd_zero(t), by), right, left);
}

bool tr_sshl_v(struct tctx *t, const struct args_q3 *a)
{
        a64_put_vq(t, a->q, a->vd, shifted_by(t, true, a->size, get_v(t, a->vn), get_v(t, a->vm)));
        return true;
}

bool tr_ushl_v(struct tctx *t, const struct args_q3 *a)
{
        a64_put_vq(t, a->q, a->vd, shifted_by(t, false, a->size, get_v(t, a->vn), get_v(t, a->vm)));
        return true;
}

static ir_ref difference(struct tctx *t, bool sign, unsigned size, ir_ref x, ir_ref y)
{
        return op2(t, IR_OP_vsub, size, op2(t, sign ? IR_OP_vmaxs : IR_OP_vmaxu, size, x, y),
                   op2(t, sign ? IR_OP_vmins : IR_OP_vminu, size, x, y));
}

static bool absolute_difference(struct tctx *t, const struct args_q3 *a, bool sign, bool accumulate)
{
        ir_ref r = difference(t, sign, a->size, get_v(t, a->vn), get_v(t, a->vm));

        if (accumulate)
                r = op2(t, IR_OP_vadd, a->size, get_v(t, a->vd), r);
        a64_put_vq(t, a->q, a->vd, r);
        return true;
}

bool tr_sabd_v(struct tctx *t, const struct args_q3 *a) { return absolute_difference(t, a, true, false); }
bool tr_uabd_v(struct tctx *t, const struct args_q3 *a) { return absolute_difference(t, a, false, false); }
bool tr_saba_v(struct tctx *t, const struct args_q3 *a) { return absolute_difference(t, a, true, true); }
bool tr_uaba_v(struct tctx *t, const struct args_q3 *a) { return absolute_difference(t, a, false, true); }

static bool muladd(struct tctx *t, bool q, unsigned size, unsigned vd, ir_ref x, ir_ref y, enum ir_op op)
{
        a64_put_vq(t, q, vd, op2(t, op, size, get_v(t, vd), op2(t, IR_OP_vmul, size, x, y)));
        return true;
}

bool tr_mla_v(struct tctx *t, const struct args_q3 *a)
{
        return muladd(t, a->q, a->size, a->vd, get_v(t, a->vn), get_v(t, a->vm), IR_OP_vadd);
}

bool tr_mls_v(struct tctx *t, const struct args_q3 *a)
{
        return muladd(t, a->q, a->size, a->vd, get_v(t, a->vn), get_v(t, a->vm), IR_OP_vsub);
}

void simd_pairs(struct tctx *t, bool q, enum ir_lane lane, ir_ref x, ir_ref y, ir_ref *even, ir_ref *odd)
{
        if (!q)
                x = y = simd_concat(t, x, y);
        *even = ir_vec2(t->b, IR_OP_vuzpe, lane, x, y);
        *odd = ir_vec2(t->b, IR_OP_vuzpo, lane, x, y);
}

static bool pairwise(struct tctx *t, const struct args_q3 *a, enum ir_op op)
{
        ir_ref even, odd;

        simd_pairs(t, a->q, (enum ir_lane)a->size, get_v(t, a->vn), get_v(t, a->vm), &even, &odd);
        a64_put_vq(t, a->q, a->vd, op2(t, op, a->size, even, odd));
        return true;
}

bool tr_addp_v(struct tctx *t, const struct args_q3 *a) { return pairwise(t, a, IR_OP_vadd); }
bool tr_smaxp_v(struct tctx *t, const struct args_q3 *a) { return pairwise(t, a, IR_OP_vmaxs); }
bool tr_sminp_v(struct tctx *t, const struct args_q3 *a) { return pairwise(t, a, IR_OP_vmins); }
bool tr_umaxp_v(struct tctx *t, const struct args_q3 *a) { return pairwise(t, a, IR_OP_vmaxu); }
bool tr_uminp_v(struct tctx *t, const struct args_q3 *a) { return pairwise(t, a, IR_OP_vminu); }

/* ---- logic ---- */

static bool logic(struct tctx *t, const struct args_b3 *a, enum ir_op op, bool invert)
{
        ir_ref y = get_v(t, a->vm);

        a64_put_vq(t, a->q, a->vd, op2(t, op, IR_X64, get_v(t, a->vn), invert ? vnot(t, y) : y));
        return true;
}

bool tr_and_v(struct tctx *t, const struct args_b3 *a) { return logic(t, a, IR_OP_vand, false); }
bool tr_bic_v(struct tctx *t, const struct args_b3 *a) { return logic(t, a, IR_OP_vandc, false); }
bool tr_orn_v(struct tctx *t, const struct args_b3 *a) { return logic(t, a, IR_OP_vor, true); }
bool tr_eor_v(struct tctx *t, const struct args_b3 *a) { return logic(t, a, IR_OP_vxor, false); }

bool tr_orr_v(struct tctx *t, const struct args_b3 *a)
{
        if (a->vn != a->vm)
                return logic(t, a, IR_OP_vor, false);
        a64_put_vq(t, a->q, a->vd, get_v(t, a->vn)); /* MOV */
        return true;
}

bool tr_bsl_v(struct tctx *t, const struct args_b3 *a)
{
        a64_put_vq(t, a->q, a->vd, ir_vsel(t->b, get_v(t, a->vd), get_v(t, a->vn), get_v(t, a->vm)));
        return true;
}

bool tr_bit_v(struct tctx *t, const struct args_b3 *a)
{
        a64_put_vq(t, a->q, a->vd, ir_vsel(t->b, get_v(t, a->vm), get_v(t, a->vn), get_v(t, a->vd)));
        return true;
}

bool tr_bif_v(struct tctx *t, const struct args_b3 *a)
{
        a64_put_vq(t, a->q, a->vd, ir_vsel(t->b, get_v(t, a->vm), get_v(t, a->vd), get_v(t, a->vn)));
        return true;
}

/* ---- two registers ---- */

static bool reverse(struct tctx *t, bool q, unsigned size, unsigned vn, unsigned vd, unsigned group)
{
        a64_put_vq(t, q, vd, imm(t, IR_OP_vrev, size, get_v(t, vn), group));
        return true;
}

bool tr_rev64_v(struct tctx *t, const struct args_q2 *a)
{
        return reverse(t, a->q, a->size, a->vn, a->vd, 3);
}

bool tr_rev32_v(struct tctx *t, const struct args_q2 *a)
{
        return reverse(t, a->q, a->size, a->vn, a->vd, 2);
}

bool tr_rev16_v(struct tctx *t, const struct args_b2 *a) { return reverse(t, a->q, 0, a->vn, a->vd, 1); }

static bool two(struct tctx *t, const struct args_q2 *a, enum ir_op op)
{
        a64_put_vq(t, a->q, a->vd, ir_vec1(t->b, op, (enum ir_lane)a->size, get_v(t, a->vn)));
        return true;
}

bool tr_abs_v(struct tctx *t, const struct args_q2 *a) { return two(t, a, IR_OP_vabs); }
bool tr_neg_v(struct tctx *t, const struct args_q2 *a) { return two(t, a, IR_OP_vneg); }
bool tr_clz_v(struct tctx *t, const struct args_q2 *a) { return two(t, a, IR_OP_vclz); }

bool tr_cls_v(struct tctx *t, const struct args_q2 *a)
{
        ir_ref x = get_v(t, a->vn);

        x = op2(t, IR_OP_vxor, a->size, x, imm(t, IR_OP_vshrsi, a->size, x, 1));
        x = ir_vec1(t->b, IR_OP_vclz, (enum ir_lane)a->size, x);
        a64_put_vq(t, a->q, a->vd, op2(t, IR_OP_vsub, a->size, x, simd_splat(t, (enum ir_lane)a->size, 1)));
        return true;
}

bool tr_cnt_v(struct tctx *t, const struct args_b2 *a)
{
        a64_put_vq(t, a->q, a->vd, ir_vec1(t->b, IR_OP_vpopcnt, IR_X8, get_v(t, a->vn)));
        return true;
}

bool tr_not_v(struct tctx *t, const struct args_b2 *a)
{
        a64_put_vq(t, a->q, a->vd, vnot(t, get_v(t, a->vn)));
        return true;
}

bool tr_rbit_v(struct tctx *t, const struct args_b2 *a)
{
        static const uint8_t masks[3] = {0x55, 0x33, 0x0f};
        ir_ref x = get_v(t, a->vn);

        for (unsigned k = 0; k < 3; k++) {
                ir_ref m = simd_splat(t, IR_X8, masks[k]);
                ir_ref down = op2(t, IR_OP_vand, IR_X8, imm(t, IR_OP_vshrui, IR_X8, x, 1 << k), m);

                x = op2(t, IR_OP_vor, IR_X8, down, imm(t, IR_OP_vshli, IR_X8, op2(t, IR_OP_vand, IR_X8, x, m),
                                                       1 << k));
        }
        a64_put_vq(t, a->q, a->vd, x);
        return true;
}

/* Comparisons with zero: by @op with the register to the left or to the right, inverted or not. */
static bool with_zero(struct tctx *t, bool q, unsigned size, unsigned vn, unsigned vd, enum ir_op op,
                      bool right,
                      bool invert)
{
        ir_ref x = get_v(t, vn), zero = simd_zero(t), r = right ? op2(t, op, size, zero, x) :
                op2(t, op, size, x, zero);

        a64_put_vq(t, q, vd, invert ? vnot(t, r) : r);
        return true;
}

#define WITH_ZERO(name, op, right, invert) \
        bool tr_##name##_zero(struct tctx *t, const struct args_q2 *a) \
        { return with_zero(t, a->q, a->size, a->vn, a->vd, IR_OP_##op, right, invert); } \
        bool tr_##name##_dzero(struct tctx *t, const struct args_v1 *a) \
        { return with_zero(t, false, IR_X64, a->vn, a->vd, IR_OP_##op, right, invert); }
WITH_ZERO(cmgt, vcmpgts, false, false)
WITH_ZERO(cmge, vcmpgts, true, true)
WITH_ZERO(cmeq, vcmpeq, false, false)
WITH_ZERO(cmle, vcmpgts, false, true)
WITH_ZERO(cmlt, vcmpgts, true, false)

static bool saturating_abs(struct tctx *t, const struct args_q2 *a, bool negate)
{
        ir_ref x = simd_sel_lane(t, a->q, get_v(t, a->vn)), zero = simd_zero(t);
        ir_ref n = op2(t, IR_OP_vqsubs, a->size, zero, x), wrapped = op2(t, IR_OP_vsub, a->size, zero, x);

        simd_note_saturation(t, n, wrapped);
        if (!negate)
                n = ir_vsel(t->b, op2(t, IR_OP_vcmpgts, a->size, zero, x), n, x);
        a64_put_v(t, a->vd, n);
        return true;
}

bool tr_sqabs_v(struct tctx *t, const struct args_q2 *a) { return saturating_abs(t, a, false); }
bool tr_sqneg_v(struct tctx *t, const struct args_q2 *a) { return saturating_abs(t, a, true); }

/* Sums of neighbours at twice the size. */
static ir_ref sum_pairs(struct tctx *t, bool sign, unsigned size, ir_ref x)
{
        unsigned bits = 8u << size, wide = size + 1;
        enum ir_op shift = sign ? IR_OP_vshrsi : IR_OP_vshrui;
        ir_ref even;

        if (sign && size == IR_X16)
                return op2(t, IR_OP_vmuladd, size, x, simd_splat(t, IR_X16, 1));
        even = sign ? imm(t, shift, wide, imm(t, IR_OP_vshli, wide, x, bits), bits)
                    : op2(t, IR_OP_vand, IR_X64, x, simd_splat(t, (enum ir_lane)wide, (1ull << bits) - 1));
        return op2(t, IR_OP_vadd, wide, even, imm(t, shift, wide, x, bits));
}

static bool add_long_pairs(struct tctx *t, const struct args_q2 *a, bool sign, bool accumulate)
{
        unsigned wide = a->size + 1;
        ir_ref r = sum_pairs(t, sign, a->size, get_v(t, a->vn));

        if (accumulate)
                r = op2(t, IR_OP_vadd, wide, get_v(t, a->vd), r);
        a64_put_vq(t, a->q, a->vd, r);
        return true;
}

bool tr_saddlp(struct tctx *t, const struct args_q2 *a) { return add_long_pairs(t, a, true, false); }
bool tr_uaddlp(struct tctx *t, const struct args_q2 *a) { return add_long_pairs(t, a, false, false); }
bool tr_sadalp(struct tctx *t, const struct args_q2 *a) { return add_long_pairs(t, a, true, true); }
bool tr_uadalp(struct tctx *t, const struct args_q2 *a) { return add_long_pairs(t, a, false, true); }

/* ---- narrowing ---- */

bool tr_xtn(struct tctx *t, const struct args_q2 *a)
{
        ir_ref x = get_v(t, a->vn);

        return put_narrow(t, a->q, a->vd, op2(t, IR_OP_vuzpe, a->size, x, x));
}

/* By a pack that saturates; what widens to something else than it was did. @size is of the narrow lanes. */
static ir_ref pack(struct tctx *t, enum ir_op op, unsigned size, ir_ref x)
{
        ir_ref narrow = op2(t, op, size + 1, x, x);

        simd_note_saturation(t, widen(t, op == IR_OP_vpacks, size, false, narrow), x);
        return narrow;
}

bool tr_sqxtn(struct tctx *t, const struct args_q2 *a)
{
        return put_narrow(t, a->q, a->vd, pack(t, IR_OP_vpacks, a->size, get_v(t, a->vn)));
}

bool tr_sqxtun(struct tctx *t, const struct args_q2 *a)
{
        return put_narrow(t, a->q, a->vd, pack(t, IR_OP_vpacksu, a->size, get_v(t, a->vn)));
}

bool tr_uqxtn(struct tctx *t, const struct args_q2 *a)
{
        return put_narrow(t, a->q, a->vd, pack(t, IR_OP_vpacku, a->size, get_v(t, a->vn)));
}

bool tr_shll(struct tctx *t, const struct args_q2 *a)
{
        a64_put_v(t, a->vd, imm(t, IR_OP_vshli, a->size + 1, widen(t, false, a->size, a->q, get_v(t, a->vn)),
                                8u << a->size));
        return true;
}

static bool high_half(struct tctx *t, const struct args_q3 *a, enum ir_op op, bool round)
{
        unsigned wide = a->size + 1;
        ir_ref r = op2(t, op, wide, get_v(t, a->vn), get_v(t, a->vm));

        if (round)
                r = op2(t, IR_OP_vadd, wide, r, simd_splat(t, (enum ir_lane)wide,
                                                           1ull << ((8u << a->size) - 1)));
        return put_narrow(t, a->q, a->vd, op2(t, IR_OP_vuzpo, a->size, r, r));
}

bool tr_addhn(struct tctx *t, const struct args_q3 *a) { return high_half(t, a, IR_OP_vadd, false); }
bool tr_subhn(struct tctx *t, const struct args_q3 *a) { return high_half(t, a, IR_OP_vsub, false); }
bool tr_raddhn(struct tctx *t, const struct args_q3 *a) { return high_half(t, a, IR_OP_vadd, true); }
bool tr_rsubhn(struct tctx *t, const struct args_q3 *a) { return high_half(t, a, IR_OP_vsub, true); }

/* ---- widening ---- */

static bool long_op(struct tctx *t, const struct args_q3 *a, bool sign, enum ir_op op)
{
        a64_put_v(t, a->vd, op2(t, op, a->size + 1, widen(t, sign, a->size, a->q, get_v(t, a->vn)),
                                widen(t, sign, a->size, a->q, get_v(t, a->vm))));
        return true;
}

static bool wide_op(struct tctx *t, const struct args_q3 *a, bool sign, enum ir_op op)
{
        a64_put_v(t, a->vd, op2(t, op, a->size + 1, get_v(t, a->vn),
                                widen(t, sign, a->size, a->q, get_v(t, a->vm))));
        return true;
}

bool tr_saddl(struct tctx *t, const struct args_q3 *a) { return long_op(t, a, true, IR_OP_vadd); }
bool tr_uaddl(struct tctx *t, const struct args_q3 *a) { return long_op(t, a, false, IR_OP_vadd); }
bool tr_ssubl(struct tctx *t, const struct args_q3 *a) { return long_op(t, a, true, IR_OP_vsub); }
bool tr_usubl(struct tctx *t, const struct args_q3 *a) { return long_op(t, a, false, IR_OP_vsub); }
bool tr_saddw(struct tctx *t, const struct args_q3 *a) { return wide_op(t, a, true, IR_OP_vadd); }
bool tr_uaddw(struct tctx *t, const struct args_q3 *a) { return wide_op(t, a, false, IR_OP_vadd); }
bool tr_ssubw(struct tctx *t, const struct args_q3 *a) { return wide_op(t, a, true, IR_OP_vsub); }
bool tr_usubw(struct tctx *t, const struct args_q3 *a) { return wide_op(t, a, false, IR_OP_vsub); }

static bool long_difference(struct tctx *t, const struct args_q3 *a, bool sign, bool accumulate)
{
        ir_ref r = difference(t, sign, a->size, get_v(t, a->vn), get_v(t, a->vm));

        r = widen(t, false, a->size, a->q, r);
        if (accumulate)
                r = op2(t, IR_OP_vadd, a->size + 1, get_v(t, a->vd), r);
        a64_put_v(t, a->vd, r);
        return true;
}

bool tr_sabdl(struct tctx *t, const struct args_q3 *a) { return long_difference(t, a, true, false); }
bool tr_uabdl(struct tctx *t, const struct args_q3 *a) { return long_difference(t, a, false, false); }
bool tr_sabal(struct tctx *t, const struct args_q3 *a) { return long_difference(t, a, true, true); }
bool tr_uabal(struct tctx *t, const struct args_q3 *a) { return long_difference(t, a, false, true); }

/*
 * Products of lanes of one half: of bytes as of words, of words as their low and high halves side by side (which the
 * instruction for the other half of the registers shares), of 32 bits each lane doubled, so that the even ones
 * are those of the half.
 */
static ir_ref long_product(struct tctx *t, bool sign, unsigned size, bool q, ir_ref x, ir_ref y)
{
        enum ir_op zip = q ? IR_OP_vziphi : IR_OP_vziplo;

        if (size == IR_X8)
                return op2(t, IR_OP_vmul, IR_X16, widen(t, sign, size, q, x), widen(t, sign, size, q, y));
        if (size == IR_X16)
                return op2(t, zip, size, op2(t, IR_OP_vmul, size, x, y),
                           op2(t, sign ? IR_OP_vmulhs : IR_OP_vmulhu, size, x, y));
        return op2(t, sign ? IR_OP_vmulevens : IR_OP_vmulevenu, size, op2(t, zip, size, x, x),
                   op2(t, zip, size, y, y));
}

static bool mul_long(struct tctx *t, bool q, unsigned size, unsigned vd, ir_ref x, ir_ref y, bool sign,
                     enum ir_op op)
{
        ir_ref p = long_product(t, sign, size, q, x, y);

        a64_put_v(t, vd, op == IR_OP_nop ? p : op2(t, op, size + 1, get_v(t, vd), p));
        return true;
}

static ir_ref lane_of(struct tctx *t, const struct args_qel *a)
{
        return imm(t, IR_OP_vduplane, a->size, get_v(t, a->vm), a->idx);
}

#define MUL_LONG(name, sign, op) \
        bool tr_##name(struct tctx *t, const struct args_q3 *a) \
        { return mul_long(t, a->q, a->size, a->vd, get_v(t, a->vn), get_v(t, a->vm), sign, op); } \
        bool tr_##name##_elh(struct tctx *t, const struct args_qel *a) \
        { return mul_long(t, a->q, a->size, a->vd, get_v(t, a->vn), lane_of(t, a), sign, op); }
MUL_LONG(smull, true, IR_OP_nop)
MUL_LONG(umull, false, IR_OP_nop)
MUL_LONG(smlal, true, IR_OP_vadd)
MUL_LONG(umlal, false, IR_OP_vadd)
MUL_LONG(smlsl, true, IR_OP_vsub)
MUL_LONG(umlsl, false, IR_OP_vsub)

bool tr_mul_elh(struct tctx *t, const struct args_qel *a)
{
        a64_put_vq(t, a->q, a->vd, op2(t, IR_OP_vmul, a->size, get_v(t, a->vn), lane_of(t, a)));
        return true;
}

bool tr_mla_elh(struct tctx *t, const struct args_qel *a)
{
        return muladd(t, a->q, a->size, a->vd, get_v(t, a->vn), lane_of(t, a), IR_OP_vadd);
}

bool tr_mls_elh(struct tctx *t, const struct args_qel *a)
{
        return muladd(t, a->q, a->size, a->vd, get_v(t, a->vn), lane_of(t, a), IR_OP_vsub);
}

/* ---- across lanes: halves are combined until one lane is left ---- */

static ir_ref reduce(struct tctx *t, bool q, unsigned size, ir_ref x, enum ir_op op)
{
        for (unsigned bytes = q ? 8 : 4; bytes >= 1u << size; bytes /= 2)
                x = op2(t, op, size, x, ir_vec_imm(t->b, IR_OP_vext, IR_X8, x, x, bytes));
        return x;
}

static bool across(struct tctx *t, const struct args_q2 *a, enum ir_op op)
{
        a64_put_v(t, a->vd, simd_lowest(t, (enum ir_lane)a->size,
                                        reduce(t, a->q, a->size, get_v(t, a->vn), op)));
        return true;
}

bool tr_addv(struct tctx *t, const struct args_q2 *a) { return across(t, a, IR_OP_vadd); }
bool tr_smaxv(struct tctx *t, const struct args_q2 *a) { return across(t, a, IR_OP_vmaxs); }
bool tr_sminv(struct tctx *t, const struct args_q2 *a) { return across(t, a, IR_OP_vmins); }
bool tr_umaxv(struct tctx *t, const struct args_q2 *a) { return across(t, a, IR_OP_vmaxu); }
bool tr_uminv(struct tctx *t, const struct args_q2 *a) { return across(t, a, IR_OP_vminu); }

/* First neighbours at twice the size, then these. */
static bool across_long(struct tctx *t, const struct args_q2 *a, bool sign)
{
        unsigned wide = a->size + 1;
        ir_ref x = sum_pairs(t, sign, a->size, get_v(t, a->vn));

        a64_put_v(t, a->vd, simd_lowest(t, (enum ir_lane)wide, reduce(t, a->q, wide, x, IR_OP_vadd)));
        return true;
}

bool tr_saddlv(struct tctx *t, const struct args_q2 *a) { return across_long(t, a, true); }
bool tr_uaddlv(struct tctx *t, const struct args_q2 *a) { return across_long(t, a, false); }

/* ---- scalars of 64 bits: a 64-bit operation on one lane ---- */

static bool scalar_d(struct tctx *t, const struct args_v3 *a,
                     bool (*f)(struct tctx *t, const struct args_q3 *a))
{
        struct args_q3 q3 = {.q = 0, .size = 3, .vm = a->vm, .vn = a->vn, .vd = a->vd};

        return f(t, &q3);
}

#define SCALAR_D(name) \
        bool tr_##name##_d(struct tctx *t, const struct args_v3 *a) { return scalar_d(t, a, tr_##name##_v); }
SCALAR_D(add)
SCALAR_D(sub)
SCALAR_D(cmgt)
SCALAR_D(cmge)
SCALAR_D(cmhi)
SCALAR_D(cmhs)
SCALAR_D(cmeq)
SCALAR_D(cmtst)
SCALAR_D(sshl)
SCALAR_D(ushl)

bool tr_abs_d(struct tctx *t, const struct args_v1 *a)
{
        a64_put_vq(t, false, a->vd, ir_vec1(t->b, IR_OP_vabs, IR_X64, get_v(t, a->vn)));
        return true;
}

bool tr_neg_d(struct tctx *t, const struct args_v1 *a)
{
        a64_put_vq(t, false, a->vd, ir_vec1(t->b, IR_OP_vneg, IR_X64, get_v(t, a->vn)));
        return true;
}

bool tr_addp_d(struct tctx *t, const struct args_v1 *a)
{
        a64_put_vq(t, false, a->vd, reduce(t, true, IR_X64, get_v(t, a->vn), IR_OP_vadd));
        return true;
}

/* ---- scalars that saturate: of vectors that are zero but for the lowest lane ---- */

static bool saturating_scalar(struct tctx *t, const struct args_s3 *a, enum ir_op op, enum ir_op wrapping)
{
        ir_ref x = simd_lowest(t, (enum ir_lane)a->size, get_v(t, a->vn));
        ir_ref y = simd_lowest(t, (enum ir_lane)a->size, get_v(t, a->vm)), r = op2(t, op, a->size, x, y);

        simd_note_saturation(t, r, op2(t, wrapping, a->size, x, y));
        a64_put_v(t, a->vd, r);
        return true;
}

bool tr_sqadd_sc(struct tctx *t, const struct args_s3 *a)
{
        return saturating_scalar(t, a, IR_OP_vqadds, IR_OP_vadd);
}

bool tr_uqadd_sc(struct tctx *t, const struct args_s3 *a)
{
        return saturating_scalar(t, a, IR_OP_vqaddu, IR_OP_vadd);
}

bool tr_sqsub_sc(struct tctx *t, const struct args_s3 *a)
{
        return saturating_scalar(t, a, IR_OP_vqsubs, IR_OP_vsub);
}

bool tr_uqsub_sc(struct tctx *t, const struct args_s3 *a)
{
        return saturating_scalar(t, a, IR_OP_vqsubu, IR_OP_vsub);
}

static bool narrow_scalar(struct tctx *t, const struct args_s2 *a, enum ir_op op)
{
        ir_ref x = simd_lowest(t, (enum ir_lane)(a->size + 1), get_v(t, a->vn));

        a64_put_v(t, a->vd, simd_lowest(t, (enum ir_lane)a->size, pack(t, op, a->size, x)));
        return true;
}

bool tr_sqxtn_sc(struct tctx *t, const struct args_s2 *a) { return narrow_scalar(t, a, IR_OP_vpacks); }
bool tr_sqxtun_sc(struct tctx *t, const struct args_s2 *a) { return narrow_scalar(t, a, IR_OP_vpacksu); }
bool tr_uqxtn_sc(struct tctx *t, const struct args_s2 *a) { return narrow_scalar(t, a, IR_OP_vpacku); }
