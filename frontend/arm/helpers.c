/* SPDX-License-Identifier: MIT */
/*
 * What translators call for the parts of instructions that are not worth IR. helpers.def has a row for each;
 * the functions run on the vCPU's own thread, from generated code or the interpreter, and never block. Those
 * about memory management are in mmu.c and tlbi.c, those about system registers in sysreg.c, vectors in
 * vector.c.
 */
#include "frontend/arm/cpu.h"

#include <inttypes.h>

#include "base/bits.h"
#include "base/log.h"
#include "frontend/arm/a64_decode.h"

A64_HELP(raise)
{
        return a64_raise(v, (enum a64_ec)a, b, c);
}

A64_HELP(unimplemented)
{
        if (v->vm && log_on(v->vm->log, LOG_UNIMP))
                log_printf(v->vm->log, "aarch64: %s (0x%08x) is not translated: undefined\n",
                           a64_insns[a].name, (unsigned)b);
        return a64_undefined(v);
}

A64_HELP(svc)
{
        v->hot.pc = b;
        a64_raise(v, A64_EC_SVC, a, 0);
        a64_deliver(v);
        return a64_done(v->hot.pc);
}

/* An illegal return, to a state that there is not, leaves EL and SP as they are and sets PSTATE.IL. */
A64_HELP(eret)
{
        struct a64_state *s = a64_state(v);
        uint64_t spsr = s->spsr_el1, target = s->elr_el1;
        unsigned mode = spsr & 0x1f;

        if (mode == 0 || mode == 4 || mode == 5) {
                a64_set_pstate(v, spsr);
        } else {
                uint64_t keep = A64_PSTATE_EL(3) | A64_PSTATE_SP;

                a64_set_pstate(v, (spsr & ~0x1full & ~keep) | A64_PSTATE_EL(s->el) | s->spsel |
                               A64_PSTATE_IL);
        }
        cpu_reserve_drop(v);
        s->reserved = 0;
        cpu_context_changed(v);
        a64_look_at_irqs(v);
        return a64_done(target);
}

A64_HELP(semihosting)
{
        uint64_t result = 0;

        if (!v->vm || !v->vm->semihosting)
                return a64_undefined(v);
        if (!v->vm->semihosting(v, (uint32_t)a, b, &result))
                return (struct ir_helper_ret){0, 1 + IR_EXIT_YIELD};
        return a64_done(result);
}

A64_HELP(wfi)
{
        const struct a64_state *s = a64_state(v);

        if (!s->el && !(s->sctlr_el1 & (a & 1 ? A64_SCTLR_NTWE : A64_SCTLR_NTWI)))
                return a64_raise(v, A64_EC_WFX, 1u << 24 | 0xeu << 20 | a, 0);
        return a64_done(0);
}

A64_HELP(daif)
{
        struct a64_state *s = a64_state(v);

        if (!s->el && !(s->sctlr_el1 & A64_SCTLR_UMA))
                return a64_raise(v, A64_EC_SYSREG, 3u << 14 | 4u << 10 | 0x1fu << 5 | (unsigned)b << 1 |
                                 (a ? 6u : 7u) << 17, 0);
        s->daif = a ? s->daif | b << 6 : s->daif & ~(b << 6);
        if (!a)
                a64_look_at_irqs(v);
        return a64_done(0);
}

A64_HELP(pstate)
{
        struct a64_state *s = a64_state(v);

        if (a == 5)
                s->spsel = b & 1;
        else
                s->pan = b & 1;
        cpu_context_changed(v);
        return a64_done(0);
}

A64_HELP(el0_cache)
{
        if (!(a64_state(v)->sctlr_el1 & A64_SCTLR_UCI))
                return a64_raise(v, A64_EC_SYSREG, a, 0);
        return a64_done(0);
}

A64_HELP(isb)
{
        cpu_code_fence(v);
        return a64_done(0);
}

/* ---- exclusives (exclusive.c) ---- */

static struct ir_mem exclusive_mem(uint64_t size_log2, bool write)
{
        return (struct ir_mem){.size_log2 = size_log2, .align = 1, .atomic = 1, .write = write};
}

A64_HELP(clrex)
{
        a64_state(v)->reserved = 0;
        cpu_reserve_drop(v);
        return a64_done(0);
}

A64_HELP(ldxr)
{
        struct ir_helper_ret ret = cpu_reserve_load(v, a, exclusive_mem(b, false));

        a64_state(v)->reserved = !ret.status;
        return ret;
}

A64_HELP(stxr)
{
        struct a64_state *s = a64_state(v);

        /* a load that was made part of a compare-and-swap came since, or one of a pair */
        if (s->reserved != 1)
                cpu_reserve_drop(v);
        s->reserved = 0;
        return cpu_reserve_store(v, a, b, exclusive_mem(c, true));
}

A64_HELP(ldxp)
{
        struct a64_state *s = a64_state(v);

        cpu_reserve_drop(v);
        s->reserved = 2;
        s->pair[0] = a;
        s->pair[1] = b;
        s->pair[2] = c;
        return a64_done(0);
}

/* After the caller has seen in the slot that a pair is reserved. */
A64_HELP(stxp_check)
{
        return a64_done(a64_state(v)->pair[b]);
}

/* ---- CRC ---- */

static uint32_t crc(uint32_t acc, uint64_t value, unsigned size_log2, uint32_t polynomial)
{
        for (unsigned i = 0; i < 1u << size_log2; i++, value >>= 8) {
                acc ^= value & 0xff;
                for (unsigned k = 0; k < 8; k++)
                        acc = acc >> 1 ^ (acc & 1 ? polynomial : 0);
        }
        return acc;
}

A64_HELP(crc32)
{
        return a64_done(crc(a, b, c, 0xedb88320));
}

A64_HELP(crc32c)
{
        return a64_done(crc(a, b, c, 0x82f63b78));
}

/* ---- FJCVTZS: modulo 2^32 (Arm ARM, FPToFixedJS) ---- */

A64_HELP(fjcvtzs)
{
        unsigned exponent = a >> 52 & 0x7ff;
        uint64_t fraction = a & bits_mask(52), magnitude = 0;
        bool inexact = false, invalid = exponent == 0x7ff;
        uint32_t result;
        int64_t whole;

        if (exponent == 0x7ff) {
                a64_state(v)->fpsr |= 1;
                return a64_done(0);
        }
        if (!exponent && fraction) {
                a64_state(v)->fpsr |= b ? 0x80 : 0x10;
                return a64_done(0);
        }
        if (exponent) {
                int shift = (int)exponent - 1075;

                fraction |= 1ull << 52;
                if (shift >= 64) {
                        magnitude = 0;
                } else if (shift >= 0) {
                        magnitude = fraction << shift;
                } else if (shift > -64) {
                        magnitude = fraction >> -shift;
                        inexact = fraction & bits_mask(-shift);
                } else {
                        inexact = true;
                }
                invalid = exponent >= 1023 + 32;
        }
        whole = a >> 63 ? -(int64_t)magnitude : (int64_t)magnitude;
        result = (uint32_t)whole;
        invalid |= exponent < 1023 + 63 && (whole < INT32_MIN || whole > INT32_MAX);
        if (invalid)
                a64_state(v)->fpsr |= 1;
        else if (inexact)
                a64_state(v)->fpsr |= 0x10;
        return a64_done(result | (uint64_t)(!invalid && !inexact && a != 1ull << 63) << 32);
}

enum { E = 1, N = 2, P = 4, F = 8 };
#define ALL ~0ull
#define HELPER(n, count, result, r, w, flags, doc) \
        const struct ir_helper a64_helper_##n = { \
                .name = #n, .fn = a64_help_##n, .n_args = (count), .type = (result), \
                        .pure = ((flags) & P) != 0, \
                .may_exit = ((flags) & E) != 0, .no_return = ((flags) & N) != 0, \
                        .fpstate = ((flags) & F) != 0, \
                .reads = (r), .writes = (w)};
#include "frontend/arm/helpers.def"
#undef HELPER

extern const struct ir_helper *const a64_helpers[];
const struct ir_helper *const a64_helpers[] = {
#define HELPER(name, ...) &a64_helper_##name,
#include "frontend/arm/helpers.def"
#undef HELPER
        NULL
};
