/* SPDX-License-Identifier: MIT */
/*
 * What stands between generated code and the VM, as the files of the runtime see it: struct runtime is the
 * engines' part of a VM, struct vcpu_engine that of a vCPU. No one outside backend/ looks in here.
 *
 * One lock, runtime.lock (rank LOCK_ENGINE), guards the code cache, the ring and the reservations. It is held
 * for short stretches, never while guest code runs, a device is called or a thread waits.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <glib.h>

#include "backend/codecache.h"
#include "backend/compile.h"
#include "backend/context.h"
#include "backend/host.h"
#include "backend/reservation.h"
#include "backend/revoke.h"
#include "backend/tlb2.h"
#include "backend/watch.h"
#include "base/lock.h"
#include "frontend/cpu.h"
#include "machines/core/engine.h"
#include "machines/core/vcpu.h"
#include "machines/core/vm.h"

/* Counters, one set a vCPU; printed for -d stats and the monitor. */
#define RUNTIME_STATS(X) \
        X(translated, "regions translated") \
        X(translated_insns, "guest instructions translated") \
        X(one_shot, "one-shot regions") \
        X(retranslated, "translations thrown away because their bytes changed") \
        X(links, "direct exits linked") \
        X(refused_links, "direct exits taken that cannot be linked") \
        X(jump_fills, "jump cache entries made") \
        X(lookups, "regions looked up by page") \
        X(tlb_fills, "first-level TLB misses") \
        X(tlb_walks, "page walks") \
        X(tlb_flushes, "TLB flushes, whole or by space") \
        X(tlb_page_flushes, "TLB flushes of a page") \
        X(context_switches, "changes of context") \
        X(context_evictions, "contexts given up for another") \
        X(slow_loads, "loads that took the slow path") \
        X(slow_stores, "stores that took the slow path") \
        X(slow_atomics, "atomics that took the slow path") \
        X(slow_fp, "floating-point operations that took the slow path") \
        X(mmio, "accesses to devices") \
        X(code_stores, "stores to lines that hold code") \
        X(segments_reclaimed, "code segments reclaimed") \
        X(revocations, "revocations served") \
        X(overflows, "revocations missed: all flushed") \
        X(revoke_waits, "waits for revocations") \
        X(exceptions, "exceptions delivered") \
        X(heavy_lr, "load-reserved outside of simple sequences")

enum runtime_stat {
#define X(name, doc) STAT_##name,
        RUNTIME_STATS(X)
#undef X
        STAT_COUNT
};

/* The engine's part of a VM (vm->engine_data). */
struct runtime {
        struct vm *vm;
        const struct host_ops *host; /* NULL: the interpreter */
        void *host_data;
        GMutex lock;
        struct revoke_ring ring;
        struct codecache cache;
        /* counters of vCPUs that are gone; main thread */
        uint64_t stats[STAT_COUNT];
        uint64_t exits[IR_EXIT_COUNT];
};

/* How an engine runs what exec.c has found: from @door until an exit; hot.pc is valid afterwards. */
typedef enum ir_exit (*exec_enter_fn)(struct vcpu *v, uint64_t door);

/* struct vcpu_engine, addend_sure: grows by one with each page that is as told, and falls with each that is not. */
enum { ADDEND_SURE = 16 /* enough to be relied on */, ADDEND_SURE_MAX = 64, ADDEND_WRONG = 8 };

struct vcpu_engine {
        struct vcpu *v;
        struct ir_interp *interp;          /* the interpreter engine's */
        struct runtime *rt;
        exec_enter_fn enter;
        struct contexts contexts;
        struct tlb2 tlb2;
        unsigned addend_sure;              /* how well hot.addend has told the addends of late */
        const struct mem_row *ram_row;     /* where the last physical address was found */
        struct compiler *compiler;
        GArray *sites, *locs, *links;      /* of the region being compiled */
        struct code_segment *segment;      /* this vCPU writes code here */
        uint64_t segments_opened;          /* pointers to other regions do not survive a change of this */
        struct code_region *one_shot;
        bool once;                         /* one instruction runs alone: it may change any code */
        bool stepping;                     /* and somebody looks what it did */
        struct reservation reservation;
        struct watch watch;
        /* IR_EXIT_YIELD: the revocation that a helper waits for; 0: none */
        uint64_t wait_seq;
        _Atomic uint64_t quiet;            /* sequence number up to which it holds no dropped region */
        uint64_t stats[STAT_COUNT];        /* written by the vCPU, read by others: relaxed */
        uint64_t exits[IR_EXIT_COUNT];
        uint8_t page_copy[2][GUEST_PAGE_SIZE]; /* guest code being translated */
};

static inline struct runtime *runtime_of(const struct vm *vm)
{
        return vm->engine_data;
}

static inline void stat_add(uint64_t *counter, uint64_t n)
{
        __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void stat_inc(struct vcpu *v, enum runtime_stat s)
{
        stat_add(&v->engine->stats[s], 1);
}

static inline void runtime_lock(struct runtime *rt)
{
        lock_take(&rt->lock, LOCK_ENGINE);
}

static inline void runtime_unlock(struct runtime *rt)
{
        lock_drop(&rt->lock, LOCK_ENGINE);
}

/*
 * Serves outstanding revocations if there are any. Between two stays in generated code, never within one:
 * a lookup of the region may still be in a register.
 */
static inline void revoke_serve(struct vcpu *v)
{
        if (atomic_load_explicit(&v->engine->rt->ring.head, memory_order_acquire) !=
            atomic_load_explicit(&v->revoke_seen, memory_order_relaxed))
                revoke_serve_slow(v);
}

/*
 * All that stands before is seen by others before what follows. Beside an atomic or a lock only, which is as much on the
 * x86 already.
 */
static inline void host_order_all(void)
{
#ifndef __x86_64__
        atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* ---- runtime.c ---- */
bool runtime_vm_init(struct vm *vm, const struct host_ops *host, GError **error);
bool runtime_vm_init_sized(struct vm *vm, const struct host_ops *host, size_t size, size_t segment_size,
                           GError **error);
const struct host_ops *runtime_default_host(void); /* NULL: this host has no JIT */
void runtime_vm_fini(struct vm *vm);
bool runtime_vcpu_init(struct vcpu *v, exec_enter_fn enter, GError **error);
void runtime_vcpu_fini(struct vcpu *v);
extern const struct engine_cpu runtime_engine_cpu;
/* The rows of struct engine that all engines of this runtime have alike. */
#define RUNTIME_ENGINE \
        .vm_fini = runtime_vm_fini, .run = exec_run, .step = exec_step, .poll = exec_poll, \
        .state_changed = exec_state_changed, .breakpoints_changed = exec_breakpoints_changed, \
        .watchpoints_changed = exec_watchpoints_changed, .print_stats = runtime_print_stats, \
        .cpu = &runtime_engine_cpu
/* Sums of all vCPUs' counters, one a line. Any thread. */
void runtime_print_stats(struct vm *vm, FILE *to);

/* ---- slowpath.c ---- */
extern const struct slow_ops runtime_slow_ops;
/* An FP op by soft-float; @packed as slow_fp_pack makes it. The flags it raises join the guest's. */
void slowpath_vfp(struct vcpu *v, const struct ir_fpmode *mode, const struct ir_ins *op, const struct ir_v128 *args,
                  struct ir_v128 *result);
uint64_t slowpath_fp(struct vcpu *v, const struct ir_fpmode *mode, uint64_t packed, uint64_t a, uint64_t b,
                     uint64_t c);

/* ---- translate.c ---- */
/*
 * The region for @pc, found or made, with hot.vpage_base set; NULL with v->exception recorded if the fetch
 * faults. @max_insns other than 0: a one-shot region of at most so many, valid until the next one.
 */
struct code_region *exec_find_region(struct vcpu *v, gva_t pc, uint32_t max_insns);
void exec_drop_one_shot(struct vcpu *v);

/* ---- exec.c ---- */
enum vcpu_exit exec_run(struct vcpu *v);
enum vcpu_exit exec_step(struct vcpu *v);
void exec_poll(struct vcpu *v);
void exec_state_changed(struct vcpu *v);
void exec_breakpoints_changed(struct vm *vm, uint64_t gva);
void exec_watchpoints_changed(struct vm *vm);
