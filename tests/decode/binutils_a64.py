#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Our A64 disassembler against GNU objdump, for random words of every row of the tables and random words in
general.

    binutils_a64.py --a64dis a64dis --json a64_decode.json [--count N] [--seed N] words|golden

What one decodes the other must decode, to the same text, but for the differences that are listed and counted
below. Rows whose features binutils 2.40 does not know, and SVE and SME, of which the tables have the groups
alone, are left out. `golden` prints lines for golden_a64.txt. Exits with 77 where binutils for AArch64 is
missing.
"""

import argparse
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile

from verdict import verdict

PREFIX = 'aarch64-linux-gnu-'
UNKNOWN = ('SVE SVE2 SME RPRFM CMPBR FPRCVT FAMINMAX LUT FP8 CPA LSUI LSFE THE D128 GCS LSE128 RCPC3 '
           'PAUTH_LR').split()


def known(word):
    """Not in the spaces of SVE and SME."""
    return word >> 25 & 15 != 2 and not (word >> 31 and word >> 25 & 15 == 0)


# What is meant to differ: rule(word, theirs, row, ours), theirs or row None where it does not decode.

def hint(word, theirs, row, ours):
    """Without aliases objdump prints every hint as a number."""
    return theirs and theirs.startswith('hint #') and word >> 12 == 0xd5032


def msr_alias(word, theirs, row, ours):
    """Without aliases objdump prints these as writes to system registers."""
    return theirs and theirs.startswith('msr s0_') and row in ('sb', 'cfinv', 'xaflag', 'axflag')


def system_register(word, theirs, row, ours):
    """System registers have names in the one or the other only."""
    return row and theirs and row in ('msr', 'mrs', 'msr_imm') and ours.split()[0] == theirs.split()[0]


def system_space(word, theirs, row, ours):
    """The manual: of op0 0 only what is listed is allocated."""
    return not row and theirs.split()[0] in ('msr', 'mrs') and word >> 19 & 3 == 0


def should_be(word, theirs, row, ours):
    """The manual: bits that should be one are not checked."""
    return not theirs and re.match(r'(ldar|ldapr)[bh]?$', row)


def unpredictable(word, theirs, row, ours):
    """Constrained unpredictable choices of registers are none of the decoder's business."""
    return not theirs and (row.startswith(('cpy', 'set')) or row.startswith('ldpsw'))


def fmlal(word, theirs, row, ours):
    """The manual: FMLAL and FMLSL need bit 22 to be 0."""
    return not row and theirs.split()[0] in ('fmlal', 'fmlal2', 'fmlsl', 'fmlsl2') and word >> 22 & 1


def sme(word, theirs, row, ours):
    """SME's names for writes of PSTATE."""
    return theirs and theirs.split()[0] in ('smstart', 'smstop') and row in (None, 'msr_imm')


def ls64(word, theirs, row, ours):
    """The manual: eight registers from an even one up to X22."""
    return not row and '64b' in theirs.split()[0] and (word & 1 or word >> 3 & 3 == 3)


DIFFERENCES = [hint, msr_alias, system_register, system_space, should_be, unpredictable, fmlal, sme, ls64]


def normal(text):
    text = re.sub(r'\s*(//|<|;).*$', '', text)
    text = re.sub(r'\s*,\s*', ',', text)
    return re.sub(r'\s+', ' ', text).strip()


def objdump(code):
    """(word, text or None) of each instruction in code, by objdump."""
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, 'code')
        with open(path, 'wb') as f:
            f.write(code)
        out = subprocess.run([PREFIX + 'objdump', '-D', '-z', '-b', 'binary', '-maarch64', '-M', 'no-aliases',
                              path],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
    found = []
    for line in out.split('\n'):
        m = re.match(r'\s*([0-9a-f]+):\t([0-9a-f]{8}) \t(.*)', line)
        if m:
            text = normal(m.group(3))
            found.append((int(m.group(2), 16), None if text.startswith('.inst') else text))
    return found


def a64dis(code):
    """(address, row or None, text) of each."""
    out = subprocess.run([args.a64dis] + UNKNOWN, input=code, stdout=subprocess.PIPE, check=True).stdout
    found = []
    for line in out.decode().splitlines():
        address, _, row, text = line.split(' ', 3)
        found.append((int(address, 16), None if row == '-' else row, normal(text)))
    return found


def needs_unknown(row):
    return all(any(f in UNKNOWN for f in a['need']) for a in row['alts'])


def fill(row, rng):
    while True:
        word = row['match'] | rng.getrandbits(32) & ~row['mask']
        if not any(word & x['mask'] == x['match'] for x in row['excludes']):
            return word


def compare():
    rng = random.Random(args.seed)
    words = []
    for row in rows:
        fixed = [b for b in range(32) if row['mask'] >> b & 1]
        for _ in range(args.count):
            word = row['match'] | rng.getrandbits(32) & ~row['mask']
            words += [word, word ^ 1 << rng.choice(fixed)]
    words += [rng.getrandbits(32) for _ in range(400 * args.count)]
    words = [w for w in words if known(w)]
    code = b''.join(struct.pack('<I', w) for w in words)
    theirs, ours = objdump(code), a64dis(code)
    if not len(theirs) == len(ours) == len(words):
        sys.exit('%d words in, %d lines from objdump, %d from a64dis' % (len(words), len(theirs), len(ours)))
    differing, valid = [], 0
    for (word, a), (_, row, b) in zip(theirs, ours):
        valid += row is not None
        if (a != b if row else a is not None):
            differing.append((word, a, b, (word, a, row, b)))
    wrong = verdict(differing, DIFFERENCES, 'a64dis')
    print('a64: %d words, %d valid, %d differ' % (len(words), valid, wrong))
    return not wrong


def golden():
    rng = random.Random(args.seed)
    words = [fill(row, rng) for row in rows if not needs_unknown(row) and known(row['match'])]
    code = b''.join(struct.pack('<I', w) for w in words)
    for (word, text), (address, row, ours) in zip(objdump(code), a64dis(code)):
        if text and (text == ours or not any(r(word, text, row, ours) for r in DIFFERENCES)):
            print('%x %08x %s' % (address, word, text))


ap = argparse.ArgumentParser(description=__doc__.split('\n\n', maxsplit=1)[0])
ap.add_argument('--a64dis', required=True)
ap.add_argument('--json', required=True)
ap.add_argument('--count', type=int, default=50)
ap.add_argument('--seed', type=int, default=1)
ap.add_argument('mode', choices=['words', 'golden'])
args = ap.parse_args()

if not shutil.which(PREFIX + 'objdump'):
    print('skipped: no %sobjdump (Debian package binutils-aarch64-linux-gnu)' % PREFIX)
    sys.exit(77)
with open(args.json, encoding='utf-8') as json_file:
    rows = json.load(json_file)['insns']
if args.mode == 'golden':
    golden()
    sys.exit(0)
sys.exit(not compare())
