/* SPDX-License-Identifier: MIT */
/*
 * Contexts (decision 13): the tables that generated code searches, kept in a bounded pool a vCPU. A data
 * context is the first-level TLB of one (address space, data view); a code context the jump cache of one
 * (address space, fetch view, mode word). Changing address space or privilege swaps two pointers and flushes
 * nothing.
 *
 * Everything here belongs to the vCPU's own thread; other threads post revocations. docs/memory.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backend/revoke.h"
#include "backend/tlb.h"
#include "machines/core/engine.h"

struct vcpu;

enum { CONTEXTS_DATA = 16, CONTEXTS_CODE = 16, CONTEXT_SPACES = 64,
       CONTEXT_PAGE_SET = 2048 };

/*
 * What a context is for. The pool keeps these beside the tables, so that a search stays within a few cache
 * lines. Whole words, because keys are compared right after they were made: a load that spans two stores
 * waits.
 */
struct context_key {
        uint64_t space, mode; /* mode: 0 for data contexts */
        uint64_t view;        /* and CONTEXT_USED */
};

#define CONTEXT_USED (1ull << 63)

/* The tables are emptied by groups of entries, those that were filled: most are used for a few pages only. */
enum { DATA_GROUP = TLB_ENTRIES / 64, CODE_GROUP = JUMP_ENTRIES / 64 };

/*
 * A window is the range of addresses from 0 on that a data context is known to map as an image of RAM, all
 * of it readable: without paging, or by one large page. Generated code compares with the current context's
 * (struct vcpu_hot, window) instead of looking into the TLB. Whatever empties the entry of any page in it
 * closes it.
 */
struct data_context {
        struct tlb_entry tlb[TLB_ENTRIES];
        uint64_t window, window_addend;
        struct vcpu_hot *hot; /* of the vCPU whose current context it is, else NULL */
        uint64_t filled;   /* a bit a group; 0: clean */
        uint64_t seen;     /* revocations served; kept while it is not the current one */
} __attribute__((aligned(64)));

struct code_context {
        struct jump_entry jumps[JUMP_ENTRIES];
        uint64_t pages[CONTEXT_PAGE_SET / 64]; /* hashed set of the virtual pages that entries depend on */
        uint64_t filled;
        uint64_t seen;
        uint32_t fp_env;   /* the host's, for the mode */
} __attribute__((aligned(64)));

/* Which large pages were filled from: a fence anywhere in one must find all of it. */
struct large_pages {
        uint64_t sizes;   /* bit n: pages of 1 << n bytes */
        uint64_t set[16]; /* hashed */
};

/* An address space gets a number; withdrawing the number flushes it from the second-level TLB. */
struct space_id {
        uint64_t space, last_used;
        uint32_t id; /* 0: free */
        struct large_pages large;
};

struct contexts {
        struct context_key data_keys[CONTEXTS_DATA], code_keys[CONTEXTS_CODE];
        struct data_context *data[CONTEXTS_DATA]; /* NULL: not yet needed */
        struct code_context *code[CONTEXTS_CODE];
        uint64_t data_used[CONTEXTS_DATA], code_used[CONTEXTS_CODE]; /* when last */
        struct context_key cur_data_key, cur_code_key;
        struct data_context *cur_data;
        struct code_context *cur_code;
        struct space_id spaces[CONTEXT_SPACES];
        uint64_t space;      /* current */
        uint32_t data_view, fetch_view;
        uint32_t space_id;   /* of the current space */
        uint32_t global_id, next_id;
        struct large_pages global_large;
        uint64_t clock;      /* counts uses */
        struct jump_entry *no_jumps; /* what generated code sees while the jump cache is hidden; NULL: not yet needed */
};

/* Makes addresses below @size + WINDOW_SLACK, at themselves plus @addend, the window; size 0 closes it. */
void context_set_window(struct data_context *c, uint64_t size, uint64_t addend);

void contexts_init(struct vcpu *v);
void contexts_fini(struct vcpu *v);

/* After a change of what ops->mode or ops->context_key say: makes the right tables current. */
void context_update(struct vcpu *v);

/* The flushes of enum tlb_flush, over all contexts and the second level. */
void context_flush(struct vcpu *v, enum tlb_flush kind, gva_t gva, uint64_t space);

/* Empties all jump caches and the return stack; nothing else. */
void context_flush_jumps(struct vcpu *v);

/*
 * Between these generated code finds nothing in the jump cache, and so comes back at each exit: for an
 * instruction that may drop the region behind it, whose door is withdrawn from the jump cache by the
 * dispatcher alone.
 */
void context_hide_jumps(struct vcpu *v);
void context_show_jumps(struct vcpu *v);
void context_clear_returns(struct vcpu *v);

/* Applies served events to the current tables. */
void context_revoke(struct vcpu *v, const struct revoke_event *ev);
/* Everything, when the ring overflowed. */
void context_flush_everything(struct vcpu *v);

/* A page of 1 << @page_bits bytes around @gva was filled from. */
void context_note_large(struct vcpu *v, gva_t gva, unsigned page_bits, bool global);

/*
 * Enters a region's door for @pc into the current jump cache. @next_page: it depends on the following page,
 * too.
 */
void context_add_jump(struct vcpu *v, gva_t pc, uint64_t door, bool next_page);
