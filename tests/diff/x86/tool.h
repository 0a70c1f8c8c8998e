/* SPDX-License-Identifier: MIT */
/* What the parts of diff-x86 share. */
#pragma once

#include "tests/diff/x86/gen.h"

enum { TOOL_BATCH = 2000 };

struct tool {
        const char *engine;
        struct gen gen;
        struct cpu_features features; /* that both CPUs have */
        struct emulator *emulator;
        struct test_case *cases; /* TOOL_BATCH, shared with child processes */
        const char *only[32];    /* names of rows; none: all */
        unsigned n_only;
        unsigned count, max_shown;
        bool verbose, list;
};

/* ---- compare.c ---- */
struct difference {
        char what[24];
        uint64_t host, us;
};

/*
 * False: they agree, as far as they have to. @id: the instruction where they ended (enum x86_id); @undefined:
 * flags that are not compared.
 */
bool compare(const struct test_case *c, unsigned id, unsigned undefined, const struct case_result *r,
             struct difference *d);

/* ---- rows.c: single instructions ---- */
/* Cannot be run here: would do something to the process, or mean something else in user mode. */
bool row_is_left_out(const struct tool *t, unsigned row);
/* @t->count cases for each row. False: some differ. */
bool rows_run(struct tool *t);

/* ---- seq.c: programs ---- */
/* @t->count programs; @first: the number of the first one. */
bool seq_run(struct tool *t, uint64_t first);
