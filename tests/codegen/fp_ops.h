/* SPDX-License-Identifier: MIT */
/* Floating-point ops as host code against the soft-float. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "ir/ir.h"

enum { FP_OPS_MODES = 7 };
struct ir_fpmode fp_ops_mode(unsigned n);

/* Bits that go wrong, of a float of @bits bits with @mant bits of fraction. */
uint64_t fp_ops_float(GRand *rand, unsigned bits, unsigned mant);

/* A few random ops of the seed on several sets of operands. */
bool fp_ops_check(uint32_t seed, GError **error);
