"""The kernel as a file that a loader can use: as it is, or unpacked into memory."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from bootd.errors import LoadError
from bootd.images import HEAD_BYTES, ImageInfo, gzip, identify, require
from bootd.linux import files, meminfo
from bootd.loaders.request import LoadRequest

MAX_UNPACKED_BYTES = 512 << 20
"""A kernel may unpack to this, or to half of what memory is free (DESIGN.md, limits)."""


@contextmanager
def opened(request: LoadRequest, fd: int) -> Iterator[tuple[int, ImageInfo]]:
    """Give a file with the bare kernel in it, and what that kernel's own header says.

    The header is read again here: what was checked before may have been another file.

    Yields:
        A file descriptor at offset 0, closed at the end when it is not `fd` itself.

    Raises:
        ImageError: Damaged, too large, or for another architecture.
        OSError: The medium failed, or there is no memory.
    """
    if request.kernel.compression != gzip.NAME:
        yield fd, _identify(request, fd)
        return
    limit = min(MAX_UNPACKED_BYTES, meminfo.read().get("MemAvailable", 0) // 2)
    os.lseek(fd, 0, os.SEEK_SET)
    with files.memory_file("kernel", gzip.unpack(lambda size: os.read(fd, size), limit)) as bare:
        yield bare, _identify(request, bare)


def _identify(request: LoadRequest, fd: int) -> ImageInfo:
    found = identify(os.pread(fd, HEAD_BYTES, 0), os.fstat(fd).st_size)
    require(found, os.uname().machine)
    if found.compression or found.kind != request.kernel.kind:
        raise LoadError("the kernel file changed while it was being loaded")
    return found
