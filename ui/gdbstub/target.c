/* SPDX-License-Identifier: MIT */
/*
 * The target description, made from the frontend's register table ("Debugging with GDB", appendix G): one
 * document with a feature for each set.
 */
#include <string.h>

#include "ui/gdbstub/gdb_priv.h"

const struct cpu_reg *gdb_find_reg(const struct cpu_ops *ops, uint64_t number)
{
        for (uint32_t i = 0; i < ops->n_regs; i++) {
                if (ops->regs[i].gdb_num >= 0 && (uint64_t)ops->regs[i].gdb_num == number)
                        return &ops->regs[i];
        }
        return NULL;
}

unsigned gdb_general_regs(const struct cpu_ops *ops, const struct cpu_reg **regs, unsigned max)
{
        unsigned n = 0;

        for (; n < max; n++) {
                const struct cpu_reg *r = gdb_find_reg(ops, n);

                if (!r || r->set != 0)
                        break;
                regs[n] = r;
        }
        return n;
}

static bool is_float(const struct cpu_ops *ops, const struct cpu_reg *r)
{
        return r->slot != UINT32_MAX && (ops->guest->slots[r->slot].type == IR_F64 ||
                                         ops->guest->slots[r->slot].type == IR_F32);
}

static void append_reg(GString *xml, const struct cpu_ops *ops, const struct cpu_reg *r, bool system)
{
        g_string_append_printf(xml, "<reg name=\"%s\" bitsize=\"%u\" regnum=\"%d\"", r->name, r->bits,
                               r->gdb_num);
        if (r->type)
                g_string_append_printf(xml, " type=\"%s\"", r->type);
        else if (is_float(ops, r))
                g_string_append(xml, r->bits == 64 ? " type=\"float_pair\" group=\"float\""
                                                   : " type=\"ieee_single\"");
        else if (!strcmp(r->name, "pc"))
                g_string_append(xml, " type=\"code_ptr\"");
        else if (!strcmp(r->name, "sp"))
                g_string_append(xml, " type=\"data_ptr\"");
        else
                g_string_append(xml, " type=\"int\"");
        if (r->group)
                g_string_append_printf(xml, " group=\"%s\"", r->group);
        else if (system)
                g_string_append(xml, " group=\"system\"");
        g_string_append(xml, "/>");
}

char *gdb_target_xml(const struct cpu_ops *ops)
{
        GString *xml = g_string_new(
                "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>");

        g_string_append_printf(xml, "<architecture>%s</architecture>", ops->gdb_arch);
        for (unsigned set = 0; ops->gdb_sets[set]; set++) {
                bool types = false;

                g_string_append_printf(xml, "<feature name=\"%s\">", ops->gdb_sets[set]);
                if (ops->gdb_types && ops->gdb_types[set])
                        g_string_append(xml, ops->gdb_types[set]);
                for (uint32_t i = 0; i < ops->n_regs; i++) {
                        const struct cpu_reg *r = &ops->regs[i];

                        if (r->set != set || r->gdb_num < 0)
                                continue;
                        if (is_float(ops, r) && r->bits == 64 && !types) {
                                types = true;
                                g_string_append(xml, "<union id=\"float_pair\"><field name=\"float\" "
                                                     "type=\"ieee_single\"/><field name=\"double\" "
                                                     "type=\"ieee_double\"/></union>");
                        }
                        append_reg(xml, ops, r, set != 0 && !is_float(ops, r));
                }
                g_string_append(xml, "</feature>");
        }
        g_string_append(xml, "</target>");
        return g_string_free(xml, FALSE);
}
