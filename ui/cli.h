/* SPDX-License-Identifier: MIT */
/*
 * The command line, as QEMU 10 spells it. cli_parse reads and checks everything that can be checked without
 * doing anything; setup.c then makes the machine from it. One table (options.c) drives parsing, -help and
 * docs/command-line.md. Everything here lives until the program ends, since the machine keeps pointers to it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <glib.h>

#include "devices/dev.h"
#include "devices/host/block/block.h"
#include "machines/machine.h"
#include "ui/optlist.h"

struct cpu_ops;
struct engine;

struct cli_device {
        const struct dev_class *class;
        const char *id; /* or NULL */
        struct optlist *settings;
};

struct cli_chardev {
        const char *kind, *id;
        struct optlist *settings;
};

enum cli_drive_if { CLI_IF_NONE, CLI_IF_VIRTIO };

struct cli_drive {
        struct block_options block;
        enum cli_drive_if interface;
        struct optlist *settings;
};

struct cli {
        const char *program;             /* for messages */
        const struct cpu_ops *ops;       /* the personality */
        /* set by a request for help or the version: called instead of running */
        void (*print)(const struct cli *cli, FILE *to);
        const struct dev_class *print_class; /* -device X,help */
        const struct cli_option *print_option; /* whose names are asked for */

        struct optlist *machine_list;    /* what is left is machine.settings */
        const struct machine_class *class;
        struct machine_options machine;
        const struct engine *engine;
        struct optlist *accel_list;
        char *accel_names;               /* "kvm:tcg": the first that there is */

        GPtrArray *devices;              /* struct cli_device * */
        GPtrArray *chardevs;             /* struct cli_chardev * */
        GPtrArray *drives;               /* struct cli_drive * */
        GPtrArray *serials, *monitors;   /* const char * */
        GArray *globals;                 /* struct dev_setting */
        bool nographic, display_none, no_defaults;

        const char *name;                /* of the VM, or NULL */
        bool no_reboot, no_shutdown, start_stopped;
        const char *gdb;                 /* where to listen, or NULL */
        uint32_t log_mask;
        const char *log_file, *log_filter;
        bool deterministic;
        unsigned icount_shift;
};

/* One option of the table. A row without a name is a heading. */
struct cli_key {
        const char *name, *doc;
};

struct cli_option {
        const char *name, *alias;
        const char *args;                /* how its argument is written, or NULL if it takes none */
        const char *doc;
        const struct cli_key *keys;      /* names valid in its list, for the documentation; ends with zeros */
        bool (*set)(struct cli *cli, const char *arg, GError **error);
        bool own_help, own_list_help;    /* set answers "help", and "...,help", itself */
};
extern const struct cli_option cli_options[];
extern const unsigned cli_n_options;
/* A disk image named without an option. */
bool cli_add_image(struct cli *cli, const char *arg, GError **error);

void cli_init(struct cli *cli);
/* Reads the command line; nothing happens but that. */
bool cli_parse(struct cli *cli, int argc, char **argv, GError **error);
/* Checks what one option means for another, and names that only the machine knows; in resolve.c. */
bool cli_resolve(struct cli *cli, GError **error);
void cli_free(struct cli *cli);

/* ---- help.c ---- */
void cli_print_help(const struct cli *cli, FILE *to);
void cli_print_version(const struct cli *cli, FILE *to);
void cli_print_machines(const struct cli *cli, FILE *to);
void cli_print_machine_settings(const struct cli *cli, FILE *to);
void cli_print_keys(const struct cli *cli, FILE *to);
void cli_print_cpus(const struct cli *cli, FILE *to);
void cli_print_accels(const struct cli *cli, FILE *to);
void cli_print_devices(const struct cli *cli, FILE *to);
void cli_print_device(const struct cli *cli, FILE *to);
void cli_print_chardevs(const struct cli *cli, FILE *to);
void cli_print_log_items(const struct cli *cli, FILE *to);
/* docs/command-line.md */
void cli_print_markdown(FILE *to);

/* ---- resolve.c ---- */
/* The machine that is made when -M is not there, or NULL. */
const char *cli_default_machine(const struct cli *cli);
bool cli_machine_has_arch(const struct machine_class *class, const char *arch);
/* The engines of this build; ends with NULL. */
extern const struct engine *const cli_engines[];
