/* SPDX-License-Identifier: MIT */
/*
 * How a case of the AArch64 guest is set up, run and compared; common/frame.c has what is around it.
 */
#include "guest.h"

struct state in, out;

/* ---- semihosting ---- */

enum { SYS_WRITE0 = 4, SYS_EXIT = 0x18, APPLICATION_EXIT = 0x20026 };

static u64 semihosting(u64 op, const void *arg)
{
        register u64 x0 __asm__("x0") = op;
        register const void *x1 __asm__("x1") = arg;

        __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
        return x0;
}

void guest_put_char(char c)
{
        static char line[128];
        static unsigned n;

        line[n++] = c;
        if (c != '\n' && n < sizeof(line) - 1)
                return;
        line[n] = 0;
        n = 0;
        semihosting(SYS_WRITE0, line);
}

static void leave(u64 status)
{
        const u64 block[2] = {APPLICATION_EXIT, status};

        semihosting(SYS_EXIT, block);
        for (;;)
                ;
}

void semihosting_exit(void)
{
        leave(0);
}

void guest_stray_trap(u64 esr, u64 elr, u64 far);
void guest_stray_trap(u64 esr, u64 elr, u64 far)
{
        print("stray trap: esr ");
        print_hex(esr);
        print(" elr ");
        print_hex(elr);
        print(" far ");
        print_hex(far);
        print("\n");
        leave(1);
}

/* ---- code ---- */

void code_sync(void *start, unsigned words)
{
        u64 end = (u64)start + 4 * words;

        for (u64 p = (u64)start & -64ull; p < end; p += 64)
                __asm__ volatile("dc cvau, %0\n ic ivau, %0" :: "r"(p) : "memory");
        __asm__ volatile("dsb ish\n isb" ::: "memory");
}

void code_put(struct env *e, unsigned at, u32 word)
{
        e->code[at] = word;
}

void code_clear(struct env *e, unsigned words)
{
        for (unsigned i = 0; i < words; i++)
                e->code[i] = FILLER;
}

/* Where the code of a case stands: the address that the case knows it by, and the one to write it. */
void code_place(struct env *e, enum mode mode, unsigned offset, bool high)
{
        e->mode = mode;
        e->code = (u32 *)WRITABLE(CODE_PAGE + offset);
        e->pc = high ? ALIAS(CODE_PAGE + offset) : CODE_PAGE + offset;
}

/* ---- states ---- */

enum mode random_mode(void)
{
        static const u8 modes[8] = {MODE_EL0, MODE_EL0, MODE_EL0, MODE_EL0, MODE_EL0, MODE_EL1H, MODE_EL1H,
                                    MODE_EL1T};

        return modes[rnd_below(8)];
}

u64 random_spsr(enum mode mode)
{
        static const u8 bits[N_MODES] = {0, 4, 5};
        u64 r = rnd(), v = bits[mode] | (r & (PSTATE_NZCV | PSTATE_DAIF));

        if ((r >> 40 & 15) == 0)
                v |= PSTATE_PAN;
        if ((r >> 44 & 127) == 0)
                v |= PSTATE_IL;
        return v;
}

u64 random_sctlr(void)
{
        u64 r = rnd(), v = SCTLR_ALWAYS;

        v |= r & (SCTLR_UMA | SCTLR_DZE | SCTLR_UCT | SCTLR_NTWE | SCTLR_SPAN | SCTLR_UCI);
        if ((r >> 40 & 7) == 0)
                v |= SCTLR_A;
        return v;
}

/* An effective address: mostly in the data pages, often across their borders, sometimes anywhere. */
u64 random_ea(unsigned size_log2, bool aligned_mostly)
{
        static const u64 far[] = {0, ~0ull, 1ull << 38, 1ull << 39, -(1ull << 38), -(1ull << 39),
                                  (1ull << 39) - 4, 1ull << 63, ~(1ull << 63), 1ull << 55, 1ull << 48,
                                  0xffffff8000000000ull};
        u64 r = rnd(), ea;

        if ((r & 31) == 0)
                return far[(r >> 32) % 12] + (s64)(int8_t)(r >> 16);
        ea = DATA + data_offset(r, size_log2, 31, aligned_mostly);
        return r >> 59 & 1 ? ALIAS(ea) : ea;
}

/* Everything random; what a case needs is set over it. */
void random_state(const struct env *e)
{
        u64 r = rnd();

        for (unsigned i = 0; i < 31; i++)
                in.x[i] = rnd_int();
        in.sp_el0 = random_ea(4, true);
        in.sp_el1 = random_ea(4, true);
        for (unsigned i = 0; i < 32; i++) {
                unsigned kind = "bhsd"[rnd_below(4)];

                in.v[i][0] = rnd_lanes(kind);
                in.v[i][1] = rnd_lanes(rnd_below(4) ? kind : 0);
        }
        in.fpcr = r & FPCR_MODES;
        if ((r >> 32 & 3) != 0)
                in.fpcr &= 3ull << 22;
        in.fpsr = r >> 40 & (BIT(27 - 8) | 0x9f);
        in.fpsr = (in.fpsr & 0x9f) | (r >> 60 & 1) << 27;
        in.elr = e->pc;
        in.spsr = random_spsr(e->mode);
        in.esr = in.far = 0;
        in.tpidr_el0 = rnd();
        in.tpidrro_el0 = rnd();
        in.cpacr = (r >> 50 & 15 ? 3 : r >> 54 & 3) << 20;
        in.sctlr = random_sctlr();
}

u64 *state_sp(struct state *s, enum mode mode)
{
        return mode == MODE_EL1H ? &s->sp_el1 : &s->sp_el0;
}

u64 get_x(const struct state *s, unsigned reg)
{
        return reg < 31 ? s->x[reg] : 0;
}

u64 *base_of(struct state *s, enum mode mode, unsigned reg)
{
        return reg < 31 ? &s->x[reg] : state_sp(s, mode);
}

/* ---- hashes ---- */

void case_mix_state(void)
{
        /*
         * FAR_EL1 of a misaligned PC is in QEMU the address by which the page was known when it translated it
         */
        if (out.esr >> 26 == 0x22 && ((out.far ^ out.elr) & (PAGE - 1)) == 0)
                out.far = out.elr;
        case_mix_words((const u64 *)&out, offsetof(struct state, cpacr) / 8);
}

static void say_state(const struct state *s)
{
        for (unsigned i = 0; i < 31; i++)
                say_numbered("x", i, s->x[i]);
        say("sp_el0", s->sp_el0);
        say("sp_el1", s->sp_el1);
        say("elr", s->elr);
        say("spsr", s->spsr);
        say("esr", s->esr);
        say("far", s->far);
        say("vector", s->vector);
        say("fpcr", s->fpcr);
        say("fpsr", s->fpsr);
        for (unsigned i = 0; i < 32; i++) {
                say_numbered("v_low_", i, s->v[i][0]);
                say_numbered("v_high_", i, s->v[i][1]);
        }
        say("tpidr_el0", s->tpidr_el0);
        say("tpidrro_el0", s->tpidrro_el0);
}

void guest_say_after(void)
{
        say_state(&out);
}

/* What is known before goes out before, for cases that never end. */
void case_run(const struct env *e)
{
        if (case_wanted()) {
                say("pc", e->pc);
                say("mode", e->mode);
                say("cpacr", in.cpacr);
                say("sctlr", in.sctlr);
                print("before\n");
                say_state(&in);
                print("run\n");
        }
        out = in;
        run_case(&out);
}

void case_mix_memory(u64 va, unsigned n_words)
{
        va &= ~7ull;
        for (unsigned i = 0; i < n_words; i++, va += 8) {
                u64 *p = data_word(va);

                if (!p)
                        continue;
                case_mix(*p);
                say_memory(va, *p);
        }
}

/*
 * After an abort, what an instruction with several accesses loaded and stored before the one that failed is
 * unknown (Arm ARM D1): QEMU writes registers and memory one by one.
 */
void case_forget_partial(const struct row *r, u32 word, u64 ea)
{
        unsigned class = out.esr >> 26, n = 4;

        if (!(r->address & AT_MANY) || (class != 0x24 && class != 0x25))
                return;
        if (r->cls == C_STORE) {
                for (unsigned k = 0; k < 9; k++) {
                        u64 va = (ea & -8ull) + 8 * k, *p = data_word(va);

                        for (unsigned i = 0; p && i < 8; i++) {
                                if (va + i - ea < 64)
                                        ((u8 *)p)[i] = 0;
                        }
                }
                return;
        }
        if (row_field(r, F_VT2)) {
                unsigned second = field_get(row_field(r, F_VT2), word);

                out.v[second][0] = out.v[second][1] = 0;
                n = 1;
        }
        for (unsigned i = 0; row_field(r, F_VT) && i < n; i++) {
                unsigned reg = (field_get(row_field(r, F_VT), word) + i) & 31;

                out.v[reg][0] = out.v[reg][1] = 0;
        }
}

/* ---- chunks ---- */

void restore_sysregs(void)
{
        sys_write(contextidr_el1, 0);
        sys_write(cntkctl_el1, 0);
        sys_write(csselr_el1, 0);
        sys_write(par_el1, 0);
}

static u64 data_hash(u64 h)
{
        for (u64 *p = (u64 *)WRITABLE(DATA); p < (u64 *)WRITABLE(DATA + DATA_PAGES * PAGE); p++)
                h = (h ^ *p) * 0x9e3779b97f4a7c15ull + (h >> 32);
        return h;
}

void guest_init(void)
{
        for (u32 *p = (u32 *)WRITABLE(CODE_AREA); p < (u32 *)WRITABLE(CODE_AREA + CODE_AREA_SIZE); p++)
                *p = FILLER;
        code_sync((void *)WRITABLE(CODE_AREA), CODE_AREA_SIZE / 4);
}

void guest_chunk_begin(void)
{
        for (u64 *p = (u64 *)WRITABLE(DATA); p < (u64 *)WRITABLE(DATA + DATA_PAGES * PAGE); p++)
                *p = rnd();
        restore_sysregs();
}

bool guest_chunk_run(unsigned part, unsigned unit)
{
        static void (*const parts[])(unsigned unit) = {
                [PART_ROWS] = rows_chunk, [PART_SEQ] = seq_chunk, [PART_MMU] = mmu_chunk,
                [PART_SELF] = self_chunk,
        };

        parts[part](unit);
        return part != PART_SELF;
}

u64 guest_chunk_hash(u64 h)
{
        return data_hash(h);
}
