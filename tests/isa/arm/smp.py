#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs smp.c on two vCPUs, by the interpreter, the JIT, and in deterministic mode: smp.py --rhea BUILD/rhea-..."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

ap = argparse.ArgumentParser(description=__doc__)
ap.add_argument('--rhea', required=True)
args = ap.parse_args()
if not shutil.which('aarch64-linux-gnu-gcc'):
    print('skipped: no aarch64-linux-gnu-gcc')
    sys.exit(77)
with tempfile.TemporaryDirectory() as d:
    elf = os.path.join(d, 'smp.elf')
    subprocess.run(['aarch64-linux-gnu-gcc', '-O2', '-ffreestanding', '-mgeneral-regs-only', '-mstrict-align', '-nostdlib',
                    '-static', '-mno-outline-atomics', '-Wl,--no-warn-rwx-segments', '-T', os.path.join(HERE, 'rows.ld'),
                    os.path.join(HERE, 'smp.c'), '-o', elf], check=True)
    for mode in (['-accel', 'interp'], ['-accel', 'jit'], ['-accel', 'jit', '-icount', 'shift=3']):
        p = subprocess.run([args.rhea, '-M', 'bare', '-smp', '2', '-nographic', '-m', '64M', '-kernel', elf] + mode,
                           stdin=subprocess.DEVNULL, timeout=300, check=False)
        if p.returncode:
            sys.exit('%s: status %d' % (' '.join(mode), p.returncode))
