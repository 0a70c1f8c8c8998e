/* SPDX-License-Identifier: MIT */
/* What chardev.c (buffers, escapes, users) and char_open.c (the kinds) share. */
#pragma once

#include <termios.h>

#include "base/lock.h"
#include "devices/dev.h"
#include "devices/host/char/chardev.h"

enum { CHARDEV_USERS = 4, CHARDEV_OUT_MAX = 65536, CHARDEV_IN_MAX = 4096 };

struct chardev_slot {
        struct chardev_user user;
        GByteArray *in; /* arrived, not yet taken; the context's thread only */
};

struct chardev {
        struct vm *vm;
        char *id, *alias, *kind, *where, *claimed_by;
        GSource *source;           /* on the VM's context: input, room for output, accept_input */
        gpointer in_tag, out_tag, listen_tag;

        GMutex lock;               /* rank LOCK_FABRIC: what follows up to users */
        int in_fd, out_fd, listen_fd;
        GByteArray *out;           /* waits for room */
        bool refused;              /* somebody waits for CHARDEV_WRITABLE */
        bool out_plain;            /* a regular file: never makes anybody wait */

        /* fixed before the vCPUs run, or the context's thread only */
        struct chardev_slot users[CHARDEV_USERS];
        unsigned n_users, focus;
        bool mux, escape;          /* Ctrl-A is special; the last byte was Ctrl-A */
        bool counted;              /* deterministic mode */
        bool keep_fds;             /* standard input and output: not ours to close */
        bool restore_terminal;
        struct termios terminal;
        int extra_fd;              /* the far end of a pty, kept open so that it does not hang up */
        char *unlink_path;
};

/* char_open.c: opens the host's side as the settings say. */
bool chardev_open(struct chardev *c, const char *kind, const struct dev_setting *settings,
                  unsigned n_settings,
                  GError **error);
void chardev_accept_connection(struct chardev *c);
