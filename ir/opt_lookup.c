/* SPDX-License-Identifier: MIT */
/*
 * Sharing of lookups: loads and stores of a block that reach memory through one base, give or take constants,
 * take the host address from one lookup that covers them all. The first access of a group leads: its lookup,
 * which stands before all others, is widened, and the others are rewritten to its base.
 *
 * A lookup does not outlive what may change the mapping or the view: helpers (unless pure) and hooks. A poll
 * that falls through, fences and the accesses themselves change nothing: the page of an address stays where
 * it is until this vCPU acknowledges a revocation, which it does outside generated code. Atomic accesses keep
 * their own.
 *
 * A range that straddles a page sends all its accesses down the slow path, so ranges are kept short: SPAN_MAX
 * bytes straddle with a probability of SPAN_MAX / 4096 where bases are random.
 */
#include "base/arena.h"
#include "ir/opt.h"
#include "ir/rules.h"

#define SPAN_MAX 512
#define GROUPS 8 /* remembered at a time, the oldest is forgotten */

/* Roots that are not values: all constants are one group, as are all addresses in code. */
#define ROOT_CONST (~(ir_ref)0)
#define ROOT_PCADDR (~(ir_ref)1)

struct group {
        ir_ref root;
        int64_t offset;  /* the leader's base less the root */
        ir_ref lookup;   /* the leader's */
        int32_t lo, hi;
        unsigned view, nofault;
};

struct groups {
        struct ir_region *r;
        struct group group[GROUPS];
        unsigned n, next;
};

static bool mutant(const struct groups *g, enum ir_rule rule)
{
        return __builtin_expect(g->r->mutant == rule, 0);
}

static void find_root(const struct groups *g, ir_ref base, ir_ref *root, int64_t *offset)
{
        const struct ir_ins *ins = g->r->ins, *i = &ins[base];
        uint64_t sum = 0;

        while (i->op == IR_OP_add && ins[i->arg[1]].op == IR_OP_const) {
                sum += ins[i->arg[1]].imm;
                base = i->arg[0];
                i = &ins[base];
        }
        if (i->op == IR_OP_const || i->op == IR_OP_pcaddr) {
                sum += i->imm;
                base = i->op == IR_OP_const ? ROOT_CONST : ROOT_PCADDR;
        }
        *root = base;
        *offset = mutant(g, IR_RULE_lookup_base) ? 0 : (int64_t)sum;
}

static struct group *find_group(struct groups *g, ir_ref root, const struct ir_mem *m)
{
        for (unsigned k = 0; k < g->n; k++)
                if (g->group[k].root == root && g->group[k].view == m->view &&
                    g->group[k].nofault == m->nofault)
                        return &g->group[k];
        return NULL;
}

static struct group *new_group(struct groups *g)
{
        if (g->n < GROUPS)
                return &g->group[g->n++];
        return &g->group[g->next++ % GROUPS];
}

/* Has the access join the group; false if it lies too far away. */
static bool join(struct groups *g, struct group *k, struct ir_ins *access, int64_t offset)
{
        struct ir_ins *lookup = &g->r->ins[k->lookup];
        int64_t lo = (int64_t)((uint64_t)offset - (uint64_t)k->offset + (uint64_t)access->imm);
        int64_t hi, span_lo, span_hi;

        if (lo < INT32_MIN || lo > INT32_MAX - 16) /* addresses wrap; displacements have 32 bits */
                return false;
        hi = lo + (1 << access->mem.size_log2);
        span_lo = MIN(lo, k->lo);
        span_hi = MAX(hi, k->hi);
        if (span_hi - span_lo > SPAN_MAX)
                return false;
        k->lo = span_lo;
        k->hi = span_hi;
        if (!mutant(g, IR_RULE_lookup_share))
                lookup->imm = ir_lookup_range(k->lo, k->hi);
        if (!mutant(g, IR_RULE_lookup_write))
                lookup->mem.write |= access->mem.write;
        access->arg[0] = k->lookup;
        access->arg[1] = lookup->arg[0];
        access->imm = lo;
        return true;
}

static void see_access(struct groups *g, struct ir_ins *access)
{
        const struct ir_ins *lookup = &g->r->ins[access->arg[0]];
        struct group *k;
        ir_ref root;
        int64_t offset;

        if (access->mem.align && access->mem.atomic)
                return;
        find_root(g, access->arg[1], &root, &offset);
        k = find_group(g, root, &access->mem);
        if (k && (access->arg[0] == k->lookup || join(g, k, access, offset)))
                return;
        if (!k)
                k = new_group(g);
        *k = (struct group){
                .root = root, .offset = offset, .lookup = access->arg[0], .lo = ir_lookup_lo(lookup),
                .hi = ir_lookup_hi(lookup), .view = access->mem.view, .nofault = access->mem.nofault,
        };
}

enum lookup_class { LOOKUP_OTHER, LOOKUP_ACCESS, LOOKUP_CALL, LOOKUP_HOOK, LOOKUP_END };

static const uint8_t classes[IR_OP_COUNT] = {
        [IR_OP_ld] = LOOKUP_ACCESS,     [IR_OP_st] = LOOKUP_ACCESS,    [IR_OP_call] = LOOKUP_CALL,
        [IR_OP_hook] = LOOKUP_HOOK,     [IR_OP_br] = LOOKUP_END,       [IR_OP_brcc] = LOOKUP_END,
        [IR_OP_exit_jump] = LOOKUP_END, [IR_OP_exit_ind] = LOOKUP_END, [IR_OP_exit] = LOOKUP_END,
};

static void see_ins(struct groups *g, struct ir_ins *i)
{
        switch (classes[i->op]) {
        case LOOKUP_ACCESS:
                if (!(i->flags & IR_INS_DEAD))
                        see_access(g, i);
                return;
        case LOOKUP_CALL:
                if (((const struct ir_helper *)(intptr_t)i->imm)->pure)
                        return;
                /* fallthrough */
        case LOOKUP_HOOK:
                if (mutant(g, IR_RULE_lookup_barrier))
                        return;
                /* fallthrough */
        default:
                g->n = g->next = 0;
        }
}

void ir_opt_lookup(struct ir_region *r)
{
        struct groups g;

        g.r = r;
        g.n = g.next = 0;
        for (ir_ref n = 1; n < r->n_ins; n++)
                if (classes[r->ins[n].op])
                        see_ins(&g, &r->ins[n]);
}

void ir_optimise(struct ir_region *r)
{
        ir_opt_lookup(r);
        ir_opt_loop(r);
        ir_opt_flags(r);
        ir_opt_dead(r);
}
