/* SPDX-License-Identifier: MIT */
/*
 * Exact arithmetic for the soft-float tests: a sum of products of finite values, held as one two's complement
 * fixed-point number wide enough for any of binary64. It shares no code with what it checks.
 */
#include <string.h>

#include "tests/fp/fp_test.h"

/* From 2^-2304, below the product of two smallest subnormals, to 2^2304, above any product: 72 limbs. */
#define LIMBS 72
#define LOWEST (-2304)

__extension__ typedef unsigned __int128 u128;

struct exact {
        uint64_t limb[LIMBS];
};

struct dyadic {
        uint64_t mant;
        int exp;
        bool neg;
};

static struct dyadic dyadic_of(enum kind k, uint64_t bits)
{
        struct dyadic d = {0};

        if (kind_is_float(k)) {
                int frac_bits = kind_frac_bits(k), biased = (int)(bits >> frac_bits) & kind_exp_max(k);

                d.mant = bits & (((uint64_t)1 << frac_bits) - 1);
                if (biased)
                        d.mant |= (uint64_t)1 << frac_bits;
                d.exp = (biased ? biased : 1) - kind_exp_max(k) / 2 - frac_bits;
                d.neg = bits & kind_sign_bit(k);
        } else {
                int64_t value = k == KIND_I32 ? (int32_t)bits : (int64_t)bits;

                d.neg = (k == KIND_I32 || k == KIND_I64) && value < 0;
                d.mant = d.neg ? -(uint64_t)value : (uint64_t)value;
        }
        return d;
}

static void exact_add(struct exact *x, struct dyadic a, struct dyadic b, bool neg)
{
        u128 product = (u128)a.mant * b.mant;
        unsigned shift = a.exp + b.exp - LOWEST, at = shift / 64, bit = shift % 64;
        uint64_t part[3] = {
                (uint64_t)(product << bit), (uint64_t)(bit ? product >> (64 - bit) : product >> 64),
                (uint64_t)(bit ? (product >> 64) >> (64 - bit) : 0),
        };
        bool subtract = a.neg ^ b.neg ^ neg;
        u128 carry = subtract;

        for (unsigned i = at; i < LIMBS; i++) {
                uint64_t term = i - at < 3 ? part[i - at] : 0;

                carry += (u128)x->limb[i] + (subtract ? ~term : term);
                x->limb[i] = (uint64_t)carry;
                carry >>= 64;
        }
}

static bool exact_is_zero(const struct exact *x)
{
        for (int i = 0; i < LIMBS; i++)
                if (x->limb[i])
                        return false;
        return true;
}

bool exact_is_middle(const struct fp_op *op, const uint64_t *v, enum kind out, uint64_t lo, uint64_t hi)
{
        const struct dyadic one = {.mant = 1}, two = {.mant = 2};
        struct dyadic a = dyadic_of(op->in, v[0]), b = dyadic_of(op->in, v[1]), c = dyadic_of(op->in, v[2]);
        struct dyadic result = two, divisor = one;
        struct exact x;

        /*
         * Twice the exact result, less both neighbours; a quotient's are multiplied by the divisor instead.
         */
        memset(&x, 0, sizeof(x));
        switch (op->exact) {
        case EXACT_ADD:
        case EXACT_SUB:
                exact_add(&x, result, a, false);
                exact_add(&x, result, b, op->exact == EXACT_SUB);
                break;
        case EXACT_MUL:
        case EXACT_FMA:
                a.exp++;
                exact_add(&x, a, b, op->neg & FP_NEG_PRODUCT);
                if (op->exact == EXACT_FMA)
                        exact_add(&x, result, c, op->neg & FP_NEG_ADDEND);
                break;
        case EXACT_DIV:
                divisor = b;
                exact_add(&x, result, a, false);
                break;
        case EXACT_SAME:
                exact_add(&x, result, a, false);
                break;
        default:
                return false;
        }
        exact_add(&x, dyadic_of(out, lo), divisor, true);
        exact_add(&x, dyadic_of(out, hi), divisor, true);
        return exact_is_zero(&x);
}
