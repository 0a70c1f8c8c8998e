/* SPDX-License-Identifier: MIT */
/*
 * Random encodings of rows of the decode table. Bits that the table leaves free are random; fields are biased
 * to what matters: registers that coincide, number 31, borders of immediates. And what the architecture
 * leaves open, which is not compared (row_is_odd; Arm ARM K1).
 */
#include "guest.h"

bool is_x_field(unsigned name)
{
        return name <= F_RS;
}

bool is_v_field(unsigned name)
{
        return name >= F_VD && name <= F_VS;
}

static u32 bias_immediate(const struct field *f, u32 word)
{
        u64 r = rnd(), top = 1ull << f->width, v;

        switch (r & 7) {
        case 0: v = 0; break;
        case 1: v = 1; break;
        case 2: v = top - 1; break;
        case 3: v = top >> 1; break;
        default: return word;
        }
        return field_set(f, word, (v << f->shift) + f->add);
}

/* Near targets are pages that are there; never the instruction itself: that might not end. */
static u32 bias_offset(const struct field *f, u32 word)
{
        s64 off;

        if (rnd_one_in(3))
                word = field_set(f, word, (s64)(rnd_below(2048) - 1024) * (1 << f->shift));
        off = field_get(f, word);
        return off ? word : field_set(f, word, 1ull << f->shift);
}

static s64 value_of(const struct row *r, unsigned name, u32 word)
{
        const struct field *f = row_field(r, name);

        return f ? field_get(f, word) : -1;
}

/* Write back to a register that is loaded or stored, pairs that are the same, and the like. */
bool row_is_odd(const struct row *r, u32 word)
{
        s64 rn = value_of(r, F_RN, word), rt = value_of(r, F_RT, word), rt2 = value_of(r, F_RT2, word);
        s64 rs = value_of(r, F_RS, word), mode = value_of(r, F_MODE, word);

        switch (r->cls) {
        case C_LOAD:
                if (rt >= 0 && rt == rt2)
                        return true;
                if (row_field(r, F_VT2) && value_of(r, F_VT, word) == value_of(r, F_VT2, word))
                        return true;
                /* fall through */
        case C_STORE:
                return (mode == 1 || mode == 2) && rn != 31 && (rn == rt || rn == rt2);
        case C_LDX:
                return rt == rt2;
        case C_STX:
                return rs == rt || rs == rt2 || (rs == rn && rn != 31);
        default:
                return false;
        }
}

u32 row_word(const struct row *r)
{
        u32 word;

        do {
                unsigned x = rnd_below(31), v = rnd_below(32);

                word = r->match | ((u32)rnd() & ~r->mask);
                for (unsigned i = 0; i < r->n_fields; i++) {
                        const struct field *f = &r->fields[i];

                        if (!f->n_bits)
                                continue;
                        if (is_x_field(f->name) && rnd_one_in(4))
                                word = field_set(f, word, x);
                        else if (is_x_field(f->name) && rnd_one_in(12))
                                word = field_set(f, word, 31);
                        else if (is_v_field(f->name) && rnd_one_in(4))
                                word = field_set(f, word, v);
                        else if (f->name == F_IMM)
                                word = bias_immediate(f, word);
                        else if (f->name == F_OFF)
                                word = bias_offset(f, word);
                }
        } while (row_excludes(r, word) || row_is_odd(r, word));
        return word;
}

u64 rnd_lanes(unsigned kind)
{
        u64 r = rnd(), v = 0;

        switch (kind ? kind : (unsigned)"bhsd"[r & 3]) {
        case 's':
                return rnd_number(8, 23) << 32 | rnd_number(8, 23);
        case 'd':
                return rnd_number(11, 52);
        case 'h':
                for (unsigned i = 0; i < 4; i++)
                        v = v << 16 | (rnd_number(5, 10) & 0xffff);
                return v;
        default:
                if (r & 16)
                        return rnd_int();
                for (unsigned i = 0; i < 8; i++) { /* bytes at the borders of their range */
                        static const u8 some[8] = {0, 1, 0x7f, 0x80, 0x81, 0xfe, 0xff, 0x40};

                        r = r >> 5;
                        v = v << 8 | (r & 8 ? some[r & 7] : rnd() & 0xff);
                }
                return v;
        }
}
