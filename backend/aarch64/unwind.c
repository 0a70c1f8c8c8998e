/* SPDX-License-Identifier: MIT */
/*
 * The AArch64 host as the runtime sees it: entering generated code and coming back, and faults. Called on the
 * vCPU's own thread.
 */
#include "backend/aarch64/emit.h"

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

static uint64_t fpcr_for(const struct ir_fpmode *m)
{
        static const uint8_t rmode[] = {[IR_RM_RNE] = 0, [IR_RM_RTZ] = 3, [IR_RM_RDN] = 2, [IR_RM_RUP] = 1,
                                        [IR_RM_RMM] = 0};

        return (uint64_t)rmode[m->round] << FPCR_RMODE_SHIFT | (m->nan == IR_NAN_DEFAULT ? FPCR_DN : 0) |
               (m->flush_in && m->flush_out == IR_FLUSH_UF ? FPCR_FZ : 0);
}

enum ir_exit a64_enter(void *host_data, struct vcpu *v, const uint8_t *door)
{
        const struct a64_host *h = host_data;
        uint32_t (*enter)(struct vcpu *, const uint8_t *, uint64_t) = (void *)(uintptr_t)h->enter;
        struct ir_fpmode mode = v->ops->fp_mode(v->mode);
        enum ir_exit reason = (enum ir_exit)enter(v, door, fpcr_for(&mode));

        a64_harvest(v, (uint32_t)v->hot.scratch[0]);
        if (reason == IR_EXIT_LINK) {
                const uint8_t *stub_end = (const uint8_t *)(uintptr_t)v->hot.exit_arg;
                const struct code_region *r = h->slow->find(v, stub_end - 1);
                uint32_t offset = stub_end - 4 - r->code;

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

static struct ir_v128 read_loc(const struct vcpu *v, const struct slot_loc *l, const struct a64_saved *s,
                               const uint8_t *frame)
{
        struct ir_v128 value = {{(uint64_t)l->value, (uint64_t)l->value}}; /* LOC_CONST: so vector constants are */

        switch ((enum loc_kind)l->kind) {
        case LOC_GPR:
                value.w[0] = s->gpr[l->reg];
                break;
        case LOC_FPR:
                memcpy(&value, s->vec[l->reg], sizeof(value));
                break;
        case LOC_FRAME:
                memcpy(&value, frame + FRAME_SPILL + l->value, ir_type_size(l->type));
                break;
        case LOC_STATE:
                memcpy(&value, v->state + l->value, ir_type_size(l->type));
                break;
        case LOC_EVAL: /* a64_unwind does those */
        case LOC_CONST:
                break;
        }
        return value;
}

struct leaf_context {
        const struct vcpu *v;
        const struct a64_saved *s;
        const uint8_t *frame;
};

static uint64_t read_leaf(void *ctx, const struct slot_loc *l)
{
        const struct leaf_context *c = ctx;

        return read_loc(c->v, l, c->s, c->frame).w[0];
}

/* A slow path or helper answered @status at the site that returns to @ret: makes the guest state whole. */
uint64_t a64_unwind(struct vcpu *v, const struct a64_saved *s, const uint8_t *ret, uint64_t status,
                    const uint8_t *frame, const struct a64_host *h)
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
                           reg >= RA_FPR ? &s->vec[a64_num(reg)][0] : &s->gpr[reg]);
        }
        for (unsigned n = 0; n < n_slots; n++)
                write_slot(v, &h->guest->slots[slots[n]], &values[n]);
        v->hot.pc = v->hot.vpage_base + site->page_offset;
        if (r->key.flags & REGION_DETERMINISTIC)
                v->hot.budget += r->n_guest_insns - site->insn_index;
        return status - 1;
}
