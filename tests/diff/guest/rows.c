/* SPDX-License-Identifier: MIT */
/*
 * Single instructions: each chunk makes random encodings of one row of the decode table and runs each with
 * several operand sets. The instruction stands among C.EBREAKs, so the case ends behind it, where it jumped
 * to, or at its own exception.
 */
#include "guest.h"

static enum mode random_mode(void)
{
        static const u8 modes[16] = {MODE_U, MODE_U, MODE_U, MODE_U, MODE_U, MODE_U, MODE_S, MODE_S, MODE_S,
                                     MODE_S, MODE_S, MODE_MPRV, MODE_MPRV, MODE_MPRV, MODE_M, MODE_M};

        return modes[rnd_below(16)];
}

/* In the page, at its end, across into the next page, and at the end of what is mapped. */
static unsigned random_offset(unsigned length)
{
        switch (rnd_below(16)) {
        case 0: return PAGE - length;
        case 1: return PAGE - 2;
        case 2: return 2 * PAGE - 2;
        case 3: return 2 * PAGE - length;
        default: return rnd_below(PAGE / 2 - 32) * 2;
        }
}

/* ---- which CSRs may be read and written where (csr.c looks at the rest) ---- */

static bool counts(unsigned csr)
{
        return csr - 0xc00 < 3 || csr == 0xb00 || csr == 0xb02;
}

static unsigned random_csr(enum mode mode)
{
        static const u16 some[] = {0x001, 0x002, 0x003, 0x100, 0x105, 0x106, 0x10a, 0x140, 0x141, 0x142,
                                   0x143, 0xc00, 0xc01, 0xc02, 0x340, 0x342, 0x343, 0xf11, 0xf14, 0x301};
        static const u16 machine[] = {0x341, 0x342, 0x343, 0x306, 0xf11, 0xf12, 0xf13, 0xf14, 0x100, 0x105,
                                      0x106, 0x140, 0x141, 0x142, 0x143, 0x001, 0x002, 0x003};

        if (mode >= MODE_MPRV)
                return machine[rnd_below(18)];
        return rnd_below(3) ? some[rnd_below(20)] : rnd_below(4096);
}

static void mix_csrs(void)
{
        case_mix(csr_read(stvec));
        case_mix(csr_read(scounteren));
        case_mix(csr_read(mcounteren));
        case_mix(csr_read(senvcfg) & 1); /* QEMU has bits of extensions that are off */
        case_mix(csr_read(sscratch));
        case_mix(csr_read(sepc) & ~1ull); /* QEMU lets bit 0 be written */
        case_mix(csr_read(scause));
        case_mix(csr_read(stval));
        case_mix(csr_read(satp));
        say("stvec", csr_read(stvec));
        say("scounteren", csr_read(scounteren));
        say("senvcfg", csr_read(senvcfg) & 1);
        say("sscratch", csr_read(sscratch));
        say("sepc", csr_read(sepc) & ~1ull);
        say("scause", csr_read(scause));
        say("stval", csr_read(stval));
        say("satp", csr_read(satp));
}

/* ---- one encoding ---- */

struct sample {
        const struct row *row;
        struct env env;
        u32 word;
        unsigned halves;   /* of code */
        u64 insn_pc;
        u64 ea;
        bool has_ea;
        bool unpaired;     /* an SC without an LR */
};

/* What stands before the instruction: an LR for an SC, the return's target and privilege for an MRET. */
static unsigned put_prologue(struct sample *s, u16 *at)
{
        unsigned rs1;

        if (s->row->cls == C_SC) {
                rs1 = field_get(row_field(s->row, F_RS1), s->word);
                if (rs1 && rnd_one_in(8)) {
                        s->unpaired = true;
                        return 0;
                }
                /* lr */
                code_put(at, (s->row->match & 0x7000) | 0x1000002f | rs1 << 15 | (rs1 == 7 ? 6 : 7) << 7, 4);
                return 2;
        }
        if (s->row->cls == C_MRET && s->env.mode >= MODE_MPRV) {
                code_put(at, 0x341f1073, 4);     /* csrw mepc, x30 */
                code_put(at + 2, 0x300f9073, 4); /* csrw mstatus, x31 */
                return 4;
        }
        return 0;
}

static void fix_word(struct sample *s)
{
        const struct field *f = row_field(s->row, F_OFF);

        /* never onto itself or into itself: that might not end */
        while (f && (field_get(f, s->word) == 0 || field_get(f, s->word) == 2))
                s->word = row_word(s->row);
        if (s->row->cls == C_CSR)
                s->word = field_set(row_field(s->row, F_CSR), s->word, random_csr(s->env.mode));
}

static void make_sample(struct sample *s, const struct row *row)
{
        unsigned offset, n;

        *s = (struct sample){.row = row};
        s->env.mode = random_mode();
        s->word = row_word(row);
        fix_word(s);
        offset = random_offset(row->length);
        if (row->cls == C_WFI)
                offset &= PAGE / 2 - 1; /* QEMU's mepc is a page off where one that is not allowed crosses */
        code_place(&s->env, s->env.mode, offset, rnd_one_in(3));
        n = put_prologue(s, s->env.code);
        code_put(s->env.code + n, s->word, row->length);
        s->halves = n + row->length / 2;
        s->insn_pc = s->env.pc + 2 * n;
        fence_i();
}

/* ---- operands ---- */

static u64 random_target(const struct sample *s)
{
        static const u64 far[] = {1ull << 38, ~0ull, 1ull << 63, 0xffffffc000000000ull, 0x4000, 1ull << 55};
        u64 target;

        do {
                target = s->env.pc - (s->env.pc & (PAGE - 1)) + (rnd_below(3 * PAGE) - PAGE);
                if (s->env.mode < MODE_MPRV) {
                        if (rnd_one_in(8))
                                target = rnd_int();
                        else if (rnd_one_in(8))
                                target = far[rnd_below(6)] + rnd_below(16);
                } else if (rnd_one_in(8)) {
                        target = (1ull << 55) + rnd_below(4096);
                }
        } while ((target & ~1ull) - s->env.pc < 2 * s->halves);
        return target;
}

static void set_base(struct sample *s, u64 address)
{
        const struct field *imm = row_field(s->row, F_IMM);
        unsigned rs1 = field_get(row_field(s->row, F_RS1), s->word);
        u64 offset = imm ? field_get(imm, s->word) : 0;

        in.x[rs1] = address - offset;
        in.x[0] = 0;
        s->ea = in.x[rs1] + offset;
}

static void set_floats(const struct sample *s)
{
        static const u8 names[] = {F_FS1, F_FS2, F_FS3};
        unsigned regs[3], n = 0;

        for (unsigned i = 0; i < 3; i++) {
                const struct field *f = row_field(s->row, names[i]);

                if (!f)
                        continue;
                regs[n] = field_get(f, s->word);
                in.f[regs[n]] = rnd_float(s->row->precision ? s->row->precision : 'd');
                n++;
        }
        if (n == 3 && rnd_one_in(8)) { /* infinity times zero, with NaNs and without */
                static const u64 special[] = {0, 1ull << 63, 0x7ffull << 52, 0xfffull << 52,
                                              0x7ff8000000000000ull, 0x7ff0000000000001ull,
                                              0x3ff0000000000000ull, 1};
                static const u32 single[] = {0, 1u << 31, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001,
                                             0x3f800000, 1};

                for (unsigned i = 0; i < 3; i++) {
                        unsigned k = rnd_below(i == 2 ? 8 : 4);

                        in.f[regs[i]] = s->row->precision != 's' ? special[k] :
                                        0xffffffff00000000ull | single[k];
                }
        }
        if (n < 2 || rnd_below(4))
                return;
        switch (rnd_below(4)) { /* operands that are near each other */
        case 0: in.f[regs[1]] = in.f[regs[0]]; break;
        case 1: in.f[regs[1]] = in.f[regs[0]] ^ (s->row->precision == 's' ? 1ull << 31 : 1ull << 63); break;
        case 2: in.f[regs[1]] = in.f[regs[0]] + 1; break;
        default: in.f[regs[1]] = in.f[regs[0]] ^ 1; break;
        }
}

static void set_integers(const struct sample *s)
{
        const struct field *rs1 = row_field(s->row, F_RS1), *rs2 = row_field(s->row, F_RS2);

        if (rs1)
                in.x[field_get(rs1, s->word)] = rnd_int();
        if (rs2)
                in.x[field_get(rs2, s->word)] = rnd_int();
        if (rs1 && rs2 && rnd_one_in(5))
                in.x[field_get(rs2, s->word)] = in.x[field_get(rs1, s->word)] + rnd_below(3) - 1;
        in.x[0] = 0;
}

/*
 * QEMU takes a register that holds 0 for x0: it does not write then. And it has U-mode at 32 bits, which is
 * not compared: status.UXL is left alone.
 */
static void fix_csr_operand(const struct sample *s)
{
        const struct field *rs1 = row_field(s->row, F_RS1);
        unsigned csr = field_get(row_field(s->row, F_CSR), s->word), reg = rs1 ? field_get(rs1, s->word) : 0;

        if (!reg)
                return;
        if (!in.x[reg])
                in.x[reg] = BIT(40);
        if (csr == 0x100 || csr == 0x300)
                in.x[reg] &= ~(15ull << 32);
}

static void set_operands(struct sample *s)
{
        u64 r = rnd();

        in.fcsr = (in.fcsr & 0xe0) | (r & 31);
        set_integers(s);
        set_floats(s);
        s->has_ea = false;
        if (s->row->cls >= C_CSR && s->row->cls <= C_SFENCE && rnd_one_in(3))
                in.mstatus ^= r & (MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR);
        switch (s->row->cls) {
        case C_LOAD: case C_STORE:
                set_base(s, random_ea(s->env.mode, s->row->size_log2, false));
                s->has_ea = true;
                break;
        case C_AMO: case C_LR: case C_SC:
                set_base(s, random_ea(s->env.mode, s->row->size_log2, true));
                /* QEMU never looks at the address of an SC without a reservation; it may fault */
                if (s->unpaired)
                        set_base(s, DATA + (r >> 16 & (PAGE - 8)));
                s->has_ea = true;
                break;
        case C_JALR:
                do
                        set_base(s, random_target(s));
                while (s->ea - s->env.pc < 2 * s->halves || s->ea + 1 - s->env.pc < 2 * s->halves);
                break;
        case C_MRET:
                in.x[30] = random_target(s) & ~1ull;
                in.x[31] = random_mstatus(MODE_M) & ~(3ull << MSTATUS_MPP_SHIFT);
                in.x[31] |= (r & 3) << MSTATUS_MPP_SHIFT;
                if (s->env.mode >= MODE_MPRV && (in.x[31] >> MSTATUS_MPP_SHIFT & 3) == 3)
                        in.x[30] = CODE_PAGE - PAGE + (r >> 32 & 0xffe);
                break;
        case C_SRET:
                csr_write(sepc, random_target(s) & ~1ull);
                break;
        case C_CSR:
                fix_csr_operand(s);
                if (s->env.mode >= MODE_MPRV)
                        in.mstatus = random_mstatus(s->env.mode);
                break;
        case C_WFI:
                if (s->env.mode != MODE_U) { /* an interrupt is pending that is not taken */
                        in.mstatus &= ~MSTATUS_SIE;
                        csr_write(mideleg, 2);
                        csr_write(mie, 2);
                        csr_write(mip, 2);
                }
                break;
        default:
                break;
        }
}

static void mix_outcome(struct sample *s)
{
        if (s->row->cls == C_CSR) {
                unsigned csr = field_get(row_field(s->row, F_CSR), s->word);

                if (counts(csr) && out.mepc != s->insn_pc)
                        out.x[field_get(row_field(s->row, F_RD), s->word)] = 0; /* time differs */
        }
        /* QEMU reports what it decoded last instead of the instruction when a return is not allowed */
        if ((s->row->cls == C_MRET || s->row->cls == C_SRET) && out.mcause == 2)
                out.mtval = 0;
        if (s->row->cls == C_FP && row_field(s->row, F_RD))
                case_forget_fs();
        case_mix_state();
        if (s->has_ea)
                case_mix_memory(s->env.mode, s->ea - 8, 5);
        if (s->row->cls == C_CSR) {
                mix_csrs();
                restore_csrs();
        }
        if (s->row->cls == C_WFI) {
                csr_write(mie, 0);
                csr_write(mip, 0);
                csr_write(mideleg, 0);
        }
}

void rows_chunk(unsigned unit)
{
        struct sample s;

        for (u64 w = 0; w < params.n_words; w++) {
                make_sample(&s, &rows[unit]);
                random_state(&s.env);
                for (u64 i = 0; i < params.n_sets; i++) {
                        set_operands(&s);
                        in.mepc = s.env.pc;
                        say_insn(s.insn_pc, s.word);
                        case_run(&s.env);
                        mix_outcome(&s);
                        case_end();
                }
                code_clear(s.env.code, s.halves);
        }
}
