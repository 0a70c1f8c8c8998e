/* SPDX-License-Identifier: MIT */
/*
 * Text and memory for a freestanding benchmark, and the four functions a freestanding C compiler may call by
 * itself. Single-threaded.
 */
#include "bare.h"
#include "bench.h"

#include <stdarg.h>

extern uint8_t bare_arena_start[], bare_arena_end[];

static uint8_t *arena_next = bare_arena_start;

void bare_print(const char *text, ...)
{
        va_list more;

        va_start(more, text);
        for (; text; text = va_arg(more, const char *))
                while (*text)
                        board_put(*text++);
        va_end(more);
}

const char *bare_decimal(char *buffer, uint64_t value)
{
        char *p = buffer + 20;

        *p = 0;
        do {
                *--p = (char)('0' + value % 10);
                value /= 10;
        } while (value);
        return p;
}

const char *bare_hex(char *buffer, uint64_t value)
{
        for (int i = 0; i < 16; i++)
                buffer[i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
        buffer[16] = 0;
        return buffer;
}

void bare_unexpected_trap(uint64_t cause, uint64_t pc, uint64_t value)
{
        char a[21], b[21], c[21];

        bare_print("bench: trap cause ", bare_hex(a, cause), " pc ", bare_hex(b, pc), " value ",
                   bare_hex(c, value), "\n", NULL);
        board_exit(1);
}

void *bench_alloc(size_t bytes)
{
        uint8_t *p = arena_next;

        bytes = (bytes + 4095) & ~(size_t)4095;
        if (bytes > (size_t)(bare_arena_end - p)) {
                bare_print("bench: out of memory\n", NULL);
                board_exit(1);
        }
        arena_next += bytes;
        return p;
}

void *bench_alloc_code(size_t bytes)
{
        return bench_alloc(bytes);
}

void bare_free_all(void)
{
        for (uint64_t *p = (uint64_t *)bare_arena_start; p < (uint64_t *)arena_next; p++)
                *p = 0;
        arena_next = bare_arena_start;
}

/* The compiler's own calls, for structure copies and large initialisers; never in a program's inner loop. */
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
        return memmove(to, from, n);
}

void *memmove(void *to, const void *from, size_t n)
{
        uint8_t *d = to;
        const uint8_t *s = from;

        if (d <= s)
                for (size_t i = 0; i < n; i++)
                        d[i] = s[i];
        else
                while (n--)
                        d[n] = s[n];
        return to;
}

void *memset(void *to, int value, size_t n)
{
        uint8_t *d = to;

        while (n--)
                *d++ = (uint8_t)value;
        return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
        const uint8_t *x = a, *y = b;

        for (size_t i = 0; i < n; i++)
                if (x[i] != y[i])
                        return x[i] - y[i];
        return 0;
}
