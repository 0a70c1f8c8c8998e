/* SPDX-License-Identifier: MIT */
/*
 * Stream sockets on the host, to listen at or to connect: what -chardev, -serial, -monitor and -gdb name.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

/*
 * A socket that listens (@server) or is connected; -1 and an error otherwise. Connecting waits. A socket that was
 * left over at @path gives way to a listening one; any other file is not removed.
 */
int socket_open_unix(const char *path, bool server, GError **error);

/*
 * The same by TCP. @port is a number to 65535 or a service's name; with a listening socket 0 lets the system choose.
 * Without @host (NULL or empty) a server listens at all addresses, a client connects to this machine.
 */
int socket_open_tcp(const char *host, const char *port, bool server, GError **error);
