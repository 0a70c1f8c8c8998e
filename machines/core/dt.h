/* SPDX-License-Identifier: MIT */
/*
 * A flattened device tree that grows as it is written (libfdt does not grow by itself). Nodes are named by
 * path; the first error sticks and is reported by dt_finish, so that building one is a list of statements.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

struct dt;

struct dt *dt_new(void);
/* From the bytes of a .dtb, which are checked and copied; NULL on error. */
struct dt *dt_open(const void *blob, size_t len, GError **error);
void dt_free(struct dt *f);

/* Adds a node; its parent exists. Nodes of one parent come out in the order in which they were added. */
void dt_node(struct dt *f, const char *path);
/* The same, unless it is there. */
void dt_node_if_absent(struct dt *f, const char *path);
bool dt_has_node(const struct dt *f, const char *path);

void dt_bytes(struct dt *f, const char *path, const char *name, const void *data, size_t len);
void dt_flag(struct dt *f, const char *path, const char *name);
void dt_string(struct dt *f, const char *path, const char *name, const char *value);
/* NULL-terminated list. */
void dt_strings(struct dt *f, const char *path, const char *name, const char *const *values);
void dt_u32(struct dt *f, const char *path, const char *name, uint32_t value);
void dt_u64(struct dt *f, const char *path, const char *name, uint64_t value);
void dt_cells(struct dt *f, const char *path, const char *name, const uint32_t *cells, unsigned n);
/* reg with two cells of address and two of size. */
void dt_reg64(struct dt *f, const char *path, uint64_t address, uint64_t size);
void dt_remove_prop(struct dt *f, const char *path, const char *name);

/* The next unused phandle. */
uint32_t dt_new_phandle(struct dt *f);

/* Packs the tree; NULL and an error if any step failed. Belongs to @f. */
const void *dt_finish(struct dt *f, size_t *len, GError **error);
