/* SPDX-License-Identifier: MIT */
/*
 * Entry of rubbish.c: all harts in M-mode; an access that faults is passed over. No instruction is
 * compressed.
 */
        .option norelax
        .option norvc
        .section .text.start, "ax"
        .globl _start
_start:
        csrw    mie, zero
        csrr    a0, mhartid
        la      sp, stacks
        addi    t0, a0, 1
        slli    t0, t0, 12
        add     sp, sp, t0
        la      t0, skip
        csrw    mtvec, t0
        call    guest_main

        .balign 4
skip:   csrw    mscratch, t0
        csrr    t0, mepc
        addi    t0, t0, 4
        csrw    mepc, t0
        csrr    t0, mscratch
        mret

        .section .bss
        .balign 4096
stacks: .space  8 * 4096
