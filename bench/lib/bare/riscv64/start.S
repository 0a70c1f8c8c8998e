/* SPDX-License-Identifier: MIT */
/*
 * Reset entry in M-mode: hart 0 sets up a stack, floating point and a trap vector, clears .bss and calls
 * bare_main; any other hart sleeps. An unexpected trap is reported and ends the run. The arena's upper limit
 * leaves the last 4 MiB alone, where the board may have put its device tree.
 */
        .section .text.start, "ax"
        .globl _start
_start:
        csrr    t0, mhartid
        bnez    t0, 3f
        .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop
        la      sp, bare_stack_top
        la      t0, bare_trap_entry
        csrw    mtvec, t0
        csrw    mie, zero
        li      t0, 0x6000              /* mstatus.FS = dirty */
        csrs    mstatus, t0
        csrw    fcsr, zero
        la      t0, bare_bss_start
        la      t1, bare_bss_end
1:      bgeu    t0, t1, 2f
        sd      zero, (t0)
        addi    t0, t0, 8
        j       1b
2:      call    bare_main
3:      wfi
        j       3b

        .balign 4
        .globl bare_trap_entry
bare_trap_entry:
        la      sp, bare_stack_top
        csrr    a0, mcause
        csrr    a1, mepc
        csrr    a2, mtval
        call    bare_unexpected_trap
        j       3b
