"""Renaming one file of a file system that nothing else has mounted writable.

Source: renameat2(2), fsync(2). The one write that bootd makes on a disk of somebody else, and only
when the administrator has asked for it. After a power cut the name is the old one or the new one,
or on FAT, which has no journal, both.
"""

import ctypes
import errno
import os
import stat
import time
from typing import Final

from bootd.linux.libc import LIBC, last_error
from bootd.linux.mount import mount_writable
from bootd.linux.openat2 import RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_XDEV, openat2
from bootd.linux.unwritable import allow

_RENAME_NOREPLACE: Final = 1
_RESOLVE: Final = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV
_BUSY_S: Final = 3.0
_BUSY_STEP_S: Final = 0.05


def rename_on(node: str, fstype: str, path: str, name: str) -> None:
    """Mount a device for a moment and rename a file on it.

    A worker that reads the device is waited for, up to 3 seconds.

    Args:
        node: The device node.
        fstype: As blkid names it, one of `bootd.model.device.WRITABLE`.
        path: Absolute, from the root of the file system.
        name: The new name in the same folder.

    Raises:
        OSError: In words; nothing is renamed then.
    """
    fd = _mounted(node, fstype)
    try:
        rename_below(fd, path, name)
    finally:
        os.close(fd)


def rename_below(root: int, path: str, name: str) -> None:
    """Rename a regular file below a directory, never over another one, and wait for the disk.

    Args:
        root: A directory of the file system, writable.
        path: As of `rename_on`.
        name: As of `rename_on`.

    Raises:
        OSError: In words; nothing is renamed then, unless the medium failed at the very end.
    """
    folder, _, old = path.rpartition("/")
    if not old or "/" in name or name in {"", ".", ".."}:
        raise OSError(errno.EINVAL, "is no name for a file", name)
    flags = os.O_RDONLY | os.O_DIRECTORY
    fd = openat2(root, folder or "/", flags=flags, resolve=_RESOLVE)
    try:
        if not stat.S_ISREG(os.stat(old, dir_fd=fd, follow_symlinks=False).st_mode):
            raise OSError(errno.EINVAL, "is no regular file", path)
        first, second = (ctypes.c_char_p(os.fsencode(each)) for each in (old, name))
        if LIBC.renameat2(fd, first, fd, second, _RENAME_NOREPLACE) < 0:
            raise last_error(path)
        os.fsync(fd)
    finally:
        os.close(fd)


def _mounted(node: str, fstype: str) -> int:
    end = time.monotonic() + _BUSY_S
    while True:
        try:
            return mount_writable(node, fstype)
        except OSError as error:
            if error.errno not in {errno.EBUSY, errno.EACCES} or time.monotonic() > end:
                raise
            if error.errno == errno.EACCES:
                allow(node)  # a worker that looked at it has had it refuse writes
        time.sleep(_BUSY_STEP_S)
