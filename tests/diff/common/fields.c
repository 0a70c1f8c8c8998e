/* SPDX-License-Identifier: MIT */
/*
 * Fields of instruction words, as the decode table describes them.
 */
#include "frame.h"

const struct field *row_field(const struct row *r, unsigned name)
{
        for (unsigned i = 0; i < r->n_fields; i++) {
                if (r->fields[i].name == name)
                        return &r->fields[i];
        }
        return NULL;
}

s64 field_get(const struct field *f, u32 word)
{
        u64 v = 0;

        for (unsigned i = 0; i < f->n_bits; i++) {
                unsigned low = f->bits[i][1], width = f->bits[i][0] - low + 1;

                v = v << width | (word >> low & ((1ull << width) - 1));
        }
        if (f->is_signed && f->width)
                v = (s64)(v << (64 - f->width)) >> (64 - f->width);
        return (v << f->shift) + f->add;
}

u32 field_set(const struct field *f, u32 word, u64 value)
{
        value = (value - f->add) >> f->shift;
        for (int i = f->n_bits - 1; i >= 0; i--) {
                unsigned low = f->bits[i][1], width = f->bits[i][0] - low + 1;
                u32 mask = ((1ull << width) - 1) << low;

                word = (word & ~mask) | ((u32)(value << low) & mask);
                value >>= width;
        }
        return word;
}

bool row_excludes(const struct row *r, u32 word)
{
        for (unsigned i = 0; i < r->n_excludes; i++) {
                if ((word & r->excludes[i][0]) == r->excludes[i][1])
                        return true;
        }
        return false;
}
