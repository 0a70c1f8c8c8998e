/* SPDX-License-Identifier: MIT */
/* What an x86 CPU can have, as numbers of a struct cpu_features. */
#pragma once

#include "frontend/cpu_features.h"

enum x86_feature {
#define FEATURE(name, doc) X86_F_##name,
#include "frontend/x86/features.def"
#undef FEATURE
        X86_F_COUNT
};

_Static_assert(X86_F_COUNT <= CPU_FEATURES_MAX, "a set of features holds them all");
