/* SPDX-License-Identifier: MIT */
/*
 * SSE and SSE2 on XMM registers (Intel SDM volume 2). What works on MMX registers is not translated. RCPPS
 * and RSQRTPS and their scalar kin, which approximate, give the rounded exact value; CPUs differ in these.
 */
#include "frontend/x86/translate.h"

/* ---- operands ---- */

static ir_ref xmm(struct x86_tctx *t, unsigned reg)
{
        return ir_get(t->b, X86_SLOT_XMM0 + reg);
}

static void put_xmm(struct x86_tctx *t, unsigned reg, ir_ref v)
{
        ir_put(t->b, X86_SLOT_XMM0 + reg, v);
}

/* Operands of 16 bytes in memory must be aligned, but for the instructions that say they need not. */
static struct ir_mem mem_of(const struct x86_tctx *t, const struct x86_insn *i, unsigned size, bool write)
{
        struct ir_mem mem = x86_mem(t, size, write);

        if (size == 16)
                mem.align = i->id != X86_MOVUPS && i->id != X86_MOVUPD && i->id != X86_MOVDQU;
        return mem;
}

static struct x86_place place_of(struct x86_tctx *t, const struct x86_insn *i, unsigned size)
{
        struct x86_place p = x86_ea(t, i);

        if (size == 16 && mem_of(t, i, size, false).align)
                x86_demand_aligned(t, p);
        return p;
}

/* An operand as a vector: of memory its bytes, zeros above. */
static ir_ref get(struct x86_tctx *t, const struct x86_insn *i, unsigned n)
{
        const struct x86_op *op = &i->op[n];
        struct x86_place p;

        if (op->kind != X86_OP_MEM)
                return xmm(t, op->reg);
        p = place_of(t, i, op->size);
        return ir_load(t->b, IR_V128, mem_of(t, i, op->size, false), p.base, p.imm);
}

/* All of a register; of memory as many bytes as the operand has. */
static void put(struct x86_tctx *t, const struct x86_insn *i, unsigned n, ir_ref v)
{
        const struct x86_op *op = &i->op[n];
        struct x86_place p;

        if (op->kind != X86_OP_MEM) {
                put_xmm(t, op->reg, v);
                return;
        }
        p = place_of(t, i, op->size);
        ir_store(t->b, mem_of(t, i, op->size, true), p.base, p.imm, v);
}

static bool is_mmx(const struct x86_insn *i)
{
        for (unsigned n = 0; n < i->n_ops; n++) {
                if (i->op[n].kind == X86_OP_REG && i->op[n].cls == X86_MM)
                        return true;
        }
        /* a Q operand in memory goes with a P one */
        return false;
}

/* False: the instruction has ended already, by #UD or #NM, or as not translated. */
static bool begin(struct x86_tctx *t, const struct x86_insn *i)
{
        if (is_mmx(i)) {
                x86_unimplemented(t, i);
                return false;
        }
        return x86_sse_on(t);
}

/*
 * Around what raises FP exceptions: with some of them unmasked, they are looked at before the result is
 * written.
 */
static void fp_begin(struct x86_tctx *t)
{
        if (t->mode & X86_MODE_FP_TRAPS)
                ir_call(t->b, &x86_helper_fp_begin, 0, 0, 0, 0);
}

static void fp_end(struct x86_tctx *t)
{
        if (t->mode & X86_MODE_FP_TRAPS)
                ir_call(t->b, &x86_helper_fp_check, 0, 0, 0, 0);
}

/* ---- rows of one shape ---- */

struct vector_row {
        uint16_t id;
        uint8_t op, lane, arg; /* arg: by shape */
};

static const struct vector_row *find(const struct vector_row *rows, unsigned n, unsigned id)
{
        for (unsigned k = 0; k < n; k++) {
                if (rows[k].id == id)
                        return &rows[k];
        }
        return &rows[0];
}
#define FIND(rows, id) find(rows, G_N_ELEMENTS(rows), id)

/* destination = op(destination, source); arg: with the two exchanged */
static const struct vector_row lanewise[] = {
        {X86_PADDB, IR_OP_vadd, IR_X8}, {X86_PADDW, IR_OP_vadd, IR_X16}, {X86_PADDD, IR_OP_vadd, IR_X32},
        {X86_PADDQ, IR_OP_vadd, IR_X64}, {X86_PSUBB, IR_OP_vsub, IR_X8}, {X86_PSUBW, IR_OP_vsub, IR_X16},
        {X86_PSUBD, IR_OP_vsub, IR_X32}, {X86_PSUBQ, IR_OP_vsub, IR_X64}, {X86_PADDSB, IR_OP_vqadds, IR_X8},
        {X86_PADDSW, IR_OP_vqadds, IR_X16}, {X86_PADDUSB, IR_OP_vqaddu, IR_X8},
        {X86_PADDUSW, IR_OP_vqaddu, IR_X16}, {X86_PSUBSB, IR_OP_vqsubs, IR_X8},
        {X86_PSUBSW, IR_OP_vqsubs, IR_X16}, {X86_PSUBUSB, IR_OP_vqsubu, IR_X8},
        {X86_PSUBUSW, IR_OP_vqsubu, IR_X16}, {X86_PAVGB, IR_OP_vavgu, IR_X8},
        {X86_PAVGW, IR_OP_vavgu, IR_X16}, {X86_PMINUB, IR_OP_vminu, IR_X8}, {X86_PMAXUB, IR_OP_vmaxu, IR_X8},
        {X86_PMINSW, IR_OP_vmins, IR_X16}, {X86_PMAXSW, IR_OP_vmaxs, IR_X16},
        {X86_PMULLW, IR_OP_vmul, IR_X16}, {X86_PMULHW, IR_OP_vmulhs, IR_X16},
        {X86_PMULHUW, IR_OP_vmulhu, IR_X16}, {X86_PMULUDQ, IR_OP_vmulevenu, IR_X32},
        {X86_PMADDWD, IR_OP_vmuladd, IR_X16}, {X86_PSADBW, IR_OP_vsad, IR_X8},
        {X86_PCMPEQB, IR_OP_vcmpeq, IR_X8}, {X86_PCMPEQW, IR_OP_vcmpeq, IR_X16},
        {X86_PCMPEQD, IR_OP_vcmpeq, IR_X32}, {X86_PCMPGTB, IR_OP_vcmpgts, IR_X8},
        {X86_PCMPGTW, IR_OP_vcmpgts, IR_X16}, {X86_PCMPGTD, IR_OP_vcmpgts, IR_X32},
        {X86_PAND, IR_OP_vand, IR_X64}, {X86_PANDN, IR_OP_vandc, IR_X64, 1}, {X86_POR, IR_OP_vor, IR_X64},
        {X86_PXOR, IR_OP_vxor, IR_X64}, {X86_ANDPS, IR_OP_vand, IR_X64}, {X86_ANDPD, IR_OP_vand, IR_X64},
        {X86_ANDNPS, IR_OP_vandc, IR_X64, 1}, {X86_ANDNPD, IR_OP_vandc, IR_X64, 1},
        {X86_ORPS, IR_OP_vor, IR_X64}, {X86_ORPD, IR_OP_vor, IR_X64}, {X86_XORPS, IR_OP_vxor, IR_X64},
        {X86_XORPD, IR_OP_vxor, IR_X64}, {X86_UNPCKLPS, IR_OP_vziplo, IR_X32},
        {X86_UNPCKLPD, IR_OP_vziplo, IR_X64}, {X86_UNPCKHPS, IR_OP_vziphi, IR_X32},
        {X86_UNPCKHPD, IR_OP_vziphi, IR_X64}, {X86_PUNPCKLBW, IR_OP_vziplo, IR_X8},
        {X86_PUNPCKLWD, IR_OP_vziplo, IR_X16}, {X86_PUNPCKLDQ, IR_OP_vziplo, IR_X32},
        {X86_PUNPCKLQDQ, IR_OP_vziplo, IR_X64}, {X86_PUNPCKHBW, IR_OP_vziphi, IR_X8},
        {X86_PUNPCKHWD, IR_OP_vziphi, IR_X16}, {X86_PUNPCKHDQ, IR_OP_vziphi, IR_X32},
        {X86_PUNPCKHQDQ, IR_OP_vziphi, IR_X64}, {X86_PACKSSWB, IR_OP_vpacks, IR_X16},
        {X86_PACKSSDW, IR_OP_vpacks, IR_X32}, {X86_PACKUSWB, IR_OP_vpacksu, IR_X16},
};

bool x86_tr_lanewise(struct x86_tctx *t, const struct x86_insn *i)
{
        const struct vector_row *row = FIND(lanewise, i->id);
        ir_ref a, b;

        if (!begin(t, i))
                return true;
        b = get(t, i, 1);
        a = get(t, i, 0);
        put(t, i, 0, ir_vec2(t->b, row->op, row->lane, row->arg ? b : a, row->arg ? a : b));
        return true;
}

/* Shifts: op is by a constant, arg by a value. */
static const struct vector_row shifts[] = {
        {X86_PSLLW, IR_OP_vshli, IR_X16, IR_OP_vshlc}, {X86_PSLLD, IR_OP_vshli, IR_X32, IR_OP_vshlc},
        {X86_PSLLQ, IR_OP_vshli, IR_X64, IR_OP_vshlc}, {X86_PSRLW, IR_OP_vshrui, IR_X16, IR_OP_vshruc},
        {X86_PSRLD, IR_OP_vshrui, IR_X32, IR_OP_vshruc}, {X86_PSRLQ, IR_OP_vshrui, IR_X64, IR_OP_vshruc},
        {X86_PSRAW, IR_OP_vshrsi, IR_X16, IR_OP_vshrsc}, {X86_PSRAD, IR_OP_vshrsi, IR_X32, IR_OP_vshrsc},
};

bool x86_tr_vshift(struct x86_tctx *t, const struct x86_insn *i)
{
        const struct vector_row *row = FIND(shifts, i->id);
        ir_ref v, count;

        if (!begin(t, i))
                return true;
        if (i->op[1].kind == X86_OP_IMM) {
                put(t, i, 0, ir_vec_imm(t->b, row->op, row->lane, get(t, i, 0), 0, i->imm[0]));
                return true;
        }
        count = ir_vlow(t->b, IR_I64, get(t, i, 1));
        v = get(t, i, 0);
        put(t, i, 0, ir_vec2(t->b, row->arg, row->lane, v, count));
        return true;
}

/* PSRLDQ and PSLLDQ: bytes. */
bool x86_tr_vshift_bytes(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned n = MIN((unsigned)i->imm[0], 16u);
        ir_ref zero, v;

        if (!begin(t, i))
                return true;
        zero = ir_const(t->b, IR_V128, 0);
        v = get(t, i, 0);
        if (i->id == X86_PSRLDQ)
                put(t, i, 0, ir_vec_imm(t->b, IR_OP_vext, IR_X8, v, zero, n));
        else
                put(t, i, 0, ir_vec_imm(t->b, IR_OP_vext, IR_X8, zero, v, 16 - n));
        return true;
}

bool x86_tr_shuffle(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref a, b;

        if (!begin(t, i))
                return true;
        b = get(t, i, 1);
        a = i->id == X86_SHUFPS || i->id == X86_SHUFPD ? get(t, i, 0) : b;
        switch (i->id) {
        case X86_SHUFPD: a = ir_vec_imm(t->b, IR_OP_vshuf, IR_X64, a, b, i->imm[0] & 3); break;
        case X86_PSHUFHW: a = ir_vec_imm(t->b, IR_OP_vshufhi, IR_X16, b, 0, i->imm[0]); break;
        case X86_PSHUFLW: a = ir_vec_imm(t->b, IR_OP_vshuflo, IR_X16, b, 0, i->imm[0]); break;
        default: a = ir_vec_imm(t->b, IR_OP_vshuf, IR_X32, a, b, i->imm[0]); break;
        }
        put(t, i, 0, a);
        return true;
}

/* ---- moves ---- */

bool x86_tr_vmov(struct x86_tctx *t, const struct x86_insn *i)
{
        if (begin(t, i))
                put(t, i, 0, get(t, i, 1));
        return true;
}

/* MOVSS and MOVSD: from memory with zeros above, between registers the low lane alone. */
bool x86_tr_vmov_scalar(struct x86_tctx *t, const struct x86_insn *i)
{
        bool single = i->op[0].size == 4;
        ir_ref v;

        if (!begin(t, i))
                return true;
        v = get(t, i, 1);
        if (!i->is_mem)
                v = ir_vput(t->b, single ? IR_X32 : IR_X64, get(t, i, 0), 0, ir_vlow(t->b,
                        single ? IR_F32 : IR_F64, v));
        put(t, i, 0, v);
        return true;
}

/* MOVLPS, MOVHPS and their kin: one half. */
bool x86_tr_vmov_half(struct x86_tctx *t, const struct x86_insn *i)
{
        bool high = i->id == X86_MOVHPS || i->id == X86_MOVHPD;
        ir_ref v;

        if (!begin(t, i))
                return true;
        if (i->op[0].kind == X86_OP_MEM) {
                x86_store(t, 8, x86_ea(t, i), ir_vpick(t->b, IR_I64, IR_X64, get(t, i, 1), high));
                return true;
        }
        v = x86_load(t, 8, x86_ea(t, i));
        put(t, i, 0, ir_vput(t->b, IR_X64, get(t, i, 0), high, v));
        return true;
}

bool x86_tr_vmov_across(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref a, b;

        if (!begin(t, i))
                return true;
        a = get(t, i, 0);
        b = get(t, i, 1);
        if (i->id == X86_MOVLHPS)
                put(t, i, 0, ir_vec2(t->b, IR_OP_vziplo, IR_X64, a, b));
        else
                put(t, i, 0, ir_vec2(t->b, IR_OP_vziphi, IR_X64, b, a));
        return true;
}

/* MOVD and MOVQ: between a vector's low bits and a general register, memory or another vector. */
bool x86_tr_vmovd(struct x86_tctx *t, const struct x86_insn *i)
{
        const struct x86_op *to = &i->op[0], *from = &i->op[1];
        ir_ref v;

        if (!begin(t, i))
                return true;
        if (to->kind == X86_OP_REG && to->cls == X86_VEC) {
                if (from->kind == X86_OP_REG && from->cls == X86_VEC)
                        v = ir_vzext(t->b, ir_vlow(t->b, IR_I64, get(t, i, 1)));
                else
                        v = from->kind == X86_OP_MEM ? get(t, i, 1) : ir_vzext(t->b, x86_get(t, i, 1));
                put(t, i, 0, v);
                return true;
        }
        x86_put(t, i, 0, ir_vlow(t->b, x86_type(to->size), get(t, i, 1)));
        return true;
}

bool x86_tr_vmask(struct x86_tctx *t, const struct x86_insn *i)
{
        enum ir_lane lane = i->id == X86_MOVMSKPS ? IR_X32 : i->id == X86_MOVMSKPD ? IR_X64 : IR_X8;

        if (begin(t, i))
                x86_put_gpr(t, i->op[0].reg, ir_vmask(t->b, lane, get(t, i, 1)));
        return true;
}

bool x86_tr_vword(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned n = i->imm[0] & 7;
        ir_ref v;

        if (!begin(t, i))
                return true;
        if (i->id == X86_PEXTRW) {
                x86_put(t, i, 0, ir_vpick(t->b, IR_I32, IR_X16, get(t, i, 1), n));
                return true;
        }
        v = x86_get(t, i, 1);
        put(t, i, 0, ir_vput(t->b, IR_X16, get(t, i, 0), n, v));
        return true;
}

/* ---- floating point ---- */

/* arg: the lowest lane alone */
static const struct vector_row arithmetic[] = {
        {X86_ADDPS, IR_OP_vfadd, IR_X32, 0}, {X86_ADDPD, IR_OP_vfadd, IR_X64, 0},
        {X86_ADDSS, IR_OP_vfadd, IR_X32, 1}, {X86_ADDSD, IR_OP_vfadd, IR_X64, 1},
        {X86_SUBPS, IR_OP_vfsub, IR_X32, 0}, {X86_SUBPD, IR_OP_vfsub, IR_X64, 0},
        {X86_SUBSS, IR_OP_vfsub, IR_X32, 1}, {X86_SUBSD, IR_OP_vfsub, IR_X64, 1},
        {X86_MULPS, IR_OP_vfmul, IR_X32, 0}, {X86_MULPD, IR_OP_vfmul, IR_X64, 0},
        {X86_MULSS, IR_OP_vfmul, IR_X32, 1}, {X86_MULSD, IR_OP_vfmul, IR_X64, 1},
        {X86_DIVPS, IR_OP_vfdiv, IR_X32, 0}, {X86_DIVPD, IR_OP_vfdiv, IR_X64, 0},
        {X86_DIVSS, IR_OP_vfdiv, IR_X32, 1}, {X86_DIVSD, IR_OP_vfdiv, IR_X64, 1},
        {X86_SQRTPS, IR_OP_vfsqrt, IR_X32, 0}, {X86_SQRTPD, IR_OP_vfsqrt, IR_X64, 0},
        {X86_SQRTSS, IR_OP_vfsqrt, IR_X32, 1}, {X86_SQRTSD, IR_OP_vfsqrt, IR_X64, 1},
        {X86_MINPS, IR_OP_vfmin, IR_X32, 0}, {X86_MINPD, IR_OP_vfmin, IR_X64, 0},
        {X86_MINSS, IR_OP_vfmin, IR_X32, 1}, {X86_MINSD, IR_OP_vfmin, IR_X64, 1},
        {X86_MAXPS, IR_OP_vfmax, IR_X32, 0}, {X86_MAXPD, IR_OP_vfmax, IR_X64, 0},
        {X86_MAXSS, IR_OP_vfmax, IR_X32, 1}, {X86_MAXSD, IR_OP_vfmax, IR_X64, 1},
};

bool x86_tr_vfp(struct x86_tctx *t, const struct x86_insn *i)
{
        const struct vector_row *row = FIND(arithmetic, i->id);
        ir_ref a, b, r;

        if (!begin(t, i))
                return true;
        b = get(t, i, 1);
        a = row->op == IR_OP_vfsqrt && !row->arg ? b : get(t, i, 0);
        fp_begin(t);
        if (row->op == IR_OP_vfmin || row->op == IR_OP_vfmax)
                r = ir_vfminmax(t->b, row->op, row->lane, row->arg, IR_MM_LESS, a, b);
        else
                r = ir_vfp2(t->b, row->op, row->lane, row->arg, IR_RM_MODE, a, b);
        fp_end(t);
        put(t, i, 0, r);
        return true;
}

/* CMPPS and its kin: EQ LT LE UNORD, and with bit 2 their opposites. */
bool x86_tr_vfcmp(struct x86_tctx *t, const struct x86_insn *i)
{
        static const uint8_t conds[4] = {IR_FEQ, IR_FLT, IR_FLE, IR_FUN};
        bool low = i->id == X86_CMPSS || i->id == X86_CMPSD;
        enum ir_lane lane = i->id == X86_CMPPS || i->id == X86_CMPSS ? IR_X32 : IR_X64;
        ir_ref a, b, r, ones;

        if (!begin(t, i))
                return true;
        b = get(t, i, 1);
        a = get(t, i, 0);
        fp_begin(t);
        r = ir_vfcmp(t->b, lane, low, (enum ir_fcond)conds[i->imm[0] & 3], 0, a, b);
        fp_end(t);
        if (i->imm[0] & 4) {
                ones = low ? ir_vconst(t->b, lane == IR_X32 ? UINT32_MAX : UINT64_MAX, 0) : ir_const(t->b,
                        IR_V128, -1);
                r = ir_vec2(t->b, IR_OP_vxor, IR_X64, r, ones);
        }
        put(t, i, 0, r);
        return true;
}

bool x86_tr_comi(struct x86_tctx *t, const struct x86_insn *i)
{
        enum ir_type type = i->id == X86_COMISS || i->id == X86_UCOMISS ? IR_F32 : IR_F64;
        unsigned form = IR_FL_BY_CARRY | (i->id == X86_COMISS || i->id == X86_COMISD ? IR_FL_SIGNALS : 0);
        ir_ref a, b, f;

        if (!begin(t, i))
                return true;
        b = ir_vlow(t->b, type, get(t, i, 1));
        a = ir_vlow(t->b, type, get(t, i, 0));
        fp_begin(t);
        f = ir_fl_fcmp(t->b, form, a, b);
        fp_end(t);
        x86_put_flags(t, f);
        return true;
}

/* Integers to the low lane. */
bool x86_tr_cvtsi(struct x86_tctx *t, const struct x86_insn *i)
{
        bool single = i->id == X86_CVTSI2SS;
        ir_ref v;

        if (!begin(t, i))
                return true;
        v = x86_get(t, i, 1);
        fp_begin(t);
        v = ir_fcvt_if(t->b, IR_RM_MODE, single ? IR_F32 : IR_F64, false, v);
        fp_end(t);
        put(t, i, 0, ir_vput(t->b, single ? IR_X32 : IR_X64, get(t, i, 0), 0, v));
        return true;
}

/* The low lane to an integer. */
bool x86_tr_cvt2si(struct x86_tctx *t, const struct x86_insn *i)
{
        bool single = i->id == X86_CVTSS2SI || i->id == X86_CVTTSS2SI;
        enum ir_round rm = i->id == X86_CVTTSS2SI || i->id == X86_CVTTSD2SI ? IR_RM_RTZ : IR_RM_MODE;
        ir_ref v;

        if (!begin(t, i))
                return true;
        v = ir_vlow(t->b, single ? IR_F32 : IR_F64, get(t, i, 1));
        fp_begin(t);
        v = ir_fcvt_fi(t->b, rm, x86_type(i->op[0].size), false, v);
        fp_end(t);
        x86_put(t, i, 0, v);
        return true;
}

/* CVTSS2SD and CVTSD2SS */
bool x86_tr_cvt_scalar(struct x86_tctx *t, const struct x86_insn *i)
{
        bool to_single = i->id == X86_CVTSD2SS;
        ir_ref v;

        if (!begin(t, i))
                return true;
        v = ir_vlow(t->b, to_single ? IR_F64 : IR_F32, get(t, i, 1));
        fp_begin(t);
        v = ir_fcvt_ff(t->b, IR_RM_MODE, to_single ? IR_F32 : IR_F64, v);
        fp_end(t);
        put(t, i, 0, ir_vput(t->b, to_single ? IR_X32 : IR_X64, get(t, i, 0), 0, v));
        return true;
}

/* arg: truncates */
static const struct vector_row conversions[] = {
        {X86_CVTDQ2PS, IR_OP_vfcvt_if, IR_X32}, {X86_CVTPS2DQ, IR_OP_vfcvt_fi, IR_X32},
        {X86_CVTTPS2DQ, IR_OP_vfcvt_fi, IR_X32, 1}, {X86_CVTDQ2PD, IR_OP_vfcvt_iup, IR_X32},
        {X86_CVTPD2DQ, IR_OP_vfcvt_idown, IR_X64}, {X86_CVTTPD2DQ, IR_OP_vfcvt_idown, IR_X64, 1},
        {X86_CVTPS2PD, IR_OP_vfcvt_up, IR_X32}, {X86_CVTPD2PS, IR_OP_vfcvt_down, IR_X64},
};

bool x86_tr_vcvt(struct x86_tctx *t, const struct x86_insn *i)
{
        const struct vector_row *row = FIND(conversions, i->id);
        ir_ref v;

        if (!begin(t, i))
                return true;
        v = get(t, i, 1);
        fp_begin(t);
        v = ir_vfcvt(t->b, row->op, row->lane, row->arg ? IR_RM_RTZ : IR_RM_MODE, false, v);
        fp_end(t);
        put_xmm(t, i->op[0].reg, v);
        return true;
}

/* RCPPS, RSQRTPS, RCPSS, RSQRTSS */
bool x86_tr_approximate(struct x86_tctx *t, const struct x86_insn *i)
{
        bool root = i->id == X86_RSQRTPS || i->id == X86_RSQRTSS, low = i->id == X86_RCPSS ||
                i->id == X86_RSQRTSS;
        ir_ref v, r;

        if (!begin(t, i))
                return true;
        v = get(t, i, 1);
        r = get(t, i, 0);
        for (unsigned n = 0; n < (low ? 1 : 4); n++) {
                ir_ref lane = ir_zext32(t->b, ir_vpick(t->b, IR_I32, IR_X32, v, n));

                lane = ir_call(t->b, &x86_helper_approximate, lane, x86_c64(t, root), 0, 0);
                r = ir_vput(t->b, IR_X32, r, n, ir_trunc(t->b, lane));
        }
        put(t, i, 0, r);
        return true;
}

/* ---- state ---- */

bool x86_tr_mxcsr(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref v;

        if (!begin(t, i))
                return true;
        if (i->id == X86_STMXCSR) {
                v = ir_call(t->b, &x86_helper_fp_state, 0, 0, 0, 0);
                x86_store(t, 4, x86_ea(t, i), ir_trunc(t->b, v));
                return true;
        }
        v = x86_zext64(t, x86_load(t, 4, x86_ea(t, i)), 4);
        ir_call(t->b, &x86_helper_ldmxcsr, v, 0, 0, 0);
        x86_exit(t, IR_EXIT_LOOKUP);
        return true;
}

/* FXSAVE and FXRSTOR, 64 bits at a time; the last 96 bytes are software's. */
enum { FX_BYTES = 416 };

bool x86_tr_fxsave(struct x86_tctx *t, const struct x86_insn *i)
{
        struct x86_place p;
        struct ir_mem mem = x86_mem(t, 16, false);

        if (t->mode & (X86_MODE_TS | X86_MODE_EM)) {
                x86_raise_here(t, X86_EXC_NM, 0);
                return true;
        }
        p = x86_ea(t, i);
        mem.align = mem.for_write = 1;
        ir_load(t->b, IR_V128, mem, p.base, p.imm);
        for (unsigned at = 0; at < FX_BYTES; at += 8) {
                ir_ref v = ir_call(t->b, &x86_helper_fx_word, x86_c64(t, at), 0, 0, 0);

                x86_store(t, 8, (struct x86_place){p.base, p.imm + (int32_t)at}, v);
        }
        return true;
}

bool x86_tr_fxrstor(struct x86_tctx *t, const struct x86_insn *i)
{
        struct x86_place p;
        struct ir_mem mem = x86_mem(t, 16, false);
        ir_ref v;

        if (t->mode & (X86_MODE_TS | X86_MODE_EM)) {
                x86_raise_here(t, X86_EXC_NM, 0);
                return true;
        }
        p = x86_ea(t, i);
        mem.align = 1;
        ir_load(t->b, IR_V128, mem, p.base, p.imm);
        /* the area's end is touched before its beginning counts */
        x86_load(t, 8, (struct x86_place){p.base, p.imm + FX_BYTES - 8});
        v = x86_load(t, 4, (struct x86_place){p.base, p.imm + 24});
        ir_call(t->b, &x86_helper_ldmxcsr, x86_zext64(t, v, 4), 0, 0, 0);
        for (unsigned at = 0; at < FX_BYTES; at += 8) {
                if (at == 24)
                        continue;
                v = x86_load(t, 8, (struct x86_place){p.base, p.imm + (int32_t)at});
                ir_call(t->b, &x86_helper_fx_set, x86_c64(t, at), v, 0, 0);
        }
        x86_exit(t, IR_EXIT_LOOKUP);
        return true;
}
