/* SPDX-License-Identifier: MIT */
/*
 * Scalar floating point of single and double precision (Arm ARM C7). Rounding, NaNs, flushing and how
 * underflow is told are the region's (a64_fp_mode). Half precision is converted from and to; its arithmetic
 * is not translated.
 */
#include "a64_translate.h"

#include "frontend/arm/disas.h"
#include "frontend/arm/translate.h"

static enum ir_type fp_type(unsigned ftype)
{
        return ftype == 1 ? IR_F64 : IR_F32;
}

static enum ir_type bits_type(unsigned ftype)
{
        return ftype == 1 ? IR_I64 : IR_I32;
}

static ir_ref get(struct tctx *t, unsigned ftype, unsigned reg)
{
        return a64_get_fp(t, fp_type(ftype), reg);
}

#define DOUBLE_ONE 0x3ff0000000000000
#define DOUBLE_2_64 0x43f0000000000000

/* A power of two that both formats hold. */
static ir_ref power_of_two(struct tctx *t, unsigned ftype, int exponent)
{
        if (ftype == 1)
                return ir_const(t->b, IR_F64, (int64_t)((uint64_t)(1023 + exponent) << 52));
        return ir_const(t->b, IR_F32, (int64_t)((uint32_t)(127 + exponent) << 23));
}

/* ---- one source ---- */

bool tr_fmov(struct tctx *t, const struct args_f1 *a)
{
        a64_put_fp(t, a->vd, get(t, a->ftype, a->vn));
        return true;
}

bool tr_fabs(struct tctx *t, const struct args_f1 *a)
{
        a64_put_fp(t, a->vd, ir_fabs(t->b, get(t, a->ftype, a->vn)));
        return true;
}

bool tr_fneg(struct tctx *t, const struct args_f1 *a)
{
        a64_put_fp(t, a->vd, ir_fneg(t->b, get(t, a->ftype, a->vn)));
        return true;
}

bool tr_fsqrt(struct tctx *t, const struct args_f1 *a)
{
        a64_put_fp(t, a->vd, ir_fp1(t->b, IR_OP_fsqrt, IR_RM_MODE, get(t, a->ftype, a->vn)));
        return true;
}

static bool round_to(struct tctx *t, const struct args_f1 *a, enum ir_round rm, bool exact)
{
        a64_put_fp(t, a->vd, ir_fround(t->b, rm, exact, get(t, a->ftype, a->vn)));
        return true;
}

bool tr_frintn(struct tctx *t, const struct args_f1 *a) { return round_to(t, a, IR_RM_RNE, false); }
bool tr_frintp(struct tctx *t, const struct args_f1 *a) { return round_to(t, a, IR_RM_RUP, false); }
bool tr_frintm(struct tctx *t, const struct args_f1 *a) { return round_to(t, a, IR_RM_RDN, false); }
bool tr_frintz(struct tctx *t, const struct args_f1 *a) { return round_to(t, a, IR_RM_RTZ, false); }
bool tr_frinta(struct tctx *t, const struct args_f1 *a) { return round_to(t, a, IR_RM_RMM, false); }
bool tr_frintx(struct tctx *t, const struct args_f1 *a) { return round_to(t, a, IR_RM_MODE, true); }
bool tr_frinti(struct tctx *t, const struct args_f1 *a) { return round_to(t, a, IR_RM_MODE, false); }

static bool convert(struct tctx *t, const struct args_v1 *a, enum ir_type from, enum ir_type to)
{
        a64_put_fp(t, a->vd, ir_fcvt_ff(t->b, IR_RM_MODE, to, a64_get_fp(t, from, a->vn)));
        return true;
}

bool tr_fcvt_sd(struct tctx *t, const struct args_v1 *a) { return convert(t, a, IR_F32, IR_F64); }
bool tr_fcvt_ds(struct tctx *t, const struct args_v1 *a) { return convert(t, a, IR_F64, IR_F32); }

static bool alternative(const struct tctx *t)
{
        return t->req->mode & A64_MODE_AHP;
}

static bool from_half(struct tctx *t, const struct args_v1 *a, enum ir_type to)
{
        ir_ref h = ir_zext16(t->b, a64_get_fp(t, IR_I32, a->vn));

        a64_put_fp(t, a->vd, ir_fcvt_hf(t->b, to, alternative(t), h));
        return true;
}

static bool to_half(struct tctx *t, const struct args_v1 *a, enum ir_type from)
{
        a64_put_fp(t, a->vd, ir_fcvt_fh(t->b, IR_RM_MODE, alternative(t), a64_get_fp(t, from, a->vn)));
        return true;
}

bool tr_fcvt_hs(struct tctx *t, const struct args_v1 *a) { return from_half(t, a, IR_F32); }
bool tr_fcvt_hd(struct tctx *t, const struct args_v1 *a) { return from_half(t, a, IR_F64); }
bool tr_fcvt_sh(struct tctx *t, const struct args_v1 *a) { return to_half(t, a, IR_F32); }
bool tr_fcvt_dh(struct tctx *t, const struct args_v1 *a) { return to_half(t, a, IR_F64); }

/* ---- two sources ---- */

static bool arith(struct tctx *t, const struct args_f2 *a, enum ir_op op)
{
        a64_put_fp(t, a->vd, ir_fp2(t->b, op, IR_RM_MODE, get(t, a->ftype, a->vn), get(t, a->ftype, a->vm)));
        return true;
}

bool tr_fadd(struct tctx *t, const struct args_f2 *a) { return arith(t, a, IR_OP_fadd); }
bool tr_fsub(struct tctx *t, const struct args_f2 *a) { return arith(t, a, IR_OP_fsub); }
bool tr_fmul(struct tctx *t, const struct args_f2 *a) { return arith(t, a, IR_OP_fmul); }
bool tr_fdiv(struct tctx *t, const struct args_f2 *a) { return arith(t, a, IR_OP_fdiv); }

bool tr_fnmul(struct tctx *t, const struct args_f2 *a)
{
        ir_ref p = ir_fp2(t->b, IR_OP_fmul, IR_RM_MODE, get(t, a->ftype, a->vn), get(t, a->ftype, a->vm));

        a64_put_fp(t, a->vd, ir_fneg(t->b, p));
        return true;
}

static bool minmax(struct tctx *t, const struct args_f2 *a, enum ir_op op, enum ir_fminmax kind)
{
        a64_put_fp(t, a->vd, ir_fminmax(t->b, op, kind, get(t, a->ftype, a->vn), get(t, a->ftype, a->vm)));
        return true;
}

bool tr_fmax(struct tctx *t, const struct args_f2 *a) { return minmax(t, a, IR_OP_fmax, IR_MM_NAN); }
bool tr_fmin(struct tctx *t, const struct args_f2 *a) { return minmax(t, a, IR_OP_fmin, IR_MM_NAN); }
bool tr_fmaxnm(struct tctx *t, const struct args_f2 *a) { return minmax(t, a, IR_OP_fmax, IR_MM_NUM2008); }
bool tr_fminnm(struct tctx *t, const struct args_f2 *a) { return minmax(t, a, IR_OP_fmin, IR_MM_NUM2008); }

/* ---- three sources: the operands are negated, NaN or not ---- */

static bool muladd(struct tctx *t, const struct args_f3 *a, bool neg_n, bool neg_a)
{
        a64_put_fp(t, a->vd, ir_fma_neg_operands(t->b, IR_RM_MODE, neg_n, neg_a, get(t, a->ftype, a->vn),
                                                 get(t, a->ftype, a->vm), get(t, a->ftype, a->va)));
        return true;
}

bool tr_fmadd(struct tctx *t, const struct args_f3 *a) { return muladd(t, a, false, false); }
bool tr_fmsub(struct tctx *t, const struct args_f3 *a) { return muladd(t, a, true, false); }
bool tr_fnmadd(struct tctx *t, const struct args_f3 *a) { return muladd(t, a, true, true); }
bool tr_fnmsub(struct tctx *t, const struct args_f3 *a) { return muladd(t, a, false, true); }

/* ---- comparison: the flags by sign are PSTATE's, with C as a borrow ---- */

bool tr_fcmp(struct tctx *t, const struct args_fcmp *a)
{
        a64_put_flags(t, ir_fl_fcmp(t->b, IR_FL_BY_SIGN, get(t, a->ftype, a->vn), get(t, a->ftype, a->vm)));
        return true;
}

bool tr_fcmpe(struct tctx *t, const struct args_fcmp *a)
{
        a64_put_flags(t, ir_fl_fcmp(t->b, IR_FL_BY_SIGN | IR_FL_SIGNALS, get(t, a->ftype, a->vn),
                                    get(t, a->ftype, a->vm)));
        return true;
}

bool tr_fcmp_zero(struct tctx *t, const struct args_fcmp0 *a)
{
        a64_put_flags(t, ir_fl_fcmp(t->b, IR_FL_BY_SIGN, get(t, a->ftype, a->vn),
                                    ir_const(t->b, fp_type(a->ftype), 0)));
        return true;
}

bool tr_fcmpe_zero(struct tctx *t, const struct args_fcmp0 *a)
{
        a64_put_flags(t, ir_fl_fcmp(t->b, IR_FL_BY_SIGN | IR_FL_SIGNALS, get(t, a->ftype, a->vn),
                                    ir_const(t->b, fp_type(a->ftype), 0)));
        return true;
}

/* Only where the condition holds is anything compared, and may raise flags: the block ends with both ways. */
static bool cond_compare(struct tctx *t, const struct args_fccmp *a, unsigned form)
{
        ir_ref x = get(t, a->ftype, a->vn), y = get(t, a->ftype, a->vm);
        uint32_t compare, other;
        enum ir_flcond c;

        if (!a64_condition(a->cond, &c)) {
                a64_put_flags(t, ir_fl_fcmp(t->b, form, x, y));
                return true;
        }
        compare = ir_block_new(t->b);
        other = ir_block_new(t->b);
        ir_fl_br(t->b, c, a64_get_flags(t), compare, other);
        ir_builder_at(t->b, compare);
        a64_put_flags(t, ir_fl_fcmp(t->b, form, get(t, a->ftype, a->vn), get(t, a->ftype, a->vm)));
        ir_exit_jump(t->b, t->next, false);
        ir_builder_at(t->b, other);
        a64_put_flags(t, a64_flags_const(t, a->nzcv));
        ir_exit_jump(t->b, t->next, false);
        t->ended = true;
        return true;
}

bool tr_fccmp(struct tctx *t, const struct args_fccmp *a) { return cond_compare(t, a, IR_FL_BY_SIGN); }
bool tr_fccmpe(struct tctx *t, const struct args_fccmp *a)
{
        return cond_compare(t, a, IR_FL_BY_SIGN | IR_FL_SIGNALS);
}

/* ---- select, immediate ---- */

bool tr_fcsel(struct tctx *t, const struct args_fcsel *a)
{
        enum ir_type type = bits_type(a->ftype);
        ir_ref x = a64_get_fp(t, type, a->vn), y = a64_get_fp(t, type, a->vm);
        enum ir_flcond c;

        if (a64_condition(a->cond, &c))
                x = ir_select(t->b, IR_NE, ir_fl_test(t->b, c, a64_get_flags(t)), a64_const64(t, 0), x, y);
        a64_put_fp(t, a->vd, x);
        return true;
}

bool tr_fmov_imm(struct tctx *t, const struct args_fimm *a)
{
        a64_put_v(t, a->vd, ir_vconst(t->b, a->ftype == 1 ? a64_fp_imm(a->imm) : a64_fp_imm32(a->imm), 0));
        return true;
}

/* ---- integers and fixed point ---- */

static bool to_int(struct tctx *t, const struct args_fi *a, enum ir_round rm, bool is_unsigned)
{
        a64_put(t, a->sf, a->rd, ir_fcvt_fi(t->b, rm, a64_type(a->sf), is_unsigned, get(t, a->ftype, a->vn)));
        return true;
}

bool tr_fcvtns(struct tctx *t, const struct args_fi *a) { return to_int(t, a, IR_RM_RNE, false); }
bool tr_fcvtnu(struct tctx *t, const struct args_fi *a) { return to_int(t, a, IR_RM_RNE, true); }
bool tr_fcvtas(struct tctx *t, const struct args_fi *a) { return to_int(t, a, IR_RM_RMM, false); }
bool tr_fcvtau(struct tctx *t, const struct args_fi *a) { return to_int(t, a, IR_RM_RMM, true); }
bool tr_fcvtps(struct tctx *t, const struct args_fi *a) { return to_int(t, a, IR_RM_RUP, false); }
bool tr_fcvtpu(struct tctx *t, const struct args_fi *a) { return to_int(t, a, IR_RM_RUP, true); }
bool tr_fcvtms(struct tctx *t, const struct args_fi *a) { return to_int(t, a, IR_RM_RDN, false); }
bool tr_fcvtmu(struct tctx *t, const struct args_fi *a) { return to_int(t, a, IR_RM_RDN, true); }
bool tr_fcvtzs(struct tctx *t, const struct args_fi *a) { return to_int(t, a, IR_RM_RTZ, false); }
bool tr_fcvtzu(struct tctx *t, const struct args_fi *a) { return to_int(t, a, IR_RM_RTZ, true); }

static bool from_int(struct tctx *t, const struct args_fif *a, bool is_unsigned)
{
        a64_put_fp(t, a->vd, ir_fcvt_if(t->b, IR_RM_MODE, fp_type(a->ftype), is_unsigned,
                                        a64_get(t, a->sf, a->rn)));
        return true;
}

bool tr_scvtf(struct tctx *t, const struct args_fif *a) { return from_int(t, a, false); }
bool tr_ucvtf(struct tctx *t, const struct args_fif *a) { return from_int(t, a, true); }

/* The integer is rounded once; the power of two it is then multiplied by changes its exponent alone. */
static bool from_fixed(struct tctx *t, const struct args_fixif *a, bool is_unsigned)
{
        ir_ref v = ir_fcvt_if(t->b, IR_RM_MODE, fp_type(a->ftype), is_unsigned, a64_get(t, a->sf, a->rn));

        a64_put_fp(t, a->vd, ir_fp2(t->b, IR_OP_fmul, IR_RM_MODE, v,
                                    power_of_two(t, a->ftype, a->frac - 64)));
        return true;
}

bool tr_scvtf_fix(struct tctx *t, const struct args_fixif *a) { return from_fixed(t, a, false); }
bool tr_ucvtf_fix(struct tctx *t, const struct args_fixif *a) { return from_fixed(t, a, true); }

/*
 * Multiplied by the power of two, then truncated. What is 2^64 and more saturates in any case and is
 * multiplied by one, that the product may not overflow; NaNs are among it.
 */
static bool to_fixed(struct tctx *t, const struct args_fixfi *a, bool is_unsigned)
{
        ir_ref v = a64_get_fp(t, IR_F64, a->vn), bits, big, factor, one;

        if (a->ftype == 0)
                v = ir_fcvt_ff(t->b, IR_RM_MODE, IR_F64, a64_get_fp(t, IR_F32, a->vn));
        bits = ir_and(t->b, ir_bitcast(t->b, v), a64_const64(t, INT64_MAX));
        big = a64_const64(t, DOUBLE_2_64);
        one = a64_const64(t, DOUBLE_ONE);
        factor = a64_const64(t, (int64_t)((uint64_t)(1023 + 64 - a->frac) << 52));
        factor = ir_bitcast(t->b, ir_select(t->b, IR_GEU, bits, big, one, factor));
        v = ir_fp2(t->b, IR_OP_fmul, IR_RM_MODE, v, factor);
        a64_put(t, a->sf, a->rd, ir_fcvt_fi(t->b, IR_RM_RTZ, a64_type(a->sf), is_unsigned, v));
        return true;
}

bool tr_fcvtzs_fix(struct tctx *t, const struct args_fixfi *a) { return to_fixed(t, a, false); }
bool tr_fcvtzu_fix(struct tctx *t, const struct args_fixfi *a) { return to_fixed(t, a, true); }

bool tr_fjcvtzs(struct tctx *t, const struct args_vr *a)
{
        ir_ref both = ir_call(t->b, &a64_helper_fjcvtzs, a64_get_fp(t, IR_I64, a->vn),
                              a64_const64(t, (t->req->mode & A64_MODE_FZ) != 0), 0, 0);

        a64_put_flags(t, ir_fl_with(t->b, a64_flags_const(t, 0), IR_FLAG_Z, ir_extu(t->b, both, 32, 1)));
        a64_put_x(t, a->rd, ir_extu(t->b, both, 0, 32));
        return true;
}

/* ---- between the register files ---- */

bool tr_fmov_ws(struct tctx *t, const struct args_vr *a)
{
        a64_put(t, false, a->rd, a64_get_fp(t, IR_I32, a->vn));
        return true;
}

bool tr_fmov_xd(struct tctx *t, const struct args_vr *a)
{
        a64_put_x(t, a->rd, a64_get_fp(t, IR_I64, a->vn));
        return true;
}

bool tr_fmov_xd1(struct tctx *t, const struct args_vr *a)
{
        a64_put_x(t, a->rd, ir_vpick(t->b, IR_I64, IR_X64, a64_get_v(t, a->vn), 1));
        return true;
}

bool tr_fmov_sw(struct tctx *t, const struct args_rv *a)
{
        a64_put_fp(t, a->vd, a64_get(t, false, a->rn));
        return true;
}

bool tr_fmov_dx(struct tctx *t, const struct args_rv *a)
{
        a64_put_fp(t, a->vd, a64_get_x(t, a->rn));
        return true;
}

bool tr_fmov_d1x(struct tctx *t, const struct args_rv *a)
{
        a64_put_v(t, a->vd, ir_vput(t->b, IR_X64, a64_get_v(t, a->vd), 1, a64_get_x(t, a->rn)));
        return true;
}
