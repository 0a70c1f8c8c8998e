/* SPDX-License-Identifier: MIT */
/*
 * What the select functions (select.c, memory.c, control.c, float.c, vector.c) share: constants, values and operands
 * moved to where they are wanted. And what backend/emit.c, whose walk calls them, wants of a host besides.
 */
#include "backend/aarch64/emit.h"

#include "base/arena.h"

#ifdef __aarch64__
#include <sys/auxv.h>
#endif

/* ---- constants and far addresses ---- */

/* Words behind the region's code, and where they are loaded */
enum { MAX_LITERALS = 128 };

struct literals {
        uint64_t words[MAX_LITERALS];
        uint8_t *use[MAX_LITERALS];
        uint32_t use_of[MAX_LITERALS];
        unsigned n_words, n_uses;
};

void emit_const(struct emit *e, unsigned d, uint64_t bits)
{
        struct literals *l = e->own;
        unsigned n;

        if (a64_mov_imm_len(bits) < 3 || (l && l->n_uses == MAX_LITERALS)) {
                a64_mov_imm(&e->a, d, bits);
                return;
        }
        if (!l) {
                l = e->own = arena_alloc(e->r->arena, sizeof(*l));
                l->n_words = l->n_uses = 0;
        }
        for (n = 0; n < l->n_words && l->words[n] != bits; n++)
                ;
        if (n == l->n_words)
                l->words[l->n_words++] = bits;
        l->use_of[l->n_uses] = n;
        l->use[l->n_uses++] = a64_ldr_literal(&e->a, d);
}

static void put_literals(struct emit *e, const struct literals *l)
{
        uint8_t *at;

        if (!((uintptr_t)e->a.p & 4))
                a64_nop(&e->a);
        a64_data(&e->a, l->n_words);
        at = e->a.p;
        for (unsigned n = 0; n < l->n_words; n++)
                asm_u64(&e->a, l->words[n]);
        for (unsigned n = 0; n < l->n_uses; n++)
                a64_patch(&e->a, l->use[n], at + 8 * l->use_of[n]);
}

void emit_access(struct emit *e, uint32_t op, unsigned t, struct a64_mem m)
{
        if (a64_reaches(op, m.disp)) {
                a64_access(&e->a, op, t, m);
                return;
        }
        a64_mov_imm(&e->a, SCRATCH2, (uint32_t)m.disp);
        a64_access_reg(&e->a, op, t, m.base, SCRATCH2);
}

/* ---- moving values: the allocator's callbacks ---- */

void emit_move(struct emit *e, unsigned dst, unsigned src)
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

static void load_fp_const(struct emit *e, unsigned d, bool wide, uint64_t bits)
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
        struct emit *e = host;

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
        struct emit *e = host;
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

void emit_opnd_to(struct emit *e, unsigned dst, const struct ra_opnd *o, bool w)
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

unsigned emit_opnd(struct emit *e, const struct ra_opnd *o, bool w, unsigned scratch)
{
        if (o->kind == RA_REG && o->reg < RA_FPR)
                return o->reg;
        if (o->kind == RA_IMM && !(w ? o->imm : (uint32_t)o->imm))
                return XZR;
        emit_opnd_to(e, scratch, o, w);
        return scratch;
}

void emit_fp_opnd_to(struct emit *e, unsigned dst, const struct ra_opnd *o, enum ir_type type)
{
        if (o->kind == RA_REG)
                emit_move(e, dst, o->reg);
        else if (o->kind == RA_IMM)
                cb_load_const(e, dst, type, o->imm);
        else
                emit_access(e, a64_slot_access(type, true, true), a64_num(dst), emit_mem(o));
}

void emit_out_arg(struct emit *e, unsigned n, const struct ra_opnd *o, enum ir_type type)
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

/* ---- what the walk wants of a host (backend/emit.h) ---- */

void emit_patch(struct emit *e, uint8_t *at, const uint8_t *target)
{
        a64_patch(&e->a, at, target);
}

uint8_t *emit_jump(struct emit *e)
{
        return a64_b(&e->a);
}

void emit_from_scratch(struct emit *e, unsigned d)
{
        emit_move(e, d, SCRATCH);
}

void emit_finish(struct emit *e)
{
        if (e->own)
                put_literals(e, e->own);
        while ((uintptr_t)e->a.p & 15)
                a64_nop(&e->a);
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

static void find_features(struct emit_host *h)
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

static bool in_reach(const struct ir_slot *s)
{
        return a64_reaches(a64_slot_access(s->type, false, true), STATE(s->offset).disp);
}

void emit_setup(struct emit_host *h)
{
        static const uint8_t gprs[A64_GPR_PINS] = {X19, X20, X21, X22, X23, X24, X25, X26, X8, X9, X10, X11,
                                                   X12, X13, X14, X15};

        h->room = A64_ROOM;
        h->spill = FRAME_SPILL;
        h->stub_size = 4; /* a call */
        find_features(h);
        emit_assign_pins(h, gprs, A64_GPR_PINS, RA_FPR + 8, A64_FPR_PINS, in_reach);
        h->target.temps = 0xff | 0xff00ffull << RA_FPR;
        h->target.move = cb_move;
        h->target.load = cb_load;
        h->target.store = cb_store;
        h->target.load_const = cb_load_const;
        h->target.store_const = cb_store_const;
        h->target.flags = &a64_flag_target;
}

bool emit_thunks(struct emit_host *h, struct code_buf *buf)
{
        if (!a64_thunks(h, buf))
                return false;
        sync_range(buf->exec, buf->used);
        return true;
}

static void a64_sync(const struct code_buf *buf, size_t from, size_t len)
{
        sync_range(buf->exec + from, len);
}

/* A branch is one word, and one of the instructions that may be replaced while others execute it. */
static void a64_link(struct code_link *l, const struct code_region *target)
{
        const uint8_t *at = l->from->code + l->patch_offset;
        const uint8_t *to = target ? target->code : l->from->code + l->stub_offset;
        uint32_t op = 0x14000000 | (((to - at) / 4) & 0x3ffffff);

        __atomic_store_n((uint32_t *)(l->from->code_rw + l->patch_offset), op, __ATOMIC_RELEASE);
        sync_range(at, 4);
}

const struct host_ops host_aarch64 = {
        .name = "aarch64",
        .loops = true,
        .reads_ahead = true,
        .n_gpr_pins = A64_GPR_PINS,
        .n_fpr_pins = A64_FPR_PINS,
        .init = emit_init,
        .fini = emit_fini,
        .emit = emit_region,
        .fp_env = a64_fp_env,
        .enter = emit_enter,
        .link = a64_link,
        .no_return = emit_no_return,
        .sync = a64_sync,
        .print_code = a64_print_code,
};
