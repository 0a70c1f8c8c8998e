#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds the stress guest (guest/main.c) and runs it: real RISC-V code on real engines.

    run.py remap --emulator PATH [--accel NAME] [--seconds N]   four harts against each other's hot code
    run.py asids --emulator PATH [--accel NAME]                 65,536 address spaces leave memory bounded
    run.py rubbish --emulator PATH [--accel NAME] [--seconds N] random accesses to all devices: no crash, no hang

Exit status 0, 1, or 77 when there is no compiler for bare RISC-V.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SKIP = 77
SLACK_MIB = 16                          # what 1,024 times the address spaces may cost beside


def compiler():
    return next((p for p in map(shutil.which, ("riscv64-unknown-elf-gcc", "riscv64-linux-gnu-gcc")) if p), None)


def build(folder, name, *defines, sources=("start.S", "main.c")):
    path = os.path.join(folder, name)
    subprocess.run([compiler(), "-O2", "-march=rv64imafdc_zicsr_zifencei", "-mabi=lp64d", "-mcmodel=medany", "-static",
                    "-ffreestanding", "-nostdlib", "-fno-pic", "-no-pie", "-fno-stack-protector", "-Wall", "-Wextra",
                    "-Wl,--build-id=none", *("-D" + d for d in defines), "-T", os.path.join(HERE, "guest", "link.ld"),
                    "-o", path, *(os.path.join(HERE, "guest", name) for name in sources)],
                   check=True, stdin=subprocess.DEVNULL)
    return path


def run(opts, program, harts, seconds, more=(), may_stay=False):
    """Runs a guest program to its end; False when something did not hold. @may_stay: it need not end by itself, but must
    when told to."""
    command = [opts.emulator, "-M", "virt", "-smp", str(harts), "-m", "128M", "-bios", "none", "-kernel", program,
               *(more or ["-nographic"])]
    if opts.accel:
        command += ["-accel", opts.accel]
    print("$", " ".join(command), flush=True)
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        p.wait(seconds)
    except subprocess.TimeoutExpired:
        if may_stay:
            p.terminate()
        try:
            p.wait(30 if may_stay else 0.1)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            print(f"FAILED: hangs: not at its end after {seconds} s")
            return False
    if p.returncode:
        print(f"FAILED: status {p.returncode}")
    return p.returncode == 0


def case_rubbish(opts, folder):
    """With another seed each time, until the time is over. A disk that can be written and one that cannot."""
    end, seed = time.monotonic() + opts.seconds, opts.seed
    while True:
        program = build(folder, "rubbish.elf", f"SEED={seed}", sources=("rubbish.S", "rubbish.c"))
        more = ["-display", "none", "-serial", "null", "-monitor", "none", "-device", "virtio-rng-device"]
        for n, options in enumerate(("", ",readonly=on")):
            path = os.path.join(folder, f"disk{n}.img")
            with open(path, "wb") as f:
                f.truncate(1 << 20)
            more += ["-drive", f"file={path},format=raw,if=none,id=d{n}{options}", "-device", f"virtio-blk-device,drive=d{n}"]
        if not run(opts, program, 4, 30, more, may_stay=True):
            print(f"it was seed {seed}")
            return False
        seed += 1
        if time.monotonic() >= end:
            return True


def peak_mib():
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def case_remap(opts, folder):
    # The guest looks at the clock between its acts; a busy host may make one of them long.
    return run(opts, build(folder, "remap.elf", f"SECONDS={opts.seconds}"), 4, 2 * opts.seconds + 120)


def case_asids(opts, folder):
    peaks = []
    for n in 64, 65536:                 # in this order: peak_mib is the largest so far
        if not run(opts, build(folder, f"asids{n}.elf", f"ASIDS={n}"), 1, 300):
            return False
        peaks.append(peak_mib())
    print(f"peak memory: {peaks[0]:.1f} MiB with 64 address spaces, {peaks[1]:.1f} MiB with 65,536")
    if peaks[1] > peaks[0] + SLACK_MIB:
        print(f"FAILED: more than {SLACK_MIB} MiB apart")
        return False
    return True


def main():
    cases = {"remap": case_remap, "asids": case_asids, "rubbish": case_rubbish}
    p = argparse.ArgumentParser(description="Builds the stress guest and runs it.")
    p.add_argument("case", choices=sorted(cases))
    p.add_argument("--emulator", required=True)
    p.add_argument("--accel")
    p.add_argument("--seconds", type=int, default=10)
    p.add_argument("--seed", type=int, default=1)
    opts = p.parse_args()
    if not compiler():
        print("no compiler for bare RISC-V (package gcc-riscv64-unknown-elf)")
        return SKIP
    with tempfile.TemporaryDirectory() as folder:
        return 0 if cases[opts.case](opts, folder) else 1


if __name__ == "__main__":
    sys.exit(main())
