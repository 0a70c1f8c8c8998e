/* SPDX-License-Identifier: MIT */
/* The human monitor: commands typed at a character back end, or sent by gdb. Main thread. */
#pragma once

#include <stdio.h>

#include <glib.h>

struct chardev;
struct monitor;
struct vm;

/* Attaches to @c, whose escape it answers when it is shared with a console. */
struct monitor *monitor_new(struct vm *vm, struct chardev *c);
void monitor_free(struct monitor *m);

/* Runs one command and returns what it prints; *cpu is the vCPU that it speaks of, which it may change. */
char *monitor_run(struct vm *vm, unsigned *cpu, const char *line);

/* The commands as rows of a table in Markdown. */
void monitor_print_markdown(FILE *to);
