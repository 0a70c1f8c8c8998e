/* SPDX-License-Identifier: MIT */
/*
 * Checks of the IR on engines: textual tests and random regions. Each takes a rule to break (struct
 * ir_region, mutant; 0 for none) and says what it noticed, so that one program can test and be tested.
 */
#pragma once

#include "tests/ir/world.h"

struct arena;

/* Engines to check, NULL-terminated; the first is the reference. */
typedef const struct ir_engine *const *ir_engines;

/* One test of a .ir file: its lines, from "; test:" to the next. */
struct text_test {
        char *name; /* file and name */
        char **lines;
};

/* The tests of a file, of struct text_test *; g_ptr_array_unref frees all. */
GPtrArray *text_load(const char *path, GError **error);
bool text_check(const struct text_test *t, ir_engines engines, uint16_t mutant, GError **error);

/* Rewrites the "output" sections of a file with what the optimiser gives now. */
bool text_bless(const char *path, GError **error);

/* A random region from @seed, on which no rule has been at work. */
struct ir_region *random_region(struct arena *a, uint64_t seed);
bool random_check(uint64_t seed, ir_engines engines, uint16_t mutant, GError **error);

/* ir_eval against evaluation bit by bit. */
bool eval_check(uint64_t seed, GError **error);

/* The region as ir_print writes it; g_free. */
char *region_text(const struct ir_region *r);
