/* SPDX-License-Identifier: MIT */
/*
 * Address translation: 4-level paging with 4 KiB, 2 MiB and 1 GiB pages (Intel SDM volume 3, chapter 4),
 * with NX, WP, SMEP, SMAP, PCIDs and global pages. Accessed and dirty bits are set here, by
 * compare-and-swap; nothing is cached here. Five levels differ by the number that find_leaf begins with. Not
 * modelled: protection keys, PAT and MTRR types.
 */
#include "frontend/x86/cpu.h"

#define PTE_P (1ull << 0)
#define PTE_W (1ull << 1)
#define PTE_U (1ull << 2)
#define PTE_A (1ull << 5)
#define PTE_D (1ull << 6)
#define PTE_PS (1ull << 7)
#define PTE_G (1ull << 8)
#define PTE_NX (1ull << 63)
#define PTE_ADDRESS 0x0000fffffffff000ull
#define PTE_RESERVED 0x000f000000000000ull /* physical addresses have 48 bits */

/* Views, as context_key names them */
enum { VIEW_USER = 1, VIEW_WP = 2, VIEW_SMAP = 4, VIEW_SMEP = 8, VIEW_NXE = 16, VIEW_PAGING = 32 };

/* Error codes of page faults */
enum { PF_PRESENT = 1, PF_WRITE = 2, PF_USER = 4, PF_RESERVED = 8, PF_FETCH = 16 };

static uint32_t view_of(const struct x86_state *s, bool user, bool smap)
{
        uint32_t view = user ? VIEW_USER : 0;

        if (!(s->cr0 & X86_CR0_PG))
                return view;
        view |= VIEW_PAGING | (s->efer & X86_EFER_NXE ? VIEW_NXE : 0);
        if (user)
                return view;
        return view | (s->cr0 & X86_CR0_WP ? VIEW_WP : 0) | (smap &&
                (s->cr4 & X86_CR4_SMAP) ? VIEW_SMAP : 0) |
               (s->cr4 & X86_CR4_SMEP ? VIEW_SMEP : 0);
}

/*
 * A space is a PCID, whose translations stay across changes of CR3 that say so; without PCIDs it is CR3's
 * page, and loading CR3 flushes it.
 */
void x86_context_key(const struct vcpu *v, uint64_t *space, uint32_t *data_view, uint32_t *fetch_view)
{
        const struct x86_state *s = x86_state_const(v);

        *space = s->cr4 & X86_CR4_PCIDE ? (s->cr3 & 0xfff) | 1ull << 63 : s->cr3 & PTE_ADDRESS;
        *data_view = view_of(s, s->cpl == 3, !(s->system_flags & X86_FL_AC));
        *fetch_view = view_of(s, s->cpl == 3, false);
}

static bool fault(struct vcpu *v, gva_t gva, enum access access, uint32_t view, unsigned code)
{
        const struct x86_state *s = x86_state_const(v);

        code |= access == ACCESS_WRITE ? PF_WRITE : 0;
        code |= view & VIEW_USER ? PF_USER : 0;
        if (access == ACCESS_FETCH && ((s->efer & X86_EFER_NXE) || (s->cr4 & X86_CR4_SMEP)))
                code |= PF_FETCH;
        x86_raise_pf(v, gva, code);
        return false;
}

/* What the entries on the way to a leaf say together. */
struct path {
        gpa_t pte_addr[5];
        uint64_t pte[5];
        int top, level; /* entries top down to level were read; level 0 is a 4 KiB page's */
        bool write, user, exec;
};

enum step { STEP_LEAF, STEP_ABSENT, STEP_RESERVED };

static bool reserved(int level, uint64_t pte, uint32_t view)
{
        uint64_t bits = PTE_RESERVED | (view & VIEW_NXE ? 0 : PTE_NX);

        if (level >= 3 || (level && !(pte & PTE_PS)))
                return pte & (bits | (level >= 3 ? PTE_PS : 0));
        /* between the address of a large page and its PAT bit */
        if (level)
                bits |= ((1ull << (9 * level)) - 1) << 12 & ~(1ull << 12);
        return pte & bits;
}

static enum step find_leaf(struct vcpu *v, gva_t gva, uint32_t view, struct path *p)
{
        gpa_t table = x86_state(v)->cr3 & PTE_ADDRESS;

        p->write = p->user = p->exec = true;
        p->top = 3;
        for (p->level = p->top;; p->level--) {
                uint64_t pte;

                p->pte_addr[p->level] = table + (gva >> (12 + 9 * p->level) & 511) * 8;
                if (!cpu_phys_read(v, p->pte_addr[p->level], 8, &pte) || !(pte & PTE_P))
                        return STEP_ABSENT;
                p->pte[p->level] = pte;
                if (reserved(p->level, pte, view))
                        return STEP_RESERVED;
                p->write &= (pte & PTE_W) != 0;
                p->user &= (pte & PTE_U) != 0;
                p->exec &= !(pte & PTE_NX);
                if (!p->level || (pte & PTE_PS))
                        return STEP_LEAF;
                table = pte & PTE_ADDRESS;
        }
}

/* SDM volume 3, 4.6.1 */
static void grants(const struct path *p, uint32_t view, struct walk *out)
{
        bool exec = !(view & VIEW_NXE) || p->exec;

        if (view & VIEW_USER) {
                out->read = p->user;
                out->write = p->user && p->write;
                out->exec = p->user && exec;
        } else {
                out->read = !p->user || !(view & VIEW_SMAP);
                out->write = out->read && (p->write || !(view & VIEW_WP));
                out->exec = exec && !(p->user && (view & VIEW_SMEP));
        }
}

/* Sets the bits of @set in an entry that was read as *@pte; false: it changed meanwhile. */
static bool mark(struct vcpu *v, gpa_t at, uint64_t *pte, uint64_t set)
{
        bool swapped = true;

        if ((*pte & set) == set)
                return true;
        if (!cpu_phys_cas(v, at, 8, *pte, *pte | set, &swapped))
                return true; /* read-only memory keeps no such bits */
        *pte |= set;
        return swapped;
}

static bool walk_once(struct vcpu *v, gva_t gva, enum access access, uint32_t view, bool debug,
                      struct walk *out,
                      bool *again)
{
        struct path p;
        enum step step = find_leaf(v, gva, view, &p);
        uint64_t offset;

        *again = false;
        if (step != STEP_LEAF)
                return fault(v, gva, access, view, step == STEP_RESERVED ? PF_RESERVED | PF_PRESENT : 0);
        grants(&p, view, out);
        if (!debug && !(access == ACCESS_READ ? out->read : access == ACCESS_WRITE ? out->write : out->exec))
                return fault(v, gva, access, view, PF_PRESENT);
        out->page_bits = out->linear_bits = 12 + 9 * p.level;
        offset = gva & ((1ull << out->page_bits) - 1) & ~(uint64_t)(GUEST_PAGE_SIZE - 1);
        out->gpa = (p.pte[p.level] & PTE_ADDRESS & ~((1ull << out->page_bits) - 1)) | offset;
        out->global = (p.pte[p.level] & PTE_G) && (x86_state(v)->cr4 & X86_CR4_PGE);
        if (debug)
                return true;
        for (int n = p.top; n >= p.level && !*again; n--) {
                uint64_t set = PTE_A | (n == p.level && access == ACCESS_WRITE ? PTE_D : 0);

                *again = !mark(v, p.pte_addr[n], &p.pte[n], set);
        }
        /* pages are writable in TLBs from the first store on, so that it sets the dirty bit */
        out->write &= (p.pte[p.level] & PTE_D) != 0;
        return true;
}

bool x86_walk(struct vcpu *v, gva_t gva, unsigned size, enum access access, uint32_t view, bool debug,
              struct walk *out)
{
        bool again, ok;

        if (!x86_canonical(gva)) {
                x86_raise(v, X86_EXC_GP, 0);
                return false;
        }
        if (!(view & VIEW_PAGING)) {
                *out = (struct walk){
                        .gpa = gva & ~(uint64_t)(GUEST_PAGE_SIZE - 1), .page_bits = GUEST_PAGE_BITS,
                        .linear_bits = 47, .read = true, .write = true, .exec = true,
                };
                return true;
        }
        /* another CPU may change an entry between reading and marking it: then all of it is read anew */
        do {
                *out = (struct walk){.page_bits = GUEST_PAGE_BITS};
                ok = walk_once(v, gva, access, view, debug, out, &again);
        } while (ok && again);
        return ok;
}

/* ---- the CPU's own accesses ---- */

static bool translate(struct vcpu *v, gva_t gva, enum access access, bool supervisor, gpa_t *gpa)
{
        const struct x86_state *s = x86_state_const(v);
        uint32_t view = view_of(s, !supervisor && s->cpl == 3, true);
        struct walk w;

        if (!x86_walk(v, gva, 1, access, view, false, &w))
                return false;
        *gpa = w.gpa | (gva & (GUEST_PAGE_SIZE - 1));
        return true;
}

bool x86_read(struct vcpu *v, gva_t gva, unsigned size, bool supervisor, uint64_t *value)
{
        struct mem_attr attr = {.requester = v->index};
        unsigned first = MIN(size, GUEST_PAGE_SIZE - (unsigned)(gva & (GUEST_PAGE_SIZE - 1)));
        uint64_t byte;
        gpa_t gpa, second;

        *value = 0;
        if (!translate(v, gva, ACCESS_READ, supervisor, &gpa))
                return false;
        if (first == size) {
                address_space_read(v->as, gpa, size, attr, value);
                return true;
        }
        if (!translate(v, gva + first, ACCESS_READ, supervisor, &second))
                return false;
        for (unsigned n = 0; n < size; n++) {
                address_space_read(v->as, n < first ? gpa + n : second + n - first, 1, attr, &byte);
                *value |= (byte & 0xff) << 8 * n;
        }
        return true;
}

bool x86_write(struct vcpu *v, gva_t gva, unsigned size, bool supervisor, uint64_t value)
{
        struct mem_attr attr = {.requester = v->index};
        unsigned first = MIN(size, GUEST_PAGE_SIZE - (unsigned)(gva & (GUEST_PAGE_SIZE - 1)));
        gpa_t gpa, second;

        if (!translate(v, gva, ACCESS_WRITE, supervisor, &gpa))
                return false;
        if (first == size) {
                address_space_write(v->as, gpa, size, attr, value);
                return true;
        }
        if (!translate(v, gva + first, ACCESS_WRITE, supervisor, &second))
                return false;
        for (unsigned n = 0; n < size; n++)
                address_space_write(v->as, n < first ? gpa + n : second + n - first, 1, attr,
                                    value >> 8 * n & 0xff);
        return true;
}
