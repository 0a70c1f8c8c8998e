/* SPDX-License-Identifier: MIT */
/*
 * The program that the gdb test of the guests on the machine `bare` debugs: vCPU 0 does sums and ends the
 * machine when told to, the others count.
 */
#include "program.h"

char greeting[] = "hello, gdb";
volatile long total, turns[8], finish;
volatile double half = 0.5, scaled;
volatile quad mixed;

long add(long a, long b)
{
        long sum = a + b;

        return sum;
}

double scale(double x)
{
        return x * 3.0;
}

quad mix(quad a, quad b)
{
        return a + b;
}

void first_main(void)
{
        for (long i = 1;; i++) {
                total = add(total, i);
                scaled = scale(half);
                mixed = mix((quad){1, 2, 3, 4}, (quad){0.5, 0.25, 0, -4});
                machine_turn();
                if (finish)
                        machine_exit(finish);
        }
}

void count(long cpu)
{
        turns[cpu]++;
}

void other_main(long cpu)
{
        for (;;)
                count(cpu);
}
