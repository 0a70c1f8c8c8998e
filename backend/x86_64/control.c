/* SPDX-License-Identifier: MIT */
/*
 * Control: branches, exits and links, polls, the return stack, the jump cache, helpers and fences. At a
 * terminator only the pins are live, so all temporaries may be used.
 */
#include "backend/x86_64/emit.h"

_Static_assert(sizeof(struct vcpu_return) == 16 && sizeof(struct jump_entry) == 16,
               "entries are found by shifts");

enum { RETURN_MASK = VCPU_RETURN_STACK * 16 - 1 };

#define RETURN_AT(reg, field) \
        x86_at_index(RBP, reg, 0, (int32_t)(offsetof(struct vcpu, hot.returns) + \
                                            offsetof(struct vcpu_return, field)) - X86_BIAS)

/* The region took its whole count from the budget; it is left after @retired instructions. */
static void adjust_budget(struct emit *e, uint32_t retired)
{
        if (retired < e->budget)
                x86_alu_mem_imm(&e->a, ALU_ADD, true, HOT(budget), e->budget - retired);
}

static void exit_at(struct emit *e, enum ir_exit reason, int64_t imm)
{
        x86_mov_imm(&e->a, RAX, imm);
        x86_mov_imm(&e->a, RCX, reason);
        x86_jmp_exec(&e->a, e->h->exit_at);
}

static void cold_exit_at(struct emit *e, const struct ir_ins *i, uint8_t *from, enum ir_exit reason,
                         uint32_t retired)
{
        struct cold *c = emit_cold(e, COLD_EXIT_AT, i);

        c->imm = i->imm;
        c->d = reason;
        c->insn = retired;
        emit_cold_from(c, from);
}

/* Leaves with the pc in @reg. */
static void cold_exit_pc(struct emit *e, const struct ir_ins *i, uint8_t *from, enum ir_exit reason,
                         unsigned reg)
{
        struct cold *c = emit_cold(e, COLD_EXIT_PC, i);

        c->x = reg;
        c->d = reason;
        emit_cold_from(c, from);
}

static uint8_t *check_poll(struct emit *e)
{
        x86_alu_mem_imm(&e->a, ALU_CMP, false, HOT(poll), 0);
        return x86_jcc(&e->a, CC_NE);
}

/* ---- links ---- */

/* The jump just emitted, whose aligned displacement is at @disp, becomes a link to page + @target. */
static void make_link(struct emit *e, const struct ir_ins *i, uint8_t *disp, int64_t target)
{
        struct code_link l = {.patch_offset = disp - e->a.start, .target = (int32_t)target};
        struct cold *c = emit_cold(e, COLD_STUB, i);

        c->lo = e->out->links->len;
        emit_cold_from(c, disp);
        g_array_append_val(e->out->links, l);
}

static void align_displacement(struct emit *e, unsigned opcode_bytes)
{
        unsigned n = -((uintptr_t)e->a.p + opcode_bytes) & 3;

        if (n)
                x86_nop(&e->a, n);
}

/* Padded by segment overrides, which mean nothing here: a no-op would be one more instruction to run. */
static void link_jmp(struct emit *e, const struct ir_ins *i, int64_t target)
{
        while (((uintptr_t)e->a.p + 1) & 3)
                asm_u8(&e->a, 0x2e);
        make_link(e, i, x86_jmp(&e->a), target);
}

/*
 * Within the page, and not so near its end that the instruction there may need the next one: that wants a
 * guard.
 */
static bool in_page(int64_t offset)
{
        return offset >= 0 && offset <= GUEST_PAGE_SIZE - 4;
}

/* Jumps to page + imm through the jump cache; @landed: vpage_base is the target's already. */
static void cross_page(struct emit *e, const struct ir_ins *i, int64_t imm, bool landed)
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
        cold_exit_pc(e, i, x86_jcc(&e->a, CC_NE), IR_EXIT_INDIRECT, RAX);
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
                return i->op == IR_OP_exit_jump && !(i->aux & 1) && in_page(i->imm);
        }
        return false;
}

/* ---- branches within the region ---- */

static void fixup(struct emit *e, uint8_t *disp, uint32_t block)
{
        e->fixups[e->n_fixups++] = (struct emit_fixup){disp, block};
}

static void go_to(struct emit *e, uint32_t block)
{
        uint32_t next = e->block + 1;

        while (next < e->r->n_blocks && e->skip_block[next])
                next++;
        if (block != next)
                fixup(e, x86_jmp(&e->a), block);
}

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
        make_link(e, exit, x86_jcc(&e->a, cc), exit->imm);
        e->skip_block[block] = true;
        return true;
}

static enum x86_cc emit_condition(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        struct x86_reader r;

        if (!emit_is_reader(e, at))
                return emit_compare(e, i->cond, i->type == IR_I64, i->arg[0], i->arg[1]);
        r = emit_reader_operands(e, at);
        ra_operands_done(&e->ra);
        return emit_reader(e, &r);
}

static void emit_brcc(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        uint32_t yes = (uint32_t)i->imm, no = (uint32_t)((uint64_t)i->imm >> 32);
        uint8_t *compare = e->a.p;
        enum x86_cc cc = emit_condition(e, at, i);

        if (linked_branch(e, cc, yes, compare)) {
                go_to(e, no);
        } else if (linked_branch(e, cc ^ 1, no, compare)) {
                go_to(e, yes);
        } else if (yes == e->block + 1) {
                fixup(e, x86_jcc(&e->a, cc ^ 1), no);
        } else {
                fixup(e, x86_jcc(&e->a, cc), yes);
                go_to(e, no);
        }
}

/* ---- exits ---- */

static void emit_exit_jump(struct emit *e, const struct ir_ins *i)
{
        adjust_budget(e, e->insn + 1);
        if (i->aux & 1)
                cold_exit_at(e, i, check_poll(e), IR_EXIT_POLL, e->budget);
        if (in_page(i->imm))
                link_jmp(e, i, i->imm);
        else
                cross_page(e, i, i->imm, false);
}

static void set_page_of(struct emit *e, unsigned pc, unsigned t)
{
        x86_mov(&e->a, true, t, pc);
        x86_alu_imm(&e->a, ALU_AND, true, t, -GUEST_PAGE_SIZE);
        x86_store(&e->a, 3, HOT(vpage_base), t);
}

static void emit_exit_ind(struct emit *e, const struct ir_ins *i)
{
        unsigned a = ra_reg(&e->ra, i->arg[0]), t = a == RAX ? RCX : RAX;

        adjust_budget(e, e->insn + 1);
        cold_exit_pc(e, i, check_poll(e), IR_EXIT_POLL, a);
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
        cold_exit_pc(e, i, x86_jcc(&e->a, CC_NE), IR_EXIT_INDIRECT, a);
        set_page_of(e, a, t);
        x86_jmp_mem(&e->a, x86_at(SCRATCH, offsetof(struct jump_entry, host)));
}

/*
 * How many instructions are complete when the region is left for @pc: the one in force is not if it is to
 * run.
 */
static uint32_t retired_at(const struct emit *e, int64_t pc)
{
        return e->insn + (pc != e->page_offset);
}

static void emit_ret_push(struct emit *e, const struct ir_ins *i)
{
        struct cold *c = emit_cold(e, COLD_LANDING, i);
        unsigned t = ra_temp(&e->ra, false, RA_NONE, 0);

        x86_load(&e->a, false, SCRATCH, HOT(return_top));
        x86_alu_imm(&e->a, ALU_ADD, false, SCRATCH, 16);
        x86_alu_imm(&e->a, ALU_AND, false, SCRATCH, RETURN_MASK);
        x86_store(&e->a, 2, HOT(return_top), SCRATCH);
        x86_load(&e->a, true, t, HOT(vpage_base));
        x86_alu_imm(&e->a, ALU_ADD, true, t, (int32_t)i->imm);
        x86_store(&e->a, 3, RETURN_AT(SCRATCH, guest_pc), t);
        x86_lea(&e->a, true, t, x86_at_rip(asm_exec(&e->a, e->a.p)));
        emit_cold_from(c, e->a.p - 4);
        x86_store(&e->a, 3, RETURN_AT(SCRATCH, host_pc), t);
}

static void emit_hook(struct emit *e, const struct ir_ins *i)
{
        ra_flush_groups(&e->ra, ~0ull);
        x86_load(&e->a, true, SCRATCH, HOT(vpage_base));
        x86_alu_imm(&e->a, ALU_ADD, true, SCRATCH, e->page_offset);
        x86_store(&e->a, 3, HOT(pc), SCRATCH);
        x86_store_imm(&e->a, 3, OUT_ARG(0), (int32_t)i->aux);
        emit_out_arg(e, 1, &(struct ra_opnd){.kind = RA_IMM, .imm = i->imm}, IR_I64);
        x86_call_exec(&e->a, e->h->hook);
}

void emit_call(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        const struct ir_helper *h = (const struct ir_helper *)(intptr_t)i->imm;
        struct cold *c = NULL;
        const uint8_t *thunk;
        bool fp_temps;

        for (unsigned k = 0; k < h->n_args; k++) {
                struct ra_opnd o = ra_where(&e->ra, i->arg[k]);

                emit_out_arg(e, k, &o, e->r->ins[i->arg[k]].type);
        }
        /* A helper need not write all slots of a group, and all are read again. */
        ra_flush_groups(&e->ra, h->reads | h->writes);
        ra_clobber_groups(&e->ra, h->writes);
        fp_temps = ra_any_live(&e->ra, ~0ull << RA_FPR);
        if (h->may_exit || h->no_return) {
                c = emit_cold(e, COLD_STATUS, i);
                emit_site(e, c, RA_NREGS);
        }
        ra_operands_done(&e->ra);
        x86_mov_imm(&e->a, SCRATCH, (uintptr_t)h->fn);
        thunk = h->leaf ? e->h->call_leaf : h->fpstate ? e->h->call_fp[fp_temps] : e->h->call[fp_temps];
        x86_call_exec(&e->a, thunk);
        ra_reload_groups(&e->ra, h->writes);
        if (c)
                emit_cold_from(c, h->no_return ? x86_jmp(&e->a) : x86_jcc(&e->a, CC_NE));
        if (e->ra.val[at].last_use) {
                unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

                x86_mov(&e->a, true, d, SCRATCH);
                ra_def_done(&e->ra, at);
        }
}

void emit_control(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        switch ((enum ir_op)i->op) {
        case IR_OP_fence:
                if (i->aux & IR_FENCE_SL) {
                        asm_u8(&e->a, 0xf0); /* lock or: cheaper than mfence */
                        x86_alu_mem_imm(&e->a, ALU_OR, false, OUT_ARG(0), 0);
                }
                break;
        case IR_OP_wput: {
                unsigned v = ra_reg(&e->ra, i->arg[0]);

                x86_store(&e->a, 3, HOT(wide[i->aux]), v);
                break;
        }
        case IR_OP_wget: {
                unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

                x86_load(&e->a, true, d, HOT(wide[i->aux]));
                ra_def_done(&e->ra, at);
                break;
        }
        case IR_OP_hook:
                emit_hook(e, i);
                break;
        case IR_OP_budget: {
                struct cold *c = emit_cold(e, COLD_BUDGET, i);

                e->budget = (uint32_t)i->imm;
                x86_alu_mem_imm(&e->a, ALU_SUB, true, HOT(budget), (int32_t)i->imm);
                emit_cold_from(c, x86_jcc(&e->a, CC_S));
                break;
        }
        case IR_OP_poll:
                if (i->aux & 1) {
                        struct cold *c = emit_cold(e, COLD_POLL_SITE, i);

                        emit_site(e, c, RA_NREGS);
                        c->page_offset = (uint16_t)i->imm;
                        emit_cold_from(c, check_poll(e));
                        break;
                }
                cold_exit_at(e, i, check_poll(e), IR_EXIT_POLL, retired_at(e, i->imm));
                break;
        case IR_OP_br:
                go_to(e, i->aux);
                break;
        case IR_OP_brcc:
                emit_brcc(e, at, i);
                break;
        case IR_OP_exit_jump:
                emit_exit_jump(e, i);
                break;
        case IR_OP_exit_ind:
                emit_exit_ind(e, i);
                break;
        case IR_OP_exit:
                adjust_budget(e, retired_at(e, i->imm));
                exit_at(e, i->cond, i->imm);
                break;
        case IR_OP_ret_push:
                emit_ret_push(e, i);
                break;
        default:
                e->ra.failed = true;
                break;
        }
}

/* ---- cold code ---- */

static void stub(struct emit *e, const struct cold *c)
{
        g_array_index(e->out->links, struct code_link, c->lo).stub_offset = e->a.p - e->a.start;
        x86_call_exec(&e->a, e->h->link);
}

void cold_control(struct emit *e, const struct cold *c)
{
        switch ((enum cold_kind)c->kind) {
        case COLD_EXIT_AT:
                adjust_budget(e, c->insn);
                exit_at(e, c->d, c->imm);
                break;
        case COLD_EXIT_PC:
                x86_store(&e->a, 3, HOT(pc), c->x);
                x86_mov_imm(&e->a, RAX, c->d);
                x86_jmp_exec(&e->a, e->h->exit);
                break;
        case COLD_BUDGET:
                x86_alu_mem_imm(&e->a, ALU_ADD, true, HOT(budget), (int32_t)c->i->imm);
                exit_at(e, IR_EXIT_BUDGET, e->r->start_offset);
                break;
        case COLD_STATUS:
                x86_call_exec(&e->a, e->h->unwind);
                emit_site_here(e, c);
                break;
        case COLD_POLL_SITE:
                x86_store_imm(&e->a, 3, OUT_ARG(0), 1 + IR_EXIT_POLL);
                x86_call_exec(&e->a, e->h->unwind);
                emit_site_here(e, c);
                break;
        case COLD_STUB:
                stub(e, c);
                break;
        default: /* COLD_LANDING: a return came back */
                if (in_page(c->i->imm))
                        link_jmp(e, c->i, c->i->imm);
                else
                        cross_page(e, c->i, c->i->imm, true);
                break;
        }
}
