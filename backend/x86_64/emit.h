/* SPDX-License-Identifier: MIT */
/*
 * What the files of the x86-64 host share: the registers' roles, the frame, the thunks' conventions, and the
 * state of an emission.
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

#include "backend/host.h"
#include "backend/regalloc.h"
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
                POOL_REV64, POOL_REV128, POOL_COUNT };

struct x86_host {
        struct host_features feat;
        bool avx;
        const struct slow_ops *slow;
        const struct ir_guest *guest;
        struct ra_target target;
        uint8_t *slot_pin;
        uint16_t pin_slot[RA_NREGS];
        /* executable addresses */
        const uint8_t *pool; /* 16 bytes each */
        const uint8_t *enter, *exit, *exit_stored, *exit_at, *no_return, *link, *unwind;
        /* [1] of these keep FP temporaries */
        const uint8_t *load[2], *store[2][4], *slow_store[2], *call[2], *call_fp[2];
        const uint8_t *load128, *store128, *vec;
        const uint8_t *call_leaf, *rmw, *cas, *cas16, *fp, *hook, *relookup[2], *fma_nan[2];
};

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

/* Code that is seldom run, emitted after the region's body. */
enum x86_cold_kind {
        COLD_LOAD, COLD_STORE, COLD_RMW, COLD_CAS, COLD_CAS16, COLD_LOOKUP,
        COLD_EXIT_AT, COLD_EXIT_PC, COLD_BUDGET, COLD_STATUS, COLD_POLL_SITE, COLD_STUB, COLD_LANDING,
        COLD_DIV,
        COLD_NAN, COLD_FMA, COLD_MINMAX, COLD_TO_INT, COLD_SLOW_FP,
        COLD_TINY, COLD_VECTOR,
};

struct x86_cold {
        uint8_t kind;
        bool fp_temps;        /* of those, some are live: thunks must keep them */
        bool relookup, write; /* memory: look up again for register t, at addr2 + lo */
        uint8_t n_from;
        uint8_t d, t, x, y;   /* registers; x86 numbers */
        uint8_t *from[3];     /* displacements of the jumps that come here */
        uint8_t *back;        /* where to go on */
        const struct ir_ins *i;
        struct ra_opnd addr, addr2, value, value2; /* guest address without imm */
        uint32_t first_loc, n_locs, insn;
        uint16_t page_offset;
        int64_t imm;
        uint32_t lo_span;     /* relookup: what follows the call */
        int32_t lo;
};

struct x86_fixup {
        uint8_t *disp;
        uint32_t block;
};

struct x86_emit {
        struct x86_asm a;
        struct ra ra;
        const struct x86_host *h;
        const struct ir_region *r;
        struct compiled *out;
        uint8_t *limit;
        struct x86_cold *cold;
        unsigned n_cold;
        uint8_t **block_at;         /* by block, or NULL */
        uint8_t *lookup_end;        /* where the latest shared lookup's code ended, and its cold piece */
        struct x86_cold *lookup_cold;
        struct x86_fixup *fixups;
        unsigned n_fixups;
        ir_ref *entry_insn;         /* by block: see ir_entry_insns; NULL if there is only one */
        bool *skip_block;           /* folded into a conditional link */
        uint32_t block;             /* being emitted */
        uint32_t insn;              /* guest instruction in force */
        uint32_t budget;            /* what the region took from hot.budget, 0 if nothing */
        uint16_t page_offset;       /* of that instruction */
        enum ir_round round;        /* of MXCSR; RMM if the host cannot have it */
};

static inline unsigned x86_num(unsigned ra_reg)
{
        return ra_reg & 31;
}

/* ---- emit.c ---- */
struct x86_cold *emit_cold(struct x86_emit *e, enum x86_cold_kind kind, const struct ir_ins *i);
void emit_cold_from(struct x86_cold *c, uint8_t *disp);
/* Notes the state of deferred slots for a fault in @c: see ra_snapshot. */
void emit_site(struct x86_emit *e, struct x86_cold *c, unsigned max_temps);
/* The call before this point may leave the region: makes its struct fault_site. */
void emit_site_here(struct x86_emit *e, const struct x86_cold *c);
struct x86_mem emit_mem(const struct ra_opnd *o);
/* Any operand (general) to a register, whatever the type; leaves flags alone. */
void emit_opnd_to(struct x86_emit *e, unsigned dst, const struct ra_opnd *o, bool w);
/* The same to [rsp] argument @n; FP registers too. Uses r11 for what is in memory or a large constant. */
void emit_out_arg(struct x86_emit *e, unsigned n, const struct ra_opnd *o, enum ir_type type);
/* A float operand to a register (the allocator's number); uses r11 for constants; leaves flags alone. */
void emit_fp_opnd_to(struct x86_emit *e, unsigned dst, const struct ra_opnd *o, enum ir_type type);
void emit_move(struct x86_emit *e, unsigned dst, unsigned src); /* ra register numbers */

/* ---- select.c: integers ---- */
bool emit_int(struct x86_emit *e, uint32_t at, const struct ir_ins *i);
bool x86_zeros_above(const struct ir_ins *i);
/* Compares two values; the condition to test. */
enum x86_cc emit_compare(struct x86_emit *e, enum ir_cond cond, bool w, ir_ref x, ir_ref y);
void cold_div(struct x86_emit *e, const struct x86_cold *c);

/* ---- memory.c ---- */
void emit_lookup(struct x86_emit *e, uint32_t at, const struct ir_ins *i);
void emit_ld(struct x86_emit *e, uint32_t at, const struct ir_ins *i);
void emit_st(struct x86_emit *e, uint32_t at, const struct ir_ins *i);
void emit_atomic(struct x86_emit *e, uint32_t at, const struct ir_ins *i);
void cold_memory(struct x86_emit *e, const struct x86_cold *c);

/* ---- control.c ---- */
void emit_control(struct x86_emit *e, uint32_t at, const struct ir_ins *i);
void emit_call(struct x86_emit *e, uint32_t at, const struct ir_ins *i);
void cold_control(struct x86_emit *e, const struct x86_cold *c);

/* ---- float.c ---- */
void emit_float(struct x86_emit *e, uint32_t at, const struct ir_ins *i);
/* The whole op by soft-float */
void emit_slow_fp(struct x86_emit *e, uint32_t at, const struct ir_ins *i);
void cold_float(struct x86_emit *e, const struct x86_cold *c);

/* ---- flags.c ---- */
extern const struct flag_target x86_flag_target;

/* A reader's operands, between ra_operands and the code that reads them; see backend/flagplan.h. */
struct x86_reader {
        struct ra_opnd x, y;
        const struct flag_plan *plan;
        bool test;
};
bool emit_is_reader(const struct x86_emit *e, uint32_t at);
struct x86_reader emit_reader_operands(struct x86_emit *e, uint32_t at);
/* After ra_operands_done: the condition to test. */
enum x86_cc emit_reader(struct x86_emit *e, const struct x86_reader *r);
/* A reader's whole code, its result 0 or 1. */
void emit_reader_value(struct x86_emit *e, uint32_t at);
bool emit_flags(struct x86_emit *e, uint32_t at, const struct ir_ins *i);

/* ---- vector.c ---- */
/* Both halves of xmm @dst become @bits; uses r11. */
void emit_vector_const(struct x86_emit *e, unsigned dst, uint64_t bits);
void emit_vector(struct x86_emit *e, uint32_t at, const struct ir_ins *i);
void cold_vector(struct x86_emit *e, const struct x86_cold *c);

/* ---- thunks.c ---- */
bool x86_thunks(struct x86_host *h, struct code_buf *buf);

/* ---- print.c ---- */
void x86_print_code(FILE *to, const uint8_t *code, size_t len, uint64_t exec_addr);

/* ---- unwind.c ---- */
struct x86_saved {
        uint64_t gpr[16], xmm[16][2];
};
void x86_harvest(struct vcpu *v, uint32_t mxcsr);
uint32_t x86_fp_env(struct ir_fpmode mode);
enum ir_exit x86_enter(void *host_data, struct vcpu *v, const uint8_t *door);
void x86_link(struct code_link *l, const struct code_region *target);
uint64_t x86_unwind(struct vcpu *v, const struct x86_saved *s, const uint8_t *ret, uint64_t status,
                    const uint8_t *frame, const struct x86_host *h);

static inline struct x86_mem emit_pool(const struct x86_emit *e, enum x86_pool n)
{
        return x86_at_rip(e->h->pool + 16 * n);
}

/* d = x op y on vector registers, with VEX or without; without, d is not y unless it is x */
static inline void op3(struct x86_emit *e, uint32_t op, unsigned d, unsigned x, unsigned y)
{
        if (e->h->avx) {
                x86_vrr(&e->a, op, d, x, y);
                return;
        }
        if (d != x)
                x86_movaps(&e->a, d, x);
        x86_rr(&e->a, op, d, y);
}

static inline void op3_mem(struct x86_emit *e, uint32_t op, unsigned d, unsigned x, struct x86_mem m)
{
        if (e->h->avx) {
                x86_vrm(&e->a, op, d, x, m);
                return;
        }
        if (d != x)
                x86_movaps(&e->a, d, x);
        x86_rm(&e->a, op, d, m);
}
