/* SPDX-License-Identifier: MIT */
/*
 * Fork alone: the child writes to half of 256 shared pages, which makes copies of them, and reports a sum
 * through its exit status; then the parent writes to the rest.
 */
#include "bench.h"

#include <sys/wait.h>
#include <unistd.h>

#define PAGES 256

static uint8_t memory[PAGES][4096];

static uint64_t run(uint64_t size)
{
        uint64_t sum = 0;

        for (uint64_t i = 0; i < size; i++) {
                int result;
                pid_t child;

                for (int page = 0; page < PAGES; page++)
                        memory[page][i % 4096] = (uint8_t)(page + i);
                child = fork();
                if (child < 0)
                        return 0;
                if (child == 0) {
                        uint8_t status = 0;

                        for (int page = 0; page < PAGES; page += 2)
                                status ^= memory[page][i % 4096]++;
                        _exit(status);
                }
                for (int page = 1; page < PAGES; page += 2)
                        memory[page][i % 4096]++;
                if (waitpid(child, &result, 0) != child || !WIFEXITED(result))
                        return 0;
                sum = bench_mix(sum, (uint64_t)WEXITSTATUS(result) ^ memory[i % PAGES][i % 4096]);
        }
        return sum;
}

BENCH_PROGRAM(fork, "system", 45, run);
