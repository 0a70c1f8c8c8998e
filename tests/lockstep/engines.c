/* SPDX-License-Identifier: MIT */
/*
 * rhea-engines [--guest NAME] [--count N] [--chunk N] [--plant WHAT] FIRST,SECOND -- OPTIONS OF RHEA ...
 *
 * Runs two engines over one guest (pair.h) and, if they come to differ, finds the first instruction after
 * which they do: by walks from reset with ever closer stops, then one by one. A mistake that single steps
 * hide, because it takes a block of several instructions, is found by halving the stretch instead. "%e" in
 * an option is the engine's name.
 *
 * --plant OLD=NEW lets the first engine take each instruction with the encoding OLD for NEW; --plant RULE
 * breaks a rewrite rule of ir/rules.def in it. Exit status 0: no difference; 1: a difference; 2: neither can
 * be said.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "frontend/cpu.h"
#include "ir/ir.h"
#include "ir/rules.h"
#include "machines/core/memory.h"
#include "tests/lockstep/pair.h"
#include "ui/cli.h"
#include "ui/setup.h"

enum { CHUNK = 50000, FULL_EVERY = 400 /* chunks between looks at memory */, REFINE = 4096, MAX_WALKS = 16 };

/* ---- mistakes on purpose ---- */

/* translate() has no room for an argument of ours: the one thing here that is not an argument. */
static struct {
        struct cpu_ops ops;
        const struct cpu_ops *real;
        uint16_t rule;
        uint32_t old, new;
        bool on;
} plant;

static void translate_planted(struct ir_region *r, struct translate_req *req)
{
        const uint8_t *bytes = req->bytes;
        uint8_t copy[GUEST_PAGE_SIZE];

        r->mutant = plant.rule;
        memcpy(copy, bytes, sizeof(copy));
        for (unsigned at = req->offset; !plant.rule && at + 4 <= sizeof(copy); at++) {
                if (!memcmp(copy + at, &plant.old, 4))
                        memcpy(copy + at, &plant.new, 4);
        }
        req->bytes = copy;
        plant.real->translate(r, req);
        req->bytes = bytes;
}

static void plant_in_first(struct vm *vm, unsigned side)
{
        if (!plant.on || side != 0)
                return;
        plant.real = vm->vcpus[0]->ops;
        plant.ops = *plant.real;
        plant.ops.translate = translate_planted;
        for (unsigned i = 0; i < vm->n_vcpus; i++)
                vm->vcpus[i]->ops = &plant.ops;
}

static bool parse_plant(const char *text)
{
        char *end;

        plant.on = true;
        for (unsigned i = 1; i < IR_RULE_COUNT; i++) {
                if (!strcmp(ir_rules[i].name, text))
                        plant.rule = i;
        }
        if (plant.rule)
                return true;
        plant.old = strtoul(text, &end, 16);
        if (*end != '=')
                return false;
        plant.new = strtoul(end + 1, &end, 16);
        return !*end;
}

/* ---- narrowing ---- */

static bool is_suspect(const struct pair *p, const struct pair_word *w)
{
        for (unsigned i = 0; i < p->n_suspects; i++) {
                if (p->suspects[i].block == w->block && p->suspects[i].offset == w->offset)
                        return true;
        }
        return false;
}

/* Words that differ at the end of a walk are watched in the next; true if some were not in this one. */
static bool suspect_words(struct pair *p, const struct pair_result *r)
{
        bool more = false;

        for (unsigned i = 0; i < r->n_words; i++)
                more |= !is_suspect(p, &r->words[i]);
        if (!more)
                return false;
        p->n_suspects = r->n_words;
        memcpy(p->suspects, r->words, sizeof(p->suspects));
        return true;
}

/* The same walk again, in place of what @r holds. */
static bool walk_again(struct pair *p, struct stretch w, struct pair_result *r, GError **error)
{
        FILE *progress = p->progress;
        bool ok;

        p->progress = NULL;
        pair_result_clear(r);
        fprintf(stderr, "again from reset: %" PRIu64 " to %" PRIu64 " in steps of %" PRIu64 "\n", w.start,
                w.end, w.step);
        ok = pair_walk(p, &w, r, error);
        p->progress = progress;
        return ok;
}

/*
 * They agree after @low instructions and not after @high: brings the two next to each other, with stops at
 * nothing but the one count that is asked about.
 */
static bool halve(struct pair *p, uint64_t low, uint64_t high, struct pair_result *r, GError **error)
{
        while (high - low > 1) {
                uint64_t middle = low + (high - low) / 2;
                struct stretch w = {.start = middle, .step = 1, .end = middle};

                if (!walk_again(p, w, r, error))
                        return false;
                if (r->end == PAIR_DIFFERS)
                        /* a block that cannot be cut ends behind it */
                        high = MIN(high - 1, MAX(middle, r->bad));
                else
                        low = MIN(high - 1, MAX(middle, r->good));
        }
        return walk_again(p, (struct stretch){.start = high, .step = 1, .end = high}, r, error);
}

/*
 * From a difference somewhere between @r's good_full and bad to the instruction. *whole: it needs a block,
 * and single steps do not show it. Registers are compared at each stop; memory only where a walk starts and
 * ends, but the words that differed at the end of one walk are compared at each stop of the next.
 */
static bool narrow(struct pair *p, struct pair_result *r, bool *whole, GError **error)
{
        uint64_t clean = r->good_full, low = clean, high = r->bad, top = r->bad;

        *whole = false;
        suspect_words(p, r);
        for (unsigned walks = 0; walks < MAX_WALKS; walks++) {
                uint64_t step = MAX((high - low) / REFINE, 1);
                struct stretch w;
                bool more;

                w = (struct stretch){.start = low, .step = step, .end = high, .trace = step == 1};
                if (!walk_again(p, w, r, error))
                        return false;
                if (r->end == PAIR_AGREES) {
                        *whole = true;
                        return halve(p, clean, top, r, error);
                }
                more = suspect_words(p, r);
                high = r->bad;
                if (!r->stops)
                        low = clean; /* memory differed here already */
                else if (step > 1)
                        clean = r->good_full, low = r->good;
                else if (!more)
                        return true;
        }
        return true;
}

/* What ran last, for a difference that halving found: of the second engine, in single steps. */
static bool trace_before(struct pair *p, struct pair_result *r, GError **error)
{
        uint64_t from = r->bad > PAIR_TRACE ? r->bad - PAIR_TRACE + 4 : 0;
        struct stretch w = {.start = from, .step = 1, .end = r->bad, .trace = true};
        struct pair_result t;
        bool ok = pair_walk(p, &w, &t, error);

        if (ok) {
                memcpy(r->trace, t.trace, sizeof(t.trace));
                r->n_trace = t.n_trace;
        }
        pair_result_clear(&t);
        return ok;
}

/* ---- the report ---- */

static void print_insn(const struct pair_insn *i)
{
        printf("  %12" PRIu64 "  cpu %u  %016" PRIx64 "  %s\n", i->count, i->cpu, i->pc, i->text);
}

static void print_trace(const struct pair_result *r)
{
        uint64_t n = MIN(r->n_trace, PAIR_TRACE);

        if (!n)
                return;
        printf("the last instructions (count, vCPU, pc, bytes), the differing one last:\n");
        for (uint64_t i = r->n_trace - n; i < r->n_trace; i++)
                print_insn(&r->trace[i % PAIR_TRACE]);
}

static void print_registers(const struct pair *p, const struct pair_result *r)
{
        for (unsigned i = 0; i < p->n_cpus * p->n_values; i++) {
                uint64_t a = r->state[0].values[i], b = r->state[1].values[i];
                const char *name, *part;
                g_autofree char *text = NULL;

                if (a == b)
                        continue;
                name = pair_value_name(p, i % p->n_values, &part);
                text = g_strconcat(name, part, NULL);
                printf("  cpu %u  %-14s %s %016" PRIx64 "  %s %016" PRIx64, i / p->n_values, text,
                       p->name[0], a, p->name[1], b);
                if (r->before.values)
                        printf("  before %016" PRIx64, r->before.values[i]);
                printf("\n");
        }
}

static void print_report(const struct pair *p, const struct pair_result *r, bool whole)
{
        printf("DIFFERENT after %" PRIu64 " instructions\n", r->bad);
        if (r->n_trace) {
                const struct pair_insn *last = &r->trace[(r->n_trace - 1) % PAIR_TRACE];

                printf("first different: cpu %u, pc %016" PRIx64 ", instruction %" PRIu64 "\n", last->cpu,
                       last->pc, last->count + 1);
        }
        if (whole)
                printf("in single steps they agree: what goes wrong takes the block that ends here\n");
        print_trace(r);
        if (*r->what)
                printf("  %s\n", r->what);
        print_registers(p, r);
        for (unsigned i = 0; i < r->n_words; i++)
                printf("  memory 0x%09" PRIx64 "  %s %016" PRIx64 "  %s %016" PRIx64 "\n", r->words[i].gpa,
                       p->name[0], r->words[i].value[0], p->name[1], r->words[i].value[1]);
}

/* ---- the command line ---- */

/* A command line; @words lives as long as @cli, which points into it. */
static bool read_options(struct cli *cli, const struct cpu_ops *guest, GStrv *words, const char *engine,
                         int argc, char **argv, GError **error)
{
        char **mine = *words = g_new0(char *, argc + 3);

        for (int i = 0; i < argc; i++) {
                g_auto(GStrv) parts = g_strsplit(argv[i], "%e", -1);

                mine[i] = g_strjoinv(engine, parts);
        }
        mine[argc] = g_strdup("-accel");
        mine[argc + 1] = g_strdup(engine);
        cli->program = "rhea-engines";
        cli->ops = guest;
        return cli_parse(cli, argc + 2, mine, error) && cli_resolve(cli, error);
}

static int usage(void)
{
        fprintf(stderr, "usage: rhea-engines [--guest NAME] [--count N] [--chunk N] [--plant OLD=NEW|RULE] "
                "FIRST,SECOND -- OPTIONS ...\n");
        return 2;
}

static int failed(GError *error)
{
        fprintf(stderr, "rhea-engines: %s\n", error ? error->message : "it cannot be told");
        g_clear_error(&error);
        return 2;
}

static int compare_engines(struct pair *p, const struct stretch *w)
{
        struct pair_result r;
        GError *error = NULL;
        bool whole;

        if (!pair_walk(p, w, &r, &error))
                return failed(error);
        if (r.end == PAIR_AGREES) {
                printf("no difference in %" PRIu64 " instructions: %" PRIu64 " comparisons of all registers "
                       "of %u vCPUs, %" PRIu64 " of memory and devices%s\n",
                       r.good, r.stops, p->n_cpus, r.full_stops, r.state[0].ended ? "; the guest ended" : "");
                pair_result_clear(&r);
                return 0;
        }
        fprintf(stderr, "a difference between %" PRIu64 " and %" PRIu64 " instructions\n",
                r.good_full, r.bad);
        if (!narrow(p, &r, &whole, &error) || (whole && !trace_before(p, &r, &error)))
                return failed(error);
        if (r.end != PAIR_DIFFERS)
                printf("DIFFERENT, but not again: between two runs of the same engine, or by where the runs "
                       "stop\n");
        else
                print_report(p, &r, whole);
        pair_result_clear(&r);
        return 1;
}

int main(int argc, char **argv)
{
        struct stretch w = {.start = CHUNK, .step = CHUNK, .end = UINT64_MAX, .full = FULL_EVERY};
        struct cli cli[2] = {{0}, {0}};
        struct pair p = {.cli = {&cli[0], &cli[1]}, .progress = stderr, .prepare = plant_in_first};
        g_auto(GStrv) names = NULL;
        const struct cpu_ops *guest = machine_archs[0];
        GStrv words[2] = {NULL, NULL};
        GError *error = NULL;
        int i, status;

        for (i = 1; i + 1 < argc && g_str_has_prefix(argv[i], "--"); i += 2) {
                if (!strcmp(argv[i], "--count"))
                        w.end = strtoull(argv[i + 1], NULL, 0);
                else if (!strcmp(argv[i], "--chunk"))
                        w.start = w.step = strtoull(argv[i + 1], NULL, 0);
                else if (!strcmp(argv[i], "--guest") && (guest = machine_arch_find(argv[i + 1])))
                        continue;
                else if (strcmp(argv[i], "--plant") || !parse_plant(argv[i + 1]))
                        return usage();
        }
        if (i + 2 > argc || strcmp(argv[i + 1], "--") || !w.step)
                return usage();
        w.start = MIN(w.start, w.end);
        names = g_strsplit(argv[i], ",", -1);
        if (g_strv_length(names) != 2)
                return usage();
        for (unsigned k = 0; k < 2; k++) {
                p.name[k] = names[k];
                cli_init(&cli[k]);
                if (!error)
                        read_options(&cli[k], guest, &words[k], names[k], argc - i - 1, argv + i + 1, &error);
        }
        status = error ? failed(error) : compare_engines(&p, &w);
        for (unsigned k = 0; k < 2; k++) {
                cli_free(&cli[k]);
                g_strfreev(words[k]);
        }
        return status;
}
