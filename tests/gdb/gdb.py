#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The gdb stub: gdb-multiarch debugs a bare program, and packets no gdb would send.

    gdb.py EMULATOR [--accel NAME] [CASE...]

Each case below is one function and starts an emulator of its own. All but
those that say so hold for QEMU as well. Exit status 0, 1, or 77 when
gdb-multiarch or the compiler is missing.
"""

import argparse
import os
import re
import subprocess
import sys
import time

from driver import (Emulator, Failure, case_detach, case_exit, check, expect, little_endian, number,
                    run_cases,
                    survives, symbols)  # noqa: F401 -- cases that hold here, too

HERE = os.path.dirname(os.path.abspath(__file__))
COMPILER = "riscv64-unknown-elf-gcc"
MACHINE = ["-M", "virt", "-bios", "none"]


def compile_program(folder):
    out = os.path.join(folder, "program")
    subprocess.run([COMPILER, "-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany", "-Og", "-g",
                    "-ffreestanding", "-fno-inline", "-fno-ipa-icf", "-nostdlib", "-nostartfiles", "-static",
                    "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments", "-T",
                    os.path.join(HERE, "program.ld"), "-o", out, os.path.join(HERE, "start.S"),
                    os.path.join(HERE, "program.c")], check=True)
    return out


def case_registers(opts):
    """Reading and writing integer, floating-point and control registers."""
    with Emulator(opts) as e:
        out = e.gdb("break add", "continue", "continue", "continue", "info registers pc a0 a1",
                    "print $a0 * 1000 + $a1", "set var $a0 = 500", "finish", "print/x $mhartid",
                    "print/x $misa", "print $priv", "print/x $mstatus & 0x2000",
                    "set var $mscratch = 0x123456789abcdef0", "print/x $mscratch", "set var $fs3 = 2.5",
                    "print $fs3", "print $fs3.double", "delete", "break scale", "continue", "print $fa0",
                    "info registers sp")
        expect(out, r"^Breakpoint 1, add \(", r"^Breakpoint 1, add \(a=1, b=\S*2\)",
               r"^Breakpoint 1, add \(a=3, b=\S*3\)", r"^pc +0x800\S+", r"^a0 +0x3\s", r"^a1 +0x3\s",
               r"= 3003", r"^Value returned is \$\d+ = 503", r"= 0x0$", r"= 0x8\S*[0-9a-f]+$",
               r"= 3$|Machine", r"= 0x2000", r"= 0x123456789abcdef0", r"double = 2\.5", r"= 2\.5",
               r"^Breakpoint 2, scale", r"double = 0\.5", r"^sp +0x8\w+")


def case_memory(opts):
    """Memory read and written; breakpoints leave no trace in it."""
    with Emulator(opts) as e:
        out = e.gdb("break scale", "continue", "print greeting", "set var greeting[0] = 74", "x/s greeting",
                    "print total", "set var total = 1000000", "break add", "continue", "x/2i add",
                    "dump binary value dump.bin greeting", "x/4xb 0x7000000000", "print sizeof(greeting)",
                    "set var {char[4096]}0x80200000 = {char[4096]}0x80000000", "compare-sections .text",
                    "print *(int*)0x80200ffc == *(int*)0x80000ffc")
        expect(out, r'= "hello, gdb"', r'"Jello, gdb"', r"= 1$", r"add \(a=1000000",
               r"<add>:\s+add\s+a0,a0,a1", r"<add\+2>:\s+ret",
               r"Cannot access memory at address 0x7000000000", r"= 11", r"matched", r"= 1$")


def case_step(opts):
    """stepi, step, next, finish, until; breakpoints set, disabled and deleted."""
    with Emulator(opts) as e:
        out = e.gdb("x/i $pc", "stepi", "stepi", "print $pc", "break first_main", "continue", "break add",
                    "continue", "bt", "finish", "next", "next", "next", "delete", "tbreak add", "continue",
                    "stepi", "print $pc - (long)&add", "stepi", "print $pc - (long)&add > 2", "step",
                    "break scale", "continue", "disable", "tbreak add if b > 50", "continue", "print b",
                    "info breakpoints")
        expect(out, r"=> 0x1000:", r"= .*0x1008", r"^Breakpoint 1, .*first_main", r"Breakpoint 2, add \(a=0",
               r"^#0 +add", r"^#1 .* first_main", r"Value returned is .* = 1", r"scale\(half\)",
               r"Temporary breakpoint 3, .*add", r"= .*2$", r"= 1$", r"Breakpoint 4, .*scale",
               r"Temporary breakpoint 5, .*add", r"= 51", r"scale at")


def case_threads(opts):
    """vCPUs are threads: listed, selected, stopped in."""
    with Emulator(opts, smp=3) as e:
        out = e.gdb("info threads", "break count if hart == 2", "continue", "print hart", "info threads",
                    "thread 1", "print $mhartid", "thread 2", "print $mhartid", "thread 3", "print $mhartid",
                    "delete", "break add", "continue", "print $mhartid", "thread apply all print $pc")
        expect(out, r"^\* 1 +Thread", r"^ +2 +Thread", r"^ +3 +Thread",
               r"hit Breakpoint 1, .*count|Breakpoint 1, count", r"= 2$", r"^\* 3 ", r"= 0$", r"= 1$",
               r"= 2$", r"Breakpoint 2, add", r"= 0$", r"Thread 3 ", r"Thread 1 ")


def case_interrupt(opts):
    """Ctrl-C stops a running machine; packets sent while it runs do no harm."""
    with Emulator(opts, smp=2) as e:
        r = e.raw()
        check("PacketSize=" in r.ask("qSupported:swbreak+"), "qSupported says no PacketSize")
        check(r.ask("?").startswith("T"), "no stop reply to ?")
        for _ in range(5):
            r.run_briefly(seconds=0.1)
        r.packet("c")
        time.sleep(0.05)
        r.close()
        time.sleep(0.2)
        check(e.alive(), "the emulator ended with gdb's connection")


def case_noack(opts):
    """Without acknowledgements; a packet is sent again when it is refused."""
    with Emulator(opts) as e:
        r = e.raw()
        r.packet("qC")
        first = r.receive(b"-")
        check(r.receive() == first, "a refused packet was not sent again")
        check(r.ask("QStartNoAckMode") == "OK", "QStartNoAckMode is not accepted")
        check(r.ask("qC") == first, "no answer without acknowledgements")
        r.close()


class Watcher:
    """One hart in the loop at accesses."""

    def __init__(self, e, opts):
        self.at = symbols(COMPILER.replace("gcc", "nm"), opts.program)
        self.raw = e.raw()
        check(self.raw.ask("?").startswith("T"), "no stop reply to ?")
        check(self.raw.ask("P20=" + little_endian(self.at["accesses"])) == "OK", "pc cannot be set")
        check(self.raw.ask(f"Z0,{self.at['accesses_loop']:x},4") == "OK", "no breakpoint")
        self.next(None)
        check(self.raw.ask(f"z0,{self.at['accesses_loop']:x},4") == "OK", "no breakpoint")

    def read(self, address):
        return number(self.raw.ask(f"m{address:x},8"))

    def next(self, kind, address=0, label=None, how="vCont;c"):
        """Goes on to the next stop, which must be that of @kind at @address, behind the access."""
        said = self.raw.ask(how)
        if kind is None:
            check(said.startswith("T05") and "watch" not in said, f"a stop by a watchpoint: {said}")
            return
        pc = number(self.raw.ask("p20"))
        where = [name for name, at in self.at.items() if at == pc and name.startswith("after")]
        check(re.search(rf"(^T05|;){kind}:{address:x};", said),
              f"no {kind} of {address:x} but {said}, pc {pc:x} {where}")
        check(pc == self.at[label], f"{kind}: pc is {pc:x} {where}, not behind the access at {label}")


WORD_WRITES = [("after_amo", 0), ("after_sc", 0), ("after_partly", 6), ("after_heavy_sc", 0)]
WORD_READS = [("after_amo", 0), ("after_lr", 0), ("after_load", 0), ("after_heavy_lr", 0)]


def case_watch_accesses(opts):
    """Watchpoints stop behind loads, stores, atomics, LR and SC, and accesses that overlap them partly."""
    with Emulator(opts) as e:
        w = Watcher(e, opts)
        words, page = w.at["words"], w.at["page_end"]
        check(w.raw.ask(f"Z2,{words:x},8") == "OK", "Z2 is refused")
        for _ in range(3):
            before = w.read(words)
            for label, offset in WORD_WRITES:
                w.next("watch", words + offset, label)
                if label == "after_amo":
                    check(w.read(words) == before + 5, "the state is not that behind the amoadd")
                elif label == "after_sc":
                    check(w.read(words) == before + 6, "the store-conditional did not store")
        check(w.raw.ask(f"z2,{words:x},8") == "OK" and w.raw.ask(f"Z3,{words:x},8") == "OK", "Z3 is refused")
        for label, offset in WORD_READS * 2:
            w.next("rwatch", words + offset, label)
        check(w.raw.ask(f"z3,{words:x},8") == "OK" and w.raw.ask(f"Z4,{words + 4:x},4") == "OK",
              "Z4 is refused")
        for label in ["after_heavy_sc", "after_amo", "after_lr", "after_sc", "after_partly", "after_load",
                      "after_heavy_lr"] * 2:
            w.next("awatch", words + (6 if label == "after_partly" else 4), label)
        check(w.raw.ask(f"z4,{words + 4:x},4") == "OK", "z4 is refused")
        # the upper half of a store that crosses two pages, one byte of it; then the bytes around
        check(w.raw.ask(f"Z2,{page + 3:x},1") == "OK", "no watchpoint")
        w.next("watch", page + 3, "after_crossing")
        w.next("watch", page + 3, "after_crossing")
        w.raw.ask(f"z2,{page + 3:x},1")
        w.raw.ask(f"Z2,{page + 4:x},8")
        w.raw.ask(f"Z2,{page - 12:x},8")
        w.raw.ask(f"Z2,{words + 16:x},1")
        w.next("watch", words + 16, "after_float")
        # steps report what they hit, and nothing else
        w.raw.ask(f"Z3,{words:x},1")
        w.next(None, how="s")
        w.next("rwatch", words, "after_amo", "vCont;s:1;c")
        w.next("rwatch", words, "after_lr", "vCont;s:1")
        w.next(None, how="s")
        w.raw.close()


def case_watch(opts):
    """gdb's watch, rwatch and awatch, with old and new value; together with breakpoints; deleted again."""
    with Emulator(opts, smp=2) as e:
        out = e.gdb("watch total", "continue", "continue", "info watchpoints", "delete", "awatch turns[1]",
                    "continue", "print $mhartid", "continue", "delete", "break add", "rwatch half",
                    "continue", "continue", "delete", "watch total if total > 5000", "continue",
                    "info threads", "delete", "watch greeting", "tbreak add", "continue", "print $bpnum",
                    seconds=120)
        expect(out, r"Hardware watchpoint 1: total", r"Old value = 0\nNew value = 1",
               r"Old value = 1\nNew value = 3", r"hw watchpoint.*total",
               r"Hardware access \(read/write\) watchpoint 2: turns\[1\]", r"^Value = |^Old value", r"= 1$",
               r"Old value = (\d+)|Value = ", r"Hardware read watchpoint 4: half", r"Breakpoint 3, .*add",
               r"read watchpoint 4: half", r"Value = 0\.5", r"Hardware watchpoint 5: total",
               r"New value = \d{4}", r"Temporary breakpoint 7, .*add", r"= 7$")


def case_watch_many(opts):
    """Three harts write to watched bytes at once: each stop is told, none twice, and counts go on by one."""
    with Emulator(opts, smp=4) as e:
        r = e.raw()
        r.ask("?")
        turns = symbols(COMPILER.replace("gcc", "nm"), opts.program)["turns"]
        for hart in (1, 2, 3):
            check(r.ask(f"Z2,{turns + 8 * hart:x},8") == "OK", "Z2 is refused")
        seen = {1: 0, 2: 0, 3: 0}
        for _ in range(200):
            said = r.ask("vCont;c")
            m = re.fullmatch(r"T05thread:(\d);watch:([0-9a-f]+);", said)
            check(m, said)
            hart = int(m[1]) - 1
            check(int(m[2], 16) == turns + 8 * hart, said)
            seen[hart] += 1
            value = number(r.ask(f"m{turns + 8 * hart:x},8"))
            check(value == seen[hart], f"hart {hart} counted to {value} at its stop {seen[hart]}")
        check(all(seen.values()), f"some hart never stopped: {seen}")
        for hart in (1, 2, 3):
            check(r.ask(f"z2,{turns + 8 * hart:x},8") == "OK", "z2 is refused")
        r.packet("vCont;c")
        time.sleep(0.2)
        r.send(b"\x03")
        # stops that were on their way when the watchpoints went may still be told
        for _ in range(4):
            if r.receive().startswith("T02"):
                break
            r.packet("vCont;c")
            time.sleep(0.2)
            r.send(b"\x03")
        else:
            raise Failure("no stop by Ctrl-C")
        r.close()


def case_threads_alone(opts):
    """
    One vCPU steps or runs while the others stand; Hg, Hc, and errors for memory and threads that are not
    there.
    """
    with Emulator(opts, smp=3) as e:
        r = e.raw()
        r.ask("?")
        turns = symbols(COMPILER.replace("gcc", "nm"), opts.program)["turns"]

        def counts():
            return [number(r.ask(f"m{turns + 8 * n:x},8")) for n in (1, 2)]

        def pc(thread):
            check(r.ask(f"Hg{thread:x}") == "OK", "Hg")
            return r.ask("p20")

        r.run_briefly()
        before, pcs = counts(), [pc(1), pc(2), pc(3)]
        for _ in range(50):
            check(r.ask("vCont;s:2").startswith("T05thread:2;"), "a step of thread 2")
        after = counts()
        check(after[0] > before[0] and after[1] == before[1], f"counts went from {before} to {after}")
        check(pc(3) == pcs[2] and pc(1) == pcs[0], "others moved")
        r.run_briefly("vCont;c:3")
        last = counts()
        check(last[0] == after[0] and last[1] > after[1], f"counts went from {after} to {last}")
        for body in ("m7000000000,8", "m0,8", "mfffffffffffffff0,20", "M7000000000,1:00", "Hg9", "T9"):
            check(r.ask(body).startswith("E"), f"{body}: no error")
        for body in ("Hc2", "Hc-1", "Hg0", "T2"):
            check(r.ask(body) == "OK", f"{body}: not OK")
        r.close()


HOSTILE_PACKETS = [
    b"", b"m", b"m0", b"m0,", b"m0,ffffffffffffffff", b"m0,7fffffff", b"mffffffffffffffff,8",
    b"m80000000,100000", b"m-1,4", b"mzz,4", b"M80000000,4", b"M80000000,4:12", b"M80000000,4:zz",
    b"M80000000,ffffffff:00", b"X80000000,10:a", b"X80000000,fffffffff:", b"Xffffffffffffffff,2:aa", b"G",
    b"G00", b"G" + b"zz" * 300, b"p", b"pffffffff", b"p-1", b"P", b"P0", b"P0=", b"P0=12", b"P20=zz",
    b"P99999=0", b"H", b"Hg", b"Hgffff", b"Hg-1", b"Hc-7", b"T", b"T99", b"Z", b"Z0", b"Z0,", b"Z0,80000000",
    b"Z9,80000000,2", b"z0,1,1", b"Z2,80000000,4", b"z2,80000000,4", b"Z2", b"Z3,", b"Z4,1", b"Z2,1,0",
    b"Z2,ffffffffffffffff,2", b"Z3,0,ffffffffffffffff", b"z3,0,ffffffffffffffff", b"Z4,zz,1",
    b"z4,80000000,4", b"vCont;", b"vCont;x", b"vCont;c:77", b"vCont;s:zz", b"vCont;C", b"vContX",
    b"vMustReplyEmpty", b"vFile:open:2f,0,0", b"qXfer:features:read:", b"qXfer:features:read:x:0,10",
    b"qXfer:features:read:target.xml:ffffffff,10", b"qXfer:features:read:target.xml:0,ffffffffffffffff",
    b"qXfer:memory-map:read::0,4", b"qRcmd,", b"qRcmd,zz", b"qRcmd,0", b"qThreadExtraInfo,",
    b"qThreadExtraInfo,ffff", b"qSymbol::", b"QFoo", b"F", b"R", b"!", b"b", b"i", b"\x80\xff",
    b"qSupported:" + b"x" * 3000,
]


def case_hostile(opts):
    """Garbage, overlong and wrong packets: an error or nothing, and the stub goes on."""
    with Emulator(opts) as e:
        survives(e, HOSTILE_PACKETS, 32)


def case_monitor(opts):
    """gdb's monitor command reaches the emulator's monitor (Rhea's alone)."""
    with Emulator(opts, smp=2) as e:
        out = e.gdb("break add", "continue", "monitor info mtree", "monitor info cpus", "monitor x/3i $pc",
                    "monitor frob", "monitor info registers", "monitor print $pc+4", "monitor info qtree",
                    "monitor help")
        expect(out, r"-\S+ ram", r"vCPU 1", r"^0000000080\w+: ", r"no command 'frob'", r"^zero +0+ ",
               r"^0x0000000080", r"^dev: ns16550a", r"^quit\|q")


CASES = {name[5:]: f for name, f in globals().items() if name.startswith("case_")}
NOT_QEMU = ["monitor", "hostile", "noack", "watch_accesses", "watch_many",
            "threads_alone"]  # it takes refusals and some wrong packets otherwise


def main():
    p = argparse.ArgumentParser()
    p.add_argument("emulator")
    p.add_argument("--accel")
    p.add_argument("cases", nargs="*")
    opts = p.parse_intermixed_args()
    opts.machine = MACHINE
    opts.status = 7
    return run_cases(opts, COMPILER, compile_program, CASES, NOT_QEMU)


if __name__ == "__main__":
    sys.exit(main())
