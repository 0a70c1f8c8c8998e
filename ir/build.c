/* SPDX-License-Identifier: MIT */
/*
 * The builder: emission of instructions, knowledge of slots, sharing of equal pure ops within a block, memory
 * and control. The rules on values are in fold.c. Everything lives in the region's arena, nothing is freed.
 */
#include "ir/build.h"

#include <string.h>

#include "base/arena.h"
#include "ir/builder.h"

/* ---- emission ---- */

static void *grow(struct arena *a, void *old, uint32_t *cap, size_t item)
{
        void *p = arena_alloc(a, 2 * *cap * item);

        memcpy(p, old, *cap * item);
        *cap *= 2;
        return p;
}

ir_ref ir_emit(struct ir_builder *b, uint64_t head, uint64_t args, uint64_t more_args, int64_t imm)
{
        struct ir_region *r = b->r;
        uint64_t *w;

        if (__builtin_expect(r->n_ins == r->cap_ins, 0))
                r->ins = grow(r->arena, r->ins, &r->cap_ins, sizeof(*r->ins));
        w = (uint64_t *)&r->ins[r->n_ins];
        w[0] = head;
        w[1] = args;
        w[2] = more_args;
        w[3] = imm;
        return r->n_ins++;
}

static inline uint32_t hash_words(uint64_t head, uint64_t args, uint64_t more_args, int64_t imm)
{
        uint64_t x = (head ^ (uint64_t)imm) * 0x9e3779b97f4a7c15ull,
                 y = (args ^ more_args << 8) * 0xd6e8feb86659fd93ull;

        x ^= y >> 29;
        return (x ^ x >> 32 ^ y) * 0xff51afd7ed558ccdull >> (64 - CSE_BITS);
}

static inline bool same_words(const struct ir_builder *b, ir_ref v, uint64_t head, uint64_t args,
                              uint64_t more_args, int64_t imm)
{
        const uint64_t *w = (const uint64_t *)&b->r->ins[v];
        bool same = w[0] == head && w[3] == (uint64_t)imm;

        if (ir_is_mutant(b->r, IR_RULE_cse))
                return same && (head & 0xff) != IR_OP_const;
        return same && w[1] == args && w[2] == more_args;
}

/*
 * Four places are tried, then one is overwritten: forgetting costs a little code, never correctness, and the
 * table need not grow.
 */
ir_ref ir_emit_pure(struct ir_builder *b, uint64_t head, uint64_t args, uint64_t more_args, int64_t imm)
{
        uint32_t h, k;
        ir_ref *place;

        if (b->r->raw)
                return ir_emit(b, head, args, more_args, imm);
        h = hash_words(head, args, more_args, imm);
        for (k = 0; k < 4; k++) {
                place = &b->cse[(h + k) & ((1 << CSE_BITS) - 1)];
                if (*place < b->first) /* of another block: free */
                        break;
                if (same_words(b, *place, head, args, more_args, imm))
                        return *place;
        }
        if (k == 4)
                place = &b->cse[h];
        *place = b->r->n_ins;
        return ir_emit(b, head, args, more_args, imm);
}

ir_ref ir_mutate(struct ir_builder *b, ir_ref v)
{
        enum ir_type t = type_of(b, v);

        if (t == IR_VOID)
                return v;
        if (t == IR_FLAGS)
                return ir_emit(b, ir_head(IR_OP_fl_from, t, 0, 0), ir_mutate(b, ir_fl_word(b, v)), 0, 0);
        return ir_emit(b, ir_head(ir_type_is_fp(t) ? IR_OP_fneg : IR_OP_not, t, 0, 0), v, 0, 0);
}

/* ---- blocks ---- */

struct ir_builder *ir_builder_new(struct ir_region *r)
{
        struct ir_builder *b = arena_zalloc(r->arena, sizeof(*b));

        b->r = r;
        b->guest_slots = r->guest->slots;
        b->slot_from = arena_zalloc(r->arena, r->guest->n_slots * sizeof(*b->slot_from));
        ir_builder_at(b, 0);
        return b;
}

uint32_t ir_block_new(struct ir_builder *b)
{
        struct ir_region *r = b->r;

        if (r->n_blocks == r->cap_blocks)
                r->blocks = grow(r->arena, r->blocks, &r->cap_blocks, sizeof(*r->blocks));
        r->blocks[r->n_blocks] = (struct ir_block){0};
        return r->n_blocks++;
}

void ir_builder_at(struct ir_builder *b, uint32_t block)
{
        b->block = block;
        b->open = true;
        b->first = b->r->blocks[block].first = b->r->n_ins;
}

bool ir_builder_open(const struct ir_builder *b)
{
        return b->open;
}

static void terminate(struct ir_builder *b, uint64_t head, uint64_t args, int64_t imm)
{
        ir_emit(b, head, args, 0, imm);
        b->r->blocks[b->block].end = b->r->n_ins;
        b->open = false;
}

/* ---- values ---- */

ir_ref ir_const(struct ir_builder *b, enum ir_type type, int64_t bits)
{
        if (type == IR_I32)
                bits = (int32_t)bits;
        else if (type == IR_F32 || type == IR_FLAGS)
                bits = (uint32_t)bits;
        return ir_emit_pure(b, ir_head(IR_OP_const, type, 0, 0), 0, 0, bits);
}

bool ir_is_const(const struct ir_builder *b, ir_ref v, uint64_t *bits)
{
        return value_const(b, v, bits);
}

enum ir_type ir_type_of(const struct ir_builder *b, ir_ref v)
{
        return type_of(b, v);
}

ir_ref ir_pcaddr(struct ir_builder *b, int64_t page_offset)
{
        return ir_emit_pure(b, ir_head(IR_OP_pcaddr, IR_I64, 0, 0), 0, 0, page_offset);
}

/* The value of the slot if it is known, or 0. */
static ir_ref slot_value(const struct ir_builder *b, uint32_t slot)
{
        ir_ref from = b->slot_from[slot];

        if (from < b->first || b->r->raw)
                return 0;
        if (from < b->group_call[b->guest_slots[slot].group] && !ir_is_mutant(b->r, IR_RULE_call_clobbers))
                return 0;
        return ins_of(b, from)->op == IR_OP_get ? from : ins_of(b, from)->arg[0];
}

ir_ref ir_get(struct ir_builder *b, uint32_t slot)
{
        ir_ref v = slot_value(b, slot);

        if (!v) {
                v = ir_emit(b, ir_head(IR_OP_get, b->guest_slots[slot].type, 0, slot), 0, 0, 0);
                b->slot_from[slot] = v;
        }
        return v;
}

void ir_put(struct ir_builder *b, uint32_t slot, ir_ref v)
{
        ir_ref known = slot_value(b, slot), put;

        if (known && (known == v || ir_is_mutant(b->r, IR_RULE_put_same)))
                return;
        put = ir_emit(b, ir_head(IR_OP_put, type_of(b, v), 0, slot), v, 0, 0);
        if (!known || !ir_is_mutant(b->r, IR_RULE_get_forward))
                b->slot_from[slot] = put;
}

static enum ir_type unary_type(enum ir_op op, enum ir_type x)
{
        static const uint8_t cast[IR_TYPE_COUNT] = {
                [IR_I32] = IR_F32, [IR_I64] = IR_F64, [IR_F32] = IR_I32, [IR_F64] = IR_I64,
        };

        switch (op) {
        case IR_OP_trunc: return IR_I32;
        case IR_OP_sext32: case IR_OP_zext32: return IR_I64;
        case IR_OP_bitcast: return cast[x];
        case IR_OP_fbox: return IR_F64;
        case IR_OP_funbox: return IR_F32;
        default: return x;
        }
}

ir_ref ir_unary(struct ir_builder *b, enum ir_op op, ir_ref x)
{
        enum ir_type type = unary_type(op, type_of(b, x));

        if (!b->r->raw) {
                ir_ref v = ir_fold_unary(b, op, type, x);

                if (v)
                        return v;
        }
        return ir_emit_pure(b, ir_head(op, type, 0, 0), x, 0, 0);
}

ir_ref ir_binary(struct ir_builder *b, enum ir_op op, ir_ref x, ir_ref y)
{
        uint64_t head = ir_head(op, type_of(b, x), 0, 0);

        if (!(ir_ops[op].flags & IR_PURE))
                return ir_emit(b, head, ir_pair(x, y), 0, 0);
        if (!b->r->raw) {
                ir_ref v = ir_fold_binary(b, op, x, y);

                if (v)
                        return v;
        }
        return ir_emit_pure(b, head, ir_pair(x, y), 0, 0);
}

ir_ref ir_setcc(struct ir_builder *b, enum ir_cond cond, ir_ref x, ir_ref y)
{
        struct cmp c = {cond, x, y, -1};

        if (!b->r->raw)
                ir_fold_cmp(b, &c);
        if (c.result >= 0)
                return ir_const(b, IR_I64, c.result);
        return ir_emit_pure(b, ir_head(IR_OP_setcc, IR_I64, c.cond, type_of(b, c.x)), ir_pair(c.x, c.y), 0,
                            0);
}

ir_ref ir_select(struct ir_builder *b, enum ir_cond cond, ir_ref x, ir_ref y, ir_ref if_true, ir_ref if_false)
{
        struct cmp c = {cond, x, y, -1};

        if (!b->r->raw) {
                ir_ref v;

                ir_fold_cmp(b, &c);
                if (c.result >= 0)
                        return ir_fired(b, IR_RULE_select_const, c.result ? if_true : if_false);
                v = ir_fold_select(b, c.cond, c.x, c.y, if_true, if_false);
                if (v)
                        return v;
        }
        return ir_emit_pure(b, ir_head(IR_OP_select, type_of(b, if_true), c.cond, type_of(b, c.x)),
                            ir_pair(c.x, c.y), ir_pair(if_true, if_false), 0);
}

/* ---- floating point ---- */

ir_ref ir_fp1(struct ir_builder *b, enum ir_op op, enum ir_round rm, ir_ref x)
{
        return ir_emit(b, ir_head(op, type_of(b, x), rm, 0), x, 0, 0);
}

ir_ref ir_fp2(struct ir_builder *b, enum ir_op op, enum ir_round rm, ir_ref x, ir_ref y)
{
        return ir_emit(b, ir_head(op, type_of(b, x), rm, 0), ir_pair(x, y), 0, 0);
}

ir_ref ir_fma(struct ir_builder *b, enum ir_round rm, bool neg_product, bool neg_c, ir_ref x, ir_ref y,
              ir_ref z)
{
        return ir_emit(b, ir_head(IR_OP_fma, type_of(b, x), rm, neg_product | neg_c << 1), ir_pair(x, y),
                       z, 0);
}

ir_ref ir_fcmp(struct ir_builder *b, enum ir_fcond c, ir_ref x, ir_ref y)
{
        return ir_emit(b, ir_head(IR_OP_fcmp, IR_I64, c, type_of(b, x)), ir_pair(x, y), 0, 0);
}

ir_ref ir_fcmp_flags(struct ir_builder *b, enum ir_fcond c, unsigned flags, ir_ref x, ir_ref y)
{
        return ir_emit(b, ir_head(IR_OP_fcmp, IR_I64, c, type_of(b, x) | flags), ir_pair(x, y), 0, 0);
}

ir_ref ir_fminmax(struct ir_builder *b, enum ir_op op, enum ir_fminmax kind, ir_ref x, ir_ref y)
{
        return ir_emit(b, ir_head(op, type_of(b, x), 0, kind), ir_pair(x, y), 0, 0);
}

ir_ref ir_fma_neg_operands(struct ir_builder *b, enum ir_round rm, bool neg_x, bool neg_z, ir_ref x, ir_ref y,
                           ir_ref z)
{
        return ir_emit(b, ir_head(IR_OP_fma, type_of(b, x), rm, neg_x | neg_z << 1 | 4), ir_pair(x, y), z, 0);
}

ir_ref ir_fround(struct ir_builder *b, enum ir_round rm, bool exact, ir_ref x)
{
        return ir_emit(b, ir_head(IR_OP_fround, type_of(b, x), rm, exact), x, 0, 0);
}

ir_ref ir_fsgnj(struct ir_builder *b, unsigned kind, ir_ref x, ir_ref y)
{
        if (x == y && !b->r->raw) {
                ir_ref v = kind == 0 ? x : ir_unary(b, kind == 1 ? IR_OP_fneg : IR_OP_fabs, x);

                return ir_fired(b, IR_RULE_fsgnj_self, v);
        }
        return ir_emit_pure(b, ir_head(IR_OP_fsgnj, type_of(b, x), 0, kind), ir_pair(x, y), 0, 0);
}

static ir_ref emit_fcvt(struct ir_builder *b, enum ir_op op, enum ir_round rm, enum ir_type to, uint32_t aux,
                        ir_ref x)
{
        return ir_emit(b, ir_head(op, to, rm, aux), x, 0, 0);
}

ir_ref ir_fcvt_ff(struct ir_builder *b, enum ir_round rm, enum ir_type to, ir_ref x)
{
        return emit_fcvt(b, IR_OP_fcvt_ff, rm, to, 0, x);
}

ir_ref ir_fcvt_fi(struct ir_builder *b, enum ir_round rm, enum ir_type to, bool is_unsigned, ir_ref x)
{
        return emit_fcvt(b, IR_OP_fcvt_fi, rm, to, type_of(b, x) | is_unsigned << 4, x);
}

ir_ref ir_fcvt_if(struct ir_builder *b, enum ir_round rm, enum ir_type to, bool is_unsigned, ir_ref x)
{
        return emit_fcvt(b, IR_OP_fcvt_if, rm, to, type_of(b, x) | is_unsigned << 4, x);
}

ir_ref ir_fcvt_hf(struct ir_builder *b, enum ir_type to, bool alternative, ir_ref x)
{
        return emit_fcvt(b, IR_OP_fcvt_hf, 0, to, alternative, x);
}

ir_ref ir_fcvt_fh(struct ir_builder *b, enum ir_round rm, bool alternative, ir_ref x)
{
        return emit_fcvt(b, IR_OP_fcvt_fh, rm, IR_I32, alternative, x);
}

/* ---- memory ---- */

/* The lookup of one access: only what finding the page needs stays in mem. */
static ir_ref emit_lookup(struct ir_builder *b, struct ir_mem mem, ir_ref base, int32_t imm)
{
        struct ir_mem m = {.write = mem.write, .view = mem.view, .nofault = mem.nofault};

        return ir_emit(b, ir_head(IR_OP_lookup, IR_I64, 0, ir_mem_bits(m)), base, 0,
                       ir_lookup_range(imm, imm + (1 << mem.size_log2)));
}

/* An access must not end beyond what an int32_t reaches. */
static void limit_imm(struct ir_builder *b, ir_ref *base, int32_t *imm)
{
        if (*imm > INT32_MAX - 16) {
                *base = ir_add(b, *base, ir_const(b, IR_I64, *imm));
                *imm = 0;
        }
}

ir_ref ir_load(struct ir_builder *b, enum ir_type type, struct ir_mem mem, ir_ref base, int32_t imm)
{
        ir_ref lookup;

        limit_imm(b, &base, &imm);
        mem.write = mem.for_write; /* of the page; no store need follow */
        lookup = emit_lookup(b, mem, base, imm);
        mem.write = 0;
        return ir_emit(b, ir_head(IR_OP_ld, type, 0, ir_mem_bits(mem)), ir_pair(lookup, base), 0, imm);
}

void ir_store(struct ir_builder *b, struct ir_mem mem, ir_ref base, int32_t imm, ir_ref v)
{
        ir_ref lookup;

        limit_imm(b, &base, &imm);
        mem.write = 1;
        lookup = emit_lookup(b, mem, base, imm);
        ir_emit(b, ir_head(IR_OP_st, type_of(b, v), 0, ir_mem_bits(mem)), ir_pair(lookup, base), v, imm);
}

static ir_ref emit_atomic(struct ir_builder *b, enum ir_op op, struct ir_mem mem, ir_ref base, ir_ref x,
                          ir_ref y)
{
        ir_ref lookup;

        mem.write = 1;
        mem.atomic = 1;
        lookup = emit_lookup(b, mem, base, 0);
        return ir_emit(b, ir_head(op, type_of(b, x), 0, ir_mem_bits(mem)), ir_pair(lookup, base),
                       ir_pair(x, y), 0);
}

ir_ref ir_atomic_rmw(struct ir_builder *b, struct ir_mem mem, ir_ref base, ir_ref v)
{
        return emit_atomic(b, IR_OP_rmw, mem, base, v, 0);
}

ir_ref ir_atomic_cas(struct ir_builder *b, struct ir_mem mem, ir_ref base, ir_ref expect, ir_ref desired)
{
        return emit_atomic(b, IR_OP_cas, mem, base, expect, desired);
}

void ir_emit_cas16(struct ir_builder *b, struct ir_mem mem, ir_ref base)
{
        ir_ref lookup;

        mem.write = 1;
        mem.atomic = 1;
        mem.size_log2 = 4;
        lookup = emit_lookup(b, mem, base, 0);
        ir_emit(b, ir_head(IR_OP_cas16, IR_I64, 0, ir_mem_bits(mem)), ir_pair(lookup, base), 0, 0);
}

void ir_atomic_cas16(struct ir_builder *b, struct ir_mem mem, ir_ref base, ir_ref expect[2],
                     const ir_ref desired[2])
{
        for (unsigned k = 0; k < 2; k++) {
                ir_emit(b, ir_head(IR_OP_wput, IR_I64, 0, k), expect[k], 0, 0);
                ir_emit(b, ir_head(IR_OP_wput, IR_I64, 0, 2 + k), desired[k], 0, 0);
        }
        ir_emit_cas16(b, mem, base);
        for (unsigned k = 0; k < 2; k++)
                expect[k] = ir_emit(b, ir_head(IR_OP_wget, IR_I64, 0, k), 0, 0, 0);
}

void ir_fence(struct ir_builder *b, uint32_t mask)
{
        ir_emit(b, ir_head(IR_OP_fence, IR_VOID, 0, mask), 0, 0, 0);
}

/* ---- control ---- */

void ir_insn(struct ir_builder *b, int64_t page_offset)
{
        if (b->r->n_guest_insns == 0)
                b->r->start_offset = page_offset;
        ir_emit(b, ir_head(IR_OP_insn, IR_VOID, 0, b->r->n_guest_insns++), 0, 0, page_offset);
}

ir_ref ir_call(struct ir_builder *b, const struct ir_helper *h, ir_ref a0, ir_ref a1, ir_ref a2, ir_ref a3)
{
        uint64_t head = ir_head(IR_OP_call, h->type, 0, 0);

        if (h->pure)
                return ir_emit_pure(b, head, ir_pair(a0, a1), ir_pair(a2, a3), (intptr_t)h);
        for (uint64_t m = h->writes; m; m &= m - 1)
                b->group_call[__builtin_ctzll(m)] = b->r->n_ins;
        return ir_emit(b, head, ir_pair(a0, a1), ir_pair(a2, a3), (intptr_t)h);
}

void ir_hook(struct ir_builder *b, uint32_t kind, int64_t datum)
{
        ir_emit(b, ir_head(IR_OP_hook, IR_VOID, 0, kind), 0, 0, datum);
}

void ir_budget(struct ir_builder *b)
{
        b->budget = ir_emit(b, ir_head(IR_OP_budget, IR_VOID, 0, 0), 0, 0, 0);
}

void ir_poll(struct ir_builder *b, int64_t page_offset)
{
        ir_emit(b, ir_head(IR_OP_poll, IR_VOID, 0, 0), 0, 0, page_offset);
}

void ir_br(struct ir_builder *b, uint32_t block)
{
        terminate(b, ir_head(IR_OP_br, IR_VOID, 0, block), 0, 0);
}

void ir_brcc(struct ir_builder *b, enum ir_cond cond, ir_ref x, ir_ref y, uint32_t then_block,
             uint32_t else_block)
{
        struct cmp c = {cond, x, y, -1};

        if (!b->r->raw)
                ir_fold_cmp(b, &c);
        if (c.result >= 0) {
                if (ir_is_mutant(b->r, IR_RULE_brcc_const))
                        c.result ^= 1;
                ir_br(b, c.result ? then_block : else_block);
                return;
        }
        terminate(b, ir_head(IR_OP_brcc, type_of(b, c.x), c.cond, 0), ir_pair(c.x, c.y),
                  ir_pair(then_block, else_block));
}

void ir_exit_jump(struct ir_builder *b, int64_t page_offset, bool poll)
{
        terminate(b, ir_head(IR_OP_exit_jump, IR_VOID, 0, poll), 0, page_offset);
}

void ir_exit_ind(struct ir_builder *b, enum ir_jump kind, ir_ref target)
{
        if (ins_of(b, target)->op == IR_OP_pcaddr && !b->r->raw)
                ir_exit_jump(b, ins_of(b, target)->imm + 2 * ir_is_mutant(b->r, IR_RULE_ind_direct), true);
        else
                terminate(b, ir_head(IR_OP_exit_ind, IR_I64, kind, 0), target, 0);
}

void ir_exit(struct ir_builder *b, enum ir_exit reason, int64_t page_offset)
{
        terminate(b, ir_head(IR_OP_exit, IR_VOID, reason, 0), 0, page_offset);
}

void ir_ret_push(struct ir_builder *b, int64_t page_offset)
{
        ir_emit(b, ir_head(IR_OP_ret_push, IR_VOID, 0, 0), 0, 0, page_offset);
}

/* ---- the end ---- */

/* Predecessors of the blocks that can be reached; what cannot is dead code in an empty block. */
static void find_preds(struct ir_region *r)
{
        uint32_t *stack = arena_alloc(r->arena, r->n_blocks * sizeof(*stack)), depth = 0;

        stack[depth++] = 0;
        while (depth) {
                const struct ir_block *k = &r->blocks[stack[--depth]];
                uint32_t next[2];
                unsigned n = k->end > k->first ? ir_successors(&r->ins[k->end - 1], next) : 0;

                while (n--)
                        if (r->blocks[next[n]].n_preds++ == 0 && next[n] != 0)
                                stack[depth++] = next[n];
        }
        for (uint32_t i = 1; i < r->n_blocks; i++) {
                struct ir_block *k = &r->blocks[i];

                if (k->n_preds)
                        continue;
                for (uint32_t n = k->first; n < k->end; n++)
                        r->ins[n].flags |= IR_INS_DEAD;
                k->end = k->first;
        }
}

void ir_builder_finish(struct ir_builder *b)
{
        if (b->budget)
                b->r->ins[b->budget].imm = b->r->n_guest_insns;
        /* Most regions are one block that leaves. */
        if (b->r->n_blocks > 1 || !(ir_ops[b->r->ins[b->r->n_ins - 1].op].flags & IR_MAY_EXIT))
                find_preds(b->r);
}
