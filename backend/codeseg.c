/* SPDX-License-Identifier: MIT */
/*
 * Code memory in segments. Each vCPU fills an open segment of its own without a lock; full ones are kept in
 * the order of their opening, and the oldest is reclaimed when memory runs out: its regions are dropped, and
 * once every vCPU has been quiet since, it is free again. Retiring runs ahead of need, so that a vCPU seldom
 * waits for the others.
 */
#include <sched.h>
#include <string.h>

#include "backend/runtime.h"

bool codeseg_init(struct runtime *rt, size_t size, size_t segment_size, GError **error)
{
        struct codecache *c = &rt->cache;
        unsigned n_vcpus = MAX(rt->vm->n_vcpus, 1);
        size_t scratch = (size_t)n_vcpus * CODE_SCRATCH_SIZE, at = CODE_THUNKS_SIZE;

        /* one open, one being reclaimed for each */
        unsigned n_segments = MAX(size / segment_size, 2 * n_vcpus + 1);

        if (!jitmem_map(&c->mem, CODE_THUNKS_SIZE + scratch + n_segments * segment_size, error))
                return false;
        c->thunks = (struct code_buf){c->mem.rw, c->mem.exec, CODE_THUNKS_SIZE, 0};
        c->segments = g_new0(struct code_segment, n_segments + n_vcpus);
        c->n_segments = n_segments;
        c->segment_size = segment_size;
        for (unsigned i = 0; i < n_segments + n_vcpus; i++) {
                size_t n = i < n_segments ? segment_size : CODE_SCRATCH_SIZE;

                c->segments[i].buf = (struct code_buf){c->mem.rw + at, c->mem.exec + at, n, 0};
                c->segments[i].state = i < n_segments ? SEGMENT_FREE : SEGMENT_OPEN;
                c->segments[i].regions = g_ptr_array_new_with_free_func((GDestroyNotify)code_region_free);
                at += n;
        }
        return true;
}

void codeseg_fini(struct runtime *rt)
{
        struct codecache *c = &rt->cache;

        for (unsigned i = 0; i < c->n_segments + MAX(rt->vm->n_vcpus, 1); i++)
                g_ptr_array_unref(c->segments[i].regions);
        g_free(c->segments);
        c->segments = NULL;
        jitmem_unmap(&c->mem);
}

/* Every vCPU inside has let go of what was dropped up to the number returned. */
static uint64_t quiet_up_to(struct runtime *rt)
{
        uint64_t quiet = UINT64_MAX;

        for (unsigned i = 0; i < rt->vm->n_vcpus; i++) {
                struct vcpu *v = rt->vm->vcpus[i];

                if (v->engine && atomic_load(&v->where) == VCPU_INSIDE)
                        quiet = MIN(quiet, atomic_load(&v->engine->quiet));
        }
        return quiet;
}

/* Drops all that the oldest full segment holds; it is free when all have been quiet. */
static bool retire_oldest_locked(struct runtime *rt)
{
        struct codecache *c = &rt->cache;
        struct code_segment *s = NULL;
        struct revoke_event ev = {.reasons = REVOKE_JUMPS};

        for (unsigned i = 0; i < c->n_segments; i++)
                if (c->segments[i].state == SEGMENT_FULL && (!s || c->segments[i].opened < s->opened))
                        s = &c->segments[i];
        if (!s)
                return false;
        for (unsigned i = 0; i < s->regions->len; i++) {
                struct code_region *r = s->regions->pdata[i];

                if (atomic_load(&r->state) != REGION_DEAD)
                        codecache_drop_region_locked(rt, r, false);
        }
        s->state = SEGMENT_RETIRED;
        s->retired = revoke_post_locked(rt, &ev);
        return true;
}

/* Frees the retired segments that nobody can be in; how many are free now. */
static unsigned free_retired_locked(struct runtime *rt)
{
        struct codecache *c = &rt->cache;
        uint64_t quiet = quiet_up_to(rt);
        unsigned n = 0;
        bool reused = false;

        for (unsigned i = 0; i < c->n_segments; i++) {
                struct code_segment *s = &c->segments[i];

                if (s->state == SEGMENT_RETIRED && s->retired <= quiet) {
                        g_ptr_array_set_size(s->regions, 0);
                        s->buf.used = 0;
                        s->state = SEGMENT_FREE;
                        reused = true;
                }
                n += s->state == SEGMENT_FREE;
        }
        /* A kernel that cannot leaves it to the interrupts of its ordinary ticks. */
        if (reused)
                jitmem_sync_threads();
        return n;
}

static struct code_segment *take_free_locked(struct runtime *rt)
{
        struct codecache *c = &rt->cache;

        for (unsigned i = 0; i < c->n_segments; i++) {
                struct code_segment *s = &c->segments[i];

                if (s->state == SEGMENT_FREE) {
                        s->state = SEGMENT_OPEN;
                        s->opened = ++c->opened;
                        return s;
                }
        }
        return NULL;
}

static unsigned count_locked(const struct runtime *rt, enum segment_state state)
{
        unsigned n = 0;

        for (unsigned i = 0; i < rt->cache.n_segments; i++)
                n += rt->cache.segments[i].state == state;
        return n;
}

struct code_segment *codeseg_open(struct vcpu *v)
{
        struct runtime *rt = v->engine->rt;
        struct code_segment *s;
        uint64_t wanted;

        codeseg_close(v);
        for (;;) {
                runtime_lock(rt);
                free_retired_locked(rt);
                s = take_free_locked(rt);
                if (count_locked(rt, SEGMENT_FREE) + count_locked(rt, SEGMENT_RETIRED) < rt->vm->n_vcpus &&
                    retire_oldest_locked(rt))
                        stat_inc(v, STAT_segments_reclaimed);
                wanted = atomic_load_explicit(&rt->ring.head, memory_order_relaxed);
                runtime_unlock(rt);
                revoke_serve(v);
                if (s)
                        break;
                /* Outside of generated code, so this vCPU holds nothing of what was dropped. */
                atomic_store(&v->engine->quiet, atomic_load(&v->revoke_seen));
                revoke_hurry(rt, wanted);
                sched_yield();
        }
        v->engine->segment = s;
        v->engine->segments_opened++;
        return s;
}

struct code_segment *codeseg_scratch(struct vcpu *v)
{
        struct code_segment *s = &v->engine->rt->cache.segments[v->engine->rt->cache.n_segments + v->index];

        s->buf.used = 0;
        return s;
}

void codeseg_close(struct vcpu *v)
{
        struct runtime *rt = v->engine->rt;

        if (!v->engine->segment)
                return;
        runtime_lock(rt);
        v->engine->segment->state = SEGMENT_FULL;
        runtime_unlock(rt);
        v->engine->segment = NULL;
}

struct code_region *codecache_find(struct vcpu *v, const void *exec_addr)
{
        struct runtime *rt = v->engine->rt;
        struct codecache *c = &rt->cache;
        const uint8_t *at = exec_addr;
        struct code_region *found = v->engine->one_shot;
        struct code_segment *s;
        unsigned lo = 0, hi;
        size_t n;

        if (found && at >= found->code && at <= found->code + found->code_size)
                return found;
        if (at < c->mem.exec + CODE_THUNKS_SIZE)
                return NULL;
        n = (size_t)(at - c->mem.exec - CODE_THUNKS_SIZE) / c->segment_size;
        if (n >= c->n_segments)
                return NULL;
        s = &c->segments[n];
        found = NULL;
        runtime_lock(rt);
        for (hi = s->regions->len; lo < hi;) {
                unsigned mid = (lo + hi) / 2;
                struct code_region *r = s->regions->pdata[mid];

                if (at < r->code)
                        hi = mid;
                else
                        lo = mid + 1;
        }
        if (lo) {
                found = s->regions->pdata[lo - 1];
                if (at > found->code + found->code_size)
                        found = NULL;
        }
        runtime_unlock(rt);
        return found;
}
