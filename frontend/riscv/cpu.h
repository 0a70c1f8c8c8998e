/* SPDX-License-Identifier: MIT */
/*
 * The state of a RISC-V hart and what the parts of this frontend share. Registers that generated code reads
 * or writes are slots (regs.def); the rest is reached through helpers. RISC-V ISA manual, volumes I and II
 * (20240411).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "frontend/cpu.h"
#include "frontend/riscv/rv_features.h"
#include "machines/core/vcpu.h"

enum rv_priv { RV_U = 0, RV_S = 1, RV_M = 3 };

enum { RV_PMP_ENTRIES = 16 };

/* Interrupt numbers: bits of mip and mie, and the input lines of vcpu_set_irq. */
enum rv_irq { RV_IRQ_SSI = 1, RV_IRQ_MSI = 3, RV_IRQ_STI = 5, RV_IRQ_MTI = 7, RV_IRQ_SEI = 9,
              RV_IRQ_MEI = 11 };

/* Exception causes (volume II, table of mcause). */
enum rv_cause {
        RV_EXC_FETCH_MISALIGNED = 0,
        RV_EXC_FETCH_ACCESS = 1,
        RV_EXC_ILLEGAL = 2,
        RV_EXC_BREAKPOINT = 3,
        RV_EXC_LOAD_MISALIGNED = 4,
        RV_EXC_LOAD_ACCESS = 5,
        RV_EXC_STORE_MISALIGNED = 6,
        RV_EXC_STORE_ACCESS = 7,
        RV_EXC_ECALL_U = 8,
        RV_EXC_ECALL_S = 9,
        RV_EXC_ECALL_M = 11,
        RV_EXC_FETCH_PAGE = 12,
        RV_EXC_LOAD_PAGE = 13,
        RV_EXC_STORE_PAGE = 15,
};
#define RV_CAUSE_INTERRUPT (1ull << 63)

/* mstatus fields, RV64 */
#define RV_MSTATUS_SIE (1ull << 1)
#define RV_MSTATUS_MIE (1ull << 3)
#define RV_MSTATUS_SPIE (1ull << 5)
#define RV_MSTATUS_UBE (1ull << 6)
#define RV_MSTATUS_MPIE (1ull << 7)
#define RV_MSTATUS_SPP (1ull << 8)
#define RV_MSTATUS_MPP (3ull << 11)
#define RV_MSTATUS_FS (3ull << 13)
#define RV_MSTATUS_VS (3ull << 9)
#define RV_MSTATUS_XS (3ull << 15)
#define RV_MSTATUS_MPRV (1ull << 17)
#define RV_MSTATUS_SUM (1ull << 18)
#define RV_MSTATUS_MXR (1ull << 19)
#define RV_MSTATUS_TVM (1ull << 20)
#define RV_MSTATUS_TW (1ull << 21)
#define RV_MSTATUS_TSR (1ull << 22)
#define RV_MSTATUS_UXL (3ull << 32)
#define RV_MSTATUS_SXL (3ull << 34)
#define RV_MSTATUS_SD (1ull << 63)
/* What sstatus shows of it, less SD, and what of that can be written. */
#define RV_SSTATUS_WRITABLE (RV_MSTATUS_SIE | RV_MSTATUS_SPIE | RV_MSTATUS_SPP | RV_MSTATUS_FS | \
                             RV_MSTATUS_SUM | RV_MSTATUS_MXR)
#define RV_SSTATUS_READABLE (RV_SSTATUS_WRITABLE | RV_MSTATUS_VS | RV_MSTATUS_XS | RV_MSTATUS_UXL | \
                             RV_MSTATUS_UBE)
#define RV_FS_DIRTY (3ull << 13)
#define RV_MENVCFG_STCE (1ull << 63)
#define RV_ENVCFG_FIOM (1ull << 0)

/* The mode word: what changes the translation of the same bytes. */
#define RV_MODE_FS_ON (1u << 0)     /* mstatus.FS is not Off */
#define RV_MODE_FS_DIRTY (1u << 1)  /* mstatus.FS is Dirty: nothing to mark */
#define RV_MODE_FRM(m) ((unsigned)(m) >> 2 & 7)
#define RV_MODE_FRM_SHIFT 2
#define RV_MODE_RV32 (1u << 5)
#define RV_MODE_PRIV(m) ((enum rv_priv)((m) >> 6 & 3))
#define RV_MODE_PRIV_SHIFT 6

struct rv_state {
        uint64_t x[32]; /* x[0] stays zero */
        uint64_t f[32]; /* NaN-boxed when single */

        uint64_t mstatus; /* SD is computed on reads */
        uint64_t priv;    /* enum rv_priv */
        uint64_t reserved; /* not 0: the latest LR went through load_reserved, and its SC may succeed */
        uint64_t fflags, frm; /* accrued flags, less those still in the host's FP unit */

        /* mip: bits that software holds; lines are vcpu.irq_pending */
        uint64_t misa, medeleg, mideleg, mie, mip;
        uint64_t mtvec, mscratch, mepc, mcause, mtval, mcounteren, mcountinhibit, menvcfg, mseccfg;
        uint64_t stvec, sscratch, sepc, scause, stval, satp, scounteren, senvcfg;
        uint64_t stimecmp;
        uint64_t mcycle_offset, minstret_offset; /* added to the running counts; alone while inhibited */
        uint64_t pmpcfg[RV_PMP_ENTRIES], pmpaddr[RV_PMP_ENTRIES]; /* one entry an element */

        /* derived or private to this frontend, not architectural */
        uint64_t pmp_start[RV_PMP_ENTRIES], pmp_last[RV_PMP_ENTRIES]; /* inclusive; start > last: off */
        const struct cpu_config *config;
        struct timer *stimer; /* for stimecmp */
};

static inline struct rv_state *rv_state(struct vcpu *v)
{
        return (struct rv_state *)v->state;
}

static inline const struct rv_state *rv_state_const(const struct vcpu *v)
{
        return (const struct rv_state *)v->state;
}

/* Groups of slots for the helpers' masks. */
enum rv_group { RV_GROUP_X, RV_GROUP_F, RV_GROUP_STATUS, RV_GROUP_LRSC, RV_GROUP_ZERO };
#define RV_MASK_STATUS (1ull << RV_GROUP_STATUS)
#define RV_MASK_LRSC (1ull << RV_GROUP_LRSC)

/* Slot ids: x1..x31, f0..f31, what else regs.def lists, then CSRs. */
enum rv_slot {
#define SLOT(id, name, type, group, field) RV_SLOT_##id,
#include "frontend/riscv/regs.def"
#undef SLOT
        RV_SLOT_ZERO, RV_SLOT_MSTATUS,
#define CSR_SLOT(id, number, name, field, write) RV_SLOT_##id,
#include "frontend/riscv/csr_slots.def"
#undef CSR_SLOT
        RV_SLOT_COUNT
};

extern const struct ir_guest rv64_guest;
extern const struct cpu_ops riscv64_ops;

/* ---- helpers that translators call (helpers.c); shapes in struct ir_helper ---- */
#define HELPER(name, args, type, reads, writes, flags, doc) extern const struct ir_helper rv_helper_##name;
#include "frontend/riscv/helpers.def"
#undef HELPER

/* ---- csr.c ---- */
/*
 * Reads or writes a CSR; false: illegal instruction. What its number says of privilege and read-only
 * registers the translator has checked (volume II, 2.1). What a write changes of mode, context and interrupts
 * is passed on to the engine.
 */
enum rv_csr_op { RV_CSR_SWAP, RV_CSR_SET, RV_CSR_CLEAR };
bool rv_csr_read(struct vcpu *v, unsigned csr, uint64_t *value);
bool rv_csr_update(struct vcpu *v, unsigned csr, enum rv_csr_op op, uint64_t operand, uint64_t *old);
/* For gdb, the monitor and lockstep: no privilege checks, no read side effects. */
bool rv_csr_peek(struct vcpu *v, unsigned csr, uint64_t *value);
bool rv_csr_poke(struct vcpu *v, unsigned csr, uint64_t value);
void rv_csr_reset(struct vcpu *v);
/* Does reading it depend on the instruction count or on time? Such reads end blocks in deterministic mode. */
bool rv_csr_is_counter(unsigned csr);

/* ---- trap.c ---- */
struct ir_helper_ret rv_raise(struct vcpu *v, enum rv_cause cause, uint64_t tval);
void rv_deliver(struct vcpu *v);
/* The same for what an instruction at @pc causes always; returns the handler's address. */
uint64_t rv_trap(struct vcpu *v, uint64_t pc, enum rv_cause cause, uint64_t tval);
bool rv_interrupt(struct vcpu *v);
bool rv_has_work(const struct vcpu *v);
/* mip as software sees it: lines, software bits, Sstc. */
uint64_t rv_mip(const struct vcpu *v);
void rv_update_stimer(struct vcpu *v);
void rv_stimer_fired(void *vcpu);
/* Makes the next poll look at interrupts, if any is pending and enabled one by one. */
void rv_look_at_irqs(struct vcpu *v);

/* ---- mmu.c, pmp.c ---- */
bool rv_walk(struct vcpu *v, gva_t gva, unsigned size, enum access access, uint32_t view, bool debug,
             struct walk *out);
void rv_context_key(const struct vcpu *v, uint64_t *space, uint32_t *data_view, uint32_t *fetch_view);
/* Does PMP grant this access to [gpa, gpa + size)? */
bool rv_pmp_check(const struct vcpu *v, gpa_t gpa, uint64_t size, enum access access, enum rv_priv priv);
/* Does an entry begin or end inside the 4 KiB page, so that its bytes differ in what they grant? */
bool rv_pmp_splits_page(const struct vcpu *v, gpa_t page);
/* After a change of pmpcfg or pmpaddr. */
void rv_pmp_update(struct vcpu *v);
/* Views, as context_key names them */
#define RV_VIEW_PRIV(view) ((enum rv_priv)((view) & 3))
#define RV_VIEW_SUM (1u << 2)
#define RV_VIEW_MXR (1u << 3)
#define RV_VIEW_SATP_SHIFT 8 /* mode of satp */

/* ---- translate.c ---- */
void rv_translate(struct ir_region *r, struct translate_req *req);
struct ir_fpmode rv_fp_mode(uint64_t mode);
uint64_t rv_mode(const struct vcpu *v);
