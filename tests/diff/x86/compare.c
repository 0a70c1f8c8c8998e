/* SPDX-License-Identifier: MIT */
/* The state that the host's CPU left against the emulator's. */
#include "tests/diff/x86/tool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool differs(struct difference *d, const char *what, uint64_t host, uint64_t us)
{
        if (host == us)
                return false;
        snprintf(d->what, sizeof(d->what), "%s", what);
        d->host = host;
        d->us = us;
        return true;
}

/* A numbered register of @size bytes, at most 16; the first word that differs. */
static bool register_differs(struct difference *d, const char *kind, unsigned n, const void *host,
                             const void *us, unsigned size)
{
        uint64_t h[2] = {0}, u[2] = {0};
        char name[8];

        if (!memcmp(host, us, size))
                return false;
        snprintf(name, sizeof(name), "%s%u", kind, n);
        memcpy(h, host, size);
        memcpy(u, us, size);
        return differs(d, name, h[0], u[0]) || differs(d, name, h[1], u[1]);
}

static bool compare_x87(struct difference *d, const struct test_case *c, const struct case_regs *out)
{
        uint16_t host, us;

        memcpy(&host, c->out.fx87 + 2, 2);
        memcpy(&us, out->fx87 + 2, 2);
        if (differs(d, "fsw", host, us) || differs(d, "ftw", c->out.fx87[4], out->fx87[4]))
                return true;
        for (unsigned k = 0; k < 8; k++)
                if (register_differs(d, "st", k, c->out.fx87 + 32 + 16 * k, out->fx87 + 32 + 16 * k, 10))
                        return true;
        return false;
}

static bool compare_memory(struct difference *d, const struct test_case *c, const uint8_t *data)
{
        const struct { unsigned at, size; const uint8_t *host; } parts[] = {
                {CASE_WINDOW, CASE_WINDOW_SIZE, c->out_window}, {0, CASE_EDGE, c->out_edges[0]},
                {CASE_DATA_SIZE - CASE_EDGE, CASE_EDGE, c->out_edges[1]},
        };

        for (unsigned n = 0; n < 3; n++) {
                const uint8_t *us = data + parts[n].at;
                unsigned k = 0;

                if (!memcmp(parts[n].host, us, parts[n].size))
                        continue;
                while (parts[n].host[k] == us[k])
                        k++;
                differs(d, "", parts[n].host[k], us[k]);
                snprintf(d->what, sizeof(d->what), "memory %x", CASE_DATA + parts[n].at + k);
                return true;
        }
        return false;
}

/*
 * An unmasked overflow or underflow came, of which PE and exact tiny results are not modelled (docs/x86.md).
 */
static bool is_unmasked_range(const struct test_case *c)
{
        enum { OE = 8, UE = 16 };

        return c->vector == 19 && (c->out.mxcsr & ~(c->in.mxcsr >> 7) & (OE | UE));
}

/* Is it left to each CPU, or not modelled, what comes of instruction @id? */
static bool is_open(const struct test_case *c, unsigned id, int vector)
{
        /* jumps to addresses that are none: the fault comes at the target here, before the jump there */
        if (c->vector == 13 && vector == -1 && (id == X86_RET || id == X86_JMP || id == X86_CALL))
                return true;
        /* AMD's CPUs have a bit in MXCSR that others reserve: misaligned operands */
        if (c->vector == -1 && vector == 13 && id == X86_LDMXCSR)
                return true;
        /* that these look at EFLAGS.AC is left to each CPU (SDM volume 2, MOVUPS) */
        if (c->vector == 17 && (id == X86_MOVUPS || id == X86_MOVUPD || id == X86_MOVDQU))
                return true;
        /* of two loads that fault either may be first */
        if (id == X86_CMPS && (c->vector == 14 || c->vector == 17) && (vector == 14 || vector == 17) &&
            c->vector != vector)
                return true;
        return is_unmasked_range(c);
}

bool compare(const struct test_case *c, unsigned id, unsigned undefined, const struct case_result *r,
             struct difference *d)
{
        uint64_t mask = X86_CASE_FLAGS & ~undefined;

        if (is_open(c, id, r->vector))
                return false;
        if (differs(d, "vector", (uint64_t)c->vector, (uint64_t)r->vector))
                return true;
        if ((c->vector == 13 || c->vector == 14) && differs(d, "error code", c->error_code, r->error_code))
                return true;
        /* of two loads that fault either may be first */
        if (c->vector == 14 && id != X86_CMPS && differs(d, "cr2", c->cr2, r->cr2))
                return true;
        if (differs(d, "rip", c->out.rip, r->regs.rip) ||
            differs(d, "flags", c->out.flags & mask, r->regs.flags & mask))
                return true;
        for (unsigned k = 0; k < 16; k++)
                if (register_differs(d, "r", k, &c->out.gpr[k], &r->regs.gpr[k], 8) ||
                    register_differs(d, "xmm", k, c->out.xmm[k], r->regs.xmm[k], 16))
                        return true;
        return compare_memory(d, c, r->data) || differs(d, "mxcsr", c->out.mxcsr, r->regs.mxcsr) ||
               compare_x87(d, c, &r->regs);
}
