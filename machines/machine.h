/* SPDX-License-Identifier: MIT */
/*
 * A machine is a table of rows and a boot function. Rows name the devices, their addresses, interrupts and
 * properties; the device tree, the memory-map docs and the monitor's tree come from them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "devices/dev.h"

/* What the command line asked for; strings are NULL when absent. Owned by the caller for the VM's lifetime. */
struct machine_options {
        const char *cpu_model;
        unsigned smp;
        uint64_t ram_size;          /* 0: the machine's default */
        const char *bios, *kernel, *initrd, *append, *dtb;
        const char *dumpdtb;
        const struct dev_setting *machine_settings; /* -M virt,name=value */
        unsigned n_machine_settings;
        const struct dev_setting *globals; /* -global class.prop=value: name is "class.prop" */
        unsigned n_globals;
};

struct machine_row {
        const char *id, *class;
        gpa_t base;
        const char *irq_to;         /* id of the receiver, or NULL */
        unsigned irq;
        struct dev_setting props[4];
};

struct machine_class {
        const char *name, *alias, *doc;
        const char *const *arches;      /* cpu_ops names that it takes; the first is the default */
        unsigned max_cpus;
        uint64_t default_ram;
        const char *default_cpu;
        /* builds RAM, vCPUs (already created when called with their ops), devices */
        bool (*init)(struct vm *vm, const struct machine_options *opt, GError **error);
        /* loads firmware, kernel, device tree; sets the vCPUs' entry state; called at start and at every reset */
        bool (*boot)(struct vm *vm, const struct machine_options *opt, GError **error);
        void (*fini)(struct vm *vm);
        const char *const *settings;    /* names valid after -M virt, */
};

extern const struct machine_class *const machine_classes[];

/*
 * Builds @class in @vm: vCPUs, memory and devices of its rows, and installs vm->machine_reset and machine_fini. Then
 * come the devices of -device, each plugged into the first free place of its bus, then the first
 * vm->machine_reset, which boots, then vm_start. @opt must live as long as the VM.
 */
bool machine_create(struct vm *vm, const struct machine_class *class, const struct machine_options *opt,
                    GError **error);
struct dev *machine_add_device(struct vm *vm, const struct dev_class *class, const char *id,
                               const struct dev_setting *settings, unsigned n_settings, GError **error);
