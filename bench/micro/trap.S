/* SPDX-License-Identifier: MIT */
/*
 * The shortest trap handlers there can be, and the way into another privilege mode and back (The RISC-V
 * Instruction Set Manual, volume II: mstatus, mepc, xRET). Each handler steps over the four-byte instruction
 * that trapped and returns; t0 is lost. With a7 not zero it leaves the mode that micro_call_in entered
 * instead: from U to S by falling through to another ecall, from S to M by returning to the caller that is
 * waiting there.
 */
        .option norvc
        .text
        .globl  micro_trap_m, micro_trap_s, micro_trap_soft, micro_call_in, micro_user_ecalls

        .balign 4
micro_trap_m:
        bnez    a7, 1f
        csrr    t0, mepc
        addi    t0, t0, 4
        csrw    mepc, t0
        mret
1:      la      t0, caller_sp
        ld      sp, (t0)
        ld      ra, 0(sp)
        ld      gp, 8(sp)
        ld      tp, 16(sp)
        ld      s0, 24(sp)
        ld      s1, 32(sp)
        ld      s2, 40(sp)
        ld      s3, 48(sp)
        ld      s4, 56(sp)
        ld      s5, 64(sp)
        ld      s6, 72(sp)
        ld      s7, 80(sp)
        ld      s8, 88(sp)
        ld      s9, 96(sp)
        ld      s10, 104(sp)
        ld      s11, 112(sp)
        addi    sp, sp, 128
        ret

        .balign 4
micro_trap_s:
        bnez    a7, 1f
        csrr    t0, sepc
        addi    t0, t0, 4
        csrw    sepc, t0
        sret
1:      ecall

/* A software interrupt to M-mode: taken back by clearing msip, and t2 tells the loop that waits. */
        .balign 4
micro_trap_soft:
        li      t0, 0x02000000
        sw      zero, (t0)
        li      t2, 1
        mret

/* a0: mode, a1: function, a2: its argument */
        .balign 4
micro_call_in:
        addi    sp, sp, -128
        sd      ra, 0(sp)
        sd      gp, 8(sp)
        sd      tp, 16(sp)
        sd      s0, 24(sp)
        sd      s1, 32(sp)
        sd      s2, 40(sp)
        sd      s3, 48(sp)
        sd      s4, 56(sp)
        sd      s5, 64(sp)
        sd      s6, 72(sp)
        sd      s7, 80(sp)
        sd      s8, 88(sp)
        sd      s9, 96(sp)
        sd      s10, 104(sp)
        sd      s11, 112(sp)
        la      t0, caller_sp
        sd      sp, (t0)
        li      t0, 3 << 11             /* mstatus.MPP */
        csrc    mstatus, t0
        slli    a0, a0, 11
        csrs    mstatus, a0
        csrw    mepc, a1
        mv      a0, a2
        li      a7, 0
        la      ra, 1f
        mret
1:      li      a7, 1
        ecall

/* a0: how many; ends through micro_trap_s, as U-mode cannot return to an address that it may not fetch. */
        .balign 4
micro_user_ecalls:
        mv      a1, a0
1:      ecall
        addi    a1, a1, -1
        bnez    a1, 1b
        li      a7, 1
        ecall

        .bss
        .balign 8
caller_sp:
        .zero   8
