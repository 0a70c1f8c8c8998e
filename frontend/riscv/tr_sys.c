/* SPDX-License-Identifier: MIT */
/*
 * The privileged instructions and Zicsr (volume II, chapters 3 and 4; volume I, chapter 6). Traps and returns
 * stay in generated code: the helper changes privilege and context and answers where to go.
 */
#include "rv_translate.h"

#include "frontend/riscv/translate.h"

static ir_ref insn_bits(struct tctx *t)
{
        return ir_const(t->b, IR_I64, t->insn);
}

bool tr_ecall(struct tctx *t)
{
        static const enum rv_cause causes[] = {[RV_U] = RV_EXC_ECALL_U, [RV_S] = RV_EXC_ECALL_S,
                                               [RV_M] = RV_EXC_ECALL_M};

        rv_exception(t, causes[rv_priv(t)], ir_const(t->b, IR_I64, 0));
        return true;
}

bool tr_ebreak(struct tctx *t)
{
        rv_exception(t, RV_EXC_BREAKPOINT, ir_pcaddr(t->b, t->pc));
        return true;
}

bool tr_mret(struct tctx *t)
{
        if (rv_priv(t) < RV_M)
                return false;
        ir_exit_ind(t->b, IR_JUMP_PLAIN, ir_call(t->b, &rv_helper_mret, 0, 0, 0, 0));
        t->ended = true;
        return true;
}

bool tr_sret(struct tctx *t)
{
        if (rv_priv(t) < RV_S)
                return false;
        ir_exit_ind(t->b, IR_JUMP_PLAIN, ir_call(t->b, &rv_helper_sret, insn_bits(t), 0, 0, 0));
        t->ended = true;
        return true;
}

/*
 * From U, WFI may wait no bounded time when S exists, so it is illegal at once; TW does the same for S
 * (3.1.6.5).
 */
bool tr_wfi(struct tctx *t)
{
        if (rv_priv(t) == RV_U && cpu_has(&t->config->features, RV_F_S))
                return false;
        if (rv_priv(t) < RV_M)
                ir_call(t->b, &rv_helper_wfi, insn_bits(t), 0, 0, 0);
        ir_exit(t->b, IR_EXIT_HALT, t->next);
        t->ended = true;
        return true;
}

bool tr_sfence_vma(struct tctx *t, const struct args_rs *a)
{
        unsigned given = (a->rs1 ? 1 : 0) | (a->rs2 ? 2 : 0);

        if (rv_priv(t) < RV_S)
                return false;
        ir_call(t->b, &rv_helper_sfence_vma, rv_addr(t, a->rs1), rv_addr(t, a->rs2),
                ir_const(t->b, IR_I64, given), insn_bits(t));
        rv_exit_next(t);
        return true;
}

/* ---- Zicsr ---- */

enum {
        CSR_FFLAGS = 0x001, CSR_FRM = 0x002, CSR_FCSR = 0x003,
        CSR_SSTATUS = 0x100, CSR_SIE = 0x104, CSR_SIP = 0x144, CSR_STIMECMP = 0x14d,
        CSR_MSTATUS = 0x300, CSR_MIDELEG = 0x303, CSR_MIE = 0x304, CSR_MIP = 0x344,
};

enum csr_write { CSR_WRITE_ALL, CSR_WRITE_EPC, CSR_WRITE_HELPER };

static const struct csr_slot {
        uint16_t csr, slot;
        uint8_t write; /* enum csr_write */
} csr_slots[] = {
#define CSR_SLOT(id, number, name, field, write) {number, RV_SLOT_##id, write},
#include "frontend/riscv/csr_slots.def"
#undef CSR_SLOT
};

static const struct csr_slot *csr_slot(unsigned csr)
{
        for (unsigned i = 0; i < G_N_ELEMENTS(csr_slots); i++)
                if (csr_slots[i].csr == csr)
                        return &csr_slots[i];
        return NULL;
}

/* Bits 9:8 of the number are the lowest privilege, bits 11:10 all ones are read-only (volume II, 2.1). */
static bool csr_allowed(const struct tctx *t, unsigned csr, bool write)
{
        bool of_s = (csr >> 8 & 3) == RV_S;

        return rv_priv(t) >= (csr >> 8 & 3) && !(write && csr >> 10 == 3) &&
               (!of_s || cpu_has(&t->config->features, RV_F_S));
}

static void put_csr(struct tctx *t, unsigned rd, ir_ref v)
{
        rv_put(t, rd, rv_is64(t) ? v : ir_trunc(t->b, v));
}

static bool is_status(unsigned csr)
{
        return csr == CSR_SSTATUS || csr == CSR_MSTATUS;
}

/* SD says that FS is Dirty, which the mode knows. */
static ir_ref get_status(struct tctx *t, unsigned csr)
{
        ir_ref v = ir_get(t->b, RV_SLOT_MSTATUS);

        if (csr == CSR_SSTATUS)
                v = ir_and(t->b, v, ir_const(t->b, IR_I64, RV_SSTATUS_READABLE));
        return t->fs_dirty ? ir_or(t->b, v, ir_const(t->b, IR_I64, RV_MSTATUS_SD)) : v;
}

/*
 * Masking and unmasking interrupts is what kernels do all the time. It changes neither mode nor context, nor
 * do the bits that a trap saved; false if others are concerned, or perhaps.
 */
static bool update_irq_enables(struct tctx *t, unsigned rd, unsigned csr, enum rv_csr_op op, ir_ref operand)
{
        const uint64_t enables = RV_MSTATUS_SIE | RV_MSTATUS_MIE;
        const uint64_t simple = enables | RV_MSTATUS_SPIE | RV_MSTATUS_MPIE | RV_MSTATUS_SPP;
        ir_ref old, mask;
        uint64_t bits;

        if (op == RV_CSR_SWAP || !ir_is_const(t->b, operand, &bits) || (bits & ~simple))
                return false;
        if (csr == CSR_SSTATUS)
                bits &= RV_SSTATUS_WRITABLE;
        put_csr(t, rd, get_status(t, csr));
        old = ir_get(t->b, RV_SLOT_MSTATUS);
        mask = ir_const(t->b, IR_I64, bits);
        ir_put(t->b, RV_SLOT_MSTATUS, op == RV_CSR_SET ? ir_or(t->b, old, mask) : ir_andc(t->b, old, mask));
        if (op == RV_CSR_SET && (bits & enables)) {
                ir_call(t->b, &rv_helper_irqs_unmasked, 0, 0, 0, 0);
                ir_poll(t->b, t->next);
        }
        return true;
}

static bool update_slot(struct tctx *t, unsigned rd, unsigned csr, enum rv_csr_op op, ir_ref operand)
{
        const struct csr_slot *s = csr_slot(csr);
        bool has_c = cpu_has(&t->config->features, RV_F_C);
        ir_ref old;

        if (!s || s->write == CSR_WRITE_HELPER)
                return false;
        old = ir_get(t->b, s->slot);
        put_csr(t, rd, old);
        if (op == RV_CSR_SET)
                operand = ir_or(t->b, old, operand);
        else if (op == RV_CSR_CLEAR)
                operand = ir_andc(t->b, old, operand);
        if (s->write == CSR_WRITE_EPC)
                operand = ir_and(t->b, operand, ir_const(t->b, IR_I64, has_c ? ~1ll : ~3ll));
        ir_put(t->b, s->slot, operand);
        return true;
}

/* What a write that the helper made may have changed. */
static void after_write(struct tctx *t, unsigned csr)
{
        switch (csr) {
        case CSR_FRM:
        case CSR_FCSR:
                rv_exit_lookup(t); /* the rounding mode: the dispatcher sets it */
                break;
        case CSR_SIE:
        case CSR_SIP:
        case CSR_STIMECMP:
        case CSR_MIDELEG:
        case CSR_MIE:
        case CSR_MIP:
                ir_poll(t->b, t->next);
                break;
        default:
                rv_exit_next(t);
                break;
        }
}

static bool csr_read(struct tctx *t, unsigned rd, unsigned csr)
{
        bool flags = csr == CSR_FFLAGS || csr == CSR_FCSR;
        const struct csr_slot *s = csr_slot(csr);
        ir_ref v;

        if (!csr_allowed(t, csr, false))
                return false;
        if (is_status(csr))
                v = get_status(t, csr);
        else if (s)
                v = ir_get(t->b, s->slot);
        else
                v = ir_call(t->b, flags ? &rv_helper_fcsr_read : &rv_helper_csr_read,
                            ir_const(t->b, IR_I64, csr), insn_bits(t), 0, 0);
        put_csr(t, rd, v);
        return true;
}

static bool csr_update(struct tctx *t, unsigned rd, unsigned csr, enum rv_csr_op op, ir_ref operand)
{
        bool flags = csr == CSR_FFLAGS || csr == CSR_FCSR;

        if (!csr_allowed(t, csr, true))
                return false;
        if ((is_status(csr) && update_irq_enables(t, rd, csr, op, operand)) ||
            update_slot(t, rd, csr, op, operand))
                return true;
        put_csr(t, rd, ir_call(t->b, flags ? &rv_helper_fcsr_update : &rv_helper_csr_update,
                               ir_const(t->b, IR_I64, csr), ir_const(t->b, IR_I64, op), operand,
                               insn_bits(t)));
        after_write(t, csr);
        return true;
}

static ir_ref zimm(struct tctx *t, const struct args_csri *a)
{
        return ir_const(t->b, IR_I64, a->zimm);
}

/* Setting and clearing by x0, or by no bits, is reading alone (volume I, table 6.1). */
bool tr_csrrw(struct tctx *t, const struct args_csr *a)
{
        return csr_update(t, a->rd, a->csr, RV_CSR_SWAP, rv_addr(t, a->rs1));
}

bool tr_csrrs(struct tctx *t, const struct args_csr *a)
{
        return a->rs1 ? csr_update(t, a->rd, a->csr, RV_CSR_SET, rv_addr(t, a->rs1))
                      : csr_read(t, a->rd, a->csr);
}

bool tr_csrrc(struct tctx *t, const struct args_csr *a)
{
        return a->rs1 ? csr_update(t, a->rd, a->csr, RV_CSR_CLEAR, rv_addr(t, a->rs1))
                      : csr_read(t, a->rd, a->csr);
}

bool tr_csrrwi(struct tctx *t, const struct args_csri *a)
{
        return csr_update(t, a->rd, a->csr, RV_CSR_SWAP, zimm(t, a));
}

bool tr_csrrsi(struct tctx *t, const struct args_csri *a)
{
        return a->zimm ? csr_update(t, a->rd, a->csr, RV_CSR_SET, zimm(t, a)) : csr_read(t, a->rd, a->csr);
}

bool tr_csrrci(struct tctx *t, const struct args_csri *a)
{
        return a->zimm ? csr_update(t, a->rd, a->csr, RV_CSR_CLEAR, zimm(t, a)) : csr_read(t, a->rd, a->csr);
}
