#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Leaf helpers call nothing that could use FP registers.

    leaf.py ARCHIVE...

The archives are compiled for general registers only. Generated code calls into
them without keeping FP registers, so together they must be closed: each symbol
that one of them refers to, another has to define. A call of memcpy that the
compiler made counts as well.
"""

import subprocess
import sys

NO_CODE = {"_GLOBAL_OFFSET_TABLE_"}


def symbols(archives, kind):
    done = subprocess.run(["nm", "--no-sort", "--format=posix", kind, *archives], stdout=subprocess.PIPE,
                          text=True, check=True)
    return {line.split()[0] for line in done.stdout.splitlines() if len(line.split()) > 1}


def main(archives):
    missing = symbols(archives, "--undefined-only") - symbols(archives, "--defined-only") - NO_CODE
    for name in sorted(missing):
        print(f"a leaf helper, or what it calls, refers to {name}, which may be compiled for all registers")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
