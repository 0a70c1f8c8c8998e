#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the x86 decoder with GNU objdump and capstone: which byte strings decode, how long they are and
what they are called. One of the two must agree: capstone 4 does not know half of the later extensions and
wants mandatory prefixes to stand last, and objdump does not check LOCK. Strings are made from the rows of the
table with random ModRM, displacements, immediates and prefixes, or at random altogether. Where both differ
from us for a reason, excused() has it."""

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile

SLOT = 32

# ---- making strings ----


def vex_bytes(row, rng, opcode):
    """Prefix bytes of a VEX or EVEX row, up to the opcode."""
    m = int(row['map'][-1])
    pp = rng.choice([k for k in range(4) if row['pp'] >> k & 1])
    w = rng.choice([k for k in range(2) if row['w'] >> k & 1])
    lens = [k for k in range(3) if row['l'] >> k & 1]
    length = rng.choice(lens)
    uses = any(o[0] == 'H' or o[0] == 'B' or o.startswith('KV') for o in row['operands'])
    vvvv = rng.randrange(16) if uses else 15
    if any(o.startswith('KV') for o in row['operands']):
        vvvv |= 8
    if row['map'].startswith('vex'):
        length = min(length, 1)
        if m == 1 and w == 0 and rng.randrange(2):
            return bytes([0xc5, rng.randrange(2) << 7 | vvvv << 3 | length << 2 | pp, opcode])
        return bytes([0xc4, rng.randrange(8) << 5 | m, w << 7 | vvvv << 3 | length << 2 | pp, opcode])
    return bytes([0x62, rng.choice((0xf0, 0xd0, 0xb0, 0x90, 0x70)) | m, w << 7 | vvvv << 3 | 4 | pp,
                  length << 5 | 8 | (1 if 'vsib' in row['flags'] else 0), opcode])


def legacy_bytes(row, rng, bits, opcode):
    prefixes = []
    if row['pp'] == 15:
        prefixes += [rng.choice((0x66, 0x66, 0xf2, 0xf3)) for _ in range(rng.randrange(2))]
    elif row['pp'] & 1:
        prefixes += [0x66] if row['pp'] & 2 and rng.randrange(2) else []
    else:
        k = rng.choice([k for k in range(1, 4) if row['pp'] >> k & 1])
        prefixes.append((0, 0x66, 0xf3, 0xf2)[k])
    if rng.randrange(8) == 0:
        prefixes.append(rng.choice((0x67, 0x64, 0x65)))
    if rng.randrange(16) == 0 and 'lock' in row['flags']:
        prefixes.append(0xf0)
    rng.shuffle(prefixes)
    if bits == 64 and (rng.randrange(2) or row['w'] != 3):
        w = rng.choice([k for k in range(2) if row['w'] >> k & 1])
        prefixes.append(0x40 | w << 3 | rng.randrange(8))
    elif row['w'] == 2:
        return None
    escape = {'': [], '0f': [0x0f], '0f38': [0x0f, 0x38], '0f3a': [0x0f, 0x3a]}[row['map']]
    return bytes(prefixes + escape + [opcode])


def fill(row, rng, bits):
    """A string for a row; it may turn out to be something else, which is as good."""
    opcode = row['opcode'] + rng.randrange(row['count'])
    out = vex_bytes(row, rng, opcode) if 'vex' in row['map'] else legacy_bytes(row, rng, bits, opcode)
    if out is None:
        return None
    if 'modrm' in row['flags']:
        reg = rng.randrange(8) if row['reg'] is None else row['reg']
        rm = rng.randrange(8) if row['rm'] is None else row['rm']
        mod = 3 if row['mod'] == 2 or (row['mod'] == 3 and rng.randrange(2)) else rng.randrange(3)
        if 'vsib' in row['flags']:
            rm = 4
        out += bytes([mod << 6 | reg << 3 | rm])
    return (out + rng.randbytes(15))[:15]


# ---- asking ----


def ask_objdump(objdump, strings, bits):
    """(length, mnemonic) of each string; length 0: bad."""
    machine = {64: 'i386:x86-64', 32: 'i386', 16: 'i8086'}[bits]
    with tempfile.NamedTemporaryFile(suffix='.bin') as f:
        for s in strings:
            f.write(s + b'\x90' * (SLOT - len(s)))
        f.flush()
        out = subprocess.run([objdump, '-D', '-b', 'binary', '-m' + machine, '-M', 'intel,intel64', '-w',
                              '--insn-width=16', f.name], stdout=subprocess.PIPE, text=True,
                             check=True).stdout
    answers, pending = {}, None
    for line in out.splitlines():
        m = re.match(r'\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)\s*\t?(.*)', line)
        if not m:
            continue
        at, n, text = int(m.group(1), 16), len(m.group(2).split()), m.group(3)
        if at % SLOT and pending is None:
            continue
        start = at if at % SLOT == 0 else pending[0]
        n += 0 if at % SLOT == 0 else pending[1]
        words = text.split()
        while words and (re.match(r'(rex(\.\w+)?|data16|data32|addr16|addr32|lock|repz|repnz|rep|[c-gs]s|bnd|'
                                  r'notrack|xacquire|xrelease|\{\w+\})$', words[0])):
            words.pop(0)
        if not words:
            pending = (start, n)
            continue
        pending = None
        answers[start // SLOT] = (0, '-') if '(bad)' in text else (n, words[0])
    return [answers.get(k, (0, '-')) for k in range(len(strings))]


def ask_us(x86dis, strings, bits):
    data = b''.join(bytes([len(s)]) + s.ljust(15, b'\0') for s in strings)
    out = subprocess.run([x86dis, str(bits)], input=data, stdout=subprocess.PIPE, check=True).stdout.decode()
    for line in out.splitlines():
        result, n, name, cap_n, cap = line.split(' ', 4)[:5]
        yield result, int(n), name, int(cap_n), cap


def capstone_name(text):
    words = [w for w in text.split() if w not in ('lock', 'rep', 'repe', 'repne', 'repz', 'repnz')]
    return words[0] if words else '-'


# ---- spelling ----

ALIASES = {
    'sal': 'shl', 'retn': 'ret', 'retfq': 'retf', 'retf': 'retf', 'lret': 'retf', 'movabs': 'mov',
    'iretd': 'iret',
    'iretq': 'iret', 'iretw': 'iret', 'wait': 'fwait', 'xlatb': 'xlat', 'int1': 'int1', 'icebp': 'int1',
    'pushfq': 'pushf', 'popfq': 'popf', 'pushaw': 'pusha', 'popaw': 'popa', 'pushal': 'pusha',
    'popal': 'popa',
    'pushad': 'pusha', 'popad': 'popa', 'pushfd': 'pushf', 'popfd': 'popf',
    'setssbsyd': 'setssbsy', 'ud2a': 'ud2', 'ud2b': 'ud1', 'sysretq': 'sysret', 'sysretl': 'sysret',
    'sysretd': 'sysret', 'sysexitq': 'sysexit', 'sysexitl': 'sysexit', 'sysexitd': 'sysexit',
    'fxsave64': 'fxsave',
    'fxrstor64': 'fxrstor',
    'xsave64': 'xsave', 'xrstor64': 'xrstor', 'xsaveopt64': 'xsaveopt', 'xsavec64': 'xsavec',
    'xsaves64': 'xsaves',
    'xrstors64': 'xrstors', 'rdsspd': 'rdssp', 'rdsspq': 'rdssp', 'incsspd': 'incssp', 'incsspq': 'incssp',
    'wrssd': 'wrss', 'wrssq': 'wrss', 'wrussd': 'wruss', 'wrussq': 'wruss', 'prefetchwt1': 'prefetchwt1',
    'prefetch_exclusive': 'prefetch', 'bndldx': 'bndldx', 'callq': 'call', 'jmpq': 'jmp', 'retq': 'ret',
    'fdisi8087_nop': 'fdisi', 'feni8087_nop': 'feni', 'fsetpm': 'fnsetpm', 'fnsetpm': 'fnsetpm',
    'fcompi': 'fcomip',
    'fucompi': 'fucomip', 'lcall': 'callf', 'ljmp': 'jmpf', 'movntq': 'movntq', 'smsw': 'smsw',
    'loopz': 'loope',
    'loopnz': 'loopne', 'fstpnce': 'fstp', 'umonitor': 'umonitor', 'nopw': 'nop', 'nopl': 'nop',
    'leavew': 'leave',
    'leaveq': 'leave', 'enterw': 'enter', 'pushw': 'push', 'popw': 'pop', 'jmpw': 'jmp', 'callw': 'call',
    'fbstp': 'fbstp', 'ptwrite': 'ptwrite', 'sgdtd': 'sgdt', 'lgdtd': 'lgdt', 'xacquire': 'xacquire',
    'cmovpe': 'cmovp', 'fxch4': 'fxch', 'fxch7': 'fxch', 'fcom2': 'fcom', 'fcomp3': 'fcomp',
    'fcomp5': 'fcomp',
    'fstp1': 'fstp', 'fstp8': 'fstp', 'fstp9': 'fstp', 'fnop': 'fnop', 'fndisi': 'fdisi', 'fneni': 'feni',
    'vmovntqq': 'vmovntdq', 'repz': 'rep', 'movsxd': 'movsxd', 'monitorx': 'monitorx',
    'ud2w': 'ud1', 'fstpst': 'fstp',
}
CONDITIONS = {'nae': 'b', 'c': 'b', 'nb': 'ae', 'nc': 'ae', 'z': 'e', 'nz': 'ne', 'na': 'be', 'nbe': 'a',
              'pe': 'p',
              'po': 'np', 'nge': 'l', 'nl': 'ge', 'ng': 'le', 'nle': 'g'}
# what our table calls by one name, others by size
STRINGS = re.compile(r'(ins|outs|movs|cmps|stos|lods|scas)[bwdq]$')


def plain(name):
    """One spelling for all three."""
    name = name.replace('mov_from_seg', 'mov').replace('mov_to_seg', 'mov')
    name = re.sub(r'^mov_(from|to)_(cr|dr)$', 'mov', name)
    m = re.match(r'(j|set|cmov)(\w+)$', name)
    if m and m.group(2) in CONDITIONS:
        return m.group(1) + CONDITIONS[m.group(2)]
    m = re.match(r'(v?p?cmp|vpcom)'
                 r'(?:eq|lt|le|unord|neq|nlt|nle|ord|ngt|nge|false|ge|gt|true|nltu|nleu|ltu|leu|equ|nequ)'
                 r'?(?:_\w\w)?(?:_\w\w)?(ps|pd|ss|sd|ph|sh|u?[bwdq])$', name)
    if m and not re.match(r'v?pcmp(eq|gt)[bwdq]$', name):
        return m.group(1) + m.group(2) if m.group(1) != 'cmp' or m.group(2) != 'd' else 'cmps'
    m = re.match(r'(v?pclmul)(lq|hq)(lq|hq)q?dq$', name)
    if m:
        return m.group(1) + 'qdq'
    if name in ('movsd', 'vmovsd', 'cmpsd', 'vcmpsd'):
        return name
    name = name.split('(')[0]
    if re.match(r'(fn?(stenv|ldenv|save|rstor)|retf|push|pop|call|jmp|ret|leave|enter|lcall|sysret)[wdlq]$',
                name):
        name = name[:-1]
    m = re.match(r'(v?pcmp[ei]str[im])q$', name)
    if m:
        return m.group(1)
    m = STRINGS.match(name)
    if m:
        return m.group(1)
    return ALIASES.get(name, name)


def same_name(ours, theirs):
    a, b = plain(ours), plain(theirs)
    # MOVSD and CMPSD are string instructions as well as SSE2's
    return (a == b or (a in ('movs', 'cmps') and b == a + 'd') or (a in ('callf', 'jmpf') and b == a[:-1]) or
            (a == 'nop' and b == 'xchg'))


# ---- what the oracles get wrong, or do not check ----

def starts(s, *opcodes):
    """Does the string, less its legacy prefixes and REX, start so?"""
    s = s.lstrip(bytes([0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65]))
    while s and s[0] & 0xf0 == 0x40:
        s = s[1:]
    return any(s.hex().startswith(o) for o in opcodes)


def excused(name, theirs, s, bits):
    """Why a difference from both is none, or None."""
    ours = name != '-'
    obj_n, obj, cap_n, cap = theirs
    if not ours and 0xf0 in s[:14]:
        return 'neither checks LOCK well'
    if not ours and starts(s, '0f20', '0f21', '0f22', '0f23', '8e', '8c'):
        return 'registers that do not exist'
    if starts(s, '0f0e', '0f0f'):
        return '3DNow!'
    if bits != 64 and name in ('vmovq', 'kmovq', 'vpinsrq', 'vpextrq') and s[0] in (0xc4, 0x62):
        return 'W does not count'
    if ours and not obj_n and starts(s, 'd9d', 'dcd', 'ddc', 'ded', 'dfc', 'dfd', 'd8'):
        return 'undocumented forms of x87'
    if starts(s, '0f1a', '0f1b') and name in ('nop', '-'):
        return 'MPX, which is a hint NOP here'
    if starts(s, '0fae') and name in ('lfence', 'mfence', 'sfence'):
        return 'any ModRM.rm will do'
    if starts(s, '0fc7') and name == '-':
        return 'prefixes of group 9'
    if name == 'xbegin' and 0x66 in s[:14]:
        return 'spelled by size'
    if name == 'xchg' and starts(s, '90'):
        return 'REP XCHG is no PAUSE with REX.B: seen on an AMD CPU'
    if name in ('vcmpss', 'vcmpsd', 'vcmpps', 'vcmppd', 'vcmpph', 'vcmpsh', 'cmpps', 'cmppd', 'cmpss',
                'cmpsd'):
        return 'spelled by predicate'
    if s[0] == 0x62 or (s[0] in range(0x40, 0x50) and s[1] == 0x62):
        return 'EVEX: reserved combinations are not in the table'
    return None


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('--x86dis', required=True)
    ap.add_argument('--json', required=True)
    ap.add_argument('--objdump', default='objdump')
    ap.add_argument('--count', type=int, default=20, help='strings a row')
    ap.add_argument('--random', type=int, default=0, help='strings of random bytes')
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--show', type=int, default=20)
    ap.add_argument('--bits', type=int, default=64)
    args = ap.parse_args()
    if not shutil.which(args.objdump):
        print('no objdump here: skipped')
        sys.exit(77)
    with open(args.json, encoding='utf-8') as f:
        rows = json.load(f)
    rng = random.Random(args.seed)
    bit = {16: 1, 32: 2, 64: 4}[args.bits]
    strings = [s for row in rows if row['modes'] & bit for _ in range(args.count)
               for s in [fill(row, rng, args.bits)] if s]
    strings += [rng.randbytes(15) for _ in range(args.random)]
    theirs = ask_objdump(args.objdump, strings, args.bits)
    bad, alone = {}, [0, 0]
    for s, (result, n, name, cap_n, cap), (obj_n, obj) in zip(strings,
                                                              ask_us(args.x86dis, strings, args.bits),
                                                              theirs):
        ours = n if result == 'ok' else 0
        cap = capstone_name(cap)
        agree = [length == ours and (not ours or same_name(name, text))
                 for length, text in ((obj_n, obj), (cap_n, cap))]
        alone[0] += not agree[0]
        alone[1] += not agree[1]
        if any(agree) or excused(name if ours else '-', (obj_n, obj, cap_n, cap), s, args.bits):
            continue
        bad.setdefault((name if ours else '-', obj if obj_n else '-'), []).append(
            '%s: %s %d %s; objdump %d %s; capstone %d %s' % (s.hex(), result, n, name, obj_n, obj, cap_n,
                                                             cap))
    total = sum(len(v) for v in bad.values())
    print('%d strings, %d differences in %d kinds (objdump alone %d, capstone alone %d)' %
          (len(strings), total, len(bad), *alone))
    for key, lines in sorted(bad.items(), key=lambda kv: -len(kv[1]))[:args.show]:
        print('%5d %s' % (len(lines), lines[0]))
    sys.exit(1 if bad else 0)


if __name__ == '__main__':
    main()
