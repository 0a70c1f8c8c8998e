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
unsigned gen_below(struct gen *g, unsigned n);
/* Of registers: borders, small ones, any. */
uint64_t gen_value(struct gen *g);

/* Bytes of an instruction in the making; there are never more than 15. */
struct gen_code {
        uint8_t *at;
        /* disp_at: where 4 bytes of absolute or rIP-relative displacement are; 0: nowhere */
        unsigned n, disp_at;
};

void gen_emit(struct gen_code *c, unsigned byte);

/* What prefixes say of registers: REX.R, X and B as one number; VEX's additional operand. */
struct gen_regs {
        unsigned rxb, vvvv;
};

/* Random prefixes that row @row allows, and its opcode. False: the row is not of this program's kind. */
bool gen_opcode(struct gen *g, struct gen_code *c, unsigned row, const struct gen_regs *regs);
/* Registers and memory of any value; all exceptions of SSE and x87 masked. c->at is set. */
void gen_state(struct gen *g, struct test_case *c);
/*
 * A case of row @row, decoded in @i; false: none came of this attempt, or the row is not of this program's
 * kind.
 */
bool gen_case(struct gen *g, unsigned row, const struct cpu_features *features, struct test_case *c,
              struct x86_insn *i);
