#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Checks that the tables of docs/ir.md say what ir/ops.def and ir/rules.def say; with --write, makes it so.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import docpage  # noqa: E402


def flag_words(flags):
    words = {'IR_PURE': 'pure', 'IR_COMM': 'commutes', 'IR_FPSTATE': 'FP flags', 'IR_MAY_FAULT': 'may fault',
             'IR_MAY_EXIT': 'door', 'IR_TERM': 'terminator'}
    return ', '.join(words[f] for f in re.split(r'\s*\|\s*', flags) if f in words)


def table(name):
    """The text of a .def file with each row on one line."""
    text = re.sub(r'"\n +"', '', (docpage.ROOT / name).read_text())
    return re.sub(r',\n +', ', ', text)


def op_table():
    out = ['| op | arguments | properties | meaning |', '|---|---|---|---|']
    for m in re.finditer(r'^OP\((\w+),\s*(\w+),\s*(\d), ([^,]+), .*?"(.*)"\)$', table('ir/ops.def'), re.M):
        name, _, n, flags, doc = m.groups()
        out.append(f'| `{name}` | {n} | {flag_words(flags)} | {doc.replace("|", chr(92) + "|")} |')
    return out


def rule_table():
    out = ['| rule | what it does |', '|---|---|']
    for m in re.finditer(r'^RULE\((\w+),\s*"(.*)"\)$', table('ir/rules.def'), re.M):
        name, doc = m.groups()
        out.append(f'| `{name}` | {doc.replace("|", chr(92) + "|")} |')
    return out


ops = op_table()
count = len(re.findall(r'^OP\(', table('ir/ops.def'), re.M))
if len(ops) - 2 != count:
    sys.exit(f'{count} rows in ops.def, {len(ops) - 2} of them understood')
docpage.check('docs/ir.md', {'ops': ops, 'rules': rule_table()},
              'ir/ops.def or ir/rules.def; run tests/ir/docs.py --write')
