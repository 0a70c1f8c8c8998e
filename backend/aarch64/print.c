/* SPDX-License-Identifier: MIT */
/* Generated code as text, by capstone: for -d out_asm and the tests. */
#include <inttypes.h>

#include <capstone/capstone.h>

#include "backend/host.h"

/* As in emit.h, whose names of registers are capstone's too. */
void a64_print_code(FILE *to, const uint8_t *code, size_t len, uint64_t exec_addr);

/* What capstone 4 does not know: FEAT_LSE and FEAT_LRCPC. */
static void print_other(FILE *to, uint32_t word)
{
        static const char *const ops[16] = {"ldaddal", "ldclral", "ldeoral", "ldsetal", "ldsmaxal", "ldsminal",
                                            "ldumaxal", "lduminal", "swpal"};
        static const char *const sizes[] = {"b", "h", "", ""};
        unsigned size = word >> 30, s = word >> 16 & 31, n = word >> 5 & 31, t = word & 31;
        char r = size == 3 ? 'x' : 'w';

        if ((word & 0x3ffffc00) == 0x38bfc000)
                fprintf(to, "ldapr%s %c%u, [x%u]\n", sizes[size], r, t, n);
        else if ((word & 0x3fe00c00) == 0x38e00000 && ops[word >> 12 & 15])
                fprintf(to, "%s%s %c%u, %c%u, [x%u]\n", ops[word >> 12 & 15], sizes[size], r, s, r, t, n);
        else if ((word & 0x3fe0fc00) == 0x08e0fc00)
                fprintf(to, "casal%s %c%u, %c%u, [x%u]\n", sizes[size], r, s, r, t, n);
        else if ((word & 0xffe0fc00) == 0x4860fc00)
                fprintf(to, "caspal x%u, x%u, x%u, x%u, [x%u]\n", s, s + 1, t, t + 1, n);
        else
                fprintf(to, ".inst 0x%08x\n", word);
}

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
                        fprintf(to, "0x%" PRIx64 ":  ", exec_addr);
                        print_other(to, word);
                }
                code += 4;
                len -= 4;
                exec_addr += 4;
        }
        cs_free(insn, 1);
        cs_close(&cs);
}
