/* SPDX-License-Identifier: MIT */
/*
 * Vectors of 128 bits on SSE2 and what the host has beyond it; floating-point lanes are in vector_float.c.
 * Each op has a lowering here or goes to C, lane by lane, through slow_ops.vec; so all are right on every
 * host, and fast where it counts. IR ops: ir/ops.def, ir/vec.h. Intel SDM volume 2.
 */
#include "backend/x86_64/vector.h"

/* ---- constants ---- */

/* The constant that has @bits in both halves, or POOL_COUNT. */
static unsigned find_const(uint64_t bits)
{
        for (unsigned k = 0; k < POOL_BYTE_SHIFTS; k++)
                if (x86_pool[k][0] == bits && x86_pool[k][1] == bits)
                        return k;
        return POOL_COUNT;
}

void emit_vector_const(struct emit *e, unsigned dst, uint64_t bits)
{
        unsigned k = find_const(bits);

        if (k < POOL_COUNT) {
                x86_rm(&e->a, X86_OP(0, 1, 0x28), dst, emit_pool(e, k));
        } else {
                x86_mov_imm(&e->a, SCRATCH, bits);
                x86_mov_to_fp(&e->a, true, dst, SCRATCH);
                x86_rr(&e->a, X86_OP(0x66, 1, 0x6c), dst, dst); /* punpcklqdq */
        }
}

/* ---- through C ---- */

/* An operand to vector argument @n of the frame. */
static void vec_arg(struct emit *e, unsigned n, const struct ra_opnd *o, enum ir_type type)
{
        if (o->kind == RA_REG && o->reg >= RA_FPR) {
                x86_vstore(&e->a, VEC_ARG(n), x86_num(o->reg));
        } else if (type == IR_V128) {
                emit_fp_opnd_to(e, RA_FPR + FSCRATCH, o, type);
                x86_vstore(&e->a, VEC_ARG(n), FSCRATCH);
        } else {
                emit_opnd_to(e, SCRATCH, o, ir_type_size(type) == 8);
                x86_store(&e->a, 3, VEC_ARG(n), SCRATCH);
        }
}

void emit_vec_call(struct emit *e, const struct ir_ins *i, const struct ra_opnd *args, const uint8_t *thunk)
{
        struct ra_opnd pack = {.kind = RA_IMM, .imm = slow_fp_pack(i, vec_arg_type(e, i, 0))};
        struct ra_opnd imm = {.kind = RA_IMM, .imm = (uint64_t)i->imm};

        for (unsigned k = 0; k < ir_ops[i->op].n_args; k++)
                vec_arg(e, k, &args[k], vec_arg_type(e, i, k));
        emit_out_arg(e, 0, &pack, IR_I64);
        emit_out_arg(e, 1, &imm, IR_I64);
        x86_call_exec(&e->a, thunk);
}

static void emit_slow(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        struct ra_opnd args[3], result = {.kind = RA_IN_FRAME};

        for (unsigned k = 0; k < ir_ops[i->op].n_args; k++)
                args[k] = ra_where(&e->ra, i->arg[k]);
        emit_vec_call(e, i, args, e->h->vec);
        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        result.offset = FRAME_VECS - FRAME_SPILL;
        if (d >= RA_FPR)
                emit_fp_opnd_to(e, d, &result, (enum ir_type)i->type);
        else
                emit_opnd_to(e, d, &result, i->type == IR_I64);
        ra_def_done(&e->ra, at);
}

/* ---- opcodes ---- */

/* Ops that are one instruction, by lane; 0: none. Those of the map 0F38 came after SSE2: see has_op. */
static const uint32_t direct[][4] = {
#define D(op) [IR_OP_##op - IR_OP_vand]
        D(vand) = {P66(0xdb), P66(0xdb), P66(0xdb), P66(0xdb)},
        D(vor) = {P66(0xeb), P66(0xeb), P66(0xeb), P66(0xeb)},
        D(vxor) = {P66(0xef), P66(0xef), P66(0xef), P66(0xef)},
        D(vadd) = {P66(0xfc), P66(0xfd), P66(0xfe), P66(0xd4)},
        D(vsub) = {P66(0xf8), P66(0xf9), P66(0xfa), P66(0xfb)},
        D(vmul) = {0, P66(0xd5), P66_38(0x40), 0},
        D(vmulhs) = {0, P66(0xe5), 0, 0},
        D(vmulhu) = {0, P66(0xe4), 0, 0},
        D(vmins) = {P66_38(0x38), P66(0xea), P66_38(0x39), 0},
        D(vminu) = {P66(0xda), P66_38(0x3a), P66_38(0x3b), 0},
        D(vmaxs) = {P66_38(0x3c), P66(0xee), P66_38(0x3d), 0},
        D(vmaxu) = {P66(0xde), P66_38(0x3e), P66_38(0x3f), 0},
        D(vqadds) = {P66(0xec), P66(0xed), 0, 0},
        D(vqaddu) = {P66(0xdc), P66(0xdd), 0, 0},
        D(vqsubs) = {P66(0xe8), P66(0xe9), 0, 0},
        D(vqsubu) = {P66(0xd8), P66(0xd9), 0, 0},
        D(vavgu) = {P66(0xe0), P66(0xe3), 0, 0},
        D(vcmpeq) = {P66(0x74), P66(0x75), P66(0x76), P66_38(0x29)},
        D(vcmpgts) = {P66(0x64), P66(0x65), P66(0x66), P66_38(0x37)},
        D(vziplo) = {P66(0x60), P66(0x61), P66(0x62), P66(0x6c)},
        D(vziphi) = {P66(0x68), P66(0x69), P66(0x6a), P66(0x6d)},
        D(vuzpe) = {0, 0, 0, P66(0x6c)},
        D(vuzpo) = {0, 0, 0, P66(0x6d)},
        D(vtrne) = {0, 0, 0, P66(0x6c)},
        D(vtrno) = {0, 0, 0, P66(0x6d)},
        D(vpacks) = {0, P66(0x63), P66(0x6b), 0},
        D(vpacksu) = {0, P66(0x67), P66_38(0x2b), 0},
        D(vmulevens) = {0, 0, P66_38(0x28), 0},
        D(vmulevenu) = {0, 0, P66(0xf4), 0},
        D(vmuladd) = {0, P66(0xf5), 0, 0},
        D(vsad) = {P66(0xf6), 0, 0, 0},
        D(vshl) = {0, 0, P66_38(0x47), P66_38(0x47) | X86_W}, /* AVX2 */
        D(vshru) = {0, 0, P66_38(0x45), P66_38(0x45) | X86_W},
        D(vshrs) = {0, 0, P66_38(0x46), 0},
        D(vfcvt_idown) = {0},
#undef D
};

/* Does the host have an instruction of the table? */
static bool has_op(const struct emit *e, uint32_t op)
{
        const struct host_features *f = &e->h->feat;

        if (!op || (op >> 8 & 3) == 1)
                return op;
        switch (op & 0xff) {
        case 0x37: return f->sse42;
        case 0x45: case 0x46: case 0x47: return f->avx2 && e->h->feat.avx;
        default: return f->sse41;
        }
}

/* d = x shifted by an immediate: the group's opcode and its extension */
static void shift_imm(struct emit *e, uint32_t op, unsigned ext, unsigned d, unsigned x, unsigned n)
{
        if (e->h->feat.avx) {
                x86_vrr(&e->a, op, ext, d, x);
        } else {
                vmove(e, d, x);
                x86_rr(&e->a, op, ext, d);
        }
        asm_u8(&e->a, n);
}

static bool is_zero(const struct emit *e, const struct ir_ins *i, unsigned k)
{
        uint64_t bits;

        return ra_is_const(&e->ra, i->arg[k], &bits) && bits == 0;
}

/* ---- one instruction ---- */

void emit_vec_direct(struct emit *e, uint32_t at, const struct ir_ins *i, uint32_t op)
{
        unsigned x = vreg(e, i, 0), y, k = POOL_COUNT;
        struct ra_opnd o = {.kind = RA_REG};
        uint64_t bits;
        bool is_const = ra_is_const(&e->ra, i->arg[1], &bits);

        if (is_const && e->ra.val[i->arg[1]].reg == RA_NONE)
                k = find_const(bits);
        if (k < POOL_COUNT) {
                ra_operands_done(&e->ra);
                op3_mem(e, op, vdef(e, at, x, 0), x, emit_pool(e, k));
                ra_def_done(&e->ra, at);
                return;
        }
        if (e->h->feat.avx && !is_const)
                o = ra_any(&e->ra, i->arg[1]);
        else
                o.reg = ra_reg(&e->ra, i->arg[1]);
        ra_operands_done(&e->ra);
        unsigned d = vdef(e, at, x, 0);

        y = x86_num(o.reg);
        if (o.kind != RA_REG) {
                x86_vrm(&e->a, op, d, x, emit_mem(&o));
        } else if (!e->h->feat.avx && d == y && d != x) {
                x86_movaps(&e->a, FSCRATCH, y);
                op3(e, op, d, x, FSCRATCH);
        } else {
                op3(e, op, d, x, y);
        }
        ra_def_done(&e->ra, at);
}

/* ---- integer lanes, a few instructions ---- */

static void emit_andc(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned x = vreg(e, i, 0), y = vreg(e, i, 1);

        ra_operands_done(&e->ra);
        unsigned d = vdef(e, at, y, x != y ? fbit(x) : 0);

        op3(e, P66(0xdf), d, y, x); /* pandn: ~y & x */
        ra_def_done(&e->ra, at);
}

static void emit_neg(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned x = vreg(e, i, 0);

        ra_operands_done(&e->ra);
        unsigned d = vdef(e, at, x, e->h->feat.avx ? 0 : fbit(x));

        if (e->h->feat.avx) {
                x86_vrr(&e->a, P66(0xef), FSCRATCH, FSCRATCH, FSCRATCH);
                x86_vrr(&e->a, direct[IR_OP_vsub - IR_OP_vand][ir_lane_of(i)], d, FSCRATCH, x);
        } else {
                x86_rr(&e->a, P66(0xef), d, d);
                x86_rr(&e->a, direct[IR_OP_vsub - IR_OP_vand][ir_lane_of(i)], d, x);
        }
        ra_def_done(&e->ra, at);
}

static void emit_vunary(struct emit *e, uint32_t at, const struct ir_ins *i, uint32_t op)
{
        unsigned x = vreg(e, i, 0);

        ra_operands_done(&e->ra);
        x86_rr(&e->a, op, vdef(e, at, x, 0), x);
        ra_def_done(&e->ra, at);
}

/* Unsigned order is signed order with the top bits flipped. */
static void emit_cmpgtu(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const uint8_t signs[] = {POOL_SIGNS8, POOL_SIGNS16, POOL_SIGNS32, POOL_SIGNS64};
        struct x86_mem m = emit_pool(e, signs[ir_lane_of(i)]);
        unsigned x = vreg(e, i, 0), y = vreg(e, i, 1);

        ra_operands_done(&e->ra);
        unsigned d = vdef(e, at, x, 0);

        op3_mem(e, P66(0xef), FSCRATCH, y, m);
        op3_mem(e, P66(0xef), d, x, m);
        op3(e, direct[IR_OP_vcmpgts - IR_OP_vand][ir_lane_of(i)], d, d, FSCRATCH);
        ra_def_done(&e->ra, at);
}

/* Bytes, as the even and the odd ones of words. */
static void emit_mul8(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned x = vreg(e, i, 0), y = vreg(e, i, 1);

        ra_operands_done(&e->ra);
        unsigned d = vdef(e, at, x, fbit(x) | fbit(y));

        shift_imm(e, P66(0x71), 2, FSCRATCH, x, 8);
        shift_imm(e, P66(0x71), 2, d, y, 8);
        op3(e, P66(0xd5), FSCRATCH, FSCRATCH, d);
        shift_imm(e, P66(0x71), 6, FSCRATCH, FSCRATCH, 8);
        op3(e, P66(0xd5), d, x, y);
        op3_mem(e, P66(0xdb), d, d, emit_pool(e, POOL_LOW8));
        op3(e, P66(0xeb), d, d, FSCRATCH);
        ra_def_done(&e->ra, at);
}

static void emit_popcnt8(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned x = vreg(e, i, 0);

        ra_operands_done(&e->ra);
        unsigned d = vdef(e, at, x, fbit(x)), t = vtemp(e, fbit(x) | fbit(d));

        op3_mem(e, P66(0xdb), FSCRATCH, x, emit_pool(e, POOL_NIBBLES));
        x86_rm(&e->a, X86_OP(0, 1, 0x28), d, emit_pool(e, POOL_POPCNT));
        op3(e, P66_38(0x00), d, d, FSCRATCH);
        shift_imm(e, P66(0x71), 2, FSCRATCH, x, 4);
        op3_mem(e, P66(0xdb), FSCRATCH, FSCRATCH, emit_pool(e, POOL_NIBBLES));
        x86_rm(&e->a, X86_OP(0, 1, 0x28), t, emit_pool(e, POOL_POPCNT));
        op3(e, P66_38(0x00), t, t, FSCRATCH);
        op3(e, P66(0xfc), d, d, t);
        ra_def_done(&e->ra, at);
}

static void emit_sel(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned m = vreg(e, i, 0), x = vreg(e, i, 1), y = vreg(e, i, 2);

        ra_operands_done(&e->ra);
        unsigned d = vdef(e, at, m, 0);

        op3(e, P66(0xdf), FSCRATCH, m, y);
        if (!e->h->feat.avx && d == x && d != m)
                x86_rr(&e->a, P66(0xdb), d, m);
        else
                op3(e, P66(0xdb), d, m, x);
        op3(e, P66(0xeb), d, d, FSCRATCH);
        ra_def_done(&e->ra, at);
}

/* ---- shifts ---- */

/* Of lanes from 16 bits up: the opcode of a group with immediates, and the one with a count in a register. */
static uint32_t shift_group(const struct ir_ins *i)
{
        return P66(0x70 | ir_lane_of(i));
}

enum { SHIFT_RIGHT = 2, SHIFT_SIGN = 4, SHIFT_LEFT = 6 };

static unsigned shift_kind(enum ir_op op)
{
        switch (op) {
        case IR_OP_vshli: case IR_OP_vshlc: return SHIFT_LEFT;
        case IR_OP_vshrui: case IR_OP_vshruc: return SHIFT_RIGHT;
        default: return SHIFT_SIGN;
        }
}

/*
 * x8: a shift of words, less what came from the neighbour. With the sign: as (x ^ s) - s, s the sign's new
 * place.
 */
static void shift_bytes(struct emit *e, unsigned d, unsigned x, unsigned kind, unsigned n)
{
        shift_imm(e, P66(0x71), kind == SHIFT_LEFT ? 6 : 2, d, x, n);
        op3_mem(e, P66(0xdb), d, d, emit_pool(e, POOL_BYTE_SHIFTS + (kind == SHIFT_LEFT ? 0 : 8) + n));
        if (kind == SHIFT_SIGN) {
                op3_mem(e, P66(0xef), d, d, emit_pool(e, POOL_BYTE_SHIFTS + 16 + n));
                op3_mem(e, P66(0xf8), d, d, emit_pool(e, POOL_BYTE_SHIFTS + 16 + n));
        }
}

static void emit_shift_imm(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned kind = shift_kind(i->op), w = 8u << ir_lane_of(i), n = (unsigned)i->imm, x = vreg(e, i, 0);

        if (n >= w)
                n = kind == SHIFT_SIGN ? w - 1 : w;
        ra_operands_done(&e->ra);
        unsigned d = vdef(e, at, x, 0);

        if (w == 8 && n < 8) {
                shift_bytes(e, d, x, kind, n);
        } else if (w == 64 && kind == SHIFT_SIGN) { /* zeros in, and the sign above them */
                x86_rr(&e->a, P66(0xef), FSCRATCH, FSCRATCH);
                if (e->h->feat.sse42) {
                        op3(e, P66_38(0x37), FSCRATCH, FSCRATCH, x); /* 0 > x */
                } else {
                        op_imm(e, P66(0x70), FSCRATCH, x, 0xf5);
                        shift_imm(e, P66(0x72), SHIFT_SIGN, FSCRATCH, FSCRATCH, 31);
                }
                shift_imm(e, P66(0x73), SHIFT_LEFT, FSCRATCH, FSCRATCH, 64 - n);
                shift_imm(e, P66(0x73), SHIFT_RIGHT, d, x, n);
                op3(e, P66(0xeb), d, d, FSCRATCH);
        } else {
                shift_imm(e, w == 8 ? P66(0x71) : shift_group(i), kind, d, x, w == 8 ? 16 : n);
        }
        ra_def_done(&e->ra, at);
}

static void emit_shift_count(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const uint8_t ops[] = {[SHIFT_RIGHT] = 0xd0, [SHIFT_SIGN] = 0xe0, [SHIFT_LEFT] = 0xf0};
        unsigned x = vreg(e, i, 0), n = ra_reg(&e->ra, i->arg[1]);

        ra_operands_done(&e->ra);
        unsigned d = vdef(e, at, x, 0);

        x86_mov_to_fp(&e->a, true, FSCRATCH, n);
        op3(e, P66(ops[shift_kind(i->op)] | ir_lane_of(i)), d, x, FSCRATCH);
        ra_def_done(&e->ra, at);
}

/* ---- scalars in and out ---- */

static bool is_wide_type(enum ir_type t)
{
        return ir_type_size(t) == 8;
}

static void emit_zext(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        enum ir_type t = vec_arg_type(e, i, 0);
        unsigned x = ra_reg(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        if (x < RA_FPR) {
                x86_mov_to_fp(&e->a, is_wide_type(t), x86_num(ra_def(&e->ra, at, RA_NONE, 0)), x);
        } else if (t == IR_F64) {
                x86_rr(&e->a, X86_OP(0xf3, 1, 0x7e), vdef(e, at, x86_num(x), 0), x86_num(x)); /* movq */
        } else {
                unsigned d = vdef(e, at, x86_num(x), fbit(x86_num(x)));

                x86_rr(&e->a, X86_OP(0, 1, 0x57), d, d);
                x86_rr(&e->a, X86_OP(0xf3, 1, 0x10), d, x86_num(x)); /* movss */
        }
        ra_def_done(&e->ra, at);
}

/* The same register, for a float. */
static void emit_low(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        if (ir_type_is_fp(i->type)) {
                if (!e->ra.val[at].hint && ra_alias(&e->ra, at, i->arg[0]))
                        return;
                unsigned x = ra_reg(&e->ra, i->arg[0]);

                ra_operands_done(&e->ra);
                vmove(e, vdef(e, at, x86_num(x), 0), x86_num(x));
        } else {
                struct ra_opnd a = ra_any(&e->ra, i->arg[0]);
                uint64_t bits;

                if (ra_is_const(&e->ra, i->arg[0], &bits))
                        a = (struct ra_opnd){.kind = RA_REG, .reg = ra_reg(&e->ra, i->arg[0])};
                ra_operands_done(&e->ra);
                emit_opnd_to(e, ra_def(&e->ra, at, RA_NONE, 0), &a, i->type == IR_I64);
        }
        ra_def_done(&e->ra, at);
}

static void emit_pair(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned x = ra_reg(&e->ra, i->arg[0]), y = ra_reg(&e->ra, i->arg[1]);

        ra_operands_done(&e->ra);
        unsigned d = x86_num(ra_def(&e->ra, at, RA_NONE, 0));

        x86_mov_to_fp(&e->a, true, d, x);
        x86_mov_to_fp(&e->a, true, FSCRATCH, y);
        op3(e, P66(0x6c), d, d, FSCRATCH);
        ra_def_done(&e->ra, at);
}

/* Lane 0 of @s to all lanes of @d. */
static void broadcast(struct emit *e, enum ir_lane lane, unsigned d, unsigned s)
{
        static const uint8_t ops[] = {0x78, 0x79, 0x58, 0x59};

        if (e->h->feat.avx2 && e->h->feat.avx) {
                x86_vrr(&e->a, P66_38(ops[lane]), d, 0, s);
                return;
        }
        if (lane == IR_X64) {
                op_imm(e, P66(0x70), d, s, 0x44);
                return;
        }
        if (lane == IR_X8) {
                op3(e, P66(0x60), d, s, s);
                s = d;
        }
        if (lane <= IR_X16) {
                op_imm(e, X86_OP(0xf2, 1, 0x70), d, s, 0);
                s = d;
        }
        op_imm(e, P66(0x70), d, s, 0);
}

static void emit_dup(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned x = ra_reg(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = x86_num(ra_def(&e->ra, at, x >= RA_FPR ? x : RA_NONE, 0));

        if (x < RA_FPR) {
                x86_mov_to_fp(&e->a, ir_lane_of(i) == IR_X64, d, x);
                x = RA_FPR + d;
        }
        broadcast(e, ir_lane_of(i), d, x86_num(x));
        ra_def_done(&e->ra, at);
}

static void emit_duplane(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        enum ir_lane lane = ir_lane_of(i);
        unsigned n = (unsigned)i->imm, x = vreg(e, i, 0);

        ra_operands_done(&e->ra);
        unsigned d = vdef(e, at, x, 0);

        if (n == 0) {
                broadcast(e, lane, d, x);
        } else if (lane == IR_X64) {
                op_imm(e, P66(0x70), d, x, 0xee);
        } else if (lane == IR_X32) {
                op_imm(e, P66(0x70), d, x, n * 0x55);
        } else {
                shift_imm(e, P66(0x73), 3, d, x, n << lane); /* psrldq */
                broadcast(e, lane, d, d);
        }
        ra_def_done(&e->ra, at);
}

/* Lane @n of a copy of @x in @d becomes the float (or integer) @y; @y is apart from @d. */
static void put_float(struct emit *e, enum ir_lane lane, unsigned d, unsigned x, unsigned y, unsigned n)
{
        if (n == 0) { /* movss, movsd */
                op3(e, X86_OP(lane == IR_X64 ? X86_SD : X86_SS, 1, 0x10), d, x, y);
        } else if (lane == IR_X64) {
                op3(e, P66(0x6c), d, x, y);
        } else {
                op3_imm(e, P66_3A(0x21), d, x, y, n << 4); /* insertps */
        }
}

static void emit_put(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const uint32_t ops[] = {P66_3A(0x20), P66(0xc4), P66_3A(0x22), P66_3A(0x22) | X86_W};
        enum ir_lane lane = ir_lane_of(i);
        unsigned n = (unsigned)i->imm, x = vreg(e, i, 0), y = ra_reg(&e->ra, i->arg[1]);

        ra_operands_done(&e->ra);
        unsigned d = vdef(e, at, x, y >= RA_FPR && x86_num(y) != x ? RA_BIT(y) : 0);

        if (y >= RA_FPR)
                put_float(e, lane, d, x, x86_num(y), n);
        else if (e->h->feat.avx)
                op3_imm(e, ops[lane], d, x, y, n);
        else {
                vmove(e, d, x);
                op_imm(e, ops[lane], d, y, n);
        }
        ra_def_done(&e->ra, at);
}

static bool can_put(const struct emit *e, const struct ir_ins *i)
{
        if (ir_type_is_fp(vec_arg_type(e, i, 1)))
                return i->imm == 0 || ir_lane_of(i) == IR_X64 || e->h->feat.sse41;
        return ir_lane_of(i) == IR_X16 || e->h->feat.sse41;
}

static void emit_pick(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        enum ir_lane lane = ir_lane_of(i);
        unsigned n = (unsigned)i->imm, x = vreg(e, i, 0);

        ra_operands_done(&e->ra);
        if (ir_type_is_fp(i->type)) {
                op_imm(e, P66(0x70), vdef(e, at, x, 0), x, lane == IR_X64 ? (n ? 0xee : 0xe4) : n * 0x55);
        } else {
                unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

                if (lane == IR_X16) {
                        op_imm(e, P66(0xc5), d, x, n);
                } else if (n == 0 && lane >= IR_X32) {
                        x86_mov_from_fp(&e->a, lane == IR_X64, d, x);
                } else if (e->h->feat.sse41) {
                        op_imm(e, P66_3A(lane == IR_X8 ? 0x14 : 0x16) | x86_w(lane == IR_X64), x, d, n);
                } else if (lane == IR_X8) {
                        op_imm(e, P66(0xc5), d, x, n >> 1);
                        if (n & 1)
                                x86_shift_imm(&e->a, SH_SHR, false, d, 8);
                        else
                                x86_rr(&e->a, X86_OP(0, 1, 0xb6) | X86_BYTE_RM, d, d);
                } else {
                        op_imm(e, P66(0x70), FSCRATCH, x, lane == IR_X64 ? 0xee : n * 0x55);
                        x86_mov_from_fp(&e->a, lane == IR_X64, d, FSCRATCH);
                }
        }
        ra_def_done(&e->ra, at);
}

static void emit_mask(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const uint32_t ops[] = {P66(0xd7), P66(0xd7), X86_OP(0, 1, 0x50), P66(0x50)};
        unsigned x = vreg(e, i, 0);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        if (ir_lane_of(i) == IR_X16) {
                x86_rr(&e->a, P66(0xef), FSCRATCH, FSCRATCH);
                op3(e, P66(0x63), FSCRATCH, FSCRATCH, x); /* zeros below, x above */
                x86_rr(&e->a, ops[0], d, FSCRATCH);
                x86_shift_imm(&e->a, SH_SHR, false, d, 8);
        } else {
                x86_rr(&e->a, ops[ir_lane_of(i)], d, x);
        }
        ra_def_done(&e->ra, at);
}

/* ---- permutes ---- */

/* Are all byte numbers such as PSHUFB takes: below 16, or with their top bit set? */
static bool index_is_plain(const struct emit *e, const struct ir_ins *i)
{
        const struct ir_ins *index = &e->r->ins[i->arg[1]];
        uint64_t bits;

        if (index->op != IR_OP_vand)
                return false;
        for (unsigned k = 0; k < 2; k++)
                if (ra_is_const(&e->ra, index->arg[k], &bits) && !(bits & 0x7070707070707070ull))
                        return true;
        return false;
}

static void emit_tbl(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool plain = index_is_plain(e, i);
        unsigned x = vreg(e, i, 0), y = vreg(e, i, 1);

        ra_operands_done(&e->ra);
        unsigned d = vdef(e, at, x, plain && x != y ? fbit(y) : 0);

        if (!plain) { /* what is over 15 gets its top bit */
                op3_mem(e, P66(0xdc), FSCRATCH, y, emit_pool(e, POOL_BYTES70));
                y = FSCRATCH;
        }
        op3(e, P66_38(0x00), d, x, y);
        ra_def_done(&e->ra, at);
}

static void emit_shuf(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned x = vreg(e, i, 0), y = vreg(e, i, 1);

        ra_operands_done(&e->ra);
        unsigned d = vdef(e, at, x, x != y ? fbit(y) : 0);

        if (ir_lane_of(i) == IR_X32 && x == y)
                op_imm(e, P66(0x70), d, x, (unsigned)i->imm);
        else
                op3_imm(e, X86_OP(ir_lane_of(i) == IR_X32 ? 0 : 0x66, 1, 0xc6), d, x, y, (unsigned)i->imm);
        ra_def_done(&e->ra, at);
}

static void emit_unary_imm(struct emit *e, uint32_t at, const struct ir_ins *i, uint32_t op, unsigned imm)
{
        unsigned x = vreg(e, i, 0);

        ra_operands_done(&e->ra);
        op_imm(e, op, vdef(e, at, x, 0), x, imm);
        ra_def_done(&e->ra, at);
}

/* Bytes in from zeros, or from the other operand. */
static void emit_ext(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool down = is_zero(e, i, 1), up = !down && is_zero(e, i, 0);
        unsigned n = (unsigned)i->imm, x, y, d;

        if (down || up) {
                x = vreg(e, i, up);
                ra_operands_done(&e->ra);
                d = vdef(e, at, x, 0);
                shift_imm(e, P66(0x73), up ? 7 : 3, d, x, up ? 16 - n : n);
        } else {
                x = vreg(e, i, 0);
                y = vreg(e, i, 1);
                ra_operands_done(&e->ra);
                d = vdef(e, at, y, x != y ? fbit(x) : 0);
                op3_imm(e, P66_3A(0x0f), d, y, x, n); /* palignr */
        }
        ra_def_done(&e->ra, at);
}

static bool can_ext(const struct emit *e, const struct ir_ins *i)
{
        return e->h->feat.ssse3 || is_zero(e, i, 0) || is_zero(e, i, 1);
}

static void emit_rev(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        enum ir_lane lane = ir_lane_of(i);
        unsigned group = (unsigned)i->imm, x = vreg(e, i, 0), s = x;

        ra_operands_done(&e->ra);
        unsigned d = vdef(e, at, x, 0);

        switch (lane) {
        case IR_X8:
                op3_mem(e, P66_38(0x00), d, x, emit_pool(e, POOL_REV16 + group - 1));
                break;
        case IR_X16:
                op_imm(e, X86_OP(0xf2, 1, 0x70), d, x, group == 2 ? 0xb1 : 0x1b);
                op_imm(e, X86_OP(0xf3, 1, 0x70), d, d, group == 2 ? 0xb1 : 0x1b);
                s = d;
                if (group == 4)
                        op_imm(e, P66(0x70), d, s, 0x4e);
                break;
        default:
                op_imm(e, P66(0x70), d, x, lane == IR_X64 ? 0x4e : group == 3 ? 0xb1 : 0x1b);
                break;
        }
        ra_def_done(&e->ra, at);
}

/* Even or odd lanes, brought to the low or kept in the high half of lanes twice as wide, are packed. */
static void emit_uzp(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool odd = i->op == IR_OP_vuzpo;
        enum ir_lane lane = ir_lane_of(i);
        unsigned x = vreg(e, i, 0), y = vreg(e, i, 1);

        ra_operands_done(&e->ra);
        if (lane == IR_X32) {
                unsigned d = vdef(e, at, x, x != y ? fbit(y) : 0);

                op3_imm(e, X86_OP(0, 1, 0xc6), d, x, y, odd ? 0xdd : 0x88);
        } else {
                unsigned d = vdef(e, at, x, x != y ? fbit(y) : 0);
                unsigned s[2] = {y, x}, to[2] = {FSCRATCH, d};

                for (unsigned k = 0; k < 2; k++) { /* y first: d may be x */
                        if (lane == IR_X16) {
                                shift_imm(e, P66(0x72), odd ? 4 : 6, to[k], s[k], 16);
                                if (!odd)
                                        shift_imm(e, P66(0x72), 4, to[k], to[k], 16);
                        } else if (odd) {
                                shift_imm(e, P66(0x71), 2, to[k], s[k], 8);
                        } else {
                                op3_mem(e, P66(0xdb), to[k], s[k], emit_pool(e, POOL_LOW8));
                        }
                }
                op3(e, P66(lane == IR_X16 ? 0x6b : 0x67), d, d, FSCRATCH);
        }
        ra_def_done(&e->ra, at);
}

/* x32, with BLENDPS */
static void emit_trn(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned x = vreg(e, i, 0), y = vreg(e, i, 1);

        ra_operands_done(&e->ra);
        unsigned d = vdef(e, at, x, x != y ? fbit(y) : 0);

        if (i->op == IR_OP_vtrne) {
                op_imm(e, P66(0x70), FSCRATCH, y, 0xa0);
                op3_imm(e, P66_3A(0x0c), d, x, FSCRATCH, 0xa);
        } else {
                op_imm(e, P66(0x70), FSCRATCH, x, 0xf5);
                op3_imm(e, P66_3A(0x0c), FSCRATCH, FSCRATCH, y, 0xa);
                vmove(e, d, FSCRATCH);
        }
        ra_def_done(&e->ra, at);
}

static void emit_widen(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool sign = i->op == IR_OP_vwidens;
        enum ir_lane lane = ir_lane_of(i);
        unsigned x = vreg(e, i, 0);

        ra_operands_done(&e->ra);
        unsigned d = vdef(e, at, x, 0);

        if (!sign && (i->imm || !e->h->feat.sse41)) {
                x86_rr(&e->a, P66(0xef), FSCRATCH, FSCRATCH);
                op3(e, P66((i->imm ? 0x68 : 0x60) | lane), d, x, FSCRATCH);
        } else if (e->h->feat.sse41) {
                if (i->imm) {
                        op_imm(e, P66(0x70), d, x, 0xee);
                        x = d;
                }
                /* pmovsxbw, wd, dq: 20, 23, 25; with zeros from 30 on */
                x86_rr(&e->a, P66_38((sign ? 0x20 : 0x30) + (lane == IR_X8 ? 0 : lane == IR_X16 ? 3 : 5)), d,
                       x);
        } else { /* above themselves, then down; a sign of 64 bits has no shift */
                if (lane == IR_X32) {
                        vmove(e, FSCRATCH, x);
                        shift_imm(e, P66(0x72), 4, FSCRATCH, FSCRATCH, 31);
                        op3(e, P66(i->imm ? 0x6a : 0x62), d, x, FSCRATCH);
                } else {
                        vmove(e, FSCRATCH, x);
                        op3(e, P66((i->imm ? 0x68 : 0x60) | lane), d, x, FSCRATCH);
                        shift_imm(e, P66(lane == IR_X8 ? 0x71 : 0x72), 4, d, d, 8u << lane);
                }
        }
        ra_def_done(&e->ra, at);
}

/* What is above the greatest is cut down to it first: x16, with PMINUW. */
static void emit_packu16(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned x = vreg(e, i, 0), y = vreg(e, i, 1);

        ra_operands_done(&e->ra);
        unsigned d = vdef(e, at, x, 0);

        op3_mem(e, P66_38(0x3a), FSCRATCH, y, emit_pool(e, POOL_LOW8));
        op3_mem(e, P66_38(0x3a), d, x, emit_pool(e, POOL_LOW8));
        op3(e, P66(0x67), d, d, FSCRATCH);
        ra_def_done(&e->ra, at);
}

/* ---- dispatch ---- */

/* Ops that do not compute in floating point; false if the host goes through C. */
static bool emit_bits(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        const struct host_features *f = &e->h->feat;
        enum ir_lane lane = ir_lane_of(i);
        uint32_t op = i->op - IR_OP_vand < sizeof(direct) / sizeof(direct[0]) ?
                direct[i->op - IR_OP_vand][lane] : 0;

        if (has_op(e, op)) {
                emit_vec_direct(e, at, i, op);
                return true;
        }
        switch ((enum ir_op)i->op) {
        CASE(vandc, true, emit_andc(e, at, i))
        CASE(vneg, true, emit_neg(e, at, i))
        CASE(vabs, f->ssse3 && lane != IR_X64, emit_vunary(e, at, i, P66_38(0x1c | lane)))
        CASE(vmul, lane == IR_X8, emit_mul8(e, at, i))
        CASE(vcmpgtu, lane != IR_X64 || f->sse42, emit_cmpgtu(e, at, i))
        CASE(vpopcnt, lane == IR_X8 && f->ssse3, emit_popcnt8(e, at, i))
        CASE(vsel, true, emit_sel(e, at, i))
        CASE(vshli, true, emit_shift_imm(e, at, i))
        CASE(vshrui, true, emit_shift_imm(e, at, i))
        CASE(vshrsi, true, emit_shift_imm(e, at, i))
        CASE(vshlc, lane != IR_X8, emit_shift_count(e, at, i))
        CASE(vshruc, lane != IR_X8, emit_shift_count(e, at, i))
        CASE(vshrsc, lane == IR_X16 || lane == IR_X32, emit_shift_count(e, at, i))
        CASE(vzext, true, emit_zext(e, at, i))
        CASE(vlow, true, emit_low(e, at, i))
        CASE(vpair, true, emit_pair(e, at, i))
        CASE(vdup, true, emit_dup(e, at, i))
        CASE(vduplane, true, emit_duplane(e, at, i))
        CASE(vput, can_put(e, i), emit_put(e, at, i))
        CASE(vpick, true, emit_pick(e, at, i))
        CASE(vmask, true, emit_mask(e, at, i))
        CASE(vtbl, f->ssse3, emit_tbl(e, at, i))
        CASE(vshuf, true, emit_shuf(e, at, i))
        CASE(vshuflo, true, emit_unary_imm(e, at, i, X86_OP(0xf2, 1, 0x70), (unsigned)i->imm))
        CASE(vshufhi, true, emit_unary_imm(e, at, i, X86_OP(0xf3, 1, 0x70), (unsigned)i->imm))
        CASE(vext, can_ext(e, i), emit_ext(e, at, i))
        CASE(vrev, lane != IR_X8 || f->ssse3, emit_rev(e, at, i))
        CASE(vuzpe, true, emit_uzp(e, at, i))
        CASE(vuzpo, true, emit_uzp(e, at, i))
        CASE(vtrne, lane == IR_X32 && f->sse41, emit_trn(e, at, i))
        CASE(vtrno, lane == IR_X32 && f->sse41, emit_trn(e, at, i))
        CASE(vwidens, true, emit_widen(e, at, i))
        CASE(vwidenu, true, emit_widen(e, at, i))
        CASE(vpacku, lane == IR_X16 && f->sse41, emit_packu16(e, at, i))
        default:
                return false;
        }
}

void emit_vector(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        if (ir_ops[i->op].sig == IR_SIG_VFP ? !emit_vec_float(e, at, i) : !emit_bits(e, at, i))
                emit_slow(e, at, i);
}
