/* SPDX-License-Identifier: MIT */
/*
 * The test guest: slots of all types in four groups, helpers of all kinds, memory that faults on demand.
 */
#include "tests/ir/world.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "ir/flags.h"
#include "ir/interp.h"

/* ---- state ---- */

#define X(n, g) {"x" #n, IR_I64, g, (SLOT_X0 + n) * 8}
#define WS(n) {"w" #n, IR_I32, 2, (SLOT_W0 + n) * 8}
#define F(n) {"f" #n, IR_F64, 3, (SLOT_F0 + n) * 8}
#define S(n) {"s" #n, IR_F32, 3, (SLOT_S0 + n) * 8}
#define FL(n) {"fl" #n, IR_FLAGS, 2, (SLOT_FL0 + n) * 8}
#define V(n) {"v" #n, IR_V128, 3, SLOT_V0 * 8 + n * 16}
#define SPARE(n) {"spare" #n, IR_I64, 4, SLOT_V0 * 8 + 4 * 16 + n * 8}
static const struct ir_slot slots[SLOT_COUNT] = {
        X(0, 0), X(1, 0), X(2, 0), X(3, 0), X(4, 0), X(5, 0), X(6, 0), X(7, 0),
        X(8, 1), X(9, 1), X(10, 1), X(11, 1), X(12, 1), X(13, 1), X(14, 1), X(15, 1),
        WS(0), WS(1), WS(2), WS(3), F(0), F(1), F(2), F(3), S(0), S(1), S(2), S(3), FL(0), FL(1),
        V(0), V(1), V(2), V(3), SPARE(0), SPARE(1),
};

static const uint16_t pins[] = {0, 1, 2, 3, 8, 9, 16, 20, 21, 24, 30, 31};
static const uint16_t spare[] = {SLOT_SPARE0, SLOT_SPARE0 + 1};

const struct ir_guest world_guest = {
        .name = "test", .slots = slots, .n_slots = SLOT_COUNT, .helpers = world_helpers, .pins = pins,
        .n_pins = G_N_ELEMENTS(pins), .spare = spare, .n_spare = G_N_ELEMENTS(spare),
};

static bool slot_is32(uint32_t slot)
{
        return slots[slot].type == IR_I32 || slots[slot].type == IR_F32 || slots[slot].type == IR_FLAGS;
}

uint64_t world_slot_get(const struct world *w, uint32_t slot)
{
        uint64_t v = 0;

        memcpy(&v, w->state + slots[slot].offset, slot_is32(slot) ? 4 : 8);
        return slots[slot].type == IR_FLAGS ? ir_flags_canonical(v) : v;
}

void world_slot_put(struct world *w, uint32_t slot, uint64_t value)
{
        memcpy(w->state + slots[slot].offset, &value, slot_is32(slot) ? 4 : 8);
}

struct ir_v128 world_vec_get(const struct world *w, uint32_t slot)
{
        struct ir_v128 v;

        memcpy(&v, w->state + slots[slot].offset, sizeof(v));
        return v;
}

void world_vec_put(struct world *w, uint32_t slot, struct ir_v128 value)
{
        memcpy(w->state + slots[slot].offset, &value, sizeof(value));
}

void world_init(struct world *w)
{
        memset(w, 0, sizeof(*w));
        w->fault_at = -1;
        w->budget = 1000;
}

/* ---- helpers ---- */

static struct world *world_of(struct vcpu *v)
{
        return (struct world *)v;
}

static void note(struct world *w, uint64_t what)
{
        w->trace = (w->trace ^ what) * 0x100000001b3ull + 1;
}

static struct ir_helper_ret h_mix(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
        return (struct ir_helper_ret){(a * 3) ^ (b + 7), 0};
}

static struct ir_helper_ret h_mix32(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
        return (struct ir_helper_ret){((uint32_t)a * 5) ^ (uint32_t)b, 0};
}

/* Counts calls: a helper with an effect, no slots. */
static struct ir_helper_ret h_note(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
        note(world_of(v), a);
        return (struct ir_helper_ret){0, 0};
}

static struct ir_helper_ret h_bump(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
        struct world *w = world_of(v);

        world_slot_put(w, 8, world_slot_get(w, 8) + a);
        return (struct ir_helper_ret){0, 0};
}

static struct ir_helper_ret h_peek(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
        struct world *w = world_of(v);

        return (struct ir_helper_ret){world_slot_get(w, 8) * 31 + world_slot_get(w, 9), 0};
}

static struct ir_helper_ret h_maybe(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
        return (struct ir_helper_ret){a + 1, (a & 7) == 7 ? 1 + IR_EXIT_EXCEPTION : 0};
}

static struct ir_helper_ret h_maybe_set(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
        world_slot_put(world_of(v), 0, a + 11);
        return (struct ir_helper_ret){a ^ b, (a & 3) == 3 ? 1 + IR_EXIT_YIELD : 0};
}

static struct ir_helper_ret h_maybe_look(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
        struct world *w = world_of(v);

        note(w, world_slot_get(w, 1));
        return (struct ir_helper_ret){world_slot_get(w, 2), (a & 3) == 1 ? 1 + IR_EXIT_LOOKUP : 0};
}

static struct ir_helper_ret h_quit(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
        return (struct ir_helper_ret){0, 1 + IR_EXIT_HALT};
}

static struct ir_helper_ret h_four(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
        note(world_of(v), a + 2 * b + 3 * c + 4 * d);
        return (struct ir_helper_ret){a - b + c - d, 0};
}

static const struct ir_helper
        mix = {"mix", h_mix, 2, IR_I64, .pure = true},
        mix32 = {"mix32", h_mix32, 2, IR_I32, .pure = true},
        note_helper = {"note", h_note, 1, IR_VOID, .pure = false},
        bump = {"bump", h_bump, 1, IR_VOID, .reads = 2, .writes = 2},
        peek = {"peek", h_peek, 0, IR_I64, .reads = 2},
        maybe = {"maybe", h_maybe, 1, IR_I64, .may_exit = true},
        maybe_set = {"maybe_set", h_maybe_set, 2, IR_I64, .may_exit = true, .writes = 1},
        maybe_look = {"maybe_look", h_maybe_look, 1, IR_I64, .may_exit = true, .reads = 1},
        quit = {"quit", h_quit, 0, IR_VOID, .may_exit = true, .no_return = true},
        four = {"four", h_four, 4, IR_I64, .pure = false};

const struct ir_helper *const world_helpers[] = {
        &mix, &mix32, &note_helper, &bump, &peek, &maybe, &maybe_set, &maybe_look, &four, &quit, NULL,
};

void world_hook(void *ctx, uint32_t kind, uint64_t datum)
{
        struct world *w = ctx;

        /* Instrumentation may look at all state. */
        note(w, kind * 1000003ull + datum);
        for (uint32_t s = 0; s < SLOT_STATE; s++)
                note(w, world_slot_get(w, s));
}

/* ---- memory ---- */

static struct ir_mem attributes(uint32_t bits)
{
        struct ir_mem m;

        memcpy(&m, &bits, sizeof(m));
        return m;
}

/* Where the access goes, or NULL if it faults. */
static uint8_t *access_ram(struct world *w, uint64_t gva, struct ir_mem m)
{
        uint64_t at = gva - WORLD_RAM_AT, size = 1u << m.size_log2;
        bool bad = at >= WORLD_RAM || at + size > WORLD_RAM || (m.align && (gva & (size - 1)));

        bad |= m.write && at + size > WORLD_RAM - 0x1000;
        if (w->accesses++ == w->fault_at)
                bad = true;
        if (bad)
                w->fault_address = gva;
        return bad ? NULL : w->ram + at;
}

static uint64_t bytes_swapped(uint64_t v, unsigned size)
{
        return __builtin_bswap64(v) >> (64 - 8 * size);
}

static uint64_t ram_get(const uint8_t *p, struct ir_mem m)
{
        unsigned size = 1u << m.size_log2;
        uint64_t v = 0;

        memcpy(&v, p, size);
        return m.big_endian ? bytes_swapped(v, size) : v;
}

static void ram_put(uint8_t *p, uint64_t v, struct ir_mem m)
{
        unsigned size = 1u << m.size_log2;

        if (m.big_endian)
                v = bytes_swapped(v, size);
        memcpy(p, &v, size);
}

static uint64_t extended(uint64_t v, struct ir_mem m)
{
        unsigned shift = 64 - (8u << m.size_log2);

        return m.sign ? (uint64_t)((int64_t)(v << shift) >> shift) : v;
}

static const struct ir_helper_ret faulted = {0, 1 + IR_EXIT_EXCEPTION};

struct ir_helper_ret world_load(void *ctx, uint64_t gva, uint32_t mem)
{
        struct ir_mem m = attributes(mem);
        uint8_t *p = access_ram(ctx, gva, m);

        return p ? (struct ir_helper_ret){extended(ram_get(p, m), m), 0} : faulted;
}

struct ir_helper_ret world_store(void *ctx, uint64_t gva, uint64_t value, uint32_t mem)
{
        struct ir_mem m = attributes(mem);
        uint8_t *p = access_ram(ctx, gva, m);

        if (!p)
                return faulted;
        ram_put(p, value, m);
        return (struct ir_helper_ret){0, 0};
}

static uint64_t rmw_result(enum ir_rmw op, uint64_t old, uint64_t v, unsigned bits)
{
        int64_t so = (int64_t)(old << (64 - bits)), sv = (int64_t)(v << (64 - bits));
        uint64_t uo = old << (64 - bits), uv = v << (64 - bits);

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
        default: return 0;
        }
}

struct ir_helper_ret world_rmw(void *ctx, uint64_t gva, uint64_t value, uint32_t mem)
{
        struct ir_mem m = attributes(mem);
        uint8_t *p = access_ram(ctx, gva, m);
        uint64_t old;

        if (!p)
                return faulted;
        old = ram_get(p, m);
        ram_put(p, rmw_result(m.rmw, old, value, 8u << m.size_log2), m);
        return (struct ir_helper_ret){extended(old, m), 0};
}

struct ir_helper_ret world_cas(void *ctx, uint64_t gva, uint64_t expect, uint64_t desired, uint32_t mem)
{
        struct ir_mem m = attributes(mem);
        uint8_t *p = access_ram(ctx, gva, m);
        unsigned shift = 64 - (8u << m.size_log2);
        uint64_t old;

        if (!p)
                return faulted;
        old = ram_get(p, m);
        if (old << shift == expect << shift)
                ram_put(p, desired, m);
        return (struct ir_helper_ret){extended(old, m), 0};
}

struct ir_helper_ret world_cas16(void *ctx, uint64_t gva, uint64_t wide[4], uint32_t mem)
{
        uint8_t *p = access_ram(ctx, gva, attributes(mem));
        uint64_t old[2];

        if (!p)
                return faulted;
        memcpy(old, p, 16);
        if (!memcmp(old, wide, 16))
                memcpy(p, wide + 2, 16);
        memcpy(wide, old, 16);
        return (struct ir_helper_ret){0, 0};
}

uint64_t world_load128(void *ctx, uint64_t gva, uint32_t mem, struct ir_v128 *value)
{
        uint8_t *p = access_ram(ctx, gva, attributes(mem));

        if (p)
                memcpy(value, p, 16);
        return p ? 0 : faulted.status;
}

uint64_t world_store128(void *ctx, uint64_t gva, uint32_t mem, const struct ir_v128 *value)
{
        uint8_t *p = access_ram(ctx, gva, attributes(mem));

        if (p)
                memcpy(p, value, 16);
        return p ? 0 : faulted.status;
}

/* ---- the interpreter as an engine ---- */

static bool run_interp(const struct ir_region *r, struct world *w, GError **error)
{
        static const struct ir_interp_ops ops = {
                .load = world_load, .store = world_store, .rmw = world_rmw, .cas = world_cas,
                .cas16 = world_cas16, .fp = world_fp, .hook = world_hook,
                .load128 = world_load128, .store128 = world_store128, .vfp = world_vfp,
        };
        struct ir_interp it = {
                .ops = &ops, .ctx = w, .vcpu = (struct vcpu *)w, .state = w->state, .page_base = WORLD_PAGE,
                .poll = &w->poll, .budget = &w->budget,
        };
        struct ir_icode *code = ir_interp_compile(r);

        if (!code)
                return error_set(error, RHEA_ERROR_FAILED, "the region is too large for the interpreter");
        w->exit = ir_interp_run(code, &it);
        w->pc = it.pc;
        w->insn = it.insn;
        ir_icode_free(code);
        ir_interp_fini(&it);
        return true;
}

const struct ir_engine ir_engine_interp = {"interp", run_interp};

/* ---- comparison ---- */

/* A jump to a known address may be made direct. */
static enum ir_exit exit_kind(const struct world *w)
{
        return w->exit == IR_EXIT_INDIRECT ? IR_EXIT_LINK : w->exit;
}

char *world_difference(const struct world *a, const struct world *b)
{
        if (exit_kind(a) != exit_kind(b))
                return g_strdup_printf("exit %d, %d", a->exit, b->exit);
        if (a->pc != b->pc)
                return g_strdup_printf("pc 0x%" PRIx64 ", 0x%" PRIx64, a->pc, b->pc);
        if (a->insn != b->insn)
                return g_strdup_printf("insn %u, %u", a->insn, b->insn);
        for (uint32_t s = 0; s < SLOT_STATE; s++)
                if (world_slot_get(a, s) != world_slot_get(b, s))
                        return g_strdup_printf("slot %s 0x%" PRIx64 ", 0x%" PRIx64, slots[s].name,
                                               world_slot_get(a, s), world_slot_get(b, s));
        for (uint32_t s = SLOT_V0; s < SLOT_STATE; s++) {
                struct ir_v128 x = world_vec_get(a, s), y = world_vec_get(b, s);

                if (memcmp(&x, &y, sizeof(x)))
                        return g_strdup_printf("slot %s 0x%016" PRIx64 "%016" PRIx64 ", 0x%016" PRIx64
                                               "%016" PRIx64,
                                               slots[s].name, x.w[1], x.w[0], y.w[1], y.w[0]);
        }
        for (uint32_t n = 0; n < WORLD_RAM; n++)
                if (a->ram[n] != b->ram[n])
                        return g_strdup_printf("memory at 0x%x: 0x%02x, 0x%02x", WORLD_RAM_AT + n, a->ram[n],
                                               b->ram[n]);
        if (a->accesses != b->accesses)
                return g_strdup_printf("number of accesses %u, %u", a->accesses, b->accesses);
        if (a->fault_address != b->fault_address)
                return g_strdup_printf("fault address 0x%" PRIx64 ", 0x%" PRIx64, a->fault_address,
                                       b->fault_address);
        if (a->trace != b->trace)
                return g_strdup("what helpers and hooks saw");
        if (a->fp_flags != b->fp_flags)
                return g_strdup_printf("floating-point flags 0x%x, 0x%x", a->fp_flags, b->fp_flags);
        if (a->budget != b->budget)
                return g_strdup_printf("budget %" PRId64 ", %" PRId64, a->budget, b->budget);
        return NULL;
}
