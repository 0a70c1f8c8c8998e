/* SPDX-License-Identifier: MIT */
/* The part `rows`: random cases of each row of the decode table. */
#include "tests/diff/x86/tool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "tests/diff/x86/flags.h"
#include "x86_translate.h"

struct rows {
        struct tool *t;
        struct x86_insn *insns; /* those of t->cases */
        unsigned run, wrong, shown; /* of one row */
};

bool row_is_left_out(const struct tool *t, unsigned row_number)
{
        static const uint16_t ids[] = {
                X86_INT, X86_INT3, X86_INT1, X86_SYSCALL, X86_SYSRET, X86_IRET, X86_RETF, X86_CALLF, X86_JMPF,
                X86_RDTSC, X86_RDTSCP, X86_RDPID, X86_CPUID, X86_XGETBV, X86_RDPMC, X86_POPF, X86_PUSHF,
                X86_MOV_TO_SEG, X86_MOV_FROM_SEG, X86_LSS, X86_LFS, X86_LGS, X86_SLDT, X86_STR, X86_SGDT,
                X86_SIDT, X86_SMSW, X86_LAR, X86_LSL, X86_VERR, X86_VERW, X86_WRFSBASE, X86_WRGSBASE,
                X86_RDFSBASE, X86_RDGSBASE, X86_MONITOR, X86_MWAIT, X86_IN, X86_OUT, X86_INS, X86_OUTS,
                X86_PAUSE, X86_FXSAVE, X86_FXRSTOR, X86_FNSAVE, X86_FRSTOR, X86_FNSTENV, X86_FLDENV,
        };

        const struct x86_row *row = &x86_rows[row_number];

        for (unsigned k = 0; k < sizeof(ids) / sizeof(ids[0]); k++) {
                if (ids[k] == row->id)
                        return true;
        }
        for (unsigned k = 0; k < X86_MAX_OPS && row->ops[k]; k++) {
                unsigned kind = x86_opspecs[row->ops[k]].kind;

                /* MMX registers are not translated */
                if ((kind >= X86_K_FES && kind <= X86_K_FGS) || kind == X86_K_P || kind == X86_K_Q ||
                    kind == X86_K_N)
                        return true;
        }
        return !x86_translators[row->id] || !(row->modes & X86_64) || !cpu_has(&t->features, row->feature);
}

/* Results that are not compared. */
static bool is_undefined(const struct test_case *c, const struct x86_insn *i)
{
        /* an undocumented one, which AMD's CPUs do without a stack fault */
        if (i->id == X86_FSTP && !i->is_mem && i->opcode == 0xd9)
                return true;
        if (i->id == X86_MOVSXD && i->os == 2)
                return i->is_mem; /* AMD's CPUs read 32 bits */
        return x86_result_undefined(i, c->in.gpr[X86_RCX]);
}

static void show(struct rows *s, const struct test_case *c, const struct difference *d)
{
        char text[160] = "?";

        if (s->shown++ >= s->t->max_shown)
                return;
        x86_disas(c->in.rip, c->bytes, c->length, X86_64, &s->t->features, text, sizeof(text));
        printf("  %s: %s: host %016" PRIx64 ", here %016" PRIx64 " |", text, d->what, d->host, d->us);
        for (unsigned k = 0; k < c->length; k++)
                printf(" %02x", c->bytes[k]);
        printf(" | flags %03x\n", (unsigned)(c->in.flags & X86_CASE_FLAGS));
        if (!s->t->verbose)
                return;
        for (unsigned k = 0; k < 16; k++)
                printf("    r%-2u %016" PRIx64 " xmm%-2u %016" PRIx64 " %016" PRIx64 "\n", k, c->in.gpr[k], k,
                       c->in.xmm[k][1], c->in.xmm[k][0]);
        for (unsigned k = 0; k < 8; k++)
                printf("    st%u %02x%02x %016" PRIx64 "\n", k, c->in.fx87[41 + 16 * k],
                       c->in.fx87[40 + 16 * k], *(const uint64_t *)(c->in.fx87 + 32 + 16 * k));
        printf("    mxcsr %04x fcw %02x%02x fsw %02x%02x ftw %02x\n", c->in.mxcsr, c->in.fx87[1],
               c->in.fx87[0], c->in.fx87[3], c->in.fx87[2], c->in.fx87[4]);
}

static void check(void *opaque, struct test_case *c, const struct case_result *r)
{
        struct rows *s = opaque;
        const struct x86_insn *i = &s->insns[c - s->t->cases];
        unsigned undefined = r->vector == -1 ? x86_undefined_flags(i, c->in.gpr[X86_RCX]) : 0;
        struct difference d;

        s->run++;
        if (is_undefined(c, i) || !compare(c, i->id, undefined, r, &d))
                return;
        s->wrong++;
        show(s, c, &d);
}

static void run_row(struct rows *s, unsigned row)
{
        struct tool *t = s->t;

        s->run = s->wrong = s->shown = 0;
        for (unsigned done = 0; done < t->count; done += TOOL_BATCH) {
                unsigned n = 0, want = MIN(TOOL_BATCH, t->count - done);

                for (unsigned tries = 0; n < want && tries < 50 * want; tries++)
                        n += gen_case(&t->gen, row, &t->features, &t->cases[n], &s->insns[n]);
                if (!n)
                        break;
                native_run(t->cases, n);
                emulator_run(t->emulator, t->cases, n, check, s);
        }
}

static char *row_name(unsigned row)
{
        unsigned at = 0;

        while (row >= x86_first[at + 1])
                at++;
        return g_strdup_printf("%s (row %u, map %u, opcode %02x)", x86_rows[row].name, row, at / 256,
                               at & 255);
}

static bool is_chosen(const struct tool *t, unsigned row)
{
        for (unsigned k = 0; k < t->n_only; k++)
                if (!strcmp(t->only[k], x86_rows[row].name))
                        return true;
        return !t->n_only;
}

bool rows_run(struct tool *t)
{
        struct rows s = {.t = t, .insns = g_new0(struct x86_insn, TOOL_BATCH)};
        unsigned wrong_rows = 0, rows = 0;
        uint64_t cases = 0, seed = t->gen.seed;

        for (unsigned row = 0; row < x86_n_rows; row++) {
                g_autofree char *name = NULL;

                if (!is_chosen(t, row))
                        continue;
                name = row_name(row);
                if (row_is_left_out(t, row)) {
                        if (t->list)
                                printf("left out: %s\n", name);
                        continue;
                }
                t->gen.seed = seed ^ row * 0x9e3779b97f4a7c15;
                run_row(&s, row);
                rows += s.run > 0;
                cases += s.run;
                wrong_rows += s.wrong > 0;
                if (s.wrong)
                        printf("%s: %u of %u cases differ\n", name, s.wrong, s.run);
                else if (t->list && !s.run)
                        printf("no cases: %s\n", name);
        }
        printf("%s: %u rows, %" PRIu64 " cases, %u rows with differences\n", t->engine, rows, cases,
               wrong_rows);
        g_free(s.insns);
        return !wrong_rows;
}
