/* SPDX-License-Identifier: MIT */
/*
 * Floating point of the test guest, by the soft-float, as the region's mode says.
 */
#include "tests/ir/world.h"

#include "frontend/fp/ir_fp.h"

uint64_t world_fp(void *ctx, const struct ir_fpmode *mode, const struct ir_ins *op, enum ir_type arg_type,
                  uint64_t a, uint64_t b, uint64_t c)
{
        struct world *w = ctx;

        return ir_fp_scalar(mode, op, arg_type, a, b, c, &w->fp_flags);
}

void world_vfp(void *ctx, const struct ir_fpmode *mode, const struct ir_ins *op, const struct ir_v128 *args,
               struct ir_v128 *result)
{
        struct world *w = ctx;

        ir_fp_vector(mode, op, args, result, &w->fp_flags);
}
