/* SPDX-License-Identifier: MIT */
/*
 * Makes cases for a row of the decode table: its encoding with random ModRM, prefixes and immediates,
 * registers of values that matter, addresses that lie in the data, now and then across its end or where
 * nothing can be written.
 */
#include "tests/diff/x86/gen.h"

#include <string.h>

/* splitmix64 */
uint64_t gen_random(struct gen *g)
{
        uint64_t z = g->seed += 0x9e3779b97f4a7c15;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
}

unsigned gen_below(struct gen *g, unsigned n)
{
        return gen_random(g) % n;
}

uint64_t gen_value(struct gen *g)
{
        static const uint64_t values[] = {
                0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
                        0xffffffff,
                0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff, 0xfffffffffffffffe,
                0xffffffff80000000, 0xffffffffffff8000, 0xffffffffffffff80, 0x5555555555555555,
                        0xaaaaaaaaaaaaaaaa,
        };
        uint64_t v;

        switch (gen_below(g, 8)) {
        case 0: case 1: case 2: return values[gen_below(g, sizeof(values) / sizeof(values[0]))];
        case 3: return gen_below(g, 256);
        case 4: return gen_random(g) >> gen_below(g, 64);
        case 5:
                v = values[gen_below(g, sizeof(values) / sizeof(values[0]))];
                return v ^ UINT64_C(1) << gen_below(g, 64);
        default: return gen_random(g);
        }
}

static uint32_t interesting_f32(struct gen *g)
{
        static const uint32_t values[] = {
                0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001,
                        0x7f800001,
                0xffa00000, 1, 0x80000001, 0x007fffff, 0x00800000, 0x7f7fffff, 0x4f000000, 0xcf000000,
                        0x5f000000,
                0x3f000000, 0x3fc00000, 0x40490fdb, 0x33800000, 0x4effffff,
        };

        if (gen_below(g, 2))
                return values[gen_below(g, sizeof(values) / sizeof(values[0]))];
        if (gen_below(g, 2))
                return (gen_random(g) & 0x807fffff) | (uint32_t)(100 + gen_below(g, 60)) << 23;
        return gen_random(g);
}

static uint64_t interesting_f64(struct gen *g)
{
        static const uint64_t values[] = {
                0, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000,
                        0xfff0000000000000,
                0x7ff8000000000000, 0xfff8000000000001, 0x7ff0000000000001, 0xfff4000000000000, 1,
                        0x8000000000000001,
                0x000fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff, 0x41e0000000000000,
                        0xc1e0000000000000,
                0x43e0000000000000, 0xc3e0000000000000, 0x3fe0000000000000, 0x3ff8000000000000,
                        0x36a0000000000000,
                0x380fffffffffffff, 0x47efffffffffffff, 0x41dfffffffc00000, 0x400921fb54442d18,
        };

        if (gen_below(g, 2))
                return values[gen_below(g, sizeof(values) / sizeof(values[0]))];
        if (gen_below(g, 2))
                return (gen_random(g) & 0x800fffffffffffff) | (uint64_t)(1000 + gen_below(g, 60)) << 52;
        return gen_random(g);
}

static void vector(struct gen *g, uint64_t w[2])
{
        unsigned kind = gen_below(g, 4);

        for (unsigned k = 0; k < 2; k++) {
                if (kind == 0)
                        w[k] = interesting_f32(g) | (uint64_t)interesting_f32(g) << 32;
                else if (kind == 1)
                        w[k] = interesting_f64(g);
                else
                        w[k] = kind == 2 ? gen_random(g) : gen_value(g);
        }
}

/*
 * An 80-bit number: normal ones, small integers, zeros, infinities, NaNs, denormals, and what is none of
 * them.
 */
static void extended(struct gen *g, uint8_t out[10])
{
        static const uint16_t exponents[] = {0, 1, 0x3fff, 0x3ffe, 0x4000, 0x401e, 0x403e, 0x7ffe, 0x7fff,
                                             0x3f80, 0x3bcd,
                                             0x407f, 0x43ff, 0x3c01};
        static const uint64_t mantissas[] = {0, 1, 0x8000000000000000, 0xc000000000000000, 0xffffffffffffffff,
                                             0x8000000000000001, 0xa000000000000000, 0x4000000000000000};
        uint64_t m = gen_below(g, 2) ? mantissas[gen_below(g, 8)] : gen_random(g) | 1ull << 63;
        uint16_t e = gen_below(g, 2) ? exponents[gen_below(g, 14)] : 0x3fff - 40 + gen_below(g, 80);

        if (e && gen_below(g, 16))
                m |= 1ull << 63; /* else what the 387 and later do not support */
        e |= gen_below(g, 2) << 15;
        memcpy(out, &m, 8);
        memcpy(out + 8, &e, 2);
}

/* ---- encoding ---- */

void gen_emit(struct gen_code *c, unsigned byte)
{
        if (c->n < 15)
                c->at[c->n++] = byte;
}

static unsigned pick_bit(struct gen *g, unsigned mask)
{
        unsigned k;

        do
                k = gen_below(g, 4);
        while (!(mask >> k & 1));
        return k;
}

static void emit_legacy(struct gen *g, struct gen_code *c, const struct x86_row *row, unsigned map,
                        unsigned opcode, const struct gen_regs *regs)
{
        static const uint8_t prefix[4] = {0, 0x66, 0xf3, 0xf2};
        unsigned w = pick_bit(g, row->w);
        bool rep = row->flags & (X86_R_REP | X86_R_REPZ);

        if ((row->flags & X86_R_LOCK) && !gen_below(g, 4))
                gen_emit(c, 0xf0);
        if (row->pp == 15) {
                /* of near branches AMD's CPUs make 16-bit ones, Intel's ignore it */
                if (!gen_below(g, 4) && !(row->flags & X86_R_F64))
                        gen_emit(c, 0x66);
                if (rep && gen_below(g, 2))
                        gen_emit(c, row->flags & X86_R_REPZ && gen_below(g, 2) ? 0xf2 : 0xf3);
        } else if (row->pp & 1) {
                if ((row->pp & 2) && gen_below(g, 2))
                        gen_emit(c, 0x66);
        } else {
                unsigned k = pick_bit(g, row->pp);

                if (k != 1 && row->os == 7 && !gen_below(g, 6))
                        gen_emit(c, 0x66);
                gen_emit(c, prefix[k]);
        }
        if (row->as != 7 ? !(row->as & 4) : !gen_below(g, 12))
                gen_emit(c, 0x67);
        if (row->w == 2 || regs->rxb || gen_below(g, 2))
                gen_emit(c, 0x40 | (row->w == 3 ? gen_below(g, 2) : w) << 3 | regs->rxb);
        if (map >= 1)
                gen_emit(c, 0x0f);
        if (map >= 2)
                gen_emit(c, map == 2 ? 0x38 : 0x3a);
        gen_emit(c, opcode);
}

static bool uses_vvvv(const struct x86_row *row)
{
        for (unsigned k = 0; k < X86_MAX_OPS; k++) {
                unsigned kind = x86_opspecs[row->ops[k]].kind;

                if (row->ops[k] && (kind == X86_K_H || kind == X86_K_B))
                        return true;
        }
        return false;
}

static void emit_vex(struct gen *g, struct gen_code *c, const struct x86_row *row, unsigned map,
                     unsigned opcode, const struct gen_regs *regs)
{
        unsigned w = pick_bit(g, row->w), pp = pick_bit(g, row->pp), l = row->l & 1 ? 0 : 1;
        unsigned vvvv = uses_vvvv(row) ? 15 - regs->vvvv : 15;

        gen_emit(c, 0xc4);
        gen_emit(c, (7 - regs->rxb) << 5 | (map - 3));
        gen_emit(c, w << 7 | vvvv << 3 | l << 2 | pp);
        gen_emit(c, opcode);
}

static unsigned map_and_opcode(unsigned row)
{
        unsigned low = 0, high = X86_MAPS * 256 - 1;

        while (low < high) {
                unsigned middle = (low + high + 1) / 2;

                if (x86_first[middle] <= row)
                        low = middle;
                else
                        high = middle - 1;
        }
        return low;
}

bool gen_opcode(struct gen *g, struct gen_code *c, unsigned row, const struct gen_regs *regs)
{
        unsigned at = map_and_opcode(row), map = at / 256;

        if (map >= 7)
                return false;
        if (map >= 4)
                emit_vex(g, c, &x86_rows[row], map, at & 255, regs);
        else
                emit_legacy(g, c, &x86_rows[row], map, at & 255, regs);
        return true;
}

static void emit_modrm(struct gen *g, struct gen_code *c, const struct x86_row *row)
{
        unsigned reg = row->reg == 0xff ? gen_below(g, 8) : row->reg, rm = row->rm == 0xff ? gen_below(g,
                8) : row->rm;
        unsigned mod = row->mod == 2 || (row->mod == 3 && gen_below(g, 2)) ? 3 : gen_below(g, 3);

        gen_emit(c, mod << 6 | reg << 3 | rm);
        if (mod == 3)
                return;
        if (rm == 4) {
                unsigned sib = gen_below(g, 256);

                gen_emit(c, sib);
                if ((sib & 7) == 5 && mod == 0)
                        mod = 4;
        } else if (rm == 5 && mod == 0) {
                mod = 4;
        }
        if (mod == 1) {
                gen_emit(c, gen_random(g));
        } else if (mod != 0) {
                if (mod == 4)
                        c->disp_at = c->n;
                for (unsigned k = 0; k < 4; k++)
                        /* below 16 MiB: addresses stay canonical */
                        gen_emit(c, mod == 2 && k == 3 ? 0 : gen_random(g));
        }
}

/* ---- state ---- */

static uint64_t data_address(struct gen *g, unsigned size)
{
        uint64_t edge = CASE_DATA + CASE_WINDOW + CASE_WINDOW_SIZE;

        if (!gen_below(g, 24))
                return CASE_DATA + CASE_DATA_SIZE - gen_below(g, 2 * size + 1); /* into what is not there */
        if (!gen_below(g, 32))
                return CASE_RO + gen_below(g, 256) * 8;
        if (!gen_below(g, 6))
                return CASE_DATA + 0x1000 - gen_below(g, 17); /* across the border of the two pages */
        if (gen_below(g, 3))
                return (edge - 256 - gen_below(g, 512)) & ~15ull;
        return edge - 256 - gen_below(g, 512);
}

/* Makes the operand in memory lie at @want. False: no register can be made to. */
static bool aim(struct test_case *c, struct gen_code *code, const struct x86_insn *i, uint64_t want)
{
        uint64_t have = i->mem.disp;

        if (i->mem.rip || (i->mem.base == X86_REG_NONE && code->disp_at)) {
                uint64_t index = i->mem.index == X86_REG_NONE ? 0 : c->in.gpr[i->mem.index] << i->mem.scale;
                int64_t disp =
                        i->mem.rip ? (int64_t)(want - (CASE_CODE + CASE_AT + i->length)) : (int64_t)want;

                if (i->mem.index != X86_REG_NONE) {
                        c->in.gpr[i->mem.index] &= 0x3f;
                        index = c->in.gpr[i->mem.index] << i->mem.scale;
                }
                disp -= index;
                memcpy(code->at + code->disp_at, &disp, 4);
                return true;
        }
        if (i->mem.base == X86_REG_NONE && i->mem.index == X86_REG_NONE) { /* an offset in the instruction */
                if (i->as == 8)
                        memcpy(code->at + code->n - 8, &want, 8);
                else
                        memcpy(code->at + code->n - 4, &want, 4);
                return true;
        }
        if (i->mem.base == X86_REG_NONE)
                return false;
        if (i->mem.index == i->mem.base) {
                /* base + index << scale: only what divides */
                uint64_t factor = 1 + (UINT64_C(1) << i->mem.scale);

                c->in.gpr[i->mem.base] = (want - have) / factor;
                return true;
        }
        if (i->mem.index != X86_REG_NONE) {
                c->in.gpr[i->mem.index] = (int64_t)c->in.gpr[i->mem.index] >> 40;
                have += c->in.gpr[i->mem.index] << i->mem.scale;
        }
        c->in.gpr[i->mem.base] = want - have;
        return true;
}

static bool is_string(const struct x86_insn *i)
{
        return i->row->flags & (X86_R_REP | X86_R_REPZ);
}

static unsigned operand_size(const struct x86_insn *i)
{
        for (unsigned k = 0; k < i->n_ops; k++) {
                if (i->op[k].kind == X86_OP_MEM)
                        return i->op[k].size ? i->op[k].size : 16;
        }
        return 8;
}

static void place_registers(struct gen *g, struct test_case *c, struct gen_code *code,
                            const struct x86_insn *i)
{
        bool bit_string = i->id >= X86_BT && i->n_ops > 1 && i->op[1].kind == X86_OP_REG &&
                          (i->id == X86_BT || i->id == X86_BTS || i->id == X86_BTR || i->id == X86_BTC);

        /* shift counts: mostly small */
        if (gen_below(g, 2))
                c->in.gpr[X86_RCX] = (c->in.gpr[X86_RCX] & ~0xffull) | gen_below(g, 70);
        /* quotients that fit, now and then */
        if ((i->id == X86_DIV || i->id == X86_IDIV) && gen_below(g, 4)) {
                c->in.gpr[X86_RDX] = i->id == X86_IDIV && gen_below(g, 2) ? UINT64_MAX : gen_below(g, 4);
                if (i->op[0].size == 1)
                        c->in.gpr[X86_RAX] = (c->in.gpr[X86_RAX] & ~0xff00ull) | gen_below(g, 3) << 8;
        }
        if (bit_string && i->is_mem)
                c->in.gpr[i->op[1].reg] = (int64_t)gen_below(g, 2048) - 1024;
        if (is_string(i)) {
                c->in.gpr[X86_RSI] = data_address(g, 8);
                c->in.gpr[X86_RDI] = gen_below(g, 3) ? data_address(g, 8) : c->in.gpr[X86_RSI] + gen_below(g,
                        64) - 32;
                if (i->repe || i->repne)
                        c->in.gpr[X86_RCX] = gen_below(g, 5) ? gen_below(g, 80) : gen_below(g, 3);
        }
        if (i->is_mem || (i->mem.disp && !is_string(i)))
                aim(c, code, i, data_address(g, operand_size(i)));
        switch (i->id) {
        case X86_XLAT:
                c->in.gpr[X86_RBX] = data_address(g, 1);
                break;
        case X86_PUSH: case X86_POP: case X86_CALL: case X86_RET: case X86_ENTER: case X86_PUSHF:
        case X86_POPF:
                if (!i->is_mem || (i->mem.base != X86_RSP && i->mem.index != X86_RSP))
                        c->in.gpr[X86_RSP] = data_address(g, 8);
                if (i->id == X86_ENTER)
                        c->in.gpr[X86_RBP] = data_address(g, 8);
                break;
        case X86_LEAVE:
                c->in.gpr[X86_RBP] = data_address(g, 8);
                break;
        case X86_MASKMOVDQU: case X86_MASKMOVQ:
                c->in.gpr[X86_RDI] = data_address(g, 16);
                break;
        default:
                break;
        }
        /* the upper halves of 32-bit addresses do not count */
        if (i->as == 4) {
                const unsigned regs[] = {i->mem.base, i->id == X86_XLAT ? X86_RBX : X86_REG_NONE,
                                         is_string(i) ? X86_RSI : X86_REG_NONE,
                                         is_string(i) ? X86_RDI : X86_REG_NONE};

                for (unsigned k = 0; k < 4; k++) {
                        if (regs[k] < 16 && regs[k] != X86_RSP && gen_below(g, 2))
                                c->in.gpr[regs[k]] |= gen_random(g) << 32;
                }
        }
        if (i->id == X86_JMP || i->id == X86_CALL || i->id == X86_RET) {
                uint64_t to = CASE_CODE + gen_below(g, 0x400);

                /* where an indirect one finds its target, everywhere */
                for (unsigned k = 0; k + 8 <= CASE_WINDOW_SIZE; k += 8)
                        memcpy(c->window + k, &to, 8);
                if (i->op[0].kind == X86_OP_REG)
                        c->in.gpr[i->op[0].reg] = to;
        }
}

void gen_state(struct gen *g, struct test_case *c)
{
        for (unsigned k = 0; k < 16; k++) {
                c->in.gpr[k] = gen_value(g);
                vector(g, c->in.xmm[k]);
        }
        for (unsigned k = 0; k < CASE_WINDOW_SIZE; k += 16) {
                uint64_t w[2];

                vector(g, w);
                memcpy(c->window + k, w, 16);
                if (!gen_below(g, 3) && k + 10 <= CASE_WINDOW_SIZE)
                        extended(g, c->window + k);
        }
        c->in.flags = 0x202 | (gen_random(g) & X86_CASE_FLAGS);
        c->in.mxcsr = 0x1f80 | gen_below(g, 4) << 13 | (gen_below(g, 4) ? 0 : (gen_random(g) & 0x8040)) |
                      (gen_random(g) & 0x3f);
        if (!gen_below(g, 16))
                c->in.flags |= X86_CASE_AC;
        c->in.fx87[0] = 0x7f;
        c->in.fx87[1] = 3;
        c->in.fx87[4] = 0xff;
        for (unsigned k = 0; k < 8; k++)
                extended(g, c->in.fx87 + 32 + 16 * k);
        c->in.rip = CASE_CODE + c->at;
}

/* Control and status of any kind, exceptions that wait for the next instruction. */
static void x87_state(struct gen *g, struct test_case *c)
{
        uint16_t fsw = gen_below(g, 8) << 11 | (gen_random(g) & 0x4700);

        c->in.fx87[1] = gen_below(g, 3) ? 3 : gen_below(g, 4) << 2 | (gen_below(g, 2) ? 2 : 0) | gen_below(g,
                2);
        if (!gen_below(g, 16)) {
                unsigned pending = 1u << gen_below(g, 6);

                c->in.fx87[0] &= ~pending;
                fsw |= pending | 0x8080;
        }
        memcpy(c->in.fx87 + 2, &fsw, 2);
        c->in.fx87[4] = gen_below(g, 3) ? 0xff : gen_random(g);
}

bool gen_case(struct gen *g, unsigned row_number, const struct cpu_features *features, struct test_case *c,
              struct x86_insn *i)
{
        const struct x86_row *row = &x86_rows[row_number];
        const struct gen_regs regs = {.rxb = gen_below(g, 2) ? gen_below(g, 8) : 0, .vvvv = gen_below(g, 16)};
        struct gen_code code = {.at = c->bytes};

        memset(c, 0, sizeof(*c));
        c->at = CASE_AT;
        c->how = gen_below(g, 2) ? CASE_STEPS : CASE_FREE;
        if (!gen_opcode(g, &code, row_number, &regs))
                return false;
        if (row->flags & X86_R_MODRM)
                emit_modrm(g, &code, row);
        for (unsigned k = code.n; k < 16; k++)
                c->bytes[k] = gen_below(g, 2) ? gen_below(g, 70) : gen_random(g);
        if (x86_decode(c->bytes, 15, X86_64, features, i) != X86_DECODED || i->row->id != row->id)
                return false;
        c->length = code.n = i->length;
        /* branches stay in the page of code, and do not come back to the instruction */
        if (i->n_ops && i->op[0].kind == X86_OP_REL) {
                int32_t to = (int)gen_below(g, 0x800) - 0x400;

                if (i->imm[0] < -0x400 || i->imm[0] > 0x600)
                        memcpy(c->bytes + i->length - 4, &to, 4);
                if (x86_decode(c->bytes, 15, X86_64, features, i) != X86_DECODED ||
                    (i->imm[0] >= -16 && i->imm[0] < 0))
                        return false;
        }
        gen_state(g, c);
        x87_state(g, c);
        if (is_string(i) && gen_below(g, 2))
                memset(c->window, gen_below(g, 3), CASE_WINDOW_SIZE / 2 + gen_below(g, 128));
        if (!gen_below(g, 8)) /* some exceptions unmasked */
                c->in.mxcsr &= ~(gen_random(g) & 0x1f80);
        place_registers(g, c, &code, i);
        return x86_decode(c->bytes, 15, X86_64, features, i) == X86_DECODED && i->length == c->length;
}
