#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""CSSC, which QEMU 10 has not, against Python: cssc.py --rhea BUILD/rhea-system-aarch64."""

import os
import random
import sys
import tempfile

import bare

SIGN = {0: 1 << 31, 1: 1 << 63}


def signed(v, sf):
    return v - 2 * SIGN[sf] if v & SIGN[sf] else v


def trailing_zeros(v, sf):
    return (v & -v).bit_length() - 1 if v else 64 if sf else 32


# name: encoding of the 32-bit form with Rd 0, Rn 1 (and Rm 2), operands, meaning
INSNS = {
    'smax': (0x1ac26020, lambda x, y, sf: max(x, y, key=lambda v: signed(v, sf))),
    'umax': (0x1ac26420, lambda x, y, sf: max(x, y)),
    'smin': (0x1ac26820, lambda x, y, sf: min(x, y, key=lambda v: signed(v, sf))),
    'umin': (0x1ac26c20, lambda x, y, sf: min(x, y)),
    'ctz': (0x5ac01820, lambda x, y, sf: trailing_zeros(x, sf)),
    'cnt': (0x5ac01c20, lambda x, y, sf: bin(x).count('1')),
    'abs': (0x5ac02020, lambda x, y, sf: abs(signed(x, sf))),
    'smax #-3': (0x11c3f420, lambda x, y, sf: max(x, 2 * SIGN[sf] - 3, key=lambda v: signed(v, sf))),
    'umax #253': (0x11c7f420, lambda x, y, sf: max(x, 253)),
    'smin #-3': (0x11cbf420, lambda x, y, sf: min(x, 2 * SIGN[sf] - 3, key=lambda v: signed(v, sf))),
    'umin #253': (0x11cff420, lambda x, y, sf: min(x, 253)),
}

args = bare.arguments(__doc__).parse_args()
bare.need()

rng = random.Random(1)
values = [0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 63, (1 << 64) - 1, (1 << 63) - 1, 253,
          (1 << 64) - 3]
source, wanted = ['.text', '.globl _start', '_start:'], []
for name, (word, meaning) in INSNS.items():
    for sf in (0, 1):
        for _ in range(8):
            x, y = (rng.choice(values + [rng.getrandbits(64)]) for _ in range(2))
            mask = 2 * SIGN[sf] - 1
            result = meaning(x & mask, y & mask, sf) & mask
            source += ['ldr x1, =0x%x' % x, 'ldr x2, =0x%x' % y, '.inst 0x%x' % (word | sf << 31),
                       'ldr x3, =0x%x' % result, 'mov x4, #%d' % (len(wanted) + 1), 'cmp x0, x3', 'b.ne fail']
            wanted.append(name)
    source += ['b 1f', '.ltorg', '1:']
source += ['mov x4, #0', 'fail: adr x1, block', 'str x4, [x1, #8]', 'mov x0, #0x20', 'hlt #0xf000',
           '.balign 8', 'block: .quad 0x20026, 0']
with tempfile.TemporaryDirectory() as d:
    assembly = os.path.join(d, 'c.s')
    with open(assembly, 'w', encoding='utf-8') as f:
        f.write('\n'.join(source) + '\n')
    elf = bare.build(d, assembly)
    for accel in ('interp', 'jit'):
        code = bare.status(bare.rhea(args.rhea, elf, '-accel', accel), timeout=60)
        if code:
            sys.exit('%s: case %d of %d fails (status modulo 256)' % (accel, code, len(wanted)))
print('%d cases' % len(wanted))
