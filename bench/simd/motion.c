/* SPDX-License-Identifier: MIT */
/*
 * A video encoder's search for motion: sums of absolute differences of 16x16 blocks at places that are not
 * aligned, over a window of candidates.
 */
#include "bench.h"
#include "simd.h"

#define WIDTH 128
#define HEIGHT 64
#define REACH 8

static uint8_t now[WIDTH * HEIGHT], before[WIDTH * HEIGHT];

static BENCH_OPAQUE uint32_t difference(const uint8_t *p, const uint8_t *q)
{
        v4u32 sum = {0};

        for (int y = 0; y < 16; y++, p += WIDTH, q += WIDTH)
                sum = v_add_differences(sum, v_load(p), v_load(q));
        return v_sum_u32(sum);
}

static uint64_t search(int x, int y)
{
        uint32_t best = UINT32_MAX;
        int where = 0;

        for (int dy = -REACH; dy < REACH; dy++)
                for (int dx = -REACH; dx < REACH; dx++) {
                        uint32_t d = difference(now + y * WIDTH + x, before + (y + dy) * WIDTH + x + dx);

                        if (d < best) {
                                best = d;
                                where = dy * 64 + dx;
                        }
                }
        return (uint64_t)best << 32 | (uint32_t)where;
}

static uint64_t run(uint64_t size)
{
        uint64_t seed = 89, sum = 0;

        for (int i = 0; i < WIDTH * HEIGHT; i++)
                before[i] = (uint8_t)(bench_random(&seed) >> 58) + (uint8_t)(i % WIDTH);
        for (uint64_t round = 0; round < size; round++) {
                int shift = (int)(round % 7) * WIDTH + (int)(round % 5);

                for (int i = 0; i < WIDTH * HEIGHT; i++)
                        now[i] = before[(i + shift) % (WIDTH * HEIGHT)];
                for (int x = REACH; x + 16 + REACH <= WIDTH; x += 16)
                        sum = bench_mix(sum, search(x, 24));
        }
        return sum;
}

BENCH_PROGRAM(motion, "simd", 1000, run);
