/* SPDX-License-Identifier: MIT */
/*
 * The table of soft-float operations under test, each beside the same operation by the host's SSE and FMA3
 * units under a given MXCSR. What x86 has no instruction for (conversions to and from unsigned integers) is
 * built from what it has. Inline assembly throughout, so that no compiler folds, moves or fuses anything.
 */
#include "tests/fp/fp_test.h"

#define DEFAULT_MXCSR 0x1f80u

/*
 * Runs `insn` with operands in xmm0, xmm1, xmm2 and its result in xmm0; MXCSR is the caller's before and
 * after.
 */
#define RUN(mxcsr, v, insn)                                                                             \
        ({                                                                                              \
                uint64_t result_;                                                                       \
                uint32_t saved_ = DEFAULT_MXCSR;                                                        \
                __asm__ volatile("movq %[a], %%xmm0\n\tmovq %[b], %%xmm1\n\tmovq %[c], %%xmm2\n\t"      \
                                 "ldmxcsr %[cr]\n\t" insn "\n\tstmxcsr %[cr]\n\tldmxcsr %[saved]\n\t"   \
                                 "movq %%xmm0, %[r]"                                                    \
                                 : [cr] "+m"(*(mxcsr)), [r] "=&r"(result_)                              \
                                 : [a] "r"((v)[0]), [b] "r"((v)[1]), [c] "r"((v)[2]), [saved] "m"(saved_) \
                                 : "xmm0", "xmm1", "xmm2", "rax", "cc");                                \
                result_;                                                                                \
        })

#define HOST(name, insn)                                                        \
static uint64_t host_##name(uint32_t *mxcsr, const uint64_t *v)                 \
{                                                                               \
        return RUN(mxcsr, v, insn);                                             \
}

#define HOST32(name, insn)                                                      \
static uint64_t host_##name(uint32_t *mxcsr, const uint64_t *v)                 \
{                                                                               \
        return (uint32_t)RUN(mxcsr, v, insn);                                   \
}

#define HOST_PAIR(name, insn, s, d) HOST32(fp32_##name, insn s) HOST(fp64_##name, insn d)

HOST_PAIR(add, "add", "ss %%xmm1, %%xmm0", "sd %%xmm1, %%xmm0")
HOST_PAIR(sub, "sub", "ss %%xmm1, %%xmm0", "sd %%xmm1, %%xmm0")
HOST_PAIR(mul, "mul", "ss %%xmm1, %%xmm0", "sd %%xmm1, %%xmm0")
HOST_PAIR(div, "div", "ss %%xmm1, %%xmm0", "sd %%xmm1, %%xmm0")
HOST_PAIR(sqrt, "sqrt", "ss %%xmm0, %%xmm0", "sd %%xmm0, %%xmm0")
/* Multiplicand xmm0, multiplier xmm1, addend xmm2: the 213 form, whose result replaces the multiplier. */
HOST_PAIR(fma, "vfmadd213", "ss %%xmm2, %%xmm0, %%xmm1; movaps %%xmm1, %%xmm0",
          "sd %%xmm2, %%xmm0, %%xmm1; movaps %%xmm1, %%xmm0")
HOST_PAIR(fms, "vfmsub213", "ss %%xmm2, %%xmm0, %%xmm1; movaps %%xmm1, %%xmm0",
          "sd %%xmm2, %%xmm0, %%xmm1; movaps %%xmm1, %%xmm0")
HOST_PAIR(fnma, "vfnmadd231", "ss %%xmm1, %%xmm0, %%xmm2; movaps %%xmm2, %%xmm0",
          "sd %%xmm1, %%xmm0, %%xmm2; movaps %%xmm2, %%xmm0")
HOST_PAIR(fnms, "vfnmsub231", "ss %%xmm1, %%xmm0, %%xmm2; movaps %%xmm2, %%xmm0",
          "sd %%xmm1, %%xmm0, %%xmm2; movaps %%xmm2, %%xmm0")
HOST_PAIR(less, "min", "ss %%xmm1, %%xmm0", "sd %%xmm1, %%xmm0")
HOST_PAIR(greater, "max", "ss %%xmm1, %%xmm0", "sd %%xmm1, %%xmm0")
HOST32(fp32_to_fp16, "vcvtps2ph $4, %%xmm0, %%xmm0; pextrw $0, %%xmm0, %%eax; movq %%rax, %%xmm0")
HOST32(fp16_to_fp32, "pextrw $0, %%xmm0, %%eax; movd %%eax, %%xmm0; vcvtph2ps %%xmm0, %%xmm0")
HOST_PAIR(rint, "rounds", "s $4, %%xmm0, %%xmm0", "d $4, %%xmm0, %%xmm0")
HOST_PAIR(nearbyint, "rounds", "s $12, %%xmm0, %%xmm0", "d $12, %%xmm0, %%xmm0")
HOST(fp32_to_fp64, "cvtss2sd %%xmm0, %%xmm0")
HOST32(fp64_to_fp32, "cvtsd2ss %%xmm0, %%xmm0")
HOST32(fp32_to_i32, "cvtss2sil %%xmm0, %%eax; movq %%rax, %%xmm0")
HOST32(fp64_to_i32, "cvtsd2sil %%xmm0, %%eax; movq %%rax, %%xmm0")
HOST(fp32_to_i64, "cvtss2siq %%xmm0, %%rax; movq %%rax, %%xmm0")
HOST(fp64_to_i64, "cvtsd2siq %%xmm0, %%rax; movq %%rax, %%xmm0")
HOST32(fp32_from_i32, "movq %%xmm0, %%rax; cvtsi2ssl %%eax, %%xmm0")
HOST(fp64_from_i32, "movq %%xmm0, %%rax; cvtsi2sdl %%eax, %%xmm0")
HOST32(fp32_from_i64, "movq %%xmm0, %%rax; cvtsi2ssq %%rax, %%xmm0")
HOST(fp64_from_i64, "movq %%xmm0, %%rax; cvtsi2sdq %%rax, %%xmm0")

/* ZF, PF and CF after an ordered or unordered compare, as a relation. */
#define COMPARE(insn) insn " %%xmm1, %%xmm0; lahf; movzbl %%ah, %%eax; movq %%rax, %%xmm0"

static uint64_t rel_of(uint64_t ah)
{
        if (ah & 0x04)
                return FP_UNORDERED;
        return ah & 0x40 ? FP_EQUAL : ah & 0x01 ? (uint64_t)FP_LESS : FP_GREATER;
}

#define HOST_COMPARE(name, insn)                                                \
static uint64_t host_##name(uint32_t *mxcsr, const uint64_t *v)                 \
{                                                                               \
        return rel_of(RUN(mxcsr, v, COMPARE(insn)));                            \
}

HOST_COMPARE(fp32_compare_quiet, "ucomiss")
HOST_COMPARE(fp64_compare_quiet, "ucomisd")
HOST_COMPARE(fp32_compare_signaling, "comiss")
HOST_COMPARE(fp64_compare_signaling, "comisd")

/*
 * To unsigned: by way of a 64-bit signed conversion, of the value less 2^63 (which is exact) if it is larger.
 */
static uint64_t to_unsigned(uint32_t *mxcsr, const uint64_t *v, enum kind k, int bits)
{
        uint64_t (*convert)(uint32_t *, const uint64_t *) =
                k == KIND_F32 ? host_fp32_to_i64 : host_fp64_to_i64;
        uint64_t (*subtract)(uint32_t *, const uint64_t *) =
                k == KIND_F32 ? host_fp32_sub : host_fp64_sub;
        uint64_t two63 = (uint64_t)(kind_exp_max(k) / 2 + 63) << kind_frac_bits(k), top = (uint64_t)1 << 63;
        uint64_t max = ~(uint64_t)0 >> (64 - bits), result;
        uint32_t cr = *mxcsr;

        result = convert(&cr, v);
        if (v[0] >= two63 && !(v[0] & kind_sign_bit(k))) {
                uint64_t less[3] = {v[0], two63, 0};

                cr = *mxcsr;
                less[0] = subtract(&cr, less);
                cr = *mxcsr;
                result = convert(&cr, less);
                if (result >> 63)
                        cr |= 1;
                result ^= top;
        } else if (result >> 63) {
                cr = (cr & ~MXCSR_FLAGS) | 1;
        }
        if (cr & 1 || result > max) {
                cr = (cr & ~MXCSR_FLAGS) | 1;
                result = max;
        }
        *mxcsr |= cr & MXCSR_FLAGS;
        return result;
}

/* From unsigned: from half the integer, its last bit kept sticky, and doubled, which is exact. */
static uint64_t from_unsigned(uint32_t *mxcsr, const uint64_t *v, enum kind k)
{
        uint64_t (*convert)(uint32_t *, const uint64_t *) =
                k == KIND_F32 ? host_fp32_from_i64 : host_fp64_from_i64;
        uint64_t half[3] = {v[0] >> 1 | (v[0] & 1), 0, 0};

        if (!(v[0] >> 63))
                return convert(mxcsr, v);
        return convert(mxcsr, half) + ((uint64_t)1 << kind_frac_bits(k));
}

#define HOST_UNSIGNED(fp, kind)                                                 \
static uint64_t host_##fp##_to_u32(uint32_t *mxcsr, const uint64_t *v)          \
{                                                                               \
        return to_unsigned(mxcsr, v, kind, 32);                                 \
}                                                                               \
static uint64_t host_##fp##_to_u64(uint32_t *mxcsr, const uint64_t *v)          \
{                                                                               \
        return to_unsigned(mxcsr, v, kind, 64);                                 \
}                                                                               \
static uint64_t host_##fp##_from_unsigned(uint32_t *mxcsr, const uint64_t *v)   \
{                                                                               \
        return from_unsigned(mxcsr, v, kind);                                   \
}

HOST_UNSIGNED(fp32, KIND_F32)
HOST_UNSIGNED(fp64, KIND_F64)

#define SOFT(name, expr)                                                        \
static uint64_t soft_##name(struct fp_env *env, const uint64_t *v)              \
{                                                                               \
        return expr;                                                            \
}
#define SOFT_PAIR(name, args) SOFT(fp32_##name, fp32_##args) SOFT(fp64_##name, fp64_##args)

SOFT_PAIR(add, add(env, v[0], v[1]))
SOFT_PAIR(sub, sub(env, v[0], v[1]))
SOFT_PAIR(mul, mul(env, v[0], v[1]))
SOFT_PAIR(div, div(env, v[0], v[1]))
SOFT_PAIR(sqrt, sqrt(env, v[0]))
SOFT_PAIR(fma, fma(env, v[0], v[1], v[2]))
SOFT_PAIR(fms, muladd(env, v[0], v[1], v[2], FP_NEG_ADDEND))
SOFT_PAIR(fnma, muladd(env, v[0], v[1], v[2], FP_NEG_PRODUCT))
SOFT_PAIR(fnms, muladd(env, v[0], v[1], v[2], FP_NEG_PRODUCT | FP_NEG_ADDEND))
SOFT_PAIR(less, less(env, v[0], v[1]))
SOFT_PAIR(greater, greater(env, v[0], v[1]))
SOFT(fp32_to_fp16, fp32_to_fp16(env, v[0], false))
SOFT(fp16_to_fp32, fp16_to_fp32(env, v[0], false))
SOFT_PAIR(rint, round_int(env, v[0], true))
SOFT_PAIR(nearbyint, round_int(env, v[0], false))
SOFT_PAIR(compare_quiet, compare(env, v[0], v[1], false))
SOFT_PAIR(compare_signaling, compare(env, v[0], v[1], true))
SOFT_PAIR(to_u32, to_u32(env, v[0]))
SOFT_PAIR(to_i64, to_i64(env, v[0]))
SOFT_PAIR(to_u64, to_u64(env, v[0]))
SOFT_PAIR(from_i32, from_i32(env, (int32_t)v[0]))
SOFT_PAIR(from_u32, from_u32(env, (uint32_t)v[0]))
SOFT_PAIR(from_i64, from_i64(env, (int64_t)v[0]))
SOFT_PAIR(from_u64, from_u64(env, v[0]))
SOFT(fp32_to_i32, (uint32_t)fp32_to_i32(env, v[0]))
SOFT(fp64_to_i32, (uint32_t)fp64_to_i32(env, v[0]))
SOFT(fp32_to_fp64, fp32_to_fp64(env, v[0]))
SOFT(fp64_to_fp32, fp64_to_fp32(env, v[0]))

#define ROW(name, hostname, arity, in, out, exact, neg) \
        {#name, arity, in, out, exact, neg, soft_##name, host_##hostname}
#define ROWS(name, arity, exact, neg)                                           \
        ROW(fp32_##name, fp32_##name, arity, KIND_F32, KIND_F32, exact, neg),   \
        ROW(fp64_##name, fp64_##name, arity, KIND_F64, KIND_F64, exact, neg)
#define ROW_X86(name, arity, in, out) \
        {#name, arity, in, out, EXACT_NONE, 0, soft_##name, host_##name, true}
#define ROWS_TO(name, hostname, out)                                            \
        ROW(fp32_##name, fp32_##hostname, 1, KIND_F32, out, EXACT_SAME, 0),     \
        ROW(fp64_##name, fp64_##hostname, 1, KIND_F64, out, EXACT_SAME, 0)
#define ROWS_FROM(name, hostname, in)                                           \
        ROW(fp32_##name, fp32_##hostname, 1, in, KIND_F32, EXACT_SAME, 0),      \
        ROW(fp64_##name, fp64_##hostname, 1, in, KIND_F64, EXACT_SAME, 0)
#define ROWS_COMPARE(name)                                                      \
        ROW(fp32_##name, fp32_##name, 2, KIND_F32, KIND_REL, EXACT_NONE, 0),    \
        ROW(fp64_##name, fp64_##name, 2, KIND_F64, KIND_REL, EXACT_NONE, 0)

const struct fp_op host_ops[] = {
        ROWS(add, 2, EXACT_ADD, 0),
        ROWS(sub, 2, EXACT_SUB, 0),
        ROWS(mul, 2, EXACT_MUL, 0),
        ROWS(div, 2, EXACT_DIV, 0),
        ROWS(sqrt, 1, EXACT_NONE, 0), /* a root is never half way between two values */
        ROWS(fma, 3, EXACT_FMA, 0),
        ROWS(fms, 3, EXACT_FMA, FP_NEG_ADDEND),
        ROWS(fnma, 3, EXACT_FMA, FP_NEG_PRODUCT),
        ROWS(fnms, 3, EXACT_FMA, FP_NEG_PRODUCT | FP_NEG_ADDEND),
        ROW_X86(fp32_less, 2, KIND_F32, KIND_F32),
        ROW_X86(fp64_less, 2, KIND_F64, KIND_F64),
        ROW_X86(fp32_greater, 2, KIND_F32, KIND_F32),
        ROW_X86(fp64_greater, 2, KIND_F64, KIND_F64),
        ROW_X86(fp32_to_fp16, 1, KIND_F32, KIND_U32),
        ROW_X86(fp16_to_fp32, 1, KIND_U32, KIND_F32),
        ROWS(rint, 1, EXACT_SAME, 0),
        ROWS(nearbyint, 1, EXACT_SAME, 0),
        ROWS_COMPARE(compare_quiet),
        ROWS_COMPARE(compare_signaling),
        ROW(fp32_to_fp64, fp32_to_fp64, 1, KIND_F32, KIND_F64, EXACT_SAME, 0),
        ROW(fp64_to_fp32, fp64_to_fp32, 1, KIND_F64, KIND_F32, EXACT_SAME, 0),
        ROWS_TO(to_i32, to_i32, KIND_I32),
        ROWS_TO(to_u32, to_u32, KIND_U32),
        ROWS_TO(to_i64, to_i64, KIND_I64),
        ROWS_TO(to_u64, to_u64, KIND_U64),
        ROWS_FROM(from_i32, from_i32, KIND_I32),
        ROWS_FROM(from_u32, from_unsigned, KIND_U32),
        ROWS_FROM(from_i64, from_i64, KIND_I64),
        ROWS_FROM(from_u64, from_unsigned, KIND_U64),
};
const int host_op_count = sizeof(host_ops) / sizeof(host_ops[0]);

bool host_supported(void)
{
        /* F16C came before FMA3. */
        return __builtin_cpu_supports("fma") && __builtin_cpu_supports("sse4.1");
}
