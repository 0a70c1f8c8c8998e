/* SPDX-License-Identifier: MIT */
/*
 * Entering generated code and coming back. Where it is left in its middle, what it knows of guest state is
 * brought home by the fault maps (struct fault_site). Called on the vCPU's own thread, emit_unwind from a thunk.
 */
#include "backend/emit.h"

#include <string.h>

#include "ir/vec.h"
#include "machines/core/vcpu.h"

/* The registers as they were at a site, and where its spill area is. */
struct unwind_regs {
        const struct emit_saved *saved;
        const uint8_t *spill;
};

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
                value.w[0] = regs->saved->gpr[l->reg];
                break;
        case LOC_FPR:
                memcpy(&value, regs->saved->fpr[l->reg], sizeof(value));
                break;
        case LOC_FRAME:
                memcpy(&value, regs->spill + l->value, ir_type_size(l->type));
                break;
        case LOC_STATE:
                memcpy(&value, v->state + l->value, ir_type_size(l->type));
                break;
        case LOC_EVAL: /* to_site does those */
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

/* The guest state, hot.pc too, becomes that of the instruction with the call that returns to @ret. */
static void to_site(struct vcpu *v, const struct code_region *r, const struct emit_host *h,
                    const struct unwind_regs *regs, const uint8_t *ret)
{
        const struct ra_target *target = &h->target;
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

                write_slot(v, &h->guest->slots[target->pin_slot[reg]],
                           reg >= RA_FPR ? regs->saved->fpr[reg - RA_FPR] : &regs->saved->gpr[reg]);
        }
        for (unsigned n = 0; n < n_slots; n++)
                write_slot(v, &h->guest->slots[slots[n]], &values[n]);
        v->hot.pc = v->hot.vpage_base + site->page_offset;
        if (r->key.flags & REGION_DETERMINISTIC)
                v->hot.budget += r->n_guest_insns - site->insn_index;
}

uint64_t emit_unwind(struct vcpu *v, const struct emit_saved *saved, const uint8_t *ret, uint64_t status,
                     const uint8_t *frame, const struct emit_host *h)
{
        const struct unwind_regs regs = {saved, frame + h->spill};

        to_site(v, h->slow->find(v, ret - 1), h, &regs, ret);
        return status - 1;
}

/* The link was taken whose stub ends at hot.exit_arg: that becomes the link, and hot.pc where it goes. */
static void link_taken(struct vcpu *v, const struct emit_host *h)
{
        const uint8_t *stub_end = (const uint8_t *)(uintptr_t)v->hot.exit_arg;
        const struct code_region *r = h->slow->find(v, stub_end - 1);

        for (uint32_t n = 0; n < r->n_links; n++) {
                if (r->code + r->links[n].stub_offset + h->stub_size != stub_end)
                        continue;
                v->hot.exit_arg = (uintptr_t)&r->links[n];
                v->hot.pc = v->hot.vpage_base + r->links[n].target;
                return;
        }
}

enum ir_exit emit_enter(void *host_data, struct vcpu *v, const uint8_t *door)
{
        const struct emit_host *h = host_data;
        uint32_t (*enter)(struct vcpu *, const uint8_t *, uint64_t) = (void *)(uintptr_t)h->enter;
        enum ir_exit reason = (enum ir_exit)enter(v, door, v->fp_env);

        emit_harvest(v, (uint32_t)v->hot.scratch[0]);
        if (reason == IR_EXIT_LINK)
                link_taken(v, h);
        return reason;
}
