#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes ops.ir: every integer op, condition and memory access of the IR with operands that tend to go wrong.

The expected values come from Python's integers, not from the evaluation column of ir/ops.def. The build runs it.
"""

M64 = (1 << 64) - 1


def signed(v, w):
    v &= (1 << w) - 1
    return v - (1 << w) if v >> (w - 1) else v


def quotient(a, b):
    q = abs(a) // abs(b)
    return -q if (a < 0) != (b < 0) else q


def divs(a, b, w):
    a, b = signed(a, w), signed(b, w)
    return -1 if b == 0 else quotient(a, b)


def rems(a, b, w):
    a, b = signed(a, w), signed(b, w)
    return a if b == 0 else a - b * quotient(a, b)


def rotl(a, n, w):
    n %= w
    return a << n | a >> (w - n)


def bytes_of(a, w):
    return [a >> 8 * k & 255 for k in range(w // 8)]


def from_bytes(b):
    return sum(v << 8 * k for k, v in enumerate(b))


BINARY = {
    'add': lambda a, b, w: a + b,
    'sub': lambda a, b, w: a - b,
    'mul': lambda a, b, w: a * b,
    'mulhu': lambda a, b, w: a * b >> w,
    'mulhs': lambda a, b, w: signed(a, w) * signed(b, w) >> w,
    'mulhsu': lambda a, b, w: signed(a, w) * b >> w,
    'divu': lambda a, b, w: a // b if b else -1,
    'divs': divs,
    'remu': lambda a, b, w: a % b if b else a,
    'rems': rems,
    'and': lambda a, b, w: a & b,
    'or': lambda a, b, w: a | b,
    'xor': lambda a, b, w: a ^ b,
    'andc': lambda a, b, w: a & ~b,
    'orc': lambda a, b, w: a | ~b,
    'shl': lambda a, b, w: a << b % w,
    'shru': lambda a, b, w: a >> b % w,
    'shrs': lambda a, b, w: signed(a, w) >> b % w,
    'rotl': rotl,
    'rotr': lambda a, b, w: rotl(a, -b % w, w),
}
UNARY = {
    'neg': lambda a, w: -a,
    'not': lambda a, w: ~a,
    'clz': lambda a, w: w - a.bit_length(),
    'ctz': lambda a, w: (a & -a).bit_length() - 1 if a else w,
    'popcnt': lambda a, w: bin(a).count('1'),
    'bswap': lambda a, w: from_bytes(bytes_of(a, w)[::-1]),
    'orcb': lambda a, w: from_bytes([255 if v else 0 for v in bytes_of(a, w)]),
    'sext8': lambda a, w: signed(a, 8),
    'sext16': lambda a, w: signed(a, 16),
    'zext8': lambda a, w: a & 0xff,
    'zext16': lambda a, w: a & 0xffff,
}
CONDITIONS = {
    'eq': lambda a, b, w: a == b,
    'ne': lambda a, b, w: a != b,
    'ltu': lambda a, b, w: a < b,
    'geu': lambda a, b, w: a >= b,
    'lts': lambda a, b, w: signed(a, w) < signed(b, w),
    'ges': lambda a, b, w: signed(a, w) >= signed(b, w),
    'leu': lambda a, b, w: a <= b,
    'gtu': lambda a, b, w: a > b,
    'les': lambda a, b, w: signed(a, w) <= signed(b, w),
    'gts': lambda a, b, w: signed(a, w) > signed(b, w),
    'tstz': lambda a, b, w: a & b == 0,
    'tstnz': lambda a, b, w: a & b != 0,
}
PAIRS = [
    (0x123456789abcdef0, 0x0fedcba987654321), (0x8000000080000000, M64), (0xfffffffffffffff6, 3), (7, 0),
    (0x00ff00000080ff01, 0x8000000000000000), (5, 5), (0x7fffffff7fffffff, 0xffffffc0ffffffe1),
]


def emit(name, slots, body, expect, extra=()):
    print(f'; test: {name}')
    for s, v in slots.items():
        print(f'; slot {s} = 0x{v:x}')
    for e in extra:
        print(f'; {e}')
    for s, v in expect.items():
        print(f'; expect: slot {s} = 0x{v:x}')
    print('region mode 0x0 start 0x0 bytes 4 insns 1 round rne\nb0:\n  insn 0, page+0x0')
    for line in body:
        print(line if line.startswith('b') and line.endswith(':') else '    ' + line)
    if not body[-1].startswith('exit'):
        print('    exit_jump page+0x4')
    print()


def kind(w):
    return ('x', 'i64') if w == 64 else ('w', 'i32')


def literal(v, w):
    return signed(v, w)


def binary(op, f, w):
    s, t = kind(w)
    m = (1 << w) - 1
    for n, (a, b) in enumerate(PAIRS):
        a, b = a & m, b & m
        r = f(a, b, w) & m
        emit(f'{op} {w} {n}', {f'{s}1': a, f'{s}2': b}, [
            f'%a = get.{t} {s}1', f'%b = get.{t} {s}2', f'%r = {op}.{t} %a, %b', f'put.{t} {s}0, %r',
            f'%c = const.{t} {literal(b, w)}', f'%q = {op}.{t} %a, %c', f'put.{t} {s}3, %q',
        ], {f'{s}0': r, f'{s}3': r})
        emit(f'{op} {w} {n} of a constant, in place', {f'{s}2': b}, [
            f'%b = get.{t} {s}2', f'%c = const.{t} {literal(a, w)}', f'%r = {op}.{t} %c, %b', f'put.{t} {s}2, %r',
        ], {f'{s}2': r})


def unary(op, f, w):
    s, t = kind(w)
    m = (1 << w) - 1
    values = sorted({v & m for pair in PAIRS for v in pair})
    body, expect, slots = [], {}, {}
    for n, v in enumerate(values):
        emit(f'{op} {w} {n}', {f'{s}1': v}, [
            f'%a = get.{t} {s}1', f'%r = {op}.{t} %a', f'put.{t} {s}2, %r', f'put.{t} {s}1, %r',
        ], {f'{s}2': f(v, w) & m, f'{s}1': f(v, w) & m})


def condition(c, f, w):
    s, t = kind(w)
    m = (1 << w) - 1
    for n, (a, b) in enumerate(PAIRS):
        a, b = a & m, b & m
        yes = f(a, b, w)
        for const in (False, True):
            get = f'%b = const.{t} {literal(b, w)}' if const else f'%b = get.{t} {s}2'
            emit(f'{c} {w} {n}{" constant" if const else ""}', {f'{s}1': a, f'{s}2': b, 'x5': 0x55, 'x6': 0x66, 'w3': 3}, [
                f'%a = get.{t} {s}1', get, f'%r = setcc.i64.{c} %a, %b', 'put.i64 x3, %r',
                '%p = get.i64 x5', '%q = get.i64 x6', f'%s = select.i64.{c} %a, %b, %p, %q', 'put.i64 x4, %s',
                '%u = get.i32 w3', '%v = const.i32 -4', f'%t = select.i32.{c} %a, %b, %u, %v', 'put.i32 w0, %t',
                f'brcc.{t}.{c} %a, %b, b1, b2', 'b1:', 'exit_jump page+0x10', 'b2:', 'exit_jump page+0x20',
            ], {'x3': int(yes), 'x4': 0x55 if yes else 0x66, 'w0': 3 if yes else 0xfffffffc},
                [f'expect: pc 0x{0x400010 if yes else 0x400020:x}'])


def conversions():
    for n, v in enumerate((0x123456789abcdef0, 0x8000000080000000, 0x7fffffff, M64)):
        emit(f'conversions {n}', {'x1': v, 'w1': v & 0xffffffff, 'f1': v, 's1': v & 0xffffffff}, [
            '%x = get.i64 x1', '%t = trunc.i32 %x', 'put.i32 w0, %t',
            '%w = get.i32 w1', '%s = sext32.i64 %w', 'put.i64 x2, %s', '%z = zext32.i64 %w', 'put.i64 x3, %z',
            '%b = bitcast.f64 %x', 'put.f64 f0, %b', '%c = bitcast.f32 %w', 'put.f32 s0, %c',
            '%f = get.f64 f1', '%d = bitcast.i64 %f', 'put.i64 x4, %d',
            '%g = get.f32 s1', '%e = bitcast.i32 %g', 'put.i32 w2, %e',
            '%h = fbox.f64 %g', 'put.f64 f2, %h', '%i = funbox.f32 %f', 'put.f32 s2, %i',
            '%j = fneg.f64 %f', 'put.f64 f3, %j', '%k = fabs.f32 %g', 'put.f32 s3, %k',
        ], {'w0': v & 0xffffffff, 'x2': signed(v, 32) & M64, 'x3': v & 0xffffffff, 'f0': v, 's0': v & 0xffffffff,
            'x4': v, 'w2': v & 0xffffffff, 'f2': v & 0xffffffff | 0xffffffff << 32,
            's2': v & 0xffffffff if v >> 32 == 0xffffffff else 0x7fc00000, 'f3': v ^ 1 << 63,
            's3': v & 0x7fffffff})


DATA = 0xf0debc9a785634f2


def loads():
    for size in (1, 2, 4, 8):
        for t in ('i64', 'i32'):
            if t == 'i32' and size == 8:
                continue
            for sign in ('', ' sign'):
                for order in ('', ' big_endian'):
                    b = bytes_of(DATA, 64)[:size]
                    v = from_bytes(b[::-1] if order else b)
                    v = signed(v, 8 * size) if sign else v
                    w = 64 if t == 'i64' else 32
                    s = 'x' if t == 'i64' else 'w'
                    emit(f'load {size} {t}{sign}{order}', {'x1': 0x10100}, [
                        '%a = get.i64 x1', f'%l = lookup.i64 %a, [5, {5 + size}) {{view 0}}',
                        f'%v = ld.{t} %l, %a + 5 {{{size}{sign}{order}}}', f'put.{t} {s}2, %v',
                    ], {f'{s}2': v & ((1 << w) - 1)}, ['mem 0x10105 = ' + ' '.join(f'{x:02x}' for x in bytes_of(DATA, 64))])


def stores():
    for size in (1, 2, 4, 8):
        for order in ('', ' big_endian'):
            b = bytes_of(DATA, 64)[:size]
            b = b[::-1] if order else b
            emit(f'store {size}{order}', {'x1': 0x10100, 'x2': DATA}, [
                '%a = get.i64 x1', '%v = get.i64 x2', f'%l = lookup.i64 %a, [-3, {size - 3}) {{view 0 write}}',
                f'st.i64 %l, %a - 3, %v {{{size}{order}}}',
            ], {}, ['mem 0x100fc = 11 11 11 11 11 11 11 11 11 11',
                    'expect: mem 0x100fc = ' + ' '.join(f'{x:02x}' for x in [0x11] + b + [0x11])])
    emit('store float and narrow', {'x1': 0x10100, 'f1': DATA, 's1': 0x3f800001, 'w1': 0x89abcdef}, [
        '%a = get.i64 x1', '%f = get.f64 f1', '%s = get.f32 s1', '%w = get.i32 w1',
        '%l = lookup.i64 %a, [0, 16) {view 0 write}', 'st.f64 %l, %a + 0, %f {8}', 'st.f32 %l, %a + 8, %s {4}',
        'st.i32 %l, %a + 12, %w {2}', '%g = ld.f64 %l, %a + 0 {8}', 'put.f64 f2, %g', '%h = ld.f32 %l, %a + 8 {4}',
        'put.f32 s2, %h',
    ], {'f2': DATA, 's2': 0x3f800001}, ['expect: mem 0x10108 = 01 00 80 3f ef cd 00 00'])


def atomics():
    ops = {
        'swap': lambda o, v, w: v, 'add': lambda o, v, w: o + v, 'and': lambda o, v, w: o & v,
        'or': lambda o, v, w: o | v, 'xor': lambda o, v, w: o ^ v,
        'mins': lambda o, v, w: min(signed(o, w), signed(v, w)), 'maxs': lambda o, v, w: max(signed(o, w), signed(v, w)),
        'minu': lambda o, v, w: min(o, v), 'maxu': lambda o, v, w: max(o, v),
    }
    for name, f in ops.items():
        for size in (1, 2, 4, 8):
            for n, (old, v) in enumerate(((0x8000000080008081, 0x7fffffff7fff7f7e), (5, M64))):
                w = 8 * size
                m = (1 << w) - 1
                new = f(old & m, v & m, w) & m
                sign = ' sign' if n == 0 else ''
                got = signed(old, w) & M64 if sign else old & m
                emit(f'rmw {name} {size} {n}', {'x1': 0x10100, 'x2': v}, [
                    '%a = get.i64 x1', '%v = get.i64 x2', f'%l = lookup.i64 %a, [0, {size}) {{view 0 write}}',
                    f'%r = rmw.i64.{name} %l, %a, %v {{{size}{sign} align acquire release}}', 'put.i64 x3, %r',
                ], {'x3': got}, ['mem 0x10100 = ' + ' '.join(f'{x:02x}' for x in bytes_of(old, 64)),
                                 'expect: mem 0x10100 = ' + ' '.join(f'{x:02x}' for x in bytes_of(new, w) + bytes_of(old, 64)[size:])])
    for size in (1, 2, 4, 8):
        for hit in (True, False):
            w = 8 * size
            m = (1 << w) - 1
            old = 0x8877665544332281
            expect = (old & m | ~m & M64) if hit else old ^ 1 << (w - 1)
            want = (0x0102030405060708 if hit else old) & m
            emit(f'cas {size} {"hit" if hit else "miss"}', {'x1': 0x10100, 'x2': expect & M64, 'x3': 0x0102030405060708}, [
                '%a = get.i64 x1', '%e = get.i64 x2', '%d = get.i64 x3', f'%l = lookup.i64 %a, [0, {size}) {{view 0 write}}',
                f'%r = cas.i64 %l, %a, %e, %d {{{size} sign align}}', 'put.i64 x4, %r',
            ], {'x4': signed(old, w) & M64}, ['mem 0x10100 = ' + ' '.join(f'{x:02x}' for x in bytes_of(old, 64)),
                                             'expect: mem 0x10100 = ' + ' '.join(f'{x:02x}' for x in bytes_of(want, w) + bytes_of(old, 64)[size:])])


def main():
    print('; Every integer op, condition, conversion and access. Written by tests/ir/ops.py.\n')
    for w in (64, 32):
        for op, f in BINARY.items():
            binary(op, f, w)
        for op, f in UNARY.items():
            unary(op, f, w)
        for c, f in CONDITIONS.items():
            condition(c, f, w)
    conversions()
    loads()
    stores()
    atomics()


main()
