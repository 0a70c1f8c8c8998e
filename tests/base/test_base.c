/* SPDX-License-Identifier: MIT */
/*
 * Tests of base/: arenas, bit fields, errors and nearest names, the log.
 */
#include <string.h>

#include <glib/gstdio.h>

#include "base/arena.h"
#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"

/* ---- arena ---- */

static void test_arena(void)
{
        struct arena *a = arena_new(256);
        unsigned char *p[64];

        for (unsigned round = 0; round < 3; round++) {
                for (unsigned k = 0; k < 64; k++) {
                        size_t size = k * 37 % 500; /* some are larger than a chunk */

                        p[k] = k & 1 ? arena_alloc(a, size) : arena_zalloc(a, size);
                        g_assert_cmpuint((uintptr_t)p[k] % 16, ==, 0);
                        for (size_t n = 0; !(k & 1) && n < size; n++)
                                g_assert_cmpuint(p[k][n], ==, 0);
                        memset(p[k], k, size);
                }
                for (unsigned k = 0; k < 64; k++)
                        for (size_t n = 0; n < k * 37 % 500; n++)
                                g_assert_cmpuint(p[k][n], ==, k);
                arena_reset(a);
        }
        g_assert_cmpstr(arena_strdup(a, "text"), ==, "text");
        arena_free(a);
        arena_free(NULL);
}

/* After a reset the same memory comes again: a round like the one before allocates nothing. */
static void test_arena_reuse(void)
{
        struct arena *a = arena_new(128);
        void *first[20];

        for (unsigned k = 0; k < 20; k++)
                first[k] = arena_alloc(a, 100);
        arena_reset(a);
        for (unsigned k = 0; k < 20; k++)
                g_assert_true(arena_alloc(a, 100) == first[k]);
        arena_free(a);
}

/* ---- bits ---- */

static void test_bits(void)
{
        g_assert_cmphex(bits_mask(0), ==, 0);
        g_assert_cmphex(bits_mask(64), ==, ~0ull);
        g_assert_cmphex(bits_get(0xabcdef, 8, 8), ==, 0xcd);
        g_assert_cmphex(bits_get(~0ull, 0, 64), ==, ~0ull);
        g_assert_cmpint(bits_get_s(0xabcdef, 8, 8), ==, -0x33);
        g_assert_cmpint(bits_sext(0x800, 12), ==, -2048);
        g_assert_cmphex(bits_set(0xabcdef, 8, 8, 0x112), ==, 0xab12ef);
        g_assert_cmphex(bits_set(0, 0, 64, ~0ull), ==, ~0ull);
        g_assert_cmphex(bits_align_down(0x1fff, 0x1000), ==, 0x1000);
        g_assert_cmphex(bits_align_up(0x1001, 0x1000), ==, 0x2000);
        g_assert_true(bits_is_pow2(1ull << 63));
        g_assert_false(bits_is_pow2(0));
        g_assert_false(bits_is_pow2(6));
}

/* ---- errors ---- */

static void test_error(void)
{
        GError *error = NULL;

        g_assert_false(error_set(&error, RHEA_ERROR_FILE, "%s is empty", "disk"));
        g_assert_error(error, RHEA_ERROR, RHEA_ERROR_FILE);
        g_assert_false(error_prefix(&error, "drive %d", 3));
        g_assert_cmpstr(error->message, ==, "drive 3: disk is empty");
        g_clear_error(&error);
        g_assert_false(error_set(NULL, RHEA_ERROR_FILE, "nobody asked"));
        g_assert_false(error_prefix(NULL, "nobody asked"));
        g_assert_false(error_prefix(&error, "there is none"));
        g_assert_no_error(error);
}

static void test_nearest(void)
{
        static const char *const names[] = {
                "virtio-blk-device", "virtio-rng-device", "goldfish-rtc", "ns16550a", "x", NULL};
        char *long_name = g_strnfill(5000, 'v');

        g_assert_cmpstr(error_nearest_name("virtio-blk-devcie", names), ==, "virtio-blk-device");
        g_assert_cmpstr(error_nearest_name("Goldfish-RTC", names), ==, "goldfish-rtc");
        g_assert_cmpstr(error_nearest_name("ns16550", names), ==, "ns16550a");
        g_assert_null(error_nearest_name("e1000", names));
        g_assert_null(error_nearest_name("", names));
        g_assert_null(error_nearest_name(long_name, names));
        g_assert_null(error_nearest_name("virt", (const char *const[]){NULL}));
        g_free(long_name);
}

/* ---- log ---- */

static void test_log_items(void)
{
        uint32_t mask;
        GError *error = NULL;

        g_assert_true(log_parse_items("in_asm,int", &mask, NULL));
        g_assert_cmphex(mask, ==, LOG_IN_ASM | LOG_INT);
        g_assert_true(log_parse_items("", &mask, NULL));
        g_assert_cmphex(mask, ==, 0);
        g_assert_false(log_parse_items("in_asm,guest_erors", &mask, &error));
        g_assert_error(error, RHEA_ERROR, RHEA_ERROR_USAGE);
        g_assert_nonnull(strstr(error->message, "guest_errors"));
        g_clear_error(&error);
}

static void test_log_filter(void)
{
        struct log *log = log_new();
        static const char *const bad[] = {
                "x", "1", "1..", "2..1", "1+0", "1-0", "1-2-3", "1+0xffffffffffffffff+", "0-2", ","};

        g_assert_true(log_in_filter(log, 0x1234));
        g_assert_true(log_set_filter(log, "0x1000..0x1fff,0x8000+0x10,0x9000-0x10", NULL));
        g_assert_true(log_in_filter(log, 0x1000));
        g_assert_true(log_in_filter(log, 0x1fff));
        g_assert_false(log_in_filter(log, 0x2000));
        g_assert_true(log_in_filter(log, 0x800f));
        g_assert_false(log_in_filter(log, 0x8010));
        g_assert_true(log_in_filter(log, 0x9000));
        g_assert_true(log_in_filter(log, 0x8ff1));
        g_assert_false(log_in_filter(log, 0x8ff0));
        g_assert_true(log_set_filter(log, "0..0xffffffffffffffff", NULL));
        g_assert_true(log_in_filter(log, ~0ull));
        for (unsigned k = 0; k < G_N_ELEMENTS(bad); k++) {
                GError *error = NULL;

                if (log_set_filter(log, bad[k], &error))
                        g_error("'%s' is taken for a range", bad[k]);
                g_assert_error(error, RHEA_ERROR, RHEA_ERROR_USAGE);
                g_clear_error(&error);
        }
        g_assert_true(log_set_filter(log, "", NULL));
        g_assert_true(log_in_filter(log, 1));
        log_free(log);
}

static char *logged(void (*act)(struct log *))
{
        struct log *log = log_new();
        char *path = g_strdup_printf("%s/rhea-log-%d", g_get_tmp_dir(), (int)g_random_int()), *text;

        g_assert_true(log_open_file(log, path, NULL));
        act(log);
        log_free(log);
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        g_remove(path);
        g_free(path);
        return text;
}

static void write_guest_errors(struct log *log)
{
        for (unsigned k = 0; k < 50; k++)
                log_guest_error(log, "not shown");
        log_set_mask(log, LOG_GUEST_ERRORS);
        g_assert_true(log_on(log, LOG_GUEST_ERRORS));
        g_assert_false(log_on(log, LOG_INT));
        for (unsigned k = 0; k < 5000; k++)
                log_guest_error(log, "register %u of %s\n", k, "uart0");
        g_assert_cmpuint(log_guest_error_count(log), ==, 5050);
}

static void test_log_guest_errors(void)
{
        char *text = logged(write_guest_errors), **lines = g_strsplit(text, "\n", -1);
        unsigned n = g_strv_length(lines) - 1;

        g_assert_cmpstr(lines[0], ==, "register 0 of uart0");
        g_assert_cmpuint(n, >=, 10);
        g_assert_cmpuint(n, <=, 31); /* two seconds at most, and the line that tells of the rest */
        g_strfreev(lines);
        g_free(text);
}

static gpointer write_pairs(gpointer data)
{
        for (unsigned k = 0; k < 500; k++) {
                log_lock(data);
                log_printf(data, "one ");
                g_thread_yield();
                log_printf(data, "two\n");
                log_unlock(data);
        }
        return NULL;
}

static void write_from_threads(struct log *log)
{
        GThread *threads[4];

        for (unsigned k = 0; k < 4; k++)
                threads[k] = g_thread_new("log", write_pairs, log);
        for (unsigned k = 0; k < 4; k++)
                g_thread_join(threads[k]);
}

static void test_log_together(void)
{
        char *text = logged(write_from_threads);

        g_assert_cmpuint(strlen(text), ==, 4 * 500 * 8);
        for (const char *s = text; *s; s += 8)
                g_assert_true(g_str_has_prefix(s, "one two\n"));
        g_free(text);
}

static void test_log_file(void)
{
        struct log *log = log_new();
        GError *error = NULL;

        g_assert_false(log_open_file(log, "/nowhere/at/all", &error));
        g_assert_error(error, RHEA_ERROR, RHEA_ERROR_FILE);
        g_assert_nonnull(strstr(error->message, "/nowhere/at/all"));
        g_clear_error(&error);
        log_free(log);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/base/arena", test_arena);
        g_test_add_func("/base/arena/reuse", test_arena_reuse);
        g_test_add_func("/base/bits", test_bits);
        g_test_add_func("/base/error", test_error);
        g_test_add_func("/base/error/nearest", test_nearest);
        g_test_add_func("/base/log/items", test_log_items);
        g_test_add_func("/base/log/filter", test_log_filter);
        g_test_add_func("/base/log/guest-errors", test_log_guest_errors);
        g_test_add_func("/base/log/together", test_log_together);
        g_test_add_func("/base/log/file", test_log_file);
        return g_test_run();
}
