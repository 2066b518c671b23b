"""The kernel as a file that a loader can use: as it is, or taken out and unpacked into memory."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from bootd.errors import ImageError, LoadError
from bootd.images import ImageInfo, inspect, payload, require
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
    outer = _inspect(fd)
    if outer.kind != request.kernel.kind or outer.compression != request.kernel.compression:
        raise LoadError("the kernel file changed while it was being loaded")
    if payload.is_bare(outer):
        os.lseek(fd, 0, os.SEEK_SET)
        yield fd, _checked(outer)
        return
    limit = min(MAX_UNPACKED_BYTES, meminfo.read().get("MemAvailable", 0) // 2)
    pieces = payload.bare(outer, lambda offset, size: os.pread(fd, size, offset), limit)
    with files.memory_file("kernel", pieces) as bare:
        found = _inspect(bare)
        if found.compression or found.kind != outer.kind:
            raise ImageError("the kernel in the file is packed twice, or of another kind")
        yield bare, _checked(found)


def _inspect(fd: int) -> ImageInfo:
    return inspect(lambda offset, size: os.pread(fd, size, offset), os.fstat(fd).st_size)


def _checked(info: ImageInfo) -> ImageInfo:
    require(info, os.uname().machine)
    return info
