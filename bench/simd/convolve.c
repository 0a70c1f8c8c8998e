/* SPDX-License-Identifier: MIT */
/*
 * A filter of 32 taps on 16-bit samples with 32-bit sums: products of neighbours added in pairs (SSE2), or
 * multiplied and added with widening (AdvSIMD), then shifted and narrowed with saturation.
 */
#include "bench.h"
#include "simd.h"

#define TAPS 32
#define SAMPLES 2048

static int16_t input[SAMPLES + TAPS], output[SAMPLES], taps[TAPS];

static BENCH_OPAQUE void convolve(void)
{
        v8i16 t0 = (v8i16)v_load(taps), t1 = (v8i16)v_load(taps + 8);
        v8i16 t2 = (v8i16)v_load(taps + 16), t3 = (v8i16)v_load(taps + 24);

        for (int i = 0; i < SAMPLES; i += 4) {
                v4i32 sums = {0};

#pragma GCC unroll 4
                for (int k = 0; k < 4; k++) {
                        const int16_t *p = input + i + k;
                        v4i32 sum = v_add_products((v4i32){0}, (v8i16)v_load(p), t0);

                        sum = v_add_products(sum, (v8i16)v_load(p + 8), t1);
                        sum = v_add_products(sum, (v8i16)v_load(p + 16), t2);
                        sum = v_add_products(sum, (v8i16)v_load(p + 24), t3);
                        sums[k] = (int32_t)v_sum_u32((v4u32)sum);
                }
                v8i16 narrow = v_narrow_sat_i32(sums >> 14, sums >> 14);

                *(uint64_t *)(void *)(output + i) = ((v2u64)narrow)[0];
        }
}

static uint64_t run(uint64_t size)
{
        uint64_t seed = 103, sum = 0;

        for (int k = 0; k < TAPS; k++)
                taps[k] = (int16_t)((bench_random(&seed) >> 51) - 4096);
        for (int i = 0; i < SAMPLES + TAPS; i++)
                input[i] = (int16_t)bench_random(&seed);
        for (uint64_t round = 0; round < size; round++) {
                convolve();
                for (int i = 0; i < SAMPLES; i += 64)
                        sum = bench_mix(sum, (uint16_t)output[i + (round & 63)]);
                input[round % SAMPLES] ^= (int16_t)round;
        }
        return sum;
}

BENCH_PROGRAM(convolve, "simd", 12000, run);
