/* SPDX-License-Identifier: MIT */
/*
 * Tests of the IR. Without arguments: all textual tests (files *.ir in IR_TESTS_DIR and IR_TESTS_MADE),
 * evaluation, random regions, and that each rule, broken on purpose, is noticed by some test. --bless
 * rewrites the expected outputs; --mutant RULE runs all with that rule broken and exits with 1 if it is
 * noticed, which a script then wants to see.
 */
#include "tests/ir/check.h"

#include <stdlib.h>
#include <string.h>

#include "ir/rules.h"

#define RANDOM_REGIONS 3000
#define RANDOM_REGIONS_MUTANT 600
#define EVALUATIONS 2000

static const struct ir_engine *const engines[] = {&ir_engine_interp, &ir_engine_literal, NULL};

static void load_dir(GPtrArray *files, const char *path)
{
        GDir *dir = g_dir_open(path, 0, NULL);
        const char *name;
        GError *error = NULL;

        while (dir && (name = g_dir_read_name(dir))) {
                char *file = g_build_filename(path, name, NULL);
                GPtrArray *tests = g_str_has_suffix(name, ".ir") ? text_load(file, &error) : NULL;

                g_assert_no_error(error);
                if (tests)
                        g_ptr_array_add(files, tests);
                g_free(file);
        }
        g_clear_pointer(&dir, g_dir_close);
}

static GPtrArray *load_all(void)
{
        GPtrArray *files = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);

        load_dir(files, IR_TESTS_DIR);
        load_dir(files, IR_TESTS_MADE);
        return files;
}

static void test_text(const void *data)
{
        GError *error = NULL;

        text_check(data, engines, 0, &error);
        g_assert_no_error(error);
}

static void test_eval(void)
{
        GError *error = NULL;

        for (uint64_t seed = 0; seed < EVALUATIONS; seed++) {
                eval_check(seed * 77, &error);
                g_assert_no_error(error);
        }
}

static uint64_t random_count(void)
{
        const char *s = g_getenv("IR_RANDOM_REGIONS");

        return s ? g_ascii_strtoull(s, NULL, 10) : RANDOM_REGIONS;
}

static void test_random(void)
{
        GError *error = NULL;

        for (uint64_t seed = 1; seed <= random_count(); seed++) {
                random_check(seed, engines, 0, &error);
                g_assert_no_error(error);
        }
}

/* How the broken rule shows, or NULL. */
static char *mutant_noticed(GPtrArray *files, uint16_t mutant)
{
        GError *error = NULL;
        char *message = NULL;

        for (guint f = 0; !error && f < files->len; f++) {
                GPtrArray *tests = files->pdata[f];

                for (guint k = 0; !error && k < tests->len; k++)
                        text_check(tests->pdata[k], engines, mutant, &error);
        }
        for (uint64_t seed = 1; !error && seed <= RANDOM_REGIONS_MUTANT; seed++)
                random_check(seed, engines, mutant, &error);
        if (error)
                message = g_strdup(error->message);
        g_clear_error(&error);
        return message;
}

static void test_mutants(const void *data)
{
        unsigned unnoticed = 0;

        for (unsigned rule = 1; rule < IR_RULE_COUNT; rule++) {
                char *message = mutant_noticed((GPtrArray *)data, rule);

                g_test_message("%s: %s", ir_rules[rule].name, message ? message : "NOT NOTICED");
                unnoticed += !message;
                g_free(message);
        }
        g_assert_cmpuint(unnoticed, ==, 0);
}

static int bless(void)
{
        GDir *dir = g_dir_open(IR_TESTS_DIR, 0, NULL);
        const char *name;
        GError *error = NULL;

        while (dir && !error && (name = g_dir_read_name(dir))) {
                char *path = g_build_filename(IR_TESTS_DIR, name, NULL);

                if (g_str_has_suffix(name, ".ir"))
                        text_bless(path, &error);
                g_free(path);
        }
        if (error)
                g_printerr("%s\n", error->message);
        g_clear_pointer(&dir, g_dir_close);
        return error ? 1 : 0;
}

static int run_mutant(const char *name)
{
        for (unsigned rule = 1; rule < IR_RULE_COUNT; rule++) {
                char *message;

                if (strcmp(ir_rules[rule].name, name))
                        continue;
                message = mutant_noticed(load_all(), rule);
                printf("%s: %s\n", name, message ? message : "not noticed");
                return message ? 1 : 0;
        }
        g_printerr("rule %s does not exist\n", name);
        return 2;
}

int main(int argc, char **argv)
{
        GPtrArray *files;
        int failed;

        if (argc == 2 && !strcmp(argv[1], "--bless"))
                return bless();
        if (argc == 2 && !strcmp(argv[1], "--rules")) {
                for (unsigned rule = 1; rule < IR_RULE_COUNT; rule++)
                        puts(ir_rules[rule].name);
                return 0;
        }
        if (argc == 3 && !strcmp(argv[1], "--mutant"))
                return run_mutant(argv[2]);
        g_test_init(&argc, &argv, NULL);
        files = load_all();
        for (guint f = 0; f < files->len; f++) {
                GPtrArray *tests = files->pdata[f];

                for (guint k = 0; k < tests->len; k++) {
                        struct text_test *t = tests->pdata[k];
                        char *path = g_strdup_printf("/ir/text/%s", t->name);

                        g_test_add_data_func(path, t, test_text);
                        g_free(path);
                }
        }
        g_test_add_func("/ir/eval", test_eval);
        g_test_add_func("/ir/random", test_random);
        g_test_add_data_func("/ir/mutants", files, test_mutants);
        failed = g_test_run();
        g_ptr_array_unref(files);
        return failed;
}
