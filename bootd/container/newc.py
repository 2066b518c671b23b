"""One file packed as a cpio archive: what GRUB makes of `initrd newc:NAME:FILE`.

Source: Documentation/driver-api/early-userspace/buffer-format.rst of the kernel;
grub-core/loader/linux.c of GRUB (insert_dir, make_header). The part is `newc:` and the name that
the file gets in the initramfs; the container is the file itself, of any kind.
"""

from collections.abc import Iterator
from typing import Final

from bootd.container.part import MAX_PART_BYTES, Part, Read
from bootd.errors import ImageError

PREFIX: Final = "newc:"

_DIRECTORY: Final = 0o040755
_FILE: Final = 0o100755
_BLOCK: Final = 512
"""Archives are padded to it, so that another one may follow."""


def find(read: Read, part: str) -> Part:
    """Return the whole file with an archive around it.

    Raises:
        ImageError: It has no name, or is too large.
    """
    name = "/".join(each for each in part.removeprefix(PREFIX).split("/") if each not in {"", "."})
    if not name or ".." in name.split("/"):
        raise ImageError(f"{part!r:.80} names no file for the initramfs")
    size = _size(read)
    before = b"".join(_headers(name, size))
    end = bytes(-size % 4) + _header("TRAILER!!!", 0, 0, 0)
    padding = bytes(-(len(before) + size + len(end)) % _BLOCK)
    return Part(offset=0, size=size, before=before, behind=end + padding)


def _headers(name: str, size: int) -> Iterator[bytes]:
    """Yield the headers of the folders above a file, and its own."""
    parts = name.split("/")
    for depth in range(1, len(parts)):
        yield _header("/".join(parts[:depth]), _DIRECTORY, 0, depth)
    yield _header(name, _FILE, size, len(parts))


def _header(name: str, mode: int, size: int, inode: int) -> bytes:
    data = name.encode("utf-8", "surrogateescape") + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(data), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + data
    return header + bytes(-len(header) % 4)


def _size(read: Read) -> int:
    """Return the length of the file, found by halves: a reader says no more than where it ends."""
    low, high = 0, 1
    while read(high - 1, 1):
        low, high = high, high * 2
        if high > MAX_PART_BYTES:
            raise ImageError("the file is too large for an initrd")
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if read(middle - 1, 1) else (low, middle)
    return low
