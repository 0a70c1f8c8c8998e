/* SPDX-License-Identifier: MIT */
/* AArch64 with semihosting for the console and the exit, and the generic timer for the clock. */
#include "bare.h"
#include "bench.h"

enum { SYS_WRITEC = 3, SYS_EXIT = 0x18, APPLICATION_EXIT = 0x20026 };

static uint64_t semihosting(uint64_t op, const void *arg)
{
        register uint64_t x0 __asm__("x0") = op;
        register const void *x1 __asm__("x1") = arg;

        __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
        return x0;
}

uint64_t board_now_ns(void)
{
        uint64_t ticks, hz;

        __asm__ volatile("isb\n mrs %0, cntvct_el0\n mrs %1, cntfrq_el0" : "=r"(ticks), "=r"(hz));
        return (unsigned __int128)ticks * 1000000000u / hz;
}

void board_put(char c)
{
        semihosting(SYS_WRITEC, &c);
}

void board_exit(int status)
{
        const uint64_t block[2] = {APPLICATION_EXIT, (uint64_t)status};

        semihosting(SYS_EXIT, block);
        for (;;)
                __asm__ volatile("wfi");
}

void bench_sync_code(void *start, void *end)
{
        uint64_t ctr;
        uintptr_t data, code;

        __asm__("mrs %0, ctr_el0" : "=r"(ctr));
        data = (uintptr_t)4 << (ctr >> 16 & 15);
        code = (uintptr_t)4 << (ctr & 15);
        for (uintptr_t p = (uintptr_t)start & -data; p < (uintptr_t)end; p += data)
                __asm__ volatile("dc cvau, %0" ::"r"(p) : "memory");
        __asm__ volatile("dsb ish" ::: "memory");
        for (uintptr_t p = (uintptr_t)start & -code; p < (uintptr_t)end; p += code)
                __asm__ volatile("ic ivau, %0" ::"r"(p) : "memory");
        __asm__ volatile("dsb ish\n isb" ::: "memory");
}

/* The compiler's 128-bit division, for the clock alone. */
unsigned __int128 __udivti3(unsigned __int128 a, unsigned __int128 b);

unsigned __int128 __udivti3(unsigned __int128 a, unsigned __int128 b)
{
        unsigned __int128 quotient = 0, rest = 0;

        for (int i = 127; i >= 0; i--) {
                rest = rest << 1 | (a >> i & 1);
                if (rest >= b) {
                        rest -= b;
                        quotient |= (unsigned __int128)1 << i;
                }
        }
        return quotient;
}
