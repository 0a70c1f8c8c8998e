/* SPDX-License-Identifier: MIT */
/*
 * Every CSR number from every privilege (units: U, S, M): a random CSR instruction, then a read of the same
 * register, with random permissions (counter enables, FS, TVM, STCE) and pending interrupts. What the write
 * did to the others is compared too. Bits where QEMU has more than the features that are on are left out,
 * register by register.
 */
#include "guest.h"

extern char case_trap[];

enum {
        CSR_SSTATUS = 0x100, CSR_SENVCFG = 0x10a, CSR_SEPC = 0x141, CSR_SIP = 0x144, CSR_STIMECMP = 0x14d,
        CSR_SATP = 0x180,
        CSR_MSTATUS = 0x300, CSR_MISA = 0x301, CSR_MEDELEG = 0x302, CSR_MIDELEG = 0x303, CSR_MTVEC = 0x305,
        CSR_MENVCFG = 0x30a, CSR_MSCRATCH = 0x340, CSR_MEPC = 0x341,
        CSR_MIP = 0x344, CSR_PMPCFG0 = 0x3a0, CSR_PMPADDR0 = 0x3b0,
};

static const u16 known[] = {
        0x001, 0x002, 0x003, 0x100, 0x104, 0x105, 0x106, 0x10a, 0x140, 0x141, 0x142, 0x143, 0x144, 0x14d,
        0x180, 0x300, 0x301, 0x302, 0x303, 0x304, 0x305, 0x306, 0x30a, 0x320, 0x340, 0x341, 0x342, 0x343,
        0x344, 0x3a0, 0x3a1, 0x3a2, 0x3b0, 0x3b3, 0x3bf, 0x3c0, 0xb00, 0xb02, 0xc00, 0xc01, 0xc02, 0xf11,
        0xf12, 0xf13, 0xf14, 0xf15, 0xb03, 0x323, 0x100, 0x104, 0x144, 0x180, 0x180, 0x180, 0x300, 0x303,
        0xc00, 0xc01, 0xc02, 0xc03, 0x5a8, 0x7a0, 0x747, 0x600, 0x008, 0x015, 0x017, 0x350, 0xda0, 0x30c,
        0x10c, 0xfb0, 0x321, 0xb01,
};

static bool counts(unsigned csr)
{
        return csr - 0xc00 < 3 || csr == 0xb00 || csr == 0xb02;
}

/* Bits of a register that are compared. */
static u64 compared(unsigned csr)
{
        switch (csr) {
        case CSR_SENVCFG: return 1;                 /* FIOM; the rest is of cache-block extensions */
        case CSR_MENVCFG: return 1 | BIT(63);
        case CSR_SEPC: case CSR_MEPC: return ~1ull;
        case CSR_MEDELEG: return 0xb1ff | BIT(9);   /* what exists */
        case 0x304: case 0x104: case CSR_MIP: case CSR_SIP: /* QEMU: local and virtual ones too */
                return 0xaaa;
        case CSR_MIDELEG: return 0x222;
        default: /* QEMU lets all of pmpaddr be written */
                return csr >= CSR_PMPADDR0 && csr < CSR_PMPADDR0 + 16 ? ~0ull >> 10 : ~0ull;
        }
}

/*
 * Numbers that are left out: without Zihpm QEMU has mhpmevent writable and mhpmcounter illegal; by the
 * privileged specification all of them are there and may be zero.
 */
static bool left_out(unsigned csr)
{
        return (csr >= 0x323 && csr <= 0x33f) || (csr >= 0xb03 && csr <= 0xb1f);
}

static bool is_status(unsigned csr)
{
        return csr == CSR_SSTATUS || csr == CSR_MSTATUS;
}

static unsigned random_number(void)
{
        unsigned csr;

        do
                csr = rnd_below(5) ? known[rnd_below(sizeof(known) / sizeof(known[0]))] : rnd_below(4096);
        while (left_out(csr));
        return csr;
}

/* An operand that does not lock PMP entries, change register widths, or set a time that is soon. */
static u64 fix_operand(unsigned unit, unsigned csr, unsigned op, u64 v)
{
        if (is_status(csr))
                v &= ~(15ull << 32);
        if (csr >= CSR_PMPCFG0 && csr < CSR_PMPCFG0 + 16) {
                v &= 0x1f1f1f1f1f1f1f1full;
                /* W without R is reserved */
                if (op == 3)
                        v |= (v & 0x0101010101010101ull) << 1;
                else
                        v &= ~((~v & 0x0101010101010101ull) << 1);
        }
        if (csr == CSR_SATP && unit == 1)
                v = (v & ~(15ull << 60)) | 5ull << 60; /* no such mode: nothing changes */
        if (csr == CSR_STIMECMP)
                v = op == 3 ? v & ~BIT(60) : v | BIT(60);
        return v ? v : BIT(40);
}

static void mix_named(const char *name, u64 value)
{
        case_mix(value);
        say(name, value);
}

static void mix_csrs(void)
{
        mix_named("mie", csr_read(mie) & compared(0x304));
        mix_named("mip", csr_read(mip) & compared(CSR_MIP));
        mix_named("mideleg", csr_read(mideleg) & compared(CSR_MIDELEG));
        mix_named("medeleg", csr_read(medeleg) & compared(CSR_MEDELEG));
        mix_named("stvec", csr_read(stvec));
        mix_named("scounteren", csr_read(scounteren));
        mix_named("mcounteren", csr_read(mcounteren));
        mix_named("menvcfg", csr_read(0x30a) & compared(CSR_MENVCFG));
        mix_named("senvcfg", csr_read(0x10a) & 1);
        mix_named("sscratch", csr_read(sscratch));
        mix_named("sepc", csr_read(sepc) & ~1ull);
        mix_named("scause", csr_read(scause));
        mix_named("stval", csr_read(stval));
        mix_named("satp", csr_read(satp));
        mix_named("stimecmp", csr_read(0x14d));
        mix_named("mcountinhibit", csr_read(0x320));
        mix_named("pmpcfg0", csr_read(pmpcfg0));
        mix_named("pmpcfg2", csr_read(pmpcfg2));
        mix_named("pmpaddr0", csr_read(pmpaddr0) & compared(CSR_PMPADDR0));
        mix_named("pmpaddr3", csr_read(pmpaddr3) & compared(CSR_PMPADDR0));
        mix_named("pmpaddr15", csr_read(pmpaddr15) & compared(CSR_PMPADDR0));
}

static void restore(void)
{
        restore_csrs();
        csr_write(0x30a, 0);
        csr_write(0x14d, ~0ull);
        csr_write(0x320, 0);
        csr_write(pmpaddr3, 0);
        csr_write(pmpaddr15, 0);
        csr_write(pmpcfg2, 0);
        paging_init();
}

/* Permissions and pending interrupts; none is enabled to begin with. */
static void random_permissions(void)
{
        u64 r = rnd();

        csr_write(mcounteren, r & 7);
        csr_write(scounteren, r >> 8 & 7);
        csr_write(0x30a, r & BIT(63));
        csr_write(mideleg, r >> 16 & 0x222);
        r = r >> 32 & 0x222;
        csr_write(mip, r & -r); /* one: see trap.c */
        csr_write(mie, 0);
}

void csr_chunk(unsigned unit)
{
        static const u8 modes[] = {MODE_U, MODE_S, MODE_M};
        struct env e;

        restore();
        for (u64 w = 0; w < params.n_words; w++) {
                unsigned csr = random_number(), op = 1 + rnd_below(3);
                unsigned rd = rnd_below(16), rs1 = 16 + rnd_below(14), zimm = rnd_below(32);
                bool immediate = rnd_one_in(3), reading = rnd_one_in(4);
                u32 word;

                /* what kernels do all the time: masks made of the interrupt enables alone */
                if (is_status(csr) && rnd_below(2)) {
                        immediate = true;
                        zimm &= 10;
                }
                if (op > 1 && (reading || (csr >= 0xc00 && rnd_below(4))))
                        rs1 = 0;
                if (csr >= CSR_PMPCFG0 && csr < CSR_PMPCFG0 + 16 && !(zimm & 1))
                        zimm &= ~2u;
                /* in S, what the next fetch is translated by is open until a fence */
                if (csr == CSR_SATP && unit == 1 && op > 1)
                        rs1 = 0;
                word = csr << 20 | (immediate && rs1 ? zimm : rs1) << 15 | (immediate ? op | 4 : op) << 12 |
                       rd << 7 | 0x73;
                code_place(&e, modes[unit], 0x100, false);
                code_put(e.code, word, 4);
                code_put(e.code + 2, csr << 20 | 0x2073 | 30 << 7, 4); /* csrr x30, csr */
                if (unit == 2 && (csr == CSR_MTVEC || csr == CSR_MSCRATCH))
                        code_put(e.code + 4, csr << 20 | 0x1073 | 31 << 15, 4); /* csrw csr, x31: as it was */
                fence_i();
                for (u64 i = 0; i < params.n_sets; i++) {
                        random_state(&e);
                        random_permissions();
                        if (csr == CSR_SATP && rnd_one_in(3))
                                in.mstatus |= MSTATUS_TVM;
                        if ((csr == CSR_STIMECMP || csr == CSR_MENVCFG) && unit == 2) {
                                /* QEMU's timer works without STCE too, and does not look when STCE is set */
                                csr_write(mip, csr_read(mip) & ~BIT(5));
                                csr_write(0x30a, csr == CSR_STIMECMP ? BIT(63) : csr_read(0x30a));
                        }
                        if (!immediate && rs1)
                                in.x[rs1] = fix_operand(unit, csr, op, in.x[rs1]);
                        in.x[30] = 0;
                        in.x[31] = csr == CSR_MTVEC ? (u64)case_trap : (u64)&out;
                        if (csr == CSR_MTVEC || csr == CSR_MSCRATCH)
                                in.mstatus &= ~(MSTATUS_MPIE | MSTATUS_MIE);
                        say_insn(e.pc, word);
                        case_run(&e);
                        if (counts(csr) && out.mepc != e.pc) {
                                out.x[rd] = out.x[30] = 0;
                        } else if (out.mepc != e.pc) {
                                out.x[30] &= compared(csr);
                                out.x[rd] &= compared(csr);
                        }
                        if (csr == CSR_MSCRATCH || csr == CSR_MTVEC) /* where this program happens to be */
                                out.x[rd] = out.x[31] = 0;
                        case_mix_state();
                        mix_csrs();
                        case_end();
                        restore();
                }
                code_clear(e.code, 6);
        }
}
