/* SPDX-License-Identifier: MIT */
/*
 * Entry in M-mode on all harts, the way into S-mode, and the trap handler: machine software interrupts, calls
 * and page faults from S-mode, all by guest_trap (main.c). One stack of 16 KiB a hart; M-mode has the upper
 * quarter.
 */
        .option norelax
        .section .text.start, "ax"
        .globl _start
_start:
        csrr    a0, mhartid
        la      sp, stacks
        slli    t0, a0, 14
        add     sp, sp, t0
        li      t0, 16384
        add     sp, sp, t0
        csrw    mscratch, sp
        li      t0, 4096
        sub     sp, sp, t0
        la      t0, trap
        csrw    mtvec, t0
        li      t0, -1
        csrw    pmpaddr0, t0
        li      t0, 0x1f
        csrw    pmpcfg0, t0
        li      t0, 8           /* MSIE */
        csrw    mie, t0
        li      t0, -1
        csrw    mcounteren, t0
        call    guest_hart_init
        li      t0, 0x1800
        csrc    mstatus, t0
        li      t0, 0x0800
        csrs    mstatus, t0     /* MPP = S */
        la      t0, 1f
        csrw    mepc, t0
        csrr    a0, mhartid
        mret
1:      call    guest_main
2:      wfi
        j       2b

        .balign 4
trap:
        csrrw   sp, mscratch, sp
        addi    sp, sp, -144
        sd      ra, 0(sp)
        sd      t0, 8(sp)
        sd      t1, 16(sp)
        sd      t2, 24(sp)
        sd      t3, 32(sp)
        sd      t4, 40(sp)
        sd      t5, 48(sp)
        sd      t6, 56(sp)
        sd      a0, 64(sp)
        sd      a1, 72(sp)
        sd      a2, 80(sp)
        sd      a3, 88(sp)
        sd      a4, 96(sp)
        sd      a5, 104(sp)
        sd      a6, 112(sp)
        sd      a7, 120(sp)
        csrr    a3, mcause
        csrr    a4, mtval
        call    guest_trap      /* keeps a0 to a2, the arguments of a call */
        ld      ra, 0(sp)
        ld      t0, 8(sp)
        ld      t1, 16(sp)
        ld      t2, 24(sp)
        ld      t3, 32(sp)
        ld      t4, 40(sp)
        ld      t5, 48(sp)
        ld      t6, 56(sp)
        ld      a0, 64(sp)
        ld      a1, 72(sp)
        ld      a2, 80(sp)
        ld      a3, 88(sp)
        ld      a4, 96(sp)
        ld      a5, 104(sp)
        ld      a6, 112(sp)
        ld      a7, 120(sp)
        addi    sp, sp, 144
        csrrw   sp, mscratch, sp
        mret

        .section .bss
        .balign 4096
stacks: .space  8 * 16384
