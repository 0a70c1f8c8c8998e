/* SPDX-License-Identifier: MIT */
/*
 * Vectors of floats with NaNs among them, for guests whose NaNs are not SSE's: what cold code calls with the op's
 * operands in the frame and SSE's result in xmm15. IEEE 754-2019 6.2 leaves the choice open; SSE (Intel SDM volume 1,
 * 4.8.3) takes the first operand that is a NaN, and its default NaN is negative. Written once into each code cache.
 *
 * With no signaling operand the first NaN is what the guest's rule takes, too, but for fma, whose addend comes first.
 * What remains goes to C, with the operands as they are: signaling operands, results that may have been tiny before
 * rounding, infinity times zero plus a NaN. Sticky flags are as the op that gave the result left them.
 */
#include "backend/x86_64/vector.h"

struct mend {
        struct asm_out *a;
        const struct emit_host *h;
        bool wide;
        uint8_t *slow[8]; /* jumps */
        unsigned n_slow;
};

/* xmm0 to xmm3 are saved; then there is the return address and the caller's frame. */
enum { N_SAVED = 4, ARGS = 16 * N_SAVED + 8 + FRAME_VECS };
enum { CMP_UNORD = 3, CMP_ORD = 7 };
enum { SHIFT_RIGHT = 2, SHIFT_LEFT = 6 };

/* ---- instructions ---- */

static uint32_t op_of(const struct mend *m, uint32_t narrow, uint32_t wide)
{
        return m->wide ? wide : narrow;
}

static struct x86_mem pool(const struct mend *m, enum x86_pool narrow, enum x86_pool wide)
{
        return x86_at_rip(m->h->pool + 16 * (m->wide ? wide : narrow));
}
#define POOL(name) pool(m, POOL_##name##32, POOL_##name##64)

static void load_arg(const struct mend *m, unsigned xmm, unsigned n)
{
        x86_vload(m->a, xmm, x86_at(RSP, ARGS + 16 * (int)n));
}

/* x = lanes' comparison with y */
static void compare(const struct mend *m, unsigned x, unsigned y, unsigned predicate)
{
        x86_rr(m->a, X86_OP(m->wide ? 0x66 : 0, 1, 0xc2), x, y);
        asm_u8(m->a, predicate);
}

/* x == y as integers */
static void compare_equal(const struct mend *m, unsigned x, struct x86_mem y)
{
        x86_rm(m->a, op_of(m, P66(0x76), P66_38(0x29)), x, y);
}

static void shift_one(const struct mend *m, unsigned x, unsigned kind)
{
        x86_rr(m->a, op_of(m, P66(0x72), P66(0x73)), kind, x);
        asm_u8(m->a, 1);
}

static void and(const struct mend *m, unsigned x, unsigned y)
{
        x86_rr(m->a, P66(0xdb), x, y);
}

/* x = @y where @mask has ones; the mask is lost */
static void replace(const struct mend *m, unsigned x, unsigned mask, unsigned y, unsigned temp)
{
        x86_movaps(m->a, temp, y);
        and(m, temp, mask);
        x86_rr(m->a, P66(0xdf), mask, x); /* pandn */
        x86_rr(m->a, P66(0xeb), mask, temp);
        x86_movaps(m->a, x, mask);
}

static void slow_if_any(struct mend *m, unsigned x)
{
        x86_rr(m->a, P66_38(0x17), x, x); /* ptest */
        m->slow[m->n_slow++] = x86_jcc(m->a, CC_NE);
}

/* ---- what is looked for ---- */

/* A signaling NaN in argument @n: twice its magnitude, biased, is below that of all else. */
static void check_signaling(struct mend *m, unsigned n)
{
        load_arg(m, 0, n);
        shift_one(m, 0, SHIFT_LEFT);
        x86_rm(m->a, op_of(m, P66(0xfe), P66(0xd4)), 0, POOL(SNAN_BIAS));
        shift_one(m, 0, SHIFT_RIGHT);
        x86_rm(m->a, op_of(m, P66(0x66), P66_38(0x37)), 0, POOL(SNAN_LAST));
        x86_rm(m->a, P66_38(0x17), 0, x86_at_rip(m->h->pool + 16 * POOL_ONES));
        m->slow[m->n_slow++] = x86_jcc(m->a, CC_AE);
}

static void check_tiny(struct mend *m)
{
        x86_movaps(m->a, 0, FSCRATCH);
        x86_rm(m->a, P66(0xdb), 0, POOL(ABSS));
        compare_equal(m, 0, POOL(MINS));
        slow_if_any(m, 0);
}

/* Lanes of arguments @n and @k that are infinity and zero, and NaNs of xmm3. */
static void check_inf_zero(struct mend *m, unsigned n, unsigned k)
{
        load_arg(m, 0, n);
        shift_one(m, 0, SHIFT_LEFT);
        compare_equal(m, 0, POOL(INFS_SHL));
        load_arg(m, 1, k);
        shift_one(m, 1, SHIFT_LEFT);
        compare_equal(m, 1, x86_at_rip(m->h->pool + 16 * POOL_ZERO));
        and(m, 0, 1);
        x86_movaps(m->a, 1, 3);
        compare(m, 1, 1, CMP_UNORD);
        and(m, 0, 1);
        slow_if_any(m, 0);
}

/* ---- the rules ---- */

/* All NaNs are the default one. */
static void mend_default(struct mend *m)
{
        x86_movaps(m->a, 0, FSCRATCH);
        compare(m, 0, 0, CMP_UNORD);
        x86_rm(m->a, X86_OP(0, 1, 0x28), 1, POOL(QNANS));
        replace(m, FSCRATCH, 0, 1, 2);
}

/* Where no operand is a NaN, the result's sign is cleared if it is one; xmm3 is the addend, if there is one. */
static void mend_made(struct mend *m, bool fma)
{
        load_arg(m, 0, 0);
        load_arg(m, 1, 1);
        compare(m, 0, 1, CMP_ORD);
        if (fma) {
                x86_movaps(m->a, 1, 3);
                compare(m, 1, 1, CMP_ORD);
                and(m, 0, 1);
        }
        x86_movaps(m->a, 1, FSCRATCH);
        compare(m, 1, 1, CMP_UNORD);
        and(m, 0, 1);
        x86_rm(m->a, P66(0xdb), 0, POOL(SIGNS));
        x86_rr(m->a, P66(0xef), FSCRATCH, 0);
}

/* The first operand (negated, if that is meant) where it is a NaN, and before it the addend. */
static void mend_fma(struct mend *m, bool negated)
{
        load_arg(m, 1, 0);
        if (negated)
                x86_rm(m->a, P66(0xef), 1, POOL(SIGNS));
        x86_movaps(m->a, 0, 1);
        compare(m, 0, 0, CMP_UNORD);
        replace(m, FSCRATCH, 0, 1, 2);
        x86_movaps(m->a, 0, 3);
        compare(m, 0, 0, CMP_UNORD);
        replace(m, FSCRATCH, 0, 3, 2);
}

static const uint8_t *mend_thunk(struct emit_host *h, struct asm_out *a, bool always_default, enum x86_mend kind,
                                 bool wide)
{
        struct mend mend = {.a = a, .h = h, .wide = wide}, *m = &mend;
        bool fma = kind == X86_MEND_FMA || kind == X86_MEND_FNMA;
        const uint8_t *at = asm_exec(a, a->p);

        x86_lea(a, true, RSP, x86_at(RSP, -16 * N_SAVED));
        for (unsigned k = 0; k < N_SAVED; k++)
                x86_vstore(a, x86_at(RSP, 16 * (int)k), k);
        if (kind != X86_MEND_OP)
                check_tiny(m);
        if (fma) {
                load_arg(m, 3, 2);
                check_inf_zero(m, 0, 1);
                check_inf_zero(m, 1, 0);
        }
        if (always_default) {
                mend_default(m);
        } else {
                for (unsigned k = 0; k < (fma ? 3 : 2); k++)
                        check_signaling(m, k);
                mend_made(m, fma);
                if (fma)
                        mend_fma(m, kind == X86_MEND_FNMA);
        }
        x86_vstore(a, x86_at(RSP, ARGS), FSCRATCH);
        for (unsigned k = 0; k < N_SAVED; k++)
                x86_vload(a, k, x86_at(RSP, 16 * (int)k));
        x86_lea(a, true, RSP, x86_at(RSP, 16 * N_SAVED));
        x86_ret(a);
        for (unsigned k = 0; k < m->n_slow; k++)
                x86_here(a, m->slow[k]);
        for (unsigned k = 0; k < N_SAVED; k++)
                x86_vload(a, k, x86_at(RSP, 16 * (int)k));
        x86_lea(a, true, RSP, x86_at(RSP, 16 * N_SAVED));
        x86_patch(x86_jmp(a), h->vec - a->exec_delta);
        return at;
}

void x86_mend_thunks(struct emit_host *h, struct asm_out *a)
{
        for (unsigned d = 0; d < 2; d++)
                for (unsigned kind = 0; kind < X86_MEND_KINDS; kind++)
                        for (unsigned wide = 0; wide < 2; wide++)
                                h->mend[d][kind][wide] = h->feat.sse42 ? mend_thunk(h, a, d, kind, wide) : h->vec;
}
