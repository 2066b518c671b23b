"""The C library, and system calls that it has no function for.

Numbers of calls added since Linux 5.0 are the same on every architecture
(include/uapi/asm-generic/unistd.h); the older ones stand in tables beside their functions.
"""

import ctypes
import os
from typing import Final

LIBC: Final = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long


def syscall(name: str, number: int, *args: object) -> int:
    """Make a system call and return its result.

    Args:
        name: For the error message.
        number: On this architecture.
        args: ctypes values or pointers; a plain int is passed as long.

    Raises:
        OSError: With errno, and `name` as its file name.
    """
    words = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    result = int(LIBC.syscall(ctypes.c_long(number), *words))
    if result < 0:
        raise last_error(name)
    return result


def last_error(name: str) -> OSError:
    """Return the error of the C call just made, as an exception to raise."""
    errno = ctypes.get_errno()
    return OSError(errno, os.strerror(errno), name)
