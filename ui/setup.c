/* SPDX-License-Identifier: MIT */
/*
 * Makes what the command line describes: back ends first, then the machine, which takes them by name, then
 * added devices, then the boot images. What fails takes the files that were created back with it.
 */
#include "ui/setup.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "devices/host/block/block.h"
#include "devices/host/char/chardev.h"
#include "machines/core/engine.h"
#include "ui/cli.h"
#include "ui/monitor/monitor.h"

enum { MAX_SERIALS = 8 };

/* Files that chardevs write: emptied once all is well; removed if they were made and something failed. */
struct setup {
        const struct cli *cli;
        struct vm *vm;
        GPtrArray *made, *to_empty; /* char * */
};

/* ---- character back ends ---- */

static struct chardev *open_file_chardev(struct setup *s, const char *id, const char *path,
                                         const struct dev_setting *settings, unsigned n, GError **error)
{
        g_autofree struct dev_setting *all = g_new(struct dev_setting, n + 1);
        bool append = false, there = access(path, F_OK) == 0;
        unsigned k = 0;

        for (unsigned i = 0; i < n; i++) {
                if (!strcmp(settings[i].name, "append")) {
                        if (!dev_parse_bool(settings[i].value, &append, error))
                                return NULL;
                } else {
                        all[k++] = settings[i];
                }
        }
        all[k++] = (struct dev_setting){"append", "on"};
        if (!there)
                g_ptr_array_add(s->made, g_strdup(path));
        else if (!append)
                g_ptr_array_add(s->to_empty, g_strdup(path));
        return chardev_new(s->vm, "file", id, all, k, error);
}

static bool open_chardevs(struct setup *s, GError **error)
{
        for (unsigned i = 0; i < s->cli->chardevs->len; i++) {
                const struct cli_chardev *c = s->cli->chardevs->pdata[i];
                const char *path = optlist_get(c->settings, "path");
                struct chardev *made;

                if (!strcmp(c->kind, "file") && path)
                        made = open_file_chardev(s, c->id, path, c->settings->items, c->settings->n, error);
                else
                        made = chardev_new(s->vm, c->kind, c->id, c->settings->items, c->settings->n, error);
                if (!made)
                        return error_prefix(error, "-chardev %s", c->id);
        }
        return true;
}

/* One -serial or -monitor; "none" leaves *out NULL. */
static bool open_short(struct setup *s, const char *option, const char *text, const char *id,
                       struct chardev **out, GError **error)
{
        GError *e = NULL;

        if (g_str_has_prefix(text, "file:")) {
                struct dev_setting path = {"path", text + 5};

                *out = open_file_chardev(s, id, path.value, &path, 1, &e);
        } else {
                *out = chardev_new_short(s->vm, text, id, &e);
        }
        if (e) {
                g_propagate_error(error, e);
                return error_prefix(error, "-%s %s", option, text);
        }
        return true;
}

static bool takes_terminal(const char *text)
{
        return !strcmp(text, "stdio") || !strcmp(text, "mon:stdio");
}

/* Somebody uses the terminal on purpose. */
static bool terminal_is_taken(const struct cli *cli)
{
        for (unsigned i = 0; i < cli->serials->len; i++) {
                if (takes_terminal(cli->serials->pdata[i]))
                        return true;
        }
        for (unsigned i = 0; i < cli->monitors->len; i++) {
                if (takes_terminal(cli->monitors->pdata[i]))
                        return true;
        }
        for (unsigned i = 0; i < cli->chardevs->len; i++) {
                if (!strcmp(((struct cli_chardev *)cli->chardevs->pdata[i])->kind, "stdio"))
                        return true;
        }
        return false;
}

/* Nobody said where the console goes: the terminal, shared with the monitor, unless -display says none. */
static const char *default_serial(const struct cli *cli)
{
        if (cli->no_defaults || (cli->display_none && !cli->nographic))
                return "none";
        if (terminal_is_taken(cli))
                return "null";
        return cli->monitors->len ? "stdio" : "mon:stdio";
}

/* Machines look for serial0, serial1, ...: a port without a back end gets one that swallows everything. */
static bool open_serials(struct setup *s, GError **error)
{
        const struct cli *cli = s->cli;
        unsigned n = MAX(cli->serials->len, 1);

        if (n > MAX_SERIALS)
                return error_set(error, RHEA_ERROR_USAGE, "-serial: no machine has more than %d serial ports",
                                 MAX_SERIALS);
        for (unsigned i = 0; i < n; i++) {
                const char *text = i < cli->serials->len ? cli->serials->pdata[i] : default_serial(cli);
                g_autofree char *id = g_strdup_printf("serial%u", i);
                struct chardev *c;

                if (!open_short(s, "serial", strcmp(text, "none") ? text : "null", id, &c, error))
                        return false;
                chardev_set_alias(c, id);
        }
        return true;
}

/* ---- monitors ---- */

static bool add_monitor(struct setup *s, struct chardev *c, GPtrArray *monitors, GError **error)
{
        if (!chardev_claim(c, "the monitor", error))
                return false;
        g_ptr_array_add(monitors, monitor_new(s->vm, c));
        return true;
}

/* As QEMU: on the terminal unless that is taken, or told otherwise. */
static const char *default_monitor(const struct cli *cli)
{
        bool text_mode = cli->nographic || !cli->display_none;

        if (cli->serials->len && text_mode && !cli->no_defaults && !terminal_is_taken(cli))
                return "stdio";
        return "none";
}

bool setup_monitors(const struct cli *cli, struct vm *vm, GPtrArray *monitors, GError **error)
{
        struct setup s = {.cli = cli, .vm = vm, .made = g_ptr_array_new(), .to_empty = g_ptr_array_new()};
        bool ok = true;

        for (unsigned i = 0; ok && i < MAX(cli->monitors->len, 1); i++) {
                const char *text = i < cli->monitors->len ? cli->monitors->pdata[i] : default_monitor(cli);
                g_autofree char *id = g_strdup_printf("compat_monitor%u", i);
                struct chardev *c;

                ok = open_short(&s, "monitor", strcmp(text, "vc") ? text : "none", id, &c, error) &&
                     (!c || add_monitor(&s, c, monitors, error));
        }
        /* consoles that share theirs: "mon:stdio" */
        for (unsigned i = 0; ok && i < MAX(cli->serials->len, 1); i++) {
                const char *text = i < cli->serials->len ? cli->serials->pdata[i] : default_serial(cli);
                g_autofree char *id = g_strdup_printf("serial%u", i);

                if (g_str_has_prefix(text, "mon:"))
                        ok = add_monitor(&s, chardev_find(vm, id, NULL), monitors, error);
        }
        g_ptr_array_set_free_func(s.made, g_free);
        g_ptr_array_set_free_func(s.to_empty, g_free);
        g_ptr_array_unref(s.made);
        g_ptr_array_unref(s.to_empty);
        return ok;
}

/* ---- drives and devices ---- */

static bool open_drives(struct setup *s, GError **error)
{
        for (unsigned i = 0; i < s->cli->drives->len; i++) {
                const struct cli_drive *d = s->cli->drives->pdata[i];

                if (!block_open(s->vm, &d->block, error))
                        return error_prefix(error, "-drive %s", d->block.file);
        }
        return true;
}

/* Disks of drives that no -device takes. */
static bool add_disks(struct setup *s, GError **error)
{
        const struct dev_class *disk = dev_class_find("virtio-blk-device", error);

        if (!disk)
                return false;
        for (unsigned i = 0; i < s->cli->drives->len; i++) {
                const struct cli_drive *d = s->cli->drives->pdata[i];
                struct dev_setting drive = {"drive", d->block.id};

                if (d->interface == CLI_IF_VIRTIO && !machine_add_device(s->vm, disk, NULL, &drive, 1, error))
                        return error_prefix(error, "-drive %s", d->block.file);
        }
        return true;
}

static bool add_devices(struct setup *s, GError **error)
{
        for (unsigned i = 0; i < s->cli->devices->len; i++) {
                const struct cli_device *d = s->cli->devices->pdata[i];

                if (!machine_add_device(s->vm, d->class, d->id, d->settings->items, d->settings->n, error))
                        return error_prefix(error, "-device %s", d->class->name);
        }
        return true;
}

/* ---- all of it ---- */

static void fill_vm(struct vm *vm, const struct cli *cli)
{
        vm->engine = cli->engine;
        vm->globals = cli->machine.globals;
        vm->n_globals = cli->machine.n_globals;
        vm->no_reboot = cli->no_reboot;
        vm->no_shutdown = cli->no_shutdown;
        vm->deterministic = cli->deterministic;
        vm->icount_shift = cli->icount_shift;
}

/* The log comes last: nothing can fail behind it. */
static bool open_log(struct vm *vm, const struct cli *cli, GError **error)
{
        if (cli->log_filter && !log_set_filter(vm->log, cli->log_filter, error))
                return false;
        if (cli->log_file && !log_open_file(vm->log, cli->log_file, error))
                return error_prefix(error, "-D");
        log_set_mask(vm->log, cli->log_mask);
        return true;
}

static bool setup_all(struct setup *s, GError **error)
{
        const struct cli *cli = s->cli;

        fill_vm(s->vm, cli);
        return open_drives(s, error) && open_chardevs(s, error) && open_serials(s, error) &&
               machine_create(s->vm, cli->class, &cli->machine, error) && add_disks(s, error) &&
               add_devices(s, error) && s->vm->machine_reset(s->vm, error) && open_log(s->vm, cli, error);
}

static void for_each_file(GPtrArray *paths, bool remove)
{
        for (unsigned i = 0; i < paths->len; i++) {
                const char *path = paths->pdata[i];

                if (remove)
                        unlink(path);
                else if (truncate(path, 0) != 0)
                        fprintf(stderr, "%s: cannot be emptied; appending\n", path);
        }
}

struct vm *setup_vm(const struct cli *cli, GError **error)
{
        struct setup s = {.cli = cli, .vm = vm_new(cli->name ? cli->name : cli->class->name)};
        bool ok;

        s.made = g_ptr_array_new_with_free_func(g_free);
        s.to_empty = g_ptr_array_new_with_free_func(g_free);
        ok = setup_all(&s, error);
        if (!ok) {
                vm_free(s.vm);
                s.vm = NULL;
        }
        for_each_file(ok ? s.to_empty : s.made, !ok);
        g_ptr_array_unref(s.made);
        g_ptr_array_unref(s.to_empty);
        return s.vm;
}
