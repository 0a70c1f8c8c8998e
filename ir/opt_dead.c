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

struct dead {
        struct ir_region *r;
        uint8_t *used;             /* by ref */
        ir_ref *next;              /* by slot: the put that comes next in the block */
        ir_ref door;               /* the nearest door below: what comes after it does not count as next */
        ir_ref group_call[64];     /* the nearest helper below with a group in its masks, likewise */
        ir_ref fault;              /* the nearest fault site below */
};

static bool mutant(const struct dead *d, enum ir_rule rule)
{
        return __builtin_expect(d->r->mutant == rule, 0);
}

/* What the walk does at an op. */
enum dead_class {
        DEAD_VALUE,     /* goes if it has no use */
        DEAD_EFFECT,    /* stays, no more */
        DEAD_GET,
        DEAD_PUT,
        DEAD_DROP,
        DEAD_POLL,
        DEAD_CALL,
        DEAD_FAULT,
        DEAD_DOOR,
        DEAD_NOTHING,
};

static const uint8_t classes[IR_OP_COUNT] = {
#define OP(name, sig, nargs, flags, eval, doc) \
        [IR_OP_##name] = IR_OP_##name == IR_OP_get ? DEAD_GET : IR_OP_##name == IR_OP_put ? DEAD_PUT : \
                         IR_OP_##name == IR_OP_drop ? DEAD_DROP : IR_OP_##name == IR_OP_poll ? DEAD_POLL : \
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

static void see_call(struct dead *d, ir_ref n, const struct ir_helper *h)
{
        uint64_t groups = h->reads | h->writes;

        if (h->may_exit)
                d->fault = n;
        if (mutant(d, IR_RULE_put_read_call))
                return;
        for (; groups; groups &= groups - 1)
                d->group_call[__builtin_ctzll(groups)] = n;
}

/* The put of the slot that comes next, if nothing sees the slot before; or 0. */
static inline ir_ref next_put(const struct dead *d, uint32_t slot)
{
        ir_ref next = d->next[slot];

        return next < d->door && next < d->group_call[d->r->guest->slots[slot].group] ? next : 0;
}

/* True if the put stays. */
static bool see_put(struct dead *d, ir_ref n, struct ir_ins *i)
{
        ir_ref next = next_put(d, i->aux);

        if (next) {
                if (d->fault > next || mutant(d, IR_RULE_dead_put))
                        return false;
                i->flags |= IR_INS_DEFERRED;
                d->r->ins[next].arg[1] = mutant(d, IR_RULE_defer_put) ? d->r->ins[next].arg[0] : i->arg[0];
        }
        d->next[i->aux] = n;
        return true;
}

/* True if the instruction stays. */
static inline bool see_ins(struct dead *d, ir_ref n, struct ir_ins *i)
{
        const struct ir_helper *h;
        unsigned class = classes[i->op];

        if (class <= DEAD_EFFECT) /* most are; one branch that goes the same way most times */
                return d->used[n] | class || mutant(d, IR_RULE_dead_code);
        switch (class) {
        case DEAD_GET:
                if (!d->used[n])
                        return mutant(d, IR_RULE_dead_code);
                if (!mutant(d, IR_RULE_put_read_get))
                        d->next[i->aux] = 0;
                return true;
        case DEAD_PUT:
                return see_put(d, n, i);
        case DEAD_CALL:
                h = (const struct ir_helper *)(intptr_t)i->imm;
                if (h->pure)
                        return d->used[n];
                see_call(d, n, h);
                return true;
        case DEAD_DROP:
                d->next[i->aux] = n;
                return true;
        case DEAD_FAULT:
                d->fault = n;
                return true;
        case DEAD_POLL:
                if (i->aux & 1) {
                        d->fault = n;
                        return true;
                }
                /* fallthrough */
        case DEAD_DOOR:
                if (!mutant(d, IR_RULE_put_door))
                        d->door = n;
                return true;
        case DEAD_NOTHING:
                return false;
        default:
                return true;
        }
}

void ir_opt_dead(struct ir_region *r)
{
        struct dead d;

        d.r = r;
        d.door = d.fault = r->n_ins;
        memset(d.group_call, 0xff, sizeof(d.group_call));
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
