/* SPDX-License-Identifier: MIT */
/*
 * For comparisons with other disassemblers: reads records of 16 bytes (a count and 15 bytes of code), and
 * prints for each the decoder's result, length and mnemonic, then capstone's length and mnemonic.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/x86/decode.h"
#include "frontend/x86/text.h"

int main(int argc, char **argv)
{
        static const char *const results[] = {"ok", "undefined", "truncated", "long"};
        int bits = argc > 1 ? atoi(argv[1]) : 64;
        enum x86_width width = bits == 64 ? X86_64 : bits == 32 ? X86_32 : X86_16;
        struct cpu_features all;
        struct x86_insn i;
        uint8_t record[16];
        char name[32], text[160];

        memset(&all, 0xff, sizeof(all));
        while (fread(record, 1, sizeof(record), stdin) == sizeof(record)) {
                size_t n = record[0] < 16 ? record[0] : 15;
                enum x86_result result = x86_decode(record + 1, n, width, &all, &i);

                printf("%s %u %s ", results[result], i.length,
                       result == X86_DECODED ? x86_mnemonic(&i, name, sizeof(name)) : "-");
                n = x86_capstone(0, record + 1, n, bits, text, sizeof(text));
                printf("%zu %s\n", n, n ? text : "-");
        }
        return 0;
}
