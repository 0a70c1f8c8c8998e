/* SPDX-License-Identifier: MIT */
/*
 * Five bodies under gravity, stepped by a symplectic Euler rule; the checksum covers the energy's exact bits.
 * Double precision multiply-adds with a division and a square root for each pair.
 */
#include "bench.h"

#define BODIES 5

struct body {
        double at[3], speed[3], mass;
};

static struct body bodies[BODIES];

static void place_bodies(void)
{
        uint64_t seed = 43;

        for (int i = 0; i < BODIES; i++) {
                double radius = i * 1.7;

                for (int k = 0; k < 3; k++) {
                        bodies[i].at[k] = radius * ((double)(bench_random(&seed) >> 12) * 0x1p-51 - 1.0);
                        bodies[i].speed[k] = i ? (double)(bench_random(&seed) >> 12) * 0x1p-52 - 0.5 : 0.0;
                }
                bodies[i].mass = i ? 0.01 / i : 4.0;
        }
}

static void step(double dt)
{
        for (int i = 0; i < BODIES; i++)
                for (int j = i + 1; j < BODIES; j++) {
                        double d[3], square = 0.01, pull;

                        for (int k = 0; k < 3; k++) {
                                d[k] = bodies[i].at[k] - bodies[j].at[k];
                                square += d[k] * d[k];
                        }
                        pull = dt / (square * __builtin_sqrt(square));
                        for (int k = 0; k < 3; k++) {
                                bodies[i].speed[k] -= d[k] * bodies[j].mass * pull;
                                bodies[j].speed[k] += d[k] * bodies[i].mass * pull;
                        }
                }
        for (int i = 0; i < BODIES; i++)
                for (int k = 0; k < 3; k++)
                        bodies[i].at[k] += dt * bodies[i].speed[k];
}

static double energy(void)
{
        double e = 0;

        for (int i = 0; i < BODIES; i++) {
                const struct body *b = &bodies[i];

                e += 0.5 * b->mass *
                     (b->speed[0] * b->speed[0] + b->speed[1] * b->speed[1] + b->speed[2] * b->speed[2]);
                for (int j = i + 1; j < BODIES; j++) {
                        double square = 0.01;

                        for (int k = 0; k < 3; k++)
                                square += (b->at[k] - bodies[j].at[k]) * (b->at[k] - bodies[j].at[k]);
                        e -= b->mass * bodies[j].mass / __builtin_sqrt(square);
                }
        }
        return e;
}

static uint64_t run(uint64_t size)
{
        uint64_t sum = 0;

        place_bodies();
        for (uint64_t i = 0; i < size; i++) {
                step(0.001);
                if (i % 1024 == 0)
                        sum = bench_mix(sum, bench_bits(energy()));
        }
        return bench_mix(sum, bench_bits(energy()));
}

BENCH_PROGRAM(nbody, "float", 420000, run);
