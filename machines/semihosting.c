/* SPDX-License-Identifier: MIT */
/*
 * The operations run on the thread of the vCPU that asks. One lock guards the console's input; output goes to
 * the chardev, which has its own. Parameters lie in the guest's memory as its data accesses see it.
 */
#include "machines/semihosting.h"

#include <errno.h>
#include <string.h>

#include "devices/host/char/chardev.h"
#include "frontend/cpu.h"
#include "machines/core/vcpu.h"

enum semihosting_op {
        SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITEC = 0x03, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05,
        SYS_READ = 0x06, SYS_READC = 0x07, SYS_ISERROR = 0x08, SYS_ISTTY = 0x09, SYS_FLEN = 0x0c,
        SYS_CLOCK = 0x10, SYS_TIME = 0x11, SYS_ERRNO = 0x13, SYS_EXIT = 0x18, SYS_EXIT_EXTENDED = 0x20,
        SYS_ELAPSED = 0x30, SYS_TICKFREQ = 0x31,
};

#define STOPPED_APPLICATION_EXIT 0x20026u
#define FAILED UINT64_MAX

enum { INPUT_SIZE = 256, PIECE = 256, CONSOLE_HANDLE = 1 };

/* How far a write got that the console did not take whole. */
struct progress {
        uint64_t call, done;
};

struct semihosting {
        struct vm *vm;
        struct chardev *chardev;
        GMutex lock;
        uint8_t input[INPUT_SIZE]; /* a ring; under the lock */
        unsigned head, n;
        _Atomic int last_errno;
        struct progress *progress; /* by vCPU; each its thread's */
};

/* ---- the guest's memory ---- */

static bool guest_access(struct vcpu *v, gva_t gva, void *buf, size_t len, bool write)
{
        uint8_t *p = buf;
        uint32_t data_view, fetch_view;
        uint64_t space;
        struct walk w;

        v->ops->context_key(v, &space, &data_view, &fetch_view);
        while (len) {
                size_t n = MIN(len, GUEST_PAGE_SIZE - gva % GUEST_PAGE_SIZE);
                gpa_t gpa;

                if (!v->ops->walk(v, gva, 1, write ? ACCESS_WRITE : ACCESS_READ, data_view, true, &w))
                        return false;
                gpa = w.gpa | (gva & (GUEST_PAGE_SIZE - 1));
                if ((write ? address_space_write_bytes(v->as, gpa, p, n)
                           : address_space_read_bytes(v->as, gpa, p, n)) != MEM_OK)
                        return false;
                p += n;
                gva += n;
                len -= n;
        }
        return true;
}

/* Word @n of the block of parameters at @block. */
static bool parameter(struct vcpu *v, uint64_t block, unsigned n, uint64_t *value)
{
        return guest_access(v, block + 8 * n, value, 8, false);
}

/* ---- the console ---- */

static size_t console_can_read(void *opaque)
{
        struct semihosting *s = opaque;
        size_t room;

        g_mutex_lock(&s->lock);
        room = INPUT_SIZE - s->n;
        g_mutex_unlock(&s->lock);
        return room;
}

static void console_read(void *opaque, const uint8_t *buf, size_t len)
{
        struct semihosting *s = opaque;

        g_mutex_lock(&s->lock);
        for (size_t i = 0; i < len && s->n < INPUT_SIZE; i++)
                s->input[(s->head + s->n++) % INPUT_SIZE] = buf[i];
        g_mutex_unlock(&s->lock);
}

static bool take_input(struct semihosting *s, uint8_t *byte)
{
        bool got;

        g_mutex_lock(&s->lock);
        got = s->n > 0;
        if (got) {
                *byte = s->input[s->head];
                s->head = (s->head + 1) % INPUT_SIZE;
                s->n--;
        }
        g_mutex_unlock(&s->lock);
        if (got)
                chardev_accept_input(s->chardev);
        return got;
}

static size_t put_bytes(struct semihosting *s, const void *buf, size_t len)
{
        return s->chardev ? chardev_write(s->chardev, buf, len) : len;
}

/*
 * Writes go as far as the console takes them; then the guest runs its instruction again, and the call goes on
 * where it was, if it is the same one.
 */
static uint64_t *progress_of(struct semihosting *s, struct vcpu *v, uint64_t call)
{
        struct progress *p = &s->progress[v->index];

        if (p->call != call)
                *p = (struct progress){.call = call};
        return &p->done;
}

/* True once the string at @gva is out, or where memory ends. */
static bool write_string(struct semihosting *s, struct vcpu *v, gva_t gva)
{
        uint64_t *done = progress_of(s, v, gva);

        for (;;) {
                char piece[PIECE];
                size_t n = 0;
                bool end = false;

                while (n < sizeof(piece) && !end) {
                        end = !guest_access(v, gva + *done + n, &piece[n], 1, false) || !piece[n];
                        n += !end;
                }
                size_t taken = put_bytes(s, piece, n);

                *done += taken;
                if (taken < n)
                        return false;
                if (end) {
                        *done = 0;
                        return true;
                }
        }
}

/* True once @len bytes at @gva are out, or where memory ends; *@left is what was not written. */
static bool write_bytes(struct semihosting *s, struct vcpu *v, uint64_t call, gva_t gva, uint64_t len,
                        uint64_t *left)
{
        uint64_t *done = progress_of(s, v, call);

        while (*done < len) {
                char piece[PIECE];
                size_t n = MIN(len - *done, sizeof(piece)), taken;

                if (!guest_access(v, gva + *done, piece, n, false))
                        break;
                taken = put_bytes(s, piece, n);
                *done += taken;
                if (taken < n)
                        return false;
        }
        *left = len - MIN(*done, len);
        *done = 0;
        return true;
}

/* ":tt" is the console; nothing else can be opened. */
static uint64_t open_file(struct semihosting *s, struct vcpu *v, uint64_t block)
{
        uint64_t name, len;
        char text[3];

        if (parameter(v, block, 0, &name) && parameter(v, block, 2, &len) && len == sizeof(text) &&
            guest_access(v, name, text, sizeof(text), false) && !memcmp(text, ":tt", 3))
                return CONSOLE_HANDLE;
        s->last_errno = ENOENT;
        return FAILED;
}

/* ---- the operations ---- */

static void end_program(struct semihosting *s, struct vcpu *v, uint64_t block)
{
        uint64_t reason = 0, code = 0;

        if (!parameter(v, block, 0, &reason) || !parameter(v, block, 1, &code))
                reason = 0;
        vm_request(s->vm, VM_REQ_EXIT_CODE, reason == STOPPED_APPLICATION_EXIT ? (int)(code & 0xff) : 1);
}

/* True: *@result is the answer; false: ask again later. */
static bool read_char(struct semihosting *s, uint64_t *result)
{
        uint8_t byte;

        if (!s->chardev || !take_input(s, &byte))
                return !s->chardev;
        *result = byte;
        return true;
}

static bool semihosting_call(struct vcpu *v, uint64_t op, uint64_t arg, uint64_t *result)
{
        struct semihosting *s = v->vm->semihosting_data;
        uint64_t a = 0, b = 0;
        int64_t now = clock_now_ns(s->vm, CLOCK_RUN);
        char byte;

        *result = 0;
        switch ((uint32_t)op) {
        case SYS_OPEN:
                *result = open_file(s, v, arg);
                return true;
        case SYS_CLOSE:
        case SYS_FLEN:
                return true;
        case SYS_WRITEC:
                return !guest_access(v, arg, &byte, 1, false) || put_bytes(s, &byte, 1) == 1;
        case SYS_WRITE0:
                return write_string(s, v, arg);
        case SYS_WRITE:
                *result = FAILED;
                return !parameter(v, arg, 1, &a) || !parameter(v, arg, 2, &b) ||
                       write_bytes(s, v, arg, a, b, result);
        case SYS_READC:
                *result = FAILED;
                return read_char(s, result);
        case SYS_ISERROR:
                *result = parameter(v, arg, 0, &a) && (int64_t)a < 0;
                return true;
        case SYS_ISTTY:
                *result = 1;
                return true;
        case SYS_CLOCK:
                *result = now / 10000000;
                return true;
        case SYS_TIME:
                *result = clock_now_ns(s->vm, CLOCK_HOST) / 1000000000;
                return true;
        case SYS_ERRNO:
                *result = s->last_errno;
                return true;
        case SYS_EXIT:
        case SYS_EXIT_EXTENDED:
                end_program(s, v, arg);
                return true;
        case SYS_ELAPSED:
                *result = guest_access(v, arg, &now, 8, true) ? 0 : FAILED;
                return true;
        case SYS_TICKFREQ:
                *result = 1000000000;
                return true;
        default:
                s->last_errno = ENOSYS;
                *result = FAILED;
                return true;
        }
}

/* ---- life ---- */

struct semihosting *semihosting_new(struct vm *vm, GError **error)
{
        struct semihosting *s = g_new0(struct semihosting, 1);

        s->vm = vm;
        s->progress = g_new0(struct progress, vm->n_vcpus);
        g_mutex_init(&s->lock);
        s->chardev = chardev_find(vm, "serial0", NULL);
        if (s->chardev && !chardev_claim(s->chardev, "semihosting", error)) {
                s->chardev = NULL;
                semihosting_free(s);
                return NULL;
        }
        if (s->chardev)
                chardev_attach(s->chardev, &(struct chardev_user){.can_read = console_can_read,
                                                                  .read = console_read, .opaque = s});
        vm->semihosting = semihosting_call;
        vm->semihosting_data = s;
        return s;
}

void semihosting_free(struct semihosting *s)
{
        if (!s)
                return;
        if (s->chardev) {
                chardev_detach(s->chardev, s);
                chardev_release(s->chardev);
        }
        s->vm->semihosting = NULL;
        g_mutex_clear(&s->lock);
        g_free(s->progress);
        g_free(s);
}
