/* SPDX-License-Identifier: MIT */
/*
 * What the single-mechanism loops share. They are programs like any other (bench.h), with two differences:
 * they run only on the bare board, and `size` counts repetitions of the mechanism, so that time / size is its
 * cost.
 */
#ifndef MICRO_H
#define MICRO_H

#include "bench.h"

#define TIMES2(x) x x
#define TIMES4(x) TIMES2(x) TIMES2(x)
#define TIMES8(x) TIMES4(x) TIMES4(x)
#define TIMES16(x) TIMES8(x) TIMES8(x)

/* The modes' numbers in mstatus.MPP. */
enum micro_mode { MICRO_U = 0, MICRO_S = 1 };

typedef uint64_t (*micro_fn)(uint64_t argument);

/*
 * Calls `fn` in another privilege mode, on the same stack, and returns what it returned. `fn` must leave a7
 * zero when it uses ecall, t0 is lost at each trap, and there is nobody to save it from a real fault.
 */
uint64_t micro_call_in(enum micro_mode mode, micro_fn fn, uint64_t argument);

/* The traps that micro_call_in needs; also those of M-mode itself. Undone by micro_close. */
void micro_open(void);
void micro_close(void);

/*
 * Sv39 tables: the first 4 GiB where they are, for S-mode; the same again from 4 GiB, for U-mode; and from
 * MICRO_WINDOW, in 4 KiB pages that are not global, `pages` pages of RAM from `memory`. Returns the value for
 * satp.
 */
#define MICRO_USER 0x100000000u
#define MICRO_WINDOW 0x2000000000u
#define MICRO_WINDOW_PAGES 8192
uint64_t micro_map(uint64_t memory, uint32_t pages, uint32_t asid);

#define micro_csr_write(name, value) __asm__ volatile("csrw " name ", %0" ::"r"((uint64_t)(value)) : "memory")
#define micro_csr_set(name, value) __asm__ volatile("csrs " name ", %0" ::"r"((uint64_t)(value)) : "memory")
#define micro_csr_clear(name, value) __asm__ volatile("csrc " name ", %0" ::"r"((uint64_t)(value)) : "memory")

#endif
