/* SPDX-License-Identifier: MIT */
/*
 * The comparison guests' frame: parameters, output, how cases are mixed into the hash of their chunk. A line
 * "unit chunk hash cases" goes out for each chunk; with `trace` also one for each case; the case that
 * `verbose` names is printed in full, one "name value" a line.
 */
#include "frame.h"

volatile struct params params __attribute__((section(".data"))) = {
        .magic = PARAMS_MAGIC, .last_unit = 1, .n_chunks = 1, .n_words = 1, .n_sets = 1, .verbose = ~0ull,
};
static u64 chunk_hash, case_hash, case_number;
static bool last_chunk; /* the one that `trace` and `verbose` mean */

/* ---- output ---- */

void print(const char *s)
{
        while (*s)
                guest_put_char(*s++);
}

void print_hex(u64 v)
{
        for (int i = 60; i >= 0; i -= 4)
                guest_put_char("0123456789abcdef"[v >> i & 15]);
}

void print_dec(u64 v)
{
        char buf[24], *p = buf + sizeof(buf);

        *--p = 0;
        do
                *--p = '0' + v % 10;
        while (v /= 10);
        print(p);
}

/* gcc may call them for assignments of structures. */
typedef u64 __attribute__((may_alias)) word;

void *memcpy(void *to, const void *from, size_t n);
void *memcpy(void *to, const void *from, size_t n)
{
        size_t i = 0;

        /* a state for each case: most of an interpreter's time, were it bytes */
        if ((((u64)to | (u64)from) & 7) == 0) {
                for (; i + 32 <= n; i += 32) {
                        const word *f = (const word *)((const u8 *)from + i);
                        word a = f[0], b = f[1], c = f[2], d = f[3], *t = (word *)((u8 *)to + i);

                        t[0] = a, t[1] = b, t[2] = c, t[3] = d;
                }
        }
        for (; i < n; i++)
                ((u8 *)to)[i] = ((const u8 *)from)[i];
        return to;
}

void *memset(void *to, int c, size_t n);
void *memset(void *to, int c, size_t n)
{
        for (size_t i = 0; i < n; i++)
                ((u8 *)to)[i] = c;
        return to;
}

bool case_wanted(void)
{
        return last_chunk && case_number == params.verbose;
}

static void say_value(u64 value)
{
        print(" ");
        print_hex(value);
        print("\n");
}

void say(const char *what, u64 value)
{
        if (!case_wanted())
                return;
        print("  ");
        print(what);
        say_value(value);
}

void say_numbered(const char *what, unsigned n, u64 value)
{
        if (!case_wanted())
                return;
        print("  ");
        print(what);
        print_dec(n);
        say_value(value);
}

void say_insn(u64 pc, u32 word)
{
        if (!case_wanted())
                return;
        print("  insn@");
        print_hex(pc);
        say_value(word);
}

void say_memory(u64 address, u64 value)
{
        if (!case_wanted())
                return;
        print("  memory ");
        print_hex(address);
        print("=");
        print_hex(value);
        print("\n");
}

void expect(const char *what, u64 got, u64 want)
{
        if (got == want)
                return;
        print("FAILED ");
        print(what);
        print(": got ");
        print_hex(got);
        print(" want ");
        print_hex(want);
        print("\n");
}

/* ---- hashes ---- */

void case_mix(u64 value)
{
        u64 h = (case_hash ^ value) * 0x9e3779b97f4a7c15ull;

        case_hash = h ^ h >> 32;
}

void case_mix_words(const u64 *values, unsigned n)
{
        u64 h = case_hash;

        for (unsigned i = 0; i < n; i++) {
                h = (h ^ values[i]) * 0x9e3779b97f4a7c15ull;
                h ^= h >> 32;
        }
        case_hash = h;
}

void case_end(void)
{
        if (params.trace && last_chunk) {
                print("case ");
                print_dec(case_number);
                say_value(case_hash);
        }
        if (case_wanted()) {
                print("after\n");
                guest_say_after();
                print("end\n");
        }
        chunk_hash = (chunk_hash ^ case_hash) * 0xd6e8feb86659fd93ull;
        chunk_hash ^= chunk_hash >> 29;
        case_hash = 0;
        case_number++;
}

/* ---- chunks ---- */

static void run_chunk(u64 unit, u64 chunk)
{
        rnd_seed(params.seed, params.part << 32 | unit, chunk);
        chunk_hash = case_hash = case_number = 0;
        last_chunk = unit + 1 == params.last_unit && chunk + 1 == params.first_chunk + params.n_chunks;
        guest_chunk_begin();
        if (!guest_chunk_run(params.part, unit))
                return;
        chunk_hash = guest_chunk_hash(chunk_hash);
        print_dec(unit);
        print(" ");
        print_dec(chunk);
        print(" ");
        print_hex(chunk_hash);
        print(" ");
        print_dec(case_number);
        print("\n");
}

void frame_main(void)
{
        rnd_seed(params.seed, 0, 0);
        guest_init();
        for (u64 unit = params.first_unit; unit < params.last_unit; unit++) {
                for (u64 c = 0; c < params.n_chunks; c++)
                        run_chunk(unit, params.first_chunk + c);
        }
        print("done\n");
}
