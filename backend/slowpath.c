/* SPDX-License-Identifier: MIT */
/*
 * What generated code and the interpreter call when an access is not a plain hit: TLB misses, page crossings,
 * alignment, devices, ROM, lines that hold code or are watched, and atomics on those. An access either
 * happens whole or faults with nothing changed: all pages are found before anything is stored.
 *
 * Runs on the vCPU's thread, inside. A status is 0, 1 + IR_EXIT_EXCEPTION with v->exception recorded, or
 * 1 + IR_EXIT_DEBUG: the access hit a watchpoint and has not happened (backend/watch.h).
 */
#include <string.h>

#include "backend/runtime.h"
#include "base/bits.h"
#include "frontend/fp/ir_fp.h"

/* Does an atomic instruction of the host that lies in one page, but not aligned, work and stay single? */
#if defined(__x86_64__)
enum { HOST_MISALIGNED_ATOMICS = 1 };
#else
enum { HOST_MISALIGNED_ATOMICS = 0 };
#endif

static const struct ir_helper_ret faulted = {0, 1 + IR_EXIT_EXCEPTION}, alone = {0, 1 + IR_EXIT_ONCE};
static const struct ir_helper_ret watched = {0, 1 + IR_EXIT_DEBUG};

static struct ir_mem mem_of(uint32_t bits)
{
        struct ir_mem mem;

        memcpy(&mem, &bits, sizeof(mem));
        return mem;
}

static unsigned mem_size(struct ir_mem mem)
{
        return 1u << mem.size_log2;
}

static uint64_t swap_bytes(uint64_t value, unsigned size)
{
        return __builtin_bswap64(value) >> (64 - 8 * size);
}

/* A loaded word as the op's result. */
static uint64_t extend(uint64_t value, struct ir_mem mem)
{
        unsigned shift = 64 - 8 * mem_size(mem);

        if (!shift)
                return value;
        return mem.sign ? (uint64_t)((int64_t)(value << shift) >> shift) : value << shift >> shift;
}

/*
 * ---- host memory: aligned accesses are single ----
 * Loads acquire and stores release, which is more than plain accesses of weakly ordered guests ask for; misaligned ones
 * by fences. The x86 does so by itself.
 */

static uint64_t host_load(const uint8_t *p, unsigned size)
{
        uint64_t v = 0;

        if ((uintptr_t)p & (size - 1)) {
                memcpy(&v, p, size);
                atomic_thread_fence(memory_order_acquire);
                return v;
        }
        switch (size) {
        case 1: return __atomic_load_n(p, __ATOMIC_ACQUIRE);
        case 2: return __atomic_load_n((const uint16_t *)p, __ATOMIC_ACQUIRE);
        case 4: return __atomic_load_n((const uint32_t *)p, __ATOMIC_ACQUIRE);
        default: return __atomic_load_n((const uint64_t *)p, __ATOMIC_ACQUIRE);
        }
}

static void host_store(uint8_t *p, uint64_t v, unsigned size)
{
        if ((uintptr_t)p & (size - 1)) {
                atomic_thread_fence(memory_order_release);
                memcpy(p, &v, size);
                host_order_all();
                return;
        }
        switch (size) {
        case 1: __atomic_store_n(p, v, __ATOMIC_RELEASE); break;
        case 2: __atomic_store_n((uint16_t *)p, v, __ATOMIC_RELEASE); break;
        case 4: __atomic_store_n((uint32_t *)p, v, __ATOMIC_RELEASE); break;
        default: __atomic_store_n((uint64_t *)p, v, __ATOMIC_RELEASE); break;
        }
}

/* The value found; it was @expect if the swap was made. */
static uint64_t host_cas(uint8_t *p, uint64_t expect, uint64_t desired, unsigned size)
{
        switch (size) {
#define CASE(n, type) \
        case n: { \
                type e = expect; \
                __atomic_compare_exchange_n((type *)p, &e, (type)desired, false, __ATOMIC_SEQ_CST, \
                                            __ATOMIC_SEQ_CST); \
                host_order_all(); \
                return e; \
        }
        CASE(1, uint8_t)
        CASE(2, uint16_t)
        CASE(4, uint32_t)
        CASE(8, uint64_t)
#undef CASE
        }
        return ~expect;
}

static uint64_t rmw_value(enum ir_rmw op, uint64_t old, uint64_t v, unsigned size)
{
        unsigned shift = 64 - 8 * size;
        uint64_t uo = old << shift, uv = v << shift;
        int64_t so = uo, sv = uv;

        switch (op) {
        case IR_RMW_SWAP: return v;
        case IR_RMW_ADD: return old + v;
        case IR_RMW_AND: return old & v;
        case IR_RMW_OR: return old | v;
        case IR_RMW_XOR: return old ^ v;
        case IR_RMW_MINS: return so < sv ? old : v;
        case IR_RMW_MAXS: return so > sv ? old : v;
        case IR_RMW_MINU: return uo < uv ? old : v;
        case IR_RMW_MAXU: return uo > uv ? old : v;
        default: return old;
        }
}

/* ---- finding the bytes ---- */

/* Where an access goes: one piece, or two when it crosses a page. */
struct place {
        struct tlb_page page[2];
        unsigned len[2], n;
        unsigned offset; /* of the first piece in its page */
};

static bool alignment_fault(struct vcpu *v, gva_t a, struct ir_mem mem, enum access access)
{
        if (!(a & (mem_size(mem) - 1)) || (v->ops->misaligned_ok && !mem.align && !mem.atomic))
                return false;
        v->ops->misaligned(v, a, access);
        return true;
}

/* All pages of the access are found and grant it, or the exception is recorded. */
static bool find_place(struct vcpu *v, gva_t a, unsigned size, enum access access, struct place *p)
{
        p->offset = a & (GUEST_PAGE_SIZE - 1);
        p->n = 1;
        p->len[0] = MIN(size, GUEST_PAGE_SIZE - p->offset);
        p->len[1] = size - p->len[0];
        if (!tlb_fill(v, a, p->len[0], access, &p->page[0]))
                return false;
        if (!p->len[1])
                return true;
        p->n = 2;
        return tlb_fill(v, a + p->len[0], p->len[1], access, &p->page[1]);
}

static struct mem_attr attr_of(const struct vcpu *v)
{
        return (struct mem_attr){.requester = v->index};
}

static struct ir_helper_ret bus_error(struct vcpu *v, gva_t a, enum access access)
{
        v->ops->bus_error(v, a, access);
        return faulted;
}

/* ---- loads ---- */

/* A load that crosses into another page: a misaligned one, so it need not be single. Devices refuse it. */
static struct ir_helper_ret load_crossing(struct vcpu *v, gva_t a, const struct place *p, struct ir_mem mem)
{
        uint8_t bytes[16] = {0};
        uint64_t value;

        for (unsigned i = 0, at = 0; i < 2; at += p->len[i], i++) {
                if (!p->page[i].host)
                        return bus_error(v, a + at, ACCESS_READ);
                memcpy(bytes + at, p->page[i].host + (i ? 0 : p->offset), p->len[i]);
        }
        atomic_thread_fence(memory_order_acquire);
        memcpy(&value, bytes, sizeof(value));
        if (mem.big_endian)
                value = swap_bytes(value, mem_size(mem));
        return (struct ir_helper_ret){extend(value, mem), 0};
}

static struct ir_helper_ret slow_load(struct vcpu *v, gva_t a, uint32_t bits)
{
        struct ir_mem mem = mem_of(bits);
        unsigned size = mem_size(mem);
        enum access access = mem.for_write ? ACCESS_WRITE : ACCESS_READ;
        struct place p;
        uint64_t value;

        stat_inc(v, STAT_slow_loads);
        if (mem.release)
                atomic_thread_fence(memory_order_seq_cst);
        if (alignment_fault(v, a, mem, access) || !find_place(v, a, size, access, &p))
                return faulted;
        if (watch_refuses(v, a, size, VM_WATCH_READ))
                return watched;
        if (p.n == 2)
                return load_crossing(v, a, &p, mem);
        if (p.page[0].host) {
                value = host_load(p.page[0].host + p.offset, size);
        } else {
                stat_inc(v, STAT_mmio);
                if (address_space_read(v->as, p.page[0].gpa + p.offset, size, attr_of(v), &value) != MEM_OK)
                        return bus_error(v, a, ACCESS_READ);
        }
        if (mem.big_endian)
                value = swap_bytes(value, size);
        return (struct ir_helper_ret){extend(value, mem), 0};
}

/* ---- stores ---- */

/* Do any of these bytes lie in a line that holds code or is watched? */
static bool is_marked(const struct tlb_page *page, unsigned offset, unsigned len)
{
        return atomic_load_explicit(ram_lines(page->ram, page->host), memory_order_acquire) &
               code_lines_mask(offset, len);
}

static uint64_t ram_offset(const struct tlb_page *page, unsigned offset)
{
        return (uint64_t)(page->host - page->ram->host) + offset;
}

/*
 * Would these bytes change code that was translated, perhaps the very region that stores them? For guests where that
 * counts at once, whoever stores leaves first, and comes back in a region of one instruction.
 */
static bool must_go_alone(const struct vcpu *v, const struct tlb_page *page, unsigned offset, unsigned len)
{
        return v->ops->precise_smc && !v->engine->once && is_marked(page, offset, len) &&
               codecache_holds(v->engine->rt, page->ram, ram_offset(page, offset), len);
}

/* The same for all of an access; memory it is. */
static bool place_alone(const struct vcpu *v, const struct place *p)
{
        for (unsigned i = 0; i < p->n; i++)
                if (p->page[i].host && must_go_alone(v, &p->page[i], i ? 0 : p->offset, p->len[i]))
                        return true;
        return false;
}

static void store_piece(struct vcpu *v, const struct tlb_page *page, unsigned offset, const uint8_t *bytes,
                        unsigned len)
{
        struct runtime *rt = v->engine->rt;
        uint8_t *to = page->host + offset;
        uint64_t value = 0;

        if (page->flags & TLB2_ROM)
                return;
        memcpy(&value, bytes, len);
        if (!is_marked(page, offset, len)) {
                if (bits_is_pow2(len))
                        host_store(to, value, len);
                else
                        memcpy(to, bytes, len);
                return;
        }
        /* Under the lock, so that the end of a reservation and of code, and the store are one to others. */
        stat_inc(v, STAT_code_stores);
        runtime_lock(rt);
        reservation_break_locked(rt, v, page->ram, ram_offset(page, offset), len);
        if (bits_is_pow2(len))
                host_store(to, value, len);
        else
                memcpy(to, bytes, len);
        codecache_drop_stored_locked(rt, page->ram, ram_offset(page, offset), len);
        runtime_unlock(rt);
        ram_block_tell(page->ram, ram_offset(page, offset), len);
}

static struct ir_helper_ret slow_store(struct vcpu *v, gva_t a, uint64_t value, uint32_t bits)
{
        struct ir_mem mem = mem_of(bits);
        unsigned size = mem_size(mem);
        struct place p;
        uint8_t bytes[8];

        stat_inc(v, STAT_slow_stores);
        if (alignment_fault(v, a, mem, ACCESS_WRITE) || !find_place(v, a, size, ACCESS_WRITE, &p))
                return faulted;
        if (watch_refuses(v, a, size, VM_WATCH_WRITE))
                return watched;
        if (mem.big_endian)
                value = swap_bytes(value, size);
        memcpy(bytes, &value, sizeof(bytes));
        for (unsigned i = 0; i < p.n; i++) {
                if (p.page[i].host)
                        continue;
                if (p.n == 2)
                        return bus_error(v, i ? a + p.len[0] : a, ACCESS_WRITE);
                stat_inc(v, STAT_mmio);
                if (address_space_write(v->as, p.page[0].gpa + p.offset, size, attr_of(v), value) != MEM_OK)
                        return bus_error(v, a, ACCESS_WRITE);
                return (struct ir_helper_ret){0, 0};
        }
        if (place_alone(v, &p))
                return alone;
        if (p.n == 1) {
                store_piece(v, &p.page[0], p.offset, bytes, p.len[0]);
        } else {
                atomic_thread_fence(memory_order_release);
                store_piece(v, &p.page[0], p.offset, bytes, p.len[0]);
                store_piece(v, &p.page[1], 0, bytes + p.len[0], p.len[1]);
                host_order_all();
        }
        if (mem.release && mem.sc)
                atomic_thread_fence(memory_order_seq_cst);
        return (struct ir_helper_ret){0, 0};
}

/* ---- 16 bytes, of vectors: not single, but each half is if it is aligned ---- */

static uint64_t slow_load128(struct vcpu *v, gva_t a, uint32_t bits, struct ir_v128 *value)
{
        struct ir_mem mem = mem_of(bits);
        enum access access = mem.for_write ? ACCESS_WRITE : ACCESS_READ;
        struct ir_v128 r = {{0, 0}};
        struct place p;

        stat_inc(v, STAT_slow_loads);
        if (alignment_fault(v, a, mem, access) || !find_place(v, a, 16, access, &p))
                return faulted.status;
        if (watch_refuses(v, a, 16, VM_WATCH_READ))
                return watched.status;
        for (unsigned i = 0, at = 0; i < p.n; at += p.len[i], i++) {
                if (p.page[i].host) {
                        const uint8_t *from = p.page[i].host + (i ? 0 : p.offset);

                        if (p.n == 1 && !((uintptr_t)from & 7)) {
                                r.w[0] = host_load(from, 8);
                                r.w[1] = host_load(from + 8, 8);
                        } else {
                                memcpy((uint8_t *)&r + at, from, p.len[i]);
                        }
                        continue;
                }
                if (p.n == 2)
                        return bus_error(v, a + at, ACCESS_READ).status;
                stat_inc(v, STAT_mmio);
                for (unsigned k = 0; k < 2; k++)
                        if (address_space_read(v->as, p.page[0].gpa + p.offset + 8 * k, 8, attr_of(v), &r.w[k]) !=
                            MEM_OK)
                                return bus_error(v, a + 8 * k, ACCESS_READ).status;
        }
        if (mem.big_endian)
                r = (struct ir_v128){{swap_bytes(r.w[1], 8), swap_bytes(r.w[0], 8)}};
        *value = r;
        return 0;
}

/* In units that store_piece takes. */
static void store_run(struct vcpu *v, const struct tlb_page *page, unsigned offset, const uint8_t *bytes, unsigned len)
{
        unsigned first = len > 8 ? 8 : len;

        store_piece(v, page, offset, bytes, first);
        if (len > first)
                store_piece(v, page, offset + first, bytes + first, len - first);
}

static uint64_t slow_store128(struct vcpu *v, gva_t a, uint32_t bits, const struct ir_v128 *value)
{
        struct ir_mem mem = mem_of(bits);
        struct ir_v128 w = *value;
        struct place p;

        stat_inc(v, STAT_slow_stores);
        if (alignment_fault(v, a, mem, ACCESS_WRITE) || !find_place(v, a, 16, ACCESS_WRITE, &p))
                return faulted.status;
        if (watch_refuses(v, a, 16, VM_WATCH_WRITE))
                return watched.status;
        if (mem.big_endian)
                w = (struct ir_v128){{swap_bytes(w.w[1], 8), swap_bytes(w.w[0], 8)}};
        for (unsigned i = 0; i < p.n; i++) {
                if (p.page[i].host)
                        continue;
                if (p.n == 2)
                        return bus_error(v, i ? a + p.len[0] : a, ACCESS_WRITE).status;
                stat_inc(v, STAT_mmio);
                for (unsigned k = 0; k < 2; k++)
                        if (address_space_write(v->as, p.page[0].gpa + p.offset + 8 * k, 8, attr_of(v), w.w[k]) !=
                            MEM_OK)
                                return bus_error(v, a + 8 * k, ACCESS_WRITE).status;
                return 0;
        }
        if (place_alone(v, &p))
                return alone.status;
        store_run(v, &p.page[0], p.offset, (const uint8_t *)&w, p.len[0]);
        if (p.n == 2)
                store_run(v, &p.page[1], 0, (const uint8_t *)&w + p.len[0], p.len[1]);
        return 0;
}

/* ---- atomics ---- */

/*
 * Where an atomic access to RAM or ROM goes: devices do not take atomics. It is aligned and so in one page, unless the
 * guest lets atomics be misaligned: those that the host's own cannot do are done in pieces while all other vCPUs stand
 * still. 0, or the status to leave with.
 */
static uint64_t atomic_place(struct vcpu *v, gva_t a, struct ir_mem mem, struct place *p)
{
        bool misaligned = a & (mem_size(mem) - 1);

        stat_inc(v, STAT_slow_atomics);
        if (misaligned && (mem.align || !v->ops->misaligned_atomic_ok)) {
                v->ops->misaligned(v, a, ACCESS_WRITE);
                return faulted.status;
        }
        if (!find_place(v, a, mem_size(mem), ACCESS_WRITE, p))
                return faulted.status;
        for (unsigned i = 0; i < p->n; i++) {
                if (!p->page[i].host)
                        return bus_error(v, i ? a + p->len[0] : a, ACCESS_WRITE).status;
        }
        if (place_alone(v, p))
                return alone.status;
        return misaligned && !v->alone && (p->n == 2 || !HOST_MISALIGNED_ATOMICS) ? 1 + IR_EXIT_EXCLUSIVE : 0;
}

static bool in_pieces(const struct vcpu *v, gva_t a, struct ir_mem mem, const struct place *p)
{
        return p->n == 2 || (!HOST_MISALIGNED_ATOMICS && (a & (mem_size(mem) - 1)));
}

/* All others stand still: the value there, and what it becomes. */
static uint64_t pieces_load(const struct place *p)
{
        uint8_t bytes[8] = {0};
        uint64_t value;

        for (unsigned i = 0, at = 0; i < p->n; at += p->len[i], i++)
                memcpy(bytes + at, p->page[i].host + (i ? 0 : p->offset), p->len[i]);
        memcpy(&value, bytes, sizeof(value));
        return value;
}

static void pieces_store(struct vcpu *v, const struct place *p, uint64_t value)
{
        uint8_t bytes[8];

        memcpy(bytes, &value, sizeof(bytes));
        for (unsigned i = 0, at = 0; i < p->n; at += p->len[i], i++)
                store_piece(v, &p->page[i], i ? 0 : p->offset, bytes + at, p->len[i]);
}

static uint64_t host_rmw(uint8_t *to, struct ir_mem mem, uint64_t value)
{
        unsigned size = mem_size(mem);
        uint64_t raw = host_load(to, size), found;

        for (;; raw = found) {
                uint64_t old = mem.big_endian ? swap_bytes(raw, size) : raw;
                uint64_t new = rmw_value(mem.rmw, old, value, size);

                found = host_cas(to, raw, mem.big_endian ? swap_bytes(new, size) : new, size);
                if (found == raw)
                        return old;
        }
}

/* Ends reservations on the line around an atomic that may change it, and tells the code cache. */
static bool atomic_marked_begin(struct vcpu *v, const struct place *p, unsigned size)
{
        if (!is_marked(&p->page[0], p->offset, size))
                return false;
        stat_inc(v, STAT_code_stores);
        runtime_lock(v->engine->rt);
        reservation_break_locked(v->engine->rt, v, p->page[0].ram, ram_offset(&p->page[0], p->offset), size);
        return true;
}

static void atomic_marked_end(struct vcpu *v, const struct place *p, unsigned size)
{
        struct ram_block *ram = p->page[0].ram;
        uint64_t offset = ram_offset(&p->page[0], p->offset);

        codecache_drop_stored_locked(v->engine->rt, ram, offset, size);
        runtime_unlock(v->engine->rt);
        ram_block_tell(ram, offset, size);
}

static struct ir_helper_ret slow_rmw(struct vcpu *v, gva_t a, uint64_t value, uint32_t bits)
{
        struct ir_mem mem = mem_of(bits);
        unsigned size = mem_size(mem);
        struct place p;
        uint64_t old, status = atomic_place(v, a, mem, &p);
        bool marked;

        if (status)
                return (struct ir_helper_ret){0, status};
        if (watch_refuses(v, a, size, VM_WATCH_READ | VM_WATCH_WRITE))
                return watched;
        if (in_pieces(v, a, mem, &p)) {
                old = pieces_load(&p);
                pieces_store(v, &p, rmw_value(mem.rmw, old, value, size));
                return (struct ir_helper_ret){extend(old, mem), 0};
        }
        if (p.page[0].flags & TLB2_ROM) {
                old = host_load(p.page[0].host + p.offset, size);
                return (struct ir_helper_ret){extend(mem.big_endian ? swap_bytes(old, size) : old, mem), 0};
        }
        marked = atomic_marked_begin(v, &p, size);
        old = host_rmw(p.page[0].host + p.offset, mem, value);
        if (marked)
                atomic_marked_end(v, &p, size);
        return (struct ir_helper_ret){extend(old, mem), 0};
}

static struct ir_helper_ret slow_cas(struct vcpu *v, gva_t a, uint64_t expect, uint64_t desired,
                                     uint32_t bits)
{
        struct ir_mem mem = mem_of(bits);
        unsigned size = mem_size(mem);
        uint64_t mask = ~0ull >> (64 - 8 * MIN(size, 8)), old;
        struct place p;
        uint64_t status = atomic_place(v, a, mem, &p);
        bool marked;

        if (status)
                return (struct ir_helper_ret){0, status};
        expect &= mask;
        if (in_pieces(v, a, mem, &p)) {
                if (watch_refuses(v, a, size, VM_WATCH_READ | VM_WATCH_WRITE))
                        return watched;
                old = pieces_load(&p) & mask;
                if (old == expect)
                        pieces_store(v, &p, desired);
                return (struct ir_helper_ret){extend(old, mem), 0};
        }
        if (mem.big_endian) {
                expect = swap_bytes(expect, size);
                desired = swap_bytes(desired, size);
        }
        /* one that fails is a store-conditional that does not store */
        if (host_load(p.page[0].host + p.offset, size) == expect &&
            watch_refuses(v, a, size, VM_WATCH_WRITE)) {
                v->engine->watch.cas = (struct watch_cas){true, a, expect, bits};
                return watched;
        }
        if (p.page[0].flags & TLB2_ROM) {
                old = host_load(p.page[0].host + p.offset, size);
        } else {
                marked = atomic_marked_begin(v, &p, size);
                old = host_cas(p.page[0].host + p.offset, expect, desired, size);
                if (marked)
                        atomic_marked_end(v, &p, size);
        }
        if (mem.big_endian)
                old = swap_bytes(old, size);
        return (struct ir_helper_ret){extend(old, mem), 0};
}

/* Swaps if the 16 bytes at @p are wide[0, 1], which become what was found. */
static void host_cas16(uint8_t *p, uint64_t wide[4])
{
#if defined(__x86_64__)
        __asm__ volatile("lock cmpxchg16b %0"
                         : "+m"(*(unsigned __int128 *)p), "+a"(wide[0]), "+d"(wide[1])
                         : "b"(wide[2]), "c"(wide[3])
                         : "cc", "memory");
#elif defined(__aarch64__)
        uint64_t lo, hi;
        uint32_t failed;

        do { /* what was read is atomic only if the store succeeds: so something is always stored */
                __asm__ volatile("ldaxp %0, %1, [%2]" : "=&r"(lo), "=&r"(hi) : "r"(p) : "memory");
                bool same = lo == wide[0] && hi == wide[1];

                __asm__ volatile("stlxp %w0, %1, %2, [%3]"
                                 : "=&r"(failed) : "r"(same ? wide[2] : lo), "r"(same ? wide[3] : hi), "r"(p)
                                 : "memory");
        } while (failed);
        wide[0] = lo;
        wide[1] = hi;
#endif
}

static struct ir_helper_ret slow_cas16(struct vcpu *v, gva_t a, uint32_t bits)
{
        struct ir_mem mem = mem_of(bits);
        uint64_t *wide = v->hot.wide;
        struct place p;
        uint64_t status;
        bool marked;

        mem.align = 1;
        status = atomic_place(v, a, mem, &p);
        if (status)
                return (struct ir_helper_ret){0, status};
        if (watch_refuses(v, a, 16, VM_WATCH_READ | VM_WATCH_WRITE))
                return watched;
        if (p.page[0].flags & TLB2_ROM) {
                memcpy(wide, p.page[0].host + p.offset, 16);
                return (struct ir_helper_ret){0, 0};
        }
        marked = atomic_marked_begin(v, &p, 16);
        host_cas16(p.page[0].host + p.offset, wide);
        if (marked)
                atomic_marked_end(v, &p, 16);
        return (struct ir_helper_ret){0, 0};
}

/* ---- floating point and vectors ---- */

static void raise_fp(struct vcpu *v, uint32_t flags)
{
        if (flags)
                v->ops->fp_flags_or(v, flags);
}

uint64_t slowpath_fp(struct vcpu *v, const struct ir_fpmode *mode, uint64_t packed, uint64_t a, uint64_t b,
                     uint64_t c)
{
        struct ir_ins op = slow_fp_unpack(packed);
        uint32_t flags = 0;
        uint64_t result = ir_fp_scalar(mode, &op, packed >> 24 & 0xff, a, b, c, &flags);

        raise_fp(v, flags);
        return result;
}

void slowpath_vfp(struct vcpu *v, const struct ir_fpmode *mode, const struct ir_ins *op, const struct ir_v128 *args,
                  struct ir_v128 *result)
{
        uint32_t flags = 0;

        ir_fp_vector(mode, op, args, result, &flags);
        raise_fp(v, flags);
}

static struct ir_helper_ret slow_fp(struct vcpu *v, uint64_t packed, uint64_t a, uint64_t b, uint64_t c)
{
        struct ir_fpmode mode = v->ops->fp_mode(v->mode);

        stat_inc(v, STAT_slow_fp);
        return (struct ir_helper_ret){slowpath_fp(v, &mode, packed, a, b, c), 0};
}

static void slow_vec(struct vcpu *v, uint64_t packed, uint64_t imm, struct ir_v128 *args)
{
        struct ir_ins op = slow_fp_unpack(packed);

        op.imm = (int64_t)imm;
        if (ir_ops[op.op].flags & IR_FPSTATE) {
                struct ir_fpmode mode = v->ops->fp_mode(v->mode);

                stat_inc(v, STAT_slow_fp);
                slowpath_vfp(v, &mode, &op, args, args);
        } else {
                ir_vec_eval(&op, args, args);
        }
}

/* ---- instrumentation ---- */

static void slow_hook(struct vcpu *v, uint32_t kind, uint64_t datum)
{
        if (log_on(v->vm->log, LOG_EXEC) && log_in_filter(v->vm->log, v->hot.vpage_base + datum))
                log_printf(v->vm->log, "exec: cpu %u 0x%016" PRIx64 "\n", v->index,
                           v->hot.vpage_base + datum);
}

const struct slow_ops runtime_slow_ops = {
        .load = slow_load,
        .store = slow_store,
        .rmw = slow_rmw,
        .cas = slow_cas,
        .cas16 = slow_cas16,
        .fp = slow_fp,
        .hook = slow_hook,
        .load128 = slow_load128,
        .store128 = slow_store128,
        .vec = slow_vec,
        .find = codecache_find,
};
