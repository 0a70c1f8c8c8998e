/* SPDX-License-Identifier: MIT */
/*
 * Four vCPUs of the toy guest remap, rewrite and invalidate against hot code, while the main thread changes
 * the memory map, for RHEA_STRESS_SECONDS. What must hold:
 *
 * - data: once the revocation of a remapped page is complete, nobody stores to the old physical page;
 * - rewritten code: after loading a version and a fence, the function gives that version or a later one;
 * - remapped code: the same, where the writer maps another physical page;
 * - atomics and heavy load-reserved sequences: no addition is lost;
 * - with a tiny code cache, all this while segments are reclaimed under running code.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/runtime.h"
#include "tests/runtime/toy.h"

enum { N = 4, STEPS = 96, PROGRAM_PAGES = 4,
       /* virtual pages */
       V_DATA = 17, V_F = 22, V_G = 26, V_SHARED = 27, V_F_WRITE = 28,
       /* physical pages */
       P_DATA = 64, P_F = 96, P_G = 100, P_SHARED = 110,
       /* words of the shared page */
       W_VERSION = 0, W_G_VERSION = 8, W_STOP = 16, W_AMO = 32, W_LRSC = 48 };

/* A page being withdrawn; its owner's thread. */
struct remap {
        bool waiting;
        uint64_t seq;
        bool frozen; /* the other physical page must not change */
        unsigned current;
        uint8_t snapshot[GUEST_PAGE_SIZE];
        uint64_t version;
};

struct stress {
        struct remap data[N];
        struct remap code; /* vCPU 0's */
        _Atomic uint64_t remaps, checks, code_remaps;
};

static uint8_t *phys(struct toy *t, unsigned page)
{
        return t->ram->host + page * GUEST_PAGE_SIZE;
}

static void set_pte(struct toy *t, unsigned virtual, unsigned page, uint64_t flags)
{
        for (unsigned s = 0; s < TOY_SPACES; s++)
                atomic_store(&t->pte[s][virtual], (TOY_RAM_BASE + page * 4096ull) | flags);
}

/* Withdraws the page of @virtual from everybody; the helper is run again until that is done. */
static uint64_t withdraw(struct vcpu *v, struct remap *r, unsigned virtual)
{
        struct revoke_event ev = {.reasons = REVOKE_TLB, .flush = TLB_FLUSH_PAGE, .where = virtual * 4096ull};

        r->seq = revoke_post(v->engine->rt, &ev);
        r->waiting = true;
        v->engine->wait_seq = r->seq;
        return 1 + IR_EXIT_YIELD;
}

static bool still_waiting(struct vcpu *v, struct remap *r)
{
        if (revoke_complete(v->engine->rt, r->seq))
                return false;
        v->engine->wait_seq = r->seq;
        return true;
}

/* Each vCPU moves its own data page between two physical ones. */
static uint64_t remap_data(struct vcpu *v, struct stress *s)
{
        struct toy *t = toy_of(v->vm);
        struct remap *r = &s->data[v->index];
        unsigned base = P_DATA + 2 * v->index, old;

        if (!r->waiting) {
                if (r->frozen && memcmp(phys(t, base + !r->current), r->snapshot, GUEST_PAGE_SIZE))
                        g_error("vCPU %u: somebody stored to a page that had been withdrawn", v->index);
                atomic_fetch_add(&s->checks, r->frozen);
                r->current = !r->current;
                set_pte(t, V_DATA + v->index, base + r->current, TOY_RW);
                return withdraw(v, r, V_DATA + v->index);
        }
        if (still_waiting(v, r))
                return 1 + IR_EXIT_YIELD;
        r->waiting = false;
        old = base + !r->current;
        memcpy(r->snapshot, phys(t, old), GUEST_PAGE_SIZE);
        r->frozen = true;
        atomic_fetch_add(&s->remaps, 1);
        return 0;
}

/* vCPU 0 writes a newer function into a spare page and maps it in the place of the old. */
static uint64_t remap_code(struct vcpu *v, struct stress *s)
{
        struct toy *t = toy_of(v->vm);
        struct remap *r = &s->code;
        uint32_t f[2];

        if (v->index)
                return 0;
        if (!r->waiting) {
                r->version++;
                r->current = (r->current + 1) % 4;
                f[0] = TOY_I(TOY_LI, 5, r->version);
                f[1] = TOY_R(TOY_JR, 9, 0, IR_JUMP_RETURN);
                for (unsigned i = 0; i < 2; i++)
                        __atomic_store_n((uint32_t *)phys(t, P_G + r->current) + i, f[i], __ATOMIC_RELEASE);
                ram_block_note_write(t->ram, (P_G + r->current) * 4096ull, sizeof(f));
                set_pte(t, V_G, P_G + r->current, TOY_P_R | TOY_P_X);
                return withdraw(v, r, V_G);
        }
        if (still_waiting(v, r))
                return 1 + IR_EXIT_YIELD;
        r->waiting = false;
        __atomic_store_n((uint64_t *)phys(t, P_SHARED) + W_G_VERSION, r->version, __ATOMIC_RELEASE);
        atomic_fetch_add(&s->code_remaps, 1);
        return 0;
}

static uint64_t helper(struct vcpu *v, uint64_t arg)
{
        struct stress *s = toy_of(v->vm)->user;

        return arg ? remap_code(v, s) : remap_data(v, s);
}

/* @arg: what the function gave, less the version loaded before; versions are 16 bits. */
static void check(struct vcpu *v, uint64_t arg)
{
        if ((int16_t)arg < 0)
                g_error("vCPU %u ran code that is %d versions too old", v->index, -(int16_t)arg);
}

/* ---- the programs ---- */

struct program {
        uint32_t code[PROGRAM_PAGES * 1024];
        unsigned n, base; /* base: virtual address / 4 */
        GRand *rand;
};

static void put(struct program *p, uint32_t insn)
{
        g_assert_cmpint(p->n, <, G_N_ELEMENTS(p->code));
        p->code[p->n++] = insn;
}

static void put_page(struct program *p, unsigned reg, unsigned page)
{
        put(p, TOY_I(TOY_LI, reg, page));
        put(p, TOY_I(TOY_SHL, reg, 12));
}

static void put_sys(struct program *p, unsigned what, unsigned reg)
{
        put(p, TOY_R(TOY_SYS, reg, 0, what));
}

/* Calls the function on @page and checks its version against shared word @word. */
static void put_call(struct program *p, unsigned page, unsigned word)
{
        put_page(p, 3, V_SHARED);
        put(p, TOY_R(TOY_LD, 4, 3, word));
        put_sys(p, TOY_SYS_FENCE, 0);
        put(p, TOY_I(TOY_CALL, 9, (int)(page * 1024) - (int)(p->base + p->n)));
        put(p, TOY_R(TOY_SUB, 6, 5, 4));
        put_sys(p, TOY_SYS_CALL, 6);
}

/* A short loop that counts in a word of its own on a page that its owner remaps. */
static void put_counting(struct program *p, unsigned page, unsigned vcpu)
{
        put_page(p, 2, page);
        put(p, TOY_I(TOY_LI, 7, g_rand_int_range(p->rand, 1, 60)));
        put(p, TOY_R(TOY_LD, 5, 2, 8 * vcpu));
        put(p, TOY_R(TOY_ADD, 5, 5, 1));
        put(p, TOY_R(TOY_ST, 5, 2, 8 * vcpu));
        put(p, TOY_R(TOY_STX, 5, 2, 8 * (8 * vcpu + 1) + 3)); /* misaligned */
        put(p, TOY_I(TOY_ADDI, 7, -1));
        put(p, TOY_I(TOY_BNZ, 7, -5));
}

static void put_rewrite(struct program *p, unsigned vcpu)
{
        put_page(p, 2, V_F_WRITE + vcpu); /* the function's page, writable there */
        put_page(p, 3, V_SHARED);
        put(p, TOY_I(TOY_ADDI, 10, 1));
        put(p, TOY_I(TOY_LI, 8, 1));
        put(p, TOY_I(TOY_SHL, 8, 16));
        put(p, TOY_R(TOY_ADD, 11, 11, 8));
        put(p, TOY_R(TOY_STW, 11, 2, 0));
        put_sys(p, TOY_SYS_FENCE, 0);
        put(p, TOY_R(TOY_ST, 10, 3, W_VERSION + vcpu));
}

static void put_lrsc(struct program *p)
{
        put_page(p, 3, V_SHARED);
        put(p, TOY_I(TOY_ADDI, 3, 8 * W_LRSC));
        put(p, TOY_R(TOY_LR, 5, 3, 0));
        put(p, TOY_R(TOY_ADD, 5, 5, 1));
        put(p, TOY_R(TOY_SC, 6, 3, 5));
        put(p, TOY_I(TOY_BNZ, 6, -3));
        put(p, TOY_I(TOY_ADDI, 13, 1));
}

static void put_step(struct program *p, unsigned vcpu)
{
        unsigned reg = 14, which;

        switch (g_rand_int_range(p->rand, 0, 12)) {
        case 0: case 1: case 2:
                put_counting(p, V_DATA + g_rand_int_range(p->rand, 0, N), vcpu);
                break;
        case 3: case 4:
                which = g_rand_int_range(p->rand, 0, N);
                put_call(p, V_F + which, W_VERSION + which);
                break;
        case 5:
                put_rewrite(p, vcpu);
                break;
        case 6:
                put_call(p, V_G, W_G_VERSION);
                break;
        case 7:
                put_page(p, 3, V_SHARED);
                put(p, TOY_I(TOY_ADDI, 3, 8 * W_AMO));
                put(p, TOY_R(TOY_AMOADD, 5, 3, 1));
                put(p, TOY_I(TOY_ADDI, 12, 1));
                break;
        case 8:
                put_lrsc(p);
                break;
        case 9:
                put(p, TOY_I(TOY_LI, reg, g_rand_int_range(p->rand, 0, TOY_SPACES)));
                put_sys(p, TOY_SYS_SPACE, reg);
                break;
        case 10:
                put(p, TOY_I(TOY_LI, reg, g_rand_int_range(p->rand, 0, 3)));
                put_sys(p, TOY_SYS_MODE, reg);
                break;
        default:
                put(p, TOY_I(TOY_LI, reg, g_rand_int_range(p->rand, 0, 2)));
                put(p, TOY_R(TOY_HELP, reg, 0, 0));
                break;
        }
}

static void make_program(struct toy *t, unsigned vcpu, GRand *rand)
{
        struct program p = {.base = vcpu * PROGRAM_PAGES * 1024, .rand = rand};

        put(&p, TOY_I(TOY_LI, 1, 1));
        for (unsigned i = 0; i < STEPS; i++)
                put_step(&p, vcpu);
        put_page(&p, 3, V_SHARED);
        put(&p, TOY_R(TOY_LD, 5, 3, W_STOP));
        put(&p, TOY_I(TOY_BNZ, 5, 2));
        put(&p, TOY_I(TOY_J, 0, 1 - (int)p.n));
        put_sys(&p, TOY_SYS_DONE, 0);
        toy_code(t, TOY_RAM_BASE + p.base * 4, p.code, p.n);
}

/* ---- the run ---- */

static void nothing(struct vm *vm, void *arg)
{
        const struct mem_row *row = arg;

        address_space_remove(vm->memory, row->start);
        address_space_add(vm->memory, row, NULL);
}

static bool tiny_vm_init(struct vm *vm, GError **error)
{
        return runtime_vm_init_sized(vm, runtime_default_host(), 1, 32 << 10, error);
}

static struct toy *make_machine(const struct engine *engine, struct stress *s, GRand *rand)
{
        struct toy *t = toy_new(engine, N, 0x200000);
        uint32_t f[] = {TOY_I(TOY_LI, 5, 0), TOY_R(TOY_JR, 9, 0, IR_JUMP_RETURN)};

        t->paging = true;
        t->user = s;
        t->helper = helper;
        t->syscall = check;
        for (unsigned i = 0; i < N * PROGRAM_PAGES; i++)
                set_pte(t, i, i, TOY_P_R | TOY_P_X | (i & 1 ? TOY_P_G : 0));
        for (unsigned i = 0; i < N; i++) {
                struct toy_state *st = toy_state(t->vm->vcpus[i]);

                set_pte(t, V_DATA + i, P_DATA + 2 * i, TOY_RW);
                set_pte(t, V_F + i, P_F + i, TOY_P_R | TOY_P_X);
                set_pte(t, V_F_WRITE + i, P_F + i, TOY_RW);
                toy_code(t, TOY_RAM_BASE + (P_F + i) * 4096, f, 2);
                st->r[11] = f[0];
                t->vm->vcpus[i]->hot.pc = i * PROGRAM_PAGES * 4096ull;
                make_program(t, i, rand);
        }
        set_pte(t, V_G, P_G, TOY_P_R | TOY_P_X);
        set_pte(t, V_SHARED, P_SHARED, TOY_RW | TOY_P_G);
        toy_code(t, TOY_RAM_BASE + P_G * 4096, f, 2);
        return t;
}

static void stress(const struct engine *engine, unsigned seconds, uint32_t seed)
{
        struct stress *s = g_new0(struct stress, 1);
        GRand *rand = g_rand_new_with_seed(seed);
        struct toy *t = make_machine(engine, s, rand);
        static const struct mem_mmio_ops none;
        struct mem_row row = {.start = 0x1000, .size = 16, .kind = MEM_ROW_MMIO, .mmio = &none,
                              .name = "nothing"};
        gint64 end = g_get_monotonic_time() + seconds * 1000000ll;
        uint64_t amo = 0, lrsc = 0;

        toy_start(t);
        while (g_get_monotonic_time() < end) {
                vm_exclusive(t->vm, nothing, &row);
                g_usleep(g_rand_int_range(rand, 1000, 30000));
        }
        toy_poke(t, TOY_RAM_BASE + P_SHARED * 4096 + 8 * W_STOP, 1);
        toy_wait(t);
        for (unsigned i = 0; i < N; i++) {
                struct toy_state *st = toy_state(t->vm->vcpus[i]);

                g_assert_cmpint(st->traps, ==, 0);
                amo += st->r[12];
                lrsc += st->r[13];
        }
        g_assert_cmpint(toy_peek(t, TOY_RAM_BASE + P_SHARED * 4096 + 8 * W_AMO), ==, amo);
        g_assert_cmpint(toy_peek(t, TOY_RAM_BASE + P_SHARED * 4096 + 8 * W_LRSC), ==, lrsc);
        g_test_message("seed %u: %" PRIu64 " data remaps, %" PRIu64 " checked, %" PRIu64 " code remaps, %"
                       PRIu64
                       " atomics, %" PRIu64 " reservations", seed, s->remaps, s->checks, s->code_remaps, amo,
                               lrsc);
        g_assert_cmpint(s->checks, >, 0);
        toy_free(t);
        g_rand_free(rand);
        g_free(s);
}

static const struct engine *engine;
static unsigned seconds;

static void test_stress(void)
{
        for (unsigned part = 0; part < 4; part++)
                stress(engine, MAX(seconds / 8, 1), g_test_rand_int());
}

static void test_tiny(void)
{
        struct engine tiny = *engine;

        if (engine != &engine_interp)
                tiny.vm_init = tiny_vm_init;
        for (unsigned part = 0; part < 4; part++)
                stress(&tiny, MAX(seconds / 8, 1), g_test_rand_int());
}

int main(int argc, char **argv)
{
        const char *env = g_getenv("RHEA_STRESS_SECONDS");

        g_test_init(&argc, &argv, NULL);
        engine = toy_engines[argc > 1 ? atoi(argv[1]) : 0];
        g_assert_nonnull(engine);
        seconds = env ? atoi(env) : 8;
        g_test_add_func("/stress/remap-rewrite-invalidate", test_stress);
        g_test_add_func("/stress/tiny-cache", test_tiny);
        return g_test_run();
}
