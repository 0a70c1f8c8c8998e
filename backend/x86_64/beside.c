/* SPDX-License-Identifier: MIT */
/*
 * Stores to data on a page that holds code as well, on other lines of it (struct tlb_entry, code_lines).
 * The probe of any store finds them in its cold code, which tests the lines' marks and goes on behind the
 * probe. Where the guest's registers tell, as the region is made, that a store goes to such a page, its
 * probe tests the marks itself: then that is five instructions and no jump more than other stores have.
 *
 *      lea t, [a + TLB_BESIDE]; sub t, [r15 + r11].tag; test t, what is no aligned offset; jne cold
 *      mov s, [r15 + r11].code_lines; mov s, [s]; shr t, 6; bt s, t; jc cold
 *
 * It is a guess and may be wrong; then the cold code finds the page writable as a whole.
 */
#include "backend/x86_64/emit.h"

#include "base/arena.h"

/* ---- which stores ---- */

enum { GUESS_DEPTH = 4 };

/* Does the address lie in the region's page, or in one that the TLB has as one with code? */
static bool near_code(const struct compiled *out, uint64_t a)
{
        const struct tlb_entry *entry = &out->tlb[tlb_index(a)];
        uint64_t page = a & ~(uint64_t)(GUEST_PAGE_SIZE - 1);

        return page == out->page || (entry->code_lines && entry->write == tlb_beside_tag(page));
}

/* May value @v plus @more, more or less, be an address near code? @slots: those that may; NULL: who knows. */
static bool points_near(const struct emit *e, const uint8_t *slots, ir_ref v, uint64_t more, unsigned depth)
{
        const struct ir_ins *i = &e->r->ins[v], *by = &e->r->ins[i->arg[1]];

        switch (i->op) {
        case IR_OP_const:
                return near_code(e->out, i->imm + more);
        case IR_OP_pcaddr:
                return near_code(e->out, e->out->page + i->imm + more);
        case IR_OP_get:
                return slots && slots[i->aux];
        case IR_OP_add:
                if (depth && by->op == IR_OP_const)
                        return points_near(e, slots, i->arg[0], more + by->imm, depth - 1);
                return depth && (points_near(e, slots, i->arg[0], more, depth - 1) ||
                                 points_near(e, slots, i->arg[1], more, depth - 1));
        default:
                return false;
        }
}

/* Slots that hold such an address now, or are given one in the region, by number. */
static const uint8_t *find_slots(struct emit *e)
{
        const struct ir_guest *guest = e->r->guest;
        uint8_t *slots = arena_zalloc(e->r->arena, guest->n_slots);
        uint64_t now;

        for (uint32_t n = 0; n < guest->n_slots; n++) {
                if (guest->slots[n].type != IR_I64)
                        continue;
                memcpy(&now, e->out->state + guest->slots[n].offset, sizeof(now));
                slots[n] = near_code(e->out, now);
        }
        for (ir_ref n = 1; n < e->r->n_ins; n++) {
                const struct ir_ins *i = &e->r->ins[n];

                if (i->op == IR_OP_put && i->type == IR_I64 && !(i->flags & IR_INS_DEAD))
                        slots[i->aux] |= points_near(e, NULL, i->arg[0], 0, 1);
        }
        return slots;
}

bool x86_stores_beside(struct emit *e, ir_ref base, int32_t imm)
{
        struct x86_own *own = x86_own(e);

        if (!e->out->state)
                return false;
        if (!own->near_code)
                own->near_code = find_slots(e);
        return points_near(e, own->near_code, base, (int64_t)imm, GUESS_DEPTH);
}

/* ---- code ---- */

static void load_marks(struct emit *e, unsigned word)
{
        x86_load(&e->a, true, word, x86_at_index(R15, SCRATCH, 0, offsetof(struct tlb_entry, code_lines)));
        x86_load(&e->a, true, word, x86_at(word, 0));
}

/* The bit of the line that t is in; t is taken modulo 4096. */
static void test_line(struct emit *e, unsigned word, unsigned t)
{
        x86_shift_imm(&e->a, SH_SHR, false, t, CODE_LINE_BITS);
        x86_bt(&e->a, true, word, t);
}

void x86_probe_beside(struct emit *e, struct cold *c)
{
        struct asm_out *a = &e->a;
        unsigned base = c->beside.a, t = c->beside.t;
        int32_t lo = c->beside.lo;

        c->beside.first = true;
        if (lo) {
                x86_lea(a, true, t, x86_at(base, lo));
                x86_tlb_index(e, t);
                x86_alu_imm(a, ALU_ADD, true, t, TLB_BESIDE);
        } else {
                x86_tlb_index(e, base);
                x86_lea(a, true, t, x86_at(base, TLB_BESIDE));
        }
        x86_alu_load(a, ALU_SUB, true, t, x86_at_index(R15, SCRATCH, 0, tlb_tag_offset(true)));
        x86_test_imm(a, true, t, -GUEST_PAGE_SIZE | (int32_t)(c->beside.span - 1));
        emit_cold_from(c, x86_jcc(a, CC_NE));
        load_marks(e, c->beside.spare);
        test_line(e, c->beside.spare, t);
        emit_cold_from(c, x86_jcc(a, CC_B));
        c->beside.probed = a->p;
}

/* The cold code of that begins so: the page may be writable as a whole. Else t is what other probes leave. */
static void cold_whole_page(struct emit *e, const struct cold *c)
{
        x86_alu_imm(&e->a, ALU_SUB, true, c->beside.t, TLB_BESIDE);
        x86_alu_imm(&e->a, ALU_CMP, true, c->beside.t, GUEST_PAGE_SIZE - c->beside.span);
        x86_patch(x86_jcc(&e->a, CC_BE), c->beside.probed);
}

/*
 * Here t is the address less the tag, r11 the index, as the probe left them, and the index it is again when
 * it goes on behind the probe:
 *
 *      add t, TLB_BESIDE; test t, what is no aligned offset; jne out
 *      mov s, [r15 + r11].code_lines; mov s, [s]; shr t, 6; bt s, t; jnc probed
 *
 * With no register to spare, s is r11, and the index is made once more.
 */
static void cold_line(struct emit *e, const struct cold *c)
{
        struct asm_out *a = &e->a;
        unsigned base = c->beside.a, t = c->beside.t, span = c->beside.span, n_out = 0;
        unsigned word = c->beside.spare != RA_NONE ? c->beside.spare : SCRATCH;
        int32_t lo = c->beside.lo;
        bool again = lo || c->i->mem.align; /* t as the address: a test for alignment may follow */
        uint8_t *probed = c->beside.first ? c->beside.probed : c->from[0] + 4, *out[2];

        x86_alu_imm(a, ALU_ADD, true, t, TLB_BESIDE);
        if (c->beside.aligned) {
                x86_test_imm(a, true, t, -GUEST_PAGE_SIZE | (int32_t)(span - 1));
                out[n_out++] = x86_jcc8(a, CC_NE);
        } else {
                x86_alu_imm(a, ALU_CMP, true, t, GUEST_PAGE_SIZE - span);
                out[n_out++] = x86_jcc8(a, CC_A);
        }
        load_marks(e, word);
        if (!c->beside.aligned) { /* the last byte's line, too */
                test_line(e, word, t);
                out[n_out++] = x86_jcc8(a, CC_B);
                x86_lea(a, true, t, x86_at(base, lo + (int32_t)span - 1));
        }
        test_line(e, word, t);
        if (word != SCRATCH && !c->i->mem.align) {
                x86_patch(x86_jcc(a, CC_AE), probed);
        } else {
                uint8_t *marked = x86_jcc8(a, CC_B);

                if (again) {
                        if (lo)
                                x86_lea(a, true, t, x86_at(base, lo));
                        else
                                x86_mov(a, true, t, base);
                }
                if (word == SCRATCH)
                        x86_tlb_index(e, again ? t : base);
                x86_patch(x86_jmp(a), probed);
                x86_here8(a, marked);
        }
        while (n_out)
                x86_here8(a, out[--n_out]);
}

void cold_beside(struct emit *e, const struct cold *c)
{
        if (c->beside.window) {
                x86_cold_window(e, c);
                return;
        }
        if (c->beside.first)
                cold_whole_page(e, c);
        if (!c->beside.first || !c->beside.aligned)
                cold_line(e, c);
        for (unsigned k = 1; k < c->n_from; k++) /* found, and misaligned or in a marked line */
                emit_patch(e, c->from[k], e->a.p);
}
