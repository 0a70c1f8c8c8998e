/* SPDX-License-Identifier: MIT */
/*
 * What the files of the AArch64 host share: the registers' roles, the frame, the thunks' conventions.
 *
 * Registers: x28 points to struct vcpu, x27 = hot.tlb, sp = the frame; x16, x17, v30 and v31 belong to the
 * emitter, x30 to calls. x19 to x26, x8 to x15 and v8 to v15 are pins; x0 to x7, v0 to v7 and v16 to v23
 * temporaries. x18 is the platform's, x29 stays the caller's frame pointer. FPCR holds the region's modes, FPSR
 * what the guest raised since the last harvest.
 *
 * The frame: [sp, sp + 32) arguments to thunks, the host's FPCR, flags that join FPSR at the harvest, three
 * vectors for thunks, the spill area.
 *
 * Thunks keep all registers but x16, x17, x30, v30 and v31 (and their results).
 */
#pragma once

#include "backend/aarch64/asm.h"
#include "backend/emit.h"
#include "backend/tlb.h"
#include "machines/core/vcpu.h"

enum { VCPU = X28, TLB = X27, SCRATCH = X16, SCRATCH2 = X17, LR = X30, FSCRATCH = 31, FSCRATCH2 = 30,
       A64_GPR_PINS = 16, A64_FPR_PINS = 8 };
#define HOT(field) a64_at(VCPU, (int32_t)offsetof(struct vcpu, hot.field))
#define STATE(offset) a64_at(VCPU, (int32_t)(offsetof(struct vcpu, state) + (offset)))

enum { FRAME_FPCR = 32, FRAME_PENDING = 40, FRAME_VECS = 48, FRAME_SPILL = 96, FRAME_SIZE = 0x1080 };
_Static_assert(FRAME_SIZE >= FRAME_SPILL + RA_FRAME_SLOTS * 8 && FRAME_SIZE % 16 == 0, "the frame holds what it should");
#define OUT_ARG(n) a64_at(SP, 8 * (n))
/* Wide words 0 to 3 (op wput) */
#define WIDE(n) a64_at(VCPU, (int32_t)offsetof(struct vcpu, hot.wide) + 8 * (int)(n))
#define VEC_ARG(n) a64_at(SP, FRAME_VECS + 16 * (n))
#define SPILL(offset) a64_at(SP, FRAME_SPILL + (int32_t)(offset))

/* Bits of FPSR and FPCR */
enum { FPSR_IOC = 1, FPSR_DZC = 2, FPSR_OFC = 4, FPSR_UFC = 8, FPSR_IXC = 16, FPSR_IDC = 128, FPSR_FLAGS = 0x9f };
enum { FPCR_DN = 1 << 25, FPCR_FZ = 1 << 24, FPCR_RMODE_SHIFT = 22 };

static inline unsigned a64_num(unsigned ra_reg)
{
        return ra_reg & 31;
}

/* The opcode that moves a slot between its home and a register */
static inline uint32_t a64_slot_access(enum ir_type t, bool fp, bool load)
{
        unsigned size = t == IR_V128 ? 4 : is_wide(t) ? 3 : 2;

        if (fp)
                return load ? A64_FLD(size) : A64_FST(size);
        return load ? A64_LD(size) : A64_ST(size);
}

/* ---- emit.c ---- */
/* A constant: by instructions, or as a literal where that takes many. */
void emit_const(struct emit *e, unsigned d, uint64_t bits);
/* A load or store anywhere in the frame or the guest state; x17 helps with what is far. */
void emit_access(struct emit *e, uint32_t op, unsigned t, struct a64_mem m);
struct a64_mem emit_mem(const struct ra_opnd *o);
/* As emit_opnd_to, but an operand in a register stays there: where it is then. */
unsigned emit_opnd(struct emit *e, const struct ra_opnd *o, bool w, unsigned scratch);

/* ---- select.c: integers ---- */
/* Compares two values; the condition to test. */
enum a64_cc emit_compare(struct emit *e, enum ir_cond cond, bool w, ir_ref x, ir_ref y);
/* Compares and branches, by cbz or tbz where that will do; the branch. */
uint8_t *emit_compare_branch(struct emit *e, enum ir_cond cond, bool w, ir_ref x, ir_ref y);
/* d = n + imm; uses x17 for what is large */
void emit_add_imm(struct emit *e, bool w, unsigned d, unsigned n, int64_t imm);

/* d = x op y, where @op is one of add, sub and their flag-setting forms; uses x16 and x17 */
void emit_sum(struct emit *e, enum a64_alu op, bool w, unsigned d, const struct ra_opnd *x, const struct ra_opnd *y);

/* ---- flags.c: condition flags, fields, carries ---- */
extern const struct flag_target a64_flag_target;

/* After ra_operands_done: the condition to test. */
enum a64_cc emit_reader(struct emit *e, const struct flag_reader *r);
/* The same as a branch, to be patched. */
uint8_t *emit_reader_branch(struct emit *e, const struct flag_reader *r, bool negate);

/* ---- float.c ---- */
/* Is the region's mode one that FPCR can express? */
bool emit_fp_native(const struct emit *e);
bool emit_fp_native_mode(const struct ir_fpmode *m);
uint32_t a64_fp_env(struct ir_fpmode mode);

/* ---- vector.c ---- */
/* Both halves of vector register @d become @bits; uses x16. */
void emit_vector_const(struct emit *e, unsigned d, uint64_t bits);

/* ---- thunks.c ---- */
bool a64_thunks(struct emit_host *h, struct code_buf *buf);

/* ---- print.c ---- */
void a64_print_code(FILE *to, const uint8_t *code, size_t len, uint64_t exec_addr);
