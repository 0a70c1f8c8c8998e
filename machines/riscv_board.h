/* SPDX-License-Identifier: MIT */
/*
 * What RISC-V machines share: harts, reset ROM, boot images and the common nodes of the device tree. Layout
 * and conventions are those of QEMU 10's boards, so that the same firmware and kernels start.
 */
#pragma once

#include "machines/core/loader.h"
#include "machines/machine.h"

struct dt;

enum { RISCV_ROM_BASE = 0x1000, RISCV_ROM_SIZE = 0xf000, RISCV_TIMEBASE_HZ = 10000000 };

#define RISCV_DRAM_BASE 0x80000000ull

/*
 * A file to boot. It stays open and is read again at each reset, instead of being kept in memory: a kernel
 * has tens of MiB. So what was replaced or removed meanwhile is still there; what was overwritten is checked
 * anew.
 */
struct riscv_image {
        const char *what;               /* "kernel" */
        char *path;                     /* NULL: there is none */
        int fd;
        GBytes *file;                   /* what it holds, unpacked; NULL when the reset is done */
};

/* Memory that something loaded takes. */
struct riscv_claim {
        const char *what;
        gpa_t low, high;
};

/* In vm->machine_data; boards may begin their own structure with it. */
struct riscv_board {
        struct ram_block *ram, *rom;
        /* RAM and ROM alone, without what a board lays over them: for loading */
        struct address_space *images;
        struct riscv_image firmware, kernel, initrd, dtb;
        /* by riscv_board_load */
        gpa_t entry;                    /* where the harts go from the reset ROM */
        gpa_t kernel_entry;             /* 0 without a kernel */
        gpa_t initrd_start, initrd_end; /* equal: none */
        struct riscv_claim claims[5];   /* ROM, firmware, kernel, initial ramdisk, device tree */
        unsigned n_claims;
};

/* Harts, RAM, ROM, and reading the files that @opt names. RAM is mapped by the board. */
bool riscv_board_init(struct vm *vm, struct riscv_board *b, const struct machine_options *opt,
                      GError **error);
void riscv_board_fini(struct riscv_board *b);

/* Copies the images to memory, having read them again if need be; decides entry points. */
bool riscv_board_load(struct vm *vm, struct riscv_board *b, GError **error);
/*
 * Places the tree (or the user's, with the kernel's arguments put in) and the reset ROM, sets the harts'
 * state, and lets go of what was read.
 */
bool riscv_board_start(struct vm *vm, struct riscv_board *b, struct dt *dt, GError **error);

/* Device tree: /, /memory, /cpus with the harts; their interrupt controllers' phandles go to @intc. */
void riscv_dt_base(struct vm *vm, struct dt *dt, const char *compatible, const char *model, uint32_t *intc);
/* Node of a row's device under /soc. */
void riscv_dt_row(struct vm *vm, struct dt *dt, const struct machine_row *row, uint32_t irq_parent);
/* The path of that node; to be freed. */
char *riscv_dt_row_path(const struct machine_row *row);
/* interrupts-extended: for each hart lines @first and @second. */
void riscv_dt_hart_lines(struct vm *vm, struct dt *dt, const char *path, const uint32_t *intc, uint32_t first,
                         uint32_t second);

/* Connects the CLINT's outputs to the harts. */
void riscv_connect_aclint(struct vm *vm, struct dev *aclint);
