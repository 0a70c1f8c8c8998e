#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the RISC-V decode tables with GNU binutils, which share no code with us.

    binutils.py --rvdis PATH --json rv_decode.json halves 64
        every 16-bit instruction word, validity and text, against objdump
    binutils.py ... words 64 --count 500
        500 random words for each 32-bit row, as many with one fixed bit flipped, and every CSR
    binutils.py ... space 64 --count 4
        every value of the bits that choose an instruction (31..20, 14..12, 6..2), rd and rs1
        being random or 0; one in 4 of these words
    binutils.py ... assemble 64 --count 200
        our text of random words must assemble to the same words
    binutils.py ... golden 64
        prints objdump's text of a few words for each row: golden_rv64.txt, golden_rv32.txt

Differences that are meant are listed in DIFFERENCES with their reason; any other fails.
Without binutils for riscv64 the test is skipped.
"""

import argparse
import collections
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

PREFIX = 'riscv64-linux-gnu-'
# What binutils 2.40 knows of what we decode; Zicond came with 2.41.
MARCH = 'rv%dimafdc_zicsr_zifencei_zba_zbb_zbs_zihintpause'
ABI = {32: 'ilp32d', 64: 'lp64d'}
UNKNOWN = ('czero.eqz', 'czero.nez')


def invalid(text):
    return text.startswith('.') or text in ('unimp', 'c.unimp')


def mnemonic(text):
    return text.split(' ')[0]


def fcvt_exact(word, theirs, ours):
    """These cannot round, and binutils 2.40 takes no mode but 0 for them; the manual has a mode field."""
    return invalid(theirs) and mnemonic(ours) in ('fcvt.d.s', 'fcvt.d.w', 'fcvt.d.wu') and word >> 12 & 7


def fence_reserved(word, theirs, ours):
    """The manual: reserved fields of FENCE and FENCE.I are ignored, so that these are plain fences."""
    return invalid(theirs) and mnemonic(ours) in ('fence', 'fence.tso', 'fence.i')


def fence_nothing(word, theirs, ours):
    """An empty set in a fence is "unknown" to objdump, which the assembler does not take; we print 0."""
    return theirs.replace('unknown', '0') == ours


def csr_unknown(word, theirs, ours):
    """CSRs that are newer than binutils 2.40; it prints their number."""
    a, b = theirs.split(','), ours.split(',')
    number = word >> 20
    return ours.startswith('csr') and a[1] == '0x%x' % number and a[:1] + a[2:] == b[:1] + b[2:]


def obsolete(word, theirs, ours):
    """No longer in the privileged specification: uret, hret, and sfence.vm of version 1.9."""
    return invalid(ours) and mnemonic(theirs) in ('uret', 'hret', 'sfence.vm')


def zicond(word, theirs, ours):
    """Zicond came with binutils 2.41."""
    return invalid(theirs) and mnemonic(ours) in UNKNOWN


def c_nop(word, theirs, ours):
    """objdump prints c.nop, and the hints in its place, as `c.addi zero`."""
    return theirs.startswith('c.addi zero,') and mnemonic(ours) == 'c.nop'


def c_shift_zero(word, theirs, ours):
    """Shifts by 0 are hints; binutils gives them the names that they have in RV128."""
    return re.match(r'c\.(slli|srli|srai)64 (\w+)$', theirs) and ours == theirs.replace('64', '') + ',0x0'


def c_addi16sp_zero(word, theirs, ours):
    """The manual: c.addi16sp with immediate 0 is reserved."""
    return theirs == 'c.addi16sp sp,0' and invalid(ours)


def shift_rv32(word, theirs, ours):
    """The manual: RV32 has no immediate shifts and bit numbers of 32 and more."""
    return (args.bits == 32 and invalid(ours) and int(theirs.split(',')[-1], 16) > 31 and
            re.match(r'c\.s[lr][la]i|s[lr][la]i|rori|b(clr|ext|inv|set)i', mnemonic(theirs)))


DIFFERENCES = [fcvt_exact, fence_reserved, fence_nothing, csr_unknown, obsolete, zicond, c_nop, c_shift_zero,
               c_addi16sp_zero, shift_rv32]


def normal(text):
    text = re.sub(r'\s*[#<].*$', '', text)
    text = re.sub(r'\s*,\s*', ',', text)
    return re.sub(r'\s+', ' ', text).strip()


def pack(words):
    return b''.join(struct.pack('<H' if length == 2 else '<I', w) for w, length in words)


def run_assembler(directory, source):
    path = os.path.join(directory, 'in.s')
    obj = os.path.join(directory, 'in.o')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(source)
    p = subprocess.run([PREFIX + 'as', '-march=' + MARCH % args.bits, '-mabi=' + ABI[args.bits], path, '-o',
                        obj],
                       stderr=subprocess.PIPE, text=True, check=False)
    return obj, p.stderr


def objdump(code):
    """(address, word, text) of each instruction in code, by objdump."""
    with tempfile.TemporaryDirectory() as d:
        with open(os.path.join(d, 'code'), 'wb') as f:
            f.write(code)
        obj, errors = run_assembler(d, '.text\n.incbin "%s"\n' % os.path.join(d, 'code'))
        if errors:
            sys.exit(errors)
        # without symbols objdump does not take the words for data
        subprocess.run([PREFIX + 'strip', obj], check=True)
        out = subprocess.run([PREFIX + 'objdump', '-D', '-z', '-j', '.text', '-M', 'no-aliases', obj],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
    found = []
    for line in out.split('\n'):
        m = re.match(r'\s*([0-9a-f]+):\t([0-9a-f]+)\s*\t(.*)', line)
        if m:
            found.append((int(m.group(1), 16), int(m.group(2), 16), normal(m.group(3))))
    return found


def rvdis(code):
    out = subprocess.run([args.rvdis, str(args.bits)], input=code, stdout=subprocess.PIPE, check=True).stdout
    found = []
    for line in out.decode().splitlines():
        address, word, text = line.split(' ', 2)
        found.append((int(address, 16), int(word, 16), normal(text)))
    return found


def compare(words):
    """Prints what differs; returns whether all differences are meant."""
    code = pack(words)
    theirs, ours = objdump(code), rvdis(code)
    if len(theirs) != len(words) or len(ours) != len(words):
        sys.exit('%d words in, %d lines from objdump, %d from rvdis' % (len(words), len(theirs), len(ours)))
    differing, valid = [], 0
    for (address, word, a), (address2, word2, b) in zip(theirs, ours):
        if (address, word) != (address2, word2):
            sys.exit('out of step at 0x%x: 0x%x, 0x%x' % (address, word, word2))
        valid += not invalid(b)
        if a != b and not (invalid(a) and invalid(b)):
            differing.append((word, a, b, (word, a, b)))
    wrong = verdict(differing, DIFFERENCES, 'rvdis')
    print('rv%d: %d words, %d valid, %d differ' % (args.bits, len(words), valid, wrong))
    return not wrong


def enabled(row):
    base = 'RV%d' % args.bits
    other = 'RV%d' % (96 - args.bits)
    return any(other not in a['need'] and base not in a['deny'] for a in row['alts'])


def fill(row, rng):
    """A random word that matches a row, and decodes as it."""
    while True:
        word = row['match'] | rng.getrandbits(8 * row['length']) & ~row['mask']
        if any(word & x['mask'] == x['match'] and x['feature'] in (None, 'RV%d' % args.bits)
               for x in row['excludes']):
            continue
        if not any(r['over'] == row['name'] and word & r['mask'] == r['match'] for r in rows):
            return word


def random_words():
    rng = random.Random(args.seed)
    words = []
    for row in rows:
        if row['length'] == 4 and enabled(row):
            fixed = [b for b in range(2, 32) if row['mask'] >> b & 1]
            for _ in range(args.count):
                words.append(fill(row, rng))
                words.append(fill(row, rng) ^ 1 << rng.choice(fixed))
    words += [csr << 20 | rng.getrandbits(8) << 12 | 0x2073 for csr in range(4096)]
    return [(w, 4) for w in words if w & 0x1f != 0x1f]


def space():
    rng = random.Random(args.seed)
    words = []
    for high in range(1 << 15):
        for opcode in range(32):
            # objdump takes xxx11111 for the first halfword of a longer instruction
            if opcode & 7 == 7:
                continue
            word = (high >> 3) << 20 | (high & 7) << 12 | opcode << 2 | 3
            if rng.randrange(args.count) == 0:
                rd, rs1 = (rng.choice((0, rng.randrange(32))) for _ in range(2))
                words.append((word | rs1 << 15 | rd << 7, 4))
    return words


def operands(text, row, word, address):
    """What the assembler is given: branch targets relative to the instruction, CSRs by number."""
    if row['name'].startswith('csr'):
        return re.sub(r',\w+', ',0x%x' % (word >> 20), text, count=1)
    if not any(f['kind'] == 'off' for f in row['fields']):
        return text
    head, target = re.match(r'(.*[ ,])?0x([0-9a-f]+)$', text).groups()
    delta = (int(target, 16) - address) & ((1 << args.bits) - 1)
    if delta >> (args.bits - 1):
        delta -= 1 << args.bits
    return '%s.%+d' % (head, delta)


def assemble():
    """Random words through our disassembler and the GNU assembler, back to the same words."""
    rng = random.Random(args.seed)
    chosen = [(row, fill(row, rng)) for row in rows for _ in range(args.count)
              if enabled(row) and row['mnemonic'] not in UNKNOWN]
    texts = rvdis(pack([(w, row['length']) for row, w in chosen]))
    if len(texts) != len(chosen):
        sys.exit('out of step')
    kept, source = [], ['.option norelax', '.text']
    skipped = collections.Counter()
    for (row, word), (address, _, text) in zip(chosen, texts):
        if 'unknown' in text or row['name'] in ('fence', 'fence.tso', 'fence.i') and \
                word & 0xf00f8f80 or row['name'] == 'fence.i' and word >> 20 or \
                fcvt_exact(word, '.', text):
            skipped[row['name']] += 1
            continue
        if re.match(r'c\.(slli|srli|srai) \w+,0x0$', text):
            text = text.replace(' ', '64 ').split(',')[0]
        text = operands(text, row, word, address)
        kept.append((word, row['length'], text))
        if row['length'] == 4:
            text = '.option norvc\n%s\n.option rvc' % text
        source.append(text)
    with tempfile.TemporaryDirectory() as d:
        obj, errors = run_assembler(d, '\n'.join(source) + '\n')
        if errors:
            print(errors[:4000])
            return False
        raw = os.path.join(d, 'raw')
        subprocess.run([PREFIX + 'objcopy', '-O', 'binary', '-j', '.text', obj, raw], check=True)
        with open(raw, 'rb') as f:
            code = f.read()
    wrong = at = 0
    for word, length, text in kept:
        got = int.from_bytes(code[at:at + length], 'little')
        at += length
        if got != word:
            print('0x%08x: "%s" assembles to 0x%08x' % (word, text, got))
            wrong += 1
            if wrong > 50:
                break
    print('no assembler syntax for some words of: ' + ', '.join(sorted(skipped)))
    print('rv%d: %d instructions assembled, %d differ' % (args.bits, len(kept), wrong))
    return wrong == 0 and at == len(code)


def golden():
    rng = random.Random(args.seed)
    words = [(fill(row, rng), row['length']) for row in rows for _ in range(args.count)
             if enabled(row) and row['mnemonic'] not in UNKNOWN]
    words = [w for w in words if w[0] & 0x1f != 0x1f]
    code = pack(words)
    for (address, word, text), (_, _, ours) in zip(objdump(code), rvdis(code)):
        if not invalid(text) and (text == ours or not any(r(word, text, ours) for r in DIFFERENCES)):
            print('%x %0*x %s' % (address, 4 if word & 3 != 3 else 8, word, text))


ap = argparse.ArgumentParser(description=__doc__.split('\n\n', maxsplit=1)[0])
ap.add_argument('--rvdis', required=True)
ap.add_argument('--json', required=True)
ap.add_argument('--count', type=int, default=100)
ap.add_argument('--seed', type=int, default=1)
ap.add_argument('mode', choices=['halves', 'words', 'space', 'assemble', 'golden'])
ap.add_argument('bits', type=int, choices=[32, 64])
args = ap.parse_args()

if not shutil.which(PREFIX + 'objdump') or not shutil.which(PREFIX + 'as'):
    print('skipped: no %sas and %sobjdump (Debian package binutils-riscv64-linux-gnu)' % (PREFIX, PREFIX))
    sys.exit(77)
with open(args.json, encoding='utf-8') as json_file:
    rows = json.load(json_file)['insns']
if args.mode == 'golden':
    golden()
    sys.exit(0)
if args.mode == 'halves':
    good = compare([(h, 2) for h in range(1 << 16) if h & 3 != 3])
elif args.mode in ('words', 'space'):
    good = compare(random_words() if args.mode == 'words' else space())
else:
    good = assemble()
sys.exit(not good)
