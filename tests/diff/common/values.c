/* SPDX-License-Identifier: MIT */
/*
 * Random numbers, and values that are likely to show mistakes: borders of the number formats, few bits, runs
 * of bits, NaNs of all kinds, and numbers whose products and conversions lie halfway or next to it.
 */
#include "frame.h"

static u64 state;

u64 rnd(void)
{
        u64 z = state += 0x9e3779b97f4a7c15ull;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        return z ^ (z >> 31);
}

void rnd_seed(u64 a, u64 b, u64 c)
{
        state = a;
        state = rnd() ^ b;
        state = rnd() ^ c;
        rnd();
}

u64 rnd_int(void)
{
        u64 r = rnd(), n = r >> 8 & 63;

        switch (r & 31) {
        case 0: return 0;
        case 1: return 1;
        case 2: return ~0ull;
        case 3: return n;
        case 4: return -n;
        case 5: return 1ull << n;
        case 6: return (1ull << n) - 1;
        case 7: return (1ull << n) + 1;
        case 8: return ~(1ull << n);
        case 9: return -(1ull << n);
        case 10: return 1ull << 63;
        case 11: return ~(1ull << 63);
        case 12: return 0xffffffff80000000ull;
        case 13: return 0x7fffffff;
        case 14: return 0xffffffff;
        case 15: return 0x80000000;
        case 16: return (s64)(int32_t)(r >> 32);
        case 17: return r >> 32;
        case 18: return (s64)(int16_t)(r >> 48);
        case 19: return (s64)(int8_t)(r >> 56);
        case 20: return r >> n;
        case 21: return (s64)rnd() >> n;
        case 22: return rnd() << n;
        case 23: return (r >> 56) * 0x0101010101010101ull;
        case 24: return ((r >> 40 & 0xff) << n) + ((r >> 52 & 3) << (n > 20 ? n - 20 : 0)); /* halfway */
        case 25: return (1ull << n) + (1ull << (r >> 14 & 63)) - (r >> 20 & 1);
        case 26: return rnd() & rnd() & rnd();
        case 27: return rnd() | rnd() | rnd();
        default: return rnd();
        }
}

/* Fractions with few bits set make exact products and halfway sums. */
static u64 fraction(unsigned bits)
{
        u64 r = rnd(), mask = (1ull << bits) - 1, v;

        switch (r & 15) {
        case 0: return 0;
        case 1: return 1;
        case 2: return mask;
        case 3: return mask - 1;
        case 4: return 1ull << (bits - 1);
        case 5: return 1ull << ((r >> 8 & 0xff) % bits);
        case 6: return mask & ~(1ull << ((r >> 8 & 0xff) % bits));
        case 7: return (mask << ((r >> 8 & 0xff) % bits)) & mask;
        case 8: case 9:
                v = rnd() & 0x3ff;
                return (v << (bits - 10)) & mask;
        case 10: case 11:
                v = rnd() & 0xfff;
                return ((v << (bits / 2 - 6)) + (r >> 60)) & mask;
        default: return rnd() & mask;
        }
}

u64 rnd_number(unsigned exp_bits, unsigned frac_bits)
{
        u64 r = rnd(), top = (1ull << exp_bits) - 1, bias = top >> 1, exp, frac = fraction(frac_bits);

        switch (r & 31) {
        case 0: exp = 0; frac = 0; break;
        case 1: case 2: exp = 0; break;
        case 3: exp = 1; break;
        case 4: exp = top - 1; break;
        case 5: exp = top; frac = 0; break;
        case 6: exp = top; frac |= 1ull << (frac_bits - 1); break;                              /* quiet */
        case 7: /* signalling */
                exp = top;
                frac = (frac & ~(1ull << (frac_bits - 1))) | ((r >> 8 & 7) == 0);
                break;
        case 8: exp = bias; frac = 0; break;
        case 9: case 10: exp = bias - 2 + (r >> 8 & 3); break;
        case 11: exp = bias + 29 + (r >> 8 & 3); break;  /* the border of 32-bit integers */
        case 12: exp = bias + 61 + (r >> 8 & 3); break;  /* and of 64-bit ones */
        case 13: exp = bias + (r >> 8 & 63); break;
        case 14: exp = bias + frac_bits - 2 + (r >> 8 & 3); break;
        case 15: exp = bias - (r >> 8 & 63); break;
        case 16: exp = 1 + (r >> 8) % (frac_bits + 2); break;
        case 17: exp = bias / 2 + (r >> 8 & 15) - 8; break;   /* squares near the smallest numbers */
        case 18: exp = bias + bias / 2 + (r >> 8 & 15) - 8; break;
        case 19: exp = bias - 126 - (r >> 8 & 31) + 8; break; /* doubles near the smallest singles */
        case 20: /* doubles near the largest single */
                exp = bias + 127 + (r >> 8 & 1);
                frac |= ((1ull << 24) - 1) << (frac_bits - 24 * (frac_bits > 24));
                break;
        case 21: case 22: case 23: exp = bias - 8 + (r >> 8 & 15); break;
        default: exp = r >> 8; break;
        }
        exp &= top;
        return ((r >> 63) << (exp_bits + frac_bits)) | exp << frac_bits | (frac & ((1ull << frac_bits) - 1));
}

u64 rnd_float(unsigned precision)
{
        if (precision == 's') {
                u64 v = rnd_number(8, 23);

                return rnd_one_in(12) ? rnd() << 32 | v : 0xffffffff00000000ull | v;
        }
        return rnd_number(11, 52);
}

bool is_among(unsigned value, const u8 *values, unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                if (values[i] == value)
                        return true;
        }
        return false;
}

u64 data_offset(u64 r, unsigned size_log2, unsigned tail_mask, bool aligned_mostly)
{
        static const u8 good[] = {0, 1, 4, 5, 6, 13};
        unsigned page = r & 0x100 ? (r >> 9) & 15 : good[(r >> 9 & 0xff) % 6], at = r >> 20 & 4095;

        switch (r & 7) {
        case 0: at &= 15; break;
        case 1: case 2: at = 4095 - (at & tail_mask); break;
        case 3: break;
        default: at &= ~((1u << size_log2) - 1); break;
        }
        if (aligned_mostly && (r >> 60 & 7))
                at &= ~((1u << size_log2) - 1);
        return page * 4096ull + at;
}
