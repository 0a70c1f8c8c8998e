/* SPDX-License-Identifier: MIT */
/*
 * Two tracks of 16-bit sound mixed with volumes that change: widened, converted to single precision,
 * multiplied, added, rounded and narrowed again with saturation.
 */
#include "bench.h"
#include "simd.h"

#define SAMPLES 4096

static int16_t a[SAMPLES], b[SAMPLES], out[SAMPLES];

static BENCH_OPAQUE void mix(float volume_a, float volume_b)
{
        v4f va = v_splat_f(volume_a), vb = v_splat_f(volume_b), step = v_splat_f(0x1p-14f);

        for (int i = 0; i < SAMPLES; i += 8) {
                v8i16 x = (v8i16)v_load(a + i), y = (v8i16)v_load(b + i);
                v4f low = v_convert_i32(v_widen_low_i16(x)) * va + v_convert_i32(v_widen_low_i16(y)) * vb;
                v4f high = v_convert_i32(v_widen_high_i16(x)) * va + v_convert_i32(v_widen_high_i16(y)) * vb;

                v_store(out + i, (v16u8)v_narrow_sat_i32(v_round_f(low), v_round_f(high)));
                va += step;
                vb -= step;
        }
}

static uint64_t run(uint64_t size)
{
        uint64_t seed = 79, sum = 0;

        for (int i = 0; i < SAMPLES; i++) {
                uint64_t r = bench_random(&seed);

                a[i] = (int16_t)r;
                b[i] = (int16_t)(r >> 16);
        }
        for (uint64_t round = 0; round < size; round++) {
                mix(0.8f, 0.7f + (float)(round & 15) * 0x1p-5f);
                for (int i = 0; i < SAMPLES; i += 64)
                        sum = bench_mix(sum, (uint16_t)out[i + (round & 63)]);
        }
        return sum;
}

BENCH_PROGRAM(mix, "simd", 5000, run);
