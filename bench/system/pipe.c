/* SPDX-License-Identifier: MIT */
/*
 * Two processes pass a message back and forth through a pair of pipes: two system calls, two wake-ups and two
 * switches of address space a round. The other process transforms the message, so a lost one shows.
 */
#include "bench.h"

#include <sys/wait.h>
#include <unistd.h>

static void answer(int in, int out)
{
        uint64_t message;

        while (read(in, &message, sizeof(message)) == sizeof(message)) {
                message = bench_mix(message, 71);
                if (write(out, &message, sizeof(message)) != sizeof(message))
                        break;
        }
        _exit(0);
}

static uint64_t run(uint64_t size)
{
        int there[2], back[2];
        uint64_t message = 1;
        pid_t child;

        if (pipe(there) || pipe(back))
                return 0;
        child = fork();
        if (child < 0)
                return 0;
        if (child == 0) {
                close(there[1]);
                close(back[0]);
                answer(there[0], back[1]);
        }
        close(there[0]);
        close(back[1]);
        for (uint64_t i = 0; i < size; i++)
                if (write(there[1], &message, sizeof(message)) != sizeof(message) ||
                    read(back[0], &message, sizeof(message)) != sizeof(message))
                        return 0;
        close(there[1]);
        close(back[0]);
        waitpid(child, NULL, 0);
        return message;
}

BENCH_PROGRAM(pipe, "system", 5000, run);
