/* SPDX-License-Identifier: MIT */
/* From the command line to a machine that is ready to start. */
#pragma once

#include <stdbool.h>

#include <glib.h>

struct cli;
struct vm;

/* NULL and an error if anything is wrong; then nothing is left behind. */
struct vm *setup_vm(const struct cli *cli, GError **error);

/* Adds the monitors that were asked for: struct monitor *, to be freed before the VM. */
bool setup_monitors(const struct cli *cli, struct vm *vm, GPtrArray *monitors, GError **error);
