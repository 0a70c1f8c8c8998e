/* SPDX-License-Identifier: MIT */
/*
 * What scripts/diff leaves out because QEMU is not exact there (docs/TESTING.md has the list): each is
 * checked here against what the specification says, with no other emulator. One line a check. The last checks
 * lock PMP entries.
 */
#include "guest.h"

static struct env e;

/* A quiet state for code at @offset; the words follow. */
static void begin(enum mode mode, unsigned offset, bool high, const u32 *words, unsigned n)
{
        static const u8 mpp[N_MODES] = {0, 1, 3, 3};

        restore_csrs();
        code_place(&e, mode, offset, high);
        for (unsigned i = 0; i < n; i++)
                code_put(e.code + 2 * i, words[i], 4);
        fence_i();
        in = (struct state){0};
        in.mstatus = (u64)mpp[mode] << MSTATUS_MPP_SHIFT | 3 << MSTATUS_FS_SHIFT;
        in.mepc = e.pc;
}

static void run(unsigned n)
{
        case_run(&e);
        code_clear(e.code, 2 * n);
}

#define BEGIN(mode, offset, high, ...) \
        static const u32 words[] = {__VA_ARGS__}; \
        const unsigned n = sizeof(words) / 4; \
        begin(mode, offset, high, words, n)

/* Volume II, 3.1.9: MEI, MSI, MTI, SEI, SSI, STI. */
static void interrupt_order(void)
{
        static const u8 order[] = {3, 9, 1, 5};

        for (unsigned set = 1; set < 16; set++) {
                BEGIN(MODE_U, 0, false, 0x13);
                u64 pending = 0;
                int first = -1;

                for (unsigned i = 0; i < 4; i++) {
                        if (set >> i & 1) {
                                pending |= BIT(order[i]);
                                first = first < 0 ? order[i] : first;
                        }
                }
                *(volatile u32 *)0x2000000 = pending >> 3 & 1;
                csr_write(mip, pending);
                csr_write(mie, pending);
                run(n);
                *(volatile u32 *)0x2000000 = 0;
                expect("order of interrupts", out.mcause, BIT(63) | first);
                expect("no instruction before it", out.mepc, e.pc);
        }
        restore_csrs();
}

/* 4.3.2, step 2: the walk itself meets no memory. */
static void walk_to_nowhere(void)
{
        static const struct { u32 word; u64 cause; } accesses[] = {
                {0x0002b303, 5} /* ld t1, (t0) */, {0x0062b023, 7} /* sd t1, (t0) */,
                {0x00028067, 1} /* jr t0 */,
        };
        u64 *root = (u64 *)((mode_satp[MODE_U] & ((1ull << 44) - 1)) << 12);

        for (unsigned i = 0; i < 3; i++) {
                const u32 word = accesses[i].word;

                begin(MODE_U, 0, false, &word, 1);
                root[5] = 0x3ffffff0000000ull >> 12 << 10 | 1;
                sfence_all();
                in.x[5] = 5ull << 30;
                run(1);
                expect("cause of a walk to where no memory is", out.mcause, accesses[i].cause);
                expect("its tval", out.mtval, 5ull << 30);
        }
        root[5] = 0;
        sfence_all();
}

static void registers(void)
{
        csr_write(sepc, ~0ull);
        expect("sepc", csr_read(sepc), ~1ull);
        csr_write(mepc, ~0ull);
        expect("mepc", csr_read(mepc), ~1ull);
        csr_write(pmpaddr5, ~0ull);
        expect("pmpaddr5", csr_read(pmpaddr5), ~0ull >> 10);
        csr_write(pmpaddr5, 0);
        expect("mhpmcounter3", csr_read(0xb03), 0);
        expect("mhpmevent31", csr_read(0x33f), 0);
        csr_write(mstatus, (csr_read(mstatus) & ~(15ull << 32)) | 5ull << 32);
        expect("mstatus.UXL and SXL", csr_read(mstatus) >> 32 & 15, 10);
        csr_write(0x30a, ~0ull);
        expect("menvcfg", csr_read(0x30a), BIT(63) | 1);
        csr_write(0x14d, 0);
        expect("mip.STIP, time past stimecmp", csr_read(mip) & BIT(5), BIT(5));
        csr_write(0x14d, ~0ull);
        expect("mip.STIP, stimecmp ahead", csr_read(mip) & BIT(5), 0);
        csr_write(0x30a, 0);
        csr_write(0x14d, 0);
        expect("mip.STIP without STCE", csr_read(mip) & BIT(5), 0);
        csr_write(0x14d, ~0ull);
}

/* mtval has the instruction; volume I, 6.1: rs1 other than x0 writes whatever it holds. */
static void illegal(void)
{
        static const u32 words[] = {0x30200073 /* mret */, 0x10200073 /* sret */, 0x12000073 /* sfence.vma */,
                                    0xc002a073 /* csrrs x0, cycle, t0 */,
                                    0xc002b073 /* csrrc x0, cycle, t0 */};

        for (unsigned i = 0; i < 5; i++) {
                begin(MODE_U, PAGE - 2, true, &words[i], 1);
                run(1);
                expect("cause of an illegal instruction", out.mcause, 2);
                expect("its mtval", out.mtval, words[i]);
                expect("its mepc", out.mepc, e.pc);
        }
}

static void breakpoints(void)
{
        for (unsigned high = 0; high < 2; high++) {
                BEGIN(MODE_U, 0x100, high, 0x00100073);
                run(n);
                expect("mtval of ebreak", out.mtval, e.pc);
        }
}

static void waiting(void)
{
        BEGIN(MODE_U, PAGE - 2, true, 0x10500073);
        run(n);
        expect("cause of a WFI in U", out.mcause, 2);
        expect("mepc of a WFI across pages", out.mepc, e.pc);
}

static void flags_make_dirty(void)
{
        BEGIN(MODE_U, 0, false, 0xa2002553); /* feq.d a0, f0, f0 */
        in.mstatus = (in.mstatus & ~(3ull << MSTATUS_FS_SHIFT)) | 2 << MSTATUS_FS_SHIFT;
        in.f[0] = 0x7ff0000000000001ull;
        run(n);
        expect("fflags of a comparison with a signalling NaN", out.fcsr, 16);
        expect("mstatus.FS after it", out.mstatus >> MSTATUS_FS_SHIFT & 3, 3);
}

/* Volume I, 13.2: an address that is not aligned is an exception, with a reservation or without. */
static void lone_sc(void)
{
        BEGIN(MODE_U, 0, false, 0x1862a3af); /* sc.w t2, t1, (t0) */
        in.x[5] = DATA + 2;
        run(n);
        expect("cause of a misaligned SC", out.mcause, 6);
        expect("its mtval", out.mtval, DATA + 2);
}

/* Not in QEMU's list of what an SC may do, but ours: the pair is exact, whatever lies between. */
static void reservations(void)
{
        BEGIN(MODE_U, 0, false, 0x1002a3af /* lr.w t2, (t0) */, 0x02742023 /* sw t2, 32(s0) */,
              0x1862ae2f /* sc.w t3, t1, (t0) */);
        in.x[5] = DATA;
        in.x[8] = DATA + PAGE;
        in.x[6] = 0x1234;
        run(n);
        expect("SC after a store elsewhere", out.x[28], 0);
        expect("what it stored", *(volatile u32 *)DATA, 0x1234);
}

/* 3.7.1: what is locked binds M too, and stays. The last of all. */
static void locked_entries(void)
{
        u64 region = DATA + 8 * PAGE;
        BEGIN(MODE_M, 0, false, 0x0002b303 /* ld t1, (t0) */);

        csr_write(pmpaddr2, region >> 2);
        csr_write(pmpaddr3, (region + PAGE) >> 2);
        csr_write(pmpcfg0, 0x88ull << 24); /* entry 3 alone: locked, TOR, nothing granted */
        in.x[5] = region;
        run(n);
        expect("cause of M's load from a locked page", out.mcause, 5);
        expect("its mtval", out.mtval, region);
        csr_write(pmpaddr3, 0);
        expect("address of a locked entry", csr_read(pmpaddr3), (region + PAGE) >> 2);
        csr_write(pmpaddr2, 0);
        expect("address below a locked entry", csr_read(pmpaddr2), region >> 2);
        csr_write(pmpcfg0, csr_read(pmpcfg0) & 0xffffff);
        expect("configuration of a locked entry", csr_read(pmpcfg0) >> 24 & 0xff, 0x88);
}

void self_chunk(unsigned unit)
{
        (void)unit;
        interrupt_order();
        walk_to_nowhere();
        registers();
        illegal();
        breakpoints();
        waiting();
        flags_make_dirty();
        lone_sc();
        reservations();
        locked_entries();
}
