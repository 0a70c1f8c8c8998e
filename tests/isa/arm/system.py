#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Translation and exceptions of AArch64 (system.c) on Rhea's interpreter and JIT against QEMU.

    system.py --rhea BUILD/rhea-system-aarch64 [--qemu qemu-system-aarch64]

The outputs must be the same line by line. Exits with 77 without aarch64-linux-gnu-gcc or QEMU.
"""

import sys
import tempfile

import bare

args = bare.arguments(__doc__, qemu=True).parse_args()
bare.need(args.qemu)
wrong = 0
with tempfile.TemporaryDirectory() as d:
    elf = bare.build(d, 'system.S', 'system.c')
    wanted = bare.output(bare.qemu(args.qemu, elf), timeout=120)
    for accel in ('interp', 'jit'):
        got = bare.output(bare.rhea(args.rhea, elf, '-accel', accel), timeout=120)
        for a, b in zip(wanted, got):
            if a != b:
                wrong += 1
                print('%s: QEMU "%s", here "%s"' % (accel, a, b))
        if len(wanted) != len(got) or len(got) < 1000:
            wrong += 1
            print('%s: %d lines, QEMU %d; the last is "%s"' % (accel, len(got), len(wanted), got[-1] if got
                                                               else ''))
print('%d lines, %d differ' % (len(wanted), wrong))
sys.exit(wrong != 0)
