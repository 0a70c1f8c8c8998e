/* SPDX-License-Identifier: MIT */
/*
 * Colour to gray with 16-bit multiplies, 16 pixels of four bytes at a time, and a histogram's extremes by min
 * and max. Channels are taken apart by a load that does so (AdvSIMD), or by shifts and packs (SSE2).
 */
#include "bench.h"
#include "simd.h"

#define PIXELS 4096

static uint8_t colour[PIXELS * 4], gray[PIXELS];

static inline v8u16 weigh(const uint8_t *p)
{
        v8u16 r, g, b;

        v_load_rgb(p, &r, &g, &b);
        return (r * 77 + g * 150 + b * 29 + 128) >> 8;
}

static BENCH_OPAQUE uint64_t convert(void)
{
        v16u8 low = v_splat_u8(255), high = v_splat_u8(0);

        for (int i = 0; i < PIXELS; i += 16) {
                v16u8 y = v_narrow_u16(weigh(colour + 4 * i), weigh(colour + 4 * i + 32));

                v_store(gray + i, y);
                low = v_min_u8(low, y);
                high = v_max_u8(high, y);
        }
        return ((v2u64)low)[0] ^ ((v2u64)low)[1] * 3 ^ ((v2u64)high)[0] * 5 ^ ((v2u64)high)[1] * 7;
}

static uint64_t run(uint64_t size)
{
        uint64_t seed = 97, sum = 0;

        for (int i = 0; i < PIXELS * 4; i++)
                colour[i] = (uint8_t)(bench_random(&seed) >> 32);
        for (uint64_t round = 0; round < size; round++) {
                sum = bench_mix(sum, convert());
                for (int i = 0; i < PIXELS; i += 256)
                        sum = bench_mix(sum, gray[i + (round & 255)]);
                colour[round % (PIXELS * 4)] ^= (uint8_t)round;
        }
        return sum;
}

BENCH_PROGRAM(gray, "simd", 35000, run);
