/* SPDX-License-Identifier: MIT */
/*
 * Entry in EL1 with the MMU off. Sets up an identity map of the first GiB of memory as normal memory,
 * floating point, a stack and vectors; clears .bss and calls bare_main.
 */
#include "mmu.h"

        .section .text.start, "ax"
        .globl _start
_start:
        adrp    x0, bare_stack_top
        mov     sp, x0
        adrp    x0, vectors
        add     x0, x0, :lo12:vectors
        msr     vbar_el1, x0
        mov     x0, #3 << 20                    /* CPACR_EL1.FPEN */
        msr     cpacr_el1, x0

        adrp    x0, bare_bss_start
        add     x0, x0, :lo12:bare_bss_start
        adrp    x1, bare_bss_end
        add     x1, x1, :lo12:bare_bss_end
1:      cmp     x0, x1
        b.hs    2f
        str     xzr, [x0], #8
        b       1b

2:      adrp    x0, table                       /* in .bss: cleared */
        ldr     x1, =MMU_BLOCK
        str     x1, [x0, #8]                    /* addresses 1 to 2 GiB */
        mmu_on  x0
        bl      bare_main
3:      wfi
        b       3b

        .balign 2048
vectors:
        .rept   16
        .balign 128
        adrp    x0, bare_stack_top
        mov     sp, x0
        mrs     x0, esr_el1
        mrs     x1, elr_el1
        mrs     x2, far_el1
        bl      bare_unexpected_trap
        b       3b
        .endr

        .section .bss.table, "aw", %nobits
        .balign 4096
table:  .skip   4096
