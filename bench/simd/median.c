/* SPDX-License-Identifier: MIT */
/*
 * The median of each pixel's neighbourhood of nine: a network of minima and maxima on bytes that needs more
 * vectors than a host may have registers.
 */
#include "bench.h"
#include "simd.h"

#define WIDTH 144
#define HEIGHT 48

static uint8_t in[WIDTH * HEIGHT], out[WIDTH * HEIGHT];

static inline void order(v16u8 *a, v16u8 *b)
{
        v16u8 low = v_min_u8(*a, *b);

        *b = v_max_u8(*a, *b);
        *a = low;
}

/* The network of Devillard, "Fast median search" (1998), after Paeth: 19 exchanges. */
static inline v16u8 median9(v16u8 p[9])
{
        static const uint8_t pairs[19][2] = {
                {1, 2}, {4, 5}, {7, 8}, {0, 1}, {3, 4}, {6, 7}, {1, 2}, {4, 5}, {7, 8}, {0, 3},
                {5, 8}, {4, 7}, {3, 6}, {1, 4}, {2, 5}, {4, 7}, {4, 2}, {6, 4}, {4, 2},
        };

#pragma GCC unroll 19
        for (int i = 0; i < 19; i++)
                order(&p[pairs[i][0]], &p[pairs[i][1]]);
        return p[4];
}

static BENCH_OPAQUE void filter(void)
{
        for (int y = 1; y < HEIGHT - 1; y++)
                for (int x = 1; x + 16 < WIDTH; x += 16) {
                        const uint8_t *q = in + (y - 1) * WIDTH + x - 1;
                        v16u8 p[9] = {
                                v_load(q), v_load(q + 1), v_load(q + 2),
                                v_load(q + WIDTH), v_load(q + WIDTH + 1), v_load(q + WIDTH + 2),
                                v_load(q + 2 * WIDTH), v_load(q + 2 * WIDTH + 1), v_load(q + 2 * WIDTH + 2),
                        };

                        v_store(out + y * WIDTH + x, median9(p));
                }
}

static uint64_t run(uint64_t size)
{
        uint64_t seed = 101, sum = 0;

        for (int i = 0; i < WIDTH * HEIGHT; i++)
                in[i] = (uint8_t)(bench_random(&seed) >> 32);
        for (uint64_t round = 0; round < size; round++) {
                filter();
                for (int i = WIDTH; i < WIDTH * (HEIGHT - 1); i += 61)
                        sum = bench_mix(sum, out[i]);
                in[round % (WIDTH * HEIGHT)] ^= (uint8_t)(round * 37);
        }
        return sum;
}

BENCH_PROGRAM(median, "simd", 20000, run);
