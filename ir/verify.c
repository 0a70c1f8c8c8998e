/* SPDX-License-Identifier: MIT */
/*
 * The verifier: every rule of docs/ir.md that a region must keep, whether fresh or optimised. Run on each
 * region in debug builds and on all that tests parse. Stateless; what it finds goes into the error with the
 * place.
 */
#include "ir/ir.h"

#include <string.h>

#include "base/error.h"
#include "ir/flags.h"
#include "ir/text.h"
#include "ir/vec.h"

struct verifier {
        const struct ir_region *r;
        uint32_t *block_of; /* by ref; UINT32_MAX outside all blocks */
        uint32_t *idom;
        GError **error;
};

static bool bad(struct verifier *v, ir_ref n, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
static bool bad(struct verifier *v, ir_ref n, const char *fmt, ...)
{
        const struct ir_ins *i = &v->r->ins[n];
        va_list ap;
        char *message;

        va_start(ap, fmt);
        message = g_strdup_vprintf(fmt, ap);
        va_end(ap);
        error_set(v->error, RHEA_ERROR_FAILED, "IR, instruction %u (%s): %s", n,
                  i->op < IR_OP_COUNT ? ir_ops[i->op].name : "?", message);
        g_free(message);
        return false;
}

static bool is_int(enum ir_type t)
{
        return t == IR_I32 || t == IR_I64;
}

static bool dead(const struct ir_ins *i)
{
        return i->flags & IR_INS_DEAD;
}

static const struct ir_helper *helper_of(const struct ir_ins *i)
{
        return (const void *)(intptr_t)i->imm;
}

static enum ir_type arg_type(struct verifier *v, const struct ir_ins *i, unsigned k)
{
        return v->r->ins[i->arg[k]].type;
}

/* ---- blocks ---- */

static bool verify_block(struct verifier *v, uint32_t b)
{
        const struct ir_region *r = v->r;
        const struct ir_block *k = &r->blocks[b];
        uint32_t next[2];
        unsigned n_next;

        if (k->first == 0 || k->end > r->n_ins || k->first >= k->end)
                return error_set(v->error, RHEA_ERROR_FAILED, "IR, block %u is empty or out of range", b);
        for (ir_ref n = k->first; n < k->end; n++) {
                if (r->ins[n].op >= IR_OP_COUNT)
                        return bad(v, n, "no such op");
                if (v->block_of[n] != UINT32_MAX)
                        return bad(v, n, "blocks overlap");
                v->block_of[n] = b;
                if (!(ir_ops[r->ins[n].op].flags & IR_TERM) != (n != k->end - 1))
                        return bad(v, n,
                                   n == k->end - 1 ? "a block must end with a terminator"
                                                   : "terminator inside a block");
        }
        if (dead(&r->ins[k->end - 1]))
                return bad(v, k->end - 1, "dead terminator");
        n_next = ir_successors(&r->ins[k->end - 1], next);
        while (n_next--)
                if (next[n_next] >= r->n_blocks ||
                    r->blocks[next[n_next]].first == r->blocks[next[n_next]].end)
                        return bad(v, k->end - 1, "goes to block %u, which is empty or missing",
                                   next[n_next]);
        return true;
}

static bool verify_blocks(struct verifier *v)
{
        const struct ir_region *r = v->r;
        uint32_t *preds;
        bool ok = true;

        for (ir_ref n = 0; n < r->n_ins; n++)
                v->block_of[n] = UINT32_MAX;
        for (uint32_t b = 0; b < r->n_blocks; b++)
                if ((b == 0 || r->blocks[b].first != r->blocks[b].end) && !verify_block(v, b))
                        return false;
        for (ir_ref n = 1; n < r->n_ins; n++)
                if (v->block_of[n] == UINT32_MAX && !dead(&r->ins[n]))
                        return bad(v, n, "outside all blocks");
        ir_dominators(r, v->idom);
        preds = g_new0(uint32_t, r->n_blocks);
        for (uint32_t b = 0; b < r->n_blocks; b++) {
                uint32_t next[2];
                unsigned n_next =
                        v->idom[b] == UINT32_MAX ? 0 : ir_successors(&r->ins[r->blocks[b].end - 1], next);

                while (n_next--)
                        preds[next[n_next]]++;
        }
        for (uint32_t b = 0; ok && b < r->n_blocks; b++)
                if (preds[b] != r->blocks[b].n_preds)
                        ok = error_set(v->error, RHEA_ERROR_FAILED,
                                       "IR, block %u has %u predecessors and says %u", b, preds[b],
                                       r->blocks[b].n_preds);
        g_free(preds);
        return ok;
}

/* ---- arguments ---- */

static bool dominates(struct verifier *v, uint32_t a, uint32_t b)
{
        while (b != a && b != 0)
                b = v->idom[b];
        return a == b;
}

static unsigned arg_count(const struct ir_ins *i)
{
        return i->op == IR_OP_call ? helper_of(i)->n_args : ir_ops[i->op].n_args;
}

static bool verify_args(struct verifier *v, ir_ref n)
{
        const struct ir_ins *i = &v->r->ins[n];
        unsigned count = arg_count(i);

        for (unsigned k = 0; k < 4; k++) {
                ir_ref a = i->arg[k];

                if (a == 0 && k < count)
                        return bad(v, n, "argument %u is missing", k);
                if (a == 0)
                        continue;
                if (k >= count && !((i->op == IR_OP_put || i->op == IR_OP_drop) && k == 1))
                        return bad(v, n, "argument %u is one too many", k);
                if (a >= n)
                        return bad(v, n, "argument %u is made later", k);
                if (dead(&v->r->ins[a]) || !ir_has_result(&v->r->ins[a]))
                        return bad(v, n, "argument %u is no value", k);
                if (!dominates(v, v->block_of[a], v->block_of[n]))
                        return bad(v, n, "argument %u is not made on all ways here", k);
        }
        return true;
}

/* ---- types, by signature ---- */

static bool verify_compare(struct verifier *v, ir_ref n, bool want_fp)
{
        const struct ir_ins *i = &v->r->ins[n];
        enum ir_type t = arg_type(v, i, 0);

        if (t != arg_type(v, i, 1) || t != (want_fp ? i->aux & 15 : i->aux) ||
            (want_fp ? !ir_type_is_fp(t) : !is_int(t)))
                return bad(v, n,
                           "compared types differ from each other, from aux, or are not of the right kind");
        return true;
}

static bool verify_uniform(struct verifier *v, ir_ref n, bool want_fp)
{
        const struct ir_ins *i = &v->r->ins[n];

        if (want_fp ? !ir_type_is_fp(i->type) : !is_int(i->type))
                return bad(v, n, "result type %s", ir_type_names[i->type]);
        for (unsigned k = 0; k < ir_ops[i->op].n_args; k++)
                if (arg_type(v, i, k) != i->type)
                        return bad(v, n, "argument %u has another type", k);
        return true;
}

static bool verify_conversion(struct verifier *v, ir_ref n)
{
        static const struct {
                uint8_t op, from, to;
        } rows[] = {
                {IR_OP_trunc, IR_I64, IR_I32},   {IR_OP_sext32, IR_I32, IR_I64},
                {IR_OP_zext32, IR_I32, IR_I64},  {IR_OP_bitcast, IR_I32, IR_F32},
                {IR_OP_bitcast, IR_F32, IR_I32}, {IR_OP_bitcast, IR_I64, IR_F64},
                {IR_OP_bitcast, IR_F64, IR_I64}, {IR_OP_fbox, IR_F32, IR_F64},
                {IR_OP_funbox, IR_F64, IR_F32},  {IR_OP_fcvt_hf, IR_I32, IR_F32},
                {IR_OP_fcvt_hf, IR_I32, IR_F64}, {IR_OP_fcvt_fh, IR_F32, IR_I32},
                {IR_OP_fcvt_fh, IR_F64, IR_I32}, {IR_OP_fcvt_ff, IR_F32, IR_F64},
                {IR_OP_fcvt_ff, IR_F64, IR_F32},
        };
        const struct ir_ins *i = &v->r->ins[n];
        enum ir_type from = arg_type(v, i, 0);

        if (i->op == IR_OP_fcvt_fi || i->op == IR_OP_fcvt_if) {
                bool fi = i->op == IR_OP_fcvt_fi;

                if (ir_type_is_fp(from) != fi || is_int(i->type) != fi ||
                    (fi ? !is_int(i->type) : !ir_type_is_fp(i->type)))
                        return bad(v, n, "wrong types");
                if ((i->aux & 15) != from || i->aux > 31)
                        return bad(v, n, "aux does not tell the argument's type");
                return true;
        }
        for (size_t k = 0; k < G_N_ELEMENTS(rows); k++)
                if (rows[k].op == i->op && rows[k].from == from && rows[k].to == i->type)
                        return true;
        return bad(v, n, "wrong types");
}

static bool verify_vector(struct verifier *v, ir_ref n)
{
        const struct ir_ins *i = &v->r->ins[n];

        if (!ir_vec_form_ok(i))
                return bad(v, n, "lanes, constant or result type");
        for (unsigned k = 0; k < ir_ops[i->op].n_args; k++)
                if (!ir_vec_arg_ok(i, k, arg_type(v, i, k)))
                        return bad(v, n, "argument %u has another type", k);
        return true;
}

/* ---- memory ---- */

/* ---- fields, carries, flags ---- */

static bool verify_bits(struct verifier *v, ir_ref n)
{
        const struct ir_ins *i = &v->r->ins[n];
        unsigned full = i->type == IR_I32 ? 32 : 64;
        bool carry = i->op == IR_OP_adc || i->op == IR_OP_sbc;

        if (!is_int(i->type))
                return bad(v, n, "result type %s", ir_type_names[i->type]);
        for (unsigned k = 0; k < ir_ops[i->op].n_args; k++)
                if (arg_type(v, i, k) != (carry && k == 2 ? IR_I64 : i->type))
                        return bad(v, n, "argument %u has another type", k);
        if (i->op == IR_OP_extu || i->op == IR_OP_exts || i->op == IR_OP_insert)
                return (ir_field_len(i->aux) && ir_field_pos(i->aux) + ir_field_len(i->aux) <= full) ||
                       bad(v, n, "field outside the word");
        return true;
}

static bool verify_flags(struct verifier *v, ir_ref n)
{
        const struct ir_ins *i = &v->r->ins[n];
        enum ir_type t = arg_type(v, i, 0);
        unsigned w = i->aux & IR_FL_WIDTH;

        if (i->type != (i->op == IR_OP_fl_test ? IR_I64 : i->op == IR_OP_fl_word ? IR_I32 : IR_FLAGS))
                return bad(v, n, "result type %s", ir_type_names[i->type]);
        switch (i->op) {
        case IR_OP_fl_test: case IR_OP_fl_word:
                return t == IR_FLAGS || bad(v, n, "argument is no flags");
        case IR_OP_fl_from:
                return t == IR_I32 || bad(v, n, "words of flags are I32");
        case IR_OP_fl_with: case IR_OP_fl_merge:
                if (t != IR_FLAGS || arg_type(v, i, 1) != (i->op == IR_OP_fl_with ? IR_I64 : IR_FLAGS))
                        return bad(v, n, "wrong types");
                return i->aux <= IR_FLAG_ALL || bad(v, n, "mask");
        case IR_OP_fl_fcmp:
                return (ir_type_is_fp(t) && t == arg_type(v, i, 1) && t == (i->aux & 15) && i->aux < 64) ||
                       bad(v, n, "compared types differ from each other or from aux");
        default:
                break;
        }
        if ((w != 8 && w != 16 && w != 32 && w != 64) || (i->aux & ~(IR_FL_WIDTH | IR_FL_NOT_C)))
                return bad(v, n, "width");
        for (unsigned k = 0; k < ir_ops[i->op].n_args; k++)
                if (arg_type(v, i, k) != (k == 2 || w == 64 ? IR_I64 : IR_I32))
                        return bad(v, n, "argument %u does not go with the width", k);
        return true;
}

static bool is_barrier(const struct ir_ins *i)
{
        return (i->op == IR_OP_call && !helper_of(i)->pure) || i->op == IR_OP_hook;
}

static bool verify_lookup(struct verifier *v, ir_ref n)
{
        const struct ir_ins *i = &v->r->ins[n];

        if (i->type != IR_I64 || arg_type(v, i, 0) != IR_I64)
                return bad(v, n, "lookups take and give I64");
        if (ir_lookup_lo(i) >= ir_lookup_hi(i) || (int64_t)ir_lookup_hi(i) - ir_lookup_lo(i) > 4096)
                return bad(v, n, "range [%d, %d)", ir_lookup_lo(i), ir_lookup_hi(i));
        return true;
}

static bool verify_found(struct verifier *v, ir_ref n, int64_t lo, int64_t hi)
{
        const struct ir_ins *i = &v->r->ins[n];
        const struct ir_ins *lookup = &v->r->ins[i->arg[0]];

        if (lookup->op != IR_OP_lookup)
                return bad(v, n, "argument 0 must be a lookup");
        if (lookup->arg[0] != i->arg[1])
                return bad(v, n, "base differs from the lookup's");
        if (lo < ir_lookup_lo(lookup) || hi > ir_lookup_hi(lookup))
                return bad(v, n, "outside the lookup's range");
        if (lookup->mem.view != i->mem.view || (i->mem.write && !lookup->mem.write))
                return bad(v, n, "lookup for another view, or without write permission");
        if (v->block_of[i->arg[0]] != v->block_of[n])
                return bad(v, n, "lookup in another block");
        for (ir_ref k = i->arg[0]; k < n; k++)
                if (!dead(&v->r->ins[k]) && is_barrier(&v->r->ins[k]))
                        return bad(v, n, "lookup from before a helper or hook");
        return true;
}

static bool verify_access(struct verifier *v, ir_ref n)
{
        const struct ir_ins *i = &v->r->ins[n];
        bool write = i->op != IR_OP_ld;
        bool atomic = i->op == IR_OP_rmw || i->op == IR_OP_cas || i->op == IR_OP_cas16;
        unsigned size = 1u << i->mem.size_log2;
        unsigned full = i->type == IR_I32 || i->type == IR_F32 ? 4 : 8;

        if (arg_type(v, i, 1) != IR_I64)
                return bad(v, n, "addresses are I64");
        if (i->type == IR_V128 || i->op == IR_OP_cas16)
                full = 16;
        if (i->type == IR_VOID || i->type >= IR_TYPE_COUNT || size > full ||
            (ir_type_is_fp(i->type) && size != full))
                return bad(v, n, "%u bytes do not go with type %s", size, ir_type_names[i->type]);
        if (i->mem.write != write || (atomic && !i->mem.atomic))
                return bad(v, n, "attributes write and atomic must be as the op implies");
        for (unsigned k = 2; k < ir_ops[i->op].n_args; k++)
                if (arg_type(v, i, k) != i->type)
                        return bad(v, n, "argument %u has another type", k);
        if (atomic && !is_int(i->type))
                return bad(v, n, "atomics are of integers");
        if (i->op == IR_OP_rmw && i->mem.rmw >= IR_RMW_COUNT)
                return bad(v, n, "no such atomic");
        if (i->imm != (int32_t)i->imm || (atomic && i->imm))
                return bad(v, n, "displacement");
        return verify_found(v, n, i->imm, i->imm + size);
}

/* ---- state and control ---- */

static bool verify_slot(struct verifier *v, ir_ref n)
{
        const struct ir_ins *i = &v->r->ins[n];
        const struct ir_guest *g = v->r->guest;

        if (i->aux >= g->n_slots)
                return bad(v, n, "no such slot");
        if (i->type != g->slots[i->aux].type)
                return bad(v, n, "slot %s has another type", g->slots[i->aux].name);
        for (unsigned k = 0; i->op != IR_OP_get && k < 2; k++)
                if (i->arg[k] && arg_type(v, i, k) != i->type)
                        return bad(v, n, "value %u has another type", k);
        return true;
}

static bool verify_const(struct verifier *v, ir_ref n)
{
        const struct ir_ins *i = &v->r->ins[n];

        if (i->type == IR_VOID || i->type >= IR_TYPE_COUNT)
                return bad(v, n, "constant of no type");
        if ((i->type == IR_I32 && i->imm != (int32_t)i->imm) ||
            ((i->type == IR_F32 || i->type == IR_FLAGS) && i->imm != (uint32_t)i->imm))
                return bad(v, n, "I32 must be sign-extended in imm, F32 and flags zero-extended");
        return true;
}

static bool verify_call(struct verifier *v, ir_ref n)
{
        const struct ir_ins *i = &v->r->ins[n];
        const struct ir_helper *h = helper_of(i);

        if (i->type != h->type)
                return bad(v, n, "result of %s has another type", h->name);
        if (h->pure && (h->may_exit || h->reads || h->writes || h->fpstate || h->type == IR_VOID))
                return bad(v, n, "%s says that it is pure and that it has effects", h->name);
        if (h->no_return && !h->may_exit)
                return bad(v, n, "%s does not return and may not exit", h->name);
        for (unsigned k = 0; k < h->n_args; k++)
                if (!is_int(arg_type(v, i, k)))
                        return bad(v, n, "argument %u of %s is no integer", k, h->name);
        return true;
}

static bool verify_control(struct verifier *v, ir_ref n)
{
        const struct ir_ins *i = &v->r->ins[n];

        switch (i->op) {
        case IR_OP_const: return verify_const(v, n);
        case IR_OP_get: case IR_OP_put: case IR_OP_drop: return verify_slot(v, n);
        case IR_OP_call: return verify_call(v, n);
        case IR_OP_pcaddr:
                return i->type == IR_I64 || bad(v, n, "addresses are I64");
        case IR_OP_brcc:
                if (!is_int(i->type) || arg_type(v, i, 0) != i->type || arg_type(v, i, 1) != i->type)
                        return bad(v, n, "compared types differ");
                return true;
        case IR_OP_exit_ind:
                return (i->type == IR_I64 && arg_type(v, i, 0) == IR_I64) || bad(v, n, "addresses are I64");
        case IR_OP_insn:
                return i->aux < v->r->n_guest_insns || bad(v, n, "instruction number");
        case IR_OP_wput: case IR_OP_wget:
                if (i->type != IR_I64 || (i->op == IR_OP_wput && arg_type(v, i, 0) != IR_I64) || i->aux > 3)
                        return bad(v, n, "wide words are four of I64");
                return true;
        case IR_OP_fence:
                return (i->aux && i->aux <= IR_FENCE_ALL) || bad(v, n, "mask");
        case IR_OP_budget:
                if (v->block_of[n] != 0)
                        return bad(v, n, "must be in the entry block");
                for (ir_ref k = v->r->blocks[0].first; k < n; k++)
                        if (!dead(&v->r->ins[k]) && v->r->ins[k].op != IR_OP_const &&
                            v->r->ins[k].op != IR_OP_hook)
                                return bad(v, n, "must come first");
                return true;
        default:
                return true;
        }
}

static bool verify_type(struct verifier *v, ir_ref n)
{
        const struct ir_ins *i = &v->r->ins[n];
        enum ir_sig sig = ir_ops[i->op].sig;

        if (i->type >= IR_TYPE_COUNT)
                return bad(v, n, "no such type");
        switch (sig) {
        case IR_SIG_INT: return verify_uniform(v, n, false);
        case IR_SIG_FP: return verify_uniform(v, n, true);
        case IR_SIG_SETCC:
        case IR_SIG_FCMP:
                if (i->type != IR_I64)
                        return bad(v, n, "comparisons give I64");
                return verify_compare(v, n, sig == IR_SIG_FCMP);
        case IR_SIG_SELECT:
                if (arg_type(v, i, 2) != i->type || arg_type(v, i, 3) != i->type)
                        return bad(v, n, "results have another type");
                return verify_compare(v, n, false);
        case IR_SIG_CONV: return verify_conversion(v, n);
        case IR_SIG_LANE: case IR_SIG_VEC: case IR_SIG_VFP: return verify_vector(v, n);
        case IR_SIG_BITS: return verify_bits(v, n);
        case IR_SIG_FLAGS: return verify_flags(v, n);
        case IR_SIG_MEM: return i->op == IR_OP_lookup ? verify_lookup(v, n) : verify_access(v, n);
        case IR_SIG_CTRL: return verify_control(v, n);
        }
        return bad(v, n, "no such signature");
}

static bool verify_fields(struct verifier *v, ir_ref n)
{
        const struct ir_ins *i = &v->r->ins[n];
        unsigned n_words;

        if (ir_cond_words(i->op, &n_words) && i->cond >= n_words)
                return bad(v, n, "condition, rounding or reason out of range");
        if (i->flags & ~(IR_INS_DEFERRED | IR_INS_DEAD))
                return bad(v, n, "no such flag");
        if ((i->flags & IR_INS_DEFERRED) && i->op != IR_OP_put)
                return bad(v, n, "only puts are deferred");
        if (i->op == IR_OP_fsgnj && i->aux > 2)
                return bad(v, n, "kind of sign");
        if (i->op == IR_OP_fma && i->aux > 3)
                return bad(v, n, "signs");
        return true;
}

/* ---- deferred puts ---- */

/* What makes a deferred put of @slot visible. */
static bool sees_slot(struct verifier *v, const struct ir_ins *i, uint32_t slot)
{
        if (i->op == IR_OP_get)
                return i->aux == slot;
        if (i->op == IR_OP_call)
                return (helper_of(i)->reads | helper_of(i)->writes) >> v->r->guest->slots[slot].group & 1;
        if (i->op == IR_OP_poll && (i->aux & 1))
                return false;
        return i->op == IR_OP_hook || (ir_ops[i->op].flags & (IR_MAY_EXIT | IR_TERM));
}

static bool verify_deferred(struct verifier *v, ir_ref n)
{
        const struct ir_region *r = v->r;
        const struct ir_ins *put = &r->ins[n];

        for (ir_ref k = n + 1; k < r->blocks[v->block_of[n]].end; k++) {
                const struct ir_ins *i = &r->ins[k];

                if (dead(i))
                        continue;
                if ((i->op == IR_OP_put || i->op == IR_OP_drop) && i->aux == put->aux)
                        return i->arg[1] == put->arg[0] ||
                               bad(v, n, "deferred, and the next put does not end it");
                if (sees_slot(v, i, put->aux))
                        return bad(v, n, "deferred, and seen by instruction %u (%s)", k, ir_ops[i->op].name);
        }
        return bad(v, n, "deferred, and there is no later put");
}

/* A put that ends a deferred one must have it before it. */
static bool verify_ending(struct verifier *v, ir_ref n)
{
        const struct ir_region *r = v->r;
        const struct ir_ins *put = &r->ins[n];

        for (ir_ref k = n; k-- > r->blocks[v->block_of[n]].first;) {
                const struct ir_ins *i = &r->ins[k];

                if (!dead(i) && i->op == IR_OP_put && i->aux == put->aux)
                        return ((i->flags & IR_INS_DEFERRED) && i->arg[0] == put->arg[1]) ||
                               bad(v, n, "ends a put that is not deferred");
        }
        return bad(v, n, "ends a deferred put that is not there");
}

/* ---- guest instructions ---- */

/* Does the block begin a guest instruction before anything that belongs to one? */
static bool begins_insn(const struct ir_region *r, const struct ir_block *k)
{
        for (ir_ref n = k->first; n < k->end; n++) {
                const struct ir_ins *i = &r->ins[n];

                if (!dead(i) && i->op != IR_OP_const && i->op != IR_OP_hook && i->op != IR_OP_budget)
                        return i->op == IR_OP_insn;
        }
        return false;
}

/* All ways to a block come from one guest instruction, unless the block begins with one. */
static bool verify_insns(struct verifier *v)
{
        const struct ir_region *r = v->r;
        ir_ref *entry = g_new0(ir_ref, r->n_blocks);
        bool ok = true;

        ir_entry_insns(r, entry);
        for (uint32_t b = 0; ok && b < r->n_blocks; b++) {
                ir_ref insn = entry[b];

                if (v->idom[b] == UINT32_MAX)
                        continue;
                for (ir_ref n = r->blocks[b].first; ok && n < r->blocks[b].end; n++) {
                        const struct ir_ins *i = &r->ins[n];

                        if (dead(i))
                                continue;
                        if (i->op == IR_OP_insn)
                                insn = n;
                        if (!insn && ((ir_ops[i->op].flags & IR_MAY_FAULT) ||
                                      (i->op == IR_OP_call && helper_of(i)->may_exit)))
                                ok = bad(v, n, "may leave, and no guest instruction has begun");
                        if (ir_ops[i->op].flags & IR_TERM) {
                                uint32_t next[2];
                                unsigned n_next = ir_successors(i, next);

                                while (ok && n_next--)
                                        if (entry[next[n_next]] != insn &&
                                            !begins_insn(r, &r->blocks[next[n_next]]))
                                                ok = bad(v, n,
                                                         "block %u is reached from two guest instructions",
                                                         next[n_next]);
                        }
                }
        }
        g_free(entry);
        return ok;
}

static bool verify_region(struct verifier *v)
{
        const struct ir_region *r = v->r;

        if (r->fp.round > IR_RM_RMM)
                return error_set(v->error, RHEA_ERROR_FAILED, "IR, rounding mode %u of the region",
                                 r->fp.round);
        if (!verify_blocks(v))
                return false;
        for (ir_ref n = 1; n < r->n_ins; n++) {
                const struct ir_ins *i = &r->ins[n];

                if (dead(i) || v->idom[v->block_of[n]] == UINT32_MAX)
                        continue;
                if (!verify_args(v, n) || !verify_type(v, n) || !verify_fields(v, n))
                        return false;
                if ((i->flags & IR_INS_DEFERRED) && !verify_deferred(v, n))
                        return false;
                if ((i->op == IR_OP_put || i->op == IR_OP_drop) && i->arg[1] && !verify_ending(v, n))
                        return false;
        }
        return verify_insns(v);
}

bool ir_verify(const struct ir_region *r, GError **error)
{
        struct verifier v = {.r = r, .error = error};
        bool ok;

        v.block_of = g_new(uint32_t, r->n_ins);
        v.idom = g_new(uint32_t, r->n_blocks);
        ok = verify_region(&v);
        g_free(v.block_of);
        g_free(v.idom);
        return ok;
}
