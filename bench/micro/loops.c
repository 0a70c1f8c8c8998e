/* SPDX-License-Identifier: MIT */
/*
 * Loops of one user-level mechanism each, in assembly so that no compiler changes what is counted: arithmetic
 * in registers, branches, loads and stores, calls, atomics, floating point.
 */
#include "micro.h"

static uint64_t run_add(uint64_t n)
{
        uint64_t a = 1, b = 3;

        for (n /= 16; n; n--)
                __asm__ volatile(TIMES8("add %0, %0, %1\n xor %1, %1, %0\n") : "+r"(a), "+r"(b));
        return a ^ b;
}
BENCH_PROGRAM(add, "arithmetic", 800000000, run_add);

static uint64_t run_addw(uint64_t n)
{
        uint64_t a = 1, b = 3;

        for (n /= 16; n; n--)
                __asm__ volatile(TIMES8("addw %0, %0, %1\n sraiw %1, %0, 3\n") : "+r"(a), "+r"(b));
        return a ^ b;
}
BENCH_PROGRAM(addw, "arithmetic", 500000000, run_addw);

static uint64_t run_mul(uint64_t n)
{
        uint64_t a = 1, b = 0x9e3779b97f4a7c15u;

        for (n /= 16; n; n--)
                __asm__ volatile(TIMES8("mul %0, %0, %1\n mulhu %1, %1, %0\n ori %1, %1, 1\n")
                                 : "+r"(a), "+r"(b));
        return a ^ b;
}
BENCH_PROGRAM(mul, "arithmetic", 150000000, run_mul);

static uint64_t run_div(uint64_t n)
{
        uint64_t a = 0x123456789abcdef, b = 0x7654321, t;

        for (n /= 16; n; n--)
                __asm__ volatile(TIMES8("divu %2, %0, %1\n xor %0, %0, %2\n"
                                        "remu %2, %0, %1\n add %0, %0, %2\n")
                                 : "+r"(a), "+r"(b), "=&r"(t));
        return a;
}
BENCH_PROGRAM(div, "arithmetic", 40000000, run_div);

/* Taken or not by the bits of a generator: the host cannot predict them either. */
static uint64_t run_branch(uint64_t n)
{
        uint64_t x = 88172645463325252u, sum = 0, t;

        for (n /= 8; n; n--) {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                t = x;
                __asm__ volatile(TIMES8("andi t0, %1, 1\n beqz t0, 1f\n addi %0, %0, 3\n 1: srli %1, %1, 1\n")
                                 : "+r"(sum), "+r"(t)::"t0");
        }
        return sum;
}
BENCH_PROGRAM(branch, "arithmetic", 40000000, run_branch);

/* One block a repetition: what crossing from block to block costs. */
static uint64_t run_jump(uint64_t n)
{
        uint64_t sum = 0;

        for (n /= 16; n; n--)
                __asm__ volatile(TIMES16("addi %0, %0, 1\n bgez %0, 1f\n addi %0, %0, 7\n 1:\n") : "+r"(sum));
        return sum;
}
BENCH_PROGRAM(jump, "arithmetic", 200000000, run_jump);

static uint64_t buffer[2][512];

static uint64_t run_load(uint64_t n)
{
        uint64_t sum = 0, t;

        for (n /= 16; n; n--)
                __asm__ volatile(TIMES8("ld %1, 0(%2)\n add %0, %0, %1\n ld %1, 264(%2)\n add %0, %0, %1\n")
                                 : "+r"(sum), "=&r"(t)
                                 : "r"(buffer[n & 1])
                                 : "memory");
        return sum;
}
BENCH_PROGRAM(load, "load-store", 150000000, run_load);

static uint64_t run_store(uint64_t n)
{
        for (n /= 16; n; n--)
                __asm__ volatile(TIMES8("sd %0, 0(%1)\n sw %0, 264(%1)\n")
                                 ::"r"(n), "r"(buffer[n & 1]) : "memory");
        return buffer[0][0] ^ buffer[1][33];
}
BENCH_PROGRAM(store, "load-store", 150000000, run_store);

static uint64_t run_misaligned(uint64_t n)
{
        uint64_t sum = 0, t;

        for (n /= 16; n; n--)
                __asm__ volatile(TIMES8("ld %1, 3(%2)\n add %0, %0, %1\n sd %0, 1029(%2)\n")
                                 : "+r"(sum), "=&r"(t)
                                 : "r"(buffer[0])
                                 : "memory");
        return sum;
}
BENCH_PROGRAM(misaligned, "load-store", 80000000, run_misaligned);

/* One repetition copies eight bytes. */
static uint64_t run_copy(uint64_t n)
{
        for (n /= 512; n; n--) {
                uint64_t *from = buffer[n & 1], *to = buffer[~n & 1], count = 512, t;

                __asm__ volatile("1: ld %3, (%0)\n addi %0, %0, 8\n sd %3, (%1)\n addi %1, %1, 8\n"
                                 "addi %2, %2, -1\n bnez %2, 1b\n"
                                 : "+r"(from), "+r"(to), "+r"(count), "=&r"(t)::"memory");
        }
        return buffer[0][0];
}
BENCH_PROGRAM(copy, "load-store", 100000000, run_copy);

static uint64_t run_chase(uint64_t n)
{
        uint64_t *at = buffer[0];

        for (int i = 0; i < 512; i++)
                buffer[0][i] = (uint64_t)(uintptr_t)&buffer[0][(i + 193) % 512];
        for (n /= 16; n; n--)
                __asm__ volatile(TIMES16("ld %0, (%0)\n") : "+r"(at)::"memory");
        return (uint64_t)(at - buffer[0]);
}
BENCH_PROGRAM(chase, "chase", 200000000, run_chase);

static uint64_t run_call(uint64_t n)
{
        uint64_t sum = 0;

        __asm__ volatile("1: jal ra, 2f\n jal ra, 2f\n jal ra, 2f\n jal ra, 2f\n"
                         "addi %1, %1, -4\n bgtz %1, 1b\n"
                         "j 3f\n"
                         "2: addi %0, %0, 1\n ret\n"
                         "3:\n"
                         : "+r"(sum), "+r"(n)::"ra");
        return sum;
}
BENCH_PROGRAM(call, "call", 40000000, run_call);

/* Calls 32 deep, the return address on the stack as compiled code has it. */
static uint64_t run_nest(uint64_t n)
{
        uint64_t sum = 0;

        for (n /= 32; n; n--)
                __asm__ volatile("li t1, 32\n jal ra, 2f\n j 3f\n"
                                 "2: addi sp, sp, -16\n sd ra, 8(sp)\n addi t1, t1, -1\n addi %0, %0, 1\n"
                                 "beqz t1, 4f\n jal ra, 2b\n"
                                 "4: ld ra, 8(sp)\n addi sp, sp, 16\n ret\n"
                                 "3:\n"
                                 : "+r"(sum)::"ra", "t1", "memory");
        return sum;
}
BENCH_PROGRAM(nest, "call", 20000000, run_nest);

/* Four targets in turn from one jump. */
static uint64_t run_indirect(uint64_t n)
{
        uint64_t sum = 0;

        __asm__ volatile(".option push\n .option norvc\n"
                         "la t1, 2f\n"
                         "1: andi t0, %1, 3\n slli t0, t0, 3\n add t0, t0, t1\n jr t0\n"
                         "2: addi %0, %0, 1\n j 3f\n addi %0, %0, 2\n j 3f\n"
                         "addi %0, %0, 3\n j 3f\n addi %0, %0, 4\n j 3f\n"
                         "3: addi %1, %1, -1\n bnez %1, 1b\n"
                         ".option pop\n"
                         : "+r"(sum), "+r"(n)::"t0", "t1");
        return sum;
}
BENCH_PROGRAM(indirect, "indirect", 30000000, run_indirect);

static uint64_t run_amoadd(uint64_t n)
{
        uint64_t word = 0, old;

        for (n /= 16; n; n--)
                __asm__ volatile(TIMES16("amoadd.d %0, %2, (%1)\n")
                                 : "=&r"(old)
                                 : "r"(&word), "r"(n)
                                 : "memory");
        return word;
}
BENCH_PROGRAM(amoadd, "atomic", 300000000, run_amoadd);

static uint64_t run_lrsc(uint64_t n)
{
        uint64_t word = 0, old;

        for (; n; n--)
                __asm__ volatile("1: lr.d %0, (%1)\n addi %0, %0, 1\n sc.d %0, %0, (%1)\n bnez %0, 1b\n"
                                 : "=&r"(old)
                                 : "r"(&word)
                                 : "memory");
        return word;
}
BENCH_PROGRAM(lrsc, "atomic", 30000000, run_lrsc);

static uint64_t run_fadd(uint64_t n)
{
        double a = 1.0, b = 0x1p-30;

        for (n /= 16; n; n--)
                __asm__ volatile(TIMES8("fadd.d %0, %0, %1\n fmul.d %1, %1, %2\n")
                                 : "+f"(a), "+f"(b)
                                 : "f"(1.0));
        return bench_bits(a);
}
BENCH_PROGRAM(fadd, "float", 20000000, run_fadd);

static uint64_t run_fmadd(uint64_t n)
{
        double a = 1.0;

        for (n /= 16; n; n--)
                __asm__ volatile(TIMES16("fmadd.d %0, %0, %1, %2\n") : "+f"(a) : "f"(0.5), "f"(0.75));
        return bench_bits(a);
}
BENCH_PROGRAM(fmadd, "float", 20000000, run_fmadd);

static uint64_t run_fdiv(uint64_t n)
{
        double a = 3.0;

        for (n /= 16; n; n--)
                __asm__ volatile(TIMES8("fdiv.d %0, %1, %0\n fsqrt.d %0, %0\n") : "+f"(a) : "f"(7.0));
        return bench_bits(a);
}
BENCH_PROGRAM(fdiv, "float", 15000000, run_fdiv);

static uint64_t run_fconvert(uint64_t n)
{
        uint64_t a = 1;
        double f;

        for (n /= 16; n; n--)
                __asm__ volatile(TIMES8("fcvt.d.l %1, %0\n fcvt.l.d %0, %1, rtz\n addi %0, %0, 1\n")
                                 : "+r"(a), "=&f"(f));
        return a;
}
BENCH_PROGRAM(fconvert, "float", 20000000, run_fconvert);

static uint64_t run_fcompare(uint64_t n)
{
        uint64_t sum = 0, t;

        for (n /= 16; n; n--)
                __asm__ volatile(TIMES8("flt.d %1, %2, %3\n add %0, %0, %1\n fmin.d ft0, %3, %2\n")
                                 : "+r"(sum), "=&r"(t)
                                 : "f"(1.5), "f"(2.5)
                                 : "ft0");
        return sum;
}
BENCH_PROGRAM(fcompare, "float", 20000000, run_fcompare);
