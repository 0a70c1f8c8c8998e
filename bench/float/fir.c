/* SPDX-License-Identifier: MIT */
/*
 * Sound: a finite impulse response filter of 32 taps and a biquad in series, on single-precision samples made
 * from 16-bit integers and clipped back to them. Multiply-adds, conversions both ways, min and max.
 */
#include "bench.h"

#define TAPS 32
#define SAMPLES 4096

static int16_t input[SAMPLES], output[SAMPLES];
static float window[SAMPLES + TAPS], taps[TAPS];

static void filter(void)
{
        float z1 = 0.0f, z2 = 0.0f;

        for (int i = 0; i < SAMPLES; i++)
                window[i + TAPS] = (float)input[i] * (1.0f / 32768.0f);
        for (int i = 0; i < SAMPLES; i++) {
                float sum = 0.0f, y;

                for (int k = 0; k < TAPS; k++)
                        sum += window[i + k] * taps[k];
                y = 0.2929f * sum + z1;
                z1 = 0.5858f * sum + z2;
                z2 = 0.2929f * sum - 0.1716f * y;
                y = y * 32767.0f;
                y = y > 32767.0f ? 32767.0f : y < -32768.0f ? -32768.0f : y;
                output[i] = (int16_t)y;
        }
}

static uint64_t run(uint64_t size)
{
        uint64_t seed = 67, sum = 0;

        for (int k = 0; k < TAPS; k++) {
                float centred = ((float)k - (TAPS - 1) * 0.5f) / TAPS;

                taps[k] = (1.0f - 4.0f * centred * centred) * 0.1f;
        }
        for (uint64_t round = 0; round < size; round++) {
                for (int i = 0; i < SAMPLES; i += 4) {
                        uint64_t r = bench_random(&seed);

                        for (int k = 0; k < 4; k++)
                                input[i + k] = (int16_t)(r >> 16 * k);
                }
                filter();
                for (int i = 0; i < SAMPLES; i += 64)
                        sum = bench_mix(sum, (uint64_t)output[i]);
        }
        return sum;
}

BENCH_PROGRAM(fir, "float", 380, run);
