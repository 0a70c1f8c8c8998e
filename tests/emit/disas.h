/* SPDX-License-Identifier: MIT */
/*
 * One instruction as capstone writes it (capstone's register names clash with the assembler's, hence
 * apart).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* "mnemonic operands", at address 0; says so if the bytes are not exactly one instruction. g_free. */
char *disas_one(const uint8_t *code, size_t len);
