/* SPDX-License-Identifier: MIT */
/*
 * The decode table's rows as the guest knows them.
 */
#include "guest.h" /* of the guest that is built */

const struct row rows[] = {
#include "rows.h"
};
const unsigned n_rows = sizeof(rows) / sizeof(rows[0]);
