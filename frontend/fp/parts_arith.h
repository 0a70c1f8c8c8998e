/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic on parts: add, subtract, multiply, divide, square root, fused multiply-add. IEEE 754-2019 5.4.1,
 * 6.3 (signs of zeros), 7.2 and 7.3 (invalid, division by zero). Private to frontend/fp. Significands are at
 * most 64 bits here (see parts.h); quotients and roots have a guard bit more, and what is left makes them
 * odd.
 */
#pragma once

#include "frontend/fp/parts.h"

/*
 * The sum of two finite non-zero values. Only what was shifted out under a gap of two or more can be inexact.
 */
FP_INLINE struct fp_parts sum_finite(const struct fp_env *env, struct fp_parts a, struct fp_parts b)
{
        if (a.exp < b.exp || (a.exp == b.exp && a.frac < b.frac)) {
                struct fp_parts t = a;

                a = b;
                b = t;
        }
        b.frac = fp_shr_jam(b.frac, a.exp - b.exp);
        if (a.sign == b.sign) {
                a.frac += b.frac;
                if (a.frac < b.frac) {
                        a.frac = a.frac >> 1 | (a.frac & 1) | FP_LEADING;
                        a.exp++;
                }
        } else {
                a.frac -= b.frac;
                if (a.frac) {
                        int shift = fp_clz128(a.frac);

                        a.frac <<= shift;
                        a.exp -= shift;
                } else {
                        a.kind = FP_KIND_ZERO;
                        a.sign = env->rm == FP_RM_RDN;
                }
        }
        return a;
}

/* The sum of two values that are no NaNs. */
FP_INLINE struct fp_parts sum_numbers(struct fp_env *env, const struct fp_parts *a,
                                          const struct fp_parts *b)
{
        if (a->kind == FP_KIND_FINITE && b->kind == FP_KIND_FINITE)
                return sum_finite(env, *a, *b);
        if (a->kind == FP_KIND_INF)
                return b->kind == FP_KIND_INF && a->sign != b->sign ? fp_invalid(env) : *a;
        if (b->kind == FP_KIND_INF || a->kind != FP_KIND_ZERO)
                return b->kind == FP_KIND_INF ? *b : *a;
        if (b->kind == FP_KIND_ZERO && a->sign != b->sign)
                return (struct fp_parts){.kind = FP_KIND_ZERO, .sign = env->rm == FP_RM_RDN};
        return *b;
}

FP_INLINE struct fp_parts parts_add(struct fp_env *env, const struct fp_parts *a, struct fp_parts *b,
                                 bool subtract)
{
        if (fp_is_nan(a) || fp_is_nan(b))
                return fp_pick_nan2(env, a, b);
        b->sign ^= subtract;
        fp_note_denormal(env, a->denormal | b->denormal);
        return sum_numbers(env, a, b);
}

/* The exact product of two finite non-zero values. */
FP_INLINE struct fp_parts product_finite(const struct fp_parts *a, const struct fp_parts *b)
{
        struct fp_parts r = {
                .frac = (a->frac >> 64) * (b->frac >> 64),
                .exp = a->exp + b->exp,
                .kind = FP_KIND_FINITE,
                .sign = a->sign ^ b->sign,
        };

        if (r.frac & FP_LEADING)
                r.exp++;
        else
                r.frac <<= 1;
        return r;
}

/* The exact product of two values that are no NaNs, nor an infinity and a zero. */
FP_INLINE struct fp_parts product_numbers(const struct fp_parts *a, const struct fp_parts *b)
{
        if (a->kind == FP_KIND_FINITE && b->kind == FP_KIND_FINITE)
                return product_finite(a, b);
        return (struct fp_parts){
                .kind = a->kind == FP_KIND_INF || b->kind == FP_KIND_INF ? FP_KIND_INF : FP_KIND_ZERO,
                .sign = a->sign ^ b->sign,
        };
}

FP_INLINE bool is_inf_and_zero(const struct fp_parts *a, const struct fp_parts *b)
{
        return (a->kind == FP_KIND_INF && b->kind == FP_KIND_ZERO) ||
               (a->kind == FP_KIND_ZERO && b->kind == FP_KIND_INF);
}

FP_INLINE struct fp_parts parts_mul(struct fp_env *env, const struct fp_parts *a, const struct fp_parts *b)
{
        if (fp_is_nan(a) || fp_is_nan(b))
                return fp_pick_nan2(env, a, b);
        if (is_inf_and_zero(a, b))
                return fp_invalid(env);
        fp_note_denormal(env, a->denormal | b->denormal);
        return product_numbers(a, b);
}

FP_INLINE struct fp_parts parts_muladd(struct fp_env *env, const struct fp_parts *a, const struct fp_parts *b,
                                    struct fp_parts *c, unsigned neg)
{
        struct fp_parts product, r;

        if (is_inf_and_zero(a, b) && (!fp_is_nan(c) || (c->kind == FP_KIND_QNAN && env->fma_invalid)))
                return fp_invalid(env);
        if (fp_is_nan(a) || fp_is_nan(b) || fp_is_nan(c))
                return fp_pick_nan(env, (const struct fp_parts *const[]){a, b, c}, 3);
        product = product_numbers(a, b);
        product.sign ^= (neg & FP_NEG_PRODUCT) != 0;
        c->sign ^= (neg & FP_NEG_ADDEND) != 0;
        r = sum_numbers(env, &product, c);
        if (!fp_is_nan(&r))
                fp_note_denormal(env, a->denormal | b->denormal | c->denormal);
        return r;
}

/*
 * The first 64-bit digit of (hi * 2^64) / d, where d has its top bit set and hi < d. Schoolbook division in
 * 32-bit digits: a digit's estimate from the divisor's upper half is at most two too large. Written out
 * because the compiler's 128-bit division is a library call, which is not known to leave the FPU's registers
 * alone.
 */
static inline uint64_t divide_digit(uint64_t hi, uint64_t d, uint64_t *rem)
{
        uint64_t d1 = d >> 32, d0 = (uint32_t)d, q = 0;

        for (int i = 0; i < 2; i++) {
                uint64_t digit = hi / d1, part = hi % d1;

                /* As hi < d, an estimate of 2^32 is caught here too, and nothing overflows. */
                while (digit * d0 > part << 32) {
                        digit--;
                        part += d1;
                        if (part >> 32)
                                break;
                }
                hi = (hi << 32) - digit * d;
                q = q << 32 | digit;
        }
        *rem = hi;
        return q;
}

static inline struct fp_parts divide_finite(const struct fp_parts *a, const struct fp_parts *b)
{
        uint64_t n = (uint64_t)(a->frac >> 64), d = (uint64_t)(b->frac >> 64), q, rem;
        struct fp_parts r = {.kind = FP_KIND_FINITE, .sign = a->sign ^ b->sign, .exp = a->exp - b->exp - 1};

        /*
         * The quotient of significands is in (1/2, 2): take the units off first, so that the rest is one
         * digit.
         */
        if (n >= d) {
                q = divide_digit(n - d, d, &rem);
                r.frac = FP_LEADING | (fp_u128)q << 63 | (rem != 0);
                r.exp++;
        } else {
                q = divide_digit(n, d, &rem);
                r.frac = (fp_u128)q << 64;
                if (rem >> 63 || rem << 1 >= d) { /* the guard bit of a quotient of 64 bits */
                        r.frac |= (fp_u128)1 << 63;
                        rem = (rem << 1) - d;
                }
                r.frac |= rem != 0;
        }
        return r;
}

FP_INLINE struct fp_parts parts_div(struct fp_env *env, const struct fp_parts *a, const struct fp_parts *b)
{
        bool sign = a->sign ^ b->sign;

        if (fp_is_nan(a) || fp_is_nan(b))
                return fp_pick_nan2(env, a, b);
        if (a->kind == b->kind && a->kind != FP_KIND_FINITE)
                return fp_invalid(env);
        if (b->kind == FP_KIND_ZERO) {
                /* An infinity over zero is exact (754 7.3). A division by zero hides FP_DE. */
                if (a->kind == FP_KIND_FINITE)
                        env->flags |= FP_DZ;
                return (struct fp_parts){.kind = FP_KIND_INF, .sign = sign};
        }
        fp_note_denormal(env, a->denormal | b->denormal);
        if (a->kind == FP_KIND_FINITE && b->kind == FP_KIND_FINITE)
                return divide_finite(a, b);
        return (struct fp_parts){.kind = a->kind == FP_KIND_INF ? FP_KIND_INF : FP_KIND_ZERO, .sign = sign};
}

/*
 * The integer square root of n, which is at least 2^30, and what remains. The first guess is a straight line;
 * Newton's steps for a square root never end below it, so what is left to do is to come down.
 */
static inline uint32_t sqrt_u32(uint32_t n, uint32_t *rem)
{
        uint32_t s = 0x5000 + (n >> 17) + (n >> 18);

        s = (s + n / s) >> 1;
        s = (s + n / s) >> 1;
        while (s > 0xffff || s * s > n)
                s--;
        *rem = n - s * s;
        return s;
}

/*
 * The square root of a 2k-bit number from that of its upper half, one division a level (Zimmermann's
 * "Karatsuba square root"): with upper half s^2 + r, the root is s * 2^(k/2) + q, where q = (r * 2^(k/2) +
 * next) / 2s, or one less than that; a perfect square's is never the lesser one.
 */
static inline uint64_t sqrt_u64(uint64_t n, uint64_t *rem)
{
        uint32_t upper_rem;
        uint64_t s1 = sqrt_u32(n >> 32, &upper_rem);
        uint64_t num = (uint64_t)upper_rem << 16 | (n >> 16 & 0xffff);
        uint64_t q = num / (2 * s1), u = num % (2 * s1), s = (s1 << 16) + q;
        int64_t r = (int64_t)(u << 16 | (n & 0xffff)) - (int64_t)(q * q);

        if (r < 0) {
                r += 2 * s - 1;
                s--;
        }
        *rem = r;
        return s;
}

static inline uint64_t sqrt_u128(fp_u128 n, bool *exact)
{
        uint64_t upper_rem, lo = (uint64_t)n;
        uint64_t s1 = sqrt_u64(n >> 64, &upper_rem);
        /* The numerator may have 65 bits: divide its half by s1 and put the last bit into the remainder. */
        uint64_t num = upper_rem << 31 | lo >> 33;
        uint64_t q = num / s1, u = (num % s1) << 1 | (lo >> 32 & 1), s = (s1 << 32) + q;
        fp_u128 have = (fp_u128)u << 32 | (uint32_t)lo, need = (fp_u128)q * q;

        *exact = have == need;
        return have < need ? s - 1 : s;
}

static inline struct fp_parts parts_sqrt(struct fp_env *env, const struct fp_parts *a)
{
        struct fp_parts r = *a;
        fp_u128 n, rest;
        uint64_t root;
        bool exact;

        if (fp_is_nan(a))
                return fp_pick_nan1(env, a);
        if (a->kind == FP_KIND_ZERO)
                return r;
        if (a->sign)
                return fp_invalid(env);
        if (a->kind == FP_KIND_INF)
                return r;
        fp_note_denormal(env, a->denormal);
        /* An even exponent halves; the significand, scaled by 2^126, then has a root of 64 bits. */
        n = a->exp & 1 ? a->frac : a->frac >> 1;
        root = sqrt_u128(n, &exact);
        rest = n - (fp_u128)root * root;
        /* The root is never half way to the next: (s + 1/2)^2 is no integer. */
        r.frac = (fp_u128)root << 64 | (fp_u128)(rest > root) << 63 | !exact;
        r.exp = a->exp >> 1;
        return r;
}
