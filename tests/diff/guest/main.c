/* SPDX-License-Identifier: MIT */
/*
 * The comparison guest's frame: parameters, output, how a case is set up, run and mixed into the hash of its
 * chunk. A line "unit chunk hash" goes out for each chunk; with `trace` also one for each case; the case that
 * `verbose` names is printed in full, one "name value" a line.
 */
#include "guest.h"

volatile struct params params __attribute__((section(".data"))) = {
        .magic = PARAMS_MAGIC, .last_unit = 1, .n_chunks = 1, .n_words = 1, .n_sets = 1, .verbose = ~0ull,
};
struct state in, out;
static u64 chunk_hash, case_hash, case_number;
static bool last_chunk; /* the one that `trace` and `verbose` mean */

/* ---- output ---- */

static void put_char(char c)
{
        volatile u8 *uart = (volatile u8 *)0x10000000;

        while (!(uart[5] & 0x20))
                ;
        uart[0] = c;
}

void print(const char *s)
{
        while (*s)
                put_char(*s++);
}

void print_hex(u64 v)
{
        for (int i = 60; i >= 0; i -= 4)
                put_char("0123456789abcdef"[v >> i & 15]);
}

void print_dec(u64 v)
{
        char buf[24], *p = buf + sizeof(buf);

        *--p = 0;
        do
                *--p = '0' + v % 10;
        while (v /= 10);
        print(p);
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

/* gcc may call it for assignments of structures. */
void *memcpy(void *to, const void *from, size_t n);
void *memcpy(void *to, const void *from, size_t n)
{
        for (size_t i = 0; i < n; i++)
                ((u8 *)to)[i] = ((const u8 *)from)[i];
        return to;
}

void *memset(void *to, int c, size_t n);
void *memset(void *to, int c, size_t n)
{
        for (size_t i = 0; i < n; i++)
                ((u8 *)to)[i] = c;
        return to;
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
        static const u8 good[] = {0, 1, 4, 5, 6, 13};
        static const u64 far[] = {0, ~0ull, 1ull << 38, -(1ull << 38), (1ull << 38) - 4, 1ull << 63,
                                  1ull << 39, ~(1ull << 63), 1ull << 55, 0xffffffc000000000ull};
        u64 r = rnd(), ea;
        unsigned page = r & 0x100 ? (r >> 9) & 15 : good[(r >> 9 & 0xff) % 6], at = r >> 20 & (PAGE - 1);

        if ((r & 31) == 0) {
                if (mode == MODE_M) /* without translation only what is surely nothing */
                        return (1ull << 55) - (r >> 32);
                return far[(r >> 32) % 10] + (s64)(int8_t)(r >> 16);
        }
        switch (r & 7) {
        case 0: at &= 15; break;
        case 1: case 2: at = PAGE - 1 - (at & 15); break;
        case 3: break;
        default: at &= ~((1u << size_log2) - 1); break;
        }
        if (aligned_mostly && (r >> 60 & 7))
                at &= ~((1u << size_log2) - 1);
        ea = DATA + page * PAGE + at;
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

void case_mix(u64 value)
{
        u64 h = (case_hash ^ value) * 0x9e3779b97f4a7c15ull;

        case_hash = h ^ h >> 32;
}

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

bool case_wanted(void)
{
        return last_chunk && case_number == params.verbose;
}

void say(const char *what, u64 value)
{
        if (!case_wanted())
                return;
        print("  ");
        print(what);
        print(" ");
        print_hex(value);
        print("\n");
}

void say_insn(u64 pc, u32 word)
{
        if (!case_wanted())
                return;
        print("  insn@");
        print_hex(pc);
        print(" ");
        print_hex(word);
        print("\n");
}

static void say_numbered(const char *what, unsigned n, u64 value)
{
        if (!case_wanted())
                return;
        print("  ");
        print(what);
        print_dec(n);
        print(" ");
        print_hex(value);
        print("\n");
}

static void say_state(const char *when, const struct state *s)
{
        print(when);
        print("\n");
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
                say_state("before", &in);
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
                if (case_wanted()) {
                        print("  memory ");
                        print_hex(va);
                        print("=");
                        print_hex(*p);
                        print("\n");
                }
        }
}

void case_end(void)
{
        if (params.trace && last_chunk) {
                print("case ");
                print_dec(case_number);
                print(" ");
                print_hex(case_hash);
                print("\n");
        }
        if (case_wanted()) {
                say_state("after", &out);
                print("end\n");
        }
        chunk_hash = (chunk_hash ^ case_hash) * 0xd6e8feb86659fd93ull;
        chunk_hash ^= chunk_hash >> 29;
        case_hash = 0;
        case_number++;
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

static void run_chunk(u64 unit, u64 chunk)
{
        static void (*const parts[])(unsigned unit) = {
                [PART_ROWS] = rows_chunk, [PART_SEQ] = seq_chunk, [PART_CSR] = csr_chunk,
                [PART_MMU] = mmu_chunk,
                [PART_PMP] = pmp_chunk, [PART_TRAP] = trap_chunk, [PART_SELF] = self_chunk,
        };

        rnd_seed(params.seed, params.part << 32 | unit, chunk);
        chunk_hash = case_hash = case_number = 0;
        last_chunk = unit + 1 == params.last_unit && chunk + 1 == params.first_chunk + params.n_chunks;
        for (u64 *p = (u64 *)DATA; p < (u64 *)(DATA + (DATA_PAGES + 1) * PAGE); p++)
                *p = rnd();
        restore_csrs();
        paging_reset();
        parts[params.part](unit);
        if (params.part == PART_SELF) /* some memory is not readable any more */
                return;
        chunk_hash = paging_hash(chunk_hash ^ data_hash());
        print_dec(unit);
        print(" ");
        print_dec(chunk);
        print(" ");
        print_hex(chunk_hash);
        print(" ");
        print_dec(case_number);
        print("\n");
}

void guest_main(void);
void guest_main(void)
{
        volatile u64 *mtimecmp = (volatile u64 *)0x2004000;

        *mtimecmp = ~0ull;
        rnd_seed(params.seed, 0, 0);
        fill_areas();
        paging_init();
        for (u64 unit = params.first_unit; unit < params.last_unit; unit++) {
                for (u64 c = 0; c < params.n_chunks; c++)
                        run_chunk(unit, params.first_chunk + c);
        }
        print("done\n");
}
