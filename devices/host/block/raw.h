/* SPDX-License-Identifier: MIT */
/* Raw image files: every byte of the disk is a byte of the file. Used by block.c only. */
#pragma once

#include "devices/host/block/block.h"

struct raw_image {
        int fd;
        uint64_t size;       /* in whole 512-byte sectors */
        uint64_t file_size;  /* what reads may expect in the file; the rest of the last sector is zeros */
        bool read_only, can_discard;
};

bool raw_open(struct raw_image *raw, const struct block_options *opt, GError **error);
void raw_close(struct raw_image *raw);
/* Runs a request whose range was checked; any thread. 0 or a negative errno. */
int raw_execute(struct raw_image *raw, const struct block_request *req);
