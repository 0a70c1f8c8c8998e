# SPDX-License-Identifier: MIT
"""Runs an emulator once and notes what its guest says.

The guest prints a line when a program begins and one when it ends; at each the
host's clock and the CPU time of the emulator's process (all its threads) are
read. The guest's own time is the measure; the host's serves to find a guest
whose clock runs wrong, and to tell work from waiting.
"""

import os
import re
import shlex
import subprocess
import threading
import time

from .build import Failure

BEGIN = re.compile(r"bench: begin (\S+) (\S+) (\d+)")
END = re.compile(r"bench: end (\S+) ([0-9a-f]{16}) (\d+)")
READY = "rhea: running"


class Engine:
    """An emulator, or the host itself: then a guest's arguments begin with the program."""

    def __init__(self, name, command, extra, cpus, native=False):
        self.name = name
        self.command = [] if native else [command, *shlex.split(extra)]
        self.native = native
        self.cpus = cpus

    def version(self):
        if self.native:
            return "the host itself"
        try:
            done = subprocess.run([self.command[0], "-version"], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=30)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failure(f"cannot run {self.command[0]}: {error}") from None
        return done.stdout.splitlines()[0].strip() if done.stdout else "unknown"

    def run(self, arguments, timeout):
        """
        Returns a list of one dict for each program that ended, in order, and the last lines of the console.
        """
        try:
            process = subprocess.Popen([*self.command, *arguments], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                       preexec_fn=self.confine)
        except OSError as error:
            raise Failure(f"cannot run {[*self.command, *arguments][0]}: {error.strerror}") from None
        late = threading.Timer(timeout, process.kill)
        late.start()
        with process:
            try:
                return read_console(process)
            finally:
                late.cancel()
                process.kill()

    def confine(self):
        if self.cpus:
            os.sched_setaffinity(0, self.cpus)


def cpu_ns(pid):
    """CPU time of a process so far; its clock's id is made as in the kernel's posix-timers.h."""
    try:
        return time.clock_gettime_ns(~pid << 3 | 2)
    except OSError:
        return None


def read_console(process):
    results, tail = [], []
    started = time.monotonic_ns()
    begun = None
    for raw in process.stdout:
        wall, cpu = time.monotonic_ns(), cpu_ns(process.pid)
        line = raw.decode(errors="replace").rstrip()
        tail = (tail + [line])[-8:]
        if READY in line:
            results.append({"name": "boot", "class": "boot", "size": 1, "checksum": "-", "ns": wall - started,
                            "wall_ns": wall - started, "cpu_ns": cpu})
        match = BEGIN.search(line)
        if match:
            begun = (match[1], match[2], int(match[3]), wall, cpu)
        match = END.search(line)
        if match and begun and begun[0] == match[1]:
            name, work, size, wall0, cpu0 = begun
            # A guest without a clock of its own says 0.
            results.append({"name": name, "class": work, "size": size, "checksum": match[2],
                            "ns": int(match[3]) or wall - wall0,
                            "wall_ns": wall - wall0, "cpu_ns": cpu - cpu0 if cpu and cpu0 else None})
            begun = None
    if begun:
        tail.append(f"({begun[0]} did not end)")
    return results, tail
