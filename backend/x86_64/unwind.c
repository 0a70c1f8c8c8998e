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
        const struct x86_host *h = host_data;
        uint32_t (*enter)(struct vcpu *, const uint8_t *, uint32_t) = (void *)(uintptr_t)h->enter;
        enum ir_exit reason = enter(v, door, v->fp_env);

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

static void write_slot(struct vcpu *v, const struct ir_slot *s, const void *value)
{
        memcpy(v->state + s->offset, value, ir_type_size(s->type));
}

static struct ir_v128 read_loc(const struct vcpu *v, const struct slot_loc *l, const struct x86_saved *s,
                               const uint8_t *frame)
{
        struct ir_v128 value = {{(uint64_t)l->value, (uint64_t)l->value}}; /* LOC_CONST: so vector constants are */

        switch ((enum loc_kind)l->kind) {
        case LOC_GPR:
                value.w[0] = s->gpr[l->reg];
                break;
        case LOC_FPR:
                memcpy(&value, s->xmm[l->reg], sizeof(value));
                break;
        case LOC_FRAME:
                memcpy(&value, frame + FRAME_SPILL + l->value, ir_type_size(l->type));
                break;
        case LOC_STATE:
                memcpy(&value, v->state + l->value, ir_type_size(l->type));
                break;
        case LOC_EVAL: /* read_leaf's caller does those */
        case LOC_CONST:
                break;
        }
        return value;
}

struct leaf_context {
        const struct vcpu *v;
        const struct x86_saved *s;
        const uint8_t *frame;
};

static uint64_t read_leaf(void *ctx, const struct slot_loc *l)
{
        const struct leaf_context *c = ctx;

        return read_loc(c->v, l, c->s, c->frame).w[0];
}

/* A slow path or helper answered @status at the site that returns to @ret: makes the guest state whole. */
uint64_t x86_unwind(struct vcpu *v, const struct x86_saved *s, const uint8_t *ret, uint64_t status,
                    const uint8_t *frame, const struct x86_host *h)
{
        const struct code_region *r = h->slow->find(v, ret - 1);
        const struct fault_site *site = find_site(r, ret - r->code);
        const struct slot_loc *l = &r->locs[site->first_loc], *end = l + site->n_locs;
        struct leaf_context context = {v, s, frame};
        struct ir_v128 values[RA_MAX_DEFERRED];
        uint16_t slots[RA_MAX_DEFERRED];
        unsigned n_slots = 0;

        while (l < end) {
                slots[n_slots] = l->slot;
                if (l->kind == LOC_EVAL)
                        values[n_slots++].w[0] = ra_loc_eval(&l, read_leaf, &context);
                else
                        values[n_slots++] = read_loc(v, l++, s, frame);
        }
        for (ra_set set = h->target.pins; set; set &= set - 1) {
                unsigned reg = __builtin_ctzll(set);

                write_slot(v, &h->guest->slots[h->pin_slot[reg]],
                           reg >= RA_FPR ? &s->xmm[x86_num(reg)][0] : &s->gpr[reg]);
        }
        for (unsigned n = 0; n < n_slots; n++)
                write_slot(v, &h->guest->slots[slots[n]], &values[n]);
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
