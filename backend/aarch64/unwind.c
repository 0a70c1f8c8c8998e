/* SPDX-License-Identifier: MIT */
/*
 * The AArch64 host as the runtime sees it: entering generated code and coming back, and faults. Called on the
 * vCPU's own thread.
 */
#include "backend/aarch64/emit.h"

#include "backend/unwind.h"
#include "frontend/cpu.h"
#include "frontend/fp/fp.h"

/* Sticky flags of FPSR as the guest's. */
void a64_harvest(struct vcpu *v, uint32_t fpsr)
{
        static const uint8_t map[8] = {FP_NV, FP_DZ, FP_OF, FP_UF, FP_NX, 0, 0, FP_ID};
        uint32_t flags = 0;

        if (!(fpsr & FPSR_FLAGS))
                return;
        for (unsigned k = 0; k < 8; k++)
                if (fpsr >> k & 1)
                        flags |= map[k];
        if (flags)
                v->ops->fp_flags_or(v, flags);
}

uint32_t a64_fp_env(struct ir_fpmode m)
{
        static const uint8_t rmode[] = {[IR_RM_RNE] = 0, [IR_RM_RTZ] = 3, [IR_RM_RDN] = 2, [IR_RM_RUP] = 1,
                                        [IR_RM_RMM] = 0};

        return (uint32_t)rmode[m.round] << FPCR_RMODE_SHIFT | (m.nan == IR_NAN_DEFAULT ? FPCR_DN : 0) |
               (m.flush_in && m.flush_out == IR_FLUSH_UF ? FPCR_FZ : 0);
}

enum ir_exit a64_enter(void *host_data, struct vcpu *v, const uint8_t *door)
{
        const struct emit_host *h = host_data;
        uint32_t (*enter)(struct vcpu *, const uint8_t *, uint64_t) = (void *)(uintptr_t)h->enter;
        enum ir_exit reason = (enum ir_exit)enter(v, door, v->fp_env);

        a64_harvest(v, (uint32_t)v->hot.scratch[0]);
        if (reason == IR_EXIT_LINK) {
                const uint8_t *stub_end = (const uint8_t *)(uintptr_t)v->hot.exit_arg;
                const struct code_region *r = h->slow->find(v, stub_end - 1);

                unwind_link_taken(v, r, stub_end - 4);
        }
        return reason;
}

/* A slow path or helper answered @status at the site that returns to @ret: makes the guest state whole. */
uint64_t a64_unwind(struct vcpu *v, const struct a64_saved *s, const uint8_t *ret, uint64_t status,
                    const uint8_t *frame, const struct emit_host *h)
{
        const struct unwind_regs regs = {s->gpr, s->vec, frame + FRAME_SPILL};

        unwind_to_site(v, h->slow->find(v, ret - 1), &h->target, h->guest, &regs, ret);
        return status - 1;
}
