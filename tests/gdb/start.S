/* SPDX-License-Identifier: MIT */
/* Entry of the program that the gdb test debugs: each hart gets a stack, floating point, and its main. */
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

/* Never called: the test of watchpoints puts a hart here. Labels stand behind what accesses words. */
        .globl accesses
        .option push
        .option norvc
accesses:
        li      t0, 0x2000
        csrs    mstatus, t0
        la      a0, words
        la      a5, page_end
        li      a1, 5
accesses_loop:
        amoadd.d a2, a1, (a0)
after_amo:
2:      lr.d    a3, (a0)
after_lr:
        addi    a3, a3, 1
        sc.d    a4, a3, (a0)
after_sc:
        bnez    a4, 2b
        sw      a3, 6(a0)
after_partly:
        sd      a3, -4(a5)
after_crossing:
        ld      a6, (a0)
after_load:
        lr.d    a3, (a0)
after_heavy_lr:
        lw      a6, 64(a0)
        sc.d    a4, a3, (a0)
after_heavy_sc:
        fsd     fa0, 16(a0)
after_float:
        j       accesses_loop
        .option pop

        .bss
        .align  12
words:  .space  4096
page_end: .space 4096
        .align  12
stacks: .space  4 * 4096
