/* SPDX-License-Identifier: MIT */
/*
 * Sorting: quicksort, heapsort and a byte-wise radix sort over the same pseudo-random keys. Loads, stores and
 * compare-and-branch with data-dependent outcomes. The three results must agree.
 */
#include "bench.h"

#define KEYS 16384

static uint32_t keys[3][KEYS], spare[KEYS];

static void swap(uint32_t *a, uint32_t *b)
{
        uint32_t t = *a;

        *a = *b;
        *b = t;
}

static void insertion_sort(uint32_t *v, long n)
{
        for (long i = 1; i < n; i++) {
                uint32_t x = v[i];
                long j = i;

                for (; j > 0 && v[j - 1] > x; j--)
                        v[j] = v[j - 1];
                v[j] = x;
        }
}

static void quick_sort(uint32_t *v, long n)
{
        while (n > 16) {
                long i = 0, j = n - 1;
                uint32_t a = v[0], b = v[n / 2], c = v[n - 1];
                uint32_t pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);

                while (i <= j) {
                        while (v[i] < pivot)
                                i++;
                        while (v[j] > pivot)
                                j--;
                        if (i <= j)
                                swap(&v[i++], &v[j--]);
                }
                quick_sort(v, j + 1);
                v += i;
                n -= i;
        }
        insertion_sort(v, n);
}

static void sift_down(uint32_t *v, long at, long n)
{
        for (;;) {
                long child = 2 * at + 1;

                if (child >= n)
                        return;
                if (child + 1 < n && v[child + 1] > v[child])
                        child++;
                if (v[at] >= v[child])
                        return;
                swap(&v[at], &v[child]);
                at = child;
        }
}

static void heap_sort(uint32_t *v, long n)
{
        for (long i = n / 2 - 1; i >= 0; i--)
                sift_down(v, i, n);
        for (long i = n - 1; i > 0; i--) {
                swap(&v[0], &v[i]);
                sift_down(v, 0, i);
        }
}

static void radix_sort(uint32_t *v, uint32_t *other, long n)
{
        for (int shift = 0; shift < 32; shift += 8) {
                uint32_t start[257] = {0};
                uint32_t *t;

                for (long i = 0; i < n; i++)
                        start[((v[i] >> shift) & 255) + 1]++;
                for (int i = 0; i < 256; i++)
                        start[i + 1] += start[i];
                for (long i = 0; i < n; i++)
                        other[start[(v[i] >> shift) & 255]++] = v[i];
                t = v;
                v = other;
                other = t;
        }
}

static uint64_t run(uint64_t size)
{
        uint64_t seed = 1, sum = 0;

        for (uint64_t round = 0; round < size; round++) {
                for (int i = 0; i < KEYS; i++)
                        keys[0][i] = keys[1][i] = keys[2][i] = (uint32_t)bench_random(&seed);
                quick_sort(keys[0], KEYS);
                heap_sort(keys[1], KEYS);
                radix_sort(keys[2], spare, KEYS);
                for (int i = 0; i < KEYS; i++) {
                        if (keys[0][i] != keys[1][i] || keys[0][i] != keys[2][i])
                                return 0;
                        sum = bench_mix(sum, keys[0][i]);
                }
        }
        return sum;
}

BENCH_PROGRAM(sort, "load-store", 110, run);
