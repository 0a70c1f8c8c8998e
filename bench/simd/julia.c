/* SPDX-License-Identifier: MIT */
/*
 * A Julia set, four points at a time in single precision: comparisons make masks that count, and a loop that
 * ends when no lane is left. What compilers and people make of branches in vectors.
 */
#include "bench.h"
#include "simd.h"

#define WIDTH 64
#define LIMIT 96

static v4i32 count_steps(v4f x, v4f y, v4f cx, v4f cy)
{
        v4i32 steps = {0};

        for (int i = 0; i < LIMIT; i++) {
                v4f xx = x * x, yy = y * y;
                v4i32 inside = xx + yy < v_splat_f(4.0f);

                if (!v_any_i32(inside))
                        break;
                steps -= inside;
                y = (x + x) * y + cy;
                x = xx - yy + cx;
        }
        return steps;
}

static uint64_t run(uint64_t size)
{
        uint64_t sum = 0;

        for (uint64_t round = 0; round < size; round++) {
                v4f cx = v_splat_f(-0.74f - (float)(round & 31) * 0x1p-10f), cy = v_splat_f(0.11f);
                v4u32 total = {0};

                for (int row = 0; row < WIDTH; row++) {
                        v4f y = v_splat_f((float)row * (2.0f / WIDTH) - 1.0f);

                        for (int column = 0; column < WIDTH; column += 4) {
                                v4f x = v_splat_f((float)column * (3.0f / WIDTH) - 1.5f);

                                x += (v4f){0, 3.0f / WIDTH, 6.0f / WIDTH, 9.0f / WIDTH};
                                total = total * 5 + (v4u32)count_steps(x, y, cx, cy);
                        }
                }
                sum = bench_mix(sum, v_sum_u32(total));
        }
        return sum;
}

BENCH_PROGRAM(julia, "simd", 170, run);
