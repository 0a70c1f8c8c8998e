/* SPDX-License-Identifier: MIT */
/*
 * Control as far as no host decides it: which exits, links, polls and calls a region has, and their cold
 * code. At a terminator only the pins are live, so hosts may use all temporaries.
 */
#include "backend/emit.h"

#include "machines/core/vcpu.h"

/* The region took its whole count from the budget; it is left after @retired instructions. */
static void adjust_budget(struct emit *e, uint32_t retired)
{
        if (retired < e->budget)
                emit_budget_add(e, e->budget - retired);
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

void emit_exit_pc(struct emit *e, const struct ir_ins *i, uint8_t *from, enum ir_exit reason, unsigned reg)
{
        struct cold *c = emit_cold(e, COLD_EXIT_PC, i);

        c->x = reg;
        c->d = reason;
        emit_cold_from(c, from);
}

/* ---- links ---- */

void emit_link(struct emit *e, const struct ir_ins *i, uint8_t *jump, int64_t target)
{
        struct code_link l = {.patch_offset = jump - e->a.start, .target = (int32_t)target};
        struct cold *c = emit_cold(e, COLD_STUB, i);

        c->lo = e->out->links->len;
        emit_cold_from(c, jump);
        g_array_append_val(e->out->links, l);
}

bool emit_in_page(int64_t offset)
{
        return offset >= 0 && offset <= GUEST_PAGE_SIZE - 4;
}

/* Goes to page + imm; @landed: vpage_base is the target's already. */
static void leave_for(struct emit *e, const struct ir_ins *i, bool landed)
{
        if (emit_in_page(i->imm))
                emit_link(e, i, emit_link_jump(e), i->imm);
        else
                emit_cross_page(e, i, i->imm, landed);
}

/* ---- branches within the region ---- */

void emit_fixup(struct emit *e, uint8_t *at, uint32_t block)
{
        e->fixups[e->n_fixups++] = (struct emit_fixup){at, block};
}

void emit_go_to(struct emit *e, uint32_t block)
{
        uint32_t next = e->block + 1;

        while (next < e->r->n_blocks && e->skip_block[next])
                next++;
        if (block != next)
                emit_fixup(e, emit_jump(e), block);
}

/* ---- exits ---- */

/*
 * How many instructions are complete when the region is left for @pc: the one in force is not if it is to
 * run.
 */
static uint32_t retired_at(const struct emit *e, int64_t pc)
{
        return e->insn + (pc != e->page_offset);
}

static void emit_exit_jump(struct emit *e, const struct ir_ins *i)
{
        adjust_budget(e, e->insn + 1);
        if (i->aux & 1)
                cold_exit_at(e, i, emit_poll(e), IR_EXIT_POLL, e->budget);
        leave_for(e, i, false);
}

static void emit_exit_ind(struct emit *e, const struct ir_ins *i)
{
        unsigned pc = ra_reg(&e->ra, i->arg[0]);

        adjust_budget(e, e->insn + 1);
        emit_exit_pc(e, i, emit_poll(e), IR_EXIT_POLL, pc);
        emit_indirect(e, i, pc);
}

static void emit_poll_op(struct emit *e, const struct ir_ins *i)
{
        struct cold *c;

        if (!(i->aux & 1)) {
                cold_exit_at(e, i, emit_poll(e), IR_EXIT_POLL, retired_at(e, i->imm));
                return;
        }
        c = emit_cold(e, COLD_POLL_SITE, i);
        emit_site(e, c, RA_NREGS);
        c->page_offset = (uint16_t)i->imm;
        emit_cold_from(c, emit_poll(e));
}

static void emit_budget(struct emit *e, const struct ir_ins *i)
{
        struct cold *c = emit_cold(e, COLD_BUDGET, i);

        e->budget = (uint32_t)i->imm;
        emit_budget_take(e, c);
}

/* ---- calls ---- */

static void emit_hook(struct emit *e, const struct ir_ins *i)
{
        ra_flush_groups(&e->ra, ~0ull);
        emit_pc(e);
        emit_out_arg(e, 0, &(struct ra_opnd){.kind = RA_IMM, .imm = i->aux}, IR_I64);
        emit_out_arg(e, 1, &(struct ra_opnd){.kind = RA_IMM, .imm = i->imm}, IR_I64);
        emit_call_exec(e, e->h->hook);
}

static const uint8_t *call_thunk(const struct emit_host *h, const struct ir_helper *helper, bool fp_temps)
{
        if (helper->leaf && h->call_leaf)
                return h->call_leaf;
        return helper->fpstate ? h->call_fp[fp_temps] : h->call[fp_temps];
}

static void emit_call(struct emit *e, uint32_t at, const struct ir_ins *i)
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
        emit_call_helper(e, (uintptr_t)h->fn, call_thunk(e->h, h, fp_temps));
        ra_reload_groups(&e->ra, h->writes);
        if (c)
                emit_cold_from(c, h->no_return ? emit_jump(e) : emit_status_jump(e));
        if (e->ra.val[at].last_use) {
                emit_from_scratch(e, ra_def(&e->ra, at, RA_NONE, 0));
                ra_def_done(&e->ra, at);
        }
}

void emit_control(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        switch ((enum ir_op)i->op) {
        case IR_OP_fence:
                emit_fence(e, i->aux);
                break;
        case IR_OP_wput:
                emit_wide_store(e, i->aux, ra_reg(&e->ra, i->arg[0]));
                break;
        case IR_OP_wget:
                emit_wide_load(e, ra_def(&e->ra, at, RA_NONE, 0), i->aux);
                ra_def_done(&e->ra, at);
                break;
        case IR_OP_call:
                emit_call(e, at, i);
                break;
        case IR_OP_hook:
                emit_hook(e, i);
                break;
        case IR_OP_budget:
                emit_budget(e, i);
                break;
        case IR_OP_poll:
                emit_poll_op(e, i);
                break;
        case IR_OP_br:
                emit_go_to(e, i->aux);
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
                emit_exit_at(e, (enum ir_exit)i->cond, i->imm);
                break;
        case IR_OP_ret_push:
                emit_ret_push(e, i, emit_cold(e, COLD_LANDING, i));
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
                emit_exit_at(e, (enum ir_exit)c->d, c->imm);
                break;
        case COLD_EXIT_PC:
                cold_exit_pc(e, (enum ir_exit)c->d, c->x);
                break;
        case COLD_BUDGET:
                cold_budget(e, c);
                emit_exit_at(e, IR_EXIT_BUDGET, e->r->start_offset);
                break;
        case COLD_POLL_SITE:
                cold_status(e, 1 + IR_EXIT_POLL);
                emit_call_exec(e, e->h->unwind);
                emit_site_here(e, c);
                break;
        case COLD_STATUS:
                emit_call_exec(e, e->h->unwind);
                emit_site_here(e, c);
                break;
        case COLD_STUB:
                g_array_index(e->out->links, struct code_link, c->lo).stub_offset = e->a.p - e->a.start;
                emit_call_exec(e, e->h->link);
                break;
        default: /* COLD_LANDING: a return came back */
                leave_for(e, c->i, true);
                break;
        }
}
