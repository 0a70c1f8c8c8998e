/* SPDX-License-Identifier: MIT */
/*
 * The reference interpreter: runs a region as the ops are documented, without a host's tricks. A region is
 * first compiled to a compact threaded form, which depends on nothing but the region, never changes, and may
 * be run by any thread. What lies outside the IR (memory, floating point) comes through callbacks that the
 * engine supplies.
 *
 * Puts take effect at once, deferred ones too; lookups are not run. On a fault the puts before the op are
 * visible and none after it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ir/ir.h"
#include "ir/vec.h"

struct ir_icode;

/*
 * What the interpreter calls; @ctx is that of struct ir_interp. Memory: values of up to 8 bytes, sign- or
 * zero-extended as mem says; mem has the bits of struct ir_mem. A status as for helpers (struct ir_helper).
 */
struct ir_interp_ops {
        struct ir_helper_ret (*load)(void *ctx, uint64_t gva, uint32_t mem);
        struct ir_helper_ret (*store)(void *ctx, uint64_t gva, uint64_t value, uint32_t mem);
        struct ir_helper_ret (*rmw)(void *ctx, uint64_t gva, uint64_t value, uint32_t mem);
        struct ir_helper_ret (*cas)(void *ctx, uint64_t gva, uint64_t expect, uint64_t desired, uint32_t mem);
        /* An FP op on bits (those with IR_FPSTATE, and funbox); @arg_type is its first argument's. */
        uint64_t (*fp)(void *ctx, const struct ir_fpmode *mode, const struct ir_ins *op,
                       enum ir_type arg_type, uint64_t a, uint64_t b, uint64_t c);
        void (*hook)(void *ctx, uint32_t kind, uint64_t datum);
        /*
         * 16 bytes, low half first: expected @wide[0, 1], desired @wide[2, 3]; @wide[0, 1] becomes the old
         * value.
         */
        struct ir_helper_ret (*cas16)(void *ctx, uint64_t gva, uint64_t wide[4], uint32_t mem);
        /* 16 bytes; mem says so too. A status as for helpers. */
        uint64_t (*load128)(void *ctx, uint64_t gva, uint32_t mem, struct ir_v128 *value);
        uint64_t (*store128)(void *ctx, uint64_t gva, uint32_t mem, const struct ir_v128 *value);
        /* A vector op with IR_FPSTATE; @result may be one of @args. */
        void (*vfp)(void *ctx, const struct ir_fpmode *mode, const struct ir_ins *op,
                    const struct ir_v128 *args, struct ir_v128 *result);
};

/* One thread's interpreter. Zeroed and filled by the engine; ir_interp_fini frees what runs allocate. */
struct ir_interp {
        const struct ir_interp_ops *ops;
        void *ctx;
        struct vcpu *vcpu;     /* for helpers */
        uint8_t *state;        /* guest state: slots at their offsets */
        uint64_t page_base;    /* guest address of the page that the region starts in */
        const uint32_t *poll;  /* the poll word; read atomically */
        int64_t *budget;       /* deterministic mode: instructions left */

        /* results of a run */
        uint64_t pc;           /* where to go on; on a fault, of the instruction that has it */
        uint32_t insn;         /* number in the region of the guest instruction in force */
        uint32_t done;         /* how many of the region's instructions are complete */

        uint64_t wide[4];      /* the wide words */
        uint64_t *values;      /* scratch */
        uint32_t n_values;
};

/* NULL if the region is too large (65,535 values). Free with ir_icode_free. */
struct ir_icode *ir_interp_compile(const struct ir_region *r);
void ir_icode_free(struct ir_icode *code);

/*
 * Runs from the entry to an exit. exit_jump gives IR_EXIT_LINK and exit_ind IR_EXIT_INDIRECT, or IR_EXIT_POLL
 * if the poll word was set; either way pc is the target. A failed access or a helper's status gives its own
 * reason.
 */
enum ir_exit ir_interp_run(const struct ir_icode *code, struct ir_interp *it);
void ir_interp_fini(struct ir_interp *it);
