/* SPDX-License-Identifier: MIT */
/*
 * Heavy load-reserved and store-conditional. The load and the making of the reservation are one step under
 * the runtime's lock, and so are the check, the store and the end; every store of others to the watched line
 * breaks the reservation and stores under that lock, because no other vCPU may store there directly once the
 * watch is complete.
 *
 * A line stays watched after its reservation ended, until the vCPU reserves elsewhere: a lock taken again and
 * again costs one revocation.
 */
#include "backend/reservation.h"

#include <string.h>

#include "backend/runtime.h"

enum { LINE_SIZE = 1 << CODE_LINE_BITS };

static struct ir_helper_ret answer(uint64_t value, uint64_t status)
{
        return (struct ir_helper_ret){value, status};
}

static uint64_t load_single(const uint8_t *p, unsigned size)
{
        switch (size) {
        case 1: return __atomic_load_n(p, __ATOMIC_SEQ_CST);
        case 2: return __atomic_load_n((const uint16_t *)p, __ATOMIC_SEQ_CST);
        case 4: return __atomic_load_n((const uint32_t *)p, __ATOMIC_SEQ_CST);
        default: return __atomic_load_n((const uint64_t *)p, __ATOMIC_SEQ_CST);
        }
}

static bool swap_single(uint8_t *p, uint64_t expect, uint64_t value, unsigned size)
{
        switch (size) {
#define CASE(n, type) \
        case n: { \
                type e = expect; \
                host_order_all(); \
                bool done = __atomic_compare_exchange_n((type *)p, &e, (type)value, false, __ATOMIC_SEQ_CST, \
                                                        __ATOMIC_SEQ_CST); \
                host_order_all(); \
                return done; \
        }
        CASE(1, uint8_t)
        CASE(2, uint16_t)
        CASE(4, uint32_t)
        CASE(8, uint64_t)
#undef CASE
        default:
                return false;
        }
}

static void unwatch_locked(struct runtime *rt, struct reservation *r)
{
        if (r->ram)
                codecache_watch_locked(rt, r->ram, r->line, false);
        r->ram = NULL;
        r->held = false;
}

struct ir_helper_ret reservation_load(struct vcpu *v, gva_t gva, uint32_t bits)
{
        struct runtime *rt = v->engine->rt;
        struct reservation *r = &v->engine->reservation;
        struct tlb_page page;
        struct ir_mem mem;
        unsigned size, shift;
        uint64_t offset, line, value;

        memcpy(&mem, &bits, sizeof(mem));
        size = 1u << mem.size_log2;
        stat_inc(v, STAT_heavy_lr);
        if (gva & (size - 1)) {
                v->ops->misaligned(v, gva, ACCESS_READ);
                return answer(0, 1 + IR_EXIT_EXCEPTION);
        }
        if (!tlb_fill(v, gva, size, ACCESS_READ, &page))
                return answer(0, 1 + IR_EXIT_EXCEPTION);
        if (!page.host) {
                v->ops->bus_error(v, gva, ACCESS_READ);
                return answer(0, 1 + IR_EXIT_EXCEPTION);
        }
        if (watch_refuses(v, gva, size, VM_WATCH_READ))
                return answer(0, 1 + IR_EXIT_DEBUG);
        offset = page.host - page.ram->host + (gva & (GUEST_PAGE_SIZE - 1));
        line = offset & ~(uint64_t)(LINE_SIZE - 1);

        runtime_lock(rt);
        r->held = false;
        if (r->ram != page.ram || r->line != line) {
                unwatch_locked(rt, r);
                r->ready = codecache_watch_locked(rt, page.ram, line, true);
                r->ram = page.ram;
                r->line = line;
        }
        if (!revoke_complete(rt, r->ready)) {
                runtime_unlock(rt);
                v->engine->wait_seq = r->ready;
                return answer(0, 1 + IR_EXIT_YIELD);
        }
        host_order_all();
        value = load_single(page.host + (gva & (GUEST_PAGE_SIZE - 1)), size);
        r->held = true;
        r->gva = gva;
        r->size = size;
        r->offset = offset;
        r->value = value;
        runtime_unlock(rt);
        shift = 64 - 8 * size;
        return answer(mem.sign ? (uint64_t)((int64_t)(value << shift) >> shift) : value, 0);
}

struct ir_helper_ret reservation_store(struct vcpu *v, gva_t gva, uint64_t value, uint32_t bits)
{
        struct runtime *rt = v->engine->rt;
        struct reservation *r = &v->engine->reservation;
        struct tlb_page page;
        struct ir_mem mem;
        uint64_t offset;
        unsigned size;
        bool stored;

        memcpy(&mem, &bits, sizeof(mem));
        size = 1u << mem.size_log2;
        if (gva & (size - 1)) {
                v->ops->misaligned(v, gva, ACCESS_WRITE);
                return answer(1, 1 + IR_EXIT_EXCEPTION);
        }
        runtime_lock(rt);
        stored = r->held && r->gva == gva && r->size == size;
        runtime_unlock(rt);
        if (!stored) {
                reservation_drop(v);
                return answer(1, 0);
        }
        if (!tlb_fill(v, gva, size, ACCESS_WRITE, &page))
                return answer(1, 1 + IR_EXIT_EXCEPTION);
        if (!page.host) {
                v->ops->bus_error(v, gva, ACCESS_WRITE);
                return answer(1, 1 + IR_EXIT_EXCEPTION);
        }
        if (watch_refuses(v, gva, size, VM_WATCH_WRITE)) {
                v->engine->watch.keep_reservation = true;
                return answer(1, 1 + IR_EXIT_DEBUG);
        }
        offset = page.host - page.ram->host + (gva & (GUEST_PAGE_SIZE - 1));

        runtime_lock(rt);
        /* The comparison is for devices, whose stores come before what they say about them. */
        stored = r->held && r->ram == page.ram && r->offset == offset && (page.flags & TLB2_RAM) &&
                 swap_single(page.host + (gva & (GUEST_PAGE_SIZE - 1)), r->value, value, size);
        r->held = false;
        if (stored) {
                reservation_break_locked(rt, v, page.ram, offset, size);
                codecache_drop_stored_locked(rt, page.ram, offset, size);
        }
        runtime_unlock(rt);
        if (stored)
                ram_block_tell(page.ram, offset, size);
        return answer(!stored, 0);
}

void reservation_drop(struct vcpu *v)
{
        struct reservation *r = &v->engine->reservation;

        if (!r->ram) /* only this thread changes it */
                return;
        runtime_lock(v->engine->rt);
        r->held = false;
        runtime_unlock(v->engine->rt);
}

void reservation_fini(struct vcpu *v)
{
        runtime_lock(v->engine->rt);
        unwatch_locked(v->engine->rt, &v->engine->reservation);
        runtime_unlock(v->engine->rt);
}

void reservation_break_locked(struct runtime *rt, const struct vcpu *except, struct ram_block *ram,
                              uint64_t offset,
                              uint64_t len)
{
        for (unsigned i = 0; i < rt->vm->n_vcpus; i++) {
                struct vcpu *v = rt->vm->vcpus[i];
                struct reservation *r;

                if (v == except || !v->engine)
                        continue;
                r = &v->engine->reservation;
                if (r->held && r->ram == ram && r->line < offset + len && offset < r->line + LINE_SIZE)
                        r->held = false;
        }
}
