/* SPDX-License-Identifier: MIT */
/*
 * The `spike` machine: RISC-V harts, memory, a CLINT and the host-target interface, as QEMU 10 lays it out.
 * The interface is the variables `tohost` and `fromhost` of the program, found by its symbols; without them
 * it is at 0x1000000.
 */
#include <string.h>

#include "base/error.h"
#include "devices/host/char/chardev.h"
#include "devices/misc/htif.h"
#include "machines/core/dt.h"
#include "machines/core/vcpu.h"
#include "machines/riscv_board.h"

enum { MAX_HARTS = 8, HTIF_BASE = 0x1000000, HTIF_FROMHOST = HTIF_BASE, HTIF_TOHOST = HTIF_BASE + 8 };

struct spike {
        struct riscv_board board;
        struct htif_config htif;
};

static const struct machine_row clint_row =
        {"clint", "riscv.aclint", 0x02000000, ROW_NODE("clint", 0x10000)};

/* The program's symbols; the kernel's before the firmware's. */
static void find_symbols(struct spike *s)
{
        GBytes *files[] = {s->board.kernel.file, s->board.firmware.file};
        struct htif_config *h = &s->htif;

        *h = (struct htif_config){.tohost = HTIF_TOHOST, .fromhost = HTIF_FROMHOST};
        for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
                uint64_t to, from;

                if (!files[i] || !loader_is_elf(files[i]) || !loader_elf_symbol(files[i], "tohost", &to) ||
                    !loader_elf_symbol(files[i], "fromhost", &from))
                        continue;
                *h = (struct htif_config){.ram = s->board.ram, .ram_base = RISCV_DRAM_BASE, .tohost = to,
                                          .fromhost = from};
                if (!loader_elf_symbol(files[i], "begin_signature", &h->begin_signature) ||
                    !loader_elf_symbol(files[i], "end_signature", &h->end_signature) ||
                    h->end_signature < h->begin_signature)
                        h->begin_signature = h->end_signature = 0;
                return;
        }
}

static bool map_ram(struct vm *vm, struct spike *s, GError **error)
{
        struct mem_row row = {.start = RISCV_DRAM_BASE, .size = s->board.ram->size, .kind = MEM_ROW_RAM,
                              .ram = s->board.ram};

        return address_space_add(vm->memory, &row, error);
}

static bool add_htif(struct vm *vm, struct spike *s, const struct machine_options *opt, GError **error)
{
        static const char *const names[] = {"signature", "signature-granularity"};
        const struct dev_class *class = dev_class_find("htif", error);
        struct dev_setting settings[3];
        unsigned n = 0;
        struct dev *d;

        for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
                const char *value = machine_setting(opt, names[i]);

                if (value)
                        settings[n++] = (struct dev_setting){names[i], value};
        }
        if (chardev_find(vm, "serial0", NULL))
                settings[n++] = (struct dev_setting){"chardev", "serial0"};
        d = class ? dev_new(vm, class, "htif", settings, n, error) : NULL;
        return d && htif_place(d, &s->htif, error);
}

static bool spike_init(struct vm *vm, const struct machine_options *opt, GError **error)
{
        struct spike *s = g_new0(struct spike, 1);
        struct dev *clint;
        char *harts;

        vm->machine_data = s;
        if (!riscv_board_init(vm, &s->board, opt, error))
                return false;
        find_symbols(s);
        if (!map_ram(vm, s, error) || !add_htif(vm, s, opt, error))
                return false;
        harts = g_strdup_printf("%u", vm->n_vcpus);
        clint = machine_add_row(vm, &clint_row, &(struct dev_setting){"harts", harts}, 1, error);
        g_free(harts);
        if (clint)
                riscv_connect_aclint(vm, clint);
        return clint != NULL;
}

static struct dt *spike_dt(struct vm *vm, struct spike *s)
{
        struct dt *dt = dt_new();
        uint32_t intc[MAX_HARTS];
        char *path = riscv_dt_row_path(&clint_row);

        riscv_dt_base(vm, dt, "ucbbar,spike-bare-dev", "ucbbar,spike-bare,qemu", intc);
        riscv_dt_row(vm, dt, &clint_row, 0);
        riscv_dt_hart_lines(vm, dt, path, intc, 3, 7);
        dt_node(dt, "/htif");
        dt_string(dt, "/htif", "compatible", "ucb,htif0");
        if (!s->htif.ram)
                dt_reg64(dt, "/htif", HTIF_BASE, GUEST_PAGE_SIZE);
        dt_node(dt, "/chosen");
        dt_string(dt, "/chosen", "stdout-path", "/htif");
        g_free(path);
        return dt;
}

static bool spike_boot(struct vm *vm, const struct machine_options *opt, GError **error)
{
        struct spike *s = vm->machine_data;
        struct dt *dt;
        bool ok;

        if (!riscv_board_load(vm, &s->board, error))
                return false;
        dt = spike_dt(vm, s);
        ok = riscv_board_start(vm, &s->board, dt, error);
        dt_free(dt);
        return ok;
}

static void spike_fini(struct vm *vm)
{
        if (vm->machine_data)
                riscv_board_fini(&((struct spike *)vm->machine_data)->board);
        g_clear_pointer(&vm->machine_data, g_free);
}

static const char *const spike_arches[] = {"riscv64", NULL};
static const char *const spike_settings[] = {"signature", "signature-granularity", NULL};

const struct machine_class machine_spike = {
        .name = "spike", .doc = "RISC-V board of the Spike simulator, with HTIF",
        .arches = spike_arches, .max_cpus = MAX_HARTS, .default_ram = 128ull << 20, .default_cpu = "rv64",
        .init = spike_init, .boot = spike_boot, .fini = spike_fini, .settings = spike_settings,
};
