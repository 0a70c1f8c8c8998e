/* SPDX-License-Identifier: MIT */
/*
 * Address translation: reads and writes that touch 8,192 pages (32 MiB) in a scattered order, one word each,
 * at an offset that differs from page to page so that the host's caches do not collide more than the TLB
 * does.
 */
#include "bench.h"

#define PAGE 4096
#define PAGES 8192

static uint64_t run(uint64_t size)
{
        uint8_t *base = bench_alloc((size_t)PAGES * PAGE);
        uint64_t sum = 0;

        for (uint64_t i = 0; i < PAGES; i++)
                *(uint64_t *)(base + i * PAGE + i * 64 % PAGE) = i;
        for (uint64_t round = 0; round < size; round++) {
                uint64_t page = round % PAGES;

                for (uint64_t i = 0; i < PAGES; i++) {
                        uint64_t *word = (uint64_t *)(base + page * PAGE + page * 64 % PAGE);

                        sum += *word;
                        if (i & 1)
                                *word = sum;
                        /* An odd multiplier and increment congruent to 1 mod 4: every page once a round. */
                        page = (page * 1664525 + 1013904223) % PAGES;
                }
        }
        return sum;
}

BENCH_PROGRAM(tlbmiss, "tlb", 500, run);
