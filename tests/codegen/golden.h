/* SPDX-License-Identifier: MIT */
/* Golden host code of small regions. */
#pragma once

#include <stdbool.h>

#include <glib.h>

/*
 * A file of tests: "; test: name", the region as ir_print writes it, "; code: N instructions", the code. The
 * code of every region must be as it stands; @bless rewrites it instead.
 */
bool golden_check(const char *path, bool bless, GError **error);

/* The same of any text: the file must be @now. */
bool golden_text(const char *path, const char *now, bool bless, GError **error);
