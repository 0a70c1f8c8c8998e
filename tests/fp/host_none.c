/* SPDX-License-Identifier: MIT */
/* For hosts whose FPU the soft-float tests cannot drive: no operations, so only the texts are checked. */
#include "tests/fp/fp_test.h"

const struct fp_op host_ops[1];
const int host_op_count = 0;

bool host_supported(void)
{
        return false;
}
