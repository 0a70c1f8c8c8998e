/* SPDX-License-Identifier: MIT */
/*
 * System instructions (Intel SDM volumes 2 and 3): interrupts and returns, control registers, MSRs,
 * descriptor tables, ports, fences. The helper does the work and answers where to go; what may change the
 * mode or the translations of memory ends the block.
 */
#include "frontend/x86/translate.h"

/* Leaves for what a helper answered. */
static bool go(struct x86_tctx *t, ir_ref target)
{
        x86_jump_indirect(t, IR_JUMP_PLAIN, target);
        return true;
}

/* Ends an instruction that serialises: the dispatcher looks for the next one as if it came here for the first time. */
static void serialise(struct x86_tctx *t)
{
        ir_call(t->b, &x86_helper_serialise, 0, 0, 0, 0);
        x86_exit(t, IR_EXIT_LOOKUP);
}

bool x86_tr_nop(struct x86_tctx *t, const struct x86_insn *i)
{
        return true;
}

bool x86_tr_ud(struct x86_tctx *t, const struct x86_insn *i)
{
        x86_raise_here(t, X86_EXC_UD, 0);
        return true;
}

bool x86_tr_pause(struct x86_tctx *t, const struct x86_insn *i)
{
        x86_exit(t, IR_EXIT_YIELD);
        return true;
}

bool x86_tr_hlt(struct x86_tctx *t, const struct x86_insn *i)
{
        if (x86_privileged(t))
                x86_exit(t, IR_EXIT_HALT);
        return true;
}

/* LFENCE orders loads with all that follows, SFENCE stores with stores; what TSO gives need not be said. */
bool x86_tr_fence(struct x86_tctx *t, const struct x86_insn *i)
{
        if (i->id == X86_MFENCE)
                ir_fence(t->b, IR_FENCE_ALL);
        return true;
}

/* ---- interrupts ---- */

bool x86_tr_int(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned vector =
                i->id == X86_INT3 ? X86_EXC_BP : i->id == X86_INT1 ? X86_EXC_DB : (unsigned)i->imm[0];

        return go(t, ir_call(t->b, &x86_helper_int, x86_c64(t, vector), ir_pcaddr(t->b, t->next), 0, 0));
}

bool x86_tr_iret(struct x86_tctx *t, const struct x86_insn *i)
{
        return go(t, ir_call(t->b, &x86_helper_iret, x86_c64(t, i->os), 0, 0, 0));
}

bool x86_tr_syscall(struct x86_tctx *t, const struct x86_insn *i)
{
        return go(t, ir_call(t->b, &x86_helper_syscall, ir_pcaddr(t->b, t->next), 0, 0, 0));
}

bool x86_tr_sysret(struct x86_tctx *t, const struct x86_insn *i)
{
        if (!x86_privileged(t))
                return true;
        return go(t, ir_call(t->b, &x86_helper_sysret, x86_c64(t, i->os), 0, 0, 0));
}

bool x86_tr_far(struct x86_tctx *t, const struct x86_insn *i)
{
        struct x86_place p;
        ir_ref offset, selector;

        if (i->id == X86_RETF) {
                ir_ref drop = x86_c64(t, i->n_ops ? i->imm[0] : 0);

                return go(t, ir_call(t->b, &x86_helper_retf, x86_c64(t, i->os), drop, 0, 0));
        }
        p = x86_ea(t, i);
        offset = x86_zext64(t, x86_load(t, i->os, p), i->os);
        p.imm += i->os;
        selector = x86_zext64(t, x86_load(t, 2, p), 2);
        if (i->id == X86_JMPF)
                return go(t, ir_call(t->b, &x86_helper_jmpf, selector, offset, 0, 0));
        return go(t, ir_call(t->b, &x86_helper_callf, selector, offset, x86_c64(t, i->os), ir_pcaddr(t->b,
                t->next)));
}

bool x86_tr_cli(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_call(t->b, &x86_helper_cli, 0, 0, 0, 0);
        return true;
}

/* Interrupts wait for the instruction after this one. */
bool x86_tr_sti(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_call(t->b, &x86_helper_sti, 0, 0, 0, 0);
        t->shadow = true;
        return true;
}

bool x86_tr_ac(struct x86_tctx *t, const struct x86_insn *i)
{
        if (t->mode & X86_MODE_CPL) {
                x86_raise_here(t, X86_EXC_UD, 0);
                return true;
        }
        ir_call(t->b, &x86_helper_ac, x86_c64(t, i->id == X86_STAC), 0, 0, 0);
        x86_exit(t, IR_EXIT_LOOKUP);
        return true;
}

/* ---- segments ---- */

bool x86_tr_mov_from_seg(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref v = ir_call(t->b, &x86_helper_get_seg, x86_c64(t, i->op[1].reg), 0, 0, 0);

        x86_put(t, i, 0, x86_low(t, v, i->op[0].size));
        return true;
}

bool x86_tr_mov_to_seg(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref v = x86_zext64(t, x86_get(t, i, 1), 2);

        ir_call(t->b, &x86_helper_set_seg, x86_c64(t, i->op[0].reg), v, 0, 0);
        x86_exit(t, IR_EXIT_LOOKUP);
        return true;
}

/* LSS, LFS, LGS */
bool x86_tr_load_far(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned seg = i->id == X86_LSS ? X86_SS : i->id == X86_LFS ? X86_FS : X86_GS;
        struct x86_place p = x86_ea(t, i);
        ir_ref offset = x86_load(t, i->os, p), selector;

        p.imm += i->os;
        selector = x86_zext64(t, x86_load(t, 2, p), 2);
        ir_call(t->b, &x86_helper_set_seg, x86_c64(t, seg), selector, 0, 0);
        x86_put(t, i, 0, offset);
        x86_exit(t, IR_EXIT_LOOKUP);
        return true;
}

/* SLDT, STR, LLDT, LTR */
bool x86_tr_table_seg(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned which = i->id == X86_SLDT || i->id == X86_LLDT ? 6 : 7;
        ir_ref v;

        if (i->id == X86_SLDT || i->id == X86_STR) {
                v = ir_call(t->b, &x86_helper_get_seg, x86_c64(t, which), 0, 0, 0);
                x86_put(t, i, 0, x86_low(t, v, i->op[0].size));
                return true;
        }
        if (!x86_privileged(t))
                return true;
        ir_call(t->b, &x86_helper_set_seg, x86_c64(t, which), x86_zext64(t, x86_get(t, i, 0), 2), 0, 0);
        serialise(t);
        return true;
}

/* SGDT, SIDT, LGDT, LIDT */
bool x86_tr_table(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref which = x86_c64(t, i->id == X86_SIDT || i->id == X86_LIDT), base, limit;
        struct x86_place p, at;

        if ((i->id == X86_LGDT || i->id == X86_LIDT) && !x86_privileged(t))
                return true;
        p = at = x86_ea(t, i);
        at.imm += 2;
        if (i->id == X86_LGDT || i->id == X86_LIDT) {
                limit = x86_zext64(t, x86_load(t, 2, p), 2);
                base = x86_load(t, 8, at);
                ir_call(t->b, &x86_helper_set_table, which, base, limit, 0);
                serialise(t);
                return true;
        }
        limit = ir_call(t->b, &x86_helper_get_table, which, x86_c64(t, 1), 0, 0);
        base = ir_call(t->b, &x86_helper_get_table, which, x86_c64(t, 0), 0, 0);
        x86_store(t, 2, p, ir_trunc(t->b, limit));
        x86_store(t, 8, at, base);
        return true;
}

bool x86_tr_lar(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref v = x86_zext64(t, x86_get(t, i, 1), 2), r, ok;

        r = ir_call(t->b, &x86_helper_lar, v, x86_c64(t, i->id == X86_LSL), 0, 0);
        ok = ir_shru(t->b, r, x86_c64(t, 63));
        r = ir_extu(t->b, r, 0, 32);
        if (i->op[0].size == 2)
                r = ir_insert(t->b, x86_gpr(t, i->op[0].reg), r, 0, 16);
        x86_put_gpr(t, i->op[0].reg, ir_select(t->b, IR_NE, ok, x86_c64(t, 0), r, x86_gpr(t, i->op[0].reg)));
        x86_put_flags(t, x86_with(t, x86_flags(t), IR_FLAG_Z, ok));
        return true;
}

bool x86_tr_verify(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref v = x86_zext64(t, x86_get(t, i, 0), 2);

        v = ir_call(t->b, &x86_helper_verify, v, x86_c64(t, i->id == X86_VERW), 0, 0);
        x86_put_flags(t, x86_with(t, x86_flags(t), IR_FLAG_Z, v));
        return true;
}

bool x86_tr_swapgs(struct x86_tctx *t, const struct x86_insn *i)
{
        if (x86_privileged(t))
                ir_call(t->b, &x86_helper_swapgs, 0, 0, 0, 0);
        return true;
}

bool x86_tr_fsgsbase(struct x86_tctx *t, const struct x86_insn *i)
{
        bool gs = i->id == X86_RDGSBASE || i->id == X86_WRGSBASE;
        ir_ref v;

        if (!(t->mode & X86_MODE_FSGSBASE))
                return false;
        if (i->id == X86_RDFSBASE || i->id == X86_RDGSBASE) {
                v = ir_get(t->b, gs ? X86_SLOT_GS_BASE : X86_SLOT_FS_BASE);
                x86_put(t, i, 0, x86_low(t, v, i->op[0].size));
                return true;
        }
        v = x86_zext64(t, x86_get(t, i, 0), i->op[0].size);
        ir_call(t->b, &x86_helper_set_base, x86_c64(t, gs), v, 0, 0);
        return true;
}

/* ---- registers of the system ---- */

bool x86_tr_cr(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref v;

        if (!x86_privileged(t))
                return true;
        if (i->id == X86_MOV_FROM_CR) {
                v = ir_call(t->b, &x86_helper_get_cr, x86_c64(t, i->op[1].reg), 0, 0, 0);
                x86_put(t, i, 0, v);
                return true;
        }
        ir_call(t->b, &x86_helper_set_cr, x86_c64(t, i->op[0].reg), x86_get(t, i, 1), 0, 0);
        serialise(t);
        return true;
}

bool x86_tr_dr(struct x86_tctx *t, const struct x86_insn *i)
{
        if (!x86_privileged(t))
                return true;
        if (i->id == X86_MOV_FROM_DR) {
                x86_put(t, i, 0, ir_call(t->b, &x86_helper_get_dr, x86_c64(t, i->op[1].reg), 0, 0, 0));
                return true;
        }
        ir_call(t->b, &x86_helper_set_dr, x86_c64(t, i->op[0].reg), x86_get(t, i, 1), 0, 0);
        serialise(t);
        return true;
}

/* CLTS, and SMSW and LMSW, which reach the low half of CR0. */
bool x86_tr_msw(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_ref v = ir_call(t->b, &x86_helper_get_cr, x86_c64(t, 0), 0, 0, 0), w;

        if (i->id == X86_SMSW) {
                x86_put(t, i, 0, x86_low(t, v, i->op[0].size));
                return true;
        }
        if (!x86_privileged(t))
                return true;
        if (i->id == X86_CLTS) {
                v = ir_and(t->b, v, x86_c64(t, ~(int64_t)X86_CR0_TS));
        } else {
                /* PE can be set, not cleared */
                w = ir_and(t->b, x86_zext64(t, x86_get(t, i, 0), 2), x86_c64(t, 15));
                v = ir_or(t->b, ir_and(t->b, v, x86_c64(t, ~(int64_t)14)), w);
        }
        ir_call(t->b, &x86_helper_set_cr, x86_c64(t, 0), v, 0, 0);
        serialise(t);
        return true;
}

/* Two halves of 32 bits in rDX and rAX. */
static void put_pair(struct x86_tctx *t, ir_ref v)
{
        x86_put_gpr(t, X86_RAX, ir_extu(t->b, v, 0, 32));
        x86_put_gpr(t, X86_RDX, ir_extu(t->b, v, 32, 32));
}

static ir_ref get_pair(struct x86_tctx *t)
{
        return ir_insert(t->b, x86_gpr(t, X86_RAX), x86_gpr(t, X86_RDX), 32, 32);
}

static ir_ref ecx(struct x86_tctx *t)
{
        return ir_extu(t->b, x86_gpr(t, X86_RCX), 0, 32);
}

bool x86_tr_msr(struct x86_tctx *t, const struct x86_insn *i)
{
        if (!x86_privileged(t))
                return true;
        if (i->id == X86_RDMSR) {
                put_pair(t, ir_call(t->b, &x86_helper_rdmsr, ecx(t), 0, 0, 0));
                return true;
        }
        ir_call(t->b, &x86_helper_wrmsr, ecx(t), get_pair(t), 0, 0);
        serialise(t);
        return true;
}

bool x86_tr_rdtsc(struct x86_tctx *t, const struct x86_insn *i)
{
        if ((t->mode & X86_MODE_TSD) && !x86_privileged(t))
                return true;
        put_pair(t, ir_call(t->b, &x86_helper_rdtsc, 0, 0, 0, 0));
        if (i->id == X86_RDTSCP)
                x86_put_gpr(t, X86_RCX, ir_call(t->b, &x86_helper_rdmsr, x86_c64(t, 0xc0000103), 0, 0, 0));
        return true;
}

bool x86_tr_rdpid(struct x86_tctx *t, const struct x86_insn *i)
{
        x86_put(t, i, 0, ir_call(t->b, &x86_helper_rdmsr, x86_c64(t, 0xc0000103), 0, 0, 0));
        return true;
}

bool x86_tr_rdpmc(struct x86_tctx *t, const struct x86_insn *i)
{
        put_pair(t, ir_call(t->b, &x86_helper_rdpmc, ecx(t), 0, 0, 0));
        return true;
}

bool x86_tr_xgetbv(struct x86_tctx *t, const struct x86_insn *i)
{
        put_pair(t, ir_call(t->b, &x86_helper_xgetbv, ecx(t), 0, 0, 0));
        return true;
}

bool x86_tr_cpuid(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_call(t->b, &x86_helper_cpuid, 0, 0, 0, 0);
        serialise(t);
        return true;
}

/* ---- translations and caches ---- */

bool x86_tr_invlpg(struct x86_tctx *t, const struct x86_insn *i)
{
        if (!x86_privileged(t))
                return true;
        ir_call(t->b, &x86_helper_invlpg, x86_ea_value(t, i, true), 0, 0, 0);
        serialise(t);
        return true;
}

bool x86_tr_invpcid(struct x86_tctx *t, const struct x86_insn *i)
{
        struct x86_place p = x86_ea(t, i);
        ir_ref low, high;

        if (!x86_privileged(t))
                return true;
        low = x86_load(t, 8, p);
        p.imm += 8;
        high = x86_load(t, 8, p);
        ir_call(t->b, &x86_helper_invpcid, x86_get(t, i, 0), low, high, 0);
        serialise(t);
        return true;
}

bool x86_tr_wbinvd(struct x86_tctx *t, const struct x86_insn *i)
{
        if (x86_privileged(t))
                serialise(t);
        return true;
}

/* A load's checks without the load. */
bool x86_tr_clflush(struct x86_tctx *t, const struct x86_insn *i)
{
        x86_load(t, 1, x86_at(x86_ea_value(t, i, true)));
        return true;
}

bool x86_tr_monitor(struct x86_tctx *t, const struct x86_insn *i)
{
        if (t->mode & X86_MODE_CPL)
                return false;
        if (i->id == X86_MWAIT)
                x86_exit(t, IR_EXIT_YIELD);
        return true;
}

/* ---- ports ---- */

static ir_ref port_of(struct x86_tctx *t, const struct x86_insn *i, unsigned n)
{
        if (i->op[n].kind == X86_OP_IMM)
                return x86_c64(t, i->imm[0]);
        return ir_extu(t->b, x86_gpr(t, X86_RDX), 0, 16);
}

bool x86_tr_in(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[0].size;
        ir_ref v = ir_call(t->b, &x86_helper_in, port_of(t, i, 1), x86_c64(t, size), 0, 0);

        x86_put_reg(t, X86_RAX, size, x86_low(t, v, size));
        return true;
}

bool x86_tr_out(struct x86_tctx *t, const struct x86_insn *i)
{
        unsigned size = i->op[1].size;
        ir_ref v = x86_zext64(t, x86_get_reg(t, X86_RAX, size), size);

        ir_call(t->b, &x86_helper_out, port_of(t, i, 0), x86_c64(t, size), v, 0);
        /* a device may have stopped the machine */
        ir_poll(t->b, t->next);
        return true;
}
