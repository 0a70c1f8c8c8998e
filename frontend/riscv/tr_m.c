/* SPDX-License-Identifier: MIT */
/*
 * M (volume I, chapter 13) and Zicond (chapter 12). The IR's division has RISC-V's results for zero and
 * overflow.
 */
#include "rv_translate.h"

#include "frontend/riscv/translate.h"

bool tr_mul(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_mul); }
bool tr_mulh(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_mulhs); }
bool tr_mulhsu(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_mulhsu); }
bool tr_mulhu(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_mulhu); }
bool tr_div(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_divs); }
bool tr_divu(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_divu); }
bool tr_rem(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_rems); }
bool tr_remu(struct tctx *t, const struct args_r *a) { return rv_op_rr(t, a, ir_remu); }
bool tr_mulw(struct tctx *t, const struct args_r *a) { return rv_op_rrw(t, a, ir_mul); }
bool tr_divw(struct tctx *t, const struct args_r *a) { return rv_op_rrw(t, a, ir_divs); }
bool tr_divuw(struct tctx *t, const struct args_r *a) { return rv_op_rrw(t, a, ir_divu); }
bool tr_remw(struct tctx *t, const struct args_r *a) { return rv_op_rrw(t, a, ir_rems); }
bool tr_remuw(struct tctx *t, const struct args_r *a) { return rv_op_rrw(t, a, ir_remu); }

static bool czero(struct tctx *t, const struct args_r *a, enum ir_cond zero_if)
{
        ir_ref zero = rv_const(t, 0);

        rv_put(t, a->rd, ir_select(t->b, zero_if, rv_get(t, a->rs2), zero, zero, rv_get(t, a->rs1)));
        return true;
}

bool tr_czero_eqz(struct tctx *t, const struct args_r *a) { return czero(t, a, IR_EQ); }
bool tr_czero_nez(struct tctx *t, const struct args_r *a) { return czero(t, a, IR_NE); }
