/* SPDX-License-Identifier: MIT */
/*
 * TLB maintenance that reaches other vCPUs. A broadcast TLBI leaves a request at every other vCPU and kicks
 * it; each drops its translations when it next looks at interrupts, on its own thread; the DSB that has to
 * follow is repeated until all have. A vCPU that stands outside of generated code serves requests
 * before it enters again. Requests are not told apart: another vCPU's TLBI drops all of a vCPU's
 * translations.
 */
#include "frontend/arm/cpu.h"

static void ask_others(struct vcpu *v)
{
        for (unsigned i = 0; v->vm && i < v->vm->n_vcpus; i++) {
                struct vcpu *other = v->vm->vcpus[i];

                if (other == v || other->ops != v->ops)
                        continue;
                atomic_fetch_add(&a64_state(other)->shootdown.asked, 1);
                vcpu_kick(other, VCPU_POLL_IRQ);
        }
}

void a64_shootdown_serve(struct vcpu *v)
{
        struct a64_shootdown *sd = &a64_state(v)->shootdown;
        uint64_t asked = atomic_load(&sd->asked);

        if (asked == atomic_load_explicit(&sd->done, memory_order_relaxed))
                return;
        cpu_tlb_flush_all(v);
        atomic_store(&sd->done, asked);
}

bool a64_shootdown_complete(struct vcpu *v)
{
        /* in a deterministic machine one vCPU runs at a time, and serves before it runs */
        if (!v->vm || v->vm->deterministic)
                return true;
        for (unsigned i = 0; i < v->vm->n_vcpus; i++) {
                struct vcpu *other = v->vm->vcpus[i];
                struct a64_shootdown *sd;

                if (other == v || other->ops != v->ops)
                        continue;
                sd = &a64_state(other)->shootdown;
                if (atomic_load(&sd->done) != atomic_load(&sd->asked))
                        return false;
        }
        return true;
}

/* With ignored top bytes one page has many addresses: then everything goes. */
static void flush_va(struct vcpu *v, uint64_t operand)
{
        struct a64_state *s = a64_state(v);
        gva_t gva = (gva_t)((int64_t)(operand << 20) >> 8) & ~(gva_t)0xfff;

        if (s->tcr_el1 >> (gva >> 63 ? 38 : 37) & 1)
                cpu_tlb_flush_all(v);
        else
                cpu_tlb_flush_page(v, gva);
}

/*
 * TLBI of EL1 (C5.5): CRm 3 is inner shareable, 1 outer shareable, 7 this PE; @key is the SYS instruction's.
 */
A64_HELP(sys)
{
        unsigned crn = a >> 7 & 15, crm = a >> 3 & 15, op2 = a & 7;

        if (crn != 8)
                return a64_undefined(v);
        switch (op2) {
        case 0: /* VMALLE1 */
                cpu_tlb_flush_all(v);
                break;
        case 2: /* ASIDE1 */
                cpu_tlb_flush_space(v, b >> 48);
                break;
        default: /* VAE1, VAAE1, VALE1, VAALE1: a global translation goes whatever the ASID */
                flush_va(v, b);
                break;
        }
        if (crm != 7)
                ask_others(v);
        return a64_done(0);
}

A64_HELP(dsb)
{
        a64_shootdown_serve(v);
        if (!a64_shootdown_complete(v))
                return (struct ir_helper_ret){0, 1 + IR_EXIT_YIELD};
        return a64_done(0);
}
