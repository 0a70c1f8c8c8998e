/* SPDX-License-Identifier: MIT */
/*
 * Zba, Zbb and Zbs (volume I, chapter 28).
 */
#include "rv_translate.h"

#include "frontend/riscv/translate.h"

static ir_ref word_zext(struct tctx *t, unsigned reg)
{
        return ir_zext32(t->b, rv_get32(t, reg));
}

/* ---- Zba ---- */

static bool shadd(struct tctx *t, const struct args_r *a, unsigned by, bool uw)
{
        ir_ref x = uw ? word_zext(t, a->rs1) : rv_get(t, a->rs1);

        rv_put(t, a->rd, ir_add(t->b, ir_shl(t->b, x, rv_const(t, by)), rv_get(t, a->rs2)));
        return true;
}

bool tr_sh1add(struct tctx *t, const struct args_r *a) { return shadd(t, a, 1, false); }
bool tr_sh2add(struct tctx *t, const struct args_r *a) { return shadd(t, a, 2, false); }
bool tr_sh3add(struct tctx *t, const struct args_r *a) { return shadd(t, a, 3, false); }
bool tr_add_uw(struct tctx *t, const struct args_r *a) { return shadd(t, a, 0, true); }
bool tr_sh1add_uw(struct tctx *t, const struct args_r *a) { return shadd(t, a, 1, true); }
bool tr_sh2add_uw(struct tctx *t, const struct args_r *a) { return shadd(t, a, 2, true); }
bool tr_sh3add_uw(struct tctx *t, const struct args_r *a) { return shadd(t, a, 3, true); }

bool tr_slli_uw(struct tctx *t, const struct args_sh *a)
{
        rv_put(t, a->rd, ir_shl(t->b, word_zext(t, a->rs1), rv_const(t, a->shamt)));
        return true;
}

/* ---- Zbb ---- */

bool tr_andn(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_andc); }
bool tr_orn(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_orc); }

bool tr_xnor(struct tctx *t, const struct args_r *a)
{
        rv_put(t, a->rd, ir_not(t->b, ir_xor(t->b, rv_get(t, a->rs1), rv_get(t, a->rs2))));
        return true;
}

/* The smaller or larger: rs1 if the condition holds for (rs1, rs2). */
static bool choose(struct tctx *t, const struct args_r *a, enum ir_cond c)
{
        ir_ref x = rv_get(t, a->rs1), y = rv_get(t, a->rs2);

        rv_put(t, a->rd, ir_select(t->b, c, x, y, x, y));
        return true;
}

bool tr_min(struct tctx *t, const struct args_r *a) { return choose(t, a, IR_LTS); }
bool tr_minu(struct tctx *t, const struct args_r *a) { return choose(t, a, IR_LTU); }
bool tr_max(struct tctx *t, const struct args_r *a) { return choose(t, a, IR_GES); }
bool tr_maxu(struct tctx *t, const struct args_r *a) { return choose(t, a, IR_GEU); }
bool tr_rol(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_rotl); }
bool tr_ror(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_rotr); }
bool tr_rolw(struct tctx *t, const struct args_r *a) { return rv_op_rrw(t, a, ir_rotl); }
bool tr_rorw(struct tctx *t, const struct args_r *a) { return rv_op_rrw(t, a, ir_rotr); }

bool tr_rori(struct tctx *t, const struct args_sh *a)
{
        rv_put(t, a->rd, ir_rotr(t->b, rv_get(t, a->rs1), rv_const(t, a->shamt)));
        return true;
}

bool tr_roriw(struct tctx *t, const struct args_sh *a)
{
        rv_put32(t, a->rd, ir_rotr(t->b, rv_get32(t, a->rs1), ir_const(t->b, IR_I32, a->shamt)));
        return true;
}

typedef ir_ref unary_fn(struct ir_builder *b, ir_ref x);

static bool op_unary(struct tctx *t, const struct args_r2 *a, unary_fn *op)
{
        rv_put(t, a->rd, op(t->b, rv_get(t, a->rs1)));
        return true;
}

/* Counts of the low word are small and positive: no sign to extend, but the type is a word's. */
static bool op_unaryw(struct tctx *t, const struct args_r2 *a, unary_fn *op)
{
        rv_put(t, a->rd, ir_zext32(t->b, op(t->b, rv_get32(t, a->rs1))));
        return true;
}

bool tr_clz(struct tctx *t, const struct args_r2 *a) { return op_unary(t, a, ir_clz); }
bool tr_ctz(struct tctx *t, const struct args_r2 *a) { return op_unary(t, a, ir_ctz); }
bool tr_cpop(struct tctx *t, const struct args_r2 *a) { return op_unary(t, a, ir_popcnt); }
bool tr_sext_b(struct tctx *t, const struct args_r2 *a) { return op_unary(t, a, ir_sext8); }
bool tr_sext_h(struct tctx *t, const struct args_r2 *a) { return op_unary(t, a, ir_sext16); }
bool tr_zext_h(struct tctx *t, const struct args_r2 *a) { return op_unary(t, a, ir_zext16); }
bool tr_orc_b(struct tctx *t, const struct args_r2 *a) { return op_unary(t, a, ir_orcb); }
bool tr_rev8(struct tctx *t, const struct args_r2 *a) { return op_unary(t, a, ir_bswap); }
bool tr_clzw(struct tctx *t, const struct args_r2 *a) { return op_unaryw(t, a, ir_clz); }
bool tr_ctzw(struct tctx *t, const struct args_r2 *a) { return op_unaryw(t, a, ir_ctz); }
bool tr_cpopw(struct tctx *t, const struct args_r2 *a) { return op_unaryw(t, a, ir_popcnt); }

/* ---- Zbs: one bit, numbered modulo the width ---- */

enum bit_op { BIT_CLEAR, BIT_EXTRACT, BIT_INVERT, BIT_SET };

static bool one_bit(struct tctx *t, unsigned rd, unsigned rs1, ir_ref n, enum bit_op op)
{
        ir_ref x = rv_get(t, rs1), one = rv_const(t, 1), r;

        switch (op) {
        case BIT_EXTRACT:
                r = ir_and(t->b, ir_shru(t->b, x, n), one);
                break;
        case BIT_CLEAR:
                r = ir_andc(t->b, x, ir_shl(t->b, one, n));
                break;
        case BIT_INVERT:
                r = ir_xor(t->b, x, ir_shl(t->b, one, n));
                break;
        default:
                r = ir_or(t->b, x, ir_shl(t->b, one, n));
                break;
        }
        rv_put(t, rd, r);
        return true;
}

static bool bit_rr(struct tctx *t, const struct args_r *a, enum bit_op op)
{
        return one_bit(t, a->rd, a->rs1, rv_get(t, a->rs2), op);
}

static bool bit_ri(struct tctx *t, const struct args_sh *a, enum bit_op op)
{
        return one_bit(t, a->rd, a->rs1, rv_const(t, a->shamt), op);
}

bool tr_bclr(struct tctx *t, const struct args_r *a) { return bit_rr(t, a, BIT_CLEAR); }
bool tr_bext(struct tctx *t, const struct args_r *a) { return bit_rr(t, a, BIT_EXTRACT); }
bool tr_binv(struct tctx *t, const struct args_r *a) { return bit_rr(t, a, BIT_INVERT); }
bool tr_bset(struct tctx *t, const struct args_r *a) { return bit_rr(t, a, BIT_SET); }
bool tr_bclri(struct tctx *t, const struct args_sh *a) { return bit_ri(t, a, BIT_CLEAR); }
bool tr_bexti(struct tctx *t, const struct args_sh *a) { return bit_ri(t, a, BIT_EXTRACT); }
bool tr_binvi(struct tctx *t, const struct args_sh *a) { return bit_ri(t, a, BIT_INVERT); }
bool tr_bseti(struct tctx *t, const struct args_sh *a) { return bit_ri(t, a, BIT_SET); }
