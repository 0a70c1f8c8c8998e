/* SPDX-License-Identifier: MIT */
/*
 * Virtio over MMIO (VIRTIO 1.2, section 4.2): version 2, and version 1 ("legacy", section 4.2.4) with
 * force-legacy=on, which is the default since it is QEMU's. A slot without a device shows device id 0.
 */
#include <string.h>

#include "base/error.h"
#include "devices/virtio/virtio.h"

enum {
        REG_MAGIC = 0x000,
        REG_VERSION = 0x004,
        REG_DEVICE_ID = 0x008,
        REG_VENDOR_ID = 0x00c,
        REG_DEVICE_FEATURES = 0x010,
        REG_DEVICE_FEATURES_SEL = 0x014,
        REG_DRIVER_FEATURES = 0x020,
        REG_DRIVER_FEATURES_SEL = 0x024,
        REG_GUEST_PAGE_SIZE = 0x028, /* legacy */
        REG_QUEUE_SEL = 0x030,
        REG_QUEUE_NUM_MAX = 0x034,
        REG_QUEUE_NUM = 0x038,
        REG_QUEUE_ALIGN = 0x03c,     /* legacy */
        REG_QUEUE_PFN = 0x040,       /* legacy */
        REG_QUEUE_READY = 0x044,
        REG_QUEUE_NOTIFY = 0x050,
        REG_INTERRUPT_STATUS = 0x060,
        REG_INTERRUPT_ACK = 0x064,
        REG_STATUS = 0x070,
        REG_QUEUE_DESC_LOW = 0x080,
        REG_QUEUE_DESC_HIGH = 0x084,
        REG_QUEUE_AVAIL_LOW = 0x090,
        REG_QUEUE_AVAIL_HIGH = 0x094,
        REG_QUEUE_USED_LOW = 0x0a0,
        REG_QUEUE_USED_HIGH = 0x0a4,
        REG_SHM_LEN_LOW = 0x0b0,
        REG_SHM_BASE_HIGH = 0x0bc,
        REG_CONFIG_GENERATION = 0x0fc,
        REG_CONFIG = 0x100,
        REGION_SIZE = 0x200,
};

enum { VIRTIO_MAGIC = 0x74726976 /* "virt" */, VIRTIO_VENDOR = 0x554d4551 /* what QEMU's devices say */ };

struct mmio {
        struct dev dev;
        bool legacy;
        struct virtio_dev *vd;

        uint32_t device_sel, driver_sel, queue_sel;
        uint64_t driver_features;                   /* as written so far */
        uint32_t page_size;                         /* legacy */
        uint32_t align[VIRTIO_QUEUES], pfn[VIRTIO_QUEUES];
};

static void mmio_interrupt(struct virtio_dev *vd)
{
        dev_irq(vd->transport, 0, vd->isr != 0);
}

/* The selected queue, or NULL. */
static struct virtqueue *mmio_queue(struct mmio *m)
{
        return m->queue_sel < m->vd->ops->n_queues ? &m->vd->vq[m->queue_sel] : NULL;
}

/* ---- reading ---- */

static uint32_t mmio_read_queue(struct mmio *m, uint64_t offset)
{
        struct virtqueue *vq = mmio_queue(m);

        if (!vq)
                return 0;
        switch (offset) {
        case REG_QUEUE_NUM_MAX:
                return vq->num_max;
        case REG_QUEUE_PFN:
                return m->legacy ? m->pfn[m->queue_sel] : 0;
        case REG_QUEUE_READY:
                return !m->legacy && vq->ready;
        default:
                return 0;
        }
}

static uint32_t mmio_read_reg(struct mmio *m, uint64_t offset)
{
        uint64_t features;

        switch (offset) {
        case REG_MAGIC:
                return VIRTIO_MAGIC;
        case REG_VERSION:
                return m->legacy ? 1 : 2;
        case REG_VENDOR_ID:
                return VIRTIO_VENDOR;
        }
        if (!m->vd)
                return 0;
        switch (offset) {
        case REG_DEVICE_ID:
                return m->vd->ops->id;
        case REG_DEVICE_FEATURES:
                features = virtio_host_features(m->vd, m->legacy);
                return m->device_sel == 0 ? features : m->device_sel == 1 ? features >> 32 : 0;
        case REG_INTERRUPT_STATUS:
                return m->vd->isr;
        case REG_STATUS:
                return m->vd->status;
        case REG_CONFIG_GENERATION:
                return m->legacy ? 0 : m->vd->config_generation;
        default:
                if (offset >= REG_SHM_LEN_LOW && offset <= REG_SHM_BASE_HIGH)
                        return 0xffffffff; /* no shared memory */
                return mmio_read_queue(m, offset);
        }
}

static uint64_t mmio_read(struct dev *d, uint64_t offset, unsigned size)
{
        struct mmio *m = (struct mmio *)d;

        if (offset >= REG_CONFIG)
                return m->vd ? virtio_config_read(m->vd, offset - REG_CONFIG, size) : 0;
        if (size != 4) {
                dev_guest_error(d, "register access of %u bytes", size);
                return 0;
        }
        return mmio_read_reg(m, offset);
}

/* ---- writing ---- */

static void mmio_write_pfn(struct mmio *m, struct virtqueue *vq, uint32_t pfn)
{
        uint64_t align = MAX(m->align[m->queue_sel], 1), base = (uint64_t)pfn * m->page_size;

        m->pfn[m->queue_sel] = pfn;
        if (!pfn) {
                virtqueue_reset(vq);
                return;
        }
        if ((align & (align - 1)) || !m->page_size) {
                virtio_broken(m->vd, "wrong queue alignment or page size");
                return;
        }
        vq->desc = base;
        vq->avail = base + 16 * (uint64_t)vq->num;
        vq->used = (vq->avail + 6 + 2 * (uint64_t)vq->num + align - 1) & ~(align - 1);
        virtqueue_start(m->vd, vq);
}

static void set_half(uint64_t *v, bool high, uint32_t half)
{
        *v = high ? (*v & 0xffffffff) | (uint64_t)half << 32 : (*v & ~0xffffffffull) | half;
}

static void mmio_write_queue(struct mmio *m, uint64_t offset, uint32_t v)
{
        struct virtqueue *vq = mmio_queue(m);

        if (!vq)
                return;
        if (offset == REG_QUEUE_READY && !m->legacy) {
                if (v & 1)
                        virtqueue_start(m->vd, vq);
                else
                        vq->ready = false;
                return;
        }
        if (offset == REG_QUEUE_PFN && m->legacy) {
                mmio_write_pfn(m, vq, v);
                return;
        }
        if (offset == REG_QUEUE_ALIGN && m->legacy) {
                m->align[m->queue_sel] = v;
                return;
        }
        if (vq->ready) {
                dev_guest_error(&m->dev, "queue changed while in use");
                return;
        }
        switch (offset) {
        case REG_QUEUE_NUM:
                if (v <= vq->num_max)
                        vq->num = v;
                else
                        dev_guest_error(&m->dev, "queue of %u entries", v);
                break;
        case REG_QUEUE_DESC_LOW:
        case REG_QUEUE_DESC_HIGH:
                set_half(&vq->desc, offset == REG_QUEUE_DESC_HIGH, v);
                break;
        case REG_QUEUE_AVAIL_LOW:
        case REG_QUEUE_AVAIL_HIGH:
                set_half(&vq->avail, offset == REG_QUEUE_AVAIL_HIGH, v);
                break;
        case REG_QUEUE_USED_LOW:
        case REG_QUEUE_USED_HIGH:
                set_half(&vq->used, offset == REG_QUEUE_USED_HIGH, v);
                break;
        }
}

static void mmio_write_status(struct mmio *m, uint32_t v)
{
        struct virtio_dev *vd = m->vd;

        if (!(v & 0xff)) {
                virtio_reset(vd);
                m->driver_features = 0;
                memset(m->pfn, 0, sizeof(m->pfn));
                return;
        }
        if (!m->legacy && (v & VIRTIO_STATUS_FEATURES_OK) && !(vd->status & VIRTIO_STATUS_FEATURES_OK)) {
                if ((m->driver_features & ~virtio_host_features(vd, false)) ||
                    !(m->driver_features & VIRTIO_F_VERSION_1))
                        v &= ~VIRTIO_STATUS_FEATURES_OK;
                else
                        vd->features = m->driver_features;
        }
        virtio_set_status(vd, v);
}

static void mmio_write_features(struct mmio *m, uint32_t v)
{
        if (m->driver_sel > 1 || (m->vd->status & (VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK)))
                return;
        set_half(&m->driver_features, m->driver_sel == 1, v);
        /* legacy drivers do not say when they are done */
        if (m->legacy)
                m->vd->features = (uint32_t)m->driver_features & virtio_host_features(m->vd, true);
}

static void mmio_write_reg(struct mmio *m, uint64_t offset, uint32_t v)
{
        switch (offset) {
        case REG_DEVICE_FEATURES_SEL:
                m->device_sel = v;
                break;
        case REG_DRIVER_FEATURES:
                mmio_write_features(m, v);
                break;
        case REG_DRIVER_FEATURES_SEL:
                m->driver_sel = v;
                break;
        case REG_GUEST_PAGE_SIZE:
                m->page_size = v;
                break;
        case REG_QUEUE_SEL:
                m->queue_sel = v;
                break;
        case REG_QUEUE_NOTIFY:
                virtio_notify(m->vd, v);
                break;
        case REG_INTERRUPT_ACK:
                m->vd->isr &= ~v;
                mmio_interrupt(m->vd);
                break;
        case REG_STATUS:
                mmio_write_status(m, v);
                break;
        default:
                mmio_write_queue(m, offset, v);
                break;
        }
}

static void mmio_write(struct dev *d, uint64_t offset, uint64_t value, unsigned size)
{
        struct mmio *m = (struct mmio *)d;

        if (!m->vd)
                return;
        if (offset >= REG_CONFIG)
                virtio_config_write(m->vd, offset - REG_CONFIG, value, size);
        else if (size == 4)
                mmio_write_reg(m, offset, value);
        else
                dev_guest_error(d, "register access of %u bytes", size);
}

/* ---- life ---- */

bool virtio_mmio_plug(struct dev *slot, struct dev *device, GError **error)
{
        struct mmio *m = (struct mmio *)slot;

        if (slot->class != &dev_virtio_mmio)
                return error_set(error, RHEA_ERROR_USAGE, "%s takes no virtio devices", slot->id);
        if (!device->class->bus || strcmp(device->class->bus, "virtio-bus"))
                return error_set(error, RHEA_ERROR_USAGE, "%s is no virtio device", device->id);
        if (m->vd)
                return error_set(error, RHEA_ERROR_USAGE, "%s is occupied by %s", slot->id, m->vd->dev.id);
        m->vd = (struct virtio_dev *)device;
        m->vd->transport = slot;
        m->vd->interrupt = mmio_interrupt;
        device->guard = slot;
        return true;
}

struct virtio_dev *virtio_mmio_device(struct dev *slot)
{
        return slot->class == &dev_virtio_mmio ? ((struct mmio *)slot)->vd : NULL;
}

static void mmio_reset(struct dev *d)
{
        struct mmio *m = (struct mmio *)d;

        m->device_sel = m->driver_sel = m->queue_sel = 0;
        m->driver_features = 0;
        m->page_size = 0;
        memset(m->align, 0, sizeof(m->align));
        memset(m->pfn, 0, sizeof(m->pfn));
        if (m->vd)
                virtio_reset(m->vd);
        dev_irq(d, 0, false);
}

static const struct dev_prop mmio_props[] = {
        {"force-legacy", "show the registers of version 1", PROP_BOOL, offsetof(struct mmio, legacy), "on"},
        {},
};

static const struct dev_field mmio_state[] = {
        {"device_sel", FIELD_U32, offsetof(struct mmio, device_sel)},
        {"driver_sel", FIELD_U32, offsetof(struct mmio, driver_sel)},
        {"queue_sel", FIELD_U32, offsetof(struct mmio, queue_sel)},
        {"driver_features", FIELD_U64, offsetof(struct mmio, driver_features)},
        {"page_size", FIELD_U32, offsetof(struct mmio, page_size)},
        {"align", FIELD_U32, offsetof(struct mmio, align), VIRTIO_QUEUES},
        {"pfn", FIELD_U32, offsetof(struct mmio, pfn), VIRTIO_QUEUES},
        {},
};

static const struct dev_reg mmio_regs[] = {
        {REG_MAGIC, "MagicValue"}, {REG_VERSION, "Version"}, {REG_DEVICE_ID, "DeviceID"},
                {REG_VENDOR_ID, "VendorID"},
        {REG_DEVICE_FEATURES, "DeviceFeatures"}, {REG_DEVICE_FEATURES_SEL, "DeviceFeaturesSel"},
        {REG_DRIVER_FEATURES, "DriverFeatures"}, {REG_DRIVER_FEATURES_SEL, "DriverFeaturesSel"},
        {REG_GUEST_PAGE_SIZE, "GuestPageSize"}, {REG_QUEUE_SEL, "QueueSel"},
                {REG_QUEUE_NUM_MAX, "QueueNumMax"},
        {REG_QUEUE_NUM, "QueueNum"}, {REG_QUEUE_ALIGN, "QueueAlign"}, {REG_QUEUE_PFN, "QueuePFN"},
        {REG_QUEUE_READY, "QueueReady"}, {REG_QUEUE_NOTIFY, "QueueNotify"},
                {REG_INTERRUPT_STATUS, "InterruptStatus"},
        {REG_INTERRUPT_ACK, "InterruptACK"}, {REG_STATUS, "Status"}, {REG_QUEUE_DESC_LOW, "QueueDescLow"},
        {REG_QUEUE_DESC_HIGH, "QueueDescHigh"}, {REG_QUEUE_AVAIL_LOW, "QueueDriverLow"},
        {REG_QUEUE_AVAIL_HIGH, "QueueDriverHigh"}, {REG_QUEUE_USED_LOW, "QueueDeviceLow"},
        {REG_QUEUE_USED_HIGH, "QueueDeviceHigh"}, {REG_CONFIG_GENERATION, "ConfigGeneration"},
                {REG_CONFIG, "Config"},
        {},
};

const struct dev_class dev_virtio_mmio = {
        .name = "virtio-mmio", .compat = "virtio,mmio", .doc = "slot for a virtio device on the system bus",
        .size = sizeof(struct mmio), .props = mmio_props, .state = mmio_state, .regs = mmio_regs,
        .regions = {{"regs", REGION_SIZE, ACCESS_1 | ACCESS_2 | ACCESS_4, mmio_read, mmio_write}}, .irqs = 1,
        .reset = mmio_reset,
};
