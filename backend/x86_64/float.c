/* SPDX-License-Identifier: MIT */
/*
 * Scalar floating point on the host's FPU, exact (decision 18). MXCSR has the region's rounding. Where the
 * region's mode is the host's own (FIT_NATIVE) ops are plain instructions. Else a NaN result jumps to cold
 * code: it becomes the default NaN, or slow_ops.fp does the op over. The host tells tininess after rounding;
 * in a mode that tells it before, a result that is the least normal number, which alone can differ, is done
 * over too. Ops that round otherwise or flush call slow_ops.fp. IEEE 754-2019; Intel SDM volume 1, 4.8, 11.5
 * and 14.5.
 *
 * No instruction here raises a flag that the op would not: comparisons of a result with itself are quiet, as
 * results are never signaling; conversions are checked for range first where the host's flags would differ.
 */
#include "backend/x86_64/emit.h"

#include "frontend/cpu.h"
#include "frontend/fp/fp.h"

static bool f64(enum ir_type t)
{
        return t == IR_F64;
}

static bool native(const struct emit *e)
{
        return x86_fp_fit(&e->r->fp) == FIT_NATIVE;
}

/* Are NaN results alone wrong, and mended by putting the default NaN there? */
static bool default_nan(const struct emit *e)
{
        return e->r->fp.nan == IR_NAN_DEFAULT && !e->r->fp.tininess_before;
}

/* ---- opcodes ---- */

static uint32_t bits_op(enum x86_fpbits op)
{
        return X86_OP(0, 1, op);
}

static uint32_t scalar_op(enum ir_type t, unsigned op)
{
        return X86_OP(x86_fp(f64(t)), 1, op);
}

/* ---- results that want more ---- */

/* If the result in xmm @d is a NaN, it becomes the default one out of line. */
static void check_nan(struct emit *e, const struct ir_ins *i, unsigned d)
{
        struct cold *c;

        x86_ucomis(&e->a, f64(i->type), d, d);
        c = emit_cold(e, COLD_NAN, i);
        c->d = d;
        emit_cold_from(c, x86_jcc(&e->a, CC_P));
        c->back = e->a.p;
}

static void load_nan(struct emit *e, enum ir_type t, unsigned d)
{
        x86_fload(&e->a, f64(t), d, emit_pool(e, f64(t) ? POOL_NAN64 : POOL_NAN32));
}

/*
 * The op is done over by C if its result in xmm @t wants that: a NaN, or with @tiny one that may have been
 * tiny before rounding. The operands are still where @args says; xmm15 is free.
 */
static void check_result(struct emit *e, const struct ir_ins *i, unsigned t, bool tiny,
                         const struct ra_opnd *args)
{
        bool wide = f64(i->type);
        struct cold *c;

        tiny &= e->r->fp.tininess_before;
        if (tiny) {
                op3_mem(e, bits_op(FPB_AND), FSCRATCH, t, emit_pool(e, wide ? POOL_ABS64 : POOL_ABS32));
                x86_rm(&e->a, X86_OP(wide ? 0x66 : 0, 1, 0x2e), FSCRATCH,
                       emit_pool(e, wide ? POOL_MIN64 : POOL_MIN32)); /* ucomis */
        } else {
                x86_ucomis(&e->a, wide, t, t);
        }
        c = emit_cold(e, tiny ? COLD_TINY : COLD_SLOW_FP, i);
        c->d = RA_FPR + t;
        c->value = args[0];
        if (ir_ops[i->op].n_args > 1)
                c->value2 = args[1];
        if (ir_ops[i->op].n_args > 2)
                c->addr = args[2];
        emit_cold_from(c, x86_jcc(&e->a, tiny ? CC_BE : CC_P));
        c->back = e->a.p;
}

/* An xmm register for the result that is none of those in @operands; move_result brings it to @d. */
static unsigned apart_from(struct emit *e, unsigned d, ra_set operands)
{
        if (!(operands & RA_BIT(d)))
                return x86_num(d);
        e->ra.locked |= operands;
        return x86_num(ra_temp(&e->ra, true, RA_NONE, operands));
}

static ra_set reg_of(const struct ra_opnd *o)
{
        return o->kind == RA_REG ? RA_BIT(o->reg) : 0;
}

/* ---- arithmetic ---- */

/* In a mode where more is to be done about NaNs than to put the default one there. */
static void farith_checked(struct emit *e, uint32_t at, const struct ir_ins *i, enum x86_fpop op)
{
        bool one = i->op == IR_OP_fsqrt;
        struct ra_opnd args[2];

        for (unsigned k = 0; k < (one ? 1 : 2); k++)
                args[k] = (struct ra_opnd){.kind = RA_REG, .reg = ra_reg(&e->ra, i->arg[k])};
        if (one)
                args[1] = args[0];
        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0), t = apart_from(e, d, reg_of(&args[0]) |
                                                                    reg_of(&args[1]));

        op3(e, scalar_op(i->type, op), t, x86_num(args[0].reg), x86_num(args[1].reg));
        check_result(e, i, t, op == FP_MUL || op == FP_DIV, args);
        emit_move(e, d, RA_FPR + t);
        ra_def_done(&e->ra, at);
}

void emit_farith(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const uint8_t ops[] = {[IR_OP_fadd] = FP_ADD, [IR_OP_fsub] = FP_SUB, [IR_OP_fmul] = FP_MUL,
                                      [IR_OP_fdiv] = FP_DIV, [IR_OP_fsqrt] = FP_SQRT};
        enum x86_fpop op = (enum x86_fpop)ops[i->op];
        bool one = i->op == IR_OP_fsqrt;
        struct ra_opnd y = {.kind = RA_REG};
        unsigned x;
        uint64_t k;

        if (!native(e) && !default_nan(e)) {
                farith_checked(e, at, i, op);
                return;
        }
        x = ra_reg(&e->ra, i->arg[0]);
        y.reg = x;

        if (!one && ra_is_const(&e->ra, i->arg[1], &k))
                y.reg = ra_reg(&e->ra, i->arg[1]);
        else if (!one)
                y = ra_any(&e->ra, i->arg[1]);
        ra_operands_done(&e->ra);
        unsigned d = x86_num(ra_def(&e->ra, at, x, 0)), xn = x86_num(x);

        if (y.kind != RA_REG) {
                op3_mem(e, scalar_op(i->type, op), d, xn, emit_mem(&y));
        } else if (!e->h->feat.avx && d == x86_num(y.reg) && d != xn) {
                op3(e, scalar_op(i->type, op), FSCRATCH, xn, d);
                x86_movaps(&e->a, d, FSCRATCH);
        } else {
                op3(e, scalar_op(i->type, op), d, xn, x86_num(y.reg));
        }
        if (e->ra.val[at].last_use && !native(e))
                check_nan(e, i, d);
        ra_def_done(&e->ra, at);
}

void emit_fma(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        /* VFMADD231, VFNMADD231, VFMSUB231, VFNMSUB231 */
        static const uint8_t forms[] = {0xb9, 0xbd, 0xbb, 0xbf};
        unsigned x = ra_reg(&e->ra, i->arg[0]), y = ra_reg(&e->ra, i->arg[1]);
        unsigned z = ra_reg(&e->ra, i->arg[2]), t, d;
        bool checked = !native(e) && !default_nan(e);
        struct cold *c;

        ra_operands_done(&e->ra);
        if (checked) {
                struct ra_opnd args[3] = {{.kind = RA_REG, .reg = x}, {.kind = RA_REG, .reg = y},
                                          {.kind = RA_REG, .reg = z}};

                d = ra_def(&e->ra, at, RA_NONE, 0);
                t = apart_from(e, d, RA_BIT(x) | RA_BIT(y) | RA_BIT(z));
                x86_movaps(&e->a, t, x86_num(z));
                x86_vrr(&e->a, X86_OP(0x66, 2, forms[i->aux & 3]) | x86_w(f64(i->type)), t, x86_num(x),
                        x86_num(y));
                check_result(e, i, t, true, args);
                emit_move(e, d, RA_FPR + t);
                ra_def_done(&e->ra, at);
                return;
        }
        d = ra_def(&e->ra, at, z, 0);

        t = x86_num(d == x || d == y ? RA_FPR + FSCRATCH : d);
        if (t != x86_num(z))
                x86_movaps(&e->a, t, x86_num(z));
        x86_vrr(&e->a, X86_OP(0x66, 2, forms[i->aux & 3]) | x86_w(f64(i->type)), t, x86_num(x), x86_num(y));
        if (!native(e)) {
                x86_ucomis(&e->a, f64(i->type), t, t);
                c = emit_cold(e, COLD_FMA, i);
                c->d = t;
                c->x = x;
                c->y = y;
                emit_cold_from(c, x86_jcc(&e->a, CC_P));
                c->back = e->a.p;
        }
        if (t != x86_num(d))
                x86_movaps(&e->a, x86_num(d), t);
        ra_def_done(&e->ra, at);
}

void emit_fminmax(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned x = x86_num(ra_reg(&e->ra, i->arg[0])), y = x86_num(ra_reg(&e->ra, i->arg[1]));
        struct cold *c = NULL;
        uint32_t op = scalar_op(i->type, i->op == IR_OP_fmin ? FP_MIN : FP_MAX);

        ra_operands_done(&e->ra);
        unsigned d = x86_num(ra_def(&e->ra, at, RA_FPR + x, 0));

        if (i->aux != IR_MM_LESS) {
                x86_ucomis(&e->a, f64(i->type), x, y);
                c = emit_cold(e, COLD_MINMAX, i);
                c->d = d;
                c->x = x;
                c->y = y;
                emit_cold_from(c, x86_jcc(&e->a, CC_E)); /* equal or unordered */
        }
        if (!e->h->feat.avx && d == y && d != x) {
                op3(e, op, FSCRATCH, x, y);
                x86_movaps(&e->a, d, FSCRATCH);
        } else {
                op3(e, op, d, x, y);
        }
        if (c)
                c->back = e->a.p;
        ra_def_done(&e->ra, at);
}

/* The flags of the comparison still stand: equal (zeros differ by sign at most) or a NaN among them. */
static void cold_minmax(struct emit *e, const struct cold *c)
{
        bool wide = f64(c->i->type);
        uint8_t *nan, *x_nan, *both, *done[3];

        nan = x86_jcc8(&e->a, CC_P);
        op3(e, bits_op(c->i->op == IR_OP_fmin ? FPB_OR : FPB_AND), FSCRATCH, c->x, c->y);
        done[0] = x86_jmp8(&e->a);
        x86_here8(&e->a, nan);
        if (c->i->aux != IR_MM_NUMBER || !default_nan(e)) {
                struct ra_opnd args[2] = {{.kind = RA_REG, .reg = RA_FPR + c->x},
                                          {.kind = RA_REG, .reg = RA_FPR + c->y}};

                cold_slow_fp(e, c->i, args);
                emit_from_scratch(e, RA_FPR + FSCRATCH);
                x86_here8(&e->a, done[0]);
                x86_movaps(&e->a, c->d, FSCRATCH);
                return;
        }
        x86_ucomis(&e->a, wide, c->x, c->x);
        x_nan = x86_jcc8(&e->a, CC_P);
        x86_movaps(&e->a, FSCRATCH, c->x);
        done[1] = x86_jmp8(&e->a);
        x86_here8(&e->a, x_nan);
        x86_movaps(&e->a, FSCRATCH, c->y);
        x86_ucomis(&e->a, wide, c->y, c->y);
        both = x86_jcc8(&e->a, CC_NP);
        load_nan(e, c->i->type, FSCRATCH);
        x86_here8(&e->a, both);
        x86_here8(&e->a, done[0]);
        x86_here8(&e->a, done[1]);
        x86_movaps(&e->a, c->d, FSCRATCH);
}

void emit_fcmp(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        enum ir_type t = arg_type(e, i);
        unsigned x = x86_num(ra_reg(&e->ra, i->arg[0])), y = x86_num(ra_reg(&e->ra, i->arg[1]));

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        bool quiet = i->cond == IR_FEQ || i->cond == IR_FUN ? !(i->aux & IR_FCMP_SIGNALING) :
                i->aux & IR_FCMP_QUIET;

        if (i->cond == IR_FEQ) {
                if (!quiet)
                        x86_comis(&e->a, f64(t), x, y);
                op3(e, scalar_op(t, 0xc2), FSCRATCH, x, y); /* cmpss, cmpsd: EQ, quiet */
                asm_u8(&e->a, 0);
                x86_mov_from_fp(&e->a, false, d, FSCRATCH);
                x86_alu_imm(&e->a, ALU_AND, false, d, 1);
        } else {
                x86_alu(&e->a, ALU_XOR, false, d, d);
                if (quiet)
                        x86_ucomis(&e->a, f64(t), y, x);
                else
                        x86_comis(&e->a, f64(t), y, x);
                x86_setcc(&e->a, i->cond == IR_FUN ? CC_P : i->cond == IR_FLT ? CC_A : CC_AE, d);
        }
        ra_def_done(&e->ra, at);
}

/* ---- signs ---- */

void emit_fsign(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool wide = f64(i->type);
        struct x86_mem sign = emit_pool(e, wide ? POOL_SIGN64 : POOL_SIGN32);
        struct x86_mem abs = emit_pool(e, wide ? POOL_ABS64 : POOL_ABS32);
        unsigned x = ra_reg(&e->ra, i->arg[0]), y = i->op == IR_OP_fsgnj ? ra_reg(&e->ra, i->arg[1]) : x;

        ra_operands_done(&e->ra);
        unsigned d = x86_num(ra_def(&e->ra, at, x, 0)), xn = x86_num(x);

        if (i->op == IR_OP_fabs) {
                op3_mem(e, bits_op(FPB_AND), d, xn, abs);
        } else if (i->op == IR_OP_fneg) {
                op3_mem(e, bits_op(FPB_XOR), d, xn, sign);
        } else {
                op3_mem(e, bits_op(i->aux == 1 ? FPB_ANDN : FPB_AND), FSCRATCH, x86_num(y), sign);
                if (i->aux != 2)
                        op3_mem(e, bits_op(FPB_AND), d, xn, abs);
                else if (d != xn)
                        x86_movaps(&e->a, d, xn);
                op3(e, bits_op(i->aux == 2 ? FPB_XOR : FPB_OR), d, d, FSCRATCH);
        }
        ra_def_done(&e->ra, at);
}

/* ---- bits and boxes ---- */

void emit_fbox(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned x = ra_reg(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        op3_mem(e, bits_op(FPB_OR), x86_num(ra_def(&e->ra, at, x, 0)), x86_num(x), emit_pool(e, POOL_BOX));
        ra_def_done(&e->ra, at);
}

void emit_funbox(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]);
        struct cold *c;
        uint64_t k;

        if (ra_is_const(&e->ra, i->arg[0], &k))
                a = (struct ra_opnd){.kind = RA_REG, .reg = ra_reg(&e->ra, i->arg[0])};
        ra_operands_done(&e->ra);
        unsigned d = x86_num(ra_def(&e->ra, at, a.kind == RA_REG ? a.reg : RA_NONE, 0));

        c = emit_cold(e, COLD_NAN, i);
        c->d = d;
        if (a.kind != RA_REG) {
                struct x86_mem m = emit_mem(&a);

                x86_fload(&e->a, false, d, m);
                m.disp += 4;
                x86_alu_mem_imm(&e->a, ALU_CMP, false, m, -1);
                emit_cold_from(c, x86_jcc(&e->a, CC_NE));
        } else if (e->h->feat.avx) { /* and so PTEST: carry if the mask has no bit that x lacks */
                if (d != x86_num(a.reg))
                        x86_movaps(&e->a, d, x86_num(a.reg));
                x86_rm(&e->a, X86_OP(0x66, 2, 0x17), d, emit_pool(e, POOL_BOX));
                emit_cold_from(c, x86_jcc(&e->a, CC_AE));
        } else {
                x86_mov_from_fp(&e->a, true, SCRATCH, x86_num(a.reg));
                if (d != x86_num(a.reg))
                        x86_movaps(&e->a, d, x86_num(a.reg));
                x86_shift_imm(&e->a, SH_SHR, true, SCRATCH, 32);
                x86_alu_imm(&e->a, ALU_CMP, false, SCRATCH, -1);
                emit_cold_from(c, x86_jcc(&e->a, CC_NE));
        }
        c->back = e->a.p;
        ra_def_done(&e->ra, at);
}

/* ---- conversions ---- */

void emit_fcvt_ff(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned x = ra_reg(&e->ra, i->arg[0]);
        struct ra_opnd arg = {.kind = RA_REG, .reg = x};
        uint32_t op = scalar_op(arg_type(e, i), 0x5a);
        /* A NaN operand passes as it does anywhere, unless the default NaN is wanted. */
        bool checked = e->r->fp.tininess_before && (i->type == IR_F32 || e->r->fp.nan == IR_NAN_DEFAULT);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, checked ? RA_NONE : x, 0);
        unsigned t = checked ? apart_from(e, d, RA_BIT(x)) : x86_num(d);

        if (e->h->feat.avx)
                x86_vrr(&e->a, op, t, x86_num(x), x86_num(x));
        else
                x86_rr(&e->a, op, t, x86_num(x));
        if (checked)
                check_result(e, i, t, i->type == IR_F32, &arg);
        else if (e->r->fp.nan == IR_NAN_DEFAULT)
                check_nan(e, i, t);
        emit_move(e, d, RA_FPR + t);
        ra_def_done(&e->ra, at);
}

/*
 * d = x to an integral value as the op rounds. ROUNDSS, ROUNDSD: bit 3 of the immediate if inexact is not
 * raised.
 */
static void round_to(struct emit *e, const struct ir_ins *i, enum ir_type t, unsigned d, unsigned x,
                     bool exact)
{
        static const uint8_t modes[] = {[IR_RM_RNE] = 0, [IR_RM_RTZ] = 3, [IR_RM_RDN] = 1, [IR_RM_RUP] = 2};
        uint32_t op = X86_OP(0x66, 3, f64(t) ? 0x0b : 0x0a);

        if (e->h->feat.avx)
                x86_vrr(&e->a, op, d, x, x);
        else
                x86_rr(&e->a, op, d, x);
        asm_u8(&e->a, modes[emit_rounding(e, i)] | (exact ? 0 : 8));
}

void emit_fround(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned x = ra_reg(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = x86_num(ra_def(&e->ra, at, x, 0));

        round_to(e, i, (enum ir_type)i->type, d, x86_num(x), i->aux & 1);
        if (e->r->fp.nan == IR_NAN_DEFAULT)
                check_nan(e, i, d);
        ra_def_done(&e->ra, at);
}

static struct cold *cold_slow(struct emit *e, const struct ir_ins *i, unsigned d, const struct ra_opnd *x)
{
        struct cold *c = emit_cold(e, COLD_SLOW_FP, i);

        c->d = d;
        c->value = *x;
        return c;
}

/* Signed, by a rounding that is not MXCSR's: inexact is raised once it is known that the result fits. */
static void fcvt_fi_rounded(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        enum ir_type t = arg_type(e, i);
        bool wide = i->type == IR_I64;
        struct ra_opnd x = {.kind = RA_REG, .reg = ra_reg(&e->ra, i->arg[0])};
        struct cold *c;

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        round_to(e, i, t, FSCRATCH, x86_num(x.reg), false);
        x86_rr(&e->a, scalar_op(t, 0x2c) | x86_w(wide), d, FSCRATCH);
        x86_alu_imm(&e->a, ALU_CMP, wide, d, 1);
        c = cold_slow(e, i, d, &x);
        emit_cold_from(c, x86_jcc(&e->a, CC_O));
        round_to(e, i, t, FSCRATCH, x86_num(x.reg), true);
        c->back = e->a.p;
        ra_def_done(&e->ra, at);
}

/*
 * To an integer. Signed: the host's "indefinite" result goes to cold code, with invalid raised as it should
 * be. Unsigned: only what is surely in range is done here, by the exponent.
 */
void emit_fcvt_fi(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        enum ir_type t = arg_type(e, i);
        bool wide = i->type == IR_I64, is_unsigned = i->aux & 16, rtz = emit_rounding(e, i) == IR_RM_RTZ;
        uint32_t op = scalar_op(t, rtz ? 0x2c : 0x2d);
        struct cold *c;
        unsigned x;

        if (!rtz && !emit_rounds_here(e, i)) {
                fcvt_fi_rounded(e, at, i);
                return;
        }
        x = ra_reg(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        if (is_unsigned) {
                struct ra_opnd o = {.kind = RA_REG, .reg = x};
                unsigned bias = f64(t) ? 1023 : 127;

                x86_mov_from_fp(&e->a, f64(t), SCRATCH, x86_num(x));
                x86_shift_imm(&e->a, SH_SHR, f64(t), SCRATCH, f64(t) ? 52 : 23);
                x86_alu_imm(&e->a, ALU_CMP, false, SCRATCH, bias + (wide ? 63 : rtz ? 32 : 31));
                c = cold_slow(e, i, d, &o);
                emit_cold_from(c, x86_jcc(&e->a, CC_AE));
                x86_rr(&e->a, op | X86_W, d, x86_num(x));
        } else {
                x86_rr(&e->a, op | x86_w(wide), d, x86_num(x));
                if (e->r->fp.int_rule == IR_INT_INDEFINITE) {
                        ra_def_done(&e->ra, at);
                        return;
                }
                x86_alu_imm(&e->a, ALU_CMP, wide, d, 1);
                c = emit_cold(e, COLD_TO_INT, i);
                c->d = d;
                c->x = x86_num(x);
                emit_cold_from(c, x86_jcc(&e->a, CC_O));
        }
        c->back = e->a.p;
        ra_def_done(&e->ra, at);
}

/*
 * The result is the least integer: so it stays if the argument is negative, else it is the greatest; of a
 * NaN, that or 0.
 */
static void cold_to_int(struct emit *e, const struct cold *c)
{
        uint8_t *nan, *less;

        x86_rr(&e->a, bits_op(FPB_XOR), FSCRATCH, FSCRATCH);
        x86_ucomis(&e->a, f64(arg_type(e, c->i)), c->x, FSCRATCH);
        if (e->r->fp.int_rule == IR_INT_SATURATE_ZERO) {
                uint8_t *number = x86_jcc8(&e->a, CC_NP), *done;

                x86_mov_imm(&e->a, c->d, 0);
                done = x86_jmp8(&e->a);
                x86_here8(&e->a, number);
                less = x86_jcc8(&e->a, CC_BE);
                x86_mov_imm(&e->a, c->d, c->i->type == IR_I64 ? INT64_MAX : INT32_MAX);
                x86_here8(&e->a, less);
                x86_here8(&e->a, done);
                return;
        }
        nan = x86_jcc8(&e->a, CC_P);
        less = x86_jcc8(&e->a, CC_BE);
        x86_here8(&e->a, nan);
        x86_mov_imm(&e->a, c->d, c->i->type == IR_I64 ? INT64_MAX : INT32_MAX);
        x86_here8(&e->a, less);
}

void emit_fcvt_if(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool wide = (i->aux & 15) == IR_I64, is_unsigned = i->aux & 16;
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]);
        uint32_t op = scalar_op(i->type, 0x2a);
        struct cold *c = NULL;

        if (is_unsigned && wide && a.kind != RA_REG)
                a = (struct ra_opnd){.kind = RA_REG, .reg = ra_reg(&e->ra, i->arg[0])};
        ra_operands_done(&e->ra);
        unsigned d = x86_num(ra_def(&e->ra, at, RA_NONE, 0));

        if (is_unsigned && wide) {
                x86_test(&e->a, true, a.reg, a.reg);
                c = cold_slow(e, i, RA_FPR + d, &a);
                emit_cold_from(c, x86_jcc(&e->a, CC_S));
        } else if (is_unsigned || a.kind == RA_IMM) {
                emit_opnd_to(e, SCRATCH, &a, wide);
                a = (struct ra_opnd){.kind = RA_REG, .reg = SCRATCH};
                wide |= is_unsigned;
        }
        x86_rr(&e->a, bits_op(FPB_XOR), d, d); /* no wait for what d was */
        if (a.kind == RA_REG)
                x86_rr(&e->a, op | x86_w(wide), d, a.reg);
        else
                x86_rm(&e->a, op | x86_w(wide), d, emit_mem(&a));
        if (c)
                c->back = e->a.p;
        ra_def_done(&e->ra, at);
}

/* ---- which, and cold code ---- */

bool emit_fp_inline(const struct emit *e, const struct ir_ins *i)
{
        bool fits = x86_fp_fit(&e->r->fp) != FIT_NONE;

        switch ((enum ir_op)i->op) {
        case IR_OP_fadd:
        case IR_OP_fsub:
        case IR_OP_fmul:
        case IR_OP_fdiv:
        case IR_OP_fsqrt:
                return fits && emit_rounds_here(e, i);
        case IR_OP_fma: /* where NaNs keep their sign, bit 2 makes no difference to numbers */
                return fits && emit_rounds_here(e, i) && e->h->feat.fma &&
                       (!(i->aux & 4) || (!native(e) && e->r->fp.nan != IR_NAN_FIRST));
        case IR_OP_fmin:
        case IR_OP_fmax:
                return fits && (i->aux == IR_MM_LESS ? native(e) : !native(e));
        case IR_OP_fcmp:
                return fits;
        case IR_OP_fl_fcmp:
                return !e->r->fp.flush_in;
        case IR_OP_fround:
                return fits && !native(e) && e->h->feat.sse41 && emit_rounding(e, i) != IR_RM_RMM;
        case IR_OP_fcvt_ff:
                return fits && (i->type == IR_F64 || emit_rounds_here(e, i));
        case IR_OP_fcvt_fi:
                if (!fits || emit_rounds_here(e, i) || emit_rounding(e, i) == IR_RM_RTZ)
                        return fits;
                return !native(e) && e->h->feat.sse41 && emit_rounding(e, i) != IR_RM_RMM && !(i->aux & 16);
        case IR_OP_fcvt_if:
                return emit_rounds_here(e, i) || (i->type == IR_F64 && (i->aux & 15) == IR_I32);
        default:
                return true;
        }
}

void cold_float(struct emit *e, const struct cold *c)
{
        switch ((enum cold_kind)c->kind) {
        case COLD_FMA:
                if (e->r->fp.fma_inf_zero_nan_invalid) {
                        x86_fstore(&e->a, true, OUT_ARG(0), x86_num(c->x));
                        x86_fstore(&e->a, true, OUT_ARG(1), x86_num(c->y));
                        x86_call_exec(&e->a, e->h->fma_nan[f64(c->i->type)]);
                }
                load_nan(e, c->i->type, c->d);
                break;
        case COLD_MINMAX:
                cold_minmax(e, c);
                break;
        case COLD_TO_INT:
                cold_to_int(e, c);
                break;
        case COLD_TINY: /* the flags of the comparison with the least normal number still stand */
        case COLD_SLOW_FP: {
                struct ra_opnd args[3] = {c->value, c->value2, c->addr};

                if (c->kind == COLD_TINY) {
                        uint8_t *nan = x86_jcc8(&e->a, CC_P), *less = x86_jcc(&e->a, CC_B);

                        x86_patch(less, c->back);
                        x86_here8(&e->a, nan);
                }
                cold_slow_fp(e, c->i, args);
                emit_from_scratch(e, c->d);
                break;
        }
        default: /* COLD_NAN */
                load_nan(e, c->i->type, c->d);
                break;
        }
}

/* ---- the host's modes and flags, between regions ---- */

void emit_harvest(struct vcpu *v, uint32_t mxcsr)
{
        static const uint8_t map[] = {FP_NV, FP_DE, FP_DZ, FP_OF, FP_UF, FP_NX};
        uint32_t flags = 0;

        if (!(mxcsr & 0x3f))
                return;
        for (unsigned k = 0; k < 6; k++)
                if (mxcsr >> k & 1)
                        flags |= map[k];
        /* A mode is of a guest with this flag or of one without. */
        if (flags & FP_DE && !v->ops->fp_mode(v->mode).note_denormal)
                flags &= ~(uint32_t)FP_DE;
        if (flags)
                v->ops->fp_flags_or(v, flags);
}

enum { MXCSR_DAZ = 0x40, MXCSR_FTZ = 0x8000 };

uint32_t x86_fp_env(struct ir_fpmode mode)
{
        bool native = x86_fp_fit(&mode) == FIT_NATIVE;
        static const uint8_t rc[] = {[IR_RM_RNE] = 0, [IR_RM_RTZ] = 3, [IR_RM_RDN] = 1, [IR_RM_RUP] = 2,
                                     [IR_RM_RMM] = 0};

        return 0x1f80 | (uint32_t)rc[mode.round] << 13 | (native && mode.flush_in ? MXCSR_DAZ : 0) |
               (native && mode.flush_out ? MXCSR_FTZ : 0);
}
