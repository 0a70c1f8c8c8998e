/* SPDX-License-Identifier: MIT */
/*
 * Every encoder of the x86-64 assembler, with random registers, addresses and immediates, against capstone:
 * the bytes must disassemble to one instruction of the expected text.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "backend/x86_64/asm.h"
#include "tests/emit/disas.h"

enum { ROUNDS = 400 };

static struct {
        uint8_t buf[0x2000]; /* jumps of the tests go up to 0x1000 ahead */
        struct asm_out a;
        GRand *rand;
} t;

static const char *const names[4][16] = {
        {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b", "r13b",
         "r14b", "r15b"},
        {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w",
         "r14w", "r15w"},
        {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d",
         "r13d", "r14d",
         "r15d"},
        {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
         "r14", "r15"},
};

static const char *gpr(bool w, unsigned r)
{
        return names[w ? 3 : 2][r];
}

static const char *xmm(unsigned r)
{
        static char text[8][8];
        static unsigned n;
        char *s = text[n++ % 8];

        g_snprintf(s, 8, "xmm%u", r);
        return s;
}

static unsigned reg(void)
{
        return g_rand_int_range(t.rand, 0, 16);
}

static int32_t imm32(void)
{
        static const int32_t edges[] = {0, 1, -1, 9, 10, 127, 128, -128, -129, INT32_MAX, INT32_MIN};

        return g_rand_boolean(t.rand) ? edges[g_rand_int_range(t.rand, 0, G_N_ELEMENTS(edges))]
                                      : (int32_t)g_rand_int(t.rand);
}

static struct x86_mem mem(void)
{
        unsigned index = reg();

        if (g_rand_int_range(t.rand, 0, 8) == 0)
                return x86_at_rip(t.buf + t.a.exec_delta + imm32() / 2);
        if (index == RSP || g_rand_boolean(t.rand))
                return x86_at(reg(), imm32());
        return x86_at_index(reg(), index, g_rand_int_range(t.rand, 0, 4), imm32());
}

/* As capstone writes it; @len of the instruction for rip. */
static char *mem_text(const char *size, struct x86_mem m, size_t len)
{
        GString *s = g_string_new(size);
        int64_t disp = m.disp;

        g_string_append(s, *size ? " ptr [" : "[");
        if (m.rip) {
                g_string_append(s, "rip");
                disp = m.rip - (t.buf + t.a.exec_delta + len);
        } else {
                g_string_append(s, gpr(true, m.base));
                if (m.index != X86_NO_REG) {
                        g_string_append_printf(s, " + %s", gpr(true, m.index));
                        if (m.scale_log2)
                                g_string_append_printf(s, "*%u", 1u << m.scale_log2);
                }
        }
        if (disp) {
                uint64_t abs = disp < 0 ? -(uint64_t)disp : (uint64_t)disp;

                g_string_append_printf(s,
                                       abs > 9 ? " %c 0x%" G_GINT64_MODIFIER "x"
                                               : " %c %" G_GINT64_MODIFIER "u",
                                       disp < 0 ? '-' : '+', abs);
        }
        g_string_append_c(s, ']');
        return g_string_free(s, FALSE);
}

/*
 * Capstone prints an immediate signed or not by instruction. All but movabs's are 32 bits extended, so the
 * low half says all: the last operand becomes that.
 */
static char *immediate_evened(char *text)
{
        char *last = strrchr(text, ' '), *end, *even;
        int64_t v;

        if (!last || !strncmp(text, "movabs", 6))
                return text;
        v = last[1] == '-' ? -g_ascii_strtoll(last + 2, &end, 0) : (int64_t)g_ascii_strtoull(last + 1, &end,
                                                                                             0);
        if (*end)
                return text;
        even = g_strdup_printf("%.*s #%x", (int)(last - text), text, (uint32_t)v);
        g_free(text);
        return even;
}

static void expect(const char *fmt, ...) G_GNUC_PRINTF(1, 2);
static void expect(const char *fmt, ...)
{
        size_t len = t.a.p - t.buf;
        char *want, *got;
        va_list ap;

        va_start(ap, fmt);
        want = immediate_evened(g_strdup_vprintf(fmt, ap));
        va_end(ap);
        got = immediate_evened(disas_one(t.buf, len));
        if (strcmp(want, got)) {
                GString *hex = g_string_new("");

                for (size_t k = 0; k < len; k++)
                        g_string_append_printf(hex, "%02x ", t.buf[k]);
                g_test_message("wanted \"%s\", got \"%s\" from %s", want, got, hex->str);
                g_test_fail();
                g_string_free(hex, TRUE);
        }
        g_free(want);
        g_free(got);
        t.a.p = t.buf;
}

static void expect_mem(const char *before, const char *size, struct x86_mem m, const char *after)
{
        char *text = mem_text(size, m, t.a.p - t.buf);

        expect("%s%s%s", before, text, after);
        g_free(text);
}

static char *cat(const char *fmt, ...) G_GNUC_PRINTF(1, 2);
static char *cat(const char *fmt, ...)
{
        static char text[4][128];
        static unsigned n;
        char *s = text[n++ % 4];
        va_list ap;

        va_start(ap, fmt);
        g_vsnprintf(s, 128, fmt, ap);
        va_end(ap);
        return s;
}

static const char *imm_text(int64_t v)
{
        if (v < 0)
                return v >= -9 ? cat("-%d", (int)-v) : cat("-0x%" G_GINT64_MODIFIER "x", -(uint64_t)v);
        return cat(v > 9 ? "0x%" G_GINT64_MODIFIER "x" : "%" G_GINT64_MODIFIER "d", v);
}

static const char *sized(unsigned size_log2)
{
        static const char *const s[] = {"byte", "word", "dword", "qword"};

        return s[size_log2];
}

/* ---- the cases ---- */

static void moves(void)
{
        bool w = g_rand_boolean(t.rand);
        unsigned d = reg(), s = reg(), size = g_rand_int_range(t.rand, 0, 4);
        struct x86_mem m = mem();
        int32_t v = imm32();
        uint64_t big = (uint64_t)(g_rand_int(t.rand) | 1u << 31) << 32;

        x86_mov(&t.a, w, d, s);
        expect("mov %s, %s", gpr(w, d), gpr(w, s));
        x86_mov_imm(&t.a, d, (uint32_t)v);
        expect("mov %s, %s", gpr(false, d), imm_text((uint32_t)v));
        x86_mov_imm(&t.a, d, (int64_t)(v | INT32_MIN));
        expect("mov %s, %s", gpr(true, d), imm_text(v | INT32_MIN));
        x86_mov_imm(&t.a, d, big);
        expect("movabs %s, 0x%" G_GINT64_MODIFIER "x", gpr(true, d), big);
        x86_load(&t.a, w, d, m);
        expect_mem(cat("mov %s, ", gpr(w, d)), sized(w ? 3 : 2), m, "");
        x86_store(&t.a, size, m, s);
        expect_mem("mov ", sized(size), m, cat(", %s", names[size][s]));
        x86_store_imm(&t.a, 2, m, v);
        expect_mem("mov ", "dword", m, cat(", %s", imm_text((uint32_t)v)));
        x86_store_imm(&t.a, 3, m, v);
        expect_mem("mov ", "qword", m, cat(", %s", imm_text(v)));
        x86_store_imm(&t.a, 0, m, v & 0x7f);
        expect_mem("mov ", "byte", m, cat(", %s", imm_text(v & 0x7f)));
        x86_store_imm(&t.a, 1, m, v & 0x7fff);
        expect_mem("mov ", "word", m, cat(", %s", imm_text(v & 0x7fff)));
        x86_lea(&t.a, w, d, m);
        expect_mem(cat("lea %s, ", gpr(w, d)), "", m, "");
        x86_push(&t.a, d);
        expect("push %s", gpr(true, d));
        x86_pop(&t.a, d);
        expect("pop %s", gpr(true, d));
}

static void extensions(void)
{
        static const char *const sx[] = {"movsx", "movsx", "movsxd"}, *const zx[] = {"movzx", "movzx", "mov"};
        unsigned d = reg(), s = reg(), size = g_rand_int_range(t.rand, 0, 3);
        bool sign = g_rand_boolean(t.rand), w = size == 2 || g_rand_boolean(t.rand);
        uint32_t op = x86_load_op(size, sign, w);
        bool wide = w && sign;
        struct x86_mem m = mem();

        x86_rm(&t.a, op, d, m);
        expect_mem(cat("%s %s, ", sign ? sx[size] : zx[size], gpr(wide, d)), sized(size), m, "");
        x86_rr(&t.a, op | (size == 0 ? X86_BYTE_RM : 0), d, s);
        expect("%s %s, %s", sign ? sx[size] : zx[size], gpr(wide, d), names[size][s]);
}

static void arithmetic(void)
{
        static const char *const alu[] = {"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};
        static const char *const un[] = {"", "", "not", "neg", "mul", "imul", "div", "idiv"};
        unsigned op = g_rand_int_range(t.rand, 0, 8), d = reg(), s = reg();
        bool w = g_rand_boolean(t.rand);
        struct x86_mem m = mem();
        int32_t v = imm32();

        x86_alu(&t.a, op, w, d, s);
        expect("%s %s, %s", alu[op], gpr(w, d), gpr(w, s));
        x86_alu_load(&t.a, op, w, d, m);
        expect_mem(cat("%s %s, ", alu[op], gpr(w, d)), sized(w ? 3 : 2), m, "");
        x86_alu_store(&t.a, op, w, m, s);
        expect_mem(cat("%s ", alu[op]), sized(w ? 3 : 2), m, cat(", %s", gpr(w, s)));
        x86_alu_imm(&t.a, op, w, d, v);
        expect("%s %s, %s", alu[op], gpr(w, d), imm_text(v));
        x86_alu_mem_imm(&t.a, op, w, m, v);
        expect_mem(cat("%s ", alu[op]), sized(w ? 3 : 2), m, cat(", %s", imm_text(v)));
        x86_test(&t.a, w, d, s);
        expect("test %s, %s", gpr(w, d), gpr(w, s));
        x86_test_imm(&t.a, w, d, 77);
        expect("test %s, 0x4d", names[0][d]);
        x86_test_imm(&t.a, w, d, 0x1234);
        expect("test %s, 0x1234", gpr(false, d));
        x86_test_imm(&t.a, true, d, -4096);
        expect("test %s, -0x1000", gpr(true, d));
        op = g_rand_int_range(t.rand, 2, 8);
        x86_unary(&t.a, op, w, d);
        expect("%s %s", un[op], gpr(w, d));
        x86_imul(&t.a, w, d, s);
        expect("imul %s, %s", gpr(w, d), gpr(w, s));
        x86_imul_imm(&t.a, w, d, s, v);
        expect("imul %s, %s, %s", gpr(w, d), gpr(w, s), imm_text(v));
        x86_cqo(&t.a, w);
        expect("%s", w ? "cqo" : "cdq");
        x86_bswap(&t.a, w, d);
        expect("bswap %s", gpr(w, d));
}

static void shifts(void)
{
        static const char *const sh[] = {"rol", "ror", "", "", "shl", "shr", "", "sar"};
        static const uint8_t ops[] = {SH_ROL, SH_ROR, SH_SHL, SH_SHR, SH_SAR};
        unsigned op = ops[g_rand_int_range(t.rand, 0, 5)], d = reg(), s = reg(), c = reg();
        bool w = g_rand_boolean(t.rand);
        unsigned n = g_rand_int_range(t.rand, 2, 32);

        x86_shift_imm(&t.a, op, w, d, n);
        expect("%s %s, %s", sh[op], gpr(w, d), imm_text(n));
        x86_shift_imm(&t.a, op, w, d, 1);
        expect("%s %s, 1", sh[op], gpr(w, d));
        x86_shift_cl(&t.a, op, w, d);
        expect("%s %s, cl", sh[op], gpr(w, d));
        op = ops[g_rand_int_range(t.rand, 2, 5)];
        x86_shiftx(&t.a, op, w, d, s, c);
        expect("%sx %s, %s, %s", sh[op], gpr(w, d), gpr(w, s), gpr(w, c));
        x86_rorx(&t.a, w, d, s, n);
        expect("rorx %s, %s, %s", gpr(w, d), gpr(w, s), imm_text(n));
        x86_andn(&t.a, w, d, s, c);
        expect("andn %s, %s, %s", gpr(w, d), gpr(w, s), gpr(w, c));
        x86_rr(&t.a, X86_POPCNT | x86_w(w), d, s);
        expect("popcnt %s, %s", gpr(w, d), gpr(w, s));
        x86_rr(&t.a, X86_LZCNT | x86_w(w), d, s);
        expect("lzcnt %s, %s", gpr(w, d), gpr(w, s));
        x86_rr(&t.a, X86_TZCNT | x86_w(w), d, s);
        expect("tzcnt %s, %s", gpr(w, d), gpr(w, s));
        x86_rr(&t.a, X86_BSR | x86_w(w), d, s);
        expect("bsr %s, %s", gpr(w, d), gpr(w, s));
        x86_rr(&t.a, X86_BSF | x86_w(w), d, s);
        expect("bsf %s, %s", gpr(w, d), gpr(w, s));
        x86_bt_imm(&t.a, w, d, n);
        expect("bt %s, %s", gpr(w, d), imm_text(n));
        x86_bt(&t.a, w, d, s);
        expect("bt %s, %s", gpr(w, d), gpr(w, s));
}

static void conditions(void)
{
        static const char *const cc[] = {"o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np",
                                         "l", "ge",
                                         "le", "g"};
        unsigned c = g_rand_int_range(t.rand, 0, 16), d = reg(), s = reg();
        bool w = g_rand_boolean(t.rand);
        const uint8_t *target = t.buf + t.a.exec_delta + g_rand_int_range(t.rand, 1000, 100000);

        x86_setcc(&t.a, c, d);
        expect("set%s %s", cc[c], names[0][d]);
        x86_cmov(&t.a, c, w, d, s);
        expect("cmov%s %s, %s", cc[c], gpr(w, d), gpr(w, s));
        x86_patch(x86_jcc(&t.a, c), t.buf + 0x1000);
        expect("j%s 0x1000", cc[c]);
        x86_patch(x86_jmp(&t.a), t.buf + 0x1000);
        expect("jmp 0x1000");
        x86_patch8(x86_jcc8(&t.a, c), t.buf + 0x40);
        expect("j%s 0x40", cc[c]);
        x86_patch8(x86_jmp8(&t.a), t.buf + 0x40);
        expect("jmp 0x40");
        x86_call_exec(&t.a, target);
        expect("call 0x%x", (unsigned)(target - t.a.exec_delta - t.buf));
        x86_jmp_exec(&t.a, target);
        expect("jmp 0x%x", (unsigned)(target - t.a.exec_delta - t.buf));
        x86_jmp_reg(&t.a, d);
        expect("jmp %s", gpr(true, d));
        x86_call_reg(&t.a, d);
        expect("call %s", gpr(true, d));
        struct x86_mem m = mem();

        x86_jmp_mem(&t.a, m);
        expect_mem("jmp ", "qword", m, "");
        x86_call_mem(&t.a, m);
        expect_mem("call ", "qword", m, "");
        x86_ret(&t.a);
        expect("ret");
        for (unsigned n = 1; n <= 9; n++) {
                x86_nop(&t.a, n);
                g_assert_cmpint(t.a.p - t.buf, ==, n);
                t.a.p = t.buf;
        }
}

static void floats(void)
{
        static const uint8_t ops[] = {FP_ADD, FP_MUL, FP_SUB, FP_MIN, FP_DIV, FP_MAX};
        static const char *const op_names[] = {"add", "mul", "sub", "min", "div", "max"};
        static const char *const bits[] = {"and", "andn", "or", "xor"};
        static const uint8_t fma[] = {0xb9, 0xbd, 0xbb, 0xbf};
        static const char *const fma_names[] = {"vfmadd231", "vfnmadd231", "vfmsub231", "vfnmsub231"};
        bool f64 = g_rand_boolean(t.rand), w = g_rand_boolean(t.rand);
        unsigned d = reg(), x = reg(), y = reg(), k = g_rand_int_range(t.rand, 0, 6);
        const char *s = f64 ? "sd" : "ss", *size = f64 ? "qword" : "dword";
        struct x86_mem m = mem();

        x86_movaps(&t.a, d, x);
        expect("movaps %s, %s", xmm(d), xmm(x));
        x86_fload(&t.a, f64, d, m);
        expect_mem(cat("mov%s %s, ", s, xmm(d)), size, m, "");
        x86_fstore(&t.a, f64, m, x);
        expect_mem(cat("mov%s ", s), size, m, cat(", %s", xmm(x)));
        x86_mov_to_fp(&t.a, w, d, x);
        expect("mov%s %s, %s", w ? "q" : "d", xmm(d), gpr(w, x));
        x86_mov_from_fp(&t.a, w, d, x);
        expect("mov%s %s, %s", w ? "q" : "d", gpr(w, d), xmm(x));
        x86_ucomis(&t.a, f64, x, y);
        expect("ucomi%s %s, %s", s, xmm(x), xmm(y));
        x86_comis(&t.a, f64, x, y);
        expect("comi%s %s, %s", s, xmm(x), xmm(y));
        x86_rr(&t.a, X86_OP(x86_fp(f64), 1, ops[k]), d, x);
        expect("%s%s %s, %s", op_names[k], s, xmm(d), xmm(x));
        x86_vrr(&t.a, X86_OP(x86_fp(f64), 1, ops[k]), d, x, y);
        expect("v%s%s %s, %s, %s", op_names[k], s, xmm(d), xmm(x), xmm(y));
        x86_vrm(&t.a, X86_OP(x86_fp(f64), 1, ops[k]), d, x, m);
        expect_mem(cat("v%s%s %s, %s, ", op_names[k], s, xmm(d), xmm(x)), size, m, "");
        x86_vrr(&t.a, X86_OP(0, 1, FPB_AND + k % 4), d, x, y);
        expect("v%sps %s, %s, %s", bits[k % 4], xmm(d), xmm(x), xmm(y));
        x86_vrm(&t.a, X86_OP(0, 1, FPB_AND + k % 4), d, x, m);
        expect_mem(cat("v%sps %s, %s, ", bits[k % 4], xmm(d), xmm(x)), "xmmword", m, "");
        x86_vrr(&t.a, X86_OP(0x66, 2, fma[k % 4]) | x86_w(f64), d, x, y);
        expect("%s%s %s, %s, %s", fma_names[k % 4], s, xmm(d), xmm(x), xmm(y));
        x86_rr(&t.a, X86_OP(x86_fp(f64), 1, 0x2c) | x86_w(w), d, x);
        expect("cvtt%s2si %s, %s", s, gpr(w, d), xmm(x));
        x86_rr(&t.a, X86_OP(x86_fp(f64), 1, 0x2a) | x86_w(w), d, x);
        expect("cvtsi2%s %s, %s", s, xmm(d), gpr(w, x));
        x86_rm(&t.a, X86_OP(0x66, 2, 0x17), d, m);
        expect_mem(cat("ptest %s, ", xmm(d)), "xmmword", m, "");
        x86_ldmxcsr(&t.a, m);
        expect_mem("ldmxcsr ", "dword", m, "");
        x86_stmxcsr(&t.a, m);
        expect_mem("stmxcsr ", "dword", m, "");
}

static void run(const void *fn)
{
        void (*test)(void) = (void (*)(void))(uintptr_t)fn;

        t.rand = g_rand_new_with_seed(g_test_rand_int());
        t.a = (struct asm_out){.p = t.buf, .start = t.buf, .exec_delta = 0x100000};
        for (unsigned n = 0; n < ROUNDS && !g_test_failed(); n++)
                test();
        g_rand_free(t.rand);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
#define CASE(name) g_test_add_data_func("/emit/x86_64/" #name, (const void *)(uintptr_t)name, run)
        CASE(moves);
        CASE(extensions);
        CASE(arithmetic);
        CASE(shifts);
        CASE(conditions);
        CASE(floats);
        return g_test_run();
}
