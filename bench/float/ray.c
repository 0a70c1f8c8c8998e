/* SPDX-License-Identifier: MIT */
/*
 * A ray tracer in single precision: spheres with mirrors over a chequered floor, 64x48 pixels a frame. Dot
 * products, square roots, divisions, conversions to integer, and compares that decide branches.
 */
#include "bench.h"

#define WIDTH 64
#define HEIGHT 48
#define SPHERES 8

struct vec {
        float x, y, z;
};

static struct sphere {
        struct vec at;
        float radius, mirror;
} spheres[SPHERES];

static struct vec add_scaled(struct vec a, struct vec b, float s)
{
        return (struct vec){a.x + b.x * s, a.y + b.y * s, a.z + b.z * s};
}

static float dot(struct vec a, struct vec b)
{
        return a.x * b.x + a.y * b.y + a.z * b.z;
}

static struct vec unit(struct vec a)
{
        float s = 1.0f / __builtin_sqrtf(dot(a, a));

        return (struct vec){a.x * s, a.y * s, a.z * s};
}

/* The nearest sphere ahead and its distance, or NULL. */
static const struct sphere *find_hit(struct vec from, struct vec way, float *distance)
{
        const struct sphere *hit = NULL;

        for (int i = 0; i < SPHERES; i++) {
                struct vec to = add_scaled(spheres[i].at, from, -1.0f);
                float along = dot(to, way);
                float square = spheres[i].radius * spheres[i].radius - dot(to, to) + along * along;
                float t;

                if (square < 0.0f)
                        continue;
                t = along - __builtin_sqrtf(square);
                if (t > 0.001f && t < *distance) {
                        *distance = t;
                        hit = &spheres[i];
                }
        }
        return hit;
}

static float trace(struct vec from, struct vec way)
{
        static const struct vec light = {0.57735027f, 0.57735027f, -0.57735027f};
        float share = 1.0f, shade = 0.0f;

        for (int depth = 0; depth < 4 && share > 0.01f; depth++) {
                float distance = 1e9f;
                const struct sphere *hit = find_hit(from, way, &distance);
                struct vec normal;
                float bright;

                if (!hit && way.y >= 0.0f)
                        return shade + share * (0.2f + 0.5f * way.y);
                if (!hit) {
                        float t = (-1.0f - from.y) / way.y;
                        struct vec p = add_scaled(from, way, t);
                        int dark = ((int)(p.x + 1000.0f) ^ (int)(p.z + 1000.0f)) & 1;

                        return shade + share * (dark ? 0.9f : 0.1f);
                }
                from = add_scaled(from, way, distance);
                normal = unit(add_scaled(from, hit->at, -1.0f));
                bright = dot(normal, light);
                shade += share * (1.0f - hit->mirror) * (bright > 0.0f ? bright : 0.05f);
                share *= hit->mirror;
                way = add_scaled(way, normal, -2.0f * dot(way, normal));
        }
        return shade;
}

static uint64_t run(uint64_t size)
{
        uint64_t seed = 61, sum = 0;

        for (uint64_t frame = 0; frame < size; frame++) {
                for (int i = 0; i < SPHERES; i++) {
                        uint64_t r = bench_random(&seed);

                        spheres[i].at = (struct vec){(float)(r & 255) * 0.03f - 4.0f,
                                                     (float)(r >> 8 & 255) * 0.01f - 0.5f,
                                                     (float)(r >> 16 & 255) * 0.03f + 3.0f};
                        spheres[i].radius = 0.4f + (float)(r >> 24 & 255) * 0.003f;
                        spheres[i].mirror = (float)(r >> 32 & 255) * 0.003f;
                }
                for (int y = 0; y < HEIGHT; y++)
                        for (int x = 0; x < WIDTH; x++) {
                                struct vec way = {(float)(x - WIDTH / 2) / WIDTH,
                                                  (float)(HEIGHT / 2 - y) / WIDTH, 1.0f};
                                float shade = trace((struct vec){0, 0, -2.0f}, unit(way));

                                sum = bench_mix(sum, (uint64_t)(int)(shade * 65536.0f));
                        }
        }
        return sum;
}

BENCH_PROGRAM(ray, "float", 240, run);
