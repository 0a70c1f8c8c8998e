# SPDX-License-Identifier: MIT
"""
Tables of pages in docs/ that are made from the sources: compared with the page, or written to it by --write.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def replaced(page, text, marker, lines):
    pattern = rf'(<!-- {marker} -->\n).*?(<!-- end -->)'
    if not re.search(pattern, text, re.S):
        sys.exit(f'{page} has no place for the table of {marker}')
    return re.sub(pattern, lambda m: m.group(1) + '\n'.join(lines) + '\n' + m.group(2), text, count=1,
                  flags=re.S)


def check(page, tables, differs):
    """
    Do the tables (by their markers) stand in the page? @differs: from what they are made, and how to write
    them.
    """
    path = ROOT / page
    text = path.read_text()
    new = text
    for marker, lines in tables.items():
        new = replaced(page, new, marker, lines)
    if '--write' in sys.argv:
        path.write_text(new)
    elif new != text:
        sys.exit(f'{page} differs from {differs}')
