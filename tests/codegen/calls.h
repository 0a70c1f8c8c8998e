/* SPDX-License-Identifier: MIT */
/* Which ops of the IR this host's code leaves to C. */
#pragma once

#include <stdbool.h>

#include <glib.h>

/*
 * A line for each op and form (types, lanes, variants) that calls C for ordinary operands; g_free. False with
 * an error if an op of ir/ops.def has no form here.
 */
bool calls_list(char **text, GError **error);
