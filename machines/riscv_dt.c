/* SPDX-License-Identifier: MIT */
/*
 * The nodes of the device tree that RISC-V machines have in common: memory, harts with their ISA strings
 * (Documentation/devicetree/bindings/riscv of Linux), and one for each row of the machine's table.
 */
#include <string.h>

#include "frontend/riscv/cpu.h"
#include "machines/core/dt.h"
#include "machines/riscv_board.h"

/* Extensions in the order of the ISA string; single letters come first and are not separated. */
static const struct {
        const char *name;
        enum rv_feature feature;
} extensions[] = {
        {"i", RV_F_I}, {"m", RV_F_M}, {"a", RV_F_A}, {"f", RV_F_F}, {"d", RV_F_D}, {"c", RV_F_C},
        {"zicntr", RV_F_ZICNTR}, {"zicond", RV_F_ZICOND}, {"zicsr", RV_F_ZICSR}, {"zifencei", RV_F_ZIFENCEI},
        {"zihintpause", RV_F_ZIHINTPAUSE}, {"zihpm", RV_F_ZIHPM},
        {"zba", RV_F_ZBA}, {"zbb", RV_F_ZBB}, {"zbs", RV_F_ZBS}, {"sstc", RV_F_SSTC},
};

static void dt_isa(struct dt *dt, const char *path, const struct cpu_config *config)
{
        const char *list[G_N_ELEMENTS(extensions) + 1];
        bool rv32 = cpu_has(&config->features, RV_F_RV32);
        GString *isa = g_string_new(rv32 ? "rv32" : "rv64");
        unsigned n = 0;

        for (unsigned i = 0; i < G_N_ELEMENTS(extensions); i++) {
                const char *name = extensions[i].name;

                if (!cpu_has(&config->features, extensions[i].feature))
                        continue;
                if (name[1])
                        g_string_append_c(isa, '_');
                g_string_append(isa, name);
                list[n++] = name;
        }
        list[n] = NULL;
        dt_strings(dt, path, "riscv,isa-extensions", list);
        dt_string(dt, path, "riscv,isa-base", rv32 ? "rv32i" : "rv64i");
        dt_string(dt, path, "riscv,isa", isa->str);
        g_string_free(isa, TRUE);
        dt_string(dt, path, "mmu-type",
                  cpu_has(&config->features, RV_F_SV48) ? "riscv,sv48"
                  : cpu_has(&config->features, RV_F_SV39) ? "riscv,sv39" : "riscv,none");
}

static void dt_hart(struct dt *dt, struct vcpu *v, uint32_t *intc)
{
        const struct cpu_config *config = v->ops->config(v);
        uint32_t cpu = dt_new_phandle(dt);
        char *path = g_strdup_printf("/cpus/cpu@%x", v->index), *sub;

        *intc = dt_new_phandle(dt);
        dt_node(dt, path);
        dt_u32(dt, path, "phandle", cpu);
        dt_string(dt, path, "device_type", "cpu");
        dt_u32(dt, path, "reg", v->index);
        dt_string(dt, path, "status", "okay");
        dt_string(dt, path, "compatible", "riscv");
        dt_isa(dt, path, config);

        sub = g_strconcat(path, "/interrupt-controller", NULL);
        dt_node(dt, sub);
        dt_u32(dt, sub, "#interrupt-cells", 1);
        dt_flag(dt, sub, "interrupt-controller");
        dt_string(dt, sub, "compatible", "riscv,cpu-intc");
        dt_u32(dt, sub, "phandle", *intc);
        g_free(sub);

        sub = g_strdup_printf("/cpus/cpu-map/cluster0/core%u", v->index);
        dt_node(dt, sub);
        dt_u32(dt, sub, "cpu", cpu);
        g_free(sub);
        g_free(path);
}

void riscv_dt_base(struct vm *vm, struct dt *dt, const char *compatible, const char *model, uint32_t *intc)
{
        char *memory = g_strdup_printf("/memory@%" PRIx64, (uint64_t)RISCV_DRAM_BASE);

        dt_u32(dt, "/", "#address-cells", 2);
        dt_u32(dt, "/", "#size-cells", 2);
        dt_string(dt, "/", "compatible", compatible);
        dt_string(dt, "/", "model", model);
        dt_node(dt, memory);
        dt_string(dt, memory, "device_type", "memory");
        dt_reg64(dt, memory, RISCV_DRAM_BASE, vm->ram_size);
        g_free(memory);
        dt_node(dt, "/cpus");
        dt_u32(dt, "/cpus", "#address-cells", 1);
        dt_u32(dt, "/cpus", "#size-cells", 0);
        dt_u32(dt, "/cpus", "timebase-frequency", vm->timebase.hz);
        dt_node(dt, "/cpus/cpu-map");
        dt_node(dt, "/cpus/cpu-map/cluster0");
        for (unsigned i = 0; i < vm->n_vcpus; i++)
                dt_hart(dt, vm->vcpus[i], &intc[i]);
        dt_node(dt, "/soc");
        dt_u32(dt, "/soc", "#address-cells", 2);
        dt_u32(dt, "/soc", "#size-cells", 2);
        dt_string(dt, "/soc", "compatible", "simple-bus");
        dt_flag(dt, "/soc", "ranges");
}

char *riscv_dt_row_path(const struct machine_row *row)
{
        return g_strdup_printf("/soc/%s@%" PRIx64, row->node, row->base);
}

void riscv_dt_row(struct vm *vm, struct dt *dt, const struct machine_row *row, uint32_t irq_parent)
{
        struct dev *d = dev_find(vm, row->id);
        char *path;

        if (!row->node || !d)
                return;
        path = riscv_dt_row_path(row);
        dt_node(dt, path);
        if (row->irq_to) {
                dt_u32(dt, path, "interrupts", row->irq);
                dt_u32(dt, path, "interrupt-parent", irq_parent);
        }
        dt_reg64(dt, path, row->base, row->node_size);
        if (d->class->compat)
                dt_string(dt, path, "compatible", d->class->compat);
        if (d->class->fdt)
                d->class->fdt(d, dt, path);
        g_free(path);
}

void riscv_dt_hart_lines(struct vm *vm, struct dt *dt, const char *path, const uint32_t *intc, uint32_t first,
                         uint32_t second)
{
        uint32_t *cells = g_new(uint32_t, vm->n_vcpus * 4);

        for (unsigned i = 0; i < vm->n_vcpus; i++) {
                cells[4 * i] = cells[4 * i + 2] = intc[i];
                cells[4 * i + 1] = first;
                cells[4 * i + 3] = second;
        }
        dt_cells(dt, path, "interrupts-extended", cells, vm->n_vcpus * 4);
        g_free(cells);
}
