/* SPDX-License-Identifier: MIT */
/*
 * Entry in EL1 with the MMU off, the CPU's number in x0: an identity map of memory as normal, shareable
 * memory (the tables are data, the same for all), a stack each, then litmus_main.
 */
#include "../../bench/lib/bare/aarch64/mmu.h"

        .section .text.start, "ax"
        .globl _start
_start: adrp    x1, stacks
        add     x2, x0, #1
        add     x1, x1, x2, lsl #13
        mov     sp, x1
        adrp    x1, table
        mmu_on  x1
        bl      litmus_main
1:      b       1b

        .section .data.table, "aw"
        .balign 4096
table:  .quad   0, MMU_BLOCK                    /* 1 to 2 GiB */
        .skip   4096 - 16

        .section .bss.stacks, "aw", %nobits
        .balign 4096
stacks: .skip   8 << 13
        .section .note.GNU-stack, "", %progbits
