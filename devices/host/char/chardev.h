/* SPDX-License-Identifier: MIT */
/*
 * Character back ends: what stands behind serial ports, consoles and monitors. One end is the host (terminal,
 * file, socket, ...), the other one user, or with mux=on several that share it; Ctrl-A is then the escape.
 *
 * Input arrives on the VM's context (in deterministic mode on the vCPU thread at fixed counts), with no lock
 * held. Output is buffered when the host is slow, and refused when the buffer is full.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

struct vm;
struct chardev;
struct dev_setting;

enum chardev_event { CHARDEV_BREAK, CHARDEV_OPENED, CHARDEV_CLOSED, CHARDEV_WRITABLE, CHARDEV_FOCUS_IN,
                    CHARDEV_FOCUS_OUT };

/* Who uses a chardev. Any function may be NULL. */
struct chardev_user {
        size_t (*can_read)(void *opaque); /* how many bytes read would take now */
        void (*read)(void *opaque, const uint8_t *buf, size_t len);
        void (*event)(void *opaque, enum chardev_event event);
        void *opaque;
};

/*
 * Makes a back end: @kind is "stdio", "null", "file", "pty", "socket", "pipe", "serial"; settings as in
 * -chardev ("path", "mux", "server", "wait", "host", "port", "signal", "append"). It belongs to the VM.
 */
struct chardev *chardev_new(struct vm *vm, const char *kind, const char *id,
                            const struct dev_setting *settings,
                            unsigned n_settings, GError **error);

/*
 * The short form of -serial and -monitor: "stdio", "mon:stdio", "null", "none" (NULL without an error),
 * "pty", "file:x", "unix:x,server=on,wait=off", "tcp:host:port,server=on", "chardev:id", "/dev/ttyX".
 */
struct chardev *chardev_new_short(struct vm *vm, const char *text, const char *id, GError **error);

/* NULL-terminated, for -chardev help. */
extern const char *const chardev_kinds[];

struct chardev *chardev_find(struct vm *vm, const char *id, GError **error); /* error names the nearest */
/*
 * A second name by which it is found: "serial0" for what -serial chardev:ID names. Replaces an earlier one.
 */
void chardev_set_alias(struct chardev *c, const char *alias);
bool chardev_is_mux(const struct chardev *c);
const char *chardev_id(const struct chardev *c);
/* What it is for the user: "pty: /dev/pts/3". */
const char *chardev_where(const struct chardev *c);

/* A device's property took it: refuses a second user unless it is a mux. dev_new does this. */
bool chardev_claim(struct chardev *c, const char *user, GError **error);
void chardev_release(struct chardev *c);

/* Connects a user; the first one of a mux has the input until Ctrl-A c. Main thread, before the vCPUs run. */
void chardev_attach(struct chardev *c, const struct chardev_user *user);
void chardev_detach(struct chardev *c, void *opaque);

/* Bytes taken, which may be fewer than @len: CHARDEV_WRITABLE tells when to go on. Any thread. */
size_t chardev_write(struct chardev *c, const void *buf, size_t len);
/* The user can take input again. Any thread; device locks may be held. */
void chardev_accept_input(struct chardev *c);

/* Input as if it came from the host: for tests and monitors. The calling thread plays the VM's context. */
void chardev_inject(struct chardev *c, const uint8_t *buf, size_t len);
