/* SPDX-License-Identifier: MIT */
/*
 * What the translators (tr_*.c) share. A translator serves one or more instructions of the table; it builds
 * the IR and says whether it could: false makes it #UD. Everything that can fault comes before the first
 * put, so that each instruction can be run again.
 *
 * Values of operands: 64-bit ones are I64, all others I32, of which the bits above the operand's size mean
 * nothing unless the function says that it extends.
 */
#pragma once

#include "frontend/x86/cpu.h"
#include "ir/build.h"
#include "ir/vec.h"
#include "x86_translate.h"

/* The instructions of a region, found before they are translated: which of them begin a block. */
enum { X86_SWEEP_MAX = 128 /* instructions */, X86_SWEEP_JUMPS = 12 };

struct x86_sweep {
        unsigned n, at;                     /* how many; the one being translated */
        uint32_t last;                      /* the last block that begins with one */
        uint16_t pc[X86_SWEEP_MAX + 1];     /* and where the last one ends */
        uint32_t block[X86_SWEEP_MAX + 1];  /* 1 + the block that it begins, or 0 */
        bool reached[X86_SWEEP_MAX + 1];    /* something goes to that block */
        struct x86_insn insn[];             /* the last member: the rest begins as zeros */
};

/* One region being translated. */
struct x86_tctx {
        struct ir_builder *b;
        struct ir_region *r;
        struct translate_req *req;
        const struct cpu_config *config;
        uint64_t mode;
        uint32_t pc, next;     /* offset in the page of the instruction, and of the next one */
        struct x86_sweep *sweep; /* 0: the region is one block of guest code */
        bool ended;            /* the current block has its terminator */
        bool shadow;           /* interrupts are looked at after this instruction (STI) */
};

static inline ir_ref x86_c64(struct x86_tctx *t, int64_t value)
{
        return ir_const(t->b, IR_I64, value);
}

static inline ir_ref x86_c32(struct x86_tctx *t, int32_t value)
{
        return ir_const(t->b, IR_I32, value);
}

static inline enum ir_type x86_type(unsigned size)
{
        return size == 8 ? IR_I64 : IR_I32;
}

/* A constant of an operand's type. */
static inline ir_ref x86_const(struct x86_tctx *t, unsigned size, int64_t value)
{
        return ir_const(t->b, x86_type(size), size == 8 ? value : (int32_t)value);
}

/* ---- registers and operands ---- */
ir_ref x86_gpr(struct x86_tctx *t, unsigned reg); /* all of it, I64 */
void x86_put_gpr(struct x86_tctx *t, unsigned reg, ir_ref v);
/* A register's low @size bytes; writing 4 clears the upper half, 1 and 2 keep the rest. */
ir_ref x86_get_reg(struct x86_tctx *t, unsigned reg, unsigned size);
void x86_put_reg(struct x86_tctx *t, unsigned reg, unsigned size, ir_ref v);

ir_ref x86_get(struct x86_tctx *t, const struct x86_insn *i, unsigned n);
/* The same of a destination that x86_put writes next: a fault is that of the store. */
ir_ref x86_get_old(struct x86_tctx *t, const struct x86_insn *i, unsigned n);
void x86_put(struct x86_tctx *t, const struct x86_insn *i, unsigned n, ir_ref v);
/* With bits above the size cleared, or copies of the sign. */
ir_ref x86_zext(struct x86_tctx *t, ir_ref v, unsigned size);
ir_ref x86_sext(struct x86_tctx *t, ir_ref v, unsigned size);
/* The same as I64. */
ir_ref x86_zext64(struct x86_tctx *t, ir_ref v, unsigned size);
ir_ref x86_sext64(struct x86_tctx *t, ir_ref v, unsigned size);
/* An I64's low bytes as an operand's value. */
ir_ref x86_low(struct x86_tctx *t, ir_ref v, unsigned size);

/* ---- memory ---- */
struct x86_place { /* base + imm */
        ir_ref base;
        int32_t imm;
};
struct x86_place x86_ea(struct x86_tctx *t, const struct x86_insn *i);
/* The same as one value; without the segment's base for LEA. */
ir_ref x86_ea_value(struct x86_tctx *t, const struct x86_insn *i, bool segment);
struct ir_mem x86_mem(const struct x86_tctx *t, unsigned size, bool write);
/*
 * Where EFLAGS.AC is in force: operands of 16 bytes that must be aligned in any case raise #GP, not #AC (SDM
 * volume 2, 2.5). Without it the access itself says so.
 */
void x86_demand_aligned(struct x86_tctx *t, struct x86_place p);
ir_ref x86_load(struct x86_tctx *t, unsigned size, struct x86_place p);
void x86_store(struct x86_tctx *t, unsigned size, struct x86_place p, ir_ref v);
static inline struct x86_place x86_at(ir_ref base)
{
        return (struct x86_place){base, 0};
}

/* ---- flags ---- */
ir_ref x86_flags(struct x86_tctx *t);
void x86_put_flags(struct x86_tctx *t, ir_ref f);
enum ir_flcond x86_cond(unsigned cond);
ir_ref x86_carry(struct x86_tctx *t); /* I64 0 or 1 */
/* @f with CF and OF (or one of them) set to I64 bits */
ir_ref x86_with(struct x86_tctx *t, ir_ref f, unsigned mask, ir_ref bit);

/* ---- ends of blocks ---- */
void x86_jump(struct x86_tctx *t, int64_t target);
/*
 * A conditional jump: the block that it goes to for @target, and, after the branch, what leads on from there, unless
 * it is a block of the region that begins with that instruction.
 */
uint32_t x86_block_to(struct x86_tctx *t, int64_t target);
void x86_block_fill(struct x86_tctx *t, uint32_t block, int64_t target);
void x86_jump_indirect(struct x86_tctx *t, enum ir_jump kind, ir_ref target);
void x86_exit(struct x86_tctx *t, enum ir_exit reason);  /* goes on at the next instruction */
void x86_again(struct x86_tctx *t); /* the instruction is over, and goes to itself */
/* Raises an exception at this instruction; ends the block. */
void x86_raise_here(struct x86_tctx *t, enum x86_vector vector, uint32_t error_code);
bool x86_privileged(struct x86_tctx *t); /* false: #GP was raised */

/* #UD, and a word in the log: the instruction has no translator, or not in this form. */
void x86_unimplemented(struct x86_tctx *t, const struct x86_insn *i);
/* FP and SSE are on? Otherwise raises #UD or #NM. */
bool x86_sse_on(struct x86_tctx *t);
