/* SPDX-License-Identifier: MIT */
/*
 * Soft-float against the host's FPU, bits and flags, and against the texts it implements where the host has
 * no such mode: ties away from zero by exact arithmetic, rounding to odd and tininess before rounding from
 * their definitions, NaN rules and saturation from the manuals' tables. FP_TEST_CASES sets the cases an
 * operation (default 60000), FP_TEST_SEED the stream.
 */
#include <inttypes.h>

#include <glib.h>

#include "tests/fp/fp_test.h"

#define DEFAULT_CASES 60000

static uint64_t env_number(const char *name, uint64_t otherwise)
{
        const char *text = g_getenv(name);

        return text ? g_ascii_strtoull(text, NULL, 0) : otherwise;
}

static struct gen gen_start(const char *what)
{
        return (struct gen){.state = env_number("FP_TEST_SEED", 1) * 0x100000001b3 + g_str_hash(what)};
}

static uint64_t case_count(void)
{
        return env_number("FP_TEST_CASES", DEFAULT_CASES);
}

struct answer {
        uint64_t bits;
        uint8_t flags;  /* enum fp_flag */
};

static bool same(struct answer a, struct answer b)
{
        return a.bits == b.bits && a.flags == b.flags;
}

static bool check(const char *mode, const struct fp_op *op, const uint64_t *v, int rm, struct answer got,
                  struct answer want)
{
        if (same(got, want))
                return true;
        g_test_message("%s (%s, rm %d) of %#" PRIx64 " %#" PRIx64 " %#" PRIx64,
                       op->name, mode, rm, v[0], v[1], v[2]);
        g_test_message("  got %#" PRIx64 " flags %#x, want %#" PRIx64 " flags %#x",
                       got.bits, got.flags, want.bits, want.flags);
        g_test_fail();
        return false;
}

static struct answer run_soft(const struct fp_op *op, struct fp_env env, const uint64_t *v)
{
        struct answer r = {.bits = op->soft(&env, v)};

        r.flags = env.flags;
        return r;
}

/* MXCSR counts the directions differently: nearest, down, up, zero. */
static const uint8_t mxcsr_rc[4] = {[FP_RM_RNE] = 0, [FP_RM_RTZ] = 3, [FP_RM_RDN] = 1, [FP_RM_RUP] = 2};

static struct answer run_host(const struct fp_op *op, int rm, uint32_t mode, const uint64_t *v)
{
        static const uint8_t flag[6] = {FP_NV, FP_DE, FP_DZ, FP_OF, FP_UF, FP_NX};
        uint32_t mxcsr = MXCSR_MASKS | (uint32_t)mxcsr_rc[rm] << 13 | mode;
        struct answer r = {.bits = op->host(&mxcsr, v)};

        for (int i = 0; i < 6; i++)
                if (mxcsr >> i & 1)
                        r.flags |= flag[i];
        return r;
}

static uint64_t canonical_nan(enum kind k)
{
        return kind_inf(k) | kind_quiet_bit(k);
}

static bool is_inf_times_zero(const struct fp_op *op, const uint64_t *v)
{
        uint64_t a = v[0] & ~kind_sign_bit(op->in), b = v[1] & ~kind_sign_bit(op->in), inf = kind_inf(op->in);

        return op->exact == EXACT_FMA && ((a == inf && b == 0) || (a == 0 && b == inf));
}

static bool is_to_int(const struct fp_op *op)
{
        return kind_is_float(op->in) && op->out != KIND_REL && !kind_is_float(op->out);
}

/* What RISC-V's table of conversions gives for what does not fit. */
static uint64_t riscv_saturated(const struct fp_op *op, uint64_t v)
{
        bool neg = v & kind_sign_bit(op->in) && !is_nan(op->in, v);

        switch (op->out) {
        case KIND_I32:
                return neg ? 0x80000000u : 0x7fffffffu;
        case KIND_U32:
                return neg ? 0 : 0xffffffffu;
        case KIND_I64:
                return neg ? (uint64_t)1 << 63 : ~((uint64_t)1 << 63);
        default:
                return neg ? 0 : ~(uint64_t)0;
        }
}

/* Turn x86's answer into RISC-V's. */
static struct answer riscv_answer(const struct fp_op *op, const uint64_t *v, struct answer r)
{
        r.flags &= ~FP_DE;
        if (kind_is_float(op->out) && is_nan(op->out, r.bits))
                r.bits = canonical_nan(op->out);
        if (is_inf_times_zero(op, v))
                r.flags |= FP_NV;
        if (is_to_int(op) && r.flags & FP_NV)
                r.bits = riscv_saturated(op, v[0]);
        return r;
}

/* What rounding to nearest, ties away from zero, gives, from what the four other directions give. */
static struct answer rmm_answer(const struct fp_op *op, const uint64_t *v, const struct answer *by_rm)
{
        struct answer rtz = by_rm[FP_RM_RTZ], rne = by_rm[FP_RM_RNE];
        struct answer up = by_rm[FP_RM_RUP], down = by_rm[FP_RM_RDN], away = same(up, rtz) ? down : up;
        enum kind out = op->out;
        uint64_t lo = rtz.bits, hi = away.bits;

        if (rtz.flags & FP_NV || same(up, down) || !same(rne, rtz))
                return rne;
        /* Sums that are exactly zero depend on the direction too; nearbyint is inexact in silence. */
        if (!((up.flags | down.flags) & (FP_NX | FP_NV)) && op->exact != EXACT_SAME)
                return rne;
        if (is_to_int(op)) {
                /* The neighbour may not fit the type. */
                lo = out == KIND_I32 ? (uint64_t)(int32_t)lo : lo;
                hi = v[0] & kind_sign_bit(op->in) ? lo - 1 : lo + 1;
                out = KIND_I64;
        }
        if (!exact_is_middle(op, v, out, lo, hi))
                return rne;
        if (!is_to_int(op))
                away.flags = rne.flags; /* overflow and tininess are those of the other nearest rounding */
        return away;
}

/*
 * From the definitions: truncate and keep the last bit sticky; tiny if truncated below the smallest normal.
 */
static bool check_derived(const struct fp_op *op, const uint64_t *v, const struct answer *by_rm)
{
        struct answer rtz = by_rm[FP_RM_RTZ], odd = rtz;
        uint64_t magnitude = rtz.bits & ~kind_sign_bit(op->out);
        bool tiny = magnitude >> kind_frac_bits(op->out) == 0;
        bool ok = true;

        if (rtz.flags & FP_NX)
                odd.bits |= 1;
        ok = check("odd", op, v, FP_RM_ODD, run_soft(op, fp_env_riscv(FP_RM_ODD), v), odd);
        for (int rm = 0; rm < 4 && ok; rm++) {
                struct fp_env env = fp_env_riscv(rm);
                struct answer want = by_rm[rm];

                env.tininess_before = true;
                if (tiny && want.flags & FP_NX)
                        want.flags |= FP_UF;
                ok = check("tininess before", op, v, rm, run_soft(op, env, v), want);
        }
        return ok;
}

static bool check_case(const struct fp_op *op, const uint64_t *v, uint32_t flush)
{
        struct answer by_rm[4];
        bool ok = true;

        for (int rm = 0; rm < 4 && ok; rm++) {
                struct fp_env env = fp_env_x86(rm);
                struct answer soft;

                env.flush_in = flush & MXCSR_DAZ;
                env.flush_out = flush & MXCSR_FTZ ? FP_FLUSH_UF_NX : FP_FLUSH_OFF;
                by_rm[rm] = run_host(op, rm, flush, v);
                soft = run_soft(op, env, v);
                soft.flags &= ~FP_ID;
                ok = check("x86", op, v, rm, soft, by_rm[rm]);
        }
        if (flush || !ok || op->x86_only)
                return ok;
        for (int rm = 0; rm < 4 && ok; rm++) {
                by_rm[rm] = riscv_answer(op, v, by_rm[rm]);
                ok = check("riscv", op, v, rm, run_soft(op, fp_env_riscv(rm), v), by_rm[rm]);
        }
        if (op->out == KIND_REL || !ok)
                return ok;
        ok = check("riscv", op, v, FP_RM_RMM, run_soft(op, fp_env_riscv(FP_RM_RMM), v),
                   rmm_answer(op, v, by_rm));
        if (ok && kind_is_float(op->out) && !(op->exact == EXACT_SAME && op->in == op->out))
                ok = check_derived(op, v, by_rm);
        return ok;
}

static void test_host(const void *data)
{
        static const uint32_t modes[4] = {MXCSR_DAZ, MXCSR_FTZ, MXCSR_DAZ | MXCSR_FTZ, 0};
        const struct fp_op *op = data;
        struct gen g = gen_start(op->name);
        int wrong = 0;

        if (!host_supported()) {
                g_test_skip("the host has no FMA3");
                return;
        }
        for (uint64_t n = case_count(); n > 0 && wrong < 5; n--) {
                uint64_t v[3];

                gen_operands(&g, op, v);
                wrong += !check_case(op, v, n % 16 < 3 ? modes[n % 16] : 0);
        }
}

/* What the generator needs to know to make pairs of operands. */
static const struct fp_op shape_ops[2] = {
        {.name = "fp32 pair", .arity = 2, .in = KIND_F32},
        {.name = "fp64 pair", .arity = 2, .in = KIND_F64},
};

/* The order of bit patterns that are no NaNs, -0 below +0. */
static int64_t order_key(enum kind k, uint64_t bits)
{
        int64_t magnitude = (int64_t)(bits & ~kind_sign_bit(k));

        return bits & kind_sign_bit(k) ? -magnitude - 1 : magnitude;
}

static uint64_t soft_min_max(enum kind k, struct fp_env *env, uint64_t a, uint64_t b, bool max, bool number)
{
        if (k == KIND_F64 && number)
                return (max ? fp64_max : fp64_min)(env, a, b);
        if (k == KIND_F64)
                return (max ? fp64_max_nan : fp64_min_nan)(env, a, b);
        if (number)
                return (max ? fp32_max : fp32_min)(env, a, b);
        return (max ? fp32_max_nan : fp32_min_nan)(env, a, b);
}

static void test_min_max(const void *data)
{
        const struct fp_op *op = data;
        enum kind k = op->in;
        struct gen g = gen_start("min_max");

        for (uint64_t n = case_count(); n > 0; n--) {
                uint64_t v[3];

                gen_operands(&g, op, v);
                for (int mode = 0; mode < 4; mode++) {
                        bool max = mode & 1, number = mode & 2;
                        bool nan_a = is_nan(k, v[0]), nan_b = is_nan(k, v[1]);
                        struct fp_env env = fp_env_riscv(FP_RM_RNE);
                        uint64_t got = soft_min_max(k, &env, v[0], v[1], max, number), want;

                        if ((nan_a && nan_b) || ((nan_a || nan_b) && !number))
                                want = canonical_nan(k);
                        else if (nan_a || nan_b)
                                want = nan_a ? v[1] : v[0];
                        else
                                want = (order_key(k, v[0]) < order_key(k, v[1])) == max ? v[1] : v[0];
                        g_assert_cmphex(got, ==, want);
                        g_assert_cmphex(env.flags, ==, is_snan(k, v[0]) || is_snan(k, v[1]) ? FP_NV : 0);
                }
        }
}

/* The RISC-V compares say what the relation says, and raise what it raises. */
/* minNum of 2008: a number beats a quiet NaN, else as the minimum that passes NaNs on. */
static void test_num2008(const void *data)
{
        const struct fp_op *op = data;
        enum kind k = op->in;
        struct gen g = gen_start("num2008");

        for (uint64_t n = case_count(); n > 0; n--) {
                struct fp_env have = fp_env_arm(FP_RM_RNE), want = have;
                bool max = n & 1;
                uint64_t v[3], r, expect;

                gen_operands(&g, op, v);
                r = k == KIND_F64 ? (max ? fp64_max_num2008 : fp64_min_num2008)(&have, v[0], v[1])
                                  : (max ? fp32_max_num2008 : fp32_min_num2008)(&have, v[0], v[1]);
                if (is_nan(k, v[0]) && !is_snan(k, v[0]) && !is_nan(k, v[1]))
                        expect = v[1];
                else if (is_nan(k, v[1]) && !is_snan(k, v[1]) && !is_nan(k, v[0]))
                        expect = v[0];
                else
                        expect = soft_min_max(k, &want, v[0], v[1], max, false);
                g_assert_cmphex(r, ==, expect);
                g_assert_cmphex(have.flags, ==, want.flags);
        }
}

/* From double by way of a single that is rounded to odd, which keeps what the second rounding must know. */
static void test_half_of_double(void)
{
        static const struct fp_op op = {.name = "half", .arity = 1, .in = KIND_F32};
        struct gen g = gen_start("half");

        for (uint64_t n = case_count(); n > 0; n--) {
                struct fp_env odd = fp_env_arm(FP_RM_ODD), narrow = fp_env_arm(n % 4), direct = narrow,
                        wide = odd;
                uint64_t v[3], d;
                uint16_t r;

                gen_operands(&g, &op, v);
                d = fp32_to_fp64(&wide, v[0]);
                d |= is_nan(KIND_F64, d) ? 0 : gen_u64(&g) & 0x1fffffff & -(gen_u64(&g) & 1);
                if ((d << 1 >> 53) < 1023 - 100 || is_nan(KIND_F64, d)) /* the single would underflow */
                        continue;
                r = fp32_to_fp16(&narrow, fp64_to_fp32(&odd, d), n >> 2 & 1);
                g_assert_cmphex(fp64_to_fp16(&direct, d, n >> 2 & 1), ==, r);
                if (!((odd.flags | narrow.flags) & (FP_OF | FP_NV)))
                        g_assert_cmphex(direct.flags, ==, odd.flags | narrow.flags);
        }
}

/* ARM's alternative half: 31 is an exponent as any other. */
static void test_half_alternative(void)
{
        for (unsigned bits = 0; bits < 0x10000; bits++) {
                struct fp_env env = fp_env_arm(FP_RM_RNE);
                unsigned exp = bits >> 10 & 31, frac = bits & 0x3ff;
                int64_t units = (exp ? 0x400 + frac : frac) * (1ll << (exp ? exp - 1 : 0)); /* of 2^-24 */
                uint64_t want = fp64_from_i64(&env, units), got = fp16_to_fp64(&env, bits, true);

                if (units)
                        want -= 24ull << 52;
                want |= (uint64_t)(bits >> 15) << 63;
                g_assert_cmphex(got, ==, want);
                g_assert_cmphex(fp64_to_fp16(&env, want, true), ==, bits);
                g_assert_cmphex(fp32_to_fp16(&env, fp16_to_fp32(&env, bits, true), true), ==, bits);
                g_assert_cmphex(env.flags, ==, 0);
        }
        struct fp_env env = fp_env_arm(FP_RM_RNE);

        g_assert_cmphex(fp32_to_fp16(&env, 0x47ffefff, true), ==,
                        0x7fff); /* just below half way beyond the end */
        g_assert_cmphex(env.flags, ==, FP_NX);
        env.flags = 0;
        g_assert_cmphex(fp32_to_fp16(&env, 0xc7fff000, true), ==, 0xffff); /* half way: would round up */
        g_assert_cmphex(env.flags, ==, FP_NV);
        env.flags = 0;
        g_assert_cmphex(fp32_to_fp16(&env, 0x7f800000, true), ==, 0x7fff);
        g_assert_cmphex(fp32_to_fp16(&env, 0xffc00000, true), ==, 0x8000);
        g_assert_cmphex(env.flags, ==, FP_NV);
}

static void test_compare(const void *data)
{
        static const struct {
                bool (*f32)(struct fp_env *env, uint32_t a, uint32_t b);
                bool (*f64)(struct fp_env *env, uint64_t a, uint64_t b);
                bool signaling, less, equal;
        } rows[] = {
                {fp32_eq, fp64_eq, false, false, true},
                {fp32_lt, fp64_lt, true, true, false},
                {fp32_le, fp64_le, true, true, true},
                {fp32_lt_quiet, fp64_lt_quiet, false, true, false},
                {fp32_le_quiet, fp64_le_quiet, false, true, true},
        };
        const struct fp_op *op = data;
        bool is64 = op->in == KIND_F64;
        struct gen g = gen_start("compare");

        for (uint64_t n = case_count() / 4; n > 0; n--) {
                uint64_t v[3];

                gen_operands(&g, op, v);
                for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                        struct fp_env env = fp_env_riscv(0), ref = env;
                        bool sig = rows[i].signaling;
                        int rel = is64 ? fp64_compare(&ref, v[0], v[1], sig) :
                                         fp32_compare(&ref, v[0], v[1], sig);
                        bool got = is64 ? rows[i].f64(&env, v[0], v[1]) : rows[i].f32(&env, v[0], v[1]);

                        g_assert_cmpint(got, ==, (rel == FP_LESS && rows[i].less) ||
                                                 (rel == FP_EQUAL && rows[i].equal));
                        g_assert_cmphex(env.flags, ==, ref.flags);
                }
        }
}

static void test_class(void)
{
        static const struct {
                uint32_t f32;
                uint64_t f64;
                enum fp_class class;
                int bit;
        } rows[] = {
                {0xff800000, 0xfff0000000000000, FP_CLASS_INF, 0},
                {0xff7fffff, 0xffefffffffffffff, FP_CLASS_NORMAL, 1},
                {0x80800000, 0x8010000000000000, FP_CLASS_NORMAL, 1},
                {0x807fffff, 0x800fffffffffffff, FP_CLASS_SUBNORMAL, 2},
                {0x80000001, 0x8000000000000001, FP_CLASS_SUBNORMAL, 2},
                {0x80000000, 0x8000000000000000, FP_CLASS_ZERO, 3},
                {0x00000000, 0x0000000000000000, FP_CLASS_ZERO, 4},
                {0x00000001, 0x0000000000000001, FP_CLASS_SUBNORMAL, 5},
                {0x007fffff, 0x000fffffffffffff, FP_CLASS_SUBNORMAL, 5},
                {0x00800000, 0x0010000000000000, FP_CLASS_NORMAL, 6},
                {0x7f7fffff, 0x7fefffffffffffff, FP_CLASS_NORMAL, 6},
                {0x7f800000, 0x7ff0000000000000, FP_CLASS_INF, 7},
                {0x7f800001, 0x7ff0000000000001, FP_CLASS_SNAN, 8},
                {0xffbfffff, 0xfff7ffffffffffff, FP_CLASS_SNAN, 8},
                {0x7fc00000, 0x7ff8000000000000, FP_CLASS_QNAN, 9},
                {0xffffffff, 0xffffffffffffffff, FP_CLASS_QNAN, 9},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_assert_cmpint(fp32_class(rows[i].f32), ==, rows[i].class);
                g_assert_cmpint(fp64_class(rows[i].f64), ==, rows[i].class);
                g_assert_cmphex(fp32_fclass(rows[i].f32), ==, 1u << rows[i].bit);
                g_assert_cmphex(fp64_fclass(rows[i].f64), ==, 1u << rows[i].bit);
        }
}

/* Every conversion to integer, for each class of what does not fit, in each of the three ways. */
static void test_saturation(void)
{
        const uint64_t nan = 0x7ff8000000000000, neg_nan = 0xfff8000000000000, inf = 0x7ff0000000000000;
        const uint64_t neg_inf = 0xfff0000000000000, neg_one = 0xbff0000000000000;
        static const struct {
                bool nan, neg;
                enum fp_int_mode mode;
                int32_t i32;
                uint32_t u32;
                int64_t i64;
                uint64_t u64;
        } rows[] = {
                {true, false, FP_INTMODE_RISCV, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX},
                {true, true, FP_INTMODE_RISCV, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX},
                {false, false, FP_INTMODE_RISCV, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX},
                {false, true, FP_INTMODE_RISCV, INT32_MIN, 0, INT64_MIN, 0},
                {true, false, FP_INTMODE_ARM, 0, 0, 0, 0},
                {true, true, FP_INTMODE_ARM, 0, 0, 0, 0},
                {false, false, FP_INTMODE_ARM, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX},
                {false, true, FP_INTMODE_ARM, INT32_MIN, 0, INT64_MIN, 0},
                {true, false, FP_INTMODE_X86, INT32_MIN, UINT32_MAX, INT64_MIN, UINT64_MAX},
                {false, false, FP_INTMODE_X86, INT32_MIN, UINT32_MAX, INT64_MIN, UINT64_MAX},
                {false, true, FP_INTMODE_X86, INT32_MIN, UINT32_MAX, INT64_MIN, UINT64_MAX},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                uint64_t a = rows[i].nan ? (rows[i].neg ? neg_nan : nan) : rows[i].neg ? neg_inf : inf;
                struct fp_env env = fp_env_riscv(FP_RM_RNE);

                env.int_mode = rows[i].mode;
                for (int is32 = 0; is32 < 2; is32++) {
                        uint32_t b = fp64_to_fp32(&env, a);

                        b |= (uint32_t)rows[i].neg << 31;
                        env.flags = 0;
                        g_assert_cmpint(is32 ? fp32_to_i32(&env, b) : fp64_to_i32(&env, a), ==, rows[i].i32);
                        g_assert_cmphex(env.flags, ==, FP_NV);
                        env.flags = 0;
                        g_assert_cmphex(is32 ? fp32_to_u32(&env, b) : fp64_to_u32(&env, a), ==, rows[i].u32);
                        g_assert_cmphex(env.flags, ==, FP_NV);
                        env.flags = 0;
                        g_assert_cmpint(is32 ? fp32_to_i64(&env, b) : fp64_to_i64(&env, a), ==, rows[i].i64);
                        g_assert_cmphex(env.flags, ==, FP_NV);
                        env.flags = 0;
                        g_assert_cmphex(is32 ? fp32_to_u64(&env, b) : fp64_to_u64(&env, a), ==, rows[i].u64);
                        g_assert_cmphex(env.flags, ==, FP_NV);
                }
        }
        for (int rm = 0; rm <= FP_RM_RMM; rm++) {
                /* -1 never fits an unsigned type; -0.25 does unless it is rounded down. */
                struct fp_env env = fp_env_riscv(rm);

                g_assert_cmphex(fp64_to_u32(&env, neg_one), ==, 0);
                g_assert_cmphex(env.flags, ==, FP_NV);
                env.flags = 0;
                g_assert_cmphex(fp64_to_u32(&env, 0xbfd0000000000000), ==, 0);
                g_assert_cmphex(env.flags, ==, rm == FP_RM_RDN ? FP_NV : FP_NX);
        }
}

/* Arm's choice among NaNs (FPProcessNaNs, FPProcessNaNs3, FPMulAdd), default NaNs, and the fused invalid. */
static void test_nan_rules(void)
{
        const uint64_t q1 = 0x7ff8000000000001, q2 = 0xfff8000000000002, q3 = 0x7ff8000000000003;
        const uint64_t s1 = 0x7ff0000000000011, s2 = 0xfff0000000000012, quiet = 0x0008000000000000;
        const uint64_t one = 0x3ff0000000000000, inf = 0x7ff0000000000000, def = 0x7ff8000000000000;
        static const uint64_t sign = (uint64_t)1 << 63;
        struct {
                uint64_t a, b, c, want;
                uint8_t flags;
        } rows[] = {
                {q1, one, one, q1, 0},
                {q1, q2, one, q1, 0},
                {one, q2, one, q2, 0},
                {q1, q2, q3, q3, 0},
                {q1, s2, q3, s2 | quiet, FP_NV},
                {s1, s2, q3, s1 | quiet, FP_NV},
                {s1, q2, s2, s2 | quiet, FP_NV},
                {inf, 0, one, def, FP_NV},
                {inf, 0, q3, def, FP_NV},
                {0, inf, s1, s1 | quiet, FP_NV},
                {inf, one, inf | sign, def, FP_NV},
        };
        struct fp_env env = fp_env_arm(FP_RM_RNE);

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                env.flags = 0;
                env.default_nan = false;
                g_assert_cmphex(fp64_fma(&env, rows[i].a, rows[i].b, rows[i].c), ==, rows[i].want);
                g_assert_cmphex(env.flags, ==, rows[i].flags);
                env.default_nan = true;
                g_assert_cmphex(fp64_fma(&env, rows[i].a, rows[i].b, rows[i].c), ==, def);
                g_assert_cmphex(env.flags, ==, rows[i].flags);
        }
        env = fp_env_arm(FP_RM_RNE);
        g_assert_cmphex(fp64_add(&env, q1, q2), ==, q1);
        g_assert_cmphex(env.flags, ==, 0);
        g_assert_cmphex(fp64_add(&env, q1, s2), ==, s2 | quiet);
        g_assert_cmphex(env.flags, ==, FP_NV);
        g_assert_cmphex(fp64_sub(&env, one, q2), ==, q2);
        g_assert_cmphex(fp64_to_fp32(&env, s2 | (uint64_t)5 << 29), ==, 0xffc00005);
        g_assert_cmphex(fp64_sqrt(&env, one | sign), ==, def);
}

/* Arm flushes what is tiny before rounding, raising underflow alone, and reports operands it flushed. */
static void test_arm_flush(void)
{
        const uint64_t min_normal = 0x0010000000000000, below_one = 0x3fefffffffffffff;
        const uint64_t sign = (uint64_t)1 << 63;
        const uint64_t half = 0x3fe0000000000000, subnormal = 0x0000000000000123;
        struct fp_env env = fp_env_arm(FP_RM_RUP);

        /* This product rounds up to the smallest normal, but was tiny. */
        g_assert_cmphex(fp64_mul(&env, min_normal, below_one), ==, min_normal);
        g_assert_cmphex(env.flags, ==, FP_UF | FP_NX);
        env = fp_env_arm(FP_RM_RUP);
        env.flush_in = true;
        env.flush_out = FP_FLUSH_UF;
        g_assert_cmphex(fp64_mul(&env, min_normal, below_one), ==, 0);
        g_assert_cmphex(env.flags, ==, FP_UF);
        env.flags = 0;
        g_assert_cmphex(fp64_mul(&env, min_normal | sign, half), ==, sign);
        g_assert_cmphex(env.flags, ==, FP_UF);
        env.flags = 0;
        g_assert_cmphex(fp64_add(&env, subnormal | sign, half), ==, half);
        g_assert_cmphex(env.flags, ==, FP_ID);
        env.flags = 0;
        g_assert_cmphex(fp64_max(&env, subnormal | sign, sign), ==, sign);
        g_assert_cmphex(env.flags, ==, FP_ID);
        env.flags = 0;
        g_assert_true(fp64_eq(&env, subnormal, subnormal | sign));
        g_assert_cmphex(env.flags, ==, FP_ID);
}

/*
 * A sum that carries must not lose the one bit that tells it from a tie. Here 2^78 + 1 (the product of 2^26 +
 * 1 and 2^52 - 2^26 + 1), scaled to end 78 places below half a unit, is added to the largest value below 2:
 * the result is 2 and a bit more than half a unit.
 */
static void test_carry_keeps_sticky(void)
{
        const uint64_t a = 0x4190000004000000, b = 0x3b1ffffff8000002, below_two = 0x3fffffffffffffff;
        struct fp_env env = fp_env_riscv(FP_RM_RNE);

        g_assert_cmphex(fp64_fma(&env, a, b, below_two), ==, 0x4000000000000001);
        g_assert_cmphex(env.flags, ==, FP_NX);
}

/* Flags only accumulate. */
static void test_sticky(void)
{
        struct fp_env env = fp_env_riscv(FP_RM_RNE);

        env.flags = FP_OF;
        fp64_div(&env, 0x3ff0000000000000, 0);
        fp64_add(&env, 0x3ff0000000000000, 0x3ff0000000000000);
        g_assert_cmphex(env.flags, ==, FP_OF | FP_DZ);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/fp/class", test_class);
        g_test_add_func("/fp/saturation", test_saturation);
        g_test_add_func("/fp/nan-rules", test_nan_rules);
        g_test_add_func("/fp/arm-flush", test_arm_flush);
        g_test_add_func("/fp/carry-keeps-sticky", test_carry_keeps_sticky);
        g_test_add_func("/fp/sticky", test_sticky);
        g_test_add_data_func("/fp/min-max/fp32", &shape_ops[0], test_min_max);
        g_test_add_data_func("/fp/min-max/fp64", &shape_ops[1], test_min_max);
        g_test_add_data_func("/fp/num2008/fp32", &shape_ops[0], test_num2008);
        g_test_add_data_func("/fp/num2008/fp64", &shape_ops[1], test_num2008);
        g_test_add_func("/fp/half-of-double", test_half_of_double);
        g_test_add_func("/fp/half-alternative", test_half_alternative);
        g_test_add_data_func("/fp/compare/fp32", &shape_ops[0], test_compare);
        g_test_add_data_func("/fp/compare/fp64", &shape_ops[1], test_compare);
        for (int i = 0; i < host_op_count; i++) {
                char *path = g_strdup_printf("/fp/host/%s", host_ops[i].name);

                g_test_add_data_func(path, &host_ops[i], test_host);
                g_free(path);
        }
        return g_test_run();
}
