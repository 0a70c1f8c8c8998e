/* SPDX-License-Identifier: MIT */
/*
 * A compiled region: the generated code and its side tables. Made by backend/compile.c, found, linked and
 * dropped by the runtime (backend/codecache.c, exec.c). docs/code-cache.md tells the life of one.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "ir/ir.h"
#include "machines/core/memory.h"

struct vcpu;
struct code_segment;
struct host_ops;

/* Where a slot's value is when the region is left at a site. */
/*
 * LOC_EVAL is an op, packed in value as slow_fp_pack does, on the `reg` locs that follow, which may be such trees
 * themselves: what is not computed unless somebody looks.
 */
enum loc_kind { LOC_GPR, LOC_FPR, LOC_FRAME, LOC_CONST, LOC_STATE, LOC_EVAL };
enum { LOC_NO_SLOT = 0xffff };
struct slot_loc {
        uint16_t slot; /* LOC_NO_SLOT: an argument of LOC_EVAL */
        uint8_t kind;  /* enum loc_kind */
        uint8_t reg;   /* host's register number */
        uint8_t type;  /* enum ir_type */
        int64_t value; /* frame offset, constant, or offset in the guest state (of another slot's home) */
};

/* One place that can leave the region with a fault: found by the return address of its slow path. */
struct fault_site {
        uint32_t code_offset;  /* of the return address, from region->code */
        uint16_t page_offset;  /* guest pc */
        uint16_t insn_index;   /* how many of the region's instructions were complete */
        /* deferred slots: their values at this point (pins and homes hold the rest) */
        uint32_t first_loc, n_locs;
};

/* A direct exit: patched to the target's door when that is known. */
struct code_link {
        struct code_region *from, *to;  /* to: NULL when unlinked */
        uint32_t patch_offset;          /* of the patchable jump's displacement, from from->code */
        uint32_t stub_offset;           /* where it goes when unlinked */
        int32_t target;                 /* guest address, relative to the page */
        bool refused;                   /* it cannot be linked soundly: not tried again */
        bool taken;                     /* it was taken once, and not linked then for what that would have cost */
        struct code_link *next_in;      /* list of links into to */
};

/* Identity of a region (decision 8). */
struct region_key {
        struct ram_block *ram;
        uint64_t page;           /* byte offset of the page in ram */
        uint64_t mode;
        const void *config;
        /* an instruction that straddles pages: where its second part is; else NULL */
        struct ram_block *ram2;
        uint64_t page2;
        uint16_t offset;         /* of the first instruction in the page */
        uint16_t flags;          /* enum region_flags that change the code */
};

enum region_flags {
        REGION_HOOKS = 1 << 0,          /* hook ops present */
        REGION_DETERMINISTIC = 1 << 1,
        REGION_ONE_SHOT = 1 << 2,       /* cut short (max_insns): never cached by pc, never linked */
};

enum region_state { REGION_PROVISIONAL, REGION_LIVE, REGION_DEAD };

struct code_region {
        struct region_key key;
        /* private to the runtime; here because a search reads it with the key */
        struct code_region *hash_next;
        _Atomic int state;
        struct code_segment *segment;
        const uint8_t *code;         /* executable mapping; the door is at its start */
        uint8_t *code_rw;            /* the same bytes, writable */
        uint32_t code_size;
        uint32_t guest_bytes, n_guest_insns;
        uint64_t written;            /* among the regions of this cache: see codecache.fetched */

        struct fault_site *sites;    /* sorted by code_offset */
        struct slot_loc *locs;
        struct code_link *links;
        uint32_t n_sites, n_locs, n_links;
        void *tables;                /* the block that the three are in */
        struct code_link *links_in;

        void *icode;                 /* the interpreter engine's form instead of code */
        /* private to the runtime */
        struct code_region *page_next, *page_prev, *page2_next;
        struct code_region *settle_next; /* provisional or retired ones */
        uint64_t born;               /* revocation sequence number that completes it, or that retires it */
        uint8_t *bytes;              /* while provisional: the guest bytes it was made from */
};
