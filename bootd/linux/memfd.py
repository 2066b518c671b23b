"""Files in memory, memfd_create(2), that outlive the function that made them."""

import errno
import fcntl
import os
from collections.abc import Iterable
from typing import Final

_SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def filled(name: str, pieces: Iterable[bytes]) -> int:
    """Write pieces to a new memory file, at most one of them in memory at a time, and seal it.

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
        seal(fd)
    except BaseException:
        os.close(fd)
        raise
    return fd


def seal(fd: int) -> None:
    """Let nobody change a memory file any more, for good.

    Raises:
        OSError: EPERM where it was made without sealing, EINVAL for another kind of file.
    """
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)


def content(fd: int, limit: int) -> bytes:
    """Return all of a memory file that nobody can change any more, whoever else has it open.

    Args:
        fd: Stays the caller's; its offset is not moved.
        limit: In bytes.

    Raises:
        OSError: EPERM when it is not sealed, EFBIG past the limit, EINVAL for another kind of file.
    """
    if fcntl.fcntl(fd, fcntl.F_GET_SEALS) & _SEALS != _SEALS:
        raise OSError(errno.EPERM, "a memory file that may still change")
    if os.fstat(fd).st_size > limit:
        raise OSError(errno.EFBIG, f"a memory file of more than {limit} bytes")
    return os.pread(fd, limit, 0)
