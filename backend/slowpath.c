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
#include "frontend/fp/fp.h"

static const struct ir_helper_ret faulted = {0, 1 + IR_EXIT_EXCEPTION};
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

/* ---- host memory: aligned accesses are single ---- */

static uint64_t host_load(const uint8_t *p, unsigned size)
{
        uint64_t v = 0;

        if ((uintptr_t)p & (size - 1)) {
                memcpy(&v, p, size);
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
                memcpy(p, &v, size);
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
        memcpy(&value, bytes, sizeof(value));
        if (mem.big_endian)
                value = swap_bytes(value, mem_size(mem));
        return (struct ir_helper_ret){extend(value, mem), 0};
}

static struct ir_helper_ret slow_load(struct vcpu *v, gva_t a, uint32_t bits)
{
        struct ir_mem mem = mem_of(bits);
        unsigned size = mem_size(mem);
        struct place p;
        uint64_t value;

        stat_inc(v, STAT_slow_loads);
        if (alignment_fault(v, a, mem, ACCESS_READ) || !find_place(v, a, size, ACCESS_READ, &p))
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
        /* Under the lock, so that the end of a reservation and the store are one to its holder. */
        stat_inc(v, STAT_code_stores);
        runtime_lock(rt);
        reservation_break_locked(rt, v, page->ram, ram_offset(page, offset), len);
        if (bits_is_pow2(len))
                host_store(to, value, len);
        else
                memcpy(to, bytes, len);
        runtime_unlock(rt);
        codecache_note_store(rt, page->ram, ram_offset(page, offset), len);
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
        store_piece(v, &p.page[0], p.offset, bytes, p.len[0]);
        if (p.n == 2)
                store_piece(v, &p.page[1], 0, bytes + p.len[0], p.len[1]);
        return (struct ir_helper_ret){0, 0};
}

/* ---- atomics ---- */

/* The one page of an aligned atomic access to RAM or ROM; devices do not take atomics. */
static bool atomic_place(struct vcpu *v, gva_t a, struct ir_mem mem, struct place *p)
{
        stat_inc(v, STAT_slow_atomics);
        mem.align = 1;
        if (alignment_fault(v, a, mem, ACCESS_WRITE) || !find_place(v, a, mem_size(mem), ACCESS_WRITE, p))
                return false;
        if (!p->page[0].host || mem_size(mem) > 8) {
                v->ops->bus_error(v, a, ACCESS_WRITE);
                return false;
        }
        return true;
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
        runtime_unlock(v->engine->rt);
        codecache_note_store(v->engine->rt, p->page[0].ram, ram_offset(&p->page[0], p->offset), size);
}

static struct ir_helper_ret slow_rmw(struct vcpu *v, gva_t a, uint64_t value, uint32_t bits)
{
        struct ir_mem mem = mem_of(bits);
        unsigned size = mem_size(mem);
        struct place p;
        uint64_t old;
        bool marked;

        if (!atomic_place(v, a, mem, &p))
                return faulted;
        if (watch_refuses(v, a, size, VM_WATCH_READ | VM_WATCH_WRITE))
                return watched;
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
        bool marked;

        if (!atomic_place(v, a, mem, &p))
                return faulted;
        expect &= mask;
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

/* ---- floating point ---- */

static uint64_t fp_integer(struct fp_env *env, bool from64, bool to64, bool is_unsigned, uint64_t a)
{
        if (to64) {
                if (is_unsigned)
                        return from64 ? fp64_to_u64(env, a) : fp32_to_u64(env, a);
                return from64 ? (uint64_t)fp64_to_i64(env, a) : (uint64_t)fp32_to_i64(env, a);
        }
        if (is_unsigned)
                return from64 ? fp64_to_u32(env, a) : fp32_to_u32(env, a);
        return from64 ? (uint32_t)fp64_to_i32(env, a) : (uint32_t)fp32_to_i32(env, a);
}

static uint64_t fp_from_integer(struct fp_env *env, bool from64, bool to64, bool is_unsigned, uint64_t a)
{
        if (to64) {
                if (is_unsigned)
                        return from64 ? fp64_from_u64(env, a) : fp64_from_u32(env, a);
                return from64 ? fp64_from_i64(env, a) : fp64_from_i32(env, a);
        }
        if (is_unsigned)
                return from64 ? fp32_from_u64(env, a) : fp32_from_u32(env, a);
        return from64 ? fp32_from_i64(env, a) : fp32_from_i32(env, a);
}

static uint64_t fp_compare(struct fp_env *env, bool is64, enum ir_fcond cond, uint64_t a, uint64_t b)
{
        switch (cond) {
        case IR_FEQ: return is64 ? fp64_eq(env, a, b) : fp32_eq(env, a, b);
        case IR_FLT: return is64 ? fp64_lt(env, a, b) : fp32_lt(env, a, b);
        default: return is64 ? fp64_le(env, a, b) : fp32_le(env, a, b);
        }
}

/* One op on bits; @arg_type is its first argument's. */
static uint64_t fp_op(struct fp_env *env, enum ir_op op, enum ir_type type, enum ir_type arg_type,
                      uint8_t cond,
                      uint32_t aux, uint64_t a, uint64_t b, uint64_t c)
{
        bool is64 = arg_type == IR_F64;

        switch (op) {
#define CASE(name, args32, args64) \
        case IR_OP_f##name: return is64 ? fp64_##name args64 : fp32_##name args32;
        CASE(add, (env, a, b), (env, a, b))
        CASE(sub, (env, a, b), (env, a, b))
        CASE(mul, (env, a, b), (env, a, b))
        CASE(div, (env, a, b), (env, a, b))
        CASE(sqrt, (env, a), (env, a))
        CASE(min, (env, a, b), (env, a, b))
        CASE(max, (env, a, b), (env, a, b))
#undef CASE
        case IR_OP_fma:
                return is64 ? fp64_muladd(env, a, b, c, aux & 3) : fp32_muladd(env, a, b, c, aux & 3);
        case IR_OP_fcmp:
                return fp_compare(env, is64, cond, a, b);
        case IR_OP_fcvt_ff:
                return is64 ? fp64_to_fp32(env, a) : fp32_to_fp64(env, a);
        case IR_OP_fcvt_fi:
                return fp_integer(env, is64, type == IR_I64, aux & 16, a);
        case IR_OP_fcvt_if:
                return fp_from_integer(env, arg_type == IR_I64, type == IR_F64, aux & 16, a);
        case IR_OP_funbox:
                return a >> 32 == UINT32_MAX ? (uint32_t)a : 0x7fc00000;
        default:
                return 0;
        }
}

uint64_t slowpath_fp(struct vcpu *v, const struct ir_fpmode *mode, uint64_t packed, uint64_t a, uint64_t b,
                     uint64_t c)
{
        uint8_t round = packed >> 16;
        struct fp_env env = {
                .rm = round == IR_RM_MODE ? mode->round : round,
                .nan_mode = mode->default_nan ? FP_NANMODE_CANONICAL : FP_NANMODE_X86,
                .int_mode = FP_INTMODE_RISCV,
                .flush_in = mode->flush_in,
                .flush_out = mode->flush_out ? FP_FLUSH_UF_NX : FP_FLUSH_OFF,
                .fma_invalid = mode->fma_inf_zero_nan_invalid,
        };
        uint64_t result = fp_op(&env, packed & 0xff, packed >> 8 & 0xff, packed >> 24 & 0xff, round,
                                packed >> 32, a, b,
                                c);

        if (env.flags)
                v->ops->fp_flags_or(v, env.flags);
        return result;
}

static struct ir_helper_ret slow_fp(struct vcpu *v, uint64_t packed, uint64_t a, uint64_t b, uint64_t c)
{
        struct ir_fpmode mode = v->ops->fp_mode(v->mode);

        stat_inc(v, STAT_slow_fp);
        return (struct ir_helper_ret){slowpath_fp(v, &mode, packed, a, b, c), 0};
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
        .fp = slow_fp,
        .hook = slow_hook,
        .find = codecache_find,
};
