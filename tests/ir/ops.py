#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes ops.ir: every integer op, condition and memory access of the IR with operands that tend to go wrong.

The expected values come from Python's integers, not from the evaluation column of ir/ops.def. The build runs
it.
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
            f'%b = get.{t} {s}2', f'%c = const.{t} {literal(a, w)}', f'%r = {op}.{t} %c, %b',
            f'put.{t} {s}2, %r',
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
            emit(f'{c} {w} {n}{" constant" if const else ""}',
                 {f'{s}1': a, f'{s}2': b, 'x5': 0x55, 'x6': 0x66, 'w3': 3}, [
                f'%a = get.{t} {s}1', get, f'%r = setcc.i64.{c} %a, %b', 'put.i64 x3, %r',
                '%p = get.i64 x5', '%q = get.i64 x6', f'%s = select.i64.{c} %a, %b, %p, %q', 'put.i64 x4, %s',
                '%u = get.i32 w3', '%v = const.i32 -4', f'%t = select.i32.{c} %a, %b, %u, %v',
                'put.i32 w0, %t', f'brcc.{t}.{c} %a, %b, b1, b2', 'b1:', 'exit_jump page+0x10', 'b2:',
                'exit_jump page+0x20',
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
        ], {'w0': v & 0xffffffff, 'x2': signed(v, 32) & M64, 'x3': v & 0xffffffff, 'f0': v,
            's0': v & 0xffffffff,
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
                    ], {f'{s}2': v & ((1 << w) - 1)},
                         ['mem 0x10105 = ' + ' '.join(f'{x:02x}' for x in bytes_of(DATA, 64))])


def stores():
    for size in (1, 2, 4, 8):
        for order in ('', ' big_endian'):
            b = bytes_of(DATA, 64)[:size]
            b = b[::-1] if order else b
            emit(f'store {size}{order}', {'x1': 0x10100, 'x2': DATA}, [
                '%a = get.i64 x1', '%v = get.i64 x2',
                f'%l = lookup.i64 %a, [-3, {size - 3}) {{view 0 write}}',
                f'st.i64 %l, %a - 3, %v {{{size}{order}}}',
            ], {}, ['mem 0x100fc = 11 11 11 11 11 11 11 11 11 11',
                    'expect: mem 0x100fc = ' + ' '.join(f'{x:02x}' for x in [0x11] + b + [0x11])])
    emit('store float and narrow', {'x1': 0x10100, 'f1': DATA, 's1': 0x3f800001, 'w1': 0x89abcdef}, [
        '%a = get.i64 x1', '%f = get.f64 f1', '%s = get.f32 s1', '%w = get.i32 w1',
        '%l = lookup.i64 %a, [0, 16) {view 0 write}', 'st.f64 %l, %a + 0, %f {8}',
        'st.f32 %l, %a + 8, %s {4}', 'st.i32 %l, %a + 12, %w {2}', '%g = ld.f64 %l, %a + 0 {8}',
        'put.f64 f2, %g', '%h = ld.f32 %l, %a + 8 {4}', 'put.f32 s2, %h',
    ], {'f2': DATA, 's2': 0x3f800001}, ['expect: mem 0x10108 = 01 00 80 3f ef cd 00 00'])


def atomics():
    ops = {
        'swap': lambda o, v, w: v, 'add': lambda o, v, w: o + v, 'and': lambda o, v, w: o & v,
        'or': lambda o, v, w: o | v, 'xor': lambda o, v, w: o ^ v,
        'mins': lambda o, v, w: min(signed(o, w), signed(v, w)), 'maxs': lambda o, v,
        w: max(signed(o, w), signed(v, w)),
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
                    f'%r = rmw.i64.{name} %l, %a, %v {{{size}{sign} align acquire release}}',
                    'put.i64 x3, %r',
                ], {'x3': got}, ['mem 0x10100 = ' + ' '.join(f'{x:02x}' for x in bytes_of(old, 64)),
                                 'expect: mem 0x10100 = ' + ' '.join(f'{x:02x}'
                                                                     for x in bytes_of(new, w) +
                                                                     bytes_of(old, 64)[size:])])
    for size in (1, 2, 4, 8):
        for hit in (True, False):
            w = 8 * size
            m = (1 << w) - 1
            old = 0x8877665544332281
            expect = (old & m | ~m & M64) if hit else old ^ 1 << (w - 1)
            want = (0x0102030405060708 if hit else old) & m
            emit(f'cas {size} {"hit" if hit else "miss"}',
                 {'x1': 0x10100, 'x2': expect & M64, 'x3': 0x0102030405060708}, [
                '%a = get.i64 x1', '%e = get.i64 x2', '%d = get.i64 x3',
                f'%l = lookup.i64 %a, [0, {size}) {{view 0 write}}',
                f'%r = cas.i64 %l, %a, %e, %d {{{size} sign align}}', 'put.i64 x4, %r',
            ], {'x4': signed(old, w) & M64}, ['mem 0x10100 = ' +
                                              ' '.join(f'{x:02x}' for x in bytes_of(old, 64)),
                                             'expect: mem 0x10100 = ' +
                                             ' '.join(f'{x:02x}'
                                                      for x in bytes_of(want, w) + bytes_of(old, 64)[size:])])


# Condition flags as masks (enum ir_flag)
N, Z, C, V, P, A = 1, 2, 4, 8, 16, 32
FLAG_TESTS = {
    'z': lambda f: f & Z, 'c': lambda f: f & C, 'n': lambda f: f & N, 'v': lambda f: f & V,
    'p': lambda f: f & P,
    'a': lambda f: f & A, 'leu': lambda f: f & (C | Z), 'lts': lambda f: bool(f & N) != bool(f & V),
    'les': lambda f: f & Z or bool(f & N) != bool(f & V),
}
NEGATED = {'z': 'nz', 'c': 'nc', 'n': 'nn', 'v': 'nv', 'p': 'np', 'a': 'na', 'leu': 'gtu', 'lts': 'ges',
           'les': 'gts'}


def result_flags(exact, unsigned, nibble, w):
    """
    The sum or difference as it would be without a width: of the operands signed, unsigned, and of their low
    four bits.
    """
    r = exact & (1 << w) - 1
    return ((N if r >> (w - 1) else 0) | (Z if r == 0 else 0) |
            (P if bin(r & 255).count('1') % 2 == 0 else 0) |
            (V if signed(r, w) != exact else 0) | (C if not 0 <= unsigned < 1 << w else 0) |
            (A if not 0 <= nibble < 16 else 0))


def flags_of(op, a, b, c, w):
    m = (1 << w) - 1
    a, b = a & m, b & m
    if op == 'logic':
        return result_flags(signed(a, w), a, 0, w)
    f = (lambda x, y: x + y + c) if op in ('add', 'adc') else (lambda x, y: x - y - c)
    return result_flags(f(signed(a, w), signed(b, w)), f(a, b), f(a & 15, b & 15), w)


FLAG_PAIRS = [
    (0, 0), (1, 1), (0x7f, 1), (0x80, 1), (0xff, 1), (0x7fff, 1), (0x8000, 0x8000), (0x7fffffff, 0xffffffff),
    (0x80000000, 0x80000000), (0x8000000000000000, 1), (M64, M64), (5, 7),
    (0x123456789abcdef0, 0x0fedcba987654321),
    (0x7fffffffffffffff, M64), (0x18, 9), (3, 0x80),
]


def flags(op, w, not_c):
    s, t = kind(64 if w == 64 else 32)
    suffix = f'{w}{" not_c" if not_c else ""}'
    for n, (a, b) in enumerate(FLAG_PAIRS):
        for c in (0, 1) if op in ('adc', 'sbc') else (0,):
            f = flags_of(op, a, b, c, w) ^ (C if not_c else 0)
            m = (1 << 64 if s == 'x' else 1 << 32) - 1
            carry = ', %c' if op in ('adc', 'sbc') else ''
            args = '%a' if op == 'logic' else '%a, %b' + carry
            whole = {'add': a + b, 'sub': a - b, 'adc': a + b + c, 'sbc': a - b - c, 'logic': a & a}[op] & m
            plain = f'%r = and.{t} %a, %a' if op == 'logic' else f'%r = {op}.{t} {args}'
            slots = {f'{s}1': a & m, f'{s}2': b & m, 'x3': c}
            gets = [f'%a = get.{t} {s}1', f'%b = get.{t} {s}2', '%c = get.i64 x3']
            emit(f'fl_{op} {suffix} {n} {c}', slots, gets + [f'%f = fl_{op}.flags {args}, {suffix}',
                                                             'put.flags fl0, %f'],
                 {'fl0': f})
            emit(f'fl_{op} {suffix} {n} {c} beside the result', slots,
                 gets + [plain, f'put.{t} {s}1, %r', f'%f = fl_{op}.flags {args}, {suffix}',
                         'put.flags fl1, %f'],
                 {'fl1': f, f'{s}1': whole})
            if not not_c and n % 6 == c:
                tests_of_flags(op, suffix, n, slots, gets, plain, args, t, s, f, whole)


def tests_of_flags(op, suffix, n, slots, gets, plain, args, t, s, f, whole):
    for cond, holds in FLAG_TESTS.items():
        for name, yes in ((cond, bool(holds(f))), (NEGATED[cond], not holds(f))):
            emit(f'fl_test {name} of fl_{op} {suffix} {n}', slots, gets + [
                plain, f'put.{t} {s}1, %r', f'%f = fl_{op}.flags {args}, {suffix}',
                f'%t = fl_test.i64.{name} %f', '%z = const.i64 0', 'brcc.i64.ne %t, %z, b1, b2', 'b1:',
                'exit_jump page+0x10', 'b2:', 'exit_jump page+0x20',
            ], {f'{s}1': whole}, [f'expect: pc 0x{0x400010 if yes else 0x400020:x}'])
            emit(f'fl_test {name} of fl_{op} {suffix} {n} as a value', dict(slots, x8=8, x9=9), gets + [
                f'%f = fl_{op}.flags {args}, {suffix}', f'%t = fl_test.i64.{name} %f', 'put.i64 x4, %t',
                '%z = const.i64 0', '%p = get.i64 x8', '%q = get.i64 x9', '%s = select.i64.eq %t, %z, %p, %q',
                'put.i64 x5, %s', 'put.flags fl1, %f',
            ], {'x4': int(yes), 'x5': 9 if yes else 8, 'fl1': f})


def flags_words():
    for f in range(0, 64, 3):
        slots = {'fl0': f, 'fl1': f ^ 21, 'x1': f & 1}
        body, expect = ['%f = get.flags fl0'], {}
        for k, (cond, holds) in enumerate(FLAG_TESTS.items()):
            body += [f'%t{k} = fl_test.i64.{cond} %f', f'put.i64 x{k + 2}, %t{k}']
            expect[f'x{k + 2}'] = int(bool(holds(f)))
        emit(f'fl_test of the word {f}', slots, body, expect)
        emit(f'fl_test of the word {f}, negated', slots,
             [b.replace(f'i64.{c} ', f'i64.{NEGATED[c]} ') if 'fl_test' in b else b
              for b in body for c in [b.split('i64.')[-1].split()[0]]], {k: 1 - v for k, v in expect.items()})
        for mask in (0, 4, 12, 21, 59, 63):
            emit(f'fl_with {f} {mask}', slots, ['%f = get.flags fl0', '%b = get.i64 x1',
                                               f'%r = fl_with.flags %f, %b, {mask}', 'put.flags fl0, %r'],
                 {'fl0': f & ~mask | (mask if f & 1 else 0)})
            emit(f'fl_merge {f} {mask}', slots, ['%f = get.flags fl0', '%g = get.flags fl1',
                                                f'%r = fl_merge.flags %f, %g, {mask}', 'put.flags fl0, %r'],
                 {'fl0': f & mask | (f ^ 21) & ~mask})
        emit(f'fl_word {f}', slots, ['%f = get.flags fl0', '%w = fl_word.i32 %f', '%r = fl_from.flags %w',
                                     'put.flags fl1, %r', f'%c = const.flags {f ^ 63}', 'put.flags fl0, %c'],
             {'fl1': f, 'fl0': f ^ 63})


def float_flags():
    values = {'f64': [0, 1 << 63, 0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000,
                      0x7ff8000000000000, 0x7ff0000000000001],
              'f32': [0, 1 << 31, 0x3f800000, 0xbf800000, 0x7f800000, 0x7fc00000, 0x7f800001]}
    number = [0.0, -0.0, 1.0, -1.0, float('inf'), None, None]
    for t, v in values.items():
        s = t[0] if t == 'f64' else 's'
        for i, a in enumerate(number):
            for k, b in enumerate(number):
                for form in ('by_sign', 'by_carry'):
                    for signals in ('', ' signals'):
                        if a is None or b is None:
                            f = V if form == 'by_sign' else Z | P | C
                            invalid = signals or 6 in (i, k)
                        else:
                            f = Z if a == b else 0 if a > b else N | C if form == 'by_sign' else C
                            invalid = False
                        for cond, holds in FLAG_TESTS.items():
                            if (i * 7 + k) % len(FLAG_TESTS) != list(FLAG_TESTS).index(cond):
                                continue
                            yes = bool(holds(f))
                            for keep in (True, False):
                                emit(f'fl_fcmp {t} {form}{signals} {i} {k} {cond} {keep}',
                                     {f'{s}1': v[i], f'{s}2': v[k]}, [
                                    f'%a = get.{t} {s}1', f'%b = get.{t} {s}2',
                                    f'%f = fl_fcmp.flags %a, %b {form}{signals}'] +
                                     ['put.flags fl0, %f'] * keep +
                                    [f'%t = fl_test.i64.{cond} %f', '%z = const.i64 0',
                                     'brcc.i64.ne %t, %z, b1, b2', 'b1:', 'exit_jump page+0x10', 'b2:',
                                     'exit_jump page+0x20'],
                                    {'fl0': f} if keep else {},
                                    [f'expect: pc 0x{0x400010 if yes else 0x400020:x}',
                                     f'expect: flags 0x{16 if invalid else 0:x}'])


def fields():
    for w in (64, 32):
        s, t = kind(w)
        m = (1 << w) - 1
        for n, (a, b) in enumerate(PAIRS):
            a, b = a & m, b & m
            for pos, length in sorted({(0, 1), (0, 8), (8, 8), (0, 16), (3, 13), (0, w), (w - 1, 1),
                                       (w - 8, 8), (5, 27),
                                       (0, 32), (16, 16)}):
                field = (1 << length) - 1
                emit(f'fields {w} {n} {pos} {length}', {f'{s}1': a, f'{s}2': b}, [
                    f'%a = get.{t} {s}1', f'%b = get.{t} {s}2', f'%u = extu.{t} %a, {pos}, {length}',
                    f'%s = exts.{t} %a, {pos}, {length}', f'%i = insert.{t} %a, %b, {pos}, {length}',
                    f'%j = insert.{t} %b, %a, {pos}, {length}', f'put.{t} {s}0, %u', f'put.{t} {s}3, %s',
                    f'put.{t} {s}1, %i', f'put.{t} {s}2, %j',
                ], {f'{s}0': a >> pos & field, f'{s}3': signed(a >> pos, length) & m,
                    f'{s}1': a & ~(field << pos) & m | (b & field) << pos,
                    f'{s}2': b & ~(field << pos) & m | (a & field) << pos})
                if w == 64:
                    emit(f'insert of a constant {n} {pos} {length}', {'x1': a}, [
                        '%a = get.i64 x1', f'%b = const.i64 {literal(b, 64)}',
                        f'%i = insert.i64 %a, %b, {pos}, {length}', 'put.i64 x1, %i'],
                         {'x1': a & ~(field << pos) & m | (b & field) << pos})
            for k in (0, 1, 7, 31, 32, 63):
                r = (a << w | b) >> k % w & m
                emit(f'extr {w} {n} {k}', {f'{s}1': a, f'{s}2': b, f'{s}3': k}, [
                    f'%a = get.{t} {s}1', f'%b = get.{t} {s}2', f'%n = get.{t} {s}3', f'%c = const.{t} {k}',
                    f'%r = extr.{t} %a, %b, %n', f'%q = extr.{t} %a, %b, %c', f'put.{t} {s}0, %r',
                    f'put.{t} {s}1, %q',
                ], {f'{s}0': r, f'{s}1': r})
            for c in (0, 1):
                emit(f'adc {w} {n} {c}', {f'{s}1': a, f'{s}2': b, 'x4': c}, [
                    f'%a = get.{t} {s}1', f'%b = get.{t} {s}2', '%c = get.i64 x4', f'%r = adc.{t} %a, %b, %c',
                    f'%q = sbc.{t} %a, %b, %c', f'put.{t} {s}0, %r', f'put.{t} {s}1, %q',
                ], {f'{s}0': a + b + c & m, f'{s}1': a - b - c & m})


def wide_atomics():
    old = bytes_of(0x8877665544332211, 64) + bytes_of(DATA, 64)
    for n, (hit, expect) in enumerate(((True, old), (False, [0x10] + old[1:]), (False, old[:15] + [1]))):
        new = bytes_of(0x0102030405060708, 64) + bytes_of(0x1112131415161718, 64)
        emit(f'cas16 {n}', {'x1': 0x10100, 'x2': from_bytes(expect[:8]), 'x3': from_bytes(expect[8:]),
                            'x4': from_bytes(new[:8]), 'x5': from_bytes(new[8:])}, [
            '%a = get.i64 x1', '%e0 = get.i64 x2', '%e1 = get.i64 x3', '%d0 = get.i64 x4', '%d1 = get.i64 x5',
            'wput.i64 0, %e0', 'wput.i64 1, %e1', 'wput.i64 2, %d0', 'wput.i64 3, %d1',
            '%l = lookup.i64 %a, [0, 16) {view 0 write}', 'cas16.i64 %l, %a {16 align}', '%o0 = wget.i64 0',
            '%o1 = wget.i64 1', 'put.i64 x6, %o0', 'put.i64 x7, %o1',
        ], {'x6': from_bytes(old[:8]), 'x7': from_bytes(old[8:])}, [
            'mem 0x10100 = ' + ' '.join(f'{x:02x}' for x in old),
            'expect: mem 0x10100 = ' + ' '.join(f'{x:02x}' for x in (new if hit else old))])


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
    wide_atomics()
    fields()
    flags_words()
    float_flags()
    for op in ('add', 'sub', 'adc', 'sbc', 'logic'):
        for w in (8, 16, 32, 64):
            flags(op, w, False)
            flags(op, w, True)


main()
