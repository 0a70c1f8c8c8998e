/* SPDX-License-Identifier: MIT */
/*
 * The AES, SHA-1 and SHA-256 instructions (Arm ARM C7.2, J1.3; FIPS 197 and 180-4), over registers in
 * memory. Pure functions; nothing secret is protected from timing.
 */
#include "frontend/arm/vector.h"

#include <string.h>

/* ---- AES: the state is 16 bytes, column by column ---- */

static uint8_t gf_mul(uint8_t x, uint8_t y)
{
        uint8_t p = 0;

        for (; y; y >>= 1) {
                p ^= y & 1 ? x : 0;
                x = x << 1 ^ (x & 0x80 ? 0x1b : 0);
        }
        return p;
}

static uint8_t gf_inverse(uint8_t x)
{
        uint8_t r = 1;

        for (unsigned k = 0; k < 7; k++) { /* to the power of 254 */
                x = gf_mul(x, x);
                r = gf_mul(r, x);
        }
        return r;
}

static uint8_t rotate8(uint8_t x, unsigned n)
{
        return x << n | x >> (8 - n);
}

static uint8_t sub_byte(uint8_t x)
{
        x = gf_inverse(x);
        return x ^ rotate8(x, 1) ^ rotate8(x, 2) ^ rotate8(x, 3) ^ rotate8(x, 4) ^ 0x63;
}

static uint8_t inverse_sub_byte(uint8_t x)
{
        return gf_inverse(rotate8(x, 1) ^ rotate8(x, 3) ^ rotate8(x, 6) ^ 0x05);
}

/* Row k of the state moves k columns to the left, or (decrypt) to the right. */
static void aes_round(const uint64_t d[2], const uint64_t n[2], uint64_t r[2], bool decrypt)
{
        uint64_t state[2] = {d[0] ^ n[0], d[1] ^ n[1]};
        uint8_t in[16], out[16];

        memcpy(in, state, 16);
        for (unsigned i = 0; i < 16; i++) {
                unsigned row = i & 3, column = i >> 2, from = (decrypt ? column + 4 - row : column + row) & 3;
                uint8_t x = in[from * 4 + row];

                out[i] = decrypt ? inverse_sub_byte(x) : sub_byte(x);
        }
        memcpy(r, out, 16);
}

static void aes_mix(const uint64_t n[2], uint64_t r[2], bool inverse)
{
        static const uint8_t factors[2][4] = {{2, 3, 1, 1}, {14, 11, 13, 9}};
        uint8_t in[16], out[16];

        memcpy(in, n, 16);
        for (unsigned i = 0; i < 16; i++) {
                const uint8_t *column = in + (i & ~3u);

                out[i] = 0;
                for (unsigned k = 0; k < 4; k++)
                        out[i] ^= gf_mul(column[(i + k) & 3], factors[inverse][k]);
        }
        memcpy(r, out, 16);
}

/* ---- SHA ---- */

static uint32_t rol(uint32_t x, unsigned n)
{
        return x << n | x >> (32 - n);
}

static uint32_t ror(uint32_t x, unsigned n)
{
        return rol(x, 32 - n);
}

static uint32_t choose(uint32_t x, uint32_t y, uint32_t z)
{
        return ((y ^ z) & x) ^ z;
}

static uint32_t majority(uint32_t x, uint32_t y, uint32_t z)
{
        return (x & y) | ((x | y) & z);
}

static uint32_t parity(uint32_t x, uint32_t y, uint32_t z)
{
        return x ^ y ^ z;
}

static void sha1_hash(uint32_t x[4], uint32_t y, const uint32_t w[4],
                      uint32_t (*f)(uint32_t, uint32_t, uint32_t))
{
        for (unsigned e = 0; e < 4; e++) {
                uint32_t t = y + rol(x[0], 5) + f(x[1], x[2], x[3]) + w[e];

                y = x[3];
                x[3] = x[2];
                x[2] = rol(x[1], 30);
                x[1] = x[0];
                x[0] = t;
        }
}

static void sha256_hash(uint32_t x[4], uint32_t y[4], const uint32_t w[4])
{
        for (unsigned e = 0; e < 4; e++) {
                uint32_t t = y[3] + (ror(y[0], 6) ^ ror(y[0], 11) ^ ror(y[0], 25)) +
                        choose(y[0], y[1], y[2]) + w[e];
                uint32_t into_y = t + x[3];
                uint32_t into_x = t + (ror(x[0], 2) ^ ror(x[0], 13) ^ ror(x[0], 22)) +
                        majority(x[0], x[1], x[2]);

                for (unsigned k = 3; k > 0; k--) {
                        x[k] = x[k - 1];
                        y[k] = y[k - 1];
                }
                x[0] = into_x;
                y[0] = into_y;
        }
}

static void sha256_schedule(const uint32_t d[4], const uint32_t n[4], const uint32_t m[4], uint32_t r[4])
{
        for (unsigned e = 0; e < 4; e++) {
                uint32_t last = e < 2 ? m[2 + e] : r[e - 2], t0 = e < 3 ? n[e + 1] : m[0];

                r[e] = (ror(last, 17) ^ ror(last, 19) ^ last >> 10) + d[e] + t0;
        }
}

bool a64_crypto(enum a64_insn row, const uint64_t d64[2], const uint64_t n64[2], const uint64_t m64[2],
                uint64_t r64[2])
{
        uint32_t d[4], n[4], m[4], r[4] = {0};

        memcpy(d, d64, 16);
        memcpy(n, n64, 16);
        memcpy(m, m64, 16);
        switch (row) {
        case A64_AESE: aes_round(d64, n64, r64, false); return true;
        case A64_AESD: aes_round(d64, n64, r64, true); return true;
        case A64_AESMC: aes_mix(n64, r64, false); return true;
        case A64_AESIMC: aes_mix(n64, r64, true); return true;
        case A64_SHA1C: sha1_hash(d, n[0], m, choose); break;
        case A64_SHA1P: sha1_hash(d, n[0], m, parity); break;
        case A64_SHA1M: sha1_hash(d, n[0], m, majority); break;
        case A64_SHA256H: sha256_hash(d, n, m); break;
        case A64_SHA256H2: sha256_hash(n, d, m); break;
        case A64_SHA1H: r[0] = rol(n[0], 30); memcpy(d, r, 16); break;
        case A64_SHA1SU0:
                for (unsigned e = 0; e < 4; e++)
                        r[e] = (e < 2 ? d[e + 2] : n[e - 2]) ^ d[e] ^ m[e];
                memcpy(d, r, 16);
                break;
        case A64_SHA1SU1:
                for (unsigned e = 0; e < 4; e++)
                        r[e] = rol(d[e] ^ (e < 3 ? n[e + 1] : 0), 1);
                r[3] ^= rol(d[0] ^ n[1], 2);
                memcpy(d, r, 16);
                break;
        case A64_SHA256SU0:
                for (unsigned e = 0; e < 4; e++) {
                        uint32_t x = e < 3 ? d[e + 1] : n[0];

                        r[e] = (ror(x, 7) ^ ror(x, 18) ^ x >> 3) + d[e];
                }
                memcpy(d, r, 16);
                break;
        case A64_SHA256SU1: sha256_schedule(d, n, m, r); memcpy(d, r, 16); break;
        default: return false;
        }
        memcpy(r64, d, 16);
        return true;
}
