/* SPDX-License-Identifier: MIT */
/*
 * The pool of contexts of a vCPU: finding, switching, flushing and catching up with revocations.
 *
 * Local flushes reach all tables at once, dormant ones too, as do events that empty whole tables. Events
 * about one page or one region reach the current tables when served; a dormant table replays them when it is
 * switched in.
 */
#include "backend/context.h"

#include <stdlib.h>
#include <string.h>

#include "backend/runtime.h"

enum { LONGEST_INSN = 16 };
_Static_assert(1u << JUMP_BITS >= GUEST_PAGE_SIZE / 2, "a page's offsets are distinct indexes");

static void data_entry_empty(struct data_context *c, unsigned i)
{
        c->tlb[i] = (struct tlb_entry){.read = tlb_empty_tag(i), .write = tlb_empty_tag(i)};
}

static void jump_entry_empty(struct code_context *c, unsigned i)
{
        c->jumps[i] = (struct jump_entry){.pc = jump_empty_pc(i)};
}

void context_set_window(struct data_context *c, uint64_t size, uint64_t addend)
{
        c->window = size;
        c->window_addend = addend;
        if (c->hot) {
                c->hot->window = size;
                c->hot->window_addend = addend;
        }
}

static void data_context_empty(struct data_context *c)
{
        context_set_window(c, 0, 0);
        for (; c->filled; c->filled &= c->filled - 1) {
                unsigned first = __builtin_ctzll(c->filled) * DATA_GROUP;

                for (unsigned i = first; i < first + DATA_GROUP; i++)
                        data_entry_empty(c, i);
        }
}

static void code_context_empty(struct code_context *c)
{
        if (!c->filled)
                return;
        for (; c->filled; c->filled &= c->filled - 1) {
                unsigned first = __builtin_ctzll(c->filled) * CODE_GROUP;

                for (unsigned i = first; i < first + CODE_GROUP; i++)
                        jump_entry_empty(c, i);
        }
        memset(c->pages, 0, sizeof(c->pages));
}

/* ---- address-space numbers ---- */

static uint32_t new_id(struct vcpu *v)
{
        struct contexts *cx = &v->engine->contexts;

        if (++cx->next_id == 0) { /* 2^32 flushes later: nothing old may look new */
                tlb2_flush(&v->engine->tlb2);
                memset(cx->spaces, 0, sizeof(cx->spaces));
                cx->global_id = 1;
                cx->next_id = 2;
        }
        return cx->next_id;
}

static struct space_id *space_find(struct contexts *cx, uint64_t space)
{
        for (unsigned i = 0; i < CONTEXT_SPACES; i++)
                if (cx->spaces[i].id && cx->spaces[i].space == space)
                        return &cx->spaces[i];
        return NULL;
}

/*
 * First-level entries of a space whose number is lost: nothing would tell which large pages they came from.
 */
static void empty_data_of(struct contexts *cx, uint64_t space)
{
        for (unsigned i = 0; i < CONTEXTS_DATA; i++)
                if (cx->data[i] && cx->data_keys[i].space == space)
                        data_context_empty(cx->data[i]);
}

static void empty_code_of(struct contexts *cx, uint64_t space)
{
        for (unsigned i = 0; i < CONTEXTS_CODE; i++)
                if (cx->code[i] && cx->code_keys[i].space == space)
                        code_context_empty(cx->code[i]);
}

/* The number of @space; a new one in the place of the one longest unused. */
static uint32_t space_number(struct vcpu *v, uint64_t space)
{
        struct contexts *cx = &v->engine->contexts;
        struct space_id *s = space_find(cx, space);

        if (!s) {
                uint32_t id = new_id(v);

                s = &cx->spaces[0];
                for (unsigned i = 0; i < CONTEXT_SPACES && s->id; i++)
                        if (!cx->spaces[i].id || cx->spaces[i].last_used < s->last_used)
                                s = &cx->spaces[i];
                if (s->id) {
                        empty_data_of(cx, s->space);
                        empty_code_of(cx, s->space);
                }
                s->space = space;
                s->id = id;
                memset(&s->large, 0, sizeof(s->large));
        }
        s->last_used = ++cx->clock;
        return s->id;
}

/* ---- large pages ---- */

static unsigned large_hash(gva_t gva, unsigned page_bits)
{
        uint64_t n = gva >> page_bits;

        return (n ^ n >> 10 ^ page_bits) & 1023;
}

static void large_note(struct large_pages *l, gva_t gva, unsigned page_bits)
{
        unsigned h = large_hash(gva, page_bits);

        l->sizes |= 1ull << page_bits;
        l->set[h / 64] |= 1ull << (h % 64);
}

static bool large_covers(const struct large_pages *l, gva_t gva)
{
        for (uint64_t sizes = l->sizes; sizes; sizes &= sizes - 1) {
                unsigned h = large_hash(gva, __builtin_ctzll(sizes));

                if (l->set[h / 64] >> (h % 64) & 1)
                        return true;
        }
        return false;
}

void context_note_large(struct vcpu *v, gva_t gva, unsigned page_bits, bool global)
{
        struct contexts *cx = &v->engine->contexts;
        struct space_id *s = space_find(cx, cx->space);

        if (global)
                large_note(&cx->global_large, gva, MIN(page_bits, 63));
        else if (s)
                large_note(&s->large, gva, MIN(page_bits, 63));
}

/* ---- switching ---- */

static void data_context_revoke(struct data_context *c, const struct revoke_event *ev)
{
        if (!(ev->reasons & REVOKE_WRITE))
                return;
        for (uint64_t groups = c->filled; groups; groups &= groups - 1) {
                unsigned first = __builtin_ctzll(groups) * DATA_GROUP;

                for (unsigned i = first; i < first + DATA_GROUP; i++) {
                        struct tlb_entry *e = &c->tlb[i];

                        if (e->write + e->addend == ev->host && e->write != tlb_empty_tag(i) && !e->code_lines) {
                                e->write = tlb_beside_tag(e->write);
                                e->code_lines = (_Atomic uint64_t *)(uintptr_t)ev->lines;
                        }
                }
        }
}

static void code_context_revoke(struct code_context *c, const struct revoke_event *ev)
{
        if (!(ev->reasons & REVOKE_REGION) || !c->filled)
                return;
        /* the offset in the page gives the low bits of the index, whatever the page's address is */
        for (unsigned i = jump_index(ev->where); i < JUMP_ENTRIES; i += GUEST_PAGE_SIZE / 2)
                if (c->jumps[i].host == ev->door)
                        jump_entry_empty(c, i);
}

/* Brings tables that slept since @seen up to date; false if the ring no longer tells how. */
static bool catch_up(struct vcpu *v, uint64_t seen, struct data_context *d, struct code_context *c)
{
        uint64_t now = atomic_load_explicit(&v->revoke_seen, memory_order_relaxed);
        struct revoke_event events[32];

        while (seen < now) {
                int n = revoke_copy(v->engine->rt, seen, now, events, G_N_ELEMENTS(events));

                if (n < 0)
                        return false;
                for (int i = 0; i < n; i++) {
                        if (d)
                                data_context_revoke(d, &events[i]);
                        if (c)
                                code_context_revoke(c, &events[i]);
                }
                seen += n;
        }
        return true;
}

static bool key_equal(const struct context_key *a, const struct context_key *b)
{
        return a->space == b->space && a->mode == b->mode && a->view == b->view;
}

/*
 * The slot of the context for @key, or one to make it in: free, or the least recently used; *@found says
 * which.
 */
static unsigned key_slot(const struct context_key *keys, const uint64_t *used, unsigned n,
                         const struct context_key *key,
                         bool *found)
{
        unsigned victim = 0;

        for (unsigned i = 0; i < n; i++)
                if ((*found = key_equal(&keys[i], key)))
                        return i;
        for (unsigned i = 0; i < n; i++)
                if (used[i] < used[victim])
                        victim = i;
        return victim;
}

static void *table_new(size_t size)
{
        void *p = aligned_alloc(64, size);

        if (!p)
                g_error("out of memory"); /* some kilobytes: as GLib itself does */
        return memset(p, 0, size);
}

static struct data_context *data_context_new(void)
{
        struct data_context *c = table_new(sizeof(*c));

        c->filled = ~0ull;
        data_context_empty(c);
        return c;
}

static struct code_context *code_context_new(void)
{
        struct code_context *c = table_new(sizeof(*c));

        c->filled = ~0ull;
        code_context_empty(c);
        return c;
}

static struct data_context *data_context_get(struct vcpu *v, const struct context_key *key)
{
        struct contexts *cx = &v->engine->contexts;
        bool found;
        unsigned i = key_slot(cx->data_keys, cx->data_used, CONTEXTS_DATA, key, &found);

        cx->data_used[i] = ++cx->clock;
        if (found)
                return cx->data[i];
        if (!cx->data[i])
                cx->data[i] = data_context_new();
        else
                stat_inc(v, STAT_context_evictions);
        cx->data_keys[i] = *key;
        data_context_empty(cx->data[i]);
        return cx->data[i];
}

static struct code_context *code_context_get(struct vcpu *v, const struct context_key *key)
{
        struct contexts *cx = &v->engine->contexts;
        bool found;
        unsigned i = key_slot(cx->code_keys, cx->code_used, CONTEXTS_CODE, key, &found);

        cx->code_used[i] = ++cx->clock;
        if (found)
                return cx->code[i];
        if (!cx->code[i])
                cx->code[i] = code_context_new();
        else
                stat_inc(v, STAT_context_evictions);
        cx->code_keys[i] = *key;
        if (v->engine->rt->host)
                cx->code[i]->fp_env = v->engine->rt->host->fp_env(v->ops->fp_mode(key->mode));
        code_context_empty(cx->code[i]);
        return cx->code[i];
}

static void switch_data(struct vcpu *v, const struct context_key *key)
{
        struct contexts *cx = &v->engine->contexts;
        struct data_context *c = data_context_get(v, key);
        uint64_t now = atomic_load_explicit(&v->revoke_seen, memory_order_relaxed);

        if (cx->cur_data) {
                cx->cur_data->seen = now;
                cx->cur_data->hot = NULL;
        }
        if (c->filled && c->seen != now && !catch_up(v, c->seen, c, NULL))
                data_context_empty(c);
        cx->cur_data = c;
        cx->cur_data_key = *key;
        v->hot.tlb = c->tlb;
        c->hot = &v->hot;
        context_set_window(c, c->window, c->window_addend);
}

static void switch_code(struct vcpu *v, const struct context_key *key)
{
        struct contexts *cx = &v->engine->contexts;
        struct code_context *c = code_context_get(v, key);
        uint64_t now = atomic_load_explicit(&v->revoke_seen, memory_order_relaxed);

        if (cx->cur_code)
                cx->cur_code->seen = now;
        if (c->filled && c->seen != now && !catch_up(v, c->seen, NULL, c))
                code_context_empty(c);
        cx->cur_code = c;
        cx->cur_code_key = *key;
        v->hot.jump_cache = c->jumps;
        v->mode = key->mode;
        v->fp_env = c->fp_env;
        context_clear_returns(v);
}

void context_hide_jumps(struct vcpu *v)
{
        struct contexts *cx = &v->engine->contexts;

        if (!cx->no_jumps) {
                cx->no_jumps = g_new(struct jump_entry, JUMP_ENTRIES);
                for (unsigned i = 0; i < JUMP_ENTRIES; i++)
                        cx->no_jumps[i] = (struct jump_entry){.pc = jump_empty_pc(i)};
        }
        v->hot.jump_cache = cx->no_jumps;
}

void context_show_jumps(struct vcpu *v)
{
        struct contexts *cx = &v->engine->contexts;

        if (v->hot.jump_cache == cx->no_jumps) /* else the instruction changed the context */
                v->hot.jump_cache = cx->cur_code->jumps;
}

void context_update(struct vcpu *v)
{
        struct contexts *cx = &v->engine->contexts;
        struct context_key data, code;
        uint32_t data_view, fetch_view;
        uint64_t space;

        v->ops->context_key(v, &space, &data_view, &fetch_view);
        data = (struct context_key){.space = space, .view = CONTEXT_USED | data_view};
        code = (struct context_key){.space = space, .view = CONTEXT_USED | fetch_view,
                                    .mode = v->ops->mode(v)};
        if (!key_equal(&data, &cx->cur_data_key))
                switch_data(v, &data);
        if (!key_equal(&code, &cx->cur_code_key)) {
                switch_code(v, &code);
                stat_inc(v, STAT_context_switches);
        }
        if (space != cx->space || !cx->space_id) {
                cx->space = space;
                cx->space_id = space_number(v, space);
        }
        cx->data_view = data_view;
        cx->fetch_view = fetch_view;
}

/* ---- flushing ---- */

void context_clear_returns(struct vcpu *v)
{
        const struct runtime *rt = v->engine->rt;
        uint64_t nowhere = rt->host && rt->host_data ? (uintptr_t)rt->host->no_return(rt->host_data) : 0;

        for (unsigned i = 0; i < VCPU_RETURN_STACK; i++)
                v->hot.returns[i] = (struct vcpu_return){.guest_pc = RETURN_NONE, .host_pc = nowhere};
}

void context_flush_jumps(struct vcpu *v)
{
        struct contexts *cx = &v->engine->contexts;

        for (unsigned i = 0; i < CONTEXTS_CODE; i++)
                if (cx->code[i])
                        code_context_empty(cx->code[i]);
        context_clear_returns(v);
}

static unsigned page_hash(gva_t gva)
{
        uint64_t page = gva >> GUEST_PAGE_BITS;

        return (page ^ page >> 11 ^ page >> 22) % CONTEXT_PAGE_SET;
}

static void note_page(struct code_context *c, gva_t gva)
{
        unsigned h = page_hash(gva);

        c->pages[h / 64] |= 1ull << (h % 64);
}

/* Drops entries that lie in @page, or begin at the end of the page before it and may run into it. */
static void code_context_flush_page(struct code_context *c, gva_t page)
{
        unsigned h = page_hash(page);

        if (!c->filled || !(c->pages[h / 64] >> (h % 64) & 1))
                return;
        for (unsigned i = 0, n = jump_index(page); i < GUEST_PAGE_SIZE / 2; i++, n++)
                if (c->jumps[n].pc - page < GUEST_PAGE_SIZE)
                        jump_entry_empty(c, n);
        for (gva_t pc = page - LONGEST_INSN; pc != page; pc++)
                if (c->jumps[jump_index(pc)].pc == pc)
                        jump_entry_empty(c, jump_index(pc));
}

static void flush_page_in(struct contexts *cx, gva_t gva, bool all, uint64_t space)
{
        gva_t page = gva & ~(gva_t)(GUEST_PAGE_SIZE - 1);
        unsigned n = tlb_index(gva);

        for (unsigned i = 0; i < CONTEXTS_DATA; i++) {
                struct data_context *c = cx->data[i];

                if (!c || !c->filled || !(all || cx->data_keys[i].space == space))
                        continue;
                if (c->tlb[n].read == page || c->tlb[n].write == page ||
                    c->tlb[n].write == tlb_beside_tag(page))
                        data_entry_empty(c, n);
                if (gva < c->window + WINDOW_SLACK)
                        context_set_window(c, 0, 0);
        }
        for (unsigned i = 0; i < CONTEXTS_CODE; i++) {
                struct code_context *c = cx->code[i];

                if (c && (all || cx->code_keys[i].space == space))
                        code_context_flush_page(c, page);
        }
}

static void flush_space(struct vcpu *v, uint64_t space)
{
        struct contexts *cx = &v->engine->contexts;
        struct space_id *s = space_find(cx, space);

        empty_data_of(cx, space);
        empty_code_of(cx, space);
        if (s) {
                s->id = 0;
                if (space == cx->space)
                        cx->space_id = space_number(v, space);
        }
}

static void flush_all(struct vcpu *v, bool global)
{
        struct contexts *cx = &v->engine->contexts;

        for (unsigned i = 0; i < CONTEXTS_DATA; i++)
                if (cx->data[i])
                        data_context_empty(cx->data[i]);
        for (unsigned i = 0; i < CONTEXTS_CODE; i++)
                if (cx->code[i])
                        code_context_empty(cx->code[i]);
        for (unsigned i = 0; i < CONTEXT_SPACES; i++)
                cx->spaces[i].id = 0; /* old numbers are never given again */
        if (global) {
                cx->global_id = new_id(v);
                memset(&cx->global_large, 0, sizeof(cx->global_large));
        }
        if (cx->cur_data)
                cx->space_id = space_number(v, cx->space);
}

/* One address in all spaces. Spaces that were filled from a large page around it go as a whole. */
static void flush_page_all(struct vcpu *v, gva_t gva)
{
        struct contexts *cx = &v->engine->contexts;

        if (large_covers(&cx->global_large, gva)) {
                flush_all(v, true);
                return;
        }
        for (unsigned i = 0; i < CONTEXT_SPACES; i++)
                if (cx->spaces[i].id && large_covers(&cx->spaces[i].large, gva))
                        flush_space(v, cx->spaces[i].space);
        flush_page_in(cx, gva, true, 0);
        tlb2_flush_page(&v->engine->tlb2, gva, 0);
}

static void flush_page_space(struct vcpu *v, gva_t gva, uint64_t space)
{
        struct contexts *cx = &v->engine->contexts;
        struct space_id *s = space_find(cx, space);

        if (s && large_covers(&s->large, gva)) {
                flush_space(v, space);
                return;
        }
        flush_page_in(cx, gva, false, space);
        if (s)
                tlb2_flush_page(&v->engine->tlb2, gva, s->id);
}

void context_flush(struct vcpu *v, enum tlb_flush kind, gva_t gva, uint64_t space)
{
        switch (kind) {
        case TLB_FLUSH_ALL:
                flush_all(v, true);
                break;
        case TLB_FLUSH_NONGLOBAL:
                flush_all(v, false);
                break;
        case TLB_FLUSH_SPACE:
                flush_space(v, space);
                break;
        case TLB_FLUSH_PAGE:
                flush_page_all(v, gva);
                break;
        case TLB_FLUSH_SPACE_PAGE:
                flush_page_space(v, gva, space);
                break;
        }
        stat_inc(v, kind >= TLB_FLUSH_PAGE ? STAT_tlb_page_flushes : STAT_tlb_flushes);
        context_clear_returns(v);
}

void context_flush_everything(struct vcpu *v)
{
        flush_all(v, true);
        tlb2_flush(&v->engine->tlb2);
        v->engine->ram_row = NULL;
        context_clear_returns(v);
}

void context_revoke(struct vcpu *v, const struct revoke_event *ev)
{
        struct contexts *cx = &v->engine->contexts;

        if (ev->reasons & REVOKE_MAP) {
                context_flush_everything(v);
                return;
        }
        if (ev->reasons & REVOKE_TLB)
                context_flush(v, ev->flush, ev->where, ev->space);
        if (ev->reasons & REVOKE_JUMPS)
                context_flush_jumps(v);
        if (cx->cur_data)
                data_context_revoke(cx->cur_data, ev);
        if (cx->cur_code)
                code_context_revoke(cx->cur_code, ev);
        if (ev->reasons & REVOKE_REGION)
                context_clear_returns(v);
}

void context_add_jump(struct vcpu *v, gva_t pc, uint64_t door, bool next_page)
{
        struct code_context *c = v->engine->contexts.cur_code;

        c->jumps[jump_index(pc)] = (struct jump_entry){.pc = pc, .host = door};
        note_page(c, pc);
        if (next_page)
                note_page(c, pc + GUEST_PAGE_SIZE);
        c->filled |= 1ull << (jump_index(pc) / CODE_GROUP);
        stat_inc(v, STAT_jump_fills);
}

void contexts_init(struct vcpu *v)
{
        struct contexts *cx = &v->engine->contexts;

        memset(cx, 0, sizeof(*cx));
        cx->global_id = 1;
        cx->next_id = 1;
        context_clear_returns(v);
}

void contexts_fini(struct vcpu *v)
{
        struct contexts *cx = &v->engine->contexts;

        for (unsigned i = 0; i < CONTEXTS_DATA; i++)
                free(cx->data[i]);
        for (unsigned i = 0; i < CONTEXTS_CODE; i++)
                free(cx->code[i]);
        g_free(cx->no_jumps);
        memset(cx, 0, sizeof(*cx));
}
