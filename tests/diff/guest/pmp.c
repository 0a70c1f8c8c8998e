/* SPDX-License-Identifier: MIT */
/*
 * Physical memory protection: random entries with borders inside the data pages, and accesses near those
 * borders from U, S and M with MPRV; without paging (unit 0) and with the page tables of the cases under
 * protection too (unit 1). Entry 15 grants all that no other entry matches. No entry is locked: that would
 * outlive the case.
 */
#include "guest.h"

enum { N_ENTRIES = 8 };
static u64 borders[2 * N_ENTRIES];
static unsigned n_borders;
static u64 pmpcfg;

static u64 random_address(void)
{
        u64 r = rnd(), a = DATA + (r & (4 * PAGE - 1));

        switch (r >> 32 & 3) {
        case 0: return a & ~(u64)(PAGE - 1);
        case 1: return a & ~63ull;
        default: return a & ~3ull;
        }
}

static void random_entries(void)
{
        u64 cfg = 0, addr[N_ENTRIES];

        n_borders = 0;
        for (unsigned i = 0; i < N_ENTRIES; i++) {
                u64 r = rnd(), a = random_address() >> 2, kind = r >> 8 & 3, size;

                if (i == 0 && kind == 1)
                        kind = 0; /* from 0 on: all of the code */
                if (i && kind == 1 && rnd_below(3)) /* from the address before it */
                        a = addr[i - 1] + (r >> 16 & 63);
                if (kind == 3) {
                        size = r >> 24 & 15;
                        a = (a & -(1ull << (size + 1))) | ((1ull << size) - 1);
                        borders[n_borders++] = (a & -(1ull << (size + 1))) << 2;
                        borders[n_borders++] = ((a | 1ull << size) + 1) << 2;
                } else {
                        borders[n_borders++] = a << 2;
                        borders[n_borders++] = (a << 2) + 4;
                }
                addr[i] = a;
                r &= 7;
                if (!(r & 1))
                        r &= ~2ull; /* W without R is reserved */
                cfg |= (r | kind << 3) << 8 * i;
        }
        csr_write(pmpcfg0, 0);
        csr_write(pmpcfg2, 0x1full << 56);
        csr_write(pmpaddr15, ~0ull >> 10);
        csr_write(pmpaddr0, addr[0]);
        csr_write(pmpaddr1, addr[1]);
        csr_write(pmpaddr2, addr[2]);
        csr_write(pmpaddr3, addr[3]);
        csr_write(pmpaddr4, addr[4]);
        csr_write(pmpaddr5, addr[5]);
        csr_write(pmpaddr6, addr[6]);
        csr_write(pmpaddr7, addr[7]);
        csr_write(pmpcfg0, cfg);
        pmpcfg = cfg;
        sfence_all();
}

/* Loads, stores, atomics through x31; the base opcode and the log2 of the size. */
static const struct { u32 word; u8 size; } accesses[] = {
        {0x000f8503, 0}, {0x000f9503, 1}, {0x000fa503, 2}, {0x000fb503, 3}, {0x00af8023, 0}, {0x00af9023, 1},
        {0x00afa023, 2}, {0x00afb023, 3}, {0x00bfa52f, 2}, {0x00bfb52f, 3}, {0x100fa52f, 2}, {0x100fb52f, 3},
};

void pmp_chunk(unsigned unit)
{
        u64 saved[N_MODES];
        struct env e;

        for (unsigned i = 0; i < N_MODES; i++) {
                saved[i] = mode_satp[i];
                if (!unit)
                        mode_satp[i] = 0;
        }
        for (u64 w = 0; w < params.n_words; w++) {
                unsigned k = rnd_below(sizeof(accesses) / sizeof(accesses[0]));

                if (w % 4 == 0)
                        random_entries();
                code_place(&e, rnd_below(3), 0x300, false);
                code_put(e.code, accesses[k].word, 4);
                fence_i();
                for (u64 i = 0; i < params.n_sets; i++) {
                        u64 a = random_address();

                        if (rnd_below(4))
                                a = borders[rnd_below(n_borders)] + rnd_below(24) - 12;
                        random_state(&e);
                        in.x[31] = a & -(1ull << accesses[k].size);
                        say_insn(e.pc, accesses[k].word);
                        say("pmpcfg0", csr_read(pmpcfg0));
                        say("pmpaddr0", csr_read(pmpaddr0) << 2);
                        say("pmpaddr1", csr_read(pmpaddr1) << 2);
                        say("pmpaddr2", csr_read(pmpaddr2) << 2);
                        say("pmpaddr3", csr_read(pmpaddr3) << 2);
                        say("pmpaddr4", csr_read(pmpaddr4) << 2);
                        say("pmpaddr5", csr_read(pmpaddr5) << 2);
                        say("pmpaddr6", csr_read(pmpaddr6) << 2);
                        say("pmpaddr7", csr_read(pmpaddr7) << 2);
                        case_run(&e);
                        case_mix_state();
                        csr_write(pmpcfg0, 0); /* an entry must match all bytes of M's accesses too */
                        case_mix_memory(e.mode, in.x[31] - 8, 3);
                        csr_write(pmpcfg0, pmpcfg);
                        case_end();
                }
                code_clear(e.code, 2);
        }
        for (unsigned i = 0; i < N_MODES; i++)
                mode_satp[i] = saved[i];
        csr_write(pmpcfg0, 0);
        csr_write(pmpcfg2, 0);
        paging_init();
}
