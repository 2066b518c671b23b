"""Landlock: a process takes the file system away from itself, without any right.

Source: Documentation/userspace-api/landlock.rst, include/uapi/linux/landlock.h; Linux 5.13 and
later, where it is one of the security modules that run (`lsm=`).
"""

import ctypes
import os
from collections.abc import Iterable
from typing import Final

from bootd.linux.libc import syscall

_NR_CREATE_RULESET: Final = 444
_NR_ADD_RULE: Final = 445
_NR_RESTRICT_SELF: Final = 446

_VERSION: Final = 1
_PATH_BENEATH: Final = 1

READ_FILE: Final = 1 << 2
READ_DIR: Final = 1 << 3

_FILE_RIGHTS: Final = (1 << 13, 1 << 14, 1 << 15, 1 << 15, 1 << 16)
"""One above the greatest right that ABI 1, 2 (REFER), 3 (TRUNCATE), 4, and 5 (IOCTL_DEV) knows."""
_NET_RIGHTS: Final = 3
"""Bind and connect of TCP, from ABI 4."""
_SCOPES: Final = 3
"""Abstract sockets and signals that leave the domain, from ABI 6."""


class _Attributes(ctypes.Structure):
    """struct landlock_ruleset_attr; older kernels know fewer of its members."""

    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    """struct landlock_path_beneath_attr."""

    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def version() -> int:
    """Return the ABI that the running kernel has, or 0 without Landlock."""
    nothing = ctypes.c_void_p(None)
    try:
        return syscall("landlock", _NR_CREATE_RULESET, nothing, 0, _VERSION)
    except OSError:  # ENOSYS: not built in, or older; EOPNOTSUPP: built in but not running
        return 0


def restrict(abi: int, readable: Iterable[int]) -> None:
    """Allow this process nothing but to read below some directories; needs no_new_privs.

    What is open stays usable. TCP, and signals to processes outside, go as well where the kernel
    can tell.

    Args:
        abi: Of `version`, at least 1.
        readable: Descriptors of directories or files; stay the caller's.

    Raises:
        OSError: From the kernel; the process must end then.
    """
    attributes = _Attributes(
        handled_access_fs=_FILE_RIGHTS[min(abi, len(_FILE_RIGHTS)) - 1] - 1,
        handled_access_net=_NET_RIGHTS if abi >= 4 else 0,
        scoped=_SCOPES if abi >= 6 else 0,
    )
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = syscall("landlock", _NR_CREATE_RULESET, ctypes.byref(attributes), size, 0)
    try:
        for fd in readable:
            rule = _PathBeneath(READ_FILE | READ_DIR, fd)
            syscall("landlock", _NR_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
        syscall("landlock", _NR_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
