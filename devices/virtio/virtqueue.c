/* SPDX-License-Identifier: MIT */
/* Split virtqueues, the device's side; see virtqueue.h. Called with the transport's lock held. */
#include "devices/virtio/virtqueue.h"

#include <string.h>

#include "devices/virtio/virtio.h"

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4, DESC_SIZE = 16, AVAIL_NO_INTERRUPT = 1 };

struct vq_desc {
        uint64_t addr;
        uint32_t len;
        uint16_t flags, next;
};

/* ---- guest memory: only memory, never registers ---- */

static bool is_memory(struct virtio_dev *vd, gpa_t gpa, uint64_t len, bool for_write)
{
        return gpa + len >= gpa && address_space_ram_ptr(vd->dev.dma, gpa, len, for_write);
}

static bool load16(struct virtio_dev *vd, gpa_t gpa, uint16_t *v)
{
        uint64_t wide;

        if (!is_memory(vd, gpa, 2, false))
                return false;
        address_space_read(vd->dev.dma, gpa, 2, (struct mem_attr){.requester = 256}, &wide);
        *v = wide;
        return true;
}

static bool store(struct virtio_dev *vd, gpa_t gpa, unsigned size, uint64_t v)
{
        return is_memory(vd, gpa, size, true) &&
               address_space_write(vd->dev.dma, gpa, size, (struct mem_attr){.requester = 256}, v) == MEM_OK;
}

static gpa_t avail_ring(const struct virtqueue *vq, uint16_t i)
{
        return vq->avail + 4 + 2 * (i % vq->num);
}

static gpa_t used_event(const struct virtqueue *vq)
{
        return vq->avail + 4 + 2 * (gpa_t)vq->num;
}

static gpa_t used_ring(const struct virtqueue *vq, uint16_t i)
{
        return vq->used + 4 + 8 * (gpa_t)(i % vq->num);
}

static gpa_t avail_event(const struct virtqueue *vq)
{
        return vq->used + 4 + 8 * (gpa_t)vq->num;
}

/* ---- setting up ---- */

void virtqueue_reset(struct virtqueue *vq)
{
        uint16_t num_max = vq->num_max;

        memset(vq, 0, sizeof(*vq));
        vq->num = vq->num_max = num_max;
}

bool virtqueue_start(struct virtio_dev *vd, struct virtqueue *vq)
{
        vq->ready = false;
        if (!vq->num || vq->num > vq->num_max || (vq->num & (vq->num - 1)) || vq->desc % 16 ||
            vq->avail % 2 ||
            vq->used % 4) {
                virtio_broken(vd, "queue of a wrong size or alignment");
                return false;
        }
        if (!is_memory(vd, vq->desc, DESC_SIZE * (uint64_t)vq->num, false) ||
            !is_memory(vd, vq->avail, 6 + 2 * (uint64_t)vq->num, false) ||
            !is_memory(vd, vq->used, 6 + 8 * (uint64_t)vq->num, true)) {
                virtio_broken(vd, "queue outside memory");
                return false;
        }
        vq->ready = true;
        return true;
}

/* ---- taking requests ---- */

static bool avail_index(struct virtio_dev *vd, struct virtqueue *vq, uint16_t *index)
{
        if (!load16(vd, vq->avail + 2, index)) {
                virtio_broken(vd, "available ring outside memory");
                return false;
        }
        if ((uint16_t)(*index - vq->last_avail) > vq->num) {
                virtio_broken(vd, "more requests than the queue has places");
                return false;
        }
        /* what the ring says was written before the index */
        atomic_thread_fence(memory_order_acquire);
        return true;
}

static bool read_desc(struct virtio_dev *vd, gpa_t table, uint32_t n, uint32_t i, struct vq_desc *d)
{
        return i < n && table + (uint64_t)i * DESC_SIZE >= table &&
               dev_dma_read(&vd->dev, table + (uint64_t)i * DESC_SIZE, d, sizeof(*d)) == MEM_OK;
}

static struct vq_chain *chain_bad(struct virtio_dev *vd, struct vq_chain *c, const char *why)
{
        virtio_broken(vd, why);
        g_free(c);
        return NULL;
}

/* Appends one buffer; why it cannot be, or NULL. */
static const char *chain_add(struct virtio_dev *vd, struct vq_chain *c, const struct vq_desc *d)
{
        struct vq_segment *s = &c->seg[c->n_out + c->n_in];
        bool in = d->flags & DESC_WRITE;

        if (!d->len)
                return "buffer without a length";
        if (!in && c->n_in)
                return "readable buffer after a writable one";
        s->gpa = d->addr;
        s->host.iov_len = d->len;
        s->host.iov_base = d->addr + d->len > d->addr ? address_space_ram_ptr(vd->dev.dma, d->addr, d->len,
                                                                              in) : NULL;
        if (!s->host.iov_base)
                return "buffer outside memory";
        if (in) {
                c->n_in++;
                c->in_len += d->len;
        } else {
                c->n_out++;
                c->out_len += d->len;
        }
        return NULL;
}

/*
 * Follows the chain that starts at @head. Its length is bounded by the segments that a chain may have, so a
 * loop of descriptors ends there.
 */
static struct vq_chain *chain_read(struct virtio_dev *vd, struct virtqueue *vq, uint16_t head)
{
        unsigned cap = 8;
        struct vq_chain *c = g_malloc0(sizeof(*c) + cap * sizeof(c->seg[0]));
        gpa_t table = vq->desc;
        uint32_t n = vq->num, i = head;
        bool indirect = false;
        struct vq_desc d;
        const char *why;

        c->head = head;
        do {
                if (!read_desc(vd, table, n, i, &d))
                        return chain_bad(vd, c, "descriptor outside its table");
                if (d.flags & DESC_INDIRECT) {
                        if (indirect || (d.flags & DESC_NEXT) || !virtio_has(vd, VIRTIO_F_INDIRECT) ||
                            !d.len ||
                            d.len % DESC_SIZE || d.len / DESC_SIZE > VQ_MAX_SEGMENTS)
                                return chain_bad(vd, c, "wrong indirect descriptor");
                        indirect = true;
                        table = d.addr;
                        n = d.len / DESC_SIZE;
                        i = 0;
                        d.flags = DESC_NEXT;
                        continue;
                }
                if (c->n_out + c->n_in == MIN(n, VQ_MAX_SEGMENTS) + (indirect ? vq->num : 0))
                        return chain_bad(vd, c, "chain of descriptors without an end");
                if (c->n_out + c->n_in == cap) {
                        cap *= 2;
                        c = g_realloc(c, sizeof(*c) + cap * sizeof(c->seg[0]));
                }
                why = chain_add(vd, c, &d);
                if (why)
                        return chain_bad(vd, c, why);
                i = d.next;
        } while (d.flags & DESC_NEXT);
        return c;
}

struct vq_chain *virtqueue_pop(struct virtio_dev *vd, struct virtqueue *vq)
{
        uint16_t index, head;
        struct vq_chain *c;

        if (!vq->ready || (vd->status & VIRTIO_STATUS_NEEDS_RESET) || !avail_index(vd, vq, &index) ||
            index == vq->last_avail)
                return NULL;
        if (!load16(vd, avail_ring(vq, vq->last_avail), &head) || head >= vq->num) {
                virtio_broken(vd, "request that does not exist");
                return NULL;
        }
        c = chain_read(vd, vq, head);
        if (!c)
                return NULL;
        vq->last_avail++;
        vq->in_flight++;
        return c;
}

/* ---- giving back ---- */

/* The first @written bytes of the in part changed behind the engine's back. */
static void note_written(struct virtio_dev *vd, const struct vq_chain *c, uint64_t written)
{
        for (unsigned i = 0; i < c->n_in && written; i++) {
                const struct vq_segment *s = &c->seg[c->n_out + i];
                uint64_t n = MIN(written, s->host.iov_len);
                const struct mem_row *row = address_space_find(vd->dev.dma, s->gpa);

                if (row && row->ram)
                        ram_block_note_write(row->ram, row->offset + (s->gpa - row->start), n);
                written -= n;
        }
}

void virtqueue_push(struct virtio_dev *vd, struct virtqueue *vq, const struct vq_chain *c, uint32_t written)
{
        if (vq->in_flight)
                vq->in_flight--;
        note_written(vd, c, written);
        if (!vq->ready)
                return;
        if (!store(vd, used_ring(vq, vq->used_idx), 4, c->head) ||
            !store(vd, used_ring(vq, vq->used_idx) + 4, 4, written)) {
                virtio_broken(vd, "used ring outside memory");
                return;
        }
        /* the driver may look at the entry as soon as it sees the index */
        atomic_thread_fence(memory_order_release);
        vq->used_idx++;
        store(vd, vq->used + 2, 2, vq->used_idx);
}

bool virtqueue_want_notify(struct virtio_dev *vd, struct virtqueue *vq)
{
        uint16_t index;

        if (!vq->ready || (vd->status & VIRTIO_STATUS_NEEDS_RESET))
                return false;
        if (virtio_has(vd, VIRTIO_F_EVENT_IDX))
                store(vd, avail_event(vq), 2, vq->last_avail);
        /* either the driver sees this wish, or its request is seen here */
        atomic_thread_fence(memory_order_seq_cst);
        return avail_index(vd, vq, &index) && index != vq->last_avail;
}

bool virtqueue_should_interrupt(struct virtio_dev *vd, struct virtqueue *vq)
{
        uint16_t old = vq->signalled_used, event, flags;
        bool valid = vq->signalled_valid;

        if (!vq->ready)
                return false;
        atomic_thread_fence(memory_order_seq_cst);
        if (!virtio_has(vd, VIRTIO_F_EVENT_IDX))
                return load16(vd, vq->avail, &flags) && !(flags & AVAIL_NO_INTERRUPT);
        vq->signalled_used = vq->used_idx;
        vq->signalled_valid = true;
        if (!load16(vd, used_event(vq), &event))
                return false;
        /* section 2.7.10: has the index passed the event since the last interrupt? */
        return !valid || (uint16_t)(vq->used_idx - event - 1) < (uint16_t)(vq->used_idx - old);
}

/* ---- looking into chains ---- */

unsigned vq_chain_iov(const struct vq_chain *c, bool in, uint64_t offset, uint64_t len, struct iovec *iov)
{
        const struct vq_segment *s = c->seg + (in ? c->n_out : 0);
        unsigned n = 0, count = in ? c->n_in : c->n_out;

        for (unsigned i = 0; i < count && len; i++) {
                uint64_t size = s[i].host.iov_len, part;

                if (offset >= size) {
                        offset -= size;
                        continue;
                }
                part = MIN(size - offset, len);
                iov[n++] = (struct iovec){(char *)s[i].host.iov_base + offset, part};
                len -= part;
                offset = 0;
        }
        return n;
}

static size_t chain_copy(const struct vq_chain *c, bool in, uint64_t offset, void *buf, size_t len)
{
        const struct vq_segment *s = c->seg + (in ? c->n_out : 0);
        unsigned count = in ? c->n_in : c->n_out;
        size_t done = 0;

        for (unsigned i = 0; i < count && done < len; i++) {
                uint64_t size = s[i].host.iov_len, part;

                if (offset >= size) {
                        offset -= size;
                        continue;
                }
                part = MIN(size - offset, len - done);
                if (in)
                        memcpy((char *)s[i].host.iov_base + offset, (char *)buf + done, part);
                else
                        memcpy((char *)buf + done, (char *)s[i].host.iov_base + offset, part);
                done += part;
                offset = 0;
        }
        return done;
}

size_t vq_chain_read(const struct vq_chain *c, uint64_t offset, void *buf, size_t len)
{
        return chain_copy(c, false, offset, buf, len);
}

size_t vq_chain_write(const struct vq_chain *c, uint64_t offset, const void *buf, size_t len)
{
        return chain_copy(c, true, offset, (void *)buf, len);
}
