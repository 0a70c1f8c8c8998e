/* SPDX-License-Identifier: MIT */
/*
 * On parts, beyond arithmetic: order, minimum and maximum, rounding to integral values, to and from integers.
 * Private to frontend/fp. IEEE 754-2019 5.4.1, 5.6 to 5.9, 5.11, 9.6.
 */
#pragma once

#include "frontend/fp/parts.h"

/* The order of two values that are no NaNs; -0 < +0 if `signed_zeros`. */
static inline enum fp_rel parts_order(const struct fp_parts *a, const struct fp_parts *b, bool signed_zeros)
{
        enum fp_rel above = a->sign ? FP_LESS : FP_GREATER, below = a->sign ? FP_GREATER : FP_LESS;

        if (a->kind == FP_KIND_ZERO && b->kind == FP_KIND_ZERO)
                return signed_zeros && a->sign != b->sign ? above : FP_EQUAL;
        if (a->sign != b->sign)
                return above;
        /* The kinds are ordered as their magnitudes: zero, finite, infinite. */
        if (a->kind != b->kind)
                return a->kind > b->kind ? above : below;
        if (a->kind != FP_KIND_FINITE)
                return FP_EQUAL;
        if (a->exp != b->exp)
                return a->exp > b->exp ? above : below;
        if (a->frac != b->frac)
                return a->frac > b->frac ? above : below;
        return FP_EQUAL;
}

static inline enum fp_rel parts_compare(struct fp_env *env, const struct fp_parts *a,
                                        const struct fp_parts *b,
                                 bool signaling)
{
        if (fp_is_nan(a) || fp_is_nan(b)) {
                if (signaling || a->kind == FP_KIND_SNAN || b->kind == FP_KIND_SNAN)
                        env->flags |= FP_NV;
                return FP_UNORDERED;
        }
        fp_note_denormal(env, a->denormal | b->denormal);
        return parts_order(a, b, false);
}

/*
 * Minimum, or maximum if `max`. `number` prefers a number to a NaN (minimumNumber), else a NaN wins
 * (minimum). No result is rounded: what is delivered was an operand.
 */
static inline struct fp_parts parts_min_max(struct fp_env *env, const struct fp_parts *a,
                                            const struct fp_parts *b,
                                     bool max, bool number)
{
        if (fp_is_nan(a) || fp_is_nan(b)) {
                struct fp_parts nan = fp_pick_nan2(env, a, b);

                if (!number || (fp_is_nan(a) && fp_is_nan(b)))
                        return nan;
                return fp_is_nan(a) ? *b : *a;
        }
        fp_note_denormal(env, a->denormal | b->denormal);
        return (parts_order(a, b, true) == FP_GREATER) == max ? *a : *b;
}

/* Round a finite non-zero value to an integral one in place; true if that was inexact. */
static inline bool parts_round_int(struct fp_parts *p, uint8_t rm)
{
        fp_u128 unit;

        if (p->exp >= 127)
                return false;
        if (p->exp < 0) {
                int half = p->exp < -1 ? -1 : p->frac > FP_LEADING;

                if (fp_rounds_away(rm, p->sign, false, half)) {
                        p->frac = FP_LEADING;
                        p->exp = 0;
                } else {
                        p->kind = FP_KIND_ZERO;
                }
                return true;
        }
        unit = FP_LEADING >> p->exp;
        if (!(p->frac & (unit - 1)))
                return false;
        if (fp_frac_rounds_away(rm, p->sign, p->frac, unit)) {
                p->frac += unit;
                if (p->frac < unit) {
                        p->frac = FP_LEADING;
                        p->exp++;
                }
        }
        p->frac &= -unit;
        return true;
}

/* To an integer of `bits` bits, 32 or 64; the result is its two's complement, sign- or zero-extended. */
static inline uint64_t parts_to_int(struct fp_env *env, struct fp_parts *p, int bits, bool is_signed)
{
        uint64_t max = is_signed ? ((uint64_t)1 << (bits - 1)) - 1 : ~(uint64_t)0 >> (64 - bits);
        uint64_t limit = !p->sign ? max : is_signed ? max + 1 : 0, magnitude;
        bool inexact = false;

        if (p->kind == FP_KIND_FINITE)
                inexact = parts_round_int(p, env->rm);
        if (p->kind == FP_KIND_ZERO) {
                magnitude = 0;
        } else if (p->kind != FP_KIND_FINITE || p->exp > 63 ||
                   (magnitude = (uint64_t)(p->frac >> (127 - p->exp))) > limit) {
                env->flags |= FP_NV;
                if (env->int_mode == FP_INTMODE_X86)
                        return is_signed ? ~max : max;
                if (!fp_is_nan(p))
                        return p->sign ? -limit : limit;
                return env->int_mode == FP_INTMODE_ARM ? 0 : max;
        }
        if (inexact)
                env->flags |= FP_NX;
        return p->sign ? -magnitude : magnitude;
}

FP_INLINE struct fp_parts parts_from_int(uint64_t magnitude, bool sign)
{
        struct fp_parts p = {.kind = FP_KIND_ZERO};

        if (magnitude) {
                int shift = __builtin_clzll(magnitude);

                p.kind = FP_KIND_FINITE;
                p.sign = sign;
                p.frac = (fp_u128)(magnitude << shift) << 64;
                p.exp = 63 - shift;
        }
        return p;
}

/* Between formats: what is left to do before packing. */
static inline struct fp_parts parts_convert(struct fp_env *env, const struct fp_parts *p)
{
        if (fp_is_nan(p))
                return fp_pick_nan1(env, p);
        fp_note_denormal(env, p->denormal);
        return *p;
}
