/* SPDX-License-Identifier: MIT */
/*
 * Guest memory as far as no host decides it. A lookup with one user is fused with it. A lookup with several
 * leaves the host address of (base + lo) in a register, 0 for none; each user tests it. Their cold code looks
 * up once more for those to come.
 */
#include "backend/emit.h"

#include "machines/core/vcpu.h"

static bool has_lookup_of_its_own(const struct emit *e, ir_ref lookup)
{
        return e->ra.val[lookup].uses == 1 && !e->ra.val[lookup].crosses;
}

void emit_lookup(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        if (e->ra.val[at].uses == 0 || has_lookup_of_its_own(e, at))
                return;
        unsigned a = ra_reg(&e->ra, i->arg[0]);
        int32_t lo = emit_lookup_lo(i), span = emit_lookup_span(i);
        struct cold *c = emit_cold(e, COLD_LOOKUP, i);

        ra_operands_done(&e->ra);
        unsigned d = ra_def(&e->ra, at, RA_NONE, RA_BIT(a));

        c->d = d;
        if (i->mem.view || span > GUEST_PAGE_SIZE) {
                emit_cold_from(c, emit_jump(e));
        } else {
                if (i->mem.write && span <= 1 << CODE_LINE_BITS) {
                        c->beside.a = a;
                        c->beside.t = d;
                        c->beside.spare = ra_spare(&e->ra, RA_BIT(a) | RA_BIT(d));
                        c->beside.span = span;
                        c->beside.lo = lo;
                }
                emit_host_address(e, c, d, a, lo, i->mem.write, span);
                e->lookup_end = e->a.p;
                e->lookup_cold = c;
        }
        c->back = e->a.p;
        ra_def_done(&e->ra, at);
}

/* ---- touches ---- */

void touch_operands(struct emit *e, struct touch *t, const struct ir_ins *i, enum cold_kind kind,
                    bool address)
{
        bool atomic = i->op == IR_OP_rmw || i->op == IR_OP_cas || i->op == IR_OP_cas16;

        t->i = i;
        t->lookup = &e->ra.ins[i->arg[0]];
        t->slow = emit_always_slow(e, i);
        /* an atomic looks up by itself, as late as can be */
        t->fused = atomic || (has_lookup_of_its_own(e, i->arg[0]) && t->lookup->op == IR_OP_lookup);
        t->c = emit_cold(e, kind, i);
        t->c->imm = atomic ? 0 : i->imm;
        t->a = t->h = t->t = RA_NONE;
        if (t->fused && (!t->slow || address))
                t->a = ra_reg(&e->ra, i->arg[1]);
        else if (!t->slow)
                t->h = ra_reg(&e->ra, i->arg[0]);
}

void touch_site(struct emit *e, struct touch *t, unsigned max_temps)
{
        emit_site(e, t->c, max_temps);
        t->c->addr = ra_where(&e->ra, t->i->arg[1]);
        ra_operands_done(&e->ra);
        /* The cold code reads the address even where this is its last use: what makes room goes elsewhere. */
        if (t->c->addr.kind == RA_REG)
                e->ra.operands |= RA_BIT(t->c->addr.reg);
}

bool touch_follows_lookup(struct emit *e, struct touch *t)
{
        struct cold *c = t->c;

        c->single = true;
        if (ra_live_after(&e->ra, t->i->arg[0]) && ra_live_after(&e->ra, t->i->arg[1]) &&
            !t->lookup->mem.view) {
                c->relookup = true;
                c->t = t->h;
                c->lo = emit_lookup_lo(t->lookup);
                c->lo_span = GUEST_PAGE_SIZE - emit_lookup_span(t->lookup);
                c->write = t->lookup->mem.write;
                c->addr2 = ra_where(&e->ra, t->i->arg[1]);
        }
        if (e->lookup_end != e->a.p || e->lookup_cold->i != t->lookup ||
            (!c->relookup && ra_live_after(&e->ra, t->i->arg[0])))
                return false;
        /* Right behind its lookup, with no code between: what misses comes here at once. */
        for (unsigned k = 0; k < e->lookup_cold->n_from; k++)
                emit_cold_from(c, e->lookup_cold->from[k]);
        c->beside = e->lookup_cold->beside;
        e->lookup_cold->n_from = 0;
        return true;
}

/* ---- cold code ---- */

static bool is_whole_vector(const struct ir_ins *i)
{
        return i->type == IR_V128 && i->mem.size_log2 == 4;
}

/* The thunk of the slow path; what it takes besides the address goes to the frame. */
static const uint8_t *slow_access(struct emit *e, const struct cold *c)
{
        const struct ir_mem *m = &c->i->mem;
        const uint8_t *single = NULL;
        bool plain = !emit_always_slow(e, c->i) && !m->for_write;

        if (is_whole_vector(c->i)) {
                if (c->kind == COLD_STORE)
                        cold_vector_arg(e, c->value.reg);
                if (plain)
                        single = (c->kind == COLD_STORE ? e->h->single_store128 : e->h->single_load128)[m->align];
                return single ? single : c->kind == COLD_STORE ? e->h->store128 : e->h->load128;
        }
        switch ((enum cold_kind)c->kind) {
        case COLD_LOAD:
                if (c->single && plain && !m->align)
                        single = e->h->single_load[c->fp_temps][emit_load_form(m->size_log2, m->sign,
                                                                               c->i->type == IR_I64)];
                return single ? single : e->h->load[c->fp_temps];
        case COLD_STORE:
                cold_value_arg(e, 0, &c->value);
                return emit_always_slow(e, c->i) ? e->h->slow_store[c->fp_temps]
                                                 : e->h->store[c->fp_temps][c->i->mem.size_log2];
        case COLD_CAS16:
                return e->h->cas16;
        case COLD_RMW:
                cold_value_arg(e, 0, &c->value);
                return e->h->rmw;
        default:
                cold_value_arg(e, 0, &c->value);
                cold_value_arg(e, 1, &c->value2);
                return e->h->cas;
        }
}

void cold_memory(struct emit *e, const struct cold *c)
{
        const uint8_t *thunk;
        uint32_t word;

        if (c->beside.span)
                cold_beside(e, c);
        if (c->kind == COLD_LOOKUP) {
                cold_no_address(e, c->d);
                return;
        }
        thunk = slow_access(e, c);
        memcpy(&word, &c->i->mem, sizeof(word));
        cold_call(e, &c->addr, c->imm, thunk, word, c);
        if (c->kind == COLD_LOAD && is_whole_vector(c->i))
                cold_vector_value(e, c->d);
        else if (c->kind != COLD_STORE)
                emit_from_scratch(e, c->d);
        if (c->relookup) {
                cold_call(e, &c->addr2, c->lo, e->h->relookup[c->write], c->lo_span, NULL);
                emit_from_scratch(e, c->t);
        }
}
