/* SPDX-License-Identifier: MIT */
/*
 * SiFive's test finisher: one write-only register through which a guest ends the machine. The low half says
 * how: 0x5555 success, 0x3333 failure with the code in the high half, 0x7777 reset.
 */
#include "devices/dev.h"
#include "machines/core/dt.h"

enum { FINISHER_FAIL = 0x3333, FINISHER_PASS = 0x5555, FINISHER_RESET = 0x7777 };

static uint64_t finisher_read(struct dev *d, uint64_t offset, unsigned size)
{
        return 0;
}

static void finisher_write(struct dev *d, uint64_t offset, uint64_t value, unsigned size)
{
        unsigned code = value >> 16 & 0xffff;

        if (offset)
                return;
        switch (value & 0xffff) {
        case FINISHER_PASS:
                vm_request(d->vm, VM_REQ_SHUTDOWN, 0);
                break;
        case FINISHER_FAIL:
                vm_request(d->vm, VM_REQ_EXIT_CODE, code);
                break;
        case FINISHER_RESET:
                vm_request(d->vm, VM_REQ_RESET, 0);
                break;
        default:
                dev_guest_error(d, "unknown command 0x%" PRIx64, value);
                break;
        }
}

static void finisher_fdt(struct dev *d, struct dt *dt, const char *path)
{
        dt_strings(dt, path, "compatible", (const char *const[]){"sifive,test1", "sifive,test0", "syscon",
                                                                 NULL});
}

static const struct dev_reg finisher_regs[] = {{0, "FINISHER"}, {}};

const struct dev_class dev_sifive_test = {
        .name = "sifive.test", .compat = "sifive,test1", .doc = "ends or resets the machine",
        .size = sizeof(struct dev), .regs = finisher_regs,
        .regions = {{"regs", 0x1000, ACCESS_2 | ACCESS_4, finisher_read, finisher_write}},
        .fdt = finisher_fdt,
};
