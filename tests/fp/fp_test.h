/* SPDX-License-Identifier: MIT */
/*
 * What the soft-float tests share: the table of operations under test, the host FPU as an oracle, and exact
 * arithmetic for what the host has no mode for. Operands and results travel as zero-extended bit patterns.
 */
#ifndef TESTS_FP_FP_TEST_H
#define TESTS_FP_FP_TEST_H

#include <stdbool.h>
#include <stdint.h>

#include "frontend/fp/fp.h"

enum kind { KIND_F32, KIND_F64, KIND_I32, KIND_U32, KIND_I64, KIND_U64, KIND_REL };

/* How a result follows exactly from the operands: for telling ties. */
enum exact_form { EXACT_NONE, EXACT_ADD, EXACT_SUB, EXACT_MUL, EXACT_DIV, EXACT_FMA, EXACT_SAME };

#define MXCSR_FLAGS 0x3fu
#define MXCSR_DAZ 0x40u
#define MXCSR_MASKS 0x1f80u
#define MXCSR_FTZ 0x8000u

struct fp_op {
        const char *name;
        int arity;
        enum kind in, out;
        enum exact_form exact;
        unsigned neg;           /* enum fp_muladd, for EXACT_FMA */
        uint64_t (*soft)(struct fp_env *env, const uint64_t *v);
        /*
         * The same by the host's FPU under *mxcsr, to which its flags are added; x86's answer in every
         * respect.
         */
        uint64_t (*host)(uint32_t *mxcsr, const uint64_t *v);
        bool x86_only;          /* no other guest has the operation */
};

extern const struct fp_op host_ops[];
extern const int host_op_count;
bool host_supported(void);

/* Is the exact result of op on v the middle of lo and hi, two values of the given kind? */
bool exact_is_middle(const struct fp_op *op, const uint64_t *v, enum kind out, uint64_t lo, uint64_t hi);

/* A reproducible stream of operands that favours what goes wrong. */
struct gen {
        uint64_t state;
};
uint64_t gen_u64(struct gen *g);
void gen_operands(struct gen *g, const struct fp_op *op, uint64_t *v);

static inline bool kind_is_float(enum kind k)
{
        return k == KIND_F32 || k == KIND_F64;
}

static inline int kind_frac_bits(enum kind k)
{
        return k == KIND_F32 ? 23 : 52;
}

static inline int kind_exp_max(enum kind k)
{
        return k == KIND_F32 ? 0xff : 0x7ff;
}

static inline uint64_t kind_sign_bit(enum kind k)
{
        return k == KIND_F32 ? 1u << 31 : (uint64_t)1 << 63;
}

static inline uint64_t kind_inf(enum kind k)
{
        return (uint64_t)kind_exp_max(k) << kind_frac_bits(k);
}

static inline uint64_t kind_quiet_bit(enum kind k)
{
        return (uint64_t)1 << (kind_frac_bits(k) - 1);
}

static inline bool is_nan(enum kind k, uint64_t bits)
{
        return (bits & ~kind_sign_bit(k)) > kind_inf(k);
}

static inline bool is_snan(enum kind k, uint64_t bits)
{
        return is_nan(k, bits) && !(bits & kind_quiet_bit(k));
}

#endif
