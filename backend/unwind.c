/* SPDX-License-Identifier: MIT */
#include "backend/unwind.h"

#include <string.h>

#include "ir/vec.h"
#include "machines/core/vcpu.h"

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

static struct ir_v128 read_loc(const struct vcpu *v, const struct slot_loc *l, const struct unwind_regs *regs)
{
        struct ir_v128 value = {{(uint64_t)l->value, (uint64_t)l->value}}; /* LOC_CONST: so vector constants are */

        switch ((enum loc_kind)l->kind) {
        case LOC_GPR:
                value.w[0] = regs->gpr[l->reg];
                break;
        case LOC_FPR:
                memcpy(&value, regs->fpr[l->reg], sizeof(value));
                break;
        case LOC_FRAME:
                memcpy(&value, regs->spill + l->value, ir_type_size(l->type));
                break;
        case LOC_STATE:
                memcpy(&value, v->state + l->value, ir_type_size(l->type));
                break;
        case LOC_EVAL: /* unwind_to_site does those */
        case LOC_CONST:
                break;
        }
        return value;
}

struct leaf_context {
        const struct vcpu *v;
        const struct unwind_regs *regs;
};

static uint64_t read_leaf(void *ctx, const struct slot_loc *l)
{
        const struct leaf_context *c = ctx;

        return read_loc(c->v, l, c->regs).w[0];
}

void unwind_to_site(struct vcpu *v, const struct code_region *r, const struct ra_target *target,
                    const struct ir_guest *guest, const struct unwind_regs *regs, const uint8_t *ret)
{
        const struct fault_site *site = find_site(r, ret - r->code);
        const struct slot_loc *l = &r->locs[site->first_loc], *end = l + site->n_locs;
        struct leaf_context context = {v, regs};
        struct ir_v128 values[RA_MAX_DEFERRED];
        uint16_t slots[RA_MAX_DEFERRED];
        unsigned n_slots = 0;

        while (l < end) {
                slots[n_slots] = l->slot;
                if (l->kind == LOC_EVAL)
                        values[n_slots++].w[0] = ra_loc_eval(&l, read_leaf, &context);
                else
                        values[n_slots++] = read_loc(v, l++, regs);
        }
        for (ra_set set = target->pins; set; set &= set - 1) {
                unsigned reg = __builtin_ctzll(set);

                write_slot(v, &guest->slots[target->pin_slot[reg]],
                           reg >= RA_FPR ? regs->fpr[reg - RA_FPR] : &regs->gpr[reg]);
        }
        for (unsigned n = 0; n < n_slots; n++)
                write_slot(v, &guest->slots[slots[n]], &values[n]);
        v->hot.pc = v->hot.vpage_base + site->page_offset;
        if (r->key.flags & REGION_DETERMINISTIC)
                v->hot.budget += r->n_guest_insns - site->insn_index;
}

void unwind_link_taken(struct vcpu *v, const struct code_region *r, const uint8_t *stub)
{
        for (uint32_t n = 0; n < r->n_links; n++) {
                if (r->links[n].stub_offset != (uint32_t)(stub - r->code))
                        continue;
                v->hot.exit_arg = (uintptr_t)&r->links[n];
                v->hot.pc = v->hot.vpage_base + r->links[n].target;
                return;
        }
}
