/* SPDX-License-Identifier: MIT */
/*
 * A region made anew through the builder, so that the builder's rules apply to it: for regions that were
 * parsed or stitched together. It must not be optimised yet: deferred puts and shared lookups are the
 * optimiser's. The new region lives in the arena given.
 */
#include "ir/build.h"

#include "base/arena.h"
#include "ir/builder.h"
#include "ir/vec.h"

struct reducer {
        const struct ir_region *r;
        struct ir_builder *b;
        ir_ref *to; /* by old ref: the new value */
};

static ir_ref reduce_value(struct reducer *d, const struct ir_ins *i)
{
        struct ir_builder *b = d->b;
        ir_ref x = d->to[i->arg[0]], y = d->to[i->arg[1]];

        switch (i->op) {
        case IR_OP_const: return ir_const(b, i->type, i->imm);
        case IR_OP_get: return ir_get(b, i->aux);
        case IR_OP_pcaddr: return ir_pcaddr(b, i->imm);
        case IR_OP_setcc: return ir_setcc(b, i->cond, x, y);
        case IR_OP_select: return ir_select(b, i->cond, x, y, d->to[i->arg[2]], d->to[i->arg[3]]);
        case IR_OP_fsgnj: return ir_fsgnj(b, i->aux, x, y);
        case IR_OP_ld: return ir_load(b, i->type, i->mem, y, i->imm);
        case IR_OP_rmw: return ir_atomic_rmw(b, i->mem, y, d->to[i->arg[2]]);
        case IR_OP_cas: return ir_atomic_cas(b, i->mem, y, d->to[i->arg[2]], d->to[i->arg[3]]);
        case IR_OP_call:
                return ir_call(b, (const void *)(intptr_t)i->imm, x, y, d->to[i->arg[2]], d->to[i->arg[3]]);
        case IR_OP_extu: return ir_extu(b, x, ir_field_pos(i->aux), ir_field_len(i->aux));
        case IR_OP_exts: return ir_exts(b, x, ir_field_pos(i->aux), ir_field_len(i->aux));
        case IR_OP_insert: return ir_insert(b, x, y, ir_field_pos(i->aux), ir_field_len(i->aux));
        case IR_OP_extr: return ir_extr(b, x, y, d->to[i->arg[2]]);
        case IR_OP_adc: return ir_adc(b, x, y, d->to[i->arg[2]]);
        case IR_OP_sbc: return ir_sbc(b, x, y, d->to[i->arg[2]]);
        case IR_OP_fl_add: return ir_fl_add(b, i->aux, x, y);
        case IR_OP_fl_sub: return ir_fl_sub(b, i->aux, x, y);
        case IR_OP_fl_adc: return ir_fl_adc(b, i->aux, x, y, d->to[i->arg[2]]);
        case IR_OP_fl_sbc: return ir_fl_sbc(b, i->aux, x, y, d->to[i->arg[2]]);
        case IR_OP_fl_logic: return ir_fl_logic(b, i->aux, x);
        case IR_OP_fl_with: return ir_fl_with(b, x, i->aux, y);
        case IR_OP_fl_merge: return ir_fl_merge(b, x, y, i->aux);
        case IR_OP_fl_word: return ir_fl_word(b, x);
        case IR_OP_fl_from: return ir_fl_from(b, x);
        case IR_OP_fl_test: return ir_fl_test(b, i->cond, x);
        case IR_OP_fl_fcmp: return ir_fl_fcmp(b, i->aux & (IR_FL_BY_CARRY | IR_FL_SIGNALS), x, y);
        default: break;
        }
        if (i->op == IR_OP_vlow)
                return ir_vlow(b, i->type, x);
        if (ir_is_vector_op(i->op)) {
                ir_ref arg[4] = {x, y, d->to[i->arg[2]], 0};

                return ir_vec_like(b, i, arg);
        }
        if (ir_ops[i->op].flags & IR_PURE)
                return ir_ops[i->op].n_args == 1 ? ir_unary(b, i->op, x) : ir_binary(b, i->op, x, y);
        /* Floating point that raises flags: as it is. */
        ir_ref arg[4] = {x, y, d->to[i->arg[2]], d->to[i->arg[3]]};

        return ir_emit_like(b, i, arg);
}

static void reduce_effect(struct reducer *d, const struct ir_ins *i)
{
        struct ir_builder *b = d->b;
        ir_ref x = d->to[i->arg[0]], y = d->to[i->arg[1]];

        switch (i->op) {
        case IR_OP_put: ir_put(b, i->aux, x); break;
        case IR_OP_st: ir_store(b, i->mem, y, i->imm, d->to[i->arg[2]]); break;
        case IR_OP_cas16: ir_emit_cas16(b, i->mem, y); break;
        case IR_OP_wput: ir_emit(b, ir_head(i->op, i->type, 0, i->aux), x, 0, 0); break;
        case IR_OP_fence: ir_fence(b, i->aux); break;
        case IR_OP_insn: ir_insn(b, i->imm); break;
        case IR_OP_call:
                ir_call(b, (const void *)(intptr_t)i->imm, x, y, d->to[i->arg[2]], d->to[i->arg[3]]);
                break;
        case IR_OP_hook: ir_hook(b, i->aux, i->imm); break;
        case IR_OP_budget: ir_budget(b); break;
        case IR_OP_poll: ir_emit(b, ir_head(IR_OP_poll, IR_VOID, 0, i->aux), 0, 0, i->imm); break;
        case IR_OP_drop: ir_emit(b, ir_head(IR_OP_drop, i->type, 0, i->aux), 0, 0, 0); break;
        case IR_OP_br: ir_br(b, i->aux); break;
        case IR_OP_brcc: ir_brcc(b, i->cond, x, y, (uint32_t)i->imm, (uint64_t)i->imm >> 32); break;
        case IR_OP_exit_jump: ir_exit_jump(b, i->imm, i->aux & 1); break;
        case IR_OP_exit_ind: ir_exit_ind(b, i->cond, x); break;
        case IR_OP_exit: ir_exit(b, i->cond, i->imm); break;
        case IR_OP_ret_push: ir_ret_push(b, i->imm); break;
        default: break;
        }
}

static void reduce_block(struct reducer *d, uint32_t block)
{
        const struct ir_block *k = &d->r->blocks[block];

        ir_builder_at(d->b, block);
        for (ir_ref n = k->first; n < k->end; n++) {
                const struct ir_ins *i = &d->r->ins[n];

                if ((i->flags & IR_INS_DEAD) || i->op == IR_OP_lookup)
                        continue;
                if (ir_has_result(i))
                        d->to[n] = reduce_value(d, i);
                else
                        reduce_effect(d, i);
        }
}

/* The block that was filled first among those filled at @from or later; n_blocks if there is none. */
static uint32_t block_filled_next(const struct ir_region *r, ir_ref from)
{
        uint32_t best = r->n_blocks;

        for (uint32_t k = 0; k < r->n_blocks; k++)
                if (r->blocks[k].first >= from && r->blocks[k].end > r->blocks[k].first &&
                    (best == r->n_blocks || r->blocks[k].first < r->blocks[best].first))
                        best = k;
        return best;
}

struct ir_region *ir_reduce(struct arena *a, const struct ir_region *r)
{
        struct ir_region *new = ir_region_new(a, r->guest);
        struct reducer d = {.r = r};
        uint32_t k;

        new->fp = r->fp;
        new->guest_bytes = r->guest_bytes;
        new->start_offset = r->start_offset;
        new->mode = r->mode;
        new->deterministic = r->deterministic;
        new->loops = r->loops;
        new->keep_deps = r->keep_deps;
        new->mutant = r->mutant;
        d.b = ir_builder_new(new);
        d.to = arena_zalloc(a, r->n_ins * sizeof(*d.to));
        for (k = 1; k < r->n_blocks; k++)
                ir_block_new(d.b);
        for (k = block_filled_next(r, 0); k < r->n_blocks; k = block_filled_next(r, r->blocks[k].end))
                reduce_block(&d, k);
        ir_builder_finish(d.b);
        return new;
}
