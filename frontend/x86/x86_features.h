/* SPDX-License-Identifier: MIT */
/*
 * The set of features of an x86 CPU, as bits numbered by enum x86_feature. A plain value: it is filled in
 * when a CPU model is chosen and only read afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum x86_feature {
#define FEATURE(name, doc) X86_F_##name,
#include "frontend/x86/features.def"
#undef FEATURE
        X86_F_COUNT
};

_Static_assert(X86_F_COUNT <= 128, "struct x86_features holds 128 features");

struct x86_features {
        uint64_t bits[2];
};

static inline bool x86_has(const struct x86_features *f, enum x86_feature feature)
{
        return f->bits[feature / 64] >> feature % 64 & 1;
}

static inline void x86_features_set(struct x86_features *f, enum x86_feature feature, bool on)
{
        uint64_t bit = UINT64_C(1) << feature % 64;

        f->bits[feature / 64] = on ? f->bits[feature / 64] | bit : f->bits[feature / 64] & ~bit;
}
