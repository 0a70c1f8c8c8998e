# SPDX-License-Identifier: MIT
"""Builds what the guests run: the Linux program that holds every benchmark,
the initramfs around it, and one freestanding image a benchmark.

Results go to a folder of the caller's choice and are remade when the sources,
the flags or the amount of work differ from what they were made of.
"""

import glob
import hashlib
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BENCH = os.path.join(TOP, "bench")

KINDS = ("integer", "float", "simd", "system")
BARE_KINDS = ("integer", "float", "simd")

# Loops stay as written (no turning them into calls of a library's memset), and
# a square root is an instruction.
FLAGS = ["-O2", "-fno-math-errno", "-fno-tree-loop-distribute-patterns", "-Wall", "-Wextra",
         "-I" + os.path.join(BENCH, "lib")]
BARE_FLAGS = FLAGS + ["-ffreestanding", "-nostdlib", "-static", "-no-pie", "-fno-stack-protector",
                      "-Wl,--no-warn-rwx-segments", "-Wl,--build-id=none", "-Wl,-z,noexecstack",
                      "-I" + os.path.join(BENCH, "lib/bare")]


class Guest:
    """How programs are made for a guest, and how emulators are told to run a freestanding one."""

    def __init__(self, name, bare_cc, linux_cc, flags, bare_flags, rhea, qemu, without=()):
        self.name, self.bare_cc, self.linux_cc = name, bare_cc, linux_cc
        self.flags, self.bare_flags = flags, bare_flags
        self.rhea, self.qemu = rhea, qemu
        self.kinds = [kind for kind in KINDS if kind not in without]
        self.bare_kinds = [kind for kind in BARE_KINDS if kind not in without]


GUESTS = {guest.name: guest for guest in (
    Guest("riscv64", "riscv64-unknown-elf-gcc", "riscv64-linux-gnu-gcc", ["-march=rv64gc", "-mabi=lp64d"],
          ["-mcmodel=medany"],
          ["-M", "virt", "-bios", "none"], ["-M", "virt", "-bios", "none"], without=["simd"]),
    Guest("aarch64", "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-gcc", [], ["-mno-outline-atomics"],
          ["-M", "bare"], ["-M", "virt", "-cpu", "max,pauth=off", "-nic", "none", "-semihosting"]),
    # The identity map and the tables of descriptors lie below 2 GiB.
    Guest("x86_64", "gcc", "gcc", [], ["-mno-red-zone", "-fcf-protection=none"],
          ["-M", "bare"], ["-M", "pc", "-cpu", "max", "-nic", "none",
                           "-device", "isa-debug-exit,iobase=0x501,iosize=2"]),
)}


class Failure(Exception):
    """Something the user has to know about, in one line or a few."""


def programs(kinds):
    """name -> (kind, path), in a fixed order."""
    found = {}
    for kind in kinds:
        for path in sorted(glob.glob(os.path.join(BENCH, kind, "*.c"))):
            found[os.path.basename(path)[:-2]] = (kind, path)
    return found


def call(command):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except OSError as error:
        raise Failure(f"cannot run {command[0]}: {error.strerror}") from None
    if done.returncode:
        raise Failure(f"{' '.join(command)}\nfailed with status {done.returncode}:\n{done.stdout}")
    if done.stdout:
        sys.stderr.write(done.stdout)


def is_current(result, inputs, words):
    """Whether result was made of just this; if not, remembers that it is about to be."""
    digest = hashlib.sha256("\0".join(words).encode())
    for path in sorted(inputs):
        with open(path, "rb") as f:
            digest.update(hashlib.sha256(f.read()).digest())
    stamp = result + ".stamp"
    if os.path.exists(result) and os.path.exists(stamp):
        with open(stamp, encoding="ascii") as f:
            if f.read() == digest.hexdigest():
                return True
    if os.path.exists(result):
        os.remove(result)
    with open(stamp, "w", encoding="ascii") as f:
        f.write(digest.hexdigest())
    return False


def headers():
    return glob.glob(os.path.join(BENCH, "lib/**/*.[chS]"), recursive=True) + \
        glob.glob(os.path.join(BENCH, "lib/**/*.ld"), recursive=True)


def make_linux(folder, guest, kinds, result="bench"):
    """The static Linux program of these kinds of programs; returns its path."""
    result = os.path.join(folder, result)
    sources = [os.path.join(BENCH, "lib/linux_main.c")] + [path for _, path in programs(kinds).values()]
    command = [guest.linux_cc, *FLAGS, *guest.flags, "-static", "-o", result, *sources]
    if not is_current(result, sources + headers(), command):
        call(command)
    return result


def make_initramfs(folder, program, guest):
    """The guest's initramfs with the program added as /bench; returns its path."""
    result = os.path.join(folder, "initramfs.cpio.gz")
    base = os.path.join(guest, "initramfs.cpio.gz")
    if is_current(result, [base, program], []):
        return result
    extra = os.path.join(folder, "extra.cpio.gz")
    call([sys.executable, os.path.join(TOP, "scripts/guest/cpio.py"), extra, f"bench={program}"])
    with open(result, "wb") as out:
        for part in (base, extra):
            with open(part, "rb") as f:
                out.write(f.read())
    return result


def board_command(guest, percent, result, sources):
    board = os.path.join(BENCH, "lib/bare", guest.name)
    return [guest.bare_cc, *BARE_FLAGS, *guest.flags, *guest.bare_flags, f"-DBENCH_PERCENT={percent}",
            "-I" + board, "-T", os.path.join(board, "link.ld"), "-o", result, *sources]


def board_sources(guest):
    return sorted(glob.glob(os.path.join(BENCH, "lib/bare/*.[cS]")) +
                  glob.glob(os.path.join(BENCH, "lib/bare", guest.name, "*.[cS]")))


def make_bare(folder, guest, percent, names):
    """One image a benchmark; returns name -> path."""
    images = {}
    for name, (_, path) in programs(guest.bare_kinds).items():
        if names and name not in names:
            continue
        images[name] = os.path.join(folder, f"{name}.{guest.name}.elf")
        sources = board_sources(guest) + [path]
        command = board_command(guest, percent, images[name], sources)
        if not is_current(images[name], sources + headers(), command):
            call(command)
    return images


def make_micro(folder, guest, percent):
    """The image that holds all of bench/micro; returns its path."""
    result = os.path.join(folder, "micro.elf")
    sources = board_sources(guest) + sorted(glob.glob(os.path.join(BENCH, "micro/*.[cS]")))
    command = board_command(guest, percent, result, sources)
    if not is_current(result, sources + headers() + glob.glob(os.path.join(BENCH, "micro/*.h")), command):
        call(command)
    return result
