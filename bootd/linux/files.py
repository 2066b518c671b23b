"""Files as buffers: mapped, written to memory files, joined; never copied through Python."""

import mmap
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from bootd.linux import memfd

_COPY_BYTES: Final = 16 << 20


@contextmanager
def mapped(fd: int) -> Iterator[mmap.mmap]:
    """Map a whole regular file privately; its pages are shared with the page cache.

    The mapping is writable so that ctypes can take its address, and must not be written to.

    Args:
        fd: Open for reading; stays the caller's, and may be closed at once.

    Raises:
        OSError: It cannot be mapped.
        ValueError: The file is empty.
    """
    area = mmap.mmap(fd, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    try:
        yield area
    finally:
        # Views that ctypes took live until their cycle is collected, and would make close() raise;
        # the mapping then goes with them.
        with suppress(BufferError):
            area.close()


@contextmanager
def memory_file(name: str, pieces: Iterable[bytes]) -> Iterator[int]:
    """Write pieces to a new memory file, at most one of them in memory at a time.

    Yields:
        A file descriptor at offset 0; it is closed at the end.

    Raises:
        OSError: There is no room. Errors of `pieces` come through.
    """
    fd = memfd.filled(name, pieces)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def joined(name: str, fds: Iterable[int], align: int = 4) -> Iterator[int]:
    """Copy whole files one after the other to a new memory file, inside the kernel.

    Args:
        name: For /proc/self/fd.
        fds: Open for reading; their offsets are not moved.
        align: Each but the first starts at a multiple of this; zeros are between.

    Yields:
        A file descriptor at offset 0; it is closed at the end.

    Raises:
        OSError: There is no room, or a medium failed.
    """
    target = os.memfd_create(name, os.MFD_CLOEXEC)
    try:
        for fd in fds:
            end = os.lseek(target, 0, os.SEEK_CUR)
            os.lseek(target, -end % align, os.SEEK_CUR)
            _append(target, fd)
        os.lseek(target, 0, os.SEEK_SET)
        yield target
    finally:
        os.close(target)


def _append(target: int, fd: int) -> None:
    offset = 0
    while count := os.sendfile(target, fd, offset, _COPY_BYTES):
        offset += count
