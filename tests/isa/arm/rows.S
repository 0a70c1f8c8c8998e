/* SPDX-License-Identifier: MIT */
/*
 * The part of the row test that needs registers by name: entry, vectors, and the trampoline that loads a state, runs
 * one instruction and stores the state again (struct state in rows.c has the layout).
 */
        .arch armv8.2-a
        .set    OFF_X, 0
        .set    OFF_SP, 28 * 8
        .set    OFF_NZCV, 29 * 8
        .set    OFF_FPCR, 30 * 8
        .set    OFF_FPSR, 31 * 8
        .set    OFF_ESR, 32 * 8
        .set    OFF_FAR, 33 * 8
        .set    OFF_V, 34 * 8

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

        .macro  vector
        .balign 128
        b       caught
        .endm

        .text
        .balign 2048
vectors:
        .rept   16
        vector
        .endr

/* An exception of the instruction under test: as if it had done nothing, with its syndrome. */
caught:
        msr     tpidr_el0, x28
        adrp    x28, saved
        ldr     x28, [x28, :lo12:saved]
        str     x29, [x28, #OFF_ESR]
        mrs     x29, esr_el1
        str     x29, [x28, #OFF_ESR]
        mrs     x29, far_el1
        str     x29, [x28, #OFF_FAR]
        adrp    x29, after
        add     x29, x29, :lo12:after
        msr     elr_el1, x29
        mrs     x28, tpidr_el0
        eret

/* void run(struct state *s, const uint32_t *code): code is the instruction and RET x30. */
        .globl  run
run:
        stp     x19, x20, [sp, #-112]!
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        adrp    x2, saved
        add     x2, x2, :lo12:saved
        mov     x3, sp
        stp     x0, x3, [x2]
        mov     x28, x0
        mov     x29, x1
        str     xzr, [x28, #OFF_ESR]
        str     xzr, [x28, #OFF_FAR]
        ldr     x0, [x28, #OFF_FPCR]
        msr     fpcr, x0
        ldr     x0, [x28, #OFF_FPSR]
        msr     fpsr, x0
        add     x0, x28, #OFF_V
        ldp     q0, q1, [x0], #32
        ldp     q2, q3, [x0], #32
        ldp     q4, q5, [x0], #32
        ldp     q6, q7, [x0], #32
        ldp     q8, q9, [x0], #32
        ldp     q10, q11, [x0], #32
        ldp     q12, q13, [x0], #32
        ldp     q14, q15, [x0], #32
        ldp     q16, q17, [x0], #32
        ldp     q18, q19, [x0], #32
        ldp     q20, q21, [x0], #32
        ldp     q22, q23, [x0], #32
        ldp     q24, q25, [x0], #32
        ldp     q26, q27, [x0], #32
        ldp     q28, q29, [x0], #32
        ldp     q30, q31, [x0], #32
        ldr     x0, [x28, #OFF_NZCV]
        msr     nzcv, x0
        ldr     x0, [x28, #OFF_SP]
        mov     sp, x0
        ldp     x0, x1, [x28, #0]
        ldp     x2, x3, [x28, #16]
        ldp     x4, x5, [x28, #32]
        ldp     x6, x7, [x28, #48]
        ldp     x8, x9, [x28, #64]
        ldp     x10, x11, [x28, #80]
        ldp     x12, x13, [x28, #96]
        ldp     x14, x15, [x28, #112]
        ldp     x16, x17, [x28, #128]
        ldp     x18, x19, [x28, #144]
        ldp     x20, x21, [x28, #160]
        ldp     x22, x23, [x28, #176]
        ldp     x24, x25, [x28, #192]
        ldp     x26, x27, [x28, #208]
        blr     x29
after:
        msr     tpidr_el1, x0
        mrs     x0, nzcv
        msr     tpidr_el0, x0
        adrp    x29, saved
        ldr     x0, [x29, :lo12:saved]
        mov     x30, x28
        mov     x28, x0
        mrs     x0, tpidr_el1
        stp     x0, x1, [x28, #0]
        stp     x2, x3, [x28, #16]
        stp     x4, x5, [x28, #32]
        stp     x6, x7, [x28, #48]
        stp     x8, x9, [x28, #64]
        stp     x10, x11, [x28, #80]
        stp     x12, x13, [x28, #96]
        stp     x14, x15, [x28, #112]
        stp     x16, x17, [x28, #128]
        stp     x18, x19, [x28, #144]
        stp     x20, x21, [x28, #160]
        stp     x22, x23, [x28, #176]
        stp     x24, x25, [x28, #192]
        stp     x26, x27, [x28, #208]
        mov     x0, sp
        str     x0, [x28, #OFF_SP]
        mrs     x0, tpidr_el0
        str     x0, [x28, #OFF_NZCV]
        mrs     x0, fpcr
        str     x0, [x28, #OFF_FPCR]
        mrs     x0, fpsr
        str     x0, [x28, #OFF_FPSR]
        add     x0, x28, #OFF_V
        stp     q0, q1, [x0], #32
        stp     q2, q3, [x0], #32
        stp     q4, q5, [x0], #32
        stp     q6, q7, [x0], #32
        stp     q8, q9, [x0], #32
        stp     q10, q11, [x0], #32
        stp     q12, q13, [x0], #32
        stp     q14, q15, [x0], #32
        stp     q16, q17, [x0], #32
        stp     q18, q19, [x0], #32
        stp     q20, q21, [x0], #32
        stp     q22, q23, [x0], #32
        stp     q24, q25, [x0], #32
        stp     q26, q27, [x0], #32
        stp     q28, q29, [x0], #32
        stp     q30, q31, [x0], #32
        msr     fpcr, xzr
        adrp    x2, saved
        add     x2, x2, :lo12:saved
        ldr     x3, [x2, #8]
        mov     sp, x3
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        ldp     x19, x20, [sp], #112
        ret

/* uint64_t semihosting(uint64_t op, const void *arg) */
        .globl  semihosting
semihosting:
        hlt     #0xf000
        ret

        .bss
        .balign 16
saved:  .space  16
        .space  65536
        .balign 16
stack_top:
