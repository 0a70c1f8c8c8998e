/* SPDX-License-Identifier: MIT */
/*
 * Text: numbers are printed in decimal, the text is scanned into tokens, parsed back, searched by Boyer,
 * Moore and Horspool's method, and folded to capitals. Byte loads and stores, divisions by ten, branches
 * every few bytes.
 */
#include "bench.h"

#define BYTES 32768

static char text[BYTES + 32];

static size_t print_number(char *p, uint64_t value)
{
        char digits[20];
        size_t n = 0, at = 0;

        do {
                digits[n++] = (char)('0' + value % 10);
                value /= 10;
        } while (value);
        while (n)
                p[at++] = digits[--n];
        return at;
}

static size_t write_text(uint64_t seed)
{
        size_t at = 0;

        while (at < BYTES) {
                uint64_t r = bench_random(&seed);

                if (r & 1) {
                        at += print_number(text + at, r >> (r >> 1 & 31));
                } else {
                        for (unsigned i = 0; i < 3 + (r >> 1) % 8; i++)
                                text[at++] = (char)('a' + (r >> (8 + 4 * i)) % 16);
                }
                text[at++] = r >> 60 ? ' ' : '\n';
        }
        return at;
}

static uint64_t scan(const char *p, size_t length)
{
        uint64_t sum = 0, lines = 0, words = 0;

        for (size_t i = 0; i < length;) {
                uint64_t value = 0;

                if (text[i] == '\n')
                        lines++;
                if (p[i] <= ' ') {
                        i++;
                        continue;
                }
                words++;
                if (p[i] >= '0' && p[i] <= '9') {
                        while (p[i] >= '0' && p[i] <= '9')
                                value = value * 10 + (uint64_t)(p[i++] - '0');
                } else {
                        while (p[i] > ' ')
                                value = value * 31 + (uint8_t)p[i++];
                }
                sum = bench_mix(sum, value);
        }
        return sum + (lines << 32) + words;
}

static unsigned search(const char *p, size_t length, const char *needle, size_t n)
{
        uint8_t skip[256];
        unsigned found = 0;

        for (int i = 0; i < 256; i++)
                skip[i] = (uint8_t)n;
        for (size_t i = 0; i + 1 < n; i++)
                skip[(uint8_t)needle[i]] = (uint8_t)(n - 1 - i);
        for (size_t at = 0; at + n <= length; at += skip[(uint8_t)p[at + n - 1]]) {
                size_t i = n;

                while (i > 0 && p[at + i - 1] == needle[i - 1])
                        i--;
                found += i == 0;
        }
        return found;
}

static void capitals(char *p, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if (p[i] >= 'a' && p[i] <= 'z')
                        p[i] = (char)(p[i] - 'a' + 'A');
}

static uint64_t run(uint64_t size)
{
        uint64_t sum = 0;

        for (uint64_t round = 0; round < size; round++) {
                size_t length = write_text(round);

                sum = bench_mix(sum, scan(text, length));
                sum = bench_mix(sum, search(text, length, "12", 2) + search(text, length, "ab", 2) +
                                     search(text, length, "cafe", 4));
                capitals(text, length);
                sum = bench_mix(sum, search(text, length, "CAFE", 4) + search(text, length, "F", 1));
        }
        return sum;
}

BENCH_PROGRAM(strings, "load-store", 600, run);
