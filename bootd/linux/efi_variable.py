"""Keeps a text in an EFI variable, through efivarfs: the firmware replaces it as a whole.

efivarfs marks variables that it does not know immutable, so that nobody removes them by mistake;
the mark is taken off for a write and put back. A file of it begins with 4 bytes of attributes.
Source: Documentation/filesystems/efivarfs.rst; UEFI specification, section 8.2 (SetVariable).
"""

import errno
import fcntl
import os
import struct
from contextlib import suppress
from typing import Final

FOLDER: Final = "sys/firmware/efi/efivars"

NAME: Final = "BootdState-9f4c6a1e-5d0b-4c38-8a57-2f3e6b1d7c90"

_ATTRIBUTES: Final = 0x7
"""Non-volatile, for boot services and at run time."""

_FS_IOC_GETFLAGS: Final = 0x80086601 if struct.calcsize("P") == 8 else 0x80046601
_FS_IOC_SETFLAGS: Final = 0x40086602 if struct.calcsize("P") == 8 else 0x40046602
_FS_IMMUTABLE_FL: Final = 0x10

_MAX_BYTES: Final = 128 << 10


def is_there(root: str = "/") -> bool:
    """Say whether this machine has EFI variables that can be written."""
    folder = os.path.join(root, FOLDER)
    return os.access(folder, os.W_OK) and bool(os.listdir(folder))


def read(root: str = "/") -> bytes | None:
    """Return the text, or None when there was never one; raises OSError."""
    try:
        fd = os.open(_path(root), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(fd, "rb", buffering=0) as file:
        return file.read(_MAX_BYTES)[4:]


def write(text: bytes, root: str = "/") -> None:
    """Replace the text.

    Raises:
        OSError: The firmware refused it, such as for want of room.
    """
    data = _ATTRIBUTES.to_bytes(4, "little") + text
    with suppress(FileNotFoundError):
        _mark(root, immutable=False)
    try:
        fd = os.open(_path(root), os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            if os.write(fd, data) != len(data):
                raise OSError(errno.ENOSPC, "the firmware has no room for it", _path(root))
        finally:
            os.close(fd)
    finally:
        with suppress(OSError):
            _mark(root, immutable=True)


def _mark(root: str, *, immutable: bool) -> None:
    fd = os.open(_path(root), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        flags = bytearray(8)
        fcntl.ioctl(fd, _FS_IOC_GETFLAGS, flags)
        now = int.from_bytes(flags[:4], "little" if _IS_LITTLE else "big")
        wanted = now | _FS_IMMUTABLE_FL if immutable else now & ~_FS_IMMUTABLE_FL
        if wanted != now:
            fcntl.ioctl(fd, _FS_IOC_SETFLAGS, struct.pack("=I4x", wanted))
    finally:
        os.close(fd)


def _path(root: str) -> str:
    return os.path.join(root, FOLDER, NAME)


_IS_LITTLE: Final = struct.pack("=H", 1) == b"\1\0"
