/* SPDX-License-Identifier: MIT */
/*
 * The builder: what frontends call to make a region. It folds constants and applies algebraic identities as
 * it goes, forwards puts to gets and merges equal pure expressions within a block, so that tier 0 needs few
 * passes.
 */
#pragma once

#include "ir/ir.h"

struct ir_builder;

struct ir_builder *ir_builder_new(struct ir_region *r);

/*
 * New empty block; ir_builder_at starts filling it (a block is filled once, in one go, after its terminator
 * the builder has no current block). Block 0 exists and is current at the start.
 */
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
        static inline ir_ref ir_##name(struct ir_builder *b, ir_ref x) \
        { return ir_unary(b, IR_OP_##name, x); }
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
/* fadd fsub fmul fdiv */
ir_ref ir_fp2(struct ir_builder *b, enum ir_op op, enum ir_round rm, ir_ref x, ir_ref y);
ir_ref ir_fma(struct ir_builder *b, enum ir_round rm, bool neg_product, bool neg_c, ir_ref x, ir_ref y,
              ir_ref z);
ir_ref ir_fcmp(struct ir_builder *b, enum ir_fcond c, ir_ref x, ir_ref y);
/* The same with @flags: 0, IR_FCMP_QUIET or IR_FCMP_SIGNALING */
ir_ref ir_fcmp_flags(struct ir_builder *b, enum ir_fcond c, unsigned flags, ir_ref x, ir_ref y);
/* fmin, fmax */
ir_ref ir_fminmax(struct ir_builder *b, enum ir_op op, enum ir_fminmax kind, ir_ref x, ir_ref y);
/* The operands @x and @z are negated, NaN or not (ir_fma keeps the sign of NaNs). */
ir_ref ir_fma_neg_operands(struct ir_builder *b, enum ir_round rm, bool neg_x, bool neg_z, ir_ref x, ir_ref y,
                           ir_ref z);
ir_ref ir_fround(struct ir_builder *b, enum ir_round rm, bool exact, ir_ref x);
/* Half precision, in the low 16 bits of an I32; @alternative: ARM's format without infinities and NaNs. */
ir_ref ir_fcvt_hf(struct ir_builder *b, enum ir_type to, bool alternative, ir_ref x);
ir_ref ir_fcvt_fh(struct ir_builder *b, enum ir_round rm, bool alternative, ir_ref x);
ir_ref ir_fsgnj(struct ir_builder *b, unsigned kind, ir_ref x, ir_ref y);
ir_ref ir_fcvt_ff(struct ir_builder *b, enum ir_round rm, enum ir_type to, ir_ref x);
ir_ref ir_fcvt_fi(struct ir_builder *b, enum ir_round rm, enum ir_type to, bool is_unsigned, ir_ref x);
ir_ref ir_fcvt_if(struct ir_builder *b, enum ir_round rm, enum ir_type to, bool is_unsigned, ir_ref x);

/* Integers with positions; in insert the field's bits are the low ones of @field, in extr @n is a value. */
ir_ref ir_extu(struct ir_builder *b, ir_ref x, unsigned pos, unsigned len);
ir_ref ir_exts(struct ir_builder *b, ir_ref x, unsigned pos, unsigned len);
ir_ref ir_insert(struct ir_builder *b, ir_ref x, ir_ref field, unsigned pos, unsigned len);
ir_ref ir_extr(struct ir_builder *b, ir_ref hi, ir_ref lo, ir_ref n);
/* With a carry or borrow @c, an I64 of 0 or 1 */
ir_ref ir_adc(struct ir_builder *b, ir_ref x, ir_ref y, ir_ref c);
ir_ref ir_sbc(struct ir_builder *b, ir_ref x, ir_ref y, ir_ref c);

/*
 * Condition flags (ir/flags.h); @aux is the width (8, 16: the low bits of I32; 32; 64), | IR_FL_NOT_C. Where
 * an instruction makes both a result and flags, make the result first, then the flags of the same operands:
 * backends take both from one host instruction. Test flags with ir_fl_test and IR_NE or IR_EQ against 0 in
 * ir_brcc, ir_select, ir_setcc. Masks are of enum ir_flag. Flags are selected with ir_select.
 */
ir_ref ir_fl_const(struct ir_builder *b, unsigned mask);
ir_ref ir_fl_add(struct ir_builder *b, unsigned aux, ir_ref x, ir_ref y);
ir_ref ir_fl_sub(struct ir_builder *b, unsigned aux, ir_ref x, ir_ref y);
ir_ref ir_fl_adc(struct ir_builder *b, unsigned aux, ir_ref x, ir_ref y, ir_ref c);
ir_ref ir_fl_sbc(struct ir_builder *b, unsigned aux, ir_ref x, ir_ref y, ir_ref c);
ir_ref ir_fl_logic(struct ir_builder *b, unsigned aux, ir_ref x);
ir_ref ir_fl_with(struct ir_builder *b, ir_ref f, unsigned mask, ir_ref bit);
ir_ref ir_fl_merge(struct ir_builder *b, ir_ref f, ir_ref g, unsigned mask); /* those of @mask from @f */
ir_ref ir_fl_word(struct ir_builder *b, ir_ref f);
ir_ref ir_fl_from(struct ir_builder *b, ir_ref word);
ir_ref ir_fl_test(struct ir_builder *b, enum ir_flcond c, ir_ref f);
/* @form: IR_FL_BY_SIGN or IR_FL_BY_CARRY, | IR_FL_SIGNALS */
ir_ref ir_fl_fcmp(struct ir_builder *b, unsigned form, ir_ref x, ir_ref y);
/* A branch on a condition of flags. */
void ir_fl_br(struct ir_builder *b, enum ir_flcond c, ir_ref f, uint32_t then_block, uint32_t else_block);

/*
 * Memory. The builder makes the lookup for an access at base + imm; ir_optimise merges lookups that one range
 * can serve. For ld, type is the result's (I32, I64: extended by mem.sign; F32, F64: size must agree; V128:
 * any size, zeros above what is loaded, and a store of a V128 takes its lowest bytes).
 */
ir_ref ir_load(struct ir_builder *b, enum ir_type type, struct ir_mem mem, ir_ref base, int32_t imm);
void ir_store(struct ir_builder *b, struct ir_mem mem, ir_ref base, int32_t imm, ir_ref v);
ir_ref ir_atomic_rmw(struct ir_builder *b, struct ir_mem mem, ir_ref base, ir_ref v);
ir_ref ir_atomic_cas(struct ir_builder *b, struct ir_mem mem, ir_ref base, ir_ref expect, ir_ref desired);
/*
 * 16 bytes at @base: compares with @expect and swaps in @desired, each low half first; @expect becomes the
 * old value. mem.size_log2 is 4.
 */
void ir_atomic_cas16(struct ir_builder *b, struct ir_mem mem, ir_ref base, ir_ref expect[2],
                     const ir_ref desired[2]);
void ir_fence(struct ir_builder *b, uint32_t mask);

/* Control. ir_insn opens each guest instruction; everything that can leave belongs to the latest one. */
void ir_insn(struct ir_builder *b, int64_t page_offset);
ir_ref ir_call(struct ir_builder *b, const struct ir_helper *h, ir_ref a0, ir_ref a1, ir_ref a2, ir_ref a3);
void ir_hook(struct ir_builder *b, uint32_t kind, int64_t datum);
/* A placeholder whose count ir_builder_finish fills with the region's number of guest instructions. */
void ir_budget(struct ir_builder *b);
void ir_poll(struct ir_builder *b, int64_t page_offset);
void ir_br(struct ir_builder *b, uint32_t block);
void ir_brcc(struct ir_builder *b, enum ir_cond c, ir_ref x, ir_ref y, uint32_t then_block,
             uint32_t else_block);
void ir_exit_jump(struct ir_builder *b, int64_t page_offset, bool poll);
void ir_exit_ind(struct ir_builder *b, enum ir_jump kind, ir_ref target);
void ir_exit(struct ir_builder *b, enum ir_exit reason, int64_t page_offset);
void ir_ret_push(struct ir_builder *b, int64_t page_offset);

/* Ends building; the region is complete. */
void ir_builder_finish(struct ir_builder *b);
