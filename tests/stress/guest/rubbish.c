/* SPDX-License-Identifier: MIT */
/*
 * Harts of the virt board that read and write every register of every device at random, in all sizes, aligned
 * or not. Virtio queues are aimed at memory that holds rubbish, and sometimes at a chain that is nearly
 * right, so that requests get far. Hart 0 ends the machine after ACCESSES, and must get there: what stands
 * still is a fault of the emulator. For that, two things are spared: the finisher's magic values, and
 * addresses of the program for devices to write to. All instructions have four bytes, because that is what an
 * access that faults is passed over by.
 */
#include <stdint.h>

#ifndef SEED
#define SEED 1
#endif
#ifndef ACCESSES
#define ACCESSES 400000
#endif

typedef uint64_t u64;
typedef uint32_t u32;

enum { HARTS = 4, POOL = 1 << 18, PROGRAM = 1 << 20, VIRTIO_SLOTS = 8 };

#define START 0x80000000u /* of the program (link.ld): code, constants and stacks are within the first PROGRAM
                             bytes */

static const struct {
        u64 base, size;
} places[] = {
        {0x2000000, 0x10000},   /* aclint */
        {0xc000000, 0x600000},  /* plic */
        {0x10000000, 0x100},    /* serial port */
        {0x101000, 0x1000},     /* clock */
        {0x100000, 0x1000},     /* finisher */
        {0x10001000, 0x8000},   /* virtio */
        {0x10001000, 0x8000},
        {0x10001000, 0x8000},
        {0, 0x80000000},        /* anywhere */
        {0x87fff000, 0x2000},   /* the end of memory */
};

static uint8_t pool[POOL] __attribute__((aligned(PROGRAM)));
static volatile u64 ready;

static u64 rnd(u64 *s)
{
        *s ^= *s << 13;
        *s ^= *s >> 7;
        *s ^= *s << 17;
        return *s >> 8;
}

/* A value of many kinds, some of them addresses. */
static u64 any_value(u64 *s)
{
        static const u64 edges[] = {0, 1, ~0ull, 0x7fffffff, 0x88000000, 0xffffffff, 4096, 0x80, 0xff, 2, 16};

        switch (rnd(s) % 4) {
        case 0: return edges[rnd(s) % (sizeof(edges) / sizeof(*edges))];
        case 1: return (u64)pool + rnd(s) % POOL;
        case 2: return 1ull << rnd(s) % 64;
        default: return rnd(s) << 8;
        }
}

/* Without addresses of the program; registers that hold addresses take them in halves. */
static u64 value_for(u64 *s)
{
        u64 v = any_value(s);

        for (unsigned shift = 0; shift < 64; shift += 32)
                if ((u32)(v >> shift) - START < PROGRAM)
                        v ^= (u64)1 << (26 + shift);
        return v;
}

static void store(u64 at, u64 v, unsigned size)
{
        switch (size) {
        case 0: __asm__ volatile("sb %1, 0(%0)" :: "r"(at), "r"(v) : "memory"); break;
        case 1: __asm__ volatile("sh %1, 0(%0)" :: "r"(at), "r"(v) : "memory"); break;
        case 2: __asm__ volatile("sw %1, 0(%0)" :: "r"(at), "r"(v) : "memory"); break;
        default: __asm__ volatile("sd %1, 0(%0)" :: "r"(at), "r"(v) : "memory");
        }
}

static void load(u64 at, unsigned size)
{
        u64 v;

        switch (size) {
        case 0: __asm__ volatile("lb %0, 0(%1)" : "=r"(v) : "r"(at) : "memory"); break;
        case 1: __asm__ volatile("lhu %0, 0(%1)" : "=r"(v) : "r"(at) : "memory"); break;
        case 2: __asm__ volatile("lw %0, 0(%1)" : "=r"(v) : "r"(at) : "memory"); break;
        default: __asm__ volatile("ld %0, 0(%1)" : "=r"(v) : "r"(at) : "memory");
        }
}

static void reg(u64 slot, u64 at, u64 v)
{
        store(0x10001000 + slot * 0x1000 + at, v, 2);
}

/* A driver that does it right up to the descriptors, and those are nearly right. */
static void queue(u64 *s)
{
        u64 slot = rnd(s) % VIRTIO_SLOTS, n = 1u << rnd(s) % 6;
        u64 base = (u64)pool + (rnd(s) % (POOL / 65536)) * 65536, used = base + 32768;
        volatile u64 *desc = (volatile u64 *)base;
        volatile uint16_t *avail = (volatile uint16_t *)(base + 16384);

        reg(slot, 0x70, 0);
        reg(slot, 0x70, 1);
        reg(slot, 0x70, 3);
        reg(slot, 0x24, 1);
        reg(slot, 0x20, 1);
        reg(slot, 0x24, 0);
        reg(slot, 0x20, rnd(s) % 2 ? 0x200 : 0);
        reg(slot, 0x70, 11);
        reg(slot, 0x30, 0);
        reg(slot, 0x38, n);
        reg(slot, 0x80, base);
        reg(slot, 0x84, 0);
        reg(slot, 0x90, (u64)avail);
        reg(slot, 0x94, 0);
        reg(slot, 0xa0, used);
        reg(slot, 0xa4, 0);
        reg(slot, 0x44, 1);
        reg(slot, 0x70, 15);
        for (u64 i = 0; i < n; i++) {
                desc[2 * i] = rnd(s) % 8 ? (u64)pool + rnd(s) % POOL : value_for(s);
                desc[2 * i + 1] = (rnd(s) % 8 ? rnd(s) % 8192 : value_for(s) & 0xffffffff) |
                                  (rnd(s) % 8 ? rnd(s) % 4 : rnd(s) % 8) << 32 |
                                  (rnd(s) % 8 ? (i + 1) % n : rnd(s) & 0xffff) << 48;
                /* headers of block requests with a type that exists, in some of the pool */
                *(volatile u64 *)(pool + rnd(s) % (POOL / 16) * 16) = rnd(s) % 2 ? rnd(s) % 16 : 0;
        }
        avail[0] = rnd(s) % 2;
        for (u64 i = 0; i < n; i++)
                avail[2 + i] = rnd(s) % 16 ? rnd(s) % n : rnd(s);
        avail[1] = rnd(s) % 16 ? n : rnd(s);
        __asm__ volatile("fence" ::: "memory");
        reg(slot, 0x50, 0);
}

void guest_main(u64 id);
void guest_main(u64 id)
{
        u64 s = 0x9e3779b97f4a7c15ull * (8 * SEED + id + 1);

        if (id >= HARTS)
                for (;;)
                        __asm__ volatile("wfi");
        if (id == 0) {
                for (unsigned i = 0; i < POOL; i++)
                        pool[i] = rnd(&s);
                ready = 1;
        }
        while (!ready)
                ;
        for (u64 i = 0; i < ACCESSES || id; i++) {
                unsigned p = rnd(&s) % (sizeof(places) / sizeof(*places)), size = rnd(&s) % 4;
                u64 at = places[p].base + rnd(&s) % places[p].size, v = value_for(&s);

                if (rnd(&s) % 64 == 0)
                        queue(&s);
                if (rnd(&s) % 4)
                        at &= ~3ull;
                if (p == 5 && rnd(&s) % 2)
                        at = (at & ~0xfffull) | (at & 0xfc);
                if (rnd(&s) % 3 == 0)
                        load(at, size);
                else if ((at & ~0xfffull) == 0x100000 &&
                         ((v & 0xffff) == 0x5555 || (v & 0xffff) == 0x3333 || (v & 0xffff) == 0x7777))
                        continue;
                else
                        store(at, v, size);
        }
        for (;;)
                *(volatile u32 *)0x100000 = 0x5555;
}
