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

/* Listens to the two words in RAM; outside memory they are registers of one page. Before the vCPUs run. */
bool htif_place(struct dev *d, const struct htif_config *config, GError **error);
