/* SPDX-License-Identifier: MIT */
/*
 * Each vector op as host code against the interpreter: random forms (lanes, constants, roundings, variants)
 * on operands that are random, of floats that go wrong, or of few bits, which may coincide; results go to
 * slots where operands may have come from.
 */
#include "tests/codegen/vec_ops.h"

#include "base/arena.h"
#include "ir/build.h"
#include "tests/codegen/engine.h"
#include "tests/codegen/fp_ops.h"
#include "tests/ir/vec_gen.h"

struct gen {
        GRand *rand;
        struct ir_builder *b;
        ir_ref pool[4]; /* results so far */
        unsigned n_pool;
};

static unsigned pick(void *ctx, unsigned n)
{
        return g_rand_int_range(((struct gen *)ctx)->rand, 0, (int)n);
}

static unsigned first_slot(enum ir_type t)
{
        static const uint8_t slots[] = {[IR_I32] = SLOT_W0, [IR_I64] = SLOT_X0, [IR_F32] = SLOT_S0,
                                        [IR_F64] = SLOT_F0, [IR_V128] = SLOT_V0};

        return slots[t];
}

static ir_ref value(void *ctx, enum ir_type t)
{
        static const uint64_t masks[] = {0, ~0ull, 0x0f0f0f0f0f0f0f0f, 0x8000000080000000,
                                         0x0706050403020100};
        struct gen *g = ctx;

        if (t == IR_V128 && pick(g, 8) == 0)
                return ir_const(g->b, t, (int64_t)masks[pick(g, G_N_ELEMENTS(masks))]);
        if (g->n_pool && pick(g, 4) == 0) {
                ir_ref v = g->pool[pick(g, g->n_pool)];

                if (ir_type_of(g->b, v) == t)
                        return v;
        }
        return ir_get(g->b, first_slot(t) + pick(g, 4));
}

static uint64_t random_word(struct gen *g)
{
        uint64_t v = (uint64_t)g_rand_int(g->rand) << 32 | g_rand_int(g->rand);

        switch (pick(g, 7)) {
        case 0: return fp_ops_float(g->rand, 64, 52);
        case 1: case 2:
                return fp_ops_float(g->rand, 32, 23) << 32 | fp_ops_float(g->rand, 32, 23);
        case 3: return v & 0x1f1f1f1f1f1f1f1f; /* counts and byte numbers */
        case 4: return v & 0x8000800080008000 ? v & 0x00ff00ff00ff00ff : v | 0xff80ff80ff80ff80;
        case 5: return 1ull << pick(g, 64);
        default: return v;
        }
}

static void random_slots(struct gen *g, struct world *w)
{
        world_init(w);
        for (unsigned n = 0; n < 4; n++) {
                uint64_t low = random_word(g), high = random_word(g);

                world_slot_put(w, SLOT_X0 + n, pick(g, 2) ? pick(g, 80) : random_word(g));
                world_slot_put(w, SLOT_W0 + n, random_word(g));
                world_slot_put(w, SLOT_F0 + n, fp_ops_float(g->rand, 64, 52));
                world_slot_put(w, SLOT_S0 + n, fp_ops_float(g->rand, 32, 23));
                world_vec_put(w, SLOT_V0 + n, (struct ir_v128){{low, high}});
        }
}

static struct ir_region *make_region(struct gen *g, struct arena *a, enum ir_op op)
{
        const struct vec_gen v = {g->b, pick, value, g};
        struct ir_region *r = ir_region_new(a, &world_guest);
        struct vec_gen gen = v;

        r->fp = fp_ops_mode(pick(g, FP_OPS_MODES));
        r->fp.round = pick(g, IR_RM_RMM + 1);
        gen.b = g->b = ir_builder_new(r);
        g->n_pool = 0;
        ir_insn(g->b, 0);
        for (unsigned n = 1 + pick(g, 3); n; n--) {
                ir_ref result = vec_gen_op(&gen, n == 1 ? op : IR_OP_nop);

                g->pool[g->n_pool++] = result;
                ir_put(g->b, first_slot(ir_type_of(g->b, result)) + pick(g, 4), result);
        }
        ir_exit(g->b, IR_EXIT_LOOKUP, 4);
        ir_builder_finish(g->b);
        if (pick(g, 2))
                ir_optimise(r);
        return r;
}

static bool check_region(struct gen *g, const struct ir_region *r, struct world *w, GError **error)
{
        for (unsigned n = 0; n < 4; n++) {
                char *difference;

                random_slots(g, &w[0]);
                w[1] = w[0];
                if (!ir_engine_interp.run(r, &w[0], error) || !engine_host_slow.run(r, &w[1], error))
                        return false;
                difference = world_difference(&w[0], &w[1]);
                if (difference) {
                        g_set_error(error, g_quark_from_static_string("vec-ops"), 0, "%s", difference);
                        g_free(difference);
                        return false;
                }
        }
        return true;
}

bool vec_ops_check(enum ir_op op, uint32_t seed, unsigned regions, GError **error)
{
        struct gen g = {.rand = g_rand_new_with_seed(seed)};
        struct world *w = g_new(struct world, 2);
        bool ok = true;

        for (unsigned n = 0; ok && n < regions; n++) {
                struct arena *a = arena_new(1 << 14);
                struct ir_region *r = make_region(&g, a, op);

                ok = check_region(&g, r, w, error);
                if (!ok)
                        ir_print(stderr, r);
                arena_free(a);
        }
        if (!ok)
                g_prefix_error(error, "%s, seed %u: ", ir_ops[op].name, seed);
        g_free(w);
        g_rand_free(g.rand);
        return ok;
}
