/* SPDX-License-Identifier: MIT */
/*
 * What the evaluation column of ops.def calls, for words of 32 and 64 bits. Whoever includes ops.def for it
 * defines WORD, SWORD and W (the word's type, the signed one, its width as digits) and has a and b at hand.
 */
#pragma once

#include <stdint.h>

#define EVAL_CAT2(x, y) x##y
#define EVAL_CAT(x, y) EVAL_CAT2(x, y)
#define SA ((SWORD)a)
#define SB ((SWORD)b)
#define MULHU(a, b) EVAL_CAT(eval_mulhu, W)(a, b)
#define MULHS(a, b) EVAL_CAT(eval_mulhs, W)(a, b)
#define MULHSU(a, b) EVAL_CAT(eval_mulhsu, W)(a, b)
#define DIVS(a, b) EVAL_CAT(eval_divs, W)(a, b)
#define REMS(a, b) EVAL_CAT(eval_rems, W)(a, b)
#define ROTL(a, b) ((a) << ((b) & (W - 1)) | (a) >> (-(b) & (W - 1)))
#define ROTR(a, b) ((a) >> ((b) & (W - 1)) | (a) << (-(b) & (W - 1)))
#define CLZ(a) EVAL_CAT(eval_clz, W)(a)
#define CTZ(a) EVAL_CAT(eval_ctz, W)(a)
#define POPCNT(a) (WORD)__builtin_popcountll(a)
#define BSWAP(a) EVAL_CAT(__builtin_bswap, W)(a)
#define ORCB(a) (WORD)eval_orcb(a)
#define QADDS(a, b) EVAL_CAT(eval_qadds, W)(a, b)
#define QSUBS(a, b) EVAL_CAT(eval_qsubs, W)(a, b)

static inline uint32_t eval_mulhu32(uint32_t a, uint32_t b)
{
        return (uint64_t)a * b >> 32;
}

static inline uint32_t eval_mulhs32(uint32_t a, uint32_t b)
{
        return (uint64_t)((int64_t)(int32_t)a * (int32_t)b) >> 32;
}

static inline uint32_t eval_mulhsu32(uint32_t a, uint32_t b)
{
        return (uint64_t)((int64_t)(int32_t)a * (int64_t)b) >> 32;
}

static inline uint64_t eval_mulhu64(uint64_t a, uint64_t b)
{
        return (unsigned __int128)a * b >> 64;
}

static inline uint64_t eval_mulhs64(uint64_t a, uint64_t b)
{
        return (unsigned __int128)((__int128)(int64_t)a * (int64_t)b) >> 64;
}

static inline uint64_t eval_mulhsu64(uint64_t a, uint64_t b)
{
        return eval_mulhu64(a, b) - ((int64_t)a < 0 ? b : 0);
}

static inline uint32_t eval_divs32(uint32_t a, uint32_t b)
{
        if (b == 0)
                return ~0u;
        return (int32_t)b == -1 ? -a : (uint32_t)((int32_t)a / (int32_t)b);
}

static inline uint32_t eval_rems32(uint32_t a, uint32_t b)
{
        if (b == 0)
                return a;
        return (int32_t)b == -1 ? 0 : (uint32_t)((int32_t)a % (int32_t)b);
}

static inline uint64_t eval_divs64(uint64_t a, uint64_t b)
{
        if (b == 0)
                return ~0ull;
        return (int64_t)b == -1 ? -a : (uint64_t)((int64_t)a / (int64_t)b);
}

static inline uint64_t eval_rems64(uint64_t a, uint64_t b)
{
        if (b == 0)
                return a;
        return (int64_t)b == -1 ? 0 : (uint64_t)((int64_t)a % (int64_t)b);
}

static inline uint32_t eval_clz32(uint32_t a)
{
        return a ? __builtin_clz(a) : 32;
}

static inline uint32_t eval_ctz32(uint32_t a)
{
        return a ? __builtin_ctz(a) : 32;
}

static inline uint64_t eval_clz64(uint64_t a)
{
        return a ? __builtin_clzll(a) : 64;
}

static inline uint64_t eval_ctz64(uint64_t a)
{
        return a ? __builtin_ctzll(a) : 64;
}

/* Lanes of 8 and 16 bits */
#define EVAL_SMALL(w) \
        static inline uint##w##_t eval_mulhu##w(uint##w##_t a, uint##w##_t b) \
        { \
                return (uint32_t)a * b >> w; \
        } \
        static inline uint##w##_t eval_mulhs##w(uint##w##_t a, uint##w##_t b) \
        { return (uint32_t)((int##w##_t)a * (int##w##_t)b) >> w; } \
        static inline uint##w##_t eval_clz##w(uint##w##_t a) { return a ? __builtin_clz(a) - (32 - w) : w; }
EVAL_SMALL(8)
EVAL_SMALL(16)
#undef EVAL_SMALL

#define EVAL_SATURATING(w) \
        static inline uint##w##_t eval_qadds##w(uint##w##_t a, uint##w##_t b) \
        { \
                int##w##_t r; \
                return !__builtin_add_overflow((int##w##_t)a, (int##w##_t)b, &r) ? r \
                       : (int##w##_t)a < 0 ? INT##w##_MIN : INT##w##_MAX; \
        } \
        static inline uint##w##_t eval_qsubs##w(uint##w##_t a, uint##w##_t b) \
        { \
                int##w##_t r; \
                return !__builtin_sub_overflow((int##w##_t)a, (int##w##_t)b, &r) ? r \
                       : (int##w##_t)a < 0 ? INT##w##_MIN : INT##w##_MAX; \
        }
EVAL_SATURATING(8)
EVAL_SATURATING(16)
EVAL_SATURATING(32)
EVAL_SATURATING(64)
#undef EVAL_SATURATING

/* The high bit of each byte tells whether the byte is zero, without a carry from one to the next. */
static inline uint64_t eval_orcb(uint64_t a)
{
        const uint64_t low7 = 0x7f7f7f7f7f7f7f7full;
        uint64_t nonzero = (((a & low7) + low7) | a) & ~low7;

        return (nonzero >> 7) * 0xff;
}
