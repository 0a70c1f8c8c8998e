/* SPDX-License-Identifier: MIT */
/*
 * Errors and the search for the name that was meant. Nothing here keeps state.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#define NAME_MAX_LEN 63 /* longer names are nobody's typing mistake */

G_DEFINE_QUARK(rhea-error-quark, rhea_error)

bool error_set(GError **error, enum rhea_error code, const char *fmt, ...)
{
        va_list ap;

        if (error) {
                va_start(ap, fmt);
                *error = g_error_new_valist(RHEA_ERROR, code, fmt, ap);
                va_end(ap);
        }
        return false;
}

bool error_prefix(GError **error, const char *fmt, ...)
{
        if (error && *error) {
                va_list ap;
                char *prefix, *old = (*error)->message;

                va_start(ap, fmt);
                prefix = g_strdup_vprintf(fmt, ap);
                va_end(ap);
                (*error)->message = g_strconcat(prefix, ": ", old, NULL);
                g_free(prefix);
                g_free(old);
        }
        return false;
}

/* Letters to insert, delete, replace or swap with a neighbour (optimal string alignment), ignoring case. */
static unsigned edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
        unsigned rows[3][NAME_MAX_LEN + 1];
        unsigned *before = rows[0], *above = rows[1], *row = rows[2];

        for (size_t j = 0; j <= nb; j++)
                above[j] = j;
        for (size_t i = 1; i <= na; i++) {
                unsigned *oldest = before;

                row[0] = i;
                for (size_t j = 1; j <= nb; j++) {
                        char x = g_ascii_tolower(a[i - 1]), y = g_ascii_tolower(b[j - 1]);
                        unsigned d = above[j - 1] + (x != y);

                        d = MIN(d, above[j] + 1);
                        d = MIN(d, row[j - 1] + 1);
                        if (i > 1 && j > 1 && x == g_ascii_tolower(b[j - 2]) &&
                            y == g_ascii_tolower(a[i - 2]))
                                d = MIN(d, before[j - 2] + 1);
                        row[j] = d;
                }
                before = above;
                above = row;
                row = oldest;
        }
        return above[nb];
}

const char *error_nearest_name(const char *name, const char *const *candidates)
{
        const char *const *first = candidates;
        size_t n = strlen(name);
        const char *best = NULL;
        unsigned best_distance = ~0u;

        if (n > NAME_MAX_LEN)
                return NULL;
        for (; *candidates; candidates++) {
                size_t m = strlen(*candidates);
                unsigned d;

                if (m > NAME_MAX_LEN)
                        continue;
                d = edit_distance(name, n, *candidates, m);
                if (d * 3 <= MAX(n, m) && d < best_distance) {
                        best = *candidates;
                        best_distance = d;
                }
        }
        /* the beginning of a long name is far from it by letters */
        for (candidates = first; !best && n >= 3 && *candidates; candidates++) {
                if (!strncmp(name, *candidates, n))
                        best = *candidates;
        }
        return best;
}
