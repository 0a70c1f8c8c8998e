/* SPDX-License-Identifier: MIT */
/*
 * Character back ends: buffering in both directions, the Ctrl-A escapes of a shared terminal, and the users.
 * One GSource per back end watches its descriptors; in deterministic mode the vCPU thread looks at them
 * instead, at fixed counts, and output waits for the host.
 */
#include "devices/host/char/chardev.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "devices/host/char/char_priv.h"

enum { ESCAPE = 1 /* Ctrl-A */ };

static const char escape_help[] =
        "\r\n"
        "Ctrl-A h    this help\r\n"
        "Ctrl-A x    quit\r\n"
        "Ctrl-A b    send a break\r\n"
        "Ctrl-A c    switch between console and monitor\r\n"
        "Ctrl-A Ctrl-A  send Ctrl-A\r\n";

/* ---- output ---- */

static bool fd_ready(int fd, short events, int timeout_ms)
{
        struct pollfd p = {.fd = fd, .events = events};

        return poll(&p, 1, timeout_ms) == 1 && (p.revents & (events | POLLHUP | POLLERR));
}

/* Writes what the host takes at once; nobody left to read counts as taken. */
static size_t out_now_locked(struct chardev *c, const void *buf, size_t len)
{
        ssize_t n;

        if (!c->out_plain && !fd_ready(c->out_fd, POLLOUT, c->counted ? -1 : 0))
                return 0;
        n = write(c->out_fd, buf, c->out_plain ? len : MIN(len, 512));
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : len;
        return n;
}

static void out_drain_locked(struct chardev *c)
{
        while (c->out->len && c->out_fd >= 0) {
                size_t n = out_now_locked(c, c->out->data, c->out->len);

                if (!n)
                        return;
                g_byte_array_remove_range(c->out, 0, n);
        }
        g_byte_array_set_size(c->out, 0);
}

size_t chardev_write(struct chardev *c, const void *buf, size_t len)
{
        size_t n = 0;

        lock_take(&c->lock, LOCK_FABRIC);
        if (c->out_fd < 0) {
                n = len;
        } else {
                while (!c->out->len && n < len) {
                        size_t now = out_now_locked(c, (const char *)buf + n, len - n);

                        if (!now && !c->counted)
                                break;
                        n += now;
                }
                if (n < len) {
                        size_t more = MIN(len - n, CHARDEV_OUT_MAX - c->out->len);

                        g_byte_array_append(c->out, (const uint8_t *)buf + n, more);
                        n += more;
                        c->refused |= n < len;
                        g_source_modify_unix_fd(c->source, c->out_tag, G_IO_OUT);
                }
        }
        lock_drop(&c->lock, LOCK_FABRIC);
        return n;
}

/* ---- input ---- */

static void user_event(struct chardev *c, unsigned i, enum chardev_event event)
{
        if (i < c->n_users && c->users[i].user.event)
                c->users[i].user.event(c->users[i].user.opaque, event);
}

static void escape_command(struct chardev *c, uint8_t ch)
{
        switch (ch) {
        case 'h':
        case '?':
                chardev_write(c, escape_help, sizeof(escape_help) - 1);
                break;
        case 'x':
                chardev_write(c, "\r\nrhea: terminated\r\n", 20);
                vm_request(c->vm, VM_REQ_EXIT_CODE, 0);
                break;
        case 'b':
                user_event(c, c->focus, CHARDEV_BREAK);
                break;
        case 'c':
                if (c->n_users < 2)
                        break;
                user_event(c, c->focus, CHARDEV_FOCUS_OUT);
                c->focus = (c->focus + 1) % c->n_users;
                user_event(c, c->focus, CHARDEV_FOCUS_IN);
                break;
        }
}

/* Sorts what arrived: escapes are obeyed at once, the rest queues for who has the focus. */
static void in_sort(struct chardev *c, const uint8_t *buf, size_t len)
{
        for (size_t i = 0; i < len; i++) {
                if (c->mux && !c->escape && buf[i] == ESCAPE) {
                        c->escape = true;
                        continue;
                }
                if (c->escape && buf[i] != ESCAPE) {
                        c->escape = false;
                        escape_command(c, buf[i]);
                        continue;
                }
                c->escape = false;
                if (c->focus < c->n_users)
                        g_byte_array_append(c->users[c->focus].in, &buf[i], 1);
        }
}

static void in_deliver(struct chardev *c)
{
        for (unsigned i = 0; i < c->n_users; i++) {
                struct chardev_slot *s = &c->users[i];

                if (!s->user.read)
                        g_byte_array_set_size(s->in, 0);
                while (s->in->len) {
                        size_t room = s->user.can_read ? s->user.can_read(s->user.opaque) : s->in->len;
                        uint8_t buf[64];
                        size_t n = MIN(MIN(room, s->in->len), sizeof(buf));

                        if (!n)
                                break;
                        memcpy(buf, s->in->data, n);
                        g_byte_array_remove_range(s->in, 0, n);
                        s->user.read(s->user.opaque, buf, n);
                }
        }
}

void chardev_inject(struct chardev *c, const uint8_t *buf, size_t len)
{
        in_sort(c, buf, len);
        in_deliver(c);
}

static bool in_has_room(struct chardev *c)
{
        size_t queued = 0;

        for (unsigned i = 0; i < c->n_users; i++)
                queued += c->users[i].in->len;
        return queued < (c->mux ? CHARDEV_IN_MAX : 1);
}

/* The host's side closed: a server waits for the next client. */
static void in_closed(struct chardev *c)
{
        lock_take(&c->lock, LOCK_FABRIC);
        if (c->in_tag)
                g_source_remove_unix_fd(c->source, c->in_tag);
        c->in_tag = NULL;
        if (c->in_fd >= 0 && c->in_fd == c->out_fd && !c->keep_fds) {
                /* a socket: both directions are gone */
                if (c->out_tag)
                        g_source_remove_unix_fd(c->source, c->out_tag);
                c->out_tag = NULL;
                close(c->out_fd);
                c->out_fd = -1;
                g_byte_array_set_size(c->out, 0);
        }
        c->in_fd = -1;
        lock_drop(&c->lock, LOCK_FABRIC);
        for (unsigned i = 0; i < c->n_users; i++)
                user_event(c, i, CHARDEV_CLOSED);
}

static void in_read(struct chardev *c, int fd)
{
        uint8_t buf[256];
        ssize_t n;

        n = read(fd, buf, sizeof(buf));
        if (n > 0)
                in_sort(c, buf, n);
        else if (n == 0 || (errno != EAGAIN && errno != EINTR))
                in_closed(c);
}

static void chardev_counted_poll(void *opaque)
{
        struct chardev *c = opaque;
        int fd;

        lock_take(&c->lock, LOCK_FABRIC); /* the main thread accepts connections */
        fd = c->in_fd;
        lock_drop(&c->lock, LOCK_FABRIC);
        if (fd >= 0 && in_has_room(c) && fd_ready(fd, POLLIN, 0))
                in_read(c, fd);
        in_deliver(c);
}

void chardev_accept_input(struct chardev *c)
{
        if (!c->counted)
                g_source_set_ready_time(c->source, 0);
}

/* ---- the source ---- */

struct chardev_source {
        GSource source;
        struct chardev *c;
};

static gboolean source_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
        struct chardev *c = ((struct chardev_source *)source)->c;
        bool writable = false;

        g_source_set_ready_time(source, -1);
        if (c->listen_tag && g_source_query_unix_fd(source, c->listen_tag) & G_IO_IN)
                chardev_accept_connection(c);
        if (!c->counted) {
                if (c->in_tag && g_source_query_unix_fd(source, c->in_tag) && in_has_room(c))
                        in_read(c, c->in_fd);
                in_deliver(c);
        }
        lock_take(&c->lock, LOCK_FABRIC);
        if (c->out->len)
                out_drain_locked(c);
        if (!c->out->len) {
                writable = c->refused;
                c->refused = false;
        }
        if (c->out_tag)
                g_source_modify_unix_fd(source, c->out_tag, c->out->len ? G_IO_OUT : 0);
        if (c->in_tag)
                g_source_modify_unix_fd(source, c->in_tag, in_has_room(c) ? G_IO_IN : 0);
        lock_drop(&c->lock, LOCK_FABRIC);
        for (unsigned i = 0; writable && i < c->n_users; i++)
                user_event(c, i, CHARDEV_WRITABLE);
        return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.dispatch = source_dispatch};

/* ---- life ---- */

static void chardev_destroy(gpointer p)
{
        struct chardev *c = p;

        if (c->counted)
                vm_remove_counted_poll(c->vm, chardev_counted_poll, c);
        for (int i = 0; c->out->len && c->out_fd >= 0 && i < 10; i++) {
                fd_ready(c->out_fd, POLLOUT, 20);
                out_drain_locked(c);
        }
        g_source_destroy(c->source);
        g_source_unref(c->source);
        if (c->restore_terminal)
                tcsetattr(0, TCSANOW, &c->terminal);
        if (!c->keep_fds) {
                if (c->in_fd >= 0)
                        close(c->in_fd);
                if (c->out_fd >= 0 && c->out_fd != c->in_fd)
                        close(c->out_fd);
        }
        if (c->listen_fd >= 0)
                close(c->listen_fd);
        if (c->extra_fd >= 0)
                close(c->extra_fd);
        if (c->unlink_path)
                unlink(c->unlink_path);
        for (unsigned i = 0; i < c->n_users; i++)
                g_byte_array_unref(c->users[i].in);
        g_byte_array_unref(c->out);
        g_mutex_clear(&c->lock);
        g_free(c->unlink_path);
        g_free(c->claimed_by);
        g_free(c->where);
        g_free(c->kind);
        g_free(c->alias);
        g_free(c->id);
        g_free(c);
}

struct chardev *chardev_new(struct vm *vm, const char *kind, const char *id,
                            const struct dev_setting *settings,
                            unsigned n_settings, GError **error)
{
        struct chardev *c;
        struct stat st;

        if (chardev_find(vm, id, NULL)) {
                error_set(error, RHEA_ERROR_USAGE, "there are two character devices with the id %s", id);
                return NULL;
        }
        c = g_new0(struct chardev, 1);
        c->vm = vm;
        c->id = g_strdup(id);
        c->kind = g_strdup(kind);
        c->where = g_strdup(kind);
        c->in_fd = c->out_fd = c->listen_fd = c->extra_fd = -1;
        c->out = g_byte_array_new();
        c->counted = vm->deterministic;
        g_mutex_init(&c->lock);
        c->source = g_source_new(&source_funcs, sizeof(struct chardev_source));
        ((struct chardev_source *)c->source)->c = c;
        if (c->counted)
                vm_add_counted_poll(vm, chardev_counted_poll, c);
        if (!chardev_open(c, kind, settings, n_settings, error)) {
                chardev_destroy(c);
                return NULL;
        }
        c->out_plain = c->out_fd >= 0 && fstat(c->out_fd, &st) == 0 && S_ISREG(st.st_mode);
        if (c->listen_fd >= 0)
                c->listen_tag = g_source_add_unix_fd(c->source, c->listen_fd, G_IO_IN);
        /* the descriptor is watched from the first user on */
        if (c->out_fd >= 0)
                c->out_tag = g_source_add_unix_fd(c->source, c->out_fd, 0);
        g_source_attach(c->source, vm->context);
        g_ptr_array_set_free_func(vm->chardevs, chardev_destroy);
        g_ptr_array_add(vm->chardevs, c);
        return c;
}

struct chardev *chardev_find(struct vm *vm, const char *id, GError **error)
{
        GPtrArray *names = g_ptr_array_new();
        const char *near;

        for (unsigned i = 0; i < vm->chardevs->len; i++) {
                struct chardev *c = g_ptr_array_index(vm->chardevs, i);

                if (!strcmp(c->id, id) || !g_strcmp0(c->alias, id)) {
                        g_ptr_array_unref(names);
                        return c;
                }
                g_ptr_array_add(names, c->id);
        }
        g_ptr_array_add(names, NULL);
        near = error_nearest_name(id, (const char *const *)names->pdata);
        error_set(error, RHEA_ERROR_USAGE, "there is no character device %s%s%s%s; make one with -chardev",
                  id,
                  near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
        g_ptr_array_unref(names);
        return NULL;
}

void chardev_set_alias(struct chardev *c, const char *alias)
{
        g_free(c->alias);
        c->alias = g_strdup(alias);
}

bool chardev_is_mux(const struct chardev *c)
{
        return c->mux;
}

const char *chardev_id(const struct chardev *c)
{
        return c->id;
}

const char *chardev_where(const struct chardev *c)
{
        return c->where;
}

bool chardev_claim(struct chardev *c, const char *user, GError **error)
{
        if (c->claimed_by && !c->mux)
                return error_set(error, RHEA_ERROR_USAGE,
                                 "character device %s is in use by %s; add mux=on to share it",
                                 c->id, c->claimed_by);
        g_free(c->claimed_by);
        c->claimed_by = g_strdup(user);
        return true;
}

void chardev_release(struct chardev *c)
{
        g_clear_pointer(&c->claimed_by, g_free);
}

void chardev_attach(struct chardev *c, const struct chardev_user *user)
{
        if (c->n_users == CHARDEV_USERS)
                return;
        c->users[c->n_users++] = (struct chardev_slot){*user, g_byte_array_new()};
        if (c->n_users == 1 && c->in_fd >= 0 && !c->counted)
                c->in_tag = g_source_add_unix_fd(c->source, c->in_fd, G_IO_IN);
}

void chardev_detach(struct chardev *c, void *opaque)
{
        for (unsigned i = 0; i < c->n_users; i++) {
                if (c->users[i].user.opaque != opaque)
                        continue;
                g_byte_array_unref(c->users[i].in);
                memmove(c->users + i, c->users + i + 1, (c->n_users - i - 1) * sizeof(c->users[0]));
                c->n_users--;
                if (c->focus >= c->n_users)
                        c->focus = 0;
                return;
        }
}
