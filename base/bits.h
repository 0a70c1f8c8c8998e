/* SPDX-License-Identifier: MIT */
/*
 * Bit-field arithmetic on 32- and 64-bit words. Positions count from bit 0; a length of 64 is allowed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A mask of @len ones at bit 0; @len is 0 to 64. */
static inline uint64_t bits_mask(unsigned len)
{
        return len >= 64 ? ~0ull : (1ull << len) - 1;
}

/* Field of @len bits of @v that starts at bit @pos, zero-extended. */
static inline uint64_t bits_get(uint64_t v, unsigned pos, unsigned len)
{
        return (v >> pos) & bits_mask(len);
}

/* The same, sign-extended; @len is 1 to 64. */
static inline int64_t bits_get_s(uint64_t v, unsigned pos, unsigned len)
{
        return (int64_t)(v << (64 - pos - len)) >> (64 - len);
}

/* @v with the field replaced by the low bits of @field. */
static inline uint64_t bits_set(uint64_t v, unsigned pos, unsigned len, uint64_t field)
{
        uint64_t m = bits_mask(len) << pos;

        return (v & ~m) | ((field << pos) & m);
}

static inline int64_t bits_sext(uint64_t v, unsigned len)
{
        return bits_get_s(v, 0, len);
}

static inline uint64_t bits_align_down(uint64_t v, uint64_t align)
{
        return v & ~(align - 1);
}

static inline uint64_t bits_align_up(uint64_t v, uint64_t align)
{
        return (v + align - 1) & ~(align - 1);
}

static inline bool bits_is_pow2(uint64_t v)
{
        return v && !(v & (v - 1));
}
