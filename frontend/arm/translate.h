/* SPDX-License-Identifier: MIT */
/*
 * What the translators (tr_*.c) share. A translator is one function an instruction; it builds the
 * instruction's IR and says whether it could: false makes it undefined. Translators see general registers
 * through a64_get and its kin, which know XZR and SP.
 */
#pragma once

#include "a64_decode.h"
#include "frontend/arm/cpu.h"
#include "ir/build.h"
#include "ir/vec.h"

/* A load-exclusive whose store follows in plain sight (docs/memory.md): the two are one compare-and-swap. */
struct a64_exclusive {
        bool active;
        uint32_t store_offset;  /* where the store is */
        ir_ref base, value[2];  /* the address, and what was loaded */
};

/* One block being translated. */
struct tctx {
        struct ir_builder *b;
        struct ir_region *r;
        struct translate_req *req;
        const struct cpu_config *config;
        uint32_t insn;         /* the instruction's bits */
        uint32_t row;          /* enum a64_insn */
        uint32_t pc, next;     /* its offset in the page, and of the next one */
        bool ended;            /* the current block has its terminator */
        bool sp_aligned;       /* SP was looked at, and changed by multiples of 16 since */
        struct a64_exclusive exclusive;
};

static inline enum ir_type a64_type(bool sf)
{
        return sf ? IR_I64 : IR_I32;
}

static inline ir_ref a64_const(struct tctx *t, bool sf, int64_t value)
{
        return ir_const(t->b, a64_type(sf), value);
}

static inline ir_ref a64_const64(struct tctx *t, int64_t value)
{
        return ir_const(t->b, IR_I64, value);
}

static inline bool a64_is_el1(const struct tctx *t)
{
        return t->req->mode & A64_MODE_EL1;
}

/*
 * General registers: 31 is zero, or (_sp) the stack pointer. X whole, or W or X by @sf: then an I32 or I64.
 */
ir_ref a64_get_x(struct tctx *t, unsigned reg);
ir_ref a64_get(struct tctx *t, bool sf, unsigned reg);
ir_ref a64_get_sp(struct tctx *t, bool sf, unsigned reg);
void a64_put_x(struct tctx *t, unsigned reg, ir_ref v);
void a64_put(struct tctx *t, bool sf, unsigned reg, ir_ref v);
void a64_put_sp(struct tctx *t, bool sf, unsigned reg, ir_ref v);
/* The register as the base of an address, X or SP; SP is checked for alignment. */
ir_ref a64_base(struct tctx *t, unsigned reg);
/* Base register @reg becomes @base, its value, plus @imm. */
void a64_write_back(struct tctx *t, unsigned reg, ir_ref base, int64_t imm);
/* A register extended and shifted left (DecodeRegExtend); I64 or I32 by @sf. */
ir_ref a64_extend(struct tctx *t, bool sf, unsigned reg, unsigned option, unsigned amount);

/* PSTATE's flags; C of the word is a borrow. a64_carry: PSTATE.C as an I64 of 0 or 1. */
ir_ref a64_get_flags(struct tctx *t);
void a64_put_flags(struct tctx *t, ir_ref flags);
ir_ref a64_carry(struct tctx *t, ir_ref flags);
ir_ref a64_flags_const(struct tctx *t, unsigned nzcv);
/* How an ir_flcond says a condition; false: it always holds. */
bool a64_condition(unsigned cond, enum ir_flcond *c);

/* Vector registers, whole and the lowest part of one; a scalar put clears the rest. */
ir_ref a64_get_v(struct tctx *t, unsigned reg);
void a64_put_v(struct tctx *t, unsigned reg, ir_ref v);
/* Of a 64-bit operation (@q false): the upper half becomes zero. */
void a64_put_vq(struct tctx *t, bool q, unsigned reg, ir_ref v);
ir_ref a64_get_fp(struct tctx *t, enum ir_type type, unsigned reg);
void a64_put_fp(struct tctx *t, unsigned reg, ir_ref v);

/* Attributes of an ordinary access of 1 << size_log2 bytes. */
struct ir_mem a64_mem(const struct tctx *t, unsigned size_log2, bool write);

/* Ends the block. */
void a64_jump(struct tctx *t, int64_t target_offset);
void a64_exit_lookup(struct tctx *t);
/* Leaves the region by the exception; a block that goes on is the caller's business. */
void a64_raise_here(struct tctx *t, enum a64_ec ec, uint32_t iss, ir_ref far);
/* The same as the end of the block. */
bool a64_end_raise(struct tctx *t, enum a64_ec ec, uint32_t iss);

/* A helper with no result that names the instruction: row and word. */
bool a64_by_helper(struct tctx *t, bool fp);

/* How far a load-exclusive may be from its store. */
enum { A64_EXCLUSIVE_MAX_INSNS = 16 };

/*
 * exclusive.c: does the load at t->pc, of registers @rt and @rt2 (31: none) by @rn, meet its store in plain
 * sight?
 */
bool a64_find_store(const struct tctx *t, unsigned rn, unsigned rt, unsigned rt2, unsigned size_log2,
                    bool pair, uint32_t *store_offset);
