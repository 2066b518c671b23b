"""Detached mounts for kernels before 5.2: mounted where nobody sees it, and unmounted while in use.

The mount is made in a mount namespace of this process alone, over a directory that is always there;
a directory descriptor keeps it when it has been taken off again (umount2(2), MNT_DETACH). As with
fsmount(2) it shows nowhere and ends with its last descriptor.
"""

import ctypes
import errno
import os
from typing import Final

from bootd.linux.libc import LIBC, last_error

_PLACE: Final = "/dev"

_CLONE_NEWNS: Final = 0x00020000
_MS_RDONLY: Final = 1
_MS_NOSUID: Final = 2
_MS_NODEV: Final = 4
_MS_NOEXEC: Final = 8
_MS_REMOUNT: Final = 32
_MS_BIND: Final = 4096
_MS_REC: Final = 16384
_MS_PRIVATE: Final = 1 << 18
_MNT_DETACH: Final = 2

_HARMLESS: Final = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC


def mount(node: str, driver: str, options: tuple[str, tuple[str, ...]], *, writable: bool) -> int:
    """Mount a block device and return a descriptor of its root, which the caller owns.

    Args:
        node: The device node.
        driver: The kernel's name of the file system.
        options: Those it is mounted with, comma-separated, and those that may be left out.
        writable: Else it is read-only.

    Raises:
        OSError: From the kernel.
    """
    needed, wanted = options
    flags = _HARMLESS | (0 if writable else _MS_RDONLY)
    _be_alone()
    try:
        _mount(node, driver, flags, ",".join(filter(None, (needed, *wanted))))
    except OSError as error:
        if error.errno != errno.EINVAL or not wanted:
            raise
        _mount(node, driver, flags, needed)
    return _take_off()


def clone(place: str) -> int:
    """Return a descriptor of what is mounted at a directory, read-only; raises like `mount`."""
    _be_alone()
    _mount(place, None, _MS_BIND, "")
    _mount(None, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _HARMLESS, "")
    return _take_off()


def _be_alone() -> None:
    if LIBC.unshare(ctypes.c_int(_CLONE_NEWNS)) != 0:
        raise last_error("unshare")
    private = ctypes.c_ulong(_MS_REC | _MS_PRIVATE)
    if LIBC.mount(None, b"/", None, private, None) != 0:
        raise last_error("mount")


def _mount(source: str | None, driver: str | None, flags: int, options: str) -> None:
    words = [text if text is None else os.fsencode(text) for text in (source, _PLACE, driver)]
    pointers = [ctypes.c_char_p(word) for word in words]
    data = ctypes.c_char_p(os.fsencode(options) or None)
    if LIBC.mount(*pointers, ctypes.c_ulong(flags), data) != 0:
        raise last_error("mount")


def _take_off() -> int:
    fd = os.open(_PLACE, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    if LIBC.umount2(os.fsencode(_PLACE), ctypes.c_int(_MNT_DETACH)) != 0:
        error = last_error("umount2")
        os.close(fd)
        raise error
    return fd
