/* SPDX-License-Identifier: MIT */
/*
 * The op table, made from ops.def, and the making of an empty region. Constant data; no thread owns it.
 */
#include "ir/ir.h"

#include "base/arena.h"
#include "ir/rules.h"

const struct ir_op_info ir_ops[IR_OP_COUNT] = {
#define OP(name, sig, nargs, flags, eval, doc) [IR_OP_##name] = {#name, sig, nargs, flags, doc},
#include "ir/ops.def"
#undef OP
};

#define FIRST_INS 256
#define FIRST_BLOCKS 8

struct ir_region *ir_region_new(struct arena *a, const struct ir_guest *guest)
{
        struct ir_region *r = arena_zalloc(a, sizeof(*r));

        r->arena = a;
        r->guest = guest;
        r->cap_ins = FIRST_INS;
        r->ins = arena_alloc(a, FIRST_INS * sizeof(*r->ins));
        r->ins[0] = (struct ir_ins){.op = IR_OP_nop, .flags = IR_INS_DEAD};
        r->n_ins = 1;
        r->cap_blocks = FIRST_BLOCKS;
        r->blocks = arena_alloc(a, FIRST_BLOCKS * sizeof(*r->blocks));
        r->blocks[0] = (struct ir_block){0};
        r->n_blocks = 1;
        return r;
}

enum ir_cond ir_cond_swap(enum ir_cond c)
{
        static const uint8_t swapped[IR_COND_COUNT] = {
                [IR_EQ] = IR_EQ, [IR_NE] = IR_NE, [IR_LTU] = IR_GTU, [IR_GEU] = IR_LEU, [IR_LTS] = IR_GTS,
                [IR_GES] = IR_LES, [IR_LEU] = IR_GEU, [IR_GTU] = IR_LTU, [IR_LES] = IR_GES, [IR_GTS] = IR_LTS,
                [IR_TSTZ] = IR_TSTZ, [IR_TSTNZ] = IR_TSTNZ,
        };

        return swapped[c];
}

const struct ir_rule_info ir_rules[IR_RULE_COUNT] = {
        [IR_RULE_none] = {"none", "no rule"},
#define RULE(name, doc) [IR_RULE_##name] = {#name, doc},
#include "ir/rules.def"
#undef RULE
};
