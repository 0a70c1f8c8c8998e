/* SPDX-License-Identifier: MIT */
/*
 * Runs a vCPU one instruction at a time along what a leader (QEMU) did, and compares: the address of every
 * instruction, the register that each one wrote, and now and then all registers and CSRs.
 *
 * The leader decides what no specification fixes: when an interrupt is taken, and what time, counters, devices and
 * pending-interrupt bits read as. Those are taken over from the leader; everything else must agree.
 * RISC-V only.
 */
#include "tests/lockstep/follow.h"

#include <inttypes.h>
#include <sched.h>
#include <string.h>

#include "base/bits.h"
#include "frontend/riscv/cpu.h"
#include "machines/core/engine.h"
#include "machines/core/vm.h"
#include "machines/cpu.h"
#include "tests/lockstep/record.h"

enum { HISTORY = 24 };

static const char *const state_names[] = {
#define X(name) #name,
        LOCKSTEP_STATE(X)
#undef X
};

struct follower {
        struct vcpu *v;
        struct follow *f;
        struct record history[HISTORY];
        uint64_t n_history;
        struct record pending;   /* agreed upon, and about to run once the state was compared */
        bool has_pending;
        bool last_is_leaders;    /* the result of the last one is the leader's to say */
};

static bool next_record(struct follow *f, struct record *r)
{
        struct ring *ring = f->ring;
        uint64_t n = atomic_load_explicit(&ring->read, memory_order_relaxed);

        while (atomic_load_explicit(&ring->written, memory_order_acquire) == n)
                sched_yield();
        *r = ring->records[n % RING_RECORDS];
        atomic_store_explicit(&ring->read, n + 1, memory_order_release);
        return r->kind != REC_END;
}

static uint64_t *reg_place(struct vcpu *v, unsigned reg)
{
        return reg < 32 ? &rv_state(v)->x[reg] : &rv_state(v)->f[reg - 32];
}

static void print_insn(struct follower *w, const struct record *r)
{
        uint8_t bytes[4];
        char text[80];

        memcpy(bytes, &r->insn, sizeof(bytes));
        if (!w->v->ops->disas(w->v->ops->config(w->v), r->pc, bytes, sizeof(bytes), text, sizeof(text)))
                snprintf(text, sizeof(text), "?");
        fprintf(w->f->report, "  %016" PRIx64 "  %08" PRIx32 "  %s\n", r->pc, r->insn, text);
}

static void report(struct follower *w, const char *what, uint64_t ours, uint64_t leaders)
{
        FILE *to = w->f->report;
        uint64_t n = MIN(w->n_history, HISTORY);

        w->f->differs = true;
        fprintf(to, "difference after %" PRIu64 " instructions: %s is %016" PRIx64 ", the leader has %016" PRIx64 "\n",
                w->f->insns, what, ours, leaders);
        fprintf(to, "the last %" PRIu64 " instructions:\n", n);
        for (uint64_t i = w->n_history - n; i < w->n_history; i++)
                print_insn(w, &w->history[i % HISTORY]);
        fprintf(to, "privilege %" PRIu64 "\n", rv_state(w->v)->priv);
        for (unsigned i = 1; i < 32; i++)
                fprintf(to, "x%-2u %016" PRIx64 "%s", i, rv_state(w->v)->x[i], i % 4 == 3 ? "\n" : "  ");
}

/* Does the instruction about to run load from a device? */
static bool is_device_load(struct vcpu *v, uint32_t insn)
{
        unsigned opcode = insn & 0x7f;
        const struct mem_row *row;
        uint64_t space, va;
        uint32_t data, fetch;
        struct walk walk;

        if ((insn & 3) == 3 && (opcode == 0x03 || opcode == 0x2f)) {
                va = rv_state(v)->x[insn >> 15 & 31] + (opcode == 3 ? bits_get_s(insn, 20, 12) : 0);
        } else if ((insn & 3) == 0 && (insn >> 13 & 7) >= 1 && (insn >> 13 & 7) <= 3) {
                /* c.lw, c.ld: the page decides, and offsets here stay within what a device maps */
                va = rv_state(v)->x[8 + (insn >> 7 & 7)];
        } else {
                return false;
        }
        v->ops->context_key(v, &space, &data, &fetch);
        if (!v->ops->walk(v, va, 1, ACCESS_READ, data, true, &walk))
                return false;
        row = address_space_find(v->as, walk.gpa | (va & 0xfff));
        return row && row->kind == MEM_ROW_MMIO;
}

static bool is_csr_insn(uint32_t insn)
{
        return (insn & 0x7f) == 0x73 && (insn >> 12 & 7);
}

/* Event counters and their selectors: read-only zero in Rhea, some of them real in the leader and others missing. */
static bool is_event_csr(uint32_t insn)
{
        unsigned csr = insn >> 20;

        return is_csr_insn(insn) && ((csr >= 0xb03 && csr <= 0xb1f) || (csr >= 0x323 && csr <= 0x33f));
}

/* CSRs whose value the leader decides: time, counters, pending interrupts, who made the CPU. */
static bool is_leaders_csr(uint32_t insn)
{
        unsigned csr = insn >> 20;

        if (!is_csr_insn(insn))
                return false;
        return rv_csr_is_counter(csr) || is_event_csr(insn) || csr == 0xf11 || csr == 0xf12 || csr == 0xf13;
}

static bool compare_result(struct follower *w, const struct record *r)
{
        uint64_t *place;
        char name[8];

        if (r->reg == REC_NO_REG || r->reg == 0)
                return true;
        place = reg_place(w->v, r->reg);
        if (*place == r->value)
                return true;
        if (w->last_is_leaders) {
                *place = r->value;
                w->f->copied++;
                return true;
        }
        snprintf(name, sizeof(name), "%c%u", r->reg < 32 ? 'x' : 'f', r->reg & 31);
        report(w, name, *place, r->value);
        return false;
}

static bool compare_state(struct follower *w, const struct record *r)
{
        const char *name = state_names[r->reg];
        uint64_t ours;

        if (!vcpu_get_reg(w->v, name, &ours))
                return true;
        w->f->states++;
        /* event counters that only the leader has show in the enables */
        if (ours == r->value || (g_str_has_suffix(name, "counteren") && !((ours ^ r->value) & 7)))
                return true;
        report(w, name, ours, r->value);
        return false;
}

/* Brings the vCPU to where the leader is about to run; an interrupt that the leader took is taken here too. */
static bool agree_on_pc(struct follower *w, const struct record *r)
{
        struct vcpu *v = w->v;

        if (v->hot.pc != r->pc && r->cause != ~0ull && (r->cause & RV_CAUSE_INTERRUPT)) {
                v->exception.cause = r->cause;
                v->exception.value = 0;
                v->ops->deliver(v);
                w->f->interrupts++;
        }
        if (v->hot.pc != r->pc && r->cause == RV_EXC_ILLEGAL && w->has_pending && is_event_csr(w->pending.insn)) {
                v->hot.pc = w->pending.pc;
                rv_raise(v, RV_EXC_ILLEGAL, w->pending.insn);
                v->ops->deliver(v);
        }
        if (v->hot.pc == r->pc)
                return true;
        report(w, "pc", v->hot.pc, r->pc);
        return false;
}

static bool step(struct follower *w, const struct record *r)
{
        w->history[w->n_history++ % HISTORY] = *r;
        w->last_is_leaders = is_leaders_csr(r->insn) || is_device_load(w->v, r->insn);
        w->f->insns++;
        w->v->hot.budget = w->v->budget_loaded = 1;
        switch (w->v->vm->engine->step(w->v)) {
        case VCPU_EXIT_ERROR:
                report(w, "engine", 0, 0);
                return false;
        default:
                return true;
        }
}

void follow_run(struct vcpu *v, struct follow *f)
{
        struct follower w = {.v = v, .f = f};
        struct record r;

        while (!f->differs && (!f->max_insns || f->insns < f->max_insns) && next_record(f, &r)) {
                if (r.kind == REC_STATE) {
                        if (!compare_state(&w, &r))
                                break;
                        continue;
                }
                if (w.has_pending && (!step(&w, &w.pending) || !compare_result(&w, &r)))
                        break;
                if (!agree_on_pc(&w, &r))
                        break;
                w.pending = r;
                w.has_pending = true;
                if (f->insns && f->insns % 10000000 == 0)
                        fprintf(f->report, "%" PRIu64 " million instructions agree\n", f->insns / 1000000);
        }
        atomic_store(&f->ring->stop, 1);
}
