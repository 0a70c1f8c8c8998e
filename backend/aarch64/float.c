/* SPDX-License-Identifier: MIT */
/*
 * Scalar floating point on the host's FPU, exact (decision 18). FPCR has the region's rounding, DN, which gives the
 * default NaN, and FZ; ops that round otherwise, round to nearest with ties away, or belong to a mode that FPCR does not
 * know (the first NaN, a flag for subnormal operands) call slow_ops.fp. IEEE 754-2019; Arm ARM, shared/functions/float.
 *
 * The host detects tininess before rounding. For guests that do after, the two differ where a result rounds up to
 * the least normal number. So FPSR.UFC is kept clear: what may have raised it, a result that is tiny or that
 * number, goes to cold code, which notes the underflow in the frame, or has the soft-float tell. Sums and
 * differences that are tiny are exact.
 *
 * No instruction here raises a flag that the op would not.
 */
#include "backend/aarch64/emit.h"

#include "frontend/cpu.h"
#include "frontend/fp/fp.h"

static bool f64(enum ir_type t)
{
        return t == IR_F64;
}

bool emit_fp_native_mode(const struct ir_fpmode *m)
{
        bool flush = m->flush_in && m->flush_out == IR_FLUSH_UF && m->tininess_before;

        return m->nan != IR_NAN_FIRST && !m->note_denormal && (flush || (!m->flush_in && !m->flush_out));
}

bool emit_fp_native(const struct emit *e)
{
        return emit_fp_native_mode(&e->r->fp);
}

/* An operand in an FP register: where it is, or loaded */
static unsigned fp_reg(struct emit *e, ir_ref v)
{
        return a64_num(ra_reg(&e->ra, v));
}

/* ---- tininess ---- */

/*
 * A register that still holds operand @r after the op that makes @d: the host's number. The op with three operands
 * has two such registers at most that are @d, and then they are the same.
 */
static unsigned keep_operand(struct emit *e, unsigned r, unsigned d)
{
        if (r != d)
                return r;
        a64_fp1(&e->a, A64_FMOV, true, FSCRATCH2, r);
        return FSCRATCH2;
}

/* The result in @d may be tiny and inexact: exponents 0 and 1 are looked at. Operands are in @x, @y, @z. */
static void check_tiny(struct emit *e, const struct ir_ins *i, unsigned d, unsigned x, unsigned y, unsigned z)
{
        bool wide = f64(i->type);
        struct cold *c;

        if (e->r->fp.tininess_before)
                return;
        c = emit_cold(e, COLD_TINY, i);
        a64_fmov_to_gpr(&e->a, wide, SCRATCH, d);
        a64_ubfx(&e->a, wide, SCRATCH, SCRATCH, wide ? 53 : 24, wide ? 10 : 7);
        emit_cold_from(c, a64_cbz(&e->a, false, wide, SCRATCH));
        c->d = d;
        c->x = x;
        c->y = y;
        c->z = z;
        c->back = e->a.p;
}

static void cold_tiny(struct emit *e, const struct cold *c)
{
        bool wide = f64(c->i->type);
        const uint8_t regs[] = {c->x, c->y, c->z};
        struct ra_opnd args[3];
        unsigned n = ir_ops[c->i->op].n_args;
        uint32_t bits;

        a64_mrs(&e->a, SCRATCH, A64_FPSR);
        a64_patch(&e->a, a64_tbz(&e->a, false, SCRATCH, 3), c->back);
        a64_logic_imm_bits(true, ~(uint64_t)FPSR_UFC, &bits);
        a64_logic_imm(&e->a, A64_AND, true, SCRATCH, SCRATCH, bits);
        a64_msr(&e->a, A64_FPSR, SCRATCH);
        a64_fmov_to_gpr(&e->a, wide, SCRATCH, c->d);
        a64_ubfx(&e->a, wide, SCRATCH, SCRATCH, wide ? 52 : 23, wide ? 11 : 8);
        uint8_t *unsure = a64_cbz(&e->a, true, wide, SCRATCH);

        a64_mov_imm(&e->a, SCRATCH, FPSR_UFC); /* nothing else waits there */
        a64_str(&e->a, true, SCRATCH, a64_at(SP, FRAME_PENDING));
        a64_patch(&e->a, a64_b(&e->a), c->back);
        a64_here(&e->a, unsure);
        for (unsigned k = 0; k < n; k++)
                args[k] = (struct ra_opnd){.kind = RA_REG, .reg = RA_FPR + regs[k]};
        cold_slow_fp(e, c->i, args);
}

/* ---- arithmetic ---- */

static void emit_sqrt(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned x = fp_reg(e, i->arg[0]);

        ra_operands_done(&e->ra);
        a64_fp1(&e->a, A64_FSQRT, f64(i->type), a64_num(ra_def(&e->ra, at, RA_NONE, 0)), x);
        ra_def_done(&e->ra, at);
}

void emit_farith(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const uint32_t ops[] = {[IR_OP_fadd] = A64_FADD, [IR_OP_fsub] = A64_FSUB, [IR_OP_fmul] = A64_FMUL,
                                       [IR_OP_fdiv] = A64_FDIV};
        bool tiny = i->op == IR_OP_fmul || i->op == IR_OP_fdiv;

        if (i->op == IR_OP_fsqrt) {
                emit_sqrt(e, at, i);
                return;
        }
        unsigned x = fp_reg(e, i->arg[0]), y = fp_reg(e, i->arg[1]);

        ra_operands_done(&e->ra);
        unsigned d = a64_num(ra_def(&e->ra, at, RA_NONE, 0)), kx = x, ky = y;

        if (tiny && (x == d || y == d)) {
                unsigned k = keep_operand(e, d, d);

                kx = x == d ? k : x;
                ky = y == d ? k : y;
        }
        a64_fp2(&e->a, (enum a64_fp2)ops[i->op], f64(i->type), d, x, y);
        if (tiny)
                check_tiny(e, i, d, kx, ky, 0);
        ra_def_done(&e->ra, at);
}

void emit_fma(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        /* by aux: the product negated, the addend negated */
        static const uint32_t forms[] = {A64_FMADD, A64_FMSUB, A64_FNMSUB, A64_FNMADD};
        unsigned x = fp_reg(e, i->arg[0]), y = fp_reg(e, i->arg[1]), z = fp_reg(e, i->arg[2]);

        ra_operands_done(&e->ra);
        unsigned d = a64_num(ra_def(&e->ra, at, RA_NONE, 0)), k = d;

        if (x == d || y == d || z == d)
                k = keep_operand(e, d, d);
        a64_fp3(&e->a, (enum a64_fp3)forms[i->aux & 3], f64(i->type), d, x, y, z);
        check_tiny(e, i, d, x == d ? k : x, y == d ? k : y, z == d ? k : z);
        ra_def_done(&e->ra, at);
}

/* minimumNumber: the host's own (FMINNM) makes a NaN of a signalling one; so all NaNs go to cold code. */
void emit_fminmax(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned x = fp_reg(e, i->arg[0]), y = fp_reg(e, i->arg[1]);
        struct cold *c;

        ra_operands_done(&e->ra);
        unsigned d = a64_num(ra_def(&e->ra, at, RA_NONE, 0));
        bool min = i->op == IR_OP_fmin;

        switch ((enum ir_fminmax)i->aux) {
        case IR_MM_NUM2008:
                a64_fp2(&e->a, min ? A64_FMINNM : A64_FMAXNM, f64(i->type), d, x, y);
                ra_def_done(&e->ra, at);
                return;
        case IR_MM_NAN:
                a64_fp2(&e->a, min ? A64_FMIN : A64_FMAX, f64(i->type), d, x, y);
                ra_def_done(&e->ra, at);
                return;
        case IR_MM_LESS:
                a64_fcmp(&e->a, true, f64(i->type), x, y);
                a64_fcsel(&e->a, min ? CC_MI : CC_GT, f64(i->type), d, x, y);
                ra_def_done(&e->ra, at);
                return;
        default:
                break;
        }
        a64_fcmp(&e->a, false, f64(i->type), x, y);
        c = emit_cold(e, COLD_MINMAX, i);
        c->d = d;
        c->x = x;
        c->y = y;
        emit_cold_from(c, a64_bcc(&e->a, CC_VS));
        a64_fp2(&e->a, i->op == IR_OP_fmin ? A64_FMINNM : A64_FMAXNM, f64(i->type), d, x, y);
        c->back = e->a.p;
        ra_def_done(&e->ra, at);
}

static void load_nan(struct emit *e, enum ir_type t, unsigned d)
{
        a64_mov_imm(&e->a, SCRATCH, f64(t) ? 0x7ff8000000000000ull : 0x7fc00000);
        a64_fmov_from_gpr(&e->a, f64(t), d, SCRATCH);
}

/* At least one is a NaN: the other, or the default NaN. */
static void cold_minmax(struct emit *e, const struct cold *c)
{
        bool wide = f64(c->i->type);
        uint8_t *number;

        a64_fcmp(&e->a, false, wide, c->x, c->x);
        a64_fcsel(&e->a, CC_VS, wide, c->d, c->y, c->x);
        a64_fcmp(&e->a, false, wide, c->d, c->d);
        number = a64_bcc(&e->a, CC_VC);
        load_nan(e, c->i->type, c->d);
        a64_here(&e->a, number);
}

void emit_fcmp(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const uint8_t cc[] = {[IR_FEQ] = CC_EQ, [IR_FLT] = CC_MI, [IR_FLE] = CC_LS, [IR_FUN] = CC_VS};
        bool order = i->cond == IR_FLT || i->cond == IR_FLE;
        bool signals = i->aux & IR_FCMP_SIGNALING || (order && !(i->aux & IR_FCMP_QUIET));
        unsigned x = fp_reg(e, i->arg[0]), y = fp_reg(e, i->arg[1]);

        a64_fcmp(&e->a, signals, f64(arg_type(e, i)), x, y);
        ra_operands_done(&e->ra);
        a64_cset(&e->a, (enum a64_cc)cc[i->cond], ra_def(&e->ra, at, RA_NONE, 0));
        ra_def_done(&e->ra, at);
}

/* ---- signs ---- */

void emit_fsign(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool wide = f64(i->type);
        unsigned x = fp_reg(e, i->arg[0]), y = i->op == IR_OP_fsgnj ? fp_reg(e, i->arg[1]) : x;

        ra_operands_done(&e->ra);
        unsigned d = a64_num(ra_def(&e->ra, at, RA_NONE, 0));

        if (i->op == IR_OP_fabs) {
                a64_fp1(&e->a, A64_FABS, wide, d, x);
        } else if (i->op == IR_OP_fneg) {
                a64_fp1(&e->a, A64_FNEG, wide, d, x);
        } else {
                a64_movi64(&e->a, FSCRATCH, 0);
                a64_fp1(&e->a, A64_FNEG, wide, FSCRATCH, FSCRATCH);
                if (i->aux == 2) {
                        a64_rrr(&e->a, A64_VAND, FSCRATCH, y, FSCRATCH);
                        a64_rrr(&e->a, A64_VEOR, d, x, FSCRATCH);
                } else {
                        if (i->aux == 1) {
                                a64_fp1(&e->a, A64_FNEG, wide, FSCRATCH2, y);
                                y = FSCRATCH2;
                        }
                        a64_rrr(&e->a, A64_VBSL, FSCRATCH, y, x);
                        a64_fp1(&e->a, A64_FMOV, wide, d, FSCRATCH);
                }
        }
        ra_def_done(&e->ra, at);
}

/* ---- bits and boxes ---- */

void emit_fbox(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned x = fp_reg(e, i->arg[0]);

        ra_operands_done(&e->ra);
        a64_movi64(&e->a, FSCRATCH, 0xf0);
        a64_rrr(&e->a, A64_VORR, a64_num(ra_def(&e->ra, at, RA_NONE, 0)), x, FSCRATCH);
        ra_def_done(&e->ra, at);
}

void emit_funbox(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]);
        struct cold *c;

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        emit_opnd_to(e, SCRATCH, &a, true);
        if (a.kind == RA_REG && a.reg >= RA_FPR)
                emit_move(e, d, a.reg);
        else
                a64_fmov_from_gpr(&e->a, false, a64_num(d), SCRATCH);
        a64_shift_imm(&e->a, SH_LSR, true, SCRATCH, SCRATCH, 32);
        a64_arith_imm(&e->a, A64_ADDS, false, XZR, SCRATCH, 1);
        c = emit_cold(e, COLD_NAN, i);
        c->d = a64_num(d);
        emit_cold_from(c, a64_bcc(&e->a, CC_NE));
        c->back = e->a.p;
        ra_def_done(&e->ra, at);
}

void emit_fround(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const uint32_t ops[] = {[IR_RM_RNE] = A64_FRINTN, [IR_RM_RTZ] = A64_FRINTZ, [IR_RM_RDN] = A64_FRINTM,
                                       [IR_RM_RUP] = A64_FRINTP, [IR_RM_RMM] = A64_FRINTA};
        unsigned x = fp_reg(e, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = a64_num(ra_def(&e->ra, at, RA_NONE, 0));

        a64_fp1(&e->a, i->aux & 1 ? A64_FRINTX : (enum a64_fp1)ops[emit_rounding(e, i)], f64(i->type), d, x);
        ra_def_done(&e->ra, at);
}

/* ---- conversions ---- */

void emit_fcvt_ff(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned x = fp_reg(e, i->arg[0]), k;

        ra_operands_done(&e->ra);
        unsigned d = a64_num(ra_def(&e->ra, at, RA_NONE, 0));

        if (f64(i->type)) {
                a64_fp1(&e->a, A64_FCVT_DS, false, d, x);
        } else {
                k = keep_operand(e, x, d);
                a64_fp1(&e->a, A64_FCVT_SD, true, d, x);
                check_tiny(e, i, d, k, 0, 0);
        }
        ra_def_done(&e->ra, at);
}

/* To an integer: the host's results but for NaNs, of which the host makes 0. */
void emit_fcvt_fi(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const uint32_t ops[] = {[IR_RM_RNE] = A64_FCVTNS, [IR_RM_RTZ] = A64_FCVTZS, [IR_RM_RDN] = A64_FCVTMS,
                                       [IR_RM_RUP] = A64_FCVTPS, [IR_RM_RMM] = A64_FCVTAS};
        enum ir_type t = arg_type(e, i);
        uint32_t op = ops[emit_rounding(e, i)] | (i->aux & 16 ? A64_UNSIGNED : 0);
        unsigned x = fp_reg(e, i->arg[0]);
        struct cold *c;

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        a64_cvt(&e->a, op, i->type == IR_I64, f64(t), d, x);
        if (e->r->fp.int_rule == IR_INT_SATURATE_ZERO) {
                ra_def_done(&e->ra, at);
                return;
        }
        a64_fcmp(&e->a, false, f64(t), x, x);
        c = emit_cold(e, COLD_TO_INT, i);
        c->d = d;
        emit_cold_from(c, a64_bcc(&e->a, CC_VS));
        c->back = e->a.p;
        ra_def_done(&e->ra, at);
}

static void cold_to_int(struct emit *e, const struct cold *c)
{
        uint64_t max = c->i->aux & 16 ? ~0ull : c->i->type == IR_I64 ? INT64_MAX : INT32_MAX;

        a64_mov_imm(&e->a, c->d, max);
}

void emit_fcvt_if(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool wide = (i->aux & 15) == IR_I64;
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = a64_num(ra_def(&e->ra, at, RA_NONE, 0)), n = emit_opnd(e, &a, wide, SCRATCH);

        a64_cvt(&e->a, A64_SCVTF | (i->aux & 16 ? A64_UNSIGNED : 0), wide, f64(i->type), d, n);
        ra_def_done(&e->ra, at);
}

/* ---- which, and cold code ---- */

bool emit_fp_inline(const struct emit *e, const struct ir_ins *i)
{
        const struct ir_fpmode *m = &e->r->fp;
        bool here = emit_fp_native(e) && emit_rounds_here(e, i);

        switch ((enum ir_op)i->op) {
        case IR_OP_fadd:
        case IR_OP_fsub:
        case IR_OP_fmul:
        case IR_OP_fdiv:
        case IR_OP_fsqrt:
                return here;
        case IR_OP_fma:
                /* the host negates operands, a NaN among them too */
                return here && m->fma_inf_zero_nan_invalid && (m->nan == IR_NAN_DEFAULT || i->aux & 4 || !(i->aux & 3));
        case IR_OP_fmin:
        case IR_OP_fmax:
                return emit_fp_native(e) && (i->aux == IR_MM_NUMBER ? m->nan == IR_NAN_DEFAULT && !m->flush_in
                                             : i->aux == IR_MM_LESS ? !m->flush_in : true);
        case IR_OP_fcmp:
        case IR_OP_fl_fcmp:
                return emit_fp_native(e);
        case IR_OP_fcvt_fi:
                return emit_fp_native(e) && m->int_rule != IR_INT_INDEFINITE;
        case IR_OP_fround:
                return i->aux & 1 ? here : emit_fp_native(e);
        case IR_OP_fcvt_ff:
                return emit_fp_native(e) && (i->type == IR_F64 || emit_rounds_here(e, i));
        case IR_OP_fcvt_if:
                return emit_rounds_here(e, i) || (i->type == IR_F64 && (i->aux & 15) == IR_I32);
        default:
                return true;
        }
}

void cold_op(struct emit *e, const struct cold *c)
{
        switch ((enum cold_kind)c->kind) {
        case COLD_MINMAX:
                cold_minmax(e, c);
                break;
        case COLD_TO_INT:
                cold_to_int(e, c);
                break;
        case COLD_TINY:
                cold_tiny(e, c);
                break;
        default: /* COLD_NAN */
                load_nan(e, c->i->type, c->d);
                break;
        }
}

/* ---- the host's modes and flags, between regions ---- */

void emit_harvest(struct vcpu *v, uint32_t fpsr)
{
        static const uint8_t map[8] = {FP_NV, FP_DZ, FP_OF, FP_UF, FP_NX, 0, 0, FP_ID};
        uint32_t flags = 0;

        if (!(fpsr & FPSR_FLAGS))
                return;
        for (unsigned k = 0; k < 8; k++)
                if (fpsr >> k & 1)
                        flags |= map[k];
        if (flags)
                v->ops->fp_flags_or(v, flags);
}

uint32_t a64_fp_env(struct ir_fpmode m)
{
        static const uint8_t rmode[] = {[IR_RM_RNE] = 0, [IR_RM_RTZ] = 3, [IR_RM_RDN] = 2, [IR_RM_RUP] = 1,
                                        [IR_RM_RMM] = 0};

        return (uint32_t)rmode[m.round] << FPCR_RMODE_SHIFT | (m.nan == IR_NAN_DEFAULT ? FPCR_DN : 0) |
               (m.flush_in && m.flush_out == IR_FLUSH_UF ? FPCR_FZ : 0);
}
