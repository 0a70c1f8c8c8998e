/* SPDX-License-Identifier: MIT */
/*
 * The builder's rules on values (ir/rules.def): each looks at one op about to be made and at the ops that
 * made its arguments, no further, and gives an equal value that is cheaper. A rule may build other ops, to
 * which the rules apply in turn. Belongs to the thread that builds.
 */
#include "ir/builder.h"

#include "base/bits.h"

#define FIRE(rule, v) return ir_fired(b, IR_RULE_##rule, v)
/* A rule whose result does not depend on what the op depended on: see struct ir_region, keep_deps. */
#define FORGET(rule, v) do { if (!b->r->keep_deps) FIRE(rule, v); } while (0)

static ir_ref constant(struct ir_builder *b, enum ir_type t, int64_t v)
{
        return ir_const(b, t, v);
}

/* The constant second argument of @v if @v is @op of something and a constant. */
static bool is_op_const(const struct ir_builder *b, ir_ref v, enum ir_op op, uint64_t *c)
{
        return ins_of(b, v)->op == op && value_const(b, ins_of(b, v)->arg[1], c);
}

static ir_ref arg0(const struct ir_builder *b, ir_ref v)
{
        return ins_of(b, v)->arg[0];
}

static ir_ref op_const(struct ir_builder *b, enum ir_op op, ir_ref x, uint64_t c)
{
        return ir_binary(b, op, x, constant(b, type_of(b, x), c));
}

/* ---- what is known of a value's upper bits; no further back than @depth ops ---- */

#define WIDTH_DEPTH 3

/* @v is below 1 << the result. */
static unsigned width_unsigned(const struct ir_builder *b, ir_ref v, unsigned depth)
{
        const struct ir_ins *i = ins_of(b, v);
        unsigned full = type_bits(i->type), x, y;
        uint64_t c;

        if (value_const(b, v, &c))
                return c ? 64 - __builtin_clzll(c) : 0;
        if (depth == 0)
                return full;
        switch (i->op) {
        case IR_OP_setcc: case IR_OP_fcmp: case IR_OP_fl_test: return 1;
        case IR_OP_extu: return ir_field_len(i->aux);
        case IR_OP_zext8: return 8;
        case IR_OP_zext16: return 16;
        case IR_OP_zext32: return MIN(width_unsigned(b, i->arg[0], depth - 1), 32);
        case IR_OP_clz: case IR_OP_ctz: case IR_OP_popcnt: return 7;
        case IR_OP_ld:
        case IR_OP_rmw:
        case IR_OP_cas: return i->mem.sign ? full : MIN(8u << i->mem.size_log2, full);
        case IR_OP_shru: return value_const(b, i->arg[1], &c) ? full - (c & (full - 1)) : full;
        case IR_OP_and: case IR_OP_or: case IR_OP_xor:
                x = width_unsigned(b, i->arg[0], depth - 1);
                y = width_unsigned(b, i->arg[1], depth - 1);
                return i->op == IR_OP_and ? MIN(x, y) : MAX(x, y);
        default: return full;
        }
}

/* @v is the sign extension of its low (the result) bits. */
static unsigned width_signed(const struct ir_builder *b, ir_ref v, unsigned depth)
{
        const struct ir_ins *i = ins_of(b, v);
        unsigned full = type_bits(i->type), w = width_unsigned(b, v, depth), x, y;
        uint64_t c;

        if (w < full)
                return w + 1;
        if (depth == 0)
                return full;
        switch (i->op) {
        case IR_OP_sext8: return 8;
        case IR_OP_sext16: return 16;
        case IR_OP_sext32: return 32;
        case IR_OP_exts: return ir_field_len(i->aux);
        case IR_OP_ld:
        case IR_OP_rmw:
        case IR_OP_cas: return i->mem.sign ? MIN(8u << i->mem.size_log2, full) : full;
        case IR_OP_shrs: return value_const(b, i->arg[1], &c) ? full - (c & (full - 1)) : full;
        case IR_OP_and: case IR_OP_or: case IR_OP_xor: case IR_OP_andc: case IR_OP_orc:
                x = width_signed(b, i->arg[0], depth - 1);
                y = width_signed(b, i->arg[1], depth - 1);
                return MAX(x, y);
        case IR_OP_not: return width_signed(b, i->arg[0], depth - 1);
        default: return full;
        }
}

/* @v is an I32 extended to 64 bits as if by sext32. */
static bool is_sext32(const struct ir_builder *b, ir_ref v)
{
        enum ir_op op = ins_of(b, v)->op;

        return op == IR_OP_sext32 || (op == IR_OP_zext32 && width_unsigned(b, v, WIDTH_DEPTH) <= 31);
}

/* ---- one argument ---- */

static bool ext_info(enum ir_op op, unsigned *bits, bool *sign)
{
        switch (op) {
        case IR_OP_sext8: *bits = 8; *sign = true; return true;
        case IR_OP_sext16: *bits = 16; *sign = true; return true;
        case IR_OP_zext8: *bits = 8; *sign = false; return true;
        case IR_OP_zext16: *bits = 16; *sign = false; return true;
        default: return false;
        }
}

static ir_ref fold_ext(struct ir_builder *b, enum ir_op op, ir_ref x)
{
        unsigned bits, inner_bits;
        bool sign, inner_sign;
        const struct ir_ins *whole;
        uint64_t c;

        ext_info(op, &bits, &sign);
        if (ext_info(ins_of(b, x)->op, &inner_bits, &inner_sign) && inner_bits >= bits)
                FIRE(ext_of_ext, ir_unary(b, op, arg0(b, x)));
        if ((sign ? width_signed(b, x, WIDTH_DEPTH) : width_unsigned(b, x, WIDTH_DEPTH)) <= bits)
                FIRE(ext_known, x);
        if (is_op_const(b, x, IR_OP_and, &c) && (c & bits_mask(bits)) == bits_mask(bits))
                FIRE(ext_of_and, ir_unary(b, op, arg0(b, x)));
        whole = ins_of(b, x)->op == IR_OP_trunc ? ins_of(b, arg0(b, x)) : ins_of(b, x);
        if (whole->op == IR_OP_insert && ir_field_pos(whole->aux) == 0 && ir_field_len(whole->aux) >= bits) {
                ir_ref part = whole->arg[1];

                if (ins_of(b, x)->op == IR_OP_trunc)
                        part = ir_trunc(b, part);
                FIRE(ext_of_insert, ir_unary(b, op, part));
        }
        return 0;
}

ir_ref ir_fold_unary(struct ir_builder *b, enum ir_op op, enum ir_type type, ir_ref x)
{
        const struct ir_ins *i = ins_of(b, x);

        if (i->op == IR_OP_const) {
                uint64_t args[2] = {i->imm & type_mask(i->type), 0}, v;

                if (ir_eval(&(struct ir_ins){.op = op, .type = type}, args, &v))
                        FIRE(fold_const, constant(b, type, v));
        }
        switch (op) {
        case IR_OP_neg:
                if (i->op == IR_OP_sub)
                        FIRE(neg_sub, ir_sub(b, i->arg[1], i->arg[0]));
                /* fallthrough */
        case IR_OP_not: case IR_OP_bswap: case IR_OP_fneg:
                if (i->op == op)
                        FIRE(neg_neg, i->arg[0]);
                return 0;
        case IR_OP_sext8: case IR_OP_sext16: case IR_OP_zext8: case IR_OP_zext16:
                return fold_ext(b, op, x);
        case IR_OP_trunc:
                if (i->op == IR_OP_sext32 || i->op == IR_OP_zext32)
                        FIRE(trunc_ext, i->arg[0]);
                return 0;
        case IR_OP_sext32:
                if (i->op == IR_OP_trunc && width_signed(b, i->arg[0], WIDTH_DEPTH) <= 32)
                        FIRE(sext_trunc, i->arg[0]);
                if (width_unsigned(b, x, WIDTH_DEPTH) <= 31)
                        FIRE(sext_positive, ir_zext32(b, x));
                return 0;
        case IR_OP_zext32:
                if (i->op == IR_OP_trunc && width_unsigned(b, i->arg[0], WIDTH_DEPTH) <= 32)
                        FIRE(zext_trunc, i->arg[0]);
                return 0;
        case IR_OP_bitcast:
                if (i->op == IR_OP_bitcast)
                        FIRE(bitcast_pair, i->arg[0]);
                return 0;
        case IR_OP_funbox:
                if (i->op == IR_OP_fbox)
                        FIRE(funbox_fbox, i->arg[0]);
                return 0;
        case IR_OP_fabs:
                if (i->op == IR_OP_fneg)
                        FIRE(fabs_of, ir_fabs(b, i->arg[0]));
                if (i->op == IR_OP_fabs)
                        FIRE(fabs_of, x);
                return 0;
        default:
                return 0;
        }
}

/* ---- two arguments, by op; c is y's value where y is constant ---- */

static ir_ref fold_add(struct ir_builder *b, ir_ref x, ir_ref y, bool is_const, uint64_t c)
{
        if (!is_const) {
                if (ins_of(b, y)->op == IR_OP_neg)
                        FIRE(add_neg, ir_sub(b, x, arg0(b, y)));
                if (ins_of(b, x)->op == IR_OP_neg)
                        FIRE(add_neg, ir_sub(b, y, arg0(b, x)));
                return 0;
        }
        if (c == 0)
                FIRE(add_zero, x);
        if (ins_of(b, x)->op == IR_OP_pcaddr)
                FIRE(add_pcaddr, ir_pcaddr(b, ins_of(b, x)->imm + c));
        return 0;
}

static ir_ref fold_sub(struct ir_builder *b, ir_ref x, ir_ref y, bool is_const, uint64_t c)
{
        uint64_t k;

        if (is_const)
                FIRE(sub_const, op_const(b, IR_OP_add, x, -c));
        if (x == y)
                FORGET(sub_self, constant(b, type_of(b, x), 0));
        if (value_const(b, x, &k) && k == 0)
                FIRE(sub_from_zero, ir_neg(b, y));
        if (ins_of(b, y)->op == IR_OP_neg)
                FIRE(sub_neg, ir_add(b, x, arg0(b, y)));
        return 0;
}

static ir_ref fold_mul(struct ir_builder *b, ir_ref x, uint64_t c)
{
        enum ir_type t = type_of(b, x);

        if (c == 0)
                FORGET(mul_zero, constant(b, t, 0));
        if (c == 1)
                FIRE(mul_one, x);
        if (c == type_mask(t))
                FIRE(mul_minus_one, ir_neg(b, x));
        if (bits_is_pow2(c))
                FIRE(mul_pow2, op_const(b, IR_OP_shl, x, __builtin_ctzll(c)));
        return 0;
}

static ir_ref fold_mulh(struct ir_builder *b, enum ir_op op, ir_ref x, uint64_t c)
{
        enum ir_type t = type_of(b, x);

        if (c == 0)
                FORGET(mul_zero, constant(b, t, 0));
        if (op != IR_OP_mulhu || !bits_is_pow2(c))
                return 0;
        if (c == 1) {
                FORGET(mulhu_pow2, constant(b, t, 0));
                return 0;
        }
        FIRE(mulhu_pow2, op_const(b, IR_OP_shru, x, type_bits(t) - __builtin_ctzll(c)));
}

static ir_ref fold_div(struct ir_builder *b, enum ir_op op, ir_ref x, uint64_t c)
{
        enum ir_type t = type_of(b, x);
        bool is_signed = op == IR_OP_divs || op == IR_OP_rems, rem = op == IR_OP_remu || op == IR_OP_rems;

        if (c == 0) {
                if (rem)
                        FIRE(div_zero, x);
                FORGET(div_zero, constant(b, t, -1));
        }
        if (c == 1) {
                if (!rem)
                        FIRE(div_one, x);
                FORGET(div_one, constant(b, t, 0));
                return 0;
        }
        if (is_signed && c == type_mask(t)) {
                if (!rem)
                        FIRE(div_minus_one, ir_neg(b, x));
                FORGET(div_minus_one, constant(b, t, 0));
        }
        if (is_signed || !bits_is_pow2(c))
                return 0;
        if (rem)
                FIRE(remu_pow2, op_const(b, IR_OP_and, x, c - 1));
        FIRE(divu_pow2, op_const(b, IR_OP_shru, x, __builtin_ctzll(c)));
}

static ir_ref fold_and(struct ir_builder *b, ir_ref x, ir_ref y, bool is_const, uint64_t c)
{
        enum ir_type t = type_of(b, x);

        if (x == y)
                FIRE(and_self, x);
        if (!is_const) {
                if (ins_of(b, y)->op == IR_OP_not)
                        FIRE(and_not, ir_andc(b, x, arg0(b, y)));
                if (ins_of(b, x)->op == IR_OP_not)
                        FIRE(and_not, ir_andc(b, y, arg0(b, x)));
                return 0;
        }
        if (c == 0)
                FORGET(and_zero, constant(b, t, 0));
        if (c == type_mask(t))
                FIRE(and_ones, x);
        if (ins_of(b, x)->op == IR_OP_pcaddr && (c | 0xfff) == ~0ull)
                FIRE(and_pcaddr, ir_pcaddr(b, ins_of(b, x)->imm & c));
        if (c == 0xff)
                FIRE(and_zext, ir_zext8(b, x));
        if (c == 0xffff)
                FIRE(and_zext, ir_zext16(b, x));
        if (c == 0xffffffff)
                FIRE(and_zext, ir_zext32(b, ir_trunc(b, x)));
        return 0;
}

static ir_ref fold_or(struct ir_builder *b, ir_ref x, ir_ref y, bool is_const, uint64_t c)
{
        enum ir_type t = type_of(b, x);

        if (x == y)
                FIRE(and_self, x);
        if (!is_const) {
                if (ins_of(b, y)->op == IR_OP_not)
                        FIRE(and_not, ir_orc(b, x, arg0(b, y)));
                if (ins_of(b, x)->op == IR_OP_not)
                        FIRE(and_not, ir_orc(b, y, arg0(b, x)));
                return 0;
        }
        if (c == 0)
                FIRE(or_zero, x);
        if (c == type_mask(t))
                FORGET(or_ones, constant(b, t, -1));
        return 0;
}

static ir_ref fold_xor(struct ir_builder *b, ir_ref x, ir_ref y, bool is_const, uint64_t c)
{
        enum ir_type t = type_of(b, x);
        const struct ir_ins *i = ins_of(b, x);

        if (x == y)
                FORGET(xor_self, constant(b, t, 0));
        if (!is_const)
                return 0;
        if (c == 0)
                FIRE(or_zero, x);
        if (c == type_mask(t))
                FIRE(xor_ones, ir_not(b, x));
        if (c == 1 && i->op == IR_OP_setcc)
                FIRE(xor_setcc, ir_setcc(b, ir_cond_negate(i->cond), i->arg[0], i->arg[1]));
        return 0;
}

static ir_ref fold_andc(struct ir_builder *b, enum ir_op op, ir_ref x, ir_ref y, bool is_const, uint64_t c)
{
        enum ir_type t = type_of(b, x);
        bool is_orc = op == IR_OP_orc;
        uint64_t k;

        if (is_const)
                FIRE(andc_const, op_const(b, is_orc ? IR_OP_or : IR_OP_and, x, ~c));
        if (x == y)
                FORGET(andc_self, constant(b, t, is_orc ? -1 : 0));
        if (!value_const(b, x, &k))
                return 0;
        if (k == (is_orc ? 0 : type_mask(t)))
                FIRE(andc_from_const, ir_not(b, y));
        if (k == (is_orc ? type_mask(t) : 0))
                FORGET(andc_from_const, constant(b, t, k));
        return 0;
}

/* A shift of a shift, both by constants: @c is the outer amount, not 0. */
static ir_ref fold_shift_pair(struct ir_builder *b, enum ir_op op, ir_ref x, unsigned c)
{
        enum ir_op inner = ins_of(b, x)->op;
        enum ir_type t = type_of(b, x);
        unsigned w = type_bits(t), sum, k;
        ir_ref v = arg0(b, x);
        uint64_t amount;

        if (!is_op_const(b, x, inner, &amount))
                return 0;
        k = amount & (w - 1);
        sum = c + k;
        if (inner == op && op == IR_OP_shrs)
                FIRE(shrs_shrs, op_const(b, op, v, MIN(sum, w - 1)));
        if (inner == op && (op == IR_OP_shl || op == IR_OP_shru)) {
                if (sum < w)
                        FIRE(shl_shl, op_const(b, op, v, sum));
                FORGET(shl_shl, constant(b, t, 0));
        }
        if (w == 64 && k == 32 && c < 32 && inner == IR_OP_shl && (op == IR_OP_shru || op == IR_OP_shrs)) {
                ir_ref low = ir_unary(b, op == IR_OP_shru ? IR_OP_zext32 : IR_OP_sext32, ir_trunc(b, v));

                FIRE(shl_shr_scale, op_const(b, IR_OP_shl, low, 32 - c));
        }
        if (k != c)
                return 0;
        if (op == IR_OP_shru && inner == IR_OP_shl) {
                if (w - c == 8)
                        FIRE(shl_shru, ir_zext8(b, v));
                if (w - c == 16)
                        FIRE(shl_shru, ir_zext16(b, v));
                if (w - c == 32)
                        FIRE(shl_shru, ir_zext32(b, ir_trunc(b, v)));
        }
        if (op == IR_OP_shrs && inner == IR_OP_shl) {
                if (w - c == 8)
                        FIRE(shl_shrs, ir_sext8(b, v));
                if (w - c == 16)
                        FIRE(shl_shrs, ir_sext16(b, v));
                if (w - c == 32)
                        FIRE(shl_shrs, ir_sext32(b, ir_trunc(b, v)));
        }
        if (op == IR_OP_shl && inner == IR_OP_shru && c < 31)
                FIRE(shru_shl, op_const(b, IR_OP_and, v, -(1ull << c)));
        return 0;
}

static ir_ref fold_shift(struct ir_builder *b, enum ir_op op, ir_ref x, ir_ref y, bool is_const, uint64_t c)
{
        enum ir_type t = type_of(b, x);
        unsigned w = type_bits(t);
        uint64_t k;

        if (value_const(b, x, &k)) {
                if (k == 0)
                        FORGET(shift_of_zero, x);
                if (k == type_mask(t) && op != IR_OP_shl && op != IR_OP_shru)
                        FORGET(shift_of_zero, x);
        }
        if (is_const) {
                c &= w - 1;
                if (c == 0)
                        FIRE(shift_zero, x);
                return fold_shift_pair(b, op, x, c);
        }
        if (is_op_const(b, y, IR_OP_and, &k) && (k & (w - 1)) == w - 1)
                FIRE(shift_mask, ir_binary(b, op, x, arg0(b, y)));
        return 0;
}

/* (x op c) op k = x op (c op k) */
static ir_ref fold_assoc(struct ir_builder *b, enum ir_op op, ir_ref x, uint64_t c)
{
        uint64_t k, args[2], v;

        if (!is_op_const(b, x, op, &k))
                return 0;
        args[0] = k;
        args[1] = c;
        ir_eval(&(struct ir_ins){.op = op, .type = type_of(b, x)}, args, &v);
        FIRE(comm_assoc, op_const(b, op, arg0(b, x), v));
}

static ir_ref fold_by_op(struct ir_builder *b, enum ir_op op, ir_ref x, ir_ref y, bool is_const, uint64_t c)
{
        switch (op) {
        case IR_OP_add: return fold_add(b, x, y, is_const, c);
        case IR_OP_sub: return fold_sub(b, x, y, is_const, c);
        case IR_OP_mul: return is_const ? fold_mul(b, x, c) : 0;
        case IR_OP_mulhu: case IR_OP_mulhs: case IR_OP_mulhsu: return is_const ? fold_mulh(b, op, x, c) : 0;
        case IR_OP_divu:
        case IR_OP_divs:
        case IR_OP_remu:
        case IR_OP_rems: return is_const ? fold_div(b, op, x, c) : 0;
        case IR_OP_and: return fold_and(b, x, y, is_const, c);
        case IR_OP_or: return fold_or(b, x, y, is_const, c);
        case IR_OP_xor: return fold_xor(b, x, y, is_const, c);
        case IR_OP_andc: case IR_OP_orc: return fold_andc(b, op, x, y, is_const, c);
        case IR_OP_shl: case IR_OP_shru: case IR_OP_shrs: case IR_OP_rotl: case IR_OP_rotr:
                return fold_shift(b, op, x, y, is_const, c);
        default: return 0;
        }
}

ir_ref ir_fold_binary(struct ir_builder *b, enum ir_op op, ir_ref x, ir_ref y)
{
        uint64_t args[2];
        bool x_const = value_const(b, x, &args[0]), y_const = value_const(b, y, &args[1]);
        ir_ref v;

        if (x_const && y_const) {
                struct ir_ins i = {.op = op, .type = type_of(b, x)};
                uint64_t result;

                if (ir_eval(&i, args, &result))
                        FIRE(fold_const, constant(b, i.type, result));
        }
        if (x_const && (ir_ops[op].flags & IR_COMM))
                FIRE(const_right, ir_binary(b, op, y, x));
        v = fold_by_op(b, op, x, y, y_const, args[1]);
        if (!v && y_const &&
            (op == IR_OP_add || op == IR_OP_and || op == IR_OP_or || op == IR_OP_xor || op == IR_OP_mul))
                v = fold_assoc(b, op, x, args[1]);
        return v;
}

/* ---- comparisons ---- */

static bool cmp_known(struct ir_builder *b, struct cmp *c, enum ir_rule rule, bool result)
{
        if (!b->r->keep_deps || rule == IR_RULE_cmp_const)
                c->result = result ^ ir_is_mutant(b->r, rule);
        return false;
}

/* The comparison became another one, which may be simplified further. */
static bool cmp_is(struct ir_builder *b, struct cmp *c, enum ir_rule rule, enum ir_cond cond, ir_ref x,
                   ir_ref y)
{
        *c = (struct cmp){cond ^ ir_is_mutant(b->r, rule), x, y, -1};
        return true;
}

static bool cmp_same(struct ir_builder *b, struct cmp *c)
{
        if (c->cond == IR_TSTZ || c->cond == IR_TSTNZ)
                return cmp_is(b, c, IR_RULE_cmp_self, c->cond == IR_TSTZ ? IR_EQ : IR_NE, c->x,
                              constant(b, type_of(b, c->x), 0));
        return cmp_known(b, c, IR_RULE_cmp_self, ir_cond_eval(c->cond, IR_I64, 0, 0));
}

/* == 0 and != 0: what made x? */
static bool cmp_zero(struct ir_builder *b, struct cmp *c)
{
        const struct ir_ins *i = ins_of(b, c->x);
        bool ne = c->cond == IR_NE;

        switch (i->op) {
        case IR_OP_setcc:
                return cmp_is(b, c, IR_RULE_cmp_setcc, ne ? i->cond : ir_cond_negate(i->cond), i->arg[0],
                              i->arg[1]);
        case IR_OP_and:
                return cmp_is(b, c, IR_RULE_cmp_and, ne ? IR_TSTNZ : IR_TSTZ, i->arg[0], i->arg[1]);
        case IR_OP_zext8:
        case IR_OP_zext16:
                return cmp_is(b, c, IR_RULE_cmp_and, ne ? IR_TSTNZ : IR_TSTZ, i->arg[0],
                              constant(b, i->type, i->op == IR_OP_zext8 ? 0xff : 0xffff));
        case IR_OP_sub:
        case IR_OP_xor:
                return cmp_is(b, c, IR_RULE_cmp_sub, c->cond, i->arg[0], i->arg[1]);
        default:
                return false;
        }
}

static bool is_unsigned_cond(enum ir_cond c)
{
        return c == IR_EQ || c == IR_NE || c == IR_LTU || c == IR_GEU || c == IR_LEU || c == IR_GTU;
}

/*
 * Both sides are extended from 32 bits, or one is and the other is a constant that fits. Sign extension keeps
 * all orders, zero extension the unsigned one.
 */
static bool cmp_extended(struct ir_builder *b, struct cmp *c, bool y_const, uint64_t k)
{
        enum ir_op op = ins_of(b, c->x)->op;
        bool as_signed = is_sext32(b, c->x) && (y_const ? (int64_t)k == (int32_t)k : is_sext32(b, c->y));
        bool as_unsigned = op == IR_OP_zext32 && is_unsigned_cond(c->cond) &&
                           (y_const ? k == (uint32_t)k : ins_of(b, c->y)->op == IR_OP_zext32);
        ir_ref y;

        if (c->cond == IR_TSTZ || c->cond == IR_TSTNZ || !(as_signed || as_unsigned))
                return false;
        y = y_const ? constant(b, IR_I32, k) : arg0(b, c->y);
        return cmp_is(b, c, IR_RULE_cmp_ext, c->cond, arg0(b, c->x), y);
}

/* Unsigned orders against 0 and 1. */
static bool cmp_bounds(struct ir_builder *b, struct cmp *c, uint64_t k)
{
        ir_ref zero;

        if (k == 0 && (c->cond == IR_LTU || c->cond == IR_GEU))
                return cmp_known(b, c, IR_RULE_cmp_bound, c->cond == IR_GEU);
        if ((k == 0 && (c->cond == IR_LEU || c->cond == IR_GTU)) ||
            (k == 1 && (c->cond == IR_LTU || c->cond == IR_GEU))) {
                zero = constant(b, type_of(b, c->x), 0);
                return cmp_is(b, c, IR_RULE_cmp_bound, c->cond == IR_LEU || c->cond == IR_LTU ? IR_EQ : IR_NE,
                              c->x, zero);
        }
        return false;
}

static bool cmp_tst(struct ir_builder *b, struct cmp *c, uint64_t k)
{
        enum ir_type t = type_of(b, c->x);

        if (k == 0)
                return cmp_known(b, c, IR_RULE_cmp_tst_const, c->cond == IR_TSTZ);
        if (k == type_mask(t))
                return cmp_is(b, c, IR_RULE_cmp_tst_const, c->cond == IR_TSTZ ? IR_EQ : IR_NE, c->x,
                              constant(b, t, 0));
        return false;
}

static bool cmp_step(struct ir_builder *b, struct cmp *c)
{
        uint64_t kx, ky;
        bool x_const = value_const(b, c->x, &kx), y_const = value_const(b, c->y, &ky);

        if (x_const && y_const)
                return cmp_known(b, c, IR_RULE_cmp_const, ir_cond_eval(c->cond, type_of(b, c->x), kx, ky));
        if (x_const)
                return cmp_is(b, c, IR_RULE_cmp_const_right, ir_cond_swap(c->cond), c->y, c->x);
        if (c->x == c->y)
                return cmp_same(b, c);
        if (y_const) {
                if (c->cond == IR_TSTZ || c->cond == IR_TSTNZ)
                        return cmp_tst(b, c, ky);
                if (cmp_bounds(b, c, ky))
                        return true;
                if (c->result >= 0)
                        return false;
                if (ky == 0 && (c->cond == IR_EQ || c->cond == IR_NE) && cmp_zero(b, c))
                        return true;
        }
        return cmp_extended(b, c, y_const, ky);
}

void ir_fold_cmp(struct ir_builder *b, struct cmp *c)
{
        while (cmp_step(b, c))
                ;
}

ir_ref ir_fold_select(struct ir_builder *b, enum ir_cond c, ir_ref x, ir_ref y, ir_ref if_true,
                      ir_ref if_false)
{
        uint64_t t, f;

        if (if_true == if_false)
                FIRE(select_same, if_true);
        if (type_of(b, if_true) != IR_I64 || !value_const(b, if_true, &t) || !value_const(b, if_false, &f))
                return 0;
        if (t == 1 && f == 0)
                FIRE(select_setcc, ir_setcc(b, c, x, y));
        if (t == 0 && f == 1)
                FIRE(select_setcc, ir_setcc(b, ir_cond_negate(c), x, y));
        return 0;
}
