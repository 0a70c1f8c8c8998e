/* SPDX-License-Identifier: MIT */
/*
 * Memory-order litmus tests as a freestanding program for the machine `bare`. Each guest's file (aarch64.c,
 * x86_64.c) has its table; litmus.c runs it. A test's threads act on cells of their own iteration, many
 * iterations a batch, and write down what they read; an outcome that the architecture forbids ends the
 * program with a failure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LITMUS_MAX_CPUS = 4, LITMUS_BATCH = 512, LITMUS_REGS = 2 };

/* The shared variables of one iteration, each on a line of its own. */
struct litmus_cell {
        _Alignas(64) uint64_t x;
        _Alignas(64) uint64_t y;
};

struct litmus_test {
        const char *name;
        unsigned n_threads;
        /* what thread n does; its reads go to r */
        void (*thread[LITMUS_MAX_CPUS])(struct litmus_cell *c, uint64_t *r);
        /* is the outcome @r[thread][register] (and the cells' last values) one that may not be? */
        bool (*forbidden)(const uint64_t (*r)[LITMUS_REGS], const struct litmus_cell *c);
        /* an outcome that is allowed and shows reordering, counted for information; or NULL */
        bool (*relaxed)(const uint64_t (*r)[LITMUS_REGS], const struct litmus_cell *c);
};

/* Of the guest's file; ends with a row without a name. */
extern const struct litmus_test litmus_tests[];
void board_put(char c);
void board_exit(int status) __attribute__((noreturn));
void board_pause(void);

/* What start.S calls on each CPU. */
void litmus_main(uint64_t cpu);

/* Of the program's build: how many CPUs there are, and batches a test. */
#ifndef LITMUS_CPUS
#define LITMUS_CPUS 4
#endif
#ifndef LITMUS_BATCHES
#define LITMUS_BATCHES 400
#endif
