/* SPDX-License-Identifier: MIT */
/*
 * Random sequences: 2 to 30 instructions that share few registers, so that values flow from one to the next,
 * with forward branches and jumps, a bounded loop, LR/SC pairs, changes of the rounding mode, and accesses
 * through three pointers, which now and then point at pages that fault. Whatever ends the sequence, all of
 * the state is compared there. Each unit leans towards one kind of instruction.
 */
#include "guest.h"

enum { MAX_ITEMS = 96, N_HOT = 7 };
enum item_kind { I_PLAIN, I_BRANCH, I_BACK };

struct item {
        const struct row *row;
        u32 word;
        u16 at;        /* halves from the start */
        u8 kind;
        u8 target;     /* item that a branch goes to */
        bool no_target; /* in the middle of a pattern: nothing may jump here */
        u8 group;       /* but from the same LR/SC pair, by its number */
};

static struct {
        struct env env;
        struct item items[MAX_ITEMS];
        unsigned n, n_halves;
        u8 ptr[3], count, hot[N_HOT], fhot[N_HOT];
        int loop_start;
        bool looped;
} q;

/* Weights of the kinds by unit, of 64; the rest is alu. */
enum { W_ALU, W_LOAD, W_STORE, W_AMO, W_FP, W_BRANCH, W_JUMP, W_LRSC, W_FCSR, W_FENCE, W_ODD, N_WEIGHTS };
static const u8 weights[8][N_WEIGHTS] = {
        {30, 10, 8, 1, 3, 5, 2, 1, 1, 1, 1},
        {14, 20, 18, 5, 2, 2, 1, 1, 0, 1, 0},
        {8, 5, 5, 0, 36, 3, 1, 0, 5, 0, 1},
        {40, 9, 8, 0, 3, 3, 1, 0, 0, 0, 0},
        {22, 5, 4, 0, 4, 18, 8, 2, 1, 0, 0},
        {18, 6, 6, 14, 2, 4, 1, 12, 0, 1, 0},
        {4, 6, 6, 0, 30, 4, 2, 0, 12, 0, 0},
        {20, 9, 8, 3, 10, 5, 3, 2, 2, 1, 1},
};

static unsigned by_class[C_FP + 1][128], n_by_class[C_FP + 1];

static void sort_rows(void)
{
        if (n_by_class[C_ALU])
                return;
        for (unsigned i = 0; i < n_rows; i++) {
                unsigned c = rows[i].cls;

                if (n_by_class[c] < 128)
                        by_class[c][n_by_class[c]++] = i;
        }
}

/* @compressed: lean to 16-bit encodings. */
static const struct row *row_of(enum row_class cls, bool compressed)
{
        const struct row *r;
        unsigned tries = compressed ? 8 : 1;

        do
                r = &rows[by_class[cls][rnd_below(n_by_class[cls])]];
        while (--tries && r->length == 4);
        return r;
}

/* ---- registers ---- */

static bool taken(unsigned reg, unsigned n_hot)
{
        return reg == q.count || is_among(reg, q.ptr, 3) || is_among(reg, q.hot, n_hot);
}

static void choose_registers(void)
{
        unsigned reg;

        q.count = 0;
        q.ptr[0] = 2;
        q.ptr[1] = 8 + rnd_below(8);
        q.ptr[2] = 0;
        do
                reg = 1 + rnd_below(31);
        while (taken(reg, 0));
        q.ptr[2] = reg;
        do
                reg = 1 + rnd_below(31);
        while (taken(reg, 0));
        q.count = reg;
        for (unsigned i = 0; i < N_HOT; i++) {
                do
                        reg = i < 3 ? 8 + rnd_below(8) : 1 + rnd_below(31);
                while (taken(reg, i));
                q.hot[i] = reg;
                q.fhot[i] = i < 3 ? 8 + rnd_below(8) : rnd_below(32);
        }
}

static unsigned source(const struct field *f)
{
        u64 r = rnd();

        if (f->width == 3)
                return (r & 15) == 0 ? q.ptr[1] : q.hot[(r >> 8 & 255) % 3];
        if ((r & 15) == 0)
                return q.ptr[(r >> 8 & 255) % 3];
        return (r & 15) == 1 ? 0 : q.hot[(r >> 8 & 255) % N_HOT];
}

static unsigned destination(const struct field *f)
{
        u64 r = rnd();

        if (f->width == 3)
                return q.hot[(r >> 8 & 255) % 3];
        if ((r & 63) == 0)
                return q.ptr[(r >> 8 & 255) % 3];
        return (r & 63) == 1 ? 0 : q.hot[(r >> 8 & 255) % N_HOT];
}

/* The pointer that a base field can name. */
static unsigned base(const struct field *f)
{
        if (f->width == 3)
                return q.ptr[1];
        return q.ptr[rnd_below(3)];
}

static u32 set_registers(const struct row *r, u32 word, bool memory)
{
        for (unsigned i = 0; i < r->n_fields; i++) {
                const struct field *f = &r->fields[i];
                s64 v;

                if (!f->n_bits)
                        continue;
                switch (f->name) {
                case F_RD:
                        word = field_set(f, word, destination(f));
                        break;
                case F_RS1:
                        word = field_set(f, word, memory ? base(f) : source(f));
                        break;
                case F_RS2:
                        word = field_set(f, word, source(f));
                        break;
                case F_FD: case F_FS1: case F_FS2: case F_FS3:
                        word = field_set(f, word, q.fhot[rnd_below(f->width == 3 ? 3 : N_HOT)]);
                        break;
                case F_IMM:
                        if (!memory)
                                break;
                        v = (s64)rnd_below(256) - 128;
                        if (rnd_below(4))
                                v &= -(1 << r->size_log2);
                        if (f->is_signed)
                                word = field_set(f, word, v);
                        break;
                default:
                        break;
                }
        }
        return word;
}

/* ---- items ---- */

static struct item *add(const struct row *row, u32 word)
{
        struct item *i = &q.items[q.n++];

        *i = (struct item){.row = row, .word = word, .at = q.n_halves};
        q.n_halves += row ? row->length / 2 : 2;
        return i;
}

static void add_word(u32 word, bool no_target)
{
        add(NULL, word)->no_target = no_target;
}

static void add_row(const struct row *r)
{
        bool memory = r->cls == C_LOAD || r->cls == C_STORE || r->cls == C_AMO;
        u32 word;

        do
                word = set_registers(r, row_word(r), memory);
        while (row_excludes(r, word));
        /* without FP nothing follows; a reserved rounding mode now and then is enough */
        if (row_field(r, F_RM) && rnd_below(4) && row_field(r, F_RM)->n_bits &&
            field_get(row_field(r, F_RM), word) > 4 && field_get(row_field(r, F_RM), word) < 7)
                word = field_set(row_field(r, F_RM), word, 7);
        add(r, word);
}

/* The target is an item to come; finish() fills the offset in. */
static void add_branch(bool compressed)
{
        const struct row *r = row_of(rnd_below(6) ? C_BRANCH : C_JAL, compressed);
        struct item *i = add(r, set_registers(r, row_word(r), false));

        i->kind = I_BRANCH;
        i->target = q.n + rnd_below(5);
}

/* auipc and jalr, perhaps with an addition in between. */
static void add_jump(void)
{
        unsigned t = q.hot[rnd_below(N_HOT)], rd = rnd_below(3) ? q.hot[rnd_below(N_HOT)] : rnd_below(2);
        struct item *i;

        if (rd == q.count)
                rd = 0;
        add_word(0x17 | t << 7, false); /* auipc t, 0 */
        i = add(NULL, 0x67 | rd << 7 | t << 15);
        i->kind = I_BRANCH;
        i->no_target = true;
        i->target = q.n + rnd_below(5);
}

/* Between an LR and its SC the address stays. */
static void keep_register(unsigned reg)
{
        struct item *i = &q.items[q.n - 1];
        const struct field *rd = i->row ? row_field(i->row, F_RD) : NULL;

        if (!rd || field_get(rd, i->word) != (s64)reg)
                return;
        q.n--;
        q.n_halves = i->at;
        add_word(0x13, true); /* nop */
}

static void add_lrsc(void)
{
        unsigned size = 2 + rnd_below(2), ptr = q.ptr[rnd_below(3)], rd = q.hot[rnd_below(N_HOT)];
        unsigned n = rnd_below(4), first = q.n;
        bool plain = rnd_below(3);

        add_word(0x1000002f | size << 12 | rd << 7 | ptr << 15 | (u32)(rnd() & 3) << 25, false);
        for (unsigned i = 0; i < n; i++) {
                static const u8 others[] = {C_ALU, C_ALU, C_LOAD, C_FP};

                if (rnd_one_in(5)) {
                        add_branch(false);
                        if (rnd_one_in(2)) /* out of the pair, else somewhere in it */
                                q.items[q.n - 1].target = q.n + (n - i) + 1 + rnd_below(3);
                } else {
                        const struct row *r = row_of(plain ? C_ALU : others[rnd_below(4)], false);

                        add_row(r);
                }
                keep_register(ptr);
        }
        add_word(0x1800002f | size << 12 | q.hot[rnd_below(N_HOT)] << 7 | ptr << 15 |
                 (rnd_below(3) ? q.hot[rnd_below(N_HOT)] : rd) << 20 | (u32)(rnd() & 3) << 25, false);
        for (unsigned i = first; i < q.n; i++) {
                q.items[i].no_target = i > first;
                q.items[i].group = first + 1;
        }
}

/* fflags, frm or fcsr */
static void add_fcsr(void)
{
        const struct row *r = &rows[by_class[C_CSR][rnd_below(n_by_class[C_CSR])]];
        u32 word = set_registers(r, row_word(r), false);

        if (rnd_one_in(2)) {
                unsigned rd = rnd_below(4) ? 0 : q.hot[0];

                add_word(0x00205073 | rnd_below(5) << 15 | rd << 7, false); /* csrrwi frm */
                return;
        }
        add(r, field_set(row_field(r, F_CSR), word, 1 + rnd_below(3)));
}

static void add_odd(void)
{
        static const u32 odd[] = {0x00000073, 0x00100073, 0x00000000, 0xffffffff, 0x0000100f, 0x30200073,
                                  0x10200073, 0x12000073, 0xffff0000, 0x12344002,
                                  0x56782001 /* these are of 16 bits */};

        add_word(odd[rnd_below(11)], false);
}

static void end_loop(void)
{
        struct item *i;

        add_word(0xfff00013 | q.count << 7 | q.count << 15, false); /* addi count, count, -1 */
        i = add(NULL, 0x00004063 | q.count << 20);                  /* blt x0, count, start */
        i->kind = I_BACK;
        i->target = q.loop_start;
        i->no_target = true;
        q.loop_start = -1;
        q.looped = true;
}

static void add_some(unsigned unit)
{
        bool compressed = unit == 3 || rnd_one_in(4);
        unsigned k, pick = rnd_below(64);

        for (k = 0; k < N_WEIGHTS - 1 && pick >= weights[unit][k]; k++)
                pick -= weights[unit][k];
        switch (k) {
        case W_LOAD: add_row(row_of(C_LOAD, compressed)); break;
        case W_STORE: add_row(row_of(C_STORE, compressed)); break;
        case W_AMO: add_row(row_of(C_AMO, false)); break;
        case W_FP: add_row(row_of(C_FP, false)); break;
        case W_BRANCH: add_branch(compressed); break;
        case W_JUMP: add_jump(); break;
        case W_LRSC: add_lrsc(); break;
        case W_FCSR: add_fcsr(); break;
        case W_FENCE: add_row(row_of(C_FENCE, false)); break;
        case W_ODD:
                if (rnd_one_in(4)) {
                        add_odd();
                        break;
                }
                /* fall through */
        default: add_row(row_of(C_ALU, compressed)); break;
        }
}

/* Offsets of branches, now that all places are known. */
static void finish(void)
{
        for (unsigned i = 0; i < q.n; i++) {
                struct item *b = &q.items[i];
                unsigned t = b->target;
                s64 off;

                if (b->kind == I_PLAIN)
                        continue;
                while (t < q.n && q.items[t].no_target && b->kind == I_BRANCH &&
                       !(b->group && q.items[t].group == b->group))
                        t++;
                off = 2 * ((t < q.n ? q.items[t].at : q.n_halves) - (s64)b->at);
                if (b->row) {
                        b->word = field_set(row_field(b->row, F_OFF), b->word, off);
                } else if (b->kind == I_BRANCH) {
                        b->word |= (u32)(off + 4) << 20; /* jalr, from the auipc before it */
                } else {
                        u32 o = off;

                        b->word |= (o >> 12 & 1) << 31 | (o >> 5 & 63) << 25;
                        b->word |= (o >> 1 & 15) << 8 | (o >> 11 & 1) << 7;
                }
        }
}

static void make_sequence(unsigned unit)
{
        static const u8 modes[8] = {MODE_U, MODE_U, MODE_U, MODE_U, MODE_S, MODE_S, MODE_MPRV, MODE_MPRV};
        unsigned length = 2 + rnd_below(29), offset, made = 0;

        q.n = q.n_halves = 0;
        q.loop_start = -1;
        q.looped = false;
        choose_registers();
        while (made++ < length) {
                if (q.loop_start < 0 && !q.looped && rnd_one_in(8))
                        q.loop_start = q.n;
                else if (q.loop_start >= 0 && q.n > (unsigned)q.loop_start && rnd_one_in(4))
                        end_loop();
                add_some(unit);
        }
        if (q.loop_start >= 0 && q.n > (unsigned)q.loop_start)
                end_loop();
        finish();
        switch (rnd_below(8)) {
        case 0: case 1: offset = PAGE - 2 * rnd_below(64); break;
        case 2: offset = 2 * PAGE - 2 * (1 + rnd_below(40)); break;
        default: offset = 2 * rnd_below(PAGE / 2 - 256); break;
        }
        code_place(&q.env, modes[rnd_below(8)], offset, rnd_one_in(2));
        for (unsigned i = 0; i < q.n; i++)
                code_put(q.env.code + q.items[i].at, q.items[i].word,
                         q.items[i].row ? q.items[i].row->length : 4);
        fence_i();
}

/* ---- operands ---- */

static void set_operands(void)
{
        for (unsigned i = 0; i < N_HOT; i++) {
                in.x[q.hot[i]] = rnd_int();
                in.f[q.fhot[i]] = rnd_float(rnd_below(2) ? 's' : 'd');
        }
        for (unsigned i = 0; i < 3; i++) {
                u64 page;

                do {
                        in.x[q.ptr[i]] = random_ea(q.env.mode, 3, true);
                        page = (in.x[q.ptr[i]] - DATA) / PAGE;
                /* mostly pages that can be written */
                } while (!(page < 14 && 0x2073 >> page & 1) && rnd_below(8));
        }
        if (rnd_one_in(4))
                in.x[q.ptr[2]] = in.x[q.ptr[1]] + rnd_below(64);
        in.x[q.count] = 1 + rnd_below(4);
        in.fcsr = (in.fcsr & 0xe0) | rnd_below(32);
        if (rnd_one_in(2))
                in.mstatus |= 3 << MSTATUS_FS_SHIFT;
}

/* As in rows.c: mtval is not QEMU's strength where a return is not allowed. */
static void forget_mtval(void)
{
        u64 at = (out.mepc - q.env.pc) / 2;

        if (out.mcause == 2 && at < q.n_halves && q.env.code[at] == 0x0073)
                out.mtval = 0;
}

void seq_chunk(unsigned unit)
{
        sort_rows();
        for (u64 w = 0; w < params.n_words; w++) {
                make_sequence(unit);
                random_state(&q.env);
                for (u64 s = 0; s < params.n_sets; s++) {
                        set_operands();
                        for (unsigned i = 0; i < q.n; i++)
                                say_insn(q.env.pc + 2 * q.items[i].at, q.items[i].word);
                        case_run(&q.env);
                        case_forget_fs();
                        forget_mtval();
                        case_mix_state();
                        for (unsigned i = 0; i < 3; i++)
                                case_mix_memory(q.env.mode, in.x[q.ptr[i]] - 128, 48);
                        case_end();
                }
                code_clear(q.env.code, q.n_halves);
        }
}
