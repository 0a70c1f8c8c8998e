/* SPDX-License-Identifier: MIT */
/* Making vCPUs, and their registers by name. */
#include "machines/cpu.h"

#include <string.h>

#include "frontend/cpu.h"
#include "machines/core/vcpu.h"
#include "machines/core/vm.h"

struct vcpu *machine_add_cpu(struct vm *vm, const struct cpu_ops *ops, const char *model, GError **error)
{
        struct vcpu *v = vcpu_new(vm, ops, vm->n_vcpus, ops->state_size);

        v->hooks = (struct vcpu_hooks){.interrupt = ops->interrupt, .has_work = ops->has_work,
        .reset = ops->reset};
        if (!ops->init(v, model, error)) {
                vcpu_free(v);
                return NULL;
        }
        v->hooks.fini = ops->fini; /* not for one whose init failed */
        ops->reset(v);
        return v;
}

static const struct cpu_reg *reg_find(const struct vcpu *v, const char *name)
{
        for (uint32_t i = 0; i < v->ops->n_regs; i++) {
                const struct cpu_reg *r = &v->ops->regs[i];

                if (!strcmp(r->name, name) || (r->alias && !strcmp(r->alias, name)))
                        return r;
        }
        return NULL;
}

/* Where a slot register lies, and whether it has 4 bytes. */
static void *reg_slot(struct vcpu *v, const struct cpu_reg *r, bool *narrow)
{
        const struct ir_slot *s = &v->ops->guest->slots[r->slot];

        *narrow = s->type == IR_I32 || s->type == IR_F32;
        return v->state + s->offset;
}

bool vcpu_set_reg(struct vcpu *v, const char *name, uint64_t value)
{
        const struct cpu_reg *r = reg_find(v, name);
        bool narrow;
        void *p;

        if (!r)
                return false;
        if (r->slot == UINT32_MAX)
                return r->put && r->put(v, r->index, value);
        p = reg_slot(v, r, &narrow);
        memcpy(p, &value, narrow ? 4 : 8);
        return true;
}

bool vcpu_get_reg(struct vcpu *v, const char *name, uint64_t *value)
{
        const struct cpu_reg *r = reg_find(v, name);
        bool narrow;
        void *p;

        *value = 0;
        if (!r)
                return false;
        if (r->slot == UINT32_MAX) {
                if (!r->get)
                        return false;
                *value = r->get(v, r->index);
                return true;
        }
        p = reg_slot(v, r, &narrow);
        memcpy(value, p, narrow ? 4 : 8);
        return true;
}
