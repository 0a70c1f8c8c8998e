/* SPDX-License-Identifier: MIT */
/*
 * Semihosting: a program's calls to whoever debugs it ("Semihosting for AArch32 and AArch64", Arm 2023Q3;
 * RISC-V took the same operations). Served: the console, the time, and the exit. Files of the host are not.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

struct vm;
struct semihosting;

/*
 * After the vCPUs are made. Installs vm->semihosting with its console on the chardev "serial0", if there is
 * one. Free it before the VM.
 */
struct semihosting *semihosting_new(struct vm *vm, GError **error);
void semihosting_free(struct semihosting *s);
