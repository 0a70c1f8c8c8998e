/* SPDX-License-Identifier: MIT */
/* What a RISC-V CPU can have, as numbers of a struct cpu_features. */
#pragma once

#include "frontend/cpu_features.h"

enum rv_feature {
#define FEATURE(name, doc) RV_F_##name,
#include "frontend/riscv/features.def"
#undef FEATURE
        RV_F_COUNT
};

_Static_assert(RV_F_COUNT <= 64, "the decode tables' conditions are one word of features");
