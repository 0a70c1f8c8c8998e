/* SPDX-License-Identifier: MIT */
/*
 * Address translation: Sv39 and Sv48 (volume II, sections 4.3 to 4.5), with PMP. Accessed and dirty bits are
 * set here, atomically, as the specification allows; nothing is cached here.
 */
#include "frontend/riscv/cpu.h"

#include "base/bits.h"

enum { SATP_BARE = 0, SATP_SV39 = 8, SATP_SV48 = 9 };

#define PTE_V (1ull << 0)
#define PTE_R (1ull << 1)
#define PTE_W (1ull << 2)
#define PTE_X (1ull << 3)
#define PTE_U (1ull << 4)
#define PTE_G (1ull << 5)
#define PTE_A (1ull << 6)
#define PTE_D (1ull << 7)
#define PTE_RESERVED (0x3ffull << 54) /* N, PBMT and what no extension defines */

static unsigned satp_mode(uint64_t satp)
{
        return satp >> 60;
}

/* The privilege that data accesses have: mstatus.MPRV lends MPP's. */
static enum rv_priv data_priv(const struct rv_state *s)
{
        if (s->priv == RV_M && (s->mstatus & RV_MSTATUS_MPRV))
                return bits_get(s->mstatus, 11, 2);
        return s->priv;
}

/*
 * A space is what satp's mode and ASID name: translations of one ASID may be kept across a change of the root
 * until an SFENCE.VMA (volume II, 4.2.1). What the data view says of privilege decides whether satp counts at
 * all.
 */
void rv_context_key(const struct vcpu *v, uint64_t *space, uint32_t *data_view, uint32_t *fetch_view)
{
        const struct rv_state *s = rv_state_const(v);
        enum rv_priv priv = data_priv(s);

        *space = priv == RV_M || satp_mode(s->satp) == SATP_BARE ? 0 : s->satp >> 44;
        *data_view = priv;
        if (priv == RV_S)
                *data_view |= s->mstatus & RV_MSTATUS_SUM ? RV_VIEW_SUM : 0;
        if (priv != RV_M)
                *data_view |= s->mstatus & RV_MSTATUS_MXR ? RV_VIEW_MXR : 0;
        *fetch_view = s->priv;
        /* a global translation holds in all spaces of its kind of page table, but not in another kind's */
        if (priv != RV_M)
                *data_view |= satp_mode(s->satp) << RV_VIEW_SATP_SHIFT;
        if (s->priv != RV_M)
                *fetch_view |= satp_mode(s->satp) << RV_VIEW_SATP_SHIFT;
}

static bool fault(struct vcpu *v, gva_t gva, enum access access, bool page)
{
        static const enum rv_cause causes[][2] = {
                [ACCESS_READ] = {RV_EXC_LOAD_ACCESS, RV_EXC_LOAD_PAGE},
                [ACCESS_WRITE] = {RV_EXC_STORE_ACCESS, RV_EXC_STORE_PAGE},
                [ACCESS_FETCH] = {RV_EXC_FETCH_ACCESS, RV_EXC_FETCH_PAGE},
        };

        v->exception.cause = causes[access][page];
        v->exception.value = gva;
        return false;
}

/* Fills in what PMP grants of the page at out->gpa and refuses the access itself if PMP does. */
static bool apply_pmp(struct vcpu *v, gva_t gva, unsigned size, enum access access, enum rv_priv priv,
                      bool debug, struct walk *out)
{
        gpa_t exact = out->gpa | (gva & (GUEST_PAGE_SIZE - 1));

        out->partial = rv_pmp_splits_page(v, out->gpa);
        if (debug)
                return true;
        if (!rv_pmp_check(v, exact, size, access, priv))
                return fault(v, gva, access, false);
        if (out->partial) {
                out->read &= rv_pmp_check(v, exact, size, ACCESS_READ, priv);
                out->write &= rv_pmp_check(v, exact, size, ACCESS_WRITE, priv);
                out->exec &= rv_pmp_check(v, exact, size, ACCESS_FETCH, priv);
                return true;
        }
        out->read &= rv_pmp_check(v, out->gpa, GUEST_PAGE_SIZE, ACCESS_READ, priv);
        out->write &= rv_pmp_check(v, out->gpa, GUEST_PAGE_SIZE, ACCESS_WRITE, priv);
        out->exec &= rv_pmp_check(v, out->gpa, GUEST_PAGE_SIZE, ACCESS_FETCH, priv);
        return true;
}

/* Permissions of a leaf in a view (4.3.2 step 6; MXR and SUM: 3.1.6.3). */
static void leaf_grants(uint64_t pte, enum rv_priv priv, uint32_t view, struct walk *out)
{
        bool user = pte & PTE_U, data_ok, exec_ok;

        data_ok = priv == RV_U ? user : !user || (view & RV_VIEW_SUM);
        exec_ok = priv == RV_U ? user : !user;
        out->read = data_ok && ((pte & PTE_R) || ((view & RV_VIEW_MXR) && (pte & PTE_X)));
        out->write = data_ok && (pte & PTE_W);
        out->exec = exec_ok && (pte & PTE_X);
}

enum step { STEP_LEAF, STEP_PAGE_FAULT, STEP_ACCESS_FAULT };

/* Steps 1 to 5 of 4.3.2: descends to a leaf; *@pte_addr and *@pte are its, *@level its level. */
static enum step find_leaf(struct vcpu *v, gva_t gva, gpa_t *pte_addr, uint64_t *pte, int *level,
                           bool *global)
{
        uint64_t satp = rv_state(v)->satp;
        int levels = satp_mode(satp) == SATP_SV39 ? 3 : 4;
        gpa_t table = (satp & bits_mask(44)) << GUEST_PAGE_BITS;
        unsigned va_bits = 12 + 9 * levels;

        *global = false;
        if (bits_sext(gva, va_bits) != (int64_t)gva)
                return STEP_PAGE_FAULT;
        for (*level = levels - 1;; (*level)--) {
                *pte_addr = table + bits_get(gva, 12 + 9 * *level, 9) * 8;
                if (!rv_pmp_check(v, *pte_addr, 8, ACCESS_READ, RV_S) || !cpu_phys_read(v, *pte_addr, 8, pte))
                        return STEP_ACCESS_FAULT;
                if (!(*pte & PTE_V) || (*pte & (PTE_R | PTE_W)) == PTE_W || (*pte & PTE_RESERVED))
                        return STEP_PAGE_FAULT;
                *global |= *pte & PTE_G;
                if (*pte & (PTE_R | PTE_X))
                        return STEP_LEAF;
                if (*level == 0 || (*pte & (PTE_A | PTE_D | PTE_U)))
                        return STEP_PAGE_FAULT;
                table = bits_get(*pte, 10, 44) << GUEST_PAGE_BITS;
        }
}

static bool walk_once(struct vcpu *v, gva_t gva, unsigned size, enum access access, uint32_t view, bool debug,
                      struct walk *out, bool *again)
{
        enum rv_priv priv = RV_VIEW_PRIV(view);
        uint64_t pte, want;
        gpa_t pte_addr;
        int level;
        enum step step = find_leaf(v, gva, &pte_addr, &pte, &level, &out->global);

        *again = false;
        if (step != STEP_LEAF)
                return fault(v, gva, access, step == STEP_PAGE_FAULT);
        leaf_grants(pte, priv, view, out);
        if (!debug && !(access == ACCESS_READ ? out->read : access == ACCESS_WRITE ? out->write : out->exec))
                return fault(v, gva, access, true);
        if (bits_get(pte, 10, 9 * level)) /* a misaligned superpage */
                return fault(v, gva, access, true);

        out->page_bits = 12 + 9 * level;
        out->gpa = bits_get(pte, 10, 44) << GUEST_PAGE_BITS;
        out->gpa |= gva & bits_mask(out->page_bits) & ~(uint64_t)(GUEST_PAGE_SIZE - 1);
        if (debug)
                return apply_pmp(v, gva, size, access, priv, debug, out);

        want = pte | PTE_A | (access == ACCESS_WRITE ? PTE_D : 0);
        if (want != pte) {
                bool swapped;

                if (!rv_pmp_check(v, pte_addr, 8, ACCESS_WRITE, RV_S) ||
                    !cpu_phys_cas(v, pte_addr, 8, pte, want, &swapped))
                        return fault(v, gva, access, false);
                *again = !swapped;
        }
        /* pages are writable in TLBs from the first store on, so that it sets the dirty bit */
        out->write &= (want & PTE_D) != 0;
        return apply_pmp(v, gva, size, access, priv, debug, out);
}

bool rv_walk(struct vcpu *v, gva_t gva, unsigned size, enum access access, uint32_t view, bool debug,
             struct walk *out)
{
        enum rv_priv priv = RV_VIEW_PRIV(view);
        bool again, ok;

        if (priv == RV_M || satp_mode(rv_state(v)->satp) == SATP_BARE) {
                *out = (struct walk){
                        .gpa = gva & ~(uint64_t)(GUEST_PAGE_SIZE - 1), .page_bits = GUEST_PAGE_BITS,
                        .read = true, .write = true, .exec = true,
                };
                return apply_pmp(v, gva, size, access, priv, debug, out);
        }
        /* another hart may change the entry between reading and marking it: then all of it is read anew */
        do {
                *out = (struct walk){.page_bits = GUEST_PAGE_BITS};
                ok = walk_once(v, gva, size, access, view, debug, out, &again);
        } while (ok && again);
        return ok;
}
