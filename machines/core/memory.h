/* SPDX-License-Identifier: MIT */
/*
 * The guest-physical memory map: RAM blocks, and address spaces as immutable sorted views that are replaced
 * whole (decision 16). Readers take the current view without a lock; an old view is freed when no reader can
 * hold it.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <inttypes.h>

#include <glib.h>

typedef uint64_t gpa_t; /* guest-physical address */
typedef uint64_t gva_t; /* guest-virtual address */

struct vm;
struct dev;
struct dev_region;

enum { GUEST_PAGE_BITS = 12, GUEST_PAGE_SIZE = 4096, CODE_LINE_BITS = 6 /* 64 lines of 64 bytes a page */ };

/* Who asks. Every transaction carries one. */
struct mem_attr {
        uint16_t requester; /* 0 to 255 vCPUs; devices above */
        bool secure, user, fetch;
};

enum mem_result {
        MEM_OK,
        MEM_DECODE_ERROR, /* nothing there, or a size or alignment that the region refuses */
        MEM_DEVICE_ERROR, /* the device says no */
        MEM_RETRY,        /* cannot be done now (re-entry refused) */
};

/*
 * A device's variable in RAM: @stored is told of each store to it, afterwards, with no lock held. Told of are
 * the stores of vCPUs and single accesses on the bus, not the blocks that devices and the loader write.
 */
struct ram_listener {
        uint64_t offset, len; /* in the block */
        void (*stored)(void *opaque, uint64_t offset, uint64_t len);
        void *opaque;
};

/*
 * One block of guest RAM or ROM. host is page-aligned and congruent with its guest-physical start modulo
 * 4096. code_lines has one word a guest page: bit n says that translated code was read from line n (decision
 * 15), or that a listener's variable is there: stores to it take the slow path. Generated code reads it; once
 * the vCPUs run only backend/ writes it.
 */
struct ram_block {
        char *name;
        uint8_t *host;
        uint64_t size;
        int fd;        /* memfd, or -1 */
        bool readonly; /* guest stores are ignored (ROM) */
        _Atomic uint64_t *code_lines;
        GArray *listeners; /* struct ram_listener; NULL: none. Fixed before the vCPUs run */
        struct vm *vm;
};

/* Zero-filled and not yet backed; refuses what the host cannot map. @size is a multiple of 4096. */
struct ram_block *ram_block_new(struct vm *vm, const char *name, uint64_t size, GError **error);
void ram_block_free(struct ram_block *ram);

/* How the bus reaches the device of an MMIO row; dev_map puts devices/dev.c's here, tests their own. */
struct mem_mmio_ops {
        enum mem_result (*read)(struct dev *dev, unsigned region, uint64_t offset, unsigned size,
                                struct mem_attr attr,
                                uint64_t *value);
        enum mem_result (*write)(struct dev *dev, unsigned region, uint64_t offset, unsigned size,
                                 struct mem_attr attr,
                                 uint64_t value);
};

enum mem_row_kind { MEM_ROW_RAM, MEM_ROW_ROM, MEM_ROW_MMIO };

/*
 * One stretch of an address space. Rows are sorted, do not overlap, and start and end on any byte for MMIO
 * and on 4 KiB boundaries for RAM and ROM.
 */
struct mem_row {
        gpa_t start;
        uint64_t size;
        enum mem_row_kind kind;
        struct ram_block *ram; /* RAM, ROM */
        uint64_t offset;       /* of start within the block or region */
        struct dev *dev;       /* MMIO */
        const struct dev_region *region;
        unsigned region_index;
        const struct mem_mmio_ops *mmio; /* MMIO */
        char name[24];         /* for messages and the memory map; a RAM row without one takes its block's */
};

struct mem_view {
        uint32_t n_rows;
        struct mem_row rows[];
};

struct address_space {
        struct vm *vm;
        const char *name;
        _Atomic(struct mem_view *) view;
        /* private: GMutex for writers, list of retired views, ... (memory.c) */
        struct address_space_priv *priv;
};

struct address_space *address_space_new(struct vm *vm, const char *name);
void address_space_free(struct address_space *as);

/*
 * Adds a row and publishes the new view; refuses overlap, naming both. Before the vCPUs run, or in
 * vm_exclusive.
 */
bool address_space_add(struct address_space *as, const struct mem_row *row, GError **error);
void address_space_remove(struct address_space *as, gpa_t start);

/*
 * The row that covers @gpa, or NULL. Valid until the calling thread next leaves its epoch (see vcpu and main
 * loop).
 */
const struct mem_row *address_space_find(const struct address_space *as, gpa_t gpa);

/*
 * Host pointer to @len bytes of RAM or ROM at @gpa, all within one row; NULL if not so. For DMA and page
 * walks.
 */
void *address_space_ram_ptr(const struct address_space *as, gpa_t gpa, uint64_t len, bool for_write);

/*
 * One access of 1, 2, 4 or 8 bytes, any alignment that the target takes; MMIO goes to the device under its
 * lock. Values are in the low bytes, guest memory little-endian. Stores to RAM keep code translations true.
 */
enum mem_result address_space_read(struct address_space *as, gpa_t gpa, unsigned size, struct mem_attr attr,
                                   uint64_t *value);
enum mem_result address_space_write(struct address_space *as, gpa_t gpa, unsigned size, struct mem_attr attr,
                                    uint64_t value);

/*
 * Blocks of any length over RAM (and ROM for reads, or for the loader with force_rom); stops at the first
 * failure.
 */
enum mem_result address_space_read_bytes(struct address_space *as, gpa_t gpa, void *buf, uint64_t len);
enum mem_result address_space_write_bytes(struct address_space *as, gpa_t gpa, const void *buf, uint64_t len);
enum mem_result address_space_write_rom(struct address_space *as, gpa_t gpa, const void *buf, uint64_t len);

/*
 * Must follow every store to RAM that generated code did not make (devices, loader, gdb): drops translations
 * read from those bytes and ends reservations on them. Calls the hook that the engine installed in struct vm.
 */
void ram_block_note_write(struct ram_block *ram, uint64_t offset, uint64_t len);

/* Before the vCPUs run. */
void ram_block_listen(struct ram_block *ram, const struct ram_listener *listener);

/* The lines of the page at @offset that hold a listener's variable. */
uint64_t ram_block_listened_lines(const struct ram_block *ram, uint64_t offset);

/* Tells the listeners of a store; the engine does for those of vCPUs. */
void ram_block_tell(struct ram_block *ram, uint64_t offset, uint64_t len);
