/* SPDX-License-Identifier: MIT */
/*
 * Runs regions of the test guest as host code. The world's state is copied into a vCPU made for it and back;
 * what the interpreter leaves of the run (which instruction was in force, how many accesses there were) is
 * taken from a run of the interpreter beside it.
 */
#include "tests/codegen/engine.h"

#include <stdlib.h>
#include <string.h>

#include "backend/emit.h"
#include "backend/os/jitmem.h"
#include "backend/runtime.h"
#include "backend/tlb.h"
#include "base/arena.h"
#include "base/error.h"
#include "frontend/cpu.h"
#include "machines/core/vcpu.h"

enum { THUNKS = 1 << 16, CODE = 1 << 18 };

/* One at a time: the program has one thread. */
static struct {
        const struct host_ops *host;
        void *host_data;
        struct jitmem mem;
        struct code_buf thunks, code;
        struct vcpu *v;
        struct cpu_ops cpu;
        bool linear;      /* code that expects this addend: */
        uint64_t addend;
        struct tlb_entry tlb[TLB_ENTRIES];
        struct jump_entry jumps[JUMP_ENTRIES];
        struct code_region region;
        struct ir_fpmode fp;
        struct world *w;
        bool faulted;
        unsigned calls;   /* of slow paths */
} rig;

/* ---- what generated code calls ---- */

/* C may overwrite every vector register, and says so here. */
static void spoil_vectors(void)
{
#ifdef __aarch64__
        __asm__ volatile("movi v0.16b, 255; movi v1.16b, 255; movi v2.16b, 255; movi v3.16b, 255;"
                         "movi v4.16b, 255; movi v5.16b, 255; movi v6.16b, 255; movi v7.16b, 255;"
                         "movi v16.16b, 255; movi v17.16b, 255; movi v18.16b, 255; movi v19.16b, 255;"
                         "movi v20.16b, 255; movi v21.16b, 255; movi v22.16b, 255; movi v23.16b, 255;"
                         "movi v24.16b, 255; movi v31.16b, 255; ins v8.d[1], v0.d[0]; ins v15.d[1], v0.d[0]"
                         ::: "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19",
                         "v20", "v21", "v22", "v23", "v24", "v31");
#else
        __asm__ volatile("pcmpeqd %%xmm0, %%xmm0; movdqa %%xmm0, %%xmm1; movdqa %%xmm0, %%xmm2;"
                         "movdqa %%xmm0, %%xmm3; movdqa %%xmm0, %%xmm4; movdqa %%xmm0, %%xmm5;"
                         "movdqa %%xmm0, %%xmm6; movdqa %%xmm0, %%xmm7; movdqa %%xmm0, %%xmm8;"
                         "movdqa %%xmm0, %%xmm9; movdqa %%xmm0, %%xmm10; movdqa %%xmm0, %%xmm11;"
                         "movdqa %%xmm0, %%xmm12; movdqa %%xmm0, %%xmm13; movdqa %%xmm0, %%xmm14;"
                         "movdqa %%xmm0, %%xmm15"
                         ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                         "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
#endif
}

static struct ir_helper_ret seen(struct ir_helper_ret ret)
{
        rig.calls++;
        rig.faulted |= ret.status != 0;
        spoil_vectors();
        return ret;
}

static struct ir_helper_ret rig_load(struct vcpu *v, gva_t a, uint32_t mem)
{
        return seen(world_load(rig.w, a, mem));
}

static struct ir_helper_ret rig_store(struct vcpu *v, gva_t a, uint64_t value, uint32_t mem)
{
        return seen(world_store(rig.w, a, value, mem));
}

static struct ir_helper_ret rig_rmw(struct vcpu *v, gva_t a, uint64_t value, uint32_t mem)
{
        return seen(world_rmw(rig.w, a, value, mem));
}

static struct ir_helper_ret rig_cas(struct vcpu *v, gva_t a, uint64_t expect, uint64_t desired, uint32_t mem)
{
        return seen(world_cas(rig.w, a, expect, desired, mem));
}

static struct ir_helper_ret rig_cas16(struct vcpu *v, gva_t a, uint32_t mem)
{
        return seen(world_cas16(rig.w, a, v->hot.wide, mem));
}

static struct ir_helper_ret rig_fp(struct vcpu *v, uint64_t op, uint64_t a, uint64_t b, uint64_t c)
{
        struct ir_ins i = {.op = op & 0xff, .type = op >> 8 & 0xff, .cond = op >> 16 & 0xff, .aux = op >> 32};

        return seen((struct ir_helper_ret){world_fp(rig.w, &rig.fp, &i, op >> 24 & 0xff, a, b, c), 0});
}

static uint64_t rig_load128(struct vcpu *v, gva_t a, uint32_t mem, struct ir_v128 *value)
{
        return seen((struct ir_helper_ret){0, world_load128(rig.w, a, mem, value)}).status;
}

static uint64_t rig_store128(struct vcpu *v, gva_t a, uint32_t mem, const struct ir_v128 *value)
{
        return seen((struct ir_helper_ret){0, world_store128(rig.w, a, mem, value)}).status;
}

static void rig_vec(struct vcpu *v, uint64_t op, uint64_t imm, struct ir_v128 *args)
{
        struct ir_ins i = slow_fp_unpack(op);

        i.imm = (int64_t)imm;
        rig.calls++;
        if (ir_ops[i.op].flags & IR_FPSTATE)
                world_vfp(rig.w, &rig.fp, &i, args, args);
        else
                ir_vec_eval(&i, args, args);
        spoil_vectors();
}

static void state_out(void)
{
        memcpy(rig.w->state, rig.v->state, WORLD_STATE);
}

static void state_in(void)
{
        memcpy(rig.v->state, rig.w->state, WORLD_STATE);
}

static void rig_hook(struct vcpu *v, uint32_t kind, uint64_t datum)
{
        state_out();
        world_hook(rig.w, kind, datum);
        spoil_vectors();
}

static struct code_region *rig_find(struct vcpu *v, const void *exec_addr)
{
        return &rig.region;
}

static const struct slow_ops slow = {
        .load = rig_load, .store = rig_store, .rmw = rig_rmw, .cas = rig_cas, .cas16 = rig_cas16,
        .fp = rig_fp, .hook = rig_hook,
        .load128 = rig_load128, .store128 = rig_store128, .vec = rig_vec,
        .find = rig_find,
};

/* The helpers take the world for their vCPU: each gets a wrapper that copies the state both ways. */
static struct ir_helper_ret helper(unsigned n, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
        struct ir_helper_ret ret;

        state_out();
        ret = world_helpers[n]->fn((struct vcpu *)rig.w, a, b, c, d);
        state_in();
        return seen(ret);
}

#define WRAPPERS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9)
#define X(n) \
        static struct ir_helper_ret helper_##n(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, \
                                               uint64_t d) \
        { \
                return helper(n, a, b, c, d); \
        }
WRAPPERS(X)
#undef X
static struct ir_helper wrapped[10];

static void wrap_helpers(void)
{
        static struct ir_helper_ret (*const fns[])(struct vcpu *, uint64_t, uint64_t, uint64_t, uint64_t) = {
#define X(n) helper_##n,
                WRAPPERS(X)
#undef X
        };

        for (unsigned n = 0; n < 10; n++) {
                g_assert(world_helpers[n]);
                wrapped[n] = *world_helpers[n];
                wrapped[n].fn = fns[n];
        }
}

/* The region's, whatever the mode word. */
static struct ir_fpmode fp_mode(uint64_t mode)
{
        return rig.fp;
}

static void fp_flags_or(struct vcpu *v, uint32_t flags)
{
        rig.w->fp_flags |= flags;
}

/* ---- the rig ---- */

/*
 * CODEGEN_LEVEL says what the host has beyond its baseline, so that older processors are tested on a newer
 * one. Each level has those before it.
 */
static void limit_features(void)
{
#if defined(__x86_64__)
        static const char *const levels[] = {"sse2", "ssse3", "sse41", "sse42", "avx", "avx2"};
        struct emit_host *h = rig.host_data;
        struct host_features *f = &h->feat;
        const char *level = g_getenv("CODEGEN_LEVEL");
        unsigned n = 0;

        while (level && n < G_N_ELEMENTS(levels) && strcmp(levels[n], level))
                n++;
        if (!level)
                return;
        g_assert(n < G_N_ELEMENTS(levels));
        f->ssse3 &= n >= 1;
        f->sse41 &= n >= 2;
        f->sse42 &= n >= 3;
        f->avx &= n >= 4;
        f->avx2 &= n >= 5;
        f->fma &= n >= 5;
        f->bmi2 &= n >= 5;
        f->lzcnt &= n >= 5;
        f->popcnt &= n >= 3;
#elif defined(__aarch64__)
        struct emit_host *h = rig.host_data;

        if (!g_getenv("CODEGEN_LEVEL"))
                return;
        g_assert_cmpstr(g_getenv("CODEGEN_LEVEL"), ==, "v8.0");
        memset(&h->feat, 0, sizeof(h->feat));
#endif
}

static bool set_up(GError **error)
{
        if (rig.host)
                return true;
        if (!jitmem_map(&rig.mem, THUNKS + CODE, error))
                return false;
        rig.thunks = (struct code_buf){.rw = rig.mem.rw, .exec = rig.mem.exec, .size = THUNKS};
        rig.code = (struct code_buf){.rw = rig.mem.rw + THUNKS, .exec = rig.mem.exec + THUNKS, .size = CODE};
        rig.v = aligned_alloc(64, (sizeof(struct vcpu) + WORLD_STATE + 63) & ~(size_t)63);
        memset(rig.v, 0, sizeof(struct vcpu));
        rig.cpu.fp_flags_or = fp_flags_or;
        rig.cpu.fp_mode = fp_mode;
        rig.v->ops = &rig.cpu;
        wrap_helpers();
        for (unsigned n = 0; n < JUMP_ENTRIES; n++)
                rig.jumps[n].pc = jump_empty_pc(n);
        if (!runtime_default_host()->init(&rig.thunks, &rig.host_data, &slow, &world_guest, error))
                return false;
        rig.host = runtime_default_host();
        limit_features();
        return true;
}

unsigned host_calls(void)
{
        return rig.calls;
}

void engine_host_fini(void)
{
        if (!rig.host)
                return;
        rig.host->fini(rig.host_data);
        jitmem_unmap(&rig.mem);
        free(rig.v);
        rig.host = NULL;
}

/* The same region with the wrapped helpers. */
static struct ir_region with_helpers(const struct ir_region *r)
{
        struct ir_region copy = *r;

        copy.ins = g_memdup2(r->ins, r->n_ins * sizeof(*r->ins));
        for (uint32_t n = 0; n < r->n_ins; n++)
                for (unsigned k = 0; copy.ins[n].op == IR_OP_call && k < 10; k++)
                        if (r->ins[n].imm == (intptr_t)world_helpers[k])
                                copy.ins[n].imm = (intptr_t)&wrapped[k];
        return copy;
}

static bool has_budget(const struct ir_region *r)
{
        for (uint32_t n = r->blocks[0].first; n < r->blocks[0].end; n++)
                if (r->ins[n].op == IR_OP_budget)
                        return true;
        return false;
}

static void drop_region(void)
{
        g_free(rig.region.sites);
        g_free(rig.region.locs);
        g_free(rig.region.links);
        memset(&rig.region, 0, sizeof(rig.region));
}

static bool make_region(const struct ir_region *r, GError **error)
{
        struct compiled out = {
                .buf = &rig.code,
                .sites = g_array_new(FALSE, FALSE, sizeof(struct fault_site)),
                .locs = g_array_new(FALSE, FALSE, sizeof(struct slot_loc)),
                .links = g_array_new(FALSE, TRUE, sizeof(struct code_link)),
                .linear = rig.linear,
                .addend = rig.addend,
        };
        struct ir_region copy = with_helpers(r);
        struct code_region *c = &rig.region;
        enum emit_status status;

        drop_region();
        rig.code.used = 0;
        status = rig.host->emit(rig.host_data, &copy, &out);
        rig.host->sync(&rig.code, 0, rig.code.used);
        g_free(copy.ins);
        c->key.flags = has_budget(r) ? REGION_DETERMINISTIC : 0;
        c->n_guest_insns = r->n_guest_insns;
        c->code = rig.code.exec;
        c->code_rw = rig.code.rw;
        c->code_size = rig.code.used;
        c->n_sites = out.sites->len;
        c->n_locs = out.locs->len;
        c->n_links = out.links->len;
        c->sites = (struct fault_site *)g_array_free(out.sites, FALSE);
        c->locs = (struct slot_loc *)g_array_free(out.locs, FALSE);
        c->links = (struct code_link *)g_array_free(out.links, FALSE);
        for (uint32_t n = 0; n < c->n_links; n++)
                c->links[n].from = c;
        if (status != EMIT_OK)
                return error_set(error, RHEA_ERROR_UNSUPPORTED, "emission ended with status %d", status);
        return true;
}

static void fill_tlb(struct world *w, bool fast)
{
        for (unsigned n = 0; n < TLB_ENTRIES; n++)
                rig.tlb[n] = (struct tlb_entry){tlb_empty_tag(n), tlb_empty_tag(n), 0, NULL};
        for (unsigned page = 0; fast && page < WORLD_RAM >> GUEST_PAGE_BITS; page++) {
                gva_t at = WORLD_RAM_AT + ((gva_t)page << GUEST_PAGE_BITS);
                struct tlb_entry *t = &rig.tlb[tlb_index(at)];

                t->read = at;
                t->addend = (uintptr_t)w->ram + (page << GUEST_PAGE_BITS) - at;
                if (page != (WORLD_RAM >> GUEST_PAGE_BITS) - 1)
                        t->write = at;
        }
}

/*
 * What the run should have given back of the budget: the interpreter leaves that to its engine. If it did,
 * the budget is reported as the interpreter's.
 */
static void settle_budget(const struct ir_region *r, struct world *ref)
{
        uint32_t done = ref->insn;

        if (!has_budget(r) || ref->exit == IR_EXIT_BUDGET)
                return;
        if (!rig.faulted && ref->pc != WORLD_PAGE + 4 * (uint64_t)ref->insn)
                done++;
        ref->budget += r->n_guest_insns - MIN(done, r->n_guest_insns);
}

/* A copy of the world whose memory is aligned as the guest's. */
static struct world *aligned_world(const struct world *w, void **block)
{
        size_t at = offsetof(struct world, ram) % GUEST_PAGE_SIZE;
        struct world *copy;

        *block = aligned_alloc(GUEST_PAGE_SIZE,
                               (sizeof(*w) + 2 * GUEST_PAGE_SIZE) & ~(size_t)(GUEST_PAGE_SIZE - 1));
        copy = (struct world *)((uint8_t *)*block + GUEST_PAGE_SIZE - at);
        *copy = *w;
        return copy;
}

static bool run(const struct ir_region *r, struct world *result, bool fast, GError **error)
{
        struct world *ref = g_memdup2(result, sizeof(*result)), *w;
        struct vcpu *v;
        void *block;
        int64_t raw;

        w = aligned_world(result, &block);
        rig.addend = (uintptr_t)w->ram - WORLD_RAM_AT + (r->n_ins & 1); /* right as often as not */
        if (!set_up(error) || !ir_engine_interp.run(r, ref, error) || !make_region(r, error)) {
                g_free(ref);
                free(block);
                return false;
        }
        v = rig.v;
        rig.w = w;
        rig.fp = r->fp;
        rig.faulted = false;
        rig.calls = 0;
        fill_tlb(w, fast && w->fault_at < 0);
        state_in();
        v->hot.poll = w->poll;
        v->hot.vpage_base = WORLD_PAGE;
        v->hot.tlb = rig.tlb;
        v->hot.jump_cache = rig.jumps;
        v->fp_env = rig.host->fp_env(r->fp);
        v->hot.budget = w->budget;
        v->hot.return_top = 0;
        for (unsigned n = 0; n < VCPU_RETURN_STACK; n++)
                v->hot.returns[n] = (struct vcpu_return){0x123456789abcdef1, 0} /* nowhere */;
        w->exit = rig.host->enter(rig.host_data, v, rig.region.code);
        w->pc = v->hot.pc;
        w->budget = v->hot.budget;
        state_out();
        w->insn = ref->insn;
        if (fast && w->fault_at < 0)
                w->accesses = ref->accesses;
        raw = ref->budget;
        settle_budget(r, ref);
        if (w->budget == ref->budget)
                w->budget = raw;
        *result = *w;
        g_free(ref);
        free(block);
        return true;
}

static bool run_slow(const struct ir_region *r, struct world *w, GError **error)
{
        return run(r, w, false, error);
}

static bool run_fast(const struct ir_region *r, struct world *w, GError **error)
{
        return run(r, w, true, error);
}

static bool run_linear(const struct ir_region *r, struct world *w, GError **error)
{
        bool ok;

        rig.linear = true;
        ok = run(r, w, true, error);
        rig.linear = false;
        return ok;
}

const struct ir_engine engine_host_slow = {"host", run_slow};
const struct ir_engine engine_host_fast = {"host, TLB", run_fast};
const struct ir_engine engine_host_linear = {"host, TLB and one addend", run_linear};

char *host_code_text(const struct ir_region *r, unsigned *n_insns)
{
        char *text = NULL;
        size_t len = 0;
        FILE *f;
        GError *error = NULL;

        if (!set_up(&error) || !make_region(r, &error))
                g_error("%s", error->message);
        f = open_memstream(&text, &len);
        rig.host->print_code(f, rig.region.code_rw, rig.region.code_size, 0);
        fclose(f);
        *n_insns = 0;
        for (const char *p = text; *p; p++)
                *n_insns += *p == '\n';
        return text;
}
