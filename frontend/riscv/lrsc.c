/* SPDX-License-Identifier: MIT */
/*
 * Finds the SC that belongs to an LR. When nothing but arithmetic and branches out lies between the two, the
 * pair is a compare-and-swap, exactly: no other access of this hart is ordered between them, so the LR may be
 * taken to happen when the swap reads the same value, and whether the location held something else meanwhile
 * cannot be observed (docs/memory.md has the whole argument). All other LRs get a reservation that watches
 * the line.
 */
#include "frontend/riscv/translate.h"

#include "base/bits.h"

/*
 * May this stand between LR and SC? *@rd is the integer register that it writes, 0 if none; *@branch how far
 * it jumps if it is a branch, else 0.
 */
static bool allowed_between(const struct rv_decoded *d, unsigned *rd, int32_t *branch)
{
        *rd = 0;
        *branch = 0;
        switch (d->insn) {
        case RV_BEQ: case RV_BNE: case RV_BLT: case RV_BGE: case RV_BLTU: case RV_BGEU:
        case RV_C_BEQZ: case RV_C_BNEZ:
                *branch = d->args.b.off;
                return *branch > 0;
        case RV_LUI: case RV_C_LUI: case RV_AUIPC:
                *rd = d->args.u.rd;
                return true;
        case RV_ADDI: case RV_SLTI: case RV_SLTIU: case RV_XORI: case RV_ORI: case RV_ANDI: case RV_ADDIW:
        case RV_C_NOP: case RV_C_ADDI: case RV_C_ADDIW: case RV_C_LI: case RV_C_ADDI16SP: case RV_C_ADDI4SPN:
        case RV_C_ANDI:
                *rd = d->args.i.rd;
                return true;
        case RV_SLLI: case RV_SRLI: case RV_SRAI: case RV_SLLIW: case RV_SRLIW: case RV_SRAIW:
        case RV_C_SLLI: case RV_C_SRLI: case RV_C_SRAI:
                *rd = d->args.sh.rd;
                return true;
        case RV_ADD: case RV_SUB: case RV_SLL: case RV_SLT: case RV_SLTU: case RV_XOR: case RV_SRL:
        case RV_SRA: case RV_OR: case RV_AND: case RV_ADDW: case RV_SUBW: case RV_SLLW: case RV_SRLW:
        case RV_SRAW: case RV_C_MV: case RV_C_ADD: case RV_C_SUB: case RV_C_XOR: case RV_C_OR: case RV_C_AND:
        case RV_C_SUBW: case RV_C_ADDW: case RV_ANDN: case RV_ORN: case RV_XNOR: case RV_MIN: case RV_MINU:
        case RV_MAX: case RV_MAXU:
                *rd = d->args.r.rd;
                return true;
        default:
                return false;
        }
}

bool rv_find_sc(const struct tctx *t, const struct args_lr *lr, enum rv_insn sc, uint32_t *sc_offset)
{
        const uint8_t *bytes = t->req->bytes;
        uint32_t pc = t->next, nearest_target = UINT32_MAX;

        if (lr->rd == lr->rs1 && lr->rs1)
                return false;
        for (unsigned n = 0; n < RV_LRSC_MAX_INSNS; n++) {
                struct rv_decoded d;
                uint32_t word;
                unsigned rd;
                int32_t branch;

                /*
                 * a block that must stop before the SC (single step, the end of a budget) cannot hold the
                 * pair
                 */
                if (t->r->n_guest_insns + n >= t->req->max_insns)
                        return false;
                if (pc + 4 > GUEST_PAGE_SIZE)
                        return false;
                word = bytes[pc] | bytes[pc + 1] << 8 | bytes[pc + 2] << 16 | (uint32_t)bytes[pc + 3] << 24;
                if (!rv_decode(word, &t->config->features, &d) || cpu_breakpoint_at(t->req, pc))
                        return false;
                if (d.insn == sc) {
                        *sc_offset = pc;
                        return d.args.amo.rs1 == lr->rs1 && nearest_target > pc;
                }
                if (!allowed_between(&d, &rd, &branch) || (rd && rd == lr->rs1))
                        return false;
                /*
                 * a branch must leave the sequence: to the SC or short of it would be another way to get
                 * there
                 */
                if (branch)
                        nearest_target = MIN(nearest_target, pc + (uint32_t)branch);
                pc += (word & 3) == 3 ? 4 : 2;
        }
        return false;
}
