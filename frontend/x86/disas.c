/* SPDX-License-Identifier: MIT */
/*
 * Instructions as text for logs, gdb and tests: capstone's Intel syntax where it agrees on the length, else
 * the mnemonic of our own table and the bytes.
 */
#include "frontend/x86/decode.h"

#include <stdio.h>

#include "frontend/x86/text.h"

size_t x86_disas(uint64_t pc, const uint8_t *bytes, size_t n, enum x86_width width,
                 const struct cpu_features *features,
                 char *buf, size_t len)
{
        unsigned bits = width == X86_64 ? 64 : width == X86_32 ? 32 : 16;
        struct x86_insn i;
        char name[32];
        int at;

        if (x86_decode(bytes, n, width, features, &i) != X86_DECODED)
                return 0;
        if (x86_capstone(pc, bytes, i.length, bits, buf, len) == i.length)
                return i.length;
        at = snprintf(buf, len, "%s ;", x86_mnemonic(&i, name, sizeof(name)));
        for (unsigned k = 0; k < i.length && at >= 0 && (size_t)at < len; k++)
                at += snprintf(buf + at, len - at, " %02x", bytes[k]);
        return i.length;
}
