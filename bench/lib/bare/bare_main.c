/* SPDX-License-Identifier: MIT */
/*
 * The benchmarks linked into this image, run one after the other without an operating system. The lines
 * printed are those of linux_main.c. There is no command line, so the amount of work is set when the image is
 * built: BENCH_PERCENT of each program's default.
 */
#include "bare.h"
#include "bench.h"

#ifndef BENCH_PERCENT
#define BENCH_PERCENT 100
#endif

extern const struct bench __start_bench_rows[], __stop_bench_rows[];

static void run_program(const struct bench *b)
{
        uint64_t size = b->size * BENCH_PERCENT / 100, start, sum;
        char x[21], y[21];

        size = size ? size : 1;
        bare_print("bench: begin ", b->name, " ", b->class, " ", bare_decimal(x, size), "\n", NULL);
        start = board_now_ns();
        sum = b->run(size);
        start = board_now_ns() - start;
        bare_print("bench: end ", b->name, " ", bare_hex(x, sum), " ", bare_decimal(y, start), "\n", NULL);
        bare_free_all();
}

void bare_main(void)
{
        for (const struct bench *b = __start_bench_rows; b < __stop_bench_rows; b++)
                run_program(b);
        board_exit(0);
}
