/* SPDX-License-Identifier: MIT */
#include "tests/diff/x86/flags.h"

static bool counts_by_imm(const struct x86_insn *i)
{
        return i->op[i->n_ops - 1].kind == X86_OP_IMM;
}

/* Of a shift or rotation. */
static unsigned count_of(const struct x86_insn *i, uint64_t rcx)
{
        uint64_t count = counts_by_imm(i) ? (uint64_t)i->imm[i->op[i->n_ops - 1].reg] : rcx;

        return count & (i->op[0].size == 8 ? 63 : 31);
}

unsigned x86_undefined_flags(const struct x86_insn *i, uint64_t rcx)
{
        unsigned n, simple;

        switch (i->id) {
        case X86_AND: case X86_OR: case X86_XOR: case X86_TEST:
                return X86_FL_AF;
        case X86_MUL: case X86_IMUL:
                return X86_FL_SF | X86_FL_ZF | X86_FL_AF | X86_FL_PF;
        case X86_DIV: case X86_IDIV:
                return X86_FL_STATUS;
        case X86_SHL: case X86_SHR: case X86_SAR: case X86_SHLD: case X86_SHRD:
                n = count_of(i, rcx);
                simple = i->id == X86_SHL || i->id == X86_SHR;
                return (n ? X86_FL_AF : 0) | (n > 1 ? X86_FL_OF : 0) |
                        (n > 8u * i->op[0].size - simple ? X86_FL_CF : 0);
        case X86_ROL: case X86_ROR: case X86_RCL: case X86_RCR:
                return count_of(i, rcx) > 1 ? X86_FL_OF : 0;
        case X86_BT: case X86_BTS: case X86_BTR: case X86_BTC: case X86_LZCNT: case X86_TZCNT:
                return X86_FL_OF | X86_FL_SF | X86_FL_AF | X86_FL_PF;
        case X86_BSF: case X86_BSR:
                return X86_FL_STATUS & ~X86_FL_ZF;
        case X86_BEXTR:
                return X86_FL_AF | X86_FL_SF | X86_FL_PF;
        case X86_BZHI: case X86_BLSI: case X86_BLSR: case X86_BLSMSK: case X86_ANDN:
                return X86_FL_AF | X86_FL_PF;
        default:
                return 0;
        }
}

bool x86_result_undefined(const struct x86_insn *i, uint64_t rcx)
{
        switch (i->id) {
        case X86_SHLD: case X86_SHRD:
                return i->op[0].size == 2 && count_of(i, rcx) > 16;
        case X86_RCPPS: case X86_RCPSS: case X86_RSQRTPS: case X86_RSQRTSS: /* approximations: CPUs differ */
                return true;
        default:
                return i->id == X86_BSWAP && i->op[0].size == 2;
        }
}

static unsigned read_by_condition(unsigned cond)
{
        static const uint16_t flags[8] = {
                X86_FL_OF, X86_FL_CF, X86_FL_ZF, X86_FL_CF | X86_FL_ZF, X86_FL_SF, X86_FL_PF,
                X86_FL_SF | X86_FL_OF, X86_FL_ZF | X86_FL_SF | X86_FL_OF,
        };

        return flags[cond >> 1 & 7];
}

static unsigned flags_read(const struct x86_insn *i)
{
        switch (i->id) {
        case X86_JCC: case X86_SETCC: case X86_CMOVCC:
                return read_by_condition(i->cond);
        case X86_ADC: case X86_SBB: case X86_RCL: case X86_RCR: case X86_CMC: case X86_ADCX:
                return X86_FL_CF;
        case X86_ADOX:
                return X86_FL_OF;
        case X86_LOOPE: case X86_LOOPNE:
                return X86_FL_ZF;
        case X86_LAHF:
                return X86_FL_STATUS & ~X86_FL_OF;
        case X86_PUSHF:
                return X86_FL_STATUS;
        default:
                return 0;
        }
}

static unsigned flags_written(const struct x86_insn *i)
{
        switch (i->id) {
        case X86_ADD: case X86_ADC: case X86_SUB: case X86_SBB: case X86_CMP: case X86_NEG: case X86_XADD:
        case X86_CMPXCHG: case X86_AND: case X86_OR: case X86_XOR: case X86_TEST: case X86_ANDN: case X86_MUL:
        case X86_IMUL: case X86_DIV: case X86_IDIV: case X86_POPCNT: case X86_LZCNT: case X86_TZCNT:
        case X86_BSF: case X86_BSR: case X86_BEXTR: case X86_BZHI: case X86_BLSI: case X86_BLSR: case X86_BLSMSK:
        case X86_COMISS: case X86_COMISD: case X86_UCOMISS: case X86_UCOMISD: case X86_POPF:
                return X86_FL_STATUS;
        case X86_INC: case X86_DEC:
                return X86_FL_STATUS & ~X86_FL_CF;
        case X86_SAHF:
                return X86_FL_STATUS & ~X86_FL_OF;
        case X86_SHL: case X86_SHR: case X86_SAR: case X86_SHLD: case X86_SHRD:
                return counts_by_imm(i) && count_of(i, 0) ? X86_FL_STATUS : 0;
        case X86_ROL: case X86_ROR: case X86_RCL: case X86_RCR:
                return counts_by_imm(i) && count_of(i, 0) ? X86_FL_CF | X86_FL_OF : 0;
        case X86_BT: case X86_BTS: case X86_BTR: case X86_BTC: case X86_CLC: case X86_STC: case X86_CMC:
        case X86_ADCX:
                return X86_FL_CF;
        case X86_ADOX:
                return X86_FL_OF;
        case X86_CMPXCHG8B: case X86_CMPXCHG16B:
                return X86_FL_ZF;
        case X86_CMPS: case X86_SCAS:
                return i->repe || i->repne ? 0 : X86_FL_STATUS;
        default:
                return 0;
        }
}

struct x86_flag_use x86_flag_use(const struct x86_insn *i)
{
        struct x86_flag_use use = {.reads = flags_read(i), .writes = flags_written(i)};

        /* of counts from a register: none, one, and the highest */
        for (unsigned rcx = 0; rcx < 64; rcx += rcx ? 62 : 1)
                use.undefined |= x86_undefined_flags(i, rcx);
        return use;
}
