/* SPDX-License-Identifier: MIT */
/*
 * The walk over a region: blocks in order, an instruction at a time, then the cold code and the literals. The
 * select functions live in select.c, memory.c, control.c and float.c; what they share is here. Runs on the
 * compiling thread.
 */
#include "backend/aarch64/emit.h"

#include "base/arena.h"
#include "base/error.h"

#ifdef __aarch64__
#include <sys/auxv.h>
#endif

/* ---- constants and far addresses ---- */

void emit_const(struct a64_emit *e, unsigned d, uint64_t bits)
{
        unsigned n;

        if (a64_mov_imm_len(bits) < 3 || e->n_literal_uses == A64_LITERALS) {
                a64_mov_imm(&e->a, d, bits);
                return;
        }
        for (n = 0; n < e->n_literals && e->literals[n] != bits; n++)
                ;
        if (n == e->n_literals)
                e->literals[e->n_literals++] = bits;
        e->literal_uses[e->n_literal_uses++] = (struct a64_literal){a64_ldr_literal(&e->a, d), n};
}

static void literals(struct a64_emit *e)
{
        uint8_t *at;

        if (!e->n_literals)
                return;
        if (!((uintptr_t)e->a.p & 4))
                a64_nop(&e->a);
        a64_data(&e->a, e->n_literals);
        at = e->a.p;
        for (unsigned n = 0; n < e->n_literals; n++)
                a64_u64(&e->a, e->literals[n]);
        for (unsigned n = 0; n < e->n_literal_uses; n++)
                a64_patch(&e->a, e->literal_uses[n].at, at + 8 * e->literal_uses[n].n);
}

void emit_access(struct a64_emit *e, uint32_t op, unsigned t, struct a64_mem m)
{
        if (a64_reaches(op, m.disp)) {
                a64_access(&e->a, op, t, m);
                return;
        }
        a64_mov_imm(&e->a, SCRATCH2, (uint32_t)m.disp);
        a64_access_reg(&e->a, op, t, m.base, SCRATCH2);
}

/* ---- moving values: the allocator's callbacks ---- */

void emit_move(struct a64_emit *e, unsigned dst, unsigned src)
{
        if (dst == src)
                return;
        if (dst >= RA_FPR && src >= RA_FPR)
                a64_rrr(&e->a, A64_VORR | A64_Q, a64_num(dst), a64_num(src), a64_num(src));
        else if (dst >= RA_FPR)
                a64_fmov_from_gpr(&e->a, true, a64_num(dst), src);
        else if (src >= RA_FPR)
                a64_fmov_to_gpr(&e->a, true, dst, a64_num(src));
        else
                a64_mov(&e->a, true, dst, src);
}

static void cb_move(void *host, unsigned dst, unsigned src)
{
        emit_move(host, dst, src);
}

static struct a64_mem place_mem(enum ra_place place, uint32_t offset)
{
        return place == RA_FRAME ? SPILL(offset) : STATE(offset);
}

static void cb_load(void *host, unsigned dst, enum ir_type type, enum ra_place place, uint32_t offset)
{
        emit_access(host, a64_slot_access(type, dst >= RA_FPR, true), a64_num(dst), place_mem(place, offset));
}

static void cb_store(void *host, enum ir_type type, enum ra_place place, uint32_t offset, unsigned src)
{
        emit_access(host, a64_slot_access(type, src >= RA_FPR, false), a64_num(src), place_mem(place, offset));
}

static void load_fp_const(struct a64_emit *e, unsigned d, bool wide, uint64_t bits)
{
        if (!bits) {
                a64_movi64(&e->a, d, 0);
        } else {
                emit_const(e, SCRATCH, bits);
                a64_fmov_from_gpr(&e->a, wide, d, SCRATCH);
        }
}

static void cb_load_const(void *host, unsigned dst, enum ir_type type, uint64_t bits)
{
        struct a64_emit *e = host;

        if (type == IR_V128) {
                emit_vector_const(e, a64_num(dst), bits);
                return;
        }
        if (!is_wide(type))
                bits = (uint32_t)bits;
        if (dst < RA_FPR)
                emit_const(e, dst, bits);
        else
                load_fp_const(e, a64_num(dst), is_wide(type), bits);
}

static void cb_store_const(void *host, enum ir_type type, uint32_t state_offset, uint64_t bits)
{
        struct a64_emit *e = host;
        unsigned reg = XZR;

        if (!is_wide(type))
                bits = (uint32_t)bits;
        if (bits) {
                emit_const(e, SCRATCH, bits);
                reg = SCRATCH;
        }
        emit_access(e, A64_ST(is_wide(type) ? 3 : 2), reg, STATE(state_offset));
}

struct a64_mem emit_mem(const struct ra_opnd *o)
{
        return o->kind == RA_IN_STATE ? STATE(o->offset) : SPILL(o->offset);
}

void emit_opnd_to(struct a64_emit *e, unsigned dst, const struct ra_opnd *o, bool w)
{
        switch (o->kind) {
        case RA_REG:
                if (o->reg >= RA_FPR)
                        a64_fmov_to_gpr(&e->a, w, dst, a64_num(o->reg));
                else if (o->reg != dst)
                        a64_mov(&e->a, w, dst, o->reg);
                break;
        case RA_IMM:
                emit_const(e, dst, w ? o->imm : (uint32_t)o->imm);
                break;
        default:
                emit_access(e, A64_LD(w ? 3 : 2), dst, emit_mem(o));
                break;
        }
}

unsigned emit_opnd(struct a64_emit *e, const struct ra_opnd *o, bool w, unsigned scratch)
{
        if (o->kind == RA_REG && o->reg < RA_FPR)
                return o->reg;
        if (o->kind == RA_IMM && !(w ? o->imm : (uint32_t)o->imm))
                return XZR;
        emit_opnd_to(e, scratch, o, w);
        return scratch;
}

void emit_fp_opnd_to(struct a64_emit *e, unsigned dst, const struct ra_opnd *o, enum ir_type type)
{
        if (o->kind == RA_REG)
                emit_move(e, dst, o->reg);
        else if (o->kind == RA_IMM)
                cb_load_const(e, dst, type, o->imm);
        else
                emit_access(e, a64_slot_access(type, true, true), a64_num(dst), emit_mem(o));
}

void emit_out_arg(struct a64_emit *e, unsigned n, const struct ra_opnd *o, enum ir_type type)
{
        bool w = is_wide(type);

        if (o->kind == RA_REG && w && o->reg >= RA_FPR)
                a64_access(&e->a, A64_FST(3), a64_num(o->reg), OUT_ARG(n));
        else if (o->kind == RA_REG && w)
                a64_str(&e->a, true, o->reg, OUT_ARG(n));
        else {
                emit_opnd_to(e, SCRATCH, o, w);
                if (o->kind == RA_REG && !w && o->reg == SCRATCH)
                        a64_mov(&e->a, false, SCRATCH, SCRATCH);
                a64_str(&e->a, true, SCRATCH, OUT_ARG(n));
        }
}

/* ---- cold code ---- */

enum { MAX_COLD = 3 }; /* pieces that one instruction makes at most */

struct a64_cold *emit_cold(struct a64_emit *e, enum a64_cold_kind kind, const struct ir_ins *i)
{
        static const struct a64_cold none = {0};
        struct a64_cold *c = &e->cold[e->n_cold++];

        *c = none;
        c->kind = kind;
        c->i = i;
        c->insn = e->insn;
        c->page_offset = e->page_offset;
        return c;
}

void emit_cold_from(struct a64_cold *c, uint8_t *branch)
{
        c->from[c->n_from++] = branch;
}

void emit_site(struct a64_emit *e, struct a64_cold *c, unsigned max_temps)
{
        struct slot_loc locs[RA_MAX_DEFERRED];

        c->fp_temps = ra_any_live(&e->ra, ~0ull << RA_FPR);
        c->first_loc = e->out->locs->len;
        c->n_locs = e->ra.n_deferred ? ra_snapshot(&e->ra, locs, max_temps) : 0;
        if (c->n_locs)
                g_array_append_vals(e->out->locs, locs, c->n_locs);
}

void emit_site_here(struct a64_emit *e, const struct a64_cold *c)
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

static void cold(struct a64_emit *e, const struct a64_cold *c)
{
        if (!c->n_from)
                return; /* another piece took over its branches */
        for (unsigned k = 0; k < c->n_from; k++)
                a64_here(&e->a, c->from[k]);
        switch ((enum a64_cold_kind)c->kind) {
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
                cold_float(e, c);
                break;
        }
        if (c->back)
                a64_patch(&e->a, a64_b(&e->a), c->back);
}

/* ---- the walk ---- */

static void instruction(struct a64_emit *e, uint32_t at)
{
        const struct ir_ins *i = &e->r->ins[at];

        ra_begin_ins(&e->ra, at);
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
        case IR_OP_lookup:
                emit_lookup(e, at, i);
                break;
        case IR_OP_ld:
                emit_ld(e, at, i);
                break;
        case IR_OP_st:
                emit_st(e, at, i);
                break;
        case IR_OP_rmw:
        case IR_OP_cas:
        case IR_OP_cas16:
                emit_atomic(e, at, i);
                break;
        case IR_OP_call:
                emit_call(e, at, i);
                break;
        default:
                if (!emit_int(e, at, i)) {
                        if (i->op >= IR_OP_bitcast && i->op <= IR_OP_fcvt_if)
                                emit_float(e, at, i);
                        else if (ir_is_vector_op(i->op))
                                emit_vector(e, at, i);
                        else
                                emit_control(e, at, i);
                }
                break;
        }
}

/* False: there was no room, or too much was live. */
static bool body(struct a64_emit *e)
{
        const struct ir_region *r = e->r;

        for (e->block = 0; e->block < r->n_blocks; e->block++) {
                const struct ir_block *b = &r->blocks[e->block];

                e->block_at[e->block] = e->a.p;
                if (e->entry_insn && e->entry_insn[e->block]) {
                        const struct ir_ins *insn = &r->ins[e->entry_insn[e->block]];

                        e->insn = insn->aux;
                        e->page_offset = (uint16_t)insn->imm;
                }
                ra_begin_block(&e->ra, b);
                for (uint32_t at = b->first; at < b->end; at++) {
                        if (r->ins[at].flags & IR_INS_DEAD)
                                continue;
                        if (e->a.p > e->limit || e->ra.failed)
                                return false;
                        instruction(e, at);
                }
        }
        for (unsigned n = 0; n < e->n_cold; n++) {
                cold(e, &e->cold[n]);
                if (e->a.p > e->limit)
                        return false;
        }
        for (unsigned n = 0; n < e->n_fixups; n++)
                if (e->block_at[e->fixups[n].block])
                        a64_patch(&e->a, e->fixups[n].at, e->block_at[e->fixups[n].block]);
        literals(e);
        return !e->ra.failed;
}

static enum emit_status a64_emit(void *host_data, const struct ir_region *r, struct compiled *out)
{
        const struct a64_host *h = host_data;
        struct code_buf *buf = out->buf;
        unsigned n_sites = out->sites->len, n_locs = out->locs->len, n_links = out->links->len;
        struct a64_emit e;
        if (buf->size - buf->used < A64_ROOM)
                return EMIT_NO_ROOM;
        e.a = (struct a64_asm){.p = buf->rw + buf->used, .start = buf->rw + buf->used,
                               .exec_delta = buf->exec - buf->rw};
        e.limit = buf->rw + buf->size - A64_ROOM;
        e.h = h;
        e.r = r;
        e.out = out;
        e.cold = arena_alloc(r->arena, MAX_COLD * r->n_ins * sizeof(*e.cold));
        e.block_at = arena_zalloc(r->arena, r->n_blocks * sizeof(*e.block_at));
        e.fixups = arena_alloc(r->arena, 2 * r->n_blocks * sizeof(*e.fixups));
        e.n_cold = e.n_fixups = e.n_literals = e.n_literal_uses = 0;
        e.lookup_end = NULL;
        e.insn = e.budget = 0;
        e.page_offset = r->start_offset;
        e.entry_insn = NULL;
        if (r->n_blocks > 1) {
                e.entry_insn = arena_alloc(r->arena, r->n_blocks * sizeof(*e.entry_insn));
                ir_entry_insns(r, e.entry_insn);
        }
        ra_region(&e.ra, &h->target, &e, r);
        if (!body(&e) || e.a.too_far) {
                g_array_set_size(out->sites, n_sites);
                g_array_set_size(out->locs, n_locs);
                g_array_set_size(out->links, n_links);
                return e.a.p > e.limit ? EMIT_NO_ROOM : EMIT_TOO_COMPLEX;
        }
        while ((uintptr_t)e.a.p & 15)
                a64_nop(&e.a);
        buf->used = e.a.p - buf->rw;
        return EMIT_OK;
}

/* ---- a code cache's host data ---- */

/*
 * Arm ARM B2.2.5, for code written through another mapping: the data cache is cleaned to where instructions are
 * fetched from, by either address (it is found by the physical one; the first barrier puts the stores, which went by
 * the other, before); the instruction cache is emptied by the address that executes, on all processors. What one of
 * them holds beyond its cache goes with an ISB there: docs/code-cache.md.
 */
static void sync_range(const uint8_t *exec, size_t len)
{
#ifdef __aarch64__
        uint64_t ctr;
        uintptr_t end = (uintptr_t)exec + len, line;

        __asm__ volatile("mrs %0, ctr_el0" : "=r"(ctr));
        __asm__ volatile("dsb ish" ::: "memory");
        line = 4ul << (ctr >> 16 & 15);
        for (uintptr_t at = (uintptr_t)exec & -line; at < end; at += line)
                __asm__ volatile("dc cvau, %0" :: "r"(at) : "memory");
        __asm__ volatile("dsb ish" ::: "memory");
        line = 4ul << (ctr & 15);
        for (uintptr_t at = (uintptr_t)exec & -line; at < end; at += line)
                __asm__ volatile("ic ivau, %0" :: "r"(at) : "memory");
        __asm__ volatile("dsb ish; isb" ::: "memory");
#endif
}

static void find_features(struct a64_host *h)
{
#ifdef __aarch64__
        unsigned long caps = getauxval(AT_HWCAP), caps2 = getauxval(AT_HWCAP2);

        h->feat.lse = caps & HWCAP_ATOMICS;
        h->feat.rcpc = caps & HWCAP_LRCPC;
        h->feat.flagm = caps & HWCAP_FLAGM;
        h->feat.flagm2 = caps2 & HWCAP2_FLAGM2;
        h->feat.frint = caps2 & HWCAP2_FRINT;
#endif
}

static void assign_pins(struct a64_host *h, const struct ir_guest *guest)
{
        static const uint8_t gprs[A64_GPR_PINS] = {X19, X20, X21, X22, X23, X24, X25, X26, X8, X9, X10, X11,
                                                   X12, X13, X14, X15};
        unsigned n_gpr = 0, n_fpr = 0;

        for (unsigned n = 0; n < guest->n_slots; n++)
                h->vectors |= guest->slots[n].type == IR_V128;
        h->slot_pin = g_malloc(guest->n_slots);
        memset(h->slot_pin, RA_NONE, guest->n_slots);
        for (unsigned n = 0; n < guest->n_pins; n++) {
                unsigned slot = guest->pins[n], reg;

                if (!a64_reaches(a64_slot_access(guest->slots[slot].type, false, true),
                                 STATE(guest->slots[slot].offset).disp))
                        continue;
                if (ir_type_in_fpr(guest->slots[slot].type)) {
                        if (n_fpr == A64_FPR_PINS)
                                continue;
                        reg = RA_FPR + 8 + n_fpr++;
                } else {
                        if (n_gpr == A64_GPR_PINS)
                                continue;
                        reg = gprs[n_gpr++];
                }
                h->slot_pin[slot] = reg;
                h->pin_slot[reg] = slot;
                h->target.pins |= RA_BIT(reg);
        }
}

static bool a64_init(struct code_buf *buf, void **host_data, const struct slow_ops *slow,
                     const struct ir_guest *guest, GError **error)
{
        struct a64_host *h = g_new0(struct a64_host, 1);

        h->slow = slow;
        h->guest = guest;
        find_features(h);
        assign_pins(h, guest);
        h->target.temps = 0xff | 0xff00ffull << RA_FPR;
        h->target.slot_pin = h->slot_pin;
        h->target.pin_slot = h->pin_slot;
        h->target.move = cb_move;
        h->target.load = cb_load;
        h->target.store = cb_store;
        h->target.load_const = cb_load_const;
        h->target.store_const = cb_store_const;
        if (!a64_thunks(h, buf)) {
                g_free(h->slot_pin);
                g_free(h);
                return error_set(error, RHEA_ERROR_MEMORY,
                                 "no room for the code that all translations share");
        }
        sync_range(buf->exec, buf->used);
        *host_data = h;
        return true;
}

static void a64_fini(void *host_data)
{
        struct a64_host *h = host_data;

        g_free(h->slot_pin);
        g_free(h);
}

static void a64_sync(const struct code_buf *buf, size_t from, size_t len)
{
        sync_range(buf->exec + from, len);
}

/* A branch is one word, and one of the instructions that may be replaced while others execute it. */
void a64_link(struct code_link *l, const struct code_region *target)
{
        const uint8_t *at = l->from->code + l->patch_offset;
        const uint8_t *to = target ? target->code : l->from->code + l->stub_offset;
        uint32_t op = 0x14000000 | (((to - at) / 4) & 0x3ffffff);

        __atomic_store_n((uint32_t *)(l->from->code_rw + l->patch_offset), op, __ATOMIC_RELEASE);
        sync_range(at, 4);
}

static const uint8_t *a64_no_return(void *host_data)
{
        return ((struct a64_host *)host_data)->no_return;
}

const struct host_ops host_aarch64 = {
        .name = "aarch64",
        .loops = true,
        .reads_ahead = true,
        .n_gpr_pins = A64_GPR_PINS,
        .n_fpr_pins = A64_FPR_PINS,
        .init = a64_init,
        .fini = a64_fini,
        .emit = a64_emit,
        .fp_env = a64_fp_env,
        .enter = a64_enter,
        .link = a64_link,
        .no_return = a64_no_return,
        .sync = a64_sync,
        .print_code = a64_print_code,
};
