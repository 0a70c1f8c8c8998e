/* SPDX-License-Identifier: MIT */
#include "guest.h"

void mmu_chunk(unsigned unit)
{
        (void)unit;
}
