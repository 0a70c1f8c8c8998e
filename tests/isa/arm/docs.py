#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that the tables of docs/arm.md say what the decode tables of A64 say; with --write, makes it so."""

import json
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
import docpage  # noqa: E402

ARM = docpage.ROOT / 'frontend/arm'
TABLES = ['a64.dec', 'a64_int.dec', 'a64_mem.dec', 'a64_fp.dec', 'a64_simd.dec', 'a64_sve.dec']


def read_rows():
    p = subprocess.run([sys.executable, str(docpage.ROOT / 'frontend/gen/decode.py'), '--prefix', 'a64',
                        '--features', str(ARM / 'features.def'), '--json'] + [str(ARM / t) for t in TABLES],
                       stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(p.stdout)['insns']


def features():
    text = (ARM / 'features.def').read_text()
    return dict(re.findall(r'^FEATURE\((\w+), "(.*)"\)$', text, re.M))


def models():
    """Features of the CPU model."""
    return set(re.findall(r'A64_F_(\w+), A64_F_\w+\}', (ARM / 'cpu.c').read_text())) | {'A64'}


def feature_of(row):
    """The most special feature that a row needs."""
    return row['alts'][0]['need'][-1] if row['alts'][0]['need'][0] == 'FP16' else row['alts'][0]['need'][0]


def feature_table(rows):
    docs, have = features(), models()
    out = ['| feature | what it is | in the CPU | rows | translated |', '|---|---|---|---:|---:|']
    for name, doc in docs.items():
        its = [r for r in rows if feature_of(r) == name]
        if its:
            out.append('| %s | %s | %s | %d | %d |' % (name, doc, 'yes' if name in have else '', len(its),
                                                     sum(r['target'] is not None for r in its)))
    out.append('| | all | | %d | %d |' % (len(rows), sum(r['target'] is not None for r in rows)))
    return out


def missing_table(rows):
    out = ['| feature | known, not translated |', '|---|---|']
    for name in features():
        its = [r for r in rows if feature_of(r) == name and r['target'] is None]
        if its:
            out.append('| %s | %s |' % (name, ' '.join('`%s`' % r['name'] for r in its)))
    return out


def register_table():
    out = ['| register | access |', '|---|---|']
    words = {'R0': 'EL0 reads', 'R1': 'EL1 reads', 'RW0': 'EL0', 'RW1': 'EL1', 'R0RW1': 'EL1; EL0 reads',
             'W1': 'EL1 writes'}
    text = (ARM / 'sysreg.def').read_text()
    for name, access in re.findall(r'^REG_(?:FIELD|CONST|FN)\((\w+), \d+, \d+, \d+, \d+, \d+, (\w+)', text,
                                   re.M):
        out.append('| %s | %s |' % (name.upper(), words[access]))
    return out


rows_ = read_rows()
docpage.check('docs/arm.md', {'features': feature_table(rows_), 'missing': missing_table(rows_),
                              'registers': register_table()},
              'the tables of frontend/arm; run tests/isa/arm/docs.py --write')
