/* SPDX-License-Identifier: MIT */
/*
 * The x86 decoder. Order of the work: prefixes, opcode map, rows of the opcode, operand and address size,
 * ModRM and displacement, immediates, and last what makes a complete instruction undefined all the same.
 */
#include "frontend/x86/decode.h"

#include <string.h>

enum { MAP_0F = 1, MAP_0F38, MAP_0F3A, MAP_VEX1, MAP_EVEX1 = 7 };
enum { PP_NONE = 1, PP_66 = 2, PP_F3 = 4, PP_F2 = 8 };

struct reader {
        const uint8_t *bytes;
        size_t n, pos;
        bool truncated;

        enum x86_width width;
        const struct cpu_features *features;
        struct x86_insn *i;
        uint8_t map, pp;          /* pp: one bit of PP_ */
        uint8_t rex_r, rex_x, rex_b; /* 0, 8, 16 (EVEX) or 24: what they add */
        uint8_t vvvv, l;
        uint8_t vsib_high;
        bool addr_prefix, rex_prefix;
        bool no_vvvv;             /* no operand used vvvv */
        uint8_t n_imms;
};

static uint8_t next(struct reader *r)
{
        if (r->pos >= r->n) {
                r->truncated = true;
                return 0;
        }
        return r->bytes[r->pos++];
}

static uint8_t peek(struct reader *r)
{
        if (r->pos >= r->n) {
                r->truncated = true;
                return 0;
        }
        return r->bytes[r->pos];
}

static uint64_t read_le(struct reader *r, unsigned n)
{
        uint64_t v = 0;

        for (unsigned k = 0; k < n; k++)
                v |= (uint64_t)next(r) << 8 * k;
        return v;
}

static int64_t read_signed(struct reader *r, unsigned n)
{
        uint64_t v = read_le(r, n);

        return (int64_t)(v << (64 - 8 * n)) >> (64 - 8 * n);
}

/* ---- prefixes and maps ---- */

/*
 * Legacy prefixes and REX, which counts only right before the opcode; returns the first byte that is
 * neither.
 */
static uint8_t read_prefixes(struct reader *r)
{
        struct x86_insn *i = r->i;
        uint8_t rex = 0;

        for (;;) {
                uint8_t b = next(r);

                if (r->truncated)
                        return 0;
                if (r->width == X86_64 && (b & 0xf0) == 0x40) {
                        rex = b;
                        continue;
                }
                switch (b) {
                case 0x26: case 0x2e: case 0x36: case 0x3e:
                        /* in 64-bit code these neither count nor cancel FS and GS */
                        if (r->width != X86_64)
                                i->seg = b >> 3 & 3;
                        break;
                case 0x64: i->seg = X86_FS; break;
                case 0x65: i->seg = X86_GS; break;
                case 0x66: i->data16 = true; break;
                case 0x67: r->addr_prefix = true; break;
                case 0xf0: i->lock = true; break;
                case 0xf2: i->repne = true; i->repe = false; break;
                case 0xf3: i->repe = true; i->repne = false; break;
                default:
                        i->rex = rex != 0;
                        i->w = rex & 8;
                        r->rex_r = (rex & 4) << 1;
                        r->rex_x = (rex & 2) << 2;
                        r->rex_b = (rex & 1) << 3;
                        return b;
                }
                rex = 0;
        }
}

static uint8_t pp_of_field(unsigned field)
{
        return 1 << (field & 3); /* none, 66, F3, F2: the order of PP_ */
}

/* C4 and C5: SDM volume 2, 2.3. */
static bool read_vex(struct reader *r, bool three)
{
        struct x86_insn *i = r->i;
        uint8_t b1 = next(r), b2 = b1, map = 1;

        if (i->lock || i->data16 || i->repe || i->repne || i->rex)
                return false;
        r->rex_r = b1 & 0x80 ? 0 : 8;
        if (three) {
                r->rex_x = b1 & 0x40 ? 0 : 8;
                r->rex_b = b1 & 0x20 ? 0 : 8;
                map = b1 & 31;
                b2 = next(r);
                i->w = b2 & 0x80;
        }
        if (r->truncated)
                return true;
        if (map < 1 || map > 3)
                return false;
        i->vex = true;
        r->map = MAP_VEX1 + map - 1;
        r->vvvv = ~b2 >> 3 & 15;
        r->l = b2 >> 2 & 1;
        r->pp = pp_of_field(b2);
        return true;
}

/* 62: SDM volume 2, 2.7. */
static bool read_evex(struct reader *r)
{
        static const uint8_t maps[8] = {[1] = 1, [2] = 2, [3] = 3, [5] = 4, [6] = 5};
        struct x86_insn *i = r->i;
        uint8_t p0 = next(r), p1 = next(r), p2 = next(r);

        if (i->lock || i->data16 || i->repe || i->repne || i->rex)
                return false;
        if (r->truncated)
                return true;
        if ((p0 & 8) || !(p1 & 4) || !maps[p0 & 7])
                return false;
        i->vex = i->evex = true;
        r->map = MAP_EVEX1 + maps[p0 & 7] - 1;
        r->rex_r = (p0 & 0x80 ? 0 : 8) | (p0 & 0x10 ? 0 : 16);
        r->rex_x = p0 & 0x40 ? 0 : 8;
        r->rex_b = p0 & 0x20 ? 0 : 8;
        i->w = p1 & 0x80;
        r->pp = pp_of_field(p1);
        r->vvvv = (~p1 >> 3 & 15) | (p2 & 8 ? 0 : 16);
        r->vsib_high = p2 & 8 ? 0 : 16;
        r->l = p2 >> 5 & 3;
        i->z = p2 & 0x80;
        i->bcst = p2 & 0x10;
        i->mask = p2 & 7;
        return true;
}

static bool read_map(struct reader *r, uint8_t *opcode)
{
        struct x86_insn *i = r->i;
        bool wide;

        if (*opcode == 0x0f) {
                *opcode = next(r);
                r->map = *opcode == 0x38 ? MAP_0F38 : *opcode == 0x3a ? MAP_0F3A : MAP_0F;
                if (r->map != MAP_0F)
                        *opcode = next(r);
        } else if (*opcode == 0xc4 || *opcode == 0xc5 || *opcode == 0x62) {
                wide = r->width == X86_64 || (peek(r) & 0xc0) == 0xc0;
                if (r->truncated)
                        return true;
                if (wide) {
                        if (!(*opcode == 0x62 ? read_evex(r) : read_vex(r, *opcode == 0xc4)))
                                return false;
                        *opcode = next(r);
                        if (r->width != X86_64) {
                                r->rex_r = r->rex_x = r->rex_b = 0;
                                r->vvvv &= 7;
                        }
                        return true;
                }
        }
        r->pp = i->repne ? PP_F2 : i->repe ? PP_F3 : i->data16 ? PP_66 : PP_NONE;
        return true;
}

/* ---- rows ---- */

static unsigned operand_size(const struct reader *r, bool data16)
{
        if (r->width == X86_64)
                return r->i->w ? 8 : data16 ? 2 : 4;
        return (r->width == X86_16) != data16 ? 2 : 4;
}

static unsigned address_size(const struct reader *r)
{
        if (r->width == X86_64)
                return r->addr_prefix ? 4 : 8;
        return (r->width == X86_16) != r->addr_prefix ? 2 : 4;
}

static bool row_fits(const struct reader *r, const struct x86_row *row)
{
        const struct x86_insn *i = r->i;
        uint8_t l = r->l;

        if (!(row->pp & r->pp) || !(row->modes & r->width) || !(row->w & 1 << i->w) ||
            !(row->as & i->as >> 1) || !(row->os & operand_size(r, i->data16) >> 1) ||
            !cpu_has(r->features, row->feature))
                return false;
        if ((row->flags & X86_R_B0) && r->rex_b)
                return false;
        if (row->flags & X86_R_MODRM) {
                bool reg = (i->modrm & 0xc0) == 0xc0 || (row->flags & X86_R_NOMOD);

                if (!(row->mod & (reg ? 2 : 1)) && !(row->flags & X86_R_NOMOD))
                        return false;
                if (row->reg != 0xff && row->reg != (i->modrm >> 3 & 7))
                        return false;
                if (row->rm != 0xff && row->rm != (i->modrm & 7))
                        return false;
                if ((row->flags & X86_R_ER) && i->bcst && reg)
                        l = 2; /* EVEX.L'L is the rounding mode */
        }
        return !i->vex || (l < 3 && (row->l & 1 << l));
}

static bool opcode_has_modrm(unsigned at)
{
        for (unsigned n = x86_first[at]; n < x86_first[at + 1]; n++) {
                if (x86_rows[n].flags & X86_R_MODRM)
                        return true;
        }
        return false;
}

static const struct x86_row *find_row(struct reader *r, uint8_t opcode)
{
        unsigned at = r->map * 256 + opcode;

        if (opcode_has_modrm(at))
                r->i->modrm = peek(r);
        if (r->truncated)
                return NULL;
        for (unsigned n = x86_first[at]; n < x86_first[at + 1]; n++) {
                if (row_fits(r, &x86_rows[n]))
                        return &x86_rows[n];
        }
        return NULL;
}

/* ---- sizes ---- */

static unsigned size_of(const struct reader *r, enum x86_size size)
{
        const struct x86_insn *i = r->i;

        switch (size) {
        case X86_S_N: return 0;
        case X86_S_B: case X86_S_BS: return 1;
        case X86_S_W: return 2;
        case X86_S_D: return 4;
        case X86_S_Q: return 8;
        case X86_S_V: return i->os;
        case X86_S_Z: return i->os == 2 ? 2 : 4;
        case X86_S_Y: return i->w && r->width == X86_64 ? 8 : 4;
        case X86_S_G: return r->width == X86_64 ? 8 : 4;
        case X86_S_P: return i->os + 2;
        case X86_S_S: return r->width == X86_64 ? 10 : 6;
        case X86_S_A: return 2 * i->os;
        case X86_S_T: return 10;
        case X86_S_DQ: return 16;
        case X86_S_QQ: return 32;
        case X86_S_ZZ: return 64;
        case X86_S_X: return i->vl;
        case X86_S_H: return i->vl / 2;
        case X86_S_F: return i->vl / 4;
        case X86_S_E: return i->vl / 8;
        }
        return 0;
}

/* ---- memory operands ---- */

/* EVEX: what an 8-bit displacement counts (SDM volume 2, 2.7.5). */
static unsigned disp_scale(const struct reader *r)
{
        const struct x86_insn *i = r->i;
        const struct x86_row *row = i->row;

        if (i->bcst && (row->flags & (X86_R_BC2 | X86_R_BC4 | X86_R_BC8)))
                return row->flags & X86_R_BC8 ? 8 : row->flags & X86_R_BC4 ? 4 : 2;
        switch ((enum x86_scale)row->scale) {
        case X86_SCALE_NONE: return 1;
        case X86_SCALE_NV: return i->vl;
        case X86_SCALE_NH: return i->vl / 2;
        case X86_SCALE_NQ: return i->vl / 4;
        case X86_SCALE_NE: return i->vl / 8;
        default: return 1u << (row->scale - X86_SCALE_N1);
        }
}

static void default_segment(struct reader *r, enum x86_seg seg)
{
        r->i->mem.seg = r->i->seg != X86_SEG_NONE ? r->i->seg : seg;
}

static void read_mem16(struct reader *r, unsigned mod, unsigned rm)
{
        static const uint8_t bases[8] = {X86_RBX, X86_RBX, X86_RBP, X86_RBP, X86_RSI, X86_RDI, X86_RBP,
                                         X86_RBX};
        struct x86_mem *m = &r->i->mem;

        m->base = bases[rm];
        if (rm < 4)
                m->index = rm & 1 ? X86_RDI : X86_RSI;
        if (mod == 0 && rm == 6)
                m->base = X86_REG_NONE;
        default_segment(r, m->base == X86_RBP ? X86_SS : X86_DS);
        if (mod == 1)
                m->disp = read_signed(r, 1) * (int64_t)disp_scale(r);
        else if (mod == 2 || m->base == X86_REG_NONE)
                m->disp = read_signed(r, 2);
}

static void read_sib(struct reader *r, unsigned mod)
{
        struct x86_mem *m = &r->i->mem;
        uint8_t sib = next(r);
        unsigned index = (sib >> 3 & 7) | r->rex_x;

        m->scale = sib >> 6;
        m->base = (sib & 7) | r->rex_b;
        if (r->i->row->flags & X86_R_VSIB)
                m->index = index | r->vsib_high;
        else
                m->index = index == 4 ? X86_REG_NONE : index;
        if ((sib & 7) == 5 && mod == 0)
                m->base = X86_REG_NONE;
}

/* SDM volume 2, tables 2-1 to 2-3. False: undefined. */
static bool read_mem(struct reader *r)
{
        struct x86_mem *m = &r->i->mem;
        unsigned mod = r->i->modrm >> 6, rm = r->i->modrm & 7;
        bool wide = false;

        if (r->i->as == 2) {
                if (r->i->row->flags & X86_R_VSIB)
                        return false;
                read_mem16(r, mod, rm);
                return true;
        }
        if (rm == 4) {
                read_sib(r, mod);
                wide = m->base == X86_REG_NONE;
        } else {
                if (r->i->row->flags & (X86_R_VSIB | X86_R_SIB))
                        return false;
                m->base = rm | r->rex_b;
                if (rm == 5 && mod == 0) {
                        wide = true;
                        m->base = X86_REG_NONE;
                        m->rip = r->width == X86_64;
                }
        }
        default_segment(r, m->base == X86_RSP || m->base == X86_RBP ? X86_SS : X86_DS);
        if (wide || mod == 2)
                m->disp = read_signed(r, 4);
        else if (mod == 1)
                m->disp = read_signed(r, 1) * (int64_t)disp_scale(r);
        return true;
}

/* ---- operands ---- */

static struct x86_op reg_op(enum x86_class cls, unsigned reg, unsigned size)
{
        return (struct x86_op){.kind = X86_OP_REG, .cls = cls, .reg = reg, .size = size};
}

/* Without a REX prefix, byte registers 4 to 7 are AH, CH, DH and BH. */
static struct x86_op gpr_op(const struct reader *r, unsigned reg, unsigned size)
{
        if (size == 1 && !r->i->rex && !r->i->vex && reg >= 4 && reg < 8)
                return reg_op(X86_GPR_HIGH, reg - 4, 1);
        return reg_op(X86_GPR, reg & 15, size);
}

static struct x86_op imm_op(struct reader *r, unsigned size, int64_t value)
{
        struct x86_op op = {.kind = X86_OP_IMM, .reg = r->n_imms, .size = size};

        if (r->n_imms < 2)
                r->i->imm[r->n_imms++] = value;
        return op;
}

static struct x86_op read_imm(struct reader *r, enum x86_size size)
{
        unsigned n = size_of(r, size);

        switch (size) {
        case X86_S_B:
        case X86_S_W:
                return imm_op(r, n, read_le(r, n));
        case X86_S_BS:
                return imm_op(r, r->i->os, read_signed(r, 1));
        case X86_S_Z:
                return imm_op(r, r->i->os, read_signed(r, n));
        default:
                return imm_op(r, n, read_signed(r, n));
        }
}

/* Memory, or the register of @cls that ModRM.rm names. */
static struct x86_op rm_op(struct reader *r, enum x86_class cls, const struct x86_opspec *spec)
{
        unsigned reg = (r->i->modrm & 7) | r->rex_b;

        if (r->i->is_mem)
                return (struct x86_op){.kind = X86_OP_MEM, .size = size_of(r, spec->msize)};
        if (cls == X86_GPR)
                return gpr_op(r, reg, size_of(r, spec->size));
        if (cls == X86_MM)
                reg &= 7;
        if (cls == X86_VEC && r->i->evex)
                reg |= r->rex_x << 1;
        return reg_op(cls, reg, size_of(r, spec->size));
}

static struct x86_op str_op(struct reader *r, enum x86_op_kind kind, unsigned size)
{
        if (kind == X86_OP_SOURCE)
                default_segment(r, X86_DS);
        return (struct x86_op){.kind = kind, .size = size};
}

static struct x86_op fixed_op(const struct reader *r, enum x86_kind kind)
{
        switch (kind) {
        case X86_K_FAL: return reg_op(X86_GPR, X86_RAX, 1);
        case X86_K_FCL: return reg_op(X86_GPR, X86_RCX, 1);
        case X86_K_FDX: return reg_op(X86_GPR, X86_RDX, 2);
        case X86_K_FAX: return reg_op(X86_GPR, X86_RAX, 2);
        case X86_K_FeAX: return reg_op(X86_GPR, X86_RAX, r->i->os == 2 ? 2 : 4);
        case X86_K_FrAX: return reg_op(X86_GPR, X86_RAX, r->i->os);
        case X86_K_FXMM0: return reg_op(X86_VEC, 0, 16);
        case X86_K_FST0: return reg_op(X86_ST, 0, 10);
        case X86_K_FSTi: return reg_op(X86_ST, r->i->modrm & 7, 10);
        default: return reg_op(X86_SEG, kind - X86_K_FES, 2);
        }
}

static struct x86_op read_op(struct reader *r, const struct x86_opspec *spec)
{
        struct x86_insn *i = r->i;
        unsigned size = size_of(r, spec->size), reg = (i->modrm >> 3 & 7) | r->rex_r;

        switch ((enum x86_kind)spec->kind) {
        case X86_K_E: case X86_K_M: case X86_K_R: return rm_op(r, X86_GPR, spec);
        case X86_K_G: return gpr_op(r, reg, size);
        case X86_K_Z: return gpr_op(r, (i->opcode & 7) | r->rex_b, size);
        case X86_K_B: r->no_vvvv = false; return gpr_op(r, r->vvvv, size);
        case X86_K_V: return reg_op(X86_VEC, reg, size);
        case X86_K_W: case X86_K_U: return rm_op(r, X86_VEC, spec);
        case X86_K_H: r->no_vvvv = false; return reg_op(X86_VEC, r->vvvv, size);
        case X86_K_L: return reg_op(X86_VEC, next(r) >> 4 & (r->width == X86_64 ? 15 : 7), size);
        case X86_K_P: return reg_op(X86_MM, reg & 7, size);
        case X86_K_Q: case X86_K_N: return rm_op(r, X86_MM, spec);
        case X86_K_S: return reg_op(X86_SEG, reg & 7, 2);
        case X86_K_C: return reg_op(X86_CR, reg, size);
        case X86_K_D: return reg_op(X86_DR, reg, size);
        case X86_K_KR: return reg_op(X86_MASK, reg, 8);
        case X86_K_KV: r->no_vvvv = false; return reg_op(X86_MASK, r->vvvv, 8);
        case X86_K_KE: case X86_K_KM: case X86_K_KU: return rm_op(r, X86_MASK, spec);
        case X86_K_TR: return reg_op(X86_TILE, reg, 0);
        case X86_K_TU: return rm_op(r, X86_TILE, spec);
        case X86_K_TV: r->no_vvvv = false; return reg_op(X86_TILE, r->vvvv, 0);
        case X86_K_X: return str_op(r, X86_OP_SOURCE, size);
        case X86_K_Y: return str_op(r, X86_OP_DEST, size);
        case X86_K_I: return read_imm(r, spec->size);
        case X86_K_J:
                i->imm[0] = read_signed(r, size);
                return (struct x86_op){.kind = X86_OP_REL, .size = i->os};
        case X86_K_A:
                i->imm[0] = read_le(r, i->os);
                i->imm[1] = read_le(r, 2);
                return (struct x86_op){.kind = X86_OP_FAR, .size = i->os};
        case X86_K_O:
                default_segment(r, X86_DS);
                i->mem.disp = read_le(r, i->as);
                return (struct x86_op){.kind = X86_OP_MEM, .size = size};
        case X86_K_F1: return imm_op(r, 1, 1);
        case X86_K_NONE: break;
        default: return fixed_op(r, spec->kind);
        }
        return (struct x86_op){0};
}

/* ---- what is undefined although it has a row ---- */

static bool op_valid(const struct x86_insn *i, const struct x86_op *op)
{
        if (op->kind != X86_OP_REG)
                return true;
        switch (op->cls) {
        case X86_SEG:
                return op->reg < 6 && !(i->id == X86_MOV_TO_SEG && op->reg == X86_CS);
        case X86_CR:
                return op->reg < 16 && (0x11d >> op->reg & 1);
        case X86_DR:
        case X86_MASK:
        case X86_TILE:
                return op->reg < 8;
        default:
                return true;
        }
}

/* Gathers and tile products want different registers (SDM volume 2, VPGATHERDD and TDPBSSD). */
static bool registers_differ(const struct x86_insn *i)
{
        const struct x86_op *op = i->op;

        if (i->n_ops == 3 && op[0].cls == X86_TILE && op[1].cls == X86_TILE)
                return op[0].reg != op[1].reg && op[0].reg != op[2].reg && op[1].reg != op[2].reg;
        if (!(i->row->flags & X86_R_VSIB) || op[0].kind != X86_OP_REG || op[0].cls != X86_VEC)
                return true;
        if (i->evex)
                return op[0].reg != i->mem.index;
        return op[0].reg != i->mem.index && op[0].reg != op[2].reg && op[2].reg != i->mem.index;
}

static bool complete_valid(const struct reader *r)
{
        const struct x86_insn *i = r->i;

        if (i->lock && !((i->row->flags & X86_R_LOCK) && i->is_mem))
                return false;
        if (i->vex && r->no_vvvv && (r->vvvv & (i->row->flags & X86_R_VSIB ? 15 : 31)))
                return false;
        for (unsigned n = 0; n < i->n_ops; n++) {
                if (!op_valid(i, &i->op[n]))
                        return false;
        }
        return registers_differ(i);
}

/* ---- all of it ---- */

static enum x86_result decode_row(struct reader *r)
{
        struct x86_insn *i = r->i;
        const struct x86_row *row = i->row;
        bool data16 = i->data16 && !((row->pp & PP_66) && !(row->pp & PP_NONE));
        uint8_t l = r->l;

        i->id = row->id;
        i->os = operand_size(r, data16);
        if (r->width == X86_64 && ((row->flags & X86_R_F64) || ((row->flags & X86_R_D64) && i->os == 4)))
                i->os = 8;
        if (row->flags & X86_R_MODRM) {
                i->modrm = next(r);
                i->is_mem = (i->modrm & 0xc0) != 0xc0 && !(row->flags & X86_R_NOMOD);
        }
        if ((row->flags & X86_R_ER) && i->bcst && !i->is_mem)
                l = 2;
        i->vl = i->vex ? 16 << l : 16;
        if (row->flags & X86_R_PLUSC)
                i->cond = i->opcode & 15;
        if (i->is_mem && !read_mem(r))
                return X86_UNDEFINED;
        for (unsigned n = 0; n < X86_MAX_OPS && row->ops[n]; n++)
                i->op[i->n_ops++] = read_op(r, &x86_opspecs[row->ops[n]]);
        return X86_DECODED;
}

enum x86_result x86_decode(const uint8_t *bytes, size_t n, enum x86_width width,
                           const struct cpu_features *features,
                           struct x86_insn *out)
{
        struct reader r = {.bytes = bytes, .n = n < X86_MAX_LENGTH ? n : X86_MAX_LENGTH, .width = width,
                           .features = features, .i = out, .no_vvvv = true, .pp = PP_NONE};
        enum x86_result result = X86_UNDEFINED;
        uint8_t opcode;

        memset(out, 0, sizeof(*out));
        out->seg = X86_SEG_NONE;
        out->mem.seg = X86_DS;
        out->mem.base = out->mem.index = X86_REG_NONE;
        opcode = read_prefixes(&r);
        if (!r.truncated && read_map(&r, &opcode) && !r.truncated) {
                out->as = address_size(&r);
                out->opcode = opcode;
                out->row = find_row(&r, opcode);
                if (out->row)
                        result = decode_row(&r);
                if (result == X86_DECODED && !r.truncated && !complete_valid(&r))
                        result = X86_UNDEFINED;
        }
        out->length = r.pos;
        if (r.truncated)
                return n >= X86_MAX_LENGTH ? X86_TOO_LONG : X86_TRUNCATED;
        return result;
}

const char *x86_mnemonic(const struct x86_insn *i, char *buf, size_t len)
{
        static const char *const conditions[16] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                                   "s", "ns", "p", "np", "l", "ge", "le", "g"};
        const char *name = i->row ? i->row->name : "?";
        size_t n = strlen(name);

        if (len == 0)
                return buf;
        if (i->row && (i->row->flags & X86_R_PLUSC))
                n -= 2;
        if (n >= len)
                n = len - 1;
        memcpy(buf, name, n);
        buf[n] = 0;
        if (i->row && (i->row->flags & X86_R_PLUSC))
                strncat(buf, conditions[i->cond], len - n - 1);
        return buf;
}
