/* SPDX-License-Identifier: MIT */
#include "backend/emit.h"

#include "base/arena.h"
#include "base/error.h"

/* ---- cold code ---- */

enum { MAX_COLD = 3 }; /* pieces that one instruction makes at most */

struct cold *emit_cold(struct emit *e, enum cold_kind kind, const struct ir_ins *i)
{
        static const struct cold none = {0};
        struct cold *c = &e->cold[e->n_cold++];

        *c = none;
        c->kind = kind;
        c->i = i;
        c->insn = e->insn;
        c->page_offset = e->page_offset;
        return c;
}

void emit_cold_from(struct cold *c, uint8_t *jump)
{
        c->from[c->n_from++] = jump;
}

void emit_site(struct emit *e, struct cold *c, unsigned max_temps)
{
        struct slot_loc locs[RA_MAX_DEFERRED];

        c->fp_temps = ra_any_live(&e->ra, ~0ull << RA_FPR);
        c->first_loc = e->out->locs->len;
        c->n_locs = e->ra.n_deferred ? ra_snapshot(&e->ra, locs, max_temps) : 0;
        if (c->n_locs)
                g_array_append_vals(e->out->locs, locs, c->n_locs);
}

void emit_site_here(struct emit *e, const struct cold *c)
{
        struct fault_site s = {
                .code_offset = e->a.p - e->a.start,
                .page_offset = c->page_offset,
                .insn_index = c->insn,
                .first_loc = c->first_loc,
                .n_locs = c->n_locs,
        };

        g_array_append_val(e->out->sites, s);
}

static void cold(struct emit *e, const struct cold *c)
{
        if (!c->n_from)
                return; /* another piece took over its jumps */
        for (unsigned k = 0; k < c->n_from; k++)
                emit_patch(e, c->from[k], e->a.p);
        switch ((enum cold_kind)c->kind) {
        case COLD_LOAD:
        case COLD_STORE:
        case COLD_RMW:
        case COLD_CAS:
        case COLD_CAS16:
        case COLD_LOOKUP:
                cold_memory(e, c);
                break;
        case COLD_EXIT_AT:
        case COLD_EXIT_PC:
        case COLD_BUDGET:
        case COLD_STATUS:
        case COLD_POLL_SITE:
        case COLD_STUB:
        case COLD_LANDING:
                cold_control(e, c);
                break;
        default:
                cold_op(e, c);
                break;
        }
        if (c->back)
                emit_patch(e, emit_jump(e), c->back);
}

/* ---- the walk ---- */

/* Ops that are not here are of vectors or of control, but for those that the walk does itself. */
static emit_op *const ops[IR_OP_COUNT] = {
        [IR_OP_add] = emit_alu, [IR_OP_sub] = emit_alu, [IR_OP_and] = emit_alu, [IR_OP_or] = emit_alu,
        [IR_OP_xor] = emit_alu, [IR_OP_andc] = emit_alu, [IR_OP_orc] = emit_alu,
        [IR_OP_mul] = emit_mul, [IR_OP_mulhu] = emit_mul_high, [IR_OP_mulhs] = emit_mul_high,
        [IR_OP_mulhsu] = emit_mul_high,
        [IR_OP_divu] = emit_div, [IR_OP_divs] = emit_div, [IR_OP_remu] = emit_div, [IR_OP_rems] = emit_div,
        [IR_OP_neg] = emit_unary, [IR_OP_not] = emit_unary, [IR_OP_bswap] = emit_unary,
        [IR_OP_clz] = emit_count_zeros, [IR_OP_ctz] = emit_count_zeros,
        [IR_OP_popcnt] = emit_bytes, [IR_OP_orcb] = emit_bytes,
        [IR_OP_shl] = emit_shift, [IR_OP_shru] = emit_shift, [IR_OP_shrs] = emit_shift,
        [IR_OP_rotl] = emit_shift, [IR_OP_rotr] = emit_shift,
        [IR_OP_sext8] = emit_extend, [IR_OP_sext16] = emit_extend, [IR_OP_sext32] = emit_extend,
        [IR_OP_zext8] = emit_extend, [IR_OP_zext16] = emit_extend, [IR_OP_zext32] = emit_extend,
        [IR_OP_trunc] = emit_low_half, [IR_OP_fl_word] = emit_low_half, [IR_OP_fl_from] = emit_low_half,
        [IR_OP_setcc] = emit_setcc, [IR_OP_select] = emit_select,
        [IR_OP_extu] = emit_field, [IR_OP_exts] = emit_field,
        [IR_OP_insert] = emit_insert, [IR_OP_extr] = emit_extr,
        [IR_OP_adc] = emit_carry_sum, [IR_OP_sbc] = emit_carry_sum,
        [IR_OP_fl_add] = emit_fl_op, [IR_OP_fl_sub] = emit_fl_op, [IR_OP_fl_adc] = emit_fl_op,
        [IR_OP_fl_sbc] = emit_fl_op, [IR_OP_fl_logic] = emit_fl_op, [IR_OP_fl_fcmp] = emit_fl_op,
        [IR_OP_fl_with] = emit_fl_with, [IR_OP_fl_merge] = emit_fl_merge, [IR_OP_fl_test] = emit_fl_test,
        [IR_OP_bitcast] = emit_bitcast, [IR_OP_fbox] = emit_fbox, [IR_OP_funbox] = emit_funbox,
        [IR_OP_fadd] = emit_farith, [IR_OP_fsub] = emit_farith, [IR_OP_fmul] = emit_farith,
        [IR_OP_fdiv] = emit_farith, [IR_OP_fsqrt] = emit_farith,
        [IR_OP_fma] = emit_fma, [IR_OP_fmin] = emit_fminmax, [IR_OP_fmax] = emit_fminmax,
        [IR_OP_fcmp] = emit_fcmp,
        [IR_OP_fabs] = emit_fsign, [IR_OP_fneg] = emit_fsign, [IR_OP_fsgnj] = emit_fsign,
        [IR_OP_fround] = emit_fround, [IR_OP_fcvt_hf] = emit_slow_fp, [IR_OP_fcvt_fh] = emit_slow_fp,
        [IR_OP_fcvt_ff] = emit_fcvt_ff, [IR_OP_fcvt_fi] = emit_fcvt_fi, [IR_OP_fcvt_if] = emit_fcvt_if,
        [IR_OP_pcaddr] = emit_pcaddr, [IR_OP_lookup] = emit_lookup,
        [IR_OP_ld] = emit_ld, [IR_OP_st] = emit_st,
        [IR_OP_rmw] = emit_rmw, [IR_OP_cas] = emit_cas, [IR_OP_cas16] = emit_cas16,
};

static void instruction(struct emit *e, uint32_t at)
{
        const struct ir_ins *i = &e->r->ins[at];

        ra_begin_ins(&e->ra, at);
        if (e->ra.plan && e->ra.plan[at].skip)
                return;
        switch ((enum ir_op)i->op) {
        case IR_OP_nop:
        case IR_OP_const:
                break;
        case IR_OP_insn:
                e->insn = i->aux;
                e->page_offset = (uint16_t)i->imm;
                break;
        case IR_OP_get:
                ra_get(&e->ra, at, i->aux);
                break;
        case IR_OP_put:
                ra_put(&e->ra, i);
                break;
        case IR_OP_drop:
                ra_drop(&e->ra, i);
                break;
        default:
                if (!ops[i->op])
                        (ir_is_vector_op(i->op) ? emit_vector : emit_control)(e, at, i);
                else if (ir_ops[i->op].flags & IR_FPSTATE && !emit_fp_inline(e, i))
                        emit_slow_fp(e, at, i);
                else
                        ops[i->op](e, at, i);
                break;
        }
}

static void begin_block(struct emit *e, const struct ir_block *b)
{
        e->block_at[e->block] = e->a.p;
        if (e->entry_insn && e->entry_insn[e->block]) {
                const struct ir_ins *insn = &e->r->ins[e->entry_insn[e->block]];

                e->insn = insn->aux;
                e->page_offset = (uint16_t)insn->imm;
        }
        ra_begin_block(&e->ra, b);
}

/* False: there was no room, or what was emitted is worthless. */
static bool body(struct emit *e)
{
        const struct ir_region *r = e->r;

        for (e->block = 0; e->block < r->n_blocks; e->block++) {
                const struct ir_block *b = &r->blocks[e->block];

                if (e->skip_block[e->block])
                        continue;
                begin_block(e, b);
                for (uint32_t at = b->first; at < b->end; at++) {
                        if (r->ins[at].flags & IR_INS_DEAD)
                                continue;
                        if (e->a.p > e->limit || e->ra.failed)
                                return false;
                        instruction(e, at);
                }
        }
        for (unsigned n = 0; n < e->n_cold && e->a.p <= e->limit; n++)
                cold(e, &e->cold[n]);
        if (e->a.p > e->limit)
                return false;
        for (unsigned n = 0; n < e->n_fixups; n++)
                if (e->block_at[e->fixups[n].block])
                        emit_patch(e, e->fixups[n].at, e->block_at[e->fixups[n].block]);
        emit_finish(e);
        return !e->ra.failed && !e->a.too_far;
}

enum emit_status emit_region(void *host_data, const struct ir_region *r, struct compiled *out)
{
        const struct emit_host *h = host_data;
        struct code_buf *buf = out->buf;
        unsigned n_sites = out->sites->len, n_locs = out->locs->len, n_links = out->links->len;
        struct emit e;

        if (buf->size - buf->used < h->room)
                return EMIT_NO_ROOM;
        e.a = (struct asm_out){.p = buf->rw + buf->used, .start = buf->rw + buf->used,
                               .exec_delta = buf->exec - buf->rw};
        e.limit = buf->rw + buf->size - h->room;
        e.h = h;
        e.r = r;
        e.out = out;
        e.cold = arena_alloc(r->arena, MAX_COLD * r->n_ins * sizeof(*e.cold));
        e.block_at = arena_zalloc(r->arena, r->n_blocks * sizeof(*e.block_at));
        e.skip_block = arena_zalloc(r->arena, r->n_blocks);
        e.fixups = arena_alloc(r->arena, 2 * r->n_blocks * sizeof(*e.fixups));
        e.n_cold = e.n_fixups = 0;
        e.lookup_end = e.scaled.end = e.sum.end = NULL;
        e.insn = e.budget = 0;
        e.page_offset = r->start_offset;
        e.own = NULL;
        e.entry_insn = NULL;
        if (r->n_blocks > 1) {
                e.entry_insn = arena_alloc(r->arena, r->n_blocks * sizeof(*e.entry_insn));
                ir_entry_insns(r, e.entry_insn);
        }
        ra_region(&e.ra, &h->target, &e, r);
        if (!body(&e)) {
                g_array_set_size(out->sites, n_sites);
                g_array_set_size(out->locs, n_locs);
                g_array_set_size(out->links, n_links);
                return e.ra.failed || e.a.too_far ? EMIT_TOO_COMPLEX : EMIT_NO_ROOM;
        }
        buf->used = e.a.p - buf->rw;
        return EMIT_OK;
}

/* ---- comparisons ---- */

void emit_comparison(struct emit *e, struct comparison *c, enum ir_cond cond, bool w, ir_ref x, ir_ref y)
{
        uint64_t k;

        c->cond = cond;
        c->w = w;
        if (ra_is_const(&e->ra, x, &k)) {
                ir_ref t = x;

                x = y;
                y = t;
                c->cond = ir_cond_swap(cond);
        }
        c->x = ra_any(&e->ra, x);
        c->y = ra_any(&e->ra, y);
}

/* ---- a code cache's host data ---- */

void emit_assign_pins(struct emit_host *h, const uint8_t *gprs, unsigned n_gprs, unsigned first_fpr,
                      unsigned n_fprs, bool (*reaches)(const struct ir_slot *s))
{
        const struct ir_guest *guest = h->guest;
        unsigned n_gpr = 0, n_fpr = 0;

        for (unsigned n = 0; n < guest->n_pins; n++) {
                unsigned slot = guest->pins[n], reg;

                if (reaches && !reaches(&guest->slots[slot]))
                        continue;
                if (ir_type_in_fpr(guest->slots[slot].type)) {
                        if (n_fpr == n_fprs)
                                continue;
                        reg = first_fpr + n_fpr++;
                } else {
                        if (n_gpr == n_gprs)
                                continue;
                        reg = gprs[n_gpr++];
                }
                h->slot_pin[slot] = reg;
                h->pin_slot[reg] = slot;
                h->target.pins |= RA_BIT(reg);
        }
}

bool emit_init(struct code_buf *buf, void **host_data, const struct slow_ops *slow,
               const struct ir_guest *guest, GError **error)
{
        struct emit_host *h = g_new0(struct emit_host, 1);

        h->slow = slow;
        h->guest = guest;
        for (unsigned n = 0; n < guest->n_slots; n++)
                h->vectors |= guest->slots[n].type == IR_V128;
        h->slot_pin = g_malloc(guest->n_slots);
        memset(h->slot_pin, RA_NONE, guest->n_slots);
        h->target.slot_pin = h->slot_pin;
        h->target.pin_slot = h->pin_slot;
        emit_setup(h);
        if (!emit_thunks(h, buf)) {
                emit_fini(h);
                return error_set(error, RHEA_ERROR_MEMORY,
                                 "no room for the code that all translations share");
        }
        *host_data = h;
        return true;
}

void emit_fini(void *host_data)
{
        struct emit_host *h = host_data;

        g_free(h->slot_pin);
        g_free(h);
}

const uint8_t *emit_no_return(void *host_data)
{
        return ((struct emit_host *)host_data)->no_return;
}
