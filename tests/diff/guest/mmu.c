/* SPDX-License-Identifier: MIT */
/*
 * Page tables. Units 0 (Sv39) and 1 (Sv48): one path through random tables, valid and not, with leaves at
 * every level, and data accesses through it from U, S and M with MPRV. Unit 2: instruction fetches likewise.
 * Unit 3: two address spaces whose leaves change one by one, each change followed by the narrowest SFENCE.VMA
 * that covers it. Accessed and dirty bits are part of what is compared.
 */
#include "guest.h"

#define V 1
#define R 2
#define W 4
#define X 8
#define U 16
#define G 32
#define A 64
#define D 128

typedef u64 table[512] __attribute__((aligned(4096)));
static table t0, t1, t2, t3, s0[2], s1[2], s2[2];
static table *const levels[4] = {&t0, &t1, &t2, &t3};
#define NOWHERE 0x3ffffff0000000ull

/* Loads, stores, atomics of x10 through x31, and what fetches there. */
static const struct { u32 word; u8 size; } accesses[] = {
        {0x000f8503, 0}, {0x000f9503, 1}, {0x000fa503, 2}, {0x000fb503, 3}, {0x00af8023, 0}, {0x00af9023, 1},
        {0x00afa023, 2}, {0x00afb023, 3}, {0x00bfa52f, 2}, {0x00bfb52f, 3}, {0x100fa52f, 2}, {0x100fb52f, 3},
};
#define FETCH 0x000f8067 /* jr x31 */

static u64 pte(u64 pa, u64 flags)
{
        return pa >> 12 << 10 | flags;
}

static u64 random_pointer(u64 to)
{
        static const u64 odd[] = {0, V | A, V | D, V | U, V | W, V | G, V | BIT(54), V | BIT(63), V | BIT(61),
                                  V | BIT(8), V | BIT(59), V | R | A};
        u64 r = rnd();

        if ((r & 15) == 0)
                return pte(to, odd[(r >> 8 & 255) % 12]);
        return pte(to, V); /* never to where no memory is: QEMU makes a page fault of that */
}

static u64 random_leaf(u64 to, unsigned level)
{
        u64 r = rnd(), flags = r & 0xff;

        switch (r >> 8 & 7) {
        case 0: break;
        case 1: flags |= V | A | D; break;
        default: flags |= V | (r >> 16 & 1 ? R : X); break;
        }
        if ((r >> 24 & 15) == 0)
                flags |= 1ull << (54 + (r >> 28 & 15) % 10);
        if ((r >> 24 & 15) == 1)
                flags |= 3 << 8;
        if (level && (r >> 40 & 7) == 0)
                to += PAGE << ((r >> 44 & 15) % (9 * level));
        if ((r >> 48 & 31) == 0)
                to = NOWHERE;
        if (level && (to == NOWHERE || level == 3) && !(flags & (R | X)))
                flags |= R; /* else it points to a table there: see random_pointer */
        return pte(to, flags);
}

/* The entries of the path that may have changed. */
static void mix_path(u64 va, bool say_it)
{
        for (unsigned l = 0; l < 4; l++) {
                u64 e = (*levels[l])[va >> (12 + 9 * l) & 511];

                case_mix(e);
                if (say_it)
                        say("pte", e);
        }
}

/* A path to @target's pages, whose leaf is at @level; returns an address in it. */
static u64 make_path(unsigned n_levels, u64 target)
{
        unsigned level = rnd_below(n_levels);
        u64 low = level < 3 ? target & ((PAGE << (9 * level)) - 1) : target, va, base = target - low;

        do
                va = rnd() << (12 + 9 * level);
        while ((va >> 30 & 511) == CODE_PAGE >> 30);
        va &= (1ull << (12 + 9 * n_levels)) - 1;
        va |= low;
        if (level == 3 && !(va >> 39 & 511))
                va |= 1ull << 39;
        for (unsigned l = n_levels - 1; l > level; l--)
                (*levels[l])[va >> (12 + 9 * l) & 511] = random_pointer((u64)levels[l - 1]);
        (*levels[level])[va >> (12 + 9 * level) & 511] = random_leaf(base, level);
        if (level == 0 && (va >> 12 & 511) < 511)
                /*
                 * for what crosses the border; not where no memory is, since QEMU then stores the first half
                 */
                do
                        t0[(va >> 12 & 511) + 1] = random_leaf(base + PAGE, 0);
                while (t0[(va >> 12 & 511) + 1] >> 10 << 12 == NOWHERE);
        va = (u64)((s64)(va << (64 - 12 - 9 * n_levels)) >> (64 - 12 - 9 * n_levels));
        return rnd_one_in(24) ? va ^ 1ull << (12 + 9 * n_levels + rnd_below(64 - 12 - 9 * n_levels)) : va;
}

static void clear_path(u64 va)
{
        for (unsigned l = 0; l < 4; l++)
                (*levels[l])[va >> (12 + 9 * l) & 511] = 0;
        t0[((va >> 12) + 1) & 511] = 0;
        t2[CODE_PAGE >> 30] = t3[0] = 0;
}

/* The code of the case stays mapped; U and S have different tables for it (paging.c). */
static void map_code(enum mode mode)
{
        const u64 *root = (const u64 *)((mode_satp[mode] & ((1ull << 44) - 1)) << 12);

        t2[CODE_PAGE >> 30] = root[CODE_PAGE >> 30];
        t3[0] = pte((u64)t2, V);
}

static u64 random_offset(unsigned size)
{
        u64 r = rnd(), at = r & (PAGE - 1);

        switch (r >> 32 & 3) {
        case 0: return at;
        case 1: return PAGE - 1 - (at & 7);
        default: return at & -(1ull << size);
        }
}

/* Code in place at e->pc: perhaps MPP = S for MPRV, then the access. Returns its length in halves. */
static unsigned put_access(struct env *e, u32 word, bool as_s)
{
        unsigned n = 0;

        if (as_s) {
                code_put(e->code, 0x300f2073, 4); /* csrs mstatus, x30 */
                n = 2;
        }
        code_put(e->code + n, word, 4);
        fence_i();
        return n + 2;
}

static void path_case(unsigned unit)
{
        unsigned n_levels = unit == 2 ? 3 + rnd_below(2) : 3 + unit, k = rnd_below(12);
        enum mode mode = unit == 2 ? rnd_below(2) : rnd_below(3);
        u32 word = unit == 2 ? FETCH : accesses[k].word;
        u64 target, va, saved[N_MODES];
        bool as_s = mode == MODE_MPRV && rnd_one_in(2);
        struct env e;
        unsigned halves;

        for (unsigned i = 0; i < N_MODES; i++)
                saved[i] = mode_satp[i];
        map_code(mode);
        target = unit == 2 ? CODE_AREA + rnd_below(128) * PAGE + (random_offset(1) & ~1ull)
                           : DATA + rnd_below(8) * PAGE + random_offset(accesses[k].size);
        va = make_path(n_levels, target);
        mode_satp[mode] = (u64)(n_levels == 3 ? 8 : 9) << 60 | (rnd() & 0xffff) << 44 |
                          (u64)(n_levels == 3 ? t2 : t3) >> 12;
        sfence_all();

        code_place(&e, mode, 0x400, false);
        halves = put_access(&e, word, as_s);
        random_state(&e);
        in.x[31] = va;
        in.x[30] = 1ull << MSTATUS_MPP_SHIFT;
        say_insn(e.pc, word);
        mix_path(va, true);
        case_run(&e);
        case_mix_state();
        mix_path(va, true);
        if (unit != 2) {
                case_mix(((u64 *)(target & ~7ull))[0]);
                case_mix(((u64 *)(target & ~7ull))[1]);
        }
        case_end();
        code_clear(e.code, halves);
        for (unsigned i = 0; i < N_MODES; i++)
                mode_satp[i] = saved[i];
        paging_use(MODE_U);
        clear_path(va);
        sfence_all();
}

/* ---- two spaces that live on ---- */

enum { N_PAGES = 8, ASID = 0x5a0 };

static u64 space_va(unsigned page)
{
        return 0xffffffc000000000ull + page * PAGE;
}

static void spaces_init(void)
{
        for (unsigned s = 0; s < 2; s++) {
                const u64 *root = (const u64 *)((mode_satp[s] & ((1ull << 44) - 1)) << 12);

                s2[s][CODE_PAGE >> 30] = root[CODE_PAGE >> 30];
                s2[s][256] = pte((u64)s1[s], V);
                s1[s][0] = pte((u64)s0[s], V);
                for (unsigned i = 0; i < N_PAGES; i++)
                        s0[s][i] = pte(DATA + (i + 4 * s) * PAGE, V | R | W | A | D | (s ? 0 : U));
        }
        sfence_all();
}

static void change_leaf(unsigned s, unsigned page)
{
        u64 old = s0[s][page], now = pte(DATA + rnd_below(12) * PAGE, 0), r = rnd();
        u64 va = space_va(page), asid = ASID + s;

        now |= (r & 15) == 0 ? 0 : V | ((r & 0xf0) ? R : 0) | ((r & 0x300) && (r & 0xf0) ? W : 0) | X | A |
               ((r & 0xc00) ? D : 0) | (s ? 0 : U) | ((r & 0x7000) ? 0 : G);
        s0[s][page] = now;
        switch ((old | now) & G ? r >> 32 & 1 : r >> 32 & 3) {
        case 0: __asm__ volatile("sfence.vma %0, x0" :: "r"(va) : "memory"); break;
        case 1: sfence_all(); break;
        case 2: __asm__ volatile("sfence.vma %0, %1" :: "r"(va), "r"(asid) : "memory"); break;
        default: __asm__ volatile("sfence.vma x0, %0" :: "r"(asid) : "memory"); break;
        }
}

static void space_case(void)
{
        unsigned s = rnd_below(2), k = rnd_below(12), page = rnd_below(N_PAGES), halves;
        u64 saved = mode_satp[s];
        struct env e;

        if (rnd_one_in(2))
                change_leaf(s, rnd_one_in(2) ? page : rnd_below(N_PAGES));
        mode_satp[s] = 8ull << 60 | (u64)(ASID + s) << 44 | (u64)s2[s] >> 12;
        code_place(&e, s ? MODE_S : MODE_U, 0x400, false);
        halves = put_access(&e, accesses[k].word, false);
        random_state(&e);
        in.x[31] = space_va(page) + (random_offset(accesses[k].size) & -(1ull << accesses[k].size));
        say_insn(e.pc, accesses[k].word);
        say("pte", s0[s][page]);
        case_run(&e);
        case_mix_state();
        for (unsigned i = 0; i < N_PAGES; i++)
                case_mix(s0[s][i]);
        case_end();
        code_clear(e.code, halves);
        mode_satp[s] = saved;
}

void mmu_chunk(unsigned unit)
{
        if (unit == 3)
                spaces_init();
        for (u64 w = 0; w < params.n_words * params.n_sets; w++) {
                if (unit == 3)
                        space_case();
                else
                        path_case(unit);
        }
}
