"""Files in memory, memfd_create(2), that outlive the function that made them."""

import os
from collections.abc import Iterable


def filled(name: str, pieces: Iterable[bytes]) -> int:
    """Write pieces to a new memory file, at most one of them in memory at a time.

    Args:
        name: For /proc/self/fd.
        pieces: Its content.

    Returns:
        A file descriptor at offset 0, which is the caller's.

    Raises:
        OSError: There is no room. Errors of `pieces` come through.
    """
    fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(fd, rest) :]
        os.lseek(fd, 0, os.SEEK_SET)
    except BaseException:
        os.close(fd)
        raise
    return fd
