/* SPDX-License-Identifier: MIT */
/*
 * A hash table with linear probing, filled to three quarters, then asked for keys that are there and keys
 * that are not, then half emptied by backward-shift deletion. Half a megabyte, so it lives beyond the
 * first-level cache.
 */
#include "bench.h"

#define SLOTS 32768
#define FILL (SLOTS / 4 * 3)

static struct {
        uint64_t key;           /* 0 is an empty slot */
        uint64_t value;
} slots[SLOTS];

static uint32_t home(uint64_t key)
{
        return (uint32_t)((key * 0x9e3779b97f4a7c15u) >> 49);
}

static uint32_t find(uint64_t key)
{
        uint32_t at = home(key);

        while (slots[at].key != 0 && slots[at].key != key)
                at = (at + 1) % SLOTS;
        return at;
}

static void erase(uint32_t hole)
{
        uint32_t at = hole;

        for (;;) {
                at = (at + 1) % SLOTS;
                if (slots[at].key == 0)
                        break;
                /* An entry may fill the hole unless its home lies cyclically after the hole. */
                if ((at - home(slots[at].key)) % SLOTS >= (at - hole) % SLOTS) {
                        slots[hole] = slots[at];
                        hole = at;
                }
        }
        slots[hole].key = 0;
}

static uint64_t run(uint64_t size)
{
        uint64_t sum = 0;

        for (uint64_t round = 0; round < size; round++) {
                uint64_t seed = round;

                for (uint32_t i = 0; i < SLOTS; i++)
                        slots[i].key = 0;
                for (uint32_t i = 0; i < FILL; i++) {
                        uint64_t key = bench_random(&seed) | 1;
                        uint32_t at = find(key);

                        slots[at].key = key;
                        slots[at].value = i;
                }
                seed = round;
                for (uint32_t i = 0; i < FILL; i++) {
                        uint64_t key = bench_random(&seed) | 1;

                        sum += slots[find(key)].value;
                        sum += slots[find(key + 1)].key != 0;
                }
                seed = round;
                for (uint32_t i = 0; i < FILL / 2; i++)
                        erase(find(bench_random(&seed) | 1));
                for (uint32_t i = 0; i < SLOTS; i += 16)
                        sum = bench_mix(sum, slots[i].key);
        }
        return sum;
}

BENCH_PROGRAM(hashtab, "load-store", 230, run);
