/* SPDX-License-Identifier: MIT */
/* The monitor's info commands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/dev.h"
#include "devices/host/block/block.h"
#include "devices/host/char/chardev.h"
#include "frontend/cpu.h"
#include "machines/core/engine.h"
#include "machines/machine.h"
#include "ui/debug.h"
#include "ui/monitor/command.h"
#include "ui/version.h"

/* ---- vCPUs ---- */

static void info_registers(struct command_run *r)
{
        struct vcpu *v = command_vcpu(r);
        bool ran = debug_hold(r->vm);
        unsigned column = 0;

        g_string_append_printf(r->out, "vCPU %u\n", r->cpu);
        for (uint32_t i = 0; i < v->ops->n_regs; i++) {
                const struct cpu_reg *reg = &v->ops->regs[i];
                bool new_set = i && reg->set != v->ops->regs[i - 1].set, wide = reg->bits > 64;
                uint64_t value[CPU_REG_WORDS];

                if (column + wide >= 4 || new_set) {
                        g_string_append_c(r->out, '\n');
                        column = 0;
                }
                debug_reg_get(v, reg, value);
                g_string_append_printf(r->out, "%-13s ", reg->name);
                if (wide)
                        g_string_append_printf(r->out, "%0*" PRIx64, reg->bits / 4 - 16, value[1]);
                g_string_append_printf(r->out, "%0*" PRIx64 "  ", wide ? 16 : reg->bits / 4, value[0]);
                column += wide ? 2 : 1;
        }
        g_string_append_c(r->out, '\n');
        debug_release(r->vm, ran);
}

static const char *vcpu_doing(const struct vcpu *v)
{
        if (v->halted)
                return "waits for an interrupt";
        return atomic_load(&v->vm->state) == VM_RUNNING ? "runs" : "stopped";
}

static void info_cpus(struct command_run *r)
{
        bool ran = debug_hold(r->vm);

        for (unsigned i = 0; i < r->vm->n_vcpus; i++) {
                const struct vcpu *v = r->vm->vcpus[i];

                g_string_append_printf(r->out, "%c vCPU %u: pc 0x%016" PRIx64 ", %s", i == r->cpu ? '*' : ' ',
                                       i, v->hot.pc, v->halted || !ran ? vcpu_doing(v) : "runs");
                if (r->vm->deterministic)
                        g_string_append_printf(r->out, ", %" PRIu64 " instructions", vcpu_insn_count(v));
                g_string_append_c(r->out, '\n');
        }
        debug_release(r->vm, ran);
}

static void info_status(struct command_run *r)
{
        g_string_append_printf(r->out, "VM status: %s\n",
                               atomic_load(&r->vm->state) == VM_RUNNING ? "running" : "paused");
}

/* ---- memory map ---- */

static void info_mtree(struct command_run *r)
{
        static const char *const kinds[] = {
                [MEM_ROW_RAM] = "ram", [MEM_ROW_ROM] = "rom", [MEM_ROW_MMIO] = "mmio",
        };
        const struct mem_view *view = atomic_load(&r->vm->memory->view);

        g_string_append_printf(r->out, "address space %s\n", r->vm->memory->name);
        for (uint32_t i = 0; i < view->n_rows; i++) {
                const struct mem_row *row = &view->rows[i];

                g_string_append_printf(r->out, "  %016" PRIx64 "-%016" PRIx64 " %-4s %s%s%s\n", row->start,
                                       row->start + row->size - 1, kinds[row->kind],
                                       row->name[0] ? row->name : row->dev ? row->dev->id : row->ram->name,
                                       row->dev ? ": " : "", row->dev ? row->dev->class->name : "");
        }
}

/* ---- devices ---- */

static void print_prop(GString *out, const struct dev *d, const struct dev_prop *p)
{
        const char *at = (const char *)d + p->offset;

        g_string_append_printf(out, "    %s = ", p->name);
        switch (p->type) {
        case PROP_BOOL:
                g_string_append(out, *(const bool *)at ? "on" : "off");
                break;
        case PROP_U32:
                g_string_append_printf(out, "%" PRIu32, *(const uint32_t *)at);
                break;
        case PROP_U64:
        case PROP_SIZE:
                g_string_append_printf(out, "%" PRIu64, *(const uint64_t *)at);
                break;
        case PROP_STRING:
                g_string_append_printf(out, "\"%s\"", *(char *const *)at ? *(char *const *)at : "");
                break;
        case PROP_CHARDEV:
                g_string_append(out,
                                *(void *const *)at ? chardev_id(*(struct chardev *const *)at) : "(none)");
                break;
        case PROP_DRIVE:
                g_string_append(out,
                                *(void *const *)at ? block_id(*(struct block_backend *const *)at) : "(none)");
                break;
        }
        g_string_append_c(out, '\n');
}

static void info_qtree(struct command_run *r)
{
        for (unsigned i = 0; i < r->vm->devices->len; i++) {
                const struct dev *d = r->vm->devices->pdata[i];

                g_string_append_printf(r->out, "dev: %s, id \"%s\"\n", d->class->name, d->id);
                for (unsigned k = 0; k < G_N_ELEMENTS(d->class->regions) && d->class->regions[k].name; k++)
                        g_string_append_printf(r->out, "    %s at %016" PRIx64 ", 0x%" PRIx64 " bytes\n",
                                               d->class->regions[k].name, d->base[k],
                                               d->class->regions[k].size);
                for (const struct dev_prop *p = d->class->props; p && p->name; p++)
                        print_prop(r->out, d, p);
        }
}

static void info_irq(struct command_run *r)
{
        for (unsigned i = 0; i < r->vm->n_vcpus; i++) {
                const struct vcpu *v = r->vm->vcpus[i];
                uint64_t lines = atomic_load(&v->irq_pending);

                g_string_append_printf(r->out, "vCPU %u: ", i);
                for (unsigned n = 0; n < 64; n++) {
                        if (lines >> n & 1)
                                g_string_append_printf(r->out, "line %u high, ", n);
                }
                g_string_append(r->out, v->hooks.has_work(v) ? "has work\n" : "nothing to take\n");
        }
        for (unsigned i = 0; i < r->vm->devices->len; i++) {
                const struct dev *d = r->vm->devices->pdata[i];

                if (d->irq_number[0])
                        g_string_append_printf(r->out, "%s: interrupt %" PRIu32 "\n", d->id,
                                               d->irq_number[0]);
        }
}

static void info_chardev(struct command_run *r)
{
        for (unsigned i = 0; i < r->vm->chardevs->len; i++) {
                const struct chardev *c = r->vm->chardevs->pdata[i];

                g_string_append_printf(r->out, "%s: %s%s\n", chardev_id(c), chardev_where(c),
                                       chardev_is_mux(c) ? ", shared" : "");
        }
}

static void info_block(struct command_run *r)
{
        for (unsigned i = 0; i < r->vm->drives->len; i++) {
                const struct block_backend *b = r->vm->drives->pdata[i];
                const char *user = block_claimed_by(b);

                g_string_append_printf(r->out, "%s: %s, %" PRIu64 " bytes%s, %s%s\n", block_id(b),
                                       block_file(b), block_size(b), block_read_only(b) ? ", read-only" : "",
                                       user ? "used by " : "not used", user ? user : "");
        }
}

/* ---- the engine and the rest ---- */

static void info_jit(struct command_run *r)
{
        const struct engine *e = r->vm->engine;
        char *text = NULL;
        size_t len;
        FILE *f;

        g_string_append_printf(r->out, "%s: %s\n", e->name, e->doc);
        f = e->print_stats ? open_memstream(&text, &len) : NULL;
        if (!f)
                return;
        e->print_stats(r->vm, f);
        fclose(f);
        g_string_append(r->out, text);
        free(text);
}

static void info_breakpoints(struct command_run *r)
{
        for (guint i = 0; i < r->vm->breakpoints->len; i++)
                g_string_append_printf(r->out, "0x%016" PRIx64 "\n",
                                       g_array_index(r->vm->breakpoints, gva_t, i));
}

static void info_name(struct command_run *r)
{
        g_string_append_printf(r->out, "%s (machine %s)\n", r->vm->name, r->vm->machine->name);
}

static void info_version(struct command_run *r)
{
        g_string_append(r->out, RHEA_VERSION "\n");
}

const struct command info_commands[] = {
        {"registers", NULL, NULL, "registers of the current vCPU", info_registers},
        {"cpus", NULL, NULL, "the vCPUs and where they are", info_cpus},
        {"status", NULL, NULL, "whether the machine runs", info_status},
        {"mtree", NULL, NULL, "the physical memory map", info_mtree},
        {"qtree", NULL, NULL, "the devices and their properties", info_qtree},
        {"irq", NULL, NULL, "interrupt lines into the vCPUs", info_irq},
        {"chardev", NULL, NULL, "character back ends", info_chardev},
        {"block", NULL, NULL, "drives", info_block},
        {"jit", NULL, NULL, "counters of what executes guest code", info_jit},
        {"breakpoints", NULL, NULL, "breakpoints that gdb set", info_breakpoints},
        {"name", NULL, NULL, "the machine's name", info_name},
        {"version", NULL, NULL, "the version of Rhea", info_version},
        {0},
};
