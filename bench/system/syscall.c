/* SPDX-License-Identifier: MIT */
/*
 * System calls: the cheapest there is, one that copies a structure out, and reads of zeros and writes to
 * nowhere of one page. The guest kernel's entry and exit path, and its copy routines.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t run(uint64_t size)
{
        static char page[4096];
        int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY);
        uint64_t sum = 0;

        if (zero < 0 || null < 0)
                return 0;
        for (uint64_t i = 0; i < size; i++) {
                struct stat st;

                for (int k = 0; k < 8; k++)
                        sum += syscall(SYS_getppid) >= 0;
                sum += fstat(zero, &st) == 0;
                if (i % 4 == 0)
                        sum += (uint64_t)(read(zero, page, sizeof(page)) + write(null, page, sizeof(page)));
        }
        close(zero);
        close(null);
        return sum;
}

BENCH_PROGRAM(syscall, "system", 55000, run);
