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

struct cpu_ops;
struct vcpu;

/*
 * What the command line asked for; strings are NULL when absent. Owned by the caller for the VM's lifetime.
 */
struct machine_options {
        const struct cpu_ops *ops;  /* NULL: the machine's first architecture */
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
        const char *irq_to;         /* id of the receiver, which comes in an earlier row, or NULL */
        unsigned irq;
        const char *node;           /* device tree: name of the node under /soc, or NULL */
        uint64_t node_size;         /* what its reg says */
        struct dev_setting props[4];
};
#define ROW_IRQ(to, n) .irq_to = (to), .irq = (n)
#define ROW_NODE(name, size) .node = (name), .node_size = (size)

struct machine_class {
        const char *name, *alias, *doc;
        const char *const *arches;      /* cpu_ops names that it takes; the first is the default */
        unsigned max_cpus;
        uint64_t default_ram;
        const char *default_cpu;
        /* builds RAM, vCPUs (already created when called with their ops), devices */
        bool (*init)(struct vm *vm, const struct machine_options *opt, GError **error);
        /*
         * loads firmware, kernel, device tree; sets the vCPUs' entry state; called at start and at every
         * reset
         */
        bool (*boot)(struct vm *vm, const struct machine_options *opt, GError **error);
        void (*fini)(struct vm *vm);
        const char *const *settings;    /* names valid after -M virt, */
};

/* All machines: the list that meson generates from machines/meson.build. NULL-terminated. */
extern const struct machine_class *const machine_classes[];

/* All guest architectures built in; NULL-terminated. */
extern const struct cpu_ops *const machine_archs[];
const struct cpu_ops *machine_arch_find(const char *name);

/*
 * Builds machine @class in a new VM whose engine, globals, chardevs and drives are there; @opt lives as long
 * as the VM. On an error the VM is only good for vm_free. Then devices may be added, and vm->machine_reset
 * loads the images.
 */
bool machine_create(struct vm *vm, const struct machine_class *class, const struct machine_options *opt,
                    GError **error);

/*
 * What -device asks for: a device that plugs into one of the machine's buses. @id NULL: a name is made up.
 * The setting "bus" names the slot; else the free slot at the highest address is taken.
 */
struct dev *machine_add_device(struct vm *vm, const struct dev_class *class, const char *id,
                               const struct dev_setting *settings, unsigned n_settings, GError **error);

/* For machines: makes the device of a row, maps its first region and connects its first output. */
struct dev *machine_add_row(struct vm *vm, const struct machine_row *row, const struct dev_setting *extra,
                            unsigned n_extra, GError **error);
/* Line @n of a vCPU as a target for dev_connect. */
struct irq_line machine_cpu_line(struct vcpu *v, unsigned n);
/* A machine setting's value, or NULL. */
const char *machine_setting(const struct machine_options *opt, const char *name);
