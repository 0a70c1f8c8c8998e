/* SPDX-License-Identifier: MIT */
/*
 * vCPUs as objects, and the two ways in which others reach a running one: the poll word and the input lines.
 * Both post atomically and take a lock only to wake a sleeper.
 */
#include "machines/core/vcpu.h"

#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "machines/core/core.h"

static __thread struct vcpu *current;

struct vcpu *vcpu_current(void)
{
        return current;
}

void vcpu_set_current(struct vcpu *v)
{
        current = v;
}

struct vcpu *vcpu_new(struct vm *vm, const struct cpu_ops *ops, unsigned index, size_t state_size)
{
        size_t size = (sizeof(struct vcpu) + state_size + 63) & ~(size_t)63;
        struct vcpu *v = aligned_alloc(64, size);

        if (!v)
                g_error("out of memory"); /* a few kilobytes: as GLib itself does */
        memset(v, 0, size);
        v->vm = vm;
        v->ops = ops;
        v->as = vm->memory;
        v->index = index;
        v->state_size = state_size;
        atomic_store(&v->where, VCPU_OUTSIDE);
        g_mutex_init(&v->lock);
        g_cond_init(&v->wake);
        vm->vcpus = g_renew(struct vcpu *, vm->vcpus, vm->n_vcpus + 1);
        vm->vcpus[vm->n_vcpus++] = v;
        return v;
}

void vcpu_free(struct vcpu *v)
{
        struct vm *vm;

        if (!v)
                return;
        vm = v->vm;
        for (unsigned i = 0; i < vm->n_vcpus; i++) {
                if (vm->vcpus[i] == v) {
                        memmove(vm->vcpus + i, vm->vcpus + i + 1, (vm->n_vcpus - i - 1) * sizeof(v));
                        vm->n_vcpus--;
                        break;
                }
        }
        if (v->hooks.fini)
                v->hooks.fini(v);
        g_cond_clear(&v->wake);
        g_mutex_clear(&v->lock);
        free(v);
}

void vcpu_kick(struct vcpu *v, uint32_t poll_bits)
{
        /* in deterministic mode one thread sleeps for all */
        struct vcpu *sleeper = v->vm->deterministic ? v->vm->vcpus[0] : v;

        atomic_fetch_or(&v->hot.poll, poll_bits);
        /*
         * A sleeper is outside generated code, which is all that revocations and exclusive sections ask for.
         * Against the store of VCPU_HALTED and the load of poll in the run loop, both sequentially
         * consistent: one of the two sides sees the other.
         */
        if (!(poll_bits & (VCPU_POLL_IRQ | VCPU_POLL_KICK)) || atomic_load(&v->where) != VCPU_HALTED)
                return;
        lock_take(&sleeper->lock, LOCK_LEAF);
        g_cond_signal(&sleeper->wake);
        lock_drop(&sleeper->lock, LOCK_LEAF);
}

void vcpu_set_irq(struct vcpu *v, unsigned n, bool level)
{
        uint64_t bit = 1ull << (n & 63);

        if (!level)
                atomic_fetch_and(&v->irq_pending, ~bit);
        else if (!(atomic_fetch_or(&v->irq_pending, bit) & bit))
                vcpu_kick(v, VCPU_POLL_IRQ);
}
