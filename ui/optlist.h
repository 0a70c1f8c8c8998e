/* SPDX-License-Identifier: MIT */
/*
 * The lists that options take: "virt,dumpdtb=x.dtb", "file=disk.img,format=raw". A comma inside a value is
 * written twice; a word without "=" means word=on, except the first, which may have an implied name. Plain
 * data.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "devices/dev.h"

struct optlist {
        struct dev_setting *items; /* in the order given; the last of equal names counts */
        unsigned n;
        GArray *array;
        GStringChunk *strings;
};

/* @implied: the name of a first word without "=", or NULL. */
struct optlist *optlist_parse(const char *text, const char *implied, GError **error);
void optlist_free(struct optlist *list);

/* NULL if it is not there. */
const char *optlist_get(const struct optlist *list, const char *name);
/* The same, and takes all of that name out. The value lives as long as the list. */
const char *optlist_take(struct optlist *list, const char *name);
void optlist_add(struct optlist *list, const char *name, const char *value);

/* *value is left alone if @name is not there; it is an error if its value is wrong. */
bool optlist_take_bool(struct optlist *list, const char *name, bool *value, GError **error);
bool optlist_take_number(struct optlist *list, const char *name, uint64_t max, uint64_t *value,
                         GError **error);

/*
 * Sets "@what '@name' does not exist" with the nearest of @names (ending with NULL), or else with @hint
 * (which may be NULL); returns false.
 */
bool optlist_unknown(GError **error, const char *what, const char *name, const char *const *names,
                     const char *hint);
