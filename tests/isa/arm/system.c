/* SPDX-License-Identifier: MIT */
/*
 * Translation and exceptions as a freestanding program for AArch64: pages of all permissions probed from EL1
 * and EL0, with PAN, unprivileged accesses, ASIDs, TLBI, AT, traps of system registers. It prints what it
 * saw; tests/isa/arm compares the output with QEMU's.
 */
#include <stdint.h>

struct note {
        uint64_t vector, esr, far, elr, spsr, sp;
};

extern struct note note;
extern const uint32_t snippets[];
uint64_t probe(uint64_t code, uint64_t x1, uint64_t spsr, uint64_t sp_el0);
uint64_t semihosting(uint64_t op, const void *arg);

enum { READ, WRITE, LDTR, STTR, BRANCH, LDXR, STP, ZVA, IC, DC, CTR, DAIFSET, DAIF, TTBR, CNTVCT, CNTP, WFI,
      WFE, BRK, UDF,
       HLT, FMOV, LDRQ, FPCR, LDRSP, UNKNOWN, SMC, SPSEL, LDAXR, LDADD, SVC, ERET, CURRENTEL, DCZID, DCIVAC,
               TLBI, SNIPPETS };

#define EL0 0x3c0ull
#define EL1 0x3c5ull
#define PAN (1ull << 22)
#define IL (1ull << 20)

#define USER 0x0000008000000000ull  /* by TTBR0 */
#define KERNEL 0xffffff8000000000ull /* by TTBR1 */

#define VALID 3ull
#define BLOCK 1ull
#define AF (1ull << 10)
#define NG (1ull << 11)
#define SH (3ull << 8)
#define AP(n) ((uint64_t)(n) << 6)
#define PXN (1ull << 53)
#define UXN (1ull << 54)

enum { PAGES = 64 };

#define TABLE __attribute__((aligned(4096)))
static uint8_t data[4][4096] TABLE;
static uint64_t tables[16][512] TABLE;

static char line[160], *at;

static void text(const char *s)
{
        while (*s)
                *at++ = *s++;
}

static void hex(uint64_t v)
{
        *at++ = ' ';
        for (int n = 60; n >= 0; n -= 4) {
                if (v >> n || !n)
                        *at++ = "0123456789abcdef"[v >> n & 15];
        }
}

static void end(void)
{
        *at++ = '\n';
        *at = 0;
        semihosting(4, line);
        at = line;
}

/* Features that one of the two lacks must not show in SPSR: NZCV, PAN, IL, DAIF and the mode do. */
static void show(const char *what, unsigned n, unsigned snippet, uint64_t x0)
{
        text(what);
        hex(n);
        hex(snippet);
        hex(note.vector);
        hex(note.esr);
        if (note.vector != 99 && (note.esr >> 26 == 0x20 || note.esr >> 26 == 0x21 ||
                                  note.esr >> 26 == 0x22 ||
                                  note.esr >> 26 == 0x24 || note.esr >> 26 == 0x25))
                hex(note.far);
        hex(note.elr);
        hex(note.spsr & 0xf05003ff);
        hex(x0);
        end();
}

static uint64_t *table(unsigned n)
{
        return tables[n];
}

static uint64_t code_at(unsigned snippet)
{
        return USER + 0x200000 + snippet * 16;
}

static void try(const char *what, unsigned n, unsigned snippet, uint64_t x1, uint64_t spsr)
{
        uint64_t code = spsr & 4 ? (uint64_t)snippets + snippet * 16 : code_at(snippet);

        show(what, n, snippet, snippet == READ || snippet == DAIF || snippet == CURRENTEL ||
             snippet == DCZID ?
                               probe(code, x1, spsr, USER) : (probe(code, x1, spsr, USER), 0));
}

#define SYS_WRITE(reg, v) __asm__ volatile("msr " reg ", %0\n\tisb" ::"r"((uint64_t)(v)) : "memory")
#define SYS_READ(reg) ({ uint64_t v_; __asm__ volatile("mrs %0, " reg : "=r"(v_)); v_; })

static void flush(void)
{
        __asm__ volatile("dsb ish\n\ttlbi vmalle1is\n\tdsb ish\n\tisb" ::: "memory");
}

static void make_tables(void)
{
        uint64_t *low = table(0), *l1 = table(1), *l2 = table(2), *l3 = table(3), *high = table(4),
                *high1 = table(5);
        static const uint64_t kinds[] = {0, UXN, PXN, UXN | PXN};

        /* all of the program by one block, for EL1 */
        low[0] = (uint64_t)table(6) | VALID;
        table(6)[1] = 0x40000000 | BLOCK | AF | SH | UXN;
        low[1] = (uint64_t)l1 | VALID;
        l1[0] = (uint64_t)l2 | VALID;
        l1[1] = 0x40000000 | BLOCK | AF | SH | AP(1) | PXN;
        l2[0] = (uint64_t)l3 | VALID;
        /* snippets for EL0 */
        l2[1] = (uint64_t)table(7) | VALID;
        table(7)[0] = (uint64_t)snippets | VALID | AF | SH | AP(3) | PXN | NG;
        table(7)[1] = (uint64_t)data[0] | VALID | AF | SH | AP(1) | PXN | UXN | NG;
        /* all permissions: AP in bits 1 and 0 of the number, execution in 3 and 2 */
        for (unsigned n = 0; n < 16; n++)
                l3[n] = (uint64_t)data[n & 1] | VALID | AF | SH | AP(n & 3) | kinds[n >> 2] | NG;
        l3[16] = (uint64_t)data[0] | VALID | SH | AP(1);         /* no access flag */
        l3[17] = 0;                                             /* nothing */
        l3[18] = (uint64_t)data[0] | 1 | AF;                    /* a block at level 3 */
        /* beyond the physical addresses of TCR_EL1.IPS */
        l3[19] = 1ull << 44 | VALID | AF | AP(1);
        l3[20] = 0x3000000000 | VALID | AF | AP(1);             /* no memory */
        /* tables that take away: no EL0, read-only, no execution */
        l2[2] = (uint64_t)l3 | VALID | 1ull << 61;
        l2[3] = (uint64_t)l3 | VALID | 1ull << 62;
        l2[4] = (uint64_t)l3 | VALID | 1ull << 60 | 1ull << 59;
        l2[5] = 0x40000000 | BLOCK | AF | SH | AP(1);           /* 2 MiB */
        high[0] = (uint64_t)high1 | VALID;
        high[511] = (uint64_t)high1 | VALID;
        high1[0] = 0x40000000 | BLOCK | AF | SH | UXN;
        high1[1] = 0x40000000 | BLOCK | AF | SH | NG | AP(2);
}

static void permissions(void)
{
        static const unsigned accesses[] = {READ, WRITE, LDTR, STTR, BRANCH, LDXR};

        for (unsigned l2 = 0; l2 < 5; l2 += l2 ? 1 : 2) {
                for (unsigned n = 0; n < 21; n++) {
                        uint64_t va = USER + l2 * 0x200000ull + n * 4096;

                        if (l2 && n >= 16)
                                break;
                        for (unsigned k = 0; k < sizeof(accesses) / sizeof(accesses[0]); k++) {
                                if (n == 20 && accesses[k] == LDXR)
                                        continue;
                                try("el1", l2 << 8 | n, accesses[k], va, EL1);
                                try("el0", l2 << 8 | n, accesses[k], va, EL0);
                                try("pan", l2 << 8 | n, accesses[k], va, EL1 | PAN);
                        }
                }
        }
        try("block", 0, READ, USER + 0x40000000 + ((uint64_t)data[0] & 0x3fffffff), EL0);
        try("block", 1, READ, USER + 5 * 0x200000 + 0x80000, EL0);
        try("high", 0, READ, KERNEL + ((uint64_t)data[0] & 0x3fffffff), EL1);
        try("high", 1, WRITE, KERNEL + 0x40000000 + ((uint64_t)data[0] & 0x3fffffff), EL1);
        try("high", 2, READ, KERNEL, EL0);
        try("hole", 0, READ, 0x0001000000000000, EL1);
        try("hole", 1, READ, 0xfffe000000000000, EL1);
        try("hole", 2, BRANCH, 0x0001000000000000, EL1);
        try("hole", 3, READ, USER + (1ull << 39), EL1);
        try("hole", 4, WRITE, USER + 0x40000000 * 5ull, EL1);
        /* across a border: the second page faults, and nothing was stored */
        try("border", 0, STP, USER + 17 * 4096, EL1);
        try("border", 1, READ, USER + 17 * 4096 - 4, EL0);
        try("border", 2, WRITE, USER + 6 * 4096 - 4, EL1);
}

static void exceptions(void)
{
        for (unsigned k = LDXR; k < SNIPPETS; k++) {
                if (k == TLBI || k == WFI || k == WFE || k == ERET || k == UNKNOWN || k == DCIVAC)
                        continue;
                if (k != HLT && k != SPSEL && k != DCZID)
                        try("plain", 1, k, USER + 0x201000, k == BRANCH ? EL1 : EL1);
        }
        for (unsigned k = LDXR; k < SNIPPETS; k++) {
                if (k != HLT && k != WFE && k != DAIFSET)
                        try("plain", 0, k, USER + 0x201000, EL0);
        }
        /* allowed to EL0 */
        SYS_WRITE("sctlr_el1", SYS_READ("sctlr_el1") | 1 << 9 | 1 << 14 | 1 << 15 | 1 << 26 | 1 << 18);
        SYS_WRITE("cntkctl_el1", 3 | 3 << 8);
        for (unsigned k = ZVA; k <= CNTP; k++)
                try("allowed", 0, k, USER + 0x201000, EL0);
        try("allowed", 0, DCZID, USER, EL0);
        /* alignment; QEMU has FEAT_LSE2, no check of SP, and takes atomic accesses for writes */
        try("align", 0, READ, USER + 0x201001, EL1);
        try("align", 3, BRANCH, USER + 0x201002, EL1);
        SYS_WRITE("sctlr_el1", SYS_READ("sctlr_el1") | 2);
        try("align", 4, READ, USER + 0x201001, EL0);
        try("align", 5, WRITE, USER + 0x201004, EL1);
        SYS_WRITE("sctlr_el1", SYS_READ("sctlr_el1") & ~2ull);
        /* floating point off */
        SYS_WRITE("cpacr_el1", 0);
        for (unsigned k = FMOV; k <= FPCR; k++) {
                try("fpoff", 1, k, USER + 0x201000, EL1);
                try("fpoff", 0, k, USER + 0x201000, EL0);
        }
        SYS_WRITE("cpacr_el1", 1 << 20);
        try("fpel1", 1, FMOV, 0, EL1);
        try("fpel1", 0, FMOV, 0, EL0);
        SYS_WRITE("cpacr_el1", 3 << 20);
        /* returns to what there is not */
        try("illegal", 0, READ, USER, EL1 | IL);
        try("illegal", 1, READ, USER, 0x3c9);
        try("illegal", 2, READ, USER, 0x3c2);
}

static void translate_addresses(void)
{
        for (unsigned n = 0; n < 21; n++) {
                uint64_t va = USER + n * 4096 + 0x123;

                text("at");
                hex(n);
                __asm__ volatile("at s1e1r, %0\n\tisb" ::"r"(va));
                hex(SYS_READ("par_el1") & ~0xff00000000000f80ull);
                __asm__ volatile("at s1e1w, %0\n\tisb" ::"r"(va));
                hex(SYS_READ("par_el1") & ~0xff00000000000f80ull);
                __asm__ volatile("at s1e0r, %0\n\tisb" ::"r"(va));
                hex(SYS_READ("par_el1") & ~0xff00000000000f80ull);
                __asm__ volatile("at s1e0w, %0\n\tisb" ::"r"(va));
                hex(SYS_READ("par_el1") & ~0xff00000000000f80ull);
                end();
        }
}

static uint64_t load(uint64_t va)
{
        return *(volatile uint64_t *)va;
}

/* Two spaces with other pages in one place, and a global one in both. */
static void address_spaces(void)
{
        uint64_t *other[4] = {table(8), table(9), table(10), table(11)},
                *mine[4] = {table(0), table(1), table(2), table(3)};
        uint64_t va = USER + 40 * 4096;

        for (unsigned k = 0; k < 4; k++) {
                for (unsigned n = 0; n < 512; n++)
                        other[k][n] = mine[k][n];
        }
        other[0][1] = (uint64_t)other[1] | VALID;
        other[1][0] = (uint64_t)other[2] | VALID;
        other[2][0] = (uint64_t)other[3] | VALID;
        mine[3][40] = (uint64_t)data[2] | VALID | AF | SH | NG;
        other[3][40] = (uint64_t)data[3] | VALID | AF | SH | NG;
        mine[3][41] = other[3][41] = (uint64_t)data[1] | VALID | AF | SH;
        *(volatile uint64_t *)data[1] = 0x1111;
        *(volatile uint64_t *)data[2] = 0x2222;
        *(volatile uint64_t *)data[3] = 0x3333;
        flush();
        for (unsigned k = 0; k < 3; k++) {
                SYS_WRITE("ttbr0_el1", (uint64_t)mine[0] | 1ull << 48);
                text("asid 1");
                hex(load(va));
                hex(load(va + 4096));
                end();
                SYS_WRITE("ttbr0_el1", (uint64_t)other[0] | 2ull << 48);
                text("asid 2");
                hex(load(va));
                hex(load(va + 4096));
                end();
        }
        other[3][40] = (uint64_t)data[1] | VALID | AF | SH | NG;
        __asm__ volatile("dsb ish\n\ttlbi vae1is, %0\n\tdsb ish\n\tisb" ::"r"(2ull << 48 | va >> 12) :
                         "memory");
        text("tlbi va");
        hex(load(va));
        end();
        other[3][40] = (uint64_t)data[2] | VALID | AF | SH | NG;
        __asm__ volatile("dsb ish\n\ttlbi aside1is, %0\n\tdsb ish\n\tisb" ::"r"(2ull << 48) : "memory");
        text("tlbi asid");
        hex(load(va));
        end();
        mine[3][41] = other[3][41] = (uint64_t)data[3] | VALID | AF | SH;
        __asm__ volatile("dsb ish\n\ttlbi vaae1is, %0\n\tdsb ish\n\tisb" ::"r"((va + 4096) >> 12) : "memory");
        text("tlbi all asids");
        hex(load(va + 4096));
        SYS_WRITE("ttbr0_el1", (uint64_t)mine[0] | 1ull << 48);
        hex(load(va + 4096));
        end();
}

void main(void)
{
        const uint64_t exit_block[2] = {0x20026, 0};

        at = line;
        for (unsigned k = 0; k < 4; k++) {
                for (unsigned n = 0; n < 4096; n += 4)
                        *(volatile uint32_t *)(data[k] + n) = 0xd4000041; /* svc #2 */
        }
        make_tables();
        SYS_WRITE("mair_el1", 0xff);
        SYS_WRITE("tcr_el1", 16 | 16 << 16 | 2ull << 30 | 2ull << 32 /* 40 bits */ | 1ull << 36);
        SYS_WRITE("ttbr0_el1", table(0));
        SYS_WRITE("ttbr1_el1", table(4));
        flush();
        SYS_WRITE("sctlr_el1", (SYS_READ("sctlr_el1") | 1 | 1 << 3 | 1 << 4 | 1 << 23) & ~(1ull << 16 |
                                                                                           1ull << 18));
        permissions();
        exceptions();
        translate_addresses();
        address_spaces();
        semihosting(0x20, exit_block);
}
