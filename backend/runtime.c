/* SPDX-License-Identifier: MIT */
/*
 * The runtime as the VM and the frontends see it: setting up, what guest code asks of the engine (flushes,
 * context changes, physical accesses), what the rest of the VM tells it (stores by devices, changes of the
 * memory map), and the counters.
 */
#include "backend/runtime.h"

#include <stdlib.h>

/* ---- what the VM tells ---- */

static void code_written(struct vm *vm, struct ram_block *ram, uint64_t offset, uint64_t len)
{
        struct runtime *rt = runtime_of(vm);
        bool marked = false;
        uint64_t last;

        if (!ram->code_lines || !rt || offset >= ram->size || len > ram->size - offset)
                return;
        /*
         * The store came first, then the look at the marks; installing marks first and then looks at the
         * bytes. A read-modify-write, because a plain load may overtake the store.
         */
        last = (offset + len - 1) >> GUEST_PAGE_BITS;
        for (uint64_t page = offset >> GUEST_PAGE_BITS; !marked && page <= last; page++)
                marked = atomic_fetch_or(&ram->code_lines[page], 0);
        if (!marked)
                return;
        runtime_lock(rt);
        reservation_break_locked(rt, NULL, ram, offset, len);
        codecache_drop_stored_locked(rt, ram, offset, len);
        runtime_unlock(rt);
}

static void memory_changed(struct vm *vm, struct address_space *as)
{
        struct runtime *rt = runtime_of(vm);
        struct revoke_event ev = {.reasons = REVOKE_MAP};

        if (rt)
                revoke_hurry(rt, revoke_post(rt, &ev));
}

const struct host_ops *runtime_default_host(void)
{
#ifdef __x86_64__
        return &host_x86_64;
#elif defined(__aarch64__)
        return &host_aarch64;
#else
        return NULL;
#endif
}

bool runtime_vm_init_sized(struct vm *vm, const struct host_ops *host, size_t size, size_t segment_size,
                           GError **error)
{
        struct runtime *rt = g_new0(struct runtime, 1);

        rt->vm = vm;
        rt->host = host;
        g_mutex_init(&rt->lock);
        vm->engine_data = rt;
        if (!codecache_init(rt, host ? size : 0, segment_size, error))
                return false;
        if (host && !host->init(&rt->cache.thunks, &rt->host_data, &runtime_slow_ops,
                                vm->vcpus[0]->ops->guest, error))
                return false;
        vm->code_written = code_written;
        vm->memory_changed = memory_changed;
        return true;
}

bool runtime_vm_init(struct vm *vm, const struct host_ops *host, GError **error)
{
        return runtime_vm_init_sized(vm, host, CODE_CACHE_SIZE, CODE_SEGMENT_SIZE, error);
}

/* The counters, to the log. */
static void log_stats(struct vm *vm)
{
        char *text = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&text, &len);

        if (!f)
                return;
        runtime_print_stats(vm, f);
        fclose(f);
        log_printf(vm->log, "%s", text);
        free(text);
}

void runtime_vm_fini(struct vm *vm)
{
        struct runtime *rt = runtime_of(vm);

        if (!rt)
                return;
        if (log_on(vm->log, LOG_STATS))
                log_stats(vm);
        vm->code_written = NULL;
        vm->memory_changed = NULL;
        codecache_fini(rt);
        if (rt->host && rt->host_data)
                rt->host->fini(rt->host_data);
        g_mutex_clear(&rt->lock);
        vm->engine_data = NULL;
        g_free(rt);
}

bool runtime_vcpu_init(struct vcpu *v, exec_enter_fn enter, GError **error)
{
        struct runtime *rt = runtime_of(v->vm);
        struct vcpu_engine *e = g_new0(struct vcpu_engine, 1);

        e->v = v;
        e->rt = rt;
        e->enter = enter;
        v->engine = e;
        atomic_store(&v->revoke_seen, atomic_load(&rt->ring.head));
        atomic_store(&e->quiet, atomic_load(&rt->ring.head));
        contexts_init(v);
        e->sites = g_array_new(FALSE, FALSE, sizeof(struct fault_site));
        e->locs = g_array_new(FALSE, FALSE, sizeof(struct slot_loc));
        e->links = g_array_new(FALSE, TRUE, sizeof(struct code_link));
        e->compiler = compiler_new(rt->host, rt->host_data, v->ops, v->vm->log);
        context_update(v);
        return true;
}

void runtime_vcpu_fini(struct vcpu *v)
{
        struct vcpu_engine *e = v->engine;

        if (!e)
                return;
        for (unsigned i = 0; i < STAT_COUNT; i++)
                e->rt->stats[i] += e->stats[i];
        for (unsigned i = 0; i < IR_EXIT_COUNT; i++)
                e->rt->exits[i] += e->exits[i];
        reservation_fini(v);
        exec_drop_one_shot(v);
        if (e->segment)
                codeseg_close(v);
        compiler_free(e->compiler);
        g_array_unref(e->sites);
        g_array_unref(e->locs);
        g_array_unref(e->links);
        contexts_fini(v);
        v->hot.tlb = v->hot.jump_cache = NULL;
        v->engine = NULL;
        g_free(e);
}

/* ---- what guest code asks ---- */

static void op_tlb_flush(struct vcpu *v, enum tlb_flush kind, gva_t gva, uint64_t space)
{
        atomic_thread_fence(memory_order_acquire); /* walks after it come after what was read before it */
        if (v->engine)
                context_flush(v, kind, gva, space);
}

static void op_context_changed(struct vcpu *v)
{
        if (v->engine)
                context_update(v);
}

static void op_code_fence(struct vcpu *v)
{
        struct runtime *rt;

        if (!v->engine)
                return;
        rt = v->engine->rt;
        codecache_fence(rt);
        /* Jump caches are the dispatcher's to mend: it is asked for at the next poll. */
        if (atomic_load(&rt->ring.head) != atomic_load_explicit(&v->revoke_seen, memory_order_relaxed))
                vcpu_kick(v, VCPU_POLL_REVOKE);
}

/* The bytes of RAM or ROM at @gpa, aligned, and where they are. */
static uint8_t *phys_find(struct vcpu *v, gpa_t gpa, unsigned size, const struct mem_row **row)
{
        const struct mem_row *r = v->engine ? v->engine->ram_row : NULL;

        if (!r || gpa - r->start >= r->size)
                r = address_space_find(v->as, gpa);
        if (!r || r->kind == MEM_ROW_MMIO || (gpa & (size - 1)))
                return NULL;
        if (v->engine)
                v->engine->ram_row = r;
        *row = r;
        return r->ram->host + r->offset + (gpa - r->start);
}

static bool op_phys_read(struct vcpu *v, gpa_t gpa, unsigned size, uint64_t *value)
{
        const struct mem_row *row;
        const uint8_t *p = phys_find(v, gpa, size, &row);

        if (!p)
                return false;
        *value = size == 8 ? __atomic_load_n((const uint64_t *)p, __ATOMIC_ACQUIRE)
                           : __atomic_load_n((const uint32_t *)p, __ATOMIC_ACQUIRE);
        return true;
}

static bool swap(uint8_t *p, unsigned size, uint64_t expect, uint64_t desired)
{
        uint32_t expect32 = expect;

        if (size == 8)
                return __atomic_compare_exchange_n((uint64_t *)p, &expect, desired, false, __ATOMIC_SEQ_CST,
                                                   __ATOMIC_SEQ_CST);
        return __atomic_compare_exchange_n((uint32_t *)p, &expect32, (uint32_t)desired, false,
                                           __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
}

static bool op_phys_cas(struct vcpu *v, gpa_t gpa, unsigned size, uint64_t expect, uint64_t desired,
                        bool *swapped)
{
        const struct mem_row *row;
        uint8_t *p = phys_find(v, gpa, size, &row);
        struct runtime *rt = runtime_of(v->vm);
        struct ram_block *ram;
        uint64_t offset;

        if (!p || row->kind == MEM_ROW_ROM || row->ram->readonly)
                return false;
        ram = row->ram;
        offset = p - ram->host;
        if (!rt || !atomic_load(&ram->code_lines[offset >> GUEST_PAGE_BITS])) {
                *swapped = swap(p, size, expect, desired);
                return true;
        }
        runtime_lock(rt);
        *swapped = swap(p, size, expect, desired);
        if (*swapped) {
                reservation_break_locked(rt, v, ram, offset, size);
                codecache_drop_stored_locked(rt, ram, offset, size);
        }
        runtime_unlock(rt);
        if (*swapped)
                ram_block_tell(ram, offset, size);
        return true;
}

static void op_reserve_drop(struct vcpu *v)
{
        /* a store-conditional that a watchpoint refused runs again; its frontend forgot the reservation */
        if (v->engine && !v->engine->watch.keep_reservation)
                reservation_drop(v);
}

const struct engine_cpu runtime_engine_cpu = {
        .tlb_flush = op_tlb_flush,
        .context_changed = op_context_changed,
        .code_fence = op_code_fence,
        .phys_read = op_phys_read,
        .phys_cas = op_phys_cas,
        .reserve_load = reservation_load,
        .reserve_store = reservation_store,
        .reserve_drop = op_reserve_drop,
};

/* ---- counters ---- */

static const char *const exit_names[IR_EXIT_COUNT] = {
        [IR_EXIT_LOOKUP] = "lookup", [IR_EXIT_EXCEPTION] = "exception", [IR_EXIT_HALT] = "halt",
        [IR_EXIT_POLL] = "poll", [IR_EXIT_BUDGET] = "budget", [IR_EXIT_DEBUG] = "debug",
        [IR_EXIT_EXCLUSIVE] = "exclusive", [IR_EXIT_LINK] = "link", [IR_EXIT_INDIRECT] = "indirect",
        [IR_EXIT_YIELD] = "yield",
};

/* A counter's total; @offset is its place in struct vcpu_engine. */
static uint64_t sum(struct vm *vm, uint64_t gone, size_t offset)
{
        for (unsigned i = 0; i < vm->n_vcpus; i++)
                if (vm->vcpus[i]->engine)
                        gone += __atomic_load_n((uint64_t *)((char *)vm->vcpus[i]->engine + offset),
                                                __ATOMIC_RELAXED);
        return gone;
}

void runtime_print_stats(struct vm *vm, FILE *to)
{
        struct runtime *rt = runtime_of(vm);

        if (!rt)
                return;
#define X(name, doc) \
        fprintf(to, "%12" PRIu64 "  " doc "\n", \
                sum(vm, rt->stats[STAT_##name], offsetof(struct vcpu_engine, stats[STAT_##name])));
        RUNTIME_STATS(X)
#undef X
        for (unsigned i = 0; i < IR_EXIT_COUNT; i++)
                fprintf(to, "%12" PRIu64 "  exits: %s\n",
                        sum(vm, rt->exits[i], offsetof(struct vcpu_engine, exits) + i * sizeof(uint64_t)),
                        exit_names[i]);
        runtime_lock(rt);
        fprintf(to, "%12u  regions now\n%12" PRIu64 "  regions dropped\n%12u  pages with code\n",
                rt->cache.n_regions,
                rt->cache.n_dropped, g_hash_table_size(rt->cache.pages));
        runtime_unlock(rt);
}
