#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares what an assembler of Rhea's writes with what GNU as makes of the same text.

    binutils.py --as PREFIX PROGRAM [SEED]

PROGRAM prints lines of a word in hexadecimal, a tab, and assembly text. Skips (exit status 77) where PREFIXas
is not installed. Prints the first lines that differ; exit status 1 if any do.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

ARCH = {'aarch64-linux-gnu-': '.arch armv8.5-a+fp16+aes+sha3+crypto'}


def assemble(prefix, texts, folder):
    """
    The words that GNU as makes of @texts, as a list of integers; None where it refuses one (which is
    printed).
    """
    source, obj, flat = folder / 'a.s', folder / 'a.o', folder / 'a.bin'
    source.write_text(ARCH.get(prefix, '') + '\n.text\n' + '\n'.join(texts) + '\n', encoding='utf-8')
    run = subprocess.run([prefix + 'as', '-o', obj, source], capture_output=True, text=True, check=False)
    if run.returncode:
        print(run.stderr[:2000])
        return None
    subprocess.run([prefix + 'objcopy', '-O', 'binary', '-j', '.text', obj, flat], check=True)
    data = flat.read_bytes()
    return [int.from_bytes(data[n:n + 4], 'little') for n in range(0, len(data), 4)]


def main():
    """Entry point."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--as', dest='prefix', required=True)
    parser.add_argument('program', nargs='+')
    args = parser.parse_args()
    if not shutil.which(args.prefix + 'as'):
        print('skipped: %sas is not installed' % args.prefix)
        return 77
    out = subprocess.run(args.program, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [line.split('\t', 1) for line in out]
    with tempfile.TemporaryDirectory() as folder:
        words = assemble(args.prefix, [text for _, text in rows], pathlib.Path(folder))
    if words is None:
        return 1
    if len(words) != len(rows):
        print('%d words for %d lines' % (len(words), len(rows)))
        return 1
    wrong = [(row, word) for row, word in zip(rows, words) if int(row[0], 16) != word]
    for (ours, text), word in wrong[:20]:
        print('%s: we write %s, binutils %08x' % (text, ours, word))
    print('%d instructions, %d differ' % (len(rows), len(wrong)))
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
