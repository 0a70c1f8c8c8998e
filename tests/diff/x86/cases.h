/* SPDX-License-Identifier: MIT */
/*
 * One instruction, the state it starts from and the state that it leaves: what the host's CPU and the
 * emulator are compared by. Addresses are the same for both: a page of code, two pages of data between pages
 * where nothing is, and a page that can only be read.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CASE_CODE 0x20000000u
#define CASE_DATA 0x20010000u
#define CASE_RO 0x20014000u
enum { CASE_AT = 0x800, CASE_DATA_SIZE = 0x2000, CASE_WINDOW = 0xe00, CASE_WINDOW_SIZE = 0x400 };

struct case_regs {
        uint64_t gpr[16]; /* in the order of their numbers */
        uint64_t rip, flags;
        uint64_t xmm[16][2];
        uint32_t mxcsr;
        uint8_t fx87[160]; /* the x87 part of FXSAVE's area */
};

struct test_case {
        uint8_t bytes[16];
        unsigned length;
        struct case_regs in;
        uint8_t window[CASE_WINDOW_SIZE]; /* of the data, from CASE_WINDOW on; the rest is 0 */

        /* out, of the host's CPU */
        struct case_regs out;
        uint8_t out_window[CASE_WINDOW_SIZE];
        int vector; /* -1: none */
        uint64_t error_code, cr2;
        bool done;
};

/* Features that not every x86-64 CPU has */
enum native_feature {
        NATIVE_POPCNT, NATIVE_BMI1, NATIVE_BMI2, NATIVE_LZCNT, NATIVE_MOVBE, NATIVE_ADX, NATIVE_SSE3, NATIVE_SSSE3,
        NATIVE_SSE41, NATIVE_SSE42,
};

/*
 * native.c: an x86-64 CPU. Programs that are built for another host have remote.c in its place, which asks the program
 * oracle.c; that is built for the machine that builds, and runs there.
 */
/* Bit k: it has enum native_feature k. */
uint32_t native_features(void);
/* Runs @n cases, in a child process; @cases is memory shared with it. */
void native_run(struct test_case *cases, unsigned n);

/* emulated.c: a VM of one CPU in user mode, for one case after the other. */
struct emulator;
struct emulator *emulator_new(bool jit);
/* What its CPU has: "max" of struct cpu_ops. */
struct cpu_features emulator_features(const struct emulator *e);
void emulator_free(struct emulator *e);
/* The same cases; calls @check after each with what came out. */
typedef void emulator_check(void *opaque, struct test_case *c, const struct case_regs *out,
                            const uint8_t *window,
                            int vector, uint64_t error_code, uint64_t cr2);
void emulator_run(struct emulator *e, struct test_case *cases, unsigned n, emulator_check *check,
                  void *opaque);
