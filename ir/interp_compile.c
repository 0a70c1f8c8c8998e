/* SPDX-License-Identifier: MIT */
/*
 * The compiling half of the reference interpreter: regions to threaded code. Values get indexes in the order
 * of their making; a constant becomes part of the steps that use it where they have a form for that, and a
 * step of its own where they have not. The result is one allocation and holds no pointer into the region.
 */
#include <string.h>

#include "ir/interp.h"
#include "ir/interp_code.h"

#define VALUE_NONE 0  /* always 0: arguments that are absent */
#define VALUE_TRASH 1 /* results that nobody wants */
#define VALUE_FIRST 2

struct compiler {
        const struct ir_region *r;
        struct ir_icode *code;
        uint32_t n_steps, cap_steps; /* of code->steps, and of the arrays below */
        uint32_t n_fp;
        uint16_t insn;       /* in force */
        uint32_t *value;     /* by ref: its index; survey makes sure that it fits 16 bits */
        uint8_t *needed;     /* by ref: a constant that some step wants as a value */
        uint32_t *block_at;  /* by block: its first step */
};

static const struct ir_ins *arg_of(const struct compiler *c, const struct ir_ins *i, unsigned k)
{
        return &c->r->ins[i->arg[k]];
}

static bool is_const(const struct compiler *c, const struct ir_ins *i, unsigned k)
{
        return arg_of(c, i, k)->op == IR_OP_const;
}

/* Can argument @k stand in the step as an immediate? */
static bool takes_imm(const struct ir_ins *i, unsigned k)
{
        if (i->op == IR_OP_put)
                return i->type != IR_V128;
        return k == 1 && (ir_ops[i->op].sig == IR_SIG_INT || i->op == IR_OP_setcc || i->op == IR_OP_brcc);
}

static bool is32(enum ir_type t)
{
        return t == IR_I32 || t == IR_F32 || t == IR_FLAGS;
}

static uint64_t const_word(const struct ir_ins *i)
{
        return is32(i->type) ? (uint32_t)i->imm : (uint64_t)i->imm;
}

static uint16_t arg(const struct compiler *c, const struct ir_ins *i, unsigned k)
{
        return c->value[i->arg[k]];
}

static struct ir_step *step(struct compiler *c, enum ir_step_op op)
{
        struct ir_step *s = &c->code->steps[c->n_steps];

        c->code->insn_of[c->n_steps++] = c->insn;
        *s = (struct ir_step){.op = op};
        return s;
}

/* The four forms of an integer step lie together: 32, 32 with immediate, 64, 64 with immediate. */
static struct ir_step *step_int(struct compiler *c, const struct ir_ins *i, enum ir_step_op first,
                                enum ir_type type)
{
        bool imm = i->arg[1] && is_const(c, i, 1);
        struct ir_step *s = step(c, first + (is32(type) ? 0 : 2) + imm);

        s->a = arg(c, i, 0);
        if (imm)
                s->imm = arg_of(c, i, 1)->imm;
        else
                s->b = arg(c, i, 1);
        return s;
}

static const uint16_t int_steps[IR_OP_COUNT] = {
#define OP(name, sig, nargs, flags, eval, doc) FIRST_##sig(name)
#define FIRST_IR_SIG_INT(name) [IR_OP_##name] = ST_##name##32,
#define FIRST_IR_SIG_FP(name)
#define FIRST_IR_SIG_SETCC(name)
#define FIRST_IR_SIG_FCMP(name)
#define FIRST_IR_SIG_SELECT(name)
#define FIRST_IR_SIG_CONV(name)
#define FIRST_IR_SIG_BITS(name)
#define FIRST_IR_SIG_FLAGS(name)
#define FIRST_IR_SIG_LANE(name)
#define FIRST_IR_SIG_VEC(name)
#define FIRST_IR_SIG_VFP(name)
#define FIRST_IR_SIG_MEM(name)
#define FIRST_IR_SIG_CTRL(name)
#include "ir/ops.def"
#undef OP
};

#define COND_ORDER(c, n) \
        _Static_assert(ST_setcc_##n##32 == ST_setcc_eq32 + 4 * (c) && \
                               ST_brcc_##n##32 == ST_brcc_eq32 + 4 * (c) && \
                               ST_select_##n##32 == ST_select_eq32 + 2 * (c), \
                       "steps are in the order of enum ir_cond")
COND_ORDER(IR_NE, ne);
COND_ORDER(IR_GEU, geu);
COND_ORDER(IR_LTS, lts);
COND_ORDER(IR_LEU, leu);
COND_ORDER(IR_GTS, gts);
COND_ORDER(IR_TSTZ, tstz);
COND_ORDER(IR_TSTNZ, tstnz);

static void compile_value(struct compiler *c, const struct ir_ins *i, uint16_t d)
{
        bool narrow = is32(i->type);
        struct ir_step *s;

        switch (i->op) {
        case IR_OP_get:
                s = step(c, narrow ? ST_get32 : ST_get64);
                s->imm = c->r->guest->slots[i->aux].offset;
                break;
        case IR_OP_wget:
                s = step(c, ST_wget);
                s->imm = i->aux;
                break;
        case IR_OP_pcaddr:
                s = step(c, ST_pcaddr);
                s->imm = i->imm;
                break;
        case IR_OP_setcc:
                s = step_int(c, i, ST_setcc_eq32 + 4 * i->cond, i->aux);
                break;
        case IR_OP_select:
                s = step(c, ST_select_eq32 + 2 * i->cond + !is32(i->aux));
                s->a = arg(c, i, 0);
                s->b = arg(c, i, 1);
                s->c = arg(c, i, 2);
                s->e = arg(c, i, 3);
                break;
        case IR_OP_trunc:
                s = step(c, ST_low32);
                break;
        case IR_OP_sext32:
                s = step(c, ST_sext32);
                break;
        case IR_OP_zext32:
        case IR_OP_bitcast:
                s = step(c, ST_mov);
                break;
        case IR_OP_fbox:
                s = step(c, ST_fbox);
                break;
        case IR_OP_fabs:
                s = step(c, narrow ? ST_fabs32 : ST_fabs64);
                break;
        case IR_OP_fneg:
                s = step(c, narrow ? ST_fneg32 : ST_fneg64);
                break;
        case IR_OP_fsgnj:
                s = step(c, narrow ? ST_fsgnj32 : ST_fsgnj64);
                s->b = arg(c, i, 1);
                s->imm = i->aux;
                break;
        default:
                s = step_int(c, i, int_steps[i->op], i->type);
                break;
        }
        s->a = arg(c, i, 0);
        s->d = d;
}

/* Does its step point to a copy of the op? */
static bool is_eval(const struct ir_ins *i)
{
        return ir_ops[i->op].sig == IR_SIG_BITS ||
               (ir_ops[i->op].sig == IR_SIG_FLAGS && i->op != IR_OP_fl_fcmp);
}

static bool has_copy(const struct ir_ins *i)
{
        return (ir_ops[i->op].flags & IR_FPSTATE) || i->op == IR_OP_funbox || is_eval(i) ||
               ir_is_vector_op(i->op);
}

static void compile_fp(struct compiler *c, const struct ir_ins *i, uint16_t d)
{
        struct ir_ins *copy = &c->code->fp_ins[c->n_fp++];
        struct ir_step *s = step(c, is_eval(i) ? ST_eval : ST_fp);

        s->d = d;
        s->a = arg(c, i, 0);
        s->b = arg(c, i, 1);
        s->c = arg(c, i, 2);
        *copy = *i;
        s = step(c, ST_fp);
        s->ptr = copy;
        s->d = arg_of(c, i, 0)->type;
}

/* The two halves of a vector are values of their own to what merely moves them. */
static void compile_vector_move(struct compiler *c, const struct ir_ins *i, uint16_t d)
{
        for (unsigned half = 0; half < 2; half++) {
                struct ir_step *s;

                switch (i->op) {
                case IR_OP_const:
                        s = step(c, ST_const);
                        s->imm = i->imm;
                        break;
                case IR_OP_get:
                        s = step(c, ST_get64);
                        s->imm = c->r->guest->slots[i->aux].offset + 8 * half;
                        break;
                case IR_OP_put:
                        s = step(c, ST_put64);
                        s->a = arg(c, i, 0) + half;
                        s->imm = c->r->guest->slots[i->aux].offset + 8 * half;
                        continue;
                default: /* select */
                        s = step(c, ST_select_eq32 + 2 * i->cond + !is32(i->aux));
                        s->a = arg(c, i, 0);
                        s->b = arg(c, i, 1);
                        s->c = arg(c, i, 2) + half;
                        s->e = arg(c, i, 3) + half;
                        break;
                }
                s->d = d + half;
        }
}

static void compile_vec(struct compiler *c, const struct ir_ins *i, uint16_t d)
{
        enum ir_step_op op = ir_ops[i->op].sig == IR_SIG_VFP ? ST_vfp : ST_vec;
        struct ir_ins *copy = &c->code->fp_ins[c->n_fp++];
        struct ir_step *s = step(c, op);

        s->d = d;
        s->a = arg(c, i, 0);
        s->b = arg(c, i, 1);
        s->c = arg(c, i, 2);
        *copy = *i;
        step(c, op)->ptr = copy;
}

static void compile_mem(struct compiler *c, const struct ir_ins *i, uint16_t d)
{
        struct ir_step *s;

        switch (i->op) {
        case IR_OP_ld:
                s = step(c, i->type == IR_V128 ? ST_ld128 : is32(i->type) ? ST_ld32 : ST_ld64);
                break;
        case IR_OP_st:
                s = step(c, i->type == IR_V128 ? ST_st128 : ST_st);
                s->b = arg(c, i, 2);
                break;
        case IR_OP_rmw:
                s = step(c, is32(i->type) ? ST_rmw32 : ST_rmw64);
                s->b = arg(c, i, 2);
                break;
        case IR_OP_cas16:
                s = step(c, ST_cas16);
                break;
        default:
                s = step(c, is32(i->type) ? ST_cas32 : ST_cas64);
                s->b = arg(c, i, 2);
                break;
        }
        s->d = d;
        s->a = arg(c, i, 1);
        s->offset = i->op == IR_OP_cas ? arg(c, i, 3) : i->imm;
        s->mem = i->aux;
}

static void compile_put(struct compiler *c, const struct ir_ins *i)
{
        uint32_t offset = c->r->guest->slots[i->aux].offset;
        struct ir_step *s;

        if (is_const(c, i, 0)) {
                s = step(c, is32(i->type) ? ST_putc32 : ST_putc64);
                s->d = offset;
                s->a = offset >> 16;
                s->imm = arg_of(c, i, 0)->imm;
        } else {
                s = step(c, is32(i->type) ? ST_put32 : ST_put64);
                s->a = arg(c, i, 0);
                s->imm = offset;
        }
}

static void compile_call(struct compiler *c, const struct ir_ins *i, uint16_t d)
{
        struct ir_step *s = step(c, ST_call);

        s->d = d;
        s->a = i->type == IR_I32;
        s->imm = i->imm;
        s = step(c, ST_call);
        s->a = arg(c, i, 0);
        s->b = arg(c, i, 1);
        s->c = arg(c, i, 2);
        s->e = arg(c, i, 3);
}

/* Block numbers stand for steps until all blocks have their place. */
static void compile_brcc(struct compiler *c, const struct ir_ins *i)
{
        struct ir_step *s = step_int(c, i, ST_brcc_eq32 + 4 * i->cond, i->type);

        if (is_const(c, i, 1))
                s = step(c, ST_br);
        s->then_step = (uint32_t)i->imm;
        s->else_step = (uint64_t)i->imm >> 32;
}

static void compile_control(struct compiler *c, const struct ir_ins *i)
{
        struct ir_step *s;

        switch (i->op) {
        case IR_OP_put:
                compile_put(c, i);
                return;
        case IR_OP_brcc:
                compile_brcc(c, i);
                return;
        case IR_OP_br:
                s = step(c, ST_br);
                s->then_step = i->aux;
                return;
        case IR_OP_fence:
                step(c, ST_fence);
                return;
        case IR_OP_wput:
                s = step(c, ST_wput);
                s->a = arg(c, i, 0);
                s->imm = i->aux;
                return;
        case IR_OP_hook:
                s = step(c, ST_hook);
                s->d = i->aux;
                s->a = i->aux >> 16;
                break;
        case IR_OP_budget:
                s = step(c, ST_budget);
                break;
        case IR_OP_poll:
                s = step(c, ST_poll);
                break;
        case IR_OP_exit_jump:
                s = step(c, ST_exit_jump);
                s->d = i->aux & 1;
                break;
        case IR_OP_exit_ind:
                s = step(c, ST_exit_ind);
                s->a = arg(c, i, 0);
                break;
        case IR_OP_exit:
                s = step(c, ST_exit);
                s->d = i->cond;
                break;
        default: /* ret_push, nop: nothing that can be seen */
                return;
        }
        s->imm = i->imm;
}

static void compile_ins(struct compiler *c, ir_ref n)
{
        const struct ir_ins *i = &c->r->ins[n];
        uint16_t d = VALUE_TRASH;

        if (i->op == IR_OP_insn) {
                c->insn = i->aux;
                return;
        }
        if (i->op == IR_OP_lookup || (i->op == IR_OP_const && !c->needed[n]))
                return;
        if (ir_has_result(i))
                d = c->value[n];
        if (i->type == IR_V128 && (i->op == IR_OP_const || i->op == IR_OP_get || i->op == IR_OP_put ||
                                   i->op == IR_OP_select)) {
                compile_vector_move(c, i, d);
        } else if (ir_is_vector_op(i->op)) {
                compile_vec(c, i, d);
        } else if (i->op == IR_OP_const) {
                struct ir_step *s = step(c, ST_const);

                s->d = d;
                s->imm = const_word(i);
        } else if (i->op == IR_OP_call) {
                compile_call(c, i, d);
        } else if (ir_ops[i->op].sig == IR_SIG_MEM) {
                compile_mem(c, i, d);
        } else if (has_copy(i)) {
                compile_fp(c, i, d);
        } else if (ir_has_result(i)) {
                compile_value(c, i, d);
        } else {
                compile_control(c, i);
        }
}

static void fix_targets(struct compiler *c)
{
        for (uint32_t k = 0; k < c->n_steps; k++) {
                struct ir_step *s = &c->code->steps[k];

                if (s->op >= ST_brcc_eq32 && s->op < ST_select_eq32) {
                        if ((s->op - ST_brcc_eq32) & 1) /* the targets are in the step after the immediate */
                                s = &c->code->steps[++k];
                        s->then_step = c->block_at[s->then_step];
                        s->else_step = c->block_at[s->else_step];
                } else if (s->op == ST_br) {
                        s->then_step = c->block_at[s->then_step];
                } else if (s->op == ST_call || s->op == ST_fp || s->op == ST_eval || s->op == ST_vec ||
                           s->op == ST_vfp) {
                        k++;
                }
        }
}

/* One pass over the region for what must be known before: constants needed as values, and how much there will
 * be. */
static void survey(struct compiler *c, uint32_t *n_values, uint32_t *n_fp)
{
        const struct ir_region *r = c->r;

        *n_values = VALUE_FIRST;
        *n_fp = 0;
        for (ir_ref n = 1; n < r->n_ins; n++) {
                const struct ir_ins *i = &r->ins[n];

                if (i->flags & IR_INS_DEAD)
                        continue;
                if (ir_has_result(i)) {
                        c->value[n] = *n_values;
                        *n_values += i->type == IR_V128 ? 2 : 1;
                }
                *n_fp += has_copy(i);
                for (unsigned k = 0; k < 4; k++)
                        if (!takes_imm(i, k))
                                c->needed[i->arg[k]] = 1;
        }
}

static size_t align16(size_t n)
{
        return (n + 15) & ~(size_t)15;
}

/* One allocation: the code, then the ops of FP steps, the offsets and numbers of guest instructions. */
static struct ir_icode *code_new(const struct ir_region *r, uint32_t cap_steps, uint32_t n_fp)
{
        size_t steps = align16(sizeof(struct ir_icode)) + cap_steps * sizeof(struct ir_step);
        size_t fp = n_fp * sizeof(struct ir_ins), offsets = align16((r->n_guest_insns + 1) * sizeof(int64_t));
        uint8_t *p = g_malloc0(steps + fp + offsets + cap_steps * sizeof(uint16_t));
        struct ir_icode *code = (struct ir_icode *)p;

        code->fp_ins = (struct ir_ins *)(p + steps);
        code->insn_offset = (int64_t *)(p + steps + fp);
        code->insn_of = (uint16_t *)(p + steps + fp + offsets);
        code->fp = r->fp;
        code->insn_offset[0] = r->start_offset;
        for (ir_ref n = 1; n < r->n_ins; n++)
                if (r->ins[n].op == IR_OP_insn && r->ins[n].aux < r->n_guest_insns)
                        code->insn_offset[r->ins[n].aux] = r->ins[n].imm;
        return code;
}

static void compile_blocks(struct compiler *c)
{
        const struct ir_region *r = c->r;
        ir_ref *entry = g_new(ir_ref, r->n_blocks);

        ir_entry_insns(r, entry);
        for (uint32_t k = 0; k < r->n_blocks; k++) {
                c->block_at[k] = c->n_steps;
                c->insn = entry[k] ? r->ins[entry[k]].aux : 0;
                for (ir_ref n = r->blocks[k].first; n < r->blocks[k].end; n++)
                        if (!(r->ins[n].flags & IR_INS_DEAD))
                                compile_ins(c, n);
        }
        g_free(entry);
}

struct ir_icode *ir_interp_compile(const struct ir_region *r)
{
        struct compiler c = {.r = r};
        uint32_t n_values, n_fp;

        c.needed = g_new0(uint8_t, r->n_ins);
        c.value = g_new0(uint32_t, r->n_ins);
        survey(&c, &n_values, &n_fp);
        if (n_values <= UINT16_MAX && r->n_guest_insns < UINT16_MAX) {
                c.code = code_new(r, 2 * r->n_ins, n_fp);
                c.block_at = g_new0(uint32_t, r->n_blocks);
                compile_blocks(&c);
                fix_targets(&c);
                c.code->n_steps = c.n_steps;
                c.code->n_values = n_values;
        }
        g_free(c.needed);
        g_free(c.value);
        g_free(c.block_at);
        return c.code;
}

void ir_icode_free(struct ir_icode *code)
{
        g_free(code);
}
