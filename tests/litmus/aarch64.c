/* SPDX-License-Identifier: MIT */
/*
 * AArch64 (Arm ARM, B2.3): other-multi-copy atomic; plain accesses to different locations are not ordered,
 * dependencies, barriers, acquires and releases are, and an LDAR is ordered behind an STLR.
 */
#include "litmus.h"

#define LOAD(reg, var) __asm__ volatile("ldr %0, %1" : "=r"(reg) : "Q"(var))
#define STORE(var, value) __asm__ volatile("str %1, %0" : "=Q"(var) : "r"((uint64_t)(value)))
#define ACQUIRE(reg, var) __asm__ volatile("ldar %0, %1" : "=r"(reg) : "Q"(var) : "memory")
#define RELEASE(var, value) __asm__ volatile("stlr %1, %0" : "=Q"(var) : "r"((uint64_t)(value)) : "memory")
#define DMB(kind) __asm__ volatile("dmb " kind ::: "memory")
#define ORDER() __asm__ volatile("" ::: "memory")

/* A load whose address depends on @value, which the compiler cannot see through. */
static uint64_t load_after(uint64_t *p, uint64_t value)
{
        uint64_t zero, result;

        __asm__ volatile("eor %0, %2, %2\n ldr %1, [%3, %0]"
                         : "=&r"(zero), "=&r"(result) : "r"(value), "r"(p));
        return result;
}

static uint64_t swap_all(uint64_t *p, uint64_t value)
{
        uint64_t old, failed;

        __asm__ volatile("1: ldaxr %0, %2\n stlxr %w1, %3, %2\n cbnz %w1, 1b"
                         : "=&r"(old), "=&r"(failed), "+Q"(*p) : "r"(value) : "memory");
        return old;
}

#define THREAD(name) static void name(struct litmus_cell *c, uint64_t *r)
#define OUTCOME(name) static bool name(const uint64_t (*r)[LITMUS_REGS], const struct litmus_cell *c)

THREAD(write_x_write_y) { STORE(c->x, 1); ORDER(); STORE(c->y, 1); }
THREAD(read_y_read_x) { LOAD(r[0], c->y); ORDER(); LOAD(r[1], c->x); }
THREAD(write_x_dmb_write_y) { STORE(c->x, 1); DMB("ishst"); STORE(c->y, 1); }
THREAD(read_y_dmb_read_x) { LOAD(r[0], c->y); DMB("ishld"); LOAD(r[1], c->x); }
THREAD(read_y_addr_read_x) { LOAD(r[0], c->y); r[1] = load_after(&c->x, r[0]); }
THREAD(read_x_addr_read_y) { LOAD(r[0], c->x); r[1] = load_after(&c->y, r[0]); }
THREAD(write_x_release_y) { STORE(c->x, 1); RELEASE(c->y, 1); }
THREAD(acquire_y_read_x) { ACQUIRE(r[0], c->y); LOAD(r[1], c->x); }
THREAD(acquire_x_acquire_y) { ACQUIRE(r[0], c->x); ACQUIRE(r[1], c->y); }
THREAD(acquire_y_acquire_x) { ACQUIRE(r[0], c->y); ACQUIRE(r[1], c->x); }
THREAD(write_x_read_y) { STORE(c->x, 1); ORDER(); LOAD(r[0], c->y); }
THREAD(write_y_read_x) { STORE(c->y, 1); ORDER(); LOAD(r[0], c->x); }
THREAD(write_x_dmb_read_y) { STORE(c->x, 1); DMB("ish"); LOAD(r[0], c->y); }
THREAD(write_y_dmb_read_x) { STORE(c->y, 1); DMB("ish"); LOAD(r[0], c->x); }
THREAD(release_x_acquire_y) { RELEASE(c->x, 1); ACQUIRE(r[0], c->y); }
THREAD(release_y_acquire_x) { RELEASE(c->y, 1); ACQUIRE(r[0], c->x); }
THREAD(read_x_data_y) { uint64_t v; LOAD(v, c->x); r[0] = v; STORE(c->y, (v & 0) | 1); }
THREAD(read_y_data_x) { uint64_t v; LOAD(v, c->y); r[0] = v; STORE(c->x, (v & 0) | 1); }
THREAD(read_x_dmb_write_y) { LOAD(r[0], c->x); DMB("ish"); STORE(c->y, 1); }
THREAD(read_y_dmb_write_x) { LOAD(r[0], c->y); DMB("ish"); STORE(c->x, 1); }
THREAD(acquire_x_write_y) { ACQUIRE(r[0], c->x); STORE(c->y, 1); }
THREAD(acquire_y_write_x) { ACQUIRE(r[0], c->y); STORE(c->x, 1); }
THREAD(write_x) { STORE(c->x, 1); }
THREAD(write_y) { STORE(c->y, 1); }
THREAD(write_x2_dmb_y1) { STORE(c->x, 2); DMB("ishst"); STORE(c->y, 1); }
THREAD(write_y2_dmb_x1) { STORE(c->y, 2); DMB("ishst"); STORE(c->x, 1); }
THREAD(read_x_read_x) { LOAD(r[0], c->x); ORDER(); LOAD(r[1], c->x); }
THREAD(swap_x_dmb_read_y) { r[1] = swap_all(&c->x, 1); DMB("ish"); LOAD(r[0], c->y); }
THREAD(swap_y_dmb_read_x) { r[1] = swap_all(&c->y, 1); DMB("ish"); LOAD(r[0], c->x); }
THREAD(count_x) { r[0] = __atomic_fetch_add(&c->x, 1, __ATOMIC_SEQ_CST); }

OUTCOME(second_only) { return r[1][0] == 1 && r[1][1] == 0; }
OUTCOME(both_zero) { return r[0][0] == 0 && r[1][0] == 0; }
OUTCOME(both_one) { return r[0][0] == 1 && r[1][0] == 1; }
OUTCOME(readers_disagree) { return r[2][0] == 1 && r[2][1] == 0 && r[3][0] == 1 && r[3][1] == 0; }
OUTCOME(both_first) { return c->x == 2 && c->y == 2; }
OUTCOME(counted_wrong) { return c->x != 2 || r[0][0] == r[1][0]; }

const struct litmus_test litmus_tests[] = {
        {"MP+dmb.st+dmb.ld", 2, {write_x_dmb_write_y, read_y_dmb_read_x}, second_only, NULL},
        {"MP+dmb.st+addr", 2, {write_x_dmb_write_y, read_y_addr_read_x}, second_only, NULL},
        {"MP+release+acquire", 2, {write_x_release_y, acquire_y_read_x}, second_only, NULL},
        {"SB+dmbs", 2, {write_x_dmb_read_y, write_y_dmb_read_x}, both_zero, NULL},
        {"SB+release-acquire", 2, {release_x_acquire_y, release_y_acquire_x}, both_zero, NULL},
        {"SB+exclusives+dmbs", 2, {swap_x_dmb_read_y, swap_y_dmb_read_x}, both_zero, NULL},
        {"LB+dmbs", 2, {read_x_dmb_write_y, read_y_dmb_write_x}, both_one, NULL},
        {"LB+acquires", 2, {acquire_x_write_y, acquire_y_write_x}, both_one, NULL},
        {"IRIW+addrs", 4, {write_x, write_y, read_x_addr_read_y, read_y_addr_read_x}, readers_disagree, NULL},
        {"IRIW+acquires", 4, {write_x, write_y, acquire_x_acquire_y, acquire_y_acquire_x}, readers_disagree,
         NULL},
        {"2+2W+dmb.sts", 2, {write_x2_dmb_y1, write_y2_dmb_x1}, both_first, NULL},
        {"CoRR", 2, {write_x, read_x_read_x}, second_only, NULL},
        {"fetch-add", 2, {count_x, count_x}, counted_wrong, NULL},
        {"SB", 2, {write_x_read_y, write_y_read_x}, NULL, both_zero},
        {"MP", 2, {write_x_write_y, read_y_read_x}, NULL, second_only},
        {"LB+datas", 2, {read_x_data_y, read_y_data_x}, NULL, both_one},
        {},
};

/* ---- the machine ---- */

static uint64_t semihosting(uint64_t op, const void *arg)
{
        register uint64_t x0 __asm__("x0") = op;
        register const void *x1 __asm__("x1") = arg;

        __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
        return x0;
}

void board_put(char c)
{
        semihosting(3, &c); /* SYS_WRITEC */
}

void board_exit(int status)
{
        const uint64_t block[2] = {0x20026, (uint64_t)status};

        semihosting(0x18, block); /* SYS_EXIT, ADP_Stopped_ApplicationExit */
        for (;;)
                board_pause();
}

void board_pause(void)
{
        __asm__ volatile("yield");
}
