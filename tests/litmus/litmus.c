/* SPDX-License-Identifier: MIT */
#include "litmus.h"

static struct litmus_cell cells[LITMUS_BATCH];
static uint64_t reads[LITMUS_BATCH][LITMUS_MAX_CPUS][LITMUS_REGS];

/* What each thread knows alone, on lines of their own. */
static struct {
        _Alignas(64) uint64_t iteration; /* how far it is */
        uint64_t seed;
} threads[LITMUS_MAX_CPUS];

/* ---- all wait for all ---- */

static uint64_t arrived, turn;

static void barrier(void)
{
        uint64_t mine = __atomic_load_n(&turn, __ATOMIC_SEQ_CST);

        if (__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST) == LITMUS_CPUS) {
                __atomic_store_n(&arrived, 0, __ATOMIC_SEQ_CST);
                __atomic_store_n(&turn, mine + 1, __ATOMIC_SEQ_CST);
                return;
        }
        for (unsigned spins = 0; __atomic_load_n(&turn, __ATOMIC_SEQ_CST) == mine; spins++)
                if (spins > 1000)
                        board_pause();
}

/* ---- text ---- */

static void print(const char *text)
{
        while (*text)
                board_put(*text++);
}

static void print_number(uint64_t value)
{
        char buffer[21], *p = buffer + 20;

        *p = 0;
        do {
                *--p = (char)('0' + value % 10);
                value /= 10;
        } while (value);
        print(p);
}

/* ---- running ---- */

static uint64_t random_next(uint64_t *state)
{
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        return *state >> 33;
}

/* Waits for the other threads, but not for ever: one may not be running. Orders nothing. */
static void meet(const struct litmus_test *test, unsigned t, uint64_t iteration)
{
        __atomic_store_n(&threads[t].iteration, iteration, __ATOMIC_RELAXED);
        for (unsigned other = 0; other < test->n_threads; other++) {
                unsigned spins = 0;

                while (__atomic_load_n(&threads[other].iteration, __ATOMIC_RELAXED) < iteration &&
                       spins < 500)
                        spins++;
        }
}

/* Thread @t does its part of every iteration, at a time that varies a little. */
static void run_thread(const struct litmus_test *test, unsigned t, uint64_t base)
{
        for (unsigned i = 0; i < LITMUS_BATCH; i++) {
                unsigned wait = random_next(&threads[t].seed) & 7;

                meet(test, t, base + i + 1);
                for (volatile unsigned n = wait; n; n--)
                        ;
                test->thread[t](&cells[i], reads[i][t]);
        }
}

static uint64_t count(bool (*which)(const uint64_t (*)[LITMUS_REGS], const struct litmus_cell *))
{
        uint64_t n = 0;

        for (unsigned i = 0; which && i < LITMUS_BATCH; i++)
                n += which((const uint64_t (*)[LITMUS_REGS])reads[i], &cells[i]);
        return n;
}

static void clear(bool first)
{
        for (unsigned t = 0; first && t < LITMUS_MAX_CPUS; t++) {
                threads[t].iteration = 0;
                threads[t].seed += t + 1;
        }
        for (unsigned i = 0; i < LITMUS_BATCH; i++)
                cells[i].x = cells[i].y = 0;
}

/* CPU 0 keeps the account; the threads of a test move round the CPUs from batch to batch. */
static bool run_test(const struct litmus_test *test, uint64_t cpu)
{
        uint64_t forbidden = 0, relaxed = 0;

        for (unsigned batch = 0; batch < LITMUS_BATCHES; batch++) {
                unsigned t = (unsigned)(cpu + batch) % LITMUS_CPUS;

                if (!cpu)
                        clear(batch == 0);
                barrier();
                if (t < test->n_threads)
                        run_thread(test, t, (uint64_t)batch * LITMUS_BATCH);
                barrier();
                if (!cpu) {
                        forbidden += count(test->forbidden);
                        relaxed += count(test->relaxed);
                }
        }
        if (cpu)
                return true;
        print("litmus: ");
        print(test->name);
        print(forbidden ? " FORBIDDEN " : " ok ");
        print_number(forbidden);
        print(" relaxed ");
        print_number(relaxed);
        print("\n");
        return !forbidden;
}

void litmus_main(uint64_t cpu)
{
        bool good = true;

        if (cpu >= LITMUS_CPUS)
                for (;;)
                        board_pause();
        for (const struct litmus_test *test = litmus_tests; test->name; test++) {
                if (test->n_threads <= LITMUS_CPUS)
                        good &= run_test(test, cpu);
        }
        barrier();
        if (!cpu)
                board_exit(!good);
        for (;;)
                board_pause();
}
