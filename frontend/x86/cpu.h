/* SPDX-License-Identifier: MIT */
/*
 * The state of an x86-64 CPU and what the parts of this frontend share. Registers that generated code reads
 * or writes are slots (regs.def); the rest is reached through helpers. Intel SDM volume 3, AMD APM volume 2.
 *
 * Long mode with a 64-bit code segment alone: real, protected and compatibility mode are not there yet. What
 * would enter them is refused with #GP and logged under LOG_UNIMP.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "frontend/cpu.h"
#include "frontend/fp/x87.h"
#include "frontend/x86/decode.h"
#include "ir/flags.h"
#include "ir/vec.h"
#include "machines/core/vcpu.h"

enum x86_vector {
        X86_EXC_DE = 0, X86_EXC_DB = 1, X86_EXC_NMI = 2, X86_EXC_BP = 3, X86_EXC_OF = 4, X86_EXC_BR = 5,
                X86_EXC_UD = 6,
        X86_EXC_NM = 7, X86_EXC_DF = 8, X86_EXC_TS = 10, X86_EXC_NP = 11, X86_EXC_SS = 12, X86_EXC_GP = 13,
        X86_EXC_PF = 14, X86_EXC_MF = 16, X86_EXC_AC = 17, X86_EXC_MC = 18, X86_EXC_XM = 19,
};

/* RFLAGS */
enum {
        X86_FL_CF = 1 << 0, X86_FL_ONE = 1 << 1, X86_FL_PF = 1 << 2, X86_FL_AF = 1 << 4, X86_FL_ZF = 1 << 6,
        X86_FL_SF = 1 << 7, X86_FL_TF = 1 << 8, X86_FL_IF = 1 << 9, X86_FL_DF = 1 << 10, X86_FL_OF = 1 << 11,
        X86_FL_IOPL = 3 << 12, X86_FL_NT = 1 << 14, X86_FL_RF = 1 << 16, X86_FL_VM = 1 << 17,
                X86_FL_AC = 1 << 18,
        X86_FL_VIF = 1 << 19, X86_FL_VIP = 1 << 20, X86_FL_ID = 1 << 21,
        X86_FL_STATUS = X86_FL_CF | X86_FL_PF | X86_FL_AF | X86_FL_ZF | X86_FL_SF | X86_FL_OF,
        X86_FL_SYSTEM = X86_FL_TF | X86_FL_IF | X86_FL_IOPL | X86_FL_NT | X86_FL_RF | X86_FL_AC | X86_FL_VIF |
                        X86_FL_VIP | X86_FL_ID,
};

#define X86_CR0_PE (1ull << 0)
#define X86_CR0_MP (1ull << 1)
#define X86_CR0_EM (1ull << 2)
#define X86_CR0_TS (1ull << 3)
#define X86_CR0_ET (1ull << 4)
#define X86_CR0_NE (1ull << 5)
#define X86_CR0_WP (1ull << 16)
#define X86_CR0_AM (1ull << 18)
#define X86_CR0_NW (1ull << 29)
#define X86_CR0_CD (1ull << 30)
#define X86_CR0_PG (1ull << 31)
#define X86_CR0_KNOWN (X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | X86_CR0_NE | \
                       X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)

#define X86_CR3_NOFLUSH (1ull << 63)

#define X86_CR4_TSD (1ull << 2)
#define X86_CR4_DE (1ull << 3)
#define X86_CR4_PSE (1ull << 4)
#define X86_CR4_PAE (1ull << 5)
#define X86_CR4_MCE (1ull << 6)
#define X86_CR4_PGE (1ull << 7)
#define X86_CR4_PCE (1ull << 8)
#define X86_CR4_OSFXSR (1ull << 9)
#define X86_CR4_OSXMMEXCPT (1ull << 10)
#define X86_CR4_UMIP (1ull << 11)
#define X86_CR4_FSGSBASE (1ull << 16)
#define X86_CR4_PCIDE (1ull << 17)
#define X86_CR4_SMEP (1ull << 20)
#define X86_CR4_SMAP (1ull << 21)
#define X86_DR6_BS (1ull << 14)

#define X86_EFER_SCE (1ull << 0)
#define X86_EFER_LME (1ull << 8)
#define X86_EFER_LMA (1ull << 10)
#define X86_EFER_NXE (1ull << 11)

/* Attributes of a segment: bytes 5 and 6 of its descriptor, the limit's bits out. */
enum {
        X86_SEG_CONFORMING = 1 << 2,
        X86_SEG_CODE = 1 << 3, X86_SEG_S = 1 << 4, X86_SEG_DPL = 3 << 5, X86_SEG_P = 1 << 7,
                X86_SEG_L = 1 << 13,
        X86_SEG_DB = 1 << 14, X86_SEG_G = 1 << 15,
};

/* The mode word: what changes the translation of the same bytes. */
#define X86_MODE_CPL 3u
#define X86_MODE_LONG (1u << 2)      /* 64-bit code; else nothing is translated */
#define X86_MODE_SSE (1u << 3)       /* CR4.OSFXSR, and not CR0.EM */
#define X86_MODE_TS (1u << 4)        /* CR0.TS: FP gives #NM */
#define X86_MODE_EM (1u << 5)        /* CR0.EM: x87 gives #NM */
#define X86_MODE_AC (1u << 6)        /* misaligned accesses give #AC */
#define X86_MODE_TF (1u << 7)        /* single step: regions of one instruction */
#define X86_MODE_FP_TRAPS (1u << 8)  /* MXCSR unmasks exceptions */
#define X86_MODE_RC_SHIFT 9          /* MXCSR.RC */
#define X86_MODE_FTZ (1u << 11)
#define X86_MODE_DAZ (1u << 12)
#define X86_MODE_FSGSBASE (1u << 13)
#define X86_MODE_TSD (1u << 14)      /* RDTSC is privileged */

#define X86_MXCSR_FLAGS 0x3fu
#define X86_MXCSR_DAZ (1u << 6)
#define X86_MXCSR_MASKS (0x3fu << 7)
#define X86_MXCSR_FTZ (1u << 15)
#define X86_MXCSR_KNOWN 0xffffu

struct x86_segment {
        uint64_t base;
        uint32_t limit, attr;
        uint16_t selector;
};

struct x86_state {
        uint64_t gpr[16];
        uint32_t flags;         /* CF PF AF ZF SF OF: a word as of ir/flags.h */
        uint64_t step;          /* 1, or -1 with DF set */
        uint64_t spare[2];      /* of compiled code, and no state */
        uint64_t system_flags;  /* X86_FL_SYSTEM of RFLAGS */
        struct ir_v128 xmm[16] __attribute__((aligned(16)));
        uint64_t mxcsr;         /* less the flags still in the host's FP unit */
        uint64_t mxcsr_before;  /* between fp_begin and fp_check: flags of earlier instructions */

        struct fp80 fpr[8];     /* physical registers */
        uint16_t fcw, fsw;
        uint8_t ftw;            /* a bit a register: in use */
        uint16_t fop;
        uint64_t fip, fdp;
        uint16_t x87_high;      /* between x87_value and x87_stored: what a store is about to do */
        uint8_t x87_flags;
        bool x87_fault;

        struct x86_segment seg[6], ldt, tr, gdt, idt; /* by enum x86_seg; of the latter two base and limit */
        uint64_t cpl;
        uint64_t cr0, cr2, cr3, cr4, cr8, xcr0;
        uint64_t dr[8];
        uint64_t efer, star, lstar, cstar, fmask, kernel_gs_base, tsc_aux, tsc_offset;
        uint64_t sysenter_cs, sysenter_esp, sysenter_eip, apic_base, pat, misc_enable, mtrr_def_type;
        uint64_t mtrr[2 * 16 + 11]; /* kept for who reads them; caching is not modelled */

        /* RFLAGS.TF: #DB is due once the instruction at step_pc is over, that is wherever else the CPU is */
        bool step_armed;
        uint64_t step_pc;

        const struct cpu_config *config;
};

static inline struct x86_state *x86_state(struct vcpu *v)
{
        return (struct x86_state *)v->state;
}

static inline const struct x86_state *x86_state_const(const struct vcpu *v)
{
        return (const struct x86_state *)v->state;
}

/* Groups of slots for the helpers' masks. */
enum x86_group { X86_GROUP_GPR, X86_GROUP_FLAGS, X86_GROUP_SYSTEM, X86_GROUP_XMM, X86_GROUP_SPARE };
#define X86_MASK_GPR (1ull << X86_GROUP_GPR)
#define X86_MASK_FLAGS (1ull << X86_GROUP_FLAGS)
#define X86_MASK_SYSTEM (1ull << X86_GROUP_SYSTEM)
#define X86_MASK_XMM (1ull << X86_GROUP_XMM)

enum x86_slot {
#define SLOT(id, name, type, group, field) X86_SLOT_##id,
#include "frontend/x86/regs.def"
#undef SLOT
        X86_SLOT_COUNT
};

extern const struct ir_guest x86_guest;
extern const struct cpu_ops x86_64_ops;

/* ---- x87.c: what its helpers are told ---- */
enum x87_operand { X87_ST, X87_F32, X87_F64, X87_F80, X87_I16, X87_I32, X87_I64 };
enum x87_arith { X87_ADD, X87_MUL, X87_SUB, X87_SUBR, X87_DIV, X87_DIVR };
enum x87_unary { X87_CHS, X87_ABS, X87_SQRT, X87_RNDINT, X87_SCALE, X87_PREM, X87_PREM1, X87_XTRACT,
                X87_XAM };
enum x87_move { X87_LD, X87_STORE, X87_STORE_POP, X87_XCH, X87_CMOV, X87_FREE, X87_FREE_POP, X87_TOP_UP,
               X87_TOP_DOWN };
enum x87_control { X87_INIT, X87_CLEAR, X87_LOAD };

/* ---- helpers that translators call; shapes in struct ir_helper ---- */
#define HELPER(name, args, type, reads, writes, flags, doc) extern const struct ir_helper x86_helper_##name;
#include "frontend/x86/helpers.def"
#undef HELPER
#define X86_HELP(name) \
        struct ir_helper_ret x86_help_##name(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
#define HELPER(name, args, type, reads, writes, flags, doc) X86_HELP(name);
#include "frontend/x86/helpers.def"
#undef HELPER

static inline struct ir_helper_ret x86_done(uint64_t value)
{
        return (struct ir_helper_ret){value, 0};
}

/* ---- trap.c ---- */
/* Records an exception; what a helper returns to raise it at its instruction. */
struct ir_helper_ret x86_raise(struct vcpu *v, enum x86_vector vector, uint64_t error_code);
struct ir_helper_ret x86_raise_pf(struct vcpu *v, gva_t gva, uint64_t error_code);
void x86_deliver(struct vcpu *v);
bool x86_interrupt(struct vcpu *v);
bool x86_has_work(const struct vcpu *v);
#define X86_STEP_NOWHERE (~0ull)     /* step_pc of an instruction that is over and goes to itself */
/*
 * INT n, INT3 and INTO: through the gate with its DPL checked, returning to @next. False: an exception is
 * recorded.
 */
bool x86_soft_interrupt(struct vcpu *v, unsigned vector, uint64_t next);
/* RFLAGS as software sees them. */
uint64_t x86_get_rflags(const struct vcpu *v);
/* Those of @mask; tells the engine if the mode changes by it. */
void x86_set_rflags(struct vcpu *v, uint64_t value, uint64_t mask);

/* ---- mmu.c ---- */
bool x86_walk(struct vcpu *v, gva_t gva, unsigned size, enum access access, uint32_t view, bool debug,
              struct walk *out);
void x86_context_key(const struct vcpu *v, uint64_t *space, uint32_t *data_view, uint32_t *fetch_view);
/*
 * Memory as the CPU itself reads and writes it (descriptors, stacks of handlers). False: an exception is
 * recorded.
 */
bool x86_read(struct vcpu *v, gva_t gva, unsigned size, bool supervisor, uint64_t *value);
bool x86_write(struct vcpu *v, gva_t gva, unsigned size, bool supervisor, uint64_t value);
static inline bool x86_canonical(uint64_t a)
{
        return (uint64_t)((int64_t)(a << 16) >> 16) == a;
}

/* ---- system.c, msr.c, cpuid.c ---- */
void x86_cpuid(struct vcpu *v, uint32_t leaf, uint32_t sub, uint32_t out[4]);
bool x86_set_cr(struct vcpu *v, unsigned n, uint64_t value); /* false: #GP */
bool x86_msr_read(struct vcpu *v, uint32_t msr, uint64_t *value);
bool x86_msr_write(struct vcpu *v, uint32_t msr, uint64_t value);
uint64_t x86_tsc(struct vcpu *v);
/* Loads a segment register in 64-bit mode; false: an exception is recorded. */
bool x86_load_segment(struct vcpu *v, enum x86_seg seg, uint16_t selector);
/* The descriptor of a selector, 8 or 16 bytes of it; false: an exception is recorded. */
bool x86_read_descriptor(struct vcpu *v, uint16_t selector, unsigned size, enum x86_vector vector,
                         uint64_t desc[2]);
void x86_segment_from(struct x86_segment *s, uint16_t selector, uint64_t desc);

/* ---- regs.c: registers as gdb and the monitor see them ---- */
enum { X86_N_REGS = 16 + 2 + 6 + 8 + 8 + 16 + 1 + 2 + 11 };
extern const struct cpu_reg x86_regs[X86_N_REGS];
extern const char *const x86_gdb_sets[], *const x86_gdb_types[];

/* ---- translate.c, cpu.c ---- */
void x86_translate(struct ir_region *r, struct translate_req *req);
struct ir_fpmode x86_fp_mode(uint64_t mode);
uint64_t x86_mode(const struct vcpu *v);
/* LOG_UNIMP, once each place. */
void x86_log_unimplemented(struct vcpu *v, const char *what);
