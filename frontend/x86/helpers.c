/* SPDX-License-Identifier: MIT */
/*
 * What translators call for the parts of instructions that are not worth IR and have no file of their own.
 * helpers.def has a row for each helper; the functions run on the CPU's own thread, from generated code or
 * the interpreter, and never block.
 */
#include "frontend/x86/cpu.h"

#include "base/log.h"
#include "frontend/fp/fp.h"
#include "machines/core/vm.h"

X86_HELP(raise)
{
        return x86_raise(v, (enum x86_vector)a, b);
}

void x86_log_unimplemented(struct vcpu *v, const char *what)
{
        if (v->vm && log_on(v->vm->log, LOG_UNIMP))
                log_printf(v->vm->log, "cpu %u: %s at 0x%" PRIx64 " is not implemented\n", v->index, what,
                           v->hot.pc);
}

X86_HELP(unimplemented)
{
        const char *name = "?";

        for (unsigned n = 0; n < x86_n_rows; n++) {
                if (x86_rows[n].id == a) {
                        name = x86_rows[n].name;
                        break;
                }
        }
        x86_log_unimplemented(v, name);
        return x86_raise(v, X86_EXC_UD, 0);
}

/* ---- integers ---- */

X86_HELP(div)
{
        unsigned __int128 n = (unsigned __int128)a << 64 | b;
        bool negative;
        uint64_t q;

        if (!c)
                return x86_raise(v, X86_EXC_DE, 0);
        if (!(d & 1)) {
                if (a >= c)
                        return x86_raise(v, X86_EXC_DE, 0);
                return x86_done(n / c);
        }
        negative = (int64_t)a < 0;
        if (negative)
                n = -n;
        if ((int64_t)c < 0) {
                negative = !negative;
                c = -c;
        }
        if ((uint64_t)(n >> 64) >= c)
                return x86_raise(v, X86_EXC_DE, 0);
        q = n / c;
        if (q > (uint64_t)INT64_MAX + negative)
                return x86_raise(v, X86_EXC_DE, 0);
        return x86_done(negative ? -q : q);
}

X86_HELP(pdep)
{
        uint64_t r = 0;

        for (; b; b &= b - 1, a >>= 1)
                r |= a & 1 ? b & -b : 0;
        return x86_done(r);
}

X86_HELP(pext)
{
        uint64_t r = 0;

        for (unsigned n = 0; b; b &= b - 1, n++)
                r |= a & b & -b ? UINT64_C(1) << n : 0;
        return x86_done(r);
}

/* The polynomial of CRC-32C, bits reversed (SDM volume 2, CRC32). */
X86_HELP(crc32)
{
        uint32_t crc = a;

        for (unsigned n = 0; n < c; n++) {
                crc ^= (uint8_t)(b >> 8 * n);
                for (unsigned k = 0; k < 8; k++)
                        crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
        }
        return x86_done(crc);
}

/* ---- flags ---- */

X86_HELP(rflags)
{
        return x86_done(x86_get_rflags(v));
}

X86_HELP(popf)
{
        struct x86_state *s = x86_state(v);
        uint64_t mask = X86_FL_STATUS | X86_FL_DF | X86_FL_TF | X86_FL_NT | X86_FL_AC | X86_FL_ID,
                old = s->system_flags;

        if (s->cpl == 0)
                mask |= X86_FL_IOPL;
        if (s->cpl <= (s->system_flags & X86_FL_IOPL) >> 12)
                mask |= X86_FL_IF;
        if (b == 2)
                mask &= 0xffff;
        else
                s->system_flags &= ~(uint64_t)X86_FL_RF;
        x86_set_rflags(v, a, mask);
        return x86_done(((old ^ s->system_flags) & (X86_FL_IF | X86_FL_AC | X86_FL_TF)) != 0);
}

static bool may_switch_interrupts(const struct x86_state *s)
{
        return s->cpl <= (s->system_flags & X86_FL_IOPL) >> 12;
}

X86_HELP(cli)
{
        struct x86_state *s = x86_state(v);

        if (!may_switch_interrupts(s))
                return x86_raise(v, X86_EXC_GP, 0);
        s->system_flags &= ~(uint64_t)X86_FL_IF;
        return x86_done(0);
}

X86_HELP(sti)
{
        struct x86_state *s = x86_state(v);

        if (!may_switch_interrupts(s))
                return x86_raise(v, X86_EXC_GP, 0);
        x86_set_rflags(v, X86_FL_IF, X86_FL_IF);
        return x86_done(0);
}

X86_HELP(ac)
{
        x86_set_rflags(v, a ? X86_FL_AC : 0, X86_FL_AC);
        cpu_context_changed(v);
        return x86_done(0);
}

/* ---- ports ---- */

static bool port_allowed(struct vcpu *v, uint64_t port, unsigned size)
{
        struct x86_state *s = x86_state(v);
        uint64_t base, bits;

        if (s->cpl <= (s->system_flags & X86_FL_IOPL) >> 12)
                return true;
        /* the bitmap of the TSS: SDM volume 1, 19.5.2 */
        if (s->tr.limit < 0x67 || !x86_read(v, s->tr.base + 0x66, 2, true, &base) ||
            base + port / 8 + 1 > s->tr.limit ||
            !x86_read(v, s->tr.base + base + port / 8, 2, true, &bits))
                return false;
        return !(bits >> (port & 7) & ((1u << size) - 1));
}

X86_HELP(in)
{
        struct mem_attr attr = {.requester = v->index};
        uint64_t value;

        if (!port_allowed(v, a, b))
                return x86_raise(v, X86_EXC_GP, 0);
        if (!v->vm || !v->vm->ports || address_space_read(v->vm->ports, a, b, attr, &value) != MEM_OK)
                value = ~UINT64_C(0); /* nobody drives the bus */
        return x86_done(b == 8 ? value : value & ((UINT64_C(1) << 8 * b) - 1));
}

X86_HELP(out)
{
        struct mem_attr attr = {.requester = v->index};

        if (!port_allowed(v, a, b))
                return x86_raise(v, X86_EXC_GP, 0);
        if (v->vm && v->vm->ports)
                address_space_write(v->vm->ports, a, b, attr, c);
        return x86_done(0);
}

X86_HELP(wbinvd)
{
        return x86_done(0);
}

X86_HELP(mwait)
{
        return x86_done(0);
}

/* ---- floating point's environment ---- */

X86_HELP(fp_state)
{
        return x86_done(x86_state(v)->mxcsr);
}

X86_HELP(ldmxcsr)
{
        if (a & ~(uint64_t)X86_MXCSR_KNOWN)
                return x86_raise(v, X86_EXC_GP, 0);
        x86_state(v)->mxcsr = a;
        cpu_context_changed(v);
        return x86_done(0);
}

X86_HELP(fp_begin)
{
        struct x86_state *s = x86_state(v);

        s->mxcsr_before = s->mxcsr & X86_MXCSR_FLAGS;
        s->mxcsr &= ~(uint64_t)X86_MXCSR_FLAGS;
        return x86_done(0);
}

/*
 * What is known before the operation (IE, DE, ZE) and unmasked keeps it from being done: it raises no more
 * than that (SDM volume 1, 11.5).
 */
X86_HELP(fp_check)
{
        enum { BEFORE = 7 };
        struct x86_state *s = x86_state(v);
        uint64_t trap = s->mxcsr & ~(s->mxcsr >> 7) & X86_MXCSR_FLAGS;

        if (trap & BEFORE)
                s->mxcsr &= ~(uint64_t)(X86_MXCSR_FLAGS & ~BEFORE);
        s->mxcsr |= s->mxcsr_before;
        if (trap)
                return x86_raise(v, s->cr4 & X86_CR4_OSXMMEXCPT ? X86_EXC_XM : X86_EXC_UD, 0);
        return x86_done(0);
}

/* SDM volume 2, RCPPS and RSQRTPS: subnormal arguments count as zeros, NaNs become quiet; no flags. */
X86_HELP(approximate)
{
        struct fp_env env = {.rm = FP_RM_RNE};
        uint32_t x = a, sign = x & 0x80000000, magnitude = x & 0x7fffffff;

        if (magnitude > 0x7f800000)
                return x86_done(x | 0x400000);
        if (magnitude < 0x00800000)
                return x86_done(sign | 0x7f800000);
        if (b && sign)
                return x86_done(0xffc00000);
        if (b)
                x = fp32_sqrt(&env, x);
        x = fp32_div(&env, 0x3f800000, x);
        return x86_done((x & 0x7fffffff) < 0x00800000 ? sign : x);
}

/* ---- FXSAVE's area, SDM volume 1, table 10-2 ---- */

X86_HELP(fx_word)
{
        struct x86_state *s = x86_state(v);
        unsigned n;

        switch (a) {
        case 0:
                return x86_done((uint64_t)s->fop << 48 | (uint64_t)s->ftw << 32 | (uint64_t)s->fsw << 16 |
                                s->fcw);
        case 8: return x86_done(s->fip);
        case 16: return x86_done(s->fdp);
        case 24: return x86_done(s->mxcsr | (uint64_t)X86_MXCSR_KNOWN << 32);
        default: break;
        }
        if (a >= 32 && a < 160) {
                n = ((a - 32) / 16 + (s->fsw >> 11)) & 7; /* in the order of the stack */
                return x86_done(a & 8 ? s->fpr[n].sign_exp : s->fpr[n].significand);
        }
        if (a >= 160 && a < 416)
                return x86_done(s->xmm[(a - 160) / 16].w[a >> 3 & 1]);
        return x86_done(0);
}

X86_HELP(fx_set)
{
        struct x86_state *s = x86_state(v);
        unsigned n;

        if (a == 0) {
                s->fcw = b;
                s->fsw = b >> 16;
                s->ftw = b >> 32;
                s->fop = b >> 48;
        } else if (a == 8) {
                s->fip = b;
        } else if (a == 16) {
                s->fdp = b;
        } else if (a >= 32 && a < 160) {
                n = ((a - 32) / 16 + (s->fsw >> 11)) & 7;
                if (a & 8)
                        s->fpr[n].sign_exp = b;
                else
                        s->fpr[n].significand = b;
        } else if (a >= 160 && a < 416) {
                s->xmm[(a - 160) / 16].w[a >> 3 & 1] = b;
        }
        return x86_done(0);
}

/* ---- the table ---- */

enum { E = 1, N = 2, P = 4, F = 8 };
#define HELPER(n, count, result, r, w, flags, doc) \
        const struct ir_helper x86_helper_##n = { \
                .name = #n, .fn = x86_help_##n, .n_args = (count), .type = (result), \
                .pure = ((flags) & P) != 0, .may_exit = ((flags) & E) != 0, .no_return = ((flags) & N) != 0, \
                .fpstate = ((flags) & F) != 0, .reads = (r), .writes = (w)};
#include "frontend/x86/helpers.def"
#undef HELPER

extern const struct ir_helper *const x86_helpers[];
const struct ir_helper *const x86_helpers[] = {
#define HELPER(name, ...) &x86_helper_##name,
#include "frontend/x86/helpers.def"
#undef HELPER
        NULL
};
