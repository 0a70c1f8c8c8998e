/* SPDX-License-Identifier: MIT */
/*
 * RISC-V disassembly: fills in the operand text of a row of the decode tables. A `{field}` is
 * printed by its kind, `{field:format}` by a named format. See frontend/gen/decode.py for the
 * tables and disas.h for the syntax.
 */
#include "frontend/riscv/disas.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "frontend/riscv/rv_decode.h"
#include "frontend/text.h"

const char *rv_xreg_name(unsigned reg)
{
        static const char *const names[32] = {
                "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2",
                "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
                "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7",
                "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
        };

        return names[reg & 31];
}

const char *rv_freg_name(unsigned reg)
{
        static const char *const names[32] = {
                "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7",
                "fs0", "fs1", "fa0", "fa1", "fa2", "fa3", "fa4", "fa5",
                "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7",
                "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
        };

        return names[reg & 31];
}

const char *rv_csr_name(unsigned csr)
{
        switch (csr) {
#define CSR(number, name) case number: return #name;
#include "frontend/riscv/csr_names.def"
#undef CSR
        default:
                return NULL;
        }
}

/* What a fence orders; the assembler takes 0 for nothing. */
static void add_iorw(struct text *t, unsigned set)
{
        if (!set)
                text_add(t, "0");
        for (unsigned n = 0; n < 4; n++) {
                if (set & (8 >> n))
                        text_add(t, "%c", "iorw"[n]);
        }
}

/* The rounding mode, unless it is the one that the assembler fills in. */
static void add_rounding(struct text *t, unsigned rm, unsigned usual)
{
        static const char *const names[8] = {"rne", "rtz", "rdn", "rup", "rmm", "unknown", "unknown", "dyn"};

        if (rm != usual)
                text_add(t, ", %s", names[rm & 7]);
}

/* The acquire and release bits of an atomic instruction, as part of the mnemonic: ".aqrl". */
static void add_order(struct text *t, const struct rv_insn_info *info, const struct rv_decoded *d)
{
        const char *before = ".";

        for (unsigned n = 0; n < info->nfields; n++) {
                const struct rv_field *f = &info->fields[n];

                if (f->kind == RV_KIND_ORDER && rv_field_decoded(f, d)) {
                        text_add(t, "%s%s", before, f->name);
                        before = "";
                }
        }
}

/* What one operand is printed from. */
struct operand {
        const struct rv_insn_info *info;
        const struct rv_decoded *d;
        struct text *mnemonic;
        const struct rv_field *field;
        const char *format;             /* "" for that of the kind */
        uint64_t pc;
        bool rv64;
};

static void add_operand(struct text *t, const struct operand *o)
{
        int64_t value = rv_field_decoded(o->field, o->d);
        const char *csr;

        if (!strcmp(o->format, "hi20")) {
                text_add(t, "0x%x", (unsigned)(value >> 12) & 0xfffff);
                return;
        }
        if (!strcmp(o->format, "nonzero") && !value)
                return;
        switch (o->field->kind) {
        case RV_KIND_XREG:
                text_add(t, "%s", rv_xreg_name(value));
                break;
        case RV_KIND_FREG:
                text_add(t, "%s", rv_freg_name(value));
                break;
        case RV_KIND_OFF:
                value += o->pc;
                text_add(t, "0x%" PRIx64, o->rv64 ? (uint64_t)value : (uint32_t)value);
                break;
        case RV_KIND_SHAMT:
                text_add(t, "0x%x", (unsigned)value);
                break;
        case RV_KIND_CSR:
                csr = rv_csr_name(value);
                if (csr)
                        text_add(t, "%s", csr);
                else
                        text_add(t, "0x%x", (unsigned)value);
                break;
        case RV_KIND_RM:
                add_rounding(t, value, !strcmp(o->format, "exact") ? 0 : 7);
                break;
        case RV_KIND_ORDER:
                add_order(o->mnemonic, o->info, o->d);
                break;
        case RV_KIND_IORW:
                add_iorw(t, value);
                break;
        case RV_KIND_IMM:
        case RV_KIND_UIMM:
        case RV_KIND_BITS:
                text_add(t, "%" PRId64, value);
                break;
        }
}

static void add_field(struct text *t, void *opaque, const char *name, size_t len, const char *format)
{
        struct operand *o = opaque;

        o->field = rv_field_find(o->info, name, len);
        o->format = format;
        if (o->field)
                add_operand(t, o);
}

size_t rv_disas(uint64_t pc, uint32_t word, const struct cpu_features *features, char *buf, size_t len)
{
        struct text name = {.n = 0}, operands = {.n = 0};
        struct rv_decoded d;
        struct operand o = {.d = &d, .pc = pc, .rv64 = cpu_has(features, RV_F_RV64), .mnemonic = &name};

        if (!rv_decode(word, features, &d)) {
                if ((word & 3) != 3) {
                        snprintf(buf, len, ".half 0x%04x", word & 0xffff);
                        return 2;
                }
                snprintf(buf, len, ".word 0x%08x", word);
                return 4;
        }
        o.info = &rv_insns[d.insn];
        text_add(&name, "%s", o.info->mnemonic);
        text_expand(&operands, o.info->text, add_field, &o);
        if (operands.n)
                snprintf(buf, len, "%-11s %s", name.s, operands.s);
        else
                snprintf(buf, len, "%s", name.s);
        return d.length;
}
