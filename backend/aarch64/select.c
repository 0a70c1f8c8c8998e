/* SPDX-License-Identifier: MIT */
/*
 * Instruction selection for integer ops. A value of type I32 is the low half of its register; the upper half
 * means nothing. Operands that are read for the last time may come straight from the guest state or the frame,
 * through x16 and x17.
 */
#include "backend/aarch64/emit.h"

static bool wide(const struct ir_ins *i)
{
        return i->type == IR_I64;
}

static uint64_t imm_of(const struct ra_opnd *o, bool w)
{
        return w ? o->imm : (uint32_t)o->imm;
}

/* The operand in a register other than the zero register, which many encodings do not have. */
static unsigned opnd_nz(struct emit *e, const struct ra_opnd *o, bool w, unsigned scratch)
{
        if (o->kind == RA_REG && o->reg < RA_FPR)
                return o->reg;
        emit_opnd_to(e, scratch, o, w);
        return scratch;
}

/* ---- addition and logic ---- */

/* op of an addition or subtraction with the immediate @v, if there is one: true if emitted */
static bool arith_imm(struct emit *e, enum a64_alu op, bool w, unsigned d, unsigned n, uint64_t v)
{
        uint64_t minus = w ? -v : (uint32_t)-v;

        if (a64_is_arith_imm(v)) {
                a64_arith_imm(&e->a, op, w, d, n, (uint32_t)v);
        } else if (a64_is_arith_imm(minus)) {
                a64_arith_imm(&e->a, (enum a64_alu)(op ^ A64_ADD ^ A64_SUB), w, d, n, (uint32_t)minus);
        } else {
                return false;
        }
        return true;
}

void emit_add_imm(struct emit *e, bool w, unsigned d, unsigned n, int64_t imm)
{
        uint64_t v = w ? (uint64_t)imm : (uint32_t)imm;

        if (!v && d == n)
                return;
        if (arith_imm(e, A64_ADD, w, d, n, v))
                return;
        if (v < 1 << 24) {
                a64_arith_imm(&e->a, A64_ADD, w, d, n, v & 0xfff000);
                a64_arith_imm(&e->a, A64_ADD, w, d, d, v & 0xfff);
                return;
        }
        emit_const(e, SCRATCH2, v);
        a64_alu(&e->a, A64_ADD, w, d, n, SCRATCH2);
}

void emit_sum(struct emit *e, enum a64_alu op, bool w, unsigned d, const struct ra_opnd *x, const struct ra_opnd *y)
{
        unsigned n;

        if (y->kind == RA_IMM) {
                n = opnd_nz(e, x, w, SCRATCH);
                if (arith_imm(e, op, w, d, n, imm_of(y, w)))
                        return;
        } else {
                n = emit_opnd(e, x, w, SCRATCH);
        }
        a64_alu(&e->a, op, w, d, n, emit_opnd(e, y, w, SCRATCH2));
}

static enum a64_alu with_flags(enum a64_alu op)
{
        switch (op) {
        case A64_ADD:
                return A64_ADDS;
        case A64_SUB:
                return A64_SUBS;
        case A64_AND:
                return A64_ANDS;
        default:
                return A64_BICS;
        }
}

void emit_alu(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const uint32_t ops[] = {
                [IR_OP_add] = A64_ADD, [IR_OP_sub] = A64_SUB, [IR_OP_and] = A64_AND, [IR_OP_or] = A64_ORR,
                [IR_OP_xor] = A64_EOR, [IR_OP_andc] = A64_BIC, [IR_OP_orc] = A64_ORN,
        };
        enum a64_alu op = (enum a64_alu)ops[i->op];
        ir_ref x = i->arg[0], y = i->arg[1], flags = e->ra.plan ? e->ra.plan[at].pair : 0;
        bool w = wide(i), arith = op == A64_ADD || op == A64_SUB;
        uint32_t bits;
        uint64_t k;

        if (op != A64_SUB && op != A64_BIC && op != A64_ORN && ra_is_const(&e->ra, x, &k)) {
                x = i->arg[1];
                y = i->arg[0];
        }
        struct ra_opnd a = ra_any(&e->ra, x), b = ra_any(&e->ra, y);

        if (flags && op == A64_ADD && e->r->ins[flags].op == IR_OP_fl_sub) {
                op = A64_SUB; /* x + -c whose flags are those of x - c */
                b = (struct ra_opnd){.kind = RA_IMM, .imm = e->r->ins[e->r->ins[flags].arg[1]].imm};
        }
        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);
        bool inverted = op == A64_BIC || op == A64_ORN;

        if (flags)
                op = with_flags(op);
        if (arith) {
                emit_sum(e, op, w, d, &a, &b);
        } else if (b.kind == RA_IMM && a64_logic_imm_bits(w, inverted ? (w ? ~b.imm : (uint32_t)~b.imm) : imm_of(&b, w), &bits)) {
                a64_logic_imm(&e->a, op, w, d, opnd_nz(e, &a, w, SCRATCH), bits);
        } else {
                unsigned n = emit_opnd(e, &a, w, SCRATCH), m = emit_opnd(e, &b, w, SCRATCH2);

                a64_alu(&e->a, op, w, d, n, m);
        }
        ra_def_done(&e->ra, at);
}

void emit_unary(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i);
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0), n = emit_opnd(e, &a, w, SCRATCH);

        switch ((enum ir_op)i->op) {
        case IR_OP_neg:
                a64_alu(&e->a, e->ra.plan && e->ra.plan[at].pair ? A64_SUBS : A64_SUB, w, d, XZR, n);
                break;
        case IR_OP_not:
                a64_alu(&e->a, A64_ORN, w, d, XZR, n);
                break;
        default:
                a64_rev(&e->a, w, d, n);
                break;
        }
        ra_def_done(&e->ra, at);
}

void emit_count_zeros(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i);
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0), n = emit_opnd(e, &a, w, SCRATCH);

        if (i->op == IR_OP_ctz) {
                a64_rr(&e->a, A64_RBIT | a64_sf(w), SCRATCH, n);
                n = SCRATCH;
        }
        a64_rr(&e->a, A64_CLZ | a64_sf(w), d, n);
        ra_def_done(&e->ra, at);
}

/* What the vector unit does byte by byte: popcnt and orcb */
void emit_bytes(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i);
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        a64_fmov_from_gpr(&e->a, w, FSCRATCH, emit_opnd(e, &a, w, SCRATCH));
        if (i->op == IR_OP_popcnt) {
                a64_rr(&e->a, A64_CNT, FSCRATCH, FSCRATCH);
                a64_rr(&e->a, A64_ADDV, FSCRATCH, FSCRATCH);
        } else {
                a64_rrr(&e->a, A64_CMTST, FSCRATCH, FSCRATCH, FSCRATCH);
        }
        a64_fmov_to_gpr(&e->a, w, d, FSCRATCH);
        ra_def_done(&e->ra, at);
}

/* ---- shifts ---- */

void emit_shift(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const uint8_t kinds[] = {SH_LSL, SH_LSR, SH_ASR, SH_ROR, SH_ROR};
        bool w = wide(i), left = i->op == IR_OP_rotl;
        enum a64_shift sh = (enum a64_shift)kinds[i->op - IR_OP_shl];
        unsigned top = w ? 63 : 31;
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]), b = ra_any(&e->ra, i->arg[1]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0), n = emit_opnd(e, &a, w, SCRATCH);

        if (b.kind == RA_IMM) {
                unsigned amount = (left ? -b.imm : b.imm) & top;

                if (amount)
                        a64_shift_imm(&e->a, sh, w, d, n, amount);
                else
                        a64_mov(&e->a, w, d, n);
        } else {
                unsigned m = emit_opnd(e, &b, w, SCRATCH2);

                if (left) {
                        a64_alu(&e->a, A64_SUB, false, SCRATCH2, XZR, m);
                        m = SCRATCH2;
                }
                a64_shift(&e->a, sh, w, d, n, m);
        }
        ra_def_done(&e->ra, at);
}

_Static_assert(IR_OP_shru == IR_OP_shl + 1 && IR_OP_shrs == IR_OP_shl + 2 && IR_OP_rotl == IR_OP_shl + 3 &&
               IR_OP_rotr == IR_OP_shl + 4, "emit_shift counts from shl");

/* ---- multiplication and division ---- */

void emit_mul(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i);
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]), b = ra_any(&e->ra, i->arg[1]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);
        unsigned n = emit_opnd(e, &a, w, SCRATCH), m = emit_opnd(e, &b, w, SCRATCH2);

        a64_rrrr(&e->a, A64_MADD | a64_sf(w), d, n, m, XZR);
        ra_def_done(&e->ra, at);
}

void emit_mul_high(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i);
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]), b = ra_any(&e->ra, i->arg[1]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);
        unsigned n = emit_opnd(e, &a, w, SCRATCH), m = emit_opnd(e, &b, w, SCRATCH2);

        if (!w && i->op == IR_OP_mulhsu) {
                a64_sbfx(&e->a, true, SCRATCH, n, 0, 32);
                a64_mov(&e->a, false, SCRATCH2, m);
                a64_rrrr(&e->a, A64_MADD | a64_sf(true), d, SCRATCH, SCRATCH2, XZR);
                a64_shift_imm(&e->a, SH_LSR, true, d, d, 32);
        } else if (!w) {
                a64_rrrr(&e->a, i->op == IR_OP_mulhs ? A64_SMADDL : A64_UMADDL, d, n, m, XZR);
                a64_shift_imm(&e->a, SH_LSR, true, d, d, 32);
        } else if (i->op == IR_OP_mulhsu) {
                /* less b if a is negative */
                unsigned t = n == SCRATCH ? ra_temp(&e->ra, false, RA_NONE, RA_BIT(d)) : SCRATCH;

                a64_alu_shift(&e->a, A64_AND, true, t, m, n, SH_ASR, 63);
                a64_rrr(&e->a, A64_UMULH, d, n, m);
                a64_alu(&e->a, A64_SUB, true, d, d, t);
        } else {
                a64_rrr(&e->a, i->op == IR_OP_mulhs ? A64_SMULH : A64_UMULH, d, n, m);
        }
        ra_def_done(&e->ra, at);
}

/*
 * The host's quotient for a divisor of 0 is 0, and for the minimum by -1 the minimum. So a remainder, dividend
 * less quotient times divisor, is right by itself.
 */
void emit_div(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i), is_signed = i->op == IR_OP_divs || i->op == IR_OP_rems;
        uint32_t op = (is_signed ? A64_SDIV : A64_UDIV) | a64_sf(w);
        uint64_t k = 0;
        bool known = ra_is_const(&e->ra, i->arg[1], &k) && (w ? k : (uint32_t)k);
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]);
        unsigned m = ra_reg(&e->ra, i->arg[1]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0), n = emit_opnd(e, &a, w, SCRATCH);

        if (i->op == IR_OP_remu || i->op == IR_OP_rems) {
                a64_rrr(&e->a, op, SCRATCH2, n, m);
                a64_rrrr(&e->a, A64_MSUB | a64_sf(w), d, SCRATCH2, m, n);
        } else if (known) {
                a64_rrr(&e->a, op, d, n, m);
        } else {
                a64_arith_imm(&e->a, A64_SUBS, w, XZR, m, 0);
                a64_rrr(&e->a, op, d, n, m);
                a64_csel(&e->a, A64_CSINV, CC_NE, w, d, d, XZR);
        }
        ra_def_done(&e->ra, at);
}

/* ---- comparison ---- */

static enum a64_cc cc_of(enum ir_cond c)
{
        static const uint8_t cc[IR_COND_COUNT] = {
                [IR_EQ] = CC_EQ, [IR_NE] = CC_NE, [IR_LTU] = CC_CC, [IR_GEU] = CC_CS, [IR_LTS] = CC_LT,
                [IR_GES] = CC_GE, [IR_LEU] = CC_LS, [IR_GTU] = CC_HI, [IR_LES] = CC_LE, [IR_GTS] = CC_GT,
                [IR_TSTZ] = CC_EQ, [IR_TSTNZ] = CC_NE,
        };
        return (enum a64_cc)cc[c];
}

/* Emits the comparison; the condition to test. */
static enum a64_cc compare_emit(struct emit *e, struct comparison *c)
{
        bool w = c->w;
        unsigned n = opnd_nz(e, &c->x, w, SCRATCH);
        uint32_t bits;

        if (c->y.kind == RA_IMM) {
                uint64_t v = imm_of(&c->y, w);

                if (c->cond >= IR_TSTZ && a64_logic_imm_bits(w, v, &bits)) {
                        a64_logic_imm(&e->a, A64_ANDS, w, XZR, n, bits);
                        return cc_of(c->cond);
                }
                if (c->cond < IR_TSTZ && arith_imm(e, A64_SUBS, w, XZR, n, v))
                        return cc_of(c->cond);
        }
        a64_alu(&e->a, c->cond >= IR_TSTZ ? A64_ANDS : A64_SUBS, w, XZR, n, emit_opnd(e, &c->y, w, SCRATCH2));
        return cc_of(c->cond);
}

enum a64_cc emit_compare(struct emit *e, enum ir_cond cond, bool w, ir_ref x, ir_ref y)
{
        struct comparison c;

        emit_comparison(e, &c, cond, w, x, y);
        ra_operands_done(&e->ra);
        return compare_emit(e, &c);
}

uint8_t *emit_compare_branch(struct emit *e, enum ir_cond cond, bool w, ir_ref x, ir_ref y)
{
        struct comparison c;
        uint64_t v;

        emit_comparison(e, &c, cond, w, x, y);
        ra_operands_done(&e->ra);
        if (c.y.kind != RA_IMM)
                return a64_bcc(&e->a, compare_emit(e, &c));
        v = imm_of(&c.y, w);
        if (!v && (c.cond == IR_EQ || c.cond == IR_NE))
                return a64_cbz(&e->a, c.cond == IR_NE, w, opnd_nz(e, &c.x, w, SCRATCH));
        if (!v && (c.cond == IR_LTS || c.cond == IR_GES))
                return a64_tbz(&e->a, c.cond == IR_LTS, opnd_nz(e, &c.x, w, SCRATCH), w ? 63 : 31);
        if (c.cond >= IR_TSTZ && v && !(v & (v - 1)))
                return a64_tbz(&e->a, c.cond == IR_TSTNZ, opnd_nz(e, &c.x, w, SCRATCH), __builtin_ctzll(v));
        return a64_bcc(&e->a, compare_emit(e, &c));
}

void emit_setcc(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        if (emit_is_reader(e, at)) {
                emit_reader_value(e, at);
                return;
        }
        /* The type of a comparison is its operands'. */
        enum a64_cc cc = emit_compare(e, (enum ir_cond)i->cond, e->r->ins[i->arg[0]].type == IR_I64, i->arg[0],
                                      i->arg[1]);

        a64_cset(&e->a, cc, ra_def(&e->ra, at, RA_NONE, 0));
        ra_def_done(&e->ra, at);
}

/* A float operand where it is, or in @scratch */
static unsigned fp_opnd(struct emit *e, const struct ra_opnd *o, enum ir_type type, unsigned scratch)
{
        if (o->kind == RA_REG && o->reg >= RA_FPR)
                return a64_num(o->reg);
        emit_fp_opnd_to(e, RA_FPR + scratch, o, type);
        return scratch;
}

void emit_select(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i), reader = emit_is_reader(e, at);
        struct comparison c;
        struct flag_reader r;

        if (reader)
                r = emit_reader_operands(e, at);
        else
                emit_comparison(e, &c, (enum ir_cond)i->cond, e->r->ins[i->arg[0]].type == IR_I64, i->arg[0],
                                 i->arg[1]);
        struct ra_opnd t = ra_any(&e->ra, i->arg[2]), f = ra_any(&e->ra, i->arg[3]);

        ra_operands_done(&e->ra);
        enum a64_cc cc = reader ? emit_reader(e, &r) : compare_emit(e, &c);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        if (i->type == IR_V128) {
                bool swap = t.kind == RA_REG && t.reg == d;
                uint8_t *skip;

                emit_fp_opnd_to(e, d, swap ? &t : &f, i->type);
                skip = a64_bcc(&e->a, swap ? cc : cc ^ 1);
                emit_fp_opnd_to(e, d, swap ? &f : &t, i->type);
                a64_here(&e->a, skip);
        } else if (d >= RA_FPR) {
                unsigned n = fp_opnd(e, &t, i->type, FSCRATCH), m = fp_opnd(e, &f, i->type, FSCRATCH2);

                a64_fcsel(&e->a, cc, is_wide(i->type), a64_num(d), n, m);
        } else {
                unsigned n = emit_opnd(e, &t, w, SCRATCH), m = emit_opnd(e, &f, w, SCRATCH2);

                a64_csel(&e->a, A64_CSEL, cc, w, d, n, m);
        }
        ra_def_done(&e->ra, at);
}

void emit_pcaddr(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        a64_ldr(&e->a, true, d, HOT(vpage_base));
        emit_add_imm(e, true, d, d, i->imm);
        ra_def_done(&e->ra, at);
}

void emit_low_half(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        if (!e->ra.val[at].hint && ra_alias(&e->ra, at, i->arg[0]))
                return;
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        if (i->op == IR_OP_trunc)
                a64_mov(&e->a, false, d, emit_opnd(e, &a, true, SCRATCH));
        else
                emit_opnd_to(e, d, &a, false);
        ra_def_done(&e->ra, at);
}

/* As ubfm and sbfm with position 0 */
void emit_extend(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const uint8_t bits[] = {[IR_OP_sext8] = 8, [IR_OP_sext16] = 16, [IR_OP_sext32] = 32,
                                       [IR_OP_zext8] = 8, [IR_OP_zext16] = 16, [IR_OP_zext32] = 32};
        bool sign = i->op == IR_OP_sext8 || i->op == IR_OP_sext16 || i->op == IR_OP_sext32;
        bool w = sign ? wide(i) : i->op == IR_OP_zext32;
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);
        unsigned n = emit_opnd(e, &a, e->r->ins[i->arg[0]].type == IR_I64, SCRATCH);

        a64_rr(&e->a, (sign ? A64_SBFM : A64_UBFM) | a64_sf(w) | (uint32_t)w << 22 | (bits[i->op] - 1u) << 10, d, n);
        ra_def_done(&e->ra, at);
}
