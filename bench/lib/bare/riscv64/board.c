/* SPDX-License-Identifier: MIT */
/* Polled; UART speed and FIFOs are left as reset has them, which suits an emulator. */
#include "board.h"
#include "bare.h"
#include "bench.h"

uint64_t board_now_ns(void)
{
        return *(volatile uint64_t *)BARE_MTIME * BARE_TICK_NS;
}

void board_put(char c)
{
        volatile uint8_t *uart = (volatile uint8_t *)BARE_UART;

        while (!(uart[5] & 0x20))       /* LSR: transmitter holding register empty */
                ;
        uart[0] = (uint8_t)c;
}

void board_exit(int status)
{
        volatile uint32_t *finisher = (volatile uint32_t *)BARE_FINISHER;

        *finisher = status ? (uint32_t)status << 16 | 0x3333 : 0x5555;
        for (;;)
                __asm__ volatile("wfi");
}

void bench_sync_code(void *start, void *end)
{
        (void)start;
        (void)end;
        __asm__ volatile("fence.i" ::: "memory");
}
