/* SPDX-License-Identifier: MIT */
/*
 * What translators call for the parts of instructions that are not worth IR. helpers.def has a row for each;
 * the functions run on the hart's own thread, from generated code or the interpreter, and never block. Those
 * that call nothing outside are in leaf.c.
 */
#include "frontend/riscv/helpers.h"

#include "base/bits.h"

static struct ir_helper_ret done(uint64_t value)
{
        return (struct ir_helper_ret){value, 0};
}

RV_HELP(trap)
{
        return done(rv_trap(v, a, b, c));
}

/* The common end of trap returns (3.3.2): leaving M, or staying below it, takes MPRV away. */
static struct ir_helper_ret trap_return(struct vcpu *v, enum rv_priv to, uint64_t pc)
{
        struct rv_state *s = rv_state(v);

        s->priv = to;
        if (to != RV_M)
                s->mstatus &= ~RV_MSTATUS_MPRV;
        cpu_reserve_drop(v);
        cpu_context_changed(v);
        rv_look_at_irqs(v);
        return done(pc);
}

RV_HELP(mret)
{
        struct rv_state *s = rv_state(v);
        enum rv_priv to = bits_get(s->mstatus, 11, 2);

        s->mstatus = bits_set(s->mstatus, 3, 1, bits_get(s->mstatus, 7, 1)); /* MIE = MPIE */
        s->mstatus |= RV_MSTATUS_MPIE;
        s->mstatus = bits_set(s->mstatus, 11, 2, cpu_has(&s->config->features, RV_F_U) ? RV_U : RV_M);
        return trap_return(v, to, s->mepc);
}

RV_HELP(sret)
{
        struct rv_state *s = rv_state(v);
        enum rv_priv to = s->mstatus & RV_MSTATUS_SPP ? RV_S : RV_U;

        if (s->priv == RV_S && (s->mstatus & RV_MSTATUS_TSR))
                return rv_raise(v, RV_EXC_ILLEGAL, a);
        s->mstatus = bits_set(s->mstatus, 1, 1, bits_get(s->mstatus, 5, 1)); /* SIE = SPIE */
        s->mstatus |= RV_MSTATUS_SPIE;
        s->mstatus &= ~RV_MSTATUS_SPP;
        return trap_return(v, to, s->sepc);
}

RV_HELP(wfi)
{
        return rv_state(v)->mstatus & RV_MSTATUS_TW ? rv_raise(v, RV_EXC_ILLEGAL, a) : done(0);
}

RV_HELP(sfence_vma)
{
        struct rv_state *s = rv_state(v);
        uint64_t space = (s->satp >> 60 << 16) | (b & 0xffff); /* as rv_context_key makes it */

        if (s->priv == RV_S && (s->mstatus & RV_MSTATUS_TVM))
                return rv_raise(v, RV_EXC_ILLEGAL, d);
        switch (c & 3) {
        case 0:
                cpu_tlb_flush_all(v);
                break;
        case 1:
                cpu_tlb_flush_page(v, a);
                break;
        case 2:
                cpu_tlb_flush_space(v, space);
                break;
        default:
                cpu_tlb_flush_space_page(v, a, space);
                break;
        }
        return done(0);
}

RV_HELP(fence_i)
{
        cpu_code_fence(v);
        return done(0);
}

static struct ir_helper_ret csr_read(struct vcpu *v, uint64_t csr, uint64_t insn)
{
        uint64_t value;

        return rv_csr_read(v, csr, &value) ? done(value) : rv_raise(v, RV_EXC_ILLEGAL, insn);
}

RV_HELP(csr_read) { return csr_read(v, a, b); }
RV_HELP(fcsr_read) { return csr_read(v, a, b); }

static struct ir_helper_ret csr_update(struct vcpu *v, uint64_t csr, uint64_t op, uint64_t operand,
                                       uint64_t insn)
{
        uint64_t old;

        return rv_csr_update(v, csr, op, operand, &old) ? done(old) : rv_raise(v, RV_EXC_ILLEGAL, insn);
}

RV_HELP(csr_update) { return csr_update(v, a, b, c, d); }
RV_HELP(fcsr_update) { return csr_update(v, a, b, c, d); }

RV_HELP(fs_dirty)
{
        rv_state(v)->mstatus |= RV_FS_DIRTY;
        cpu_context_changed(v);
        return done(0);
}

static struct ir_mem reserve_mem(uint64_t size_log2, bool write)
{
        return (struct ir_mem){.size_log2 = size_log2, .sign = size_log2 == 2, .align = 1, .atomic = 1,
                               .write = write};
}

RV_HELP(load_reserved)
{
        struct ir_helper_ret ret = cpu_reserve_load(v, a, reserve_mem(b, false));

        rv_state(v)->reserved = !ret.status;
        return ret;
}

RV_HELP(store_conditional)
{
        /* an LR that was made part of a compare-and-swap came since */
        if (!rv_state(v)->reserved)
                cpu_reserve_drop(v);
        rv_state(v)->reserved = 0;
        return cpu_reserve_store(v, a, b, reserve_mem(c, true));
}

enum { E = 1, P = 2, F = 4, L = 8 };
#define HELPER(n, count, result, r, w, flags, doc) \
        const struct ir_helper rv_helper_##n = { \
                .name = #n, .fn = rv_help_##n, .n_args = (count), .type = (result), \
                .pure = ((flags) & P) != 0, .may_exit = ((flags) & E) != 0, .fpstate = ((flags) & F) != 0, \
                .leaf = ((flags) & L) != 0, .reads = (r), .writes = (w)};
#include "frontend/riscv/helpers.def"
#undef HELPER

const struct ir_helper *const rv_helpers[] = {
#define HELPER(name, ...) &rv_helper_##name,
#include "frontend/riscv/helpers.def"
#undef HELPER
        NULL
};
