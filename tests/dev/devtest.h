/* SPDX-License-Identifier: MIT */
/* A VM without CPUs for device tests: 2 MiB of RAM, interrupt lines that remember, files that vanish. */
#pragma once

#include <glib.h>

#include "devices/dev.h"

#define DT_RAM_BASE 0x80000000ull
enum { DT_RAM_SIZE = 2 << 20, DT_LINES = 32 };

struct devtest {
        struct vm *vm;
        struct ram_block *ram;
        bool line[DT_LINES];       /* of the device under test */
        unsigned rises[DT_LINES];
        char *dir;
};

struct devtest *devtest_new(bool deterministic);
void devtest_free(struct devtest *t);

/* Makes a device, mapped at @base, its outputs connected to t->line. */
struct dev *devtest_add(struct devtest *t, const char *class, gpa_t base, const struct dev_setting *settings,
                        unsigned n);
struct dev *devtest_find(struct devtest *t, const char *id);

uint64_t devtest_read(struct devtest *t, gpa_t gpa, unsigned size);
void devtest_write(struct devtest *t, gpa_t gpa, unsigned size, uint64_t value);

/* A path in the test's folder, to be freed. */
char *devtest_path(struct devtest *t, const char *name);
/* Opens a drive over a new file of @size bytes with a pattern in it. */
void devtest_drive(struct devtest *t, const char *id, uint64_t size, bool read_only);

/* Lets the VM's context do what it has to, for so long. */
void devtest_spin(struct devtest *t, unsigned ms);
