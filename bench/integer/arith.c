/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic in registers: greatest common divisors (by remainder and by shifts), Collatz chains, modular
 * powers, and an xorshift generator with population counts. No memory at all in the inner loops.
 */
#include "bench.h"

static uint64_t gcd_remainder(uint64_t a, uint64_t b)
{
        while (b) {
                uint64_t t = a % b;

                a = b;
                b = t;
        }
        return a;
}

/* For odd b. */
static uint64_t gcd_shifts(uint64_t a, uint64_t b)
{
        while (a) {
                uint64_t t;

                while (!(a & 1))
                        a >>= 1;
                if (a < b) {
                        t = a;
                        a = b;
                        b = t;
                }
                a -= b;
        }
        return b;
}

static uint64_t collatz_steps(uint64_t n)
{
        uint64_t steps = 0;

        for (; n != 1; steps++)
                n = n & 1 ? 3 * n + 1 : n >> 1;
        return steps;
}

static uint64_t modular_power(uint64_t base, uint64_t exponent, uint64_t modulus)
{
        uint64_t result = 1;

        for (; exponent; exponent >>= 1) {
                if (exponent & 1)
                        result = result * base % modulus;
                base = base * base % modulus;
        }
        return result;
}

static uint64_t count_bits(uint64_t x)
{
        x -= x >> 1 & 0x5555555555555555u;
        x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
        x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
        return x * 0x0101010101010101u >> 56;
}

static uint64_t run(uint64_t size)
{
        uint64_t x = 0x853c49e6748fea9bu, sum = 0;

        for (uint64_t i = 1; i <= size; i++) {
                uint64_t bits = 0;

                for (int j = 0; j < 64; j++) {
                        x ^= x << 13;
                        x ^= x >> 7;
                        x ^= x << 17;
                        bits += count_bits(x);
                }
                sum = bench_mix(sum, bits);
                sum += gcd_remainder(x >> 8, x & 0xffffffff) + gcd_shifts(x >> 32, x | 1);
                sum += collatz_steps(i) + modular_power(x >> 40, x | 1, 4294967291u);
        }
        return sum;
}

BENCH_PROGRAM(arith, "arithmetic", 500000, run);
