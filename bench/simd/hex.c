/* SPDX-License-Identifier: MIT */
/*
 * Bytes to hexadecimal digits and back: shifts, a table in a register (AdvSIMD) or comparisons (SSE2),
 * interleaving, and narrowing.
 */
#include "bench.h"
#include "simd.h"

#define BYTES 8192

static uint8_t data[BYTES], text[2 * BYTES], again[BYTES];

static BENCH_OPAQUE void encode(void)
{
        for (int i = 0; i < BYTES; i += 16) {
                v16u8 v = v_load(data + i);
                v16u8 high = (v16u8)((v8u16)v >> 4) & 15, low = v & 15;

                high = v_hex_digits(high);
                low = v_hex_digits(low);
                v_store(text + 2 * i, v_zip_low(high, low));
                v_store(text + 2 * i + 16, v_zip_high(high, low));
        }
}

/* The values of hexadecimal digits, pairs of them as 16-bit lanes; invalid gathers what is none. */
static inline v8u16 digits(v16u8 c, v16u8 *invalid)
{
        v16u8 number = c - '0', letter = (c | 32) - 'a';
        v16u8 is_number = (v16u8)(v_min_u8(number, v_splat_u8(9)) == number);
        v16u8 is_letter = (v16u8)(v_min_u8(letter, v_splat_u8(5)) == letter);
        v16u8 value = v_select(is_number, number, letter + 10);

        *invalid |= ~(is_number | is_letter);
        return ((v8u16)value << 4 | (v8u16)value >> 8) & 255;
}

static BENCH_OPAQUE uint64_t decode(void)
{
        v16u8 invalid = {0};

        for (int i = 0; i < BYTES; i += 16) {
                v8u16 a = digits(v_load(text + 2 * i), &invalid);
                v8u16 b = digits(v_load(text + 2 * i + 16), &invalid);

                v_store(again + i, v_narrow_u16(a, b));
        }
        return v_mask_u8(invalid);
}

static uint64_t run(uint64_t size)
{
        uint64_t seed = 107, sum = 0;

        for (int i = 0; i < BYTES; i++)
                data[i] = (uint8_t)(bench_random(&seed) >> 32);
        for (uint64_t round = 0; round < size; round++) {
                encode();
                sum = bench_mix(sum, decode());
                for (int i = 0; i < BYTES; i += 256)
                        sum = bench_mix(sum, again[i + (round & 255)] |
                                             (uint64_t)text[2 * i + (round & 255)] << 8);
                data[round % BYTES] = (uint8_t)(again[round % BYTES] + 1);
        }
        return sum;
}

BENCH_PROGRAM(hex, "simd", 20000, run);
