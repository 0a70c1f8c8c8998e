/* SPDX-License-Identifier: MIT */
/*
 * The x86-64 host as the runtime sees it: entering generated code and coming back, faults, links. Called on
 * the vCPU's own thread, but for link, which any thread calls with the code cache's lock held.
 */
#include "backend/x86_64/emit.h"

#include "base/error.h"
#include "backend/unwind.h"
#include "frontend/cpu.h"
#include "frontend/fp/fp.h"

/* Sticky flags of MXCSR as the guest's. */
void x86_harvest(struct vcpu *v, uint32_t mxcsr)
{
        static const uint8_t map[] = {FP_NV, FP_DE, FP_DZ, FP_OF, FP_UF, FP_NX};
        uint32_t flags = 0;

        if (!(mxcsr & 0x3f))
                return;
        for (unsigned k = 0; k < 6; k++)
                if (mxcsr >> k & 1)
                        flags |= map[k];
        /* A mode is of a guest with this flag or of one without. */
        if (flags & FP_DE && !v->ops->fp_mode(v->mode).note_denormal)
                flags &= ~(uint32_t)FP_DE;
        if (flags)
                v->ops->fp_flags_or(v, flags);
}

enum { MXCSR_DAZ = 0x40, MXCSR_FTZ = 0x8000 };

uint32_t x86_fp_env(struct ir_fpmode mode)
{
        bool native = x86_fp_fit(&mode) == FIT_NATIVE;
        static const uint8_t rc[] = {[IR_RM_RNE] = 0, [IR_RM_RTZ] = 3, [IR_RM_RDN] = 1, [IR_RM_RUP] = 2,
                                     [IR_RM_RMM] = 0};

        return 0x1f80 | (uint32_t)rc[mode.round] << 13 | (native && mode.flush_in ? MXCSR_DAZ : 0) |
               (native && mode.flush_out ? MXCSR_FTZ : 0);
}

enum ir_exit x86_enter(void *host_data, struct vcpu *v, const uint8_t *door)
{
        const struct emit_host *h = host_data;
        uint32_t (*enter)(struct vcpu *, const uint8_t *, uint32_t) = (void *)(uintptr_t)h->enter;
        enum ir_exit reason = enter(v, door, v->fp_env);

        x86_harvest(v, (uint32_t)v->hot.scratch[0]);
        if (reason == IR_EXIT_LINK) {
                const uint8_t *stub_end = (const uint8_t *)(uintptr_t)v->hot.exit_arg;
                const struct code_region *r = h->slow->find(v, stub_end - 1);

                unwind_link_taken(v, r, stub_end - 5);
        }
        return reason;
}

/* A slow path or helper answered @status at the site that returns to @ret: makes the guest state whole. */
uint64_t x86_unwind(struct vcpu *v, const struct x86_saved *s, const uint8_t *ret, uint64_t status,
                    const uint8_t *frame, const struct emit_host *h)
{
        const struct unwind_regs regs = {s->gpr, s->xmm, frame + FRAME_SPILL};

        unwind_to_site(v, h->slow->find(v, ret - 1), &h->target, h->guest, &regs, ret);
        return status - 1;
}

void x86_link(struct code_link *l, const struct code_region *target)
{
        const uint8_t *at = l->from->code + l->patch_offset;
        const uint8_t *to = target ? target->code : l->from->code + l->stub_offset;

        __atomic_store_n((int32_t *)(l->from->code_rw + l->patch_offset), (int32_t)(to - (at + 4)),
                         __ATOMIC_RELEASE);
}
