/* SPDX-License-Identifier: MIT */
/*
 * Condition flags as values (ir/flags.h): N Z C V are where MRS leaves them, A is bit 8, the low byte is the
 * result's, whose parity is P. Subtractions leave the borrow in C, the host's flag inverted. The plan
 * (backend/flagplan.h) says which flag op leaves its flags in the host's, and who finds them there; most code leaves
 * them alone. Bit fields and sums with carries are here too.
 */
#include "backend/aarch64/emit.h"

#include "ir/flags.h"

enum { BIT_N = 31, BIT_Z = 30, BIT_C = 29, BIT_V = 28, BIT_A = 8 };

static bool wide(const struct ir_ins *i)
{
        return i->type == IR_I64;
}

static void logic_imm(struct emit *e, enum a64_alu op, unsigned d, unsigned n, uint32_t v)
{
        uint32_t bits;

        if (a64_logic_imm_bits(false, v, &bits)) {
                a64_logic_imm(&e->a, op, false, d, n, bits);
                return;
        }
        a64_mov_imm(&e->a, SCRATCH2, v);
        a64_alu(&e->a, op, false, d, n, SCRATCH2);
}

static unsigned bit_of(enum ir_flag f)
{
        switch (f) {
        case IR_FLAG_N:
                return BIT_N;
        case IR_FLAG_Z:
                return BIT_Z;
        case IR_FLAG_C:
                return BIT_C;
        case IR_FLAG_V:
                return BIT_V;
        default:
                return BIT_A;
        }
}

/* ---- what the plan asks ---- */

static bool by_carry(const struct ir_ins *i)
{
        return i->op == IR_OP_fl_fcmp && i->aux & IR_FL_BY_CARRY;
}

static unsigned flag_width(const struct ir_ins *i)
{
        return i->aux & IR_FL_WIDTH;
}

static bool takes_carry(const struct ir_ins *i)
{
        return i->op == IR_OP_fl_adc || i->op == IR_OP_fl_sbc;
}

static bool subtracts(const struct ir_ins *i)
{
        return i->op == IR_OP_fl_sub || i->op == IR_OP_fl_sbc;
}

/* Is C the opposite of what the host's instruction leaves? */
static bool inverts_carry(const struct ir_ins *i)
{
        return i->op == IR_OP_fl_fcmp || subtracts(i) != !!(i->aux & IR_FL_NOT_C);
}

static bool flags_keep(const struct ir_ins *i)
{
        switch (i->op) {
        case IR_OP_nop: case IR_OP_const: case IR_OP_insn: case IR_OP_get: case IR_OP_put: case IR_OP_drop:
        case IR_OP_pcaddr: case IR_OP_add: case IR_OP_sub: case IR_OP_mul: case IR_OP_mulhu: case IR_OP_mulhs:
        case IR_OP_mulhsu: case IR_OP_neg: case IR_OP_not: case IR_OP_and: case IR_OP_or: case IR_OP_xor:
        case IR_OP_andc: case IR_OP_orc: case IR_OP_shl: case IR_OP_shru: case IR_OP_shrs: case IR_OP_rotl:
        case IR_OP_rotr: case IR_OP_clz: case IR_OP_ctz: case IR_OP_popcnt: case IR_OP_bswap: case IR_OP_orcb:
        case IR_OP_sext8: case IR_OP_sext16: case IR_OP_zext8: case IR_OP_zext16: case IR_OP_extu: case IR_OP_exts:
        case IR_OP_insert: case IR_OP_extr: case IR_OP_trunc: case IR_OP_sext32: case IR_OP_zext32:
        case IR_OP_fl_word: case IR_OP_fl_from: case IR_OP_fl_with: case IR_OP_fl_merge:
                return true;
        default:
                return false;
        }
}

/* Equal or unordered takes two conditions of the host. */
static bool takes_two(const struct ir_ins *from, enum ir_flcond cond)
{
        return by_carry(from) && (cond & ~1) == IR_FL_Z;
}

static bool reader_keeps(const struct ir_ins *reader, const struct ir_ins *from, enum ir_flcond cond)
{
        if (reader->op == IR_OP_setcc || reader->op == IR_OP_select || reader->op == IR_OP_fl_test)
                return !takes_two(from, cond);
        return false;
}

static bool flags_tell(const struct ir_region *r, const struct ir_ins *from, enum ir_flcond cond)
{
        if (from->op == IR_OP_fl_fcmp && !emit_fp_native_mode(&r->fp))
                return false; /* done by soft-float */
        if (takes_carry(from) && flag_width(from) < 32)
                return false;
        switch (cond & ~1) {
        case IR_FL_Z: case IR_FL_C:
                return true;
        case IR_FL_P:
                return by_carry(from);
        case IR_FL_LEU:
                return from->op == IR_OP_fl_logic || inverts_carry(from);
        case IR_FL_N: case IR_FL_V: case IR_FL_LTS: case IR_FL_LES:
                return !by_carry(from);
        default:
                return false;
        }
}

static bool flags_pair(const struct ir_region *r, const struct ir_ins *value, const struct ir_ins *flags)
{
        switch (value->op) {
        case IR_OP_add: case IR_OP_sub: case IR_OP_adc: case IR_OP_sbc: case IR_OP_neg:
                return true;
        case IR_OP_and: case IR_OP_andc:
                return flag_width(flags) == (wide(value) ? 64 : 32);
        default:
                return false;
        }
}

const struct flag_target a64_flag_target = {flags_keep, reader_keeps, flags_tell, flags_pair, .words_need_args = true};

/* ---- operands ---- */

void emit_integer_operands(struct emit *e, const struct ir_ins *i, struct flag_operands *o)
{
        o->x = ra_any(&e->ra, i->arg[0]);
        o->y = i->arg[1] ? ra_any(&e->ra, i->arg[1]) : o->x;
}

/* ---- computing flags ---- */

/* Flags of n op m of 8 or 16 bits: as a sum at the top of a word */
static void narrow_sum(struct emit *e, const struct flag_operands *o, bool sub)
{
        unsigned top = 32 - flag_width(o->op);
        unsigned n = emit_opnd(e, &o->x, false, SCRATCH), m;

        a64_shift_imm(&e->a, SH_LSL, false, SCRATCH, n, top);
        m = emit_opnd(e, &o->y, false, SCRATCH2);
        a64_alu_shift(&e->a, sub ? A64_SUBS : A64_ADDS, false, XZR, SCRATCH, m, SH_LSL, top);
}

/* Of an `and` that is done only for its flags, x16 is the result. */
static void logic_flags(struct emit *e, const struct flag_operands *o)
{
        unsigned width = flag_width(o->op), n;
        bool w = width == 64, one = !o->test;
        uint32_t bits;

        n = emit_opnd(e, &o->x, w, SCRATCH);
        if (width < 32) {
                if (!one) {
                        a64_alu(&e->a, A64_AND, false, SCRATCH, n, emit_opnd(e, &o->y, false, SCRATCH2));
                        n = SCRATCH;
                }
                a64_shift_imm(&e->a, SH_LSL, false, SCRATCH2, n, 32 - width);
                a64_alu(&e->a, A64_ANDS, false, XZR, SCRATCH2, SCRATCH2);
        } else if (one) {
                a64_alu(&e->a, A64_ANDS, w, XZR, n, n);
        } else if (o->y.kind == RA_IMM && a64_logic_imm_bits(w, w ? o->y.imm : (uint32_t)o->y.imm, &bits)) {
                a64_logic_imm(&e->a, A64_ANDS, w, SCRATCH, n, bits);
        } else {
                a64_alu(&e->a, A64_ANDS, w, SCRATCH, n, emit_opnd(e, &o->y, w, SCRATCH2));
        }
}

/* The host's flags become those of the op, but for C where it is inverted; adc and sbc find the carry in the host's. */
static void compute(struct emit *e, const struct flag_operands *o)
{
        unsigned width = flag_width(o->op);
        bool w = width == 64, sub = subtracts(o->op);

        if (o->op->op == IR_OP_fl_fcmp) {
                a64_fcmp(&e->a, o->op->aux & IR_FL_SIGNALS, e->r->ins[o->op->arg[0]].type == IR_F64,
                         a64_num(o->x.reg), a64_num(o->y.reg));
        } else if (o->op->op == IR_OP_fl_logic) {
                logic_flags(e, o);
        } else if (width < 32) {
                narrow_sum(e, o, sub);
        } else if (takes_carry(o->op)) {
                unsigned n = emit_opnd(e, &o->x, w, SCRATCH);

                a64_adc(&e->a, sub, true, w, XZR, n, emit_opnd(e, &o->y, w, SCRATCH2));
        } else {
                emit_sum(e, sub ? A64_SUBS : A64_ADDS, w, XZR, &o->x, &o->y);
        }
}

/* ---- readers ---- */

static enum a64_cc cc_of(const struct ir_ins *from, enum ir_flcond cond)
{
        static const uint8_t plain[IR_FLCOND_COUNT / 2] = {CC_EQ, CC_CS, CC_MI, CC_VS, CC_EQ, CC_EQ, CC_EQ, CC_LT, CC_LE};
        static const uint8_t inverted[IR_FLCOND_COUNT / 2] = {CC_EQ, CC_CC, CC_MI, CC_VS, CC_EQ, CC_EQ, CC_LS, CC_LT,
                                                              CC_LE};
        static const uint8_t carry[IR_FLCOND_COUNT / 2] = {CC_NE, CC_LT, CC_EQ, CC_EQ, CC_VS, CC_EQ, CC_LE, CC_EQ, CC_EQ};
        const uint8_t *table = by_carry(from) ? carry : inverts_carry(from) ? inverted : plain;

        return (enum a64_cc)(table[cond / 2] ^ (cond & 1));
}
_Static_assert(IR_FL_Z == 0 && IR_FL_C == 2 && IR_FL_N == 4 && IR_FL_V == 6 && IR_FL_P == 8 && IR_FL_LEU == 12 &&
               IR_FL_LTS == 14 && IR_FL_LES == 16, "cc_of's tables are in this order");

/* x16 = parity of the low byte of f: bit 0 is 1 if it is even */
static void parity(struct emit *e, unsigned f)
{
        a64_alu_shift(&e->a, A64_EOR, false, SCRATCH, f, f, SH_LSR, 4);
        a64_alu_shift(&e->a, A64_EOR, false, SCRATCH, SCRATCH, SCRATCH, SH_LSR, 2);
        a64_alu_shift(&e->a, A64_EON, false, SCRATCH, SCRATCH, SCRATCH, SH_LSR, 1);
}

/* The bit of a word that tells the condition, or -1. */
static int word_bit(enum ir_flcond cond)
{
        switch (cond & ~1) {
        case IR_FL_Z:
                return BIT_Z;
        case IR_FL_C:
                return BIT_C;
        case IR_FL_N:
                return BIT_N;
        case IR_FL_V:
                return BIT_V;
        case IR_FL_A:
                return BIT_A;
        default:
                return -1;
        }
}

/* A condition of the word in register @f; uses x16. */
static enum a64_cc test_word(struct emit *e, unsigned f, enum ir_flcond cond)
{
        int bit = word_bit(cond);

        if (bit >= 0) {
                logic_imm(e, A64_ANDS, XZR, f, 1u << bit);
                return (enum a64_cc)(CC_NE ^ (cond & 1));
        }
        switch (cond & ~1) {
        case IR_FL_P:
                parity(e, f);
                logic_imm(e, A64_ANDS, XZR, SCRATCH, 1);
                return (enum a64_cc)(CC_NE ^ (cond & 1));
        case IR_FL_LEU:
                logic_imm(e, A64_EOR, SCRATCH, f, 1u << BIT_C);
                a64_msr(&e->a, A64_NZCV, SCRATCH);
                return (enum a64_cc)(CC_LS ^ (cond & 1));
        default:
                a64_msr(&e->a, A64_NZCV, f);
                return (enum a64_cc)(((cond & ~1) == IR_FL_LTS ? CC_LT : CC_LE) ^ (cond & 1));
        }
}

enum a64_cc emit_reader(struct emit *e, const struct flag_reader *r)
{
        const struct ir_ins *from = &e->r->ins[r->plan->from];
        enum ir_flcond cond = r->plan->cond;

        if (r->plan->how == FLAG_WORD)
                return test_word(e, r->of.x.reg, cond);
        if (r->plan->how == FLAG_AGAIN)
                compute(e, &r->of);
        if (takes_two(from, cond)) {
                a64_cset(&e->a, CC_EQ, SCRATCH);
                a64_csel(&e->a, A64_CSINC, CC_VC, true, SCRATCH, SCRATCH, XZR);
                a64_arith_imm(&e->a, A64_SUBS, true, XZR, SCRATCH, 0);
        }
        return cc_of(from, cond);
}

uint8_t *emit_reader_branch(struct emit *e, const struct flag_reader *r, bool negate)
{
        enum ir_flcond cond = r->plan->cond ^ negate;
        int bit = word_bit(cond);

        if (r->plan->how == FLAG_WORD && bit >= 0)
                return a64_tbz(&e->a, !(cond & 1), r->of.x.reg, bit);
        return a64_bcc(&e->a, emit_reader(e, r) ^ negate);
}

/* fl_test itself, and setcc of it */
void emit_reader_value(struct emit *e, uint32_t at)
{
        struct flag_reader r = emit_reader_operands(e, at);
        int bit = word_bit(r.plan->cond);

        ra_operands_done(&e->ra);
        if (r.plan->how == FLAG_WORD && bit >= 0) {
                unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

                a64_ubfx(&e->a, false, d, r.of.x.reg, bit, 1);
                if (r.plan->cond & 1)
                        logic_imm(e, A64_EOR, d, d, 1);
        } else {
                enum a64_cc cc = emit_reader(e, &r);

                a64_cset(&e->a, cc, ra_def(&e->ra, at, RA_NONE, 0));
        }
        ra_def_done(&e->ra, at);
}

void emit_fl_test(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        emit_reader_value(e, at);
}

/* ---- carries ---- */

/* A register that holds the carry: 0 or 1; x16, unless it is a value that has one. */
static unsigned carry_value(struct emit *e, const struct flag_carry *c)
{
        if (!c->is_reader)
                return emit_opnd(e, &c->value, true, SCRATCH);
        if (c->reader.plan->how == FLAG_WORD && word_bit(c->reader.plan->cond) >= 0) {
                a64_ubfx(&e->a, false, SCRATCH, c->reader.of.x.reg, BIT_C, 1);
                if (c->reader.plan->cond & 1)
                        logic_imm(e, A64_EOR, SCRATCH, SCRATCH, 1);
        } else {
                a64_cset(&e->a, emit_reader(e, &c->reader), SCRATCH);
        }
        return SCRATCH;
}

/* The host's C becomes 0 or 1, as register @v is, or for a subtraction the opposite. */
static void carry_from(struct emit *e, unsigned v, bool sub)
{
        if (sub || v == XZR)
                a64_alu(&e->a, sub ? A64_SUBS : A64_ADDS, true, XZR, XZR, v);
        else
                a64_arith_imm(&e->a, A64_SUBS, true, XZR, v, 1);
}

/* The host's C becomes the carry, or for a subtraction its opposite, as SBC wants it. */
static void emit_carry(struct emit *e, const struct flag_carry *c, bool sub)
{
        enum a64_cc cc;

        if (!c->is_reader || c->reader.plan->how == FLAG_WORD) {
                carry_from(e, carry_value(e, c), sub);
                return;
        }
        cc = emit_reader(e, &c->reader);
        if (cc == (sub ? CC_CC : CC_CS))
                return;
        a64_cset(&e->a, cc, SCRATCH);
        carry_from(e, SCRATCH, sub);
}

/* ---- ops that make flags ---- */

/* d = the host's flags, C inverted or not; they stay */
static void take_nzcv(struct emit *e, unsigned d, bool invert_c)
{
        a64_mrs(&e->a, d, A64_NZCV);
        if (invert_c)
                logic_imm(e, A64_EOR, d, d, 1u << BIT_C);
}

/* The word's bits for A and the byte that P is of, where the guest looks at them. */
static bool wants(const struct emit *e, enum ir_flag f)
{
        return !(e->r->guest->unread_flags & f);
}

/*
 * A of a sum or difference @r of @n and @m: where bit 4 of it is not what it would be without a carry; and the byte
 * that P is of. Into @d; uses x17.
 */
static void add_pa(struct emit *e, unsigned d, unsigned r, unsigned n, unsigned m)
{
        if (wants(e, IR_FLAG_A)) {
                a64_alu(&e->a, A64_EOR, false, SCRATCH2, n, m);
                a64_alu(&e->a, A64_EOR, false, SCRATCH2, SCRATCH2, r);
                a64_shift_imm(&e->a, SH_LSR, false, SCRATCH2, SCRATCH2, 4);
                a64_bfi(&e->a, false, d, SCRATCH2, BIT_A, 1);
        }
        if (wants(e, IR_FLAG_P))
                a64_bfxil(&e->a, false, d, r, 0, 8);
}

/*
 * The word of n op m op c for 8 or 16 bits, reckoned from the sum of the low bits, @r: its bit @width is the carry or
 * borrow. Before, @r is c, or -c of a difference.
 */
static void narrow_carry_word(struct emit *e, const struct ir_ins *i, unsigned d, unsigned r, unsigned n, unsigned m)
{
        unsigned width = flag_width(i), top = 32 - width;
        uint32_t mask = (1u << width) - 1;
        bool sub = subtracts(i);

        logic_imm(e, A64_AND, SCRATCH, n, mask);
        logic_imm(e, A64_AND, SCRATCH2, m, mask);
        a64_alu(&e->a, sub ? A64_SUB : A64_ADD, false, SCRATCH, SCRATCH, SCRATCH2);
        a64_alu(&e->a, A64_ADD, false, r, r, SCRATCH);
        a64_shift_imm(&e->a, SH_LSL, false, SCRATCH, r, top);
        a64_alu(&e->a, A64_ANDS, false, XZR, SCRATCH, SCRATCH);
        a64_mrs(&e->a, d, A64_NZCV);
        a64_ubfx(&e->a, false, SCRATCH, r, width, 1);
        if (i->aux & IR_FL_NOT_C)
                logic_imm(e, A64_EOR, SCRATCH, SCRATCH, 1);
        a64_bfi(&e->a, false, d, SCRATCH, BIT_C, 1);
        /* V: both operands (of a difference: the first and the complement of the second) differ from r */
        a64_alu(&e->a, A64_EOR, false, SCRATCH, n, r);
        a64_alu(&e->a, sub ? A64_EON : A64_EOR, false, SCRATCH2, m, r);
        a64_alu(&e->a, A64_AND, false, SCRATCH, SCRATCH, SCRATCH2);
        a64_ubfx(&e->a, false, SCRATCH, SCRATCH, width - 1, 1);
        a64_bfi(&e->a, false, d, SCRATCH, BIT_V, 1);
}

/* The word of a sum that was not made already: with the sum itself, of which A and P are. */
static void sum_word(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = flag_width(i) == 64, narrow = flag_width(i) < 32, sub = subtracts(i);
        unsigned n = ra_reg(&e->ra, i->arg[0]), m = ra_reg(&e->ra, i->arg[1]);
        struct flag_carry c;

        if (takes_carry(i))
                c = emit_carry_operands(e, at);
        ra_operands_done(&e->ra);
        ra_set used = RA_BIT(n) | RA_BIT(m);
        unsigned d = ra_def(&e->ra, at, RA_NONE, used), r = ra_temp(&e->ra, false, RA_NONE, used | RA_BIT(d));

        if (takes_carry(i) && narrow) {
                a64_alu(&e->a, sub ? A64_SUB : A64_ADD, false, r, XZR, carry_value(e, &c));
                narrow_carry_word(e, i, d, r, n, m);
        } else if (takes_carry(i)) {
                emit_carry(e, &c, sub);
                a64_adc(&e->a, sub, true, w, r, n, m);
                take_nzcv(e, d, inverts_carry(i));
        } else if (narrow) {
                a64_alu(&e->a, sub ? A64_SUB : A64_ADD, false, r, n, m);
                narrow_sum(e, &(struct flag_operands){.x = {.kind = RA_REG, .reg = n}, .y = {.kind = RA_REG, .reg = m},
                                                      .op = i}, sub);
                take_nzcv(e, d, inverts_carry(i));
        } else {
                a64_alu(&e->a, sub ? A64_SUBS : A64_ADDS, w, r, n, m);
                take_nzcv(e, d, inverts_carry(i));
        }
        add_pa(e, d, r, n, m);
        ra_def_done(&e->ra, at);
}

/* The word of what is in the host's flags; the byte of P is @byte's. */
static void host_word(struct emit *e, uint32_t at, const struct ir_ins *i, unsigned byte)
{
        unsigned d = ra_def(&e->ra, at, RA_NONE, byte == RA_NONE ? 0 : RA_BIT(byte));

        take_nzcv(e, d, inverts_carry(i));
        if (byte != RA_NONE && wants(e, IR_FLAG_P))
                a64_bfxil(&e->a, false, d, byte, 0, 8);
        ra_def_done(&e->ra, at);
}

/* What the host's comparison leaves is the form by sign with C inverted. */
static void fcmp_word(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        if (by_carry(i)) {
                a64_cset(&e->a, CC_LT, SCRATCH); /* less or unordered */
                a64_cset(&e->a, CC_EQ, SCRATCH2);
                a64_csel(&e->a, A64_CSINC, CC_VC, true, SCRATCH2, SCRATCH2, XZR);
                a64_cset(&e->a, CC_VC, d);       /* a byte of odd parity, or 0 if unordered */
                a64_bfi(&e->a, false, d, SCRATCH, BIT_C, 1);
                a64_bfi(&e->a, false, d, SCRATCH2, BIT_Z, 1);
        } else {
                take_nzcv(e, d, true);
                logic_imm(e, A64_ORR, d, d, 1); /* odd parity: P is clear */
        }
        ra_def_done(&e->ra, at);
}

void emit_fl_op(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        const struct flag_plan *plan = &e->ra.plan[at];
        struct flag_operands o = {.op = i};
        bool sum = i->op != IR_OP_fl_logic && i->op != IR_OP_fl_fcmp;
        unsigned byte = RA_NONE;
        struct flag_carry c;

        if (!plan->pair && plan->word && sum) {
                sum_word(e, at, i);
                return;
        }
        if (!plan->pair) {
                emit_flag_operands(e, at, &o);
                if (takes_carry(i))
                        c = emit_carry_operands(e, at);
        }
        if (plan->word && !plan->pair && i->op == IR_OP_fl_logic)
                byte = plan->test ? SCRATCH : ra_reg(&e->ra, i->arg[0]);
        ra_operands_done(&e->ra);
        if (!plan->pair) {
                if (takes_carry(i))
                        emit_carry(e, &c, subtracts(i));
                compute(e, &o);
        }
        if (plan->word && i->op == IR_OP_fl_fcmp)
                fcmp_word(e, at, i);
        else if (plan->word)
                host_word(e, at, i, byte);
}

/* The result of a sum with a carry; with its flags in the host's where they are wanted. */
void emit_carry_sum(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i), sub = i->op == IR_OP_sbc, flags = e->ra.plan && e->ra.plan[at].pair;
        enum a64_alu op = sub ? A64_SUB : A64_ADD;
        unsigned n = ra_reg(&e->ra, i->arg[0]), m = ra_reg(&e->ra, i->arg[1]);
        struct flag_carry c;

        c = emit_carry_operands(e, at);
        ra_operands_done(&e->ra);
        if (!flags && (!c.is_reader || c.reader.plan->how == FLAG_WORD)) {
                unsigned v = carry_value(e, &c), d = ra_def(&e->ra, at, RA_NONE, 0);

                a64_alu(&e->a, op, w, SCRATCH2, n, m);
                a64_alu(&e->a, op, w, d, SCRATCH2, v);
        } else {
                emit_carry(e, &c, sub);
                a64_adc(&e->a, sub, flags, w, ra_def(&e->ra, at, RA_NONE, 0), n, m);
        }
        ra_def_done(&e->ra, at);
}

/* ---- words put together ---- */

void emit_fl_with(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned mask = i->aux & IR_FLAG_ALL, f = ra_reg(&e->ra, i->arg[0]), b = ra_reg(&e->ra, i->arg[1]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, RA_BIT(b));

        if (d != f)
                a64_mov(&e->a, false, d, f);
        for (unsigned k = IR_FLAG_N; k <= IR_FLAG_A; k <<= 1)
                if (mask & k && k != IR_FLAG_P)
                        a64_bfi(&e->a, false, d, b, bit_of((enum ir_flag)k), 1);
        if (mask & IR_FLAG_P) {
                logic_imm(e, A64_EOR, SCRATCH, b, 1);
                a64_bfi(&e->a, false, d, SCRATCH, 0, 8);
        }
        ra_def_done(&e->ra, at);
}

void emit_fl_merge(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        uint32_t bits = ir_flags_bits(i->aux & IR_FLAG_ALL);
        unsigned f = ra_reg(&e->ra, i->arg[0]), g = ra_reg(&e->ra, i->arg[1]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        a64_mov_imm(&e->a, SCRATCH, bits);
        a64_alu(&e->a, A64_AND, false, SCRATCH2, f, SCRATCH);
        a64_alu(&e->a, A64_BIC, false, SCRATCH, g, SCRATCH);
        a64_alu(&e->a, A64_ORR, false, d, SCRATCH, SCRATCH2);
        ra_def_done(&e->ra, at);
}

/* ---- fields, and sums with carries ---- */

void emit_field(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned pos = ir_field_pos(i->aux), len = ir_field_len(i->aux), n = ra_reg(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        a64_bitfield(&e->a, i->op == IR_OP_exts ? A64_SBFM : A64_UBFM, wide(i), ra_def(&e->ra, at, RA_NONE, 0), n, pos,
                     pos + len - 1);
        ra_def_done(&e->ra, at);
}

void emit_insert(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned n = ra_reg(&e->ra, i->arg[0]), m = ra_reg(&e->ra, i->arg[1]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, n, n == m ? 0 : RA_BIT(m));

        if (d != n)
                a64_mov(&e->a, wide(i), d, n);
        a64_bfi(&e->a, wide(i), d, m, ir_field_pos(i->aux), ir_field_len(i->aux));
        ra_def_done(&e->ra, at);
}

void emit_extr(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i);
        unsigned top = w ? 63 : 31, hi = ra_reg(&e->ra, i->arg[0]), lo = ra_reg(&e->ra, i->arg[1]), n = XZR;
        uint64_t k;
        bool known = ra_is_const(&e->ra, i->arg[2], &k);

        if (!known)
                n = ra_reg(&e->ra, i->arg[2]);
        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        if (known) {
                a64_extr(&e->a, w, d, hi, lo, k & top);
        } else {
                /* lo >> n | (hi << 1) << (W - 1 - n) */
                a64_shift(&e->a, SH_LSR, w, SCRATCH, lo, n);
                a64_alu(&e->a, A64_ORN, false, SCRATCH2, XZR, n);
                a64_shift_imm(&e->a, SH_LSL, w, d, hi, 1);
                a64_shift(&e->a, SH_LSL, w, d, d, SCRATCH2);
                a64_alu(&e->a, A64_ORR, w, d, d, SCRATCH);
        }
        ra_def_done(&e->ra, at);
}
