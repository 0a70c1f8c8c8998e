/* SPDX-License-Identifier: MIT */
/*
 * The table of options: names, arguments, documentation and what each stores in struct cli. A handler checks
 * what can be seen from the option alone.
 */
#include <string.h>

#include "base/error.h"
#include "devices/host/char/chardev.h"
#include "ui/cli.h"

enum { MAX_CPUS = 4096 };

static bool is_help(const char *arg)
{
        return !strcmp(arg, "help") || !strcmp(arg, "?");
}

/* ---- lists with fixed names ---- */

/* "NAME,help" */
static bool takes_help(struct optlist *list)
{
        const char *help = optlist_take(list, "help"), *mark = optlist_take(list, "?");

        return help || mark;
}

/* Refuses what @keys does not have. */
static bool check_keys(const struct optlist *list, const struct cli_key *keys, GError **error)
{
        const char *names[32] = {NULL};

        for (unsigned i = 0; keys[i].name && i < G_N_ELEMENTS(names) - 1; i++)
                names[i] = keys[i].name;
        for (unsigned i = 0; i < list->n; i++) {
                if (!g_strv_contains(names, list->items[i].name))
                        return optlist_unknown(error, "property", list->items[i].name, names, NULL);
        }
        return true;
}

static struct optlist *parse_keys(const char *arg, const char *implied, const struct cli_key *keys,
                                  GError **error)
{
        struct optlist *list = optlist_parse(arg, implied, error);

        if (list && !check_keys(list, keys, error)) {
                optlist_free(list);
                return NULL;
        }
        return list;
}

/* ---- machine ---- */

static const struct cli_key machine_keys[] = {
        {"type", "name of the machine; the first word may stand without `type=`"},
        {"accel", "as -accel; several are tried in turn: `accel=kvm:tcg`"},
        {"dumpdtb", "write the device tree to this file and end"},
        {"dtb", "as -dtb"},
        {"kernel", "as -kernel"},
        {"initrd", "as -initrd"},
        {"append", "as -append"},
        {"firmware", "as -bios"},
        {"usb", "only `off`: no machine has a USB controller of its own"},
        {"graphics", "only `off`, as with -nographic"},
        {0},
};

static bool set_machine(struct cli *cli, const char *arg, GError **error)
{
        struct optlist *list;

        if (is_help(arg)) {
                cli->print = cli_print_machines;
                return true;
        }
        list = optlist_parse(arg, "type", error);
        if (!list)
                return false;
        if (takes_help(list))
                cli->print = cli_print_machine_settings;
        if (!cli->machine_list) {
                cli->machine_list = list;
                return true;
        }
        for (unsigned i = 0; i < list->n; i++)
                optlist_add(cli->machine_list, list->items[i].name, list->items[i].value);
        optlist_free(list);
        return true;
}

static bool set_cpu(struct cli *cli, const char *arg, GError **error)
{
        if (is_help(arg) || g_str_has_suffix(arg, ",help") || g_str_has_suffix(arg, ",?"))
                cli->print = cli_print_cpus;
        cli->machine.cpu_model = arg;
        return true;
}

static const struct cli_key accel_keys[] = {
        {"accel", "name of the engine; the first word may stand without `accel=`"},
        {"thread", "`multi` (one thread a vCPU) or `single`; with -icount it is always one thread"},
        {0},
};

static bool set_accel(struct cli *cli, const char *arg, GError **error)
{
        struct optlist *list;
        const char *name, *thread;
        char *names;

        if (is_help(arg)) {
                cli->print = cli_print_accels;
                return true;
        }
        list = parse_keys(arg, "accel", accel_keys, error);
        if (!list)
                return false;
        name = optlist_get(list, "accel");
        thread = optlist_get(list, "thread");
        if (!name || (thread && strcmp(thread, "multi") && strcmp(thread, "single"))) {
                if (!name)
                        error_set(error, RHEA_ERROR_USAGE,
                                  "an accelerator's name is missing; see -accel help");
                else
                        error_set(error, RHEA_ERROR_USAGE, "thread is multi or single, not '%s'", thread);
                optlist_free(list);
                return false;
        }
        names = cli->accel_names ? g_strconcat(cli->accel_names, ":", name, NULL) : g_strdup(name);
        g_free(cli->accel_names);
        cli->accel_names = names;
        optlist_free(list);
        return true;
}

static const struct cli_key memory_keys[] = {
        {"size",
         "guest memory, in MiB or with a suffix K, M, G, T; the first word may stand without `size=`"},
        {0},
};

static bool set_memory(struct cli *cli, const char *arg, GError **error)
{
        struct optlist *list = parse_keys(arg, "size", memory_keys, error);
        const char *size;
        uint64_t value = 0;
        bool ok;

        if (!list)
                return false;
        size = optlist_get(list, "size");
        ok = !size ? error_set(error, RHEA_ERROR_USAGE, "a size is missing; write 512M or 4G")
                   : dev_parse_size(size, &value, error);
        if (ok && g_ascii_isdigit(size[strlen(size) - 1])) {
                /* a plain number counts MiB */
                if (value >> 44)
                        ok = error_set(error, RHEA_ERROR_MEMORY, "%s MiB are more than a machine can have",
                                       size);
                value <<= 20;
        }
        if (ok && !value)
                ok = error_set(error, RHEA_ERROR_USAGE,
                               "a machine cannot run without memory; write 512M or 4G");
        if (ok && value % GUEST_PAGE_SIZE)
                ok = error_set(error, RHEA_ERROR_USAGE,
                               "memory comes in pages of 4096 bytes; '%s' is not a multiple", size);
        cli->machine.ram_size = value;
        optlist_free(list);
        return ok;
}

static const struct cli_key smp_keys[] = {
        {"cpus", "number of vCPUs; the first word may stand without `cpus=`"},
        {"maxcpus", "the same number: vCPUs are not added at run time"},
        {"sockets", "sockets, which times cores times threads make the number of vCPUs"},
        {"cores", "cores a socket"},
        {"threads", "threads a core"},
        {0},
};

static bool smp_numbers(struct cli *cli, struct optlist *list, GError **error)
{
        uint64_t cpus = 0, max = 0, sockets = 1, cores = 1, threads = 1, product;
        bool topology = optlist_get(list, "sockets") || optlist_get(list, "cores") ||
                        optlist_get(list, "threads");

        if (!optlist_take_number(list, "cpus", MAX_CPUS, &cpus, error) ||
            !optlist_take_number(list, "maxcpus", MAX_CPUS, &max, error) ||
            !optlist_take_number(list, "sockets", MAX_CPUS, &sockets, error) ||
            !optlist_take_number(list, "cores", MAX_CPUS, &cores, error) ||
            !optlist_take_number(list, "threads", MAX_CPUS, &threads, error))
                return false;
        if (!cpus)
                cpus = max ? max : topology ? MIN(sockets * cores, MAX_CPUS + 1) * threads : 0;
        if (!cpus)
                return error_set(error, RHEA_ERROR_USAGE, "a machine needs at least one vCPU");
        if (max && max != cpus)
                return error_set(error, RHEA_ERROR_UNSUPPORTED,
                                 "maxcpus must equal cpus: vCPUs cannot be added later");
        if (cpus > MAX_CPUS)
                return error_set(error, RHEA_ERROR_USAGE, "no machine has more than %d vCPUs", MAX_CPUS);
        product = sockets * cores * threads;
        if (!product || cpus % product) /* a number that was left out follows from the others */
                return error_set(error, RHEA_ERROR_USAGE,
                                 "sockets, cores and threads do not multiply to %u vCPUs", (unsigned)cpus);
        cli->machine.smp = cpus;
        return true;
}

static bool set_smp(struct cli *cli, const char *arg, GError **error)
{
        struct optlist *list = parse_keys(arg, "cpus", smp_keys, error);
        bool ok = list && smp_numbers(cli, list, error);

        optlist_free(list);
        return ok;
}

static bool set_bios(struct cli *cli, const char *arg, GError **error)
{
        cli->machine.bios = arg;
        return true;
}

static bool set_kernel(struct cli *cli, const char *arg, GError **error)
{
        cli->machine.kernel = arg;
        return true;
}

static bool set_initrd(struct cli *cli, const char *arg, GError **error)
{
        cli->machine.initrd = arg;
        return true;
}

static bool set_append(struct cli *cli, const char *arg, GError **error)
{
        cli->machine.append = arg;
        return true;
}

static bool set_dtb(struct cli *cli, const char *arg, GError **error)
{
        cli->machine.dtb = arg;
        return true;
}

static const struct cli_key name_keys[] = {
        {"guest", "the name; the first word may stand without `guest=`"},
        {"process", "accepted; the process keeps its name"},
        {"debug-threads", "accepted; threads always have names"},
        {0},
};

static bool set_name(struct cli *cli, const char *arg, GError **error)
{
        struct optlist *list = parse_keys(arg, "guest", name_keys, error);
        const char *name = list ? optlist_get(list, "guest") : NULL;

        cli->name = name ? g_intern_string(name) : cli->name;
        optlist_free(list);
        return list != NULL;
}

/* ---- devices and what is behind them ---- */

static const struct cli_key drive_keys[] = {
        {"file", "the image"},
        {"id", "name for `-device ...,drive=`"},
        {"format", "`raw`"},
        {"if", "`none`: a -device uses it; `virtio`: a disk is made for it (the default)"},
        {"readonly", "`on`: the guest and the host cannot write"},
        {"discard", "`unmap` hands discarded ranges back to the host, `ignore` does not"},
        {"file.locking", "`off`: do not lock the image against other processes"},
        {"index", "accepted; disks come in the order in which they are given"},
        {"media", "`disk`"},
        {"cache", "accepted: a flush reaches the image's disk in every mode"},
        {"aio", "accepted; worker threads do the reads and writes"},
        {0},
};

static bool drive_interface(struct cli_drive *d, GError **error)
{
        static const char *const names[] = {"none", "virtio", NULL};
        const char *text = optlist_get(d->settings, "if");

        if (text && !g_strv_contains(names, text))
                return optlist_unknown(error, "drive interface", text, names, "it is none or virtio");
        d->interface = text && !strcmp(text, "none") ? CLI_IF_NONE : CLI_IF_VIRTIO;
        return true;
}

static bool drive_words(struct cli_drive *d, GError **error)
{
        static const struct { const char *name, *values[8]; } words[] = {
                {"format", {"raw"}},
                {"discard", {"unmap", "on", "ignore", "off"}},
                {"media", {"disk"}},
                {"cache", {"none", "writeback", "writethrough", "unsafe", "directsync"}},
                {"aio", {"threads", "native", "io_uring"}},
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
                const char *value = optlist_get(d->settings, words[i].name);

                if (value && !g_strv_contains(words[i].values, value)) {
                        g_autofree char *what = g_strdup_printf("value of %s", words[i].name);
                        g_autofree char *all = g_strjoinv(", ", (char **)words[i].values);
                        g_autofree char *hint = g_strdup_printf("there is %s", all);

                        return optlist_unknown(error, what, value, words[i].values, hint);
                }
        }
        return true;
}

static bool drive_fill(struct cli *cli, struct cli_drive *d, GError **error)
{
        struct optlist *list = d->settings;
        const char *discard = optlist_get(list, "discard");
        bool locking = true;
        uint64_t index;

        if (!drive_interface(d, error) || !drive_words(d, error))
                return false;
        d->block.file = optlist_get(list, "file");
        d->block.format = optlist_get(list, "format");
        d->block.id = optlist_get(list, "id");
        d->block.discard = discard && (!strcmp(discard, "unmap") || !strcmp(discard, "on"));
        if (!d->block.file)
                return error_set(error, RHEA_ERROR_USAGE, "file= is missing: the image that the drive holds");
        if (!optlist_take_bool(list, "readonly", &d->block.read_only, error) ||
            !optlist_take_bool(list, "file.locking", &locking, error) ||
            !optlist_take_number(list, "index", 1000, &index, error))
                return false;
        d->block.no_lock = !locking;
        if (!d->block.id) {
                g_autofree char *id = g_strdup_printf("%s%u", d->interface == CLI_IF_NONE ? "none" : "virtio",
                                                      cli->drives->len);

                d->block.id = g_intern_string(id);
        }
        return true;
}

static bool add_drive(struct cli *cli, struct optlist *list, GError **error)
{
        struct cli_drive *d = g_new0(struct cli_drive, 1);

        d->settings = list;
        g_ptr_array_add(cli->drives, d);
        return drive_fill(cli, d, error);
}

static bool set_drive(struct cli *cli, const char *arg, GError **error)
{
        struct optlist *list = parse_keys(arg, NULL, drive_keys, error);

        return list && add_drive(cli, list, error);
}

bool cli_add_image(struct cli *cli, const char *arg, GError **error)
{
        struct optlist *list = optlist_parse("", NULL, error);

        optlist_add(list, "file", arg);
        return add_drive(cli, list, error);
}

static bool set_device(struct cli *cli, const char *arg, GError **error)
{
        struct optlist *list;
        struct cli_device *d;
        const char *driver;

        if (is_help(arg)) {
                cli->print = cli_print_devices;
                return true;
        }
        list = optlist_parse(arg, "driver", error);
        if (!list)
                return false;
        d = g_new0(struct cli_device, 1);
        d->settings = list;
        g_ptr_array_add(cli->devices, d);
        driver = optlist_take(list, "driver");
        if (!driver)
                return error_set(error, RHEA_ERROR_USAGE, "a device's name is missing; see -device help");
        d->class = dev_class_find(driver, error);
        if (!d->class)
                return false;
        if (takes_help(list)) {
                cli->print = cli_print_device;
                cli->print_class = d->class;
                return true;
        }
        d->id = optlist_take(list, "id");
        return true;
}

static const struct cli_key global_keys[] = {
        {"driver", "the device's name"},
        {"property", "the property"},
        {"value", "what it is set to for every device of that name"},
        {0},
};

/* "class.property=value", or the three by name. */
static bool set_global(struct cli *cli, const char *arg, GError **error)
{
        struct dev_setting s;
        const char *equals = strchr(arg, '='), *dot = strchr(arg, '.');

        if (dot && equals && dot < equals) {
                g_autofree char *name = g_strndup(arg, equals - arg);

                s = (struct dev_setting){g_intern_string(name), equals + 1};
        } else {
                struct optlist *list = parse_keys(arg, NULL, global_keys, error);
                const char *driver, *property, *value;
                g_autofree char *name = NULL;

                if (!list)
                        return false;
                driver = optlist_get(list, "driver");
                property = optlist_get(list, "property");
                value = optlist_get(list, "value");
                if (!driver || !property || !value) {
                        optlist_free(list);
                        return error_set(error, RHEA_ERROR_USAGE, "write driver.property=value");
                }
                name = g_strdup_printf("%s.%s", driver, property);
                s = (struct dev_setting){g_intern_string(name), g_intern_string(value)};
                optlist_free(list);
        }
        g_array_append_val(cli->globals, s);
        return true;
}

static bool set_chardev(struct cli *cli, const char *arg, GError **error)
{
        struct optlist *list;
        struct cli_chardev *c;

        if (is_help(arg)) {
                cli->print = cli_print_chardevs;
                return true;
        }
        list = optlist_parse(arg, "backend", error);
        if (!list)
                return false;
        c = g_new0(struct cli_chardev, 1);
        c->settings = list;
        g_ptr_array_add(cli->chardevs, c);
        c->kind = optlist_take(list, "backend");
        c->id = optlist_take(list, "id");
        if (!c->kind)
                return error_set(error, RHEA_ERROR_USAGE, "a back end's name is missing; see -chardev help");
        if (takes_help(list)) {
                cli->print = cli_print_chardevs;
                return true;
        }
        if (!g_strv_contains(chardev_kinds, c->kind))
                return optlist_unknown(error, "character back end", c->kind, chardev_kinds,
                                       "see -chardev help");
        if (!c->id)
                return error_set(error, RHEA_ERROR_USAGE, "id= is missing: the name by which it is used");
        return true;
}

static bool set_serial(struct cli *cli, const char *arg, GError **error)
{
        g_ptr_array_add(cli->serials, (gpointer)arg);
        return true;
}

static bool set_monitor(struct cli *cli, const char *arg, GError **error)
{
        g_ptr_array_add(cli->monitors, (gpointer)arg);
        return true;
}

static bool set_display(struct cli *cli, const char *arg, GError **error)
{
        static const char *const names[] = {"none", NULL};

        if (strcmp(arg, "none"))
                return optlist_unknown(error, "display", arg, names, "there is only none yet");
        cli->display_none = true;
        return true;
}

static bool set_nographic(struct cli *cli, const char *arg, GError **error)
{
        cli->nographic = true;
        return true;
}

static bool set_nodefaults(struct cli *cli, const char *arg, GError **error)
{
        cli->no_defaults = true;
        return true;
}

/* ---- running ---- */

static bool set_no_reboot(struct cli *cli, const char *arg, GError **error)
{
        cli->no_reboot = true;
        return true;
}

static bool set_no_shutdown(struct cli *cli, const char *arg, GError **error)
{
        cli->no_shutdown = true;
        return true;
}

static bool set_start_stopped(struct cli *cli, const char *arg, GError **error)
{
        cli->start_stopped = true;
        return true;
}

static bool set_gdb_default(struct cli *cli, const char *arg, GError **error)
{
        cli->gdb = "tcp::1234";
        return true;
}

static bool set_gdb(struct cli *cli, const char *arg, GError **error)
{
        cli->gdb = strcmp(arg, "none") ? arg : NULL;
        return true;
}

static const struct cli_key icount_keys[] = {
        {"shift",
         "an instruction takes 2 to the power of this in nanoseconds: 0 to 10, or `auto` (3); the first word "
         "may stand without `shift=`"},
        {"align", "only `off`: guest time is not held back to the host's"},
        {"sleep", "accepted; time in which every vCPU waits is skipped"},
        {0},
};

static bool icount_fill(struct cli *cli, struct optlist *list, GError **error)
{
        const char *shift = optlist_get(list, "shift");
        uint64_t n = 3;
        bool align = false, sleep;

        if (shift && !strcmp(shift, "auto"))
                optlist_take(list, "shift");
        if (!optlist_take_number(list, "shift", 10, &n, error) ||
            !optlist_take_bool(list, "align", &align, error) ||
            !optlist_take_bool(list, "sleep", &sleep, error))
                return false;
        if (align)
                return error_set(error, RHEA_ERROR_UNSUPPORTED, "align=on is not supported; leave it out");
        cli->deterministic = true;
        cli->icount_shift = n;
        return true;
}

static bool set_icount(struct cli *cli, const char *arg, GError **error)
{
        struct optlist *list = parse_keys(arg, "shift", icount_keys, error);
        bool ok = list && icount_fill(cli, list, error);

        optlist_free(list);
        return ok;
}

/* ---- looking inside ---- */

static bool set_log(struct cli *cli, const char *arg, GError **error)
{
        uint32_t mask;

        if (is_help(arg)) {
                cli->print = cli_print_log_items;
                return true;
        }
        if (!log_parse_items(arg, &mask, error))
                return false;
        cli->log_mask |= mask;
        return true;
}

static bool set_log_file(struct cli *cli, const char *arg, GError **error)
{
        cli->log_file = arg;
        return true;
}

static bool set_log_filter(struct cli *cli, const char *arg, GError **error)
{
        struct log *log = log_new();
        bool ok = log_set_filter(log, arg, error);

        log_free(log);
        cli->log_filter = arg;
        return ok;
}

static bool set_help(struct cli *cli, const char *arg, GError **error)
{
        cli->print = cli_print_help;
        return true;
}

static bool set_version(struct cli *cli, const char *arg, GError **error)
{
        cli->print = cli_print_version;
        return true;
}

const struct cli_option cli_options[] = {
        {.doc = "The machine"},
        {"machine", "M", "[type=]NAME[,PROPERTY=VALUE...]",
         "the machine to build; `help` lists them, `NAME,help` lists its properties", machine_keys,
         set_machine, .own_help = true, .own_list_help = true},
        {"cpu", NULL, "MODEL[,FEATURE=on|off...]",
         "the CPU model, features switched; `help` lists models and features", NULL, set_cpu},
        {"accel", NULL, "NAME[,thread=multi]",
         "what executes guest code: `jit` (also called `tcg`) or `interp`; `help` lists them", accel_keys,
         set_accel, .own_help = true},
        {"m", NULL, "[size=]SIZE", "guest memory, in MiB unless a suffix says otherwise", memory_keys,
         set_memory},
        {"smp", NULL, "[cpus=]N[,sockets=N][,cores=N][,threads=N]", "the number of vCPUs", smp_keys, set_smp},
        {"name", NULL, "NAME", "a name for the machine", name_keys, set_name},

        {.doc = "What boots"},
        {"bios", NULL, "FILE",
         "firmware, ELF or flat; `default` finds OpenSBI, `none` starts the kernel in machine mode", NULL,
         set_bios},
        {"kernel", NULL, "FILE", "a Linux image or an ELF program, gzipped or not", NULL, set_kernel},
        {"initrd", NULL, "FILE", "the kernel's initial RAM disk", NULL, set_initrd},
        {"append", NULL, "TEXT", "the kernel's command line", NULL, set_append},
        {"dtb", NULL, "FILE", "a device tree to use instead of the machine's own", NULL, set_dtb},

        {.doc = "Devices"},
        {"drive", NULL, "file=FILE[,format=raw][,if=none|virtio][,id=ID][,readonly=on]...", "a disk image",
         drive_keys, set_drive},
        {"device", NULL, "NAME[,id=ID][,PROPERTY=VALUE...]",
         "adds a device; `help` lists them, `NAME,help` lists its properties", NULL, set_device},
        {"global", NULL, "NAME.PROPERTY=VALUE", "a property of every device of that name", global_keys,
         set_global},
        {"chardev", NULL, "KIND,id=ID[,mux=on][,PROPERTY=VALUE...]",
         "something to talk to, for a device's `chardev=`; `help` lists the kinds", NULL, set_chardev},
        {"serial", NULL, "WHERE",
         "where the next serial port goes: `stdio`, `mon:stdio`, `file:PATH`, `null`, `none`, `chardev:ID`, "
         "`pty`, `unix:PATH[,server=on][,wait=off]`, `tcp:HOST:PORT[,server=on][,wait=off]`",
         NULL, set_serial},
        {"monitor", NULL, "WHERE", "where the monitor goes: as -serial", NULL, set_monitor},
        {"display", NULL, "none", "no window; serial ports and monitor go nowhere unless asked for", NULL,
         set_display},
        {"nographic", NULL, NULL,
         "the first serial port and the monitor share the terminal: Ctrl-A c switches, Ctrl-A x quits, "
         "Ctrl-A h helps (what happens anyway as long as there is no -display)", NULL, set_nographic},
        {"nodefaults", NULL, NULL, "no serial port and no monitor unless asked for", NULL, set_nodefaults},

        {.doc = "Running"},
        {"S", NULL, NULL, "do not start: wait for gdb or the monitor's `cont`", NULL, set_start_stopped},
        {"no-reboot", NULL, NULL, "end when the guest reboots", NULL, set_no_reboot},
        {"no-shutdown", NULL, NULL, "stay, stopped, when the guest powers off", NULL, set_no_shutdown},
        {"icount", NULL, "[shift=]N|auto", "deterministic mode: time is counted in instructions", icount_keys,
         set_icount},

        {.doc = "Looking inside"},
        {"gdb", NULL, "tcp:[HOST]:PORT|unix:PATH|none", "serve gdb there", NULL, set_gdb},
        {"s", NULL, NULL, "the same as `-gdb tcp::1234`", NULL, set_gdb_default},
        {"d", NULL, "ITEM[,ITEM...]", "what to log; `help` lists the items", NULL, set_log},
        {"D", NULL, "FILE", "log to this file instead of stderr", NULL, set_log_file},
        {"dfilter", NULL, "RANGE[,RANGE...]",
         "log blocks of these guest addresses only: START..END, START+LENGTH or START-LENGTH", NULL,
         set_log_filter},
        {"version", NULL, NULL, "print the version", NULL, set_version},
        {"help", "h", NULL, "print this", NULL, set_help},
};
const unsigned cli_n_options = G_N_ELEMENTS(cli_options);
