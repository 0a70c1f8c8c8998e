/* SPDX-License-Identifier: MIT */
/*
 * Soft-float: exact IEEE 754 arithmetic on bit patterns, in integer code only. It is the reference that the
 * interpreter computes with and the slow path that generated code falls back to.
 *
 * Specifications: IEEE 754-2019 (section numbers below, "754"), RISC-V unprivileged ISA chapters "F", "D" and
 * "Zfa" ("RV"), Intel SDM volume 1 chapters 4.8, 4.9, 11.5 and 14.5 ("SDM"), Arm ARM shared/functions/float
 * pseudocode ("ARM").
 *
 * Every operation takes a `struct fp_env`, reads its modes and ORs into `flags`; nothing else is read or
 * written, so any thread may call with an env of its own. No operation traps: unmasked exceptions are the
 * caller's business, as is NaN boxing. Formats here are binary32 (fp32_, in uint32_t) and binary64 (fp64_, in
 * uint64_t), binary16 for conversions, and in x87.h the extended format of x87; parts.h says what another
 * format needs. Not modelled: decimal formats, remainder, ARM's FZ16 and AH.
 */
#ifndef FRONTEND_FP_FP_H
#define FRONTEND_FP_FP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Rounding direction (754 4.3). The first five are numbered as in RISC-V frm (RV F, "Rounding mode
 * encoding").
 */
enum fp_rm {
        FP_RM_RNE = 0,          /* nearest, ties to even */
        FP_RM_RTZ = 1,          /* towards zero */
        FP_RM_RDN = 2,          /* towards minus infinity */
        FP_RM_RUP = 3,          /* towards plus infinity */
        FP_RM_RMM = 4,          /* nearest, ties away from zero */
        FP_RM_ODD = 5,          /* what is inexact gets its last bit set, and is finite (ARM FCVTXN) */
};

/* Exceptions (754 7). The first five stand where RISC-V fflags has them. */
enum fp_flag {
        FP_NX = 1 << 0,         /* inexact */
        FP_UF = 1 << 1,         /* underflow: tiny and inexact */
        FP_OF = 1 << 2,         /* overflow */
        FP_DZ = 1 << 3,         /* division by zero */
        FP_NV = 1 << 4,         /* invalid operation */
        FP_ID = 1 << 5,         /* a subnormal operand became zero; only with flush_in (ARM FPSR.IDC) */
        FP_DE = 1 << 6,         /* a subnormal operand was used; only with note_denormal (x86 MXCSR.DE) */
        FP_UP = 1 << 7,         /* rounding made the magnitude larger; x87.h alone (x87 C1) */
};

/* Which NaN an operation delivers (754 6.2). */
enum fp_nan_mode {
        FP_NANMODE_CANONICAL,   /* always the positive quiet NaN without payload (RV F, "NaN Generation") */
        FP_NANMODE_X86,         /* the first NaN operand; the default NaN is negative (SDM table 4-7) */
        FP_NANMODE_X87,         /* of two NaNs a quiet one, the larger, the positive one (SDM table 4-7) */
        FP_NANMODE_ARM,         /* the first signaling, else the first; addends first (ARM FPProcessNaNs) */
};

/* What a conversion to integer gives for what does not fit; it raises FP_NV, and not FP_NX, in every mode. */
enum fp_int_mode {
        FP_INTMODE_RISCV,       /* the nearest integer; the largest for a NaN (RV F, "Domains of ...") */
        FP_INTMODE_ARM,         /* the nearest integer; 0 for a NaN (ARM FPToFixed) */
        FP_INTMODE_X86,         /* integer indefinite: the top bit alone; if unsigned, all bits (SDM 4.2.1) */
};

/* What replaces a tiny result. A flushed result is a zero of its sign. */
enum fp_flush {
        FP_FLUSH_OFF,           /* gradual underflow (754 7.5) */
        FP_FLUSH_UF,            /* zero, and FP_UF alone (ARM FPCR.FZ) */
        FP_FLUSH_UF_NX,         /* zero, and FP_UF with FP_NX (x86 MXCSR.FTZ, SDM 10.2.3.3) */
};

struct fp_env {
        uint8_t rm;             /* enum fp_rm; anything else rounds as FP_RM_RNE */
        uint8_t flags;          /* OR of enum fp_flag, sticky: set here, cleared by the caller */
        uint8_t nan_mode;       /* enum fp_nan_mode */
        uint8_t int_mode;       /* enum fp_int_mode */
        uint8_t flush_out;      /* enum fp_flush */
        bool flush_in;          /* subnormal operands count as zeros (ARM FZ, x86 DAZ) */
        bool tininess_before;   /* tininess is detected before rounding (ARM), else after (754 7.5) */
        bool default_nan;       /* never propagate a NaN, whatever nan_mode says (ARM FPCR.DN) */
        bool fma_invalid;       /* fma(inf, 0, qNaN): FP_NV and the default NaN; if false, the quiet NaN */
        bool note_denormal;     /* report FP_DE */
        uint8_t precision;      /* x87.h: bits that significands are rounded to, 24, 53 or 64 */
};

/* The modes of RISC-V: `flags` is then exactly fflags. */
static inline struct fp_env fp_env_riscv(uint8_t rm)
{
        return (struct fp_env){.rm = rm, .nan_mode = FP_NANMODE_CANONICAL, .int_mode = FP_INTMODE_RISCV,
                               .fma_invalid = true};
}

/* The modes of x86 SSE, AVX and FMA3, with DAZ and FTZ clear. */
static inline struct fp_env fp_env_x86(uint8_t rm)
{
        return (struct fp_env){.rm = rm, .nan_mode = FP_NANMODE_X86, .int_mode = FP_INTMODE_X86,
                               .note_denormal = true};
}

/* The modes of AArch64 with FPCR zero but for the rounding mode. */
static inline struct fp_env fp_env_arm(uint8_t rm)
{
        return (struct fp_env){.rm = rm, .nan_mode = FP_NANMODE_ARM, .int_mode = FP_INTMODE_ARM,
                               .tininess_before = true, .fma_invalid = true};
}

/* Arithmetic, correctly rounded (754 5.4.1). */
uint32_t fp32_add(struct fp_env *env, uint32_t a, uint32_t b);
uint64_t fp64_add(struct fp_env *env, uint64_t a, uint64_t b);
uint32_t fp32_sub(struct fp_env *env, uint32_t a, uint32_t b);
uint64_t fp64_sub(struct fp_env *env, uint64_t a, uint64_t b);
uint32_t fp32_mul(struct fp_env *env, uint32_t a, uint32_t b);
uint64_t fp64_mul(struct fp_env *env, uint64_t a, uint64_t b);
uint32_t fp32_div(struct fp_env *env, uint32_t a, uint32_t b);
uint64_t fp64_div(struct fp_env *env, uint64_t a, uint64_t b);
uint32_t fp32_sqrt(struct fp_env *env, uint32_t a);
uint64_t fp64_sqrt(struct fp_env *env, uint64_t a);

/*
 * a * b + c with one rounding (754 5.4.1). The muladd forms negate the product or the addend as `neg` says,
 * after NaNs were dealt with, so a NaN keeps its sign (x86 FNMADD, and RISC-V's four forms). Where negation
 * is of the operand, NaNs included (ARM FMSUB), flip its sign bit and call fma. With FP_NANMODE_X86 the first
 * NaN is looked for in the order a, b, c (SDM table 14-17: multiplicand, multiplier, addend).
 */
enum fp_muladd {
        FP_NEG_PRODUCT = 1 << 0,        /* -(a * b) + c */
        FP_NEG_ADDEND = 1 << 1,         /* a * b - c */
};
uint32_t fp32_fma(struct fp_env *env, uint32_t a, uint32_t b, uint32_t c);
uint64_t fp64_fma(struct fp_env *env, uint64_t a, uint64_t b, uint64_t c);
uint32_t fp32_muladd(struct fp_env *env, uint32_t a, uint32_t b, uint32_t c, unsigned neg);
uint64_t fp64_muladd(struct fp_env *env, uint64_t a, uint64_t b, uint64_t c, unsigned neg);

/*
 * minimumNumber and maximumNumber (754 9.6; RV F 2.2 FMIN, FMAX): -0 < +0, a number beats a NaN, a signaling
 * NaN raises FP_NV. min_nan and max_nan are minimum and maximum (754 9.6; RV Zfa FMINM, FMAXM): any NaN
 * operand makes the result a NaN. The x86 instructions are neither: build them from compare.
 */
uint32_t fp32_min(struct fp_env *env, uint32_t a, uint32_t b);
uint64_t fp64_min(struct fp_env *env, uint64_t a, uint64_t b);
uint32_t fp32_max(struct fp_env *env, uint32_t a, uint32_t b);
uint64_t fp64_max(struct fp_env *env, uint64_t a, uint64_t b);
uint32_t fp32_min_nan(struct fp_env *env, uint32_t a, uint32_t b);
uint64_t fp64_min_nan(struct fp_env *env, uint64_t a, uint64_t b);
uint32_t fp32_max_nan(struct fp_env *env, uint32_t a, uint32_t b);
uint64_t fp64_max_nan(struct fp_env *env, uint64_t a, uint64_t b);

/*
 * minNum and maxNum of 754-2008 (ARM FMINNM, FMAXNM): a number beats a quiet NaN, a signaling NaN makes the
 * result a NaN. less and greater: a < b ? a : b, a > b ? a : b (x86 MINSS, MAXSS): b if equal or unordered,
 * and any NaN raises FP_NV.
 */
uint32_t fp32_min_num2008(struct fp_env *env, uint32_t a, uint32_t b);
uint64_t fp64_min_num2008(struct fp_env *env, uint64_t a, uint64_t b);
uint32_t fp32_max_num2008(struct fp_env *env, uint32_t a, uint32_t b);
uint64_t fp64_max_num2008(struct fp_env *env, uint64_t a, uint64_t b);
uint32_t fp32_less(struct fp_env *env, uint32_t a, uint32_t b);
uint64_t fp64_less(struct fp_env *env, uint64_t a, uint64_t b);
uint32_t fp32_greater(struct fp_env *env, uint32_t a, uint32_t b);
uint64_t fp64_greater(struct fp_env *env, uint64_t a, uint64_t b);

/* Comparison (754 5.6.1, 5.11): a signaling NaN raises FP_NV, and a quiet one does if `signaling`. */
enum fp_rel { FP_LESS = -1, FP_EQUAL = 0, FP_GREATER = 1, FP_UNORDERED = 2 };
enum fp_rel fp32_compare(struct fp_env *env, uint32_t a, uint32_t b, bool signaling);
enum fp_rel fp64_compare(struct fp_env *env, uint64_t a, uint64_t b, bool signaling);

/* RV F FEQ (quiet), FLT and FLE (signaling), and RV Zfa FLTQ and FLEQ (quiet); false if unordered. */
bool fp32_eq(struct fp_env *env, uint32_t a, uint32_t b);
bool fp64_eq(struct fp_env *env, uint64_t a, uint64_t b);
bool fp32_lt(struct fp_env *env, uint32_t a, uint32_t b);
bool fp64_lt(struct fp_env *env, uint64_t a, uint64_t b);
bool fp32_le(struct fp_env *env, uint32_t a, uint32_t b);
bool fp64_le(struct fp_env *env, uint64_t a, uint64_t b);
bool fp32_lt_quiet(struct fp_env *env, uint32_t a, uint32_t b);
bool fp64_lt_quiet(struct fp_env *env, uint64_t a, uint64_t b);
bool fp32_le_quiet(struct fp_env *env, uint32_t a, uint32_t b);
bool fp64_le_quiet(struct fp_env *env, uint64_t a, uint64_t b);

/* The class of a bit pattern, sign apart (754 5.7.2). No mode matters, no flag is raised. */
enum fp_class {
        FP_CLASS_ZERO, FP_CLASS_SUBNORMAL, FP_CLASS_NORMAL, FP_CLASS_INF, FP_CLASS_QNAN, FP_CLASS_SNAN,
};
enum fp_class fp32_class(uint32_t a);
enum fp_class fp64_class(uint64_t a);

/* The ten-bit mask of RISC-V FCLASS (RV F, "Format of result of FCLASS instruction"). */
uint32_t fp32_fclass(uint32_t a);
uint32_t fp64_fclass(uint64_t a);

/*
 * Round to an integral value in the same format, in direction env->rm (754 5.9; RV Zfa FROUND, FROUNDNX). A
 * zero result has the operand's sign. FP_NX is raised only if `exact` asks for it (roundToIntegralExact).
 */
uint32_t fp32_round_int(struct fp_env *env, uint32_t a, bool exact);
uint64_t fp64_round_int(struct fp_env *env, uint64_t a, bool exact);

/* Conversion between formats (754 5.4.2): widening is exact; a NaN's payload keeps its leading bits. */
uint64_t fp32_to_fp64(struct fp_env *env, uint32_t a);
uint32_t fp64_to_fp32(struct fp_env *env, uint64_t a);

/*
 * Half precision (binary16, in uint16_t): conversions alone. flush_in is not for halves, nor flush_out (ARM
 * FZ, x86 DAZ and FTZ are for the wider formats here). The alternative format (ARM FPCR.AHP) has neither
 * infinities nor NaNs: what would be one is an invalid operation, and becomes the greatest number, or a NaN
 * zero.
 */
uint32_t fp16_to_fp32(struct fp_env *env, uint16_t a, bool alternative);
uint64_t fp16_to_fp64(struct fp_env *env, uint16_t a, bool alternative);
uint16_t fp32_to_fp16(struct fp_env *env, uint32_t a, bool alternative);
uint16_t fp64_to_fp16(struct fp_env *env, uint64_t a, bool alternative);

/* To integer in direction env->rm (754 5.8, the Exact forms); int_mode says what becomes of the rest. */
int32_t fp32_to_i32(struct fp_env *env, uint32_t a);
int32_t fp64_to_i32(struct fp_env *env, uint64_t a);
uint32_t fp32_to_u32(struct fp_env *env, uint32_t a);
uint32_t fp64_to_u32(struct fp_env *env, uint64_t a);
int64_t fp32_to_i64(struct fp_env *env, uint32_t a);
int64_t fp64_to_i64(struct fp_env *env, uint64_t a);
uint64_t fp32_to_u64(struct fp_env *env, uint32_t a);
uint64_t fp64_to_u64(struct fp_env *env, uint64_t a);

/* From integer (754 5.4.1 convertFromInt); 0 becomes +0. */
uint32_t fp32_from_i32(struct fp_env *env, int32_t a);
uint64_t fp64_from_i32(struct fp_env *env, int32_t a);
uint32_t fp32_from_u32(struct fp_env *env, uint32_t a);
uint64_t fp64_from_u32(struct fp_env *env, uint32_t a);
uint32_t fp32_from_i64(struct fp_env *env, int64_t a);
uint64_t fp64_from_i64(struct fp_env *env, int64_t a);
uint32_t fp32_from_u64(struct fp_env *env, uint64_t a);
uint64_t fp64_from_u64(struct fp_env *env, uint64_t a);

#endif
