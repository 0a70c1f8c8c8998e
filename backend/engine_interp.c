/* SPDX-License-Identifier: MIT */
/*
 * The reference interpreter as an engine: the same regions, contexts, slow paths and dispatcher as the JIT's,
 * but a region's code is the interpreter's threaded form, memory goes through the first-level TLB here, and
 * floating point is soft-float only.
 */
#include <string.h>

#include "backend/runtime.h"
#include "ir/interp.h"

static struct ir_mem mem_of(uint32_t bits)
{
        struct ir_mem mem;

        memcpy(&mem, &bits, sizeof(mem));
        return mem;
}

/* The host address of an aligned access that the TLB grants, or NULL: slow path. */
static inline uint8_t *probe(struct vcpu *v, gva_t a, struct ir_mem mem, bool write)
{
        const struct tlb_entry *e = (const struct tlb_entry *)v->hot.tlb + tlb_index(a);
        uint64_t off = a - (write || mem.for_write ? e->write : e->read), size = 1ull << mem.size_log2;

        if (off > GUEST_PAGE_SIZE - size || (a & (size - 1)) || mem.big_endian || mem.view || (mem.release && (!write || mem.sc)))
                return NULL;
        return (uint8_t *)(uintptr_t)(a + e->addend);
}

static struct ir_helper_ret interp_load(void *ctx, uint64_t a, uint32_t bits)
{
        struct ir_mem mem = mem_of(bits);
        const uint8_t *p = probe(ctx, a, mem, false);
        uint64_t value;

        if (!p)
                return runtime_slow_ops.load(ctx, a, bits);
        switch (mem.size_log2) {
        case 0:
                value = __atomic_load_n(p, __ATOMIC_ACQUIRE);
                return (struct ir_helper_ret){mem.sign ? (uint64_t)(int8_t)value : value, 0};
        case 1:
                value = __atomic_load_n((const uint16_t *)p, __ATOMIC_ACQUIRE);
                return (struct ir_helper_ret){mem.sign ? (uint64_t)(int16_t)value : value, 0};
        case 2:
                value = __atomic_load_n((const uint32_t *)p, __ATOMIC_ACQUIRE);
                return (struct ir_helper_ret){mem.sign ? (uint64_t)(int32_t)value : value, 0};
        case 3:
                value = __atomic_load_n((const uint64_t *)p, __ATOMIC_ACQUIRE);
                return (struct ir_helper_ret){value, 0};
        default:
                return runtime_slow_ops.load(ctx, a, bits);
        }
}

static struct ir_helper_ret interp_store(void *ctx, uint64_t a, uint64_t value, uint32_t bits)
{
        struct ir_mem mem = mem_of(bits);
        uint8_t *p = probe(ctx, a, mem, true);

        if (!p)
                return runtime_slow_ops.store(ctx, a, value, bits);
        switch (mem.size_log2) {
        case 0: __atomic_store_n(p, value, __ATOMIC_RELEASE); break;
        case 1: __atomic_store_n((uint16_t *)p, value, __ATOMIC_RELEASE); break;
        case 2: __atomic_store_n((uint32_t *)p, value, __ATOMIC_RELEASE); break;
        case 3: __atomic_store_n((uint64_t *)p, value, __ATOMIC_RELEASE); break;
        default: return runtime_slow_ops.store(ctx, a, value, bits);
        }
        return (struct ir_helper_ret){0, 0};
}

static struct ir_helper_ret interp_rmw(void *ctx, uint64_t a, uint64_t value, uint32_t bits)
{
        return runtime_slow_ops.rmw(ctx, a, value, bits);
}

static struct ir_helper_ret interp_cas(void *ctx, uint64_t a, uint64_t expect, uint64_t desired,
                                       uint32_t bits)
{
        return runtime_slow_ops.cas(ctx, a, expect, desired, bits);
}

static struct ir_helper_ret interp_cas16(void *ctx, uint64_t a, uint64_t wide[4], uint32_t bits)
{
        struct vcpu *v = ctx;
        struct ir_helper_ret ret;

        memcpy(v->hot.wide, wide, sizeof(v->hot.wide));
        ret = runtime_slow_ops.cas16(v, a, bits);
        memcpy(wide, v->hot.wide, sizeof(v->hot.wide));
        return ret;
}

static uint64_t interp_fp(void *ctx, const struct ir_fpmode *mode, const struct ir_ins *op,
                          enum ir_type arg_type,
                          uint64_t a, uint64_t b, uint64_t c)
{
        return slowpath_fp(ctx, mode, slow_fp_pack(op, arg_type), a, b, c);
}

static void interp_hook(void *ctx, uint32_t kind, uint64_t datum)
{
        runtime_slow_ops.hook(ctx, kind, datum);
}

static uint64_t interp_load128(void *ctx, uint64_t a, uint32_t bits, struct ir_v128 *value)
{
        const uint8_t *p = probe(ctx, a, mem_of(bits), false);

        if (!p)
                return runtime_slow_ops.load128(ctx, a, bits, value);
        value->w[0] = __atomic_load_n((const uint64_t *)p, __ATOMIC_ACQUIRE);
        value->w[1] = __atomic_load_n((const uint64_t *)p + 1, __ATOMIC_ACQUIRE);
        return 0;
}

static uint64_t interp_store128(void *ctx, uint64_t a, uint32_t bits, const struct ir_v128 *value)
{
        uint8_t *p = probe(ctx, a, mem_of(bits), true);

        if (!p)
                return runtime_slow_ops.store128(ctx, a, bits, value);
        __atomic_store_n((uint64_t *)p, value->w[0], __ATOMIC_RELEASE);
        __atomic_store_n((uint64_t *)p + 1, value->w[1], __ATOMIC_RELEASE);
        return 0;
}

static void interp_vfp(void *ctx, const struct ir_fpmode *mode, const struct ir_ins *op, const struct ir_v128 *args,
                       struct ir_v128 *result)
{
        slowpath_vfp(ctx, mode, op, args, result);
}

static const struct ir_interp_ops interp_ops = {
        .load = interp_load, .store = interp_store, .rmw = interp_rmw, .cas = interp_cas,
        .cas16 = interp_cas16, .fp = interp_fp, .hook = interp_hook, .load128 = interp_load128, .store128 = interp_store128,
        .vfp = interp_vfp,
};

static enum ir_exit interp_enter(struct vcpu *v, uint64_t door)
{
        const struct code_region *r = (const struct code_region *)(uintptr_t)door;
        struct ir_interp *it = v->engine->interp;
        enum ir_exit reason;

        it->page_base = v->hot.vpage_base;
        reason = ir_interp_run(r->icode, it);
        v->hot.pc = it->pc;
        v->hot.exit_arg = 0;
        /* left in the middle: what was taken from the budget and not executed goes back */
        if (reason != IR_EXIT_BUDGET && it->done < r->n_guest_insns && (r->key.flags & REGION_DETERMINISTIC))
                v->hot.budget += r->n_guest_insns - it->done;
        return reason;
}

static bool interp_vm_init(struct vm *vm, GError **error)
{
        return runtime_vm_init(vm, NULL, error);
}

static bool interp_vcpu_init(struct vcpu *v, GError **error)
{
        struct ir_interp *it;

        if (!runtime_vcpu_init(v, interp_enter, error))
                return false;
        it = g_new0(struct ir_interp, 1);
        it->ops = &interp_ops;
        it->ctx = it->vcpu = v;
        it->state = v->state;
        it->poll = (const uint32_t *)&v->hot.poll;
        it->budget = &v->hot.budget;
        v->engine->interp = it;
        return true;
}

static void interp_vcpu_fini(struct vcpu *v)
{
        if (v->engine && v->engine->interp) {
                ir_interp_fini(v->engine->interp);
                g_free(v->engine->interp);
                v->engine->interp = NULL;
        }
        runtime_vcpu_fini(v);
}

const struct engine engine_interp = {
        .name = "interp",
        .doc = "interprets the intermediate code; slow, and the reference for the others",
        .vm_init = interp_vm_init,
        .vcpu_init = interp_vcpu_init,
        .vcpu_fini = interp_vcpu_fini,
        RUNTIME_ENGINE,
};
