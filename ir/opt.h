/* SPDX-License-Identifier: MIT */
/*
 * The passes of ir_optimise. Each works on a complete region in place.
 */
#pragma once

#include "ir/ir.h"

void ir_opt_lookup(struct ir_region *r);
void ir_opt_loop(struct ir_region *r);
void ir_opt_dead(struct ir_region *r);
