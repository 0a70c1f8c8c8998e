/* SPDX-License-Identifier: MIT */
/*
 * native.c as a program of its own, for a diff-x86 that does not run on an x86-64 CPU itself: see oracle.h.
 * Ends with its input.
 */
#include "tests/diff/x86/oracle.h"

#include <stdio.h>
#include <sys/mman.h>

static bool put(const void *data, size_t size)
{
        return fwrite(data, 1, size, stdout) == size && !fflush(stdout);
}

int main(void)
{
        const struct oracle_hello hello = {.case_size = sizeof(struct test_case),
                                           .features = native_features()};
        size_t size = ORACLE_BATCH * sizeof(struct test_case);
        struct test_case *cases = mmap(NULL, size, PROT_READ | PROT_WRITE,
                                       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        uint32_t n;

        if (cases == MAP_FAILED || !put(&hello, sizeof(hello)))
                return 2;
        while (fread(&n, sizeof(n), 1, stdin) == 1) {
                if (n > ORACLE_BATCH || fread(cases, sizeof(*cases), n, stdin) != n)
                        return 2;
                native_run(cases, n);
                if (!put(cases, n * sizeof(*cases)))
                        return 2;
        }
        return 0;
}
