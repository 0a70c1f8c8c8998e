/* SPDX-License-Identifier: MIT */
/*
 * A virtual CPU: what the engine, the frontend and the devices share of one hart. Generated code addresses
 * this structure through a host register, so the first part (struct vcpu_hot) is laid out for it. Guest
 * registers are bytes of state[], placed by the frontend's slots (ir/ir.h).
 *
 * Owned by its thread; other threads touch only what is marked atomic.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "machines/core/engine.h"
#include "machines/core/memory.h"

struct cpu_ops;
struct vcpu;
struct vm;
struct vcpu_engine; /* the engine's private part of a vCPU */

/* Bits of the poll word: reasons to leave generated code at the next poll. */
enum vcpu_poll {
        VCPU_POLL_IRQ = 1 << 0,     /* irq_pending changed, or interrupts were unmasked */
        VCPU_POLL_KICK = 1 << 1,    /* pause, queued work, end of the VM, a timer in deterministic mode */
        VCPU_POLL_REVOKE = 1 << 2,  /* the revocation ring moved */
        VCPU_POLL_EXCL = 1 << 3,    /* somebody wants all vCPUs to stand still */
};

enum { VCPU_RETURN_STACK = 32 };

/* One entry of the return stack (decision 11): valid only in the context in which it was pushed. */
struct vcpu_return {
        uint64_t guest_pc;
        uint64_t host_pc;
};

struct vcpu_hot {
        _Atomic uint32_t poll;        /* enum vcpu_poll */
        uint32_t return_top;          /* byte offset into returns, modulo its size */
        uint64_t vpage_base;          /* virtual address of the page that executes (decision 8) */
        void *tlb;                    /* first-level TLB of the current data view (backend/tlb.h) */
        void *jump_cache;             /* of the current context and mode (backend/tlb.h) */
        int64_t budget;               /* deterministic mode: instructions left */
        uint64_t pc;                  /* outside generated code: where to go on */
        uint64_t exit_arg;            /* backends: which exit was taken */
        uint64_t scratch[2];          /* backends */
        /*
         * Guest addresses below window, and WINDOW_SLACK further, may be read without a look at the TLB:
         * they are at themselves plus window_addend (backend/context.h). 0: none.
         */
        uint64_t window, window_addend;
        uint64_t addend;              /* backends: what most pages are off by between guest and host */
        uint64_t wide[4];             /* ops wput, wget, cas16 */
        struct vcpu_return returns[VCPU_RETURN_STACK];
};

/*
 * What the run loop asks of the guest architecture. Same functions as in struct cpu_ops, which this layer may
 * not see; machine_add_cpu (machines/cpu.h) copies them.
 */
struct vcpu_hooks {
        /* takes the highest enabled pending interrupt; true if taken */
        bool (*interrupt)(struct vcpu *v);
        bool (*has_work)(const struct vcpu *v); /* would a halted vCPU wake? */
        void (*reset)(struct vcpu *v);
        void (*fini)(struct vcpu *v);           /* may be NULL */
};

/* Where a vCPU is; others wait for the change in vm_exclusive and revocations. */
enum vcpu_where { VCPU_OUTSIDE, VCPU_INSIDE /* generated code or an interpreter */, VCPU_HALTED };

struct vcpu {
        struct vcpu_hot hot;

        struct vm *vm;
        const struct cpu_ops *ops;
        struct vcpu_hooks hooks;
        struct vcpu_engine *engine;
        struct address_space *as;
        unsigned index;               /* 0.. in the VM; the hart id by default */
        /* the mode word that hot.jump_cache is for, and the host's FP control word for it: the engine's */
        uint64_t mode;
        uint32_t fp_env;

        /* interrupts: level of each input line, set by any thread */
        _Atomic uint64_t irq_pending;

        /* an exception that a helper raised and the run loop delivers */
        struct {
                uint64_t cause, value, value2;
        } exception;

        _Atomic int where;            /* enum vcpu_where */
        _Atomic uint64_t revoke_seen; /* last revocation handled (backend/revoke.h) */
        /* deterministic mode: instructions executed before hot.budget was loaded */
        uint64_t insns;
        int64_t budget_loaded;        /* ... and what was loaded */

        GThread *thread;
        GMutex lock;                  /* guards sleeping in halt */
        GCond wake;
        bool single_step, stopped_by_debugger;
        /* the watchpoint that made it stop: the first byte accessed of it, its kinds; debuggers clear it */
        struct {
                gva_t gva;
                unsigned kinds;
        } watch_hit;
        bool held;                    /* vm_hold_others: does not run although the VM does */
        bool alone;                   /* in its step of an exclusive section; the vCPU's thread */
        bool halted;                  /* between a WFI and the next has_work or reset; the vCPU's thread */

        size_t state_size;
        uint8_t state[] __attribute__((aligned(64)));
};

/* The one thread-local of the program: the vCPU whose thread this is, or NULL. */
struct vcpu *vcpu_current(void);

/* Appends a zeroed vCPU to vm->vcpus; before vm_start. Its hooks are still to be filled. Freed by vm_free. */
struct vcpu *vcpu_new(struct vm *vm, const struct cpu_ops *ops, unsigned index, size_t state_size);
void vcpu_free(struct vcpu *v);

/* Sets bits of the poll word and wakes the vCPU if it sleeps. Any thread. */
void vcpu_kick(struct vcpu *v, uint32_t poll_bits);

/* Level of input line @n (meaning: the frontend's). Posts, kicks on a change; any thread, no lock. */
void vcpu_set_irq(struct vcpu *v, unsigned n, bool level);

/* Runs @fn on the vCPU's own thread at an instruction boundary, and waits for it unless called there. */
void vcpu_run_on(struct vcpu *v, void (*fn)(struct vcpu *v, void *arg), void *arg);

/*
 * For debuggers: one instruction, exceptions and no interrupts, while the VM is paused. On the vCPU's own
 * thread, by vcpu_run_on. A vCPU that waits in WFI goes on behind it.
 */
enum vcpu_exit vcpu_step(struct vcpu *v);

/*
 * Instructions executed so far in deterministic mode, exact at instruction boundaries outside generated code.
 */
static inline uint64_t vcpu_insn_count(const struct vcpu *v)
{
        return v->insns + (uint64_t)(v->budget_loaded - v->hot.budget);
}
