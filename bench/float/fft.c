/* SPDX-License-Identifier: MIT */
/*
 * A radix-2 fast Fourier transform of 1,024 points in double precision, forwards and back, with the twiddle
 * factors made by repeated rotation from one sine found by its series. Strided loads, butterflies of
 * multiply-adds.
 */
#include "bench.h"

#define LOG2 10
#define POINTS (1 << LOG2)

static double re[POINTS], im[POINTS], cosine[POINTS / 2], sine[POINTS / 2];

static void make_twiddles(void)
{
        double x = 2 * 3.14159265358979323846 / POINTS, term = x, s = 0, c;

        for (int k = 1; k < 16; k += 2) {
                s += term;
                term *= -x * x / ((k + 1) * (k + 2));
        }
        c = __builtin_sqrt(1 - s * s);
        cosine[0] = 1;
        sine[0] = 0;
        for (int i = 1; i < POINTS / 2; i++) {
                cosine[i] = cosine[i - 1] * c - sine[i - 1] * s;
                sine[i] = sine[i - 1] * c + cosine[i - 1] * s;
        }
}

static void reorder(void)
{
        for (unsigned i = 0, j = 0; i < POINTS; i++) {
                unsigned bit = POINTS / 2;

                if (i < j) {
                        double r = re[i], m = im[i];

                        re[i] = re[j], im[i] = im[j];
                        re[j] = r, im[j] = m;
                }
                for (; j & bit; bit /= 2)
                        j ^= bit;
                j |= bit;
        }
}

static void transform(double direction)
{
        reorder();
        for (int half = 1; half < POINTS; half *= 2)
                for (int k = 0; k < half; k++) {
                        double c = cosine[k * (POINTS / 2 / half)];
                        double s = direction * sine[k * (POINTS / 2 / half)];

                        for (int i = k; i < POINTS; i += 2 * half) {
                                double r = re[i + half] * c - im[i + half] * s;
                                double m = re[i + half] * s + im[i + half] * c;

                                re[i + half] = re[i] - r;
                                im[i + half] = im[i] - m;
                                re[i] += r;
                                im[i] += m;
                        }
                }
}

static uint64_t run(uint64_t size)
{
        uint64_t seed = 53, sum = 0;

        make_twiddles();
        for (int i = 0; i < POINTS; i++) {
                re[i] = (double)(bench_random(&seed) >> 11) * 0x1p-53;
                im[i] = 0;
        }
        for (uint64_t round = 0; round < size; round++) {
                transform(-1.0);
                sum = bench_mix(sum, bench_bits(re[round % POINTS]) ^ bench_bits(im[round * 3 % POINTS]));
                transform(1.0);
                for (int i = 0; i < POINTS; i++) {
                        re[i] *= 1.0 / POINTS;
                        im[i] *= 1.0 / POINTS;
                }
        }
        return bench_mix(sum, bench_bits(re[1]));
}

BENCH_PROGRAM(fft, "float", 1400, run);
