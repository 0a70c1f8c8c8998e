/* SPDX-License-Identifier: MIT */
/*
 * A second evaluator of regions, slow and literal, with the liberties that a backend has: a deferred put
 * writes nothing and its value appears in the slot only if a fault comes before the put that ends it; an
 * access that its lookup does not cover, or whose lookup has the wrong base or permission, is an error. What
 * it shares with the interpreter is ir_eval.
 */
#include "tests/ir/world.h"

#include <string.h>

#include "base/error.h"

struct literal {
        const struct ir_region *r;
        struct world *w;
        uint64_t *value;      /* by ref */
        uint64_t *high;       /* of vectors, the high half */
        bool *made;
        bool pending[SLOT_COUNT];
        uint64_t deferred[SLOT_COUNT], deferred_high[SLOT_COUNT];
        ir_ref insn;
        bool left;
        GError **error;
        bool ok;
        uint64_t wide[4];
};

static void broken(struct literal *l, const char *what)
{
        if (l->ok)
                l->ok = error_set(l->error, RHEA_ERROR_FAILED, "literal evaluation: %s", what);
        l->left = true;
}

static uint64_t arg(struct literal *l, const struct ir_ins *i, unsigned k)
{
        ir_ref a = i->arg[k];

        if (a == 0)
                return 0;
        if (!l->made[a])
                broken(l, "a value is used before it is made");
        return l->value[a];
}

static struct ir_v128 vec_arg(struct literal *l, const struct ir_ins *i, unsigned k)
{
        return (struct ir_v128){{arg(l, i, k), l->high[i->arg[k]]}};
}

static void slot_put(struct literal *l, uint32_t s, uint64_t v, uint64_t high)
{
        if (world_guest.slots[s].type == IR_V128)
                world_vec_put(l->w, s, (struct ir_v128){{v, high}});
        else
                world_slot_put(l->w, s, v);
}

static void leave(struct literal *l, enum ir_exit reason, uint64_t pc)
{
        l->w->exit = reason;
        l->w->pc = pc;
        l->w->insn = l->insn ? l->r->ins[l->insn].aux : 0;
        l->left = true;
}

/* A fault or a helper's status: the fault map brings the deferred slots home. */
static void leave_here(struct literal *l, uint64_t status)
{
        for (uint32_t s = 0; s < SLOT_COUNT; s++)
                if (l->pending[s])
                        slot_put(l, s, l->deferred[s], l->deferred_high[s]);
        leave(l, status - 1, WORLD_PAGE + (l->insn ? l->r->ins[l->insn].imm : l->r->start_offset));
}

/* A door: no slot may be pending. */
static void check_home(struct literal *l, uint64_t groups)
{
        for (uint32_t s = 0; s < SLOT_COUNT; s++)
                if (l->pending[s] && (groups >> world_guest.slots[s].group & 1))
                        broken(l, "a slot is deferred where it can be seen");
}

static void do_put(struct literal *l, const struct ir_ins *i)
{
        uint32_t s = i->aux;
        uint64_t v = arg(l, i, 0);

        if (i->arg[1] && (!l->pending[s] || l->deferred[s] != arg(l, i, 1)))
                broken(l, "a put ends a deferred one that is another");
        if (!i->arg[1] && l->pending[s])
                broken(l, "a put does not say that it ends a deferred one");
        l->pending[s] = i->flags & IR_INS_DEFERRED;
        l->deferred[s] = v;
        l->deferred_high[s] = l->high[i->arg[0]];
        if (!l->pending[s])
                slot_put(l, s, v, l->high[i->arg[0]]);
}

static void check_lookup(struct literal *l, const struct ir_ins *i, uint64_t address)
{
        const struct ir_ins *lookup = &l->r->ins[i->arg[0]];
        uint64_t base = l->value[lookup->arg[0]];
        int64_t lo = (int64_t)(address - base), hi = lo + (1 << i->mem.size_log2);

        arg(l, i, 0);
        if (lo < ir_lookup_lo(lookup) || hi > ir_lookup_hi(lookup))
                broken(l, "an access outside its lookup's range");
        if (i->mem.write && !lookup->mem.write)
                broken(l, "a write through a lookup for reading");
        if (i->mem.view != lookup->mem.view)
                broken(l, "an access in another view than its lookup");
}

/* A vector's 16 bytes in or out; smaller accesses are those of scalars. */
static struct ir_helper_ret do_access128(struct literal *l, const struct ir_ins *i, ir_ref n,
                                         uint64_t address,
                                         uint32_t mem)
{
        struct ir_v128 v = {{0, 0}};
        struct ir_helper_ret ret = {0, 0};

        if (i->op == IR_OP_ld) {
                ret.status = world_load128(l->w, address, mem, &v);
                ret.value = v.w[0];
                l->high[n] = v.w[1];
        } else {
                v = vec_arg(l, i, 2);
                ret.status = world_store128(l->w, address, mem, &v);
        }
        return ret;
}

static struct ir_helper_ret do_access(struct literal *l, const struct ir_ins *i, ir_ref n)
{
        uint64_t address = arg(l, i, 1) + i->imm;
        uint32_t mem;

        memcpy(&mem, &i->mem, sizeof(mem));
        check_lookup(l, i, address);
        if (i->type == IR_V128 && i->mem.size_log2 == 4)
                return do_access128(l, i, n, address, mem);
        switch (i->op) {
        case IR_OP_ld: return world_load(l->w, address, mem);
        case IR_OP_st: return world_store(l->w, address, arg(l, i, 2), mem);
        case IR_OP_rmw: return world_rmw(l->w, address, arg(l, i, 2), mem);
        case IR_OP_cas16: return world_cas16(l->w, address, l->wide, mem);
        default: return world_cas(l->w, address, arg(l, i, 2), arg(l, i, 3), mem);
        }
}

static struct ir_helper_ret do_call(struct literal *l, const struct ir_ins *i)
{
        const struct ir_helper *h = (const void *)(intptr_t)i->imm;

        check_home(l, h->reads | h->writes);
        if (!h->pure) /* lookups from before are void */
                for (ir_ref n = 0; n < l->r->n_ins; n++)
                        l->made[n] &= l->r->ins[n].op != IR_OP_lookup;
        return h->fn((struct vcpu *)l->w, arg(l, i, 0), arg(l, i, 1), arg(l, i, 2), arg(l, i, 3));
}

static uint64_t sign_bit(enum ir_type t)
{
        return t == IR_F32 ? 1u << 31 : 1ull << 63;
}

static uint64_t do_value(struct literal *l, const struct ir_ins *i)
{
        uint64_t a[4] = {arg(l, i, 0), arg(l, i, 1), arg(l, i, 2), arg(l, i, 3)}, v = 0,
                 sign = sign_bit(i->type);

        switch (i->op) {
        case IR_OP_const: return i->type == IR_I32 ? (uint32_t)i->imm : (uint64_t)i->imm;
        case IR_OP_get:
                check_home(l, l->pending[i->aux] ? ~0ull : 0);
                return world_slot_get(l->w, i->aux);
        case IR_OP_wget: return l->wide[i->aux];
        case IR_OP_pcaddr: return WORLD_PAGE + i->imm;
        case IR_OP_lookup: return 1;
        case IR_OP_fabs: return a[0] & ~sign;
        case IR_OP_fneg: return a[0] ^ sign;
        case IR_OP_fsgnj:
                v = i->aux == 0 ? a[1] : i->aux == 1 ? ~a[1] : a[0] ^ a[1];
                return (a[0] & ~sign) | (v & sign);
        }
        if ((ir_ops[i->op].flags & IR_FPSTATE) || i->op == IR_OP_funbox)
                return world_fp(l->w, &l->r->fp, i, l->r->ins[i->arg[0]].type, a[0], a[1], a[2]);
        if (!ir_eval(i, a, &v))
                broken(l, "an op that cannot be evaluated");
        return v;
}

static uint64_t do_vector(struct literal *l, const struct ir_ins *i, ir_ref n)
{
        struct ir_v128 args[3], r;

        for (unsigned k = 0; k < 3; k++)
                args[k] = k < ir_ops[i->op].n_args ? vec_arg(l, i, k) : (struct ir_v128){{0, 0}};
        if (ir_ops[i->op].flags & IR_FPSTATE)
                world_vfp(l->w, &l->r->fp, i, args, &r);
        else
                ir_vec_eval(i, args, &r);
        l->high[n] = r.w[1];
        return r.w[0];
}

/* Constants, slots and choices of vectors. */
static uint64_t do_vector_move(struct literal *l, const struct ir_ins *i, ir_ref n)
{
        struct ir_v128 r = {{(uint64_t)i->imm, (uint64_t)i->imm}};

        if (i->op == IR_OP_get) {
                check_home(l, l->pending[i->aux] ? ~0ull : 0);
                r = world_vec_get(l->w, i->aux);
        } else if (i->op == IR_OP_select) {
                r = vec_arg(l, i, ir_cond_eval(i->cond, i->aux, arg(l, i, 0), arg(l, i, 1)) ? 2 : 3);
        }
        l->high[n] = r.w[1];
        return r.w[0];
}

static void do_control(struct literal *l, const struct ir_ins *i, ir_ref n)
{
        switch (i->op) {
        case IR_OP_insn:
                l->insn = n;
                break;
        case IR_OP_wput:
                l->wide[i->aux] = arg(l, i, 0);
                break;
        case IR_OP_put:
                do_put(l, i);
                break;
        case IR_OP_drop:
                if (i->arg[1] && (!l->pending[i->aux] || l->deferred[i->aux] != arg(l, i, 1)))
                        broken(l, "a drop ends a deferred put that is another");
                if (!i->arg[1] && l->pending[i->aux])
                        broken(l, "a drop does not say that it ends a deferred put");
                l->pending[i->aux] = false;
                break;
        case IR_OP_hook:
                check_home(l, ~0ull);
                for (ir_ref k = 0; k < l->r->n_ins; k++)
                        l->made[k] &= l->r->ins[k].op != IR_OP_lookup;
                world_hook(l->w, i->aux, i->imm);
                break;
        case IR_OP_budget:
                check_home(l, ~0ull);
                if (l->w->budget < i->imm)
                        leave_here(l, 1 + IR_EXIT_BUDGET);
                else
                        l->w->budget -= i->imm;
                break;
        case IR_OP_poll:
                if (i->aux & 1) {
                        if (l->w->poll)
                                leave_here(l, 1 + IR_EXIT_POLL);
                        if (l->left)
                                l->w->pc = WORLD_PAGE + i->imm;
                        break;
                }
                check_home(l, ~0ull);
                if (l->w->poll)
                        leave(l, IR_EXIT_POLL, WORLD_PAGE + i->imm);
                break;
        case IR_OP_exit_jump:
                check_home(l, ~0ull);
                leave(l, l->w->poll && (i->aux & 1) ? IR_EXIT_POLL : IR_EXIT_LINK, WORLD_PAGE + i->imm);
                break;
        case IR_OP_exit_ind:
                check_home(l, ~0ull);
                leave(l, l->w->poll ? IR_EXIT_POLL : IR_EXIT_INDIRECT, arg(l, i, 0));
                break;
        case IR_OP_exit:
                check_home(l, ~0ull);
                leave(l, i->cond, WORLD_PAGE + i->imm);
                break;
        }
}

static void do_ins(struct literal *l, ir_ref n)
{
        const struct ir_ins *i = &l->r->ins[n];
        bool access = ir_ops[i->op].sig == IR_SIG_MEM && i->op != IR_OP_lookup;
        struct ir_helper_ret ret = {0, 0};

        if (access)
                ret = do_access(l, i, n);
        else if (i->op == IR_OP_call)
                ret = do_call(l, i);
        else if (ir_is_vector_op(i->op))
                ret.value = do_vector(l, i, n);
        else if (i->type == IR_V128 && ir_has_result(i))
                ret.value = do_vector_move(l, i, n);
        else if (ir_has_result(i))
                ret.value = do_value(l, i);
        else
                do_control(l, i, n);
        if (ret.status)
                leave_here(l, ret.status);
        if (i->type == IR_I32 || i->type == IR_F32)
                ret.value = (uint32_t)ret.value;
        l->value[n] = ret.value;
        l->made[n] = true;
}

static bool run_literal(const struct ir_region *r, struct world *w, GError **error)
{
        struct literal l = {.r = r, .w = w, .error = error, .ok = true};
        uint32_t block = 0;

        l.value = g_new0(uint64_t, r->n_ins);
        l.high = g_new0(uint64_t, r->n_ins);
        l.made = g_new0(bool, r->n_ins);
        while (!l.left) {
                const struct ir_block *k = &r->blocks[block];
                const struct ir_ins *t = &r->ins[k->end - 1];

                for (ir_ref n = k->first; n < k->end && !l.left; n++)
                        if (!(r->ins[n].flags & IR_INS_DEAD))
                                do_ins(&l, n);
                if (l.left)
                        break;
                check_home(&l, ~0ull);
                if (t->op == IR_OP_br)
                        block = t->aux;
                else if (ir_cond_eval(t->cond, t->type, arg(&l, t, 0), arg(&l, t, 1)))
                        block = (uint32_t)t->imm;
                else
                        block = (uint64_t)t->imm >> 32;
        }
        g_free(l.value);
        g_free(l.high);
        g_free(l.made);
        return l.ok;
}

const struct ir_engine ir_engine_literal = {"literal", run_literal};
