/* SPDX-License-Identifier: MIT */
/*
 * Modular exponentiation of 1024-bit numbers by Montgomery's method: 64x64 to 128-bit products with carries,
 * the heart of public-key arithmetic.
 */
#include "bench.h"

#define LIMBS 16

typedef unsigned __int128 u128;

struct modulus {
        uint64_t n[LIMBS];
        uint64_t inverse;       /* -1 / n mod 2^64 */
};

/* out = a * b / 2^1024 mod n, for a and b below n; out may be a or b. */
static void multiply(uint64_t *out, const uint64_t *a, const uint64_t *b, const struct modulus *m)
{
        uint64_t t[LIMBS + 2] = {0}, borrow = 0, less[LIMBS];

        for (int i = 0; i < LIMBS; i++) {
                uint64_t carry = 0, q;
                u128 x;

                for (int j = 0; j < LIMBS; j++) {
                        x = (u128)a[j] * b[i] + t[j] + carry;
                        t[j] = (uint64_t)x;
                        carry = (uint64_t)(x >> 64);
                }
                x = (u128)t[LIMBS] + carry;
                t[LIMBS] = (uint64_t)x;
                t[LIMBS + 1] = (uint64_t)(x >> 64);

                q = t[0] * m->inverse;
                x = (u128)q * m->n[0] + t[0];
                carry = (uint64_t)(x >> 64);
                for (int j = 1; j < LIMBS; j++) {
                        x = (u128)q * m->n[j] + t[j] + carry;
                        t[j - 1] = (uint64_t)x;
                        carry = (uint64_t)(x >> 64);
                }
                x = (u128)t[LIMBS] + carry;
                t[LIMBS - 1] = (uint64_t)x;
                t[LIMBS] = t[LIMBS + 1] + (uint64_t)(x >> 64);
        }
        for (int i = 0; i < LIMBS; i++) {
                u128 x = (u128)t[i] - m->n[i] - borrow;

                less[i] = (uint64_t)x;
                borrow = (uint64_t)(x >> 64) & 1;
        }
        for (int i = 0; i < LIMBS; i++)
                out[i] = t[LIMBS] >= borrow ? less[i] : t[i];
}

static uint64_t run(uint64_t size)
{
        struct modulus m;
        uint64_t seed = 29, sum = 0, power[LIMBS], result[LIMBS];

        for (int i = 0; i < LIMBS; i++) {
                m.n[i] = bench_random(&seed);
                power[i] = bench_random(&seed);
                result[i] = i == 0;
        }
        m.n[0] |= 1;
        m.n[LIMBS - 1] |= 1ull << 63;
        power[LIMBS - 1] &= ~(1ull << 63);
        /* Newton's iteration doubles the correct bits: 3, 6, 12, 24, 48, 96. */
        m.inverse = m.n[0];
        for (int i = 0; i < 5; i++)
                m.inverse *= 2 - m.n[0] * m.inverse;
        m.inverse = -m.inverse;

        for (uint64_t bit = 0; bit < size; bit++) {
                if (bench_random(&seed) & 1)
                        multiply(result, result, power, &m);
                multiply(power, power, power, &m);
        }
        for (int i = 0; i < LIMBS; i++)
                sum = bench_mix(sum, result[i]);
        return sum;
}

BENCH_PROGRAM(bignum, "arithmetic", 300000, run);
