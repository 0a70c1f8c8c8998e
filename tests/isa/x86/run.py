#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a program that checks itself on the bare board: exit status 1 is all well, 2 n + 1 is check n."""

import re
import subprocess
import sys

rhea, accel, program, *options = sys.argv[1:]
most = int(options.pop().removeprefix('--slow=')) if options and options[-1].startswith('--slow=') else None
if most is not None:
    options += ['-d', 'stats']
p = subprocess.run([rhea, '-M', 'bare', '-accel', accel, '-nographic', '-m', '64M', '-kernel', program,
                    *options],
                   stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=110, check=False)
sys.stderr.write(p.stderr)
if p.returncode != 1:
    sys.exit('check %d failed (exit status %d)' % (p.returncode >> 1, p.returncode))
if most is not None:
    for what in 'loads that took', 'stores that took', 'atomics that took', 'regions translated':
        count = int(re.search(r'(\d+)  ' + what, p.stderr)[1])
        if count > most:
            sys.exit('%d %s..., more than %d' % (count, what, most))
