#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots Debian's riscv64 kernel and looks whether all is well.

    boot.py CASE --emulator PATH [--smp N] [--accel NAME] [--timeout SECONDS] [-- MORE EMULATOR ARGUMENTS]

Each case below is one function; meson.build says which run. The emulator may
be QEMU: all but `deterministic` hold there too. Exit status 0, 1, or 77 when
the guest is not in the cache (scripts/fetch-guest puts it there).
"""

import argparse
import difflib
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time

import guest
from guest import Failure, Guest, PROMPT, SKIP, boot_command, disk_arguments


def check(condition, text):
    if not condition:
        raise Failure(text)


def compare(first, second):
    """Two boots' lines must be the same; told is where they part, not all that follows from it."""
    diff = list(difflib.unified_diff(first, second, "first boot", "second boot", lineterm="", n=0))
    check(not diff, f"two boots differ in {len(diff)} lines, of which the first:\n" + "\n".join(diff[:30]))


def start(opts, append="", extra=(), stdin="console", reboot=False):
    command = boot_command(opts.emulator, opts.smp, accel=opts.accel, append=append,
                           extra=[*extra, *opts.more], reboot=reboot)
    print("$", " ".join(command), flush=True)
    g = Guest(command, opts.timeout, stdin)
    opts.runs.append(g)
    return g


def case_shell(opts):
    """A shell comes up; commands that use memory, pipes, floating point, processes and job control work."""
    with start(opts) as g:
        g.wait_shell()
        check(g.run("nproc") == str(opts.smp), f"nproc is not {opts.smp}")
        check(g.run("uname -m") == "riscv64", "uname -m is not riscv64")
        check(g.run("echo $((6 * 7)) $((1 << 40)) $((-7 / 2)) $((-7 % 3))") == "42 1099511627776 -3 -1",
              "shell arithmetic")
        check(g.run("seq 1 2000 | awk '{ s += $1 } END { print s }'") == "2001000", "a pipe to awk")
        check(g.run("awk 'BEGIN { printf \"%.15f %.17g %d\\n\", 22 / 7, 1e20 / 3, 2.99e9 / 1000 }'") ==
              "%.15f %.17g %d" % (22 / 7, 1e20 / 3, 2.99e9 / 1000), "floating point in awk")
        check(g.run("seq 1 50000 | sha256sum | cut -d' ' -f1") ==
              hashlib.sha256("".join(f"{i}\n" for i in range(1, 50001)).encode()).hexdigest(), "sha256sum")
        check(g.run("dd if=/dev/urandom of=/tmp/a bs=64k count=16 2>/dev/null && gzip -c /tmp/a | gunzip -c "
                    "| cmp - /tmp/a && echo same")
              == "same", "gzip and gunzip")
        check(g.run("i=0; while [ $i -lt 50 ]; do (true); i=$((i + 1)); done; echo $i") == "50",
              "fifty forks")
        done = g.run("for i in 1 2 3 4; do (sleep 0.2; echo x) & done | cat; wait; echo done")
        check(done.endswith("done"), "background jobs")
        g.send("sh -c 'echo sleep\"\"ing; sleep 1000'\n")
        g.expect("sleeping")
        g.send("\x03")                  # Ctrl-C ends the foreground job, and only that
        g.expect(PROMPT)
        check(g.run("echo alive") == "alive", "the shell after Ctrl-C")
        g.power_off()
        check("Kernel panic" not in g.console, "the kernel panicked")


def case_run(opts):
    """Commands given on the kernel's command line run with no input at all, and the machine powers off."""
    with start(opts, 'rhea.run="nproc; cat /proc/interrupts; date +%Y; false"', stdin="none") as g:
        g.wait_end()
        check("rhea: exit status 1" in g.console, "the commands' exit status was not printed")
        check("Power down" in g.console, "the kernel did not power off")


def case_reboot(opts):
    """A reboot without -no-reboot starts the machine over, firmware included."""
    with start(opts, reboot=True) as g:
        g.wait_shell()
        g.send("reboot\n")
        g.expect("OpenSBI")
        g.wait_shell()
        g.power_off()


def case_console(opts):
    """Two boots give the same normalised console."""
    consoles = []
    for _ in range(2):
        with start(opts, 'rhea.run="true"', stdin="none") as g:
            g.wait_end()
            consoles.append(guest.normalise(g.console))
    compare(*consoles)


def case_deterministic(opts):
    """In deterministic mode two boots are equal to the byte, times included.

    Time is counted in instructions there, so equal times mean equal counts.
    """
    consoles = []
    for _ in range(2):
        words = 'rhea.run="cat /proc/interrupts /proc/stat"'
        with start(opts, words, ["-icount", "shift=0"], stdin="none") as g:
            g.wait_end()
            consoles.append(guest.plain(g.console).split("\n"))
    compare(*consoles)


def fsck(path):
    tool = "/sbin/e2fsck"
    r = subprocess.run([tool, "-fn", path], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                       check=False)
    check(r.returncode == 0, f"e2fsck finds fault with the disk:\n{r.stdout}{r.stderr}")


def case_disk(opts):
    """
    Files on an ext4 disk survive a reboot, the file system is clean, and a read-only disk stays as it was.
    """
    if not os.path.exists("/sbin/mke2fs"):
        print("mke2fs is not installed (package e2fsprogs)")
        sys.exit(SKIP)
    with tempfile.TemporaryDirectory() as folder:
        disk = os.path.join(folder, "disk.img")
        with open(disk, "wb") as f:
            f.truncate(64 << 20)
        subprocess.run(["/sbin/mke2fs", "-q", "-t", "ext4", "-F", disk], check=True, stdin=subprocess.DEVNULL)

        with start(opts, "rhea.mount=/dev/vda", disk_arguments(disk)) as g:
            g.wait_shell()
            g.run("mkdir /mnt/d && for i in 1 2 3 4 5 6 7 8; do dd if=/dev/urandom of=/mnt/d/$i bs=32k "
                  "count=$i 2>/dev/null; done")
            g.run("cp /bin/busybox /mnt/ && mv /mnt/d/1 /mnt/d/renamed && rm /mnt/d/2 && ln -s d/3 /mnt/link "
                  "&& sync")
            sums = g.run("cd /mnt && find . -type f | sort | xargs sha256sum; cd")
            g.power_off()
        fsck(disk)
        check(sums.count("\n") == 7, f"expected eight files on the disk:\n{sums}")

        with start(opts, "rhea.mount=/dev/vda", disk_arguments(disk)) as g:
            g.wait_shell()
            check(g.run("cd /mnt && find . -type f | sort | xargs sha256sum; cd") == sums,
                  "the files changed over a reboot")
            g.run("cmp /mnt/busybox /bin/busybox && umount /mnt && e2fsck -fn /dev/vda")
            g.power_off()
        fsck(disk)

        before = file_digest(disk)
        with start(opts, "", disk_arguments(disk, options=",readonly=on")) as g:
            g.wait_shell()
            check(g.run("cat /sys/block/vda/ro") == "1", "the guest does not see a read-only disk")
            g.run("! dd if=/dev/zero of=/dev/vda bs=4k count=1 conv=fsync 2>/dev/null")
            g.power_off()
        check(file_digest(disk) == before, "a read-only disk was written to")


def file_digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def case_keys(opts):
    """On a terminal, Ctrl-A h helps and Ctrl-A x quits."""
    with start(opts, stdin="terminal") as g:
        g.wait_shell()
        g.send("\x01h")
        g.expect(r"C-a x|Ctrl-A x")
        g.send("\n")
        g.expect(PROMPT)
        g.send("\x01x")
        g.wait_end()


def resident(pid, guest_mib):
    """(what the process keeps resident beside the guest's memory, what of that memory is resident), in MiB.

    docs/TESTING.md defines it. The guest's memory is the one mapping that is
    that large.
    """
    sizes, shares = [], []
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as f:
        for line in f:
            m = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line)
            if m:
                sizes.append(int(m[2], 16) - int(m[1], 16))
            elif line.startswith("Pss:"):
                shares.append(int(line.split()[1]))
    ram = [share for size, share in zip(sizes, shares) if size >= guest_mib << 20]
    check(ram, f"the process has no mapping of {guest_mib} MiB")
    return (sum(shares) - max(ram)) / 1024, max(ram) / 1024


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def check_resident(g, when):
    beside, ram = resident(g.process.pid, 512)
    print(f"{when}: {beside:.0f} MiB resident beside {ram:.0f} MiB of guest memory")
    check(beside <= 100, f"{beside:.0f} MiB are resident beside the guest's memory {when}, more than 100")


def case_idle(opts):
    """
    Little memory beyond the guest's own at the shell and after work there, and next to no CPU time when idle.
    """
    with start(opts) as g:
        g.wait_shell()
        time.sleep(2)                   # the kernel still has a few things to finish
        before, seconds = cpu_seconds(g.process.pid), 10
        time.sleep(seconds)
        share = (cpu_seconds(g.process.pid) - before) / seconds
        print(f"idle: {100 * share:.1f}% of a core")
        check(share <= 0.03, f"an idle guest uses {100 * share:.1f}% of a core, more than 3%")
        check_resident(g, "at the shell")
        g.run("i=0; while [ $i -lt 500 ]; do busybox true; i=$((i + 1)); done")
        g.run("seq 1 50000 | sha256sum; find / -xdev | gzip | wc -c")
        check_resident(g, "after work")
        g.power_off()


CASES = {name[5:]: f for name, f in globals().items() if name.startswith("case_")}


def parse(argv):
    more = []
    if "--" in argv:
        cut = argv.index("--")
        argv, more = argv[:cut], argv[cut + 1:]
    p = argparse.ArgumentParser(description="Boots Debian's riscv64 kernel and looks whether all is well.")
    p.add_argument("case", choices=sorted(CASES))
    p.add_argument("--emulator", required=True)
    p.add_argument("--smp", type=int, default=1)
    p.add_argument("--accel")
    p.add_argument("--timeout", type=float, default=120, help="seconds that one boot may take")
    opts = p.parse_args(argv)
    opts.more = more
    opts.runs = []
    return opts


def main(argv):
    opts = parse(argv)
    missing = guest.missing_artefact()
    if missing:
        print(f"{missing} is not there; run scripts/fetch-guest")
        return SKIP
    try:
        CASES[opts.case](opts)
    except Failure as f:
        for g in opts.runs[-1:]:
            print(re.sub(r"(?m)^", "    | ", guest.plain(g.console)))
        print(f"FAILED: {opts.case}: {f}")
        return 1
    for g in opts.runs:
        if g.status is not None:
            print(f"one boot: {g.wall:.2f} s wall, {g.cpu:.2f} s CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
