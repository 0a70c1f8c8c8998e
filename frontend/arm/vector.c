/* SPDX-License-Identifier: MIT */
/*
 * Vector and FP instructions that are too rare for IR, over the registers in memory: saturating shifts and
 * doubling products, polynomial products, estimates and steps, fixed point, and others (Arm ARM C7.2 and
 * J1.3). A helper is given the row and the word, and takes the fields from the word by their names.
 * Cryptography is in crypto.c. On the vCPU's thread.
 */
#include "frontend/arm/vector.h"

#include <string.h>

#include "base/bits.h"
#include "frontend/arm/cpu.h"
#include "frontend/fp/fp.h"

unsigned vop_field(const struct a64_insn_info *info, uint32_t word, const char *name, unsigned otherwise)
{
        for (unsigned n = 0; n < info->nfields; n++) {
                if (!strcmp(info->fields[n].name, name))
                        return a64_field_value(&info->fields[n], word);
        }
        return otherwise;
}

uint64_t vop_get(const uint64_t v[2], unsigned size, unsigned lane)
{
        unsigned at = lane * (8u << size);

        return v[at >> 6] >> (at & 63) & bits_mask(8u << size);
}

void vop_set(uint64_t v[2], unsigned size, unsigned lane, uint64_t value)
{
        unsigned at = lane * (8u << size);

        v[at >> 6] = bits_set(v[at >> 6], at & 63, 8u << size, value);
}

static int64_t get_s(const uint64_t v[2], unsigned size, unsigned lane)
{
        return bits_sext(vop_get(v, size, lane), 8u << size);
}

/* An instruction, taken apart. */
struct vop {
        struct a64_state *s;
        enum a64_insn row;       /* whose translator it has */
        unsigned size, lanes;    /* of the source elements; one lane: a scalar */
        unsigned first;          /* of an instruction on upper halves: the first source lane */
        int idx;                 /* the lane of the second source that goes with all, or -1 */
        uint64_t d[2], n[2], m[2], r[2]; /* registers before, and the result */
        bool saturated;
        bool q;
        unsigned sh;
};

/* Fields that a row need not have: no size is that of FP lanes by sz. */
static struct vop take_apart(struct vcpu *v, unsigned row, uint32_t word)
{
        const struct a64_insn_info *info = &a64_insns[row];
        struct vop o = {.s = a64_state(v), .row = (enum a64_insn)info->target};
        bool scalar = word >> 28 & 1; /* of AdvSIMD: the scalar forms */
        unsigned sz = vop_field(info, word, "sz", vop_field(info, word, "ftype", 0));
        bool wide = sz || o.row == A64_SRSHL_D || o.row == A64_URSHL_D;

        o.q = vop_field(info, word, "q", 0);
        o.sh = vop_field(info, word, "sh", 0);
        o.size = o.sh >= 8 ? 28u - __builtin_clz(o.sh) : vop_field(info, word, "size", wide ? 3 : 2);
        o.lanes = scalar ? 1 : (o.q ? 16 : 8) >> o.size;
        o.idx = (int)vop_field(info, word, "idx", ~0u);
        memcpy(o.d, o.s->v[vop_field(info, word, "vd", 0)], 16);
        memcpy(o.n, o.s->v[vop_field(info, word, "vn", 0)], 16);
        memcpy(o.m, o.s->v[vop_field(info, word, "vm", 0)], 16);
        return o;
}

static void put_back(const struct vop *o, const struct a64_insn_info *info, uint32_t word)
{
        memcpy(o->s->v[vop_field(info, word, "vd", 0)], o->r, 16);
        if (o->saturated)
                o->s->qc[0] = 1;
}

/* ---- saturation ---- */

static uint64_t saturate(struct vop *o, __int128 value, unsigned size, bool sign)
{
        unsigned w = 8u << size;
        __int128 top = sign ? ((__int128)1 << (w - 1)) - 1 : ((__int128)1 << w) - 1;
        __int128 bottom = sign ? -((__int128)1 << (w - 1)) : 0;

        if (value > top || value < bottom)
                o->saturated = true;
        return (uint64_t)(value > top ? top : value < bottom ? bottom : value) & bits_mask(w);
}

static __int128 element(const struct vop *o, const uint64_t v[2], unsigned lane, bool sign)
{
        return sign ? (__int128)get_s(v, o->size, lane) : (__int128)vop_get(v, o->size, lane);
}

/* The element that goes with lane @lane: its own, or the one of all. */
static int64_t second(const struct vop *o, unsigned lane)
{
        return get_s(o->m, o->size, o->idx >= 0 ? (unsigned)o->idx : lane);
}

enum { ROUND = 1, SATURATE = 2, SIGNED = 4, TO_UNSIGNED = 8 };

/* By a signed amount, to the right if it is negative. */
static uint64_t shift_by(struct vop *o, __int128 x, int amount, unsigned flags)
{
        unsigned w = 8u << o->size;
        bool to_sign = (flags & SIGNED) && !(flags & TO_UNSIGNED);

        if (amount >= 0) {
                if (amount > (int)w)
                        amount = w;
                if (!(flags & SATURATE))
                        return amount >= (int)w ? 0 : (uint64_t)x << amount & bits_mask(w);
                if (amount == (int)w && x) /* more than any saturates at */
                        x = x < 0 ? -((__int128)1 << 100) : (__int128)1 << 100;
                else
                        x = (__int128)((unsigned __int128)x << amount);
        } else {
                int n = -amount;

                if (n > 66)
                        x = (flags & ROUND) ? 0 : x < 0 ? -1 : 0;
                else
                        x = (x + (flags & ROUND ? (__int128)1 << (n - 1) : 0)) >> n;
                if (!(flags & SATURATE))
                        return (uint64_t)x & bits_mask(w);
        }
        return saturate(o, x, o->size, to_sign);
}

static void shift_register(struct vop *o, unsigned flags)
{
        for (unsigned i = 0; i < o->lanes; i++)
                vop_set(o->r, o->size, i, shift_by(o, element(o, o->n, i, flags & SIGNED),
                                                   (int8_t)vop_get(o->m, o->size, i), flags));
}

static void shift_immediate(struct vop *o, unsigned flags)
{
        for (unsigned i = 0; i < o->lanes; i++)
                vop_set(o->r, o->size, i, shift_by(o, element(o, o->n, i, flags & SIGNED),
                                                   o->sh - (8 << o->size), flags));
}

/*
 * The upper half of twice the product, rounded or not, on top of an accumulator (@acc 1), less it (-1), or
 * alone.
 */
static void doubling_high(struct vop *o, bool round, int acc)
{
        unsigned w = 8u << o->size;

        for (unsigned i = 0; i < o->lanes; i++) {
                __int128 p = (__int128)get_s(o->n, o->size, i) * second(o, i) * 2;

                if (acc)
                        p = (__int128)get_s(o->d, o->size, i) * ((__int128)1 << w) + acc * p;
                if (round)
                        p += (__int128)1 << (w - 1);
                vop_set(o->r, o->size, i, saturate(o, p >> w, o->size, true));
        }
}

/* Twice the product at twice the size, and what it is added to or taken from; each step saturates. */
static void doubling_long(struct vop *o, int acc)
{
        unsigned wide = o->size + 1, lanes = o->lanes == 1 ? 1 : 8u >> o->size;
        unsigned first = o->lanes != 1 && o->q ? lanes : 0;

        for (unsigned i = 0; i < lanes; i++) {
                __int128 p = (__int128)get_s(o->n, o->size, first + i) * second(o, first + i) * 2;
                int64_t product = bits_sext(saturate(o, p, wide, true), 8u << wide);

                if (acc)
                        product = bits_sext(saturate(o, (__int128)get_s(o->d, wide, i) +
                                                     (__int128)acc * product, wide, true),
                                            8u << wide);
                vop_set(o->r, wide, i, product);
        }
}

static void add_mixed(struct vop *o, bool to_signed)
{
        for (unsigned i = 0; i < o->lanes; i++)
                vop_set(o->r, o->size, i, saturate(o, element(o, o->n, i, !to_signed) +
                                                   element(o, o->d, i, to_signed), o->size,
                                                   to_signed));
}

static void saturating_abs(struct vop *o, bool negate)
{
        for (unsigned i = 0; i < o->lanes; i++) {
                __int128 x = element(o, o->n, i, true);

                vop_set(o->r, o->size, i, saturate(o, negate || x < 0 ? -x : x, o->size, true));
        }
}

/* ---- polynomials, estimates of integers ---- */

static void polynomial_mul(struct vop *o)
{
        for (unsigned i = 0; i < o->lanes; i++) {
                unsigned x = vop_get(o->n, 0, i), y = vop_get(o->m, 0, i), p = 0;

                for (unsigned k = 0; k < 8; k++)
                        p ^= y >> k & 1 ? x << k : 0;
                vop_set(o->r, 0, i, p);
        }
}

static void polynomial_mul_long(struct vop *o)
{
        for (unsigned i = 0; i < 8; i++) {
                unsigned x = vop_get(o->n, 0, i + 8 * o->q), y = vop_get(o->m, 0, i + 8 * o->q), p = 0;

                for (unsigned k = 0; k < 8; k++)
                        p ^= y >> k & 1 ? x << k : 0;
                vop_set(o->r, 1, i, p);
        }
}

static void polynomial_mul_64(struct vop *o)
{
        uint64_t x = o->n[o->q], y = o->m[o->q];

        for (unsigned k = 0; k < 64; k++) {
                if (!(y >> k & 1))
                        continue;
                o->r[0] ^= x << k;
                o->r[1] ^= k ? x >> (64 - k) : 0;
        }
}

/* RecipEstimate of 256 to 511, RecipSqrtEstimate of 128 to 511: 256 to 511. */
static unsigned recip_estimate(unsigned a)
{
        unsigned b = (1u << 19) / (a * 2 + 1);

        return (b + 1) / 2;
}

static unsigned recip_sqrt_estimate(unsigned a)
{
        unsigned b = 512;

        a = a < 256 ? a * 2 + 1 : ((a >> 1 << 1) + 1) * 2;
        while (a * (b + 1) * (b + 1) < 1u << 28)
                b++;
        return (b + 1) / 2;
}

static void estimate_u32(struct vop *o, bool sqrt)
{
        for (unsigned i = 0; i < (o->q ? 4u : 2u); i++) {
                uint32_t x = vop_get(o->n, 2, i), r;

                if (sqrt)
                        r = x >> 30 ? recip_sqrt_estimate(x >> 23) << 23 : ~0u;
                else
                        r = x >> 31 ? recip_estimate(x >> 23) << 23 : ~0u;
                vop_set(o->r, 2, i, r);
        }
}

A64_HELP(vector)
{
        const struct a64_insn_info *info = &a64_insns[a];
        struct vop o = take_apart(v, a, b);

        switch (o.row) {
        case A64_SRSHL_V: case A64_SRSHL_D: shift_register(&o, ROUND | SIGNED); break;
        case A64_URSHL_V: case A64_URSHL_D: shift_register(&o, ROUND); break;
        case A64_SQSHL_V: case A64_SQSHL_SC: shift_register(&o, SATURATE | SIGNED); break;
        case A64_UQSHL_V: case A64_UQSHL_SC: shift_register(&o, SATURATE); break;
        case A64_SQRSHL_V: case A64_SQRSHL_SC: shift_register(&o, ROUND | SATURATE | SIGNED); break;
        case A64_UQRSHL_V: case A64_UQRSHL_SC: shift_register(&o, ROUND | SATURATE); break;
        case A64_SQSHL_VI: case A64_SQSHL_SCI: shift_immediate(&o, SATURATE | SIGNED); break;
        case A64_UQSHL_VI: case A64_UQSHL_SCI: shift_immediate(&o, SATURATE); break;
        case A64_SQSHLU_VI: case A64_SQSHLU_SCI: shift_immediate(&o, SATURATE | SIGNED | TO_UNSIGNED); break;
        case A64_SQDMULH_V: case A64_SQDMULH_SC: case A64_SQDMULH_ELH: case A64_SQDMULH_SCELH:
                doubling_high(&o, false, 0);
                break;
        case A64_SQRDMULH_V: case A64_SQRDMULH_SC: case A64_SQRDMULH_ELH: case A64_SQRDMULH_SCELH:
                doubling_high(&o, true, 0);
                break;
        case A64_SQRDMLAH: case A64_SQRDMLAH_SC: case A64_SQRDMLAH_ELH: case A64_SQRDMLAH_SCELH:
                doubling_high(&o, true, 1);
                break;
        case A64_SQRDMLSH: case A64_SQRDMLSH_SC: case A64_SQRDMLSH_ELH: case A64_SQRDMLSH_SCELH:
                doubling_high(&o, true, -1);
                break;
        case A64_SQDMULL: case A64_SQDMULL_SC: case A64_SQDMULL_ELH: case A64_SQDMULL_SCELH:
                doubling_long(&o, 0);
                break;
        case A64_SQDMLAL: case A64_SQDMLAL_SC: case A64_SQDMLAL_ELH: case A64_SQDMLAL_SCELH:
                doubling_long(&o, 1);
                break;
        case A64_SQDMLSL: case A64_SQDMLSL_SC: case A64_SQDMLSL_ELH: case A64_SQDMLSL_SCELH:
                doubling_long(&o, -1);
                break;
        case A64_SUQADD_V: case A64_SUQADD_SC: add_mixed(&o, true); break;
        case A64_USQADD_V: case A64_USQADD_SC: add_mixed(&o, false); break;
        case A64_SQABS_SC: saturating_abs(&o, false); break;
        case A64_SQNEG_SC: saturating_abs(&o, true); break;
        case A64_PMUL_V: polynomial_mul(&o); break;
        case A64_PMULL: polynomial_mul_long(&o); break;
        case A64_PMULL_D: polynomial_mul_64(&o); break;
        case A64_URECPE_V: estimate_u32(&o, false); break;
        case A64_URSQRTE_V: estimate_u32(&o, true); break;
        default:
                if (!a64_crypto(o.row, o.d, o.n, o.m, o.r))
                        return a64_done(0);
                break;
        }
        put_back(&o, info, b);
        return a64_done(0);
}

/* ---- floating point: bits of both formats, singles in 64-bit words ---- */

static struct fp_env env_of(uint64_t mode)
{
        static const uint8_t rounds[4] = {FP_RM_RNE, FP_RM_RUP, FP_RM_RDN, FP_RM_RTZ};
        struct fp_env env = fp_env_arm(rounds[A64_MODE_RMODE(mode)]);

        env.default_nan = mode & A64_MODE_DN;
        env.flush_in = mode & A64_MODE_FZ;
        env.flush_out = mode & A64_MODE_FZ ? FP_FLUSH_UF : FP_FLUSH_OFF;
        return env;
}

static uint64_t mul(struct fp_env *env, bool d, uint64_t x, uint64_t y)
{
        return d ? fp64_mul(env, x, y) : fp32_mul(env, x, y);
}

static uint64_t muladd(struct fp_env *env, bool d, uint64_t x, uint64_t y, uint64_t z)
{
        return d ? fp64_fma(env, x, y, z) : fp32_fma(env, x, y, z);
}

static enum fp_class class_of(bool d, uint64_t x)
{
        return d ? fp64_class(x) : fp32_class(x);
}

static bool is_nan(bool d, uint64_t x)
{
        return class_of(d, x) >= FP_CLASS_QNAN;
}

static uint64_t sign_of(bool d)
{
        return d ? 1ull << 63 : 1ull << 31;
}

static uint64_t pack(bool d, bool negative, unsigned exponent, uint64_t fraction52)
{
        if (d)
                return (negative ? sign_of(d) : 0) | (uint64_t)exponent << 52 | fraction52;
        return (negative ? sign_of(d) : 0) | (uint64_t)exponent << 23 | fraction52 >> 29;
}

/* 2 to the power of @e. */
static uint64_t power(bool d, int e)
{
        return pack(d, false, (d ? 1023 : 127) + e, 0);
}

/* A NaN as an operation with one operand delivers it. */
static uint64_t process_nan(struct fp_env *env, bool d, uint64_t x)
{
        return mul(env, d, x, power(d, 0));
}

static uint64_t flush(struct fp_env *env, bool d, uint64_t x)
{
        if (!env->flush_in || class_of(d, x) != FP_CLASS_SUBNORMAL)
                return x;
        env->flags |= FP_ID;
        return x & sign_of(d);
}

static bool inf_times_zero(bool d, uint64_t x, uint64_t y)
{
        return (class_of(d, x) == FP_CLASS_INF && class_of(d, y) == FP_CLASS_ZERO) ||
               (class_of(d, x) == FP_CLASS_ZERO && class_of(d, y) == FP_CLASS_INF);
}

static uint64_t mulx(struct fp_env *env, bool d, uint64_t x, uint64_t y)
{
        x = flush(env, d, x);
        y = flush(env, d, y);
        if (inf_times_zero(d, x, y))
                return power(d, 1) | ((x ^ y) & sign_of(d));
        return mul(env, d, x, y);
}

/* 2 - x y, fused. */
static uint64_t recip_step(struct fp_env *env, bool d, uint64_t x, uint64_t y)
{
        x = flush(env, d, x) ^ sign_of(d);
        y = flush(env, d, y);
        if (inf_times_zero(d, x, y))
                return power(d, 1);
        return is_nan(d, x) || is_nan(d, y) ? mul(env, d, x, y) : muladd(env, d, x, y, power(d, 1));
}

/*
 * (3 - x y) / 2, fused: the greater operand is halved, which is exact unless it is so small that the product
 * does not count but for its sign.
 */
static uint64_t recip_sqrt_step(struct fp_env *env, bool d, uint64_t x, uint64_t y)
{
        unsigned shift = d ? 52 : 23;
        uint64_t three_halves = power(d, 0) | 1ull << (shift - 1), abs = ~sign_of(d), *greater;

        x = flush(env, d, x) ^ sign_of(d);
        y = flush(env, d, y);
        if (is_nan(d, x) || is_nan(d, y))
                return mul(env, d, x, y);
        if (inf_times_zero(d, x, y))
                return three_halves;
        greater = (x & abs) > (y & abs) ? &x : &y;
        if (class_of(d, *greater) == FP_CLASS_NORMAL && (*greater & abs) >> shift > 1)
                *greater -= 1ull << shift;
        return muladd(env, d, x, y, three_halves);
}

/* The fraction, at 52 bits, and the exponent field. */
static uint64_t fraction_of(bool d, uint64_t x)
{
        return d ? x & bits_mask(52) : (x & bits_mask(23)) << 29;
}

static int exponent_of(bool d, uint64_t x)
{
        return d ? x >> 52 & 0x7ff : x >> 23 & 0xff;
}

static uint64_t recip_overflow(struct fp_env *env, bool d, bool negative)
{
        bool inf = env->rm == FP_RM_RNE || (env->rm == FP_RM_RUP && !negative) ||
                   (env->rm == FP_RM_RDN && negative);
        unsigned top = d ? 0x7ff : 0xff;

        env->flags |= FP_OF | FP_NX;
        return inf ? pack(d, negative, top, 0) : pack(d, negative, top - 1, bits_mask(52));
}

/* FPRecipEstimate */
static uint64_t recip(struct fp_env *env, bool d, uint64_t x)
{
        bool negative = x & sign_of(d);
        uint64_t fraction;
        int exponent, result;

        x = flush(env, d, x);
        fraction = fraction_of(d, x);
        exponent = exponent_of(d, x);
        if (is_nan(d, x))
                return process_nan(env, d, x);
        if (class_of(d, x) == FP_CLASS_INF)
                return pack(d, negative, 0, 0);
        if (class_of(d, x) == FP_CLASS_ZERO) {
                env->flags |= FP_DZ;
                return pack(d, negative, d ? 0x7ff : 0xff, 0);
        }
        if (exponent == 0 && fraction >> 50 == 0) /* below 2^-128, or 2^-1024 */
                return recip_overflow(env, d, negative);
        if (env->flush_out && exponent >= (d ? 2045 : 253)) {
                env->flags |= FP_UF;
                return pack(d, negative, 0, 0);
        }
        if (exponent == 0) {
                if (fraction >> 51) {
                        fraction = fraction << 1 & bits_mask(52);
                } else {
                        exponent = -1;
                        fraction = fraction << 2 & bits_mask(52);
                }
        }
        result = (d ? 2045 : 253) - exponent;
        fraction = (uint64_t)(recip_estimate(256 | fraction >> 44) & 0xff) << 44;
        if (result == 0)
                fraction = 1ull << 51 | fraction >> 1;
        else if (result == -1)
                fraction = 1ull << 50 | fraction >> 2;
        return pack(d, negative, result < 0 ? 0 : result, fraction);
}

/* FPRSqrtEstimate */
static uint64_t recip_sqrt(struct fp_env *env, bool d, uint64_t x)
{
        bool negative = x & sign_of(d);
        uint64_t fraction;
        int exponent;

        x = flush(env, d, x);
        fraction = fraction_of(d, x);
        exponent = exponent_of(d, x);
        if (is_nan(d, x))
                return process_nan(env, d, x);
        if (class_of(d, x) == FP_CLASS_ZERO) {
                env->flags |= FP_DZ;
                return pack(d, negative, d ? 0x7ff : 0xff, 0);
        }
        if (negative) {
                env->flags |= FP_NV;
                return pack(d, false, d ? 0x7ff : 0xff, 1ull << 51);
        }
        if (class_of(d, x) == FP_CLASS_INF)
                return 0;
        if (exponent == 0) {
                for (; !(fraction >> 51); exponent--)
                        fraction <<= 1;
                fraction = fraction << 1 & bits_mask(52);
        }
        fraction = recip_sqrt_estimate(exponent & 1 ? 128 | fraction >> 45 : 256 | fraction >> 44);
        return pack(d, false, ((d ? 3068 : 380) - exponent) / 2, (fraction & 0xff) << 44);
}

/* FPRecpX: the exponent inverted. */
static uint64_t recip_exponent(struct fp_env *env, bool d, uint64_t x)
{
        unsigned top = d ? 0x7ff : 0xff, exponent;
        bool negative = x & sign_of(d);

        x = flush(env, d, x);
        if (is_nan(d, x))
                return process_nan(env, d, x);
        exponent = exponent_of(d, x);
        return pack(d, negative, exponent ? ~exponent & top : top - 1, 0);
}

/*
 * FPRoundIntN: to an integer of 32 or 64 bits in the same format; what does not fit is the most negative one.
 */
static uint64_t round_to_int(struct fp_env *env, bool d, uint64_t x, bool zero, unsigned bits)
{
        struct fp_env own = *env;
        uint64_t r, limit = power(d, bits - 1), abs;

        own.flags = 0;
        if (zero)
                own.rm = FP_RM_RTZ;
        if (!is_nan(d, x)) {
                r = d ? fp64_round_int(&own, x, true) : fp32_round_int(&own, x, true);
                abs = r & ~sign_of(d);
                if (abs < limit || (abs == limit && (r & sign_of(d)))) {
                        env->flags |= own.flags;
                        return r;
                }
        }
        env->flags |= FP_NV;
        return limit | sign_of(d);
}

static uint64_t from_fixed(struct fp_env *env, bool d, uint64_t x, bool is_unsigned, int fraction_bits)
{
        uint64_t r;

        if (d)
                r = is_unsigned ? fp64_from_u64(env, x) : fp64_from_i64(env, x);
        else
                r = is_unsigned ? fp32_from_u32(env, x) : fp32_from_i32(env, x);
        return mul(env, d, r, power(d, -fraction_bits));
}

/* Singles go by way of doubles; what saturates anyway is not scaled, that the product may not overflow. */
static uint64_t to_fixed(struct fp_env *env, bool d, uint64_t x, bool is_unsigned, int fraction_bits)
{
        env->rm = FP_RM_RTZ;
        if (!d)
                x = fp32_to_fp64(env, x);
        if ((x & ~sign_of(true)) < power(true, 64))
                x = fp64_mul(env, x, power(true, fraction_bits));
        if (d)
                return is_unsigned ? fp64_to_u64(env, x) : (uint64_t)fp64_to_i64(env, x);
        return is_unsigned ? fp64_to_u32(env, x) : (uint32_t)fp64_to_i32(env, x);
}

/* FCVTXN: doubles to singles, to odd. */
static void narrow_to_odd(struct vop *o, struct fp_env *env)
{
        env->rm = FP_RM_ODD;
        if (o->lanes == 1) {
                o->r[0] = fp64_to_fp32(env, o->n[0]);
                return;
        }
        if (o->q)
                o->r[0] = o->d[0];
        for (unsigned i = 0; i < 2; i++)
                vop_set(o->r, 2, i + 2 * o->q, fp64_to_fp32(env, o->n[i]));
}

static uint64_t fp_lane(struct vop *o, struct fp_env *env, unsigned lane)
{
        bool d = o->size == 3;
        uint64_t x = vop_get(o->n, o->size, lane);
        uint64_t y = vop_get(o->m, o->size, o->idx >= 0 ? (unsigned)o->idx : lane);
        int fraction_bits = (16 << o->size) - (int)o->sh;

        switch (o->row) {
        case A64_FMULX_V: case A64_FMULX_SC: case A64_FMULX_ELS: case A64_FMULX_SCELS:
                return mulx(env, d, x, y);
        case A64_FRECPS_V: case A64_FRECPS_SC: return recip_step(env, d, x, y);
        case A64_FRSQRTS_V: case A64_FRSQRTS_SC: return recip_sqrt_step(env, d, x, y);
        case A64_FRECPE_V: case A64_FRECPE_SC: return recip(env, d, x);
        case A64_FRSQRTE_V: case A64_FRSQRTE_SC: return recip_sqrt(env, d, x);
        case A64_FRECPX_SC: return recip_exponent(env, d, x);
        case A64_FRINT32Z: case A64_FRINT32Z_V: return round_to_int(env, d, x, true, 32);
        case A64_FRINT32X: case A64_FRINT32X_V: return round_to_int(env, d, x, false, 32);
        case A64_FRINT64Z: case A64_FRINT64Z_V: return round_to_int(env, d, x, true, 64);
        case A64_FRINT64X: case A64_FRINT64X_V: return round_to_int(env, d, x, false, 64);
        case A64_SCVTF_VI: case A64_SCVTF_SCI: return from_fixed(env, d, x, false, fraction_bits);
        case A64_UCVTF_VI: case A64_UCVTF_SCI: return from_fixed(env, d, x, true, fraction_bits);
        case A64_FCVTZS_VI: case A64_FCVTZS_SCI: return to_fixed(env, d, x, false, fraction_bits);
        case A64_FCVTZU_VI: case A64_FCVTZU_SCI: return to_fixed(env, d, x, true, fraction_bits);
        default: return 0;
        }
}

A64_HELP(vector_fp)
{
        const struct a64_insn_info *info = &a64_insns[a];
        struct vop o = take_apart(v, a, b);
        struct fp_env env = env_of(c);

        if (o.row == A64_FCVTXN || o.row == A64_FCVTXN_SC) {
                o.lanes = o.row == A64_FCVTXN_SC ? 1 : 2;
                narrow_to_odd(&o, &env);
        } else {
                for (unsigned i = 0; i < o.lanes; i++)
                        vop_set(o.r, o.size, i, fp_lane(&o, &env, i));
        }
        put_back(&o, info, b);
        v->ops->fp_flags_or(v, env.flags);
        return a64_done(0);
}
