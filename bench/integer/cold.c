/* SPDX-License-Identifier: MIT */
/*
 * Cold code: a quarter of a megabyte and more of short basic blocks, every one different, written once a
 * round and each run twice. The time is that of meeting code for the first time, which is most of what a boot
 * or a short-lived program does.
 */
#include "bench.h"
#include "code.h"

#define BLOCKS 8192
#define BLOCK_BYTES 64          /* room for the longest: a function lies in one piece */
#define RUN 64                  /* blocks in one function */

static code_t *write_block(code_t *p, uint64_t r)
{
        p = code_add(p, (unsigned)(r & 2047));
        p = code_shift(p, 1 + (unsigned)(r >> 11 & 31));
        p = code_xor(p);
        p = code_add_y(p, (unsigned)(r >> 16 & 2047));
        p = code_xor(p);
        p = code_branch_over_add(p);
        return code_add(p, (unsigned)(r >> 27 & 2047));
}

static uint64_t run(uint64_t size)
{
        uint8_t *code = bench_alloc_code((size_t)BLOCKS * BLOCK_BYTES);
        uint64_t seed = 41, sum = 1;

        for (uint64_t round = 0; round < size; round++) {
                for (uint32_t i = 0; i < BLOCKS; i += RUN) {
                        code_t *p = code_begin((code_t *)(code + i * BLOCK_BYTES));

                        for (uint32_t k = 0; k < RUN; k++) {
                                p = write_block(p, bench_random(&seed));
                                p = k == RUN - 1 ? code_return(p) : code_y_is_next(p);
                        }
                }
                bench_sync_code(code, code + BLOCKS * BLOCK_BYTES);
                for (int pass = 0; pass < 2; pass++)
                        for (uint32_t i = 0; i < BLOCKS; i += RUN)
                                sum = ((code_fn)(uintptr_t)(code + i * BLOCK_BYTES))(sum);
        }
        return sum;
}

BENCH_PROGRAM(cold, "code", 8, run);
