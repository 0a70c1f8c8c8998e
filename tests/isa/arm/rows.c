/* SPDX-License-Identifier: MIT */
/*
 * Runs single instructions on made-up states, as a freestanding program for AArch64 (-M bare here, -M virt of
 * QEMU), and prints a digest of what each did. tests/isa/arm/rows.py writes the table of words, builds this
 * and compares two emulators' outputs. With `dump` in the table's header the state of each case is printed
 * whole.
 */
#include <stdint.h>

struct state {
        uint64_t x[28], sp, nzcv, fpcr, fpsr, esr, far, v[32][2];
};

struct row_case {
        uint32_t word;
        uint32_t kind; /* 0 registers, 1 memory: x20 points into the buffer, x21 is a small index */
        uint64_t seed;
};

extern const uint32_t n_cases, dump;
extern const struct row_case cases[];
void run(struct state *s, const uint32_t *code);
uint64_t semihosting(uint64_t op, const void *arg);

enum { BUFFER = 4096, WRITE0 = 4, EXIT_EXTENDED = 0x20 };

static uint64_t buffer[BUFFER / 8] __attribute__((aligned(4096)));
static uint32_t code[1024] __attribute__((aligned(4096)));
static uint64_t seed;

static uint64_t next_random(void)
{
        uint64_t z = seed += 0x9e3779b97f4a7c15;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
}

/* Values that matter: borders of integers, and of both floating-point formats in one or both halves. */
static uint64_t biased(void)
{
        static const uint64_t whole[] = {
                0, 1, 2, ~0ull, 0x7fffffffffffffff, 0x8000000000000000, 0x7fffffff, 0x80000000, 0xffffffff,
                        0xff, 0x8000,
                0x7fff, 0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000, 0xfff0000000000000,
                        0x7ff8000000000001,
                0x7ff0000000000001, 0xfff8000000001234, 0xfff4000000000000, 0x000fffffffffffff,
                        0x0010000000000000, 0x1,
                0x7fefffffffffffff, 0x43e0000000000000, 0x41dfffffffc00000, 0x41e0000000000000,
                        0xc1e0000000200000,
                0x3fe0000000000000, 0x3ff8000000000000, 0x4004000000000000, 0x3810000000000000,
                        0x380fffffe0000000,
                0x47efffffe0000000, 0x47effffff0000000, 0x36a0000000000000, 0x40effe0000000000,
                        0x3f10000000000000,
        };
        static const uint32_t half[] = {
                0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00001, 0x7f800001,
                        0xffa00000,
                0x007fffff, 0x00800000, 1, 0x80000001, 0x7f7fffff, 0x4f000000, 0x4effffff, 0x5f000000,
                        0x3f000000, 0x3fc00000,
                0x40200000, 0xffffffff, 0x7fffffff, 0x00ff00ff, 0x80808080, 0x7f7f7f7f, 0x80007fff,
                        0x33000000, 0x33800000,
                0x477fe000, 0x38800000, 0x387fc000,
        };
        uint64_t r = next_random();
        unsigned kind = r & 7;

        r >>= 3;
        if (kind < 3)
                return whole[r % (sizeof(whole) / 8)];
        if (kind < 5)
                return half[r % (sizeof(half) / 4)] | (uint64_t)half[(r >> 20) % (sizeof(half) / 4)] << 32;
        if (kind == 5)
                return next_random() >> (r & 63);
        if (kind == 6) /* doubles of like size, so that sums cancel and round */
                return (next_random() & 0x800fffffffffffff) | (0x3f0 + (r & 31)) << 52;
        return next_random();
}

static void make_state(struct state *s, const struct row_case *c)
{
        static const uint64_t modes[] = {0, 0, 0, 1 << 22, 2 << 22, 3 << 22, 1 << 24, 1 << 25, 3 << 24,
                                         1 << 24 | 1 << 22};

        seed = c->seed;
        for (unsigned n = 0; n < 28; n++)
                s->x[n] = biased();
        for (unsigned n = 0; n < 32; n++) {
                s->v[n][0] = biased();
                s->v[n][1] = biased();
        }
        s->sp = biased() & ~15ull;
        s->nzcv = next_random() & 0xf0000000;
        s->fpcr = modes[next_random() % (sizeof(modes) / 8)];
        s->fpsr = 0;
        for (unsigned n = 0; n < BUFFER / 8; n++)
                buffer[n] = c->kind ? biased() : 0;
        if (c->kind) {
                s->x[20] = (uint64_t)buffer + 2048;
                s->x[21] = next_random() % 16 * (next_random() & 1 ? 16 : 1);
        }
}

static uint64_t digest(const void *p, unsigned bytes, uint64_t h)
{
        const uint64_t *w = p;

        for (unsigned n = 0; n < bytes / 8; n++)
                h = (h ^ w[n]) * 0x100000001b3 + (h >> 47);
        return h;
}

static char line[64];

static char *hex(char *p, uint64_t v)
{
        for (int n = 60; n >= 0; n -= 4)
                *p++ = "0123456789abcdef"[v >> n & 15];
        return p;
}

static void print(const char *name, unsigned number, uint64_t v)
{
        char *p = line;

        while (*name)
                *p++ = *name++;
        *p++ = '0' + number / 10;
        *p++ = '0' + number % 10;
        *p++ = ' ';
        p = hex(p, v);
        *p++ = '\n';
        *p = 0;
        semihosting(WRITE0, line);
}

static void print_state(const char *name, const struct state *s)
{
        semihosting(WRITE0, name);
        for (unsigned n = 0; n < 28; n++)
                print("x", n, s->x[n]);
        for (unsigned n = 0; n < 32; n++) {
                print("vh", n, s->v[n][1]);
                print("vl", n, s->v[n][0]);
        }
        print("sp", 0, s->sp);
        print("nzcv", 0, s->nzcv);
        print("fpcr", 0, s->fpcr);
        print("fpsr", 0, s->fpsr);
        print("esr", 0, s->esr);
        print("far", 0, s->far);
        print("memory", 0, digest(buffer, BUFFER, 0));
}

void main(void)
{
        static struct state s;
        const uint64_t exit_block[2] = {0x20026, 0};

        code[1] = 0xd65f03c0;
        for (unsigned n = 0; n < n_cases; n++) {
                uint64_t h;

                make_state(&s, &cases[n]);
                /* each in a place of its own, that translations stay */
                code[n * 2 % 1024] = cases[n].word;
                code[n * 2 % 1024 + 1] = 0xd65f03c0;
                __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb"
                                 :: "r"(&code[n * 2 % 1024]) : "memory");
                if (dump)
                        print_state("before\n", &s);
                run(&s, &code[n * 2 % 1024]);
                if (dump)
                        print_state("after\n", &s);
                h = digest(buffer, cases[n].kind ? BUFFER : 0, digest(&s, sizeof(s), cases[n].word));
                hex(line, h);
                line[16] = '\n';
                line[17] = 0;
                semihosting(WRITE0, line);
        }
        semihosting(EXIT_EXTENDED, exit_block);
}
