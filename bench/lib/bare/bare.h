/* SPDX-License-Identifier: MIT */
/*
 * A board without an operating system. Each guest's folder beside this file has its start.S, link.ld and
 * board.c, which supplies the functions named board_*; bare.c is the same for all. One CPU, no interrupts.
 */
#ifndef BARE_H
#define BARE_H

#include <stdint.h>

/* The console. */
void board_put(char c);

/* Nanoseconds of the guest's clock; 0 where the guest has none whose speed it knows. */
uint64_t board_now_ns(void);

/* Ends the emulator; its exit status tells 0 from others. */
void board_exit(int status) __attribute__((noreturn));

/* Prints its arguments up to a NULL, as they are. */
void bare_print(const char *text, ...) __attribute__((sentinel));

/* Return text in the caller's buffer of at least 21 bytes. */
const char *bare_decimal(char *buffer, uint64_t value);
const char *bare_hex(char *buffer, uint64_t value);

/* Gives back all bench_alloc memory. The next user finds it cleared as far as it was used. */
void bare_free_all(void);

/* What start.S calls: the program's own beginning, and the end after a trap that nobody expected. */
void bare_main(void);
void bare_unexpected_trap(uint64_t cause, uint64_t pc, uint64_t value);

#endif
