/* SPDX-License-Identifier: MIT */
/*
 * Translates one block of RISC-V code: decodes instruction after instruction until one ends the block, the
 * page ends, or the request's limit is reached. The translators of single instructions are in tr_*.c.
 *
 * Runs on the vCPU's thread; touches nothing but the region being built.
 */
#include "frontend/riscv/translate.h"

#include "base/bits.h"
#include "rv_translate.h"

enum { PAGE = GUEST_PAGE_SIZE };

/* ---- registers ---- */

ir_ref rv_const(struct tctx *t, int64_t value)
{
        return ir_const(t->b, rv_xtype(t), value);
}

ir_ref rv_get(struct tctx *t, unsigned reg)
{
        return reg ? ir_get(t->b, RV_SLOT_X1 + reg - 1) : rv_const(t, 0);
}

void rv_put(struct tctx *t, unsigned reg, ir_ref v)
{
        if (reg)
                ir_put(t->b, RV_SLOT_X1 + reg - 1, v);
}

ir_ref rv_get32(struct tctx *t, unsigned reg)
{
        ir_ref v = rv_get(t, reg);

        return rv_is64(t) ? ir_trunc(t->b, v) : v;
}

void rv_put32(struct tctx *t, unsigned reg, ir_ref v)
{
        rv_put(t, reg, rv_is64(t) ? ir_sext32(t->b, v) : v);
}

ir_ref rv_addr(struct tctx *t, unsigned reg)
{
        ir_ref v = rv_get(t, reg);

        return rv_is64(t) ? v : ir_zext32(t->b, v);
}

bool rv_op_rr(struct tctx *t, const struct args_r *a, rv_binary_fn *op)
{
        rv_put(t, a->rd, op(t->b, rv_get(t, a->rs1), rv_get(t, a->rs2)));
        return true;
}

bool rv_op_rrw(struct tctx *t, const struct args_r *a, rv_binary_fn *op)
{
        rv_put32(t, a->rd, op(t->b, rv_get32(t, a->rs1), rv_get32(t, a->rs2)));
        return true;
}

ir_ref rv_get_f64(struct tctx *t, unsigned reg)
{
        return ir_get(t->b, RV_SLOT_F0 + reg);
}

ir_ref rv_get_f32(struct tctx *t, unsigned reg)
{
        return ir_funbox(t->b, rv_get_f64(t, reg));
}

/*
 * mstatus.FS becomes Dirty with the first change of FP state. That is another mode, so the block ends after
 * this instruction; where FS is Dirty already, which is nearly always, nothing happens.
 */
void rv_fp_changed(struct tctx *t)
{
        if (t->fs_dirty)
                return;
        ir_call(t->b, &rv_helper_fs_dirty, 0, 0, 0, 0);
        t->fs_dirty = true;
        t->end_after = true;
}

void rv_put_f64(struct tctx *t, unsigned reg, ir_ref v)
{
        rv_fp_changed(t);
        ir_put(t->b, RV_SLOT_F0 + reg, v);
}

void rv_put_f32(struct tctx *t, unsigned reg, ir_ref v)
{
        rv_put_f64(t, reg, ir_fbox(t->b, v));
}

bool rv_fp_on(const struct tctx *t)
{
        return t->req->mode & RV_MODE_FS_ON;
}

/* Rounding modes, volume I, table 11.1: 0 to 4 in the order of enum ir_round; 7 is dynamic. */
bool rv_round(const struct tctx *t, unsigned rm, enum ir_round *round)
{
        unsigned frm = RV_MODE_FRM(t->req->mode);

        _Static_assert(IR_RM_RNE == 0 && IR_RM_RTZ == 1 && IR_RM_RDN == 2 && IR_RM_RUP == 3 && IR_RM_RMM == 4,
                       "enum ir_round is in the order of the rm field");
        if (rm == 7)
                rm = frm;
        if (rm > 4)
                return false;
        *round = rm == frm && rm != IR_RM_RMM ? IR_RM_MODE : (enum ir_round)rm;
        return true;
}

/* The host has no RMM: a region in that mode runs in RNE, and its operations name RMM one by one. */
struct ir_fpmode rv_fp_mode(uint64_t mode)
{
        unsigned frm = RV_MODE_FRM(mode);

        return (struct ir_fpmode){
                .round = frm < 4 ? frm : IR_RM_RNE,
                .nan = IR_NAN_DEFAULT,
                .fma_inf_zero_nan_invalid = true,
        };
}

/* ---- ends of blocks ---- */

void rv_jump(struct tctx *t, int64_t target)
{
        ir_exit_jump(t->b, target, target <= (int64_t)t->pc);
        t->ended = true;
}

void rv_exit_lookup(struct tctx *t)
{
        ir_exit(t->b, IR_EXIT_LOOKUP, t->next);
        t->ended = true;
}

void rv_exit_indirect(struct tctx *t, enum ir_jump kind, ir_ref target)
{
        ir_exit_ind(t->b, kind, rv_is64(t) ? target : ir_zext32(t->b, target));
        t->ended = true;
}

/*
 * The mode may be another one now, but not the rounding mode, so what comes next need not enter by the
 * dispatcher: the jump cache is that of the new mode and context. A direct transfer would be linked to a
 * region of the old ones; with a slot in it, the address is not a constant.
 */
void rv_exit_next(struct tctx *t)
{
        ir_ref next = ir_add(t->b, ir_pcaddr(t->b, t->next), ir_get(t->b, RV_SLOT_ZERO));

        ir_exit_ind(t->b, IR_JUMP_PLAIN, next);
        t->ended = true;
}

void rv_exception(struct tctx *t, enum rv_cause cause, ir_ref tval)
{
        ir_exit_ind(t->b, IR_JUMP_PLAIN, ir_call(t->b, &rv_helper_trap, ir_pcaddr(t->b, t->pc),
                                                 ir_const(t->b, IR_I64, cause), tval, 0));
        t->ended = true;
}

static void raise_illegal(struct tctx *t)
{
        /* mtval gets the instruction: 16 bits of a compressed one */
        uint32_t bits = (t->insn & 3) == 3 ? t->insn : t->insn & 0xffff;

        rv_exception(t, RV_EXC_ILLEGAL, ir_const(t->b, IR_I64, bits));
}

/* ---- the block ---- */

/* Reads the instruction at t->pc; false if it runs into the next page and those bytes are not to be had. */
static bool fetch(struct tctx *t)
{
        const uint8_t *p = t->req->bytes + t->pc;
        const uint8_t *upper = p + 2;

        t->insn = p[0] | p[1] << 8;
        t->next = t->pc + 2;
        if ((t->insn & 3) != 3)
                return true;
        t->next = t->pc + 4;
        if (t->next > PAGE) {
                if (!t->req->next)
                        return false;
                upper = t->req->next;
        }
        t->insn |= (uint32_t)upper[0] << 16 | (uint32_t)upper[1] << 24;
        return true;
}

/* Counters are exact in deterministic mode because what reads them is a block of its own. */
static bool reads_counter(const struct rv_decoded *d)
{
        switch (d->insn) {
        case RV_CSRRW:
        case RV_CSRRS:
        case RV_CSRRC:
                return rv_csr_is_counter(d->args.csr.csr);
        case RV_CSRRWI:
        case RV_CSRRSI:
        case RV_CSRRCI:
                return rv_csr_is_counter(d->args.csri.csr);
        default:
                return false;
        }
}

/* An LR too near the end of the block to have its SC in it: it shall begin one of its own. */
static bool begins_late(const struct tctx *t, const struct rv_decoded *d)
{
        return (d->insn == RV_LR_W || d->insn == RV_LR_D) && t->pc != t->req->offset &&
               t->r->n_guest_insns + 1 + RV_LRSC_MAX_INSNS > t->req->max_insns;
}

static void translate_one(struct tctx *t)
{
        struct rv_decoded d;
        bool counter;

        if (!rv_decode(t->insn, &t->config->features, &d)) {
                ir_insn(t->b, t->pc);
                raise_illegal(t);
                return;
        }
        counter = t->r->deterministic && reads_counter(&d);
        if ((counter && t->pc != t->req->offset) || begins_late(t, &d)) {
                ir_exit_jump(t->b, t->pc, false);
                t->ended = true;
                return;
        }
        ir_insn(t->b, t->pc);
        if (t->req->hooks)
                ir_hook(t->b, 0, t->pc);
        if (!rv_translate_insn(t, &d) && !t->ended)
                raise_illegal(t);
        else if (!t->ended && (t->end_after || counter))
                rv_exit_next(t);
}

void rv_translate(struct ir_region *r, struct translate_req *req)
{
        struct tctx t = {
                .r = r, .req = req, .config = req->config, .pc = req->offset,
                .fs_dirty = req->mode & RV_MODE_FS_DIRTY,
        };

        cpu_translate_begin(r, req, rv_fp_mode(req->mode));
        t.next = t.pc + 2;
        if (!fetch(&t) && t.pc == req->offset) {
                req->needs_next = true;
                return;
        }
        t.b = cpu_translate_builder(r);
        for (;;) {
                translate_one(&t);
                if (t.ended)
                        break;
                t.pc = t.next;
                if (t.pc >= PAGE || r->n_guest_insns >= req->max_insns || cpu_breakpoint_at(req, t.pc) ||
                    !fetch(&t) || t.next > PAGE) {
                        ir_exit_jump(t.b, t.pc, false);
                        t.next = t.pc;
                        break;
                }
        }
        req->straddles = t.next > PAGE && t.pc == req->offset;
        r->guest_bytes = t.next - req->offset;
        ir_builder_finish(t.b);
}
