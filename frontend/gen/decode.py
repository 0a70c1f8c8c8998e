#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Decoder generator: reads instruction tables (*.dec), writes C and JSON.

    decode.py --prefix rv --features features.def --include frontend/riscv/rv_features.h \\
              --header-dir frontend/riscv --out-dir BUILD rv.dec rv_i.dec ...

writes PREFIX_decode.h, PREFIX_decode.c, PREFIX_translate.h, PREFIX_translate.c and
PREFIX_decode.json. The output depends on the inputs alone. Every mistake in a table is
reported as `file:line: error: ...`, all of them at once, and nothing is written.

The table language, one statement a line, `#` starts a comment:

    field KIND NAME...         names that may be fields of an instruction, and what they are
    args SET NAME...           struct args_SET: rows with just these fields share it
    exclusive FEAT FEAT...     features that no CPU has together
    %NAME [s] BITS... [<<N] [+N]
                               a scattered field: the bits from the most significant down,
                               as `31` or `30..25`; `s` sign-extends; then shift, then add

    NAME PATTERN... ?FEATURES [FIELD=VALUE] [CONSTRAINT] [=> ROW] [over ROW] [as MNEMONIC] "TEXT"

A pattern runs from the most significant bit down and is 16 or 32 bits wide:
    0 1                        fixed bits
    -                          a bit that is ignored
    .                          a bit of a scattered field (each must be used by one)
    FIELD:WIDTH[s][<<N][+N]    a field in place
FIELD=VALUE gives a field that is not in place: `imm=%imm_b`, `rs1=rd` (same bits), `rs1=2`.
FEATURES is `A&B|C&!D`. A CONSTRAINT is `FIELD!=N`, or `FEAT?FIELD<N` (N a power of two):
with that feature, larger values do not decode; or `!(FIELD=BITS,...)`: words whose fields
all have these bits (`0`, `1`, `-`) do not decode. `=> ROW`: same translator as ROW, whose
fields it must have; `=> -`: no translator, the instruction is known and not translated.
`over ROW`: this row is a special case of ROW and is tried first. TEXT is the assembly
operands, `{FIELD}` or `{FIELD:FORMAT}`; MNEMONIC may have such parts, too.
"""

import argparse
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import decode_emit  # noqa: E402

WIDTHS = (16, 32)
IDENT = re.compile(r'[A-Za-z_][A-Za-z0-9_]*$')
ROWNAME = re.compile(r'[a-z][a-z0-9_.]*$')
INPLACE = re.compile(r'([a-z_][a-z0-9_]*):(\d+)(s?)(?:<<(\d+))?(?:\+(\d+))?$')
TOKEN = re.compile(r'\{([a-z_][a-z0-9_]*)(?::([a-z0-9_]+))?\}')


class TableError(Exception):
    """A mistake in a table; `where` is file:line."""

    def __init__(self, where, text):
        super().__init__('%s: error: %s' % (where, text))


class Field:
    """How a value is made of instruction bits: concatenate segs, extend, shift, add."""

    def __init__(self, segs, signed=False, shift=0, add=0):
        self.segs, self.signed, self.shift, self.add = tuple(segs), signed, shift, add

    def key(self):
        return (self.segs, self.signed, self.shift, self.add)

    def width(self):
        return sum(hi - lo + 1 for hi, lo in self.segs)

    def mask(self):
        return sum(((2 << hi) - 1) & ~((1 << lo) - 1) for hi, lo in self.segs)

    def bounds(self):
        """Smallest and largest value the field can have."""
        top = 1 << self.width()
        low, high = (-(top >> 1), (top >> 1) - 1) if self.signed else (0, top - 1)
        if not self.segs:
            low = high = 0
        return ((low << self.shift) + self.add, (high << self.shift) + self.add)

    def encode(self, value):
        """The instruction bits that stand for value, or None if none do."""
        low, high = self.bounds()
        raw = value - self.add
        if not low <= value <= high or raw & ((1 << self.shift) - 1):
            return None
        raw >>= self.shift
        out = 0
        for hi, lo in reversed(self.segs):
            n = hi - lo + 1
            out |= (raw & ((1 << n) - 1)) << lo
            raw >>= n
        return out


class Row:
    """One instruction."""

    def __init__(self, name, where):
        self.name, self.where = name, where
        self.mnemonic = name
        self.width = self.mask = self.match = 0
        self.fields = {}
        self.excludes = []       # (mask, match, feature or None): words that do not decode
        self.feature_text = ''
        self.alts = []           # alternatives: (features needed, features denied)
        self.target = self.over = None
        self.text = ''
        self.args = None

    def ident(self):
        return re.sub(r'[^a-z0-9]', '_', self.name)


class Table:
    """Everything the .dec files say."""

    def __init__(self, features):
        self.features = features     # name -> where, in order
        self.kinds = []
        self.fields = {}             # field name -> kind
        self.args = {}               # set name -> tuple of field names
        self.exclusive = []
        self.defs = {}               # %name -> (Field, where)
        self.rows = {}               # name -> Row, in order
        self.errors = []
        self.used_defs = set()
        self.used_fields = set()

    # -- reading

    def read(self, path, shown):
        with open(path, encoding='utf-8') as f:
            for number, line in enumerate(f, 1):
                where = '%s:%d' % (shown, number)
                try:
                    self.statement(line.rstrip('\n'), where)
                except TableError as e:
                    self.errors.append(str(e))

    def statement(self, line, where):
        text = None
        quoted = re.match(r'([^"#]*)"([^"]*)"\s*(#.*)?$', line)
        if quoted:
            line, text = quoted.group(1), quoted.group(2)
        else:
            line = line.split('#')[0]
            if '"' in line:
                raise TableError(where, 'the assembly text must be the last thing on the line')
        words = line.split()
        if not words:
            if text is not None:
                raise TableError(where, 'assembly text without an instruction')
            return
        if words[0].startswith('%'):
            self.definition(words, where)
        elif words[0] in ('field', 'args', 'exclusive') and text is None:
            getattr(self, 'declare_' + words[0])(words[1:], where)
        else:
            self.row(words, text, where)

    def declare_field(self, words, where):
        if len(words) < 2:
            raise TableError(where, 'field needs a kind and at least one name')
        kind = words[0]
        if kind not in self.kinds:
            self.kinds.append(kind)
        for name in words[1:]:
            if not IDENT.match(name):
                raise TableError(where, 'bad field name "%s"' % name)
            if name in self.fields:
                raise TableError(where, 'field "%s" is declared twice' % name)
            self.fields[name] = kind

    def declare_args(self, words, where):
        if len(words) < 2:
            raise TableError(where, 'args needs a name and at least one field')
        name, names = words[0], tuple(words[1:])
        if name in self.args:
            raise TableError(where, 'args "%s" is declared twice' % name)
        for n in names:
            if n not in self.fields:
                raise TableError(where, 'unknown field "%s"' % n)
        for other, its in self.args.items():
            if set(its) == set(names):
                raise TableError(where, 'args "%s" has the same fields as "%s"' % (name, other))
        self.args[name] = names

    def declare_exclusive(self, words, where):
        for w in words:
            self.check_feature(w, where)
        self.exclusive.append(frozenset(words))

    def definition(self, words, where):
        name = words[0][1:]
        if not IDENT.match(name):
            raise TableError(where, 'bad definition name "%s"' % words[0])
        if name in self.defs:
            raise TableError(where, '"%%%s" is defined twice' % name)
        segs, signed, shift, add, seen = [], False, 0, 0, 0
        for w in words[1:]:
            m = re.match(r'(\d+)(?:\.\.(\d+))?$', w)
            if w == 's' and not segs:
                signed = True
            elif m:
                hi = int(m.group(1))
                lo = int(m.group(2)) if m.group(2) else hi
                if hi < lo or hi >= max(WIDTHS):
                    raise TableError(where, 'bad bit range "%s"' % w)
                seg = Field([(hi, lo)])
                if seen & seg.mask():
                    raise TableError(where, '"%%%s" uses a bit twice in "%s"' % (name, w))
                seen |= seg.mask()
                segs.append((hi, lo))
            elif re.match(r'<<\d+$', w):
                shift = int(w[2:])
            elif re.match(r'\+\d+$', w):
                add = int(w[1:])
            else:
                raise TableError(where, 'cannot read "%s" in a field definition' % w)
        if not segs:
            raise TableError(where, '"%%%s" has no bits' % name)
        self.defs[name] = (Field(segs, signed, shift, add), where)

    # -- one instruction

    def row(self, words, text, where):
        name = words[0]
        if not ROWNAME.match(name):
            raise TableError(where, 'bad instruction name "%s"' % name)
        if name in self.rows:
            raise TableError(where, 'instruction "%s" is defined twice (first at %s)'
                             % (name, self.rows[name].where))
        row = Row(name, where)
        rest = words[1:]
        dots, rest = self.pattern(row, rest)
        constraints = []
        while rest:
            w = rest.pop(0)
            if w in ('=>', 'over', 'as'):
                if not rest:
                    raise TableError(where, '"%s" needs a name' % w)
                setattr(row, {'=>': 'target', 'over': 'over', 'as': 'mnemonic'}[w], rest.pop(0))
            elif w.startswith('?'):
                self.condition(row, w[1:])
            elif w.startswith('!(') or '!=' in w or '<' in w:
                constraints.append(w)
            elif '=' in w:
                self.assign(row, w)
            else:
                raise TableError(where, 'cannot read "%s"' % w)
        self.check_bits(row, dots)
        for c in constraints:
            self.constraint(row, c)
        if not row.alts:
            raise TableError(where, '"%s" has no feature condition' % name)
        self.find_args(row)
        if text is None:
            raise TableError(where, '"%s" has no assembly text' % name)
        row.text = text
        for m in TOKEN.finditer(row.mnemonic + ' ' + text):
            if m.group(1) not in row.fields:
                raise TableError(where, 'the assembly text of "%s" names the unknown field "%s"'
                                 % (name, m.group(1)))
        if re.search(r'[{}]', TOKEN.sub('', row.mnemonic + text)):
            raise TableError(where, 'stray brace in the assembly text of "%s"' % name)
        self.rows[name] = row

    def pattern(self, row, rest):
        """Eat the pattern tokens; returns the mask of '.' bits and what follows."""
        parts = []
        while rest and (re.match(r'[01.\-]+$', rest[0]) or ':' in rest[0]):
            parts.append(rest.pop(0))
        total = 0
        for p in parts:
            m = INPLACE.match(p)
            if ':' in p and not m:
                raise TableError(row.where, 'cannot read the field "%s"' % p)
            total += int(m.group(2)) if m else len(p)
        if total not in WIDTHS:
            raise TableError(row.where, 'the pattern of "%s" is %d bits wide, not %s'
                             % (row.name, total, ' or '.join(map(str, WIDTHS))))
        row.width = pos = total
        dots = 0
        for p in parts:
            m = INPLACE.match(p)
            if m:
                n = int(m.group(2))
                if n == 0:
                    raise TableError(row.where, 'the field "%s" has no bits' % m.group(1))
                self.add_field(row, m.group(1), Field([(pos - 1, pos - n)], bool(m.group(3)),
                                                      int(m.group(4) or 0), int(m.group(5) or 0)))
                pos -= n
                continue
            for c in p:
                pos -= 1
                if c == '.':
                    dots |= 1 << pos
                elif c in '01':
                    row.mask |= 1 << pos
                    row.match |= int(c) << pos
        return dots, rest

    def add_field(self, row, name, field):
        if name not in self.fields:
            raise TableError(row.where, 'unknown field "%s"' % name)
        if name in row.fields:
            raise TableError(row.where, 'field "%s" is given twice' % name)
        row.fields[name] = field
        self.used_fields.add(name)

    def assign(self, row, word):
        name, value = word.split('=', 1)
        if value.startswith('%'):
            if value[1:] not in self.defs:
                raise TableError(row.where, 'unknown definition "%s"' % value)
            self.used_defs.add(value[1:])
            field = self.defs[value[1:]][0]
        elif value.isdigit():
            field = Field([], add=int(value))
        elif value in row.fields:
            field = row.fields[value]
        else:
            raise TableError(row.where, 'unknown field "%s" in "%s"' % (value, word))
        self.add_field(row, name, field)

    def check_bits(self, row, dots):
        used = 0
        for name, f in row.fields.items():
            if f.mask() >> row.width:
                raise TableError(row.where, 'field "%s" lies outside of the %d bits of "%s"'
                                 % (name, row.width, row.name))
            clash = f.mask() & row.mask
            if clash:
                raise TableError(row.where, 'field "%s" uses bit %d, which is fixed in "%s"'
                                 % (name, clash.bit_length() - 1, row.name))
            used |= f.mask()
        if dots & ~used:
            raise TableError(row.where, 'bit %d of "%s" is left to a field, but none uses it'
                             % ((dots & ~used).bit_length() - 1, row.name))

    def conjunction(self, row, word):
        """!(FIELD=BITS,...): all of the fields have these bits."""
        mask = match = 0
        for term in word[2:-1].split(','):
            m = re.match(r'([a-z_][a-z0-9_]*)=([01\-]+)$', term)
            if not m or not word.endswith(')'):
                raise TableError(row.where, 'cannot read the constraint "%s"' % word)
            name, pattern = m.groups()
            field = row.fields.get(name)
            if not field or not field.segs:
                raise TableError(row.where, 'the constraint "%s" names the unknown field "%s"' % (word, name))
            if len(pattern) != field.width():
                raise TableError(row.where, 'in "%s" the field has %d bits' % (word, field.width()))
            at = [b for hi, lo in field.segs for b in range(hi, lo - 1, -1)]
            for bit, want in zip(at, pattern):
                if want != '-':
                    mask |= 1 << bit
                    match |= int(want) << bit
        row.excludes.append((mask, match, None))

    def constraint(self, row, word):
        if word.startswith('!('):
            self.conjunction(row, word)
            return
        m = re.match(r'(?:([A-Z0-9_]+)\?)?([a-z_][a-z0-9_]*)(!=|<)(\d+)$', word)
        if not m:
            raise TableError(row.where, 'cannot read the constraint "%s"' % word)
        feature, name, op, value = m.group(1), m.group(2), m.group(3), int(m.group(4))
        if feature:
            self.check_feature(feature, row.where)
        if name not in row.fields:
            raise TableError(row.where, 'the constraint "%s" names the unknown field "%s"'
                             % (word, name))
        field = row.fields[name]
        if not field.segs:
            raise TableError(row.where, 'the constraint "%s" is on a constant' % word)
        if op == '!=':
            bits = field.encode(value)
            if bits is None:
                raise TableError(row.where, 'in "%s" the field can never be %d' % (word, value))
            row.excludes.append((field.mask(), bits, feature))
            return
        if value & (value - 1) or field.signed or field.add or value <= 0:
            raise TableError(row.where, '"%s" needs an unsigned field and a power of two' % word)
        high = [1 << b for b in range(value.bit_length() - 1, field.width() + field.shift)]
        if not high:
            raise TableError(row.where, '"%s" always holds' % word)
        for h in high:
            bits = field.encode(h)
            row.excludes.append((bits, bits, feature))

    # -- features

    def check_feature(self, name, where):
        if name not in self.features:
            raise TableError(where, 'unknown feature "%s"' % name)

    def condition(self, row, text):
        if row.alts:
            raise TableError(row.where, '"%s" has two feature conditions' % row.name)
        row.feature_text = text
        for alt in text.split('|'):
            need, deny = [], []
            for f in alt.split('&'):
                self.check_feature(f.lstrip('!'), row.where)
                (deny if f.startswith('!') else need).append(f.lstrip('!'))
            row.alts.append((tuple(need), tuple(deny)))

    def together(self, a, b):
        """Can a CPU have features for which both rows decode?"""
        for need_a, deny_a in a.alts:
            for need_b, deny_b in b.alts:
                need, deny = set(need_a + need_b), set(deny_a + deny_b)
                if not need & deny and not any(len(need & e) > 1 for e in self.exclusive):
                    return True
        return False

    # -- checks over the whole table

    def find_args(self, row):
        if not row.fields:
            return
        for name, names in self.args.items():
            if set(names) == set(row.fields):
                row.args = name
                return
        raise TableError(row.where, 'no args declaration has the fields of "%s": %s'
                         % (row.name, ' '.join(row.fields)))

    def check(self):
        def fail(where, text):
            self.errors.append(str(TableError(where, text)))

        for row in self.rows.values():
            if row.target and row.target != '-':
                target = self.rows.get(row.target)
                if not target:
                    fail(row.where, 'unknown instruction "%s" after =>' % row.target)
                elif target.target:
                    fail(row.where, '"%s" after => is itself an alias' % row.target)
                elif target.args != row.args:
                    fail(row.where, '"%s" has the fields of args "%s", but "%s" those of "%s"'
                         % (row.name, row.args, target.name, target.args))
            if row.over and row.over not in self.rows:
                fail(row.where, 'unknown instruction "%s" after over' % row.over)
        for name, (_, where) in self.defs.items():
            if name not in self.used_defs:
                fail(where, '"%%%s" is not used' % name)
        if not self.rows and not self.errors:
            self.errors.append('error: no instruction in the table')
        rows = list(self.rows.values())
        for i, a in enumerate(rows):
            for b in rows[:i]:
                self.check_pair(a, b, fail)

    def check_pair(self, a, b, fail):
        if (a.match ^ b.match) & a.mask & b.mask or not self.together(a, b):
            return
        fixed, value = a.mask | b.mask, a.match | b.match
        for mask, match, feature in a.excludes + b.excludes:
            if not feature and not mask & ~fixed and value & mask == match:
                return
        for inner, outer in ((a, b), (b, a)):
            if inner.over == outer.name:
                if outer.mask & ~inner.mask or inner.mask == outer.mask:
                    fail(inner.where, '"%s" is not a special case of "%s" (%s)'
                         % (inner.name, outer.name, outer.where))
                return
        fail(a.where, '"%s" overlaps "%s" (%s): both match 0x%0*x'
             % (a.name, b.name, b.where, max(a.width, b.width) // 4, value))


def read_features(path, shown, limit=64):
    """FEATURE(NAME, "doc") lines of a .def file."""
    features = {}
    with open(path, encoding='utf-8') as f:
        for number, line in enumerate(f, 1):
            m = re.match(r'\s*FEATURE\((\w+),\s*"', line)
            if m:
                if m.group(1) in features:
                    raise TableError('%s:%d' % (shown, number), 'feature "%s" is defined twice'
                                     % m.group(1))
                features[m.group(1)] = '%s:%d' % (shown, number)
    if len(features) > limit:
        raise TableError(shown, 'more than %d features' % limit)
    return features


def arguments(description):
    """The command line as far as every generator has it."""
    ap = argparse.ArgumentParser(description=description)
    ap.add_argument('--features', required=True, help='.def file with FEATURE(NAME, "doc") lines')
    ap.add_argument('--out-dir', help='write the C files and the JSON file here')
    ap.add_argument('tables', nargs='+', help='.dec files, in order')
    return ap


def read_tables(kind, opts, limit=64):
    """The Table (of class kind) that the .dec files are; exits with the errors they have."""
    try:
        table = kind(read_features(opts.features, os.path.basename(opts.features), limit))
        for path in opts.tables:
            table.read(path, os.path.basename(path))
    except TableError as e:
        sys.exit(str(e))
    except OSError as e:
        sys.exit('%s: error: %s' % (e.filename, e.strerror))
    table.check()
    if table.errors:
        sys.exit('\n'.join(table.errors))
    return table


def write_files(folder, files):
    for name, text in files:
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as f:
            f.write(text)


def main():
    ap = arguments('generate an instruction decoder')
    ap.add_argument('--prefix', required=True, help='prefix of the generated names, such as rv')
    ap.add_argument('--include', action='append', default=[], help='header the output includes')
    ap.add_argument('--header-dir', default='', help='where others include the output from')
    ap.add_argument('--json', action='store_true', help='print the JSON on standard output')
    opts = ap.parse_args()
    table = read_tables(Table, opts)
    if opts.json:
        sys.stdout.write(decode_emit.json_text(table))
    if opts.out_dir:
        write_files(opts.out_dir, decode_emit.files(table, opts))


if __name__ == '__main__':
    main()
