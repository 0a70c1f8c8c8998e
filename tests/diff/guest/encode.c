/* SPDX-License-Identifier: MIT */
/*
 * Random encodings of rows of the decode table. Bits that the table leaves free are random; fields are biased
 * to what matters: registers that coincide, x0, borders of immediates, valid rounding modes.
 */
#include "guest.h"

static u32 bias_immediate(const struct field *f, u32 word)
{
        static const s64 some[] = {0, 1, -1, 2047, -2048, 2, 4, 8, -8, 16, 31, 32, 63, 0xff, 0x7f, -0x80};

        return rnd_one_in(3) ? field_set(f, word, (u64)some[rnd_below(16)] << f->shift) : word;
}

u32 row_word(const struct row *r)
{
        u32 word;

        do {
                u64 first = 0;
                bool have = false;

                word = r->match | ((u32)rnd() & ~r->mask);
                if (r->length == 2)
                        word &= 0xffff;
                for (unsigned i = 0; i < r->n_fields; i++) {
                        const struct field *f = &r->fields[i];

                        if (!f->n_bits)
                                continue;
                        switch (f->name) {
                        case F_RD: case F_RS1: case F_RS2: case F_FD: case F_FS1: case F_FS2: case F_FS3:
                                if (have && rnd_one_in(4))
                                        word = field_set(f, word, first);
                                else if (f->width == 5 && rnd_one_in(16))
                                        word = field_set(f, word, 0);
                                first = field_get(f, word);
                                have = true;
                                break;
                        case F_IMM:
                                if (r->cls == C_ALU)
                                        word = bias_immediate(f, word);
                                break;
                        case F_RM:
                                word = field_set(f, word, rnd_one_in(24) ? 5 + rnd_below(2) :
                                                          rnd_below(3) ? rnd_below(5) : 7);
                                break;
                        default:
                                break;
                        }
                }
        } while (row_excludes(r, word));
        return word;
}
