/* SPDX-License-Identifier: MIT */
/*
 * A64 disassembly: fills in the mnemonic and operand text of a row of the decode tables. A `{field}` is
 * printed by its kind, `{field:format}` by a named format of the table below. See frontend/gen/decode.py for
 * the tables and disas.h for the syntax.
 */
#include "frontend/arm/disas.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "frontend/arm/a64_decode.h"
#include "frontend/text.h"

/* What one operand is printed from. */
struct operand {
        const struct a64_insn_info *info;
        const struct a64_decoded *d;
        const struct a64_field *field;
        const char *format; /* "" for that of the kind */
        uint64_t pc;
        unsigned value;     /* the field's low bits */
};

/* ---- values of immediates ---- */

uint64_t a64_logical_imm(unsigned mask)
{
        unsigned n = mask >> 12, immr = mask >> 6 & 63, imms = mask & 63;
        unsigned size = n ? 64 : 1u << (31 - __builtin_clz(~imms & 63)), ones = (imms & (size - 1)) + 1;
        uint64_t v = ones == 64 ? ~0ull : (1ull << ones) - 1;

        immr &= size - 1;
        if (immr)
                v = v >> immr | v << (size - immr);
        if (size < 64)
                v &= (1ull << size) - 1;
        for (; size < 64; size *= 2)
                v |= v << size;
        return v;
}

uint64_t a64_fp_imm(unsigned imm)
{
        uint64_t exponent = imm & 0x40 ? 0x3fcu : 0x400u;

        return (uint64_t)(imm >> 7 & 1) << 63 | (exponent | (imm >> 4 & 3)) << 52 |
                (uint64_t)(imm & 15) << 48;
}

uint32_t a64_fp_imm32(unsigned imm)
{
        uint32_t exponent = imm & 0x40 ? 0x7cu : 0x80u;

        return (uint32_t)(imm >> 7 & 1) << 31 | (exponent | (imm >> 4 & 3)) << 23 | (imm & 15u) << 19;
}

/* ---- other fields of the same instruction ---- */

static int64_t other(const struct operand *o, const char *name, int64_t otherwise)
{
        const struct a64_field *f = a64_field_find(o->info, name, strlen(name));

        return f ? a64_field_decoded(f, o->d) : otherwise;
}

/* ---- general registers ---- */

static void add_reg(struct text *t, unsigned reg, bool wide, bool sp)
{
        if (reg == 31)
                text_add(t, "%s", sp ? wide ? "sp" : "wsp" : wide ? "xzr" : "wzr");
        else
                text_add(t, "%c%u", wide ? 'x' : 'w', reg);
}

static void add_xreg(struct text *t, const struct operand *o)
{
        const char *f = o->format;
        unsigned reg = o->value, size = other(o, "size", 3);

        if (!strcmp(f, "") || !strcmp(f, "sp"))
                add_reg(t, reg, other(o, "sf", 1), *f);
        else if (!strcmp(f, "x") || !strcmp(f, "xsp") || !strcmp(f, "w") || !strcmp(f, "wsp"))
                add_reg(t, reg, *f == 'x', f[1]);
        else if (!strcmp(f, "x2"))
                add_reg(t, reg + 1, true, false);
        else if (!strcmp(f, "sz") || !strcmp(f, "sz2"))
                add_reg(t, f[2] && reg < 31 ? reg + 1 : reg, size == 3, false);
        else if (!strcmp(f, "ext"))
                add_reg(t, reg, (other(o, "option", 3) & 3) == 3 && other(o, "sf", 1), false);
        else if (!strcmp(f, "q"))
                add_reg(t, reg, other(o, "q", 1), false);
        else if (!strcmp(f, "tb"))
                add_reg(t, reg, other(o, "bit", 0) > 31, false);
        else if (!strcmp(f, "i5"))
                add_reg(t, reg, !(other(o, "imm5", 0) & 7), false);
        else if (!strcmp(f, "retreg")) {
                if (reg != 30)
                        add_reg(t, reg, true, false);
        } else if (!strcmp(f, "optx")) {
                if (reg != 31)
                        text_add(t, ", x%u", reg);
        } else if (!strcmp(f, "optx2")) {
                if (reg != 31)
                        text_add(t, ", x%u, x%u", reg, reg + 1);
        } else if (!strncmp(f, "post", 4)) {
                unsigned count = f[strlen(f) - 1] - '0';

                if (reg != 31)
                        text_add(t, "x%u", reg);
                else if (!strncmp(f, "postl", 5))
                        text_add(t, "#%u", count << size);
                else
                        text_add(t, "#%u", count * (other(o, "q", 0) ? 16 : 8));
        }
}

/* ---- vector registers ---- */

/* Lanes of 1 << size bytes in 8 or 16 bytes: ".8b" and the like. */
static void add_lanes(struct text *t, unsigned reg, unsigned size, bool q)
{
        text_add(t, "v%u.%u%c", reg, (q ? 16 : 8) >> size, "bhsdq"[size]);
}

/* Log2 of the lane size that the highest one of a shift amount's upper half says; of imm5, the lowest one. */
static unsigned shift_size(const struct operand *o)
{
        unsigned sh = other(o, "sh", 0);

        return sh < 8 ? 0 : 28 - __builtin_clz(sh);
}

static unsigned lane_size(const struct operand *o)
{
        unsigned imm5 = other(o, "imm5", 1);

        return imm5 & 15 ? __builtin_ctz(imm5) : 3;
}

static void add_list(struct text *t, unsigned reg, unsigned count, const char *lanes)
{
        unsigned last = (reg + count - 1) & 31;

        if (count > 2 && last > reg) {
                text_add(t, "{v%u%s-v%u%s}", reg, lanes, last, lanes);
                return;
        }
        for (unsigned n = 0; n < count; n++)
                text_add(t, "%sv%u%s", n ? ", " : "{", (reg + n) & 31, lanes);
        text_add(t, "}");
}

static void add_vreg(struct text *t, const struct operand *o)
{
        static const struct { const char *format, *suffix; } fixed[] = {
                {"16b", ".16b"}, {"8h", ".8h"}, {"4s", ".4s"}, {"2d", ".2d"}, {"1q", ".1q"}, {"2h", ".2h"},
                {"d1", ".d[1]"}, {"eb", ".b"}, {"eh", ".h"}, {"es", ".s"}, {"ed", ".d"}, {"e4b", ".4b"},
                        {"e2b", ".2b"},
                {"e2h", ".2h"}, {"v", ""},
        };
        const char *f = o->format;
        unsigned reg = o->value, size = other(o, "size", 0), ftype = other(o, "ftype", 0),
                sz = other(o, "sz", 0);
        bool q = other(o, "q", 0);
        char lanes[8];

        for (unsigned i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
                if (!strcmp(f, fixed[i].format)) {
                        text_add(t, "v%u%s", reg, fixed[i].suffix);
                        return;
                }
        }
        if (strlen(f) == 1 && *f != 't')
                text_add(t, "%c%u", *f, reg);
        else if (!strcmp(f, "ft"))
                text_add(t, "%c%u", "sd?h"[ftype & 3], reg);
        else if (!strcmp(f, "fz"))
                text_add(t, "%c%u", "sd?h"[sz & 3], reg);
        else if (!strcmp(f, "sz") || !strcmp(f, "szw"))
                text_add(t, "%c%u", "bhsdq"[size + (f[2] == 'w')], reg);
        else if (!strcmp(f, "si") || !strcmp(f, "siw"))
                text_add(t, "%c%u", "bhsdq"[shift_size(o) + (f[2] == 'w')], reg);
        else if (!strcmp(f, "s5"))
                text_add(t, "%c%u", "bhsd"[lane_size(o)], reg);
        else if (!strcmp(f, "t"))
                add_lanes(t, reg, size, q);
        else if (!strcmp(f, "tb"))
                add_lanes(t, reg, 0, q);
        else if (!strcmp(f, "th16"))
                add_lanes(t, reg, 1, q);
        else if (!strcmp(f, "thh"))
                text_add(t, "v%u.%dh", reg, q ? 4 : 2);
        else if (!strcmp(f, "ts32"))
                add_lanes(t, reg, 2, q);
        else if (!strcmp(f, "td64"))
                add_lanes(t, reg, 3, q);
        else if (!strcmp(f, "tw"))
                add_lanes(t, reg, size + 1, true);
        else if (!strcmp(f, "tl"))
                add_lanes(t, reg, size + 1, q);
        else if (!strcmp(f, "tf"))
                add_lanes(t, reg, sz == 3 ? 1 : sz + 2, q);
        else if (!strcmp(f, "tfn"))
                add_lanes(t, reg, sz + 1, q);
        else if (!strcmp(f, "tfw"))
                add_lanes(t, reg, sz + 2, true);
        else if (!strcmp(f, "tfp"))
                text_add(t, "v%u.2%c", reg, "sd"[sz & 1]);
        else if (!strcmp(f, "ti"))
                add_lanes(t, reg, shift_size(o), q);
        else if (!strcmp(f, "tiw"))
                add_lanes(t, reg, shift_size(o) + 1, true);
        else if (!strcmp(f, "t5"))
                add_lanes(t, reg, lane_size(o), q);
        else if (!strcmp(f, "e5"))
                text_add(t, "v%u.%c[%u]", reg, "bhsd"[lane_size(o)],
                         (unsigned)other(o, "imm5", 0) >> (lane_size(o) + 1));
        else if (!strcmp(f, "e4"))
                text_add(t, "v%u.%c[%u]", reg, "bhsd"[lane_size(o)],
                         (unsigned)other(o, "imm4", 0) >> lane_size(o));
        else if (!strcmp(f, "tbl"))
                add_list(t, reg, other(o, "len", 0) + 1, ".16b");
        else if (!strcmp(f, "listb"))
                add_list(t, reg, 1, ".16b");
        else if (!strncmp(f, "list", 4)) {
                if (f[5] == 'l')
                        snprintf(lanes, sizeof(lanes), ".%c", "bhsd"[size & 3]);
                else
                        snprintf(lanes, sizeof(lanes), ".%u%c", (q ? 16u : 8u) >> size, "bhsd"[size & 3]);
                add_list(t, reg, f[4] - '0', lanes);
        }
}

/* ---- immediates and names ---- */

const char *a64_sysreg_name(unsigned key)
{
        switch (key) {
#define NAMED(name, op0, op1, crn, crm, op2) \
        case (op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2): return #name;
#define REG_FIELD(name, op0, op1, crn, crm, op2, access, member, mask) NAMED(name, op0, op1, crn, crm, op2)
#define REG_CONST(name, op0, op1, crn, crm, op2, access, value) NAMED(name, op0, op1, crn, crm, op2)
#define REG_FN(name, op0, op1, crn, crm, op2, access) NAMED(name, op0, op1, crn, crm, op2)
#include "frontend/arm/sysreg.def"
        default:
                return NULL;
        }
#undef REG_FIELD
#undef REG_CONST
#undef REG_FN
#undef NAMED
}

static const char *const conds[16] = {"eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc",
                                      "hi", "ls", "ge", "lt", "gt", "le", "al", "nv"};
static const char *const extends[8] = {"uxtb", "uxth", "uxtw", "uxtx", "sxtb", "sxth", "sxtw", "sxtx"};

/* Amount of a shifted register; nothing is printed for LSL by 0. */
static void add_shift(struct text *t, const struct operand *o)
{
        static const char *const names[4] = {"lsl", "lsr", "asr", "ror"};
        unsigned amount = other(o, "amount", 0);

        if (o->value || amount)
                text_add(t, ", %s #%u", names[o->value & 3], amount);
}

/* Where the stack pointer is an operand, UXTW or UXTX (by width) is LSL, and LSL by 0 is left out. */
static void add_extend(struct text *t, const struct operand *o)
{
        unsigned amount = other(o, "amount", 0), plain = other(o, "sf", 1) ? 3 : 2;
        bool flags = !strcmp(o->info->mnemonic, "adds") || !strcmp(o->info->mnemonic, "subs");
        bool sp = other(o, "rn", 0) == 31 || (!flags && other(o, "rd", 0) == 31);

        if (sp && o->value == plain) {
                if (amount)
                        text_add(t, ", lsl #%u", amount);
                return;
        }
        text_add(t, ", %s", extends[o->value & 7]);
        if (amount)
                text_add(t, " #%u", amount);
}

/* The extension of a register offset; the scale is the access's size or nothing. */
static void add_index(struct text *t, const struct operand *o)
{
        unsigned size = other(o, "size", 0);
        bool scaled = other(o, "sh", 0);

        if (o->value == 3 && !scaled)
                return;
        text_add(t, ", %s", o->value == 3 ? "lsl" : extends[o->value & 7]);
        if (scaled)
                text_add(t, " #%u", size);
}

static void add_prfm(struct text *t, unsigned op)
{
        static const char *const types[4] = {"pld", "pli", "pst", NULL};

        if (op >> 3 == 3 || (op >> 1 & 3) == 3)
                text_add(t, "#0x%02x", op);
        else
                text_add(t, "%sl%u%s", types[op >> 3], (op >> 1 & 3) + 1, op & 1 ? "strm" : "keep");
}

static void add_barrier(struct text *t, unsigned crm)
{
        static const char *const names[16] = {
                NULL, "oshld", "oshst", "osh", NULL, "nshld", "nshst", "nsh",
                NULL, "ishld", "ishst", "ish", NULL, "ld", "st", "sy",
        };

        if (names[crm & 15])
                text_add(t, "%s", names[crm & 15]);
        else
                text_add(t, "#0x%02x", crm);
}

static void add_pstate(struct text *t, const struct operand *o)
{
        static const struct { uint8_t op1, op2; const char *name; } names[] = {
                {0, 3, "uao"}, {0, 4, "pan"}, {0, 5, "spsel"}, {3, 1, "ssbs"}, {3, 2, "dit"}, {3, 4, "tco"},
                {3, 6, "daifset"}, {3, 7, "daifclr"}, {1, 0, "allint"},
        };
        unsigned op2 = other(o, "op2", 0);

        for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                if (names[i].op1 == o->value && names[i].op2 == op2) {
                        text_add(t, "%s", names[i].name);
                        return;
                }
        }
        text_add(t, "s0_%u_c4_c%u_%u", o->value, (unsigned)other(o, "crm", 0), op2);
}

static void add_sysreg(struct text *t, const struct operand *o)
{
        unsigned op1 = other(o, "op1", 0), crn = other(o, "crn", 0), crm = other(o, "crm", 0),
                op2 = other(o, "op2", 0);
        const char *name = a64_sysreg_name(o->value << 14 | op1 << 11 | crn << 7 | crm << 3 | op2);

        if (name)
                text_add(t, "%s", name);
        else
                text_add(t, "s%u_%u_c%u_c%u_%u", o->value, op1, crn, crm, op2);
}

static void add_fp(struct text *t, unsigned imm)
{
        uint64_t bits = a64_fp_imm(imm);
        double value;

        memcpy(&value, &bits, sizeof(value));
        text_add(t, "#%.18e", value);
}

static void add_bytes(struct text *t, unsigned imm)
{
        uint64_t v = 0;

        for (unsigned n = 0; n < 8; n++)
                v |= imm >> n & 1 ? 0xffull << 8 * n : 0;
        text_add(t, "#0x%" PRIx64, v);
}

/* An unsigned or signed number after '#': decimal if negative. */
static void add_hash(struct text *t, int64_t v)
{
        if (v < 0)
                text_add(t, "#%" PRId64, v);
        else
                text_add(t, "#0x%" PRIx64, v);
}

static void add_value(struct text *t, const struct operand *o, int64_t value)
{
        static const char *const reads[4] = {"", "wt", "rt", "t"}, *const hints[4] = {"", "wn", "rn", "n"};
        static const char *const setops[4] = {"", "t", "n", "tn"};
        const char *f = o->format;
        unsigned bits = 8u << shift_size(o), size = other(o, "size", 0);
        uint64_t mask;

        if (!strcmp(f, "dec"))
                text_add(t, "#%" PRId64, value);
        else if (!strcmp(f, "lane"))
                text_add(t, "%" PRId64, value);
        else if (!strcmp(f, "hash"))
                add_hash(t, value);
        else if (!strcmp(f, "off")) {
                if (value)
                        text_add(t, ", #%" PRId64, value);
        } else if (!strcmp(f, "x16"))
                add_hash(t, value * 16);
        else if (!strcmp(f, "nof")) {
                if (value != 15)
                        add_hash(t, value);
        } else if (!strcmp(f, "opt")) {
                if (value)
                        add_hash(t, value);
        } else if (!strcmp(f, "logical")) {
                mask = a64_logical_imm(value);
                text_add(t, "#0x%" PRIx64, other(o, "sf", 1) ? mask : (uint32_t)mask);
        } else if (!strcmp(f, "lsl12"))
                text_add(t, "%s", value ? ", lsl #12" : "");
        else if (!strcmp(f, "lsl") || !strcmp(f, "lslv")) {
                if (value)
                        text_add(t, ", lsl #%d", (int)value * (f[3] ? 1 : 16));
        } else if (!strcmp(f, "msl"))
                text_add(t, ", msl #%d", (int)value);
        else if (!strcmp(f, "shift"))
                add_shift(t, o);
        else if (!strcmp(f, "extend"))
                add_extend(t, o);
        else if (!strcmp(f, "index"))
                add_index(t, o);
        else if (!strcmp(f, "cond"))
                text_add(t, "%s", conds[value & 15]);
        else if (!strcmp(f, "prfm"))
                add_prfm(t, value);
        else if (!strcmp(f, "barrier"))
                add_barrier(t, value);
        else if (!strcmp(f, "nxs"))
                text_add(t, "%snxs", ((const char *[]){"osh", "nsh", "ish", "sy"})[value & 3]);
        else if (!strcmp(f, "hint"))
                add_hash(t, value << 3 | other(o, "op2", 0));
        else if (!strcmp(f, "bti"))
                text_add(t, "%s", ((const char *[]){"", "c", "j", "jc"})[value >> 1 & 3]);
        else if (!strcmp(f, "c"))
                text_add(t, "C%d", (int)value);
        else if (!strcmp(f, "pstate"))
                add_pstate(t, o);
        else if (!strcmp(f, "sysreg"))
                add_sysreg(t, o);
        else if (!strcmp(f, "fp"))
                add_fp(t, value);
        else if (!strcmp(f, "bytes"))
                add_bytes(t, value);
        else if (!strcmp(f, "fbits"))
                text_add(t, "#%d", 64 - (int)value);
        else if (!strcmp(f, "shr"))
                text_add(t, "#%d", 2 * (int)bits - (int)value);
        else if (!strcmp(f, "shl"))
                text_add(t, "#%d", (int)value - (int)bits);
        else if (!strcmp(f, "shll"))
                text_add(t, "#%u", 8u << size);
        else if (!strcmp(f, "rot90"))
                text_add(t, "#%d", (int)value * 90);
        else if (!strcmp(f, "rot180"))
                text_add(t, "#%d", value ? 270 : 90);
        else if (!strcmp(f, "page"))
                text_add(t, "0x%" PRIx64, (o->pc & ~(uint64_t)0xfff) + ((uint64_t)value << 12));
        else if (!strcmp(f, "2"))
                text_add(t, "%s", value ? "2" : "");
        else if (!strcmp(f, "bt"))
                text_add(t, "%c", value ? 't' : 'b');
        else if (!strcmp(f, "a") || !strcmp(f, "l") || !strcmp(f, "s"))
                text_add(t, "%s", value ? f : "");
        else if (!strcmp(f, "mops"))
                text_add(t, "%s%s", reads[value & 3], hints[value >> 2 & 3]);
        else if (!strcmp(f, "mopset"))
                text_add(t, "%s", setops[value & 3]);
}

static void add_operand(struct text *t, const struct operand *o)
{
        int64_t value = a64_field_decoded(o->field, o->d);

        switch (o->field->kind) {
        case A64_KIND_XREG:
                add_xreg(t, o);
                break;
        case A64_KIND_VREG:
                add_vreg(t, o);
                break;
        case A64_KIND_OFF:
                if (!*o->format)
                        text_add(t, "0x%" PRIx64, o->pc + (uint64_t)value);
                else
                        add_value(t, o, value);
                break;
        default:
                add_value(t, o, value);
                break;
        }
}

static void add_field(struct text *t, void *opaque, const char *name, size_t len, const char *format)
{
        struct operand *o = opaque;

        o->field = a64_field_find(o->info, name, len);
        o->format = format;
        if (!o->field)
                return;
        o->value = a64_field_decoded(o->field, o->d);
        add_operand(t, o);
}

bool a64_disas(uint64_t pc, uint32_t word, const struct cpu_features *features, char *buf, size_t len)
{
        struct text name = {.n = 0}, operands = {.n = 0};
        struct a64_decoded d;
        struct operand o = {.d = &d, .pc = pc};

        if (!a64_decode(word, features, &d)) {
                snprintf(buf, len, ".inst 0x%08x", word);
                return false;
        }
        o.info = &a64_insns[d.insn];
        text_expand(&name, o.info->mnemonic, add_field, &o);
        text_expand(&operands, o.info->text, add_field, &o);
        if (operands.n)
                snprintf(buf, len, "%-7s %s", name.s, operands.s);
        else
                snprintf(buf, len, "%s", name.s);
        return true;
}
