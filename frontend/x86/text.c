/* SPDX-License-Identifier: MIT */
/* Capstone for x86 code. Nothing is kept between calls: logs are no hot path. */
#include "frontend/x86/text.h"

#include <stdio.h>

#include <capstone/capstone.h>

size_t x86_capstone(uint64_t pc, const uint8_t *bytes, size_t n, unsigned bits, char *buf, size_t len)
{
        cs_mode mode = bits == 64 ? CS_MODE_64 : bits == 32 ? CS_MODE_32 : CS_MODE_16;
        size_t size = 0;
        cs_insn *insn;
        csh cs;

        if (cs_open(CS_ARCH_X86, mode, &cs) != CS_ERR_OK)
                return 0;
        if (cs_disasm(cs, bytes, n, pc, 1, &insn)) {
                size = insn->size;
                snprintf(buf, len, "%s%s%s", insn->mnemonic, *insn->op_str ? " " : "", insn->op_str);
                cs_free(insn, 1);
        }
        cs_close(&cs);
        return size;
}
