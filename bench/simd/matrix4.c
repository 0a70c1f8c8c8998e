/* SPDX-License-Identifier: MIT */
/*
 * Three-dimensional graphics: products of 4x4 matrices in single precision, and points transformed by them
 * and divided by their last coordinate. Broadcasts of a lane, multiply-adds, divisions.
 */
#include "bench.h"
#include "simd.h"

#define POINTS 512

struct matrix {
        v4f column[4];
};

static v4f points[POINTS], moved[POINTS];

static inline v4f transform(const struct matrix *m, v4f v)
{
        return m->column[0] * V_SHUFFLE(v, v, 0, 0, 0, 0) + m->column[1] * V_SHUFFLE(v, v, 1, 1, 1, 1) +
               m->column[2] * V_SHUFFLE(v, v, 2, 2, 2, 2) + m->column[3] * V_SHUFFLE(v, v, 3, 3, 3, 3);
}

static BENCH_OPAQUE void multiply(struct matrix *out, const struct matrix *a, const struct matrix *b)
{
        for (int i = 0; i < 4; i++)
                out->column[i] = transform(a, b->column[i]);
}

static BENCH_OPAQUE void project(const struct matrix *m)
{
        for (int i = 0; i < POINTS; i++) {
                v4f v = transform(m, points[i]);

                moved[i] = v / V_SHUFFLE(v, v, 3, 3, 3, 3);
        }
}

static uint64_t run(uint64_t size)
{
        /* Rotations by small angles about two axes, and a camera. */
        static const struct matrix turn = {{
                {0.9998f, 0.02f, 0, 0}, {-0.02f, 0.9998f, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1},
        }}, tilt = {{
                {1, 0, 0, 0}, {0, 0.9992f, 0.04f, 0}, {0, -0.04f, 0.9992f, 0}, {0, 0, 0, 1},
        }}, camera = {{
                {1.3f, 0, 0, 0}, {0, 1.7f, 0, 0}, {0, 0, 1.1f, 1}, {0, 0, 5, 7},
        }};
        uint64_t seed = 73, sum = 0;

        for (int i = 0; i < POINTS; i++)
                for (int k = 0; k < 4; k++)
                        points[i][k] = k == 3 ? 1.0f : (float)(bench_random(&seed) >> 44) * 0x1p-20f - 0.5f;
        for (uint64_t round = 0; round < size; round++) {
                struct matrix m = turn, t;

                for (int i = 0; i < 64; i++) {
                        multiply(&t, &m, i & 1 ? &tilt : &turn);
                        m = t;
                }
                multiply(&t, &camera, &m);
                project(&t);
                for (int i = 0; i < POINTS; i += 64)
                        sum = bench_mix(sum, bench_bits((double)moved[i][round & 1]));
        }
        return sum;
}

BENCH_PROGRAM(matrix4, "simd", 12000, run);
