/* SPDX-License-Identifier: MIT */
/*
 * Virtio entropy device (VIRTIO 1.2, section 5.4): fills buffers from the host's generator. In deterministic
 * mode the bytes come from a generator with a fixed start (splitmix64), which is part of the state.
 */
#include <string.h>
#include <sys/random.h>

#include "devices/virtio/virtio.h"

enum { QUEUE_SIZE = 8, REQUEST_MAX = 65536 };

struct rng {
        struct virtio_dev vd;
        uint64_t counted; /* deterministic mode: the generator */
};

static uint64_t splitmix64(uint64_t *state)
{
        uint64_t z = *state += 0x9e3779b97f4a7c15ull;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ z >> 27) * 0x94d049bb133111ebull;
        return z ^ z >> 31;
}

/* Fewer bytes than asked for when the host has none. */
static size_t rng_fill(struct rng *r, uint8_t *buf, size_t len)
{
        ssize_t n;

        if (!r->vd.dev.vm->deterministic) {
                n = getrandom(buf, len, GRND_NONBLOCK);
                return n > 0 ? n : 0;
        }
        for (size_t i = 0; i < len; i += 8) {
                uint64_t word = splitmix64(&r->counted);

                memcpy(buf + i, &word, MIN(len - i, 8));
        }
        return len;
}

static void rng_notify(struct virtio_dev *vd, unsigned queue)
{
        struct rng *r = (struct rng *)vd;
        struct virtqueue *vq = &vd->vq[queue];
        unsigned limit = 2 * vq->num;

        do {
                struct vq_chain *c;

                while (limit && (c = virtqueue_pop(vd, vq))) {
                        uint64_t want = MIN(c->in_len, REQUEST_MAX), done = 0;

                        while (done < want) {
                                uint8_t buf[256];
                                size_t n = rng_fill(r, buf, MIN(want - done, sizeof(buf)));

                                if (!n)
                                        break;
                                done += vq_chain_write(c, done, buf, n);
                        }
                        virtqueue_push(vd, vq, c, done);
                        g_free(c);
                        limit--;
                }
                virtio_interrupt(vd, vq);
        } while (limit && virtqueue_want_notify(vd, vq));
        if (!limit)
                virtio_run_again(vd, queue);
}

static uint64_t rng_features(struct virtio_dev *vd)
{
        return 0;
}

static void rng_get_config(struct virtio_dev *vd, uint8_t *config)
{
}

static const struct virtio_ops rng_ops = {
        .id = VIRTIO_ID_RNG, .n_queues = 1, .features = rng_features, .get_config = rng_get_config,
        .notify = rng_notify,
};

static bool rng_init(struct dev *d, GError **error)
{
        virtio_init((struct virtio_dev *)d, &rng_ops, QUEUE_SIZE);
        return true;
}

static void rng_fini(struct dev *d)
{
        virtio_fini((struct virtio_dev *)d);
}

static bool rng_loaded(struct dev *d, GError **error)
{
        return virtio_loaded((struct virtio_dev *)d, error);
}

static const struct dev_field rng_state[] = {
        VIRTIO_STATE,
        {"counted", FIELD_U64, offsetof(struct rng, counted)},
        {},
};

const struct dev_class dev_virtio_rng = {
        .name = "virtio-rng-device", .bus = "virtio-bus", .doc = "random numbers from the host",
        .size = sizeof(struct rng), .state = rng_state,
        .init = rng_init, .fini = rng_fini, .loaded = rng_loaded,
};
