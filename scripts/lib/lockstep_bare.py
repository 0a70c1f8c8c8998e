# SPDX-License-Identifier: MIT
"""scripts/lockstep for freestanding programs of AArch64 and x86-64: QEMU writes its state before each
instruction to a pipe, and tests/lockstep/log_follow.c follows.

QEMU runs undisturbed to the program's entry point, or to where --from says, past its firmware and what the
program itself does to get into 64-bit mode there (bench/lib/bare/x86_64/start.S). A breakpoint of its gdb
stub stops it, and by that the monitor is told to execute one instruction a block and to log. Consoles and
exit statuses are compared at the end.
"""

import os
import pathlib
import socket
import struct
import subprocess
import tempfile
import time

MEMORY = '128M'
# What the guest's programs find on both machines.
QEMU = {
    'aarch64': ['-M', 'virt', '-nic', 'none', '-serial', 'null',
                '-chardev', 'file,id=console,path=%s', '-semihosting-config',
                'enable=on,target=native,chardev=console'],
    'x86_64': ['-M', 'pc', '-nic', 'none', '-serial', 'file:%s', '-device',
               'isa-debug-exit,iobase=0x501,iosize=2'],
}


class Failure(Exception):
    """It cannot be told; the text says why."""


class Stub:
    """QEMU's gdb stub, as far as it takes to stop at an address and to give the monitor commands."""

    def __init__(self, path, process):
        self.socket, self.pending = socket.socket(socket.AF_UNIX), b''
        for _ in range(600):
            if process.poll() is not None:
                raise Failure('QEMU ended with status %d' % process.returncode)
            try:
                self.socket.connect(str(path))
                break
            except OSError:
                time.sleep(0.05)
        self.socket.settimeout(300)

    def receive(self):
        while True:
            start = self.pending.find(b'$')
            end = self.pending.find(b'#', start)
            if 0 <= start < end and len(self.pending) >= end + 3:
                body, self.pending = self.pending[start + 1:end], self.pending[end + 3:]
                self.socket.sendall(b'+')
                return body.decode('latin-1')
            data = self.socket.recv(65536)
            if not data:
                raise Failure("QEMU's gdb stub went away")
            self.pending += data

    def ask(self, body):
        self.socket.sendall(b'$%s#%02x' % (body.encode(), sum(body.encode()) & 0xff))
        return self.receive()

    def monitor(self, command):
        said = self.ask('qRcmd,' + command.encode().hex())
        while said.startswith('O') and said != 'OK':
            raise Failure("QEMU's monitor: " + bytes.fromhex(said[1:]).decode())

    def run_to(self, address):
        self.ask('?')
        if self.ask('Z1,%x,4' % address) != 'OK' or not self.ask('c').startswith('T05') or \
           self.ask('z1,%x,4' % address) != 'OK':
            raise Failure('QEMU does not come to %x' % address)


def program_of(options):
    if '-kernel' not in options[:-1]:
        raise Failure('name the program: -- -kernel FILE')
    return options[options.index('-kernel') + 1]


def start_of(path, name):
    """Where the comparison begins: the entry, or at a symbol, or an address."""
    entry, symbols = 0, {}
    with open(path, 'rb') as f:
        data = f.read()
    if data[:5] != b'\x7fELF\x02':
        raise Failure('%s is no ELF file of 64 bits' % path)
    entry, sections = struct.unpack_from('<Q', data, 24)[0], struct.unpack_from('<Q', data, 40)[0]
    size, count = struct.unpack_from('<HH', data, 58)
    headers = [struct.unpack_from('<IIQQQQIIQQ', data, sections + size * n) for n in range(count)]
    for kind, offset, length, link in [(h[1], h[4], h[5], h[6]) for h in headers]:
        for at in range(offset, offset + length, 24) if kind == 2 else ():
            text = headers[link][4] + struct.unpack_from('<I', data, at)[0]
            symbols[data[text:data.index(b'\0', text)].decode()] = struct.unpack_from('<Q', data, at + 8)[0]
    if not name:
        return entry
    if name in symbols:
        return symbols[name]
    try:
        return int(name, 16)
    except ValueError:
        raise Failure('%s has no symbol %s' % (path, name)) from None


def with_memory(options):
    return options if '-m' in options else [*options, '-m', MEMORY]


def bytes_of(options):
    size = options[options.index('-m') + 1]
    return int(size.rstrip('MG')) << {'M': 20, 'G': 30}.get(size[-1], 20)


class Run:
    """One run of both emulators over the program."""

    def __init__(self, args, qemu, folder, fine):
        self.options = with_memory([str(o) for o in args.options])
        self.folder = pathlib.Path(folder)
        self.pipe = self.folder / 'log'
        for name in ('log', 'qemu.gdb', 'qemu.console', 'rhea.console'):
            (self.folder / name).unlink(missing_ok=True)
        os.mkfifo(self.pipe)
        # x86's page tables are where the program's start put them for QEMU; Rhea's board makes its own
        self.memory = self.folder / 'memory' if args.guest == 'x86_64' else None
        self.start = start_of(program_of(self.options), args.from_)
        self.follower = subprocess.Popen(
            [args.build / 'tests/lockstep/rhea-lockstep-bare', args.guest, self.pipe, '%x' % self.start,
             self.memory or '-', str(args.count), str(args.chunk), str(fine), '--', '-M', 'bare', '-accel',
             args.accel, '-icount', 'shift=0', '-display', 'none', '-monitor', 'none', '-serial',
             'file:%s' % (self.folder / 'rhea.console'), *self.options], stdout=subprocess.PIPE, text=True)
        words = [o % (self.folder / 'qemu.console') if '%s' in o else o for o in QEMU[args.guest]]
        self.leader = subprocess.Popen(
            [qemu, *words, '-cpu', args.qemu_cpu, '-display', 'none', '-monitor', 'none', '-no-reboot',
             '-accel', 'tcg,thread=single', '-S', '-gdb',
             'unix:%s,server=on,wait=off' % (self.folder / 'qemu.gdb'), '-D', self.pipe, *self.options],
            stdin=subprocess.DEVNULL)

    def lead(self):
        stub = Stub(self.folder / 'qemu.gdb', self.leader)
        stub.run_to(self.start)
        if self.memory:
            stub.monitor('pmemsave 0 %d "%s"' % (bytes_of(self.options), self.memory))
        stub.monitor('one-insn-per-tb on')
        stub.monitor('log cpu,fpu,nochain')
        stub.ask('D')

    def finish(self):
        """The follower's last lines, and QEMU's exit status, None if it was stopped."""
        said = self.follower.communicate()[0].splitlines()
        status = self.leader.poll()
        if self.follower.returncode == 0 and said[-1].startswith('status'):
            status = self.leader.wait(60)
        if self.leader.poll() is None:
            self.leader.kill()
        self.leader.wait()
        return said, status

    def stop(self):
        for process in (self.leader, self.follower):
            if process.poll() is None:
                process.kill()
            process.wait()

    def console(self, name):
        path = self.folder / (name + '.console')
        return path.read_bytes() if path.exists() else b''


def follow(args, qemu, folder, fine):
    run = Run(args, qemu, folder, fine)
    try:
        run.lead()
        return (run, *run.finish())
    finally:
        run.stop()


def compare(args, qemu):
    """Both over the program, and again more closely where they differ; the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        run, said, status = follow(args, qemu, folder, 1 << 62 if args.chunk > 1 else 0)
        if run.follower.returncode == 1 and args.chunk > 1:
            first = said
            words = said[-1].split()
            print('a difference between %s and %s instructions; again, one by one from there' %
                  (words[1], words[2]))
            run, said, status = follow(args, qemu, folder, int(words[1]))
            if run.follower.returncode == 0:
                print('in single steps they agree: what goes wrong takes a block', *first, sep='\n')
                return 1
        print(*said, sep='\n')
        if run.follower.returncode:
            return run.follower.returncode
        ours, theirs = run.console('rhea'), run.console('qemu')
        if ours.replace(b'\r', b'') != theirs.replace(b'\r', b'') and said[-1].startswith('status'):
            print('DIFFERENT consoles', ours, theirs, sep='\n')
            return 1
        if said[-1].startswith('status') and int(said[-1].split()[1]) != status:
            print("DIFFERENT: QEMU's exit status is %s" % status)
            return 1
    return 0
