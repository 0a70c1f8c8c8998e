/* SPDX-License-Identifier: MIT */
/*
 * Fork, execute this same program anew (it leaves at once with the status it was told), and wait for it: page
 * tables built and torn down, files mapped, the C library started; all of it cold code run once.
 */
#include "bench.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t run(uint64_t size)
{
        uint64_t sum = 0;

        for (uint64_t i = 0; i < size; i++) {
                char status[8];
                int result;
                pid_t child;

                snprintf(status, sizeof(status), "%u", (unsigned)(i % 100));
                child = fork();
                if (child < 0)
                        return 0;
                if (child == 0) {
                        execl("/proc/self/exe", "bench", "--exit", status, (char *)NULL);
                        _exit(127);
                }
                if (waitpid(child, &result, 0) != child || !WIFEXITED(result) ||
                    WEXITSTATUS(result) != (int)(i % 100))
                        return 0;
                sum = bench_mix(sum, (uint64_t)WEXITSTATUS(result));
        }
        return sum;
}

BENCH_PROGRAM(forkexec, "system", 180, run);
