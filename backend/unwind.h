/* SPDX-License-Identifier: MIT */
/*
 * Leaving a region in its middle: what a host's code knows of guest state is brought home by the fault maps (struct
 * fault_site). Shared by all hosts; called on the vCPU's own thread, from their thunks.
 */
#pragma once

#include <stdint.h>

#include "backend/regalloc.h"
#include "backend/region.h"

struct vcpu;

/* The registers as they were at the site, by the allocator's numbers, and where its spill area is. */
struct unwind_regs {
        const uint64_t *gpr;
        const uint64_t (*fpr)[2];
        const uint8_t *spill;
};

/* The guest state becomes that of the instruction at which the call that returns to @ret stands; hot.pc too. */
void unwind_to_site(struct vcpu *v, const struct code_region *r, const struct ra_target *target,
                    const struct ir_guest *guest, const struct unwind_regs *regs, const uint8_t *ret);

/* The link whose stub is at @stub was taken: hot.exit_arg becomes it, and hot.pc where it goes. */
void unwind_link_taken(struct vcpu *v, const struct code_region *r, const uint8_t *stub);
