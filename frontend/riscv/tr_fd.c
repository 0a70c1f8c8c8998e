/* SPDX-License-Identifier: MIT */
/*
 * F and D (volume I, chapters 20 and 21). Singles live NaN-boxed in 64-bit registers: reading one that is not
 * boxed gives the default NaN. Arithmetic is the IR's, with the region's FP mode; FS Off makes all of it
 * illegal.
 */
#include "rv_translate.h"

#include "frontend/riscv/translate.h"

static ir_ref get_f(struct tctx *t, enum ir_type type, unsigned reg)
{
        return type == IR_F32 ? rv_get_f32(t, reg) : rv_get_f64(t, reg);
}

static bool put_f(struct tctx *t, enum ir_type type, unsigned reg, ir_ref v)
{
        if (type == IR_F32)
                rv_put_f32(t, reg, v);
        else
                rv_put_f64(t, reg, v);
        return true;
}

/* ---- loads and stores: bits as they are, whatever they mean ---- */

bool tr_flw(struct tctx *t, const struct args_fload *a)
{
        struct ir_mem mem = {.size_log2 = 2};

        if (!rv_fp_on(t))
                return false;
        rv_put_f32(t, a->fd, ir_load(t->b, IR_F32, mem, rv_addr(t, a->rs1), a->imm));
        return true;
}

bool tr_fld(struct tctx *t, const struct args_fload *a)
{
        struct ir_mem mem = {.size_log2 = 3};

        if (!rv_fp_on(t))
                return false;
        rv_put_f64(t, a->fd, ir_load(t->b, IR_F64, mem, rv_addr(t, a->rs1), a->imm));
        return true;
}

/* The low half of the register, boxed or not. */
static ir_ref low_word(struct tctx *t, unsigned reg)
{
        return ir_trunc(t->b, ir_bitcast(t->b, rv_get_f64(t, reg)));
}

bool tr_fsw(struct tctx *t, const struct args_fstore *a)
{
        struct ir_mem mem = {.size_log2 = 2, .write = 1};

        if (!rv_fp_on(t))
                return false;
        ir_store(t->b, mem, rv_addr(t, a->rs1), a->imm, low_word(t, a->fs2));
        return true;
}

bool tr_fsd(struct tctx *t, const struct args_fstore *a)
{
        struct ir_mem mem = {.size_log2 = 3, .write = 1};

        if (!rv_fp_on(t))
                return false;
        ir_store(t->b, mem, rv_addr(t, a->rs1), a->imm, rv_get_f64(t, a->fs2));
        return true;
}

/* ---- arithmetic ---- */

static bool fp2r(struct tctx *t, const struct args_fp2r *a, enum ir_type type, enum ir_op op)
{
        enum ir_round rm;

        if (!rv_fp_on(t) || !rv_round(t, a->rm, &rm))
                return false;
        return put_f(t, type, a->fd, ir_fp2(t->b, op, rm, get_f(t, type, a->fs1), get_f(t, type, a->fs2)));
}

bool tr_fadd_s(struct tctx *t, const struct args_fp2r *a) { return fp2r(t, a, IR_F32, IR_OP_fadd); }
bool tr_fsub_s(struct tctx *t, const struct args_fp2r *a) { return fp2r(t, a, IR_F32, IR_OP_fsub); }
bool tr_fmul_s(struct tctx *t, const struct args_fp2r *a) { return fp2r(t, a, IR_F32, IR_OP_fmul); }
bool tr_fdiv_s(struct tctx *t, const struct args_fp2r *a) { return fp2r(t, a, IR_F32, IR_OP_fdiv); }
bool tr_fadd_d(struct tctx *t, const struct args_fp2r *a) { return fp2r(t, a, IR_F64, IR_OP_fadd); }
bool tr_fsub_d(struct tctx *t, const struct args_fp2r *a) { return fp2r(t, a, IR_F64, IR_OP_fsub); }
bool tr_fmul_d(struct tctx *t, const struct args_fp2r *a) { return fp2r(t, a, IR_F64, IR_OP_fmul); }
bool tr_fdiv_d(struct tctx *t, const struct args_fp2r *a) { return fp2r(t, a, IR_F64, IR_OP_fdiv); }

static bool fsqrt(struct tctx *t, const struct args_fp1r *a, enum ir_type type)
{
        enum ir_round rm;

        if (!rv_fp_on(t) || !rv_round(t, a->rm, &rm))
                return false;
        return put_f(t, type, a->fd, ir_fp1(t->b, IR_OP_fsqrt, rm, get_f(t, type, a->fs1)));
}

bool tr_fsqrt_s(struct tctx *t, const struct args_fp1r *a) { return fsqrt(t, a, IR_F32); }
bool tr_fsqrt_d(struct tctx *t, const struct args_fp1r *a) { return fsqrt(t, a, IR_F64); }

static bool fma4(struct tctx *t, const struct args_fma *a, enum ir_type type, bool neg_product, bool neg_c)
{
        enum ir_round rm;

        if (!rv_fp_on(t) || !rv_round(t, a->rm, &rm))
                return false;
        return put_f(t, type, a->fd, ir_fma(t->b, rm, neg_product, neg_c, get_f(t, type, a->fs1),
                                            get_f(t, type, a->fs2), get_f(t, type, a->fs3)));
}

bool tr_fmadd_s(struct tctx *t, const struct args_fma *a) { return fma4(t, a, IR_F32, false, false); }
bool tr_fmsub_s(struct tctx *t, const struct args_fma *a) { return fma4(t, a, IR_F32, false, true); }
bool tr_fnmsub_s(struct tctx *t, const struct args_fma *a) { return fma4(t, a, IR_F32, true, false); }
bool tr_fnmadd_s(struct tctx *t, const struct args_fma *a) { return fma4(t, a, IR_F32, true, true); }
bool tr_fmadd_d(struct tctx *t, const struct args_fma *a) { return fma4(t, a, IR_F64, false, false); }
bool tr_fmsub_d(struct tctx *t, const struct args_fma *a) { return fma4(t, a, IR_F64, false, true); }
bool tr_fnmsub_d(struct tctx *t, const struct args_fma *a) { return fma4(t, a, IR_F64, true, false); }
bool tr_fnmadd_d(struct tctx *t, const struct args_fma *a) { return fma4(t, a, IR_F64, true, true); }

static bool fsgnj(struct tctx *t, const struct args_fp2 *a, enum ir_type type, unsigned kind)
{
        if (!rv_fp_on(t))
                return false;
        return put_f(t, type, a->fd, ir_fsgnj(t->b, kind, get_f(t, type, a->fs1), get_f(t, type, a->fs2)));
}

bool tr_fsgnj_s(struct tctx *t, const struct args_fp2 *a) { return fsgnj(t, a, IR_F32, 0); }
bool tr_fsgnjn_s(struct tctx *t, const struct args_fp2 *a) { return fsgnj(t, a, IR_F32, 1); }
bool tr_fsgnjx_s(struct tctx *t, const struct args_fp2 *a) { return fsgnj(t, a, IR_F32, 2); }
bool tr_fsgnj_d(struct tctx *t, const struct args_fp2 *a) { return fsgnj(t, a, IR_F64, 0); }
bool tr_fsgnjn_d(struct tctx *t, const struct args_fp2 *a) { return fsgnj(t, a, IR_F64, 1); }
bool tr_fsgnjx_d(struct tctx *t, const struct args_fp2 *a) { return fsgnj(t, a, IR_F64, 2); }

static bool fminmax(struct tctx *t, const struct args_fp2 *a, enum ir_type type, bool max)
{
        ir_ref x, y;

        if (!rv_fp_on(t))
                return false;
        x = get_f(t, type, a->fs1);
        y = get_f(t, type, a->fs2);
        return put_f(t, type, a->fd, max ? ir_fmax(t->b, x, y) : ir_fmin(t->b, x, y));
}

bool tr_fmin_s(struct tctx *t, const struct args_fp2 *a) { return fminmax(t, a, IR_F32, false); }
bool tr_fmax_s(struct tctx *t, const struct args_fp2 *a) { return fminmax(t, a, IR_F32, true); }
bool tr_fmin_d(struct tctx *t, const struct args_fp2 *a) { return fminmax(t, a, IR_F64, false); }
bool tr_fmax_d(struct tctx *t, const struct args_fp2 *a) { return fminmax(t, a, IR_F64, true); }

/* An integer result of an instruction that may raise flags. */
static bool put_x(struct tctx *t, unsigned rd, ir_ref v64)
{
        rv_fp_changed(t);
        rv_put(t, rd, rv_is64(t) ? v64 : ir_trunc(t->b, v64));
        return true;
}

static bool fcompare(struct tctx *t, const struct args_fcmp *a, enum ir_type type, enum ir_fcond c)
{
        if (!rv_fp_on(t))
                return false;
        return put_x(t, a->rd, ir_fcmp(t->b, c, get_f(t, type, a->fs1), get_f(t, type, a->fs2)));
}

bool tr_feq_s(struct tctx *t, const struct args_fcmp *a) { return fcompare(t, a, IR_F32, IR_FEQ); }
bool tr_flt_s(struct tctx *t, const struct args_fcmp *a) { return fcompare(t, a, IR_F32, IR_FLT); }
bool tr_fle_s(struct tctx *t, const struct args_fcmp *a) { return fcompare(t, a, IR_F32, IR_FLE); }
bool tr_feq_d(struct tctx *t, const struct args_fcmp *a) { return fcompare(t, a, IR_F64, IR_FEQ); }
bool tr_flt_d(struct tctx *t, const struct args_fcmp *a) { return fcompare(t, a, IR_F64, IR_FLT); }
bool tr_fle_d(struct tctx *t, const struct args_fcmp *a) { return fcompare(t, a, IR_F64, IR_FLE); }

/* ---- moves and classification ---- */

bool tr_fmv_x_w(struct tctx *t, const struct args_fx *a)
{
        if (!rv_fp_on(t))
                return false;
        rv_put32(t, a->rd, low_word(t, a->fs1));
        return true;
}

bool tr_fmv_x_d(struct tctx *t, const struct args_fx *a)
{
        if (!rv_fp_on(t))
                return false;
        rv_put(t, a->rd, ir_bitcast(t->b, rv_get_f64(t, a->fs1)));
        return true;
}

bool tr_fmv_w_x(struct tctx *t, const struct args_xf *a)
{
        if (!rv_fp_on(t))
                return false;
        rv_put_f32(t, a->fd, ir_bitcast(t->b, rv_get32(t, a->rs1)));
        return true;
}

bool tr_fmv_d_x(struct tctx *t, const struct args_xf *a)
{
        if (!rv_fp_on(t))
                return false;
        rv_put_f64(t, a->fd, ir_bitcast(t->b, rv_get(t, a->rs1)));
        return true;
}

static bool fclass(struct tctx *t, const struct args_fx *a, enum ir_type type)
{
        ir_ref v;

        if (!rv_fp_on(t))
                return false;
        v = ir_bitcast(t->b, get_f(t, type, a->fs1));
        v = ir_call(t->b, type == IR_F32 ? &rv_helper_fclass_s : &rv_helper_fclass_d,
                    type == IR_F32 ? ir_zext32(t->b, v) : v, 0, 0, 0);
        rv_put(t, a->rd, rv_is64(t) ? v : ir_trunc(t->b, v));
        return true;
}

bool tr_fclass_s(struct tctx *t, const struct args_fx *a) { return fclass(t, a, IR_F32); }
bool tr_fclass_d(struct tctx *t, const struct args_fx *a) { return fclass(t, a, IR_F64); }

/* ---- conversions ---- */

static bool convert_ff(struct tctx *t, const struct args_fp1r *a, enum ir_type to, enum ir_type from)
{
        enum ir_round rm;

        if (!rv_fp_on(t) || !rv_round(t, a->rm, &rm))
                return false;
        return put_f(t, to, a->fd, ir_fcvt_ff(t->b, rm, to, get_f(t, from, a->fs1)));
}

bool tr_fcvt_s_d(struct tctx *t, const struct args_fp1r *a) { return convert_ff(t, a, IR_F32, IR_F64); }
bool tr_fcvt_d_s(struct tctx *t, const struct args_fp1r *a) { return convert_ff(t, a, IR_F64, IR_F32); }

/* 32-bit results, unsigned ones too, are sign-extended into the register. */
static bool convert_fi(struct tctx *t, const struct args_fxr *a, enum ir_type from, enum ir_type to,
                       bool is_unsigned)
{
        enum ir_round rm;
        ir_ref v;

        if (!rv_fp_on(t) || !rv_round(t, a->rm, &rm))
                return false;
        v = ir_fcvt_fi(t->b, rm, to, is_unsigned, get_f(t, from, a->fs1));
        rv_fp_changed(t);
        if (to == IR_I32)
                rv_put32(t, a->rd, v);
        else
                rv_put(t, a->rd, v);
        return true;
}

bool tr_fcvt_w_s(struct tctx *t, const struct args_fxr *a) { return convert_fi(t, a, IR_F32, IR_I32, false); }
bool tr_fcvt_wu_s(struct tctx *t, const struct args_fxr *a) { return convert_fi(t, a, IR_F32, IR_I32, true); }
bool tr_fcvt_l_s(struct tctx *t, const struct args_fxr *a) { return convert_fi(t, a, IR_F32, IR_I64, false); }
bool tr_fcvt_lu_s(struct tctx *t, const struct args_fxr *a) { return convert_fi(t, a, IR_F32, IR_I64, true); }
bool tr_fcvt_w_d(struct tctx *t, const struct args_fxr *a) { return convert_fi(t, a, IR_F64, IR_I32, false); }
bool tr_fcvt_wu_d(struct tctx *t, const struct args_fxr *a) { return convert_fi(t, a, IR_F64, IR_I32, true); }
bool tr_fcvt_l_d(struct tctx *t, const struct args_fxr *a) { return convert_fi(t, a, IR_F64, IR_I64, false); }
bool tr_fcvt_lu_d(struct tctx *t, const struct args_fxr *a) { return convert_fi(t, a, IR_F64, IR_I64, true); }

static bool convert_if(struct tctx *t, const struct args_xfr *a, enum ir_type to, enum ir_type from,
                       bool is_unsigned)
{
        enum ir_round rm;
        ir_ref x;

        if (!rv_fp_on(t) || !rv_round(t, a->rm, &rm))
                return false;
        x = from == IR_I32 ? rv_get32(t, a->rs1) : rv_get(t, a->rs1);
        return put_f(t, to, a->fd, ir_fcvt_if(t->b, rm, to, is_unsigned, x));
}

bool tr_fcvt_s_w(struct tctx *t, const struct args_xfr *a) { return convert_if(t, a, IR_F32, IR_I32, false); }
bool tr_fcvt_s_wu(struct tctx *t, const struct args_xfr *a) { return convert_if(t, a, IR_F32, IR_I32, true); }
bool tr_fcvt_s_l(struct tctx *t, const struct args_xfr *a) { return convert_if(t, a, IR_F32, IR_I64, false); }
bool tr_fcvt_s_lu(struct tctx *t, const struct args_xfr *a) { return convert_if(t, a, IR_F32, IR_I64, true); }
bool tr_fcvt_d_w(struct tctx *t, const struct args_xfr *a) { return convert_if(t, a, IR_F64, IR_I32, false); }
bool tr_fcvt_d_wu(struct tctx *t, const struct args_xfr *a) { return convert_if(t, a, IR_F64, IR_I32, true); }
bool tr_fcvt_d_l(struct tctx *t, const struct args_xfr *a) { return convert_if(t, a, IR_F64, IR_I64, false); }
bool tr_fcvt_d_lu(struct tctx *t, const struct args_xfr *a) { return convert_if(t, a, IR_F64, IR_I64, true); }
