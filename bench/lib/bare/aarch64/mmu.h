/* SPDX-License-Identifier: MIT */
/*
 * For entry code: the MMU on, because without it all data accesses are device accesses (Arm ARM, D8.2.9). The
 * table is for level 1 of 39-bit addresses; its second entry maps memory, at 1 to 2 GiB, as itself.
 */
#pragma once

#define MMU_BLOCK 0x40000701                    /* block, attribute 0, inner shareable, accessed */

        .macro  mmu_on table                    /* the table's register; changes x1 and x2 */
        msr     ttbr0_el1, \table
        mov     x1, #0xff                       /* attribute 0: normal, write-back */
        msr     mair_el1, x1
        ldr     x1, =0x200803519                /* 40-bit PA, TTBR1 off, 4 KiB, shareable, cached, T0SZ 25 */
        msr     tcr_el1, x1
        dsb     ish
        isb
        mrs     x1, sctlr_el1
        mov     x2, #0x1005                     /* M, C, I */
        orr     x1, x1, x2
        bic     x1, x1, #2                      /* A */
        msr     sctlr_el1, x1
        isb
        .endm
