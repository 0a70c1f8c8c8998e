#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The terminal is what it was before, whatever ends the emulator; while it runs it is raw, after a stop, too.

    terminal.py EMULATOR
"""
import fcntl
import os
import pty
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

LOOP = struct.pack("<I", 0x6f)  # j .


class Failure(Exception):
    """What a case found wrong."""


class Terminal:
    """An emulator in the foreground of a terminal of its own."""

    def __init__(self, emulator, folder, *options, ignored=None):
        self.ignored = ignored
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        command = [emulator, "-M", "virt", "-bios", "none", "-kernel", os.path.join(folder, "loop.bin"),
                   *options]
        self.process = subprocess.Popen(command, stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                        preexec_fn=self.own_terminal, start_new_session=True)
        self.until(lambda: not self.echoes(), "the terminal never became raw")
        self.until(self.runs, "no vCPU was started")  # what comes before it is in place

    def own_terminal(self):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        for number in (signal.SIGINT, signal.SIGQUIT,
                       signal.SIGHUP):  # ignored where the test runs in the background
            signal.signal(number, signal.SIG_IGN if number == self.ignored else signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.slave)
        os.close(self.master)

    def echoes(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def until(self, condition, text):
        deadline = time.monotonic() + 20
        while not condition():
            if time.monotonic() > deadline:
                raise Failure(text)
            time.sleep(0.02)

    def state(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as f:
            return f.read().rsplit(")", 1)[1].split()[0]

    def runs(self):
        tasks = f"/proc/{self.process.pid}/task"
        names = []
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/comm", encoding="utf-8") as f:
                names.append(f.read().strip())
        return "vcpu0" in names

    def ended(self, status):
        got = self.process.wait(20)
        if got not in status:
            raise Failure(f"status {got}, not {status}")
        if termios.tcgetattr(self.slave) != self.before:
            raise Failure("the terminal was left changed")


def case_signals(emulator, folder):
    for number, options in [(n, o) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT,
                                             signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE,
                                             signal.SIGTRAP)
                            for o in (["-nographic"], ["-display", "none", "-serial", "stdio"])]:
        with Terminal(emulator, folder, *options) as t:
            t.process.send_signal(number)
            orderly = number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
            try:
                t.ended([0] if orderly else [-number, 1, 66])  # 1, 66: a sanitizer's own handler
            except Failure as f:
                raise Failure(f"{number.name} {options}: {f}") from f


def case_keys(emulator, folder):
    """
    Ctrl-A x ends it; Ctrl-C and Ctrl-backslash are signals where the terminal is not shared with the monitor.
    """
    for keys, options, status in ((b"\x01x", ["-nographic"], [0]),
                                  (b"\x03", ["-display", "none", "-serial", "stdio"], [0]),
                                  (b"\x1c", ["-display", "none", "-serial", "stdio"], [-signal.SIGQUIT])):
        with Terminal(emulator, folder, *options) as t:
            os.write(t.master, keys)
            t.ended(status)


def case_ignored(emulator, folder):
    """What nohup and a shell's & ignore stays so; the rest works beside it."""
    for number in (signal.SIGHUP, signal.SIGQUIT):
        with Terminal(emulator, folder, "-nographic", ignored=number) as t:
            t.process.send_signal(number)
            time.sleep(0.3)
            if t.process.poll() is not None:
                raise Failure(f"{number.name} ends it")
            stop_and_continue(t)
            t.process.send_signal(signal.SIGTERM)
            t.ended([0])


def stop_and_continue(t):
    """In a stop the shell has the terminal; afterwards it is raw again."""
    raw = termios.tcgetattr(t.slave)
    for _ in range(2):
        t.process.send_signal(signal.SIGSTOP)
        t.until(lambda: t.state() == "T", "it does not stop")
        termios.tcsetattr(t.slave, termios.TCSANOW, t.before)
        t.process.send_signal(signal.SIGCONT)
        t.until(lambda: termios.tcgetattr(t.slave) == raw, "the terminal is not raw after SIGCONT")


def case_stop(emulator, folder):
    """Ctrl-Z is the guest's under -nographic; after a stop the terminal is raw again."""
    with Terminal(emulator, folder, "-nographic") as t:
        os.write(t.master, b"\x1a\x03")
        time.sleep(0.3)
        if t.state() == "T" or t.process.poll() is not None:
            raise Failure("Ctrl-Z or Ctrl-C reached the emulator")
        stop_and_continue(t)
        t.process.send_signal(signal.SIGTERM)
        t.ended([0])


def main():
    """Runs the cases."""
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "loop.bin"), "wb") as f:
            f.write(LOOP)
        for name, case in list(globals().items()):
            if not name.startswith("case_"):
                continue
            try:
                case(sys.argv[1], folder)
                print("ok  ", name[5:])
            except (Failure, subprocess.TimeoutExpired) as f:
                failed += 1
                print("FAILED:", name[5:], f)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
