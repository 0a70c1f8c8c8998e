/* SPDX-License-Identifier: MIT */
/*
 * What regions run on in the IR tests: a guest invented for them, its state, a small memory, and the engines
 * that can run a region there. A host's backend joins by adding a struct ir_engine.
 *
 * Memory: WORLD_RAM bytes at WORLD_RAM_AT can be written, the last page of them only read; the rest faults.
 * Any access can be made to fault by its number, so that faults hit everywhere.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ir/ir.h"
#include "ir/vec.h"

#define WORLD_RAM_AT 0x10000
#define WORLD_RAM 0x8000
#define WORLD_PAGE 0x400000 /* guest address of the page the region starts in */

enum {
        SLOT_X0 = 0,      /* 16 of I64; groups 0 (x0 to x7) and 1 */
        SLOT_W0 = 16,     /* 4 of I32; group 2 */
        SLOT_F0 = 20,     /* 4 of F64; group 3 */
        SLOT_S0 = 24,     /* 4 of F32; group 3 */
        SLOT_FL0 = 28,    /* 2 of flags; group 2 */
        SLOT_V0 = 30,     /* 4 of V128; group 3 */
        SLOT_SPARE0 = 34, /* 2 of I64; no state */
        SLOT_COUNT = 36,
        SLOT_STATE = SLOT_SPARE0 /* those that count */
};
#define WORLD_STATE (SLOT_V0 * 8 + 4 * 16 + 2 * 8)

extern const struct ir_guest world_guest;
extern const struct ir_helper *const world_helpers[];

struct world {
        uint8_t state[WORLD_STATE];
        uint8_t ram[WORLD_RAM];
        uint32_t poll;
        int64_t budget;
        int64_t fault_at; /* number of the access that faults; -1: none */
        /* what a run leaves behind */
        enum ir_exit exit;
        uint64_t pc;
        uint32_t insn;
        uint32_t accesses;
        uint64_t fault_address;
        uint64_t trace;    /* hash of what helper note and the hooks saw, in order */
        uint32_t fp_flags;
};

struct ir_engine {
        const char *name;
        /* Runs the region on @w to its exit; false with an error if the region or the run breaks a rule. */
        bool (*run)(const struct ir_region *r, struct world *w, GError **error);
};
extern const struct ir_engine ir_engine_interp; /* ir/interp.c */
extern const struct ir_engine ir_engine_literal; /* literal.c:
        takes deferred puts and lookups at their word */

void world_init(struct world *w);
/* Words of flags are read in their canonical form. */
uint64_t world_slot_get(const struct world *w, uint32_t slot);
/* Of a vector slot these are the low half. */
void world_slot_put(struct world *w, uint32_t slot, uint64_t value);
struct ir_v128 world_vec_get(const struct world *w, uint32_t slot);
void world_vec_put(struct world *w, uint32_t slot, struct ir_v128 value);

/* The callbacks of struct ir_interp_ops, for all engines. ctx is the world. */
struct ir_helper_ret world_load(void *ctx, uint64_t gva, uint32_t mem);
struct ir_helper_ret world_store(void *ctx, uint64_t gva, uint64_t value, uint32_t mem);
struct ir_helper_ret world_rmw(void *ctx, uint64_t gva, uint64_t value, uint32_t mem);
struct ir_helper_ret world_cas16(void *ctx, uint64_t gva, uint64_t wide[4], uint32_t mem);
struct ir_helper_ret world_cas(void *ctx, uint64_t gva, uint64_t expect, uint64_t desired, uint32_t mem);
uint64_t world_fp(void *ctx, const struct ir_fpmode *mode, const struct ir_ins *op, enum ir_type arg_type,
                  uint64_t a, uint64_t b, uint64_t c);
uint64_t world_load128(void *ctx, uint64_t gva, uint32_t mem, struct ir_v128 *value);
uint64_t world_store128(void *ctx, uint64_t gva, uint32_t mem, const struct ir_v128 *value);
void world_vfp(void *ctx, const struct ir_fpmode *mode, const struct ir_ins *op, const struct ir_v128 *args,
               struct ir_v128 *result);
void world_hook(void *ctx, uint32_t kind, uint64_t datum);

/* NULL if the two runs ended alike, else what differs (g_free). */
char *world_difference(const struct world *a, const struct world *b);
