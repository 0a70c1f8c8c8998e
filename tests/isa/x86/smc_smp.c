/* SPDX-License-Identifier: MIT */
/*
 * Cross-modifying code on the bare board with two CPUs: CPU 0 rewrites functions that CPU 1 calls all the
 * time, by aligned stores of an operand (AMD APM volume 2, 7.6.1) and by the protocol with a serialising
 * instruction (Intel SDM volume 3, 9.1.3). Exit status as in smc.c.
 */
#include <stdint.h>

enum { ROUNDS = 500 };

/* MOV EAX, imm32 or JMP rel32 begins at 7: its operand is aligned. */
static uint8_t code[4][4096] __attribute__((aligned(4096)));
static volatile uint32_t ready, done, finished[4];

asm(".globl _start\n"
    "_start: leaq stacks(%rip), %rsp\n"
    "       incq %rdi\n"
    "       shlq $14, %rdi\n"
    "       addq %rdi, %rsp\n"
    "       shrq $14, %rdi\n"
    "       decq %rdi\n"
    "       call smc_main\n"
    ".pushsection .bss\n"
    ".balign 4096\n"
    "stacks: .skip 2 << 14\n"
    ".popsection\n");

static _Noreturn void leave(unsigned check)
{
        for (;;)
                asm volatile("outb %%al, %%dx" : : "a"(check), "d"(0x501));
}

static uint32_t call(const uint8_t *f)
{
        uint32_t a;

        asm volatile("call *%[f]" : "=a"(a) : [f] "r"(f) : "memory", "cc");
        return a;
}

static void serialise(void)
{
        uint32_t a = 0, b, c = 0, d;

        asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d) : : "memory");
}

static void pause(unsigned n)
{
        while (n--)
                asm volatile("pause" : : : "memory");
}

static volatile uint32_t *operand(unsigned page)
{
        return (volatile uint32_t *)(void *)(code[page] + 8);
}

static void make(unsigned page, uint8_t opcode, uint32_t value)
{
        code[page][7] = opcode;
        *operand(page) = value;
        code[page][12] = 0xc3;
}

/* 1 to 3: the operand of MOV by single stores. Whatever is seen was stored, in this order. */
static void write_operand(void)
{
        for (uint32_t k = 1; k <= ROUNDS; k++) {
                *operand(0) = k;
                if (call(code[0] + 7) != k)
                        leave(1);
                pause(k % 50);
        }
        while (!finished[0])
                pause(1);
}

static void read_operand(void)
{
        uint32_t last = 0, now, before = 0;

        for (unsigned n = 0; last != ROUNDS; n++) {
                /*
                 * What a load has seen is executed behind a serialising instruction; without one it need not
                 * be.
                 */
                if (n % 16 == 0) {
                        before = *operand(0);
                        serialise();
                }
                now = call(code[0] + 7);
                if (now < last || now > ROUNDS)
                        leave(2);
                if (now < before)
                        leave(3);
                last = now;
        }
        finished[0] = 1;
}

/* 4, 5: the operand of JMP, from one of two functions to the other. */
static void write_jump(void)
{
        for (uint32_t k = 0; k < ROUNDS; k++) {
                *operand(1) = k & 1 ? 0x100 : 0x200;
                if (call(code[1] + 7) != (k & 1 ? 1 : 2))
                        leave(4);
                pause(k % 30);
        }
        done = 1;
        while (!finished[1])
                pause(1);
}

static void read_jump(void)
{
        uint32_t stop, now;

        do {
                stop = done;
                if (stop)
                        serialise();
                now = call(code[1] + 7);
                if (now - 1 > 1 || (stop && now != 1))
                        leave(5);
        } while (!stop);
        finished[1] = 1;
}

/* 6, 7: several instructions, byte by byte, while the other waits; it executes CPUID before what is new. */
static void write_all(void)
{
        for (uint32_t k = 1; k <= ROUNDS; k++) {
                uint8_t *p = code[2] + 57; /* goes on in the next line */
                /* mov eax; add eax or sub eax; ret */
                uint8_t bytes[] = {0xb8, 0, 0, 0, 0, k & 1 ? 0x05 : 0x2d, (uint8_t)k, 0, 0, 0, 0xc3};

                for (unsigned n = 0; n < 4; n++)
                        bytes[1 + n] = (uint8_t)(k * 0x01010101u >> 8 * n);
                for (unsigned n = 0; n < sizeof(bytes); n++)
                        ((volatile uint8_t *)p)[n] = bytes[n];
                ready = k;
                while (finished[2] != k)
                        pause(1);
        }
}

static void read_all(void)
{
        for (uint32_t k = 1; k <= ROUNDS; k++) {
                uint32_t want = k * 0x01010101u + (k & 1 ? (uint8_t)k : -(uint32_t)(uint8_t)k);

                while (ready != k)
                        pause(1);
                serialise();
                for (unsigned n = 0; n < 3; n++)
                        if (call(code[2] + 57) != want)
                                leave(6 + (n > 0));
                finished[2] = k;
        }
}

__attribute__((used)) void smc_main(uint64_t cpu)
{
        if (cpu == 0) {
                make(0, 0xb8, 0);
                make(1, 0xe9, 0x200);
                for (unsigned n = 1; n <= 2; n++) {
                        uint8_t *p = code[1] + 12 + 0x100 * (3 - n);

                        p[0] = 0xb8; /* mov eax, 3 - n */
                        p[1] = (uint8_t)(3 - n);
                        p[2] = p[3] = p[4] = 0;
                        p[5] = 0xc3;
                }
                finished[3] = 1;
                write_operand();
                write_jump();
                write_all();
                leave(0);
        }
        if (cpu == 1) {
                while (!finished[3])
                        pause(1);
                read_operand();
                read_jump();
                read_all();
        }
        for (;;)
                pause(1);
}
