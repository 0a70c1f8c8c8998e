/* SPDX-License-Identifier: MIT */
/*
 * Random sequences: 2 to 30 instructions that share few registers, so that values flow from one to the next,
 * with forward branches and jumps, a bounded loop, pairs of exclusives, changes of the rounding mode, and
 * accesses through three pointers, which now and then point at pages that fault. Whatever ends the sequence,
 * all of the state is compared there. Each unit leans towards one kind of instruction.
 */
#include "guest.h"

enum { MAX_ITEMS = 96, N_HOT = 7 };
enum item_kind { I_PLAIN, I_BRANCH };

struct item {
        const struct row *row;
        u32 word;
        u8 kind;
        u8 target;      /* item that a branch goes to */
        bool no_target; /* in the middle of a pattern: nothing may jump here */
        u8 group;       /* but from the same pair of exclusives, by its number */
};

static struct {
        struct env env;
        struct item items[MAX_ITEMS];
        unsigned n;
        u8 ptr[3], count, hot[N_HOT], vhot[N_HOT];
        int loop_start;
        bool looped;
} q;

/* Weights of the kinds by unit, of 64; the rest is arithmetic. */
enum { W_ALU, W_FLAGS, W_LOAD, W_STORE, W_ATOMIC, W_FP, W_VECTOR, W_BRANCH, W_JUMP, W_EXCLUSIVE, W_SYSTEM,
       W_ODD, N_WEIGHTS };
static const u8 weights[8][N_WEIGHTS] = {
        {20, 10, 10, 8, 1, 3, 2, 5, 2, 1, 1, 1},
        {10, 4, 18, 18, 5, 2, 2, 2, 1, 1, 1, 0},
        {5, 3, 5, 5, 0, 34, 6, 3, 0, 0, 3, 0},
        {5, 3, 6, 6, 0, 6, 34, 3, 0, 0, 1, 0},
        {14, 14, 5, 4, 0, 2, 1, 15, 6, 1, 2, 0},
        {10, 5, 6, 5, 12, 2, 1, 5, 1, 14, 2, 1},
        {8, 30, 5, 4, 0, 6, 0, 6, 2, 1, 2, 0},
        {12, 8, 8, 8, 3, 8, 8, 4, 2, 2, 1, 0},
};

static u16 by_class[N_CLASSES][512], n_by_class[N_CLASSES], with_flags[64], n_with_flags;

/*
 * Instructions that set or read the flags: those whose name would end in s, compares, and those with a
 * condition.
 */
static bool has_flags(const struct row *r)
{
        u32 m = r->match;

        if (r->cls != C_ALU)
                return false;
        if (row_field(r, F_COND))
                return true;
        return (m >> 29 & 1) && ((m >> 24 & 31) == 0x11 || (m >> 24 & 31) == 0x0b || (m >> 21 & 255) == 0xd0);
}

static void sort_rows(void)
{
        if (n_by_class[C_ALU])
                return;
        for (unsigned i = 0; i < n_rows; i++) {
                unsigned c = rows[i].cls;

                /* what is not translated and what is of newer CPUs is not for sequences either */
                if (rows[i].not_in_sequences || n_by_class[c] == 512)
                        continue;
                by_class[c][n_by_class[c]++] = i;
                if (has_flags(&rows[i]) && n_with_flags < 64)
                        with_flags[n_with_flags++] = i;
        }
}

static const struct row *row_of(enum row_class cls)
{
        if (!n_by_class[cls])
                cls = C_ALU;
        return &rows[by_class[cls][rnd_below(n_by_class[cls])]];
}

/* ---- registers ---- */

static bool taken(unsigned reg, unsigned n_hot)
{
        return reg == q.count || is_among(reg, q.ptr, 3) || is_among(reg, q.hot, n_hot);
}

static void choose_registers(void)
{
        unsigned reg;

        q.count = 32;
        q.ptr[0] = 31;
        q.ptr[1] = rnd_below(31);
        q.ptr[2] = 32;
        do
                reg = rnd_below(31);
        while (taken(reg, 0));
        q.ptr[2] = reg;
        do
                reg = rnd_below(30); /* not the link register */
        while (taken(reg, 0));
        q.count = reg;
        for (unsigned i = 0; i < N_HOT; i++) {
                do
                        reg = rnd_below(31);
                while (taken(reg, i));
                q.hot[i] = reg;
                q.vhot[i] = rnd_below(32);
        }
}

static unsigned hot(void)
{
        return q.hot[rnd_below(N_HOT)];
}

static unsigned source(void)
{
        u64 r = rnd();

        if ((r & 15) == 0)
                return q.ptr[(r >> 8 & 255) % 3];
        return (r & 15) == 1 ? 31 : hot();
}

/* Number 31 is the stack pointer for some, which is the first of the pointers: it changes seldom. */
static unsigned destination(void)
{
        u64 r = rnd();

        if ((r & 63) == 0)
                return q.ptr[(r >> 8 & 255) % 3];
        return (r & 63) == 1 ? 31 : hot();
}

static u32 set_registers(const struct row *r, u32 word, bool memory)
{
        for (unsigned i = 0; i < r->n_fields; i++) {
                const struct field *f = &r->fields[i];

                if (!f->n_bits)
                        continue;
                if (f->name == F_RN && memory)
                        word = field_set(f, word, q.ptr[rnd_below(3)]);
                else if (f->name == F_RD || f->name == F_RT || f->name == F_RT2 || f->name == F_RS)
                        word = field_set(f, word, destination());
                else if (is_x_field(f->name))
                        word = field_set(f, word, source());
                else if (is_v_field(f->name))
                        word = field_set(f, word, q.vhot[rnd_below(N_HOT)]);
                else if (f->name == F_IMM && memory)
                        word = field_set(f, word, (s64)((rnd_below(256) - 128) & -(1 << f->shift)) &
                                                  (f->is_signed ? -1 : 127));
        }
        return word;
}

/* ---- items ---- */

static struct item *add(const struct row *row, u32 word)
{
        struct item *i = &q.items[q.n++];

        *i = (struct item){.row = row, .word = word};
        return i;
}

static void add_word(u32 word)
{
        add(NULL, word);
}

/* Registers as indexes are random values: they would fault; what post-indexes by one would point anywhere. */
static bool wild(const struct row *r, u32 word)
{
        const struct field *rm = row_field(r, F_RM);

        if (r->cls == C_ATOMIC && row_field(r, F_RS) && field_get(row_field(r, F_RS), word) + 1 == q.count)
                return true; /* the second register of CASP would be the loop's counter */
        return ((r->address & 127) == AT_INDEX && rnd_below(4)) ||
               ((r->address & AT_MANY) && rm && field_get(rm, word) != 31 && rnd_below(4));
}

static void add_row(const struct row *r)
{
        bool memory = (r->address & 127) != AT_NONE && (r->address & 127) != AT_PC;
        u32 word;

        do {
                word = set_registers(r, row_word(r), memory);
                if (memory && row_field(r, F_RM) && rnd_below(2))
                        word = field_set(row_field(r, F_RM), word, 31);
        } while (row_excludes(r, word) || row_is_odd(r, word) || wild(r, word));
        add(r, word);
}

/* The target is an item to come; finish() fills the offset in. */
static void add_branch(void)
{
        u64 r = rnd();
        struct item *i;

        switch (r & 7) {
        case 0: /* cbz, cbnz */
                i = add(NULL, 0x34000000 | (r >> 8 & 1) << 31 | (r >> 9 & 1) << 24 | source());
                break;
        case 1: /* tbz, tbnz */
                i = add(NULL, 0x36000000 | (r >> 8 & 1) << 31 | (r >> 9 & 0x1f) << 19 | (r >> 14 & 1) << 24 |
                              source());
                break;
        case 2: /* b, bl */
                i = add(NULL, 0x14000000 | (r >> 8 & 1) << 31);
                break;
        default: /* b.cond */
                i = add(NULL, 0x54000000 | (r >> 8 & 15));
                break;
        }
        i->kind = I_BRANCH;
        i->target = q.n + rnd_below(5);
}

/* adr and br, blr or ret */
static void add_jump(void)
{
        unsigned t = hot();
        struct item *i = add(NULL, 0x10000000 | t);

        i->kind = I_BRANCH;
        add(NULL, 0xd61f0000 | rnd_below(3) << 21 | t << 5)->no_target = true;
        i->target = q.n + rnd_below(5);
}

/* Between a load-exclusive and its store the address stays, and nothing has its own access there. */
static void keep(unsigned reg)
{
        struct item *i = &q.items[q.n - 1];

        for (unsigned k = 0; i->row && k < i->row->n_fields; k++) {
                const struct field *f = &i->row->fields[k];

                if (f->name == F_RD && field_get(f, i->word) == (s64)reg)
                        i->word = 0xd503201f; /* nop */
        }
}

static void add_exclusive(void)
{
        unsigned size = rnd_below(4), ptr = q.ptr[rnd_below(3)], n = rnd_below(4), first = q.n, rt, rt2, rs;
        bool pair = size > 1 && rnd_one_in(3);

        rt = hot();
        do
                rt2 = hot();
        while (rt2 == rt);
        add_word((u32)size << 30 | 0x085f0000 | (u32)pair << 21 | (u32)(rnd() & 1) << 15 |
                 (pair ? rt2 : 31) << 10 | ptr << 5 | rt);
        for (unsigned i = 0; i < n; i++) {
                if (rnd_one_in(5)) {
                        add_branch();
                        if (rnd_one_in(2)) /* out of the pair, else somewhere in it */
                                q.items[q.n - 1].target = q.n + (n - i) + 1 + rnd_below(3);
                } else {
                        add_row(row_of(rnd_below(4) ? C_ALU : C_VECTOR));
                        keep(ptr);
                }
        }
        do {
                rs = hot();
                rt = source();
                rt2 = source();
        } while (rs == rt || (pair && rs == rt2) || rs == ptr);
        add_word((u32)size << 30 | 0x08000000 | (u32)pair << 21 | rs << 16 | (u32)(rnd() & 1) << 15 |
                 (pair ? rt2 : 31) << 10 | ptr << 5 | rt);
        for (unsigned i = first; i < q.n; i++) {
                q.items[i].no_target = i > first;
                q.items[i].group = first + 1;
        }
}

/* msr and mrs of nzcv, fpcr, fpsr, tpidr_el0; barriers, hints. */
static void add_system(void)
{
        static const u32 some[] = {0xd51b4200, 0xd53b4200, 0xd53b4400, 0xd53b4420, 0xd51bd040, 0xd53bd040,
                                   0xd5033bbf, 0xd5033b9f, 0xd5033fdf, 0xd503201f, 0xd503203f};
        unsigned k = rnd_below(11);

        if (rnd_one_in(3)) { /* a rounding mode: hot register, then fpcr */
                unsigned t = hot();

                /* movz t, modes, lsl #16: FPCR 26 to 22 */
                add_word(0xd2a00000 | (u32)(rnd() & 0x1f) << (5 + 6) | t);
                add_word(0xd51b4400 | t);
                q.items[q.n - 1].no_target = true;
                return;
        }
        add_word(some[k] | (k < 6 ? (rnd_one_in(8) ? 31 : hot()) : 0));
}

static void add_odd(void)
{
        static const u32 odd[] = {0xd4000001, 0xd4200000, 0x00000000, 0xffffffff, 0xd4000003, 0xd51e1000,
                                  0xd503245f};

        add_word(odd[rnd_below(7)]);
}

static void end_loop(void)
{
        struct item *i;

        add_word(0xd1000400 | q.count << 5 | q.count);    /* sub count, count, #1 */
        i = add(NULL, 0xb5000000 | q.count);              /* cbnz count, start */
        i->word |= ((u32)(q.loop_start - (int)(q.n - 1)) & 0x7ffff) << 5;
        i->no_target = true;
        q.loop_start = -1;
        q.looped = true;
}

static void add_some(unsigned unit)
{
        static const u8 classes[] = {[W_LOAD] = C_LOAD, [W_STORE] = C_STORE, [W_FP] = C_FP,
                                     [W_VECTOR] = C_VECTOR};
        unsigned k, pick = rnd_below(64);

        for (k = 0; k < N_WEIGHTS - 1 && pick >= weights[unit][k]; k++)
                pick -= weights[unit][k];
        switch (k) {
        case W_FLAGS: add_row(&rows[with_flags[rnd_below(n_with_flags)]]); break;
        case W_LOAD: case W_STORE: case W_FP: case W_VECTOR: add_row(row_of(classes[k])); break;
        case W_ATOMIC: add_row(row_of(rnd_one_in(3) ? C_ORDERED : C_ATOMIC)); break;
        case W_BRANCH: add_branch(); break;
        case W_JUMP: add_jump(); break;
        case W_EXCLUSIVE: add_exclusive(); break;
        case W_SYSTEM: add_system(); break;
        case W_ODD:
                if (rnd_one_in(4)) {
                        add_odd();
                        break;
                }
                /* fall through */
        default: add_row(row_of(C_ALU)); break;
        }
}

/* Offsets of branches, now that all places are known. */
static void finish(void)
{
        for (unsigned i = 0; i < q.n; i++) {
                struct item *b = &q.items[i];
                unsigned t = b->target;
                u32 off;

                if (b->kind != I_BRANCH)
                        continue;
                while (t < q.n && q.items[t].no_target && !(b->group && q.items[t].group == b->group))
                        t++;
                off = (t < q.n ? t : q.n) - i;
                switch (b->word >> 24 & 0x7f) {
                case 0x10: b->word |= off << 5; break; /* adr: in bytes, the low two bits elsewhere */
                case 0x14: b->word |= off; break;
                case 0x36: case 0x37: b->word |= off << 5; break;
                default: b->word |= off << 5; break;
                }
        }
}

static void make_sequence(unsigned unit)
{
        unsigned length = 2 + rnd_below(29), offset, made = 0;

        q.n = 0;
        q.loop_start = -1;
        q.looped = false;
        choose_registers();
        while (made++ < length && q.n < MAX_ITEMS - 16) {
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
        case 0: case 1: offset = PAGE - 4 * rnd_below(32); break;
        case 2: offset = 2 * PAGE - 4 * (1 + rnd_below(20)); break;
        default: offset = 4 * rnd_below(PAGE / 4 - 128); break;
        }
        code_place(&q.env, random_mode(), offset, rnd_one_in(2));
        if (offset + 4 * q.n > 2 * PAGE)
                q.n = (2 * PAGE - offset) / 4;
        for (unsigned i = 0; i < q.n; i++)
                code_put(&q.env, i, q.items[i].word);
        code_sync(q.env.code, q.n);
}

/* ---- operands ---- */

static void set_operands(void)
{
        for (unsigned i = 0; i < N_HOT; i++) {
                unsigned kind = "bhsd"[rnd_below(4)];

                in.x[q.hot[i]] = rnd_int();
                in.v[q.vhot[i]][0] = rnd_lanes(kind);
                in.v[q.vhot[i]][1] = rnd_lanes(kind);
        }
        for (unsigned i = 0; i < 3; i++) {
                u64 page, *p = base_of(&in, q.env.mode, q.ptr[i]);

                do {
                        *p = random_ea(4, true);
                        page = (*p - DATA) / PAGE;
                /* mostly pages that can be written */
                } while (!(page < 14 && 0x2073 >> page & 1) && rnd_below(8));
        }
        if (rnd_one_in(4))
                in.x[q.ptr[2]] = in.x[q.ptr[1]] + rnd_below(64);
        in.x[q.count] = 1 + rnd_below(4);
        in.spsr = (in.spsr & ~PSTATE_NZCV) | (rnd() & PSTATE_NZCV);
        in.fpsr = rnd() & 0x9f;
        if (rnd_one_in(2))
                in.cpacr = 3 << 20;
        in.sctlr &= ~(SCTLR_SA | SCTLR_SA0);
}

/* Only where the instruction that failed has several accesses (rows.c), and where its base still is known. */
static void forget_partial(void)
{
        u64 at = (out.elr - q.env.pc) / 4;
        const struct row *r = at < q.n ? q.items[at].row : NULL;
        const struct field *imm, *mode, *rn;
        u64 ea;

        if (!r || !(rn = row_field(r, F_RN)))
                return;
        imm = row_field(r, F_IMM);
        mode = row_field(r, F_MODE);
        ea = *base_of(&out, q.env.mode, field_get(rn, q.items[at].word));
        if ((r->address & 127) == AT_IMM && !(mode && field_get(mode, 0) == 1))
                ea += field_get(imm, q.items[at].word);
        case_forget_partial(r, q.items[at].word, ea);
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
                                say_insn(q.env.pc + 4 * i, q.items[i].word);
                        case_run(&q.env);
                        forget_partial();
                        case_mix_state();
                        for (unsigned i = 0; i < 3; i++)
                                case_mix_memory(*base_of(&in, q.env.mode, q.ptr[i]) - 128, 48);
                        case_end();
                }
                code_clear(&q.env, q.n);
                code_sync(q.env.code, q.n);
        }
}
