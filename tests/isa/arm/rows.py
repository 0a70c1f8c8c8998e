#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Single A64 instructions on many states: Rhea's interpreter and JIT against QEMU.

    rows.py --rhea BUILD/rhea-system-aarch64 --json a64_decode.json [--qemu qemu-system-aarch64] [--count N]
            [--seed N] [--rows REGEX] [--accel interp,jit] [--show]

For each row of the decode tables that is translated and neither branches nor is a system instruction, N words
with random fields run on biased states; what differs in registers, flags, memory or exceptions is reported by
row. Needs aarch64-linux-gnu-gcc; exits with 77 without it or QEMU.
"""

import collections
import json
import os
import random
import re
import sys
import tempfile

import bare

SKIP = re.compile(r'(b|bl|br|blr|ret|eret|cbn?z|tbn?z|bc?\.cond|svc|hvc|smc|brk|hlt|udf|wf[ei]t?|yield|'
                  r'dsb|isb|msr.*|mrs|sys|sysl|clrex|adrp?|.*_lit|st?l?xp|stl?xr[bh]?|stl?xp|ldt.*|stt.*)$')
MISSING = ('CSSC', 'HBC')  # features that QEMU 10 has not


def insert(word, field, value):
    for hi, lo in reversed(field['bits']):
        n = hi - lo + 1
        mask = ((1 << n) - 1) << lo
        word = word & ~mask | value << lo & mask
        value >>= n
    return word


def fill(row, rng):
    """A word of the row; memory rows get x20 as base and x21 as index."""
    memory = row['where'].startswith('a64_mem')
    while True:
        word = row['match'] | rng.getrandbits(32) & ~row['mask']
        for f in row['fields']:
            if not f['bits'] or f['kind'] != 'xreg' and not (memory and f['name'] == 'imm'):
                continue
            name = f['name']
            if f['kind'] == 'xreg':
                value = rng.choice((rng.randrange(18), rng.randrange(4), 31))
                if memory and name == 'rn':
                    value = 20
                elif memory and name == 'rm':
                    value = rng.choice((21, 31)) if 'post' in row['name'] else 21
                elif row['mnemonic'].startswith('casp') and value != 31:
                    value &= ~1
                elif row['mnemonic'].startswith('casp'):
                    value = 16
                word = insert(word, f, value)
            else:
                word = insert(word, f, rng.choice((0, 1, 2, 3, 4, 8, 15, 16)) if not f['signed'] else
                              rng.choice((0, 1, 8, 16, 32)) * rng.choice((1, -1)) & 0x7f)
        used = row['mask']
        for f in row['fields']:
            for hi, lo in f['bits']:
                used |= ((2 << hi) - 1) & ~((1 << lo) - 1)
        # bits that should be one, or zero
        word = word | ~used & 0xffffffff if memory or 'mulh' in row['name'] else word & used
        if memory and row['mnemonic'].startswith('ldp') and (word & 31) == (word >> 10 & 31):
            continue
        if any(word & x['mask'] == x['match'] for x in row['excludes']):
            continue
        if any(r['over'] == row['name'] and word & r['mask'] == r['match'] for r in rows):
            continue
        return word, int(memory)


def build(directory, cases, dump):
    table = os.path.join(directory, 'cases.c')
    with open(table, 'w', encoding='utf-8') as f:
        f.write('#include <stdint.h>\nconst uint32_t n_cases = %d, dump = %d;\n' % (len(cases), dump))
        f.write('const struct { uint32_t word, kind; uint64_t seed; } cases[] = {\n')
        f.writelines('{0x%08x, %d, %d},\n' % (w, kind, seed) for w, kind, seed in cases)
        f.write('};\n')
    return bare.build(directory, 'rows.S', 'rows.c', table)


def rhea(elf, accel):
    return bare.output(bare.rhea(args.rhea, elf, '-accel', accel), timeout=600)


def qemu(elf):
    return bare.output(bare.qemu(args.qemu, elf), timeout=600)


def show(case):
    """What a single case differs in."""
    with tempfile.TemporaryDirectory() as d:
        elf = build(d, [case], 1)
        theirs = qemu(elf)
        for accel in args.accel.split(','):
            ours = rhea(elf, accel)
            start = theirs.index('after')
            before = dict(l.split() for l in theirs[1:start])
            for a, b in zip(theirs[start:], ours[start:]):
                if a != b and a.split()[0] in before:
                    print('    %s: %s was %s, is %s in QEMU, %s here' %
                          (accel, a.split()[0], before[a.split()[0]],
                                                                     a.split()[1], b.split()[-1]))
            if len(ours) != len(theirs):
                print('    %s: %s' % (accel, ours[-1:]))


ap = bare.arguments(__doc__, qemu=True)
ap.add_argument('--json', required=True)
ap.add_argument('--count', type=int, default=20)
ap.add_argument('--seed', type=int, default=1)
ap.add_argument('--rows', default='.')
ap.add_argument('--accel', default='interp,jit')
ap.add_argument('--show', action='store_true', help='print what the first case of each row differs in')
args = ap.parse_args()

bare.need(args.qemu)
with open(args.json, encoding='utf-8') as json_file:
    rows = json.load(json_file)['insns']
rng_ = random.Random(args.seed)
chosen = [r for r in rows if r['target'] and r['alts'][0]['need'][0] not in MISSING and
          not SKIP.match(r['name']) and not SKIP.match(r['mnemonic']) and re.search(args.rows, r['name'])]
names, cases_ = [], []
for r in chosen:
    for _ in range(args.count):
        names.append(r['name'])
        cases_.append(fill(r, rng_) + (rng_.getrandbits(63),))
wrong = collections.defaultdict(list)
with tempfile.TemporaryDirectory() as directory_:
    program = build(directory_, cases_, 0)
    wanted = qemu(program)
    for accel_ in args.accel.split(','):
        got = rhea(program, accel_)
        if len(got) != len(wanted):
            print('%s: %d lines, not %d; ends with %s' % (accel_, len(got), len(wanted), got[-1:]))
            if len(got) < len(names):
                print('    at %s 0x%08x' % (names[len(got)], cases_[len(got)][0]))
        for n_, (a_, b_) in enumerate(zip(wanted, got)):
            if a_ != b_:
                wrong[accel_ + ' ' + names[n_]].append(cases_[n_])
for key, its in sorted(wrong.items()):
    print('%s: %d of %d differ, such as 0x%08x' % (key, len(its), args.count, its[0][0]))
    if args.show:
        show(its[0])
print('%d rows, %d cases, %d differ' % (len(chosen), len(cases_), sum(map(len, wrong.values()))))
sys.exit(bool(wrong) or len(wanted) != len(cases_))
