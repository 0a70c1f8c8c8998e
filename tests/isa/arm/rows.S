/* SPDX-License-Identifier: MIT */
/*
 * The part of the row test that needs registers by name: vectors, and the trampoline that loads a state, runs
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

#include "entry.S"

        .balign 2048
vectors:
        .rept   16
        .balign 128
        b       caught
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

/* X0 to X27, and V0 to V31, by LDP or STP: the general ones at [x28], the vectors from x0 on. */
        .macro  general_pairs op
        \op     x0, x1, [x28, #0]
        \op     x2, x3, [x28, #16]
        \op     x4, x5, [x28, #32]
        \op     x6, x7, [x28, #48]
        \op     x8, x9, [x28, #64]
        \op     x10, x11, [x28, #80]
        \op     x12, x13, [x28, #96]
        \op     x14, x15, [x28, #112]
        \op     x16, x17, [x28, #128]
        \op     x18, x19, [x28, #144]
        \op     x20, x21, [x28, #160]
        \op     x22, x23, [x28, #176]
        \op     x24, x25, [x28, #192]
        \op     x26, x27, [x28, #208]
        .endm

        .macro  vector_pairs op
        \op     q0, q1, [x0], #32
        \op     q2, q3, [x0], #32
        \op     q4, q5, [x0], #32
        \op     q6, q7, [x0], #32
        \op     q8, q9, [x0], #32
        \op     q10, q11, [x0], #32
        \op     q12, q13, [x0], #32
        \op     q14, q15, [x0], #32
        \op     q16, q17, [x0], #32
        \op     q18, q19, [x0], #32
        \op     q20, q21, [x0], #32
        \op     q22, q23, [x0], #32
        \op     q24, q25, [x0], #32
        \op     q26, q27, [x0], #32
        \op     q28, q29, [x0], #32
        \op     q30, q31, [x0], #32
        .endm

/* void run(struct state *s, const uint32_t *code): code is the instruction and RET x30. */
        .globl  run
run:
        save_registers
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
        vector_pairs ldp
        ldr     x0, [x28, #OFF_NZCV]
        msr     nzcv, x0
        ldr     x0, [x28, #OFF_SP]
        mov     sp, x0
        general_pairs ldp
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
        general_pairs stp
        mov     x0, sp
        str     x0, [x28, #OFF_SP]
        mrs     x0, tpidr_el0
        str     x0, [x28, #OFF_NZCV]
        mrs     x0, fpcr
        str     x0, [x28, #OFF_FPCR]
        mrs     x0, fpsr
        str     x0, [x28, #OFF_FPSR]
        add     x0, x28, #OFF_V
        vector_pairs stp
        msr     fpcr, xzr
        adrp    x2, saved
        add     x2, x2, :lo12:saved
        ldr     x3, [x2, #8]
        mov     sp, x3
        restore_registers
        ret

        .bss
        .balign 16
saved:  .space  16
        .space  65536
        .balign 16
stack_top:
