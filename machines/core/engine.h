/* SPDX-License-Identifier: MIT */
/*
 * An engine executes vCPUs: the JIT, the interpreter, KVM (decision 19). The run loop in runloop.c drives all of
 * them with one switch on the exit reason.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

struct vm;
struct vcpu;

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
        /* Runs exactly one instruction, taking exceptions but no interrupts (debugger, exclusive, lockstep). */
        enum vcpu_exit (*step)(struct vcpu *v);
        /* At a poll: handle what concerns the engine (revocations, epochs). */
        void (*poll)(struct vcpu *v);
        /* The vCPU's registers were changed from outside (gdb, reset, snapshot). */
        void (*state_changed)(struct vcpu *v);
        /* A breakpoint was set or removed; translations of that address are dropped. */
        void (*breakpoints_changed)(struct vm *vm, uint64_t gva);
};

extern const struct engine engine_jit, engine_interp;
