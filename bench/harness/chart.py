# SPDX-License-Identifier: MIT
"""A bar chart as SVG: one bar a program on a logarithmic scale, with the 95%
interval as a whisker, bars growing from 1 (no difference) to either side."""

import math
from xml.sax.saxutils import escape

WIDTH, LABEL, VALUE, LINE, TOP, BOTTOM = 820, 150, 60, 20, 64, 34
COLOURS = {"integer": "#2f6db5", "float": "#d9822b", "simd": "#5a9e4b"}
GROUPS = {"integer": "integer and system", "float": "floating point", "simd": "vectors"}


def ticks(low, high):
    steps = [m * 10 ** e for e in range(-2, 4) for m in (1, 2, 5)]
    return [s for s in steps if low <= s <= high]


def draw(title, rows):
    bounds = [b for row in rows for b in (row.time["ratio"], row.time["low"], row.time["high"]) if b]
    low = min([0.5] + [b * 0.9 for b in bounds])
    high = max([2.0] + [b * 1.1 for b in bounds])
    # A wild interval (two noisy pairs) must not squeeze all else into a corner.
    low, high = max(low, 0.02), min(high, 200.0)
    span = WIDTH - LABEL - VALUE
    height = TOP + LINE * len(rows) + BOTTOM

    def x(ratio):
        ratio = min(max(ratio, low), high)
        return LABEL + span * (math.log(ratio) - math.log(low)) / (math.log(high) - math.log(low))

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
           f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
           f'<text x="16" y="22" font-size="15" font-weight="bold">{escape(title)}</text>']
    at = 16
    for group, name in GROUPS.items():
        if any(row.group == group for row in rows):
            out.append(f'<rect x="{at}" y="34" width="12" height="12" fill="{COLOURS[group]}"/>')
            out.append(f'<text x="{at + 18}" y="44">{name}</text>')
            at += 150
    out.append(f'<text x="{at}" y="44" fill="#555555">'
               'longer to the right is better; logarithmic scale</text>')
    for tick in ticks(low, high):
        colour = "#333333" if tick == 1 else "#dddddd"
        out.append(f'<line x1="{x(tick):.1f}" y1="{TOP - 6}" x2="{x(tick):.1f}" y2="{height - BOTTOM + 4}" '
                   f'stroke="{colour}"/>')
        out.append(f'<text x="{x(tick):.1f}" y="{height - BOTTOM + 20}" '
                   f'text-anchor="middle">{tick:g}x</text>')
    for i, row in enumerate(rows):
        out += bar(row, TOP + LINE * i, x)
    out.append("</svg>")
    return "\n".join(out) + "\n"


def bar(row, top, x):
    middle, ratio = top + LINE / 2, row.time["ratio"]
    left, right = sorted((x(1.0), x(ratio)))
    out = [f'<text x="{LABEL - 8}" y="{middle + 4:.1f}" text-anchor="end">{escape(row.name)}</text>',
           f'<rect x="{left:.1f}" y="{top + 3}" width="{max(right - left, 1):.1f}" height="{LINE - 6}" '
           f'fill="{COLOURS[row.group]}"/>']
    if row.time["low"]:
        a, b = x(row.time["low"]), x(row.time["high"])
        out.append(f'<path d="M{a:.1f} {middle - 4:.1f}v8M{a:.1f} {middle:.1f}H{b:.1f}M{b:.1f} '
                   f'{middle - 4:.1f}v8" '
                   f'stroke="#000000" fill="none"/>')
    out.append(f'<text x="{WIDTH - 10}" y="{middle + 4:.1f}" text-anchor="end">{ratio:.2f}x</text>')
    return out
