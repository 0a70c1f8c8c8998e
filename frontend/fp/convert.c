/* SPDX-License-Identifier: MIT */
/*
 * Soft-float beyond arithmetic: comparison, minimum and maximum, classification, rounding to integral values,
 * and conversions. IEEE 754-2019 5.4.1, 5.4.2, 5.6 to 5.9, 5.11, 9.6. Stateless but for the caller's fp_env.
 */
#include "frontend/fp/parts_convert.h"

FP_INLINE fp_u128 round_int(struct fp_env *env, fp_u128 bits, bool exact, struct fp_format f)
{
        struct fp_parts p = fp_unpack(env, bits, f);

        if (fp_is_nan(&p))
                p = fp_pick_nan1(env, &p);
        else if (p.kind == FP_KIND_FINITE && parts_round_int(&p, env->rm) && exact)
                env->flags |= FP_NX;
        return fp_round_pack(env, &p, f);
}

/*
 * What min_max chose is exact in its format: pack it with nothing flushed, for it was flushed when it came
 * in.
 */
FP_INLINE fp_u128 min_max(struct fp_env *env, fp_u128 a, fp_u128 b, bool max, bool number, struct fp_format f)
{
        struct fp_parts x = fp_unpack(env, a, f), y = fp_unpack(env, b, f);
        struct fp_parts r = parts_min_max(env, &x, &y, max, number);
        struct fp_env exact = {.rm = env->rm};

        return fp_round_pack(&exact, &r, f);
}

FP_INLINE enum fp_rel compare(struct fp_env *env, fp_u128 a, fp_u128 b, bool signaling, struct fp_format f)
{
        struct fp_parts x = fp_unpack(env, a, f), y = fp_unpack(env, b, f);

        return parts_compare(env, &x, &y, signaling);
}

FP_INLINE enum fp_class class_of(fp_u128 bits, struct fp_format f)
{
        struct fp_env plain = {0};
        struct fp_parts p = fp_unpack(&plain, bits, f);

        switch (p.kind) {
        case FP_KIND_ZERO:
                return FP_CLASS_ZERO;
        case FP_KIND_INF:
                return FP_CLASS_INF;
        case FP_KIND_QNAN:
                return FP_CLASS_QNAN;
        case FP_KIND_SNAN:
                return FP_CLASS_SNAN;
        default:
                return p.denormal ? FP_CLASS_SUBNORMAL : FP_CLASS_NORMAL;
        }
}

static uint32_t riscv_class_mask(enum fp_class class, bool sign)
{
        switch (class) {
        case FP_CLASS_INF:
                return 1u << (sign ? 0 : 7);
        case FP_CLASS_NORMAL:
                return 1u << (sign ? 1 : 6);
        case FP_CLASS_SUBNORMAL:
                return 1u << (sign ? 2 : 5);
        case FP_CLASS_ZERO:
                return 1u << (sign ? 3 : 4);
        case FP_CLASS_SNAN:
                return 1u << 8;
        default:
                return 1u << 9;
        }
}

#define FP_DEFINE_MIN_MAX(fp, type, format, name, max, number)                                          \
type fp##_##name(struct fp_env *env, type a, type b)                                                    \
{                                                                                                       \
        return min_max(env, a, b, max, number, format);                                                 \
}

#define FP_DEFINE_COMPARE(fp, type, format, name, signaling, holds)                                     \
bool fp##_##name(struct fp_env *env, type a, type b)                                                    \
{                                                                                                       \
        enum fp_rel rel = compare(env, a, b, signaling, format);                                        \
                                                                                                        \
        return holds;                                                                                   \
}

#define FP_DEFINE_TO_INT(fp, type, format, name, int_type, bits, is_signed)                             \
int_type fp##_to_##name(struct fp_env *env, type a)                                                     \
{                                                                                                       \
        struct fp_parts p = fp_unpack(env, a, format);                                                  \
                                                                                                        \
        return (int_type)parts_to_int(env, &p, bits, is_signed);                                        \
}

#define FP_DEFINE_FROM_INT(fp, type, format, name, int_type, sign)                                      \
type fp##_from_##name(struct fp_env *env, int_type a)                                                   \
{                                                                                                       \
        struct fp_parts p = parts_from_int(sign ? -(uint64_t)a : (uint64_t)a, sign);                    \
                                                                                                        \
        return fp_round_pack(env, &p, format);                                                          \
}

#define FP_DEFINE_CONVERT(from, from_type, from_format, to, to_type, to_format)                         \
to_type from##_to_##to(struct fp_env *env, from_type a)                                                 \
{                                                                                                       \
        struct fp_parts p = fp_unpack(env, a, from_format);                                             \
        struct fp_parts r = parts_convert(env, &p);                                                     \
                                                                                                        \
        return fp_round_pack(env, &r, to_format);                                                       \
}

#define FP_DEFINE_ALL(fp, type, format)                                                                 \
FP_DEFINE_MIN_MAX(fp, type, format, min, false, true)                                                   \
FP_DEFINE_MIN_MAX(fp, type, format, max, true, true)                                                    \
FP_DEFINE_MIN_MAX(fp, type, format, min_nan, false, false)                                              \
FP_DEFINE_MIN_MAX(fp, type, format, max_nan, true, false)                                               \
FP_DEFINE_COMPARE(fp, type, format, eq, false, rel == FP_EQUAL)                                         \
FP_DEFINE_COMPARE(fp, type, format, lt, true, rel == FP_LESS)                                           \
FP_DEFINE_COMPARE(fp, type, format, le, true, rel == FP_LESS || rel == FP_EQUAL)                        \
FP_DEFINE_COMPARE(fp, type, format, lt_quiet, false, rel == FP_LESS)                                    \
FP_DEFINE_COMPARE(fp, type, format, le_quiet, false, rel == FP_LESS || rel == FP_EQUAL)                 \
FP_DEFINE_TO_INT(fp, type, format, i32, int32_t, 32, true)                                              \
FP_DEFINE_TO_INT(fp, type, format, u32, uint32_t, 32, false)                                            \
FP_DEFINE_TO_INT(fp, type, format, i64, int64_t, 64, true)                                              \
FP_DEFINE_TO_INT(fp, type, format, u64, uint64_t, 64, false)                                            \
FP_DEFINE_FROM_INT(fp, type, format, i32, int32_t, (a < 0))                                             \
FP_DEFINE_FROM_INT(fp, type, format, u32, uint32_t, false)                                              \
FP_DEFINE_FROM_INT(fp, type, format, i64, int64_t, (a < 0))                                             \
FP_DEFINE_FROM_INT(fp, type, format, u64, uint64_t, false)                                              \
enum fp_rel fp##_compare(struct fp_env *env, type a, type b, bool signaling)                            \
{                                                                                                       \
        return compare(env, a, b, signaling, format);                                                   \
}                                                                                                       \
enum fp_class fp##_class(type a)                                                                        \
{                                                                                                       \
        return class_of(a, format);                                                                     \
}                                                                                                       \
uint32_t fp##_fclass(type a)                                                                            \
{                                                                                                       \
        return riscv_class_mask(class_of(a, format), a >> (sizeof(type) * 8 - 1));                      \
}                                                                                                       \
type fp##_round_int(struct fp_env *env, type a, bool exact)                                             \
{                                                                                                       \
        return round_int(env, a, exact, format);                                                        \
}

/* ---- minimum and maximum of other kinds ---- */

#define FP_DEFINE_MIN_MAX_MORE(fp, type, format)                                                        \
static type fp##_infinity(bool sign)                                                                    \
{                                                                                                       \
        return fp_encode(sign, fp_exp_max(format), 0, format);                                          \
}                                                                                                       \
static type fp##_num2008(struct fp_env *env, type a, type b, bool max)                                  \
{                                                                                                       \
        bool a_nan = fp##_class(a) == FP_CLASS_QNAN, b_nan = fp##_class(b) == FP_CLASS_QNAN;            \
                                                                                                        \
        if (a_nan && !b_nan)                                                                            \
                a = fp##_infinity(max);                                                                 \
        else if (b_nan && !a_nan)                                                                       \
                b = fp##_infinity(max);                                                                 \
        return max ? fp##_max_nan(env, a, b) : fp##_min_nan(env, a, b);                                 \
}                                                                                                       \
type fp##_min_num2008(struct fp_env *env, type a, type b) { return fp##_num2008(env, a, b, false); }    \
type fp##_max_num2008(struct fp_env *env, type a, type b) { return fp##_num2008(env, a, b, true); }     \
static type fp##_flushed(const struct fp_env *env, type a)                                              \
{                                                                                                       \
        type sign = a & (type)1 << (sizeof(type) * 8 - 1);                                              \
                                                                                                        \
        return env->flush_in && fp##_class(a) == FP_CLASS_SUBNORMAL ? sign : a;                         \
}                                                                                                       \
type fp##_less(struct fp_env *env, type a, type b)                                                      \
{                                                                                                       \
        return fp##_flushed(env, fp##_compare(env, a, b, true) == FP_LESS ? a : b);                     \
}                                                                                                       \
type fp##_greater(struct fp_env *env, type a, type b)                                                   \
{                                                                                                       \
        return fp##_flushed(env, fp##_compare(env, a, b, true) == FP_GREATER ? a : b);                  \
}

FP_DEFINE_ALL(fp32, uint32_t, fp_binary32)
FP_DEFINE_ALL(fp64, uint64_t, fp_binary64)
FP_DEFINE_MIN_MAX_MORE(fp32, uint32_t, fp_binary32)
FP_DEFINE_MIN_MAX_MORE(fp64, uint64_t, fp_binary64)
FP_DEFINE_CONVERT(fp32, uint32_t, fp_binary32, fp64, uint64_t, fp_binary64)
FP_DEFINE_CONVERT(fp64, uint64_t, fp_binary64, fp32, uint32_t, fp_binary32)

/* ---- half precision ---- */

/* Halves are not flushed: their env has the caller's modes but for that. */
static struct fp_parts unpack_half(struct fp_env *env, uint16_t a, bool alternative)
{
        struct fp_env plain = {.rm = env->rm};
        struct fp_parts p = fp_unpack(&plain, a, fp_binary16);

        if (alternative && (a >> 10 & 31) == 31) {
                p.kind = FP_KIND_FINITE;
                p.frac = (fp_u128)(a & 0x3ff) << fp_drop(fp_binary16) | FP_LEADING;
        }
        p.denormal = false; /* no flag tells of it */
        return p;
}

/*
 * To the alternative format: what overflows is invalid, and no flag else. It is told from the rounded value:
 * a format of the same precision and a larger exponent has room for it.
 */
static uint16_t pack_alternative(struct fp_env *env, const struct fp_parts *p)
{
        static const struct fp_format wider = {6, 10};
        struct fp_env own = *env;
        uint16_t sign = (uint16_t)p->sign << 15, magnitude;
        fp_u128 bits;

        if (p->kind != FP_KIND_ZERO && p->kind != FP_KIND_FINITE) {
                env->flags |= FP_NV;
                return fp_is_nan(p) ? sign : sign | 0x7fff;
        }
        if (p->kind == FP_KIND_ZERO || p->exp < -14) /* tiny numbers are the same in both formats */
                return fp_round_pack(env, p, fp_binary16);
        own.flags = 0;
        bits = fp_round_pack(&own, p, wider) & 0xffff;
        magnitude = bits - (16 << 10); /* the biases differ by 16 */
        if (p->exp > 16 || magnitude > 0x7fff) {
                env->flags |= FP_NV;
                return sign | 0x7fff;
        }
        env->flags |= own.flags;
        return sign | magnitude;
}

static uint16_t to_half(struct fp_env *env, struct fp_parts p, bool alternative)
{
        struct fp_env own = *env;
        uint16_t r;

        own.flush_out = FP_FLUSH_OFF;
        if (alternative) {
                if (p.kind == FP_KIND_SNAN)
                        own.flags |= FP_NV;
                r = pack_alternative(&own, &p);
        } else {
                struct fp_parts q = parts_convert(&own, &p);

                r = fp_round_pack(&own, &q, fp_binary16);
        }
        env->flags = own.flags;
        return r;
}

#define FP_DEFINE_HALF(fp, type, format)                                                                \
type fp16_to_##fp(struct fp_env *env, uint16_t a, bool alternative)                                     \
{                                                                                                       \
        struct fp_parts p = unpack_half(env, a, alternative), r = parts_convert(env, &p);               \
                                                                                                        \
        return fp_round_pack(env, &r, format);                                                          \
}                                                                                                       \
uint16_t fp##_to_fp16(struct fp_env *env, type a, bool alternative)                                     \
{                                                                                                       \
        return to_half(env, fp_unpack(env, a, format), alternative);                                    \
}

FP_DEFINE_HALF(fp32, uint32_t, fp_binary32)
FP_DEFINE_HALF(fp64, uint64_t, fp_binary64)
