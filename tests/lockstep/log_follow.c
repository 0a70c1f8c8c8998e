/* SPDX-License-Identifier: MIT */
/*
 * rhea-lockstep-bare GUEST LOG FROM MEMORY COUNT CHUNK FINE -- OPTIONS OF RHEA ...
 *
 * Follows QEMU's log of states (qemu_log.h) over a freestanding program on the machine bare. The vCPU runs to
 * FROM, an address in hex; the log's first state is copied into it, whatever it is, and the file MEMORY to
 * the begin of memory ("-": none), with the leader's page tables. From there Rhea runs blocks of up to CHUNK
 * instructions, and then all registers are compared, those that the log has. Behind the first FINE
 * instructions, and where a block cannot be run as a whole (system instructions, exceptions, repeated
 * strings), it is one instruction at a time. COUNT 0: to the end.
 *
 * The leader decides what no specification fixes: undefined flags, identification, time. The last line on
 * standard output says how it ended: "agrees N", "differs AFTER BEFORE" (instructions), then what the guest's
 * exit status was. Exit status: 0, 1 a difference, 2 it could not be told.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "frontend/cpu.h"
#include "machines/cpu.h"
#include "machines/machine.h"
#include "tests/lockstep/log_insn.h"
#include "tests/lockstep/qemu_log.h"
#include "ui/cli.h"
#include "ui/debug.h"
#include "ui/setup.h"

enum {
        HISTORY = 16,
        MANY_TIMES = 32,        /* iterations of a repeated instruction from which a breakpoint pays */
        STEP_LIMIT = 1 << 22,
        END_LATE = 20000,       /* instructions that the leader may run on before it is heard to end */
};

struct follower {
        struct vcpu *v;
        const struct log_format *format;
        struct log_reader reader;
        void (*classify)(struct vcpu *v, struct log_insn *i, uint64_t rcx, uint64_t next);
        const char *memory;
        uint64_t from, count, chunk, fine;
        uint64_t good, done, taken, undefined_taken;
        uint32_t undefined;      /* flags that may be anything behind what is queued */
        unsigned queued;
        struct log_state at_good, first;
        struct log_insn history[HISTORY];
        uint64_t n_history;
        int pc, flags, count_reg; /* fields */
        bool differs, ended;
};

static int field(const struct log_format *f, const char *name)
{
        for (unsigned n = 0; n < f->n_fields; n++) {
                if (!strcmp(f->fields[n].name, name))
                        return n;
        }
        return -1;
}

/* ---- registers ---- */

static uint64_t reg_low(struct vcpu *v, const char *name)
{
        uint64_t value = 0;

        vcpu_get_reg(v, name, &value);
        return value;
}

/* The physical x87 register @n as one of the stack. */
static const char *stack_name(struct vcpu *v, unsigned n)
{
        static const char *const names[8] = {"st0", "st1", "st2", "st3", "st4", "st5", "st6", "st7"};

        return names[(n - (reg_low(v, "fstat") >> 11)) & 7];
}

/* One bit a physical register in use, of FSTENV's two. */
static uint64_t short_tags(uint64_t tags)
{
        uint64_t used = 0;

        for (unsigned n = 0; n < 8; n++)
                used |= (tags >> 2 * n & 3) != 3 ? 1u << n : 0;
        return used;
}

static uint64_t long_tags(uint64_t used)
{
        uint64_t tags = 0;

        for (unsigned n = 0; n < 8; n++)
                tags |= used >> n & 1 ? 0 : 3u << 2 * n;
        return tags;
}

/* Ours, in the log's form. */
static void read_field(struct follower *w, unsigned n, uint64_t value[2])
{
        const struct log_field *f = &w->format->fields[n];
        const char *name = f->reg;

        value[0] = value[1] = 0;
        if (!name && !strcmp(f->name, "FTW")) {
                value[0] = short_tags(reg_low(w->v, "ftag"));
                return;
        }
        vcpu_reg_read(w->v, vcpu_reg_find(w->v, name ? name : stack_name(w->v, f->name[3] - '0')), value);
        if (!strcmp(f->name, "FS") || !strcmp(f->name, "GS"))
                value[1] = reg_low(w->v, f->name[0] == 'F' ? "fs_base" : "gs_base");
}

static void write_field(struct follower *w, unsigned n, const uint64_t value[2])
{
        const struct log_field *f = &w->format->fields[n];

        if (!f->reg && !strcmp(f->name, "FTW"))
                vcpu_set_reg(w->v, "ftag", long_tags(value[0]));
        else
                vcpu_reg_write(w->v, vcpu_reg_find(w->v, f->reg ? f->reg :
                                                   stack_name(w->v, f->name[3] - '0')), value);
        if (!strcmp(f->name, "FS") || !strcmp(f->name, "GS"))
                vcpu_set_reg(w->v, f->name[0] == 'F' ? "fs_base" : "gs_base", value[1]);
}

static bool is_segment(const struct log_field *f)
{
        return f->shape == LOG_LOW_HIGH && f->name[1] == 'S';
}

/* Does the field differ? Bases of CS to ES are not compared: they do nothing here. */
static bool field_differs(struct follower *w, unsigned n, const struct log_state *s, uint64_t ours[2])
{
        const struct log_field *f = &w->format->fields[n];
        uint64_t mask = f->mask ? f->mask : UINT64_MAX;

        read_field(w, n, ours);
        if ((ours[0] ^ s->value[n][0]) & mask)
                return true;
        if (f->shape == LOG_ONE || (is_segment(f) && f->name[0] != 'F' && f->name[0] != 'G'))
                return false;
        return ours[1] != s->value[n][1];
}

/* ---- reports ---- */

static void print_insn(struct follower *w, const struct log_insn *i)
{
        char text[96] = "?";
        size_t n = w->v->ops->disas(w->v->ops->config(w->v), i->pc, i->bytes, i->n_bytes, text, sizeof(text));

        printf("  %016" PRIx64 "  ", i->pc);
        for (size_t k = 0; k < (n ? n : i->n_bytes); k++)
                printf("%02x", i->bytes[k]);
        printf("  %s\n", text);
}

static void print_value(const char *whose, const uint64_t value[2], bool wide)
{
        printf("  %s ", whose);
        if (wide)
                printf("%016" PRIx64, value[1]);
        printf("%016" PRIx64, value[0]);
}

static void print_field(struct follower *w, unsigned n, const uint64_t ours[2], const struct log_state *s)
{
        const struct log_field *f = &w->format->fields[n];
        bool wide = f->shape != LOG_ONE && !is_segment(f);

        printf("  %-6s", f->name);
        print_value("rhea", ours, wide);
        print_value("qemu", s->value[n], wide);
        print_value("before", w->at_good.value[n], wide);
        printf("\n");
}

static void report(struct follower *w, const char *what)
{
        uint64_t n = MIN(w->n_history, HISTORY);

        if (!w->differs)
                printf("DIFFERENT after %" PRIu64 " instructions%s%s; the last of them:\n", w->done, *what
                       ? ": " : "",
                       what);
        for (uint64_t i = w->n_history - n; !w->differs && i < w->n_history; i++)
                print_insn(w, &w->history[i % HISTORY]);
        w->differs = true;
}

/* Everything; flags that are undefined now, and results that the manual leaves open, become the leader's. */
static bool compare(struct follower *w, const struct log_state *s, bool take_all)
{
        for (unsigned n = 0; n < w->format->n_fields; n++) {
                uint64_t ours[2], changed;

                if (!s->known[n] || !field_differs(w, n, s, ours))
                        continue;
                changed = ours[0] ^ s->value[n][0];
                if (take_all || ((int)n == w->flags && !(changed & ~(uint64_t)w->undefined))) {
                        write_field(w, n, s->value[n]);
                        w->undefined_taken++;
                        continue;
                }
                report(w, "");
                print_field(w, n, ours, s);
        }
        if (w->differs)
                return false;
        w->good = w->done;
        w->at_good = *s;
        w->undefined = 0;
        return true;
}

/* ---- running ---- */

static bool has_ended(const struct follower *w)
{
        return atomic_load(&w->v->vm->request) != VM_REQ_NONE;
}

static bool engine_works(struct follower *w, enum vcpu_exit exit)
{
        if (exit == VCPU_EXIT_ERROR)
                report(w, "the engine cannot go on");
        return exit != VCPU_EXIT_ERROR;
}

/* The guest asked for its end: so did the leader's, which may run a little further until it is heard. */
static void leader_ends(struct follower *w)
{
        struct log_state *s = g_new0(struct log_state, 1);
        unsigned n = 0;

        while (n <= END_LATE && log_read(&w->reader, s))
                n++;
        g_free(s);
        w->ended = n <= END_LATE;
        if (!w->ended)
                report(w, "the guest ended here");
}

/* Runs what is queued, in blocks; the last of the budget cuts one. */
static bool flush(struct follower *w, const struct log_state *s)
{
        struct vcpu *v = w->v;

        if (!w->queued)
                return true;
        v->hot.budget = v->budget_loaded = w->queued;
        while (v->hot.budget > 0 && !has_ended(w)) {
                if (!engine_works(w, v->vm->engine->run(v)))
                        return false;
        }
        w->done += w->queued;
        w->queued = 0;
        if (has_ended(w)) {
                leader_ends(w);
                return false;
        }
        return compare(w, s, false);
}

static bool step_once(struct follower *w)
{
        w->v->hot.budget = w->v->budget_loaded = 1;
        return engine_works(w, w->v->vm->engine->step(w->v));
}

/*
 * A repeated instruction: the leader's state behind it is after one iteration or all; in the latter case a
 * breakpoint stops where it goes on.
 */
static bool run_repeated(struct follower *w, const struct log_insn *i, const struct log_state *s)
{
        struct vcpu *v = w->v;
        uint64_t left = s->value[w->count_reg][0], next = s->value[w->pc][0];

        if (next != i->pc && reg_low(v, "rcx") - left > MANY_TIMES) {
                vm_breakpoint_add(v->vm, next);
                v->hot.budget = v->budget_loaded = INT32_MAX;
                while (v->hot.pc == i->pc && v->hot.budget > 0 && !has_ended(w)) {
                        if (!engine_works(w, v->vm->engine->run(v)))
                                break;
                }
                vm_breakpoint_remove(v->vm, next);
                return !w->differs;
        }
        for (unsigned n = 0; n < STEP_LIMIT; n++) {
                if (!step_once(w))
                        return false;
                if (v->hot.pc != i->pc || (next == i->pc && reg_low(v, "rcx") == left))
                        return true;
        }
        report(w, "the instruction does not end");
        return false;
}

static bool run_alone(struct follower *w, const struct log_insn *i, const struct log_state *s)
{
        if (!(i->repeated ? run_repeated(w, i, s) : step_once(w)))
                return false;
        /* a fetch that faulted is no instruction of the leader's */
        if (w->v->hot.pc != s->value[w->pc][0] && !has_ended(w) && !step_once(w))
                return false;
        w->done++;
        w->undefined = i->undefined;
        for (unsigned k = 0; k < LOG_INSN_TAKEN && i->taken[k]; k++) {
                for (unsigned n = 0; n < w->format->n_fields; n++) {
                        uint64_t ours[2];

                        if (w->format->fields[n].reg && !strcmp(w->format->fields[n].reg, i->taken[k]) &&
                            field_differs(w, n, s, ours)) {
                                write_field(w, n, s->value[n]);
                                w->taken++;
                        }
                }
        }
        if (has_ended(w)) {
                leader_ends(w);
                return false;
        }
        return compare(w, s, i->any_result);
}

/* ---- following ---- */

static void look_at(struct follower *w, const struct log_state *s, uint64_t next, struct log_insn *i)
{
        *i = (struct log_insn){.pc = s->value[w->pc][0], .n_bytes = LOG_INSN_BYTES};
        while (i->n_bytes && !debug_read(w->v, i->pc, i->bytes, i->n_bytes))
                i->n_bytes--;
        w->classify(w->v, i, w->count_reg >= 0 ? s->value[w->count_reg][0] : 0, next);
        i->alone |= w->done + w->queued >= w->fine;
        w->history[w->n_history++ % HISTORY] = *i;
}

/* The instruction that @at stands before, which led to @next. */
static bool follow_one(struct follower *w, const struct log_state *at, const struct log_state *next)
{
        struct log_insn i;

        look_at(w, at, next->value[w->pc][0], &i);
        if (i.alone)
                return flush(w, at) && run_alone(w, &i, next);
        w->queued++;
        w->undefined |= i.undefined;
        return w->queued < w->chunk || flush(w, next);
}

/* The last state of the log is that before the instruction that ended the leader. */
static void follow_end(struct follower *w, const struct log_state *at)
{
        struct log_insn i;

        look_at(w, at, 0, &i);
        if (!flush(w, at))
                return;
        if (!step_once(w))
                return;
        w->done++;
        w->ended = has_ended(w);
        if (!w->ended)
                report(w, "the leader ended here");
}

static bool take_memory(struct follower *w)
{
        g_autofree char *bytes = NULL;
        gsize len = 0;

        if (!strcmp(w->memory, "-"))
                return true;
        if (g_file_get_contents(w->memory, &bytes, &len, NULL) &&
            address_space_write_bytes(w->v->vm->memory, 0, bytes, len) == MEM_OK)
                return true;
        printf("the leader's memory cannot be copied\n");
        return false;
}

static void take_first(struct follower *w)
{
        for (unsigned n = 0; n < w->format->n_fields; n++) {
                if (w->first.known[n])
                        write_field(w, n, w->first.value[n]);
        }
        /* FSW decides which physical register ST(n) is: once more */
        for (unsigned n = 0; n < w->format->n_fields; n++) {
                if (w->first.known[n] && !w->format->fields[n].reg)
                        write_field(w, n, w->first.value[n]);
        }
        if (w->v->vm->engine->state_changed)
                w->v->vm->engine->state_changed(w->v);
}

static bool run_to_start(struct follower *w)
{
        struct vcpu *v = w->v;

        vm_breakpoint_add(v->vm, w->from);
        while (v->hot.pc != w->from && !has_ended(w)) {
                v->hot.budget = v->budget_loaded = INT32_MAX;
                if (!engine_works(w, v->vm->engine->run(v)))
                        return false;
        }
        vm_breakpoint_remove(v->vm, w->from);
        if (has_ended(w))
                printf("the guest ended before it came to %" PRIx64 "\n", w->from);
        return !has_ended(w);
}

static void follow_here(struct vcpu *v, void *arg)
{
        struct follower *w = arg;
        struct log_state *state = g_new0(struct log_state, 2);
        unsigned now = 0;
        bool ok = true;

        if (!run_to_start(w) || !log_read(&w->reader, &w->first) || !take_memory(w))
                return;
        take_first(w);
        ok = compare(w, &w->first, false);
        state[0] = w->first;
        while (ok && (!w->count || w->done + w->queued < w->count)) {
                if (!log_read(&w->reader, &state[!now])) {
                        follow_end(w, &state[now]);
                        break;
                }
                /* told twice: it was asked to look at something else before it came to run the instruction */
                if (!memcmp(&state[0], &state[1], sizeof(state[0])))
                        continue;
                ok = follow_one(w, &state[now], &state[!now]);
                now = !now;
        }
        if (ok && !w->differs && w->queued)
                flush(w, &state[now]);
        g_free(state);
}

/* ---- the command line ---- */

static bool read_arguments(struct follower *w, struct cli *cli, int argc, char **argv, GError **error)
{
        if (argc < 9 || strcmp(argv[8], "--"))
                return error_set(error, RHEA_ERROR_USAGE,
                                 "usage: rhea-lockstep-bare GUEST LOG FROM MEMORY COUNT CHUNK FINE "
                                 "-- OPTIONS ...");
        w->format = !strcmp(argv[1], "aarch64") ? &log_aarch64 : &log_x86_64;
        w->classify = w->format == &log_aarch64 ? log_insn_aarch64 : log_insn_x86_64;
        w->from = strtoull(argv[3], NULL, 16);
        w->count = strtoull(argv[5], NULL, 0);
        w->chunk = strtoull(argv[6], NULL, 0);
        w->fine = strtoull(argv[7], NULL, 0);
        w->pc = 0;
        w->flags = field(w->format, "RFL");
        w->count_reg = field(w->format, "RCX");
        w->memory = argv[4];
        cli_init(cli);
        cli->program = argv[8] = "rhea-lockstep-bare";
        cli->ops = machine_arch_find(w->format->guest);
        return cli_parse(cli, argc - 8, argv + 8, error) && cli_resolve(cli, error);
}

int main(int argc, char **argv)
{
        struct follower w = {0};
        struct cli cli = {0};
        GError *error = NULL;
        struct vm *vm = NULL;

        if (!read_arguments(&w, &cli, argc, argv, &error) || !(vm = setup_vm(&cli, &error)) ||
            !vm_start(vm, true, &error)) {
                fprintf(stderr, "rhea-lockstep-bare: %s\n", error->message);
                return 2;
        }
        w.v = vm->vcpus[0];
        w.reader = (struct log_reader){.format = w.format, .from = fopen(argv[2], "r")};
        if (!w.reader.from) {
                fprintf(stderr, "rhea-lockstep-bare: cannot read %s\n", argv[2]);
                return 2;
        }
        setvbuf(w.reader.from, NULL, _IOFBF, 1 << 20);
        vcpu_run_on(w.v, follow_here, &w);
        if (w.differs)
                printf("differs %" PRIu64 " %" PRIu64 "\n", w.good, w.done);
        else
                printf("agrees %" PRIu64 " instructions, %" PRIu64 " results of the leader's, %" PRIu64
                       " times undefined flags or results of its\n", w.done, w.taken, w.undefined_taken);
        if (w.ended)
                printf("status %d\n", vm->exit_code);
        fflush(stdout);
        _exit(w.differs ? 1 : w.done ? 0 : 2); /* the vCPU's engine may be anywhere after a difference */
}
