/* SPDX-License-Identifier: MIT */
/*
 * The layout of what generated code searches: the first-level TLB of a data view and the jump cache of a
 * context. Both belong to contexts (backend/context.h); vcpu.hot.tlb and vcpu.hot.jump_cache point to the
 * current ones.
 *
 * Only the vCPU's own thread reads or writes them; other threads go through the revocation ring.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "machines/core/memory.h"

enum { TLB_BITS = 10, TLB_ENTRIES = 1 << TLB_BITS, JUMP_BITS = 11, JUMP_ENTRIES = 1 << JUMP_BITS };

/*
 * One page. An access of n bytes at guest address a hits if a - tag <= 4096 - n, unsigned; its host address
 * is a + addend. An entry that grants nothing holds tlb_empty_tag(index): the address of a page that indexes
 * another entry, so that no address whatever hits it.
 */
struct tlb_entry {
        uint64_t read;  /* tags */
        uint64_t write; /* empty while the page is clean or read-only */
        uint64_t addend; /* host address less guest address */
        /*
         * Set when the page is writable but holds translated code or a watched reservation: the page's word
         * of ram_block.code_lines. Then the write tag is tlb_beside_tag, which nothing hits. A store that would hit
         * the page tests its lines' bits and, if all are clear, is an ordinary store (decision 15); generated code does
         * that out of line.
         */
        _Atomic uint64_t *code_lines;
};
_Static_assert(sizeof(struct tlb_entry) == 32, "the backends shift by 5");

static inline unsigned tlb_index(gva_t a)
{
        return (a >> GUEST_PAGE_BITS) & (TLB_ENTRIES - 1);
}

/* Where an entry's tag for loads or stores is */
static inline int32_t tlb_tag_offset(bool write)
{
        return write ? offsetof(struct tlb_entry, write) : offsetof(struct tlb_entry, read);
}

static inline uint64_t tlb_empty_tag(unsigned index)
{
        return (uint64_t)(index ^ 1) << GUEST_PAGE_BITS;
}

/*
 * The write tag of a page that has code_lines. An address of it less this tag is from -TLB_BESIDE to -TLB_BESIDE + 4095,
 * which no other address gives in its entry, be that one's tag empty (4096 away) or another page's (4 MiB away).
 */
enum { TLB_BESIDE = 2 * GUEST_PAGE_SIZE };

static inline uint64_t tlb_beside_tag(gva_t page)
{
        return page + TLB_BESIDE;
}

/* How far behind the end of hot.window loads may go whose base is below it: they need no sum of their own. */
enum { WINDOW_SLACK = 1 << 16 };

/* Translated code by virtual address. Everything in it is valid in its context as it stands: hitting it is
 * the guard of decision 8. The region's door is at host; hot.vpage_base must be pc's page on entry. */
struct jump_entry {
        uint64_t pc;   /* of another index when empty */
        uint64_t host;
};

_Static_assert((int)JUMP_BITS < (int)GUEST_PAGE_BITS,
               "backends know the index of a direct exit from its offset in the page");
static inline unsigned jump_index(gva_t pc)
{
        return (pc >> 1) & (JUMP_ENTRIES - 1);
}

static inline uint64_t jump_empty_pc(unsigned index)
{
        return (uint64_t)(index ^ 1) << 1;
}
