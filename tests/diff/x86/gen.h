/* SPDX-License-Identifier: MIT */
/* Random cases from rows of the decode table. */
#pragma once

#include "tests/diff/x86/cases.h"

#include "frontend/x86/decode.h"

/* Status flags and DF */
enum { X86_CASE_FLAGS = 0xcd5, X86_CASE_AC = 1 << 18 };

struct gen {
        uint64_t seed;
};

uint64_t gen_random(struct gen *g);
/*
 * A case of row @row, decoded in @i; false: none came of this attempt, or the row is not of this program's
 * kind.
 */
bool gen_case(struct gen *g, unsigned row, const struct cpu_features *features, struct test_case *c,
              struct x86_insn *i);
