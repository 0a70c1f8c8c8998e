/* SPDX-License-Identifier: MIT */
/*
 * Recursion: Takeuchi's function, Ackermann's, naive Fibonacci, and the eight queens. Call, return and stack
 * traffic; the depth ranges from a few frames to about a hundred. The functions are opaque: the compiler
 * would otherwise unroll ten levels of recursion into one body.
 */
#include "bench.h"

static int BENCH_OPAQUE tak(int x, int y, int z)
{
        if (y >= x)
                return z;
        return tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

static unsigned BENCH_OPAQUE ackermann(unsigned m, unsigned n)
{
        if (m == 0)
                return n + 1;
        if (n == 0)
                return ackermann(m - 1, 1);
        return ackermann(m - 1, ackermann(m, n - 1));
}

static uint64_t BENCH_OPAQUE fib(unsigned n)
{
        return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static unsigned BENCH_OPAQUE queens(unsigned columns, unsigned left, unsigned right)
{
        unsigned count = 0, free = ~(columns | left | right) & 255;

        if (columns == 255)
                return 1;
        while (free) {
                unsigned bit = free & -free;

                free ^= bit;
                count += queens(columns | bit, (left | bit) << 1, (right | bit) >> 1);
        }
        return count;
}

static uint64_t run(uint64_t size)
{
        uint64_t sum = 0;

        for (uint64_t round = 0; round < size; round++) {
                sum = bench_mix(sum, tak(12, 8, 4));
                sum = bench_mix(sum, ackermann(2, 60 + round % 8));
                sum = bench_mix(sum, fib(18));
                sum = bench_mix(sum, queens(0, 0, 0));
        }
        return sum;
}

BENCH_PROGRAM(recursion, "call", 2800, run);
