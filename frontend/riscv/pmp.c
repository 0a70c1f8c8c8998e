/* SPDX-License-Identifier: MIT */
/*
 * Physical memory protection (volume II, section 3.7). Entries are kept decoded as address ranges.
 */
#include "frontend/riscv/cpu.h"

#include "base/bits.h"

enum { PMP_R = 1, PMP_W = 2, PMP_X = 4, PMP_A_SHIFT = 3, PMP_L = 0x80 };
enum pmp_match { PMP_OFF, PMP_TOR, PMP_NA4, PMP_NAPOT };

void rv_pmp_update(struct vcpu *v)
{
        struct rv_state *s = rv_state(v);

        for (unsigned i = 0; i < RV_PMP_ENTRIES; i++) {
                uint64_t addr = s->pmpaddr[i], ones;

                s->pmp_start[i] = 1;
                s->pmp_last[i] = 0;
                switch (s->pmpcfg[i] >> PMP_A_SHIFT & 3) {
                case PMP_TOR: {
                        uint64_t from = i ? s->pmpaddr[i - 1] << 2 : 0;

                        if (from < addr << 2) {
                                s->pmp_start[i] = from;
                                s->pmp_last[i] = (addr << 2) - 1;
                        }
                        break;
                }
                case PMP_NA4:
                        s->pmp_start[i] = addr << 2;
                        s->pmp_last[i] = (addr << 2) + 3;
                        break;
                case PMP_NAPOT:
                        ones = addr ^ (addr + 1); /* the trailing ones and the zero above them */
                        s->pmp_start[i] = (addr & ~ones) << 2;
                        s->pmp_last[i] = s->pmp_start[i] + ((ones << 2) | 3);
                        break;
                default:
                        break;
                }
        }
}

bool rv_pmp_check(const struct vcpu *v, gpa_t gpa, uint64_t size, enum access access, enum rv_priv priv)
{
        const struct rv_state *s = rv_state_const(v);
        gpa_t last = gpa + size - 1;

        for (unsigned i = 0; i < RV_PMP_ENTRIES; i++) {
                uint64_t cfg = s->pmpcfg[i];

                if (s->pmp_start[i] > s->pmp_last[i] || last < s->pmp_start[i] || gpa > s->pmp_last[i])
                        continue;
                if (gpa < s->pmp_start[i] || last > s->pmp_last[i])
                        return false; /* the lowest entry that matches any byte must match all */
                if (priv == RV_M && !(cfg & PMP_L))
                        return true;
                return cfg & (access == ACCESS_READ ? PMP_R : access == ACCESS_WRITE ? PMP_W : PMP_X);
        }
        return priv == RV_M;
}

bool rv_pmp_splits_page(const struct vcpu *v, gpa_t page)
{
        const struct rv_state *s = rv_state_const(v);
        gpa_t last = page + GUEST_PAGE_SIZE - 1;

        for (unsigned i = 0; i < RV_PMP_ENTRIES; i++) {
                if (s->pmp_start[i] > s->pmp_last[i])
                        continue;
                if ((s->pmp_start[i] > page && s->pmp_start[i] <= last) ||
                    (s->pmp_last[i] >= page && s->pmp_last[i] < last))
                        return true;
        }
        return false;
}
