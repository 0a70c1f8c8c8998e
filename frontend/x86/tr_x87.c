/* SPDX-License-Identifier: MIT */
/*
 * x87 instructions: the operand comes from or goes to memory here, the rest is done by helpers (x87.c).
 * Status words and registers are not slots.
 */
#include "frontend/x86/translate.h"

static ir_ref pack(struct x86_tctx *t, uint64_t word)
{
        return x86_c64(t, word);
}

/* False: #NM was raised. Instructions that wait raise #MF for what is pending. */
static bool begin(struct x86_tctx *t, bool waits)
{
        if (t->mode & (X86_MODE_EM | X86_MODE_TS)) {
                x86_raise_here(t, X86_EXC_NM, 0);
                return false;
        }
        if (waits)
                ir_call(t->b, &x86_helper_x87_wait, 0, 0, 0, 0);
        return true;
}

static enum x87_operand kind_of(const struct x86_insn *i, bool integer)
{
        if (!i->is_mem)
                return X87_ST;
        switch (i->op[i->n_ops - 1].size) {
        case 2: return X87_I16;
        case 4: return integer ? X87_I32 : X87_F32;
        case 8: return integer ? X87_I64 : X87_F64;
        default: return X87_F80;
        }
}

/* An operand in memory, as its low word and high one. */
static ir_ref load(struct x86_tctx *t, const struct x86_insn *i, ir_ref *high)
{
        struct x86_place p;
        unsigned size;
        ir_ref v;

        *high = x86_c64(t, 0);
        if (!i->is_mem)
                return x86_c64(t, 0);
        p = x86_ea(t, i);
        size = i->op[i->n_ops - 1].size;
        v = x86_zext64(t, x86_load(t, size == 10 ? 8 : size, p), size == 10 ? 8 : size);
        if (size == 10) {
                p.imm += 8;
                *high = x86_zext64(t, x86_load(t, 2, p), 2);
        }
        return v;
}

static const struct { uint16_t id; uint8_t op, integer, pop; } arith[] = {
        {X86_FADD, X87_ADD}, {X86_FMUL, X87_MUL}, {X86_FSUB, X87_SUB}, {X86_FSUBR, X87_SUBR},
        {X86_FDIV, X87_DIV}, {X86_FDIVR, X87_DIVR}, {X86_FIADD, X87_ADD, 1}, {X86_FIMUL, X87_MUL, 1},
        {X86_FISUB, X87_SUB, 1}, {X86_FISUBR, X87_SUBR, 1}, {X86_FIDIV, X87_DIV, 1},
        {X86_FIDIVR, X87_DIVR, 1}, {X86_FADDP, X87_ADD, 0, 1}, {X86_FMULP, X87_MUL, 0, 1},
        {X86_FSUBP, X87_SUB, 0, 1}, {X86_FSUBRP, X87_SUBR, 0, 1}, {X86_FDIVP, X87_DIV, 0, 1},
        {X86_FDIVRP, X87_DIVR, 0, 1},
};

bool x86_tr_farith(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned n = 0;
        uint64_t word;
        ir_ref low, high;

        while (n < G_N_ELEMENTS(arith) - 1 && arith[n].id != i->id)
                n++;
        if (!begin(t, true))
                return true;
        low = load(t, i, &high);
        word = arith[n].op | kind_of(i, arith[n].integer) << 8 | arith[n].pop << 24;
        if (!i->is_mem)
                word |= i->op[0].reg << 16 | i->op[1].reg << 20;
        ir_call(t->b, &x86_helper_x87_arith, pack(t, word), low, high, 0);
        return true;
}

bool x86_tr_fcompare(struct x86_tctx *t, const struct x86_insn *i)
{
        bool integer = i->id == X86_FICOM || i->id == X86_FICOMP, flags = false, quiet = false;
        unsigned pops = 0, reg = 1;
        uint64_t word;
        ir_ref low, high, r;

        switch (i->id) {
        case X86_FUCOM: case X86_FUCOMP: case X86_FUCOMPP: case X86_FUCOMI: case X86_FUCOMIP: quiet =
                true; break;
        default: break;
        }
        switch (i->id) {
        case X86_FCOMPP: case X86_FUCOMPP: pops = 2; break;
        case X86_FCOMP: case X86_FUCOMP: case X86_FICOMP: case X86_FCOMIP: case X86_FUCOMIP: pops = 1; break;
        default: break;
        }
        flags = i->id == X86_FCOMI || i->id == X86_FCOMIP || i->id == X86_FUCOMI || i->id == X86_FUCOMIP;
        if (i->n_ops && !i->is_mem)
                reg = i->op[i->n_ops - 1].reg;
        if (!begin(t, true))
                return true;
        low = load(t, i, &high);
        word = kind_of(i, integer) << 8 | quiet << 16 | pops << 20 | flags << 24 | (uint64_t)reg << 28;
        if (i->id == X86_FTST) {
                /* with 0.0 */
                word = X87_F64 << 8;
        }
        r = ir_call(t->b, &x86_helper_x87_compare, pack(t, word), low, high, 0);
        if (flags)
                x86_put_flags(t, ir_fl_from(t->b, ir_trunc(t->b, r)));
        return true;
}

bool x86_tr_fload(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref low, high;

        if (!begin(t, true))
                return true;
        if (!i->is_mem) {
                ir_call(t->b, &x86_helper_x87_move, x86_c64(t, X87_LD), x86_c64(t, i->op[0].reg), x86_c64(t,
                        0), 0);
                return true;
        }
        low = load(t, i, &high);
        ir_call(t->b, &x86_helper_x87_push, x86_c64(t, kind_of(i, i->id == X86_FILD)), low, high, 0);
        return true;
}

bool x86_tr_fstore(struct x86_tctx *t, const struct x86_insn *i)
{
        bool pops = i->id == X86_FSTP || i->id == X86_FISTP || i->id == X86_FISTTP;
        unsigned size = i->op[0].size;
        struct x86_place p;
        ir_ref v;

        if (!begin(t, true))
                return true;
        if (!i->is_mem) {
                ir_call(t->b, &x86_helper_x87_move, x86_c64(t, pops ? X87_STORE_POP : X87_STORE),
                        x86_c64(t, i->op[0].reg), x86_c64(t, 0), 0);
                return true;
        }
        v = ir_call(t->b, &x86_helper_x87_value, x86_c64(t, kind_of(i, i->id != X86_FST &&
                i->id != X86_FSTP)),
                    x86_c64(t, i->id == X86_FISTTP), 0, 0);
        p = x86_ea(t, i);
        if (size == 10) {
                ir_ref high = ir_call(t->b, &x86_helper_x87_high, 0, 0, 0, 0);

                struct ir_mem low = x86_mem(t, 8, false);

                /* where one part faults the other is not written */
                low.for_write = 1;
                ir_load(t->b, IR_I64, low, p.base, p.imm);
                x86_store(t, 2, (struct x86_place){p.base, p.imm + 8}, ir_trunc(t->b, high));
                x86_store(t, 8, p, v);
        } else {
                x86_store(t, size, p, x86_low(t, v, size));
        }
        ir_call(t->b, &x86_helper_x87_stored, x86_c64(t, pops), 0, 0, 0);
        return true;
}

bool x86_tr_fconstant(struct x86_tctx *t, const struct x86_insn *i)
{
        static const uint16_t ids[] = {X86_FLD1, X86_FLDL2T, X86_FLDL2E, X86_FLDPI, X86_FLDLG2, X86_FLDLN2,
                                       X86_FLDZ};
        unsigned n = 0;

        while (n < G_N_ELEMENTS(ids) - 1 && ids[n] != i->id)
                n++;
        if (begin(t, true))
                ir_call(t->b, &x86_helper_x87_constant, x86_c64(t, n), 0, 0, 0);
        return true;
}

bool x86_tr_funary(struct x86_tctx *t, const struct x86_insn *i)
{
        static const struct { uint16_t id; uint8_t op; } ops[] = {
                {X86_FCHS, X87_CHS}, {X86_FABS, X87_ABS}, {X86_FSQRT, X87_SQRT}, {X86_FRNDINT, X87_RNDINT},
                {X86_FSCALE, X87_SCALE}, {X86_FPREM, X87_PREM}, {X86_FPREM1, X87_PREM1},
                {X86_FXTRACT, X87_XTRACT}, {X86_FXAM, X87_XAM},
        };
        unsigned n = 0;

        while (n < G_N_ELEMENTS(ops) - 1 && ops[n].id != i->id)
                n++;
        if (begin(t, true))
                ir_call(t->b, &x86_helper_x87_unary, x86_c64(t, ops[n].op), 0, 0, 0);
        return true;
}

bool x86_tr_fmove(struct x86_tctx *t, const struct x86_insn *i)
{
        static const struct { uint16_t id; uint8_t move, cond; } moves[] = {
                {X86_FXCH, X87_XCH}, {X86_FFREE, X87_FREE}, {X86_FFREEP, X87_FREE_POP},
                {X86_FINCSTP, X87_TOP_UP}, {X86_FDECSTP, X87_TOP_DOWN}, {X86_FCMOVB, X87_CMOV, IR_FL_C},
                {X86_FCMOVE, X87_CMOV, IR_FL_Z}, {X86_FCMOVBE, X87_CMOV, IR_FL_LEU},
                {X86_FCMOVU, X87_CMOV, IR_FL_P}, {X86_FCMOVNB, X87_CMOV, IR_FL_NC},
                {X86_FCMOVNE, X87_CMOV, IR_FL_NZ}, {X86_FCMOVNBE, X87_CMOV, IR_FL_GTU},
                {X86_FCMOVNU, X87_CMOV, IR_FL_NP},
        };
        unsigned n = 0;
        ir_ref cond;

        while (n < G_N_ELEMENTS(moves) - 1 && moves[n].id != i->id)
                n++;
        if (!begin(t, true))
                return true;
        cond = moves[n].move == X87_CMOV ? ir_fl_test(t->b, (enum ir_flcond)moves[n].cond,
                                                      x86_flags(t)) : x86_c64(t, 0);
        ir_call(t->b, &x86_helper_x87_move, x86_c64(t, moves[n].move),
                x86_c64(t, i->n_ops ? i->op[i->n_ops - 1].reg : 0), cond, 0);
        return true;
}

/* FNOP, FWAIT, and what the 287 and 387 ignore. */
bool x86_tr_fnop(struct x86_tctx *t, const struct x86_insn *i)
{
        begin(t, i->id == X86_FWAIT || i->id == X86_FNOP);
        return true;
}

bool x86_tr_fcontrol(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref v;

        if (!begin(t, i->id == X86_FLDCW))
                return true;
        switch (i->id) {
        case X86_FNSTCW: case X86_FNSTSW:
                v = ir_call(t->b, &x86_helper_x87_word, x86_c64(t, i->id == X86_FNSTSW), 0, 0, 0);
                x86_put(t, i, 0, ir_trunc(t->b, v));
                return true;
        case X86_FLDCW:
                v = x86_zext64(t, x86_get(t, i, 0), 2);
                ir_call(t->b, &x86_helper_x87_control, x86_c64(t, X87_LOAD), v, 0, 0);
                return true;
        default:
                ir_call(t->b, &x86_helper_x87_control, x86_c64(t, i->id == X86_FNINIT ? X87_INIT : X87_CLEAR),
                        x86_c64(t, 0), 0, 0);
                return true;
        }
}
