#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds and runs the litmus tests on the machine `bare`.

    litmus.py --emulator build/rhea-system-x86_64 --guest x86_64 [--accel jit] [--smp 4] [--batches 400]
              [--allow TEST]

Exit status: 0, 1 where an outcome was seen that the architecture forbids or the program did not end, 77 where
the guest's compiler is missing.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
GUESTS = {
    # general registers alone: the program turns no floating point on
    'aarch64': ('aarch64-linux-gnu-gcc', ['-mgeneral-regs-only', '-mno-outline-atomics'], '0x40200000'),
    'aarch64-lse': ('aarch64-linux-gnu-gcc', ['-mgeneral-regs-only', '-march=armv8.1-a'], '0x40200000'),
    'x86_64': ('gcc', ['-mgeneral-regs-only', '-mno-red-zone', '-fcf-protection=none'], '0x100000'),
}


def build(folder, guest, smp, batches):
    """The program's path, or None without a compiler."""
    compiler, flags, base = GUESTS[guest]
    name = guest.split('-')[0]
    if not shutil.which(compiler):
        return None
    out = folder / 'litmus.elf'
    subprocess.run([compiler, '-O2', '-Wall', '-ffreestanding', '-nostdlib', '-static',
                    '-no-pie', '-fno-stack-protector', *flags, '-DLITMUS_CPUS=%d' % smp,
                    '-DLITMUS_BATCHES=%d' % batches, '-Wl,-Ttext-segment=' + base, '-Wl,--build-id=none',
                    '-Wl,-z,noexecstack', '-Wl,-e,_start', '-o', out, HERE / ('start_%s.S' % name),
                    HERE / 'litmus.c', HERE / (name + '.c')], check=True)
    return out


def main():
    """Builds, runs, judges."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--emulator', required=True)
    parser.add_argument('--guest', required=True, choices=GUESTS)
    parser.add_argument('--accel', default='jit')
    parser.add_argument('--smp', default=4, type=int)
    parser.add_argument('--batches', default=400, type=int)
    parser.add_argument('--timeout', default=300, type=int)
    parser.add_argument('--allow', action='append', default=[], metavar='TEST', help='do not judge this one')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = build(pathlib.Path(folder), args.guest, args.smp, args.batches)
        if not program:
            print('skipped: there is no', GUESTS[args.guest][0])
            return 77
        try:
            run = subprocess.run([args.emulator, '-M', 'bare', '-accel', args.accel, '-smp', str(args.smp),
                                  '-m', '64M', '-nographic', '-kernel', program], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=args.timeout,
                                 text=True)
        except subprocess.TimeoutExpired as late:
            print((late.stdout or b'').decode(errors='replace'), 'did not end in %d s' % args.timeout,
                  sep='\n')
            return 1
    print(run.stdout)
    lines = [line for line in run.stdout.splitlines() if line.startswith('litmus: ')]
    ended = run.returncode == (1 if args.guest == 'x86_64' else 0) # isa-debug-exit says 2 * status + 1
    judged = [line for line in lines if line.split()[1] not in args.allow]
    return 0 if ended and len(judged) > 8 and all(' ok ' in line for line in judged) else 1


if __name__ == '__main__':
    sys.exit(main())
