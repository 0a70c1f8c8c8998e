/* SPDX-License-Identifier: MIT */
/*
 * Pointer chasing: a random cycle through nodes of one cache line each, first in 32 KiB, then in 256 KiB.
 * Each load's address is the last one's result, so nothing but the latency of a translated load is measured.
 * Both fit the TLBs of any sensible emulator; tlbmiss.c is for what does not.
 */
#include "bench.h"

#define LINE 64

struct node {
        struct node *next;
        uint64_t value;
        uint8_t pad[LINE - 16];
};

/* Sattolo's shuffle, which yields a single cycle. */
static void link_cycle(struct node *nodes, uint32_t *order, uint32_t count, uint64_t seed)
{
        for (uint32_t i = 0; i < count; i++)
                order[i] = i;
        for (uint32_t i = count - 1; i > 0; i--) {
                uint32_t j = (uint32_t)(bench_random(&seed) % i), t = order[i];

                order[i] = order[j];
                order[j] = t;
        }
        for (uint32_t i = 0; i < count; i++) {
                nodes[order[i]].next = &nodes[order[(i + 1) % count]];
                nodes[order[i]].value = i;
        }
}

static uint64_t chase(const struct node *at, uint64_t steps, uint64_t sum)
{
        for (uint64_t i = 0; i < steps; i += 4) {
                at = at->next;
                at = at->next;
                at = at->next;
                at = at->next;
                sum += at->value;
        }
        return bench_mix(sum, at->value);
}

static uint64_t run(uint64_t size)
{
        uint32_t small = 32768 / LINE, large = 262144 / LINE;
        struct node *nodes = bench_alloc((small + large) * sizeof(*nodes));
        uint32_t *order = bench_alloc(large * sizeof(*order));
        uint64_t sum = 0;

        link_cycle(nodes, order, small, 17);
        link_cycle(nodes + small, order, large, 19);
        for (uint64_t round = 0; round < size; round++) {
                sum = chase(nodes, 65536, sum);
                sum = chase(nodes + small, 65536, sum);
        }
        return sum;
}

BENCH_PROGRAM(chase, "chase", 1300, run);
