/* SPDX-License-Identifier: MIT */
/*
 * Entry in EL1, and run_case: loads the whole state of a case, enters it with ERET, and comes back with the
 * whole state at the first exception. Offsets are those of struct state (guest.h).
 */
        .section .text.start, "ax"
        .globl _start
_start:
        adrp    x0, stack_top
        mov     sp, x0
        adr     x0, vectors
        msr     vbar_el1, x0
        mov     x0, #3 << 20                    /* CPACR_EL1.FPEN */
        msr     cpacr_el1, x0
        isb
        adrp    x0, bss_start
        adrp    x1, bss_end
        add     x1, x1, :lo12:bss_end
1:      cmp     x0, x1
        b.hs    2f
        str     xzr, [x0], #8
        b       1b
2:      bl      paging_init
        bl      frame_main
        bl      semihosting_exit

        .globl  paging_on
paging_on:      /* x0: root of both halves, x1: TCR, x2: MAIR, x3: SCTLR */
        msr     ttbr0_el1, x0
        msr     ttbr1_el1, x0
        msr     tcr_el1, x1
        msr     mair_el1, x2
        dsb     ish
        tlbi    vmalle1
        dsb     ish
        isb
        msr     sctlr_el1, x3
        isb
        ret

        /*
         * Every exception tells its vector; outside of cases it is a mistake of this program, or of the
         * emulator.
         */
        .balign 2048
vectors:
        .set    number, 0
        .rept   16
        .balign 128
        msr     tpidr_el1, x0
        adrp    x0, current_case
        ldr     x0, [x0, :lo12:current_case]
        cbz     x0, stray
        str     x1, [x0, #8]
        mov     x1, #number
        b       case_trap
        .set    number, number + 1
        .endr

stray:
        adrp    x0, stack_top
        mov     sp, x0
        mrs     x0, esr_el1
        mrs     x1, elr_el1
        mrs     x2, far_el1
        bl      guest_stray_trap
        b       .

        .text
        .balign 4
        .globl  run_case
run_case:       /* x0: struct state */
        .irp    n, 19,20,21,22,23,24,25,26,27,28,29,30
        str     x\n, [x0, #864 + 8*(\n - 19)]
        .endr
        mov     x1, sp
        str     x1, [x0, #960]
        adrp    x1, current_case
        str     x0, [x1, :lo12:current_case]
        ldr     x1, [x0, #248]
        msr     sp_el0, x1
        ldr     x1, [x0, #256]
        mov     sp, x1
        ldp     x1, x2, [x0, #264]
        msr     fpcr, x1
        msr     fpsr, x2
        ldp     x1, x2, [x0, #280]
        msr     elr_el1, x1
        msr     spsr_el1, x2
        ldp     x1, x2, [x0, #296]
        msr     esr_el1, x1
        msr     far_el1, x2
        ldr     x1, [x0, #832]
        ldr     x2, [x0, #840]
        msr     tpidr_el0, x1
        msr     tpidrro_el0, x2
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        ldr     q\n, [x0, #320 + 16*\n]
        .endr
        ldr     x1, [x0, #848]
        msr     cpacr_el1, x1
        ldr     x1, [x0, #856]
        mrs     x2, sctlr_el1
        cmp     x1, x2
        b.eq    1f
        msr     sctlr_el1, x1
1:
        .irp    n, 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
        ldr     x\n, [x0, #8*\n]
        .endr
        ldp     x0, x1, [x0]
        eret

case_trap:      /* x0: struct state, x1: the vector; x0 is in TPIDR_EL1, x1 saved */
        .irp    n, 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
        str     x\n, [x0, #8*\n]
        .endr
        mrs     x2, s3_0_c4_c2_3        /* PAN, which the exception may have set */
        orr     x1, x1, x2
        str     x1, [x0, #312]
        adrp    x1, current_case
        str     xzr, [x1, :lo12:current_case]
        mrs     x1, tpidr_el1
        str     x1, [x0]
        mrs     x1, sp_el0
        mov     x2, sp
        stp     x1, x2, [x0, #248]
        mov     x1, #3 << 20
        msr     cpacr_el1, x1
        isb
        mrs     x1, fpcr
        mrs     x2, fpsr
        stp     x1, x2, [x0, #264]
        mrs     x1, elr_el1
        mrs     x2, spsr_el1
        stp     x1, x2, [x0, #280]
        mrs     x1, esr_el1
        mrs     x2, far_el1
        stp     x1, x2, [x0, #296]
        mrs     x1, tpidr_el0
        mrs     x2, tpidrro_el0
        str     x1, [x0, #832]
        str     x2, [x0, #840]
        msr     fpcr, xzr
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        str     q\n, [x0, #320 + 16*\n]
        .endr
        ldr     x1, [x0, #960]
        mov     sp, x1
        .irp    n, 19,20,21,22,23,24,25,26,27,28,29,30
        ldr     x\n, [x0, #864 + 8*(\n - 19)]
        .endr
        ret

        .bss
        .balign 8
current_case: .skip 8
