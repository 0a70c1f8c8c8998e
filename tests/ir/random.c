/* SPDX-License-Identifier: MIT */
/*
 * Random regions: made without rules, then compared with what ir_reduce and ir_optimise make of them, on all
 * engines, with no fault and with a fault at each access in turn. Operands and constants are biased towards
 * what rules look for: few values, used often; zero, one, all ones, powers of two, masks.
 */
#include "tests/ir/check.h"

#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "ir/build.h"
#include "ir/flags.h"
#include "tests/ir/vec_gen.h"

#define POOL 48

struct gen {
        struct ir_builder *b;
        uint64_t seed;
        ir_ref pool[IR_TYPE_COUNT][POOL]; /* values that can be used here */
        unsigned n[IR_TYPE_COUNT];
        unsigned insn;
        bool flow;                        /* of make_flow: COUNTER is put there alone, and one slot has the
                                             flags */
};

enum { COUNTER = SLOT_X0 + 13 };

/* splitmix64 */
static uint64_t next_random(uint64_t *seed)
{
        uint64_t z = *seed += 0x9e3779b97f4a7c15ull;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        return z ^ (z >> 31);
}

static unsigned pick(struct gen *g, unsigned n)
{
        return next_random(&g->seed) % n;
}

static uint64_t biased(uint64_t *seed)
{
        static const uint64_t words[] = {
                0, 1, 2, 3, 4, 7, 8, 16, 24, 31, 32, 48, 56, 63, 64, 127, 128, 255, 256, 0x7fff, 0x8000,
                0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff,
                0x8000000000000000, 0x3ff0000000000000, 0x7ff0000000000000, 0x7ff8000000000000,
                0x7ff0000000000001, 0x3f800000, 0x7fc00000, 0xffffffff3f800000,
        };
        uint64_t r = next_random(seed), w = words[(r >> 8) % G_N_ELEMENTS(words)];

        switch (r & 7) {
        case 0: return next_random(seed);
        case 1: return 1ull << (r >> 8 & 63);
        case 2: return -w;
        case 3: return ~w;
        default: return w;
        }
}

static void remember(struct gen *g, ir_ref v)
{
        enum ir_type t = ir_type_of(g->b, v);
        unsigned k = g->n[t] < POOL ? g->n[t]++ : pick(g, POOL);

        g->pool[t][k] = v;
}

static uint32_t random_slot(struct gen *g, enum ir_type t)
{
        uint32_t x = SLOT_X0 + pick(g, 16);

        switch (t) {
        case IR_I64: return g->flow && x == COUNTER ? SLOT_X0 : x;
        case IR_I32: return SLOT_W0 + pick(g, 4);
        case IR_F64: return SLOT_F0 + pick(g, 4);
        case IR_FLAGS: return SLOT_FL0 + (pick(g, 2) && !g->flow);
        case IR_V128: return SLOT_V0 + pick(g, 4);
        default: return SLOT_S0 + pick(g, 4);
        }
}

static enum ir_type random_type(struct gen *g)
{
        static const uint8_t types[] = {IR_I64, IR_I64, IR_I64, IR_I64, IR_I32, IR_I32, IR_F64, IR_F32,
                                        IR_V128};

        return types[pick(g, G_N_ELEMENTS(types))];
}

/* A value of the type: one there is, a constant, or what a slot holds. */
static ir_ref value(struct gen *g, enum ir_type t)
{
        unsigned how = pick(g, 8);
        ir_ref v;

        if (g->n[t] && how < 5)
                return g->pool[t][pick(g, 2) && g->n[t] > 3 ? g->n[t] - 1 - pick(g, 3) : pick(g, g->n[t])];
        if (t == IR_FLAGS)
                v = how < 6 ? ir_fl_const(g->b, pick(g, IR_FLAG_ALL + 1)) : ir_get(g->b, random_slot(g, t));
        else
                v = how < 7 ? ir_const(g->b, t, biased(&g->seed)) : ir_get(g->b, random_slot(g, t));
        remember(g, v);
        return v;
}

/* An address: mostly in memory that there is, often a slot plus a constant. */
static ir_ref address(struct gen *g)
{
        ir_ref v;

        switch (pick(g, 6)) {
        case 0:
                return ir_const(g->b, IR_I64, WORLD_RAM_AT + pick(g, WORLD_RAM - 0x1100));
        case 1:
                return value(g, IR_I64);
        case 2:
                v = ir_add(g->b, ir_get(g->b, SLOT_X0 + 14 + pick(g, 2)),
                           ir_const(g->b, IR_I64, (int)pick(g, 256) - 64));
                remember(g, v);
                return v;
        default:
                v = ir_get(g->b, SLOT_X0 + 14 + pick(g, 2)); /* these begin as good addresses */
                remember(g, v);
                return v;
        }
}

static struct ir_mem random_mem(struct gen *g, enum ir_type t)
{
        struct ir_mem m = {0};

        if (t == IR_V128) {
                m.size_log2 = pick(g, 2) ? 4 : pick(g, 5);
                m.align = pick(g, 16) == 0;
                return m;
        }
        if (ir_type_is_fp(t)) {
                m.size_log2 = t == IR_F64 ? 3 : 2;
        } else {
                m.size_log2 = pick(g, t == IR_I64 ? 4 : 3);
                m.sign = pick(g, 2);
        }
        m.big_endian = pick(g, 8) == 0;
        m.align = pick(g, 16) == 0;
        m.view = pick(g, 16) == 0;
        return m;
}

static const uint8_t int_binary[] = {
        IR_OP_add,    IR_OP_add,  IR_OP_add,  IR_OP_sub,  IR_OP_mul,  IR_OP_mulhu, IR_OP_mulhs,
        IR_OP_mulhsu, IR_OP_divu, IR_OP_divs, IR_OP_remu, IR_OP_rems, IR_OP_and,   IR_OP_and,
        IR_OP_or,     IR_OP_xor,  IR_OP_andc, IR_OP_orc,  IR_OP_shl,  IR_OP_shl,   IR_OP_shru,
        IR_OP_shru,   IR_OP_shrs, IR_OP_shrs, IR_OP_rotl, IR_OP_rotr,
};
static const uint8_t int_unary[] = {
        IR_OP_neg,  IR_OP_not,   IR_OP_clz,    IR_OP_ctz,   IR_OP_popcnt, IR_OP_bswap,
        IR_OP_orcb, IR_OP_sext8, IR_OP_sext16, IR_OP_zext8, IR_OP_zext16,
};

static ir_ref fp_value(struct gen *g)
{
        static const uint8_t two[] = {IR_OP_fadd, IR_OP_fsub, IR_OP_fmul, IR_OP_fdiv};
        enum ir_type t = pick(g, 2) ? IR_F64 : IR_F32;
        enum ir_round rm = pick(g, IR_RM_MODE + 1);
        ir_ref x = value(g, t), y = value(g, t);

        switch (pick(g, 11)) {
        case 0: return ir_fabs(g->b, x);
        case 1: return ir_fneg(g->b, x);
        case 2: return ir_fsgnj(g->b, pick(g, 3), x, pick(g, 2) ? x : y);
        case 3: return ir_fmin(g->b, x, y);
        case 4: return ir_fmax(g->b, x, y);
        case 5: return ir_fp1(g->b, IR_OP_fsqrt, rm, x);
        case 6: return ir_fma(g->b, rm, pick(g, 2), pick(g, 2), x, y, value(g, t));
        case 7: return ir_fcmp(g->b, pick(g, IR_FCOND_COUNT), x, y);
        case 8: return ir_fcvt_fi(g->b, rm, pick(g, 2) ? IR_I32 : IR_I64, pick(g, 2), x);
        case 9: return ir_fcvt_ff(g->b, rm, t == IR_F64 ? IR_F32 : IR_F64, x);
        default: return ir_fp2(g->b, two[pick(g, 4)], rm, x, y);
        }
}

static ir_ref converted(struct gen *g)
{
        switch (pick(g, 8)) {
        case 0: return ir_sext32(g->b, value(g, IR_I32));
        case 6: return ir_pcaddr(g->b, (int)pick(g, 0x3000) - 0x1000);
        case 1: return ir_zext32(g->b, value(g, IR_I32));
        case 2: return ir_bitcast(g->b, value(g, IR_I32 + pick(g, 4)));
        case 3: return ir_fbox(g->b, value(g, IR_F32));
        case 4: return ir_funbox(g->b, value(g, IR_F64));
        case 5: return ir_fcvt_if(g->b, IR_RM_MODE, pick(g, 2) ? IR_F32 : IR_F64, pick(g, 2),
                                  value(g, pick(g, 2) ? IR_I32 : IR_I64));
        default: return ir_trunc(g->b, value(g, IR_I64));
        }
}

/* Fields and sums with carries. */
static ir_ref bits_value(struct gen *g)
{
        enum ir_type t = pick(g, 3) ? IR_I64 : IR_I32;
        unsigned w = t == IR_I64 ? 64 : 32, len = pick(g, 3) ? 8 << pick(g, w == 64 ? 4 : 3) : 1 + pick(g, w);
        unsigned pos = pick(g, w - len + 1);
        ir_ref x = value(g, t), y = value(g, t), c = ir_setcc(g->b, pick(g, IR_COND_COUNT), x, y);

        switch (pick(g, 6)) {
        case 0: return ir_extu(g->b, x, pos, len);
        case 1: return ir_exts(g->b, x, pos, len);
        case 2: return ir_insert(g->b, x, y, pos, len);
        case 3: return ir_extr(g->b, x, y, pick(g, 2) ? value(g, t) : ir_const(g->b, t, pick(g, w)));
        case 4: return ir_adc(g->b, x, y, c);
        default: return ir_sbc(g->b, x, y, c);
        }
}

/* A result, as often as not, and the flags of the same operands. */
static ir_ref flags_computed(struct gen *g)
{
        unsigned w = 8 << pick(g, 4), aux = w | (pick(g, 4) ? 0 : IR_FL_NOT_C);
        enum ir_type t = w == 64 ? IR_I64 : IR_I32;
        ir_ref x = value(g, t), y = value(g, t), c = 0;
        unsigned kind = pick(g, 6);

        if (kind == 2 || kind == 3)
                c = pick(g, 2) ? ir_fl_test(g->b, IR_FL_C + pick(g, 2), value(g, IR_FLAGS))
                               : ir_setcc(g->b, pick(g, IR_COND_COUNT), x, y);
        if (pick(g, 2)) {
                static const uint8_t logic[] = {IR_OP_and, IR_OP_or, IR_OP_xor};
                ir_ref r;

                switch (kind) {
                case 0: r = ir_add(g->b, x, y); break;
                case 1: r = ir_sub(g->b, x, y); break;
                case 2: r = ir_adc(g->b, x, y, c); break;
                case 3: r = ir_sbc(g->b, x, y, c); break;
                case 4: r = x = ir_binary(g->b, logic[pick(g, 3)], x, y); break;
                default: r = x; break;
                }
                remember(g, r);
                if (pick(g, 2))
                        ir_put(g->b, random_slot(g, t), r);
        }
        switch (kind) {
        case 0: return ir_fl_add(g->b, aux, x, y);
        case 1: return ir_fl_sub(g->b, aux, x, y);
        case 2: return ir_fl_adc(g->b, aux, x, y, c);
        case 3: return ir_fl_sbc(g->b, aux, x, y, c);
        case 4: return ir_fl_logic(g->b, aux, x);
        default:
                t = pick(g, 2) ? IR_F64 : IR_F32;
                return ir_fl_fcmp(g->b, (pick(g, 2) ? IR_FL_BY_CARRY : 0) | (pick(g, 2) ? IR_FL_SIGNALS : 0),
                                  value(g, t), value(g, t));
        }
}

static ir_ref flags_value(struct gen *g)
{
        const unsigned some = IR_FLAG_ALL & ~IR_FLAG_P;
        ir_ref f = value(g, IR_FLAGS), h = value(g, IR_FLAGS), x = value(g, IR_I64), word;

        switch (pick(g, 10)) {
        case 0: return ir_fl_with(g->b, f, pick(g, IR_FLAG_ALL + 1),
                                  ir_fl_test(g->b, pick(g, IR_FLCOND_COUNT), h));
        case 1: return ir_fl_merge(g->b, f, h, pick(g, IR_FLAG_ALL + 1));
        case 2: return ir_select(g->b, pick(g, IR_COND_COUNT), x, value(g, IR_I64), f, h);
        case 3: return ir_fl_from(g->b, ir_const(g->b, IR_I32, ir_flags_make(pick(g, IR_FLAG_ALL + 1))));
        case 4:
                word = ir_fl_word(g->b, f);
                return ir_and(g->b, word, ir_const(g->b, IR_I32, ir_flags_bits(some)));
        case 5: case 6:
                x = ir_fl_test(g->b, pick(g, IR_FLCOND_COUNT), f);
                return ir_select(g->b, pick(g, 2), x, ir_const(g->b, IR_I64, 0), value(g, IR_I64),
                                 value(g, IR_I64));
        default: return ir_fl_test(g->b, pick(g, IR_FLCOND_COUNT), f);
        }
}

static unsigned gen_pick(void *g, unsigned n)
{
        return pick(g, n);
}

static ir_ref gen_value(void *g, enum ir_type t)
{
        return value(g, t);
}

static ir_ref vec_value(struct gen *g)
{
        const struct vec_gen v = {g->b, gen_pick, gen_value, g};

        return vec_gen_op(&v, IR_OP_nop);
}

static void make_value(struct gen *g)
{
        enum ir_type t = pick(g, 3) ? IR_I64 : IR_I32, u;
        ir_ref x = value(g, t), y = value(g, t);

        if (pick(g, 6) == 0) {
                remember(g, vec_value(g));
                return;
        }
        if (pick(g, 4) == 0) {
                remember(g, pick(g, 4) ? pick(g, 2) ? flags_value(g) : flags_computed(g) : bits_value(g));
                return;
        }
        switch (pick(g, 10)) {
        case 0: case 1: case 2: case 3:
                remember(g, ir_binary(g->b, int_binary[pick(g, G_N_ELEMENTS(int_binary))], x, y));
                break;
        case 4:
                remember(g, ir_unary(g->b, int_unary[pick(g, G_N_ELEMENTS(int_unary))], x));
                break;
        case 5:
                remember(g, ir_setcc(g->b, pick(g, IR_COND_COUNT), x, y));
                break;
        case 6:
                u = random_type(g);
                remember(g, ir_select(g->b, pick(g, IR_COND_COUNT), x, y, value(g, u), value(g, u)));
                break;
        case 7: case 8:
                remember(g, converted(g));
                break;
        default:
                remember(g, fp_value(g));
                break;
        }
}

static void make_access(struct gen *g)
{
        enum ir_type t = random_type(g);
        ir_ref base = address(g);
        int32_t imm = pick(g, 4) ? (int)pick(g, 128) : (int)pick(g, 4096) - 1024;

        switch (pick(g, 8)) {
        case 0:
                t = pick(g, 2) ? IR_I64 : IR_I32;
                {
                        struct ir_mem m = random_mem(g, t);

                        m.rmw = pick(g, IR_RMW_COUNT);
                        remember(g, ir_atomic_rmw(g->b, m, base, value(g, t)));
                }
                break;
        case 1:
                t = pick(g, 2) ? IR_I64 : IR_I32;
                remember(g, ir_atomic_cas(g->b, random_mem(g, t), base, value(g, t), value(g, t)));
                break;
        case 2: case 3: case 4:
                ir_store(g->b, random_mem(g, t), base, imm, value(g, t));
                break;
        default:
                remember(g, ir_load(g->b, t, random_mem(g, t), base, imm));
                break;
        }
}

static void make_call(struct gen *g)
{
        const struct ir_helper *h = world_helpers[pick(g, 9)]; /* not quit */
        ir_ref a[4] = {0}, v;

        for (unsigned k = 0; k < h->n_args; k++)
                a[k] = value(g, h->type == IR_I32 ? IR_I32 : IR_I64);
        v = ir_call(g->b, h, a[0], a[1], a[2], a[3]);
        if (h->type != IR_VOID)
                remember(g, v);
}

static void make_effect(struct gen *g)
{
        enum ir_type t = random_type(g);

        switch (pick(g, 16)) {
        case 0: case 1: case 2: case 3: case 4: case 5:
                if (pick(g, 4) == 0)
                        t = IR_FLAGS;
                ir_put(g->b, random_slot(g, t), value(g, t));
                break;
        case 6:
                make_call(g);
                break;
        case 7:
                remember(g, ir_get(g->b, random_slot(g, t)));
                break;
        case 8:
                if (pick(g, 4) == 0)
                        ir_poll(g->b, 4 * g->insn);
                else
                        ir_fence(g->b, 1 + pick(g, IR_FENCE_ALL));
                break;
        case 9:
                if (pick(g, 4) == 0)
                        ir_hook(g->b, pick(g, 3), pick(g, 100));
                break;
        default:
                make_access(g);
                break;
        }
}

static void make_insn(struct gen *g)
{
        ir_insn(g->b, 4 * g->insn++);
        for (unsigned n = 1 + pick(g, 5); n; n--) {
                if (pick(g, 2))
                        make_value(g);
                else
                        make_effect(g);
        }
}

static void make_leave(struct gen *g)
{
        switch (pick(g, 4)) {
        case 0: ir_exit_ind(g->b, pick(g, 3), value(g, IR_I64)); break;
        case 1: ir_exit(g->b, IR_EXIT_HALT, 4 * g->insn); break;
        default: ir_exit_jump(g->b, 4 * g->insn, pick(g, 2)); break;
        }
}

static void forget_to(struct gen *g, const unsigned *n)
{
        memcpy(g->n, n, sizeof(g->n));
}

/* An entry block and, often, forward branches: then, else, and a block where they may meet. */
static void make_body(struct gen *g)
{
        unsigned n_entry[IR_TYPE_COUNT], n_insns = 1 + pick(g, 8);
        uint32_t then_block, else_block, join;
        ir_ref x, y;

        while (n_insns--)
                make_insn(g);
        if (pick(g, 2)) {
                make_leave(g);
                return;
        }
        x = value(g, IR_I64);
        y = value(g, IR_I64);
        if (pick(g, 2)) { /* on flags, most often those just computed */
                ir_ref f = pick(g, 3) ? flags_computed(g) : value(g, IR_FLAGS);

                x = ir_fl_test(g->b, pick(g, IR_FLCOND_COUNT), f);
                y = ir_const(g->b, IR_I64, 0);
                ir_put(g->b, SLOT_FL0, f);
        }
        then_block = ir_block_new(g->b);
        else_block = ir_block_new(g->b);
        join = ir_block_new(g->b);
        ir_brcc(g->b, pick(g, IR_COND_COUNT), x, y, then_block, else_block);
        /* A full pool replaces values, and then those of the entry are lost: keep some room. */
        for (unsigned t = 0; t < IR_TYPE_COUNT; t++)
                n_entry[t] = MIN(g->n[t], POOL / 2);
        forget_to(g, n_entry);
        ir_builder_at(g->b, then_block);
        make_insn(g);
        ir_br(g->b, join);
        forget_to(g, n_entry);
        ir_builder_at(g->b, else_block);
        if (pick(g, 2)) {
                make_insn(g);
                ir_br(g->b, join);
        } else {
                make_leave(g);
        }
        forget_to(g, n_entry);
        ir_builder_at(g->b, join);
        make_insn(g);
        make_insn(g);
        make_leave(g);
}

/* ---- loops and jumps ---- */

struct flow {
        uint32_t block[6];
        int64_t start[6]; /* page offsets of their first instructions */
        unsigned n, at;
};

/* A jump back, as long as the counter lasts. Slots tell these flags. */
static void make_round(struct gen *g, struct flow *f, uint32_t next)
{
        ir_ref x = ir_get(g->b, COUNTER), one = ir_const(g->b, IR_I64, 1), flags;
        uint32_t back = ir_block_new(g->b);
        unsigned to = pick(g, f->at + 1);

        ir_put(g->b, COUNTER, ir_sub(g->b, x, one));
        flags = ir_fl_sub(g->b, 64, x, one);
        ir_put(g->b, SLOT_FL0, flags);
        ir_brcc(g->b, IR_NE, ir_fl_test(g->b, IR_FL_GTS, flags), ir_const(g->b, IR_I64, 0), back, next);
        ir_builder_at(g->b, back);
        if (pick(g, 4))
                ir_poll(g->b, f->start[to]);
        ir_br(g->b, f->block[to]);
}

/* The end of a block: on to the next one, or to a later one, or back, or away. */
static void end_flow(struct gen *g, struct flow *f)
{
        bool last = f->at + 1 == f->n;
        uint32_t leave = ir_block_new(g->b), next = last ? leave : f->block[f->at + 1], then = leave;
        ir_ref flags;

        switch (pick(g, 4)) {
        case 0:
                ir_br(g->b, next);
                break;
        case 1:
                make_round(g, f, next);
                break;
        default:
                if (!last && pick(g, 3))
                        then = f->block[f->at + 1 + pick(g, f->n - f->at - 1)];
                flags = pick(g, 3) ? flags_computed(g) : value(g, IR_FLAGS);
                if (pick(g, 4))
                        ir_put(g->b, SLOT_FL0, flags);
                ir_brcc(g->b, IR_NE, ir_fl_test(g->b, pick(g, IR_FLCOND_COUNT), flags),
                        ir_const(g->b, IR_I64, 0), then, next);
                break;
        }
        memset(g->n, 0, sizeof(g->n));
        ir_builder_at(g->b, leave);
        make_leave(g);
}

/* Blocks in a row with jumps among them. */
static void make_flow(struct gen *g)
{
        struct flow f = {.n = 2 + pick(g, 5)};

        g->flow = true;
        for (unsigned k = 0; k < f.n; k++)
                f.block[k] = ir_block_new(g->b);
        ir_put(g->b, COUNTER, ir_and(g->b, ir_get(g->b, COUNTER), ir_const(g->b, IR_I64, 3)));
        ir_br(g->b, f.block[0]);
        for (f.at = 0; f.at < f.n; f.at++) {
                memset(g->n, 0, sizeof(g->n));
                ir_builder_at(g->b, f.block[f.at]);
                f.start[f.at] = 4 * g->insn;
                make_insn(g);
                for (unsigned n = pick(g, 3); n; n--)
                        make_insn(g);
                end_flow(g, &f);
        }
}

struct ir_region *random_region(struct arena *a, uint64_t seed)
{
        struct ir_region *r = ir_region_new(a, &world_guest);
        struct gen g = {.seed = seed};

        r->raw = true;
        r->fp.round = next_random(&g.seed) % (IR_RM_RMM + 1);
        r->fp.nan = IR_NAN_DEFAULT;
        r->fp.fma_inf_zero_nan_invalid = true;
        g.b = ir_builder_new(r);
        r->loops = pick(&g, 2);
        if (pick(&g, 4) == 0) {
                make_flow(&g);
        } else {
                if (pick(&g, 4) == 0)
                        ir_budget(g.b);
                make_body(&g);
        }
        ir_builder_finish(g.b);
        r->guest_bytes = 4 * r->n_guest_insns;
        return r;
}

static void random_world(struct world *w, uint64_t seed)
{
        world_init(w);
        for (uint32_t s = 0; s < SLOT_V0; s++)
                world_slot_put(w, s, biased(&seed));
        for (uint32_t s = SLOT_V0; s < SLOT_STATE; s++) {
                uint64_t low = biased(&seed), high = biased(&seed);

                world_vec_put(w, s, (struct ir_v128){{low, high}});
        }
        world_slot_put(w, SLOT_X0 + 14, WORLD_RAM_AT + 0x1000 + next_random(&seed) % 0x1000);
        world_slot_put(w, SLOT_X0 + 15, WORLD_RAM_AT + 0x3000 + (next_random(&seed) % 0x100) * 8);
        for (unsigned n = 0; n < WORLD_RAM; n += 8) {
                uint64_t v = next_random(&seed);

                memcpy(w->ram + n, &v, 8);
        }
        w->poll = next_random(&seed) % 4 == 0;
        w->budget = next_random(&seed) % 16;
}

static struct ir_region *make_form(struct arena *a, uint64_t seed, unsigned form, uint16_t mutant)
{
        struct ir_region *r = random_region(a, seed);

        r->mutant = mutant;
        if (form & 2)
                r = ir_reduce(a, r);
        if (form & 1)
                ir_optimise(r);
        return r;
}

static bool compare(const struct ir_region *r, const struct ir_engine *e, const struct world *before,
                    const struct world *after, struct world *w, GError **error)
{
        char *difference;

        *w = *before;
        if (!e->run(r, w, error))
                return false;
        difference = world_difference(after, w);
        if (difference)
                error_set(error, RHEA_ERROR_FAILED, "on %s with a fault at %d: %s", e->name,
                          (int)before->fault_at, difference);
        g_free(difference);
        return !difference;
}

/* All forms on all engines, for the fault that @before says; @after is what the first run of all did. */
static bool check_fault(struct ir_region *const *forms, ir_engines engines, const struct world *before,
                        struct world *after, GError **error)
{
        struct world *w = g_new(struct world, 1);
        bool ok;

        *after = *before;
        ok = engines[0]->run(forms[0], after, error);
        for (unsigned form = 0; ok && form < 4; form++) {
                for (unsigned e = 0; ok && engines[e]; e++) {
                        ok = compare(forms[form], engines[e], before, after, w, error);
                        if (!ok)
                                error_prefix(error, "form %u", form);
                }
        }
        g_free(w);
        return ok;
}

bool random_check(uint64_t seed, ir_engines engines, uint16_t mutant, GError **error)
{
        struct arena *a = arena_new(1 << 16);
        struct world *before = g_new(struct world, 1), *after = g_new(struct world, 1);
        struct ir_region *forms[4];
        bool ok = true;

        for (unsigned form = 0; ok && form < 4; form++) {
                forms[form] = make_form(a, seed, form, mutant);
                ok = ir_verify(forms[form], error);
        }
        random_world(before, seed);
        ok = ok && check_fault(forms, engines, before, after, error);
        for (uint32_t n = ok ? after->accesses : 0; ok && n-- > 0;) {
                before->fault_at = n;
                ok = check_fault(forms, engines, before, after, error);
        }
        if (!ok)
                error_prefix(error, "random region, seed %" G_GUINT64_FORMAT, seed);
        g_free(before);
        g_free(after);
        arena_free(a);
        return ok;
}
