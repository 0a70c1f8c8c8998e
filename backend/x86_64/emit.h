/* SPDX-License-Identifier: MIT */
/*
 * What the files of the x86-64 host share: the registers' roles, the frame, the thunks' conventions.
 *
 * Registers: rbp points into struct vcpu (X86_BIAS), r15 = hot.tlb, rsp = the frame, r11 and xmm15 belong to
 * the emitter. r12 to r14, rbx, rsi, rdi, r8, r9 and xmm0 to xmm7 are pins; rax, rcx, rdx, r10 and xmm8 to
 * xmm14 temporaries. MXCSR holds the region's rounding and the guest's sticky flags.
 *
 * The frame: [rsp, rsp + 40) arguments to thunks, then the host's MXCSR, three vectors for thunks, the spill
 * area.
 *
 * Thunks keep all registers but r11 (and their results). Calls into the slow paths are followed by `test eax,
 * imm32`, whose immediate is the thunk's further argument: it costs nothing and keeps returns paired.
 */
#pragma once

#include "backend/emit.h"
#include "backend/tlb.h"
#include "backend/x86_64/asm.h"
#include "machines/core/vcpu.h"

/* rbp = vcpu + X86_BIAS, so that the first 256 bytes of guest state have short addresses. */
enum { X86_BIAS = offsetof(struct vcpu, state) + 128 };
#define HOT(field) x86_at(RBP, (int32_t)offsetof(struct vcpu, hot.field) - X86_BIAS)
#define STATE(offset) x86_at(RBP, (int32_t)(offset) - 128)

enum { FRAME_MXCSR = 48, FRAME_VECS = 64, FRAME_SPILL = 112,
       FRAME_SIZE = FRAME_SPILL + RA_FRAME_SLOTS * 8 + 8 };
#define OUT_ARG(n) x86_at(RSP, 8 * (n))
#define VEC_ARG(n) x86_at(RSP, FRAME_VECS + 16 * (n))
#define SPILL(offset) x86_at(RSP, FRAME_SPILL + (int32_t)(offset))

enum { SCRATCH = R11, FSCRATCH = 15, X86_GPR_PINS = 8, X86_FPR_PINS = 8 };

/* Constants that instructions address */
enum x86_pool { POOL_SIGN64, POOL_ABS64, POOL_SIGN32, POOL_ABS32, POOL_BOX, POOL_NAN64, POOL_NAN32, POOL_ONES,
                POOL_ZERO, POOL_INF64, POOL_MIN64, POOL_MIN32, POOL_SIGNS64, POOL_SIGNS32, POOL_ABSS32,
                POOL_ABSS64, POOL_INFS32,
                POOL_INFS64, POOL_MINS32, POOL_MINS64, POOL_BYTES70,
                POOL_SIGNS8, POOL_SIGNS16, POOL_LOW8, POOL_NIBBLES, POOL_POPCNT, POOL_REV16, POOL_REV32,
                POOL_REV64, POOL_REV128, POOL_LOW16, POOL_LOW32, POOL_ONES8, POOL_ONES16,
                POOL_QNANS32, POOL_QNANS64, POOL_SNAN_BIAS32, POOL_SNAN_BIAS64, POOL_SNAN_LAST32, POOL_SNAN_LAST64,
                POOL_INFS_SHL32, POOL_INFS_SHL64,
                POOL_BYTE_SHIFTS, POOL_COUNT = POOL_BYTE_SHIFTS + 3 * 8 };
extern const uint64_t x86_pool[POOL_BYTE_SHIFTS][2];

/* Vector ops whose results are mended: of one or two operands, also where tininess matters; fma, with a negated. */
enum x86_mend { X86_MEND_OP, X86_MEND_TINY, X86_MEND_FMA, X86_MEND_FNMA, X86_MEND_KINDS };

/*
 * How the host's SSE unit does in a mode: as it is (NaNs, tininess, and flushing by MXCSR are x86's); right
 * but for NaN results and perhaps for what is barely not tiny, which are looked for; or not at all.
 */
enum x86_fp_fit { FIT_NATIVE, FIT_MENDED, FIT_NONE };

static inline enum x86_fp_fit x86_fp_fit(const struct ir_fpmode *m)
{
        if (m->nan == IR_NAN_FIRST && !m->tininess_before && m->flush_out != IR_FLUSH_UF &&
            !m->fma_inf_zero_nan_invalid && (!m->flush_in || m->note_denormal))
                return FIT_NATIVE;
        return m->flush_in || m->flush_out || m->note_denormal ? FIT_NONE : FIT_MENDED;
}

static inline unsigned x86_num(unsigned ra_reg)
{
        return ra_reg & 31;
}

/* ---- emit.c ---- */
struct x86_mem emit_mem(const struct ra_opnd *o);

/* ---- select.c: integers ---- */
bool x86_zeros_above(const struct ir_ins *i);
/* Compares two values; the condition to test. */
enum x86_cc emit_compare(struct emit *e, enum ir_cond cond, bool w, ir_ref x, ir_ref y);
void cold_addend(struct emit *e, const struct cold *c);
void cold_div(struct emit *e, const struct cold *c);

/* ---- memory.c ---- */
/* What is known of the region's slots, made when it is first asked for (struct emit, own). */
struct x86_own {
        const uint8_t *loaded;    /* by slot: may hold what was loaded */
        const uint8_t *near_code; /* by slot: may hold an address near code */
};
struct x86_own *x86_own(struct emit *e);
/* r11 = offset of @a's TLB entry from r15 */
void x86_tlb_index(struct emit *e, unsigned a);

/* The cold code of a probe by the window begins so. */
void x86_cold_window(struct emit *e, const struct cold *c);

/* ---- beside.c: stores to data on pages with code ---- */
/* Is a store at value @base + @imm likely to be one? */
bool x86_stores_beside(struct emit *e, ir_ref base, int32_t imm);
/* Its probe, for c->beside, which is aligned to its span; jumps to @c, which is cold_beside's. */
void x86_probe_beside(struct emit *e, struct cold *c);

/* ---- float.c ---- */
void cold_float(struct emit *e, const struct cold *c);
uint32_t x86_fp_env(struct ir_fpmode mode);

/* ---- flags.c ---- */
extern const struct flag_target x86_flag_target;

/* After ra_operands_done: the condition to test. */
enum x86_cc emit_reader(struct emit *e, const struct flag_reader *r);

/* ---- vector.c ---- */
/* Both halves of xmm @dst become @bits; uses r11. */
void emit_vector_const(struct emit *e, unsigned dst, uint64_t bits);
void cold_vector(struct emit *e, const struct cold *c);

/* ---- mend.c: part of the thunks ---- */
void x86_mend_thunks(struct emit_host *h, struct asm_out *a);

/* ---- print.c ---- */
void x86_print_code(FILE *to, const uint8_t *code, size_t len, uint64_t exec_addr);

static inline struct x86_mem emit_pool(const struct emit *e, enum x86_pool n)
{
        return x86_at_rip(e->h->pool + 16 * n);
}

/* d = x op y on vector registers, with VEX or without; without, d is not y unless it is x */
static inline void op3(struct emit *e, uint32_t op, unsigned d, unsigned x, unsigned y)
{
        if (e->h->feat.avx) {
                x86_vrr(&e->a, op, d, x, y);
                return;
        }
        if (d != x)
                x86_movaps(&e->a, d, x);
        x86_rr(&e->a, op, d, y);
}

static inline void op3_mem(struct emit *e, uint32_t op, unsigned d, unsigned x, struct x86_mem m)
{
        if (e->h->feat.avx) {
                x86_vrm(&e->a, op, d, x, m);
                return;
        }
        if (d != x)
                x86_movaps(&e->a, d, x);
        x86_rm(&e->a, op, d, m);
}
