/* SPDX-License-Identifier: MIT */
/*
 * The set of features of a CPU, as bits numbered by the guest's enumeration (enum rv_feature and its kin). A
 * plain value: it is filled in when a CPU model is chosen and only read afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CPU_FEATURES_MAX 128

struct cpu_features {
        uint64_t bits[CPU_FEATURES_MAX / 64];
};

static inline bool cpu_has(const struct cpu_features *f, unsigned feature)
{
        return f->bits[feature / 64] >> feature % 64 & 1;
}

static inline void cpu_features_set(struct cpu_features *f, unsigned feature, bool on)
{
        uint64_t bit = UINT64_C(1) << feature % 64;

        f->bits[feature / 64] = on ? f->bits[feature / 64] | bit : f->bits[feature / 64] & ~bit;
}
