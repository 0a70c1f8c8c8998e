/* SPDX-License-Identifier: MIT */
/*
 * Copies and fills of 16 bytes to 64 KiB: by words unrolled, by words backwards, and by bytes from an odd
 * address. The loops are the program's own, so that Linux and the bare board run the same instructions.
 */
#include "bench.h"

#define BYTES 65536

static uint64_t from[BYTES / 8 + 1], to[BYTES / 8 + 1];

static void BENCH_OPAQUE copy_words(uint64_t *d, const uint64_t *s, size_t bytes)
{
        for (; bytes >= 64; bytes -= 64, d += 8, s += 8) {
                uint64_t a = s[0], b = s[1], c = s[2], e = s[3], f = s[4], g = s[5], h = s[6], i = s[7];

                d[0] = a, d[1] = b, d[2] = c, d[3] = e, d[4] = f, d[5] = g, d[6] = h, d[7] = i;
        }
        for (; bytes; bytes -= 8)
                *d++ = *s++;
}

static void BENCH_OPAQUE copy_words_down(uint64_t *d, const uint64_t *s, size_t bytes)
{
        for (size_t i = bytes / 8; i-- > 0;)
                d[i] = s[i];
}

static void BENCH_OPAQUE copy_bytes(uint8_t *d, const uint8_t *s, size_t bytes)
{
        while (bytes--)
                *d++ = *s++;
}

static void BENCH_OPAQUE fill_words(uint64_t *d, uint64_t value, size_t bytes)
{
        for (; bytes; bytes -= 8)
                *d++ = value;
}

static uint64_t run(uint64_t size)
{
        uint64_t sum = 0, seed = 23;

        for (size_t i = 0; i < BYTES / 8; i++)
                from[i] = bench_random(&seed);
        for (uint64_t round = 0; round < size; round++) {
                fill_words(to, round, BYTES);
                for (size_t bytes = 16; bytes <= BYTES; bytes *= 4) {
                        size_t at = round * 8 % (BYTES - bytes + 8);

                        copy_words(to + at / 8, from, bytes);
                        copy_words_down(from, to + at / 8, bytes / 2 & ~(size_t)7);
                        copy_bytes((uint8_t *)to + 3, (uint8_t *)from + 1, bytes / 4);
                }
                sum = bench_mix(sum, to[round % (BYTES / 8)] ^ from[round * 7 % (BYTES / 8)]);
        }
        return sum;
}

BENCH_PROGRAM(memcpy, "load-store", 8000, run);
