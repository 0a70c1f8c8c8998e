/* SPDX-License-Identifier: MIT */
/*
 * The walk over a region: blocks in order, an instruction at a time, then the cold code. The select functions
 * live in select.c, memory.c, control.c and float.c; what they share is here. Runs on the compiling thread.
 */
#include "backend/x86_64/emit.h"

#include "base/arena.h"
#include "base/error.h"

/* ---- moving values: the allocator's callbacks ---- */

void emit_move(struct x86_emit *e, unsigned dst, unsigned src)
{
        if (dst == src)
                return;
        if (dst >= RA_FPR && src >= RA_FPR)
                x86_movaps(&e->a, x86_num(dst), x86_num(src));
        else if (dst >= RA_FPR)
                x86_mov_to_fp(&e->a, true, x86_num(dst), src);
        else if (src >= RA_FPR)
                x86_mov_from_fp(&e->a, true, dst, x86_num(src));
        else
                x86_mov(&e->a, true, dst, src);
}

static void cb_move(void *host, unsigned dst, unsigned src)
{
        emit_move(host, dst, src);
}

static struct x86_mem place_mem(enum ra_place place, uint32_t offset)
{
        return place == RA_FRAME ? SPILL(offset) : STATE(offset);
}

static bool is_wide(enum ir_type t)
{
        return t == IR_I64 || t == IR_F64;
}

static void cb_load(void *host, unsigned dst, enum ir_type type, enum ra_place place, uint32_t offset)
{
        struct x86_emit *e = host;

        if (type == IR_V128)
                x86_vload(&e->a, x86_num(dst), place_mem(place, offset));
        else if (dst >= RA_FPR)
                x86_fload(&e->a, is_wide(type), x86_num(dst), place_mem(place, offset));
        else
                x86_load(&e->a, is_wide(type), dst, place_mem(place, offset));
}

static void cb_store(void *host, enum ir_type type, enum ra_place place, uint32_t offset, unsigned src)
{
        struct x86_emit *e = host;

        if (type == IR_V128)
                x86_vstore(&e->a, place_mem(place, offset), x86_num(src));
        else if (src >= RA_FPR)
                x86_fstore(&e->a, is_wide(type), place_mem(place, offset), x86_num(src));
        else
                x86_store(&e->a, is_wide(type) ? 3 : 2, place_mem(place, offset), src);
}

static void cb_load_const(void *host, unsigned dst, enum ir_type type, uint64_t bits)
{
        struct x86_emit *e = host;

        if (type == IR_V128) {
                emit_vector_const(e, x86_num(dst), bits);
                return;
        }
        if (!is_wide(type))
                bits = (uint32_t)bits;
        if (dst < RA_FPR) {
                x86_mov_imm(&e->a, dst, bits);
        } else if (!bits) {
                x86_rm(&e->a, X86_OP(X86_SD, 1, 0x10), x86_num(dst), emit_pool(e, POOL_ZERO));
        } else {
                x86_mov_imm(&e->a, SCRATCH, bits);
                x86_mov_to_fp(&e->a, is_wide(type), x86_num(dst), SCRATCH);
        }
}

static void cb_store_const(void *host, enum ir_type type, uint32_t state_offset, uint64_t bits)
{
        struct x86_emit *e = host;

        if (!is_wide(type)) {
                x86_store_imm(&e->a, 2, STATE(state_offset), (int32_t)bits);
        } else if (x86_is_s32(bits)) {
                x86_store_imm(&e->a, 3, STATE(state_offset), (int32_t)bits);
        } else {
                x86_mov_imm(&e->a, SCRATCH, bits);
                x86_store(&e->a, 3, STATE(state_offset), SCRATCH);
        }
}

struct x86_mem emit_mem(const struct ra_opnd *o)
{
        return o->kind == RA_IN_STATE ? STATE(o->offset) : SPILL(o->offset);
}

void emit_opnd_to(struct x86_emit *e, unsigned dst, const struct ra_opnd *o, bool w)
{
        switch (o->kind) {
        case RA_REG:
                if (o->reg >= RA_FPR)
                        x86_mov_from_fp(&e->a, w, dst, x86_num(o->reg));
                else if (o->reg != dst)
                        x86_mov(&e->a, w, dst, o->reg);
                break;
        case RA_IMM:
                x86_mov_imm(&e->a, dst, w ? o->imm : (uint32_t)o->imm);
                break;
        default:
                x86_load(&e->a, w, dst, emit_mem(o));
                break;
        }
}

void emit_fp_opnd_to(struct x86_emit *e, unsigned dst, const struct ra_opnd *o, enum ir_type type)
{
        if (o->kind == RA_REG)
                emit_move(e, dst, o->reg);
        else if (o->kind == RA_IMM)
                cb_load_const(e, dst, type, o->imm);
        else if (type == IR_V128)
                x86_vload(&e->a, x86_num(dst), emit_mem(o));
        else
                x86_fload(&e->a, is_wide(type), x86_num(dst), emit_mem(o));
}

void emit_out_arg(struct x86_emit *e, unsigned n, const struct ra_opnd *o, enum ir_type type)
{
        bool w = is_wide(type);

        if (o->kind == RA_IMM && x86_is_s32(w ? (int64_t)o->imm : (int64_t)(uint32_t)o->imm)) {
                x86_store_imm(&e->a, 3, OUT_ARG(n), (int32_t)o->imm);
                return;
        }
        if (o->kind == RA_REG && w) {
                if (o->reg >= RA_FPR)
                        x86_fstore(&e->a, true, OUT_ARG(n), x86_num(o->reg));
                else
                        x86_store(&e->a, 3, OUT_ARG(n), o->reg);
                return;
        }
        emit_opnd_to(e, SCRATCH, o, w);
        x86_store(&e->a, 3, OUT_ARG(n), SCRATCH);
}

/* ---- cold code ---- */

enum { MAX_COLD = 3 }; /* pieces that one instruction makes at most */

struct x86_cold *emit_cold(struct x86_emit *e, enum x86_cold_kind kind, const struct ir_ins *i)
{
        static const struct x86_cold none = {0};
        struct x86_cold *c = &e->cold[e->n_cold++];

        *c = none;
        c->kind = kind;
        c->i = i;
        c->insn = e->insn;
        c->page_offset = e->page_offset;
        return c;
}

void emit_cold_from(struct x86_cold *c, uint8_t *disp)
{
        c->from[c->n_from++] = disp;
}

void emit_site(struct x86_emit *e, struct x86_cold *c, unsigned max_temps)
{
        struct slot_loc locs[RA_MAX_DEFERRED];

        c->fp_temps = ra_any_live(&e->ra, ~0ull << RA_FPR);
        c->first_loc = e->out->locs->len;
        c->n_locs = e->ra.n_deferred ? ra_snapshot(&e->ra, locs, max_temps) : 0;
        if (c->n_locs)
                g_array_append_vals(e->out->locs, locs, c->n_locs);
}

void emit_site_here(struct x86_emit *e, const struct x86_cold *c)
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

static void cold(struct x86_emit *e, const struct x86_cold *c)
{
        if (!c->n_from)
                return; /* another piece took over its jumps */
        for (unsigned k = 0; k < c->n_from; k++)
                x86_here(&e->a, c->from[k]);
        switch ((enum x86_cold_kind)c->kind) {
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
        case COLD_DIV:
                cold_div(e, c);
                break;
        case COLD_VECTOR:
                cold_vector(e, c);
                break;
        default:
                cold_float(e, c);
                break;
        }
        if (c->back) {
                uint8_t *j = x86_jmp(&e->a);

                x86_patch(j, c->back);
        }
}

/* ---- the walk ---- */

static void instruction(struct x86_emit *e, uint32_t at)
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
                if (!emit_int(e, at, i) && !emit_flags(e, at, i)) {
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

static void body(struct x86_emit *e)
{
        const struct ir_region *r = e->r;

        for (e->block = 0; e->block < r->n_blocks; e->block++) {
                const struct ir_block *b = &r->blocks[e->block];

                if (e->skip_block[e->block])
                        continue;
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
                                return;
                        instruction(e, at);
                }
        }
        for (unsigned n = 0; n < e->n_cold && e->a.p <= e->limit; n++)
                cold(e, &e->cold[n]);
        for (unsigned n = 0; n < e->n_fixups; n++)
                if (e->block_at[e->fixups[n].block])
                        x86_patch(e->fixups[n].disp, e->block_at[e->fixups[n].block]);
}

static enum emit_status x86_emit(void *host_data, const struct ir_region *r, struct compiled *out)
{
        const struct x86_host *h = host_data;
        struct code_buf *buf = out->buf;
        unsigned n_sites = out->sites->len, n_locs = out->locs->len, n_links = out->links->len;
        struct x86_emit e;

        if (buf->size - buf->used < X86_ROOM)
                return EMIT_NO_ROOM;
        e.a = (struct x86_asm){.p = buf->rw + buf->used, .start = buf->rw + buf->used,
                               .exec_delta = buf->exec - buf->rw};
        e.limit = buf->rw + buf->size - X86_ROOM;
        e.h = h;
        e.r = r;
        e.out = out;
        e.cold = arena_alloc(r->arena, MAX_COLD * r->n_ins * sizeof(*e.cold));
        e.block_at = arena_zalloc(r->arena, r->n_blocks * sizeof(*e.block_at));
        e.skip_block = arena_zalloc(r->arena, r->n_blocks);
        e.fixups = arena_alloc(r->arena, 2 * r->n_blocks * sizeof(*e.fixups));
        e.n_cold = e.n_fixups = 0;
        e.lookup_end = NULL;
        e.insn = e.budget = 0;
        e.page_offset = r->start_offset;
        e.round = r->fp.round;
        e.entry_insn = NULL;
        if (r->n_blocks > 1) {
                e.entry_insn = arena_alloc(r->arena, r->n_blocks * sizeof(*e.entry_insn));
                ir_entry_insns(r, e.entry_insn);
        }
        ra_region(&e.ra, &h->target, &e, r);
        body(&e);
        if (e.a.p > e.limit || e.ra.failed) {
                g_array_set_size(out->sites, n_sites);
                g_array_set_size(out->locs, n_locs);
                g_array_set_size(out->links, n_links);
                return e.ra.failed ? EMIT_TOO_COMPLEX : EMIT_NO_ROOM;
        }
        x86_align(&e.a, 16);
        buf->used = e.a.p - buf->rw;
        return EMIT_OK;
}

/* ---- a code cache's host data ---- */

static void find_features(struct x86_host *h)
{
        __builtin_cpu_init();
        h->feat.bmi2 = __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("bmi");
        h->feat.lzcnt = h->feat.bmi2; /* no processor has BMI2 without LZCNT */
        h->feat.popcnt = __builtin_cpu_supports("popcnt");
        h->feat.ssse3 = __builtin_cpu_supports("ssse3");
        h->feat.sse41 = __builtin_cpu_supports("sse4.1");
        h->feat.sse42 = __builtin_cpu_supports("sse4.2");
        h->feat.avx2 = __builtin_cpu_supports("avx2");
        h->avx = __builtin_cpu_supports("avx");
        h->feat.fma = __builtin_cpu_supports("fma");
}

static void assign_pins(struct x86_host *h, const struct ir_guest *guest)
{
        static const uint8_t gprs[X86_GPR_PINS] = {RBX, RSI, RDI, R12, R13, R14, R8, R9};
        unsigned n_gpr = 0, n_fpr = 0;

        h->slot_pin = g_malloc(guest->n_slots);
        memset(h->slot_pin, RA_NONE, guest->n_slots);
        for (unsigned n = 0; n < guest->n_pins; n++) {
                unsigned slot = guest->pins[n], reg;

                if (ir_type_in_fpr(guest->slots[slot].type)) {
                        if (n_fpr == X86_FPR_PINS)
                                continue;
                        reg = RA_FPR + n_fpr++;
                } else {
                        if (n_gpr == X86_GPR_PINS)
                                continue;
                        reg = gprs[n_gpr++];
                }
                h->slot_pin[slot] = reg;
                h->pin_slot[reg] = slot;
                h->target.pins |= RA_BIT(reg);
        }
}

static bool x86_init(struct code_buf *buf, void **host_data, const struct slow_ops *slow,
                     const struct ir_guest *guest,
                     GError **error)
{
        struct x86_host *h = g_new0(struct x86_host, 1);

        h->slow = slow;
        h->guest = guest;
        find_features(h);
        assign_pins(h, guest);
        h->target.temps = RA_BIT(RAX) | RA_BIT(RCX) | RA_BIT(RDX) | RA_BIT(R10);
        for (unsigned k = X86_FPR_PINS; k < FSCRATCH; k++)
                h->target.temps |= RA_BIT(RA_FPR + k);
        h->target.zeros_above = x86_zeros_above;
        h->target.flags = &x86_flag_target;
        h->target.slot_pin = h->slot_pin;
        h->target.pin_slot = h->pin_slot;
        h->target.move = cb_move;
        h->target.load = cb_load;
        h->target.store = cb_store;
        h->target.load_const = cb_load_const;
        h->target.store_const = cb_store_const;
        if (!x86_thunks(h, buf)) {
                g_free(h->slot_pin);
                g_free(h);
                return error_set(error, RHEA_ERROR_MEMORY,
                                 "no room for the code that all translations share");
        }
        *host_data = h;
        return true;
}

static void x86_fini(void *host_data)
{
        struct x86_host *h = host_data;

        g_free(h->slot_pin);
        g_free(h);
}

/* The x86 keeps instruction fetch coherent with stores through another mapping once a branch was taken. */
static void x86_sync(const struct code_buf *buf, size_t from, size_t len)
{
}

static const uint8_t *x86_no_return(void *host_data)
{
        return ((struct x86_host *)host_data)->no_return;
}

const struct host_ops host_x86_64 = {
        .name = "x86_64",
        .loops = true,
        .n_gpr_pins = X86_GPR_PINS,
        .n_fpr_pins = X86_FPR_PINS,
        .init = x86_init,
        .fini = x86_fini,
        .emit = x86_emit,
        .fp_env = x86_fp_env,
        .enter = x86_enter,
        .link = x86_link,
        .no_return = x86_no_return,
        .sync = x86_sync,
        .print_code = x86_print_code,
};
