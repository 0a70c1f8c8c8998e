/* SPDX-License-Identifier: MIT */
/*
 * Integer arithmetic, logic, moves and comparisons (Intel SDM volume 2), with LOCK. Flags that the manual
 * leaves undefined stay as they were, or are 0 where the whole set is made anew.
 */
#include "frontend/x86/translate.h"

static unsigned bits(const struct x86_insn *i, unsigned n)
{
        return 8 * i->op[n].size;
}

static ir_ref i64_of(struct x86_tctx *t, ir_ref bit, unsigned size)
{
        return size == 8 ? bit : ir_zext32(t->b, bit);
}

/* ---- add, sub and their kin ---- */

enum alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };

static enum alu alu_of(unsigned id)
{
        switch (id) {
        case X86_ADD: return ALU_ADD;
        case X86_OR: return ALU_OR;
        case X86_ADC: return ALU_ADC;
        case X86_SBB: return ALU_SBB;
        case X86_AND: case X86_TEST: return ALU_AND;
        case X86_SUB: return ALU_SUB;
        case X86_XOR: return ALU_XOR;
        default: return ALU_CMP;
        }
}

/* Result and flags; @carry is for the ops that take it. */
static ir_ref alu(struct x86_tctx *t, enum alu op, unsigned width, ir_ref a, ir_ref b, ir_ref carry,
                  ir_ref *flags)
{
        ir_ref r;

        switch (op) {
        case ALU_ADD:
                r = ir_add(t->b, a, b);
                *flags = ir_fl_add(t->b, width, a, b);
                return r;
        case ALU_ADC:
                r = ir_adc(t->b, a, b, carry);
                *flags = ir_fl_adc(t->b, width, a, b, carry);
                return r;
        case ALU_SBB:
                r = ir_sbc(t->b, a, b, carry);
                *flags = ir_fl_sbc(t->b, width, a, b, carry);
                return r;
        case ALU_SUB:
        case ALU_CMP:
                r = ir_sub(t->b, a, b);
                *flags = ir_fl_sub(t->b, width, a, b);
                return r;
        case ALU_OR:
                r = ir_or(t->b, a, b);
                break;
        case ALU_AND:
                r = ir_and(t->b, a, b);
                break;
        default:
                r = ir_xor(t->b, a, b);
                break;
        }
        *flags = ir_fl_logic(t->b, width, r);
        return r;
}

static struct ir_mem atomic(const struct x86_tctx *t, unsigned size, enum ir_rmw rmw)
{
        struct ir_mem mem = x86_mem(t, size, true);

        mem.acquire = mem.release = mem.atomic = mem.sc = 1;
        mem.rmw = rmw;
        return mem;
}

/* The old value of memory at operand 0, in which @rmw with @v was done. */
static ir_ref locked(struct x86_tctx *t, const struct x86_insn *i, enum ir_rmw rmw, ir_ref v)
{
        unsigned size = i->op[0].size;

        return ir_atomic_rmw(t->b, atomic(t, size, rmw), x86_ea_value(t, i, true), v);
}

/*
 * What no single atomic operation does: @v computed from @old goes to memory if that still holds @old; else
 * the instruction is run again.
 */
static void locked_replace(struct x86_tctx *t, const struct x86_insn *i, ir_ref old, ir_ref v)
{
        unsigned size = i->op[0].size;
        ir_ref found = ir_atomic_cas(t->b, atomic(t, size, IR_RMW_SWAP), x86_ea_value(t, i, true), old, v);
        uint32_t again = ir_block_new(t->b), done = ir_block_new(t->b);

        ir_brcc(t->b, IR_EQ, x86_zext(t, found, size), x86_zext(t, old, size), done, again);
        ir_builder_at(t->b, again);
        ir_exit_jump(t->b, t->pc, true);
        ir_builder_at(t->b, done);
}

static void alu_locked(struct x86_tctx *t, const struct x86_insn *i, enum alu op, ir_ref b, ir_ref carry)
{
        ir_ref old, flags, with = b;
        enum ir_rmw rmw = IR_RMW_ADD;

        switch (op) {
        case ALU_OR: rmw = IR_RMW_OR; break;
        case ALU_AND: rmw = IR_RMW_AND; break;
        case ALU_XOR: rmw = IR_RMW_XOR; break;
        case ALU_SUB: with = ir_neg(t->b, b); break;
        case ALU_ADC: with = ir_add(t->b, b, x86_low(t, carry, i->op[0].size)); break;
        case ALU_SBB: with = ir_neg(t->b, ir_add(t->b, b, x86_low(t, carry, i->op[0].size))); break;
        default: break;
        }
        old = locked(t, i, rmw, with);
        alu(t, op, bits(i, 0), old, b, carry, &flags);
        x86_put_flags(t, flags);
}

bool x86_tr_alu(struct x86_tctx *t, const struct x86_insn *i)
{
        enum alu op = alu_of(i->id);
        ir_ref a, b = x86_get(t, i, 1), r, flags, carry = 0;

        if (op == ALU_ADC || op == ALU_SBB)
                carry = x86_carry(t);
        if (i->lock) {
                alu_locked(t, i, op, b, carry);
                return true;
        }
        a = i->id == X86_CMP || i->id == X86_TEST ? x86_get(t, i, 0) : x86_get_old(t, i, 0);
        r = alu(t, op, bits(i, 0), a, b, carry, &flags);
        if (i->id != X86_CMP && i->id != X86_TEST)
                x86_put(t, i, 0, r);
        x86_put_flags(t, flags);
        return true;
}

bool x86_tr_incdec(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref one = x86_const(t, i->op[0].size, 1), a, r, flags, old = x86_flags(t);
        enum alu op = i->id == X86_INC ? ALU_ADD : ALU_SUB;

        if (i->lock) {
                a = locked(t, i, IR_RMW_ADD, op == ALU_ADD ? one : x86_const(t, i->op[0].size, -1));
                alu(t, op, bits(i, 0), a, one, 0, &flags);
        } else {
                a = x86_get_old(t, i, 0);
                r = alu(t, op, bits(i, 0), a, one, 0, &flags);
                x86_put(t, i, 0, r);
        }
        x86_put_flags(t, ir_fl_merge(t->b, old, flags, IR_FLAG_C));
        return true;
}

bool x86_tr_neg(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref zero = x86_const(t, i->op[0].size, 0), a = x86_get_old(t, i, 0), r, flags;

        r = alu(t, ALU_SUB, bits(i, 0), zero, a, 0, &flags);
        if (i->lock)
                locked_replace(t, i, a, r);
        else
                x86_put(t, i, 0, r);
        x86_put_flags(t, flags);
        return true;
}

bool x86_tr_not(struct x86_tctx *t, const struct x86_insn *i)
{
        if (i->lock)
                locked(t, i, IR_RMW_XOR, x86_const(t, i->op[0].size, -1));
        else
                x86_put(t, i, 0, ir_not(t->b, x86_get_old(t, i, 0)));
        return true;
}

/* ADCX and ADOX: one flag in, the same one out. */
bool x86_tr_adx(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[0].size;
        ir_ref a = x86_get(t, i, 0), b = x86_get(t, i, 1), old = x86_flags(t), in, out;
        bool carry = i->id == X86_ADCX;

        in = ir_fl_test(t->b, carry ? IR_FL_C : IR_FL_V, old);
        out = ir_fl_test(t->b, IR_FL_C, ir_fl_adc(t->b, 8 * size, a, b, in));
        x86_put(t, i, 0, ir_adc(t->b, a, b, in));
        x86_put_flags(t, x86_with(t, old, carry ? IR_FLAG_C : IR_FLAG_V, out));
        return true;
}

/* ---- exchange ---- */

bool x86_tr_xchg(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref a, b = x86_get(t, i, 1);

        if (i->is_mem) {
                /* locked whether or not it says so */
                x86_put(t, i, 1, locked(t, i, IR_RMW_SWAP, b));
                return true;
        }
        a = x86_get(t, i, 0);
        x86_put(t, i, 0, b);
        x86_put(t, i, 1, a);
        return true;
}

bool x86_tr_xadd(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref a, b = x86_get(t, i, 1), r, flags;

        if (i->lock) {
                a = locked(t, i, IR_RMW_ADD, b);
                alu(t, ALU_ADD, bits(i, 0), a, b, 0, &flags);
                x86_put(t, i, 1, a);
        } else {
                a = x86_get_old(t, i, 0);
                r = alu(t, ALU_ADD, bits(i, 0), a, b, 0, &flags);
                if (i->is_mem)
                        x86_put(t, i, 0, r);
                x86_put(t, i, 1, a);
                if (!i->is_mem)
                        x86_put(t, i, 0, r);
        }
        x86_put_flags(t, flags);
        return true;
}

/* Writes a register if an I64 is not 0; else all 64 bits of it stay. */
static void put_if(struct x86_tctx *t, const struct x86_insn *i, ir_ref cond, ir_ref v)
{
        unsigned reg = i->op[0].reg, size = i->op[0].size;
        ir_ref old = x86_gpr(t, reg), all;

        if (size == 8)
                all = v;
        else if (size == 4)
                all = ir_zext32(t->b, v);
        else
                all = ir_insert(t->b, old, ir_zext32(t->b, v), i->op[0].cls == X86_GPR_HIGH ? 8 : 0,
                                8 * size);
        x86_put_gpr(t, reg, ir_select(t->b, IR_NE, cond, x86_c64(t, 0), all, old));
}

bool x86_tr_cmpxchg(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[0].size;
        ir_ref acc = x86_get_reg(t, X86_RAX, size), src = x86_get(t, i, 1), old, flags, equal;

        if (i->lock)
                old = ir_atomic_cas(t->b, atomic(t, size, IR_RMW_SWAP), x86_ea_value(t, i, true), acc, src);
        else
                old = x86_get_old(t, i, 0);
        flags = ir_fl_sub(t->b, 8 * size, acc, old);
        equal = ir_fl_test(t->b, IR_FL_Z, flags);
        if (!i->lock && i->is_mem)
                x86_put(t, i, 0, ir_select(t->b, IR_NE, equal, x86_c64(t, 0), src, old));
        if (!i->is_mem)
                put_if(t, i, equal, src);
        /* where equal, all of rax stays as it was, also its upper half */
        if (i->is_mem || i->op[0].reg != X86_RAX || i->op[0].cls != X86_GPR) {
                ir_ref rax_now = x86_gpr(t, X86_RAX); /* AH may have been the destination */
                ir_ref other = size == 8 ? old : size == 4 ? ir_zext32(t->b, old)
                               : ir_insert(t->b, rax_now, ir_zext32(t->b, old), 0, 8 * size);

                x86_put_gpr(t, X86_RAX, ir_select(t->b, IR_NE, equal, x86_c64(t, 0), rax_now, other));
        }
        x86_put_flags(t, flags);
        return true;
}

/* CMPXCHG8B, on the pair as one 64-bit word. */
bool x86_tr_cmpxchg8b(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref rax = x86_gpr(t, X86_RAX), rdx = x86_gpr(t, X86_RDX), expect, desired, old, equal,
                zero = x86_c64(t, 0);

        expect = ir_insert(t->b, rax, rdx, 32, 32);
        desired = ir_insert(t->b, x86_gpr(t, X86_RBX), x86_gpr(t, X86_RCX), 32, 32);
        old = ir_atomic_cas(t->b, atomic(t, 8, IR_RMW_SWAP), x86_ea_value(t, i, true), expect, desired);
        equal = ir_setcc(t->b, IR_EQ, old, expect);
        x86_put_gpr(t, X86_RAX, ir_select(t->b, IR_NE, equal, zero, rax, ir_extu(t->b, old, 0, 32)));
        x86_put_gpr(t, X86_RDX, ir_select(t->b, IR_NE, equal, zero, rdx, ir_extu(t->b, old, 32, 32)));
        x86_put_flags(t, x86_with(t, x86_flags(t), IR_FLAG_Z, equal));
        return true;
}

bool x86_tr_cmpxchg16b(struct x86_tctx *t, const struct x86_insn *i)
{
        struct ir_mem mem = atomic(t, 16, IR_RMW_SWAP);
        ir_ref rax = x86_gpr(t, X86_RAX), rdx = x86_gpr(t, X86_RDX), zero = x86_c64(t, 0), different, equal;
        ir_ref expect[2] = {rax, rdx}, desired[2] = {x86_gpr(t, X86_RBX), x86_gpr(t, X86_RCX)};

        mem.align = 1;
        x86_demand_aligned(t, x86_ea(t, i));
        ir_atomic_cas16(t->b, mem, x86_ea_value(t, i, true), expect, desired);
        different = ir_or(t->b, ir_xor(t->b, expect[0], rax), ir_xor(t->b, expect[1], rdx));
        equal = ir_setcc(t->b, IR_EQ, different, zero);
        x86_put_gpr(t, X86_RAX, expect[0]);
        x86_put_gpr(t, X86_RDX, expect[1]);
        x86_put_flags(t, x86_with(t, x86_flags(t), IR_FLAG_Z, equal));
        return true;
}

/* ---- moves ---- */

bool x86_tr_mov(struct x86_tctx *t, const struct x86_insn *i)
{
        x86_put(t, i, 0, x86_get(t, i, 1));
        return true;
}

/* MOVZX, MOVSX, MOVSXD: operand 1 is narrower. */
bool x86_tr_movx(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned to = i->op[0].size, from = i->op[1].size;
        ir_ref v = x86_get(t, i, 1);

        if (to == 8)
                v = i->id == X86_MOVZX ? x86_zext64(t, v, from) : x86_sext64(t, v, from);
        else
                v = i->id == X86_MOVZX ? x86_zext(t, v, from) : x86_sext(t, v, from);
        x86_put(t, i, 0, v);
        return true;
}

bool x86_tr_lea(struct x86_tctx *t, const struct x86_insn *i)
{
        x86_put(t, i, 0, x86_low(t, x86_ea_value(t, i, false), i->op[0].size));
        return true;
}

/* An I64 bit as an operand's condition. */
static ir_ref test(struct x86_tctx *t, const struct x86_insn *i)
{
        return ir_fl_test(t->b, x86_cond(i->cond), x86_flags(t));
}

bool x86_tr_setcc(struct x86_tctx *t, const struct x86_insn *i)
{
        x86_put(t, i, 0, ir_trunc(t->b, test(t, i)));
        return true;
}

/* The load is made, and the upper half of a 32-bit destination cleared, whatever the condition. */
bool x86_tr_cmov(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref b = x86_get(t, i, 1), a = x86_get(t, i, 0);

        x86_put(t, i, 0, ir_select(t->b, IR_NE, test(t, i), x86_c64(t, 0), b, a));
        return true;
}

/* CBW, CWDE, CDQE; CWD, CDQ, CQO. */
bool x86_tr_extend(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->os;
        ir_ref v;

        if (i->opcode == 0x98) {
                v = x86_get_reg(t, X86_RAX, size / 2);
                v = size == 8 ? ir_sext32(t->b, v) : x86_sext(t, v, size / 2);
                x86_put_reg(t, X86_RAX, size, v);
                return true;
        }
        v = x86_sext(t, x86_get_reg(t, X86_RAX, size), size);
        x86_put_reg(t, X86_RDX, size, ir_shrs(t->b, v, x86_const(t, size, size == 8 ? 63 : 31)));
        return true;
}

bool x86_tr_bswap(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref v = x86_get(t, i, 0);

        /* of 16 bits: undefined; 0 is what CPUs give */
        x86_put(t, i, 0, i->op[0].size == 2 ? x86_c32(t, 0) : ir_bswap(t->b, v));
        return true;
}

bool x86_tr_movbe(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref v = ir_bswap(t->b, x86_get(t, i, 1));

        if (i->op[0].size == 2)
                v = ir_shru(t->b, v, x86_c32(t, 16));
        x86_put(t, i, 0, v);
        return true;
}

bool x86_tr_xlat(struct x86_tctx *t, const struct x86_insn *i)
{
        struct x86_insn at = *i;
        ir_ref v, al = ir_extu(t->b, x86_gpr(t, X86_RAX), 0, 8);

        at.mem.seg = i->seg == X86_SEG_NONE ? X86_DS : i->seg;
        at.mem.base = at.mem.index = X86_REG_NONE;
        v = ir_add(t->b, x86_gpr(t, X86_RBX), al);
        if (i->as == 4)
                v = ir_zext32(t->b, ir_trunc(t->b, v));
        if (at.mem.seg == X86_FS || at.mem.seg == X86_GS)
                v = ir_add(t->b, v, ir_get(t->b, at.mem.seg == X86_FS ? X86_SLOT_FS_BASE : X86_SLOT_GS_BASE));
        x86_put_reg(t, X86_RAX, 1, x86_load(t, 1, x86_at(v)));
        return true;
}

/* ---- flags by themselves ---- */

bool x86_tr_flag(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref f = x86_flags(t), bit;

        switch (i->id) {
        case X86_CLC: bit = x86_c64(t, 0); break;
        case X86_STC: bit = x86_c64(t, 1); break;
        case X86_CMC: bit = ir_fl_test(t->b, IR_FL_NC, f); break;
        default:
                ir_put(t->b, X86_SLOT_STEP, x86_c64(t, i->id == X86_STD ? -1 : 1));
                return true;
        }
        x86_put_flags(t, x86_with(t, f, IR_FLAG_C, bit));
        return true;
}

static const struct { uint8_t bit, flag, test; } status[] = {
        {0, IR_FLAG_C, IR_FL_C}, {2, IR_FLAG_P, IR_FL_P}, {4, IR_FLAG_A, IR_FL_A}, {6, IR_FLAG_Z, IR_FL_Z},
        {7, IR_FLAG_N, IR_FL_N},
};

bool x86_tr_lahf(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref f = x86_flags(t), v = x86_c64(t, 2), rax = x86_gpr(t, X86_RAX);

        for (unsigned n = 0; n < G_N_ELEMENTS(status); n++) {
                ir_ref bit = ir_fl_test(t->b, (enum ir_flcond)status[n].test, f);

                v = ir_or(t->b, v, ir_shl(t->b, bit, x86_c64(t, status[n].bit)));
        }
        x86_put_gpr(t, X86_RAX, ir_insert(t->b, rax, v, 8, 8));
        return true;
}

bool x86_tr_sahf(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref f = x86_flags(t), rax = x86_gpr(t, X86_RAX);

        for (unsigned n = 0; n < G_N_ELEMENTS(status); n++)
                f = x86_with(t, f, status[n].flag, ir_extu(t->b, rax, 8 + status[n].bit, 1));
        x86_put_flags(t, f);
        return true;
}

/* ---- multiplication and division ---- */

/* CF and OF say whether the upper half is more than the lower one's extension. */
static void mul_flags(struct x86_tctx *t, ir_ref bit)
{
        x86_put_flags(t, x86_with(t, x86_flags(t), IR_FLAG_C | IR_FLAG_V, bit));
}

/* The full product of rAX and operand @n: low and high word, as operands. */
static void product(struct x86_tctx *t, const struct x86_insn *i, unsigned n, ir_ref a, bool is_signed,
                    ir_ref *low,
                    ir_ref *high)
{
        unsigned size = i->op[n].size;
        ir_ref b = x86_get(t, i, n), wide;

        if (size == 8) {
                *low = ir_mul(t->b, a, b);
                *high = is_signed ? ir_mulhs(t->b, a, b) : ir_mulhu(t->b, a, b);
                return;
        }
        if (is_signed)
                wide = ir_mul(t->b, x86_sext64(t, a, size), x86_sext64(t, b, size));
        else
                wide = ir_mul(t->b, x86_zext64(t, a, size), x86_zext64(t, b, size));
        *low = ir_trunc(t->b, wide);
        *high = ir_trunc(t->b, ir_shru(t->b, wide, x86_c64(t, 8 * size)));
}

static ir_ref product_overflow(struct x86_tctx *t, unsigned size, bool is_signed, ir_ref low, ir_ref high)
{
        ir_ref want = x86_const(t, size, 0);

        if (is_signed)
                want = ir_shrs(t->b, x86_sext(t, low, size), x86_const(t, size, size == 8 ? 63 : 31));
        return ir_setcc(t->b, IR_NE, x86_zext(t, high, size), x86_zext(t, want, size));
}

/* MUL, and IMUL with one operand. */
static bool mul_wide(struct x86_tctx *t, const struct x86_insn *i, bool is_signed)
{
        unsigned size = i->op[0].size;
        ir_ref low, high, over;

        product(t, i, 0, x86_get_reg(t, X86_RAX, size), is_signed, &low, &high);
        over = product_overflow(t, size, is_signed, low, high);
        if (size == 1) {
                low = ir_or(t->b, x86_zext(t, low, 1), ir_shl(t->b, high, x86_c32(t, 8)));
                x86_put_reg(t, X86_RAX, 2, low);
        } else {
                x86_put_reg(t, X86_RAX, size, low);
                x86_put_reg(t, X86_RDX, size, high);
        }
        mul_flags(t, over);
        return true;
}

bool x86_tr_mul(struct x86_tctx *t, const struct x86_insn *i)
{
        return mul_wide(t, i, false);
}

bool x86_tr_imul(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned n = i->n_ops == 3 ? 2 : 0;
        ir_ref low, high;

        if (i->n_ops == 1)
                return mul_wide(t, i, true);
        product(t, i, 1, x86_get(t, i, n), true, &low, &high);
        x86_put(t, i, 0, low);
        mul_flags(t, product_overflow(t, i->op[0].size, true, low, high));
        return true;
}

bool x86_tr_mulx(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref low, high;

        product(t, i, 2, x86_get_reg(t, X86_RDX, i->op[2].size), false, &low, &high);
        x86_put(t, i, 1, low);
        x86_put(t, i, 0, high); /* wins if both are one register */
        return true;
}

/* #DE unless the condition holds; goes on in a new block where it does. */
static void check_division(struct x86_tctx *t, enum ir_cond cond, ir_ref x, ir_ref y)
{
        uint32_t ok = ir_block_new(t->b), bad = ir_block_new(t->b);

        ir_brcc(t->b, cond, x, y, ok, bad);
        ir_builder_at(t->b, bad);
        x86_raise_here(t, X86_EXC_DE, 0);
        t->ended = false;
        ir_builder_at(t->b, ok);
}

/* Dividends up to 64 bits. */
static void div_small(struct x86_tctx *t, const struct x86_insn *i, bool is_signed)
{
        unsigned size = i->op[0].size;
        ir_ref d = x86_get(t, i, 0), n, q, r, fits;

        if (size == 1) {
                n = x86_get_reg(t, X86_RAX, 2);
                n = is_signed ? x86_sext64(t, n, 2) : x86_zext64(t, n, 2);
        } else {
                n = ir_insert(t->b, x86_gpr(t, X86_RAX), x86_gpr(t, X86_RDX), 8 * size, 8 * size);
                if (size == 2)
                        n = is_signed ? ir_exts(t->b, n, 0, 32) : ir_extu(t->b, n, 0, 32);
        }
        d = is_signed ? x86_sext64(t, d, size) : x86_zext64(t, d, size);
        check_division(t, IR_NE, d, x86_c64(t, 0));
        q = is_signed ? ir_divs(t->b, n, d) : ir_divu(t->b, n, d);
        r = is_signed ? ir_rems(t->b, n, d) : ir_remu(t->b, n, d);
        fits = is_signed ? ir_exts(t->b, q, 0, 8 * size) : ir_extu(t->b, q, 0, 8 * size);
        check_division(t, IR_EQ, q, fits);
        q = ir_trunc(t->b, q);
        r = ir_trunc(t->b, r);
        if (size == 1) {
                x86_put_reg(t, X86_RAX, 2, ir_or(t->b, x86_zext(t, q, 1), ir_shl(t->b, r, x86_c32(t, 8))));
                return;
        }
        x86_put_reg(t, X86_RAX, size, q);
        x86_put_reg(t, X86_RDX, size, r);
}

/* By a call, except where the upper half is the lower one's extension and the quotient must fit. */
static void div_large(struct x86_tctx *t, const struct x86_insn *i, bool is_signed)
{
        ir_ref d = x86_get(t, i, 0), low = x86_gpr(t, X86_RAX), high = x86_gpr(t, X86_RDX), q;
        ir_ref plain = is_signed ? ir_shrs(t->b, low, x86_c64(t, 63)) : x86_c64(t, 0);
        uint32_t fast = ir_block_new(t->b), fast2 = ir_block_new(t->b), slow = ir_block_new(t->b),
                end = ir_block_new(t->b);

        ir_brcc(t->b, IR_EQ, high, plain, fast, slow);
        ir_builder_at(t->b, fast);
        /* not by 0, nor by -1, which may overflow */
        if (is_signed)
                ir_brcc(t->b, IR_GTU, ir_add(t->b, d, x86_c64(t, 1)), x86_c64(t, 1), fast2, slow);
        else
                ir_brcc(t->b, IR_NE, d, x86_c64(t, 0), fast2, slow);
        ir_builder_at(t->b, fast2);
        q = is_signed ? ir_divs(t->b, low, d) : ir_divu(t->b, low, d);
        x86_put_gpr(t, X86_RAX, q);
        x86_put_gpr(t, X86_RDX, is_signed ? ir_rems(t->b, low, d) : ir_remu(t->b, low, d));
        ir_br(t->b, end);
        ir_builder_at(t->b, slow);
        q = ir_call(t->b, &x86_helper_div, high, low, d, x86_c64(t, is_signed));
        x86_put_gpr(t, X86_RAX, q);
        x86_put_gpr(t, X86_RDX, ir_sub(t->b, low, ir_mul(t->b, q, d)));
        ir_br(t->b, end);
        ir_builder_at(t->b, end);
}

bool x86_tr_div(struct x86_tctx *t, const struct x86_insn *i)
{
        if (i->op[0].size == 8)
                div_large(t, i, i->id == X86_IDIV);
        else
                div_small(t, i, i->id == X86_IDIV);
        return true;
}

/* ---- counting bits ---- */

/* @f with Z of a value and C as said, the rest as it was. */
static void count_flags(struct x86_tctx *t, ir_ref zero, ir_ref carry)
{
        ir_ref f = x86_with(t, x86_flags(t), IR_FLAG_Z, zero);

        x86_put_flags(t, carry ? x86_with(t, f, IR_FLAG_C, carry) : f);
}

bool x86_tr_popcnt(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[0].size;
        ir_ref v = x86_zext(t, x86_get(t, i, 1), size), f = ir_fl_const(t->b, 0);

        x86_put(t, i, 0, ir_popcnt(t->b, v));
        x86_put_flags(t, x86_with(t, f, IR_FLAG_Z, ir_setcc(t->b, IR_EQ, v, x86_const(t, size, 0))));
        return true;
}

bool x86_tr_zcnt(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[0].size;
        ir_ref v = x86_get(t, i, 1), r, zero = x86_const(t, size, 0), carry;

        if (i->id == X86_LZCNT) {
                v = x86_zext(t, v, size);
                r = ir_clz(t->b, v);
                if (size == 2)
                        r = ir_sub(t->b, r, x86_c32(t, 16));
        } else {
                r = ir_ctz(t->b, size == 2 ? ir_or(t->b, v, x86_c32(t, 0x10000)) : v);
                v = x86_zext(t, v, size);
        }
        carry = ir_setcc(t->b, IR_EQ, v, zero);
        x86_put(t, i, 0, r);
        count_flags(t, ir_setcc(t->b, IR_EQ, r, zero), carry);
        return true;
}

/* BSF and BSR of 0 leave the destination as it is, which AMD documents; the upper half, too. */
bool x86_tr_bitscan(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[0].size, reg = i->op[0].reg;
        ir_ref v = x86_zext(t, x86_get(t, i, 1), size), zero = x86_const(t, size, 0), r, old = x86_gpr(t,
                reg);
        ir_ref none = ir_setcc(t->b, IR_EQ, v, zero);

        if (i->id == X86_BSF)
                r = ir_ctz(t->b, v);
        else
                r = ir_sub(t->b, x86_const(t, size, size == 8 ? 63 : 31), ir_clz(t->b, v));
        r = size == 8 ? r : size == 4 ? ir_zext32(t->b, r) : ir_insert(t->b, old, ir_zext32(t->b, r), 0, 16);
        x86_put_gpr(t, reg, ir_select(t->b, IR_NE, none, x86_c64(t, 0), old, r));
        count_flags(t, none, 0);
        return true;
}

bool x86_tr_crc32(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[1].size;
        ir_ref v = x86_zext64(t, x86_get(t, i, 1), size), old = ir_extu(t->b, x86_gpr(t, i->op[0].reg), 0,
                32);

        x86_put_gpr(t, i->op[0].reg, ir_call(t->b, &x86_helper_crc32, old, v, x86_c64(t, size), 0));
        return true;
}

/* ---- BMI ---- */

/* Flags of a logical result, with C as said. */
static void bmi_flags(struct x86_tctx *t, unsigned size, ir_ref r, ir_ref carry)
{
        ir_ref f = ir_fl_logic(t->b, 8 * size, r);

        x86_put_flags(t, carry ? x86_with(t, f, IR_FLAG_C, carry) : f);
}

bool x86_tr_andn(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref r = ir_andc(t->b, x86_get(t, i, 2), x86_get(t, i, 1));

        x86_put(t, i, 0, r);
        bmi_flags(t, i->op[0].size, r, 0);
        return true;
}

bool x86_tr_bls(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[0].size;
        ir_ref v = x86_get(t, i, 1), less = ir_sub(t->b, v, x86_const(t, size, 1)), zero = x86_const(t, size,
                0), r;

        if (i->id == X86_BLSI)
                r = ir_and(t->b, v, ir_neg(t->b, v));
        else
                r = i->id == X86_BLSR ? ir_and(t->b, v, less) : ir_xor(t->b, v, less);
        x86_put(t, i, 0, r);
        bmi_flags(t, size, r, ir_setcc(t->b, i->id == X86_BLSI ? IR_NE : IR_EQ, v, zero));
        return true;
}

/* The low @n bits of @v; all of them from its width on. */
static ir_ref low_bits(struct x86_tctx *t, unsigned size, ir_ref v, ir_ref n)
{
        ir_ref width = x86_const(t, size, 8 * size), one = x86_const(t, size, 1);
        ir_ref mask = ir_sub(t->b, ir_shl(t->b, one, n), one);

        return ir_select(t->b, IR_LTU, n, width, ir_and(t->b, v, mask), v);
}

bool x86_tr_bzhi(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[0].size;
        ir_ref v = x86_get(t, i, 1), n = ir_and(t->b, x86_get(t, i, 2), x86_const(t, size, 0xff)), r;

        r = low_bits(t, size, v, n);
        x86_put(t, i, 0, r);
        bmi_flags(t, size, r, ir_setcc(t->b, IR_GEU, n, x86_const(t, size, 8 * size)));
        return true;
}

bool x86_tr_bextr(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[0].size;
        ir_ref v = x86_get(t, i, 1), c = x86_get(t, i, 2), start, len, r, ff = x86_const(t, size, 0xff);

        start = ir_and(t->b, c, ff);
        len = ir_and(t->b, ir_shru(t->b, c, x86_const(t, size, 8)), ff);
        r = ir_select(t->b, IR_LTU, start, x86_const(t, size, 8 * size), ir_shru(t->b, v, start), x86_const(t,
                size, 0));
        r = low_bits(t, size, r, len);
        x86_put(t, i, 0, r);
        bmi_flags(t, size, r, 0);
        return true;
}

bool x86_tr_pdep(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[0].size;
        ir_ref v = x86_zext64(t, x86_get(t, i, 1), size), mask = x86_zext64(t, x86_get(t, i, 2), size);
        const struct ir_helper *h = i->id == X86_PDEP ? &x86_helper_pdep : &x86_helper_pext;

        x86_put(t, i, 0, x86_low(t, ir_call(t->b, h, v, mask, 0, 0), size));
        return true;
}

/* ---- bit tests ---- */

/*
 * BT and its kin: an index in a register picks a bit of the operand or, of memory, of the string of bits
 * that begins there (SDM volume 2, BT). C alone changes.
 */
bool x86_tr_bt(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[0].size, log2 = size == 8 ? 6 : size == 4 ? 5 : 4;
        bool by_reg = i->op[1].kind == X86_OP_REG, change = i->id != X86_BT;
        ir_ref index = by_reg ? x86_get(t, i, 1) : x86_const(t, size, i->imm[0]), at = 0, mask, v, r;

        if (i->is_mem) {
                at = x86_ea_value(t, i, true);
                if (by_reg) {
                        /*
                         * the offset joins the address before the segment's base, which matters for 32-bit
                         * ones only
                         */
                        ir_ref words = ir_shrs(t->b, x86_sext64(t, index, size), x86_c64(t, log2));
                        ir_ref bytes = ir_shl(t->b, words, x86_c64(t, log2 - 3));

                        at = ir_add(t->b, at, bytes);
                        if (i->as == 4 && i->mem.seg != X86_FS && i->mem.seg != X86_GS)
                                at = ir_zext32(t->b, ir_trunc(t->b, at));
                }
        }
        index = ir_and(t->b, index, x86_const(t, size, 8 * size - 1));
        mask = ir_shl(t->b, x86_const(t, size, 1), index);
        if (i->lock && change) {
                enum ir_rmw rmw = i->id == X86_BTS ? IR_RMW_OR : i->id == X86_BTR ? IR_RMW_AND : IR_RMW_XOR;

                v = ir_atomic_rmw(t->b, atomic(t, size, rmw), at, i->id == X86_BTR ? ir_not(t->b,
                        mask) : mask);
        } else {
                if (i->is_mem) {
                        struct ir_mem mem = x86_mem(t, size, false);

                        mem.for_write = change;
                        v = ir_load(t->b, x86_type(size), mem, at, 0);
                } else {
                        v = x86_get(t, i, 0);
                }
                r = i->id == X86_BTS ? ir_or(t->b, v, mask) : i->id == X86_BTR ? ir_andc(t->b, v, mask)
                    : ir_xor(t->b, v, mask);
                if (change && i->is_mem)
                        x86_store(t, size, x86_at(at), r);
                else if (change)
                        x86_put(t, i, 0, r);
        }
        v = ir_and(t->b, ir_shru(t->b, v, index), x86_const(t, size, 1));
        x86_put_flags(t, x86_with(t, x86_flags(t), IR_FLAG_C, i64_of(t, v, size)));
        return true;
}
