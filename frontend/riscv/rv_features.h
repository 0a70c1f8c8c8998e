/* SPDX-License-Identifier: MIT */
/*
 * The set of features of a RISC-V CPU, as bits numbered by enum rv_feature. A plain value: it
 * is filled in when a CPU model is chosen and only read afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum rv_feature {
#define FEATURE(name, doc) RV_F_##name,
#include "frontend/riscv/features.def"
#undef FEATURE
        RV_F_COUNT
};

_Static_assert(RV_F_COUNT <= 64, "struct rv_features holds 64 features");

struct rv_features {
        uint64_t bits;
};

static inline bool rv_has(const struct rv_features *f, enum rv_feature feature)
{
        return f->bits >> feature & 1;
}

static inline void rv_features_add(struct rv_features *f, enum rv_feature feature)
{
        f->bits |= UINT64_C(1) << feature;
}
