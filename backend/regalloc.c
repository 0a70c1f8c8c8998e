/* SPDX-License-Identifier: MIT */
/*
 * The register allocator of tier 0: see regalloc.h for its contract. All choices are greedy: at the end of
 * its life a value's register is simply found free, and when none is free the value whose last use is
 * furthest goes to the frame, unless a copy of it is in memory already.
 */
#include "backend/regalloc.h"

#include <string.h>

#include "backend/host.h"
#include "backend/region.h"
#include "base/arena.h"

enum { PENDING_MAX = 64 };

/* ---- the backward pass ---- */

/* Can the region be left at @i, or can C look at the guest state? Pins must hold what the slots are then. */
static bool is_barrier(const struct ir_ins *i)
{
        if (ir_ops[i->op].flags & (IR_MAY_FAULT | IR_MAY_EXIT | IR_TERM))
                return true;
        if (i->op == IR_OP_call)
                return !((const struct ir_helper *)(intptr_t)i->imm)->pure;
        return i->op == IR_OP_hook;
}

struct backward {
        ir_ref want[RA_NREGS];      /* by pinned register: the value put there next, with no barrier before */
        uint32_t stamp[RA_NREGS];   /* barrier count at which want was set */
        uint32_t barriers;
        ir_ref pending[PENDING_MAX]; /* deferred values whose last fault site is yet to be found */
        unsigned n_pending;
};

static void use(struct ra *ra, const struct ir_block *b, ir_ref v, uint32_t at)
{
        struct ra_val *val = &ra->val[v];

        if (val->last_use < at)
                val->last_use = at;
        if (val->uses < 255)
                val->uses++;
        if (v < b->first || v >= b->end)
                val->crosses = true;
}

/* ---- values that are made in fault maps alone ---- */

static bool has_value(const struct ra *ra, ir_ref v)
{
        return !ra->plan || flag_has_value(ra->plan, ra->ins, v);
}

/* The op that gives the first operand of flags @i back from the result and the others. */
static enum ir_op inverse_of(const struct ir_ins *i)
{
        switch (i->op) {
        case IR_OP_fl_add: return IR_OP_sub;
        case IR_OP_fl_sub: return IR_OP_add;
        case IR_OP_fl_adc: return IR_OP_sbc;
        default: return IR_OP_adc;
        }
}

/* The values that a fault map needs for @v are used at @at. */
static void use_recipe(struct ra *ra, const struct ir_block *b, ir_ref v, uint32_t at)
{
        const struct ir_ins *i = &ra->ins[v];

        if (has_value(ra, v)) {
                if (ra->val[v].last_use < at)
                        ra->val[v].last_use = at;
                if (v < b->first || v >= b->end)
                        ra->val[v].crosses = true;
                return;
        }
        if (ra->plan[v].result)
                use_recipe(ra, b, ra->plan[v].result, at);
        for (unsigned k = ra->plan[v].result != 0; k < ir_ops[i->op].n_args; k++)
                use_recipe(ra, b, i->arg[k], at);
}

/* What the code of an instruction reads, by the plan for flags. */
static void use_planned(struct ra *ra, const struct ir_block *b, uint32_t at)
{
        const struct flag_plan *plan = &ra->plan[at], *from = &ra->plan[plan->from];
        const struct ir_ins *i = &ra->ins[at], *f;
        unsigned drops = plan->how ? flag_reader_drops(i) : 0;

        if (plan->skip)
                return;
        if (flag_computes(i) && plan->pair)
                return;
        if (plan->how == FLAG_WORD)
                use(ra, b, plan->from, at);
        if (plan->how == FLAG_AGAIN) {
                f = &ra->ins[from->test ? from->test : plan->from];
                for (unsigned k = 0; k < ir_ops[f->op].n_args; k++)
                        use(ra, b, f->arg[k], at);
        }
        f = plan->test && flag_computes(i) ? &ra->ins[plan->test] : i;
        for (unsigned k = 0; k < ir_ops[f->op].n_args; k++)
                if (f->arg[k] && !(drops >> k & 1))
                        use(ra, b, f->arg[k], at);
}

/* A deferred put ends here. */
static void scan_ending(struct ra *ra, struct backward *w, const struct ir_block *b, const struct ir_ins *i,
                        uint32_t at)
{
        if (i->arg[1] && w->n_pending < PENDING_MAX)
                w->pending[w->n_pending++] = i->arg[1];
        else if (i->arg[1])
                use_recipe(ra, b, i->arg[1], at);
}

static void scan_put(struct ra *ra, struct backward *w, const struct ir_block *b, const struct ir_ins *i,
                     uint32_t at)
{
        unsigned pin = ra->t->slot_pin[i->aux];

        if (pin != RA_NONE) {
                w->want[pin] = i->arg[0];
                w->stamp[pin] = w->barriers;
                ra->val[i->arg[0]].hint = 1 + pin;
        }
        scan_ending(ra, w, b, i, at);
}

/* Where the argument has zeros above, it is the result; so it should be made where the result is wanted. */
static void scan_zext(struct ra *ra, struct backward *w, const struct ir_block *b, const struct ir_ins *i, uint32_t at)
{
        struct ra_val *x = &ra->val[i->arg[0]];
        unsigned hint = ra->val[at].hint;

        if (!ra->t->zeros_above || i->arg[0] < b->first || !ra->t->zeros_above(&ra->ins[i->arg[0]]))
                return;
        x->wide = true;
        if (hint) {
                x->hint = hint;
                w->want[hint - 1] = i->arg[0];
        }
}

static void scan_block(struct ra *ra, struct backward *w, const struct ir_block *b)
{
        for (uint32_t at = b->end; at-- > b->first;) {
                const struct ir_ins *i = &ra->ins[at];
                struct ra_val *val = &ra->val[at];

                if (i->flags & IR_INS_DEAD || i->op == IR_OP_nop || i->op == IR_OP_const ||
                    i->op == IR_OP_insn)
                        continue;
                if (val->hint) {
                        unsigned pin = val->hint - 1;

                        if (w->want[pin] != at || w->stamp[pin] != w->barriers)
                                val->hint = 0;
                }
                if (i->op == IR_OP_zext32)
                        scan_zext(ra, w, b, i, at);
                if (i->op == IR_OP_get) {
                        unsigned pin = ra->t->slot_pin[i->aux];

                        val->hint = 0;
                        if (pin != RA_NONE)
                                w->want[pin] = 0;
                        continue;
                }
                if (is_barrier(i)) {
                        w->barriers++;
                        while (w->n_pending) {
                                ir_ref v = w->pending[--w->n_pending];

                                use_recipe(ra, b, v, at);
                        }
                }
                if (i->op == IR_OP_drop) {
                        scan_ending(ra, w, b, i, at);
                        continue;
                }
                if (i->op == IR_OP_put) {
                        if (has_value(ra, i->arg[0]))
                                use(ra, b, i->arg[0], at);
                        scan_put(ra, w, b, i, at);
                        continue;
                }
                if (ra->plan) {
                        use_planned(ra, b, at);
                        continue;
                }
                for (unsigned k = 0; k < ir_ops[i->op].n_args; k++)
                        if (i->arg[k])
                                use(ra, b, i->arg[k], at);
        }
}

void ra_region(struct ra *ra, const struct ra_target *t, void *host, const struct ir_region *r)
{
        struct backward w;

        ra->t = t;
        ra->host = host;
        ra->r = r;
        ra->ins = r->ins;
        ra->val = arena_zalloc(r->arena, r->n_ins * sizeof(*ra->val));
        ra->home_val = arena_zalloc(r->arena, r->guest->n_slots * sizeof(*ra->home_val));
        ra->homes = arena_alloc(r->arena, r->n_ins * sizeof(*ra->homes));
        ra->plan = t->flags ? flagplan_make(r, t->flags) : NULL;
        ra->n_homes = 0;
        ra->bound = 0;
        ra->n_frame = ra->n_frame_vec = 0;
        ra->failed = false;
        memset(&w, 0, sizeof(w));
        w.barriers = 1;
        for (uint32_t b = r->n_blocks; b-- > 0;) {
                w.barriers++;
                w.n_pending = 0;
                scan_block(ra, &w, &r->blocks[b]);
        }
        for (uint32_t i = 0; i < r->n_ins; i++)
                ra->val[i].reg = RA_NONE;
        memset(ra->reg_val, 0, sizeof(ra->reg_val));
}

void ra_begin_block(struct ra *ra, const struct ir_block *b)
{
        for (ra_set set = ra->bound; set; set &= set - 1) {
                unsigned reg = __builtin_ctzll(set);

                ra->val[ra->reg_val[reg]].reg = RA_NONE;
                ra->reg_val[reg] = 0;
        }
        ra->bound = 0;
        while (ra->n_homes) {
                unsigned slot = ra->homes[--ra->n_homes];

                ra->val[ra->home_val[slot]].home = 0;
                ra->home_val[slot] = 0;
        }
        ra->n_deferred = 0;
        ra->block = b;
}

/* ---- moving values about ---- */

static inline bool is_fp(const struct ra *ra, ir_ref v)
{
        return ir_type_in_fpr(ra->ins[v].type);
}

static inline bool live(const struct ra *ra, ir_ref v)
{
        return v && ra->val[v].last_use >= ra->live;
}

static inline bool has_copy(const struct ra *ra, ir_ref v)
{
        return ra->val[v].frame || ra->val[v].home || ra->ins[v].op == IR_OP_const;
}

/* Where in the frame the value is, if it is there. */
static uint32_t frame_offset(const struct ra *ra, ir_ref v)
{
        uint32_t n = ra->val[v].frame - 1;

        return ra->ins[v].type == IR_V128 ? (RA_FRAME_SLOTS / 2 - 1 - n) * 16 : n * 8;
}

/* Gives the value a place in the frame if it has none. */
static uint32_t frame_place(struct ra *ra, ir_ref v)
{
        bool vec = ra->ins[v].type == IR_V128;
        ir_ref *held = vec ? ra->frame_vec : ra->frame_val;
        unsigned *count = vec ? &ra->n_frame_vec : &ra->n_frame, n;

        if (ra->val[v].frame)
                return frame_offset(ra, v);
        for (n = 0; n < *count; n++)
                if (!ra->val[held[n]].crosses && ra->val[held[n]].last_use < ra->now)
                        break;
        if (n == *count) {
                if (ra->n_frame + 2 * ra->n_frame_vec + (vec ? 2 : 1) > RA_FRAME_SLOTS) {
                        ra->failed = true;
                        return 0;
                }
                ++*count;
        } else {
                ra->val[held[n]].frame = 0;
        }
        held[n] = v;
        ra->val[v].frame = 1 + n;
        return frame_offset(ra, v);
}

static void to_frame(struct ra *ra, ir_ref v, unsigned reg)
{
        if (!ra->val[v].frame) {
                uint32_t at = frame_place(ra, v);

                ra->t->store(ra->host, ra->val[v].wide ? IR_I64 : ra->ins[v].type, RA_FRAME, at, reg);
        }
}

static unsigned find_free(const struct ra *ra, bool fp, ra_set forbid)
{
        ra_set set = ra->t->temps & ~(forbid | ra->locked | ra->site) & (fp ? ~0ull << RA_FPR : ~0u);

        for (; set; set &= set - 1) {
                unsigned reg = __builtin_ctzll(set);

                if (!live(ra, ra->reg_val[reg]) || ra->val[ra->reg_val[reg]].reg != reg)
                        return reg;
        }
        return RA_NONE;
}

/* Forgets what @reg held. */
static void drop(struct ra *ra, unsigned reg)
{
        ir_ref v = ra->reg_val[reg];

        if (v && ra->val[v].reg == reg)
                ra->val[v].reg = RA_NONE;
        ra->reg_val[reg] = 0;
}

static void bind(struct ra *ra, unsigned reg, ir_ref v)
{
        ra->reg_val[reg] = v;
        ra->bound |= RA_BIT(reg);
        ra->val[v].reg = reg;
}

/* @slot's home in memory holds @v from now on. */
static void set_home(struct ra *ra, unsigned slot, ir_ref v)
{
        ra->home_val[slot] = v;
        ra->val[v].home = 1 + slot;
        ra->homes[ra->n_homes++] = slot; /* again, perhaps; there is room for one an instruction */
}

/*
 * @reg is about to be overwritten: its value, if live, goes elsewhere; the bits stay until the
 * overwriting.
 */
static void vacate(struct ra *ra, unsigned reg, ra_set forbid)
{
        ir_ref v = ra->reg_val[reg];

        ra->reg_val[reg] = 0;
        if (!v || ra->val[v].reg != reg)
                return;
        ra->val[v].reg = RA_NONE;
        if (!live(ra, v))
                return;
        for (ra_set set = ra->t->pins; set; set &= set - 1) {
                unsigned pin = __builtin_ctzll(set);

                if (ra->reg_val[pin] == v) {
                        ra->val[v].reg = pin;
                        return;
                }
        }
        if (has_copy(ra, v))
                return;
        unsigned to = find_free(ra, reg >= RA_FPR, forbid | ra->operands | RA_BIT(reg));

        if (to != RA_NONE) {
                drop(ra, to);
                ra->t->move(ra->host, to, reg);
                bind(ra, to, v);
        } else {
                to_frame(ra, v, reg);
        }
}

/* A temporary register, emptied; the value whose last use is furthest makes room. */
static unsigned pick(struct ra *ra, bool fp, ra_set forbid)
{
        unsigned reg = find_free(ra, fp, forbid);

        if (reg == RA_NONE) {
                ra_set set = ra->t->temps & ~(forbid | ra->locked | ra->site) & (fp ? ~0ull << RA_FPR : ~0u);
                uint32_t best = 0;

                for (; set; set &= set - 1) {
                        unsigned k = __builtin_ctzll(set);
                        ir_ref v = ra->reg_val[k];
                        uint32_t far = ra->val[v].last_use + (has_copy(ra, v) ? 1u << 24 : 0);

                        if (reg == RA_NONE || far > best) {
                                best = far;
                                reg = k;
                        }
                }
                if (reg == RA_NONE) {
                        ra->failed = true;
                        return __builtin_ctzll(ra->t->temps & (fp ? ~0ull << RA_FPR : ~0u));
                }
                ir_ref v = ra->reg_val[reg];

                if (!has_copy(ra, v))
                        to_frame(ra, v, reg);
        }
        drop(ra, reg);
        return reg;
}

static void load_to(struct ra *ra, ir_ref v, unsigned reg)
{
        const struct ra_val *val = &ra->val[v];
        const struct ir_ins *i = &ra->ins[v];

        if (i->op == IR_OP_const)
                ra->t->load_const(ra->host, reg, i->type, i->imm);
        else if (val->home)
                ra->t->load(ra->host, reg, i->type, RA_STATE, ra->r->guest->slots[val->home - 1].offset);
        else
                ra->t->load(ra->host, reg, val->wide ? IR_I64 : i->type, RA_FRAME, frame_place(ra, v));
}

/* ---- operands ---- */

unsigned ra_reg(struct ra *ra, ir_ref v)
{
        v = ra_root(ra, v);
        if (ra->val[v].reg == RA_NONE) {
                unsigned reg = pick(ra, is_fp(ra, v), 0);

                load_to(ra, v, reg);
                bind(ra, reg, v);
        }
        ra->locked |= RA_BIT(ra->val[v].reg);
        return ra->val[v].reg;
}

struct ra_opnd ra_where(const struct ra *ra, ir_ref v)
{
        v = ra_root(ra, v);
        const struct ra_val *val = &ra->val[v];

        if (val->reg != RA_NONE)
                return (struct ra_opnd){.kind = RA_REG, .reg = val->reg};
        if (ra->ins[v].op == IR_OP_const)
                return (struct ra_opnd){.kind = RA_IMM, .imm = ra->ins[v].imm};
        if (val->home)
                return (struct ra_opnd){.kind = RA_IN_STATE,
                                        .offset = ra->r->guest->slots[val->home - 1].offset};
        return (struct ra_opnd){.kind = RA_IN_FRAME, .offset = frame_offset(ra, v)};
}

struct ra_opnd ra_any(struct ra *ra, ir_ref v)
{
        v = ra_root(ra, v);
        const struct ra_val *val = &ra->val[v];

        if (val->reg == RA_NONE && (val->last_use == ra->now || ra->ins[v].op == IR_OP_const))
                return ra_where(ra, v);
        return (struct ra_opnd){.kind = RA_REG, .reg = ra_reg(ra, v)};
}

void ra_operands_done(struct ra *ra)
{
        ra->live = ra->now + 1;
        ra->operands = ra->locked;
        for (ra_set set = ra->locked & ra->t->temps; set; set &= set - 1) {
                unsigned reg = __builtin_ctzll(set);

                if (ra->reg_val[reg] && !live(ra, ra->reg_val[reg]))
                        ra->locked &= ~RA_BIT(reg);
        }
}

/* May the register of @v be kept as it is for a site? Else it is in the frame too. */
static bool keep_in_temp(struct ra *ra, ir_ref v, unsigned *max_temps)
{
        unsigned reg = ra->val[v].reg;

        if (!(ra->t->temps & ~ra->site & RA_BIT(reg)))
                return true;
        if (*max_temps) {
                --*max_temps;
                return true;
        }
        to_frame(ra, v, reg);
        return false;
}

/* Where value @v is, for a site. */
static void value_loc(struct ra *ra, ir_ref v, struct slot_loc *l, unsigned *max_temps)
{
        v = ra_root(ra, v);
        const struct ra_val *val = &ra->val[v];

        l->reg = 0;
        if (ra->ins[v].op == IR_OP_const) {
                l->kind = LOC_CONST;
                l->value = ra->ins[v].imm;
        } else if (val->reg != RA_NONE && (val->reg >= RA_FPR || keep_in_temp(ra, v, max_temps))) {
                l->kind = val->reg >= RA_FPR ? LOC_FPR : LOC_GPR;
                l->reg = val->reg & 31;
                l->value = 0;
                ra->site |= RA_BIT(val->reg);
        } else if (val->home && !val->frame) {
                l->kind = LOC_STATE;
                l->value = ra->r->guest->slots[val->home - 1].offset;
        } else {
                l->kind = LOC_FRAME;
                l->value = frame_place(ra, v);
        }
}

/* Appends the tree of @v at @n; the new count, RA_MAX_DEFERRED if there is no room. */
static unsigned tree_locs(struct ra *ra, ir_ref v, struct slot_loc *out, unsigned n, unsigned *max_temps);

static struct slot_loc *next_loc(struct slot_loc *out, unsigned *n, enum ir_type type)
{
        out[*n] = (struct slot_loc){.slot = LOC_NO_SLOT, .type = type};
        return &out[(*n)++];
}

static unsigned op_locs(struct ra *ra, enum ir_op op, const struct ir_ins *i, const ir_ref *arg, struct slot_loc *out,
                        unsigned n, unsigned *max_temps)
{
        struct ir_ins copy = {.op = op, .type = op == i->op ? i->type : ra->ins[arg[0]].type, .cond = i->cond,
                              .aux = op == i->op ? i->aux : 0};
        struct slot_loc *l;

        if (n == RA_MAX_DEFERRED)
                return n;
        l = next_loc(out, &n, copy.type);
        l->kind = LOC_EVAL;
        l->reg = ir_ops[op].n_args;
        l->value = slow_fp_pack(&copy, IR_VOID);
        for (unsigned k = 0; k < ir_ops[op].n_args; k++)
                n = tree_locs(ra, arg[k], out, n, max_temps);
        return n;
}

static unsigned tree_locs(struct ra *ra, ir_ref v, struct slot_loc *out, unsigned n, unsigned *max_temps)
{
        const struct ir_ins *i = &ra->ins[v];
        ir_ref result = ra->plan ? ra->plan[v].result : 0;
        unsigned at = n;

        if (n == RA_MAX_DEFERRED)
                return n;
        if (has_value(ra, v)) {
                value_loc(ra, v, next_loc(out, &n, i->type), max_temps);
                return n;
        }
        if (!result)
                return op_locs(ra, i->op, i, i->arg, out, n, max_temps);
        /* The flags of what was added to or subtracted from to give this result. */
        const ir_ref arg[4] = {result, i->arg[1], i->arg[2]};
        struct slot_loc *l = next_loc(out, &n, i->type);

        l->kind = LOC_EVAL;
        l->reg = ir_ops[i->op].n_args;
        l->value = slow_fp_pack(i, IR_VOID);
        n = op_locs(ra, inverse_of(i), i, arg, out, n, max_temps);
        for (unsigned k = 1; k < out[at].reg; k++)
                n = tree_locs(ra, i->arg[k], out, n, max_temps);
        return n;
}

unsigned ra_snapshot(struct ra *ra, struct slot_loc *out, unsigned max_temps)
{
        unsigned n = 0;

        for (unsigned k = 0; k < ra->n_deferred; k++) {
                unsigned at = n;

                n = tree_locs(ra, ra->deferred[k].value, out, n, &max_temps);
                if (n == RA_MAX_DEFERRED) {
                        ra->failed = true;
                        return 0;
                }
                out[at].slot = ra->deferred[k].slot;
                out[at].type = ra->r->guest->slots[ra->deferred[k].slot].type;
        }
        return n;
}

uint64_t ra_loc_eval(const struct slot_loc **l, uint64_t (*leaf)(void *ctx, const struct slot_loc *l), void *ctx)
{
        const struct slot_loc *top = (*l)++;
        uint64_t args[4] = {0}, v;
        struct ir_ins i;

        if (top->kind != LOC_EVAL) {
                v = leaf(ctx, top);
        } else {
                i = slow_fp_unpack(top->value);
                for (unsigned k = 0; k < top->reg; k++)
                        args[k] = ra_loc_eval(l, leaf, ctx);
                ir_eval(&i, args, &v);
        }
        return ir_type_size(top->type) == 4 ? (uint32_t)v : v;
}

bool ra_any_live(const struct ra *ra, ra_set regs)
{
        for (ra_set set = ra->bound & ra->t->temps & regs; set; set &= set - 1) {
                unsigned reg = __builtin_ctzll(set);

                if (live(ra, ra->reg_val[reg]) && ra->val[ra->reg_val[reg]].reg == reg)
                        return true;
        }
        return false;
}

/* Is @reg a temporary that holds nothing live? */
static bool is_free(const struct ra *ra, unsigned reg, ra_set forbid)
{
        return reg != RA_NONE && (ra->t->temps & ~(forbid | ra->site) & RA_BIT(reg)) &&
               (!live(ra, ra->reg_val[reg]) || ra->val[ra->reg_val[reg]].reg != reg);
}

unsigned ra_temp(struct ra *ra, bool fp, unsigned prefer, ra_set forbid)
{
        unsigned reg = prefer;

        if (is_free(ra, prefer, forbid))
                drop(ra, reg);
        else
                reg = pick(ra, fp, forbid);
        ra->locked |= RA_BIT(reg);
        return reg;
}

unsigned ra_spare(struct ra *ra, ra_set forbid)
{
        unsigned reg = find_free(ra, false, forbid | ra->operands);

        if (reg != RA_NONE)
                drop(ra, reg);
        return reg;
}

void ra_take(struct ra *ra, ra_set regs)
{
        for (ra_set set = regs; set; set &= set - 1)
                vacate(ra, __builtin_ctzll(set), regs);
        ra->locked |= regs;
}

unsigned ra_def(struct ra *ra, ir_ref v, unsigned prefer, ra_set forbid)
{
        const struct ra_val *val = &ra->val[v];
        unsigned reg;

        if (val->hint && !(forbid & RA_BIT(val->hint - 1))) {
                reg = val->hint - 1;
                vacate(ra, reg, forbid);
        } else if (is_free(ra, prefer, forbid)) {
                reg = prefer;
                drop(ra, reg);
        } else {
                reg = pick(ra, is_fp(ra, v), forbid);
        }
        bind(ra, reg, v);
        ra->locked |= RA_BIT(reg);
        return reg;
}

void ra_def_done(struct ra *ra, ir_ref v)
{
        if (ra->val[v].crosses)
                to_frame(ra, v, ra->val[v].reg);
}

bool ra_alias(struct ra *ra, ir_ref v, ir_ref of)
{
        struct ra_val *a = &ra->val[v], *b;

        of = ra_root(ra, of);
        b = &ra->val[of];
        if (a->crosses && !b->crosses)
                return false;
        if (of < ra->block->first || of >= ra->block->end)
                return false;
        a->root = of;
        if (b->last_use < a->last_use)
                b->last_use = a->last_use;
        return true;
}

/* ---- slots ---- */

/* The home of an unpinned slot is about to be written: a live value that is nowhere else is loaded first. */
static void vacate_home(struct ra *ra, unsigned slot)
{
        ir_ref v = ra->home_val[slot];

        if (!v)
                return;
        ra->home_val[slot] = 0;
        struct ra_val *val = &ra->val[v];

        if (val->home != 1 + slot)
                return;
        if (live(ra, v) && val->reg == RA_NONE && !val->frame)
                ra_reg(ra, v);
        val->home = 0;
}

void ra_get(struct ra *ra, ir_ref v, unsigned slot)
{
        unsigned pin = ra->t->slot_pin[slot];
        struct ra_val *val = &ra->val[v];
        ir_ref old = pin != RA_NONE ? ra->reg_val[pin] : ra->home_val[slot];

        if (!val->last_use)
                return;
        /* Of a dead value only the home is sure: calls keep what is live of the FP temporaries. */
        if (old && !live(ra, old) && ra->val[old].reg != RA_NONE && ra->val[old].reg != pin)
                drop(ra, ra->val[old].reg);
        if (old && ra->ins[old].type == ra->ins[v].type && ra_alias(ra, v, old)) {
                struct ra_val *o = &ra->val[old];

                /* The value may have been dead, and so forgotten; its home still holds it. */
                if (o->reg == RA_NONE && pin != RA_NONE)
                        o->reg = pin;
                return;
        }
        if (pin != RA_NONE) {
                if (old && live(ra, old) && ra->val[old].reg == pin)
                        vacate(ra, pin, 0);
                bind(ra, pin, v);
        } else {
                vacate_home(ra, slot);
                set_home(ra, slot, v);
        }
        if (val->crosses) {
                unsigned reg = ra_reg(ra, v);

                to_frame(ra, v, reg);
        }
}

static void undefer(struct ra *ra, unsigned slot)
{
        for (unsigned n = 0; n < ra->n_deferred; n++)
                if (ra->deferred[n].slot == slot) {
                        ra->deferred[n] = ra->deferred[--ra->n_deferred];
                        return;
                }
}

static void put_pinned(struct ra *ra, unsigned pin, ir_ref v)
{
        struct ra_val *val = &ra->val[v];
        const struct ir_ins *i = &ra->ins[v];

        if (ra->reg_val[pin] == v)
                return;
        if (val->reg != RA_NONE)
                ra->locked |= RA_BIT(val->reg);
        vacate(ra, pin, 0);
        if (val->reg != RA_NONE && val->reg != pin)
                ra->t->move(ra->host, pin, val->reg);
        else if (val->reg == RA_NONE)
                load_to(ra, v, pin);
        if (i->op == IR_OP_const)
                return;
        ra->reg_val[pin] = v;
        ra->bound |= RA_BIT(pin);
        if (val->reg == RA_NONE || !(ra->t->pins & RA_BIT(val->reg))) {
                if (val->reg != RA_NONE)
                        ra->reg_val[val->reg] = 0;
                val->reg = pin;
        }
}

void ra_put(struct ra *ra, const struct ir_ins *put)
{
        unsigned slot = put->aux, pin = ra->t->slot_pin[slot];
        ir_ref v = ra_root(ra, put->arg[0]);

        if (ra->n_deferred)
                undefer(ra, slot);
        if (put->flags & IR_INS_DEFERRED && !(pin != RA_NONE && ra->reg_val[pin] == v)) {
                if (ra->n_deferred == RA_MAX_DEFERRED) {
                        ra->failed = true;
                        return;
                }
                ra->deferred[ra->n_deferred++] = (struct ra_deferred){slot, v};
                return;
        }
        if (pin != RA_NONE) {
                put_pinned(ra, pin, v);
                return;
        }
        if (ra->home_val[slot] == v && ra->val[v].home == 1 + slot)
                return;
        const struct ir_slot *s = &ra->r->guest->slots[slot];
        uint64_t bits;

        if (ra_is_const(ra, v, &bits) && ra->val[v].reg == RA_NONE && s->type != IR_V128) {
                vacate_home(ra, slot);
                ra->t->store_const(ra->host, s->type, s->offset, bits);
                return;
        }
        unsigned reg = ra_reg(ra, v);

        vacate_home(ra, slot);
        ra->t->store(ra->host, s->type, RA_STATE, s->offset, reg);
        if (!ra->val[v].home && !ra->val[v].wide && ra->ins[v].op != IR_OP_const && ra->ins[v].type == s->type &&
            v >= ra->block->first && v < ra->block->end)
                set_home(ra, slot, v);
}

void ra_drop(struct ra *ra, const struct ir_ins *drop)
{
        undefer(ra, drop->aux);
}

void ra_flush_groups(struct ra *ra, uint64_t groups)
{
        for (ra_set set = groups ? ra->t->pins : 0; set; set &= set - 1) {
                unsigned pin = __builtin_ctzll(set);
                const struct ir_slot *s = &ra->r->guest->slots[ra->t->pin_slot[pin]];

                if (groups >> s->group & 1)
                        ra->t->store(ra->host, s->type, RA_STATE, s->offset, pin);
        }
}

void ra_clobber_groups(struct ra *ra, uint64_t groups)
{
        for (ra_set set = groups ? ra->t->pins : 0; set; set &= set - 1) {
                unsigned pin = __builtin_ctzll(set);

                if (groups >> ra->r->guest->slots[ra->t->pin_slot[pin]].group & 1)
                        vacate(ra, pin, ra->t->pins);
        }
        for (unsigned n = 0; groups && n < ra->n_homes; n++)
                if (groups >> ra->r->guest->slots[ra->homes[n]].group & 1)
                        vacate_home(ra, ra->homes[n]);
}

void ra_reload_groups(struct ra *ra, uint64_t groups)
{
        for (ra_set set = groups ? ra->t->pins : 0; set; set &= set - 1) {
                unsigned pin = __builtin_ctzll(set);
                const struct ir_slot *s = &ra->r->guest->slots[ra->t->pin_slot[pin]];

                if (groups >> s->group & 1)
                        ra->t->load(ra->host, pin, s->type, RA_STATE, s->offset);
        }
}
