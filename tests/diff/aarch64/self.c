/* SPDX-License-Identifier: MIT */
/*
 * What scripts/diff leaves out because QEMU is not exact there (docs/TESTING.md has the list): each is
 * checked here against what the architecture says, with no other emulator. One line for each that fails.
 */
#include "guest.h"

static struct env e;

/* A quiet state for the words, with a good stack and x1 in the first data page. */
static void begin(enum mode mode, const u32 *words, unsigned n)
{
        static const u8 bits[N_MODES] = {0, 4, 5};

        code_place(&e, mode, 0x100, false);
        for (unsigned i = 0; i < n; i++)
                code_put(&e, i, words[i]);
        code_sync(e.code, n);
        in = (struct state){0};
        in.x[1] = DATA + 0x40;
        in.sp_el0 = in.sp_el1 = DATA + 0x800;
        in.cpacr = 3 << 20;
        in.sctlr = SCTLR_ALWAYS | SCTLR_SPAN;
        in.spsr = bits[mode] | PSTATE_DAIF;
        in.elr = e.pc;
}

static void run(unsigned n)
{
        case_run(&e);
        code_clear(&e, n);
        code_sync(e.code, n);
}

#define BEGIN(mode, ...) \
        static const u32 words[] = {__VA_ARGS__}; \
        const unsigned n = sizeof(words) / 4; \
        begin(mode, words, n)

static u64 class_of(void)
{
        return out.esr >> 26;
}

enum { EC_UNKNOWN = 0, EC_WFX = 1, EC_ILLEGAL = 0x0e, EC_ABORT_EL0 = 0x24, EC_ABORT = 0x25, EC_SP = 0x26,
       EC_BRK = 0x3c };

/* With SCTLR_EL1.SA or SA0 a stack pointer that is a base must be a multiple of 16. */
static void stack_alignment(void)
{
        for (unsigned mode = 0; mode < N_MODES; mode++) {
                for (unsigned on = 0; on < 2; on++) {
                        BEGIN(mode, 0xf94003e0 /* ldr x0, [sp] */);

                        *state_sp(&in, mode) += 8;
                        in.sctlr |= on ? mode == MODE_EL0 ? SCTLR_SA0 : SCTLR_SA
                                       : mode == MODE_EL0 ? SCTLR_SA : SCTLR_SA0;
                        run(n);
                        expect("class of a misaligned stack pointer", class_of(), on ? EC_SP : EC_BRK);
                }
        }
}

/* In a sequence: after the pointer changed in the same block. */
static void stack_alignment_later(void)
{
        BEGIN(MODE_EL0, 0xf94003e0 /* ldr x0, [sp] */, 0xf84083e0 /* ldr x0, [sp], #8 -- as ldur */,
              0x910023ff /* add sp, sp, #8 */, 0xf94003e0);

        in.sctlr |= SCTLR_SA0;
        run(n);
        expect("class after the stack pointer changed", class_of(), EC_SP);
        expect("address after the stack pointer changed", out.elr, e.pc + 12);
}

/* WFE and WFI of EL0 trap unless SCTLR_EL1 lets them; the low bits of the syndrome tell which. */
static void wait_traps(void)
{
        static const u64 syndromes[2] = {0x07e00000, 0x07e00001};

        for (unsigned wfe = 0; wfe < 2; wfe++) {
                BEGIN(MODE_EL0, 0xd503207f /* wfi */);

                if (wfe) {
                        code_put(&e, 0, 0xd503205f);
                        code_sync(e.code, 1);
                }
                run(n);
                expect("syndrome of a WFI or WFE that traps", out.esr, syndromes[wfe]);
                expect("address of a WFI or WFE that traps", out.elr, e.pc);
        }
}

static void wfe_goes_on(void)
{
        BEGIN(MODE_EL0, 0xd503205f);

        in.sctlr |= SCTLR_NTWE;
        run(n);
        expect("class after a WFE that may wait", class_of(), EC_BRK);
}

/* Alignment is looked at before the monitor. */
static void store_exclusive_misaligned(void)
{
        BEGIN(MODE_EL0, 0xc8027c20 /* stxr w2, x0, [x1] */);

        in.x[1] += 4;
        run(n);
        expect("syndrome of a misaligned STXR without reservation", out.esr, 0x92000061);
        expect("address of a misaligned STXR without reservation", out.far, in.x[1]);
}

/* Without LSE2 all atomics and ordered accesses are aligned (B2.2.1). */
static void atomics_aligned(void)
{
        static const u32 some[] = {0xf8220020 /* ldadd */, 0xd9400020 /* ldapur x0 */, 0xc8dffc20 /* ldar */,
                                   0xd9000020 /* stlur */};
        static const u32 syndromes[] = {0x92000021, 0x92000021, 0x92000021, 0x92000061};

        for (unsigned i = 0; i < 4; i++) {
                BEGIN(MODE_EL0, 0xd503201f);

                code_put(&e, 0, some[i]);
                code_sync(e.code, 1);
                in.x[1] += 4; /* within 16 bytes */
                run(n);
                expect("syndrome of a misaligned atomic or ordered access", out.esr, syndromes[i]);
        }
}

/* Neither EL2 nor EL3 is there; halting is for semihosting, and that for EL1. */
static void calls_undefined(void)
{
        static const struct { u32 word; u8 mode; } calls[] = {
                {0xd4000002, MODE_EL1H}, {0xd4000002, MODE_EL0}, {0xd4000003, MODE_EL1H},
                {0xd45e0000, MODE_EL0}, {0xd4400000, MODE_EL1H},
        };

        for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
                BEGIN(calls[i].mode, 0xd503201f);

                code_put(&e, 0, calls[i].word);
                code_sync(e.code, 1);
                run(n);
                expect("syndrome of HVC, SMC or HLT", out.esr, 0x02000000);
                expect("address of HVC, SMC or HLT", out.elr, e.pc);
        }
}

/* There is no AArch32: a return to it is illegal. */
static void return_to_aarch32(void)
{
        BEGIN(MODE_EL1H, 0xd518403e /* msr elr_el1, x30 */, 0xd518401d /* msr spsr_el1, x29 */,
              0xd69f03e0 /* eret */);

        in.x[30] = CODE_PAGE;
        in.x[29] = 0x10;
        run(n);
        expect("class after a return to AArch32", class_of(), EC_ILLEGAL);
        expect("address after a return to AArch32", out.elr, CODE_PAGE);
}

/* SetPSTATEFromPSR: flags, masks and PAN come from SPSR_EL1 even then. */
static void illegal_return_pan(void)
{
        BEGIN(MODE_EL1H, 0xd518403e /* msr elr_el1, x30 */, 0xd518401d /* msr spsr_el1, x29 */,
              0xd69f03e0 /* eret */);

        in.x[30] = CODE_PAGE;
        in.x[29] = 0x9 | PSTATE_PAN | 9ull << 28;
        run(n);
        expect("class after an illegal return", class_of(), EC_ILLEGAL);
        expect("saved state after an illegal return", out.spsr, 5 | PSTATE_IL | PSTATE_PAN | 9ull << 28);
}

/* ISS of ESR_EL1, EC 0x18: op0 0, op2 7, op1 3, CRn 4, Rt 31, CRm. */
static void mask_trap(void)
{
        BEGIN(MODE_EL0, 0xd50345ff /* msr daifclr, #5 */);

        run(n);
        expect("syndrome of DAIFClr in EL0", out.esr,
               0x62000000 | 7 << 17 | 3 << 14 | 4 << 10 | 31 << 5 | 5 << 1);
}

/* LDXP only reads. */
static void load_pair_reads(void)
{
        BEGIN(MODE_EL0, 0xc87f0c22 /* ldxp x2, x3, [x1] */);

        in.x[1] = DATA + 2 * PAGE;
        run(n);
        expect("class after LDXP of a page that cannot be written", class_of(), EC_BRK);
}

/*
 * Whether a store of the same CPU ends a reservation is left to each implementation; not that an STXP stores
 * both words where it says so, and none where it does not.
 */
static void store_pair_tells(void)
{
        static const u32 stores[2] = {0xf9000024 /* str x4, [x1] */, 0xf9000424 /* str x4, [x1, #8] */};

        for (unsigned half = 0; half < 2; half++) {
                BEGIN(MODE_EL0, 0xc87f0c22 /* ldxp x2, x3, [x1] */, 0xd503201f,
                      0xc8251c26 /* stxp w5, x6, x7, [x1] */);
                const u64 *memory = data_word(in.x[1]);
                u64 want[2] = {memory[0], memory[1]};

                code_put(&e, 1, stores[half]);
                code_sync(e.code, n);
                in.x[4] = want[half] = ~memory[half];
                in.x[5] = 2;
                in.x[6] = 6 + want[0];
                in.x[7] = 7 + want[1];
                run(n);
                if (out.x[5] == 0) {
                        want[0] = in.x[6];
                        want[1] = in.x[7];
                }
                expect("status of an STXP after a store between", out.x[5] & ~1ull, 0);
                expect("first word after an STXP that tells", memory[0], want[0]);
                expect("second word after an STXP that tells", memory[1], want[1]);
        }
}

void self_chunk(unsigned unit)
{
        (void)unit;
        stack_alignment();
        stack_alignment_later();
        wait_traps();
        wfe_goes_on();
        store_exclusive_misaligned();
        atomics_aligned();
        calls_undefined();
        return_to_aarch32();
        illegal_return_pan();
        mask_trap();
        load_pair_reads();
        store_pair_tells();
}
