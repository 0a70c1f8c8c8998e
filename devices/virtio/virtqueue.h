/* SPDX-License-Identifier: MIT */
/*
 * Split virtqueues (VIRTIO 1.2, section 2.7), the device's side. The rings are the guest's: each index,
 * length and address is read once, checked, and from then on the copy is used. A driver that breaks the rules
 * gets a broken device, which does nothing until it is reset.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "machines/core/memory.h"

struct virtio_dev;

enum { VQ_MAX_SIZE = 1024, VQ_MAX_SEGMENTS = 1024 };

struct virtqueue {
        bool ready;
        uint16_t num, num_max;
        uint64_t desc, avail, used;  /* guest addresses */
        uint16_t last_avail;         /* next entry of the available ring */
        uint16_t used_idx;           /* as published */
        uint16_t signalled_used;     /* used_idx at the last interrupt */
        bool signalled_valid;
        uint32_t in_flight;          /* popped and not pushed */
};

struct vq_segment {
        struct iovec host;
        gpa_t gpa;
};

/* A request: what the device reads (out) before what it writes (in), as host memory. */
struct vq_chain {
        uint16_t head;
        unsigned n_out, n_in;
        uint64_t out_len, in_len;
        struct vq_segment seg[];     /* n_out, then n_in */
};

/* Enables or disables a queue as set up by the transport; checks alignment and size. */
bool virtqueue_start(struct virtio_dev *vd, struct virtqueue *vq);
void virtqueue_reset(struct virtqueue *vq);

/* The next request, to be freed with g_free; NULL if there is none or the device is broken. */
struct vq_chain *virtqueue_pop(struct virtio_dev *vd, struct virtqueue *vq);

/* Gives a request back, of whose in part the first @written bytes were stored. */
void virtqueue_push(struct virtio_dev *vd, struct virtqueue *vq, const struct vq_chain *c, uint32_t written);

/* Asks the driver for a notification at the next request; true if one arrived meanwhile. */
bool virtqueue_want_notify(struct virtio_dev *vd, struct virtqueue *vq);

/* Whether the driver wants an interrupt for what was pushed since the last time. */
bool virtqueue_should_interrupt(struct virtio_dev *vd, struct virtqueue *vq);

/* Copies between a part of the chain and a buffer; the number of bytes that were there. */
size_t vq_chain_read(const struct vq_chain *c, uint64_t offset, void *buf, size_t len);
size_t vq_chain_write(const struct vq_chain *c, uint64_t offset, const void *buf, size_t len);
/* The bytes @offset to @offset + @len of the out or in part as iovecs; @iov has room for all segments. */
unsigned vq_chain_iov(const struct vq_chain *c, bool in, uint64_t offset, uint64_t len, struct iovec *iov);
