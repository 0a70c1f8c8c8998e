/* SPDX-License-Identifier: MIT */
/*
 * The gdb stub's socket: one client at a time, never waited for. A client that does not read what it asks for
 * is dropped.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib-unix.h>

#include "base/error.h"
#include "base/socket.h"
#include "ui/gdbstub/gdb_priv.h"

static void drop_client(struct gdbstub *g)
{
        if (g->fd < 0)
                return;
        g_source_destroy(g->source);
        g_source_unref(g->source);
        close(g->fd);
        g->fd = -1;
        g_byte_array_set_size(g->out, 0);
        gdb_disconnected(g);
}

static void flush(struct gdbstub *g)
{
        while (g->out->len) {
                ssize_t n = send(g->fd, g->out->data, g->out->len, MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n <= 0)
                        break;
                g_byte_array_remove_range(g->out, 0, n);
        }
        g_source_modify_unix_fd(g->source, g->tag, g->out->len ? G_IO_IN | G_IO_OUT : G_IO_IN);
}

void gdb_send_raw(struct gdbstub *g, const void *data, size_t len)
{
        if (g->fd < 0)
                return;
        if (g->out->len + len > GDB_OUT_MAX) {
                g->close = true;
                return;
        }
        g_byte_array_append(g->out, data, len);
        flush(g);
}

struct gdb_source {
        GSource source;
        struct gdbstub *g;
};

static gboolean client_dispatch(GSource *source, GSourceFunc fn, gpointer data)
{
        struct gdbstub *g = ((struct gdb_source *)source)->g;
        uint8_t buf[4096];
        ssize_t n;

        if (g->out->len)
                flush(g);
        n = recv(g->fd, buf, sizeof(buf), MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                g->close = true;
        for (ssize_t i = 0; i < n && !g->close; i++)
                gdb_take_byte(g, buf[i]);
        if (g->close)
                drop_client(g);
        return G_SOURCE_CONTINUE;
}

static GSourceFuncs client_funcs = {.dispatch = client_dispatch};

static gboolean listen_ready(gint fd, GIOCondition condition, gpointer opaque)
{
        struct gdbstub *g = opaque;
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), one = 1;

        if (client < 0)
                return G_SOURCE_CONTINUE;
        if (g->fd >= 0) {
                close(client); /* somebody debugs already */
                return G_SOURCE_CONTINUE;
        }
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        g->fd = client;
        g->source = g_source_new(&client_funcs, sizeof(struct gdb_source));
        ((struct gdb_source *)g->source)->g = g;
        g->tag = g_source_add_unix_fd(g->source, client, G_IO_IN);
        g_source_attach(g->source, g->vm->context);
        gdb_connected(g);
        return G_SOURCE_CONTINUE;
}

/* ---- listening ---- */

static bool listen_unix(struct gdbstub *g, const char *path, GError **error)
{
        g->listen_fd = socket_open_unix(path, true, error);
        if (g->listen_fd >= 0)
                g->unlink_path = g_strdup(path);
        return g->listen_fd >= 0;
}

/* "HOST:PORT", "[HOST]:PORT" or ":PORT"; without a host this machine alone can debug. */
static bool listen_tcp(struct gdbstub *g, const char *text, GError **error)
{
        const char *colon = strrchr(text, ':');
        size_t n = colon ? (size_t)(colon - text) : 0;
        bool brackets = n >= 2 && text[0] == '[' && text[n - 1] == ']';
        g_autofree char *host = brackets ? g_strndup(text + 1, n - 2) : g_strndup(text, n);

        if (!colon || !colon[1])
                return error_set(error, RHEA_ERROR_USAGE, "a port is missing; write tcp::1234");
        g->listen_fd = socket_open_tcp(*host ? host : "127.0.0.1", colon + 1, true, error);
        return g->listen_fd >= 0;
}

/* What may follow a comma is accepted where it says what happens anyway. */
static bool open_listener(struct gdbstub *g, const char *where, GError **error)
{
        g_auto(GStrv) parts = g_strsplit(where, ",", -1);
        static const char *const always[] = {"server", "server=on", "nowait", "wait=off", "nodelay",
                                             "nodelay=on", "ipv4", "ipv4=on", NULL};

        for (unsigned i = 1; parts[0] && parts[i]; i++) {
                if (!g_strv_contains(always, parts[i]))
                        return error_set(error, RHEA_ERROR_USAGE,
                                         "'%s' is not known here; write tcp::1234 or unix:PATH", parts[i]);
        }
        if (parts[0] && g_str_has_prefix(parts[0], "tcp:"))
                return listen_tcp(g, parts[0] + 4, error);
        if (parts[0] && g_str_has_prefix(parts[0], "unix:"))
                return listen_unix(g, parts[0] + 5, error);
        return error_set(error, RHEA_ERROR_USAGE, "write tcp::1234, tcp:HOST:PORT, unix:PATH or none");
}

/* A port that the system chose is told. */
static void announce_port(const struct gdbstub *g, const char *where)
{
        struct sockaddr_in a;
        socklen_t len = sizeof(a);

        if (g_str_has_prefix(where, "tcp:") && getsockname(g->listen_fd, (struct sockaddr *)&a, &len) == 0 &&
            (g_str_has_suffix(where, ":0") || strstr(where, ":0,")))
                fprintf(stderr, "gdb: port %u\n", ntohs(a.sin_port));
}

struct gdbstub *gdbstub_new(struct vm *vm, const char *where, GError **error)
{
        struct gdbstub *g = g_new0(struct gdbstub, 1);

        g->vm = vm;
        g->fd = g->listen_fd = -1;
        g->out = g_byte_array_new();
        g->body = g_byte_array_new();
        g->breakpoints = g_array_new(FALSE, FALSE, sizeof(struct gdb_breakpoint));
        g->current = g->stopped = vm->vcpus[0];
        if (!open_listener(g, where, error)) {
                gdbstub_free(g, 0);
                return NULL;
        }
        announce_port(g, where);
        vm->debugger = g;
        vm->debug_stopped = gdb_debug_stopped;
        g->listen_source = g_unix_fd_source_new(g->listen_fd, G_IO_IN);
        g_source_set_callback(g->listen_source, G_SOURCE_FUNC(listen_ready), g, NULL);
        g_source_attach(g->listen_source, vm->context);
        return g;
}

void gdbstub_free(struct gdbstub *g, int status)
{
        if (!g)
                return;
        if (g->fd >= 0) {
                gdb_exited(g, status);
                g_source_destroy(g->source);
                g_source_unref(g->source);
                close(g->fd);
        }
        if (g->listen_source) {
                g_source_destroy(g->listen_source);
                g_source_unref(g->listen_source);
        }
        if (g->listen_fd >= 0)
                close(g->listen_fd);
        if (g->unlink_path)
                unlink(g->unlink_path);
        if (g->vm->debugger == g) {
                g->vm->debugger = NULL;
                g->vm->debug_stopped = NULL;
        }
        g_free(g->unlink_path);
        g_free(g->last);
        g_free(g->target_xml);
        g_array_unref(g->breakpoints);
        g_byte_array_unref(g->out);
        g_byte_array_unref(g->body);
        g_free(g);
}
