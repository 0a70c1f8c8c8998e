/* SPDX-License-Identifier: MIT */
/* Random vector ops, all those that ir_vec_form_ok admits, for the generators of random regions. */
#pragma once

#include "ir/vec.h"

struct vec_gen {
        struct ir_builder *b;
        unsigned (*pick)(void *ctx, unsigned n);         /* below n */
        ir_ref (*value)(void *ctx, enum ir_type type);
        void *ctx;
};

/* @op, or any if it is IR_OP_nop. */
ir_ref vec_gen_op(const struct vec_gen *g, enum ir_op op);
