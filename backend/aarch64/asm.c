/* SPDX-License-Identifier: MIT */
/* The parts of the assembler that are not worth inlining: immediates and the patching of branches. */
#include "backend/aarch64/asm.h"

/* Rotated right by how much is a run of ones at the bottom? The element is @size bits of @v. */
static bool run_of_ones(uint64_t v, unsigned size, unsigned *rotation, unsigned *ones)
{
        uint64_t mask = size == 64 ? ~0ull : (1ull << size) - 1;

        v &= mask;
        if (!v || v == mask)
                return false;
        *ones = __builtin_popcountll(v);
        if (v & 1 && v >> (size - 1)) /* the run goes round: its zeros do not */
                *rotation = size - (64 - __builtin_clzll(~v & mask));
        else
                *rotation = (size - __builtin_ctzll(v)) % size;
        uint64_t run = (1ull << *ones) - 1;
        uint64_t turned = *rotation ? (run >> *rotation | run << (size - *rotation)) & mask : run;

        return turned == v;
}

bool a64_logic_imm_bits(bool w, uint64_t v, uint32_t *bits)
{
        unsigned size = 64, rotation, ones;

        if (!w)
                v = (uint32_t)v | v << 32;
        while (size > 2) {
                uint64_t half = (1ull << size / 2) - 1;

                if ((v & half) != (v >> size / 2 & half))
                        break;
                size /= 2;
        }
        if (!run_of_ones(v, size, &rotation, &ones))
                return false;
        /* imms: the element's size in its upper bits, the number of ones less one below */
        *bits = (uint32_t)(size == 64) << 12 | rotation << 6 | ((-(size << 1) & 0x3f) | (ones - 1));
        return true;
}

static unsigned halves_other_than(uint64_t v, unsigned half)
{
        unsigned n = 0;

        for (unsigned k = 0; k < 64; k += 16)
                n += (v >> k & 0xffff) != half;
        return n;
}

unsigned a64_mov_imm_len(uint64_t v)
{
        unsigned zeros = halves_other_than(v, 0), ones = halves_other_than(v, 0xffff);
        unsigned n = zeros < ones ? zeros : ones;
        uint32_t bits;

        if (n > 1 && a64_logic_imm_bits(true, v, &bits))
                return 1;
        return n ? n : 1;
}

void a64_mov_imm(struct asm_out *a, unsigned d, uint64_t v)
{
        bool inverted = halves_other_than(v, 0xffff) < halves_other_than(v, 0), first = true;
        unsigned skip = inverted ? 0xffff : 0;
        uint32_t bits;

        if (a64_mov_imm_len(v) == 1 && a64_logic_imm_bits(true, v, &bits) && halves_other_than(v, skip) > 1) {
                a64_logic_imm(a, A64_ORR, true, d, XZR, bits);
                return;
        }
        for (unsigned hw = 0; hw < 4; hw++) {
                unsigned half = v >> 16 * hw & 0xffff;

                if (half == skip)
                        continue;
                if (!first)
                        a64_movk(a, true, d, half, hw);
                else if (inverted)
                        a64_movn(a, true, d, half ^ 0xffff, hw);
                else
                        a64_movz(a, true, d, half, hw);
                first = false;
        }
        if (first && inverted)
                a64_movn(a, true, d, 0, 0);
        else if (first)
                a64_movz(a, true, d, 0, 0);
}

static bool fits(int64_t v, unsigned bits)
{
        return v >= -(1ll << (bits - 1)) && v < 1ll << (bits - 1);
}

void a64_patch(struct asm_out *a, uint8_t *at, const uint8_t *target)
{
        int64_t bytes = target - at, words = bytes / 4;
        uint32_t op;

        memcpy(&op, at, 4);
        if ((op & 0x7c000000) == 0x14000000) {          /* b, bl */
                a->too_far |= !fits(words, 26);
                op = (op & 0xfc000000) | (words & 0x3ffffff);
        } else if ((op & 0x7e000000) == 0x36000000) {   /* tbz, tbnz */
                a->too_far |= !fits(words, 14);
                op = (op & 0xfff8001f) | (words & 0x3fff) << 5;
        } else if ((op & 0x9f000000) == 0x10000000) {   /* adr */
                a->too_far |= !fits(bytes, 21);
                op = (op & 0x9f00001f) | (bytes & 3) << 29 | (bytes >> 2 & 0x7ffff) << 5;
        } else {                                        /* b.cond, cbz, cbnz, literals */
                a->too_far |= !fits(words, 19);
                op = (op & 0xff00001f) | (words & 0x7ffff) << 5;
        }
        memcpy(at, &op, 4);
}
