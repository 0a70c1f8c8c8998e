/* SPDX-License-Identifier: MIT */
/*
 * The words of textual IR, shared by printer and parser. Constant data.
 */
#pragma once

#include "ir/ir.h"

extern const char *const ir_type_names[IR_TYPE_COUNT];
extern const char *const ir_cond_names[IR_COND_COUNT];
extern const char *const ir_fcond_names[IR_FCOND_COUNT];
extern const char *const ir_lane_names[4];
extern const char *const ir_minmax_names[IR_MM_COUNT];
extern const char *const ir_flcond_names[IR_FLCOND_COUNT];
extern const char *const ir_round_names[IR_RM_MODE + 1];
extern const char *const ir_exit_names[IR_EXIT_COUNT];
extern const char *const ir_jump_names[IR_JUMP_RETURN + 1];
extern const char *const ir_rmw_names[IR_RMW_COUNT];

/* The names that the cond field of @op has, and how many; NULL if the op has none. */
const char *const *ir_cond_words(enum ir_op op, unsigned *n);

/* What follows the operands. */
enum ir_form {
        IR_FORM_PLAIN,  /* all arguments */
        IR_FORM_CONST,  /* a number */
        IR_FORM_SLOT,   /* a slot, and for put its values */
        IR_FORM_OFFSET, /* page+0x10 */
        IR_FORM_LOOKUP,
        IR_FORM_MEM,
        IR_FORM_FENCE,
        IR_FORM_INSN,
        IR_FORM_CALL,
        IR_FORM_NUMBERS, /* hook: aux, imm */
        IR_FORM_WIDE,    /* wput, wget: aux, and a value */
        IR_FORM_COUNT,   /* budget: imm */
        IR_FORM_BR,
        IR_FORM_BRCC,
};
enum ir_form ir_form_of(enum ir_op op);
