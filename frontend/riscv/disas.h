/* SPDX-License-Identifier: MIT */
/*
 * RISC-V disassembly, from the decode tables, for logs, the monitor and tests. The syntax is that
 * of the GNU assembler without aliases: what is printed assembles to the same instruction.
 * Everything here is a pure function of its arguments.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "frontend/riscv/rv_features.h"

/*
 * Writes the text of the instruction at pc to buf, always terminated and cut to len bytes. Of a
 * 16-bit instruction the upper half of word is ignored. Branch targets are absolute, and 32 bits
 * wide without RV64. What does not decode is given as data: ".half 0x0000", ".word 0xffffffff".
 * Returns the length of the instruction in bytes: 2 or 4.
 */
size_t rv_disas(uint64_t pc, uint32_t word, const struct cpu_features *features, char *buf, size_t len);

/* The ABI names of the registers 0 to 31. */
const char *rv_xreg_name(unsigned reg);
const char *rv_freg_name(unsigned reg);

/* The name of a standard CSR, or NULL. */
const char *rv_csr_name(unsigned csr);
