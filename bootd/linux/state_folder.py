"""Keeps a text in a folder so that a power cut leaves the old one or the new one, never neither.

Where the file system keeps a journal, or never overwrites: a new file is written, synced, and
renamed over the old one, and the folder is synced. FAT does neither, and a rename there is three
writes; so the text is kept twice, each copy with a number and a checksum, and only the older copy
is overwritten, in place.
"""

import errno
import os
import re
from typing import Final
from zlib import crc32

from bootd.model.remembered import MAX_BYTES

NAME: Final = "state.json"
COPIES: Final = ("state.0", "state.1")

TWICE: Final = frozenset({"vfat", "msdos", "exfat"})
"""File systems where two copies are kept."""

VOLATILE: Final = frozenset({"", "tmpfs", "ramfs", "rootfs", "devtmpfs", "overlay"})
"""File systems that a power-off empties, or may empty."""

_FIXED: Final = frozenset({"squashfs", "erofs", "iso9660", "cramfs", "romfs"})
"""File systems that are never written."""

_HEADER: Final = re.compile(rb"bootd-state (\d{10}) (\d{6}) ([0-9a-f]{8})\n")
"""Number, bytes of the text, checksum of the text with the number in front."""
_STEP: Final = 4096
"""A copy grows by this, so that its clusters seldom change."""


def read(folder: str, *, twice: bool) -> bytes | None:
    """Return the text, or None when there is none.

    Raises:
        OSError: It cannot be read.
    """
    if not twice:
        return _read(f"{folder}/{NAME}")
    found = _newest(folder)
    return None if found is None else found[1]


def write(folder: str, text: bytes, *, twice: bool) -> None:
    """Replace the text; it is on the medium when this returns.

    Raises:
        OSError: It is not, and the old one is still there.
    """
    if twice:
        _write_copy(folder, text)
    else:
        _replace(folder, text)
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def file_system(folder: str) -> str:
    """Return the type of the file system that a folder is on, or "" when that is unknown."""
    path, best, fstype = os.path.realpath(folder), "", ""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        for line in table:
            front, _, back = line.partition(" - ")
            place = front.split(" ")[4]
            inside = place in {"/", path} or path.startswith(place + "/")
            if inside and len(place) >= len(best):
                best, fstype = place, back.split(" ")[0]
    return fstype


def is_lasting(folder: str) -> bool:
    """Say whether a folder is there, may be written, and outlives a power-off.

    One on a file system that is read-only now is lasting: early in a start the root file system is.
    """
    if not os.path.isdir(folder) or file_system(folder) in VOLATILE | _FIXED:
        return False
    return os.access(folder, os.W_OK | os.X_OK) or bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def _replace(folder: str, text: bytes) -> None:
    new = f"{folder}/{NAME}.new"
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        _write_all(fd, text, 0)
        os.fsync(fd)
    finally:
        os.close(fd)
    os.rename(new, f"{folder}/{NAME}")


def _write_copy(folder: str, text: bytes) -> None:
    newest = _newest(folder)
    index, number = (0, 1) if newest is None else (1 - newest[2], newest[0] + 1)
    counted = b"%010d" % number
    header = b"bootd-state %b %06d %08x\n" % (counted, len(text), crc32(counted + text))
    size = -(-(len(header) + len(text)) // _STEP) * _STEP
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(f"{folder}/{COPIES[index]}", flags, 0o644)
    try:
        _write_all(fd, (header + text).ljust(size, b"\n"), 0)
        os.fsync(fd)
    finally:
        os.close(fd)


def _newest(folder: str) -> tuple[int, bytes, int] | None:
    """Return number, text and index of the copy that counts, or None."""
    best: tuple[int, bytes, int] | None = None
    for index, name in enumerate(COPIES):
        found = _parse(_read(f"{folder}/{name}") or b"")
        if found is not None and (best is None or found[0] > best[0]):
            best = (*found, index)
    return best


def _parse(data: bytes) -> tuple[int, bytes] | None:
    match = _HEADER.match(data)
    if match is None:
        return None
    text = data[match.end() : match.end() + int(match[2])]
    if len(text) != int(match[2]) or crc32(match[1] + text) != int(match[3], 16):
        return None
    return int(match[1]), text


def _read(path: str) -> bytes | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(fd, "rb") as file:
        data = file.read(MAX_BYTES + _STEP + 1)
    if len(data) > MAX_BYTES + _STEP:
        raise OSError(errno.EFBIG, "it is larger than anything that bootd writes", path)
    return data


def _write_all(fd: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(fd, view, offset)
        view, offset = view[count:], offset + count
