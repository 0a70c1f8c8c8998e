/* SPDX-License-Identifier: MIT */
/*
 * Flags that a block leaves and nobody but a fault could see: in a region of several blocks, what the blocks
 * that come next do with them decides. There are three ways.
 *
 * - The next blocks put flags anew before anything can look: the flags are dropped.
 * - They do so too, but may fault before: flags are an expression of what slots hold at the end of the block
 *   that made them (ir/express.c). The next block begins with a put of that, which is deferred then and costs
 *   nothing. So a block is made anew in one *version* for each set of flags it may begin with: the flags that
 *   block so and so left, or those in the slot's home. In a loop the first round is such a version.
 * - They look, or the region is left: the same put, done there, so that only the way that needs it pays.
 *
 * A block that jumps back does so through a block of its own with the poll, which becomes a fault site.
 *
 * What no slot tells of such flags (a value that was loaded to be compared, say) is left in spare slots,
 * which costs a store. Where flags cannot be expressed, and at blocks whose values others use, flags are at
 * home. Only for regions that may loop (struct ir_region, loops). Runs before puts are deferred.
 */
#include <string.h>

#include "base/arena.h"
#include "ir/builder.h"
#include "ir/opt.h"

enum {
        INS_MAX = 1500,           /* larger regions stay as they are */
        VERSIONS_OF_BLOCK = 3,    /* further ways into it go by home */
        /* where the flags are at the start of a version; else 1 + the block that left them */
        HOME = 0, NOWHERE = ~0u,
};

/* What happens to the flags that a block begins with. */
enum need { NEED_NOTHING, NEED_AT_FAULTS, NEED_ALL };

struct info {                /* on a block of the old region */
        uint8_t need;
        bool reached;
        bool leaves;         /* ends with an exit */
        bool home;           /* flags are at home at its start: its values are used elsewhere, or those of
                                others here */
        bool borrows;        /* values of others are used here */
        bool placed;         /* a version of it is in the new region's order */
        uint64_t puts;       /* slots by number, from 63 on as one */
        uint64_t tells;      /* slots that tell the flags at its end, likewise */
        ir_ref spare[EXPRESS_SPARES]; /* values that spare slots have to hold for that */
        unsigned n_spare;
        ir_ref put;          /* the last put of flags; 0: there is none, or a call writes them behind it */
        bool passes;         /* flags are at its end what they are at its start */
        bool can_tell;       /* slots tell those flags at its end */
        ir_ref *final;       /* see struct express */
        uint32_t n_versions;
};

struct version {
        uint32_t block, from, out;   /* out: like from, for what comes next */
        bool edge;                   /* only puts the flags at home, on the way to the block */
        bool placed;
        uint32_t next[2], n_next;    /* versions that come next */
        uint32_t place;              /* block of the new region */
};

struct pass {
        struct ir_region *r;
        struct ir_builder *b;
        struct info *info;
        struct ir_block *old;        /* a copy of the old region's */
        uint32_t n_old;
        uint32_t slot;               /* of the flags */
        uint64_t group;              /* its group, as a mask */
        ir_ref *entry;               /* by block: the instruction it begins in */
        struct version *v;
        uint32_t n, cap;
        uint32_t *order, n_order;
        ir_ref *to;                  /* by old instruction: its latest copy */
        bool gains;
};

static bool live(const struct ir_ins *i)
{
        return !(i->flags & IR_INS_DEAD) && i->op != IR_OP_nop;
}

static const struct ir_helper *helper_of(const struct ir_ins *i)
{
        return (const struct ir_helper *)(intptr_t)i->imm;
}

static const struct ir_ins *last_of(const struct pass *p, uint32_t block)
{
        return &p->r->ins[p->old[block].end - 1];
}

/* ---- looking at the old region ---- */

static bool one_slot(struct pass *p)
{
        bool found = false;

        for (ir_ref n = 1; n < p->r->n_ins; n++) {
                const struct ir_ins *i = &p->r->ins[n];

                if (i->op != IR_OP_put || !live(i) || p->r->guest->slots[i->aux].type != IR_FLAGS)
                        continue;
                if (found && p->slot != i->aux)
                        return false;
                found = true;
                p->slot = i->aux;
        }
        if (found)
                p->group = 1ull << p->r->guest->slots[p->slot].group;
        return found;
}

static bool has_effect(const struct ir_ins *i)
{
        return !(ir_ops[i->op].flags & IR_PURE) && i->op != IR_OP_get && i->op != IR_OP_lookup &&
               !(i->op == IR_OP_call && helper_of(i)->pure);
}

/* May somebody look at the flags, or change them, at the instruction, which is no get or put? */
static bool observes_flags(const struct ir_ins *i)
{
        if (i->op == IR_OP_call)
                return !helper_of(i)->pure;
        return i->op == IR_OP_hook || i->op == IR_OP_drop ||
               (ir_ops[i->op].flags & (IR_MAY_FAULT | IR_MAY_EXIT | IR_TERM));
}

/*
 * What frontends make of flags that an instruction right behind puts anew: else what such flags are made of
 * would count as read. By one walk over the region from its end; values are made before they are used also in
 * index order.
 */
static void drop_overwritten(struct pass *p)
{
        uint8_t *used = arena_zalloc(p->r->arena, p->r->n_ins);
        bool over = false;

        for (ir_ref n = p->r->n_ins - 1; n > 0; n--) {
                struct ir_ins *i = &p->r->ins[n];
                bool put = i->op == IR_OP_put && i->aux == p->slot;

                if (!live(i))
                        continue;
                if (put ? over : !used[n] && !has_effect(i)) {
                        i->flags |= IR_INS_DEAD;
                        continue;
                }
                if (put)
                        over = true;
                else if (observes_flags(i) || (i->op == IR_OP_get && i->aux == p->slot))
                        over = false;
                for (unsigned a = 0; a < 4; a++)
                        used[i->arg[a]] = 1;
        }
}

static uint64_t slot_bit(uint32_t slot)
{
        return 1ull << MIN(slot, 63u);
}

/* What the slots hold after instruction @n, as far as one value is known for it. */
static void follow_slots(struct pass *p, struct info *k, ir_ref n, const struct ir_ins *i)
{
        switch (i->op) {
        case IR_OP_get:
                if (!k->final[i->aux])
                        k->final[i->aux] = n;
                break;
        case IR_OP_put:
                k->final[i->aux] = n;
                if (i->aux == p->slot) {
                        k->put = n;
                        k->passes = false;
                }
                k->puts |= slot_bit(i->aux);
                break;
        case IR_OP_call:
                if (helper_of(i)->pure)
                        break;
                k->puts = ~0ull;
                for (uint32_t s = 0; s < p->r->guest->n_slots; s++)
                        if (helper_of(i)->writes >> p->r->guest->slots[s].group & 1)
                                k->final[s] = 0;
                if (helper_of(i)->writes & p->group) {
                        k->put = 0;
                        k->passes = false;
                }
                break;
        default:
                break;
        }
}

/* The block that makes @v, which @block uses. Constants are made in each block anew. */
static uint32_t maker(const struct pass *p, uint32_t block, ir_ref v)
{
        uint32_t from = 0;

        if (!v || v >= p->old[block].first || p->r->ins[v].op == IR_OP_const)
                return block;
        while (from < p->n_old && (v < p->old[from].first || v >= p->old[from].end))
                from++;
        return from;
}

/*
 * Values that cross blocks; false if one is used where it may not be made yet. With flags at home there is
 * one version of both blocks, so the one that makes the value still comes first on every way to the other.
 */
static bool find_crossing(struct pass *p, uint32_t block, const struct ir_ins *i)
{
        for (unsigned a = 0; a < 4; a++) {
                uint32_t from = maker(p, block, i->arg[a]);

                if (from == block)
                        continue;
                if (from > block)
                        return false;
                p->info[from].home = p->info[block].home = p->info[block].borrows = true;
        }
        return true;
}

static bool survey_block(struct pass *p, uint32_t block)
{
        struct info *k = &p->info[block];

        k->passes = true;
        k->final = arena_zalloc(p->r->arena, p->r->guest->n_slots * sizeof(*k->final));
        k->leaves = (last_of(p, block)->op != IR_OP_br && last_of(p, block)->op != IR_OP_brcc);
        for (ir_ref n = p->old[block].first; n < p->old[block].end; n++) {
                const struct ir_ins *i = &p->r->ins[n];

                if (!live(i))
                        continue;
                if (i->op == IR_OP_hook || i->op == IR_OP_budget || i->op == IR_OP_drop ||
                    !find_crossing(p, block, i))
                        return false;
                follow_slots(p, k, n, i);
        }
        return true;
}

static unsigned need_of_call(const struct pass *p, const struct ir_helper *h, unsigned need)
{
        if (h->pure)
                return need;
        if ((h->reads | h->writes) & p->group)
                return NEED_ALL;
        return h->may_exit || h->no_return ? NEED_AT_FAULTS : need;
}

/* By one walk over the block, and what is known of those that come next. */
static unsigned find_need(const struct pass *p, uint32_t block)
{
        unsigned need = NEED_NOTHING;
        uint32_t next[2];

        if (p->info[block].home)
                return NEED_ALL;
        for (ir_ref n = p->old[block].first; n < p->old[block].end; n++) {
                const struct ir_ins *i = &p->r->ins[n];

                if (!live(i))
                        continue;
                if ((i->op == IR_OP_get && i->aux == p->slot) || need == NEED_ALL)
                        return NEED_ALL;
                if (i->op == IR_OP_put && i->aux == p->slot)
                        return need;
                if (i->op == IR_OP_call)
                        need = need_of_call(p, helper_of(i), need);
                else if (i->op == IR_OP_poll || (ir_ops[i->op].flags & IR_MAY_FAULT))
                        need = NEED_AT_FAULTS;
        }
        if (p->info[block].leaves)
                return NEED_ALL;
        for (unsigned n = ir_successors(last_of(p, block), next); n--;)
                need = MAX(need, p->info[next[n]].need);
        return need;
}

static void find_needs(struct pass *p)
{
        bool changed = true;

        while (changed) {
                changed = false;
                for (uint32_t block = p->n_old; block-- > 0;) {
                        unsigned need = p->info[block].reached ? find_need(p, block) : NEED_NOTHING;

                        changed |= need != p->info[block].need;
                        p->info[block].need = need;
                }
        }
}

/* ---- flags told by slots ---- */

static ir_ref tell(struct pass *p, uint32_t block)
{
        struct info *k = &p->info[block];
        struct express x = {
                .r = p->r, .b = p->b, .final = k->final,
                .first = p->old[block].first, .end = p->old[block].end, .halves = true,
                .max_spare = MIN(p->r->guest->n_spare, EXPRESS_SPARES),
        };
        ir_ref v = ir_express(&x, p->r->ins[k->put].arg[0]);

        memcpy(k->spare, x.spare, sizeof(k->spare));
        k->n_spare = x.n_spare;
        return v;
}

/* Tries it at the end of the region, and forgets it. */
static void find_tellable(struct pass *p)
{
        struct ir_region *r = p->r;
        const struct ir_block first = r->blocks[0];
        uint32_t n_ins = r->n_ins;

        for (uint32_t block = 0; block < p->n_old; block++) {
                if (!p->info[block].reached || !p->info[block].put || p->info[block].leaves)
                        continue;
                p->b = ir_builder_new(r);
                p->info[block].can_tell = tell(p, block) != 0;
                for (ir_ref n = n_ins; n < r->n_ins; n++)
                        if (r->ins[n].op == IR_OP_get)
                                p->info[block].tells |= slot_bit(r->ins[n].aux);
                r->n_ins = n_ins;
        }
        r->blocks[0] = first;
}

/* ---- which versions there are ---- */

/* Flags that wait are worth it if some way on does not need them done. */
static bool waiting_helps(const struct pass *p, const uint32_t *next, unsigned n)
{
        bool helps = false;

        while (n--) {
                const struct info *k = &p->info[next[n]];

                helps |= k->need == NEED_NOTHING || (k->need == NEED_AT_FAULTS && !k->home);
        }
        return helps;
}

/* Where the flags are when the block is left that began with them in @from. */
static uint32_t find_out(struct pass *p, uint32_t block, uint32_t from)
{
        const struct info *k = &p->info[block];
        uint32_t next[2];
        unsigned n = ir_successors(last_of(p, block), next);
        bool nobody = n != 0;

        for (unsigned a = 0; a < n; a++)
                nobody &= p->info[next[a]].need == NEED_NOTHING;
        if (nobody) {
                p->gains |= k->put != 0;
                return NOWHERE;
        }
        if (k->put && k->can_tell && waiting_helps(p, next, n)) {
                p->gains = true;
                return 1 + block;
        }
        if (!k->passes || from == HOME || from == NOWHERE || k->leaves || (p->info[from - 1].tells & k->puts))
                return HOME;
        return from;
}

static uint32_t version(struct pass *p, uint32_t block, uint32_t from, bool edge)
{
        struct version *v;

        for (uint32_t n = 0; n < p->n; n++)
                if (p->v[n].block == block && p->v[n].from == from && p->v[n].edge == edge)
                        return n;
        if (p->n == p->cap)
                return UINT32_MAX;
        v = &p->v[p->n];
        *v = (struct version){.block = block, .from = from, .edge = edge};
        p->info[block].n_versions += !edge;
        return p->n++;
}

/* The version of @block that flags in @out lead to. */
static uint32_t version_for(struct pass *p, uint32_t block, uint32_t out)
{
        const struct info *k = &p->info[block];

        if (k->need == NEED_NOTHING)
                return version(p, block, NOWHERE, false);
        if (out != HOME && (k->home || (!k->leaves && k->n_versions >= VERSIONS_OF_BLOCK)))
                return version(p, block, out, true);
        return version(p, block, out, false);
}

static bool find_versions(struct pass *p)
{
        p->cap = 3 * p->n_old + 8;
        p->v = arena_zalloc(p->r->arena, p->cap * sizeof(*p->v));
        version(p, 0, HOME, false);
        for (uint32_t n = 0; n < p->n; n++) {
                struct version *v = &p->v[n];
                uint32_t next[2];

                if (v->edge) {
                        v->n_next = 1;
                        v->next[0] = version(p, v->block, HOME, false);
                } else {
                        v->out = find_out(p, v->block, v->from);
                        v->n_next = ir_successors(last_of(p, v->block), next);
                        for (unsigned k = 0; k < v->n_next; k++)
                                v->next[k] = version_for(p, next[k], v->out);
                }
                for (unsigned k = 0; k < v->n_next; k++)
                        if (v->next[k] == UINT32_MAX)
                                return false;
        }
        return p->gains;
}

/* ---- their order ---- */

/* Do all blocks whose values @block uses have their places? */
static bool makers_placed(const struct pass *p, uint32_t block)
{
        for (ir_ref n = p->old[block].first; n < p->old[block].end; n++) {
                const struct ir_ins *i = &p->r->ins[n];

                for (unsigned a = 0; live(i) && a < 4; a++) {
                        uint32_t from = maker(p, block, i->arg[a]);

                        if (from != block && !p->info[from].placed)
                                return false;
                }
        }
        return true;
}

/* Right behind the version what goes on with its values, as the parts of one guest instruction do. */
static void place(struct pass *p, uint32_t n)
{
        const struct version *v = &p->v[n];

        if (v->placed)
                return;
        p->v[n].placed = true;
        p->v[n].place = p->n_order;
        p->order[p->n_order++] = n;
        p->info[v->block].placed |= !v->edge;
        for (unsigned k = 0; k < v->n_next; k++) {
                const struct version *next = &p->v[v->next[k]];

                if (!next->edge && p->info[next->block].borrows && makers_placed(p, next->block))
                        place(p, v->next[k]);
        }
}

/* May the version come before its turn? Not before what makes the values that it uses. */
static bool can_come_early(const struct pass *p, const struct version *v, uint32_t block)
{
        return v->edge || (v->block > block && !p->info[v->block].borrows);
}

/*
 * That of the old blocks, first the version that flags at home lead to. A block that only leads to another
 * one comes right before that: so a poll comes before its loop.
 */
static void find_order(struct pass *p)
{
        p->order = arena_alloc(p->r->arena, p->n * sizeof(*p->order));
        place(p, 0);
        for (uint32_t block = 0; block < p->n_old; block++) {
                for (uint32_t n = 0; n < p->n; n++) {
                        if (p->v[n].placed || p->v[n].block != block || p->v[n].edge)
                                continue;
                        for (uint32_t k = 0; k < p->n; k++)
                                if (!p->v[k].placed && p->v[k].n_next == 1 && p->v[k].next[0] == n &&
                                    k != n && can_come_early(p, &p->v[k], block)) {
                                        place(p, k);
                                        break;
                                }
                        place(p, n);
                }
        }
        for (uint32_t n = 0; n < p->n; n++)
                if (!p->v[n].placed)
                        place(p, n);
}

/* ---- making them ---- */

/* Constants are made in each block that wants them. */
static ir_ref copied(struct pass *p, ir_ref v)
{
        if (v && p->r->ins[v].op == IR_OP_const && p->to[v] < p->b->first)
                p->to[v] = ir_const(p->b, p->r->ins[v].type, p->r->ins[v].imm);
        return p->to[v];
}

static ir_ref put_flags(struct pass *p, const struct version *v)
{
        ir_ref f;

        if (v->from == HOME || v->from == NOWHERE)
                return 0;
        f = ir_fired(p->b, IR_RULE_flow_flags, tell(p, v->from - 1));
        ir_put(p->b, p->slot, f);
        return f;
}

/*
 * The block begins in the instruction that it began in; a copy has other predecessors, which may not agree.
 */
static ir_ref begin(struct pass *p, const struct version *v)
{
        ir_ref n = p->old[v->block].first, insn = p->entry[v->block];
        const ir_ref none[4] = {0};
        struct ir_ins i;

        ir_builder_at(p->b, v->place);
        while (!live(&p->r->ins[n]) && n + 1 < p->old[v->block].end)
                n++;
        if (p->r->ins[n].op == IR_OP_insn)
                insn = n++;
        else
                n = p->old[v->block].first;
        if (insn) {
                i = p->r->ins[insn];
                ir_emit_like(p->b, &i, none);
        }
        return n;
}

static void end(struct pass *p, const struct version *v, struct ir_ins i)
{
        const struct info *k = &p->info[v->block];
        ir_ref arg[4];

        for (unsigned n = 0; v->out == 1 + v->block && n < k->n_spare; n++) {
                ir_ref s = copied(p, k->spare[n]);

                ir_put(p->b, p->r->guest->spare[n], p->r->ins[s].type == IR_I32 ? ir_zext32(p->b, s) : s);
        }
        if (v->out != HOME && (k->put || (v->from != HOME && v->from != NOWHERE)))
                ir_emit(p->b, ir_head(IR_OP_drop, IR_FLAGS, 0, p->slot), 0, 0, 0);
        for (unsigned n = 0; n < 4; n++)
                arg[n] = copied(p, i.arg[n]);
        if (i.op == IR_OP_br)
                i.aux = p->v[v->next[0]].place;
        if (i.op == IR_OP_brcc)
                i.imm = (int64_t)ir_pair(p->v[v->next[0]].place, p->v[v->next[1]].place);
        ir_emit_like(p->b, &i, arg);
        p->r->blocks[v->place].end = p->r->n_ins;
}

static void copy(struct pass *p, const struct version *v)
{
        const struct ir_block *old = &p->old[v->block];
        ir_ref n = begin(p, v), known = put_flags(p, v), arg[4];

        if (v->edge) {
                ir_br(p->b, p->v[v->next[0]].place);
                return;
        }
        for (; n < old->end - 1; n++) {
                struct ir_ins i = p->r->ins[n];

                if (!live(&i) || i.op == IR_OP_const)
                        continue;
                if (i.op == IR_OP_get && i.aux == p->slot && known) {
                        p->to[n] = known;
                        continue;
                }
                if ((i.op == IR_OP_put && i.aux == p->slot) ||
                    (i.op == IR_OP_call && helper_of(&i)->writes & p->group))
                        known = 0;
                if (i.op == IR_OP_poll && v->from != HOME)
                        i.aux |= 1;
                for (unsigned k = 0; k < 4; k++)
                        arg[k] = copied(p, i.arg[k]);
                p->to[n] = ir_emit_like(p->b, &i, arg);
        }
        end(p, v, p->r->ins[old->end - 1]);
}

static void make(struct pass *p)
{
        struct ir_region *r = p->r;
        uint32_t n_old_ins = r->n_ins;

        r->blocks = arena_zalloc(r->arena, p->n * sizeof(*r->blocks));
        r->n_blocks = r->cap_blocks = p->n;
        p->to = arena_zalloc(r->arena, n_old_ins * sizeof(*p->to));
        p->b = ir_builder_new(r);
        for (uint32_t n = 0; n < p->n_order; n++)
                copy(p, &p->v[p->order[n]]);
        for (uint32_t n = 0; n < p->n; n++)
                for (unsigned k = 0; k < p->v[n].n_next; k++)
                        r->blocks[p->v[p->v[n].next[k]].place].n_preds++;
        for (ir_ref n = 1; n < n_old_ins; n++)
                r->ins[n].flags |= IR_INS_DEAD;
}

/*
 * Blocks that can be reached; whether one of those after the entry begins an instruction, and does not only
 * leave.
 */
static bool has_blocks_within(struct pass *p)
{
        bool found = false;

        for (uint32_t block = 0; block < p->n_old; block++) {
                const struct ir_block *k = &p->old[block];

                p->info[block].reached = k->end > k->first && (block == 0 || k->n_preds);
                found |= block && p->info[block].reached && p->r->ins[k->first].op == IR_OP_insn;
        }
        return found;
}

void ir_opt_flags(struct ir_region *r)
{
        struct pass p = {.r = r, .n_old = r->n_blocks};

        if (!r->loops || !r->has_flags || r->n_blocks < 3 || r->n_ins > INS_MAX)
                return;
        p.old = arena_alloc(r->arena, p.n_old * sizeof(*p.old));
        memcpy(p.old, r->blocks, p.n_old * sizeof(*p.old));
        p.info = arena_zalloc(r->arena, p.n_old * sizeof(*p.info));
        if (!has_blocks_within(&p) || !one_slot(&p))
                return;
        drop_overwritten(&p);
        for (uint32_t block = 0; block < p.n_old; block++)
                if (p.info[block].reached && !survey_block(&p, block))
                        return;
        find_needs(&p);
        find_tellable(&p);
        if (!find_versions(&p))
                return;
        p.entry = arena_alloc(r->arena, p.n_old * sizeof(*p.entry));
        ir_entry_insns(r, p.entry);
        find_order(&p);
        make(&p);
}
