/* SPDX-License-Identifier: MIT */
/*
 * Test tool: disassembles standard input, raw A64 code, from address 0, with all features but those named by
 * arguments. One line an instruction: address, word, name of the row ("-" if it does not decode), text.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "frontend/arm/a64_decode.h"
#include "frontend/arm/disas.h"

static const char *const names[] = {
#define FEATURE(name, doc) #name,
#include "frontend/arm/features.def"
#undef FEATURE
};

int main(int argc, char **argv)
{
        struct cpu_features features = {{(UINT64_C(1) << A64_F_COUNT) - 1}};
        uint64_t pc = 0;
        uint32_t word;

        for (int a = 1; a < argc; a++) {
                for (unsigned n = 0; n < A64_F_COUNT; n++) {
                        if (!strcmp(argv[a], names[n]))
                                cpu_features_set(&features, n, false);
                }
        }
        for (; fread(&word, 4, 1, stdin) == 1; pc += 4) {
                struct a64_decoded d;
                char text[160];

                a64_decode(word, &features, &d);
                a64_disas(pc, word, &features, text, sizeof(text));
                printf("%" PRIx64 " %08x %s %s\n", pc, word, d.insn ? a64_insns[d.insn].name : "-", text);
        }
        return 0;
}
