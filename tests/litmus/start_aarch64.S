/* SPDX-License-Identifier: MIT */
/*
 * Entry in EL1 with the MMU off, the CPU's number in x0: an identity map of memory as normal, shareable memory (the
 * tables are data, the same for all), a stack each, then litmus_main.
 */
        .section .text.start, "ax"
        .globl _start
_start: adrp    x1, stacks
        add     x2, x0, #1
        add     x1, x1, x2, lsl #13
        mov     sp, x1
        adrp    x1, table
        msr     ttbr0_el1, x1
        mov     x1, #0xff                       /* attribute 0: normal, write-back */
        msr     mair_el1, x1
        ldr     x1, =0x200803519                /* 40-bit PA, TTBR1 off, 4 KiB, shareable, cached, T0SZ 25 */
        msr     tcr_el1, x1
        dsb     ish
        isb
        mrs     x1, sctlr_el1
        mov     x2, #0x1005                     /* M, C, I */
        orr     x1, x1, x2
        msr     sctlr_el1, x1
        isb
        bl      litmus_main
1:      b       1b

        .section .data.table, "aw"
        .balign 4096
table:  .quad   0, 0x40000701                   /* 1 to 2 GiB: block, attribute 0, inner shareable, accessed */
        .skip   4096 - 16

        .section .bss.stacks, "aw", %nobits
        .balign 4096
stacks: .skip   8 << 13
        .section .note.GNU-stack, "", %progbits
