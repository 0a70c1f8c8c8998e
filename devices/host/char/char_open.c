/* SPDX-License-Identifier: MIT */
/*
 * The kinds of character back ends: how each opens the host's side. Main thread; accepting a socket's client
 * happens on the VM's context.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/socket.h"
#include "devices/host/char/char_priv.h"

const char *const chardev_kinds[] = {"stdio", "null", "file", "pipe", "pty", "socket", "serial", NULL};

static const char *setting(const struct dev_setting *s, unsigned n, const char *name)
{
        for (unsigned i = 0; i < n; i++) {
                if (!strcmp(s[i].name, name))
                        return s[i].value;
        }
        return NULL;
}

static bool setting_bool(const struct dev_setting *s, unsigned n, const char *name, bool otherwise,
                         bool *value,
                         GError **error)
{
        const char *text = setting(s, n, name);

        *value = otherwise;
        if (text && !dev_parse_bool(text, value, error))
                return error_prefix(error, "%s", name);
        return true;
}

static bool need_path(struct chardev *c, const char *path, GError **error)
{
        if (path)
                return true;
        return error_set(error, RHEA_ERROR_USAGE, "character device %s of kind %s needs path=", c->id,
                         c->kind);
}

static bool open_failed(struct chardev *c, const char *path, GError **error)
{
        return error_set(error, RHEA_ERROR_FILE, "character device %s: cannot open %s: %s", c->id, path,
                         g_strerror(errno));
}

static void terminal_raw(struct termios *t, bool signals)
{
        t->c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
        t->c_lflag &= ~(ECHO | ECHONL | ICANON | IEXTEN);
        if (!signals)
                t->c_lflag &= ~ISIG;
        t->c_cflag = (t->c_cflag & ~(CSIZE | PARENB)) | CS8;
        t->c_cc[VMIN] = 1;
        t->c_cc[VTIME] = 0;
}

static bool open_stdio(struct chardev *c, bool signals, GError **error)
{
        struct termios raw;

        for (unsigned i = 0; i < c->vm->chardevs->len; i++) {
                const struct chardev *other = g_ptr_array_index(c->vm->chardevs, i);

                if (!strcmp(other->kind, "stdio"))
                        return error_set(error, RHEA_ERROR_USAGE,
                                         "both %s and %s want the terminal; "
                                         "make one chardev with mux=on and use it twice",
                                         other->id, c->id);
        }
        c->in_fd = 0;
        c->out_fd = 1;
        c->keep_fds = true;
        if (isatty(0) && tcgetattr(0, &c->terminal) == 0) {
                raw = c->terminal;
                terminal_raw(&raw, signals);
                c->restore_terminal = tcsetattr(0, TCSANOW, &raw) == 0;
        }
        return true;
}

static bool open_file(struct chardev *c, const char *path, bool append, GError **error)
{
        if (!need_path(c, path, error))
                return false;
        c->out_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0666);
        return c->out_fd >= 0 || open_failed(c, path, error);
}

/* path.in and path.out if they exist, else one fifo for both ways. */
static bool open_pipe(struct chardev *c, const char *path, GError **error)
{
        char *in, *out;

        if (!need_path(c, path, error))
                return false;
        in = g_strconcat(path, ".in", NULL);
        out = g_strconcat(path, ".out", NULL);
        c->in_fd = open(in, O_RDWR | O_CLOEXEC | O_NONBLOCK);
        c->out_fd = open(out, O_RDWR | O_CLOEXEC | O_NONBLOCK);
        g_free(in);
        g_free(out);
        if (c->in_fd >= 0 && c->out_fd >= 0)
                return true;
        if (c->in_fd >= 0)
                close(c->in_fd);
        if (c->out_fd >= 0)
                close(c->out_fd);
        c->in_fd = c->out_fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
        return c->in_fd >= 0 || open_failed(c, path, error);
}

static bool open_serial(struct chardev *c, const char *path, GError **error)
{
        struct termios t;

        if (!need_path(c, path, error))
                return false;
        c->in_fd = c->out_fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (c->in_fd < 0)
                return open_failed(c, path, error);
        if (tcgetattr(c->in_fd, &t) == 0) {
                terminal_raw(&t, false);
                t.c_oflag &= ~OPOST;
                tcsetattr(c->in_fd, TCSANOW, &t);
        }
        return true;
}

static bool open_pty(struct chardev *c, GError **error)
{
        struct termios t;
        const char *name;
        int fd = posix_openpt(O_RDWR | O_NOCTTY);

        if (fd < 0 || grantpt(fd) != 0 || unlockpt(fd) != 0 || !(name = ptsname(fd))) {
                if (fd >= 0)
                        close(fd);
                return open_failed(c, "a pseudo-terminal", error);
        }
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        c->in_fd = c->out_fd = fd;
        c->extra_fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (c->extra_fd >= 0 && tcgetattr(c->extra_fd, &t) == 0) {
                terminal_raw(&t, false);
                t.c_oflag &= ~OPOST;
                tcsetattr(c->extra_fd, TCSANOW, &t);
        }
        g_free(c->where);
        c->where = g_strdup_printf("pty: %s", name);
        return true;
}

/* ---- sockets ---- */

/* False if there is a client already: one at a time. */
static bool socket_connected(struct chardev *c, int fd, bool watch)
{
        bool taken;

        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        lock_take(&c->lock, LOCK_FABRIC);
        taken = c->out_fd < 0;
        if (taken)
                c->in_fd = c->out_fd = fd;
        if (taken && watch)
                c->out_tag = g_source_add_unix_fd(c->source, fd, 0);
        if (taken && watch && c->n_users && !c->counted)
                c->in_tag = g_source_add_unix_fd(c->source, fd, G_IO_IN);
        lock_drop(&c->lock, LOCK_FABRIC);
        return taken;
}

void chardev_accept_connection(struct chardev *c)
{
        int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0)
                return;
        if (!socket_connected(c, fd, true)) {
                close(fd);
                return;
        }
        for (unsigned i = 0; i < c->n_users; i++) {
                if (c->users[i].user.event)
                        c->users[i].user.event(c->users[i].user.opaque, CHARDEV_OPENED);
        }
}

static bool open_socket(struct chardev *c, const struct dev_setting *s, unsigned n, GError **error)
{
        const char *path = setting(s, n, "path"), *port = setting(s, n, "port");
        bool server, wait;
        int fd;

        if (!setting_bool(s, n, "server", false, &server, error) ||
            !setting_bool(s, n, "wait", server, &wait, error))
                return false;
        if (!path && !port)
                return error_set(error, RHEA_ERROR_USAGE,
                                 "character device %s of kind socket needs path= or port=",
                                 c->id);
        fd = path ? socket_open_unix(path, server, error) :
                    socket_open_tcp(setting(s, n, "host"), port, server, error);
        if (fd < 0)
                return error_prefix(error, "character device %s", c->id);
        if (!server) {
                socket_connected(c, fd, false);
                return true;
        }
        c->listen_fd = fd;
        c->unlink_path = g_strdup(path);
        if (wait) {
                int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

                if (client < 0)
                        return open_failed(c, path ? path : port, error);
                socket_connected(c, client, false);
        }
        return true;
}

/* ---- by name ---- */

static bool check_settings(struct chardev *c, const struct dev_setting *s, unsigned n, GError **error)
{
        static const char *const names[] = {"path", "mux", "server", "wait", "host", "port", "signal",
                                            "append",
                                            "logfile", NULL};

        for (unsigned i = 0; i < n; i++) {
                const char *near;

                if (g_strv_contains(names, s[i].name))
                        continue;
                near = error_nearest_name(s[i].name, names);
                return error_set(error, RHEA_ERROR_USAGE, "character device %s has no option %s%s%s%s", c->id,
                                 s[i].name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
        }
        return true;
}

bool chardev_open(struct chardev *c, const char *kind, const struct dev_setting *s, unsigned n,
                  GError **error)
{
        const char *path = setting(s, n, "path"), *near;
        bool signals, append;

        if (!check_settings(c, s, n, error) || !setting_bool(s, n, "mux", false, &c->mux, error) ||
            !setting_bool(s, n, "signal", true, &signals, error) ||
            !setting_bool(s, n, "append", false, &append, error))
                return false;
        if (!strcmp(kind, "null"))
                return true;
        if (!strcmp(kind, "stdio"))
                return open_stdio(c, signals, error);
        if (!strcmp(kind, "file"))
                return open_file(c, path, append, error);
        if (!strcmp(kind, "pipe"))
                return open_pipe(c, path, error);
        if (!strcmp(kind, "pty"))
                return open_pty(c, error);
        if (!strcmp(kind, "socket"))
                return open_socket(c, s, n, error);
        if (!strcmp(kind, "serial"))
                return open_serial(c, path, error);
        near = error_nearest_name(kind, chardev_kinds);
        return error_set(error, RHEA_ERROR_USAGE, "there is no kind of character device named %s%s%s%s", kind,
                         near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

/*
 * "host:port,server=on,wait=off" and "path,server=on" as settings; "server" and "nowait" alone are old
 * spellings.
 */
static struct chardev *short_socket(struct vm *vm, const char *id, const char *text, bool tcp, bool mux,
                                    GError **error)
{
        char **part = g_strsplit(text, ",", -1);
        struct dev_setting s[8];
        unsigned n = 0;
        char *colon = part[0] ? strrchr(part[0], ':') : NULL;
        struct chardev *c = NULL;

        if (tcp && colon) {
                *colon = 0;
                s[n++] = (struct dev_setting){"host", part[0]};
                s[n++] = (struct dev_setting){"port", colon + 1};
        } else {
                s[n++] = (struct dev_setting){tcp ? "port" : "path", part[0] ? part[0] : ""};
        }
        s[n++] = (struct dev_setting){"mux", mux ? "on" : "off"};
        for (unsigned i = 1; part[0] && part[i] && n < G_N_ELEMENTS(s); i++) {
                char *eq = strchr(part[i], '=');

                if (eq)
                        *eq++ = 0;
                if (!strcmp(part[i], "nowait"))
                        s[n++] = (struct dev_setting){"wait", "off"};
                else
                        s[n++] = (struct dev_setting){part[i], eq ? eq : "on"};
        }
        c = chardev_new(vm, "socket", id, s, n, error);
        g_strfreev(part);
        return c;
}

struct chardev *chardev_new_short(struct vm *vm, const char *text, const char *id, GError **error)
{
        bool mux = g_str_has_prefix(text, "mon:");
        struct dev_setting s[] = {{"mux", mux ? "on" : "off"}, {"signal", mux ? "off" : "on"}, {"path", ""}};

        if (mux)
                text += 4;
        if (!strcmp(text, "none"))
                return NULL;
        if (g_str_has_prefix(text, "chardev:"))
                return chardev_find(vm, text + 8, error);
        if (!strcmp(text, "stdio") || !strcmp(text, "null") || !strcmp(text, "pty"))
                return chardev_new(vm, text, id, s, 2, error);
        if (g_str_has_prefix(text, "file:")) {
                s[2].value = text + 5;
                return chardev_new(vm, "file", id, s, 3, error);
        }
        if (g_str_has_prefix(text, "pipe:")) {
                s[2].value = text + 5;
                return chardev_new(vm, "pipe", id, s, 3, error);
        }
        if (g_str_has_prefix(text, "unix:"))
                return short_socket(vm, id, text + 5, false, mux, error);
        if (g_str_has_prefix(text, "tcp:") || g_str_has_prefix(text, "telnet:"))
                return short_socket(vm, id, strchr(text, ':') + 1, true, mux, error);
        if (g_str_has_prefix(text, "/dev/")) {
                s[2].value = text;
                return chardev_new(vm, "serial", id, s, 3, error);
        }
        error_set(error, RHEA_ERROR_USAGE,
                  "'%s' is no character device; "
                  "write stdio, mon:stdio, null, none, pty, file:PATH, pipe:PATH, unix:PATH, "
                  "tcp:HOST:PORT or chardev:ID", text);
        return NULL;
}
