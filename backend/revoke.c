/* SPDX-License-Identifier: MIT */
/*
 * The revocation ring: posting, serving and waiting. The order that makes it sound, all sequentially
 * consistent: an issuer moves head and then reads where the others are; a vCPU that enters says so and then
 * reads head. One of the two sees the other.
 */
#include "backend/revoke.h"

#include <sched.h>

#include "backend/runtime.h"

uint64_t revoke_post_locked(struct runtime *rt, const struct revoke_event *ev)
{
        uint64_t seq = atomic_load_explicit(&rt->ring.head, memory_order_relaxed) + 1;

        rt->ring.events[seq % REVOKE_RING] = *ev;
        atomic_store(&rt->ring.head, seq);
        return seq;
}

uint64_t revoke_post(struct runtime *rt, const struct revoke_event *ev)
{
        uint64_t seq;

        runtime_lock(rt);
        seq = revoke_post_locked(rt, ev);
        runtime_unlock(rt);
        revoke_kick_self(rt);
        return seq;
}

void revoke_kick_self(struct runtime *rt)
{
        struct vcpu *v = vcpu_current();

        if (v && v->vm == rt->vm)
                vcpu_kick(v, VCPU_POLL_REVOKE);
}

int revoke_copy(struct runtime *rt, uint64_t from, uint64_t to, struct revoke_event *events, int max)
{
        uint64_t head;
        int n = 0;

        runtime_lock(rt);
        head = atomic_load_explicit(&rt->ring.head, memory_order_relaxed);
        if (head - from > REVOKE_RING)
                n = -1;
        else
                for (; n < max && from + n < to; n++)
                        events[n] = rt->ring.events[(from + n + 1) % REVOKE_RING];
        runtime_unlock(rt);
        return n;
}

void revoke_serve_slow(struct vcpu *v)
{
        struct runtime *rt = v->engine->rt;
        struct revoke_event events[16];
        uint64_t seen = atomic_load_explicit(&v->revoke_seen, memory_order_relaxed);
        uint64_t head = atomic_load(&rt->ring.head);

        while (seen < head) {
                int n = revoke_copy(rt, seen, head, events, G_N_ELEMENTS(events));

                if (n < 0) {
                        context_flush_everything(v);
                        stat_inc(v, STAT_overflows);
                        seen = head;
                        break;
                }
                for (int i = 0; i < n; i++)
                        context_revoke(v, &events[i]);
                stat_add(&v->engine->stats[STAT_revocations], n);
                seen += n;
        }
        atomic_store(&v->revoke_seen, seen);
}

static bool served(const struct vcpu *v, uint64_t seq)
{
        return atomic_load(&((struct vcpu *)v)->where) != VCPU_INSIDE ||
               atomic_load(&((struct vcpu *)v)->revoke_seen) >= seq;
}

bool revoke_complete(struct runtime *rt, uint64_t seq)
{
        for (unsigned i = 0; i < rt->vm->n_vcpus; i++)
                if (!served(rt->vm->vcpus[i], seq))
                        return false;
        return true;
}

uint64_t revoke_completed(struct runtime *rt)
{
        uint64_t done = atomic_load(&rt->ring.head);

        for (unsigned i = 0; i < rt->vm->n_vcpus; i++) {
                struct vcpu *v = rt->vm->vcpus[i];
                uint64_t seen;

                if (atomic_load(&v->where) != VCPU_INSIDE)
                        continue;
                seen = atomic_load(&v->revoke_seen);
                done = MIN(done, seen);
        }
        return done;
}

void revoke_hurry(struct runtime *rt, uint64_t seq)
{
        for (unsigned i = 0; i < rt->vm->n_vcpus; i++)
                if (!served(rt->vm->vcpus[i], seq))
                        vcpu_kick(rt->vm->vcpus[i], VCPU_POLL_REVOKE);
}

void revoke_wait(struct runtime *rt, struct vcpu *v, uint64_t seq)
{
        unsigned spins = 0;

        if (v)
                revoke_serve(v);
        if (revoke_complete(rt, seq))
                return;
        if (v)
                stat_inc(v, STAT_revoke_waits);
        revoke_hurry(rt, seq);
        while (!revoke_complete(rt, seq)) {
                if (v)
                        revoke_serve(v);
                if (++spins < 2000)
                        sched_yield();
                else
                        g_usleep(20);
        }
}
