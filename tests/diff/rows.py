# SPDX-License-Identifier: MIT
"""
Makes the comparison guest's table of instructions (rows.h) from rv_decode.json. What the table does not say
is what kind of instruction a row is, which decides how its operands are chosen: that follows from the name of
its translator.
"""
import json
import sys

FIELDS = ('rd rs1 rs2 fd fs1 fs2 fs3 imm off shamt csr zimm rm aq rl fm pred succ').split()

LOADS = {'lb': 0, 'lh': 1, 'lw': 2, 'ld': 3, 'lbu': 0, 'lhu': 1, 'lwu': 2, 'flw': 2, 'fld': 3}
STORES = {'sb': 0, 'sh': 1, 'sw': 2, 'sd': 3, 'fsw': 2, 'fsd': 3}
CLASSES = {
    'jal': 'JAL', 'jalr': 'JALR', 'mret': 'MRET', 'sret': 'SRET', 'wfi': 'WFI', 'sfence.vma': 'SFENCE',
    'fence': 'FENCE', 'fence.i': 'FENCE', 'pause': 'FENCE', 'ecall': 'ENV', 'ebreak': 'ENV',
}
BRANCHES = {'beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu'}
NOT_IN_SEQUENCES = {'MRET', 'SRET', 'WFI', 'SFENCE', 'ENV', 'SC', 'LR', 'JAL', 'JALR', 'BRANCH', 'CSR'}


def kind(row):
    """The class, and the log2 of the size of its memory access."""
    target = row['target']
    if target in LOADS:
        return 'LOAD', LOADS[target]
    if target in STORES:
        return 'STORE', STORES[target]
    for prefix, cls in (('amo', 'AMO'), ('lr.', 'LR'), ('sc.', 'SC')):
        if target.startswith(prefix):
            return cls, 2 if target.endswith('.w') else 3
    if target in BRANCHES:
        return 'BRANCH', 0
    if target.startswith('csrr'):
        return 'CSR', 0
    if target in CLASSES:
        return CLASSES[target], 0
    return ('FP' if target.startswith('f') else 'ALU'), 0


def precision(row):
    """'s' or 'd': of the floating-point registers that it reads; 0 if it reads none."""
    if not any(f['name'] in ('fs1', 'fs2', 'fs3') for f in row['fields']):
        return '0'
    target = row['target']
    if target in ('fsw', 'fsd'):
        return "'s'" if target == 'fsw' else "'d'"
    last = target.split('.')[-1]
    return "'s'" if last in ('s', 'w') else "'d'"


def rows_of(table, xlen):
    """The rows that a CPU of this width has."""
    other = {'32': 'RV64', '64': 'RV32'}[xlen]
    return [r for r in table['insns'] if any(other not in a['need'] and 'RV' + xlen not in a['deny']
                                             for a in r['alts'])]


def field_text(f):
    width = sum(high - low + 1 for high, low in f['bits'])
    bits = ', '.join('{%d, %d}' % (high, low) for high, low in f['bits']) or '{0}'
    return '{F_%s, %d, %d, %d, %d, %d, {%s}}' % (
        f['name'].upper(), len(f['bits']), f['signed'], f['shift'], f['add'], width, bits)


def header(rows, xlen):
    out = ['/* Made from the decode table; see tests/diff/rows.py. */']
    for r in rows:
        cls, size = kind(r)
        excludes = [e for e in r['excludes'] if e['feature'] in (None, 'RV' + xlen)]
        out.append('{0x%08x, 0x%08x, %d, C_%s, %d, %s, 0, %d, %d, %d, (const struct field[]){%s}, '
                   '(const u32[][2]){%s}}, /* %s */' % (
            r['mask'], r['match'], r['length'], cls, size, precision(r), len(r['fields']), len(excludes),
            cls in NOT_IN_SEQUENCES, ', '.join(field_text(f) for f in r['fields']),
            ', '.join('{0x%x, 0x%x}' % (e['mask'], e['match']) for e in excludes) or '{0}', r['name']))
    return '\n'.join(out) + '\n'


def load(path, xlen='64'):
    with open(path, encoding='utf-8') as f:
        return rows_of(json.load(f), xlen)


if __name__ == '__main__':
    sys.stdout.write(header(load(sys.argv[1]), '64'))
