# SPDX-License-Identifier: MIT
"""
Runs the comparison guest (tests/diff/guest) on emulators and compares what it prints. scripts/diff and
scripts/mutants are its users; docs/TESTING.md tells what is compared.

The guest prints a hash for each chunk of cases. Where two emulators differ in one, the chunk is run again
with a hash for each case, and the first case that differs once more, printed in full.
"""
import concurrent.futures
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import arches  # noqa: E402
from arches import ToolError  # noqa: E402,F401

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CACHE = os.environ.get('RHEA_CACHE') or os.path.join(
    os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'rhea')

# The guest's own checks, which take no second emulator.
SELF = 'self'
MAGIC = 0x736d617261705644
PARAMS = ('seed', 'part', 'first_unit', 'last_unit', 'first_chunk', 'n_chunks', 'n_words', 'n_sets', 'trace',
          'verbose')
NO_CASE = (1 << 64) - 1


def decode_table(arch, build=None):
    """Path of the decode table as JSON: the build folder's, else made anew."""
    path = os.path.join(build, arch.JSON) if build else ''
    if path and os.path.exists(path):
        return path
    folder = os.path.join(TOP, os.path.dirname(arch.JSON))
    tables = [os.path.join(folder, n + '.dec') for n in arch.TABLES]
    text = subprocess.run(
        [sys.executable, os.path.join(TOP, 'frontend/gen/decode.py'), '--prefix', arch.PREFIX, '--features',
         os.path.join(folder, 'features.def'), '--json'] + tables, check=True, stdout=subprocess.PIPE).stdout
    fd, path = tempfile.mkstemp(suffix='.json')
    with os.fdopen(fd, 'wb') as f:
        f.write(text)
    return path


class Guest:
    """The guest program, compiled, and the rows that it knows."""

    def __init__(self, arch, table, folder):
        self.arch = arch
        self.rows = arch.load_rows(table)
        self.folder = folder
        gcc = next((c for c in arch.COMPILERS if shutil.which(c)), None)
        if not gcc:
            raise ToolError('no compiler for %s; install %s' % (arch.NAME, arch.PACKAGE))
        with open(os.path.join(folder, 'rows.h'), 'w', encoding='utf-8') as f:
            f.write(arch.header(self.rows))
        source = os.path.join(HERE, arch.FOLDER)
        common = os.path.join(HERE, 'common')
        elf = os.path.join(folder, 'guest.elf')
        files = sorted(os.path.join(d, n) for d in (source, common) for n in os.listdir(d)
                       if n.endswith(('.c', '.S')))
        subprocess.run([gcc, *arch.FLAGS, '-I', folder, '-I', source, '-I', common, '-T',
                        os.path.join(source, 'link.ld'), '-o', elf, *files, '-lgcc'], check=True)
        with open(elf, 'rb') as f:
            self.image = f.read()
        self.at = self.image.index(struct.pack('<Q', MAGIC))
        self.digest = hashlib.sha256(self.image).hexdigest()

    def units(self, part):
        """The numbers of a part's units."""
        return self.arch.units(part, self.rows)

    def unit_name(self, part, unit):
        return self.rows[unit]['name'] if part.startswith('rows') else '%s part %d' % (part, unit)

    def write(self, path, params):
        values = [params[n] for n in PARAMS]
        values[PARAMS.index('part')] = self.arch.GUEST_PARTS.index(params['part'].split('+')[0])
        block = struct.pack('<%dQ' % len(PARAMS), *values)
        at = self.at + 8
        with open(path, 'wb') as f:
            f.write(self.image[:at] + block + self.image[at + len(block):])


class Emulator:
    """A command that runs the guest."""

    def __init__(self, name, program, options, cached=False, called=None):
        self.name = name
        self.program = program
        self.command = [called or program] + options
        self.cached = cached

    def run(self, guest, params, timeout):
        key = None
        if self.cached:
            text = repr((guest.digest, self.command[1:], sorted(params.items())))
            key = os.path.join(CACHE, 'diff', hashlib.sha256(text.encode()).hexdigest()[:32])
            if os.path.exists(key):
                with open(key, encoding='utf-8') as f:
                    return f.read()
        fd, elf = tempfile.mkstemp(suffix='.elf', dir=guest.folder)
        os.close(fd)
        guest.write(elf, params)
        try:
            done = subprocess.run(self.command + ['-kernel', elf], executable=self.program,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=timeout, check=False)
            text = done.stdout.decode(errors='replace').replace('\r', '')
            if done.returncode:
                text += '\nexit status %d\n' % done.returncode
        except subprocess.TimeoutExpired as e:
            text = ((e.stdout or b'').decode(errors='replace').replace('\r', '') + '\nno end after %d s\n' %
                    timeout)
        finally:
            os.unlink(elf)
        if key and text.rstrip().endswith('done'):
            os.makedirs(os.path.dirname(key), exist_ok=True)
            with open(key + '.%d' % os.getpid(), 'w', encoding='utf-8') as f:
                f.write(text)
            os.replace(key + '.%d' % os.getpid(), key)
        return text


def qemu(arch, part, extra=()):
    program = os.environ.get('RHEA_QEMU') or os.path.join(CACHE, 'qemu/bin/qemu-system-' + arch.NAME)
    if not shutil.which(program):
        raise ToolError('QEMU 10 is missing; run scripts/fetch-qemu')
    return Emulator('qemu', program, arch.qemu_options(part) + list(extra), cached=True)


def rhea(arch, part, program, accel):
    return Emulator('rhea ' + accel, program, arch.rhea_options(part) + ['-accel', accel],
                    called='rhea-system-' + arch.NAME)


CHUNK = re.compile(r'^(\d+) (\d+) ([0-9a-f]{16}) (\d+)$', re.M)
CASE = re.compile(r'^case (\d+) ([0-9a-f]{16})$', re.M)


def chunks(text):
    return {(int(u), int(c)): (h, int(n)) for u, c, h, n in CHUNK.findall(text)}


def tail(text):
    return '\n'.join('    ' + line for line in text.rstrip().split('\n')[-4:])


def full_case(text):
    """The fields of a case printed in full: before, after, and what else was said."""
    out, where = {}, ''
    for line in text.split('\n'):
        word = line.strip().split(' ')
        if line in ('before', 'after'):
            where = line + ' '
        elif line == 'run':
            where = ''
        elif line == 'end':
            break
        elif line.startswith('  memory '):
            out['memory ' + word[1].split('=')[0]] = word[1].split('=')[1]
        elif line.startswith('  ') and len(word) == 2:
            out[where + word[0]] = word[1]
    return out


def show_case(guest, params, case, ours, theirs, names, full=False):
    """Text about one case that differs: instructions, what they started from, both ends."""
    a, b = full_case(ours), full_case(theirs)
    lines = ['%s, chunk %d, case %d (seed %d)' % (
        guest.unit_name(params['part'], params['last_unit'] - 1),
        params['first_chunk'] + params['n_chunks'] - 1, case, params['seed'])]
    for name, value in a.items():
        if name.startswith('insn@'):
            lines.append('    %s: %08x  %s' % (name[5:], int(value, 16),
                                              guest.arch.describe(guest.rows, int(value, 16),
                                                                  int(name[5:], 16))))
        elif not name.startswith(('before ', 'after ', 'memory ')):
            lines.append('    %s = %s' % (name, value) + ('' if b.get(name) == value else '  but %s on %s' % (
                b.get(name), names[1])))
    lines.append('    %-26s %-18s %-18s %-18s' % ('', 'before', names[0], names[1]))
    for name in [n for n in a if n.startswith('after ')] + [n for n in a if n.startswith('memory ')]:
        short = name.replace('after ', '')
        before = a.get('before ' + short, '')
        if full or a.get(name) != b.get(name) or short in guest.arch.SHOWN \
           or (before and before != a[name]):
            mark = '' if a.get(name) == b.get(name) else '  <-- differs'
            lines.append('    %-26s %-18s %-18s %-18s%s' % (short, before, a.get(name), b.get(name), mark))
    return '\n'.join(lines)


def first_difference(guest, pair, one, timeout):
    """(case or None, the two outputs) of a traced run's last chunk."""
    texts = [e.run(guest, one, timeout) for e in pair]
    hashes = [dict(CASE.findall(t)) for t in texts]
    for case in sorted(set(hashes[0]) | set(hashes[1]), key=int):
        if hashes[0].get(case) != hashes[1].get(case):
            return int(case), texts
    return None, texts


def narrow(guest, pair, params, unit, chunk, timeout, full=False):
    """Finds the first case of a chunk that differs and describes it."""
    names = [e.name for e in pair]
    where = '%s, chunk %d' % (guest.unit_name(params['part'], unit), chunk)
    one = dict(params, first_unit=unit, last_unit=unit + 1, first_chunk=chunk, n_chunks=1, trace=1)
    case, texts = first_difference(guest, pair, one, timeout)
    if case is None and all('done' in t for t in texts):
        # it takes what ran before
        one.update(first_unit=params['first_unit'], first_chunk=params['first_chunk'],
                   n_chunks=chunk + 1 - params['first_chunk'])
        case, texts = first_difference(guest, pair, one, timeout)
    if case is not None:
        one.update(trace=0, verbose=case)
        texts = [e.run(guest, one, timeout) for e in pair]
        if all('\nend' in t for t in texts):
            return show_case(guest, one, case, texts[0], texts[1], names, full)
        bad = 1 if '\nend' in texts[0] else 0
        return '%s, case %d does not end on %s:\n%s\n%s' % (
            where, case, names[bad], tail(texts[bad]),
            show_case(guest, one, case, texts[1 - bad], texts[1 - bad], [names[1 - bad]] * 2, full))
    if all('done' in t for t in texts):
        return (where +
                ': all cases agree but memory or page tables at its end do not, or the chunk differs by run')
    return '%s: no end\n  %s:\n%s\n  %s:\n%s' % (where, names[0], tail(texts[0]), names[1], tail(texts[1]))


def self_check(guest, emulator, timeout):
    """The guest's own checks on one emulator; the lines that tell of failures."""
    run = dict.fromkeys(PARAMS, 0)
    run.update(part=SELF, last_unit=1, n_chunks=1, n_words=1, n_sets=1, verbose=NO_CASE)
    text = emulator.run(guest, run, timeout)
    failed = [line for line in text.split('\n') if line.startswith('FAILED')]
    return failed if 'done' in text else failed + ['no end:', tail(text)]


def plan(guest, part, units, cases, sets, seed, slices):
    """Runs that together make at least so many cases for each unit: (params, ...)."""
    words = max(1, min(64, cases // sets))
    n_chunks = max(1, -(-cases // (words * sets)))
    units = list(units)
    size = max(1, -(-len(units) // slices))
    runs = []
    at = 0
    while at < len(units):
        end = at + 1
        while end < len(units) and end - at < size and units[end] == units[end - 1] + 1:
            end += 1
        runs.append({'seed': seed, 'part': part, 'first_unit': units[at], 'last_unit': units[end - 1] + 1,
                     'first_chunk': 0, 'n_chunks': n_chunks, 'n_words': words, 'n_sets': sets, 'trace': 0,
                     'verbose': NO_CASE})
        at = end
    return runs


def compare(guest, pair, runs, jobs, timeout, limit=10, report=print, progress=None, full=False,
            unit_limit=2):
    """
    Runs all on both emulators; returns (cases, differing chunks). Differences are narrowed and told to
    @report, at most @limit of them, and @unit_limit of one unit. @progress hears of each run that has ended:
    the run, its cases, its chunks that differ.
    """
    cases = differ = 0
    told = {}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        waiting = {pool.submit(e.run, guest, r, timeout): (i, k) for i, r in enumerate(runs)
                   for k, e in enumerate(pair)}
        texts = {}
        for future in concurrent.futures.as_completed(waiting):
            i, k = waiting[future]
            texts[i, k] = future.result()
            if (i, 1 - k) not in texts:
                continue
            r = runs[i]
            got = [chunks(texts[i, 0]), chunks(texts[i, 1])]
            cases += sum(n for _, n in got[0].values())
            before = differ
            for unit in range(r['first_unit'], r['last_unit']):
                for chunk in range(r['n_chunks']):
                    ours, theirs = got[0].get((unit, chunk)), got[1].get((unit, chunk))
                    if ours == theirs and ours:
                        continue
                    missing = ours is None or theirs is None
                    if missing and told.get((i, 'missing')):
                        continue
                    differ += 1
                    told[i, 'missing'] = missing
                    told[unit] = told.get(unit, 0) + 1
                    if report and limit > 0 and told[unit] <= unit_limit:
                        limit -= 1
                        report(narrow(guest, pair, r, unit, chunk, timeout, full))
            texts[i, 0] = texts[i, 1] = ''
            if progress:
                progress(r, sum(n for _, n in got[0].values()), differ - before)
    return cases, differ
