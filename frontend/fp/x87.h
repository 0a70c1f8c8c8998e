/* SPDX-License-Identifier: MIT */
/*
 * The extended format of x87: 15 bits of exponent, a significand of 64 bits whose leading one is explicit.
 * Intel SDM volume 1, 4.2.2, 4.8, 4.9 and chapter 8. As fp.h: exact, integer code alone, nothing but the
 * caller's fp_env.
 *
 * Arithmetic rounds significands to env->precision bits (the control word's PC); exponents have their full
 * range all the same. Encodings that the FPU does not support (8.2.2: unnormals, pseudo-NaNs,
 * pseudo-infinities) are invalid operands. FP_UP tells what C1 does after an inexact result. No exception is
 * unmasked here.
 */
#pragma once

#include "frontend/fp/fp.h"

struct fp80 {
        uint64_t significand;
        uint16_t sign_exp; /* bit 15 is the sign */
};

/* The modes of x87 with all exceptions masked; @precision 24, 53 or 64. */
static inline struct fp_env fp_env_x87(uint8_t rm, uint8_t precision)
{
        return (struct fp_env){.rm = rm, .nan_mode = FP_NANMODE_X87, .int_mode = FP_INTMODE_X86,
                               .note_denormal = true, .precision = precision};
}

struct fp80 fp80_add(struct fp_env *env, struct fp80 a, struct fp80 b);
struct fp80 fp80_sub(struct fp_env *env, struct fp80 a, struct fp80 b);
struct fp80 fp80_mul(struct fp_env *env, struct fp80 a, struct fp80 b);
struct fp80 fp80_div(struct fp_env *env, struct fp80 a, struct fp80 b);
struct fp80 fp80_sqrt(struct fp_env *env, struct fp80 a);

/* FCOM (signaling) and FUCOM */
enum fp_rel fp80_compare(struct fp_env *env, struct fp80 a, struct fp80 b, bool signaling);

/* FRNDINT: raises FP_NX; precision control does not apply. */
struct fp80 fp80_round_int(struct fp_env *env, struct fp80 a);

/* FLD of a float raises FP_NV for a signaling NaN and FP_DE for a subnormal; FST rounds. */
struct fp80 fp80_from_fp32(struct fp_env *env, uint32_t a);
struct fp80 fp80_from_fp64(struct fp_env *env, uint64_t a);
uint32_t fp80_to_fp32(struct fp_env *env, struct fp80 a);
uint64_t fp80_to_fp64(struct fp_env *env, struct fp80 a);

/* FILD is exact. FIST: what does not fit is the least integer and raises FP_NV. */
struct fp80 fp80_from_i64(int64_t a);
int64_t fp80_to_i64(struct fp_env *env, struct fp80 a);
int32_t fp80_to_i32(struct fp_env *env, struct fp80 a);
int16_t fp80_to_i16(struct fp_env *env, struct fp80 a);

/* FSCALE: a times 2 to the power of the integer part of b. */
struct fp80 fp80_scale(struct fp_env *env, struct fp80 a, struct fp80 b);

/* FXTRACT: the exponent as a number, and the significand (with a's sign and exponent 0). */
struct fp80 fp80_xtract(struct fp_env *env, struct fp80 a, struct fp80 *significand);

/*
 * FPREM (@nearest false) and FPREM1: what remains of a after subtracting b times a quotient. Up to 63 bits of
 * the quotient a step: *partial tells that there is more to do; *quotient has the low three bits when there
 * is not.
 */
struct fp80 fp80_rem(struct fp_env *env, struct fp80 a, struct fp80 b, bool nearest, unsigned *quotient,
                     bool *partial);

/* FXAM, sign apart. */
enum fp80_class {
        FP80_UNSUPPORTED, FP80_NAN, FP80_NORMAL, FP80_INF, FP80_ZERO, FP80_DENORMAL,
};
enum fp80_class fp80_class(struct fp80 a);
