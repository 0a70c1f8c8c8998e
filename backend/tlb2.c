/* SPDX-License-Identifier: MIT */
/*
 * The second-level TLB and what fills the first. A failed walk is never cached, nor is a page that protection
 * splits; a page is writable here only once its dirty bit is set, so that the first store walks again.
 */
#include "backend/tlb2.h"

#include "backend/runtime.h"

static unsigned set_index(gva_t gva)
{
        uint64_t page = gva >> GUEST_PAGE_BITS;

        return (page ^ page >> TLB2_BITS) & (TLB2_SETS - 1);
}

static gva_t page_of(gva_t a)
{
        return a & ~(gva_t)(GUEST_PAGE_SIZE - 1);
}

/* tlb2_entry.page of a page's entries. */
static uint64_t tag_of(gva_t a)
{
        return page_of(a) | 1;
}

void tlb2_flush(struct tlb2 *t)
{
        for (unsigned i = 0; i < TLB2_SETS; i++)
                for (unsigned j = 0; j < TLB2_WAYS; j++)
                        t->sets[i][j].page = 0;
}

void tlb2_flush_page(struct tlb2 *t, gva_t gva, uint32_t id)
{
        struct tlb2_entry *set = t->sets[set_index(gva)];

        for (unsigned i = 0; i < TLB2_WAYS; i++)
                if (set[i].page == tag_of(gva) && (!id || set[i].id == id))
                        set[i].page = 0;
}

/* ---- filling ---- */

static const struct mem_row *find_row(struct vcpu *v, gpa_t gpa)
{
        const struct mem_row *row = v->engine->ram_row;

        if (row && gpa - row->start < row->size)
                return row;
        row = address_space_find(v->as, gpa);
        if (row && row->kind != MEM_ROW_MMIO)
                v->engine->ram_row = row;
        return row;
}

static uint32_t access_flag(enum access access)
{
        return access == ACCESS_READ ? TLB2_READ : access == ACCESS_WRITE ? TLB2_WRITE : TLB2_EXEC;
}

static struct tlb2_entry *entry_for(struct tlb2 *t, gva_t gva, uint32_t view, uint32_t id)
{
        unsigned n = set_index(gva);
        struct tlb2_entry *set = t->sets[n];

        for (unsigned i = 0; i < TLB2_WAYS; i++)
                if (set[i].page == tag_of(gva) && set[i].view == view && set[i].id == id)
                        return &set[i];
        for (unsigned i = 0; i < TLB2_WAYS; i++)
                if (!set[i].page)
                        return &set[i];
        return &set[t->victim[n]++ % TLB2_WAYS];
}

static bool walk_page(struct vcpu *v, gva_t gva, unsigned size, enum access access, uint32_t view,
                      struct tlb_page *out)
{
        struct contexts *cx = &v->engine->contexts;
        struct walk w = {0};
        const struct mem_row *row;
        struct tlb2_entry *e;
        uint32_t id;

        stat_inc(v, STAT_tlb_walks);
        if (!v->ops->walk(v, gva, size, access, view, false, &w))
                return false;
        *out = (struct tlb_page){.gpa = page_of(w.gpa), .partial = w.partial};
        out->flags = access_flag(access) | (w.read ? TLB2_READ : 0) | (w.write ? TLB2_WRITE : 0) |
                     (w.exec ? TLB2_EXEC : 0) | (uint32_t)w.linear_bits << TLB2_LINEAR_SHIFT;
        row = find_row(v, out->gpa);
        if (row && row->kind != MEM_ROW_MMIO) {
                out->ram = row->ram;
                out->host = row->ram->host + row->offset + (out->gpa - row->start);
                out->flags |= row->kind == MEM_ROW_ROM || row->ram->readonly ? TLB2_ROM : TLB2_RAM;
        }
        if (w.partial)
                return true;
        id = w.global ? cx->global_id : cx->space_id;
        e = entry_for(&v->engine->tlb2, gva, view, id);
        /* A walk may tell about its own kind of access alone: what is known stays. */
        if (e->page == tag_of(gva) && e->view == view && e->id == id && page_of(e->gpa) == out->gpa)
                out->flags |= e->gpa & (TLB2_READ | TLB2_WRITE | TLB2_EXEC);
        *e = (struct tlb2_entry){.page = tag_of(gva), .gpa = out->gpa | out->flags, .host = out->host,
                                 .ram = out->ram, .id = id, .view = view};
        if (w.page_bits > GUEST_PAGE_BITS)
                context_note_large(v, gva, w.page_bits, w.global);
        return true;
}

bool tlb_find_page(struct vcpu *v, gva_t gva, unsigned size, enum access access, struct tlb_page *out)
{
        struct contexts *cx = &v->engine->contexts;
        uint32_t view = access == ACCESS_FETCH ? cx->fetch_view : cx->data_view;
        const struct tlb2_entry *set = v->engine->tlb2.sets[set_index(gva)];

        for (unsigned i = 0; i < TLB2_WAYS; i++) {
                const struct tlb2_entry *e = &set[i];

                if (e->page != tag_of(gva) || e->view != view || !(e->gpa & access_flag(access)) ||
                    (e->id != cx->space_id && e->id != cx->global_id))
                        continue;
                *out = (struct tlb_page){.gpa = page_of(e->gpa), .host = e->host, .ram = e->ram,
                                         .flags = e->gpa & (GUEST_PAGE_SIZE - 1)};
                return true;
        }
        return walk_page(v, gva, size, access, view, out);
}

/*
 * Keeps the addend that most entries have. Where the address space is a linear image of RAM (no paging, an
 * identity map, a kernel's own map) that is nearly all, and code can be made that takes it for granted
 * until it is proved (struct compiled, linear).
 */
static void note_addend(struct vcpu *v, uint64_t addend)
{
        unsigned *sure = &v->engine->addend_sure;

        if (addend == v->hot.addend) {
                *sure += *sure < ADDEND_SURE_MAX;
        } else if (*sure >= ADDEND_WRONG) {
                *sure -= ADDEND_WRONG;
        } else {
                *sure = v->hot.addend ? 0 : ADDEND_SURE; /* the first one counts until it is refuted */
                v->hot.addend = addend;
        }
}

/*
 * Opens the context's window, if addresses from 0 on are an image of the RAM that was found. Watchpoints
 * may be of any page.
 */
static void open_window(struct vcpu *v, struct data_context *c, gva_t gva, const struct tlb_page *page)
{
        unsigned bits = page->flags >> TLB2_LINEAR_SHIFT & 63;
        gpa_t zero = page->gpa - page_of(gva);
        const struct mem_row *row;
        uint64_t size;

        if (!(page->flags & TLB2_READ) || !bits || gva >> bits || v->vm->watchpoints->len)
                return;
        row = find_row(v, page->gpa);
        if (!row || zero - row->start >= row->size)
                return;
        size = MIN(row->size - (zero - row->start), 1ull << bits);
        if (size > WINDOW_SLACK)
                context_set_window(c, size - WINDOW_SLACK, (uint64_t)(uintptr_t)page->host - page_of(gva));
}

bool tlb_fill(struct vcpu *v, gva_t gva, unsigned size, enum access access, struct tlb_page *out)
{
        struct data_context *c = v->engine->contexts.cur_data;
        unsigned n = tlb_index(gva);
        struct tlb_entry *e = &c->tlb[n];
        _Atomic uint64_t *lines;
        bool code, write;

        if (!tlb_find_page(v, gva, size, access, out))
                return false;
        if (!out->host || out->partial || watch_page(v->vm, gva))
                return true;
        stat_inc(v, STAT_tlb_fills);
        c->filled |= 1ull << (n / DATA_GROUP);
        lines = ram_lines(out->ram, out->host);
        write = (out->flags & TLB2_WRITE) && (out->flags & TLB2_RAM);
        code = write && atomic_load(lines);
        *e = (struct tlb_entry){
                .read = out->flags & TLB2_READ ? page_of(gva) : tlb_empty_tag(n),
                .write = !write ? tlb_empty_tag(n) : code ? tlb_beside_tag(page_of(gva)) : page_of(gva),
                .addend = (uint64_t)(uintptr_t)out->host - page_of(gva),
                .code_lines = code ? lines : NULL,
        };
        note_addend(v, e->addend);
        if (!c->window)
                open_window(v, c, gva, out);
        return true;
}
