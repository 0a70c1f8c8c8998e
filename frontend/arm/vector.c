/* SPDX-License-Identifier: MIT */
/*
 * Vector and FP instructions that are too rare for IR, over the registers in memory.
 */
#include "frontend/arm/cpu.h"

A64_HELP(vector)
{
        return a64_undefined(v);
}

A64_HELP(vector_fp)
{
        return a64_undefined(v);
}
