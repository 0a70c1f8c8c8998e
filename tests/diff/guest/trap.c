/* SPDX-License-Identifier: MIT */
/*
 * Interrupts (unit 0): random pending and enabled ones, random delegation, at random privileges, present on
 * entry or unmasked by an instruction of the case. Delegated exceptions (unit 1). stvec points to ECALLs, so
 * a case that goes through S ends there, and shows in scause, sepc and stval what S was told.
 */
#include "guest.h"

#define MSIP ((volatile u32 *)0x2000000)
#define MTIMECMP ((volatile u64 *)0x2004000)

static void mix_s(void)
{
        case_mix(csr_read(scause));
        case_mix(csr_read(sepc));
        case_mix(csr_read(stval));
        case_mix(csr_read(mip));
        say("scause", csr_read(scause));
        say("sepc", csr_read(sepc));
        say("stval", csr_read(stval));
        say("mip", csr_read(mip));
}

/* What may unmask an interrupt, with the operand in x31. */
static u32 unmasking(enum mode mode)
{
        static const u32 in_m[] = {0x304f9073 /* csrw mie */, 0x344f9073 /* csrw mip */,
                                   0x30046073 /* csrsi mstatus, 8 */, 0x303f9073 /* csrw mideleg */,
                                   0x300fa073 /* csrs mstatus */, 0x00000013 /* nop */};
        static const u32 in_s[] = {0x104f9073 /* csrw sie */, 0x144f9073 /* csrw sip */,
                                   0x10016073 /* csrsi sstatus, 2 */, 0x100fa073 /* csrs sstatus */,
                                   0x00000013, 0x10017073 /* csrci sstatus, 2 */};

        if (mode == MODE_U)
                return 0x00000013;
        return mode == MODE_S ? in_s[rnd_below(6)] : in_m[rnd_below(6)];
}

/*
 * QEMU takes the lowest number of several interrupts for the same privilege, which is not their order (volume
 * II, 3.1.9): so at most one for each.
 */
static u64 one_for_each(u64 pending, u64 delegated)
{
        u64 s = pending & delegated, m = pending & ~delegated;

        return (s & -s) | (m & -m);
}

static void interrupt_case(struct env *e, u32 word)
{
        u64 r = rnd(), pending;

        random_state(e);
        in.x[31] = r >> 32 & 0xaaa;
        if (word == 0x300fa073)
                in.x[31] &= 0xa;
        csr_write(stvec, HANDLER_PAGE | (r & 1));
        csr_write(mideleg, r & 0x222);
        csr_write(mie, rnd() & (r & BIT(62) ? 0xaaa : rnd()) & 0xaaa);
        pending = rnd() & 0x222;
        if (r >> 60 < 3)
                pending &= r & 0x222; /* a line of M's own takes the place of one that is not delegated */
        else
                pending = one_for_each(pending, r & 0x222);
        if (word == 0x303f9073 || word == 0x344f9073) {
                pending &= -pending;
                in.x[31] &= -in.x[31];
        }
        if (word == 0x344f9073)
                pending = 0;
        pending = r >> 60 < 3 ? one_for_each(pending, ~0ull) : pending;
        csr_write(mip, pending);
        *MSIP = r >> 60 == 1;
        *MTIMECMP = r >> 60 == 2 ? 0 : ~0ull;
        while ((csr_read(mip) >> 7 & 1) != (r >> 60 == 2) || (csr_read(mip) >> 3 & 1) != (r >> 60 == 1))
                ;
        in.mstatus &= ~(MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR);
        say("mie", csr_read(mie));
        say("mideleg", csr_read(mideleg));
        say("pending", csr_read(mip));
        say("x31", in.x[31]);
        say_insn(e->pc + 4, word);
        case_run(e);
        case_mix_state();
        mix_s();
        case_mix(csr_read(mie));
        *MSIP = 0;
        *MTIMECMP = ~0ull;
        case_end();
        restore_csrs();
}

/* An instruction that makes an exception, most of the time, with its address in x31. */
static u32 excepting(void)
{
        static const u32 some[] = {0x00000073 /* ecall */, 0x00100073 /* ebreak */, 0x00000000,
                                   0x0000000f /* fence */, 0x000fb503 /* ld a0, (x31) */,
                                   0x00afb023 /* sd a0, (x31) */, 0x00bfb52f /* amoadd.d a0, a1, (x31) */,
                                   0x100fb52f /* lr.d a0, (x31) */, 0x000f8067 /* jr x31 */,
                                   0x30002573 /* csrr a0, mstatus */, 0x10200073 /* sret */};

        return some[rnd_below(11)];
}

static void exception_case(struct env *e, u32 word)
{
        u64 r = rnd();

        random_state(e);
        in.x[31] = random_ea(e->mode, 3, true);
        if (word == 0x10200073)
                csr_write(sepc, in.x[31] & ~1ull);
        csr_write(stvec, HANDLER_PAGE | (r & 1));
        csr_write(medeleg, rnd() & 0xb1ff); /* not the ECALL from S, which ends the case */
        say("medeleg", csr_read(medeleg));
        say_insn(e->pc + 4, word);
        case_run(e);
        if (word == 0x10200073 && out.mcause == 2)
                out.mtval = 0; /* as in rows.c */
        if (word == 0x10200073 && csr_read(scause) == 2)
                csr_write(stval, 0);
        /* see case_mix_state */
        if (csr_read(scause) == 3 && ((csr_read(stval) ^ csr_read(sepc)) & 0x3fffffff) == 0)
                csr_write(stval, csr_read(sepc));
        case_mix_state();
        mix_s();
        case_end();
        restore_csrs();
}

void trap_chunk(unsigned unit)
{
        static const u8 modes[] = {MODE_U, MODE_S, MODE_S, MODE_M};
        struct env e;

        for (u64 w = 0; w < params.n_words; w++) {
                enum mode mode = modes[rnd_below(4)];
                u32 word = unit ? excepting() : unmasking(mode);

                if (unit && mode == MODE_M && word == 0x000f8067)
                        word = 0; /* M would run what is there */

                code_place(&e, mode, 0x200, unit && rnd_one_in(2));
                code_put(e.code, 0x00000013, 4);
                code_put(e.code + 2, word, 4);
                code_put(e.code + 4, 0x00000013, 4);
                fence_i();
                for (u64 i = 0; i < params.n_sets; i++) {
                        if (unit)
                                exception_case(&e, word);
                        else
                                interrupt_case(&e, word);
                }
                code_clear(e.code, 6);
        }
}
