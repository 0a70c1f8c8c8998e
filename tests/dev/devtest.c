/* SPDX-License-Identifier: MIT */
/* A VM without CPUs for device tests; see devtest.h. */
#include "tests/dev/devtest.h"

#include <glib/gstdio.h>
#include <string.h>

#include "devices/host/block/block.h"
#include "machines/core/core.h"

struct devtest *devtest_new(bool deterministic)
{
        struct devtest *t = g_new0(struct devtest, 1);
        struct mem_row row = {.start = DT_RAM_BASE, .size = DT_RAM_SIZE, .kind = MEM_ROW_RAM};
        GError *error = NULL;

        t->vm = vm_new("test");
        t->vm->deterministic = deterministic;
        t->vm->timebase.hz = 10000000;
        t->ram = ram_block_new(t->vm, "ram", DT_RAM_SIZE, &error);
        g_assert_no_error(error);
        row.ram = t->ram;
        g_assert_true(address_space_add(t->vm->memory, &row, &error));
        t->dir = g_dir_make_tmp("rhea-dev-XXXXXX", &error);
        g_assert_no_error(error);
        return t;
}

void devtest_free(struct devtest *t)
{
        GDir *dir;
        const char *name;

        vm_free(t->vm);
        dir = g_dir_open(t->dir, 0, NULL);
        while (dir && (name = g_dir_read_name(dir))) {
                char *path = g_build_filename(t->dir, name, NULL);

                g_unlink(path);
                g_free(path);
        }
        if (dir)
                g_dir_close(dir);
        g_rmdir(t->dir);
        g_free(t->dir);
        g_free(t);
}

static void line_set(void *opaque, unsigned n, bool level)
{
        struct devtest *t = opaque;

        t->rises[n] += level && !t->line[n];
        t->line[n] = level;
}

struct dev *devtest_add(struct devtest *t, const char *name, gpa_t base, const struct dev_setting *settings,
                        unsigned n)
{
        GError *error = NULL;
        const struct dev_class *class = dev_class_find(name, &error);
        struct dev *d;
        char id[32];

        g_assert_no_error(error);
        g_snprintf(id, sizeof(id), "d%u", t->vm->devices->len);
        d = dev_new(t->vm, class, id, settings, n, &error);
        g_assert_no_error(error);
        for (unsigned i = 0; i < class->irqs && i < DT_LINES; i++)
                dev_connect(d, i, (struct irq_line){line_set, t, i});
        if (class->regions[0].size)
                g_assert_true(dev_map(d, 0, t->vm->memory, base, &error));
        dev_reset(d);
        return d;
}

struct dev *devtest_find(struct devtest *t, const char *id)
{
        struct dev *d = dev_find(t->vm, id);

        g_assert_nonnull(d);
        return d;
}

uint64_t devtest_read(struct devtest *t, gpa_t gpa, unsigned size)
{
        uint64_t v;

        g_assert_cmpint(address_space_read(t->vm->memory, gpa, size, (struct mem_attr){0}, &v), ==, MEM_OK);
        return v;
}

void devtest_write(struct devtest *t, gpa_t gpa, unsigned size, uint64_t value)
{
        g_assert_cmpint(address_space_write(t->vm->memory, gpa, size, (struct mem_attr){0}, value), ==,
                        MEM_OK);
}

char *devtest_path(struct devtest *t, const char *name)
{
        return g_build_filename(t->dir, name, NULL);
}

void devtest_drive(struct devtest *t, const char *id, uint64_t size, bool read_only)
{
        char *path = devtest_path(t, id);
        uint8_t *data = g_malloc(size);
        struct block_options opt = {.id = id, .file = path, .read_only = read_only, .discard = true};
        GError *error = NULL;

        for (uint64_t i = 0; i < size; i++)
                data[i] = i / 512 + i;
        g_assert_true(g_file_set_contents(path, (char *)data, size, &error));
        block_open(t->vm, &opt, &error);
        g_assert_no_error(error);
        g_free(data);
        g_free(path);
}

void devtest_spin(struct devtest *t, unsigned ms)
{
        int64_t end = g_get_monotonic_time() + ms * 1000;

        do {
                g_main_context_iteration(t->vm->context, FALSE);
        } while (g_get_monotonic_time() < end);
        /* a busy host may have kept us away the whole time */
        for (unsigned i = 0; i < 4; i++)
                g_main_context_iteration(t->vm->context, FALSE);
}
