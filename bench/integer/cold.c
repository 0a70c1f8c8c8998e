/* SPDX-License-Identifier: MIT */
/*
 * Cold code: a quarter of a megabyte of short basic blocks, every one different, written once a round and
 * each run twice. The time is that of meeting code for the first time, which is most of what a boot or a
 * short-lived program does. The instructions are RV64I: addi, xor, slli, bne (never taken) and jalr.
 */
#include "bench.h"

#define BLOCKS 8192
#define BLOCK_WORDS 8
#define RUN 64                  /* blocks in one function */

typedef uint64_t (*code_fn)(uint64_t x);

enum { ZERO = 0, A0 = 10, A1 = 11 };

static uint32_t enc_addi(unsigned rd, unsigned rs1, int imm)
{
        return (uint32_t)imm << 20 | rs1 << 15 | rd << 7 | 0x13;
}

static uint32_t enc_slli(unsigned rd, unsigned rs1, unsigned amount)
{
        return amount << 20 | rs1 << 15 | 1 << 12 | rd << 7 | 0x13;
}

static uint32_t enc_xor(unsigned rd, unsigned rs1, unsigned rs2)
{
        return rs2 << 20 | rs1 << 15 | 4 << 12 | rd << 7 | 0x33;
}

/* Branches eight bytes on, over one instruction. */
static uint32_t enc_bne_skip(unsigned rs1, unsigned rs2)
{
        return rs2 << 20 | rs1 << 15 | 1 << 12 | 8 << 7 | 0x63;
}

static void write_block(uint32_t *p, uint64_t r, int last)
{
        p[0] = enc_addi(A0, A0, (int)(r & 2047));
        p[1] = enc_slli(A1, A0, 1 + (unsigned)(r >> 11 & 31));
        p[2] = enc_xor(A0, A0, A1);
        p[3] = enc_addi(A1, A1, (int)(r >> 16 & 2047));
        p[4] = enc_xor(A0, A1, A0);
        p[5] = enc_bne_skip(ZERO, ZERO);
        p[6] = enc_addi(A0, A0, (int)(r >> 27 & 2047));
        p[7] = last ? 0x00008067 : enc_addi(A1, A0, 1);
}

static uint64_t run(uint64_t size)
{
        uint32_t *code = bench_alloc_code((size_t)BLOCKS * BLOCK_WORDS * 4);
        uint64_t seed = 41, sum = 1;

        for (uint64_t round = 0; round < size; round++) {
                for (uint32_t i = 0; i < BLOCKS; i++)
                        write_block(code + i * BLOCK_WORDS, bench_random(&seed), i % RUN == RUN - 1);
                bench_sync_code(code, code + BLOCKS * BLOCK_WORDS);
                for (int pass = 0; pass < 2; pass++)
                        for (uint32_t i = 0; i < BLOCKS; i += RUN)
                                sum = ((code_fn)(uintptr_t)(code + i * BLOCK_WORDS))(sum);
        }
        return sum;
}

BENCH_PROGRAM(cold, "code", 8, run);
