/* SPDX-License-Identifier: MIT */
/*
 * What a guest architecture provides (decision 19's other side): its registers, its translator, its page walk and
 * its traps. One const struct cpu_ops a guest; width, mode and features are data.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "ir/ir.h"
#include "machines/core/memory.h"

struct vcpu;
struct vm;

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH };

/* What a page walk found. Everything is for the 4 KiB page of the address asked for. */
struct walk {
        gpa_t gpa;             /* page address */
        uint8_t page_bits;     /* log2 of the mapping's size (12, 21, 30, ...) */
        bool read, write, exec; /* granted in the view asked for; write only if the dirty bit is set already */
        bool global;           /* the same in every address space of this root's kind */
        bool partial;          /* protection splits the 4 KiB page: valid for this access alone, never cached */
};

/* A register as gdb, the monitor, snapshots and lockstep see it; made from regs.def. */
struct cpu_reg {
        const char *name, *alias;
        uint32_t slot;         /* or UINT32_MAX: use get and set */
        uint8_t bits;
        uint8_t set;           /* gdb feature: index into cpu_ops.gdb_sets */
        int16_t gdb_num;       /* -1: not shown to gdb */
        uint64_t (*get)(struct vcpu *v, unsigned index);
        bool (*put)(struct vcpu *v, unsigned index, uint64_t value);
        unsigned index;
};

/* One guest block to translate. */
struct translate_req {
        uint64_t mode;           /* mode word */
        uint32_t offset;         /* of the first instruction in its page */
        const uint8_t *bytes;    /* the page's bytes, a private copy: 4096 of them */
        const uint8_t *next;     /* the following page's, or NULL until asked for (see needs_next) */
        uint32_t max_insns;      /* at most so many instructions */
        bool hooks;              /* put a hook op before each instruction */
        const void *config;      /* the vCPU's feature set: what cpu_ops.config returned */
        const uint64_t *breakpoints; /* page offsets, sorted; the block ends before one (except at its start) */
        uint32_t n_breakpoints;
        bool needs_next;         /* out: the first instruction straddles the page and next was NULL */
        bool straddles;          /* out: the block is one instruction that uses bytes of next */
};

struct cpu_ops {
        const char *name;             /* "riscv64" */
        const struct ir_guest *guest; /* slots, pins, helpers */
        size_t state_size;
        const struct cpu_reg *regs;
        uint32_t n_regs;
        const char *const *gdb_sets;  /* names of the gdb features, in order */
        const char *gdb_arch;         /* "riscv:rv64" */

        /* models: NULL-terminated names for -cpu help; init parses "rv64,zba=off" */
        const char *const *models;
        bool (*init)(struct vcpu *v, const char *model, GError **error);
        void (*fini)(struct vcpu *v);
        void (*reset)(struct vcpu *v);
        const void *(*config)(const struct vcpu *v); /* equal pointers: equal feature sets */

        uint64_t (*mode)(const struct vcpu *v);        /* the mode word now */
        /* Number of data view and of address space as keys of contexts: equal keys see equal translations. */
        void (*context_key)(const struct vcpu *v, uint64_t *space, uint32_t *data_view, uint32_t *fetch_view);

        /*
         * Translates a guest block at req->offset into @r. An instruction that cannot be translated becomes the
         * guest's illegal-instruction exception: this function does not fail.
         */
        void (*translate)(struct ir_region *r, struct translate_req *req);

        /*
         * Page walk for one access of @size bytes that does not cross a page. On failure sets v->exception and
         * returns false, unless @debug, which has no effect on guest state and ignores permissions. May set
         * accessed and dirty bits by compare-and-swap where the architecture has it so.
         */
        bool (*walk)(struct vcpu *v, gva_t gva, unsigned size, enum access access, uint32_t view, bool debug,
                     struct walk *out);
        /* Records in v->exception what an access gets: misaligned (and not supported), or refused by the bus. */
        void (*misaligned)(struct vcpu *v, gva_t gva, enum access access);
        void (*bus_error)(struct vcpu *v, gva_t gva, enum access access);
        /* Plain accesses may be misaligned (done in pieces by the slow path)? Atomic ones never. */
        bool misaligned_ok;

        /* Delivers v->exception at hot.pc: changes state, mode and hot.pc. */
        void (*deliver)(struct vcpu *v);
        /* Takes the highest enabled pending interrupt, if any: state, mode and hot.pc change; true if taken. */
        bool (*interrupt)(struct vcpu *v);
        /* Would a halted vCPU wake? */
        bool (*has_work)(const struct vcpu *v);
        /* FP environment: flags that host arithmetic raised (enum fp_flags of frontend/fp) join the guest's. */
        void (*fp_flags_or)(struct vcpu *v, uint32_t flags);
        struct ir_fpmode (*fp_mode)(uint64_t mode);

        /* One instruction as text; its length in bytes, 0 if it does not decode. */
        size_t (*disas)(const void *config, uint64_t pc, const uint8_t *bytes, size_t n, char *buf, size_t len);
};

/* Names for LOG_INT. */
const char *cpu_access_name(enum access a);
