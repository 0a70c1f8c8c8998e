/* SPDX-License-Identifier: MIT */
/*
 * Control: what backend/control.c wants of this host. At a terminator only the pins are live, so all
 * temporaries may be used.
 */
#include "backend/x86_64/emit.h"

_Static_assert(sizeof(struct vcpu_return) == 16 && sizeof(struct jump_entry) == 16,
               "entries are found by shifts");

enum { RETURN_MASK = VCPU_RETURN_STACK * 16 - 1 };

#define RETURN_AT(reg, field) \
        x86_at_index(RBP, reg, 0, (int32_t)(offsetof(struct vcpu, hot.returns) + \
                                            offsetof(struct vcpu_return, field)) - X86_BIAS)

void emit_budget_take(struct emit *e, struct cold *c)
{
        x86_alu_mem_imm(&e->a, ALU_SUB, true, HOT(budget), (int32_t)e->budget);
        emit_cold_from(c, x86_jcc(&e->a, CC_S));
}

void emit_budget_add(struct emit *e, uint32_t n)
{
        x86_alu_mem_imm(&e->a, ALU_ADD, true, HOT(budget), n);
}

void cold_budget(struct emit *e, const struct cold *c)
{
        x86_alu_mem_imm(&e->a, ALU_ADD, true, HOT(budget), (int32_t)c->i->imm);
}

void emit_exit_at(struct emit *e, enum ir_exit reason, int64_t imm)
{
        x86_mov_imm(&e->a, RAX, imm);
        x86_mov_imm(&e->a, RCX, reason);
        x86_jmp_exec(&e->a, e->h->exit_at);
}

void cold_exit_pc(struct emit *e, enum ir_exit reason, unsigned pc)
{
        x86_store(&e->a, 3, HOT(pc), pc);
        x86_mov_imm(&e->a, RAX, reason);
        x86_jmp_exec(&e->a, e->h->exit);
}

uint8_t *emit_poll(struct emit *e)
{
        x86_alu_mem_imm(&e->a, ALU_CMP, false, HOT(poll), 0);
        return x86_jcc(&e->a, CC_NE);
}

/* ---- links ---- */

static void align_displacement(struct emit *e, unsigned opcode_bytes)
{
        unsigned n = -((uintptr_t)e->a.p + opcode_bytes) & 3;

        if (n)
                x86_nop(&e->a, n);
}

/* Padded by segment overrides, which mean nothing here: a no-op would be one more instruction to run. */
uint8_t *emit_link_jump(struct emit *e)
{
        while (((uintptr_t)e->a.p + 1) & 3)
                asm_u8(&e->a, 0x2e);
        return x86_jmp(&e->a);
}

void emit_cross_page(struct emit *e, const struct ir_ins *i, int64_t imm, bool landed)
{
        int64_t page = imm & ~(int64_t)(GUEST_PAGE_SIZE - 1);
        int32_t entry = jump_index(imm) * (int32_t)sizeof(struct jump_entry);

        x86_load(&e->a, true, RCX, HOT(vpage_base));
        if (!landed && x86_is_s32(page)) {
                x86_alu_imm(&e->a, ALU_ADD, true, RCX, (int32_t)page);
        } else if (!landed) {
                x86_mov_imm(&e->a, SCRATCH, page);
                x86_alu(&e->a, ALU_ADD, true, RCX, SCRATCH);
        }
        x86_lea(&e->a, true, RAX, x86_at(RCX, (int32_t)(imm - page)));
        x86_load(&e->a, true, RDX, HOT(jump_cache));
        x86_alu_store(&e->a, ALU_CMP, true, x86_at(RDX, entry), RAX);
        emit_exit_pc(e, i, x86_jcc(&e->a, CC_NE), IR_EXIT_INDIRECT, RAX);
        if (!landed)
                x86_store(&e->a, 3, HOT(vpage_base), RCX);
        x86_jmp_mem(&e->a, x86_at(RDX, entry + 8));
}

/* Is the block nothing but a direct exit within the page that a conditional jump can be linked to? */
static bool is_plain_link(const struct emit *e, uint32_t block, const struct ir_ins **exit)
{
        const struct ir_block *b = &e->r->blocks[block];

        if (b->n_preds != 1 || e->insn + 1 < e->budget)
                return false;
        for (uint32_t at = b->first; at < b->end; at++) {
                const struct ir_ins *i = &e->r->ins[at];

                if (i->flags & IR_INS_DEAD || i->op == IR_OP_nop || i->op == IR_OP_const)
                        continue;
                *exit = i;
                return i->op == IR_OP_exit_jump && !(i->aux & 1) && emit_in_page(i->imm);
        }
        return false;
}

/* ---- branches within the region ---- */

/*
 * @compare is where the code of the comparison begins: no-ops go before it, so that it stays with its
 * jump.
 */
static bool linked_branch(struct emit *e, enum x86_cc cc, uint32_t block, uint8_t *compare)
{
        const struct ir_ins *exit = NULL;
        unsigned len = e->a.p - compare;
        uint8_t code[64];

        if (!is_plain_link(e, block, &exit))
                return false;
        if (len <= sizeof(code)) {
                memcpy(code, compare, len);
                e->a.p = compare;
                align_displacement(e, len + 2);
                memcpy(e->a.p, code, len);
                e->a.p += len;
        } else {
                align_displacement(e, 2);
        }
        emit_link(e, exit, x86_jcc(&e->a, cc), exit->imm);
        e->skip_block[block] = true;
        return true;
}

static enum x86_cc emit_condition(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        struct flag_reader r;

        if (!emit_is_reader(e, at))
                return emit_compare(e, i->cond, i->type == IR_I64, i->arg[0], i->arg[1]);
        r = emit_reader_operands(e, at);
        ra_operands_done(&e->ra);
        return emit_reader(e, &r);
}

void emit_brcc(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        uint32_t yes = (uint32_t)i->imm, no = (uint32_t)((uint64_t)i->imm >> 32);
        uint8_t *compare = e->a.p;
        enum x86_cc cc = emit_condition(e, at, i);

        if (linked_branch(e, cc, yes, compare)) {
                emit_go_to(e, no);
        } else if (linked_branch(e, cc ^ 1, no, compare)) {
                emit_go_to(e, yes);
        } else if (yes == e->block + 1) {
                emit_fixup(e, x86_jcc(&e->a, cc ^ 1), no);
        } else {
                emit_fixup(e, x86_jcc(&e->a, cc), yes);
                emit_go_to(e, no);
        }
}

/* ---- exits ---- */

static void set_page_of(struct emit *e, unsigned pc, unsigned t)
{
        x86_mov(&e->a, true, t, pc);
        x86_alu_imm(&e->a, ALU_AND, true, t, -GUEST_PAGE_SIZE);
        x86_store(&e->a, 3, HOT(vpage_base), t);
}

void emit_indirect(struct emit *e, const struct ir_ins *i, unsigned a)
{
        unsigned t = a == RAX ? RCX : RAX;

        if (i->cond == IR_JUMP_RETURN) {
                uint8_t *other;

                x86_load(&e->a, false, SCRATCH, HOT(return_top));
                x86_lea(&e->a, false, t, x86_at(SCRATCH, -16));
                x86_alu_imm(&e->a, ALU_AND, false, t, RETURN_MASK);
                x86_store(&e->a, 2, HOT(return_top), t);
                x86_alu_store(&e->a, ALU_CMP, true, RETURN_AT(SCRATCH, guest_pc), a);
                other = x86_jcc8(&e->a, CC_NE);
                set_page_of(e, a, t);
                x86_jmp_mem(&e->a, RETURN_AT(SCRATCH, host_pc));
                x86_here8(&e->a, other);
        }
        /* jump_index(a) * 16 */
        x86_mov(&e->a, false, SCRATCH, a);
        x86_shift_imm(&e->a, SH_SHL, false, SCRATCH, 3);
        x86_alu_imm(&e->a, ALU_AND, false, SCRATCH, (JUMP_ENTRIES - 1) << 4);
        x86_alu_load(&e->a, ALU_ADD, true, SCRATCH, HOT(jump_cache));
        x86_alu_store(&e->a, ALU_CMP, true, x86_at(SCRATCH, offsetof(struct jump_entry, pc)), a);
        emit_exit_pc(e, i, x86_jcc(&e->a, CC_NE), IR_EXIT_INDIRECT, a);
        set_page_of(e, a, t);
        x86_jmp_mem(&e->a, x86_at(SCRATCH, offsetof(struct jump_entry, host)));
}

void emit_ret_push(struct emit *e, const struct ir_ins *i, struct cold *landing)
{
        unsigned t = ra_temp(&e->ra, false, RA_NONE, 0);

        x86_load(&e->a, false, SCRATCH, HOT(return_top));
        x86_alu_imm(&e->a, ALU_ADD, false, SCRATCH, 16);
        x86_alu_imm(&e->a, ALU_AND, false, SCRATCH, RETURN_MASK);
        x86_store(&e->a, 2, HOT(return_top), SCRATCH);
        x86_load(&e->a, true, t, HOT(vpage_base));
        x86_alu_imm(&e->a, ALU_ADD, true, t, (int32_t)i->imm);
        x86_store(&e->a, 3, RETURN_AT(SCRATCH, guest_pc), t);
        x86_lea(&e->a, true, t, x86_at_rip(asm_exec(&e->a, e->a.p)));
        emit_cold_from(landing, e->a.p - 4);
        x86_store(&e->a, 3, RETURN_AT(SCRATCH, host_pc), t);
}

/* ---- calls ---- */

void emit_pc(struct emit *e)
{
        x86_load(&e->a, true, SCRATCH, HOT(vpage_base));
        x86_alu_imm(&e->a, ALU_ADD, true, SCRATCH, e->page_offset);
        x86_store(&e->a, 3, HOT(pc), SCRATCH);
}

void emit_call_exec(struct emit *e, const uint8_t *thunk)
{
        x86_call_exec(&e->a, thunk);
}

void emit_call_helper(struct emit *e, uint64_t fn, const uint8_t *thunk)
{
        x86_mov_imm(&e->a, SCRATCH, fn);
        x86_call_exec(&e->a, thunk);
}

uint8_t *emit_status_jump(struct emit *e)
{
        return x86_jcc(&e->a, CC_NE);
}

void cold_status(struct emit *e, uint32_t status)
{
        x86_store_imm(&e->a, 3, OUT_ARG(0), status);
}

/* ---- fences, wide words ---- */

void emit_fence(struct emit *e, uint32_t mask)
{
        if (!(mask & IR_FENCE_SL))
                return;
        asm_u8(&e->a, 0xf0); /* lock or: cheaper than mfence */
        x86_alu_mem_imm(&e->a, ALU_OR, false, OUT_ARG(0), 0);
}

void emit_wide_store(struct emit *e, unsigned n, unsigned reg)
{
        x86_store(&e->a, 3, HOT(wide[n]), reg);
}

void emit_wide_load(struct emit *e, unsigned reg, unsigned n)
{
        x86_load(&e->a, true, reg, HOT(wide[n]));
}
