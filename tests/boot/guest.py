# SPDX-License-Identifier: MIT
"""Drives an emulator that boots the Debian guest: starts it, talks to its
console, measures it, and brings a console into a form that can be compared.

Serves the boot tests, scripts/boots and scripts/picture. It drives QEMU as
well as Rhea, since both take the same command line; so a test can be shown to
be right before it is held against Rhea. Standard library only.

The guest is what scripts/fetch-guest makes; $RHEA_KERNEL, $RHEA_INITRD,
$RHEA_FIRMWARE and $RHEA_CACHE say where else it is.
"""

import os
import pty
import re
import select
import signal
import subprocess
import time

SKIP = 77                               # what meson takes for "skipped"
PROMPT = r"rhea:\S*# "
READY = "rhea: shell is ready"


class Failure(Exception):
    """A test did not see what it must; the text says what."""


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.environ.get("RHEA_CACHE") or os.path.join(base, "rhea")


def kernel_path():
    return os.environ.get("RHEA_KERNEL") or os.path.join(cache_folder(), "guest", "Image")


def initrd_path():
    return os.environ.get("RHEA_INITRD") or os.path.join(cache_folder(), "guest", "initramfs.cpio.gz")


def firmware_path():
    """
    The guest's own OpenSBI, so that all emulators run the same one; Debian 12's has a race (docs/TESTING.md).
    """
    return os.environ.get("RHEA_FIRMWARE") or os.path.join(cache_folder(), "guest", "fw_dynamic.bin")


def rival_path():
    return os.environ.get("RHEA_QEMU") or os.path.join(cache_folder(), "qemu", "bin", "qemu-system-riscv64")


def missing_artefact():
    """The first file that a boot needs and that is not there, or None."""
    return next((p for p in (kernel_path(), initrd_path()) if not os.path.exists(p)), None)


def is_qemu(emulator):
    out = subprocess.run([emulator, "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                         check=False)
    return "QEMU emulator" in out.stdout


def boot_command(emulator, smp=1, memory="512M", accel=None, append="", extra=(), reboot=False):
    """The command line of a boot: virt, serial console on stdin and stdout, a panic ends the run,
    and so does a reboot unless it is wanted."""
    command = [emulator, "-M", "virt", "-nographic", "-m", memory, "-smp", str(smp)]
    if not reboot:
        command += ["-no-reboot"]
    if accel:
        command += ["-accel", accel]
    if os.path.exists(firmware_path()):
        command += ["-bios", firmware_path()]
    command += ["-kernel", kernel_path(), "-initrd", initrd_path()]
    command += ["-append", f"console=ttyS0 panic=-1 {append}".strip()]
    return command + list(extra)


def disk_arguments(path, number=0, options=""):
    return ["-drive", f"file={path},format=raw,if=none,id=d{number}{options}",
            "-device", f"virtio-blk-device,drive=d{number}"]


class Guest:
    """One run of an emulator. Use as a context manager: leaving it ends the process.

    input "console" keeps stdin open for send(), "none" is an end of file from
    the start, "terminal" is a pseudo-terminal, as when a person runs it.
    """

    def __init__(self, command, timeout=120, stdin="console"):
        self.command = command
        self.deadline = time.monotonic() + timeout
        self.timeout = timeout
        self.output = b""
        self.seen = 0                   # how much of output an expect() has consumed
        self.usage = None
        self.status = None
        self.started = time.monotonic()
        self.ended = None
        self.marks = []                 # (seconds since the start, bytes of output by then)
        if stdin == "terminal":
            self.fd, other = pty.openpty()
            self.process = subprocess.Popen(command, stdin=other, stdout=other, stderr=other,
                                            start_new_session=True)
            os.close(other)
            self.input = self.fd
        else:
            none = stdin == "none"
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL if none else subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.fd = self.process.stdout.fileno()
            self.input = None if none else self.process.stdin.fileno()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    @property
    def console(self):
        return self.output.decode(errors="replace")

    def _read(self, until):
        """Takes more output; False at its end. Raises when `until` passes."""
        left = until - time.monotonic()
        if left <= 0 or not select.select([self.fd], [], [], left)[0]:
            raise Failure(f"nothing more came within the {self.timeout} s that this run may take")
        try:
            data = os.read(self.fd, 65536)
        except OSError:                 # a pseudo-terminal whose other side is closed
            data = b""
        self.output += data
        if data:
            self.marks.append((time.monotonic() - self.started, len(self.output)))
        return bool(data)

    def expect(self, pattern, seconds=None):
        """Waits until the console shows pattern (a regular expression) beyond what was matched before."""
        until = min(self.deadline, time.monotonic() + seconds) if seconds else self.deadline
        compiled = re.compile(pattern.encode(), re.MULTILINE)
        while True:
            match = compiled.search(self.output, self.seen)
            if match:
                self.seen = match.end()
                return [g.decode(errors="replace") if g is not None else None
                        for g in (match.group(), *match.groups())]
            try:
                if not self._read(until):
                    raise Failure(f"the emulator ended (status {self.wait()}) before its console showed: "
                                  f"{pattern}")
            except Failure as f:
                raise Failure(f"waiting for {pattern!r}: {f}") from None

    def send(self, text):
        os.write(self.input, text.encode())

    def run(self, command, seconds=None):
        """Runs a command at the guest's shell; returns what it printed. Its failure is ours."""
        n = len(self.output)
        # The marks are typed in two parts, so the echo of the line is not taken for the answer.
        self.send(f"echo =''begin-{n}=; {command}; echo =''end-{n}= $?\n")
        _, out, status = self.expect(rf"(?s)=begin-{n}=\r*\n(.*?)=end-{n}= (\d+)\r*\n", seconds)
        out = plain(out)
        if status != "0":
            raise Failure(f"in the guest, {command!r} ended with status {status}: {out}")
        self.expect(PROMPT, seconds)
        return out.rstrip("\n")

    def wait_shell(self):
        self.expect(re.escape(READY))
        self.expect(PROMPT)

    def power_off(self):
        self.send("poweroff\n")
        self.wait_end()

    def drain(self):
        """Reads what comes until the output ends."""
        while self._read(self.deadline):
            pass

    def wait_end(self, expected=0):
        self.drain()
        if self.wait() != expected:
            raise Failure(f"the emulator ended with status {self.status}, expected {expected}")

    def wait(self):
        """Collects the process once it has ended; the status is negative for a signal."""
        while self.status is None:
            pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
            if pid:
                self._ended(status, usage)
            elif time.monotonic() > self.deadline:
                raise Failure("the emulator closed its output but does not end")
            else:
                time.sleep(0.002)
        return self.status

    def _ended(self, status, usage):
        self.ended = time.monotonic()
        self.usage = usage
        self.status = os.waitstatus_to_exitcode(status)
        self.process.returncode = self.status

    def kill(self):
        if self.status is None:
            self.process.send_signal(signal.SIGKILL)
            self._ended(*os.wait4(self.process.pid, 0)[1:])
        for f in (self.process.stdin, self.process.stdout):
            if f:
                f.close()
        if not self.process.stdout:
            os.close(self.fd)

    @property
    def wall(self):
        return self.ended - self.started

    @property
    def cpu(self):
        return self.usage.ru_utime + self.usage.ru_stime

    def when(self, text):
        """Seconds from the start to the moment when text was on the console."""
        at = self.output.find(text.encode())
        return next((seconds for seconds, size in self.marks if at >= 0 and size > at), None)


ESCAPE = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|[@-Z\\-_])")


def plain(console):
    """A console's text without terminal escapes and carriage returns."""
    return ESCAPE.sub("", console).replace("\r", "")


# What differs between two boots of the same guest on the same machine, for reasons that are the guest's
# own: which hart wins, how fast the host was, what the time is. Each keeps the line and hides the value.
VARIES = [(re.compile(p), r) for p, r in [
    (r"^(Boot HART ID +: )\d+", r"\1*"),
    (r"^(Domain0 Boot HART +: )\d+", r"\1*"),
    (r"^(Domain0 HARTs +: ).*", r"\1*"),
    (r"(setting system clock to ).*", r"\1*"),
    (r"(cpu\d+: Ratio of byte access time to unaligned word access is ).*", r"\1*"),
    (r"(deferred pages initialised in )\d+ms", r"\1*"),
    (r"(Memory: )\d+K(/\d+K available .*?)\d+K( rwdata.*), \d+K reserved", r"\1*\2*\3"),
    (r"(audit: type=\d+ audit\()[^)]*", r"\1*"),
    (r"(Built \d+ zonelists.*Total pages: )\d+", r"\1*"),
    (r"(raid6:.*|xor:.*) \d+ MB/s.*", r"\1"),
    (r"(\d+ MiB)$", r"* MiB"),
]]
# The kernel says these only when the host was busy.
ONLY_SOMETIMES = re.compile(r"^(hrtimer: interrupt took|clocksource: .*(watchdog|Long readout)|sched: DL "
                            r"replenish)")
KERNEL_LINE = re.compile(r"^\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ")


def normalise(console):
    """The comparable form of a console: a list of lines.

    Times and the values above are hidden. The kernel starts CPUs and unpacks
    the initramfs in parallel, so its own lines come in any order: they are
    sorted, and stand before what firmware and programs said, which keeps its
    order.
    """
    kernel, others = [], []
    for line in plain(console).split("\n"):
        text = KERNEL_LINE.sub("", line)
        target = others if text == line else kernel
        for pattern, replacement in VARIES:
            text = pattern.sub(replacement, text)
        if not ONLY_SOMETIMES.match(text):
            target.append(text.rstrip())
    return sorted(kernel) + others
