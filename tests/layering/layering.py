#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks who includes whom (docs/ARCHITECTURE.md).

    layering.py ROOT

Each folder may include headers of the folders named for it, and its own. Also refuses includes that do not
start with a folder of the tree, headers without `#pragma once` or an include guard, and files that do not say
their licence. Prints one line a finding; exit status 1 if there is any.
"""

import pathlib
import re
import sys

# folder: the folders whose headers it may include. The longest prefix of a path decides.
MAY = {
    'base': [],
    'ir': ['base'],
    'machines/core': ['base'],
    'frontend': ['base', 'ir', 'machines/core'],
    'devices': ['base', 'machines/core'],
    'backend': ['base', 'ir', 'machines/core', 'frontend'],
    'machines': ['base', 'ir', 'machines/core', 'frontend', 'devices', 'backend'],
    'ui': ['base', 'ir', 'machines/core', 'frontend', 'devices', 'backend', 'machines'],
    'tests': None,
    'bench': None,
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def layer(path):
    """The entry of MAY that governs a path relative to the root, or None."""
    parts = path.split('/')
    for n in range(len(parts), 0, -1):
        name = '/'.join(parts[:n])
        if name in MAY:
            return name
    return None


def check_file(root, path):
    """Findings in one file."""
    rel = path.relative_to(root).as_posix()
    text = path.read_text(encoding='utf-8')
    own = layer(rel)
    if 'SPDX-License-Identifier: MIT' not in text[:200]:
        yield '%s: does not say its licence in its first line' % rel
    if path.suffix == '.h' and '#pragma once' not in text and not re.search(r'#ifndef \w+_H', text):
        yield '%s: no #pragma once' % rel
    if own is None:
        yield '%s: no layer is defined for this folder; add it to tests/layering/layering.py' % rel
        return
    if MAY[own] is None:
        return
    for included in INCLUDE.findall(text):
        if '/' not in included:
            # a generated header of the own folder
            if (path.parent / included).exists():
                yield '%s: includes "%s"; name it from the root of the tree' % (rel, included)
            continue
        other = layer(included)
        if other is None or not (root / included).exists():
            if (root / 'frontend').exists() and included.startswith(own):
                continue  # generated
            yield '%s: includes "%s", which is not in the tree' % (rel, included)
        elif other != own and other not in MAY[own]:
            yield '%s: %s may not include %s ("%s")' % (rel, own, other, included)


def main():
    """Checks every C file and header below the root."""
    root = pathlib.Path(sys.argv[1]).resolve()
    findings = []
    for top in sorted({name.split('/')[0] for name in MAY}):
        for path in sorted((root / top).rglob('*')):
            if path.suffix in ('.c', '.h') and path.is_file():
                findings.extend(check_file(root, path))
    for f in findings:
        print(f)
    print('%d findings' % len(findings))
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
