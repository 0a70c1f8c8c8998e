# SPDX-License-Identifier: MIT
"""
What the tests of the gdb stub share: an emulator with its stub, gdb-multiarch over commands, the protocol by
hand.
"""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

GDB = "gdb-multiarch"
SKIP = 77


class Failure(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


def run_gdb(commands, seconds):
    """gdb's output over the commands; it is printed, too."""
    args = [GDB, "-batch", "-nx", "-ex", "set pagination off"]
    for c in commands:
        args += ["-ex", c]
    r = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, timeout=seconds, check=False)
    print("    | " + r.stdout.replace("\n", "\n    | "))
    return r.stdout


class Emulator:
    def __init__(self, opts, smp=1, extra=()):
        self.socket = os.path.join(opts.folder, "gdb.sock")
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        command = [opts.emulator, *opts.machine, "-display", "none", "-serial", "none", "-monitor", "none",
                   "-smp", str(smp), "-m", "64M", "-kernel", opts.program, "-S",
                   "-gdb", f"unix:{self.socket},server=on,wait=off", *extra]
        if opts.accel:
            command += ["-accel", opts.accel]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 20
        while not os.path.exists(self.socket):
            if self.process.poll() is not None:
                raise Failure(f"{' '.join(command)} ended: {self.process.stdout.read().decode()}")
            check(time.monotonic() < deadline, "the emulator does not listen")
            time.sleep(0.02)
        self.program, self.folder = opts.program, opts.folder

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            said = self.process.communicate(timeout=30)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            said = "it does not end at SIGTERM"
        if kind is None and re.search("Sanitizer|runtime error|does not end", said):
            raise Failure(said)

    def alive(self):
        return self.process.poll() is None

    def wait(self, seconds=20):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure("the emulator did not end") from None

    def gdb(self, *commands, seconds=60):
        """Runs gdb over the commands; its output."""
        return run_gdb(("set confirm off", f"cd {self.folder}", f"file {self.program}",
                        f"target remote {self.socket}", *commands),
                       seconds)

    def raw(self):
        return Raw(self.socket)


class Raw:
    """The protocol by hand."""

    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        for _ in range(100):
            try:
                self.s.connect(path)
                break
            except (ConnectionRefusedError, FileNotFoundError):
                time.sleep(0.05)
        self.s.settimeout(20)
        self.pending = b""

    def send(self, data):
        self.s.sendall(data)

    def packet(self, body):
        if isinstance(body, str):
            body = body.encode()
        self.send(b"$" + body + b"#%02x" % (sum(body) & 0xff))

    def receive(self, acknowledge=b"+"):
        """The next packet's body."""
        while True:
            m = re.search(rb"\$([^#]*)#..", self.pending, re.DOTALL)
            if m:
                self.pending = self.pending[m.end():]
                self.send(acknowledge)
                return m.group(1).decode("latin-1")
            data = self.s.recv(65536)
            check(data, "the stub closed the connection")
            self.pending += data

    def ask(self, body):
        self.packet(body)
        return self.receive()

    def interrupt(self):
        """Ctrl-C; what the stub says of the stop."""
        self.send(b"\x03")
        return self.receive()

    def run_briefly(self, how="vCont;c", seconds=0.2):
        """Lets the machine run until a Ctrl-C, which must be what stops it."""
        self.packet(how)
        time.sleep(seconds)
        check(self.interrupt().startswith("T02"), "Ctrl-C gives no SIGINT stop")

    def close(self):
        self.s.close()


def expect(output, *patterns):
    at = 0
    for p in patterns:
        m = re.compile(p, re.MULTILINE).search(output, at)
        check(m, f"gdb did not print {p!r}")
        at = m.end()


def symbols(nm, program):
    out = subprocess.run([nm, program], check=True, capture_output=True, text=True).stdout
    return {line.split()[2]: int(line.split()[0], 16) for line in out.splitlines() if len(line.split()) == 3}


def little_endian(value, size=8):
    return value.to_bytes(size, "little").hex()


def number(text):
    """Of the bytes in hexadecimal digits that packets have, the first the lowest."""
    return int.from_bytes(bytes.fromhex(text), "little")


HOSTILE = [b"", b"+", b"-" * 100, b"\x00" * 4096, b"$", b"$$$$", b"$g#zz", b"$" + b"a" * 200000 + b"#00",
           b"}" * 1000, b"$}#7d", bytes(range(256)) * 64]


def survives(e, packets, pc):
    """
    Garbage, and packets that are wrong: an error or nothing, and the stub goes on. @pc is its register's
    number.
    """
    for data in HOSTILE:
        r = e.raw()
        r.send(data)
        time.sleep(0.1)
        r.close()
        time.sleep(0.1)                 # one client at a time: the stub must see this one gone
    r = e.raw()
    r.send(b"#00$qC#b4")                # whatever came before, a good packet is answered
    check(r.receive().startswith("QC"), "no answer after garbage")
    for body in packets:
        r.packet(body)
    r.packet("qC")
    for _ in range(len(packets) + 20):
        if r.receive().startswith("QC"):
            break
    else:
        raise Failure("no answer after wrong packets")
    check(re.fullmatch("[0-9a-f]+", r.ask(f"p{pc:x}")), "registers cannot be read after wrong packets")
    r.close()
    check(e.alive(), "the emulator ended")
    expect(e.gdb("break add", "continue"), "Breakpoint 1, add")


def case_exit(opts):
    """The guest ends the machine: gdb is told, and the emulator has the guest's status."""
    with Emulator(opts) as e:
        out = e.gdb("break add", "continue", "set var finish = 7", "delete", "continue")
        expect(out,
               rf"exited with code 0{opts.status:o}\b|exited normally|Target disconnected|process \d+ is no "
               rf"longer")
        check(e.wait() == opts.status, f"the emulator's exit status is not {opts.status}")


def case_detach(opts):
    """After detach the program goes on without breakpoints, and gdb may come again."""
    with Emulator(opts) as e:
        e.gdb("break add", "continue", "detach")
        time.sleep(0.3)
        out = e.gdb("print total > 1000", "break add", "continue", "kill")
        expect(out, r"= 1", r"Breakpoint 1, add")
        e.wait()


def run_cases(opts, compiler, compile_program, cases, not_qemu=()):
    """Builds the program and runs the cases that the command line names, or all; the exit status."""
    if not shutil.which(GDB) or not shutil.which(compiler):
        print(f"{GDB} or {compiler} is not installed")
        return SKIP
    failed = 0
    is_qemu = "QEMU" in subprocess.run([opts.emulator, "--version"], capture_output=True, text=True,
                                       check=False).stdout
    with tempfile.TemporaryDirectory() as folder:
        opts.folder = folder
        opts.program = compile_program(folder)
        for name in opts.cases or cases:
            if is_qemu and name in not_qemu:
                continue
            print(f"{name}: {' '.join(cases[name].__doc__.split())}", flush=True)
            try:
                cases[name](opts)
            except (Failure, OSError, subprocess.TimeoutExpired) as f:
                print(f"FAILED: {name}: {f}")
                failed += 1
    print(f"{failed} failed" if failed else "all passed")
    return 1 if failed else 0
