/* SPDX-License-Identifier: MIT */
/*
 * What the helpers for vector instructions share. Registers are two words, the low one first; lanes are of 1
 * << size bytes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "a64_decode.h"

/* A field of an instruction by name, or @otherwise where the row has none of it. */
unsigned vop_field(const struct a64_insn_info *info, uint32_t word, const char *name, unsigned otherwise);
uint64_t vop_get(const uint64_t v[2], unsigned size, unsigned lane);
void vop_set(uint64_t v[2], unsigned size, unsigned lane, uint64_t value);

/* crypto.c: false if the row is none of its own. */
bool a64_crypto(enum a64_insn row, const uint64_t d[2], const uint64_t n[2], const uint64_t m[2],
                uint64_t r[2]);
