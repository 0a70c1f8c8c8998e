/* SPDX-License-Identifier: MIT */
/*
 * Two vCPUs of AArch64: one changes where a page leads, with TLBI and DSB, and tells the other, which must
 * then see the new page. Then both add to a counter, by load-exclusives and by LSE. Exits with 0 if all was
 * seen (-M bare -smp 2).
 */
#include <stdint.h>

#define TABLE __attribute__((aligned(4096)))
#define VA 0x0000008000000000ull
#define SYS_WRITE(reg, v) __asm__ volatile("msr " reg ", %0\n\tisb" ::"r"((uint64_t)(v)) : "memory")

enum { ROUNDS = 50, ADDS = 20000 };

static uint64_t l0[512] TABLE, l1[512] TABLE, l1_user[512] TABLE, l2[512] TABLE, l3[512] TABLE,
        pages[2][512] TABLE;
static volatile uint64_t ready, turn, seen, wrong;
static uint64_t counter, counter_lse;
static char stacks[2][4096] __attribute__((aligned(16), used));

__asm__(".section .text.start, \"ax\"\n"
        ".globl _start\n"
        "_start: adrp x1, stacks\n"
        "add x1, x1, :lo12:stacks\n"
        "add x2, x0, #1\n"
        "lsl x2, x2, #12\n"
        "add sp, x1, x2\n"
        "b main\n"
        ".text\n");

static void semihosting(uint64_t op, const void *arg)
{
        register uint64_t x0 __asm__("x0") = op;
        register const void *x1 __asm__("x1") = arg;

        __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
}

static void finish(uint64_t status)
{
        const uint64_t block[2] = {0x20026, status};

        semihosting(0x20, block);
        for (;;)
                ;
}

static void map(unsigned page)
{
        l3[0] = (uint64_t)pages[page] | 3 | 1 << 10 | 3 << 8 | 1ull << 11 | 3ull << 53;
        __asm__ volatile("dsb ish\n\ttlbi vae1is, %0\n\tdsb ish\n\tisb" ::"r"(VA >> 12) : "memory");
}

static void translate(void)
{
        SYS_WRITE("mair_el1", 0xff);
        SYS_WRITE("tcr_el1", 16 | 16 << 16 | 2ull << 30 | 2ull << 32 | 1ull << 23);
        SYS_WRITE("ttbr0_el1", l0);
        __asm__ volatile("dsb ish\n\ttlbi vmalle1\n\tdsb ish\n\tisb" ::: "memory");
        SYS_WRITE("sctlr_el1", 0x30d00800 | 1 | 1 << 23);
}

static void add_all(void)
{
        for (unsigned n = 0; n < ADDS; n++) {
                uint64_t v, one = 1;
                uint32_t failed;

                do
                        __asm__ volatile("ldaxr %0, [%2]\n\tadd %0, %0, #1\n\tstlxr %w1, %0, [%2]"
                                         : "=&r"(v), "=&r"(failed) : "r"(&counter) : "memory");
                while (failed);
                __asm__ volatile(".arch armv8.1-a\n\tstadd %0, [%1]"
                                 :: "r"(one), "r"(&counter_lse) : "memory");
        }
}

void main(uint64_t cpu)
{
        if (!cpu) {
                l0[0] = (uint64_t)l1 | 3;
                l1[1] = 0x40000000 | 1 | 1 << 10 | 3 << 8;
                l0[1] = (uint64_t)l1_user | 3;
                l1_user[0] = (uint64_t)l2 | 3;
                l2[0] = (uint64_t)l3 | 3;
                for (unsigned p = 0; p < 2; p++)
                        pages[p][0] = p;
                translate();
                map(0);
                __asm__ volatile("dmb ish" ::: "memory");
                ready = 1;
                for (uint64_t n = 1; n <= ROUNDS; n++) {
                        map(n & 1);
                        __asm__ volatile("dmb ish" ::: "memory");
                        turn = n;
                        while (seen < n)
                                ;
                }
        } else {
                while (!ready)
                        ;
                translate();
                for (uint64_t n = 1; n <= ROUNDS; n++) {
                        while (turn != n)
                                (void)*(volatile uint64_t *)VA;
                        __asm__ volatile("dmb ish" ::: "memory");
                        if (*(volatile uint64_t *)VA != (n & 1))
                                wrong++;
                        seen = n;
                }
        }
        add_all();
        __asm__ volatile("dmb ish" ::: "memory");
        if (cpu) {
                seen = ROUNDS + 1;
                for (;;)
                        __asm__ volatile("wfi");
        }
        while (seen < ROUNDS + 1)
                ;
        __asm__ volatile("dmb ish" ::: "memory");
        finish(wrong ? 1 : counter != 2 * ADDS ? 2 : counter_lse != 2 * ADDS ? 3 : 0);
}
