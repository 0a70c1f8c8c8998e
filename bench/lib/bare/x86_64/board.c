/* SPDX-License-Identifier: MIT */
/*
 * A PC's first serial port, polled, and QEMU's isa-debug-exit at port 0x501. There is no clock whose speed a
 * program could know without a board's help: the runner takes the host's.
 */
#include "bare.h"
#include "bench.h"

enum { SERIAL = 0x3f8, LINE_STATUS = SERIAL + 5, EXIT = 0x501 };

static void out8(uint16_t port, uint8_t value)
{
        __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

static uint8_t in8(uint16_t port)
{
        uint8_t value;

        __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
        return value;
}

uint64_t board_now_ns(void)
{
        return 0;
}

void board_put(char c)
{
        while (!(in8(LINE_STATUS) & 0x20))
                ;
        out8(SERIAL, (uint8_t)c);
}

/* The emulator's exit status becomes 1 for success, 3 for failure. */
void board_exit(int status)
{
        out8(EXIT, status != 0);
        for (;;)
                __asm__ volatile("hlt");
}

/* Stores to code are seen by the fetches behind the next jump. */
void bench_sync_code(void *start, void *end)
{
        (void)start;
        (void)end;
        __asm__ volatile("" ::: "memory");
}
