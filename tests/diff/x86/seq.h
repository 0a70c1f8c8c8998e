/* SPDX-License-Identifier: MIT */
/*
 * A random program: instructions one after the other, INT3 behind the last. Jumps know the instruction that
 * they go to, so that others may be put in or left out; registers have roles, so that it ends and stays
 * within its memory.
 */
#pragma once

#include "tests/diff/x86/tool.h"

enum { SEQ_MAX = 120, SEQ_NONE = 0xff };

enum seq_kind {
        SEQ_PLAIN,
        SEQ_BRANCH,   /* goes to target[0], or on */
        SEQ_JUMP,
        SEQ_CALL,
        SEQ_RET,      /* target[0] is where its function begins */
        SEQ_ADDRESS,  /* LEA of the address of target[0] */
        SEQ_INDIRECT, /* a jump to one of both targets */
        SEQ_INDIRECT_CALL,
        SEQ_STOP,     /* INT3 */
};

struct seq_insn {
        uint8_t bytes[15], length;
        uint8_t kind;
        uint8_t target[2]; /* SEQ_NONE, or an instruction */
        uint8_t disp_at;   /* where the displacement to @data is, if that is not 0 */
        uint32_t data;
        bool inside;       /* belongs to the one before it: between them no register may change */
        bool kept;         /* without it the program may not end, or leave its memory */
        uint16_t at;       /* from the program's start */
        uint16_t undefined; /* flags that may be undefined before it */
};

struct seq_program {
        struct seq_insn insn[SEQ_MAX];
        unsigned n, at /* in the code */, length;
        /* registers: pointers to memory (never changed but by small steps upwards), those with values */
        uint8_t ptr[3], hot[8], n_hot;
        bool counts_in_rcx;
};

/* ---- seq_make.c ---- */
/* False: none came of this attempt. */
bool seq_make(struct gen *g, const struct tool *t, struct seq_program *p);

/* ---- seq_flow.c ---- */
/* A copy of @i before instruction @k; who goes to that goes to the copy now. */
void seq_insert(struct seq_program *p, unsigned k, const struct seq_insn *i);
/* Leaves instruction @k out; false: it must stay. */
bool seq_drop(struct seq_program *p, unsigned k);
/*
 * Sets offsets, displacements and undefined flags, after any change. False: something is too far away, or an
 * instruction reads what may be undefined: that is *@reader then (else SEQ_NONE).
 */
bool seq_finish(const struct tool *t, struct seq_program *p, unsigned *reader);
