/* SPDX-License-Identifier: MIT */
/*
 * Soft-float arithmetic: the entry points a format for what parts_arith.h computes on parts. Stateless but
 * for the caller's fp_env.
 */
#include "frontend/fp/parts_arith.h"

#define FP_DEFINE_ARITH(fp, type, format)                                                               \
type fp##_add(struct fp_env *env, type a, type b)                                                       \
{                                                                                                       \
        struct fp_parts x = fp_unpack(env, a, format), y = fp_unpack(env, b, format);                   \
        struct fp_parts r = parts_add(env, &x, &y, false);                                              \
                                                                                                        \
        return fp_round_pack(env, &r, format);                                                          \
}                                                                                                       \
type fp##_sub(struct fp_env *env, type a, type b)                                                       \
{                                                                                                       \
        struct fp_parts x = fp_unpack(env, a, format), y = fp_unpack(env, b, format);                   \
        struct fp_parts r = parts_add(env, &x, &y, true);                                               \
                                                                                                        \
        return fp_round_pack(env, &r, format);                                                          \
}                                                                                                       \
type fp##_mul(struct fp_env *env, type a, type b)                                                       \
{                                                                                                       \
        struct fp_parts x = fp_unpack(env, a, format), y = fp_unpack(env, b, format);                   \
        struct fp_parts r = parts_mul(env, &x, &y);                                                     \
                                                                                                        \
        return fp_round_pack(env, &r, format);                                                          \
}                                                                                                       \
type fp##_div(struct fp_env *env, type a, type b)                                                       \
{                                                                                                       \
        struct fp_parts x = fp_unpack(env, a, format), y = fp_unpack(env, b, format);                   \
        struct fp_parts r = parts_div(env, &x, &y);                                                     \
                                                                                                        \
        return fp_round_pack(env, &r, format);                                                          \
}                                                                                                       \
type fp##_sqrt(struct fp_env *env, type a)                                                              \
{                                                                                                       \
        struct fp_parts x = fp_unpack(env, a, format);                                                  \
        struct fp_parts r = parts_sqrt(env, &x);                                                        \
                                                                                                        \
        return fp_round_pack(env, &r, format);                                                          \
}                                                                                                       \
type fp##_muladd(struct fp_env *env, type a, type b, type c, unsigned neg)                              \
{                                                                                                       \
        struct fp_parts x = fp_unpack(env, a, format), y = fp_unpack(env, b, format);                   \
        struct fp_parts z = fp_unpack(env, c, format);                                                  \
        struct fp_parts r = parts_muladd(env, &x, &y, &z, neg);                                         \
                                                                                                        \
        return fp_round_pack(env, &r, format);                                                          \
}                                                                                                       \
type fp##_fma(struct fp_env *env, type a, type b, type c)                                               \
{                                                                                                       \
        return fp##_muladd(env, a, b, c, 0);                                                            \
}

FP_DEFINE_ARITH(fp32, uint32_t, fp_binary32)
FP_DEFINE_ARITH(fp64, uint64_t, fp_binary64)
