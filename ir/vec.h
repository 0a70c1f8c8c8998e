/* SPDX-License-Identifier: MIT */
/*
 * Vectors of 128 bits: what ops on them take, the builder's functions for them, and their evaluation. Lanes
 * are numbered from the lowest bits. ir/ops.def has the ops; docs/ir.md is the reference. Stateless.
 *
 * aux of a vector op: bits 0 and 1 the lane's size, IR_VEC_LOW, from bit 8 on what the op's row says.
 */
#pragma once

#include "ir/build.h"

enum ir_lane { IR_X8, IR_X16, IR_X32, IR_X64 };

enum { IR_VEC_LANE = 3, IR_VEC_LOW = 4, IR_VEC_VARIANT = 8, IR_VEC_UNSIGNED = 1 << 8 };

/* A value as C code has it: the low half first, as in memory of a little-endian guest. */
struct ir_v128 {
        uint64_t w[2];
};

static inline enum ir_lane ir_lane_of(const struct ir_ins *i)
{
        return (enum ir_lane)(i->aux & IR_VEC_LANE);
}

static inline bool ir_is_vector_op(enum ir_op op)
{
        return op >= IR_OP_vand && op <= IR_OP_vfcvt_idown;
}

/*
 * Whether argument @k of the op may be of type @t; and whether lanes, imm and result are as its row demands.
 */
bool ir_vec_arg_ok(const struct ir_ins *i, unsigned k, enum ir_type t);
bool ir_vec_form_ok(const struct ir_ins *i);

/*
 * Evaluates a vector op without IR_FPSTATE. Scalar arguments and results are in w[0], as words of their type;
 * @result may be one of @args.
 */
void ir_vec_eval(const struct ir_ins *i, const struct ir_v128 *args, struct ir_v128 *result);

/* ---- building ---- */
ir_ref ir_vec1(struct ir_builder *b, enum ir_op op, enum ir_lane lane, ir_ref x);
ir_ref ir_vec2(struct ir_builder *b, enum ir_op op, enum ir_lane lane, ir_ref x, ir_ref y);
/* Ops with a small constant; one-argument ones take @y = 0. */
ir_ref ir_vec_imm(struct ir_builder *b, enum ir_op op, enum ir_lane lane, ir_ref x, ir_ref y, int64_t imm);

/* A copy of @i with other arguments: what needs no rule. */
ir_ref ir_vec_like(struct ir_builder *b, const struct ir_ins *i, const ir_ref arg[4]);

ir_ref ir_vzext(struct ir_builder *b, ir_ref scalar);
ir_ref ir_vlow(struct ir_builder *b, enum ir_type type, ir_ref v);
ir_ref ir_vpair(struct ir_builder *b, ir_ref low, ir_ref high);
ir_ref ir_vdup(struct ir_builder *b, enum ir_lane lane, ir_ref scalar);
ir_ref ir_vput(struct ir_builder *b, enum ir_lane lane, ir_ref v, unsigned index, ir_ref scalar);
ir_ref ir_vpick(struct ir_builder *b, enum ir_type type, enum ir_lane lane, ir_ref v, unsigned index);
ir_ref ir_vsel(struct ir_builder *b, ir_ref mask, ir_ref ones, ir_ref zeros);
ir_ref ir_vmask(struct ir_builder *b, enum ir_lane lane, ir_ref v);

static inline ir_ref ir_vconst(struct ir_builder *b, uint64_t low, uint64_t high)
{
        if (low == high)
                return ir_const(b, IR_V128, (int64_t)low);
        return ir_vpair(b, ir_const(b, IR_I64, (int64_t)low), ir_const(b, IR_I64, (int64_t)high));
}

static inline ir_ref ir_vnot(struct ir_builder *b, ir_ref v)
{
        return ir_vec2(b, IR_OP_vxor, IR_X64, v, ir_const(b, IR_V128, -1));
}

/*
 * Floating-point lanes (IR_X32, IR_X64). @low: the lowest lane alone, the others are x's; for vfsqrt then @y
 * is what the root is of. Roundings as for scalars.
 */
ir_ref ir_vfp2(struct ir_builder *b, enum ir_op op, enum ir_lane lane, bool low, enum ir_round rm, ir_ref x,
               ir_ref y); /* vfadd vfsub vfmul vfdiv vfsqrt */
ir_ref ir_vfma(struct ir_builder *b, enum ir_lane lane, enum ir_round rm, bool neg_a, ir_ref x, ir_ref y,
               ir_ref z);
ir_ref ir_vfminmax(struct ir_builder *b, enum ir_op op, enum ir_lane lane, bool low, enum ir_fminmax kind,
                   ir_ref x,
                   ir_ref y);
/* @flags: 0, IR_FCMP_QUIET or IR_FCMP_SIGNALING */
ir_ref ir_vfcmp(struct ir_builder *b, enum ir_lane lane, bool low, enum ir_fcond c, unsigned flags, ir_ref x,
                ir_ref y);
ir_ref ir_vfround(struct ir_builder *b, enum ir_lane lane, enum ir_round rm, bool exact, ir_ref x);
/* vfcvt_if, vfcvt_fi, and the narrowing and widening ones: @is_unsigned is for the former two. */
ir_ref ir_vfcvt(struct ir_builder *b, enum ir_op op, enum ir_lane lane, enum ir_round rm, bool is_unsigned,
                ir_ref x);
