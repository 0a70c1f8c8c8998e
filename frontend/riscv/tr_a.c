/* SPDX-License-Identifier: MIT */
/*
 * A (volume I, chapter 13): atomic read-modify-writes are host atomics through a page lookup; LR and SC are
 * one compare-and-swap where they stand together (lrsc.c), else helpers with a reservation that watches the
 * line.
 */
#include "rv_translate.h"

#include "frontend/riscv/translate.h"

static struct ir_mem atomic_mem(unsigned size_log2, bool aq, bool rl)
{
        return (struct ir_mem){
                .size_log2 = size_log2, .sign = size_log2 == 2, .align = 1, .write = 1, .atomic = 1,
                .acquire = aq, .release = rl,
        };
}

static bool amo(struct tctx *t, const struct args_amo *a, unsigned size_log2, enum ir_rmw op)
{
        struct ir_mem mem = atomic_mem(size_log2, a->aq, a->rl);
        ir_ref v = size_log2 == 2 ? rv_get32(t, a->rs2) : rv_get(t, a->rs2);
        ir_ref old;

        mem.rmw = op;
        old = ir_atomic_rmw(t->b, mem, rv_addr(t, a->rs1), v);
        if (size_log2 == 2)
                rv_put32(t, a->rd, old);
        else
                rv_put(t, a->rd, old);
        return true;
}

bool tr_amoswap_w(struct tctx *t, const struct args_amo *a) { return amo(t, a, 2, IR_RMW_SWAP); }
bool tr_amoadd_w(struct tctx *t, const struct args_amo *a) { return amo(t, a, 2, IR_RMW_ADD); }
bool tr_amoxor_w(struct tctx *t, const struct args_amo *a) { return amo(t, a, 2, IR_RMW_XOR); }
bool tr_amoand_w(struct tctx *t, const struct args_amo *a) { return amo(t, a, 2, IR_RMW_AND); }
bool tr_amoor_w(struct tctx *t, const struct args_amo *a) { return amo(t, a, 2, IR_RMW_OR); }
bool tr_amomin_w(struct tctx *t, const struct args_amo *a) { return amo(t, a, 2, IR_RMW_MINS); }
bool tr_amomax_w(struct tctx *t, const struct args_amo *a) { return amo(t, a, 2, IR_RMW_MAXS); }
bool tr_amominu_w(struct tctx *t, const struct args_amo *a) { return amo(t, a, 2, IR_RMW_MINU); }
bool tr_amomaxu_w(struct tctx *t, const struct args_amo *a) { return amo(t, a, 2, IR_RMW_MAXU); }
bool tr_amoswap_d(struct tctx *t, const struct args_amo *a) { return amo(t, a, 3, IR_RMW_SWAP); }
bool tr_amoadd_d(struct tctx *t, const struct args_amo *a) { return amo(t, a, 3, IR_RMW_ADD); }
bool tr_amoxor_d(struct tctx *t, const struct args_amo *a) { return amo(t, a, 3, IR_RMW_XOR); }
bool tr_amoand_d(struct tctx *t, const struct args_amo *a) { return amo(t, a, 3, IR_RMW_AND); }
bool tr_amoor_d(struct tctx *t, const struct args_amo *a) { return amo(t, a, 3, IR_RMW_OR); }
bool tr_amomin_d(struct tctx *t, const struct args_amo *a) { return amo(t, a, 3, IR_RMW_MINS); }
bool tr_amomax_d(struct tctx *t, const struct args_amo *a) { return amo(t, a, 3, IR_RMW_MAXS); }
bool tr_amominu_d(struct tctx *t, const struct args_amo *a) { return amo(t, a, 3, IR_RMW_MINU); }
bool tr_amomaxu_d(struct tctx *t, const struct args_amo *a) { return amo(t, a, 3, IR_RMW_MAXU); }

static bool lr(struct tctx *t, const struct args_lr *a, unsigned size_log2, enum rv_insn sc)
{
        struct ir_mem mem = {.size_log2 = size_log2, .sign = size_log2 == 2, .align = 1, .acquire = a->aq,
                             .release = a->rl};
        uint32_t sc_offset;
        ir_ref base = rv_addr(t, a->rs1), v;

        t->lrsc.active = false;
        if (!rv_find_sc(t, a, sc, &sc_offset)) {
                v = ir_call(t->b, &rv_helper_load_reserved, base, ir_const(t->b, IR_I64, size_log2), 0, 0);
                rv_put(t, a->rd, rv_is64(t) ? v : ir_trunc(t->b, v));
                return true;
        }
        /* an earlier reservation ends with this one, which needs no record: its SC is in this block */
        ir_put(t->b, RV_SLOT_RESERVED, ir_const(t->b, IR_I64, 0));
        v = ir_load(t->b, size_log2 == 2 ? IR_I32 : rv_xtype(t), mem, base, 0);
        t->lrsc = (struct rv_lrsc){.active = true, .sc_offset = sc_offset, .base = base, .value = v};
        if (size_log2 == 2)
                rv_put32(t, a->rd, v);
        else
                rv_put(t, a->rd, v);
        return true;
}

static bool sc(struct tctx *t, const struct args_amo *a, unsigned size_log2)
{
        ir_ref v = size_log2 == 2 ? rv_get32(t, a->rs2) : rv_get(t, a->rs2), failed;

        if (t->lrsc.active && t->lrsc.sc_offset == t->pc) {
                ir_ref old = ir_atomic_cas(t->b, atomic_mem(size_log2, a->aq, a->rl), t->lrsc.base,
                                           t->lrsc.value, v);

                failed = ir_setcc(t->b, IR_NE, old, t->lrsc.value);
        } else {
                if (size_log2 == 2)
                        v = ir_zext32(t->b, v);
                failed = ir_call(t->b, &rv_helper_store_conditional, rv_addr(t, a->rs1), v,
                                 ir_const(t->b, IR_I64, size_log2), 0);
        }
        t->lrsc.active = false;
        rv_put(t, a->rd, rv_is64(t) ? failed : ir_trunc(t->b, failed));
        return true;
}

bool tr_lr_w(struct tctx *t, const struct args_lr *a) { return lr(t, a, 2, RV_SC_W); }
bool tr_lr_d(struct tctx *t, const struct args_lr *a) { return lr(t, a, 3, RV_SC_D); }
bool tr_sc_w(struct tctx *t, const struct args_amo *a) { return sc(t, a, 2); }
bool tr_sc_d(struct tctx *t, const struct args_amo *a) { return sc(t, a, 3); }
