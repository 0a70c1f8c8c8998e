/* SPDX-License-Identifier: MIT */
/* The monitor's commands: the table, and those that are short. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "ui/debug.h"
#include "ui/monitor/command.h"
#include "ui/monitor/monitor.h"

static void command_help(struct command_run *r);

static void command_info(struct command_run *r)
{
        const char *names[32] = {NULL};
        const char *near;
        unsigned i;

        if (r->n_words < 2) {
                for (i = 0; info_commands[i].name; i++)
                        g_string_append_printf(r->out, "info %-12s %s\n", info_commands[i].name,
                                               info_commands[i].doc);
                return;
        }
        for (i = 0; info_commands[i].name; i++) {
                names[i] = info_commands[i].name;
                if (!strcmp(r->words[1], names[i])) {
                        info_commands[i].fn(r);
                        return;
                }
        }
        near = error_nearest_name(r->words[1], names);
        g_string_append_printf(r->out, "there is no 'info %s'; %s%s%s\n", r->words[1],
                               near ? "did you mean 'info " : "'info' lists what there is", near ? near : "",
                               near ? "'?" : "");
}

static void command_quit(struct command_run *r)
{
        vm_request(r->vm, VM_REQ_EXIT_CODE, 0);
}

static void command_stop(struct command_run *r)
{
        vm_pause(r->vm);
}

static void command_cont(struct command_run *r)
{
        vm_resume(r->vm);
}

static void command_system_reset(struct command_run *r)
{
        vm_request(r->vm, VM_REQ_RESET, 0);
}

/* No machine here has a power button that the guest would see. */
static void command_system_powerdown(struct command_run *r)
{
        g_string_append(r->out, "this machine has no power button; use poweroff in the guest, or 'quit'\n");
}

static void command_cpu(struct command_run *r)
{
        uint64_t n;

        if (r->n_words < 2)
                g_string_append_printf(r->out, "the current vCPU is %u\n", r->cpu);
        else if (!command_value(r, r->words[1], &n))
                return;
        else if (n >= r->vm->n_vcpus)
                g_string_append_printf(r->out, "there are vCPUs 0 to %u\n", r->vm->n_vcpus - 1);
        else
                r->cpu = n;
}

static void command_step(struct command_run *r)
{
        debug_hold(r->vm);
        debug_step(command_vcpu(r));
        g_string_append_printf(r->out, "pc 0x%016" PRIx64 "\n", command_vcpu(r)->hot.pc);
}

static void command_log(struct command_run *r)
{
        GError *error = NULL;
        uint32_t mask = 0;

        if (r->n_words < 2) {
                g_string_append(r->out, "write log none, or a list of what -d takes\n");
        } else if (strcmp(r->words[1], "none") && !log_parse_items(r->words[1], &mask, &error)) {
                g_string_append_printf(r->out, "%s\n", error->message);
                g_error_free(error);
        } else {
                log_set_mask(r->vm->log, mask);
        }
}

static const struct command commands[] = {
        {"help", "?", "[COMMAND]", "lists the commands", command_help},
        {"quit", "q", NULL, "ends the emulator", command_quit},
        {"stop", "s", NULL, "stops the machine", command_stop},
        {"cont", "c", NULL, "lets it go on", command_cont},
        {"system_reset", NULL, NULL, "resets the machine", command_system_reset},
        {"system_powerdown", NULL, NULL, "presses the power button, where there is one",
         command_system_powerdown},
        {"info", NULL, "[WHAT]", "shows the machine's state; alone, lists what there is", command_info},
        {"cpu", NULL, "[N]", "chooses the vCPU that other commands speak of", command_cpu},
        {"step", NULL, NULL, "stops the machine and executes one instruction of the current vCPU",
         command_step},
        {"x", NULL, "/FMT ADDRESS",
         "virtual memory: a count, one of x d u o c s i, and a size b h w g: x/10i $pc", command_x},
        {"xp", NULL, "/FMT ADDRESS", "the same of physical memory", command_xp},
        {"print", "p", "[/FMT] VALUE", "a sum of numbers and $registers", command_print},
        {"gva2gpa", NULL, "ADDRESS", "the physical address of a virtual one", command_gva2gpa},
        {"log", NULL, "LIST|none", "what is logged, as -d", command_log},
};

static void command_help(struct command_run *r)
{
        for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
                const struct command *c = &commands[i];
                g_autofree char *left = g_strdup_printf("%s%s%s%s%s", c->name, c->alias ? "|" : "",
                                                        c->alias ? c->alias : "", c->args ? " " : "",
                                                        c->args ? c->args : "");

                if (r->n_words < 2 || !strcmp(r->words[1], c->name))
                        g_string_append_printf(r->out, "%-22s %s\n", left, c->doc);
        }
}

void monitor_print_markdown(FILE *to)
{
        for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
                const struct command *c = &commands[i];
                g_auto(GStrv) parts = g_strsplit(c->args ? c->args : "", "|", -1);
                g_autofree char *args = g_strjoinv("\\|", parts);

                fprintf(to, "| `%s%s%s` | %s%s%s%s |\n", c->name, c->args ? " " : "", args, c->doc,
                        c->alias ? " (short: `" : "", c->alias ? c->alias : "", c->alias ? "`)" : "");
        }
        for (unsigned i = 0; info_commands[i].name; i++)
                fprintf(to, "| `info %s` | %s |\n", info_commands[i].name, info_commands[i].doc);
}

static const struct command *find_command(const char *name, GString *out)
{
        const char *names[G_N_ELEMENTS(commands) + 1] = {NULL};
        const char *near;

        for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
                names[i] = commands[i].name;
                if (!strcmp(name, commands[i].name) || !g_strcmp0(commands[i].alias, name))
                        return &commands[i];
        }
        near = error_nearest_name(name, names);
        g_string_append_printf(out, "there is no command '%s'; %s%s%s\n", name,
                               near ? "did you mean '" : "see 'help'", near ? near : "", near ? "'?" : "");
        return NULL;
}

/* Words between blanks; "x/4i" is two of them. */
static char **split(const char *line)
{
        GPtrArray *words = g_ptr_array_new();
        const char *p = line;

        while (*p) {
                size_t n = strcspn(p, " \t"), slash = strcspn(p, "/");

                if (n && !words->len && slash && slash < n)
                        n = slash;
                if (n)
                        g_ptr_array_add(words, g_strndup(p, n));
                p += n;
                p += strspn(p, " \t");
        }
        g_ptr_array_add(words, NULL);
        return (char **)g_ptr_array_free(words, FALSE);
}

char *monitor_run(struct vm *vm, unsigned *cpu, const char *line)
{
        struct command_run r = {.vm = vm, .cpu = MIN(*cpu, vm->n_vcpus - 1), .out = g_string_new(NULL)};
        const struct command *c;

        r.words = split(line);
        r.n_words = g_strv_length(r.words);
        c = r.n_words ? find_command(r.words[0], r.out) : NULL;
        if (c)
                c->fn(&r);
        *cpu = r.cpu;
        g_strfreev(r.words);
        return g_string_free(r.out, FALSE);
}
