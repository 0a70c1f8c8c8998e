/* SPDX-License-Identifier: MIT */
/*
 * Instructions for programs that make code, one set a guest: functions of one 64-bit argument that return x
 * after some steps of arithmetic; y is a second register. Each code_* writes one step and returns where the
 * next one goes.
 */
#ifndef CODE_H
#define CODE_H

#include <stdint.h>

typedef uint64_t (*code_fn)(uint64_t x);

#if defined(__riscv)

/* RV64I (The RISC-V Instruction Set Manual, volume I): a0 is x, a1 is y */
typedef uint32_t code_t;

enum { CODE_A0 = 10, CODE_A1 = 11 };

static inline code_t *code_begin(code_t *p)
{
        return p;
}

static inline code_t *code_put(code_t *p, uint32_t word)
{
        *(volatile code_t *)p = word;
        return p + 1;
}

/* x += n, 0 to 2047 */
static inline code_t *code_add(code_t *p, unsigned n)
{
        return code_put(p, n << 20 | CODE_A0 << 15 | CODE_A0 << 7 | 0x13);
}

static inline code_t *code_add_y(code_t *p, unsigned n)
{
        return code_put(p, n << 20 | CODE_A1 << 15 | CODE_A1 << 7 | 0x13);
}

/* y = x + 1 */
static inline code_t *code_y_is_next(code_t *p)
{
        return code_put(p, 1u << 20 | CODE_A0 << 15 | CODE_A1 << 7 | 0x13);
}

/* y = x << n */
static inline code_t *code_shift(code_t *p, unsigned n)
{
        return code_put(p, n << 20 | CODE_A0 << 15 | 1 << 12 | CODE_A1 << 7 | 0x13);
}

/* x ^= y */
static inline code_t *code_xor(code_t *p)
{
        return code_put(p, CODE_A1 << 20 | CODE_A0 << 15 | 4 << 12 | CODE_A0 << 7 | 0x33);
}

/* a conditional branch over the step that follows, which is a code_add; never taken */
static inline code_t *code_branch_over_add(code_t *p)
{
        return code_put(p, 1 << 12 | 8 << 7 | 0x63);
}

static inline code_t *code_return(code_t *p)
{
        return code_put(p, 0x00008067);
}

#elif defined(__aarch64__)

/* A64 (Arm Architecture Reference Manual, C6): x0 is x, x1 is y */
typedef uint32_t code_t;

static inline code_t *code_begin(code_t *p)
{
        return p;
}

static inline code_t *code_put(code_t *p, uint32_t word)
{
        *(volatile code_t *)p = word;
        return p + 1;
}

static inline code_t *code_add(code_t *p, unsigned n)
{
        return code_put(p, 0x91000000 | n << 10);
}

static inline code_t *code_add_y(code_t *p, unsigned n)
{
        return code_put(p, 0x91000000 | n << 10 | 1 << 5 | 1);
}

static inline code_t *code_y_is_next(code_t *p)
{
        return code_put(p, 0x91000401);
}

/* LSL is UBFM with rotation 64 - n and width 63 - n */
static inline code_t *code_shift(code_t *p, unsigned n)
{
        return code_put(p, 0xd3400000 | (64 - n) % 64 << 16 | (63 - n) << 10 | 1);
}

static inline code_t *code_xor(code_t *p)
{
        return code_put(p, 0xca010000);
}

/* CBNZ XZR */
static inline code_t *code_branch_over_add(code_t *p)
{
        return code_put(p, 0xb5000000 | 2 << 5 | 31);
}

static inline code_t *code_return(code_t *p)
{
        return code_put(p, 0xd65f03c0);
}

#elif defined(__x86_64__)

/* AMD64 (Architecture Programmer's Manual, volume 3): rax is x, rcx is y; the argument comes in rdi */
typedef uint8_t code_t;

static inline code_t *code_put(code_t *p, uint64_t bytes, unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                *(volatile code_t *)p++ = (code_t)(bytes >> 8 * i);
        return p;
}

static inline code_t *code_begin(code_t *p)
{
        return code_put(p, 0xf88948, 3);                /* mov rax, rdi */
}

static inline code_t *code_add(code_t *p, unsigned n)
{
        return code_put(p, 0x0548 | (uint64_t)n << 16, 6); /* add rax, imm32 */
}

static inline code_t *code_add_y(code_t *p, unsigned n)
{
        return code_put(p, 0xc18148 | (uint64_t)n << 24, 7); /* add rcx, imm32 */
}

static inline code_t *code_y_is_next(code_t *p)
{
        return code_put(p, 0x01488d48, 4);              /* lea rcx, [rax + 1] */
}

static inline code_t *code_shift(code_t *p, unsigned n)
{
        p = code_put(p, 0xc18948, 3);                   /* mov rcx, rax */
        return code_put(p, 0xe1c148 | n << 24, 4);      /* shl rcx, n */
}

static inline code_t *code_xor(code_t *p)
{
        return code_put(p, 0xc83148, 3);                /* xor rax, rcx */
}

static inline code_t *code_branch_over_add(code_t *p)
{
        p = code_put(p, 0xe43948, 3);                   /* cmp rsp, rsp */
        return code_put(p, 0x0675, 2);                  /* jne over 6 bytes */
}

static inline code_t *code_return(code_t *p)
{
        return code_put(p, 0xc3, 1);
}

#else
#error no instructions for this guest
#endif

#endif
