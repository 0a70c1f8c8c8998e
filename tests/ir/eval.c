/* SPDX-License-Identifier: MIT */
/*
 * ir_eval against the definitions taken literally: schoolbook multiplication and division bit by bit,
 * counting by loops. Nothing of the evaluation column is used.
 */
#include "tests/ir/check.h"

#include <inttypes.h>

#include "base/error.h"

struct wide {
        uint64_t lo, hi;
};

static uint64_t mask(unsigned w)
{
        return w == 64 ? ~0ull : (1ull << w) - 1;
}

static bool negative(uint64_t a, unsigned w)
{
        return a >> (w - 1) & 1;
}

/* Full product, by additions of shifted words. */
static struct wide product(uint64_t a, uint64_t b)
{
        struct wide r = {0, 0};

        for (unsigned k = 0; k < 64; k++) {
                uint64_t lo = a << k, hi = k ? a >> (64 - k) : 0;

                if (!(b >> k & 1))
                        continue;
                r.lo += lo;
                r.hi += hi + (r.lo < lo);
        }
        return r;
}

/* High half of the product of the w-bit words; sign corrections as two's complement has them. */
static uint64_t high(uint64_t a, uint64_t b, unsigned w, bool a_signed, bool b_signed)
{
        struct wide p = product(a, b);
        uint64_t h = w == 64 ? p.hi : p.lo >> 32;

        if (a_signed && negative(a, w))
                h -= b;
        if (b_signed && negative(b, w))
                h -= a;
        return h;
}

static void divide(uint64_t a, uint64_t b, uint64_t *q, uint64_t *r)
{
        *q = *r = 0;
        for (unsigned k = 64; k-- > 0;) {
                bool carry = *r >> 63;

                *r = *r << 1 | (a >> k & 1);
                if (carry || *r >= b) {
                        *r -= b;
                        *q |= 1ull << k;
                }
        }
}

static uint64_t magnitude(uint64_t a, unsigned w)
{
        return (negative(a, w) ? -a : a) & mask(w);
}

static uint64_t quotient(uint64_t a, uint64_t b, unsigned w, bool is_signed, bool want_rem)
{
        bool minus = is_signed && (want_rem ? negative(a, w) : negative(a, w) != negative(b, w));
        uint64_t q, r;

        if (b == 0)
                return want_rem ? a : ~0ull;
        if (is_signed)
                divide(magnitude(a, w), magnitude(b, w), &q, &r);
        else
                divide(a, b, &q, &r);
        q = want_rem ? r : q;
        return minus ? -q : q;
}

static uint64_t shifted(uint64_t a, unsigned n, unsigned w, enum ir_op op)
{
        uint64_t v = 0;

        for (unsigned k = 0; k < w; k++) {
                unsigned from;
                bool bit;

                switch (op) {
                case IR_OP_shl: bit = k >= n && (a >> (k - n) & 1); break;
                case IR_OP_shru: bit = k + n < w && (a >> (k + n) & 1); break;
                case IR_OP_shrs: from = k + n < w ? k + n : w - 1; bit = a >> from & 1; break;
                case IR_OP_rotl: bit = a >> ((k + w - n) % w) & 1; break;
                default: bit = a >> ((k + n) % w) & 1; break;
                }
                v |= (uint64_t)bit << k;
        }
        return v;
}

static uint64_t leading(uint64_t a, unsigned w)
{
        unsigned n = 0;

        while (n < w && !(a >> (w - 1 - n) & 1))
                n++;
        return n;
}

static uint64_t trailing(uint64_t a, unsigned w)
{
        unsigned n = 0;

        while (n < w && !(a >> n & 1))
                n++;
        return n;
}

static uint64_t by_bytes(uint64_t a, unsigned w, enum ir_op op)
{
        uint64_t v = 0;

        for (unsigned k = 0; k < w / 8; k++) {
                uint64_t byte = a >> 8 * k & 0xff;

                if (op == IR_OP_bswap)
                        v |= byte << (w - 8 - 8 * k);
                else if (byte)
                        v |= 0xffull << 8 * k;
        }
        return v;
}

static uint64_t extended(uint64_t a, unsigned bits, bool is_signed)
{
        uint64_t v = a & mask(bits);

        return is_signed && negative(v, bits) ? v | ~mask(bits) : v;
}

static uint64_t bit_ops(uint64_t a, uint64_t b, enum ir_op op)
{
        uint64_t v = 0;

        for (unsigned k = 0; k < 64; k++) {
                bool x = a >> k & 1, y = b >> k & 1, z;

                switch (op) {
                case IR_OP_and: z = x && y; break;
                case IR_OP_or: z = x || y; break;
                case IR_OP_xor: z = x != y; break;
                case IR_OP_andc: z = x && !y; break;
                case IR_OP_orc: z = x || !y; break;
                default: z = !x; break;
                }
                v |= (uint64_t)z << k;
        }
        return v;
}

static uint64_t ones(uint64_t a)
{
        unsigned n = 0;

        for (; a; a >>= 1)
                n += a & 1;
        return n;
}

static uint64_t literal(enum ir_op op, unsigned w, uint64_t a, uint64_t b)
{
        switch (op) {
        case IR_OP_add: return a + b;
        case IR_OP_sub: return a + ~b + 1;
        case IR_OP_mul: return product(a, b).lo;
        case IR_OP_mulhu: return high(a, b, w, false, false);
        case IR_OP_mulhs: return high(a, b, w, true, true);
        case IR_OP_mulhsu: return high(a, b, w, true, false);
        case IR_OP_divu: return quotient(a, b, w, false, false);
        case IR_OP_divs: return quotient(a, b, w, true, false);
        case IR_OP_remu: return quotient(a, b, w, false, true);
        case IR_OP_rems: return quotient(a, b, w, true, true);
        case IR_OP_neg: return ~a + 1;
        case IR_OP_shl: case IR_OP_shru: case IR_OP_shrs: case IR_OP_rotl: case IR_OP_rotr:
                return shifted(a, b % w, w, op);
        case IR_OP_clz: return leading(a, w);
        case IR_OP_ctz: return trailing(a, w);
        case IR_OP_popcnt: return ones(a);
        case IR_OP_bswap: case IR_OP_orcb: return by_bytes(a, w, op);
        case IR_OP_sext8: return extended(a, 8, true);
        case IR_OP_sext16: return extended(a, 16, true);
        case IR_OP_zext8: return extended(a, 8, false);
        case IR_OP_zext16: return extended(a, 16, false);
        default: return bit_ops(a, b, op);
        }
}

static uint64_t mixed(uint64_t *seed)
{
        uint64_t z = *seed += 0x9e3779b97f4a7c15ull;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z ^= z >> 29;
        switch (z >> 60) {
        case 0: return 0;
        case 1: return ~0ull;
        case 2: return 1ull << (z & 63);
        case 3: return (z & 7) - 3;
        case 4: return 0x8000000080000000ull;
        case 5: return z & 0xffff;
        case 6: return z & 0x00ff00ff00ff00ffull;
        default: return z;
        }
}

bool eval_check(uint64_t seed, GError **error)
{
        for (unsigned op = 0; op < IR_OP_COUNT; op++) {
                for (unsigned w = 32; ir_ops[op].sig == IR_SIG_INT && w <= 64; w += 32) {
                        struct ir_ins i = {.op = op, .type = w == 32 ? IR_I32 : IR_I64};
                        uint64_t a[2] = {mixed(&seed) & mask(w), mixed(&seed) & mask(w)}, got, want;

                        want = literal(op, w, a[0], a[1]) & mask(w);
                        if (!ir_eval(&i, a, &got) || got != want)
                                return error_set(error, RHEA_ERROR_FAILED,
                                                 "%s of %u bits of 0x%" PRIx64 ", 0x%" PRIx64 " is 0x%" PRIx64
                                                 " and not 0x%" PRIx64,
                                                 ir_ops[op].name, w, a[0], a[1], want, got);
                }
        }
        return true;
}
