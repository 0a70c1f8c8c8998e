/* SPDX-License-Identifier: MIT */
/* Instructions by what they need when a leader is followed. */
#include "tests/lockstep/log_insn.h"

#include <string.h>

#include <glib.h>

#include "frontend/cpu.h"
#include "tests/diff/x86/flags.h"

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

/* Flags that may be what they like here: the manual leaves them undefined, or QEMU does otherwise. */
static uint32_t undefined_flags(const struct x86_insn *x, uint64_t rcx)
{
        switch (x->id) {
        /* cleared, says SDM volume 2, and so does a CPU; QEMU leaves them */
        case X86_FCOMI: case X86_FCOMIP: case X86_FUCOMI: case X86_FUCOMIP:
                return X86_FL_OF | X86_FL_SF | X86_FL_AF;
        /* they stay as far as FMASK lets them (SDM volume 2); QEMU clears them */
        case X86_SYSCALL:
                return X86_FL_STATUS;
        default:
                return x86_undefined_flags(x, rcx);
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
        i->any_result = x86_result_undefined(&x, rcx);
        i->alone |= i->any_result;
}
