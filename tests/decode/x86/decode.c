/* SPDX-License-Identifier: MIT */
/*
 * The x86 decoder against golden.txt, which has a string of bytes and all that is decoded of it a line; and
 * what must hold of any string: no byte beyond the end is read, and what is cut short does not decode.
 *
 *     decode-x86 FOLDER            tests
 *     decode-x86 --write FOLDER    writes the golden file anew from its own strings: look at the difference
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "frontend/x86/decode.h"

static const char *folder;
static struct cpu_features all_features;
static uint8_t *guard_end; /* of test_cut */

static enum x86_width width_of(unsigned bits)
{
        return bits == 64 ? X86_64 : bits == 32 ? X86_32 : X86_16;
}

static size_t parse_hex(const char *text, uint8_t *out, size_t max)
{
        size_t n = 0;
        unsigned byte;

        while (n < max && sscanf(text + 2 * n, "%2x", &byte) == 1)
                out[n++] = byte;
        return n;
}

static void print_mem(GString *s, const struct x86_insn *i)
{
        static const char *const segs[] = {"es", "cs", "ss", "ds", "fs", "gs", "none"};

        g_string_append_printf(s, "%s:[", segs[i->mem.seg]);
        if (i->mem.rip)
                g_string_append(s, "rip");
        if (i->mem.base != X86_REG_NONE)
                g_string_append_printf(s, "r%u", i->mem.base);
        if (i->mem.index != X86_REG_NONE)
                g_string_append_printf(s, "+r%u*%u", i->mem.index, 1u << i->mem.scale);
        g_string_append_printf(s, "%+" G_GINT64_FORMAT "]", i->mem.disp);
}

static void print_op(GString *s, const struct x86_insn *i, const struct x86_op *op)
{
        static const char *const classes[] = {"r", "h", "seg", "cr", "dr", "st", "mm", "v", "k", "tmm"};

        switch (op->kind) {
        case X86_OP_REG: g_string_append_printf(s, "%s%u", classes[op->cls], op->reg); break;
        case X86_OP_MEM: print_mem(s, i); break;
        case X86_OP_IMM: g_string_append_printf(s, "%" G_GINT64_FORMAT, i->imm[op->reg]); break;
        case X86_OP_REL: g_string_append_printf(s, ".%+" G_GINT64_FORMAT, i->imm[0]); break;
        case X86_OP_FAR: g_string_append_printf(s, "%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT, i->imm[1],
                                                i->imm[0]); break;
        case X86_OP_SOURCE: g_string_append_printf(s, "source"); break;
        case X86_OP_DEST: g_string_append_printf(s, "dest"); break;
        }
        g_string_append_printf(s, ".%u", op->size);
}

/* Everything that was decoded. */
static char *describe(const uint8_t *bytes, size_t n, unsigned bits)
{
        static const char *const results[] = {"", "undefined", "truncated", "too long"};
        GString *s = g_string_new(NULL);
        struct x86_insn i;
        char name[32];
        enum x86_result result = x86_decode(bytes, n, width_of(bits), &all_features, &i);

        g_string_append_printf(s, "%u %s", i.length, result == X86_DECODED ? x86_mnemonic(&i, name,
                sizeof(name)) :
                               results[result]);
        if (result != X86_DECODED)
                return g_string_free(s, FALSE);
        for (unsigned k = 0; k < i.n_ops; k++) {
                g_string_append(s, k ? ", " : " ");
                print_op(s, &i, &i.op[k]);
        }
        g_string_append_printf(s, " ; os %u as %u%s%s%s%s", i.os, i.as, i.lock ? " lock" : "",
                               i.repe ? " repe" : "",
                               i.repne ? " repne" : "", i.vex ? " vex" : "");
        if (i.evex)
                g_string_append_printf(s, " vl %u k%u%s%s", i.vl, i.mask, i.z ? " z" : "",
                                       i.bcst ? " b" : "");
        return g_string_free(s, FALSE);
}

/* Calls @fn for each line of the golden file. */
static void each_line(void (*fn)(const char *where, unsigned bits, const uint8_t *bytes, size_t n,
                                 const char *want,
                                 GString *out), GString *out)
{
        g_autofree char *path = g_build_filename(folder, "golden.txt", NULL), *text = NULL;
        g_auto(GStrv) lines = NULL;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        lines = g_strsplit(text, "\n", -1);
        for (unsigned k = 0; lines[k]; k++) {
                g_autofree char *where = g_strdup_printf("golden.txt:%u", k + 1);
                unsigned bits;
                uint8_t bytes[32];
                char hex[80];

                if (sscanf(lines[k], "%u %79s", &bits, hex) != 2) {
                        if (out && (lines[k + 1] || *lines[k]))
                                g_string_append_printf(out, "%s\n", lines[k]);
                        continue;
                }
                fn(where, bits, bytes, parse_hex(hex, bytes, sizeof(bytes)),
                   strchr(lines[k], '=') ? strchr(lines[k], '=') + 2 : "", out);
        }
}

static void check_line(const char *where, unsigned bits, const uint8_t *bytes, size_t n, const char *want,
                       GString *out)
{
        g_autofree char *got = describe(bytes, n, bits);

        if (strcmp(got, want)) {
                g_test_message("%s: wanted \"%s\", got \"%s\"", where, want, got);
                g_test_fail();
        }
}

static void write_line(const char *where, unsigned bits, const uint8_t *bytes, size_t n, const char *want,
                       GString *out)
{
        g_autofree char *got = describe(bytes, n, bits);

        g_string_append_printf(out, "%u ", bits);
        for (size_t k = 0; k < n; k++)
                g_string_append_printf(out, "%02x", bytes[k]);
        g_string_append_printf(out, " = %s\n", got);
}

static void test_golden(void)
{
        each_line(check_line, NULL);
}

/* A page that ends where nothing can be read. */
static uint8_t *guarded(void)
{
        uint8_t *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        g_assert_true(p != MAP_FAILED);
        g_assert_cmpint(mprotect(p + 4096, 4096, PROT_NONE), ==, 0);
        return p + 4096;
}

static void check_cut(const char *where, unsigned bits, const uint8_t *bytes, size_t n, const char *want,
                      GString *out)
{
        uint8_t *end = guard_end;
        struct x86_insn whole, cut;
        enum x86_result result = x86_decode(bytes, n, width_of(bits), &all_features, &whole);

        if (result != X86_DECODED)
                return;
        for (size_t k = 0; k < whole.length; k++) {
                memcpy(end - k, bytes, k);
                result = x86_decode(end - k, k, width_of(bits), &all_features, &cut);
                if (result != X86_TRUNCATED) {
                        g_test_message("%s: cut after %zu bytes: result %d", where, k, result);
                        g_test_fail();
                }
        }
}

static void test_cut(void)
{
        guard_end = guarded();
        each_line(check_cut, NULL);
}

static void test_random(void)
{
        static const unsigned bits[] = {16, 32, 64};
        uint8_t *end = guarded();
        struct x86_insn i;

        for (unsigned k = 0; k < 300000; k++) {
                size_t n = g_test_rand_int_range(0, 20);

                for (size_t j = 1; j <= n; j++)
                        end[-(ptrdiff_t)j] = g_test_rand_int();
                x86_decode(end - n, n, width_of(bits[k % 3]), &all_features, &i);
                g_assert_cmpint(i.length, <=, MIN(n, X86_MAX_LENGTH));
        }
}

/* Without its feature an instruction is undefined, or what it was before that. */
static void test_features(void)
{
        static const uint8_t tzcnt[] = {0xf3, 0x0f, 0xbc, 0xc1}, endbr[] = {0xf3, 0x0f, 0x1e, 0xfa},
                             popcnt[] = {0xf3, 0x0f, 0xb8, 0xc1};
        struct cpu_features base = {{1, 0}};
        struct x86_insn i;

        g_assert_cmpint(x86_decode(tzcnt, 4, X86_64, &base, &i), ==, X86_DECODED);
        g_assert_cmpint(i.id, ==, X86_BSF);
        g_assert_cmpint(x86_decode(endbr, 4, X86_64, &base, &i), ==, X86_DECODED);
        g_assert_cmpint(i.id, ==, X86_NOP);
        g_assert_cmpint(x86_decode(popcnt, 4, X86_64, &base, &i), ==, X86_UNDEFINED);
}

int main(int argc, char **argv)
{
        memset(&all_features, 0xff, sizeof(all_features));
        if (argc == 3 && !strcmp(argv[1], "--write")) {
                g_autofree char *path = g_build_filename(argv[2], "golden.txt", NULL);
                GString *out = g_string_new(NULL);

                folder = argv[2];
                each_line(write_line, out);
                return !g_file_set_contents(path, out->str, out->len, NULL);
        }
        g_test_init(&argc, &argv, NULL);
        folder = argc > 1 ? argv[1] : ".";
        g_test_add_func("/x86/decode/golden", test_golden);
        g_test_add_func("/x86/decode/cut", test_cut);
        g_test_add_func("/x86/decode/random", test_random);
        g_test_add_func("/x86/decode/features", test_features);
        return g_test_run();
}
