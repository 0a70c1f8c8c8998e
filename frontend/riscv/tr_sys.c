/* SPDX-License-Identifier: MIT */
/*
 * The privileged instructions and Zicsr (volume II, chapters 3 and 4; volume I, chapter 6). Traps and returns stay
 * in generated code: the helper changes privilege and context and answers where to go.
 */
#include "rv_translate.h"

#include "frontend/riscv/translate.h"

static ir_ref insn_bits(struct tctx *t)
{
        return ir_const(t->b, IR_I64, t->insn);
}

bool tr_ecall(struct tctx *t)
{
        ir_ref target = ir_call(t->b, &rv_helper_ecall, ir_pcaddr(t->b, t->pc), 0, 0, 0);

        ir_exit_ind(t->b, IR_JUMP_PLAIN, target);
        t->ended = true;
        return true;
}

bool tr_ebreak(struct tctx *t)
{
        ir_call(t->b, &rv_helper_ebreak, ir_pcaddr(t->b, t->pc), 0, 0, 0);
        ir_exit(t->b, IR_EXIT_EXCEPTION, t->pc);
        t->ended = true;
        return true;
}

static bool trap_return(struct tctx *t, const struct ir_helper *h)
{
        ir_exit_ind(t->b, IR_JUMP_PLAIN, ir_call(t->b, h, insn_bits(t), 0, 0, 0));
        t->ended = true;
        return true;
}

bool tr_mret(struct tctx *t) { return trap_return(t, &rv_helper_mret); }
bool tr_sret(struct tctx *t) { return trap_return(t, &rv_helper_sret); }

bool tr_wfi(struct tctx *t)
{
        ir_call(t->b, &rv_helper_wfi, insn_bits(t), 0, 0, 0);
        ir_exit(t->b, IR_EXIT_HALT, t->next);
        t->ended = true;
        return true;
}

bool tr_sfence_vma(struct tctx *t, const struct args_rs *a)
{
        unsigned given = (a->rs1 ? 1 : 0) | (a->rs2 ? 2 : 0);

        ir_call(t->b, &rv_helper_sfence_vma, rv_addr(t, a->rs1), rv_addr(t, a->rs2),
                ir_const(t->b, IR_I64, given), insn_bits(t));
        rv_exit_lookup(t);
        return true;
}

/* ---- Zicsr ---- */

enum { CSR_SSTATUS = 0x100, CSR_MSTATUS = 0x300 };

/*
 * Masking and unmasking supervisor interrupts is what kernels do all the time, and neither changes the mode or the
 * context. The old value still comes from the helper, where one is wanted.
 */
static bool is_sie_switch(const struct args_csri *a)
{
        return a->csr == CSR_SSTATUS && a->zimm == RV_MSTATUS_SIE;
}

static void put_csr(struct tctx *t, unsigned rd, ir_ref v)
{
        rv_put(t, rd, rv_is64(t) ? v : ir_trunc(t->b, v));
}

static void csr_read_only(struct tctx *t, unsigned rd, unsigned csr)
{
        put_csr(t, rd, ir_call(t->b, &rv_helper_csr_read, ir_const(t->b, IR_I64, csr), insn_bits(t), 0, 0));
}

/* Reads unless rd is x0 and the instruction is csrrw (volume I, table 6.1), then writes, then looks up what comes
 * next anew: nearly every CSR that can be written changes the mode, the context or the interrupts. */
static bool csr_update(struct tctx *t, unsigned rd, unsigned csr, ir_ref v, const struct ir_helper *h)
{
        ir_ref number = ir_const(t->b, IR_I64, csr);

        if (h == &rv_helper_csr_swap && !rd)
                ir_call(t->b, &rv_helper_csr_write, number, v, insn_bits(t), 0);
        else
                put_csr(t, rd, ir_call(t->b, h, number, v, insn_bits(t), 0));
        rv_exit_lookup(t);
        return true;
}

bool tr_csrrw(struct tctx *t, const struct args_csr *a)
{
        return csr_update(t, a->rd, a->csr, rv_addr(t, a->rs1), &rv_helper_csr_swap);
}

bool tr_csrrs(struct tctx *t, const struct args_csr *a)
{
        if (a->rs1)
                return csr_update(t, a->rd, a->csr, rv_addr(t, a->rs1), &rv_helper_csr_set);
        csr_read_only(t, a->rd, a->csr);
        return true;
}

bool tr_csrrc(struct tctx *t, const struct args_csr *a)
{
        if (a->rs1)
                return csr_update(t, a->rd, a->csr, rv_addr(t, a->rs1), &rv_helper_csr_clear);
        csr_read_only(t, a->rd, a->csr);
        return true;
}

static ir_ref zimm(struct tctx *t, const struct args_csri *a)
{
        return ir_const(t->b, IR_I64, a->zimm);
}

bool tr_csrrwi(struct tctx *t, const struct args_csri *a)
{
        return csr_update(t, a->rd, a->csr, zimm(t, a), &rv_helper_csr_swap);
}

bool tr_csrrsi(struct tctx *t, const struct args_csri *a)
{
        if (!a->zimm) {
                csr_read_only(t, a->rd, a->csr);
                return true;
        }
        if (!is_sie_switch(a))
                return csr_update(t, a->rd, a->csr, zimm(t, a), &rv_helper_csr_set);
        put_csr(t, a->rd, ir_call(t->b, &rv_helper_csr_set, ir_const(t->b, IR_I64, a->csr), zimm(t, a),
                                  insn_bits(t), 0));
        ir_poll(t->b, t->next);
        return true;
}

bool tr_csrrci(struct tctx *t, const struct args_csri *a)
{
        if (!a->zimm) {
                csr_read_only(t, a->rd, a->csr);
                return true;
        }
        if (!is_sie_switch(a))
                return csr_update(t, a->rd, a->csr, zimm(t, a), &rv_helper_csr_clear);
        put_csr(t, a->rd, ir_call(t->b, &rv_helper_csr_clear, ir_const(t->b, IR_I64, a->csr), zimm(t, a),
                                  insn_bits(t), 0));
        return true;
}
