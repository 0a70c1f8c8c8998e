#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Picks kernel modules for the initramfs.

    modules.py KERNEL-MODULES-DIR OUT-DIR LIST=module,module... ...

Unpacks each named module and all that it depends on into OUT-DIR, and writes
OUT-DIR/LIST with their file names in the order in which they must be loaded.
Debian's package has no modules.dep (depmod runs when it is installed), so
dependencies are read from the modules' own .modinfo strings.
"""

import gzip
import lzma
import os
import re
import sys


def find_modules(root):
    found = {}
    for folder, _, files in os.walk(root):
        for name in files:
            m = re.fullmatch(r"(.+)\.ko(\.xz|\.gz)?", name)
            if m:
                found[m.group(1).replace("-", "_")] = os.path.join(folder, name)
    return found


def find_builtin(root):
    with open(os.path.join(root, "modules.builtin"), encoding="utf-8") as f:
        return {os.path.basename(line.strip())[:-3].replace("-", "_") for line in f}


def read_module(path):
    with open(path, "rb") as f:
        data = f.read()
    if path.endswith(".xz"):
        return lzma.decompress(data)
    return gzip.decompress(data) if path.endswith(".gz") else data


def modinfo(data, key):
    """The values of a key in the module's .modinfo section (key=value, each ended by a zero byte)."""
    return [v.decode() for v in re.findall(rb"\0" + key.encode() + rb"=([^\0]*)", data)]


class Picker:
    def __init__(self, root):
        self.found = find_modules(root)
        self.builtin = find_builtin(root)
        self.data = {}

    def order(self, name, out):
        """Appends name's dependencies and name itself to out, each once."""
        name = name.replace("-", "_")
        if name in out or name in self.builtin:
            return
        if name not in self.found:
            sys.exit(f"modules.py: the kernel package has no module {name}")
        data = self.data.setdefault(name, read_module(self.found[name]))
        for depends in modinfo(data, "depends"):
            for d in filter(None, depends.split(",")):
                self.order(d, out)
        out.append(name)


def main(argv):
    if len(argv) < 4:
        sys.exit(__doc__)
    root, out_dir = argv[1:3]
    os.makedirs(out_dir, exist_ok=True)
    picker = Picker(root)
    for arg in argv[3:]:
        list_name, _, names = arg.partition("=")
        order = []
        for name in names.split(","):
            picker.order(name, order)
        with open(os.path.join(out_dir, list_name), "w", encoding="utf-8") as f:
            f.writelines(f"{name}.ko\n" for name in order)
    for name, data in picker.data.items():
        with open(os.path.join(out_dir, name + ".ko"), "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main(sys.argv)
