/* SPDX-License-Identifier: MIT */
/*
 * What the translators (tr_*.c) share. A translator is one function an instruction; it builds the
 * instruction's IR and says whether it could: false makes it an illegal instruction. Translators see integer
 * registers through rv_get and rv_put, which know x0 and the width.
 */
#pragma once

#include "frontend/riscv/cpu.h"
#include "ir/build.h"
#include "rv_decode.h"

/* An LR whose SC follows in plain sight (docs/memory.md): the pair is one compare-and-swap. */
struct rv_lrsc {
        bool active;
        uint32_t sc_offset; /* where the SC is */
        ir_ref base, value; /* the address register's value, and what LR loaded */
};

/* One block being translated. */
struct tctx {
        struct ir_builder *b;
        struct ir_region *r;
        struct translate_req *req;
        const struct cpu_config *config;
        uint32_t insn;         /* the instruction's bits */
        uint32_t pc, next;     /* its offset in the page, and of the next one */
        bool ended;            /* the current block has its terminator */
        bool end_after;        /* mode changed: rv_exit_next after this instruction */
        bool fs_dirty;         /* marked already */
        struct rv_lrsc lrsc;
};

static inline bool rv_is64(const struct tctx *t)
{
        return cpu_has(&t->config->features, RV_F_RV64);
}

static inline enum ir_type rv_xtype(const struct tctx *t)
{
        return rv_is64(t) ? IR_I64 : IR_I32;
}

/* Integer registers at full width; the low 32 bits of one. */
ir_ref rv_get(struct tctx *t, unsigned reg);
void rv_put(struct tctx *t, unsigned reg, ir_ref v);
ir_ref rv_get32(struct tctx *t, unsigned reg);
/* An I32 value sign-extended into a register. */
void rv_put32(struct tctx *t, unsigned reg, ir_ref v);
ir_ref rv_const(struct tctx *t, int64_t value);
/* A register as an address: I64 whatever the width. */
ir_ref rv_addr(struct tctx *t, unsigned reg);

/* rd = op(rs1, rs2); the W form works on the low words and extends the sign of the result. Both are true. */
typedef ir_ref rv_binary_fn(struct ir_builder *b, ir_ref x, ir_ref y);
bool rv_op_rr(struct tctx *t, const struct args_r *a, rv_binary_fn *op);
bool rv_op_rrw(struct tctx *t, const struct args_r *a, rv_binary_fn *op);

/*
 * FP registers. The put ones mark FS dirty; so does rv_fp_changed alone, for instructions that only raise
 * flags.
 */
ir_ref rv_get_f64(struct tctx *t, unsigned reg);
ir_ref rv_get_f32(struct tctx *t, unsigned reg);
void rv_put_f64(struct tctx *t, unsigned reg, ir_ref v);
void rv_put_f32(struct tctx *t, unsigned reg, ir_ref v);
void rv_fp_changed(struct tctx *t);
/* The privilege in which the block runs. */
static inline enum rv_priv rv_priv(const struct tctx *t)
{
        return RV_MODE_PRIV(t->req->mode);
}

/* False if FP is off. */
bool rv_fp_on(const struct tctx *t);
/* The rounding mode of a rm field; false if it is reserved, or dynamic and frm is. */
bool rv_round(const struct tctx *t, unsigned rm, enum ir_round *round);

/* These end the block; the exception is one that the instruction raises always. */
void rv_exception(struct tctx *t, enum rv_cause cause, ir_ref tval);
void rv_jump(struct tctx *t, int64_t target_offset);
void rv_exit_lookup(struct tctx *t);
/*
 * After a change of mode or context, other than of the rounding mode: goes on behind the instruction all the
 * same.
 */
void rv_exit_next(struct tctx *t);
void rv_exit_indirect(struct tctx *t, enum ir_jump kind, ir_ref target);

/* Volume I, 13.3: a constrained loop has at most 16 instructions. */
enum { RV_LRSC_MAX_INSNS = 16 };

/* lrsc.c: does the LR at t->pc meet its SC in plain sight? */
bool rv_find_sc(const struct tctx *t, const struct args_lr *lr, enum rv_insn sc, uint32_t *sc_offset);
