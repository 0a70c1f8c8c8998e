/* SPDX-License-Identifier: MIT */
/*
 * The device API (DESIGN section 5). A device is one const struct dev_class; from it come -device help, QMP
 * introspection, register trace, documentation and snapshots. The bus checks size, alignment and bounds,
 * holds the device's lock and refuses re-entry; handlers see offsets. A device reaches the world only through
 * dev_dma_*, irq_set, clocks and timers, and dev_guest_error.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "machines/core/clock.h"
#include "machines/core/irq.h"
#include "machines/core/memory.h"
#include "machines/core/vm.h"

struct dev;
struct dev_deferred;
struct dt;

/* ---- properties: set by -device, -global and machine rows, checked against this table ---- */
enum prop_type { PROP_BOOL, PROP_U32, PROP_U64, PROP_SIZE, PROP_STRING,
                 PROP_CHARDEV, PROP_DRIVE /* names of back ends, resolved by dev_new */ };
struct dev_prop {
        const char *name, *doc;
        enum prop_type type;
        /* in the device structure: bool, uint32_t, uint64_t, char *, struct chardev *, ... */
        size_t offset;
        const char *default_value;  /* as text, or NULL */
};

/* ---- state fields: what snapshots save; everything that a guest can observe later ---- */
enum field_type { FIELD_U8, FIELD_U16, FIELD_U32, FIELD_U64, FIELD_BOOL, FIELD_BYTES,
                 FIELD_TIMER /* struct timer * */ };
struct dev_field {
        const char *name;
        enum field_type type;
        size_t offset;
        uint32_t count;             /* array length; bytes for FIELD_BYTES */
        size_t stride;              /* bytes between elements when inside an array of structures; 0: packed */
};

/* ---- registers, for trace and documentation ---- */
struct dev_reg {
        uint32_t offset;
        const char *name;
};

/* ---- MMIO regions ---- */
enum { ACCESS_1 = 1, ACCESS_2 = 2, ACCESS_4 = 4, ACCESS_8 = 8 }; /* sum: sizes allowed, naturally aligned */
struct dev_region {
        const char *name;
        uint64_t size;
        uint8_t access;
        uint64_t (*read)(struct dev *d, uint64_t offset, unsigned size);
        void (*write)(struct dev *d, uint64_t offset, uint64_t value, unsigned size);
        /* for those who need to refuse or to know who asks; used instead when set */
        enum mem_result (*read_with)(struct dev *d, uint64_t offset, unsigned size, struct mem_attr attr,
                                     uint64_t *v);
        enum mem_result (*write_with)(struct dev *d, uint64_t offset, unsigned size, struct mem_attr attr,
                                      uint64_t v);
};

struct dev_class {
        const char *name, *doc;
        const char *compat;               /* device-tree compatible, or NULL */
        const char *bus;                  /* plugs into ("virtio-bus"), or NULL: part of machines only */
        size_t size;                      /* of the device structure, which starts with struct dev */
        const struct dev_prop *props;     /* each list ends with a row of zeros */
        const struct dev_field *state;
        const struct dev_reg *regs;
        struct dev_region regions[4];
        unsigned irqs;                    /* outputs; also the most that irq_out can be indexed with */
        unsigned irq_inputs;
        /* an interrupt controller: its lock ranks after the other devices' */
        bool intc;
        bool (*init)(struct dev *d, GError **error);  /* properties are set, memory is zeroed */
        void (*reset)(struct dev *d);
        void (*fini)(struct dev *d);
        void (*irq_in)(struct dev *d, unsigned n, bool level); /* no lock held: post or take one */
        /* before a save: finish what is in flight; no lock held */
        void (*settle)(struct dev *d);
        /* after a restore: check every field, rebuild the rest */
        bool (*loaded)(struct dev *d, GError **error);
        /* writes the node's properties beyond compatible, reg and interrupts (machines/core/dt.h), or NULL */
        void (*fdt)(struct dev *d, struct dt *dt, const char *path);
};

struct dev {
        const struct dev_class *class;
        struct vm *vm;
        char *id;                      /* unique in the machine */
        GMutex lock;                   /* rank: device, or interrupt controller */
        GThread *owner;                /* who is inside; refuses re-entry */
        /* whose lock guards this device: itself, or the transport it is plugged into */
        struct dev *guard;
        struct address_space *dma;     /* the address space it masters */
        struct irq_line *irq_out;      /* class->irqs of them */
        gpa_t base[4];                 /* where each region is mapped; for trace and the device tree */
        uint32_t irq_number[4];        /* as wired, for the device tree */
        struct dev_deferred *deferred; /* dev.c: DMA writes into registers, done once the lock is dropped */
};

/* All classes: the list that meson generates from devices/meson.build. NULL-terminated. */
extern const struct dev_class *const dev_classes[];
const struct dev_class *dev_class_find(const char *name, GError **error); /* error names the nearest */

struct dev_setting { const char *name, *value; };

/* Finds a property by name, or sets an error that names the nearest one. */
const struct dev_prop *dev_prop_find(const struct dev_class *class, const char *name, GError **error);
const char *dev_prop_type_name(enum prop_type type);
/* Parses "on", "4k", "0x10" as the commands do. */
bool dev_parse_bool(const char *text, bool *value, GError **error);
bool dev_parse_size(const char *text, uint64_t *value, GError **error);
bool dev_parse_u64(const char *text, uint64_t *value, GError **error);

/* Creates, sets properties (defaults, -global, then @settings), runs init. Owned by vm->devices. */
struct dev *dev_new(struct vm *vm, const struct dev_class *class, const char *id,
                    const struct dev_setting *settings,
                    unsigned n_settings, GError **error);
void dev_free(struct dev *d);

/* The device of @vm with this id, or NULL. */
struct dev *dev_find(struct vm *vm, const char *id);

/* Maps region @n at @base of @as; connects output @n. */
bool dev_map(struct dev *d, unsigned n, struct address_space *as, gpa_t base, GError **error);
void dev_connect(struct dev *d, unsigned n, struct irq_line line);
struct irq_line dev_irq_input(struct dev *d, unsigned n);

/* What the bus calls (memory.c): checks, locks, traces, dispatches. */
enum mem_result dev_read(struct dev *d, unsigned region, uint64_t offset, unsigned size, struct mem_attr attr,
                         uint64_t *value);
enum mem_result dev_write(struct dev *d, unsigned region, uint64_t offset, unsigned size,
                          struct mem_attr attr,
                          uint64_t value);

/* DMA in the device's address space. Into MMIO: queued until the lock is dropped; into itself: refused. */
enum mem_result dev_dma_read(struct dev *d, gpa_t gpa, void *buf, uint64_t len);
enum mem_result dev_dma_write(struct dev *d, gpa_t gpa, const void *buf, uint64_t len);

static inline void dev_irq(struct dev *d, unsigned n, bool level)
{
        irq_set(&d->irq_out[n], level);
}

void dev_guest_error(struct dev *d, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/*
 * Snapshots: all state fields in a self-describing form; load checks names, types and sizes, then calls
 * loaded.
 */
void dev_save(struct dev *d, GByteArray *to);
bool dev_load(struct dev *d, const uint8_t *from, size_t len, size_t *used, GError **error);

/*
 * dev_reset enters the device by itself. For callbacks from the main loop (timers, chardevs, completions):
 * enter and leave the device as the bus does.
 */
void dev_reset(struct dev *d);
void dev_enter(struct dev *d);
void dev_leave(struct dev *d);
