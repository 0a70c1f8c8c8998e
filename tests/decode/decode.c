/* SPDX-License-Identifier: MIT */
/*
 * Tests of the generated RISC-V decoder and the disassembler: the decision tree against the
 * table of masks, for every 16-bit word and many 32-bit words; no two rows claim a word; reserved
 * encodings; features; and text that GNU objdump printed (golden_rv*.txt, made by binutils.py).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "frontend/riscv/disas.h"
#include "frontend/riscv/rv_decode.h"

static const char *golden_dir;

static struct cpu_features all_features(unsigned bits)
{
        struct cpu_features f = {{(UINT64_C(1) << RV_F_COUNT) - 1}};

        cpu_features_set(&f, bits == 32 ? RV_F_RV64 : RV_F_RV32, false);
        return f;
}

/* The row of the table that a word is, found without the decision tree; RV_INVALID if none. */
static enum rv_insn search(uint32_t word, const struct cpu_features *f)
{
        enum rv_insn found = RV_INVALID;

        for (enum rv_insn i = 1; i < RV_INSN_COUNT; i++) {
                if ((word & rv_insns[i].mask) != rv_insns[i].match)
                        continue;
                if (!rv_insn_matches(i, word, f) || !rv_insn_enabled(i, f))
                        continue;
                if (found == RV_INVALID || rv_insns[i].over == found)
                        found = i;
                else if (rv_insns[found].over != i)
                        g_error("0x%08x is %s and %s", word, rv_insns[found].name, rv_insns[i].name);
        }
        return found;
}

static void check_word(uint32_t word, const struct cpu_features *f)
{
        enum rv_insn wanted = search(word, f);
        const struct rv_insn_info *info = &rv_insns[wanted];
        struct rv_decoded d;
        bool good = rv_decode(word, f, &d);

        if (d.insn != wanted || good != (wanted != RV_INVALID))
                g_error("0x%08x decodes as %s, not %s", word, rv_insns[d.insn].name, info->name);
        if (!good)
                return;
        g_assert_cmpuint(d.length, ==, info->length);
        g_assert_cmpuint(d.length, ==, (word & 3) == 3 ? 4 : 2);
        for (unsigned n = 0; n < info->nfields; n++) {
                const struct rv_field *field = &info->fields[n];
                int64_t value = rv_field_value(field, word);

                if (rv_field_decoded(field, &d) != value)
                        g_error("0x%08x: %s of %s", word, field->name, info->name);
                g_assert_cmphex(rv_field_insert(field, word, value), ==, word);
        }
}

static uint32_t random_word(GRand *r, const struct rv_insn_info *info)
{
        return (g_rand_int(r) & ~info->mask) | info->match;
}

static void test_halves(void)
{
        for (unsigned bits = 32; bits <= 64; bits += 32) {
                struct cpu_features f = all_features(bits);

                for (uint32_t h = 0; h < 0x10000; h++) {
                        if ((h & 3) == 3)
                                continue;
                        check_word(h, &f);
                        check_word(h | 0xa5a50000, &f);
                }
        }
}

static void test_words(void)
{
        unsigned count = g_test_quick() ? 1000 : 20000;
        GRand *r = g_rand_new_with_seed(1);

        for (unsigned bits = 32; bits <= 64; bits += 32) {
                struct cpu_features f = all_features(bits);

                for (enum rv_insn i = 1; i < RV_INSN_COUNT; i++) {
                        for (unsigned n = 0; n < count; n++) {
                                uint32_t word = random_word(r, &rv_insns[i]);

                                check_word(word, &f);
                                check_word(word ^ UINT32_C(1) << g_rand_int_range(r, 0, 32), &f);
                        }
                }
                for (unsigned n = 0; n < count * 100; n++)
                        check_word(g_rand_int(r), &f);
        }
        g_rand_free(r);
}

/* Any set of features: the tree and the table agree, and two rows never claim a word. */
static void test_any_features(void)
{
        GRand *r = g_rand_new_with_seed(2);

        for (unsigned n = 0; n < (g_test_quick() ? 200000 : 5000000); n++) {
                struct cpu_features f = all_features(g_rand_boolean(r) ? 32 : 64);

                f.bits[0] &= (uint64_t)g_rand_int(r) << 32 | g_rand_int(r);
                check_word(random_word(r, &rv_insns[g_rand_int_range(r, 1, RV_INSN_COUNT)]), &f);
        }
        g_rand_free(r);
}

/* Are all words that match both rows excluded from one of them? */
static bool kept_apart(const struct rv_insn_info *a, const struct rv_insn_info *b)
{
        uint32_t fixed = a->mask | b->mask, value = a->match | b->match;

        for (unsigned n = 0; n < a->nexcludes; n++) {
                if (!a->excludes[n].features && !(a->excludes[n].mask & ~fixed) &&
                    (value & a->excludes[n].mask) == a->excludes[n].match)
                        return true;
        }
        return false;
}

static bool can_be_together(const struct rv_insn_info *a, const struct rv_insn_info *b)
{
        const uint64_t both = UINT64_C(1) << RV_F_RV32 | UINT64_C(1) << RV_F_RV64;

        for (unsigned m = 0; m < a->nalts; m++) {
                for (unsigned n = 0; n < b->nalts; n++) {
                        uint64_t need = a->alts[m].need | b->alts[n].need;

                        if ((need & both) != both && !(need & (a->alts[m].deny | b->alts[n].deny)))
                                return true;
                }
        }
        return false;
}

static void test_overlap(void)
{
        for (enum rv_insn i = 1; i < RV_INSN_COUNT; i++) {
                const struct rv_insn_info *a = &rv_insns[i];

                g_assert_cmphex(a->match & ~a->mask, ==, 0);
                g_assert_cmphex(a->mask & 3, ==, 3);
                g_assert_cmpint((a->match & 3) == 3, ==, a->length == 4);
                for (enum rv_insn j = 1; j < i; j++) {
                        const struct rv_insn_info *b = &rv_insns[j];

                        if ((a->match ^ b->match) & a->mask & b->mask || !can_be_together(a, b) ||
                            kept_apart(a, b) || kept_apart(b, a) || a->over == j || b->over == i)
                                continue;
                        g_error("%s and %s overlap", a->name, b->name);
                }
        }
}

/* Without any one of the features that it needs, a word is not that instruction. */
static void test_features(void)
{
        GRand *r = g_rand_new_with_seed(3);

        for (enum rv_insn i = 1; i < RV_INSN_COUNT; i++) {
                const struct rv_insn_info *info = &rv_insns[i];
                struct cpu_features f = {{info->alts[0].need}};
                struct rv_decoded d;
                uint32_t word;

                do
                        word = random_word(r, info);
                while (!rv_insn_matches(i, word, &f));
                g_assert_true(rv_decode(word, &f, &d));
                g_assert_cmpint(d.insn, ==, i);
                g_assert_cmpuint(info->nalts, ==, 1);
                for (unsigned n = 0; n < RV_F_COUNT; n++) {
                        struct cpu_features less = {{f.bits[0] & ~(UINT64_C(1) << n)}};

                        if (cpu_has(&f, n))
                                g_assert_false(rv_decode(word, &less, &d));
                }
        }
        g_rand_free(r);
}

/* Encodings that the specifications reserve, or that are long gone. */
static void test_reserved(void)
{
        static const struct {
                uint32_t word;
                unsigned bits;  /* 0: both */
                const char *what;
        } rows[] = {
                {0x0000, 0, "all zero"},
                {0x0004, 0, "c.addi4spn, immediate 0"},
                {0x8000, 0, "quadrant 0, funct3 4"},
                {0x9ffc, 0, "quadrant 0, funct3 4"},
                {0x2001, 64, "c.addiw x0"},
                {0x6101, 0, "c.addi16sp, immediate 0"},
                {0x6081, 0, "c.lui, immediate 0"},
                {0x6001, 0, "c.lui x0, immediate 0"},
                {0x9c41, 0, "misc-alu 1 11 10"},
                {0x9c61, 0, "misc-alu 1 11 11"},
                {0x9c01, 32, "c.subw in RV32"},
                {0x9c21, 32, "c.addw in RV32"},
                {0x9001, 32, "c.srli by 32 in RV32"},
                {0x9401, 32, "c.srai by 32 in RV32"},
                {0x1082, 32, "c.slli by 32 in RV32"},
                {0x4002, 0, "c.lwsp x0"},
                {0x6002, 64, "c.ldsp x0"},
                {0x8002, 0, "c.jr x0"},
                {0xffffffff, 0, "all ones"},
                {0x0000001f, 0, "48-bit instruction"},
                {0x02051513, 32, "slli by 32 in RV32"},
                {0x4205551b, 64, "sraiw with bit 5 of the amount"},
                {0x0005150b, 0, "custom-0"},
                {0x0005706b, 0, "reserved major opcode"},
                {0x00052063, 0, "branch, funct3 2"},
                {0x00057003, 0, "load, funct3 7"},
                {0x00053003, 32, "ld in RV32"},
                {0x00054023, 0, "store, funct3 4"},
                {0x00051067, 0, "jalr, funct3 1"},
                {0x1015252f, 0, "lr.w with rs2"},
                {0x1005152f, 0, "lr.h"},
                {0x5a150553, 0, "fsqrt.d with rs2"},
                {0x04a50553, 0, "fadd.h without Zfh"},
                {0x06a50553, 0, "fadd.q without Q"},
                {0x42150553, 0, "fcvt.d.d"},
                {0x40050553, 0, "fcvt.s.s"},
                {0xe2050553, 32, "fmv.x.d in RV32"},
                {0x20a53553, 0, "fsgnj.s, funct3 3"},
                {0x00200073, 0, "uret"},
                {0x20200073, 0, "hret"},
                {0x10400073, 0, "sfence.vm"},
                {0x300000f3, 0, "mret with rd"},
                {0x120500f3, 0, "sfence.vma with rd"},
                {0x000080f3, 0, "ecall with operands"},
                {0x30054073, 0, "system, funct3 4"},
                {0x0000200f, 0, "misc-mem, funct3 2, without Zicbom"},
                {0x6b855513, 32, "rev8 of RV64 in RV32"},
                {0x69855513, 64, "rev8 of RV32 in RV64"},
                {0x08054533, 64, "zext.h of RV32 in RV64"},
                {0x0805453b, 32, "zext.h of RV64 in RV32"},
                {0x0815453b, 64, "packw without Zbkb"},
                {0x60351513, 0, "Zbb unary 3"},
        };

        for (unsigned bits = 32; bits <= 64; bits += 32) {
                struct cpu_features f = all_features(bits);
                struct rv_decoded d;

                for (size_t n = 0; n < G_N_ELEMENTS(rows); n++) {
                        if (rows[n].bits && rows[n].bits != bits)
                                continue;
                        if (rv_decode(rows[n].word, &f, &d))
                                g_error("RV%u: 0x%x (%s) decodes as %s", bits, rows[n].word, rows[n].what,
                                        rv_insns[d.insn].name);
                }
        }
}

/* Expansions of compressed instructions and other arguments that no field of the word holds. */
static void test_expansion(void)
{
        struct cpu_features f = all_features(64);
        struct rv_decoded d;

        g_assert_true(rv_decode(0x1141, &f, &d));       /* c.addi sp, -16 */
        g_assert_cmpint(d.insn, ==, RV_C_ADDI);
        g_assert_cmpint(rv_insns[d.insn].target, ==, RV_ADDI);
        g_assert_cmpint(d.args.i.rd, ==, 2);
        g_assert_cmpint(d.args.i.rs1, ==, 2);
        g_assert_cmpint(d.args.i.imm, ==, -16);
        g_assert_true(rv_decode(0x8082, &f, &d));       /* c.jr ra */
        g_assert_cmpint(rv_insns[d.insn].target, ==, RV_JALR);
        g_assert_cmpint(d.args.i.rd, ==, 0);
        g_assert_cmpint(d.args.i.rs1, ==, 1);
        g_assert_cmpint(d.args.i.imm, ==, 0);
        g_assert_true(rv_decode(0x717d, &f, &d));       /* c.addi16sp sp, -16 */
        g_assert_cmpint(d.args.i.imm, ==, -16);
        g_assert_true(rv_decode(0x77fd, &f, &d));       /* c.lui a5, 0xfffff */
        g_assert_cmpint(d.args.u.imm, ==, -4096);
        g_assert_true(rv_decode(0x80000537, &f, &d));   /* lui a0, 0x80000 */
        g_assert_cmpint(d.args.u.imm, ==, INT32_MIN);
        g_assert_true(rv_decode(0xbfed, &f, &d));       /* c.j . - 6 */
        g_assert_cmpint(d.args.j.rd, ==, 0);
        g_assert_cmpint(d.args.j.off, ==, -6);
        g_assert_true(rv_decode(0x8330000f, &f, &d));   /* fence.tso */
        g_assert_cmpint(d.insn, ==, RV_FENCE_TSO);
        g_assert_cmpint(rv_insns[d.insn].target, ==, RV_FENCE);
        g_assert_cmpint(d.args.fence.fm, ==, 8);
        g_assert_true(rv_decode(0x0100000f, &f, &d));
        g_assert_cmpint(d.insn, ==, RV_PAUSE);
        cpu_features_set(&f, RV_F_ZIHINTPAUSE, false);
        g_assert_true(rv_decode(0x0100000f, &f, &d));
        g_assert_cmpint(d.insn, ==, RV_FENCE);
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

static void test_golden(gconstpointer data)
{
        unsigned bits = GPOINTER_TO_UINT(data), count = 0;
        struct cpu_features f = all_features(bits);
        g_autofree char *file = g_strdup_printf("%s/golden_rv%u.txt", golden_dir, bits);
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;

        g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
        lines = g_strsplit(text, "\n", -1);
        for (char **l = lines; *l && **l; l++, count++) {
                char *next, buf[128];
                uint64_t pc = strtoull(*l, &next, 16);
                uint32_t word = strtoul(next, &next, 16);

                g_assert_cmpuint(rv_disas(pc, word, &f, buf, sizeof(buf)), ==, (word & 3) == 3 ? 4 : 2);
                squeeze(buf);
                if (strcmp(buf, next + 1))
                        g_error("RV%u: 0x%x: \"%s\", should be \"%s\"", bits, word, buf, next + 1);
        }
        g_assert_cmpuint(count, >, 400);
}

static void test_disas(void)
{
        struct cpu_features f = all_features(64);
        char buf[64];

        g_assert_cmpuint(rv_disas(0, 0xdead0000, &f, buf, sizeof(buf)), ==, 2);
        g_assert_cmpstr(buf, ==, ".half 0x0000");
        g_assert_cmpuint(rv_disas(0, 0xffffffff, &f, buf, sizeof(buf)), ==, 4);
        g_assert_cmpstr(buf, ==, ".word 0xffffffff");
        rv_disas(0x80200000, 0xff5ff06f, &f, buf, sizeof(buf));
        g_assert_cmpstr(buf, ==, "jal         zero, 0x801ffff4");
        rv_disas(0, 0x1605252f, &f, buf, sizeof(buf));
        g_assert_cmpstr(buf, ==, "lr.w.aqrl   a0, (a0)");
        rv_disas(0, 0x02055553, &f, buf, sizeof(buf));
        g_assert_cmpstr(buf, ==, "fadd.d      fa0, fa0, ft0, unknown");
        /* Zicond is younger than the binutils that the golden files were made with */
        rv_disas(0, 0x0ec5d533, &f, buf, sizeof(buf));
        g_assert_cmpstr(buf, ==, "czero.eqz   a0, a1, a2");
        rv_disas(0, 0x0ec5f533, &f, buf, sizeof(buf));
        g_assert_cmpstr(buf, ==, "czero.nez   a0, a1, a2");
        rv_disas(0, 0x00000073, &f, buf, sizeof(buf));
        g_assert_cmpstr(buf, ==, "ecall");
        memset(buf, 'x', sizeof(buf));
        rv_disas(0, 0x00000013, &f, buf, 5);
        g_assert_cmpstr(buf, ==, "addi");
        g_assert_cmpint(buf[5], ==, 'x');

        f = all_features(32);
        rv_disas(0, 0xff5ff06f, &f, buf, sizeof(buf));
        g_assert_cmpstr(buf, ==, "jal         zero, 0xfffffff4");
        g_assert_cmpstr(rv_csr_name(0x300), ==, "mstatus");
        g_assert_null(rv_csr_name(0x7ff));
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (argc > 1)
                golden_dir = argv[1];
        g_test_add_func("/decode/riscv/halves", test_halves);
        g_test_add_func("/decode/riscv/words", test_words);
        g_test_add_func("/decode/riscv/any-features", test_any_features);
        g_test_add_func("/decode/riscv/overlap", test_overlap);
        g_test_add_func("/decode/riscv/features", test_features);
        g_test_add_func("/decode/riscv/reserved", test_reserved);
        g_test_add_func("/decode/riscv/expansion", test_expansion);
        g_test_add_data_func("/decode/riscv/golden/32", GUINT_TO_POINTER(32), test_golden);
        g_test_add_data_func("/decode/riscv/golden/64", GUINT_TO_POINTER(64), test_golden);
        g_test_add_func("/decode/riscv/disas", test_disas);
        return g_test_run();
}
