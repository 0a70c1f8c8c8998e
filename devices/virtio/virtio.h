/* SPDX-License-Identifier: MIT */
/*
 * Virtio devices without their transport (VIRTIO 1.2, chapters 2 and 5). A device is a class on the bus
 * "virtio-bus"; a transport (virtio_mmio.c) carries its registers, and the transport's lock guards both.
 */
#pragma once

#include "devices/dev.h"
#include "devices/virtio/virtqueue.h"

enum { VIRTIO_QUEUES = 4, VIRTIO_CONFIG_MAX = 256 };

enum { VIRTIO_ID_BLOCK = 2, VIRTIO_ID_RNG = 4 };

#define VIRTIO_F_INDIRECT (1ull << 28)
#define VIRTIO_F_EVENT_IDX (1ull << 29)
#define VIRTIO_F_VERSION_1 (1ull << 32)
#define VIRTIO_F_ANY_LAYOUT (1ull << 27) /* legacy only */

enum {
        VIRTIO_STATUS_DRIVER_OK = 4,
        VIRTIO_STATUS_FEATURES_OK = 8,
        VIRTIO_STATUS_NEEDS_RESET = 0x40,
};

enum { VIRTIO_ISR_QUEUE = 1, VIRTIO_ISR_CONFIG = 2 };

struct virtio_dev;

extern const struct dev_class dev_virtio_mmio;

struct virtio_ops {
        unsigned id, n_queues, config_size;
        uint64_t (*features)(struct virtio_dev *vd);                 /* the device's own */
        void (*get_config)(struct virtio_dev *vd, uint8_t *config);  /* zeroed, config_size bytes */
        void (*set_config)(struct virtio_dev *vd, const uint8_t *config); /* or NULL: read-only */
        void (*notify)(struct virtio_dev *vd, unsigned queue);
        void (*reset)(struct virtio_dev *vd);                        /* or NULL */
};

struct virtio_dev {
        struct dev dev;
        const struct virtio_ops *ops;
        struct dev *transport;                          /* NULL: not plugged */
        void (*interrupt)(struct virtio_dev *vd);       /* the transport's: isr changed */
        uint64_t features;                              /* what the driver accepted */
        uint8_t status, isr;
        uint32_t config_generation;
        struct virtqueue vq[VIRTIO_QUEUES];
        struct timer *again;                            /* a notification was cut short */
        uint8_t again_queues;
};

/* For the init and fini of each virtio device's class. */
void virtio_init(struct virtio_dev *vd, const struct virtio_ops *ops, unsigned queue_size);
void virtio_fini(struct virtio_dev *vd);
bool virtio_loaded(struct virtio_dev *vd, GError **error);

/* For transports. */
void virtio_reset(struct virtio_dev *vd);
void virtio_set_status(struct virtio_dev *vd, uint8_t status);
uint64_t virtio_host_features(struct virtio_dev *vd, bool legacy);
void virtio_notify(struct virtio_dev *vd, unsigned queue);
uint64_t virtio_config_read(struct virtio_dev *vd, uint64_t offset, unsigned size);
void virtio_config_write(struct virtio_dev *vd, uint64_t offset, uint64_t value, unsigned size);

/*
 * For devices: the queue has something for the driver; run the queue again soon; the driver broke the rules.
 */
void virtio_interrupt(struct virtio_dev *vd, struct virtqueue *vq);
void virtio_run_again(struct virtio_dev *vd, unsigned queue);
void virtio_broken(struct virtio_dev *vd, const char *why);

static inline bool virtio_has(const struct virtio_dev *vd, uint64_t feature)
{
        return vd->features & feature;
}

/* Rows of the state table that all virtio devices share. */
#define VIRTIO_VQ(field) (offsetof(struct virtio_dev, vq[0].field))
#define VIRTIO_STATE                                                                                      \
        {"features", FIELD_U64, offsetof(struct virtio_dev, features)},                                   \
        {"status", FIELD_U8, offsetof(struct virtio_dev, status)},                                        \
        {"isr", FIELD_U8, offsetof(struct virtio_dev, isr)},                                              \
        {"config_generation", FIELD_U32, offsetof(struct virtio_dev, config_generation)},                 \
        {"again_queues", FIELD_U8, offsetof(struct virtio_dev, again_queues)},                            \
        {"vq.ready", FIELD_BOOL, VIRTIO_VQ(ready), VIRTIO_QUEUES, sizeof(struct virtqueue)},              \
        {"vq.num", FIELD_U16, VIRTIO_VQ(num), VIRTIO_QUEUES, sizeof(struct virtqueue)},                   \
        {"vq.desc", FIELD_U64, VIRTIO_VQ(desc), VIRTIO_QUEUES, sizeof(struct virtqueue)},                 \
        {"vq.avail", FIELD_U64, VIRTIO_VQ(avail), VIRTIO_QUEUES, sizeof(struct virtqueue)},               \
        {"vq.used", FIELD_U64, VIRTIO_VQ(used), VIRTIO_QUEUES, sizeof(struct virtqueue)},                 \
        {"vq.last_avail", FIELD_U16, VIRTIO_VQ(last_avail), VIRTIO_QUEUES, sizeof(struct virtqueue)},     \
        {"vq.used_idx", FIELD_U16, VIRTIO_VQ(used_idx), VIRTIO_QUEUES, sizeof(struct virtqueue)},         \
        {"vq.signalled_used", FIELD_U16, VIRTIO_VQ(signalled_used), VIRTIO_QUEUES,                        \
         sizeof(struct virtqueue)},                                                                       \
        {"vq.signalled_valid", FIELD_BOOL, VIRTIO_VQ(signalled_valid), VIRTIO_QUEUES,                      \
         sizeof(struct virtqueue)}

/* virtio_mmio.c: puts @device (of a class on "virtio-bus") into a free slot; and what is in it. */
bool virtio_mmio_plug(struct dev *slot, struct dev *device, GError **error);
struct virtio_dev *virtio_mmio_device(struct dev *slot);
