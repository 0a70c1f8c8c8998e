/* SPDX-License-Identifier: MIT */
/*
 * Behind the first-level TLBs of the contexts: a second level a vCPU, tagged by address space or global, and
 * the page walk behind that. Belongs to the vCPU's thread. docs/memory.md.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend/tlb.h"
#include "frontend/cpu.h"
#include "machines/core/memory.h"

enum { TLB2_BITS = 12, TLB2_SETS = 1 << TLB2_BITS, TLB2_WAYS = 4 };

/* Permissions and kinds, in the low bits of tlb2_entry.gpa. */
enum { TLB2_READ = 1, TLB2_WRITE = 2, TLB2_EXEC = 4, TLB2_RAM = 8, TLB2_ROM = 16,
       TLB2_LINEAR_SHIFT = 6 /* struct walk, linear_bits */ };

struct tlb2_entry {
        uint64_t page;             /* guest address of the page, plus 1; 0: empty */
        uint64_t gpa;              /* of the page, with the bits above */
        uint8_t *host;             /* RAM and ROM: of the page */
        struct ram_block *ram;     /* RAM and ROM */
        uint32_t id;               /* of the space or of global entries (struct contexts) */
        uint32_t view;
};

struct tlb2 {
        struct tlb2_entry sets[TLB2_SETS][TLB2_WAYS];
        uint8_t victim[TLB2_SETS];
};

/* One page as an access sees it. */
struct tlb_page {
        gpa_t gpa;
        uint8_t *host;          /* NULL: not RAM or ROM */
        struct ram_block *ram;
        uint32_t flags;         /* TLB2_* */
        bool partial;           /* for this access alone */
};

void tlb2_flush(struct tlb2 *t);
/* Drops @gva's page of whatever view, of space @id (0: of all) and of the global ones if @id is 0. */
void tlb2_flush_page(struct tlb2 *t, gva_t gva, uint32_t id);

/*
 * Finds the page for an access of @size bytes that does not cross it: second level, then walk. On failure the
 * exception is recorded and false returned. Does not touch the first level.
 */
bool tlb_find_page(struct vcpu *v, gva_t gva, unsigned size, enum access access, struct tlb_page *out);

/* The same for data accesses; makes the first-level entry when that may be cached. */
bool tlb_fill(struct vcpu *v, gva_t gva, unsigned size, enum access access, struct tlb_page *out);

/* The address of a page's word of code_lines. */
static inline _Atomic uint64_t *ram_lines(const struct ram_block *ram, const uint8_t *host)
{
        return &ram->code_lines[(uint64_t)(host - ram->host) >> GUEST_PAGE_BITS];
}

/* Bits of code_lines that @len bytes at @offset of a page touch. */
static inline uint64_t code_lines_mask(unsigned offset, unsigned len)
{
        unsigned first = offset >> CODE_LINE_BITS, last = (offset + len - 1) >> CODE_LINE_BITS;

        return (~0ull >> (63 - last)) & (~0ull << first);
}
