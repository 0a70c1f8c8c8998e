# SPDX-License-Identifier: MIT
"""Freestanding AArch64 programs, built here and run on Rhea's machine bare and on QEMU's virt."""

import argparse
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CC = 'aarch64-linux-gnu-gcc'


def arguments(doc, qemu=False):
    """A parser of what all of them take; --qemu where there is a comparison."""
    ap = argparse.ArgumentParser(description=doc.split('\n\n', maxsplit=1)[0])
    ap.add_argument('--rhea', required=True)
    if qemu:
        ap.add_argument('--qemu', default=os.environ.get('RHEA_QEMU_AARCH64') or
                        os.path.expanduser('~/.cache/rhea/qemu/bin/qemu-system-aarch64'))
    return ap


def need(*programs):
    """Skips the test, by its exit status, unless there is a compiler and @programs."""
    missing = [p for p in (CC,) + programs if not shutil.which(p)]
    if missing:
        print('skipped: no %s' % ', no '.join(missing))
        sys.exit(77)


def build(folder, *sources):
    """The ELF file of sources: names of this folder, or absolute ones."""
    elf = os.path.join(folder, 'program.elf')
    subprocess.run([CC, '-O2', '-ffreestanding', '-mgeneral-regs-only', '-mstrict-align',
                    '-mno-outline-atomics', '-nostdlib', '-static', '-Wl,--no-warn-rwx-segments', '-T',
                    os.path.join(HERE, 'rows.ld'), '-o', elf] + [os.path.join(HERE, s) for s in sources],
                   check=True)
    return elf


def rhea(program, elf, *options):
    return [program, '-M', 'bare', '-nographic', '-m', '128M', '-kernel', elf] + list(options)


def qemu(program, elf):
    return [program, '-M', 'virt', '-cpu', 'max', '-m', '128M', '-nic', 'none', '-display', 'none',
            '-serial', 'null', '-monitor', 'none', '-semihosting-config', 'enable=on,target=native',
            '-kernel', elf]


def output(command, timeout):
    """The lines that a command prints."""
    p = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=timeout, check=False)
    return p.stdout.decode(errors='replace').splitlines()


def status(command, timeout):
    return subprocess.run(command, stdin=subprocess.DEVNULL, timeout=timeout, check=False).returncode
