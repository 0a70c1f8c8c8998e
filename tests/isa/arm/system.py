#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Translation and exceptions of AArch64 (system.c) on Rhea's interpreter and JIT against QEMU.

    system.py --rhea BUILD/rhea-system-aarch64 [--qemu qemu-system-aarch64]

The outputs must be the same line by line. Exits with 77 without aarch64-linux-gnu-gcc or QEMU.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

ap = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
ap.add_argument('--rhea', required=True)
ap.add_argument('--qemu', default=os.environ.get('RHEA_QEMU_AARCH64') or
                os.path.expanduser('~/.cache/rhea/qemu/bin/qemu-system-aarch64'))
args = ap.parse_args()

if not shutil.which('aarch64-linux-gnu-gcc') or not shutil.which(args.qemu):
    print('skipped: no aarch64-linux-gnu-gcc, or no %s' % args.qemu)
    sys.exit(77)


def output(command):
    p = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                       check=False)
    return p.stdout.decode(errors='replace').splitlines()


wrong = 0
with tempfile.TemporaryDirectory() as d:
    elf = os.path.join(d, 'system.elf')
    subprocess.run(['aarch64-linux-gnu-gcc', '-O2', '-ffreestanding', '-mgeneral-regs-only', '-mstrict-align', '-nostdlib',
                    '-static', '-fno-builtin', '-Wl,--no-warn-rwx-segments', '-T', os.path.join(HERE, 'rows.ld'),
                    os.path.join(HERE, 'system.S'), os.path.join(HERE, 'system.c'), '-o', elf], check=True)
    wanted = output([args.qemu, '-M', 'virt', '-cpu', 'max', '-m', '128M', '-nic', 'none', '-display', 'none', '-serial',
                     'null', '-monitor', 'none', '-semihosting-config', 'enable=on,target=native', '-kernel', elf])
    for accel in ('interp', 'jit'):
        got = output([args.rhea, '-M', 'bare', '-accel', accel, '-nographic', '-m', '128M', '-kernel', elf])
        for a, b in zip(wanted, got):
            if a != b:
                wrong += 1
                print('%s: QEMU "%s", here "%s"' % (accel, a, b))
        if len(wanted) != len(got) or len(got) < 1000:
            wrong += 1
            print('%s: %d lines, QEMU %d; the last is "%s"' % (accel, len(got), len(wanted), got[-1] if got else ''))
print('%d lines, %d differ' % (len(wanted), wrong))
sys.exit(wrong != 0)
