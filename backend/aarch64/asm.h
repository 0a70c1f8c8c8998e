/* SPDX-License-Identifier: MIT */
/*
 * The AArch64 assembler: encoders that write one instruction each. Arm Architecture Reference Manual (DDI 0487),
 * chapters C4 and C6 to C7. Registers are their hardware numbers; 31 is the stack pointer or zero, as the
 * instruction has it. Callers keep A64_ROOM bytes free. tests/emit compares every encoder with
 * binutils.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "backend/asm.h"

enum { X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, X10, X11, X12, X13, X14, X15, X16, X17, X18, X19, X20, X21, X22,
       X23, X24, X25, X26, X27, X28, X29, X30, XZR, SP = 31 };

/* Condition codes as the instruction set numbers them; ^ 1 negates. */
enum a64_cc { CC_EQ, CC_NE, CC_CS, CC_CC, CC_MI, CC_PL, CC_VS, CC_VC, CC_HI, CC_LS, CC_GE, CC_LT, CC_GT, CC_LE,
              CC_AL };

/* What one IR instruction may come to at most, and the literals behind a region. */
enum { A64_ROOM = 8192 };

/* [base + disp] */
struct a64_mem {
        uint8_t base;
        int32_t disp;
};

static inline struct a64_mem a64_at(unsigned base, int32_t disp)
{
        return (struct a64_mem){.base = base, .disp = disp};
}

static inline uint32_t a64_sf(bool w)
{
        return w ? 1u << 31 : 0;
}

/* ---- forms ---- */

static inline void a64_rrr(struct asm_out *a, uint32_t op, unsigned d, unsigned n, unsigned m)
{
        asm_u32(a, op | m << 16 | n << 5 | d);
}

static inline void a64_rr(struct asm_out *a, uint32_t op, unsigned d, unsigned n)
{
        asm_u32(a, op | n << 5 | d);
}

static inline void a64_rrrr(struct asm_out *a, uint32_t op, unsigned d, unsigned n, unsigned m, unsigned ra)
{
        asm_u32(a, op | m << 16 | ra << 10 | n << 5 | d);
}

/* ---- addition and logic ---- */

/* Base opcodes for a64_alu and, with the S bit, a64_alus. The immediate form of the logical ones is a64_logic_imm. */
enum a64_alu { A64_ADD = 0x0b000000, A64_ADDS = 0x2b000000, A64_SUB = 0x4b000000, A64_SUBS = 0x6b000000,
               A64_AND = 0x0a000000, A64_BIC = 0x0a200000, A64_ORR = 0x2a000000, A64_ORN = 0x2a200000,
               A64_EOR = 0x4a000000, A64_EON = 0x4a200000, A64_ANDS = 0x6a000000, A64_BICS = 0x6a200000 };
enum a64_shift { SH_LSL, SH_LSR, SH_ASR, SH_ROR };

static inline void a64_alu(struct asm_out *a, enum a64_alu op, bool w, unsigned d, unsigned n, unsigned m)
{
        a64_rrr(a, op | a64_sf(w), d, n, m);
}

static inline void a64_alu_shift(struct asm_out *a, enum a64_alu op, bool w, unsigned d, unsigned n, unsigned m,
                                 enum a64_shift sh, unsigned amount)
{
        a64_rrr(a, op | a64_sf(w) | (uint32_t)sh << 22 | amount << 10, d, n, m);
}

static inline bool a64_is_arith_imm(uint64_t v)
{
        return v < 4096 || (!(v & 0xfff) && v < 4096 << 12);
}

/* add, sub and their flag-setting forms; @op is one of those four, @v is a64_is_arith_imm */
static inline void a64_arith_imm(struct asm_out *a, enum a64_alu op, bool w, unsigned d, unsigned n, uint32_t v)
{
        uint32_t shifted = v >= 4096;

        a64_rr(a, (op & 0x60000000) | 0x11000000 | a64_sf(w) | shifted << 22 | (shifted ? v >> 12 : v) << 10, d, n);
}

/* The 13 bits N, immr, imms of a logical immediate; false if @v is none. */
bool a64_logic_imm_bits(bool w, uint64_t v, uint32_t *bits);

/* and, orr, eor, ands with @bits of a64_logic_imm_bits */
static inline void a64_logic_imm(struct asm_out *a, enum a64_alu op, bool w, unsigned d, unsigned n, uint32_t bits)
{
        a64_rr(a, (op & 0x60000000) | 0x12000000 | a64_sf(w) | bits << 10, d, n);
}

static inline void a64_adc(struct asm_out *a, bool sub, bool flags, bool w, unsigned d, unsigned n, unsigned m)
{
        a64_rrr(a, 0x1a000000 | a64_sf(w) | (uint32_t)sub << 30 | (uint32_t)flags << 29, d, n, m);
}

static inline void a64_mov(struct asm_out *a, bool w, unsigned d, unsigned m)
{
        a64_alu(a, A64_ORR, w, d, XZR, m);
}

/* To or from the stack pointer */
static inline void a64_mov_sp(struct asm_out *a, unsigned d, unsigned n)
{
        a64_rr(a, 0x91000000, d, n);
}

static inline void a64_movz(struct asm_out *a, bool w, unsigned d, unsigned v, unsigned hw)
{
        asm_u32(a, 0x52800000 | a64_sf(w) | hw << 21 | v << 5 | d);
}

static inline void a64_movn(struct asm_out *a, bool w, unsigned d, unsigned v, unsigned hw)
{
        asm_u32(a, 0x12800000 | a64_sf(w) | hw << 21 | v << 5 | d);
}

static inline void a64_movk(struct asm_out *a, bool w, unsigned d, unsigned v, unsigned hw)
{
        asm_u32(a, 0x72800000 | a64_sf(w) | hw << 21 | v << 5 | d);
}

/* Any constant in up to four instructions; flags stay. */
void a64_mov_imm(struct asm_out *a, unsigned d, uint64_t v);
/* How many instructions that takes. */
unsigned a64_mov_imm_len(uint64_t v);

/* ---- bit fields and shifts ---- */

static inline void a64_bitfield(struct asm_out *a, uint32_t op, bool w, unsigned d, unsigned n, unsigned r,
                                unsigned s)
{
        a64_rr(a, op | a64_sf(w) | (uint32_t)w << 22 | r << 16 | s << 10, d, n);
}

enum { A64_SBFM = 0x13000000, A64_BFM = 0x33000000, A64_UBFM = 0x53000000 };

static inline void a64_extr(struct asm_out *a, bool w, unsigned d, unsigned n, unsigned m, unsigned lsb)
{
        a64_rrr(a, 0x13800000 | a64_sf(w) | (uint32_t)w << 22 | lsb << 10, d, n, m);
}

static inline void a64_shift_imm(struct asm_out *a, enum a64_shift sh, bool w, unsigned d, unsigned n,
                                 unsigned amount)
{
        unsigned top = w ? 63 : 31;

        switch (sh) {
        case SH_LSL:
                a64_bitfield(a, A64_UBFM, w, d, n, -amount & top, top - amount);
                break;
        case SH_LSR:
                a64_bitfield(a, A64_UBFM, w, d, n, amount, top);
                break;
        case SH_ASR:
                a64_bitfield(a, A64_SBFM, w, d, n, amount, top);
                break;
        case SH_ROR:
                a64_extr(a, w, d, n, n, amount);
                break;
        }
}

static inline void a64_ubfx(struct asm_out *a, bool w, unsigned d, unsigned n, unsigned lsb, unsigned len)
{
        a64_bitfield(a, A64_UBFM, w, d, n, lsb, lsb + len - 1);
}

static inline void a64_sbfx(struct asm_out *a, bool w, unsigned d, unsigned n, unsigned lsb, unsigned len)
{
        a64_bitfield(a, A64_SBFM, w, d, n, lsb, lsb + len - 1);
}

static inline void a64_bfi(struct asm_out *a, bool w, unsigned d, unsigned n, unsigned lsb, unsigned len)
{
        a64_bitfield(a, A64_BFM, w, d, n, -lsb & (w ? 63 : 31), len - 1);
}

static inline void a64_bfxil(struct asm_out *a, bool w, unsigned d, unsigned n, unsigned lsb, unsigned len)
{
        a64_bitfield(a, A64_BFM, w, d, n, lsb, lsb + len - 1);
}

/* n shifted by the low bits of m */
static inline void a64_shift(struct asm_out *a, enum a64_shift sh, bool w, unsigned d, unsigned n, unsigned m)
{
        a64_rrr(a, 0x1ac02000 | a64_sf(w) | (uint32_t)sh << 10, d, n, m);
}

/* ---- multiplication, division, bits ---- */

enum { A64_MADD = 0x1b000000, A64_MSUB = 0x1b008000 /* + a64_sf */, A64_SMADDL = 0x9b200000,
       A64_UMADDL = 0x9ba00000, A64_SMULH = 0x9b407c00, A64_UMULH = 0x9bc07c00,
       A64_UDIV = 0x1ac00800, A64_SDIV = 0x1ac00c00 /* + a64_sf */ };
enum { A64_RBIT = 0x5ac00000, A64_REV16 = 0x5ac00400, A64_CLZ = 0x5ac01000 /* + a64_sf */ };

static inline void a64_rev(struct asm_out *a, bool w, unsigned d, unsigned n)
{
        a64_rr(a, w ? 0xdac00c00 : 0x5ac00800, d, n);
}

/* ---- conditions ---- */

enum { A64_CSEL = 0x1a800000, A64_CSINC = 0x1a800400, A64_CSINV = 0x5a800000, A64_CSNEG = 0x5a800400 };

/* d = cc ? n : op m */
static inline void a64_csel(struct asm_out *a, uint32_t op, enum a64_cc cc, bool w, unsigned d, unsigned n,
                            unsigned m)
{
        a64_rrr(a, op | a64_sf(w) | (uint32_t)cc << 12, d, n, m);
}

static inline void a64_cset(struct asm_out *a, enum a64_cc cc, unsigned d)
{
        a64_csel(a, A64_CSINC, cc ^ 1, true, d, XZR, XZR);
}

static inline void a64_cmp(struct asm_out *a, bool w, unsigned n, unsigned m)
{
        a64_alu(a, A64_SUBS, w, XZR, n, m);
}

/* Compares n with m if @cc holds, else the flags become @nzcv. */
static inline void a64_ccmp(struct asm_out *a, enum a64_cc cc, bool w, unsigned n, unsigned m, unsigned nzcv)
{
        asm_u32(a, 0x7a400000 | a64_sf(w) | m << 16 | (uint32_t)cc << 12 | n << 5 | nzcv);
}

/* ---- system ---- */

enum a64_sysreg { A64_FPCR = 0x1b4400, A64_FPSR = 0x1b4420, A64_NZCV = 0x1b4200 };
enum a64_barrier { A64_ISHLD = 9, A64_ISHST = 10, A64_ISH = 11 };

static inline void a64_mrs(struct asm_out *a, unsigned d, enum a64_sysreg r)
{
        asm_u32(a, 0xd5200000 | r | d);
}

static inline void a64_msr(struct asm_out *a, enum a64_sysreg r, unsigned n)
{
        asm_u32(a, 0xd5000000 | r | n);
}

static inline void a64_dmb(struct asm_out *a, enum a64_barrier b)
{
        asm_u32(a, 0xd50330bf | (uint32_t)b << 8);
}

static inline void a64_isb(struct asm_out *a)
{
        asm_u32(a, 0xd5033fdf);
}

static inline void a64_nop(struct asm_out *a)
{
        asm_u32(a, 0xd503201f);
}

/* An instruction that never is one: what follows are @n words of 8 bytes of data. */
static inline void a64_data(struct asm_out *a, unsigned n)
{
        asm_u32(a, n);
}

/* ---- branches: to be patched, at the address that is returned ---- */

/* Points the branch at @at (b, bl, b.cond, cbz, tbz, adr, or a load of a literal) to @target; writable addresses. */
void a64_patch(struct asm_out *a, uint8_t *at, const uint8_t *target);

static inline void a64_here(struct asm_out *a, uint8_t *at)
{
        a64_patch(a, at, a->p);
}

static inline uint8_t *a64_branch(struct asm_out *a, uint32_t op)
{
        asm_u32(a, op);
        return a->p - 4;
}

static inline uint8_t *a64_b(struct asm_out *a)
{
        return a64_branch(a, 0x14000000);
}

static inline uint8_t *a64_bl(struct asm_out *a)
{
        return a64_branch(a, 0x94000000);
}

static inline uint8_t *a64_bcc(struct asm_out *a, enum a64_cc cc)
{
        return a64_branch(a, 0x54000000 | cc);
}

static inline uint8_t *a64_cbz(struct asm_out *a, bool nonzero, bool w, unsigned t)
{
        return a64_branch(a, 0x34000000 | (uint32_t)nonzero << 24 | a64_sf(w) | t);
}

static inline uint8_t *a64_tbz(struct asm_out *a, bool nonzero, unsigned t, unsigned bit)
{
        return a64_branch(a, 0x36000000 | (uint32_t)nonzero << 24 | (bit >> 5) << 31 | (bit & 31) << 19 | t);
}

static inline uint8_t *a64_adr(struct asm_out *a, unsigned d)
{
        return a64_branch(a, 0x10000000 | d);
}

static inline void a64_br(struct asm_out *a, unsigned n)
{
        asm_u32(a, 0xd61f0000 | n << 5);
}

static inline void a64_blr(struct asm_out *a, unsigned n)
{
        asm_u32(a, 0xd63f0000 | n << 5);
}

static inline void a64_ret(struct asm_out *a)
{
        asm_u32(a, 0xd65f03c0);
}

/* b and bl to an executable address */
static inline void a64_b_exec(struct asm_out *a, const uint8_t *exec)
{
        a64_patch(a, a64_b(a), exec - a->exec_delta);
}

static inline void a64_bl_exec(struct asm_out *a, const uint8_t *exec)
{
        a64_patch(a, a64_bl(a), exec - a->exec_delta);
}

/* ---- loads and stores ---- */

/*
 * What is loaded or stored: bits 31-30, 26 and 23-22 of the encodings, which all address forms share. Sizes of
 * general registers are log2 of bytes.
 */
#define A64_ST(size) ((uint32_t)(size) << 30)
#define A64_LD(size) ((uint32_t)(size) << 30 | 1u << 22)
#define A64_LDS64(size) ((uint32_t)(size) << 30 | 2u << 22) /* sign-extended to 64 bits; size below 3 */
#define A64_LDS32(size) ((uint32_t)(size) << 30 | 3u << 22) /* to 32 bits; size below 2 */
#define A64_FST(size) (1u << 26 | ((size) == 4 ? 2u << 22 : (uint32_t)(size) << 30))
#define A64_FLD(size) (1u << 26 | ((size) == 4 ? 3u << 22 : (uint32_t)(size) << 30 | 1u << 22))

static inline unsigned a64_access_log2(uint32_t op)
{
        return (op >> 26 & 1) && (op >> 23 & 1) ? 4 : op >> 30;
}

/* Literal offsets: unsigned and scaled, or any of 9 signed bits. */
static inline bool a64_reaches(uint32_t op, int32_t disp)
{
        unsigned size = a64_access_log2(op);

        return (disp >= -256 && disp < 256) || (disp >= 0 && !(disp & ((1 << size) - 1)) && disp >> size < 4096);
}

/* @m must be within reach */
static inline void a64_access(struct asm_out *a, uint32_t op, unsigned t, struct a64_mem m)
{
        unsigned size = a64_access_log2(op);

        if (m.disp >= 0 && !(m.disp & ((1 << size) - 1)) && m.disp >> size < 4096)
                a64_rr(a, op | 0x39000000 | (uint32_t)(m.disp >> size) << 10, t, m.base);
        else
                a64_rr(a, op | 0x38000000 | (uint32_t)(m.disp & 0x1ff) << 12, t, m.base);
}

/* [n + m] */
static inline void a64_access_reg(struct asm_out *a, uint32_t op, unsigned t, unsigned n, unsigned m)
{
        a64_rrr(a, op | 0x38206800, t, n, m);
}

/* [n], then n += disp, or the other way round */
static inline void a64_access_post(struct asm_out *a, uint32_t op, unsigned t, unsigned n, int disp)
{
        a64_rr(a, op | 0x38000400 | (uint32_t)(disp & 0x1ff) << 12, t, n);
}

static inline void a64_access_pre(struct asm_out *a, uint32_t op, unsigned t, unsigned n, int disp)
{
        a64_rr(a, op | 0x38000c00 | (uint32_t)(disp & 0x1ff) << 12, t, n);
}

static inline void a64_ldr(struct asm_out *a, bool w, unsigned t, struct a64_mem m)
{
        a64_access(a, A64_LD(w ? 3 : 2), t, m);
}

static inline void a64_str(struct asm_out *a, bool w, unsigned t, struct a64_mem m)
{
        a64_access(a, A64_ST(w ? 3 : 2), t, m);
}

/* Pairs of 8 bytes (general or FP) or, @q, of 16; disp is scaled by that. */
static inline void a64_pair(struct asm_out *a, uint32_t form, bool load, bool fp, bool q, unsigned t, unsigned t2,
                            unsigned n, int disp)
{
        uint32_t opc = !fp ? 2 : q ? 2 : 1;

        asm_u32(a, form | opc << 30 | (uint32_t)fp << 26 | (uint32_t)load << 22 |
                (uint32_t)(disp / (q ? 16 : 8) & 0x7f) << 15 | t2 << 10 | n << 5 | t);
}

enum { A64_PAIR = 0x29000000, A64_PAIR_PRE = 0x29800000, A64_PAIR_POST = 0x28800000 };

static inline void a64_ldp(struct asm_out *a, unsigned t, unsigned t2, unsigned n, int disp)
{
        a64_pair(a, A64_PAIR, true, false, false, t, t2, n, disp);
}

static inline void a64_stp(struct asm_out *a, unsigned t, unsigned t2, unsigned n, int disp)
{
        a64_pair(a, A64_PAIR, false, false, false, t, t2, n, disp);
}

/* A literal that lies behind the code; for a64_patch. */
static inline uint8_t *a64_ldr_literal(struct asm_out *a, unsigned t)
{
        return a64_branch(a, 0x58000000 | t);
}

static inline uint8_t *a64_fldr_literal(struct asm_out *a, bool q, unsigned t)
{
        return a64_branch(a, (q ? 0x9c000000 : 0x5c000000) | t);
}

/* ---- ordered and atomic accesses of [n] ---- */

enum { A64_LDAR = 0x08dffc00, A64_STLR = 0x089ffc00, A64_LDAPR = 0x38bfc000, A64_LDXR = 0x085f7c00,
       A64_LDAXR = 0x085ffc00 };
enum { A64_STXR = 0x08007c00, A64_STLXR = 0x0800fc00 };

static inline void a64_ordered(struct asm_out *a, uint32_t op, unsigned size_log2, unsigned t, unsigned n)
{
        a64_rr(a, op | (uint32_t)size_log2 << 30, t, n);
}

/* s = 0 if the store was made */
static inline void a64_stxr(struct asm_out *a, uint32_t op, unsigned size_log2, unsigned s, unsigned t, unsigned n)
{
        a64_rrr(a, op | (uint32_t)size_log2 << 30, t, n, s);
}

/* Atomics of FEAT_LSE, acquire and release: t = [n], [n] = t op s */
enum a64_atomic { A64_LDADDAL = 0x38e00000, A64_LDCLRAL = 0x38e01000, A64_LDEORAL = 0x38e02000,
                  A64_LDSETAL = 0x38e03000, A64_LDSMAXAL = 0x38e04000, A64_LDSMINAL = 0x38e05000,
                  A64_LDUMAXAL = 0x38e06000, A64_LDUMINAL = 0x38e07000, A64_SWPAL = 0x38e08000 };

static inline void a64_atomic(struct asm_out *a, enum a64_atomic op, unsigned size_log2, unsigned s, unsigned t,
                              unsigned n)
{
        a64_rrr(a, op | (uint32_t)size_log2 << 30, t, n, s);
}

/* s = [n]; if it was s, [n] = t */
static inline void a64_casal(struct asm_out *a, unsigned size_log2, unsigned s, unsigned t, unsigned n)
{
        a64_rrr(a, 0x08e0fc00 | (uint32_t)size_log2 << 30, t, n, s);
}

/* The same for two registers from even numbers on */
static inline void a64_caspal(struct asm_out *a, unsigned s, unsigned t, unsigned n)
{
        a64_rrr(a, 0x4860fc00, t, n, s);
}

/* ---- scalar floating point ---- */

static inline uint32_t a64_f64(bool d)
{
        return d ? 1u << 22 : 0;
}

enum a64_fp2 { A64_FMUL = 0x1e200800, A64_FDIV = 0x1e201800, A64_FADD = 0x1e202800, A64_FSUB = 0x1e203800,
               A64_FMAX = 0x1e204800, A64_FMIN = 0x1e205800, A64_FMAXNM = 0x1e206800, A64_FMINNM = 0x1e207800,
               A64_FNMUL = 0x1e208800 };
enum a64_fp1 { A64_FMOV = 0x1e204000, A64_FABS = 0x1e20c000, A64_FNEG = 0x1e214000, A64_FSQRT = 0x1e21c000,
               A64_FCVT_DS = 0x1e22c000, A64_FCVT_SD = 0x1e224000 /* to single; both by the source's type */,
               A64_FRINTN = 0x1e244000, A64_FRINTP = 0x1e24c000, A64_FRINTM = 0x1e254000, A64_FRINTZ = 0x1e25c000,
               A64_FRINTA = 0x1e264000, A64_FRINTX = 0x1e274000, A64_FRINTI = 0x1e27c000 };
/* ra + n * m, ra - n * m, -ra - n * m, -ra + n * m */
enum a64_fp3 { A64_FMADD = 0x1f000000, A64_FMSUB = 0x1f008000, A64_FNMADD = 0x1f200000, A64_FNMSUB = 0x1f208000 };

static inline void a64_fp1(struct asm_out *a, enum a64_fp1 op, bool f64, unsigned d, unsigned n)
{
        a64_rr(a, op | a64_f64(f64), d, n);
}

static inline void a64_fp2(struct asm_out *a, enum a64_fp2 op, bool f64, unsigned d, unsigned n, unsigned m)
{
        a64_rrr(a, op | a64_f64(f64), d, n, m);
}

static inline void a64_fp3(struct asm_out *a, enum a64_fp3 op, bool f64, unsigned d, unsigned n, unsigned m,
                           unsigned ra)
{
        a64_rrrr(a, op | a64_f64(f64), d, n, m, ra);
}

static inline void a64_fcmp(struct asm_out *a, bool signalling, bool f64, unsigned n, unsigned m)
{
        a64_rrr(a, 0x1e202000 | a64_f64(f64) | (signalling ? 16 : 0), 0, n, m);
}

static inline void a64_fcsel(struct asm_out *a, enum a64_cc cc, bool f64, unsigned d, unsigned n, unsigned m)
{
        a64_rrr(a, 0x1e200c00 | a64_f64(f64) | (uint32_t)cc << 12, d, n, m);
}

/* Bits between the classes */
static inline void a64_fmov_to_gpr(struct asm_out *a, bool w, unsigned d, unsigned n)
{
        a64_rr(a, w ? 0x9e660000 : 0x1e260000, d, n);
}

static inline void a64_fmov_from_gpr(struct asm_out *a, bool w, unsigned d, unsigned n)
{
        a64_rr(a, w ? 0x9e670000 : 0x1e270000, d, n);
}

/* Conversions between a float and a general register; + A64_UNSIGNED */
enum a64_cvt { A64_FCVTNS = 0x1e200000, A64_FCVTPS = 0x1e280000, A64_FCVTMS = 0x1e300000, A64_FCVTZS = 0x1e380000,
               A64_FCVTAS = 0x1e240000, A64_SCVTF = 0x1e220000, A64_UNSIGNED = 1 << 16 };

static inline void a64_cvt(struct asm_out *a, uint32_t op, bool w, bool f64, unsigned d, unsigned n)
{
        a64_rr(a, op | a64_sf(w) | a64_f64(f64), d, n);
}

/* ---- vectors ---- */

/* Each of the 8 bytes of both halves all ones or zero, by the bits of @mask. */
static inline void a64_movi64(struct asm_out *a, unsigned d, unsigned mask)
{
        asm_u32(a, 0x6f00e400 | (mask >> 5) << 16 | (mask & 31) << 5 | d);
}

/* A general register in all lanes of 1 << size_log2 bytes */
static inline void a64_dup(struct asm_out *a, unsigned size_log2, unsigned d, unsigned n)
{
        a64_rr(a, 0x4e000c00 | 1u << (16 + size_log2), d, n);
}

#define A64_Q (1u << 30)
enum { A64_VAND = 0x0e201c00, A64_VBIC = 0x0e601c00, A64_VORR = 0x0ea01c00, A64_VORN = 0x0ee01c00,
       A64_VEOR = 0x2e201c00, A64_VBSL = 0x2e601c00, A64_VBIT = 0x2ea01c00, A64_VBIF = 0x2ee01c00 };
/* 8 bytes; | A64_Q */
enum { A64_CNT = 0x0e205800, A64_ADDV = 0x0e31b800, A64_CMTST = 0x0e208c00 };
