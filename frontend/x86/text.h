/* SPDX-License-Identifier: MIT */
/* Capstone's view of x86 code, apart from decode.h because the two headers share names. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * One instruction of 16-, 32- or 64-bit code as text, Intel syntax; its length in bytes, 0 if it does not
 * decode.
 */
size_t x86_capstone(uint64_t pc, const uint8_t *bytes, size_t n, unsigned bits, char *buf, size_t len);
