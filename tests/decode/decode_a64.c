/* SPDX-License-Identifier: MIT */
/*
 * Tests of the generated A64 decoder and the disassembler: the decision tree against the table of masks, for
 * random words of every row; no two rows claim a word; features; reserved encodings; and text that GNU
 * objdump printed (golden_a64.txt, made by binutils_a64.py).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "frontend/arm/a64_decode.h"
#include "frontend/arm/disas.h"

static const char *golden_dir;

static const struct cpu_features all_features = {{(UINT64_C(1) << A64_F_COUNT) - 1}};

/* The row of the table that a word is, found without the decision tree; A64_INVALID if none. */
static enum a64_insn search(uint32_t word, const struct cpu_features *f)
{
        enum a64_insn found = A64_INVALID;

        for (enum a64_insn i = 1; i < A64_INSN_COUNT; i++) {
                if ((word & a64_insns[i].mask) != a64_insns[i].match)
                        continue;
                if (!a64_insn_matches(i, word, f) || !a64_insn_enabled(i, f))
                        continue;
                if (found == A64_INVALID || a64_insns[i].over == found)
                        found = i;
                else if (a64_insns[found].over != i)
                        g_error("0x%08x is %s and %s", word, a64_insns[found].name, a64_insns[i].name);
        }
        return found;
}

static void check_word(uint32_t word, const struct cpu_features *f)
{
        enum a64_insn wanted = search(word, f);
        const struct a64_insn_info *info = &a64_insns[wanted];
        struct a64_decoded d;
        bool good = a64_decode(word, f, &d);

        if (d.insn != wanted || good != (wanted != A64_INVALID))
                g_error("0x%08x decodes as %s, not %s", word, a64_insns[d.insn].name, info->name);
        if (!good)
                return;
        g_assert_cmpuint(d.length, ==, 4);
        for (unsigned n = 0; n < info->nfields; n++) {
                const struct a64_field *field = &info->fields[n];
                int64_t value = a64_field_value(field, word);

                if (a64_field_decoded(field, &d) != value)
                        g_error("0x%08x: %s of %s", word, field->name, info->name);
                g_assert_cmphex(a64_field_insert(field, word, value), ==, word);
        }
}

static uint32_t random_word(GRand *r, const struct a64_insn_info *info)
{
        return (g_rand_int(r) & ~info->mask) | info->match;
}

static void test_words(void)
{
        unsigned count = g_test_quick() ? 100 : 5000;
        GRand *r = g_rand_new_with_seed(1);

        for (enum a64_insn i = 1; i < A64_INSN_COUNT; i++) {
                for (unsigned n = 0; n < count; n++) {
                        uint32_t word = random_word(r, &a64_insns[i]);

                        check_word(word, &all_features);
                        check_word(word ^ UINT32_C(1) << g_rand_int_range(r, 0, 32), &all_features);
                }
        }
        for (unsigned n = 0; n < count * 1000; n++)
                check_word(g_rand_int(r), &all_features);
        g_rand_free(r);
}

/* Any set of features: the tree and the table agree, and two rows never claim a word. */
static void test_any_features(void)
{
        GRand *r = g_rand_new_with_seed(2);

        for (unsigned n = 0; n < (g_test_quick() ? 100000 : 2000000); n++) {
                struct cpu_features f = all_features;

                f.bits[0] &= (uint64_t)g_rand_int(r) << 32 | g_rand_int(r);
                check_word(random_word(r, &a64_insns[g_rand_int_range(r, 1, A64_INSN_COUNT)]), &f);
        }
        g_rand_free(r);
}

/* Without any one of the features that it needs, a word is not that instruction. */
static void test_features(void)
{
        GRand *r = g_rand_new_with_seed(3);

        for (enum a64_insn i = 1; i < A64_INSN_COUNT; i++) {
                const struct a64_insn_info *info = &a64_insns[i];
                struct cpu_features f = {{info->alts[0].need}};
                struct a64_decoded d;
                uint32_t word;

                do
                        word = random_word(r, info);
                while (!a64_insn_matches(i, word, &f) || !a64_decode(word, &f, &d) || d.insn != i);
                for (unsigned n = 0; n < A64_F_COUNT; n++) {
                        struct cpu_features less = {{f.bits[0] & ~(UINT64_C(1) << n)}};

                        if (cpu_has(&f, n))
                                g_assert_false(a64_decode(word, &less, &d));
                }
        }
        g_rand_free(r);
}

/* Encodings that the architecture leaves unallocated or reserves. */
static void test_reserved(void)
{
        static const struct { uint32_t word; const char *what; } rows[] = {
                {0x00010000, "reserved, not udf"},
                {0x02000000, "unallocated op0"},
                {0x06000000, "unallocated op0"},
                {0x12400000, "and (immediate), N=1 in 32 bits"},
                {0x9240fc00, "and (immediate), all ones"},
                {0x1200fc00, "and (immediate), imms 111111 with N=0"},
                {0x12c00000, "movn, shift 32 in 32 bits"},
                {0x13400000, "sbfm, N=1 in 32 bits"},
                {0x13208000, "sbfm, immr 32 in 32 bits"},
                {0x93000000, "sbfm, N=0 in 64 bits"},
                {0x0bc00000, "add (shifted), shift 3"},
                {0x0b008000, "add (shifted), amount 32 in 32 bits"},
                {0x0b201400, "add (extended), amount 5"},
                {0x1ac00000, "two sources, opcode 0 in 32 bits"},
                {0x5ac00c00, "rev64 in 32 bits"},
                {0x9b40fc00, "smulh with o0"},
                {0xd4000000, "exception generation, LL 0"},
                {0xd61f0001, "br with op4"},
                {0x38600800, "ldrb, option 0"},
                {0x48207c01, "casp of odd registers"},
                {0x0ee08400, "add of one 64-bit lane in 64 bits"},
                {0x6ee09c00, "pmul of 64-bit lanes"},
                {0x0e202800 | 3 << 22, "saddlp of 64-bit lanes"},
                {0x1e801000, "fmov, type 2"},
                {0x1ea02020, "fcmp, type 2"},
        };

        for (size_t n = 0; n < G_N_ELEMENTS(rows); n++) {
                struct a64_decoded d;

                if (a64_decode(rows[n].word, &all_features, &d))
                        g_error("0x%08x (%s) decodes as %s", rows[n].word, rows[n].what,
                                a64_insns[d.insn].name);
        }
}

static void test_values(void)
{
        struct a64_decoded d;

        g_assert_true(a64_decode(0x91403fe0, &all_features, &d)); /* add x0, sp, #0xf, lsl #12 */
        g_assert_cmpint(d.insn, ==, A64_ADD_IMM);
        g_assert_cmpint(d.args.ri12.imm, ==, 15);
        g_assert_cmpint(d.args.ri12.sh, ==, 1);
        g_assert_true(a64_decode(0x17ffffff, &all_features, &d)); /* b . - 4 */
        g_assert_cmpint(d.args.off.off, ==, -4);
        g_assert_true(a64_decode(0xf85ff000, &all_features, &d)); /* ldur x0, [x0, #-1] */
        g_assert_cmpint(a64_insns[d.insn].target, ==, A64_LDRB_UI);
        g_assert_cmpint(d.args.ld.imm, ==, -1);
        g_assert_cmpint(d.args.ld.size, ==, 3);
        g_assert_true(a64_decode(0x3dc00421, &all_features, &d)); /* ldr q1, [x1, #16] */
        g_assert_cmpint(d.args.fls.imm, ==, 16);
        g_assert_cmpint(d.args.fls.size, ==, 4);
        g_assert_true(a64_decode(0xd503201f, &all_features, &d));
        g_assert_cmpint(d.insn, ==, A64_NOP);
        g_assert_true(a64_decode(0x04200000, &all_features, &d)); /* an SVE group */
        g_assert_cmpint(d.insn, ==, A64_SVE_INT_ARITH);
        g_assert_cmpint(a64_insns[d.insn].target, ==, A64_INVALID);
        g_assert_cmphex(a64_logical_imm(0x1000 | 1 << 6), ==, UINT64_C(0x8000000000000000));
        g_assert_cmphex(a64_logical_imm(0x3c), ==, UINT64_C(0x5555555555555555));
        g_assert_cmphex(a64_fp_imm(0x70), ==, UINT64_C(0x3ff0000000000000));
        g_assert_cmphex(a64_fp_imm(0x80), ==, UINT64_C(0xc000000000000000));
}

/* Removes spaces after commas and doubled ones, in place. */
static void squeeze(char *s)
{
        char *out = s;

        for (const char *in = s; *in; in++) {
                if (*in == ' ' && out > s && (out[-1] == ',' || out[-1] == ' '))
                        continue;
                *out++ = *in;
        }
        *out = 0;
}

static void test_golden(void)
{
        g_autofree char *file = g_strdup_printf("%s/golden_a64.txt", golden_dir), *text = NULL;
        g_auto(GStrv) lines = NULL;
        struct cpu_features f = all_features;
        unsigned count = 0;

        cpu_features_set(&f, A64_F_RPRFM, false); /* younger than the binutils that the file was made with */
        g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
        lines = g_strsplit(text, "\n", -1);
        for (char **l = lines; *l && **l; l++, count++) {
                char *next, buf[160];
                uint64_t pc = strtoull(*l, &next, 16);
                uint32_t word = strtoul(next, &next, 16);

                g_assert_true(a64_disas(pc, word, &f, buf, sizeof(buf)));
                squeeze(buf);
                if (strcmp(buf, next + 1))
                        g_error("0x%08x: \"%s\", should be \"%s\"", word, buf, next + 1);
        }
        g_assert_cmpuint(count, >, 1000);
}

static void test_disas(void)
{
        struct cpu_features base = {{UINT64_C(1) << A64_F_A64}};
        char buf[64], tiny[8];

        g_assert_false(a64_disas(0, 0xffffffff, &base, buf, sizeof(buf)));
        g_assert_cmpstr(buf, ==, ".inst 0xffffffff");
        g_assert_false(a64_disas(0, 0x1e602820, &base, buf, sizeof(buf))); /* fadd without FP */
        a64_disas(0x40000000, 0x97ffffff, &base, buf, sizeof(buf));
        g_assert_cmpstr(buf, ==, "bl      0x3ffffffc");
        a64_disas(0, 0xd5381040, &base, buf, sizeof(buf));
        g_assert_cmpstr(buf, ==, "mrs     x0, cpacr_el1");
        a64_disas(0, 0xd5381040, &base, tiny, sizeof(tiny));
        g_assert_cmpstr(tiny, ==, "mrs    ");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        golden_dir = argc > 1 ? argv[1] : ".";
        g_test_add_func("/decode/a64/words", test_words);
        g_test_add_func("/decode/a64/any-features", test_any_features);
        g_test_add_func("/decode/a64/features", test_features);
        g_test_add_func("/decode/a64/reserved", test_reserved);
        g_test_add_func("/decode/a64/values", test_values);
        g_test_add_func("/decode/a64/golden", test_golden);
        g_test_add_func("/decode/a64/disas", test_disas);
        return g_test_run();
}
