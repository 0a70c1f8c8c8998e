/* SPDX-License-Identifier: MIT */
/*
 * Two machines with different engines over one guest, in deterministic mode, stopped and compared at the
 * same instruction counts. One run of such a pair is a walk; engines.c makes walks finer until it has the
 * instruction.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <glib.h>

struct cli;
struct cpu_ops;
struct vm;

enum { PAIR_MAX_WORDS = 64, PAIR_TRACE = 32 };

/* Where to look: at start, start + step, ..., and at end. */
struct stretch {
        uint64_t start, step, end;
        uint64_t full;           /* 0: registers only, except at start and end */
        bool trace;              /* keep the instructions between the stops; step is 1 */
};

/* Eight bytes of RAM that differ. */
struct pair_word {
        unsigned block;          /* of vm->ram_blocks */
        uint64_t offset, gpa, value[2];
};

/* What ran between two stops of a tracing walk. */
struct pair_insn {
        unsigned cpu;
        uint64_t pc, count;      /* count: instructions executed before it */
        char text[112];           /* bytes and disassembly */
};

enum pair_end { PAIR_AGREES, PAIR_DIFFERS, PAIR_FAILED };

/* All registers of all vCPUs, and what else is compared with them. */
struct pair_state {
        uint64_t insns;
        uint64_t *values;
        bool ended;
};

struct pair_result {
        enum pair_end end;
        uint64_t good, good_full; /* last counts at which they agreed: in registers, in everything */
        uint64_t bad;             /* and where they did not */
        struct pair_state before, state[2]; /* at good; of both at bad */
        struct pair_word words[PAIR_MAX_WORDS];
        unsigned n_words;
        char what[256];           /* a difference that is neither register nor word */
        struct pair_insn trace[PAIR_TRACE];
        uint64_t n_trace;
        uint64_t stops, full_stops;
};

struct pair {
        struct cli *cli[2];
        const char *name[2];
        FILE *progress;           /* told each 100 million instructions; NULL: nobody */
        /* words that were seen to differ in an earlier walk: compared at each stop */
        struct pair_word suspects[PAIR_MAX_WORDS];
        unsigned n_suspects;
        /* for a change of a machine before it starts: planted mistakes */
        void (*prepare)(struct vm *vm, unsigned side);
        /* filled by the first walk, for those who print */
        const struct cpu_ops *ops;
        unsigned n_cpus, n_values; /* values a vCPU */
};

/* Makes both machines, walks, and ends them. The result's arrays are pair_result_clear's to free. */
bool pair_walk(struct pair *p, const struct stretch *w, struct pair_result *out, GError **error);
void pair_result_clear(struct pair_result *r);

/* Which register the @i-th value of a vCPU is, and which part of it. */
const char *pair_value_name(const struct pair *p, unsigned i, const char **part);
