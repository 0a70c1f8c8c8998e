#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of a decoder generator: tables in bad/ must fail with just the errors they name, as `# error: ...`,
and leave no output; the real tables must give the same output each time.

    generator.py GENERATOR BAD TABLE... -- OPTION...
"""

import os
import subprocess
import sys
import tempfile

split = sys.argv.index('--')
generator, bad, tables, options = sys.argv[1], sys.argv[2], sys.argv[3:split], sys.argv[split + 1:]
failures = []


def generate(paths, out, seed='0'):
    return subprocess.run([sys.executable, generator, '--out-dir', out] + options + paths,
                          env=dict(os.environ, PYTHONHASHSEED=seed), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)


def check(name, good, why):
    print('%s %s' % ('ok  ' if good else 'FAIL', name))
    if not good:
        print(why)
        failures.append(name)


for file in sorted(os.listdir(bad)):
    path = os.path.join(bad, file)
    with open(path, encoding='utf-8') as f:
        wanted = [line[len('# error: '):].rstrip('\n') for line in f if line.startswith('# error: ')]
    with tempfile.TemporaryDirectory() as d:
        p = generate([path], d)
        left = os.listdir(d)
    check(file, wanted and p.returncode == 1 and p.stderr.splitlines() == wanted and not left,
          'wanted: %s\ngot %d: %s%s' % ('\n'.join(wanted), p.returncode, p.stderr, left))

with tempfile.TemporaryDirectory() as d:
    p = generate([os.path.join(d, 'none.dec')], d)
    check('missing file', p.returncode == 1 and
          p.stderr.endswith('none.dec: error: No such file or directory\n'), p.stderr)

outputs = []
for seed in ('1', '2'):
    with tempfile.TemporaryDirectory() as d:
        p = generate(tables, d, seed)
        check('generate %s' % seed, p.returncode == 0 and not p.stderr, p.stderr)
        texts = {}
        for name in sorted(os.listdir(d)):
            with open(os.path.join(d, name), encoding='utf-8') as f:
                texts[name] = f.read()
        outputs.append(texts)
check('the output is the same each time', len(outputs[0]) == 5 and outputs[0] == outputs[1], 'it differs')

sys.exit(1 if failures else 0)
