/* SPDX-License-Identifier: MIT */
/*
 * Address translation of the EL1&0 regime, stage 1, 4 KiB granule (Arm ARM D8), and AT. Access flags are not
 * set by hardware here, nor is dirty state: their absence faults. Nothing is cached. Not modelled: other
 * granules, 52-bit addresses, memory types but for alignment while the MMU is off, the contiguous bit.
 */
#include "frontend/arm/cpu.h"

#include "base/bits.h"

#define DESC_VALID (1ull << 0)
#define DESC_TABLE (1ull << 1)
#define DESC_AP_EL0 (1ull << 6)
#define DESC_AP_READ_ONLY (1ull << 7)
#define DESC_AF (1ull << 10)
#define DESC_NG (1ull << 11)
#define DESC_PXN (1ull << 53)
#define DESC_UXN (1ull << 54)
#define DESC_TABLE_PXN (1ull << 59)
#define DESC_TABLE_UXN (1ull << 60)
#define DESC_TABLE_NO_EL0 (1ull << 61)
#define DESC_TABLE_READ_ONLY (1ull << 62)
#define DESC_ADDRESS (bits_mask(48) & ~bits_mask(12))

enum { PA_BITS = 48 };

static uint16_t current_asid(const struct a64_state *s)
{
        uint64_t ttbr = s->tcr_el1 >> 22 & 1 ? s->ttbr1_el1 : s->ttbr0_el1;

        return s->tcr_el1 >> 36 & 1 ? ttbr >> 48 : ttbr >> 48 & 0xff;
}

/*
 * A space is an ASID: translations of one ASID may be kept across a change of a root until a TLBI.
 * Changes of TCR_EL1 and of SCTLR_EL1.WXN, which views do not show, flush (sysreg.c).
 */
void a64_context_key(const struct vcpu *v, uint64_t *space, uint32_t *data_view, uint32_t *fetch_view)
{
        const struct a64_state *s = a64_state_const(v);
        bool mmu = s->sctlr_el1 & A64_SCTLR_M;
        uint32_t view = (s->el ? A64_VIEW_EL1 : 0) | (mmu ? A64_VIEW_MMU : 0);

        *space = mmu ? current_asid(s) : 0;
        *fetch_view = view;
        *data_view = view | (s->el && s->pan ? A64_VIEW_PAN : 0);
}

/* TCR_EL1.TBI0, TBI1: the top byte of an address of that half does not count. */
static bool ignores_top_byte(const struct a64_state *s, gva_t gva)
{
        return s->tcr_el1 >> (gva >> 55 & 1 ? 38 : 37) & 1;
}

/* What a branch leaves in PC (AArch64.BranchAddr): such a byte goes. */
static gva_t branch_address(const struct a64_state *s, gva_t gva)
{
        return ignores_top_byte(s, gva) ? (gva_t)bits_sext(gva, 56) : gva;
}

/* What a descent through the tables found, or the fault status that ended it. */
struct descent {
        unsigned fsc;       /* 0xff: none */
        uint64_t desc;      /* the leaf, with what the tables above took away */
        unsigned level;
};

enum { NO_FAULT = 0xff };

static unsigned ips_bits(uint64_t tcr)
{
        static const uint8_t bits[8] = {32, 36, 40, 42, 44, 48, 48, 48};

        return bits[tcr >> 32 & 7];
}

/* Table attributes limit what the leaf says, unless TCR_EL1.HPD switches them off. */
static uint64_t limits_of(uint64_t table)
{
        return (table & DESC_TABLE_PXN ? DESC_PXN : 0) | (table & DESC_TABLE_UXN ? DESC_UXN : 0) |
               (table & DESC_TABLE_READ_ONLY ? DESC_AP_READ_ONLY : 0);
}

static struct descent descend(struct vcpu *v, gva_t gva)
{
        const struct a64_state *s = a64_state(v);
        uint64_t tcr = s->tcr_el1, limits = 0;
        bool high = gva >> 55 & 1, tbi = ignores_top_byte(s, gva), no_el0 = false;
        unsigned size = CLAMP((unsigned)(tcr >> (high ? 16 : 0) & 63), 16, 39), input = 64 - size;
        unsigned top = tbi ? 55 : 63, level = 4 - (input - 12 + 8) / 9;
        unsigned granule = tcr >> (high ? 30 : 14) & 3, pa_bits = ips_bits(tcr);
        uint64_t above = bits_get(gva, input, top + 1 - input);
        gpa_t table = (high ? s->ttbr1_el1 : s->ttbr0_el1) & bits_mask(48) & ~1ull;

        if ((tcr >> (high ? 23 : 7) & 1) || above != (high ? bits_mask(top + 1 - input) : 0) ||
            granule != (high ? 2 : 0))
                return (struct descent){A64_FSC_TRANSLATION, 0, 0};
        if (table >> pa_bits)
                return (struct descent){A64_FSC_ADDRESS_SIZE, 0, 0};
        for (;; level++) {
                unsigned shift = 39 - 9 * level, index_bits = MIN(9, input - shift);
                uint64_t desc;

                table &= ~bits_mask(index_bits + 3);
                if (!cpu_phys_read(v, table + bits_get(gva, shift, index_bits) * 8, 8, &desc))
                        return (struct descent){A64_FSC_EXTERNAL_WALK + level, 0, level};
                if (!(desc & DESC_VALID) || (!(desc & DESC_TABLE) && (level == 0 || level == 3)))
                        return (struct descent){A64_FSC_TRANSLATION + level, 0, level};
                if ((desc & DESC_ADDRESS) >> pa_bits)
                        return (struct descent){A64_FSC_ADDRESS_SIZE + level, 0, level};
                if (level == 3 || !(desc & DESC_TABLE)) {
                        desc |= limits;
                        if (no_el0)
                                desc &= ~DESC_AP_EL0;
                        if (!(desc & DESC_AF))
                                return (struct descent){A64_FSC_ACCESS_FLAG + level, desc, level};
                        return (struct descent){NO_FAULT, desc, level};
                }
                if (!(tcr >> (high ? 42 : 41) & 1)) {
                        limits |= limits_of(desc);
                        no_el0 |= (desc & DESC_TABLE_NO_EL0) != 0;
                }
                table = desc & DESC_ADDRESS;
        }
}

/* What a leaf grants in a view. */
static void grants(const struct a64_state *s, uint64_t desc, uint32_t view, struct walk *out)
{
        bool el0 = desc & DESC_AP_EL0, read_only = desc & DESC_AP_READ_ONLY,
                wxn = s->sctlr_el1 & A64_SCTLR_WXN;

        if (view & A64_VIEW_EL1) {
                bool write = !read_only;

                out->exec = !(desc & DESC_PXN) && !(el0 && !read_only) && !(wxn && write);
                out->read = !(el0 && (view & A64_VIEW_PAN));
                out->write = write && out->read;
        } else {
                out->read = el0;
                out->write = el0 && !read_only;
                out->exec = !(desc & DESC_UXN) && !(wxn && out->write);
        }
}

static bool fault(struct vcpu *v, gva_t gva, enum access access, unsigned fsc)
{
        a64_abort(v, gva, access, fsc);
        return false;
}

static bool flat(struct vcpu *v, gva_t gva, enum access access, bool debug, struct walk *out)
{
        unsigned top = ignores_top_byte(a64_state(v), gva) ? 55 : 63;

        if (bits_get(gva, PA_BITS, top + 1 - PA_BITS) && !debug)
                return fault(v, gva, access, A64_FSC_ADDRESS_SIZE);
        *out = (struct walk){
                .gpa = gva & bits_mask(PA_BITS) & ~bits_mask(GUEST_PAGE_BITS), .page_bits = GUEST_PAGE_BITS,
                .read = true, .write = true, .exec = branch_address(a64_state(v), gva) == gva,
        };
        return true;
}

bool a64_walk(struct vcpu *v, gva_t gva, unsigned size, enum access access, uint32_t view, bool debug,
              struct walk *out)
{
        struct descent d;

        /* a branch went to an address with a tag: its way to PC is finished here, and it is fetched anew */
        if (access == ACCESS_FETCH && !debug && branch_address(a64_state(v), gva) != gva) {
                v->exception.cause = A64_CAUSE_RETARGET;
                v->exception.value = branch_address(a64_state(v), v->hot.pc);
                return false;
        }
        if (!(view & A64_VIEW_MMU))
                return flat(v, gva, access, debug, out);
        d = descend(v, gva);
        if (d.fsc != NO_FAULT && !(debug && (d.desc & DESC_VALID)))
                return fault(v, gva, access, d.fsc);
        *out = (struct walk){.page_bits = 39 - 9 * d.level, .global = !(d.desc & DESC_NG)};
        grants(a64_state(v), d.desc, view, out);
        /* an address with a tag is not one to fetch from, though it may be one of data in the same page */
        out->exec &= branch_address(a64_state(v), gva) == gva;
        if (!debug && !(access == ACCESS_READ ? out->read : access == ACCESS_WRITE ? out->write : out->exec))
                return fault(v, gva, access, A64_FSC_PERMISSION + d.level);
        out->gpa = (d.desc & DESC_ADDRESS & ~bits_mask(out->page_bits)) | (gva & bits_mask(out->page_bits));
        out->gpa &= ~(gpa_t)(GUEST_PAGE_SIZE - 1);
        return true;
}

/*
 * AT S1E1R, S1E1W, S1E0R, S1E0W (op2 0 to 3) and, with PAN, S1E1RP and S1E1WP (CRm 9): PAR_EL1.
 */
A64_HELP(at)
{
        struct a64_state *s = a64_state(v);
        uint32_t view = s->sctlr_el1 & A64_SCTLR_M ? A64_VIEW_MMU : 0;
        enum access access = a & 1 ? ACCESS_WRITE : ACCESS_READ;
        struct walk walk;

        if (!(a & 2))
                view |= A64_VIEW_EL1;
        if ((a >> 3 & 15) == 9 && s->pan)
                view |= A64_VIEW_PAN;
        if (a64_walk(v, b, 1, access, view, false, &walk)) {
                uint64_t attr = 0, share = 2;

                if (view & A64_VIEW_MMU) {
                        struct descent d = descend(v, b);

                        attr = s->mair_el1 >> (d.desc >> 2 & 7) * 8 & 0xff;
                        share = attr >> 4 ? d.desc >> 8 & 3 : 2;
                }
                s->par_el1 = walk.gpa | attr << 56 | share << 7 | 1ull << 11 | 1ull << 9;
        } else {
                s->par_el1 = 1 | (v->exception.cause & 63) << 1 | 1ull << 11;
        }
        return a64_done(0);
}

/* ---- LDTR and STTR at EL1: as if from EL0 ---- */

static bool unprivileged(struct vcpu *v, gva_t gva, unsigned size, enum access access, gpa_t *gpa)
{
        uint64_t space;
        uint32_t view, fetch;
        struct walk walk;

        a64_context_key(v, &space, &view, &fetch);
        if (!a64_walk(v, gva, size, access, a64_unprivileged_view(view), false, &walk))
                return false;
        *gpa = walk.gpa | (gva & (GUEST_PAGE_SIZE - 1));
        return true;
}

/*
 * Piece by piece where the access crosses a page or is misaligned; all pages are looked at before the first
 * byte.
 */
static bool unprivileged_access(struct vcpu *v, gva_t gva, unsigned size, enum access access, uint64_t *value)
{
        unsigned step = gva & (size - 1) ? 1 : size;
        gpa_t gpa[8];

        for (unsigned i = 0; i < size; i += step) {
                if (!unprivileged(v, gva + i, step, access, &gpa[i]))
                        return false;
        }
        for (unsigned i = 0; i < size; i += step) {
                struct mem_attr attr = {.requester = v->index};
                uint64_t piece = *value >> 8 * i;
                enum mem_result r;

                if (access == ACCESS_WRITE) {
                        r = address_space_write(v->as, gpa[i], step, attr, piece & bits_mask(8 * step));
                } else {
                        r = address_space_read(v->as, gpa[i], step, attr, &piece);
                        *value = (i ? *value : 0) | piece << 8 * i;
                }
                if (r != MEM_OK) {
                        a64_abort(v, gva + i, access, A64_FSC_EXTERNAL);
                        return false;
                }
        }
        return true;
}

static bool must_align(const struct vcpu *v)
{
        return a64_mode(v) & A64_MODE_ALIGN;
}

A64_HELP(ldtr)
{
        uint64_t value = 0;
        unsigned bits = 8u << b;

        if ((a & ((1u << b) - 1)) && must_align(v))
                a64_abort(v, a, ACCESS_READ, A64_FSC_ALIGNMENT);
        else if (unprivileged_access(v, a, 1u << b, ACCESS_READ, &value))
                return a64_done(c == 0 ? value : c == 1 ? (uint64_t)bits_sext(value, bits) :
                                (uint32_t)bits_sext(value, bits));
        return (struct ir_helper_ret){0, 1 + IR_EXIT_EXCEPTION};
}

A64_HELP(sttr)
{
        uint64_t value = b;

        if ((a & ((1u << c) - 1)) && must_align(v))
                a64_abort(v, a, ACCESS_WRITE, A64_FSC_ALIGNMENT);
        else if (unprivileged_access(v, a, 1u << c, ACCESS_WRITE, &value))
                return a64_done(0);
        return (struct ir_helper_ret){0, 1 + IR_EXIT_EXCEPTION};
}
