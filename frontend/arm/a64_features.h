/* SPDX-License-Identifier: MIT */
/*
 * The set of features of a AArch64 CPU, as bits numbered by enum a64_feature. A plain value: it
 * is filled in when a CPU model is chosen and only read afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum a64_feature {
#define FEATURE(name, doc) A64_F_##name,
#include "frontend/arm/features.def"
#undef FEATURE
        A64_F_COUNT
};

_Static_assert(A64_F_COUNT <= 64, "struct a64_features holds 64 features");

struct a64_features {
        uint64_t bits;
};

static inline bool a64_has(const struct a64_features *f, enum a64_feature feature)
{
        return f->bits >> feature & 1;
}

static inline void a64_features_add(struct a64_features *f, enum a64_feature feature)
{
        f->bits |= UINT64_C(1) << feature;
}
