/* SPDX-License-Identifier: MIT */
/*
 * The system registers (sysreg.def; Arm ARM, part D) with the generic timer. On the vCPU's own thread, but
 * for the timers' callbacks, which only set lines.
 */
#include "frontend/arm/cpu.h"

#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "machines/core/clock.h"
#include "machines/core/vm.h"

enum access_class { R0, R1, RW0, RW1, R0RW1, W1 };

struct sysreg {
        const char *name;
        uint16_t key;
        uint8_t access; /* enum access_class */
        bool is_field;
        size_t offset;  /* of a field in struct a64_state */
        uint64_t value; /* a constant; of a field the bits that can be written */
        uint64_t (*get)(struct vcpu *v);
        void (*set)(struct vcpu *v, uint64_t value);
};

/* ---- flags and FP status ---- */

uint64_t a64_nzcv(const struct a64_state *s)
{
        unsigned f = ir_flags_mask(s->flags);

        return (f & IR_FLAG_N ? A64_PSTATE_N : 0) | (f & IR_FLAG_Z ? A64_PSTATE_Z : 0) |
               (f & IR_FLAG_C ? 0 : A64_PSTATE_C) | (f & IR_FLAG_V ? A64_PSTATE_V : 0);
}

uint32_t a64_flags_of_nzcv(uint64_t nzcv)
{
        return ir_flags_make((nzcv & A64_PSTATE_N ? IR_FLAG_N : 0) | (nzcv & A64_PSTATE_Z ? IR_FLAG_Z : 0) |
                             (nzcv & A64_PSTATE_C ? 0 : IR_FLAG_C) | (nzcv & A64_PSTATE_V ? IR_FLAG_V : 0));
}

uint64_t a64_fpsr(const struct a64_state *s)
{
        return s->fpsr | (s->qc[0] | s->qc[1] ? A64_FPSR_QC : 0);
}

#define GET(name) static uint64_t sysreg_get_##name(struct vcpu *v)
#define SET(name) static void sysreg_set_##name(struct vcpu *v, uint64_t value)

GET(nzcv) { return a64_nzcv(a64_state(v)); }
SET(nzcv) { a64_state(v)->flags = a64_flags_of_nzcv(value); }
GET(fpcr) { return a64_state(v)->fpcr; }
SET(fpcr)
{
        a64_state(v)->fpcr = value & A64_FPCR_MASK;
        cpu_context_changed(v);
}
GET(fpsr) { return a64_fpsr(a64_state(v)); }
SET(fpsr)
{
        struct a64_state *s = a64_state(v);

        s->fpsr = value & A64_FPSR_MASK & ~A64_FPSR_QC;
        s->qc[0] = value & A64_FPSR_QC;
        s->qc[1] = 0;
}

/* ---- PSTATE ---- */

GET(daif) { return a64_state(v)->daif; }
SET(daif)
{
        a64_state(v)->daif = value & A64_PSTATE_DAIF;
        a64_look_at_irqs(v);
}
GET(spsel) { return a64_state(v)->spsel; }
SET(spsel)
{
        a64_state(v)->spsel = value & 1;
        cpu_context_changed(v);
}
GET(currentel) { return a64_state(v)->el << 2; }
GET(pan) { return a64_state(v)->pan ? A64_PSTATE_PAN : 0; }
SET(pan)
{
        a64_state(v)->pan = (value & A64_PSTATE_PAN) && cpu_has(&a64_state(v)->config->features, A64_F_PAN);
        cpu_context_changed(v);
}
GET(spsr_el1) { return a64_state(v)->spsr_el1; }
SET(spsr_el1) { a64_state(v)->spsr_el1 = value & (0xfull << 28 | 0x3full << 20 | 0x3ffull); }
GET(sp_el0) { return a64_state(v)->sp_el0; }
SET(sp_el0) { a64_state(v)->sp_el0 = value; }

/* ---- identification ---- */

static bool has(struct vcpu *v, enum a64_feature f)
{
        return cpu_has(&a64_state(v)->config->features, f);
}

GET(mpidr_el1) { return 1ull << 31 | (v->index & 0xff) | (uint64_t)(v->index >> 8 & 0xff) << 8; }
GET(id_aa64pfr0_el1) { return 0x11 | (has(v, A64_F_FP) ? 0 : 15ull << 16) |
                      (has(v, A64_F_ASIMD) ? 0 : 15ull << 20); }
GET(id_aa64isar0_el1)
{
        return (has(v, A64_F_PMULL) ? 2 : has(v, A64_F_AES) ? 1 : 0) << 4 | has(v, A64_F_SHA1) << 8 |
               has(v, A64_F_SHA256) << 12 | has(v, A64_F_CRC32) << 16 | (has(v, A64_F_LSE) ? 2 : 0) << 20 |
               (uint64_t)has(v, A64_F_RDM) << 28 |
               (uint64_t)(has(v, A64_F_FLAGM2) ? 2 : has(v, A64_F_FLAGM) ? 1 : 0) << 52;
}
GET(id_aa64isar1_el1)
{
        return has(v, A64_F_JSCVT) << 12 | (has(v, A64_F_RCPC2) ? 2 : has(v, A64_F_RCPC) ? 1 : 0) << 20 |
               (uint64_t)has(v, A64_F_FRINTTS) << 32 | (uint64_t)has(v, A64_F_SB) << 36 |
               (uint64_t)has(v, A64_F_XS) << 56;
}
GET(id_aa64isar2_el1)
{
        return (has(v, A64_F_WFXT) ? 2 : 0) | has(v, A64_F_HBC) << 20 | (uint64_t)has(v, A64_F_CSSC) << 52;
}
GET(id_aa64mmfr0_el1) { return 5 /* 48 bits */ | 2 << 4 /* 16-bit ASIDs */ |
                       15ull << 24 /* no 64 KiB granule */; }
GET(id_aa64mmfr1_el1) { return (uint64_t)has(v, A64_F_PAN) << 20 | (uint64_t)has(v, A64_F_LOR) << 16; }
GET(ctr_el0) { return 0x8444c004; }
GET(dczid_el0) { return 4 | (a64_mode(v) & A64_MODE_DZE ? 0 : 1 << 4); }

/* ---- control and translation ---- */

GET(sctlr_el1) { return a64_state(v)->sctlr_el1; }
SET(sctlr_el1)
{
        struct a64_state *s = a64_state(v);
        uint64_t changed = s->sctlr_el1;
        const uint64_t mask = A64_SCTLR_M | A64_SCTLR_A | 1ull << 2 | A64_SCTLR_SA | A64_SCTLR_SA0 |
                A64_SCTLR_UMA |
                              1ull << 12 | A64_SCTLR_DZE | A64_SCTLR_UCT | A64_SCTLR_NTWI | A64_SCTLR_NTWE |
                              A64_SCTLR_WXN | A64_SCTLR_SPAN | A64_SCTLR_UCI;

        s->sctlr_el1 = (value & mask) | A64_SCTLR_RES1;
        changed ^= s->sctlr_el1;
        if (changed & A64_SCTLR_WXN)
                cpu_tlb_flush_all(v);
        cpu_context_changed(v);
}
GET(cpacr_el1) { return a64_state(v)->cpacr_el1; }
SET(cpacr_el1)
{
        a64_state(v)->cpacr_el1 = value & 3ull << 20;
        cpu_context_changed(v);
}
GET(ttbr0_el1) { return a64_state(v)->ttbr0_el1; }
SET(ttbr0_el1)
{
        a64_state(v)->ttbr0_el1 = value;
        cpu_context_changed(v);
}
GET(ttbr1_el1) { return a64_state(v)->ttbr1_el1; }
SET(ttbr1_el1)
{
        a64_state(v)->ttbr1_el1 = value;
        cpu_context_changed(v);
}
GET(tcr_el1) { return a64_state(v)->tcr_el1; }
SET(tcr_el1)
{
        struct a64_state *s = a64_state(v);

        if (s->tcr_el1 == value)
                return;
        s->tcr_el1 = value;
        cpu_tlb_flush_all(v);
        cpu_context_changed(v);
}
GET(isr_el1)
{
        uint64_t lines = atomic_load_explicit(&v->irq_pending, memory_order_acquire);

        return (lines >> A64_IRQ & 1) << 7 | (lines >> A64_FIQ & 1) << 6;
}
SET(oslar_el1) { a64_state(v)->oslsr_el1 = value & 1; }
GET(oslsr_el1) { return 1 << 3 | a64_state(v)->oslsr_el1 << 1; }

/* ---- generic timer: one count, which the virtual one equals ---- */

enum { TIMER_ENABLE = 1, TIMER_IMASK = 2, TIMER_ISTATUS = 4 };

static uint64_t count(const struct vcpu *v)
{
        return v->vm ? vm_timebase_ticks(v->vm) : 0;
}

static bool timer_due(const struct vcpu *v, enum a64_timer n)
{
        const struct a64_state *s = a64_state_const(v);

        return (s->cnt_ctl[n] & TIMER_ENABLE) && count(v) >= s->cnt_cval[n];
}

/* After any change of a comparator, and when its time has come. */
static void timer_update(struct vcpu *v, enum a64_timer n)
{
        struct a64_state *s = a64_state(v);
        bool due = timer_due(v, n);

        irq_set(&s->timer_out[n], due && !(s->cnt_ctl[n] & TIMER_IMASK));
        if (!s->timers[n])
                return;
        timer_cancel(s->timers[n]);
        if ((s->cnt_ctl[n] & TIMER_ENABLE) && !due)
                timer_arm(s->timers[n], vm_timebase_deadline_ns(v->vm, s->cnt_cval[n]));
}

/* On the main loop's thread: the comparator is the vCPU's, and may have moved on; it looks anew by itself. */
static void timer_fired(struct vcpu *v, enum a64_timer n)
{
        const struct a64_state *s = a64_state(v);

        if (timer_due(v, n))
                irq_set(&s->timer_out[n], !(s->cnt_ctl[n] & TIMER_IMASK));
}

void a64_timer_fired_p(void *vcpu)
{
        timer_fired(vcpu, A64_TIMER_P);
}

void a64_timer_fired_v(void *vcpu)
{
        timer_fired(vcpu, A64_TIMER_V);
}

static uint64_t timer_ctl(struct vcpu *v, enum a64_timer n)
{
        return a64_state(v)->cnt_ctl[n] | (timer_due(v, n) ? TIMER_ISTATUS : 0);
}

static void timer_set_ctl(struct vcpu *v, enum a64_timer n, uint64_t value)
{
        a64_state(v)->cnt_ctl[n] = value & (TIMER_ENABLE | TIMER_IMASK);
        timer_update(v, n);
}

static void timer_set_cval(struct vcpu *v, enum a64_timer n, uint64_t value)
{
        a64_state(v)->cnt_cval[n] = value;
        timer_update(v, n);
}

GET(cntfrq_el0) { return v->vm ? v->vm->timebase.hz : 0; }
GET(cntpct_el0) { return count(v); }
GET(cntvct_el0) { return count(v); }
GET(cntp_ctl_el0) { return timer_ctl(v, A64_TIMER_P); }
SET(cntp_ctl_el0) { timer_set_ctl(v, A64_TIMER_P, value); }
GET(cntv_ctl_el0) { return timer_ctl(v, A64_TIMER_V); }
SET(cntv_ctl_el0) { timer_set_ctl(v, A64_TIMER_V, value); }
GET(cntp_cval_el0) { return a64_state(v)->cnt_cval[A64_TIMER_P]; }
SET(cntp_cval_el0) { timer_set_cval(v, A64_TIMER_P, value); }
GET(cntv_cval_el0) { return a64_state(v)->cnt_cval[A64_TIMER_V]; }
SET(cntv_cval_el0) { timer_set_cval(v, A64_TIMER_V, value); }
GET(cntp_tval_el0) { return (uint32_t)(a64_state(v)->cnt_cval[A64_TIMER_P] - count(v)); }
SET(cntp_tval_el0) { timer_set_cval(v, A64_TIMER_P, count(v) + (uint64_t)(int32_t)value); }
GET(cntv_tval_el0) { return (uint32_t)(a64_state(v)->cnt_cval[A64_TIMER_V] - count(v)); }
SET(cntv_tval_el0) { timer_set_cval(v, A64_TIMER_V, count(v) + (uint64_t)(int32_t)value); }

/* ---- the table ---- */

#define FN_R0(n) .get = sysreg_get_##n
#define FN_R1(n) .get = sysreg_get_##n
#define FN_RW0(n) .get = sysreg_get_##n, .set = sysreg_set_##n
#define FN_RW1(n) .get = sysreg_get_##n, .set = sysreg_set_##n
#define FN_W1(n) .set = sysreg_set_##n

static const struct sysreg sysregs[] = {
#define REG_FIELD(n, op0, op1, crn, crm, op2, acc, member, mask) \
        {.name = #n, .key = A64_SYSREG(op0, op1, crn, crm, op2), .access = acc, .is_field = true, \
         .offset = offsetof(struct a64_state, member), .value = (mask)},
#define REG_CONST(n, op0, op1, crn, crm, op2, acc, constant) \
        {.name = #n, .key = A64_SYSREG(op0, op1, crn, crm, op2), .access = acc, .value = (constant)},
#define REG_FN(n, op0, op1, crn, crm, op2, acc) \
        {.name = #n, .key = A64_SYSREG(op0, op1, crn, crm, op2), .access = acc, FN_##acc(n)},
#include "frontend/arm/sysreg.def"
#undef REG_FIELD
#undef REG_CONST
#undef REG_FN
};

/* Identification registers that are not allocated read as zero: op0 3, op1 0, CRn 0, CRm 1 to 7. */
static bool is_reserved_id(unsigned key)
{
        return key >> 7 == A64_SYSREG(3, 0, 0, 0, 0) >> 7 && (key >> 3 & 15) - 1 < 7;
}

static const struct sysreg *find(unsigned key)
{
        static const struct sysreg reserved_id = {.name = "reserved", .access = R1};

        for (unsigned i = 0; i < G_N_ELEMENTS(sysregs); i++) {
                if (sysregs[i].key == key)
                        return &sysregs[i];
        }
        return is_reserved_id(key) ? &reserved_id : NULL;
}

static uint64_t *field_of(struct vcpu *v, const struct sysreg *r)
{
        return (uint64_t *)(v->state + r->offset);
}

static uint64_t read_reg(struct vcpu *v, const struct sysreg *r)
{
        return r->get ? r->get(v) : r->is_field ? *field_of(v, r) : r->value;
}

static bool can_write(const struct sysreg *r)
{
        return r->is_field || r->set;
}

static void write_reg(struct vcpu *v, const struct sysreg *r, uint64_t value)
{
        if (r->set)
                r->set(v, value);
        else
                *field_of(v, r) = value & r->value;
}

bool a64_sysreg_is_plain(unsigned key)
{
        const struct sysreg *r = find(key);

        return r && r->is_field;
}

bool a64_sysreg_is_counter(unsigned key)
{
        return key >> 7 == A64_SYSREG(3, 3, 14, 0, 0) >> 7 && (key & 0x7f);
}

bool a64_sysreg_peek(struct vcpu *v, unsigned key, uint64_t *value)
{
        const struct sysreg *r = find(key);

        if (!r || r->access == W1)
                return false;
        *value = read_reg(v, r);
        return true;
}

bool a64_sysreg_poke(struct vcpu *v, unsigned key, uint64_t value)
{
        const struct sysreg *r = find(key);

        if (!r || !can_write(r))
                return false;
        write_reg(v, r, value);
        cpu_context_changed(v);
        return true;
}

/* Registers of EL0 that EL1 may keep to itself (traps by SCTLR_EL1 and CNTKCTL_EL1). */
static bool kept_from_el0(const struct a64_state *s, unsigned key)
{
        switch (key) {
        case A64_SYSREG(3, 3, 0, 0, 1): /* CTR_EL0 */
                return !(s->sctlr_el1 & A64_SCTLR_UCT);
        case A64_SYSREG(3, 3, 4, 2, 1): /* DAIF */
                return !(s->sctlr_el1 & A64_SCTLR_UMA);
        case A64_SYSREG(3, 3, 14, 0, 0): /* CNTFRQ_EL0 */
                return !(s->cntkctl_el1 & 3);
        case A64_SYSREG(3, 3, 14, 0, 1): /* CNTPCT_EL0 */
                return !(s->cntkctl_el1 & 1);
        case A64_SYSREG(3, 3, 14, 0, 2): /* CNTVCT_EL0 */
                return !(s->cntkctl_el1 & 2);
        default:
                if (key >> 3 == A64_SYSREG(3, 3, 14, 2, 0) >> 3)
                        return !(s->cntkctl_el1 >> 9 & 1);
                if (key >> 3 == A64_SYSREG(3, 3, 14, 3, 0) >> 3)
                        return !(s->cntkctl_el1 >> 8 & 1);
                return false;
        }
}

static bool is_fp(unsigned key)
{
        return key >> 3 == A64_SYSREG(3, 3, 4, 4, 0) >> 3;
}

/* What an access gets that the register's class, EL1 or CPACR_EL1 refuse; status 0: it may go on. */
static struct ir_helper_ret check(struct vcpu *v, const struct sysreg *r, unsigned key, bool write,
                                  uint32_t iss)
{
        struct a64_state *s = a64_state(v);
        bool allowed;

        if (!r)
                allowed = false;
        else if (write)
                allowed = can_write(r) && (s->el ? r->access != R0 && r->access != R1 : r->access == RW0);
        else
                allowed = r->access != W1 && (s->el || r->access == R0 || r->access == RW0 ||
                                              r->access == R0RW1);
        if (!allowed) {
                if (!r && v->vm && log_on(v->vm->log, LOG_UNIMP))
                        log_printf(v->vm->log, "aarch64: system register s%u_%u_c%u_c%u_%u is not known\n",
                                   key >> 14,
                                   key >> 11 & 7, key >> 7 & 15, key >> 3 & 15, key & 7);
                return a64_undefined(v);
        }
        if (!s->el && kept_from_el0(s, key))
                return a64_raise(v, A64_EC_SYSREG, iss, 0);
        if (is_fp(key) && !(a64_mode(v) & A64_MODE_FP))
                return a64_raise(v, A64_EC_FP, 0x1e00000, 0);
        if (key == A64_SYSREG(3, 0, 4, 1, 0) && !s->spsel) /* SP_EL0 is SP */
                return a64_undefined(v);
        return a64_done(0);
}

A64_HELP(mrs)
{
        const struct sysreg *r = find(a);
        struct ir_helper_ret ret = check(v, r, a, false, b);

        return ret.status ? ret : a64_done(read_reg(v, r));
}

A64_HELP(msr)
{
        const struct sysreg *r = find(a);
        struct ir_helper_ret ret = check(v, r, a, true, c);

        if (!ret.status)
                write_reg(v, r, b);
        return ret;
}

void a64_sysreg_reset(struct vcpu *v)
{
        struct a64_state *s = a64_state(v);
        struct a64_state old = *s;

        memset(s, 0, sizeof(*s));
        s->config = old.config;
        memcpy(s->timers, old.timers, sizeof(s->timers));
        memcpy(s->timer_out, old.timer_out, sizeof(s->timer_out));
        atomic_init(&s->shootdown.asked, atomic_load(&old.shootdown.asked));
        atomic_init(&s->shootdown.done, atomic_load(&old.shootdown.done));
        s->flags = a64_flags_of_nzcv(0);
        s->el = s->spsel = 1;
        s->daif = A64_PSTATE_DAIF;
        s->sctlr_el1 = A64_SCTLR_RES1 | A64_SCTLR_SA | A64_SCTLR_SA0 | A64_SCTLR_SPAN;
        s->oslsr_el1 = 1;
        for (enum a64_timer n = 0; n < A64_TIMERS; n++) {
                if (s->timers[n])
                        timer_cancel(s->timers[n]);
                irq_set(&s->timer_out[n], false);
        }
}
