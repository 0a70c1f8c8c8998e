/* SPDX-License-Identifier: MIT */
/*
 * Runs a vCPU along what a leader (QEMU) did, in translated blocks as a user's guest would, and compares:
 * after each stretch without privileged instructions, traps or device reads (2,000 instructions at most) the
 * address and every register; those instructions one by one; and now and then all registers and CSRs.
 *
 * The leader decides what no specification fixes: when an interrupt is taken, and what time, counters,
 * devices and pending-interrupt bits read as. Those are taken over from the leader; everything else must
 * agree. RISC-V only.
 */
#include "tests/lockstep/follow.h"

#include <inttypes.h>
#include <unistd.h>
#include <string.h>

#include "base/bits.h"
#include "frontend/riscv/cpu.h"
#include "machines/core/engine.h"
#include "machines/core/vm.h"
#include "machines/cpu.h"
#include "tests/lockstep/record.h"

enum { HISTORY = 24, RUN_MAX = 2000 };

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
        uint64_t leader[64];     /* the leader's x and f registers, as far as its records tell */
        uint64_t known;          /* which of them */
        struct record pending;   /* told of, not yet run or queued: what it did comes with the next record */
        bool has_pending;
        unsigned run;            /* instructions queued, to be run in one go */
};

static bool next_record(struct follow *f, struct record *r)
{
        struct ring *ring = f->ring;
        uint64_t n = atomic_load_explicit(&ring->read, memory_order_relaxed);

        while (atomic_load_explicit(&ring->written, memory_order_acquire) == n)
                usleep(20);
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
        fprintf(to,
                "difference after %" PRIu64 " instructions: %s is %016" PRIx64 ", the leader has %016" PRIx64
                "\n",
                w->f->insns, what, ours, leaders);
        fprintf(to, "the last %" PRIu64 " instructions:\n", n);
        for (uint64_t i = w->n_history - n; i < w->n_history; i++)
                print_insn(w, &w->history[i % HISTORY]);
        fprintf(to, "privilege %" PRIu64 "\n", rv_state(w->v)->priv);
        for (unsigned i = 1; i < 32; i++)
                fprintf(to, "x%-2u %016" PRIx64 "%s", i, rv_state(w->v)->x[i], i % 4 == 3 ? "\n" : "  ");
}

/* Does the instruction load from a device? Its address is made of the leader's registers. */
static bool is_device_load(const struct follower *w, uint32_t insn)
{
        unsigned opcode = insn & 0x7f;
        struct vcpu *v = w->v;
        const struct mem_row *row;
        uint64_t space, va;
        uint32_t data, fetch;
        struct walk walk;

        if ((insn & 3) == 3 && (opcode == 0x03 || opcode == 0x2f))
                va = w->leader[insn >> 15 & 31] + (opcode == 3 ? bits_get_s(insn, 20, 12) : 0);
        else if ((insn & 3) == 0 && (insn >> 13 & 7) >= 1 && (insn >> 13 & 7) <= 3)
                /* c.lw, c.ld: their offsets stay within what a device maps */
                va = w->leader[8 + (insn >> 7 & 7)];
        else
                return false;
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

/*
 * Event counters and their selectors: read-only zero in Rhea, some of them real in the leader and others
 * missing.
 */
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

/* Everything that the leader told of its registers so far. */
static bool compare_registers(struct follower *w)
{
        char name[8];

        for (unsigned reg = 1; reg < 64; reg++) {
                uint64_t ours = *reg_place(w->v, reg);

                if (!(w->known >> reg & 1) || ours == w->leader[reg])
                        continue;
                snprintf(name, sizeof(name), "%c%u", reg < 32 ? 'x' : 'f', reg & 31);
                report(w, name, ours, w->leader[reg]);
                return false;
        }
        return true;
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

/* Runs what is queued, in whole translated blocks, and compares; the last of the budget cuts a block. */
static bool flush(struct follower *w)
{
        struct vcpu *v = w->v;

        v->hot.budget = v->budget_loaded = w->run;
        while (v->hot.budget > 0) {
                if (v->vm->engine->run(v) == VCPU_EXIT_ERROR) {
                        report(w, "engine", 0, 0);
                        return false;
                }
        }
        w->f->insns += w->run;
        w->run = 0;
        return compare_registers(w);
}

/* Runs the pending instruction alone, and compares or takes over its result. */
static bool step(struct follower *w, const struct record *next)
{
        struct vcpu *v = w->v;
        bool leaders = is_leaders_csr(w->pending.insn) || is_device_load(w, w->pending.insn);

        v->hot.budget = v->budget_loaded = 1;
        if (v->vm->engine->step(v) == VCPU_EXIT_ERROR) {
                report(w, "engine", 0, 0);
                return false;
        }
        w->f->insns++;
        if (leaders && next->reg != REC_NO_REG && next->reg && *reg_place(v, next->reg) != next->value) {
                *reg_place(v, next->reg) = next->value;
                w->f->copied++;
        }
        return true;
}

/* What changes privilege, mapping or modes, or what the leader has the last word on. */
static bool is_single(const struct follower *w, const struct record *next)
{
        bool trapped = next->cause != ~0ull && !(next->cause & RV_CAUSE_INTERRUPT) &&
                       next->cause != RV_EXC_FETCH_PAGE && next->cause != RV_EXC_FETCH_ACCESS;

        return trapped || (w->pending.insn & 0x7f) == 0x73 || is_device_load(w, w->pending.insn);
}

/*
 * QEMU keeps one translation of a physical page for all addresses that it is mapped at, and tells its plugins
 * the one that it was made at. So only the offset in the page is the leader's word, elsewhere than where it
 * has been before; a wrong page would show in the next link or auipc.
 */
static bool same_place(struct follower *w, uint64_t leaders)
{
        uint64_t ours = w->v->hot.pc;

        if (ours == leaders)
                return true;
        if ((ours ^ leaders) & (GUEST_PAGE_SIZE - 1))
                return false;
        w->f->aliases++;
        return true;
}

/*
 * Brings the vCPU to where the leader is about to run; an interrupt that the leader took is taken here too.
 */
static bool agree_on_pc(struct follower *w, const struct record *r)
{
        struct vcpu *v = w->v;

        if (r->cause != ~0ull && (r->cause & RV_CAUSE_INTERRUPT) && v->hot.pc != r->pc) {
                v->exception.cause = r->cause;
                v->exception.value = 0;
                v->ops->deliver(v);
                w->f->interrupts++;
        }
        if (v->hot.pc != r->pc && r->cause == RV_EXC_ILLEGAL && w->has_pending &&
            is_event_csr(w->pending.insn)) {
                v->hot.pc = w->pending.pc;
                rv_raise(v, RV_EXC_ILLEGAL, w->pending.insn);
                v->ops->deliver(v);
        }
        /* a fetch that faulted is no instruction of the leader's: here it is a step that only traps */
        if (v->hot.pc != r->pc && (r->cause == RV_EXC_FETCH_PAGE || r->cause == RV_EXC_FETCH_ACCESS)) {
                v->hot.budget = v->budget_loaded = 1;
                v->vm->engine->step(v);
        }
        if (same_place(w, r->pc))
                return true;
        report(w, "pc", v->hot.pc, r->pc);
        return false;
}

static void note_result(struct follower *w, const struct record *r)
{
        if (r->reg == REC_NO_REG || !r->reg)
                return;
        w->leader[r->reg] = r->value;
        w->known |= 1ull << r->reg;
}

/* A record tells what the pending instruction did, and names the next one. */
static bool take_insn(struct follower *w, const struct record *r)
{
        bool interrupt = r->cause != ~0ull && (r->cause & RV_CAUSE_INTERRUPT);
        bool fetch_fault = r->cause == RV_EXC_FETCH_PAGE || r->cause == RV_EXC_FETCH_ACCESS;

        if (w->has_pending && is_single(w, r)) {
                if (!flush(w) || !same_place(w, w->pending.pc)) {
                        if (!w->f->differs)
                                report(w, "pc", w->v->hot.pc, w->pending.pc);
                        return false;
                }
                if (!step(w, r))
                        return false;
                note_result(w, r);
                if (!compare_registers(w) || !agree_on_pc(w, r))
                        return false;
        } else if (w->has_pending) {
                note_result(w, r);
                w->run++;
                if ((interrupt || fetch_fault || w->run >= RUN_MAX) && (!flush(w) || !agree_on_pc(w, r)))
                        return false;
        }
        w->history[w->n_history++ % HISTORY] = *r;
        w->pending = *r;
        w->has_pending = true;
        return true;
}

void follow_run(struct vcpu *v, struct follow *f)
{
        struct follower w = {.v = v, .f = f};
        uint64_t told = 10000000;
        struct record r;

        while (!f->differs && (!f->max_insns || f->insns < f->max_insns) && next_record(f, &r)) {
                bool ok = r.kind == REC_STATE ? flush(&w) && compare_state(&w, &r) : take_insn(&w, &r);

                if (!ok)
                        break;
                if (f->insns >= told) {
                        fprintf(f->report, "%" PRIu64 " million instructions agree\n", told / 1000000);
                        told += 10000000;
                }
        }
        atomic_store(&f->ring->stop, 1);
}
