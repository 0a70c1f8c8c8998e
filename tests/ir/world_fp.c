/* SPDX-License-Identifier: MIT */
/*
 * Floating point of the test guest, by the soft-float: RISC-V's conversions, the region's rounding and NaNs.
 */
#include "tests/ir/world.h"

#include "frontend/fp/fp.h"

static struct fp_env env_of(const struct ir_fpmode *mode, const struct ir_ins *op)
{
        struct fp_env env = fp_env_riscv(FP_RM_RNE);
        unsigned rm = op->cond == IR_RM_MODE ? mode->round : op->cond;

        if (ir_ops[op->op].flags & IR_HAS_ROUND)
                env.rm = rm; /* both are numbered as RISC-V does */
        env.default_nan = mode->default_nan;
        env.fma_invalid = mode->fma_inf_zero_nan_invalid;
        return env;
}

static uint64_t fp64(struct fp_env *e, const struct ir_ins *op, uint64_t a, uint64_t b, uint64_t c)
{
        switch (op->op) {
        case IR_OP_fadd: return fp64_add(e, a, b);
        case IR_OP_fsub: return fp64_sub(e, a, b);
        case IR_OP_fmul: return fp64_mul(e, a, b);
        case IR_OP_fdiv: return fp64_div(e, a, b);
        case IR_OP_fsqrt: return fp64_sqrt(e, a);
        case IR_OP_fma: return fp64_muladd(e, a, b, c, op->aux);
        case IR_OP_fmin: return fp64_min(e, a, b);
        case IR_OP_fmax: return fp64_max(e, a, b);
        case IR_OP_fcvt_ff: return fp64_to_fp32(e, a);
        case IR_OP_fcmp:
                return op->cond == IR_FEQ   ? fp64_eq(e, a, b)
                       : op->cond == IR_FLT ? fp64_lt(e, a, b)
                                            : fp64_le(e, a, b);
        case IR_OP_fcvt_fi:
                if (op->type == IR_I32)
                        return op->aux & 16 ? fp64_to_u32(e, a) : (uint32_t)fp64_to_i32(e, a);
                return op->aux & 16 ? fp64_to_u64(e, a) : (uint64_t)fp64_to_i64(e, a);
        default: return 0;
        }
}

static uint64_t fp32(struct fp_env *e, const struct ir_ins *op, uint32_t a, uint32_t b, uint32_t c)
{
        switch (op->op) {
        case IR_OP_fadd: return fp32_add(e, a, b);
        case IR_OP_fsub: return fp32_sub(e, a, b);
        case IR_OP_fmul: return fp32_mul(e, a, b);
        case IR_OP_fdiv: return fp32_div(e, a, b);
        case IR_OP_fsqrt: return fp32_sqrt(e, a);
        case IR_OP_fma: return fp32_muladd(e, a, b, c, op->aux);
        case IR_OP_fmin: return fp32_min(e, a, b);
        case IR_OP_fmax: return fp32_max(e, a, b);
        case IR_OP_fcvt_ff: return fp32_to_fp64(e, a);
        case IR_OP_fcmp:
                return op->cond == IR_FEQ   ? fp32_eq(e, a, b)
                       : op->cond == IR_FLT ? fp32_lt(e, a, b)
                                            : fp32_le(e, a, b);
        case IR_OP_fcvt_fi:
                if (op->type == IR_I32)
                        return op->aux & 16 ? fp32_to_u32(e, a) : (uint32_t)fp32_to_i32(e, a);
                return op->aux & 16 ? fp32_to_u64(e, a) : (uint64_t)fp32_to_i64(e, a);
        default: return 0;
        }
}

static uint64_t from_int(struct fp_env *e, const struct ir_ins *op, uint64_t a)
{
        bool is_unsigned = op->aux & 16, narrow = (op->aux & 15) == IR_I32;

        if (op->type == IR_F64) {
                if (narrow)
                        return is_unsigned ? fp64_from_u32(e, a) : fp64_from_i32(e, a);
                return is_unsigned ? fp64_from_u64(e, a) : fp64_from_i64(e, a);
        }
        if (narrow)
                return is_unsigned ? fp32_from_u32(e, a) : fp32_from_i32(e, a);
        return is_unsigned ? fp32_from_u64(e, a) : fp32_from_i64(e, a);
}

uint64_t world_fp(void *ctx, const struct ir_fpmode *mode, const struct ir_ins *op, enum ir_type arg_type,
                  uint64_t a, uint64_t b, uint64_t c)
{
        struct world *w = ctx;
        struct fp_env env = env_of(mode, op);
        uint64_t result;

        if (op->op == IR_OP_funbox)
                return a >> 32 == 0xffffffff ? (uint32_t)a : 0x7fc00000;
        if (op->op == IR_OP_fcvt_if)
                result = from_int(&env, op, a);
        else if (arg_type == IR_F64)
                result = fp64(&env, op, a, b, c);
        else
                result = fp32(&env, op, a, b, c);
        w->fp_flags |= env.flags;
        return result;
}
