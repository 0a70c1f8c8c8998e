/* SPDX-License-Identifier: MIT */
/*
 * The stack, jumps, calls, and string instructions (Intel SDM volume 2). A repeated string instruction is
 * one iteration at a time: it jumps to itself while the count, which is in rCX, is not used up, so that
 * interrupts, faults and snapshots find all of its progress in registers.
 */
#include "frontend/x86/translate.h"

/* ---- stack ---- */

static void push(struct x86_tctx *t, unsigned size, ir_ref v)
{
        ir_ref rsp = x86_gpr(t, X86_RSP);

        x86_store(t, size, (struct x86_place){rsp, -(int32_t)size}, v);
        x86_put_gpr(t, X86_RSP, ir_sub(t->b, rsp, x86_c64(t, size)));
}

bool x86_tr_push(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref v;

        if (i->op[0].kind == X86_OP_REG && i->op[0].cls == X86_SEG) {
                v = ir_call(t->b, &x86_helper_get_seg, x86_c64(t, i->op[0].reg), 0, 0, 0);
                push(t, i->os, x86_low(t, v, i->os));
                return true;
        }
        push(t, i->os, x86_get(t, i, 0));
        return true;
}

bool x86_tr_pop(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref rsp = x86_gpr(t, X86_RSP), next = ir_add(t->b, rsp, x86_c64(t, i->os)), v = x86_load(t, i->os,
                x86_at(rsp));

        if (i->op[0].kind == X86_OP_REG && i->op[0].cls == X86_SEG) {
                ir_call(t->b, &x86_helper_set_seg, x86_c64(t, i->op[0].reg), x86_zext64(t, v, 2), 0, 0);
                x86_put_gpr(t, X86_RSP, next);
                x86_exit(t, IR_EXIT_LOOKUP);
                return true;
        }
        if (i->is_mem) {
                /* an address made of rSP sees it incremented */
                struct x86_place p = x86_ea(t, i);

                if (i->mem.base == X86_RSP)
                        p.imm += i->os;
                x86_store(t, i->os, p, v);
                x86_put_gpr(t, X86_RSP, next);
                return true;
        }
        x86_put_gpr(t, X86_RSP, next);
        x86_put(t, i, 0, v);
        return true;
}

bool x86_tr_pushf(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref v = ir_call(t->b, &x86_helper_rflags, 0, 0, 0, 0);

        /* VM and RF are 0 in the image */
        v = ir_and(t->b, v, x86_c64(t, ~(int64_t)(X86_FL_VM | X86_FL_RF)));
        push(t, i->os, x86_low(t, v, i->os));
        return true;
}

bool x86_tr_popf(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref rsp = x86_gpr(t, X86_RSP), v = x86_zext64(t, x86_load(t, i->os, x86_at(rsp)), i->os), changed;
        uint32_t lookup = ir_block_new(t->b), on = ir_block_new(t->b);

        changed = ir_call(t->b, &x86_helper_popf, v, x86_c64(t, i->os), 0, 0);
        x86_put_gpr(t, X86_RSP, ir_add(t->b, rsp, x86_c64(t, i->os)));
        ir_brcc(t->b, IR_NE, changed, x86_c64(t, 0), lookup, on);
        ir_builder_at(t->b, lookup);
        ir_exit(t->b, IR_EXIT_LOOKUP, t->next);
        ir_builder_at(t->b, on);
        return true;
}

bool x86_tr_leave(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref rbp = x86_gpr(t, X86_RBP), v = x86_load(t, i->os, x86_at(rbp));

        x86_put_gpr(t, X86_RSP, ir_add(t->b, rbp, x86_c64(t, i->os)));
        x86_put_reg(t, X86_RBP, i->os, v);
        return true;
}

bool x86_tr_enter(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->os, level = i->imm[1] & 31;
        ir_ref rsp = x86_gpr(t, X86_RSP), rbp = x86_gpr(t, X86_RBP), frame = ir_sub(t->b, rsp, x86_c64(t,
                size));
        struct ir_mem probe = x86_mem(t, size, false);
        int32_t at = -(int32_t)size;

        x86_store(t, size, (struct x86_place){rsp, at}, x86_low(t, rbp, size));
        for (unsigned n = 1; n < level; n++) {
                ir_ref v = x86_load(t, size, (struct x86_place){rbp, -(int32_t)(n * size)});

                at -= size;
                x86_store(t, size, (struct x86_place){rsp, at}, v);
        }
        if (level) {
                at -= size;
                x86_store(t, size, (struct x86_place){rsp, at}, x86_low(t, frame, size));
        }
        /* a store at the final stack pointer would have to work */
        probe.for_write = 1;
        at -= i->imm[0] & 0xffff;
        ir_load(t->b, x86_type(size), probe, rsp, at);
        x86_put_reg(t, X86_RBP, size, x86_low(t, frame, size));
        x86_put_gpr(t, X86_RSP, ir_add(t->b, rsp, x86_c64(t, at)));
        return true;
}

/* ---- jumps ---- */

bool x86_tr_jmp(struct x86_tctx *t, const struct x86_insn *i)
{
        if (i->op[0].kind == X86_OP_REL)
                x86_jump(t, t->next + i->imm[0]);
        else
                x86_jump_indirect(t, IR_JUMP_PLAIN, x86_get(t, i, 0));
        return true;
}

bool x86_tr_call(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref target = i->op[0].kind == X86_OP_REL ? 0 : x86_get(t, i, 0);

        push(t, 8, ir_pcaddr(t->b, t->next));
        ir_ret_push(t->b, t->next);
        if (target)
                x86_jump_indirect(t, IR_JUMP_CALL, target);
        else
                x86_jump(t, t->next + i->imm[0]);
        return true;
}

bool x86_tr_ret(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref rsp = x86_gpr(t, X86_RSP), target = x86_load(t, 8, x86_at(rsp));

        x86_put_gpr(t, X86_RSP, ir_add(t->b, rsp, x86_c64(t, 8 + (i->n_ops ? i->imm[0] : 0))));
        x86_jump_indirect(t, IR_JUMP_RETURN, target);
        return true;
}

/* After a branch to @taken or @next: what those lead to. */
static bool branch_ends(struct x86_tctx *t, const struct x86_insn *i, uint32_t taken, uint32_t next)
{
        x86_block_fill(t, taken, t->next + i->imm[0]);
        x86_block_fill(t, next, t->next);
        t->ended = true;
        return true;
}

bool x86_tr_jcc(struct x86_tctx *t, const struct x86_insn *i)
{
        uint32_t taken = x86_block_to(t, t->next + i->imm[0]), next = x86_block_to(t, t->next);

        ir_fl_br(t->b, x86_cond(i->cond), x86_flags(t), taken, next);
        return branch_ends(t, i, taken, next);
}

/* JCXZ by address size; LOOP counts by it, too. */
bool x86_tr_jcxz(struct x86_tctx *t, const struct x86_insn *i)
{
        uint32_t taken = x86_block_to(t, t->next + i->imm[0]), next = x86_block_to(t, t->next);
        ir_ref v = x86_get_reg(t, X86_RCX, i->as);

        ir_brcc(t->b, IR_EQ, v, x86_const(t, i->as, 0), taken, next);
        return branch_ends(t, i, taken, next);
}

bool x86_tr_loop(struct x86_tctx *t, const struct x86_insn *i)
{
        uint32_t taken = x86_block_to(t, t->next + i->imm[0]), next = x86_block_to(t, t->next);
        ir_ref v = ir_sub(t->b, x86_get_reg(t, X86_RCX, i->as), x86_const(t, i->as, 1));
        ir_ref go = ir_setcc(t->b, IR_NE, v, x86_const(t, i->as, 0));

        if (i->id != X86_LOOP)
                go = ir_and(t->b, go, ir_fl_test(t->b, i->id == X86_LOOPE ? IR_FL_Z : IR_FL_NZ,
                                                 x86_flags(t)));
        x86_put_reg(t, X86_RCX, i->as, v);
        ir_brcc(t->b, IR_NE, go, x86_c64(t, 0), taken, next);
        return branch_ends(t, i, taken, next);
}

/* ---- strings ---- */

static ir_ref source(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref a = x86_gpr(t, X86_RSI);

        if (i->as == 4)
                a = ir_zext32(t->b, ir_trunc(t->b, a));
        if (i->mem.seg == X86_FS)
                return ir_add(t->b, ir_get(t->b, X86_SLOT_FS_BASE), a);
        if (i->mem.seg == X86_GS)
                return ir_add(t->b, ir_get(t->b, X86_SLOT_GS_BASE), a);
        return a;
}

static ir_ref dest(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref a = x86_gpr(t, X86_RDI);

        return i->as == 4 ? ir_zext32(t->b, ir_trunc(t->b, a)) : a;
}

static void put_advanced(struct x86_tctx *t, const struct x86_insn *i, unsigned reg, ir_ref by)
{
        ir_ref v = ir_add(t->b, x86_gpr(t, reg), by);

        x86_put_reg(t, reg, i->as, x86_low(t, v, i->as));
}

/* Moves rSI or rDI to the next element, up or down. */
static void advance(struct x86_tctx *t, const struct x86_insn *i, unsigned reg, unsigned size)
{
        ir_ref step = ir_get(t->b, X86_SLOT_STEP);

        if (size > 1)
                step = ir_shl(t->b, step, x86_c64(t, size == 8 ? 3 : size == 4 ? 2 : 1));
        put_advanced(t, i, reg, step);
}

static bool is_repeated(const struct x86_insn *i)
{
        return i->repe || i->repne;
}

/* Before an iteration: with a count of 0 there is none. */
static void rep_begin(struct x86_tctx *t, const struct x86_insn *i)
{
        uint32_t none = ir_block_new(t->b), one = ir_block_new(t->b);

        if (!is_repeated(i))
                return;
        ir_brcc(t->b, IR_EQ, x86_get_reg(t, X86_RCX, i->as), x86_const(t, i->as, 0), none, one);
        ir_builder_at(t->b, none);
        ir_exit_jump(t->b, t->next, false);
        ir_builder_at(t->b, one);
}

/*
 * After one: counts it, and begins anew or goes on. @stop: 0, or an I64 that is not 0 when a comparison ends
 * it.
 */
static void rep_end(struct x86_tctx *t, const struct x86_insn *i, ir_ref by, ir_ref stop)
{
        uint32_t again = ir_block_new(t->b), end = ir_block_new(t->b);
        ir_ref left, zero = x86_c64(t, 0);

        if (!is_repeated(i))
                return;
        left = ir_sub(t->b, x86_get_reg(t, X86_RCX, i->as), x86_low(t, by, i->as));
        x86_put_reg(t, X86_RCX, i->as, left);
        left = i->as == 8 ? left : ir_zext32(t->b, left);
        if (stop)
                left = ir_select(t->b, IR_NE, stop, zero, zero, left);
        ir_brcc(t->b, IR_NE, left, zero, again, end);
        ir_builder_at(t->b, again);
        x86_again(t);
        ir_builder_at(t->b, end);
        ir_exit_jump(t->b, t->next, false);
        t->ended = true;
}

/*
 * REP MOVS and STOS upwards take 16 bytes at a time where that cannot be told from one after the other:
 * enough are left, the pieces lie within their pages (so that a fault comes before any of it), and the
 * destination does not begin inside the piece to be read.
 */
static void rep_chunks(struct x86_tctx *t, const struct x86_insn *i, unsigned size, ir_ref value)
{
        unsigned log2 = size == 8 ? 3 : size == 4 ? 2 : size == 2 ? 1 : 0;
        ir_ref rcx = x86_gpr(t, X86_RCX), rsi = x86_gpr(t, X86_RSI), rdi = x86_gpr(t, X86_RDI), v, fits;
        ir_ref last = x86_c64(t, GUEST_PAGE_SIZE - 16), in_page = x86_c64(t, GUEST_PAGE_SIZE - 1),
                bytes = x86_c64(t, 16);
        uint32_t wide = ir_block_new(t->b), narrow = ir_block_new(t->b);
        struct ir_mem load = x86_mem(t, 16, false), store = x86_mem(t, 16, true);

        fits = ir_setcc(t->b, IR_GEU, rcx, x86_c64(t, 16 >> log2));
        fits = ir_and(t->b, fits, ir_setcc(t->b, IR_EQ, ir_get(t->b, X86_SLOT_STEP), x86_c64(t, 1)));
        fits = ir_and(t->b, fits, ir_setcc(t->b, IR_LEU, ir_and(t->b, rdi, in_page), last));
        if (!value) {
                fits = ir_and(t->b, fits, ir_setcc(t->b, IR_LEU, ir_and(t->b, rsi, in_page), last));
                fits = ir_and(t->b, fits, ir_setcc(t->b, IR_GEU, ir_sub(t->b, rdi, rsi), bytes));
        }
        ir_brcc(t->b, IR_NE, fits, x86_c64(t, 0), wide, narrow);
        ir_builder_at(t->b, wide);
        if (value)
                v = ir_vdup(t->b, size == 8 ? IR_X64 : size == 4 ? IR_X32 : size == 2 ? IR_X16 : IR_X8,
                            value);
        else
                v = ir_load(t->b, IR_V128, load, rsi, 0);
        ir_store(t->b, store, rdi, 0, v);
        if (!value)
                put_advanced(t, i, X86_RSI, bytes);
        put_advanced(t, i, X86_RDI, bytes);
        rep_end(t, i, x86_c64(t, 16 >> log2), 0);
        t->ended = false;
        ir_builder_at(t->b, narrow);
}

static bool chunks_help(const struct x86_tctx *t, const struct x86_insn *i)
{
        return is_repeated(i) && i->as == 8 && !t->req->stepping && i->mem.seg != X86_FS && i->mem.seg != X86_GS &&
               !(t->mode & (X86_MODE_AC | X86_MODE_TF));
}

bool x86_tr_movs(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[0].size;
        ir_ref v;

        rep_begin(t, i);
        if (chunks_help(t, i))
                rep_chunks(t, i, size, 0);
        v = x86_load(t, size, x86_at(source(t, i)));
        x86_store(t, size, x86_at(dest(t, i)), v);
        advance(t, i, X86_RSI, size);
        advance(t, i, X86_RDI, size);
        rep_end(t, i, x86_c64(t, 1), 0);
        return true;
}

bool x86_tr_stos(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[0].size;

        rep_begin(t, i);
        if (chunks_help(t, i))
                rep_chunks(t, i, size, x86_get_reg(t, X86_RAX, size));
        x86_store(t, size, x86_at(dest(t, i)), x86_get_reg(t, X86_RAX, size));
        advance(t, i, X86_RDI, size);
        rep_end(t, i, x86_c64(t, 1), 0);
        return true;
}

bool x86_tr_lods(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[1].size;
        ir_ref v;

        rep_begin(t, i);
        v = x86_load(t, size, x86_at(source(t, i)));
        advance(t, i, X86_RSI, size);
        x86_put_reg(t, X86_RAX, size, v);
        rep_end(t, i, x86_c64(t, 1), 0);
        return true;
}

/* CMPS compares the source with the destination, SCAS the accumulator. REPE stops where they differ. */
bool x86_tr_cmps(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[0].size;
        ir_ref a, b, f, stop;

        rep_begin(t, i);
        a = i->id == X86_CMPS ? x86_load(t, size, x86_at(source(t, i))) : x86_get_reg(t, X86_RAX, size);
        b = x86_load(t, size, x86_at(dest(t, i)));
        f = ir_fl_sub(t->b, 8 * size, a, b);
        stop = ir_fl_test(t->b, i->repe ? IR_FL_NZ : IR_FL_Z, f);
        if (i->id == X86_CMPS)
                advance(t, i, X86_RSI, size);
        advance(t, i, X86_RDI, size);
        x86_put_flags(t, f);
        rep_end(t, i, x86_c64(t, 1), stop);
        return true;
}

/* The port is read before the store is known to work: a fault there repeats the read. */
bool x86_tr_ins(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[0].size;
        ir_ref port, v;

        rep_begin(t, i);
        port = ir_extu(t->b, x86_gpr(t, X86_RDX), 0, 16);
        v = ir_call(t->b, &x86_helper_in, port, x86_c64(t, size), 0, 0);
        x86_store(t, size, x86_at(dest(t, i)), x86_low(t, v, size));
        advance(t, i, X86_RDI, size);
        rep_end(t, i, x86_c64(t, 1), 0);
        return true;
}

bool x86_tr_outs(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[1].size;
        ir_ref port, v;

        rep_begin(t, i);
        port = ir_extu(t->b, x86_gpr(t, X86_RDX), 0, 16);
        v = x86_load(t, size, x86_at(source(t, i)));
        ir_call(t->b, &x86_helper_out, port, x86_c64(t, size), x86_zext64(t, v, size), 0);
        advance(t, i, X86_RSI, size);
        rep_end(t, i, x86_c64(t, 1), 0);
        return true;
}
