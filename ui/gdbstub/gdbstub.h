/* SPDX-License-Identifier: MIT */
/* A server for gdb's remote protocol. Main thread. */
#pragma once

#include <glib.h>

struct gdbstub;
struct vm;

/* Listens at @where: "tcp:HOST:PORT" (no host: this machine only), "unix:PATH". */
struct gdbstub *gdbstub_new(struct vm *vm, const char *where, GError **error);
/* Tells gdb that the machine ended with @status; NULL is allowed. */
void gdbstub_free(struct gdbstub *g, int status);
