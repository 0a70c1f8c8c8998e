/* SPDX-License-Identifier: MIT */
/*
 * What oracle.c (standard output, standard input) and remote.c say to each other, both of the same byte order
 * and layout of structures: first the oracle a struct oracle_hello; then for each batch a number and as many
 * struct test_case, which come back with what the CPU made of them.
 */
#pragma once

#include "tests/diff/x86/cases.h"

enum { ORACLE_BATCH = 1 << 16 }; /* at most */

struct oracle_hello {
        uint32_t case_size; /* of struct test_case: a test of the layout */
        uint32_t features;
};
