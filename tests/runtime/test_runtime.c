/* SPDX-License-Identifier: MIT */
/*
 * The runtime with the toy guest, on every engine that is built: accesses and their faults, contexts and
 * flushes, rewritten code, reservations, breakpoints, budgets.
 */
#include <string.h>

#include "backend/runtime.h"
#include "tests/runtime/toy.h"

#define CODE TOY_RAM_BASE
#define DATA (TOY_RAM_BASE + 0x10000)
#define SYS(what, a) TOY_R(TOY_SYS, a, 0, TOY_SYS_##what)
#define DONE SYS(DONE, 0)

static const struct engine *engine; /* of the running test */

static struct toy *new_toy(unsigned n)
{
        return toy_new(engine, n, 0x200000);
}

static void run(struct toy *t)
{
        toy_start(t);
        toy_wait(t);
}

static void run_code(struct toy *t, const uint32_t *code, unsigned n)
{
        toy_code(t, CODE, code, n);
        run(t);
}
#define RUN(t, ...) \
        do { \
                const uint32_t code_[] = {__VA_ARGS__}; \
                run_code(t, code_, G_N_ELEMENTS(code_)); \
        } while (0)

static struct toy_state *state(struct toy *t)
{
        return toy_state(t->vm->vcpus[0]);
}

/* A counter, summed over all vCPUs; the VM is paused. */
static uint64_t counter(struct toy *t, enum runtime_stat which)
{
        uint64_t sum = 0;

        for (unsigned i = 0; i < t->vm->n_vcpus; i++)
                sum += t->vm->vcpus[i]->engine->stats[which];
        return sum;
}

/* ---- accesses ---- */

static void test_loop(void)
{
        struct toy *t = new_toy(1);

        RUN(t, TOY_I(TOY_LI, 1, 10000), TOY_I(TOY_LI, 2, 0),
            TOY_R(TOY_ADD, 2, 2, 1), TOY_I(TOY_ADDI, 1, -1), TOY_I(TOY_BNZ, 1, -2), DONE);
        g_assert_cmpint(state(t)->r[2], ==, 10000 * 10001 / 2);
        g_assert_cmpint(counter(t, STAT_translated), <=, 4);
        g_assert_cmpint(counter(t, STAT_one_shot), ==, 0);
        g_assert_cmpint(counter(t, STAT_retranslated), ==, 0);
        toy_free(t);
}

static void test_calls(void)
{
        struct toy *t = new_toy(1);
        uint32_t f[] = {TOY_I(TOY_ADDI, 2, 3), TOY_R(TOY_JR, 9, 0, IR_JUMP_RETURN)};

        /* f is in another page, then in the same */
        toy_code(t, CODE + 0x1000, f, 2);
        toy_code(t, CODE + 0x100, f, 2);
        RUN(t, TOY_I(TOY_LI, 1, 500), TOY_I(TOY_CALL, 9, 0x1000 / 4 - 1), TOY_I(TOY_CALL, 9, 0x100 / 4 - 2),
            TOY_I(TOY_ADDI, 1, -1), TOY_I(TOY_BNZ, 1, -3), DONE);
        g_assert_cmpint(state(t)->r[2], ==, 3000);
        toy_free(t);
}

static void test_crossing(void)
{
        struct toy *t = new_toy(1);

        toy_poke(t, DATA + 0x2000, 0x1122334455667788);
        state(t)->r[3] = DATA + 0xffd;
        state(t)->r[4] = 0x0807060504030201;
        RUN(t, TOY_R(TOY_STX, 4, 3, 0), TOY_R(TOY_LDX, 5, 3, 0), TOY_R(TOY_STX, 4, 3, 4),
            TOY_R(TOY_LDX, 6, 3, 4), DONE);
        g_assert_cmphex(state(t)->r[5], ==, 0x0807060504030201);
        g_assert_cmphex(state(t)->r[6], ==, 0x0807060504030201);
        g_assert_cmpint(state(t)->traps, ==, 0);
        toy_free(t);
}

/* Physical page @n of RAM with @flags. */
static uint64_t pte(unsigned n, uint64_t flags)
{
        return (TOY_RAM_BASE + n * 4096ull) | flags;
}

/* Paging on; code at virtual page 0 is physical page 0, in all spaces. */
static struct toy *new_paged(unsigned n)
{
        struct toy *t = new_toy(n);

        t->paging = true;
        for (unsigned s = 0; s < TOY_SPACES; s++)
                atomic_store(&t->pte[s][0], pte(0, TOY_P_R | TOY_P_X));
        for (unsigned i = 0; i < n; i++)
                t->vm->vcpus[i]->hot.pc = 0;
        return t;
}

static void test_crossing_fault(void)
{
        struct toy *t = new_paged(1);

        atomic_store(&t->pte[0][8], pte(8, TOY_RW));
        toy_poke(t, TOY_RAM_BASE + 0x8ff8, 0x5555555555555555);
        state(t)->r[3] = 0x8ffc;
        state(t)->r[4] = -1;
        RUN(t, TOY_I(TOY_ADDI, 7, 1), TOY_R(TOY_STX, 4, 3, 0), TOY_I(TOY_ADDI, 7, 1), DONE);
        g_assert_cmpint(state(t)->cause, ==, TOY_FAULT_WRITE);
        g_assert_cmphex(state(t)->value, ==, 0x9000);
        g_assert_cmphex(state(t)->trap_pc, ==, 4);
        g_assert_cmpint(state(t)->r[7], ==, 1);
        g_assert_cmphex(toy_peek(t, TOY_RAM_BASE + 0x8ff8), ==, 0x5555555555555555);
        toy_free(t);
}

static uint64_t device_value;

static enum mem_result device_read(struct dev *dev, unsigned region, uint64_t offset, unsigned size,
                                   struct mem_attr attr, uint64_t *value)
{
        if (offset & (size - 1))
                return MEM_DECODE_ERROR;
        *value = device_value + offset;
        return MEM_OK;
}

static enum mem_result device_write(struct dev *dev, unsigned region, uint64_t offset, unsigned size,
                                    struct mem_attr attr, uint64_t value)
{
        if (offset >= 0x80 || (offset & (size - 1)))
                return MEM_DEVICE_ERROR;
        device_value = value;
        return MEM_OK;
}

static const struct mem_mmio_ops device_ops = {device_read, device_write};

static struct toy *new_with_device(void)
{
        struct toy *t = new_toy(1);
        struct mem_row row = {.start = 0x8000, .size = 0x100, .kind = MEM_ROW_MMIO, .mmio = &device_ops,
                              .name = "device"};

        g_assert_true(address_space_add(t->vm->memory, &row, NULL));
        state(t)->r[3] = 0x8000;
        return t;
}

static void test_mmio(void)
{
        struct toy *t = new_with_device();

        RUN(t, TOY_I(TOY_LI, 1, 100), TOY_R(TOY_ST, 1, 3, 2), TOY_R(TOY_LD, 2, 3, 3), TOY_R(TOY_ST, 1, 3, 16),
            DONE);
        g_assert_cmpint(state(t)->r[2], ==, 100 + 24);
        g_assert_cmpint(state(t)->cause, ==, TOY_BUS);
        g_assert_cmphex(state(t)->value, ==, 0x8080);
        g_assert_cmphex(state(t)->trap_pc, ==, CODE + 12);
        toy_free(t);
}

static void test_mmio_atomic(void)
{
        struct toy *t = new_with_device();

        device_value = 7;
        RUN(t, TOY_R(TOY_AMOADD, 2, 3, 1), DONE);
        g_assert_cmpint(state(t)->cause, ==, TOY_BUS);
        g_assert_cmpint(device_value, ==, 7);
        toy_free(t);
}

static void test_no_memory(void)
{
        struct toy *t = new_toy(1);

        RUN(t, TOY_I(TOY_LI, 3, 0x100), TOY_R(TOY_LD, 1, 3, 0), DONE);
        g_assert_cmpint(state(t)->cause, ==, TOY_BUS);
        toy_free(t);
        t = new_toy(1);
        RUN(t, TOY_I(TOY_LI, 3, 0x100), TOY_R(TOY_JR, 3, 0, 0), DONE);
        g_assert_cmpint(state(t)->cause, ==, TOY_BUS);
        g_assert_cmphex(state(t)->trap_pc, ==, 0x100);
        toy_free(t);
}

static void test_rom(void)
{
        struct toy *t = new_toy(1);
        struct ram_block *rom = ram_block_new(t->vm, "rom", 4096, NULL);
        struct mem_row row = {.start = 0x4000, .size = 4096, .kind = MEM_ROW_ROM, .ram = rom};
        uint64_t value = 42;

        g_assert_true(address_space_add(t->vm->memory, &row, NULL));
        address_space_write_rom(t->vm->memory, 0x4000, &value, 8);
        RUN(t, TOY_I(TOY_LI, 3, 0x4000), TOY_R(TOY_LD, 1, 3, 0), TOY_R(TOY_ST, 3, 3, 0),
            TOY_R(TOY_LD, 2, 3, 0),
            TOY_R(TOY_AMOADD, 4, 3, 1), TOY_R(TOY_LD, 5, 3, 0), DONE);
        g_assert_cmpint(state(t)->traps, ==, 0);
        g_assert_cmpint(state(t)->r[1], ==, 42);
        g_assert_cmpint(state(t)->r[2], ==, 42);
        g_assert_cmpint(state(t)->r[4], ==, 42);
        g_assert_cmpint(state(t)->r[5], ==, 42);
        toy_free(t);
}

/* ---- contexts ---- */

/* Alternates between two spaces in which the same address is another page; nothing is walked again. */
static void test_spaces(void)
{
        struct toy *t = new_paged(1);

        for (unsigned s = 0; s < 2; s++) {
                atomic_store(&t->pte[s][8], pte(8 + s, TOY_RW));
                toy_poke(t, TOY_RAM_BASE + (8 + s) * 4096, 100 * (s + 1));
        }
        RUN(t, TOY_I(TOY_LI, 1, 1000), TOY_I(TOY_LI, 2, 0), TOY_I(TOY_LI, 3, 1), TOY_I(TOY_LI, 4, 0x4000),
            TOY_R(TOY_ADD, 4, 4, 4),
            /* loop: */
            SYS(SPACE, 2), TOY_R(TOY_LD, 5, 4, 0), TOY_R(TOY_ADD, 6, 6, 5),
            SYS(SPACE, 3), TOY_R(TOY_LD, 5, 4, 0), TOY_R(TOY_ADD, 6, 6, 5),
            TOY_I(TOY_ADDI, 1, -1), TOY_I(TOY_BNZ, 1, -7), DONE);
        g_assert_cmpint(state(t)->r[6], ==, 1000 * 300);
        g_assert_cmpint(state(t)->traps, ==, 0);
        g_assert_cmpint(state(t)->walks, <, 16);
        toy_free(t);
}

static uint64_t resident_kib(void)
{
        uint64_t size, resident;
        FILE *f = fopen("/proc/self/statm", "r");

        g_assert_nonnull(f);
        g_assert_cmpint(fscanf(f, "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, &size, &resident), ==, 2);
        fclose(f);
        return resident * 4;
}

/* 65,536 spaces in turn: each works, and the pools stay what they are. */
static void test_many_spaces(void)
{
        struct toy *t = new_paged(1);
        uint64_t before;

        for (unsigned s = 0; s < TOY_SPACES; s++)
                atomic_store(&t->pte[s][8], pte(8, TOY_RW));
        toy_poke(t, TOY_RAM_BASE + 0x8000, 1);
        state(t)->r[1] = 65536;
        state(t)->r[4] = 0x8000;
        toy_start(t);
        before = resident_kib();
        vm_pause(t->vm);
        toy_free(t);

        t = new_paged(1);
        for (unsigned s = 0; s < TOY_SPACES; s++)
                atomic_store(&t->pte[s][8], pte(8, TOY_RW));
        toy_poke(t, TOY_RAM_BASE + 0x8000, 1);
        state(t)->r[1] = 65536;
        state(t)->r[4] = 0x8000;
        RUN(t, SYS(SPACE, 1), TOY_R(TOY_LD, 5, 4, 0), TOY_R(TOY_ADD, 6, 6, 5), TOY_I(TOY_ADDI, 1, -1),
            TOY_I(TOY_BNZ, 1, -4), DONE);
        g_assert_cmpint(state(t)->r[6], ==, 65536);
        g_assert_cmpint(resident_kib(), <, before + 8192);
        toy_free(t);
}

static void flush_syscall(struct vcpu *v, uint64_t arg)
{
        struct toy *t = toy_of(v->vm);

        /* virtual page 8 goes on to the next physical one */
        atomic_store(&t->pte[0][8], pte(8 + arg, TOY_RW | (arg == 5 ? TOY_P_LARGE : 0)));
}

/* A remapped page is seen after each kind of flush. */
static void test_flushes(void)
{
        static const enum toy_sys kinds[] = {TOY_SYS_FLUSH, TOY_SYS_FLUSH_SPACE, TOY_SYS_FLUSH_PAGE,
                                             TOY_SYS_FLUSH_SPACE_PAGE};

        for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++) {
                struct toy *t = new_paged(1);

                t->syscall = flush_syscall;
                atomic_store(&t->pte[0][8], pte(8, TOY_RW));
                for (unsigned i = 0; i < 8; i++)
                        toy_poke(t, TOY_RAM_BASE + (8 + i) * 4096, 1000 + i);
                state(t)->r[2] = 0x8000;
                state(t)->r[8] = kinds[k] == TOY_SYS_FLUSH_SPACE ? 0 : 0x8010;
                /* loop: load, remap to page r1, flush, load again */
                RUN(t, TOY_I(TOY_LI, 1, 7), TOY_R(TOY_LD, 5, 2, 0), SYS(CALL, 1),
                    TOY_R(TOY_SYS, 8, 0, kinds[k]),
                    TOY_R(TOY_LD, 6, 2, 0), TOY_R(TOY_SUB, 6, 6, 1), TOY_I(TOY_ADDI, 6, -1000),
                    TOY_R(TOY_ADD, 7, 7, 6), TOY_I(TOY_ADDI, 1, -1), TOY_I(TOY_BNZ, 1, -8), DONE);
                g_assert_cmpint(state(t)->traps, ==, 0);
                g_assert_cmpint(state(t)->r[7], ==, 0);
                toy_free(t);
        }
}

static void test_dirty(void)
{
        struct toy *t = new_paged(1);

        atomic_store(&t->pte[0][8], pte(8, TOY_P_R | TOY_P_W));
        state(t)->r[2] = 0x8000;
        RUN(t, TOY_R(TOY_LD, 5, 2, 0), TOY_R(TOY_LD, 5, 2, 1), SYS(YIELD, 0), TOY_R(TOY_ST, 2, 2, 0), DONE);
        g_assert_true(atomic_load(&t->pte[0][8]) & TOY_P_D);
        toy_free(t);
        t = new_paged(1);
        atomic_store(&t->pte[0][8], pte(8, TOY_P_R | TOY_P_W));
        state(t)->r[2] = 0x8000;
        RUN(t, TOY_R(TOY_LD, 5, 2, 0), TOY_R(TOY_LD, 5, 2, 1), DONE);
        g_assert_false(atomic_load(&t->pte[0][8]) & TOY_P_D);
        toy_free(t);
}

static void test_partial(void)
{
        struct toy *t = new_paged(1);
        uint64_t walks;

        atomic_store(&t->pte[0][8], pte(8, TOY_RW | TOY_P_PARTIAL));
        state(t)->r[2] = 0x8000;
        RUN(t, TOY_I(TOY_LI, 1, 100), TOY_R(TOY_LD, 5, 2, 0), TOY_R(TOY_ST, 5, 2, 0), TOY_I(TOY_ADDI, 1, -1),
            TOY_I(TOY_BNZ, 1, -3), DONE);
        walks = state(t)->walks;
        g_assert_cmpint(walks, >=, 200);
        toy_free(t);
}

/* ---- code ---- */

/* A function that returns a constant is rewritten and called again, 200 times. */
static void test_rewrite(void)
{
        struct toy *t = new_toy(1);
        uint32_t f[] = {TOY_I(TOY_LI, 5, 0), TOY_R(TOY_JR, 9, 0, IR_JUMP_RETURN)};

        toy_code(t, CODE + 0x2000, f, 2);
        state(t)->r[3] = CODE + 0x2000;
        state(t)->r[7] = TOY_I(TOY_LI, 5, 1);
        state(t)->r[8] = 1 << 16;
        RUN(t, TOY_I(TOY_LI, 1, 200), TOY_R(TOY_STW, 7, 3, 0), SYS(FENCE, 0),
            TOY_I(TOY_CALL, 9, 0x2000 / 4 - 3),
            TOY_R(TOY_ADD, 6, 6, 5), TOY_R(TOY_ADD, 7, 7, 8), TOY_I(TOY_ADDI, 1, -1), TOY_I(TOY_BNZ, 1, -6),
            DONE);
        g_assert_cmpint(state(t)->r[6], ==, 200 * 201 / 2);
        toy_free(t);
}

/* An instruction replaces the next one, in its own region, to and fro; no fence. */
static void test_precise(void)
{
        struct toy *t = new_toy(1);
        struct cpu_ops ops = toy_ops;

        ops.precise_smc = true;
        t->vm->vcpus[0]->ops = &ops;
        state(t)->r[3] = CODE;
        state(t)->r[7] = TOY_I(TOY_ADDI, 5, 1);
        state(t)->r[8] = TOY_I(TOY_ADDI, 5, 1) ^ TOY_I(TOY_ADDI, 5, 1000);
        RUN(t, TOY_I(TOY_LI, 1, 300), TOY_R(TOY_XOR, 7, 7, 8), TOY_R(TOY_STW, 7, 3, 3), TOY_I(TOY_ADDI, 5, 0),
            TOY_R(TOY_ADD, 6, 6, 5), TOY_I(TOY_ADDI, 1, -1), TOY_I(TOY_BNZ, 1, -5), DONE);
        g_assert_cmpint(state(t)->r[5], ==, 150 * 1001);
        /* after the k-th pair: k * 1001, and before its second half 1 less */
        g_assert_cmpint(state(t)->r[6], ==, 2 * 1001 * (150 * 151 / 2) - 150);
        g_assert_cmpint(counter(t, STAT_one_shot), >=, 299);
        toy_free(t);
}

/* Code and data in one line: the data changes all the time, the code stays right. */
static void test_mixed_line(void)
{
        struct toy *t = new_toy(1);

        state(t)->r[3] = CODE;
        RUN(t, TOY_I(TOY_LI, 1, 2000), TOY_R(TOY_ST, 1, 3, 6), TOY_R(TOY_LD, 2, 3, 6),
            TOY_R(TOY_ADD, 5, 5, 2),
            TOY_I(TOY_ADDI, 1, -1), TOY_I(TOY_BNZ, 1, -4), DONE);
        g_assert_cmpint(state(t)->r[5], ==, 2000 * 2001 / 2);
        toy_free(t);
}

/* An instruction half in one page and half in the next, whose second page is then remapped. */
static void straddle_syscall(struct vcpu *v, uint64_t arg)
{
        atomic_store(&toy_of(v->vm)->pte[0][3], pte(4, TOY_P_R | TOY_P_X));
}

static void test_straddle(void)
{
        struct toy *t = new_paged(1);
        uint32_t add[] = {TOY_I(TOY_ADDI, 5, 7), TOY_R(TOY_JR, 9, 0, IR_JUMP_RETURN)};
        uint32_t other[] = {TOY_I(TOY_ADDI, 5, 1000), TOY_R(TOY_JR, 9, 0, IR_JUMP_RETURN)};

        toy_code(t, TOY_RAM_BASE + 0x2ffe, add, 2);
        /* the second halves of the other pair */
        g_assert_cmpint(MEM_OK, ==, address_space_write_bytes(t->vm->memory, TOY_RAM_BASE + 0x4000,
                                                              (uint8_t *)other + 2, 6));
        atomic_store(&t->pte[0][2], pte(2, TOY_P_R | TOY_P_X));
        atomic_store(&t->pte[0][3], pte(3, TOY_P_R | TOY_P_X));
        t->syscall = straddle_syscall;
        state(t)->r[3] = 0x2ffe;
        state(t)->r[4] = 0x3000;
        state(t)->r[9] = 5 * 4;
        RUN(t, TOY_I(TOY_LI, 1, 10), TOY_I(TOY_LI, 9, 3 * 4), TOY_R(TOY_JR, 3, 0, 0),
            TOY_I(TOY_ADDI, 1, -1), TOY_I(TOY_BNZ, 1, -2), SYS(CALL, 0), SYS(FLUSH_PAGE, 4),
            TOY_I(TOY_LI, 9, 9 * 4), TOY_R(TOY_JR, 3, 0, 0), DONE);
        g_assert_cmpint(state(t)->traps, ==, 0);
        g_assert_cmpint(state(t)->r[5], ==, 1070);
        toy_free(t);
}

/* The second half is not mapped: the fault names the second page, at the instruction. */
static void test_straddle_fault(void)
{
        struct toy *t = new_paged(1);
        uint32_t add[] = {TOY_I(TOY_ADDI, 5, 7)};

        toy_code(t, TOY_RAM_BASE + 0x2ffe, add, 1);
        atomic_store(&t->pte[0][2], pte(2, TOY_P_R | TOY_P_X));
        state(t)->r[3] = 0x2ffe;
        RUN(t, TOY_R(TOY_JR, 3, 0, 0));
        g_assert_cmpint(state(t)->cause, ==, TOY_FAULT_FETCH);
        g_assert_cmphex(state(t)->value, ==, 0x3000);
        g_assert_cmphex(state(t)->trap_pc, ==, 0x2ffe);
        toy_free(t);
}

/* The device's way of writing code: ram_block_note_write. */
static void dma_syscall(struct vcpu *v, uint64_t arg)
{
        uint32_t f = TOY_I(TOY_LI, 5, 77);

        toy_code(toy_of(v->vm), CODE + 0x2000, &f, 1);
}

static void test_dma_code(void)
{
        struct toy *t = new_toy(1);
        uint32_t f[] = {TOY_I(TOY_LI, 5, 1), TOY_R(TOY_JR, 9, 0, IR_JUMP_RETURN)};

        toy_code(t, CODE + 0x2000, f, 2);
        t->syscall = dma_syscall;
        RUN(t, TOY_I(TOY_CALL, 9, 0x2000 / 4), TOY_R(TOY_ADD, 6, 6, 5), SYS(CALL, 0), SYS(FENCE, 0),
            TOY_I(TOY_CALL, 9, 0x2000 / 4 - 4), TOY_R(TOY_ADD, 6, 6, 5), DONE);
        g_assert_cmpint(state(t)->r[6], ==, 78);
        toy_free(t);
}

/* Modes are kept apart: the same code in two modes alternately. */
static void test_modes(void)
{
        struct toy *t = new_toy(1);

        RUN(t, TOY_I(TOY_LI, 1, 100), TOY_I(TOY_LI, 2, 1), SYS(MODE, 2), TOY_R(TOY_ADD, 5, 5, 2),
            SYS(MODE, 3),
            TOY_R(TOY_ADD, 5, 5, 2), TOY_I(TOY_ADDI, 1, -1), TOY_I(TOY_BNZ, 1, -5), DONE);
        g_assert_cmpint(state(t)->r[5], ==, 200);
        toy_free(t);
}

/* Thousands of blocks through two segments: reclaiming while running. */
static bool tiny_vm_init(struct vm *vm, GError **error)
{
        return runtime_vm_init_sized(vm, engine == &engine_interp ? NULL : runtime_default_host(), 1,
                                     64 << 10, error);
}

static void test_reclaim(void)
{
        const struct engine *real = engine;
        struct engine tiny = *engine;
        struct toy *t;
        enum { N = 8000 };

        tiny.vm_init = tiny_vm_init;
        t = toy_new(&tiny, 2, 0x400000);
        engine = real;
        /* a chain of blocks of 32 additions, each ending in a jump to the next */
        for (unsigned i = 0; i < N; i++) {
                uint32_t block[33];

                for (unsigned k = 0; k < 32; k++)
                        block[k] = TOY_I(TOY_ADDI, 2 + (k & 3), k + 1);
                block[32] = TOY_I(TOY_J, 0, 1);
                toy_code(t, CODE + 0x1000 + i * sizeof(block), block, 33);
        }
        toy_code(t, CODE + 0x1000 + N * 132, (uint32_t[]){TOY_R(TOY_JR, 9, 0, 0)}, 1);
        RUN(t, TOY_I(TOY_LI, 1, 4), TOY_I(TOY_CALL, 9, 0x1000 / 4 - 1), TOY_I(TOY_ADDI, 1, -1),
            TOY_I(TOY_BNZ, 1, -2),
            DONE);
        for (unsigned i = 0; i < 2; i++)
                g_assert_cmpint(toy_state(t->vm->vcpus[i])->r[2], ==, 4 * N * 120);
        if (engine != &engine_interp)
                g_assert_cmpint(counter(t, STAT_segments_reclaimed), >, 10);
        toy_free(t);
}

/* ---- reservations ---- */

/*
 * vCPU 0 reserves; then vCPU 1 stores another value and the old one back; the conditional store fails. In
 * another line, or without stores, it succeeds. The two take turns by a pair of words at r12.
 */
static void reservation_case(bool disturb, bool same_line)
{
        struct toy *t = new_toy(2);
        unsigned store = disturb ? TOY_ST : TOY_ADD;
        uint32_t second[] = {
                TOY_R(TOY_LD, 5, 12, 0), TOY_I(TOY_BNZ, 5, 2), TOY_I(TOY_J, 0, -2),
                TOY_R(store, 4, 3, same_line ? 1 : 40), TOY_R(store, 0, 3, same_line ? 1 : 40),
                TOY_R(TOY_ST, 4, 12, 1), DONE,
        };

        toy_code(t, CODE + 0x1000, second, G_N_ELEMENTS(second));
        t->vm->vcpus[1]->hot.pc = CODE + 0x1000;
        for (unsigned i = 0; i < 2; i++) {
                struct toy_state *s = toy_state(t->vm->vcpus[i]);

                s->r[3] = DATA;
                s->r[4] = 99;
                s->r[6] = 1234;
                s->r[12] = DATA + 0x2000;
        }
        RUN(t, TOY_R(TOY_LR, 5, 3, 0), TOY_R(TOY_ST, 4, 12, 0),
            TOY_R(TOY_LD, 5, 12, 1), TOY_I(TOY_BNZ, 5, 2), TOY_I(TOY_J, 0, -2), TOY_R(TOY_SC, 7, 3, 6),
            TOY_R(TOY_LR, 5, 3, 0), TOY_R(TOY_SC, 8, 3, 6), DONE);
        g_assert_cmpint(state(t)->r[7], ==, disturb && same_line);
        g_assert_cmpint(state(t)->r[8], ==, 0);
        g_assert_cmpint(toy_peek(t, DATA), ==, 1234);
        toy_free(t);
}

static void test_reservation(void)
{
        reservation_case(false, false);
        reservation_case(true, false);
        reservation_case(true, true);
}

/* Heavy sequences of four vCPUs, and atomic additions of the same vCPUs: nothing is lost. */
static void test_reservation_count(void)
{
        struct toy *t = new_toy(4);

        for (unsigned i = 0; i < 4; i++) {
                toy_state(t->vm->vcpus[i])->r[3] = DATA;
                toy_state(t->vm->vcpus[i])->r[2] = 1;
        }
        RUN(t, TOY_I(TOY_LI, 1, 2000), TOY_R(TOY_LR, 5, 3, 0), TOY_R(TOY_ADD, 5, 5, 2),
            TOY_R(TOY_SC, 6, 3, 5),
            TOY_I(TOY_BNZ, 6, -3), TOY_R(TOY_AMOADD, 5, 3, 2), TOY_I(TOY_ADDI, 1, -1), TOY_I(TOY_BNZ, 1, -6),
            DONE);
        g_assert_cmpint(toy_peek(t, DATA), ==, 4 * 4000);
        toy_free(t);
}

/* ---- debugging and counting ---- */

static void test_breakpoint(void)
{
        struct toy *t = new_toy(1);
        struct vcpu *v = t->vm->vcpus[0];
        gva_t at = CODE + 8;

        toy_code(t, CODE, (uint32_t[]){TOY_I(TOY_LI, 1, 10), TOY_I(TOY_ADDI, 2, 1), TOY_I(TOY_ADDI, 2, 100),
                                       TOY_I(TOY_ADDI, 1, -1), TOY_I(TOY_BNZ, 1, -3), DONE}, 6);
        g_assert_true(t->vm->engine->vm_init(t->vm, NULL));
        g_assert_true(t->vm->engine->vcpu_init(v, NULL));
        g_array_append_val(t->vm->breakpoints, at);
        t->vm->engine->breakpoints_changed(t->vm, at);
        for (unsigned i = 1; i <= 10; i++) {
                atomic_store(&v->where, VCPU_INSIDE);
                g_assert_cmpint(t->vm->engine->run(v), ==, VCPU_EXIT_DEBUG);
                g_assert_cmphex(v->hot.pc, ==, at);
                g_assert_cmpint(state(t)->r[2], ==, 101 * (i - 1) + 1);
                g_assert_cmpint(t->vm->engine->step(v), ==, VCPU_EXIT_POLL);
                g_assert_cmphex(v->hot.pc, ==, at + 4);
        }
        g_assert_cmpint(t->vm->engine->run(v), ==, VCPU_EXIT_HALT);
        atomic_store(&v->where, VCPU_OUTSIDE);
        t->vm->engine->vcpu_fini(v);
        t->vm->engine->vm_fini(t->vm);
        toy_free(t);
}

/*
 * Budgets of any size are used to the instruction, whatever the blocks are; a fault gives back what was not
 * run.
 */
static void test_budget(void)
{
        struct toy *t = new_toy(1);
        struct vcpu *v = t->vm->vcpus[0];
        uint64_t total = 0;

        t->vm->deterministic = true;
        state(t)->handler = CODE + 0x100;
        state(t)->r[3] = 0x100; /* no memory there */
        toy_code(t, CODE, (uint32_t[]){TOY_I(TOY_LI, 1, 50), TOY_I(TOY_ADDI, 2, 1), TOY_I(TOY_ADDI, 2, 1),
                                       TOY_R(TOY_LD, 4, 3, 0), TOY_I(TOY_ADDI, 2, 1), TOY_I(TOY_ADDI, 1, -1),
                                       TOY_I(TOY_BNZ, 1, -5), DONE}, 8);
        toy_code(t, CODE + 0x100, (uint32_t[]){TOY_I(TOY_LI, 8, 4), SYS(RESUME, 8)}, 2);
        g_assert_true(t->vm->engine->vm_init(t->vm, NULL));
        g_assert_true(t->vm->engine->vcpu_init(v, NULL));
        atomic_store(&v->where, VCPU_INSIDE);
        for (unsigned slice = 1;; slice = slice % 7 + 1) {
                enum vcpu_exit exit;

                v->hot.budget = slice;
                exit = t->vm->engine->run(v);
                total += slice - v->hot.budget;
                if (exit == VCPU_EXIT_HALT)
                        break;
                g_assert_cmpint(exit, ==, VCPU_EXIT_BUDGET);
                g_assert_cmpint(v->hot.budget, ==, 0);
        }
        /* the faulting load is not complete, so it does not count */
        g_assert_cmpint(state(t)->r[2], ==, 150);
        g_assert_cmpint(total, ==, 1 + 50 * (5 + 2) + 1);
        atomic_store(&v->where, VCPU_OUTSIDE);
        t->vm->engine->vcpu_fini(v);
        t->vm->engine->vm_fini(t->vm);
        toy_free(t);
}

/* ---- several vCPUs ---- */

static void check_grown(struct vcpu *v, uint64_t arg)
{
        if ((int64_t)arg < 0)
                g_error("vCPU %u ran code older than its fence by %" G_GINT64_FORMAT, v->index,
                        -(int64_t)arg);
}

/* vCPU 0 rewrites a function that vCPU 1 to 3 call; each sees a value that only grows, after its fence. */
static void test_cross_rewrite(void)
{
        struct toy *t = new_toy(4);
        uint32_t f[] = {TOY_I(TOY_LI, 5, 0), TOY_R(TOY_JR, 9, 0, IR_JUMP_RETURN)};
        uint32_t reader[] = {
                TOY_I(TOY_LI, 1, 0),
                /* loop: r4 = published; fence; call; r5 >= r4 or trap */
                TOY_R(TOY_LD, 4, 3, 0), SYS(FENCE, 0), TOY_I(TOY_CALL, 9, 0x2000 / 4 - 0x1000 / 4 - 3),
                TOY_R(TOY_SUB, 6, 5, 4), TOY_R(TOY_STX, 6, 10, 0), SYS(CALL, 6), TOY_I(TOY_ADDI, 4, -500),
                TOY_I(TOY_BNZ, 4, -7), DONE,
        };

        toy_code(t, CODE + 0x2000, f, 2);
        toy_code(t, CODE + 0x1000, reader, G_N_ELEMENTS(reader));
        for (unsigned i = 0; i < 4; i++) {
                struct toy_state *s = toy_state(t->vm->vcpus[i]);

                s->r[2] = CODE + 0x2000;
                s->r[3] = DATA;
                s->r[10] = DATA + 0x1000 * (i + 1);
                s->r[8] = 1 << 16;
                s->r[11] = 1;
                if (i)
                        t->vm->vcpus[i]->hot.pc = CODE + 0x1000;
        }
        t->syscall = check_grown;
        state(t)->r[7] = TOY_I(TOY_LI, 5, 1);
        RUN(t, TOY_I(TOY_LI, 1, 500), TOY_R(TOY_STW, 7, 2, 0), SYS(FENCE, 0), TOY_R(TOY_ADD, 12, 12, 11),
            TOY_R(TOY_ST, 12, 3, 0), TOY_R(TOY_ADD, 7, 7, 8), TOY_I(TOY_ADDI, 1, -1), TOY_I(TOY_BNZ, 1, -6),
            DONE);
        toy_free(t);
}

/* An address space withdrawn by another thread: after the revocation completes, nobody uses the old page. */
static void test_remote_flush(void)
{
        struct toy *t = new_paged(2);
        struct runtime *rt;

        for (unsigned s = 0; s < TOY_SPACES; s++)
                atomic_store(&t->pte[s][8], pte(8, TOY_RW));
        for (unsigned i = 0; i < 2; i++) {
                toy_state(t->vm->vcpus[i])->r[2] = 0x8000 + 64 * i;
                toy_state(t->vm->vcpus[i])->r[1] = 1;
        }
        /* count in page 8 until its second word says stop */
        toy_code(t, TOY_RAM_BASE, (uint32_t[]){TOY_R(TOY_LD, 5, 2, 0), TOY_R(TOY_ADD, 5, 5, 1),
                                               TOY_R(TOY_ST, 5, 2, 0),
                                               TOY_R(TOY_LD, 6, 2, 1), TOY_I(TOY_BNZ, 6, 2),
                                               TOY_I(TOY_J, 0, -5), DONE},
                 7);
        toy_start(t);
        rt = runtime_of(t->vm);
        for (unsigned n = 0; n < 200; n++) {
                struct revoke_event ev = {.reasons = REVOKE_TLB, .flush = TLB_FLUSH_PAGE, .where = 0x8000};
                uint64_t old = 8 + n % 2, seen, seq;

                while (!toy_peek(t, TOY_RAM_BASE + old * 4096) &&
                       !toy_peek(t, TOY_RAM_BASE + old * 4096 + 64))
                        g_usleep(10);
                for (unsigned s = 0; s < TOY_SPACES; s++)
                        atomic_store(&t->pte[s][8], pte(8 + (n + 1) % 2, TOY_RW));
                seq = revoke_post(rt, &ev);
                revoke_wait(rt, NULL, seq);
                seen = toy_peek(t, TOY_RAM_BASE + old * 4096);
                g_usleep(200);
                g_assert_cmpint(toy_peek(t, TOY_RAM_BASE + old * 4096), ==, seen);
                toy_poke(t, TOY_RAM_BASE + old * 4096, 0);
                toy_poke(t, TOY_RAM_BASE + old * 4096 + 64, 0);
        }
        for (unsigned p = 8; p < 10; p++)
                for (unsigned i = 0; i < 2; i++)
                        toy_poke(t, TOY_RAM_BASE + p * 4096 + 64 * i + 8, 1);
        toy_wait(t);
        toy_free(t);
}

int main(int argc, char **argv)
{
        static const struct {
                const char *name;
                void (*fn)(void);
        } tests[] = {
                {"loop", test_loop}, {"calls", test_calls}, {"crossing", test_crossing},
                {"crossing-fault", test_crossing_fault}, {"mmio", test_mmio},
                {"mmio-atomic", test_mmio_atomic},
                {"no-memory", test_no_memory}, {"rom", test_rom}, {"spaces", test_spaces},
                {"many-spaces", test_many_spaces}, {"flushes", test_flushes}, {"dirty", test_dirty},
                {"partial", test_partial}, {"rewrite", test_rewrite},
                {"mixed-line", test_mixed_line}, {"precise", test_precise},
                {"straddle", test_straddle}, {"straddle-fault", test_straddle_fault},
                {"dma-code", test_dma_code},
                {"modes", test_modes}, {"reclaim", test_reclaim}, {"reservation", test_reservation},
                {"reservation-count", test_reservation_count}, {"breakpoint", test_breakpoint},
                {"budget", test_budget}, {"cross-rewrite", test_cross_rewrite},
                {"remote-flush", test_remote_flush},
        };

        g_test_init(&argc, &argv, NULL);
        engine = toy_engines[argc > 1 ? atoi(argv[1]) : 0];
        g_assert_nonnull(engine);
        for (unsigned i = 0; i < G_N_ELEMENTS(tests); i++) {
                char *path = g_strdup_printf("/runtime/%s/%s", engine->name, tests[i].name);

                g_test_add_func(path, tests[i].fn);
                g_free(path);
        }
        return g_test_run();
}
