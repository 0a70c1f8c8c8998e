/* SPDX-License-Identifier: MIT */
/*
 * Self-modifying code on the bare board, on one CPU: an instruction that stores into the next one is followed
 * by what it stored (Intel SDM volume 3, 12.6), whatever stores, wherever lines and pages end. The exit
 * status is 2 * number + 1 of the check that failed, and 1 when all went well.
 */
#include <stdint.h>

static uint8_t code[4 * 4096] __attribute__((aligned(4096)));
static uint64_t source[2] __attribute__((aligned(16)));

asm(".globl _start\n"
    "_start: leaq stack_end(%rip), %rsp\n"
    "       call smc_main\n"
    ".pushsection .bss\n"
    ".balign 4096\n"
    ".skip 16384\n"
    "stack_end:\n"
    ".popsection\n");

static _Noreturn void leave(unsigned check)
{
        for (;;)
                asm volatile("outb %%al, %%dx" : : "a"(check), "d"(0x501));
}

static void put(uint8_t **at, const void *bytes, unsigned n)
{
        for (unsigned k = 0; k < n; k++)
                *(*at)++ = ((const uint8_t *)bytes)[k];
}

static void put32(uint8_t **at, uint32_t v)
{
        put(at, &v, 4);
}

/*
 * Calls generated code: rdi the place it stores to, rsi a place with the value, rax and ecx the value,
 * edx:eax and ecx:ebx for CMPXCHG8B, xmm0 the value twice. Returns rax.
 */
static uint64_t call(const uint8_t *f, void *to, uint64_t a, uint64_t c, uint64_t d, uint64_t b)
{
        void *si = source;

        asm volatile("movq %%rax, %%xmm0\n\t"
                     "punpcklqdq %%xmm0, %%xmm0\n\t"
                     "call *%[f]"
                     : "+a"(a), "+c"(c), "+d"(d), "+b"(b), "+D"(to), "+S"(si)
                     : [f] "r"(f)
                     : "r8", "r9", "r10", "r11", "xmm0", "xmm1", "memory", "cc");
        return a;
}

/* How a store is written, and how wide it is; with what it needs in rax, as a function of the old value. */
enum need { NEW, DIFFERENCE, OLD_AND_NEW, TOGGLED };

static const struct store {
        uint8_t n, bytes[12], width, need;
} stores[] = {
        {2, {0x88, 0x07}, 1, NEW},                   /* mov [rdi], al */
        {3, {0x66, 0x89, 0x07}, 2, NEW},             /* mov [rdi], ax */
        {2, {0x89, 0x07}, 4, NEW},                   /* mov [rdi], eax */
        {3, {0x48, 0x89, 0x07}, 8, NEW},             /* mov [rdi], rax */
        {3, {0x48, 0x87, 0x07}, 8, NEW},             /* xchg [rdi], rax */
        {3, {0x0f, 0xc3, 0x07}, 4, NEW},             /* movnti [rdi], eax */
        {4, {0x66, 0x0f, 0x7e, 0x07}, 4, NEW},       /* movd [rdi], xmm0 */
        {4, {0x66, 0x0f, 0xd6, 0x07}, 8, NEW},       /* movq [rdi], xmm0 */
        {4, {0x66, 0x0f, 0x13, 0x07}, 8, NEW},       /* movlpd [rdi], xmm0 */
        {1, {0xaa}, 1, NEW},                         /* stosb */
        {1, {0xab}, 4, NEW},                         /* stosd */
        {2, {0x48, 0xab}, 8, NEW},                   /* stosq */
        {1, {0xa4}, 1, NEW},                         /* movsb */
        {2, {0x48, 0xa5}, 8, NEW},                   /* movsq */
        {7, {0xb9, 4, 0, 0, 0, 0xf3, 0xa4}, 4, NEW}, /* mov ecx, 4; rep movsb */
        {7, {0xb9, 8, 0, 0, 0, 0xf3, 0xa4}, 8, NEW}, /* mov ecx, 8; rep movsb */
        {7, {0xb9, 1, 0, 0, 0, 0xf3, 0xab}, 4, NEW}, /* mov ecx, 1; rep stosd */
        {6, {0xff, 0x36, 0x8f, 0x07, 0x66, 0x90}, 8, NEW}, /* push [rsi]; pop [rdi] */
        {4, {0xdb, 0x06, 0xdb, 0x1f}, 4, NEW},       /* fild dword [rsi]; fistp dword [rdi] */
        {4, {0xdf, 0x2e, 0xdf, 0x3f}, 8, NEW},       /* fild qword [rsi]; fistp qword [rdi] */
        /* mov r8, rsp; lea rsp, [rdi + 8]; push rax; see restore_stack */
        {10, {0x49, 0x89, 0xe0, 0x48, 0x8d, 0x67, 0x08, 0x50, 0x66, 0x90}, 8, NEW},
        {2, {0x01, 0x07}, 4, DIFFERENCE},            /* add [rdi], eax */
        {3, {0x48, 0x01, 0x07}, 8, DIFFERENCE},
        {3, {0xf0, 0x01, 0x07}, 4, DIFFERENCE},      /* lock add [rdi], eax */
        {5, {0xf0, 0x48, 0x0f, 0xc1, 0x07}, 8, DIFFERENCE}, /* lock xadd [rdi], rax */
        {2, {0x31, 0x07}, 4, TOGGLED},               /* xor [rdi], eax */
        {4, {0xf0, 0x48, 0x31, 0x07}, 8, TOGGLED},   /* lock xor [rdi], rax */
        {4, {0xf0, 0x0f, 0xb1, 0x0f}, 4, OLD_AND_NEW}, /* lock cmpxchg [rdi], ecx */
        {5, {0xf0, 0x48, 0x0f, 0xb1, 0x0f}, 8, OLD_AND_NEW},
        {3, {0x0f, 0xc7, 0x0f}, 8, OLD_AND_NEW},     /* cmpxchg8b [rdi] */
};

/* PUSH has moved the stack: MOV RSP, R8 behind the instruction that was stored to. */
static const uint8_t restore_stack[] = {0x4c, 0x89, 0xc4};

static uint64_t read(const uint8_t *p, unsigned n)
{
        uint64_t v = 0;

        for (unsigned k = 0; k < n; k++)
                v |= (uint64_t)p[k] << 8 * k;
        return v;
}

/*
 * A store, then MOV RAX, imm64 whose immediate it changes, at @p; made so that the immediate begins at @at.
 */
static void check_next(unsigned number, const struct store *s, uint8_t *at)
{
        uint8_t *p = at - 2 - s->n, *start = p;
        uint64_t mask = s->width == 8 ? ~0ull : (1ull << 8 * s->width) - 1;

        put(&p, s->bytes, s->n);
        put(&p, "\x48\xb8", 2); /* mov rax, imm64 */
        put(&p, "\0\0\0\0\0\0\0", 8);
        if (s->bytes[0] == 0x49)
                put(&p, restore_stack, sizeof(restore_stack));
        put(&p, "\xc3", 1);
        for (uint64_t k = 1; k < 4; k++) {
                /* small enough for FISTP to hold */
                uint64_t old = read(at, 8), want = k * 0x0102030405060708ull & mask;
                uint64_t a = want, c = want, d = 0, b = 0;

                source[0] = want;
                switch ((enum need)s->need) {
                case NEW: break;
                case DIFFERENCE: a = want - old; break;
                case TOGGLED: a = want ^ (old & mask); break;
                case OLD_AND_NEW:
                        a = old & mask;
                        if (s->bytes[0] == 0x0f) {
                                a = (uint32_t)old;
                                d = old >> 32;
                                b = (uint32_t)want;
                                c = want >> 32;
                        }
                        break;
                }
                if (s->width == 4 && s->need == DIFFERENCE)
                        a = (uint32_t)a;
                if (call(start, at, a, c, d, b) != ((old & ~mask) | want))
                        leave(number);
        }
}

/*
 * MOVUPS over the whole next two instructions, opcodes too: MOV EAX, imm32 becomes ADD EAX, imm32 and back.
 */
static void check_sixteen(unsigned number, uint8_t *at)
{
        uint8_t *p = at - 3;

        put(&p, "\x0f\x11\x0f", 3); /* movups [rdi], xmm1 */
        for (unsigned k = 0; k < 16; k++)
                put(&p, "\x90", 1);
        put(&p, "\xc3", 1);
        for (uint32_t k = 1; k < 4; k++) {
                uint8_t bytes[16], *q = bytes;
                uint64_t a = 0;

                put(&q, k & 1 ? "\xb8" : "\x05", 1); /* mov eax, imm32; add eax, imm32 */
                put32(&q, 0x01020304 * k);
                put(&q, "\x05", 1);
                put32(&q, k);
                put(&q, "\x66\x90\x66\x90\x66\x90", 6);
                asm volatile("movups %[b], %%xmm1\n\tcall *%[f]"
                             : "+a"(a)
                             : [b] "m"(bytes), "D"(at), [f] "r"(at - 3)
                             : "xmm1", "memory", "cc");
                if ((uint32_t)a != 0x01020304 * k + k)
                        leave(number);
        }
}

/*
 * A hot loop that changes one of its own instructions every 2^@shift turns: ADD EAX, imm32, before or after
 * the store.
 */
static void check_loop(unsigned number, uint8_t *at, unsigned shift, int before)
{
        static const uint8_t turns = 200;
        uint8_t *p = at, *imm, *disp, *skip, *top;
        uint64_t a = 0, c = turns, d = 0, want = 0, value = 0;
        uint8_t add[] = {0x05, 0, 0, 0, 0};

        top = p;
        imm = p + 1;
        if (before)
                put(&p, add, 5);
        put(&p, "\xf6\xc1", 2); /* test cl, imm8 */
        *p++ = (uint8_t)((1u << shift) - 1);
        put(&p, "\x75", 1);     /* jne skip */
        skip = p++;
        put(&p, "\xff\xc2\x89\x15", 4); /* inc edx; mov [rip + disp], edx */
        disp = p;
        p += 4;
        *skip = (uint8_t)(p - skip - 1);
        if (!before) {
                imm = p + 1;
                put(&p, add, 5);
        }
        int32_t to = (int32_t)(imm - (disp + 4));

        put(&disp, &to, 4);
        put(&p, "\xff\xc9\x75", 3); /* dec ecx; jne top */
        *p = (uint8_t)(top - (p + 1));
        p++;
        put(&p, "\xc3", 1);
        for (uint32_t k = turns; k; k--) {
                if (before)
                        want += value;
                if (!(k & ((1u << shift) - 1)))
                        value++;
                if (!before)
                        want += value;
        }
        asm volatile("call *%[f]" : "+a"(a), "+c"(c), "+d"(d) : [f] "r"(at) : "memory", "cc");
        if ((uint32_t)a != want)
                leave(number);
}

/*
 * REP STOSB that makes NOPs of all behind it up to a RET, and REP MOVSB that writes over itself what is there
 * already, and then over what follows something else.
 */
static void check_rep(unsigned number, uint8_t *at)
{
        static uint8_t copy[64];
        uint8_t *p = at;
        uint64_t a = 0x90, c = 40;
        void *to = at + 2, *from = copy;

        put(&p, "\xf3\xaa", 2);
        for (unsigned k = 0; k < 20; k++)
                put(&p, "\xb0\x01", 2); /* mov al, 1 */
        put(&p, "\xc3", 1);
        asm volatile("call *%[f]" : "+a"(a), "+c"(c), "+D"(to) : [f] "r"(at) : "memory", "cc");
        if (a != 0x90 || c || to != at + 42)
                leave(number);

        p = at;
        put(&p, "\x66\x90\xf3\xa4\xb0\x01\xb0\x01\xb0\x01\xc3", 11);
        for (unsigned k = 0; k < 11; k++)
                copy[k] = at[k];
        copy[9] = 7;
        a = 0;
        c = 11;
        to = at;
        asm volatile("call *%[f]" : "+a"(a), "+c"(c), "+D"(to), "+S"(from) : [f] "r"(at) : "memory", "cc");
        if (a != 7 || c)
                leave(number);
}

/*
 * REP STOSB from before itself. It may go on as it was read, or be read again after any iteration, as
 * interrupts make it; so it ends early only behind its own first byte, and has stored all that it counts.
 */
static void check_rep_self(unsigned number, uint8_t *at)
{
        uint8_t *p = at;
        uint64_t a = 0x90, c = 24;
        void *to = at;

        put(&p, "\x66\x90\x66\x90\xf3\xaa", 6);
        for (unsigned k = 0; k < 18; k++)
                put(&p, "\x90", 1);
        put(&p, "\xc3", 1);
        asm volatile("call *%[f]" : "+a"(a), "+c"(c), "+D"(to) : [f] "r"(at) : "memory", "cc");
        if (c > 24 - 5)
                leave(number);
        for (unsigned k = 0; k < 24 - c; k++)
                if (at[k] != 0x90)
                        leave(number);
}

/* Code called often is rewritten by code elsewhere, a byte at a time, and called after each. */
static void check_far(unsigned number, uint8_t *at)
{
        uint8_t *p = at;

        put(&p, "\xb8\0\0\0\0\xc3", 6);
        for (uint32_t k = 0; k < 1000; k++) {
                volatile uint8_t *imm = at + 1 + k % 4;
                uint32_t a, want;

                *imm = (uint8_t)k;
                want = (uint32_t)read(at + 1, 4);
                asm volatile("call *%[f]" : "=a"(a) : [f] "r"(at) : "memory", "cc");
                if (a != want)
                        leave(number);
        }
}

__attribute__((used)) void smc_main(void)
{
        static uint8_t *const edges[] = {code + 4096 + 64, code + 4096 + 128, code + 2 * 4096};

        asm volatile("fninit");
        for (unsigned e = 0; e < 3; e++) {
                for (int at = -20; at < 4; at++) {
                        uint8_t *p = edges[e] + at;

                        for (unsigned k = 0; k < sizeof(stores) / sizeof(stores[0]); k++)
                                check_next(1 + k, &stores[k], p);
                        check_sixteen(40, p);
                        check_loop(41, p, 0, 0);
                        check_loop(42, p, 0, 1);
                        check_loop(43, p, 4, 0);
                        check_loop(44, p, 4, 1);
                        check_rep(45, p);
                        check_rep_self(46, p);
                        check_far(47, p);
                }
        }
        leave(0);
}
