/* SPDX-License-Identifier: MIT */
/*
 * Dijkstra's shortest paths on a grid of weighted cells, with a binary heap as the queue. A mixture of
 * everything: scattered loads, branches that depend on data, short calls.
 */
#include "bench.h"

#define SIDE 128
#define CELLS (SIDE * SIDE)

static uint8_t cost[CELLS];
static uint32_t distance[CELLS];
static uint64_t heap[CELLS * 4 + 1];
static uint32_t heap_count;

static void heap_push(uint64_t x)
{
        uint32_t at = ++heap_count;

        for (; at > 1 && heap[at / 2] > x; at /= 2)
                heap[at] = heap[at / 2];
        heap[at] = x;
}

static uint64_t heap_pop(void)
{
        uint64_t top = heap[1], x = heap[heap_count--];
        uint32_t at = 1;

        for (;;) {
                uint32_t child = at * 2;

                if (child > heap_count)
                        break;
                if (child < heap_count && heap[child + 1] < heap[child])
                        child++;
                if (heap[child] >= x)
                        break;
                heap[at] = heap[child];
                at = child;
        }
        heap[at] = x;
        return top;
}

static void relax(uint32_t to, uint32_t base)
{
        uint32_t d = base + cost[to];

        if (d < distance[to]) {
                distance[to] = d;
                heap_push((uint64_t)d << 32 | to);
        }
}

static uint32_t shortest_path(uint32_t from, uint32_t to)
{
        for (uint32_t i = 0; i < CELLS; i++)
                distance[i] = UINT32_MAX;
        heap_count = 0;
        distance[from] = 0;
        heap_push(from);
        while (heap_count) {
                uint64_t x = heap_pop();
                uint32_t at = (uint32_t)x, d = (uint32_t)(x >> 32);

                if (d > distance[at])
                        continue;
                if (at % SIDE > 0)
                        relax(at - 1, d);
                if (at % SIDE < SIDE - 1)
                        relax(at + 1, d);
                if (at >= SIDE)
                        relax(at - SIDE, d);
                if (at < CELLS - SIDE)
                        relax(at + SIDE, d);
        }
        return distance[to];
}

static uint64_t run(uint64_t size)
{
        uint64_t seed = 31, sum = 0;

        for (uint64_t round = 0; round < size; round++) {
                for (uint32_t i = 0; i < CELLS; i++)
                        cost[i] = (uint8_t)(1 + bench_random(&seed) % 99);
                sum = bench_mix(sum, shortest_path((uint32_t)(bench_random(&seed) % CELLS), CELLS - 1));
        }
        return sum;
}

BENCH_PROGRAM(graph, "load-store", 350, run);
