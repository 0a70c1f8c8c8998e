/* SPDX-License-Identifier: MIT */
/*
 * The functions behind helpers.def, as the two files that hold them see them (helpers.c, leaf.c).
 */
#pragma once

#include "frontend/riscv/cpu.h"

#define RV_HELP(name) \
        struct ir_helper_ret rv_help_##name(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d)

#define HELPER(name, ...) RV_HELP(name);
#include "frontend/riscv/helpers.def"
#undef HELPER
