/* SPDX-License-Identifier: MIT */
/*
 * x86-64: total store order (AMD64 APM volume 2, 7.2; Intel SDM volume 3, 9.2). A load may pass an earlier
 * store to another address, and nothing else may be reordered; locked instructions and MFENCE order
 * everything.
 */
#include "litmus.h"

#define LOAD(reg, var) __asm__ volatile("movq %1, %0" : "=r"(reg) : "m"(var))
#define STORE(var, value) __asm__ volatile("movq %1, %0" : "=m"(var) : "r"((uint64_t)(value)))
#define MFENCE() __asm__ volatile("mfence" ::: "memory")
#define ORDER() __asm__ volatile("" ::: "memory")

static uint64_t swap(uint64_t *p, uint64_t value)
{
        __asm__ volatile("xchgq %0, %1" : "+r"(value), "+m"(*p)::"memory");
        return value;
}

#define THREAD(name) static void name(struct litmus_cell *c, uint64_t *r)
#define OUTCOME(name) static bool name(const uint64_t (*r)[LITMUS_REGS], const struct litmus_cell *c)

THREAD(write_x_write_y) { STORE(c->x, 1); ORDER(); STORE(c->y, 1); }
THREAD(read_y_read_x) { LOAD(r[0], c->y); ORDER(); LOAD(r[1], c->x); }
THREAD(read_x_read_y) { LOAD(r[0], c->x); ORDER(); LOAD(r[1], c->y); }
THREAD(write_x_read_y) { STORE(c->x, 1); ORDER(); LOAD(r[0], c->y); }
THREAD(write_y_read_x) { STORE(c->y, 1); ORDER(); LOAD(r[0], c->x); }
THREAD(write_x_fence_read_y) { STORE(c->x, 1); MFENCE(); LOAD(r[0], c->y); }
THREAD(write_y_fence_read_x) { STORE(c->y, 1); MFENCE(); LOAD(r[0], c->x); }
THREAD(swap_x_read_y) { swap(&c->x, 1); LOAD(r[0], c->y); }
THREAD(swap_y_read_x) { swap(&c->y, 1); LOAD(r[0], c->x); }
THREAD(add_x_read_y) { __asm__ volatile("lock addq $1, %0" : "+m"(c->x)::"memory"); LOAD(r[0], c->y); }
THREAD(add_y_read_x) { __asm__ volatile("lock addq $1, %0" : "+m"(c->y)::"memory"); LOAD(r[0], c->x); }
THREAD(read_x_write_y) { LOAD(r[0], c->x); ORDER(); STORE(c->y, 1); }
THREAD(read_y_write_x) { LOAD(r[0], c->y); ORDER(); STORE(c->x, 1); }
THREAD(write_x) { STORE(c->x, 1); }
THREAD(write_y) { STORE(c->y, 1); }
THREAD(write_x2_write_y1) { STORE(c->x, 2); ORDER(); STORE(c->y, 1); }
THREAD(write_y2_write_x1) { STORE(c->y, 2); ORDER(); STORE(c->x, 1); }
THREAD(read_x_read_x) { LOAD(r[0], c->x); ORDER(); LOAD(r[1], c->x); }
THREAD(own_x_then_y) { STORE(c->x, 1); ORDER(); LOAD(r[0], c->x); ORDER(); LOAD(r[1], c->y); }
THREAD(own_y_then_x) { STORE(c->y, 1); ORDER(); LOAD(r[0], c->y); ORDER(); LOAD(r[1], c->x); }
THREAD(count_x) { r[0] = __atomic_fetch_add(&c->x, 1, __ATOMIC_SEQ_CST); }
THREAD(strings_x_y)
{
        uint64_t *p = &c->x, *q = &c->y, one = 1;

        __asm__ volatile("stosq" : "+D"(p) : "a"(one) : "memory");
        __asm__ volatile("stosq" : "+D"(q) : "a"(one) : "memory");
}

OUTCOME(second_only) { return r[1][0] == 1 && r[1][1] == 0; }
OUTCOME(both_zero) { return r[0][0] == 0 && r[1][0] == 0; }
OUTCOME(both_one) { return r[0][0] == 1 && r[1][0] == 1; }
OUTCOME(readers_disagree) { return r[2][0] == 1 && r[2][1] == 0 && r[3][0] == 1 && r[3][1] == 0; }
OUTCOME(both_first) { return c->x == 2 && c->y == 2; }
OUTCOME(went_back) { return r[1][0] == 1 && r[1][1] == 0; }
OUTCOME(own_not_seen) { return r[0][0] != 1 || r[1][0] != 1; }
OUTCOME(forwarded) { return r[0][1] == 0 && r[1][1] == 0; }
OUTCOME(counted_wrong) { return c->x != 2 || r[0][0] == r[1][0]; }

const struct litmus_test litmus_tests[] = {
        {"MP", 2, {write_x_write_y, read_y_read_x}, second_only, NULL},
        {"MP+strings", 2, {strings_x_y, read_y_read_x}, second_only, NULL},
        {"SB+mfences", 2, {write_x_fence_read_y, write_y_fence_read_x}, both_zero, NULL},
        {"SB+xchgs", 2, {swap_x_read_y, swap_y_read_x}, both_zero, NULL},
        {"SB+lock-adds", 2, {add_x_read_y, add_y_read_x}, both_zero, NULL},
        {"SB+mfence+xchg", 2, {write_x_fence_read_y, swap_y_read_x}, both_zero, NULL},
        {"LB", 2, {read_x_write_y, read_y_write_x}, both_one, NULL},
        {"IRIW", 4, {write_x, write_y, read_x_read_y, read_y_read_x}, readers_disagree, NULL},
        {"2+2W", 2, {write_x2_write_y1, write_y2_write_x1}, both_first, NULL},
        {"CoRR", 2, {write_x, read_x_read_x}, went_back, NULL},
        {"n4 (own store first)", 2, {own_x_then_y, own_y_then_x}, own_not_seen, forwarded},
        {"lock xadd", 2, {count_x, count_x}, counted_wrong, NULL},
        {"SB", 2, {write_x_read_y, write_y_read_x}, NULL, both_zero},
        {},
};

/* ---- the machine ---- */

void board_put(char c)
{
        __asm__ volatile("outb %b0, %w1" ::"a"(c), "d"(0x3f8) : "memory");
}

void board_exit(int status)
{
        __asm__ volatile("outb %b0, %w1" ::"a"(status), "d"(0x501) : "memory");
        for (;;)
                board_pause();
}

void board_pause(void)
{
        __asm__ volatile("pause");
}
