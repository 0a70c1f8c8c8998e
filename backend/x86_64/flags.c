/* SPDX-License-Identifier: MIT */
/*
 * Condition flags, and integer ops with fields or carries. The plan (backend/flagplan.h) says which flag
 * op leaves its flags in the host's, and who finds them there: between the two stands nothing but moves. A
 * word of flags is what `lahf; seto al` leaves in ax, which leaves the host's flags alone, too.
 *
 * The borrow of a subtraction is the carry flag of the host, so C needs work only for IR_FL_NOT_C: cmc,
 * after which the host's flags are the op's. and, or, xor leave A as 0 on all processors, though the
 * manual leaves it undefined.
 */
#include "backend/x86_64/emit.h"

#include "base/bits.h"
#include "ir/eval_flags.h"
#include "ir/flags.h"

static bool wide(const struct ir_ins *i)
{
        return i->type == IR_I64;
}

static bool is_fcmp_by_sign(const struct ir_ins *i)
{
        return i->op == IR_OP_fl_fcmp && !(i->aux & IR_FL_BY_CARRY);
}

/* ---- what the plan asks ---- */

static bool flags_keep(const struct ir_ins *i)
{
        switch (i->op) {
        case IR_OP_nop: case IR_OP_const: case IR_OP_insn: case IR_OP_get: case IR_OP_put: case IR_OP_drop:
        case IR_OP_trunc:
        case IR_OP_sext32: case IR_OP_zext32: case IR_OP_sext8: case IR_OP_sext16: case IR_OP_zext8:
        case IR_OP_zext16: case IR_OP_not: case IR_OP_bswap: case IR_OP_fl_word: case IR_OP_fl_from:
                return true;
        case IR_OP_insert: /* a move of a byte or two */
                return i->aux == ir_field(0, 8) || i->aux == ir_field(0, 16);
        default:
                return false;
        }
}

static bool reader_keeps(const struct ir_ins *reader, const struct ir_ins *from, enum ir_flcond cond)
{
        if (reader->op == IR_OP_setcc || reader->op == IR_OP_select || reader->op == IR_OP_fl_test)
                return !(is_fcmp_by_sign(from) && (cond & ~1) == IR_FL_Z);
        return false;
}

/* Of comis, greater sets nothing, less C, equal Z, unordered Z, P and C. */
static bool fcmp_tells(const struct ir_ins *from, enum ir_flcond cond)
{
        switch (cond & ~1) {
        case IR_FL_Z: case IR_FL_LES: return true;
        case IR_FL_C: case IR_FL_P: case IR_FL_LEU: return !is_fcmp_by_sign(from);
        case IR_FL_V: case IR_FL_LTS: return is_fcmp_by_sign(from);
        default: return false;
        }
}

static bool flags_tell(const struct ir_region *r, const struct ir_ins *from, enum ir_flcond cond)
{
        if (from->op == IR_OP_fl_fcmp && r->fp.flush_in)
                return false; /* done by soft-float */
        return from->op == IR_OP_fl_fcmp ? fcmp_tells(from, cond) : (cond & ~1) != IR_FL_A;
}

/* Constants that and, or and xor have other instructions for, which leave no flags. */
static bool odd_constant(const struct ir_ins *i)
{
        return i->op == IR_OP_const && (i->imm == -1 || i->imm == 0xffffffff);
}

static bool flags_pair(const struct ir_region *r, const struct ir_ins *value, const struct ir_ins *flags)
{

        switch (value->op) {
        case IR_OP_add: case IR_OP_sub: case IR_OP_adc: case IR_OP_sbc: case IR_OP_neg:
                return true;
        case IR_OP_and: case IR_OP_xor: case IR_OP_or:
                if ((flags->aux & IR_FL_WIDTH) != (wide(value) ? 64 : 32))
                        return false;
                return !odd_constant(&r->ins[value->arg[0]]) && !odd_constant(&r->ins[value->arg[1]]);
        default:
                return false;
        }
}

const struct flag_target x86_flag_target = {flags_keep, reader_keeps, flags_tell, flags_pair};

/* ---- operands ---- */

static bool big_imm(const struct ra_opnd *o)
{
        return o->kind == RA_IMM && !x86_is_s32(o->imm);
}

static bool in_memory(const struct ra_opnd *o)
{
        return o->kind == RA_IN_STATE || o->kind == RA_IN_FRAME;
}

static unsigned flag_width(const struct ir_ins *i)
{
        return i->op == IR_OP_fl_fcmp ? 64 : i->aux & IR_FL_WIDTH;
}

/* At most one in memory, and no immediate that does not fit. */
void emit_integer_operands(struct emit *e, const struct ir_ins *i, struct flag_operands *o)
{
        o->x = ra_any(&e->ra, i->arg[0]);
        if (!i->arg[1]) {
                if (o->x.kind != RA_REG)
                        o->x = emit_in_register(e, i->arg[0]);
                o->y = o->x;
                return;
        }
        o->y = ra_any(&e->ra, i->arg[1]);
        if (big_imm(&o->y))
                o->y = emit_in_register(e, i->arg[1]);
        if (big_imm(&o->x) || (in_memory(&o->x) && in_memory(&o->y)))
                o->x = emit_in_register(e, i->arg[0]);
}

/* ---- computing flags ---- */

/* op dst, o of 8 to 64 bits; for and, test */
static void sized_alu(struct emit *e, enum x86_alu op, unsigned width, unsigned dst, const struct ra_opnd *o)
{
        bool test = op == ALU_AND;
        uint32_t rr = (test ? 0x84 : op << 3 | 2) | (width > 8), size = width == 16 ? X86_OP(0x66, 0, 0) : 0;

        size |= width == 8 ? X86_BYTE_REG | X86_BYTE_RM : x86_w(width == 64);
        if (o->kind == RA_REG) {
                x86_rr(&e->a, X86_OP(0, 0, rr) | size, dst, o->reg);
        } else if (o->kind != RA_IMM) {
                x86_rm(&e->a, X86_OP(0, 0, rr) | size, dst, emit_mem(o));
        } else {
                int32_t v = width == 8 ? (int8_t)o->imm : width == 16 ? (int16_t)o->imm : (int32_t)o->imm;
                bool s8 = !test && x86_is_s8(v);
                unsigned opcode = test ? 0xf6 | (width > 8) : width == 8 ? 0x80 : s8 ? 0x83 : 0x81;

                x86_rr(&e->a, X86_OP(0, 0, opcode) | (size & ~X86_BYTE_REG), test ? 0 : op, dst);
                if (width == 8 || s8) {
                        asm_u8(&e->a, v);
                } else if (width == 16) {
                        asm_u8(&e->a, v);
                        asm_u8(&e->a, v >> 8);
                } else {
                        asm_u32(&e->a, v);
                }
        }
}

static void compare_floats(struct emit *e, const struct flag_operands *o)
{
        bool f64 = (o->op->aux & 15) == IR_F64;

        if (o->op->aux & IR_FL_SIGNALS)
                x86_comis(&e->a, f64, x86_num(o->x.reg), x86_num(o->y.reg));
        else
                x86_ucomis(&e->a, f64, x86_num(o->x.reg), x86_num(o->y.reg));
}

/* Of what is compared or tested, the first operand must be a register. */
static unsigned first_register(struct emit *e, const struct flag_operands *o)
{
        if (o->x.kind == RA_REG)
                return o->x.reg;
        emit_opnd_to(e, SCRATCH, &o->x, flag_width(o->op) == 64);
        return SCRATCH;
}

/*
 * The host's flags become those of the op but for IR_FL_NOT_C; adc and sbc find the carry in the host's.
 * @need is which flags matter.
 */
static void compute(struct emit *e, const struct flag_operands *o, unsigned need)
{
        static const uint8_t alu[] = {[0] = ALU_ADD, [1] = ALU_CMP, [2] = ALU_ADC, [3] = ALU_SBB};
        unsigned width = flag_width(o->op);
        struct ra_opnd x = o->x;

        switch (o->op->op) {
        case IR_OP_fl_fcmp:
                compare_floats(e, o);
                return;
        case IR_OP_fl_logic:
                sized_alu(e, ALU_AND, width, first_register(e, o), &o->y);
                return;
        case IR_OP_fl_sub:
                if (o->y.kind == RA_IMM && !o->y.imm && !(need & IR_FLAG_A)) {
                        x.reg = first_register(e, o);
                        x.kind = RA_REG;
                        sized_alu(e, ALU_AND, width, x.reg, &x);
                } else {
                        sized_alu(e, ALU_CMP, width, first_register(e, o), &o->y);
                }
                return;
        default:
                emit_opnd_to(e, SCRATCH, &o->x, width == 64);
                sized_alu(e, alu[o->op->op - IR_OP_fl_add], width, SCRATCH, &o->y);
                return;
        }
}

static void invert_carry(struct emit *e)
{
        asm_u8(&e->a, 0xf5); /* cmc */
}

static void finish_carry(struct emit *e, const struct ir_ins *i, unsigned need)
{
        if (i->op != IR_OP_fl_fcmp && (i->aux & IR_FL_NOT_C) && (need & IR_FLAG_C))
                invert_carry(e);
}

/* ---- readers ---- */

static enum x86_cc cc_of(const struct ir_ins *from, enum ir_flcond cond)
{
        static const uint8_t cc[IR_FLCOND_COUNT / 2] = {CC_E, CC_B, CC_S, CC_O, CC_P, CC_O, CC_BE, CC_L, CC_LE};
        static const uint8_t by_sign[IR_FLCOND_COUNT / 2] = {CC_E, CC_B, CC_B, CC_P, CC_P, CC_B, CC_B, CC_B, CC_BE};
        static const uint8_t by_carry[IR_FLCOND_COUNT / 2] = {CC_E, CC_B, CC_B, CC_B, CC_P, CC_B, CC_BE, CC_B, CC_E};
        const uint8_t *table = from->op != IR_OP_fl_fcmp ? cc : is_fcmp_by_sign(from) ? by_sign : by_carry;

        return (enum x86_cc)(table[cond / 2] ^ (cond & 1));
}

/* A condition of the word in register @o; uses r11. */
static enum x86_cc test_word(struct emit *e, const struct ra_opnd *o, enum ir_flcond cond)
{
        enum x86_cc yes = (enum x86_cc)(CC_NE ^ (cond & 1));

        if (cond < IR_FL_LTS) {
                x86_test_imm(&e->a, false, o->reg, ir_flags_bits(ir_flcond_reads(cond)));
                return yes;
        }
        /* N on V. There is no other register to use: one that is free here may be what the reader chooses from. */
        emit_opnd_to(e, SCRATCH, o, false);
        if (cond >= IR_FL_LES)
                x86_alu_imm(&e->a, ALU_AND, false, SCRATCH, IR_WORD_N);
        x86_shift_imm(&e->a, SH_SHR, false, SCRATCH, __builtin_ctz(IR_WORD_N));
        x86_alu(&e->a, ALU_XOR, false, SCRATCH, o->reg);
        x86_test_imm(&e->a, false, SCRATCH, cond < IR_FL_LES ? IR_WORD_V : IR_WORD_V | IR_WORD_Z);
        return yes;
}

enum x86_cc emit_reader(struct emit *e, const struct flag_reader *r)
{
        const struct ir_ins *from = &e->r->ins[r->plan->from];
        enum ir_flcond cond = r->plan->cond;

        if (r->plan->how == FLAG_WORD)
                return test_word(e, &r->of.x, cond);
        if (r->plan->how == FLAG_AGAIN) {
                compute(e, &r->of, ir_flcond_reads(cond));
                finish_carry(e, from, ir_flcond_reads(cond));
        }
        if (is_fcmp_by_sign(from) && (cond & ~1) == IR_FL_Z) {
                /* Equal is Z without C: 0 + 0. */
                x86_setcc(&e->a, CC_NE, SCRATCH);
                x86_rr(&e->a, X86_OP(0, 0, 0x80) | X86_BYTE_RM, ALU_ADC, SCRATCH);
                asm_u8(&e->a, 0);
        }
        return cc_of(from, cond);
}

/* ---- carries ---- */

/* The host's carry becomes the operand. */
static void emit_carry(struct emit *e, const struct flag_carry *c)
{
        const struct flag_plan *plan = c->reader.plan;

        if (!c->is_reader) {
                if (c->value.kind == RA_IMM) {
                        asm_u8(&e->a, c->value.imm & 1 ? 0xf9 : 0xf8); /* stc, clc */
                } else if (c->value.kind == RA_REG) {
                        x86_bt_imm(&e->a, false, c->value.reg, 0);
                } else {
                        emit_opnd_to(e, SCRATCH, &c->value, false);
                        x86_bt_imm(&e->a, false, SCRATCH, 0);
                }
                return;
        }
        if (plan->how == FLAG_WORD)
                x86_bt_imm(&e->a, false, c->reader.of.x.reg, __builtin_ctz(IR_WORD_C));
        else
                emit_reader(e, &c->reader);
        if (plan->cond == IR_FL_NC)
                invert_carry(e);
}

/* ---- ops that make flags ---- */

/* The word of the host's flags, which stay. */
static void materialise(struct emit *e, uint32_t at)
{
        ra_take(&e->ra, RA_BIT(RAX));
        asm_u8(&e->a, 0x9f); /* lahf */
        x86_setcc(&e->a, CC_O, RAX);
        unsigned d = ra_def(&e->ra, at, RAX, 0);

        if (d != RAX)
                x86_mov(&e->a, false, d, RAX);
        ra_def_done(&e->ra, at);
}

static void materialise_fcmp(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        static const struct {
                uint8_t cc;
                int8_t relation;
        } rows[] = {{CC_B, -1}, {CC_E, 0}, {CC_P, 2}};
        unsigned d;

        if (!is_fcmp_by_sign(i)) {
                materialise(e, at); /* overflow and sign are clear */
                return;
        }
        d = ra_def(&e->ra, at, RA_NONE, 0);
        x86_mov_imm(&e->a, d, ir_flags_fcmp(false, 1));
        for (size_t k = 0; k < G_N_ELEMENTS(rows); k++) {
                x86_mov_imm(&e->a, SCRATCH, ir_flags_fcmp(false, rows[k].relation));
                x86_cmov(&e->a, rows[k].cc, false, d, SCRATCH);
        }
        ra_def_done(&e->ra, at);
}

void emit_fl_op(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        const struct flag_plan *plan = &e->ra.plan[at];
        bool carries = i->op == IR_OP_fl_adc || i->op == IR_OP_fl_sbc;
        struct flag_operands o = {.op = i};
        struct flag_carry c;

        if (!plan->pair) {
                emit_flag_operands(e, at, &o);
                if (carries)
                        c = emit_carry_operands(e, at);
        }
        ra_operands_done(&e->ra);
        if (!plan->pair) {
                if (carries)
                        emit_carry(e, &c);
                compute(e, &o, plan->need);
        }
        finish_carry(e, i, plan->need);
        if (plan->word && i->op == IR_OP_fl_fcmp)
                materialise_fcmp(e, at, i);
        else if (plan->word)
                materialise(e, at);
}

/* The result of a sum with a carry; its flags are in the host's. */
void emit_carry_sum(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i), adc = i->op == IR_OP_adc;
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]), b = ra_any(&e->ra, i->arg[1]);
        struct flag_carry c;
        unsigned d;

        if (big_imm(&b))
                b = emit_in_register(e, i->arg[1]);
        c = emit_carry_operands(e, at);
        ra_operands_done(&e->ra);
        d = ra_def(&e->ra, at, a.kind == RA_REG ? a.reg : RA_NONE, 0);
        emit_carry(e, &c);
        if (b.kind == RA_REG && b.reg == d && !(a.kind == RA_REG && a.reg == d)) {
                emit_opnd_to(e, SCRATCH, &a, w);
                sized_alu(e, adc ? ALU_ADC : ALU_SBB, w ? 64 : 32, SCRATCH, &b);
                x86_mov(&e->a, w, d, SCRATCH);
        } else {
                emit_opnd_to(e, d, &a, w);
                sized_alu(e, adc ? ALU_ADC : ALU_SBB, w ? 64 : 32, d, &b);
        }
        ra_def_done(&e->ra, at);
}

/* fl_test itself, and setcc of it */
void emit_reader_value(struct emit *e, uint32_t at)
{
        struct flag_reader r = emit_reader_operands(e, at);

        ra_operands_done(&e->ra);
        enum x86_cc cc = emit_reader(e, &r);
        unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

        x86_setcc(&e->a, cc, d);
        x86_rr(&e->a, X86_OP(0, 1, 0xb6) | X86_BYTE_RM, d, d);
        ra_def_done(&e->ra, at);
}

void emit_fl_test(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        emit_reader_value(e, at);
}

/* ---- words put together ---- */

void emit_fl_with(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        uint32_t bits = ir_flags_bits(i->aux);
        struct ra_opnd f = ra_any(&e->ra, i->arg[0]), b = ra_any(&e->ra, i->arg[1]);

        ra_operands_done(&e->ra);
        emit_opnd_to(e, SCRATCH, &b, false); /* before the result may take its register */
        unsigned d = ra_def(&e->ra, at, f.kind == RA_REG ? f.reg : RA_NONE, 0);

        if (bits & (bits - 1)) {
                x86_unary(&e->a, UN_NEG, false, SCRATCH);
                x86_alu_imm(&e->a, ALU_AND, false, SCRATCH, bits);
        } else if (bits > 1) {
                x86_shift_imm(&e->a, SH_SHL, false, SCRATCH, __builtin_ctz(bits));
        }
        emit_opnd_to(e, d, &f, false);
        x86_alu_imm(&e->a, ALU_AND, false, d, ~bits);
        if (bits)
                x86_alu(&e->a, ALU_OR, false, d, SCRATCH);
        ra_def_done(&e->ra, at);
}

void emit_fl_merge(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        struct ra_opnd f = ra_any(&e->ra, i->arg[0]), g = ra_any(&e->ra, i->arg[1]);

        ra_operands_done(&e->ra);
        emit_opnd_to(e, SCRATCH, &f, false);
        unsigned d = ra_def(&e->ra, at, g.kind == RA_REG ? g.reg : RA_NONE, 0);

        emit_opnd_to(e, d, &g, false);
        x86_alu(&e->a, ALU_XOR, false, SCRATCH, d);
        x86_alu_imm(&e->a, ALU_AND, false, SCRATCH, ir_flags_bits(i->aux));
        x86_alu(&e->a, ALU_XOR, false, d, SCRATCH);
        ra_def_done(&e->ra, at);
}

/* ---- fields ---- */

void emit_field(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i), sign = i->op == IR_OP_exts;
        unsigned full = w ? 64 : 32, pos = ir_field_pos(i->aux), len = ir_field_len(i->aux);
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, a.kind == RA_REG ? a.reg : RA_NONE, 0);

        emit_opnd_to(e, d, &a, w);
        if (!sign && (len < 32 || pos + len == full)) {
                if (pos)
                        x86_shift_imm(&e->a, SH_SHR, w, d, pos);
                if (len == 8 || len == 16)
                        x86_rr(&e->a, len == 8 ? X86_OP(0, 1, 0xb6) | X86_BYTE_RM : X86_OP(0, 1, 0xb7), d, d);
                else if (pos + len < full)
                        x86_alu_imm(&e->a, ALU_AND, false, d, bits_mask(len));
        } else {
                if (pos + len < full)
                        x86_shift_imm(&e->a, SH_SHL, w, d, full - pos - len);
                if (len < full)
                        x86_shift_imm(&e->a, sign ? SH_SAR : SH_SHR, w, d, full - len);
        }
        ra_def_done(&e->ra, at);
}

/* The low 8 or 16 bits of @d become those of @o. */
static void low_part(struct emit *e, unsigned len, unsigned d, const struct ra_opnd *o)
{
        uint32_t op = len == 8 ? X86_OP(0, 0, 0x8a) | X86_BYTE_REG | X86_BYTE_RM : X86_OP(0x66, 0, 0x8b);

        if (o->kind == RA_REG) {
                x86_rr(&e->a, op, d, o->reg);
        } else if (o->kind == RA_IMM) {
                x86_rr(&e->a, len == 8 ? X86_OP(0, 0, 0xc6) | X86_BYTE_RM : X86_OP(0x66, 0, 0xc7), 0, d);
                asm_u8(&e->a, o->imm);
                if (len == 16)
                        asm_u8(&e->a, o->imm >> 8);
        } else {
                x86_rm(&e->a, op, d, emit_mem(o));
        }
}

void emit_insert(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i);
        unsigned full = w ? 64 : 32, pos = ir_field_pos(i->aux), len = ir_field_len(i->aux);
        bool part = len == 8 || len == 16;
        uint64_t mask = bits_mask(len) << pos;
        struct ra_opnd a = ra_any(&e->ra, i->arg[0]), b = ra_any(&e->ra, i->arg[1]);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, a.kind == RA_REG ? a.reg : RA_NONE, 0);

        if (!part || (b.kind == RA_REG && b.reg == d)) {
                emit_opnd_to(e, SCRATCH, &b, w);
                b = (struct ra_opnd){.kind = RA_REG, .reg = SCRATCH};
        }
        emit_opnd_to(e, d, &a, w);
        if (len == full) {
                x86_mov(&e->a, w, d, SCRATCH);
        } else if (part) {
                if (pos)
                        x86_shift_imm(&e->a, SH_ROR, w, d, pos);
                low_part(e, len, d, &b);
                if (pos)
                        x86_shift_imm(&e->a, SH_ROL, w, d, pos);
        } else {
                x86_shift_imm(&e->a, SH_SHL, w, SCRATCH, full - len);
                if (pos + len < full)
                        x86_shift_imm(&e->a, SH_SHR, w, SCRATCH, full - len - pos);
                if (!w || x86_is_s32(~mask)) {
                        x86_alu_imm(&e->a, ALU_AND, w, d, (int32_t)~mask);
                } else {
                        if (pos)
                                x86_shift_imm(&e->a, SH_ROR, true, d, pos);
                        x86_shift_imm(&e->a, SH_SHR, true, d, len);
                        x86_shift_imm(&e->a, SH_SHL, true, d, len);
                        if (pos)
                                x86_shift_imm(&e->a, SH_ROL, true, d, pos);
                }
                x86_alu(&e->a, ALU_OR, w, d, SCRATCH);
        }
        ra_def_done(&e->ra, at);
}

/* shrd, by a constant or cl */
void emit_extr(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool w = wide(i);
        unsigned hi = ra_reg(&e->ra, i->arg[0]), d;
        struct ra_opnd lo = ra_any(&e->ra, i->arg[1]), n = ra_any(&e->ra, i->arg[2]);

        ra_operands_done(&e->ra);
        emit_opnd_to(e, SCRATCH, &lo, w);
        if (n.kind == RA_IMM) {
                if (n.imm & (w ? 63 : 31)) {
                        x86_rr(&e->a, X86_OP(0, 1, 0xac) | x86_w(w), hi, SCRATCH);
                        asm_u8(&e->a, n.imm & (w ? 63 : 31));
                }
                d = ra_def(&e->ra, at, lo.kind == RA_REG ? lo.reg : RA_NONE, 0);
        } else {
                e->ra.locked |= RA_BIT(hi);
                ra_take(&e->ra, RA_BIT(RCX));
                if (hi == RCX) {
                        hi = ra_temp(&e->ra, false, RA_NONE, n.kind == RA_REG ? RA_BIT(n.reg) : 0);
                        x86_mov(&e->a, w, hi, RCX);
                }
                emit_opnd_to(e, RCX, &n, false);
                x86_rr(&e->a, X86_OP(0, 1, 0xad) | x86_w(w), hi, SCRATCH);
                d = ra_def(&e->ra, at, RCX, 0);
        }
        x86_mov(&e->a, w, d, SCRATCH);
        ra_def_done(&e->ra, at);
}
