/* SPDX-License-Identifier: MIT */
/*
 * The builder for condition flags and for integer ops with positions or a carry, and its rules on them.
 * The test of an op that computes flags stays a test of that op: the backend knows whether the host's own
 * flags still say so, or else compares anew. What nobody computed here (a slot's flags, a selected word)
 * is tested bit by bit, in the host's layout. Belongs to the thread that builds.
 */
#include "ir/builder.h"

#include "base/bits.h"
#include "ir/eval_flags.h"
#include "ir/flags.h"

#define FIRE(rule, v) return ir_fired(b, IR_RULE_##rule, v)

static ir_ref constant(struct ir_builder *b, enum ir_type t, int64_t v)
{
        return ir_const(b, t, v);
}

/* The op on its arguments, if those are constants; 0 if not. */
static ir_ref fold(struct ir_builder *b, enum ir_op op, enum ir_type t, unsigned cond, uint32_t aux,
                   const ir_ref arg[3])
{
        struct ir_ins i = {.op = op, .type = t, .cond = cond, .aux = aux};
        uint64_t k[4] = {0}, v;

        if (b->r->raw)
                return 0;
        for (unsigned n = 0; n < ir_ops[op].n_args; n++)
                if (!value_const(b, arg[n], &k[n]))
                        return 0;
        if (!ir_eval(&i, k, &v))
                return 0;
        FIRE(fold_const, constant(b, t, v));
}

static ir_ref make(struct ir_builder *b, enum ir_op op, enum ir_type t, unsigned cond, uint32_t aux, ir_ref x,
                   ir_ref y, ir_ref z)
{
        const ir_ref arg[3] = {x, y, z};
        ir_ref v = fold(b, op, t, cond, aux, arg);

        b->r->has_flags |= ir_ops[op].sig == IR_SIG_FLAGS;
        return v ? v : ir_emit_pure(b, ir_head(op, t, cond, aux), ir_pair(x, y), z, 0);
}

/* ---- fields ---- */

static ir_ref op_const(struct ir_builder *b, enum ir_op op, ir_ref x, uint64_t c)
{
        return ir_binary(b, op, x, constant(b, type_of(b, x), c));
}

ir_ref ir_extu(struct ir_builder *b, ir_ref x, unsigned pos, unsigned len)
{
        enum ir_type t = type_of(b, x);

        if (!b->r->raw) {
                if (pos + len == type_bits(t))
                        FIRE(field_top, op_const(b, IR_OP_shru, x, pos));
                if (pos == 0 && (len == 8 || len == 16))
                        FIRE(field_low, ir_unary(b, len == 8 ? IR_OP_zext8 : IR_OP_zext16, x));
                if (pos == 0 && len == 32)
                        FIRE(field_low, ir_zext32(b, ir_trunc(b, x)));
        }
        return make(b, IR_OP_extu, t, 0, ir_field(pos, len), x, 0, 0);
}

ir_ref ir_exts(struct ir_builder *b, ir_ref x, unsigned pos, unsigned len)
{
        enum ir_type t = type_of(b, x);

        if (!b->r->raw) {
                if (pos + len == type_bits(t))
                        FIRE(field_top, op_const(b, IR_OP_shrs, x, pos));
                if (pos == 0 && (len == 8 || len == 16))
                        FIRE(field_low, ir_unary(b, len == 8 ? IR_OP_sext8 : IR_OP_sext16, x));
                if (pos == 0 && len == 32)
                        FIRE(field_low, ir_sext32(b, ir_trunc(b, x)));
        }
        return make(b, IR_OP_exts, t, 0, ir_field(pos, len), x, 0, 0);
}

/* The field of @len bits without extensions that it has no need of. */
static ir_ref narrowed(const struct ir_builder *b, ir_ref field, unsigned len)
{
        for (;;) {
                const struct ir_ins *i = ins_of(b, field), *t = ins_of(b, i->arg[0]);
                uint64_t c;

                if ((i->op == IR_OP_zext32 || i->op == IR_OP_sext32) && t->op == IR_OP_trunc && len <= 32)
                        field = t->arg[0];
                else if ((i->op == IR_OP_zext16 || i->op == IR_OP_sext16) && len <= 16)
                        field = i->arg[0];
                else if ((i->op == IR_OP_zext8 || i->op == IR_OP_sext8) && len <= 8)
                        field = i->arg[0];
                else if (i->op == IR_OP_and && value_const(b, i->arg[1], &c) && !(~c & bits_mask(len)))
                        field = i->arg[0];
                else
                        return field;
        }
}

ir_ref ir_insert(struct ir_builder *b, ir_ref x, ir_ref field, unsigned pos, unsigned len)
{
        enum ir_type t = type_of(b, x);
        const struct ir_ins *i = ins_of(b, x);

        if (!b->r->raw) {
                ir_ref narrow = narrowed(b, field, len);

                if (len == type_bits(t))
                        FIRE(insert_all, field);
                if (narrow != field)
                        FIRE(insert_narrow, ir_insert(b, x, narrow, pos, len));
                /* A field that is replaced whole needs none of what was inserted before. */
                if (i->op == IR_OP_insert && i->aux == ir_field(pos, len))
                        FIRE(insert_again, ir_insert(b, i->arg[0], field, pos, len));
        }
        return make(b, IR_OP_insert, t, 0, ir_field(pos, len), x, field, 0);
}

ir_ref ir_extr(struct ir_builder *b, ir_ref hi, ir_ref lo, ir_ref n)
{
        enum ir_type t = type_of(b, lo);
        uint64_t c;

        if (!b->r->raw) {
                if (value_const(b, n, &c) && (c & (type_bits(t) - 1)) == 0)
                        FIRE(extr_zero, lo);
                if (hi == lo)
                        FIRE(extr_same, ir_rotr(b, lo, n));
        }
        return make(b, IR_OP_extr, t, 0, 0, hi, lo, n);
}

/* ---- sums with carries ---- */

static ir_ref with_carry(struct ir_builder *b, enum ir_op op, enum ir_op plain, ir_ref x, ir_ref y, ir_ref c)
{
        uint64_t k;

        if (!b->r->raw && value_const(b, c, &k) && !(k & 1))
                FIRE(carry_zero, ir_binary(b, plain, x, y));
        return make(b, op, type_of(b, x), 0, 0, x, y, c);
}

ir_ref ir_adc(struct ir_builder *b, ir_ref x, ir_ref y, ir_ref c)
{
        return with_carry(b, IR_OP_adc, IR_OP_add, x, y, c);
}

ir_ref ir_sbc(struct ir_builder *b, ir_ref x, ir_ref y, ir_ref c)
{
        return with_carry(b, IR_OP_sbc, IR_OP_sub, x, y, c);
}

/* ---- flags that an op computes ---- */

ir_ref ir_fl_const(struct ir_builder *b, unsigned mask)
{
        return ir_const(b, IR_FLAGS, ir_flags_make(mask));
}

ir_ref ir_fl_add(struct ir_builder *b, unsigned aux, ir_ref x, ir_ref y)
{
        uint64_t k;

        /* As for sums: a constant stands to the right. */
        if (!b->r->raw && value_const(b, x, &k) && !value_const(b, y, &k))
                return make(b, IR_OP_fl_add, IR_FLAGS, 0, aux, y, x, 0);
        return make(b, IR_OP_fl_add, IR_FLAGS, 0, aux, x, y, 0);
}

ir_ref ir_fl_sub(struct ir_builder *b, unsigned aux, ir_ref x, ir_ref y)
{
        return make(b, IR_OP_fl_sub, IR_FLAGS, 0, aux, x, y, 0);
}

ir_ref ir_fl_adc(struct ir_builder *b, unsigned aux, ir_ref x, ir_ref y, ir_ref c)
{
        uint64_t k;

        if (!b->r->raw && value_const(b, c, &k) && !(k & 1))
                FIRE(carry_zero, ir_fl_add(b, aux, x, y));
        return make(b, IR_OP_fl_adc, IR_FLAGS, 0, aux, x, y, c);
}

ir_ref ir_fl_sbc(struct ir_builder *b, unsigned aux, ir_ref x, ir_ref y, ir_ref c)
{
        uint64_t k;

        if (!b->r->raw && value_const(b, c, &k) && !(k & 1))
                FIRE(carry_zero, ir_fl_sub(b, aux, x, y));
        return make(b, IR_OP_fl_sbc, IR_FLAGS, 0, aux, x, y, c);
}

ir_ref ir_fl_logic(struct ir_builder *b, unsigned aux, ir_ref x)
{
        return make(b, IR_OP_fl_logic, IR_FLAGS, 0, aux, x, 0, 0);
}

ir_ref ir_fl_fcmp(struct ir_builder *b, unsigned form, ir_ref x, ir_ref y)
{
        b->r->has_flags = true;
        return ir_emit(b, ir_head(IR_OP_fl_fcmp, IR_FLAGS, 0, type_of(b, x) | form), ir_pair(x, y), 0, 0);
}

/* ---- flags put together ---- */

ir_ref ir_fl_with(struct ir_builder *b, ir_ref f, unsigned mask, ir_ref bit)
{
        const struct ir_ins *i = ins_of(b, f);

        if (!b->r->raw) {
                if (!mask)
                        return f;
                if (i->op == IR_OP_fl_with && !(i->aux & ~mask))
                        FIRE(with_over, ir_fl_with(b, i->arg[0], mask, bit));
                if (i->op == IR_OP_fl_merge && !(i->aux & ~mask))
                        FIRE(with_over, ir_fl_with(b, i->arg[1], mask, bit));
                if (i->op == IR_OP_fl_merge && !(~i->aux & ~mask & IR_FLAG_ALL))
                        FIRE(with_over, ir_fl_with(b, i->arg[0], mask, bit));
        }
        return make(b, IR_OP_fl_with, IR_FLAGS, 0, mask, f, bit, 0);
}

/* What of the word @f gives the flags of @mask, all of them: an op further back, or @f. */
static ir_ref flags_source(struct ir_builder *b, ir_ref f, unsigned mask)
{
        const struct ir_ins *i = ins_of(b, f);

        while (i->op == IR_OP_fl_merge || i->op == IR_OP_fl_with) {
                if (!(i->aux & mask))
                        f = i->arg[i->op == IR_OP_fl_merge];
                else if (i->op == IR_OP_fl_merge && !(mask & ~i->aux))
                        f = i->arg[0];
                else
                        break;
                i = ins_of(b, f);
        }
        return f;
}

ir_ref ir_fl_merge(struct ir_builder *b, ir_ref f, ir_ref g, unsigned mask)
{
        mask &= IR_FLAG_ALL;
        if (!b->r->raw) {
                ir_ref from_f = flags_source(b, f, mask), from_g = flags_source(b, g, ~mask & IR_FLAG_ALL);

                if (mask == IR_FLAG_ALL || from_f == from_g)
                        FIRE(merge_one, from_f);
                if (mask == 0)
                        FIRE(merge_one, from_g);
                if (from_f != f || from_g != g)
                        FIRE(merge_source, ir_fl_merge(b, from_f, from_g, mask));
        }
        return make(b, IR_OP_fl_merge, IR_FLAGS, 0, mask, f, g, 0);
}

ir_ref ir_fl_word(struct ir_builder *b, ir_ref f)
{
        if (!b->r->raw && ins_of(b, f)->op == IR_OP_fl_from)
                FIRE(word_from, ins_of(b, f)->arg[0]);
        return make(b, IR_OP_fl_word, IR_I32, 0, 0, f, 0, 0);
}

ir_ref ir_fl_from(struct ir_builder *b, ir_ref word)
{
        if (!b->r->raw && ins_of(b, word)->op == IR_OP_fl_word)
                FIRE(word_from, ins_of(b, word)->arg[0]);
        return make(b, IR_OP_fl_from, IR_FLAGS, 0, 0, word, 0, 0);
}

/* ---- tests ---- */

static ir_ref invert(struct ir_builder *b, ir_ref bit)
{
        return op_const(b, IR_OP_xor, bit, 1);
}

static ir_ref test_bits(struct ir_builder *b, bool negate, ir_ref word, uint32_t bits)
{
        return ir_setcc(b, negate ? IR_TSTZ : IR_TSTNZ, word, constant(b, IR_I32, bits));
}

/* N ^ V at the place of one of them. */
static ir_ref n_xor_v(struct ir_builder *b, ir_ref word, uint32_t *bit)
{
        unsigned n = __builtin_ctz(IR_WORD_N), v = __builtin_ctz(IR_WORD_V);

        *bit = IR_WORD_V;
        return ir_xor(b, op_const(b, IR_OP_shru, word, n - v), word);
}

/* A test of a word that nobody computed here. */
static ir_ref test_word(struct ir_builder *b, enum ir_flcond cond, ir_ref f)
{
        ir_ref word = ir_fl_word(b, f), t;
        bool negate = cond & 1;
        uint32_t bit;

        switch (cond & ~1) {
        case IR_FL_LTS:
                t = n_xor_v(b, word, &bit);
                return test_bits(b, negate, t, bit);
        case IR_FL_LES:
                t = n_xor_v(b, word, &bit);
                t = ir_or(b, op_const(b, IR_OP_and, t, bit), op_const(b, IR_OP_and, word, IR_WORD_Z));
                return ir_setcc(b, negate ? IR_EQ : IR_NE, t, constant(b, IR_I32, 0));
        case IR_FL_P:
                if (IR_WORD_P == 0xff) {
                        t = ir_popcnt(b, op_const(b, IR_OP_and, word, IR_WORD_P));
                        return test_bits(b, !negate, t, 1);
                }
                /* fallthrough */
        default:
                return test_bits(b, negate, word, ir_flags_bits(ir_flcond_reads(cond)));
        }
}

/* The flags of @f that @cond reads come from two places: each is tested by itself. */
static ir_ref test_apart(struct ir_builder *b, enum ir_flcond cond, ir_ref f)
{
        ir_ref t;

        switch (cond & ~1) {
        case IR_FL_LEU:
                t = ir_or(b, ir_fl_test(b, IR_FL_C, f), ir_fl_test(b, IR_FL_Z, f));
                break;
        case IR_FL_LTS:
                t = ir_xor(b, ir_fl_test(b, IR_FL_N, f), ir_fl_test(b, IR_FL_V, f));
                break;
        default:
                t = ir_or(b, ir_fl_test(b, IR_FL_Z, f), ir_fl_test(b, IR_FL_LTS, f));
                break;
        }
        return cond & 1 ? invert(b, t) : t;
}

/* C and V of fl_logic are known. */
static ir_ref test_logic(struct ir_builder *b, enum ir_flcond cond, const struct ir_ins *i)
{
        bool c = i->aux & IR_FL_NOT_C;

        switch (cond & ~1) {
        case IR_FL_C: return constant(b, IR_I64, c ^ (cond & 1));
        case IR_FL_V: case IR_FL_A: return constant(b, IR_I64, cond & 1);
        case IR_FL_LEU:
                if (c)
                        return constant(b, IR_I64, !(cond & 1));
                return make(b, IR_OP_fl_test, IR_I64, IR_FL_Z | (cond & 1), 0, i - b->r->ins, 0, 0);
        case IR_FL_LTS: return make(b, IR_OP_fl_test, IR_I64, IR_FL_N | (cond & 1), 0, i - b->r->ins, 0, 0);
        default: return 0;
        }
}

ir_ref ir_fl_test(struct ir_builder *b, enum ir_flcond cond, ir_ref f)
{
        unsigned reads = ir_flcond_reads(cond);
        const struct ir_ins *i;
        ir_ref from, v;

        if (b->r->raw)
                return make(b, IR_OP_fl_test, IR_I64, cond, 0, f, 0, 0);
        from = flags_source(b, f, reads);
        if (from != f)
                FIRE(test_source, ir_fl_test(b, cond, from));
        i = ins_of(b, f);
        switch (i->op) {
        case IR_OP_const:
                break;
        case IR_OP_fl_logic:
                v = test_logic(b, cond, i);
                if (v)
                        FIRE(test_logic, v);
                break;
        case IR_OP_fl_with:
                if (!(reads & (reads - 1)))
                        FIRE(test_with, cond & 1 ? invert(b, i->arg[1]) : i->arg[1]);
                /* fallthrough */
        case IR_OP_fl_merge:
                FIRE(test_apart, test_apart(b, cond, f));
        case IR_OP_fl_add: case IR_OP_fl_sub: case IR_OP_fl_adc: case IR_OP_fl_sbc: case IR_OP_fl_fcmp:
                if (f >= b->first)
                        break;
                /* fallthrough */
        default:
                FIRE(test_word, test_word(b, cond, f));
        }
        return make(b, IR_OP_fl_test, IR_I64, cond, 0, f, 0, 0);
}

void ir_fl_br(struct ir_builder *b, enum ir_flcond c, ir_ref f, uint32_t then_block, uint32_t else_block)
{
        ir_ref t = ir_fl_test(b, c, f);

        ir_brcc(b, IR_NE, t, ir_const(b, IR_I64, 0), then_block, else_block);
}
