/* SPDX-License-Identifier: MIT */
/*
 * Decodes x86 instructions of 16-, 32- and 64-bit code (Intel SDM volume 2, chapter 2 and appendix A):
 * prefixes, VEX and EVEX, ModRM, displacement and immediates here; what each opcode is in the tables made of
 * *.dec. Pure functions of the bytes given, of which none beyond the count given is read.
 *
 * Not modelled: XOP and 3DNow!; MPX, which is the hint NOPs that it was made of; and of EVEX what makes
 * masks, broadcasts and rounding of an encoding reserved.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "frontend/x86/x86_features.h"
#include "x86_rows.h"

enum { X86_MAX_LENGTH = 15, X86_MAX_OPS = 4 };

enum x86_width { X86_16 = 1, X86_32 = 2, X86_64 = 4 }; /* of the code segment; bits of struct x86_row.modes */

/* How an operand of a row is made: enum x86_kind, and enum x86_size of a register and of memory. */
struct x86_opspec {
        uint8_t kind, size, msize;
};

/*
 * One encoding; what the fields say is in frontend/gen/decode_x86.py. Masks have a bit a choice, in its
 * order.
 */
struct x86_row {
        uint16_t id; /* enum x86_id */
        const char *name;
        uint32_t flags;          /* enum x86_row_flags */
        uint8_t pp, mod;         /* mod: 1 memory, 2 register */
        uint8_t reg, rm;         /* 0xff: any */
        uint8_t os, as, w, l, modes;
        uint8_t scale, feature;
        uint8_t ops[X86_MAX_OPS]; /* indices of x86_opspecs; 0 ends */
};

extern const struct x86_row x86_rows[];
extern const unsigned x86_n_rows;
extern const struct x86_opspec x86_opspecs[];
/* Rows of (map, opcode) begin at x86_first[map * 256 + opcode]. */
extern const uint16_t x86_first[X86_MAPS * 256 + 1];

enum x86_class { X86_GPR, X86_GPR_HIGH /* AH CH DH BH as 0 to 3 */, X86_SEG, X86_CR, X86_DR, X86_ST, X86_MM,
                X86_VEC,
                 X86_MASK, X86_TILE };
enum x86_seg { X86_ES, X86_CS, X86_SS, X86_DS, X86_FS, X86_GS, X86_SEG_NONE };
enum x86_gpr { X86_RAX, X86_RCX, X86_RDX, X86_RBX, X86_RSP, X86_RBP, X86_RSI, X86_RDI, X86_REG_NONE = 0xff };

enum x86_op_kind {
        X86_OP_NONE,
        X86_OP_REG,     /* cls, reg */
        X86_OP_MEM,     /* struct x86_insn.mem */
        X86_OP_IMM,     /* imm[reg] */
        X86_OP_REL,     /* imm[0]: bytes from the next instruction */
        X86_OP_FAR,     /* imm[0] is the offset, imm[1] the selector */
        X86_OP_SOURCE,  /* memory at mem.seg:rSI */
        X86_OP_DEST,    /* memory at ES:rDI */
};

struct x86_op {
        uint8_t kind, cls, reg;
        uint8_t size; /* bytes; 0 where the row says none */
};

struct x86_mem {
        uint8_t base, index; /* enum x86_gpr, also r8 to r15; X86_REG_NONE */
        uint8_t scale;       /* log2 */
        uint8_t seg;         /* enum x86_seg, with overrides */
        bool rip;            /* disp is from the next instruction */
        int64_t disp;
};

struct x86_insn {
        uint16_t id;  /* enum x86_id */
        const struct x86_row *row;
        uint8_t length;
        uint8_t n_ops;
        struct x86_op op[X86_MAX_OPS];
        struct x86_mem mem;
        int64_t imm[2];
        uint8_t os, as;      /* bytes: 2, 4, 8 */
        uint8_t opcode, modrm;
        uint8_t cond;        /* rows with +c */
        bool is_mem;         /* ModRM names memory */
        bool lock, repe, repne, data16, rex, w;
        uint8_t seg;         /* override, or X86_SEG_NONE */
        uint8_t vl;          /* vector length in bytes; 16 without VEX */
        bool vex, evex, z, bcst;
        uint8_t mask;
};

enum x86_result {
        X86_DECODED,
        X86_UNDEFINED, /* #UD */
        X86_TRUNCATED, /* more bytes are needed to say */
        X86_TOO_LONG,  /* #GP: over 15 bytes */
};

/* @out->length is what was looked at, also where the result is not X86_DECODED. */
enum x86_result x86_decode(const uint8_t *bytes, size_t n, enum x86_width width,
                           const struct cpu_features *features,
                           struct x86_insn *out);

/* The mnemonic, conditions filled in; @buf holds at least 32 bytes. */
const char *x86_mnemonic(const struct x86_insn *i, char *buf, size_t len);

/* One instruction as text, Intel syntax; its length in bytes, 0 if it does not decode. */
size_t x86_disas(uint64_t pc, const uint8_t *bytes, size_t n, enum x86_width width,
                 const struct cpu_features *features,
                 char *buf, size_t len);
