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

/* Bytes that a register has in the state, if it lies there. */
static size_t slot_size(const struct vcpu *v, const struct cpu_reg *r)
{
        switch (v->ops->guest->slots[r->slot].type) {
        case IR_I32:
        case IR_F32:
                return 4;
        case IR_V128:
                return 16;
        default:
                return 8;
        }
}

bool vcpu_reg_read(struct vcpu *v, const struct cpu_reg *r, uint64_t value[CPU_REG_WORDS])
{
        value[0] = value[1] = 0;
        if (r->slot != UINT32_MAX)
                memcpy(value, v->state + v->ops->guest->slots[r->slot].offset, slot_size(v, r));
        else if (r->get_wide)
                r->get_wide(v, r->index, value);
        else if (r->get)
                value[0] = r->get(v, r->index);
        else
                return false;
        return true;
}

bool vcpu_reg_write(struct vcpu *v, const struct cpu_reg *r, const uint64_t value[CPU_REG_WORDS])
{
        if (r->slot == UINT32_MAX)
                return r->put_wide ? r->put_wide(v, r->index, value) :
                       r->put && r->put(v, r->index, value[0]);
        memcpy(v->state + v->ops->guest->slots[r->slot].offset, value, slot_size(v, r));
        return true;
}

const struct cpu_reg *vcpu_reg_find(const struct vcpu *v, const char *name)
{
        for (uint32_t i = 0; i < v->ops->n_regs; i++) {
                const struct cpu_reg *r = &v->ops->regs[i];

                if (!strcmp(r->name, name) || (r->alias && !strcmp(r->alias, name)))
                        return r;
        }
        return NULL;
}

bool vcpu_set_reg(struct vcpu *v, const char *name, uint64_t value)
{
        const struct cpu_reg *r = vcpu_reg_find(v, name);
        const uint64_t words[CPU_REG_WORDS] = {value};

        return r && vcpu_reg_write(v, r, words);
}

bool vcpu_get_reg(struct vcpu *v, const char *name, uint64_t *value)
{
        const struct cpu_reg *r = vcpu_reg_find(v, name);
        uint64_t words[CPU_REG_WORDS] = {0};
        bool ok = r && vcpu_reg_read(v, r, words);

        *value = words[0];
        return ok;
}
