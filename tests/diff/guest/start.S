/* SPDX-License-Identifier: MIT */
/*
 * Entry in M-mode, and run_case: loads the whole state of a case, enters it with MRET, and comes back with
 * the whole state at the first trap to M-mode. Offsets are those of struct state (guest.h).
 */
        .option arch, +d
        .section .text.start, "ax"
        .globl _start
_start:
        csrw    mie, zero
        csrr    t0, mhartid
        beqz    t0, 2f
1:      wfi                     /* a second hart only makes QEMU use real atomics, whose faults are stores' */
        j       1b
2:
        .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop
        la      sp, stack_top
        la      t0, stray_trap
        csrw    mtvec, t0
        la      t0, bss_start
        la      t1, bss_end
1:      bgeu    t0, t1, 2f
        sd      zero, (t0)
        addi    t0, t0, 8
        j       1b
2:      call    frame_main
        /* the test finisher's "pass" */
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, (t0)
3:      j       3b

        /* A trap outside of cases is a mistake of the guest program, or of the emulator in running it. */
        .balign 4
stray_trap:
        la      sp, stack_top
        csrr    a0, mcause
        csrr    a1, mepc
        csrr    a2, mtval
        call    guest_stray_trap
        j       3b


        .text
        .balign 4
        .globl run_case
run_case:       /* a0: struct state */
        sd      ra, 552(a0)
        sd      sp, 560(a0)
        sd      gp, 568(a0)
        sd      tp, 576(a0)
        sd      s0, 584(a0)
        sd      s1, 592(a0)
        sd      s2, 600(a0)
        sd      s3, 608(a0)
        sd      s4, 616(a0)
        sd      s5, 624(a0)
        sd      s6, 632(a0)
        sd      s7, 640(a0)
        sd      s8, 648(a0)
        sd      s9, 656(a0)
        sd      s10, 664(a0)
        sd      s11, 672(a0)
        csrw    mscratch, a0
        la      t0, case_trap
        csrrw   t0, mtvec, t0
        sd      t0, 680(a0)
        li      t0, 0x6000
        csrs    mstatus, t0
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        fld     f\n, 256+8*\n(a0)
        .endr
        ld      t0, 512(a0)
        fscsr   t0
        ld      t0, 528(a0)
        csrw    mepc, t0
        ld      t0, 520(a0)
        csrw    mstatus, t0
        mv      x31, a0
        .irp    n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        ld      x\n, 8*\n(x31)
        .endr
        mret

        .balign 4
        .globl case_trap
case_trap:
        csrrw   x31, mscratch, x31
        .irp    n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
        sd      x\n, 8*\n(x31)
        .endr
        mv      a0, x31
        csrr    t0, mscratch
        sd      t0, 8*31(a0)
        csrr    t0, mstatus
        sd      t0, 520(a0)
        csrr    t1, mepc
        sd      t1, 528(a0)
        csrr    t1, mcause
        sd      t1, 536(a0)
        csrr    t1, mtval
        sd      t1, 544(a0)
        li      t0, 0x7800              /* FS dirty, MPP = M, all else off: MPRV too */
        csrw    mstatus, t0
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        fsd     f\n, 256+8*\n(a0)
        .endr
        frcsr   t0
        sd      t0, 512(a0)
        ld      t0, 680(a0)
        csrw    mtvec, t0
        ld      ra, 552(a0)
        ld      sp, 560(a0)
        ld      gp, 568(a0)
        ld      tp, 576(a0)
        ld      s0, 584(a0)
        ld      s1, 592(a0)
        ld      s2, 600(a0)
        ld      s3, 608(a0)
        ld      s4, 616(a0)
        ld      s5, 624(a0)
        ld      s6, 632(a0)
        ld      s7, 640(a0)
        ld      s8, 648(a0)
        ld      s9, 656(a0)
        ld      s10, 664(a0)
        ld      s11, 672(a0)
        ret
