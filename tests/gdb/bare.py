#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The gdb stub on the guests of the machine bare: gdb-multiarch debugs a program, and packets by hand.

    bare.py EMULATOR aarch64|x86_64 [--accel NAME] [CASE...]

EMULATOR is that guest's (rhea-system-aarch64, ...). Each case below is one
function and starts an emulator of its own; the same cases hold for both guests,
with the names and numbers of class Guest. Exit status 0, 1, or 77 when
gdb-multiarch or the compiler is missing.
"""

import argparse
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree

from driver import (Emulator, case_detach, case_exit, check, expect, little_endian, number, run_cases,
                    survives,
                    symbols)  # noqa: F401 -- cases that hold here, too

HERE = os.path.dirname(os.path.abspath(__file__))


class Guest:
    """
    What differs: registers' names and gdb's numbers, the accesses of the watched loop, stops of single steps.
    """

    def __init__(self, **facts):
        self.__dict__.update(facts)


GUESTS = {
    "aarch64": Guest(
        compiler="aarch64-linux-gnu-gcc", flags=["-mno-outline-atomics", "-mstrict-align"], pc="pc",
        pc_number=32, sp="sp", a="x0", b="x1", result="x0", fp="d0.f", quad="v0.s.f", pair="v0.d.u",
        other_quad="v31", alias=0x80000000, status=7, features=["org.gnu.gdb.aarch64.core",
                                                                "org.gnu.gdb.aarch64.fpu", "org.rhea.system"],
        bits={"x0": (0, 64), "sp": (31, 64), "pc": (32, 64), "cpsr": (33, 32), "v0": (34, 128),
              "v31": (65, 128),
              "fpsr": (66, 32), "fpcr": (67, 32)},
        general=33 * 8 + 4, wide=34, nowhere=0x7000000000,
        # steps through machine_turn: (from, to, steps)
        steps=[("traps_svc", "sync", 1), ("traps_udf", "sync", 1), ("traps_call", "leaf", 1)],
        trapped="$x10", writes=[("after_amo", 0, 8), ("after_sc", 0, 8), ("after_partly", 6, 8)],
        reads=["after_amo", "after_lr", "after_load", "after_vector_load"],
        awatch=["after_amo", "after_lr", "after_sc",
        "after_partly", "after_load", "after_vector_load"], partly=(4, 4)),
    "x86_64": Guest(
        compiler="x86_64-linux-gnu-gcc", flags=["-mno-red-zone", "-fcf-protection=none"], pc="rip",
        pc_number=16, sp="rsp", a="rdi", b="rsi", result="rax", fp="xmm0.v2_double[0]", quad="xmm0.v4_float",
        pair="xmm0.v2_int64", other_quad="xmm15", alias=0x8000000000, status=15,
        features=["org.gnu.gdb.i386.core", "org.gnu.gdb.i386.sse", "org.gnu.gdb.i386.segments",
                  "org.rhea.system"],
        bits={"rax": (0, 64), "rip": (16, 64), "eflags": (17, 32), "cs": (18, 32), "gs": (23, 32),
              "st0": (24, 80),
              "st7": (31, 80), "fctrl": (32, 32), "fop": (39, 32), "xmm0": (40, 128), "xmm15": (55, 128),
              "mxcsr": (56, 32),
              "fs_base": (57, 64), "gs_base": (58, 64)},
        general=17 * 8 + 7 * 4 + 8 * 10 + 8 * 4, wide=40, nowhere=0x7fff00000000,
        steps=[("traps_syscall", "system_call", 1), ("traps_ud", "trap", 1),
               ("traps_rep", "traps_rep_next", 100),
               ("traps_none", "traps_none_next", 1), ("traps_scas", "traps_scas_next", 4),
               ("traps_call", "leaf", 1)],
        trapped="$r10", writes=[("after_amo", 0, 8), ("after_inc", 0, 8), ("after_partly", 6, 8),
                                ("after_pop", 0, 8)],
        reads=["after_amo", "after_inc", "after_load", "after_push", "after_compare"],
        awatch=["after_amo", "after_inc",
        "after_partly", "after_load", "after_push", "after_pop", "after_compare"], partly=(4, 4)),
}


def compile_program(guest, name, folder):
    out = os.path.join(folder, "program")
    subprocess.run([guest.compiler, *guest.flags, "-Og", "-g", "-ffreestanding", "-fno-inline",
                    "-fno-ipa-icf", "-fno-pie", "-no-pie", "-fno-stack-protector",
                    "-fno-asynchronous-unwind-tables", "-nostdlib", "-nostartfiles", "-static",
                    "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments", "-Wl,-z,noexecstack", "-T",
                    os.path.join(HERE, "bare", name + ".ld"), "-o", out,
                    os.path.join(HERE, "bare", name + ".S"), os.path.join(HERE, "bare/program.c")],
                   check=True)
    return out


def labels(opts):
    return symbols(opts.guest.compiler.replace("gcc", "nm"), opts.program)


def case_features(opts):
    """The target description: standard features, sizes and numbers of registers, and g as long as it says."""
    with Emulator(opts) as e:
        r = e.raw()
        text = ""
        while True:
            said = r.ask(f"qXfer:features:read:target.xml:{len(text):x},7f0")
            text += said[1:]
            if said[0] == "l":
                break
        tree = xml.etree.ElementTree.fromstring(text)
        names = [f.get("name") for f in tree.iter("feature")]
        check(names == opts.guest.features, f"features are {names}")
        found = {reg.get("name"): (int(reg.get("regnum")), int(reg.get("bitsize")))
                 for reg in tree.iter("reg")}
        check(len(set(n for n, _ in found.values())) == len(found), "two registers have one number")
        for name, (n, bits) in opts.guest.bits.items():
            check(found.get(name) == (n, bits), f"{name} is {found.get(name)}")
        for name, (n, bits) in found.items():
            check(len(r.ask(f"p{n:x}")) == bits // 4, f"{name} has another size in p")
        check(len(r.ask("g")) == 2 * opts.guest.general, "g has another size")
        r.close()


def case_registers(opts):
    """Reading and writing integer registers, flags and system registers."""
    g = opts.guest
    with Emulator(opts) as e:
        out = e.gdb("break add", "continue", "continue", "continue", f"print ${g.a} * 1000 + ${g.b}",
                    f"set var ${g.a} = 500", "finish", f"print/x ${g.pc} == $pc", f"print/x ${g.sp} == $sp",
                    "info registers", "delete", "break scale", "continue", f"print ${g.fp}",
                    f"set var ${g.fp} = 2.0", "finish", "info line first_main")
        expect(out, r"^Breakpoint 1, add \(", r"^Breakpoint 1, add \(a=1, b=\S*2\)",
               r"^Breakpoint 1, add \(a=3, b=\S*3\)", r"= 3003", r"^Value returned is \$\d+ = 503", r"= 0x1$",
               r"= 0x1$", rf"^{g.a} +0x", rf"^{g.pc} +0x\w+ +0x\w+ <first_main", r"^Breakpoint 2, scale",
               r"= 0\.5$", r"^Value returned is \$\d+ = 6$")
        if g.pc == "pc":
            out = e.gdb("print/x $sctlr_el1 & 1", "print/x $cpacr_el1",
                        "set var $tpidr_el0 = 0x123456789abcdef0", "print/x $tpidr_el0",
                        "set var $cpsr = 0x60000005 | 0x3c0", "print $cpsr", "set var $x30 = -1",
                        "print/x $x30", "set var $fpcr = 0xc00000", "print $fpcr",
                        "set var $fpsr = 0x08000001", "print $fpsr", "set var $cpsr = 0x6000000d",
                        "set var $fpcr = 0")
            expect(out, r"= 0x1$", r"= 0x300000$", r"= 0x123456789abcdef0", r"= \[ SP EL=1 F I A D C Z \]",
                   r"= 0xf{16}$", r"= \[ RMode=3 \]", r"= \[ IOC QC \]", r"Could not write register")
        else:
            out = e.gdb("print/x $cr0", "print/x $cs", "print/x $fs_base",
                        "set var $fs_base = 0xffff800012345678", "print/x $fs_base",
                        "set var $eflags = 0x8d5", "print $eflags", "set var $eflags = 0x402",
                        "print $eflags", "set var $r15 = -1", "print/x $r15", "print $mxcsr",
                        "set var $mxcsr = 0x5f80", "print $mxcsr", "set var $mxcsr = 0x10000",
                        "set var $mxcsr = 0x1f80", "print/x $eax = 0x12345678", "print/x $al",
                        "print/x $efer & 0x500")
            expect(out, r"= 0x80010033", r"= 0x8$", r"= 0x0$", r"= 0xffff800012345678$",
                   r"= \[ CF PF AF ZF SF OF IOPL=0 \]", r"= \[ DF IOPL=0 \]", r"= 0xf{16}$",
                   r"= \[ IM DM ZM OM UM PM RC=0 \]", r"= \[ .*RC=2 \]", r"Could not write register",
                   r"= 0x12345678$", r"= 0x78$", r"= 0x500$")


def case_vectors(opts):
    """
    Registers of 128 bits by their elements: read, written, and what is written is what the program goes on
    with.
    """
    g = opts.guest
    with Emulator(opts) as e:
        out = e.gdb("break mix", "continue", f"print ${g.quad}", f"print/x ${g.pair}",
                    f"set var ${g.quad}[2] = 10", f"print ${g.quad}", "finish", f"print ${g.quad}", "next",
                    "print mixed", f"print/x ${g.other_quad}",
                    f"set var ${g.other_quad}.{'q.u[0]' if g.pc == 'pc' else 'uint128'} = 0x0123456789abcdef",
                    f"set var ${g.other_quad}.{'b.u' if g.pc == 'pc' else 'v16_int8'}[15] = 0x7e",
                    f"print/x ${g.other_quad}")
        expect(out, r"Breakpoint 1, mix", r"= \{1, 2, 3, 4\}",
               r"= \{0x400000003f800000, 0x4080000040400000\}", r"= \{1, 2, 10, 4\}",
               r"= \{1\.5, 2\.25, 10, 0\}", r"= \{1\.5, 2\.25, 10, 0\}")
        out = e.gdb(f"print/x ${g.other_quad}")
        expect(out, r"0x7e00000000000000\b", r"0x7e000000000000000123456789abcdef")
        r = e.raw()
        # by hand: all bytes; too few and too many are refused and change nothing
        value = bytes(range(0x40, 0x50)).hex()
        check(r.ask(f"P{g.wide:x}={value}") == "OK" and r.ask(f"p{g.wide:x}") == value,
              "a wide register is not what was written")
        for wrong in (value[:-2], value + "00", value[:16], "zz" * 16, ""):
            check(r.ask(f"P{g.wide:x}={wrong}") == "E01", f"P takes {wrong!r}")
        check(r.ask(f"p{g.wide:x}") == value, "a refused P changed the register")
        everything = r.ask("g")
        changed = "".join("%02x" % (byte ^ 0x5a) for byte in bytes.fromhex(everything[:16])) + everything[16:]
        check(r.ask("G" + changed) == "OK" and r.ask("g") == changed, "g is not what G wrote")
        check(r.ask("G" + everything) == "OK" and r.ask("g") == everything, "g is not what G wrote back")
        r.close()


def case_x87(opts):
    """x87's registers of 80 bits and its words, by gdb's names; pushed and popped by the program."""
    if opts.guest.pc == "pc":
        return
    with Emulator(opts) as e:
        out = e.gdb("break *traps_call", "continue",
                    "print {long double}&number > 4.14159 && {long double}&number < 4.1416",
                    "break *(traps_scas_next + 4)", "continue", "info registers st0 st1",
                    "print $fstat >> 11", "print/x $ftag", "print/x $fctrl", "set var $st1 = 2.25L",
                    "set var $st0 = -0.125", "print $st0", "print $st1", "info float", "continue",
                    "print {long double}&number", "print/x $ftag", "set var $fctrl = 0x27f", "print/x $fctrl",
                    "set var $fctrl = 0x37f")
        expect(out, r"= 1$", r"^st0 +1 ", r"^st1 +3\.14159265358979323\d+", r"= 6$", r"= 0xfff$|= 0x0?fff$",
               r"= 0x37f$", r"= -0\.125$", r"= 2\.25$", r"R7: Valid +0x40009000000000000000 \+2\.25",
               r"=>R6: Valid +0xbffc8000000000000000 -0\.125", r"= 2\.125$", r"= 0xffff$", r"= 0x27f$")


def case_memory(opts):
    """
    Memory through the guest's page tables: two views of one place; code read behind breakpoints; what is not
    there.
    """
    g = opts.guest
    with Emulator(opts) as e:
        out = e.gdb("break scale", "continue", "print greeting", f"x/s (char *)&greeting + {g.alias:#x}",
                    f"set var *((char *)&greeting + {g.alias:#x}) = 74", "print greeting",
                    "set var total = 1000000", "break add", "continue", f"x/x {g.nowhere:#x}",
                    "compare-sections .text", "x/2i add", f"set var *(char *){g.nowhere:#x} = 1",
                    "print $_exitcode", f"print *(long *)((char *)&total + {g.alias:#x})")
        expect(out, r'= "hello, gdb"', r'"hello, gdb"', r'= "Jello, gdb"', r"add \(a=1000000",
               r"Cannot access memory at address", r"matched", r"<add", r"Cannot access memory",
               r"= 1000000$")
        r = e.raw()
        at = labels(opts)["words"] + 4090    # over a page's end
        check(r.ask(f"M{at:x},c:" + "0102030405060708090a0b0c") == "OK", "M is refused")
        check(r.ask(f"m{at + g.alias:x},c") == "0102030405060708090a0b0c", "a page's end is not crossed")
        r.close()


def case_code(opts):
    """Code that gdb writes is what runs next, hot or not."""
    g = opts.guest
    with Emulator(opts) as e:
        # add(a, b) becomes "return a"
        new = "set var {unsigned}&add = 0xd65f03c0" if g.pc == "pc" else "set var {unsigned}&add = 0xc3f88948"
        out = e.gdb("break scale if total > 5000", "continue", new, "delete", "break scale", "continue",
                    "print total * 0 + 77", "set var total = 5", "continue", "print total", "continue",
                    "print total")
        expect(out, r"= 77$", r"= 5$", r"= 5$")


def case_step(opts):
    """Steps over exceptions, system calls and repeated string instructions, one iteration at a time."""
    g, at = opts.guest, labels(opts)
    with Emulator(opts) as e:
        r = e.raw()

        def pc():
            return number(r.ask(f"p{g.pc_number:x}"))

        def run_to(label):
            check(r.ask(f"Z0,{at[label]:x},4") == "OK", "no breakpoint")
            check(r.ask("vCont;c").startswith("T05"), "no stop")
            check(pc() == at[label], f"stopped at {pc():x}, not at {label}")
            check(r.ask(f"z0,{at[label]:x},4") == "OK", "no breakpoint")

        for turn in range(2):
            for start, end, steps in g.steps:
                run_to(start)
                for n in range(steps):
                    check(r.ask("vCont;s:1" if turn else "s").startswith("T05"), "a step does not stop")
                    wanted = at[end] if n == steps - 1 else at[start]
                    check(pc() == wanted, f"{start}: after step {n + 1} pc is {pc():x}, not {wanted:x}")
        r.close()
        out = e.gdb("tbreak scale", "continue", "bt", "finish", "next", "next", "next", f"print {g.trapped}",
                    "step", "advance mix", "stepi", "until", "info breakpoints")
        expect(out, r"breakpoint 1, scale", r"^#0 +scale", r"^#1 .* first_main",
               r"Value returned is .* = 1\.5", r"^35\s", r"^36\s.*machine_turn", r"^37\s.*finish", r"= 2$",
               r"^3\d\s", r"^mix \(", r"No breakpoints")


def case_breakpoints(opts):
    """
    Software and hardware breakpoints, conditions, temporary ones; on an instruction that faults; stepping
    off.
    """
    g = opts.guest
    trap = "traps_udf" if g.pc == "pc" else "traps_ud"
    with Emulator(opts) as e:
        out = e.gdb("hbreak add", "continue", "bt", "continue", "break add if b > 50", "delete 1", "continue",
                    "print b", f"break *{trap}", "continue", "print $pc == (long)&" + trap, "continue",
                    "delete 2", "continue", "thbreak scale", "continue", "info breakpoints")
        expect(out, r"Hardware assisted breakpoint 1", r"Breakpoint 1, add", r"#0 +add", r"#1 .* first_main",
               r"Breakpoint 1, add", r"Breakpoint 2, add \(a=\d+, b=\S*51\)", r"= 51$", r"Breakpoint 3, ",
               r"= 1$", r"Breakpoint 2, add", r"Breakpoint 3, ", r"Temporary breakpoint 4, scale")


def case_watch(opts):
    """gdb's watch, rwatch and awatch, with old and new value; together with breakpoints; deleted again."""
    with Emulator(opts, smp=2) as e:
        out = e.gdb("watch total", "continue", "continue", "delete", "awatch turns[1]", "continue",
                    "continue", "delete", "break add", "rwatch half", "continue", "continue", "delete",
                    "watch total if total > 6000", "continue", "delete", "watch scaled if total > 6000",
                    "set var scaled = 7", "continue", "delete", "watch greeting", "tbreak add", "continue",
                    "print $bpnum", seconds=120)
        expect(out, r"Hardware watchpoint 1: total", r"Old value = 0\nNew value = 1",
               r"Old value = 1\nNew value = 3", r"Hardware access \(read/write\) watchpoint 2: turns\[1\]",
               r"^Value = |^Old value", r"^Value = |^Old value", r"Hardware read watchpoint 4: half",
               r"Breakpoint 3, .*add", r"read watchpoint 4: half", r"Value = 0\.5",
               r"Hardware watchpoint 5: total", r"New value = \d{4}", r"Hardware watchpoint 6: scaled",
               r"Old value = 7\nNew value = 1\.5", r"Temporary breakpoint 8, .*add", r"= 8$")


def case_watch_accesses(opts):
    """
    Watchpoints stop behind every kind of access, with the state there; accesses that overlap them partly.
    """
    g, at = opts.guest, labels(opts)
    with Emulator(opts) as e:
        r = e.raw()
        words, page = at["words"], at["page_end"]

        def ok(body):
            check(r.ask(body) == "OK", f"{body} is refused")

        def run(kind, address, label, how="vCont;c"):
            said = r.ask(how)
            pc = number(r.ask(f"p{g.pc_number:x}"))
            where = [name for name, a in at.items() if a == pc]
            check(re.search(rf"(^T05|;){kind}:{address:x};", said),
                  f"no {kind} of {address:x} but {said}, pc {pc:x} {where}")
            check(pc == at[label], f"{kind}: pc is {pc:x} {where}, not {label}")

        def rotated(loop):
            """The labels, from that behind where the vCPU is."""
            pc = number(r.ask(f"p{g.pc_number:x}"))
            return sorted(loop, key=lambda label: (at[label] <= pc, at[label]))

        # the tables and registers of the start, then off to the loop
        ok(f"Z0,{at['add']:x},4")
        check(r.ask("vCont;c").startswith("T05"), "no stop")
        ok(f"z0,{at['add']:x},4")
        ok(f"P{g.pc_number:x}=" + little_endian(at["accesses"]))
        ok(f"Z2,{words:x},8")
        for _ in range(3):
            for label, offset, _ in g.writes:
                before = number(r.ask(f"m{words:x},8"))
                run("watch", words + offset, label)
                if label == "after_amo":
                    check(number(r.ask(f"m{words:x},8")) == (before + 5) % 2 ** 64,
                          "the state is not that behind the addition")
        ok(f"z2,{words:x},8")
        ok(f"Z3,{words:x},1")
        for label in rotated(g.reads) * 2:
            run("rwatch", words, label)
        ok(f"z3,{words:x},1")
        ok(f"Z4,{words + 4:x},4")
        for label in rotated(g.awatch) * 2:
            run("awatch", words + (6 if label == "after_partly" else 4), label)
        ok(f"z4,{words + 4:x},4")
        # the upper half of a store that crosses two pages, one byte of it; then the bytes around
        ok(f"Z2,{page + 3:x},1")
        run("watch", page + 3, "after_crossing")
        run("watch", page + 3, "after_crossing")
        ok(f"z2,{page + 3:x},1")
        ok(f"Z2,{page + 4:x},8")
        ok(f"Z2,{page - 12:x},8")
        ok(f"Z2,{words + 31:x},1")
        run("watch", words + 31, "after_vector")
        ok(f"z2,{words + 31:x},1")
        if g.pc == "pc":
            ok(f"Z2,{words + 47:x},1")
            run("watch", words + 47, "after_pair")
        else:
            # a repeated store stops behind the iteration
            ok(f"Z2,{words + 65:x},1")
            run("watch", words + 65, "string")
            check(number(r.ask("p2")) == 1, "rcx is not what that iteration left")
            run("watch", words + 65, "string")
        r.close()


def case_threads(opts):
    """vCPUs are threads: listed, selected, stopped in, stepped alone."""
    g, at = opts.guest, labels(opts)
    with Emulator(opts, smp=3) as e:
        out = e.gdb("info threads", "break count if cpu == 2", "continue", "print cpu", "info threads",
                    "thread 1", f"print/x ${g.pc}", "thread 2", "stepi", "thread 3", "print cpu", "delete",
                    "break add", "continue", "thread apply all print $pc")
        expect(out, r"^\* 1 +Thread", r"^ +2 +Thread", r"^ +3 +Thread", r"Breakpoint 1, count", r"= 2$",
               r"^\* 3 ", r"= 0x", r"Switching to thread 2", r"= 2$", r"Breakpoint 2, add", r"Thread 3 ",
               r"Thread 1 ")
        r = e.raw()
        r.ask("?")

        def turns():
            return [number(r.ask(f"m{at['turns'] + 8 * n:x},8")) for n in (1, 2)]

        before = turns()
        for _ in range(60):
            check(r.ask("vCont;s:2").startswith("T05thread:2;"), "a step of thread 2")
        after = turns()
        check(after[0] > before[0] and after[1] == before[1], f"counts went from {before} to {after}")
        r.run_briefly()
        check(all(now > then for now, then in zip(turns(), after)), "the others stood")
        r.close()


def case_hostile(opts):
    """Garbage, overlong and wrong packets: an error or nothing, and the stub goes on."""
    g = opts.guest
    pc, wide = f"{g.pc_number:x}".encode(), f"{g.wide:x}".encode()
    packets = [b"G", b"G00", b"G" + b"00" * 7, b"G" + b"zz" * 300, b"p", b"pffffffff", b"p-1", b"p7fff",
               b"pffffffffffffffffff", b"P", b"P0", b"P0=", b"P0=12", b"P" + pc + b"=zz",
               b"P" + pc + b"=" + b"0" * 32, b"P" + wide + b"=" + b"00" * 8, b"P" + wide + b"=" + b"00" * 17,
               b"P" + wide + b"=" + b"0" * 31, b"P99999=0", b"P" + wide, b"m-1,4", b"mffffffffffffffff,8",
               b"m0,7fffffff", b"M100000,4:zz", b"Xffffffffffffffff,2:aa", b"Z2,ffffffffffffffff,2",
               b"Z3,0,ffffffffffffffff", b"c0,", b"czz", b"szz", b"vCont;s:zz", b"vCont;c:77",
               b"Z0,ffffffffffffffff,1", b"z0,ffffffffffffffff,1",
               b"qXfer:features:read:target.xml:ffffffff,10",
               b"qXfer:features:read:target.xml:0,ffffffffffffffff"]
    with Emulator(opts) as e:
        survives(e, packets, g.pc_number)


def case_wild(opts):
    """Registers set to what no program has: the guest may fault for ever, the emulator goes on."""
    g = opts.guest
    with Emulator(opts) as e:
        r = e.raw()
        saved = r.ask("g")
        for pattern in ("ff", "00", "5a", "80"):
            r.ask("G" + pattern * g.general)
            for n in range(g.wide + 40):
                size = len(r.ask(f"p{n:x}")) // 2
                r.ask(f"P{n:x}=" + pattern * size)
            for _ in range(3):
                check(r.ask("s").startswith("T"), "no stop of a step")
            r.packet("c")
            time.sleep(0.1)
            check(r.interrupt().startswith("T"), "no stop by Ctrl-C")
            check(e.alive(), "the emulator ended")
            r.ask("G" + saved)
        r.close()


CASES = {name[5:]: f for name, f in globals().items() if name.startswith("case_")}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("emulator")
    p.add_argument("guest", choices=GUESTS)
    p.add_argument("--accel")
    p.add_argument("cases", nargs="*")
    opts = p.parse_intermixed_args()
    opts.machine = ["-M", "bare"]
    name, opts.guest = opts.guest, GUESTS[opts.guest]
    opts.status = opts.guest.status
    return run_cases(opts, opts.guest.compiler, lambda folder: compile_program(opts.guest, name, folder),
                     CASES)


if __name__ == "__main__":
    sys.exit(main())
