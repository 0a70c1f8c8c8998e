#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The list in docs/x86.md of what is translated and what is not, made from the decode tables. Without --write
it compares, and fails where the page is old."""

import argparse
import json
import re
import sys

BEGIN, END = '<!-- made by tests/decode/x86/docs.py: begin -->\n', '<!-- end -->\n'


def is_mmx(row):
    return any(re.match(r'[PQN][a-z]', o) for o in row['operands'])


def wrapped(names):
    lines, line = [], ''
    for n in sorted(names):
        if len(line) + len(n) > 106:
            lines.append(line)
            line = ''
        line += (' ' if line else '') + n
    return '\n'.join(lines + [line])


def table(rows):
    rows = [r for r in rows if r['modes'] & 4]
    done, todo = {}, {}
    for r in rows:
        name = re.sub(r'^mov_(from|to)_', 'mov ', r['name'])
        if is_mmx(r):
            todo.setdefault('on MMX registers', set()).add(name)
        elif r['translator']:
            done.setdefault(r['feature'], set()).add(name)
        else:
            todo.setdefault(r['feature'], set()).add(name)
    out = ['%d of %d encodings of 64-bit mode are translated.\n' %
           (sum(1 for r in rows if r['translator'] and not is_mmx(r)), len(rows))]
    out.append('### Translated\n')
    for f in sorted(done):
        out.append('%s:\n\n```\n%s\n```\n' % (f, wrapped(done[f])))
    out.append('### Decoded, not translated\n')
    for f in sorted(todo):
        if f.startswith('AVX512'):
            out.append('%s: %d instructions, all of the table\'s.\n' % (f, len(todo[f])))
        else:
            out.append('%s:\n\n```\n%s\n```\n' % (f, wrapped(todo[f])))
    return '\n'.join(out)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('--json', required=True)
    ap.add_argument('--write', action='store_true')
    ap.add_argument('page')
    args = ap.parse_args()
    with open(args.json, encoding='utf-8') as f:
        made = table(json.load(f))
    with open(args.page, encoding='utf-8') as f:
        page = f.read()
    head, rest = page.split(BEGIN)
    tail = rest.split(END)[1]
    new = head + BEGIN + '\n' + made + '\n' + END + tail
    if args.write:
        with open(args.page, 'w', encoding='utf-8') as f:
            f.write(new)
    elif new != page:
        sys.exit('%s is older than the tables: run tests/decode/x86/docs.py --write' % args.page)


if __name__ == '__main__':
    main()
