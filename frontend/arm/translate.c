/* SPDX-License-Identifier: MIT */
/*
 * Translates one block of A64 code: decodes instruction after instruction until one ends the block, the page
 * ends, or the request's limit is reached. The translators of single instructions are in tr_*.c.
 *
 * Runs on the vCPU's thread; touches nothing but the region being built.
 */
#include "a64_translate.h"

#include "frontend/arm/translate.h"

#include "base/bits.h"

enum { PAGE = GUEST_PAGE_SIZE };

/* ---- general registers ---- */

static uint32_t sp_slot(const struct tctx *t)
{
        return t->req->mode & A64_MODE_SPX ? A64_SLOT_SP_EL1 : A64_SLOT_SP_EL0;
}

ir_ref a64_get_x(struct tctx *t, unsigned reg)
{
        return reg < 31 ? ir_get(t->b, A64_SLOT_X0 + reg) : a64_const64(t, 0);
}

ir_ref a64_get(struct tctx *t, bool sf, unsigned reg)
{
        ir_ref v = a64_get_x(t, reg);

        return sf ? v : ir_trunc(t->b, v);
}

ir_ref a64_get_sp(struct tctx *t, bool sf, unsigned reg)
{
        ir_ref v = ir_get(t->b, reg < 31 ? A64_SLOT_X0 + reg : sp_slot(t));

        return sf ? v : ir_trunc(t->b, v);
}

void a64_put_x(struct tctx *t, unsigned reg, ir_ref v)
{
        if (reg < 31)
                ir_put(t->b, A64_SLOT_X0 + reg, v);
}

void a64_put(struct tctx *t, bool sf, unsigned reg, ir_ref v)
{
        if (reg < 31)
                ir_put(t->b, A64_SLOT_X0 + reg, sf ? v : ir_zext32(t->b, v));
}

void a64_put_sp(struct tctx *t, bool sf, unsigned reg, ir_ref v)
{
        if (reg == 31)
                t->sp_aligned = false;
        ir_put(t->b, reg < 31 ? A64_SLOT_X0 + reg : sp_slot(t), sf ? v : ir_zext32(t->b, v));
}

/*
 * The check is in a block of its own; once done it holds until SP changes by something else than a multiple
 * of 16.
 */
ir_ref a64_base(struct tctx *t, unsigned reg)
{
        uint32_t bad, good;

        if (reg == 31 && (t->req->mode & A64_MODE_SA) && !t->sp_aligned) {
                bad = ir_block_new(t->b);
                good = ir_block_new(t->b);
                ir_brcc(t->b, IR_TSTNZ, a64_get_sp(t, true, 31), a64_const64(t, 15), bad, good);
                ir_builder_at(t->b, bad);
                a64_raise_here(t, A64_EC_SP_ALIGN, 0, 0);
                ir_builder_at(t->b, good);
                t->sp_aligned = true;
        }
        return a64_get_sp(t, true, reg);
}

void a64_write_back(struct tctx *t, unsigned reg, ir_ref base, int64_t imm)
{
        bool aligned = t->sp_aligned && !(imm & 15);

        a64_put_sp(t, true, reg, ir_add(t->b, base, a64_const64(t, imm)));
        if (reg == 31)
                t->sp_aligned = aligned;
}

ir_ref a64_extend(struct tctx *t, bool sf, unsigned reg, unsigned option, unsigned amount)
{
        ir_ref v = a64_get(t, sf, reg);

        switch (option) {
        case 0: v = ir_zext8(t->b, v); break;
        case 1: v = ir_zext16(t->b, v); break;
        case 2: v = sf ? ir_zext32(t->b, ir_trunc(t->b, v)) : v; break;
        case 4: v = ir_sext8(t->b, v); break;
        case 5: v = ir_sext16(t->b, v); break;
        case 6: v = sf ? ir_sext32(t->b, ir_trunc(t->b, v)) : v; break;
        default: break;
        }
        return amount ? ir_shl(t->b, v, a64_const(t, sf, amount)) : v;
}

/* ---- flags ---- */

ir_ref a64_get_flags(struct tctx *t)
{
        return ir_get(t->b, A64_SLOT_FLAGS);
}

void a64_put_flags(struct tctx *t, ir_ref flags)
{
        ir_put(t->b, A64_SLOT_FLAGS, flags);
}

ir_ref a64_carry(struct tctx *t, ir_ref flags)
{
        return ir_fl_test(t->b, IR_FL_NC, flags);
}

ir_ref a64_flags_const(struct tctx *t, unsigned nzcv)
{
        return ir_fl_const(t->b, (nzcv & 8 ? IR_FLAG_N : 0) | (nzcv & 4 ? IR_FLAG_Z : 0) |
                           (nzcv & 2 ? 0 : IR_FLAG_C) |
                                 (nzcv & 1 ? IR_FLAG_V : 0));
}

bool a64_condition(unsigned cond, enum ir_flcond *c)
{
        /* of the even condition codes; the odd one is its negation. PSTATE.C is the absence of a borrow. */
        static const uint8_t conds[7] = {IR_FL_Z, IR_FL_NC, IR_FL_N, IR_FL_V, IR_FL_GTU, IR_FL_GES,
                                         IR_FL_GTS};

        if (cond >> 1 == 7)
                return false;
        *c = (enum ir_flcond)(conds[cond >> 1] ^ (cond & 1));
        return true;
}

/* ---- vector registers ---- */

ir_ref a64_get_v(struct tctx *t, unsigned reg)
{
        return ir_get(t->b, A64_SLOT_V0 + reg);
}

void a64_put_v(struct tctx *t, unsigned reg, ir_ref v)
{
        ir_put(t->b, A64_SLOT_V0 + reg, v);
}

void a64_put_vq(struct tctx *t, bool q, unsigned reg, ir_ref v)
{
        a64_put_v(t, reg, q ? v : ir_vzext(t->b, ir_vlow(t->b, IR_F64, v)));
}

ir_ref a64_get_fp(struct tctx *t, enum ir_type type, unsigned reg)
{
        return ir_vlow(t->b, type, a64_get_v(t, reg));
}

void a64_put_fp(struct tctx *t, unsigned reg, ir_ref v)
{
        a64_put_v(t, reg, ir_vzext(t->b, v));
}

/* FPCR's rounding modes are in another order than ours: nearest, up, down, zero. */
struct ir_fpmode a64_fp_mode(uint64_t mode)
{
        static const uint8_t rounds[4] = {IR_RM_RNE, IR_RM_RUP, IR_RM_RDN, IR_RM_RTZ};

        return (struct ir_fpmode){
                .round = rounds[A64_MODE_RMODE(mode)],
                .nan = mode & A64_MODE_DN ? IR_NAN_DEFAULT : IR_NAN_SIGNALING,
                .flush_out = mode & A64_MODE_FZ ? IR_FLUSH_UF : IR_FLUSH_OFF,
                .int_rule = IR_INT_SATURATE_ZERO,
                .flush_in = mode & A64_MODE_FZ,
                .tininess_before = true,
                .fma_inf_zero_nan_invalid = true,
        };
}

/* ---- ends of blocks ---- */

struct ir_mem a64_mem(const struct tctx *t, unsigned size_log2, bool write)
{
        return (struct ir_mem){
                .size_log2 = size_log2, .write = write, .align = (t->req->mode & A64_MODE_ALIGN) && size_log2,
        };
}

void a64_jump(struct tctx *t, int64_t target)
{
        ir_exit_jump(t->b, target, target <= (int64_t)t->pc);
        t->ended = true;
}

void a64_exit_lookup(struct tctx *t)
{
        ir_exit(t->b, IR_EXIT_LOOKUP, t->next);
        t->ended = true;
}

void a64_raise_here(struct tctx *t, enum a64_ec ec, uint32_t iss, ir_ref far)
{
        ir_call(t->b, &a64_helper_raise, a64_const64(t, ec), a64_const64(t, iss),
                far ? far : a64_const64(t, 0), 0);
        ir_exit(t->b, IR_EXIT_EXCEPTION, t->pc);
}

bool a64_end_raise(struct tctx *t, enum a64_ec ec, uint32_t iss)
{
        a64_raise_here(t, ec, iss, 0);
        t->ended = true;
        return true;
}

/*
 * Known to the tables, but not translated, or of a feature that the CPU has not: undefined, and named in the
 * log.
 */
static void raise_unimplemented(struct tctx *t, unsigned row)
{
        ir_call(t->b, &a64_helper_unimplemented, a64_const64(t, row), a64_const64(t, t->insn), 0, 0);
        ir_exit(t->b, IR_EXIT_EXCEPTION, t->pc);
        t->ended = true;
}

bool a64_by_helper(struct tctx *t, bool fp)
{
        ir_ref row = a64_const64(t, t->row), word = a64_const64(t, t->insn);

        if (fp)
                ir_call(t->b, &a64_helper_vector_fp, row, word, a64_const64(t, t->req->mode), 0);
        else
                ir_call(t->b, &a64_helper_vector, row, word, 0, 0);
        return true;
}

/* ---- the block ---- */

static uint32_t fetch(const struct tctx *t)
{
        const uint8_t *p = t->req->bytes + t->pc;

        return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Counters are exact in deterministic mode because what reads them is a block of its own. */
static bool reads_counter(const struct a64_decoded *d)
{
        const struct args_sysreg *a = &d->args.sysreg;

        return (d->insn == A64_MRS || d->insn == A64_MSR) &&
               a64_sysreg_is_counter(A64_SYSREG(a->op0, a->op1, a->crn, a->crm, a->op2));
}

static bool is_load_exclusive(enum a64_insn insn)
{
        return insn >= A64_LDXRB && insn <= A64_LDAXR;
}

/* A load-exclusive too near the end of the block to have its store in it: it shall begin one of its own. */
static bool begins_late(const struct tctx *t, const struct a64_decoded *d)
{
        return (is_load_exclusive((enum a64_insn)d->insn) || d->insn == A64_LDXP || d->insn == A64_LDAXP) &&
               t->pc != t->req->offset && t->r->n_guest_insns + 1 +
                       A64_EXCLUSIVE_MAX_INSNS > t->req->max_insns;
}

/*
 * Does CPACR_EL1 have a say? Everything that needs the FP and SIMD registers is of a feature that needs FP or
 * ASIMD.
 */
static bool uses_fp(enum a64_insn insn)
{
        const uint64_t base = 1ull << A64_F_A64 | 1ull << A64_F_CRC32 | 1ull << A64_F_LSE |
                              1ull << A64_F_LOR | 1ull << A64_F_PAN | 1ull << A64_F_RCPC |
                              1ull << A64_F_RCPC2 | 1ull << A64_F_FLAGM | 1ull << A64_F_FLAGM2 |
                              1ull << A64_F_SB | 1ull << A64_F_HBC | 1ull << A64_F_CSSC | 1ull << A64_F_WFXT |
                              1ull << A64_F_XS;

        return !(a64_insns[insn].alts[0].need & base);
}

static void undefined(struct tctx *t)
{
        static const struct cpu_features all = {{(1ull << A64_F_COUNT) - 1}};
        struct a64_decoded d;

        if (a64_decode(t->insn, &all, &d) && d.insn != A64_UDF)
                raise_unimplemented(t, d.insn);
        else
                a64_end_raise(t, A64_EC_UNKNOWN, 0);
}

static void translate_one(struct tctx *t)
{
        struct a64_decoded d;
        bool counter, known;

        known = a64_decode(t->insn, &t->config->features, &d);
        counter = known && t->r->deterministic && reads_counter(&d);
        if (known && ((counter && t->pc != t->req->offset) || begins_late(t, &d))) {
                ir_exit_jump(t->b, t->pc, false);
                t->ended = true;
                return;
        }
        ir_insn(t->b, t->pc);
        if (t->req->hooks)
                ir_hook(t->b, 0, t->pc);
        if (t->req->mode & A64_MODE_IL) {
                a64_end_raise(t, A64_EC_ILLEGAL, 0);
                return;
        }
        t->row = d.insn;
        if (known && uses_fp((enum a64_insn)d.insn) && !(t->req->mode & A64_MODE_FP))
                a64_end_raise(t, A64_EC_FP, 0x1e00000);
        else if ((!known || !a64_translate_insn(t, &d)) && !t->ended)
                undefined(t);
        else if (!t->ended && counter)
                a64_exit_lookup(t);
}

/* A misaligned PC is told before the instruction is fetched. */
static void misaligned_pc(struct tctx *t)
{
        ir_insn(t->b, t->pc);
        a64_raise_here(t, A64_EC_PC_ALIGN, 0, ir_pcaddr(t->b, t->pc));
        t->r->guest_bytes = MIN(4, PAGE - t->pc);
        ir_builder_finish(t->b);
}

void a64_translate(struct ir_region *r, struct translate_req *req)
{
        struct tctx t = {.r = r, .req = req, .config = req->config, .pc = req->offset};

        cpu_translate_begin(r, req, a64_fp_mode(req->mode));
        t.b = cpu_translate_builder(r);
        if (t.pc & 3) {
                misaligned_pc(&t);
                return;
        }
        for (;;) {
                t.insn = fetch(&t);
                t.next = t.pc + 4;
                translate_one(&t);
                if (t.ended)
                        break;
                t.pc = t.next;
                if (t.pc >= PAGE || r->n_guest_insns >= req->max_insns || cpu_breakpoint_at(req, t.pc)) {
                        ir_exit_jump(t.b, t.pc, false);
                        break;
                }
        }
        r->guest_bytes = (t.ended && t.pc == t.next ? t.pc : MAX(t.next, req->offset + 4)) - req->offset;
        ir_builder_finish(t.b);
}
