/* SPDX-License-Identifier: MIT */
/*
 * Boot images: reading files, gzip, ELF, RISC-V Linux images, and placing them in guest memory. Files are not
 * trusted: every offset and length is checked against the file and the memory. Errors name the file.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "machines/core/memory.h"

/* The whole of a file of at most @max bytes, or NULL; @what says what it is for ("kernel"). */
GBytes *loader_read_file(const char *path, const char *what, uint64_t max, GError **error);

/*
 * The same in two steps, for files that are read again later: a descriptor to close, or -1; then what the
 * file holds now, from its beginning.
 */
int loader_open_file(const char *path, const char *what, GError **error);
GBytes *loader_read_open_file(int fd, const char *path, const char *what, uint64_t max, GError **error);

/* @file itself with one more reference, or what it holds if it is gzipped: at most @max bytes. */
GBytes *loader_gunzip(GBytes *file, const char *path, uint64_t max, GError **error);

struct loader_image {
        uint64_t entry;     /* physical */
        gpa_t low, high;    /* first byte and one past the last one */
        bool bits32;
};

bool loader_is_elf(GBytes *file);

/*
 * Copies the segments of an executable for machine @elf_machine (EM_RISCV, ...) to their physical addresses.
 */
bool loader_load_elf(struct address_space *as, GBytes *file, const char *path, uint16_t elf_machine,
                     struct loader_image *out, GError **error);

/* Copies the file to @at. */
bool loader_load_flat(struct address_space *as, GBytes *file, const char *path, gpa_t at,
                      struct loader_image *out,
                      GError **error);

/* The value of a symbol of an ELF file; false if it has no such symbol. */
bool loader_elf_symbol(GBytes *file, const char *name, uint64_t *value);

/*
 * The header of a RISC-V Linux image (Documentation/arch/riscv/boot-image-header.rst): where in memory it
 * wants to be, relative to a 2 MiB boundary, and how much it takes with its bss. False if @file is none.
 */
bool loader_riscv_image(GBytes *file, uint64_t *text_offset, uint64_t *image_size);
