#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes vec_ops.ir: every vector op of the IR that does not compute in floating point, on operands that tend
to go wrong.

The expected values come from Python's integers and lists, not from the evaluation in ir/ops.def and ir/vec.c.
The build runs it.
"""

M128 = (1 << 128) - 1
VECTORS = [
    (0x00112233445566778899aabbccddeeff, 0x0f1e2d3c4b5a69788796a5b4c3d2e1f0),
    (0x8000800080008000ffff7fff00017fff, 0x7fff8000800080000001ffff00017fff),
    (0x80807f7fff01fe0200000000ffffffff, 0x017f80ff01ff02fe00000001ffffffff),
    (0x8000000000000000ffffffff80000000, 0x7fffffffffffffff0000000180000000),
    (0x000102030405060708090a0b0c0d0e0f, 0x00100f1f0e7f0d800c8f0bff0a200940),
    (0xdeadbeefcafef00d0123456789abcdef, 0x00000003000000020000001f00000040),
]
COUNTS = [0x01020304050607080900000000000003, 0x00000001000200030004000500060007,
          0x0000000000000000000000000000003f, 0xff0708100f201f3f40414243fffffffe]


def signed(v, w):
    return v - (1 << w) if v >> (w - 1) & 1 else v


def lanes(v, w):
    return [v >> w * k & ((1 << w) - 1) for k in range(128 // w)]


def join(values, w):
    return sum((v & ((1 << w) - 1)) << w * k for k, v in enumerate(values))


def clamp(v, low, high):
    return max(low, min(high, v))


def sat(v, w):
    return clamp(v, -(1 << w - 1), (1 << w - 1) - 1)


def usat(v, w):
    return clamp(v, 0, (1 << w) - 1)


S = signed
BINARY = {
    'vand': lambda a, b, w: a & b, 'vor': lambda a, b, w: a | b, 'vxor': lambda a, b, w: a ^ b,
    'vandc': lambda a, b, w: a & ~b, 'vadd': lambda a, b, w: a + b, 'vsub': lambda a, b, w: a - b,
    'vmul': lambda a, b, w: a * b, 'vmulhs': lambda a, b, w: S(a, w) * S(b, w) >> w,
    'vmulhu': lambda a, b, w: a * b >> w, 'vmins': lambda a, b, w: min(S(a, w), S(b, w)),
    'vminu': lambda a, b, w: min(a, b), 'vmaxs': lambda a, b, w: max(S(a, w), S(b, w)),
    'vmaxu': lambda a, b, w: max(a, b), 'vqadds': lambda a, b, w: sat(S(a, w) + S(b, w), w),
    'vqaddu': lambda a, b, w: usat(a + b, w), 'vqsubs': lambda a, b, w: sat(S(a, w) - S(b, w), w),
    'vqsubu': lambda a, b, w: usat(a - b, w), 'vavgu': lambda a, b, w: a + b + 1 >> 1,
    'vcmpeq': lambda a, b, w: -(a == b), 'vcmpgts': lambda a, b, w: -(S(a, w) > S(b, w)),
    'vcmpgtu': lambda a, b, w: -(a > b),
}
SHIFTS = {
    'vshl': lambda a, n, w: a << n if n < w else 0, 'vshru': lambda a, n, w: a >> min(n, w),
    'vshrs': lambda a, n, w: S(a, w) >> min(n, w - 1),
}
UNARY = {
    'vneg': lambda a, w: -a, 'vabs': lambda a, w: abs(S(a, w)), 'vpopcnt': lambda a, w: bin(a).count('1'),
    'vclz': lambda a, w: w - a.bit_length(),
}
# of two lists of lanes
PERMUTES = {
    'vziplo': lambda a, b: [v for p in zip(a, b) for v in p][:len(a)],
    'vziphi': lambda a, b: [v for p in zip(a, b) for v in p][len(a):],
    'vuzpe': lambda a, b: a[::2] + b[::2], 'vuzpo': lambda a, b: a[1::2] + b[1::2],
    'vtrne': lambda a, b: [v for p in zip(a[::2], b[::2]) for v in p],
    'vtrno': lambda a, b: [v for p in zip(a[1::2], b[1::2]) for v in p],
}


def words(v):
    return f'0x{v & (1 << 64) - 1:x} 0x{v >> 64 & (1 << 64) - 1:x}'


def test(name, given, body, expect):
    print(f'; test: {name}')
    for s, v in given.items():
        print(f'; vec {s} = {words(v)}' if s[0] == 'v' else f'; slot {s} = 0x{v:x}')
    for s, v in expect.items():
        print(f'; expect: vec {s} = {words(v & M128)}' if s[0] == 'v' else f'; expect: slot {s} = 0x{v:x}')
    print('region mode 0x0 start 0x0 bytes 4 insns 1 round rne\nb0:\n  insn 0, page+0x0')
    for line in body:
        print('    ' + line)
    print('    exit_jump page+0x4\n')


GET = ['%a = get.v128 v1', '%b = get.v128 v2', '%x = get.v128 v3']


def two(name, op, n, a, b, r, imm=''):
    """From pinned slots to a third and in place, and with both arguments the same if @r is a function."""
    test(f'{name} {n}', {'v1': a, 'v2': b}, GET[:2] + [
        f'%r = {op} %a, %b{imm}', 'put.v128 v0, %r', f'%s = {op} %a, %a{imm}', 'put.v128 v1, %s',
    ], {'v0': r(a, b), 'v1': r(a, a), 'v2': b})


def one(name, op, n, a, r, imm=''):
    test(f'{name} {n}', {'v1': a, 'v3': a}, [GET[0], GET[2],
        f'%r = {op} %a{imm}', 'put.v128 v0, %r', f'%s = {op} %x{imm}', 'put.v128 v3, %s',
    ], {'v0': r, 'v3': r})


def lane_wise():
    for w in (8, 16, 32, 64):
        for n, (a, b) in enumerate(VECTORS):
            for op, f in BINARY.items():
                two(f'{op} {w}', f'{op}.v128.x{w}', n, a, b,
                    lambda a, b: join([f(p, q, w) for p, q in zip(lanes(a, w), lanes(b, w))], w))
            for op, f in UNARY.items():
                one(f'{op} {w}', f'{op}.v128.x{w}', n, a, join([f(p, w) for p in lanes(a, w)], w))
            for op, f in PERMUTES.items():
                two(f'{op} {w}', f'{op}.v128.x{w}', n, a, b, lambda a,
                    b: join(f(lanes(a, w), lanes(b, w)), w))
        for op, f in SHIFTS.items():
            a = VECTORS[1][0] ^ VECTORS[0][0]
            for n, c in enumerate(COUNTS):
                two(f'{op} {w}', f'{op}.v128.x{w}', n, a, c,
                    lambda a, c: join([f(p, q, w) for p, q in zip(lanes(a, w), lanes(c, w))], w))
            for c in (0, 1, w // 2, w - 1, w, 200):
                one(f'{op}i {w}', f'{op}i.v128.x{w}', c, a, join([f(p, c, w) for p in lanes(a, w)], w),
                    f', {c}')
            for c in (0, 3, w - 1, w, 1 << 40):
                test(f'{op}c {w} {c}', {'v1': a, 'x1': c}, [
                    GET[0], '%n = get.i64 x1', f'%r = {op}c.v128.x{w} %a, %n', 'put.v128 v0, %r',
                ], {'v0': join([f(p, c, w) for p in lanes(a, w)], w)})


def permutes():
    for n, (a, b) in enumerate(VECTORS):
        two('vtbl', 'vtbl.v128.x8', n, a, b,
            lambda a, b: join([lanes(a, 8)[k] if k < 16 else 0 for k in lanes(b, 8)], 8))
        two('vsad', 'vsad.v128.x8', n, a, b, lambda a, b: join(
            [sum(abs(p - q) for p, q in zip(lanes(a, 8)[k:k + 8], lanes(b, 8)[k:k + 8])) for k in (0, 8)],
            64))
        two('vmuladd', 'vmuladd.v128.x16', n, a, b, lambda a, b: join(
            [sum(S(p, 16) * S(q, 16) for p, q in zip(lanes(a, 16)[k:k + 2], lanes(b, 16)[k:k + 2]))
             for k in range(0, 8, 2)], 32))
        test(f'vsel {n}', {'v1': a, 'v2': b, 'v3': a * 3 & M128},
             GET + ['%r = vsel.v128.x64 %a, %b, %x', 'put.v128 v1, %r'],
             {'v1': a & b | ~a & a * 3 & M128})
        for w in (8, 16, 32):
            for s in 'us':
                f = (lambda v: S(v, w)) if s == 's' else (lambda v: v)
                for half in (0, 1):
                    k = len(lanes(a, w)) // 2 * half
                    one(f'vwiden{s} {w} {half}', f'vwiden{s}.v128.x{w}', n, a,
                        join([f(v) for v in lanes(a, w)[k:k + 64 // w]], 2 * w), f', {half}')
                two(f'vmuleven{s} {w}', f'vmuleven{s}.v128.x{w}', n, a, b, lambda a, b: join(
                    [f(p) * f(q) for p, q in zip(lanes(a, w)[::2], lanes(b, w)[::2])], 2 * w))
        for w in (16, 32, 64):
            for op, f in (('vpacks', lambda v: sat(S(v, w), w // 2)),
                          ('vpacksu', lambda v: usat(S(v, w), w // 2)),
                          ('vpacku', lambda v: usat(v, w // 2))):
                two(f'{op} {w}', f'{op}.v128.x{w}', n, a, b,
                    lambda a, b: join([f(v) for v in lanes(a, w) + lanes(b, w)], w // 2))
    a, b = VECTORS[0]
    for imm in (0, 0x1b, 0xe4, 0x93, 0xff, 0x4e):
        k = [imm >> 2 * n & 3 for n in range(4)]
        two('vshuf 32', 'vshuf.v128.x32', imm, a, b, lambda a, b: join(
            [lanes(a, 32)[k[0]], lanes(a, 32)[k[1]], lanes(b, 32)[k[2]], lanes(b, 32)[k[3]]], 32), f', {imm}')
        h = lanes(a, 16)
        one('vshuflo', 'vshuflo.v128.x16', imm, a, join([h[j] for j in k] + h[4:], 16), f', {imm}')
        one('vshufhi', 'vshufhi.v128.x16', imm, a, join(h[:4] + [h[4 + j] for j in k], 16), f', {imm}')
    for imm in range(4):
        two('vshuf 64', 'vshuf.v128.x64', imm, a, b,
            lambda a, b: join([lanes(a, 64)[imm & 1], lanes(b, 64)[imm >> 1]], 64), f', {imm}')
    for imm in (0, 1, 7, 8, 15, 16):
        two('vext', 'vext.v128.x8', imm, a, b, lambda a, b: (a | b << 128) >> 8 * imm, f', {imm}')
        test(f'vext of zeros {imm}', {'v1': a}, [
            GET[0], '%z = const.v128 0x0', f'%r = vext.v128.x8 %a, %z, {imm}', 'put.v128 v0, %r',
            f'%s = vext.v128.x8 %z, %a, {imm}', 'put.v128 v2, %s',
        ], {'v0': a >> 8 * imm, 'v2': a << 128 >> 8 * imm})
    for w, log2 in ((8, 0), (16, 1), (32, 2), (64, 3)):
        for g in range(log2 + 1, 5):
            size = (8 << g) // w
            v = lanes(a, w)
            one(f'vrev {w} {g}', f'vrev.v128.x{w}', 0, a,
                join([x for k in range(0, len(v), size) for x in v[k:k + size][::-1]], w), f', {g}')


def scalars():
    a = VECTORS[0][0]
    for w in (8, 16, 32, 64):
        for n in range(128 // w):
            one(f'vduplane {w}', f'vduplane.v128.x{w}', n, a, join([lanes(a, w)[n]] * (128 // w), w),
                f', {n}')
            new = lanes(a, w)
            new[n] = 0x99c0ffee12345678
            test(f'vput and vpick {w} {n}', {'v1': a, 'x1': 0x99c0ffee12345678, 'v3': a}, [
                GET[0], GET[2], '%s = get.i64 x1', f'%r = vput.v128.x{w} %a, %s, {n}', 'put.v128 v0, %r',
                f'%q = vput.v128.x{w} %x, %s, {n}', 'put.v128 v3, %q',
                f'%p = vpick.i64.x{w} %a, {n}', 'put.i64 x2, %p',
            ], {'v0': join(new, w), 'v3': join(new, w), 'x2': lanes(a, w)[n], 'v1': a})
            if w >= 32:
                t, s = ('f32', 's') if w == 32 else ('f64', 'f')
                new[n] = 0x3ff00000bf800000
                test(f'vput and vpick of a float {w} {n}', {'v1': a, f'{s}1': new[n] & (1 << w) - 1}, [
                    GET[0], f'%s = get.{t} {s}1', f'%r = vput.v128.x{w} %a, %s, {n}', 'put.v128 v0, %r',
                    f'%p = vpick.{t}.x{w} %a, {n}', f'put.{t} {s}2, %p',
                ], {'v0': join(new, w), f'{s}2': lanes(a, w)[n]})
        for n, v in enumerate((0x8182838485868788, 0)):
            test(f'vdup {w} {n}', {'x1': v}, ['%s = get.i64 x1', f'%r = vdup.v128.x{w} %s',
                                              'put.v128 v0, %r'],
                 {'v0': join([v] * (128 // w), w)})
        for n, (v, _) in enumerate(VECTORS):
            test(f'vmask {w} {n}', {'v1': v}, [GET[0], f'%r = vmask.i64.x{w} %a', 'put.i64 x2, %r'],
                 {'x2': sum((x >> w - 1) << k for k, x in enumerate(lanes(v, w)))})
    test('vpair, vzext, vlow', {'x1': 0x1111222233334444, 'x2': 0x5555666677778888, 'v1': a, 's1': 0x3f800000,
                                'f1': 0x4000000000000001, 'w1': 0x87654321}, [
        '%p = get.i64 x1', '%q = get.i64 x2', '%r = vpair.v128.x64 %p, %q', 'put.v128 v0, %r',
        '%w = get.i32 w1', '%z = vzext.v128.x32 %w', 'put.v128 v2, %z',
        '%f = get.f64 f1', '%y = vzext.v128.x64 %f', 'put.v128 v3, %y',
        GET[0], '%l = vlow.i32.x32 %a', 'put.i32 w0, %l', '%m = vlow.f64.x64 %a', 'put.f64 f0, %m',
        '%n = vlow.f32.x32 %a', 'put.f32 s0, %n', '%o = vlow.i64.x64 %a', 'put.i64 x3, %o',
        '%s = get.f32 s1', '%t = vzext.v128.x32 %s', 'put.v128 v1, %t',
    ], {'v0': 0x1111222233334444 | 0x5555666677778888 << 64, 'v2': 0x87654321, 'v3': 0x4000000000000001,
        'w0': a & 0xffffffff, 'f0': a & (1 << 64) - 1, 's0': a & 0xffffffff, 'x3': a & (1 << 64) - 1,
        'v1': 0x3f800000})


def memory():
    data = VECTORS[0][0]
    image = ' '.join(f'{x:02x}' for x in lanes(data, 8))
    for size in (1, 2, 4, 8, 16):
        want = data & (1 << 8 * size) - 1
        stored = lanes(VECTORS[1][0], 8)[:size]
        print(f'; test: load and store {size}\n; mem 0x10103 = {image}\n; slot x1 = 0x10100\n; vec v1 = '
              f'{words(VECTORS[1][0])}')
        print(f'; expect: vec v0 = {words(want)}\n; expect: mem 0x10203 = '
              f'{" ".join(f"{x:02x}" for x in stored)} 00')
        print('region mode 0x0 start 0x0 bytes 4 insns 1 round rne\nb0:\n  insn 0, page+0x0')
        for line in ('%p = get.i64 x1', '%a = get.v128 v1', f'%l = lookup.i64 %p, [3, {3 + size}) {{view 0}}',
                     f'%r = ld.v128 %l, %p + 3 {{{size}}}', 'put.v128 v0, %r',
                     f'%m = lookup.i64 %p, [259, {259 + size}) {{view 0 write}}',
                     f'st.v128 %m, %p + 259, %a {{{size}}}', 'exit_jump page+0x4'):
            print('    ' + line)
        print()


lane_wise()
permutes()
scalars()
memory()
