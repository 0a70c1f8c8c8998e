/* SPDX-License-Identifier: MIT */
/*
 * Shows that guests' memory orders survive their translation to AArch64 (docs/memory.md): for each small
 * program, every outcome that Arm's model allows of what backend/aarch64 makes of it is one that the guest's
 * model allows of the program itself. All executions of each program are looked at.
 *
 *      check                   the litmus tests and a sample of programs
 *      check --all             all programs of two threads with two accesses, and a larger sample of
 *                              larger ones
 *      check --litmus          the table of litmus tests
 *
 * The litmus tests also check the models: what each says of the well-known tests is written beside them. And
 * each mapping is made weaker in turn (mutants): every one must be caught.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/memory/model.h"

#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* ---- the mappings ---- */

enum mapping {
        MAP_TSO,        /* x86: LDAPR, STLR; atomics of all are acquire and release, with DMB ISH behind */
        MAP_TSO_LDAR,   /* a host without FEAT_LRCPC */
        MAP_TSO_BYTES,  /* misaligned and 16 bytes: LDR; DMB ISHLD and DMB ISH; STR; DMB ISH */
        MAP_RISCV,
        MAP_ARM,
        MAP_COUNT
};

/* What a mutant leaves out. */
enum mutant {
        MUTANT_NONE,
        MUTANT_LOAD,         /* ordered loads become plain */
        MUTANT_STORE,        /* ordered stores become plain */
        MUTANT_ATOMIC_FENCE, /* no DMB behind an atomic */
        MUTANT_ATOMIC_ORDER, /* atomics neither acquire nor release */
        MUTANT_FENCE,        /* fences vanish */
        MUTANT_FENCE_LD,     /* all fences are DMB ISHLD */
        MUTANT_DEPS,         /* dependencies are optimised away */
        MUTANT_COUNT
};

static const char *const mapping_names[] = {"x86", "x86, LDAR", "x86, misaligned", "RISC-V", "AArch64"};
static const char *const mutant_names[] = {"", "plain loads", "plain stores", "no fence behind atomics",
                                           "unordered atomics", "no fences", "DMB ISHLD for all",
                                           "no dependencies"};

static enum model guest_model(enum mapping m)
{
        return m == MAP_RISCV ? MODEL_RVWMO : m == MAP_ARM ? MODEL_ARM : MODEL_TSO;
}

static void put(struct thread *t, struct op op)
{
        t->op[t->n++] = op;
}

static void put_fence(struct thread *t, unsigned order, enum mutant mutant)
{
        if (mutant == MUTANT_FENCE)
                return;
        if (mutant == MUTANT_FENCE_LD)
                order = DMB_ISHLD;
        put(t, (struct op){.kind = OP_FENCE, .order = order});
}

/* emit_fence in backend/aarch64/memory.c */
static unsigned dmb_for(unsigned order)
{
        if (!(order & ~(unsigned)(ORDER_LL | ORDER_LS)))
                return DMB_ISHLD;
        return order == ORDER_SS ? DMB_ISHST : DMB_ISH;
}

static void map_op(struct thread *t, struct op op, enum mapping m, enum mutant mutant, bool loops)
{
        bool bytes = m == MAP_TSO_BYTES, ordered = m == MAP_TSO || m == MAP_TSO_LDAR;

        if (mutant == MUTANT_DEPS)
                op.dep = DEP_NONE;
        switch ((enum op_kind)op.kind) {
        case OP_READ:
                if (m != MAP_ARM)
                        op.ann = ordered ? (m == MAP_TSO ? ACQUIRE_PC : ACQUIRE) : 0;
                if (mutant == MUTANT_LOAD)
                        op.ann = 0;
                put(t, op);
                if (bytes && mutant != MUTANT_LOAD)
                        put(t, (struct op){.kind = OP_FENCE, .order = DMB_ISHLD});
                break;
        case OP_WRITE:
                if (m != MAP_ARM)
                        op.ann = ordered ? RELEASE : 0;
                if (mutant == MUTANT_STORE)
                        op.ann = 0;
                if (bytes && mutant != MUTANT_STORE)
                        put(t, (struct op){.kind = OP_FENCE, .order = DMB_ISH});
                put(t, op);
                if (bytes && mutant != MUTANT_STORE)
                        put(t, (struct op){.kind = OP_FENCE, .order = DMB_ISH});
                break;
        case OP_FENCE:
                put_fence(t, dmb_for(op.order), mutant);
                break;
        default:
                /*
                 * RISC-V's cas is LR and SC: an ordinary load, with a fence before it if it is a release,
                 * then the cas.
                 */
                if (op.split && op.ann & RELEASE)
                        put_fence(t, DMB_ISH, mutant);
                op.failed_ann = op.split ? (op.ann & ACQUIRE ? ACQUIRE_PC : 0) : ACQUIRE;
                op.ann = mutant == MUTANT_ATOMIC_ORDER ? 0 : ACQUIRE | RELEASE;
                op.split = loops;
                put(t, op);
                if (mutant != MUTANT_ATOMIC_FENCE)
                        put(t, (struct op){.kind = OP_FENCE, .order = DMB_ISH});
                break;
        }
}

static void map_program(struct program *to, const struct program *p, enum mapping m, enum mutant mutant,
                        bool loops)
{
        memset(to, 0, sizeof(*to));
        to->n_threads = p->n_threads;
        for (unsigned t = 0; t < p->n_threads; t++)
                for (unsigned k = 0; k < p->thread[t].n; k++)
                        map_op(&to->thread[t], p->thread[t].op[k], m, mutant, loops);
}

/* ---- executions ---- */

/* What can be seen of an execution: what reads returned, and what memory holds in the end. */
struct outcome {
        int8_t value[MAX_EVENTS], final[MAX_LOCS];
};

struct search {
        struct structure guest_events, host_events;
        const struct structure *guest, *host;
        enum model model;
        struct execution x;
        unsigned reads[MAX_EVENTS], n_reads;
        /* by last write of each location, for the reads' values at hand */
        uint8_t guest_allows[MAX_EVENTS][MAX_EVENTS], host_allows[MAX_EVENTS][MAX_EVENTS];
        uint64_t executions;
        bool bad;
        struct outcome witness;
        const struct outcome *wanted;
        bool guest_wanted, host_wanted;
};

/* The number of a write among those of its location: the value it stores. */
static int value_of(const struct structure *s, unsigned write)
{
        int v = 0;

        for (unsigned e = 0; e < write; e++)
                v += s->e[e].write && s->e[e].loc == s->e[write].loc;
        return v;
}

static void outcome_of(const struct search *s, struct outcome *o)
{
        memset(o, -1, sizeof(*o));
        for (unsigned k = 0; k < s->n_reads; k++)
                o->value[k] = value_of(s->guest, s->x.rf[s->reads[k]]);
        for (unsigned loc = 0; loc < MAX_LOCS; loc++)
                o->final[loc] = value_of(s->guest, s->x.co[loc][s->x.n_co[loc] - 1]);
}

static bool matches(const struct outcome *o, const struct outcome *wanted, unsigned n_reads)
{
        for (unsigned k = 0; k < n_reads; k++)
                if (wanted->value[k] >= 0 && wanted->value[k] != o->value[k])
                        return false;
        for (unsigned loc = 0; loc < MAX_LOCS; loc++)
                if (wanted->final[loc] >= 0 && wanted->final[loc] != o->final[loc])
                        return false;
        return true;
}

static void leaf(struct search *s)
{
        unsigned a = s->x.co[0][s->x.n_co[0] - 1], b = s->x.co[1][s->x.n_co[1] - 1];
        bool guest, host;

        s->executions++;
        if (s->wanted) {
                struct outcome o;

                outcome_of(s, &o);
                if (!matches(&o, s->wanted, s->n_reads))
                        return;
                s->guest_wanted |= model_allows(s->model, s->guest, &s->x);
                s->host_wanted |= model_allows(MODEL_ARM, s->host, &s->x);
                return;
        }
        if (s->guest_allows[a][b])
                return;
        host = model_allows(MODEL_ARM, s->host, &s->x);
        guest = model_allows(s->model, s->guest, &s->x);
        s->guest_allows[a][b] |= guest;
        if (host && !guest && !s->host_allows[a][b]) {
                s->host_allows[a][b] = 1;
                outcome_of(s, &s->witness);
        }
}

static void orders(struct search *s, unsigned loc, uint32_t left)
{
        if (!left && loc + 1 == MAX_LOCS) {
                leaf(s);
                return;
        }
        if (!left) {
                uint32_t writes = 0;

                for (unsigned e = MAX_LOCS; e < s->guest->n; e++)
                        if (s->guest->e[e].write && s->guest->e[e].loc == loc + 1)
                                writes |= 1u << e;
                s->x.co[loc + 1][0] = loc + 1;
                s->x.n_co[loc + 1] = 1;
                orders(s, loc + 1, writes);
                return;
        }
        for (uint32_t set = left; set; set &= set - 1) {
                unsigned w = __builtin_ctz(set), n = s->x.n_co[loc];

                s->x.co[loc][n] = w;
                s->x.n_co[loc] = n + 1;
                orders(s, loc, left & ~(1u << w));
                s->x.n_co[loc] = n;
        }
}

static void all_orders(struct search *s)
{
        uint32_t writes = 0;

        memset(s->guest_allows, 0, sizeof(s->guest_allows));
        memset(s->host_allows, 0, sizeof(s->host_allows));
        for (unsigned e = MAX_LOCS; e < s->guest->n; e++)
                if (s->guest->e[e].write && s->guest->e[e].loc == 0)
                        writes |= 1u << e;
        s->x.co[0][0] = 0;
        s->x.n_co[0] = 1;
        orders(s, 0, writes);
        for (unsigned a = 0; a < s->guest->n; a++)
                for (unsigned b = 0; b < s->guest->n; b++)
                        s->bad |= s->host_allows[a][b] && !s->guest_allows[a][b];
}

static void all_reads(struct search *s, unsigned k)
{
        const struct structure *g = s->guest;

        if (s->bad)
                return;
        if (k == s->n_reads) {
                all_orders(s);
                return;
        }
        unsigned r = s->reads[k];

        for (unsigned w = 0; w < g->n; w++) {
                if (!g->e[w].write || g->e[w].loc != g->e[r].loc || (g->po[r] >> w & 1))
                        continue;
                if ((g->e[r].cas == 1 && w >= MAX_LOCS) || (g->e[r].cas == 2 && w < MAX_LOCS))
                        continue;
                s->x.rf[r] = w;
                all_reads(s, k + 1);
        }
}

static unsigned count_cas(const struct program *p)
{
        unsigned n = 0;

        for (unsigned t = 0; t < p->n_threads; t++)
                for (unsigned k = 0; k < p->thread[t].n; k++)
                        n += p->thread[t].op[k].kind == OP_CAS;
        return n;
}

/* Runs the search over all successes of cas; @s is set up but for structures. */
static void search(struct search *s, const struct program *p, enum mapping m, enum mutant mutant, bool loops)
{
        struct program mapped;
        unsigned n_cas = count_cas(p);

        map_program(&mapped, p, m, mutant, loops);
        s->model = guest_model(m);
        s->guest = &s->guest_events;
        s->host = &s->host_events;
        for (unsigned success = 0; success < 1u << n_cas && !s->bad; success++) {
                structure_make(&s->guest_events, p, success, s->model);
                structure_make(&s->host_events, &mapped, success, MODEL_ARM);
                s->n_reads = 0;
                for (unsigned e = 0; e < s->guest->n; e++)
                        if (s->guest->e[e].read)
                                s->reads[s->n_reads++] = e;
                all_reads(s, 0);
        }
}

/* ---- text ---- */

static void print_op(const struct op *op)
{
        static const char *const kinds[] = {"R", "W", "swap ", "cas ", "fence"};
        static const char *const deps[] = {"", " addr", " data", " ctrl"};

        if (op->kind == OP_FENCE) {
                printf("fence %x; ", op->order);
                return;
        }
        printf("%s%c%s%s%s%s; ", kinds[op->kind], "xy"[op->loc],
               op->ann & ACQUIRE ? ".aq" : op->ann ? ".pc" : "", op->ann & RELEASE ? ".rl" : "",
               deps[op->dep], op->split ? " (pair)" : "");
}

static void print_program(const struct program *p)
{
        for (unsigned t = 0; t < p->n_threads; t++) {
                printf("  P%u: ", t);
                for (unsigned k = 0; k < p->thread[t].n; k++)
                        print_op(&p->thread[t].op[k]);
                printf("\n");
        }
}

static bool survives(const struct program *p, enum mapping m, enum mutant mutant, bool loops,
                     uint64_t *executions, bool loud)
{
        struct search s = {0};

        search(&s, p, m, mutant, loops);
        *executions += s.executions;
        if (s.bad && loud) {
                printf("%s%s: the host allows what the guest does not: reads", mapping_names[m],
                       loops ? ", exclusives" : "");
                for (unsigned k = 0; k < s.n_reads; k++)
                        printf(" %d", s.witness.value[k]);
                printf(", finally x = %d, y = %d\n", s.witness.final[0], s.witness.final[1]);
                print_program(p);
        }
        return !s.bad;
}

/* ---- litmus tests ---- */

/*
 * Threads by '|'. Ops: Rx Wx (also y), Xx (swap), Cx (cas), F (fence of all), w (fence SS), r (fence LL and
 * LS), T (all but SL). After an op: a, d, c: depends on the read before by address, data, control; q:
 * acquire, p: the weaker acquire, l: release. Then the outcome: values of reads in order, ?: any; and of x
 * and y in the end.
 */
struct litmus {
        const char *name, *text, *reads, *final;
        /* whether the guest's model allows it: by guest_model's enum model; -1: does not apply */
        int8_t allowed[3];
};

static const struct litmus litmus[] = {
        /*                                                        TSO RVWMO Arm */
        {"MP", "Wx Wy|Ry Rx", "10", "??", {0, 1, 1}},
        {"MP+fences", "Wx F Wy|Ry F Rx", "10", "??", {0, 0, 0}},
        {"MP+ss+ll", "Wx w Wy|Ry r Rx", "10", "??", {0, 0, 0}},
        {"MP+ss+addr", "Wx w Wy|Ry Rxa", "10", "??", {-1, 0, 0}},
        {"MP+ss+ctrl", "Wx w Wy|Ry Rxc", "10", "??", {-1, 1, 1}},
        {"MP+tso fences", "Wx T Wy|Ry T Rx", "10", "??", {-1, 0, -1}},
        {"MP+swaps", "Wx Xy|Xy Rx", "010", "??", {0, -1, -1}},
        {"MP+cas", "Wx Xy|Cy Rx", "01?", "??", {-1, -1, -1}},
        {"MP+rel+acq", "Wx Wyl|Ryq Rx", "10", "??", {-1, -1, 0}},
        {"MP+rel+acqpc", "Wx Wyl|Ryp Rx", "10", "??", {-1, -1, 0}},
        {"SB", "Wx Ry|Wy Rx", "00", "??", {1, 1, 1}},
        {"SB+fences", "Wx F Ry|Wy F Rx", "00", "??", {0, 0, 0}},
        {"SB+tso fences", "Wx T Ry|Wy T Rx", "00", "??", {-1, 1, -1}},
        {"SB+swaps", "Xx Ry|Xy Rx", "0000", "??", {0, -1, -1}},
        {"SB+swap+fence", "Xx Ry|Wy F Rx", "000", "??", {0, -1, -1}},
        {"SB+stores by swap", "Wx Xy|Wy Xx", "00", "??", {0, -1, -1}},
        {"SB+forwarded swaps", "Xx Rx Rya|Xy Ry Rxa", "010010", "??", {0, 0, -1}},
        {"SB+forwarded stores", "Wx Rx Rya|Wy Ry Rxa", "1010", "??", {-1, 1, 1}},
        {"SB+forwarded", "Wx Rx Ry|Wy Ry Rx", "1010", "??", {1, 1, 1}},
        {"SB+rel+acq", "Wxl Ryq|Wyl Rxq", "00", "??", {-1, -1, 0}},
        {"SB+rel+acqpc", "Wxl Ryp|Wyl Rxp", "00", "??", {-1, -1, 1}},
        {"LB", "Rx Wy|Ry Wx", "11", "??", {0, 1, 1}},
        {"LB+fences", "Rx F Wy|Ry F Wx", "11", "??", {0, 0, 0}},
        {"LB+datas", "Rx Wyd|Ry Wxd", "11", "??", {-1, 0, 0}},
        {"LB+ctrls", "Rx Wyc|Ry Wxc", "11", "??", {-1, 0, 0}},
        {"LB+data+ctrl", "Rx Wyd|Ry Wxc", "11", "??", {-1, 0, 0}},
        {"LB+data", "Rx Wyd|Ry Wx", "11", "??", {-1, 1, 1}},
        {"IRIW", "Wx|Wy|Rx Ry|Ry Rx", "1010", "??", {0, 1, 1}},
        {"IRIW+fences", "Wx|Wy|Rx F Ry|Ry F Rx", "1010", "??", {0, 0, 0}},
        {"IRIW+lls", "Wx|Wy|Rx r Ry|Ry r Rx", "1010", "??", {0, 0, 0}},
        {"IRIW+addrs", "Wx|Wy|Rx Rya|Ry Rxa", "1010", "??", {-1, 0, 0}},
        {"IRIW+swaps", "Xx|Xy|Rx Ry|Ry Rx", "001010", "??", {0, 1, -1}},
        {"IRIW+acqpcs", "Wxl|Wyl|Rxp Ryp|Ryp Rxp", "1010", "??", {-1, -1, 0}},
        {"WRC", "Wx|Rx Wy|Ry Rx", "110", "??", {0, 1, 1}},
        {"WRC+data+addr", "Wx|Rx Wyd|Ry Rxa", "110", "??", {-1, 0, 0}},
        {"RWC", "Wx|Rx Ry|Wy Rx", "100", "??", {1, 1, 1}},
        {"RWC+fences", "Wx|Rx F Ry|Wy F Rx", "100", "??", {0, 0, 0}},
        {"ISA2", "Wx w Wy|Ry Wxd|Rx Rya", "10?", "??", {-1, -1, -1}},
        {"2+2W", "Wx Wy|Wy Wx", "", "12", {0, 1, 1}},
        {"2+2W+fences", "Wx F Wy|Wy F Wx", "", "12", {0, 0, 0}},
        {"S", "Wx Wy|Ry Wx", "1", "1?", {0, 1, 1}},
        {"S+ss+data", "Wx w Wy|Ry Wxd", "1", "1?", {-1, 0, 0}},
        {"R", "Wx Wy|Wy Rx", "0", "?2", {1, 1, 1}},
        {"R+fences", "Wx F Wy|Wy F Rx", "0", "?2", {0, 0, 0}},
        {"CoRR", "Wx|Rx Rx", "10", "??", {0, 0, 0}},
        {"CoWR", "Wx Rx|Wx", "0", "??", {0, 0, 0}},
        {"PPOCA", "Wx F Wy|Ry Wxc Rx Rya", "120", "??", {-1, -1, -1}},
        {"two swaps", "Xx|Xx", "00", "??", {0, 0, 0}},
        {"two cas", "Cx|Cx", "00", "??", {0, 0, 0}},
};

static void parse(struct program *p, const char *text)
{
        struct thread *t = &p->thread[0];

        memset(p, 0, sizeof(*p));
        p->n_threads = 1;
        for (; *text; text++) {
                struct op *op = t->n ? &t->op[t->n - 1] : NULL;

                switch (*text) {
                case '|': t = &p->thread[p->n_threads++]; break;
                case 'R': case 'W': case 'X': case 'C':
                        op = &t->op[t->n++];
                        op->kind = *text == 'R' ? OP_READ : *text == 'W' ? OP_WRITE :
                                   *text == 'X' ? OP_SWAP : OP_CAS;
                        op->loc = *++text == 'y';
                        break;
                case 'F': put(t, (struct op){.kind = OP_FENCE, .order = ORDER_ALL}); break;
                case 'w': put(t, (struct op){.kind = OP_FENCE, .order = ORDER_SS}); break;
                case 'r': put(t, (struct op){.kind = OP_FENCE, .order = ORDER_LL | ORDER_LS}); break;
                case 'T': put(t, (struct op){.kind = OP_FENCE, .order = ORDER_ALL & ~ORDER_SL}); break;
                case 'a': op->dep = DEP_ADDR; break;
                case 'd': op->dep = DEP_DATA; break;
                case 'c': op->dep = DEP_CTRL; break;
                case 'q': op->ann |= ACQUIRE; break;
                case 'p': op->ann |= ACQUIRE_PC; break;
                case 'l': op->ann |= RELEASE; break;
                default: break;
                }
        }
}

static void parse_outcome(struct outcome *o, const struct litmus *l)
{
        memset(o, -1, sizeof(*o));
        for (unsigned k = 0; l->reads[k]; k++)
                o->value[k] = l->reads[k] == '?' ? -1 : l->reads[k] - '0';
        for (unsigned k = 0; k < MAX_LOCS; k++)
                o->final[k] = l->final[k] == '?' ? -1 : l->final[k] - '0';
}

static bool uses_annotations(const struct program *p)
{
        for (unsigned t = 0; t < p->n_threads; t++)
                for (unsigned k = 0; k < p->thread[t].n; k++)
                        if (p->thread[t].op[k].ann)
                                return true;
        return false;
}

static bool run_litmus(bool table)
{
        bool ok = true;
        uint64_t executions = 0;

        for (unsigned n = 0; n < sizeof(litmus) / sizeof(litmus[0]); n++) {
                struct program p;
                struct outcome wanted;

                parse(&p, litmus[n].text);
                parse_outcome(&wanted, &litmus[n]);
                if (table)
                        printf("%-20s", litmus[n].name);
                for (unsigned m = 0; m < MAP_COUNT; m++) {
                        int8_t says = litmus[n].allowed[guest_model((enum mapping)m)];
                        struct search s = {.wanted = &wanted};

                        if (uses_annotations(&p) && m != MAP_ARM) {
                                if (table)
                                        printf("  %-15s", "");
                                continue;
                        }
                        search(&s, &p, (enum mapping)m, MUTANT_NONE, false);
                        if (table)
                                printf("  %-7s %-7s", s.guest_wanted ? "allowed" : "never",
                                       s.host_wanted ? "seen" : "never");
                        if (says >= 0 && says != s.guest_wanted) {
                                printf("%s: the model of %s says %s\n", litmus[n].name, mapping_names[m],
                                       s.guest_wanted ? "allowed" : "forbidden");
                                ok = false;
                        }
                        for (unsigned loops = 0; loops < 2; loops++)
                                ok &= survives(&p, (enum mapping)m, MUTANT_NONE, loops, &executions, true);
                }
                if (table)
                        printf("\n");
        }
        return ok;
}

/* ---- programs ---- */

static uint64_t seed = 1;

static unsigned pick(unsigned n)
{
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        return (unsigned)((seed >> 33) % n);
}

enum { LINKS = 8, ACCESSES = 10 };

/* An access: which, and where. The last two are a cas without annotations, where there are any. */
static struct op access_of(unsigned n, enum mapping m, unsigned link)
{
        struct op op = {.kind = MIN(n / 2, OP_CAS), .loc = n % 2};

        if (m != MAP_TSO && m != MAP_TSO_LDAR && m != MAP_TSO_BYTES && link < 4)
                op.dep = link;
        if (m == MAP_RISCV && op.kind >= OP_SWAP && n < 8)
                op.ann = ACQUIRE | RELEASE;
        op.failed_ann = op.ann;
        if (m == MAP_RISCV && op.kind == OP_CAS)
                op.split = true;
        return op;
}

/* The fence of a link, or 0. */
static unsigned fence_of(unsigned link, enum mapping m)
{
        static const uint8_t orders[LINKS] = {0, 0, 0, 0, ORDER_ALL, ORDER_SS, ORDER_LL | ORDER_LS,
                                              ORDER_ALL & ~ORDER_SL};

        if (guest_model(m) == MODEL_TSO)
                return link == 4 ? ORDER_ALL : 0;
        if (m == MAP_ARM && link == 7)
                return ORDER_ALL;
        return orders[link];
}

static bool link_is_used(unsigned link, enum mapping m)
{
        return guest_model(m) == MODEL_TSO ? link == 0 || link == 4 : true;
}

static void add_access(struct thread *t, enum mapping m, unsigned access, unsigned link)
{
        struct op op = access_of(access, m, link);

        if (t->n && fence_of(link, m))
                put(t, (struct op){.kind = OP_FENCE, .order = fence_of(link, m)});
        if (!t->n)
                op.dep = DEP_NONE;
        if (m == MAP_ARM && op.kind != OP_SWAP && op.kind != OP_CAS && pick(3) == 0)
                op.ann = op.kind == OP_READ ? (pick(2) ? ACQUIRE : ACQUIRE_PC) : RELEASE;
        put(t, op);
}

/* Number @n of the threads with two accesses */
static bool small_thread(struct thread *t, enum mapping m, unsigned n)
{
        unsigned link = n / (ACCESSES * ACCESSES);

        memset(t, 0, sizeof(*t));
        add_access(t, m, n % ACCESSES, 0);
        add_access(t, m, n / ACCESSES % ACCESSES, link);
        if (m != MAP_RISCV && (n % ACCESSES >= 8 || n / ACCESSES % ACCESSES >= 8))
                return false;
        return link_is_used(link, m);
}

static bool all_small(enum mapping m, uint64_t *programs, uint64_t *executions)
{
        enum { N = ACCESSES * ACCESSES * LINKS };
        struct program p = {.n_threads = 2};

        for (unsigned a = 0; a < N; a++) {
                if (!small_thread(&p.thread[0], m, a))
                        continue;
                for (unsigned b = a; b < N; b++) {
                        if (!small_thread(&p.thread[1], m, b))
                                continue;
                        ++*programs;
                        for (unsigned loops = 0; loops < 2; loops++)
                                if (!survives(&p, m, MUTANT_NONE, loops, executions, true))
                                        return false;
                }
        }
        return true;
}

/* Two threads of three accesses, three or four of up to two. */
static void random_program(struct program *p, enum mapping m)
{
        static const uint8_t sizes[][MAX_THREADS] = {{3, 3}, {3, 2}, {2, 2, 2}, {1, 2, 2}, {1, 1, 2, 2},
                                                     {2, 1, 2, 1}, {3, 2, 1}};
        const uint8_t *size = sizes[pick(sizeof(sizes) / sizeof(sizes[0]))];

        memset(p, 0, sizeof(*p));
        for (unsigned t = 0; t < MAX_THREADS && size[t]; t++) {
                p->n_threads++;
                for (unsigned k = 0; k < size[t]; k++) {
                        unsigned access = pick(3) ? pick(4) : pick(m == MAP_RISCV ? ACCESSES : 8), link;

                        do
                                link = pick(LINKS);
                        while (!link_is_used(link, m));
                        add_access(&p->thread[t], m, access, link);
                }
        }
}

/* Is the mutant of the mapping caught, where it makes a difference? */
static bool mutant_caught(enum mapping m, enum mutant mutant, unsigned programs)
{
        uint64_t executions = 0;
        struct program p;

        for (unsigned n = 0; n < sizeof(litmus) / sizeof(litmus[0]); n++) {
                parse(&p, litmus[n].text);
                if ((!uses_annotations(&p) || m == MAP_ARM) &&
                    !survives(&p, m, mutant, false, &executions, false))
                        return true;
        }
        for (unsigned n = 0; n < programs; n++) {
                random_program(&p, m);
                if (!survives(&p, m, mutant, pick(2), &executions, false))
                        return true;
        }
        return false;
}

/* Some orders stand in nobody's way: a stronger neighbour does the same. */
static bool mutant_applies(enum mapping m, enum mutant mutant)
{
        switch (mutant) {
        case MUTANT_LOAD:
        case MUTANT_STORE:
                return m != MAP_RISCV;
        case MUTANT_DEPS:
                return guest_model(m) != MODEL_TSO;
        case MUTANT_ATOMIC_FENCE:
                return m != MAP_ARM && m != MAP_TSO_LDAR;
        case MUTANT_FENCE:
        case MUTANT_FENCE_LD:
                return m != MAP_TSO_LDAR && m != MAP_TSO_BYTES; /* which order all there is already */
        case MUTANT_ATOMIC_ORDER:
                return m == MAP_RISCV || m == MAP_TSO || m == MAP_TSO_LDAR;
        default:
                return true;
        }
}

int main(int argc, char **argv)
{
        bool all = argc == 2 && !strcmp(argv[1], "--all"), ok = true;
        unsigned n_programs = all ? 50000 : 3000;

        if (argc == 2 && !strcmp(argv[1], "--litmus")) {
                printf("%-20s", "");
                for (unsigned m = 0; m < MAP_COUNT; m++)
                        printf("  %-15s", mapping_names[m]);
                printf("\n");
                return !run_litmus(true);
        }
        ok = run_litmus(false);
        for (unsigned m = 0; m < MAP_COUNT && ok; m++) {
                uint64_t programs = 0, executions = 0;
                struct program p;

                ok = !all || all_small((enum mapping)m, &programs, &executions);
                for (unsigned n = 0; n < n_programs && ok; n++, programs++) {
                        random_program(&p, (enum mapping)m);
                        ok = survives(&p, (enum mapping)m, MUTANT_NONE, n & 1, &executions, true);
                }
                printf("%s: %llu programs, %llu executions%s\n", mapping_names[m],
                       (unsigned long long)programs, (unsigned long long)executions,
                       ok ? "" : ", not all right");
        }
        for (unsigned m = 0; m < MAP_COUNT && ok; m++)
                for (unsigned k = 1; k < MUTANT_COUNT; k++)
                        if (mutant_applies((enum mapping)m, (enum mutant)k) &&
                            !mutant_caught((enum mapping)m, (enum mutant)k, 2000)) {
                                printf("%s with %s is not caught\n", mapping_names[m], mutant_names[k]);
                                ok = false;
                        }
        return !ok;
}
