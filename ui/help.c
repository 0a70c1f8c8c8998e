/* SPDX-License-Identifier: MIT */
/* What -help and its kin print, and docs/command-line.md: all from the tables. */
#include <string.h>

#include "devices/host/char/chardev.h"
#include "frontend/cpu.h"
#include "machines/core/engine.h"
#include "ui/cli.h"
#include "ui/monitor/monitor.h"
#include "ui/version.h"

enum { DOC_COLUMN = 24, LINE_WIDTH = 100 };

/* @text without its backquotes, in lines that start at @column; the first one has used @used already. */
static void print_wrapped(FILE *to, const char *text, int column, int used)
{
        g_autofree char *plain = g_strdup(text);
        g_auto(GStrv) words = NULL;
        int at = used;

        for (char *from = plain, *out = plain;; from++) {
                if (*from != '`')
                        *out++ = *from;
                if (!*from)
                        break;
        }
        words = g_strsplit(plain, " ", -1);
        for (char **w = words; *w; w++) {
                int n = strlen(*w);

                if (at >= column && at + n + 1 > LINE_WIDTH) {
                        fputc('\n', to);
                        at = 0;
                }
                if (at < column) {
                        fprintf(to, "%*s", column - at, "");
                        at = column;
                } else if (w != words) {
                        fputc(' ', to);
                        at++;
                }
                fputs(*w, to);
                at += n;
        }
        fputc('\n', to);
}

void cli_print_help(const struct cli *cli, FILE *to)
{
        fprintf(to, "usage: %s [options] [disk image]\n", cli->program);
        for (unsigned i = 0; i < cli_n_options; i++) {
                const struct cli_option *o = &cli_options[i];
                int used;

                if (!o->name) {
                        fprintf(to, "\n%s:\n", o->doc);
                        continue;
                }
                used = fprintf(to, "-%s", o->name);
                if (o->alias)
                        used += fprintf(to, ", -%s", o->alias);
                if (o->args)
                        used += fprintf(to, " %s", o->args);
                if (used >= DOC_COLUMN) {
                        fputc('\n', to);
                        used = 0;
                }
                print_wrapped(to, o->doc, DOC_COLUMN, used);
                for (const struct cli_key *k = o->keys; k && k->name; k++)
                        print_wrapped(to, k->doc, DOC_COLUMN + 16,
                                      fprintf(to, "%*s%s=", DOC_COLUMN + 2, "", k->name));
        }
        fputs("\nOn a terminal that is shared with the monitor: Ctrl-A h help, Ctrl-A x quit, Ctrl-A c "
              "switch to the monitor and back.\n", to);
}

void cli_print_version(const struct cli *cli, FILE *to)
{
        fprintf(to, "Rhea emulator version %s (%s)\n", RHEA_VERSION, cli->ops->name);
}

static void print_row(FILE *to, const char *name, const char *doc)
{
        print_wrapped(to, doc, DOC_COLUMN, fprintf(to, "%s ", name));
}

void cli_print_machines(const struct cli *cli, FILE *to)
{
        fputs("Machines:\n", to);
        for (unsigned i = 0; machine_classes[i]; i++) {
                const struct machine_class *m = machine_classes[i];
                g_autofree char *doc = NULL;

                if (!cli_machine_has_arch(m, cli->ops->name))
                        continue;
                doc = g_strdup_printf("%s (up to %u vCPUs%s)%s%s", m->doc, m->max_cpus,
                                      g_strcmp0(m->name, cli_default_machine(cli)) ? "" : "; the default",
                                      m->alias ? ", also called " : "", m->alias ? m->alias : "");
                print_row(to, m->name, doc);
        }
}

void cli_print_machine_settings(const struct cli *cli, FILE *to)
{
        const char *name = optlist_get(cli->machine_list, "type");

        for (unsigned i = 0; machine_classes[i]; i++) {
                const struct machine_class *m = machine_classes[i];

                if (!cli_machine_has_arch(m, cli->ops->name) || (name && strcmp(m->name, name)))
                        continue;
                fprintf(to, "Properties of machine %s:\n", m->name);
                for (const char *const *s = m->settings; s && *s; s++)
                        fprintf(to, "%s\n", *s);
                if (!m->settings || !*m->settings)
                        fputs("none of its own\n", to);
                fputc('\n', to);
        }
        fputs("Properties of every machine:\n", to);
        for (unsigned i = 0; i < cli_n_options; i++) {
                if (!g_strcmp0(cli_options[i].name, "machine")) {
                        for (const struct cli_key *k = cli_options[i].keys; k->name; k++)
                                print_row(to, k->name, k->doc);
                }
        }
}

void cli_print_keys(const struct cli *cli, FILE *to)
{
        const struct cli_option *o = cli->print_option;

        fprintf(to, "-%s %s\n", o->name, o->args);
        for (const struct cli_key *k = o->keys; k->name; k++) {
                g_autofree char *left = g_strdup_printf("%s=", k->name);

                print_row(to, left, k->doc);
        }
}

void cli_print_cpus(const struct cli *cli, FILE *to)
{
        const struct cpu_models *models = cli->ops->models;

        fputs("CPU models:\n", to);
        for (const char *const *m = models->names; *m; m++)
                fprintf(to, "%s\n", *m);
        fputs("\nFeatures, switched with MODEL,NAME=on|off; on in each model that no row excepts:\n", to);
        for (unsigned i = 0; i < models->n_features; i++) {
                unsigned feature = models->features[i].feature;
                g_autoptr(GString) doc = g_string_new(models->docs[feature]);

                for (const char *const *m = models->names; models->has && *m; m++) {
                        if (!models->has(*m, feature))
                                g_string_append_printf(doc, " (not in %s)", *m);
                }
                print_row(to, models->features[i].name, doc->str);
        }
}

void cli_print_accels(const struct cli *cli, FILE *to)
{
        fputs("Accelerators:\n", to);
        for (unsigned i = 0; cli_engines[i]; i++) {
                const struct engine *e = cli_engines[i];
                g_autofree char *doc = e->alias ? g_strdup_printf("%s; also called %s", e->doc, e->alias)
                                                : g_strdup(e->doc);

                print_row(to, e->name, doc);
        }
}

void cli_print_devices(const struct cli *cli, FILE *to)
{
        fputs("Devices that can be added:\n", to);
        for (unsigned i = 0; dev_classes[i]; i++) {
                if (dev_classes[i]->bus)
                        print_row(to, dev_classes[i]->name, dev_classes[i]->doc);
        }
        fputs("\nDevices that machines have:\n", to);
        for (unsigned i = 0; dev_classes[i]; i++) {
                if (!dev_classes[i]->bus)
                        print_row(to, dev_classes[i]->name, dev_classes[i]->doc);
        }
}

void cli_print_device(const struct cli *cli, FILE *to)
{
        const struct dev_class *class = cli->print_class;

        fprintf(to, "%s: %s\nProperties:\n", class->name, class->doc);
        for (const struct dev_prop *p = class->props; p && p->name; p++) {
                g_autofree char *left = g_strdup_printf("%s=<%s>", p->name, dev_prop_type_name(p->type));
                g_autofree char *more = g_strdup_printf("%s (default: %s)", p->doc, p->default_value);

                print_row(to, left, p->default_value ? more : p->doc);
        }
        if (!class->props || !class->props->name)
                fputs("none\n", to);
}

void cli_print_chardevs(const struct cli *cli, FILE *to)
{
        fputs("Character back ends:\n", to);
        for (const char *const *k = chardev_kinds; *k; k++)
                fprintf(to, "%s\n", *k);
}

void cli_print_log_items(const struct cli *cli, FILE *to)
{
        fputs("Log items:\n", to);
        log_print_items(to);
}

static void markdown_options(FILE *to)
{
        for (unsigned i = 0; i < cli_n_options; i++) {
                const struct cli_option *o = &cli_options[i];

                if (!o->name) {
                        fprintf(to, "\n## %s\n", o->doc);
                        continue;
                }
                fprintf(to, "\n### `-%s%s%s`\n\n", o->name, o->args ? " " : "", o->args ? o->args : "");
                if (o->alias)
                        fprintf(to, "Also `-%s`. ", o->alias);
                fprintf(to, "%c%s.\n", g_ascii_toupper(o->doc[0]), o->doc + 1);
                if (o->keys)
                        fputs("\n| name | meaning |\n|---|---|\n", to);
                for (const struct cli_key *k = o->keys; k && k->name; k++)
                        fprintf(to, "| `%s` | %s |\n", k->name, k->doc);
        }
}

static void markdown_monitor(FILE *to)
{
        fputs("\n## The monitor\n\n"
              "The monitor takes commands on a terminal shared with the console (Ctrl-A c), wherever\n"
              "-monitor puts it, and from gdb (`monitor info cpus`). Values are numbers, `$registers`\n"
              "and sums of them.\n\n| command | effect |\n|---|---|\n", to);
        monitor_print_markdown(to);
}

static void markdown_gdb(FILE *to)
{
        fputs("\n## gdb\n\n"
              "    rhea -s -S ...\n"
              "    gdb-multiarch -ex 'target remote :1234' program\n\n"
              "Threads are vCPUs. There are the integer, floating-point, vector and control registers by\n"
              "gdb's own names, memory as the vCPU sees it (device registers too), breakpoints without a\n"
              "limit to their number, steps, Ctrl-C, detach and kill, under every engine. Breakpoints are\n"
              "not written to guest memory. A step moves one vCPU alone and takes no interrupt; of a\n"
              "repeated string instruction it does one iteration, and over what raises an exception it\n"
              "goes to the handler. Watchpoints (`watch`, `rwatch`,\n"
              "`awatch`) are on virtual addresses, of any length, on all vCPUs; the machine stops behind\n"
              "the instruction that made the access. They slow down accesses to the pages that they are\n"
              "in, and nothing else; devices' accesses do not count. The machine stops when gdb connects\n"
              "and goes on when it leaves. Without a host name the port is open to this machine only.\n", to);
}

void cli_print_markdown(FILE *to)
{
        fputs("# The command line\n\n"
              "This page is made from the table in ui/options.c by `ninja -C build docs-command-line`;\n"
              "a test compares the two.\n\n"
              "    rhea [options] [disk image]\n\n"
              "Names and syntax are those of QEMU 10. The program's own name chooses the guest's\n"
              "architecture: `rhea-system-riscv64` emulates riscv64, and so does plain `rhea`. Options that\n"
              "take a list write it `name=value,name=value`; a comma inside a value is written twice, and a\n"
              "name alone means `name=on`. What is wrong ends the program with one message, the nearest\n"
              "valid name in it, and exit status 1. Without `-machine` the machine is `spike`, as in QEMU.\n",
              to);
        markdown_options(to);
        fputs("\n## On the terminal\n\n"
              "| keys | effect |\n|---|---|\n"
              "| Ctrl-A h | help |\n| Ctrl-A x | quit |\n"
              "| Ctrl-A c | from the console to the monitor and back |\n"
              "| Ctrl-A b | a break on the serial line |\n| Ctrl-A Ctrl-A | Ctrl-A itself |\n\n"
              "All other keys are the guest's, Ctrl-C and Ctrl-Z too. Where the terminal is not shared\n"
              "(-serial stdio), Ctrl-C ends the program and Ctrl-Z stops it. The terminal is put back\n"
              "whatever ends the program, crashes included, and made raw again when it goes on after a\n"
              "stop (SIGCONT).\n\n"
              "## Exit status\n\n"
              "| status | meaning |\n|---|---|\n"
              "| 0 | the guest powered off or rebooted with -no-reboot, or a person or a signal ended it |\n"
              "| 1 | an error; the message says which |\n"
              "| other | what the guest gave to the test finisher or to HTIF |\n", to);
        markdown_monitor(to);
        markdown_gdb(to);
}
