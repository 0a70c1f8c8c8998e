/* SPDX-License-Identifier: MIT */
/*
 * The `virt` machine for RISC-V, with QEMU 10's addresses and interrupt numbers. Not there yet: PCIe, flash,
 * fw_cfg, AIA. The rows stand in the order of their nodes, which is the order in which Linux probes: virtio
 * slots from the highest on.
 */
#include "base/error.h"
#include "devices/host/char/chardev.h"
#include "machines/core/dt.h"
#include "machines/core/vcpu.h"
#include "machines/riscv_board.h"

enum { MAX_HARTS = 8, PLIC_SOURCES = 95 };

#define SLOT(n)                                                                                           \
        {"virtio-mmio-bus." #n, "virtio-mmio", 0x10001000 + n * 0x1000, ROW_IRQ("plic", n + 1),           \
         ROW_NODE("virtio_mmio", 0x1000)}

/* Interrupt controllers first: the others refer to them. */
static const struct machine_row controller_rows[] = {
        {"plic", "riscv.plic", 0x0c000000, ROW_NODE("plic", 0x600000)},
        {"clint", "riscv.aclint", 0x02000000, ROW_NODE("clint", 0x10000)},
};

static const struct machine_row rows[] = {
        {"rtc", "goldfish-rtc", 0x00101000, ROW_IRQ("plic", 11), ROW_NODE("rtc", 0x1000)},
        {"uart0", "ns16550a", 0x10000000, ROW_IRQ("plic", 10), ROW_NODE("serial", 0x100)},
        {"test", "sifive.test", 0x00100000, ROW_NODE("test", 0x1000)},
        SLOT(7), SLOT(6), SLOT(5), SLOT(4), SLOT(3), SLOT(2), SLOT(1), SLOT(0),
};

static bool virt_add_controllers(struct vm *vm, GError **error)
{
        char *harts = g_strdup_printf("%u", vm->n_vcpus);
        const struct dev_setting count = {"harts", harts};
        struct dev *plic = machine_add_row(vm, &controller_rows[0], &count, 1, error);
        struct dev *clint = plic ? machine_add_row(vm, &controller_rows[1], &count, 1, error) : NULL;

        g_free(harts);
        if (!clint)
                return false;
        for (unsigned i = 0; i < vm->n_vcpus; i++) {
                dev_connect(plic, 2 * i, machine_cpu_line(vm->vcpus[i], 11));
                dev_connect(plic, 2 * i + 1, machine_cpu_line(vm->vcpus[i], 9));
        }
        riscv_connect_aclint(vm, clint);
        return true;
}

static bool virt_init(struct vm *vm, const struct machine_options *opt, GError **error)
{
        struct riscv_board *b = g_new0(struct riscv_board, 1);
        struct mem_row ram = {.start = RISCV_DRAM_BASE, .kind = MEM_ROW_RAM};
        const struct dev_setting serial = {"chardev", "serial0"};
        bool has_serial = chardev_find(vm, "serial0", NULL) != NULL;

        vm->machine_data = b;
        if (!riscv_board_init(vm, b, opt, error))
                return false;
        ram.ram = b->ram;
        ram.size = b->ram->size;
        if (!address_space_add(vm->memory, &ram, error) || !virt_add_controllers(vm, error))
                return false;
        for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
                bool uart = rows[i].base == 0x10000000;

                if (!machine_add_row(vm, &rows[i], &serial, uart && has_serial, error))
                        return false;
        }
        return true;
}

/* syscon nodes for power off and reset: what to write where. */
static void dt_syscon(struct dt *dt, const char *path, const char *compatible, uint32_t value,
                      uint32_t regmap)
{
        dt_node(dt, path);
        dt_u32(dt, path, "value", value);
        dt_u32(dt, path, "offset", 0);
        dt_u32(dt, path, "regmap", regmap);
        dt_string(dt, path, "compatible", compatible);
}

static struct dt *virt_dt(struct vm *vm)
{
        struct dt *dt = dt_new();
        uint32_t intc[MAX_HARTS], plic, test;
        char *path;

        riscv_dt_base(vm, dt, "riscv-virtio", "riscv-virtio,qemu", intc);
        plic = dt_new_phandle(dt);
        test = dt_new_phandle(dt);
        for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++)
                riscv_dt_row(vm, dt, &rows[i], plic);
        dt_u32(dt, "/soc/test@100000", "phandle", test);
        for (unsigned i = 0; i < G_N_ELEMENTS(controller_rows); i++) {
                riscv_dt_row(vm, dt, &controller_rows[i], 0);
                path = riscv_dt_row_path(&controller_rows[i]);
                riscv_dt_hart_lines(vm, dt, path, intc, i ? 3 : 11, i ? 7 : 9);
                if (!i)
                        dt_u32(dt, path, "phandle", plic);
                g_free(path);
        }
        dt_node(dt, "/aliases");
        dt_string(dt, "/aliases", "serial0", "/soc/serial@10000000");
        dt_node(dt, "/chosen");
        dt_string(dt, "/chosen", "stdout-path", "/soc/serial@10000000");
        dt_syscon(dt, "/poweroff", "syscon-poweroff", 0x5555, test);
        dt_syscon(dt, "/reboot", "syscon-reboot", 0x7777, test);
        return dt;
}

static bool virt_boot(struct vm *vm, const struct machine_options *opt, GError **error)
{
        struct riscv_board *b = vm->machine_data;
        struct dt *dt;
        bool ok;

        if (!riscv_board_load(vm, b, error))
                return false;
        dt = virt_dt(vm);
        ok = riscv_board_start(vm, b, dt, error);
        dt_free(dt);
        return ok;
}

static void virt_fini(struct vm *vm)
{
        if (vm->machine_data)
                riscv_board_fini(vm->machine_data);
        g_clear_pointer(&vm->machine_data, g_free);
}

static const char *const virt_arches[] = {"riscv64", NULL};
static const char *const virt_settings[] = {NULL};

const struct machine_class machine_riscv_virt = {
        .name = "virt", .doc = "RISC-V VirtIO board",
        .arches = virt_arches, .max_cpus = MAX_HARTS, .default_ram = 128ull << 20, .default_cpu = "rv64",
        .init = virt_init, .boot = virt_boot, .fini = virt_fini, .settings = virt_settings,
};
