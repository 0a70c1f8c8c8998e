/* SPDX-License-Identifier: MIT */
/*
 * Traps and interrupts (volume II, sections 3.1.6 to 3.1.15 and 4.1), with Sstc's timer. On the hart's own
 * thread, but for the timer, which only sets an interrupt line.
 */
#include "frontend/riscv/cpu.h"

#include "base/bits.h"
#include "base/log.h"

/* Highest priority first (volume II, 3.1.9). */
static const uint8_t irq_order[] = {RV_IRQ_MEI, RV_IRQ_MSI, RV_IRQ_MTI, RV_IRQ_SEI, RV_IRQ_SSI, RV_IRQ_STI};

struct ir_helper_ret rv_raise(struct vcpu *v, enum rv_cause cause, uint64_t tval)
{
        v->exception.cause = cause;
        v->exception.value = tval;
        return (struct ir_helper_ret){0, 1 + IR_EXIT_EXCEPTION};
}

uint64_t rv_mip(const struct vcpu *v)
{
        const struct rv_state *s = rv_state_const(v);
        uint64_t lines = atomic_load_explicit(&v->irq_pending, memory_order_acquire), mip = s->mip;

        if (s->menvcfg & RV_MENVCFG_STCE) {
                /* the comparator's line alone, which may lag behind a new stimecmp or time */
                mip &= ~(1ull << RV_IRQ_STI);
                if ((lines >> RV_IRQ_STI & 1) && vm_timebase_ticks(v->vm) < s->stimecmp)
                        lines &= ~(1ull << RV_IRQ_STI);
        } else {
                lines &= ~(1ull << RV_IRQ_STI);
        }
        return mip | lines;
}

static uint64_t vector(uint64_t tvec, uint64_t cause)
{
        uint64_t base = tvec & ~3ull;

        if ((tvec & 3) == 1 && (cause & RV_CAUSE_INTERRUPT))
                base += 4 * (cause & ~RV_CAUSE_INTERRUPT);
        return base;
}

static void log_trap(struct vcpu *v, uint64_t cause, uint64_t tval, bool to_s)
{
        if (!v->vm || !log_on(v->vm->log, LOG_INT))
                return;
        log_printf(v->vm->log, "hart %u: %s %" PRIu64 " at 0x%" PRIx64 " from privilege %" PRIu64
                   " to %c, tval 0x%" PRIx64 "\n",
                   v->index, cause & RV_CAUSE_INTERRUPT ? "interrupt" : "exception",
                   (uint64_t)(cause & ~RV_CAUSE_INTERRUPT), v->hot.pc, rv_state(v)->priv,
                   to_s ? 'S' : 'M', tval);
}

/* Enters the handler of @cause for the instruction at hot.pc. */
static void take_trap(struct vcpu *v, uint64_t cause, uint64_t tval)
{
        struct rv_state *s = rv_state(v);
        uint64_t deleg = cause & RV_CAUSE_INTERRUPT ? s->mideleg : s->medeleg;
        bool to_s = s->priv <= RV_S && (deleg >> (cause & 63) & 1);

        log_trap(v, cause, tval, to_s);
        if (to_s) {
                s->scause = cause;
                s->sepc = v->hot.pc;
                s->stval = tval;
                s->mstatus = bits_set(s->mstatus, 5, 1, bits_get(s->mstatus, 1, 1)); /* SPIE = SIE */
                s->mstatus = bits_set(s->mstatus, 8, 1, s->priv);                    /* SPP */
                s->mstatus &= ~RV_MSTATUS_SIE;
                s->priv = RV_S;
                v->hot.pc = vector(s->stvec, cause);
        } else {
                s->mcause = cause;
                s->mepc = v->hot.pc;
                s->mtval = tval;
                s->mstatus = bits_set(s->mstatus, 7, 1, bits_get(s->mstatus, 3, 1)); /* MPIE = MIE */
                s->mstatus = bits_set(s->mstatus, 11, 2, s->priv);                   /* MPP */
                s->mstatus &= ~RV_MSTATUS_MIE;
                s->priv = RV_M;
                v->hot.pc = vector(s->mtvec, cause);
        }
        cpu_reserve_drop(v);
        cpu_context_changed(v);
}

void rv_deliver(struct vcpu *v)
{
        take_trap(v, v->exception.cause, v->exception.value);
}

uint64_t rv_trap(struct vcpu *v, uint64_t pc, enum rv_cause cause, uint64_t tval)
{
        v->hot.pc = pc;
        take_trap(v, cause, tval);
        return v->hot.pc;
}

bool rv_interrupt(struct vcpu *v)
{
        struct rv_state *s = rv_state(v);
        uint64_t pending = rv_mip(v) & s->mie, enabled = 0;

        if (!pending)
                return false;
        if (s->priv < RV_M || (s->mstatus & RV_MSTATUS_MIE))
                enabled |= pending & ~s->mideleg;
        if (!enabled && (s->priv < RV_S || (s->priv == RV_S && (s->mstatus & RV_MSTATUS_SIE))))
                enabled |= pending & s->mideleg;
        for (unsigned i = 0; i < G_N_ELEMENTS(irq_order); i++) {
                if (enabled >> irq_order[i] & 1) {
                        take_trap(v, RV_CAUSE_INTERRUPT | irq_order[i], 0);
                        return true;
                }
        }
        return false;
}

/* WFI wakes for what is pending and enabled one by one, whatever the global enables say (3.3.3). */
bool rv_has_work(const struct vcpu *v)
{
        return (rv_mip(v) & rv_state_const(v)->mie) != 0;
}

/*
 * The comparator's timer; on the main loop's thread. Lowering the line first makes sure that the hart looks
 * anew.
 */
void rv_stimer_fired(void *opaque)
{
        struct vcpu *v = opaque;

        vcpu_set_irq(v, RV_IRQ_STI, false);
        vcpu_set_irq(v, RV_IRQ_STI, true);
}

/* After a change of stimecmp or of menvcfg.STCE; on the hart's thread. */
void rv_update_stimer(struct vcpu *v)
{
        struct rv_state *s = rv_state(v);

        if (!s->stimer)
                return;
        vcpu_set_irq(v, RV_IRQ_STI, false); /* first: once armed, the timer may go off at any moment */
        if (!(s->menvcfg & RV_MENVCFG_STCE))
                timer_cancel(s->stimer);
        else if (timer_arm_ticks(s->stimer, s->stimecmp))
                vcpu_set_irq(v, RV_IRQ_STI, true);
}

void rv_look_at_irqs(struct vcpu *v)
{
        if (rv_has_work(v))
                atomic_fetch_or_explicit(&v->hot.poll, VCPU_POLL_IRQ, memory_order_relaxed);
}
