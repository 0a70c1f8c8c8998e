#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a program that checks itself on the bare board: exit status 1 is all well, 2 n + 1 is check n."""

import subprocess
import sys

rhea, accel, program, *options = sys.argv[1:]
p = subprocess.run([rhea, '-M', 'bare', '-accel', accel, '-nographic', '-m', '64M', '-kernel', program, *options],
                   stdin=subprocess.DEVNULL, timeout=110, check=False)
if p.returncode != 1:
    sys.exit('check %d failed (exit status %d)' % (p.returncode >> 1, p.returncode))
