/* SPDX-License-Identifier: MIT */
/*
 * The x86-64 host as the runtime sees it: entering generated code and coming back, faults, links. Called on
 * the vCPU's own thread, but for link, which any thread calls with the code cache's lock held.
 */
#include "backend/x86_64/emit.h"

#include "base/error.h"
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
                if (mxcsr >> k & 1 && map[k] != FP_DE)
                        flags |= map[k];
        if (flags)
                v->ops->fp_flags_or(v, flags);
}

static uint32_t mxcsr_for(unsigned round)
{
        static const uint8_t rc[] = {[IR_RM_RNE] = 0, [IR_RM_RTZ] = 3, [IR_RM_RDN] = 1, [IR_RM_RUP] = 2,
                                     [IR_RM_RMM] = 0};

        return 0x1f80 | (uint32_t)rc[round] << 13;
}

enum ir_exit x86_enter(void *host_data, struct vcpu *v, const uint8_t *door)
{
        const struct x86_host *h = host_data;
        uint32_t (*enter)(struct vcpu *, const uint8_t *, uint32_t) = (void *)(uintptr_t)h->enter;
        enum ir_exit reason = enter(v, door, mxcsr_for(v->round));

        x86_harvest(v, (uint32_t)v->hot.scratch[0]);
        if (reason == IR_EXIT_LINK) {
                const uint8_t *stub_end = (const uint8_t *)(uintptr_t)v->hot.exit_arg;
                const struct code_region *r = h->slow->find(v, stub_end - 1);
                uint32_t offset = stub_end - 5 - r->code;

                for (uint32_t n = 0; n < r->n_links; n++)
                        if (r->links[n].stub_offset == offset) {
                                v->hot.exit_arg = (uintptr_t)&r->links[n];
                                v->hot.pc = v->hot.vpage_base + r->links[n].target;
                                break;
                        }
        }
        return reason;
}

static const struct fault_site *find_site(const struct code_region *r, uint32_t offset)
{
        uint32_t lo = 0, hi = r->n_sites;

        while (lo < hi) {
                uint32_t mid = (lo + hi) / 2;

                if (r->sites[mid].code_offset < offset)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo < r->n_sites && r->sites[lo].code_offset == offset ? &r->sites[lo] : NULL;
}

static void write_slot(struct vcpu *v, const struct ir_slot *s, uint64_t value)
{
        memcpy(v->state + s->offset, &value, s->type == IR_I64 || s->type == IR_F64 ? 8 : 4);
}

static uint64_t read_loc(const struct vcpu *v, const struct slot_loc *l, const struct x86_saved *s,
                         const uint8_t *frame)
{
        uint64_t value = l->value;

        switch ((enum loc_kind)l->kind) {
        case LOC_GPR:
                return s->gpr[l->reg];
        case LOC_FPR:
                return s->xmm[l->reg];
        case LOC_FRAME:
                memcpy(&value, frame + FRAME_SPILL + l->value, 8);
                return value;
        case LOC_STATE:
                memcpy(&value, v->state + l->value, l->type == IR_I64 || l->type == IR_F64 ? 8 : 4);
                return value;
        case LOC_CONST:
                break;
        }
        return value;
}

/* A slow path or helper answered @status at the site that returns to @ret: makes the guest state whole. */
uint64_t x86_unwind(struct vcpu *v, const struct x86_saved *s, const uint8_t *ret, uint64_t status,
                    const uint8_t *frame, const struct x86_host *h)
{
        const struct code_region *r = h->slow->find(v, ret - 1);
        const struct fault_site *site = find_site(r, ret - r->code);
        uint64_t values[RA_MAX_DEFERRED];

        for (uint32_t n = 0; n < site->n_locs; n++)
                values[n] = read_loc(v, &r->locs[site->first_loc + n], s, frame);
        for (ra_set set = h->target.pins; set; set &= set - 1) {
                unsigned reg = __builtin_ctzll(set);

                write_slot(v, &h->guest->slots[h->pin_slot[reg]],
                           reg >= RA_FPR ? s->xmm[x86_num(reg)] : s->gpr[reg]);
        }
        for (uint32_t n = 0; n < site->n_locs; n++)
                write_slot(v, &h->guest->slots[r->locs[site->first_loc + n].slot], values[n]);
        v->hot.pc = v->hot.vpage_base + site->page_offset;
        if (r->key.flags & REGION_DETERMINISTIC)
                v->hot.budget += r->n_guest_insns - site->insn_index;
        return status - 1;
}

void x86_link(struct code_link *l, const struct code_region *target)
{
        const uint8_t *at = l->from->code + l->patch_offset;
        const uint8_t *to = target ? target->code : l->from->code + l->stub_offset;

        __atomic_store_n((int32_t *)(l->from->code_rw + l->patch_offset), (int32_t)(to - (at + 4)),
                         __ATOMIC_RELEASE);
}
