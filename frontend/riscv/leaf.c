/* SPDX-License-Identifier: MIT */
/*
 * Helpers that generated code calls without keeping FP registers or the host's FP modes: this file and
 * soft-float, all it may call, are compiled for general registers only. A test looks at what their objects
 * refer to.
 */
#include "frontend/riscv/helpers.h"

#include "frontend/fp/fp.h"

RV_HELP(fclass_s)
{
        return (struct ir_helper_ret){fp32_fclass(a), 0};
}

RV_HELP(fclass_d)
{
        return (struct ir_helper_ret){fp64_fclass(a), 0};
}

/*
 * Rather too often than too seldom: whether the timer's line is up to date is seen when the interrupt is
 * looked at.
 */
RV_HELP(irqs_unmasked)
{
        const struct rv_state *s = rv_state(v);

        if ((atomic_load_explicit(&v->irq_pending, memory_order_acquire) | s->mip) & s->mie)
                atomic_fetch_or_explicit(&v->hot.poll, VCPU_POLL_IRQ, memory_order_relaxed);
        return (struct ir_helper_ret){0, 0};
}
