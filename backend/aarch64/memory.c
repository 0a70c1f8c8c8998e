/* SPDX-License-Identifier: MIT */
/*
 * Guest memory: lookups, loads, stores, atomics and fences. A lookup with one user is fused with it:
 *
 *      ubfx x16, a, 12, 10; add x16, x27, x16, lsl 5; ldr x17, [x16, tag]; ldr x16, [x16, addend]
 *      sub x17, a, x17; cmp x17, 4096 - n; b.hi cold; ldr d, [x16, a]
 *
 * Lookups with several users: backend/memory.c.
 *
 * Ordering, argued in docs/memory.md: plain accesses where the guest asks for nothing; LDAPR (LDAR without
 * FEAT_LRCPC) and STLR for acquire and release, whose misaligned cases take the slow path; atomics are acquire
 * and release and followed by DMB ISH; fences are DMB.
 *
 * All generated code that can fault does so in cold code, and no register with guest state is written before
 * that.
 */
#include "backend/aarch64/emit.h"

/* Atomics of 16 bytes where the host has no instruction */
bool emit_always_slow(const struct emit *e, const struct ir_ins *i)
{
        return i->mem.view || i->mem.big_endian || (i->op == IR_OP_cas16 && !e->h->feat.lse);
}

static bool is_atomic(const struct ir_ins *i)
{
        return i->op == IR_OP_rmw || i->op == IR_OP_cas || i->op == IR_OP_cas16;
}

/* Does the access use an instruction that wants a plain address, aligned? */
static bool is_ordered(const struct ir_ins *i)
{
        return i->op == IR_OP_ld ? i->mem.acquire : i->op == IR_OP_st ? i->mem.release : true;
}

/* x16 = addend for address @a, x17 = its offset in the page; branches if the page grants no @span bytes there. */
static uint8_t *emit_probe(struct emit *e, unsigned a, bool write, int32_t span)
{
        a64_ubfx(&e->a, true, SCRATCH, a, GUEST_PAGE_BITS, TLB_BITS);
        a64_alu_shift(&e->a, A64_ADD, true, SCRATCH, TLB, SCRATCH, SH_LSL, 5);
        a64_ldr(&e->a, true, SCRATCH2, a64_at(SCRATCH, tlb_tag_offset(write)));
        a64_ldr(&e->a, true, SCRATCH, a64_at(SCRATCH, offsetof(struct tlb_entry, addend)));
        a64_alu(&e->a, A64_SUB, true, SCRATCH2, a, SCRATCH2);
        a64_arith_imm(&e->a, A64_SUBS, true, XZR, SCRATCH2, GUEST_PAGE_SIZE - span);
        return a64_bcc(&e->a, CC_HI);
}

void emit_host_address(struct emit *e, struct cold *c, unsigned d, unsigned a, int32_t lo, bool write,
                       int32_t span)
{
        unsigned reg = lo ? d : a;

        if (lo)
                emit_add_imm(e, true, d, a, lo);
        emit_cold_from(c, emit_probe(e, reg, write, span));
        a64_alu(&e->a, A64_ADD, true, d, SCRATCH, reg);
}

/* Where the access is: [base + index], or, RA_NONE, [base + disp] */
struct place {
        unsigned index;
        struct a64_mem m;
};

static bool wants_alignment(const struct touch *t)
{
        unsigned size = t->i->mem.size_log2;

        return size && (t->i->mem.align || is_atomic(t->i) || (size < 4 && is_ordered(t->i)));
}

static void check_alignment(struct emit *e, struct touch *t, unsigned reg)
{
        uint32_t bits;

        a64_logic_imm_bits(true, (1u << t->i->mem.size_log2) - 1, &bits);
        a64_logic_imm(&e->a, A64_ANDS, true, XZR, reg, bits);
        emit_cold_from(t->c, a64_bcc(&e->a, CC_NE));
}

static struct place touch_fused(struct emit *e, struct touch *t)
{
        bool write = t->lookup->mem.write || t->i->op != IR_OP_ld;
        unsigned index = t->a;

        if (t->c->imm) {
                emit_add_imm(e, true, t->t, t->a, t->c->imm);
                index = t->t;
        }
        emit_cold_from(t->c, emit_probe(e, index, write, 1 << t->i->mem.size_log2));
        if (wants_alignment(t))
                check_alignment(e, t, index);
        return (struct place){index, a64_at(SCRATCH, 0)};
}

static struct place touch_shared(struct emit *e, struct touch *t)
{
        int32_t disp = (int32_t)t->c->imm - emit_lookup_lo(t->lookup);
        struct place p = {RA_NONE, a64_at(t->h, disp)};

        if (!touch_follows_lookup(e, t))
                emit_cold_from(t->c, a64_cbz(&e->a, false, true, t->h));
        if (wants_alignment(t) && disp) {
                emit_add_imm(e, true, SCRATCH, t->h, disp);
                p.m = a64_at(SCRATCH, 0);
        }
        if (wants_alignment(t))
                check_alignment(e, t, p.m.base);
        return p;
}

static struct place touch_check(struct emit *e, struct touch *t)
{
        t->c->fp_temps |= ra_any_live(&e->ra, ~0ull << RA_FPR); /* some may have come there since touch_site */
        if (!t->slow)
                return t->fused ? touch_fused(e, t) : touch_shared(e, t);
        emit_cold_from(t->c, a64_b(&e->a));
        return (struct place){RA_NONE, a64_at(SCRATCH, 0)};
}

static void access_place(struct emit *e, const struct place *p, uint32_t op, unsigned reg)
{
        if (p->index != RA_NONE)
                a64_access_reg(&e->a, op, reg, p->m.base, p->index);
        else
                emit_access(e, op, reg, p->m);
}

/* The host address of the access in a register, for the encodings that take no other */
static unsigned place_address(struct emit *e, const struct place *p)
{
        if (p->index != RA_NONE)
                a64_alu(&e->a, A64_ADD, true, SCRATCH, p->m.base, p->index);
        else if (p->m.disp)
                emit_add_imm(e, true, SCRATCH, p->m.base, p->m.disp);
        else
                return p->m.base;
        return SCRATCH;
}

static uint32_t load_op(unsigned size, bool sign, bool wide)
{
        if (!sign || size == 3 || (size == 2 && !wide))
                return A64_LD(size);
        return wide ? A64_LDS64(size) : A64_LDS32(size);
}

/* @d = the low 1 << size_log2 bytes of @from, extended as the op says; what is loaded is zero-extended already. */
static void extend(struct emit *e, const struct ir_ins *i, unsigned d, unsigned from)
{
        unsigned size = i->mem.size_log2;

        if (i->mem.sign && size < 3 && !(size == 2 && i->type != IR_I64))
                a64_sbfx(&e->a, i->type == IR_I64, d, from, 0, 8 << size);
        else if (d != from)
                a64_mov(&e->a, true, d, from);
}

static void load_ordered(struct emit *e, const struct ir_ins *i, const struct place *p, unsigned d)
{
        unsigned reg = d >= RA_FPR ? SCRATCH2 : d;

        a64_ordered(&e->a, e->h->feat.rcpc && !i->mem.sc ? A64_LDAPR : A64_LDAR, i->mem.size_log2, reg,
                    place_address(e, p));
        if (d >= RA_FPR)
                a64_fmov_from_gpr(&e->a, i->mem.size_log2 == 3, a64_num(d), reg);
        else
                extend(e, i, d, reg);
}

/* An opcode for 1 << size_log2 bytes at the bottom of a vector register; a load clears the rest. */
static uint32_t vector_op(unsigned size_log2, bool load)
{
        return load ? A64_FLD(size_log2) : A64_FST(size_log2);
}

void emit_ld(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool fp = ir_type_in_fpr(i->type), used = e->ra.val[at].last_use != 0;
        struct touch t;
        ra_set keep = 0;
        unsigned d;

        touch_operands(e, &t, i, COLD_LOAD, false);
        touch_site(e, &t, 3);
        if (t.fused && t.c->imm && t.a != RA_NONE)
                keep = RA_BIT(t.a) & e->ra.t->temps; /* the sum's register is not the address's */
        d = used ? ra_def(&e->ra, at, RA_NONE, keep) : ra_temp(&e->ra, fp, RA_NONE, keep);
        if (t.fused && !t.slow && t.c->imm)
                t.t = !fp && e->ra.t->temps & RA_BIT(d) ? d : ra_temp(&e->ra, false, RA_NONE, RA_BIT(d) | keep);
        t.c->d = d;
        if (i->mem.release)
                a64_dmb(&e->a, A64_ISH);
        struct place p = touch_check(e, &t);

        if (t.slow)
                ;
        else if (i->mem.acquire && i->mem.size_log2 < 4)
                load_ordered(e, i, &p, d);
        else if (fp)
                access_place(e, &p, vector_op(i->mem.size_log2, true), a64_num(d));
        else
                access_place(e, &p, load_op(i->mem.size_log2, i->mem.sign, i->type == IR_I64), d);
        if (i->mem.acquire && i->mem.size_log2 == 4 && !t.slow)
                a64_dmb(&e->a, A64_ISHLD);
        t.c->back = e->a.p;
        if (used)
                ra_def_done(&e->ra, at);
}

static void store_ordered(struct emit *e, unsigned size, const struct place *p, unsigned value)
{
        unsigned n = place_address(e, p);

        if (value != XZR && value >= RA_FPR) {
                a64_fmov_to_gpr(&e->a, size == 3, SCRATCH2, a64_num(value));
                value = SCRATCH2;
        }
        a64_ordered(&e->a, A64_STLR, size, value, n);
}

void emit_st(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned size = i->mem.size_log2, value = XZR;
        struct touch t;
        uint64_t k;

        touch_operands(e, &t, i, COLD_STORE, false);
        if (i->type != IR_V128 && ra_is_const(&e->ra, i->arg[2], &k) && !(size < 3 ? (uint32_t)k : k)) {
                t.c->value = (struct ra_opnd){.kind = RA_IMM, .imm = 0};
        } else {
                value = ra_reg(&e->ra, i->arg[2]);
                t.c->value = (struct ra_opnd){.kind = RA_REG, .reg = value};
        }
        touch_site(e, &t, 3);
        if (t.fused && !t.slow && t.c->imm)
                t.t = ra_temp(&e->ra, false, RA_NONE, (value != XZR ? RA_BIT(value) : 0) | RA_BIT(t.a));
        struct place p = touch_check(e, &t);

        if (i->mem.release && size == 4 && !t.slow)
                a64_dmb(&e->a, A64_ISH);
        if (t.slow)
                ;
        else if (i->mem.release && size < 4)
                store_ordered(e, size, &p, value);
        else if (value != XZR && value >= RA_FPR)
                access_place(e, &p, vector_op(size, false), a64_num(value));
        else
                access_place(e, &p, A64_ST(size), value);
        t.c->back = e->a.p;
}

/* ---- atomics ---- */

/* x17 = [n]; [n] = x17 op v, by exclusives; @s and @t are temporaries. */
static void rmw_loop(struct emit *e, const struct ir_ins *i, unsigned n, unsigned v, unsigned s, unsigned t)
{
        static const uint32_t alu[] = {[IR_RMW_ADD] = A64_ADD, [IR_RMW_AND] = A64_AND, [IR_RMW_OR] = A64_ORR,
                                       [IR_RMW_XOR] = A64_EOR};
        static const uint8_t keep[] = {[IR_RMW_MINS] = CC_LE, [IR_RMW_MAXS] = CC_GE, [IR_RMW_MINU] = CC_LS,
                                       [IR_RMW_MAXU] = CC_CS};
        enum ir_rmw op = (enum ir_rmw)i->mem.rmw;
        unsigned size = i->mem.size_log2;
        uint8_t *again;

        again = e->a.p;
        a64_ordered(&e->a, A64_LDAXR, size, SCRATCH2, n);
        if (op == IR_RMW_SWAP) {
                t = v;
        } else if (op <= IR_RMW_XOR) {
                a64_alu(&e->a, (enum a64_alu)alu[op], true, t, SCRATCH2, v);
        } else if (size >= 2) {
                a64_cmp(&e->a, size == 3, SCRATCH2, v);
                a64_csel(&e->a, A64_CSEL, (enum a64_cc)keep[op], true, t, SCRATCH2, v);
        } else {
                /* Small operands are compared at the top of a word. */
                a64_shift_imm(&e->a, SH_LSL, false, t, SCRATCH2, 32 - (8 << size));
                a64_shift_imm(&e->a, SH_LSL, false, s, v, 32 - (8 << size));
                a64_cmp(&e->a, false, t, s);
                a64_csel(&e->a, A64_CSEL, (enum a64_cc)keep[op], true, t, SCRATCH2, v);
        }
        a64_stxr(&e->a, A64_STLXR, size, s, t, n);
        a64_patch(&e->a, a64_cbz(&e->a, true, false, s), again);
}

/* The same as one instruction */
static void rmw_lse(struct emit *e, const struct ir_ins *i, unsigned n, unsigned v)
{
        static const uint32_t ops[IR_RMW_COUNT] = {
                [IR_RMW_SWAP] = A64_SWPAL, [IR_RMW_ADD] = A64_LDADDAL, [IR_RMW_AND] = A64_LDCLRAL,
                [IR_RMW_OR] = A64_LDSETAL, [IR_RMW_XOR] = A64_LDEORAL, [IR_RMW_MINS] = A64_LDSMINAL,
                [IR_RMW_MAXS] = A64_LDSMAXAL, [IR_RMW_MINU] = A64_LDUMINAL, [IR_RMW_MAXU] = A64_LDUMAXAL,
        };

        if (i->mem.rmw == IR_RMW_AND) {
                a64_alu(&e->a, A64_ORN, true, SCRATCH2, XZR, v);
                v = SCRATCH2;
        }
        a64_atomic(&e->a, (enum a64_atomic)ops[i->mem.rmw], i->mem.size_log2, v, SCRATCH2, n);
}

void emit_rmw(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        struct touch t;
        unsigned v, s = RA_NONE, n = RA_NONE, d;
        bool used = e->ra.val[at].last_use != 0;

        touch_operands(e, &t, i, COLD_RMW, true);
        v = ra_reg(&e->ra, i->arg[2]);
        touch_site(e, &t, 2);
        e->ra.locked |= RA_BIT(v) | RA_BIT(t.a);
        t.c->value = (struct ra_opnd){.kind = RA_REG, .reg = v};
        if (!e->h->feat.lse) {
                s = ra_temp(&e->ra, false, RA_NONE, RA_BIT(v) | RA_BIT(t.a));
                n = ra_temp(&e->ra, false, RA_NONE, RA_BIT(v) | RA_BIT(t.a) | RA_BIT(s));
        }
        d = used ? ra_def(&e->ra, at, RA_NONE, 0) : SCRATCH;
        struct place p = touch_check(e, &t);

        if (!t.slow) {
                unsigned address = place_address(e, &p);

                if (e->h->feat.lse)
                        rmw_lse(e, i, address, v);
                else
                        rmw_loop(e, i, address, v, s, n);
                a64_dmb(&e->a, A64_ISH);
                if (used)
                        extend(e, i, d, SCRATCH2);
        }
        t.c->d = d;
        t.c->back = e->a.p;
        if (used)
                ra_def_done(&e->ra, at);
}

/* x17 = [n]; if it was @expect, [n] = v; by exclusives */
static void cas_loop(struct emit *e, unsigned size, unsigned n, unsigned expect, unsigned v, unsigned s)
{
        uint8_t *again = e->a.p, *differs;
        uint32_t bits;

        a64_ordered(&e->a, A64_LDAXR, size, SCRATCH2, n);
        if (size >= 2) {
                a64_cmp(&e->a, size == 3, SCRATCH2, expect);
        } else {
                a64_alu(&e->a, A64_EOR, false, s, SCRATCH2, expect);
                a64_logic_imm_bits(false, size ? 0xffff : 0xff, &bits);
                a64_logic_imm(&e->a, A64_ANDS, false, XZR, s, bits);
        }
        differs = a64_bcc(&e->a, CC_NE);
        a64_stxr(&e->a, A64_STLXR, size, s, v, n);
        a64_patch(&e->a, a64_cbz(&e->a, true, false, s), again);
        a64_here(&e->a, differs);
}

void emit_cas(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        struct touch t;
        unsigned expect, v, s = RA_NONE, d;
        bool used = e->ra.val[at].last_use != 0;
        ra_set busy;

        touch_operands(e, &t, i, COLD_CAS, true);
        expect = ra_reg(&e->ra, i->arg[2]);
        v = ra_reg(&e->ra, i->arg[3]);
        busy = RA_BIT(v) | RA_BIT(t.a) | RA_BIT(expect);
        touch_site(e, &t, 2);
        e->ra.locked |= busy;
        t.c->value = (struct ra_opnd){.kind = RA_REG, .reg = expect};
        t.c->value2 = (struct ra_opnd){.kind = RA_REG, .reg = v};
        if (!e->h->feat.lse)
                s = ra_temp(&e->ra, false, RA_NONE, busy);
        d = used ? ra_def(&e->ra, at, RA_NONE, 0) : SCRATCH;
        struct place p = touch_check(e, &t);

        if (!t.slow) {
                unsigned address = place_address(e, &p);

                if (e->h->feat.lse) {
                        a64_mov(&e->a, true, SCRATCH2, expect);
                        a64_casal(&e->a, i->mem.size_log2, SCRATCH2, v, address);
                } else {
                        cas_loop(e, i->mem.size_log2, address, expect, v, s);
                }
                a64_dmb(&e->a, A64_ISH);
                if (used)
                        extend(e, i, d, SCRATCH2);
        }
        t.c->d = d;
        t.c->back = e->a.p;
        if (used)
                ra_def_done(&e->ra, at);
}

/* Operands and the old value are in hot.wide. */
void emit_cas16(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        struct touch t;
        unsigned address;

        touch_operands(e, &t, i, COLD_CAS16, true);
        touch_site(e, &t, 0);
        e->ra.locked |= RA_BIT(t.a);
        ra_take(&e->ra, 0xf); /* what was there stays until it is overwritten below */
        struct place p = touch_check(e, &t);

        if (!t.slow) {
                address = place_address(e, &p);
                a64_arith_imm(&e->a, A64_ADD, true, SCRATCH2, VCPU, WIDE(0).disp);
                a64_ldp(&e->a, X0, X1, SCRATCH2, 0);
                a64_ldp(&e->a, X2, X3, SCRATCH2, 16);
                a64_caspal(&e->a, X0, X2, address);
                a64_dmb(&e->a, A64_ISH);
                a64_stp(&e->a, X0, X1, SCRATCH2, 0);
        }
        t.c->d = SCRATCH;
        t.c->back = e->a.p;
}

void emit_fence(struct emit *e, uint32_t mask)
{
        if (!mask)
                return;
        if (!(mask & ~(uint32_t)(IR_FENCE_LL | IR_FENCE_LS)))
                a64_dmb(&e->a, A64_ISHLD);
        else if (mask == IR_FENCE_SS)
                a64_dmb(&e->a, A64_ISHST);
        else
                a64_dmb(&e->a, A64_ISH);
}

/* ---- cold code ---- */

/* x16 = guest address + imm */
static void address_to_scratch(struct emit *e, const struct ra_opnd *addr, int32_t imm)
{
        if (addr->kind == RA_REG && imm) {
                emit_add_imm(e, true, SCRATCH, addr->reg, imm);
                return;
        }
        emit_opnd_to(e, SCRATCH, addr, true);
        emit_add_imm(e, true, SCRATCH, SCRATCH, imm);
}

void cold_call(struct emit *e, const struct ra_opnd *addr, int32_t imm, const uint8_t *thunk, uint32_t word,
               const struct cold *site)
{
        address_to_scratch(e, addr, imm);
        a64_mov_imm(&e->a, SCRATCH2, word);
        a64_bl_exec(&e->a, thunk);
        if (site)
                emit_site_here(e, site);
}

void cold_no_address(struct emit *e, unsigned d)
{
        a64_movz(&e->a, false, d, 0, 0);
}

/* The thunks of stores do it. */
void cold_beside(struct emit *e, const struct cold *c)
{
        (void)e;
        (void)c;
}

void cold_value_arg(struct emit *e, unsigned n, const struct ra_opnd *o)
{
        if (o->kind == RA_IMM && !o->imm)
                a64_str(&e->a, true, XZR, OUT_ARG(n));
        else
                emit_out_arg(e, n, o, IR_I64);
}

void cold_vector_arg(struct emit *e, unsigned reg)
{
        a64_access(&e->a, A64_FST(4), a64_num(reg), VEC_ARG(0));
}

void cold_vector_value(struct emit *e, unsigned reg)
{
        a64_access(&e->a, A64_FLD(4), a64_num(reg), VEC_ARG(0));
}
