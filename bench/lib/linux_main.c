/* SPDX-License-Identifier: MIT */
/*
 * The benchmarks as one static Linux program: `bench [--percent N] [NAME...]` runs those named, or all, and
 * prints for each a line when it begins and one when it ends, with the checksum and the time the guest
 * measured. `--list` prints names, classes and sizes; `--exit N` leaves at once (for the fork and exec
 * benchmark). The runner reads the lines:
 *
 *      bench: begin NAME CLASS SIZE
 *      bench: end NAME CHECKSUM NANOSECONDS
 */
#define _GNU_SOURCE
#include "bench.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MAX_MAPPINGS 8

extern const struct bench __start_bench_rows[], __stop_bench_rows[];

static struct {
        void *start;
        size_t bytes;
} mappings[MAX_MAPPINGS];

static int mapping_count;

static void *map_memory(size_t bytes, int protection)
{
        void *p = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED || mapping_count == MAX_MAPPINGS) {
                fprintf(stderr, "bench: out of memory (%zu bytes)\n", bytes);
                exit(1);
        }
        mappings[mapping_count].start = p;
        mappings[mapping_count++].bytes = bytes;
        return p;
}

void *bench_alloc(size_t bytes)
{
        return map_memory(bytes, PROT_READ | PROT_WRITE);
}

void *bench_alloc_code(size_t bytes)
{
        return map_memory(bytes, PROT_READ | PROT_WRITE | PROT_EXEC);
}

void bench_sync_code(void *start, void *end)
{
        __builtin___clear_cache(start, end);
}

static void free_mappings(void)
{
        while (mapping_count) {
                mapping_count--;
                munmap(mappings[mapping_count].start, mappings[mapping_count].bytes);
        }
}

static uint64_t now_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void run_program(const struct bench *b, unsigned percent)
{
        uint64_t size = b->size * percent / 100, start, sum;

        size = size ? size : 1;
        printf("bench: begin %s %s %llu\n", b->name, b->class, (unsigned long long)size);
        fflush(stdout);
        start = now_ns();
        sum = b->run(size);
        start = now_ns() - start;
        printf("bench: end %s %016llx %llu\n", b->name, (unsigned long long)sum, (unsigned long long)start);
        fflush(stdout);
        free_mappings();
}

static bool is_wanted(const struct bench *b, char **names)
{
        if (!*names)
                return true;
        for (; *names; names++)
                if (strcmp(*names, b->name) == 0)
                        return true;
        return false;
}

int main(int argc, char **argv)
{
        unsigned percent = 100;

        if (argc == 3 && strcmp(argv[1], "--exit") == 0)
                return atoi(argv[2]);
        if (argc == 2 && strcmp(argv[1], "--list") == 0) {
                for (const struct bench *b = __start_bench_rows; b < __stop_bench_rows; b++)
                        printf("%-12s %-12s %llu\n", b->name, b->class, (unsigned long long)b->size);
                return 0;
        }
        if (argc > 2 && strcmp(argv[1], "--percent") == 0) {
                percent = (unsigned)strtoul(argv[2], NULL, 10);
                argv += 2;
        }
        for (const struct bench *b = __start_bench_rows; b < __stop_bench_rows; b++)
                if (is_wanted(b, argv + 1))
                        run_program(b, percent);
        return 0;
}
