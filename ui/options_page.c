/* SPDX-License-Identifier: MIT */
/* Prints docs/command-line.md. */
#include "ui/cli.h"

int main(void)
{
        cli_print_markdown(stdout);
        return 0;
}
