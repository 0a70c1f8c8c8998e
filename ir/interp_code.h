/* SPDX-License-Identifier: MIT */
/*
 * The threaded form of the interpreter, between interp_compile.c, which makes it, and interp.c, which runs
 * it. Never changes once made.
 */
#pragma once

#include "ir/interp.h"

/* One step; some take a second one after it for their further operands. 16 bytes. */
struct ir_step {
        uint16_t op;      /* enum ir_step_op */
        uint16_t d, a, b; /* indexes of values */
        union {
                int64_t imm;
                const void *ptr;
                struct {
                        uint16_t c, e;
                };
                struct {
                        uint32_t then_step, else_step;
                };
                struct {
                        int32_t offset; /* cas: index of the desired value */
                        uint32_t mem;
                };
        };
};
_Static_assert(sizeof(struct ir_step) == 16, "steps are packed");

#define IR_STEP_CONDS(X) \
        X(eq, a == b) X(ne, a != b) X(ltu, a < b) X(geu, a >= b) X(lts, SA < SB) X(ges, SA >= SB) \
        X(leu, a <= b) X(gtu, a > b) X(les, SA <= SB) X(gts, SA > SB) X(tstz, !(a & b)) X(tstnz, (a & b) != 0)

/* Integer ops have four forms each: 32 or 64 bits, second argument a value or imm. */
enum ir_step_op {
#define OP(name, sig, nargs, flags, eval, doc) STEP_##sig(name)
#define STEP_IR_SIG_INT(name) ST_##name##32, ST_##name##32i, ST_##name##64, ST_##name##64i,
#define STEP_IR_SIG_FP(name)
#define STEP_IR_SIG_SETCC(name)
#define STEP_IR_SIG_FCMP(name)
#define STEP_IR_SIG_SELECT(name)
#define STEP_IR_SIG_CONV(name)
#define STEP_IR_SIG_BITS(name)
#define STEP_IR_SIG_FLAGS(name)
#define STEP_IR_SIG_LANE(name)
#define STEP_IR_SIG_VEC(name)
#define STEP_IR_SIG_VFP(name)
#define STEP_IR_SIG_MEM(name)
#define STEP_IR_SIG_CTRL(name)
#include "ir/ops.def"
#undef OP
#define COND(name, expr) ST_setcc_##name##32, ST_setcc_##name##32i, ST_setcc_##name##64, ST_setcc_##name##64i,
        IR_STEP_CONDS(COND)
#undef COND
#define COND(name, expr) ST_brcc_##name##32, ST_brcc_##name##32i, ST_brcc_##name##64, ST_brcc_##name##64i,
        IR_STEP_CONDS(COND)
#undef COND
#define COND(name, expr) ST_select_##name##32, ST_select_##name##64,
        IR_STEP_CONDS(COND)
#undef COND
        ST_const, ST_get32, ST_get64, ST_put32, ST_put64, ST_putc32, ST_putc64, ST_pcaddr,
        ST_mov, ST_low32, ST_sext32, ST_fbox, ST_fabs32, ST_fabs64, ST_fneg32, ST_fneg64, ST_fsgnj32,
        ST_fsgnj64, ST_fp, ST_vec, ST_vfp, ST_ld128, ST_st128,
        ST_ld32, ST_ld64, ST_st, ST_rmw32, ST_rmw64, ST_cas32, ST_cas64, ST_cas16, ST_wput, ST_wget,
        ST_fence, ST_eval,
        ST_call, ST_hook, ST_budget, ST_poll, ST_br, ST_exit_jump, ST_exit_ind, ST_exit,
        ST_COUNT
};

struct ir_icode {
        struct ir_fpmode fp;
        uint32_t n_steps, n_values;
        uint16_t *insn_of;    /* by step: number of the guest instruction in force */
        int64_t *insn_offset; /* by that number: its offset from the page's start */
        struct ir_ins *fp_ins; /* the ops that ST_fp steps point to */
        struct ir_step steps[];
};
