#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds the stress guest (guest/main.c) and runs it: real RISC-V code on real engines.

    run.py remap --emulator PATH [--accel NAME] [--seconds N]   four harts against each other's hot code
    run.py asids --emulator PATH [--accel NAME]                 65,536 address spaces leave memory bounded
    run.py rubbish --emulator PATH [--accel NAME] [--seconds N] random accesses to all devices: no crash, no
           [--smp N] [--seed N]                                 hang; new seeds until the time is over, the
                                                                first is --seed

Exit status 0, 1, or 77 when there is no compiler for bare RISC-V.
"""

import argparse
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SKIP = 77
RUBBISH_SECONDS = 120                  # one seed takes two, more on a busy host
SLACK_MIB = 16                          # what 1,024 times the address spaces may cost beside


def compiler():
    return next((p for p in map(shutil.which, ("riscv64-unknown-elf-gcc", "riscv64-linux-gnu-gcc")) if p),
                None)


def build(folder, name, *defines, sources=("start.S", "main.c"), extensions="imafdc"):
    path = os.path.join(folder, name)
    subprocess.run([compiler(), "-O2", f"-march=rv64{extensions}_zicsr_zifencei", "-mabi=lp64d",
                    "-mcmodel=medany", "-static", "-ffreestanding", "-nostdlib", "-fno-pic", "-no-pie",
                    "-fno-stack-protector", "-Wall", "-Wextra", "-Wl,--build-id=none",
                    *("-D" + d for d in defines), "-T", os.path.join(HERE, "guest", "link.ld"), "-o", path,
                    *(os.path.join(HERE, "guest", name) for name in sources)],
                   check=True, stdin=subprocess.DEVNULL)
    return path


def where(monitor):
    """What each vCPU does, by the monitor's account; twice, for what moves."""
    lines = []
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(monitor)
            for command in ("info cpus", "info cpus", ""):
                s.sendall(command.encode() + b"\n")
                time.sleep(0.3)
                lines += s.recv(65536).decode().splitlines()
    except OSError as e:
        lines.append(f"the monitor does not answer: {e}")
    return "\n".join(lines)


def run(opts, program, harts, seconds, more=()):
    """Runs a guest program to its end; False when something did not hold."""
    monitor = program + ".monitor"
    command = [opts.emulator, "-M", "virt", "-smp", str(harts), "-m", "128M", "-bios", "none", "-kernel",
               program, "-display", "none", "-monitor", f"unix:{monitor},server,nowait",
               *(more or ["-serial", "stdio"])]
    if opts.accel:
        command += ["-accel", opts.accel]
    print("$", " ".join(command), flush=True)
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        p.wait(seconds)
    except subprocess.TimeoutExpired:
        print(f"FAILED: hangs: not at its end after {seconds} s")
        print(where(monitor), flush=True)
        p.kill()
        p.wait()
        return False
    if p.returncode:
        print(f"FAILED: status {p.returncode}")
    return p.returncode == 0


def case_rubbish(opts, folder):
    """With another seed each time, until the time is over. A disk that can be written and one that cannot."""
    end, seed = time.monotonic() + opts.seconds, opts.seed
    while True:
        program = build(folder, "rubbish.elf", f"SEED={seed}", sources=("rubbish.S", "rubbish.c"),
                        extensions="imafd")
        more = ["-serial", "null", "-device", "virtio-rng-device"]
        for n, options in enumerate(("", ",readonly=on")):
            path = os.path.join(folder, f"disk{n}.img")
            with open(path, "wb") as f:
                f.truncate(1 << 20)
            more += ["-drive", f"file={path},format=raw,if=none,id=d{n}{options}", "-device",
                     f"virtio-blk-device,drive=d{n}"]
        if not run(opts, program, opts.smp, RUBBISH_SECONDS, more):
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
    p.add_argument("--smp", type=int, default=4, choices=range(1, 5))
    opts = p.parse_args()
    if not compiler():
        print("no compiler for bare RISC-V (package gcc-riscv64-unknown-elf)")
        return SKIP
    with tempfile.TemporaryDirectory() as folder:
        return 0 if cases[opts.case](opts, folder) else 1


if __name__ == "__main__":
    sys.exit(main())
