/* SPDX-License-Identifier: MIT */
/*
 * Rewritten code, as a guest's own just-in-time compiler makes it: a small function is assembled into a page,
 * called, altered in place and called again; and its neighbour in the same page holds data that changes all
 * the while. The four instructions used are from RV64I (The RISC-V Instruction Set Manual, volume I): addi,
 * slli, xor, jalr.
 */
#include "bench.h"

#define FUNCTIONS 8
#define FUNCTION_WORDS 32       /* 128 bytes apart */

typedef uint64_t (*code_fn)(uint64_t x);

enum { A0 = 10, A1 = 11 };

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

static const uint32_t enc_ret = 0x00008067;

static void assemble(volatile uint32_t *p, uint64_t r)
{
        for (int i = 0; i < 4; i++) {
                *p++ = enc_addi(A0, A0, (int)(r >> (11 * i) & 2047));
                *p++ = enc_slli(A1, A0, 1 + (unsigned)(r >> (6 * i + 3) & 31));
                *p++ = enc_xor(A0, A0, A1);
        }
        *p = enc_ret;
}

static uint64_t run(uint64_t size)
{
        volatile uint32_t *code = bench_alloc_code(4096);
        volatile uint64_t *data = (volatile uint64_t *)(code + FUNCTIONS * FUNCTION_WORDS);
        uint64_t seed = 37, sum = 1;

        for (uint64_t round = 0; round < size; round++) {
                volatile uint32_t *function = code + round % FUNCTIONS * FUNCTION_WORDS;

                assemble(function, bench_random(&seed));
                bench_sync_code((void *)function, (void *)(function + FUNCTION_WORDS));
                for (int call = 0; call < 16; call++) {
                        sum = ((code_fn)(uintptr_t)function)(sum);
                        data[call] += sum;
                }
                /* One instruction in the middle changes; the rest stays. */
                function[3] = enc_addi(A0, A0, (int)(round & 1023));
                bench_sync_code((void *)function, (void *)(function + FUNCTION_WORDS));
                sum = bench_mix(((code_fn)(uintptr_t)function)(sum), data[round % 16]);
        }
        return sum;
}

BENCH_PROGRAM(rewrite, "code", 26000, run);
