/* SPDX-License-Identifier: MIT */
/*
 * The texts of the decode tables' rows, expanded.
 */
#include "frontend/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void text_add(struct text *t, const char *fmt, ...)
{
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vsnprintf(t->s + t->n, sizeof(t->s) - t->n, fmt, ap);
        va_end(ap);
        if (n > 0)
                t->n = t->n + n < sizeof(t->s) ? t->n + n : sizeof(t->s) - 1;
}

void text_expand(struct text *t, const char *row, text_operand *operand, void *opaque)
{
        while (*row) {
                char format[16] = "";
                const char *name;
                size_t len, format_len;

                if (*row != '{') {
                        text_add(t, "%c", *row++);
                        continue;
                }
                name = ++row;
                len = strcspn(row, ":}");
                row += len;
                if (*row == ':') {
                        format_len = strcspn(++row, "}");
                        snprintf(format, sizeof(format), "%.*s", (int)format_len, row);
                        row += format_len;
                }
                operand(t, opaque, name, len, format);
                row++;
        }
}
