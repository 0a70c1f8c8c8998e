#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Runs smp.c on two vCPUs, by the interpreter, the JIT, and in deterministic mode: smp.py --rhea BUILD/rhea-...
"""

import sys
import tempfile

import bare

args = bare.arguments(__doc__).parse_args()
bare.need()
with tempfile.TemporaryDirectory() as d:
    elf = bare.build(d, 'smp.c')
    for mode in (['-accel', 'interp'], ['-accel', 'jit'], ['-accel', 'jit', '-icount', 'shift=3']):
        code = bare.status(bare.rhea(args.rhea, elf, '-smp', '2', *mode), timeout=300)
        if code:
            sys.exit('%s: status %d' % (' '.join(mode), code))
