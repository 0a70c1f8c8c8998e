/* SPDX-License-Identifier: MIT */
/*
 * The sieve of Eratosthenes over one byte a number and then over one bit a number; the counts must agree.
 * Strided stores, then read-modify-write of words.
 */
#include "bench.h"

#define LIMIT 262144

static uint8_t marks[LIMIT];
static uint64_t bits[LIMIT / 64];

static uint32_t sieve_bytes(uint32_t limit)
{
        uint32_t count = 0;

        for (uint32_t i = 0; i < limit; i++)
                marks[i] = 0;
        for (uint32_t i = 2; i < limit; i++) {
                if (marks[i])
                        continue;
                count++;
                for (uint64_t j = (uint64_t)i * i; j < limit; j += i)
                        marks[j] = 1;
        }
        return count;
}

static uint32_t sieve_bits(uint32_t limit)
{
        uint32_t count = 0;

        for (uint32_t i = 0; i < LIMIT / 64; i++)
                bits[i] = 0;
        for (uint32_t i = 2; i < limit; i++) {
                if (bits[i / 64] >> i % 64 & 1)
                        continue;
                count++;
                for (uint64_t j = (uint64_t)i * i; j < limit; j += i)
                        bits[j / 64] |= 1ull << j % 64;
        }
        return count;
}

static uint64_t run(uint64_t size)
{
        uint64_t sum = 0;

        for (uint64_t round = 0; round < size; round++) {
                uint32_t limit = LIMIT - (uint32_t)(round % 1000), count = sieve_bytes(limit);

                if (count != sieve_bits(limit))
                        return 0;
                sum = bench_mix(sum, count);
        }
        return sum;
}

BENCH_PROGRAM(sieve, "load-store", 130, run);
