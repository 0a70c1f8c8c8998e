/* SPDX-License-Identifier: MIT */
/*
 * The state of an AArch64 processing element with EL0 and EL1, and what the parts of this frontend share.
 * Registers that generated code reads or writes are slots (regs.def); the rest is reached through helpers.
 * Arm Architecture Reference Manual, DDI 0487. Not modelled: EL2 and EL3, AArch32, big-endian data, debug,
 * performance counters.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "frontend/arm/a64_features.h"
#include "frontend/cpu.h"
#include "ir/flags.h"
#include "machines/core/irq.h"
#include "machines/core/vcpu.h"

/* Input lines of vcpu_set_irq. */
enum a64_irq { A64_IRQ, A64_FIQ, A64_IRQ_LINES };

/* Exception classes (ESR_EL1.EC). */
enum a64_ec {
        A64_EC_UNKNOWN = 0x00,
        A64_EC_WFX = 0x01,
        A64_EC_FP = 0x07,
        A64_EC_ILLEGAL = 0x0e,
        A64_EC_SVC = 0x15,
        A64_EC_SYSREG = 0x18,
        A64_EC_FETCH_ABORT_LOWER = 0x20,
        A64_EC_FETCH_ABORT = 0x21,
        A64_EC_PC_ALIGN = 0x22,
        A64_EC_DATA_ABORT_LOWER = 0x24,
        A64_EC_DATA_ABORT = 0x25,
        A64_EC_SP_ALIGN = 0x26,
        A64_EC_BRK = 0x3c,
};

/* Of v->exception, beside values of ESR_EL1: none of them (exception.c). */
#define A64_CAUSE_RETARGET UINT64_MAX

/* Fault status codes, low bits of ISS; the translation table level is added where one is meant. */
enum a64_fsc {
        A64_FSC_ADDRESS_SIZE = 0x00,
        A64_FSC_TRANSLATION = 0x04,
        A64_FSC_ACCESS_FLAG = 0x08,
        A64_FSC_PERMISSION = 0x0c,
        A64_FSC_EXTERNAL = 0x10,
        A64_FSC_EXTERNAL_WALK = 0x14,
        A64_FSC_ALIGNMENT = 0x21,
};
#define A64_ISS_WNR (1u << 6)
#define A64_ISS_CM (1u << 8)

/* PSTATE as SPSR_EL1 has it. */
#define A64_PSTATE_N (1ull << 31)
#define A64_PSTATE_Z (1ull << 30)
#define A64_PSTATE_C (1ull << 29)
#define A64_PSTATE_V (1ull << 28)
#define A64_PSTATE_PAN (1ull << 22)
#define A64_PSTATE_SS (1ull << 21)
#define A64_PSTATE_IL (1ull << 20)
#define A64_PSTATE_D (1ull << 9)
#define A64_PSTATE_A (1ull << 8)
#define A64_PSTATE_I (1ull << 7)
#define A64_PSTATE_F (1ull << 6)
#define A64_PSTATE_DAIF (15ull << 6)
#define A64_PSTATE_EL(n) ((uint64_t)(n) << 2)
#define A64_PSTATE_SP 1ull

/* SCTLR_EL1 */
#define A64_SCTLR_M (1ull << 0)
#define A64_SCTLR_A (1ull << 1)
#define A64_SCTLR_SA (1ull << 3)
#define A64_SCTLR_SA0 (1ull << 4)
#define A64_SCTLR_UMA (1ull << 9)
#define A64_SCTLR_DZE (1ull << 14)
#define A64_SCTLR_UCT (1ull << 15)
#define A64_SCTLR_NTWI (1ull << 16)
#define A64_SCTLR_NTWE (1ull << 18)
#define A64_SCTLR_WXN (1ull << 19)
#define A64_SCTLR_SPAN (1ull << 23)
#define A64_SCTLR_UCI (1ull << 26)
#define A64_SCTLR_RES1 (1ull << 11 | 1ull << 20 | 1ull << 22 | 1ull << 28 | 1ull << 29)

/* FPCR and FPSR */
#define A64_FPCR_AHP (1u << 26)
#define A64_FPCR_DN (1u << 25)
#define A64_FPCR_FZ (1u << 24)
#define A64_FPCR_MASK (A64_FPCR_AHP | A64_FPCR_DN | A64_FPCR_FZ | 3u << 22)
#define A64_FPSR_QC (1u << 27)
#define A64_FPSR_MASK (A64_FPSR_QC | 0x9fu)

/* The mode word: what changes the translation of the same bytes. */
#define A64_MODE_EL1 (1u << 0)
#define A64_MODE_SPX (1u << 1)       /* SP is SP_EL1 */
#define A64_MODE_FP (1u << 2)        /* FP and AdvSIMD instructions do not trap */
#define A64_MODE_SA (1u << 3)        /* SP as a base must be aligned */
#define A64_MODE_ALIGN (1u << 4)     /* SCTLR_EL1.A */
#define A64_MODE_IL (1u << 5)        /* PSTATE.IL: every instruction is illegal */
#define A64_MODE_DZE (1u << 6)       /* DC ZVA is allowed */
#define A64_MODE_FPCR_SHIFT 8        /* FPCR[26:22]: AHP, DN, FZ, RMode */
#define A64_MODE_RMODE(m) ((unsigned)(m) >> A64_MODE_FPCR_SHIFT & 3)
#define A64_MODE_FZ (1u << (A64_MODE_FPCR_SHIFT + 2))
#define A64_MODE_DN (1u << (A64_MODE_FPCR_SHIFT + 3))
#define A64_MODE_AHP (1u << (A64_MODE_FPCR_SHIFT + 4))

/* The generic timer's comparators: physical and virtual, which have one count here. */
enum a64_timer { A64_TIMER_P, A64_TIMER_V, A64_TIMERS };

/* What other vCPUs' TLBIs ask of this one (tlbi.c); any thread. */
struct a64_shootdown {
        _Atomic uint64_t asked, done;
};

struct a64_state {
        uint64_t x[31];
        uint64_t sp_el0, sp_el1;
        uint32_t flags;                /* host layout; C as borrow */
        uint64_t v[32][2] __attribute__((aligned(16)));
        uint64_t qc[2];                /* not 0: FPSR.QC */
        /* not 0: the latest load-exclusive went through a helper, and may be stored to */
        uint64_t reserved;
        uint64_t tpidr_el0, tpidrro_el0, tpidr_el1;

        uint64_t el, spsel, daif, pan, il, ss; /* daif: as in PSTATE */
        uint64_t fpcr, fpsr;           /* fpsr: accrued, less QC and what is still in the host's FP unit */

        uint64_t sctlr_el1, actlr_el1, cpacr_el1, ttbr0_el1, ttbr1_el1, tcr_el1, mair_el1, amair_el1;
        uint64_t contextidr_el1, par_el1, csselr_el1;
        uint64_t spsr_el1, elr_el1, esr_el1, far_el1, afsr0_el1, afsr1_el1, vbar_el1;
        uint64_t mdscr_el1, oslsr_el1, osdlr_el1;
        uint64_t cntkctl_el1, cnt_ctl[A64_TIMERS], cnt_cval[A64_TIMERS];
        uint64_t pair[3];              /* address and value of the latest LDXP of 16 bytes (exclusive.c) */

        /* derived or private to this frontend, not architectural */
        const struct cpu_config *config;
        struct timer *timers[A64_TIMERS];
        struct irq_line timer_out[A64_TIMERS]; /* to an interrupt controller; the machine's */
        struct a64_shootdown shootdown;
};

static inline struct a64_state *a64_state(struct vcpu *v)
{
        return (struct a64_state *)v->state;
}

static inline const struct a64_state *a64_state_const(const struct vcpu *v)
{
        return (const struct a64_state *)v->state;
}

/* Groups of slots for the helpers' masks. */
enum a64_group { A64_GROUP_X, A64_GROUP_SP, A64_GROUP_FLAGS, A64_GROUP_V, A64_GROUP_QC, A64_GROUP_LRSC,
                A64_GROUP_TPIDR };
#define A64_MASK(group) (1ull << A64_GROUP_##group)

enum a64_slot {
#define SLOT(id, name, type, group, field) A64_SLOT_##id,
#include "frontend/arm/regs.def"
#undef SLOT
        A64_SLOT_COUNT
};

extern const struct ir_guest a64_guest;
extern const struct cpu_ops aarch64_ops;

/* ---- helpers that translators call (helpers.c and others); shapes in struct ir_helper ---- */
#define HELPER(name, args, type, reads, writes, flags, doc) extern const struct ir_helper a64_helper_##name;
#include "frontend/arm/helpers.def"
#undef HELPER
#define A64_HELP(name) \
        struct ir_helper_ret a64_help_##name(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
#define HELPER(name, args, type, reads, writes, flags, doc) A64_HELP(name);
#include "frontend/arm/helpers.def"
#undef HELPER

static inline struct ir_helper_ret a64_done(uint64_t value)
{
        return (struct ir_helper_ret){value, 0};
}

/* ---- regs.c: registers as gdb and the monitor see them ---- */
enum {
        A64_N_REGS = 31 + 3 + 32 + 2 + 8
#define REG_FIELD(n, op0, op1, crn, crm, op2, acc, member, mask) + 1
#define REG_CONST(n, op0, op1, crn, crm, op2, acc, constant)
#define REG_FN(n, op0, op1, crn, crm, op2, acc)
#include "frontend/arm/sysreg.def"
#undef REG_FIELD
#undef REG_CONST
#undef REG_FN
};
extern const struct cpu_reg a64_regs[A64_N_REGS];
extern const char *const a64_gdb_sets[], *const a64_gdb_types[];

/* ---- sysreg.c ---- */
/* Which register: op0, op1, CRn, CRm, op2 from bit 15 down. */
#define A64_SYSREG(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
/* Without checks and side effects of reading, for gdb, the monitor and lockstep; false: there is none. */
bool a64_sysreg_peek(struct vcpu *v, unsigned key, uint64_t *value);
bool a64_sysreg_poke(struct vcpu *v, unsigned key, uint64_t value);
/* Does writing it leave mode, context and interrupts alone? */
bool a64_sysreg_is_plain(unsigned key);
/* Does reading it depend on time? */
bool a64_sysreg_is_counter(unsigned key);
void a64_sysreg_reset(struct vcpu *v);
uint64_t a64_nzcv(const struct a64_state *s);
uint32_t a64_flags_of_nzcv(uint64_t nzcv);
uint64_t a64_fpsr(const struct a64_state *s);
void a64_timer_fired_p(void *vcpu);
void a64_timer_fired_v(void *vcpu);

/* ---- exception.c ---- */
/* Records an exception to be delivered at the instruction in force. */
struct ir_helper_ret a64_raise(struct vcpu *v, enum a64_ec ec, uint32_t iss, uint64_t far);
struct ir_helper_ret a64_undefined(struct vcpu *v);
/* Records an abort; @fsc is enum a64_fsc with its level. */
void a64_abort(struct vcpu *v, gva_t gva, enum access access, unsigned fsc);
void a64_deliver(struct vcpu *v);
bool a64_interrupt(struct vcpu *v);
bool a64_has_work(const struct vcpu *v);
void a64_look_at_irqs(struct vcpu *v);
uint64_t a64_pstate(const struct vcpu *v);
void a64_set_pstate(struct vcpu *v, uint64_t pstate);

/* ---- mmu.c ---- */
bool a64_walk(struct vcpu *v, gva_t gva, unsigned size, enum access access, uint32_t view, bool debug,
              struct walk *out);
void a64_context_key(const struct vcpu *v, uint64_t *space, uint32_t *data_view, uint32_t *fetch_view);
/* Views, as context_key names them */
#define A64_VIEW_EL1 (1u << 0)
#define A64_VIEW_PAN (1u << 1)
#define A64_VIEW_MMU (1u << 2)
/* The view of an LDTR or STTR. */
static inline uint32_t a64_unprivileged_view(uint32_t view)
{
        return view & ~(A64_VIEW_EL1 | A64_VIEW_PAN);
}

/* ---- tlbi.c ---- */
/* Does what other vCPUs' TLBIs asked for. */
void a64_shootdown_serve(struct vcpu *v);
/* Have all vCPUs done what this one's TLBIs asked for? */
bool a64_shootdown_complete(struct vcpu *v);

/* ---- translate.c ---- */
void a64_translate(struct ir_region *r, struct translate_req *req);
struct ir_fpmode a64_fp_mode(uint64_t mode);
uint64_t a64_mode(const struct vcpu *v);
