/* SPDX-License-Identifier: MIT */
/*
 * The monitor's end of a character back end: editing a line, history, output that waits for a slow host.
 * Input may arrive on a vCPU's thread (deterministic mode); commands stop vCPUs, so they run on the main
 * thread all the same.
 */
#include "ui/monitor/monitor.h"

#include <string.h>

#include "base/lock.h"
#include "devices/host/char/chardev.h"
#include "machines/core/vcpu.h"
#include "machines/core/vm.h"
#include "ui/version.h"

enum {
        LINE_MAX_LEN = 4096,
        HISTORY_MAX = 100,
        CTRL_C = 3,
        CTRL_H = 8,
        CTRL_N = 14,
        CTRL_P = 16,
        CTRL_U = 21,
        ESC = 27,
        DEL = 127
};

static const char prompt[] = "(rhea) ";

struct monitor {
        struct vm *vm;
        struct chardev *c;
        unsigned cpu;
        GString *line;
        GPtrArray *history; /* char *, oldest first */
        unsigned recalled;  /* index into history; its length: the new line */
        enum { KEYS_PLAIN, KEYS_ESC, KEYS_CSI } keys;
        bool greeted, after_cr;

        GMutex lock;        /* rank LOCK_DEVICE, as for who uses a back end: the two queues */
        GByteArray *in;     /* arrived, perhaps on another thread */
        bool opened, focused; /* so did these events */
        GString *out;       /* refused by the back end */
        GSource *work;      /* runs on the VM's context when there is input */
};

/* ---- output ---- */

static void flush_locked(struct monitor *m)
{
        size_t n = m->out->len ? chardev_write(m->c, m->out->str, m->out->len) : 0;

        g_string_erase(m->out, 0, n);
}

static void print(struct monitor *m, const char *text)
{
        lock_take(&m->lock, LOCK_DEVICE);
        for (; *text; text++) {
                if (*text == '\n')
                        g_string_append_c(m->out, '\r');
                g_string_append_c(m->out, *text);
        }
        flush_locked(m);
        lock_drop(&m->lock, LOCK_DEVICE);
}

static void greet(struct monitor *m)
{
        if (!m->greeted)
                print(m, "\nRhea " RHEA_VERSION
                         " monitor: 'help' lists the commands, Ctrl-A c returns to the console\n");
        else
                print(m, "\n");
        m->greeted = true;
        print(m, prompt);
        print(m, m->line->str);
}

/* ---- the line ---- */

static void erase(struct monitor *m, size_t n)
{
        for (; n && m->line->len; n--) {
                g_string_truncate(m->line, m->line->len - 1);
                print(m, "\b \b");
        }
}

static void recall(struct monitor *m, int by)
{
        unsigned at = m->recalled + by;

        if (at > m->history->len) /* before the first, too: it wrapped round */
                return;
        erase(m, m->line->len);
        m->recalled = at;
        if (at < m->history->len)
                g_string_assign(m->line, m->history->pdata[at]);
        print(m, m->line->str);
}

static void remember(struct monitor *m, const char *line)
{
        GPtrArray *h = m->history;

        if (!h->len || strcmp(h->pdata[h->len - 1], line))
                g_ptr_array_add(h, g_strdup(line));
        if (h->len > HISTORY_MAX)
                g_ptr_array_remove_index(h, 0);
        m->recalled = h->len;
}

static void enter(struct monitor *m)
{
        g_autofree char *line = g_strdup(m->line->str), *answer = NULL;

        g_string_truncate(m->line, 0);
        print(m, "\n");
        g_strstrip(line);
        if (*line) {
                remember(m, line);
                answer = monitor_run(m->vm, &m->cpu, line);
                print(m, answer);
        }
        m->recalled = m->history->len;
        if (atomic_load(&m->vm->request) != VM_REQ_EXIT_CODE)
                print(m, prompt);
}

static void plain_key(struct monitor *m, uint8_t key)
{
        bool was_cr = m->after_cr;

        m->after_cr = key == '\r';
        switch (key) {
        case '\n':
                if (!was_cr)
                        enter(m);
                break;
        case '\r':
                enter(m);
                break;
        case CTRL_H:
        case DEL:
                erase(m, 1);
                break;
        case CTRL_U:
                erase(m, m->line->len);
                break;
        case CTRL_C:
                g_string_truncate(m->line, 0);
                print(m, "\n");
                print(m, prompt);
                break;
        case CTRL_P:
                recall(m, -1);
                break;
        case CTRL_N:
                recall(m, 1);
                break;
        case ESC:
                m->keys = KEYS_ESC;
                break;
        default:
                if (key >= ' ' && m->line->len < LINE_MAX_LEN) {
                        char text[2] = {key, '\0'};

                        g_string_append(m->line, text);
                        print(m, text);
                }
        }
}

static void take_key(struct monitor *m, uint8_t key)
{
        if (m->keys == KEYS_PLAIN) {
                plain_key(m, key);
        } else if (m->keys == KEYS_ESC) {
                m->keys = key == '[' || key == 'O' ? KEYS_CSI : KEYS_PLAIN;
        } else if (key >= '@' && key <= '~') { /* the sequence's last byte */
                m->keys = KEYS_PLAIN;
                if (key == 'A')
                        recall(m, -1);
                else if (key == 'B')
                        recall(m, 1);
        }
}

/* ---- the back end ---- */

/* Main thread: what has been queued. */
static gboolean work_dispatch(gpointer opaque)
{
        struct monitor *m = opaque;
        GByteArray *in;
        bool opened, focused;

        lock_take(&m->lock, LOCK_DEVICE);
        opened = m->opened;
        focused = m->focused;
        m->opened = m->focused = false;
        in = m->in;
        m->in = g_byte_array_new();
        g_source_set_ready_time(m->work, -1);
        lock_drop(&m->lock, LOCK_DEVICE);
        if (opened)
                g_string_truncate(m->line, 0);
        if (opened || focused)
                greet(m);
        for (guint i = 0; i < in->len; i++)
                take_key(m, in->data[i]);
        g_byte_array_unref(in);
        return G_SOURCE_CONTINUE;
}

static gboolean source_dispatch(GSource *source, GSourceFunc fn, gpointer opaque)
{
        return fn(opaque);
}

static GSourceFuncs work_funcs = {.dispatch = source_dispatch};

/* Always by way of the queue: a command may end in what the caller is in the middle of. */
static void monitor_read(void *opaque, const uint8_t *buf, size_t len)
{
        struct monitor *m = opaque;

        lock_take(&m->lock, LOCK_DEVICE);
        g_byte_array_append(m->in, buf, len);
        lock_drop(&m->lock, LOCK_DEVICE);
        g_source_set_ready_time(m->work, 0);
}

static size_t monitor_can_read(void *opaque)
{
        struct monitor *m = opaque;
        size_t queued;

        lock_take(&m->lock, LOCK_DEVICE);
        queued = m->in->len;
        lock_drop(&m->lock, LOCK_DEVICE);
        return queued < LINE_MAX_LEN ? LINE_MAX_LEN - queued : 0;
}

static void monitor_event(void *opaque, enum chardev_event event)
{
        struct monitor *m = opaque;

        switch (event) {
        case CHARDEV_OPENED:
        case CHARDEV_FOCUS_IN:
                lock_take(&m->lock, LOCK_DEVICE);
                m->opened |= event == CHARDEV_OPENED;
                m->focused |= event == CHARDEV_FOCUS_IN;
                lock_drop(&m->lock, LOCK_DEVICE);
                g_source_set_ready_time(m->work, 0);
                break;
        case CHARDEV_FOCUS_OUT:
                print(m, "\n");
                break;
        case CHARDEV_WRITABLE:
                lock_take(&m->lock, LOCK_DEVICE);
                flush_locked(m);
                lock_drop(&m->lock, LOCK_DEVICE);
                break;
        case CHARDEV_BREAK:
        case CHARDEV_CLOSED:
                break;
        }
}

struct monitor *monitor_new(struct vm *vm, struct chardev *c)
{
        struct monitor *m = g_new0(struct monitor, 1);

        m->vm = vm;
        m->c = c;
        m->line = g_string_new(NULL);
        m->history = g_ptr_array_new_with_free_func(g_free);
        m->in = g_byte_array_new();
        m->out = g_string_new(NULL);
        g_mutex_init(&m->lock);
        m->work = g_source_new(&work_funcs, sizeof(GSource));
        g_source_set_callback(m->work, work_dispatch, m, NULL);
        g_source_attach(m->work, vm->context);
        chardev_attach(c, &(struct chardev_user){monitor_can_read, monitor_read, monitor_event, m});
        if (!chardev_is_mux(c))
                greet(m);
        return m;
}

void monitor_free(struct monitor *m)
{
        chardev_detach(m->c, m);
        g_source_destroy(m->work);
        g_source_unref(m->work);
        g_mutex_clear(&m->lock);
        g_string_free(m->out, TRUE);
        g_byte_array_unref(m->in);
        g_ptr_array_unref(m->history);
        g_string_free(m->line, TRUE);
        g_free(m);
}
