/* SPDX-License-Identifier: MIT */
/*
 * What readers of condition flags have of the plan (backend/flagplan.h): where the operands are from which a host tells
 * a condition or a carry. The allocator's rules hold: these come before ra_operands_done.
 */
#include "backend/emit.h"

struct ra_opnd emit_in_register(struct emit *e, ir_ref v)
{
        return (struct ra_opnd){.kind = RA_REG, .reg = ra_reg(&e->ra, v)};
}

void emit_flag_operands(struct emit *e, ir_ref f, struct flag_operands *o)
{
        const struct ir_ins *i = &e->r->ins[f];
        ir_ref test = e->ra.plan[f].test;

        o->op = i;
        o->test = test;
        if (test)
                i = &e->r->ins[test];
        if (i->op == IR_OP_fl_fcmp) {
                o->x = emit_in_register(e, i->arg[0]);
                o->y = emit_in_register(e, i->arg[1]);
        } else {
                emit_integer_operands(e, i, o);
        }
}

bool emit_is_reader(const struct emit *e, uint32_t at)
{
        return e->ra.plan && e->ra.plan[at].how;
}

struct flag_reader emit_reader_operands(struct emit *e, uint32_t at)
{
        const struct flag_plan *plan = &e->ra.plan[at];
        struct flag_reader r = {.plan = plan, .of = {.op = &e->r->ins[plan->from], .x = {.kind = RA_IMM},
                                                     .y = {.kind = RA_IMM}}};

        if (plan->how == FLAG_AGAIN)
                emit_flag_operands(e, plan->from, &r.of);
        else if (plan->how == FLAG_WORD)
                r.of.x = emit_in_register(e, plan->from);
        return r;
}

struct flag_carry emit_carry_operands(struct emit *e, uint32_t at)
{
        struct flag_carry c = {.is_reader = emit_is_reader(e, at)};

        if (c.is_reader)
                c.reader = emit_reader_operands(e, at);
        else
                c.value = ra_any(&e->ra, e->r->ins[at].arg[2]);
        return c;
}
