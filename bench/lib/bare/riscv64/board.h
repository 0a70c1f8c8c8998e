/* SPDX-License-Identifier: MIT */
/*
 * The virt board of riscv64: console (NS16550A at 0x10000000), clock (mtime at 0x0200bff8, 10 MHz) and power
 * switch (test finisher at 0x00100000). M-mode.
 */
#ifndef BOARD_H
#define BOARD_H

#define BARE_UART 0x10000000u
#define BARE_MTIME 0x0200bff8u
#define BARE_MSIP 0x02000000u
#define BARE_FINISHER 0x00100000u
#define BARE_TICK_NS 100

#endif
