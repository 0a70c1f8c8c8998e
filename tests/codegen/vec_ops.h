/* SPDX-License-Identifier: MIT */
/* Vector ops as host code against the interpreter. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "ir/ir.h"

/* Regions of some random forms of @op, on random and special operands, in the modes of fp_ops. */
bool vec_ops_check(enum ir_op op, uint32_t seed, unsigned regions, GError **error);
