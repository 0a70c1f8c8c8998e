/* SPDX-License-Identifier: MIT */
/* Instructions by what they need when a leader is followed. */
#include "tests/lockstep/log_insn.h"

#include <string.h>

#include <glib.h>

#include "frontend/cpu.h"
#include "frontend/x86/decode.h"

/* ---- AArch64: Arm ARM, C4.1 ---- */

static bool is_branch(uint32_t w)
{
        return (w & 0x7c000000) == 0x14000000 || (w & 0x7e000000) == 0x34000000 ||
                (w & 0x7e000000) == 0x36000000 ||
               (w & 0xff000010) == 0x54000000 || (w & 0xfe000000) == 0xd6000000;
}

void log_insn_aarch64(struct vcpu *v, struct log_insn *i, uint64_t rcx, uint64_t next)
{
        static const char *const names[32] = {
                "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
                "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27",
                "x28", "x29", "x30",
        };
        uint32_t w = 0;
        bool read_sysreg, call;

        memcpy(&w, i->bytes, 4);
        read_sysreg = (w & 0xfff00000) == 0xd5300000;
        call = w == 0xd45e0000; /* HLT #0xf000: semihosting */
        /*
         * system instructions but barriers and hints, what raises exceptions, ERET; an exception is seen by
         * its vector
         */
        i->alone = ((w & 0xff000000) == 0xd5000000 && (w & 0xfffff000) != 0xd5033000 &&
                    (w & 0xfffff01f) != 0xd503201f) ||
                   (w & 0xff000000) == 0xd4000000 || w == 0xd69f03e0 ||
                   (is_branch(w) ? (next & 0x7f) == 0 : next != i->pc + 4);
        /*
         * identification (CRn 0), control registers with what they are reset to (1), the timer's registers
         * (14)
         */
        if (read_sysreg && ((w >> 12 & 15) <= 1 || (w >> 12 & 15) == 14))
                i->taken[0] = names[w & 31];
        if (call)
                i->taken[0] = "x0";
}

/* ---- x86-64 ---- */

enum { CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, OF = 0x800 };

static unsigned shift_count(const struct x86_insn *x, uint64_t rcx)
{
        unsigned n = x->n_ops - 1, mask = x->op[0].size == 8 ? 63 : 31;

        return (x->op[n].kind == X86_OP_IMM ? (unsigned)x->imm[x->op[n].reg] : (unsigned)rcx) & mask;
}

/*
 * Flags that the manual leaves undefined (SDM volume 2, "Flags Affected"); tests/diff/x86 has the same list
 * but for the last two.
 */
static uint32_t undefined_flags(const struct x86_insn *x, uint64_t rcx)
{
        unsigned n;

        switch (x->id) {
        case X86_AND: case X86_OR: case X86_XOR: case X86_TEST:
                return AF;
        case X86_MUL: case X86_IMUL:
                return SF | ZF | AF | PF;
        case X86_DIV: case X86_IDIV:
                return CF | OF | SF | ZF | AF | PF;
        case X86_SHL: case X86_SHR: case X86_SAR: case X86_SHLD: case X86_SHRD:
                n = shift_count(x, rcx);
                return (n ? AF : 0) | (n > 1 ? OF : 0) |
                       (n > 8u * x->op[0].size - (x->id == X86_SHL || x->id == X86_SHR) ? CF : 0);
        case X86_ROL: case X86_ROR: case X86_RCL: case X86_RCR:
                return shift_count(x, rcx) > 1 ? OF : 0;
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
        /* cleared, says SDM volume 2, and so does a CPU; QEMU leaves them */
        case X86_FCOMI: case X86_FCOMIP: case X86_FUCOMI: case X86_FUCOMIP:
                return OF | SF | AF;
        /* they stay as far as FMASK lets them (SDM volume 2); QEMU clears them */
        case X86_SYSCALL:
                return CF | OF | SF | ZF | AF | PF;
        default:
                return 0;
        }
}

static bool is_system(uint16_t id)
{
        static const uint16_t ids[] = {
                X86_INT, X86_INT3, X86_INT1, X86_SYSCALL, X86_SYSRET, X86_IRET, X86_RETF, X86_CALLF, X86_JMPF,
                X86_RDTSC, X86_RDTSCP, X86_CPUID, X86_RDPMC, X86_RDMSR, X86_WRMSR, X86_POPF, X86_IN, X86_OUT,
                X86_MOV_TO_CR, X86_MOV_FROM_CR, X86_LGDT, X86_LIDT, X86_HLT, X86_INVLPG,
        };

        for (unsigned k = 0; k < G_N_ELEMENTS(ids); k++) {
                if (ids[k] == id)
                        return true;
        }
        return false;
}

static bool is_jump(uint16_t id)
{
        return id == X86_JCC || id == X86_JMP || id == X86_CALL || id == X86_RET || id == X86_LOOP ||
                id == X86_LOOPE ||
               id == X86_LOOPNE || id == X86_JRCXZ || id == X86_JCXZ;
}

void log_insn_x86_64(struct vcpu *v, struct log_insn *i, uint64_t rcx, uint64_t next)
{
        static const char *const all[] = {"rax", "rdx", "rcx", "rbx"};
        const struct cpu_features *features = &v->ops->config(v)->features;
        struct x86_insn x;
        unsigned n = 0;

        if (x86_decode(i->bytes, i->n_bytes, X86_64, features, &x) != X86_DECODED) {
                i->alone = true;
                return;
        }
        switch (x.id) {
        case X86_RDTSC: case X86_RDMSR: case X86_RDPMC:
                n = 2;
                break;
        case X86_RDTSCP:
                n = 3;
                break;
        case X86_CPUID:
                n = 4;
                break;
        default:
                break;
        }
        for (unsigned k = 0; k < n; k++)
                i->taken[k] = all[k];
        i->repeated = (x.id == X86_MOVS || x.id == X86_STOS || x.id == X86_LODS || x.id == X86_CMPS ||
                       x.id == X86_SCAS ||
                       x.id == X86_INS || x.id == X86_OUTS) && (x.repe || x.repne);
        i->undefined = undefined_flags(&x, rcx);
        i->alone = i->repeated || is_system(x.id) || (!is_jump(x.id) && next != i->pc + x.length);
        /* undefined for a source of zero, an undefined shift, approximations */
        i->any_result = x.id == X86_RCPPS || x.id == X86_RCPSS || x.id == X86_RSQRTPS ||
                x.id == X86_RSQRTSS ||
                        (x.id == X86_BSWAP && x.op[0].size == 2) ||
                        ((x.id == X86_SHLD || x.id == X86_SHRD) && x.op[0].size == 2 &&
                         shift_count(&x, rcx) > 16);
        i->alone |= i->any_result;
}
