/* SPDX-License-Identifier: MIT */
/* Entry of the program that the gdb test debugs: each hart gets a stack and the floating-point unit, and its main. */
        .section .text.start, "ax"
        .globl _start
_start:
        csrr    a0, mhartid
        la      sp, stacks
        addi    t0, a0, 1
        slli    t0, t0, 12
        add     sp, sp, t0
        li      t0, 0x2000
        csrs    mstatus, t0
        bnez    a0, 1f
        call    first_main
1:      call    other_main

        .bss
        .align  12
stacks: .space  4 * 4096
