/* SPDX-License-Identifier: MIT */
/* A port through which a program ends the machine: what it writes becomes the exit status, 2 * value + 1. */
#include "devices/dev.h"

static uint64_t debug_exit_read(struct dev *d, uint64_t offset, unsigned size)
{
        return 0;
}

static void debug_exit_write(struct dev *d, uint64_t offset, uint64_t value, unsigned size)
{
        vm_request(d->vm, VM_REQ_EXIT_CODE, (int)((value << 1 | 1) & 0xff));
}

static const struct dev_reg debug_exit_regs[] = {{0, "EXIT"}, {}};

const struct dev_class dev_isa_debug_exit = {
        .name = "isa-debug-exit", .doc = "a port that ends the machine with a status",
        .size = sizeof(struct dev), .regs = debug_exit_regs,
        .regions = {{"exit", 2, ACCESS_1 | ACCESS_2, debug_exit_read, debug_exit_write}},
};
