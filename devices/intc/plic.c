/* SPDX-License-Identifier: MIT */
/*
 * Platform-level interrupt controller (RISC-V PLIC specification 1.0.0), with SiFive's register layout.
 * Sources are level-triggered: a gateway lets one request through, and the next after its completion. Outputs
 * are the contexts: 2n for machine mode of hart n, 2n+1 for supervisor mode. Interrupt 0 does not exist.
 */
#include <string.h>

#include "base/error.h"
#include "devices/dev.h"
#include "machines/core/dt.h"

enum { MAX_SOURCES = 128, WORDS = MAX_SOURCES / 32, MAX_CONTEXTS = 32, MAX_PRIORITY = 7 };

enum {
        PLIC_PRIORITY = 0,
        PLIC_PENDING = 0x1000,
        PLIC_ENABLE = 0x2000,
        PLIC_ENABLE_STRIDE = 0x80,
        PLIC_CONTEXT = 0x200000,
        PLIC_CONTEXT_STRIDE = 0x1000,
        PLIC_SIZE = 0x600000,
};

struct plic {
        struct dev dev;
        uint32_t n_harts, n_sources; /* sources 1 to n_sources */
        uint32_t n_contexts;

        uint32_t level[WORDS];       /* of the inputs */
        uint32_t pending[WORDS];
        uint32_t claimed[WORDS];     /* claimed and not completed: the gateway is closed */
        uint8_t priority[MAX_SOURCES];
        uint32_t enable[MAX_CONTEXTS][WORDS];
        uint8_t threshold[MAX_CONTEXTS];
};

/*
 * The pending source that @ctx takes first: highest priority, then lowest number; 0 if none is above @floor.
 */
static unsigned plic_best(const struct plic *p, unsigned ctx, unsigned floor)
{
        unsigned best = 0, best_priority = floor;

        for (unsigned w = 0; w < WORDS; w++) {
                uint32_t bits = p->pending[w] & p->enable[ctx][w];

                while (bits) {
                        unsigned irq = w * 32 + __builtin_ctz(bits);

                        bits &= bits - 1;
                        if (p->priority[irq] > best_priority) {
                                best = irq;
                                best_priority = p->priority[irq];
                        }
                }
        }
        return best;
}

static void plic_update(struct plic *p)
{
        for (unsigned c = 0; c < p->n_contexts; c++)
                dev_irq(&p->dev, c, plic_best(p, c, p->threshold[c]) != 0);
}

/* Opens the gateway of @irq as its level demands. */
static void plic_sample(struct plic *p, unsigned irq)
{
        uint32_t bit = 1u << (irq % 32);

        if (p->level[irq / 32] & ~p->claimed[irq / 32] & bit)
                p->pending[irq / 32] |= bit;
}

static void plic_irq_in(struct dev *d, unsigned n, bool level)
{
        struct plic *p = (struct plic *)d;
        uint32_t bit = 1u << (n % 32);

        if (!n || n > p->n_sources)
                return;
        dev_enter(d);
        if (level)
                p->level[n / 32] |= bit;
        else
                p->level[n / 32] &= ~bit;
        plic_sample(p, n);
        plic_update(p);
        dev_leave(d);
}

static uint32_t plic_claim(struct plic *p, unsigned ctx)
{
        unsigned irq = plic_best(p, ctx, 0);

        if (irq) {
                p->pending[irq / 32] &= ~(1u << (irq % 32));
                p->claimed[irq / 32] |= 1u << (irq % 32);
                plic_update(p);
        }
        return irq;
}

static void plic_complete(struct plic *p, unsigned ctx, uint64_t irq)
{
        if (!irq || irq > p->n_sources || !(p->enable[ctx][irq / 32] & 1u << (irq % 32)))
                return;
        p->claimed[irq / 32] &= ~(1u << (irq % 32));
        plic_sample(p, irq);
        plic_update(p);
}

/* Bits of word @w that stand for sources. */
static uint32_t plic_valid(const struct plic *p, unsigned w)
{
        uint32_t valid = w ? ~0u : ~1u;

        if (p->n_sources < w * 32)
                return 0;
        if (p->n_sources < w * 32 + 31)
                valid &= (2u << (p->n_sources - w * 32)) - 1;
        return valid;
}

static uint64_t plic_read(struct dev *d, uint64_t offset, unsigned size)
{
        struct plic *p = (struct plic *)d;
        uint64_t ctx, w;

        if (offset < PLIC_PENDING) {
                w = offset / 4;
                return w <= p->n_sources ? p->priority[w] : 0;
        }
        if (offset < PLIC_ENABLE) {
                w = (offset - PLIC_PENDING) / 4;
                return w < WORDS ? p->pending[w] : 0;
        }
        if (offset < PLIC_CONTEXT) {
                ctx = (offset - PLIC_ENABLE) / PLIC_ENABLE_STRIDE;
                w = (offset - PLIC_ENABLE) % PLIC_ENABLE_STRIDE / 4;
                return ctx < p->n_contexts && w < WORDS ? p->enable[ctx][w] : 0;
        }
        ctx = (offset - PLIC_CONTEXT) / PLIC_CONTEXT_STRIDE;
        if (ctx < p->n_contexts && offset % PLIC_CONTEXT_STRIDE == 0)
                return p->threshold[ctx];
        if (ctx < p->n_contexts && offset % PLIC_CONTEXT_STRIDE == 4)
                return plic_claim(p, ctx);
        return 0;
}

static void plic_write(struct dev *d, uint64_t offset, uint64_t value, unsigned size)
{
        struct plic *p = (struct plic *)d;
        uint64_t ctx, w;

        if (offset < PLIC_PENDING) {
                w = offset / 4;
                if (w && w <= p->n_sources)
                        p->priority[w] = value & MAX_PRIORITY;
        } else if (offset < PLIC_ENABLE) {
                return; /* read-only */
        } else if (offset < PLIC_CONTEXT) {
                ctx = (offset - PLIC_ENABLE) / PLIC_ENABLE_STRIDE;
                w = (offset - PLIC_ENABLE) % PLIC_ENABLE_STRIDE / 4;
                if (ctx < p->n_contexts && w < WORDS)
                        p->enable[ctx][w] = value & plic_valid(p, w);
        } else {
                ctx = (offset - PLIC_CONTEXT) / PLIC_CONTEXT_STRIDE;
                if (ctx >= p->n_contexts)
                        return;
                if (offset % PLIC_CONTEXT_STRIDE == 0)
                        p->threshold[ctx] = value & MAX_PRIORITY;
                else if (offset % PLIC_CONTEXT_STRIDE == 4)
                        plic_complete(p, ctx, value);
        }
        plic_update(p);
}

static bool plic_init(struct dev *d, GError **error)
{
        struct plic *p = (struct plic *)d;

        if (!p->n_harts || p->n_harts * 2 > MAX_CONTEXTS || !p->n_sources || p->n_sources >= MAX_SOURCES)
                return error_set(error, RHEA_ERROR_USAGE, "harts must be 1 to %d and sources 1 to %d",
                                 MAX_CONTEXTS / 2,
                                 MAX_SOURCES - 1);
        p->n_contexts = p->n_harts * 2;
        return true;
}

static void plic_reset(struct dev *d)
{
        struct plic *p = (struct plic *)d;

        /* inputs keep their levels: they belong to the devices */
        memset(p->pending, 0, sizeof(p->pending));
        memset(p->claimed, 0, sizeof(p->claimed));
        memset(p->priority, 0, sizeof(p->priority));
        memset(p->enable, 0, sizeof(p->enable));
        memset(p->threshold, 0, sizeof(p->threshold));
        for (unsigned irq = 1; irq <= p->n_sources; irq++)
                plic_sample(p, irq);
        plic_update(p);
}

static bool plic_loaded(struct dev *d, GError **error)
{
        struct plic *p = (struct plic *)d;

        for (unsigned i = 0; i < MAX_SOURCES; i++)
                p->priority[i] &= MAX_PRIORITY;
        for (unsigned w = 0; w < WORDS; w++) {
                p->level[w] &= plic_valid(p, w);
                p->pending[w] &= plic_valid(p, w);
                p->claimed[w] &= plic_valid(p, w);
                for (unsigned c = 0; c < MAX_CONTEXTS; c++)
                        p->enable[c][w] &= plic_valid(p, w);
        }
        plic_update(p);
        return true;
}

static void plic_fdt(struct dev *d, struct dt *dt, const char *path)
{
        struct plic *p = (struct plic *)d;

        dt_strings(dt, path, "compatible", (const char *const[]){"sifive,plic-1.0.0", "riscv,plic0", NULL});
        dt_u32(dt, path, "riscv,ndev", p->n_sources);
        dt_flag(dt, path, "interrupt-controller");
        dt_u32(dt, path, "#interrupt-cells", 1);
        dt_u32(dt, path, "#address-cells", 0);
}

static const struct dev_prop plic_props[] = {
        {"harts", "number of harts; each has a machine and a supervisor context", PROP_U32,
         offsetof(struct plic, n_harts), "1"},
        {"sources", "number of interrupt sources", PROP_U32, offsetof(struct plic, n_sources), "95"},
        {},
};

static const struct dev_field plic_state[] = {
        {"level", FIELD_U32, offsetof(struct plic, level), WORDS},
        {"pending", FIELD_U32, offsetof(struct plic, pending), WORDS},
        {"claimed", FIELD_U32, offsetof(struct plic, claimed), WORDS},
        {"priority", FIELD_U8, offsetof(struct plic, priority), MAX_SOURCES},
        {"enable", FIELD_U32, offsetof(struct plic, enable), MAX_CONTEXTS * WORDS},
        {"threshold", FIELD_U8, offsetof(struct plic, threshold), MAX_CONTEXTS},
        {},
};

static const struct dev_reg plic_regs[] = {
        {PLIC_PRIORITY, "priority"}, {PLIC_PENDING, "pending"}, {PLIC_ENABLE, "enable"},
        {PLIC_CONTEXT, "threshold/claim"}, {},
};

const struct dev_class dev_plic = {
        .name = "riscv.plic", .compat = "sifive,plic-1.0.0",
        .doc = "RISC-V platform-level interrupt controller",
        .size = sizeof(struct plic), .props = plic_props, .state = plic_state, .regs = plic_regs,
        .regions = {{"regs", PLIC_SIZE, ACCESS_4, plic_read, plic_write}},
        .irqs = MAX_CONTEXTS, .irq_inputs = MAX_SOURCES, .intc = true,
        .init = plic_init, .reset = plic_reset, .irq_in = plic_irq_in, .loaded = plic_loaded, .fdt = plic_fdt,
};
