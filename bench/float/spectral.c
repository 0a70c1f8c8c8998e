/* SPDX-License-Identifier: MIT */
/*
 * The spectral norm of the matrix A(i,j) = 1 / ((i+j)(i+j+1)/2 + i+1), by the power method on A^T A, never
 * storing the matrix. Integer to double conversions and divisions.
 */
#include "bench.h"

#define SIDE 128

static double u[SIDE], v[SIDE], t[SIDE];

static double entry(int i, int j)
{
        return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1);
}

static void apply(double *out, const double *in, int transposed)
{
        for (int i = 0; i < SIDE; i++) {
                double sum = 0;

                for (int j = 0; j < SIDE; j++)
                        sum += (transposed ? entry(j, i) : entry(i, j)) * in[j];
                out[i] = sum;
        }
}

static uint64_t run(uint64_t size)
{
        double uv = 0, vv = 0;

        for (int i = 0; i < SIDE; i++)
                u[i] = 1.0;
        for (uint64_t round = 0; round < size; round++) {
                apply(t, u, 0);
                apply(v, t, 1);
                apply(t, v, 0);
                apply(u, t, 1);
                /* Without this the vector would overflow after some hundred rounds. */
                for (int i = SIDE - 1; i >= 0; i--)
                        u[i] /= u[0];
                apply(t, u, 0);
                apply(v, t, 1);
        }
        for (int i = 0; i < SIDE; i++) {
                uv += u[i] * v[i];
                vv += u[i] * u[i];
        }
        return bench_mix(bench_bits(__builtin_sqrt(uv / vv)), bench_bits(v[SIDE - 1]));
}

BENCH_PROGRAM(spectral, "float", 400, run);
