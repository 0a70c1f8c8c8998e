/* SPDX-License-Identifier: MIT */
/*
 * Files in memory (the root file system is the initramfs): created, written, renamed, looked up, read back
 * and removed. The guest kernel's name look-up, page cache and allocators.
 */
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTES 16384

static uint64_t buffer[BYTES / 8];

static uint64_t run(uint64_t size)
{
        uint64_t sum = 0;

        for (uint64_t i = 0; i < size; i++) {
                char name[32], other[32];
                struct stat st;
                int fd;

                snprintf(name, sizeof(name), "/tmp/a%u", (unsigned)(i % 64));
                snprintf(other, sizeof(other), "/tmp/b%u", (unsigned)(i % 64));
                for (int k = 0; k < BYTES / 8; k += 64)
                        buffer[k] = i + (uint64_t)k;
                fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);
                if (fd < 0 || write(fd, buffer, BYTES) != BYTES || close(fd) || rename(name, other) ||
                    stat(other, &st) || stat(name, &st) == 0)
                        return 0;
                fd = open(other, O_RDONLY);
                if (fd < 0 || read(fd, buffer, BYTES) != BYTES || close(fd) || unlink(other))
                        return 0;
                sum = bench_mix(sum, buffer[i * 64 % (BYTES / 8)]);
        }
        return sum;
}

BENCH_PROGRAM(file, "system", 2400, run);
