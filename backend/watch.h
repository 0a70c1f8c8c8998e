/* SPDX-License-Identifier: MIT */
/*
 * Watchpoints (decision 14, 21). Pages with watched bytes are kept out of the first-level TLBs, so every
 * access to them takes the slow path, which asks here; nothing else pays. The slow path leaves the
 * instruction undone with IR_EXIT_DEBUG; the dispatcher then runs that instruction alone, this time noting
 * what was hit in v->watch_hit, and stops behind it. vm->watchpoints changes only while the VM is paused.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "machines/core/vcpu.h"
#include "machines/core/vm.h"

/* A compare-and-swap that hit: it stands for a store-conditional, whose reservation a single step needs. */
struct watch_cas {
        bool on;
        gva_t gva;
        uint64_t expect;
        uint32_t mem;           /* bits of a struct ir_mem */
};

struct watch {
        bool pass;              /* the instruction is run alone: note the hit and let it happen */
        /* ... and it is a store-conditional that was refused with its reservation in force */
        bool keep_reservation;
        struct watch_cas cas;
};

bool watch_find(struct vcpu *v, gva_t gva, uint64_t len, unsigned kinds);
bool watch_page_slow(const struct vm *vm, gva_t gva);

/* Must this access, which cannot fault any more, not happen now? @kinds: VM_WATCH_* that it is. */
static inline bool watch_refuses(struct vcpu *v, gva_t gva, unsigned size, unsigned kinds)
{
        return __builtin_expect(v->vm->watchpoints->len, 0) && watch_find(v, gva, size, kinds);
}

/* Is any byte of @gva's page watched? */
static inline bool watch_page(const struct vm *vm, gva_t gva)
{
        return __builtin_expect(vm->watchpoints->len, 0) && watch_page_slow(vm, gva);
}
