/* SPDX-License-Identifier: MIT */
/*
 * A64 disassembly, from the decode tables, for logs, the monitor and tests. The syntax is that of the GNU
 * disassembler without aliases. Everything here is a pure function of its arguments.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontend/arm/a64_features.h"

/*
 * Writes the text of the instruction at pc to buf, always terminated and cut to len bytes. Branch targets are
 * absolute. What does not decode is given as data: ".inst 0xffffffff". Returns whether it decodes.
 */
bool a64_disas(uint64_t pc, uint32_t word, const struct cpu_features *features, char *buf, size_t len);

/*
 * The name of a system register, or NULL; @key is op0, op1, CRn, CRm, op2 from bit 19 down, as in MRS and
 * MSR.
 */
const char *a64_sysreg_name(unsigned key);

/*
 * The value of a logical immediate (the bits N, immr, imms) for 64-bit registers; the table excludes reserved
 * ones.
 */
uint64_t a64_logical_imm(unsigned mask);

/* The bits of a double that the eight bits of a floating-point immediate stand for (VFPExpandImm). */
uint64_t a64_fp_imm(unsigned imm);
/* The same of a single. */
uint32_t a64_fp_imm32(unsigned imm);
