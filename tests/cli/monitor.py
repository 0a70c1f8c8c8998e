#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The monitor: on the terminal behind Ctrl-A c and on a socket, with the machine running, stopped and
deterministic.

    monitor.py EMULATOR
"""

import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time

import cli


class Failure(Exception):
    pass


# Counts in a0 and stores the count at 0x80001000; sends "ok\n" to the serial port first.
PROGRAM = struct.pack("<13I", 0x100002b7,  # lui t0, 0x10000
                      0x06f00313, 0x00628023,  # li t1, 'o'; sb t1, 0(t0)
                      0x06b00313, 0x00628023,  # 'k'
                      0x00a00313, 0x00628023,  # newline
                      0x800013b7,  # lui t2, 0x80001
                      0x02039393, 0x0203d393,  # slli t2, t2, 32; srli t2, t2, 32
                      0x00150513,  # addi a0, a0, 1
                      0x00a3b023,  # sd a0, 0(t2)
                      0xff9ff06f)  # j -8


# What the program says, perhaps mixed with the prompt and the echo of a command.
MIXED_OK = r"(?s)reset.*o.{0,20}k|cont.*o.{0,20}k"


class Talk:
    """One end of a conversation, a descriptor."""

    def __init__(self, fd):
        self.fd = fd
        self.output = ""
        self.seen = 0

    def send(self, text):
        os.write(self.fd, text.encode())

    def expect(self, pattern, seconds=20):
        until = time.monotonic() + seconds
        while True:
            m = re.compile(pattern, re.MULTILINE).search(self.output, self.seen)
            if m:
                self.seen = m.end()
                return m
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise Failure(f"{pattern!r} did not come: {self.output[-400:]!r}")
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            if not data:
                raise Failure(f"the end came before {pattern!r}: {self.output[-400:]!r}")
            self.output += data.decode(errors="replace").replace("\r", "")

    def ask(self, command, pattern):
        self.send(command + "\r")
        m = self.expect(pattern)
        self.expect(r"^\(rhea\) ")
        return m


def check(condition, text):
    if not condition:
        raise Failure(text)


def count(t):
    return int(t.ask("xp/1xg 0x80001000", r"^0*80001000: (0x\w+)").group(1), 16)


def commands(t):
    """Every command once; the machine runs at the start and at the end."""
    t.ask("help", r"system_reset")
    t.ask("help x", r"^x /FMT")
    t.ask("info", r"info registers")
    t.ask("info status", "running")
    before = count(t)
    time.sleep(0.1)
    check(count(t) > before, "the program does not run")
    t.ask("stop", "stop")
    t.ask("info status", "paused")
    before = count(t)
    time.sleep(0.1)
    check(count(t) == before, "the program runs although stopped")
    t.ask("info cpus", r"\* vCPU 0: pc 0x0*800000\w\w")
    t.ask("info registers", r"^zero +0+ ")
    t.ask("info mtree", r"80000000-0*\w+ ram")
    t.ask("info qtree", r"^dev: ns16550a")
    t.ask("info irq", r"^vCPU 0: ")
    t.ask("info jit", r"regions translated|jit|interp")
    t.ask("info chardev", "serial0")
    t.ask("info version", r"^\d+\.\d+")
    t.ask("x/2i 0x80000028", r"addi +a0, a0, 1\n.*sd +a0, ")
    t.ask("x/4xb 0x80000000", r"^0*80000000: 0xb7 0x02 0x00 0x10")
    t.ask("x/2uw 0x80000000", r": 268436151 116392723")
    t.ask("x/1dg 0", r"cannot read|: ")
    t.ask("print $t0+1", r"^0x0*10000001")
    t.ask("print /d 7-9", r"^-2")
    t.ask("gva2gpa 0x80001000", r"^0x0*80001000")
    for _ in range(3):
        t.ask("step", r"^pc 0x0*800000(28|2c|30)")
    t.ask("log int", "")
    t.ask("log none", "")
    t.ask("log foo", "did you mean|-d help")
    t.ask("cpu 7", "there are vCPUs 0 to 0")
    t.ask("cpu 0", "")
    t.ask("ifno status", "did you mean 'info'")
    t.ask("info regsiters", "did you mean 'info registers'")
    t.ask("x/3q 0", "no format")
    t.ask("x", "address is missing")
    t.ask("print $nosuch", "no register")
    t.ask("x/99999999999xb 0x80000000", "80000000")
    t.ask("", "")
    t.send("info stax\x08tus\r")        # editing
    t.expect("paused")
    t.send("\x1b[A\r")                  # and history
    t.expect("paused")
    t.ask("cont", "cont")
    t.ask("info status", "running")
    check(count(t) > before, "the program does not go on after cont")


class Emulator:
    def __init__(self, emulator, program, extra, terminal):
        command = [emulator, "-M", "virt", "-bios", "none", "-m", "64M", "-kernel", program, *extra]
        self.master, slave = pty.openpty()
        self.slave = slave if terminal else None
        self.before = termios.tcgetattr(slave)
        io = slave if terminal else subprocess.DEVNULL
        self.process = subprocess.Popen(command, stdin=io, stdout=io, stderr=subprocess.STDOUT)
        self.talk = Talk(self.master)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def end(self, status=0):
        try:
            got = self.process.wait(20)
        except subprocess.TimeoutExpired:
            raise Failure("the emulator did not end") from None
        check(got == status, f"status {got}, not {status}")
        while select.select([self.master], [], [], 0)[0]:
            try:
                more = os.read(self.master, 65536).decode(errors="replace")
            except OSError:
                break
            self.talk.output += more
            if not more:
                break
        check("Sanitizer" not in self.talk.output, self.talk.output)
        if self.slave is not None:
            check(termios.tcgetattr(self.slave) == self.before, "the terminal was left changed")


def case_terminal(emulator, program, extra):
    with Emulator(emulator, program, ["-nographic", *extra], True) as e:
        t = e.talk
        t.expect("ok")
        t.send("\x01h")
        t.expect("Ctrl-A x")
        t.send("\x01c")
        t.expect(r"\(rhea\) ")
        commands(t)
        t.send("system_reset\r\x01c")
        t.expect(MIXED_OK)
        t.send("\x01c")
        t.expect(r"\(rhea\) ")
        t.send("quit\r")
        e.end()


def case_quit_key(emulator, program, extra):
    with Emulator(emulator, program, ["-nographic", *extra], True) as e:
        e.talk.expect("ok")
        e.talk.send("\x01x")
        e.end()


def case_start_stopped(emulator, program, extra):
    with Emulator(emulator, program, ["-nographic", "-S", *extra], True) as e:
        t = e.talk
        time.sleep(0.2)
        t.send("\x01c")
        t.expect(r"\(rhea\) ")
        t.ask("info status", "paused")
        t.ask("info cpus", r"pc 0x0*1000\b")
        t.send("cont\r\x01c")
        t.expect(MIXED_OK)
        t.send("\x01x")
        e.end()


def case_no_shutdown(emulator, program, extra):
    """A machine that powered off, or wanted to reboot, stays and can be looked at."""
    for value, more in ((0x5555, ["-no-shutdown"]), (0x7777, ["-no-shutdown", "-no-reboot"])):
        with open(program + ".off", "wb") as f:
            f.write(cli.finisher(value))
        with Emulator(emulator, program + ".off", ["-nographic", *more, *extra], True) as e:
            t = e.talk
            t.send("\x01c")
            t.expect(r"\(rhea\) ")
            while "paused" not in t.ask("info status", r"VM status: \w+").group():
                time.sleep(0.05)
            t.ask("info registers", r"^zero +0+ ")
            t.send("\x01x")
            e.end()


def case_signal(emulator, program, extra):
    with Emulator(emulator, program, ["-nographic", *extra], True) as e:
        e.talk.expect("ok")
        e.process.terminate()
        e.talk.expect("SIGTERM")
        e.end()


def case_socket(emulator, program, extra):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "sock")
        with Emulator(emulator, program, ["-display", "none", "-monitor", f"unix:{path},server=on,wait=off",
                                          *extra], False) as e:
            for _ in range(2):
                s = socket.socket(socket.AF_UNIX)
                for _ in range(200):
                    try:
                        s.connect(path)
                        break
                    except OSError:
                        time.sleep(0.05)
                t = Talk(s.fileno())
                t.expect(r"\(rhea\) ")
                commands(t)
                t.send("x" * 100000 + "\r")     # an overlong line is cut
                t.expect("no command|no such|see 'help'")
                s.close()
                time.sleep(0.3)                 # one client at a time: this one must be seen to go
            e.process.terminate()
            e.end()


def main():
    emulator = os.path.abspath(sys.argv[1])
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "program.bin")
        with open(program, "wb") as f:
            f.write(PROGRAM)
        for name, case in list(globals().items()):
            if not name.startswith("case_"):
                continue
            for extra in ([], ["-icount", "shift=3"]):
                try:
                    case(emulator, program, extra)
                except (Failure, OSError) as f:
                    print(f"FAILED: {name[5:]} {extra}: {f}")
                    failed += 1
    print(f"{failed} failed" if failed else "all passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
