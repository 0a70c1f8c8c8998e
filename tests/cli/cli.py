#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command line: what is wrong gets one message that names what was meant, status 1, and nothing else
happens; what is right runs.

    cli.py EMULATOR [--markdown PROGRAM PAGE] [PATTERN...]

WRONG and RIGHT below are the tests. With --markdown, the page in docs/ is
compared with what the table of options gives. PATTERNs choose cases.
"""

import argparse
import difflib
import gzip
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios

BASE = "-M virt -display none -bios none"
PROG = f"{BASE} -kernel finish.bin"

# arguments, what the message must match. "{}" is never special; words are split at blanks.
WRONG = [
    # options and machines
    ("-foo", "option '-foo' does not exist"),
    ("-serail null", r"did you mean -serial\?"),
    ("--krenel x", "did you mean -kernel"),
    ("-kernel", "-kernel needs an argument"),
    ("-M vrit", "machine 'vrit' does not exist; did you mean 'virt'"),
    ("-machine pc", "machine 'pc' does not exist"),
    ("-M virt,dumpdbt=x.dtb", "'dumpdbt' does not exist; did you mean 'dumpdtb'"),
    ("-M virt,usb=maybe", "neither on nor off"),
    ("-M virt,=x", "name"),
    ("-M virt,dumpdtb=no/such/x.dtb -display none", "no/such/x.dtb.*No such file"),
    ("-cpu rv46", "did you mean 'rv64'"),
    ("-cpu rv64,zbaa=off", "did you mean 'zba'"),
    ("-cpu rv64,sscofpmf=off", "unknown CPU feature 'sscofpmf'; -cpu help lists them"),
    ("-cpu rv64,zihint=off", "did you mean 'zihintpause'"),
    ("-device virtio-blk", "did you mean virtio-blk-device"),
    ("-cpu rv64,zbaa=maybe", "did you mean 'zba'"),
    ("-cpu rv64,zba=maybe", "takes on or off"),
    ("-cpu rv64,f=off", "d.*f|f.*d"),
    ("-accel jti", "accelerator 'jti' does not exist; did you mean 'jit'"),
    ("-accel kvm", "not available"),
    ("-accel jit,thread=many", "multi or single"),
    ("-accel jit,threads=multi", "did you mean 'thread'"),
    # memory and vCPUs
    ("-m 0", "without memory"),
    ("-m 0G", "without memory"),
    ("-m 12x", "not a size"),
    ("-m -5", "not a size"),
    ("-m size=", "not a size"),
    ("-m siez=1G", "did you mean 'size'"),
    ("-m 100T", "less memory|smaller -m"),
    ("-m 99999999999999999999", "size|MiB"),
    ("-m 9999999999999999", "MiB"),
    ("-m 1", "at least"),
    ("-m 4097K -M virt", "least|multiple|pages"),
    ("-smp 0", "at least one"),
    ("-smp 9 -M virt", "at most 8"),
    ("-smp 100000", "4096|at most"),
    ("-smp two", "not a number"),
    ("-smp 4,cores=3", "do not multiply"),
    ("-smp 2,maxcpus=4", "maxcpus"),
    ("-smp cpu=2", "did you mean 'cpus'"),
    # images
    (f"{BASE} -kernel nosuch", "nosuch.*No such file"),
    (f"{BASE} -kernel folder", "folder.*directory"),
    (f"{BASE} -kernel text", "not a RISC-V kernel"),
    ("-M virt -display none -kernel text", "not a RISC-V kernel"),
    (f"{BASE} -kernel empty", "empty"),
    (f"{BASE} -kernel short.elf", "short.elf.*not"),
    (f"{BASE} -kernel x86.elf", "another processor|not"),
    (f"{BASE} -kernel torn.elf", "torn.elf"),
    (f"{BASE} -kernel far.elf", "far.elf.*memory"),
    (f"{BASE} -m 32M -kernel big.bin", "big.bin.*fit|big.bin.*memory"),
    (f"{BASE} -m 64M -kernel huge.Image", "huge.Image.*fit"),
    (f"{BASE} -kernel bad.gz", "bad.gz"),
    (f"{BASE} -kernel empty.gz", "empty.gz.*empty inside"),
    (f"{BASE} -kernel cut.gz", "cut.gz.*damaged"),
    (f"{BASE} -kernel phoff.elf", "phoff.elf is a truncated ELF file: its program headers"),
    (f"{BASE} -kernel phoff2.elf", "phoff2.elf is a damaged ELF file"),
    (f"{BASE} -kernel phsize.elf", "phsize.elf is a damaged ELF file"),
    (f"{BASE} -kernel shoff.elf", "shoff.elf is a truncated ELF file: its section headers"),
    (f"{BASE} -kernel nothing.elf", "nothing.elf has nothing to load"),
    (f"{BASE} -kernel overlap.elf", "overlap.elf is a damaged ELF file: two segments overlap at 0x80000000"),
    (f"{BASE} -kernel entry.elf", "entry.elf is a damaged ELF file: its entry 0x90000000"),
    (f"{BASE} -kernel offset.elf", "offset.elf is a damaged ELF file: the size of a segment"),
    (f"{BASE} -kernel wide.elf", "wide.elf needs memory at 0x80000000"),
    (f"{BASE} -kernel rom.elf", r"kernel rom.elf at 0x1000 .*overlaps the reset ROM"),
    (f"{BASE} -kernel object.elf", "object.elf is not a little-endian ELF executable"),
    (f"{BASE} -kernel cut.Image", "cut.Image is truncated.*copy"),
    (f"{BASE} -kernel pipe", "pipe is not a regular file"),
    (f"{BASE} -kernel /dev/zero", "/dev/zero is not a regular file"),
    ("-M virt -display none -bios finish.bin -kernel finish0.elf",
     "kernel finish0.elf at 0x80000000 .*overlaps the firmware.*-bios none"),
    ("-M virt -display none -bios ./torn.elf",
     "torn.elf is a truncated ELF file: its segments end at byte 1048696, but it has 140; copy"),
    ("-M virt -display none -bios ./shoff.elf", "shoff.elf is a truncated ELF file"),
    ("-M virt -display none -bios ./empty", "empty"),
    ("-M virt -display none -bios ./pipe", "pipe is not a regular file"),
    ("-M spike -display none -bios none -kernel cut-symbols.elf", "cut-symbols.elf is a truncated ELF file"),
    (f"{PROG} -initrd empty", "initial ramdisk empty is empty"),
    (f"{PROG} -initrd folder", "folder.*directory"),
    (f"{PROG} -initrd pipe", "pipe is not a regular file"),
    (f"{PROG} -dtb folder", "folder.*directory"),
    (f"{PROG} -dtb pipe", "pipe is not a regular file"),
    (f"{PROG} -dtb cut.dtb", "cut.dtb.*not a device tree blob"),
    (f"{PROG} -dtb strings.dtb", "strings.dtb.*not a device tree blob"),
    (f"{PROG} -dtb strings2.dtb", "strings2.dtb.*not a device tree blob"),
    (f"{PROG} -dtb totalsize.dtb", "totalsize.dtb.*not a device tree blob"),
    (f"{PROG} -dtb deep.dtb", "deep.dtb.*device tree blob"),
    (f"{PROG} -m 4M -initrd most.bin", "overlaps|do not fit"),
    ("-M virt -display none -bios nosuch", "nosuch"),
    ("-M virt -display none -bios ./nosuch", "nosuch.*No such file"),
    ("-M virt -display none -bios ./folder", "folder.*directory"),
    (f"{PROG} -initrd nosuch", "nosuch.*No such file"),
    (f"{PROG} -m 8M -initrd big.bin", "big.bin"),
    (f"{BASE} -initrd finish.bin", "-kernel"),
    (f"{BASE} -append x", "-kernel"),
    (f"{PROG} -dtb nosuch", "nosuch.*No such file"),
    (f"{PROG} -dtb text", "text.*not a device tree"),
    (f"{PROG} -dtb broken.dtb", "broken.dtb"),
    (f"{PROG} -dtb empty", "empty"),
    # drives
    (f"{PROG} nosuch.img", "nosuch.img.*No such file"),
    (f"{PROG} -drive file=nosuch", "nosuch.*No such file"),
    (f"{PROG} -drive file=folder", "folder.*directory"),
    (f"{PROG} -drive if=none,id=x", "file="),
    (f"{PROG} -drive file=disk.img,fromat=raw", "did you mean 'format'"),
    (f"{PROG} -drive file=disk.img,format=rwa", "did you mean 'raw'"),
    (f"{PROG} -drive file=disk.img,if=vitrio", "did you mean 'virtio'"),
    (f"{PROG} -drive file=disk.img,if=ide", "none or virtio"),
    (f"{PROG} -drive file=disk.img,readonly=maybe", "neither on nor off"),
    (f"{PROG} -drive file=disk.img,if=none,id=a -drive file=disk2.img,if=none,id=a", "id=a is given twice"),
    (f"{PROG} -drive file=disk.img -drive file=disk.img", "disk.img.*in use|disk.img.*lock"),
    # devices
    (f"{BASE} -device virtio-blk-devise", "did you mean virtio-blk-device"),
    (f"{BASE} -device ,id=x", "name"),
    (f"{BASE} -device virtio-blk-device", "drive="),
    (f"{BASE} -device virtio-blk-device,drive=d0", "drive 'd0' does not exist"),
    (f"{PROG} -drive file=disk.img,if=none,id=disk0 -device virtio-blk-device,drive=disk1",
     "did you mean 'disk0'"),
    (f"{PROG} -drive file=disk.img,if=none,id=d -device virtio-blk-device,drvie=d", "did you mean drive"),
    (f"{PROG} -drive file=disk.img,if=none,id=d -device virtio-blk-device,drive=d -device virtio-blk-device,"
     f"drive=d", "in use|used"),
    (f"{PROG} -drive file=disk.img,if=none,id=d -device virtio-blk-device,drive=d,logical_block_size=x",
     "not a number"),
    (f"{PROG} -drive file=disk.img,if=none,id=d -device virtio-blk-device,drive=d,logical_block_size=777",
     "777|power|512"),
    (f"{BASE} -device goldfish-rtc", "part of machines"),
    (f"{BASE} -device virtio-rng-device,id=a -device virtio-rng-device,id=a", "id=a is given twice"),
    (f"{BASE} -device virtio-rng-device,bus=nowhere", "nowhere"),
    (f"{PROG} " + "-device virtio-rng-device " * 9, "slots|occupied"),
    ("-M spike -display none -bios none -kernel finish.bin -device virtio-rng-device", "slot|bus"),
    (f"{BASE} -global virtio-blk-device.drvie=x", "did you mean drive"),
    (f"{BASE} -global nosuch.x=1", "no device nosuch"),
    (f"{BASE} -global nonsense", "nonsense"),
    (f"{BASE} -global driver=virtio-blk-device,property=serial", "driver.property=value"),
    # character back ends
    (f"{PROG} -serial nonsense", "nonsense"),
    (f"{PROG} -serial stdio -monitor stdio", "terminal"),
    (f"{PROG} -serial file:no/such/x", "No such file"),
    (f"{PROG} -serial chardev:y", "no character device y"),
    (f"{PROG} -serial unix:no/such/sock", "no/such/sock"),
    (f"{PROG} -serial tcp::99999,server=on,wait=off",
     "character device serial0: port 99999 is more than 65535"),
    (f"{PROG} -chardev stdoi,id=x", "did you mean 'stdio'"),
    (f"{PROG} -chardev stdio", "id= is missing"),
    (f"{PROG} -chardev null,id=x,mxu=on", "did you mean mux"),
    (f"{PROG} -chardev null,id=a -chardev null,id=a", "id=a is given twice"),
    (f"{PROG} -chardev file,id=a", "path="),
    (f"{PROG} -chardev socket,id=a", "path=|port="),
    (f"{PROG} -chardev null,id=a -serial chardev:a -serial chardev:b", "chardev:b"),
    (f"{PROG} -monitor nonsense", "nonsense"),
    (f"{PROG} -display gtk", "display 'gtk' does not exist"),
    # running and looking inside
    (f"{PROG} -icount 11", "more than 10"),
    (f"{PROG} -icount nonsense", "not a number"),
    (f"{PROG} -icount sihft=1", "did you mean 'shift'"),
    (f"{PROG} -icount 1,align=on", "align"),
    (f"{PROG} -d in_sam", "did you mean 'in_asm'"),
    (f"{PROG} -D no/such/x", "no/such/x.*No such file"),
    (f"{PROG} -dfilter x", "no address range"),
    (f"{PROG} -gdb nonsense", "tcp::1234"),
    (f"{PROG} -gdb tcp::nonsense", "tcp::nonsense"),
    (f"{PROG} -gdb tcp::70000", "port 70000 is more than 65535"),
    (f"{PROG} -gdb unix:no/such/sock", "no/such/sock"),
    # whatever was opened before the mistake is closed and taken away again
    (f"{BASE} -kernel text -serial file:made.txt", "not a RISC-V kernel"),
    (f"{BASE} -kernel text -chardev file,id=c,path=made.txt -serial chardev:c", "not a RISC-V kernel"),
    (f"{BASE} -kernel text -serial file:keep.txt", "not a RISC-V kernel"),
    (f"{BASE} -kernel text -serial unix:made.sock,server=on,wait=off", "not a RISC-V kernel"),
    (f"{BASE} -kernel text -D made.log -d int", "not a RISC-V kernel"),
    (f"{BASE} -kernel text -nographic", "not a RISC-V kernel"),
    (f"{BASE} -kernel text -gdb unix:made.sock", "not a RISC-V kernel"),
]

# arguments, expected status, what stdout must match
RIGHT = [
    (PROG, 0, ""),
    (f"{BASE} -kernel headers.elf", 0, ""),
    (f"{BASE} -kernel finish0.elf", 0, ""),
    (f"{PROG} -dtb good.dtb", 0, ""),
    (f"{BASE} -kernel status7.bin", 7, ""),
    (f"{BASE} -kernel reset.bin -no-reboot", 0, ""),
    (f"{PROG} -nographic -serial null", 0, "monitor"),
    ("-version", 0, "Rhea.* 0\\."),
    ("--version", 0, "Rhea"),
    ("-help", 0, r"(?s)usage:.*-smp .*-kernel FILE"),
    ("-h", 0, "usage:"),
    ("-M help", 0, r"(?s)virt .*spike"),
    ("-machine virt,help", 0, "dumpdtb"),
    ("-cpu help", 0, r"(?s)rv64\nmax\n.*zba +address generation.*sstc +supervisor"),
    ("-cpu rv64,help", 0, r"(?s)rv64\n.*zicond +"),
    ("-cpu ?", 0, r"(?s)rv64\n.*zicond +"),
    ("-M virt,?", 0, "dumpdtb"),
    ("-machine ?", 0, r"(?s)virt .*spike"),
    ("-accel jit,help", 0, "thread= .*multi"),
    ("-device virtio-rng-device,?", 0, "random"),
    ("-chardev socket,help", 0, "stdio"),
    ("-drive help", 0, r"(?s)file= .*readonly= "),
    ("-smp help", 0, r"(?s)cpus= .*threads= "),
    ("-m ?", 0, "size= "),
    ("-global help", 0, r"(?s)driver= .*value= "),
    ("-accel help", 0, r"(?s)jit .*tcg.*interp"),
    ("-device help", 0, "virtio-blk-device"),
    ("-device virtio-blk-device,help", 0, "drive=<drive>"),
    ("-chardev help", 0, "stdio"),
    ("-d help", 0, "in_asm"),
    ("-M spike -display none -bios none -kernel finish.elf", 0, ""),
    ("-M spike -display none -bios none -kernel beside.elf", 0, ""),
    ("-M spike -display none -bios none -kernel beside.elf -accel interp", 0, ""),
    (f"{PROG} -accel interp", 0, ""),
    (f"{PROG} -accel tcg", 0, ""),
    (f"{PROG} -accel kvm -accel tcg", 0, ""),
    (f"{PROG} -accel tcg,thread=multi", 0, ""),
    ("-machine type=virt,accel=kvm:tcg,usb=off -display none -bios none -kernel finish.bin", 0, ""),
    ("-M virt,kernel=finish.bin,firmware=none -display none", 0, ""),
    (f"{PROG} -m 64", 0, ""),
    (f"{PROG} -m 64M", 0, ""),
    (f"{PROG} -m size=1048576K", 0, ""),
    (f"{PROG} -m 1G", 0, ""),
    (f"{PROG} -smp 4", 0, ""),
    (f"{PROG} -smp cpus=8", 0, ""),
    (f"{PROG} -smp 4,sockets=1,cores=2,threads=2,maxcpus=4", 0, ""),
    (f"{PROG} -smp sockets=2,cores=2", 0, ""),
    (f"{PROG} -cpu rv64,zba=off,zbb=on", 0, ""),
    (f"{PROG} -cpu max", 0, ""),
    (f"{PROG} -icount shift=0", 0, ""),
    (f"{PROG} -icount 3,sleep=off", 0, ""),
    (f"{PROG} -icount auto -smp 2", 0, ""),
    (f"{PROG} -name guest=a,,b,debug-threads=on", 0, ""),
    (f"{PROG} -drive file=disk.img,format=raw,if=none,id=d0,readonly=on -device virtio-blk-device,drive=d0",
     0, ""),
    (f"{PROG} -drive file=disk.img,format=raw", 0, ""),
    (f"{PROG} -drive file=with,,comma.img,cache=none,aio=native,discard=unmap", 0, ""),
    (f"{PROG} disk.img", 0, ""),
    (f"{PROG} -device virtio-rng-device,id=rng,bus=virtio-mmio-bus.3", 0, ""),
    (f"{PROG} -global virtio-blk-device.serial=abc", 0, ""),
    (f"{PROG} -global driver=virtio-blk-device,property=serial,value=abc", 0, ""),
    (f"{PROG} -serial null -monitor none -nographic -no-reboot", 0, ""),
    (f"{PROG} -nographic", 0, ""),
    (f"{PROG} -serial mon:stdio", 0, ""),
    (f"{PROG} -serial stdio", 0, ""),
    (f"{PROG} -chardev stdio,id=c,mux=on -serial chardev:c -monitor chardev:c", 0, ""),
    (f"{PROG} -chardev file,id=c,path=out.txt -serial chardev:c", 0, ""),
    (f"{PROG} -serial unix:out.sock,server=on,wait=off", 0, ""),
    (f"{PROG} -serial none -nodefaults", 0, ""),
    (f"{PROG} -monitor unix:mon.sock,server=on,wait=off", 0, ""),
    (f"{PROG} -gdb unix:gdb.sock", 0, ""),
    (f"{PROG} -d int,guest_errors -D out.log -dfilter 0x80000000+4096", 0, ""),
    (f"{PROG} -d in_asm,op,op_opt,out_asm,exec -D out.log", 0, ""),
    ("-M virt,dumpdtb=out.dtb -display none -smp 4", 0, ""),
]


def elf(machine, address, code, file_size=None, headers=0):
    """One segment; with the file's headers in it if that says how many bytes they have."""
    head = struct.pack("<4s5B7xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 0, 2, machine, 1,
                       address + (headers and 4096), 64, 0, 0, 64, 56, 1, 0, 0, 0)
    size = len(code) + headers if file_size is None else file_size
    return (head + struct.pack("<IIQQQQQQ", 1, 7, 120 - headers, address, address, size, max(size, len(code)),
                               4096) + code)


def finisher(value):
    """Stores value in the test finisher of virt and waits."""
    low = value & 0xfff
    high = (value + 0x800) >> 12 & 0xfffff
    return struct.pack("<5I", 0x100 << 12 | 5 << 7 | 0x37, high << 12 | 6 << 7 | 0x37,
                       low << 20 | 6 << 15 | 6 << 7 | 0x1b, 6 << 20 | 5 << 15 | 2 << 12 | 0x23, 0x6f)


def htif_program(tohost, *code):
    """Code that writes 1 (success) to tohost; with the symbols that spike looks for."""
    base = 0x80000000
    code = struct.pack(f"<{len(code)}I", *code).ljust(tohost - base + 16, b"\0")
    strings = b"\0tohost\0fromhost\0.symtab\0.strtab\0"
    symbols = (bytes(24) + struct.pack("<IBBHQQ", 1, 0x10, 0, 1, tohost, 8) +
               struct.pack("<IBBHQQ", 8, 0x10, 0, 1, tohost + 8, 8))
    strtab = 120 + len(code)
    symtab = (strtab + len(strings) + 7) & ~7
    sections = symtab + len(symbols)
    head = struct.pack("<4s5B7xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 0, 2, 243, 1, base, 64, sections, 0,
                       64, 56, 1, 64, 4, 3)
    program = struct.pack("<IIQQQQQQ", 1, 7, 120, base, base, len(code), len(code), 8)
    out = (head + program + code + strings).ljust(symtab, b"\0") + symbols

    def section(name, kind, flags, address, offset, size, link=0, info=0, entry=0):
        return struct.pack("<IIQQQQIIQQ", name, kind, flags, address, offset, size, link, info, 8, entry)
    out += (bytes(64) + section(0, 1, 6, base, 120, len(code)) +
            section(17, 2, 0, 0, symtab, len(symbols), 3, 1, 24))
    return out + section(25, 3, 0, 0, strtab, len(strings))


def device_tree(depth=1):
    """A blob with a property and @depth nodes in each other."""
    strings = b"compatible\0"
    struct_ = struct.pack(">I", 1) + bytes(4) + struct.pack(">III", 3, 8, 0) + b"rhea,no\0"
    struct_ += ((struct.pack(">I", 1) + b"abc\0") * depth + struct.pack(">I", 2) * (depth + 1) +
                struct.pack(">I", 9))
    total = 40 + 16 + len(struct_) + len(strings)
    head = struct.pack(">10I", 0xd00dfeed, total, 56, 56 + len(struct_), 40, 17, 16, 0, len(strings),
                       len(struct_))
    return head + bytes(16) + struct_ + strings


def make_files(folder):
    header = bytearray(64)
    header[8:24] = struct.pack("<QQ", 0x200000, 1 << 32)
    header[48:60] = b"RISCV\0\0\0RSC\x05"
    files = {
        "finish.bin": finisher(0x5555), "status7.bin": finisher(7 << 16 | 0x3333),
        "reset.bin": finisher(0x7777),
        "finish.elf": htif_program(0x80001000, 0x00001297, 0x00100313, 0x0062b023, 0x0000006f),
        # Code and atomics in tohost's own line: stores there the 1 that it has added to memory.
        "beside.elf": htif_program(0x80000020, 0x00000297, 0x00100313, 0x08028393, 0x0063b02f, 0x0003b303,
                                   0x0262b023, 0x0000006f),
        "text": b"this is no kernel\n" * 20, "empty": b"", "disk.img": bytes(1 << 20),
        "disk2.img": bytes(1 << 20),
        "with,comma.img": bytes(65536), "keep.txt": b"kept\n",
        "broken.dtb": b"\xd0\x0d\xfe\xed" + b"\xff" * 60,
        "short.elf": b"\x7fELF\x02\x01\x01" + bytes(9), "x86.elf": elf(62, 0x80000000, finisher(0x5555)),
        "headers.elf": elf(243, 0x7ffff000, bytes(4096 - 120) + finisher(0x5555), headers=120),
        "torn.elf": elf(243, 0x80000000, finisher(0x5555), 1 << 20),
        "far.elf": elf(243, 0x7000000000, finisher(0x5555)),
        "big.bin": b"\x13\0\0\0" * (10 << 20), "huge.Image": bytes(header),
        "bad.gz": b"\x1f\x8b\x08\0" + b"\xff" * 100,
    }
    good = files["finish.elf"]
    finish0 = elf(243, 0x80000000, finisher(0x5555))

    def changed(data, at, form, value):
        return data[:at] + struct.pack(form, value) + data[at + struct.calcsize(form):]
    two = changed(finish0[:120], 56, "<H", 2) + finish0[64:120] + finish0[120:]
    two = changed(changed(two, 64 + 8, "<Q", 176), 120 + 8, "<Q", 176)
    header[16:24] = struct.pack("<Q", 1 << 20)
    pe = (bytes(header[:56]) + b"RSC\x05" + struct.pack("<I", 64) + b"PE\0\0" +
          struct.pack("<HHIIIHH", 0x5064, 1, 0, 0, 0, 0, 0))
    pe = b"MZ" + pe[2:] + b".text\0\0\0" + struct.pack("<IIII", 0x1000, 0x1000, 1 << 20, 0x1000) + bytes(16)
    tree = device_tree()
    files |= {
        "finish0.elf": finish0, "phoff.elf": changed(finish0, 32, "<Q", 1 << 20),
        "phoff2.elf": changed(finish0, 32, "<Q", (1 << 64) - 8),
        "phsize.elf": changed(finish0, 54, "<H", 8),
        "shoff.elf": changed(changed(changed(finish0, 40, "<Q", 4000), 58, "<H", 64), 60, "<H", 3),
        "nothing.elf": changed(finish0, 56, "<H", 0), "overlap.elf": two,
        "entry.elf": changed(finish0, 24, "<Q", 0x90000000),
        "offset.elf": changed(finish0, 72, "<Q", (1 << 64) - 8),
        "wide.elf": changed(finish0, 104, "<Q", 1 << 60),
        "rom.elf": elf(243, 0x1000, finisher(0x5555)), "object.elf": changed(finish0, 16, "<H", 1),
        "cut.Image": pe,
        "empty.gz": gzip.compress(b""), "cut.gz": gzip.compress(bytes(range(256)) * 100)[:-200],
        "cut-symbols.elf": good[:-100],
        "good.dtb": tree, "cut.dtb": tree[:-20], "strings.dtb": changed(tree, 12, ">I", len(tree) + 100),
        "strings2.dtb": changed(tree, 32, ">I", 1 << 30), "totalsize.dtb": changed(tree, 4, ">I", 1 << 20),
        "deep.dtb": device_tree(2000),
        "most.bin": bytes(1600 << 10),
    }
    os.mkfifo(os.path.join(folder, "pipe"))
    if os.geteuid():
        WRONG.append((f"{BASE} -kernel locked", "locked.*Permission denied"))
        os.close(os.open(os.path.join(folder, "locked"), os.O_CREAT | os.O_WRONLY, 0))
    for name, data in files.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)
    os.mkdir(os.path.join(folder, "folder"))


class Runner:
    def __init__(self, emulator):
        self.emulator = emulator
        self.failed = 0
        self.count = 0

    def fail(self, arguments, why):
        print(f"FAILED: {arguments}: {why}")
        self.failed += 1

    def run(self, arguments, folder):
        """
        Runs with a terminal for stdin; status, stdout, stderr, and whether the terminal stayed as it was.
        """
        self.count += 1
        master, slave = pty.openpty()
        before = termios.tcgetattr(slave)
        try:
            r = subprocess.run([self.emulator, *arguments.split()], stdin=slave, capture_output=True,
                               text=True, cwd=folder, timeout=60, check=False)
            same = termios.tcgetattr(slave) == before
            return r.returncode, r.stdout, r.stderr, same
        except subprocess.TimeoutExpired:
            return None, "", "it ran on", True
        finally:
            os.close(master)
            os.close(slave)

    def wrong(self, arguments, pattern, folder):
        listing = snapshot(folder)
        status, out, err, terminal = self.run(arguments, folder)
        lines = err.splitlines()
        if status != 1:
            self.fail(arguments, f"status {status}, not 1: {err}")
        elif len(lines) != 1:
            self.fail(arguments, f"not one message: {err!r}")
        elif not re.search(pattern, err):
            self.fail(arguments, f"the message does not match {pattern!r}: {err}")
        elif not re.match(r"[\w-]+: \S", err) or not err.isprintable() and "\n" not in err:
            self.fail(arguments, f"the message is not of the form 'rhea: text': {err!r}")
        elif out:
            self.fail(arguments, f"stdout is not empty: {out!r}")
        elif not terminal:
            self.fail(arguments, "the terminal was left changed")
        elif snapshot(folder) != listing:
            self.fail(arguments, f"files changed: {snapshot(folder) ^ listing}")

    def right(self, arguments, expected, pattern, folder):
        status, out, err, terminal = self.run(arguments, folder)
        if status != expected:
            self.fail(arguments, f"status {status}, not {expected}: {err}")
        elif not re.search(pattern, out):
            self.fail(arguments, f"stdout does not match {pattern!r}: {out[:400]!r}")
        elif not terminal:
            self.fail(arguments, "the terminal was left changed")
        elif err and "dumpdtb" not in arguments:
            self.fail(arguments, f"stderr is not empty: {err[:400]!r}")


def snapshot(folder):
    return {(e.name, e.stat().st_size) for e in os.scandir(folder)}


def check_special_files(runner, folder):
    """
    What has the name of an output stays what it is: a link, a device; a socket's name frees no other file.
    """
    link, target, kept = (os.path.join(folder, name) for name in ("link.dtb", "target.dtb", "kept.txt"))
    open(target, "w").close()
    os.symlink("target.dtb", link)
    runner.right("-M virt,dumpdtb=link.dtb -display none", 0, "", folder)
    if not os.path.islink(link) or not os.path.getsize(target):
        runner.fail("dumpdtb=link.dtb", "the link was replaced")
    with open(kept, "w", encoding="ascii") as f:
        f.write("kept\n")
    for option in ("-serial unix:kept.txt,server=on,wait=off", "-gdb unix:kept.txt"):
        status, _, err, _ = runner.run(f"-M virt {option} -display none", folder)
        if status != 1 or "kept.txt" not in err or not os.path.isfile(kept):
            runner.fail(option, f"status {status}, {err[:200]!r}, or the file is gone")


def check_personality(runner, folder):
    """The name it is called by chooses the guest."""
    for name, status in (("rhea-system-riscv64", 0), ("rhea", 0), ("rhea-system-risvc64", 1)):
        path = os.path.join(folder, name)
        os.symlink(runner.emulator, path)
        r = subprocess.run([path, "-version"], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                           check=False)
        if r.returncode != status or (status and "did you mean 'riscv64'" not in r.stderr):
            runner.fail(name, f"status {r.returncode}: {r.stdout}{r.stderr}")


def check_bare(runner, folder):
    """The machine of the guests that have no board: what it cannot run it refuses."""
    wrong = (
        ("", "needs a program; add -kernel"), ("-kernel text", "text is not an ELF file"),
        ("-kernel empty", "empty.*(is empty|not an ELF)"), ("-kernel short.elf", "short.elf"),
        ("-kernel finish0.elf", "finish0.elf is for another processor"),
        ("-kernel gone", "gone: .*No such file"),
        ("-kernel finish0.elf -initrd text", "-initrd: machine bare runs a program without it"),
        ("-kernel finish0.elf -m 3M", "-m: machine bare takes 2 MiB"),
        ("-kernel finish0.elf -smp 9", "at most 8 vCPUs"),
        ("-kernel finish0.elf -cpu mx", "unknown CPU model 'mx'"),
        ("-kernel finish0.elf -cpu max,avx99=on", "unknown CPU feature 'avx99'.*-cpu help"),
    )
    for guest in ("aarch64", "x86_64"):
        program = os.path.join(folder, "rhea-system-" + guest)
        os.symlink(runner.emulator, program)
        other = Runner(program)
        for arguments, pattern in wrong:
            other.wrong(f"-M bare -display none {arguments}", pattern, folder)
        other.right("-cpu help", 0, r"max\n(.|\n)*\n%s +\w" % {"aarch64": "crc32", "x86_64": "sse2"}[guest],
                    folder)
        runner.count, runner.failed = runner.count + other.count, runner.failed + other.failed


def check_markdown(runner, program, page):
    made = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    with open(page, encoding="utf-8") as f:
        there = f.read()
    if made != there:
        diff = "\n".join(difflib.unified_diff(there.splitlines(), made.splitlines(), page, "the table",
                                              lineterm=""))
        runner.fail(page, f"it is not what the table of options gives; run ninja docs-command-line\n{diff}")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("emulator")
    p.add_argument("--markdown", nargs=2)
    p.add_argument("patterns", nargs="*")
    opts = p.parse_args()
    runner = Runner(os.path.abspath(opts.emulator))
    with tempfile.TemporaryDirectory() as folder:
        make_files(folder)
        for arguments, pattern in WRONG:
            if not opts.patterns or any(x in arguments for x in opts.patterns):
                runner.wrong(arguments, pattern, folder)
        for arguments, status, pattern in RIGHT:
            if not opts.patterns or any(x in arguments for x in opts.patterns):
                runner.right(arguments, status, pattern, folder)
        if not opts.patterns:
            check_personality(runner, folder)
            check_bare(runner, folder)
            check_special_files(runner, folder)
    if opts.markdown:
        check_markdown(runner, *opts.markdown)
    print(f"{runner.count} command lines, {runner.failed} failed")
    return 1 if runner.failed else 0


if __name__ == "__main__":
    sys.exit(main())
