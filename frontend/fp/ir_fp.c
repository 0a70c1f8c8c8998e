/* SPDX-License-Identifier: MIT */
/* See ir_fp.h. General registers only, as all of this directory. */
#include "frontend/fp/ir_fp.h"

#include "ir/flags.h"

_Static_assert((int)IR_RM_RMM == FP_RM_RMM, "roundings are numbered alike");
_Static_assert((int)IR_FLUSH_UF == FP_FLUSH_UF && (int)IR_FLUSH_UF_NX == FP_FLUSH_UF_NX,
               "so are ways to flush");
_Static_assert((int)IR_INT_SATURATE == FP_INTMODE_RISCV && (int)IR_INT_SATURATE_ZERO == FP_INTMODE_ARM &&
               (int)IR_INT_INDEFINITE == FP_INTMODE_X86, "and results of conversions");

static struct fp_env env_of(const struct ir_fpmode *mode, const struct ir_ins *op)
{
        static const uint8_t nan[] = {[IR_NAN_FIRST] = FP_NANMODE_X86,
                                      [IR_NAN_DEFAULT] = FP_NANMODE_CANONICAL,
                                      [IR_NAN_SIGNALING] = FP_NANMODE_ARM};

        return (struct fp_env){
                .rm = ir_ops[op->op].flags & IR_HAS_ROUND && op->cond != IR_RM_MODE ? op->cond : mode->round,
                .nan_mode = nan[mode->nan],
                .int_mode = mode->int_rule,
                .flush_out = mode->flush_out,
                .flush_in = mode->flush_in,
                .tininess_before = mode->tininess_before,
                .fma_invalid = mode->fma_inf_zero_nan_invalid,
                .note_denormal = mode->note_denormal,
        };
}

/* A guest with a flag for subnormal operands has none for those that were flushed. */
static uint32_t flags_of(const struct fp_env *env)
{
        return env->note_denormal ? env->flags & ~(uint32_t)FP_ID : env->flags;
}

/* ---- one operation on bits of one format ---- */

static uint64_t min_max(struct fp_env *env, bool is64, bool max, enum ir_fminmax kind, uint64_t a, uint64_t b)
{
#define CASES(fp) \
        switch (kind) { \
        case IR_MM_NUM2008: return max ? fp##_max_num2008(env, a, b) : fp##_min_num2008(env, a, b); \
        case IR_MM_NAN: return max ? fp##_max_nan(env, a, b) : fp##_min_nan(env, a, b); \
        case IR_MM_LESS: return max ? fp##_greater(env, a, b) : fp##_less(env, a, b); \
        default: return max ? fp##_max(env, a, b) : fp##_min(env, a, b); \
        }
        if (is64)
                CASES(fp64)
        CASES(fp32)
#undef CASES
}

static bool compare(struct fp_env *env, bool is64, enum ir_fcond cond, uint32_t flags, uint64_t a, uint64_t b)
{
        bool signaling = !(flags & IR_FCMP_QUIET) &&
                         (cond == IR_FLT || cond == IR_FLE || (flags & IR_FCMP_SIGNALING));
        enum fp_rel rel = is64 ? fp64_compare(env, a, b, signaling) : fp32_compare(env, a, b, signaling);

        switch (cond) {
        case IR_FEQ: return rel == FP_EQUAL;
        case IR_FLT: return rel == FP_LESS;
        case IR_FLE: return rel == FP_LESS || rel == FP_EQUAL;
        default: return rel == FP_UNORDERED;
        }
}

static uint32_t compare_flags(struct fp_env *env, bool is64, uint32_t form, uint64_t a, uint64_t b)
{
        bool signals = form & IR_FL_SIGNALS, carry = form & IR_FL_BY_CARRY;

        switch (is64 ? fp64_compare(env, a, b, signals) : fp32_compare(env, a, b, signals)) {
        case FP_LESS: return ir_flags_make(carry ? IR_FLAG_C : IR_FLAG_N | IR_FLAG_C);
        case FP_EQUAL: return ir_flags_make(IR_FLAG_Z);
        case FP_GREATER: return ir_flags_make(0);
        default: return ir_flags_make(carry ? IR_FLAG_Z | IR_FLAG_P | IR_FLAG_C : IR_FLAG_V);
        }
}

static uint64_t to_int(struct fp_env *env, bool from64, bool to64, bool is_unsigned, uint64_t a)
{
        if (to64) {
                if (is_unsigned)
                        return from64 ? fp64_to_u64(env, a) : fp32_to_u64(env, a);
                return from64 ? (uint64_t)fp64_to_i64(env, a) : (uint64_t)fp32_to_i64(env, a);
        }
        if (is_unsigned)
                return from64 ? fp64_to_u32(env, a) : fp32_to_u32(env, a);
        return from64 ? (uint32_t)fp64_to_i32(env, a) : (uint32_t)fp32_to_i32(env, a);
}

static uint64_t from_int(struct fp_env *env, bool from64, bool to64, bool is_unsigned, uint64_t a)
{
        if (to64) {
                if (is_unsigned)
                        return from64 ? fp64_from_u64(env, a) : fp64_from_u32(env, a);
                return from64 ? fp64_from_i64(env, a) : fp64_from_i32(env, a);
        }
        if (is_unsigned)
                return from64 ? fp32_from_u64(env, a) : fp32_from_u32(env, a);
        return from64 ? fp32_from_i64(env, a) : fp32_from_i32(env, a);
}

/* Negations of operands (bit 2), or of what they come to. */
static uint64_t muladd(struct fp_env *env, bool is64, uint32_t neg, uint64_t a, uint64_t b, uint64_t c)
{
        uint64_t sign = is64 ? 1ull << 63 : 1u << 31;

        if (neg & 4) {
                a ^= neg & 1 ? sign : 0;
                c ^= neg & 2 ? sign : 0;
                neg = 0;
        }
        return is64 ? fp64_muladd(env, a, b, c, neg & 3) : fp32_muladd(env, a, b, c, neg & 3);
}

static uint64_t scalar(struct fp_env *env, const struct ir_ins *op, enum ir_type arg_type, uint64_t a,
                       uint64_t b,
                       uint64_t c)
{
        bool is64 = arg_type == IR_F64;
        uint32_t aux = op->aux;

        switch (op->op) {
#define CASE(op, name, ...) \
        case IR_OP_##op: return is64 ? fp64_##name(env, __VA_ARGS__) : fp32_##name(env, __VA_ARGS__);
        CASE(fadd, add, a, b)
        CASE(fsub, sub, a, b)
        CASE(fmul, mul, a, b)
        CASE(fdiv, div, a, b)
        CASE(fsqrt, sqrt, a)
        CASE(fround, round_int, a, aux & 1)
        CASE(fcvt_fh, to_fp16, a, aux & 1)
#undef CASE
        case IR_OP_fmin: case IR_OP_fmax:
                return min_max(env, is64, op->op == IR_OP_fmax, aux, a, b);
        case IR_OP_fma: return muladd(env, is64, aux, a, b, c);
        case IR_OP_fcmp: return compare(env, is64, op->cond, aux, a, b);
        case IR_OP_fl_fcmp: return compare_flags(env, is64, aux, a, b);
        case IR_OP_fcvt_ff: return is64 ? fp64_to_fp32(env, a) : fp32_to_fp64(env, a);
        case IR_OP_fcvt_fi: return to_int(env, is64, op->type == IR_I64, aux & 16, a);
        case IR_OP_fcvt_if: return from_int(env, arg_type == IR_I64, op->type == IR_F64, aux & 16, a);
        case IR_OP_fcvt_hf:
                return op->type == IR_F64 ? fp16_to_fp64(env, a, aux & 1) : fp16_to_fp32(env, a, aux & 1);
        case IR_OP_funbox: return a >> 32 == UINT32_MAX ? (uint32_t)a : 0x7fc00000;
        default: return 0;
        }
}

uint64_t ir_fp_scalar(const struct ir_fpmode *mode, const struct ir_ins *op, enum ir_type arg_type,
                      uint64_t a,
                      uint64_t b, uint64_t c, uint32_t *flags)
{
        struct fp_env env = env_of(mode, op);
        uint64_t r = scalar(&env, op, arg_type, a, b, c);

        *flags |= flags_of(&env);
        return r;
}

/* ---- vectors: the scalar op on each lane ---- */

static uint64_t lane_get(const struct ir_v128 *v, bool is64, unsigned n)
{
        return is64 ? v->w[n] : (uint32_t)(v->w[n >> 1] >> (n & 1) * 32);
}

static void lane_put(struct ir_v128 *v, bool is64, unsigned n, uint64_t value)
{
        unsigned shift = (n & 1) * 32;

        if (is64)
                v->w[n] = value;
        else
                v->w[n >> 1] = (v->w[n >> 1] & ~(0xffffffffull << shift)) |
                               (uint64_t)(uint32_t)value << shift;
}

/* The scalar op that a vector op does lane by lane, and the type of its argument. */
static struct ir_ins lane_op(const struct ir_ins *i, bool is64, enum ir_type *arg_type)
{
        static const uint8_t ops[][2] = {
                {IR_OP_vfadd, IR_OP_fadd}, {IR_OP_vfsub, IR_OP_fsub}, {IR_OP_vfmul, IR_OP_fmul},
                {IR_OP_vfdiv, IR_OP_fdiv}, {IR_OP_vfsqrt, IR_OP_fsqrt}, {IR_OP_vfma, IR_OP_fma},
                {IR_OP_vfmin, IR_OP_fmin}, {IR_OP_vfmax, IR_OP_fmax}, {IR_OP_vfcmp, IR_OP_fcmp},
                {IR_OP_vfround, IR_OP_fround}, {IR_OP_vfcvt_if, IR_OP_fcvt_if},
                {IR_OP_vfcvt_fi, IR_OP_fcvt_fi},
                {IR_OP_vfcvt_up, IR_OP_fcvt_ff}, {IR_OP_vfcvt_down, IR_OP_fcvt_ff},
                {IR_OP_vfcvt_iup, IR_OP_fcvt_if}, {IR_OP_vfcvt_idown, IR_OP_fcvt_fi},
        };
        enum ir_type f = is64 ? IR_F64 : IR_F32, n = is64 ? IR_I64 : IR_I32;
        struct ir_ins r = {.type = f, .cond = i->cond};

        for (unsigned k = 0; k < sizeof(ops) / sizeof(ops[0]); k++)
                if (ops[k][0] == i->op)
                        r.op = ops[k][1];
        *arg_type = f;
        switch (i->op) {
        case IR_OP_vfcmp: r.aux = i->aux & (IR_FCMP_QUIET | IR_FCMP_SIGNALING); break;
        case IR_OP_vfma: r.aux = i->aux >> IR_VEC_VARIANT & 1 ? 1 | 4 : 0; break;
        case IR_OP_vfcvt_if: *arg_type = n; r.aux = i->aux >> IR_VEC_VARIANT & 1 ? 16 : 0; break;
        case IR_OP_vfcvt_fi: r.type = n; r.aux = i->aux >> IR_VEC_VARIANT & 1 ? 16 : 0; break;
        case IR_OP_vfcvt_up: r.type = IR_F64; break;
        case IR_OP_vfcvt_down: r.type = IR_F32; break;
        case IR_OP_vfcvt_iup: *arg_type = IR_I32; r.type = IR_F64; break;
        case IR_OP_vfcvt_idown: r.type = IR_I32; break;
        default: r.aux = i->aux >> IR_VEC_VARIANT; break;
        }
        return r;
}

void ir_fp_vector(const struct ir_fpmode *mode, const struct ir_ins *op, const struct ir_v128 *args,
                  struct ir_v128 *result, uint32_t *flags)
{
        bool from64 = ir_lane_of(op) == IR_X64, to64 = from64, low = op->aux & IR_VEC_LOW,
                sqrt = op->op == IR_OP_vfsqrt;
        unsigned count = low ? 1 : from64 ? 2 : 4;
        struct ir_v128 r = low ? args[0] : (struct ir_v128){{0, 0}};
        enum ir_type arg_type;
        struct ir_ins one = lane_op(op, from64, &arg_type);
        struct fp_env env = env_of(mode, op);

        if (op->op == IR_OP_vfcvt_up || op->op == IR_OP_vfcvt_iup) {
                to64 = true;
                count = 2;
        } else if (op->op == IR_OP_vfcvt_down || op->op == IR_OP_vfcvt_idown) {
                to64 = false;
        }
        for (unsigned n = 0; n < count; n++) {
                uint64_t a = lane_get(&args[sqrt], from64, n), v;

                v = scalar(&env, &one, arg_type, a, lane_get(&args[1], from64, n),
                           lane_get(&args[2], from64, n));
                lane_put(&r, to64, n, op->op == IR_OP_vfcmp ? -v : v);
        }
        *result = r;
        *flags |= flags_of(&env);
}
