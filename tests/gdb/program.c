/* SPDX-License-Identifier: MIT */
/*
 * The program that the gdb test debugs, bare on the virt board: hart 0 does sums and ends the machine when
 * told to, the others count.
 */
#define FINISHER ((volatile unsigned *)0x100000)

char greeting[] = "hello, gdb";
volatile long total, turns[8], finish;
volatile double half = 0.5, scaled;

long add(long a, long b)
{
        long sum = a + b;

        return sum;
}

double scale(double x)
{
        return x * 3.0;
}

void first_main(void)
{
        for (long i = 1;; i++) {
                total = add(total, i);
                scaled = scale(half);
                if (finish)
                        *FINISHER = (finish << 16) | 0x3333;
        }
}

void count(long hart)
{
        turns[hart]++;
}

void other_main(long hart)
{
        for (;;)
                count(hart);
}
