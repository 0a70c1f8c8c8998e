/* SPDX-License-Identifier: MIT */
/*
 * Instructions on the host's own CPU against the emulator:
 *
 *     diff-x86 [-e interp|jit] [-n CASES] [-s SEED] [-r NAME]... [-v] [-x]
 *
 * CASES random ones for each row of the table that has a translator and may run in user mode. Compared are
 * registers, flags as far as they are defined, memory, MXCSR, and what exception came with which error code.
 * -x names rows that are left out.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "tests/diff/x86/gen.h"
#include "x86_translate.h"

enum { BATCH = 2000 };
enum { CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, DF = 0x400, OF = 0x800 };

struct row_result {
        unsigned run, wrong;
};

struct tool {
        struct gen gen;
        struct cpu_features features;
        struct emulator *emulator;
        struct test_case *cases;
        struct x86_insn *insns;
        struct row_result row;
        unsigned shown, max_shown;
        bool verbose;
};

/* ---- what is not compared ---- */

static unsigned count_of(const struct test_case *c, const struct x86_insn *i)
{
        unsigned n = i->n_ops - 1, mask = i->op[0].size == 8 ? 63 : 31;

        return (i->op[n].kind == X86_OP_IMM
                ? (unsigned)i->imm[i->op[n].reg] : (unsigned)c->in.gpr[X86_RCX]) & mask;
}

/* Flags that the manual leaves undefined. */
static unsigned undefined_flags(const struct test_case *c, const struct x86_insn *i)
{
        unsigned n, undefined = 0;

        switch (i->id) {
        case X86_AND: case X86_OR: case X86_XOR: case X86_TEST:
                return AF;
        case X86_MUL: case X86_IMUL:
                return SF | ZF | AF | PF;
        case X86_DIV: case X86_IDIV:
                return CF | OF | SF | ZF | AF | PF;
        case X86_SHL: case X86_SHR: case X86_SAR: case X86_SHLD: case X86_SHRD:
                n = count_of(c, i);
                undefined = n ? AF : 0;
                undefined |= n > 1 ? OF : 0;
                return undefined | (n > 8 * i->op[0].size - (i->id == X86_SHL ||
                        i->id == X86_SHR ? 1 : 0) ? CF : 0);
        case X86_ROL: case X86_ROR: case X86_RCL: case X86_RCR:
                return count_of(c, i) > 1 ? OF : 0;
        case X86_BT: case X86_BTS: case X86_BTR: case X86_BTC:
                return OF | SF | AF | PF;
        case X86_BSF: case X86_BSR:
                return CF | OF | SF | AF | PF;
        case X86_LZCNT: case X86_TZCNT:
                return OF | SF | AF | PF;
        case X86_BEXTR:
                return AF | SF | PF;
        case X86_BZHI: case X86_BLSI: case X86_BLSR: case X86_BLSMSK: case X86_ANDN:
                return AF | PF;
        default:
                return 0;
        }
}

/* Results that are undefined altogether. */
static bool is_undefined(const struct test_case *c, const struct x86_insn *i)
{
        if ((i->id == X86_SHLD || i->id == X86_SHRD) && i->op[0].size == 2)
                return count_of(c, i) > 16;
        /* approximations, which differ between CPUs */
        if (i->id == X86_RCPPS || i->id == X86_RCPSS || i->id == X86_RSQRTPS || i->id == X86_RSQRTSS)
                return true;
        /* an undocumented one, which AMD's CPUs do without a stack fault */
        if (i->id == X86_FSTP && !i->is_mem && i->opcode == 0xd9)
                return true;
        if (i->id == X86_MOVSXD && i->os == 2)
                return i->is_mem; /* AMD's CPUs read 32 bits */
        return i->id == X86_BSWAP && i->op[0].size == 2;
}

/*
 * Rows that cannot be run here: they would do something to the process, or mean something else in user mode.
 */
static bool is_left_out(const struct x86_row *row)
{
        static const uint16_t ids[] = {
                X86_INT, X86_INT3, X86_INT1, X86_SYSCALL, X86_SYSRET, X86_IRET, X86_RETF, X86_CALLF, X86_JMPF,
                X86_RDTSC, X86_RDTSCP, X86_RDPID, X86_CPUID, X86_XGETBV, X86_RDPMC, X86_POPF, X86_PUSHF,
                X86_MOV_TO_SEG, X86_MOV_FROM_SEG, X86_LSS, X86_LFS, X86_LGS, X86_SLDT, X86_STR, X86_SGDT,
                        X86_SIDT,
                X86_SMSW, X86_LAR, X86_LSL, X86_VERR, X86_VERW, X86_WRFSBASE, X86_WRGSBASE, X86_RDFSBASE,
                        X86_RDGSBASE,
                X86_MONITOR, X86_MWAIT, X86_IN, X86_OUT, X86_INS, X86_OUTS, X86_PAUSE,
                X86_FXSAVE, X86_FXRSTOR, X86_FNSAVE, X86_FRSTOR, X86_FNSTENV, X86_FLDENV,
        };

        for (unsigned k = 0; k < sizeof(ids) / sizeof(ids[0]); k++) {
                if (ids[k] == row->id)
                        return true;
        }
        for (unsigned k = 0; k < X86_MAX_OPS && row->ops[k]; k++) {
                unsigned kind = x86_opspecs[row->ops[k]].kind;

                /* MMX registers are not translated */
                if ((kind >= X86_K_FES && kind <= X86_K_FGS) || kind == X86_K_P || kind == X86_K_Q ||
                    kind == X86_K_N)
                        return true;
        }
        return !x86_translators[row->id] || !(row->modes & X86_64);
}

/* An unmasked overflow or underflow came, of which PE and exact tiny results are not modelled (docs/x86.md). */
static bool is_unmasked_range(const struct test_case *c)
{
        enum { OE = 8, UE = 16 };

        return c->vector == 19 && (c->out.mxcsr & ~(c->in.mxcsr >> 7) & (OE | UE));
}

/* ---- comparing ---- */

static void show(struct tool *t, const struct test_case *c, const char *what, uint64_t host, uint64_t us)
{
        char text[160] = "?";

        if (t->shown >= t->max_shown)
                return;
        x86_disas(c->in.rip, c->bytes, c->length, X86_64, &t->features, text, sizeof(text));
        printf("  %s: %s: host %016" PRIx64 ", here %016" PRIx64 " |", text, what, host, us);
        for (unsigned k = 0; k < c->length; k++)
                printf(" %02x", c->bytes[k]);
        printf(" | flags %03x", (unsigned)(c->in.flags & X86_CASE_FLAGS));
        printf("\n");
        if (t->verbose) {
                for (unsigned k = 0; k < 16; k++)
                        printf("    r%-2u %016" PRIx64 " xmm%-2u %016" PRIx64 " %016" PRIx64 "\n", k,
                               c->in.gpr[k], k,
                               c->in.xmm[k][1], c->in.xmm[k][0]);
                for (unsigned k = 0; k < 8; k++)
                        printf("    st%u %02x%02x %016" PRIx64 "\n", k, c->in.fx87[41 + 16 * k],
                               c->in.fx87[40 + 16 * k],
                               *(const uint64_t *)(c->in.fx87 + 32 + 16 * k));
                printf("    mxcsr %04x fcw %02x%02x fsw %02x%02x ftw %02x\n", c->in.mxcsr, c->in.fx87[1],
                       c->in.fx87[0],
                       c->in.fx87[3], c->in.fx87[2], c->in.fx87[4]);
        }
        t->shown++;
}

static bool differs(struct tool *t, const struct test_case *c, const char *what, uint64_t host, uint64_t us)
{
        if (host == us)
                return false;
        show(t, c, what, host, us);
        return true;
}

static bool compare_x87(struct tool *t, const struct test_case *c, const struct case_regs *out)
{
        uint16_t host, us;

        memcpy(&host, c->out.fx87 + 2, 2);
        memcpy(&us, out->fx87 + 2, 2);
        if (differs(t, c, "fsw", host, us) || differs(t, c, "ftw", c->out.fx87[4], out->fx87[4]))
                return true;
        for (unsigned k = 0; k < 8; k++) {
                char name[8];

                if (!memcmp(c->out.fx87 + 32 + 16 * k, out->fx87 + 32 + 16 * k, 10))
                        continue;
                snprintf(name, sizeof(name), "st%u", k);
                show(t, c, name, *(const uint64_t *)(c->out.fx87 + 32 + 16 * k),
                     *(const uint64_t *)(out->fx87 + 32 + 16 * k));
                return true;
        }
        return false;
}

static bool compare(struct tool *t, const struct test_case *c, const struct x86_insn *i,
                    const struct case_regs *out,
                    const uint8_t *window, int vector, uint64_t error_code, uint64_t cr2)
{
        uint64_t mask = X86_CASE_FLAGS & ~(vector >= 0 ? 0 : undefined_flags(c, i));
        char name[8];

        /* jumps to addresses that are none: the fault comes at the target here, before the jump there */
        if (c->vector == 13 && vector == -1 && (i->id == X86_RET || i->id == X86_JMP || i->id == X86_CALL))
                return false;
        /* AMD's CPUs have a bit in MXCSR that others reserve: misaligned operands */
        if (c->vector == -1 && vector == 13 && i->id == X86_LDMXCSR)
                return false;
        if (is_unmasked_range(c))
                return false;
        /* that these look at EFLAGS.AC is left to each CPU (SDM volume 2, MOVUPS) */
        if (c->vector == 17 && (i->id == X86_MOVUPS || i->id == X86_MOVUPD || i->id == X86_MOVDQU))
                return false;
        if (differs(t, c, "vector", (uint64_t)c->vector, (uint64_t)vector))
                return true;
        if (vector == 14 && differs(t, c, "error code", c->error_code, error_code))
                return true;
        /* of two loads that fault either may be first */
        if (vector == 14 && i->id != X86_CMPS && differs(t, c, "cr2", c->cr2, cr2))
                return true;
        if (vector == 13 && differs(t, c, "error code", c->error_code, error_code))
                return true;
        if (differs(t, c, "rip", c->out.rip, out->rip) || differs(t, c, "flags", c->out.flags & mask,
                out->flags & mask))
                return true;
        for (unsigned k = 0; k < 16; k++) {
                snprintf(name, sizeof(name), "r%u", k);
                if (differs(t, c, name, c->out.gpr[k], out->gpr[k]))
                        return true;
                snprintf(name, sizeof(name), "xmm%u", k);
                if (differs(t, c, name, c->out.xmm[k][0], out->xmm[k][0]) ||
                    differs(t, c, name, c->out.xmm[k][1], out->xmm[k][1]))
                        return true;
        }
        for (unsigned k = 0; k < CASE_WINDOW_SIZE; k++) {
                if (c->out_window[k] != window[k]) {
                        show(t, c, "memory", c->out_window[k], window[k]);
                        return true;
                }
        }
        return differs(t, c, "mxcsr", c->out.mxcsr, out->mxcsr) || compare_x87(t, c, out);
}

static void check(void *opaque, struct test_case *c, const struct case_regs *out, const uint8_t *window,
                  int vector,
                  uint64_t error_code, uint64_t cr2)
{
        struct tool *t = opaque;
        const struct x86_insn *i = &t->insns[c - t->cases];

        t->row.run++;
        if (!is_undefined(c, i))
                t->row.wrong += compare(t, c, i, out, window, vector, error_code, cr2);
}

static void run_row(struct tool *t, unsigned row, unsigned count)
{
        t->row = (struct row_result){0};
        for (unsigned done = 0; done < count; done += BATCH) {
                unsigned n = 0, want = MIN(BATCH, count - done);

                for (unsigned tries = 0; n < want && tries < 50 * want; tries++)
                        n += gen_case(&t->gen, row, &t->features, &t->cases[n], &t->insns[n]);
                if (!n)
                        break;
                native_run(t->cases, n);
                emulator_run(t->emulator, t->cases, n, check, t);
        }
}

static char *row_name(unsigned row)
{
        unsigned at = 0;

        while (row >= x86_first[at + 1])
                at++;
        return g_strdup_printf("%s (row %u, map %u, opcode %02x)", x86_rows[row].name, row, at / 256,
                               at & 255);
}

/* Takes away what the CPU that we compare with has not. */
static void host_features(struct cpu_features *f)
{
        static const enum x86_feature features[] = {
                [NATIVE_POPCNT] = X86_F_POPCNT, [NATIVE_BMI1] = X86_F_BMI1, [NATIVE_BMI2] = X86_F_BMI2,
                [NATIVE_LZCNT] = X86_F_LZCNT, [NATIVE_MOVBE] = X86_F_MOVBE, [NATIVE_ADX] = X86_F_ADX,
                [NATIVE_SSE3] = X86_F_SSE3, [NATIVE_SSSE3] = X86_F_SSSE3, [NATIVE_SSE41] = X86_F_SSE41,
                [NATIVE_SSE42] = X86_F_SSE42,
        };
        uint32_t has = native_features();

        for (unsigned k = 0; k < G_N_ELEMENTS(features); k++) {
                if (!(has >> k & 1))
                        cpu_features_set(f, features[k], false);
        }
}

int main(int argc, char **argv)
{
        struct tool t = {.gen = {.seed = 1}, .max_shown = 3};
        unsigned count = 200, wrong_rows = 0, rows = 0;
        uint64_t cases = 0;
        bool jit = false, list = false;
        const char *only[32];
        int n_only = 0, option;

        while ((option = getopt(argc, argv, "e:n:s:r:m:vx")) != -1) {
                switch (option) {
                case 'e': jit = !strcmp(optarg, "jit"); break;
                case 'n': count = strtoul(optarg, NULL, 0); break;
                case 's': t.gen.seed = strtoull(optarg, NULL, 0); break;
                case 'r': only[n_only++ & 31] = optarg; break;
                case 'm': t.max_shown = strtoul(optarg, NULL, 0); break;
                case 'v': t.verbose = true; break;
                case 'x': list = true; break;
                default: return 2;
                }
        }
        setvbuf(stdout, NULL, _IOLBF, 0);
        t.cases = mmap(NULL, BATCH * sizeof(*t.cases), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                       0);
        t.insns = g_new0(struct x86_insn, BATCH);
        t.emulator = emulator_new(jit);
        t.features = emulator_features(t.emulator);
        host_features(&t.features);
        for (unsigned row = 0; row < x86_n_rows; row++) {
                const struct x86_row *r = &x86_rows[row];
                bool chosen = !n_only;
                g_autofree char *name = row_name(row);
                uint64_t seed = t.gen.seed;

                for (int k = 0; k < n_only; k++)
                        chosen |= !strcmp(only[k], r->name);
                if (!chosen)
                        continue;
                if (is_left_out(r) || !cpu_has(&t.features, r->feature)) {
                        if (list)
                                printf("left out: %s\n", name);
                        continue;
                }
                t.shown = 0;
                t.gen.seed ^= row * 0x9e3779b97f4a7c15;
                run_row(&t, row, count);
                t.gen.seed = seed;
                rows += t.row.run > 0;
                cases += t.row.run;
                wrong_rows += t.row.wrong > 0;
                if (t.row.wrong)
                        printf("%s: %u of %u cases differ\n", name, t.row.wrong, t.row.run);
                else if (list && !t.row.run)
                        printf("no cases: %s\n", name);
        }
        printf("%s: %u rows, %" PRIu64 " cases, %u rows with differences\n", jit ? "jit" : "interp", rows,
               cases, wrong_rows);
        emulator_free(t.emulator);
        g_free(t.insns);
        return wrong_rows ? 1 : 0;
}
