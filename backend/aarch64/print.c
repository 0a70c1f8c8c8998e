/* SPDX-License-Identifier: MIT */
/* Generated code as text, by capstone: for -d out_asm and the tests. */
#include <inttypes.h>

#include <capstone/capstone.h>

#include "backend/host.h"

/* As in emit.h, whose names of registers are capstone's too. */
void a64_print_code(FILE *to, const uint8_t *code, size_t len, uint64_t exec_addr);

void a64_print_code(FILE *to, const uint8_t *code, size_t len, uint64_t exec_addr)
{
        csh cs;
        cs_insn *insn;
        uint32_t word;

        if (cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &cs) != CS_ERR_OK)
                return;
        insn = cs_malloc(cs);
        while (len >= 4) {
                memcpy(&word, code, 4);
                if (word < 1 << 16) {
                        /* literals: a64_data */
                        fprintf(to, "0x%" PRIx64 ":  udf %u\n", exec_addr, word);
                        for (; len >= 12 && word; word--, len -= 8, code += 8, exec_addr += 8) {
                                uint64_t v;

                                memcpy(&v, code + 4, 8);
                                fprintf(to, "0x%" PRIx64 ":  .quad 0x%" PRIx64 "\n", exec_addr + 4, v);
                        }
                } else if (cs_disasm_iter(cs, &code, &len, &exec_addr, insn)) {
                        fprintf(to, "0x%" PRIx64 ":  %s%s%s\n", insn->address, insn->mnemonic,
                                *insn->op_str ? " " : "", insn->op_str);
                        continue;
                } else {
                        fprintf(to, "0x%" PRIx64 ":  .inst 0x%08x\n", exec_addr, word);
                }
                code += 4;
                len -= 4;
                exec_addr += 4;
        }
        cs_free(insn, 1);
        cs_close(&cs);
}
