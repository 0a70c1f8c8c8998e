/* SPDX-License-Identifier: MIT */
/*
 * The plan for condition flags: see flagplan.h. One walk from the last instruction to the first, so that
 * all uses of an op are known when it is met; what lies after it in its block has been decided then.
 */
#include "backend/flagplan.h"

#include "base/arena.h"
#include "ir/eval_flags.h"
#include "ir/flags.h"

enum { RECIPE_DEPTH = 4, PAIR_DISTANCE = 8 };

struct want {
        uint8_t value;  /* wanted in a register */
        uint8_t recipe; /* wanted in fault maps; 1 + how deep in a recipe */
        uint8_t tests;  /* fl_test: uses that can read the flags themselves */
        uint8_t others; /* and uses that cannot */
        uint8_t uses;   /* saturating */
        ir_ref reader;  /* flag op: its readers, linked by next_reader, the first one first */
};

struct planner {
        const struct ir_region *r;
        const struct ir_ins *ins;
        const struct flag_target *t;
        struct flag_plan *plan;
        struct want *want;
        ir_ref *next_reader;
        const struct ir_block *block;
};

static bool is_zero(const struct planner *p, ir_ref v)
{
        return p->ins[v].op == IR_OP_const && p->ins[v].imm == 0;
}

/* Is argument @k of the op a test that it could read from the flags itself? */
static bool reads_test(const struct planner *p, const struct ir_ins *i, unsigned k)
{
        const struct ir_ins *t = &p->ins[i->arg[k]];

        switch (i->op) {
        case IR_OP_brcc: case IR_OP_setcc: case IR_OP_select:
                return k == 0 && (i->cond == IR_EQ || i->cond == IR_NE) && is_zero(p, i->arg[1]);
        case IR_OP_adc: case IR_OP_sbc: case IR_OP_fl_adc: case IR_OP_fl_sbc:
                return k == 2 && (t->cond == IR_FL_C || t->cond == IR_FL_NC);
        default:
                return false;
        }
}

static unsigned arg_count(const struct ir_ins *i)
{
        if (i->op == IR_OP_call)
                return ((const struct ir_helper *)(intptr_t)i->imm)->n_args;
        return ir_ops[i->op].n_args;
}

static bool outside(const struct ir_block *b, ir_ref v)
{
        return v < b->first || v >= b->end;
}

/* Uses of tests, and all uses' number. */
static void count_uses(struct planner *p)
{
        for (uint32_t b = 0; b < p->r->n_blocks; b++) {
                const struct ir_block *k = &p->r->blocks[b];

                for (ir_ref n = k->first; n < k->end; n++) {
                        const struct ir_ins *i = &p->ins[n];

                        if (i->flags & IR_INS_DEAD)
                                continue;
                        for (unsigned a = 0; a < arg_count(i); a++) {
                                struct want *w = &p->want[i->arg[a]];

                                w->uses += w->uses < 255;
                                if (p->ins[i->arg[a]].op != IR_OP_fl_test)
                                        continue;
                                if (reads_test(p, i, a) && !outside(k, i->arg[a]))
                                        w->tests = 1;
                                else
                                        w->others = 1;
                        }
                }
        }
}

bool flag_can_wait(const struct ir_ins *i)
{
        switch (ir_ops[i->op].sig) {
        case IR_SIG_INT: case IR_SIG_BITS: case IR_SIG_SETCC:
                return true;
        case IR_SIG_SELECT:
                return !ir_type_in_fpr(i->type);
        case IR_SIG_FLAGS:
                return i->op != IR_OP_fl_fcmp;
        case IR_SIG_CONV:
                return i->op == IR_OP_trunc || i->op == IR_OP_sext32 || i->op == IR_OP_zext32;
        default:
                return false;
        }
}

static void want_value(struct planner *p, ir_ref v)
{
        p->want[v].value = 1;
}

static void want_recipe(struct planner *p, ir_ref v, unsigned depth)
{
        struct want *w = &p->want[v];

        if (outside(p->block, v) || depth > RECIPE_DEPTH || !flag_can_wait(&p->ins[v]))
                w->value = 1;
        else if (w->recipe < 1 + depth)
                w->recipe = 1 + depth;
}

static void add_reader(struct planner *p, ir_ref from, ir_ref reader, enum ir_flcond cond)
{
        struct flag_plan *plan = &p->plan[reader];

        plan->from = from;
        plan->cond = cond;
        plan->how = FLAG_WORD;
        if (outside(p->block, from) || !flag_computes(&p->ins[from])) {
                want_value(p, from);
                return;
        }
        p->next_reader[reader] = p->want[from].reader;
        p->want[from].reader = reader;
}

/* ---- flag ops that compute ---- */

static bool same_args(const struct ir_ins *x, const struct ir_ins *y, unsigned n)
{
        for (unsigned k = 0; k < n; k++)
                if (x->arg[k] != y->arg[k])
                        return false;
        return true;
}

bool flag_same_sum(const struct ir_region *r, const struct ir_ins *value, const struct ir_ins *flags)
{
        static const uint8_t sums[][2] = {
                {IR_OP_fl_add, IR_OP_add}, {IR_OP_fl_sub, IR_OP_sub}, {IR_OP_fl_adc, IR_OP_adc},
                {IR_OP_fl_sbc, IR_OP_sbc},
        };
        unsigned w = flags->aux & IR_FL_WIDTH;
        const struct ir_ins *c, *k;

        if (value->type != (w == 64 ? IR_I64 : IR_I32) || w < 32)
                return false;
        for (size_t n = 0; n < G_N_ELEMENTS(sums); n++)
                if (flags->op == sums[n][0] && value->op == sums[n][1])
                        return same_args(value, flags, ir_ops[value->op].n_args);
        if (flags->op != IR_OP_fl_sub)
                return false;
        if (value->op == IR_OP_neg)
                return value->arg[0] == flags->arg[1] && r->ins[flags->arg[0]].op == IR_OP_const &&
                       r->ins[flags->arg[0]].imm == 0;
        c = &r->ins[value->arg[1]];
        k = &r->ins[flags->arg[1]];
        if (value->op != IR_OP_add || value->arg[0] != flags->arg[0] || c->op != IR_OP_const || k->op != IR_OP_const)
                return false;
        return w == 64 ? c->imm == (int64_t)-(uint64_t)k->imm : (int32_t)c->imm == (int32_t)-(uint32_t)k->imm;
}

/*
 * Are the flags that are needed of fl_logic those of the code of its argument? A sum has the same N, Z and P
 * as its value, but its own carry and overflow.
 */
static bool same_logic(const struct planner *p, const struct ir_ins *value, ir_ref n)
{
        unsigned width = value->type == IR_I64 ? 64 : 32;

        switch (value->op) {
        case IR_OP_and: case IR_OP_andc: case IR_OP_or: case IR_OP_xor:
                return true;
        default:
                return (p->ins[n].aux & IR_FL_WIDTH) == width &&
                       !(p->plan[n].need & ~(IR_FLAG_N | IR_FLAG_Z | IR_FLAG_P));
        }
}

static ir_ref find_pair(struct planner *p, ir_ref n)
{
        const struct ir_ins *f = &p->ins[n];
        unsigned distance = 0;

        if (f->op == IR_OP_fl_fcmp)
                return 0;
        for (ir_ref k = n; k-- > p->block->first && distance < PAIR_DISTANCE;) {
                const struct ir_ins *i = &p->ins[k];
                bool same;

                if (i->flags & IR_INS_DEAD)
                        continue;
                distance++;
                if (f->op == IR_OP_fl_logic)
                        same = f->arg[0] == k && same_logic(p, i, n);
                else
                        same = flag_same_sum(p->r, i, f);
                if (same && !p->plan[k].pair)
                        return p->t->pairs(p->r, i, f) ? k : 0;
                if (p->plan[k].pair || !p->t->keeps(i))
                        return 0;
        }
        return 0;
}

/* The value op of the same operands, near or far; the first operand may have lost its register to it. */
static ir_ref find_result(struct planner *p, ir_ref n)
{
        for (ir_ref k = n; k-- > p->block->first && n - k < 4 * PAIR_DISTANCE;) {
                const struct ir_ins *i = &p->ins[k];

                if (!(i->flags & IR_INS_DEAD) && i->op != IR_OP_neg && flag_same_sum(p->r, i, &p->ins[n]))
                        return k;
        }
        return 0;
}

/* Which readers come while the host's flags still are those of op @n. */
static void find_host_readers(struct planner *p, ir_ref n)
{
        struct flag_plan *plan = &p->plan[n];
        unsigned left = 0;

        for (ir_ref k = p->want[n].reader; k; k = p->next_reader[k])
                left++;
        for (ir_ref k = n + 1; left && k < p->block->end; k++) {
                const struct ir_ins *i = &p->ins[k];
                struct flag_plan *reader = &p->plan[k];

                if ((i->flags & IR_INS_DEAD) || reader->skip)
                        continue;
                if (reader->how && reader->from == n) {
                        left--;
                        if (!p->t->tells(p->r, &p->ins[n], reader->cond))
                                return; /* looking at the word may change the host's flags */
                        reader->how = FLAG_HOST;
                        plan->need |= ir_flcond_reads(reader->cond);
                        if (!p->t->reader_keeps(i, &p->ins[n], reader->cond))
                                return;
                } else if (reader->pair || !p->t->keeps(i)) {
                        return;
                }
        }
}

/* Can the word of an op be made without its operands? */
static bool word_from_host(const struct planner *p)
{
        return !p->t->words_need_args || !(~p->r->guest->unread_flags & (IR_FLAG_A | IR_FLAG_P));
}

static bool can_again(const struct planner *p, ir_ref n, enum ir_flcond cond)
{
        const struct ir_ins *i = &p->ins[n];

        return i->op != IR_OP_fl_adc && i->op != IR_OP_fl_sbc && p->t->tells(p->r, i, cond);
}

static void want_args(struct planner *p, const struct ir_ins *i)
{
        for (unsigned k = 0; k < arg_count(i); k++)
                want_value(p, i->arg[k]);
}

/* The operands of fl_logic are those of an `and` if that is all it is for. */
static ir_ref find_test(const struct planner *p, ir_ref n)
{
        const struct ir_ins *f = &p->ins[n], *a = &p->ins[f->arg[0]];

        if (f->op != IR_OP_fl_logic || a->op != IR_OP_and || outside(p->block, f->arg[0]))
                return 0;
        return p->want[f->arg[0]].uses == 1 ? f->arg[0] : 0;
}

/* Its carry: a reader of other flags, or a value. */
static void plan_carry(struct planner *p, ir_ref n)
{
        const struct ir_ins *i = &p->ins[n], *t = &p->ins[i->arg[2]];

        if (t->op == IR_OP_fl_test && t->cond <= IR_FL_NC && !p->want[i->arg[2]].others &&
            !outside(p->block, i->arg[2]))
                add_reader(p, t->arg[0], n, t->cond);
        else
                want_value(p, i->arg[2]);
}

static void plan_flags(struct planner *p, ir_ref n)
{
        const struct ir_ins *i = &p->ins[n];
        struct flag_plan *plan = &p->plan[n];
        struct want *w = &p->want[n];
        ir_ref reader;
        bool host = false, again = false;

        plan->word = w->value;
        find_host_readers(p, n);
        for (reader = w->reader; reader; reader = p->next_reader[reader]) {
                struct flag_plan *k = &p->plan[reader];

                host |= k->how == FLAG_HOST;
                if (k->how != FLAG_HOST && !can_again(p, n, k->cond))
                        plan->word = true;
        }
        for (reader = w->reader; reader; reader = p->next_reader[reader])
                if (p->plan[reader].how != FLAG_HOST && !plan->word) {
                        p->plan[reader].how = FLAG_AGAIN;
                        again = true;
                }
        if (plan->word)
                plan->need = IR_FLAG_ALL;
        plan->skip = !plan->word && !host && i->op != IR_OP_fl_fcmp;
        plan->test = find_test(p, n);
        if (!plan->skip && !plan->test && (!plan->word || word_from_host(p)))
                plan->pair = find_pair(p, n);
        if (plan->test) {
                if (!plan->skip || again)
                        want_args(p, &p->ins[plan->test]);
        } else if ((!plan->skip && !plan->pair) || again) {
                want_value(p, i->arg[0]);
                if (arg_count(i) > 1)
                        want_value(p, i->arg[1]);
        }
        if (plan->pair) {
                p->plan[plan->pair].pair = n;
                want_value(p, plan->pair);
        } else if (!plan->skip && arg_count(i) > 2) {
                plan_carry(p, n);
        }
        if (!w->recipe || plan->word)
                return;
        plan->result = find_result(p, n);
        if (plan->result)
                want_value(p, plan->result);
        for (unsigned k = plan->result != 0; k < arg_count(i); k++)
                want_recipe(p, i->arg[k], w->recipe);
}

/* ---- all other ops ---- */

/* The flag condition that reader @i of test @t wants. */
static enum ir_flcond reader_cond(const struct ir_ins *i, const struct ir_ins *t)
{
        return i->cond == IR_EQ ? t->cond ^ 1 : t->cond;
}

/*
 * A deferred value that is a constant away from another one, as a stack pointer is after a push: if nobody else wants
 * it the fault map may as well have the other.
 */
static bool is_step(const struct planner *p, ir_ref v)
{
        const struct ir_ins *i = &p->ins[v];

        switch (i->op) {
        case IR_OP_add: case IR_OP_sub:
                return p->ins[i->arg[1]].op == IR_OP_const;
        case IR_OP_trunc: case IR_OP_zext32: case IR_OP_sext32:
                return true;
        default:
                return false;
        }
}

static void plan_ins(struct planner *p, ir_ref n)
{
        const struct ir_ins *i = &p->ins[n];
        struct want *w = &p->want[n];
        const struct ir_ins *t;

        if (flag_computes(i)) {
                plan_flags(p, n);
                return;
        }
        if (!w->value && ir_has_result(i) && flag_can_wait(i)) {
                p->plan[n].skip = true;
                for (unsigned k = 0; w->recipe && k < arg_count(i); k++)
                        want_recipe(p, i->arg[k], w->recipe);
                return;
        }
        switch (i->op) {
        case IR_OP_put:
                if (i->flags & IR_INS_DEFERRED && (i->type == IR_FLAGS || is_step(p, i->arg[0])))
                        want_recipe(p, i->arg[0], 0);
                else
                        want_value(p, i->arg[0]);
                return;
        case IR_OP_fl_test:
                add_reader(p, i->arg[0], n, i->cond);
                return;
        case IR_OP_adc: case IR_OP_sbc:
                want_value(p, i->arg[0]);
                want_value(p, i->arg[1]);
                plan_carry(p, n);
                return;
        case IR_OP_brcc: case IR_OP_setcc: case IR_OP_select:
                t = &p->ins[i->arg[0]];
                if (t->op == IR_OP_fl_test && reads_test(p, i, 0) && !p->want[i->arg[0]].others) {
                        add_reader(p, t->arg[0], n, reader_cond(i, t));
                        if (i->op == IR_OP_select) {
                                want_value(p, i->arg[2]);
                                want_value(p, i->arg[3]);
                        }
                        return;
                }
                /* fallthrough */
        default:
                want_args(p, i);
        }
}

static const struct ir_block *block_of(const struct ir_region *r, ir_ref n)
{
        const struct ir_block *b = r->blocks;

        while (outside(b, n))
                b++;
        return b;
}

struct flag_plan *flagplan_make(const struct ir_region *r, const struct flag_target *t)
{
        struct planner p = {.r = r, .ins = r->ins, .t = t};

        if (!r->has_flags)
                return NULL;
        p.plan = arena_zalloc(r->arena, r->n_ins * sizeof(*p.plan));
        p.want = arena_zalloc(r->arena, r->n_ins * sizeof(*p.want));
        p.next_reader = arena_zalloc(r->arena, r->n_ins * sizeof(*p.next_reader));
        count_uses(&p);
        p.block = &r->blocks[0];
        for (ir_ref n = r->n_ins; n-- > 1;) {
                if (r->ins[n].flags & IR_INS_DEAD)
                        continue;
                if (outside(p.block, n))
                        p.block = block_of(r, n);
                plan_ins(&p, n);
        }
        return p.plan;
}
