/* SPDX-License-Identifier: MIT */
/*
 * Tests of code generation on this host: the textual IR tests and random regions of tests/ir, run as host
 * code and compared with the interpreter, with a fault at each access in turn. CODEGEN_REGIONS says how many
 * random regions, CODEGEN_FIRST which is the first; --dump SEED prints one and its code. Golden code, and the
 * golden list of what goes to C: see golden.h, calls.h; --bless.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "tests/codegen/calls.h"
#include "tests/codegen/engine.h"
#include "tests/codegen/fp_ops.h"
#include "tests/codegen/golden.h"
#include "tests/codegen/vec_ops.h"
#include "tests/ir/check.h"

#define RANDOM_REGIONS 1000
#define FP_REGIONS 5000
#define VEC_REGIONS 200

static const struct ir_engine *const engines[] = {&ir_engine_interp, &engine_host_slow, &engine_host_fast,
                                                  &engine_host_linear,
                                                  NULL};

/* The region of a seed, as the first form of random_check has it, and its code. */
static void dump(uint64_t seed)
{
        struct arena *a = arena_new(1 << 16);
        struct ir_region *r = random_region(a, seed);
        char *ir = region_text(r);
        unsigned n;
        char *code = host_code_text(r, &n);

        printf("%s\n%s", ir, code);
        g_free(ir);
        free(code);
        arena_free(a);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
        const char *s = g_getenv(name);

        return s ? g_ascii_strtoull(s, NULL, 10) : otherwise;
}

/* What is golden for this host, at the level that it is to have. */
static char *golden_path(const char *suffix)
{
        const char *level = g_getenv("CODEGEN_LEVEL");

        return g_strconcat(CODEGEN_TESTS_DIR "/" CODEGEN_HOST, level ? "-" : "", level ? level : "", suffix,
                           NULL);
}

/* x86-64's is for the processors of today; others are still tested by running code. */
static bool has_golden(void)
{
#ifdef __x86_64__
        if (!__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("fma") || g_getenv("CODEGEN_LEVEL")) {
                g_test_skip("this processor lacks BMI2 or FMA, or is to be like one that does");
                return false;
        }
#endif
        return true;
}

static void test_golden(void)
{
        g_autofree char *path = golden_path(".golden");
        GError *error = NULL;

        if (!has_golden())
                return;
        golden_check(path, false, &error);
        g_assert_no_error(error);
}

/* The ops that this host's code leaves to C (calls.c). */
static bool check_calls(bool bless, GError **error)
{
        g_autofree char *path = golden_path(".calls"), *list = NULL;

        return calls_list(&list, error) && golden_text(path, list, bless, error);
}

static void test_calls(void)
{
        GError *error = NULL;

        if (!has_golden())
                return;
        check_calls(false, &error);
        g_assert_no_error(error);
}

static void test_fp(void)
{
        uint64_t from = setting("CODEGEN_FIRST", 1), n = setting("CODEGEN_REGIONS", FP_REGIONS);
        GError *error = NULL;

        for (uint64_t seed = from; seed < from + n; seed++) {
                fp_ops_check(seed, &error);
                g_assert_no_error(error);
        }
}

static void test_vector(const void *op)
{
        GError *error = NULL;

        vec_ops_check(GPOINTER_TO_INT(op), setting("CODEGEN_FIRST", 1),
                      setting("CODEGEN_REGIONS", VEC_REGIONS), &error);
        g_assert_no_error(error);
}

static void test_random(void)
{
        uint64_t from = setting("CODEGEN_FIRST", 1), n = setting("CODEGEN_REGIONS", RANDOM_REGIONS);
        GError *error = NULL;

        for (uint64_t seed = from; seed < from + n; seed++) {
                random_check(seed, engines, 0, &error);
                g_assert_no_error(error);
        }
}

static void test_text(const void *data)
{
        GError *error = NULL;

        text_check(data, engines, 0, &error);
        g_assert_no_error(error);
}

static void add_text_tests(const char *folder)
{
        GDir *dir = g_dir_open(folder, 0, NULL);
        const char *name;
        GError *error = NULL;

        while (dir && (name = g_dir_read_name(dir))) {
                char *path = g_build_filename(folder, name, NULL);
                GPtrArray *tests = g_str_has_suffix(name, ".ir") ? text_load(path, &error) : NULL;

                g_assert_no_error(error);
                for (guint k = 0; tests && k < tests->len; k++) {
                        const struct text_test *t = tests->pdata[k];
                        char *test_path = g_strdup_printf("/codegen/text/%s", t->name);

                        g_test_add_data_func(test_path, t, test_text);
                        g_free(test_path);
                }
                g_free(path);
        }
        g_clear_pointer(&dir, g_dir_close);
}

int main(int argc, char **argv)
{
        int status;

        if (argc == 3 && !strcmp(argv[1], "--dump")) {
                dump(strtoull(argv[2], NULL, 10));
                engine_host_fini();
                return 0;
        }
        if (argc == 2 && !strcmp(argv[1], "--bless")) {
                g_autofree char *path = golden_path(".golden");
                GError *error = NULL;

                if (!golden_check(path, true, &error) || !check_calls(true, &error))
                        fprintf(stderr, "%s\n", error->message);
                engine_host_fini();
                return error != NULL;
        }
        g_test_init(&argc, &argv, NULL);
        add_text_tests(IR_TESTS_DIR);
        add_text_tests(IR_TESTS_MADE);
        g_test_add_func("/codegen/golden", test_golden);
        g_test_add_func("/codegen/calls", test_calls);
        g_test_add_func("/codegen/fp", test_fp);
        for (int op = IR_OP_vand; op <= IR_OP_vfcvt_idown; op++) {
                char *path = g_strdup_printf("/codegen/vector/%s", ir_ops[op].name);

                g_test_add_data_func(path, GINT_TO_POINTER(op), test_vector);
                g_free(path);
        }
        g_test_add_func("/codegen/random", test_random);
        status = g_test_run();
        engine_host_fini();
        return status;
}
