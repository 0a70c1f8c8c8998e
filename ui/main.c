/* SPDX-License-Identifier: MIT */
/*
 * The program: reads the command line, makes the machine, and runs the main loop, which carries out what the
 * guest, a person or a signal asks for. The only file that ends the process.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <glib-unix.h>

#include "base/error.h"
#include "devices/host/char/chardev.h"
#include "frontend/cpu.h"
#include "ui/cli.h"
#include "ui/gdbstub/gdbstub.h"
#include "ui/monitor/monitor.h"
#include "ui/setup.h"
#include "ui/terminal.h"

enum { PAUSED_POLL_MS = 20 };

struct app {
        struct cli cli;
        struct vm *vm;
        GPtrArray *monitors;
        struct gdbstub *gdb;
        bool quit;
        int status;
};

/* ---- personality ---- */

/* "rhea-system-riscv64" says which guest; any other name leaves the first. */
static const struct cpu_ops *find_personality(const char *program, GError **error)
{
        const char *mark = strstr(program, "-system-"), *arch;
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        const struct cpu_ops *ops;

        if (!mark)
                return machine_archs[0];
        arch = mark + strlen("-system-");
        ops = machine_arch_find(arch);
        if (ops)
                return ops;
        for (unsigned i = 0; machine_archs[i]; i++)
                g_ptr_array_add(names, (gpointer)machine_archs[i]->name);
        g_ptr_array_add(names, NULL);
        optlist_unknown(error, "guest architecture", arch, (const char *const *)names->pdata, NULL);
        return NULL;
}

/* ---- requests and signals ---- */

static void app_quit(struct app *app, int status)
{
        app->quit = true;
        app->status = status;
}

static gboolean app_signal(struct app *app, const char *name)
{
        fprintf(stderr, "%s: ended by %s\n", app->cli.program, name);
        app_quit(app, 0);
        return G_SOURCE_REMOVE; /* a second one ends the process at once */
}

static gboolean on_sigint(gpointer app)
{
        return app_signal(app, "SIGINT");
}

static gboolean on_sigterm(gpointer app)
{
        return app_signal(app, "SIGTERM");
}

static gboolean on_sighup(gpointer app)
{
        return app_signal(app, "SIGHUP");
}

static bool is_ignored(int number)
{
        struct sigaction now;

        return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

static void watch_signal(struct app *app, int number, GSourceFunc fn)
{
        GSource *source = g_unix_signal_source_new(number);

        g_source_set_callback(source, fn, app, NULL);
        g_source_attach(source, app->vm->context);
        g_source_unref(source);
}

static void handle_request(struct app *app)
{
        struct vm *vm = app->vm;
        GError *error = NULL;

        switch (vm_take_request(vm)) {
        case VM_REQ_NONE:
                break;
        case VM_REQ_SHUTDOWN:
                if (vm->no_shutdown)
                        vm_pause(vm);
                else
                        app_quit(app, vm->exit_code);
                break;
        case VM_REQ_RESET:
                if (vm->no_reboot && vm->no_shutdown)
                        vm_pause(vm);
                else if (vm->no_reboot)
                        app_quit(app, 0);
                else if (!vm_reset(vm, &error))
                        app_quit(app, 1);
                break;
        case VM_REQ_EXIT_CODE:
                app_quit(app, vm->exit_code);
                break;
        }
        if (error) {
                fprintf(stderr, "%s: %s\n", app->cli.program, error->message);
                g_error_free(error);
        }
}

/* In deterministic mode the vCPU thread takes the host's input; while it is parked, somebody else must. */
static gboolean poll_while_paused(gpointer opaque)
{
        struct app *app = opaque;

        if (atomic_load(&app->vm->state) == VM_PAUSED)
                vm_run_counted_polls(app->vm);
        return G_SOURCE_CONTINUE;
}

static void watch_paused_input(struct app *app)
{
        GSource *source = g_timeout_source_new(PAUSED_POLL_MS);

        g_source_set_callback(source, poll_while_paused, app, NULL);
        g_source_attach(source, app->vm->context);
        g_source_unref(source);
}

/* ---- life ---- */

/* Where to find what has no fixed place. */
static void announce(const struct app *app)
{
        for (unsigned i = 0; i < app->vm->chardevs->len; i++) {
                const struct chardev *c = app->vm->chardevs->pdata[i];
                const char *where = chardev_where(c);

                if (g_str_has_prefix(where, "pty: "))
                        fprintf(stderr, "char device redirected to %s (label %s)\n", where + 5,
                                chardev_id(c));
        }
}

static bool app_start(struct app *app, GError **error)
{
        struct cli *cli = &app->cli;

        terminal_guard();
        app->vm = setup_vm(cli, error);
        if (!app->vm)
                return false;
        if (cli->machine.dumpdtb) {
                fprintf(stderr, "%s: the device tree is in %s\n", cli->program, cli->machine.dumpdtb);
                app->quit = true;
                return true;
        }
        if (!setup_monitors(cli, app->vm, app->monitors, error))
                return false;
        if (cli->gdb) {
                app->gdb = gdbstub_new(app->vm, cli->gdb, error);
                if (!app->gdb)
                        return error_prefix(error, "-gdb %s", cli->gdb);
        }
        announce(app);
        terminal_taken();
        watch_signal(app, SIGINT, on_sigint);
        watch_signal(app, SIGTERM, on_sigterm);
        if (!is_ignored(SIGHUP)) /* by nohup */
                watch_signal(app, SIGHUP, on_sighup);
        if (cli->deterministic)
                watch_paused_input(app);
        return vm_start(app->vm, cli->start_stopped, error);
}

static void app_end(struct app *app)
{
        if (app->vm && !app->cli.machine.dumpdtb)
                vm_pause(app->vm);
        gdbstub_free(app->gdb, app->status);
        g_ptr_array_unref(app->monitors);
        vm_free(app->vm);
        cli_free(&app->cli);
}

static bool app_read_command_line(struct app *app, int argc, char **argv, GError **error)
{
        app->cli.program = argc > 0 && argv[0] ? argv[0] : "rhea";
        if (strrchr(app->cli.program, '/'))
                app->cli.program = strrchr(app->cli.program, '/') + 1;
        app->cli.ops = find_personality(app->cli.program, error);
        return app->cli.ops && cli_parse(&app->cli, argc, argv, error) &&
               (app->cli.print || cli_resolve(&app->cli, error));
}

int main(int argc, char **argv)
{
        struct app app = {.monitors = g_ptr_array_new_with_free_func((GDestroyNotify)monitor_free)};
        GError *error = NULL;

        signal(SIGPIPE, SIG_IGN);
        cli_init(&app.cli);
        if (!app_read_command_line(&app, argc, argv, &error)) {
                app_quit(&app, 1);
        } else if (app.cli.print) {
                app.cli.print(&app.cli, stdout);
                app_quit(&app, 0);
        } else if (!app_start(&app, &error)) {
                app_quit(&app, 1);
        }
        while (!app.quit) {
                g_main_context_iteration(app.vm->context, TRUE);
                handle_request(&app);
        }
        terminal_guard(); /* once more: GLib's handlers of the signals that were watched may be gone */
        app_end(&app);
        if (error) {
                fprintf(stderr, "%s: %s\n", app.cli.program, error->message);
                g_error_free(error);
        }
        return app.status;
}
