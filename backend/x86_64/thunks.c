/* SPDX-License-Identifier: MIT */
/*
 * The code that all regions share: entry and exit, the ways into C and out of it by a fault, and the
 * constants that instructions address. Written once into each code cache; conventions in emit.h.
 */
#include "backend/x86_64/emit.h"

enum {
        SAVED_GPRS = 8,
        SAVED_XMM = 15,
        XMM_OFF = SAVED_GPRS * 8,
        SAVED = XMM_OFF + SAVED_XMM * 16 + 24, /* with the return address, a multiple of 16 */
        MXCSR_OFF = SAVED - 16, /* as it was, then as C left it */
        ADDR_OFF = SAVED,                            /* of the return address */
        ARG_OFF = SAVED + 8,                         /* of the caller's first argument */
        INDEX_MASK = (TLB_ENTRIES - 1) << 5,
};
_Static_assert((SAVED + 8) % 16 == 0, "C wants an aligned stack");
_Static_assert(GUEST_PAGE_BITS - 5 == 7, "the TLB offset is the address shifted right by 7");

static const uint8_t saved_gprs[SAVED_GPRS] = {RAX, RCX, RDX, RSI, RDI, R8, R9, R10};

static const uint8_t *here(const struct asm_out *a)
{
        return asm_exec(a, a->p);
}

static void save_gprs(struct asm_out *a)
{
        x86_lea(a, true, RSP, x86_at(RSP, -SAVED));
        for (unsigned k = 0; k < SAVED_GPRS; k++)
                x86_store(a, 3, x86_at(RSP, 8 * k), saved_gprs[k]);
}

/* Leaves the flags alone. */
static void restore_gprs(struct asm_out *a)
{
        for (unsigned k = 0; k < SAVED_GPRS; k++)
                x86_load(a, true, saved_gprs[k], x86_at(RSP, 8 * k));
        x86_lea(a, true, RSP, x86_at(RSP, SAVED));
}

/* Keeps what C may overwrite and the region wants back: of the FP registers the pins, or all. */
static void save(struct asm_out *a, bool fp_temps)
{
        save_gprs(a);
        for (unsigned k = 0; k < (fp_temps ? SAVED_XMM : X86_FPR_PINS); k++)
                x86_vstore(a, x86_at(RSP, XMM_OFF + 16 * k), k);
        x86_stmxcsr(a, x86_at(RSP, MXCSR_OFF));
}

/*
 * Libraries may compute in floating point for ends of their own, GLib's hash tables for one: what they raise
 * is not the guest's. Comparing costs less than loading always. Uses rax.
 */
static void keep_mxcsr(struct asm_out *a)
{
        uint8_t *same;

        x86_stmxcsr(a, x86_at(RSP, MXCSR_OFF + 4));
        x86_load(a, false, RAX, x86_at(RSP, MXCSR_OFF + 4));
        x86_alu_load(a, ALU_CMP, false, RAX, x86_at(RSP, MXCSR_OFF));
        same = x86_jcc8(a, CC_E);
        x86_ldmxcsr(a, x86_at(RSP, MXCSR_OFF));
        x86_here8(a, same);
}

/* Leaves the flags alone. */
static void restore(struct asm_out *a, bool fp_temps)
{
        for (unsigned k = 0; k < (fp_temps ? SAVED_XMM : X86_FPR_PINS); k++)
                x86_vload(a, k, x86_at(RSP, XMM_OFF + 16 * k));
        restore_gprs(a);
}

static void vcpu_arg(struct asm_out *a)
{
        x86_lea(a, true, RDI, x86_at(RBP, -X86_BIAS));
}

/* A helper's: the vCPU and the caller's arguments 0 to 3. */
static void helper_args(struct asm_out *a)
{
        static const uint8_t arg_regs[] = {RSI, RDX, RCX, R8};

        vcpu_arg(a);
        for (unsigned k = 0; k < 4; k++)
                x86_load(a, true, arg_regs[k], x86_at(RSP, ARG_OFF + 8 * k));
}

static void call_c(struct asm_out *a, void *fn)
{
        x86_mov_imm(a, RAX, (uintptr_t)fn);
        x86_call_reg(a, RAX);
}

/* The immediate that follows the call, to @dst. */
static void inline_arg(struct asm_out *a, unsigned dst, int ret_off)
{
        x86_load(a, true, dst, x86_at(RSP, ret_off));
        x86_load(a, false, dst, x86_at(dst, 1));
}

/* Value to r11, status to the caller's argument 0; goes on, or unwinds from the caller. */
static void finish(struct emit_host *h, struct asm_out *a, bool fp_temps)
{
        x86_mov(a, true, SCRATCH, RAX);
        x86_store(a, 3, x86_at(RSP, ARG_OFF), RDX);
        keep_mxcsr(a);
        x86_load(a, true, R15, HOT(tlb));
        x86_test(a, true, RDX, RDX);
        restore(a, fp_temps);
        uint8_t *bad = x86_jcc(a, CC_NE);

        x86_ret(a);
        x86_patch(bad, h->unwind - a->exec_delta);
}

/* A slow path of memory: r11 the address, arguments in the frame, struct ir_mem behind the call. */
static const uint8_t *slow_memory(struct emit_host *h, struct asm_out *a, void *fn, unsigned n_values,
                                  bool fp_temps)
{
        static const uint8_t arg_regs[] = {RDX, RCX, R8};
        const uint8_t *at = here(a);

        save(a, fp_temps);
        vcpu_arg(a);
        x86_mov(a, true, RSI, SCRATCH);
        for (unsigned k = 0; k < n_values; k++)
                x86_load(a, true, arg_regs[k], x86_at(RSP, ARG_OFF + 8 * k));
        inline_arg(a, arg_regs[n_values], ADDR_OFF);
        call_c(a, fn);
        finish(h, a, fp_temps);
        return at;
}

enum { MISS_WRITE, MISS_LINE, MISS_READ };

/* rax = the TLB entry of guest address r11 */
static void find_entry(struct asm_out *a)
{
        x86_mov(a, false, RAX, SCRATCH);
        x86_shift_imm(a, SH_SHR, false, RAX, 7);
        x86_alu_imm(a, ALU_AND, false, RAX, INDEX_MASK);
        x86_alu(a, ALU_ADD, true, RAX, R15);
}

/* Jumps if @n bytes at r11 do not lie in the page whose tag is at rax + @tag. Uses rcx. */
static uint8_t *match_tag(struct asm_out *a, size_t tag, unsigned n)
{
        x86_mov(a, true, RCX, SCRATCH);
        x86_alu_load(a, ALU_SUB, true, RCX, x86_at(RAX, (int32_t)tag));
        x86_alu_imm(a, ALU_CMP, true, RCX, GUEST_PAGE_SIZE - n);
        return x86_jcc(a, CC_A);
}

/*
 * Where a store of @n bytes at r11 may be done without C: rcx + r11 is the place. The page is writable (the
 * range that was looked up was larger), or it is but for lines that hold translated code or are watched, and
 * this one is none of them (decision 15); then the bytes must lie in one line. Else jumps, with @miss to be
 * patched. Uses rax and rdx.
 */
static void find_store(struct asm_out *a, unsigned n, uint8_t *miss[3])
{
        uint8_t *no_tag, *found;

        find_entry(a);
        no_tag = match_tag(a, offsetof(struct tlb_entry, write), n);
        x86_load(a, true, RCX, x86_at(RAX, offsetof(struct tlb_entry, addend)));
        found = x86_jmp8(a);
        x86_here(a, no_tag);
        miss[MISS_READ] = match_tag(a, offsetof(struct tlb_entry, read), n);
        x86_load(a, true, RCX, x86_at(RAX, offsetof(struct tlb_entry, addend)));
        x86_load(a, true, RAX, x86_at(RAX, offsetof(struct tlb_entry, code_lines)));
        x86_test(a, true, RAX, RAX);
        miss[MISS_WRITE] = x86_jcc(a, CC_E);
        x86_load(a, true, RAX, x86_at(RAX, 0));
        x86_mov(a, true, RDX, SCRATCH);
        x86_shift_imm(a, SH_SHR, true, RDX, CODE_LINE_BITS);
        x86_bt(a, true, RAX, RDX);
        miss[MISS_LINE] = x86_jcc(a, CC_B);
        x86_here8(a, found);
}

static void jump_to(struct asm_out *a, uint8_t *jump, const uint8_t *exec)
{
        x86_patch(jump, exec - a->exec_delta);
}

static void push_three(struct asm_out *a)
{
        x86_push(a, RAX);
        x86_push(a, RCX);
        x86_push(a, RDX);
}

static void pop_three(struct asm_out *a)
{
        x86_pop(a, RDX);
        x86_pop(a, RCX);
        x86_pop(a, RAX);
}

/* A store of argument 0 that missed the TLB; misaligned ones go to C. */
static const uint8_t *store_thunk(struct emit_host *h, struct asm_out *a, unsigned size_log2, bool fp_temps)
{
        const uint8_t *at;
        uint8_t *misaligned, *miss[3];
        unsigned n = 1u << size_log2;

        x86_align(a, 16);
        at = here(a);
        x86_test_imm(a, false, SCRATCH, n - 1);
        misaligned = x86_jcc(a, CC_NE);
        push_three(a);
        find_store(a, n, miss);
        x86_load(a, true, RDX, x86_at(RSP, 3 * 8 + 8));
        x86_store(a, size_log2, x86_at_index(RCX, SCRATCH, 0, 0), RDX);
        pop_three(a);
        x86_ret(a);
        for (unsigned k = 0; k < 3; k++)
                x86_here(a, miss[k]);
        pop_three(a);
        jump_to(a, x86_jmp(a), h->slow_store[fp_temps]);
        jump_to(a, misaligned, h->slow_store[fp_temps]);
        return at;
}

/* Of the caller's vector argument 0. What is misaligned is a fault (@align), or must lie in one line. */
static const uint8_t *store128_thunk(struct asm_out *a, bool align, const uint8_t *slow)
{
        const uint8_t *at;
        uint8_t *unfit, *miss[3];

        x86_align(a, 16);
        at = here(a);
        push_three(a);
        if (align) {
                x86_test_imm(a, false, SCRATCH, 15);
                unfit = x86_jcc(a, CC_NE);
        } else {
                x86_mov(a, false, RCX, SCRATCH);
                x86_alu_imm(a, ALU_AND, false, RCX, (1 << CODE_LINE_BITS) - 1);
                x86_alu_imm(a, ALU_CMP, false, RCX, (1 << CODE_LINE_BITS) - 16);
                unfit = x86_jcc(a, CC_A);
        }
        find_store(a, 16, miss);
        x86_vload(a, FSCRATCH, x86_at(RSP, 3 * 8 + 8 + FRAME_VECS));
        x86_vstore(a, x86_at_index(RCX, SCRATCH, 0, 0), FSCRATCH);
        pop_three(a);
        x86_ret(a);
        for (unsigned k = 0; k < 3; k++)
                x86_here(a, miss[k]);
        x86_here(a, unfit);
        pop_three(a);
        jump_to(a, x86_jmp(a), slow);
        return at;
}

/* A load of several that were looked up together, where the range straddles a page: alone it may hit. */
static const uint8_t *single_load_thunk(struct asm_out *a, unsigned form, const uint8_t *slow)
{
        const uint8_t *at = here(a);
        uint8_t *miss;

        x86_push(a, RAX);
        x86_push(a, RCX);
        find_entry(a);
        miss = match_tag(a, offsetof(struct tlb_entry, read), 1u << (form & 3));
        x86_load(a, true, RCX, x86_at(RAX, offsetof(struct tlb_entry, addend)));
        x86_rm(a, x86_load_op(form & 3, form & 4, form & 8), SCRATCH, x86_at_index(RCX, SCRATCH, 0, 0));
        x86_pop(a, RCX);
        x86_pop(a, RAX);
        x86_ret(a);
        x86_here(a, miss);
        x86_pop(a, RCX);
        x86_pop(a, RAX);
        jump_to(a, x86_jmp(a), slow);
        return at;
}

/*
 * 16 bytes that go on in the next page, to xmm15: the last 16 of the one and the first 16 of the other, side by
 * side, and from these 16. Overwrites vector arguments 1 and 2 of the frame, @args bytes up the stack.
 */
static void load_across(struct asm_out *a, int args, uint8_t *miss[3])
{
        x86_mov(a, false, RAX, SCRATCH);
        x86_alu_imm(a, ALU_AND, false, RAX, GUEST_PAGE_SIZE - 1);
        x86_alu_imm(a, ALU_CMP, false, RAX, GUEST_PAGE_SIZE - 16);
        miss[0] = x86_jcc(a, CC_BE);
        find_entry(a);
        miss[1] = match_tag(a, offsetof(struct tlb_entry, read), 1);
        x86_load(a, true, RCX, x86_at(RAX, offsetof(struct tlb_entry, addend)));
        x86_mov(a, true, RAX, SCRATCH);
        x86_alu_imm(a, ALU_OR, true, RAX, GUEST_PAGE_SIZE - 1);
        x86_vload(a, FSCRATCH, x86_at_index(RCX, RAX, 0, -15));
        x86_vstore(a, x86_at(RSP, args + 16), FSCRATCH);
        x86_mov(a, true, RDX, SCRATCH);
        x86_lea(a, true, SCRATCH, x86_at(RAX, 1));
        find_entry(a);
        miss[2] = match_tag(a, offsetof(struct tlb_entry, read), 16);
        x86_load(a, true, RCX, x86_at(RAX, offsetof(struct tlb_entry, addend)));
        x86_vload(a, FSCRATCH, x86_at_index(RCX, SCRATCH, 0, 0));
        x86_vstore(a, x86_at(RSP, args + 32), FSCRATCH);
        x86_alu_imm(a, ALU_AND, false, RDX, 15);
        x86_vload(a, FSCRATCH, x86_at_index(RSP, RDX, 0, args + 16));
}

/* To the caller's vector argument 0. What is misaligned is a fault (@align), or may go on in the next page. */
static const uint8_t *single_load128_thunk(struct asm_out *a, bool align, const uint8_t *slow)
{
        enum { ARGS = 4 * 8 + 8 + FRAME_VECS };
        const uint8_t *at = here(a);
        uint8_t *none, *found, *miss[3];
        unsigned n_miss = 0;

        if (align) {
                x86_test_imm(a, false, SCRATCH, 15);
                jump_to(a, x86_jcc(a, CC_NE), slow);
        }
        x86_push(a, SCRATCH);
        push_three(a);
        find_entry(a);
        none = match_tag(a, offsetof(struct tlb_entry, read), 16);
        x86_load(a, true, RCX, x86_at(RAX, offsetof(struct tlb_entry, addend)));
        x86_vload(a, FSCRATCH, x86_at_index(RCX, SCRATCH, 0, 0));
        if (align) {
                miss[n_miss++] = none;
        } else {
                found = x86_jmp(a);
                x86_here(a, none);
                load_across(a, ARGS, miss);
                n_miss = 3;
                x86_here(a, found);
        }
        x86_vstore(a, x86_at(RSP, ARGS), FSCRATCH);
        pop_three(a);
        x86_pop(a, SCRATCH);
        x86_ret(a);
        for (unsigned k = 0; k < n_miss; k++)
                x86_here(a, miss[k]);
        pop_three(a);
        x86_pop(a, SCRATCH);
        jump_to(a, x86_jmp(a), slow);
        return at;
}

/*
 * The host address for guest address r11, or 0, where what follows may be accessed up to the limit behind
 * the call.
 */
static const uint8_t *relookup_thunk(struct asm_out *a, bool write)
{
        const uint8_t *at = here(a);

        push_three(a);
        find_entry(a);
        x86_mov(a, true, RDX, SCRATCH);
        x86_alu_load(a, ALU_SUB, true, RDX, x86_at(RAX, tlb_tag_offset(write)));
        inline_arg(a, RCX, 24);
        x86_alu(a, ALU_CMP, true, RDX, RCX);
        uint8_t *miss = x86_jcc8(a, CC_A);

        x86_alu_load(a, ALU_ADD, true, SCRATCH, x86_at(RAX, offsetof(struct tlb_entry, addend)));
        uint8_t *out = x86_jmp8(a);

        x86_here8(a, miss);
        x86_alu(a, ALU_XOR, false, SCRATCH, SCRATCH);
        x86_here8(a, out);
        pop_three(a);
        x86_ret(a);
        return at;
}

/*
 * Raises invalid if arguments 0 and 1 (bits) are an infinity and a zero: x86 does not for fma(inf, 0,
 * qNaN).
 */
static const uint8_t *fma_nan_thunk(struct emit_host *h, struct asm_out *a, bool f64)
{
        const uint8_t *at = here(a);
        uint8_t *zero, *out[3], *raise;

        x86_push(a, RAX);
        x86_push(a, RCX);
        x86_load(a, f64, RAX, x86_at(RSP, 24));
        x86_load(a, f64, RCX, x86_at(RSP, 32));
        x86_shift_imm(a, SH_SHL, true, RAX, f64 ? 1 : 33);
        x86_shift_imm(a, SH_SHL, true, RCX, f64 ? 1 : 33);
        x86_mov_imm(a, SCRATCH, f64 ? 0x7ffull << 53 : 0xffull << 56);
        x86_test(a, true, RAX, RAX);
        zero = x86_jcc8(a, CC_E);
        x86_test(a, true, RCX, RCX);
        out[0] = x86_jcc8(a, CC_NE);
        x86_alu(a, ALU_CMP, true, RAX, SCRATCH);
        out[1] = x86_jcc8(a, CC_NE);
        raise = x86_jmp8(a);
        x86_here8(a, zero);
        x86_alu(a, ALU_CMP, true, RCX, SCRATCH);
        out[2] = x86_jcc8(a, CC_NE);
        x86_here8(a, raise);
        x86_fload(a, true, FSCRATCH, x86_at_rip(h->pool + 16 * POOL_INF64));
        x86_rm(a, X86_OP(X86_SD, 1, FP_MUL), FSCRATCH, x86_at_rip(h->pool + 16 * POOL_ZERO));
        for (unsigned k = 0; k < 3; k++)
                x86_here8(a, out[k]);
        x86_pop(a, RCX);
        x86_pop(a, RAX);
        x86_ret(a);
        return at;
}

/*
 * r11 = helper, arguments 0 to 3 in the frame. Back: r11 the value, argument 0 the status, ZF set if that
 * is 0.
 */
static const uint8_t *call_thunk(struct emit_host *h, struct asm_out *a, bool fpstate, bool fp_temps)
{
        const uint8_t *at = here(a);

        save(a, fp_temps);
        if (fpstate) {
                /*
                 * What the guest raised so far goes to its own flags, and the helper starts with none
                 * raised.
                 */
                x86_store(a, 3, HOT(scratch[1]), SCRATCH);
                x86_load(a, false, RSI, x86_at(RSP, MXCSR_OFF));
                x86_test_imm(a, false, RSI, 0x3f);
                uint8_t *none = x86_jcc8(a, CC_E);

                vcpu_arg(a);
                call_c(a, (void *)(uintptr_t)emit_harvest);
                x86_alu_mem_imm(a, ALU_AND, false, x86_at(RSP, MXCSR_OFF), ~0x3f);
                x86_ldmxcsr(a, x86_at(RSP, MXCSR_OFF));
                x86_load(a, true, SCRATCH, HOT(scratch[1]));
                x86_here8(a, none);
        }
        helper_args(a);
        x86_call_reg(a, SCRATCH);
        x86_mov(a, true, SCRATCH, RAX);
        x86_store(a, 3, x86_at(RSP, ARG_OFF), RDX);
        keep_mxcsr(a);
        x86_load(a, true, R15, HOT(tlb));
        x86_test(a, true, RDX, RDX);
        restore(a, fp_temps);
        x86_ret(a);
        return at;
}

/* The same for a helper that leaves FP registers and MXCSR alone. */
static const uint8_t *leaf_thunk(struct asm_out *a)
{
        const uint8_t *at = here(a);

        save_gprs(a);
        helper_args(a);
        x86_call_reg(a, SCRATCH);
        x86_mov(a, true, SCRATCH, RAX);
        x86_store(a, 3, x86_at(RSP, ARG_OFF), RDX);
        x86_test(a, true, RDX, RDX);
        restore_gprs(a);
        x86_ret(a);
        return at;
}

static const uint8_t *fp_thunk(struct emit_host *h, struct asm_out *a)
{
        const uint8_t *at = here(a);

        save(a, true);
        helper_args(a);
        call_c(a, (void *)(uintptr_t)h->slow->fp);
        x86_mov(a, true, SCRATCH, RAX);
        restore(a, true);
        x86_ret(a);
        return at;
}

/* Arguments 0 and 1 the op and its imm; vectors in and out in the caller's frame. */
static const uint8_t *vec_thunk(struct emit_host *h, struct asm_out *a)
{
        const uint8_t *at = here(a);

        save(a, true);
        vcpu_arg(a);
        x86_load(a, true, RSI, x86_at(RSP, ARG_OFF));
        x86_load(a, true, RDX, x86_at(RSP, ARG_OFF + 8));
        x86_lea(a, true, RCX, x86_at(RSP, ARG_OFF + FRAME_VECS));
        call_c(a, (void *)(uintptr_t)h->slow->vec);
        keep_mxcsr(a);
        restore(a, true);
        x86_ret(a);
        return at;
}

/* As slow_memory, for 16 bytes in or out at the caller's vector argument 0. */
static const uint8_t *slow_memory128(struct emit_host *h, struct asm_out *a, void *fn)
{
        const uint8_t *at = here(a);

        save(a, true);
        vcpu_arg(a);
        x86_mov(a, true, RSI, SCRATCH);
        inline_arg(a, RDX, ADDR_OFF);
        x86_lea(a, true, RCX, x86_at(RSP, ARG_OFF + FRAME_VECS));
        call_c(a, fn);
        x86_mov(a, true, RDX, RAX);
        finish(h, a, true);
        return at;
}

static const uint8_t *hook_thunk(struct emit_host *h, struct asm_out *a)
{
        const uint8_t *at = here(a);

        save(a, true);
        vcpu_arg(a);
        x86_load(a, false, RSI, x86_at(RSP, ARG_OFF));
        x86_load(a, true, RDX, x86_at(RSP, ARG_OFF + 8));
        call_c(a, (void *)(uintptr_t)h->slow->hook);
        keep_mxcsr(a);
        restore(a, true);
        x86_ret(a);
        return at;
}

/* Entered as a C function: (vcpu, door, MXCSR). */
static const uint8_t callee_saved[] = {RBX, RBP, R12, R13, R14, R15};

static void enter_thunk(struct emit_host *h, struct asm_out *a)
{
        uint8_t *same;

        h->enter = here(a);
        for (unsigned k = 0; k < sizeof(callee_saved); k++)
                x86_push(a, callee_saved[k]);
        x86_alu_imm(a, ALU_SUB, true, RSP, FRAME_SIZE);
        x86_lea(a, true, RBP, x86_at(RDI, X86_BIAS));
        /* Loading MXCSR is dear; mostly it is what it should be already. */
        x86_stmxcsr(a, x86_at(RSP, FRAME_MXCSR));
        x86_alu_load(a, ALU_CMP, false, RDX, x86_at(RSP, FRAME_MXCSR));
        same = x86_jcc8(a, CC_E);
        x86_store(a, 2, HOT(scratch[0]), RDX);
        x86_ldmxcsr(a, HOT(scratch[0]));
        x86_here8(a, same);
        x86_load(a, true, R15, HOT(tlb));
        x86_mov(a, true, RAX, RSI);
        for (ra_set set = h->target.pins; set; set &= set - 1) {
                unsigned reg = __builtin_ctzll(set);
                const struct ir_slot *s = &h->guest->slots[h->pin_slot[reg]];

                if (s->type == IR_V128)
                        x86_vload(a, x86_num(reg), STATE(s->offset));
                else if (reg >= RA_FPR)
                        x86_fload(a, s->type == IR_F64, x86_num(reg), STATE(s->offset));
                else
                        x86_load(a, s->type == IR_I64, reg, STATE(s->offset));
        }
        x86_jmp_reg(a, RAX);
}

/* All of these end with the reason in eax. */
static void exit_thunks(struct emit_host *h, struct asm_out *a)
{
        uint8_t *skip;

        /* vpage_base is that of RETURN_NONE */
        h->no_return = here(a);
        x86_mov_imm(a, RAX, RETURN_NONE & (GUEST_PAGE_SIZE - 1));
        x86_mov_imm(a, RCX, IR_EXIT_INDIRECT);
        /* rax: guest address less vpage_base; ecx: reason */
        h->exit_at = here(a);
        x86_alu_load(a, ALU_ADD, true, RAX, HOT(vpage_base));
        x86_store(a, 3, HOT(pc), RAX);
        x86_mov(a, false, RAX, RCX);
        skip = x86_jmp8(a);
        h->link = here(a);
        x86_pop(a, RAX);
        x86_store(a, 3, HOT(exit_arg), RAX);
        x86_mov_imm(a, RAX, IR_EXIT_LINK);
        x86_here8(a, skip);
        h->exit = here(a);
        for (ra_set set = h->target.pins; set; set &= set - 1) {
                unsigned reg = __builtin_ctzll(set);
                const struct ir_slot *s = &h->guest->slots[h->pin_slot[reg]];

                if (s->type == IR_V128)
                        x86_vstore(a, STATE(s->offset), x86_num(reg));
                else if (reg >= RA_FPR)
                        x86_fstore(a, s->type == IR_F64, STATE(s->offset), x86_num(reg));
                else
                        x86_store(a, s->type == IR_I64 ? 3 : 2, STATE(s->offset), reg);
        }
        h->exit_stored = here(a);
        /* C code does not care for sticky flags, only for modes. */
        x86_stmxcsr(a, HOT(scratch[0]));
        x86_load(a, false, RDX, HOT(scratch[0]));
        x86_alu_load(a, ALU_XOR, false, RDX, x86_at(RSP, FRAME_MXCSR));
        x86_test_imm(a, false, RDX, ~0x3f);
        skip = x86_jcc8(a, CC_E);
        x86_ldmxcsr(a, x86_at(RSP, FRAME_MXCSR));
        x86_here8(a, skip);
        x86_alu_imm(a, ALU_ADD, true, RSP, FRAME_SIZE);
        for (unsigned k = sizeof(callee_saved); k-- > 0;)
                x86_pop(a, callee_saved[k]);
        x86_ret(a);

        /* [rsp] is the return address of a site, argument 0 the status. C stores the state. */
        enum { ROOM = sizeof(struct emit_saved) + 8 };

        h->unwind = here(a);
        x86_alu_imm(a, ALU_SUB, true, RSP, ROOM);
        for (unsigned r = 0; r < 16; r++)
                if (r != RSP)
                        x86_store(a, 3, x86_at(RSP, 8 * r), r);
        for (unsigned r = 0; r < 16; r++)
                x86_vstore(a, x86_at(RSP, (int)offsetof(struct emit_saved, fpr) + 16 * r), r);
        vcpu_arg(a);
        x86_mov(a, true, RSI, RSP);
        x86_load(a, true, RDX, x86_at(RSP, ROOM));
        x86_load(a, true, RCX, x86_at(RSP, ROOM + 8));
        x86_lea(a, true, R8, x86_at(RSP, ROOM + 8));
        x86_mov_imm(a, R9, (uintptr_t)h);
        call_c(a, (void *)(uintptr_t)emit_unwind);
        x86_alu_imm(a, ALU_ADD, true, RSP, ROOM + 8);
        x86_jmp_exec(a, h->exit_stored);
}

const uint64_t x86_pool[POOL_BYTE_SHIFTS][2] = {
        [POOL_SIGN64] = {1ull << 63, 0}, [POOL_ABS64] = {~(1ull << 63), ~0ull},
        [POOL_SIGN32] = {1ull << 31, 0}, [POOL_ABS32] = {~(1ull << 31), ~0ull},
        [POOL_BOX] = {0xffffffff00000000ull, 0}, [POOL_NAN64] = {0x7ff8000000000000ull, 0},
        [POOL_NAN32] = {0x7fc00000, 0}, [POOL_ONES] = {~0ull, ~0ull}, [POOL_ZERO] = {0, 0},
        [POOL_INF64] = {0x7ff0000000000000ull, 0},
        [POOL_MIN64] = {1ull << 52, 0}, [POOL_MIN32] = {1u << 23, 0},
        [POOL_SIGNS64] = {1ull << 63, 1ull << 63},
        [POOL_SIGNS32] = {0x8000000080000000ull, 0x8000000080000000ull},
        [POOL_ABSS32] = {0x7fffffff7fffffffull, 0x7fffffff7fffffffull},
        [POOL_ABSS64] = {~0ull >> 1, ~0ull >> 1},
        [POOL_INFS32] = {0x7f8000007f800000ull, 0x7f8000007f800000ull},
        [POOL_INFS64] = {0x7ff0000000000000ull, 0x7ff0000000000000ull},
        [POOL_MINS32] = {0x0080000000800000ull, 0x0080000000800000ull},
        [POOL_MINS64] = {1ull << 52, 1ull << 52},
        [POOL_SIGNS8] = {0x8080808080808080ull, 0x8080808080808080ull},
        [POOL_SIGNS16] = {0x8000800080008000ull, 0x8000800080008000ull},
        [POOL_LOW8] = {0x00ff00ff00ff00ffull, 0x00ff00ff00ff00ffull},
        [POOL_NIBBLES] = {0x0f0f0f0f0f0f0f0full, 0x0f0f0f0f0f0f0f0full},
        [POOL_POPCNT] = {0x0302020102010100ull, 0x0403030203020201ull},
        [POOL_REV16] = {0x0607040502030001ull, 0x0e0f0c0d0a0b0809ull},
        [POOL_REV32] = {0x0405060700010203ull, 0x0c0d0e0f08090a0bull},
        [POOL_REV64] = {0x0001020304050607ull, 0x08090a0b0c0d0e0full},
        [POOL_REV128] = {0x08090a0b0c0d0e0full, 0x0001020304050607ull},
        [POOL_BYTES70] = {0x7070707070707070ull, 0x7070707070707070ull},
        [POOL_LOW16] = {0x0000ffff0000ffffull, 0x0000ffff0000ffffull},
        [POOL_LOW32] = {UINT32_MAX, UINT32_MAX},
        [POOL_ONES8] = {0x0101010101010101ull, 0x0101010101010101ull},
        [POOL_ONES16] = {0x0001000100010001ull, 0x0001000100010001ull},
        [POOL_QNANS32] = {0x7fc000007fc00000ull, 0x7fc000007fc00000ull},
        [POOL_QNANS64] = {0x7ff8000000000000ull, 0x7ff8000000000000ull},
        [POOL_SNAN_BIAS32] = {0x00fffffe00fffffeull, 0x00fffffe00fffffeull},
        [POOL_SNAN_BIAS64] = {0x001ffffffffffffeull, 0x001ffffffffffffeull},
        [POOL_SNAN_LAST32] = {0x003ffffe003ffffeull, 0x003ffffe003ffffeull},
        [POOL_SNAN_LAST64] = {0x0007fffffffffffeull, 0x0007fffffffffffeull},
        [POOL_INFS_SHL32] = {0xff000000ff000000ull, 0xff000000ff000000ull},
        [POOL_INFS_SHL64] = {0xffe0000000000000ull, 0xffe0000000000000ull},
};

static void write_pool(struct emit_host *h, struct asm_out *a)
{
        const uint64_t ones = x86_pool[POOL_ONES8][0];

        x86_align(a, 16);
        h->pool = here(a);
        memcpy(a->p, x86_pool, sizeof(x86_pool));
        a->p += sizeof(x86_pool);
        /* What a shift of bytes by n leaves of each: left, right, and where the sign comes to. */
        for (unsigned kind = 0; kind < 3; kind++) {
                for (unsigned n = 0; n < 8; n++) {
                        uint64_t byte = kind == 0 ? (0xffu << n & 0xff) : kind == 1 ? 0xffu >> n : 0x80u >> n;
                        uint64_t words[2] = {byte * ones, byte * ones};

                        memcpy(a->p, words, sizeof(words));
                        a->p += sizeof(words);
                }
        }
}

bool emit_thunks(struct emit_host *h, struct code_buf *buf)
{
        struct asm_out asm_state = {.p = buf->rw + buf->used, .exec_delta = buf->exec - buf->rw}, *a = &asm_state;

        if (buf->size - buf->used < 32768)
                return false;
        write_pool(h, a);
        enter_thunk(h, a);
        exit_thunks(h, a);
        for (unsigned k = 0; k < 2; k++) {
                h->load[k] = slow_memory(h, a, (void *)(uintptr_t)h->slow->load, 0, k);
                h->slow_store[k] = slow_memory(h, a, (void *)(uintptr_t)h->slow->store, 1, k);
                for (unsigned size = 0; size < 4; size++)
                        h->store[k][size] = store_thunk(h, a, size, k);
                for (unsigned form = 0; form < 16; form++)
                        h->single_load[k][form] = single_load_thunk(a, form, h->load[k]);
                h->call[k] = call_thunk(h, a, false, k);
                h->call_fp[k] = call_thunk(h, a, true, k);
        }
        h->rmw = slow_memory(h, a, (void *)(uintptr_t)h->slow->rmw, 1, true);
        h->cas16 = slow_memory(h, a, (void *)(uintptr_t)h->slow->cas16, 0, true);
        h->cas = slow_memory(h, a, (void *)(uintptr_t)h->slow->cas, 2, true);
        h->load128 = slow_memory128(h, a, (void *)(uintptr_t)h->slow->load128);
        h->store128 = slow_memory128(h, a, (void *)(uintptr_t)h->slow->store128);
        for (unsigned k = 0; k < 2; k++) {
                h->single_load128[k] = single_load128_thunk(a, k, h->load128);
                h->single_store128[k] = store128_thunk(a, k, h->store128);
        }
        h->vec = vec_thunk(h, a);
        x86_mend_thunks(h, a);
        h->call_leaf = leaf_thunk(a);
        h->fp = fp_thunk(h, a);
        h->hook = hook_thunk(h, a);
        for (unsigned k = 0; k < 2; k++) {
                h->relookup[k] = relookup_thunk(a, k);
                h->fma_nan[k] = fma_nan_thunk(h, a, k);
        }
        x86_align(a, 16);
        buf->used = a->p - buf->rw;
        return true;
}
