/* SPDX-License-Identifier: MIT */
/*
 * The second look at the command line: names that only a machine, an engine or a device class knows, options
 * that speak of each other, and files that must be there. Still nothing happens.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "frontend/cpu.h"
#include "machines/core/engine.h"
#include "machines/cpu.h"
#include "ui/cli.h"

const struct engine *const cli_engines[] = {&engine_jit, &engine_interp, NULL};

/* ---- machine ---- */

bool cli_machine_has_arch(const struct machine_class *class, const char *arch)
{
        return g_strv_contains(class->arches, arch);
}

/* As QEMU has it: spike for riscv64 unless -M says otherwise; other guests must name theirs. */
const char *cli_default_machine(const struct cli *cli)
{
        return !strcmp(cli->ops->name, "riscv64") ? "spike" : NULL;
}

static const struct machine_class *find_machine(const struct cli *cli, const char *name, GError **error)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new();

        for (unsigned i = 0; machine_classes[i]; i++) {
                const struct machine_class *m = machine_classes[i];

                if (!cli_machine_has_arch(m, cli->ops->name))
                        continue;
                if (!strcmp(m->name, name) || (m->alias && !strcmp(m->alias, name)))
                        return m;
                g_ptr_array_add(names, (gpointer)m->name);
        }
        g_ptr_array_add(names, NULL);
        optlist_unknown(error, "machine", name, (const char *const *)names->pdata, "-M help lists them");
        return NULL;
}

/* Properties of every machine that are other options by another name. */
static bool common_settings(struct cli *cli, struct optlist *list, GError **error)
{
        struct machine_options *m = &cli->machine;
        struct { const char *name, **to; } texts[] = {
                {"dumpdtb", &m->dumpdtb}, {"dtb", &m->dtb}, {"kernel", &m->kernel}, {"initrd", &m->initrd},
                {"append", &m->append}, {"firmware", &m->bios},
        };
        static const char *const hints[] = {"usb", "graphics"};
        const char *accel;

        for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
                const char *value = optlist_take(list, texts[i].name);

                if (value)
                        *texts[i].to = value;
        }
        accel = optlist_take(list, "accel");
        if (accel && !cli->accel_names)
                cli->accel_names = g_strdup(accel);
        for (unsigned i = 0; i < G_N_ELEMENTS(hints); i++) {
                bool on = false;

                if (!optlist_take_bool(list, hints[i], &on, error))
                        return false;
                if (on && i == 0)
                        return error_set(error, RHEA_ERROR_UNSUPPORTED, "machine %s has no USB controller",
                                         cli->class->name);
        }
        return true;
}

static bool machine_settings(struct cli *cli, struct optlist *list, GError **error)
{
        static const char *const common[] = {"type", "dumpdtb", "dtb", "kernel", "initrd", "append",
                                             "firmware", "accel", "usb", "graphics", NULL};
        const char *const *own = cli->class->settings;

        for (unsigned i = 0; i < list->n; i++) {
                g_autoptr(GPtrArray) names = g_ptr_array_new();
                g_autofree char *what = g_strdup_printf("property of machine %s", cli->class->name);

                for (unsigned k = 0; own && own[k]; k++)
                        g_ptr_array_add(names, (gpointer)own[k]);
                for (unsigned k = 0; common[k]; k++)
                        g_ptr_array_add(names, (gpointer)common[k]);
                g_ptr_array_add(names, NULL);
                if (!g_strv_contains((const char *const *)names->pdata, list->items[i].name))
                        return optlist_unknown(error, what, list->items[i].name,
                                               (const char *const *)names->pdata, "-M NAME,help lists them");
        }
        if (!common_settings(cli, list, error))
                return false;
        cli->machine.machine_settings = list->items;
        cli->machine.n_machine_settings = list->n;
        return true;
}

static bool resolve_machine(struct cli *cli, GError **error)
{
        const char *name;

        cli->machine.ops = cli->ops;
        if (!cli->machine_list)
                cli->machine_list = optlist_parse("", NULL, error);
        name = optlist_take(cli->machine_list, "type");
        if (!name)
                name = cli_default_machine(cli);
        if (!name)
                return error_set(error, RHEA_ERROR_USAGE, "%s guests have no default machine; name one with -M "
                                 "(-M help lists them)", cli->ops->name);
        cli->class = find_machine(cli, name, error);
        if (!cli->class || !machine_settings(cli, cli->machine_list, error))
                return error_prefix(error, "-machine");
        if (!cli->machine.smp)
                cli->machine.smp = 1;
        if (cli->machine.smp > cli->class->max_cpus)
                return error_set(error, RHEA_ERROR_USAGE, "-smp %u: machine %s has at most %u vCPUs",
                                 cli->machine.smp, cli->class->name, cli->class->max_cpus);
        return true;
}

/* Makes one in a VM that is thrown away. */
static bool resolve_cpu(struct cli *cli, GError **error)
{
        const char *model = cli->machine.cpu_model;
        struct vm *vm;
        bool ok;

        if (!model)
                return true;
        vm = vm_new("check");
        ok = machine_add_cpu(vm, cli->ops, model, error) != NULL;
        vm_free(vm);
        return ok || error_prefix(error, "-cpu %s", model);
}

/* ---- engine ---- */

static const struct engine *find_engine(const char *name)
{
        for (unsigned i = 0; cli_engines[i]; i++) {
                const struct engine *e = cli_engines[i];

                if (!strcmp(e->name, name) || (e->alias && !strcmp(e->alias, name)))
                        return e;
        }
        return NULL;
}

/* The first of the list that there is; names that QEMU knows are passed over, others are mistakes. */
static bool resolve_engine(struct cli *cli, GError **error)
{
        static const char *const elsewhere[] = {"kvm", "hvf", "xen", "whpx", "nvmm", NULL};
        g_auto(GStrv) names = g_strsplit(cli->accel_names ? cli->accel_names : "jit", ":", -1);

        for (char **n = names; *n; n++) {
                g_autoptr(GPtrArray) all = g_ptr_array_new();
                const struct engine *e = find_engine(*n);

                if (e && !cli->engine)
                        cli->engine = e;
                for (unsigned i = 0; cli_engines[i]; i++) {
                        g_ptr_array_add(all, (gpointer)cli_engines[i]->name);
                        if (cli_engines[i]->alias)
                                g_ptr_array_add(all, (gpointer)cli_engines[i]->alias);
                }
                g_ptr_array_add(all, NULL);
                if (!e && !g_strv_contains(elsewhere, *n)) {
                        optlist_unknown(error, "accelerator", *n, (const char *const *)all->pdata,
                                        "-accel help lists them");
                        return error_prefix(error, "-accel");
                }
        }
        return cli->engine ||
               error_set(error, RHEA_ERROR_UNSUPPORTED,
                         "-accel %s: not available for %s guests here; leave it out, or use jit",
                         cli->accel_names, cli->ops->name);
}

/* ---- devices ---- */

static bool check_value(const struct cli *cli, const struct dev_prop *p, const char *text, GError **error)
{
        g_autoptr(GPtrArray) ids = g_ptr_array_new();
        uint64_t number;
        bool flag;

        switch (p->type) {
        case PROP_BOOL:
                return dev_parse_bool(text, &flag, error);
        case PROP_U32:
        case PROP_U64:
                return dev_parse_u64(text, &number, error);
        case PROP_SIZE:
                return dev_parse_size(text, &number, error);
        case PROP_STRING:
                return true;
        case PROP_CHARDEV:
                /* "serial0" and the like are made by -serial */
                for (unsigned i = 0; i < cli->chardevs->len; i++)
                        g_ptr_array_add(ids, (gpointer)((struct cli_chardev *)cli->chardevs->pdata[i])->id);
                g_ptr_array_add(ids, NULL);
                return g_str_has_prefix(text, "serial") ||
                       g_strv_contains((const char *const *)ids->pdata, text) ||
                       optlist_unknown(error, "chardev", text, (const char *const *)ids->pdata,
                                       "make it with -chardev ...,id=");
        case PROP_DRIVE:
                for (unsigned i = 0; i < cli->drives->len; i++)
                        g_ptr_array_add(ids, (gpointer)((struct cli_drive *)cli->drives->pdata[i])->block.id);
                g_ptr_array_add(ids, NULL);
                return g_strv_contains((const char *const *)ids->pdata, text) ||
                       optlist_unknown(error, "drive", text, (const char *const *)ids->pdata,
                                       "make it with -drive ...,if=none,id=");
        }
        return true;
}

static bool resolve_device(struct cli *cli, struct cli_device *d, GError **error)
{
        if (!d->class->bus)
                return error_set(error, RHEA_ERROR_USAGE,
                                 "this device is a part of machines and cannot be added; see -device help");
        for (unsigned i = 0; i < d->settings->n; i++) {
                const struct dev_setting *s = &d->settings->items[i];
                const struct dev_prop *p;

                if (!strcmp(s->name, "bus")) /* where it is plugged in: the machine's business */
                        continue;
                p = dev_prop_find(d->class, s->name, error);
                if (!p)
                        return false;
                if (!check_value(cli, p, s->value, error))
                        return error_prefix(error, "%s", s->name);
        }
        return true;
}

/* Two things of one kind with one id: the later one's id, or NULL. */
static const char *find_twin(const GPtrArray *items, size_t id_offset)
{
        for (unsigned i = 1; i < items->len; i++) {
                const char *id = G_STRUCT_MEMBER(const char *, items->pdata[i], id_offset);

                for (unsigned k = 0; id && k < i; k++) {
                        if (!g_strcmp0(id, G_STRUCT_MEMBER(const char *, items->pdata[k], id_offset)))
                                return id;
                }
        }
        return NULL;
}

static bool resolve_devices(struct cli *cli, GError **error)
{
        const struct { const char *option; const GPtrArray *items; size_t id; } kinds[] = {
                {"-device", cli->devices, offsetof(struct cli_device, id)},
                {"-chardev", cli->chardevs, offsetof(struct cli_chardev, id)},
                {"-drive", cli->drives, offsetof(struct cli_drive, block.id)},
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
                const char *twin = find_twin(kinds[i].items, kinds[i].id);

                if (twin)
                        return error_set(error, RHEA_ERROR_USAGE, "%s: id=%s is given twice", kinds[i].option,
                                         twin);
        }
        for (unsigned i = 0; i < cli->devices->len; i++) {
                struct cli_device *d = cli->devices->pdata[i];

                if (!resolve_device(cli, d, error))
                        return error_prefix(error, "-device %s", d->class->name);
        }
        return true;
}

static bool resolve_globals(struct cli *cli, GError **error)
{
        for (unsigned i = 0; i < cli->globals->len; i++) {
                const struct dev_setting *s = &g_array_index(cli->globals, struct dev_setting, i);
                const char *dot = strchr(s->name, '.');
                g_autofree char *name = g_strndup(s->name, dot - s->name);
                const struct dev_class *class = dev_class_find(name, error);
                const struct dev_prop *p = class ? dev_prop_find(class, dot + 1, error) : NULL;

                if (!p || !check_value(cli, p, s->value, error))
                        return error_prefix(error, "-global %s=%s", s->name, s->value);
        }
        cli->machine.globals = (const struct dev_setting *)cli->globals->data;
        cli->machine.n_globals = cli->globals->len;
        return true;
}

/* ---- files ---- */

static bool check_file(const char *option, const char *path, GError **error)
{
        struct stat st;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        int saved = errno;
        bool folder = fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);

        if (fd >= 0)
                close(fd);
        if (fd < 0 || folder)
                return error_set(error, RHEA_ERROR_FILE, "%s %s: cannot read it: %s", option, path,
                                 g_strerror(folder ? EISDIR : saved));
        return true;
}

static bool resolve_files(const struct cli *cli, GError **error)
{
        const struct machine_options *m = &cli->machine;
        /* firmware without a slash is looked for by name */
        const char *bios = m->bios && strchr(m->bios, '/') ? m->bios : NULL;
        const struct { const char *option, *path; } files[] = {
                {"-bios", bios}, {"-kernel", m->kernel}, {"-initrd", m->initrd}, {"-dtb", m->dtb},
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
                if (files[i].path && !check_file(files[i].option, files[i].path, error))
                        return false;
        }
        for (unsigned i = 0; i < cli->drives->len; i++) {
                const struct cli_drive *d = cli->drives->pdata[i];

                if (!check_file("-drive", d->block.file, error))
                        return false;
        }
        if (!m->kernel && (m->initrd || m->append))
                return error_set(error, RHEA_ERROR_USAGE, "-%s is for a kernel; add -kernel FILE",
                                 m->initrd ? "initrd" : "append");
        return true;
}

bool cli_resolve(struct cli *cli, GError **error)
{
        return resolve_machine(cli, error) && resolve_engine(cli, error) && resolve_cpu(cli, error) &&
               resolve_devices(cli, error) && resolve_globals(cli, error) && resolve_files(cli, error);
}
