/* SPDX-License-Identifier: MIT */
/* See x87.h. Stateless but for the caller's fp_env. */
#include "frontend/fp/x87.h"

#include "frontend/fp/parts_arith.h"
#include "frontend/fp/parts_convert.h"

enum { EXP_MAX = 0x7fff, BIAS = 16383 };

/* ---- in and out ---- */

static bool is_unsupported(struct fp80 a)
{
        return (a.sign_exp & EXP_MAX) && !(a.significand >> 63);
}

/* What is not supported is no number here; callers look for it first. */
static struct fp_parts unpack(struct fp80 a)
{
        int biased = a.sign_exp & EXP_MAX;
        struct fp_parts p = {
                .sign = a.sign_exp >> 15, .exp = biased - BIAS, .kind = FP_KIND_FINITE,
                .frac = (fp_u128)a.significand << 64,
        };

        if (biased == EXP_MAX) {
                p.frac &= ~FP_LEADING;
                p.kind = !p.frac ? FP_KIND_INF : p.frac & FP_QUIET_BIT ? FP_KIND_QNAN : FP_KIND_SNAN;
        } else if (a.significand == 0) {
                p.kind = FP_KIND_ZERO;
        } else if (biased == 0) {
                int shift = fp_clz128(p.frac); /* 0 of a pseudo-denormal, which is one all the same */

                p.frac <<= shift;
                p.exp = 1 - BIAS - shift;
                p.denormal = true;
        }
        return p;
}

static struct fp80 encode(bool sign, int biased, uint64_t significand)
{
        return (struct fp80){significand, (uint16_t)(sign << 15 | biased)};
}

/* Rounds at @unit; FP_NX and FP_UP tell how. The carry out of the top is the caller's to see. */
static fp_u128 round_at(struct fp_env *env, bool sign, fp_u128 frac, fp_u128 unit)
{
        if (!(frac & (unit - 1)))
                return frac;
        env->flags |= FP_NX;
        if (fp_frac_rounds_away(env->rm, sign, frac, unit)) {
                env->flags |= FP_UP;
                return (frac & -unit) + unit;
        }
        return frac & -unit;
}

static struct fp80 pack_tiny(struct fp_env *env, const struct fp_parts *p, fp_u128 unit)
{
        int biased = p->exp + BIAS;
        bool tiny = biased < 0 || p->frac < -unit || !fp_frac_rounds_away(env->rm, p->sign, p->frac, unit);
        uint8_t before = env->flags;
        fp_u128 frac;

        env->flags &= (uint8_t)~FP_NX;
        frac = round_at(env, p->sign, fp_shr_jam(p->frac, 1 - biased), unit);
        if (tiny && (env->flags & FP_NX))
                env->flags |= FP_UF;
        env->flags |= before & FP_NX;
        return encode(p->sign, frac >> 127, frac >> 64);
}

static struct fp80 pack(struct fp_env *env, const struct fp_parts *p, unsigned precision)
{
        fp_u128 unit = (fp_u128)1 << (128 - precision), frac;
        int biased = p->exp + BIAS;

        switch (p->kind) {
        case FP_KIND_ZERO:
                return encode(p->sign, 0, 0);
        case FP_KIND_FINITE:
                break;
        default:
                return encode(p->sign, EXP_MAX, p->frac >> 64 | 1ull << 63);
        }
        if (biased <= 0)
                return pack_tiny(env, p, unit);
        frac = round_at(env, p->sign, p->frac, unit);
        if (!frac) { /* carried out of the top */
                frac = FP_LEADING;
                biased++;
        }
        if (biased >= EXP_MAX) {
                env->flags |= FP_OF | FP_NX;
                if (fp_rounds_away(env->rm, p->sign, true, 1)) {
                        env->flags |= FP_UP;
                        return encode(p->sign, EXP_MAX, 1ull << 63);
                }
                env->flags &= (uint8_t)~FP_UP;
                return encode(p->sign, EXP_MAX - 1, (uint64_t)(-unit >> 64));
        }
        return encode(p->sign, biased, frac >> 64);
}

static struct fp80 indefinite(struct fp_env *env)
{
        env->flags |= FP_NV;
        return encode(true, EXP_MAX, 3ull << 62);
}

static unsigned precision_of(const struct fp_env *env)
{
        return env->precision ? env->precision : 64;
}

/* ---- arithmetic ---- */

struct fp80 fp80_add(struct fp_env *env, struct fp80 a, struct fp80 b)
{
        struct fp_parts x = unpack(a), y = unpack(b), r;

        if (is_unsupported(a) || is_unsupported(b))
                return indefinite(env);
        r = parts_add(env, &x, &y, false);
        return pack(env, &r, precision_of(env));
}

struct fp80 fp80_sub(struct fp_env *env, struct fp80 a, struct fp80 b)
{
        struct fp_parts x = unpack(a), y = unpack(b), r;

        if (is_unsupported(a) || is_unsupported(b))
                return indefinite(env);
        r = parts_add(env, &x, &y, true);
        return pack(env, &r, precision_of(env));
}

struct fp80 fp80_mul(struct fp_env *env, struct fp80 a, struct fp80 b)
{
        struct fp_parts x = unpack(a), y = unpack(b), r;

        if (is_unsupported(a) || is_unsupported(b))
                return indefinite(env);
        r = parts_mul(env, &x, &y);
        return pack(env, &r, precision_of(env));
}

struct fp80 fp80_div(struct fp_env *env, struct fp80 a, struct fp80 b)
{
        struct fp_parts x = unpack(a), y = unpack(b), r;

        if (is_unsupported(a) || is_unsupported(b))
                return indefinite(env);
        r = parts_div(env, &x, &y);
        return pack(env, &r, precision_of(env));
}

struct fp80 fp80_sqrt(struct fp_env *env, struct fp80 a)
{
        struct fp_parts x = unpack(a), r;

        if (is_unsupported(a))
                return indefinite(env);
        r = parts_sqrt(env, &x);
        return pack(env, &r, precision_of(env));
}

enum fp_rel fp80_compare(struct fp_env *env, struct fp80 a, struct fp80 b, bool signaling)
{
        struct fp_parts x = unpack(a), y = unpack(b);

        if (is_unsupported(a) || is_unsupported(b)) {
                env->flags |= FP_NV;
                return FP_UNORDERED;
        }
        return parts_compare(env, &x, &y, signaling);
}

/* ---- conversions ---- */

struct fp80 fp80_round_int(struct fp_env *env, struct fp80 a)
{
        struct fp_parts p = unpack(a), r;

        if (is_unsupported(a))
                return indefinite(env);
        if (fp_is_nan(&p)) {
                r = fp_pick_nan1(env, &p);
                return pack(env, &r, 64);
        }
        fp_note_denormal(env, p.denormal);
        r = p;
        if (p.kind == FP_KIND_FINITE && parts_round_int(&r, env->rm)) {
                env->flags |= FP_NX;
                if (r.kind == FP_KIND_FINITE && (r.exp > p.exp || (r.exp == p.exp && r.frac > p.frac)))
                        env->flags |= FP_UP;
        }
        return pack(env, &r, 64);
}

static struct fp80 from_parts(struct fp_env *env, const struct fp_parts *p)
{
        struct fp_parts r = parts_convert(env, p);

        return pack(env, &r, 64);
}

struct fp80 fp80_from_fp32(struct fp_env *env, uint32_t a)
{
        struct fp_parts p = fp_unpack(env, a, fp_binary32);

        return from_parts(env, &p);
}

struct fp80 fp80_from_fp64(struct fp_env *env, uint64_t a)
{
        struct fp_parts p = fp_unpack(env, a, fp_binary64);

        return from_parts(env, &p);
}

/*
 * To a narrower format. The FPU notes no subnormal operand here; the other flags are those of the rounding,
 * whose direction shows in the magnitude.
 */
static uint64_t to_narrow(struct fp_env *env, struct fp80 a, struct fp_format f)
{
        struct fp_parts p = unpack(a), r, back;
        struct fp_env plain = {0};
        uint64_t bits;

        if (is_unsupported(a)) {
                env->flags |= FP_NV;
                r = fp_default_nan(env);
                return fp_round_pack(env, &r, f);
        }
        p.denormal = false;
        r = parts_convert(env, &p);
        bits = fp_round_pack(env, &r, f);
        if (p.kind == FP_KIND_FINITE) {
                back = fp_unpack(&plain, bits, f);
                if (back.kind == FP_KIND_INF ||
                    (back.kind == FP_KIND_FINITE && parts_order(&back, &p, false) ==
                                                            (p.sign ? FP_LESS : FP_GREATER)))
                        env->flags |= FP_UP;
        }
        return bits;
}

uint32_t fp80_to_fp32(struct fp_env *env, struct fp80 a)
{
        return to_narrow(env, a, fp_binary32);
}

uint64_t fp80_to_fp64(struct fp_env *env, struct fp80 a)
{
        return to_narrow(env, a, fp_binary64);
}

struct fp80 fp80_from_i64(int64_t a)
{
        struct fp_parts p = parts_from_int(a < 0 ? -(uint64_t)a : (uint64_t)a, a < 0);
        struct fp_env plain = {0};

        return pack(&plain, &p, 64);
}

static int64_t to_int(struct fp_env *env, struct fp80 a, unsigned bits)
{
        struct fp_parts p = unpack(a), r = p;
        uint64_t v, least = ~0ull << (bits - 1);

        if (is_unsupported(a)) {
                env->flags |= FP_NV;
                return (int64_t)least;
        }
        v = parts_to_int(env, &p, bits == 16 ? 32 : (int)bits, true);
        if (bits == 16 && (int16_t)v != (int64_t)v) {
                env->flags = (env->flags & ~FP_NX) | FP_NV;
                return (int64_t)least;
        }
        if ((env->flags & FP_NX) && !(env->flags & FP_NV) && r.kind == FP_KIND_FINITE) {
                struct fp_parts back = parts_from_int(r.sign ? -v : v, r.sign);

                if (back.kind == FP_KIND_FINITE &&
                    parts_order(&back, &r, false) == (r.sign ? FP_LESS : FP_GREATER))
                        env->flags |= FP_UP;
        }
        return (int64_t)v;
}

int64_t fp80_to_i64(struct fp_env *env, struct fp80 a)
{
        return to_int(env, a, 64);
}

int32_t fp80_to_i32(struct fp_env *env, struct fp80 a)
{
        return (int32_t)to_int(env, a, 32);
}

int16_t fp80_to_i16(struct fp_env *env, struct fp80 a)
{
        return (int16_t)to_int(env, a, 16);
}

/* ---- exponents and remainders ---- */

struct fp80 fp80_scale(struct fp_env *env, struct fp80 a, struct fp80 b)
{
        struct fp_parts x = unpack(a), y = unpack(b), r;
        int64_t n = 0;

        if (is_unsupported(a) || is_unsupported(b))
                return indefinite(env);
        if (fp_is_nan(&x) || fp_is_nan(&y)) {
                r = fp_pick_nan2(env, &x, &y);
                return pack(env, &r, 64);
        }
        if (y.kind == FP_KIND_INF) {
                if (x.kind == (y.sign ? FP_KIND_INF : FP_KIND_ZERO))
                        return indefinite(env);
                fp_note_denormal(env, x.denormal);
                x.kind = y.sign ? FP_KIND_ZERO : FP_KIND_INF;
                x.frac = 0;
                return pack(env, &x, 64);
        }
        fp_note_denormal(env, x.denormal | y.denormal);
        if (y.kind == FP_KIND_FINITE && y.exp >= 0)
                n = y.exp > 16 ? 1 << 17 : (int64_t)(uint64_t)(y.frac >> (127 - y.exp));
        if (x.kind == FP_KIND_FINITE)
                x.exp += (int)(y.sign ? -n : n);
        return pack(env, &x, 64);
}

struct fp80 fp80_xtract(struct fp_env *env, struct fp80 a, struct fp80 *significand)
{
        struct fp_parts x = unpack(a), r;
        struct fp80 nan;

        if (is_unsupported(a))
                return *significand = indefinite(env);
        if (fp_is_nan(&x)) {
                r = fp_pick_nan1(env, &x);
                nan = pack(env, &r, 64);
                *significand = nan;
                return nan;
        }
        *significand = a;
        if (x.kind == FP_KIND_INF)
                return encode(false, EXP_MAX, 1ull << 63);
        if (x.kind == FP_KIND_ZERO) {
                env->flags |= FP_DZ;
                return encode(true, EXP_MAX, 1ull << 63);
        }
        fp_note_denormal(env, x.denormal);
        *significand = encode(x.sign, BIAS, x.frac >> 64);
        return fp80_from_i64(x.exp);
}

/* a mod b by long division, a bit a step, as many as @steps; the quotient's low bits. */
static uint64_t divide_steps(fp_u128 *rest, fp_u128 b, int steps)
{
        uint64_t q = 0;

        for (; steps >= 0; steps--) {
                q <<= 1;
                if (*rest >= b) {
                        *rest -= b;
                        q |= 1;
                }
                if (steps)
                        *rest <<= 1;
        }
        return q;
}

struct fp80 fp80_rem(struct fp_env *env, struct fp80 a, struct fp80 b, bool nearest, unsigned *quotient,
                     bool *partial)
{
        struct fp_parts x = unpack(a), y = unpack(b), r;
        fp_u128 rest, divisor;
        uint64_t q = 0;
        int gap;

        *quotient = 0;
        *partial = false;
        if (is_unsupported(a) || is_unsupported(b))
                return indefinite(env);
        if (fp_is_nan(&x) || fp_is_nan(&y)) {
                r = fp_pick_nan2(env, &x, &y);
                return pack(env, &r, 64);
        }
        if (x.kind == FP_KIND_INF || y.kind == FP_KIND_ZERO)
                return indefinite(env);
        fp_note_denormal(env, x.denormal | y.denormal);
        if (x.kind == FP_KIND_ZERO || y.kind == FP_KIND_INF || x.exp < y.exp - 1)
                return pack(env, &x, 64);
        /* Significands of 64 bits, with room for a doubling. */
        rest = x.frac >> 64;
        divisor = y.frac >> 64;
        gap = x.exp - y.exp;
        if (gap >= 64) { /* a multiple of b is taken off that leaves an exponent less than a's by 32 to 63 */
                int n = 32 + gap % 32;

                divide_steps(&rest, divisor, n);
                *partial = true;
                gap -= n;
        } else if (gap >= 0) {
                q = divide_steps(&rest, divisor, gap);
                gap = 0;
        } else { /* a is less than b: half of b is what matters to the nearest */
                divisor <<= 1;
        }
        r = (struct fp_parts){.kind = rest ? FP_KIND_FINITE : FP_KIND_ZERO, .sign = x.sign};
        if (nearest && !*partial && (2 * rest > divisor || (2 * rest == divisor && (q & 1)))) {
                rest = divisor - rest;
                r.sign = !r.sign;
                q++;
        }
        if (rest) {
                int shift = fp_clz128(rest);

                r.kind = FP_KIND_FINITE;
                r.frac = rest << shift;
                r.exp = y.exp + gap + 64 - shift;
        }
        *quotient = q & 7;
        return pack(env, &r, 64);
}

enum fp80_class fp80_class(struct fp80 a)
{
        int biased = a.sign_exp & EXP_MAX;

        if (is_unsupported(a))
                return FP80_UNSUPPORTED;
        if (biased == EXP_MAX)
                return a.significand << 1 ? FP80_NAN : FP80_INF;
        if (biased == 0)
                return a.significand ? FP80_DENORMAL : FP80_ZERO;
        return FP80_NORMAL;
}
