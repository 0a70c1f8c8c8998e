/* SPDX-License-Identifier: MIT */
/*
 * Vectors: what NEON has an instruction or a short sequence for is done inline, all else by slow_ops.vec, whose
 * arguments and result are in the frame.
 */
#include "backend/aarch64/emit.h"

void emit_vector_const(struct emit *e, unsigned d, uint64_t bits)
{
        unsigned mask = 0;

        for (unsigned k = 0; k < 8; k++) {
                unsigned byte = bits >> 8 * k & 0xff;

                if (byte == 0xff)
                        mask |= 1 << k;
                else if (byte)
                        mask = 0x100;
                if (mask & 0x100)
                        break;
        }
        if (!(mask & 0x100)) {
                a64_movi64(&e->a, d, mask);
                return;
        }
        emit_const(e, SCRATCH, bits);
        a64_dup(&e->a, 3, d, SCRATCH);
}

/* ---- slow path ---- */

static void vector_arg(struct emit *e, unsigned n, ir_ref v)
{
        struct ra_opnd o = ra_where(&e->ra, v);
        enum ir_type t = (enum ir_type)e->r->ins[v].type;
        struct a64_mem m = VEC_ARG(n);

        if (t == IR_V128) {
                unsigned reg = FSCRATCH;

                if (o.kind == RA_REG)
                        reg = a64_num(o.reg);
                else
                        emit_fp_opnd_to(e, RA_FPR + FSCRATCH, &o, t);
                a64_access(&e->a, A64_FST(4), reg, m);
        } else {
                emit_opnd_to(e, SCRATCH, &o, is_wide(t));
                a64_str(&e->a, true, SCRATCH, m);
        }
}

static void emit_slow(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        uint64_t op = slow_fp_pack(i, i->arg[0] ? (enum ir_type)e->r->ins[i->arg[0]].type : IR_VOID);

        for (unsigned k = 0; k < ir_ops[i->op].n_args; k++)
                vector_arg(e, k, i->arg[k]);
        emit_const(e, SCRATCH, op);
        a64_str(&e->a, true, SCRATCH, OUT_ARG(0));
        emit_const(e, SCRATCH, ir_ops[i->op].flags & IR_HAS_IMM ? i->imm : 0);
        a64_str(&e->a, true, SCRATCH, OUT_ARG(1));
        a64_bl_exec(&e->a, e->h->vec);
        ra_operands_done(&e->ra);
        if (!e->ra.val[at].last_use)
                return;
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        a64_access(&e->a, a64_slot_access(i->type, d >= RA_FPR, true), a64_num(d), VEC_ARG(0));
        ra_def_done(&e->ra, at);
}

/* ---- forms ---- */

enum { Q = 1u << 30 };

static uint32_t lane_bits(unsigned lane)
{
        return (uint32_t)lane << 22;
}

/* imm5 of the encodings that name a lane */
static uint32_t index5(unsigned lane, unsigned index)
{
        return (index << (lane + 1) | 1u << lane) << 16;
}

static unsigned vec(struct emit *e, ir_ref v)
{
        return a64_num(ra_reg(&e->ra, v));
}

static unsigned result(struct emit *e, uint32_t at)
{
        ra_operands_done(&e->ra);
        return a64_num(ra_def(&e->ra, at, RA_NONE, 0));
}

static void copy(struct emit *e, unsigned d, unsigned n)
{
        if (d != n)
                a64_rrr(&e->a, A64_VORR | A64_Q, d, n, n);
}

/* What NEON does in one instruction: the encoding with 8-bit lanes, and up to which lane size there is one. */
struct simple {
        uint32_t op;
        uint8_t max_lane, n; /* arguments; 0: none here */
        bool no_lane;        /* the lane's size is not in the encoding */
};

static const struct simple simple_ops[IR_OP_COUNT] = {
        [IR_OP_vand] = {A64_VAND | Q, 3, 2, true}, [IR_OP_vor] = {A64_VORR | Q, 3, 2, true},
        [IR_OP_vxor] = {A64_VEOR | Q, 3, 2, true}, [IR_OP_vandc] = {A64_VBIC | Q, 3, 2, true},
        [IR_OP_vadd] = {0x4e208400, 3, 2}, [IR_OP_vsub] = {0x6e208400, 3, 2}, [IR_OP_vmul] = {0x4e209c00, 2, 2},
        [IR_OP_vneg] = {0x6e20b800, 3, 1}, [IR_OP_vabs] = {0x4e20b800, 3, 1},
        [IR_OP_vmins] = {0x4e206c00, 2, 2}, [IR_OP_vminu] = {0x6e206c00, 2, 2},
        [IR_OP_vmaxs] = {0x4e206400, 2, 2}, [IR_OP_vmaxu] = {0x6e206400, 2, 2},
        [IR_OP_vqadds] = {0x4e200c00, 3, 2}, [IR_OP_vqaddu] = {0x6e200c00, 3, 2},
        [IR_OP_vqsubs] = {0x4e202c00, 3, 2}, [IR_OP_vqsubu] = {0x6e202c00, 3, 2},
        [IR_OP_vavgu] = {0x6e201400, 2, 2}, [IR_OP_vcmpeq] = {0x6e208c00, 3, 2},
        [IR_OP_vcmpgts] = {0x4e203400, 3, 2}, [IR_OP_vcmpgtu] = {0x6e203400, 3, 2},
        [IR_OP_vclz] = {0x6e204800, 2, 1}, [IR_OP_vpopcnt] = {A64_CNT | Q, 0, 1},
        [IR_OP_vziplo] = {0x4e003800, 3, 2}, [IR_OP_vziphi] = {0x4e007800, 3, 2},
        [IR_OP_vuzpe] = {0x4e001800, 3, 2}, [IR_OP_vuzpo] = {0x4e005800, 3, 2},
        [IR_OP_vtrne] = {0x4e002800, 3, 2}, [IR_OP_vtrno] = {0x4e006800, 3, 2},
        [IR_OP_vtbl] = {0x4e000000, 3, 2, true},
};

static bool emit_simple(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        const struct simple *s = &simple_ops[i->op];
        unsigned lane = ir_lane_of(i), n, m = 0, d;

        if (!s->n || lane > s->max_lane)
                return false;
        n = vec(e, i->arg[0]);
        if (s->n == 2)
                m = vec(e, i->arg[1]);
        d = result(e, at);
        a64_rrr(&e->a, s->op | (s->no_lane ? 0 : lane_bits(lane)), d, n, m);
        ra_def_done(&e->ra, at);
        return true;
}

/* ---- shifts ---- */

static void emit_shift_imm(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned w = 8u << ir_lane_of(i), n = vec(e, i->arg[0]), d = result(e, at), count = (uint8_t)i->imm;
        bool left = i->op == IR_OP_vshli, sign = i->op == IR_OP_vshrsi;

        if (sign && count > w)
                count = w;
        if (!count)
                copy(e, d, n);
        else if (count >= w && !sign)
                a64_movi64(&e->a, d, 0);
        else
                a64_rr(&e->a, (left ? 0x4f005400 | (w + count) << 16 : (sign ? 0x4f000400 : 0x6f000400) |
                               (2 * w - count) << 16), d, n);
        ra_def_done(&e->ra, at);
}

/* The host shifts by a signed byte, to the left, to the right where it is negative. */
static void shift_by(struct emit *e, enum ir_op op, unsigned lane, unsigned d, unsigned n, unsigned counts)
{
        if (op != IR_OP_vshl && op != IR_OP_vshlc) {
                a64_rr(&e->a, 0x6e20b800 | lane_bits(lane), FSCRATCH, counts); /* neg */
                counts = FSCRATCH;
        }
        a64_rrr(&e->a, (op == IR_OP_vshrs || op == IR_OP_vshrsc ? 0x4e204400 : 0x6e204400) | lane_bits(lane), d, n,
                counts);
}

static uint64_t replicate(unsigned lane, uint64_t v)
{
        for (unsigned k = lane; k < 3; k++)
                v |= v << (8u << k);
        return v;
}

static bool emit_shift_lanes(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned lane = ir_lane_of(i), w = 8u << lane, n, m, d;

        if (lane == 3)
                return false; /* no minimum of 64 bits */
        n = vec(e, i->arg[0]);
        m = vec(e, i->arg[1]);
        d = result(e, at);
        emit_vector_const(e, FSCRATCH2, replicate(lane, i->op == IR_OP_vshrs ? w - 1 : w));
        a64_rrr(&e->a, 0x6e206c00 | lane_bits(lane), FSCRATCH2, FSCRATCH2, m); /* umin */
        shift_by(e, (enum ir_op)i->op, lane, d, n, FSCRATCH2);
        ra_def_done(&e->ra, at);
        return true;
}

static void emit_shift_count(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned lane = ir_lane_of(i), w = 8u << lane, n = vec(e, i->arg[0]), c = ra_reg(&e->ra, i->arg[1]);
        unsigned d = result(e, at);

        a64_mov_imm(&e->a, SCRATCH, i->op == IR_OP_vshrsc ? w - 1 : w);
        a64_cmp(&e->a, true, c, SCRATCH);
        a64_csel(&e->a, A64_CSEL, CC_CC, true, SCRATCH, c, SCRATCH);
        a64_dup(&e->a, lane, FSCRATCH2, SCRATCH);
        shift_by(e, (enum ir_op)i->op, lane, d, n, FSCRATCH2);
        ra_def_done(&e->ra, at);
}

/* ---- scalars in and out ---- */

static void emit_vzext(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        enum ir_type t = (enum ir_type)e->r->ins[i->arg[0]].type;
        unsigned n = ra_reg(&e->ra, i->arg[0]), d = result(e, at);

        if (ir_type_in_fpr(t))
                a64_fp1(&e->a, A64_FMOV, is_wide(t), d, a64_num(n));
        else
                a64_fmov_from_gpr(&e->a, is_wide(t), d, n);
        ra_def_done(&e->ra, at);
}

static void emit_vlow(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned n = vec(e, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        if (d >= RA_FPR)
                copy(e, a64_num(d), n);
        else
                a64_fmov_to_gpr(&e->a, is_wide(i->type), d, n);
        ra_def_done(&e->ra, at);
}

static void emit_vpair(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned lo = ra_reg(&e->ra, i->arg[0]), hi = ra_reg(&e->ra, i->arg[1]), d = result(e, at);

        a64_fmov_from_gpr(&e->a, true, d, lo);
        a64_rr(&e->a, 0x4e001c00 | index5(3, 1), d, hi);
        ra_def_done(&e->ra, at);
}

static void emit_vdup(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned lane = ir_lane_of(i), n = ra_reg(&e->ra, i->arg[0]), d = result(e, at);
        unsigned index = i->op == IR_OP_vduplane ? (unsigned)i->imm : 0;

        a64_rr(&e->a, (n >= RA_FPR ? 0x4e000400 : 0x4e000c00) | index5(lane, index), d, a64_num(n));
        ra_def_done(&e->ra, at);
}

static void emit_vput(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned lane = ir_lane_of(i), n = vec(e, i->arg[0]), s = ra_reg(&e->ra, i->arg[1]), d;
        uint32_t op = (s >= RA_FPR ? 0x6e000400 : 0x4e001c00) | index5(lane, (unsigned)i->imm);

        ra_operands_done(&e->ra);
        d = a64_num(ra_def(&e->ra, at, RA_FPR + n, s >= RA_FPR && a64_num(s) != n ? RA_BIT(s) : 0));
        if (s >= RA_FPR && a64_num(s) == n && d != n) {
                copy(e, d, n);
                s = RA_FPR + d;
        } else {
                copy(e, d, n);
        }
        a64_rr(&e->a, op, d, a64_num(s));
        ra_def_done(&e->ra, at);
}

static void emit_vpick(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned lane = ir_lane_of(i), n = vec(e, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);
        uint32_t at5 = index5(lane, (unsigned)i->imm);

        if (d >= RA_FPR)
                a64_rr(&e->a, 0x5e000400 | at5, a64_num(d), n);
        else
                a64_rr(&e->a, 0x0e003c00 | (lane == 3 ? Q : 0) | at5, d, n);
        ra_def_done(&e->ra, at);
}

/* ---- permutations and the like ---- */

static void emit_vsel(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned mask = vec(e, i->arg[0]), x = vec(e, i->arg[1]), y = vec(e, i->arg[2]), d = result(e, at);

        copy(e, FSCRATCH, mask);
        a64_rrr(&e->a, A64_VBSL | Q, FSCRATCH, x, y);
        copy(e, d, FSCRATCH);
        ra_def_done(&e->ra, at);
}

static void emit_vext(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned n = vec(e, i->arg[0]), m = vec(e, i->arg[1]), d = result(e, at), from = (unsigned)i->imm;

        if (from == 16)
                copy(e, d, m);
        else
                a64_rrr(&e->a, 0x6e000000 | from << 11, d, n, m);
        ra_def_done(&e->ra, at);
}

static void emit_vrev(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const uint32_t ops[] = {0, 0x4e201800, 0x6e200800, 0x4e200800, 0x4e200800};
        unsigned lane = ir_lane_of(i), group = (unsigned)i->imm, n = vec(e, i->arg[0]), d = result(e, at);

        if (lane < 3 && group > lane)
                a64_rr(&e->a, ops[group] | lane_bits(lane), d, n);
        else
                copy(e, d, n);
        if (group == 4)
                a64_rrr(&e->a, 0x6e000000 | 8 << 11, d, d, d);
        ra_def_done(&e->ra, at);
}

static void emit_vwiden(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned n = vec(e, i->arg[0]), d = result(e, at);

        a64_rr(&e->a, (i->op == IR_OP_vwidens ? 0x0f00a400 : 0x2f00a400) | (i->imm ? Q : 0) |
                      (8u << ir_lane_of(i)) << 16, d, n);
        ra_def_done(&e->ra, at);
}

static void emit_vpack(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        uint32_t op = i->op == IR_OP_vpacks ? 0x0e214800 : i->op == IR_OP_vpacksu ? 0x2e212800 : 0x2e214800;
        unsigned n = vec(e, i->arg[0]), m = vec(e, i->arg[1]), d = result(e, at);

        op |= lane_bits(ir_lane_of(i) - 1);
        a64_rr(&e->a, op, FSCRATCH, n);
        a64_rr(&e->a, op | Q, FSCRATCH, m);
        copy(e, d, FSCRATCH);
        ra_def_done(&e->ra, at);
}

/* Products of the even lanes */
static void emit_vmuleven(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        uint32_t lane = lane_bits(ir_lane_of(i));
        unsigned n = vec(e, i->arg[0]), m = vec(e, i->arg[1]), d = result(e, at);

        a64_rrr(&e->a, 0x4e001800 | lane, FSCRATCH, n, n);
        a64_rrr(&e->a, 0x4e001800 | lane, FSCRATCH2, m, m);
        a64_rrr(&e->a, (i->op == IR_OP_vmulevens ? 0x0e20c000 : 0x2e20c000) | lane, d, FSCRATCH, FSCRATCH2);
        ra_def_done(&e->ra, at);
}

static void emit_vmuladd(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned n = vec(e, i->arg[0]), m = vec(e, i->arg[1]), d = result(e, at);

        a64_rrr(&e->a, 0x0e60c000, FSCRATCH, n, m);      /* smull */
        a64_rrr(&e->a, 0x4e60c000, FSCRATCH2, n, m);     /* smull2 */
        a64_rrr(&e->a, 0x4ea0bc00, d, FSCRATCH, FSCRATCH2); /* addp */
        ra_def_done(&e->ra, at);
}

static void emit_vsad(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned n = vec(e, i->arg[0]), m = vec(e, i->arg[1]), d = result(e, at);

        a64_rrr(&e->a, 0x6e207400, d, n, m); /* uabd */
        for (unsigned lane = 0; lane < 3; lane++)
                a64_rr(&e->a, 0x6e202800 | lane_bits(lane), d, d); /* uaddlp */
        ra_def_done(&e->ra, at);
}

/* The top bit of each lane: lanes become bytes of ones or zeros, these a bit each, and the bits are added up. */
static void emit_vmask(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned lane = ir_lane_of(i), w = 8u << lane, n = vec(e, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        a64_rr(&e->a, 0x4f000400 | (w + 1) << 16, FSCRATCH, n); /* sshr by w - 1 */
        while (lane)
                a64_rr(&e->a, 0x0e212800 | lane_bits(--lane), FSCRATCH, FSCRATCH); /* xtn */
        emit_vector_const(e, FSCRATCH2, 0x8040201008040201ull);
        a64_rrr(&e->a, A64_VAND | Q, FSCRATCH, FSCRATCH, FSCRATCH2);
        for (unsigned k = 0; k < 3; k++)
                a64_rrr(&e->a, 0x4e20bc00, FSCRATCH, FSCRATCH, FSCRATCH); /* addp */
        a64_rr(&e->a, 0x0e003c00 | index5(1, 0), d, FSCRATCH);
        ra_def_done(&e->ra, at);
}

/* ---- floating point ---- */

/* Two arguments: the vector's encoding and the scalar's, for F32 lanes */
struct vfp {
        uint32_t vector, scalar;
        bool tiny; /* the result may underflow */
};

static bool emit_vfp(struct emit *e, uint32_t at, const struct ir_ins *i, const struct vfp *f)
{
        uint32_t wide = ir_lane_of(i) == IR_X64 ? 1u << 22 : 0;
        bool low = i->aux & IR_VEC_LOW, one = ir_ops[i->op].n_args == 1;

        if (f->tiny && !e->r->fp.tininess_before)
                return false;
        unsigned n = vec(e, i->arg[0]), m = one ? 0 : vec(e, i->arg[1]), d = result(e, at);

        if (i->op == IR_OP_vfsqrt && low)
                a64_rr(&e->a, f->scalar | wide, FSCRATCH, m);
        else if (i->op == IR_OP_vfsqrt)
                a64_rr(&e->a, f->vector | wide, d, m);
        else if (low)
                a64_rrr(&e->a, f->scalar | wide, FSCRATCH, n, m);
        else
                a64_rrr(&e->a, f->vector | wide, d, n, m);
        if (low) {
                copy(e, d, n);
                a64_rr(&e->a, 0x6e000400 | index5(ir_lane_of(i), 0), d, FSCRATCH);
        }
        ra_def_done(&e->ra, at);
        return true;
}

static bool emit_vfcmp(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const struct vfp eq = {0x4e20e400, 0x5e20e400, false}, ge = {0x6e20e400, 0x7e20e400, false};
        static const struct vfp gt = {0x6ea0e400, 0x7ea0e400, false};
        struct ir_ins swapped = *i;

        if ((i->cond == IR_FEQ && i->aux & IR_FCMP_SIGNALING) || i->cond == IR_FUN ||
            (i->cond != IR_FEQ && i->aux & IR_FCMP_QUIET))
                return false;
        if (i->cond == IR_FEQ)
                return emit_vfp(e, at, i, &eq);
        if (i->aux & IR_VEC_LOW)
                return false;
        swapped.arg[0] = i->arg[1]; /* a < b is b > a */
        swapped.arg[1] = i->arg[0];
        return emit_vfp(e, at, &swapped, i->cond == IR_FLT ? &gt : &ge);
}

static bool emit_vfma(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        uint32_t wide = ir_lane_of(i) == IR_X64 ? 1u << 22 : 0;

        if (!e->r->fp.tininess_before || !e->r->fp.fma_inf_zero_nan_invalid)
                return false;
        unsigned x = vec(e, i->arg[0]), y = vec(e, i->arg[1]), z = vec(e, i->arg[2]), d = result(e, at);

        copy(e, FSCRATCH, z);
        a64_rrr(&e->a, (i->aux >> IR_VEC_VARIANT & 1 ? 0x4ea0cc00 : 0x4e20cc00) | wide, FSCRATCH, x, y);
        copy(e, d, FSCRATCH);
        ra_def_done(&e->ra, at);
        return true;
}

static bool emit_vfminmax(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const struct vfp number[2] = {{0x4ea0c400, A64_FMINNM, false}, {0x4e20c400, A64_FMAXNM, false}};
        static const struct vfp nan[2] = {{0x4ea0f400, A64_FMIN, false}, {0x4e20f400, A64_FMAX, false}};
        bool max = i->op == IR_OP_vfmax;

        switch ((enum ir_fminmax)(i->aux >> IR_VEC_VARIANT)) {
        case IR_MM_NUM2008:
                return emit_vfp(e, at, i, &number[max]);
        case IR_MM_NAN:
                return emit_vfp(e, at, i, &nan[max]);
        default:
                return false;
        }
}

/* One argument, no lane alone */
static void emit_vfp1(struct emit *e, uint32_t at, const struct ir_ins *i, uint32_t op)
{
        unsigned n = vec(e, i->arg[0]), d = result(e, at);

        a64_rr(&e->a, op | (ir_lane_of(i) == IR_X64 ? 1u << 22 : 0), d, n);
        ra_def_done(&e->ra, at);
}

static bool emit_vfloat(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const struct vfp add = {0x4e20d400, A64_FADD, false}, sub = {0x4ea0d400, A64_FSUB, false};
        static const struct vfp mul = {0x6e20dc00, A64_FMUL, true}, div = {0x6e20fc00, A64_FDIV, true};
        static const struct vfp sqrt = {0x6ea1f800, A64_FSQRT, false};
        static const uint32_t round[] = {[IR_RM_RNE] = 0x4e218800, [IR_RM_RTZ] = 0x4ea19800, [IR_RM_RDN] = 0x4e219800,
                                         [IR_RM_RUP] = 0x4ea18800, [IR_RM_RMM] = 0x6e218800};
        static const uint32_t to_int[] = {[IR_RM_RNE] = 0x4e21a800, [IR_RM_RTZ] = 0x4ea1b800, [IR_RM_RDN] = 0x4e21b800,
                                          [IR_RM_RUP] = 0x4ea1a800, [IR_RM_RMM] = 0x4e21c800};
        unsigned rm = emit_rounding(e, i);
        uint32_t is_unsigned = i->aux & IR_VEC_UNSIGNED ? 1u << 29 : 0;

        if (!emit_fp_native(e))
                return false;
        switch ((enum ir_op)i->op) {
        case IR_OP_vfadd:
                return emit_rounds_here(e, i) && emit_vfp(e, at, i, &add);
        case IR_OP_vfsub:
                return emit_rounds_here(e, i) && emit_vfp(e, at, i, &sub);
        case IR_OP_vfmul:
                return emit_rounds_here(e, i) && emit_vfp(e, at, i, &mul);
        case IR_OP_vfdiv:
                return emit_rounds_here(e, i) && emit_vfp(e, at, i, &div);
        case IR_OP_vfsqrt:
                return emit_rounds_here(e, i) && emit_vfp(e, at, i, &sqrt);
        case IR_OP_vfma:
                return emit_rounds_here(e, i) && emit_vfma(e, at, i);
        case IR_OP_vfmin:
        case IR_OP_vfmax:
                return emit_vfminmax(e, at, i);
        case IR_OP_vfcmp:
                return emit_vfcmp(e, at, i);
        case IR_OP_vfround:
                if (i->aux >> IR_VEC_VARIANT & 1 && !emit_rounds_here(e, i))
                        return false;
                emit_vfp1(e, at, i, i->aux >> IR_VEC_VARIANT & 1 ? 0x6e219800 : round[rm]);
                return true;
        case IR_OP_vfcvt_if:
                if (!emit_rounds_here(e, i))
                        return false;
                emit_vfp1(e, at, i, 0x4e21d800 | is_unsigned);
                return true;
        case IR_OP_vfcvt_fi:
                if (e->r->fp.int_rule != IR_INT_SATURATE_ZERO)
                        return false;
                emit_vfp1(e, at, i, to_int[rm] | is_unsigned);
                return true;
        case IR_OP_vfcvt_up: {
                unsigned n = vec(e, i->arg[0]), d = result(e, at);

                a64_rr(&e->a, 0x0e617800, d, n);
                ra_def_done(&e->ra, at);
                return true;
        }
        case IR_OP_vfcvt_down: {
                if (!emit_rounds_here(e, i) || !e->r->fp.tininess_before)
                        return false;
                unsigned n = vec(e, i->arg[0]), d = result(e, at);

                a64_rr(&e->a, 0x0e616800, d, n);
                ra_def_done(&e->ra, at);
                return true;
        }
        default:
                return false;
        }
}

static bool emit_inline(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        if (ir_ops[i->op].flags & IR_FPSTATE)
                return emit_vfloat(e, at, i);
        switch ((enum ir_op)i->op) {
        case IR_OP_vshli:
        case IR_OP_vshrui:
        case IR_OP_vshrsi:
                emit_shift_imm(e, at, i);
                return true;
        case IR_OP_vshl:
        case IR_OP_vshru:
        case IR_OP_vshrs:
                return emit_shift_lanes(e, at, i);
        case IR_OP_vshlc:
        case IR_OP_vshruc:
        case IR_OP_vshrsc:
                emit_shift_count(e, at, i);
                return true;
        case IR_OP_vzext:
                emit_vzext(e, at, i);
                return true;
        case IR_OP_vlow:
                emit_vlow(e, at, i);
                return true;
        case IR_OP_vpair:
                emit_vpair(e, at, i);
                return true;
        case IR_OP_vdup:
        case IR_OP_vduplane:
                emit_vdup(e, at, i);
                return true;
        case IR_OP_vput:
                emit_vput(e, at, i);
                return true;
        case IR_OP_vpick:
                emit_vpick(e, at, i);
                return true;
        case IR_OP_vsel:
                emit_vsel(e, at, i);
                return true;
        case IR_OP_vext:
                emit_vext(e, at, i);
                return true;
        case IR_OP_vrev:
                emit_vrev(e, at, i);
                return true;
        case IR_OP_vwidens:
        case IR_OP_vwidenu:
                emit_vwiden(e, at, i);
                return true;
        case IR_OP_vpacks:
        case IR_OP_vpacksu:
        case IR_OP_vpacku:
                emit_vpack(e, at, i);
                return true;
        case IR_OP_vmulevens:
        case IR_OP_vmulevenu:
                emit_vmuleven(e, at, i);
                return true;
        case IR_OP_vmuladd:
                emit_vmuladd(e, at, i);
                return true;
        case IR_OP_vsad:
                emit_vsad(e, at, i);
                return true;
        case IR_OP_vmask:
                emit_vmask(e, at, i);
                return true;
        default:
                return emit_simple(e, at, i);
        }
}

void emit_vector(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        if (!(ir_ops[i->op].flags & IR_FPSTATE) && !e->ra.val[at].last_use)
                return;
        if (!emit_inline(e, at, i))
                emit_slow(e, at, i);
}
