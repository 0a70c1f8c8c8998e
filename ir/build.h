/* SPDX-License-Identifier: MIT */
/*
 * The builder: what frontends call to make a region. It folds constants and applies algebraic identities as it
 * goes, forwards puts to gets and merges equal pure expressions within a block, so that tier 0 needs few passes.
 */
#pragma once

#include "ir/ir.h"

struct ir_builder;

struct ir_builder *ir_builder_new(struct ir_region *r);

/* New empty block; ir_builder_at starts filling it (a block is filled once, in one go, after its terminator the
 * builder has no current block). Block 0 exists and is current at the start. */
uint32_t ir_block_new(struct ir_builder *b);
void ir_builder_at(struct ir_builder *b, uint32_t block);
bool ir_builder_open(const struct ir_builder *b); /* is a block being filled? */

ir_ref ir_const(struct ir_builder *b, enum ir_type type, int64_t bits);
bool ir_is_const(const struct ir_builder *b, ir_ref v, uint64_t *bits);
enum ir_type ir_type_of(const struct ir_builder *b, ir_ref v);

ir_ref ir_get(struct ir_builder *b, uint32_t slot);
void ir_put(struct ir_builder *b, uint32_t slot, ir_ref v);
ir_ref ir_pcaddr(struct ir_builder *b, int64_t page_offset);

/* One- and two-operand integer ops are of the arguments' type: ir_add(b, x, y), ir_clz(b, x), ... */
ir_ref ir_unary(struct ir_builder *b, enum ir_op op, ir_ref x);
ir_ref ir_binary(struct ir_builder *b, enum ir_op op, ir_ref x, ir_ref y);
#define IR_UNARY(name) \
        static inline ir_ref ir_##name(struct ir_builder *b, ir_ref x) { return ir_unary(b, IR_OP_##name, x); }
#define IR_BINARY(name) \
        static inline ir_ref ir_##name(struct ir_builder *b, ir_ref x, ir_ref y) \
        { return ir_binary(b, IR_OP_##name, x, y); }
IR_BINARY(add) IR_BINARY(sub) IR_BINARY(mul) IR_BINARY(mulhu) IR_BINARY(mulhs) IR_BINARY(mulhsu)
IR_BINARY(divu) IR_BINARY(divs) IR_BINARY(remu) IR_BINARY(rems)
IR_BINARY(and) IR_BINARY(or) IR_BINARY(xor) IR_BINARY(andc) IR_BINARY(orc)
IR_BINARY(shl) IR_BINARY(shru) IR_BINARY(shrs) IR_BINARY(rotl) IR_BINARY(rotr)
IR_UNARY(neg) IR_UNARY(not) IR_UNARY(clz) IR_UNARY(ctz) IR_UNARY(popcnt) IR_UNARY(bswap) IR_UNARY(orcb)
IR_UNARY(sext8) IR_UNARY(sext16) IR_UNARY(zext8) IR_UNARY(zext16)
/* conversions: the op fixes the types */
IR_UNARY(trunc) IR_UNARY(sext32) IR_UNARY(zext32) IR_UNARY(bitcast) IR_UNARY(fbox) IR_UNARY(funbox)
/* floating point without rounding */
IR_BINARY(fmin) IR_BINARY(fmax) IR_UNARY(fabs) IR_UNARY(fneg)
#undef IR_UNARY
#undef IR_BINARY

ir_ref ir_setcc(struct ir_builder *b, enum ir_cond c, ir_ref x, ir_ref y);
ir_ref ir_select(struct ir_builder *b, enum ir_cond c, ir_ref x, ir_ref y, ir_ref if_true, ir_ref if_false);

ir_ref ir_fp1(struct ir_builder *b, enum ir_op op, enum ir_round rm, ir_ref x);            /* fsqrt */
ir_ref ir_fp2(struct ir_builder *b, enum ir_op op, enum ir_round rm, ir_ref x, ir_ref y);  /* fadd fsub fmul fdiv */
ir_ref ir_fma(struct ir_builder *b, enum ir_round rm, bool neg_product, bool neg_c, ir_ref x, ir_ref y, ir_ref z);
ir_ref ir_fcmp(struct ir_builder *b, enum ir_fcond c, ir_ref x, ir_ref y);
ir_ref ir_fsgnj(struct ir_builder *b, unsigned kind, ir_ref x, ir_ref y);
ir_ref ir_fcvt_ff(struct ir_builder *b, enum ir_round rm, enum ir_type to, ir_ref x);
ir_ref ir_fcvt_fi(struct ir_builder *b, enum ir_round rm, enum ir_type to, bool is_unsigned, ir_ref x);
ir_ref ir_fcvt_if(struct ir_builder *b, enum ir_round rm, enum ir_type to, bool is_unsigned, ir_ref x);

/*
 * Memory. The builder makes the lookup for an access at base + imm; ir_optimise merges lookups that one range can
 * serve. For ld, type is the result's (I32, I64: extended by mem.sign; F32, F64: size must agree).
 */
ir_ref ir_load(struct ir_builder *b, enum ir_type type, struct ir_mem mem, ir_ref base, int32_t imm);
void ir_store(struct ir_builder *b, struct ir_mem mem, ir_ref base, int32_t imm, ir_ref v);
ir_ref ir_atomic_rmw(struct ir_builder *b, struct ir_mem mem, ir_ref base, ir_ref v);
ir_ref ir_atomic_cas(struct ir_builder *b, struct ir_mem mem, ir_ref base, ir_ref expect, ir_ref desired);
void ir_fence(struct ir_builder *b, uint32_t mask);

/* Control. ir_insn opens each guest instruction; everything that can leave belongs to the latest one. */
void ir_insn(struct ir_builder *b, int64_t page_offset);
ir_ref ir_call(struct ir_builder *b, const struct ir_helper *h, ir_ref a0, ir_ref a1, ir_ref a2, ir_ref a3);
void ir_hook(struct ir_builder *b, uint32_t kind, int64_t datum);
/* A placeholder whose count ir_builder_finish fills with the region's number of guest instructions. */
void ir_budget(struct ir_builder *b);
void ir_poll(struct ir_builder *b, int64_t page_offset);
void ir_br(struct ir_builder *b, uint32_t block);
void ir_brcc(struct ir_builder *b, enum ir_cond c, ir_ref x, ir_ref y, uint32_t then_block, uint32_t else_block);
void ir_exit_jump(struct ir_builder *b, int64_t page_offset, bool poll);
void ir_exit_ind(struct ir_builder *b, enum ir_jump kind, ir_ref target);
void ir_exit(struct ir_builder *b, enum ir_exit reason, int64_t page_offset);
void ir_ret_push(struct ir_builder *b, int64_t page_offset);

/* Ends building; the region is complete. */
void ir_builder_finish(struct ir_builder *b);
