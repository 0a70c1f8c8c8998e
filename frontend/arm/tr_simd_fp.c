/* SPDX-License-Identifier: MIT */
/*
 * AdvSIMD on floating point (Arm ARM C7). A 64-bit operation has its lower half in the upper one, too,
 * so that the lanes that do not count raise what the others raise.
 */
#include "a64_translate.h"

#include "frontend/arm/tr_simd.h"

static enum ir_lane fp_lane(unsigned sz)
{
        return sz ? IR_X64 : IR_X32;
}

static ir_ref get(struct tctx *t, bool q, unsigned reg)
{
        ir_ref v = a64_get_v(t, reg);

        return q ? v : ir_vec_imm(t->b, IR_OP_vduplane, IR_X64, v, 0, 0);
}

/* The lowest lane in all lanes: scalars by vector ops. */
static ir_ref get_scalar(struct tctx *t, unsigned sz, unsigned reg)
{
        return ir_vec_imm(t->b, IR_OP_vduplane, fp_lane(sz), a64_get_v(t, reg), 0, 0);
}

static void put_scalar(struct tctx *t, unsigned sz, unsigned reg, ir_ref v)
{
        a64_put_v(t, reg, simd_lowest(t, fp_lane(sz), v));
}

static ir_ref sign_bits(struct tctx *t, unsigned sz)
{
        return simd_splat(t, fp_lane(sz), sz ? 1ull << 63 : 1ull << 31);
}

static ir_ref vabs(struct tctx *t, unsigned sz, ir_ref v)
{
        return ir_vec2(t->b, IR_OP_vandc, IR_X64, v, sign_bits(t, sz));
}

/* ---- three registers ---- */

static ir_ref arith(struct tctx *t, enum ir_op op, unsigned sz, ir_ref x, ir_ref y)
{
        return ir_vfp2(t->b, op, fp_lane(sz), false, IR_RM_MODE, x, y);
}

static bool three(struct tctx *t, const struct args_fq3 *a, enum ir_op op)
{
        a64_put_vq(t, a->q, a->vd, arith(t, op, a->sz, get(t, a->q, a->vn), get(t, a->q, a->vm)));
        return true;
}

#define FP3(name, op) \
        bool tr_##name##_v(struct tctx *t, const struct args_fq3 *a) { return three(t, a, IR_OP_##op); }
FP3(fadd, vfadd)
FP3(fsub, vfsub)
FP3(fmul, vfmul)
FP3(fdiv, vfdiv)

bool tr_fabd_v(struct tctx *t, const struct args_fq3 *a)
{
        ir_ref d = arith(t, IR_OP_vfsub, a->sz, get(t, a->q, a->vn), get(t, a->q, a->vm));

        a64_put_vq(t, a->q, a->vd, vabs(t, a->sz, d));
        return true;
}

bool tr_fabd_sc(struct tctx *t, const struct args_fs3 *a)
{
        ir_ref d = arith(t, IR_OP_vfsub, a->sz, get_scalar(t, a->sz, a->vn), get_scalar(t, a->sz, a->vm));

        put_scalar(t, a->sz, a->vd, vabs(t, a->sz, d));
        return true;
}

static bool muladd(struct tctx *t, const struct args_fq3 *a, bool neg)
{
        a64_put_vq(t, a->q, a->vd, ir_vfma(t->b, fp_lane(a->sz), IR_RM_MODE, neg, get(t, a->q, a->vn),
                                           get(t, a->q, a->vm),
                                           get(t, a->q, a->vd)));
        return true;
}

bool tr_fmla_v(struct tctx *t, const struct args_fq3 *a) { return muladd(t, a, false); }
bool tr_fmls_v(struct tctx *t, const struct args_fq3 *a) { return muladd(t, a, true); }

static ir_ref minmax(struct tctx *t, unsigned sz, ir_ref x, ir_ref y, enum ir_op op, enum ir_fminmax kind)
{
        return ir_vfminmax(t->b, op, fp_lane(sz), false, kind, x, y);
}

/* Lane by lane, on neighbours of both, on the two lowest lanes of one. */
static bool minmax_v(struct tctx *t, const struct args_fq3 *a, enum ir_op op, enum ir_fminmax kind)
{
        a64_put_vq(t, a->q, a->vd, minmax(t, a->sz, get(t, a->q, a->vn), get(t, a->q, a->vm), op, kind));
        return true;
}

static bool minmax_pairs(struct tctx *t, const struct args_fq3 *a, enum ir_op op, enum ir_fminmax kind)
{
        ir_ref even, odd;

        simd_pairs(t, a->q, fp_lane(a->sz), a64_get_v(t, a->vn), a64_get_v(t, a->vm), &even, &odd);
        a64_put_vq(t, a->q, a->vd, minmax(t, a->sz, even, odd, op, kind));
        return true;
}

static ir_ref second_lane(struct tctx *t, unsigned sz, unsigned reg)
{
        return ir_vec_imm(t->b, IR_OP_vduplane, fp_lane(sz), a64_get_v(t, reg), 0, 1);
}

static bool minmax_two(struct tctx *t, const struct args_fs2 *a, enum ir_op op, enum ir_fminmax kind)
{
        put_scalar(t, a->sz, a->vd, minmax(t, a->sz, get_scalar(t, a->sz, a->vn),
                                           second_lane(t, a->sz, a->vn), op, kind));
        return true;
}

bool tr_fmax_v(struct tctx *t, const struct args_fq3 *a) { return minmax_v(t, a, IR_OP_vfmax, IR_MM_NAN); }
bool tr_fmin_v(struct tctx *t, const struct args_fq3 *a) { return minmax_v(t, a, IR_OP_vfmin, IR_MM_NAN); }
bool tr_fmaxnm_v(struct tctx *t, const struct args_fq3 *a)
{
        return minmax_v(t, a, IR_OP_vfmax, IR_MM_NUM2008);
}

bool tr_fminnm_v(struct tctx *t, const struct args_fq3 *a)
{
        return minmax_v(t, a, IR_OP_vfmin, IR_MM_NUM2008);
}

bool tr_fmaxp_v(struct tctx *t, const struct args_fq3 *a)
{
        return minmax_pairs(t, a, IR_OP_vfmax, IR_MM_NAN);
}

bool tr_fminp_v(struct tctx *t, const struct args_fq3 *a)
{
        return minmax_pairs(t, a, IR_OP_vfmin, IR_MM_NAN);
}

bool tr_fmaxnmp_v(struct tctx *t, const struct args_fq3 *a)
{
        return minmax_pairs(t, a, IR_OP_vfmax, IR_MM_NUM2008);
}

bool tr_fminnmp_v(struct tctx *t, const struct args_fq3 *a)
{
        return minmax_pairs(t, a, IR_OP_vfmin, IR_MM_NUM2008);
}

bool tr_fmaxp_sc(struct tctx *t, const struct args_fs2 *a)
{
        return minmax_two(t, a, IR_OP_vfmax, IR_MM_NAN);
}

bool tr_fminp_sc(struct tctx *t, const struct args_fs2 *a)
{
        return minmax_two(t, a, IR_OP_vfmin, IR_MM_NAN);
}

bool tr_fmaxnmp_sc(struct tctx *t, const struct args_fs2 *a)
{
        return minmax_two(t, a, IR_OP_vfmax, IR_MM_NUM2008);
}

bool tr_fminnmp_sc(struct tctx *t, const struct args_fs2 *a)
{
        return minmax_two(t, a, IR_OP_vfmin, IR_MM_NUM2008);
}

bool tr_faddp_v(struct tctx *t, const struct args_fq3 *a)
{
        ir_ref even, odd;

        simd_pairs(t, a->q, fp_lane(a->sz), a64_get_v(t, a->vn), a64_get_v(t, a->vm), &even, &odd);
        a64_put_vq(t, a->q, a->vd, arith(t, IR_OP_vfadd, a->sz, even, odd));
        return true;
}

bool tr_faddp_sc(struct tctx *t, const struct args_fs2 *a)
{
        put_scalar(t, a->sz, a->vd, arith(t, IR_OP_vfadd, a->sz, get_scalar(t, a->sz, a->vn),
                                          second_lane(t, a->sz, a->vn)));
        return true;
}

/* Of four: of each half's two, then of the results (Reduce in the manual), all singles. */
static bool across(struct tctx *t, const struct args_v1 *a, enum ir_op op, enum ir_fminmax kind)
{
        ir_ref v = a64_get_v(t, a->vn), even = ir_vec2(t->b, IR_OP_vuzpe, IR_X32, v, v);
        ir_ref halves = minmax(t, 0, even, ir_vec2(t->b, IR_OP_vuzpo, IR_X32, v, v), op, kind);

        put_scalar(t, 0, a->vd, minmax(t, 0, ir_vec_imm(t->b, IR_OP_vduplane, IR_X32, halves, 0, 0),
                                       ir_vec_imm(t->b, IR_OP_vduplane, IR_X32, halves, 0, 1), op, kind));
        return true;
}

bool tr_fmaxv(struct tctx *t, const struct args_v1 *a) { return across(t, a, IR_OP_vfmax, IR_MM_NAN); }
bool tr_fminv(struct tctx *t, const struct args_v1 *a) { return across(t, a, IR_OP_vfmin, IR_MM_NAN); }
bool tr_fmaxnmv(struct tctx *t, const struct args_v1 *a) { return across(t, a, IR_OP_vfmax, IR_MM_NUM2008); }
bool tr_fminnmv(struct tctx *t, const struct args_v1 *a) { return across(t, a, IR_OP_vfmin, IR_MM_NUM2008); }

/* ---- comparison: greater is less with the operands swapped ---- */

static ir_ref compare(struct tctx *t, unsigned sz, enum ir_fcond c, bool swap, bool absolute, ir_ref x,
                      ir_ref y)
{
        if (absolute) {
                x = vabs(t, sz, x);
                y = vabs(t, sz, y);
        }
        return ir_vfcmp(t->b, fp_lane(sz), false, c, 0, swap ? y : x, swap ? x : y);
}

#define FPCMP(name, cond, swap, absolute) \
        bool tr_##name##_v(struct tctx *t, const struct args_fq3 *a) \
        { \
                a64_put_vq(t, a->q, a->vd, compare(t, a->sz, cond, swap, absolute, get(t, a->q, a->vn), \
                                                   get(t, a->q, a->vm))); \
                return true; \
        } \
        bool tr_##name##_sc(struct tctx *t, const struct args_fs3 *a) \
        { \
                put_scalar(t, a->sz, a->vd, compare(t, a->sz, cond, swap, absolute, \
                                                    get_scalar(t, a->sz, a->vn), \
                                                    get_scalar(t, a->sz, a->vm))); \
                return true; \
        }
FPCMP(fcmeq, IR_FEQ, false, false)
FPCMP(fcmge, IR_FLE, true, false)
FPCMP(fcmgt, IR_FLT, true, false)
FPCMP(facge, IR_FLE, true, true)
FPCMP(facgt, IR_FLT, true, true)

#define FPCMP0(name, cond, swap) \
        bool tr_##name##_vzero(struct tctx *t, const struct args_fq2 *a) \
        { \
                a64_put_vq(t, a->q, a->vd, compare(t, a->sz, cond, swap, false, get(t, a->q, a->vn), \
                                                   simd_zero(t))); \
                return true; \
        } \
        bool tr_##name##_sczero(struct tctx *t, const struct args_fs2 *a) \
        { \
                put_scalar(t, a->sz, a->vd, compare(t, a->sz, cond, swap, false, \
                                                    get_scalar(t, a->sz, a->vn), simd_zero(t))); \
                return true; \
        }
FPCMP0(fcmeq, IR_FEQ, false)
FPCMP0(fcmge, IR_FLE, true)
FPCMP0(fcmgt, IR_FLT, true)
FPCMP0(fcmle, IR_FLE, false)
FPCMP0(fcmlt, IR_FLT, false)

/* ---- two registers ---- */

bool tr_fabs_v(struct tctx *t, const struct args_fq2 *a)
{
        a64_put_vq(t, a->q, a->vd, vabs(t, a->sz, a64_get_v(t, a->vn)));
        return true;
}

bool tr_fneg_v(struct tctx *t, const struct args_fq2 *a)
{
        a64_put_vq(t, a->q, a->vd, ir_vec2(t->b, IR_OP_vxor, IR_X64, a64_get_v(t, a->vn),
                                           sign_bits(t, a->sz)));
        return true;
}

bool tr_fsqrt_v(struct tctx *t, const struct args_fq2 *a)
{
        ir_ref v = get(t, a->q, a->vn);

        a64_put_vq(t, a->q, a->vd, arith(t, IR_OP_vfsqrt, a->sz, v, v));
        return true;
}

static bool round_to(struct tctx *t, const struct args_fq2 *a, enum ir_round rm, bool exact)
{
        a64_put_vq(t, a->q, a->vd, ir_vfround(t->b, fp_lane(a->sz), rm, exact, get(t, a->q, a->vn)));
        return true;
}

bool tr_frintn_v(struct tctx *t, const struct args_fq2 *a) { return round_to(t, a, IR_RM_RNE, false); }
bool tr_frintp_v(struct tctx *t, const struct args_fq2 *a) { return round_to(t, a, IR_RM_RUP, false); }
bool tr_frintm_v(struct tctx *t, const struct args_fq2 *a) { return round_to(t, a, IR_RM_RDN, false); }
bool tr_frintz_v(struct tctx *t, const struct args_fq2 *a) { return round_to(t, a, IR_RM_RTZ, false); }
bool tr_frinta_v(struct tctx *t, const struct args_fq2 *a) { return round_to(t, a, IR_RM_RMM, false); }
bool tr_frintx_v(struct tctx *t, const struct args_fq2 *a) { return round_to(t, a, IR_RM_MODE, true); }
bool tr_frinti_v(struct tctx *t, const struct args_fq2 *a) { return round_to(t, a, IR_RM_MODE, false); }

#define FCVT(name, op, rm, is_unsigned) \
        bool tr_##name##_v(struct tctx *t, const struct args_fq2 *a) \
        { \
                a64_put_vq(t, a->q, a->vd, ir_vfcvt(t->b, op, fp_lane(a->sz), rm, is_unsigned, \
                                                    get(t, a->q, a->vn))); \
                return true; \
        } \
        bool tr_##name##_sc(struct tctx *t, const struct args_fs2 *a) \
        { \
                put_scalar(t, a->sz, a->vd, ir_vfcvt(t->b, op, fp_lane(a->sz), rm, is_unsigned, \
                                                     get_scalar(t, a->sz, a->vn))); \
                return true; \
        }
FCVT(fcvtns, IR_OP_vfcvt_fi, IR_RM_RNE, false)
FCVT(fcvtnu, IR_OP_vfcvt_fi, IR_RM_RNE, true)
FCVT(fcvtas, IR_OP_vfcvt_fi, IR_RM_RMM, false)
FCVT(fcvtau, IR_OP_vfcvt_fi, IR_RM_RMM, true)
FCVT(fcvtps, IR_OP_vfcvt_fi, IR_RM_RUP, false)
FCVT(fcvtpu, IR_OP_vfcvt_fi, IR_RM_RUP, true)
FCVT(fcvtms, IR_OP_vfcvt_fi, IR_RM_RDN, false)
FCVT(fcvtmu, IR_OP_vfcvt_fi, IR_RM_RDN, true)
FCVT(fcvtzs, IR_OP_vfcvt_fi, IR_RM_RTZ, false)
FCVT(fcvtzu, IR_OP_vfcvt_fi, IR_RM_RTZ, true)
FCVT(scvtf, IR_OP_vfcvt_if, IR_RM_MODE, false)
FCVT(ucvtf, IR_OP_vfcvt_if, IR_RM_MODE, true)

/* Between singles and doubles by the IR; halves one by one. */
static ir_ref narrow_half(struct tctx *t, unsigned vn)
{
        bool alternative = t->req->mode & A64_MODE_AHP;
        ir_ref v = simd_zero(t);

        for (unsigned n = 0; n < 4; n++) {
                ir_ref x = ir_vpick(t->b, IR_F32, IR_X32, a64_get_v(t, vn), n);

                v = ir_vput(t->b, IR_X16, v, n, ir_fcvt_fh(t->b, IR_RM_MODE, alternative, x));
        }
        return v;
}

bool tr_fcvtn(struct tctx *t, const struct args_fq2 *a)
{
        ir_ref v = a->sz ? ir_vfcvt(t->b, IR_OP_vfcvt_down, IR_X64, IR_RM_MODE, false, a64_get_v(t, a->vn)) :
                           narrow_half(t, a->vn);

        if (a->q)
                a64_put_v(t, a->vd, simd_concat(t, a64_get_v(t, a->vd), v));
        else
                a64_put_vq(t, false, a->vd, v);
        return true;
}

bool tr_fcvtl(struct tctx *t, const struct args_fq2 *a)
{
        bool alternative = t->req->mode & A64_MODE_AHP;
        ir_ref v = a64_get_v(t, a->vn), r = simd_zero(t);

        if (a->sz) {
                if (a->q)
                        v = ir_vec_imm(t->b, IR_OP_vduplane, IR_X64, v, 0, 1);
                r = ir_vfcvt(t->b, IR_OP_vfcvt_up, IR_X32, IR_RM_MODE, false, v);
        } else {
                for (unsigned n = 0; n < 4; n++) {
                        ir_ref h = ir_vpick(t->b, IR_I32, IR_X16, v, n + 4 * a->q);

                        r = ir_vput(t->b, IR_X32, r, n, ir_fcvt_hf(t->b, IR_F32, alternative, h));
                }
        }
        a64_put_v(t, a->vd, r);
        return true;
}

/* ---- by a lane ---- */

static ir_ref lane(struct tctx *t, unsigned sz, unsigned vm, unsigned idx)
{
        return ir_vec_imm(t->b, IR_OP_vduplane, fp_lane(sz), a64_get_v(t, vm), 0, idx);
}

bool tr_fmul_els(struct tctx *t, const struct args_fqel *a)
{
        a64_put_vq(t, a->q, a->vd, arith(t, IR_OP_vfmul, a->sz, get(t, a->q, a->vn),
                                         lane(t, a->sz, a->vm, a->idx)));
        return true;
}

static bool muladd_lane(struct tctx *t, const struct args_fqel *a, bool neg)
{
        a64_put_vq(t, a->q, a->vd, ir_vfma(t->b, fp_lane(a->sz), IR_RM_MODE, neg, get(t, a->q, a->vn),
                                           lane(t, a->sz, a->vm, a->idx), get(t, a->q, a->vd)));
        return true;
}

bool tr_fmla_els(struct tctx *t, const struct args_fqel *a) { return muladd_lane(t, a, false); }
bool tr_fmls_els(struct tctx *t, const struct args_fqel *a) { return muladd_lane(t, a, true); }

bool tr_fmul_scels(struct tctx *t, const struct args_fsel *a)
{
        put_scalar(t, a->sz, a->vd, arith(t, IR_OP_vfmul, a->sz, get_scalar(t, a->sz, a->vn),
                                          lane(t, a->sz, a->vm, a->idx)));
        return true;
}

static bool muladd_lane_scalar(struct tctx *t, const struct args_fsel *a, bool neg)
{
        put_scalar(t, a->sz, a->vd, ir_vfma(t->b, fp_lane(a->sz), IR_RM_MODE, neg,
                                            get_scalar(t, a->sz, a->vn),
                                            lane(t, a->sz, a->vm, a->idx), get_scalar(t, a->sz, a->vd)));
        return true;
}

bool tr_fmla_scels(struct tctx *t, const struct args_fsel *a) { return muladd_lane_scalar(t, a, false); }
bool tr_fmls_scels(struct tctx *t, const struct args_fsel *a) { return muladd_lane_scalar(t, a, true); }
