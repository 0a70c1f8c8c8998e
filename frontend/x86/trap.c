/* SPDX-License-Identifier: MIT */
/*
 * Exceptions, interrupts and the transfers of privilege: through the IDT and back (Intel SDM volume 3,
 * chapter 6), SYSCALL and SYSRET (volume 2), far transfers within 64-bit code. On the CPU's own thread.
 *
 * Interrupt lines stand for vectors from 32 on until there is an interrupt controller to say which.
 */
#include "frontend/x86/cpu.h"

#include "base/log.h"
#include "machines/core/vm.h"

enum { FIRST_LINE_VECTOR = 32 };

struct ir_helper_ret x86_raise(struct vcpu *v, enum x86_vector vector, uint64_t error_code)
{
        v->exception.cause = vector;
        v->exception.value = error_code;
        return (struct ir_helper_ret){0, 1 + IR_EXIT_EXCEPTION};
}

struct ir_helper_ret x86_raise_pf(struct vcpu *v, gva_t gva, uint64_t error_code)
{
        v->exception.value2 = gva;
        return x86_raise(v, X86_EXC_PF, error_code);
}

/* Records one for functions that answer false. */
static bool refuse(struct vcpu *v, enum x86_vector vector, uint64_t error_code)
{
        x86_raise(v, vector, error_code);
        return false;
}

/* ---- RFLAGS ---- */

static const struct { uint32_t rflag; uint8_t flag; } status[] = {
        {X86_FL_CF, IR_FLAG_C}, {X86_FL_PF, IR_FLAG_P}, {X86_FL_AF, IR_FLAG_A}, {X86_FL_ZF, IR_FLAG_Z},
        {X86_FL_SF, IR_FLAG_N}, {X86_FL_OF, IR_FLAG_V},
};

uint64_t x86_get_rflags(const struct vcpu *v)
{
        const struct x86_state *s = x86_state_const(v);
        uint64_t value = s->system_flags | X86_FL_ONE | ((int64_t)s->step < 0 ? X86_FL_DF : 0);

        for (unsigned n = 0; n < G_N_ELEMENTS(status); n++)
                value |= ir_flags_get(s->flags, (enum ir_flag)status[n].flag) ? status[n].rflag : 0;
        return value;
}

static void look_at_irqs(struct vcpu *v)
{
        if (x86_has_work(v))
                atomic_fetch_or_explicit(&v->hot.poll, VCPU_POLL_IRQ, memory_order_relaxed);
}

void x86_set_rflags(struct vcpu *v, uint64_t value, uint64_t mask)
{
        struct x86_state *s = x86_state(v);
        uint64_t old = s->system_flags, all = (x86_get_rflags(v) & ~mask) | (value & mask);
        unsigned flags = 0;

        for (unsigned n = 0; n < G_N_ELEMENTS(status); n++)
                flags |= all & status[n].rflag ? status[n].flag : 0;
        s->flags = ir_flags_make(flags);
        s->step = all & X86_FL_DF ? UINT64_MAX : 1;
        s->system_flags = all & X86_FL_SYSTEM;
        if ((old ^ s->system_flags) & (X86_FL_AC | X86_FL_TF))
                cpu_context_changed(v);
        if (s->system_flags & ~old & X86_FL_IF)
                look_at_irqs(v);
        /* what clears TF is stepped over itself */
        if (s->step_armed && !(s->system_flags & X86_FL_TF))
                atomic_fetch_or_explicit(&v->hot.poll, VCPU_POLL_IRQ, memory_order_relaxed);
}

/* ---- descriptors ---- */

void x86_segment_from(struct x86_segment *s, uint16_t selector, uint64_t desc)
{
        s->selector = selector;
        s->base = (desc >> 16 & 0xffffff) | (desc >> 56 << 24);
        s->limit = (desc & 0xffff) | (desc >> 32 & 0xf0000);
        s->attr = desc >> 40 & 0xf0ff;
        if (s->attr & X86_SEG_G)
                s->limit = s->limit << 12 | 0xfff;
}

bool x86_read_descriptor(struct vcpu *v, uint16_t selector, unsigned size, enum x86_vector vector,
                         uint64_t desc[2])
{
        struct x86_state *s = x86_state(v);
        const struct x86_segment *table = selector & 4 ? &s->ldt : &s->gdt;
        unsigned at = selector & ~7u;

        if (at + size - 1 > table->limit)
                return refuse(v, vector, selector & ~3u);
        desc[1] = 0;
        return x86_read(v, table->base + at, 8, true, &desc[0]) &&
               (size == 8 || x86_read(v, table->base + at + 8, 8, true, &desc[1]));
}

static unsigned dpl(uint64_t desc)
{
        return desc >> 45 & 3;
}

/* A code segment that 64-bit code may be entered by; what else there is, is not here yet. */
static bool read_code(struct vcpu *v, uint16_t selector, uint64_t *desc)
{
        uint64_t d[2];
        unsigned attr;

        if (!(selector & ~3u))
                return refuse(v, X86_EXC_GP, 0);
        if (!x86_read_descriptor(v, selector, 8, X86_EXC_GP, d))
                return false;
        attr = d[0] >> 40;
        if (!(attr & X86_SEG_S) || !(attr & X86_SEG_CODE))
                return refuse(v, X86_EXC_GP, selector & ~3u);
        if (!(attr & X86_SEG_P))
                return refuse(v, X86_EXC_NP, selector & ~3u);
        if (!(attr & X86_SEG_L) || (attr & X86_SEG_DB)) {
                x86_log_unimplemented(v, "a code segment that is not of 64 bits");
                return refuse(v, X86_EXC_GP, selector & ~3u);
        }
        *desc = d[0];
        return true;
}

static void set_privilege(struct vcpu *v, unsigned cpl)
{
        x86_state(v)->cpl = cpl;
        cpu_context_changed(v);
}

static void set_code(struct vcpu *v, uint16_t selector, uint64_t desc, unsigned cpl)
{
        x86_segment_from(&x86_state(v)->seg[X86_CS], (selector & ~3u) | cpl, desc);
        set_privilege(v, cpl);
}

/* SS in 64-bit mode: its selector and privilege count alone. */
static void set_flat_stack(struct x86_state *s, uint16_t selector, unsigned cpl)
{
        s->seg[X86_SS] = (struct x86_segment){
                .limit = UINT32_MAX, .selector = selector,
                .attr = X86_SEG_P | X86_SEG_S | X86_SEG_DB | X86_SEG_G | 3 | cpl << 5,
        };
}

/* ---- single step (RFLAGS.TF) ---- */

/*
 * Each instruction under TF first tells of itself. An earlier one that did is over when the CPU is anywhere but
 * at its address: #DB is due, before what comes next. At its address it was left to be run again, if it did not
 * say that it goes to itself. One that faults is forgotten, as is TF in a handler.
 */
static bool step_due(const struct vcpu *v)
{
        const struct x86_state *s = x86_state_const(v);

        return s->step_armed && s->step_pc != v->hot.pc;
}

static struct ir_helper_ret step_trap(struct vcpu *v)
{
        struct x86_state *s = x86_state(v);

        s->step_armed = false;
        s->dr[6] |= X86_DR6_BS;
        return x86_raise(v, X86_EXC_DB, 0);
}

X86_HELP(step)
{
        struct x86_state *s = x86_state(v);

        if (s->step_armed && s->step_pc != a)
                return step_trap(v);
        s->step_armed = b;
        s->step_pc = a;
        return x86_done(0);
}

X86_HELP(step_to_itself)
{
        x86_state(v)->step_pc = X86_STEP_NOWHERE;
        return x86_done(0);
}

/* ---- into a handler ---- */

enum source { SOURCE_EXCEPTION, SOURCE_SOFTWARE, SOURCE_INTERRUPT };

static bool has_error_code(unsigned vector)
{
        return vector < 32 && (0x00227d00u >> vector & 1);
}

struct gate {
        uint64_t offset;
        uint16_t selector;
        uint8_t ist, type;
};

static bool read_gate(struct vcpu *v, unsigned vector, enum source source, struct gate *g)
{
        struct x86_state *s = x86_state(v);
        unsigned error = vector * 8 + 2 + (source != SOURCE_SOFTWARE);
        uint64_t d[2];

        if (vector * 16 + 15 > s->idt.limit)
                return refuse(v, X86_EXC_GP, error);
        if (!x86_read(v, s->idt.base + vector * 16, 8, true, &d[0]) ||
            !x86_read(v, s->idt.base + vector * 16 + 8, 8, true, &d[1]))
                return false;
        g->type = d[0] >> 40 & 31;
        if ((g->type != 14 && g->type != 15) || (source == SOURCE_SOFTWARE && dpl(d[0]) < s->cpl))
                return refuse(v, X86_EXC_GP, error);
        if (!(d[0] >> 47 & 1))
                return refuse(v, X86_EXC_NP, error);
        g->offset = (d[0] & 0xffff) | (d[0] >> 48 << 16) | d[1] << 32;
        g->selector = d[0] >> 16;
        g->ist = d[0] >> 32 & 7;
        return true;
}

/* A stack pointer of the TSS: RSP0 to RSP2, or IST1 to IST7. */
static bool read_tss(struct vcpu *v, unsigned offset, uint64_t *rsp)
{
        struct x86_state *s = x86_state(v);

        if (offset + 7 > s->tr.limit)
                return refuse(v, X86_EXC_TS, s->tr.selector & ~3u);
        return x86_read(v, s->tr.base + offset, 8, true, rsp);
}

static bool push(struct vcpu *v, uint64_t *rsp, bool supervisor, uint64_t value)
{
        *rsp -= 8;
        return x86_write(v, *rsp, 8, supervisor, value);
}

/* Nothing changes until all of the frame is written. */
static bool enter_handler(struct vcpu *v, unsigned vector, enum source source, uint64_t error_code,
                          uint64_t return_pc)
{
        struct x86_state *s = x86_state(v);
        uint64_t desc, rsp = s->gpr[X86_RSP], rflags = x86_get_rflags(v);
        unsigned cpl;
        struct gate g;
        bool ok;

        if (!read_gate(v, vector, source, &g) || !read_code(v, g.selector, &desc))
                return false;
        cpl = desc >> 42 & 1 ? s->cpl : dpl(desc); /* conforming ones keep the privilege */
        if (cpl > s->cpl)
                return refuse(v, X86_EXC_GP, g.selector & ~3u);
        if (g.ist ? !read_tss(v, 28 + 8 * g.ist, &rsp) : cpl < s->cpl && !read_tss(v, 4 + 8 * cpl, &rsp))
                return false;
        if (!x86_canonical(rsp))
                return refuse(v, X86_EXC_SS, 0);
        rsp &= ~UINT64_C(15);
        ok = push(v, &rsp, cpl < 3, s->seg[X86_SS].selector) && push(v, &rsp, cpl < 3, s->gpr[X86_RSP]) &&
             push(v, &rsp, cpl < 3, rflags) && push(v, &rsp, cpl < 3, s->seg[X86_CS].selector) &&
             push(v, &rsp, cpl < 3, return_pc);
        if (ok && source == SOURCE_EXCEPTION && has_error_code(vector))
                ok = push(v, &rsp, cpl < 3, error_code);
        if (!ok)
                return false;
        if (cpl < s->cpl)
                set_flat_stack(s, cpl, cpl);
        s->gpr[X86_RSP] = rsp;
        s->step_armed = false;
        set_code(v, g.selector, desc, cpl);
        x86_set_rflags(v, 0, X86_FL_TF | X86_FL_NT | X86_FL_RF | X86_FL_VM | (g.type == 14 ? X86_FL_IF : 0));
        v->hot.pc = g.offset;
        return true;
}

static void log_exception(struct vcpu *v, unsigned vector, uint64_t error_code)
{
        if (v->vm && log_on(v->vm->log, LOG_INT))
                log_printf(v->vm->log,
                           "cpu %u: vector %u, error code 0x%" PRIx64 ", at 0x%" PRIx64 " in ring %" PRIu64
                           ", cr2 0x%" PRIx64 "\n", v->index, vector, error_code, v->hot.pc,
                                   x86_state(v)->cpl,
                           x86_state(v)->cr2);
}

static bool is_contributory(unsigned vector)
{
        return vector == X86_EXC_DE || (vector >= X86_EXC_TS && vector <= X86_EXC_GP);
}

/* SDM volume 3, table 6-5. */
static bool is_double_fault(unsigned first, unsigned second)
{
        return (is_contributory(first) && is_contributory(second)) ||
               (first == X86_EXC_PF && (second == X86_EXC_PF || is_contributory(second)));
}

static void shut_down(struct vcpu *v)
{
        if (!v->vm)
                return;
        log_guest_error(v->vm->log, "cpu %u: triple fault at 0x%" PRIx64 "\n", v->index, v->hot.pc);
        vm_request(v->vm, VM_REQ_RESET, 0);
}

void x86_deliver(struct vcpu *v)
{
        for (unsigned depth = 0; depth < 4; depth++) {
                unsigned vector = v->exception.cause;

                if (vector == X86_EXC_PF)
                        x86_state(v)->cr2 = v->exception.value2;
                log_exception(v, vector, v->exception.value);
                if (enter_handler(v, vector, SOURCE_EXCEPTION, v->exception.value, v->hot.pc))
                        return;
                if (vector == X86_EXC_DF)
                        break;
                if (is_double_fault(vector, v->exception.cause))
                        x86_raise(v, X86_EXC_DF, 0);
        }
        shut_down(v);
}

bool x86_soft_interrupt(struct vcpu *v, unsigned vector, uint64_t next)
{
        return enter_handler(v, vector, SOURCE_SOFTWARE, 0, next);
}

X86_HELP(int)
{
        return x86_soft_interrupt(v, a, b) ? x86_done(v->hot.pc) : (struct ir_helper_ret){0,
                1 + IR_EXIT_EXCEPTION};
}

bool x86_has_work(const struct vcpu *v)
{
        return step_due(v) || ((x86_state_const(v)->system_flags & X86_FL_IF) &&
                               atomic_load_explicit(&v->irq_pending, memory_order_acquire));
}

bool x86_interrupt(struct vcpu *v)
{
        uint64_t lines = atomic_load_explicit(&v->irq_pending, memory_order_acquire);
        unsigned vector;

        if (!x86_has_work(v))
                return false;
        if (step_due(v)) {
                step_trap(v);
                x86_deliver(v);
                return true;
        }
        vector = FIRST_LINE_VECTOR + __builtin_ctzll(lines);
        if (!enter_handler(v, vector, SOURCE_INTERRUPT, 0, v->hot.pc))
                x86_deliver(v);
        return true;
}

/* ---- out of it ---- */

static const struct ir_helper_ret failed = {0, 1 + IR_EXIT_EXCEPTION};

static bool load_stack(struct vcpu *v, uint16_t selector, unsigned cpl)
{
        struct x86_state *s = x86_state(v);
        uint64_t d[2];

        if (!(selector & ~3u)) {
                if (cpl == 3 || (selector & 3) != cpl)
                        return refuse(v, X86_EXC_GP, 0);
                set_flat_stack(s, selector, cpl);
                return true;
        }
        if ((selector & 3) != cpl || !x86_read_descriptor(v, selector, 8, X86_EXC_GP, d))
                return refuse(v, X86_EXC_GP, selector & ~3u);
        x86_segment_from(&s->seg[X86_SS], selector, d[0]);
        return true;
}

/*
 * A return to an outer ring takes away data segments that this ring may not have (SDM volume 2, IRET and RET,
 * RETURN-TO-OUTER-PRIVILEGE-LEVEL). The bases of FS and GS stay; nothing else of a segment counts in 64-bit
 * mode.
 */
static void drop_inner_segments(struct x86_state *s, unsigned cpl)
{
        static const uint8_t segments[] = {X86_ES, X86_DS, X86_FS, X86_GS};

        for (unsigned n = 0; n < G_N_ELEMENTS(segments); n++) {
                struct x86_segment *seg = &s->seg[segments[n]];
                bool conforming = (seg->attr & (X86_SEG_CODE | X86_SEG_CONFORMING)) ==
                                  (X86_SEG_CODE | X86_SEG_CONFORMING);

                if ((seg->attr & X86_SEG_DPL) >> 5 < cpl && !conforming) {
                        seg->selector = 0;
                        seg->attr &= ~(uint32_t)X86_SEG_P;
                }
        }
}

X86_HELP(iret)
{
        struct x86_state *s = x86_state(v);
        uint64_t frame[5], desc,
                mask = X86_FL_STATUS | X86_FL_TF | X86_FL_DF | X86_FL_NT | X86_FL_RF | X86_FL_AC | X86_FL_ID;
        unsigned size = a, cpl;

        cpu_code_fence(v);
        if (s->system_flags & X86_FL_NT)
                return x86_raise(v, X86_EXC_GP, 0);
        for (unsigned n = 0; n < 5; n++) {
                if (!x86_read(v, s->gpr[X86_RSP] + n * size, size, s->cpl < 3, &frame[n]))
                        return failed;
        }
        cpl = frame[1] & 3;
        if (!read_code(v, frame[1], &desc))
                return failed;
        if (cpl < s->cpl || (!(desc >> 42 & 1) && dpl(desc) != cpl))
                return x86_raise(v, X86_EXC_GP, frame[1] & 0xfffc);
        if (!x86_canonical(frame[0]))
                return x86_raise(v, X86_EXC_GP, 0);
        if (s->cpl == 0)
                mask |= X86_FL_IOPL | X86_FL_VIF | X86_FL_VIP;
        if (s->cpl <= (s->system_flags & X86_FL_IOPL) >> 12)
                mask |= X86_FL_IF;
        if (size == 2)
                mask &= 0xffff;
        if (!load_stack(v, frame[4], cpl))
                return failed;
        s->gpr[X86_RSP] = frame[3];
        if (cpl > s->cpl)
                drop_inner_segments(s, cpl);
        set_code(v, frame[1], desc, cpl);
        x86_set_rflags(v, frame[2], mask);
        look_at_irqs(v);
        return x86_done(frame[0]);
}

X86_HELP(retf)
{
        struct x86_state *s = x86_state(v);
        uint64_t offset, selector, desc, rsp = s->gpr[X86_RSP], outer[2] = {0};
        unsigned size = a, cpl;

        if (!x86_read(v, rsp, size, s->cpl < 3, &offset) || !x86_read(v, rsp + size, size, s->cpl < 3,
                &selector))
                return failed;
        cpl = selector & 3;
        rsp += 2 * size + b;
        if (!read_code(v, selector, &desc))
                return failed;
        if (cpl < s->cpl || (!(desc >> 42 & 1) && dpl(desc) != cpl))
                return x86_raise(v, X86_EXC_GP, selector & 0xfffc);
        if (!x86_canonical(offset))
                return x86_raise(v, X86_EXC_GP, 0);
        if (cpl > s->cpl) {
                for (unsigned n = 0; n < 2; n++) {
                        if (!x86_read(v, rsp + n * size, size, s->cpl < 3, &outer[n]))
                                return failed;
                }
                if (!load_stack(v, outer[1], cpl))
                        return failed;
                rsp = outer[0] + b;
        }
        s->gpr[X86_RSP] = rsp;
        if (cpl > s->cpl)
                drop_inner_segments(s, cpl);
        set_code(v, selector, desc, cpl);
        return x86_done(offset);
}

/* ---- far jumps and calls, to code segments of the same privilege ---- */

static bool far_target(struct vcpu *v, uint64_t selector, uint64_t offset, uint64_t *desc)
{
        struct x86_state *s = x86_state(v);

        if (!read_code(v, selector, desc))
                return false;
        if (*desc >> 42 & 1 ? dpl(*desc) > s->cpl : dpl(*desc) != s->cpl || (selector & 3) > s->cpl)
                return refuse(v, X86_EXC_GP, selector & 0xfffc);
        return x86_canonical(offset) || refuse(v, X86_EXC_GP, 0);
}

X86_HELP(jmpf)
{
        uint64_t desc;

        if (!far_target(v, a, b, &desc))
                return failed;
        set_code(v, a, desc, x86_state(v)->cpl);
        return x86_done(b);
}

X86_HELP(callf)
{
        struct x86_state *s = x86_state(v);
        uint64_t desc, rsp = s->gpr[X86_RSP];
        unsigned size = c;

        if (!far_target(v, a, b, &desc) ||
            !x86_write(v, rsp - size, size, s->cpl < 3, s->seg[X86_CS].selector) ||
            !x86_write(v, rsp - 2 * size, size, s->cpl < 3, d))
                return failed;
        s->gpr[X86_RSP] = rsp - 2 * size;
        set_code(v, a, desc, s->cpl);
        return x86_done(b);
}

/* ---- SYSCALL, SYSRET ---- */

static void set_flat_code(struct x86_state *s, uint16_t selector, unsigned cpl)
{
        s->seg[X86_CS] = (struct x86_segment){
                .limit = UINT32_MAX, .selector = selector,
                .attr = X86_SEG_P | X86_SEG_S | X86_SEG_L | X86_SEG_G | X86_SEG_CODE | 3 | cpl << 5,
        };
}

X86_HELP(syscall)
{
        struct x86_state *s = x86_state(v);
        uint16_t selector = s->star >> 32 & 0xfffc;

        if (!(s->efer & X86_EFER_SCE))
                return x86_raise(v, X86_EXC_UD, 0);
        s->gpr[X86_RCX] = a;
        s->gpr[11] = x86_get_rflags(v) & ~(uint64_t)X86_FL_RF;
        set_flat_code(s, selector, 0);
        set_flat_stack(s, selector + 8, 0);
        set_privilege(v, 0);
        s->step_armed &= !(s->fmask & X86_FL_TF);
        x86_set_rflags(v, 0, s->fmask | X86_FL_RF);
        return x86_done(s->lstar);
}

X86_HELP(sysret)
{
        struct x86_state *s = x86_state(v);
        uint16_t selector = (s->star >> 48) + 16;

        if (!(s->efer & X86_EFER_SCE))
                return x86_raise(v, X86_EXC_UD, 0);
        if (a != 8)
                x86_log_unimplemented(v, "SYSRET to code that is not of 64 bits");
        if (a != 8 || !x86_canonical(s->gpr[X86_RCX]))
                return x86_raise(v, X86_EXC_GP, 0);
        set_flat_code(s, selector | 3, 3);
        set_flat_stack(s, (selector - 8) | 3, 3);
        set_privilege(v, 3);
        x86_set_rflags(v, s->gpr[11], 0x3c7fd7);
        look_at_irqs(v);
        return x86_done(s->gpr[X86_RCX]);
}

X86_HELP(swapgs)
{
        struct x86_state *s = x86_state(v);
        uint64_t base = s->seg[X86_GS].base;

        s->seg[X86_GS].base = s->kernel_gs_base;
        s->kernel_gs_base = base;
        return x86_done(0);
}
