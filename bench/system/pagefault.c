/* SPDX-License-Identifier: MIT */
/*
 * Page faults: 512 pages are mapped, touched one by one (each the first touch of a page), protected, and
 * unmapped. Measures the exception path, the kernel's fault handler and the invalidation of translations.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <sys/mman.h>

#define PAGE 4096
#define PAGES 512

static uint64_t run(uint64_t size)
{
        uint64_t sum = 0;

        for (uint64_t i = 0; i < size; i++) {
                volatile uint8_t *p = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

                if (p == MAP_FAILED)
                        return 0;
                /* Huge pages would turn 512 faults into one. */
                madvise((void *)p, (size_t)PAGES * PAGE, MADV_NOHUGEPAGE);
                for (int page = 0; page < PAGES; page++)
                        p[page * PAGE + page] = (uint8_t)(page + i);
                if (mprotect((void *)p, (size_t)PAGES * PAGE, PROT_READ))
                        return 0;
                for (int page = 0; page < PAGES; page++)
                        sum += p[page * PAGE + page];
                munmap((void *)p, (size_t)PAGES * PAGE);
        }
        return sum;
}

BENCH_PROGRAM(pagefault, "system", 125, run);
