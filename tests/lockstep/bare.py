#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lockstep over a freestanding program of AArch64 or x86-64: two engines, and Rhea against QEMU 10.

    bare.py BUILD engines|qemu aarch64|x86_64

engines: they agree, and a mistake planted in one is found at its instruction.
qemu: JIT and interpreter agree with QEMU to the end, in blocks and, for a
while, one by one. Exit status 0, 1, or 77 when the compiler or QEMU is missing.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BOARD = os.path.join(TOP, 'bench/lib/bare')
SKIP = 77

COMPILERS = {'aarch64': ['aarch64-linux-gnu-gcc', '-mno-outline-atomics', '-mstrict-align'],
             'x86_64': ['x86_64-linux-gnu-gcc', '-mno-red-zone', '-fcf-protection=none']}
# xor becomes or: eor x9, x9, x10; xor rdx, rax and a NOP
PLANTS = {'aarch64': ('ca0a0129=aa0a0129', 'X09|x9'), 'x86_64': ('90c23148=90c20948', 'rdx')}


class Failure(Exception):
    """What a case found wrong."""


def build(guest, folder):
    out = os.path.join(folder, 'program')
    sources = [os.path.join(BOARD, 'bare.c'), *sorted(glob.glob(os.path.join(BOARD, guest, '*.[cS]')))]
    subprocess.run([*COMPILERS[guest], '-O2', '-ffreestanding', '-fno-math-errno', '-fno-stack-protector',
                    '-nostdlib', '-static', '-no-pie', '-Wl,--build-id=none', '-Wl,--no-warn-rwx-segments',
                    '-Wl,-z,noexecstack', '-I' + os.path.join(TOP, 'bench/lib'), '-I' + BOARD, '-T',
                    os.path.join(BOARD, guest, 'link.ld'), '-o', out, os.path.join(HERE, 'bare_program.c'),
                    *sources], check=True)
    return out


def run(folder, status, guest, program, *options):
    command = [sys.executable, os.path.join(TOP, 'scripts/lockstep'), '--build', folder, '--guest', guest,
               *options, '--', '-kernel', program]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=600, check=False)
    print(' '.join(options), '\n    | ' + done.stdout.rstrip().replace('\n', '\n    | '), flush=True)
    if done.returncode != status:
        raise Failure('%s: status %d' % (' '.join(command), done.returncode))
    return done.stdout


def label(guest, program, name):
    nm = COMPILERS[guest][0].replace('gcc', 'nm')
    text = subprocess.run([nm, program], check=True, stdout=subprocess.PIPE, text=True).stdout
    return int(re.search(r'^(\w+) . %s$' % name, text, re.M)[1], 16)


def engines(folder, guest, program):
    text = run(folder, 0, guest, program, '--engines', 'jit,interp', '--chunk', '5000')
    if 'the guest ended' not in text:
        raise Failure('the program did not come to its end')
    plant, register = PLANTS[guest]
    text = run(folder, 1, guest, program, '--engines', 'jit,interp', '--chunk', '5000', '--plant', plant)
    m = re.search(r'^first different: cpu 0, pc ([0-9a-f]{16})', text, re.M)
    if not m or int(m[1], 16) != label(guest, program,
                                       'planted_xor') or not re.search('^  cpu 0  (%s) ' % register, text,
                                       re.M):
        raise Failure('the planted mistake was not named')


def qemu(folder, guest, program):
    text = run(folder, 0, guest, program, '--from', 'bare_main')
    if not re.search('^status ', text, re.M):
        raise Failure('the program did not come to its end')
    run(folder, 0, guest, program, '--from', 'bare_main', '--chunk', '1', '--count', '3000')
    run(folder, 0, guest, program, '--from', 'bare_main', '--accel', 'interp')


def has_qemu(guest):
    path = os.environ.get('RHEA_QEMU_' + guest.upper()) or \
        os.path.join(os.environ.get('RHEA_CACHE') or os.path.expanduser('~/.cache/rhea'),
                     'qemu/bin/qemu-system-' + guest)
    return os.path.exists(path)


def main():
    """Runs one of the two."""
    folder, what, guest = sys.argv[1:4]
    if not shutil.which(COMPILERS[guest][0]) or (what == 'qemu' and not has_qemu(guest)):
        print('%s or QEMU 10 is missing' % COMPILERS[guest][0])
        return SKIP
    with tempfile.TemporaryDirectory() as d:
        try:
            {'engines': engines, 'qemu': qemu}[what](folder, guest, build(guest, d))
        except (Failure, subprocess.TimeoutExpired) as e:
            print('FAILED: %s' % e)
            return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
