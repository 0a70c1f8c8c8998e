/* SPDX-License-Identifier: MIT */
/*
 * Ordered and exclusive accesses, and the atomic instructions of LSE (Arm ARM C6). A load-exclusive and
 * its store are one compare-and-swap where they stand together (exclusive.c), else helpers with a reservation
 * that watches the line; all others are host atomics through a page lookup. What acquires or releases here
 * does so in the strong sense, RCsc; LDAPR and its kin in the weaker one.
 */
#include "a64_translate.h"

#include "frontend/arm/translate.h"

static struct ir_mem ordered(unsigned size_log2, bool write, bool acquire, bool release, bool sc)
{
        return (struct ir_mem){
                .size_log2 = size_log2, .write = write, .align = size_log2 != 0, .acquire = acquire,
                        .release = release,
                .sc = sc && (acquire || release),
        };
}

static struct ir_mem atomic(unsigned size_log2, bool acquire, bool release)
{
        struct ir_mem mem = ordered(size_log2, true, acquire, release, true);

        mem.atomic = 1;
        return mem;
}

/* ---- load-acquire, store-release ---- */

/* The LOR forms order less than these, within regions that there need not be: they may be the same. */
bool tr_ldlarb(struct tctx *t, const struct args_ar *a)
{
        bool rcpc = t->row == A64_LDAPRB || t->row == A64_LDAPRH || t->row == A64_LDAPR;

        a64_put_x(t, a->rt, ir_load(t->b, IR_I64, ordered(a->size, false, true, false, !rcpc),
                                    a64_base(t, a->rn), 0));
        return true;
}

bool tr_stllrb(struct tctx *t, const struct args_ar *a)
{
        ir_store(t->b, ordered(a->size, true, false, true, true), a64_base(t, a->rn), 0, a64_get_x(t, a->rt));
        return true;
}

bool tr_ldapurb(struct tctx *t, const struct args_ldur *a)
{
        struct ir_mem mem = ordered(a->size, false, true, false, false);
        ir_ref base = a64_base(t, a->rn);

        mem.sign = a->sext != 0;
        if (a->sext == 2)
                a64_put(t, false, a->rt, ir_load(t->b, IR_I32, mem, base, a->imm));
        else
                a64_put_x(t, a->rt, ir_load(t->b, IR_I64, mem, base, a->imm));
        return true;
}

bool tr_stlurb(struct tctx *t, const struct args_stur *a)
{
        ir_store(t->b, ordered(a->size, true, false, true, true), a64_base(t, a->rn), a->imm,
                 a64_get_x(t, a->rt));
        return true;
}

/* ---- exclusives ---- */

bool tr_ldxrb(struct tctx *t, const struct args_ldx *a)
{
        ir_ref base = a64_base(t, a->rn), v;
        uint32_t offset;

        t->exclusive.active = false;
        if (!a64_find_store(t, a->rn, a->rt, 31, a->size, false, &offset)) {
                v = ir_call(t->b, &a64_helper_ldxr, base, a64_const64(t, a->size), 0, 0);
                if (a->acq)
                        ir_fence(t->b, IR_FENCE_LL | IR_FENCE_LS);
                a64_put_x(t, a->rt, v);
                return true;
        }
        /* an earlier reservation ends with this one, which needs no record: its store is in this block */
        ir_put(t->b, A64_SLOT_RESERVED, a64_const64(t, 0));
        v = ir_load(t->b, IR_I64, ordered(a->size, false, a->acq, false, true), base, 0);
        t->exclusive = (struct a64_exclusive){.active = true, .store_offset = offset, .base = base,
                                              .value = {v}};
        a64_put_x(t, a->rt, v);
        return true;
}

bool tr_stxrb(struct tctx *t, const struct args_stx *a)
{
        ir_ref v = a64_get_x(t, a->rt), failed;

        if (t->exclusive.active && t->exclusive.store_offset == t->pc) {
                ir_ref old = ir_atomic_cas(t->b, atomic(a->size, false, a->rel), t->exclusive.base,
                                           t->exclusive.value[0], v);

                failed = ir_setcc(t->b, IR_NE, old, t->exclusive.value[0]);
        } else {
                if (a->rel)
                        ir_fence(t->b, IR_FENCE_LS | IR_FENCE_SS);
                if (a->size < 3)
                        v = ir_extu(t->b, v, 0, 8u << a->size);
                failed = ir_call(t->b, &a64_helper_stxr, a64_base(t, a->rn), v, a64_const64(t, a->size), 0);
        }
        t->exclusive.active = false;
        a64_put_x(t, a->rs, failed);
        return true;
}

/*
 * Two words are one access of 8 bytes. Two doublewords need not be one of 16: that the pair was whole is
 * known only once its store succeeds (Arm ARM B2.2.1), and the store compares both.
 */
static void load_pair(struct tctx *t, const struct args_ldxp *a, ir_ref base, ir_ref v[2])
{
        if (a->size == 2) {
                ir_ref both = ir_load(t->b, IR_I64, ordered(3, false, a->acq, false, true), base, 0);

                v[0] = ir_extu(t->b, both, 0, 32);
                v[1] = ir_shru(t->b, both, a64_const64(t, 32));
        } else {
                struct ir_mem mem = {.size_log2 = 4, .align = 1};
                ir_ref both = ir_load(t->b, IR_V128, mem, base, 0);

                if (a->acq)
                        ir_fence(t->b, IR_FENCE_LL | IR_FENCE_LS);
                v[0] = ir_vpick(t->b, IR_I64, IR_X64, both, 0);
                v[1] = ir_vpick(t->b, IR_I64, IR_X64, both, 1);
        }
}

bool tr_ldxp(struct tctx *t, const struct args_ldxp *a)
{
        ir_ref base = a64_base(t, a->rn), v[2];
        uint32_t offset;

        t->exclusive.active = false;
        load_pair(t, a, base, v);
        if (a64_find_store(t, a->rn, a->rt, a->rt2, a->size, true, &offset)) {
                ir_put(t->b, A64_SLOT_RESERVED, a64_const64(t, 0));
                t->exclusive = (struct a64_exclusive){.active = true, .store_offset = offset, .base = base,
                                                      .value = {v[0], v[1]}};
        } else {
                ir_call(t->b, &a64_helper_ldxp, base, v[0], v[1], 0);
        }
        a64_put_x(t, a->rt, v[0]);
        a64_put_x(t, a->rt2, v[1]);
        return true;
}

/* 1 if memory did not hold @expect, else 0 and it holds the two registers. */
static ir_ref swap_pair(struct tctx *t, const struct args_stxp *a, ir_ref base, const ir_ref expect[2])
{
        ir_ref v[2] = {a64_get_x(t, a->rt), a64_get_x(t, a->rt2)}, old[2] = {expect[0], expect[1]};
        ir_ref zero = a64_const64(t, 0);

        if (a->size == 2) {
                ir_ref both = ir_insert(t->b, v[0], v[1], 32, 32),
                        expected = ir_insert(t->b, expect[0], expect[1], 32, 32);
                ir_ref was = ir_atomic_cas(t->b, atomic(3, false, a->rel), base, expected, both);

                return ir_setcc(t->b, IR_NE, was, expected);
        }
        ir_atomic_cas16(t->b, atomic(4, false, a->rel), base, old, v);
        return ir_setcc(t->b, IR_NE, ir_or(t->b, ir_xor(t->b, old[0], expect[0]),
                                           ir_xor(t->b, old[1], expect[1])), zero);
}

/* Far from its load: the pair is compared by value, and what it says is in the vCPU. */
static void store_pair_far(struct tctx *t, const struct args_stxp *a)
{
        uint32_t fail = ir_block_new(t->b), try = ir_block_new(t->b), other = ir_block_new(t->b);
        ir_ref base = a64_base(t, a->rn), expect[2];

        ir_brcc(t->b, IR_NE, ir_get(t->b, A64_SLOT_RESERVED), a64_const64(t, 2), fail, try);
        ir_builder_at(t->b, try);
        ir_brcc(t->b, IR_NE, ir_call(t->b, &a64_helper_stxp_check, base, a64_const64(t, 0), 0, 0), base, fail,
                other);
        ir_builder_at(t->b, fail);
        ir_call(t->b, &a64_helper_clrex, 0, 0, 0, 0);
        a64_put_x(t, a->rs, a64_const64(t, 1));
        ir_exit_jump(t->b, t->next, false);
        ir_builder_at(t->b, other);
        for (unsigned n = 0; n < 2; n++)
                expect[n] = ir_call(t->b, &a64_helper_stxp_check, base, a64_const64(t, 1 + n), 0, 0);
        ir_put(t->b, A64_SLOT_RESERVED, a64_const64(t, 0));
        a64_put_x(t, a->rs, swap_pair(t, a, base, expect));
        ir_exit_jump(t->b, t->next, false);
        t->ended = true;
}

bool tr_stxp(struct tctx *t, const struct args_stxp *a)
{
        if (t->exclusive.active && t->exclusive.store_offset == t->pc) {
                a64_put_x(t, a->rs, swap_pair(t, a, t->exclusive.base, t->exclusive.value));
                t->exclusive.active = false;
                return true;
        }
        t->exclusive.active = false;
        store_pair_far(t, a);
        return true;
}

/* ---- LSE ---- */

bool tr_ldaddb(struct tctx *t, const struct args_rmw *a)
{
        static const uint8_t ops[9] = {IR_RMW_ADD, IR_RMW_AND, IR_RMW_XOR, IR_RMW_OR, IR_RMW_MAXS,
                                       IR_RMW_MINS,
                                       IR_RMW_MAXU, IR_RMW_MINU, IR_RMW_SWAP};
        struct ir_mem mem = atomic(a->size, a->a && a->rt != 31, a->r);
        bool sf = a->size == 3;
        ir_ref v = a64_get(t, sf, a->rs), old;

        if (a->op == 1) /* LDCLR clears what the register has set */
                v = ir_not(t->b, v);
        mem.rmw = ops[a->op];
        /* SWP acquires even when nobody looks at the result */
        if (a->op == 8)
                mem.acquire = a->a;
        mem.sc = mem.acquire || mem.release;
        old = ir_atomic_rmw(t->b, mem, a64_base(t, a->rn), v);
        a64_put(t, sf, a->rt, old);
        return true;
}

bool tr_casb(struct tctx *t, const struct args_cas *a)
{
        bool sf = a->size == 3;
        ir_ref base = a64_base(t, a->rn), expect = a64_get(t, sf, a->rs);

        if (a->size < 2)
                expect = ir_extu(t->b, expect, 0, 8u << a->size);
        a64_put(t, sf, a->rs, ir_atomic_cas(t->b, atomic(a->size, a->a, a->r), base, expect,
                                            a64_get(t, sf, a->rt)));
        return true;
}

bool tr_casp(struct tctx *t, const struct args_cas *a)
{
        ir_ref base = a64_base(t, a->rn);
        ir_ref expect[2] = {a64_get_x(t, a->rs), a64_get_x(t, a->rs + 1)};
        ir_ref desired[2] = {a64_get_x(t, a->rt), a64_get_x(t, a->rt + 1)};

        if (a->size == 2) {
                ir_ref old = ir_atomic_cas(t->b, atomic(3, a->a, a->r), base,
                                           ir_insert(t->b, expect[0], expect[1], 32, 32),
                                           ir_insert(t->b, desired[0], desired[1], 32, 32));

                expect[0] = ir_extu(t->b, old, 0, 32);
                expect[1] = ir_shru(t->b, old, a64_const64(t, 32));
        } else {
                ir_atomic_cas16(t->b, atomic(4, a->a, a->r), base, expect, desired);
        }
        a64_put_x(t, a->rs, expect[0]);
        a64_put_x(t, a->rs + 1, expect[1]);
        return true;
}
