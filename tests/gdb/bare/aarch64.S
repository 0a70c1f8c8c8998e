/* SPDX-License-Identifier: MIT */
/*
 * AArch64's part of the program that gdb debugs: entry, with x0 the vCPU's index; an identity map, and a
 * second view of memory at 0xc0000000; exceptions that go on behind what made them.
 */
#include "../../../bench/lib/bare/aarch64/mmu.h"

        .arch   armv8.1-a
        .section .text.start, "ax"
        .globl  _start
_start:
        mov     x19, x0
        adrp    x1, stacks
        add     x1, x1, :lo12:stacks
        add     x2, x19, #1
        add     x1, x1, x2, lsl #14
        mov     sp, x1
        adrp    x1, vectors
        add     x1, x1, :lo12:vectors
        msr     vbar_el1, x1
        mov     x1, #3 << 20
        msr     cpacr_el1, x1
        adrp    x1, table
        mmu_on  x1
        mov     x0, x19
        cbnz    x0, 1f
        bl      first_main
1:      bl      other_main

        .text
        .globl  machine_turn, machine_exit, traps, traps_svc, traps_svc_next, traps_udf, traps_udf_next
        .globl  traps_call, traps_call_next
machine_turn:
        mov     x9, x30
traps:
        mov     x10, #0
traps_svc:
        svc     #7
traps_svc_next:
        nop
traps_udf:
        udf     #0
traps_udf_next:
        nop
traps_call:
        bl      leaf
traps_call_next:
        nop
        mov     x30, x9
        ret
leaf:   ret

machine_exit:
        mov     x1, #0x26                       /* ADP_Stopped_ApplicationExit, with a status */
        movk    x1, #2, lsl #16
        stp     x1, x0, [sp, #-16]!
        mov     x0, #0x18
        mov     x1, sp
        hlt     #0xf000
        b       .

        .balign 2048
        .globl  vectors, sync
vectors:
        .skip   0x200
sync:   add     x10, x10, #1
        mrs     x11, esr_el1
        lsr     x12, x11, #26
        cmp     x12, #0x15                      /* SVC leaves the address behind it */
        b.eq    2f
        mrs     x12, elr_el1
        add     x12, x12, #4
        msr     elr_el1, x12
2:      eret

/* Never called: the test of watchpoints puts a vCPU here. Labels stand behind what accesses words. */
        .globl  accesses, accesses_loop
accesses:
        adrp    x0, words
        add     x0, x0, :lo12:words
        adrp    x5, page_end
        add     x5, x5, :lo12:page_end
        mov     x1, #5
accesses_loop:
        ldadd   x1, x2, [x0]
after_amo:
3:      ldxr    x3, [x0]
after_lr:
        add     x3, x3, #1
        stxr    w4, x3, [x0]
after_sc:
        cbnz    w4, 3b
        stur    w3, [x0, #6]
after_partly:
        stur    x3, [x5, #-4]
after_crossing:
        ldr     x6, [x0]
after_load:
        stp     x3, x6, [x0, #32]
after_pair:
        str     q0, [x0, #16]
after_vector:
        ld1     {v1.4s, v2.4s}, [x0]
after_vector_load:
        b       accesses_loop

        .data
        .balign 4096
/* 1 GiB blocks, normal, inner shareable, accessed */
table:  .quad   0, 0x40000701, 0, 0x40000701
        .skip   4096 - 32

        .bss
        .balign 4096
        .globl  words, page_end
words:  .skip   4096
page_end: .skip 4096
        .balign 4096
stacks: .skip   8 * 16384
