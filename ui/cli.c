/* SPDX-License-Identifier: MIT */
/* Reads argv by the table of options. */
#include "ui/cli.h"

#include <string.h>

#include "base/error.h"

static const struct cli_option *find_option(const char *name, GError **error)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        const char *near;

        for (unsigned i = 0; i < cli_n_options; i++) {
                const struct cli_option *o = &cli_options[i];

                if (!o->name)
                        continue;
                if (!strcmp(name, o->name) || (o->alias && !strcmp(name, o->alias)))
                        return o;
                g_ptr_array_add(names, (gpointer)o->name);
        }
        g_ptr_array_add(names, NULL);
        near = error_nearest_name(name, (const char *const *)names->pdata);
        error_set(error, RHEA_ERROR_USAGE, "option '-%s' does not exist; %s%s%s", name,
                  near ? "did you mean -" : "see -help", near ? near : "", near ? "?" : "");
        return NULL;
}

static void device_free(gpointer p)
{
        struct cli_device *d = p;

        optlist_free(d->settings);
        g_free(d);
}

static void chardev_free(gpointer p)
{
        struct cli_chardev *c = p;

        optlist_free(c->settings);
        g_free(c);
}

static void drive_free(gpointer p)
{
        struct cli_drive *d = p;

        optlist_free(d->settings);
        g_free(d);
}

void cli_init(struct cli *cli)
{
        cli->devices = g_ptr_array_new_with_free_func(device_free);
        cli->chardevs = g_ptr_array_new_with_free_func(chardev_free);
        cli->drives = g_ptr_array_new_with_free_func(drive_free);
        cli->serials = g_ptr_array_new();
        cli->monitors = g_ptr_array_new();
        cli->globals = g_array_new(FALSE, FALSE, sizeof(struct dev_setting));
}

void cli_free(struct cli *cli)
{
        g_ptr_array_unref(cli->devices);
        g_ptr_array_unref(cli->chardevs);
        g_ptr_array_unref(cli->drives);
        g_ptr_array_unref(cli->serials);
        g_ptr_array_unref(cli->monitors);
        g_array_unref(cli->globals);
        optlist_free(cli->machine_list);
        g_free(cli->accel_names);
}

/* Does @arg ask for the names that the option's list may have? */
static bool asks_for_keys(const struct cli_option *o, const char *arg)
{
        if (!o->keys)
                return false;
        if (!strcmp(arg, "help") || !strcmp(arg, "?"))
                return !o->own_help;
        return !o->own_list_help && (g_str_has_suffix(arg, ",help") || g_str_has_suffix(arg, ",?"));
}

/* One option with its argument; *i moves on. */
static bool parse_one(struct cli *cli, int argc, char **argv, int *i, GError **error)
{
        const char *word = argv[(*i)++], *name = word + 1, *arg = NULL;
        const struct cli_option *o;

        if (word[0] != '-' || !word[1])
                return cli_add_image(cli, word, error) || error_prefix(error, "%s", word);
        o = find_option(name + (*name == '-'), error);
        if (!o)
                return false;
        if (o->args) {
                if (*i >= argc)
                        return error_set(error, RHEA_ERROR_USAGE, "-%s needs an argument: %s", o->name,
                                         o->args);
                arg = argv[(*i)++];
                if (asks_for_keys(o, arg)) {
                        cli->print = cli_print_keys;
                        cli->print_option = o;
                        return true;
                }
        }
        return o->set(cli, arg, error) ||
               error_prefix(error, "-%s%s%s", o->name, arg ? " " : "", arg ? arg : "");
}

bool cli_parse(struct cli *cli, int argc, char **argv, GError **error)
{
        int i = 1;

        while (i < argc && !cli->print) {
                if (!parse_one(cli, argc, argv, &i, error))
                        return false;
        }
        return true;
}
