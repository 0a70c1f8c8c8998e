#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""gdb-multiarch on the running Debian kernel: breakpoints at virtual addresses, steps, several threads,
detach.

    kernel.py EMULATOR [--accel NAME] [-- MORE EMULATOR ARGUMENTS]

Exit status 0, 1, or 77 when the guest or gdb-multiarch is missing.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "boot"))
import driver  # noqa: E402
from guest import Failure, Guest, boot_command, missing_artefact  # noqa: E402

STEPS = 40


def address_of(g, symbol):
    g.run("echo 0 >/proc/sys/kernel/kptr_restrict")
    return int(g.run(f"grep ' {symbol}$' /proc/kallsyms").split()[0], 16)


def debug(opts, path):
    command = boot_command(opts.emulator, 2, accel=opts.accel,
                           extra=["-gdb", f"unix:{path},server=on,wait=off", *opts.more])
    with Guest(command, opts.timeout) as g:
        g.wait_shell()
        at = address_of(g, "do_sys_openat2")
        g.send("while true; do cat /proc/uptime >/dev/null; done &\n")
        out = driver.run_gdb(("set arch riscv:rv64", f"target remote {path}", "info threads", f"break *{at}",
                              "continue", "print $pc == %d" % at, "print $priv", "x/s $a1", "x/4i $pc",
                              "continue", "delete", *["stepi"] * STEPS, "print/x (unsigned long)$satp >> 60",
                              "thread 2", "stepi", "thread 1", "detach"), 120)
        driver.expect(out, r"^\* 1 +Thread", r"^ +2 +Thread", r"hit Breakpoint 1", r"= 1$",
                      r"Supervisor|= 1$", r'"/', r"hit Breakpoint 1", *[r"^0xffff"] * STEPS, r"= 0x[89]$")
        g.send("kill $!\n")
        if g.run("echo alive; nproc") != "alive\n2":
            raise Failure("the guest does not go on after gdb left")
        g.power_off()


def main():
    argv, more = sys.argv[1:], []
    if "--" in argv:
        cut = argv.index("--")
        argv, more = argv[:cut], argv[cut + 1:]
    p = argparse.ArgumentParser()
    p.add_argument("emulator")
    p.add_argument("--accel")
    p.add_argument("--timeout", type=float, default=120)
    opts = p.parse_args(argv)
    opts.more = more
    if missing_artefact() or not shutil.which(driver.GDB):
        print(f"the guest or {driver.GDB} is missing")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        try:
            debug(opts, os.path.join(folder, "gdb.sock"))
        except (Failure, driver.Failure, subprocess.TimeoutExpired) as f:
            print(f"FAILED: {f}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
