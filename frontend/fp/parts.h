/* SPDX-License-Identifier: MIT */
/*
 * The core that all soft-float formats share: unpack a bit pattern into parts, compute on parts, round and
 * pack. Private to frontend/fp. IEEE 754-2019 sections 3.4 (interchange formats), 4.3 (rounding), 6.2 (NaNs),
 * 7 (exceptions). Stateless; everything is inlined so that a format's constants fold away.
 *
 * Parts carry 128 bits of significand, the leading one at bit 127. That is room for the exact product of two
 * 64-bit significands, so binary16, bfloat16, binary32, binary64 and the x87 extended format all fit: a
 * format with an implied leading bit needs a row here and one line in arith.c and convert.c; the x87 format
 * needs unpack and pack of its own, and a second quotient digit in the division. binary128 also fits the
 * parts, but its product and its quotient need a second word.
 */
#ifndef FRONTEND_FP_PARTS_H
#define FRONTEND_FP_PARTS_H

#include "frontend/fp/fp.h"

#include <stddef.h>

#define FP_INLINE static inline __attribute__((always_inline))

__extension__ typedef unsigned __int128 fp_u128;

/* An interchange format: sign, `exp_bits` of biased exponent, `frac_bits` below an implied leading one. */
struct fp_format {
        int exp_bits;
        int frac_bits;
};

static const struct fp_format fp_binary16 = {5, 10};
static const struct fp_format fp_binary32 = {8, 23};
static const struct fp_format fp_binary64 = {11, 52};

enum fp_kind { FP_KIND_ZERO, FP_KIND_FINITE, FP_KIND_INF, FP_KIND_QNAN, FP_KIND_SNAN };

struct fp_parts {
        fp_u128 frac;           /* finite: the leading one at bit 127; NaN: the quiet bit at bit 126 */
        int exp;                /* finite: value = (frac / 2^127) * 2^exp */
        uint8_t kind;           /* enum fp_kind; FP_KIND_FINITE is finite and not zero */
        bool sign;
        bool denormal;          /* was subnormal in its format, and not flushed */
};

#define FP_LEADING ((fp_u128)1 << 127)
#define FP_QUIET_BIT ((fp_u128)1 << 126)

FP_INLINE bool fp_is_nan(const struct fp_parts *p)
{
        return p->kind >= FP_KIND_QNAN;
}

FP_INLINE int fp_clz128(fp_u128 x)
{
        uint64_t hi = (uint64_t)(x >> 64);

        return hi ? __builtin_clzll(hi) : 64 + __builtin_clzll((uint64_t)x);
}

/* Shift right; bits that fall off leave a one in the last place, which keeps every later comparison exact. */
FP_INLINE fp_u128 fp_shr_jam(fp_u128 x, unsigned n)
{
        if (n == 0)
                return x;
        if (n > 127)
                return x != 0;
        return (x >> n) | ((x << (128 - n)) != 0);
}

FP_INLINE int fp_bias(struct fp_format f)
{
        return (1 << (f.exp_bits - 1)) - 1;
}

FP_INLINE int fp_exp_max(struct fp_format f)
{
        return (1 << f.exp_bits) - 1;
}

/* How far a format's last fraction bit stands above bit 0 of the parts. */
FP_INLINE int fp_drop(struct fp_format f)
{
        return 127 - f.frac_bits;
}

FP_INLINE fp_u128 fp_encode(bool sign, int biased, fp_u128 frac_field, struct fp_format f)
{
        return (fp_u128)sign << (f.exp_bits + f.frac_bits) | (fp_u128)biased << f.frac_bits | frac_field;
}

FP_INLINE struct fp_parts fp_unpack(struct fp_env *env, fp_u128 bits, struct fp_format f)
{
        fp_u128 field = bits & (((fp_u128)1 << f.frac_bits) - 1);
        int biased = (int)(bits >> f.frac_bits) & fp_exp_max(f);
        struct fp_parts p = {
                .sign = bits >> (f.exp_bits + f.frac_bits) & 1,
                .exp = biased - fp_bias(f),
                .kind = FP_KIND_FINITE,
                .frac = field << fp_drop(f) | FP_LEADING,
        };

        if (__builtin_expect(biased == 0, 0)) {
                if (field == 0) {
                        p.kind = FP_KIND_ZERO;
                } else if (env->flush_in) {
                        p.kind = FP_KIND_ZERO;
                        env->flags |= FP_ID;
                } else {
                        fp_u128 frac = field << fp_drop(f);
                        int shift = fp_clz128(frac);

                        p.frac = frac << shift;
                        p.exp = 1 - fp_bias(f) - shift;
                        p.denormal = true;
                }
        } else if (__builtin_expect(biased == fp_exp_max(f), 0)) {
                p.frac ^= FP_LEADING;
                if (field == 0)
                        p.kind = FP_KIND_INF;
                else
                        p.kind = p.frac & FP_QUIET_BIT ? FP_KIND_QNAN : FP_KIND_SNAN;
        }
        return p;
}

/*
 * Called once an operation is known to compute: a NaN operand or an invalid operation hides FP_DE (SDM
 * 4.9.2).
 */
FP_INLINE void fp_note_denormal(struct fp_env *env, bool denormal)
{
        if (denormal && env->note_denormal)
                env->flags |= FP_DE;
}

/*
 * Does an inexact magnitude round away from zero? `odd` is its last kept bit, `half` says how what is dropped
 * (never nothing) compares to half a unit in the last place: -1, 0 or 1.
 */
FP_INLINE bool fp_rounds_away(uint8_t rm, bool sign, bool odd, int half)
{
        switch (rm) {
        case FP_RM_RTZ:
                return false;
        case FP_RM_RDN:
                return sign;
        case FP_RM_RUP:
                return !sign;
        case FP_RM_RMM:
                return half >= 0;
        case FP_RM_ODD:
                return !odd;
        default:
                return half > 0 || (half == 0 && odd);
        }
}

/* The same, for a significand cut off at the bit `unit`; nothing rounds away where nothing is dropped. */
FP_INLINE bool fp_frac_rounds_away(uint8_t rm, bool sign, fp_u128 frac, fp_u128 unit)
{
        fp_u128 rem = frac & (unit - 1), half = unit >> 1;

        return rem && fp_rounds_away(rm, sign, (frac & unit) != 0, (rem > half) - (rem < half));
}

/* 754 7.4: which way an overflow goes. */
FP_INLINE fp_u128 fp_overflow(struct fp_env *env, bool sign, struct fp_format f)
{
        env->flags |= FP_OF | FP_NX;
        if (fp_rounds_away(env->rm, sign, true, 1))
                return fp_encode(sign, fp_exp_max(f), 0, f);
        return fp_encode(sign, fp_exp_max(f) - 1, ((fp_u128)1 << f.frac_bits) - 1, f);
}

/* A result below the smallest normal number, before rounding (754 7.5). */
FP_INLINE fp_u128 fp_round_tiny(struct fp_env *env, const struct fp_parts *p, struct fp_format f)
{
        fp_u128 unit = (fp_u128)1 << fp_drop(f), frac;
        int biased = p->exp + fp_bias(f);
        bool tiny = true;

        /*
         * After rounding it is not tiny if, were the exponent unbounded, it would reach the smallest normal.
         */
        if (!env->tininess_before && biased == 0)
                tiny = p->frac < -unit || !fp_frac_rounds_away(env->rm, p->sign, p->frac, unit);
        if (tiny && env->flush_out) {
                env->flags |= env->flush_out == FP_FLUSH_UF_NX ? FP_UF | FP_NX : FP_UF;
                return fp_encode(p->sign, 0, 0, f);
        }
        frac = fp_shr_jam(p->frac, 1 - biased);
        if (frac & (unit - 1)) {
                env->flags |= tiny ? FP_UF | FP_NX : FP_NX;
                if (fp_frac_rounds_away(env->rm, p->sign, frac, unit))
                        frac += unit;
        }
        /* Rounding up into bit 127 makes the biased exponent 1, which is right. */
        return fp_encode(p->sign, 0, frac >> fp_drop(f), f);
}

FP_INLINE fp_u128 fp_round_pack(struct fp_env *env, const struct fp_parts *p, struct fp_format f)
{
        fp_u128 unit = (fp_u128)1 << fp_drop(f), frac = p->frac;
        int biased = p->exp + fp_bias(f);

        if (__builtin_expect(p->kind != FP_KIND_FINITE, 0)) {
                if (p->kind == FP_KIND_ZERO)
                        return fp_encode(p->sign, 0, 0, f);
                return fp_encode(p->sign, fp_exp_max(f), p->kind == FP_KIND_INF ? 0 : frac >> fp_drop(f), f);
        }
        if (__builtin_expect(biased <= 0, 0))
                return fp_round_tiny(env, p, f);
        if (frac & (unit - 1)) {
                env->flags |= FP_NX;
                if (fp_frac_rounds_away(env->rm, p->sign, frac, unit)) {
                        frac += unit;
                        biased += frac < unit;
                }
        }
        if (__builtin_expect(biased >= fp_exp_max(f), 0))
                return fp_overflow(env, p->sign, f);
        return fp_encode(p->sign, biased, (frac & ~FP_LEADING) >> fp_drop(f), f);
}

FP_INLINE struct fp_parts fp_default_nan(const struct fp_env *env)
{
        return (struct fp_parts){
                .kind = FP_KIND_QNAN, .frac = FP_QUIET_BIT,
                .sign = env->nan_mode == FP_NANMODE_X86 || env->nan_mode == FP_NANMODE_X87,
        };
}

FP_INLINE struct fp_parts fp_invalid(struct fp_env *env)
{
        env->flags |= FP_NV;
        return fp_default_nan(env);
}

/*
 * Of two operands, one or both NaNs: a quiet one before a signaling one, else the larger, else the positive
 * one.
 */
static inline const struct fp_parts *fp_pick_nan_x87(const struct fp_parts *a, const struct fp_parts *b)
{
        if (!fp_is_nan(a) || !fp_is_nan(b))
                return fp_is_nan(a) ? a : b;
        if (a->kind != b->kind)
                return a->kind == FP_KIND_QNAN ? a : b;
        if (a->frac != b->frac)
                return a->frac > b->frac ? a : b;
        return a->sign ? b : a;
}

/*
 * The NaN that an operation on `n` operands delivers, at least one of which is a NaN; a signaling one raises
 * FP_NV. `op` is in the order of the instruction's operands, addend last.
 */
static inline struct fp_parts fp_pick_nan(struct fp_env *env, const struct fp_parts *const *op, int n)
{
        const struct fp_parts *first = NULL, *first_snan = NULL;
        struct fp_parts r;

        for (int i = 0; i < n; i++) {
                /* Arm looks at the addend of a fused multiply-add first. */
                const struct fp_parts *p = op[env->nan_mode == FP_NANMODE_ARM && n == 3 ? (i + 2) % 3 : i];

                if (fp_is_nan(p) && !first)
                        first = p;
                if (p->kind == FP_KIND_SNAN && !first_snan)
                        first_snan = p;
        }
        if (first_snan)
                env->flags |= FP_NV;
        if (env->nan_mode == FP_NANMODE_CANONICAL || env->default_nan)
                return fp_default_nan(env);
        r = env->nan_mode == FP_NANMODE_ARM && first_snan ? *first_snan : *first;
        if (env->nan_mode == FP_NANMODE_X87 && n == 2)
                r = *fp_pick_nan_x87(op[0], op[1]);
        r.frac |= FP_QUIET_BIT;
        r.kind = FP_KIND_QNAN;
        return r;
}

FP_INLINE struct fp_parts fp_pick_nan1(struct fp_env *env, const struct fp_parts *a)
{
        return fp_pick_nan(env, (const struct fp_parts *const[]){a}, 1);
}

FP_INLINE struct fp_parts fp_pick_nan2(struct fp_env *env, const struct fp_parts *a, const struct fp_parts *b)
{
        return fp_pick_nan(env, (const struct fp_parts *const[]){a, b}, 2);
}

#endif
