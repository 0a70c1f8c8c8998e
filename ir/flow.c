/* SPDX-License-Identifier: MIT */
/*
 * The shape of a region: successors of blocks, and which guest instruction a block begins in. Stateless.
 */
#include "ir/ir.h"

#include <string.h>

#include "base/arena.h"

unsigned ir_successors(const struct ir_ins *t, uint32_t next[2])
{
        switch (t->op) {
        case IR_OP_br:
                next[0] = t->aux;
                return 1;
        case IR_OP_brcc:
                next[0] = (uint32_t)t->imm;
                next[1] = (uint64_t)t->imm >> 32;
                return 2;
        default:
                return 0;
        }
}

static ir_ref last_insn(const struct ir_region *r, const struct ir_block *k, ir_ref entry)
{
        for (ir_ref n = k->end; n-- > k->first;)
                if (r->ins[n].op == IR_OP_insn && !(r->ins[n].flags & IR_INS_DEAD))
                        return n;
        return entry;
}

void ir_entry_insns(const struct ir_region *r, ir_ref *entry)
{
        uint32_t *stack, depth = 0;
        uint8_t *seen;

        memset(entry, 0, r->n_blocks * sizeof(*entry));
        if (r->n_blocks == 1)
                return;
        stack = arena_alloc(r->arena, r->n_blocks * sizeof(*stack));
        seen = arena_zalloc(r->arena, r->n_blocks);
        stack[depth++] = 0;
        seen[0] = 1;
        while (depth) {
                uint32_t block = stack[--depth], next[2];
                const struct ir_block *k = &r->blocks[block];
                unsigned n = k->end > k->first ? ir_successors(&r->ins[k->end - 1], next) : 0;

                ir_ref last = n ? last_insn(r, k, entry[block]) : 0;

                while (n--) {
                        if (seen[next[n]])
                                continue;
                        seen[next[n]] = 1;
                        entry[next[n]] = last;
                        stack[depth++] = next[n];
                }
        }
}

/* ---- dominators, by the method of Cooper, Harvey and Kennedy ("A Simple, Fast Dominance Algorithm") ---- */

#define NONE UINT32_MAX

/* Blocks in post-order into @order, and the place of each there into @place; how many can be reached. */
static uint32_t post_order(const struct ir_region *r, uint32_t *order, uint32_t *place)
{
        uint32_t *stack = g_new(uint32_t, r->n_blocks), *tried = g_new0(uint32_t, r->n_blocks);
        uint32_t depth = 0, n = 0;

        for (uint32_t k = 0; k < r->n_blocks; k++)
                place[k] = NONE;
        stack[depth++] = 0;
        place[0] = 0; /* seen; its true place comes last */
        while (depth) {
                uint32_t block = stack[depth - 1], next[2];
                const struct ir_block *k = &r->blocks[block];
                unsigned n_next = k->end > k->first ? ir_successors(&r->ins[k->end - 1], next) : 0;

                if (tried[block] < n_next) {
                        uint32_t to = next[tried[block]++];

                        if (place[to] == NONE) {
                                place[to] = 0;
                                stack[depth++] = to;
                        }
                } else {
                        place[block] = n;
                        order[n++] = block;
                        depth--;
                }
        }
        g_free(stack);
        g_free(tried);
        return n;
}

static uint32_t intersect(const uint32_t *idom, const uint32_t *place, uint32_t a, uint32_t b)
{
        while (a != b) {
                while (place[a] < place[b])
                        a = idom[a];
                while (place[b] < place[a])
                        b = idom[b];
        }
        return a;
}

void ir_dominators(const struct ir_region *r, uint32_t *idom)
{
        uint32_t *order = g_new(uint32_t, r->n_blocks), *place = g_new(uint32_t, r->n_blocks);
        uint32_t n = post_order(r, order, place);
        bool changed = true;

        for (uint32_t k = 0; k < r->n_blocks; k++)
                idom[k] = NONE;
        idom[0] = 0;
        while (changed) {
                changed = false;
                for (uint32_t k = n; k-- > 0;) {
                        uint32_t next[2];
                        const struct ir_block *block = &r->blocks[order[k]];
                        unsigned n_next =
                                block->end > block->first ? ir_successors(&r->ins[block->end - 1], next) : 0;

                        while (n_next--) {
                                uint32_t to = next[n_next], d;

                                if (to == 0)
                                        continue;
                                d = idom[to] == NONE ? order[k] : intersect(idom, place, order[k], idom[to]);
                                changed |= d != idom[to];
                                idom[to] = d;
                        }
                }
        }
        g_free(order);
        g_free(place);
}
