"""openat2(2): open a path that cannot leave a directory, symbolic links included.

Source: include/uapi/linux/openat2.h, Documentation/filesystems/path-lookup.rst. Linux 5.6 and
later; for an older kernel, or where a filter hides the call, see `stepwise`.
"""

import ctypes
import errno
import os
from typing import Final

from bootd.linux.libc import syscall

RESOLVE_NO_XDEV: Final = 0x01
"""Refuse (EXDEV) to go from one mount to another."""
RESOLVE_NO_MAGICLINKS: Final = 0x02
"""Refuse (ELOOP) links such as /proc/self/root that jump anywhere."""
RESOLVE_IN_ROOT: Final = 0x10
"""The directory is `/` for absolute paths and links, and `..` stops there."""

_NR_OPENAT2: Final = 437
_ATTEMPTS: Final = 16
"""The kernel answers EAGAIN when a rename raced with a `..`; it asks callers to try again."""


def is_supported() -> bool:
    """Say whether the kernel has the call: it complains of the missing path, not of the call."""
    try:
        syscall("openat2", _NR_OPENAT2, -1, ctypes.c_void_p(None), ctypes.c_void_p(None), 0)
    except OSError as error:
        return error.errno != errno.ENOSYS
    return True


class _OpenHow(ctypes.Structure):
    """struct open_how."""

    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def openat2(dir_fd: int, path: str, *, flags: int, resolve: int) -> int:
    """Open `path` below a directory and return a new file descriptor, which the caller owns.

    Args:
        dir_fd: A directory; O_PATH is enough.
        path: Decoded as `os.fsdecode` does.
        flags: O_CLOEXEC is added.
        resolve: RESOLVE_* constants.

    Raises:
        OSError: With `path` as its file name; EINVAL also for a NUL in the path.
    """
    name = os.fsencode(path)
    if b"\0" in name:
        raise OSError(errno.EINVAL, "the name holds a NUL", path)
    how = _OpenHow(flags=flags | os.O_CLOEXEC, mode=0, resolve=resolve)
    size = ctypes.sizeof(how)
    for attempt in range(_ATTEMPTS):
        try:
            return syscall(
                path, _NR_OPENAT2, dir_fd, ctypes.c_char_p(name), ctypes.byref(how), size
            )
        except BlockingIOError:
            if attempt == _ATTEMPTS - 1:
                raise
        except OSError as error:
            if error.errno != errno.ENOSYS:
                raise
            return _in_steps(dir_fd, path, flags, resolve)
    raise AssertionError  # the loop returns or raises


def _in_steps(dir_fd: int, path: str, flags: int, resolve: int) -> int:
    from bootd.linux.stepwise import open_below  # noqa: PLC0415 - old kernels only

    if resolve & ~RESOLVE_NO_XDEV != RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS:
        raise OSError(errno.ENOSYS, "this kernel has no openat2 (Linux 5.6 or later has)", path)
    return open_below(dir_fd, path, flags)
