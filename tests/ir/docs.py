#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that the tables of docs/ir.md say what ir/ops.def and ir/rules.def say; with --write, makes it so."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def flag_words(flags):
    words = {'IR_PURE': 'pure', 'IR_COMM': 'commutes', 'IR_FPSTATE': 'FP flags', 'IR_MAY_FAULT': 'may fault',
             'IR_MAY_EXIT': 'door', 'IR_TERM': 'terminator'}
    return ', '.join(words[f] for f in re.split(r'\s*\|\s*', flags) if f in words)


def op_table():
    out = ['| op | arguments | properties | meaning |', '|---|---|---|---|']
    for m in re.finditer(r'^OP\((\w+),\s*(\w+),\s*(\d), ([^,]+), .*?"(.*)"\)$', (ROOT / 'ir/ops.def').read_text(), re.M):
        name, _, n, flags, doc = m.groups()
        out.append(f'| `{name}` | {n} | {flag_words(flags)} | {doc.replace("|", chr(92) + "|")} |')
    return out


def rule_table():
    out = ['| rule | what it does |', '|---|---|']
    for m in re.finditer(r'^RULE\((\w+),\s*"(.*)"\)$', (ROOT / 'ir/rules.def').read_text(), re.M):
        name, doc = m.groups()
        out.append(f'| `{name}` | {doc.replace("|", chr(92) + "|")} |')
    return out


def replaced(text, marker, lines):
    pattern = rf'(<!-- {marker} -->\n).*?(<!-- end -->)'
    if not re.search(pattern, text, re.S):
        sys.exit(f'docs/ir.md has no place for the table of {marker}')
    return re.sub(pattern, lambda m: m.group(1) + '\n'.join(lines) + '\n' + m.group(2), text, count=1, flags=re.S)


def main():
    path = ROOT / 'docs/ir.md'
    ops, rules = op_table(), rule_table()
    count = len(re.findall(r'^OP\(', (ROOT / 'ir/ops.def').read_text(), re.M))
    if len(ops) - 2 != count:
        sys.exit(f'{count} rows in ops.def, {len(ops) - 2} of them understood')
    text = path.read_text()
    new = replaced(replaced(text, 'ops', ops), 'rules', rules)
    if '--write' in sys.argv:
        path.write_text(new)
    elif new != text:
        sys.exit('docs/ir.md differs from ir/ops.def or ir/rules.def; run tests/ir/docs.py --write')


main()
