/* SPDX-License-Identifier: MIT */
/*
 * Exceptions to EL1 and interrupts (Arm ARM D1). On the vCPU's own thread, but for a64_has_work.
 *
 * v->exception has ESR_EL1 in cause, the address in value, and in value2 whether that goes to FAR_EL1. With
 * A64_CAUSE_RETARGET it is no exception: PC becomes value.
 */
#include "frontend/arm/cpu.h"

#include <inttypes.h>

#include "base/log.h"
#include "frontend/arm/a64_decode.h"

enum vector { VECTOR_SYNC = 0, VECTOR_IRQ = 0x80, VECTOR_FIQ = 0x100 };

static bool has_far(enum a64_ec ec)
{
        return (ec >= A64_EC_FETCH_ABORT_LOWER && ec <= A64_EC_PC_ALIGN) || ec == A64_EC_DATA_ABORT_LOWER ||
               ec == A64_EC_DATA_ABORT;
}

struct ir_helper_ret a64_raise(struct vcpu *v, enum a64_ec ec, uint32_t iss, uint64_t far)
{
        v->exception.cause = (uint64_t)ec << 26 | 1u << 25 | iss;
        v->exception.value = far;
        v->exception.value2 = has_far(ec);
        return (struct ir_helper_ret){0, 1 + IR_EXIT_EXCEPTION};
}

struct ir_helper_ret a64_undefined(struct vcpu *v)
{
        return a64_raise(v, A64_EC_UNKNOWN, 0, 0);
}

void a64_abort(struct vcpu *v, gva_t gva, enum access access, unsigned fsc)
{
        bool lower = a64_state(v)->el == 0;

        if (access == ACCESS_FETCH)
                a64_raise(v, lower ? A64_EC_FETCH_ABORT_LOWER : A64_EC_FETCH_ABORT, fsc, gva);
        else
                a64_raise(v, lower ? A64_EC_DATA_ABORT_LOWER : A64_EC_DATA_ABORT,
                          fsc | (access == ACCESS_WRITE ? A64_ISS_WNR : 0), gva);
}

uint64_t a64_pstate(const struct vcpu *v)
{
        const struct a64_state *s = a64_state_const(v);

        return a64_nzcv(s) | (s->pan ? A64_PSTATE_PAN : 0) | (s->il ? A64_PSTATE_IL : 0) |
                (s->ss ? A64_PSTATE_SS : 0) |
               s->daif | A64_PSTATE_EL(s->el) | s->spsel;
}

/* Everything of it; the mode bits must be good (a64_help_eret checks those of SPSR). */
void a64_set_pstate(struct vcpu *v, uint64_t pstate)
{
        struct a64_state *s = a64_state(v);

        s->flags = a64_flags_of_nzcv(pstate);
        s->pan = (pstate & A64_PSTATE_PAN) && cpu_has(&s->config->features, A64_F_PAN);
        s->il = (pstate & A64_PSTATE_IL) != 0;
        s->daif = pstate & A64_PSTATE_DAIF;
        s->el = pstate >> 2 & 3;
        s->spsel = pstate & A64_PSTATE_SP;
}

static void log_exception(struct vcpu *v, const char *what, uint64_t vector)
{
        if (v->vm && log_on(v->vm->log, LOG_INT))
                log_printf(v->vm->log, "cpu %u: %s at 0x%" PRIx64 " from EL%u, ESR 0x%" PRIx64
                           " FAR 0x%" PRIx64 ", to 0x%" PRIx64 "\n", v->index, what, v->hot.pc,
                           (unsigned)a64_state(v)->el, a64_state(v)->esr_el1, a64_state(v)->far_el1, vector);
}

/* Entry to EL1. */
static void enter(struct vcpu *v, enum vector kind, const char *what)
{
        struct a64_state *s = a64_state(v);
        uint64_t vector = s->vbar_el1 + kind + (s->el == 0 ? 0x400 : s->spsel ? 0x200 : 0);

        s->spsr_el1 = a64_pstate(v);
        s->elr_el1 = v->hot.pc;
        log_exception(v, what, vector);
        s->el = 1;
        s->spsel = 1;
        s->daif = A64_PSTATE_DAIF;
        s->il = s->ss = 0;
        if (!(s->sctlr_el1 & A64_SCTLR_SPAN) && cpu_has(&s->config->features, A64_F_PAN))
                s->pan = 1;
        v->hot.pc = vector;
        cpu_reserve_drop(v);
        s->reserved = 0;
        cpu_context_changed(v);
}

static bool is_data_abort(uint64_t esr)
{
        enum a64_ec ec = (enum a64_ec)(esr >> 26 & 63);

        return ec == A64_EC_DATA_ABORT || ec == A64_EC_DATA_ABORT_LOWER;
}

/* Is the instruction in force one that reads and writes the same location? */
static bool is_read_modify_write(struct vcpu *v)
{
        const struct a64_state *s = a64_state_const(v);
        uint64_t space, word;
        uint32_t data, fetch;
        struct a64_decoded d;
        struct walk walk;

        a64_context_key(v, &space, &data, &fetch);
        if (!a64_walk(v, v->hot.pc, 4, ACCESS_FETCH, fetch, true, &walk) ||
            !cpu_phys_read(v, walk.gpa | (v->hot.pc & (GUEST_PAGE_SIZE - 1)), 4, &word))
                return false;
        return a64_decode((uint32_t)word, &s->config->features, &d) &&
               a64_insns[d.insn].alts[0].need == 1ull << A64_F_LSE;
}

/*
 * ESR_EL1.WnR of what reads and writes is 0 if the read would have faulted, too: it tells of a
 * write where the page can be read and not written.
 */
static void look_at_direction(struct vcpu *v)
{
        uint64_t esr = v->exception.cause, far = v->exception.value, space;
        bool write = (esr & 0x3c) == A64_FSC_PERMISSION;
        uint32_t data, fetch;
        struct walk walk;

        if (!is_data_abort(esr) || !(esr & A64_ISS_WNR) || !is_read_modify_write(v))
                return;
        a64_context_key(v, &space, &data, &fetch);
        write = write && a64_walk(v, far, 1, ACCESS_READ, data, false, &walk);
        v->exception.cause = write ? esr : esr & ~(uint64_t)A64_ISS_WNR;
        v->exception.value = far;
        v->exception.value2 = true;
}

void a64_deliver(struct vcpu *v)
{
        struct a64_state *s = a64_state(v);

        if (v->exception.cause == A64_CAUSE_RETARGET) {
                v->hot.pc = v->exception.value;
                return;
        }
        look_at_direction(v);
        s->esr_el1 = v->exception.cause;
        if (v->exception.value2)
                s->far_el1 = v->exception.value;
        enter(v, VECTOR_SYNC, "exception");
}

static uint64_t lines(const struct vcpu *v)
{
        return atomic_load_explicit(&v->irq_pending, memory_order_acquire) & (1u << A64_IRQ | 1u << A64_FIQ);
}

bool a64_interrupt(struct vcpu *v)
{
        struct a64_state *s = a64_state(v);
        uint64_t pending;

        a64_shootdown_serve(v);
        pending = lines(v);
        if ((pending >> A64_FIQ & 1) && !(s->daif & A64_PSTATE_F)) {
                enter(v, VECTOR_FIQ, "FIQ");
                return true;
        }
        if ((pending >> A64_IRQ & 1) && !(s->daif & A64_PSTATE_I)) {
                enter(v, VECTOR_IRQ, "IRQ");
                return true;
        }
        return false;
}

/* WFI wakes for what is pending, masked or not; a vCPU that others wait for wakes, too. */
bool a64_has_work(const struct vcpu *v)
{
        const struct a64_shootdown *sd = &a64_state_const(v)->shootdown;

        return lines(v) || atomic_load_explicit(&sd->asked, memory_order_acquire) !=
                           atomic_load_explicit(&sd->done, memory_order_relaxed);
}

void a64_look_at_irqs(struct vcpu *v)
{
        if (lines(v))
                atomic_fetch_or_explicit(&v->hot.poll, VCPU_POLL_IRQ, memory_order_relaxed);
}
