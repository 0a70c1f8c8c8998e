/* SPDX-License-Identifier: MIT */
/*
 * Block back ends: an image file behind a disk. Requests are asynchronous: they run on worker threads and
 * complete on the VM's context; in deterministic mode they complete within block_submit.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include <glib.h>

struct vm;
struct block_backend;

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD, BLOCK_WRITE_ZEROES };

/* Owned by the submitter until done is called; the memory behind iov must stay too. */
struct block_request {
        enum block_op op;
        uint64_t offset, len;      /* bytes; within the image, or the request fails with -EIO */
        struct iovec *iov;         /* READ, WRITE: together len bytes */
        unsigned n_iov;
        bool unmap;                /* WRITE_ZEROES: the range may be deallocated */
        int result;                /* 0 or a negative errno */
        void (*done)(struct block_request *req);
        void *opaque;
        struct block_request *next; /* private */
};

struct block_options {
        const char *id, *file;
        const char *format;        /* "raw" or NULL */
        bool read_only;
        bool discard;              /* discard=unmap */
        bool no_lock;              /* file.locking=off */
};

/* Opens and locks the image. The back end belongs to the VM and is flushed and closed with it. */
struct block_backend *block_open(struct vm *vm, const struct block_options *opt, GError **error);
struct block_backend *block_find(struct vm *vm, const char *id, GError **error);
bool block_claim(struct block_backend *b, const char *user, GError **error);
void block_release(struct block_backend *b);
const char *block_claimed_by(const struct block_backend *b); /* or NULL */

const char *block_id(const struct block_backend *b);
const char *block_file(const struct block_backend *b);
uint64_t block_size(const struct block_backend *b);
bool block_read_only(const struct block_backend *b);
bool block_can_discard(const struct block_backend *b);

/* True: completed at once, result is set and done is not called (deterministic mode, refused requests). */
bool block_submit(struct block_backend *b, struct block_request *req);
/*
 * Waits until the image and memory are at rest; completions are still to come. Any thread, device locks may
 * be held.
 */
void block_settle(struct block_backend *b);
/* Waits until nothing is in flight and runs the completions. The VM's main thread, no lock held. */
void block_drain(struct block_backend *b);
