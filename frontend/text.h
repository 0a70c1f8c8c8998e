/* SPDX-License-Identifier: MIT */
/*
 * The texts of the decode tables' rows, expanded: "{field}" and "{field:format}" stand for operands, the rest
 * for itself. For the guests' disassemblers; pure functions of their arguments.
 */
#pragma once

#include <stddef.h>

/* A string that grows within a fixed array; what does not fit is dropped. */
struct text {
        char s[128];
        size_t n;
};

__attribute__((format(printf, 2, 3)))
void text_add(struct text *t, const char *fmt, ...);

/*
 * Adds the operand of the field that is called the @len bytes at @name; @format is "" where the row says
 * none.
 */
typedef void text_operand(struct text *t, void *opaque, const char *name, size_t len, const char *format);

/* Adds the text of a row, whose syntax the generator has checked. */
void text_expand(struct text *t, const char *row, text_operand *operand, void *opaque);
