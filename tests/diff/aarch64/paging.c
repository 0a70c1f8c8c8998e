/* SPDX-License-Identifier: MIT */
/*
 * The address space of the cases: code and data pages at their physical addresses and, through the same
 * tables, at the other end of the address space. The data pages differ in what they grant, so that random
 * accesses meet every kind of page. The guest itself lies in blocks for EL1 alone, its code in one that
 * cannot be written (SCTLR_EL1.WXN), and writes the pages of the cases through blocks of that kind.
 */
#include "guest.h"

#define VALID 1ull
#define TABLE 3ull
#define PAGE_DESC 3ull
#define EL0 BIT(6)
#define RO BIT(7)
#define SHARED (3ull << 8)
#define AF BIT(10)
#define PXN BIT(53)
#define UXN BIT(54)
#define XN (PXN | UXN)

typedef u64 table[512] __attribute__((aligned(4096)));
static table root, middle, code_table, data_table;

/* Of each data page: its descriptor without the address, and its frame. */
#define OK (PAGE_DESC | SHARED | AF | XN)
static const struct { u64 flags; u64 frame; } data_pages[DATA_PAGES] = {
        {OK | EL0, 0}, {OK | EL0, 1}, {OK | EL0 | RO, 2}, {0, 3},
        {OK | EL0, 4}, {OK | EL0, 6}, {OK | EL0, 5}, {OK | RO, 7},
        {OK, 8}, {(OK | EL0) & ~AF, 9}, {OK | EL0, 0x3000000} /* no memory */, {(OK | EL0) & ~XN, 11},
        {OK & ~XN, 12}, {OK | EL0, 13}, {(OK | EL0) & ~2ull, 14} /* reserved */,
        {OK | EL0, BIT(32)} /* too far */,
};

extern char text_start[]; /* link.ld */
void paging_on(u64 *root, u64 tcr, u64 mair, u64 sctlr);

static u64 *slot(u64 va)
{
        return &middle[va >> 21 & 511];
}

static u64 block(u64 pa, u64 flags)
{
        return pa >> 21 << 21 | VALID | SHARED | AF | flags;
}

void paging_init(void)
{
        root[1] = (u64)middle | TABLE;
        *slot(CODE_PAGE) = (u64)code_table | TABLE;
        *slot(DATA) = (u64)data_table | TABLE;
        *slot((u64)text_start) = block((u64)text_start, UXN | RO);
        *slot((u64)&root) = block((u64)&root, XN);
        *slot(WRITABLE(CODE_PAGE)) = block(CODE_PAGE, XN);
        *slot(WRITABLE(DATA)) = block(DATA, XN);
        for (u64 va = CODE_AREA; va < CODE_AREA + CODE_AREA_SIZE; va += PAGE)
                code_table[va >> 12 & 511] = va | PAGE_DESC | SHARED | AF | EL0 | RO;
        for (unsigned i = 0; i < DATA_PAGES; i++)
                data_table[i] = data_pages[i].flags ?
                        (DATA + data_pages[i].frame * PAGE) | data_pages[i].flags : 0;
        /* T0SZ and T1SZ 25, cached, shared, 4 KiB, 40 bits of physical addresses */
        paging_on(root, 25 | 1 << 8 | 1 << 10 | 3 << 12 | 25 << 16 | 1 << 24 | 1 << 26 | 3 << 28 |
                  2ull << 30 | 2ull << 32, 0xff, SCTLR_ALWAYS | SCTLR_SPAN);
}

u64 *data_word(u64 va)
{
        u64 page = va & ~(PAGE - 1), frame;

        if (page - DATA >= DATA_PAGES * PAGE)
                page = page >= HIGH_ALIAS ? page & ~HIGH_ALIAS : 0;
        if (page - DATA >= DATA_PAGES * PAGE)
                return NULL;
        frame = data_pages[(page - DATA) / PAGE].frame;
        return frame < DATA_PAGES ? (u64 *)WRITABLE(DATA + frame * PAGE + (va & (PAGE - 8))) : NULL;
}
