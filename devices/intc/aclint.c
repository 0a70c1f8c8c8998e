/* SPDX-License-Identifier: MIT */
/*
 * Core-local interruptor: software interrupts and machine timers of the harts, in SiFive's CLINT layout
 * (RISC-V ACLINT specification 1.0-rc4, chapter 4: MSWI at 0, MTIMER at 0x4000). mtime is the VM's timebase.
 * Outputs: 0 to 15 the software interrupts, 16 to 31 the timer interrupts. The supervisor's timer (Sstc) is
 * in the harts and follows the same timebase.
 *
 * Reset clears mtime and leaves mtimecmp unspecified there: here it is the largest number, so that no
 * interrupt is pending before software asks for one. (In QEMU 10 it is 0.)
 */
#include "base/error.h"
#include "devices/dev.h"
#include "machines/core/dt.h"

enum { MAX_HARTS = 16 };

enum { ACLINT_MSIP = 0, ACLINT_MTIMECMP = 0x4000, ACLINT_MTIME = 0xbff8, ACLINT_SIZE = 0x10000 };

struct aclint;

struct aclint_timer {
        struct aclint *owner;
        struct timer *timer;
        uint64_t compare;
};

struct aclint {
        struct dev dev;
        uint32_t n_harts;

        uint8_t msip[MAX_HARTS];
        struct aclint_timer timers[MAX_HARTS];
};

/* Sets the line of @hart and arms the timer for the moment when it changes. */
static void aclint_update(struct aclint *a, unsigned hart)
{
        struct aclint_timer *t = &a->timers[hart];
        bool due = vm_timebase_ticks(a->dev.vm) >= t->compare;

        dev_irq(&a->dev, MAX_HARTS + hart, due);
        timer_arm(t->timer, due ? INT64_MAX : vm_timebase_deadline_ns(a->dev.vm, t->compare));
}

static void aclint_fired(void *opaque)
{
        struct aclint_timer *t = opaque;
        struct aclint *a = t->owner;

        dev_enter(&a->dev);
        aclint_update(a, t - a->timers);
        dev_leave(&a->dev);
}

/* @old with the @size bytes at @offset (within its 8) replaced. */
static uint64_t merge(uint64_t old, uint64_t offset, uint64_t value, unsigned size)
{
        unsigned shift = (offset & 4) * 8;

        if (size == 8)
                return value;
        return (old & ~(0xffffffffull << shift)) | (value & 0xffffffff) << shift;
}

static uint64_t part(uint64_t v, uint64_t offset, unsigned size)
{
        return size == 8 ? v : (uint32_t)(v >> (offset & 4) * 8);
}

static uint64_t aclint_read(struct dev *d, uint64_t offset, unsigned size)
{
        struct aclint *a = (struct aclint *)d;
        uint64_t hart;

        if (offset < ACLINT_MTIMECMP) {
                hart = offset / 4;
                return hart < a->n_harts && size == 4 ? a->msip[hart] : 0;
        }
        if ((offset & ~7ull) == ACLINT_MTIME)
                return part(vm_timebase_ticks(d->vm), offset, size);
        hart = (offset - ACLINT_MTIMECMP) / 8;
        return hart < a->n_harts ? part(a->timers[hart].compare, offset, size) : 0;
}

static void aclint_write(struct dev *d, uint64_t offset, uint64_t value, unsigned size)
{
        struct aclint *a = (struct aclint *)d;
        uint64_t hart;

        if (offset < ACLINT_MTIMECMP) {
                hart = offset / 4;
                if (hart < a->n_harts && size == 4) {
                        a->msip[hart] = value & 1;
                        dev_irq(d, hart, a->msip[hart]);
                }
                return;
        }
        if ((offset & ~7ull) == ACLINT_MTIME) {
                vm_timebase_set(d->vm, merge(vm_timebase_ticks(d->vm), offset, value, size));
                for (hart = 0; hart < a->n_harts; hart++)
                        aclint_update(a, hart);
                return;
        }
        hart = (offset - ACLINT_MTIMECMP) / 8;
        if (hart < a->n_harts) {
                a->timers[hart].compare = merge(a->timers[hart].compare, offset, value, size);
                aclint_update(a, hart);
        }
}

static bool aclint_init(struct dev *d, GError **error)
{
        struct aclint *a = (struct aclint *)d;

        if (!a->n_harts || a->n_harts > MAX_HARTS)
                return error_set(error, RHEA_ERROR_USAGE, "harts must be 1 to %d", MAX_HARTS);
        for (unsigned i = 0; i < MAX_HARTS; i++) {
                a->timers[i].owner = a;
                a->timers[i].timer = timer_new(d->vm, CLOCK_RUN, aclint_fired, &a->timers[i]);
                a->timers[i].compare = UINT64_MAX;
        }
        return true;
}

static void aclint_reset(struct dev *d)
{
        struct aclint *a = (struct aclint *)d;

        vm_timebase_set(d->vm, 0);
        for (unsigned i = 0; i < a->n_harts; i++) {
                a->msip[i] = 0;
                dev_irq(d, i, false);
                a->timers[i].compare = UINT64_MAX;
                aclint_update(a, i);
        }
}

static void aclint_fini(struct dev *d)
{
        struct aclint *a = (struct aclint *)d;

        for (unsigned i = 0; i < MAX_HARTS; i++)
                timer_free(a->timers[i].timer);
}

static bool aclint_loaded(struct dev *d, GError **error)
{
        struct aclint *a = (struct aclint *)d;

        for (unsigned i = 0; i < a->n_harts; i++) {
                a->msip[i] &= 1;
                dev_irq(d, i, a->msip[i]);
                aclint_update(a, i);
        }
        return true;
}

static void aclint_fdt(struct dev *d, struct dt *dt, const char *path)
{
        dt_strings(dt, path, "compatible", (const char *const[]){"sifive,clint0", "riscv,clint0", NULL});
}

static const struct dev_prop aclint_props[] = {
        {"harts", "number of harts", PROP_U32, offsetof(struct aclint, n_harts), "1"},
        {},
};

static const struct dev_field aclint_state[] = {
        {"msip", FIELD_U8, offsetof(struct aclint, msip), MAX_HARTS},
        {"mtimecmp", FIELD_U64, offsetof(struct aclint, timers[0].compare), MAX_HARTS,
         sizeof(struct aclint_timer)},
        {},
};

static const struct dev_reg aclint_regs[] = {
        {ACLINT_MSIP, "msip"}, {ACLINT_MTIMECMP, "mtimecmp"}, {ACLINT_MTIME, "mtime"}, {},
};

const struct dev_class dev_aclint = {
        .name = "riscv.aclint", .compat = "sifive,clint0",
        .doc = "RISC-V software interrupts and machine timers",
        .size = sizeof(struct aclint), .props = aclint_props, .state = aclint_state, .regs = aclint_regs,
        .regions = {{"regs", ACLINT_SIZE, ACCESS_4 | ACCESS_8, aclint_read, aclint_write}},
        .irqs = 2 * MAX_HARTS, .intc = true,
        .init = aclint_init, .reset = aclint_reset, .fini = aclint_fini, .loaded = aclint_loaded,
        .fdt = aclint_fdt,
};
