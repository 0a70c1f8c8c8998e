# SPDX-License-Identifier: MIT
"""Turns saved results into the tables of docs/PERFORMANCE.md.

A result file holds the raw measurements, so everything here can be redone at
any time from what is kept in bench/results.
"""

import collections
import glob
import os
import re
import statistics

from . import stats
from .build import BENCH, KINDS, TOP, Failure, programs
from .chart import draw

PAGE = os.path.join(TOP, "docs/PERFORMANCE.md")
RESULTS = os.path.join(BENCH, "results")

# class -> (what it is, the least that docs/PERFORMANCE.md promises against QEMU 10, or None)
CLASSES = {
    "arithmetic": ("register arithmetic", 1.0),
    "load-store": ("loads, stores and copies", 2.5),
    "chase": ("pointer chase", 1.1),
    "tlb": ("TLB misses", 4.0),
    "call": ("call and return", 3.0),
    "indirect": ("indirect calls, interpreters", 2.0),
    "code": ("new and rewritten code", 5.0),
    "system": ("kernel work: system calls, processes, faults", None),
    "float": ("scalar floating point", 5.0),
    "simd": ("vectors of 128 bits", 5.0),
    "exception": ("exception round trip", 4.0),
    "mmio": ("device register access", 1.2),
    "space": ("address-space switch", None),
    "csr": ("control registers", None),
    "atomic": ("atomic operations", None),
}

MODES = {
    "linux": "Programs under Linux",
    "bare": "Programs on the bare board",
    "micro": "Single mechanisms on the bare board",
    "aarch64": "Freestanding AArch64 programs",
    "x86_64": "Freestanding x86-64 programs",
    "native": "Freestanding x86-64 programs against the host itself",
}


class Row:
    """One program: its measurements on both engines, and how they compare."""

    def __init__(self, name, work, pairs):
        self.name, self.work, self.pairs = name, work, pairs
        self.time = stats.compare(pairs)
        self.cpu = stats.compare(pairs, "cpu_ns")
        self.same = len({m["checksum"] for pair in pairs for m in pair}) == 1
        self.size = pairs[0][0]["size"]
        self.group = work if work in ("float", "simd") else "integer"

    def median(self, side, field="ns"):
        return statistics.median(pair[side][field] for pair in self.pairs)


def rows(result):
    """Programs that both engines ended, in the order of the source folders; and the boot, or None."""
    names = {}
    for ours, rival in result["rounds"]:
        for m in ours + rival:
            names.setdefault(m["name"], m["class"])
    order = list(programs(KINDS)) if result["mode"] != "micro" else micro_order()
    found, boot = [], None
    for name in sorted(names, key=lambda n: order.index(n) if n in order else -1):
        pairs = []
        for ours, rival in result["rounds"]:
            a = [m for m in ours if m["name"] == name]
            b = [m for m in rival if m["name"] == name]
            pairs += list(zip(a, b))
        if pairs and name == "boot":
            boot = Row(name, "boot", pairs)
        elif pairs:
            found.append(Row(name, names[name], pairs))
    return found, boot


def micro_order():
    """Names in the order of the sources, which compilers do not keep."""
    names = []
    for path in sorted(glob.glob(os.path.join(BENCH, "micro/*.c"))):
        with open(path, encoding="utf-8") as f:
            names += re.findall(r"^BENCH_PROGRAM\((\w+)", f.read(), re.M)
    return names


def problems(result, found):
    """What makes a result untrustworthy or bad, one line each."""
    lines = [f"{row.name}: the checksums differ" for row in found if not row.same]
    for side, engine in enumerate(result["engines"]):
        rounds = len(result["rounds"])
        ended = collections.Counter(m["name"] for pair in result["rounds"] for m in pair[side])
        for name in result["programs"]:
            if ended[name] < rounds:
                lines.append(f"{name}: did not end under {engine['name']} in {rounds - ended[name]} of "
                             f"{rounds} runs")
        for row in found:
            wall, own = row.median(side, "wall_ns"), row.median(side)
            if abs(wall - own) > 0.05 * wall + 20e6:
                lines.append(f"{row.name}: the clock of {engine['name']}'s guest says {own / 1e9:.2f} s, "
                             f"the host's {wall / 1e9:.2f} s")
    return lines


def ratio_text(c):
    return f"{c['ratio']:.2f}" if c else "-"


def interval_text(c):
    return f"{c['low']:.2f} - {c['high']:.2f}" if c and c["low"] else "-"


def time_text(row, side, mode):
    value = row.median(side)
    return f"{value / row.size:,.1f} ns" if mode == "micro" else f"{value / 1e9:.3f} s"


def text_table(header, lines):
    """Aligned columns for the terminal; the first two to the left."""
    table = [header] + lines
    widths = [max(len(line[i]) for line in table) for i in range(len(header))]
    return "\n".join("  ".join(cell.ljust(w) if i < 2 else cell.rjust(w)
                               for i, (cell, w) in enumerate(zip(line, widths))).rstrip() for line in table)


def markdown_table(header, lines):
    rule = ["---", "---"] + ["---:"] * (len(header) - 2)
    return "\n".join("| " + " | ".join(line) + " |" for line in [header, rule] + lines)


def summary(found, mode):
    """
    Geometric means: by class, then of the integer, the floating-point and the vector programs, never mixed.
    """
    lines = []
    for work in sorted({row.work for row in found}, key=lambda w: list(CLASSES).index(w) if w in CLASSES
                       else 99):
        title, must = CLASSES.get(work, (work, None))
        mean = stats.geometric_mean([row.time for row in found if row.work == work])
        lines.append([work, title, str(mean["count"]), ratio_text(mean), interval_text(mean),
                      f"{must:.1f}" if must and mode != "native" else "-"])
    if mode != "micro":
        for group, must in (("integer", 1.5), ("float", 3.0), ("simd", 5.0)):
            chosen = [row.time for row in found if row.group == group]
            if chosen:
                mean = stats.geometric_mean(chosen)
                lines.append([f"**{group}**", "geometric mean over programs", str(mean["count"]),
                              f"**{ratio_text(mean)}**", interval_text(mean),
                              f"{must:.1f}" if mode != "native" else "-"])
    return lines


SUMMARY_HEADER = ["class", "what it does", "programs", "ratio", "95% interval", "aim"]


def detail(result, found):
    header = (["program", "class"] + [e["name"] for e in result["engines"]] +
              ["ratio", "95% interval", "CPU ratio"])
    mode = result["mode"]
    lines = [[row.name, row.work, time_text(row, 0, mode), time_text(row, 1, mode), ratio_text(row.time),
              interval_text(row.time), ratio_text(row.cpu)] for row in found]
    return header, lines


def terminal(result):
    found, boot = rows(result)
    parts = [text_table(*detail(result, found))]
    if found:
        parts.append(text_table(SUMMARY_HEADER, [[c.strip("*") for c in line] for line in
                                                 summary(found, result["mode"])]))
    if boot:
        parts.append(boot_text(result, boot))
    parts.append(f"Other work kept {result['others_busy']:.0%} of the host busy meanwhile.")
    return "\n\n".join(parts), problems(result, found)


def boot_text(result, boot):
    a, b = result["engines"]
    return (f"Boot to the first command: {a['name']} {boot.median(0) / 1e9:.2f} s "
            f"({boot.median(0, 'cpu_ns') / 1e9:.2f} s CPU), {b['name']} {boot.median(1) / 1e9:.2f} s "
            f"({boot.median(1, 'cpu_ns') / 1e9:.2f} s CPU), ratio {ratio_text(boot.time)} "
            f"({interval_text(boot.time)}).")


def section(result):
    """The generated text of one mode."""
    found, boot = rows(result)
    mode, (a, b) = result["mode"], result["engines"]
    os.makedirs(RESULTS, exist_ok=True)
    chart = os.path.join(RESULTS, mode + ".svg")
    with open(chart, "w", encoding="utf-8") as f:
        f.write(draw(f"{MODES[mode]}: time under {b['name']} / time under {a['name']}", found))
    host = result["host"]
    parts = [f"Measured {result['date']} at {result['commit']} on {host['cpu']} ({host['cores']} cores, "
             f"Linux {host['kernel']}): {a['version']} against {b['version']}; {len(result['rounds'])} pairs,"
             f" "
             f"{result['percent']}% of the default work"
             + (f", guest {result['guest']}, `-smp {result['smp']}`." if mode == "linux" else "."),
             f"![{MODES[mode]}](../bench/results/{mode}.svg)",
             markdown_table(SUMMARY_HEADER, summary(found, mode)),
             markdown_table(*detail(result, found))]
    if boot:
        parts.append(boot_text(result, boot))
    if result["others_busy"] > 0.05:
        parts.append(f"Other work kept {result['others_busy']:.0%} of the host busy meanwhile; the CPU "
                     f"ratios suffer "
                     "least from that.")
    wrong = problems(result, found)
    if wrong:
        parts.append("Not as it should be:\n\n" + "\n".join("- " + line for line in wrong))
    return "\n\n".join(parts)


def write_page(results):
    """Replaces the text between a mode's markers; everything else in the page is written by people."""
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    for result in results:
        begin = f"<!-- bench:{result['mode']}:begin -->"
        end = f"<!-- bench:{result['mode']}:end -->"
        if begin not in page or end not in page:
            raise Failure(f"{PAGE} has no markers {begin} and {end}")
        head, rest = page.split(begin, 1)
        page = head + begin + "\n\n" + section(result) + "\n\n" + end + rest.split(end, 1)[1]
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(page)
