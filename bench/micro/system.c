/* SPDX-License-Identifier: MIT */
/*
 * Loops of one privileged mechanism each: traps from and to each mode, interrupts, control registers, device
 * registers, translation misses, fences, address-space switches, rewritten code. They change mtvec, medeleg,
 * satp and PMP entry 0, and put back what the harness needs.
 */
#include "bare.h"
#include "board.h"
#include "micro.h"

extern char bare_trap_entry[], micro_trap_m[], micro_trap_s[], micro_trap_soft[];
uint64_t micro_user_ecalls(uint64_t n);

#define PTE_LEAF_S 0xcf         /* D A, X W R V */
#define PTE_LEAF_U 0xdf         /* D A U, X W R V */

void micro_open(void)
{
        micro_csr_write("mtvec", micro_trap_m);
        micro_csr_write("stvec", micro_trap_s);
        /* To S-mode: misaligned and page faults, and ecall from U. */
        micro_csr_write("medeleg", 1 << 8 | 1 << 12 | 1 << 13 | 1 << 15);
        /* All of memory to S and U: one entry of naturally aligned power of two. */
        micro_csr_write("pmpaddr0", ~0ull >> 10);
        micro_csr_write("pmpcfg0", 0x1f);
}

void micro_close(void)
{
        micro_csr_write("satp", 0);
        __asm__ volatile("sfence.vma" ::: "memory");
        micro_csr_write("medeleg", 0);
        micro_csr_write("mtvec", bare_trap_entry);
}

uint64_t micro_map(uint64_t memory, uint32_t pages, uint32_t asid)
{
        uint64_t *root = bench_alloc(4096), *middle = bench_alloc(4096);

        for (uint64_t i = 0; i < 4; i++) {
                root[i] = i << 28 | PTE_LEAF_S;
                root[i + 4] = i << 28 | PTE_LEAF_U;
        }
        root[MICRO_WINDOW >> 30 & 511] = (uint64_t)(uintptr_t)middle >> 2 | 1;
        for (uint32_t page = 0; page < pages; page++) {
                if (page % 512 == 0)
                        middle[page / 512] = (uint64_t)(uintptr_t)bench_alloc(4096) >> 2 | 1;
                ((uint64_t *)(uintptr_t)(middle[page / 512] << 2 & ~4095ull))[page % 512] =
                        (memory + page * 4096ull) >> 2 | PTE_LEAF_S;
        }
        return 8ull << 60 | (uint64_t)asid << 44 | (uint64_t)(uintptr_t)root >> 12;
}

/* Memory for the window, each page's first words numbered. */
static uint64_t make_pages(uint32_t pages)
{
        uint8_t *memory = bench_alloc((size_t)pages * 4096);

        for (uint64_t i = 0; i < pages; i++)
                for (int at = 0; at < 4096; at += 64)
                        *(uint64_t *)(memory + i * 4096 + (uint64_t)at) = i;
        return (uint64_t)(uintptr_t)memory;
}

/* Traps of M-mode to itself. */
static uint64_t run_ecall_m(uint64_t n)
{
        uint64_t i = 0;

        micro_open();
        for (; i < n; i++)
                __asm__ volatile("li a7, 0\n ecall" ::: "t0", "a7");
        micro_close();
        return i;
}
BENCH_PROGRAM(ecall_m, "exception", 400000, run_ecall_m);

/* A write to a control register that can only be read. */
static uint64_t run_illegal_m(uint64_t n)
{
        uint64_t i = 0;

        micro_open();
        for (; i < n; i++)
                __asm__ volatile("li a7, 0\n csrw cycle, zero" ::: "t0", "a7");
        micro_close();
        return i;
}
BENCH_PROGRAM(illegal_m, "exception", 300000, run_illegal_m);

static uint64_t loop_ecall(uint64_t n)
{
        uint64_t i = 0;

        for (; i < n; i++)
                __asm__ volatile("li a7, 0\n ecall" ::: "t0", "a7");
        return i;
}

static uint64_t run_ecall_s(uint64_t n)
{
        uint64_t i;

        micro_open();
        i = micro_call_in(MICRO_S, loop_ecall, n);
        micro_close();
        return i;
}
BENCH_PROGRAM(ecall_s, "exception", 400000, run_ecall_s);

/* The same with translation on: what an operating system's call of its firmware costs. */
static uint64_t run_ecall_s_paged(uint64_t n)
{
        uint64_t i;

        micro_open();
        micro_csr_write("satp", micro_map(0, 0, 1));
        i = micro_call_in(MICRO_S, loop_ecall, n);
        micro_close();
        return i;
}
BENCH_PROGRAM(ecall_s_paged, "exception", 400000, run_ecall_s_paged);

/* A system call: U to S and back, under one address space. */
static uint64_t run_ecall_u(uint64_t n)
{
        micro_open();
        micro_csr_write("satp", micro_map(0, 0, 1));
        n += micro_call_in(MICRO_U, (micro_fn)((uintptr_t)micro_user_ecalls + MICRO_USER), n);
        micro_close();
        return n;
}
BENCH_PROGRAM(ecall_u, "exception", 400000, run_ecall_u);

static uint64_t loop_page_fault(uint64_t n)
{
        uint64_t t = 0;

        for (uint64_t i = 0; i < n; i++)
                __asm__ volatile(".option push\n .option norvc\n li a7, 0\n ld %0, (%1)\n .option pop"
                                 : "+r"(t)
                                 : "r"(MICRO_WINDOW)
                                 : "t0", "a7");
        return t;
}

/* A load from a page that is not there; the handler in S-mode steps over it. */
static uint64_t run_page_fault(uint64_t n)
{
        uint64_t t;

        micro_open();
        micro_csr_write("satp", micro_map(0, 0, 1));
        t = micro_call_in(MICRO_S, loop_page_fault, n);
        micro_close();
        return t;
}
BENCH_PROGRAM(page_fault, "exception", 200000, run_page_fault);

/* A software interrupt raised through the device and taken back by its handler. */
static uint64_t run_interrupt(uint64_t n)
{
        uint64_t i = 0;

        micro_csr_write("mtvec", micro_trap_soft);
        micro_csr_write("mie", 8);
        micro_csr_set("mstatus", 8);
        for (; i < n; i++)
                __asm__ volatile("li t2, 0\n sw %1, (%0)\n 1: beqz t2, 1b\n" ::"r"(BARE_MSIP), "r"(1)
                                 : "t0", "t2", "memory");
        micro_csr_clear("mstatus", 8);
        micro_csr_write("mie", 0);
        micro_csr_write("mtvec", bare_trap_entry);
        return i;
}
BENCH_PROGRAM(interrupt, "exception", 100000, run_interrupt);

static uint64_t run_csr(uint64_t n)
{
        uint64_t x = 1;

        for (n /= 8; n; n--)
                __asm__ volatile(TIMES8("csrrw %0, mscratch, %0\n") : "+r"(x));
        return x;
}
BENCH_PROGRAM(csr, "csr", 10000000, run_csr);

static uint64_t run_read_time(uint64_t n)
{
        uint64_t x, back = 0, last = 0;

        for (; n; n--) {
                __asm__ volatile("rdtime %0" : "=r"(x));
                back += x < last;
                last = x;
        }
        return back;
}
BENCH_PROGRAM(read_time, "csr", 2000000, run_read_time);

static uint64_t run_mmio_uart(uint64_t n)
{
        uint64_t sum = 0;

        for (; n; n--)
                sum += *(volatile uint8_t *)(BARE_UART + 5) >> 5 & 1;
        return sum;
}
BENCH_PROGRAM(mmio_uart, "mmio", 2000000, run_mmio_uart);

static uint64_t run_mmio_mtime(uint64_t n)
{
        uint64_t back = 0, last = 0;

        for (; n; n--) {
                uint64_t x = *(volatile uint64_t *)BARE_MTIME;

                back += x < last;
                last = x;
        }
        return back;
}
BENCH_PROGRAM(mmio_mtime, "mmio", 2000000, run_mmio_mtime);

static uint64_t run_mmio_write(uint64_t n)
{
        uint64_t i = 0;

        for (; i < n; i++)
                *(volatile uint8_t *)(BARE_UART + 7) = (uint8_t)i;      /* SCR: a byte that does nothing */
        return *(volatile uint8_t *)(BARE_UART + 7);
}
BENCH_PROGRAM(mmio_write, "mmio", 2000000, run_mmio_write);

/* Touches a word in each of `pages` pages, `n` in all, in an order that visits every page once a round. */
static uint64_t touch(uint64_t base, uint64_t pages, uint64_t n)
{
        uint64_t page = 0, sum = 0;

        for (; n; n--) {
                sum += *(volatile uint64_t *)(base + page * 4096 + page % 64 * 64);
                page = (page * 1664525 + 1013904223) % pages;
        }
        return sum;
}

static uint64_t run_tlb_m(uint64_t n)
{
        return touch(make_pages(MICRO_WINDOW_PAGES), MICRO_WINDOW_PAGES, n);
}
BENCH_PROGRAM(tlb_m, "tlb", 1000000, run_tlb_m);

static uint64_t loop_touch(uint64_t n)
{
        return touch(MICRO_WINDOW, MICRO_WINDOW_PAGES, n);
}

/* As above, with three levels of tables to walk. */
static uint64_t run_tlb_sv39(uint64_t n)
{
        uint64_t sum;

        micro_open();
        micro_csr_write("satp", micro_map(make_pages(MICRO_WINDOW_PAGES), MICRO_WINDOW_PAGES, 1));
        sum = micro_call_in(MICRO_S, loop_touch, n);
        micro_close();
        return sum;
}
BENCH_PROGRAM(tlb_sv39, "tlb", 1000000, run_tlb_sv39);

static uint64_t loop_fence_page(uint64_t n)
{
        uint64_t sum = 0;

        for (uint64_t i = 0; i < n; i++) {
                uint64_t address = MICRO_WINDOW + i % 8 * 4096;

                __asm__ volatile("sfence.vma %0, zero" ::"r"(address) : "memory");
                sum += *(volatile uint64_t *)address;
        }
        return sum;
}

/* One page's translation is withdrawn and used again. */
static uint64_t run_fence_page(uint64_t n)
{
        uint64_t sum;

        micro_open();
        micro_csr_write("satp", micro_map(make_pages(8), 8, 1));
        sum = micro_call_in(MICRO_S, loop_fence_page, n);
        micro_close();
        return sum;
}
BENCH_PROGRAM(fence_page, "tlb", 200000, run_fence_page);

static uint64_t loop_fence_all(uint64_t n)
{
        uint64_t sum = 0;

        for (; n; n--) {
                __asm__ volatile("sfence.vma" ::: "memory");
                sum += *(volatile uint64_t *)(MICRO_WINDOW + n % 8 * 4096);
        }
        return sum;
}

static uint64_t run_fence_all(uint64_t n)
{
        uint64_t sum;

        micro_open();
        micro_csr_write("satp", micro_map(make_pages(8), 8, 1));
        sum = micro_call_in(MICRO_S, loop_fence_all, n);
        micro_close();
        return sum;
}
BENCH_PROGRAM(fence_all, "tlb", 100000, run_fence_all);

static uint64_t spaces[2];

static uint64_t loop_switch(uint64_t n)
{
        uint64_t sum = 0;

        for (uint64_t i = 0; i < n; i++) {
                micro_csr_write("satp", spaces[i & 1]);
                for (int page = 0; page < 8; page++)
                        sum += ((volatile uint64_t *)MICRO_WINDOW)[page * 512] << (i & 1);
        }
        return sum;
}

/* Two address spaces with identifiers of their own, in turn; each touches the same eight addresses. */
static uint64_t run_switch_space(uint64_t n)
{
        uint64_t sum;

        micro_open();
        spaces[0] = micro_map(make_pages(8), 8, 1);
        spaces[1] = micro_map(make_pages(8), 8, 2);
        micro_csr_write("satp", spaces[0]);
        sum = micro_call_in(MICRO_S, loop_switch, n);
        micro_close();
        return sum;
}
BENCH_PROGRAM(switch_space, "space", 50000, run_switch_space);

/* A function of two instructions, one of which is changed before each call. */
static uint64_t run_rewrite(uint64_t n)
{
        volatile uint32_t *code = bench_alloc_code(4096);
        uint64_t sum = 0;

        code[1] = 0x00008067;                                           /* ret */
        for (uint64_t i = 0; i < n; i++) {
                code[0] = (uint32_t)(i & 1023) << 20 | 0x00050513;      /* addi a0, a0, i */
                __asm__ volatile("fence.i" ::: "memory");
                sum = ((micro_fn)(uintptr_t)code)(sum);
        }
        return sum;
}
BENCH_PROGRAM(rewrite, "code", 50000, run_rewrite);

/* Data beside code in one page, 128 bytes away. */
static uint64_t run_store_near_code(uint64_t n)
{
        volatile uint32_t *code = bench_alloc_code(4096);
        volatile uint64_t *data = (volatile uint64_t *)(code + 32);
        uint64_t sum = 0;

        code[0] = 0x00150513;                                           /* addi a0, a0, 1 */
        code[1] = 0x00008067;                                           /* ret */
        __asm__ volatile("fence.i" ::: "memory");
        for (uint64_t i = 0; i < n; i++) {
                sum = ((micro_fn)(uintptr_t)code)(sum);
                *data = sum;
        }
        return *data;
}
BENCH_PROGRAM(store_near_code, "code", 1000000, run_store_near_code);
