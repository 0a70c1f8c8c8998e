/* SPDX-License-Identifier: MIT */
/*
 * How a case of the RISC-V guest is set up, run and compared; common/frame.c has what is around it.
 */
#include "guest.h"

struct state in, out;

/* ---- output ---- */

void guest_put_char(char c)
{
        volatile u8 *uart = (volatile u8 *)0x10000000;

        while (!(uart[5] & 0x20))
                ;
        uart[0] = c;
}

void guest_stray_trap(u64 cause, u64 epc, u64 tval);
void guest_stray_trap(u64 cause, u64 epc, u64 tval)
{
        print("stray trap: cause ");
        print_hex(cause);
        print(" epc ");
        print_hex(epc);
        print(" tval ");
        print_hex(tval);
        print("\n");
        *(volatile u32 *)0x100000 = 0x13333; /* the finisher's "fail", code 1 */
        for (;;)
                ;
}

/* ---- code ---- */

void code_put(u16 *at, u32 word, unsigned length)
{
        at[0] = word;
        if (length == 4)
                at[1] = word >> 16;
}

void code_clear(u16 *at, unsigned halves)
{
        for (unsigned i = 0; i < halves; i++)
                at[i] = EBREAK_HALF;
}

/* Where the code of a case stands: the physical place and the address that the mode knows it by. */
void code_place(struct env *e, enum mode mode, unsigned offset, bool high)
{
        e->mode = mode;
        e->code = (u16 *)(CODE_PAGE + offset);
        e->pc = CODE_PAGE + offset;
        if (high && (mode == MODE_U || mode == MODE_S))
                e->pc = ALIAS(e->pc);
}

/* ---- states ---- */

u64 random_mstatus(enum mode mode)
{
        static const u8 mpp[N_MODES] = {0, 1, 3, 3};
        u64 r = rnd(), v, fs = (r >> 32 & 15) == 0 ? 0 : (r >> 32 & 15) < 3 ? 1 + (r >> 36 & 1) : 3;

        v = r & (MSTATUS_SIE | MSTATUS_MPIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_SUM | MSTATUS_MXR);
        if ((r >> 40 & 15) == 0)
                v |= r & (MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR);
        v |= (u64)mpp[mode] << MSTATUS_MPP_SHIFT | fs << MSTATUS_FS_SHIFT;
        return mode == MODE_MPRV ? v | MSTATUS_MPRV : v;
}

/* An effective address: mostly in the data pages, often across their borders, sometimes anywhere. */
u64 random_ea(enum mode mode, unsigned size_log2, bool aligned_mostly)
{
        static const u64 far[] = {0, ~0ull, 1ull << 38, -(1ull << 38), (1ull << 38) - 4, 1ull << 63,
                                  1ull << 39, ~(1ull << 63), 1ull << 55, 0xffffffc000000000ull};
        u64 r = rnd(), ea;

        if ((r & 31) == 0) {
                if (mode == MODE_M) /* without translation only what is surely nothing */
                        return (1ull << 55) - (r >> 32);
                return far[(r >> 32) % 10] + (s64)(int8_t)(r >> 16);
        }
        ea = DATA + data_offset(r, size_log2, 15, aligned_mostly);
        return mode != MODE_M && (r >> 59 & 1) ? ALIAS(ea) : ea;
}

/* Everything random; what a case needs is set over it. */
void random_state(const struct env *e)
{
        u64 r = rnd();

        for (unsigned i = 1; i < 32; i++)
                in.x[i] = rnd_int();
        for (unsigned i = 0; i < 32; i++)
                in.f[i] = rnd_float(i & 1 ? 's' : 'd');
        in.fcsr = (r & 31) | ((r >> 8 & 31) == 0 ? 5 + (r >> 16 & 1) + (r >> 17 & 1) : (r >> 16) % 5) << 5;
        in.mstatus = random_mstatus(e->mode);
        in.mepc = e->pc;
        in.mcause = in.mtval = 0;
}

/* ---- hashes ---- */

void case_mix_state(void)
{
        /* QEMU's mtval of an EBREAK is the address by which the page was known when it translated it */
        if (out.mcause == 3 && ((out.mtval ^ out.mepc) & (PAGE - 1)) == 0)
                out.mtval = out.mepc;
        for (unsigned i = 1; i < 32; i++)
                case_mix(out.x[i]);
        for (unsigned i = 0; i < 32; i++)
                case_mix(out.f[i]);
        case_mix(out.fcsr);
        case_mix(out.mstatus);
        case_mix(out.mepc);
        case_mix(out.mcause);
        case_mix(out.mtval);
}

/*
 * QEMU does not set mstatus.FS to Dirty where an instruction changes nothing but flags. For what starts with
 * FS on and not Dirty, the field is not compared.
 */
void case_forget_fs(void)
{
        u64 fs = in.mstatus >> MSTATUS_FS_SHIFT & 3;

        if (fs == 1 || fs == 2)
                out.mstatus &= ~(1ull << 63 | 3ull << MSTATUS_FS_SHIFT);
}

static void say_state(const char *when, const struct state *s)
{
        if (when)
                print(when);
        for (unsigned i = 1; i < 32; i++)
                say_numbered("x", i, s->x[i]);
        for (unsigned i = 0; i < 32; i++)
                say_numbered("f", i, s->f[i]);
        say("fcsr", s->fcsr);
        say("mstatus", s->mstatus);
        say("mepc", s->mepc);
        say("mcause", s->mcause);
        say("mtval", s->mtval);
}

/* What is known before goes out before, for cases that never end. */
void case_run(const struct env *e)
{
        if (case_wanted()) {
                say("pc", e->pc);
                say("mode", e->mode);
                say_state("before\n", &in);
                print("run\n");
        }
        paging_use(e->mode);
        csr_write(mcause, 0);
        csr_write(mtval, 0);
        out = in;
        run_case(&out);
}

void case_mix_memory(enum mode mode, u64 va, unsigned n_words)
{
        va &= ~7ull;
        for (unsigned i = 0; i < n_words; i++, va += 8) {
                u64 *p = data_word(mode, va);

                if (!p)
                        continue;
                case_mix(*p);
                say_memory(va, *p);
        }
}

void guest_say_after(void)
{
        say_state(NULL, &out);
}

static void fill_areas(void)
{
        for (u64 *p = (u64 *)CODE_AREA; p < (u64 *)(CODE_AREA + CODE_AREA_SIZE); p++)
                *p = EBREAK_HALF * 0x0001000100010001ull;
}

/* What cases may have changed and later ones depend on. */
void restore_csrs(void)
{
        csr_write(mcounteren, 7);
        csr_write(scounteren, 7);
        csr_write(stvec, HANDLER_PAGE);
        csr_write(senvcfg, 0);
        csr_write(sscratch, 0);
        csr_write(sepc, 0);
        csr_write(scause, 0);
        csr_write(stval, 0);
        csr_write(mie, 0);
        csr_write(mip, 0);
        csr_write(mideleg, 0);
        csr_write(medeleg, 0);
}

static u64 data_hash(void)
{
        u64 h = 0;

        for (u64 *p = (u64 *)DATA; p < (u64 *)(DATA + (DATA_PAGES + 1) * PAGE); p++)
                h = (h ^ *p) * 0x9e3779b97f4a7c15ull + (h >> 32);
        return h;
}

void guest_chunk_begin(void)
{
        for (u64 *p = (u64 *)DATA; p < (u64 *)(DATA + (DATA_PAGES + 1) * PAGE); p++)
                *p = rnd();
        restore_csrs();
        paging_reset();
}

bool guest_chunk_run(unsigned part, unsigned unit)
{
        static void (*const parts[])(unsigned unit) = {
                [PART_ROWS] = rows_chunk, [PART_SEQ] = seq_chunk, [PART_CSR] = csr_chunk,
                [PART_MMU] = mmu_chunk,
                [PART_PMP] = pmp_chunk, [PART_TRAP] = trap_chunk, [PART_SELF] = self_chunk,
        };

        parts[part](unit);
        return part != PART_SELF; /* which leaves memory that is not readable any more */
}

u64 guest_chunk_hash(u64 h)
{
        return paging_hash(h ^ data_hash());
}

void guest_init(void)
{
        volatile u64 *mtimecmp = (volatile u64 *)0x2004000;

        *mtimecmp = ~0ull;
        fill_areas();
        paging_init();
}
