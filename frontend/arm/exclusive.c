/* SPDX-License-Identifier: MIT */
/*
 * Finds the store that belongs to a load-exclusive. When nothing but arithmetic and branches out lies between
 * the two, the pair is a compare-and-swap, exactly: no other access of this vCPU is ordered between them, so
 * the load may be taken to happen when the swap reads the same value, and whether the location held something
 * else meanwhile cannot be observed (docs/memory.md has the whole argument). All others get a reservation.
 */
#include "frontend/arm/translate.h"

/*
 * May this stand between the two? *@rd is the general register that it writes, 31 if none; *@branch how far
 * it jumps if it is a branch, else 0.
 */
static bool allowed_between(const struct a64_decoded *d, unsigned *rd, int32_t *branch)
{
        *rd = 31;
        *branch = 0;
        switch (d->insn) {
        case A64_B_COND:
                *branch = d->args.bcond.off;
                return *branch > 0;
        case A64_CBZ: case A64_CBNZ:
                *branch = d->args.cbz.off;
                return *branch > 0;
        case A64_TBZ: case A64_TBNZ:
                *branch = d->args.tbz.off;
                return *branch > 0;
        case A64_ADR: case A64_ADRP:
                *rd = d->args.ra.rd;
                return true;
        case A64_ADD_IMM: case A64_SUB_IMM: case A64_ADDS_IMM: case A64_SUBS_IMM:
                *rd = d->args.ri12.rd;
                return *rd != 31 || d->insn == A64_ADDS_IMM || d->insn == A64_SUBS_IMM;
        case A64_AND_IMM: case A64_ORR_IMM: case A64_EOR_IMM: case A64_ANDS_IMM:
                *rd = d->args.log.rd;
                return *rd != 31 || d->insn == A64_ANDS_IMM;
        case A64_MOVN: case A64_MOVZ: case A64_MOVK:
                *rd = d->args.movw.rd;
                return true;
        case A64_SBFM: case A64_BFM: case A64_UBFM:
                *rd = d->args.bf.rd;
                return true;
        case A64_EXTR:
                *rd = d->args.extr.rd;
                return true;
        case A64_AND_SH: case A64_BIC_SH: case A64_ORR_SH: case A64_ORN_SH: case A64_EOR_SH: case A64_EON_SH:
        case A64_ANDS_SH: case A64_BICS_SH:
        case A64_ADD_SH: case A64_ADDS_SH: case A64_SUB_SH: case A64_SUBS_SH:
                *rd = d->args.rrs.rd;
                return true;
        case A64_ADD_EXT: case A64_ADDS_EXT: case A64_SUB_EXT: case A64_SUBS_EXT:
                *rd = d->args.rrx.rd;
                return *rd != 31 || d->insn == A64_ADDS_EXT || d->insn == A64_SUBS_EXT;
        case A64_CCMN: case A64_CCMP: case A64_CCMN_IMM: case A64_CCMP_IMM: case A64_NOP:
                return true;
        case A64_CSEL: case A64_CSINC: case A64_CSINV: case A64_CSNEG:
                *rd = d->args.csel.rd;
                return true;
        case A64_ADC: case A64_ADCS: case A64_SBC: case A64_SBCS: case A64_LSLV: case A64_LSRV: case A64_ASRV:
        case A64_RORV:
                *rd = d->args.rr.rd;
                return true;
        default:
                return false;
        }
}

struct store {
        unsigned rn, rs, size_log2;
};

static bool is_store(const struct a64_decoded *d, bool pair, struct store *s)
{
        switch (d->insn) {
        case A64_STXRB: case A64_STXRH: case A64_STXR: case A64_STLXRB: case A64_STLXRH: case A64_STLXR:
                *s = (struct store){d->args.stx.rn, d->args.stx.rs, d->args.stx.size};
                return !pair;
        case A64_STXP: case A64_STLXP:
                *s = (struct store){d->args.stxp.rn, d->args.stxp.rs, d->args.stxp.size};
                return pair;
        default:
                return false;
        }
}

bool a64_find_store(const struct tctx *t, unsigned rn, unsigned rt, unsigned rt2, unsigned size_log2,
                    bool pair, uint32_t *store_offset)
{
        uint32_t pc = t->next, nearest_target = UINT32_MAX;

        if (rn != 31 && (rt == rn || rt2 == rn))
                return false;
        for (unsigned n = 0; n < A64_EXCLUSIVE_MAX_INSNS; n++, pc += 4) {
                struct a64_decoded d;
                struct store store;
                const uint8_t *p = t->req->bytes + pc;
                unsigned rd;
                int32_t branch;

                /*
                 * a block that must stop before the store (single step, the end of a budget) cannot hold the
                 * pair
                 */
                if (t->r->n_guest_insns + n >= t->req->max_insns || pc >= GUEST_PAGE_SIZE ||
                    cpu_breakpoint_at(t->req, pc))
                        return false;
                if (!a64_decode(p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24, &t->config->features,
                                &d))
                        return false;
                if (is_store(&d, pair, &store)) {
                        *store_offset = pc;
                        return store.rn == rn && store.size_log2 == size_log2 && nearest_target > pc;
                }
                if (!allowed_between(&d, &rd, &branch) || (rd != 31 && rd == rn))
                        return false;
                /*
                 * a branch must leave the sequence: to the store or short of it would be another way to get
                 * there
                 */
                if (branch)
                        nearest_target = MIN(nearest_target, pc + (uint32_t)branch);
        }
        return false;
}
