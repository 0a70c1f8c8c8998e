/* SPDX-License-Identifier: MIT */
/*
 * The x86-64 assembler: encoders that write one instruction each. Intel SDM volume 2, chapters 2 and 3 to 5.
 * Registers are their hardware numbers. Callers keep X86_ROOM bytes free. tests/emit compares every encoder with
 * capstone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "backend/asm.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, X86_NO_REG = 0xff };

/* Condition codes as the instruction set numbers them; ^ 1 negates. */
enum x86_cc { CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A, CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE,
              CC_LE, CC_G };

/* What one IR instruction may come to at most. */
enum { X86_ROOM = 2048 };

/* [base + index * scale + disp], or the executable address rip */
struct x86_mem {
        uint8_t base, index, scale_log2;
        int32_t disp;
        const uint8_t *rip;
};

static inline struct x86_mem x86_at(unsigned base, int32_t disp)
{
        return (struct x86_mem){.base = base, .index = X86_NO_REG, .disp = disp};
}

static inline struct x86_mem x86_at_index(unsigned base, unsigned index, unsigned scale_log2, int32_t disp)
{
        return (struct x86_mem){.base = base, .index = index, .scale_log2 = scale_log2, .disp = disp};
}

static inline struct x86_mem x86_at_rip(const uint8_t *exec)
{
        return (struct x86_mem){.base = X86_NO_REG, .index = X86_NO_REG, .rip = exec};
}

/* An opcode: mandatory prefix, opcode map (0 one-byte, 1 0F, 2 0F38, 3 0F3A), byte, REX.W or VEX.W. */
#define X86_OP(prefix, map, byte) ((prefix) << 16 | (map) << 8 | (byte))
#define X86_W (1u << 24)
#define X86_BYTE_REG (1u << 25) /* the reg operand is a byte register: 4 to 7 need a REX */
#define X86_BYTE_RM (1u << 26)
#define X86_L (1u << 27)        /* VEX.L: 256 bits */

static inline bool x86_is_s8(int64_t v)
{
        return v == (int8_t)v;
}

static inline bool x86_is_s32(int64_t v)
{
        return v == (int32_t)v;
}

/* Prefixes and opcode of a legacy encoding; rex is the W, R, X and B bits. */
static inline void x86_head(struct asm_out *a, uint32_t op, unsigned rex, bool force_rex)
{
        unsigned prefix = op >> 16 & 0xff, map = op >> 8 & 3;

        if (prefix)
                asm_u8(a, prefix);
        if (op & X86_W)
                rex |= 8;
        if (rex || force_rex)
                asm_u8(a, 0x40 | rex);
        if (map) {
                asm_u8(a, 0x0f);
                if (map >= 2)
                        asm_u8(a, map == 2 ? 0x38 : 0x3a);
        }
        asm_u8(a, op);
}

/* ModRM, SIB and displacement; @imm_bytes follow the instruction's displacement (for rip). */
static inline void x86_tail_mem(struct asm_out *a, unsigned reg, struct x86_mem m, unsigned imm_bytes)
{
        unsigned r = (reg & 7) << 3;

        if (m.rip) {
                asm_u8(a, 0x05 | r);
                asm_u32(a, (uint32_t)(m.rip - (asm_exec(a, a->p) + 4 + imm_bytes)));
                return;
        }
        bool sib = m.index != X86_NO_REG || (m.base & 7) == RSP;
        unsigned mod = m.disp == 0 && (m.base & 7) != RBP ? 0 : x86_is_s8(m.disp) ? 1 : 2;

        asm_u8(a, mod << 6 | r | (sib ? 4 : m.base & 7));
        if (sib)
                asm_u8(a, m.scale_log2 << 6 | (m.index != X86_NO_REG ? m.index & 7 : RSP) << 3 |
                          (m.base & 7));
        if (mod == 1)
                asm_u8(a, m.disp);
        else if (mod == 2)
                asm_u32(a, m.disp);
}

static inline unsigned x86_rex_mem(unsigned reg, const struct x86_mem *m)
{
        if (m->rip)
                return (reg >> 3) << 2;
        return (reg >> 3) << 2 | (m->index != X86_NO_REG ? (m->index >> 3) << 1 : 0) | m->base >> 3;
}

/* op reg, rm with a register or memory as rm */
static inline void x86_rr(struct asm_out *a, uint32_t op, unsigned reg, unsigned rm)
{
        bool force = ((op & X86_BYTE_REG) && reg >= 4) || ((op & X86_BYTE_RM) && rm >= 4);

        x86_head(a, op, (reg >> 3) << 2 | rm >> 3, force);
        asm_u8(a, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

static inline void x86_rm_imm(struct asm_out *a, uint32_t op, unsigned reg, struct x86_mem m,
                              unsigned imm_bytes)
{
        x86_head(a, op, x86_rex_mem(reg, &m), (op & X86_BYTE_REG) && reg >= 4);
        x86_tail_mem(a, reg, m, imm_bytes);
}

static inline void x86_rm(struct asm_out *a, uint32_t op, unsigned reg, struct x86_mem m)
{
        x86_rm_imm(a, op, reg, m, 0);
}

/* ---- VEX ---- */
static inline void x86_vex_head(struct asm_out *a, uint32_t op, unsigned reg, unsigned vvvv, unsigned x,
                                unsigned b)
{
        unsigned prefix = op >> 16 & 0xff, map = op >> 8 & 3;
        unsigned pp = prefix == 0x66 ? 1 : prefix == 0xf3 ? 2 : prefix == 0xf2 ? 3 : 0;
        unsigned low = (~vvvv & 15) << 3 | (op & X86_L ? 4 : 0) | pp;

        if (map == 1 && !(op & X86_W) && !x && !b) {
                asm_u8(a, 0xc5);
                asm_u8(a, (reg >> 3 ? 0 : 0x80) | low);
        } else {
                asm_u8(a, 0xc4);
                asm_u8(a, (reg >> 3 ? 0 : 0x80) | (x ? 0 : 0x40) | (b ? 0 : 0x20) | map);
                asm_u8(a, (op & X86_W ? 0x80 : 0) | low);
        }
        asm_u8(a, op);
}

static inline void x86_vrr(struct asm_out *a, uint32_t op, unsigned reg, unsigned vvvv, unsigned rm)
{
        x86_vex_head(a, op, reg, vvvv, 0, rm >> 3);
        asm_u8(a, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

static inline void x86_vrm_imm(struct asm_out *a, uint32_t op, unsigned reg, unsigned vvvv, struct x86_mem m,
                               unsigned imm_bytes)
{
        x86_vex_head(a, op, reg, vvvv, m.rip || m.index == X86_NO_REG ? 0 : m.index >> 3,
                     m.rip ? 0 : m.base >> 3);
        x86_tail_mem(a, reg, m, imm_bytes);
}

static inline void x86_vrm(struct asm_out *a, uint32_t op, unsigned reg, unsigned vvvv, struct x86_mem m)
{
        x86_vrm_imm(a, op, reg, vvvv, m, 0);
}

static inline uint32_t x86_w(bool w)
{
        return w ? X86_W : 0;
}

/* ---- moves ---- */
static inline void x86_mov(struct asm_out *a, bool w, unsigned dst, unsigned src)
{
        x86_rr(a, X86_OP(0, 0, 0x8b) | x86_w(w), dst, src);
}

/* mov reg, imm in its shortest form that leaves the flags alone */
static inline void x86_mov_imm(struct asm_out *a, unsigned dst, uint64_t v)
{
        if (v == (uint32_t)v) {
                if (dst >> 3)
                        asm_u8(a, 0x41);
                asm_u8(a, 0xb8 | (dst & 7));
                asm_u32(a, v);
        } else if (x86_is_s32(v)) {
                asm_u8(a, 0x48 | dst >> 3);
                asm_u8(a, 0xc7);
                asm_u8(a, 0xc0 | (dst & 7));
                asm_u32(a, v);
        } else {
                asm_u8(a, 0x48 | dst >> 3);
                asm_u8(a, 0xb8 | (dst & 7));
                asm_u64(a, v);
        }
}

static inline void x86_load(struct asm_out *a, bool w, unsigned dst, struct x86_mem m)
{
        x86_rm(a, X86_OP(0, 0, 0x8b) | x86_w(w), dst, m);
}

/* Stores 1 << size_log2 bytes. */
static inline void x86_store(struct asm_out *a, unsigned size_log2, struct x86_mem m, unsigned src)
{
        static const uint32_t ops[] = {
                X86_OP(0, 0, 0x88) | X86_BYTE_REG, X86_OP(0x66, 0, 0x89),
                X86_OP(0, 0, 0x89), X86_OP(0, 0, 0x89) | X86_W,
        };
        x86_rm(a, ops[size_log2], src, m);
}

/* Stores an immediate, sign-extended to 8 bytes if size_log2 is 3. */
static inline void x86_store_imm(struct asm_out *a, unsigned size_log2, struct x86_mem m, int32_t v)
{
        static const uint32_t ops[] = {
                X86_OP(0, 0, 0xc6), X86_OP(0x66, 0, 0xc7), X86_OP(0, 0, 0xc7), X86_OP(0, 0, 0xc7) | X86_W
        };
        unsigned n = size_log2 == 0 ? 1 : size_log2 == 1 ? 2 : 4;

        x86_rm_imm(a, ops[size_log2], 0, m, n);
        memcpy(a->p, &v, n);
        a->p += n;
}

/* Loads 1 << size_log2 bytes, extended to 64 bits (or to 32, zeros above, if !w and sign). */
static inline uint32_t x86_load_op(unsigned size_log2, bool sign, bool w)
{
        switch (size_log2) {
        case 0:
                return sign ? X86_OP(0, 1, 0xbe) | x86_w(w) : X86_OP(0, 1, 0xb6);
        case 1:
                return sign ? X86_OP(0, 1, 0xbf) | x86_w(w) : X86_OP(0, 1, 0xb7);
        case 2:
                return sign && w ? X86_OP(0, 0, 0x63) | X86_W : X86_OP(0, 0, 0x8b);
        default:
                return X86_OP(0, 0, 0x8b) | X86_W;
        }
}

static inline void x86_lea(struct asm_out *a, bool w, unsigned dst, struct x86_mem m)
{
        x86_rm(a, X86_OP(0, 0, 0x8d) | x86_w(w), dst, m);
}

static inline void x86_push(struct asm_out *a, unsigned r)
{
        if (r >> 3)
                asm_u8(a, 0x41);
        asm_u8(a, 0x50 | (r & 7));
}

static inline void x86_pop(struct asm_out *a, unsigned r)
{
        if (r >> 3)
                asm_u8(a, 0x41);
        asm_u8(a, 0x58 | (r & 7));
}

/* ---- arithmetic ---- */
enum x86_alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };

static inline void x86_alu(struct asm_out *a, enum x86_alu op, bool w, unsigned dst, unsigned src)
{
        x86_rr(a, X86_OP(0, 0, op << 3 | 3) | x86_w(w), dst, src);
}

static inline void x86_alu_load(struct asm_out *a, enum x86_alu op, bool w, unsigned dst, struct x86_mem m)
{
        x86_rm(a, X86_OP(0, 0, op << 3 | 3) | x86_w(w), dst, m);
}

static inline void x86_alu_store(struct asm_out *a, enum x86_alu op, bool w, struct x86_mem m, unsigned src)
{
        x86_rm(a, X86_OP(0, 0, op << 3 | 1) | x86_w(w), src, m);
}

static inline void x86_alu_imm(struct asm_out *a, enum x86_alu op, bool w, unsigned dst, int32_t v)
{
        x86_rr(a, X86_OP(0, 0, x86_is_s8(v) ? 0x83 : 0x81) | x86_w(w), op, dst);
        if (x86_is_s8(v))
                asm_u8(a, v);
        else
                asm_u32(a, v);
}

static inline void x86_alu_mem_imm(struct asm_out *a, enum x86_alu op, bool w, struct x86_mem m, int32_t v)
{
        bool s8 = x86_is_s8(v);

        x86_rm_imm(a, X86_OP(0, 0, s8 ? 0x83 : 0x81) | x86_w(w), op, m, s8 ? 1 : 4);
        if (s8)
                asm_u8(a, v);
        else
                asm_u32(a, v);
}

static inline void x86_test(struct asm_out *a, bool w, unsigned x, unsigned y)
{
        x86_rr(a, X86_OP(0, 0, 0x85) | x86_w(w), y, x);
}

/* test reg, imm: a byte test if the mask allows */
static inline void x86_test_imm(struct asm_out *a, bool w, unsigned r, int32_t v)
{
        if (v >= 0 && v < 128) {
                x86_rr(a, X86_OP(0, 0, 0xf6) | X86_BYTE_RM, 0, r);
                asm_u8(a, v);
        } else {
                x86_rr(a, X86_OP(0, 0, 0xf7) | x86_w(w && v < 0), 0, r);
                asm_u32(a, v);
        }
}

enum x86_unary { UN_NOT = 2, UN_NEG, UN_MUL, UN_IMUL, UN_DIV, UN_IDIV };

static inline void x86_unary(struct asm_out *a, enum x86_unary op, bool w, unsigned r)
{
        x86_rr(a, X86_OP(0, 0, 0xf7) | x86_w(w), op, r);
}

static inline void x86_imul(struct asm_out *a, bool w, unsigned dst, unsigned src)
{
        x86_rr(a, X86_OP(0, 1, 0xaf) | x86_w(w), dst, src);
}

static inline void x86_imul_imm(struct asm_out *a, bool w, unsigned dst, unsigned src, int32_t v)
{
        x86_rr(a, X86_OP(0, 0, x86_is_s8(v) ? 0x6b : 0x69) | x86_w(w), dst, src);
        if (x86_is_s8(v))
                asm_u8(a, v);
        else
                asm_u32(a, v);
}

enum x86_shift { SH_ROL, SH_ROR, SH_SHL = 4, SH_SHR, SH_SAR = 7 };

static inline void x86_shift_imm(struct asm_out *a, enum x86_shift op, bool w, unsigned r, unsigned n)
{
        x86_rr(a, X86_OP(0, 0, n == 1 ? 0xd1 : 0xc1) | x86_w(w), op, r);
        if (n != 1)
                asm_u8(a, n);
}

static inline void x86_shift_cl(struct asm_out *a, enum x86_shift op, bool w, unsigned r)
{
        x86_rr(a, X86_OP(0, 0, 0xd3) | x86_w(w), op, r);
}

/* BMI2: shlx, shrx, sarx dst, src, count; rorx dst, src, n */
static inline void x86_shiftx(struct asm_out *a, enum x86_shift op, bool w, unsigned dst, unsigned src,
                              unsigned count)
{
        unsigned prefix = op == SH_SHL ? 0x66 : op == SH_SHR ? 0xf2 : 0xf3;

        x86_vrr(a, X86_OP(prefix, 2, 0xf7) | x86_w(w), dst, count, src);
}

static inline void x86_rorx(struct asm_out *a, bool w, unsigned dst, unsigned src, unsigned n)
{
        x86_vrr(a, X86_OP(0xf2, 3, 0xf0) | x86_w(w), dst, 0, src);
        asm_u8(a, n);
}

/* BMI1: dst = ~x & y */
static inline void x86_andn(struct asm_out *a, bool w, unsigned dst, unsigned x, unsigned y)
{
        x86_vrr(a, X86_OP(0, 2, 0xf2) | x86_w(w), dst, x, y);
}

static inline void x86_bswap(struct asm_out *a, bool w, unsigned r)
{
        if (w || r >> 3)
                asm_u8(a, 0x40 | (w ? 8 : 0) | r >> 3);
        asm_u8(a, 0x0f);
        asm_u8(a, 0xc8 | (r & 7));
}

#define X86_POPCNT X86_OP(0xf3, 1, 0xb8)
#define X86_LZCNT X86_OP(0xf3, 1, 0xbd)
#define X86_TZCNT X86_OP(0xf3, 1, 0xbc)
#define X86_BSR X86_OP(0, 1, 0xbd)
#define X86_BSF X86_OP(0, 1, 0xbc)
#define X86_MOVSXD (X86_OP(0, 0, 0x63) | X86_W)

/* bt r, n: carry is the bit */
static inline void x86_bt_imm(struct asm_out *a, bool w, unsigned r, unsigned n)
{
        x86_rr(a, X86_OP(0, 1, 0xba) | x86_w(w), 4, r);
        asm_u8(a, n);
}

static inline void x86_bt(struct asm_out *a, bool w, unsigned r, unsigned bit)
{
        x86_rr(a, X86_OP(0, 1, 0xa3) | x86_w(w), bit, r);
}

static inline void x86_setcc(struct asm_out *a, enum x86_cc cc, unsigned r)
{
        x86_rr(a, X86_OP(0, 1, 0x90 | cc) | X86_BYTE_RM, 0, r);
}

static inline void x86_cmov(struct asm_out *a, enum x86_cc cc, bool w, unsigned dst, unsigned src)
{
        x86_rr(a, X86_OP(0, 1, 0x40 | cc) | x86_w(w), dst, src);
}

static inline void x86_cqo(struct asm_out *a, bool w)
{
        if (w)
                asm_u8(a, 0x48);
        asm_u8(a, 0x99);
}

/* ---- control; jumps return the place of their displacement ---- */
static inline uint8_t *x86_jcc(struct asm_out *a, enum x86_cc cc)
{
        asm_u8(a, 0x0f);
        asm_u8(a, 0x80 | cc);
        asm_u32(a, 0);
        return a->p - 4;
}

static inline uint8_t *x86_jmp(struct asm_out *a)
{
        asm_u8(a, 0xe9);
        asm_u32(a, 0);
        return a->p - 4;
}

static inline uint8_t *x86_jcc8(struct asm_out *a, enum x86_cc cc)
{
        asm_u8(a, 0x70 | cc);
        asm_u8(a, 0);
        return a->p - 1;
}

static inline uint8_t *x86_jmp8(struct asm_out *a)
{
        asm_u8(a, 0xeb);
        asm_u8(a, 0);
        return a->p - 1;
}

/* Both are writable addresses. */
static inline void x86_patch(uint8_t *disp32, const uint8_t *target)
{
        int32_t d = (int32_t)(target - (disp32 + 4));

        memcpy(disp32, &d, 4);
}

static inline void x86_patch8(uint8_t *disp8, const uint8_t *target)
{
        *disp8 = (uint8_t)(target - (disp8 + 1));
}

static inline void x86_here(struct asm_out *a, uint8_t *disp32)
{
        x86_patch(disp32, a->p);
}

static inline void x86_here8(struct asm_out *a, uint8_t *disp8)
{
        x86_patch8(disp8, a->p);
}

/* To an executable address */
static inline void x86_call_exec(struct asm_out *a, const uint8_t *target)
{
        asm_u8(a, 0xe8);
        asm_u32(a, (uint32_t)(target - (asm_exec(a, a->p) + 4)));
}

static inline void x86_jmp_exec(struct asm_out *a, const uint8_t *target)
{
        asm_u8(a, 0xe9);
        asm_u32(a, (uint32_t)(target - (asm_exec(a, a->p) + 4)));
}

static inline void x86_jmp_mem(struct asm_out *a, struct x86_mem m)
{
        x86_rm(a, X86_OP(0, 0, 0xff), 4, m);
}

static inline void x86_jmp_reg(struct asm_out *a, unsigned r)
{
        x86_rr(a, X86_OP(0, 0, 0xff), 4, r);
}

static inline void x86_call_reg(struct asm_out *a, unsigned r)
{
        x86_rr(a, X86_OP(0, 0, 0xff), 2, r);
}

static inline void x86_call_mem(struct asm_out *a, struct x86_mem m)
{
        x86_rm(a, X86_OP(0, 0, 0xff), 2, m);
}

static inline void x86_ret(struct asm_out *a)
{
        asm_u8(a, 0xc3);
}

/* The recommended no-ops of @n bytes, up to 9 (SDM, NOP). */
void x86_nop(struct asm_out *a, unsigned n);

static inline void x86_align(struct asm_out *a, unsigned align)
{
        unsigned n = -(uintptr_t)a->p & (align - 1);

        for (; n > 9; n -= 9)
                x86_nop(a, 9);
        if (n)
                x86_nop(a, n);
}

/* ---- scalar floating point ---- */
#define X86_SS 0xf3
#define X86_SD 0xf2

static inline unsigned x86_fp(bool f64)
{
        return f64 ? X86_SD : X86_SS;
}

enum x86_fpop { FP_SQRT = 0x51, FP_ADD = 0x58, FP_MUL = 0x59, FP_SUB = 0x5c, FP_MIN = 0x5d, FP_DIV = 0x5e,
                FP_MAX = 0x5f };

/* Bitwise ops on packed singles: the shortest encodings */
enum x86_fpbits { FPB_AND = 0x54, FPB_ANDN = 0x55, FPB_OR = 0x56, FPB_XOR = 0x57 };

static inline void x86_movaps(struct asm_out *a, unsigned dst, unsigned src)
{
        x86_rr(a, X86_OP(0, 1, 0x28), dst, src);
}

static inline void x86_fload(struct asm_out *a, bool f64, unsigned dst, struct x86_mem m)
{
        x86_rm(a, X86_OP(x86_fp(f64), 1, 0x10), dst, m);
}

static inline void x86_fstore(struct asm_out *a, bool f64, struct x86_mem m, unsigned src)
{
        x86_rm(a, X86_OP(x86_fp(f64), 1, 0x11), src, m);
}

/* 16 bytes; no alignment is asked for */
static inline void x86_vload(struct asm_out *a, unsigned dst, struct x86_mem m)
{
        x86_rm(a, X86_OP(0, 1, 0x10), dst, m);
}

static inline void x86_vstore(struct asm_out *a, struct x86_mem m, unsigned src)
{
        x86_rm(a, X86_OP(0, 1, 0x11), src, m);
}

/* movd, movq between classes */
static inline void x86_mov_to_fp(struct asm_out *a, bool w, unsigned fp, unsigned gpr)
{
        x86_rr(a, X86_OP(0x66, 1, 0x6e) | x86_w(w), fp, gpr);
}

static inline void x86_mov_from_fp(struct asm_out *a, bool w, unsigned gpr, unsigned fp)
{
        x86_rr(a, X86_OP(0x66, 1, 0x7e) | x86_w(w), fp, gpr);
}

static inline void x86_ucomis(struct asm_out *a, bool f64, unsigned x, unsigned y)
{
        x86_rr(a, X86_OP(f64 ? 0x66 : 0, 1, 0x2e), x, y);
}

static inline void x86_comis(struct asm_out *a, bool f64, unsigned x, unsigned y)
{
        x86_rr(a, X86_OP(f64 ? 0x66 : 0, 1, 0x2f), x, y);
}

static inline void x86_ldmxcsr(struct asm_out *a, struct x86_mem m)
{
        x86_rm(a, X86_OP(0, 1, 0xae), 2, m);
}

static inline void x86_stmxcsr(struct asm_out *a, struct x86_mem m)
{
        x86_rm(a, X86_OP(0, 1, 0xae), 3, m);
}
