/* SPDX-License-Identifier: MIT */
/* Where the instructions of a program lie, where they go, and which flags may be undefined before each. */
#include "tests/diff/x86/seq.h"

#include <string.h>

#include "tests/diff/x86/flags.h"

/* ---- changes ---- */

static void move_targets(struct seq_program *p, unsigned behind, int by)
{
        for (unsigned k = 0; k < p->n; k++) {
                for (unsigned n = 0; n < 2; n++)
                        if (p->insn[k].target[n] != SEQ_NONE && p->insn[k].target[n] > behind)
                                p->insn[k].target[n] += by;
        }
}

void seq_insert(struct seq_program *p, unsigned k, const struct seq_insn *i)
{
        move_targets(p, k, 1);
        memmove(p->insn + k + 1, p->insn + k, (p->n++ - k) * sizeof(*p->insn));
        p->insn[k] = *i;
        p->insn[k].inside = p->insn[k + 1].inside;
        p->insn[k + 1].inside = true;
}

bool seq_drop(struct seq_program *p, unsigned k)
{
        if (p->insn[k].kept || p->insn[k].kind == SEQ_STOP || p->insn[k].kind == SEQ_RET)
                return false;
        move_targets(p, k, -1);
        memmove(p->insn + k, p->insn + k + 1, (--p->n - k) * sizeof(*p->insn));
        return true;
}

/* ---- places ---- */

static bool is_short(const struct seq_insn *i)
{
        uint8_t opcode = i->length >= 2 ? i->bytes[i->length - 2] : 0;

        return (i->kind == SEQ_BRANCH || i->kind == SEQ_JUMP) &&
               (opcode == 0xeb || (opcode & 0xf0) == 0x70 || (opcode & 0xfc) == 0xe0) && i->length < 4;
}

/* False: there is no other form. */
static bool make_long(struct seq_insn *i)
{
        uint8_t opcode = i->bytes[0];

        if (i->length != 2 || (opcode & 0xfc) == 0xe0)
                return false;
        i->length = opcode == 0xeb ? 5 : 6;
        i->bytes[0] = opcode == 0xeb ? 0xe9 : 0x0f;
        i->bytes[1] = 0x80 | (opcode & 15);
        return true;
}

static void set_places(struct seq_program *p)
{
        p->length = 0;
        for (unsigned k = 0; k < p->n; k++) {
                p->insn[k].at = p->length;
                p->length += p->insn[k].length;
        }
}

static bool has_displacement(const struct seq_insn *i)
{
        return i->kind == SEQ_BRANCH || i->kind == SEQ_JUMP || i->kind == SEQ_CALL || i->kind == SEQ_ADDRESS;
}

static bool set_displacements(struct seq_program *p)
{
        bool again;

        do {
                again = false;
                set_places(p);
                for (unsigned k = 0; k < p->n; k++) {
                        struct seq_insn *i = &p->insn[k];
                        unsigned end = i->at + i->length;
                        int32_t disp = has_displacement(i) ? (int)p->insn[i->target[0]].at - (int)end : 0;

                        if (i->data) {
                                disp = i->data - (CASE_CODE + p->at + end);
                                memcpy(i->bytes + i->disp_at, &disp, 4);
                        } else if (!has_displacement(i)) {
                                continue;
                        } else if (!is_short(i)) {
                                memcpy(i->bytes + i->length - 4, &disp, 4);
                        } else if (disp == (int8_t)disp) {
                                i->bytes[i->length - 1] = disp;
                        } else if (make_long(i)) {
                                again = true;
                        } else {
                                return false;
                        }
                }
        } while (again);
        return p->length <= CASE_MAX_LENGTH && p->at + p->length <= CASE_CODE_SIZE;
}

/* ---- flags ---- */

struct flow {
        struct seq_program *p;
        struct x86_flag_use use[SEQ_MAX];
        bool reached[SEQ_MAX], changed;
};

static void reach(struct flow *f, unsigned k, unsigned undefined)
{
        if (k >= f->p->n || (f->reached[k] && !(undefined & ~f->p->insn[k].undefined)))
                return;
        f->reached[k] = f->changed = true;
        f->p->insn[k].undefined |= undefined;
}

static void flow_on(struct flow *f, unsigned k)
{
        const struct seq_program *p = f->p;
        const struct seq_insn *i = &p->insn[k];
        unsigned undefined = (i->undefined & ~f->use[k].writes) | f->use[k].undefined;

        switch (i->kind) {
        case SEQ_STOP:
                return;
        case SEQ_RET:
                for (unsigned n = 0; n < p->n; n++)
                        if ((p->insn[n].kind == SEQ_CALL || p->insn[n].kind == SEQ_INDIRECT_CALL) &&
                            p->insn[n].target[0] == i->target[0])
                                reach(f, n + 1, undefined);
                return;
        case SEQ_PLAIN: case SEQ_ADDRESS: case SEQ_BRANCH:
                reach(f, k + 1, undefined);
        }
        for (unsigned n = 0; n < 2 && i->kind != SEQ_ADDRESS; n++)
                if (i->target[n] != SEQ_NONE)
                        reach(f, i->target[n], undefined);
}

bool seq_finish(const struct tool *t, struct seq_program *p, unsigned *reader)
{
        struct flow f = {.p = p, .changed = true};

        *reader = SEQ_NONE;
        if (!set_displacements(p))
                return false;
        for (unsigned k = 0; k < p->n; k++) {
                struct x86_insn x;

                p->insn[k].undefined = 0;
                if (x86_decode(p->insn[k].bytes, p->insn[k].length, X86_64, &t->features, &x) == X86_DECODED)
                        f.use[k] = x86_flag_use(&x);
        }
        reach(&f, 0, 0);
        while (f.changed) {
                f.changed = false;
                for (unsigned k = 0; k < p->n; k++)
                        if (f.reached[k])
                                flow_on(&f, k);
        }
        for (unsigned k = 0; k < p->n && *reader == SEQ_NONE; k++)
                if (f.use[k].reads & p->insn[k].undefined)
                        *reader = k;
        return *reader == SEQ_NONE;
}
