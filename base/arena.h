/* SPDX-License-Identifier: MIT */
/*
 * A bump allocator for what lives and dies together, such as one region's IR. One thread owns an arena.
 */
#pragma once

#include <stddef.h>

struct arena;

struct arena *arena_new(size_t chunk_size);
void arena_free(struct arena *a);

/* Forgets every allocation and keeps the memory for the next round. */
void arena_reset(struct arena *a);

/* @size bytes aligned to 16, not zeroed. Sizes here never come from a guest. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_zalloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s);
