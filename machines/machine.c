/* SPDX-License-Identifier: MIT */
/*
 * What all machines share: making one from its class, devices from rows and from -device, reset. Main thread,
 * the vCPUs standing still.
 */
#include "machines/machine.h"

#include <string.h>

#include "base/error.h"
#include "devices/virtio/virtio.h"
#include "frontend/cpu.h"
#include "machines/core/vcpu.h"

/* ---- making and resetting ---- */

static bool machine_reset(struct vm *vm, GError **error)
{
        for (unsigned i = 0; i < vm->devices->len; i++)
                dev_reset(g_ptr_array_index(vm->devices, i));
        return vm->machine->boot(vm, vm->machine_options, error);
}

static void machine_fini(struct vm *vm)
{
        if (vm->machine->fini)
                vm->machine->fini(vm);
}

bool machine_create(struct vm *vm, const struct machine_class *class, const struct machine_options *opt,
                    GError **error)
{
        if (opt->smp > class->max_cpus)
                return error_set(error, RHEA_ERROR_USAGE, "machine %s has at most %u CPUs, not %u",
                                 class->name,
                                 class->max_cpus, opt->smp);
        vm->machine = class;
        vm->machine_options = opt;
        vm->ram_size = opt->ram_size ? opt->ram_size : class->default_ram;
        vm->machine_reset = machine_reset;
        vm->machine_fini = machine_fini;
        return class->init(vm, opt, error);
}

const char *machine_setting(const struct machine_options *opt, const char *name)
{
        for (unsigned i = 0; i < opt->n_machine_settings; i++) {
                if (!strcmp(opt->machine_settings[i].name, name))
                        return opt->machine_settings[i].value;
        }
        return NULL;
}

/* ---- rows ---- */

static void cpu_line_set(void *opaque, unsigned n, bool level)
{
        vcpu_set_irq(opaque, n, level);
}

struct irq_line machine_cpu_line(struct vcpu *v, unsigned n)
{
        return (struct irq_line){cpu_line_set, v, n};
}

struct dev *machine_add_row(struct vm *vm, const struct machine_row *row, const struct dev_setting *extra,
                            unsigned n_extra, GError **error)
{
        const struct dev_class *class = dev_class_find(row->class, error);
        struct dev_setting settings[G_N_ELEMENTS(row->props) + 4];
        unsigned n = 0;
        struct dev *d, *to;

        for (unsigned i = 0; i < G_N_ELEMENTS(row->props) && row->props[i].name; i++)
                settings[n++] = row->props[i];
        for (unsigned i = 0; i < n_extra && n < G_N_ELEMENTS(settings); i++)
                settings[n++] = extra[i];
        d = class ? dev_new(vm, class, row->id, settings, n, error) : NULL;
        if (!d || !dev_map(d, 0, vm->memory, row->base, error))
                return NULL;
        if (!row->irq_to)
                return d;
        to = dev_find(vm, row->irq_to);
        if (!to) {
                error_set(error, RHEA_ERROR_FAILED, "%s: its interrupt goes to %s, which is not there",
                          row->id,
                          row->irq_to);
                return NULL;
        }
        dev_connect(d, 0, dev_irq_input(to, row->irq));
        d->irq_number[0] = row->irq;
        return d;
}

/* ---- added devices ---- */

/* The virtio slot named "virtio-mmio-bus.N", or the free one at the highest address. */
static struct dev *find_virtio_slot(struct vm *vm, const char *bus, GError **error)
{
        struct dev *best = NULL;
        unsigned slots = 0;

        for (unsigned i = 0; i < vm->devices->len; i++) {
                struct dev *d = g_ptr_array_index(vm->devices, i);

                if (d->class != &dev_virtio_mmio)
                        continue;
                slots++;
                if (bus && !strcmp(d->id, bus))
                        return d;
                if (!virtio_mmio_device(d) && (!best || d->base[0] > best->base[0]))
                        best = d;
        }
        if (bus)
                error_set(error, RHEA_ERROR_USAGE,
                          "there is no bus %s; this machine has virtio-mmio-bus.0 to .%u", bus,
                          MAX(slots, 1) - 1);
        else if (!best)
                error_set(error, RHEA_ERROR_USAGE, "all %u virtio slots of this machine are occupied", slots);
        return bus ? NULL : best;
}

static char *make_id(struct vm *vm, const struct dev_class *class)
{
        for (unsigned i = 0;; i++) {
                char *id = g_strdup_printf("%s.%u", class->name, i);

                if (!dev_find(vm, id))
                        return id;
                g_free(id);
        }
}

struct dev *machine_add_device(struct vm *vm, const struct dev_class *class, const char *id,
                               const struct dev_setting *settings, unsigned n_settings, GError **error)
{
        struct dev_setting *rest = g_new0(struct dev_setting, n_settings + 1);
        char *made = id ? NULL : make_id(vm, class);
        const char *bus = NULL;
        struct dev *d = NULL, *slot;
        unsigned n = 0;

        for (unsigned i = 0; i < n_settings; i++) {
                if (!strcmp(settings[i].name, "bus"))
                        bus = settings[i].value;
                else
                        rest[n++] = settings[i];
        }
        if (!class->bus || strcmp(class->bus, "virtio-bus")) {
                error_set(error, RHEA_ERROR_USAGE, "%s is part of machines and cannot be added to one",
                          class->name);
        } else if ((slot = find_virtio_slot(vm, bus, error))) {
                d = dev_new(vm, class, id ? id : made, rest, n, error);
                if (d && !virtio_mmio_plug(slot, d, error)) {
                        dev_free(d);
                        d = NULL;
                }
        }
        g_free(made);
        g_free(rest);
        return d;
}

/* ---- architectures ---- */

extern const struct cpu_ops riscv64_ops, aarch64_ops, x86_64_ops;

const struct cpu_ops *const machine_archs[] = {&riscv64_ops, &aarch64_ops, &x86_64_ops, NULL};

const struct cpu_ops *machine_arch_find(const char *name)
{
        for (unsigned i = 0; machine_archs[i]; i++) {
                if (!strcmp(machine_archs[i]->name, name))
                        return machine_archs[i];
        }
        return NULL;
}
