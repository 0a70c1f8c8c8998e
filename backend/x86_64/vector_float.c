/* SPDX-License-Identifier: MIT */
/*
 * Floating-point lanes. As for scalars (float.c): one instruction where the region's mode is the host's own;
 * else the result is looked at, and the op done over by C if a lane is a NaN or may have been tiny before
 * rounding. Intel SDM volume 1, 4.8 and 11.5, volume 2.
 */
#include "backend/x86_64/vector.h"

static bool is_low(const struct ir_ins *i)
{
        return i->aux & IR_VEC_LOW;
}

/* An opcode of the kind that has ps, pd, ss and sd forms. */
static uint32_t fp_op(const struct ir_ins *i, unsigned byte)
{
        bool wide = ir_lane_of(i) == IR_X64;

        return X86_OP(is_low(i) ? x86_fp(wide) : wide ? 0x66 : 0, 1, byte);
}

/* Jumps to cold code, which does the op over in C, if a lane of xmm15 is all ones. The result is xmm @d. */
static void redo_if_ones(struct emit *e, const struct ir_ins *i, unsigned d, const struct ra_opnd *args)
{
        struct cold *c;

        if (e->h->feat.sse41) {
                x86_rr(&e->a, P66_38(0x17), FSCRATCH, FSCRATCH); /* ptest */
        } else {
                x86_rr(&e->a, P66(0xd7), SCRATCH, FSCRATCH);
                x86_test(&e->a, false, SCRATCH, SCRATCH);
        }
        c = emit_cold(e, COLD_VECTOR, i);
        c->d = d;
        c->value = args[0];
        if (ir_ops[i->op].n_args > 1)
                c->value2 = args[1];
        if (ir_ops[i->op].n_args > 2)
                c->addr = args[2];
        emit_cold_from(c, x86_jcc(&e->a, CC_NE));
        c->back = e->a.p;
}

/*
 * In a mode that mends: NaNs among the lanes of the result @t (of @lane), and with @tiny what may have been
 * tiny before rounding. All lanes are results, so none is a signaling NaN.
 */
static void check_lanes(struct emit *e, const struct ir_ins *i, enum ir_lane lane, unsigned t, bool tiny,
                        const struct ra_opnd *args)
{
        bool wide = lane == IR_X64;

        if (tiny && e->r->fp.tininess_before) {
                unsigned u = vtemp(e, fbit(t) | RA_BIT(args[0].reg) | RA_BIT(args[1].reg) |
                                   RA_BIT(args[2].reg));

                op3_mem(e, P66(0xdb), FSCRATCH, t, emit_pool(e, wide ? POOL_ABSS64 : POOL_ABSS32));
                op3_mem(e, wide ? P66_38(0x29) : P66(0x76), u, FSCRATCH,
                        emit_pool(e, wide ? POOL_MINS64 : POOL_MINS32));
                op3_mem(e, wide ? P66_38(0x37) : P66(0x66), FSCRATCH, FSCRATCH,
                        emit_pool(e, wide ? POOL_INFS64 : POOL_INFS32));
                op3(e, P66(0xeb), FSCRATCH, FSCRATCH, u);
        } else {
                op3_imm(e, X86_OP(wide ? 0x66 : 0, 1, 0xc2), FSCRATCH, t, t, 3); /* cmpunord */
        }
        redo_if_ones(e, i, t, args);
}

static void get_args(struct emit *e, const struct ir_ins *i, struct ra_opnd *args, ra_set *regs)
{
        *regs = 0;
        for (unsigned k = 0; k < 3; k++) {
                args[k] = k < ir_ops[i->op].n_args
                                  ? (struct ra_opnd){.kind = RA_REG, .reg = ra_reg(&e->ra, i->arg[k])}
                                  : args[0];
                *regs |= RA_BIT(args[k].reg);
        }
        ra_operands_done(&e->ra);
}

/* The result's register, and one to make it in that is no operand's. */
static unsigned def_apart(struct emit *e, uint32_t at, ra_set operands, unsigned *t)
{
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        *t = x86_num(d);
        if (operands & RA_BIT(d)) {
                e->ra.locked |= operands;
                *t = vtemp(e, operands);
        }
        /* Cold code reads the operands: nothing else may come into their registers meanwhile. */
        e->ra.locked |= operands;
        return x86_num(d);
}

static void emit_vfarith(struct emit *e, uint32_t at, const struct ir_ins *i, unsigned byte)
{
        bool sqrt = i->op == IR_OP_vfsqrt;
        struct ra_opnd args[3];
        ra_set regs;
        unsigned t, d, x, y;

        if (x86_fp_fit(&e->r->fp) == FIT_NATIVE && !(sqrt && !is_low(i))) {
                emit_vec_direct(e, at, i, fp_op(i, byte));
                return;
        }
        get_args(e, i, args, &regs);
        x = x86_num(args[0].reg);
        y = x86_num(args[1].reg);
        if (x86_fp_fit(&e->r->fp) == FIT_NATIVE) {
                x86_rr(&e->a, fp_op(i, byte), vdef(e, at, y, 0), y);
                ra_def_done(&e->ra, at);
                return;
        }
        d = def_apart(e, at, regs, &t);
        if (sqrt && !is_low(i))
                x86_rr(&e->a, fp_op(i, byte), t, y);
        else
                op3(e, fp_op(i, byte), t, x, y);
        check_lanes(e, i, ir_lane_of(i), t, byte == FP_MUL || byte == FP_DIV, args);
        vmove(e, d, t);
        ra_def_done(&e->ra, at);
}

static void emit_vfma(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool neg = i->aux >> IR_VEC_VARIANT & 1;
        struct ra_opnd args[3];
        ra_set regs;
        unsigned t, d;

        get_args(e, i, args, &regs);
        d = def_apart(e, at, regs, &t);
        x86_movaps(&e->a, t, x86_num(args[2].reg));
        /* VFMADD231, VFNMADD231 */
        x86_vrr(&e->a, P66_38(neg ? 0xbc : 0xb8) | x86_w(ir_lane_of(i) == IR_X64), t, x86_num(args[0].reg),
                x86_num(args[1].reg));
        if (x86_fp_fit(&e->r->fp) != FIT_NATIVE)
                check_lanes(e, i, ir_lane_of(i), t, true, args);
        vmove(e, d, t);
        ra_def_done(&e->ra, at);
}

/*
 * Both ways round, as the instruction gives its second operand where they are equal: so zeros come out by
 * sign.
 */
static void emit_vfminmax(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned byte = i->op == IR_OP_vfmin ? FP_MIN : FP_MAX, t, d, x, y;
        struct ra_opnd args[3];
        ra_set regs;

        if (i->aux >> IR_VEC_VARIANT == IR_MM_LESS) {
                emit_vec_direct(e, at, i, fp_op(i, byte));
                return;
        }
        get_args(e, i, args, &regs);
        d = def_apart(e, at, regs, &t);
        x = x86_num(args[0].reg);
        y = x86_num(args[1].reg);
        op3_imm(e, fp_op(i, 0xc2), FSCRATCH, x, y, 3);
        redo_if_ones(e, i, t, args);
        /* The cold code comes back to where all is done. */
        struct cold *c = &e->cold[e->n_cold - 1];

        op3(e, fp_op(i, byte), FSCRATCH, x, y);
        op3(e, fp_op(i, byte), t, y, x);
        op3(e, P66(i->op == IR_OP_vfmin ? 0xeb : 0xdb), t, t, FSCRATCH);
        c->back = e->a.p;
        vmove(e, d, t);
        ra_def_done(&e->ra, at);
}

/* The predicate of CMPPS and its like; over 7 with VEX only. */
static unsigned predicate(const struct ir_ins *i)
{
        static const uint8_t p[] = {[IR_FEQ] = 0, [IR_FLT] = 1, [IR_FLE] = 2, [IR_FUN] = 3};
        bool signals = i->cond == IR_FLT || i->cond == IR_FLE;

        if (i->aux & IR_FCMP_QUIET ? signals : (i->aux & IR_FCMP_SIGNALING) && !signals)
                return 0x10 | p[i->cond];
        return p[i->cond];
}

static void emit_vfcmp(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned x = vreg(e, i, 0), y = vreg(e, i, 1);

        ra_operands_done(&e->ra);
        unsigned d = vdef(e, at, x, x != y ? fbit(y) : 0);

        op3_imm(e, fp_op(i, 0xc2), d, x, y, predicate(i));
        ra_def_done(&e->ra, at);
}

static void emit_vfround(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const uint8_t modes[] = {[IR_RM_RNE] = 0, [IR_RM_RTZ] = 3, [IR_RM_RDN] = 1, [IR_RM_RUP] = 2};
        struct ra_opnd args[3];
        ra_set regs;
        unsigned t, d;

        get_args(e, i, args, &regs);
        d = def_apart(e, at, regs, &t);
        op_imm(e, P66_3A(ir_lane_of(i) == IR_X64 ? 0x09 : 0x08), t, x86_num(args[0].reg),
               modes[emit_rounding(e, i)] | (i->aux >> IR_VEC_VARIANT & 1 ? 0 : 8));
        if (e->r->fp.nan == IR_NAN_DEFAULT)
                check_lanes(e, i, ir_lane_of(i), t, false, args);
        vmove(e, d, t);
        ra_def_done(&e->ra, at);
}

/* To another format, or from integers: @op; the result has lanes of @lane, and may be @tiny. */
static void emit_vfcvt(struct emit *e, uint32_t at, const struct ir_ins *i, uint32_t op,
                       enum ir_lane lane,
                       bool tiny)
{
        bool mended = x86_fp_fit(&e->r->fp) == FIT_MENDED && i->op != IR_OP_vfcvt_if &&
                i->op != IR_OP_vfcvt_iup;
        bool checked = mended && (e->r->fp.nan == IR_NAN_DEFAULT || (tiny && e->r->fp.tininess_before));
        struct ra_opnd args[3];
        ra_set regs;
        unsigned t, d;

        get_args(e, i, args, &regs);
        if (!checked) {
                x86_rr(&e->a, op, vdef(e, at, x86_num(args[0].reg), 0), x86_num(args[0].reg));
                ra_def_done(&e->ra, at);
                return;
        }
        d = def_apart(e, at, regs, &t);
        x86_rr(&e->a, op, t, x86_num(args[0].reg));
        check_lanes(e, i, lane, t, tiny, args);
        vmove(e, d, t);
        ra_def_done(&e->ra, at);
}

/* To integers: what did not fit is 0x80000000, which is as it should be or sends the op to C. */
static void emit_vfcvt_fi(struct emit *e, uint32_t at, const struct ir_ins *i, uint32_t op)
{
        struct ra_opnd args[3];
        ra_set regs;
        unsigned t, d;

        get_args(e, i, args, &regs);
        if (e->r->fp.int_rule == IR_INT_INDEFINITE) {
                x86_rr(&e->a, op, vdef(e, at, x86_num(args[0].reg), 0), x86_num(args[0].reg));
                ra_def_done(&e->ra, at);
                return;
        }
        d = def_apart(e, at, regs, &t);
        x86_rr(&e->a, op, t, x86_num(args[0].reg));
        op3_mem(e, P66(0x76), FSCRATCH, t, emit_pool(e, POOL_SIGNS32));
        redo_if_ones(e, i, t, args);
        vmove(e, d, t);
        ra_def_done(&e->ra, at);
}

/* 64-bit integers, one after the other: the host has no instruction for both before AVX-512. */
static void emit_vfcvt_if64(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        const uint32_t cvt = X86_OP(X86_SD, 1, 0x2a) | X86_W;
        unsigned x = vreg(e, i, 0);

        ra_operands_done(&e->ra);
        unsigned d = vdef(e, at, x, fbit(x));

        op_imm(e, P66(0x70), d, x, 0xee);
        x86_mov_from_fp(&e->a, true, SCRATCH, d);
        x86_rr(&e->a, X86_OP(0, 1, 0x57), FSCRATCH, FSCRATCH);
        x86_rr(&e->a, cvt, FSCRATCH, SCRATCH);
        x86_mov_from_fp(&e->a, true, SCRATCH, x);
        x86_rr(&e->a, X86_OP(0, 1, 0x57), d, d);
        x86_rr(&e->a, cvt, d, SCRATCH);
        op3(e, P66(0x6c), d, d, FSCRATCH);
        ra_def_done(&e->ra, at);
}

static void emit_vfcvt_fi64(struct emit *e, uint32_t at, const struct ir_ins *i, bool rtz)
{
        const uint32_t cvt = X86_OP(X86_SD, 1, rtz ? 0x2c : 0x2d) | X86_W;
        struct ra_opnd args[3];
        ra_set regs;
        unsigned t, d, x;

        get_args(e, i, args, &regs);
        d = def_apart(e, at, regs, &t);
        x = x86_num(args[0].reg);
        op_imm(e, P66(0x70), t, x, 0xee);
        x86_rr(&e->a, cvt, SCRATCH, t);
        x86_mov_to_fp(&e->a, true, FSCRATCH, SCRATCH);
        x86_rr(&e->a, cvt, SCRATCH, x);
        x86_mov_to_fp(&e->a, true, t, SCRATCH);
        op3(e, P66(0x6c), t, t, FSCRATCH);
        if (e->r->fp.int_rule != IR_INT_INDEFINITE) {
                op3_mem(e, P66_38(0x29), FSCRATCH, t, emit_pool(e, POOL_SIGNS64)); /* pcmpeqq */
                redo_if_ones(e, i, t, args);
        }
        vmove(e, d, t);
        ra_def_done(&e->ra, at);
}

bool emit_vec_float(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        const struct host_features *f = &e->h->feat;
        enum x86_fp_fit fit = x86_fp_fit(&e->r->fp);
        bool native = fit == FIT_NATIVE, wide = ir_lane_of(i) == IR_X64,
                rtz = emit_rounding(e, i) == IR_RM_RTZ;
        bool is_unsigned = i->aux & IR_VEC_UNSIGNED;
        bool tiny_ok = native || !e->r->fp.tininess_before || (f->sse42 && e->h->feat.avx);
        bool here = emit_rounds_here(e, i) && (native || !is_low(i));

        switch ((enum ir_op)i->op) {
        case IR_OP_vfcvt_iup:
                emit_vfcvt(e, at, i, X86_OP(0xf3, 1, 0xe6), IR_X64, false);
                return true;
        case IR_OP_vfcvt_if:
                if (is_unsigned || !emit_rounds_here(e, i))
                        return false;
                if (wide) {
                        emit_vfcvt_if64(e, at, i);
                        return true;
                }
                emit_vfcvt(e, at, i, X86_OP(0, 1, 0x5b), IR_X32, false);
                return true;
        default:
                if (fit == FIT_NONE)
                        return false;
                break;
        }
        if (i->op == IR_OP_vfcvt_fi && wide && !is_unsigned && f->sse41 && (rtz || emit_rounds_here(e, i))) {
                emit_vfcvt_fi64(e, at, i, rtz);
                return true;
        }
        switch ((enum ir_op)i->op) {
        CASE(vfadd, here, emit_vfarith(e, at, i, FP_ADD))
        CASE(vfsub, here, emit_vfarith(e, at, i, FP_SUB))
        CASE(vfmul, here && tiny_ok, emit_vfarith(e, at, i, FP_MUL))
        CASE(vfdiv, here && tiny_ok, emit_vfarith(e, at, i, FP_DIV))
        CASE(vfsqrt, here, emit_vfarith(e, at, i, FP_SQRT))
        CASE(vfma, here && tiny_ok && f->fma && !(native && i->aux >> IR_VEC_VARIANT), emit_vfma(e, at, i))
        CASE(vfmin, native ? i->aux >> IR_VEC_VARIANT == IR_MM_LESS
                           : i->aux >> IR_VEC_VARIANT != IR_MM_LESS && !is_low(i), emit_vfminmax(e, at, i))
        CASE(vfmax, native ? i->aux >> IR_VEC_VARIANT == IR_MM_LESS
                           : i->aux >> IR_VEC_VARIANT != IR_MM_LESS && !is_low(i), emit_vfminmax(e, at, i))
        CASE(vfcmp, predicate(i) < 8 || e->h->feat.avx, emit_vfcmp(e, at, i))
        CASE(vfround, f->sse41 && !native && emit_rounding(e, i) != IR_RM_RMM, emit_vfround(e, at, i))
        CASE(vfcvt_up, true, emit_vfcvt(e, at, i, X86_OP(0, 1, 0x5a), IR_X64, false))
        CASE(vfcvt_down, emit_rounds_here(e, i), emit_vfcvt(e, at, i, P66(0x5a), IR_X32, true))
        CASE(vfcvt_fi, !wide && !is_unsigned && (rtz || emit_rounds_here(e, i)),
             emit_vfcvt_fi(e, at, i, X86_OP(rtz ? 0xf3 : 0x66, 1, 0x5b)))
        CASE(vfcvt_idown, rtz || emit_rounds_here(e, i),
             emit_vfcvt_fi(e, at, i, X86_OP(rtz ? 0x66 : 0xf2, 1, 0xe6)))
        default:
                return false;
        }
}

/* What mends the result in @d, if there is such a thing, or does the op over in C. */
static const uint8_t *mend_thunk(const struct emit *e, const struct ir_ins *i)
{
        enum x86_mend kind = X86_MEND_OP;

        switch ((enum ir_op)i->op) {
        case IR_OP_vfadd: case IR_OP_vfsub: case IR_OP_vfsqrt:
                break;
        case IR_OP_vfmul: case IR_OP_vfdiv:
                kind = e->r->fp.tininess_before ? X86_MEND_TINY : X86_MEND_OP;
                break;
        case IR_OP_vfma:
                kind = i->aux >> IR_VEC_VARIANT & 1 ? X86_MEND_FNMA : X86_MEND_FMA;
                break;
        default:
                return e->h->vec;
        }
        return e->r->fp.nan == IR_NAN_FIRST ? e->h->vec :
               e->h->mend[e->r->fp.nan == IR_NAN_DEFAULT][kind][ir_lane_of(i) == IR_X64];
}

void cold_vector(struct emit *e, const struct cold *c)
{
        struct ra_opnd args[3] = {c->value, c->value2, c->addr};
        const uint8_t *thunk = mend_thunk(e, c->i);

        if (thunk != e->h->vec)
                x86_movaps(&e->a, FSCRATCH, c->d);
        emit_vec_call(e, c->i, args, thunk);
        x86_vload(&e->a, c->d, VEC_ARG(0));
}
