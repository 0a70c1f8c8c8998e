/* SPDX-License-Identifier: MIT */
/*
 * Loads and stores (Arm ARM C6 and C7), but for what is atomic (tr_atomic.c). The address register changes
 * after the access, so that an access that faults has changed nothing.
 */
#include "a64_translate.h"

#include "frontend/arm/translate.h"

enum mode { MODE_OFFSET, MODE_POST, MODE_PRE, MODE_UNPRIVILEGED };

/* An address as base and offset; write back as the mode says. */
struct address {
        unsigned reg;
        ir_ref base;
        int32_t offset, add;
        bool write_back;
};

static struct address address_of(struct tctx *t, unsigned rn, int32_t imm, unsigned mode)
{
        return (struct address){
                .reg = rn, .base = a64_base(t, rn), .offset = mode == MODE_POST ? 0 : imm, .add = imm,
                .write_back = mode == MODE_POST || mode == MODE_PRE,
        };
}

static void finish(struct tctx *t, const struct address *at)
{
        if (at->write_back)
                a64_write_back(t, at->reg, at->base, at->add);
}

/* sext: 0 zeros, 1 the sign to 64 bits, 2 the sign to 32 bits and zeros above. */
static ir_ref load_value(struct tctx *t, struct ir_mem mem, unsigned sext, ir_ref base, int32_t offset)
{
        mem.sign = sext != 0;
        if (sext == 2)
                return ir_zext32(t->b, ir_load(t->b, IR_I32, mem, base, offset));
        return ir_load(t->b, IR_I64, mem, base, offset);
}

/* ---- general registers ---- */

static bool is_unprivileged(const struct tctx *t, unsigned mode)
{
        return mode == MODE_UNPRIVILEGED && a64_is_el1(t);
}

bool tr_ldrb_ui(struct tctx *t, const struct args_ld *a)
{
        struct address at = address_of(t, a->rn, a->imm, a->mode);
        ir_ref v;

        if (is_unprivileged(t, a->mode))
                v = ir_call(t->b, &a64_helper_ldtr, ir_add(t->b, at.base, a64_const64(t, a->imm)),
                            a64_const64(t, a->size), a64_const64(t, a->sext), 0);
        else
                v = load_value(t, a64_mem(t, a->size, false), a->sext, at.base, at.offset);
        finish(t, &at);
        a64_put_x(t, a->rt, v);
        return true;
}

bool tr_strb_ui(struct tctx *t, const struct args_st *a)
{
        struct address at = address_of(t, a->rn, a->imm, a->mode);
        ir_ref v = a64_get_x(t, a->rt);

        if (is_unprivileged(t, a->mode))
                ir_call(t->b, &a64_helper_sttr, ir_add(t->b, at.base, a64_const64(t, a->imm)), v,
                        a64_const64(t, a->size), 0);
        else
                ir_store(t->b, a64_mem(t, a->size, true), at.base, at.offset, v);
        finish(t, &at);
        return true;
}

/* Base plus an extended register, scaled or not. */
static ir_ref indexed(struct tctx *t, unsigned rn, unsigned rm, unsigned option, unsigned amount)
{
        ir_ref base = a64_base(t, rn);

        return ir_add(t->b, base, a64_extend(t, true, rm, option, amount));
}

bool tr_ldrb_ro(struct tctx *t, const struct args_ldro *a)
{
        ir_ref at = indexed(t, a->rn, a->rm, a->option, a->sh ? a->size : 0);

        a64_put_x(t, a->rt, load_value(t, a64_mem(t, a->size, false), a->sext, at, 0));
        return true;
}

bool tr_strb_ro(struct tctx *t, const struct args_stro *a)
{
        ir_ref at = indexed(t, a->rn, a->rm, a->option, a->sh ? a->size : 0);

        ir_store(t->b, a64_mem(t, a->size, true), at, 0, a64_get_x(t, a->rt));
        return true;
}

bool tr_ldr_w_lit(struct tctx *t, const struct args_lit *a)
{
        ir_ref at = ir_pcaddr(t->b, (int64_t)t->pc + a->off);

        a64_put_x(t, a->rt, load_value(t, a64_mem(t, a->size, false), a->sext, at, 0));
        return true;
}

bool tr_ldp_w_post(struct tctx *t, const struct args_ldp *a)
{
        struct address at = address_of(t, a->rn, a->imm, a->mode);
        struct ir_mem mem = a64_mem(t, a->size, false);
        ir_ref v = load_value(t, mem, a->sext, at.base, at.offset);
        ir_ref w = load_value(t, mem, a->sext, at.base, at.offset + (1 << a->size));

        finish(t, &at);
        a64_put_x(t, a->rt, v);
        a64_put_x(t, a->rt2, w);
        return true;
}

bool tr_stp_w_post(struct tctx *t, const struct args_stp *a)
{
        struct address at = address_of(t, a->rn, a->imm, a->mode);
        struct ir_mem mem = a64_mem(t, a->size, true);

        ir_store(t->b, mem, at.base, at.offset, a64_get_x(t, a->rt));
        ir_store(t->b, mem, at.base, at.offset + (1 << a->size), a64_get_x(t, a->rt2));
        finish(t, &at);
        return true;
}

/* The rows of pairs without write back and non-temporal ones are the same instructions. */
bool tr_prfm_ui(struct tctx *t, const struct args_prfm *a) { return true; }
bool tr_prfm_ro(struct tctx *t, const struct args_prfmro *a) { return true; }
bool tr_prfm_lit(struct tctx *t, const struct args_prfml *a) { return true; }

/* ---- FP and vector registers ---- */

/*
 * Alignment where it is demanded is that of the whole access: also of the 16 bytes of a Q register.
 */
static ir_ref load_vector(struct tctx *t, unsigned size, ir_ref base, int32_t offset)
{
        return ir_load(t->b, IR_V128, a64_mem(t, size, false), base, offset);
}

static void store_vector(struct tctx *t, unsigned size, ir_ref base, int32_t offset, unsigned reg)
{
        ir_store(t->b, a64_mem(t, size, true), base, offset, a64_get_v(t, reg));
}

bool tr_ldr_b_ui(struct tctx *t, const struct args_fls *a)
{
        struct address at = address_of(t, a->rn, a->imm, a->mode);
        ir_ref v = load_vector(t, a->size, at.base, at.offset);

        finish(t, &at);
        a64_put_v(t, a->vt, v);
        return true;
}

bool tr_str_b_ui(struct tctx *t, const struct args_fls *a)
{
        struct address at = address_of(t, a->rn, a->imm, a->mode);

        store_vector(t, a->size, at.base, at.offset, a->vt);
        finish(t, &at);
        return true;
}

bool tr_ldr_b_ro(struct tctx *t, const struct args_fro *a)
{
        ir_ref at = indexed(t, a->rn, a->rm, a->option, a->sh ? a->size : 0);

        a64_put_v(t, a->vt, load_vector(t, a->size, at, 0));
        return true;
}

bool tr_str_b_ro(struct tctx *t, const struct args_fro *a)
{
        ir_ref at = indexed(t, a->rn, a->rm, a->option, a->sh ? a->size : 0);

        store_vector(t, a->size, at, 0, a->vt);
        return true;
}

bool tr_ldr_s_lit(struct tctx *t, const struct args_flit *a)
{
        a64_put_v(t, a->vt, load_vector(t, a->size, ir_pcaddr(t->b, (int64_t)t->pc + a->off), 0));
        return true;
}

bool tr_ldp_s_post(struct tctx *t, const struct args_vp *a)
{
        struct address at = address_of(t, a->rn, a->imm, a->mode);
        ir_ref v = load_vector(t, a->size, at.base, at.offset);
        ir_ref w = load_vector(t, a->size, at.base, at.offset + (1 << a->size));

        finish(t, &at);
        a64_put_v(t, a->vt, v);
        a64_put_v(t, a->vt2, w);
        return true;
}

bool tr_stp_s_post(struct tctx *t, const struct args_vp *a)
{
        struct address at = address_of(t, a->rn, a->imm, a->mode);

        store_vector(t, a->size, at.base, at.offset, a->vt);
        store_vector(t, a->size, at.base, at.offset + (1 << a->size), a->vt2);
        finish(t, &at);
        return true;
}

/* ---- structures: elements are loaded lane by lane where they interleave ---- */

/* Post-index by a register, or (31) by the number of bytes. */
static void finish_structure(struct tctx *t, unsigned rn, ir_ref base, unsigned rm, unsigned bytes)
{
        if (rm == 31)
                a64_write_back(t, rn, base, bytes);
        else
                a64_put_sp(t, true, rn, ir_add(t->b, base, a64_get_x(t, rm)));
}

/* Registers as a whole where they can be: where alignment is demanded, it is that of the elements alone. */
static bool by_element(const struct tctx *t, const struct args_ldm *a)
{
        return a->elems > 1 || (t->req->mode & A64_MODE_ALIGN);
}

/* Which register of those the @k-th element in memory belongs to, and which lane it is. */
static unsigned element_of(const struct args_ldm *a, unsigned k, unsigned *lane)
{
        unsigned lanes = (a->q ? 16 : 8) >> a->size;

        *lane = a->elems > 1 ? k / a->regs : k % lanes;
        return a->elems > 1 ? k % a->regs : k / lanes;
}

static void load_structures(struct tctx *t, const struct args_ldm *a, ir_ref base)
{
        unsigned lanes = (a->q ? 16 : 8) >> a->size, n = a->regs;
        ir_ref v[4];

        if (!by_element(t, a)) {
                for (unsigned r = 0; r < n; r++)
                        v[r] = ir_load(t->b, IR_V128, a64_mem(t, a->q ? 4 : 3, false), base,
                                       r * (a->q ? 16 : 8));
        } else {
                for (unsigned r = 0; r < n; r++)
                        v[r] = ir_const(t->b, IR_V128, 0);
                for (unsigned k = 0; k < lanes * n; k++) {
                        unsigned lane, r = element_of(a, k, &lane);
                        ir_ref x = ir_load(t->b, IR_I64, a64_mem(t, a->size, false), base, k << a->size);

                        v[r] = ir_vput(t->b, (enum ir_lane)a->size, v[r], lane, x);
                }
        }
        for (unsigned r = 0; r < n; r++)
                a64_put_v(t, (a->vt + r) & 31, v[r]);
}

static void store_structures(struct tctx *t, const struct args_ldm *a, ir_ref base)
{
        unsigned lanes = (a->q ? 16 : 8) >> a->size, n = a->regs;

        if (!by_element(t, a)) {
                for (unsigned r = 0; r < n; r++)
                        ir_store(t->b, a64_mem(t, a->q ? 4 : 3, true), base, r * (a->q ? 16 : 8),
                                 a64_get_v(t, (a->vt + r) & 31));
                return;
        }
        for (unsigned k = 0; k < lanes * n; k++) {
                unsigned lane, r = element_of(a, k, &lane);

                ir_store(t->b, a64_mem(t, a->size, true), base, k << a->size,
                         ir_vpick(t->b, IR_I64, (enum ir_lane)a->size, a64_get_v(t, (a->vt + r) & 31), lane));
        }
}

static struct args_ldm without_index(const struct args_ldmp *a)
{
        return (struct args_ldm){.q = a->q, .size = a->size, .rn = a->rn, .vt = a->vt, .elems = a->elems,
                                 .regs = a->regs};
}

bool tr_ld4(struct tctx *t, const struct args_ldm *a)
{
        load_structures(t, a, a64_base(t, a->rn));
        return true;
}

bool tr_st4(struct tctx *t, const struct args_ldm *a)
{
        store_structures(t, a, a64_base(t, a->rn));
        return true;
}

bool tr_ld4_post(struct tctx *t, const struct args_ldmp *a)
{
        struct args_ldm plain = without_index(a);
        ir_ref base = a64_base(t, a->rn);

        load_structures(t, &plain, base);
        finish_structure(t, a->rn, base, a->rm, a->regs * (a->q ? 16 : 8));
        return true;
}

bool tr_st4_post(struct tctx *t, const struct args_ldmp *a)
{
        struct args_ldm plain = without_index(a);
        ir_ref base = a64_base(t, a->rn);

        store_structures(t, &plain, base);
        finish_structure(t, a->rn, base, a->rm, a->regs * (a->q ? 16 : 8));
        return true;
}

/* One lane of each of @elems registers. */
static void load_lanes(struct tctx *t, unsigned vt, unsigned elems, unsigned size, unsigned index,
                       ir_ref base)
{
        ir_ref x[4];

        for (unsigned r = 0; r < elems; r++)
                x[r] = ir_load(t->b, IR_I64, a64_mem(t, size, false), base, r << size);
        for (unsigned r = 0; r < elems; r++)
                a64_put_v(t, (vt + r) & 31,
                          ir_vput(t->b, (enum ir_lane)size, a64_get_v(t, (vt + r) & 31), index, x[r]));
}

static void store_lanes(struct tctx *t, unsigned vt, unsigned elems, unsigned size, unsigned index,
                        ir_ref base)
{
        for (unsigned r = 0; r < elems; r++)
                ir_store(t->b, a64_mem(t, size, true), base, r << size,
                         ir_vpick(t->b, IR_I64, (enum ir_lane)size, a64_get_v(t, (vt + r) & 31), index));
}

bool tr_ld1_b(struct tctx *t, const struct args_lane *a)
{
        load_lanes(t, a->vt, a->elems, a->size, a->index, a64_base(t, a->rn));
        return true;
}

bool tr_st1_b(struct tctx *t, const struct args_lane *a)
{
        store_lanes(t, a->vt, a->elems, a->size, a->index, a64_base(t, a->rn));
        return true;
}

bool tr_ld1_b_post(struct tctx *t, const struct args_lanep *a)
{
        ir_ref base = a64_base(t, a->rn);

        load_lanes(t, a->vt, a->elems, a->size, a->index, base);
        finish_structure(t, a->rn, base, a->rm, a->elems << a->size);
        return true;
}

bool tr_st1_b_post(struct tctx *t, const struct args_lanep *a)
{
        ir_ref base = a64_base(t, a->rn);

        store_lanes(t, a->vt, a->elems, a->size, a->index, base);
        finish_structure(t, a->rn, base, a->rm, a->elems << a->size);
        return true;
}

/* One element in all lanes of a register. */
static void load_replicated(struct tctx *t, unsigned vt, unsigned elems, unsigned size, bool q, ir_ref base)
{
        ir_ref x[4];

        for (unsigned r = 0; r < elems; r++)
                x[r] = ir_load(t->b, IR_I64, a64_mem(t, size, false), base, r << size);
        for (unsigned r = 0; r < elems; r++)
                a64_put_vq(t, q, (vt + r) & 31, ir_vdup(t->b, (enum ir_lane)size, x[r]));
}

bool tr_ld1r(struct tctx *t, const struct args_ldr *a)
{
        load_replicated(t, a->vt, a->elems, a->size, a->q, a64_base(t, a->rn));
        return true;
}

bool tr_ld1r_post(struct tctx *t, const struct args_ldrp *a)
{
        ir_ref base = a64_base(t, a->rn);

        load_replicated(t, a->vt, a->elems, a->size, a->q, base);
        finish_structure(t, a->rn, base, a->rm, a->elems << a->size);
        return true;
}
