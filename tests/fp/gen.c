/* SPDX-License-Identifier: MIT */
/*
 * Operands for the soft-float tests: special values, values with few or many bits set, and operands made from
 * one another so that sums cancel, products and quotients land next to ties, and results brush against the
 * ends of the range. Reproducible from a seed.
 */
#include "tests/fp/fp_test.h"

uint64_t gen_u64(struct gen *g)
{
        /* splitmix64 */
        uint64_t z = g->state += 0x9e3779b97f4a7c15;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
}

static unsigned gen_below(struct gen *g, unsigned n)
{
        return (unsigned)((gen_u64(g) >> 32) * n >> 32);
}

/* Bits with structure: a run of ones, a few ones, a few zeros, or anything. */
static uint64_t gen_pattern(struct gen *g)
{
        uint64_t x = 0;

        switch (gen_below(g, 6)) {
        case 0:
                return 0;
        case 1:
                return ~(uint64_t)0;
        case 2:
                return ~(uint64_t)0 << gen_below(g, 64) ^ ~(uint64_t)0 << gen_below(g, 64);
        case 3:
        case 4:
                for (int n = gen_below(g, 4); n >= 0; n--)
                        x |= (uint64_t)1 << gen_below(g, 64);
                return gen_below(g, 2) ? x : ~x;
        default:
                return gen_u64(g);
        }
}

static uint64_t gen_integer(struct gen *g, enum kind k)
{
        uint64_t x = gen_pattern(g);

        if (gen_below(g, 2))
                x >>= gen_below(g, 64);
        if (gen_below(g, 4) == 0)
                x += gen_below(g, 5) - 2;
        if (gen_below(g, 2))
                x = -x;
        return k == KIND_I32 || k == KIND_U32 ? (uint32_t)x : x;
}

/* A biased exponent: at an end, near 1, near an integer type's end, or anywhere. */
static int gen_exponent(struct gen *g, enum kind k)
{
        int max = kind_exp_max(k), bias = max / 2;

        switch (gen_below(g, 8)) {
        case 0:
                return gen_below(g, 3);
        case 1:
                return max - gen_below(g, 3);
        case 2:
        case 3:
                return bias - 2 + gen_below(g, 5);
        case 4:
                return bias + 29 + gen_below(g, 6);
        case 5:
                return bias + 61 + gen_below(g, 6);
        case 6:
                return bias - kind_frac_bits(k) - 4 + gen_below(g, 2 * kind_frac_bits(k) + 8);
        default:
                return gen_below(g, max + 1);
        }
}

static uint64_t gen_compose(struct gen *g, enum kind k, int biased, uint64_t frac)
{
        int max = kind_exp_max(k), frac_bits = kind_frac_bits(k);

        biased = biased < 0 ? 0 : biased > max ? max : biased;
        return (gen_below(g, 2) ? kind_sign_bit(k) : 0) | (uint64_t)biased << frac_bits |
               (frac & (((uint64_t)1 << frac_bits) - 1));
}

static uint64_t gen_float(struct gen *g, enum kind k)
{
        int frac_bits = kind_frac_bits(k);

        switch (gen_below(g, 32)) {
        case 0:
                return gen_compose(g, k, 0, 0);
        case 1:
                return gen_compose(g, k, kind_exp_max(k), 0);
        case 2:
                return gen_compose(g, k, kind_exp_max(k), gen_pattern(g) | kind_quiet_bit(k));
        case 3:
                return gen_compose(g, k, kind_exp_max(k), (gen_pattern(g) & ~kind_quiet_bit(k)) | 1);
        case 4:
        case 5:
                return gen_compose(g, k, 0, gen_u64(g) >> (64 - frac_bits) >> gen_below(g, frac_bits));
        default:
                /* Patterns fill the fraction from the top or from the bottom. */
                return gen_compose(g, k, gen_exponent(g, k),
                                   gen_pattern(g) >> (gen_below(g, 2) ? 64 - frac_bits : 0));
        }
}

static uint64_t exponent_of(enum kind k, uint64_t bits)
{
        return bits >> kind_frac_bits(k) & kind_exp_max(k);
}

/* A second operand that stands in some relation to the first. */
static uint64_t gen_related(struct gen *g, enum kind k, uint64_t a)
{
        int max = kind_exp_max(k), bias = max / 2, frac_bits = kind_frac_bits(k), ea = (int)exponent_of(k, a);

        switch (gen_below(g, 6)) {
        case 0: /* a few units away: cancellation, equality */
                return (a + gen_below(g, 9) - 4) ^ (gen_below(g, 2) ? kind_sign_bit(k) : 0);
        case 1: /* as large, or nearly */
                return gen_compose(g, k, ea - 2 + gen_below(g, 5), gen_pattern(g));
        case 2: /* smaller by about the precision: what is added is about half a unit */
                return gen_compose(g, k, ea - frac_bits - 4 + gen_below(g, 8),
                                   gen_pattern(g) >> gen_below(g, 64));
        case 3: /* a product near the top of the range */
                return gen_compose(g, k, bias + max - 1 - ea - 2 + gen_below(g, 5), gen_pattern(g));
        case 4: /* a product near the smallest normal, or among the subnormals */
                return gen_compose(g, k, bias - ea - frac_bits - 3 + gen_below(g, frac_bits + 7),
                                   gen_pattern(g));
        default: /* a quotient near either end */
                return gen_compose(g, k, gen_below(g, 2) ? ea - bias - 2 + gen_below(g, 5) :
                                   ea + bias - 4 + gen_below(g, frac_bits + 8), gen_pattern(g));
        }
}

/*
 * Soft results as operands (the same bits whoever computes them) bring fused sums, quotients and roots to
 * ties.
 */
static uint64_t soft2(enum kind k, uint64_t (*f64)(struct fp_env *, uint64_t, uint64_t),
                      uint32_t (*f32)(struct fp_env *, uint32_t, uint32_t), uint64_t a, uint64_t b)
{
        struct fp_env env = fp_env_riscv(FP_RM_RTZ);

        return k == KIND_F64 ? f64(&env, a, b) : f32(&env, (uint32_t)a, (uint32_t)b);
}

void gen_operands(struct gen *g, const struct fp_op *op, uint64_t *v)
{
        enum kind k = op->in;

        v[1] = v[2] = 0;
        if (!kind_is_float(k)) {
                v[0] = gen_integer(g, k);
                return;
        }
        v[0] = gen_float(g, k);
        if (op->arity == 1) {
                if (gen_below(g, 4) == 0)
                        v[0] = soft2(k, fp64_mul, fp32_mul, v[0], v[0]) + gen_below(g, 3) - 1;
                return;
        }
        v[1] = gen_below(g, 2) ? gen_related(g, k, v[0]) : gen_float(g, k);
        if (op->exact == EXACT_DIV && gen_below(g, 2))
                v[0] = soft2(k, fp64_mul, fp32_mul, v[1], gen_float(g, k)) + gen_below(g, 3) - 1;
        if (gen_below(g, 8) == 0) {
                uint64_t t = v[0];

                v[0] = v[1];
                v[1] = t;
        }
        if (op->arity == 3) {
                uint64_t product = soft2(k, fp64_mul, fp32_mul, v[0], v[1]);

                v[2] = gen_below(g, 4) ? gen_related(g, k, product) : gen_float(g, k);
        }
        if (k == KIND_F32)
                for (int i = 0; i < 3; i++)
                        v[i] = (uint32_t)v[i];
}
