/* SPDX-License-Identifier: MIT */
/*
 * Vectors of 128 bits: the builder's functions, what the verifier asks, and evaluation. Lane-wise ops are
 * made from the evaluation column of ops.def; the others are written out here, lane by lane, as their rows
 * say. Stateless.
 */
#include "ir/vec.h"

#include <string.h>

#include "ir/builder.h"
#include "ir/eval.h"

/* ---- building ---- */

ir_ref ir_vec_imm(struct ir_builder *b, enum ir_op op, enum ir_lane lane, ir_ref x, ir_ref y, int64_t imm)
{
        return ir_emit_pure(b, ir_head(op, IR_V128, 0, lane), ir_pair(x, y), 0, imm);
}

ir_ref ir_vec1(struct ir_builder *b, enum ir_op op, enum ir_lane lane, ir_ref x)
{
        return ir_vec_imm(b, op, lane, x, 0, 0);
}

ir_ref ir_vec2(struct ir_builder *b, enum ir_op op, enum ir_lane lane, ir_ref x, ir_ref y)
{
        return ir_vec_imm(b, op, lane, x, y, 0);
}

ir_ref ir_vec_like(struct ir_builder *b, const struct ir_ins *i, const ir_ref arg[4])
{
        if (!(ir_ops[i->op].flags & IR_PURE))
                return ir_emit_like(b, i, arg);
        return ir_emit_pure(b, ir_head(i->op, i->type, 0, i->aux), ir_pair(arg[0], arg[1]), arg[2], i->imm);
}

static enum ir_lane lane_of_type(enum ir_type t)
{
        return ir_type_size(t) == 8 ? IR_X64 : IR_X32;
}

ir_ref ir_vzext(struct ir_builder *b, ir_ref scalar)
{
        return ir_vec1(b, IR_OP_vzext, lane_of_type(type_of(b, scalar)), scalar);
}

ir_ref ir_vlow(struct ir_builder *b, enum ir_type type, ir_ref v)
{
        const struct ir_ins *i = ins_of(b, v);
        enum ir_lane lane = lane_of_type(type);

        /* What was put there: vzext, or vput to the lowest lane of that size. */
        if (!b->r->raw && i->op == IR_OP_vzext && type_of(b, i->arg[0]) == type)
                return ir_fired(b, IR_RULE_vlow_of, i->arg[0]);
        if (!b->r->raw && i->op == IR_OP_vput && i->imm == 0 && ir_lane_of(i) == lane &&
            type_of(b, i->arg[1]) == type)
                return ir_fired(b, IR_RULE_vlow_of, i->arg[1]);
        return ir_emit_pure(b, ir_head(IR_OP_vlow, type, 0, lane), v, 0, 0);
}

ir_ref ir_vpair(struct ir_builder *b, ir_ref low, ir_ref high)
{
        return ir_vec2(b, IR_OP_vpair, IR_X64, low, high);
}

ir_ref ir_vdup(struct ir_builder *b, enum ir_lane lane, ir_ref scalar)
{
        return ir_vec1(b, IR_OP_vdup, lane, scalar);
}

ir_ref ir_vput(struct ir_builder *b, enum ir_lane lane, ir_ref v, unsigned index, ir_ref scalar)
{
        return ir_vec_imm(b, IR_OP_vput, lane, v, scalar, index);
}

ir_ref ir_vpick(struct ir_builder *b, enum ir_type type, enum ir_lane lane, ir_ref v, unsigned index)
{
        if (index == 0 && lane == lane_of_type(type))
                return ir_vlow(b, type, v);
        return ir_emit_pure(b, ir_head(IR_OP_vpick, type, 0, lane), v, 0, index);
}

ir_ref ir_vsel(struct ir_builder *b, ir_ref mask, ir_ref ones, ir_ref zeros)
{
        return ir_emit_pure(b, ir_head(IR_OP_vsel, IR_V128, 0, IR_X64), ir_pair(mask, ones), zeros, 0);
}

ir_ref ir_vmask(struct ir_builder *b, enum ir_lane lane, ir_ref v)
{
        return ir_emit_pure(b, ir_head(IR_OP_vmask, IR_I64, 0, lane), v, 0, 0);
}

ir_ref ir_vfp2(struct ir_builder *b, enum ir_op op, enum ir_lane lane, bool low, enum ir_round rm, ir_ref x,
               ir_ref y)
{
        return ir_emit(b, ir_head(op, IR_V128, rm, lane | (low ? IR_VEC_LOW : 0)), ir_pair(x, y), 0, 0);
}

ir_ref ir_vfma(struct ir_builder *b, enum ir_lane lane, enum ir_round rm, bool neg_a, ir_ref x, ir_ref y,
               ir_ref z)
{
        return ir_emit(b, ir_head(IR_OP_vfma, IR_V128, rm, lane | (uint32_t)neg_a << IR_VEC_VARIANT),
                       ir_pair(x, y), z, 0);
}

ir_ref ir_vfminmax(struct ir_builder *b, enum ir_op op, enum ir_lane lane, bool low, enum ir_fminmax kind,
                   ir_ref x,
                   ir_ref y)
{
        uint32_t aux = lane | (low ? IR_VEC_LOW : 0) | (uint32_t)kind << IR_VEC_VARIANT;

        return ir_emit(b, ir_head(op, IR_V128, 0, aux), ir_pair(x, y), 0, 0);
}

ir_ref ir_vfcmp(struct ir_builder *b, enum ir_lane lane, bool low, enum ir_fcond c, unsigned flags, ir_ref x,
                ir_ref y)
{
        return ir_emit(b, ir_head(IR_OP_vfcmp, IR_V128, c, lane | (low ? IR_VEC_LOW : 0) | flags),
                       ir_pair(x, y), 0, 0);
}

ir_ref ir_vfround(struct ir_builder *b, enum ir_lane lane, enum ir_round rm, bool exact, ir_ref x)
{
        return ir_emit(b, ir_head(IR_OP_vfround, IR_V128, rm, lane | (uint32_t)exact << IR_VEC_VARIANT), x, 0,
                       0);
}

ir_ref ir_vfcvt(struct ir_builder *b, enum ir_op op, enum ir_lane lane, enum ir_round rm, bool is_unsigned,
                ir_ref x)
{
        return ir_emit(b, ir_head(op, IR_V128, rm, lane | (is_unsigned ? IR_VEC_UNSIGNED : 0)), x, 0, 0);
}

/* ---- form ---- */

static bool is_scalar(enum ir_type t)
{
        return t >= IR_I32 && t <= IR_F64;
}

/* A scalar as wide as the lane or wider; floats as wide only. */
static bool fits_lane(enum ir_lane lane, enum ir_type t)
{
        unsigned size = 1u << lane;

        return is_scalar(t) && (ir_type_is_fp(t) ? ir_type_size(t) == size : ir_type_size(t) >= size);
}

bool ir_vec_arg_ok(const struct ir_ins *i, unsigned k, enum ir_type t)
{
        switch (i->op) {
        case IR_OP_vzext: return is_scalar(t) && lane_of_type(t) == ir_lane_of(i);
        case IR_OP_vpair: return t == IR_I64;
        case IR_OP_vdup: return fits_lane(ir_lane_of(i), t);
        case IR_OP_vput: return k == 0 ? t == IR_V128 : fits_lane(ir_lane_of(i), t);
        case IR_OP_vshlc: case IR_OP_vshruc: case IR_OP_vshrsc: return t == (k == 0 ? IR_V128 : IR_I64);
        default: return t == IR_V128;
        }
}

static int64_t imm_max(const struct ir_ins *i)
{
        enum ir_lane lane = ir_lane_of(i);

        switch (i->op) {
        case IR_OP_vshli: case IR_OP_vshrui: case IR_OP_vshrsi: case IR_OP_vshuflo: case IR_OP_vshufhi:
                return 255;
        case IR_OP_vshuf: return lane == IR_X32 ? 255 : 3;
        case IR_OP_vduplane: case IR_OP_vput: case IR_OP_vpick: return (16 >> lane) - 1;
        case IR_OP_vext: return 16;
        case IR_OP_vrev: return 4;
        case IR_OP_vwidens: case IR_OP_vwidenu: return 1;
        default: return 0;
        }
}

/* The lanes that the op is of, a bit each. */
static unsigned lanes_allowed(const struct ir_ins *i)
{
        enum { B = 1, H = 2, S = 4, D = 8 };

        switch (i->op) {
        case IR_OP_vshuf: case IR_OP_vzext: case IR_OP_vlow: return S | D;
        case IR_OP_vpair: return D;
        case IR_OP_vshuflo: case IR_OP_vshufhi: case IR_OP_vmuladd: return H;
        case IR_OP_vtbl: case IR_OP_vsad: case IR_OP_vext: return B;
        case IR_OP_vwidens: case IR_OP_vwidenu: case IR_OP_vmulevens: case IR_OP_vmulevenu: return B | H | S;
        case IR_OP_vpacks: case IR_OP_vpacksu: case IR_OP_vpacku: return H | S | D;
        case IR_OP_vfcvt_up: case IR_OP_vfcvt_iup: return S;
        case IR_OP_vfcvt_down: case IR_OP_vfcvt_idown: return D;
        default: return ir_ops[i->op].sig == IR_SIG_VFP ? S | D : B | H | S | D;
        }
}

static bool result_ok(const struct ir_ins *i)
{
        switch (i->op) {
        case IR_OP_vlow: return is_scalar(i->type) && lane_of_type(i->type) == ir_lane_of(i);
        case IR_OP_vpick: return fits_lane(ir_lane_of(i), i->type);
        case IR_OP_vmask: return i->type == IR_I64;
        default: return i->type == IR_V128;
        }
}

static uint32_t aux_bits(const struct ir_ins *i)
{
        switch (i->op) {
        case IR_OP_vfadd: case IR_OP_vfsub: case IR_OP_vfmul: case IR_OP_vfdiv: case IR_OP_vfsqrt:
                return IR_VEC_LANE | IR_VEC_LOW;
        case IR_OP_vfmin: case IR_OP_vfmax: return IR_VEC_LANE | IR_VEC_LOW | 3 << IR_VEC_VARIANT;
        case IR_OP_vfcmp: return IR_VEC_LANE | IR_VEC_LOW | IR_FCMP_QUIET | IR_FCMP_SIGNALING;
        case IR_OP_vfma: case IR_OP_vfround: case IR_OP_vfcvt_if: case IR_OP_vfcvt_fi:
                return IR_VEC_LANE | 1 << IR_VEC_VARIANT;
        default: return IR_VEC_LANE;
        }
}

bool ir_vec_form_ok(const struct ir_ins *i)
{
        if (!result_ok(i) || !(lanes_allowed(i) & 1u << ir_lane_of(i)) || (i->aux & ~aux_bits(i)))
                return false;
        if (i->op == IR_OP_vrev && i->imm <= (int64_t)ir_lane_of(i))
                return false;
        return i->imm >= 0 && i->imm <= imm_max(i);
}

/* ---- lanes ---- */

static uint64_t lane_get(const struct ir_v128 *v, enum ir_lane lane, unsigned n)
{
        unsigned bits = 8u << lane, at = n * bits;

        return v->w[at >> 6] >> (at & 63) & (~0ull >> (64 - bits));
}

static void lane_put(struct ir_v128 *v, enum ir_lane lane, unsigned n, uint64_t value)
{
        unsigned bits = 8u << lane, at = n * bits;
        uint64_t mask = ~0ull >> (64 - bits) << (at & 63);

        v->w[at >> 6] = (v->w[at >> 6] & ~mask) | (value << (at & 63) & mask);
}

static int64_t lane_signed(const struct ir_v128 *v, enum ir_lane lane, unsigned n)
{
        unsigned shift = 64 - (8u << lane);

        return (int64_t)(lane_get(v, lane, n) << shift) >> shift;
}

static unsigned lane_count(enum ir_lane lane)
{
        return 16u >> lane;
}

/* ---- lane-wise ops, from ops.def: one lane at a width ---- */

#define OP(name, sig, nargs, flags, eval, doc) \
        case IR_OP_##name: \
                return sig == IR_SIG_LANE ? (WORD)(eval) : 0;
#define LANE_FUNCTION(w) \
        static uint64_t lane_eval##w(enum ir_op op, uint##w##_t a, uint##w##_t b)

#define WORD uint8_t
#define SWORD int8_t
#define W 8
#undef BSWAP
#undef CTZ
#define BSWAP(a) (a)
#define CTZ(a) (a)
#undef DIVS
#undef REMS
#undef MULHSU
#define DIVS(a, b) (a)
#define REMS(a, b) (a)
#define MULHSU(a, b) (a)
LANE_FUNCTION(8)
{
        switch (op) {
#include "ir/ops.def"
        default:
                return 0;
        }
}
#undef WORD
#undef SWORD
#undef W

#define WORD uint16_t
#define SWORD int16_t
#define W 16
LANE_FUNCTION(16)
{
        switch (op) {
#include "ir/ops.def"
        default:
                return 0;
        }
}
#undef WORD
#undef SWORD
#undef W

#define WORD uint32_t
#define SWORD int32_t
#define W 32
LANE_FUNCTION(32)
{
        switch (op) {
#include "ir/ops.def"
        default:
                return 0;
        }
}
#undef WORD
#undef SWORD
#undef W

#define WORD uint64_t
#define SWORD int64_t
#define W 64
LANE_FUNCTION(64)
{
        switch (op) {
#include "ir/ops.def"
        default:
                return 0;
        }
}
#undef WORD
#undef SWORD
#undef W
#undef OP

static uint64_t eval_lane(enum ir_op op, enum ir_lane lane, uint64_t a, uint64_t b)
{
        switch (lane) {
        case IR_X8: return lane_eval8(op, a, b);
        case IR_X16: return lane_eval16(op, a, b);
        case IR_X32: return lane_eval32(op, a, b);
        default: return lane_eval64(op, a, b);
        }
}

static void eval_lanes(const struct ir_ins *i, const struct ir_v128 *args, struct ir_v128 *r)
{
        enum ir_lane lane = ir_lane_of(i);

        for (unsigned n = 0; n < lane_count(lane); n++) {
                uint64_t b = ir_ops[i->op].n_args == 2 ? lane_get(&args[1], lane, n) : (uint64_t)i->imm;

                lane_put(r, lane, n, eval_lane(i->op, lane, lane_get(&args[0], lane, n), b));
        }
}

/* Shifts by one count: those by immediates, once the count is known. */
static void eval_shift(const struct ir_ins *i, const struct ir_v128 *args, struct ir_v128 *r)
{
        uint64_t count = args[1].w[0] < 255 ? args[1].w[0] : 255;
        struct ir_ins by_imm = {
                .op = i->op == IR_OP_vshlc    ? IR_OP_vshli
                      : i->op == IR_OP_vshruc ? IR_OP_vshrui
                                              : IR_OP_vshrsi,
                .type = IR_V128, .aux = i->aux, .imm = (int64_t)count,
        };

        eval_lanes(&by_imm, args, r);
}

/* ---- permutes: where each lane of the result comes from, of a (0 up) or b (lane_count up) ---- */

static unsigned source(const struct ir_ins *i, unsigned n, unsigned count)
{
        unsigned half = count / 2, imm = (unsigned)i->imm, per_group;

        switch (i->op) {
        case IR_OP_vduplane: return imm;
        case IR_OP_vshuf:
                if (ir_lane_of(i) == IR_X32)
                        return (imm >> 2 * n & 3) + (n >= 2 ? 4 : 0);
                return (imm >> n & 1) + 2 * n;
        case IR_OP_vshuflo: return n < 4 ? imm >> 2 * n & 3 : n;
        case IR_OP_vshufhi: return n < 4 ? n : 4 + (imm >> 2 * (n - 4) & 3);
        case IR_OP_vext: return n + imm;
        case IR_OP_vrev:
                per_group = 1u << (imm - ir_lane_of(i));
                return n ^ (per_group - 1);
        case IR_OP_vziplo: return n / 2 + (n & 1) * count;
        case IR_OP_vziphi: return half + n / 2 + (n & 1) * count;
        case IR_OP_vuzpe: return 2 * n;
        case IR_OP_vuzpo: return 2 * n + 1;
        case IR_OP_vtrne: return (n & ~1u) + (n & 1) * count;
        default: return (n | 1) + (n & 1) * count; /* vtrno */
        }
}

static void eval_permute(const struct ir_ins *i, const struct ir_v128 *args, struct ir_v128 *r)
{
        enum ir_lane lane = ir_lane_of(i);
        unsigned count = lane_count(lane);

        for (unsigned n = 0; n < count; n++) {
                unsigned from = source(i, n, count);

                lane_put(r, lane, n, lane_get(&args[from >= count], lane, from & (count - 1)));
        }
}

static void eval_tbl(const struct ir_v128 *args, struct ir_v128 *r)
{
        for (unsigned n = 0; n < 16; n++) {
                uint64_t from = lane_get(&args[1], IR_X8, n);

                lane_put(r, IR_X8, n, from < 16 ? lane_get(&args[0], IR_X8, from) : 0);
        }
}

/* ---- sizes ---- */

static int64_t clamp(int64_t v, int64_t min, int64_t max)
{
        return v < min ? min : v > max ? max : v;
}

static void eval_pack(const struct ir_ins *i, const struct ir_v128 *args, struct ir_v128 *r)
{
        enum ir_lane lane = ir_lane_of(i), narrow = lane - 1;
        unsigned count = lane_count(lane), bits = 8u << narrow;
        uint64_t umax = ~0ull >> (64 - bits);
        int64_t smax = (int64_t)(umax >> 1);

        for (unsigned n = 0; n < 2 * count; n++) {
                const struct ir_v128 *from = &args[n >= count];
                uint64_t u = lane_get(from, lane, n & (count - 1));
                int64_t s = lane_signed(from, lane, n & (count - 1));

                lane_put(r, narrow, n,
                         i->op == IR_OP_vpacks ? (uint64_t)clamp(s, -smax - 1, smax)
                         : i->op == IR_OP_vpacksu ? (uint64_t)clamp(s, 0, (int64_t)umax)
                         : u > umax ? umax : u);
        }
}

static void eval_widen(const struct ir_ins *i, const struct ir_v128 *args, struct ir_v128 *r)
{
        enum ir_lane lane = ir_lane_of(i);
        unsigned half = lane_count(lane) / 2;

        for (unsigned n = 0; n < half; n++) {
                unsigned from = n + (i->imm ? half : 0);

                lane_put(r, lane + 1, n,
                         i->op == IR_OP_vwidens ? (uint64_t)lane_signed(&args[0], lane, from)
                                                : lane_get(&args[0], lane, from));
        }
}

/* ---- products and sums across lanes ---- */

static void eval_mul_even(const struct ir_ins *i, const struct ir_v128 *args, struct ir_v128 *r)
{
        enum ir_lane lane = ir_lane_of(i);

        for (unsigned n = 0; n < lane_count(lane) / 2; n++) {
                uint64_t s = (uint64_t)(lane_signed(&args[0], lane, 2 * n) *
                                        lane_signed(&args[1], lane, 2 * n));
                uint64_t u = lane_get(&args[0], lane, 2 * n) * lane_get(&args[1], lane, 2 * n);

                lane_put(r, lane + 1, n, i->op == IR_OP_vmulevens ? s : u);
        }
}

static void eval_muladd(const struct ir_v128 *args, struct ir_v128 *r)
{
        for (unsigned n = 0; n < 4; n++) {
                int64_t sum = 0;

                for (unsigned k = 2 * n; k < 2 * n + 2; k++)
                        sum += lane_signed(&args[0], IR_X16, k) * lane_signed(&args[1], IR_X16, k);
                lane_put(r, IR_X32, n, (uint64_t)sum);
        }
}

static void eval_sad(const struct ir_v128 *args, struct ir_v128 *r)
{
        for (unsigned n = 0; n < 2; n++) {
                uint64_t sum = 0;

                for (unsigned k = 8 * n; k < 8 * n + 8; k++) {
                        int64_t d = (int64_t)(lane_get(&args[0], IR_X8, k) - lane_get(&args[1], IR_X8, k));

                        sum += (uint64_t)(d < 0 ? -d : d);
                }
                r->w[n] = sum;
        }
}

static uint64_t eval_mask(const struct ir_ins *i, const struct ir_v128 *v)
{
        enum ir_lane lane = ir_lane_of(i);
        uint64_t mask = 0;

        for (unsigned n = 0; n < lane_count(lane); n++)
                mask |= (uint64_t)(lane_signed(v, lane, n) < 0) << n;
        return mask;
}

static void eval_dup(const struct ir_ins *i, uint64_t scalar, struct ir_v128 *r)
{
        for (unsigned n = 0; n < lane_count(ir_lane_of(i)); n++)
                lane_put(r, ir_lane_of(i), n, scalar);
}

void ir_vec_eval(const struct ir_ins *i, const struct ir_v128 *args, struct ir_v128 *result)
{
        const struct ir_v128 *a = &args[0], *b = &args[1];
        struct ir_v128 r = {{0, 0}};

        switch (i->op) {
        case IR_OP_vsel:
                for (unsigned n = 0; n < 2; n++)
                        r.w[n] = (a->w[n] & b->w[n]) | (~a->w[n] & args[2].w[n]);
                break;
        case IR_OP_vshlc: case IR_OP_vshruc: case IR_OP_vshrsc:
                eval_shift(i, args, &r);
                break;
        case IR_OP_vzext: case IR_OP_vlow:
                r.w[0] = lane_get(a, ir_lane_of(i), 0);
                break;
        case IR_OP_vpair:
                r = (struct ir_v128){{a->w[0], b->w[0]}};
                break;
        case IR_OP_vdup:
                eval_dup(i, a->w[0], &r);
                break;
        case IR_OP_vput:
                r = *a;
                lane_put(&r, ir_lane_of(i), (unsigned)i->imm, b->w[0]);
                break;
        case IR_OP_vpick:
                r.w[0] = lane_get(a, ir_lane_of(i), (unsigned)i->imm);
                break;
        case IR_OP_vtbl:
                eval_tbl(args, &r);
                break;
        case IR_OP_vduplane: case IR_OP_vshuf: case IR_OP_vshuflo: case IR_OP_vshufhi: case IR_OP_vrev:
        case IR_OP_vziplo: case IR_OP_vziphi: case IR_OP_vuzpe: case IR_OP_vuzpo: case IR_OP_vtrne:
        case IR_OP_vtrno: case IR_OP_vext:
                eval_permute(i, args, &r);
                break;
        case IR_OP_vwidens: case IR_OP_vwidenu:
                eval_widen(i, args, &r);
                break;
        case IR_OP_vpacks: case IR_OP_vpacksu: case IR_OP_vpacku:
                eval_pack(i, args, &r);
                break;
        case IR_OP_vmulevens: case IR_OP_vmulevenu:
                eval_mul_even(i, args, &r);
                break;
        case IR_OP_vmuladd:
                eval_muladd(args, &r);
                break;
        case IR_OP_vsad:
                eval_sad(args, &r);
                break;
        case IR_OP_vmask:
                r.w[0] = eval_mask(i, a);
                break;
        default:
                eval_lanes(i, args, &r);
                break;
        }
        *result = r;
}
