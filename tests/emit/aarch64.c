/* SPDX-License-Identifier: MIT */
/*
 * Every encoder of the AArch64 assembler, with random operands: one line each of the word it wrote, and what
 * GNU as should make the same word of. binutils.py compares the two. The assembler is plain C, so this runs
 * on any host.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend/aarch64/asm.h"

enum { ROUNDS = 60 };

static struct {
        uint8_t buf[64];
        struct asm_out a;
        uint64_t seed;
} t;

static uint64_t rnd(void)
{
        t.seed = t.seed * 6364136223846793005ull + 1442695040888963407ull;
        return t.seed >> 20;
}

static unsigned pick(unsigned n)
{
        return (unsigned)(rnd() % n);
}

/* A register of 0 to 30: the 31st is written by several names. */
static unsigned reg(void)
{
        return pick(31);
}

static const char *names(char *to, char class, unsigned r)
{
        snprintf(to, 8, r == 31 && (class == 'x' || class == 'w') ? "%czr" : "%c%u", class, r);
        return to;
}

/* The line for what was just written */
static void out(const char *text)
{
        uint32_t word;

        memcpy(&word, t.buf, 4);
        printf("%08x\t%s\n", word, text);
        t.a.p = t.buf;
}

static const char *x(unsigned r)
{
        static char b[8][8];
        static unsigned n;

        return names(b[n++ % 8], 'x', r);
}

static const char *g(bool w, unsigned r)
{
        static char b[8][8];
        static unsigned n;

        return names(b[n++ % 8], w ? 'x' : 'w', r);
}

static const char *f(bool d, unsigned r)
{
        static char b[8][8];
        static unsigned n;

        return names(b[n++ % 8], d ? 'd' : 's', r);
}

static const char *q(char class, unsigned r)
{
        static char b[8][8];
        static unsigned n;

        return names(b[n++ % 8], class, r);
}

#define OUT(...) \
        do { \
                char text_[128]; \
                snprintf(text_, sizeof(text_), __VA_ARGS__); \
                out(text_); \
        } while (0)

static const char *const cond_names[] = {"eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge",
                                         "lt", "gt", "le"};
static const char *const shift_names[] = {"lsl", "lsr", "asr", "ror"};

static void alu(void)
{
        static const struct {
                enum a64_alu op;
                const char *name;
        } ops[] = {{A64_ADD, "add"}, {A64_ADDS, "adds"}, {A64_SUB, "sub"}, {A64_SUBS, "subs"},
                   {A64_AND, "and"},
                   {A64_BIC, "bic"}, {A64_ORR, "orr"}, {A64_ORN, "orn"}, {A64_EOR, "eor"}, {A64_EON, "eon"},
                   {A64_ANDS, "ands"}, {A64_BICS, "bics"}};
        unsigned k = pick(12), d = reg(), n = reg(), m = reg(), sh = pick(k < 4 ? 3 : 4);
        bool w = pick(2), inverted = ops[k].op >> 21 & 1;
        unsigned amount = pick(w ? 64 : 32);
        uint32_t v = pick(2) ? pick(4096) : pick(4096) << 12, bits;
        uint64_t imm;

        a64_alu(&t.a, ops[k].op, w, d, n, m);
        OUT("%s %s, %s, %s", ops[k].name, g(w, d), g(w, n), g(w, m));
        a64_alu_shift(&t.a, ops[k].op, w, d, n, m, (enum a64_shift)sh, amount);
        OUT("%s %s, %s, %s, %s #%u", ops[k].name, g(w, d), g(w, n), g(w, m), shift_names[sh], amount);
        if (k < 4) {
                a64_arith_imm(&t.a, ops[k].op, w, d, n, v);
                OUT("%s %s, %s, #%u", ops[k].name, g(w, d), g(w, n), v);
        } else if (!inverted) {
                unsigned size = 2u << pick(w ? 6 : 5), ones = 1 + pick(size - 1), turn = pick(size);
                uint64_t run = (1ull << ones) - 1, element = run;

                if (turn)
                        element = (run >> turn | run << (size - turn)) &
                                  (size == 64 ? ~0ull : (1ull << size) - 1);
                for (imm = 0; size <= 64; size *= 2) {
                        imm = element;
                        element |= size < 64 ? element << size : 0;
                }
                if (!w)
                        imm = (uint32_t)imm;
                if (a64_logic_imm_bits(w, imm, &bits)) {
                        a64_logic_imm(&t.a, ops[k].op, w, d, n, bits);
                        OUT("%s %s, %s, #0x%" PRIx64, ops[k].name, g(w, d), g(w, n), imm);
                } else {
                        OUT("a logical immediate was refused: 0x%" PRIx64, imm);
                }
        }
        a64_adc(&t.a, k & 1, k & 2, w, d, n, m);
        OUT("%s%s %s, %s, %s", k & 1 ? "sbc" : "adc", k & 2 ? "s" : "", g(w, d), g(w, n), g(w, m));
        a64_mov(&t.a, w, d, m);
        OUT("mov %s, %s", g(w, d), g(w, m));
        a64_cmp(&t.a, w, n, m);
        OUT("cmp %s, %s", g(w, n), g(w, m));
        a64_mov_sp(&t.a, d, SP);
        OUT("mov %s, sp", x(d));
}

static void moves(void)
{
        bool w = pick(2);
        unsigned d = reg(), v = pick(65536), hw = pick(w ? 4 : 2);

        a64_movz(&t.a, w, d, v, hw);
        OUT("movz %s, #%u, lsl #%u", g(w, d), v, hw * 16);
        a64_movn(&t.a, w, d, v, hw);
        OUT("movn %s, #%u, lsl #%u", g(w, d), v, hw * 16);
        a64_movk(&t.a, w, d, v, hw);
        OUT("movk %s, #%u, lsl #%u", g(w, d), v, hw * 16);
}

static void fields(void)
{
        bool w = pick(2);
        unsigned bits = w ? 64 : 32, d = reg(), n = reg(), m = reg(), lsb = pick(bits);
        unsigned len = 1 + pick(bits - lsb);
        enum a64_shift sh = (enum a64_shift)pick(4);

        a64_ubfx(&t.a, w, d, n, lsb, len);
        OUT("ubfx %s, %s, #%u, #%u", g(w, d), g(w, n), lsb, len);
        a64_sbfx(&t.a, w, d, n, lsb, len);
        OUT("sbfx %s, %s, #%u, #%u", g(w, d), g(w, n), lsb, len);
        a64_bfi(&t.a, w, d, n, lsb, len);
        OUT("bfi %s, %s, #%u, #%u", g(w, d), g(w, n), lsb, len);
        a64_bfxil(&t.a, w, d, n, lsb, len);
        OUT("bfxil %s, %s, #%u, #%u", g(w, d), g(w, n), lsb, len);
        a64_extr(&t.a, w, d, n, m, lsb);
        OUT("extr %s, %s, %s, #%u", g(w, d), g(w, n), g(w, m), lsb);
        a64_shift_imm(&t.a, sh, w, d, n, lsb);
        OUT("%s %s, %s, #%u", shift_names[sh], g(w, d), g(w, n), lsb);
        a64_shift(&t.a, sh, w, d, n, m);
        OUT("%s %s, %s, %s", shift_names[sh], g(w, d), g(w, n), g(w, m));
}

static void products(void)
{
        bool w = pick(2);
        unsigned d = reg(), n = reg(), m = reg(), a = reg();

        a64_rrrr(&t.a, A64_MADD | a64_sf(w), d, n, m, a);
        OUT("madd %s, %s, %s, %s", g(w, d), g(w, n), g(w, m), g(w, a));
        a64_rrrr(&t.a, A64_MSUB | a64_sf(w), d, n, m, a);
        OUT("msub %s, %s, %s, %s", g(w, d), g(w, n), g(w, m), g(w, a));
        a64_rrrr(&t.a, A64_SMADDL, d, n, m, a);
        OUT("smaddl %s, %s, %s, %s", x(d), g(false, n), g(false, m), x(a));
        a64_rrrr(&t.a, A64_UMADDL, d, n, m, a);
        OUT("umaddl %s, %s, %s, %s", x(d), g(false, n), g(false, m), x(a));
        a64_rrr(&t.a, A64_SMULH, d, n, m);
        OUT("smulh %s, %s, %s", x(d), x(n), x(m));
        a64_rrr(&t.a, A64_UMULH, d, n, m);
        OUT("umulh %s, %s, %s", x(d), x(n), x(m));
        a64_rrr(&t.a, A64_UDIV | a64_sf(w), d, n, m);
        OUT("udiv %s, %s, %s", g(w, d), g(w, n), g(w, m));
        a64_rrr(&t.a, A64_SDIV | a64_sf(w), d, n, m);
        OUT("sdiv %s, %s, %s", g(w, d), g(w, n), g(w, m));
        a64_rr(&t.a, A64_RBIT | a64_sf(w), d, n);
        OUT("rbit %s, %s", g(w, d), g(w, n));
        a64_rr(&t.a, A64_REV16 | a64_sf(w), d, n);
        OUT("rev16 %s, %s", g(w, d), g(w, n));
        a64_rr(&t.a, A64_CLZ | a64_sf(w), d, n);
        OUT("clz %s, %s", g(w, d), g(w, n));
        a64_rev(&t.a, w, d, n);
        OUT("rev %s, %s", g(w, d), g(w, n));
}

static void conditions(void)
{
        bool w = pick(2);
        unsigned d = reg(), n = reg(), m = reg(), cc = pick(14), nzcv = pick(16);

        a64_csel(&t.a, A64_CSEL, (enum a64_cc)cc, w, d, n, m);
        OUT("csel %s, %s, %s, %s", g(w, d), g(w, n), g(w, m), cond_names[cc]);
        a64_csel(&t.a, A64_CSINC, (enum a64_cc)cc, w, d, n, m);
        OUT("csinc %s, %s, %s, %s", g(w, d), g(w, n), g(w, m), cond_names[cc]);
        a64_csel(&t.a, A64_CSINV, (enum a64_cc)cc, w, d, n, m);
        OUT("csinv %s, %s, %s, %s", g(w, d), g(w, n), g(w, m), cond_names[cc]);
        a64_csel(&t.a, A64_CSNEG, (enum a64_cc)cc, w, d, n, m);
        OUT("csneg %s, %s, %s, %s", g(w, d), g(w, n), g(w, m), cond_names[cc]);
        a64_cset(&t.a, (enum a64_cc)cc, d);
        OUT("cset %s, %s", x(d), cond_names[cc]);
        a64_ccmp(&t.a, (enum a64_cc)cc, w, n, m, nzcv);
        OUT("ccmp %s, %s, #%u, %s", g(w, n), g(w, m), nzcv, cond_names[cc]);
        a64_fcsel(&t.a, (enum a64_cc)cc, w, d, n, m);
        OUT("fcsel %s, %s, %s, %s", f(w, d), f(w, n), f(w, m), cond_names[cc]);
}

static void system_ops(void)
{
        unsigned d = reg();

        a64_mrs(&t.a, d, A64_FPCR);
        OUT("mrs %s, fpcr", x(d));
        a64_mrs(&t.a, d, A64_FPSR);
        OUT("mrs %s, fpsr", x(d));
        a64_mrs(&t.a, d, A64_NZCV);
        OUT("mrs %s, nzcv", x(d));
        a64_msr(&t.a, A64_FPCR, d);
        OUT("msr fpcr, %s", x(d));
        a64_msr(&t.a, A64_FPSR, d);
        OUT("msr fpsr, %s", x(d));
        a64_msr(&t.a, A64_NZCV, d);
        OUT("msr nzcv, %s", x(d));
        a64_dmb(&t.a, A64_ISH);
        OUT("dmb ish");
        a64_dmb(&t.a, A64_ISHLD);
        OUT("dmb ishld");
        a64_dmb(&t.a, A64_ISHST);
        OUT("dmb ishst");
        a64_isb(&t.a);
        OUT("isb");
        a64_nop(&t.a);
        OUT("nop");
        a64_data(&t.a, 7);
        OUT("udf #7");
        a64_br(&t.a, d);
        OUT("br %s", x(d));
        a64_blr(&t.a, d);
        OUT("blr %s", x(d));
        a64_ret(&t.a);
        OUT("ret");
}

static void branches(void)
{
        bool w = pick(2), nz = pick(2);
        unsigned r = reg(), bit = pick(64), cc = pick(14);
        int64_t far = (int64_t)pick(1 << 20) * 4 - (1 << 21), near = (int64_t)pick(1 << 18) * 4 - (1 << 19);
        int64_t close = (int64_t)pick(1 << 13) * 4 - (1 << 14);

        a64_patch(&t.a, a64_b(&t.a), t.buf + far);
        OUT("b .%+" PRId64, far);
        a64_patch(&t.a, a64_bl(&t.a), t.buf + far);
        OUT("bl .%+" PRId64, far);
        a64_patch(&t.a, a64_bcc(&t.a, (enum a64_cc)cc), t.buf + near);
        OUT("b.%s .%+" PRId64, cond_names[cc], near);
        a64_patch(&t.a, a64_cbz(&t.a, nz, w, r), t.buf + near);
        OUT("cb%sz %s, .%+" PRId64, nz ? "n" : "", g(w, r), near);
        a64_patch(&t.a, a64_tbz(&t.a, nz, r, bit), t.buf + close);
        OUT("tb%sz %s, #%u, .%+" PRId64, nz ? "n" : "", x(r), bit, close);
        a64_patch(&t.a, a64_adr(&t.a, r), t.buf + near + 3);
        OUT("adr %s, .%+" PRId64, x(r), near + 3);
        a64_patch(&t.a, a64_ldr_literal(&t.a, r), t.buf + near);
        OUT("ldr %s, .%+" PRId64, x(r), near);
        a64_patch(&t.a, a64_fldr_literal(&t.a, w, r), t.buf + near);
        OUT("ldr %c%u, .%+" PRId64, w ? 'q' : 'd', r, near);
        if (t.a.too_far)
                OUT("a branch did not reach");
}

static void accesses(void)
{
        static const char *const suffix[] = {"b", "h", "", ""};
        unsigned size = pick(4), r = reg(), n = reg(), m = reg();
        bool unscaled = pick(2), load = pick(2), wide = size == 3;
        int disp = unscaled ? (int)pick(256) * -1 - 1 : (int)pick(4096) << size;
        const char *u = unscaled ? "u" : "";

        a64_access(&t.a, load ? A64_LD(size) : A64_ST(size), r, a64_at(n, disp));
        OUT("%s%sr%s %s, [%s, #%d]", load ? "ld" : "st", u, suffix[size], g(wide, r), x(n), disp);
        a64_access_reg(&t.a, load ? A64_LD(size) : A64_ST(size), r, n, m);
        OUT("%s%s %s, [%s, %s]", load ? "ldr" : "str", suffix[size], g(wide, r), x(n), x(m));
        if (size < 3) {
                a64_access(&t.a, A64_LDS64(size), r, a64_at(n, disp));
                OUT("ld%srs%s %s, [%s, #%d]", u, size == 2 ? "w" : suffix[size], x(r), x(n), disp);
        }
        if (size < 2) {
                a64_access(&t.a, A64_LDS32(size), r, a64_at(n, disp));
                OUT("ld%srs%s %s, [%s, #%d]", u, suffix[size], g(false, r), x(n), disp);
        }
        if (r != n && !(n & 1)) {
                a64_access_post(&t.a, A64_ST(3), r, n, disp & 255);
                OUT("str %s, [%s], #%d", x(r), x(n), disp & 255);
                a64_access_pre(&t.a, A64_LD(3), r, n, -(disp & 255));
                OUT("ldr %s, [%s, #%d]!", x(r), x(n), -(disp & 255));
        }
        for (unsigned fp = 0; fp < 5; fp++) {
                int at = unscaled ? disp : (int)pick(4096) << fp;

                a64_access(&t.a, load ? A64_FLD(fp) : A64_FST(fp), r, a64_at(n, at));
                OUT("%s%sr %s, [%s, #%d]", load ? "ld" : "st", u, q("bhsdq"[fp], r), x(n), at);
                a64_access_reg(&t.a, load ? A64_FLD(fp) : A64_FST(fp), r, n, m);
                OUT("%s %s, [%s, %s]", load ? "ldr" : "str", q("bhsdq"[fp], r), x(n), x(m));
        }
}

static void pairs(void)
{
        static const struct {
                uint32_t form;
                const char *text;
        } forms[] = {{A64_PAIR, "%s %s, %s, [%s, #%d]"}, {A64_PAIR_PRE, "%s %s, %s, [%s, #%d]!"},
                     {A64_PAIR_POST, "%s %s, %s, [%s], #%d"}};
        unsigned k = pick(3), r = pick(15), s = 15 + pick(8), n = 23 + pick(8);
        bool load = pick(2), fp = pick(2), big = fp && pick(2);
        int disp = ((int)pick(128) - 64) * (big ? 16 : 8);
        char text[128];
        char class = !fp ? 'x' : big ? 'q' : 'd';

        a64_pair(&t.a, forms[k].form, load, fp, big, r, s, n, disp);
        snprintf(text, sizeof(text), forms[k].text, load ? "ldp" : "stp", q(class, r), q(class, s), x(n),
                 disp);
        out(text);
}

static void atomics(void)
{
        static const char *const suffix[] = {"b", "h", "", ""};
        static const struct {
                enum a64_atomic op;
                const char *name;
        } ops[] = {{A64_LDADDAL, "ldadd"}, {A64_LDCLRAL, "ldclr"}, {A64_LDEORAL, "ldeor"},
                   {A64_LDSETAL, "ldset"},
                   {A64_LDSMAXAL, "ldsmax"}, {A64_LDSMINAL, "ldsmin"}, {A64_LDUMAXAL, "ldumax"},
                   {A64_LDUMINAL, "ldumin"}, {A64_SWPAL, "swp"}};
        unsigned size = pick(4), k = pick(9), s = pick(10), r = 10 + pick(10), n = 20 + pick(10);
        const char *su = suffix[size];
        bool w = size == 3;

        a64_ordered(&t.a, A64_LDAR, size, r, n);
        OUT("ldar%s %s, [%s]", su, g(w, r), x(n));
        a64_ordered(&t.a, A64_STLR, size, r, n);
        OUT("stlr%s %s, [%s]", su, g(w, r), x(n));
        a64_ordered(&t.a, A64_LDAPR, size, r, n);
        OUT("ldapr%s %s, [%s]", su, g(w, r), x(n));
        a64_ordered(&t.a, A64_LDXR, size, r, n);
        OUT("ldxr%s %s, [%s]", su, g(w, r), x(n));
        a64_ordered(&t.a, A64_LDAXR, size, r, n);
        OUT("ldaxr%s %s, [%s]", su, g(w, r), x(n));
        a64_stxr(&t.a, A64_STXR, size, s, r, n);
        OUT("stxr%s %s, %s, [%s]", su, g(false, s), g(w, r), x(n));
        a64_stxr(&t.a, A64_STLXR, size, s, r, n);
        OUT("stlxr%s %s, %s, [%s]", su, g(false, s), g(w, r), x(n));
        a64_atomic(&t.a, ops[k].op, size, s, r, n);
        OUT("%sal%s %s, %s, [%s]", ops[k].name, su, g(w, s), g(w, r), x(n));
        a64_casal(&t.a, size, s, r, n);
        OUT("casal%s %s, %s, [%s]", su, g(w, s), g(w, r), x(n));
        s &= ~1u;
        r &= ~1u;
        a64_caspal(&t.a, s, r, n);
        OUT("caspal %s, %s, %s, %s, [%s]", x(s), x(s + 1), x(r), x(r + 1), x(n));
}

static void floats(void)
{
        static const struct {
                enum a64_fp2 op;
                const char *name;
        } two[] = {{A64_FMUL, "fmul"}, {A64_FDIV, "fdiv"}, {A64_FADD, "fadd"}, {A64_FSUB, "fsub"},
                   {A64_FMAX, "fmax"},
                   {A64_FMIN, "fmin"}, {A64_FMAXNM, "fmaxnm"}, {A64_FMINNM, "fminnm"}, {A64_FNMUL, "fnmul"}};
        static const struct {
                enum a64_fp1 op;
                const char *name;
        } one[] = {{A64_FMOV, "fmov"}, {A64_FABS, "fabs"}, {A64_FNEG, "fneg"}, {A64_FSQRT, "fsqrt"},
                   {A64_FRINTN, "frintn"}, {A64_FRINTP, "frintp"}, {A64_FRINTM, "frintm"},
                   {A64_FRINTZ, "frintz"},
                   {A64_FRINTA, "frinta"}, {A64_FRINTX, "frintx"}, {A64_FRINTI, "frinti"}};
        static const struct {
                enum a64_fp3 op;
                const char *name;
        } three[] = {{A64_FMADD, "fmadd"}, {A64_FMSUB, "fmsub"}, {A64_FNMADD, "fnmadd"},
                     {A64_FNMSUB, "fnmsub"}};
        static const struct {
                enum a64_cvt op;
                const char *name;
        } cvt[] = {{A64_FCVTNS, "fcvtn"}, {A64_FCVTPS, "fcvtp"}, {A64_FCVTMS, "fcvtm"}, {A64_FCVTZS, "fcvtz"},
                   {A64_FCVTAS, "fcvta"}};
        bool d = pick(2), w = pick(2), is_unsigned = pick(2);
        unsigned k = pick(9), r = reg(), n = reg(), m = reg(), a = reg();

        a64_fp2(&t.a, two[k].op, d, r, n, m);
        OUT("%s %s, %s, %s", two[k].name, f(d, r), f(d, n), f(d, m));
        k = pick(11);
        a64_fp1(&t.a, one[k].op, d, r, n);
        OUT("%s %s, %s", one[k].name, f(d, r), f(d, n));
        a64_fp1(&t.a, A64_FCVT_DS, false, r, n);
        OUT("fcvt %s, %s", f(true, r), f(false, n));
        a64_fp1(&t.a, A64_FCVT_SD, true, r, n);
        OUT("fcvt %s, %s", f(false, r), f(true, n));
        k = pick(4);
        a64_fp3(&t.a, three[k].op, d, r, n, m, a);
        OUT("%s %s, %s, %s, %s", three[k].name, f(d, r), f(d, n), f(d, m), f(d, a));
        a64_fcmp(&t.a, w, d, n, m);
        OUT("fcmp%s %s, %s", w ? "e" : "", f(d, n), f(d, m));
        a64_fmov_to_gpr(&t.a, w, r, n);
        OUT("fmov %s, %s", g(w, r), f(w, n));
        a64_fmov_from_gpr(&t.a, w, r, n);
        OUT("fmov %s, %s", f(w, r), g(w, n));
        k = pick(5);
        a64_cvt(&t.a, cvt[k].op | (is_unsigned ? A64_UNSIGNED : 0), w, d, r, n);
        OUT("%s%s %s, %s", cvt[k].name, is_unsigned ? "u" : "s", g(w, r), f(d, n));
        a64_cvt(&t.a, A64_SCVTF | (is_unsigned ? A64_UNSIGNED : 0), w, d, r, n);
        OUT("%ccvtf %s, %s", is_unsigned ? 'u' : 's', f(d, r), g(w, n));
}

static void vectors(void)
{
        static const struct {
                uint32_t op;
                const char *name;
        } bits[] = {{A64_VAND, "and"}, {A64_VBIC, "bic"}, {A64_VORR, "orr"}, {A64_VORN, "orn"},
                    {A64_VEOR, "eor"},
                    {A64_VBSL, "bsl"}, {A64_VBIT, "bit"}, {A64_VBIF, "bif"}};
        unsigned k = pick(8), r = reg(), n = reg(), m = reg(), size = pick(4), mask = pick(256);
        uint64_t v = 0;
        bool whole = pick(2);
        const char *form = whole ? "16b" : "8b";

        a64_rrr(&t.a, bits[k].op | (whole ? A64_Q : 0), r, n, m);
        OUT("%s v%u.%s, v%u.%s, v%u.%s", bits[k].name, r, form, n, form, m, form);
        a64_rr(&t.a, A64_CNT | (whole ? A64_Q : 0), r, n);
        OUT("cnt v%u.%s, v%u.%s", r, form, n, form);
        a64_rr(&t.a, A64_ADDV | (whole ? A64_Q : 0), r, n);
        OUT("addv b%u, v%u.%s", r, n, form);
        a64_rrr(&t.a, A64_CMTST | (whole ? A64_Q : 0), r, n, m);
        OUT("cmtst v%u.%s, v%u.%s, v%u.%s", r, form, n, form, m, form);
        for (unsigned b = 0; b < 8; b++)
                v |= mask >> b & 1 ? 0xffull << 8 * b : 0;
        a64_movi64(&t.a, r, mask);
        OUT("movi v%u.2d, #0x%" PRIx64, r, v);
        a64_dup(&t.a, size, r, n);
        OUT("dup v%u.%s, %s", r, ((const char *const[]){"16b", "8h", "4s", "2d"})[size], g(size == 3, n));
}

int main(int argc, char **argv)
{
        static void (*const groups[])(void) = {alu, moves, fields, products, conditions, system_ops, branches,
                                               accesses, pairs, atomics, floats, vectors};

        t.seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
        t.a = (struct asm_out){.p = t.buf, .start = t.buf};
        for (unsigned round = 0; round < ROUNDS; round++)
                for (unsigned k = 0; k < sizeof(groups) / sizeof(groups[0]); k++)
                        groups[k]();
        return 0;
}
