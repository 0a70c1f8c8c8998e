/* SPDX-License-Identifier: MIT */
/*
 * The RISC-V boards without running them: memory map, reset ROM, placement of images and device tree as QEMU
 * 10 has them (the numbers here are from its monitor and its dumped trees), plugging of devices, and wrong
 * options.
 */
#include <fcntl.h>
#include <libfdt.h>
#include <string.h>
#include <unistd.h>

#include "devices/virtio/virtio.h"
#include "machines/core/vcpu.h"
#include "machines/cpu.h"
#include "machines/machine.h"
#include "tests/dev/devtest.h"

enum { MIB = 1 << 20 };

static const struct machine_class *find_class(const char *name)
{
        for (unsigned i = 0; machine_classes[i]; i++) {
                if (!strcmp(machine_classes[i]->name, name))
                        return machine_classes[i];
        }
        g_assert_not_reached();
}

/*
 * Files in a folder of their own: a firmware, a kernel with a header that says 4 MiB, a ramdisk, and others.
 */
struct files {
        struct devtest *t;
        char *firmware, *kernel, *initrd, *text, *arm, *dtb;
};

static char *put_file(struct files *f, const char *name, const void *data, size_t len)
{
        char *path = devtest_path(f->t, name);

        g_assert_true(g_file_set_contents(path, data, len, NULL));
        return path;
}

static void files_make(struct files *f)
{
        static uint8_t buf[300000];
        uint64_t header[2] = {0x200000, 4 * MIB};

        f->t = devtest_new(false);
        f->text = put_file(f, "text", "#!/bin/sh\n", 10);
        memset(buf, 0x13, sizeof(buf));
        f->firmware = put_file(f, "firmware", buf, sizeof(buf));
        f->initrd = put_file(f, "initrd", buf, 100000);
        memcpy(buf + 8, header, 16);
        memcpy(buf + 56, "RSC\x05", 4);
        f->kernel = put_file(f, "kernel", buf, 5000);
        memcpy(buf + 56, "ARM\x64", 4);
        f->arm = put_file(f, "arm", buf, 5000);
        f->dtb = devtest_path(f->t, "dtb");
}

static void files_remove(struct files *f)
{
        g_free(f->firmware);
        g_free(f->kernel);
        g_free(f->initrd);
        g_free(f->text);
        g_free(f->arm);
        g_free(f->dtb);
        devtest_free(f->t);
}

static struct vm *make(const char *machine, const struct machine_options *opt, GError **error)
{
        struct vm *vm = vm_new("test");

        if (machine_create(vm, find_class(machine), opt, error) && vm->machine_reset(vm, error))
                return vm;
        vm_free(vm);
        return NULL;
}

static uint64_t word(struct vm *vm, gpa_t at, unsigned size)
{
        uint64_t v;

        g_assert_cmpint(address_space_read(vm->memory, at, size, (struct mem_attr){0}, &v), ==, MEM_OK);
        return v;
}

static const char *prop_string(const void *blob, const char *path, const char *name)
{
        return fdt_getprop(blob, fdt_path_offset(blob, path), name, NULL);
}

static uint32_t prop_cell(const void *blob, const char *path, const char *name, unsigned i)
{
        int len;
        const fdt32_t *p = fdt_getprop(blob, fdt_path_offset(blob, path), name, &len);

        g_assert_nonnull(p);
        g_assert_cmpint(len, >=, 4 * (i + 1));
        return fdt32_ld(p + i);
}

static void check_rom(struct vm *vm, uint64_t entry, uint64_t fdt, uint64_t next)
{
        static const uint32_t code[] = {0x00000297, 0x02828613, 0xf1402573, 0x0202b583, 0x0182b283,
                                        0x00028067};
        const uint64_t data[] = {entry, fdt, 0x4942534f, 2, next, 1, 0, 0};
        uint64_t pc;

        for (unsigned i = 0; i < G_N_ELEMENTS(code); i++)
                g_assert_cmphex(word(vm, 0x1000 + 4 * i, 4), ==, code[i]);
        for (unsigned i = 0; i < G_N_ELEMENTS(data); i++)
                g_assert_cmphex(word(vm, 0x1018 + 8 * i, 8), ==, data[i]);
        for (unsigned i = 0; i < vm->n_vcpus; i++) {
                g_assert_true(vcpu_get_reg(vm->vcpus[i], "pc", &pc));
                g_assert_cmphex(pc, ==, 0x1000);
        }
}

static void check_virt_tree(const void *blob)
{
        const char *uart = "/soc/serial@10000000";

        g_assert_cmpint(fdt_check_header(blob), ==, 0);
        g_assert_cmpstr(prop_string(blob, "/", "compatible"), ==, "riscv-virtio");
        g_assert_cmpstr(prop_string(blob, "/chosen", "bootargs"), ==, "console=ttyS0");
        g_assert_cmpstr(prop_string(blob, "/chosen", "stdout-path"), ==, uart);
        g_assert_cmphex(prop_cell(blob, "/chosen", "linux,initrd-start", 1), ==, 0x90200000);
        g_assert_cmphex(prop_cell(blob, "/chosen", "linux,initrd-end", 1), ==, 0x90200000 + 100000);
        g_assert_cmphex(prop_cell(blob, "/memory@80000000", "reg", 3), ==, 512 * MIB);
        g_assert_cmpuint(prop_cell(blob, "/cpus", "timebase-frequency", 0), ==, 10000000);
        g_assert_true(g_str_has_prefix(prop_string(blob, "/cpus/cpu@3", "riscv,isa"), "rv64imafdc_zicntr_"));
        g_assert_cmpuint(prop_cell(blob, uart, "interrupts", 0), ==, 10);
        g_assert_cmpuint(prop_cell(blob, "/soc/virtio_mmio@10008000", "interrupts", 0), ==, 8);
        g_assert_cmpuint(prop_cell(blob, "/soc/rtc@101000", "interrupts", 0), ==, 11);
        g_assert_cmpuint(prop_cell(blob, "/soc/plic@c000000", "riscv,ndev", 0), ==, 95);
        for (unsigned hart = 0; hart < 4; hart++) {
                char *intc = g_strdup_printf("/cpus/cpu@%u/interrupt-controller", hart);
                uint32_t phandle = prop_cell(blob, intc, "phandle", 0);

                g_assert_cmpuint(prop_cell(blob, "/soc/plic@c000000", "interrupts-extended", 4 * hart), ==,
                                 phandle);
                g_assert_cmpuint(prop_cell(blob, "/soc/plic@c000000", "interrupts-extended", 4 * hart + 3),
                                 ==, 9);
                g_assert_cmpuint(prop_cell(blob, "/soc/clint@2000000", "interrupts-extended", 4 * hart + 2),
                                 ==, phandle);
                g_assert_cmpuint(prop_cell(blob, "/soc/clint@2000000", "interrupts-extended", 4 * hart + 3),
                                 ==, 7);
                g_free(intc);
        }
        g_assert_cmpuint(prop_cell(blob, uart, "interrupt-parent", 0), ==,
                         prop_cell(blob, "/soc/plic@c000000", "phandle", 0));
        g_assert_cmpuint(prop_cell(blob, "/poweroff", "regmap", 0), ==,
                         prop_cell(blob, "/soc/test@100000", "phandle", 0));
        g_assert_cmphex(prop_cell(blob, "/reboot", "value", 0), ==, 0x7777);
}

static void test_virt(void)
{
        struct files f;
        struct machine_options opt;
        GError *error = NULL;
        struct vm *vm;
        uint8_t *fdt;

        files_make(&f);
        opt = (struct machine_options){
                .smp = 4, .ram_size = 512 * MIB, .bios = f.firmware, .kernel = f.kernel, .initrd = f.initrd,
                .append = "console=ttyS0",
        };
        vm = make("virt", &opt, &error);
        g_assert_no_error(error);
        for (unsigned round = 0; round < 2; round++) {
                check_rom(vm, 0x80000000, 0x9fe00000, 0x80200000);
                g_assert_cmphex(word(vm, 0x80000000, 4), ==, 0x13131313);
                g_assert_cmphex(word(vm, 0x80200038, 4), ==, 0x05435352);
                fdt = address_space_ram_ptr(vm->memory, 0x9fe00000, 65536, false);
                check_virt_tree(fdt);
                /* a reset brings it all back */
                memset(fdt, 0, 65536);
                memset(address_space_ram_ptr(vm->memory, 0x80000000, 65536, true), 0, 65536);
                g_assert_true(vm_reset(vm, &error));
        }
        /* what is where */
        g_assert_cmphex(word(vm, 0x10001000, 4), ==, 0x74726976);
        g_assert_cmphex(word(vm, 0x10008000, 4), ==, 0x74726976);
        g_assert_cmphex(word(vm, 0x10000005, 1), ==, 0x60);
        g_assert_cmphex(word(vm, 0x0c002000, 4), ==, 0);
        g_assert_cmphex(word(vm, 0x0200bff8, 8), ==, 0);
        g_assert_null(address_space_find(vm->memory, 0x10010000));
        vm_free(vm);
        files_remove(&f);
}

static void test_placement(void)
{
        static const struct {
                uint64_t ram, fdt;
        } cases[] = {{128 * MIB, 0x87e00000}, {2048ull * MIB, 0xffe00000}, {3072ull * MIB, 0x13fe00000},
                     {4096ull * MIB, 0x17fe00000}};
        struct files f;
        GError *error = NULL;
        struct vm *vm;

        files_make(&f);
        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
                struct machine_options opt = {.ram_size = cases[i].ram, .bios = f.firmware,
                .kernel = f.kernel};

                vm = make("virt", &opt, &error);
                g_assert_no_error(error);
                check_rom(vm, 0x80000000, cases[i].fdt, 0x80200000);
                vm_free(vm);
        }
        /* without firmware the kernel starts in machine mode, where memory begins */
        vm = make("virt", &(struct machine_options){.ram_size = 64 * MIB, .bios = "none", .kernel = f.kernel},
                  &error);
        g_assert_no_error(error);
        check_rom(vm, 0x80000000, 0x83e00000, 0x80000000);
        vm_free(vm);
        vm = make("spike", &(struct machine_options){.smp = 2, .ram_size = 512 * MIB, .bios = f.firmware},
                  &error);
        g_assert_no_error(error);
        check_rom(vm, 0x80000000, 0x9fe00000, 0);
        g_assert_cmphex(word(vm, 0x1000008, 8), ==, 0);
        g_assert_cmphex(word(vm, 0x2004000, 8), ==, UINT64_MAX);
        vm_free(vm);
        files_remove(&f);
}

/* The tree that was dumped comes back as -dtb, with other arguments. */
static void test_user_tree(void)
{
        struct files f;
        struct machine_options opt;
        GError *error = NULL;
        struct vm *vm;
        const void *blob;

        files_make(&f);
        opt = (struct machine_options){.ram_size = 64 * MIB, .bios = f.firmware, .kernel = f.kernel,
        .append = "one",
                                       .dumpdtb = f.dtb};
        vm = make("virt", &opt, &error);
        g_assert_no_error(error);
        vm_free(vm);
        opt.dumpdtb = NULL;
        opt.dtb = f.dtb;
        opt.append = "two";
        opt.initrd = f.initrd;
        vm = make("virt", &opt, &error);
        g_assert_no_error(error);
        blob = address_space_ram_ptr(vm->memory, 0x83e00000, 65536, false);
        g_assert_cmpstr(prop_string(blob, "/chosen", "bootargs"), ==, "two");
        g_assert_cmphex(prop_cell(blob, "/chosen", "linux,initrd-start", 1), ==, 0x82200000);
        g_assert_cmpstr(prop_string(blob, "/soc/rtc@101000", "compatible"), ==, "google,goldfish-rtc");
        vm_free(vm);
        opt.dtb = f.text;
        g_assert_null(make("virt", &opt, &error));
        g_assert_nonnull(strstr(error->message, "not a device tree"));
        g_clear_error(&error);
        files_remove(&f);
}

/* Slots fill from the highest address; bus= chooses. */
static void test_plugging(void)
{
        struct files f;
        struct machine_options opt;
        GError *error = NULL;
        const struct dev_class *rng = dev_class_find("virtio-rng-device", NULL);
        struct dev_setting bus = {"bus", "virtio-mmio-bus.2"}, wrong = {"bus", "virtio-mmio-bus.8"};
        struct vm *vm;
        struct dev *d;

        files_make(&f);
        opt = (struct machine_options){.ram_size = 64 * MIB, .bios = f.firmware};
        vm = make("virt", &opt, &error);
        d = machine_add_device(vm, rng, NULL, NULL, 0, &error);
        g_assert_cmpstr(d->guard->id, ==, "virtio-mmio-bus.7");
        g_assert_cmpstr(d->id, ==, "virtio-rng-device.0");
        d = machine_add_device(vm, rng, "mine", NULL, 0, &error);
        g_assert_cmpstr(d->guard->id, ==, "virtio-mmio-bus.6");
        d = machine_add_device(vm, rng, NULL, &bus, 1, &error);
        g_assert_cmphex(d->guard->base[0], ==, 0x10003000);
        g_assert_null(machine_add_device(vm, rng, NULL, &bus, 1, &error));
        g_assert_nonnull(strstr(error->message, "occupied"));
        g_clear_error(&error);
        g_assert_null(machine_add_device(vm, rng, NULL, &wrong, 1, &error));
        g_assert_nonnull(strstr(error->message, "virtio-mmio-bus.0 to .7"));
        g_clear_error(&error);
        g_assert_null(machine_add_device(vm, rng, "mine", NULL, 0, &error));
        g_clear_error(&error);
        g_assert_null(machine_add_device(vm, dev_class_find("ns16550a", NULL), NULL, NULL, 0, &error));
        g_clear_error(&error);
        for (unsigned i = 0; i < 5; i++)
                g_assert_nonnull(machine_add_device(vm, rng, NULL, NULL, 0, &error));
        g_assert_null(machine_add_device(vm, rng, NULL, NULL, 0, &error));
        g_assert_nonnull(strstr(error->message, "all 8 virtio slots"));
        g_clear_error(&error);
        g_assert_true(vm_reset(vm, &error));
        vm_free(vm);
        files_remove(&f);
}

static void expect_error(const char *machine, const struct machine_options *opt, const char *part)
{
        GError *error = NULL;

        g_assert_null(make(machine, opt, &error));
        g_assert_nonnull(error);
        if (!strstr(error->message, part))
                g_error("'%s' does not say '%s'", error->message, part);
        g_clear_error(&error);
}

static void test_errors(void)
{
        struct files f;
        struct machine_options good, bad;

        files_make(&f);
        good = (struct machine_options){.ram_size = 64 * MIB, .bios = f.firmware, .kernel = f.kernel};
        bad = good, bad.kernel = "/nonexistent";
        expect_error("virt", &bad, "cannot open kernel /nonexistent");
        bad = good, bad.bios = "/nonexistent";
        expect_error("virt", &bad, "cannot open firmware /nonexistent");
        bad = good, bad.initrd = "/nonexistent";
        expect_error("virt", &bad, "cannot open initial ramdisk /nonexistent");
        bad = good, bad.dtb = "/nonexistent";
        expect_error("virt", &bad, "cannot open device tree /nonexistent");
        bad = good, bad.kernel = f.text;
        expect_error("virt", &bad, "is not a RISC-V kernel: it is text");
        bad = good, bad.kernel = f.arm;
        expect_error("virt", &bad, "it is a kernel for arm64");
        bad = good, bad.kernel = NULL, bad.append = "x";
        expect_error("virt", &bad, "-append is of no use without -kernel");
        bad = good, bad.smp = 9;
        expect_error("virt", &bad, "at most 8 CPUs");
        bad = good, bad.cpu_model = "rv46";
        expect_error("virt", &bad, "rv46");
        bad = good, bad.ram_size = 4096;
        expect_error("virt", &bad, "-m");
        bad = good, bad.ram_size = 64 * MIB + 100;
        expect_error("virt", &bad, "-m");
        bad = good, bad.ram_size = 1ull << 50;
        expect_error("virt", &bad, "use a smaller -m");
        bad = good, bad.ram_size = 4 * MIB;
        expect_error("virt", &bad, "use a bigger -m");
        bad = good, bad.dumpdtb = "/nonexistent/dtb";
        expect_error("virt", &bad, "cannot write the device tree");
        bad = good, bad.machine_settings = &(struct dev_setting){"signature-granularity", "3"},
                bad.n_machine_settings = 1;
        expect_error("spike", &bad, "signature-granularity");
        files_remove(&f);
}

static void overwrite(const char *path, const void *data, size_t len)
{
        int fd = open(path, O_WRONLY | O_TRUNC);

        g_assert_cmpint(write(fd, data, len), ==, len);
        close(fd);
}

/* A reset reads the files again: those that were opened, as they are now. */
static void test_reset_files(void)
{
        static const uint8_t nops[] = {0x13, 0, 0, 0, 0x13, 0, 0, 0x99};
        struct files f;
        struct machine_options opt;
        GError *error = NULL;
        struct vm *vm;

        files_make(&f);
        opt = (struct machine_options){.ram_size = 64 * MIB, .bios = f.firmware, .kernel = f.kernel,
                                       .initrd = f.initrd};
        vm = make("virt", &opt, &error);
        g_assert_no_error(error);

        /* removed, replaced: what was opened counts */
        g_assert_cmpint(unlink(f.initrd), ==, 0);
        g_assert_true(g_file_set_contents(f.firmware, "other", 5, NULL));
        g_assert_cmpint(address_space_write(vm->memory, 0x80000000, 4, (struct mem_attr){0}, 0), ==, MEM_OK);
        g_assert_cmpint(address_space_write(vm->memory, 0x80200000, 4, (struct mem_attr){0}, 0), ==, MEM_OK);
        g_assert_true(vm->machine_reset(vm, &error));
        g_assert_cmphex(word(vm, 0x80000000, 4), ==, 0x13131313);
        g_assert_cmphex(word(vm, 0x80200000, 4), ==, 0x13131313);
        g_assert_cmphex(word(vm, 0x82200000, 4), ==, 0x13131313);

        /* overwritten: what it holds now counts, if it is a kernel */
        overwrite(f.kernel, nops, sizeof(nops));
        g_assert_true(vm->machine_reset(vm, &error));
        g_assert_cmphex(word(vm, 0x80200004, 4), ==, 0x99000013);
        overwrite(f.kernel, "text\n", 5);
        for (unsigned i = 0; i < 2; i++) {
                g_assert_false(vm->machine_reset(vm, &error));
                g_assert_nonnull(strstr(error->message, "is not a RISC-V kernel: it is text"));
                g_clear_error(&error);
        }
        overwrite(f.kernel, "", 0);
        g_assert_false(vm->machine_reset(vm, &error));
        g_assert_nonnull(strstr(error->message, "is empty"));
        g_clear_error(&error);
        vm_free(vm);
        files_remove(&f);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/machine/virt", test_virt);
        g_test_add_func("/machine/placement", test_placement);
        g_test_add_func("/machine/user-tree", test_user_tree);
        g_test_add_func("/machine/reset-files", test_reset_files);
        g_test_add_func("/machine/plugging", test_plugging);
        g_test_add_func("/machine/errors", test_errors);
        return g_test_run();
}
