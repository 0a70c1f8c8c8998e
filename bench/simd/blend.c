/* SPDX-License-Identifier: MIT */
/*
 * Layers of an 8-bit image: averages, additions and subtractions that saturate, and pixels chosen by
 * comparing. Arithmetic on bytes with a load for every second operation.
 */
#include "bench.h"
#include "simd.h"

#define PIXELS 16384

static uint8_t front[PIXELS], back[PIXELS], out[PIXELS];

static BENCH_OPAQUE void blend(uint8_t light, uint8_t key)
{
        v16u8 bright = v_splat_u8(light), chroma = v_splat_u8(key), one = v_splat_u8(1);

        for (int i = 0; i < PIXELS; i += 16) {
                v16u8 a = v_load(front + i), b = v_load(back + i);
                v16u8 mixed = v_avg_u8(v_add_sat_u8(a, bright), v_sub_sat_u8(b, bright));
                v16u8 keyed = (v16u8)((a & ~one) == chroma);

                v_store(out + i, v_select(keyed, b, mixed));
        }
}

static BENCH_OPAQUE uint32_t total(void)
{
        v4u32 sum = {0};

        for (int i = 0; i < PIXELS; i += 16)
                sum = v_add_differences(sum, v_load(out + i), v_load(back + i));
        return v_sum_u32(sum);
}

static uint64_t run(uint64_t size)
{
        uint64_t seed = 83, sum = 0;

        for (int i = 0; i < PIXELS; i++) {
                uint64_t r = bench_random(&seed);

                front[i] = (uint8_t)r;
                back[i] = (uint8_t)(r >> 8);
        }
        for (uint64_t round = 0; round < size; round++) {
                blend((uint8_t)(round * 5), (uint8_t)(round & 0xfe));
                sum = bench_mix(sum, total());
                front[round % PIXELS] = out[round % PIXELS];
        }
        return sum;
}

BENCH_PROGRAM(blend, "simd", 20000, run);
