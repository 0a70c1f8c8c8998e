/* SPDX-License-Identifier: MIT */
/* What the spike machine tells the HTIF device about the program that it loaded. */
#pragma once

#include "devices/dev.h"

struct htif_config {
        struct ram_block *ram;                /* NULL: the words lie outside memory */
        gpa_t ram_base;
        gpa_t tohost, fromhost;
        gpa_t begin_signature, end_signature; /* equal: none */
};

/*
 * Lays the device over the pages of RAM that hold the two words (region 0 for tohost's page, region 1 if
 * fromhost is in another one). The machine has left those pages out of its RAM rows.
 */
bool htif_place(struct dev *d, const struct htif_config *config, GError **error);
