#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two engines over one small guest: they agree, and mistakes planted in one of them are found at their
instruction.

    engines.py RHEA_ENGINES [CASE...]

Exit status 0, 1, or 77 when the compiler is missing.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
COMPILER = 'riscv64-unknown-elf-gcc'
SKIP = 77

XOR_TO_OR = '00d64633=00d66633'    # xor a2, a2, a3 becomes or a2, a2, a3
OTHER_STORE = '00e33423=00c33423'  # sd a4, 8(t1) becomes sd a2, 8(t1)


class Failure(Exception):
    """What a case found wrong."""


class Guest:
    """The program, built, and its labels."""

    def __init__(self, tool, folder):
        self.tool = tool
        self.path = os.path.join(folder, 'guest')
        subprocess.run([COMPILER, '-march=rv64gc', '-mabi=lp64d', '-nostdlib', '-nostartfiles', '-static',
                        '-Wl,--build-id=none', '-Wl,--no-warn-rwx-segments', '-T',
                        os.path.join(HERE, '../gdb/program.ld'), '-o', self.path,
                        os.path.join(HERE, 'guest.S')],
                       check=True)
        symbols = subprocess.run([COMPILER.replace('gcc', 'nm'), self.path], check=True,
                                 stdout=subprocess.PIPE, text=True)
        self.labels = {line.split()[2]: int(line.split()[0], 16) for line in symbols.stdout.splitlines()}

    def compare(self, status, *options, smp=1, engines='jit,interp', icount='shift=0'):
        """Runs it; what was said on standard output."""
        command = [self.tool, '--chunk', '5000', *options, engines, '--', '-M', 'virt', '-m', '16M', '-smp',
                   str(smp), '-icount', icount, '-display', 'none', '-serial', 'null', '-monitor', 'none',
                   '-bios', 'none', '-kernel', self.path]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=120, check=False)
        if done.returncode != status:
            raise Failure('%s: status %d\n%s%s' % (' '.join(command), done.returncode, done.stdout,
                                                   done.stderr))
        return done.stdout

    def expect(self, text, label, *patterns):
        """The instruction at @label is the one reported."""
        m = re.search(r'^first different: cpu (\d), pc ([0-9a-f]{16}), instruction (\d+)$', text, re.M)
        if not m or int(m[2], 16) != self.labels[label]:
            raise Failure('%s (%x) was not named:\n%s' % (label, self.labels[label], text))
        for p in patterns:
            if not re.search(p, text, re.M):
                raise Failure('no %r in:\n%s' % (p, text))


def agree(guest):
    for smp in (1, 4):
        for icount in ('shift=0', 'shift=5'):
            text = guest.compare(0, smp=smp, icount=icount)
            if 'no difference' not in text or 'the guest ended' not in text:
                raise Failure(text)


def same_engine(guest):
    guest.compare(0, engines='interp,interp')


def instruction(guest):
    text = guest.compare(1, '--plant', XOR_TO_OR)
    guest.expect(text, 'planted_xor',
                 r'^  cpu 0  a2 +jit [0-9a-f]{16}  interp [0-9a-f]{16}  before [0-9a-f]{16}$',
                 r' 00d64633 +xor +a2, a2, a3\n  cpu')


def other_engine(guest):
    text = guest.compare(1, '--plant', XOR_TO_OR, engines='interp,jit')
    guest.expect(text, 'planted_xor', r'^  cpu 0  a2 +interp ')


def store(guest):
    """Nothing but memory differs at first."""
    for smp in (1, 4):
        text = guest.compare(1, '--plant', OTHER_STORE, smp=smp)
        guest.expect(text, 'planted_store',
                     r'^  memory 0x08000[0-9a-f]{4}  jit [0-9a-f]{16}  interp [0-9a-f]{16}$')
        if re.search(r'^  cpu \d  a', text, re.M):
            raise Failure('registers differ, too:\n' + text)


def block(guest):
    """A rewrite rule joins two instructions: neither goes wrong alone."""
    text = guest.compare(1, '--plant', 'shl_shr_scale')
    guest.expect(text, 'planted_shift', r'^in single steps they agree', r'^  cpu 0  a3 ')


def count(guest):
    text = guest.compare(0, '--count', '777')
    if 'no difference in 777 instructions' not in text:
        raise Failure(text)


def mistakes(guest):
    for options in (('--plant', 'nonsense'), ('--chunk', '0')):
        guest.compare(2, *options)
    guest.compare(2, engines='jit')
    guest.compare(2, engines='jit,nothing')


CASES = (agree, same_engine, instruction, other_engine, store, block, count, mistakes)


def main():
    """Runs the cases."""
    if not shutil.which(COMPILER):
        print('%s is missing' % COMPILER)
        return SKIP
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        guest = Guest(sys.argv[1], folder)
        for case in CASES:
            if len(sys.argv) > 2 and case.__name__ not in sys.argv[2:]:
                continue
            try:
                case(guest)
                print('ok   %s' % case.__name__)
            except (Failure, subprocess.TimeoutExpired) as e:
                failed += 1
                print('FAIL %s: %s' % (case.__name__, e))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
