/* SPDX-License-Identifier: MIT */
/*
 * The bump allocator: a list of chunks, filled one after the other. A reset starts over at the first chunk,
 * so a thread that makes one region after another soon stops asking the system for memory. One thread owns an
 * arena.
 */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include <glib.h>

#define ALIGN 16u

struct chunk {
        struct chunk *next;
        size_t size; /* of the data that follows */
        _Alignas(ALIGN) unsigned char data[];
};

struct arena {
        struct chunk *first, *current;
        size_t used; /* bytes of the current chunk */
        size_t chunk_size;
};

static struct chunk *chunk_new(size_t size)
{
        struct chunk *c = g_malloc(sizeof(*c) + size);

        c->next = NULL;
        c->size = size;
        return c;
}

struct arena *arena_new(size_t chunk_size)
{
        struct arena *a = g_new0(struct arena, 1);

        a->chunk_size = chunk_size;
        a->first = a->current = chunk_new(chunk_size);
        return a;
}

void arena_free(struct arena *a)
{
        if (!a)
                return;
        for (struct chunk *c = a->first, *next; c; c = next) {
                next = c->next;
                g_free(c);
        }
        g_free(a);
}

void arena_reset(struct arena *a)
{
        a->current = a->first;
        a->used = 0;
}

/* Moves on to a chunk with room for @size: one kept from an earlier round, or a new one put in its place. */
static void arena_next_chunk(struct arena *a, size_t size)
{
        struct chunk *next = a->current->next;

        if (!next || next->size < size) {
                struct chunk *c = chunk_new(MAX(size, a->chunk_size));

                c->next = next;
                a->current->next = c;
                next = c;
        }
        a->current = next;
        a->used = 0;
}

void *arena_alloc(struct arena *a, size_t size)
{
        void *p;

        size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
        if (size > a->current->size - a->used)
                arena_next_chunk(a, size);
        p = a->current->data + a->used;
        a->used += size;
        return p;
}

void *arena_zalloc(struct arena *a, size_t size)
{
        return memset(arena_alloc(a, size), 0, size);
}

char *arena_strdup(struct arena *a, const char *s)
{
        size_t n = strlen(s) + 1;

        return memcpy(arena_alloc(a, n), s, n);
}
