/* SPDX-License-Identifier: MIT */
/*
 * Random translation tables for the upper half of the address space, of 25 to 48 bits: with leaves at all
 * levels, limits in tables, reserved and too-far descriptors, PAN, hierarchy switched off. Accesses of all
 * kinds and fetches through them (units 0 and 1), AT (unit 2), and tables that change between cases, each
 * change with the narrowest TLBI there is for it (unit 3); the same with top bytes that are ignored (TBI,
 * unit 4), and where what can be written is not executed (SCTLR_EL1.WXN, unit 5). The guest itself stays in
 * the lower half.
 */
#include "guest.h"

#define VALID 1ull
#define NEXT 3ull
#define AP_EL0 BIT(6)
#define AP_RO BIT(7)
#define SHARED (3ull << 8)
#define AF BIT(10)
#define NG BIT(11)
#define PXN BIT(53)
#define UXN BIT(54)
#define TABLE_LIMITS (31ull << 59)
#define TCR_EPD1 BIT(23)
#define TCR_HPD1 BIT(42)
#define TCR_TBI1 BIT(38)

enum unit { ACCESSES, MORE_ACCESSES, TRANSLATIONS, CHANGES, TAGS, WRITE_XOR_EXECUTE };

enum { N_TABLES = 12 };
typedef u64 table[512] __attribute__((aligned(4096)));
static table tables[N_TABLES];

static struct {
        u64 tcr, ttbr1, low_tcr, low_ttbr1;
        bool tagged;
        unsigned bits;                     /* of an address */
        struct { u8 from, to; u16 index; } path[N_TABLES];
        struct { u8 table, level; u16 index; u64 va; } leaf[48];
        unsigned n_leaves, n_tables;
} t;

static u64 random_attributes(void)
{
        u64 r = rnd(), v = SHARED | AF;

        v |= r & (AP_EL0 | AP_RO | NG);
        if (r >> 20 & 1)
                v |= r & (PXN | UXN);
        else
                v |= PXN | UXN;
        if ((r >> 24 & 15) == 0)
                v &= ~AF;
        return v;
}

/* The descriptor of a leaf: data pages at level 3; blocks in which they lie, above. */
static u64 random_leaf(unsigned level)
{
        u64 r = rnd(), size = 1ull << (39 - 9 * level), pa = DATA + (r & (DATA_PAGES - 1)) * PAGE;

        if ((r >> 8 & 15) == 0)
                pa = CODE_PAGE;
        pa &= -size;
        if ((r >> 12 & 31) == 0)
                pa |= BIT(44); /* beyond TCR_EL1.IPS */
        if ((r >> 20 & 15) == 0)
                /* invalid, or odd */
                return r & (rnd_below(2) ? ~3ull : ~2ull) & ~(0xfffull << 36) & 0xffffffff;
        return pa | random_attributes() | (level == 3 ? NEXT : VALID);
}

static unsigned level_shift(unsigned level)
{
        return 39 - 9 * level;
}

static unsigned first_level(unsigned bits)
{
        return 4 - (bits - 12 + 8) / 9;
}

static unsigned index_bits(unsigned level)
{
        unsigned n = t.bits - level_shift(level);

        return n < 9 ? n : 9;
}

static void make_level(unsigned number, unsigned level, u64 va)
{
        unsigned n = level == 3 ? 8 : 4;

        for (unsigned i = 0; i < n; i++) {
                unsigned index = rnd_below(1u << index_bits(level));
                u64 at = va | (u64)index << level_shift(level);

                if (tables[number][index])
                        continue;
                if (level < 3 && t.n_tables < N_TABLES && (level == 0 || rnd_below(4))) {
                        unsigned next = t.n_tables++;
                        u64 limits = rnd_one_in(3) ? rnd() & TABLE_LIMITS & ~BIT(63) : 0;

                        tables[number][index] = (u64)tables[next] | NEXT | limits;
                        make_level(next, level + 1, at);
                } else if (t.n_leaves < 48) {
                        tables[number][index] = level == 0 ? rnd() & 0xfffc : random_leaf(level);
                        t.leaf[t.n_leaves].table = number;
                        t.leaf[t.n_leaves].level = level;
                        t.leaf[t.n_leaves].index = index;
                        t.leaf[t.n_leaves++].va = at;
                }
        }
}

static void make_tables(void)
{
        static const u8 sizes[] = {16, 17, 20, 24, 25, 25, 25, 26, 30, 33, 34, 39};
        u64 r = rnd();

        for (u64 *p = tables[0]; p < tables[N_TABLES]; p++)
                *p = 0;
        t.bits = 64 - sizes[rnd_below(12)];
        t.n_tables = 1;
        t.n_leaves = 0;
        make_level(0, first_level(t.bits), -1ull << t.bits);
        t.tcr = (t.low_tcr & ~(63ull << 16 | TCR_EPD1 | TCR_HPD1 | TCR_TBI1)) | (u64)(64 - t.bits) << 16;
        if ((r & 31) == 0)
                t.tcr |= TCR_EPD1;
        if ((r >> 8 & 7) == 0)
                t.tcr |= TCR_HPD1;
        t.ttbr1 = (u64)tables[0];
}

static void use_tables(unsigned unit)
{
        t.low_tcr = sys_read(tcr_el1);
        t.low_ttbr1 = sys_read(ttbr1_el1);
        make_tables();
        t.tagged = unit == TAGS && rnd_below(4);
        if (t.tagged)
                t.tcr |= TCR_TBI1;
        sys_write(tcr_el1, t.tcr);
        sys_write(ttbr1_el1, t.ttbr1);
        tlbi_all();
}

static void leave_tables(void)
{
        sys_write(tcr_el1, t.low_tcr);
        sys_write(ttbr1_el1, t.low_ttbr1);
        tlbi_all();
}

/* Mostly in a leaf, often at its ends; now and then anywhere, also out of range. */
static u64 random_va(unsigned size)
{
        u64 r = rnd(), at, va;

        if (!t.n_leaves || (r & 31) == 0)
                return r & 32 ? -1ull << t.bits | (rnd() & (BIT(t.bits) - 1))
                              : (-1ull << t.bits) + (s64)(int8_t)(r >> 8);
        va = t.leaf[(r >> 8 & 0xffff) % t.n_leaves].va;
        at = rnd() & (BIT(level_shift(t.leaf[(r >> 8 & 0xffff) % t.n_leaves].level)) - 1);
        switch (r >> 24 & 7) {
        case 0: return va - 1 - (at & 7);
        case 1: return va | (at & 15);
        case 2: at |= PAGE - 16; break;
        default: at &= -(u64)size; break;
        }
        /* in blocks mostly where the data pages are: they are low in them, but for the largest */
        if (rnd_below(4))
                at = (DATA & (BIT(level_shift(t.leaf[(r >> 8 & 0xffff) % t.n_leaves].level)) - 1) &
                      ~(PAGE - 1)) |
                     (at & (DATA_PAGES * PAGE - 1));
        return va | (at & (BIT(level_shift(t.leaf[(r >> 8 & 0xffff) % t.n_leaves].level)) - 1));
}

/*
 * Words that access [x1]; what they store is x2. Never more than the data pages: cases may not write
 * elsewhere.
 */
static const u32 accesses[] = {
        0xf9400020 /* ldr x0, [x1] */, 0xf9000022 /* str x2, [x1] */, 0x39400020 /* ldrb */,
        0x39000022 /* strb */, 0xa9400c22 /* ldp x2, x3 */, 0x38620020 /* ldaddb w2, w0 */,
        0xf8400820 /* ldtr x0 */, 0xf8000822 /* sttr x2 */, 0x38400820 /* ldtrb */, 0x38000822 /* sttrb */,
        0x3dc00020 /* ldr q0 */, 0x3d800020 /* str q0 */, 0x085f7c20 /* ldxrb w0 */,
        0x08dffc20 /* ldarb w0 */, 0x089ffc22 /* stlrb w2 */, 0xd63f0020 /* blr x1 */, 0xd63f0020,
        0xd50b7421 /* dc zva, x1 */,
};

enum { BLR = 0xd63f0020u };

/* Does an access there end in the data pages, or in a fault? Cases may not touch anything else. */
static bool is_harmless(u64 va, bool code)
{
        u64 par;

        __asm__ volatile("at s1e1r, %0\n isb" :: "r"(va));
        par = sys_read(par_el1);
        if ((par & 1) || (par & 0xfffffffff000) - DATA < DATA_PAGES * PAGE)
                return true;
        return code && (par & 0xfffffffff000) == CODE_PAGE && (va & (PAGE - 1)) != 0x200;
}

static void change_leaf(void)
{
        unsigned n;
        u64 page;

        if (!t.n_leaves)
                return;
        n = rnd_below(t.n_leaves);
        if (!t.leaf[n].level)
                return;
        tables[t.leaf[n].table][t.leaf[n].index] = random_leaf(t.leaf[n].level);
        page = t.leaf[n].va >> 12 & (BIT(44) - 1);
        __asm__ volatile("dsb ish");
        switch (rnd_below(4)) {
        case 0: __asm__ volatile("tlbi vae1, %0" :: "r"(page)); break;
        case 1: __asm__ volatile("tlbi vaae1is, %0" :: "r"(page)); break;
        case 2: __asm__ volatile("tlbi vale1is, %0" :: "r"(page)); break;
        default: __asm__ volatile("tlbi vaale1, %0" :: "r"(page)); break;
        }
        __asm__ volatile("dsb ish\n isb" ::: "memory");
}

/* Another top byte; where it counts, mostly a translation fault. */
static u64 tagged_va(u64 va, unsigned unit)
{
        return unit == TAGS && rnd_below(4) ? (va & ~(0xffull << 56)) | rnd() << 56 : va;
}

static void access_case(struct env *e, u32 word, unsigned unit)
{
        u64 va;

        do {
                va = random_va(8);
                if (word == BLR)
                        va &= ~3ull;
        } while (!is_harmless(va, word == BLR) || !is_harmless(va + 64, word == BLR) ||
                 !is_harmless(va & -64ull, word == BLR));
        random_state(e);
        in.x[1] = tagged_va(va, unit);
        in.sctlr &= ~SCTLR_A;
        if (unit == WRITE_XOR_EXECUTE && rnd_below(2))
                in.sctlr |= SCTLR_WXN;
        in.spsr &= ~(PSTATE_IL | PSTATE_PAN);
        if (rnd_one_in(3))
                in.spsr |= PSTATE_PAN;
        say("x1", in.x[1]);
        say("tcr", t.tcr);
        say_insn(e->pc, word);
        case_run(e);
        case_mix_state();
        case_end();
}

static void at_case(unsigned unit)
{
        u64 va = tagged_va(random_va(8), unit), par;

        switch (rnd_below(4)) {
        case 0: __asm__ volatile("at s1e1r, %0\n isb" :: "r"(va)); break;
        case 1: __asm__ volatile("at s1e1w, %0\n isb" :: "r"(va)); break;
        case 2: __asm__ volatile("at s1e0r, %0\n isb" :: "r"(va)); break;
        default: __asm__ volatile("at s1e0w, %0\n isb" :: "r"(va)); break;
        }
        par = sys_read(par_el1);
        say("va", va);
        say("tcr", t.tcr);
        say("par", par);
        case_mix(par);
        case_end();
}

void mmu_chunk(unsigned unit)
{
        for (u64 w = 0; w < params.n_words; w++) {
                u32 word = unit == WRITE_XOR_EXECUTE && rnd_below(2) ? BLR :
                accesses[rnd_below(sizeof(accesses) / 4)];
                struct env e;

                if (word == BLR) { /* what is fetched ends the case */
                        for (u32 *p = (u32 *)WRITABLE(DATA);
                             p < (u32 *)WRITABLE(DATA + DATA_PAGES * PAGE); p++)
                                *p = FILLER;
                }
                use_tables(unit);
                code_place(&e, random_mode(), 0x200, false);
                code_put(&e, 0, word);
                code_sync(e.code, 1);
                for (u64 i = 0; i < params.n_sets; i++) {
                        if (unit == TRANSLATIONS || (unit == TAGS && rnd_one_in(4)))
                                at_case(unit);
                        else
                                access_case(&e, word, unit);
                        if (unit == CHANGES)
                                change_leaf();
                }
                code_clear(&e, 1);
                code_sync(e.code, 1);
                leave_tables();
        }
}
