/* SPDX-License-Identifier: MIT */
/*
 * Devices as the bus sees them: making and freeing, the checked, locked and traced way to a register, DMA,
 * and interrupt wiring. The lock is the device's own, or its transport's for one that is plugged into a
 * transport.
 */
#include "devices/dev.h"

#include <stdarg.h>
#include <string.h>

#include "base/error.h"
#include "base/lock.h"
#include "devices/dev_priv.h"

enum { DEFERRED_MAX = 64 /* DMA writes into registers that one visit may leave behind */ };

struct dev_deferred {
        unsigned n;
        bool flushing;
        struct {
                gpa_t gpa;
                uint64_t value;
                uint8_t size;
        } w[DEFERRED_MAX];
};

/* ---- classes ---- */

const struct dev_class *dev_class_find(const char *name, GError **error)
{
        const char *near;
        GPtrArray *names;

        for (unsigned i = 0; dev_classes[i]; i++) {
                if (!strcmp(dev_classes[i]->name, name))
                        return dev_classes[i];
        }
        names = g_ptr_array_new();
        for (unsigned i = 0; dev_classes[i]; i++)
                g_ptr_array_add(names, (gpointer)dev_classes[i]->name);
        g_ptr_array_add(names, NULL);
        near = error_nearest_name(name, (const char *const *)names->pdata);
        error_set(error, RHEA_ERROR_USAGE, "there is no device %s%s%s%s; -device help lists them", name,
                  near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
        g_ptr_array_unref(names);
        return NULL;
}

/* ---- life ---- */

struct dev *dev_find(struct vm *vm, const char *id)
{
        for (unsigned i = 0; i < vm->devices->len; i++) {
                struct dev *d = g_ptr_array_index(vm->devices, i);

                if (!strcmp(d->id, id))
                        return d;
        }
        return NULL;
}

/* Without the class's fini: for a device whose init failed. */
static void dev_release(struct dev *d)
{
        dev_props_clear(d);
        g_free(d->deferred);
        g_free(d->irq_out);
        g_free(d->id);
        g_mutex_clear(&d->lock);
        g_free(d);
}

static void dev_destroy(gpointer p)
{
        struct dev *d = p;

        if (d->class->fini)
                d->class->fini(d);
        dev_release(d);
}

struct dev *dev_new(struct vm *vm, const struct dev_class *class, const char *id,
                    const struct dev_setting *settings,
                    unsigned n_settings, GError **error)
{
        struct dev *d;

        if (dev_find(vm, id)) {
                error_set(error, RHEA_ERROR_USAGE,
                          "there are two devices with the id %s; give one another id=", id);
                return NULL;
        }
        d = g_malloc0(class->size);
        d->class = class;
        d->vm = vm;
        d->id = g_strdup(id);
        d->dma = vm->memory;
        d->guard = d;
        d->irq_out = g_new0(struct irq_line, class->irqs);
        g_mutex_init(&d->lock);
        if (!dev_props_set(d, settings, n_settings, error) || (class->init && !class->init(d, error))) {
                error_prefix(error, "%s", id);
                dev_release(d);
                return NULL;
        }
        g_ptr_array_set_free_func(vm->devices, dev_destroy);
        g_ptr_array_add(vm->devices, d);
        return d;
}

void dev_free(struct dev *d)
{
        if (d)
                g_ptr_array_remove(d->vm->devices, d);
}

void dev_reset(struct dev *d)
{
        dev_enter(d);
        if (d->class->reset)
                d->class->reset(d);
        dev_leave(d);
}

/* ---- wiring ---- */

static enum mem_result bus_read(struct dev *d, unsigned region, uint64_t offset, unsigned size,
                                struct mem_attr attr,
                                uint64_t *value)
{
        return dev_read(d, region, offset, size, attr, value);
}

static enum mem_result bus_write(struct dev *d, unsigned region, uint64_t offset, unsigned size,
                                 struct mem_attr attr,
                                 uint64_t value)
{
        return dev_write(d, region, offset, size, attr, value);
}

static const struct mem_mmio_ops dev_mmio_ops = {bus_read, bus_write};

bool dev_map(struct dev *d, unsigned n, struct address_space *as, gpa_t base, GError **error)
{
        const struct dev_region *region = &d->class->regions[n];
        struct mem_row row = {
                .start = base, .size = region->size, .kind = MEM_ROW_MMIO, .dev = d, .region = region,
                .region_index = n, .mmio = &dev_mmio_ops,
        };

        g_strlcpy(row.name, d->id, sizeof(row.name));
        if (!address_space_add(as, &row, error))
                return false;
        d->base[n] = base;
        return true;
}

void dev_connect(struct dev *d, unsigned n, struct irq_line line)
{
        if (n < d->class->irqs)
                d->irq_out[n] = line;
}

static void dev_irq_arrived(void *opaque, unsigned n, bool level)
{
        struct dev *d = opaque;

        if (n < d->class->irq_inputs && d->class->irq_in)
                d->class->irq_in(d, n, level);
}

struct irq_line dev_irq_input(struct dev *d, unsigned n)
{
        return (struct irq_line){dev_irq_arrived, d, n};
}

/* ---- in and out ---- */

static enum lock_rank dev_rank(const struct dev *d)
{
        return d->class->intc ? LOCK_INTC : LOCK_DEVICE;
}

static bool dev_is_inside(const struct dev *d)
{
        return __atomic_load_n(&d->guard->owner, __ATOMIC_RELAXED) == g_thread_self();
}

void dev_enter(struct dev *d)
{
        struct dev *g = d->guard;

        lock_take(&g->lock, dev_rank(g));
        __atomic_store_n(&g->owner, g_thread_self(), __ATOMIC_RELAXED);
}

/*
 * Carries out the DMA writes that aimed at registers. Those may make other devices write here in turn; the
 * chain is cut after DEFERRED_MAX, so that two devices pointed at each other cannot keep the host busy.
 */
static void dev_flush_deferred(struct dev *d)
{
        struct dev_deferred *q = d->deferred;
        const struct mem_attr attr = {.requester = 256};

        q->flushing = true;
        for (unsigned i = 0; i < q->n; i++)
                address_space_write(d->dma, q->w[i].gpa, q->w[i].size, attr, q->w[i].value);
        q->n = 0;
        q->flushing = false;
}

void dev_leave(struct dev *d)
{
        struct dev *g = d->guard;
        bool flush = g->deferred && g->deferred->n && !g->deferred->flushing;

        __atomic_store_n(&g->owner, NULL, __ATOMIC_RELAXED);
        lock_drop(&g->lock, dev_rank(g));
        if (flush)
                dev_flush_deferred(g);
}

static const char *dev_reg_name(const struct dev *d, unsigned region, uint64_t offset)
{
        const struct dev_reg *best = NULL;

        if (region != 0 || !d->class->regs)
                return "";
        for (const struct dev_reg *r = d->class->regs; r->name; r++) {
                if (r->offset <= offset && (!best || r->offset > best->offset))
                        best = r;
        }
        return best ? best->name : "";
}

static void dev_trace(struct dev *d, unsigned region, uint64_t offset, unsigned size, const char *dir,
                      uint64_t value,
                      enum mem_result result)
{
        log_printf(d->vm->log, "%s: %s %s+0x%" PRIx64 " %s size %u value 0x%" PRIx64 "%s\n", d->id, dir,
                   d->class->regions[region].name, offset, dev_reg_name(d, region, offset), size, value,
                   result == MEM_OK ? "" : " refused");
}

/* Size, alignment and bounds; then re-entry. */
static enum mem_result dev_check(struct dev *d, unsigned region, uint64_t offset, unsigned size)
{
        const struct dev_region *r;

        if (region >= G_N_ELEMENTS(d->class->regions))
                return MEM_DECODE_ERROR;
        r = &d->class->regions[region];
        if (!(r->access & size) || (size & (size - 1)) || offset % size || offset >= r->size ||
            size > r->size - offset) {
                dev_guest_error(d, "access of %u bytes at offset 0x%" PRIx64 " is not allowed", size, offset);
                return MEM_DECODE_ERROR;
        }
        return dev_is_inside(d) ? MEM_RETRY : MEM_OK;
}

enum mem_result dev_read(struct dev *d, unsigned region, uint64_t offset, unsigned size, struct mem_attr attr,
                         uint64_t *value)
{
        enum mem_result result = dev_check(d, region, offset, size);
        const struct dev_region *r;

        *value = 0;
        if (result != MEM_OK)
                return result;
        r = &d->class->regions[region];
        dev_enter(d);
        if (r->read_with)
                result = r->read_with(d, offset, size, attr, value);
        else if (r->read)
                *value = r->read(d, offset, size);
        dev_leave(d);
        if (size < 8)
                *value &= (1ull << (size * 8)) - 1;
        if (log_on(d->vm->log, LOG_TRACE))
                dev_trace(d, region, offset, size, "read", *value, result);
        return result;
}

enum mem_result dev_write(struct dev *d, unsigned region, uint64_t offset, unsigned size,
                          struct mem_attr attr,
                          uint64_t value)
{
        enum mem_result result = dev_check(d, region, offset, size);
        const struct dev_region *r;

        if (result != MEM_OK)
                return result;
        r = &d->class->regions[region];
        if (size < 8)
                value &= (1ull << (size * 8)) - 1;
        if (log_on(d->vm->log, LOG_TRACE))
                dev_trace(d, region, offset, size, "write", value, result);
        dev_enter(d);
        if (r->write_with)
                result = r->write_with(d, offset, size, attr, value);
        else if (r->write)
                r->write(d, offset, value, size);
        dev_leave(d);
        return result;
}

/* ---- DMA ---- */

enum mem_result dev_dma_read(struct dev *d, gpa_t gpa, void *buf, uint64_t len)
{
        return address_space_read_bytes(d->dma, gpa, buf, len);
}

/* A write that is not into memory throughout: one register access of its own size, later. */
static enum mem_result dev_dma_defer(struct dev *d, gpa_t gpa, const void *buf, uint64_t len)
{
        struct dev *g = d->guard;
        const struct mem_row *row = address_space_find(d->dma, gpa);
        struct dev_deferred *q;

        if (!row || row->kind != MEM_ROW_MMIO || (len != 1 && len != 2 && len != 4 && len != 8))
                return MEM_DECODE_ERROR;
        if (row->dev && row->dev->guard == g)
                return MEM_RETRY;
        if (!g->deferred)
                g->deferred = g_new0(struct dev_deferred, 1);
        q = g->deferred;
        if (q->n == DEFERRED_MAX) {
                dev_guest_error(d, "too many DMA writes into registers");
                return MEM_RETRY;
        }
        q->w[q->n].gpa = gpa;
        q->w[q->n].size = len;
        q->w[q->n].value = 0;
        memcpy(&q->w[q->n].value, buf, len);
        q->n++;
        return MEM_OK;
}

enum mem_result dev_dma_write(struct dev *d, gpa_t gpa, const void *buf, uint64_t len)
{
        enum mem_result result = address_space_write_bytes(d->dma, gpa, buf, len);

        return result == MEM_OK ? result : dev_dma_defer(d, gpa, buf, len);
}

void dev_guest_error(struct dev *d, const char *fmt, ...)
{
        va_list ap;
        char *msg;

        va_start(ap, fmt);
        msg = g_strdup_vprintf(fmt, ap);
        va_end(ap);
        log_guest_error(d->vm->log, "%s: %s", d->id, msg);
        g_free(msg);
}
