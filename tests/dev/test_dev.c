/* SPDX-License-Identifier: MIT */
/*
 * Every registered device class: properties, a snapshot round trip after random use, damaged snapshots,
 * random accesses of all sizes to all registers. Then the devices one by one: what their registers promise.
 */
#include <stdlib.h>
#include <string.h>

#include "devices/host/char/chardev.h"
#include "devices/misc/htif.h"
#include "devices/virtio/virtio.h"
#include "machines/core/core.h"
#include "tests/dev/devtest.h"

#define BASE 0x10000000ull

/* ---- every class ---- */

/* A device of @class as it needs to be, and the window through which it is reached. */
static struct dev *add_any(struct devtest *t, const struct dev_class *class)
{
        struct dev_setting s[2];
        unsigned n = 0;
        struct dev *d, *slot;
        GError *error = NULL;

        for (const struct dev_prop *p = class->props; p && p->name; p++) {
                if (p->type == PROP_DRIVE) {
                        devtest_drive(t, "drive0", 1 << 20, false);
                        s[n++] = (struct dev_setting){p->name, "drive0"};
                } else if (p->type == PROP_CHARDEV) {
                        g_assert_nonnull(chardev_new(t->vm, "null", "char0", NULL, 0, NULL));
                        s[n++] = (struct dev_setting){p->name, "char0"};
                }
        }
        d = devtest_add(t, class->name, BASE, s, n);
        if (class->bus) {
                slot = devtest_add(t, "virtio-mmio", BASE, &(struct dev_setting){"force-legacy", "off"}, 1);
                g_assert_true(virtio_mmio_plug(slot, d, &error));
                dev_reset(slot);
        }
        return d;
}

static uint64_t random_value(void)
{
        switch (g_test_rand_int() % 6) {
        case 0:
                return 0;
        case 1:
                return UINT64_MAX;
        case 2:
                return g_test_rand_int() % 32;
        case 3:
                return DT_RAM_BASE + (g_test_rand_int() % DT_RAM_SIZE & ~0xfull);
        case 4:
                return 1ull << (uint32_t)g_test_rand_int() % 64;
        default:
                return (uint64_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int();
        }
}

static uint64_t random_offset(const struct dev_class *class, const struct dev_region *region)
{
        unsigned n = 0;

        while (class->regs && class->regs[n].name)
                n++;
        if (n && g_test_rand_int() % 4)
                return class->regs[(uint32_t)g_test_rand_int() % n].offset + (uint32_t)g_test_rand_int() % 16;
        return (uint32_t)g_test_rand_int() % (region->size + 16);
}

static void random_use(struct devtest *t, const struct dev_class *class, gpa_t base, unsigned rounds)
{
        const struct dev_region *region = &class->regions[0];

        for (unsigned i = 0; i < rounds; i++) {
                unsigned size = 1u << (uint32_t)g_test_rand_int() % 4;
                uint64_t at = base + random_offset(class, region), v;

                if (g_test_rand_int() % 16 == 0)
                        size = (uint32_t)g_test_rand_int() % 20; /* no size that a CPU has */
                else if (g_test_rand_int() % 4)
                        at &= ~(uint64_t)(size - 1);
                if (g_test_rand_int() & 1)
                        address_space_write(t->vm->memory, at, size, (struct mem_attr){0}, random_value());
                else
                        address_space_read(t->vm->memory, at, size, (struct mem_attr){0}, &v);
                if (i % 512 == 0)
                        g_main_context_iteration(t->vm->context, FALSE);
        }
}

static void use_any(struct devtest *t, struct dev *d, unsigned rounds)
{
        const struct dev_class *class = d->class->bus ? &dev_virtio_mmio : d->class;

        if (class->regions[0].size)
                random_use(t, class, BASE, rounds);
}

static void test_random(gconstpointer opaque)
{
        const struct dev_class *class = opaque;
        struct devtest *t = devtest_new(false);
        struct dev *d = add_any(t, class);
        unsigned rounds = g_test_slow() ? 2000000 : 30000;

        clock_run_start(t->vm);
        use_any(t, d, rounds);
        for (unsigned i = 0; i < class->irq_inputs; i++)
                irq_set(&(struct irq_line){dev_irq_input(d, i).set, d, i}, i & 1);
        dev_reset(d);
        use_any(t, d, rounds / 10);
        devtest_spin(t, 5);
        devtest_free(t);
}

static void test_snapshot(gconstpointer opaque)
{
        const struct dev_class *class = opaque;

        for (unsigned round = 0; round < 20; round++) {
                struct devtest *a = devtest_new(true), *b = devtest_new(true);
                struct dev *from = add_any(a, class), *to = add_any(b, class);
                GByteArray *first = g_byte_array_new(), *second = g_byte_array_new();
                GError *error = NULL;
                size_t used = 0;

                use_any(a, from, 50 * round);
                memcpy(b->ram->host, a->ram->host, DT_RAM_SIZE); /* queues must lie in memory */
                dev_save(from, first);
                dev_load(to, first->data, first->len, &used, &error);
                g_assert_no_error(error);
                g_assert_cmpuint(used, ==, first->len);
                dev_save(to, second);
                g_assert_cmpmem(first->data, first->len, second->data, second->len);
                devtest_free(a);
                devtest_free(b);
                g_byte_array_unref(first);
                g_byte_array_unref(second);
        }
}

/* Cut short, and with bytes changed: an error or a state that works, never more. */
static void test_damaged(gconstpointer opaque)
{
        const struct dev_class *class = opaque;
        struct devtest *t = devtest_new(true);
        struct dev *d = add_any(t, class);
        GByteArray *good = g_byte_array_new();

        use_any(t, d, 1000);
        dev_save(d, good);
        for (unsigned len = 0; len < good->len; len++)
                g_assert_false(dev_load(d, good->data, len, NULL, NULL));
        for (unsigned i = 0; i < 500; i++) {
                uint8_t *bad = g_memdup2(good->data, good->len);

                for (unsigned k = 0; k < 8; k++)
                        bad[(uint32_t)g_test_rand_int() % good->len] = g_test_rand_int();
                dev_load(d, bad, good->len, NULL, NULL);
                use_any(t, d, 50);
                g_free(bad);
        }
        /* the values alone: those are taken, and must do no harm */
        for (unsigned i = 0; i < 500; i++) {
                uint8_t *bad = g_memdup2(good->data, good->len);
                unsigned header = 4 + 1 + strlen(class->name) + 1 + strlen(d->id) + 4;
                unsigned at =
                        header + (good->len > header ? (uint32_t)g_test_rand_int() % (good->len - header)
                                  : 0);

                if (at < good->len)
                        bad[at] ^= 0xff;
                dev_load(d, bad, good->len, NULL, NULL);
                use_any(t, d, 50);
                g_free(bad);
        }
        devtest_free(t);
        g_byte_array_unref(good);
}

static void test_properties(gconstpointer opaque)
{
        const struct dev_class *class = opaque;
        struct devtest *t = devtest_new(false);
        struct dev_setting bad = {"no-such-property", "1"}, s;
        GError *error = NULL;

        g_assert_null(dev_new(t->vm, class, "x", &bad, 1, &error));
        g_assert_nonnull(error);
        g_clear_error(&error);
        for (const struct dev_prop *p = class->props; p && p->name; p++) {
                g_assert_nonnull(p->doc);
                g_assert_nonnull(dev_prop_type_name(p->type));
                if (p->type == PROP_STRING)
                        continue;
                s = (struct dev_setting){p->name, "no such value"};
                g_assert_null(dev_new(t->vm, class, "x", &s, 1, &error));
                g_assert_nonnull(strstr(error->message, "x: property"));
                g_clear_error(&error);
        }
        for (const struct dev_field *f = class->state; f && f->name; f++) {
                for (const struct dev_field *g = class->state; g != f; g++)
                        g_assert_cmpstr(f->name, !=, g->name);
        }
        devtest_free(t);
}

/* ---- the bus ---- */

static void test_bus(void)
{
        struct devtest *t = devtest_new(false);
        struct dev *d = devtest_add(t, "goldfish-rtc", BASE, NULL, 0);
        uint64_t v, errors = log_guest_error_count(t->vm->log);
        GError *error = NULL;

        g_assert_cmpint(address_space_read(t->vm->memory, BASE, 8, (struct mem_attr){0}, &v), ==,
                        MEM_DECODE_ERROR);
        g_assert_cmpint(address_space_read(t->vm->memory, BASE + 2, 4, (struct mem_attr){0}, &v), ==,
                        MEM_DECODE_ERROR);
        g_assert_cmpint(address_space_read(t->vm->memory, BASE + 0xffe, 4, (struct mem_attr){0}, &v), ==,
                        MEM_DECODE_ERROR);
        g_assert_cmpint(address_space_read(t->vm->memory, BASE - 4, 4, (struct mem_attr){0}, &v), ==,
                        MEM_DECODE_ERROR);
        g_assert_cmpuint(log_guest_error_count(t->vm->log), >=, errors + 2);
        dev_enter(d);
        g_assert_cmpint(address_space_read(t->vm->memory, BASE, 4, (struct mem_attr){0}, &v), ==, MEM_RETRY);
        /* DMA into its own registers is refused, into another's it waits */
        g_assert_cmpint(dev_dma_write(d, BASE + 0x10, &(uint32_t){1}, 4), ==, MEM_RETRY);
        dev_leave(d);
        g_assert_cmpuint(devtest_read(t, BASE + 0x10, 4), ==, 0);
        devtest_add(t, "goldfish-rtc", BASE + 0x1000, NULL, 0);
        dev_enter(d);
        g_assert_cmpint(dev_dma_write(d, BASE + 0x1010, &(uint32_t){1}, 4), ==, MEM_OK);
        dev_leave(d);
        g_assert_cmpuint(devtest_read(t, BASE + 0x1010, 4), ==, 1);
        /* two rows in one place */
        g_assert_false(dev_map(d, 0, t->vm->memory, BASE + 0x800, &error));
        g_assert_nonnull(strstr(error->message, "overlaps"));
        g_clear_error(&error);
        devtest_free(t);
}

static void test_names(void)
{
        struct devtest *t = devtest_new(false);
        struct dev_setting global = {"goldfish-rtc.nothing", "1"};
        GError *error = NULL;

        g_assert_null(dev_class_find("virtio-blk-devcie", &error));
        g_assert_nonnull(strstr(error->message, "did you mean virtio-blk-device?"));
        g_clear_error(&error);
        t->vm->globals = &global;
        t->vm->n_globals = 1;
        g_assert_null(dev_new(t->vm, dev_class_find("goldfish-rtc", NULL), "r", NULL, 0, &error));
        g_assert_nonnull(error);
        g_clear_error(&error);
        global = (struct dev_setting){"ns16550a.reg-shift", "2"};
        devtest_add(t, "ns16550a", BASE, NULL, 0);
        devtest_write(t, BASE + (7 << 2), 4, 0x5a);
        g_assert_cmpuint(devtest_read(t, BASE + (7 << 2), 4), ==, 0x5a);
        devtest_free(t);
}

/* ---- serial port ---- */

enum { UART_DATA, UART_IER, UART_IIR, UART_LCR, UART_MCR, UART_LSR, UART_MSR, UART_SCR };

static uint8_t in(struct devtest *t, unsigned reg)
{
        return devtest_read(t, BASE + reg, 1);
}

static void out(struct devtest *t, unsigned reg, uint8_t v)
{
        devtest_write(t, BASE + reg, 1, v);
}

static struct chardev *add_uart(struct devtest *t)
{
        char *path = devtest_path(t, "out");
        struct dev_setting s = {"path", path}, c = {"chardev", "c"};
        struct chardev *cd = chardev_new(t->vm, "file", "c", &s, 1, NULL);

        g_free(path);
        devtest_add(t, "ns16550a", BASE, &c, 1);
        return cd;
}

static void test_uart(void)
{
        struct devtest *t = devtest_new(false);
        struct chardev *c = add_uart(t);
        char *path = devtest_path(t, "out"), *text;

        clock_run_start(t->vm);
        g_assert_cmphex(in(t, UART_LSR), ==, 0x60);
        g_assert_cmphex(in(t, UART_IIR), ==, 0x01);
        out(t, UART_LCR, 0x80);
        out(t, UART_DATA, 0x34);
        out(t, UART_IER, 0x12);
        g_assert_cmphex(in(t, UART_DATA), ==, 0x34);
        g_assert_cmphex(in(t, UART_IER), ==, 0x12);
        out(t, UART_DATA, 1);
        out(t, UART_IER, 0);
        out(t, UART_LCR, 3);

        out(t, UART_DATA, 'h');
        out(t, UART_DATA, 'i');
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        g_assert_cmpstr(text, ==, "hi");
        g_free(text);

        /* transmitter empty: at once when enabled, gone when IIR told it, again after a byte */
        g_assert_false(t->line[0]);
        out(t, UART_IER, 2);
        g_assert_true(t->line[0]);
        g_assert_cmphex(in(t, UART_IIR), ==, 0x02);
        g_assert_false(t->line[0]);
        out(t, UART_DATA, '!');
        g_assert_true(t->line[0]);

        /* receiver without FIFO: one byte, and the second waits outside */
        out(t, UART_IER, 1);
        chardev_inject(c, (const uint8_t *)"ab", 2);
        g_assert_true(t->line[0]);
        g_assert_cmphex(in(t, UART_IIR), ==, 0x04);
        g_assert_cmphex(in(t, UART_LSR), ==, 0x61);
        g_assert_cmpuint(in(t, UART_DATA), ==, 'a');
        g_assert_false(t->line[0]);
        devtest_spin(t, 2);
        g_assert_cmpuint(in(t, UART_DATA), ==, 'b');

        /* with FIFO: the trigger level, then the timeout */
        out(t, UART_IIR, 0x87); /* 8 bytes */
        g_assert_cmphex(in(t, UART_IIR), ==, 0xc1);
        chardev_inject(c, (const uint8_t *)"1234567", 7);
        g_assert_false(t->line[0]);
        devtest_spin(t, 5);
        g_assert_true(t->line[0]);
        g_assert_cmphex(in(t, UART_IIR), ==, 0xcc);
        chardev_inject(c, (const uint8_t *)"8", 1);
        g_assert_cmphex(in(t, UART_IIR), ==, 0xc4);
        for (char e = '1'; e <= '8'; e++)
                g_assert_cmpuint(in(t, UART_DATA), ==, e);
        g_assert_false(t->line[0]);
        /* twenty bytes: sixteen fit, four follow */
        chardev_inject(c, (const uint8_t *)"abcdefghijklmnopqrst", 20);
        for (char e = 'a'; e <= 'p'; e++)
                g_assert_cmpuint(in(t, UART_DATA), ==, e);
        devtest_spin(t, 2);
        for (char e = 'q'; e <= 't'; e++)
                g_assert_cmpuint(in(t, UART_DATA), ==, e);
        g_assert_cmphex(in(t, UART_LSR), ==, 0x60);

        /* loopback: data and modem lines */
        out(t, UART_IER, 8);
        out(t, UART_MCR, 0x10);
        in(t, UART_MSR);
        out(t, UART_MCR, 0x1a);
        g_assert_true(t->line[0]);
        g_assert_cmphex(in(t, UART_MSR), ==, 0x99); /* CTS and DCD, and that they changed */
        g_assert_cmphex(in(t, UART_MSR), ==, 0x90);
        g_assert_false(t->line[0]);
        out(t, UART_DATA, 'L');
        g_assert_cmpuint(in(t, UART_DATA), ==, 'L');
        g_free(path);
        devtest_free(t);
}

/* A full pipe: the transmitter stays busy, and goes on when somebody reads. */
static void test_uart_backpressure(void)
{
        struct devtest *t = devtest_new(false);
        char *path = devtest_path(t, "fifo"), *shell = g_strdup_printf("mkfifo %s", path), buf[4096];
        struct dev_setting s = {"path", path}, c = {"chardev", "c"};
        GError *error = NULL;
        unsigned sent = 0;
        FILE *f;

        g_assert_cmpint(system(shell), ==, 0);
        g_assert_nonnull(chardev_new(t->vm, "pipe", "c", &s, 1, &error));
        devtest_add(t, "ns16550a", BASE, &c, 1);
        for (; in(t, UART_LSR) & 0x20; sent++) {
                out(t, UART_DATA, sent);
                g_assert_cmpuint(sent, <, 1 << 20);
        }
        g_assert_cmpuint(sent, >, 65536);
        f = fopen(path, "r");
        while (!(in(t, UART_LSR) & 0x20)) {
                g_assert_cmpuint(fread(buf, 1, sizeof(buf), f), ==, sizeof(buf));
                devtest_spin(t, 1);
        }
        fclose(f);
        g_free(shell);
        g_free(path);
        devtest_free(t);
}

static void test_mux(void)
{
        struct devtest *t = devtest_new(false);
        struct dev_setting s = {"mux", "on"}, dev = {"chardev", "c"};
        struct chardev *c = chardev_new(t->vm, "null", "c", &s, 1, NULL);

        devtest_add(t, "ns16550a", BASE, &dev, 1);
        devtest_add(t, "ns16550a", BASE + 0x1000, &dev, 1);
        chardev_inject(c, (const uint8_t *)"a\001c", 3);
        chardev_inject(c, (const uint8_t *)"b\001\001", 3);
        g_assert_cmpuint(in(t, UART_DATA), ==, 'a');
        g_assert_cmpuint(devtest_read(t, BASE + 0x1000, 1), ==, 'b');
        devtest_spin(t, 2);
        g_assert_cmpuint(devtest_read(t, BASE + 0x1000, 1), ==, 1);
        chardev_inject(c, (const uint8_t *)"\001b", 2);
        g_assert_cmphex(devtest_read(t, BASE + 0x1005, 1), ==, 0x71); /* break */
        g_assert_cmpint(t->vm->request, ==, VM_REQ_NONE);
        chardev_inject(c, (const uint8_t *)"\001x", 2);
        g_assert_cmpint(t->vm->request, ==, VM_REQ_EXIT_CODE);
        devtest_free(t);
}

/* ---- interrupt controllers ---- */

#define PLIC_ENABLE(ctx) (BASE + 0x2000 + (ctx) * 0x80)
#define PLIC_CTX(ctx) (BASE + 0x200000 + (ctx) * 0x1000)

static void test_plic(void)
{
        struct devtest *t = devtest_new(false);
        struct dev_setting s = {"harts", "2"};
        struct dev *d = devtest_add(t, "riscv.plic", BASE, &s, 1);
        struct irq_line l5 = dev_irq_input(d, 5), l40 = dev_irq_input(d, 40), l96 = dev_irq_input(d, 96);

        devtest_write(t, BASE + 4 * 5, 4, 0xffffffff);
        g_assert_cmpuint(devtest_read(t, BASE + 4 * 5, 4), ==, 7);
        devtest_write(t, BASE + 0, 4, 7);
        g_assert_cmpuint(devtest_read(t, BASE, 4), ==, 0);
        devtest_write(t, BASE + 4 * 40, 4, 3);
        for (unsigned w = 0; w < 4; w++)
                devtest_write(t, PLIC_ENABLE(1) + 4 * w, 4, 0xffffffff);
        g_assert_cmphex(devtest_read(t, PLIC_ENABLE(1), 4), ==, 0xfffffffe);
        g_assert_cmphex(devtest_read(t, PLIC_ENABLE(1) + 8, 4), ==, 0xffffffff);
        g_assert_cmphex(devtest_read(t, PLIC_ENABLE(1) + 12, 4), ==, 0);
        irq_set(&l96, true); /* one too many */
        irq_set(&l40, true);
        irq_set(&l5, true);
        g_assert_true(t->line[1]);
        g_assert_false(t->line[0] || t->line[2] || t->line[3]);
        g_assert_cmphex(devtest_read(t, BASE + 0x1000, 4), ==, 1 << 5);
        g_assert_cmphex(devtest_read(t, BASE + 0x1004, 4), ==, 1 << 8);
        g_assert_cmpuint(devtest_read(t, PLIC_CTX(1) + 4, 4), ==, 5);
        g_assert_cmpuint(devtest_read(t, PLIC_CTX(1) + 4, 4), ==, 40);
        g_assert_cmpuint(devtest_read(t, PLIC_CTX(1) + 4, 4), ==, 0);
        g_assert_false(t->line[1]);
        /* still high: pending again on completion, but not by the wrong context */
        devtest_write(t, PLIC_CTX(0) + 4, 4, 5);
        g_assert_false(t->line[1]);
        devtest_write(t, PLIC_CTX(1) + 4, 4, 5);
        g_assert_true(t->line[1]);
        irq_set(&l5, false);
        g_assert_true(t->line[1]); /* the request was accepted */
        devtest_write(t, PLIC_CTX(1), 4, 7);
        g_assert_false(t->line[1]); /* threshold */
        devtest_write(t, PLIC_CTX(1), 4, 6);
        g_assert_true(t->line[1]);
        g_assert_cmpuint(devtest_read(t, PLIC_CTX(1) + 4, 4), ==, 5);
        devtest_write(t, PLIC_CTX(1) + 4, 4, 5);
        g_assert_false(t->line[1]);
        irq_set(&l40, false);
        devtest_write(t, PLIC_CTX(1), 4, 0);
        devtest_write(t, PLIC_CTX(1) + 4, 4, 40);
        g_assert_false(t->line[1]);
        devtest_free(t);
}

static void test_aclint(void)
{
        struct devtest *t = devtest_new(false);
        struct dev_setting s = {"harts", "2"};
        uint64_t now;

        devtest_add(t, "riscv.aclint", BASE, &s, 1);
        devtest_write(t, BASE + 4, 4, 0xffffffff);
        g_assert_true(t->line[1] && !t->line[0]);
        g_assert_cmpuint(devtest_read(t, BASE + 4, 4), ==, 1);
        devtest_write(t, BASE + 4, 4, 0);
        g_assert_false(t->line[1]);
        clock_run_start(t->vm);
        now = devtest_read(t, BASE + 0xbff8, 8);
        devtest_write(t, BASE + 0x4008, 8, now + 20000); /* 2 ms */
        g_assert_false(t->line[17]);
        devtest_spin(t, 10);
        g_assert_true(t->line[17]);
        g_assert_false(t->line[16]);
        devtest_write(t, BASE + 0x400c, 4, 0xffffffff); /* the upper half */
        g_assert_false(t->line[17]);
        devtest_write(t, BASE + 0x4000, 8, 1ull << 40);
        devtest_write(t, BASE + 0xbff8, 8, (1ull << 40) - 10000); /* 1 ms before */
        devtest_spin(t, 5);
        g_assert_true(t->line[16]);
        g_assert_cmphex(devtest_read(t, BASE + 0xbffc, 4), ==, 1 << 8);
        devtest_write(t, BASE + 0xbffc, 4, 0);
        g_assert_false(t->line[16]);
        devtest_free(t);
}

/* ---- clock, finisher, HTIF ---- */

static uint64_t rtc_time(struct devtest *t)
{
        uint64_t low = devtest_read(t, BASE, 4);

        return devtest_read(t, BASE + 4, 4) << 32 | low;
}

static void rtc_alarm(struct devtest *t, uint64_t at)
{
        devtest_write(t, BASE + 12, 4, at >> 32);
        devtest_write(t, BASE + 8, 4, (uint32_t)at);
}

static void test_rtc(void)
{
        struct devtest *t = devtest_new(false);
        int64_t diff;

        devtest_add(t, "goldfish-rtc", BASE, NULL, 0);
        diff = rtc_time(t) / 1000 - g_get_real_time();
        g_assert_cmpint(ABS(diff), <, 1000000);
        devtest_write(t, BASE + 0x10, 4, 1);
        rtc_alarm(t, rtc_time(t) + 2000000);
        g_assert_cmpuint(devtest_read(t, BASE + 0x18, 4), ==, 1);
        g_assert_false(t->line[0]);
        devtest_spin(t, 10);
        g_assert_true(t->line[0]);
        devtest_write(t, BASE + 0x1c, 4, 1);
        g_assert_false(t->line[0]);
        /* set the clock: a year on */
        devtest_write(t, BASE + 4, 4, 0x12345678);
        devtest_write(t, BASE, 4, 0);
        g_assert_cmphex(rtc_time(t) >> 32, ==, 0x12345678);
        rtc_alarm(t, 5); /* past */
        g_assert_true(t->line[0]);
        devtest_free(t);
}

static void test_finisher(void)
{
        struct devtest *t = devtest_new(false);

        devtest_add(t, "sifive.test", BASE, NULL, 0);
        devtest_write(t, BASE, 4, 0x1234);
        g_assert_cmpint(vm_take_request(t->vm), ==, VM_REQ_NONE);
        devtest_write(t, BASE, 4, 0x5555);
        g_assert_cmpint(vm_take_request(t->vm), ==, VM_REQ_SHUTDOWN);
        devtest_write(t, BASE, 4, 0x7777);
        g_assert_cmpint(vm_take_request(t->vm), ==, VM_REQ_RESET);
        devtest_write(t, BASE, 4, 42 << 16 | 0x3333);
        g_assert_cmpint(t->vm->exit_code, ==, 42);
        g_assert_cmpint(vm_take_request(t->vm), ==, VM_REQ_EXIT_CODE);
        devtest_free(t);
}

/* HTIF with its words in RAM. */
static struct chardev *add_htif(struct devtest *t, const char *signature)
{
        char *path = devtest_path(t, "out");
        struct dev_setting c = {"path", path}, s[] = {{"chardev", "c"}, {"signature-granularity", "4"},
                                                      {"signature", signature}};
        struct chardev *cd = chardev_new(t->vm, "file", "c", &c, 1, NULL);
        struct htif_config config = {
                .ram = t->ram, .ram_base = DT_RAM_BASE, .tohost = DT_RAM_BASE + 0x1000,
                .fromhost = DT_RAM_BASE + 0x1040,
                .begin_signature = DT_RAM_BASE + 0x3000, .end_signature = DT_RAM_BASE + 0x3006,
        };
        GError *error = NULL;
        struct dev *d;

        d = dev_new(t->vm, dev_class_find("htif", NULL), "htif", s, signature ? 3 : 2, &error);
        g_assert_no_error(error);
        g_assert_true(htif_place(d, &config, &error));
        g_free(path);
        return cd;
}

static void test_htif(void)
{
        struct devtest *t = devtest_new(false);
        char *signature = devtest_path(t, "signature"), *path = devtest_path(t, "out"), *text;
        struct chardev *c = add_htif(t, signature);
        const gpa_t tohost = DT_RAM_BASE + 0x1000, fromhost = tohost + 0x40;

        clock_run_start(t->vm);
        /* the rest of the page is memory */
        devtest_write(t, tohost + 0x100, 8, 0x1122334455667788);
        g_assert_cmphex(devtest_read(t, tohost + 0x104, 4), ==, 0x11223344);
        g_assert_cmphex(*(uint32_t *)(t->ram->host + 0x1100), ==, 0x55667788);
        /* console, in one store and in two */
        devtest_write(t, tohost, 8, 1ull << 56 | 1ull << 48 | 'A');
        g_assert_cmphex(devtest_read(t, tohost, 8), ==, 0);
        g_assert_cmphex(devtest_read(t, fromhost, 8) >> 48, ==, 0x101);
        devtest_write(t, tohost, 4, 'C'); /* odd, as an exit code would be */
        devtest_write(t, tohost + 4, 4, 0x01010000);
        g_assert_cmpint(t->vm->request, ==, VM_REQ_NONE);
        g_file_get_contents(path, &text, NULL, NULL);
        g_assert_cmpstr(text, ==, "AC");
        g_free(text);
        /* the words are memory; stores to the rest of their lines are nothing to the device */
        g_assert_cmphex(*(uint64_t *)(t->ram->host + 0x1040), ==, devtest_read(t, fromhost, 8));
        devtest_write(t, tohost + 8, 8, 1);
        g_assert_cmpint(t->vm->request, ==, VM_REQ_NONE);
        g_assert_cmphex(t->ram->code_lines[1], ==, 3);
        /* a key */
        devtest_write(t, fromhost, 8, 0);
        devtest_write(t, tohost, 8, 1ull << 56);
        g_assert_cmphex(devtest_read(t, fromhost, 8), ==, 0);
        chardev_inject(c, (const uint8_t *)"k", 1);
        g_assert_cmphex(devtest_read(t, fromhost, 8), ==, (1ull << 56 | 0x100 | 'k'));
        /* a system call: write(1, "hi", 2) */
        devtest_write(t, fromhost, 8, 0);
        memcpy(t->ram->host + 0x2100, "hi", 2);
        memcpy(t->ram->host + 0x2000, (uint64_t[]){64, 1, DT_RAM_BASE + 0x2100, 2}, 32);
        devtest_write(t, tohost, 8, DT_RAM_BASE + 0x2000);
        g_assert_cmpuint(*(uint64_t *)(t->ram->host + 0x2000), ==, 2);
        g_assert_cmphex(devtest_read(t, fromhost, 8), ==, 1);
        /* exit by the lower half alone, with a signature of six bytes in lines of four */
        memcpy(t->ram->host + 0x3000, "\1\2\3\4\5\6", 6);
        devtest_write(t, tohost, 4, 7 << 1 | 1);
        g_assert_cmpint(t->vm->request, ==, VM_REQ_NONE);
        devtest_spin(t, 5);
        g_assert_cmpint(t->vm->request, ==, VM_REQ_EXIT_CODE);
        g_assert_cmpint(t->vm->exit_code, ==, 7);
        g_assert_true(g_file_get_contents(signature, &text, NULL, NULL));
        g_assert_cmpstr(text, ==, "04030201\n00000605\n");
        g_free(text);
        g_free(path);
        g_free(signature);
        devtest_free(t);
}

static void add_for_each_class(const char *path, void (*fn)(gconstpointer))
{
        for (unsigned i = 0; dev_classes[i]; i++) {
                char *name = g_strdup_printf("/dev/%s/%s", path, dev_classes[i]->name);

                g_test_add_data_func(name, dev_classes[i], fn);
                g_free(name);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/dev/bus", test_bus);
        g_test_add_func("/dev/names", test_names);
        g_test_add_func("/dev/uart", test_uart);
        g_test_add_func("/dev/uart-backpressure", test_uart_backpressure);
        g_test_add_func("/dev/mux", test_mux);
        g_test_add_func("/dev/plic", test_plic);
        g_test_add_func("/dev/aclint", test_aclint);
        g_test_add_func("/dev/rtc", test_rtc);
        g_test_add_func("/dev/finisher", test_finisher);
        g_test_add_func("/dev/htif", test_htif);
        add_for_each_class("properties", test_properties);
        add_for_each_class("snapshot", test_snapshot);
        add_for_each_class("damaged", test_damaged);
        add_for_each_class("random", test_random);
        return g_test_run();
}
