/* SPDX-License-Identifier: MIT */
/*
 * What native.c offers, by way of the program oracle.c, which runs on the x86-64 machine that built it
 * (ORACLE is its path). That program is the kernel's to run, so it gets the real CPU even where we run under
 * an emulator of another one. It starts with the first question and ends when this process does.
 */
#include "tests/diff/x86/oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int to = -1, from = -1;
static struct oracle_hello hello;

static _Noreturn void fail(const char *what)
{
        perror(what);
        exit(2);
}

static void put(const void *data, size_t size)
{
        for (const char *p = data; size;) {
                ssize_t n = write(to, p, size);

                if (n <= 0)
                        fail("the oracle takes no cases");
                p += n;
                size -= n;
        }
}

static void take(void *data, size_t size)
{
        for (char *p = data; size;) {
                ssize_t n = read(from, p, size);

                if (n <= 0)
                        fail("the oracle does not answer");
                p += n;
                size -= n;
        }
}

static void start(void)
{
        int questions[2], answers[2];
        pid_t pid;

        if (to >= 0)
                return;
        if (pipe(questions) || pipe(answers) || (pid = fork()) < 0)
                fail("the oracle");
        if (!pid) {
                dup2(questions[0], 0);
                dup2(answers[1], 1);
                close(questions[1]);
                execl(ORACLE, ORACLE, (char *)NULL);
                _exit(2);
        }
        close(questions[0]);
        close(answers[1]);
        to = questions[1];
        from = answers[0];
        take(&hello, sizeof(hello));
        if (hello.case_size != sizeof(struct test_case)) {
                fprintf(stderr, "the oracle has cases of %u bytes, not %zu\n", hello.case_size,
                        sizeof(struct test_case));
                exit(2);
        }
}

uint32_t native_features(void)
{
        start();
        return hello.features;
}

void native_run(struct test_case *cases, unsigned n)
{
        uint32_t count = n;

        start();
        put(&count, sizeof(count));
        put(cases, n * sizeof(*cases));
        take(cases, n * sizeof(*cases));
}
