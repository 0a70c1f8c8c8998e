/* SPDX-License-Identifier: MIT */
/*
 * What the freestanding tests of AArch64 have in common: entry with a stack, FP and vectors at EL1, the
 * registers that a C function leaves as they are, and semihosting calls. Needs the labels main, vectors and
 * stack_top.
 */

        .macro  save_registers
        stp     x29, x30, [sp, #-96]!
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        .endm

        .macro  restore_registers
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     x29, x30, [sp], #96
        .endm

        .section .text.start, "ax"
        .globl  _start
_start:
        adrp    x1, stack_top
        add     x1, x1, :lo12:stack_top
        mov     sp, x1
        mov     x1, #3 << 20
        msr     cpacr_el1, x1
        adrp    x1, vectors
        add     x1, x1, :lo12:vectors
        msr     vbar_el1, x1
        isb
        bl      main
        b       .

/* uint64_t semihosting(uint64_t op, const void *arg) */
        .globl  semihosting
semihosting:
        hlt     #0xf000
        ret

        .text
