/* SPDX-License-Identifier: MIT */
/*
 * The guest of tests/lockstep/bare.py on the board of bench/lib/bare: sums, products and divisions, strings,
 * doubles, floats and vectors, and each guest's own (x87, repeated strings, undefined flags; exclusives,
 * saturation), over and over with other operands; the result is printed and becomes the exit status. Labels
 * planted_* are where the test makes one engine go wrong.
 */
#include <stddef.h>
#include <stdint.h>

#include "bare.h"

enum { TURNS = 400, WORDS = 64 };

typedef float quad __attribute__((vector_size(16)));
typedef uint16_t eight __attribute__((vector_size(16)));

static uint64_t words[WORDS], state = 0x9e3779b97f4a7c15;
static double reals[WORDS];

static uint64_t next(void)
{
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
}

static uint64_t integers(uint64_t a, uint64_t b)
{
        uint64_t sum = a * b + (a >> (b & 63)) + (a % (b | 1));

        sum += (uint64_t)((int64_t)b / (int64_t)(a >> 40 | 3));
        sum += (uint32_t)a * (uint16_t)b + (int8_t)a + __builtin_clzll(a | 1) + __builtin_ctzll(b | 2);
        return sum ^ (a << 7 | a >> 57) ^ (a < b ? a - b : b - a);
}

static double doubles(double x, uint64_t n)
{
        double y = (double)(int64_t)n * 0x1p-60 + 1.0;

        return __builtin_sqrt(x * x + y) / (y + (float)x) + (double)(uint32_t)n * 1e-9;
}

static quad singles(quad a, uint64_t n)
{
        quad b = {(float)(n & 255), 0.5f, -1.25f, (float)(n >> 60)};

        return a * b + (quad){1, 2, 3, 4} - a;
}

/* planted_xor is the instruction that the test plants a mistake at. */
#ifdef __x86_64__
static uint64_t own(uint64_t a, uint64_t b, char *to, const char *from)
{
        uint64_t count = 5 + (b & 63), low, high, flags;
        long double x = (long double)a * 3.5L + (long double)b / 7;

        __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
        __asm__ volatile("mul %3" : "=a"(low), "=d"(high) : "a"(a), "r"(b) : "cc");
        __asm__ volatile(".globl planted_xor\nplanted_xor: .byte 0x48, 0x31, 0xc2, 0x90\n"
                         : "+d"(high) : "a"(low) : "cc");
        __asm__ volatile("shl $7, %1\n adc $0, %0\n rcr $3, %0\n btc $5, %0\n pushf\n pop %2"
                         : "+r"(low), "+r"(high), "=r"(flags) : : "cc", "memory");
        return low ^ high ^ (flags & 1) ^ (uint64_t)(x * 0.25L) ^ (uint64_t)__builtin_fabsl(x - 1e18L);
}
#else
static uint64_t own(uint64_t a, uint64_t b, char *to, const char *from)
{
        uint64_t old, status, sum = a;

        for (unsigned i = 0; i < 5 + (b & 63); i++)
                to[i] = from[i];
        __asm__ volatile("1: ldaxr %0, [%3]\n add %0, %0, %4\n stlxr %w1, %0, [%3]\n cbnz %w1, 1b\n"
                         "mov x9, %4\n mov x10, %2\n"
                         ".globl planted_xor\nplanted_xor: eor x9, x9, x10\n add %2, %2, x9\n"
                         "adds %2, %2, %0\n adc %2, %2, %4\n ccmp %2, %4, #3, ne\n cset x9, hs\n"
                         "add %2, %2, x9"
                         : "=&r"(old), "=&r"(status), "+r"(sum) : "r"(&words[0]), "r"(b) : "x9", "x10", "cc",
                         "memory");
        __asm__ volatile("dup v16.8h, %w1\n ins v16.h[3], %w2\n sqadd v17.8h, v16.8h, v16.8h\n"
                         "uqshl v18.8h, v17.8h, #2\n"
                         "addv h18, v18.8h\n smov x9, v18.h[0]\n eor %0, %0, x9"
                         : "+r"(sum) : "r"(a), "r"(b) : "x9", "v16", "v17", "v18");
        return sum ^ old;
}
#endif

void bare_main(void)
{
        uint64_t sum = 0;
        quad floats = {1, 2, 3, 4};
        eight halves = {1, 2, 3, 4, 5, 6, 7, 8};
        char text[21];

        for (unsigned turn = 0; turn < TURNS; turn++) {
                uint64_t a = next(), b = next() >> (turn & 31);
                unsigned n = a % (WORDS / 2);

                words[n] += integers(a, b);
                reals[n] = doubles(reals[n + 1], b);
                floats = singles(floats, b);
                halves = halves * halves + (uint16_t)a;
                sum = sum * 31 + words[n] + halves[turn & 7];
                sum += own(a, b, (char *)&words[n], (char *)&words[n + 9]);
                sum ^= (uint64_t)(reals[n] * 1e6) + (uint64_t)(int64_t)floats[turn & 3];
        }
        bare_print("sum ", bare_hex(text, sum), "\n", NULL);
        board_exit(sum & 1);
}
