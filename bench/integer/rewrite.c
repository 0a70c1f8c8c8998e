/* SPDX-License-Identifier: MIT */
/*
 * Rewritten code, as a guest's own just-in-time compiler makes it: a small function is assembled into a page,
 * called, altered in place and called again; and its neighbour in the same page holds data that changes all
 * the while.
 */
#include "bench.h"
#include "code.h"

#define FUNCTIONS 8
#define FUNCTION_BYTES 128

/* Returns the second addition, which is altered later. */
static code_t *assemble(code_t *p, uint64_t r)
{
        code_t *second = p;

        p = code_begin(p);
        for (int i = 0; i < 4; i++) {
                if (i == 1)
                        second = p;
                p = code_add(p, (unsigned)(r >> (11 * i) & 2047));
                p = code_shift(p, 1 + (unsigned)(r >> (6 * i + 3) & 31));
                p = code_xor(p);
        }
        code_return(p);
        return second;
}

static uint64_t run(uint64_t size)
{
        uint8_t *page = bench_alloc_code(4096);
        volatile uint64_t *data = (volatile uint64_t *)(page + FUNCTIONS * FUNCTION_BYTES);
        uint64_t seed = 37, sum = 1;

        for (uint64_t round = 0; round < size; round++) {
                uint8_t *function = page + round % FUNCTIONS * FUNCTION_BYTES;
                code_t *second = assemble((code_t *)function, bench_random(&seed));

                bench_sync_code(function, function + FUNCTION_BYTES);
                for (int call = 0; call < 16; call++) {
                        sum = ((code_fn)(uintptr_t)function)(sum);
                        data[call] += sum;
                }
                /* One instruction in the middle changes; the rest stays. */
                code_add(second, (unsigned)(round & 1023));
                bench_sync_code(function, function + FUNCTION_BYTES);
                sum = bench_mix(((code_fn)(uintptr_t)function)(sum), data[round % 16]);
        }
        return sum;
}

BENCH_PROGRAM(rewrite, "code", 26000, run);
