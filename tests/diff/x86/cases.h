/* SPDX-License-Identifier: MIT */
/*
 * An instruction or a program, the state it starts from and the state that it leaves: what the host's CPU and
 * the emulator are compared by. Addresses are the same for both: two pages of code, two pages of data between
 * pages where nothing is, and a page that can only be read. Behind the code, and wherever else no code is,
 * stands INT3.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CASE_CODE 0x20000000u
#define CASE_DATA 0x20010000u
#define CASE_RO 0x20014000u
enum {
        CASE_CODE_SIZE = 0x2000, CASE_AT = 0x800 /* of single instructions */, CASE_MAX_LENGTH = 480,
        CASE_INT3 = 0xcc, CASE_DATA_SIZE = 0x2000, CASE_WINDOW = 0xe00, CASE_WINDOW_SIZE = 0x400,
        CASE_EDGE = 0x40,
};

/* How the emulator runs it. */
enum case_how {
        CASE_FREE,   /* as programs run */
        CASE_STEPS,  /* by single steps, as many as @steps (0: all); then free */
        CASE_POLLS,  /* free, with something to look at for the run loop all the time */
};

struct case_regs {
        uint64_t gpr[16]; /* in the order of their numbers */
        uint64_t rip, flags;
        uint64_t xmm[16][2];
        uint32_t mxcsr;
        uint8_t fx87[160]; /* the x87 part of FXSAVE's area */
};

struct test_case {
        uint8_t bytes[CASE_MAX_LENGTH];
        uint16_t length, at; /* in the code */
        uint8_t how, steps;
        struct case_regs in;
        uint8_t window[CASE_WINDOW_SIZE]; /* of the data, from CASE_WINDOW on; the rest is 0 */

        /* out, of the host's CPU */
        struct case_regs out;
        uint8_t out_window[CASE_WINDOW_SIZE];
        uint8_t out_edges[2][CASE_EDGE]; /* the first and the last bytes of the data */
        int vector; /* -1: none */
        uint64_t error_code, cr2;
        bool done;
};

static inline bool case_has(const struct test_case *c, uint64_t rip)
{
        return rip - (CASE_CODE + c->at) < c->length;
}

/* Features that not every x86-64 CPU has */
enum native_feature {
        NATIVE_POPCNT, NATIVE_BMI1, NATIVE_BMI2, NATIVE_LZCNT, NATIVE_MOVBE, NATIVE_ADX, NATIVE_SSE3,
        NATIVE_SSSE3, NATIVE_SSE41, NATIVE_SSE42,
};

/*
 * native.c: an x86-64 CPU. Programs that are built for another host have remote.c in its place, which asks
 * the program oracle.c; that is built for the machine that builds, and runs there.
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
/* Logs these items (-d of Rhea's) on standard error; false: there are no such. */
bool emulator_log(struct emulator *e, const char *items);
void emulator_free(struct emulator *e);
/* What came out; @data: all of it. */
struct case_result {
        struct case_regs regs;
        const uint8_t *data;
        int vector; /* CASE_NO_END: it was stopped */
        uint64_t error_code, cr2;
};

enum { CASE_NO_END = -2 };

/* The same cases; calls @check after each. */
typedef void emulator_check(void *opaque, struct test_case *c, const struct case_result *r);
void emulator_run(struct emulator *e, struct test_case *cases, unsigned n, emulator_check *check,
                  void *opaque);
