/* SPDX-License-Identifier: MIT */
/*
 * The IR's floating-point ops by soft-float: what the interpreter computes with, and what generated code
 * calls where the host's FPU would not be exact. Stateless.
 */
#pragma once

#include "frontend/fp/fp.h"
#include "ir/vec.h"

/*
 * A scalar op with IR_FPSTATE, or funbox; @arg_type is its first argument's. Values are bits, of flags
 * (fl_fcmp) a word of ir/flags.h. @flags: enum fp_flag raised, ORed in. Of @op only op, type, cond and aux
 * are looked at.
 */
uint64_t ir_fp_scalar(const struct ir_fpmode *mode, const struct ir_ins *op, enum ir_type arg_type,
                      uint64_t a,
                      uint64_t b, uint64_t c, uint32_t *flags);

/* A vector op with IR_FPSTATE; @result may be one of @args. */
void ir_fp_vector(const struct ir_fpmode *mode, const struct ir_ins *op, const struct ir_v128 *args,
                  struct ir_v128 *result, uint32_t *flags);
