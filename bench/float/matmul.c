/* SPDX-License-Identifier: MIT */
/*
 * Products of 96x96 matrices of doubles, in the plain order and with the inner two loops exchanged. A load or
 * two and one multiply-add an iteration.
 */
#include "bench.h"

#define SIDE 96

static double a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];

static void multiply_plain(void)
{
        for (int i = 0; i < SIDE; i++)
                for (int j = 0; j < SIDE; j++) {
                        double sum = 0;

                        for (int k = 0; k < SIDE; k++)
                                sum += a[i][k] * b[k][j];
                        c[i][j] = sum;
                }
}

static void multiply_rows(void)
{
        for (int i = 0; i < SIDE; i++)
                for (int k = 0; k < SIDE; k++) {
                        double x = c[i][k] * 0x1p-6;

                        for (int j = 0; j < SIDE; j++)
                                a[i][j] = (a[i][j] + x * b[k][j]) * 0.5;
                }
}

static uint64_t run(uint64_t size)
{
        uint64_t seed = 47, sum = 0;

        for (int i = 0; i < SIDE; i++)
                for (int j = 0; j < SIDE; j++) {
                        a[i][j] = (double)(bench_random(&seed) >> 11) * 0x1p-53;
                        b[i][j] = (double)(bench_random(&seed) >> 11) * 0x1p-52 - 1.0;
                }
        for (uint64_t round = 0; round < size; round++) {
                multiply_plain();
                multiply_rows();
                sum = bench_mix(sum, bench_bits(c[round % SIDE][round * 5 % SIDE]));
        }
        return sum;
}

BENCH_PROGRAM(matmul, "float", 30, run);
