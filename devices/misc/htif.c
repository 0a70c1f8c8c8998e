/* SPDX-License-Identifier: MIT */
/*
 * The host-target interface of the RISC-V simulators: the program stores a command into its own variable
 * `tohost` and finds the answer in `fromhost`. A command is a byte of device, a byte of function, 48 bits of
 * payload: device 0 ends the machine (odd payload: the exit code in the bits above) or asks for a system call
 * (the payload points to the number and its arguments; write and exit are known); device 1 is the console.
 *
 * The words are memory like any other: the device is told of stores to them, and stores there itself. Only
 * for programs without these variables they are registers. A 64-bit word may be stored in two halves: the
 * command is taken when the upper half arrives, or a moment after the lower one, as a simulator that looks
 * from time to time would.
 */
#include "devices/misc/htif.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "devices/host/char/chardev.h"

enum { HTIF_SYSTEM = 0, HTIF_CONSOLE = 1, CONSOLE_GETC = 0, CONSOLE_PUTC = 1, SYS_WRITE = 64, SYS_EXIT = 93 };
enum htif_word { TOHOST, FROMHOST, N_WORDS };
enum { HALF_WAIT_NS = 100000, WRITE_MAX = 4096, SIGNATURE_MAX = 64 << 20 };

struct htif {
        struct dev dev;
        struct chardev *chardev;
        char *signature;
        uint32_t granularity;
        struct htif_config config;
        uint64_t *word[N_WORDS];  /* where they are: below, or in the RAM block */

        uint64_t tohost, fromhost;
        bool getc_pending;        /* the program waits for a key */
        bool putc_pending;        /* the console was full: the command stays in tohost */
        struct timer *half;       /* armed: the upper half has not come */
};

/* ---- the words ---- */

static uint64_t htif_get(const struct htif *h, enum htif_word w)
{
        return __atomic_load_n(h->word[w], __ATOMIC_ACQUIRE);
}

static gpa_t htif_address(const struct htif *h, enum htif_word w)
{
        return w == TOHOST ? h->config.tohost : h->config.fromhost;
}

static void htif_note(struct htif *h, enum htif_word w)
{
        if (h->config.ram)
                ram_block_note_write(h->config.ram, htif_address(h, w) - h->config.ram_base, 8);
}

static void htif_set(struct htif *h, enum htif_word w, uint64_t value)
{
        __atomic_store_n(h->word[w], value, __ATOMIC_RELEASE);
        htif_note(h, w);
}

/* Takes @command out of tohost; another one that a hart has stored meanwhile stays. */
static void htif_take(struct htif *h, uint64_t command)
{
        if (__atomic_compare_exchange_n(h->word[TOHOST], &command, 0, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
                htif_note(h, TOHOST);
}

/* ---- commands ---- */

static void htif_answer(struct htif *h, uint64_t command, uint64_t payload)
{
        htif_set(h, FROMHOST, (command & 0xffffull << 48) | (payload & 0xffffffffffffull));
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

/* The guest is done: asks the main loop to end the machine, with @code as the status. */
static void htif_request_exit(struct htif *h, int code)
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
                htif_request_exit(h, arg[1]);
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
        htif_set(h, FROMHOST, 1);
}

/* Carries out the command in tohost; clears it unless the console is full. */
static void htif_command(struct htif *h)
{
        uint64_t command = htif_get(h, TOHOST), payload = command & 0xffffffffffffull;
        unsigned device = command >> 56, function = command >> 48 & 0xff;
        uint8_t ch = payload;

        timer_cancel(h->half);
        h->putc_pending = false;
        if (!command)
                return;
        if (device == HTIF_SYSTEM && function == 0) {
                htif_take(h, command);
                if (payload & 1)
                        htif_request_exit(h, (int)(payload >> 1));
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
        htif_take(h, command);
}

static void htif_half_timeout(void *opaque)
{
        struct htif *h = opaque;

        dev_enter(&h->dev);
        if (timer_deadline(h->half) == INT64_MAX)
                htif_command(h);
        dev_leave(&h->dev);
}

/* ---- stores ---- */

/* Bytes of a word were stored, the last of them if @whole. */
static void htif_stored(struct htif *h, enum htif_word w, bool whole)
{
        if (w == FROMHOST) {
                if (!htif_get(h, FROMHOST) && h->chardev)
                        chardev_accept_input(h->chardev);
        } else if (whole) {
                htif_command(h);
        } else if (htif_get(h, TOHOST)) {
                timer_arm(h->half, clock_now_ns(h->dev.vm, CLOCK_RUN) + HALF_WAIT_NS);
        }
}

static void htif_ram_stored(struct htif *h, enum htif_word w, uint64_t offset, uint64_t len)
{
        dev_enter(&h->dev);
        htif_stored(h, w, offset + len >= htif_address(h, w) - h->config.ram_base + 8);
        dev_leave(&h->dev);
}

static void htif_tohost_stored(void *opaque, uint64_t offset, uint64_t len)
{
        htif_ram_stored(opaque, TOHOST, offset, len);
}

static void htif_fromhost_stored(void *opaque, uint64_t offset, uint64_t len)
{
        htif_ram_stored(opaque, FROMHOST, offset, len);
}

/* Which word an access to the registers falls into, and the byte within; N_WORDS for none. */
static enum htif_word htif_find(const struct htif *h, uint64_t offset, unsigned *byte)
{
        for (enum htif_word w = TOHOST; w < N_WORDS; w++) {
                *byte = h->dev.base[0] + offset - htif_address(h, w);
                if (h->dev.base[0] + offset - htif_address(h, w) < 8)
                        return w;
        }
        return N_WORDS;
}

static uint64_t htif_read(struct dev *d, uint64_t offset, unsigned size)
{
        struct htif *h = (struct htif *)d;
        unsigned byte;
        enum htif_word w = htif_find(h, offset, &byte);

        (void)size; /* who asked cuts it */
        return w == N_WORDS ? 0 : htif_get(h, w) >> (byte * 8);
}

static void htif_write(struct dev *d, uint64_t offset, uint64_t value, unsigned size)
{
        struct htif *h = (struct htif *)d;
        unsigned byte;
        enum htif_word w = htif_find(h, offset, &byte);

        if (w == N_WORDS)
                return;
        memcpy((uint8_t *)h->word[w] + byte, &value, MIN(size, 8 - byte));
        htif_stored(h, w, byte + size == 8);
}

static bool htif_place_word(struct htif *h, enum htif_word w, GError **error)
{
        uint64_t offset = htif_address(h, w) - h->config.ram_base;
        struct ram_listener l = {.offset = offset, .len = 8, .opaque = h,
                                 .stored = w == TOHOST ? htif_tohost_stored : htif_fromhost_stored};

        if (htif_address(h, w) < h->config.ram_base || offset >= h->config.ram->size)
                return error_set(error, RHEA_ERROR_FILE,
                                 "tohost or fromhost (0x%" PRIx64 ") is not in memory; use a bigger -m",
                                 htif_address(h, w));
        h->word[w] = (uint64_t *)(h->config.ram->host + offset);
        ram_block_listen(h->config.ram, &l);
        return true;
}

bool htif_place(struct dev *d, const struct htif_config *config, GError **error)
{
        struct htif *h = (struct htif *)d;
        const gpa_t page = ~(gpa_t)(GUEST_PAGE_SIZE - 1);

        if (config->tohost % 8 || config->fromhost % 8 || config->tohost == config->fromhost)
                return error_set(error, RHEA_ERROR_FILE,
                                 "tohost and fromhost must be two aligned 64-bit words");
        h->config = *config;
        if (!config->ram)
                return dev_map(d, 0, d->vm->memory, config->tohost & page, error);
        return htif_place_word(h, TOHOST, error) && htif_place_word(h, FROMHOST, error);
}

/* ---- the console ---- */

static size_t htif_can_read(void *opaque)
{
        struct htif *h = opaque;
        bool room;

        dev_enter(&h->dev);
        room = h->getc_pending && !htif_get(h, FROMHOST);
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
        h->word[TOHOST] = &h->tohost;
        h->word[FROMHOST] = &h->fromhost;
        h->half = timer_new(d->vm, CLOCK_RUN, htif_half_timeout, h);
        if (h->chardev)
                chardev_attach(h->chardev, &(struct chardev_user){htif_can_read, htif_host_read,
                                                                  htif_host_event, h});
        return true;
}

static void htif_reset(struct dev *d)
{
        struct htif *h = (struct htif *)d;

        htif_set(h, TOHOST, 0);
        htif_set(h, FROMHOST, 0);
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
        .regions = {{"words", GUEST_PAGE_SIZE, ACCESS_1 | ACCESS_2 | ACCESS_4 | ACCESS_8, htif_read,
                     htif_write}},
        .init = htif_init, .reset = htif_reset, .fini = htif_fini,
};
