/* SPDX-License-Identifier: MIT */
/* Generated code as text, by capstone: for -d out_asm and the tests. */
#include <inttypes.h>

#include <capstone/capstone.h>

#include "backend/x86_64/emit.h"

void x86_print_code(FILE *to, const uint8_t *code, size_t len, uint64_t exec_addr)
{
        csh cs;
        cs_insn *insn;

        if (cs_open(CS_ARCH_X86, CS_MODE_64, &cs) != CS_ERR_OK)
                return;
        insn = cs_malloc(cs);
        while (len) {
                if (!cs_disasm_iter(cs, &code, &len, &exec_addr, insn)) {
                        fprintf(to, "0x%" PRIx64 ":  .byte 0x%02x\n", exec_addr, *code);
                        code++;
                        len--;
                        exec_addr++;
                        continue;
                }
                fprintf(to, "0x%" PRIx64 ":  %s %s\n", insn->address, insn->mnemonic, insn->op_str);
        }
        cs_free(insn, 1);
        cs_close(&cs);
}
