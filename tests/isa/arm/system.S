/* SPDX-License-Identifier: MIT */
/*
 * The part of the system test that needs registers by name: vectors, and probes that run one access or
 * instruction at EL1 or EL0 and come back by whatever exception it takes, or by the end of the probe.
 */
        .arch armv8.2-a+pan

#include "entry.S"

        .balign 2048
vectors:
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        .balign 128
        msr     tpidr_el1, x0
        mov     x0, #\n
        b       caught
        .endr

/* Notes vector number and syndrome, and ends the probe. */
caught:
        msr     tpidrro_el0, x1
        adrp    x1, note
        add     x1, x1, :lo12:note
        str     x0, [x1]
        mrs     x0, esr_el1
        str     x0, [x1, #8]
        mrs     x0, far_el1
        str     x0, [x1, #16]
        mrs     x0, elr_el1
        str     x0, [x1, #24]
        mrs     x0, spsr_el1
        str     x0, [x1, #32]
        ldr     x0, [x1, #40]
        mov     sp, x0
        adr     x0, probe_end
        msr     elr_el1, x0
        mov     x0, #0x3c5
        msr     spsr_el1, x0
        mrs     x0, tpidr_el1
        eret

/* uint64_t probe(uint64_t code, uint64_t x1, uint64_t spsr, uint64_t sp_el0): code with x1 in that state. */
        .globl  probe
probe:
        save_registers
        adrp    x9, note
        add     x9, x9, :lo12:note
        mov     x10, sp
        str     x10, [x9, #40]
        mov     x10, #99
        str     x10, [x9]
        msr     sp_el0, x3
        msr     elr_el1, x0
        msr     spsr_el1, x2
        adr     x30, probe_return
        eret
probe_return:
        b       probe_end
probe_end:
        mrs     x0, tpidr_el1
        msr     pan, #0
        restore_registers
        ret

/* What probes run; copied to pages that EL0 may execute. Each is 16 bytes and ends in SVC. */
        .globl  snippets
        .balign 4096
snippets:
        .macro  snippet insn:vararg
        .balign 16
        \insn
        svc     #1
        .endm
        snippet ldr x0, [x1]
        snippet str x0, [x1]
        snippet ldtr x0, [x1]
        snippet sttr x0, [x1]
        snippet br x1
        snippet ldxr x0, [x1]
        snippet stp x0, x0, [x1, #-8]
        snippet dc zva, x1
        snippet ic ivau, x1
        snippet dc cvac, x1
        snippet mrs x0, ctr_el0
        snippet msr daifset, #2
        snippet mrs x0, daif
        snippet mrs x0, ttbr0_el1
        snippet mrs x0, cntvct_el0
        snippet mrs x0, cntp_ctl_el0
        snippet wfi
        snippet wfe
        snippet brk #0x123
        snippet .inst 0x00000000
        snippet hlt #1
        snippet fmov d0, d1
        snippet ldr q0, [x1]
        snippet mrs x0, fpcr
        snippet ldr x0, [sp]
        snippet mrs x0, s3_0_c15_c7_7
        snippet smc #0
        snippet msr spsel, #0
        snippet ldaxr w0, [x1]
        snippet ldadd x0, x0, [x1]
        snippet svc #0xffff
        snippet eret
        snippet mrs x0, currentel
        snippet mrs x0, dczid_el0
        snippet dc ivac, x1
        snippet tlbi vmalle1
        .balign 4096

        .bss
        .balign 16
        .globl  note
note:   .space  64
        .space  65536
        .balign 16
stack_top:
