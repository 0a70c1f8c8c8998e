/* SPDX-License-Identifier: MIT */
/*
 * System registers and SYS operations that cases may name: those that any CPU of version 8.2 without EL2 and
 * EL3 has. Of others QEMU knows more than there need be (its models have debug, performance and
 * implementation-defined registers).
 */
#include "guest.h"

enum { DIFFERS = 1 /* in value */, NO_WRITE = 2 /* the guest or the emulator does not survive it */,
       EL0 = 4 };

struct sysreg {
        u8 op0, op1, crn, crm, op2, flags;
        u64 mask; /* what may be written, and is compared */
};

static const struct sysreg sysregs[] = {
        {3, 3, 13, 0, 2, EL0, ~0ull},                     /* tpidr_el0 */
        {3, 3, 13, 0, 3, EL0, ~0ull},                     /* tpidrro_el0 */
        {3, 3, 4, 2, 0, EL0, ~0ull},                      /* nzcv */
        {3, 3, 4, 2, 1, EL0, ~0ull},                      /* daif */
        {3, 3, 4, 4, 0, EL0, FPCR_MODES},                 /* fpcr */
        {3, 3, 4, 4, 1, EL0, 0x0800009f},                 /* fpsr; of a CPU with AArch32 also 31 to 28 */
        {3, 3, 0, 0, 1, EL0 | DIFFERS, 0},                /* ctr_el0 */
        {3, 3, 0, 0, 7, EL0, 0},                          /* dczid_el0 */
        {3, 3, 14, 0, 0, EL0 | DIFFERS | NO_WRITE, 0},    /* cntfrq_el0: QEMU lets EL1 write it */
        {3, 3, 14, 0, 1, EL0 | DIFFERS, 0},               /* cntpct_el0 */
        {3, 3, 14, 0, 2, EL0 | DIFFERS, 0},               /* cntvct_el0 */
        {3, 3, 14, 2, 2, EL0, ~0ull},                     /* cntp_cval_el0 */
        {3, 3, 14, 3, 2, EL0, ~0ull},                     /* cntv_cval_el0 */
        {3, 0, 0, 0, 0, DIFFERS, 0},                      /* midr_el1 */
        {3, 0, 0, 0, 5, DIFFERS, 0},                      /* mpidr_el1 */
        {3, 0, 0, 4, 0, DIFFERS, 0},                      /* id_aa64pfr0_el1 */
        {3, 0, 0, 6, 0, DIFFERS, 0},                      /* id_aa64isar0_el1 */
        {3, 0, 0, 7, 0, DIFFERS, 0},                      /* id_aa64mmfr0_el1 */
        {3, 0, 0, 7, 7, DIFFERS, 0},                      /* reserved: zero */
        {3, 2, 0, 0, 0, 0, 5},                            /* csselr_el1 */
        {3, 0, 1, 0, 0, DIFFERS | NO_WRITE, 0},           /* sctlr_el1 */
        {3, 0, 1, 0, 2, 0, 3 << 20},                      /* cpacr_el1 */
        {3, 0, 2, 0, 0, NO_WRITE, 0},                     /* ttbr0_el1 */
        {3, 0, 2, 0, 1, NO_WRITE, 0},                     /* ttbr1_el1 */
        {3, 0, 2, 0, 2, NO_WRITE, 0},                     /* tcr_el1 */
        {3, 0, 10, 2, 0, NO_WRITE, 0},                    /* mair_el1 */
        {3, 0, 13, 0, 1, 0, 0xffffffff},                  /* contextidr_el1 */
        {3, 0, 7, 4, 0, 0, ~0ull},                        /* par_el1 */
        {3, 0, 4, 0, 0, 0, PSTATE_NZCV | PSTATE_PAN | PSTATE_IL | PSTATE_DAIF | 0x1f}, /* spsr_el1 */
        {3, 0, 4, 0, 1, 0, ~0ull},                        /* elr_el1 */
        {3, 0, 4, 1, 0, 0, ~0ull},                        /* sp_el0 */
        {3, 0, 4, 2, 0, 0, 1},                            /* spsel */
        {3, 0, 4, 2, 2, 0, 0},                            /* currentel */
        {3, 0, 4, 2, 3, 0, PSTATE_PAN},                   /* pan */
        {3, 0, 5, 2, 0, 0, 0xffffffff},                   /* esr_el1 */
        {3, 0, 6, 0, 0, 0, ~0ull},                        /* far_el1 */
        {3, 0, 12, 0, 0, NO_WRITE, 0},                    /* vbar_el1 */
        {3, 0, 12, 1, 0, 0, 0},                           /* isr_el1 */
        {3, 0, 14, 1, 0, 0, 0x3ff & ~0xfcull},            /* cntkctl_el1 */
        {3, 0, 4, 1, 1, DIFFERS, 0},                      /* not there */
        {3, 4, 1, 0, 0, DIFFERS, 0},                      /* sctlr_el2: not there */
        {3, 6, 1, 0, 0, DIFFERS, 0},                      /* sctlr_el3: not there */
        {2, 0, 1, 1, 4, DIFFERS, 0},                      /* oslsr_el1 */
};
enum { N_SYSREGS = sizeof(sysregs) / sizeof(sysregs[0]) };
#define SP_EL0 (1u << 19 | 4 << 12 | 1 << 8)

static u32 key(const struct sysreg *r)
{
        return (u32)(r->op0 & 1) << 19 | r->op1 << 16 | r->crn << 12 | r->crm << 8 | r->op2 << 5;
}

static const struct sysreg *of_word(u32 word)
{
        for (unsigned i = 0; i < N_SYSREGS; i++) {
                if (key(&sysregs[i]) == (word & 0xfffe0u))
                        return &sysregs[i];
        }
        return NULL;
}

u32 random_sysreg(enum mode mode, bool write, u32 word)
{
        const struct sysreg *r;

        /* SP_EL0 is undefined where it is the stack pointer */
        if (mode == MODE_EL1T && rnd_one_in(8))
                return (word & ~0xfffe0u) | SP_EL0;
        do
                r = &sysregs[rnd_below(N_SYSREGS)];
        while ((write && (r->flags & NO_WRITE) && mode != MODE_EL0) ||
               (mode == MODE_EL0 && !(r->flags & EL0) && rnd_below(3)));
        return (word & ~0xfffe0u) | key(r);
}

bool sysreg_value_differs(u32 word)
{
        const struct sysreg *r = of_word(word);

        return r && (r->flags & DIFFERS);
}

u64 sysreg_operand(u32 word, u64 value)
{
        const struct sysreg *r = of_word(word);

        return r ? value & r->mask : value;
}

/* op1, CRn, CRm, op2 */
static const u8 operations[][4] = {
        {0, 7, 1, 0}, {0, 7, 5, 0}, {3, 7, 5, 1},                               /* IC IALLUIS, IALLU, IVAU */
        {0, 7, 6, 1}, {0, 7, 6, 2}, {0, 7, 10, 2}, {0, 7, 14, 2},               /* DC IVAC, ISW, CSW, CISW */
        {3, 7, 10, 1}, {3, 7, 11, 1}, {3, 7, 14, 1},                            /* DC CVAC, CVAU, CIVAC */
        {3, 7, 4, 1}, {3, 7, 4, 1}, {3, 7, 4, 1}, {3, 7, 4, 1},                 /* DC ZVA */
        {0, 7, 8, 0}, {0, 7, 8, 1}, {0, 7, 8, 2}, {0, 7, 8, 3}, {0, 7, 9, 0}, {0, 7, 9, 1}, /* AT */
        {0, 8, 7, 0}, {0, 8, 7, 1}, {0, 8, 7, 2}, {0, 8, 7, 3}, {0, 8, 7, 5}, {0, 8, 7, 7}, /* TLBI */
        {0, 8, 3, 0}, {0, 8, 3, 1}, {0, 8, 3, 2}, {0, 8, 3, 3}, {0, 8, 3, 5}, {0, 8, 3, 7},
        {0, 7, 8, 4}, {4, 8, 7, 0}, {0, 9, 1, 1},                               /* not there */
};

u32 random_sys(u32 word)
{
        const u8 *o = operations[rnd_below(sizeof(operations) / 4)];

        return (word & ~0x7ffe0u) | (u32)o[0] << 16 | o[1] << 12 | o[2] << 8 | o[3] << 5;
}

void sysreg_mix(void)
{
        static const char *const names[] = {"contextidr", "cntkctl", "csselr", "par"};
        u64 values[] = {sys_read(contextidr_el1), sys_read(cntkctl_el1) & 0x303, sys_read(csselr_el1) & 5,
                        sys_read(par_el1)};

        for (unsigned i = 0; i < 4; i++) {
                case_mix(values[i]);
                say(names[i], values[i]);
        }
}
