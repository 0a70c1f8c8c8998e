/* SPDX-License-Identifier: MIT */
/*
 * The JIT as an engine: regions are host code in the code cache, entered through the host's thunk.
 */
#include "backend/runtime.h"

#include "base/error.h"

static enum ir_exit jit_enter(struct vcpu *v, uint64_t door)
{
        struct runtime *rt = v->engine->rt;

        return rt->host->enter(rt->host_data, v, (const uint8_t *)(uintptr_t)door);
}

static bool jit_vm_init(struct vm *vm, GError **error)
{
        const struct host_ops *host = runtime_default_host();

        if (!host)
                return error_set(error, RHEA_ERROR_UNSUPPORTED,
                                 "this host has no JIT yet; use -accel interp");
        return runtime_vm_init(vm, host, error);
}

static bool jit_vcpu_init(struct vcpu *v, GError **error)
{
        return runtime_vcpu_init(v, jit_enter, error);
}

const struct engine engine_jit = {
        .name = "jit",
        .alias = "tcg",
        .doc = "translates guest code into host code",
        .vm_init = jit_vm_init,
        .vcpu_init = jit_vcpu_init,
        .vcpu_fini = runtime_vcpu_fini,
        RUNTIME_ENGINE,
};
