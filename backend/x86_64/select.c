/* SPDX-License-Identifier: MIT */
/*
 * Instruction selection for integer ops. A value of type I32 is the low half of its register; the upper half
 * means nothing. Operands that are read for the last time may be used in place from the guest state or the
 * frame.
 */
#include "backend/x86_64/emit.h"

static bool wide(const struct ir_ins *i)
{
        return i->type == IR_I64;
}

static bool imm_fits(const struct ra_opnd *o, bool w)
{
        return o->kind == RA_IMM && (!w || x86_is_s32(o->imm));
}

static unsigned opnd_reg(const struct ra_opnd *o)
{
        return o->kind == RA_REG ? o->reg : RA_NONE;
}

static bool in_memory(const struct ra_opnd *o)
{
        return o->kind == RA_IN_STATE || o->kind == RA_IN_FRAME;
}

/* d op= o */
static void alu(struct emit *e, enum x86_alu op, bool w, unsigned d, const struct ra_opnd *o)
{
        if (o->kind == RA_REG) {
                x86_alu(&e->a, op, w, d, o->reg);
        } else if (imm_fits(o, w)) {
                int32_t v = (int32_t)o->imm;

                if (op == ALU_XOR && v == -1)
                        x86_unary(&e->a, UN_NOT, w, d);
                else
                        x86_alu_imm(&e->a, op, w && !(op == ALU_AND && v >= 0), d, v);
        } else if (o->kind == RA_IMM) {
                x86_mov_imm(&e->a, SCRATCH, o->imm);
                x86_alu(&e->a, op, w, d, SCRATCH);
        } else {
                x86_alu_load(&e->a, op, w, d, emit_mem(o));
        }
}

static void emit_sum_of(struct emit *e, bool w, unsigned d, unsigned base, unsigned index, unsigned log2)
{
        x86_lea(&e->a, w, d, x86_at_index(base, index, log2, 0));
        if (!w || d == base || d == index)
                return;
        e->sum.end = e->a.p;
        e->sum.reg = d;
        e->sum.base = base;
        e->sum.index = index;
        e->sum.log2 = log2;
}

/* Is one of the values added the shift just emitted, for this alone? */
static bool is_scaled(const struct emit *e, ir_ref x, ir_ref y)
{
        return e->a.p == e->scaled.end && x != y && (e->scaled.at == x || e->scaled.at == y) &&
               e->ra.val[e->scaled.at].uses == 1 && !ra_live_after(&e->ra, e->scaled.at);
}

/* The shift was in vain. */
static void emit_scaled_sum(struct emit *e, bool w, unsigned d, unsigned base)
{
        e->a.p = e->scaled.begin;
        e->scaled.end = NULL;
        emit_sum_of(e, w, d, base, e->scaled.reg, e->scaled.log2);
}

/* and, or with the second operand inverted */
static void alu_inverted(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i);
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]), b = ra_any(&e->ra, i->arg[1]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, opnd_reg(&a), 0);

        if (i->op == IR_OP_andc && e->h->feat.bmi2 && a.kind == RA_REG && b.kind == RA_REG) {
                x86_andn(&e->a, w, d, b.reg, a.reg);
        } else {
                emit_opnd_to(e, SCRATCH, &b, w);
                x86_unary(&e->a, UN_NOT, w, SCRATCH);
                emit_opnd_to(e, d, &a, w);
                x86_alu(&e->a, i->op == IR_OP_andc ? ALU_AND : ALU_OR, w, d, SCRATCH);
        }
        ra_def_done(&e->ra, at);
}

void emit_alu(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const uint8_t ops[] = {[IR_OP_add] = ALU_ADD, [IR_OP_sub] = ALU_SUB, [IR_OP_and] = ALU_AND,
                                      [IR_OP_or] = ALU_OR, [IR_OP_xor] = ALU_XOR};

        if (i->op == IR_OP_andc || i->op == IR_OP_orc) {
                alu_inverted(e, at, i);
                return;
        }
        enum x86_alu op = (enum x86_alu)ops[i->op];
        bool w = wide(i), comm = op != ALU_SUB;
        ir_ref x = i->arg[0], y = i->arg[1], flags = e->ra.plan ? e->ra.plan[at].pair : 0;
        uint64_t k;

        if (comm && (ra_is_const(&e->ra, x, &k) ||
                     (!ra_is_const(&e->ra, y, &k) && ra_live_after(&e->ra, x) &&
                      !ra_live_after(&e->ra, y)))) {
                x = i->arg[1];
                y = i->arg[0];
        }
        struct ra_opnd a = ra_any(&e->ra, x), b = ra_any(&e->ra, y);

        if (flags && op == ALU_ADD && e->r->ins[flags].op == IR_OP_fl_sub) {
                op = ALU_SUB; /* x + -c whose flags are those of x - c */
                b = (struct ra_opnd){.kind = RA_IMM, .imm = e->r->ins[e->r->ins[flags].arg[1]].imm};
        }
        ra_operands_done(&e->ra);
        bool scaled = op == ALU_ADD && !flags && a.kind == RA_REG && b.kind == RA_REG && is_scaled(e, x, y);
        unsigned d = ra_def(&e->ra, at, opnd_reg(&a), 0);

        if (scaled && e->a.p == e->scaled.end) {
                emit_scaled_sum(e, w, d, e->scaled.at == x ? b.reg : a.reg);
        } else if (op == ALU_AND && w && b.kind == RA_IMM && b.imm == 0xffffffff) {
                if (a.kind == RA_REG)
                        x86_mov(&e->a, false, d, a.reg);
                else
                        emit_opnd_to(e, d, &a, false);
        } else if (op == ALU_ADD && !flags && a.kind == RA_REG && a.reg != d && (imm_fits(&b, w) || b.kind == RA_REG)) {
                if (b.kind == RA_IMM)
                        x86_lea(&e->a, w, d, x86_at(a.reg, (int32_t)b.imm));
                else if (b.reg == d)
                        x86_alu(&e->a, ALU_ADD, w, d, a.reg);
                else
                        emit_sum_of(e, w, d, a.reg, b.reg, 0);
        } else if (b.kind == RA_REG && b.reg == d && !(a.kind == RA_REG && a.reg == d)) {
                if (op == ALU_SUB && flags) {
                        emit_opnd_to(e, SCRATCH, &a, w);
                        x86_alu(&e->a, ALU_SUB, w, SCRATCH, d);
                        x86_mov(&e->a, w, d, SCRATCH);
                        ra_def_done(&e->ra, at);
                        return;
                }
                if (op == ALU_SUB) {
                        x86_unary(&e->a, UN_NEG, w, d);
                        op = ALU_ADD;
                }
                alu(e, op, w, d, &a);
        } else {
                emit_opnd_to(e, d, &a, w);
                alu(e, op, w, d, &b);
        }
        ra_def_done(&e->ra, at);
}

void emit_unary(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i);
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, opnd_reg(&a), 0);

        emit_opnd_to(e, d, &a, w);
        if (i->op == IR_OP_bswap)
                x86_bswap(&e->a, w, d);
        else
                x86_unary(&e->a, i->op == IR_OP_neg ? UN_NEG : UN_NOT, w, d);
        ra_def_done(&e->ra, at);
}

/* d = op(rm) for two-operand encodings that read a register or memory */
static void emit_rm(struct emit *e, uint32_t at, const struct ir_ins *i, uint32_t op)
{
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, opnd_reg(&a), 0);

        if (a.kind == RA_IMM) {
                x86_mov_imm(&e->a, SCRATCH, a.imm);
                x86_rr(&e->a, op, d, SCRATCH);
        } else if (a.kind == RA_REG) {
                x86_rr(&e->a, op, d, a.reg);
        } else {
                x86_rm(&e->a, op, d, emit_mem(&a));
        }
        ra_def_done(&e->ra, at);
}

/* Leading and trailing zeros without LZCNT and TZCNT */
static void bit_scan(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i), clz = i->op == IR_OP_clz;
        unsigned bits = w ? 64 : 32, s = ra_reg(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, s, 0);

        x86_mov_imm(&e->a, SCRATCH, clz ? 2 * bits - 1 : bits);
        x86_rr(&e->a, (clz ? X86_BSR : X86_BSF) | x86_w(w), d, s);
        x86_cmov(&e->a, CC_E, w, d, SCRATCH);
        if (clz)
                x86_alu_imm(&e->a, ALU_XOR, w, d, bits - 1);
        ra_def_done(&e->ra, at);
}

void emit_count_zeros(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        if (e->h->feat.lzcnt)
                emit_rm(e, at, i, (i->op == IR_OP_clz ? X86_LZCNT : X86_TZCNT) | x86_w(wide(i)));
        else
                bit_scan(e, at, i);
}

/* Number of ones without POPCNT: sums of two, four, eight bits, then all bytes by a multiplication */
static void popcnt(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i);
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, opnd_reg(&a), 0), t = ra_temp(&e->ra, false, RA_NONE, RA_BIT(d));

        emit_opnd_to(e, d, &a, w);
        if (!w)
                x86_mov(&e->a, false, d, d);
        x86_mov(&e->a, true, t, d);
        x86_shift_imm(&e->a, SH_SHR, true, t, 1);
        x86_mov_imm(&e->a, SCRATCH, 0x5555555555555555ull);
        x86_alu(&e->a, ALU_AND, true, t, SCRATCH);
        x86_alu(&e->a, ALU_SUB, true, d, t);
        x86_mov_imm(&e->a, SCRATCH, 0x3333333333333333ull);
        x86_mov(&e->a, true, t, d);
        x86_alu(&e->a, ALU_AND, true, d, SCRATCH);
        x86_shift_imm(&e->a, SH_SHR, true, t, 2);
        x86_alu(&e->a, ALU_AND, true, t, SCRATCH);
        x86_alu(&e->a, ALU_ADD, true, d, t);
        x86_mov(&e->a, true, t, d);
        x86_shift_imm(&e->a, SH_SHR, true, t, 4);
        x86_alu(&e->a, ALU_ADD, true, d, t);
        x86_mov_imm(&e->a, SCRATCH, 0x0f0f0f0f0f0f0f0full);
        x86_alu(&e->a, ALU_AND, true, d, SCRATCH);
        x86_mov_imm(&e->a, SCRATCH, 0x0101010101010101ull);
        x86_imul(&e->a, true, d, SCRATCH);
        x86_shift_imm(&e->a, SH_SHR, true, d, 56);
        ra_def_done(&e->ra, at);
}

/* Each byte: all ones unless it is zero */
static void orcb(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        emit_opnd_to(e, SCRATCH, &a, wide(i));
        x86_mov_to_fp(&e->a, true, FSCRATCH, SCRATCH);
        x86_rm(&e->a, X86_OP(0x66, 1, 0x74), FSCRATCH, emit_pool(e, POOL_ZERO)); /* pcmpeqb */
        x86_rm(&e->a, X86_OP(0x66, 1, 0xef), FSCRATCH, emit_pool(e, POOL_ONES)); /* pxor */
        x86_mov_from_fp(&e->a, wide(i), d, FSCRATCH);
        ra_def_done(&e->ra, at);
}

void emit_bytes(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        if (i->op == IR_OP_orcb)
                orcb(e, at, i);
        else if (e->h->feat.popcnt)
                emit_rm(e, at, i, X86_POPCNT | x86_w(wide(i)));
        else
                popcnt(e, at, i);
}

/* ---- shifts ---- */

static enum x86_shift shift_of(enum ir_op op)
{
        switch (op) {
        case IR_OP_shl:
                return SH_SHL;
        case IR_OP_shru:
                return SH_SHR;
        case IR_OP_shrs:
                return SH_SAR;
        case IR_OP_rotl:
                return SH_ROL;
        default:
                return SH_ROR;
        }
}

static void emit_shift_const(struct emit *e, uint32_t at, const struct ir_ins *i, unsigned n)
{
        bool w = wide(i);
        enum x86_shift op = shift_of(i->op);
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, opnd_reg(&a), 0);

        uint8_t *begin = e->a.p;
        unsigned index = a.kind == RA_REG ? a.reg : d;

        if (op <= SH_ROR && e->h->feat.bmi2 && a.kind == RA_REG && a.reg != d) {
                x86_rorx(&e->a, w, d, a.reg, op == SH_ROL ? -n & (w ? 63 : 31) : n);
        } else {
                emit_opnd_to(e, d, &a, w);
                if (a.kind != RA_REG)
                        begin = e->a.p;
                if (n)
                        x86_shift_imm(&e->a, op, w, d, n);
                else if (e->ra.val[at].wide)
                        x86_mov(&e->a, false, d, d);
        }
        ra_def_done(&e->ra, at);
        if (op == SH_SHL && n >= 1 && n <= 3) {
                e->scaled.at = at;
                e->scaled.begin = begin;
                e->scaled.end = e->a.p;
                e->scaled.reg = index;
                e->scaled.log2 = n;
        }
}

void emit_shift(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i);
        enum x86_shift op = shift_of(i->op);
        uint64_t n;

        if (ra_is_const(&e->ra, i->arg[1], &n)) {
                emit_shift_const(e, at, i, n & (w ? 63 : 31));
                return;
        }
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]), b = ra_any(&e->ra, i->arg[1]);
        unsigned d;

        ra_operands_done(&e->ra);
        if (op > SH_ROR && e->h->feat.bmi2 && b.kind == RA_REG) {
                d = ra_def(&e->ra, at, opnd_reg(&a), 0);
                if (a.kind != RA_REG) {
                        emit_opnd_to(e, SCRATCH, &a, w);
                        a.reg = SCRATCH;
                }
                x86_shiftx(&e->a, op, w, d, a.reg, b.reg);
        } else {
                emit_opnd_to(e, SCRATCH, &a, w);
                ra_take(&e->ra, RA_BIT(RCX));
                emit_opnd_to(e, RCX, &b, false);
                x86_shift_cl(&e->a, op, w, SCRATCH);
                d = ra_def(&e->ra, at, RCX, 0);
                x86_mov(&e->a, w, d, SCRATCH);
        }
        ra_def_done(&e->ra, at);
}

/* ---- multiplication and division ---- */

void emit_mul(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i);
        ir_ref x = i->arg[0], y = i->arg[1];
        uint64_t k;

        if (ra_is_const(&e->ra, x, &k)) {
                x = i->arg[1];
                y = i->arg[0];
        }
        struct ra_opnd a = ra_any(&e->ra, x), b = ra_any(&e->ra, y);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, opnd_reg(&a), 0);

        if (imm_fits(&b, w) && a.kind == RA_REG) {
                x86_imul_imm(&e->a, w, d, a.reg, (int32_t)b.imm);
        } else if (imm_fits(&b, w) && in_memory(&a)) {
                x86_load(&e->a, w, d, emit_mem(&a));
                x86_imul_imm(&e->a, w, d, d, (int32_t)b.imm);
        } else {
                if (b.kind == RA_REG && b.reg == d) {
                        struct ra_opnd t = a;

                        a = b;
                        b = t;
                }
                if (b.kind != RA_REG) {
                        emit_opnd_to(e, SCRATCH, &b, w);
                        b.reg = SCRATCH;
                }
                emit_opnd_to(e, d, &a, w);
                x86_imul(&e->a, w, d, b.reg);
        }
        ra_def_done(&e->ra, at);
}

void emit_mul_high(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i);
        unsigned x = ra_reg(&e->ra, i->arg[0]), y = ra_reg(&e->ra, i->arg[1]);

        ra_operands_done(&e->ra);
        ra_take(&e->ra, RA_BIT(RAX) | RA_BIT(RDX));
        if (i->op == IR_OP_mulhsu) {
                x86_mov(&e->a, w, SCRATCH, x);
                x86_shift_imm(&e->a, SH_SAR, w, SCRATCH, w ? 63 : 31);
                x86_alu(&e->a, ALU_AND, w, SCRATCH, y);
        }
        if (y == RAX) {
                y = x;
                x = RAX;
        }
        if (x != RAX)
                x86_mov(&e->a, w, RAX, x);
        x86_unary(&e->a, i->op == IR_OP_mulhs ? UN_IMUL : UN_MUL, w, y);
        if (i->op == IR_OP_mulhsu)
                x86_alu(&e->a, ALU_SUB, w, RDX, SCRATCH);
        unsigned d = ra_def(&e->ra, at, RDX, 0);

        emit_move(e, d, RDX);
        ra_def_done(&e->ra, at);
}

static bool is_signed_div(const struct ir_ins *i)
{
        return i->op == IR_OP_divs || i->op == IR_OP_rems;
}

static bool is_quotient(const struct ir_ins *i)
{
        return i->op == IR_OP_divs || i->op == IR_OP_divu;
}

void emit_div(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i), s = is_signed_div(i);
        uint64_t k = 0;
        bool tame = ra_is_const(&e->ra, i->arg[1], &k) && (w ? k : (uint32_t)k) &&
                    !(s && (w ? (int64_t)k : (int32_t)k) == -1);
        struct ra_opnd x = ra_any(&e->ra, i->arg[0]);
        unsigned y = ra_reg(&e->ra, i->arg[1]), result = is_quotient(i) ? RAX : RDX;
        struct cold *c = NULL;

        ra_operands_done(&e->ra);
        if (y == RAX || y == RDX) {
                x86_mov(&e->a, w, SCRATCH, y);
                y = SCRATCH;
        }
        ra_take(&e->ra, RA_BIT(RAX) | RA_BIT(RDX));
        emit_opnd_to(e, RAX, &x, w);
        if (!tame) {
                c = emit_cold(e, COLD_DIV, i);
                c->y = y;
                if (s) {
                        x86_lea(&e->a, w, RDX, x86_at(y, 1));
                        x86_alu_imm(&e->a, ALU_CMP, w, RDX, 1);
                } else {
                        x86_test(&e->a, w, y, y);
                }
                emit_cold_from(c, x86_jcc(&e->a, s ? CC_BE : CC_E));
        }
        if (s)
                x86_cqo(&e->a, w);
        else
                x86_alu(&e->a, ALU_XOR, false, RDX, RDX);
        x86_unary(&e->a, s ? UN_IDIV : UN_DIV, w, y);
        if (c)
                c->back = e->a.p;
        unsigned d = ra_def(&e->ra, at, result, 0);

        emit_move(e, d, result);
        ra_def_done(&e->ra, at);
}

/* The divisor is 0, or -1 in a signed division; the dividend is in rax. */
void cold_div(struct emit *e, const struct cold *c)
{
        bool w = wide(c->i);

        if (!is_signed_div(c->i)) {
                if (is_quotient(c->i))
                        x86_mov_imm(&e->a, RAX, ~0ull);
                else
                        x86_mov(&e->a, w, RDX, RAX);
                return;
        }
        x86_mov_imm(&e->a, RDX, is_quotient(c->i) ? ~0ull : 0);
        if (is_quotient(c->i))
                x86_unary(&e->a, UN_NEG, w, RAX);
        x86_test(&e->a, w, c->y, c->y);
        if (is_quotient(c->i))
                x86_cmov(&e->a, CC_E, w, RAX, RDX);
        else
                x86_cmov(&e->a, CC_E, w, RDX, RAX);
}

/* ---- comparison ---- */

static void compare_operands(struct emit *e, struct comparison *c, enum ir_cond cond, bool w, ir_ref x,
                             ir_ref y)
{
        emit_comparison(e, c, cond, w, x, y);
        if (c->x.kind == RA_IMM) { /* both are constants, which nobody folded: they were swapped */
                c->x = (struct ra_opnd){.kind = RA_REG, .reg = ra_reg(&e->ra, y)};
                c->y = ra_any(&e->ra, x); /* of the same constant, in that register now */
        }
}

static enum x86_cc cc_of(enum ir_cond c)
{
        static const uint8_t cc[IR_COND_COUNT] = {
                [IR_EQ] = CC_E, [IR_NE] = CC_NE, [IR_LTU] = CC_B, [IR_GEU] = CC_AE, [IR_LTS] = CC_L,
                [IR_GES] = CC_GE,
                [IR_LEU] = CC_BE, [IR_GTU] = CC_A, [IR_LES] = CC_LE, [IR_GTS] = CC_G, [IR_TSTZ] = CC_E,
                [IR_TSTNZ] = CC_NE,
        };
        return (enum x86_cc)cc[c];
}

static void x_to_scratch(struct emit *e, struct comparison *c)
{
        emit_opnd_to(e, SCRATCH, &c->x, c->w);
        c->x = (struct ra_opnd){.kind = RA_REG, .reg = SCRATCH};
}

static enum x86_cc emit_test(struct emit *e, struct comparison *c)
{
        bool w = c->w;

        if (c->y.kind == RA_IMM && w && !x86_is_s32(c->y.imm) && !(c->y.imm & (c->y.imm - 1))) {
                if (c->x.kind != RA_REG)
                        x_to_scratch(e, c);
                x86_bt_imm(&e->a, true, c->x.reg, __builtin_ctzll(c->y.imm));
                return c->cond == IR_TSTZ ? CC_AE : CC_B;
        }
        if (imm_fits(&c->y, w)) {
                if (c->x.kind != RA_REG)
                        x_to_scratch(e, c);
                x86_test_imm(&e->a, w, c->x.reg, (int32_t)c->y.imm);
                return cc_of(c->cond);
        }
        if (c->y.kind == RA_IMM || (in_memory(&c->x) && in_memory(&c->y))) {
                emit_opnd_to(e, SCRATCH, &c->y, w);
                c->y = (struct ra_opnd){.kind = RA_REG, .reg = SCRATCH};
        }
        if (c->x.kind == RA_REG && c->y.kind == RA_REG)
                x86_test(&e->a, w, c->x.reg, c->y.reg);
        else if (c->x.kind == RA_REG)
                x86_rm(&e->a, X86_OP(0, 0, 0x85) | x86_w(w), c->x.reg, emit_mem(&c->y));
        else
                x86_rm(&e->a, X86_OP(0, 0, 0x85) | x86_w(w), c->y.reg, emit_mem(&c->x));
        return cc_of(c->cond);
}

/* Emits the comparison; the condition to test. */
static enum x86_cc compare_emit(struct emit *e, struct comparison *c)
{
        bool w = c->w;

        if (c->cond >= IR_TSTZ)
                return emit_test(e, c);
        if (imm_fits(&c->y, w)) {
                int32_t v = (int32_t)c->y.imm;

                if (c->x.kind != RA_REG)
                        x86_alu_mem_imm(&e->a, ALU_CMP, w, emit_mem(&c->x), v);
                else if (!v)
                        x86_test(&e->a, w, c->x.reg, c->x.reg);
                else
                        x86_alu_imm(&e->a, ALU_CMP, w, c->x.reg, v);
                return cc_of(c->cond);
        }
        if (c->y.kind == RA_IMM) {
                x86_mov_imm(&e->a, SCRATCH, c->y.imm);
                c->y = (struct ra_opnd){.kind = RA_REG, .reg = SCRATCH};
        } else if (in_memory(&c->x) && in_memory(&c->y)) {
                x_to_scratch(e, c);
        }
        if (c->x.kind != RA_REG)
                x86_alu_store(&e->a, ALU_CMP, w, emit_mem(&c->x), c->y.reg);
        else
                alu(e, ALU_CMP, w, c->x.reg, &c->y);
        return cc_of(c->cond);
}

enum x86_cc emit_compare(struct emit *e, enum ir_cond cond, bool w, ir_ref x, ir_ref y)
{
        struct comparison c;

        compare_operands(e, &c, cond, w, x, y);
        ra_operands_done(&e->ra);
        return compare_emit(e, &c);
}

void emit_setcc(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        struct comparison c;

        if (emit_is_reader(e, at)) {
                emit_reader_value(e, at);
                return;
        }
        /* The type of a comparison is its operands'. */
        compare_operands(e, &c, i->cond, e->r->ins[i->arg[0]].type == IR_I64, i->arg[0], i->arg[1]);
        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);
        bool apart = !(c.x.kind == RA_REG && c.x.reg == d) && !(c.y.kind == RA_REG && c.y.reg == d);

        if (apart)
                x86_alu(&e->a, ALU_XOR, false, d, d);
        x86_setcc(&e->a, compare_emit(e, &c), d);
        if (!apart)
                x86_rr(&e->a, X86_OP(0, 1, 0xb6) | X86_BYTE_RM, d, d);
        ra_def_done(&e->ra, at);
}

void emit_select(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i), reader = emit_is_reader(e, at);
        struct comparison c = {0};
        struct flag_reader r;

        if (reader) {
                r = emit_reader_operands(e, at);
                c.x = r.of.x;
                c.y = r.of.y;
        } else {
                compare_operands(e, &c, i->cond, e->r->ins[i->arg[0]].type == IR_I64, i->arg[0], i->arg[1]);
        }
        struct ra_opnd t = ra_any(&e->ra, i->arg[2]), f = ra_any(&e->ra, i->arg[3]);

        ra_operands_done(&e->ra);
        enum x86_cc cc = reader ? emit_reader(e, &r) : compare_emit(e, &c);

        /* What was compared is free to go now, unless it is selected too. */
        for (unsigned k = 0; k < 2; k++) {
                unsigned reg = opnd_reg(k ? &c.y : &c.x);

                if (reg != RA_NONE && reg != opnd_reg(&t) && reg != opnd_reg(&f))
                        ra_unlock(&e->ra, reg);
        }
        unsigned d = ra_def(&e->ra, at, opnd_reg(&f), 0);

        if (d >= RA_FPR) {
                struct ra_opnd *first = opnd_reg(&t) == d ? &t : &f, *second = first == &t ? &f : &t;

                if (opnd_reg(first) != d)
                        emit_fp_opnd_to(e, d, first, i->type);
                uint8_t *skip = x86_jcc8(&e->a, first == &t ? cc : cc ^ 1);

                emit_fp_opnd_to(e, d, second, i->type);
                x86_here8(&e->a, skip);
                ra_def_done(&e->ra, at);
                return;
        }
        if (opnd_reg(&t) == d) {
                struct ra_opnd s = t;

                t = f;
                f = s;
                cc ^= 1;
        }
        emit_opnd_to(e, d, &f, w);
        if (t.kind == RA_REG) {
                x86_cmov(&e->a, cc, w, d, t.reg);
        } else if (t.kind == RA_IMM) {
                x86_mov_imm(&e->a, SCRATCH, t.imm);
                x86_cmov(&e->a, cc, w, d, SCRATCH);
        } else {
                x86_rm(&e->a, X86_OP(0, 1, 0x40 | cc) | x86_w(w), d, emit_mem(&t));
        }
        ra_def_done(&e->ra, at);
}

void emit_pcaddr(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        x86_load(&e->a, true, d, HOT(vpage_base));
        if (x86_is_s32(i->imm)) {
                if (i->imm)
                        x86_alu_imm(&e->a, ALU_ADD, true, d, (int32_t)i->imm);
        } else {
                x86_mov_imm(&e->a, SCRATCH, i->imm);
                x86_alu(&e->a, ALU_ADD, true, d, SCRATCH);
        }
        ra_def_done(&e->ra, at);
}

void emit_low_half(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        if (e->ra.val[at].hint || !ra_alias(&e->ra, at, i->arg[0]))
                emit_rm(e, at, i, X86_OP(0, 0, 0x8b));
}

void emit_extend(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const uint32_t ops[] = {
                [IR_OP_sext8] = X86_OP(0, 1, 0xbe) | X86_BYTE_RM, [IR_OP_sext16] = X86_OP(0, 1, 0xbf),
                [IR_OP_sext32] = X86_MOVSXD,
                [IR_OP_zext8] = X86_OP(0, 1, 0xb6) | X86_BYTE_RM, [IR_OP_zext16] = X86_OP(0, 1, 0xb7),
                [IR_OP_zext32] = X86_OP(0, 0, 0x8b),
        };
        bool sign = i->op == IR_OP_sext8 || i->op == IR_OP_sext16;
        const struct ra_val *x = &e->ra.val[i->arg[0]];

        if (i->op == IR_OP_zext32 && x->wide && !x->root && ra_alias(&e->ra, at, i->arg[0]))
                return;
        emit_rm(e, at, i, ops[i->op] | x86_w(sign && wide(i)));
}

bool x86_zeros_above(const struct ir_ins *i)
{
        if (i->type != IR_I32)
                return false;
        switch (i->op) {
        case IR_OP_add: case IR_OP_sub: case IR_OP_and: case IR_OP_or: case IR_OP_xor: case IR_OP_neg:
        case IR_OP_not: case IR_OP_adc: case IR_OP_sbc: case IR_OP_shl: case IR_OP_shru: case IR_OP_shrs:
        case IR_OP_rotl: case IR_OP_rotr: case IR_OP_mul: case IR_OP_zext8: case IR_OP_zext16:
        case IR_OP_sext8: case IR_OP_sext16: case IR_OP_select:
                return true;
        case IR_OP_ld:
                return !i->mem.sign; /* the slow path's value is extended to 64 bits */
        default:
                return false;
        }
}
