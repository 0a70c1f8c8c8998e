# SPDX-License-Identifier: MIT
"""
Makes the AArch64 comparison guest's table of instructions (rows.h) from a64_decode.json. What the table does
not say is what kind of instruction a row is, which decides how its operands are chosen: that follows from its
arguments and its translator.
"""
import json

FIELDS = ('rd rn rm ra rt rt2 rs vd vn vm va vt vt2 vs imm off mask sf q size sz ftype mode elems regs '
          'option amount sh '
          'cond op0 op1 crn crm op2 op sext bit nzcv').split()

# What Rhea's CPU has; of that, what QEMU's model for most rows has not, so that they run on one that has
# more; and of that what QEMU 10.0 has in none.
HAS = ('A64 FP ASIMD CRC32 LSE LOR PAN RDM RCPC RCPC2 FLAGM FLAGM2 JSCVT FRINTTS AES PMULL SHA1 SHA256 SB '
       'HBC '
       'CSSC WFXT XS').split()
NEWER = ('RCPC2', 'FLAGM', 'FLAGM2', 'JSCVT', 'FRINTTS', 'SB', 'HBC', 'CSSC', 'WFXT', 'XS')
QEMU_LACKS = ('CSSC',)

CLASSES = {
    'br': 'BR', 'blr': 'BR', 'ret': 'BR', 'eret': 'ERET', 'svc': 'TRAP', 'hvc': 'HVC', 'smc': 'TRAP',
    'brk': 'TRAP',
    'udf': 'TRAP', 'hlt': 'HLT', 'hint': 'HINT', 'nop': 'HINT', 'yield': 'HINT', 'bti': 'HINT', 'wfe': 'WFE',
    'wfi': 'WFI', 'wfet': 'WFE', 'wfit': 'WFI', 'clrex': 'BARRIER', 'dsb': 'BARRIER', 'dmb': 'BARRIER',
    'isb': 'BARRIER', 'sb': 'BARRIER',
    'msr': 'MSR', 'mrs': 'MRS', 'msr_imm': 'MSR_IMM', 'sys': 'SYS', 'sysl': 'TRAP',
}
# arguments: class, way of addressing, registers of an access
MEMORY = {
    'st': ('STORE', 'IMM', 1), 'ld': ('LOAD', 'IMM', 1), 'stro': ('STORE', 'INDEX', 1),
    'ldro': ('LOAD', 'INDEX', 1),
    'fls': ('STORE', 'IMM', 1), 'fro': ('STORE', 'INDEX', 1), 'lit': ('LOAD', 'PC', 1),
    'flit': ('LOAD', 'PC', 1),
    'stp': ('STORE', 'IMM', 2), 'ldp': ('LOAD', 'IMM', 2), 'vp': ('STORE', 'IMM', 2),
    'stx': ('STX', 'BASE', 1),
    'stxp': ('STX', 'BASE', 2), 'ldx': ('LDX', 'BASE', 1), 'ldxp': ('LDX', 'BASE', 2),
    'ar': ('ORDERED', 'BASE', 1),
    'cas': ('ATOMIC', 'BASE', 1), 'casp': ('ATOMIC', 'BASE', 2), 'rmw': ('ATOMIC', 'BASE', 1),
    'stur': ('ORDERED', 'IMM', 1), 'ldur': ('ORDERED', 'IMM', 1), 'ldm': ('STORE', 'BASE', 1),
    'ldmp': ('STORE', 'BASE', 1), 'lane': ('STORE', 'BASE', 1), 'lanep': ('STORE', 'BASE', 1),
    'ldr': ('LOAD', 'BASE', 1),
    'ldrp': ('LOAD', 'BASE', 1), 'prfm': ('PREFETCH', 'IMM', 1), 'prfmro': ('PREFETCH', 'INDEX', 1),
    'prfml': ('PREFETCH', 'PC', 1),
}
VECTOR_CLASSES = ('FP', 'VECTOR')
NOT_IN_SEQUENCES = ('BRANCH', 'BR', 'ERET', 'TRAP', 'HLT', 'HVC', 'WFE', 'WFI', 'MRS', 'MSR', 'MSR_IMM',
                    'SYS', 'LDX', 'STX')
# What has no second of its kind in the decode table but one that the architecture leaves to each CPU, or
# QEMU's has more
EXTRA_EXCLUDES = {
    'msr_imm': [(0x000700e0, 0x00000060), (0x000700e0, 0x00030020)],  # UAO, SSBS
}


def names_of(row):
    return {f['name'] for f in row['fields']}


def kind(row):
    """Class, way of addressing."""
    args, target = row['args'], row['target'] or row['name']
    if args in MEMORY:
        cls, address, _ = MEMORY[args]
        if args in ('fls', 'fro', 'vp', 'ldm', 'ldmp', 'lane', 'lanep') and row['mnemonic'].startswith('ld'):
            cls = 'LOAD'
        return cls, address
    if target in CLASSES:
        return CLASSES[target], 'NONE'
    if 'off' in names_of(row) and target not in ('adr', 'adrp'):
        return 'BRANCH', 'NONE'
    if any(f['kind'] == 'vreg' for f in row['fields']):
        return ('FP' if row['mnemonic'].startswith(('f', 'sc', 'uc')) else 'VECTOR'), 'NONE'
    return 'ALU', 'NONE'


def size_log2(row):
    """Of the whole access, where it must be aligned it is to that; the largest that an encoding has."""
    size = next((f for f in row['fields'] if f['name'] == 'size'), None)
    if not size:
        return 0
    largest = size['add'] + ((1 << sum(h - l + 1 for h, l in size['bits'])) - 1 if size['bits'] else 0)
    pair = row['args'] in MEMORY and MEMORY[row['args']][2] == 2 and row['args'] in ('stxp', 'ldxp', 'casp')
    return min(largest + pair, 4)


def is_many(row):
    """Has it several accesses, of which the first may be done when another faults?"""
    return row['args'] in ('stp', 'ldp', 'vp', 'ldm', 'ldmp', 'lane', 'lanep', 'ldr', 'ldrp')


def precision(row):
    """Of floating-point registers that no field tells: 's', 'd', 'h', or 0."""
    for suffix, letter in (('_ws', 's'), ('_sd', 's'), ('_sh', 's'), ('_ds', 'd'), ('_dh', 'd'), ('_hs', 'h'),
                           ('_hd', 'h')):
        if row['name'].endswith(suffix):
            return "'%s'" % letter
    return '0'


def features_of(row):
    return {f for a in row['alts'] for f in a['need']}


def rows_of(table):
    """Rows with what the CPU has, in the table's order; their number is their unit."""
    return [r for r in table['insns'] if features_of(r) <= set(HAS)]


def is_translated(row):
    return row['target'] is not None


def is_newer(row):
    return bool(features_of(row) & set(NEWER))


def is_unknown(row):
    """Has QEMU no model with it?"""
    return bool(features_of(row) & set(QEMU_LACKS))


def field_text(f):
    width = sum(high - low + 1 for high, low in f['bits'])
    bits = ', '.join('{%d, %d}' % (high, low) for high, low in f['bits']) or '{0}'
    return '{F_%s, %d, %d, %d, %d, %d, {%s}}' % (
        f['name'].upper(), len(f['bits']), f['signed'], f['shift'], f['add'], width, bits)


def excludes_of(row, rows):
    """Words that do not decode, or are another row that stands over this one."""
    out = [(e['mask'], e['match']) for e in row['excludes']]
    out += EXTRA_EXCLUDES.get(row['name'], [])
    return out + [(r['mask'], r['match']) for r in rows if r['over'] == row['name']]


def fixed(row):
    """Bits that should be 0 or 1 (mask, value): with others it is left open what an instruction does."""
    free = ~row['mask'] & 0xffffffff
    for f in row['fields']:
        for high, low in f['bits']:
            free &= ~(((2 << high) - 1) & ~((1 << low) - 1))
    for e in row['excludes']:
        free &= ~e['mask']
    zero = row['name'].startswith(('fcmp', 'cfinv', 'xaflag', 'axflag', 'sb'))
    return free, 0 if zero else free


def header(rows):
    out = ['/* Made from the decode table; see tests/diff/rows_a64.py. */']
    for r in rows:
        cls, address = kind(r)
        fields = [f for f in r['fields'] if f['name'] in FIELDS]
        excludes = excludes_of(r, rows)
        mask, value = fixed(r)
        out.append('{0x%08x, 0x%08x, 4, C_%s, %d, %s, AT_%s | %s, %d, %d, %d, (const struct field[]){%s}, '
                   '(const u32[][2]){%s}}, /* %s */' % (
                       r['mask'] | mask, r['match'] | value, cls, size_log2(r), precision(r), address,
                       'AT_MANY' if is_many(r) else '0', len(fields), len(excludes), cls in NOT_IN_SEQUENCES
                       or not is_translated(r) or is_newer(r), ', '.join(field_text(f) for f in fields)
                       or '{0}', ', '.join('{0x%x, 0x%x}' % e for e in excludes) or '{0}', r['name']))
    return '\n'.join(out) + '\n'


def load(path):
    with open(path, encoding='utf-8') as f:
        return rows_of(json.load(f))
