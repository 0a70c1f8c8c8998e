/* SPDX-License-Identifier: MIT */
/*
 * Errors are GError values that travel up to ui/main.c. A message says what failed, on which object, why, and
 * what to do; where a name was mistyped, the nearest valid one.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

enum rhea_error {
        RHEA_ERROR_FAILED,      /* anything without a class of its own */
        RHEA_ERROR_USAGE,       /* a wrong option, name or value from the command line or the monitor */
        RHEA_ERROR_FILE,        /* a file is missing, unreadable, truncated or of the wrong kind */
        RHEA_ERROR_MEMORY,      /* asked for more than can be had */
        RHEA_ERROR_UNSUPPORTED, /* valid, but not built here */
};

GQuark rhea_error_quark(void);
#define RHEA_ERROR rhea_error_quark()

/* Sets @error (which may be NULL) and returns false, so that a failing function ends in one statement. */
bool error_set(GError **error, enum rhea_error code, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

/* Puts "@fmt: " before the message of *@error; returns false. */
bool error_prefix(GError **error, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/*
 * The candidate nearest to @name by edit distance, or NULL if none is near (more than a third of the letters
 * differ). @candidates ends with NULL.
 */
const char *error_nearest_name(const char *name, const char *const *candidates);
