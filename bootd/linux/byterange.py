"""A stretch of a file or block device as a source of bytes, for readers that need no mount."""

import os


class ByteRange:
    """`bootd.disk.volume.ByteSource` over a descriptor; does not own it.

    Args:
        fd: Open for reading.
        start: First byte of the stretch.
        size: Length of the stretch in bytes, or None up to the end.
    """

    def __init__(self, fd: int, start: int = 0, size: int | None = None) -> None:
        self._fd = fd
        self._start = start
        self._size = os.lseek(fd, 0, os.SEEK_END) - start if size is None else size

    def read_at(self, offset: int, size: int, /) -> bytes:
        """Return `size` bytes from `offset`; fewer only at the end of the stretch."""
        size = min(size, self._size - offset)
        return b"" if offset < 0 or size <= 0 else os.pread(self._fd, size, self._start + offset)
