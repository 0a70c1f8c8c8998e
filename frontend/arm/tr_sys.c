/* SPDX-License-Identifier: MIT */
/*
 * Branches, exceptions and system instructions (Arm ARM C4.1).
 */
#include "a64_translate.h"

#include "frontend/arm/translate.h"

/* ---- branches ---- */

bool tr_b(struct tctx *t, const struct args_off *a)
{
        a64_jump(t, (int64_t)t->pc + a->off);
        return true;
}

bool tr_bl(struct tctx *t, const struct args_off *a)
{
        ir_ret_push(t->b, t->next);
        a64_put_x(t, 30, ir_pcaddr(t->b, t->next));
        a64_jump(t, (int64_t)t->pc + a->off);
        return true;
}

/*
 * Both ways; between a load-exclusive and its store a branch only leaves, and the block goes on
 * (exclusive.c).
 */
static bool two_ways(struct tctx *t, int64_t off, uint32_t taken, uint32_t not_taken)
{
        ir_builder_at(t->b, taken);
        ir_exit_jump(t->b, (int64_t)t->pc + off, off <= 0);
        ir_builder_at(t->b, not_taken);
        if (!t->exclusive.active) {
                ir_exit_jump(t->b, t->next, false);
                t->ended = true;
        }
        return true;
}

bool tr_b_cond(struct tctx *t, const struct args_bcond *a)
{
        uint32_t taken, not_taken;
        enum ir_flcond c;

        if (!a64_condition(a->cond, &c)) {
                a64_jump(t, (int64_t)t->pc + a->off);
                return true;
        }
        taken = ir_block_new(t->b);
        not_taken = ir_block_new(t->b);
        ir_fl_br(t->b, c, a64_get_flags(t), taken, not_taken);
        return two_ways(t, a->off, taken, not_taken);
}

static bool compare_branch(struct tctx *t, enum ir_cond c, ir_ref x, ir_ref y, int64_t off)
{
        uint32_t taken = ir_block_new(t->b), not_taken = ir_block_new(t->b);

        ir_brcc(t->b, c, x, y, taken, not_taken);
        return two_ways(t, off, taken, not_taken);
}

bool tr_cbz(struct tctx *t, const struct args_cbz *a)
{
        return compare_branch(t, IR_EQ, a64_get(t, a->sf, a->rt), a64_const(t, a->sf, 0), a->off);
}

bool tr_cbnz(struct tctx *t, const struct args_cbz *a)
{
        return compare_branch(t, IR_NE, a64_get(t, a->sf, a->rt), a64_const(t, a->sf, 0), a->off);
}

static bool test_branch(struct tctx *t, enum ir_cond c, const struct args_tbz *a)
{
        bool sf = a->bit > 31;

        return compare_branch(t, c, a64_get(t, sf, a->rt),
                              a64_const(t, sf, sf ? (int64_t)(1ull << a->bit) : (int32_t)(1u << a->bit)),
                                      a->off);
}

bool tr_tbz(struct tctx *t, const struct args_tbz *a) { return test_branch(t, IR_TSTZ, a); }
bool tr_tbnz(struct tctx *t, const struct args_tbz *a) { return test_branch(t, IR_TSTNZ, a); }

static bool indirect(struct tctx *t, enum ir_jump kind, ir_ref target)
{
        ir_exit_ind(t->b, kind, target);
        t->ended = true;
        return true;
}

bool tr_br(struct tctx *t, const struct args_r *a)
{
        return indirect(t, IR_JUMP_PLAIN, a64_get_x(t, a->rn));
}

bool tr_blr(struct tctx *t, const struct args_r *a)
{
        ir_ref target = a64_get_x(t, a->rn);

        ir_ret_push(t->b, t->next);
        a64_put_x(t, 30, ir_pcaddr(t->b, t->next));
        return indirect(t, IR_JUMP_CALL, target);
}

bool tr_ret(struct tctx *t, const struct args_r *a)
{
        return indirect(t, IR_JUMP_RETURN, a64_get_x(t, a->rn));
}

bool tr_eret(struct tctx *t)
{
        if (!a64_is_el1(t))
                return false;
        return indirect(t, IR_JUMP_PLAIN, ir_call(t->b, &a64_helper_eret, 0, 0, 0, 0));
}

/* ---- exceptions ---- */

bool tr_svc(struct tctx *t, const struct args_imm *a)
{
        return indirect(t, IR_JUMP_PLAIN, ir_call(t->b, &a64_helper_svc, a64_const64(t, a->imm),
                                                  ir_pcaddr(t->b, t->next), 0, 0));
}

/* Without EL2 and EL3 there is nobody to call. */
bool tr_hvc(struct tctx *t, const struct args_imm *a) { return a64_end_raise(t, A64_EC_UNKNOWN, 0); }
bool tr_smc(struct tctx *t, const struct args_imm *a) { return a64_end_raise(t, A64_EC_UNKNOWN, 0); }
bool tr_udf(struct tctx *t, const struct args_imm *a) { return a64_end_raise(t, A64_EC_UNKNOWN, 0); }
bool tr_brk(struct tctx *t, const struct args_imm *a) { return a64_end_raise(t, A64_EC_BRK, a->imm); }

/*
 * The number that asks for semihosting, which is the kernel's alone; any other halts for a debugger that
 * there is not.
 */
enum { SEMIHOSTING = 0xf000 };

bool tr_hlt(struct tctx *t, const struct args_imm *a)
{
        if (a->imm != SEMIHOSTING || !a64_is_el1(t))
                return a64_end_raise(t, A64_EC_UNKNOWN, 0);
        a64_put_x(t, 0, ir_call(t->b, &a64_helper_semihosting, a64_get_x(t, 0), a64_get_x(t, 1), 0, 0));
        a64_exit_lookup(t);
        return true;
}

/* ---- hints ---- */

bool tr_nop(struct tctx *t) { return true; }
bool tr_hint(struct tctx *t, const struct args_hint *a) { return true; }
bool tr_bti(struct tctx *t, const struct args_op2 *a) { return true; }

static bool leave(struct tctx *t, enum ir_exit reason)
{
        ir_exit(t->b, reason, t->next);
        t->ended = true;
        return true;
}

bool tr_yield(struct tctx *t)
{
        return leave(t, IR_EXIT_YIELD);
}

/* The event register may be set at any time: WFE gives way to others, and goes on. */
bool tr_wfe(struct tctx *t)
{
        ir_call(t->b, &a64_helper_wfi, a64_const64(t, 1), 0, 0, 0);
        return leave(t, IR_EXIT_YIELD);
}

bool tr_wfi(struct tctx *t)
{
        ir_call(t->b, &a64_helper_wfi, a64_const64(t, 0), 0, 0, 0);
        return leave(t, IR_EXIT_HALT);
}

/* A timeout may be any time: these only give way. */
bool tr_wfet(struct tctx *t, const struct args_rt *a)
{
        ir_call(t->b, &a64_helper_wfi, a64_const64(t, 3), 0, 0, 0);
        return leave(t, IR_EXIT_YIELD);
}

bool tr_wfit(struct tctx *t, const struct args_rt *a)
{
        ir_call(t->b, &a64_helper_wfi, a64_const64(t, 2), 0, 0, 0);
        return leave(t, IR_EXIT_YIELD);
}

/* ---- barriers: types 1 loads, 2 stores, 3 all; there is one shareability domain ---- */

static void fence(struct tctx *t, unsigned crm)
{
        static const uint8_t masks[4] = {IR_FENCE_ALL, IR_FENCE_LL | IR_FENCE_LS, IR_FENCE_SS, IR_FENCE_ALL};

        ir_fence(t->b, masks[crm & 3]);
}

bool tr_dmb(struct tctx *t, const struct args_crm *a)
{
        fence(t, a->crm);
        return true;
}

bool tr_dsb(struct tctx *t, const struct args_crm *a)
{
        fence(t, IR_FENCE_ALL);
        if (a64_is_el1(t))
                ir_call(t->b, &a64_helper_dsb, 0, 0, 0, 0);
        return true;
}

bool tr_dsb_nxs(struct tctx *t, const struct args_opt *a)
{
        static const struct args_crm all = {.crm = 15};

        return tr_dsb(t, &all);
}

bool tr_isb(struct tctx *t, const struct args_crm *a)
{
        ir_call(t->b, &a64_helper_isb, 0, 0, 0, 0);
        a64_exit_lookup(t);
        return true;
}

bool tr_sb(struct tctx *t) { return true; }

bool tr_clrex(struct tctx *t, const struct args_crm *a)
{
        t->exclusive.active = false;
        ir_call(t->b, &a64_helper_clrex, 0, 0, 0, 0);
        return true;
}

/* ---- system registers ---- */

enum { PSTATE_PAN = 0 << 3 | 4, PSTATE_SPSEL = 0 << 3 | 5, PSTATE_DAIFSET = 3 << 3 | 6,
      PSTATE_DAIFCLR = 3 << 3 | 7 };

bool tr_msr_imm(struct tctx *t, const struct args_pstate *a)
{
        unsigned field = a->op1 << 3 | a->op2;

        switch (field) {
        case PSTATE_DAIFSET:
        case PSTATE_DAIFCLR:
                ir_call(t->b, &a64_helper_daif, a64_const64(t, field == PSTATE_DAIFSET),
                        a64_const64(t, a->crm), 0, 0);
                if (field == PSTATE_DAIFCLR)
                        ir_poll(t->b, t->next);
                return true;
        case PSTATE_PAN:
                if (!cpu_has(&t->config->features, A64_F_PAN))
                        return a64_end_raise(t, A64_EC_UNKNOWN, 0);
                /* fallthrough */
        case PSTATE_SPSEL:
                if (!a64_is_el1(t))
                        return a64_end_raise(t, A64_EC_UNKNOWN, 0);
                ir_call(t->b, &a64_helper_pstate, a64_const64(t, a->op2), a64_const64(t, a->crm), 0, 0);
                a64_exit_lookup(t);
                return true;
        default:
                return a64_end_raise(t, A64_EC_UNKNOWN, 0);
        }
}

static unsigned key_of(const struct args_sysreg *a)
{
        return A64_SYSREG(a->op0, a->op1, a->crn, a->crm, a->op2);
}

/* ISS of a trapped access (ESR_EL1, EC 0x18). */
static uint32_t trap_iss(const struct args_sysreg *a, bool read)
{
        return a->op0 << 20 | a->op2 << 17 | a->op1 << 14 | a->crn << 10 | (uint32_t)a->rt << 5 |
                a->crm << 1 | read;
}

/* The registers that are slots, or made of one: no helper. -1: not of them, or not for this EL. */
static int slot_of(const struct tctx *t, unsigned key, bool write)
{
        switch (key) {
        case A64_SYSREG(3, 3, 13, 0, 2):
                return A64_SLOT_TPIDR_EL0;
        case A64_SYSREG(3, 3, 13, 0, 3):
                return write && !a64_is_el1(t) ? -1 : A64_SLOT_TPIDRRO_EL0;
        case A64_SYSREG(3, 0, 13, 0, 4):
                return a64_is_el1(t) ? A64_SLOT_TPIDR_EL1 : -1;
        default:
                return -1;
        }
}

enum { KEY_NZCV = 3 << 14 | 3 << 11 | 4 << 7 | 2 << 3 | 0 };

static ir_ref nzcv(struct tctx *t)
{
        static const enum ir_flcond conds[4] = {IR_FL_V, IR_FL_NC, IR_FL_Z, IR_FL_N};
        ir_ref f = a64_get_flags(t), word = a64_const64(t, 0);

        for (unsigned n = 0; n < 4; n++)
                word = ir_or(t->b, word, ir_shl(t->b, ir_fl_test(t->b, conds[n], f), a64_const64(t, 28 + n)));
        return word;
}

static ir_ref flags_of(struct tctx *t, ir_ref word)
{
        static const uint8_t flags[4] = {IR_FLAG_V, IR_FLAG_C, IR_FLAG_Z, IR_FLAG_N};
        ir_ref f = ir_fl_const(t->b, 0);

        for (unsigned n = 0; n < 4; n++) {
                ir_ref bit = ir_extu(t->b, word, 28 + n, 1);

                f = ir_fl_with(t->b, f, flags[n], n == 1 ? ir_xor(t->b, bit, a64_const64(t, 1)) : bit);
        }
        return f;
}

bool tr_mrs(struct tctx *t, const struct args_sysreg *a)
{
        unsigned key = key_of(a);
        int slot = slot_of(t, key, false);
        ir_ref v;

        if (slot >= 0)
                v = ir_get(t->b, slot);
        else if (key == KEY_NZCV)
                v = nzcv(t);
        else
                v = ir_call(t->b, &a64_helper_mrs, a64_const64(t, key), a64_const64(t, trap_iss(a, true)), 0,
                            0);
        a64_put_x(t, a->rt, v);
        return true;
}

bool tr_msr(struct tctx *t, const struct args_sysreg *a)
{
        unsigned key = key_of(a);
        int slot = slot_of(t, key, true);

        if (slot >= 0) {
                ir_put(t->b, slot, a64_get_x(t, a->rt));
        } else if (key == KEY_NZCV) {
                a64_put_flags(t, flags_of(t, a64_get_x(t, a->rt)));
        } else {
                ir_call(t->b, &a64_helper_msr, a64_const64(t, key), a64_get_x(t, a->rt),
                        a64_const64(t, trap_iss(a, false)), 0);
                if (!a64_sysreg_is_plain(key))
                        a64_exit_lookup(t);
        }
        return true;
}

/* ---- SYS: caches, TLBs, address translation ---- */

static uint32_t sys_iss(const struct args_sys *a)
{
        return 1u << 20 | a->op2 << 17 | a->op1 << 14 | a->crn << 10 | (uint32_t)a->rt << 5 | a->crm << 1;
}

enum { ZVA_BYTES = 64 };

static bool dc_zva(struct tctx *t, const struct args_sys *a)
{
        struct ir_mem mem = {.size_log2 = 3, .write = 1}, first = {.write = 1};
        ir_ref base, zero = a64_const64(t, 0);

        if (!(t->req->mode & A64_MODE_DZE))
                return a64_end_raise(t, A64_EC_SYSREG, sys_iss(a));
        /* FAR_EL1 has the address in the register, not the block's; what faults, faults here */
        ir_store(t->b, first, a64_get_x(t, a->rt), 0, zero);
        base = ir_and(t->b, a64_get_x(t, a->rt), a64_const64(t, -(int64_t)ZVA_BYTES));
        for (unsigned n = 0; n < ZVA_BYTES; n += 8)
                ir_store(t->b, mem, base, n, zero);
        return true;
}

/*
 * IC IVAU, DC CVAU and the like: memory is coherent, and code that changes is noticed (docs/code-cache.md).
 */
static bool cache_op(struct tctx *t, const struct args_sys *a)
{
        if (a->crm == 5 || a->crm == 1) {
                ir_call(t->b, &a64_helper_isb, 0, 0, 0, 0);
                a64_exit_lookup(t);
        }
        return true;
}

static bool sys_op(struct tctx *t, const struct args_sys *a)
{
        ir_ref key = a64_const64(t, A64_SYSREG(1u, a->op1, a->crn, a->crm, a->op2)), x = a64_get_x(t, a->rt);
        bool el1 = a64_is_el1(t);

        if (a->crn == 7 && a->op1 == 3 && a->crm == 4 && a->op2 == 1)
                return dc_zva(t, a);
        if (a->crn == 7 && a->op1 == 3 && ((a->crm == 5 && a->op2 == 1) || ((a->crm == 10 || a->crm == 11 ||
            a->crm == 14) && a->op2 == 1))) {
                if (el1)
                        return cache_op(t, a);
                ir_call(t->b, &a64_helper_el0_cache, a64_const64(t, sys_iss(a)), 0, 0, 0);
                return cache_op(t, a);
        }
        if (!el1 || a->op1 != 0)
                return a64_end_raise(t, A64_EC_UNKNOWN, 0);
        if (a->crn == 7 && (a->crm == 1 || a->crm == 5) && a->op2 == 0)
                return cache_op(t, a);
        if (a->crn == 7 && ((a->crm == 6 && (a->op2 == 1 || a->op2 == 2)) ||
                            ((a->crm == 10 || a->crm == 14) && a->op2 == 2)))
                return true; /* DC IVAC, ISW, CSW, CISW */
        if (a->crn == 7 && ((a->crm == 8 && a->op2 < 4) || (a->crm == 9 && a->op2 < 2 &&
            cpu_has(&t->config->features, A64_F_PAN)))) {
                ir_call(t->b, &a64_helper_at, key, x, 0, 0);
                return true;
        }
        if (a->crn == 8 && (a->crm == 3 || a->crm == 7) && a->op2 != 4 && a->op2 != 6) {
                ir_call(t->b, &a64_helper_sys, key, x, 0, 0);
                a64_exit_lookup(t);
                return true;
        }
        return a64_end_raise(t, A64_EC_UNKNOWN, 0);
}

bool tr_sys(struct tctx *t, const struct args_sys *a) { return sys_op(t, a); }
bool tr_sysl(struct tctx *t, const struct args_sys *a) { return a64_end_raise(t, A64_EC_UNKNOWN, 0); }
