/* SPDX-License-Identifier: MIT */
/*
 * RV32I and RV64I (volume I, chapters 2 and 4): arithmetic, jumps, branches, loads and stores; fences.
 */
#include "rv_translate.h"

#include "frontend/riscv/translate.h"

static bool op_ri(struct tctx *t, const struct args_i *a, rv_binary_fn *op)
{
        rv_put(t, a->rd, op(t->b, rv_get(t, a->rs1), rv_const(t, a->imm)));
        return true;
}

static bool op_shift(struct tctx *t, const struct args_sh *a, rv_binary_fn *op)
{
        rv_put(t, a->rd, op(t->b, rv_get(t, a->rs1), rv_const(t, a->shamt)));
        return true;
}

static bool op_shiftw(struct tctx *t, const struct args_sh *a, rv_binary_fn *op)
{
        rv_put32(t, a->rd, op(t->b, rv_get32(t, a->rs1), ir_const(t->b, IR_I32, a->shamt)));
        return true;
}

static bool set_if(struct tctx *t, unsigned rd, enum ir_cond c, ir_ref x, ir_ref y)
{
        ir_ref v = ir_setcc(t->b, c, x, y);

        rv_put(t, rd, rv_is64(t) ? v : ir_trunc(t->b, v));
        return true;
}

/* ---- constants and jumps ---- */

bool tr_lui(struct tctx *t, const struct args_u *a)
{
        rv_put(t, a->rd, rv_const(t, a->imm));
        return true;
}

/* An address in the guest's width. */
static ir_ref pc_plus(struct tctx *t, int64_t page_offset)
{
        ir_ref v = ir_pcaddr(t->b, page_offset);

        return rv_is64(t) ? v : ir_trunc(t->b, v);
}

bool tr_auipc(struct tctx *t, const struct args_u *a)
{
        rv_put(t, a->rd, pc_plus(t, (int64_t)t->pc + a->imm));
        return true;
}

static bool is_link(unsigned reg)
{
        return reg == 1 || reg == 5;
}

static bool has_c(const struct tctx *t)
{
        return cpu_has(&t->config->features, RV_F_C);
}

bool tr_jal(struct tctx *t, const struct args_j *a)
{
        int64_t target = (int64_t)t->pc + a->off;

        if (!has_c(t) && (target & 2)) {
                rv_exception(t, RV_EXC_FETCH_MISALIGNED, ir_pcaddr(t->b, target));
                return true;
        }
        if (is_link(a->rd))
                ir_ret_push(t->b, t->next);
        rv_put(t, a->rd, pc_plus(t, t->next));
        rv_jump(t, target);
        return true;
}

/* Return-address hints: volume I, table 2.1. */
bool tr_jalr(struct tctx *t, const struct args_i *a)
{
        ir_ref target = ir_and(t->b, ir_add(t->b, rv_get(t, a->rs1), rv_const(t, a->imm)), rv_const(t, ~1ll));
        enum ir_jump kind = IR_JUMP_PLAIN;

        if (!has_c(t)) {
                uint32_t bad = ir_block_new(t->b), good = ir_block_new(t->b);

                ir_brcc(t->b, IR_TSTNZ, target, rv_const(t, 2), bad, good);
                ir_builder_at(t->b, bad);
                rv_exception(t, RV_EXC_FETCH_MISALIGNED, rv_is64(t) ? target : ir_zext32(t->b, target));
                t->ended = false; /* for the good ones it goes on */
                ir_builder_at(t->b, good);
        }
        if (is_link(a->rs1) && a->rs1 != a->rd)
                kind = IR_JUMP_RETURN;
        if (is_link(a->rd)) {
                ir_ret_push(t->b, t->next);
                kind = IR_JUMP_CALL;
        }
        rv_put(t, a->rd, pc_plus(t, t->next));
        rv_exit_indirect(t, kind, target);
        return true;
}

static bool branch(struct tctx *t, const struct args_b *a, enum ir_cond c)
{
        int64_t target = (int64_t)t->pc + a->off;
        uint32_t taken = ir_block_new(t->b), not_taken = ir_block_new(t->b);

        ir_brcc(t->b, c, rv_get(t, a->rs1), rv_get(t, a->rs2), taken, not_taken);
        ir_builder_at(t->b, taken);
        if (!has_c(t) && (target & 2)) {
                rv_exception(t, RV_EXC_FETCH_MISALIGNED, ir_pcaddr(t->b, target));
                t->ended = false; /* where it is not taken it goes on */
        } else {
                ir_exit_jump(t->b, target, a->off <= 0);
        }
        ir_builder_at(t->b, not_taken);
        /* between an LR and its SC a branch only leaves; the block goes on (tr_a.c) */
        if (!t->lrsc.active) {
                ir_exit_jump(t->b, t->next, false);
                t->ended = true;
        }
        return true;
}

bool tr_beq(struct tctx *t, const struct args_b *a) { return branch(t, a, IR_EQ); }
bool tr_bne(struct tctx *t, const struct args_b *a) { return branch(t, a, IR_NE); }
bool tr_blt(struct tctx *t, const struct args_b *a) { return branch(t, a, IR_LTS); }
bool tr_bge(struct tctx *t, const struct args_b *a) { return branch(t, a, IR_GES); }
bool tr_bltu(struct tctx *t, const struct args_b *a) { return branch(t, a, IR_LTU); }
bool tr_bgeu(struct tctx *t, const struct args_b *a) { return branch(t, a, IR_GEU); }

/* ---- loads and stores ---- */

static bool load(struct tctx *t, const struct args_i *a, unsigned size_log2, bool sign)
{
        struct ir_mem mem = {.size_log2 = size_log2, .sign = sign};
        ir_ref v = ir_load(t->b, rv_xtype(t), mem, rv_addr(t, a->rs1), a->imm);

        rv_put(t, a->rd, v);
        return true;
}

bool tr_lb(struct tctx *t, const struct args_i *a) { return load(t, a, 0, true); }
bool tr_lh(struct tctx *t, const struct args_i *a) { return load(t, a, 1, true); }
bool tr_lw(struct tctx *t, const struct args_i *a) { return load(t, a, 2, true); }
bool tr_ld(struct tctx *t, const struct args_i *a) { return load(t, a, 3, false); }
bool tr_lbu(struct tctx *t, const struct args_i *a) { return load(t, a, 0, false); }
bool tr_lhu(struct tctx *t, const struct args_i *a) { return load(t, a, 1, false); }
bool tr_lwu(struct tctx *t, const struct args_i *a) { return load(t, a, 2, false); }

static bool store(struct tctx *t, const struct args_s *a, unsigned size_log2)
{
        struct ir_mem mem = {.size_log2 = size_log2, .write = 1};

        ir_store(t->b, mem, rv_addr(t, a->rs1), a->imm, rv_get(t, a->rs2));
        return true;
}

bool tr_sb(struct tctx *t, const struct args_s *a) { return store(t, a, 0); }
bool tr_sh(struct tctx *t, const struct args_s *a) { return store(t, a, 1); }
bool tr_sw(struct tctx *t, const struct args_s *a) { return store(t, a, 2); }
bool tr_sd(struct tctx *t, const struct args_s *a) { return store(t, a, 3); }

/* ---- arithmetic ---- */

bool tr_addi(struct tctx *t, const struct args_i *a) { return op_ri(t, a, ir_add); }
bool tr_xori(struct tctx *t, const struct args_i *a) { return op_ri(t, a, ir_xor); }
bool tr_ori(struct tctx *t, const struct args_i *a) { return op_ri(t, a, ir_or); }
bool tr_andi(struct tctx *t, const struct args_i *a) { return op_ri(t, a, ir_and); }

bool tr_slti(struct tctx *t, const struct args_i *a)
{
        return set_if(t, a->rd, IR_LTS, rv_get(t, a->rs1), rv_const(t, a->imm));
}

bool tr_sltiu(struct tctx *t, const struct args_i *a)
{
        return set_if(t, a->rd, IR_LTU, rv_get(t, a->rs1), rv_const(t, a->imm));
}

bool tr_addiw(struct tctx *t, const struct args_i *a)
{
        rv_put32(t, a->rd, ir_add(t->b, rv_get32(t, a->rs1), ir_const(t->b, IR_I32, a->imm)));
        return true;
}

bool tr_slli(struct tctx *t, const struct args_sh *a) { return op_shift(t, a, ir_shl); }
bool tr_srli(struct tctx *t, const struct args_sh *a) { return op_shift(t, a, ir_shru); }
bool tr_srai(struct tctx *t, const struct args_sh *a) { return op_shift(t, a, ir_shrs); }
bool tr_slliw(struct tctx *t, const struct args_sh *a) { return op_shiftw(t, a, ir_shl); }
bool tr_srliw(struct tctx *t, const struct args_sh *a) { return op_shiftw(t, a, ir_shru); }
bool tr_sraiw(struct tctx *t, const struct args_sh *a) { return op_shiftw(t, a, ir_shrs); }

bool tr_add(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_add); }
bool tr_sub(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_sub); }
bool tr_sll(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_shl); }
bool tr_srl(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_shru); }
bool tr_sra(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_shrs); }
bool tr_xor(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_xor); }
bool tr_or(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_or); }
bool tr_and(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_and); }

bool tr_slt(struct tctx *t, const struct args_r *a)
{
        return set_if(t, a->rd, IR_LTS, rv_get(t, a->rs1), rv_get(t, a->rs2));
}

bool tr_sltu(struct tctx *t, const struct args_r *a)
{
        return set_if(t, a->rd, IR_LTU, rv_get(t, a->rs1), rv_get(t, a->rs2));
}

bool tr_addw(struct tctx *t, const struct args_r *a) { return rv_op_rrw(t, a, ir_add); }
bool tr_subw(struct tctx *t, const struct args_r *a) { return rv_op_rrw(t, a, ir_sub); }
bool tr_sllw(struct tctx *t, const struct args_r *a) { return rv_op_rrw(t, a, ir_shl); }
bool tr_srlw(struct tctx *t, const struct args_r *a) { return rv_op_rrw(t, a, ir_shru); }
bool tr_sraw(struct tctx *t, const struct args_r *a) { return rv_op_rrw(t, a, ir_shrs); }

/* ---- fences (volume I, section 2.7) ---- */

/* Device input and output count as memory reads and writes: MMIO is done in order with everything. */
bool tr_fence(struct tctx *t, const struct args_fence *a)
{
        bool pr = a->pred & 0xa, pw = a->pred & 5, sr = a->succ & 0xa, sw = a->succ & 5;
        bool tso = a->fm == 8;

        ir_fence(t->b, (pr && sr ? IR_FENCE_LL : 0) | (pr && sw ? IR_FENCE_LS : 0) |
                       (pw && sr && !tso ? IR_FENCE_SL : 0) | (pw && sw ? IR_FENCE_SS : 0));
        return true;
}

bool tr_fence_i(struct tctx *t)
{
        ir_call(t->b, &rv_helper_fence_i, 0, 0, 0, 0);
        rv_exit_lookup(t);
        return true;
}

bool tr_pause(struct tctx *t)
{
        ir_exit(t->b, IR_EXIT_YIELD, t->next);
        t->ended = true;
        return true;
}
