/* SPDX-License-Identifier: MIT */
/*
 * Memory for generated code, mapped twice (decision 22): one mapping is written, the other is executed, and
 * no page is ever both. Backed by a memfd, so that pages cost host memory only once touched.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

struct jitmem {
        uint8_t *rw;
        uint8_t *exec; /* the same bytes */
        size_t size;
};

/* @size is rounded up to the host's pages. Fails where the host forbids executable mappings. */
bool jitmem_map(struct jitmem *m, size_t size, GError **error);
void jitmem_unmap(struct jitmem *m);

/* Gives the host back the memory behind [offset, offset + size); it reads as zeros afterwards. */
void jitmem_release(struct jitmem *m, size_t offset, size_t size);

/*
 * Makes every thread of this process, wherever it runs, fetch its next instruction anew: none executes what it read
 * ahead from memory that has been written since. False: this kernel cannot (Linux before 4.16).
 */
bool jitmem_sync_threads(void);
