/* SPDX-License-Identifier: MIT */
/*
 * The first level of linear algebra: y += a x and inner products over vectors that stay in the cache, in
 * single and in double precision, four accumulators each. Loads, multiplies and adds in equal parts.
 */
#include "bench.h"
#include "simd.h"

#define N 2048

static float xs[N], ys[N];
static double xd[N], yd[N];

static void saxpy(float a)
{
        v4f factor = v_splat_f(a);

        for (int i = 0; i < N; i += 8) {
                v_store_f(ys + i, v_load_f(ys + i) + factor * v_load_f(xs + i));
                v_store_f(ys + i + 4, v_load_f(ys + i + 4) + factor * v_load_f(xs + i + 4));
        }
}

static void daxpy(double a)
{
        v2d factor = v_splat_d(a);

        for (int i = 0; i < N; i += 4) {
                v_store_d(yd + i, v_load_d(yd + i) + factor * v_load_d(xd + i));
                v_store_d(yd + i + 2, v_load_d(yd + i + 2) + factor * v_load_d(xd + i + 2));
        }
}

static float sdot(void)
{
        v4f s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};

        for (int i = 0; i < N; i += 16) {
                s0 += v_load_f(xs + i) * v_load_f(ys + i);
                s1 += v_load_f(xs + i + 4) * v_load_f(ys + i + 4);
                s2 += v_load_f(xs + i + 8) * v_load_f(ys + i + 8);
                s3 += v_load_f(xs + i + 12) * v_load_f(ys + i + 12);
        }
        return v_sum_f((s0 + s1) + (s2 + s3));
}

static double ddot(void)
{
        v2d s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};

        for (int i = 0; i < N; i += 8) {
                s0 += v_load_d(xd + i) * v_load_d(yd + i);
                s1 += v_load_d(xd + i + 2) * v_load_d(yd + i + 2);
                s2 += v_load_d(xd + i + 4) * v_load_d(yd + i + 4);
                s3 += v_load_d(xd + i + 6) * v_load_d(yd + i + 6);
        }
        s0 = (s0 + s1) + (s2 + s3);
        return s0[0] + s0[1];
}

static uint64_t run(uint64_t size)
{
        uint64_t seed = 71, sum = 0;

        for (int i = 0; i < N; i++) {
                int32_t r = (int32_t)(bench_random(&seed) >> 40) - (1 << 23);

                xs[i] = (float)r * 0x1p-24f;
                xd[i] = r * 0x1p-24;
                ys[i] = 0.0f;
                yd[i] = 0.0;
        }
        for (uint64_t round = 0; round < size; round++) {
                /* The factors' signs make the sums wander without growing. */
                float a = round & 1 ? -0.37f : 0.41f;

                saxpy(a);
                daxpy((double)a);
                sum = bench_mix(sum, bench_bits((double)sdot()));
                sum = bench_mix(sum, bench_bits(ddot()));
        }
        return sum;
}

BENCH_PROGRAM(saxpy, "simd", 15000, run);
