/* SPDX-License-Identifier: MIT */
/*
 * Stream sockets on the host (unix(7), getaddrinfo(3)). No state; any thread.
 */
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/socket.h"

/* -1; errno says why. */
static int failed(int fd, bool server, const char *where, GError **error)
{
        error_set(error, RHEA_ERROR_FILE, "cannot %s %s: %s", server ? "listen at" : "connect to", where,
                  g_strerror(errno));
        if (fd >= 0)
                close(fd);
        return -1;
}

static bool settle(int fd, const struct sockaddr *a, socklen_t len, bool server)
{
        return server ? bind(fd, a, len) == 0 && listen(fd, 1) == 0 : connect(fd, a, len) == 0;
}

int socket_open_unix(const char *path, bool server, GError **error)
{
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        struct stat st;
        int fd;

        if (!*path || strlen(path) >= sizeof(a.sun_path)) {
                error_set(error, RHEA_ERROR_USAGE, "the path of a socket has 1 to %zu letters", sizeof(a.sun_path) - 1);
                return -1;
        }
        strcpy(a.sun_path, path);
        if (server && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
                unlink(path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || !settle(fd, (struct sockaddr *)&a, sizeof(a), server))
                return failed(fd, server, path, error);
        return fd;
}

/* getaddrinfo() takes numbers modulo 65536. */
static bool check_port(const char *port, GError **error)
{
        bool number = port[strspn(port, "0123456789")] == '\0';

        if (!*port)
                return error_set(error, RHEA_ERROR_USAGE, "a port is missing");
        if (number && (strlen(port) > 5 || g_ascii_strtoull(port, NULL, 10) > 65535))
                return error_set(error, RHEA_ERROR_USAGE, "port %s is more than 65535", port);
        return true;
}

int socket_open_tcp(const char *host, const char *port, bool server, GError **error)
{
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = server ? AI_PASSIVE : 0}, *list = NULL;
        g_autofree char *where = g_strdup_printf("%s:%s", host ? host : "", port);
        int rc, fd = -1, one = 1;

        if (!check_port(port, error))
                return -1;
        rc = getaddrinfo(host && *host ? host : NULL, port, &hints, &list);
        if (rc) {
                error_set(error, RHEA_ERROR_USAGE, "%s: %s", where,
                          rc == EAI_SERVICE ? "that is no port's number nor a service's name" : gai_strerror(rc));
                return -1;
        }
        for (struct addrinfo *a = list; a; a = a->ai_next) {
                fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
                if (fd < 0)
                        continue;
                setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
                if (settle(fd, a->ai_addr, a->ai_addrlen, server))
                        break;
                failed(fd, server, where, NULL);
                fd = -1;
        }
        if (fd < 0)
                failed(fd, server, where, error);
        freeaddrinfo(list);
        return fd;
}
