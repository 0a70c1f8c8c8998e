/* SPDX-License-Identifier: MIT */
/*
 * Virtio block device (VIRTIO 1.2, section 5.2): read, write, flush, discard, write zeroes and get id, one
 * queue. Data goes between the image and guest memory on the back end's threads; completions come on the VM's
 * context and enter the device there. A reset waits for the host's part of what is in flight and forgets it.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "devices/host/block/block.h"
#include "devices/virtio/virtio.h"

enum { QUEUE_SIZE = 256, SECTOR_BITS = 9, ID_SIZE = 20, HEADER_SIZE = 16, RANGES_MAX = 64 };

enum {
        T_IN = 0,
        T_OUT = 1,
        T_FLUSH = 4,
        T_GET_ID = 8,
        T_DISCARD = 11,
        T_WRITE_ZEROES = 13,
};

enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };

#define F_SEG_MAX (1ull << 2)
#define F_RO (1ull << 5)
#define F_BLK_SIZE (1ull << 6)
#define F_FLUSH (1ull << 9)
#define F_TOPOLOGY (1ull << 10)
#define F_DISCARD (1ull << 13)
#define F_WRITE_ZEROES (1ull << 14)

/* Largest discard or zeroing that a driver may ask for at once, in sectors: 2 GiB less one. */
enum { RANGE_SECTORS_MAX = 0x3fffff };

struct blk_config {
        uint64_t capacity; /* sectors */
        uint32_t size_max, seg_max;
        uint16_t cylinders;
        uint8_t heads, sectors;
        uint32_t blk_size;
        uint8_t physical_block_exp, alignment_offset;
        uint16_t min_io_size;
        uint32_t opt_io_size;
        uint8_t writeback, unused0;
        uint16_t num_queues;
        uint32_t max_discard_sectors, max_discard_seg, discard_sector_alignment;
        uint32_t max_write_zeroes_sectors, max_write_zeroes_seg;
        uint8_t write_zeroes_may_unmap, unused1[3];
} __attribute__((packed));

struct blk {
        struct virtio_dev vd;
        struct block_backend *drive;
        char *serial;
        uint32_t logical_block_size, physical_block_size;
        /* of the driver: counts resets; not state, since nothing is in flight in a snapshot */
        uint32_t generation;
};

struct blk_range {
        uint64_t sector;
        uint32_t n_sectors, flags; /* flag 0: unmap */
};

struct blk_request {
        struct block_request io;
        struct blk *blk;
        struct vq_chain *chain;
        uint32_t generation;
        uint32_t written;          /* bytes of the in part, without the status */
        unsigned n_ranges, next_range;
        struct blk_range ranges[RANGES_MAX];
        struct iovec iov[];
};

/* ---- completion ---- */

/* The last byte of the in part says how it went. */
static void blk_finish(struct blk *b, struct vq_chain *c, uint8_t status, uint32_t written)
{
        struct virtqueue *vq = &b->vd.vq[0];

        /* all bytes up to the status count as written, since the status itself must */
        vq_chain_write(c, c->in_len - 1, &status, 1);
        virtqueue_push(&b->vd, vq, c, status == S_OK ? written + 1 : (uint32_t)MIN(c->in_len, UINT32_MAX));
        g_free(c);
}

static bool blk_submit(struct blk *b, struct blk_request *r);

/* The next range of a discard or zeroing, or false when all are done or one failed. */
static bool blk_next_range(struct blk_request *r)
{
        const struct blk_range *range;

        if (r->io.result || r->next_range >= r->n_ranges)
                return false;
        range = &r->ranges[r->next_range++];
        r->io.offset = range->sector << SECTOR_BITS;
        r->io.len = (uint64_t)range->n_sectors << SECTOR_BITS;
        r->io.unmap = range->flags & 1;
        return true;
}

static void blk_request_over(struct blk *b, struct blk_request *r)
{
        if (r->generation == b->generation) {
                blk_finish(b, r->chain, r->io.result ? S_IOERR : S_OK, r->written);
                virtio_interrupt(&b->vd, &b->vd.vq[0]);
        } else {
                g_free(r->chain);
        }
        g_free(r);
}

static void blk_run_queue(struct blk *b);

static void blk_done(struct block_request *io)
{
        struct blk_request *r = (struct blk_request *)io;
        struct blk *b = r->blk;

        dev_enter(&b->vd.dev);
        if (r->generation != b->generation || !blk_next_range(r) || blk_submit(b, r))
                blk_request_over(b, r);
        /* the queue may have been left when too much was in flight */
        if (b->vd.vq[0].ready)
                blk_run_queue(b);
        dev_leave(&b->vd.dev);
}

/* True if @r is over already. */
static bool blk_submit(struct blk *b, struct blk_request *r)
{
        while (block_submit(b->drive, &r->io)) {
                if (!blk_next_range(r))
                        return true;
        }
        return false;
}

/* ---- requests ---- */

/* A discard or zeroing: its ranges, copied and checked. */
static int blk_parse_ranges(struct blk *b, struct blk_request *r, uint32_t type)
{
        const struct vq_chain *c = r->chain;
        uint64_t len = c->out_len - HEADER_SIZE, sectors = block_size(b->drive) >> SECTOR_BITS;

        if (!len || len % sizeof(struct blk_range) || len / sizeof(struct blk_range) > RANGES_MAX)
                return S_IOERR;
        r->n_ranges = len / sizeof(struct blk_range);
        vq_chain_read(c, HEADER_SIZE, r->ranges, len);
        for (unsigned i = 0; i < r->n_ranges; i++) {
                const struct blk_range *range = &r->ranges[i];

                if (range->flags & (type == T_DISCARD ? ~0u : ~1u))
                        return S_UNSUPP;
                if (range->n_sectors > RANGE_SECTORS_MAX || range->sector > sectors ||
                    range->n_sectors > sectors - range->sector)
                        return S_IOERR;
        }
        r->io.op = type == T_DISCARD ? BLOCK_DISCARD : BLOCK_WRITE_ZEROES;
        blk_next_range(r);
        return S_OK;
}

/* Fills in @r->io; S_OK to submit it. */
static int blk_parse(struct blk *b, struct blk_request *r, uint32_t type, uint64_t sector)
{
        struct vq_chain *c = r->chain;
        bool in = type == T_IN;
        uint64_t len = in ? c->in_len - 1 : c->out_len - HEADER_SIZE, size = block_size(b->drive);

        if (type != T_IN && type != T_FLUSH && block_read_only(b->drive))
                return S_IOERR;
        switch (type) {
        case T_IN:
        case T_OUT:
                if (len % b->logical_block_size || sector > size >> SECTOR_BITS ||
                    len > size - (sector << SECTOR_BITS) ||
                    len >= UINT32_MAX || sector % (b->logical_block_size >> SECTOR_BITS))
                        return S_IOERR;
                r->io.op = in ? BLOCK_READ : BLOCK_WRITE;
                r->io.offset = sector << SECTOR_BITS;
                r->io.len = len;
                r->io.iov = r->iov;
                r->io.n_iov = vq_chain_iov(c, in, in ? 0 : HEADER_SIZE, len, r->iov);
                r->written = in ? len : 0;
                return S_OK;
        case T_FLUSH:
                r->io.op = BLOCK_FLUSH;
                return S_OK;
        case T_DISCARD:
        case T_WRITE_ZEROES:
                return blk_parse_ranges(b, r, type);
        default:
                return S_UNSUPP;
        }
}

static void blk_get_id(struct blk *b, struct vq_chain *c)
{
        char id[ID_SIZE] = {0};
        uint64_t len = MIN(c->in_len - 1, ID_SIZE);

        memcpy(id, b->serial ? b->serial : "", b->serial ? MIN(strlen(b->serial), ID_SIZE) : 0);
        vq_chain_write(c, 0, id, len);
        blk_finish(b, c, S_OK, len);
}

/* Takes one request to its end or to the back end; false if the driver broke the rules. */
static bool blk_handle(struct blk *b, struct vq_chain *c)
{
        struct {
                uint32_t type, reserved;
                uint64_t sector;
        } h;
        struct blk_request *r;
        int status;

        if (c->in_len < 1 || vq_chain_read(c, 0, &h, sizeof(h)) != HEADER_SIZE) {
                virtio_broken(&b->vd, "block request without header or status");
                g_free(c);
                return false;
        }
        if (h.type == T_GET_ID) {
                blk_get_id(b, c);
                return true;
        }
        r = g_malloc0(sizeof(*r) + (c->n_out + c->n_in) * sizeof(r->iov[0]));
        r->blk = b;
        r->chain = c;
        r->generation = b->generation;
        r->io.done = blk_done;
        status = blk_parse(b, r, h.type, h.sector);
        if (status != S_OK) {
                blk_finish(b, c, status, 0);
                g_free(r);
        } else if (blk_submit(b, r)) {
                blk_request_over(b, r);
        }
        return true;
}

/*
 * Takes requests while there are some, but no more than a queue's worth in flight, which no well-behaved
 * driver exceeds, and no more than two at a visit.
 */
static void blk_run_queue(struct blk *b)
{
        struct virtio_dev *vd = &b->vd;
        struct virtqueue *vq = &vd->vq[0];
        unsigned limit = 2 * vq->num;
        struct vq_chain *c;

        do {
                while (limit && vq->in_flight < vq->num && (c = virtqueue_pop(vd, vq))) {
                        if (!blk_handle(b, c))
                                return;
                        limit--;
                }
                virtio_interrupt(vd, vq);
        } while (limit && vq->in_flight < vq->num && virtqueue_want_notify(vd, vq));
        if (!limit)
                virtio_run_again(vd, 0);
}

static void blk_notify(struct virtio_dev *vd, unsigned queue)
{
        blk_run_queue((struct blk *)vd);
}

/* ---- features and configuration ---- */

static uint64_t blk_features(struct virtio_dev *vd)
{
        struct blk *b = (struct blk *)vd;

        return F_SEG_MAX | F_BLK_SIZE | F_FLUSH | F_TOPOLOGY |
               (block_read_only(b->drive) ? F_RO : F_DISCARD | F_WRITE_ZEROES);
}

static void blk_get_config(struct virtio_dev *vd, uint8_t *to)
{
        struct blk *b = (struct blk *)vd;
        struct blk_config c = {
                .capacity = block_size(b->drive) >> SECTOR_BITS,
                .seg_max = QUEUE_SIZE - 2,
                .blk_size = b->logical_block_size,
                .physical_block_exp = __builtin_ctz(b->physical_block_size / b->logical_block_size),
                .writeback = 1, .num_queues = 1,
                .max_discard_sectors = RANGE_SECTORS_MAX, .max_discard_seg = 1,
                .discard_sector_alignment = b->logical_block_size >> SECTOR_BITS,
                .max_write_zeroes_sectors = RANGE_SECTORS_MAX, .max_write_zeroes_seg = 1,
                .write_zeroes_may_unmap = 1,
        };

        memcpy(to, &c, sizeof(c));
}

static void blk_reset_driver(struct virtio_dev *vd)
{
        struct blk *b = (struct blk *)vd;

        /* afterwards nothing of the old driver's may be stored into its memory any more */
        block_settle(b->drive);
        b->generation++;
}

static const struct virtio_ops blk_ops = {
        .id = VIRTIO_ID_BLOCK, .n_queues = 1, .config_size = sizeof(struct blk_config),
        .features = blk_features,
        .get_config = blk_get_config, .notify = blk_notify, .reset = blk_reset_driver,
};

/* ---- life ---- */

static bool blk_init(struct dev *d, GError **error)
{
        struct blk *b = (struct blk *)d;
        uint32_t l = b->logical_block_size, p = b->physical_block_size;

        if (!b->drive)
                return error_set(error, RHEA_ERROR_USAGE, "a block device needs drive=");
        if (l < 512 || l > 32768 || (l & (l - 1)) || p < l || p > 2097152 || (p & (p - 1)))
                return error_set(error, RHEA_ERROR_USAGE,
                                 "block sizes must be powers of two from 512 on, "
                                 "the logical no bigger than the physical");
        virtio_init(&b->vd, &blk_ops, QUEUE_SIZE);
        return true;
}

static void blk_settle(struct dev *d)
{
        block_drain(((struct blk *)d)->drive);
}

static void blk_fini(struct dev *d)
{
        struct blk *b = (struct blk *)d;

        /* what is in flight ends without a driver */
        b->generation++;
        b->vd.vq[0].ready = false;
        block_drain(b->drive);
        virtio_fini(&b->vd);
}

static bool blk_loaded(struct dev *d, GError **error)
{
        return virtio_loaded((struct virtio_dev *)d, error);
}

static const struct dev_prop blk_props[] = {
        {"drive", "the disk image", PROP_DRIVE, offsetof(struct blk, drive), NULL},
        {"serial", "serial number, 20 bytes at most", PROP_STRING, offsetof(struct blk, serial), NULL},
        {"logical_block_size", "bytes of the smallest transfer", PROP_U32,
         offsetof(struct blk, logical_block_size),
         "512"},
        {"physical_block_size", "bytes of the medium's blocks", PROP_U32,
         offsetof(struct blk, physical_block_size),
         "512"},
        {},
};

static const struct dev_field blk_state[] = {VIRTIO_STATE, {}};

const struct dev_class dev_virtio_blk = {
        .name = "virtio-blk-device", .bus = "virtio-bus", .doc = "disk",
        .size = sizeof(struct blk), .props = blk_props, .state = blk_state,
        .init = blk_init, .fini = blk_fini, .loaded = blk_loaded, .settle = blk_settle,
};
