/* SPDX-License-Identifier: MIT */
/* What an AArch64 CPU can have, as numbers of a struct cpu_features. */
#pragma once

#include "frontend/cpu_features.h"

enum a64_feature {
#define FEATURE(name, doc) A64_F_##name,
#include "frontend/arm/features.def"
#undef FEATURE
        A64_F_COUNT
};

_Static_assert(A64_F_COUNT <= 64, "the decode tables' conditions are one word of features");
