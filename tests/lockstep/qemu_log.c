/* SPDX-License-Identifier: MIT */
/* Reading QEMU's log of CPU states. */
#include "tests/lockstep/qemu_log.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

#define X(n, two) {"X" two, "x" #n, LOG_ONE, 0}
#define Q(n, two) {"Q" two, "v" #n, LOG_HIGH_LOW, 0}

/* NZCV, PAN, DAIF, EL and SP; BTYPE and the like belong to features that Rhea has not. */
static const struct log_field fields_aarch64[] = {
        {"PC", "pc", LOG_ONE, 0},
        X(0, "00"), X(1, "01"), X(2, "02"), X(3, "03"), X(4, "04"), X(5, "05"), X(6, "06"), X(7, "07"),
        X(8, "08"), X(9, "09"), X(10, "10"), X(11, "11"), X(12, "12"), X(13, "13"), X(14, "14"), X(15, "15"),
        X(16, "16"), X(17, "17"), X(18, "18"), X(19, "19"), X(20, "20"), X(21, "21"), X(22, "22"),
        X(23, "23"), X(24, "24"), X(25, "25"), X(26, "26"), X(27, "27"), X(28, "28"), X(29, "29"),
        X(30, "30"),
        {"SP", "sp", LOG_ONE, 0}, {"PSTATE", "cpsr", LOG_ONE, 0xf04003cd}, {"FPCR", "fpcr", LOG_ONE, 0},
        {"FPSR", "fpsr", LOG_ONE, 0},
        Q(0, "00"), Q(1, "01"), Q(2, "02"), Q(3, "03"), Q(4, "04"), Q(5, "05"), Q(6, "06"), Q(7, "07"),
        Q(8, "08"), Q(9, "09"), Q(10, "10"), Q(11, "11"), Q(12, "12"), Q(13, "13"), Q(14, "14"), Q(15, "15"),
        Q(16, "16"), Q(17, "17"), Q(18, "18"), Q(19, "19"), Q(20, "20"), Q(21, "21"), Q(22, "22"),
        Q(23, "23"), Q(24, "24"), Q(25, "25"), Q(26, "26"), Q(27, "27"), Q(28, "28"), Q(29, "29"),
        Q(30, "30"), Q(31, "31"),
};
#undef X
#undef Q

const struct log_format log_aarch64 = {"aarch64", " PC=", fields_aarch64, G_N_ELEMENTS(fields_aarch64)};

/*
 * RF is not compared: QEMU has it set between the iterations of a repeated instruction, where the manual (SDM
 * volume 3, 18.3.1.1) has it in the image of the flags alone that an exception pushes there. Neither is C1 of
 * FSW, which tells which way an inexact result was rounded (volume 1, 8.5.6): QEMU leaves it 0;
 * tests/diff/x86 has it from a CPU.
 */
#define R(n, name) {n, name, LOG_ONE, 0}
#define SEG(n, name) {n, name, LOG_LOW_HIGH, 0}
#define XMM(n, two) {"XMM" two, "xmm" #n, LOG_HIGH_LOW, 0}
#define FPR(n) {"FPR" #n, NULL, LOG_LOW_HIGH, 0}

static const struct log_field fields_x86_64[] = {
        R("RIP", "rip"), R("RAX", "rax"), R("RBX", "rbx"), R("RCX", "rcx"), R("RDX", "rdx"), R("RSI", "rsi"),
        R("RDI", "rdi"), R("RBP", "rbp"), R("RSP", "rsp"), R("R8", "r8"), R("R9", "r9"), R("R10", "r10"),
        R("R11", "r11"), R("R12", "r12"), R("R13", "r13"), R("R14", "r14"), R("R15", "r15"),
        {"RFL", "eflags", LOG_ONE, 0x3efed5}, R("CPL", "cpl"),
        SEG("ES", "es"), SEG("CS", "cs"), SEG("SS", "ss"), SEG("DS", "ds"), SEG("FS", "fs"), SEG("GS", "gs"),
        R("CR0", "cr0"), R("CR2", "cr2"), R("CR3", "cr3"), R("CR4", "cr4"), R("EFER", "efer"),
        R("FCW", "fctrl"),
        {"FSW", "fstat", LOG_ONE, 0xfdff}, R("FTW", NULL), R("MXCSR", "mxcsr"),
        FPR(0), FPR(1), FPR(2), FPR(3), FPR(4), FPR(5), FPR(6), FPR(7),
        XMM(0, "00"), XMM(1, "01"), XMM(2, "02"), XMM(3, "03"), XMM(4, "04"), XMM(5, "05"), XMM(6, "06"),
        XMM(7, "07"), XMM(8, "08"), XMM(9, "09"), XMM(10, "10"), XMM(11, "11"), XMM(12, "12"), XMM(13, "13"),
        XMM(14, "14"), XMM(15, "15"),
};

const struct log_format log_x86_64 = {"x86_64", "RAX=", fields_x86_64, G_N_ELEMENTS(fields_x86_64)};

/*
 * The field of the name that ends before @end; -1 if it is none of ours. Names come in the same order each
 * time.
 */
static int find_field(const struct log_format *f, const char *line, const char *end, unsigned *hint)
{
        const char *start;

        while (end > line && end[-1] == ' ')
                end--;
        for (start = end; start > line && g_ascii_isalnum(start[-1]); start--)
                ;
        for (unsigned i = 0; i < f->n_fields; i++) {
                unsigned n = (*hint + i) % f->n_fields;

                if (!strncmp(f->fields[n].name, start, end - start) && !f->fields[n].name[end - start]) {
                        *hint = n + 1;
                        return n;
                }
        }
        return -1;
}

static void read_line(const struct log_format *f, const char *line, unsigned *hint, struct log_state *to)
{
        for (const char *at = line; (at = strchr(at, '=')); at++) {
                int n = find_field(f, line, at, hint);
                uint64_t one, two = 0;
                char *end;

                if (n < 0)
                        continue;
                one = strtoull(at + 1, &end, 16);
                if (f->fields[n].shape != LOG_ONE)
                        two = strtoull(end + (*end == ':'), NULL, 16);
                to->value[n][0] = f->fields[n].shape == LOG_HIGH_LOW ? two : one;
                to->value[n][1] = f->fields[n].shape == LOG_HIGH_LOW ? one : two;
                to->known[n] = true;
        }
}

bool log_read(struct log_reader *r, struct log_state *to)
{
        size_t first = strlen(r->format->first);
        unsigned hint = 0, lines = 0;

        memset(to, 0, sizeof(*to));
        while (r->have_line || getline(&r->line, &r->size, r->from) > 0) {
                bool begins = !strncmp(r->line, r->format->first, first);

                r->have_line = false;
                if (begins && lines) {
                        r->have_line = true; /* the next one's */
                        return true;
                }
                if (begins || lines) {
                        read_line(r->format, r->line, &hint, to);
                        lines++;
                }
        }
        return lines > 0;
}
