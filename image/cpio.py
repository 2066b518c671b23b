"""The initramfs archive: cpio `newc`, as the kernel unpacks it.

Source: Documentation/driver-api/early-userspace/buffer-format.rst. Everything belongs to root and
has modification time 0, so equal trees give equal archives. Not supported: hard links.
"""

import stat
from typing import IO, Final

from image.tree import Device, Directory, Entry, File, Link, Tree

_TRAILER: Final = "TRAILER!!!"


def write(tree: Tree, output: IO[bytes]) -> None:
    """Write the archive; a directory comes before what is in it."""
    for number, (path, entry) in enumerate(sorted(tree.entries.items()), 1):
        _member(output, path, number, entry)
    _member(output, _TRAILER, 0, File(b"", 0))


def _member(output: IO[bytes], path: str, number: int, entry: Entry) -> None:
    device = (0, 0)
    data = b""
    mode = 0
    match entry:
        case File():
            data = entry.read()
            mode = stat.S_IFREG | entry.mode
        case Link():
            data = entry.target.encode()
            mode = stat.S_IFLNK | 0o777
        case Directory():
            mode = stat.S_IFDIR | entry.mode
        case Device():
            mode = (stat.S_IFCHR if entry.kind == "c" else stat.S_IFBLK) | entry.mode
            device = (entry.major, entry.minor)
    name = path.encode() + b"\0"
    if path == _TRAILER:
        mode = 0
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0)
    header = b"070701" + b"".join(b"%08x" % value for value in fields)
    output.write(_padded(header + name))
    output.write(_padded(data))


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
