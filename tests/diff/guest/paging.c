/* SPDX-License-Identifier: MIT */
/*
 * The address spaces of the cases: one for U and one for S, each with the code and data pages at their
 * physical addresses and, through the same tables, at the other end of the address space. The data pages
 * differ in what they grant, so that random accesses meet every kind of page.
 */
#include "guest.h"

#define V 1
#define R 2
#define W 4
#define X 8
#define U 16
#define A 64
#define D 128

typedef u64 table[512] __attribute__((aligned(4096)));
static table roots[2], middle[2], code_table[2], data_table[2];
u64 mode_satp[N_MODES];

/*
 * Of each data page: its flags (U is turned over for the S root), and its frame. The last frame is where no
 * memory is. No page below it can be written: a store across the border might keep its first half or not.
 */
static const struct { u16 flags; u8 frame; } data_pages[DATA_PAGES] = {
        {V | R | W | U | A | D, 0}, {V | R | W | U | A | D, 1}, {V | R | U | A | D, 2}, {0, 3},
        {V | R | W | U | A | D, 4}, {V | R | W | U | A | D, 6}, {V | R | W | U | A | D, 5},
        {V | X | U | A | D, 7}, {V | R | W | A | D, 8}, {V | R | W | U, 9}, {V | R | W | U | A, 10},
        {V | W | U | A | D, 11}, {V | R | W | X | U | A | D, 12}, {V | R | W | U | A | D, 13}, {0, 14},
        {V | R | W | U | A | D, 255},
};
enum { FRAME_DENIED = 12, FRAME_NOWHERE = 255 };
#define NOWHERE 0x3ffffff0000000ull

static u64 pte(u64 pa, u64 flags)
{
        return pa >> 12 << 10 | flags;
}

static void set_data(unsigned space)
{
        for (unsigned i = 0; i < DATA_PAGES; i++) {
                unsigned frame = data_pages[i].frame;
                u64 flags = data_pages[i].flags;

                if (flags && space)
                        flags ^= U;
                data_table[space][i] = !flags ? 0 :
                                       pte(frame == FRAME_NOWHERE ? NOWHERE : DATA + frame * PAGE, flags);
        }
}

void paging_init(void)
{
        for (unsigned s = 0; s < 2; s++) {
                u64 user = s ? 0 : U;

                roots[s][CODE_PAGE >> 30] = pte((u64)middle[s], V);
                roots[s][HIGH_ALIAS >> 30 & 511] = pte((u64)middle[s], V);
                middle[s][CODE_PAGE >> 21 & 511] = pte((u64)code_table[s], V);
                middle[s][(CODE_PAGE >> 21 & 511) - 1] = pte((u64)code_table[s], V);
                middle[s][DATA >> 21 & 511] = pte((u64)data_table[s], V);
                /* the last page below CODE_PAGE is in another table's range, which is the same table */
                code_table[s][511] = pte(CODE_PAGE - PAGE, V | X | R | A | user);
                code_table[s][0] = pte(CODE_PAGE, V | X | A | user);
                code_table[s][1] = pte(CODE_PAGE + PAGE, V | X | R | A | user);
                code_table[s][HANDLER_PAGE >> 12 & 511] = pte(HANDLER_PAGE, V | X | A);
                set_data(s);
        }
        mode_satp[MODE_U] = 8ull << 60 | 1ull << 44 | (u64)roots[0] >> 12;
        mode_satp[MODE_MPRV] = mode_satp[MODE_M] = mode_satp[MODE_U];
        mode_satp[MODE_S] = 8ull << 60 | 2ull << 44 | (u64)roots[1] >> 12;
        for (u32 *p = (u32 *)HANDLER_PAGE; p < (u32 *)(HANDLER_PAGE + PAGE); p++)
                *p = 0x00000073; /* ecall */

        /* PMP: one frame is nobody's below M, the rest is everyone's */
        csr_write(pmpaddr0, (DATA + FRAME_DENIED * PAGE) >> 2 | 0x1ff);
        csr_write(pmpaddr1, ~0ull >> 10);
        csr_write(pmpcfg0, 0x1f18);
        sfence_all();
}

void paging_reset(void)
{
        set_data(0);
        set_data(1);
        sfence_all();
}

u64 paging_hash(u64 h)
{
        for (unsigned s = 0; s < 2; s++) {
                for (unsigned i = 0; i < DATA_PAGES; i++)
                        h = (h ^ data_table[s][i]) * 0x9e3779b97f4a7c15ull;
        }
        return h;
}

void paging_use(enum mode mode)
{
        if (csr_read(satp) != mode_satp[mode])
                csr_write(satp, mode_satp[mode]);
}

u64 *data_word(enum mode mode, u64 va)
{
        u64 page = (va & ~(u64)(PAGE - 1));
        unsigned i;

        if (page - DATA < DATA_PAGES * PAGE)
                i = (page - DATA) / PAGE;
        else if (mode != MODE_M && page - ALIAS(DATA) < DATA_PAGES * PAGE)
                i = (page - ALIAS(DATA)) / PAGE;
        else
                return NULL;
        if (mode != MODE_M) {
                i = data_pages[i].frame;
                if (i == FRAME_NOWHERE)
                        return NULL;
        }
        return (u64 *)(DATA + i * PAGE + (va & (PAGE - 8)));
}
