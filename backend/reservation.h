/* SPDX-License-Identifier: MIT */
/*
 * Heavy load-reserved and store-conditional: the reservation watches its 64-byte line, so that another value
 * and back fails it (decision 17). The line is marked in code_lines like one that holds code, so other vCPUs'
 * stores to it take their slow path, which ends the reservation. docs/memory.md argues why this is exact, and
 * which pairs need it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ir/ir.h"
#include "machines/core/memory.h"

struct runtime;
struct vcpu;

/* A vCPU's reservation. Guarded by runtime.lock, since stores of others end it. */
struct reservation {
        struct ram_block *ram;  /* NULL: no line is watched */
        /* offset in ram of the watched line; it stays watched after the reservation ends */
        uint64_t line;
        uint64_t ready;         /* the revocation that makes the watch complete */
        bool held;              /* between load and store */
        gva_t gva;
        uint64_t offset, value; /* what was loaded, from where in ram */
        unsigned size;
};

struct ir_helper_ret reservation_load(struct vcpu *v, gva_t gva, uint32_t mem);
struct ir_helper_ret reservation_store(struct vcpu *v, gva_t gva, uint64_t value, uint32_t mem);
void reservation_drop(struct vcpu *v);
/* Stops watching; when the vCPU goes away. */
void reservation_fini(struct vcpu *v);

/*
 * Ends the reservations of all vCPUs but @except on bytes' lines. runtime.lock is held, around the store
 * itself.
 */
void reservation_break_locked(struct runtime *rt, const struct vcpu *except, struct ram_block *ram,
                              uint64_t offset,
                              uint64_t len);
