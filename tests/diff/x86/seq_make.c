/* SPDX-License-Identifier: MIT */
/*
 * Makes random programs: 2 to 30 items, most of which are an instruction of the decode table with registers
 * that many share; others are a few that belong together, a loop with items of its own, a call of a function
 * behind the program.
 *
 * What keeps them in bounds: loops count in r10, r11 or rcx, which nothing else writes then, and nobody jumps
 * into one; pointers only take small steps upwards; rsp moves in items that bring it back; no function has
 * calls or loops.
 */
#include "tests/diff/x86/seq.h"

#include <string.h>

#include <glib.h>

#include "tests/diff/x86/flags.h"
#include "x86_translate.h"

enum {
        MAX_WAITING = 24, MAX_DEPTH = 2, N_FUNCTIONS = 2,
        RAX = X86_RAX, RCX = X86_RCX, RDX = X86_RDX, RBX = X86_RBX, RSP = X86_RSP, RSI = X86_RSI,
        RDI = X86_RDI, R10 = 10, R11,
};

enum item {
        I_INT, I_VEC, I_INDEXED, I_BITS, I_DIV, I_STRING, I_STACK, I_FLAGS, I_CARRY, I_TEST, I_BRANCH, I_LOOP,
        I_CALL, I_INDIRECT, I_MXCSR, I_STEP, N_ITEMS,
};

/* Weights of items; what a program leans to. */
static const uint8_t weights[][N_ITEMS] = {
        /*        int vec idx bit div str stk flg cry tst br loop call ind mx step */
        {24, 4, 3, 1, 2, 2, 3, 2, 3, 5, 3, 4, 2, 1, 1, 2},
        {18, 0, 1, 1, 1, 0, 1, 3, 6, 12, 6, 8, 1, 0, 0, 1},
        {12, 2, 8, 3, 2, 4, 6, 1, 1, 4, 2, 4, 2, 1, 0, 4},
        {8, 24, 4, 0, 1, 1, 2, 1, 0, 6, 2, 4, 2, 0, 3, 2},
        {10, 0, 2, 1, 10, 0, 1, 1, 2, 8, 4, 10, 1, 1, 0, 1},
        {12, 2, 1, 1, 1, 1, 5, 2, 2, 5, 4, 3, 8, 5, 0, 1},
        {6, 0, 0, 0, 0, 0, 2, 6, 2, 6, 4, 6, 1, 0, 0, 1},
};

/* Integer instructions of which an item can be one. */
static const uint16_t int_ids[] = {
        X86_ADD, X86_ADC, X86_SUB, X86_SBB, X86_CMP, X86_TEST, X86_INC, X86_DEC, X86_NEG, X86_NOT, X86_AND,
        X86_OR, X86_XOR, X86_SHL, X86_SHR, X86_SAR, X86_ROL, X86_ROR, X86_RCL, X86_RCR, X86_SETCC, X86_CMOVCC,
        X86_ADD, X86_ADC, X86_SUB, X86_SBB, X86_CMP, X86_TEST, X86_INC, X86_DEC, X86_NEG, X86_SHL, X86_SHR,
        X86_SAR, X86_SETCC, X86_CMOVCC, X86_MOV, X86_MOV, X86_MOV, X86_MOVZX, X86_MOVSX, X86_MOVSXD, X86_LEA,
        X86_LEA, X86_SHLD, X86_SHRD, X86_BT, X86_BTS, X86_BTR, X86_BTC, X86_BSF, X86_BSR, X86_POPCNT,
        X86_LZCNT, X86_TZCNT, X86_MUL, X86_IMUL, X86_IMUL, X86_XADD, X86_CMPXCHG, X86_CMPXCHG8B,
        X86_CMPXCHG16B, X86_XCHG, X86_BSWAP, X86_CBW, X86_CWDE, X86_CDQE, X86_CWD, X86_CDQ, X86_CQO, X86_LAHF,
        X86_SAHF, X86_CLC, X86_STC, X86_CMC, X86_ANDN, X86_BLSI, X86_BLSR, X86_BLSMSK, X86_BZHI, X86_BEXTR,
        X86_MULX, X86_PDEP, X86_PEXT, X86_RORX, X86_SARX, X86_SHLX, X86_SHRX, X86_ADCX, X86_ADOX, X86_CRC32,
        X86_MOVBE, X86_MOVNTI, X86_NOP, X86_STMXCSR, X86_MFENCE,
};
static const uint16_t carry_ids[] = {X86_ADC, X86_SBB, X86_ADC, X86_SBB, X86_RCL, X86_RCR, X86_ADCX, X86_ADOX,
                                     X86_CMC, X86_INC, X86_DEC};
static const uint16_t reader_ids[] = {X86_ADC, X86_SBB, X86_RCL, X86_SETCC, X86_CMOVCC, X86_LAHF, X86_INC};
static const uint16_t test_ids[] = {X86_CMP, X86_CMP, X86_TEST, X86_SUB, X86_ADD, X86_AND, X86_DEC, X86_INC,
                                    X86_BT, X86_SHR, X86_SHL, X86_NEG, X86_OR, X86_XOR, X86_SBB, X86_SAR};
static const uint16_t float_test_ids[] = {X86_UCOMISS, X86_UCOMISD, X86_COMISS, X86_COMISD};
static const uint16_t select_ids[] = {X86_SETCC, X86_CMOVCC};
static const uint16_t move_ids[] = {X86_MOV, X86_MOV, X86_MOVZX, X86_XCHG, X86_MOVBE, X86_NOT, X86_INC,
                                    X86_SETCC};
static const uint16_t stack_ids[] = {X86_MOV, X86_ADD, X86_XOR, X86_CMP, X86_INC, X86_XCHG};

/* A jump whose target is still to come. */
struct waiting {
        uint8_t insn, which, level;
        uint8_t items; /* until then, of that level */
};

struct maker {
        struct gen *g;
        const struct tool *t;
        struct seq_program *p;
        struct waiting waiting[MAX_WAITING];
        unsigned n_waiting;
        unsigned level, base; /* of blocks; of the outermost */
        unsigned depth;       /* loops around */
        struct { uint8_t insn, which; } calls[N_FUNCTIONS][16];
        unsigned n_calls[N_FUNCTIONS];
        const uint8_t *weights;
        bool in_function, together, kept, full;
};

static unsigned below(struct maker *m, unsigned n)
{
        return gen_below(m->g, n);
}

static bool one_in(struct maker *m, unsigned n)
{
        return !gen_below(m->g, n);
}

static unsigned hot(struct maker *m)
{
        return m->p->hot[below(m, m->p->n_hot)];
}

static unsigned pointer(struct maker *m)
{
        return m->p->ptr[below(m, 3)];
}

static bool is_hot(const struct maker *m, unsigned reg)
{
        return memchr(m->p->hot, reg, m->p->n_hot);
}

/* From a pointer. */
static int displacement(struct maker *m, bool aligned)
{
        static const int8_t usual[] = {0, 0, 8, 16, 4, -8, 32, 1, -16, 24};

        if (aligned)
                return 16 * (int)below(m, 8) - 48;
        return one_in(m, 3) ? (int)below(m, 128) - 48 : usual[below(m, sizeof(usual))];
}

/* ---- instructions ---- */

static struct seq_insn *put(struct maker *m, enum seq_kind kind, const struct gen_code *c)
{
        struct seq_program *p = m->p;
        struct seq_insn *i = &p->insn[p->n];

        *i = (struct seq_insn){.kind = kind, .length = c->n, .inside = m->together, .kept = m->kept,
                               .target = {SEQ_NONE, SEQ_NONE}};
        memcpy(i->bytes, c->at, c->n);
        if (p->n < SEQ_MAX - 1)
                p->n++;
        else
                m->full = true;
        return i;
}

static struct seq_insn *put_bytes(struct maker *m, enum seq_kind kind, unsigned n, const uint8_t *bytes)
{
        uint8_t copy[15];

        memcpy(copy, bytes, n);
        return put(m, kind, &(struct gen_code){.at = copy, .n = n});
}
#define PUT(m, kind, ...) put_bytes(m, kind, sizeof((uint8_t[]){__VA_ARGS__}), (uint8_t[]){__VA_ARGS__})

static void emit_opcode(struct gen_code *c, unsigned size, unsigned opcode, unsigned reg, unsigned rm)
{
        unsigned rex = (size == 8) << 3 | (reg >> 3) << 2 | rm >> 3;

        if (size == 2)
                gen_emit(c, 0x66);
        if (rex || size == 1)
                gen_emit(c, 0x40 | rex);
        if (opcode > 0xff)
                gen_emit(c, opcode >> 8);
        gen_emit(c, opcode & 0xff);
}

static void emit_disp(struct gen_code *c, int disp, unsigned size)
{
        for (unsigned k = 0; k < size; k++)
                gen_emit(c, disp >> 8 * k & 0xff);
}

/* ModRM, SIB and displacement of memory. */
static void emit_memory(struct maker *m, struct gen_code *c, unsigned reg, unsigned base, unsigned index,
                        int disp)
{
        bool sib = index != X86_REG_NONE || (base & 7) == 4;
        unsigned mod = !disp && (base & 7) != 5 ? 0 : disp == (int8_t)disp && below(m, 8) ? 1 : 2;

        gen_emit(c, mod << 6 | (reg & 7) << 3 | (sib ? 4 : base & 7));
        if (sib)
                gen_emit(c, below(m, 4) << 6 | (index == X86_REG_NONE ? 4 : index & 7) << 3 | (base & 7));
        emit_disp(c, disp, mod == 0 ? 0 : mod == 1 ? 1 : 4);
}

/* Two registers, or a register and part of the opcode, with bytes of an immediate. */
static struct seq_insn *put_rr(struct maker *m, unsigned size, unsigned opcode, unsigned reg, unsigned rm,
                               int imm, unsigned imm_size)
{
        uint8_t bytes[16];
        struct gen_code c = {.at = bytes};

        emit_opcode(&c, size, opcode, reg, rm);
        gen_emit(&c, 0xc0 | (reg & 7) << 3 | (rm & 7));
        emit_disp(&c, imm, imm_size);
        return put(m, SEQ_PLAIN, &c);
}

static struct seq_insn *put_rm(struct maker *m, enum seq_kind kind, unsigned size, unsigned opcode,
                               unsigned reg, unsigned base, int disp, int imm, unsigned imm_size)
{
        uint8_t bytes[16];
        struct gen_code c = {.at = bytes};

        emit_opcode(&c, size, opcode, reg, base);
        emit_memory(m, &c, reg, base, X86_REG_NONE, disp);
        emit_disp(&c, imm, imm_size);
        return put(m, kind, &c);
}

static void put_mov_imm(struct maker *m, unsigned reg, int imm)
{
        uint8_t bytes[16];
        struct gen_code c = {.at = bytes};

        emit_opcode(&c, 4, 0xb8 | (reg & 7), 0, reg);
        emit_disp(&c, imm, 4);
        put(m, SEQ_PLAIN, &c);
}

/* What follows belongs together; nothing may jump into it. */
static void together(struct maker *m, bool kept)
{
        m->together = false;
        m->kept = kept;
}

static void next(struct maker *m)
{
        m->together = true;
}

static void apart(struct maker *m)
{
        m->together = m->kept = false;
}

/* ---- rows of the table ---- */

/* By instruction; and all that have a vector register. */
static struct {
        bool made;
        GArray *of_id[X86_ID_COUNT], *vec;
} rows;

static bool has_vector(const struct x86_row *row)
{
        for (unsigned k = 0; k < X86_MAX_OPS && row->ops[k]; k++) {
                unsigned kind = x86_opspecs[row->ops[k]].kind;

                if (kind == X86_K_V || kind == X86_K_W || kind == X86_K_U)
                        return true;
        }
        return false;
}

static void sort_rows(const struct tool *t)
{
        if (rows.made)
                return;
        rows.made = true;
        rows.vec = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        for (uint32_t row = 0; row < x86_n_rows; row++) {
                uint16_t id = x86_rows[row].id;

                if (row_is_left_out(t, row))
                        continue;
                if (!rows.of_id[id])
                        rows.of_id[id] = g_array_new(FALSE, FALSE, sizeof(uint32_t));
                g_array_append_val(rows.of_id[id], row);
                if (has_vector(&x86_rows[row]) && id != X86_MASKMOVDQU)
                        g_array_append_val(rows.vec, row);
        }
}

/* Are all registers among those that may be written, and the result defined? */
static bool allows(const struct maker *m, const struct x86_insn *i)
{
        bool bits = i->id == X86_BT || i->id == X86_BTS || i->id == X86_BTR || i->id == X86_BTC;

        for (unsigned k = 0; k < i->n_ops; k++) {
                const struct x86_op *o = &i->op[k];

                if (o->kind == X86_OP_REG && o->cls != X86_VEC &&
                    !((o->cls == X86_GPR || o->cls == X86_GPR_HIGH) && is_hot(m, o->reg)))
                        return false;
                if (o->kind != X86_OP_REG && o->kind != X86_OP_IMM && !(o->kind == X86_OP_MEM && i->is_mem))
                        return false;
        }
        if (i->id == X86_MOVSXD && i->os == 2)
                return false;
        return !(bits && i->is_mem && i->op[1].kind == X86_OP_REG) && !x86_result_undefined(i, 31);
}

/* The number of a register, a vector's perhaps. */
static unsigned any_register(struct maker *m)
{
        return one_in(m, 6) ? 4 + below(m, 4) : hot(m);
}

/* One instruction of the row; with memory at an index, if that is a register (of a value below 16). */
static bool try_row(struct maker *m, unsigned row_number, unsigned base, unsigned index)
{
        const struct x86_row *row = &x86_rows[row_number];
        unsigned reg = row->reg == 0xff ? any_register(m) : row->reg,
                rm = row->rm == 0xff ? any_register(m) : row->rm;
        bool anywhere = base == X86_REG_NONE, lea = row->id == X86_LEA, fixed = false;
        bool memory = row->mod == 1 || (row->mod != 2 && (!anywhere || one_in(m, 3)));
        struct gen_regs regs = {.vvvv = hot(m)};
        uint8_t bytes[16];
        struct gen_code c = {.at = bytes};
        struct seq_insn *s;
        struct x86_insn i;
        uint32_t place = CASE_DATA + CASE_WINDOW + 0x1c0 +
                (one_in(m, 4) ? below(m, 0x100) : 16 * below(m, 16));

        if (!anywhere && (row->mod == 2 || !(row->flags & X86_R_MODRM)))
                return false;
        if (memory && anywhere) {
                base = lea ? hot(m) : pointer(m);
                index = lea && one_in(m, 2) ? hot(m) : X86_REG_NONE;
                fixed = one_in(m, 12);
        }
        if (row->flags & X86_R_MODRM)
                regs.rxb = reg >> 3 << 2 | (!memory ? rm >> 3 : fixed ? 0 : (index & 8) >> 2 | base >> 3);
        else
                regs.rxb = below(m, 2);
        if (index == X86_REG_NONE)
                regs.rxb &= ~2;
        if (!gen_opcode(m->g, &c, row_number, &regs))
                return false;
        if (row->flags & X86_R_MODRM && !memory) {
                gen_emit(&c, 0xc0 | (reg & 7) << 3 | (rm & 7));
        } else if (row->flags & X86_R_MODRM && fixed && one_in(m, 2)) { /* rIP-relative */
                gen_emit(&c, (reg & 7) << 3 | 5);
                c.disp_at = c.n;
                emit_disp(&c, place, 4);
        } else if (row->flags & X86_R_MODRM && fixed) {
                gen_emit(&c, (reg & 7) << 3 | 4);
                gen_emit(&c, 0x25);
                emit_disp(&c, place, 4);
        } else if (row->flags & X86_R_MODRM) {
                emit_memory(m, &c, reg, base, index, base == RSP ? 0 : displacement(m, below(m, 3)));
        }
        for (unsigned k = c.n; k < 16; k++)
                bytes[k] = one_in(m, 2) ? below(m, 70) : gen_random(m->g);
        if (x86_decode(bytes, 15, X86_64, &m->t->features, &i) != X86_DECODED || i.row->id != row->id ||
            !allows(m, &i))
                return false;
        c.n = i.length;
        s = put(m, SEQ_PLAIN, &c);
        if (c.disp_at) {
                s->disp_at = c.disp_at;
                s->data = place;
        }
        return true;
}

static bool try_id(struct maker *m, unsigned id, unsigned base, unsigned index)
{
        const GArray *a = rows.of_id[id];

        return a && try_row(m, g_array_index(a, uint32_t, below(m, a->len)), base, index);
}

/* One of these instructions; now and then none. */
static void put_one_of(struct maker *m, const uint16_t *ids, unsigned n, unsigned base, unsigned index)
{
        for (unsigned tries = 0; tries < 30; tries++)
                if (try_id(m, ids[below(m, n)], base, index))
                        return;
}
#define ONE_OF(m, ids) put_one_of(m, ids, G_N_ELEMENTS(ids), X86_REG_NONE, X86_REG_NONE)

static void put_vector(struct maker *m, unsigned base, unsigned index)
{
        for (unsigned tries = 0; tries < 30; tries++)
                if (try_row(m, g_array_index(rows.vec, uint32_t, below(m, rows.vec->len)), base, index))
                        return;
}

/* ---- jumps ---- */

/* Target @which of instruction @insn is some items on, mostly in the block that is being made. */
static void await(struct maker *m, unsigned insn, unsigned which, unsigned level, unsigned items)
{
        if (m->n_waiting == MAX_WAITING) {
                m->full = true;
                return;
        }
        m->waiting[m->n_waiting++] = (struct waiting){insn, which, level, items};
}

static unsigned some_level(struct maker *m)
{
        return one_in(m, 3) ? m->base + below(m, m->level - m->base + 1) : m->level;
}

/* An item begins; or, with @end, those of this level are at their end. */
static void arrive(struct maker *m, bool end)
{
        for (unsigned k = 0; k < m->n_waiting;) {
                struct waiting *w = &m->waiting[k];

                if (w->level == m->level && (end || !--w->items)) {
                        m->p->insn[w->insn].target[w->which] = m->p->n;
                        *w = m->waiting[--m->n_waiting];
                } else {
                        k++;
                }
        }
}

/* A jump of any kind, to target[0]. */
static struct seq_insn *put_jcc(struct maker *m, unsigned cond)
{
        return one_in(m, 3) ? PUT(m, SEQ_BRANCH, 0x0f, 0x80 | cond, 0, 0, 0, 0) : PUT(m, SEQ_BRANCH,
                0x70 | cond, 0);
}

/* JECXZ, JRCXZ: by no flags. */
static struct seq_insn *put_jrcxz(struct maker *m)
{
        return one_in(m, 2) ? PUT(m, SEQ_BRANCH, 0x67, 0xe3, 0) : PUT(m, SEQ_BRANCH, 0xe3, 0);
}

static void add_branch(struct maker *m)
{
        unsigned n = m->p->n;

        if (one_in(m, 8))
                PUT(m, SEQ_JUMP, 0xeb, 0);
        else if (one_in(m, 5))
                put_jrcxz(m);
        else
                put_jcc(m, below(m, 16));
        await(m, n, 0, some_level(m), 1 + below(m, 4));
}

/* A comparison, a reader or two of its flags perhaps, and a jump, mostly by them. */
static void add_test(struct maker *m)
{
        static const uint8_t of_itself[] = {0x31 /* xor */, 0x29 /* sub */, 0x39 /* cmp */};
        unsigned reg = hot(m);

        together(m, false);
        if (one_in(m, 8))
                put_rr(m, 4u << below(m, 2), of_itself[below(m, 3)], reg, reg, 0, 0);
        else if (one_in(m, 5))
                ONE_OF(m, float_test_ids);
        else
                ONE_OF(m, test_ids);
        next(m);
        for (unsigned k = one_in(m, 3) ? 1 + below(m, 2) : 0; k--;)
                ONE_OF(m, select_ids);
        if (one_in(m, 8))
                put_jrcxz(m);
        else
                put_jcc(m, below(m, 16));
        apart(m);
        await(m, m->p->n - 1, 0, some_level(m), 1 + below(m, 4));
}

/* LEA of a target to come. */
static void put_address(struct maker *m, unsigned reg)
{
        PUT(m, SEQ_ADDRESS, 0x48 | reg >> 3 << 2, 0x8d, (reg & 7) << 3 | 5, 0, 0, 0, 0);
}

static void add_indirect(struct maker *m)
{
        unsigned a = hot(m), b = hot(m), level = some_level(m), items[2] = {1 + below(m, 4), 1 + below(m, 4)};
        unsigned jump, first = m->p->n, ptr = pointer(m);
        bool by_memory = one_in(m, 3);

        together(m, true);
        put_address(m, a);
        next(m);
        put_address(m, b);
        put_rr(m, 8, 0x0f40 | below(m, 16), a, b, 0, 0); /* CMOVcc */
        if (by_memory)
                put_rm(m, SEQ_PLAIN, 8, 0x89, a, ptr, 8, 0, 0);
        jump = m->p->n;
        if (by_memory)
                put_rm(m, SEQ_INDIRECT, 4, 0xff, 4, ptr, 8, 0, 0);
        else
                put_rr(m, 4, 0xff, 4, a, 0, 0)->kind = SEQ_INDIRECT;
        apart(m);
        for (unsigned which = 0; which < 2; which++) {
                await(m, first + which, 0, level, items[which]);
                await(m, jump, which, level, items[which]);
        }
}

static void note_call(struct maker *m, unsigned function, unsigned insn)
{
        if (m->n_calls[function] == G_N_ELEMENTS(m->calls[0])) {
                m->full = true;
                return;
        }
        m->calls[function][m->n_calls[function]].insn = insn;
        m->calls[function][m->n_calls[function]++].which = 0;
}

static void add_call(struct maker *m)
{
        unsigned function = below(m, N_FUNCTIONS), reg = hot(m);

        if (m->in_function) {
                ONE_OF(m, int_ids);
        } else if (one_in(m, 6)) { /* of what follows */
                together(m, true);
                PUT(m, SEQ_CALL, 0xe8, 0, 0, 0, 0)->target[0] = m->p->n;
                next(m);
                if (one_in(m, 2))
                        PUT(m, SEQ_PLAIN, 0x40 | reg >> 3, 0x58 | (reg & 7));
                else
                        PUT(m, SEQ_PLAIN, 0x48, 0x8d, 0x64, 0x24, 8); /* lea rsp, [rsp + 8] */
                apart(m);
        } else if (one_in(m, 3)) {
                together(m, true);
                put_address(m, reg);
                note_call(m, function, m->p->n - 1);
                next(m);
                put_rr(m, 4, 0xff, 2, reg, 0, 0)->kind = SEQ_INDIRECT_CALL;
                apart(m);
                note_call(m, function, m->p->n - 1);
        } else {
                PUT(m, SEQ_CALL, 0xe8, 0, 0, 0, 0);
                note_call(m, function, m->p->n - 1);
        }
}

/* ---- items of several instructions ---- */

static void add_indexed(struct maker *m)
{
        unsigned index = hot(m), base = pointer(m);

        together(m, true);
        put_rr(m, 4, 0x83, 4, index, 15, 1);
        next(m);
        m->kept = false;
        if (one_in(m, 4))
                put_vector(m, base, index);
        else
                put_one_of(m, int_ids, G_N_ELEMENTS(int_ids), base, index);
        apart(m);
}

/* A bit of a string of bits in memory. */
static void add_bits(struct maker *m)
{
        static const uint16_t opcodes[] = {0x0fa3, 0x0fab, 0x0fb3, 0x0fbb};
        unsigned index = hot(m);

        together(m, true);
        put_rr(m, 4, 0x83, 4, index, 127, 1);
        next(m);
        m->kept = false;
        put_rm(m, SEQ_PLAIN, 2u << below(m, 3), opcodes[below(m, 4)], index, pointer(m),
               displacement(m, true), 0, 0);
        apart(m);
}

static void add_div(struct maker *m)
{
        unsigned size = 1u << below(m, 4), divisor = hot(m), is_signed = below(m, 2),
                disp = displacement(m, true);
        unsigned ptr = pointer(m);
        bool memory = one_in(m, 4), safe = below(m, 12);

        together(m, false);
        if (safe && size == 1)
                put_rr(m, 4, is_signed ? 0x0fbe : 0x0fb6, RAX, RAX, 0, 0);
        else if (safe && is_signed)
                put_bytes(m, SEQ_PLAIN, 2, (uint8_t[]){size == 8 ? 0x48 : size == 4 ? 0x40 : 0x66, 0x99});
        else if (safe)
                put_rr(m, 4, 0x31, RDX, RDX, 0, 0);
        if (safe)
                next(m);
        if (safe && memory)
                put_rm(m, SEQ_PLAIN, size, size == 1 ? 0x80 : 0x83, 1, ptr, disp, 1, 1);
        else if (safe && divisor != RAX && divisor != RDX)
                put_rr(m, size, size == 1 ? 0x80 : 0x83, 1, divisor, 1, 1);
        if (memory)
                put_rm(m, SEQ_PLAIN, size, size == 1 ? 0xf6 : 0xf7, 6 + is_signed, ptr, disp, 0, 0);
        else
                put_rr(m, size, size == 1 ? 0xf6 : 0xf7, 6 + is_signed, divisor, 0, 0);
        apart(m);
}

static void add_string(struct maker *m)
{
        static const uint8_t opcodes[] = {0xa4, 0xa6, 0xaa, 0xac, 0xae};
        unsigned opcode = opcodes[below(m, 5)], size = 1u << below(m, 4), from = pointer(m), to = pointer(m);
        unsigned count = below(m, 4) ? below(m, 96 / size / (one_in(m, 3) ? 1 : 4) + 1) : below(m, 3);
        int disp = displacement(m, false);
        uint8_t bytes[16];
        struct gen_code c = {.at = bytes};

        together(m, true);
        put_rm(m, SEQ_PLAIN, 8, 0x8d, RSI, from, disp, 0, 0);
        next(m);
        put_rm(m, SEQ_PLAIN, 8, 0x8d, RDI, to, one_in(m, 3) ? disp : displacement(m, false), 0, 0);
        if (!m->p->counts_in_rcx)
                put_mov_imm(m, RCX, count);
        m->kept = false;
        if (below(m, 4))
                PUT(m, SEQ_PLAIN, one_in(m, 3) ? 0xfd : 0xfc); /* STD, CLD */
        if (one_in(m, 16))
                gen_emit(&c, 0x67);
        if (size == 2)
                gen_emit(&c, 0x66);
        if (!m->p->counts_in_rcx && below(m, 4))
                gen_emit(&c, one_in(m, 2) ? 0xf3 : 0xf2);
        if (size == 8)
                gen_emit(&c, 0x48);
        gen_emit(&c, opcode + (size > 1));
        put(m, SEQ_PLAIN, &c);
        if (one_in(m, 2))
                PUT(m, SEQ_PLAIN, 0xfc);
        apart(m);
}

/* Some pushes, what is done with them, and as many pops. */
static void add_stack(struct maker *m)
{
        unsigned n = 1 + below(m, 3), reg;

        together(m, true);
        for (unsigned k = 0; k < n; k++) {
                reg = one_in(m, 8) ? pointer(m) : hot(m);
                switch (below(m, 6)) {
                case 0: PUT(m, SEQ_PLAIN, 0x6a, gen_random(m->g)); break;
                case 1: put_rm(m, SEQ_PLAIN, 4, 0xff, 6, pointer(m), displacement(m, false), 0, 0); break;
                case 2: PUT(m, SEQ_PLAIN, 0x68, below(m, 256), 0, 0x80, below(m, 256)); break;
                default: PUT(m, SEQ_PLAIN, 0x40 | reg >> 3, 0x50 | (reg & 7));
                }
                next(m);
        }
        m->kept = false;
        for (unsigned k = below(m, 3); k--;) {
                if (one_in(m, 2))
                        put_one_of(m, stack_ids, G_N_ELEMENTS(stack_ids), RSP, X86_REG_NONE);
                else
                        ONE_OF(m, int_ids);
        }
        m->kept = true;
        for (unsigned k = 0; k < n; k++) {
                reg = hot(m);
                switch (below(m, 6)) {
                case 0: put_rm(m, SEQ_PLAIN, 4, 0x8f, 0, pointer(m), displacement(m, false), 0, 0); break;
                case 1: PUT(m, SEQ_PLAIN, 0x48, 0x83, 0xc4, 8); break; /* add rsp, 8 */
                case 2: PUT(m, SEQ_PLAIN, 0x48, 0x8d, 0x64, 0x24, 8); break;
                default: PUT(m, SEQ_PLAIN, 0x40 | reg >> 3, 0x58 | (reg & 7));
                }
        }
        apart(m);
}

/* PUSHF and POPF, of which only arithmetic flags are changed. */
static void add_flags(struct maker *m)
{
        unsigned reg = hot(m), flags = gen_random(m->g) & (one_in(m, 8) ? 0xcd5 : 0x8d5);

        together(m, true);
        switch (below(m, 3)) {
        case 0: /* to a register */
                PUT(m, SEQ_PLAIN, 0x9c);
                next(m);
                PUT(m, SEQ_PLAIN, 0x40 | reg >> 3, 0x58 | (reg & 7));
                break;
        case 1: /* from a constant */
                put_mov_imm(m, reg, flags | 2);
                next(m);
                PUT(m, SEQ_PLAIN, 0x40 | reg >> 3, 0x50 | (reg & 7));
                PUT(m, SEQ_PLAIN, 0x9d);
                break;
        default: /* saved; perhaps some are turned */
                PUT(m, SEQ_PLAIN, 0x9c);
                next(m);
                m->kept = false;
                ONE_OF(m, int_ids);
                if (one_in(m, 2))
                        /* xor dword [rsp], flags */
                        PUT(m, SEQ_PLAIN, 0x81, 0x34, 0x24, flags & 0xff, flags >> 8, 0, 0);
                m->kept = true;
                PUT(m, SEQ_PLAIN, 0x9d);
        }
        apart(m);
}

static void add_carry(struct maker *m)
{
        for (unsigned k = 2 + below(m, 3); k--;)
                ONE_OF(m, carry_ids);
}

/* Rounding and the treatment of denormals, by way of memory. */
static void add_mxcsr(struct maker *m)
{
        int value = 0x1f80 | below(m, 4) << 13 | (one_in(m, 3) ? gen_random(m->g) & 0x8040 : 0) | below(m,
                64);
        unsigned ptr = pointer(m);

        together(m, true);
        put_rm(m, SEQ_PLAIN, 4, 0xc7, 0, ptr, 16, value, 4);
        next(m);
        put_rm(m, SEQ_PLAIN, 4, 0x0fae, 2, ptr, 16, 0, 0);
        apart(m);
}

static void put_step(struct maker *m, unsigned ptr)
{
        unsigned step = 8u << below(m, 3);

        if (one_in(m, 2))
                put_rm(m, SEQ_PLAIN, 8, 0x8d, ptr, ptr, step, 0, 0);
        else if (one_in(m, 2))
                put_rr(m, 8, 0x83, 0, ptr, step, 1); /* add */
        else
                put_rr(m, 8, 0x83, 5, ptr, -step, 1); /* sub */
}

/* ---- blocks ---- */

static void add_block(struct maker *m, unsigned n);

/* Back to @start as often as @counter says. */
static void end_loop(struct maker *m, unsigned start, unsigned counter, unsigned count)
{
        static const uint8_t after_dec[] = {5 /* nz */, 0xf /* g */, 5, 9 /* ns */};
        static const uint8_t after_sub[] = {5, 7 /* a */, 0xf, 3 /* ae */, 9};
        static const uint8_t after_cmp[] = {2 /* b */, 0xc /* l */, 5, 6 /* be */, 0xe /* le */};
        struct seq_insn *back;

        together(m, true);
        if (counter == RCX) {
                back = PUT(m, SEQ_BRANCH, one_in(m, 2) ? 0xe2 : 0xe0 + below(m, 2), 0);
        } else {
                switch (count ? below(m, 4) : 4) {
                case 0: case 1:
                        put_rr(m, 4u << below(m, 2), 0xff, 1, counter, 0, 0);
                        next(m);
                        back = put_jcc(m, after_dec[below(m, 4)]);
                        break;
                case 2:
                        put_rr(m, 4u << below(m, 2), 0x83, 5, counter, 1, 1);
                        next(m);
                        back = put_jcc(m, after_sub[below(m, 5)]);
                        break;
                case 3:
                        put_rm(m, SEQ_PLAIN, 8, 0x8d, counter, counter, -1, 0, 0);
                        next(m);
                        put_rr(m, 8, 0x85, counter, counter, 0, 0);
                        back = put_jcc(m, 5);
                        break;
                default: /* up, to 5 */
                        put_rr(m, 4, 0xff, 0, counter, 0, 0);
                        next(m);
                        put_rr(m, 4, 0x83, 7, counter, 5, 1);
                        back = put_jcc(m, after_cmp[below(m, 5)]);
                }
        }
        back->target[0] = start;
        apart(m);
}

static void add_loop(struct maker *m)
{
        unsigned counter = m->depth ? R10 : m->p->counts_in_rcx ? RCX : R11, start;
        unsigned count = one_in(m, 6) && counter != RCX ? 0 : m->depth ||
                below(m, 4) ? 1 + below(m, 4) : 5 + below(m, 16);
        bool to_end = one_in(m, 5);
        unsigned ptr = pointer(m); /* the loop may begin with an access to where that is, and make it step */

        if (m->depth == MAX_DEPTH || m->in_function) {
                ONE_OF(m, int_ids);
                return;
        }
        m->kept = true;
        put_mov_imm(m, counter, count || counter == RCX ? count : 1 + below(m, 4));
        m->kept = false;
        m->depth++;
        m->level++; /* one that only holds the jump to the end */
        if (to_end) {
                PUT(m, SEQ_JUMP, 0xeb, 0);
                await(m, m->p->n - 1, 0, m->level, SEQ_NONE);
        }
        start = m->p->n;
        if (one_in(m, 3))
                put_one_of(m, move_ids, G_N_ELEMENTS(move_ids), ptr, X86_REG_NONE);
        else if (one_in(m, 2))
                ONE_OF(m, reader_ids);
        else if (one_in(m, 6))
                add_div(m);
        add_block(m, 1 + below(m, 6));
        arrive(m, true);
        if (one_in(m, 3))
                put_step(m, ptr);
        m->level--;
        m->depth--;
        end_loop(m, start, counter, count);
}

static void add_item(struct maker *m)
{
        unsigned total = 0, k, pick;

        for (k = 0; k < N_ITEMS; k++)
                total += m->weights[k];
        pick = below(m, total);
        for (k = 0; pick >= m->weights[k]; k++)
                pick -= m->weights[k];
        switch (k) {
        case I_VEC: put_vector(m, X86_REG_NONE, X86_REG_NONE); break;
        case I_INDEXED: add_indexed(m); break;
        case I_BITS: add_bits(m); break;
        case I_DIV: add_div(m); break;
        case I_STRING: add_string(m); break;
        case I_STACK: add_stack(m); break;
        case I_FLAGS: add_flags(m); break;
        case I_CARRY: add_carry(m); break;
        case I_TEST: add_test(m); break;
        case I_BRANCH: add_branch(m); break;
        case I_LOOP: add_loop(m); break;
        case I_CALL: add_call(m); break;
        case I_INDIRECT: add_indirect(m); break;
        case I_MXCSR: add_mxcsr(m); break;
        case I_STEP: put_step(m, pointer(m)); break;
        default: ONE_OF(m, int_ids);
        }
}

static void add_block(struct maker *m, unsigned n)
{
        m->level++;
        while (n-- && !m->full && m->p->n < SEQ_MAX - 30) {
                arrive(m, false);
                add_item(m);
        }
        arrive(m, true);
        m->level--;
}

static void add_functions(struct maker *m)
{
        m->in_function = true;
        for (unsigned f = 0; f < N_FUNCTIONS; f++) {
                unsigned start = m->p->n;

                if (!m->n_calls[f])
                        continue;
                for (unsigned k = 0; k < m->n_calls[f]; k++)
                        m->p->insn[m->calls[f][k].insn].target[0] = start;
                add_block(m, 1 + below(m, 5));
                (one_in(m, 4) ? PUT(m, SEQ_RET, 0xc2, 0, 0) : PUT(m, SEQ_RET, 0xc3))->target[0] = start;
        }
}

static void choose_registers(struct maker *m)
{
        static const uint8_t pointers[] = {RBX, X86_RBP, 12, 13, 14, 15}, others[] = {RBX, RSI, RDI, 8, 9};
        struct seq_program *p = m->p;

        for (unsigned k = 0; k < 3; k++) {
                do
                        p->ptr[k] = pointers[below(m, sizeof(pointers))];
                while (memchr(p->ptr, p->ptr[k], k));
        }
        p->counts_in_rcx = one_in(m, 4);
        p->hot[p->n_hot++] = RAX;
        p->hot[p->n_hot++] = RDX;
        if (!p->counts_in_rcx)
                p->hot[p->n_hot++] = RCX;
        for (unsigned k = 0; k < sizeof(others); k++)
                if (one_in(m, 2) && !memchr(p->ptr, others[k], 3))
                        p->hot[p->n_hot++] = others[k];
}

/* All flags are defined behind it. */
static void define_flags(struct maker *m, unsigned before)
{
        struct seq_insn i;

        if (m->p->insn[before].inside || below(m, 3))
                i = *put_rr(m, 4u << below(m, 2), 0x39, hot(m), hot(m), 0, 0); /* cmp */
        else
                /* add, sub */
                i = *put_rr(m, 1u << below(m, 4), one_in(m, 2) ? 0x01 : 0x29, hot(m), hot(m), 0, 0);
        m->p->n--;
        seq_insert(m->p, before, &i);
}

bool seq_make(struct gen *g, const struct tool *t, struct seq_program *p)
{
        struct maker m = {.g = g, .t = t, .p = p, .base = 1};
        unsigned reader;

        sort_rows(t);
        memset(p, 0, sizeof(*p));
        m.weights = weights[below(&m, G_N_ELEMENTS(weights))];
        p->at = one_in(&m, 4) ? CASE_CODE_SIZE / 2 - below(&m, 100) : below(&m,
                CASE_CODE_SIZE - CASE_MAX_LENGTH);
        choose_registers(&m);
        add_block(&m, 2 + below(&m, one_in(&m, 3) ? 29 : 10));
        m.kept = true;
        PUT(&m, SEQ_STOP, CASE_INT3);
        m.kept = false;
        add_functions(&m);
        if (m.full || m.n_waiting)
                return false;
        while (!seq_finish(t, p, &reader)) {
                if (reader == SEQ_NONE || p->n >= SEQ_MAX - 1)
                        return false;
                define_flags(&m, reader);
        }
        return true;
}
