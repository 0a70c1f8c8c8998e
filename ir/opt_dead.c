/* SPDX-License-Identifier: MIT */
/*
 * One walk from the last instruction to the first that drops dead code and puts.
 *
 * Code is dead when it has no use and no effect. Values are made before they are used also in index order, so
 * by the time the walk meets an instruction it has met all uses.
 *
 * A put is not needed if the same block puts the slot again before anything can see it. What can see it: a
 * get, a helper whose masks have the slot's group, and the doors (polls, exits, hooks, the end of the block).
 * A fault site sees the whole state too, but through its fault map, so with only fault sites between the put
 * is deferred: no code, the value in the map, and kept alive by the later put's arg[1].
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
        struct next_put *next;     /* by slot: the put that comes next in the block, if nothing
                                      sees the slot before */
        uint32_t epoch;            /* now; counts what can see slots */
        uint32_t door_epoch;       /* of the last door */
        uint32_t group_epoch[64];  /* of the last helper with a group in its masks */
        ir_ref fault;              /* the nearest fault site below */
};

static bool mutant(const struct dead *d, enum ir_rule rule)
{
        return __builtin_expect(d->r->mutant == rule, 0);
}

/* What the walk does at an op. */
enum dead_class {
        DEAD_EFFECT,    /* stays, no more */
        DEAD_VALUE,     /* goes if it has no use */
        DEAD_GET,
        DEAD_PUT,
        DEAD_CALL,
        DEAD_FAULT,
        DEAD_DOOR,
        DEAD_NOTHING,
};

static const uint8_t classes[IR_OP_COUNT] = {
#define OP(name, sig, nargs, flags, eval, doc) \
        [IR_OP_##name] = IR_OP_##name == IR_OP_get ? DEAD_GET : IR_OP_##name == IR_OP_put ? DEAD_PUT : \
                         IR_OP_##name == IR_OP_call ? DEAD_CALL : IR_OP_##name == IR_OP_nop ? DEAD_NOTHING : \
                         (flags) & IR_PURE || IR_OP_##name == IR_OP_lookup ? DEAD_VALUE : \
                         (flags) & IR_MAY_FAULT ? DEAD_FAULT : \
                         (flags) & (IR_MAY_EXIT | IR_TERM) || IR_OP_##name == IR_OP_hook ? DEAD_DOOR : \
                         DEAD_EFFECT,
#include "ir/ops.def"
#undef OP
};

/* 0 stands for no argument, and used[0] for nothing. */
static inline void use_args(struct dead *d, const struct ir_ins *i)
{
        d->used[i->arg[0]] = 1;
        d->used[i->arg[1]] = 1;
        d->used[i->arg[2]] = 1;
        d->used[i->arg[3]] = 1;
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
                d->r->ins[next->put].arg[1] =
                        mutant(d, IR_RULE_defer_put) ? d->r->ins[next->put].arg[0] : i->arg[0];
        }
        *next = (struct next_put){d->epoch, n};
        return true;
}

/* True if the instruction stays. */
static inline bool see_ins(struct dead *d, ir_ref n, struct ir_ins *i)
{
        const struct ir_helper *h;

        switch (classes[i->op]) {
        case DEAD_VALUE:
                return d->used[n] || mutant(d, IR_RULE_dead_code);
        case DEAD_GET:
                if (!d->used[n])
                        return mutant(d, IR_RULE_dead_code);
                if (!mutant(d, IR_RULE_put_read_get))
                        d->next[i->aux].epoch = 0;
                return true;
        case DEAD_PUT:
                return see_put(d, n, i);
        case DEAD_CALL:
                h = (const struct ir_helper *)(intptr_t)i->imm;
                if (h->pure)
                        return d->used[n];
                see_call(d, n, h);
                return true;
        case DEAD_FAULT:
                d->fault = n;
                return true;
        case DEAD_DOOR:
                see_door(d);
                return true;
        case DEAD_NOTHING:
                return false;
        default:
                return true;
        }
}

void ir_opt_dead(struct ir_region *r)
{
        struct dead *d = arena_zalloc(r->arena, sizeof(*d));

        d->r = r;
        d->epoch = 1;
        d->fault = ~0u;
        d->used = arena_zalloc(r->arena, r->n_ins);
        d->next = arena_zalloc(r->arena, r->guest->n_slots * sizeof(*d->next));
        for (ir_ref n = r->n_ins - 1; n > 0; n--) {
                struct ir_ins *i = &r->ins[n];

                if (i->flags & IR_INS_DEAD)
                        continue;
                if (see_ins(d, n, i))
                        use_args(d, i);
                else
                        i->flags |= IR_INS_DEAD;
        }
}
