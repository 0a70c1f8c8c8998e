/* SPDX-License-Identifier: MIT */
/*
 * What is known of condition flags without a host: which a condition reads and whether it holds, and the
 * evaluation of the ops of IR_SIG_FLAGS and IR_SIG_BITS. Stateless.
 */
#pragma once

#include "ir/ir.h"

/* Does the condition hold for the flags set in @mask (enum ir_flag)? */
bool ir_flcond_eval(enum ir_flcond cond, unsigned mask);

/* The flags it looks at. */
unsigned ir_flcond_reads(enum ir_flcond cond);

/* As ir_eval. */
bool ir_eval_flags(const struct ir_ins *i, const uint64_t *args, uint64_t *result);
bool ir_eval_bits(const struct ir_ins *i, const uint64_t *args, uint64_t *result);
