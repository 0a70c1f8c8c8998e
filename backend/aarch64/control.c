/* SPDX-License-Identifier: MIT */
/*
 * Control: branches, exits and links, polls, the return stack, the jump cache, helpers. At a terminator only the
 * pins are live, so all temporaries may be used.
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

/* The region took its whole count from the budget; it is left after @retired instructions. */
static void adjust_budget(struct emit *e, uint32_t retired)
{
        if (retired >= e->budget)
                return;
        a64_ldr(&e->a, true, SCRATCH, HOT(budget));
        emit_add_imm(e, true, SCRATCH, SCRATCH, e->budget - retired);
        a64_str(&e->a, true, SCRATCH, HOT(budget));
}

static void exit_at(struct emit *e, enum ir_exit reason, int64_t imm)
{
        emit_const(e, X0, imm);
        a64_mov_imm(&e->a, X1, reason);
        a64_b_exec(&e->a, e->h->exit_at);
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
        a64_ldr(&e->a, false, SCRATCH, HOT(poll));
        return a64_cbz(&e->a, true, false, SCRATCH);
}

/* ---- links ---- */

/* A branch that is a link to page + @target. */
static void link_branch(struct emit *e, const struct ir_ins *i, int64_t target)
{
        struct code_link l = {.patch_offset = e->a.p - e->a.start, .target = (int32_t)target};
        struct cold *c = emit_cold(e, COLD_STUB, i);

        c->lo = e->out->links->len;
        emit_cold_from(c, a64_b(&e->a));
        g_array_append_val(e->out->links, l);
}

/*
 * Within the page, and not so near its end that the instruction there may need the next one: that wants a
 * guard.
 */
static bool in_page(int64_t offset)
{
        return offset >= 0 && offset <= GUEST_PAGE_SIZE - 4;
}

/* Branches to page + imm through the jump cache; @landed: vpage_base is the target's already. */
static void cross_page(struct emit *e, const struct ir_ins *i, int64_t imm, bool landed)
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
        cold_exit_pc(e, i, a64_bcc(&e->a, CC_NE), IR_EXIT_INDIRECT, X0);
        a64_ldr(&e->a, true, X4, a64_at(X1, entry + 8));
        if (!landed)
                a64_str(&e->a, true, X2, HOT(vpage_base));
        a64_br(&e->a, X4);
}

/* ---- branches within the region ---- */

static void fixup(struct emit *e, uint8_t *at, uint32_t block)
{
        e->fixups[e->n_fixups++] = (struct emit_fixup){at, block};
}

static void go_to(struct emit *e, uint32_t block)
{
        if (block != e->block + 1)
                fixup(e, a64_b(&e->a), block);
}

static void emit_brcc(struct emit *e, const struct ir_ins *i)
{
        uint32_t yes = (uint32_t)i->imm, no = (uint32_t)((uint64_t)i->imm >> 32);
        enum ir_cond cond = (enum ir_cond)i->cond;

        if (yes == e->block + 1) {
                cond = ir_cond_negate(cond);
                yes = no;
                no = e->block + 1;
        }
        fixup(e, emit_compare_branch(e, cond, i->type == IR_I64, i->arg[0], i->arg[1]), yes);
        go_to(e, no);
}

/* ---- exits ---- */

static void emit_exit_jump(struct emit *e, const struct ir_ins *i)
{
        adjust_budget(e, e->insn + 1);
        if (i->aux & 1)
                cold_exit_at(e, i, check_poll(e), IR_EXIT_POLL, e->budget);
        if (in_page(i->imm))
                link_branch(e, i, i->imm);
        else
                cross_page(e, i, i->imm, false);
}

/* Branches to @t, which is the door of @pc. */
static void arrive(struct emit *e, unsigned pc, unsigned t)
{
        and_imm(e, true, SCRATCH, pc, -(uint64_t)GUEST_PAGE_SIZE);
        a64_str(&e->a, true, SCRATCH, HOT(vpage_base));
        a64_br(&e->a, t);
}

static void emit_exit_ind(struct emit *e, const struct ir_ins *i)
{
        unsigned a = ra_reg(&e->ra, i->arg[0]), t = a == X0 ? X1 : X0;

        adjust_budget(e, e->insn + 1);
        cold_exit_pc(e, i, check_poll(e), IR_EXIT_POLL, a);
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
        cold_exit_pc(e, i, a64_bcc(&e->a, CC_NE), IR_EXIT_INDIRECT, a);
        arrive(e, a, t);
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

        a64_ldr(&e->a, true, t, HOT(vpage_base));
        emit_add_imm(e, true, t, t, i->imm);
        a64_ldr(&e->a, false, SCRATCH, HOT(return_top));
        a64_arith_imm(&e->a, A64_ADD, false, SCRATCH, SCRATCH, 16);
        and_imm(e, false, SCRATCH, SCRATCH, RETURN_MASK);
        a64_str(&e->a, false, SCRATCH, HOT(return_top));
        a64_alu(&e->a, A64_ADD, true, SCRATCH, VCPU, SCRATCH);
        emit_cold_from(c, a64_adr(&e->a, SCRATCH2));
        a64_stp(&e->a, t, SCRATCH2, SCRATCH, RETURNS);
}

static void emit_hook(struct emit *e, const struct ir_ins *i)
{
        ra_flush_groups(&e->ra, ~0ull);
        a64_ldr(&e->a, true, SCRATCH, HOT(vpage_base));
        emit_add_imm(e, true, SCRATCH, SCRATCH, e->page_offset);
        a64_str(&e->a, true, SCRATCH, HOT(pc));
        emit_out_arg(e, 0, &(struct ra_opnd){.kind = RA_IMM, .imm = i->aux}, IR_I64);
        emit_out_arg(e, 1, &(struct ra_opnd){.kind = RA_IMM, .imm = i->imm}, IR_I64);
        a64_bl_exec(&e->a, e->h->hook);
}

void emit_call(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        const struct ir_helper *h = (const struct ir_helper *)(intptr_t)i->imm;
        struct cold *c = NULL;
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
        emit_const(e, SCRATCH, (uintptr_t)h->fn);
        a64_bl_exec(&e->a, h->fpstate ? e->h->call_fp[fp_temps] : e->h->call[fp_temps]);
        /* Pinned slots are within reach, so x17 stays the status. */
        ra_reload_groups(&e->ra, h->writes);
        if (c)
                emit_cold_from(c, h->no_return ? a64_b(&e->a) : a64_cbz(&e->a, true, true, SCRATCH2));
        if (e->ra.val[at].last_use) {
                unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

                a64_mov(&e->a, true, d, SCRATCH);
                ra_def_done(&e->ra, at);
        }
}

void emit_control(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        switch ((enum ir_op)i->op) {
        case IR_OP_fence:
                emit_fence(e, i->aux);
                break;
        case IR_OP_hook:
                emit_hook(e, i);
                break;
        case IR_OP_wput: {
                unsigned v = ra_reg(&e->ra, i->arg[0]);

                a64_str(&e->a, true, v, WIDE(i->aux));
                break;
        }
        case IR_OP_wget: {
                unsigned d = ra_def(&e->ra, at, RA_NONE, 0);

                a64_ldr(&e->a, true, d, WIDE(i->aux));
                ra_def_done(&e->ra, at);
                break;
        }
        case IR_OP_budget: {
                struct cold *c = emit_cold(e, COLD_BUDGET, i);

                e->budget = (uint32_t)i->imm;
                a64_ldr(&e->a, true, SCRATCH, HOT(budget));
                a64_arith_imm(&e->a, A64_SUBS, true, SCRATCH, SCRATCH, e->budget);
                emit_cold_from(c, a64_bcc(&e->a, CC_MI));
                a64_str(&e->a, true, SCRATCH, HOT(budget));
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
                emit_brcc(e, i);
                break;
        case IR_OP_exit_jump:
                emit_exit_jump(e, i);
                break;
        case IR_OP_exit_ind:
                emit_exit_ind(e, i);
                break;
        case IR_OP_exit:
                adjust_budget(e, retired_at(e, i->imm));
                exit_at(e, (enum ir_exit)i->cond, i->imm);
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

void cold_control(struct emit *e, const struct cold *c)
{
        switch ((enum cold_kind)c->kind) {
        case COLD_EXIT_AT:
                adjust_budget(e, c->insn);
                exit_at(e, (enum ir_exit)c->d, c->imm);
                break;
        case COLD_EXIT_PC:
                a64_str(&e->a, true, c->x, HOT(pc));
                a64_mov_imm(&e->a, X0, c->d);
                a64_b_exec(&e->a, e->h->exit);
                break;
        case COLD_BUDGET:
                exit_at(e, IR_EXIT_BUDGET, e->r->start_offset);
                break;
        case COLD_STATUS:
                a64_bl_exec(&e->a, e->h->unwind);
                emit_site_here(e, c);
                break;
        case COLD_POLL_SITE:
                a64_mov_imm(&e->a, SCRATCH2, 1 + IR_EXIT_POLL);
                a64_str(&e->a, true, SCRATCH2, OUT_ARG(0));
                a64_bl_exec(&e->a, e->h->unwind);
                emit_site_here(e, c);
                break;
        case COLD_STUB:
                g_array_index(e->out->links, struct code_link, c->lo).stub_offset = e->a.p - e->a.start;
                a64_bl_exec(&e->a, e->h->link);
                break;
        default: /* COLD_LANDING: a return came back */
                if (in_page(c->i->imm))
                        link_branch(e, c->i, c->i->imm);
                else
                        cross_page(e, c->i, c->i->imm, true);
                break;
        }
}
