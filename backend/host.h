/* SPDX-License-Identifier: MIT */
/*
 * What a host provides: one directory a host, one struct host_ops. The shared compiler (compile.c,
 * regalloc.c) decides where values live; the host selects and encodes instructions.
 *
 * The contract of generated code: entered through host_ops.enter with the vCPU's address and a region's door;
 * pinned slots are loaded by the entry and stored at the exit, so that C sees all guest state in
 * vcpu.state[]. It leaves with an exit reason; vcpu.hot.pc is then valid, and for IR_EXIT_LINK
 * vcpu.hot.exit_arg is the struct code_link *.
 *
 * Slow paths call C with the pins saved (not stored to slots). C answers with a status; other than 0, the
 * region is left: the host's unwinder finds the fault site by return address, brings every slot home and sets
 * hot.pc.
 *
 * FP registers: a slow path or helper may end in a device or the C library, which use vector registers
 * whatever our own files are compiled with. So thunks keep the FP pins and the live FP temporaries across
 * every call into C, except for helpers whose row says `leaf`. Before a helper whose row says `fpstate`, the
 * host's sticky FP flags join the guest's (cpu_ops->fp_flags_or) and are cleared. MXCSR is the guest's during
 * calls; C code that computes in floating point on that thread is not reachable from them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "backend/region.h"
#include "ir/ir.h"
#include "ir/vec.h"

struct vcpu;

/*
 * What slow paths of generated code call. Supplied by the runtime (backend/slowpath.c); same shape for every
 * host. A value of up to 8 bytes, zero- or sign-extended as mem says; floats as bits. status as for helpers.
 */
struct slow_ops {
        struct ir_helper_ret (*load)(struct vcpu *v, gva_t a, uint32_t mem);
        struct ir_helper_ret (*store)(struct vcpu *v, gva_t a, uint64_t value, uint32_t mem);
        struct ir_helper_ret (*rmw)(struct vcpu *v, gva_t a, uint64_t value, uint32_t mem);
        struct ir_helper_ret (*cas)(struct vcpu *v, gva_t a, uint64_t expect, uint64_t desired, uint32_t mem);
        /* 16 bytes, with hot.wide as op cas16 says */
        struct ir_helper_ret (*cas16)(struct vcpu *v, gva_t a, uint32_t mem);
        /*
         * An FP op the host cannot do inline exactly (rounding mode other than the region's, RMM, no FMA,
         * ...): op packs ir_op, types, rounding and aux. Raises flags in the guest's FP state.
         */
        struct ir_helper_ret (*fp)(struct vcpu *v, uint64_t op, uint64_t a, uint64_t b, uint64_t c);
        void (*hook)(struct vcpu *v, uint32_t kind, uint64_t datum);
        /* 16 bytes; the value as memory has it. A status as for helpers. */
        uint64_t (*load128)(struct vcpu *v, gva_t a, uint32_t mem, struct ir_v128 *value);
        uint64_t (*store128)(struct vcpu *v, gva_t a, uint32_t mem, const struct ir_v128 *value);
        /*
         * A vector op (packed as for fp, with its imm) that the host does not do inline: args[0] becomes its
         * result.
         */
        void (*vec)(struct vcpu *v, uint64_t op, uint64_t imm, struct ir_v128 *args);
        /*
         * The region whose code holds an address of the executable mapping, dead or alive (codecache_find).
         */
        struct code_region *(*find)(struct vcpu *v, const void *exec_addr);
};

/* The arguments of slow_ops.fp packed in one word; the layout is shared by all hosts and the interpreter. */
static inline uint64_t slow_fp_pack(const struct ir_ins *i, enum ir_type arg_type)
{
        return i->op | (uint64_t)i->type << 8 | (uint64_t)i->cond << 16 | (uint64_t)arg_type << 24 |
               (uint64_t)i->aux << 32;
}

static inline struct ir_ins slow_fp_unpack(uint64_t packed)
{
        return (struct ir_ins){.op = packed & 0xff, .type = packed >> 8 & 0xff, .cond = packed >> 16 & 0xff,
                               .aux = packed >> 32};
}

/* One buffer that code is written to: rw and exec are two mappings of the same bytes. */
struct code_buf {
        uint8_t *rw;
        const uint8_t *exec;
        size_t size; /* capacity */
        size_t used;
};

struct compiled {
        struct code_buf *buf;
        /* growing arrays, malloc'ed, moved into the region */
        GArray *sites; /* struct fault_site */
        GArray *locs;  /* struct slot_loc */
        GArray *links; /* struct code_link; from is set by the caller */
        bool linear;   /* nearly all pages have this addend between guest and host address: */
        uint64_t addend;
        bool window;   /* vcpu_hot.window is open, and may be again when it was closed */
        /* To guess where stores go: the guest's slots as they are now (NULL: no guess), its TLB, the page. */
        const uint8_t *state;
        const struct tlb_entry *tlb;
        uint64_t page;
};

/* Features of the host CPU, found at run time. */
struct host_features {
        bool bmi2, lzcnt, popcnt, fma, avx, avx2, ssse3, sse41, sse42; /* x86-64 */
        bool lse, rcpc, flagm, flagm2, frint;           /* AArch64 */
};

enum emit_status {
        EMIT_OK,
        EMIT_NO_ROOM,     /* the buffer is too small: nothing is kept, try again in a fresh one */
        EMIT_TOO_COMPLEX, /* more values live than the frame can hold: translate fewer instructions */
};

/*
 * The guest address in entries of the return stack that tell nothing. A guest may jump there all the same, where
 * what it jumps to need be neither aligned nor canonical.
 */
#define RETURN_NONE (~0ull)

struct host_ops {
        const char *name;
        bool loops;                          /* it knows op drop, and polls that are fault sites */
        bool reads_ahead;                    /* its processors may execute what they fetched before sync, until they
                                                enter anew: a link leads others to new code only after that */
        uint32_t n_gpr_pins, n_fpr_pins;     /* how many of ir_guest.pins get registers */

        /*
         * Writes the entry, exit and slow-path thunks into @buf, once a code cache; false if it does not fit.
         */
        bool (*init)(struct code_buf *buf, void **host_data, const struct slow_ops *slow,
                     const struct ir_guest *guest, GError **error);
        void (*fini)(void *host_data);
        /*
         * Generates code for an optimised region at the end of @out->buf, all of which lies within 2 GiB of
         * the buffer given to init. buf->used stays a multiple of 16. Sites and links are in the order of
         * their offsets.
         */
        enum emit_status (*emit)(void *host_data, const struct ir_region *r, struct compiled *out);
        /* The control word of the host's FP unit for a mode; what enter takes from vcpu.fp_env. */
        uint32_t (*fp_env)(struct ir_fpmode mode);
        /* Runs from @door until an exit; its reason. */
        enum ir_exit (*enter)(void *host_data, struct vcpu *v, const uint8_t *door);
        /* Points a link at @target (a door), or back at its stub when NULL. One aligned store; any thread. */
        void (*link)(struct code_link *l, const struct code_region *target);
        /* Where return-stack entries with RETURN_NONE go: it leaves for that address by IR_EXIT_INDIRECT. */
        const uint8_t *(*no_return)(void *host_data);
        /* Makes bytes written through rw visible to execution. */
        void (*sync)(const struct code_buf *buf, size_t from, size_t len);
        void (*print_code)(FILE *to, const uint8_t *code, size_t len, uint64_t exec_addr);
};

extern const struct host_ops host_x86_64, host_aarch64;
