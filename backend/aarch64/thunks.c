/* SPDX-License-Identifier: MIT */
/*
 * The code that all regions share: entry and exit, the ways into C and out of it by a fault. Written once into
 * each code cache; conventions in emit.h. C keeps x19 to x28 and the lower halves of v8 to v15 by itself.
 */
#include "backend/aarch64/emit.h"

enum {
        SAVED_GPRS = 16,                          /* x0 to x15, then x30 and FPSR */
        SAVED_FP = 18 * 8,                        /* temporaries, or all where the guest has vectors */
        SAVED = SAVED_FP + 32 * 16,
        LR_OFF = 16 * 8, FPSR_OFF = 17 * 8,
        ARG_OFF = SAVED,                          /* of the caller's first argument */
        ENTER_SAVED = 12 * 8 + 8 * 8,             /* x19 to x30, d8 to d15 */
};
_Static_assert(SAVED % 16 == 0 && ENTER_SAVED % 16 == 0, "C wants an aligned stack");

struct thunks {
        struct emit_host *h;
        struct asm_out a;
        uint64_t literal[16];
        uint8_t *use[64];
        uint8_t use_of[64];
        unsigned n_literals, n_uses;
};

static const uint8_t *here(const struct asm_out *a)
{
        return asm_exec(a, a->p);
}

static void load_address(struct thunks *t, unsigned d, const void *address)
{
        uint64_t v = (uintptr_t)address;
        unsigned n = 0;

        while (n < t->n_literals && t->literal[n] != v)
                n++;
        if (n == t->n_literals)
                t->literal[t->n_literals++] = v;
        t->use_of[t->n_uses] = n;
        t->use[t->n_uses++] = a64_ldr_literal(&t->a, d);
}

static void put_literals(struct thunks *t)
{
        struct asm_out *a = &t->a;
        uint8_t *at;

        if (!((uintptr_t)a->p & 4))
                a64_nop(a);
        a64_data(a, t->n_literals);
        at = a->p;
        for (unsigned n = 0; n < t->n_literals; n++)
                asm_u64(a, t->literal[n]);
        for (unsigned n = 0; n < t->n_uses; n++)
                a64_patch(a, t->use[n], at + 8 * t->use_of[n]);
}

static void fp_temps(struct thunks *t, bool load)
{
        bool q = t->h->vectors;
        int size = q ? 16 : 8;

        for (unsigned k = 0; k < (q ? 24 : 16); k += 2) {
                unsigned r = !q && k >= 8 ? k + 8 : k;

                a64_pair(&t->a, A64_PAIR, load, true, q, r, r + 1, SP, SAVED_FP + (int)k * size);
        }
}

/* Of vectors, C keeps the lower halves of the pins only. */
static void fp_pins(struct thunks *t, bool load)
{
        for (unsigned k = 8; t->h->vectors && k < 16; k += 2)
                a64_pair(&t->a, A64_PAIR, load, true, true, k, k + 1, SP, SAVED_FP + (int)k * 16);
}

/* Keeps what C may overwrite and the region wants back. */
static void save(struct thunks *t, bool temps)
{
        struct asm_out *a = &t->a;

        a64_arith_imm(a, A64_SUB, true, SP, SP, SAVED);
        for (unsigned k = 0; k < SAVED_GPRS; k += 2)
                a64_stp(a, k, k + 1, SP, 8 * k);
        a64_mrs(a, X0, A64_FPSR);
        a64_stp(a, LR, X0, SP, LR_OFF);
        if (temps)
                fp_temps(t, false);
        if (!temps || !t->h->vectors)
                fp_pins(t, false);
}

/*
 * Libraries may compute in floating point for ends of their own: what they raise is not the guest's. Uses x2 and
 * x3.
 */
static void keep_fpsr(struct thunks *t)
{
        struct asm_out *a = &t->a;
        uint8_t *same;

        a64_mrs(a, X2, A64_FPSR);
        a64_ldr(a, true, X3, a64_at(SP, FPSR_OFF));
        a64_cmp(a, true, X2, X3);
        same = a64_bcc(a, CC_EQ);
        a64_msr(a, A64_FPSR, X3);
        a64_here(a, same);
}

static void restore(struct thunks *t, bool temps)
{
        struct asm_out *a = &t->a;

        for (unsigned k = 0; k < SAVED_GPRS; k += 2)
                a64_ldp(a, k, k + 1, SP, 8 * k);
        if (temps)
                fp_temps(t, true);
        if (!temps || !t->h->vectors)
                fp_pins(t, true);
        a64_ldr(a, true, LR, a64_at(SP, LR_OFF));
        a64_arith_imm(a, A64_ADD, true, SP, SP, SAVED);
}

static void call_c(struct thunks *t, const void *fn)
{
        load_address(t, SCRATCH, fn);
        a64_blr(&t->a, SCRATCH);
}

/* What C returned, to x16 and x17 and the caller's argument 0; the caller's registers are back. */
static void take_results(struct thunks *t, bool temps)
{
        struct asm_out *a = &t->a;

        a64_str(a, true, X1, a64_at(SP, ARG_OFF));
        keep_fpsr(t);
        a64_mov(a, true, SCRATCH, X0);
        a64_mov(a, true, SCRATCH2, X1);
        a64_ldr(a, true, TLB, HOT(tlb));
        restore(t, temps);
}

/* A slow path of memory: x16 the address, w17 struct ir_mem, values in the frame. Goes on, or unwinds. */
static const uint8_t *slow_memory(struct thunks *t, const void *fn, unsigned n_values, bool temps)
{
        struct asm_out *a = &t->a;
        const uint8_t *at = here(a);

        save(t, temps);
        a64_mov(a, true, X0, VCPU);
        a64_mov(a, true, X1, SCRATCH);
        for (unsigned k = 0; k < n_values; k++)
                a64_ldr(a, true, X2 + k, a64_at(SP, ARG_OFF + 8 * (int)k));
        a64_mov(a, false, X2 + n_values, SCRATCH2);
        call_c(t, fn);
        take_results(t, temps);
        a64_patch(a, a64_cbz(a, true, true, SCRATCH2), t->h->unwind - a->exec_delta);
        a64_ret(a);
        return at;
}

/* As slow_memory, for 16 bytes in or out at the caller's vector argument 0; C returns the status alone. */
static const uint8_t *slow_memory128(struct thunks *t, const void *fn)
{
        struct asm_out *a = &t->a;
        const uint8_t *at = here(a);

        save(t, true);
        a64_mov(a, true, X0, VCPU);
        a64_mov(a, true, X1, SCRATCH);
        a64_mov(a, false, X2, SCRATCH2);
        a64_arith_imm(a, A64_ADD, true, X3, SP, ARG_OFF + FRAME_VECS);
        call_c(t, fn);
        a64_mov(a, true, X1, X0);
        take_results(t, true);
        a64_patch(a, a64_cbz(a, true, true, SCRATCH2), t->h->unwind - a->exec_delta);
        a64_ret(a);
        return at;
}

/* Arguments 0 and 1 the op and its imm; vectors in and out in the caller's frame. */
static const uint8_t *vec_thunk(struct thunks *t)
{
        struct asm_out *a = &t->a;
        const uint8_t *at = here(a);

        save(t, true);
        a64_mov(a, true, X0, VCPU);
        a64_ldr(a, true, X1, a64_at(SP, ARG_OFF));
        a64_ldr(a, true, X2, a64_at(SP, ARG_OFF + 8));
        a64_arith_imm(a, A64_ADD, true, X3, SP, ARG_OFF + FRAME_VECS);
        call_c(t, (const void *)(uintptr_t)t->h->slow->vec);
        keep_fpsr(t);
        restore(t, true);
        a64_ret(a);
        return at;
}

/* x0 = TLB entry of address x16; x1 = the address less the tag */
static void find_entry(struct asm_out *a, bool write)
{
        a64_ubfx(a, true, X0, SCRATCH, GUEST_PAGE_BITS, TLB_BITS);
        a64_alu_shift(a, A64_ADD, true, X0, TLB, X0, SH_LSL, 5);
        a64_ldr(a, true, X1, a64_at(X0, tlb_tag_offset(write)));
        a64_alu(a, A64_SUB, true, X1, SCRATCH, X1);
}

/*
 * A plain store that missed the TLB: the page may be writable but hold translated code or a watched line. If none
 * of it is in this line, it is an ordinary store (decision 15), made here in its ordered form.
 */
static const uint8_t *store_thunk(struct thunks *t, unsigned size_log2, bool temps)
{
        struct asm_out *a = &t->a;
        const uint8_t *at = here(a), *slow = t->h->slow_store[temps] - a->exec_delta;
        uint8_t *out[4];
        uint32_t bits;

        a64_pair(a, A64_PAIR_PRE, false, false, false, X0, X1, SP, -32);
        a64_stp(a, X2, X3, SP, 16);
        find_entry(a, false);
        a64_arith_imm(a, A64_SUBS, true, XZR, X1, GUEST_PAGE_SIZE - (1u << size_log2));
        out[0] = a64_bcc(a, CC_HI);
        if (size_log2) {
                a64_logic_imm_bits(true, (1u << size_log2) - 1, &bits);
                a64_logic_imm(a, A64_ANDS, true, XZR, X1, bits);
                out[1] = a64_bcc(a, CC_NE);
        }
        a64_ldp(a, X0, X2, X0, offsetof(struct tlb_entry, addend));
        out[2] = a64_cbz(a, false, true, X2);
        a64_ldr(a, true, X2, a64_at(X2, 0));
        a64_shift_imm(a, SH_LSR, true, X1, X1, CODE_LINE_BITS);
        a64_shift(a, SH_LSR, true, X2, X2, X1);
        out[3] = a64_tbz(a, true, X2, 0);
        a64_alu(a, A64_ADD, true, X0, X0, SCRATCH);
        a64_ldr(a, true, X1, a64_at(SP, 32));
        a64_ordered(a, A64_STLR, size_log2, X1, X0);
        a64_ldp(a, X2, X3, SP, 16);
        a64_pair(a, A64_PAIR_POST, true, false, false, X0, X1, SP, 32);
        a64_ret(a);
        for (unsigned k = 0; k < 4; k++)
                if (k != 1 || size_log2)
                        a64_here(a, out[k]);
        a64_ldp(a, X2, X3, SP, 16);
        a64_pair(a, A64_PAIR_POST, true, false, false, X0, X1, SP, 32);
        a64_patch(a, a64_b(a), slow);
        return at;
}
_Static_assert(offsetof(struct tlb_entry, code_lines) == offsetof(struct tlb_entry, addend) + 8,
               "the store thunk reads them as a pair");

/* The host address for guest address x16, or 0, where what follows may be accessed up to the limit in x17. */
static const uint8_t *relookup_thunk(struct thunks *t, bool write)
{
        struct asm_out *a = &t->a;
        const uint8_t *at = here(a);

        a64_pair(a, A64_PAIR_PRE, false, false, false, X0, X1, SP, -16);
        find_entry(a, write);
        a64_cmp(a, true, X1, SCRATCH2);
        a64_ldr(a, true, X0, a64_at(X0, offsetof(struct tlb_entry, addend)));
        a64_alu(a, A64_ADD, true, SCRATCH, SCRATCH, X0);
        a64_csel(a, A64_CSEL, CC_LS, true, SCRATCH, SCRATCH, XZR);
        a64_pair(a, A64_PAIR_POST, true, false, false, X0, X1, SP, 16);
        a64_ret(a);
        return at;
}

/* d = FPSR with what waits in the frame, @frame bytes from sp; uses x17. */
static void gather_flags(struct asm_out *a, unsigned d, int frame)
{
        a64_mrs(a, d, A64_FPSR);
        a64_ldr(a, true, SCRATCH2, a64_at(SP, frame + FRAME_PENDING));
        a64_alu(a, A64_ORR, true, d, d, SCRATCH2);
}

/* x16 = helper, arguments 0 to 3 in the frame. Back: x16 the value, x17 and argument 0 the status. */
static const uint8_t *call_thunk(struct thunks *t, bool fpstate, bool temps)
{
        struct asm_out *a = &t->a;
        const uint8_t *at = here(a);

        save(t, temps);
        if (fpstate) {
                /*
                 * What the guest raised so far goes to its own flags, and the helper starts with none raised.
                 */
                uint8_t *none;

                gather_flags(a, X1, SAVED);
                a64_mov_imm(a, X2, FPSR_FLAGS);
                a64_alu(a, A64_ANDS, true, X1, X1, X2);
                none = a64_bcc(a, CC_EQ);
                a64_str(a, true, SCRATCH, HOT(scratch[1]));
                a64_str(a, true, XZR, a64_at(SP, SAVED + FRAME_PENDING));
                a64_str(a, true, XZR, a64_at(SP, FPSR_OFF));
                a64_msr(a, A64_FPSR, XZR);
                a64_mov(a, true, X0, VCPU);
                call_c(t, (const void *)(uintptr_t)emit_harvest);
                a64_ldr(a, true, SCRATCH, HOT(scratch[1]));
                a64_here(a, none);
        }
        a64_mov(a, true, X0, VCPU);
        for (unsigned k = 0; k < 4; k++)
                a64_ldr(a, true, X1 + k, a64_at(SP, ARG_OFF + 8 * (int)k));
        a64_blr(a, SCRATCH);
        take_results(t, temps);
        a64_ret(a);
        return at;
}

static const uint8_t *fp_thunk(struct thunks *t)
{
        struct asm_out *a = &t->a;
        const uint8_t *at = here(a);

        save(t, true);
        a64_mov(a, true, X0, VCPU);
        for (unsigned k = 0; k < 4; k++)
                a64_ldr(a, true, X1 + k, a64_at(SP, ARG_OFF + 8 * (int)k));
        call_c(t, (const void *)(uintptr_t)t->h->slow->fp);
        keep_fpsr(t);
        a64_mov(a, true, SCRATCH, X0);
        restore(t, true);
        a64_ret(a);
        return at;
}

static const uint8_t *hook_thunk(struct thunks *t)
{
        struct asm_out *a = &t->a;
        const uint8_t *at = here(a);

        save(t, true);
        a64_mov(a, true, X0, VCPU);
        a64_ldr(a, false, X1, a64_at(SP, ARG_OFF));
        a64_ldr(a, true, X2, a64_at(SP, ARG_OFF + 8));
        call_c(t, (const void *)(uintptr_t)t->h->slow->hook);
        keep_fpsr(t);
        restore(t, true);
        a64_ret(a);
        return at;
}

static void callee_saved(struct asm_out *a, bool load)
{
        for (unsigned k = 0; k < 12; k += 2)
                a64_pair(a, A64_PAIR, load, false, false, X19 + k, X20 + k, SP, 8 * (int)k);
        for (unsigned k = 0; k < 8; k += 2)
                a64_pair(a, A64_PAIR, load, true, false, 8 + k, 9 + k, SP, 96 + 8 * (int)k);
}

static void pins(struct thunks *t, bool load)
{
        for (ra_set set = t->h->target.pins; set; set &= set - 1) {
                unsigned reg = __builtin_ctzll(set);
                const struct ir_slot *s = &t->h->guest->slots[t->h->pin_slot[reg]];
                uint32_t op = a64_slot_access(s->type, reg >= RA_FPR, load);

                a64_access(&t->a, op, a64_num(reg), STATE(s->offset));
        }
}

static void frame(struct asm_out *a, enum a64_alu op)
{
        a64_arith_imm(a, op, true, SP, SP, FRAME_SIZE & ~0xfff);
        a64_arith_imm(a, op, true, SP, SP, FRAME_SIZE & 0xfff);
}

/*
 * Entered as a C function: (vcpu, door, FPCR). The barrier makes what other threads wrote as code visible to this
 * processor's instruction fetch.
 */
static void enter_thunk(struct thunks *t)
{
        struct asm_out *a = &t->a;
        uint8_t *same;

        t->h->enter = here(a);
        a64_arith_imm(a, A64_SUB, true, SP, SP, ENTER_SAVED);
        callee_saved(a, false);
        frame(a, A64_SUB);
        a64_isb(a);
        a64_mov(a, true, VCPU, X0);
        a64_mov(a, true, SCRATCH, X1);
        a64_mrs(a, X3, A64_FPCR);
        a64_stp(a, X3, XZR, SP, FRAME_FPCR);
        a64_cmp(a, true, X2, X3);
        same = a64_bcc(a, CC_EQ);
        a64_msr(a, A64_FPCR, X2);
        a64_here(a, same);
        a64_mrs(a, X3, A64_FPSR);
        same = a64_cbz(a, false, true, X3);
        a64_msr(a, A64_FPSR, XZR);
        a64_here(a, same);
        a64_ldr(a, true, TLB, HOT(tlb));
        pins(t, true);
        a64_br(a, SCRATCH);
}

/* All of these end with the reason in w0. */
static void exit_thunks(struct thunks *t)
{
        enum { ROOM = sizeof(struct emit_saved) };
        struct emit_host *h = t->h;
        struct asm_out *a = &t->a;
        uint8_t *skip;

        /* vpage_base is that of RETURN_NONE */
        h->no_return = here(a);
        a64_mov_imm(a, X0, RETURN_NONE & (GUEST_PAGE_SIZE - 1));
        a64_mov_imm(a, X1, IR_EXIT_INDIRECT);
        /* x0: guest address less vpage_base; w1: reason */
        h->exit_at = here(a);
        a64_ldr(a, true, SCRATCH, HOT(vpage_base));
        a64_alu(a, A64_ADD, true, SCRATCH, SCRATCH, X0);
        a64_str(a, true, SCRATCH, HOT(pc));
        a64_mov(a, false, X0, X1);
        skip = a64_b(a);
        h->link = here(a);
        a64_str(a, true, LR, HOT(exit_arg));
        a64_mov_imm(a, X0, IR_EXIT_LINK);
        a64_here(a, skip);
        h->exit = here(a);
        pins(t, false);
        h->exit_stored = here(a);
        gather_flags(a, X1, 0);
        a64_str(a, true, X1, HOT(scratch[0]));
        a64_mrs(a, X1, A64_FPCR);
        a64_ldr(a, true, X2, a64_at(SP, FRAME_FPCR));
        a64_cmp(a, true, X1, X2);
        skip = a64_bcc(a, CC_EQ);
        a64_msr(a, A64_FPCR, X2);
        a64_here(a, skip);
        frame(a, A64_ADD);
        callee_saved(a, true);
        a64_arith_imm(a, A64_ADD, true, SP, SP, ENTER_SAVED);
        a64_ret(a);

        /* x30 is the return address of a site, argument 0 the status. C stores the state. */
        h->unwind = here(a);
        a64_arith_imm(a, A64_SUB, true, SP, SP, ROOM);
        for (unsigned r = 0; r < 30; r += 2)
                a64_stp(a, r, r + 1, SP, 8 * (int)r);
        for (unsigned r = 0; r < 32; r++)
                a64_access(a, A64_FST(4), r, a64_at(SP, (int)offsetof(struct emit_saved, fpr) + 16 * (int)r));
        a64_mov(a, true, X0, VCPU);
        a64_mov_sp(a, X1, SP);
        a64_mov(a, true, X2, LR);
        a64_ldr(a, true, X3, a64_at(SP, ROOM));
        a64_arith_imm(a, A64_ADD, true, X4, SP, ROOM);
        load_address(t, X5, h);
        call_c(t, (const void *)(uintptr_t)emit_unwind);
        a64_arith_imm(a, A64_ADD, true, SP, SP, ROOM);
        a64_b_exec(a, h->exit_stored);
}

bool a64_thunks(struct emit_host *h, struct code_buf *buf)
{
        struct thunks t = {.h = h, .a = {.p = buf->rw + buf->used, .start = buf->rw + buf->used,
                                         .exec_delta = buf->exec - buf->rw}};

        if (buf->size - buf->used < 32768)
                return false;
        enter_thunk(&t);
        exit_thunks(&t);
        for (unsigned k = 0; k < 2; k++) {
                h->load[k] = slow_memory(&t, (const void *)(uintptr_t)h->slow->load, 0, k);
                h->slow_store[k] = slow_memory(&t, (const void *)(uintptr_t)h->slow->store, 1, k);
                for (unsigned size = 0; size < 4; size++)
                        h->store[k][size] = store_thunk(&t, size, k);
                h->call[k] = call_thunk(&t, false, k);
                h->call_fp[k] = call_thunk(&t, true, k);
                h->relookup[k] = relookup_thunk(&t, k);
        }
        h->rmw = slow_memory(&t, (const void *)(uintptr_t)h->slow->rmw, 1, true);
        h->cas = slow_memory(&t, (const void *)(uintptr_t)h->slow->cas, 2, true);
        h->load128 = slow_memory128(&t, (const void *)(uintptr_t)h->slow->load128);
        h->store128 = slow_memory128(&t, (const void *)(uintptr_t)h->slow->store128);
        h->cas16 = slow_memory(&t, (const void *)(uintptr_t)h->slow->cas16, 0, true);
        h->vec = vec_thunk(&t);
        h->fp = fp_thunk(&t);
        h->hook = hook_thunk(&t);
        put_literals(&t);
        while ((uintptr_t)t.a.p & 15)
                a64_nop(&t.a);
        buf->used = t.a.p - buf->rw;
        return !t.a.too_far;
}
