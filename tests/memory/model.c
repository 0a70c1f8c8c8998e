/* SPDX-License-Identifier: MIT */
#include "tests/memory/model.h"

#include <string.h>

#define BIT(n) (1u << (n))

/* ---- events ---- */

static unsigned add(struct structure *s, unsigned thread, const struct op *op, bool read, bool write)
{
        s->e[s->n] = (struct event){.thread = thread, .loc = op->loc, .ann = op->ann, .read = read,
                                    .write = write};
        return s->n++;
}

/* Does a fence of @order stand between the two in the thread? */
static bool fenced(const struct structure *s, unsigned a, unsigned b, unsigned order)
{
        unsigned kind = s->e[a].read ? (s->e[b].read ? ORDER_LL : ORDER_LS) : s->e[b].read ? ORDER_SL :
                ORDER_SS;

        return order & kind;
}

struct builder {
        struct structure *s;
        unsigned first;                 /* of the thread */
        int last_read;                  /* what dependencies come from */
        uint32_t ctrl_from;             /* reads that a branch was taken on */
        unsigned fence_at[MAX_OPS], fence_order[MAX_OPS], n_fences;
};

static void depend(struct builder *b, unsigned event, enum dep dep)
{
        if (b->last_read >= 0 && dep == DEP_ADDR)
                b->s->addr[b->last_read] |= BIT(event);
        if (b->last_read >= 0 && dep == DEP_DATA && b->s->e[event].write)
                b->s->data[b->last_read] |= BIT(event);
        for (unsigned r = 0; r < event; r++)
                if (b->ctrl_from >> r & 1)
                        b->s->ctrl[r] |= BIT(event);
}

static void access_op(struct builder *b, unsigned thread, const struct op *op, bool failed)
{
        struct structure *s = b->s;
        bool rmw = op->kind == OP_SWAP || op->kind == OP_CAS;
        int read = -1, write = -1;

        if (b->last_read >= 0 && op->dep == DEP_CTRL)
                b->ctrl_from |= BIT(b->last_read);
        if (op->kind != OP_WRITE) {
                read = (int)add(s, thread, op, true, false);
                s->e[read].atomic = rmw;
                if (failed)
                        s->e[read].ann = op->failed_ann;
                s->e[read].cas = op->kind == OP_CAS ? (failed ? 2 : 1) : 0;
                depend(b, read, op->dep == DEP_DATA ? DEP_NONE : (enum dep)op->dep);
        }
        if (op->kind == OP_WRITE || (rmw && !failed)) {
                write = (int)add(s, thread, op, false, true);
                s->e[write].atomic = rmw;
                depend(b, write, (enum dep)op->dep);
        }
        if (read >= 0 && write >= 0) {
                s->rmw[read] |= BIT(write);
                if (!op->split)
                        s->swap[read] |= BIT(write);
                /* a cas decides by what it read whether to store */
                if (op->kind == OP_CAS && op->split)
                        s->ctrl[read] |= BIT(write);
        }
        if (read >= 0)
                b->last_read = read;
}

/* Arm's fences order everything before with everything after, but for the two one-sided ones. */
static unsigned fence_strength(enum model m, unsigned order)
{
        if (m != MODEL_ARM)
                return order;
        return order == DMB_ISHLD || order == DMB_ISHST ? order : ORDER_ALL;
}

void structure_make(struct structure *s, const struct program *p, unsigned success, enum model m)
{
        static const struct op first = {.kind = OP_WRITE};
        unsigned n_cas = 0;

        memset(s, 0, sizeof(*s));
        for (unsigned loc = 0; loc < MAX_LOCS; loc++) {
                s->e[add(s, MAX_THREADS, &first, false, true)].loc = loc;
        }
        for (unsigned t = 0; t < p->n_threads; t++) {
                struct builder b = {.s = s, .first = s->n, .last_read = -1};

                for (unsigned k = 0; k < p->thread[t].n; k++) {
                        const struct op *op = &p->thread[t].op[k];

                        if (op->kind == OP_FENCE) {
                                b.fence_at[b.n_fences] = s->n;
                                b.fence_order[b.n_fences++] = fence_strength(m, op->order);
                        } else {
                                bool failed = op->kind == OP_CAS && !(success >> n_cas++ & 1);

                                access_op(&b, t, op, failed);
                        }
                }
                for (unsigned x = b.first; x < s->n; x++)
                        for (unsigned y = x + 1; y < s->n; y++) {
                                s->po[x] |= BIT(y);
                                for (unsigned f = 0; f < b.n_fences; f++)
                                        if (x < b.fence_at[f] && y >= b.fence_at[f] &&
                                            fenced(s, x, y, b.fence_order[f]))
                                                s->fence[x] |= BIT(y);
                        }
        }
}

/* ---- relations ---- */

struct derived {
        relation rf, co, fr, rfe, rfi, coe, coi, fre, po_loc;
        uint32_t reads, writes;
};

static void derive(const struct structure *s, const struct execution *x, struct derived *d)
{
        memset(d, 0, sizeof(*d));
        for (unsigned loc = 0; loc < MAX_LOCS; loc++)
                for (unsigned a = 0; a < x->n_co[loc]; a++)
                        for (unsigned b = a + 1; b < x->n_co[loc]; b++)
                                d->co[x->co[loc][a]] |= BIT(x->co[loc][b]);
        for (unsigned e = 0; e < s->n; e++) {
                if (s->e[e].read) {
                        d->rf[x->rf[e]] |= BIT(e);
                        d->fr[e] = d->co[x->rf[e]];
                        d->reads |= BIT(e);
                } else {
                        d->writes |= BIT(e);
                }
        }
        for (unsigned a = 0; a < s->n; a++)
                for (unsigned b = 0; b < s->n; b++) {
                        bool own = s->e[a].thread == s->e[b].thread;
                        uint32_t bit = BIT(b);

                        if (s->e[a].loc == s->e[b].loc)
                                d->po_loc[a] |= s->po[a] & bit;
                        (own ? d->rfi : d->rfe)[a] |= d->rf[a] & bit;
                        (own ? d->coi : d->coe)[a] |= d->co[a] & bit;
                        if (!own)
                                d->fre[a] |= d->fr[a] & bit;
                }
}

static bool acyclic(const uint32_t *r, unsigned n)
{
        relation t;

        memcpy(t, r, n * sizeof(*t));
        for (unsigned k = 0; k < n; k++)
                for (unsigned a = 0; a < n; a++)
                        if (t[a] >> k & 1)
                                t[a] |= t[k];
        for (unsigned a = 0; a < n; a++)
                if (t[a] >> a & 1)
                        return false;
        return true;
}

/* The events that @a reaches by @r and then @q. */
static uint32_t then(const relation r, unsigned a, const relation q, unsigned n)
{
        uint32_t to = 0;

        for (unsigned b = 0; b < n; b++)
                if (r[a] >> b & 1)
                        to |= q[b];
        return to;
}

static uint32_t with_ann(const struct structure *s, unsigned ann)
{
        uint32_t set = 0;

        for (unsigned e = 0; e < s->n; e++)
                if (s->e[e].ann & ann)
                        set |= BIT(e);
        return set;
}

/* All three: each location by itself looks sequential, and nothing comes between the halves of an atomic. */
static bool coherent(const struct structure *s, const struct derived *d)
{
        relation r = {0};

        for (unsigned a = 0; a < s->n; a++)
                r[a] = d->po_loc[a] | d->rf[a] | d->co[a] | d->fr[a];
        if (!acyclic(r, s->n))
                return false;
        for (unsigned a = 0; a < s->n; a++)
                if (s->rmw[a] & then(d->fre, a, d->coe, s->n))
                        return false;
        return true;
}

/*
 * An atomic of one instruction is one event of the guest's memory order: what holds for a half holds for it.
 */
static bool acyclic_merged(const struct structure *s, relation r)
{
        for (unsigned a = 0; a < s->n; a++) {
                if (!s->swap[a])
                        continue;
                unsigned w = __builtin_ctz(s->swap[a]);
                uint32_t both = BIT(a) | BIT(w);

                r[a] = r[w] = (r[a] | r[w]) & ~both;
                for (unsigned e = 0; e < s->n; e++)
                        if (r[e] & both)
                                r[e] |= both;
        }
        return acyclic(r, s->n);
}

/* ---- x86-TSO ---- */

static bool tso(const struct structure *s, const struct derived *d)
{
        uint32_t atomic = 0;
        relation r;

        for (unsigned e = 0; e < s->n; e++)
                if (s->e[e].atomic)
                        atomic |= BIT(e);
        for (unsigned a = 0; a < s->n; a++) {
                uint32_t ppo = s->po[a] & (d->reads >> a & 1 ? ~0u : d->writes);

                if (atomic >> a & 1)
                        ppo = s->po[a];
                r[a] = ppo | (s->po[a] & atomic) | s->fence[a] | d->rfe[a] | d->co[a] | d->fr[a];
        }
        return acyclic_merged(s, r);
}

/* ---- RVWMO ---- */

/* Reads of one location with no write to it between, of different writes (rule 2) */
static uint32_t read_read(const struct structure *s, const struct derived *d, const struct execution *x,
                          unsigned a)
{
        uint32_t to = 0;

        for (unsigned b = 0; b < s->n; b++) {
                bool between = false;

                if (!(d->po_loc[a] & d->reads & BIT(b)) || x->rf[a] == x->rf[b])
                        continue;
                for (unsigned w = 0; w < s->n; w++)
                        between |= (d->writes & d->po_loc[a] & BIT(w)) && (d->po_loc[w] & BIT(b));
                if (!between)
                        to |= BIT(b);
        }
        return to;
}

static bool rvwmo(const struct structure *s, const struct derived *d, const struct execution *x)
{
        uint32_t acquire = with_ann(s, ACQUIRE | ACQUIRE_PC), release = with_ann(s, RELEASE);
        relation r;

        for (unsigned a = 0; a < s->n; a++) {
                bool read = d->reads >> a & 1;
                uint32_t ppo = d->po_loc[a] & d->writes;                        /* 1 */

                if (read)
                        ppo |= read_read(s, d, x, a);                           /* 2 */
                if (!read && s->e[a].atomic)
                        ppo |= d->rfi[a];                                       /* 3 */
                ppo |= s->fence[a];                                             /* 4 */
                if (acquire >> a & 1)
                        ppo |= s->po[a];                                        /* 5 */
                ppo |= s->po[a] & release;                                      /* 6 */
                if ((acquire | release) >> a & 1)
                        ppo |= s->po[a] & (acquire | release);                  /* 7: all of ours are RCsc */
                ppo |= s->rmw[a];                                               /* 8 */
                ppo |= s->addr[a] | s->data[a] | (s->ctrl[a] & d->writes);      /* 9, 10, 11 */
                ppo |= then(s->addr, a, d->rfi, s->n) | then(s->data, a, d->rfi, s->n); /* 12 */
                ppo |= then(s->addr, a, s->po, s->n) & d->writes;               /* 13 */
                r[a] = ppo | d->co[a] | d->rfe[a] | d->fr[a];
        }
        return acyclic_merged(s, r);
}

/* ---- Arm ---- */

static bool arm(const struct structure *s, const struct derived *d)
{
        uint32_t acquire = with_ann(s, ACQUIRE) & d->reads, acquire_pc = with_ann(s, ACQUIRE_PC) & d->reads;
        uint32_t release = with_ann(s, RELEASE) & d->writes, atomic_writes = 0;
        relation r;

        for (unsigned e = 0; e < s->n; e++)
                atomic_writes |= s->rmw[e];
        for (unsigned a = 0; a < s->n; a++) {
                uint32_t obs = d->rfe[a] | d->fre[a] | d->coe[a];
                uint32_t dob = s->addr[a] | s->data[a] | (s->ctrl[a] & d->writes), aob = s->rmw[a], bob;

                dob |= then(s->addr, a, s->po, s->n) & d->writes;
                dob |= then(s->ctrl, a, d->coi, s->n) | then(s->data, a, d->coi, s->n);
                dob |= then(s->addr, a, d->rfi, s->n) | then(s->data, a, d->rfi, s->n);
                if (atomic_writes >> a & 1)
                        aob |= d->rfi[a] & (acquire | acquire_pc);
                bob = s->fence[a] | (s->po[a] & release);
                if (release >> a & 1)
                        bob |= s->po[a] & acquire;
                if ((acquire | acquire_pc) >> a & 1)
                        bob |= s->po[a];
                for (unsigned l = 0; l < s->n; l++)
                        if (s->po[a] & release & BIT(l))
                                bob |= d->coi[l];
                r[a] = obs | dob | aob | bob;
        }
        return acyclic(r, s->n);
}

bool model_allows(enum model m, const struct structure *s, const struct execution *x)
{
        struct derived d;

        derive(s, x, &d);
        if (!coherent(s, &d))
                return false;
        switch (m) {
        case MODEL_TSO:
                return tso(s, &d);
        case MODEL_RVWMO:
                return rvwmo(s, &d, x);
        default:
                return arm(s, &d);
        }
}
