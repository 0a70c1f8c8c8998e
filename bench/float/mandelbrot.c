/* SPDX-License-Identifier: MIT */
/*
 * The Mandelbrot set by escape time: a loop of seven double operations and a compare-and-branch on floating
 * point, with no memory. One picture of 128x96 points, to a limit that follows the size.
 */
#include "bench.h"

#define WIDTH 128
#define HEIGHT 96

static unsigned escape(double cr, double ci, unsigned limit)
{
        double r = 0, i = 0;
        unsigned n = 0;

        for (; n < limit; n++) {
                double rr = r * r, ii = i * i;

                if (rr + ii > 4.0)
                        break;
                i = 2 * r * i + ci;
                r = rr - ii + cr;
        }
        return n;
}

static uint64_t run(uint64_t size)
{
        uint64_t sum = 0;

        for (int y = 0; y < HEIGHT; y++)
                for (int x = 0; x < WIDTH; x++) {
                        double cr = -2.0 + 3.0 * x / WIDTH, ci = -1.2 + 2.4 * y / HEIGHT;

                        sum = bench_mix(sum, escape(cr, ci, (unsigned)size));
                }
        return sum;
}

BENCH_PROGRAM(mandelbrot, "float", 7500, run);
