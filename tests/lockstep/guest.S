/* SPDX-License-Identifier: MIT */
/*
 * The guest of tests/lockstep/engines.py, bare on the virt board: each hart works through sums, products,
 * loads and stores of its own, with a timer interrupt now and then; hart 0 ends the machine. The labels
 * planted_* are places where the test makes one engine go wrong.
 */
        .section .text.start, "ax"
        .globl _start
_start:
        csrr    s0, mhartid
        la      t0, trap
        csrw    mtvec, t0
        /* the next interrupt: 20 microseconds from now and on */
        li      s1, 0x2004000
        slli    t0, s0, 3
        add     s1, s1, t0
        call    arm_timer
        li      t0, 1 << 7
        csrw    mie, t0
        csrsi   mstatus, 8
        /* a page of data a hart */
        la      s2, data
        slli    t0, s0, 12
        add     s2, s2, t0
        li      s3, 20000
        li      a0, 1
        li      a1, 0x9e3779b9
        li      a5, 0
1:      mul     a2, a0, a1
        srli    a3, a2, 29
        .option push
        .option norvc
planted_xor:
        xor     a2, a2, a3
        .option pop
        andi    t1, a2, 0x7f8
        add     t1, t1, s2
        ld      a4, (t1)
        add     a4, a4, a2
planted_store:
        sd      a4, 8(t1)
        amoadd.d a3, a2, (s2)
        add     a0, a2, a0
        /* x + x, a product by a power of two, and a block that ends in a call */
        slli    a3, a0, 32
planted_shift:
        srli    a3, a3, 30
        add     a5, a5, a3
        call    mix
        addi    s3, s3, -1
        bnez    s3, 1b
        bnez    s0, 2f
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, (t0)
2:      wfi
        j       2b

mix:    sub     a3, a0, a5
        andi    a3, a3, 1
        beqz    a3, 3f
        addi    a5, a5, 7
3:      ret

arm_timer:
        li      t0, 0x200bff8
        ld      t0, (t0)
        addi    t0, t0, 200
        sd      t0, (s1)
        ret

        .align  2
trap:   csrw    mscratch, t0
        mv      s4, ra
        call    arm_timer
        mv      ra, s4
        addi    s5, s5, 1
        csrr    t0, mscratch
        mret

        .bss
        .align  12
data:   .space  8 * 4096
