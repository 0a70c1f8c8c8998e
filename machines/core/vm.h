/* SPDX-License-Identifier: MIT */
/*
 * One virtual machine: everything hangs from struct vm (decision 23), so that two VMs of different guest
 * architectures run in one process.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/log.h"
#include "machines/core/clock.h"
#include "machines/core/memory.h"

struct vcpu;
struct dev;
struct dev_setting;
struct engine;
struct machine_class;
struct machine_options;
struct chardev;
struct block_backend;

/* A range of guest-virtual addresses that a debugger watches. */
enum vm_watch { VM_WATCH_READ = 1, VM_WATCH_WRITE = 2 };
struct vm_watchpoint {
        uint64_t gva, len;
        unsigned kinds;                    /* enum vm_watch, or both */
};

enum vm_state { VM_CREATED, VM_RUNNING, VM_PAUSED, VM_SHUTDOWN };

/* Why the machine wants to stop; the main loop decides by -no-reboot and the like. */
enum vm_request { VM_REQ_NONE, VM_REQ_SHUTDOWN, VM_REQ_RESET, VM_REQ_EXIT_CODE };

struct vm {
        char *name;
        struct log *log;
        const struct engine *engine;
        void *engine_data;                 /* the engine's, one a VM: code cache, revocation ring, ... */
        const struct machine_class *machine;
        const struct machine_options *machine_options;
        void *machine_data;

        struct vcpu **vcpus;
        unsigned n_vcpus;
        struct address_space *memory;      /* the system address space */
        struct address_space *ports;       /* the machine's: I/O ports (64 KiB), or NULL: it has none */
        GPtrArray *ram_blocks;             /* struct ram_block *, freed with the VM */
        GPtrArray *devices;                /* struct dev *, in creation order */
        GPtrArray *chardevs, *drives;      /* back ends: struct chardev *, struct block_backend * */
        const struct dev_setting *globals; /* -global: name is "class.property"; lives as long as the VM */
        unsigned n_globals;
        uint64_t ram_size;

        bool deterministic;                /* -icount */
        unsigned icount_shift;             /* an instruction takes 1 << shift nanoseconds of CLOCK_RUN */

        _Atomic int state;                 /* enum vm_state */
        GMainContext *context;             /* timers, chardevs, block completions, monitor */
        struct vm_clock *clock;            /* clock.c */
        struct vm_run *run;                /* runloop.c: exclusive sections, pause */
        /* the guest's time counter: hz set by the machine before the vCPUs run */
        struct vm_counter timebase;

        /* installed by machines/machine.c, which this layer may not include */
        bool (*machine_reset)(struct vm *vm, GError **error); /* devices, then boot images and entry state */
        void (*machine_fini)(struct vm *vm);

        /*
         * installed by the gdb stub: a vCPU left with VCPU_EXIT_DEBUG and the VM is paused; called on
         * vm->context
         */
        void (*debug_stopped)(struct vm *vm, struct vcpu *v);
        void *debugger;                    /* whose hook that is */
        GArray *breakpoints;               /* gva_t, sorted; changed only by vm_breakpoint_* while paused */
        /* struct vm_watchpoint; changed only by vm_watchpoint_* while paused */
        GArray *watchpoints;

        /*
         * installed by machines that serve semihosting: operation @op with argument @arg of the guest's
         * program. False: run the instruction again. NULL: the instruction is an ordinary one.
         */
        bool (*semihosting)(struct vcpu *v, uint64_t op, uint64_t arg, uint64_t *result);
        void *semihosting_data;

        /* installed by the engine; called by ram_block_note_write and address_space changes */
        void (*code_written)(struct vm *vm, struct ram_block *ram, uint64_t offset, uint64_t len);
        void (*memory_changed)(struct vm *vm, struct address_space *as);

        _Atomic int request;               /* enum vm_request */
        int exit_code;
        bool no_reboot, no_shutdown;
};

/* The VM's context is the calling thread's default one. vm_free ends the vCPU threads first. */
struct vm *vm_new(const char *name);
void vm_free(struct vm *vm);

/*
 * Initialises vm->engine for the VM and its vCPUs and starts the vCPU threads (stopped if @paused); vm_pause
 * returns when all vCPUs stand still. Main thread.
 */
bool vm_start(struct vm *vm, bool paused, GError **error);
void vm_pause(struct vm *vm);
void vm_resume(struct vm *vm);
/* For debuggers, while paused: at vm_resume only @only goes on; NULL: all do. Holds until the next call. */
void vm_hold_others(struct vm *vm, const struct vcpu *only);

/*
 * Asks for a shutdown, reset or exit; any thread, returns at once. The vCPUs stop at their next poll; the
 * main loop is woken and carries it out: it sees vm->request, and vm_take_request returns it and clears it.
 */
enum vm_request vm_take_request(struct vm *vm);
void vm_request(struct vm *vm, enum vm_request what, int exit_code);
/*
 * Main thread: pauses, resets devices and vCPUs, reloads images, resumes if the machine was not paused by
 * vm_pause.
 */
bool vm_reset(struct vm *vm, GError **error);

/*
 * Runs @fn while no vCPU executes guest code. From a vCPU thread outside generated code, or any other thread;
 * must not be called with a device lock held.
 */
void vm_exclusive(struct vm *vm, void (*fn)(struct vm *vm, void *arg), void *arg);

/*
 * Software breakpoints: a vCPU about to execute @gva leaves with VCPU_EXIT_DEBUG. Main thread, the VM
 * paused; false when it is there already, or not there. The engine is told.
 */
bool vm_breakpoint_add(struct vm *vm, gva_t gva);
bool vm_breakpoint_remove(struct vm *vm, gva_t gva);

/*
 * Watchpoints: a vCPU leaves with VCPU_EXIT_DEBUG behind an instruction that accessed a watched byte, with
 * vcpu.watch_hit set. Accesses of devices, of page walks and of debuggers do not count. Main thread, the VM
 * paused; false when exactly that one is there already, or not there.
 */
bool vm_watchpoint_add(struct vm *vm, const struct vm_watchpoint *w);
bool vm_watchpoint_remove(struct vm *vm, const struct vm_watchpoint *w);

/*
 * Deterministic mode takes input from the host at fixed instruction counts only: each millisecond of
 * CLOCK_RUN the one vCPU thread calls these. Main thread, before vm_start (remove: after the threads ended).
 */
void vm_add_counted_poll(struct vm *vm, void (*fn)(void *opaque), void *opaque);
void vm_remove_counted_poll(struct vm *vm, void (*fn)(void *opaque), void *opaque);
/*
 * Calls them once. Main thread, while the VM is paused: so that who stopped the machine can go on talking to
 * it.
 */
void vm_run_counted_polls(struct vm *vm);

/*
 * Deterministic mode: @fn is called on the vCPU thread, at an instruction boundary, when all vCPUs together
 * have executed @at instructions (or a few more, where a guest block cannot be cut), and answers the count
 * at which it wants to be called again; UINT64_MAX: never. The guest does not notice, nor does the order of
 * its vCPUs change. Before vm_start.
 */
typedef uint64_t (*vm_observe_fn)(struct vm *vm, uint64_t insns, void *opaque);
void vm_observe(struct vm *vm, uint64_t at, vm_observe_fn fn, void *opaque);
/* Deterministic mode: instructions executed by all vCPUs. On the vCPU thread, or while the VM is paused. */
uint64_t vm_counted_insns(const struct vm *vm);
