/* SPDX-License-Identifier: MIT */
/*
 * An engine executes vCPUs: the JIT, the interpreter, KVM (decision 19). The run loop in runloop.c drives all
 * of them with one switch on the exit reason.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <glib.h>

#include "machines/core/memory.h"

struct vm;
struct vcpu;
struct ir_helper_ret;

/* Why engine->run came back. */
enum vcpu_exit {
        VCPU_EXIT_POLL,      /* the poll word: the run loop looks at requests, revocations, interrupts */
        VCPU_EXIT_HALT,      /* WFI: sleep until the frontend's has_work */
        VCPU_EXIT_BUDGET,    /* deterministic mode: the slice is used up */
        VCPU_EXIT_DEBUG,     /* breakpoint, step done, watchpoint */
        VCPU_EXIT_EXCLUSIVE, /* wants engine->step_exclusive */
        VCPU_EXIT_YIELD,     /* give others the processor, then go on */
        VCPU_EXIT_ERROR,     /* the engine cannot go on; logged */
};

/* What a TLB flush covers; the vCPU's own tables only. */
enum tlb_flush {
        TLB_FLUSH_ALL,        /* every space, global entries too */
        TLB_FLUSH_NONGLOBAL,  /* every space, but global entries may stay */
        TLB_FLUSH_SPACE,      /* one space, but global entries may stay */
        TLB_FLUSH_PAGE,       /* one address in every space, global or not */
        TLB_FLUSH_SPACE_PAGE, /* one address in one space, not global */
};

/*
 * What a frontend asks of the engine while it runs one of its vCPUs; always on that vCPU's thread. Frontends
 * call the wrappers of frontend/cpu.h, which do without an engine when there is none (tests).
 */
struct engine_cpu {
        void (*tlb_flush)(struct vcpu *v, enum tlb_flush kind, gva_t gva, uint64_t space);
        void (*context_changed)(struct vcpu *v);
        void (*code_fence)(struct vcpu *v);
        bool (*phys_read)(struct vcpu *v, gpa_t gpa, unsigned size, uint64_t *value);
        bool (*phys_cas)(struct vcpu *v, gpa_t gpa, unsigned size, uint64_t expect, uint64_t desired,
                         bool *swapped);
        struct ir_helper_ret (*reserve_load)(struct vcpu *v, gva_t gva, uint32_t mem);
        struct ir_helper_ret (*reserve_store)(struct vcpu *v, gva_t gva, uint64_t value, uint32_t mem);
        void (*reserve_drop)(struct vcpu *v);
};

struct engine {
        const char *name;       /* "jit" */
        const char *alias;      /* "tcg", or NULL */
        const char *doc;
        bool (*vm_init)(struct vm *vm, GError **error);
        void (*vm_fini)(struct vm *vm);
        bool (*vcpu_init)(struct vcpu *v, GError **error);
        void (*vcpu_fini)(struct vcpu *v);
        /* Runs guest code until something needs the run loop. State is exact on return. Its own thread. */
        enum vcpu_exit (*run)(struct vcpu *v);
        /*
         * Runs exactly one instruction, taking exceptions but no interrupts (debugger, exclusive, lockstep).
         */
        enum vcpu_exit (*step)(struct vcpu *v);
        /* At a poll: handle what concerns the engine (revocations, epochs). */
        void (*poll)(struct vcpu *v);
        /* The vCPU's registers were changed from outside (gdb, reset, snapshot). */
        void (*state_changed)(struct vcpu *v);
        /* A breakpoint was set or removed; translations of that address are dropped. */
        void (*breakpoints_changed)(struct vm *vm, uint64_t gva);
        /* The list of watchpoints changed. The VM is paused. */
        void (*watchpoints_changed)(struct vm *vm);
        /* Counters for people, one a line; any thread. NULL: it has none. */
        void (*print_stats)(struct vm *vm, FILE *to);
        const struct engine_cpu *cpu; /* NULL for engines that need nothing of it */
};

extern const struct engine engine_jit, engine_interp;
