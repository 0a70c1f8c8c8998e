/* SPDX-License-Identifier: MIT */
/*
 * Control: what backend/control.c wants of this host. At a terminator only the pins are live, so all
 * temporaries may be used.
 */
#include "backend/aarch64/emit.h"

_Static_assert(sizeof(struct vcpu_return) == 16 && sizeof(struct jump_entry) == 16 &&
               offsetof(struct vcpu_return, host_pc) == 8 && offsetof(struct jump_entry, host) == 8,
               "entries are found by shifts, and read as pairs");

enum { RETURN_MASK = VCPU_RETURN_STACK * 16 - 1, RETURNS = offsetof(struct vcpu, hot.returns) };
_Static_assert(RETURNS <= 504, "a pair is read there");

static void and_imm(struct emit *e, bool w, unsigned d, unsigned n, uint64_t v)
{
        uint32_t bits;

        a64_logic_imm_bits(w, v, &bits);
        a64_logic_imm(&e->a, A64_AND, w, d, n, bits);
}

/* The sum is stored only if it is not negative. */
void emit_budget_take(struct emit *e, struct cold *c)
{
        a64_ldr(&e->a, true, SCRATCH, HOT(budget));
        a64_arith_imm(&e->a, A64_SUBS, true, SCRATCH, SCRATCH, e->budget);
        emit_cold_from(c, a64_bcc(&e->a, CC_MI));
        a64_str(&e->a, true, SCRATCH, HOT(budget));
}

void emit_budget_add(struct emit *e, uint32_t n)
{
        a64_ldr(&e->a, true, SCRATCH, HOT(budget));
        emit_add_imm(e, true, SCRATCH, SCRATCH, n);
        a64_str(&e->a, true, SCRATCH, HOT(budget));
}

void cold_budget(struct emit *e, const struct cold *c)
{
}

void emit_exit_at(struct emit *e, enum ir_exit reason, int64_t imm)
{
        emit_const(e, X0, imm);
        a64_mov_imm(&e->a, X1, reason);
        a64_b_exec(&e->a, e->h->exit_at);
}

void cold_exit_pc(struct emit *e, enum ir_exit reason, unsigned pc)
{
        a64_str(&e->a, true, pc, HOT(pc));
        a64_mov_imm(&e->a, X0, reason);
        a64_b_exec(&e->a, e->h->exit);
}

uint8_t *emit_poll(struct emit *e)
{
        a64_ldr(&e->a, false, SCRATCH, HOT(poll));
        return a64_cbz(&e->a, true, false, SCRATCH);
}

/* ---- links ---- */

uint8_t *emit_link_jump(struct emit *e)
{
        return a64_b(&e->a);
}

void emit_cross_page(struct emit *e, const struct ir_ins *i, int64_t imm, bool landed)
{
        int64_t page = imm & ~(int64_t)(GUEST_PAGE_SIZE - 1);
        int32_t entry = jump_index(imm) * (int32_t)sizeof(struct jump_entry);

        a64_ldr(&e->a, true, X2, HOT(vpage_base));
        if (!landed)
                emit_add_imm(e, true, X2, X2, page);
        a64_ldr(&e->a, true, X1, HOT(jump_cache));
        a64_arith_imm(&e->a, A64_ADD, true, X0, X2, (uint32_t)(imm - page));
        a64_ldr(&e->a, true, X3, a64_at(X1, entry));
        a64_cmp(&e->a, true, X3, X0);
        emit_exit_pc(e, i, a64_bcc(&e->a, CC_NE), IR_EXIT_INDIRECT, X0);
        a64_ldr(&e->a, true, X4, a64_at(X1, entry + 8));
        if (!landed)
                a64_str(&e->a, true, X2, HOT(vpage_base));
        a64_br(&e->a, X4);
}

/* ---- branches within the region ---- */

void emit_brcc(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        uint32_t yes = (uint32_t)i->imm, no = (uint32_t)((uint64_t)i->imm >> 32);
        enum ir_cond cond = (enum ir_cond)i->cond;
        bool negate = yes == e->block + 1;

        if (negate) {
                cond = ir_cond_negate(cond);
                yes = no;
                no = e->block + 1;
        }
        if (emit_is_reader(e, at)) {
                struct flag_reader r = emit_reader_operands(e, at);

                ra_operands_done(&e->ra);
                emit_fixup(e, emit_reader_branch(e, &r, negate), yes);
        } else {
                emit_fixup(e, emit_compare_branch(e, cond, i->type == IR_I64, i->arg[0], i->arg[1]), yes);
        }
        emit_go_to(e, no);
}

/* ---- exits ---- */

/* Branches to @t, which is the door of @pc. */
static void arrive(struct emit *e, unsigned pc, unsigned t)
{
        and_imm(e, true, SCRATCH, pc, -(uint64_t)GUEST_PAGE_SIZE);
        a64_str(&e->a, true, SCRATCH, HOT(vpage_base));
        a64_br(&e->a, t);
}

void emit_indirect(struct emit *e, const struct ir_ins *i, unsigned a)
{
        unsigned t = a == X0 ? X1 : X0;

        if (i->cond == IR_JUMP_RETURN) {
                uint8_t *other;

                a64_ldr(&e->a, false, SCRATCH, HOT(return_top));
                a64_arith_imm(&e->a, A64_SUB, false, SCRATCH2, SCRATCH, 16);
                and_imm(e, false, SCRATCH2, SCRATCH2, RETURN_MASK);
                a64_str(&e->a, false, SCRATCH2, HOT(return_top));
                a64_alu(&e->a, A64_ADD, true, SCRATCH, VCPU, SCRATCH);
                a64_ldp(&e->a, SCRATCH2, t, SCRATCH, RETURNS);
                a64_cmp(&e->a, true, SCRATCH2, a);
                other = a64_bcc(&e->a, CC_NE);
                arrive(e, a, t);
                a64_here(&e->a, other);
        }
        a64_ubfx(&e->a, true, SCRATCH, a, 1, JUMP_BITS); /* jump_index */
        a64_ldr(&e->a, true, SCRATCH2, HOT(jump_cache));
        a64_alu_shift(&e->a, A64_ADD, true, SCRATCH, SCRATCH2, SCRATCH, SH_LSL, 4);
        a64_ldp(&e->a, SCRATCH2, t, SCRATCH, 0);
        a64_cmp(&e->a, true, SCRATCH2, a);
        emit_exit_pc(e, i, a64_bcc(&e->a, CC_NE), IR_EXIT_INDIRECT, a);
        arrive(e, a, t);
}

void emit_ret_push(struct emit *e, const struct ir_ins *i, struct cold *landing)
{
        unsigned t = ra_temp(&e->ra, false, RA_NONE, 0);

        a64_ldr(&e->a, true, t, HOT(vpage_base));
        emit_add_imm(e, true, t, t, i->imm);
        a64_ldr(&e->a, false, SCRATCH, HOT(return_top));
        a64_arith_imm(&e->a, A64_ADD, false, SCRATCH, SCRATCH, 16);
        and_imm(e, false, SCRATCH, SCRATCH, RETURN_MASK);
        a64_str(&e->a, false, SCRATCH, HOT(return_top));
        a64_alu(&e->a, A64_ADD, true, SCRATCH, VCPU, SCRATCH);
        emit_cold_from(landing, a64_adr(&e->a, SCRATCH2));
        a64_stp(&e->a, t, SCRATCH2, SCRATCH, RETURNS);
}

/* ---- calls ---- */

void emit_pc(struct emit *e)
{
        a64_ldr(&e->a, true, SCRATCH, HOT(vpage_base));
        emit_add_imm(e, true, SCRATCH, SCRATCH, e->page_offset);
        a64_str(&e->a, true, SCRATCH, HOT(pc));
}

void emit_call_exec(struct emit *e, const uint8_t *thunk)
{
        a64_bl_exec(&e->a, thunk);
}

void emit_call_helper(struct emit *e, uint64_t fn, const uint8_t *thunk)
{
        emit_const(e, SCRATCH, fn);
        a64_bl_exec(&e->a, thunk);
}

/* Pinned slots are within reach, so x17 is still the status. */
uint8_t *emit_status_jump(struct emit *e)
{
        return a64_cbz(&e->a, true, true, SCRATCH2);
}

void cold_status(struct emit *e, uint32_t status)
{
        a64_mov_imm(&e->a, SCRATCH2, status);
        a64_str(&e->a, true, SCRATCH2, OUT_ARG(0));
}

/* ---- wide words ---- */

void emit_wide_store(struct emit *e, unsigned n, unsigned reg)
{
        a64_str(&e->a, true, reg, WIDE(n));
}

void emit_wide_load(struct emit *e, unsigned reg, unsigned n)
{
        a64_ldr(&e->a, true, reg, WIDE(n));
}
