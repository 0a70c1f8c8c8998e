/* SPDX-License-Identifier: MIT */
/*
 * CRC-32 (reflected, polynomial 0xedb88320) bit by bit, one table look-up a byte, and four tables a word,
 * over the same buffer; the three must agree. A short dependent chain of loads, shifts and xors.
 */
#include "bench.h"

#define BYTES 65536

static uint32_t table[4][256];
static uint32_t words[BYTES / 4];

static uint32_t crc_bits(uint32_t crc, const uint8_t *p, size_t n)
{
        while (n--) {
                crc ^= *p++;
                for (int i = 0; i < 8; i++)
                        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        }
        return crc;
}

static uint32_t crc_bytes(uint32_t crc, const uint8_t *p, size_t n)
{
        while (n--)
                crc = crc >> 8 ^ table[0][(crc ^ *p++) & 255];
        return crc;
}

static uint32_t crc_words(uint32_t crc, const uint32_t *p, size_t n)
{
        for (; n; n--) {
                crc ^= *p++;
                crc = table[3][crc & 255] ^ table[2][crc >> 8 & 255] ^ table[1][crc >> 16 & 255] ^
                      table[0][crc >> 24];
        }
        return crc;
}

static uint64_t run(uint64_t size)
{
        uint64_t seed = 7, sum = 0;
        uint8_t *bytes = (uint8_t *)words;

        for (int i = 0; i < 256; i++) {
                uint32_t crc = i;

                for (int bit = 0; bit < 8; bit++)
                        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
                table[0][i] = crc;
        }
        for (int i = 0; i < 256; i++)
                for (int t = 1; t < 4; t++)
                        table[t][i] = table[t - 1][i] >> 8 ^ table[0][table[t - 1][i] & 255];
        for (int i = 0; i < BYTES; i++)
                bytes[i] = (uint8_t)bench_random(&seed);

        for (uint64_t round = 0; round < size; round++) {
                uint32_t a = crc_bits(~0u, bytes, BYTES / 8), b = ~0u, c = ~0u;

                for (int pass = 0; pass < 4; pass++) {
                        b = crc_bytes(b, bytes, BYTES);
                        c = crc_words(c, words, BYTES / 4);
                }
                if (a != crc_words(~0u, words, BYTES / 32) || b != c)
                        return 0;
                sum = bench_mix(sum, (uint64_t)a << 32 | b);
                bytes[round % BYTES] ^= (uint8_t)sum;
        }
        return sum;
}

BENCH_PROGRAM(crc, "load-store", 400, run);
