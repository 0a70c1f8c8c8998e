/* SPDX-License-Identifier: MIT */
/*
 * Test tool: disassembles standard input, raw RISC-V code, from address 0. One line an
 * instruction: address, word, text, as `objdump -d` has them. `rvdis 32` or `rvdis 64`
 * chooses the base; further arguments are features to leave out.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "frontend/riscv/disas.h"

static const char *const names[] = {
#define FEATURE(name, doc) #name,
#include "frontend/riscv/features.def"
#undef FEATURE
};

static struct cpu_features choose(int argc, char **argv)
{
        struct cpu_features f = {{(UINT64_C(1) << RV_F_COUNT) - 1}};
        bool rv32 = argc > 1 && !strcmp(argv[1], "32");

        cpu_features_set(&f, rv32 ? RV_F_RV64 : RV_F_RV32, false);
        for (int a = 2; a < argc; a++) {
                for (unsigned n = 0; n < RV_F_COUNT; n++) {
                        if (!strcmp(argv[a], names[n]))
                                cpu_features_set(&f, n, false);
                }
        }
        return f;
}

int main(int argc, char **argv)
{
        struct cpu_features features = choose(argc, argv);
        uint64_t pc = 0;
        uint16_t half[2];

        while (fread(&half[0], 2, 1, stdin) == 1) {
                uint32_t word = half[0];
                size_t length = (word & 3) == 3 ? 4 : 2;
                char text[128];

                if (length == 4) {
                        if (fread(&half[1], 2, 1, stdin) != 1)
                                break;
                        word |= (uint32_t)half[1] << 16;
                }
                rv_disas(pc, word, &features, text, sizeof(text));
                printf("%" PRIx64 " %0*x %s\n", pc, (int)length * 2, word, text);
                pc += length;
        }
        return 0;
}
