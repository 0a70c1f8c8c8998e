/* SPDX-License-Identifier: MIT */
/*
 * The virt board without an operating system: console (NS16550A at 0x10000000), clock (mtime at 0x0200bff8,
 * 10 MHz) and power switch (test finisher at 0x00100000). One hart, M-mode, no interrupts.
 */
#ifndef BARE_H
#define BARE_H

#include <stdint.h>

#define BARE_UART 0x10000000u
#define BARE_MTIME 0x0200bff8u
#define BARE_MSIP 0x02000000u
#define BARE_FINISHER 0x00100000u
#define BARE_TICK_NS 100

uint64_t bare_now_ns(void);

/* Prints its arguments up to a NULL, as they are. */
void bare_print(const char *text, ...) __attribute__((sentinel));

/* Return text in the caller's buffer of at least 21 bytes. */
const char *bare_decimal(char *buffer, uint64_t value);
const char *bare_hex(char *buffer, uint64_t value);

/* Switches the board off; the emulator's exit status becomes `status`. */
void bare_exit(int status) __attribute__((noreturn));

/* Gives back all bench_alloc memory. The next user finds it cleared as far as it was used. */
void bare_free_all(void);

/* What start.S calls: the program's own beginning. */
void bare_main(void);

#endif
