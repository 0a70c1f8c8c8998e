/* SPDX-License-Identifier: MIT */
/*
 * Inside the builder, for build.c (state, emission, memory, control) and fold.c (rules). Lives in the
 * region's arena; the thread that builds owns it.
 *
 * What is known is known from an instruction, and says so by its index: of a slot's value the get or put, of
 * a pure op the op itself. So a new block forgets everything by where it begins, and a helper what it writes
 * by where it stands; nothing need be cleared.
 */
#pragma once

#include <string.h>

#include "ir/build.h"
#include "ir/rules.h"

#define CSE_BITS 8

struct ir_builder {
        struct ir_region *r;
        const struct ir_slot *guest_slots;
        uint32_t block;          /* being filled */
        bool open;
        ir_ref budget;           /* the budget op, for its count */
        ir_ref first;            /* of the block */
        ir_ref group_call[64];   /* the latest helper that writes a group of slots */
        ir_ref *slot_from;       /* by slot: the latest get or put */
        ir_ref cse[1 << CSE_BITS];
};

static inline const struct ir_ins *ins_of(const struct ir_builder *b, ir_ref v)
{
        return &b->r->ins[v];
}

static inline enum ir_type type_of(const struct ir_builder *b, ir_ref v)
{
        return ins_of(b, v)->type;
}

static inline unsigned type_bits(enum ir_type t)
{
        return t == IR_I32 || t == IR_F32 || t == IR_FLAGS ? 32 : 64;
}

static inline uint64_t type_mask(enum ir_type t)
{
        return t == IR_I32 || t == IR_F32 || t == IR_FLAGS ? 0xffffffffu : ~0ull;
}

static inline bool value_const(const struct ir_builder *b, ir_ref v, uint64_t *bits)
{
        const struct ir_ins *i = ins_of(b, v);

        *bits = i->imm & type_mask(i->type);
        return i->op == IR_OP_const;
}

/*
 * Instructions are made of the four words that they consist of, in registers: a struct put together in memory
 * field by field and read back by words would wait for its own stores each time.
 */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the head word is laid out for little-endian hosts");

static inline uint64_t ir_head(enum ir_op op, enum ir_type type, unsigned cond, uint32_t aux)
{
        return op | type << 8 | cond << 16 | (uint64_t)aux << 32;
}

static inline uint64_t ir_pair(ir_ref first, ir_ref second)
{
        return first | (uint64_t)second << 32;
}

static inline uint32_t ir_mem_bits(struct ir_mem m)
{
        uint32_t bits;

        memcpy(&bits, &m, sizeof(bits));
        return bits;
}

/* A new instruction; @args are pairs of arguments 0 and 1, 2 and 3. */
ir_ref ir_emit(struct ir_builder *b, uint64_t head, uint64_t args, uint64_t more_args, int64_t imm);

/* Op cas16 and its lookup. */
void ir_emit_cas16(struct ir_builder *b, struct ir_mem mem, ir_ref base);

/* The same for a pure op, which may be an earlier one. */
ir_ref ir_emit_pure(struct ir_builder *b, uint64_t head, uint64_t args, uint64_t more_args, int64_t imm);

/* A copy of @i with other arguments. */
static inline ir_ref ir_emit_like(struct ir_builder *b, const struct ir_ins *i, const ir_ref arg[4])
{
        return ir_emit(b, ir_head(i->op, i->type, i->cond, i->aux) | (uint64_t)i->flags << 24,
                       ir_pair(arg[0], arg[1]), ir_pair(arg[2], arg[3]), i->imm);
}

/* Wrong on purpose: the value that a mutant rule gives instead of @v. */
ir_ref ir_mutate(struct ir_builder *b, ir_ref v);

static inline bool ir_is_mutant(const struct ir_region *r, enum ir_rule rule)
{
        return __builtin_expect(r->mutant == rule, 0);
}

/* The result of a rule that applied. */
static inline ir_ref ir_fired(struct ir_builder *b, enum ir_rule rule, ir_ref v)
{
        return ir_is_mutant(b->r, rule) ? ir_mutate(b, v) : v;
}

/* fold.c: a value equal to the op's result, or 0 if no rule applies. */
ir_ref ir_fold_unary(struct ir_builder *b, enum ir_op op, enum ir_type type, ir_ref x);
ir_ref ir_fold_binary(struct ir_builder *b, enum ir_op op, ir_ref x, ir_ref y);
ir_ref ir_fold_select(struct ir_builder *b, enum ir_cond c, ir_ref x, ir_ref y, ir_ref if_true,
                      ir_ref if_false);

/* A comparison in its simplest form; result is 0 or 1 if it is known, else -1. */
struct cmp {
        enum ir_cond cond;
        ir_ref x, y;
        int result;
};
void ir_fold_cmp(struct ir_builder *b, struct cmp *c);
