/* SPDX-License-Identifier: MIT */
/*
 * Harts of a bare virt board that remap, rewrite and invalidate against each other's hot code, in S-mode with
 * Sv39 and several ASIDs; remote fences are interrupts that M-mode serves and acknowledges. What must hold:
 *
 * - data: when the fence after a change of a page's mapping is acknowledged by all, nobody stores to the page
 *   that was mapped before, a load gives the page that is mapped, and an invalid or read-only page faults;
 * - rewritten code: who reads a version and fences runs that version or a later one; after a remote fence.i,
 *   also without a fence of its own;
 * - remapped code: the same for an instruction that crosses into a page that is mapped elsewhere;
 * - atomics and LR/SC, simple and with other accesses between: no addition is lost;
 * - LR/SC: another value and back fails the SC.
 *
 * SECONDS: how long. ASIDS: instead, hart 0 goes through that many address spaces of eight page tables,
 * twice, and looks whether each shows its own page. Ends the machine by the test finisher: status 0 or 1.
 */
#include <stdint.h>

#ifndef SECONDS
#define SECONDS 10
#endif

typedef uint64_t u64;
typedef uint32_t u32;

enum { HARTS = 4, FUNCTIONS = 4, OWN_ASIDS = 4, ROOTS = 8 };

#define VA 0x40000000ull
#define PAGE 4096ull
/* virtual pages */
#define VA_DATA(h) (VA + (h) * PAGE)
#define VA_STRADDLE(h) (VA + (16 + 2 * (h)) * PAGE) /* the page before the one that is remapped */
#define VA_CODE(h, alias) (VA + (32 + 8 * (alias) + (h)) * PAGE)
#define VA_SHARED (VA + 48 * PAGE)
#define VA_OWN (VA + 49 * PAGE)
/* physical pages */
#define PHYS 0x81000000ull
#define P_DATA(h, i) (PHYS + (2 * (h) + (i)) * PAGE)
#define P_HEAD(h) (PHYS + (16 + (h)) * PAGE)
#define P_TAIL(h, i) (PHYS + (32 + 2 * (h) + (i)) * PAGE)
#define P_CODE(h) (PHYS + (64 + (h)) * PAGE)
#define P_SHARED (PHYS + 80 * PAGE)
#define P_OWN(r) (PHYS + (96 + (r)) * PAGE)

#define MSIP(h) (*(volatile u32 *)(0x2000000ull + 4 * (h)))
#define MTIME (*(volatile u64 *)0x200bff8ull)
#define UART (*(volatile uint8_t *)0x10000000ull)
#define UART_LSR (*(volatile uint8_t *)0x10000005ull)
#define FINISHER (*(volatile u32 *)0x100000ull)

#define FENCE() __asm__ volatile("fence rw, rw" ::: "memory")
#define FENCE_I() __asm__ volatile("fence.i" ::: "memory")
#define CSRR(name) ({ u64 v_; __asm__ volatile("csrr %0, " #name : "=r"(v_) :: "memory"); v_; })
#define CSRW(name, v) __asm__ volatile("csrw " #name ", %0" :: "r"(v) : "memory")
/* Zihintpause: there may be fewer host CPUs than harts. */
#define PAUSE() __asm__ volatile(".word 0x0100000f" ::: "memory")

enum { PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_A = 64, PTE_D = 128,
       PTE_RWX = PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D };

enum remote { REMOTE_ALL, REMOTE_PAGE, REMOTE_PAGE_ASID, REMOTE_ASID, REMOTE_FENCE_I };
enum map { MAP_0, MAP_1, MAP_NONE, MAP_READ_ONLY };

struct line {
        volatile u64 v;
        u64 pad[7];
};

struct hart {
        u64 id, random, satp_base, counted_amo, counted_lrsc, counted_heavy;
        volatile u64 faults;
        /* what it asks of others, and who has yet to do it */
        volatile u64 remote_kind, remote_addr;
        volatile u64 pending[HARTS];
        /* its data page: odd while it changes */
        volatile u64 data_gen, data_map;
        u64 data_current;
        /* its code */
        u32 version[FUNCTIONS], tail_version;
        volatile u32 said[FUNCTIONS], fenced[FUNCTIONS], tail_fenced;
        u64 tail_current;
        /* another value and back */
        volatile u64 aba_request, aba_done;
        u64 n_aba, n_remaps, n_rewrites, n_calls, n_ipis;
        volatile u64 done;
} __attribute__((aligned(4096)));

static struct hart harts[HARTS];
static u64 roots[ROOTS][512] __attribute__((aligned(4096)));
static u64 leaf[ROOTS][512] __attribute__((aligned(4096)));
static u64 middles[ROOTS][512] __attribute__((aligned(4096)));
static struct line aba[HARTS];
static volatile u64 ready, stop, broken;
static u64 deadline;

static struct line *const shared = (struct line *)VA_SHARED;

/* ---- talk ---- */

static void put(char c)
{
        while (!(UART_LSR & 0x20))
                ;
        UART = c;
}

static void print(const char *s)
{
        while (*s)
                put(*s++);
}

static void print_number(u64 n)
{
        char text[21], *p = text + 20;

        *p = 0;
        do
                *--p = '0' + n % 10;
        while (n /= 10);
        print(p);
}

static void print_fact(const char *name, u64 n)
{
        print(name);
        put(' ');
        print_number(n);
        put('\n');
}

static void finish(int ok)
{
        print(ok ? "stress: all held\n" : "stress: BROKEN\n");
        FINISHER = ok ? 0x5555 : 0x13333;
        for (;;)
                ;
}

static void broke(struct hart *h, const char *what, u64 a, u64 b)
{
        if (__atomic_exchange_n(&broken, 1, __ATOMIC_SEQ_CST))
                for (;;)
                        ;
        print("stress: hart ");
        print_number(h->id);
        print(": ");
        print(what);
        print_fact(":", a);
        print_fact("against", b);
        finish(0);
}

static u64 rnd(struct hart *h, u64 n)
{
        h->random ^= h->random << 13;
        h->random ^= h->random >> 7;
        h->random ^= h->random << 17;
        return (h->random >> 11) % n;
}

/* ---- M-mode ---- */

static struct hart *me_in_m(void)
{
        return &harts[CSRR(mhartid)];
}

static void do_fence(u64 kind, u64 addr)
{
        u64 first = CSRR(mhartid) * OWN_ASIDS;

        switch (kind) {
        case REMOTE_ALL:
                __asm__ volatile("sfence.vma" ::: "memory");
                break;
        case REMOTE_PAGE:
                __asm__ volatile("sfence.vma %0" :: "r"(addr) : "memory");
                break;
        case REMOTE_PAGE_ASID:
                for (u64 a = first; a < first + OWN_ASIDS; a++)
                        __asm__ volatile("sfence.vma %0, %1" :: "r"(addr), "r"(a + 1) : "memory");
                break;
        case REMOTE_ASID:
                for (u64 a = first; a < first + OWN_ASIDS; a++)
                        __asm__ volatile("sfence.vma x0, %0" :: "r"(a + 1) : "memory");
                break;
        default:
                FENCE_I();
        }
}

static void serve(struct hart *h)
{
        MSIP(h->id) = 0;
        FENCE();
        for (unsigned i = 0; i < HARTS; i++) {
                if (!harts[i].pending[h->id])
                        continue;
                FENCE();
                do_fence(harts[i].remote_kind, harts[i].remote_addr);
                h->n_ipis++;
                FENCE();
                harts[i].pending[h->id] = 0;
        }
}

static void remote_fence(struct hart *h, u64 kind, u64 addr)
{
        u64 left;

        h->remote_kind = kind;
        h->remote_addr = addr;
        FENCE();
        for (unsigned i = 0; i < HARTS; i++)
                h->pending[i] = i != h->id;
        FENCE();
        for (unsigned i = 0; i < HARTS; i++)
                if (i != h->id)
                        MSIP(i) = 1;
        do_fence(kind, addr);
        do {
                if (MSIP(h->id))
                        serve(h);
                else
                        PAUSE();
                left = 0;
                for (unsigned i = 0; i < HARTS; i++)
                        left |= h->pending[i];
        } while (left);
        FENCE();
}

void guest_trap(u64 a0, u64 a1, u64 unused, u64 cause, u64 value);
void guest_trap(u64 a0, u64 a1, u64 unused, u64 cause, u64 value)
{
        struct hart *h = me_in_m();

        (void)unused;
        if (cause == (1ull << 63 | 3)) {
                serve(h);
                return;
        }
        CSRW(mepc, CSRR(mepc) + 4); /* behind the call or the access that faulted; none is compressed */
        if (cause == 9)
                remote_fence(h, a0, a1);
        else if ((cause == 13 || cause == 15) && value - VA < 16 * PAGE)
                h->faults++;
        else
                broke(h, "trap that nothing should cause; mepc, mcause", CSRR(mepc) - 4, cause);
}

void guest_hart_init(u64 id);
void guest_hart_init(u64 id)
{
        if (id >= HARTS)
                for (;;)
                        __asm__ volatile("wfi");
}

/* ---- S-mode: pages ---- */

static void call_remote(u64 kind, u64 addr)
{
        register u64 a0 __asm__("a0") = kind;
        register u64 a1 __asm__("a1") = addr;

        __asm__ volatile("ecall" : "+r"(a0) : "r"(a1) : "memory");
}

static void set_leaf(u64 va, u64 pa, u64 flags)
{
        for (unsigned r = 0; r < ROOTS; r++)
                *(volatile u64 *)&leaf[r][(va - VA) / PAGE] = pa >> 12 << 10 | flags;
        FENCE();
}

static u32 lui_a0(u32 value)
{
        return value << 12 | 10 << 7 | 0x37;
}

static u32 *function(u64 page, unsigned k)
{
        static const unsigned at[FUNCTIONS] = {0, 64, 1024, 4096 - 16};

        return (u32 *)(page + at[k]);
}

static void set_tail(unsigned h, unsigned i, u32 version)
{
        volatile uint16_t *p = (volatile uint16_t *)P_TAIL(h, i);

        p[1] = 0x8082; /* ret */
        p[0] = version;
}

static void make_pages(void)
{
        for (unsigned r = 0; r < ROOTS; r++) {
                roots[r][0] = 0 >> 12 << 10 | (PTE_RWX & ~PTE_X);
                roots[r][1] = (u64)middles[r] >> 12 << 10 | PTE_V;
                roots[r][2] = 0x80000000ull >> 12 << 10 | PTE_RWX;
                middles[r][0] = (u64)leaf[r] >> 12 << 10 | PTE_V;
                *(u64 *)P_OWN(r) = r;
        }
        for (unsigned h = 0; h < HARTS; h++) {
                for (unsigned i = 0; i < 2; i++) {
                        ((u64 *)P_DATA(h, i))[64] = i;
                        set_tail(h, i, 0);
                }
                set_leaf(VA_DATA(h), P_DATA(h, 0), PTE_RWX & ~PTE_X);
                *(uint16_t *)(P_HEAD(h) + 4094) = lui_a0(0);
                set_leaf(VA_STRADDLE(h), P_HEAD(h), PTE_RWX & ~PTE_W);
                set_leaf(VA_STRADDLE(h) + PAGE, P_TAIL(h, 0), PTE_RWX & ~PTE_W);
                for (unsigned k = 0; k < FUNCTIONS; k++) {
                        function(P_CODE(h), k)[0] = lui_a0(0);
                        function(P_CODE(h), k)[1] = 0x8067; /* ret */
                }
                set_leaf(VA_CODE(h, 0), P_CODE(h), PTE_RWX & ~PTE_W);
                set_leaf(VA_CODE(h, 1), P_CODE(h), PTE_RWX);
        }
        set_leaf(VA_SHARED, P_SHARED, PTE_RWX & ~PTE_X);
        for (unsigned r = 0; r < ROOTS; r++)
                leaf[r][(VA_OWN - VA) / PAGE] = P_OWN(r) >> 12 << 10 | PTE_RWX;
}

static void set_space(u64 root, u64 asid)
{
        CSRW(satp, 8ull << 60 | asid << 44 | (u64)roots[root] >> 12);
}

/* ---- what harts do ---- */

/* False if it faulted. */
static int try_store(struct hart *h, u64 va, u64 value)
{
        u64 before = h->faults;

        __asm__ volatile(".option push\n.option norvc\nsd %1, 0(%0)\n.option pop"
                         :: "r"(va), "r"(value) : "memory");
        return h->faults == before;
}

static int try_load(struct hart *h, u64 va, u64 *value)
{
        u64 before = h->faults, v = ~0ull;

        __asm__ volatile(".option push\n.option norvc\nld %0, 0(%1)\n.option pop"
                         : "+&r"(v) : "r"(va) : "memory");
        *value = v;
        return h->faults == before;
}

/* The page of @h goes elsewhere, or away; then the page that was mapped must keep still. */
static void remap_data(struct hart *h)
{
        u64 next = rnd(h, 4), copy[HARTS + 1], va = VA_DATA(h->id);
        u64 current = next == MAP_READ_ONLY ? h->data_current : next == MAP_NONE ? h->data_current : next;
        volatile u64 *old = (volatile u64 *)P_DATA(h->id, h->data_current);

        h->data_gen++;
        FENCE();
        set_leaf(va, P_DATA(h->id, current),
                 next == MAP_NONE ? 0 : next == MAP_READ_ONLY ? PTE_V | PTE_R | PTE_A : PTE_RWX & ~PTE_X);
        call_remote(rnd(h, 4), va + rnd(h, 512) * 8);
        h->data_map = next;
        FENCE();
        h->data_gen++;
        h->n_remaps++;
        if (next < MAP_NONE && current == h->data_current)
                return;
        for (unsigned i = 0; i < HARTS; i++)
                copy[i] = old[i];
        for (u64 n = rnd(h, 2000); n--;)
                __asm__ volatile("" ::: "memory");
        for (unsigned i = 0; i < HARTS; i++)
                if (old[i] != copy[i])
                        broke(h, "a store to a page that is mapped no more", old[i], copy[i]);
        h->data_current = current;
}

static void use_data(struct hart *h)
{
        struct hart *o = &harts[rnd(h, HARTS)];
        u64 gen, map, id;
        int stored, loaded;

        for (unsigned n = 1 + rnd(h, 20); n--;) {
                gen = o->data_gen;
                FENCE();
                map = o->data_map;
                loaded = try_load(h, VA_DATA(o->id) + 512, &id);
                stored = try_store(h, VA_DATA(o->id) + 8 * h->id, h->random + n);
                FENCE();
                if ((gen & 1) || o->data_gen != gen)
                        continue;
                if (loaded != (map != MAP_NONE) || stored != (map < MAP_NONE))
                        broke(h, "an access to a page and its permission", loaded + 2 * stored, map);
                if (map < MAP_NONE && id != map)
                        broke(h, "a load from a page that is mapped no more", id, map);
        }
}

static void rewrite(struct hart *h)
{
        unsigned k = rnd(h, FUNCTIONS);
        u64 page = rnd(h, 2) ? P_CODE(h->id) : VA_CODE(h->id, 1);

        *(volatile u32 *)function(page, k) = lui_a0(++h->version[k]);
        FENCE();
        h->said[k] = h->version[k];
        h->n_rewrites++;
        if (rnd(h, 4))
                return;
        call_remote(REMOTE_FENCE_I, 0);
        h->fenced[k] = h->version[k];
}

/* The tail of an instruction that crosses pages is written where nobody looks, and then mapped. */
static void remap_code(struct hart *h)
{
        u32 next = h->tail_version + 1;

        h->tail_current ^= 1;
        set_tail(h->id, h->tail_current, next);
        FENCE();
        if (rnd(h, 2))
                call_remote(REMOTE_FENCE_I, 0);
        set_leaf(VA_STRADDLE(h->id) + PAGE, P_TAIL(h->id, h->tail_current), PTE_RWX & ~PTE_W);
        call_remote(rnd(h, 4), VA_STRADDLE(h->id) + PAGE);
        call_remote(REMOTE_FENCE_I, 0);
        h->tail_version = next;
        h->tail_fenced = next;
        h->n_remaps++;
}

static u64 call(u64 address)
{
        return ((u64 (*)(void))address)();
}

static int older(u32 got, u32 wanted, unsigned bits)
{
        return (int32_t)((got - wanted) << (32 - bits)) < 0;
}

static void use_code(struct hart *h)
{
        struct hart *o = &harts[rnd(h, HARTS)];
        unsigned k = rnd(h, FUNCTIONS), alias = rnd(h, 2);
        u32 want, got;

        for (unsigned n = 1 + rnd(h, 30); n--; h->n_calls++) {
                switch (rnd(h, 3)) {
                case 0:
                        want = o->said[k];
                        FENCE();
                        FENCE_I();
                        got = call((u64)function(VA_CODE(o->id, alias), k)) >> 12;
                        if (older(got, want, 20))
                                broke(h, "code older than what was read before a fence.i", got, want);
                        break;
                case 1:
                        want = o->fenced[k];
                        FENCE();
                        got = call((u64)function(VA_CODE(o->id, alias), k)) >> 12;
                        if (older(got, want, 20))
                                broke(h, "code older than the last remote fence.i", got, want);
                        break;
                default:
                        want = o->tail_fenced;
                        FENCE();
                        got = call(VA_STRADDLE(o->id) + 4094) >> 16;
                        if (older(got, want, 16))
                                broke(h, "code from a page that is mapped no more", got & 0xffff,
                                      want & 0xffff);
                }
        }
}

static void use_atomics(struct hart *h)
{
        u64 t, fail, other;

        for (unsigned n = rnd(h, 30); n--;) {
                __atomic_fetch_add((u64 *)&shared[0].v, 3, __ATOMIC_RELAXED);
                h->counted_amo += 3;
                do
                        __asm__ volatile("lr.d %0, (%2)\naddi %0, %0, 1\nsc.d %1, %0, (%2)"
                                         : "=&r"(t), "=&r"(fail) : "r"(&shared[1].v) : "memory");
                while (fail);
                h->counted_lrsc++;
                if (n % 4)
                        continue;
                do
                        __asm__ volatile("lr.d %0, (%3)\nld %2, (%4)\naddi %0, %0, 5\nsc.d %1, %0, (%3)"
                                         : "=&r"(t), "=&r"(fail), "=&r"(other)
                                         : "r"(&shared[2].v), "r"(&shared[3].v) : "memory");
                while (fail);
                h->counted_heavy += 5;
        }
}

/* For the hart before this one: another value and back. */
static void serve_aba(struct hart *h)
{
        unsigned i = (h->id + HARTS - 1) % HARTS;
        struct hart *o = &harts[i];
        u64 request = o->aba_request, value;

        if (request == o->aba_done)
                return;
        FENCE();
        value = aba[i].v;
        aba[i].v = value + 1;
        FENCE();
        aba[i].v = value;
        FENCE();
        o->aba_done = request;
}

static void use_aba(struct hart *h)
{
        u64 value, fail;

        __asm__ volatile("lr.d %0, (%1)" : "=r"(value) : "r"(&aba[h->id].v) : "memory");
        h->aba_request++;
        while (h->aba_done != h->aba_request) {
                serve_aba(h);
                PAUSE();
        }
        FENCE();
        __asm__ volatile("sc.d %0, %1, (%2)" : "=r"(fail) : "r"(value), "r"(&aba[h->id].v) : "memory");
        if (!fail)
                broke(h, "an SC succeeded after another value and back", h->n_aba, value);
        h->n_aba++;
}

static void live(struct hart *h)
{
        while (!stop) {
                if (h->id == 0 && MTIME >= deadline)
                        stop = 1;
                serve_aba(h);
                switch (rnd(h, 16)) {
                case 0: remap_data(h); break;
                case 1: rewrite(h); break;
                case 2: remap_code(h); break;
                case 3: use_aba(h); break;
                case 4: set_space(rnd(h, ROOTS), h->id * OWN_ASIDS + 1 + rnd(h, OWN_ASIDS));
                        /* the number may stand for another table now */
                        __asm__ volatile("sfence.vma" ::: "memory");
                        break;
                case 5: case 6: case 7: case 8: use_data(h); break;
                case 9: case 10: case 11: case 12: use_code(h); break;
                default: use_atomics(h);
                }
        }
        h->done = 1;
}

static void report(void)
{
        u64 amo = 0, lrsc = 0, heavy = 0, remaps = 0, rewrites = 0, calls = 0, abas = 0, faults = 0, ipis = 0;

        for (unsigned i = 0; i < HARTS; i++) {
                struct hart *h = &harts[i];

                amo += h->counted_amo;
                lrsc += h->counted_lrsc;
                heavy += h->counted_heavy;
                remaps += h->n_remaps;
                rewrites += h->n_rewrites;
                calls += h->n_calls;
                abas += h->n_aba;
                faults += h->faults;
                ipis += h->n_ipis;
        }
        print_fact("remaps", remaps);
        print_fact("rewrites", rewrites);
        print_fact("calls", calls);
        print_fact("page faults", faults);
        print_fact("remote fences", ipis);
        print_fact("additions", amo / 3 + lrsc + heavy / 5);
        print_fact("values and back", abas);
        if (amo != shared[0].v || lrsc != shared[1].v || heavy != shared[2].v)
                broke(&harts[0], "additions were lost", amo + lrsc + heavy,
                      shared[0].v + shared[1].v + shared[2].v);
        for (unsigned i = 0; i < HARTS; i++)
                if (!harts[i].n_aba || !harts[i].n_remaps || !harts[i].n_calls)
                        broke(&harts[i], "a hart that did nothing", harts[i].n_calls, 0);
}

#ifdef ASIDS
static void go_through_spaces(struct hart *h)
{
        u64 mask;

        set_space(0, 0xffff);
        mask = CSRR(satp) >> 44 & 0xffff;
        for (u64 n = 0; n < 2 * 65536; n++) {
                u64 asid = n % ASIDS & mask, root = asid % ROOTS, own;

                set_space(root, asid);
                own = *(volatile u64 *)VA_OWN;
                if (own != root)
                        broke(h, "a page of another address space", own, root);
                for (unsigned k = 0; k < FUNCTIONS; k++)
                        call((u64)function(VA_CODE(n % HARTS, 0), k));
                for (unsigned i = 0; i < HARTS; i++)
                        (void)*(volatile u64 *)(VA_DATA(i) + 512);
        }
        print_fact("ASIDs", mask + 1 < ASIDS ? mask + 1 : ASIDS);
        finish(1);
}
#endif

void guest_main(u64 id);
void guest_main(u64 id)
{
        struct hart *h = &harts[id];

        if (id == 0) {
                make_pages();
                deadline = MTIME + SECONDS * 10000000ull;
                for (unsigned i = 0; i < HARTS; i++) {
                        harts[i].id = i;
                        harts[i].random = 0x9e3779b97f4a7c15ull * (i + 1) ^ MTIME;
                }
                FENCE();
                ready = 1;
        }
        while (!ready)
                ;
        FENCE();
        FENCE_I();
#ifdef ASIDS
        if (id == 0)
                go_through_spaces(h);
        for (;;)
                __asm__ volatile("wfi");
#endif
        set_space(id, id * OWN_ASIDS + 1);
        __asm__ volatile("sfence.vma" ::: "memory");
        live(h);
        for (unsigned i = 0; i < HARTS; i++)
                while (!harts[i].done) {
                        serve_aba(h);
                        PAUSE();
                }
        if (id == 0) {
                FENCE();
                report();
                finish(!broken);
        }
        for (;;)
                PAUSE();
}
