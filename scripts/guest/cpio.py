#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes an initramfs: a cpio archive in the "newc" format that the Linux
kernel unpacks (Documentation/driver-api/early-userspace/buffer-format.rst).

    cpio.py OUT GUEST-PATH=HOST-PATH... [GUEST-PATH->TARGET...]

A host folder brings everything below it; `path->target` makes a symbolic link.
All belongs to root, times are zero and names are sorted, so the same input
gives the same bytes. The kernel unpacks archives that follow one another, so
a file written by this can be appended to another initramfs.
"""

import gzip
import os
import stat
import sys


def collect(entries, guest, host):
    """Adds host (a file or a folder) as guest to entries: path -> (mode, data)."""
    guest = guest.strip("/")
    if os.path.isdir(host):
        if guest:
            entries[guest] = (stat.S_IFDIR | 0o755, b"")
        for name in os.listdir(host):
            collect(entries, f"{guest}/{name}", os.path.join(host, name))
    elif os.path.islink(host):
        entries[guest] = (stat.S_IFLNK | 0o777, os.readlink(host).encode())
    else:
        with open(host, "rb") as f:
            mode = 0o755 if os.access(host, os.X_OK) else 0o644
            entries[guest] = (stat.S_IFREG | mode, f.read())


def add_parents(entries):
    for path in list(entries):
        while "/" in path:
            path = path.rsplit("/", 1)[0]
            entries.setdefault(path, (stat.S_IFDIR | 0o755, b""))


def pad(data):
    return data + b"\0" * (-len(data) % 4)


def record(inode, path, mode, data):
    links = 2 if stat.S_ISDIR(mode) else 1
    name = path.encode() + b"\0"
    fields = (inode, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(name), 0)
    return pad(b"070701" + b"".join(b"%08X" % f for f in fields) + name) + pad(data)


def archive(entries):
    add_parents(entries)
    out = [record(i + 1, path, *entries[path]) for i, path in enumerate(sorted(entries))]
    return b"".join(out) + record(0, "TRAILER!!!", 0, b"")


def main(argv):
    if len(argv) < 3:
        sys.exit(__doc__)
    entries = {}
    for arg in argv[2:]:
        link, arrow, target = arg.partition("->")
        guest, equals, host = arg.partition("=")
        if arrow:
            entries[link.strip("/")] = (stat.S_IFLNK | 0o777, target.encode())
        elif equals and os.path.exists(host):
            collect(entries, guest, host)
        else:
            sys.exit(f"cpio.py: {arg}: expected guest=host with an existing host path, or link->target")
    with open(argv[1], "wb") as f:
        f.write(gzip.compress(archive(entries), 9, mtime=0))


if __name__ == "__main__":
    main(sys.argv)
