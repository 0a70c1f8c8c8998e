/* SPDX-License-Identifier: MIT */
/*
 * What becomes of condition flags: a plan for a region, made before registers are allocated, that all
 * hosts share. It decides which op leaves flags in the host's own flags and who reads them there, which
 * flags become a word in a register, and which are made nowhere: those that only a fault could show, for
 * which the fault maps say how to compute them from values that are alive (LOC_EVAL in region.h).
 *
 * A *reader* is an op that wants a condition of a flag op: fl_test itself, or, where nobody needs the 0 or
 * 1, the branch, select or setcc that compares it with 0, or the sum that takes it as its carry. Lives in
 * the region's arena; belongs to the compiling thread.
 */
#pragma once

#include <stdbool.h>

#include "ir/ir.h"

enum flag_how {
        FLAG_NO_READER,
        FLAG_HOST,  /* the host's flags hold those of op `from` */
        FLAG_AGAIN, /* compute them again here, from that op's arguments */
        FLAG_WORD,  /* look at the word that is that op's value */
};

struct flag_plan {
        ir_ref from;      /* reader: the flag op */
        ir_ref pair;      /* flag op: the value op that left its flags just before; value op: the flag op */
        ir_ref result;    /* flag op: the value op of the same operands, which tells the first one in recipes */
        ir_ref test;      /* fl_logic: the `and` that is done only for it, and makes no code of its own */
        uint8_t how;      /* reader: enum flag_how */
        uint8_t cond;     /* reader: enum ir_flcond */
        uint8_t need;     /* flag op: which flags (enum ir_flag) host readers or the word want */
        bool skip;        /* no code and no value */
        bool word;        /* flag op that computes: its value is wanted, not only the host's flags */
};

/* What a host says of itself. */
struct flag_target {
        /* Does the code of this op leave the host's flags alone? Not asked of readers. */
        bool (*keeps)(const struct ir_ins *i);
        /* Does a reader of @cond of @from, where the host's flags are @from's, leave them alone? */
        bool (*reader_keeps)(const struct ir_ins *reader, const struct ir_ins *from, enum ir_flcond cond);
        /* Can the host's flags tell @cond of @from? What cannot be told is read from the word. */
        bool (*tells)(const struct ir_region *r, const struct ir_ins *from, enum ir_flcond cond);
        /* Can the host make value and flags at once by the code of @value for these arguments? */
        bool (*pairs)(const struct ir_region *r, const struct ir_ins *value, const struct ir_ins *flags);
        /* The host's flags have no A and P: where the guest reads them, a word is made from the operands, too. */
        bool words_need_args;
};

/* By ref; NULL if the region has no flags. */
struct flag_plan *flagplan_make(const struct ir_region *r, const struct flag_target *t);

/* Does op @i compute flags from operands? */
static inline bool flag_computes(const struct ir_ins *i)
{
        return (i->op >= IR_OP_fl_add && i->op <= IR_OP_fl_logic) || i->op == IR_OP_fl_fcmp;
}

/* Does the value op compute what the flag op says of, operands included, or with the constant negated? */
bool flag_same_sum(const struct ir_region *r, const struct ir_ins *value, const struct ir_ins *flags);

/* The arguments that reader @i has no need of: they stand for the condition. Bits by number. */
static inline unsigned flag_reader_drops(const struct ir_ins *i)
{
        switch (i->op) {
        case IR_OP_adc: case IR_OP_sbc: case IR_OP_fl_adc: case IR_OP_fl_sbc: return 4;
        case IR_OP_fl_test: return 1;
        default: return 3;
        }
}

/* Does @v have a value, in a register or elsewhere? */
static inline bool flag_has_value(const struct flag_plan *plan, const struct ir_ins *ins, ir_ref v)
{
        return !plan[v].skip && (!flag_computes(&ins[v]) || plan[v].word);
}

/* Can the op be done when a fault map is read, and nowhere else? */
bool flag_can_wait(const struct ir_ins *i);
