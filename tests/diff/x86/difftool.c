/* SPDX-License-Identifier: MIT */
/*
 * Instructions and programs on the host's own CPU against the emulator:
 *
 *     diff-x86 [-e interp|jit] [-n COUNT] [-s SEED] [-r NAME]... [-m MOST] [-v] [-x]
 *     diff-x86 --part seq [-e interp|jit] [-n COUNT] [-s SEED] [--first NUMBER] [-m MOST] [-v]
 *              [-d ITEMS]
 *
 * The part rows: COUNT random cases for each row of the table that has a translator and may run in user mode.
 * -x names rows that are left out. The part seq: COUNT random programs (seq_make.c). Compared are registers,
 * flags as far as they are defined, memory, MXCSR, and what exception came with which error code. At most
 * MOST differences are shown, of a row or of all programs.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <glib.h>

#include "tests/diff/x86/tool.h"

/* Takes away what the CPU that we compare with has not. */
static void host_features(struct cpu_features *f)
{
        static const enum x86_feature features[] = {
                [NATIVE_POPCNT] = X86_F_POPCNT, [NATIVE_BMI1] = X86_F_BMI1, [NATIVE_BMI2] = X86_F_BMI2,
                [NATIVE_LZCNT] = X86_F_LZCNT, [NATIVE_MOVBE] = X86_F_MOVBE, [NATIVE_ADX] = X86_F_ADX,
                [NATIVE_SSE3] = X86_F_SSE3, [NATIVE_SSSE3] = X86_F_SSSE3, [NATIVE_SSE41] = X86_F_SSE41,
                [NATIVE_SSE42] = X86_F_SSE42,
        };
        uint32_t has = native_features();

        for (unsigned k = 0; k < G_N_ELEMENTS(features); k++) {
                if (!(has >> k & 1))
                        cpu_features_set(f, features[k], false);
        }
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                {"engine", required_argument, NULL, 'e'}, {"count", required_argument, NULL, 'n'},
                {"seed", required_argument, NULL, 's'}, {"row", required_argument, NULL, 'r'},
                {"part", required_argument, NULL, 'p'}, {"first", required_argument, NULL, 'f'},
                {"log", required_argument, NULL, 'd'}, {"most", required_argument, NULL, 'm'},
                {"verbose", no_argument, NULL, 'v'},
                {"left-out", no_argument, NULL, 'x'}, {0},
        };
        struct tool t = {.gen = {.seed = 1}, .count = 200, .max_shown = 3, .engine = "interp"};
        bool seq = false, good;
        const char *items = "";
        uint64_t first = 0;
        int option;

        while ((option = getopt_long(argc, argv, "e:n:s:r:p:f:m:d:vx", options, NULL)) != -1) {
                switch (option) {
                case 'e': t.engine = optarg; break;
                case 'n': t.count = strtoul(optarg, NULL, 0); break;
                case 's': t.gen.seed = strtoull(optarg, NULL, 0); break;
                case 'r': t.only[t.n_only++ & 31] = optarg; break;
                case 'p': seq = !strcmp(optarg, "seq"); break;
                case 'f': first = strtoull(optarg, NULL, 0); break;
                case 'd': items = optarg; break;
                case 'm': t.max_shown = strtoul(optarg, NULL, 0); break;
                case 'v': t.verbose = true; break;
                case 'x': t.list = true; break;
                default: return 2;
                }
        }
        setvbuf(stdout, NULL, _IOLBF, 0);
        t.cases = mmap(NULL, TOOL_BATCH * sizeof(*t.cases), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        t.emulator = emulator_new(!strcmp(t.engine, "jit"));
        if (*items && !emulator_log(t.emulator, items))
                return 2;
        t.features = emulator_features(t.emulator);
        host_features(&t.features);
        good = seq ? seq_run(&t, first) : rows_run(&t);
        emulator_free(t.emulator);
        return good ? 0 : 1;
}
