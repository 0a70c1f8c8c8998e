/* SPDX-License-Identifier: MIT */
/*
 * Condition flags as one word (IR_FLAGS): N Z C V P A in the places where the host that this is built for
 * leaves them, so that generated code need not shuffle bits. The other bits of a word mean nothing and may
 * be anything. C code outside the host's own reads and makes words through these functions alone.
 * Stateless.
 *
 * x86-64: what `lahf; seto al` leaves in ax. AArch64: NZCV as MRS gives them; A is bit 8; P is the flag of
 * the low byte, which holds the result's low byte when P was computed and is reckoned only when asked for.
 *
 * The meaning of the flags is fixed by the ops: C is the carry of an addition and the borrow of a
 * subtraction (a guest that wants the opposite has IR_FL_NOT_C), A the same out of bit 3, P is 1 if the
 * result's low byte has an even number of ones.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Flags in masks: fl_with, fl_merge, constants in text; the same on all hosts. */
enum ir_flag {
        IR_FLAG_N = 1, IR_FLAG_Z = 2, IR_FLAG_C = 4, IR_FLAG_V = 8, IR_FLAG_P = 16, IR_FLAG_A = 32,
        IR_FLAG_ALL = 63
};

#if defined(__aarch64__)
enum { IR_WORD_N = 1u << 31, IR_WORD_Z = 1 << 30, IR_WORD_C = 1 << 29, IR_WORD_V = 1 << 28,
       IR_WORD_A = 1 << 8,
       IR_WORD_P = 0xff }; /* the byte of which P is the parity */
#else
enum { IR_WORD_N = 1 << 15, IR_WORD_Z = 1 << 14, IR_WORD_C = 1 << 8, IR_WORD_V = 1 << 0, IR_WORD_A = 1 << 12,
       IR_WORD_P = 1 << 10 };
#endif

/* The bits of a word that hold the flags of a mask. */
static inline uint32_t ir_flags_bits(unsigned mask)
{
        return (mask & IR_FLAG_N ? (uint32_t)IR_WORD_N : 0) | (mask & IR_FLAG_Z ? IR_WORD_Z : 0) |
               (mask & IR_FLAG_C ? IR_WORD_C : 0) | (mask & IR_FLAG_V ? IR_WORD_V : 0) |
               (mask & IR_FLAG_P ? IR_WORD_P : 0) | (mask & IR_FLAG_A ? IR_WORD_A : 0);
}

static inline bool ir_flags_parity(uint32_t byte)
{
        return !__builtin_parity(byte & 0xff);
}

/* One flag of a word. */
static inline bool ir_flags_get(uint32_t word, enum ir_flag which)
{
#if defined(__aarch64__)
        if (which == IR_FLAG_P)
                return ir_flags_parity(word);
#endif
        return word & ir_flags_bits(which);
}

/* The word with the flags of @mask set and no other. */
static inline uint32_t ir_flags_make(unsigned mask)
{
#if defined(__aarch64__)
        if (!(mask & IR_FLAG_P))
                return ir_flags_bits(mask) | 1; /* a byte of odd parity */
        return ir_flags_bits(mask & ~IR_FLAG_P);
#else
        return ir_flags_bits(mask);
#endif
}

/* The mask of the flags that are set. */
static inline unsigned ir_flags_mask(uint32_t word)
{
        unsigned mask = 0;

        for (unsigned f = 1; f < IR_FLAG_ALL; f <<= 1)
                mask |= ir_flags_get(word, (enum ir_flag)f) ? f : 0;
        return mask;
}

/* The word of fl_fcmp: @relation is -1 less, 0 equal, 1 greater, 2 unordered; by sign or by carry (ir.h). */
static inline uint32_t ir_flags_fcmp(bool by_carry, int relation)
{
        static const uint8_t sign[4] = {IR_FLAG_N | IR_FLAG_C, IR_FLAG_Z, 0, IR_FLAG_V};
        static const uint8_t carry[4] = {IR_FLAG_C, IR_FLAG_Z, 0, IR_FLAG_Z | IR_FLAG_P | IR_FLAG_C};

        return ir_flags_make(by_carry ? carry[relation + 1] : sign[relation + 1]);
}

/* Words that mean the same are the same after this. */
static inline uint32_t ir_flags_canonical(uint32_t word)
{
        return ir_flags_make(ir_flags_mask(word));
}
