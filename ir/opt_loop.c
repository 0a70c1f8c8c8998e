/* SPDX-License-Identifier: MIT */
/*
 * Flags that a loop makes at its end and nobody but a fault could see: a region of one block that branches
 * back to its own start is made anew as a first round and a loop. In the loop the flags of the round
 * before are an expression of what slots hold (the counter, plus the one that was subtracted, compared
 * with one), so their put at the top is deferred and costs nothing; where the loop is left they are
 * computed once. The first round begins with whatever flags there were, which is why there is one.
 *
 *      entry: body; drop flags; branch to loop or out
 *      loop:  flags as an expression, put; poll, which is a fault site here; body; drop flags; branch to loop
 *             or out
 *      out:   flags as an expression, put; exit
 *
 * Only for regions that may loop (struct ir_region, loops). Runs before puts are deferred.
 */
#include <string.h>

#include "base/arena.h"
#include "ir/builder.h"
#include "ir/opt.h"

enum { BODY_MAX = 100, FLAG_SLOTS = 2, LOOP = 1, OUT = 2 /* blocks */ };

struct loop {
        struct ir_region *r;
        struct ir_builder *b;
        uint32_t first, end;         /* the body, without its terminator */
        struct ir_ins branch;        /* that was its terminator */
        bool back_is_then;
        struct ir_ins back, out;     /* the two exits */
        ir_ref *final;               /* see struct express */
        uint16_t slot[FLAG_SLOTS];   /* of flags that the body puts */
        ir_ref flags[FLAG_SLOTS];    /* their values, where the copy stands; 0: not known */
        unsigned n_slots;
        ir_ref last_insn;
};

static bool live(const struct ir_ins *i)
{
        return !(i->flags & IR_INS_DEAD) && i->op != IR_OP_nop;
}

/* The block's exit, if it is nothing but one. */
static bool plain_exit(const struct ir_region *r, uint32_t block, struct ir_ins *exit)
{
        const struct ir_block *k = &r->blocks[block];

        if (k->n_preds != 1)
                return false;
        for (ir_ref n = k->first; n < k->end; n++) {
                const struct ir_ins *i = &r->ins[n];

                if (live(i) && i->op != IR_OP_const && i->op != IR_OP_exit_jump)
                        return false;
        }
        *exit = r->ins[k->end - 1];
        return exit->op == IR_OP_exit_jump;
}

static bool may_repeat(const struct ir_ins *i)
{
        switch (i->op) {
        case IR_OP_hook: case IR_OP_budget: case IR_OP_poll: case IR_OP_ret_push: case IR_OP_drop:
                return false;
        case IR_OP_call:
                return ((const struct ir_helper *)(intptr_t)i->imm)->pure;
        default:
                return true;
        }
}

/* Looks at the body; false if it cannot be repeated or has no flags. */
static bool survey(struct loop *l)
{
        const struct ir_slot *slots = l->r->guest->slots;

        for (ir_ref n = l->first; n < l->end; n++) {
                const struct ir_ins *i = &l->r->ins[n];

                if (!live(i))
                        continue;
                if (!may_repeat(i))
                        return false;
                if (i->op == IR_OP_insn) {
                        if (!l->last_insn && (i->aux || i->imm != l->back.imm))
                                return false;
                        l->last_insn = n;
                }
                if (i->op == IR_OP_get && !l->final[i->aux])
                        l->final[i->aux] = n;
                if (i->op != IR_OP_put)
                        continue;
                if (slots[i->aux].type == IR_FLAGS &&
                    (!l->final[i->aux] || l->r->ins[l->final[i->aux]].op == IR_OP_get)) {
                        if (l->n_slots == FLAG_SLOTS)
                                return false;
                        l->slot[l->n_slots++] = i->aux;
                }
                l->final[i->aux] = n;
        }
        return l->n_slots && l->last_insn;
}

/* ---- the flags of the end of the body ---- */

/* The flags that the body leaves become those of their slots; false if slots do not tell them. */
static bool put_flags(struct loop *l)
{
        for (unsigned k = 0; k < l->n_slots; k++) {
                struct express x = {l->r, l->b, l->first, l->end, l->final, .max_spare = 0};
                ir_ref v = ir_express(&x, l->r->ins[l->final[l->slot[k]]].arg[0]);

                if (!v)
                        return false;
                l->flags[k] = ir_fired(l->b, IR_RULE_loop_flags, v);
                ir_put(l->b, l->slot[k], l->flags[k]);
        }
        return true;
}

/* Tries that at the end of the region, and forgets it. */
static bool can_express(struct loop *l)
{
        struct ir_region *r = l->r;
        const struct ir_block first = r->blocks[0];
        uint32_t n_ins = r->n_ins;
        bool can;

        l->b = ir_builder_new(r);
        can = put_flags(l);
        r->n_ins = n_ins;
        r->blocks[0] = first;
        return can;
}

/* ---- the new region ---- */

static void begin_block(struct loop *l, uint32_t block)
{
        const ir_ref none[4] = {0};

        ir_builder_at(l->b, block);
        if (block) { /* it is reached from two copies of the last instruction */
                const struct ir_ins insn = l->r->ins[l->last_insn];

                ir_emit_like(l->b, &insn, none);
        }
}

static void end_block(struct loop *l, const struct ir_ins *terminator, const ir_ref arg[4])
{
        ir_emit_like(l->b, terminator, arg);
        l->r->blocks[l->b->block].end = l->r->n_ins;
}

/* Which of the flags are in slot @slot, or n_slots. */
static unsigned flag_slot(const struct loop *l, uint32_t slot)
{
        unsigned k = 0;

        while (k < l->n_slots && l->slot[k] != slot)
                k++;
        return k;
}

/* A copy of the body. Flags that are known are not read from their homes, which may hold older ones. */
static void copy_body(struct loop *l)
{
        ir_ref *to = arena_zalloc(l->r->arena, l->end * sizeof(*to)), arg[4];
        struct ir_ins i;

        for (ir_ref n = l->first; n < l->end; n++) {
                unsigned flags;

                i = l->r->ins[n];
                if (!live(&i))
                        continue;
                for (unsigned k = 0; k < 4; k++)
                        arg[k] = i.arg[k] ? to[i.arg[k]] : 0;
                flags = i.op == IR_OP_get || i.op == IR_OP_put ? flag_slot(l, i.aux) : l->n_slots;
                if (flags < l->n_slots && i.op == IR_OP_get && l->flags[flags]) {
                        to[n] = l->flags[flags];
                        continue;
                }
                to[n] = ir_emit_like(l->b, &i, arg);
                if (flags < l->n_slots && i.op == IR_OP_put)
                        l->flags[flags] = arg[0];
        }
        for (unsigned k = 0; k < l->n_slots; k++)
                ir_emit(l->b, ir_head(IR_OP_drop, IR_FLAGS, 0, l->slot[k]), 0, 0, 0);
        i = l->branch;
        for (unsigned k = 0; k < 4; k++)
                arg[k] = i.arg[k] ? to[i.arg[k]] : 0;
        i.imm = (int64_t)(l->back_is_then ? ir_pair(LOOP, OUT) : ir_pair(OUT, LOOP));
        end_block(l, &i, arg);
}

static void make_loop(struct loop *l)
{
        struct ir_region *r = l->r;
        uint32_t n_old = r->n_ins;
        const ir_ref none[4] = {0};

        memset(l->flags, 0, sizeof(l->flags));
        l->b = ir_builder_new(r);
        begin_block(l, 0);
        copy_body(l);
        begin_block(l, LOOP);
        put_flags(l);
        ir_emit(l->b, ir_head(IR_OP_poll, IR_VOID, 0, 1), 0, 0, l->back.imm);
        copy_body(l);
        begin_block(l, OUT);
        put_flags(l);
        end_block(l, &l->out, none);
        r->blocks[0].n_preds = 0;
        r->blocks[LOOP].n_preds = r->blocks[OUT].n_preds = 2;
        for (ir_ref n = 1; n < n_old; n++)
                r->ins[n].flags |= IR_INS_DEAD;
}

static bool goes_back(const struct loop *l, const struct ir_ins *exit)
{
        return exit->imm == l->r->start_offset && (exit->aux & 1);
}

void ir_opt_loop(struct ir_region *r)
{
        const struct ir_block *k = &r->blocks[0];
        struct loop l = {.r = r, .first = k->first, .end = k->end - 1};
        struct ir_ins exit[2];
        unsigned back;

        if (!r->loops || !r->has_flags || r->n_blocks != 3 || k->end - k->first > BODY_MAX)
                return;
        l.branch = r->ins[l.end];
        if (l.branch.op != IR_OP_brcc || !plain_exit(r, 1, &exit[0]) || !plain_exit(r, 2, &exit[1]))
                return;
        back = goes_back(&l, &exit[0]) ? 0 : 1;
        l.back = exit[back];
        l.out = exit[!back];
        l.back_is_then = (uint32_t)l.branch.imm == 1 + back;
        l.final = arena_zalloc(r->arena, r->guest->n_slots * sizeof(*l.final));
        if (goes_back(&l, &l.back) && survey(&l) && can_express(&l))
                make_loop(&l);
}
