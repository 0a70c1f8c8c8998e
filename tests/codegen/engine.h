/* SPDX-License-Identifier: MIT */
/*
 * The host's code generator as an engine of the IR tests: regions run as host code on the test guest's world.
 */
#pragma once

#include "backend/host.h"
#include "tests/ir/world.h"

/* Every access takes the slow path, so that any of them can fault. */
extern const struct ir_engine engine_host_slow;
/* Memory is in the TLB: what hits is not counted, so faults by number go to the other. */
extern const struct ir_engine engine_host_fast;
/* The same, by code that expects all pages to have one addend. */
extern const struct ir_engine engine_host_linear;

/* The code of a region, as the host prints it (g_free), and its length in instructions. */
char *host_code_text(const struct ir_region *r, unsigned *n_insns);

/* How often the latest run called C, but for helpers and hooks. */
unsigned host_calls(void);

void engine_host_fini(void);
