/* SPDX-License-Identifier: MIT */
/*
 * Linear equations of 64 unknowns by elimination with partial pivoting and substitution back: the Linpack
 * kernel.
 */
#include "bench.h"

#define SIDE 64

static double m[SIDE][SIDE + 1], x[SIDE];

static double magnitude(double v)
{
        return v < 0 ? -v : v;
}

static void eliminate(void)
{
        for (int k = 0; k < SIDE; k++) {
                int pivot = k;

                for (int i = k + 1; i < SIDE; i++)
                        if (magnitude(m[i][k]) > magnitude(m[pivot][k]))
                                pivot = i;
                for (int j = k; j <= SIDE; j++) {
                        double t = m[k][j];

                        m[k][j] = m[pivot][j];
                        m[pivot][j] = t;
                }
                for (int i = k + 1; i < SIDE; i++) {
                        double factor = m[i][k] / m[k][k];

                        for (int j = k; j <= SIDE; j++)
                                m[i][j] -= factor * m[k][j];
                }
        }
        for (int i = SIDE - 1; i >= 0; i--) {
                double sum = m[i][SIDE];

                for (int j = i + 1; j < SIDE; j++)
                        sum -= m[i][j] * x[j];
                x[i] = sum / m[i][i];
        }
}

static uint64_t run(uint64_t size)
{
        uint64_t seed = 59, sum = 0;

        for (uint64_t round = 0; round < size; round++) {
                for (int i = 0; i < SIDE; i++)
                        for (int j = 0; j <= SIDE; j++)
                                m[i][j] = (double)(int64_t)bench_random(&seed) * 0x1p-63;
                eliminate();
                sum = bench_mix(sum, bench_bits(x[round % SIDE]));
        }
        return sum;
}

BENCH_PROGRAM(lu, "float", 620, run);
