/* SPDX-License-Identifier: MIT */
/*
 * A small LZ77 compressor and its expander over text made of a limited vocabulary: hash chains of one link,
 * matches of 4 to 255 bytes, literals in runs. What compression does to a CPU: short dependent loads, byte
 * stores, and branches that follow the data. The expansion must equal the original.
 */
#include "bench.h"

#define BYTES 65536
#define HASHES 4096
#define LEAST 4

static uint8_t text[BYTES], packed[BYTES * 2], expanded[BYTES];
static uint32_t last_seen[HASHES];

static void write_text(uint64_t seed)
{
        static const char *const words[] = {
                "region", "block", "guest", "host", "page", "table", "vector", "of", "the", "a", "and",
                "translation", "register", "interrupt", "is", "in", "to", "walk", "store", "queue",
        };
        size_t at = 0;

        while (at < BYTES) {
                uint64_t r = bench_random(&seed);
                const char *w = words[r % (sizeof(words) / sizeof(*words))];

                while (*w && at < BYTES)
                        text[at++] = (uint8_t)*w++;
                if (at < BYTES)
                        text[at++] = (r >> 32) % 9 ? ' ' : (uint8_t)('0' + (r >> 40) % 10);
        }
}

static uint32_t hash4(const uint8_t *p)
{
        return ((p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24) * 2654435761u) >> 20;
}

static size_t put_literals(size_t out, const uint8_t *p, size_t count)
{
        while (count) {
                size_t n = count < 255 ? count : 255;

                packed[out++] = 0;
                packed[out++] = (uint8_t)n;
                for (size_t i = 0; i < n; i++)
                        packed[out++] = p[i];
                p += n;
                count -= n;
        }
        return out;
}

static size_t compress(void)
{
        size_t at = 0, out = 0, pending = 0;

        for (int i = 0; i < HASHES; i++)
                last_seen[i] = 0;
        while (at + LEAST <= BYTES) {
                uint32_t h = hash4(text + at);
                size_t before = last_seen[h], length = 0;

                last_seen[h] = (uint32_t)at + 1;
                if (before && at - (before - 1) < 65536)
                        while (length < 255 && at + length < BYTES &&
                               text[before - 1 + length] == text[at + length])
                                length++;
                if (length < LEAST) {
                        at++;
                        continue;
                }
                out = put_literals(out, text + pending, at - pending);
                packed[out++] = (uint8_t)length;
                packed[out++] = (uint8_t)(at - (before - 1));
                packed[out++] = (uint8_t)((at - (before - 1)) >> 8);
                at += length;
                pending = at;
        }
        return put_literals(out, text + pending, BYTES - pending);
}

static size_t expand(size_t count)
{
        size_t at = 0, in = 0;

        while (in < count) {
                size_t length = packed[in++];

                if (length == 0) {
                        length = packed[in++];
                        while (length--)
                                expanded[at++] = packed[in++];
                } else {
                        size_t back = packed[in] | packed[in + 1] << 8;

                        in += 2;
                        for (; length--; at++)
                                expanded[at] = expanded[at - back];
                }
        }
        return at;
}

static uint64_t run(uint64_t size)
{
        uint64_t sum = 0;

        for (uint64_t round = 0; round < size; round++) {
                size_t count;

                write_text(round);
                count = compress();
                if (expand(count) != BYTES)
                        return 0;
                for (size_t i = 0; i < BYTES; i++)
                        if (expanded[i] != text[i])
                                return 0;
                sum = bench_mix(sum, count);
        }
        return sum;
}

BENCH_PROGRAM(lz, "load-store", 500, run);
