/* SPDX-License-Identifier: MIT */
/* Floating-point ops as host code against the soft-float. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/* A few random ops of the seed on several sets of operands. */
bool fp_ops_check(uint32_t seed, GError **error);
