/* SPDX-License-Identifier: MIT */
/*
 * The `bare` machine: a CPU, memory, a console and a way out, for freestanding programs of a guest that has
 * no board yet. A program is an ELF file, entered at its entry point by every vCPU, which finds its index in
 * the register of the first argument.
 *
 * AArch64: memory at 0x40000000, as on QEMU's virt, entry in EL1 with the MMU off; console and exit by
 * semihosting. x86-64: memory at 0, entry in 64-bit mode, flat, under an identity map of 2 MiB pages that
 * lies at the end of memory; a serial port at 0x3f8, and the port 0x501, which ends the machine
 * (isa-debug-exit).
 */
#include <elf.h>
#include <string.h>

#include "base/error.h"
#include "devices/dev.h"
#include "devices/host/char/chardev.h"
#include "frontend/cpu.h"
#include "machines/core/loader.h"
#include "machines/core/vcpu.h"
#include "machines/cpu.h"
#include "machines/machine.h"
#include "machines/semihosting.h"

enum { MAX_CPUS = 8, SERIAL_PORT = 0x3f8, EXIT_PORT = 0x501, SERIAL_REGION_PORTS = 1 };

#define MAX_RAM (64ull << 30)

struct bare;

/* What differs between the guests. */
struct bare_arch {
        const char *name, *cpu_model;
        uint16_t elf_machine;
        gpa_t ram_base;
        const char *pc, *index;  /* registers of the entry state */
        bool (*add_devices)(struct vm *vm, struct bare *b, GError **error);
        /* memory and registers beyond those two */
        bool (*start)(struct vm *vm, struct bare *b, GError **error);
};

struct bare {
        const struct bare_arch *arch;
        struct ram_block *ram;
        GBytes *kernel;
        struct loader_image image;
        struct semihosting *semihosting;
};

/* ---- AArch64 ---- */

static bool arm_add_devices(struct vm *vm, struct bare *b, GError **error)
{
        b->semihosting = semihosting_new(vm, error);
        return b->semihosting != NULL;
}

/* ---- x86-64 ---- */

static bool x86_add_devices(struct vm *vm, struct bare *b, GError **error)
{
        struct dev_setting console = {"chardev", "serial0"};
        const struct dev_class *serial = dev_class_find("ns16550a", error);
        const struct dev_class *exit_port = dev_class_find("isa-debug-exit", error);
        unsigned n = chardev_find(vm, "serial0", NULL) ? 1 : 0;
        struct dev *d;

        vm->ports = address_space_new(vm, "ports");
        d = serial ? dev_new(vm, serial, "serial", &console, n, error) : NULL;
        if (!d || !dev_map(d, SERIAL_REGION_PORTS, vm->ports, SERIAL_PORT, error))
                return false;
        d = exit_port ? dev_new(vm, exit_port, "exit", NULL, 0, error) : NULL;
        return d && dev_map(d, 0, vm->ports, EXIT_PORT, error);
}

/* Page-table bits (AMD64 Architecture Programmer's Manual, volume 2, 5.3). */
enum { PTE_PRESENT = 1, PTE_WRITE = 2, PTE_USER = 4, PTE_LARGE = 0x80 };

/* One top table, one of 1 GiB entries, and one of 2 MiB entries a GiB; at least 4 GiB are mapped. */
static unsigned x86_map_gib(const struct vm *vm)
{
        return MAX(4, (unsigned)((vm->ram_size + (1 << 30) - 1) >> 30));
}

static bool x86_start(struct vm *vm, struct bare *b, GError **error)
{
        static const struct { const char *name; uint64_t value; } regs[] = {
                {"cr4", 0x20 | 0x200 | 0x400 /* PAE, OSFXSR, OSXMMEXCPT */},
                {"efer", 0x1 | 0x100 | 0x400 | 0x800 /* SCE, LME, LMA, NXE */},
                {"cr0", 0x80010033 /* PG, WP, NE, ET, MP, PE */},
        };
        unsigned gib = x86_map_gib(vm);
        uint64_t size = (2 + gib) * (uint64_t)GUEST_PAGE_SIZE;
        g_autofree uint64_t *tables = g_malloc0(size);
        gpa_t at = vm->ram_size - size;

        if (b->image.high > at)
                return error_set(error, RHEA_ERROR_MEMORY,
                                 "the program and its page tables do not fit into %" PRIu64
                                 " MiB of memory; use a bigger -m", vm->ram_size >> 20);
        tables[0] = (at + GUEST_PAGE_SIZE) | PTE_PRESENT | PTE_WRITE | PTE_USER;
        for (unsigned i = 0; i < gib; i++)
                tables[512 + i] = (at + (2 + i) * GUEST_PAGE_SIZE) | PTE_PRESENT | PTE_WRITE | PTE_USER;
        for (unsigned i = 0; i < gib * 512; i++)
                tables[1024 + i] = (uint64_t)i << 21 | PTE_LARGE | PTE_PRESENT | PTE_WRITE | PTE_USER;
        if (address_space_write_bytes(vm->memory, at, tables, size) != MEM_OK)
                return error_set(error, RHEA_ERROR_FAILED, "the page tables cannot be written");
        for (unsigned i = 0; i < vm->n_vcpus; i++) {
                bool ok = vcpu_set_reg(vm->vcpus[i], "cr3", at);

                for (unsigned k = 0; k < G_N_ELEMENTS(regs); k++)
                        ok &= vcpu_set_reg(vm->vcpus[i], regs[k].name, regs[k].value);
                if (!ok)
                        return error_set(error, RHEA_ERROR_FAILED, "the CPU has no 64-bit mode");
        }
        return true;
}

/* ---- all ---- */

static const struct bare_arch archs[] = {
        {"aarch64", "max", EM_AARCH64, 0x40000000, "pc", "x0", arm_add_devices, NULL},
        {"x86_64", "max", EM_X86_64, 0, "rip", "rdi", x86_add_devices, x86_start},
};

static const struct bare_arch *find_arch(const struct cpu_ops *ops)
{
        for (unsigned i = 0; i < G_N_ELEMENTS(archs); i++) {
                if (!strcmp(archs[i].name, ops->name))
                        return &archs[i];
        }
        return NULL;
}

static bool check_options(struct vm *vm, const struct machine_options *opt, GError **error)
{
        const struct { const char *option, *value; } unused[] = {
                {"-initrd", opt->initrd}, {"-append", opt->append}, {"-dtb", opt->dtb},
                {"-machine dumpdtb=", opt->dumpdtb},
                {"-bios", opt->bios && strcmp(opt->bios, "none") ? opt->bios : NULL},
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(unused); i++) {
                if (unused[i].value)
                        return error_set(error, RHEA_ERROR_USAGE,
                                         "%s: machine bare runs a program without it; "
                                         "leave it out", unused[i].option);
        }
        if (!opt->kernel)
                return error_set(error, RHEA_ERROR_USAGE, "machine bare needs a program; add -kernel FILE");
        if (vm->ram_size % (2 << 20) || vm->ram_size > MAX_RAM)
                return error_set(error, RHEA_ERROR_USAGE, "-m: machine bare takes 2 MiB to %" PRIu64
                                 " GiB, in steps of 2 MiB", (uint64_t)(MAX_RAM >> 30));
        return true;
}

static bool bare_init(struct vm *vm, const struct machine_options *opt, GError **error)
{
        const struct cpu_ops *ops = opt->ops ? opt->ops : machine_arch_find(vm->machine->arches[0]);
        struct bare *b = g_new0(struct bare, 1);
        struct mem_row row = {.size = vm->ram_size, .kind = MEM_ROW_RAM};

        vm->machine_data = b;
        b->arch = find_arch(ops);
        if (!check_options(vm, opt, error))
                return false;
        vm->timebase.hz = 62500000;
        for (unsigned i = 0; i < MAX(opt->smp, 1); i++) {
                if (!machine_add_cpu(vm, ops, opt->cpu_model ? opt->cpu_model : b->arch->cpu_model, error))
                        return false;
        }
        b->kernel = loader_read_file(opt->kernel, "program", vm->ram_size, error);
        if (!b->kernel)
                return false;
        if (!loader_is_elf(b->kernel))
                return error_set(error, RHEA_ERROR_USAGE,
                                 "program %s is not an ELF file; machine bare runs no other", opt->kernel);
        b->ram = row.ram = ram_block_new(vm, "ram", vm->ram_size, error);
        row.start = b->arch->ram_base;
        return b->ram && address_space_add(vm->memory, &row, error) && b->arch->add_devices(vm, b, error);
}

static bool bare_boot(struct vm *vm, const struct machine_options *opt, GError **error)
{
        struct bare *b = vm->machine_data;
        const struct bare_arch *a = b->arch;

        if (!loader_load_elf(vm->memory, b->kernel, opt->kernel, a->elf_machine, &b->image, error))
                return false;
        if (a->start && !a->start(vm, b, error))
                return false;
        for (unsigned i = 0; i < vm->n_vcpus; i++) {
                vcpu_set_reg(vm->vcpus[i], a->pc, b->image.entry);
                vcpu_set_reg(vm->vcpus[i], a->index, i);
        }
        return true;
}

static void bare_fini(struct vm *vm)
{
        struct bare *b = vm->machine_data;

        if (!b)
                return;
        semihosting_free(b->semihosting);
        g_clear_pointer(&b->kernel, g_bytes_unref);
        g_clear_pointer(&vm->ports, address_space_free);
        g_clear_pointer(&vm->machine_data, g_free);
}

static const char *const bare_arches[] = {"aarch64", "x86_64", NULL};

const struct machine_class machine_bare = {
        .name = "bare", .doc = "a CPU, memory, a console and a way out, for freestanding programs",
        .arches = bare_arches, .max_cpus = MAX_CPUS, .default_ram = 128ull << 20, .default_cpu = "max",
        .init = bare_init, .boot = bare_boot, .fini = bare_fini,
};
