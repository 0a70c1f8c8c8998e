/* SPDX-License-Identifier: MIT */
/*
 * Lines and fields of a text, as a library's memchr and a parser of comma-separated values find them: 16
 * bytes compared at a time, a mask of the hits moved to an integer register, its bits taken one by one.
 */
#include "bench.h"
#include "simd.h"

#define BYTES 16384

static uint8_t text[BYTES];

/* The places of commas and line ends, mixed; a field's length counts. */
static BENCH_OPAQUE uint64_t split(uint64_t sum)
{
        v16u8 comma = v_splat_u8(','), end = v_splat_u8('\n');
        uint32_t start = 0;

        for (uint32_t i = 0; i < BYTES; i += 16) {
                v16u8 v = v_load(text + i);
                uint64_t hits = v_mask_u8((v16u8)(v == comma) | (v16u8)(v == end));

                while (hits) {
                        unsigned bit = (unsigned)__builtin_ctzll(hits);
                        uint32_t at = i + bit / V_MASK_STEP;

                        hits &= ~(((1ull << V_MASK_STEP) - 1) << bit);
                        sum = sum * 33 + at - start;
                        start = at + 1;
                }
        }
        return sum;
}

static BENCH_OPAQUE uint32_t find(const uint8_t *p, uint8_t byte)
{
        v16u8 wanted = v_splat_u8(byte);
        const uint8_t *q = p;

        for (;; q += 16) {
                uint64_t hits = v_mask_u8((v16u8)(v_load(q) == wanted));

                if (hits)
                        return (uint32_t)(q - p) + (uint32_t)__builtin_ctzll(hits) / V_MASK_STEP;
        }
}

static uint64_t run(uint64_t size)
{
        uint64_t seed = 109, sum = 0;

        for (int i = 0; i < BYTES; i++) {
                uint64_t r = bench_random(&seed);

                text[i] = r % 23 == 0 ? ',' : r % 97 == 0 ? '\n' : (uint8_t)('a' + (r >> 32) % 26);
        }
        text[BYTES - 1] = '~';
        for (uint64_t round = 0; round < size; round++) {
                sum = split(sum);
                for (int i = 0; i < 16; i++)
                        sum = bench_mix(sum, find(text + (round * 61 + (uint64_t)i * 7) % 1024, '~'));
                text[round % (BYTES - 1)] ^= 1;
        }
        return sum;
}

BENCH_PROGRAM(scan, "simd", 2200, run);
