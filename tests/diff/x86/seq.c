/* SPDX-License-Identifier: MIT */
/*
 * The part `seq`: programs (seq_make.c), each from several states, so that what the emulator made of the code
 * is used again. A difference is printed with the program, without the instructions that it comes without as
 * well.
 */
#include "tests/diff/x86/seq.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "frontend/x86/cpu.h"

#define WORD "%016" PRIx64
enum { SETS = 5, PROGRAMS = TOOL_BATCH / SETS };

struct seq {
        struct tool *t;
        struct seq_program *programs;
        uint64_t cases, wrong_cases, wrong, lost; /* lost: the host's CPU gave no answer */
        unsigned shown;
        uint64_t *numbers;
        bool *differs; /* by program */
        struct difference found; /* the first, of case @at with result @result */
        unsigned at;
        struct case_result result;
        uint8_t data[CASE_DATA_SIZE];
};

/* ---- states ---- */

/* In one of four sets one leads to where some accesses fault, or the stack does. */
static void set_pointers(struct gen *g, const struct seq_program *p, struct test_case *c)
{
        for (unsigned k = 0; k < 3; k++) {
                uint64_t at = CASE_DATA + CASE_WINDOW + 0x1c0 + gen_below(g, 0x180);

                c->in.gpr[p->ptr[k]] = gen_below(g, 4) ? at & ~15ull : at;
        }
        if (!gen_below(g, 3))
                c->in.gpr[p->ptr[1]] = c->in.gpr[p->ptr[0]] + gen_below(g, 3) * 4;
        c->in.gpr[X86_RSP] = CASE_DATA + CASE_WINDOW + 0x80 +
                (gen_below(g, 0x90) & (gen_below(g, 8) ? ~7u : ~0u));
        if (gen_below(g, 4))
                return;
        switch (gen_below(g, 8)) {
        case 0: case 1:
                c->in.gpr[p->ptr[gen_below(g, 3)]] = CASE_RO + 64 + 16 * gen_below(g, 32);
                break;
        case 2: case 3:
                c->in.gpr[p->ptr[gen_below(g, 3)]] = CASE_DATA + gen_below(g, 48);
                break;
        case 4: /* where no pointer is: return addresses must stay */
                c->in.gpr[X86_RSP] = CASE_DATA + 8 * gen_below(g, 4);
                break;
        default:
                c->in.gpr[p->ptr[gen_below(g, 3)]] = (CASE_DATA + CASE_DATA_SIZE - gen_below(g, 160)) &
                                                     (gen_below(g, 3) ? ~15ull : ~0ull);
        }
}

static void make_state(struct gen *g, const struct seq_program *p, struct test_case *c, unsigned set)
{
        memset(c, 0, sizeof(*c));
        c->at = p->at;
        c->length = p->length;
        for (unsigned k = 0; k < p->n; k++)
                memcpy(c->bytes + p->insn[k].at, p->insn[k].bytes, p->insn[k].length);
        gen_state(g, c);
        set_pointers(g, p, c);
        if (gen_below(g, 8))
                c->in.flags &= ~X86_FL_DF;
        if (gen_below(g, 2)) /* small ones: counts, and branches that go either way */
                for (unsigned k = 0; k < p->n_hot; k++)
                        c->in.gpr[p->hot[k]] = gen_below(g, 3) ? gen_below(g, 4) : gen_value(g);
        c->how = CASE_FREE;
        if (set && !gen_below(g, 3)) {
                c->how = CASE_POLLS;
        } else if (set && !gen_below(g, 12)) {
                c->how = CASE_STEPS;
                c->steps = 1 + gen_below(g, 12);
        }
}

/* ---- comparing ---- */

static void check(void *opaque, struct test_case *c, const struct case_result *r)
{
        struct seq *s = opaque;
        unsigned n = c - s->t->cases, undefined = 0;
        const struct seq_program *p = &s->programs[n / SETS];
        struct x86_insn x = {.id = X86_ID_COUNT};
        struct difference d;

        for (unsigned k = 0; k < p->n; k++) {
                if (c->out.rip != CASE_CODE + p->at + p->insn[k].at)
                        continue;
                undefined = p->insn[k].undefined;
                x86_decode(p->insn[k].bytes, p->insn[k].length, X86_64, &s->t->features, &x);
        }
        s->cases++;
        if (!compare(c, x.id, undefined, r, &d))
                return;
        s->wrong_cases++;
        if (!s->differs[n / SETS] || n < s->at) {
                s->found = d;
                s->at = n;
                s->result = *r;
                memcpy(s->data, r->data, sizeof(s->data));
        }
        s->differs[n / SETS] = true;
}

static void run(struct seq *s, unsigned n_programs)
{
        memset(s->differs, 0, PROGRAMS * sizeof(*s->differs));
        native_run(s->t->cases, SETS * n_programs);
        for (unsigned k = 0; k < SETS * n_programs; k++) {
                if (s->t->cases[k].done)
                        continue;
                if (!s->lost++)
                        printf("  program %" PRIu64 " set %u: the host's CPU gave no answer\n",
                               s->numbers[k / SETS], k % SETS);
        }
        emulator_run(s->t->emulator, s->t->cases, SETS * n_programs, check, s);
}

/* The first program, its code changed; the states stay. */
static bool still_differs(struct seq *s, const struct seq_program *p)
{
        for (unsigned set = 0; set < SETS; set++) {
                struct test_case *c = &s->t->cases[set];

                c->length = p->length;
                for (unsigned k = 0; k < p->n; k++)
                        memcpy(c->bytes + p->insn[k].at, p->insn[k].bytes, p->insn[k].length);
        }
        s->programs[0] = *p;
        run(s, 1);
        return s->differs[0];
}

/* Leaves out what the difference does not need. */
static void shrink(struct seq *s)
{
        struct seq_program best = s->programs[0];
        bool again = true;

        while (again) {
                again = false;
                for (unsigned k = best.n; k-- > 0;) {
                        struct seq_program p = best;
                        unsigned reader;

                        if (!seq_drop(&p, k) || !seq_finish(s->t, &p, &reader) || !still_differs(s, &p))
                                continue;
                        best = p;
                        again = true;
                }
        }
        still_differs(s, &best);
}

/* ---- printing ---- */

static void print_program(const struct seq *s, const struct seq_program *p)
{
        for (unsigned k = 0; k < p->n; k++) {
                const struct seq_insn *i = &p->insn[k];
                uint64_t pc = CASE_CODE + p->at + i->at;
                char text[160] = "?";

                x86_disas(pc, i->bytes, i->length, X86_64, &s->t->features, text, sizeof(text));
                printf("    %08" PRIx64 "  %-44s", pc, text);
                for (unsigned n = 0; n < i->length; n++)
                        printf(" %02x", i->bytes[n]);
                printf("\n");
        }
}

static void print_words(const char *what, const void *host, const void *us, const void *before)
{
        const void *const from[] = {before, host, us};
        uint64_t w[3];

        for (unsigned k = 0; k < 3; k++)
                memcpy(&w[k], from[k], 8);
        printf("    %-16s %s before " WORD " host " WORD " here " WORD "\n", what, w[1] == w[2] ? " " : "*",
               w[0], w[1], w[2]);
}

static void print_states(const struct seq *s, const struct test_case *c)
{
        static const char *const names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"};
        static const char *const hows[] = {"free", "steps", "polls"};
        const struct case_regs *out = &s->result.regs;
        char name[24];

        printf("    set %u, %s %u; vector: host %d, here %d\n", s->at % SETS, hows[c->how], c->steps,
               c->vector, s->result.vector);
        printf("    flags before %03x host %03x here %03x; mxcsr before %04x host %04x here %04x\n",
               (unsigned)(c->in.flags & X86_CASE_FLAGS), (unsigned)(c->out.flags & X86_CASE_FLAGS),
               (unsigned)(out->flags & X86_CASE_FLAGS), c->in.mxcsr, c->out.mxcsr, out->mxcsr);
        print_words("rip", &c->out.rip, &out->rip, &c->in.rip);
        for (unsigned k = 0; k < 16; k++) {
                snprintf(name, sizeof(name), "r%u", k);
                print_words(k < 8 ? names[k] : name, &c->out.gpr[k], &out->gpr[k], &c->in.gpr[k]);
        }
        for (unsigned k = 0; k < 32; k++) {
                snprintf(name, sizeof(name), "xmm%u %s", k / 2, k & 1 ? "high" : "low");
                if (s->t->verbose || c->out.xmm[k / 2][k & 1] != out->xmm[k / 2][k & 1])
                        print_words(name, &c->out.xmm[k / 2][k & 1], &out->xmm[k / 2][k & 1],
                                    &c->in.xmm[k / 2][k & 1]);
        }
        for (unsigned k = 0; k < CASE_WINDOW_SIZE; k += 8) {
                snprintf(name, sizeof(name), "memory %x", CASE_DATA + CASE_WINDOW + k);
                if (memcmp(c->out_window + k, s->data + CASE_WINDOW + k, 8))
                        print_words(name, c->out_window + k, s->data + CASE_WINDOW + k, c->window + k);
        }
}

static void make_program(struct seq *s, unsigned k, uint64_t number, uint64_t seed)
{
        struct gen g = {.seed = seed ^ (number + 1) * 0x9e3779b97f4a7c15};

        s->numbers[k] = number;
        while (!seq_make(&g, s->t, &s->programs[k]))
                ;
        for (unsigned set = 0; set < SETS; set++)
                make_state(&g, &s->programs[k], &s->t->cases[SETS * k + set], set);
}

/* Runs the program alone that was @k of the batch, shrinks it and tells of it. */
static void show(struct seq *s, unsigned k, uint64_t seed)
{
        uint64_t cases = s->cases, wrong_cases = s->wrong_cases, lost = s->lost;
        bool repeats;

        make_program(s, 0, s->numbers[k], seed);
        repeats = still_differs(s, &s->programs[0]);
        if (repeats)
                shrink(s);
        printf("  program %" PRIu64 " (--first %" PRIu64 " -n 1): ", s->numbers[0], s->numbers[0]);
        if (repeats)
                printf("%s: host " WORD ", here " WORD "\n", s->found.what, s->found.host, s->found.us);
        else
                printf("it does not differ when it runs alone\n");
        print_program(s, &s->programs[0]);
        if (repeats)
                print_states(s, &s->t->cases[s->at]);
        s->cases = cases;
        s->wrong_cases = wrong_cases;
        s->lost = lost;
}

bool seq_run(struct tool *t, uint64_t first)
{
        struct seq s = {.t = t, .programs = g_new0(struct seq_program, PROGRAMS),
                        .numbers = g_new0(uint64_t, PROGRAMS),
                        .differs = g_new0(bool, PROGRAMS)};
        for (uint64_t done = 0; done < t->count; done += PROGRAMS) {
                unsigned n = MIN(PROGRAMS, t->count - done);
                uint64_t numbers[PROGRAMS];
                bool wrong[PROGRAMS];

                for (unsigned k = 0; k < n; k++) {
                        make_program(&s, k, first + done + k, t->gen.seed);
                        if (t->verbose) {
                                printf("program %" PRIu64 "\n", first + done + k);
                                print_program(&s, &s.programs[k]);
                        }
                }
                run(&s, n);
                memcpy(wrong, s.differs, sizeof(wrong));
                memcpy(numbers, s.numbers, sizeof(numbers));
                for (unsigned k = 0; k < n; k++) {
                        s.wrong += wrong[k];
                        s.numbers[k] = numbers[k];
                        if (wrong[k] && s.shown++ < t->max_shown)
                                show(&s, k, t->gen.seed);
                }
        }
        printf("%s: %u programs, %" PRIu64 " cases", t->engine, t->count, s.cases);
        printf(", %" PRIu64 " programs with differences (%" PRIu64 " cases)", s.wrong, s.wrong_cases);
        if (s.lost)
                printf(", %" PRIu64 " cases without an answer", s.lost);
        printf("\n");
        g_free(s.programs);
        g_free(s.numbers);
        g_free(s.differs);
        return !s.wrong && !s.lost;
}
