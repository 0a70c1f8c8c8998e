/* SPDX-License-Identifier: MIT */
/*
 * The thin interface between a benchmark and the world it runs in. A program is one C file: a pure function
 * from a size to a checksum, declared with BENCH_PROGRAM. The same file is linked into the Linux runner
 * (linux_main.c) and, when it needs no operating system, into a freestanding M-mode image for the virt board
 * (bare_main.c). A program may use nothing but this header and what the C language itself gives; it keeps its
 * state in its own statics and in bench_alloc() memory, and must return the same checksum for the same size
 * wherever it runs.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

struct bench {
        const char *name;       /* the file's name without .c */
        const char *class;      /* the kind of work that dominates; the runner's CLASSES explain them */
        uint64_t size;          /* default amount of work: 1 to 2 seconds under QEMU 10 */
        uint64_t (*run)(uint64_t size);
};

/*
 * Rows gather in a section of their own, so that a new program is one new file. The linker provides the
 * bounds because the section's name is a C identifier.
 */
#define BENCH_PROGRAM(name_, class_, size_, run_)                                                       \
        static const struct bench bench_row_##name_                                                     \
                __attribute__((used, section("bench_rows"), aligned(8))) = {#name_, class_, size_, run_}

/* A function the compiler must call as it stands: neither inlined nor specialised for its caller. */
#ifdef __clang__
#define BENCH_OPAQUE __attribute__((noinline))
#else
#define BENCH_OPAQUE __attribute__((noipa))
#endif

/*
 * Memory that lives until the program returns; zero-filled, 4096-aligned. Running out ends the run with a
 * message, so it never returns NULL.
 */
void *bench_alloc(size_t bytes);

/* The same, readable, writable and executable. */
void *bench_alloc_code(size_t bytes);

/* Makes instructions written to [start, end) visible to this hart's fetches. */
void bench_sync_code(void *start, void *end);

/* Sebastiano Vigna's splitmix64: a full-period generator with one word of state. */
static inline uint64_t bench_random(uint64_t *state)
{
        uint64_t z = (*state += 0x9e3779b97f4a7c15u);

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
}

/* Folds a value into a checksum; order matters, so swapped results are noticed too. */
static inline uint64_t bench_mix(uint64_t sum, uint64_t value)
{
        sum = (sum ^ value) * 0x2545f4914f6cdd1du;
        return sum ^ (sum >> 32);
}

/* The exact bits of a result: a checksum must see the sign of zero and the payload of a NaN. */
static inline uint64_t bench_bits(double value)
{
        union {
                double d;
                uint64_t u;
        } v = {.d = value};

        return v.u;
}

#endif
