/* SPDX-License-Identifier: MIT */
/*
 * Regions by key and by guest page: installing, linking, dropping, and the proof that what is installed was
 * made from what memory holds. The steps and why they suffice are told in docs/code-cache.md.
 */
#include "backend/codecache.h"

#include <string.h>

#include "backend/runtime.h"
#include "ir/interp.h"

/* ---- regions ---- */

struct code_region *code_region_new(const struct region_key *key)
{
        struct code_region *r = g_new0(struct code_region, 1);

        r->key = *key;
        return r;
}

void code_region_free(struct code_region *r)
{
        if (!r)
                return;
        g_free(r->tables);
        g_free(r->bytes);
        if (r->icode)
                ir_icode_free(r->icode);
        g_free(r);
}

/* How many of the region's bytes lie in its own page; the rest is at the start of the second. */
static unsigned first_len(const struct code_region *r)
{
        return MIN(MAX(r->guest_bytes, 1), GUEST_PAGE_SIZE - r->key.offset);
}

static unsigned second_len(const struct code_region *r)
{
        return r->key.ram2 ? MAX(r->guest_bytes, 1) - first_len(r) : 0;
}

/* Guest memory may change while it is read: byte by byte, each load single. */
static bool bytes_equal(const uint8_t *guest, const uint8_t *copy, unsigned len)
{
        for (unsigned i = 0; i < len; i++)
                if (__atomic_load_n(&guest[i], __ATOMIC_RELAXED) != copy[i])
                        return false;
        return true;
}

static bool region_matches(const struct code_region *r, const uint8_t *bytes, const uint8_t *bytes2)
{
        return bytes_equal(r->key.ram->host + r->key.page + r->key.offset, bytes, first_len(r)) &&
               (!second_len(r) || bytes_equal(r->key.ram2->host + r->key.page2, bytes2, second_len(r)));
}

/* ---- the hash of regions ---- */

static uint64_t key_hash(const struct region_key *k)
{
        uint64_t h = (uint64_t)(uintptr_t)k->ram ^ k->page ^ k->offset;

        h ^= k->mode * 0x9e3779b97f4a7c15ull ^ k->flags;
        h *= 0xd6e8feb86659fd93ull;
        return h ^ h >> 32;
}

static struct code_region **bucket_of(struct codecache *c, const struct region_key *k)
{
        return &c->buckets[key_hash(k) & ((1u << c->bucket_bits) - 1)];
}

static void hash_grow(struct codecache *c)
{
        struct code_region **old = c->buckets;
        unsigned n = 1u << c->bucket_bits;

        c->bucket_bits++;
        c->buckets = g_new0(struct code_region *, 2 * n);
        for (unsigned i = 0; i < n; i++) {
                for (struct code_region *r = old[i], *next; r; r = next) {
                        struct code_region **b = bucket_of(c, &r->key);

                        next = r->hash_next;
                        r->hash_next = *b;
                        *b = r;
                }
        }
        g_free(old);
}

struct code_region *codecache_lookup_locked(struct runtime *rt, const struct region_key *k, bool *straddler)
{
        for (struct code_region *r = *bucket_of(&rt->cache, k); r; r = r->hash_next) {
                if (r->key.ram != k->ram || r->key.page != k->page || r->key.offset != k->offset ||
                    r->key.mode != k->mode || r->key.config != k->config || r->key.flags != k->flags)
                        continue;
                if (r->key.ram2 == k->ram2 && r->key.page2 == k->page2)
                        return r;
                if (r->key.ram2 && !k->ram2)
                        *straddler = true;
        }
        return NULL;
}

/* ---- pages ---- */

static void *page_key(const struct ram_block *ram, uint64_t page)
{
        return ram->host + page;
}

static struct code_page *page_find(struct runtime *rt, const struct ram_block *ram, uint64_t page)
{
        return g_hash_table_lookup(rt->cache.pages, page_key(ram, page));
}

static struct code_page *page_get(struct runtime *rt, struct ram_block *ram, uint64_t page)
{
        struct code_page *p = page_find(rt, ram, page);

        if (!p) {
                p = g_new0(struct code_page, 1);
                p->ram = ram;
                p->page = page;
                p->listened = ram_block_listened_lines(ram, page);
                g_hash_table_insert(rt->cache.pages, page_key(ram, page), p);
        }
        return p;
}

static _Atomic uint64_t *page_word(const struct code_page *p)
{
        return &p->ram->code_lines[p->page >> GUEST_PAGE_BITS];
}

static void list_remove(struct code_region **at, struct code_region *r, size_t next_offset)
{
        while (*at && *at != r)
                at = (struct code_region **)((char *)*at + next_offset);
        if (*at)
                *at = *(struct code_region **)((char *)r + next_offset);
}
#define LIST_REMOVE(head, r, next) list_remove(head, r, offsetof(struct code_region, next))

/* Marks lines as read by code or watched; every store after the revocation it posts sees the marks. */
static void page_mark(struct runtime *rt, struct code_page *p, uint64_t *mask, uint64_t bits)
{
        uint64_t old = p->lines | p->watched | p->listened;
        struct revoke_event ev = {.reasons = REVOKE_NOTHING};

        *mask |= bits;
        if (!(bits & ~old))
                return;
        atomic_fetch_or(page_word(p), bits);
        if (!old) {
                ev.reasons = REVOKE_WRITE;
                ev.host = (uint64_t)(uintptr_t)page_key(p->ram, p->page);
                ev.lines = (uint64_t)(uintptr_t)page_word(p);
        }
        p->marked = revoke_post_locked(rt, &ev);
}

/* @n regions more, or fewer, in the lines of @bits. */
static void page_count(struct code_page *p, uint64_t bits, int n)
{
        for (; bits; bits &= bits - 1) {
                unsigned line = __builtin_ctzll(bits);

                p->regions[line] += n;
                if (!p->regions[line])
                        p->lines &= ~(1ull << line);
        }
}

/* Takes away the marks that no region or reservation needs any more; frees an empty page. */
static void page_tidy(struct runtime *rt, struct code_page *p)
{
        uint64_t needed = p->lines | p->watched, bits = needed | p->listened;

        if (atomic_load_explicit(page_word(p), memory_order_relaxed) != bits)
                atomic_store(page_word(p), bits);
        if (!needed)
                g_hash_table_remove(rt->cache.pages, page_key(p->ram, p->page));
}

static struct code_region **page_part(struct code_page *p, unsigned offset)
{
        return &p->first[offset / (GUEST_PAGE_SIZE / CODE_PAGE_PARTS)];
}

static void page_add(struct code_page *p, struct code_region *r)
{
        struct code_region **first = page_part(p, r->key.offset);

        r->page_prev = NULL;
        r->page_next = *first;
        if (*first)
                (*first)->page_prev = r;
        *first = r;
        p->longest = MAX(p->longest, first_len(r));
        page_count(p, code_lines_mask(r->key.offset, first_len(r)), 1);
}

static void page_remove(struct code_page *p, struct code_region *r)
{
        if (r->page_prev)
                r->page_prev->page_next = r->page_next;
        else
                *page_part(p, r->key.offset) = r->page_next;
        if (r->page_next)
                r->page_next->page_prev = r->page_prev;
        page_count(p, code_lines_mask(r->key.offset, first_len(r)), -1);
}

/* Takes @r out of the lists of its pages; their marks stay until page_tidy. */
static void pages_leave(struct runtime *rt, struct code_region *r)
{
        struct code_page *p = page_find(rt, r->key.ram, r->key.page);

        if (p)
                page_remove(p, r);
        if (r->key.ram2 && (p = page_find(rt, r->key.ram2, r->key.page2))) {
                LIST_REMOVE(&p->second, r, page2_next);
                page_count(p, code_lines_mask(0, second_len(r)), -1);
        }
}

static void page_tidy_at(struct runtime *rt, const struct ram_block *ram, uint64_t page)
{
        struct code_page *p = ram ? page_find(rt, ram, page) : NULL;

        if (p)
                page_tidy(rt, p);
}

uint64_t codecache_watch_locked(struct runtime *rt, struct ram_block *ram, uint64_t offset, bool on)
{
        struct code_page *p = page_get(rt, ram, offset & ~(uint64_t)(GUEST_PAGE_SIZE - 1));
        unsigned line = (offset & (GUEST_PAGE_SIZE - 1)) >> CODE_LINE_BITS;
        uint64_t marked;

        if (on) {
                p->watchers[line]++;
                page_mark(rt, p, &p->watched, 1ull << line);
        } else if (p->watchers[line] && --p->watchers[line] == 0) {
                p->watched &= ~(1ull << line);
        }
        marked = p->marked;
        page_tidy(rt, p);
        return marked;
}

/* ---- links ---- */

static void link_cut(struct runtime *rt, struct code_link *l)
{
        struct code_link **at;

        if (!l->to)
                return;
        for (at = &l->to->links_in; *at && *at != l; at = &(*at)->next_in)
                ;
        if (*at)
                *at = l->next_in;
        l->to = NULL;
        l->next_in = NULL;
        rt->host->link(l, NULL);
}

static bool same_page(const struct code_region *a, const struct code_region *b)
{
        return a->key.ram == b->key.ram && a->key.page == b->key.page && a->key.mode == b->key.mode &&
               a->key.config == b->key.config && a->key.flags == b->key.flags;
}

/*
 * A vCPU that enters generated code fetches anew; one that follows a link has been inside all the while. Where it may
 * execute what it read ahead before @to was written, all are made to fetch anew first. That costs others time, so a
 * link waits until it is taken again; by then @to may be one of many that were settled together.
 */
static bool fetched_anew(struct runtime *rt, struct code_link *l, const struct code_region *to)
{
        struct codecache *c = &rt->cache;

        if (!rt->host->reads_ahead || rt->vm->n_vcpus <= 1 || rt->vm->deterministic || to->written <= c->fetched)
                return true;
        if (!l->taken) {
                l->taken = true;
                return false;
        }
        if (jitmem_sync_threads())
                c->fetched = c->written;
        else
                l->refused = true;
        return !l->refused;
}

bool codecache_link(struct vcpu *v, struct code_link *l, struct code_region *to)
{
        struct runtime *rt = v->engine->rt;
        bool ok;

        runtime_lock(rt);
        /* A straddler depends on the mapping of another page, which a direct jump would not check. */
        ok = atomic_load(&l->from->state) != REGION_DEAD && atomic_load(&to->state) != REGION_DEAD &&
             !l->to && !to->key.ram2 && same_page(l->from, to) && !(to->key.flags & REGION_ONE_SHOT) &&
             l->target == to->key.offset;
        l->refused |= !ok;
        ok = ok && fetched_anew(rt, l, to);
        if (ok) {
                l->to = to;
                l->next_in = to->links_in;
                to->links_in = l;
                rt->host->link(l, to);
        }
        runtime_unlock(rt);
        if (ok)
                stat_inc(v, STAT_links);
        return ok;
}

/* ---- dropping ---- */

static void provisional_remove(struct codecache *c, struct code_region *r)
{
        struct code_region **at = &c->provisional;

        while (*at && *at != r)
                at = &(*at)->settle_next;
        if (!*at)
                return;
        *at = r->settle_next;
        if (c->provisional_tail == &r->settle_next)
                c->provisional_tail = at;
        r->settle_next = NULL;
        c->n_provisional--;
}

/*
 * Takes @r out of every list, so that nobody finds it anew. @post: also out of jump caches (else the caller
 * posts for many). Its page's marks stay until page_tidy.
 */
static void region_unlist(struct runtime *rt, struct code_region *r, bool post)
{
        struct codecache *c = &rt->cache;
        struct revoke_event ev = {.reasons = REVOKE_REGION, .door = code_region_door(r),
                                  .where = r->key.offset};

        if (atomic_load(&r->state) == REGION_PROVISIONAL)
                provisional_remove(c, r);
        atomic_store(&r->state, REGION_DEAD);
        LIST_REMOVE(bucket_of(c, &r->key), r, hash_next);
        pages_leave(rt, r);
        while (r->links_in)
                link_cut(rt, r->links_in);
        for (unsigned i = 0; i < r->n_links; i++)
                link_cut(rt, &r->links[i]);
        g_free(r->bytes);
        r->bytes = NULL;
        c->n_regions--;
        c->n_dropped++;
        r->born = post ? revoke_post_locked(rt, &ev) : atomic_load(&rt->ring.head) + 1;
        if (!r->segment) {
                r->settle_next = c->retired;
                c->retired = r;
        }
}

void codecache_drop_region_locked(struct runtime *rt, struct code_region *r, bool post)
{
        struct region_key k = r->key;

        region_unlist(rt, r, post);
        page_tidy_at(rt, k.ram, k.page);
        page_tidy_at(rt, k.ram2, k.page2);
}

static void drop_all_locked(struct runtime *rt)
{
        struct codecache *c = &rt->cache;
        struct revoke_event ev = {.reasons = REVOKE_JUMPS};

        for (unsigned i = 0; i < 1u << c->bucket_bits; i++)
                while (c->buckets[i])
                        codecache_drop_region_locked(rt, c->buckets[i], false);
        revoke_post_locked(rt, &ev);
}

void codecache_drop_all(struct runtime *rt)
{
        runtime_lock(rt);
        drop_all_locked(rt);
        runtime_unlock(rt);
        revoke_kick_self(rt);
}

/* Drops @r, and marks that its other page needs no more; @p's are the caller's. */
static void page_drop(struct runtime *rt, struct code_page *p, struct code_region *r)
{
        struct region_key k = r->key;

        region_unlist(rt, r, true);
        if (k.ram != p->ram || k.page != p->page)
                page_tidy_at(rt, k.ram, k.page);
        if (k.ram2 && (k.ram2 != p->ram || k.page2 != p->page))
                page_tidy_at(rt, k.ram2, k.page2);
}

/* Is some region made from bytes [from, to) of the page? */
static bool page_holds(const struct code_page *p, unsigned from, unsigned to)
{
        unsigned part = GUEST_PAGE_SIZE / CODE_PAGE_PARTS;
        unsigned lowest = from > p->longest ? from - p->longest : 0;

        if (!(p->lines & code_lines_mask(from, to - from)))
                return false;
        for (unsigned i = lowest / part; i <= (to - 1) / part; i++)
                for (const struct code_region *r = p->first[i]; r; r = r->page_next)
                        if (r->key.offset < to && r->key.offset + first_len(r) > from)
                                return true;
        for (const struct code_region *r = p->second; r; r = r->page2_next)
                if (second_len(r) > from)
                        return true;
        return false;
}

bool codecache_holds(struct runtime *rt, struct ram_block *ram, uint64_t offset, unsigned len)
{
        const struct code_page *p;
        unsigned at = offset & (GUEST_PAGE_SIZE - 1);
        bool holds;

        runtime_lock(rt);
        p = page_find(rt, ram, offset - at);
        holds = p && page_holds(p, at, at + len);
        runtime_unlock(rt);
        return holds;
}

/* Drops the regions of one page that were made from bytes [from, to). */
static unsigned page_store(struct runtime *rt, struct code_page *p, unsigned from, unsigned to)
{
        unsigned part = GUEST_PAGE_SIZE / CODE_PAGE_PARTS, n = 0;
        unsigned lowest = from > p->longest ? from - p->longest : 0;
        struct code_region *r, *next;

        if (!(p->lines & code_lines_mask(from, to - from)))
                return 0;
        for (unsigned i = lowest / part; i <= (to - 1) / part; i++) {
                for (r = p->first[i]; r; r = next) {
                        next = r->page_next;
                        if (r->key.offset < to && r->key.offset + first_len(r) > from) {
                                page_drop(rt, p, r);
                                n++;
                        }
                }
        }
        for (r = p->second; r; r = next) {
                next = r->page2_next;
                if (second_len(r) > from) {
                        page_drop(rt, p, r);
                        n++;
                }
        }
        if (n)
                page_tidy(rt, p);
        return n;
}

void codecache_drop_stored_locked(struct runtime *rt, struct ram_block *ram, uint64_t offset, uint64_t len)
{
        uint64_t end = offset + len;
        unsigned n = 0;

        for (uint64_t page = offset & ~(uint64_t)(GUEST_PAGE_SIZE - 1); page < end; page += GUEST_PAGE_SIZE) {
                struct code_page *p;

                if (!atomic_load_explicit(&ram->code_lines[page >> GUEST_PAGE_BITS], memory_order_relaxed))
                        continue;
                p = page_find(rt, ram, page);
                if (p)
                        n += page_store(rt, p, offset > page ? offset - page : 0,
                                        MIN(end - page, GUEST_PAGE_SIZE));
        }
        if (n)
                revoke_kick_self(rt);
}

/* ---- installing and settling ---- */

/* Marks what @r was made from, then compares: a later store to it will be seen, an earlier one shows. */
static bool region_mark(struct runtime *rt, struct code_region *r, const uint8_t *bytes,
                        const uint8_t *bytes2)
{
        struct code_page *p = page_get(rt, r->key.ram, r->key.page), *p2 = NULL;

        page_mark(rt, p, &p->lines, code_lines_mask(r->key.offset, first_len(r)));
        r->born = p->marked;
        if (r->key.ram2) {
                p2 = page_get(rt, r->key.ram2, r->key.page2);
                page_mark(rt, p2, &p2->lines, code_lines_mask(0, second_len(r)));
                r->born = MAX(r->born, p2->marked);
        }
        page_add(p, r);
        if (p2) {
                r->page2_next = p2->second;
                p2->second = r;
                page_count(p2, code_lines_mask(0, second_len(r)), 1);
        }
        if (region_matches(r, bytes, bytes2))
                return true;
        pages_leave(rt, r);
        page_tidy(rt, p);
        page_tidy_at(rt, r->key.ram2, r->key.page2);
        return false;
}

static void region_hash(struct runtime *rt, struct code_region *r)
{
        struct codecache *c = &rt->cache;
        struct code_region **b;

        if (c->n_regions++ > 1u << c->bucket_bits)
                hash_grow(c);
        b = bucket_of(c, &r->key);
        r->hash_next = *b;
        *b = r;
        if (r->segment)
                g_ptr_array_add(r->segment->regions, r);
}

static void region_provisional(struct runtime *rt, struct code_region *r, const uint8_t *bytes,
                               const uint8_t *bytes2)
{
        struct codecache *c = &rt->cache;

        atomic_store(&r->state, REGION_PROVISIONAL);
        r->bytes = g_malloc(first_len(r) + second_len(r));
        memcpy(r->bytes, bytes, first_len(r));
        if (second_len(r))
                memcpy(r->bytes + first_len(r), bytes2, second_len(r));
        *c->provisional_tail = r;
        c->provisional_tail = &r->settle_next;
        if (++c->n_provisional % CODE_PROVISIONAL_HURRY == 0)
                /* somebody stays in generated code for long: fences should not pay */
                revoke_hurry(rt, r->born);
}

struct code_region *codecache_install(struct vcpu *v, struct code_region *r, const uint8_t *bytes,
                                      const uint8_t *bytes2)
{
        struct runtime *rt = v->engine->rt;
        struct code_region *other;
        bool straddler = false;

        runtime_lock(rt);
        if (!r->segment && rt->cache.n_regions >= CODE_MAX_INTERP_REGIONS)
                drop_all_locked(rt);
        other = codecache_lookup_locked(rt, &r->key, &straddler);
        if (!other && region_mark(rt, r, bytes, bytes2)) {
                region_hash(rt, r);
                r->written = ++rt->cache.written;
                if (rt->vm->n_vcpus > 1)
                        region_provisional(rt, r, bytes, bytes2);
                else
                        atomic_store(&r->state, REGION_LIVE); /* nobody else stores */
                codecache_settle_locked(rt);
                other = r;
        }
        codecache_collect_locked(rt);
        runtime_unlock(rt);
        revoke_serve(v);
        if (other != r)
                code_region_free(r);
        return other;
}

/*
 * The front of the provisional list is the oldest; stores before a completed revocation have all been made.
 */
static void settle(struct runtime *rt, bool all)
{
        struct codecache *c = &rt->cache;
        uint64_t done = revoke_completed(rt);

        for (struct code_region *r = c->provisional, *next; r; r = next) {
                bool same;

                next = r->settle_next;
                if (r->born > done && !all)
                        break;
                same = region_matches(r, r->bytes, r->bytes + first_len(r));
                if (!same) {
                        codecache_drop_region_locked(rt, r, true);
                        /* the list may have changed in no other way: only @r was dropped */
                } else if (r->born <= done) {
                        provisional_remove(c, r);
                        atomic_store(&r->state, REGION_LIVE);
                        g_free(r->bytes);
                        r->bytes = NULL;
                }
        }
}

void codecache_settle_locked(struct runtime *rt)
{
        if (rt->cache.provisional)
                settle(rt, false);
}

void codecache_fence(struct runtime *rt)
{
        atomic_thread_fence(memory_order_acquire); /* what this hart has read comes before the bytes looked at here */
        runtime_lock(rt); /* who stores to what is live holds it until that is dropped */
        if (rt->cache.provisional)
                settle(rt, true);
        runtime_unlock(rt);
}

/* ---- the end of regions ---- */

void codecache_collect_locked(struct runtime *rt)
{
        struct codecache *c = &rt->cache;
        uint64_t quiet = UINT64_MAX;

        if (!c->retired)
                return;
        for (unsigned i = 0; i < rt->vm->n_vcpus; i++) {
                struct vcpu *v = rt->vm->vcpus[i];

                if (v->engine && atomic_load(&v->where) == VCPU_INSIDE)
                        quiet = MIN(quiet, atomic_load(&v->engine->quiet));
        }
        for (struct code_region **at = &c->retired, *r; (r = *at);) {
                if (r->born <= quiet) {
                        *at = r->settle_next;
                        code_region_free(r);
                } else {
                        at = &r->settle_next;
                }
        }
}

bool codecache_init(struct runtime *rt, size_t size, size_t segment_size, GError **error)
{
        struct codecache *c = &rt->cache;

        memset(c, 0, sizeof(*c));
        c->bucket_bits = 12;
        c->buckets = g_new0(struct code_region *, 1u << c->bucket_bits);
        c->pages = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
        c->provisional_tail = &c->provisional;
        return !size || codeseg_init(rt, size, segment_size, error);
}

void codecache_fini(struct runtime *rt)
{
        struct codecache *c = &rt->cache;

        if (!c->buckets)
                return;
        codecache_drop_all(rt);
        for (struct code_region *r = c->retired, *next; r; r = next) {
                next = r->settle_next;
                code_region_free(r);
        }
        c->retired = NULL;
        if (c->segments)
                codeseg_fini(rt);
        g_hash_table_unref(c->pages);
        g_free(c->buckets);
        c->buckets = NULL;
}
