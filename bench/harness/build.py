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

KINDS = ("integer", "float", "system")
BARE_KINDS = ("integer", "float")

# Loops stay as written (no turning them into calls of a library's memset), and
# a square root is an instruction.
FLAGS = ["-O2", "-march=rv64gc", "-mabi=lp64d", "-fno-math-errno", "-fno-tree-loop-distribute-patterns",
         "-Wall", "-Wextra", "-I" + os.path.join(BENCH, "lib")]
BARE_FLAGS = FLAGS + ["-mcmodel=medany", "-ffreestanding", "-nostdlib", "-static", "-Wl,--no-warn-rwx-segments",
                      "-I" + os.path.join(BENCH, "lib/bare"), "-T", os.path.join(BENCH, "lib/bare/virt.ld")]


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
    return glob.glob(os.path.join(BENCH, "lib/**/*.[hS]"), recursive=True) + \
        glob.glob(os.path.join(BENCH, "lib/**/*.ld"), recursive=True)


def make_linux(folder, compiler):
    """The static Linux program; returns its path."""
    result = os.path.join(folder, "bench")
    sources = [os.path.join(BENCH, "lib/linux_main.c")] + [path for _, path in programs(KINDS).values()]
    command = [compiler, *FLAGS, "-static", "-o", result, *sources]
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


def make_bare(folder, compiler, percent, names):
    """One image a benchmark; returns name -> path."""
    sources = glob.glob(os.path.join(BENCH, "lib/bare/*.[cS]"))
    images = {}
    for name, (_, path) in programs(BARE_KINDS).items():
        if names and name not in names:
            continue
        images[name] = os.path.join(folder, name + ".elf")
        command = [compiler, *BARE_FLAGS, f"-DBENCH_PERCENT={percent}", "-o", images[name], *sources, path]
        if not is_current(images[name], sources + [path] + headers(), command):
            call(command)
    return images


def make_micro(folder, compiler, percent):
    """The image that holds all of bench/micro; returns its path."""
    result = os.path.join(folder, "micro.elf")
    sources = glob.glob(os.path.join(BENCH, "lib/bare/*.[cS]")) + glob.glob(os.path.join(BENCH, "micro/*.[cS]"))
    command = [compiler, *BARE_FLAGS, f"-DBENCH_PERCENT={percent}", "-o", result, *sorted(sources)]
    if not is_current(result, sources + headers() + glob.glob(os.path.join(BENCH, "micro/*.h")), command):
        call(command)
    return result
