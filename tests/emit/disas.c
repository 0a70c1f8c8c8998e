/* SPDX-License-Identifier: MIT */
/* Capstone for the assembler's tests. */
#include "tests/emit/disas.h"

#include <glib.h>

#include <capstone/capstone.h>

char *disas_one(const uint8_t *code, size_t len)
{
        csh cs;
        cs_insn *insn;
        char *text;
        size_t n;

        if (cs_open(CS_ARCH_X86, CS_MODE_64, &cs) != CS_ERR_OK)
                return g_strdup("no capstone");
        n = cs_disasm(cs, code, len, 0, 0, &insn);
        if (n == 1 && insn->size == len)
                text = g_strdup_printf("%s%s%s", insn->mnemonic, *insn->op_str ? " " : "", insn->op_str);
        else
                text = g_strdup_printf("%zu instructions", n);
        if (n)
                cs_free(insn, n);
        cs_close(&cs);
        return text;
}
