/* SPDX-License-Identifier: MIT */
/*
 * One walk from the last instruction to the first that drops dead code and puts.
 *
 * Code is dead when it has no use and no effect. Values are made before they are used also in index order, so by the
 * time the walk meets an instruction it has met all uses.
 *
 * A put is not needed if the same block puts the slot again before anything can see it. What can see it: a get, a
 * helper whose masks have the slot's group, and the doors (polls, exits, hooks, the end of the block). A fault site
 * sees the whole state too, but through its fault map, so with only fault sites between the put is deferred: no
 * code, the value in the map, and kept alive by the later put's arg[1].
 */
#include <string.h>

#include "base/arena.h"
#include "ir/opt.h"
#include "ir/rules.h"

struct next_put {
        uint32_t epoch;
        ir_ref put;
};

struct dead {
        struct ir_region *r;
        uint8_t *used;             /* by ref */
        struct next_put *next;     /* by slot: the put that comes next in the block, if nothing sees the slot before */
        uint32_t epoch;            /* now; counts what can see slots */
        uint32_t door_epoch;       /* of the last door */
        uint32_t group_epoch[64];  /* of the last helper with a group in its masks */
        ir_ref fault;              /* the nearest fault site below */
};

static bool mutant(const struct dead *d, enum ir_rule rule)
{
        return __builtin_expect(d->r->mutant == rule, 0);
}

static void use_args(struct dead *d, const struct ir_ins *i)
{
        /* 0 stands for no argument, and used[0] for nothing. */
        for (unsigned k = 0; k < 4; k++)
                d->used[i->arg[k]] = 1;
}

static void see_door(struct dead *d)
{
        if (!mutant(d, IR_RULE_put_door))
                d->door_epoch = ++d->epoch;
}

static void see_call(struct dead *d, ir_ref n, const struct ir_helper *h)
{
        uint64_t groups = h->reads | h->writes;

        if (h->may_exit)
                d->fault = n;
        if (!groups || mutant(d, IR_RULE_put_read_call))
                return;
        d->epoch++;
        for (; groups; groups &= groups - 1)
                d->group_epoch[__builtin_ctzll(groups)] = d->epoch;
}

static bool next_known(const struct dead *d, uint32_t slot)
{
        uint32_t epoch = d->next[slot].epoch;

        return epoch && epoch >= d->door_epoch && epoch >= d->group_epoch[d->r->guest->slots[slot].group];
}

/* True if the put stays. */
static bool see_put(struct dead *d, ir_ref n, struct ir_ins *i)
{
        struct next_put *next = &d->next[i->aux];

        if (next_known(d, i->aux)) {
                if (d->fault > next->put || mutant(d, IR_RULE_dead_put))
                        return false;
                i->flags |= IR_INS_DEFERRED;
                d->r->ins[next->put].arg[1] = mutant(d, IR_RULE_defer_put) ? d->r->ins[next->put].arg[0] : i->arg[0];
        }
        *next = (struct next_put){d->epoch, n};
        return true;
}

static bool has_effect(const struct ir_ins *i)
{
        if (i->op == IR_OP_call)
                return !((const struct ir_helper *)(intptr_t)i->imm)->pure;
        if (i->op == IR_OP_nop)
                return false;
        return !(ir_ops[i->op].flags & IR_PURE) && i->op != IR_OP_get && i->op != IR_OP_lookup;
}

/* True if the instruction stays. */
static bool see_ins(struct dead *d, ir_ref n, struct ir_ins *i)
{
        unsigned flags = ir_ops[i->op].flags;

        if (!d->used[n] && !has_effect(i))
                return mutant(d, IR_RULE_dead_code);
        switch (i->op) {
        case IR_OP_put:
                return see_put(d, n, i);
        case IR_OP_get:
                if (!mutant(d, IR_RULE_put_read_get))
                        d->next[i->aux].epoch = 0;
                return true;
        case IR_OP_call:
                see_call(d, n, (const struct ir_helper *)(intptr_t)i->imm);
                return true;
        }
        if ((flags & (IR_MAY_EXIT | IR_TERM)) || i->op == IR_OP_hook)
                see_door(d);
        if (flags & IR_MAY_FAULT)
                d->fault = n;
        return true;
}

void ir_opt_dead(struct ir_region *r)
{
        struct dead d = {.r = r, .epoch = 1, .fault = ~0u};

        d.used = arena_zalloc(r->arena, r->n_ins);
        d.next = arena_zalloc(r->arena, r->guest->n_slots * sizeof(*d.next));
        for (ir_ref n = r->n_ins - 1; n > 0; n--) {
                struct ir_ins *i = &r->ins[n];

                if (i->flags & IR_INS_DEAD)
                        continue;
                if (see_ins(&d, n, i))
                        use_args(&d, i);
                else
                        i->flags |= IR_INS_DEAD;
        }
}
