/* SPDX-License-Identifier: MIT */
/*
 * Signals: one that a process sends to itself, and one raised by a store to a protected page whose handler
 * opens the page, as garbage collectors do.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile uint64_t handled;
static volatile uint8_t *page;

static void on_user(int number)
{
        handled += (uint64_t)number;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
        (void)context;
        handled += (uint64_t)number + (uint64_t)((uint8_t *)info->si_addr - page);
        mprotect((void *)page, 4096, PROT_READ | PROT_WRITE);
}

static uint64_t run(uint64_t size)
{
        struct sigaction user = {.sa_handler = on_user};
        struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
        uint64_t sum = 0;

        handled = 0;
        page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED || sigaction(SIGUSR1, &user, NULL) || sigaction(SIGSEGV, &fault, NULL))
                return 0;
        for (uint64_t i = 0; i < size; i++) {
                kill(getpid(), SIGUSR1);
                page[i % 4096] = (uint8_t)i;
                mprotect((void *)page, 4096, PROT_READ);
                sum = bench_mix(sum, handled);
        }
        signal(SIGSEGV, SIG_DFL);
        munmap((void *)page, 4096);
        return sum;
}

BENCH_PROGRAM(signal, "system", 6000, run);
