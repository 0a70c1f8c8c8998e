/* SPDX-License-Identifier: MIT */
/*
 * Floating-point ops one at a time, on operands where rounding, range, NaNs, zeros and subnormals matter, in
 * every rounding mode of the region and of the op: value and flags as the soft-float's.
 */
#include "tests/codegen/fp_ops.h"

#include "base/arena.h"
#include "ir/build.h"
#include "tests/codegen/engine.h"

struct gen {
        GRand *rand;
        struct ir_builder *b;
};

static unsigned pick(struct gen *g, unsigned n)
{
        return g_rand_int_range(g->rand, 0, n);
}

static uint64_t random64(struct gen *g)
{
        return (uint64_t)g_rand_int(g->rand) << 32 | g_rand_int(g->rand);
}

/* Bits of a float of @bits bits with @mant bits of fraction. */
static uint64_t biased_float(struct gen *g, unsigned bits, unsigned mant)
{
        uint64_t ones = bits == 64 ? ~0ull : (1ull << bits) - 1, sign = (uint64_t)pick(g, 2) << (bits - 1);
        uint64_t frac_mask = (1ull << mant) - 1, exp_max = ones >> 1 >> mant, bias = exp_max >> 1;
        uint64_t frac = random64(g) & frac_mask, exp;

        switch (pick(g, 12)) {
        case 0: return sign;
        case 1: return sign | exp_max << mant;
        case 2: return sign | exp_max << mant | 1ull << (mant - 1);
        case 3: return sign | exp_max << mant | 1;
        case 4: return sign | (bias + (pick(g, 2) ? 31 : 63)) << mant | frac_mask;
        default: break;
        }
        switch (pick(g, 5)) {
        case 0: frac = 0; break;
        case 1: frac = frac_mask; break;
        case 2: frac &= frac_mask << (mant - pick(g, mant)); break;
        case 3: frac = 1ull << pick(g, mant); break;
        default: break;
        }
        switch (pick(g, 8)) {
        case 0: exp = 0; break;
        case 1: exp = exp_max; break;
        case 2: exp = 1 + pick(g, 3); break;
        case 3: exp = exp_max - 1 - pick(g, 3); break;
        case 4: exp = bias + 28 + pick(g, 8); break;
        case 5: exp = bias + 60 + pick(g, 6); break;
        case 6: exp = bias - 3 + pick(g, 6); break;
        default: exp = random64(g) & exp_max; break;
        }
        return sign | exp << mant | frac;
}

uint64_t fp_ops_float(GRand *rand, unsigned bits, unsigned mant)
{
        struct gen g = {.rand = rand};

        return biased_float(&g, bits, mant);
}

static uint64_t biased_int(struct gen *g)
{
        uint64_t v = random64(g) >> pick(g, 64);

        switch (pick(g, 4)) {
        case 0: return -v;
        case 1: return 1ull << pick(g, 64);
        case 2: return (1ull << pick(g, 64)) - 1;
        default: return v;
        }
}

static void random_slots(struct gen *g, struct world *w)
{
        world_init(w);
        for (unsigned n = 0; n < 4; n++) {
                uint64_t single = biased_float(g, 32, 23);

                world_slot_put(w, SLOT_X0 + n, biased_int(g));
                world_slot_put(w, SLOT_W0 + n, biased_int(g));
                world_slot_put(w, SLOT_F0 + n,
                               pick(g, 8) ? biased_float(g, 64, 52) : 0xffffffffull << 32 | single);
                world_slot_put(w, SLOT_S0 + n, single);
        }
        if (pick(g, 4) == 0) {
                world_slot_put(w, SLOT_F0 + 1, world_slot_get(w, SLOT_F0));
                world_slot_put(w, SLOT_S0 + 1, world_slot_get(w, SLOT_S0));
        }
}

static void put(struct gen *g, ir_ref v)
{
        static const uint8_t slots[] = {[IR_I32] = SLOT_W0, [IR_I64] = SLOT_X0, [IR_F32] = SLOT_S0,
                                        [IR_F64] = SLOT_F0};

        ir_put(g->b, slots[ir_type_of(g->b, v)] + pick(g, 4), v);
}

/* Some op on the slots' values; operands may coincide, and the result may go where one came from. */
static void make_op(struct gen *g)
{
        static const uint8_t two[] = {IR_OP_fadd, IR_OP_fsub, IR_OP_fmul, IR_OP_fdiv};
        bool f64 = pick(g, 2);
        enum ir_type t = f64 ? IR_F64 : IR_F32, u = pick(g, 2) ? IR_I32 : IR_I64;
        enum ir_round rm = pick(g, 2) ? IR_RM_MODE : (enum ir_round)pick(g, IR_RM_MODE);
        unsigned base = f64 ? SLOT_F0 : SLOT_S0;
        ir_ref x = ir_get(g->b, base + pick(g, 3)), y = ir_get(g->b, base + pick(g, 3));
        ir_ref z = ir_get(g->b, base + pick(g, 3));

        switch (pick(g, 18)) {
        case 0: put(g, ir_fp1(g->b, IR_OP_fsqrt, rm, x)); break;
        case 1: case 2: put(g, ir_fma(g->b, rm, pick(g, 2), pick(g, 2), x, y, z)); break;
        case 3: put(g, ir_fminmax(g->b, IR_OP_fmin, pick(g, IR_MM_COUNT), x, y)); break;
        case 4: put(g, ir_fminmax(g->b, IR_OP_fmax, pick(g, IR_MM_COUNT), x, y)); break;
        case 5: put(g, ir_fcmp_flags(g->b, pick(g, IR_FCOND_COUNT), pick(g, 3) * IR_FCMP_QUIET, x, y)); break;
        case 11: put(g, ir_fround(g->b, rm, pick(g, 2), x)); break;
        case 12: put(g, ir_fma_neg_operands(g->b, rm, pick(g, 2), pick(g, 2), x, y, z)); break;
        case 13: put(g, ir_fcvt_fh(g->b, rm, pick(g, 2), x)); break;
        case 14: put(g, ir_fcvt_hf(g->b, t, pick(g, 2), ir_get(g->b, SLOT_W0 + pick(g, 4)))); break;
        case 6: put(g, ir_fcvt_fi(g->b, rm, u, pick(g, 2), x)); break;
        case 7: put(g, ir_fcvt_ff(g->b, rm, f64 ? IR_F32 : IR_F64, x)); break;
        case 8:
                put(g,
                    ir_fcvt_if(g->b, rm, t, pick(g, 2),
                               ir_get(g->b, (u == IR_I32 ? SLOT_W0 : SLOT_X0) + pick(g, 4))));
                break;
        case 9: put(g, f64 ? ir_funbox(g->b, x) : ir_fbox(g->b, x)); break;
        case 10: put(g, ir_fsgnj(g->b, pick(g, 3), x, y)); break;
        default: put(g, ir_fp2(g->b, two[pick(g, 4)], rm, x, y)); break;
        }
}

/* The modes that guests have: a row each of what differs. */
struct ir_fpmode fp_ops_mode(unsigned n)
{
        static const struct ir_fpmode modes[FP_OPS_MODES] = {
                {.nan = IR_NAN_DEFAULT, .fma_inf_zero_nan_invalid = true},
                {.nan = IR_NAN_FIRST, .int_rule = IR_INT_INDEFINITE, .note_denormal = true},
                {.nan = IR_NAN_SIGNALING, .int_rule = IR_INT_SATURATE_ZERO, .tininess_before = true,
                 .fma_inf_zero_nan_invalid = true},
                {.nan = IR_NAN_DEFAULT, .int_rule = IR_INT_SATURATE_ZERO, .tininess_before = true,
                 .fma_inf_zero_nan_invalid = true},
                {.nan = IR_NAN_FIRST, .int_rule = IR_INT_INDEFINITE, .note_denormal = true, .flush_in = true,
                 .flush_out = IR_FLUSH_UF_NX},
                {.nan = IR_NAN_FIRST, .int_rule = IR_INT_INDEFINITE, .note_denormal = true,
                 .flush_out = IR_FLUSH_UF_NX},
                {.nan = IR_NAN_SIGNALING, .int_rule = IR_INT_SATURATE_ZERO, .tininess_before = true,
                 .fma_inf_zero_nan_invalid = true, .flush_in = true, .flush_out = IR_FLUSH_UF},
        };

        return modes[n];
}

static struct ir_region *make_region(struct gen *g, struct arena *a)
{
        struct ir_region *r = ir_region_new(a, &world_guest);

        r->fp = fp_ops_mode(pick(g, FP_OPS_MODES));
        r->fp.round = pick(g, IR_RM_RMM + 1);
        g->b = ir_builder_new(r);
        ir_insn(g->b, 0);
        for (unsigned n = 1 + pick(g, 3); n; n--)
                make_op(g);
        ir_exit(g->b, IR_EXIT_LOOKUP, 4);
        ir_builder_finish(g->b);
        return r;
}

bool fp_ops_check(uint32_t seed, GError **error)
{
        struct gen g = {.rand = g_rand_new_with_seed(seed)};
        struct world *w = g_new(struct world, 2);
        struct arena *a = arena_new(1 << 14);
        struct ir_region *r = make_region(&g, a);
        bool ok = true;

        for (unsigned n = 0; ok && n < 8; n++) {
                char *difference;

                random_slots(&g, &w[0]);
                w[1] = w[0];
                ok = ir_engine_interp.run(r, &w[0], error) && engine_host_slow.run(r, &w[1], error);
                difference = ok ? world_difference(&w[0], &w[1]) : NULL;
                if (difference) {
                        g_set_error(error, g_quark_from_static_string("fp-ops"), 0, "seed %u: %s", seed,
                                    difference);
                        ok = false;
                }
                g_free(difference);
        }
        if (!ok)
                ir_print(stderr, r);
        arena_free(a);
        g_free(w);
        g_rand_free(g.rand);
        return ok;
}
