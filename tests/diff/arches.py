# SPDX-License-Identifier: MIT
"""
What difftool has to know about each guest: its rows, how its comparison program is compiled, the parts of it,
the options of both emulators, and how its instructions read.
"""
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rows as rows_rv  # noqa: E402
import rows_a64  # noqa: E402


class ToolError(Exception):
    """Something that keeps the comparison from being made."""


def objdump(tools, options, code, pc):
    """The assembler's text of one instruction, '' without a disassembler."""
    tool = next((t for t in tools if shutil.which(t)), None)
    if not tool:
        return ''
    with tempfile.NamedTemporaryFile(suffix='.bin') as f:
        f.write(code)
        f.flush()
        text = subprocess.run([tool, '-D', '-b', 'binary', *options, '--adjust-vma=0x%x' % pc, f.name],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.decode()
    lines = [line for line in text.split('\n') if re.match(r'^\s*[0-9a-f]+:\t', line)]
    return ' '.join(lines[0].split('\t')[2:]) if lines else ''


class Riscv:
    NAME = 'riscv64'
    PREFIX = 'rv'
    JSON = 'frontend/riscv/rv_decode.json'
    TABLES = ('rv', 'rv_i', 'rv_fd', 'rv_b', 'rv_c')
    FOLDER = 'guest'
    COMPILERS = ('riscv64-unknown-elf-gcc', 'riscv64-linux-gnu-gcc')
    PACKAGE = 'gcc-riscv64-unknown-elf'
    FLAGS = ('-march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany -O2 -Wall -Wextra -ffreestanding '
             '-nostdlib '
             '-static -fno-pic -no-pie -fno-asynchronous-unwind-tables').split()
    GUEST_PARTS = ('rows', 'seq', 'csr', 'mmu', 'pmp', 'trap', 'self')  # the guest's enum part
    PARTS = GUEST_PARTS[:-1]
    UNITS = {'seq': 8, 'csr': 3, 'mmu': 4, 'pmp': 2,
             'trap': 2}  # of parts other than rows; see each part's file
    SHOWN = ('mepc', 'mcause', 'mtval', 'mstatus', 'fcsr')      # also where both have the same

    # The features that both emulators shall have, and no others: QEMU starts from its empty model.
    FEATURES = 'i m a f d c s u zicsr zifencei zicntr zihintpause zicond zba zbb zbs sstc sv39 sv48'.split()
    QEMU_CPU = 'rv64i,' + ','.join(f + '=on' for f in FEATURES) + ',mmu=on,pmp=on,debug=off'
    MACHINE = ['-M', 'virt', '-m', '128M', '-bios', 'none', '-nographic', '-no-reboot']

    load_rows = staticmethod(rows_rv.load)

    @staticmethod
    def header(rows):
        return rows_rv.header(rows, '64')

    @classmethod
    def units(cls, part, rows):
        return list(range(len(rows) if part == 'rows' else cls.UNITS[part]))

    @classmethod
    def qemu_options(cls, part):
        return [*cls.MACHINE, '-smp', '2', '-cpu', cls.QEMU_CPU]

    @classmethod
    def rhea_options(cls, part):
        return [*cls.MACHINE, '-cpu', 'rv64']

    @staticmethod
    def missing(rows):
        return []

    unknown = missing

    @staticmethod
    def describe(rows, word, pc):
        """The assembler's text, or at least the row's name and registers where binutils is too old."""
        code = struct.pack('<I', word) if word & 3 == 3 else struct.pack('<H', word & 0xffff)
        text = objdump(('riscv64-unknown-elf-objdump', 'riscv64-linux-gnu-objdump'), ('-m', 'riscv:rv64'),
                       code, pc)
        if text and not text.startswith('.'):
            return text
        for r in rows:
            if word & r['mask'] == r['match'] and (word & 3 == 3) == (r['length'] == 4):
                return '%s rd=x%d rs1=x%d rs2=x%d' % (r['name'], word >> 7 & 31, word >> 15 & 31,
                                                      word >> 20 & 31)
        return text


class Aarch64:
    NAME = 'aarch64'
    PREFIX = 'a64'
    JSON = 'frontend/arm/a64_decode.json'
    TABLES = ('a64', 'a64_int', 'a64_mem', 'a64_fp', 'a64_simd', 'a64_sve')
    FOLDER = 'aarch64'
    COMPILERS = ('aarch64-linux-gnu-gcc', 'aarch64-none-elf-gcc')
    PACKAGE = 'gcc-aarch64-linux-gnu'
    FLAGS = ('-march=armv8-a -mgeneral-regs-only -mstrict-align -mno-outline-atomics -O2 -Wall -Wextra '
             '-ffreestanding '
             '-nostdlib -static -fno-pic -no-pie -fno-asynchronous-unwind-tables -fno-stack-protector '
             '-Wl,--build-id=none -Wl,--no-warn-rwx-segments').split()
    GUEST_PARTS = ('rows', 'seq', 'mmu', 'self')
    # rows+ has what is not in QEMU's model for all else; there it is compared with a model that has more
    PARTS = ('rows', 'rows+', 'seq', 'mmu')
    UNITS = {'seq': 8, 'mmu': 6}
    SHOWN = ('elr', 'spsr', 'esr', 'far', 'vector')
    # Of version 8.2: nothing in it makes misaligned atomics legal, or tells EL0's accesses to ID registers
    # otherwise.
    QEMU_CPU = {'rows+': 'max,pauth=off,sve=off,sme=off,lpa2=off'}
    QEMU_CPU_DEFAULT = 'cortex-a76'

    load_rows = staticmethod(rows_a64.load)
    header = staticmethod(rows_a64.header)

    @classmethod
    def units(cls, part, rows):
        if not part.startswith('rows'):
            return list(range(cls.UNITS[part]))
        return [i for i, r in enumerate(rows) if rows_a64.is_translated(r) and not rows_a64.is_unknown(r) and
                rows_a64.is_newer(r) == (part == 'rows+')]

    @classmethod
    def qemu_options(cls, part):
        return ['-M', 'virt', '-nic', 'none', '-m', '128M', '-nographic', '-no-reboot', '-semihosting',
                '-cpu', cls.QEMU_CPU.get(part, cls.QEMU_CPU_DEFAULT)]

    @staticmethod
    def rhea_options(part):
        off = '' if part == 'rows+' else ''.join(',%s=off' % f.lower() for f in rows_a64.NEWER)
        return ['-M', 'bare', '-m', '128M', '-nographic', '-cpu', 'max' + off]

    @staticmethod
    def missing(rows):
        """Rows of features that the CPU has which are not translated: undefined in Rhea."""
        return [r['name'] for r in rows if not rows_a64.is_translated(r)]

    @staticmethod
    def unknown(rows):
        """Rows that QEMU has not."""
        return [r['name'] for r in rows if rows_a64.is_translated(r) and rows_a64.is_unknown(r)]

    @staticmethod
    def describe(rows, word, pc):
        text = objdump(('aarch64-linux-gnu-objdump', 'aarch64-none-elf-objdump'), ('-m', 'aarch64'),
                       struct.pack('<I', word), pc)
        if text and not text.startswith('.'):
            return text
        return next((r['name'] for r in rows if word & r['mask'] == r['match']), text)


ARCHES = {a.NAME: a for a in (Riscv, Aarch64)}
