/* SPDX-License-Identifier: MIT */
/*
 * Single instructions: each chunk makes random encodings of one row of the decode table and runs each with
 * several operand sets. The instruction stands among BRKs, so the case ends behind it, where it jumped to, or
 * at its own exception.
 */
#include "guest.h"

struct sample {
        const struct row *row;
        struct env env;
        u32 word;
        unsigned words;   /* of code */
        u64 insn_pc;
        u64 ea;
        bool has_ea;
        bool paired;      /* a store-exclusive with its load */
};

static s64 get(const struct sample *s, unsigned name)
{
        const struct field *f = row_field(s->row, name);

        return f ? field_get(f, s->word) : -1;
}

/* In the page, at its ends, at the end of what is mapped. */
static unsigned random_offset(void)
{
        switch (rnd_below(16)) {
        case 0: return PAGE - 4;
        case 1: return 2 * PAGE - 4;
        case 2: return PAGE - 12;
        default: return rnd_below(PAGE / 4 - 32) * 4;
        }
}

/* The load of a store-exclusive: the same size and address, to registers that it does not use. */
static unsigned put_prologue(struct sample *s)
{
        unsigned rn = get(s, F_RN), rt = 0, rt2;
        u32 pair = s->word & BIT(21);

        if (s->row->cls == C_ERET && s->env.mode != MODE_EL0) {
                code_put(&s->env, 0, 0xd518403e); /* msr elr_el1, x30 */
                code_put(&s->env, 1, 0xd518401d); /* msr spsr_el1, x29 */
                return 2;
        }
        if (s->row->cls != C_STX || rnd_one_in(8))
                return 0;
        while (rt == rn || rt == (unsigned)get(s, F_RT) || rt == (unsigned)get(s, F_RT2))
                rt++;
        rt2 = rt + 1;
        while (rt2 == rn || rt2 == (unsigned)get(s, F_RT) || rt2 == (unsigned)get(s, F_RT2))
                rt2++;
        s->paired = true;
        code_put(&s->env, 0, (s->word & 3u << 30) | 0x085f0000 | pair | rn << 5 | rt |
                 (pair ? rt2 : 31) << 10);
        return 1;
}

static void choose_word(struct sample *s)
{
        const struct row *r = s->row;

        do {
                s->word = row_word(r);
                if (r->cls == C_MRS || r->cls == C_MSR)
                        s->word = random_sysreg(s->env.mode, r->cls == C_MSR, s->word);
                else if (r->cls == C_SYS)
                        s->word = random_sys(s->word);
        } while ((r->cls == C_HLT && get(s, F_IMM) == 0xf000) || /* semihosting */
                 (r->cls == C_WFI && get(s, F_RT) == 31));       /* for WFIT a time that is past; see below */
}

static void make_sample(struct sample *s, const struct row *row)
{
        unsigned n;

        *s = (struct sample){.row = row};
        /* nothing would wake a WFI; for QEMU HVC is a firmware's service */
        s->env.mode = row->cls == C_WFI || row->cls == C_HVC ? MODE_EL0 : random_mode();
        choose_word(s);
        code_place(&s->env, s->env.mode, random_offset(), rnd_one_in(3));
        n = put_prologue(s);
        code_put(&s->env, n, s->word);
        s->words = n + 1;
        s->insn_pc = s->env.pc + 4 * n;
        code_sync(s->env.code, s->words);
}

/* ---- operands ---- */

static u64 random_target(const struct sample *s)
{
        static const u64 far[] = {1ull << 38, ~0ull, 1ull << 63, 0xffffff8000000000ull, 0x4000, 1ull << 47,
                                  1ull << 48};
        u64 target;

        do {
                target = s->env.pc - (s->env.pc & (PAGE - 1)) + (rnd_below(3 * PAGE) - PAGE);
                target &= rnd_one_in(8) ? ~0ull : ~3ull;
                if (rnd_one_in(8))
                        target = rnd_int();
                else if (rnd_one_in(8))
                        target = far[rnd_below(7)] + rnd_below(16);
        } while (((target | HIGH_ALIAS) & ~3ull) - (s->env.pc | HIGH_ALIAS) < 4 * s->words ||
                 (target | HIGH_ALIAS) >> 21 == ALIAS((u64)&in) >> 21); /* this program */
        return target;
}

static u64 extended(u64 v, unsigned option, unsigned amount)
{
        switch (option) {
        case 2: v = (u32)v; break;
        case 6: v = (s64)(int32_t)v; break;
        default: break;
        }
        return v << amount;
}

static void set_base(struct sample *s, u64 address)
{
        unsigned rn = get(s, F_RN), rm = row_field(s->row, F_RM) ? get(s, F_RM) : 31;
        u64 *base = base_of(&in, s->env.mode, rn), offset = 0;

        if ((s->row->address & 127) == AT_IMM && get(s, F_MODE) != 1) {
                offset = get(s, F_IMM);
        } else if ((s->row->address & 127) == AT_INDEX) {
                if (rm < 31)
                        in.x[rm] = rnd_below(2) ? rnd_int() : rnd_below(256);
                offset = extended(get_x(&in, rm), get(s, F_OPTION), get(s, F_SH) ? s->row->size_log2 : 0);
        }
        *base = address - offset;
        if (rm == rn && rm < 31 && (s->row->address & 127) == AT_INDEX)
                offset = extended(in.x[rm], get(s, F_OPTION), get(s, F_SH) ? s->row->size_log2 : 0);
        s->ea = *base + offset;
        s->has_ea = true;
        /* QEMU does not check the alignment of the stack pointer */
        if (rn == 31 && *base & 15)
                in.sctlr &= ~(SCTLR_SA | SCTLR_SA0);
        else if (rnd_one_in(2))
                in.sctlr |= SCTLR_SA | SCTLR_SA0;
}

/*
 * Floating-point operands: what the instruction takes, mostly; now and then near each other, or special
 * together.
 */
static void set_vectors(const struct sample *s)
{
        unsigned kind = s->row->precision, regs[4], n = 0, ftype = get(s, F_FTYPE), sz = get(s, F_SZ);

        if (row_field(s->row, F_FTYPE))
                kind = ftype == 0 ? 's' : ftype == 1 ? 'd' : 'h';
        else if (row_field(s->row, F_SZ))
                kind = sz == 0 ? 's' : sz == 1 ? 'd' : 'h';
        if (!kind && s->row->cls == C_FP)
                kind = 'd';
        for (unsigned i = 0; i < s->row->n_fields; i++) {
                const struct field *f = &s->row->fields[i];
                unsigned reg;

                if (!is_v_field(f->name))
                        continue;
                reg = field_get(f, s->word);
                if (n < 4)
                        regs[n++] = reg;
                in.v[reg][0] = rnd_lanes(rnd_below(16) ? kind : 0);
                in.v[reg][1] = rnd_lanes(rnd_below(16) ? kind : 0);
        }
        if (n < 2 || !kind)
                return;
        for (unsigned half = 0; half < 2; half++) {
                static const u64 special[] = {0, 1ull << 63, 0x7ffull << 52, 0xfffull << 52,
                                              0x7ff8000000000000ull, 0x7ff0000000000001ull,
                                              0x3ff0000000000000ull, 1};
                static const u32 single[] = {0, 1u << 31, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001,
                                             0x3f800000, 1};
                /* a little below one, and above the least normal number */
                static const u64 tiny[2][2] = {{0x3feffffffe000000ull, 0x0010000001000000ull},
                                               {0x3f7ff8003f7ff800ull, 0x0080040000800400ull}};
                unsigned a = regs[n - 2], b = regs[n - 1];

                switch (rnd_below(16)) {
                case 0: in.v[b][half] = in.v[a][half]; break;
                case 1:
                        in.v[b][half] = in.v[a][half] ^ (kind == 's' ? 0x8000000080000000ull : 1ull << 63);
                        break;
                case 2: in.v[b][half] = in.v[a][half] + 1; break;
                case 3: case 4: /* infinity times zero, with NaNs and without */
                        for (unsigned i = 0; i < n; i++) {
                                unsigned k = rnd_below(8);

                                in.v[regs[i]][half] = kind == 's' ?
                                        (u64)single[rnd_below(8)] << 32 | single[k] : special[k];
                        }
                        break;
                case 5: /* products that are tiny before they are rounded, and not after */
                        for (unsigned i = 0; i < n; i++)
                                in.v[regs[i]][half] = tiny[kind == 's'][i & 1];
                        break;
                default: break;
                }
        }
}

static void set_integers(const struct sample *s)
{
        const struct field *rn = row_field(s->row, F_RN), *rm = row_field(s->row, F_RM);

        for (unsigned i = 0; i < s->row->n_fields; i++) {
                const struct field *f = &s->row->fields[i];

                if (is_x_field(f->name))
                        *base_of(&in, s->env.mode, field_get(f, s->word)) = rnd_int();
        }
        if (rn && rm && rnd_one_in(5) && get(s, F_RM) != 31)
                *base_of(&in, s->env.mode, get(s, F_RM)) =
                        *base_of(&in, s->env.mode, get(s, F_RN)) + rnd_below(3) - 1;
}

/*
 * Those of RCPC2 run on a model with LSE2, where misaligned is only what crosses 16 bytes; without it, as
 * here, all is that is not aligned.
 */
static u64 ordered_ea(const struct row *r)
{
        u64 ea = random_ea(r->size_log2, true), last = ea + (1 << r->size_log2) - 1;

        if ((r->address & 127) == AT_IMM && ((ea ^ last) & -16ull) == 0)
                ea &= -(1ull << r->size_log2);
        return ea;
}

/*
 * A compare-and-swap compares, every other time, with what is there, so that it swaps: in the low bits, where
 * the register has more than memory.
 */
static void expect_what_is_there(const struct sample *s)
{
        bool pair = !(s->word & BIT(23));
        unsigned size = pair ? 2 + (s->word >> 30) : s->word >> 30, rs = get(s, F_RS), rn = get(s, F_RN);
        u64 mask = ~0ull >> (64 - (8u << size));

        if ((s->word & 0x3f207c00) != 0x08207c00 || s->ea & ((1u << size) - 1) || rnd_below(2))
                return;
        for (unsigned reg = rs; reg <= rs + pair; reg++) {
                u64 at = s->ea + ((u64)(reg - rs) << size), *word = data_word(at & -8ull);

                if (word && reg < 31 && reg != rn)
                        in.x[reg] = (*word >> 8 * (at & 7) & mask) | (rnd() & ~mask);
        }
}

/*
 * QEMU never looks at the address of a store-exclusive without a reservation; it may fault, and must be
 * aligned.
 */
static void set_exclusive(struct sample *s)
{
        unsigned size = s->row->size_log2;

        set_base(s, s->paired ? random_ea(size, true) : DATA + (rnd() & (PAGE - 64)));
}

static void set_operands(struct sample *s)
{
        u64 r = rnd();

        s->has_ea = false;
        set_integers(s);
        set_vectors(s);
        in.spsr = (in.spsr & ~PSTATE_NZCV) | (r & PSTATE_NZCV);
        in.fpsr = (in.fpsr & BIT(27)) | (r & 0x9f);
        switch (s->row->cls) {
        case C_LOAD: case C_STORE: case C_PREFETCH:
                if ((s->row->address & 127) != AT_PC)
                        set_base(s, random_ea(s->row->size_log2, false));
                break;
        case C_ATOMIC:
                set_base(s, ordered_ea(s->row));
                expect_what_is_there(s);
                break;
        case C_ORDERED: case C_LDX:
                set_base(s, ordered_ea(s->row));
                break;
        case C_STX:
                set_exclusive(s);
                break;
        case C_BR:
                *base_of(&in, s->env.mode, get(s, F_RN)) = random_target(s);
                break;
        case C_ERET:
                in.x[30] = random_target(s);
                in.x[29] = random_spsr(rnd_below(N_MODES)) | (rnd_one_in(4) ? r & 15 : 0);
                /* QEMU leaves PAN as it is where the return is illegal */
                if ((in.x[29] & 15) != 0 && (in.x[29] & 14) != 4)
                        in.x[29] = (in.x[29] & ~PSTATE_PAN) | (in.spsr & PSTATE_PAN);
                break;
        case C_WFI: /* where the time is past QEMU goes on */
                if (row_field(s->row, F_RT))
                        in.x[get(s, F_RT)] = 1ull << 62;
                break;
        case C_WFE:
                in.sctlr |= SCTLR_NTWE; /* QEMU never traps it */
                break;
        case C_MSR:
                if (get(s, F_RT) < 31)
                        in.x[get(s, F_RT)] = sysreg_operand(s->word, in.x[get(s, F_RT)]);
                break;
        case C_SYS:
                if (get(s, F_RT) < 31)
                        in.x[get(s, F_RT)] = rnd_below(4) ? random_ea(3, false) : rnd_int();
                break;
        default:
                break;
        }
}

static void mix_outcome(struct sample *s)
{
        bool system = s->row->cls == C_MRS || s->row->cls == C_MSR || s->row->cls == C_SYS;

        if (s->row->cls == C_MRS && sysreg_value_differs(s->word) && get(s, F_RT) < 31 &&
            out.elr != s->insn_pc)
                out.x[get(s, F_RT)] = 0;
        if (s->has_ea)
                case_forget_partial(s->row, s->word, s->ea);
        /* QEMU's syndrome has op1 and op2 of the immediate forms in each other's place */
        if (s->row->cls == C_MSR_IMM && out.esr >> 26 == 0x18)
                out.esr &= ~0xfc000ull;
        /* of WFIT it says WFI */
        if (s->row->cls == C_WFI && out.esr >> 26 == 1)
                out.esr &= ~3ull;
        /* for DC ZVA where no memory is FAR is that of the block */
        if (s->row->cls == C_SYS && (out.esr & 0x3f) == 0x10)
                out.far &= -64ull;
        case_mix_state();
        if (s->has_ea)
                case_mix_memory(s->ea - 8, 10);
        else if (s->row->cls == C_SYS && get(s, F_RT) < 31)
                case_mix_memory((in.x[get(s, F_RT)] & -64ull) - 8, 10);
        if (system) {
                sysreg_mix();
                restore_sysregs();
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
                        say_insn(s.insn_pc, s.word);
                        case_run(&s.env);
                        mix_outcome(&s);
                        case_end();
                }
                code_clear(&s.env, s.words);
                code_sync(s.env.code, s.words);
        }
}
