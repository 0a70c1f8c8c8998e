/* SPDX-License-Identifier: MIT */
/*
 * What instructions do with the status flags (SDM volume 2, "Flags Affected"), and which results the manual
 * leaves undefined: what tests compare, and what programs made for tests may read. Pure functions.
 */
#pragma once

#include "frontend/x86/cpu.h"

/* Flags that are undefined after @i; @rcx: the register before it, of which a count may be taken. */
unsigned x86_undefined_flags(const struct x86_insn *i, uint64_t rcx);
/* Is its result, a register or memory, undefined? */
bool x86_result_undefined(const struct x86_insn *i, uint64_t rcx);

/* The same without knowing any register. */
struct x86_flag_use {
        uint16_t reads;
        uint16_t writes;    /* whatever the operands are */
        uint16_t undefined; /* for some operands */
};

/* Of instructions of user mode that are not x87's. */
struct x86_flag_use x86_flag_use(const struct x86_insn *i);
