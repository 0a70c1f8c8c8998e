/* SPDX-License-Identifier: MIT */
/*
 * From a guest address to a region: the fetch with its faults, the lookup by key, and making a new region
 * from a private copy of the page's bytes. Runs on the vCPU's thread, inside, between two stays in generated
 * code.
 */
#include <string.h>

#include "backend/runtime.h"
#include "ir/interp.h"

/* Guest blocks are this long at most; longer ones gain little and cost memory. */
enum { BLOCK_MAX_INSNS = 128, FETCH_BYTES = 2 /* the unit in which guests fetch */, LONGEST_INSN = 16,
       MAX_ATTEMPTS = 8 };

/* Where code comes from. */
struct fetch {
        struct ram_block *ram;
        uint64_t page; /* byte offset in ram */
        bool partial;  /* execution is granted for this address alone */
};

static bool fetch_page(struct vcpu *v, gva_t gva, struct fetch *f)
{
        unsigned left = GUEST_PAGE_SIZE - (gva & (GUEST_PAGE_SIZE - 1));
        struct tlb_page page;

        if (!tlb_find_page(v, gva, MIN(FETCH_BYTES, left), ACCESS_FETCH, &page))
                return false;
        if (!page.host) {
                v->ops->bus_error(v, gva, ACCESS_FETCH);
                return false;
        }
        f->ram = page.ram;
        f->page = page.host - page.ram->host;
        f->partial = page.partial;
        return true;
}

/* Others may store to it meanwhile: words that are single, from the line of @from on. */
static void copy_page(uint8_t *to, const struct fetch *f, unsigned from)
{
        const uint8_t *host = f->ram->host + f->page;

        for (unsigned i = from & ~7u; i < GUEST_PAGE_SIZE; i += 8) {
                uint64_t word = __atomic_load_n((const uint64_t *)(host + i), __ATOMIC_RELAXED);

                memcpy(to + i, &word, sizeof(word));
        }
}

/* ---- breakpoints ---- */

/* Page offsets of all breakpoints, sorted: regions know no addresses. */
static uint64_t *breakpoint_offsets(const struct vm *vm, uint32_t *n)
{
        const GArray *b = vm->breakpoints;
        uint64_t *offsets;

        *n = 0;
        if (!b->len)
                return NULL;
        offsets = g_new(uint64_t, b->len);
        for (guint i = 0; i < b->len; i++) {
                uint64_t at = g_array_index(b, gva_t, i) & (GUEST_PAGE_SIZE - 1);
                uint32_t j = 0;

                while (j < *n && offsets[j] < at)
                        j++;
                if (j < *n && offsets[j] == at)
                        continue;
                memmove(offsets + j + 1, offsets + j, (*n - j) * sizeof(*offsets));
                offsets[j] = at;
                ++*n;
        }
        return offsets;
}

/* ---- making a region ---- */

/* What the pipeline is asked for; the arrays belong to the caller. */
static bool run_compiler(struct vcpu *v, struct translate_req *req, gva_t pc, struct compiled *out,
                         const struct ir_region **ir)
{
        uint64_t *offsets = breakpoint_offsets(v->vm, &req->n_breakpoints);
        bool ok;

        req->breakpoints = offsets;
        ok = compile_region(v->engine->compiler, req, pc, out, ir);
        g_free(offsets);
        return ok;
}

static void *pack(void *to, const GArray *a, size_t size, uint32_t *n)
{
        *n = a->len;
        if (a->len)
                memcpy(to, a->data, a->len * size);
        return (uint8_t *)to + a->len * size;
}

/* Moves the compiler's output into @r. */
static void region_take(struct code_region *r, struct compiled *out, size_t start, const struct ir_region *ir)
{
        r->guest_bytes = ir->guest_bytes;
        r->n_guest_insns = ir->n_guest_insns;
        if (out->buf) {
                r->code = out->buf->exec + start;
                r->code_rw = out->buf->rw + start;
                r->code_size = out->buf->used - start;
        }
        r->tables = g_malloc(out->links->len * sizeof(*r->links) + out->locs->len * sizeof(*r->locs) +
                             out->sites->len * sizeof(*r->sites));
        r->links = r->tables;
        r->locs = pack(r->links, out->links, sizeof(*r->links), &r->n_links);
        r->sites = pack(r->locs, out->locs, sizeof(*r->locs), &r->n_locs);
        pack(r->sites, out->sites, sizeof(*r->sites), &r->n_sites);
        for (uint32_t i = 0; i < r->n_links; i++)
                r->links[i].from = r;
}

static size_t align_start(struct code_buf *buf)
{
        buf->used = (buf->used + 15) & ~(size_t)15;
        return buf->used;
}

/* Emits into this vCPU's segment, or its scratch one; opens another when it is full. */
static bool emit(struct vcpu *v, struct code_region *r, struct translate_req *req, gva_t pc)
{
        bool one_shot = r->key.flags & REGION_ONE_SHOT;
        struct vcpu_engine *e = v->engine;
        struct code_segment *s = one_shot ? codeseg_scratch(v) : e->segment ? e->segment : codeseg_open(v);

        for (unsigned attempt = 0; attempt < 3; attempt++) {
                struct compiled out = {.buf = &s->buf, .sites = e->sites, .locs = e->locs, .links = e->links,
                                       .linear = e->addend_sure >= ADDEND_SURE, .addend = v->hot.addend,
                                       .window = v->hot.window,
                                       .state = v->ops->precise_smc && !one_shot ? v->state : NULL,
                                       .tlb = v->hot.tlb, .page = pc & ~(gva_t)(GUEST_PAGE_SIZE - 1)};
                size_t start = align_start(&s->buf);
                const struct ir_region *ir;

                g_array_set_size(e->sites, 0);
                g_array_set_size(e->locs, 0);
                g_array_set_size(e->links, 0);
                if (run_compiler(v, req, pc, &out, &ir)) {
                        if (req->needs_next) {
                                s->buf.used = start;
                                return true;
                        }
                        region_take(r, &out, start, ir);
                        r->segment = one_shot ? NULL : s;
                        e->rt->host->sync(&s->buf, start, r->code_size);
                        return true;
                }
                s->buf.used = start;
                req->max_insns = MAX(req->max_insns / 4, 1); /* in case it is too large for any segment */
                if (!one_shot)
                        s = codeseg_open(v);
        }
        return false;
}

static bool make_icode(struct vcpu *v, struct code_region *r, struct translate_req *req, gva_t pc)
{
        for (;;) {
                const struct ir_region *ir;

                if (!run_compiler(v, req, pc, NULL, &ir))
                        return false;
                if (req->needs_next)
                        return true;
                r->guest_bytes = ir->guest_bytes;
                r->n_guest_insns = ir->n_guest_insns;
                r->icode = ir_interp_compile(ir);
                if (r->icode || req->max_insns == 1)
                        return r->icode != NULL;
                req->max_insns = MAX(req->max_insns / 4, 1);
        }
}

static bool make(struct vcpu *v, struct code_region *r, struct translate_req *req, gva_t pc)
{
        return v->engine->rt->host ? emit(v, r, req, pc) : make_icode(v, r, req, pc);
}

void exec_drop_one_shot(struct vcpu *v)
{
        if (!v->engine->one_shot)
                return;
        code_region_free(v->engine->one_shot);
        v->engine->one_shot = NULL;
        /* it may have pushed the address of its own code */
        context_clear_returns(v);
}

/* Gives back the code of a region that was not installed, if it is the last of its segment. */
static void unmake(struct code_segment *s, size_t used, uint64_t opened, const struct vcpu_engine *e)
{
        if (s && e->segment == s && e->segments_opened == opened)
                s->buf.used = used;
}

/*
 * Makes a region at @pc, whose bytes come from @f. NULL with the exception recorded: the second page of the
 * first instruction faults; or with *@again: the bytes changed meanwhile.
 */
static struct code_region *make_region(struct vcpu *v, gva_t pc, const struct region_key *key,
                                       const struct fetch *f,
                                       uint32_t max_insns, bool *again)
{
        struct vcpu_engine *e = v->engine;
        struct code_segment *segment = e->segment;
        size_t used = segment ? segment->buf.used : 0;
        uint64_t opened = e->segments_opened;
        struct code_region *r = code_region_new(key), *installed;
        struct fetch next = {0};
        struct translate_req req = {
                .mode = key->mode, .offset = key->offset, .bytes = e->page_copy[0], .config = key->config,
                .max_insns = max_insns ? max_insns : BLOCK_MAX_INSNS,
                .loops = !(key->flags & REGION_ONE_SHOT), .hooks = key->flags & REGION_HOOKS,
                .deterministic = key->flags & REGION_DETERMINISTIC, .stepping = v->engine->stepping,
        };

        *again = false;
        copy_page(e->page_copy[0], f, key->offset);
        if (!make(v, r, &req, pc))
                goto fail;
        if (req.needs_next) {
                if (!fetch_page(v, (pc | (GUEST_PAGE_SIZE - 1)) + 1, &next))
                        goto fail;
                copy_page(e->page_copy[1], &next, 0);
                req.next = e->page_copy[1];
                r->key.ram2 = next.ram;
                r->key.page2 = next.page;
                if (next.partial)
                        r->key.flags |= REGION_ONE_SHOT;
                if (!make(v, r, &req, pc) || req.needs_next)
                        goto fail;
        }
        stat_inc(v, STAT_translated);
        stat_add(&e->stats[STAT_translated_insns], r->n_guest_insns);
        if (r->key.flags & REGION_ONE_SHOT) {
                stat_inc(v, STAT_one_shot);
                exec_drop_one_shot(v);
                e->one_shot = r;
                return r;
        }
        installed = codecache_install(v, r, e->page_copy[0] + key->offset, e->page_copy[1]);
        if (installed != r)
                unmake(segment, used, opened, e);
        if (!installed) {
                stat_inc(v, STAT_retranslated);
                *again = true;
        }
        return installed;
fail:
        unmake(segment, used, opened, e);
        code_region_free(r);
        return NULL;
}

/* ---- finding ---- */

static struct code_region *lookup(struct vcpu *v, struct region_key *key, bool *straddler)
{
        struct runtime *rt = v->engine->rt;
        struct code_region *r;

        stat_inc(v, STAT_lookups);
        *straddler = false;
        runtime_lock(rt);
        r = codecache_lookup_locked(rt, key, straddler);
        runtime_unlock(rt);
        return r;
}

/* A region whose first instruction ends in the next page counts only with the page that is there now. */
static struct code_region *lookup_straddler(struct vcpu *v, gva_t pc, struct region_key *key, bool *fault)
{
        struct code_region *r;
        struct fetch next;
        bool ignored;

        *fault = !fetch_page(v, (pc | (GUEST_PAGE_SIZE - 1)) + 1, &next);
        if (*fault)
                return NULL;
        key->ram2 = next.ram;
        key->page2 = next.page;
        r = lookup(v, key, &ignored);
        key->ram2 = NULL;
        key->page2 = 0;
        return r;
}

/* Protection may end within the page: one instruction at a time, each of its bytes allowed to be fetched. */
static struct code_region *find_partial(struct vcpu *v, gva_t pc, struct region_key *key,
                                        const struct fetch *f)
{
        struct code_region *r;
        struct fetch rest;
        bool again;

        exec_drop_one_shot(v);
        key->flags |= REGION_ONE_SHOT;
        r = make_region(v, pc, key, f, 1, &again);
        if (!r)
                return NULL;
        for (uint32_t i = FETCH_BYTES; i < r->guest_bytes; i += FETCH_BYTES)
                if (!fetch_page(v, pc + i, &rest))
                        return NULL;
        return r;
}

static struct code_region *find_region(struct vcpu *v, gva_t pc, uint32_t max_insns)
{
        struct region_key key = {.mode = v->mode, .config = v->ops->config(v),
                                 .offset = pc & (GUEST_PAGE_SIZE - 1)};
        struct code_region *r;
        struct fetch f;
        bool straddler, fault, again = true;

        if (!fetch_page(v, pc, &f))
                return NULL;
        v->hot.vpage_base = pc & ~(gva_t)(GUEST_PAGE_SIZE - 1);
        key.ram = f.ram;
        key.page = f.page;
        if (log_on(v->vm->log, LOG_EXEC))
                key.flags |= REGION_HOOKS;
        if (v->vm->deterministic)
                key.flags |= REGION_DETERMINISTIC;
        if (f.partial)
                return find_partial(v, pc, &key, &f);
        if (max_insns) {
                exec_drop_one_shot(v);
                key.flags |= REGION_ONE_SHOT;
                return make_region(v, pc, &key, &f, max_insns, &again);
        }
        for (unsigned attempt = 0; again && attempt < MAX_ATTEMPTS; attempt++) {
                r = lookup(v, &key, &straddler);
                if (!r && straddler) {
                        r = lookup_straddler(v, pc, &key, &fault);
                        if (fault)
                                return NULL;
                }
                if (!r)
                        r = make_region(v, pc, &key, &f, 0, &again);
                if (r)
                        return r;
        }
        if (!again)
                return NULL;
        /* Somebody keeps rewriting these bytes: one instruction at a time, as it was when it was read. */
        exec_drop_one_shot(v);
        key.flags |= REGION_ONE_SHOT;
        return make_region(v, pc, &key, &f, 1, &again);
}

struct code_region *exec_find_region(struct vcpu *v, gva_t pc, uint32_t max_insns)
{
        struct code_region *r;
        uint64_t seen;

        /*
         * Making a region serves revocations, which may withdraw the translation of pc that it was found by.
         */
        do {
                seen = atomic_load_explicit(&v->revoke_seen, memory_order_relaxed);
                r = find_region(v, pc, max_insns);
        } while (r && seen != atomic_load_explicit(&v->revoke_seen, memory_order_relaxed));
        return r;
}
