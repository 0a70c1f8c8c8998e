/* SPDX-License-Identifier: MIT */
/*
 * What the guests' translators and tables of registers have in common. Translators touch the region and the
 * request alone; registers are for the vCPU's own thread, or for any while it is stopped.
 */
#include "frontend/cpu.h"

#include "ir/build.h"

void cpu_translate_begin(struct ir_region *r, struct translate_req *req, struct ir_fpmode fp)
{
        r->fp = fp;
        r->mode = req->mode;
        r->start_offset = req->offset;
        r->n_guest_insns = 0;
        req->needs_next = req->straddles = false;
}

struct ir_builder *cpu_translate_builder(struct ir_region *r)
{
        struct ir_builder *b = ir_builder_new(r);

        if (r->deterministic)
                ir_budget(b);
        return b;
}

bool cpu_breakpoint_at(const struct translate_req *req, uint32_t offset)
{
        for (uint32_t i = 0; i < req->n_breakpoints; i++) {
                if (req->breakpoints[i] == offset)
                        return true;
        }
        return false;
}

uint64_t cpu_get_pc(struct vcpu *v, unsigned index)
{
        return v->hot.pc;
}

bool cpu_put_pc(struct vcpu *v, unsigned index, uint64_t value)
{
        v->hot.pc = value;
        return true;
}
