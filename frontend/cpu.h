/* SPDX-License-Identifier: MIT */
/*
 * What a guest architecture provides (decision 19's other side): its registers, its translator, its page walk
 * and its traps. One const struct cpu_ops a guest; width, mode and features are data.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <glib.h>

#include "frontend/cpu_config.h"
#include "ir/ir.h"
#include "machines/core/engine.h"
#include "machines/core/memory.h"
#include "machines/core/vcpu.h"
#include "machines/core/vm.h"

struct vcpu;
struct vm;

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH };

/* What a page walk found. Everything is for the 4 KiB page of the address asked for. */
struct walk {
        gpa_t gpa;             /* page address */
        uint8_t page_bits;     /* log2 of the mapping's size (12, 21, 30, ...) */
        /*
         * What is said of reading is true of all addresses of this aligned range around it, as log2 of its
         * size, and they are as far apart as guest physical ones; 0: who knows. Not larger than the
         * mapping, unless nothing that flushes one page of it could change it.
         */
        uint8_t linear_bits;
        /* granted in the view asked for; write only if the dirty bit is set already */
        bool read, write, exec;
        bool global;           /* the same in every address space of this root's kind */
        /* protection splits the 4 KiB page: valid for this access alone, never cached */
        bool partial;
};

enum { CPU_REG_WORDS = 2 };

/*
 * A register as gdb, the monitor, snapshots and lockstep see it; made from regs.def. More than 64 bits are
 * two words, the low one first. machines/cpu.h reads and writes them.
 */
struct cpu_reg {
        const char *name, *alias;
        uint32_t slot;         /* or UINT32_MAX: use get and set */
        uint8_t bits;          /* a multiple of 8, up to 128 */
        uint8_t set;           /* gdb feature: index into cpu_ops.gdb_sets */
        int16_t gdb_num;       /* -1: not shown to gdb */
        const char *type;      /* gdb's, of its own or of gdb_types; NULL: by the slot, the name and bits */
        const char *group;     /* gdb's; NULL: none in the first set, else by the slot */
        uint64_t (*get)(struct vcpu *v, unsigned index);
        bool (*put)(struct vcpu *v, unsigned index, uint64_t value);
        /* in their place for more than 64 bits without a slot */
        void (*get_wide)(struct vcpu *v, unsigned index, uint64_t value[CPU_REG_WORDS]);
        bool (*put_wide)(struct vcpu *v, unsigned index, const uint64_t value[CPU_REG_WORDS]);
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
        bool loops;              /* the region may go round in itself */
        bool stepping;           /* somebody watches: one iteration of a repeated instruction at a time */
        bool deterministic;      /* what the region's flag of that name is to be */
        const struct cpu_config *config; /* the vCPU's feature set: what cpu_ops.config returned */
        /* page offsets, sorted; the block ends before one (except at its start) */
        const uint64_t *breakpoints;
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
        const char *const *gdb_types; /* the same for their types, as XML; NULL: none, in a set or at all */
        const char *gdb_arch;         /* "riscv:rv64" */

        const struct cpu_models *models;
        /* takes a model and switches, as -cpu names them: "rv64,zba=off" */
        bool (*init)(struct vcpu *v, const char *model, GError **error);
        void (*fini)(struct vcpu *v);
        void (*reset)(struct vcpu *v);
        const struct cpu_config *(*config)(const struct vcpu *v); /* equal pointers: equal feature sets */

        uint64_t (*mode)(const struct vcpu *v);        /* the mode word now */
        /*
         * Keys of contexts: equal keys see equal translations. A view number is complete in itself: it is
         * what walk is given, and says privilege, SUM, MXR and the like, and the kind of page table (none,
         * Sv39, ...), because a global translation is taken to hold in every space under the same view.
         */
        void (*context_key)(const struct vcpu *v, uint64_t *space, uint32_t *data_view, uint32_t *fetch_view);

        /*
         * Translates a guest block at req->offset into @r. An instruction that cannot be translated becomes
         * the guest's illegal-instruction exception: this function does not fail.
         */
        void (*translate)(struct ir_region *r, struct translate_req *req);

        /*
         * Page walk for one access of @size bytes that does not cross a page. On failure sets v->exception
         * and returns false, unless @debug, which has no effect on guest state and ignores permissions. May
         * set accessed and dirty bits by compare-and-swap where the architecture has it so.
         */
        bool (*walk)(struct vcpu *v, gva_t gva, unsigned size, enum access access, uint32_t view, bool debug,
                     struct walk *out);
        /*
         * Records in v->exception what an access gets: misaligned (and not supported), or refused by the bus.
         */
        void (*misaligned)(struct vcpu *v, gva_t gva, enum access access);
        void (*bus_error)(struct vcpu *v, gva_t gva, enum access access);
        /* Plain accesses may be misaligned (the slow path does them in pieces)? Atomic ones, too, as one? */
        bool misaligned_ok, misaligned_atomic_ok;
        /*
         * A store to code counts from the next instruction on, without any ado (x86)? Then one that changes
         * translated bytes is done by an instruction that is translated alone (IR_EXIT_ONCE).
         */
        bool precise_smc;

        /* Delivers v->exception at hot.pc: changes state, mode and hot.pc. */
        void (*deliver)(struct vcpu *v);
        /*
         * Takes the highest enabled pending interrupt, if any: state, mode and hot.pc change; true if taken.
         */
        bool (*interrupt)(struct vcpu *v);
        /* Would a halted vCPU wake? */
        bool (*has_work)(const struct vcpu *v);
        /*
         * FP environment: flags that host arithmetic raised (enum fp_flags of frontend/fp) join the guest's.
         */
        void (*fp_flags_or)(struct vcpu *v, uint32_t flags);
        struct ir_fpmode (*fp_mode)(uint64_t mode);

        /* One instruction as text; its length in bytes, 0 if it does not decode. */
        size_t (*disas)(const struct cpu_config *config, uint64_t pc, const uint8_t *bytes, size_t n,
                        char *buf, size_t len);
};

/*
 * Translators: sets what struct translate_req says of the region, and of the request what nobody knows yet.
 */
void cpu_translate_begin(struct ir_region *r, struct translate_req *req, struct ir_fpmode fp);
/* ... makes its builder, with the budget op where there shall be one first. */
struct ir_builder *cpu_translate_builder(struct ir_region *r);
bool cpu_breakpoint_at(const struct translate_req *req, uint32_t offset);

/* For struct cpu_reg: the program counter, of guests that have it at any address. */
uint64_t cpu_get_pc(struct vcpu *v, unsigned index);
bool cpu_put_pc(struct vcpu *v, unsigned index, uint64_t value);

/*
 * What a frontend asks of the engine, from helpers, walks and traps; on the vCPU's own thread. A helper after
 * which translations, mode or context may differ ends its region (IR_EXIT_LOOKUP).
 */
static inline const struct engine_cpu *cpu_engine(const struct vcpu *v)
{
        return v->vm && v->vm->engine ? v->vm->engine->cpu : NULL;
}

static inline void cpu_tlb_flush(struct vcpu *v, enum tlb_flush kind, gva_t gva, uint64_t space)
{
        if (cpu_engine(v))
                cpu_engine(v)->tlb_flush(v, kind, gva, space);
}

/* Everything; also after changes that no key shows (PMP, a feature switched off). */
static inline void cpu_tlb_flush_all(struct vcpu *v)
{
        cpu_tlb_flush(v, TLB_FLUSH_ALL, 0, 0);
}

/* All of one space, as context_key names it; translations that walks called global may stay. */
static inline void cpu_tlb_flush_space(struct vcpu *v, uint64_t space)
{
        cpu_tlb_flush(v, TLB_FLUSH_SPACE, 0, space);
}

/* The page of @gva in every space, global or not. */
static inline void cpu_tlb_flush_page(struct vcpu *v, gva_t gva)
{
        cpu_tlb_flush(v, TLB_FLUSH_PAGE, gva, 0);
}

/* The page of @gva in one space; global translations may stay. */
static inline void cpu_tlb_flush_space_page(struct vcpu *v, gva_t gva, uint64_t space)
{
        cpu_tlb_flush(v, TLB_FLUSH_SPACE_PAGE, gva, space);
}

/*
 * After any change of what ops->mode or ops->context_key answer: privilege, satp, status bits, rounding mode.
 */
static inline void cpu_context_changed(struct vcpu *v)
{
        if (cpu_engine(v))
                cpu_engine(v)->context_changed(v);
}

/* fence.i: what this hart fetches from now on is what memory holds now. */
static inline void cpu_code_fence(struct vcpu *v)
{
        if (cpu_engine(v))
                cpu_engine(v)->code_fence(v);
}

/*
 * Page walks: one naturally aligned, single-copy atomic access of 4 or 8 bytes to RAM. False: no RAM there.
 */
static inline bool cpu_phys_read(struct vcpu *v, gpa_t gpa, unsigned size, uint64_t *value)
{
        if (cpu_engine(v))
                return cpu_engine(v)->phys_read(v, gpa, size, value);
        return address_space_read(v->as, gpa, size, (struct mem_attr){.requester = v->index},
                                  value) == MEM_OK;
}

/* Compare-and-swap of the same kind; false: no RAM there, or ROM. *swapped says whether @expect was found. */
static inline bool cpu_phys_cas(struct vcpu *v, gpa_t gpa, unsigned size, uint64_t expect, uint64_t desired,
                                bool *swapped)
{
        struct mem_attr attr = {.requester = v->index};
        uint64_t old;

        if (cpu_engine(v))
                return cpu_engine(v)->phys_cas(v, gpa, size, expect, desired, swapped);
        if (address_space_read(v->as, gpa, size, attr, &old) != MEM_OK)
                return false;
        *swapped = old == expect;
        return !*swapped || address_space_write(v->as, gpa, size, attr, desired) == MEM_OK;
}

/*
 * Load-reserved and store-conditional that the translator could not make one compare-and-swap of
 * (docs/memory.md). For helpers: the value (extended as @mem, the bits of a struct ir_mem, says; of the
 * store: 0 stored, 1 failed) and a status to hand on; v->exception is set when it is that of
 * IR_EXIT_EXCEPTION. Both do the alignment check. A load may ask to be run again (IR_EXIT_YIELD).
 */
static inline struct ir_helper_ret cpu_reserve_load(struct vcpu *v, gva_t gva, struct ir_mem mem)
{
        uint32_t bits;

        memcpy(&bits, &mem, sizeof(bits));
        if (!cpu_engine(v))
                return (struct ir_helper_ret){0, 1 + IR_EXIT_EXCLUSIVE};
        return cpu_engine(v)->reserve_load(v, gva, bits);
}

static inline struct ir_helper_ret cpu_reserve_store(struct vcpu *v, gva_t gva, uint64_t value,
                                                     struct ir_mem mem)
{
        uint32_t bits;

        memcpy(&bits, &mem, sizeof(bits));
        if (!cpu_engine(v))
                return (struct ir_helper_ret){1, 0};
        return cpu_engine(v)->reserve_store(v, gva, value, bits);
}

/* Ends a reservation: traps, returns from traps, side exits of a load-reserved sequence. Cheap. */
static inline void cpu_reserve_drop(struct vcpu *v)
{
        if (cpu_engine(v))
                cpu_engine(v)->reserve_drop(v);
}
