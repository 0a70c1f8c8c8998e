/* SPDX-License-Identifier: MIT */
/*
 * The host-target interface of the RISC-V simulators: the program stores a command into its own variable
 * `tohost` and finds the answer in `fromhost`. A command is a byte of device, a byte of function, 48 bits of
 * payload: device 0 ends the machine (odd payload: the exit code in the bits above) or asks for a system call
 * (the payload points to the number and its arguments; write and exit are known); device 1 is the console.
 *
 * The device lies over whole pages, since memory maps have that grain, and passes everything but the two
 * words on to the RAM below. A 64-bit word may be stored in two halves: the command is taken when the upper
 * half arrives, or a moment after the lower one, as a simulator that looks from time to time would.
 */
#include "devices/misc/htif.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "devices/host/char/chardev.h"

enum { HTIF_SYSTEM = 0, HTIF_CONSOLE = 1, CONSOLE_GETC = 0, CONSOLE_PUTC = 1, SYS_WRITE = 64, SYS_EXIT = 93 };
enum { HALF_WAIT_NS = 100000, WRITE_MAX = 4096, SIGNATURE_MAX = 64 << 20 };

struct htif {
        struct dev dev;
        struct chardev *chardev;
        char *signature;
        uint32_t granularity;
        struct htif_config config;
        uint64_t page_offset[2];  /* in the RAM block, of the page below each region */

        uint64_t tohost, fromhost;
        bool getc_pending;        /* the program waits for a key */
        bool putc_pending;        /* the console was full: the command stays in tohost */
        struct timer *half;       /* armed: the upper half has not come */
};

/* ---- commands ---- */

static void htif_answer(struct htif *h, uint64_t command, uint64_t payload)
{
        h->fromhost = (command & 0xffffull << 48) | (payload & 0xffffffffffffull);
}

/* One line for each @granularity bytes, the last of them first. */
static void htif_write_signature(struct htif *h)
{
        uint64_t len = h->config.end_signature - h->config.begin_signature;
        uint8_t *data;
        FILE *f;

        if (!h->signature || !len || len > SIGNATURE_MAX)
                return;
        data = g_try_malloc0(len);
        f = fopen(h->signature, "w");
        if (f && data && dev_dma_read(&h->dev, h->config.begin_signature, data, len) == MEM_OK) {
                for (uint64_t i = 0; i < len; i += h->granularity) {
                        for (uint32_t j = h->granularity; j > 0; j--)
                                fprintf(f, "%02x", i + j <= len ? data[i + j - 1] : 0);
                        fputc('\n', f);
                }
        } else {
                dev_guest_error(&h->dev, "cannot write the signature to %s: %s", h->signature,
                                f ? "it is not in memory" : g_strerror(errno));
        }
        if (f)
                fclose(f);
        g_free(data);
}

static void htif_exit(struct htif *h, int code)
{
        htif_write_signature(h);
        vm_request(h->dev.vm, VM_REQ_EXIT_CODE, code);
}

/* The program's system call: number and arguments are eight words at @block, where the result goes too. */
static void htif_syscall(struct htif *h, gpa_t block)
{
        uint64_t arg[4] = {0}, result = -ENOSYS;

        if (dev_dma_read(&h->dev, block, arg, sizeof(arg)) != MEM_OK) {
                dev_guest_error(&h->dev, "system call block at 0x%" PRIx64 " is not in memory", block);
                return;
        }
        if (arg[0] == SYS_EXIT) {
                htif_exit(h, arg[1]);
                return;
        }
        if (arg[0] == SYS_WRITE && (arg[1] == 1 || arg[1] == 2)) {
                uint64_t len = MIN(arg[3], WRITE_MAX);
                uint8_t buf[WRITE_MAX];

                result = -EFAULT;
                if (dev_dma_read(&h->dev, arg[2], buf, len) == MEM_OK)
                        result = h->chardev ? chardev_write(h->chardev, buf, len) : len;
        }
        dev_dma_write(&h->dev, block, &result, sizeof(result));
        h->fromhost = 1;
}

/* Carries out the command in tohost; clears it unless the console is full. */
static void htif_command(struct htif *h)
{
        uint64_t command = h->tohost, payload = command & 0xffffffffffffull;
        unsigned device = command >> 56, function = command >> 48 & 0xff;
        uint8_t ch = payload;

        timer_cancel(h->half);
        h->putc_pending = false;
        if (!command)
                return;
        if (device == HTIF_SYSTEM && function == 0) {
                h->tohost = 0;
                if (payload & 1)
                        htif_exit(h, (int)(payload >> 1));
                else
                        htif_syscall(h, payload);
                return;
        }
        if (device == HTIF_CONSOLE && function == CONSOLE_PUTC) {
                if (h->chardev && !chardev_write(h->chardev, &ch, 1)) {
                        h->putc_pending = true;
                        return;
                }
                htif_answer(h, command, 0x100 | ch);
        } else if (device == HTIF_CONSOLE && function == CONSOLE_GETC) {
                h->getc_pending = true;
                if (h->chardev)
                        chardev_accept_input(h->chardev);
        } else {
                dev_guest_error(&h->dev, "unknown command 0x%" PRIx64, command);
        }
        h->tohost = 0;
}

static void htif_half_timeout(void *opaque)
{
        struct htif *h = opaque;

        dev_enter(&h->dev);
        if (timer_deadline(h->half) == INT64_MAX)
                htif_command(h);
        dev_leave(&h->dev);
}

/* ---- the words, and the memory around them ---- */

static uint8_t *htif_below(struct htif *h, unsigned region, uint64_t offset)
{
        return h->config.ram->host + h->page_offset[region] + offset;
}

/* Which word an access falls into: its value, and the byte within; NULL for plain memory. */
static uint64_t *htif_word(struct htif *h, unsigned region, uint64_t offset, unsigned *byte)
{
        gpa_t at = h->dev.base[region] + offset;

        if (at - h->config.tohost < 8) {
                *byte = at - h->config.tohost;
                return &h->tohost;
        }
        if (at - h->config.fromhost < 8) {
                *byte = at - h->config.fromhost;
                return &h->fromhost;
        }
        return NULL;
}

static uint64_t htif_read(struct htif *h, unsigned region, uint64_t offset, unsigned size)
{
        unsigned byte;
        uint64_t *word, v = 0;

        word = htif_word(h, region, offset, &byte);
        if (word)
                return *word >> (byte * 8);
        if (h->config.ram)
                memcpy(&v, htif_below(h, region, offset), size);
        return v;
}

static void htif_write(struct htif *h, unsigned region, uint64_t offset, uint64_t value, unsigned size)
{
        unsigned byte;
        uint64_t *word;

        word = htif_word(h, region, offset, &byte);
        if (!word && !h->config.ram)
                return;
        if (!word) {
                memcpy(htif_below(h, region, offset), &value, size);
                ram_block_note_write(h->config.ram, h->page_offset[region] + offset, size);
                return;
        }
        memcpy((uint8_t *)word + byte, &value, MIN(size, 8 - byte));
        if (word == &h->fromhost) {
                if (!h->fromhost && h->chardev)
                        chardev_accept_input(h->chardev);
        } else if (byte + size == 8) {
                htif_command(h);
        } else if (h->tohost) {
                timer_arm(h->half, clock_now_ns(h->dev.vm, CLOCK_RUN) + HALF_WAIT_NS);
        }
}

static uint64_t htif_read0(struct dev *d, uint64_t offset, unsigned size)
{
        return htif_read((struct htif *)d, 0, offset, size);
}

static uint64_t htif_read1(struct dev *d, uint64_t offset, unsigned size)
{
        return htif_read((struct htif *)d, 1, offset, size);
}

static void htif_write0(struct dev *d, uint64_t offset, uint64_t value, unsigned size)
{
        htif_write((struct htif *)d, 0, offset, value, size);
}

static void htif_write1(struct dev *d, uint64_t offset, uint64_t value, unsigned size)
{
        htif_write((struct htif *)d, 1, offset, value, size);
}

static bool htif_place_page(struct htif *h, unsigned region, gpa_t page, GError **error)
{
        uint64_t offset = page - h->config.ram_base;

        if (!h->config.ram)
                return dev_map(&h->dev, region, h->dev.vm->memory, page, error);
        if (page < h->config.ram_base || offset >= h->config.ram->size)
                return error_set(error, RHEA_ERROR_FILE,
                                 "tohost or fromhost (0x%" PRIx64 ") is not in memory", page);
        h->page_offset[region] = offset;
        return dev_map(&h->dev, region, h->dev.vm->memory, page, error);
}

bool htif_place(struct dev *d, const struct htif_config *config, GError **error)
{
        struct htif *h = (struct htif *)d;
        const gpa_t page = ~(gpa_t)(GUEST_PAGE_SIZE - 1);
        gpa_t to = config->tohost & page, from = config->fromhost & page;

        if (config->tohost % 8 || config->fromhost % 8 || config->tohost == config->fromhost)
                return error_set(error, RHEA_ERROR_FILE,
                                 "tohost and fromhost must be two aligned 64-bit words");
        h->config = *config;
        if (!htif_place_page(h, 0, to, error))
                return false;
        return to == from || htif_place_page(h, 1, from, error);
}

/* ---- the console ---- */

static size_t htif_can_read(void *opaque)
{
        struct htif *h = opaque;
        bool room;

        dev_enter(&h->dev);
        room = h->getc_pending && !h->fromhost;
        dev_leave(&h->dev);
        return room;
}

static void htif_host_read(void *opaque, const uint8_t *buf, size_t len)
{
        struct htif *h = opaque;

        dev_enter(&h->dev);
        if (len && h->getc_pending) {
                htif_answer(h, (uint64_t)HTIF_CONSOLE << 56 | (uint64_t)CONSOLE_GETC << 48, 0x100 | buf[0]);
                h->getc_pending = false;
        }
        dev_leave(&h->dev);
}

static void htif_host_event(void *opaque, enum chardev_event event)
{
        struct htif *h = opaque;

        dev_enter(&h->dev);
        if (event == CHARDEV_WRITABLE && h->putc_pending)
                htif_command(h);
        dev_leave(&h->dev);
}

/* ---- life ---- */

static bool htif_init(struct dev *d, GError **error)
{
        struct htif *h = (struct htif *)d;

        if (!h->granularity || h->granularity > 64 || (h->granularity & (h->granularity - 1)))
                return error_set(error, RHEA_ERROR_USAGE, "signature-granularity must be 1, 2, 4, ... 64");
        h->half = timer_new(d->vm, CLOCK_RUN, htif_half_timeout, h);
        if (h->chardev)
                chardev_attach(h->chardev, &(struct chardev_user){htif_can_read, htif_host_read,
                                                                  htif_host_event, h});
        return true;
}

static void htif_reset(struct dev *d)
{
        struct htif *h = (struct htif *)d;

        h->tohost = h->fromhost = 0;
        h->getc_pending = h->putc_pending = false;
        timer_cancel(h->half);
}

static void htif_fini(struct dev *d)
{
        struct htif *h = (struct htif *)d;

        if (h->chardev)
                chardev_detach(h->chardev, h);
        timer_free(h->half);
}

static const struct dev_prop htif_props[] = {
        {"chardev", "the console", PROP_CHARDEV, offsetof(struct htif, chardev), NULL},
        {"signature", "file for the memory between begin_signature and end_signature at exit", PROP_STRING,
         offsetof(struct htif, signature), NULL},
        {"signature-granularity", "bytes in a line of that file", PROP_U32,
         offsetof(struct htif, granularity), "16"},
        {},
};

static const struct dev_field htif_state[] = {
        {"tohost", FIELD_U64, offsetof(struct htif, tohost)},
        {"fromhost", FIELD_U64, offsetof(struct htif, fromhost)},
        {"getc_pending", FIELD_BOOL, offsetof(struct htif, getc_pending)},
        {"putc_pending", FIELD_BOOL, offsetof(struct htif, putc_pending)},
        {"half", FIELD_TIMER, offsetof(struct htif, half)},
        {},
};

const struct dev_class dev_htif = {
        .name = "htif", .compat = "ucb,htif0", .doc = "host-target interface of the RISC-V simulators",
        .size = sizeof(struct htif), .props = htif_props, .state = htif_state,
        .regions = {
                {"tohost", GUEST_PAGE_SIZE, ACCESS_1 | ACCESS_2 | ACCESS_4 | ACCESS_8, htif_read0,
                 htif_write0},
                {"fromhost", GUEST_PAGE_SIZE, ACCESS_1 | ACCESS_2 | ACCESS_4 | ACCESS_8, htif_read1,
                 htif_write1},
        },
        .init = htif_init, .reset = htif_reset, .fini = htif_fini,
};
