/* SPDX-License-Identifier: MIT */
/*
 * Virtio without a guest: a small driver of our own does every request of the disk and the random-number
 * device through version 1 and 2 registers, then drivers that break the rules: wrong indexes, loops, buffers
 * outside memory, random rings.
 */
#include <string.h>

#include "base/lock.h"
#include "devices/host/block/block.h"
#include "devices/virtio/virtio.h"
#include "machines/core/core.h"
#include "tests/dev/devtest.h"

#define BASE 0x10000000ull
#define QUEUE (DT_RAM_BASE + 0x10000)
#define DATA (DT_RAM_BASE + 0x100000)
enum { NUM = 16, DISK = 1 << 20, PAGE = 4096 };

enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };

struct desc {
        uint64_t addr;
        uint32_t len;
        uint16_t flags, next;
};

/* A driver with one queue, in the layout of the legacy interface, which suits the other one too. */
struct driver {
        struct devtest *t;
        bool legacy;
        uint64_t features;
        struct desc *desc;
        uint16_t *avail, *used16;
        struct { uint32_t id, len; } *used;
        uint16_t seen;
};

static uint32_t reg(struct driver *v, unsigned offset)
{
        return devtest_read(v->t, BASE + offset, 4);
}

static void set_reg(struct driver *v, unsigned offset, uint32_t value)
{
        devtest_write(v->t, BASE + offset, 4, value);
}

static uint64_t avail_gpa(void)
{
        return QUEUE + 16 * NUM;
}

static uint64_t used_gpa(void)
{
        return (avail_gpa() + 6 + 2 * NUM + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

static void *ram(struct driver *v, gpa_t gpa)
{
        return v->t->ram->host + (gpa - DT_RAM_BASE);
}

static void driver_queue(struct driver *v)
{
        set_reg(v, 0x30, 0);
        g_assert_cmpuint(reg(v, 0x34), >=, 8);
        set_reg(v, 0x38, MIN(NUM, reg(v, 0x34)));
        if (v->legacy) {
                set_reg(v, 0x28, PAGE);
                set_reg(v, 0x3c, PAGE);
                set_reg(v, 0x40, QUEUE / PAGE);
                return;
        }
        set_reg(v, 0x80, (uint32_t)QUEUE);
        set_reg(v, 0x84, QUEUE >> 32);
        set_reg(v, 0x90, (uint32_t)avail_gpa());
        set_reg(v, 0x94, avail_gpa() >> 32);
        set_reg(v, 0xa0, (uint32_t)used_gpa());
        set_reg(v, 0xa4, used_gpa() >> 32);
        set_reg(v, 0x44, 1);
        g_assert_cmpuint(reg(v, 0x44), ==, 1);
}

/* Reset to DRIVER_OK, accepting @want of what is offered. */
static void driver_start(struct driver *v, uint64_t want)
{
        memset(ram(v, QUEUE), 0, 0x8000);
        v->seen = 0;
        set_reg(v, 0x70, 0);
        g_assert_cmpuint(reg(v, 0x70), ==, 0);
        set_reg(v, 0x70, 3);
        set_reg(v, 0x14, 0);
        v->features = reg(v, 0x10);
        set_reg(v, 0x14, 1);
        v->features |= (uint64_t)reg(v, 0x10) << 32;
        if (v->legacy)
                g_assert_cmphex(v->features >> 32, ==, 0);
        else
                want |= VIRTIO_F_VERSION_1;
        v->features &= want;
        set_reg(v, 0x24, 0);
        set_reg(v, 0x20, v->features);
        if (!v->legacy) {
                set_reg(v, 0x24, 1);
                set_reg(v, 0x20, v->features >> 32);
                set_reg(v, 0x70, 11);
                g_assert_cmpuint(reg(v, 0x70), ==, 11);
        }
        driver_queue(v);
        set_reg(v, 0x70, v->legacy ? 7 : 15);
        v->desc = ram(v, QUEUE);
        v->avail = ram(v, avail_gpa());
        v->used16 = ram(v, used_gpa());
        v->used = (void *)(v->used16 + 2);
}

static void driver_new(struct driver *v, const char *class, bool legacy, bool read_only, bool counted)
{
        struct dev_setting drive = {"drive", "disk"}, mode = {"force-legacy", legacy ? "on" : "off"};
        bool disk = !strcmp(class, "virtio-blk-device");
        struct dev *d, *slot;

        memset(v, 0, sizeof(*v));
        v->t = devtest_new(counted);
        v->legacy = legacy;
        if (disk)
                devtest_drive(v->t, "disk", DISK, read_only);
        d = devtest_add(v->t, class, 0, &drive, disk);
        slot = devtest_add(v->t, "virtio-mmio", BASE, &mode, 1);
        g_assert_true(virtio_mmio_plug(slot, d, NULL));
        dev_reset(slot);
        g_assert_cmphex(reg(v, 0), ==, 0x74726976);
        g_assert_cmpuint(reg(v, 4), ==, legacy ? 1 : 2);
        clock_run_start(v->t->vm);
}

static void put_desc(struct driver *v, unsigned i, uint64_t addr, uint32_t len, unsigned flags, unsigned next)
{
        v->desc[i] = (struct desc){addr, len, flags, next};
}

static void submit(struct driver *v, unsigned head)
{
        unsigned n = reg(v, 0x34) < NUM ? reg(v, 0x34) : NUM;

        v->avail[2 + v->avail[1] % n] = head;
        __atomic_store_n(&v->avail[1], v->avail[1] + 1, __ATOMIC_SEQ_CST);
        set_reg(v, 0x50, 0);
}

/* Waits for the next used entry; its length. */
static uint32_t await(struct driver *v, unsigned head)
{
        unsigned n = reg(v, 0x34) < NUM ? reg(v, 0x34) : NUM;
        int64_t end = g_get_monotonic_time() + 5000000;

        while (__atomic_load_n(&v->used16[1], __ATOMIC_ACQUIRE) == v->seen) {
                g_assert_cmpint(g_get_monotonic_time(), <, end);
                g_main_context_iteration(v->t->vm->context, FALSE);
        }
        g_assert_cmpuint(v->used[v->seen % n].id, ==, head);
        return v->used[v->seen++ % n].len;
}

/* ---- disk ---- */

/* One request of three descriptors; the status byte. */
static uint8_t request(struct driver *v, uint32_t type, uint64_t sector, uint32_t len, bool device_writes)
{
        uint8_t *status = ram(v, DATA + 0x80000);

        memcpy(ram(v, DATA), &(struct { uint32_t t, r; uint64_t s; }){type, 0, sector}, 16);
        *status = 0xee;
        put_desc(v, 0, DATA, 16, NEXT, len ? 1 : 2);
        put_desc(v, 1, DATA + 0x1000, len, NEXT | (device_writes ? WRITE : 0), 2);
        put_desc(v, 2, DATA + 0x80000, 1, WRITE, 0);
        submit(v, 0);
        await(v, 0);
        return *status;
}

static void check_disk(struct driver *v, uint64_t at, unsigned len, bool zero)
{
        char *path = devtest_path(v->t, "disk"), *data;
        gsize size;

        g_assert_true(g_file_get_contents(path, &data, &size, NULL));
        for (uint64_t i = at; i < at + len; i++)
                g_assert_cmpuint((uint8_t)data[i], ==, zero ? 0 : (uint8_t)(i * 7));
        g_free(data);
        g_free(path);
}

static void check_requests(struct driver *v)
{
        uint8_t *data = ram(v, DATA + 0x1000);
        struct { uint64_t sector; uint32_t n, flags; } range = {16, 8, 0};

        g_assert_cmpuint(devtest_read(v->t, BASE + 0x100, 4), ==, DISK / 512);
        g_assert_cmpuint(request(v, 0, 3, 2048, true), ==, 0);
        for (unsigned i = 0; i < 2048; i++)
                g_assert_cmpuint(data[i], ==, (uint8_t)((i + 1536) / 512 + i + 1536));
        g_assert_true(v->t->line[0]);
        g_assert_cmpuint(reg(v, 0x60), ==, 1);
        set_reg(v, 0x64, 1);
        g_assert_false(v->t->line[0]);
        for (unsigned i = 0; i < 4096; i++)
                data[i] = (i + 4096) * 7;
        g_assert_cmpuint(request(v, 1, 8, 4096, false), ==, 0);
        g_assert_cmpuint(request(v, 4, 0, 0, false), ==, 0);
        check_disk(v, 4096, 4096, false);
        memcpy(data, &range, sizeof(range));
        g_assert_cmpuint(request(v, 13, 0, 16, false), ==, 0);
        check_disk(v, 16 * 512, 8 * 512, true);
        range.sector = 8;
        memcpy(data, &range, sizeof(range));
        g_assert_cmpuint(request(v, 11, 0, 16, false), ==, 0);
        g_assert_cmpuint(request(v, 8, 0, 20, true), ==, 0);
        /* what must fail, and leave the device working */
        g_assert_cmpuint(request(v, 0, DISK / 512, 512, true), ==, 1);
        g_assert_cmpuint(request(v, 0, DISK / 512 - 1, 1024, true), ==, 1);
        g_assert_cmpuint(request(v, 0, UINT64_MAX / 512, 512, true), ==, 1);
        g_assert_cmpuint(request(v, 0, UINT64_MAX, 512, true), ==, 1);
        g_assert_cmpuint(request(v, 0, 0, 100, true), ==, 1);
        g_assert_cmpuint(request(v, 99, 0, 512, true), ==, 2);
        range.sector = DISK / 512;
        memcpy(data, &range, sizeof(range));
        g_assert_cmpuint(request(v, 13, 0, 16, false), ==, 1);
        range.sector = 0;
        range.flags = 2;
        memcpy(data, &range, sizeof(range));
        g_assert_cmpuint(request(v, 13, 0, 16, false), ==, 2);
        g_assert_cmpuint(request(v, 13, 0, 15, false), ==, 1);
        g_assert_cmpuint(request(v, 0, 0, 512, true), ==, 0);
}

static void test_disk(void)
{
        for (unsigned i = 0; i < 8; i++) {
                struct driver v;

                driver_new(&v, "virtio-blk-device", i & 1, false, i & 2);
                driver_start(&v, i & 4 ? ~VIRTIO_F_EVENT_IDX : ~0ull);
                if (i & 4) {
                        check_requests(&v);
                } else {
                        /* with event index: ask for every interrupt in turn */
                        for (unsigned k = 0; k < 40; k++) {
                                v.avail[2 + NUM] = v.seen;
                                g_assert_cmpuint(request(&v, 0, k, 512, true), ==, 0);
                                devtest_spin(v.t, 0);
                                g_assert_cmpuint(reg(&v, 0x60), ==, 1);
                                set_reg(&v, 0x64, 1);
                                g_assert_cmpuint(*(uint16_t *)&v.used[NUM], ==, v.avail[1]);
                        }
                }
                devtest_free(v.t);
        }
}

static void test_read_only(void)
{
        struct driver v;

        driver_new(&v, "virtio-blk-device", false, true, false);
        driver_start(&v, ~0ull);
        g_assert_cmphex(v.features & 0x6020, ==, 0x20);
        g_assert_cmpuint(request(&v, 1, 8, 512, false), ==, 1);
        g_assert_cmpuint(request(&v, 0, 8, 512, true), ==, 0);
        devtest_free(v.t);
}

/*
 * Sixteen requests at once, through one table of indirect descriptors each; and a reset with them in flight.
 */
static void test_many(void)
{
        struct driver v;

        driver_new(&v, "virtio-blk-device", false, false, false);
        for (unsigned round = 0; round < 50; round++) {
                driver_start(&v, ~VIRTIO_F_EVENT_IDX);
                for (unsigned i = 0; i < NUM; i++) {
                        struct desc *table = ram(&v, DATA + i * 256);

                        memcpy(ram(&v, DATA + 0x8000 + i * 16), &(struct { uint32_t t, r; uint64_t s; }){0, 0,
                                i * 8}, 16);
                        table[0] = (struct desc){DATA + 0x8000 + i * 16, 16, NEXT, 1};
                        table[1] = (struct desc){DATA + 0x10000 + i * 0x1000, 4096, NEXT | WRITE, 2};
                        table[2] = (struct desc){DATA + 0x9000 + i, 1, WRITE, 0};
                        put_desc(&v, i, DATA + i * 256, 48, INDIRECT, 0);
                        *(uint8_t *)ram(&v, DATA + 0x9000 + i) = 0xee;
                        submit(&v, i);
                }
                if (round % 2) {
                        set_reg(&v, 0x70, 0);
                        memset(ram(&v, DATA + 0x10000), 0x77, NUM * 4096);
                        devtest_spin(v.t, 1);
                        for (unsigned i = 0; i < NUM * 4096; i++)
                                g_assert_cmpuint(((uint8_t *)ram(&v, DATA + 0x10000))[i], ==, 0x77);
                        continue;
                }
                while (__atomic_load_n(&v.used16[1], __ATOMIC_ACQUIRE) != NUM)
                        g_main_context_iteration(v.t->vm->context, FALSE);
                for (unsigned i = 0; i < NUM; i++)
                        g_assert_cmpuint(*(uint8_t *)ram(&v, DATA + 0x9000 + i), ==, 0);
        }
        devtest_free(v.t);
}

/* A snapshot between requests: the next device goes on with the same rings. */
static void test_snapshot(void)
{
        struct driver a, b;
        GByteArray *state[2] = {g_byte_array_new(), g_byte_array_new()};

        driver_new(&a, "virtio-blk-device", false, false, false);
        driver_new(&b, "virtio-blk-device", false, false, false);
        driver_start(&a, ~VIRTIO_F_EVENT_IDX);
        g_assert_cmpuint(request(&a, 0, 0, 512, true), ==, 0);
        for (unsigned i = 0; i < 2; i++)
                dev_save(g_ptr_array_index(a.t->vm->devices, i), state[i]);
        memcpy(b.t->ram->host, a.t->ram->host, DT_RAM_SIZE);
        b.features = a.features;
        b.seen = a.seen;
        b.desc = ram(&b, QUEUE);
        b.avail = ram(&b, avail_gpa());
        b.used16 = ram(&b, used_gpa());
        b.used = (void *)(b.used16 + 2);
        for (unsigned i = 0; i < 2; i++)
                g_assert_true(dev_load(g_ptr_array_index(b.t->vm->devices, i), state[i]->data, state[i]->len,
                                       NULL, NULL));
        g_assert_true(b.t->line[0]); /* the interrupt that was pending */
        g_assert_cmpuint(request(&b, 0, 1, 512, true), ==, 0);
        devtest_free(a.t);
        devtest_free(b.t);
        g_byte_array_unref(state[0]);
        g_byte_array_unref(state[1]);
}

static void test_rng(void)
{
        for (unsigned legacy = 0; legacy < 2; legacy++) {
                struct driver v;
                uint8_t *data;
                unsigned zeros = 0;

                driver_new(&v, "virtio-rng-device", legacy, false, legacy);
                driver_start(&v, ~VIRTIO_F_EVENT_IDX);
                data = ram(&v, DATA);
                put_desc(&v, 0, DATA, 1000, NEXT | WRITE, 1);
                put_desc(&v, 1, DATA + 2000, 24, WRITE, 0);
                /* the queue is shorter than NUM: its rings are elsewhere in the legacy layout */
                if (!legacy) {
                        submit(&v, 0);
                        g_assert_cmpuint(await(&v, 0), ==, 1024);
                        for (unsigned i = 0; i < 1000; i++)
                                zeros += !data[i];
                        g_assert_cmpuint(zeros, <, 40);
                        g_assert_true(v.t->line[0]);
                }
                devtest_free(v.t);
        }
}

/* ---- drivers that break the rules ---- */

/* The device must be stopped, say so, and work again after a reset. */
static void check_broken(struct driver *v)
{
        uint64_t errors = log_guest_error_count(v->t->vm->log);

        submit(v, 0);
        devtest_spin(v->t, 1);
        g_assert_cmphex(reg(v, 0x70) & 0x40, ==, 0x40);
        g_assert_cmpuint(log_guest_error_count(v->t->vm->log), >, errors);
        driver_start(v, ~VIRTIO_F_EVENT_IDX);
        g_assert_cmpuint(request(v, 0, 0, 512, true), ==, 0);
        driver_start(v, ~VIRTIO_F_EVENT_IDX);
}

static void test_broken(void)
{
        struct driver v;
        struct desc *table;

        driver_new(&v, "virtio-blk-device", false, false, false);
        table = ram(&v, DATA);
        driver_start(&v, ~VIRTIO_F_EVENT_IDX);
        put_desc(&v, 0, DATA, 16, NEXT, 0); /* a loop */
        check_broken(&v);
        put_desc(&v, 0, DATA, 16, NEXT, 1); /* a longer one */
        put_desc(&v, 1, DATA, 16, NEXT, 0);
        check_broken(&v);
        put_desc(&v, 0, DATA, 16, NEXT, NUM); /* no such descriptor */
        check_broken(&v);
        put_desc(&v, 0, 0x1000, 16, 0, 0); /* outside memory */
        check_broken(&v);
        put_desc(&v, 0, BASE, 16, WRITE, 0); /* registers */
        check_broken(&v);
        put_desc(&v, 0, DT_RAM_BASE + DT_RAM_SIZE - 8, 16, WRITE, 0);
        check_broken(&v);
        put_desc(&v, 0, UINT64_MAX - 4, 16, WRITE, 0);
        check_broken(&v);
        put_desc(&v, 0, DATA, 0, 0, 0); /* nothing */
        check_broken(&v);
        put_desc(&v, 0, DATA, 16, WRITE | NEXT, 1); /* the wrong way round */
        put_desc(&v, 1, DATA, 16, 0, 0);
        check_broken(&v);
        put_desc(&v, 0, DATA, 15, NEXT, 1); /* half a header */
        put_desc(&v, 1, DATA, 16, WRITE, 0);
        check_broken(&v);
        put_desc(&v, 0, DATA, 16, 0, 0); /* no status */
        check_broken(&v);
        put_desc(&v, 0, DATA, 17, INDIRECT, 0); /* half a descriptor */
        check_broken(&v);
        put_desc(&v, 0, DATA, 16 * 4096, INDIRECT, 0); /* too many */
        check_broken(&v);
        put_desc(&v, 0, DATA, 32, INDIRECT, 0); /* indirect in indirect */
        table[0] = (struct desc){DATA, 32, INDIRECT, 0};
        check_broken(&v);
        put_desc(&v, 0, DATA, 32, INDIRECT, 0); /* past its end */
        table[0] = (struct desc){DATA, 32, NEXT, 2};
        check_broken(&v);
        put_desc(&v, 0, DATA, 32, INDIRECT, 0); /* a loop in there */
        table[0] = (struct desc){DATA, 32, NEXT, 0};
        check_broken(&v);
        v.avail[1] = NUM + 1; /* more than there can be */
        check_broken(&v);
        v.avail[2] = NUM; /* a head outside the table */
        v.avail[1] = 1;
        check_broken(&v);
        /* rings outside memory, or crooked */
        set_reg(&v, 0x44, 0);
        set_reg(&v, 0xa4, 1);
        set_reg(&v, 0x44, 1);
        g_assert_cmphex(reg(&v, 0x70) & 0x40, ==, 0x40);
        driver_start(&v, ~0ull);
        set_reg(&v, 0x44, 0);
        set_reg(&v, 0x80, (uint32_t)QUEUE + 8);
        set_reg(&v, 0x44, 1);
        g_assert_cmphex(reg(&v, 0x70) & 0x40, ==, 0x40);
        devtest_free(v.t);
}

/* Rings, tables and requests of random bytes, mostly near what makes sense. */
static void random_queue(struct driver *v)
{
        uint8_t *p = ram(v, DATA);

        for (unsigned i = 0; i < NUM; i++) {
                uint64_t addr = DATA + (uint32_t)g_test_rand_int() % 0x20000;

                if (g_test_rand_int() % 50 == 0)
                        addr = (uint64_t)g_test_rand_int() << (uint32_t)g_test_rand_int() % 40;
                put_desc(v, i, addr, (uint32_t)g_test_rand_int() % (g_test_rand_int() & 1 ? 32 : 8192),
                         (uint32_t)g_test_rand_int() % 8,
                                 (uint32_t)g_test_rand_int() % (NUM + (g_test_rand_int() % 20 == 0)));
                if (g_test_rand_int() & 1)
                        v->desc[i].flags &= ~INDIRECT;
                else if (v->desc[i].flags & INDIRECT)
                        v->desc[i].len &= ~15u;
                v->avail[2 + i] = (uint32_t)g_test_rand_int() % (NUM + (g_test_rand_int() % 100 == 0));
        }
        for (unsigned i = 0; i < 0x20000; i += 16) {
                uint32_t type = (uint32_t)g_test_rand_int() % 15;

                memcpy(p + i, &(struct { uint32_t t, r; uint64_t s; }){type, g_test_rand_int() % 64,
                                                                       g_test_rand_int() % 4096},
                       16);
        }
        v->avail[1] += (uint32_t)g_test_rand_int() % (NUM + 1);
}

static void test_random(gconstpointer class)
{
        for (unsigned mode = 0; mode < 4; mode++) {
                struct driver v;
                unsigned rounds = g_test_slow() ? 20000 : 400;

                driver_new(&v, class, mode & 1, false, mode & 2);
                for (unsigned i = 0; i < rounds; i++) {
                        driver_start(&v, ~0ull);
                        for (unsigned k = 0; k < 4; k++) {
                                random_queue(&v);
                                set_reg(&v, 0x50, 0);
                                g_main_context_iteration(v.t->vm->context, FALSE);
                        }
                }
                devtest_free(v.t);
        }
}

/* Another thread rewrites the rings while the device reads them. */
static gpointer rewrite(gpointer opaque)
{
        struct driver *v = opaque;

        while (!__atomic_load_n(&v->t->vm->exit_code, __ATOMIC_RELAXED))
                random_queue(v);
        return NULL;
}

static void test_race(void)
{
        struct driver v;
        GThread *t;

        driver_new(&v, "virtio-blk-device", false, false, false);
        driver_start(&v, ~0ull);
        t = g_thread_new("guest", rewrite, &v);
        for (unsigned i = 0; i < 2000; i++) {
                set_reg(&v, 0x50, 0);
                g_main_context_iteration(v.t->vm->context, FALSE);
                if (reg(&v, 0x70) & 0x40) {
                        set_reg(&v, 0x70, 0);
                        set_reg(&v, 0x70, 3);
                        set_reg(&v, 0x24, 0);
                        set_reg(&v, 0x20, v.features);
                        set_reg(&v, 0x24, 1);
                        set_reg(&v, 0x20, v.features >> 32);
                        set_reg(&v, 0x70, 11);
                        driver_queue(&v);
                        set_reg(&v, 0x70, 15);
                }
        }
        __atomic_store_n(&v.t->vm->exit_code, 1, __ATOMIC_RELAXED);
        g_thread_join(t);
        devtest_free(v.t);
}

/* ---- images ---- */

static void test_locking(void)
{
        struct devtest *t = devtest_new(false);
        char *path;
        struct block_options opt = {.id = "second"};
        GError *error = NULL;

        devtest_drive(t, "first", DISK, false);
        opt.file = path = devtest_path(t, "first");
        g_assert_null(block_open(t->vm, &opt, &error));
        g_assert_nonnull(strstr(error->message, "is in use by"));
        g_clear_error(&error);
        opt.read_only = true;
        g_assert_null(block_open(t->vm, &opt, &error));
        g_clear_error(&error);
        opt.no_lock = true;
        g_assert_nonnull(block_open(t->vm, &opt, &error));
        g_assert_true(block_read_only(block_find(t->vm, "second", NULL)));
        g_assert_null(block_find(t->vm, "secnod", &error));
        g_assert_nonnull(strstr(error->message, "did you mean second?"));
        g_clear_error(&error);
        opt = (struct block_options){.id = "third", .file = "/nonexistent/disk"};
        g_assert_null(block_open(t->vm, &opt, &error));
        g_assert_nonnull(strstr(error->message, "/nonexistent/disk"));
        g_clear_error(&error);
        g_free(path);
        devtest_free(t);
        /* two readers agree */
        t = devtest_new(false);
        devtest_drive(t, "first", DISK, true);
        path = devtest_path(t, "first");
        opt = (struct block_options){.id = "second", .file = path, .read_only = true};
        g_assert_nonnull(block_open(t->vm, &opt, &error));
        g_assert_no_error(error);
        g_free(path);
        devtest_free(t);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/virtio/disk", test_disk);
        g_test_add_func("/virtio/read-only", test_read_only);
        g_test_add_func("/virtio/many", test_many);
        g_test_add_func("/virtio/snapshot", test_snapshot);
        g_test_add_func("/virtio/rng", test_rng);
        g_test_add_func("/virtio/broken", test_broken);
        g_test_add_data_func("/virtio/random/disk", "virtio-blk-device", test_random);
        g_test_add_data_func("/virtio/random/rng", "virtio-rng-device", test_random);
#ifndef LOCK_TSAN
        g_test_add_func("/virtio/race", test_race); /* the guest's memory is the one thing that may race */
#else
        (void)test_race;
#endif
        g_test_add_func("/virtio/locking", test_locking);
        return g_test_run();
}
