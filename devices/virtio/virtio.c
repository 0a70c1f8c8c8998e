/* SPDX-License-Identifier: MIT */
/*
 * What all virtio devices share: status and feature negotiation, configuration space, interrupts, and the
 * state of a device whose driver broke the rules (VIRTIO 1.2, chapter 2). The transport's lock is held
 * throughout.
 */
#include "devices/virtio/virtio.h"

#include <string.h>

#include "base/error.h"

static void virtio_again(void *opaque)
{
        struct virtio_dev *vd = opaque;
        uint8_t queues;

        dev_enter(&vd->dev);
        queues = vd->again_queues;
        vd->again_queues = 0;
        for (unsigned q = 0; q < vd->ops->n_queues; q++) {
                if (queues & 1u << q)
                        virtio_notify(vd, q);
        }
        dev_leave(&vd->dev);
}

void virtio_init(struct virtio_dev *vd, const struct virtio_ops *ops, unsigned queue_size)
{
        vd->ops = ops;
        for (unsigned q = 0; q < ops->n_queues; q++) {
                vd->vq[q].num_max = queue_size;
                virtqueue_reset(&vd->vq[q]);
        }
        vd->again = timer_new(vd->dev.vm, CLOCK_RUN, virtio_again, vd);
}

void virtio_fini(struct virtio_dev *vd)
{
        timer_free(vd->again);
}

bool virtio_loaded(struct virtio_dev *vd, GError **error)
{
        for (unsigned q = 0; q < VIRTIO_QUEUES; q++) {
                struct virtqueue *vq = &vd->vq[q];
                bool ready = vq->ready;

                vq->in_flight = 0;
                if (vq->num > vq->num_max)
                        return error_set(error, RHEA_ERROR_FILE, "queue %u is too long", q);
                if (ready && !virtqueue_start(vd, vq))
                        return error_set(error, RHEA_ERROR_FILE, "queue %u is not in memory", q);
        }
        vd->again_queues &= (1u << vd->ops->n_queues) - 1;
        if (vd->again_queues)
                timer_arm(vd->again, 0);
        if (vd->interrupt)
                vd->interrupt(vd);
        return true;
}

void virtio_reset(struct virtio_dev *vd)
{
        if (vd->ops->reset)
                vd->ops->reset(vd);
        vd->features = 0;
        vd->status = vd->isr = 0;
        vd->again_queues = 0;
        timer_cancel(vd->again);
        for (unsigned q = 0; q < vd->ops->n_queues; q++)
                virtqueue_reset(&vd->vq[q]);
        if (vd->interrupt)
                vd->interrupt(vd);
}

void virtio_set_status(struct virtio_dev *vd, uint8_t status)
{
        bool was_ok = vd->status & VIRTIO_STATUS_DRIVER_OK;

        if (!status) {
                virtio_reset(vd);
                return;
        }
        /* only a reset clears bits, and only the device says that it needs one */
        vd->status |= status & ~VIRTIO_STATUS_NEEDS_RESET;
        if (was_ok || !(status & VIRTIO_STATUS_DRIVER_OK))
                return;
        /* requests may have been queued before */
        for (unsigned q = 0; q < vd->ops->n_queues; q++) {
                if (vd->vq[q].ready)
                        virtio_notify(vd, q);
        }
}

uint64_t virtio_host_features(struct virtio_dev *vd, bool legacy)
{
        uint64_t f = vd->ops->features(vd) | VIRTIO_F_INDIRECT | VIRTIO_F_EVENT_IDX;

        return legacy ? f | VIRTIO_F_ANY_LAYOUT : f | VIRTIO_F_VERSION_1;
}

void virtio_notify(struct virtio_dev *vd, unsigned queue)
{
        if (queue < vd->ops->n_queues && vd->vq[queue].ready && !(vd->status & VIRTIO_STATUS_NEEDS_RESET))
                vd->ops->notify(vd, queue);
}

uint64_t virtio_config_read(struct virtio_dev *vd, uint64_t offset, unsigned size)
{
        uint8_t config[VIRTIO_CONFIG_MAX] = {0};
        uint64_t v = 0;

        if (offset >= vd->ops->config_size || size > vd->ops->config_size - offset)
                return 0;
        vd->ops->get_config(vd, config);
        memcpy(&v, config + offset, size);
        return v;
}

void virtio_config_write(struct virtio_dev *vd, uint64_t offset, uint64_t value, unsigned size)
{
        uint8_t config[VIRTIO_CONFIG_MAX] = {0};

        if (!vd->ops->set_config || offset >= vd->ops->config_size || size > vd->ops->config_size - offset)
                return;
        vd->ops->get_config(vd, config);
        memcpy(config + offset, &value, size);
        vd->ops->set_config(vd, config);
}

void virtio_interrupt(struct virtio_dev *vd, struct virtqueue *vq)
{
        if (!virtqueue_should_interrupt(vd, vq))
                return;
        vd->isr |= VIRTIO_ISR_QUEUE;
        if (vd->interrupt)
                vd->interrupt(vd);
}

void virtio_run_again(struct virtio_dev *vd, unsigned queue)
{
        vd->again_queues |= 1u << queue;
        timer_arm(vd->again, clock_now_ns(vd->dev.vm, CLOCK_RUN));
}

void virtio_broken(struct virtio_dev *vd, const char *why)
{
        dev_guest_error(&vd->dev, "%s; the device stops until it is reset", why);
        if (vd->status & VIRTIO_STATUS_NEEDS_RESET)
                return;
        vd->status |= VIRTIO_STATUS_NEEDS_RESET;
        if (virtio_has(vd, VIRTIO_F_VERSION_1) && (vd->status & VIRTIO_STATUS_DRIVER_OK))
                vd->isr |= VIRTIO_ISR_CONFIG;
        if (vd->interrupt)
                vd->interrupt(vd);
}
